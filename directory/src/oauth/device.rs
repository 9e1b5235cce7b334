//! Letting a device in: it shows a code, a person who is signed in elsewhere types it and says yes (RFC 8628).

use std::time::Duration;

use domain::{
    DeviceRequestId, Permission,
    audit::AuditAction,
    device::device,
    oauth::{Client, DEVICE_CODE, POLL_INTERVAL, UserCode},
    view::DeviceRequestView,
};
use uuid::Uuid;

use super::{Code, client, refused, scopes};
use crate::{
    Call, Db, Error, OrgScope,
    secret::{Credential, Kind, SecretHash},
    sessions::SignedIn,
    store::{
        self,
        audit::Target,
        db::Tx,
        device_requests::{DeviceRequest, NewRequest},
    },
    throttle::Attempt,
};

/// What a device is told (RFC 8628 §3.2).
#[derive(Debug)]
pub struct DeviceAuthorization {
    /// What it asks for its tokens with.
    pub device_code: String,
    /// What it shows to the person.
    pub user_code: String,
    /// How long it has.
    pub expires_in: Duration,
    /// How long it waits between two questions.
    pub interval: Duration,
}

/// A device asks to be let in. Anybody may ask; nobody is let in by asking.
///
/// # Errors
/// [`Error::Refused`] for a client or scope that there is not.
pub async fn authorize(db: &Db, client_id: &str, scope: &str, call: &Call) -> Result<DeviceAuthorization, Error> {
    let (client, scopes) = (client(client_id)?, scopes(scope)?);
    db.retrying(|| async {
        let tx = db.begin_outside().await?;
        let agent = match client {
            Client::CommandLine => None,
            Client::Agent(agent) => {
                let org = store::device_requests::org_of_agent(&tx, agent).await?;
                let org = org.ok_or_else(|| refused(Code::InvalidClient, "There is no agent of this id."))?;
                Some((org, agent))
            }
        };
        let id: DeviceRequestId = call.new_id();
        tx.about_device(id).await?;
        let minted = Credential::mint(Kind::Device, id, call);
        let user_code = new_user_code(call);
        let request = NewRequest {
            id,
            hash: &minted.hash,
            user_code: &hash_of(&user_code),
            client: &client.to_string(),
            agent,
            scopes: &scopes,
            now: call.now,
            expires_at: call.now + DEVICE_CODE,
            interval: POLL_INTERVAL,
            ip: call.ip.as_deref(),
            user_agent: call.user_agent.as_deref(),
        };
        store::device_requests::insert(&tx, request).await?;
        tx.commit().await?;
        Ok(DeviceAuthorization {
            device_code: minted.secret.reveal(),
            user_code: user_code.to_string(),
            expires_in: DEVICE_CODE,
            interval: POLL_INTERVAL,
        })
    })
    .await
}

fn new_user_code(call: &Call) -> UserCode {
    loop {
        // Of 16 bytes nearly always 8 count: one in 16 does not.
        if let Some(code) = UserCode::from_random(&call.random::<16>()) {
            return code;
        }
    }
}

fn hash_of(code: &UserCode) -> SecretHash {
    SecretHash::of(code.key().as_bytes())
}

/// What asks with this code, for the person who is about to say yes or no. Guesses count, as they do at sign-in.
///
/// # Errors
/// [`Error::NotFound`] for a code that nobody asks with, one that was answered or has ended, or one of another
/// organisation's agent.
pub async fn look(db: &Db, who: &SignedIn, scope: OrgScope, user_code: &str, call: &Call) -> Result<DeviceRequestView, Error> {
    let code: UserCode = user_code.parse()?;
    let attempt = Attempt::at_user_code(who.account, call);
    attempt.begin(db, call.now).await?;
    let tx = db.read(scope).await?;
    let request = store::device_requests::pending(&tx, &hash_of(&code), call.now, false).await?;
    let (request, client) = of_org(&tx, request).await?;
    drop(tx);
    attempt.succeeded(db).await?;
    Ok(DeviceRequestView {
        now: call.now,
        user_code: code.to_string(),
        org_name: who.org_name.clone(),
        client,
        scopes: request.scopes,
        device: device(request.user_agent.as_deref()),
        ip: request.ip,
        asked_at: request.asked_at,
        expires_at: request.expires_at,
    })
}

/// Let the device in that asks with this code, for the membership of this session.
///
/// # Errors
/// [`Error::NotFound`] as with [`look`]; [`Error::Denied`] for an agent that she may not use.
pub async fn approve(db: &Db, who: &SignedIn, scope: OrgScope, user_code: &str, call: &Call) -> Result<(), Error> {
    answer(db, who, scope, user_code, true, call).await
}

/// Do not let it in.
pub async fn deny(db: &Db, who: &SignedIn, scope: OrgScope, user_code: &str, call: &Call) -> Result<(), Error> {
    answer(db, who, scope, user_code, false, call).await
}

async fn answer(db: &Db, who: &SignedIn, scope: OrgScope, user_code: &str, yes: bool, call: &Call) -> Result<(), Error> {
    let code: UserCode = user_code.parse()?;
    let attempt = Attempt::at_user_code(who.account, call);
    attempt.begin(db, call.now).await?;
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm(&tx, Permission::Enter).await?;
        let request = store::device_requests::pending(&tx, &hash_of(&code), call.now, true).await?;
        let (request, client) = of_org(&tx, request).await?;
        let action = if yes {
            if let Some((_, agent)) = request.agent
                && !super::acting::reaches(&tx, who.membership, agent).await?
            {
                return Err(Error::Denied);
            }
            store::device_requests::approve(&tx, request.id, who.membership).await?;
            AuditAction::DeviceApproved
        } else {
            store::device_requests::deny(&tx, request.id, call.now).await?;
            AuditAction::DeviceDenied
        };
        let details = [
            Some(("scope".to_owned(), request.scopes.to_string())),
            Some(("device".to_owned(), device(request.user_agent.as_deref()))),
            request.ip.map(|ip| ("asked from".to_owned(), ip)),
        ];
        let target = Target { kind: "client", id: Uuid::from(request.id), name: client };
        crate::audit::append(&tx, action, &who.actor(), Some(target), details.into_iter().flatten().collect(), call).await?;
        tx.commit().await
    })
    .await?;
    // The answer is given already: that the guess could not be taken back is no reason to say otherwise.
    if let Err(error) = attempt.succeeded(db).await {
        tracing::warn!(%error, "a good code stays counted as an attempt");
    }
    Ok(())
}

/// The request, if it is one that this organisation may answer, and what its client is called there.
async fn of_org(tx: &Tx, request: Option<DeviceRequest>) -> Result<(DeviceRequest, String), Error> {
    let request = request.ok_or(Error::NotFound("code"))?;
    let agent = match request.agent {
        // Looked up in this organisation: another's agent is not there.
        Some((_, agent)) => Some(store::agents::find(tx, agent).await?.ok_or(Error::NotFound("code"))?.name),
        None => None,
    };
    Ok((request, store::api_sessions::client_name(agent)))
}
