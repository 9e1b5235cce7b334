//! What programs fail with: the organisation whose secret it was, or of one of whose secrets somebody knew the public id, hears of it.

use domain::{AgentId, MembershipId, OrgId, audit::AuditAction, receipt::SecretState};
use uuid::Uuid;

use crate::{
    Call, Db, Error,
    failed_attempts::{self, About, Attempts},
    secret::{Credential, Kind},
    store::{self, api_sessions, audit::Target, db::Tx, ended_tokens},
};

/// A secret that a program showed and that was not good. Of its form is all that is known of it.
pub struct Shown(Credential);

impl Shown {
    /// What was shown, if it can be a secret of anybody's.
    pub fn read(text: &str) -> Option<Self> {
        Credential::parse(text).map(Self)
    }

    /// Its public id, as a number.
    pub fn id(&self) -> u128 {
        self.0.id.as_u128()
    }

    /// Whether it is the same secret, and not the same id only.
    pub fn is(&self, other: &Self) -> bool {
        self.0.id == other.0.id && self.0.hash.matches(&other.0.hash)
    }
}

/// Who showed it, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// A program, to be let in by it.
    Program,
    /// A service of this organisation, which was shown it and asks what it is good for.
    Service(OrgId),
    /// A program that wants it to end. It does, or has, if it is the right secret: that is nothing to tell.
    Revocation,
}

/// Whose secret it is, and what is wrong with it.
struct Found {
    org: OrgId,
    what: &'static str,
    right: bool,
    /// What is wrong with it if it is the right one.
    wrong: &'static str,
    target: Option<Target>,
}

/// Note in the audit log of the organisation that the secret is of that somebody has shown it so many times, or its public id with a wrong
/// secret. An access token that has expired is nothing to tell: that happens to every client every ten minutes. One that names nothing
/// concerns nobody. Where another organisation's service was shown it, no more is told of that than this. Called after the answer was
/// given, so that it takes no part in the answer's time.
pub async fn note_failures(db: &Db, shown: &Shown, by: By, attempts: &Attempts, call: &Call) -> Result<(), Error> {
    let Some(Found { org, what, right, wrong, target }) = find(db, &shown.0, call).await? else { return Ok(()) };
    if right && by == By::Revocation {
        return Ok(());
    }
    let mut why = if right { format!("{what} {wrong}") } else { format!("the id of {what}, and a wrong secret") };
    let (mut attempts, mut call) = (attempts.clone(), call.clone());
    if let By::Service(asks) = by {
        why += ", shown to a service";
        if asks != org {
            attempts = attempts.without_address();
            (call.ip, call.user_agent, call.request_id) = (None, None, None);
        }
    }
    let key = format!("{} {why}", shown.0.id);
    let about = About { claims: None, why: Some(why), target, right_secret: right };
    failed_attempts::note_for(db, org, AuditAction::ApiAuthenticationFailed, &key, &about, &attempts, &call).await
}

async fn find(db: &Db, shown: &Credential, call: &Call) -> Result<Option<Found>, Error> {
    match shown.kind {
        Kind::Service => service_credential(db, shown, call).await,
        Kind::Device => device_code(db, shown).await,
        Kind::Provisioning => provisioning_token(db, shown).await,
        Kind::Access | Kind::Refresh | Kind::Personal => {
            let tx = api_sessions::enter(db.read_outside().await?, shown.kind, shown.id).await?;
            let live = match shown.kind {
                Kind::Personal => personal_token(&tx, shown, call).await?,
                _ => session_token(&tx, shown, call).await?,
            };
            // No connection is held while another is asked for.
            drop(tx);
            match live {
                Some(live) => Ok(live),
                None => ended_token(db, shown, call).await,
            }
        }
    }
}

async fn service_credential(db: &Db, shown: &Credential, call: &Call) -> Result<Option<Found>, Error> {
    let tx = db.read_outside().await?;
    let found = store::service_credentials::present(&tx, shown.id, call.now).await?;
    Ok(found.map(|found| {
        let wrong = match found.state {
            SecretState::Revoked { .. } => "that was revoked",
            SecretState::Replaced { .. } => "in whose place there is another",
            _ => "that works, but not here or not under this client’s id",
        };
        let target = Some(Target { kind: "service_credential", id: shown.id, name: found.name });
        Found { org: found.org, what: "a service credential", right: shown.matches(Some(&found.hash)), wrong, target }
    }))
}

async fn device_code(db: &Db, shown: &Credential) -> Result<Option<Found>, Error> {
    let tx = db.read_outside().await?;
    let Some((hash, Some(org))) = store::device_requests::glimpse(&tx, shown.id.into()).await? else { return Ok(None) };
    let wrong = "of another client, or of somebody who may not act or not use the agent";
    Ok(Some(Found { org, what: "a device code", right: shown.matches(Some(&hash)), wrong, target: None }))
}

async fn provisioning_token(db: &Db, shown: &Credential) -> Result<Option<Found>, Error> {
    let tx = db.read_outside().await?;
    let found = store::tokens::present(&tx, shown.id.into()).await?.filter(|found| found.id == shown.id.into());
    Ok(found.map(|found| {
        let target = Some(Target { kind: "token", id: shown.id, name: found.name });
        let wrong = "where only tokens of people and services are good";
        Found { org: found.org, what: "a provisioning token", right: shown.matches(Some(&found.hash)), wrong, target }
    }))
}

/// `None`: there is no such token. `Some(None)`: there is nothing to tell of it.
async fn personal_token(tx: &Tx, shown: &Credential, call: &Call) -> Result<Option<Option<Found>>, Error> {
    let Some(found) = store::personal_tokens::shown(tx, shown.id.into()).await? else { return Ok(None) };
    let wrong = if found.expires_at <= call.now { EXPIRED } else { standing(tx, found.membership, None).await? };
    let target = Some(Target { kind: "personal_token", id: shown.id, name: found.name });
    Ok(Some(Some(Found { org: tx.org(), what: "a personal token", right: shown.matches(Some(&found.hash)), wrong, target })))
}

/// The same for an access or refresh token.
async fn session_token(tx: &Tx, shown: &Credential, call: &Call) -> Result<Option<Option<Found>>, Error> {
    let found = match shown.kind {
        Kind::Refresh => api_sessions::refresh_token(tx, shown.id).await?,
        _ => api_sessions::by_token(tx, shown.kind, shown.id).await?,
    };
    let Some(found) = found else { return Ok(None) };
    let right = shown.matches(Some(&found.hash));
    let expired = found.expires_at.min(found.session_expires_at) <= call.now;
    let wrong = match shown.kind {
        Kind::Access if right && expired => return Ok(Some(None)),
        _ if expired => EXPIRED,
        Kind::Refresh if found.used => "that was used up",
        _ => standing(tx, found.membership, found.agent).await?,
    };
    Ok(Some(Some(Found { org: found.org, what: called(shown.kind), right, wrong, target: Some(session(found.session.into())) })))
}

const EXPIRED: &str = "that has expired";

/// Why the token of this membership, for this agent if it is one's, is no good although it has neither ended nor expired.
async fn standing(tx: &Tx, membership: MembershipId, agent: Option<AgentId>) -> Result<&'static str, Error> {
    if !store::sessions::may_act(tx, membership).await? {
        return Ok("of somebody who may not act");
    }
    match agent {
        Some(agent) if !super::acting::reaches(tx, membership, agent).await? => Ok("for an agent that its person may not use"),
        _ => Ok("that is good, but not here or not for this client"),
    }
}

async fn ended_token(db: &Db, shown: &Credential, call: &Call) -> Result<Option<Found>, Error> {
    let tx = ended_tokens::enter(db.read_outside().await?, shown.id).await?;
    let Some(ended) = ended_tokens::find(&tx, shown.kind, shown.id).await? else { return Ok(None) };
    let right = shown.matches(Some(&ended.hash));
    let expired = ended.expires_at <= call.now;
    if right && expired && shown.kind == Kind::Access {
        return Ok(None);
    }
    let wrong = if expired { EXPIRED } else { "that was ended" };
    let named = |name| Target { kind: "personal_token", id: shown.id, name };
    let target = ended.session.map(session).or(ended.name.map(named));
    Ok(Some(Found { org: tx.org(), what: called(shown.kind), right, wrong, target }))
}

fn called(kind: Kind) -> &'static str {
    match kind {
        Kind::Refresh => "a refresh token",
        Kind::Personal => "a personal token",
        _ => "an access token",
    }
}

/// The client's session: where its beginning is in the log, its id leads there.
fn session(id: Uuid) -> Target {
    Target { kind: "api_session", id, name: format!("API session {id}") }
}
