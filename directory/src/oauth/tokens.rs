//! Tokens of clients that were let in: the first ones, the next ones, and their end.

use std::time::Duration;

use domain::{
    ApiSessionId, MemberId, MembershipId,
    audit::AuditAction,
    oauth::{ACCESS_TOKEN, API_SESSION, Client, POLL_INTERVAL, REFRESH_TOKEN, Scopes},
};
use uuid::Uuid;

use super::{Code, TokenSet, client, refused, scopes};
use crate::{
    Actor, Call, Db, Error, OrgScope,
    secret::{Credential, Kind},
    store::{
        self,
        api_sessions::{NewSession, NewToken, OfToken},
        audit::Target,
        db::Tx,
        device_requests::DeviceRequest,
    },
};

/// Refreshes of one session within [`RENEWALS_WINDOW`], over all nodes. A token that is turned away for this is not used up.
const MOST_RENEWALS: i64 = 30;
const RENEWALS_WINDOW: Duration = Duration::from_secs(600);

fn no_grant() -> Error {
    refused(Code::InvalidGrant, "The code or token is not good any more, or is not this client's. Ask the person to let you in again.")
}

/// A device asks whether it was let in (RFC 8628 §3.4). Its code is used up by the tokens that it gets.
pub async fn redeem(db: &Db, client_id: &str, device_code: &str, call: &Call) -> Result<TokenSet, Error> {
    let client = client(client_id)?;
    let code = Credential::of_kind(Kind::Device, device_code).ok_or_else(no_grant)?;
    // Looked at first: whoever makes codes up takes no writer from anybody.
    let outside = db.read_outside().await?;
    let glimpse = store::device_requests::glimpse(&outside, code.id.into()).await?;
    drop(outside);
    if !code.matches(glimpse.as_ref().map(|(hash, _)| hash)) {
        return Err(no_grant());
    }
    let waiting = db
        .retrying(|| async {
            let tx = db.begin_outside().await?;
            // Let in since: it is an organisation's now, and nobody else's.
            let let_into = store::device_requests::glimpse(&tx, code.id.into()).await?.and_then(|(_, org)| org);
            let tx = tx.in_scope(let_into.map_or_else(OrgScope::nobody, OrgScope::new)).await?;
            tx.about_device(code.id.into()).await?;
            let request = store::device_requests::lock(&tx, code.id.into()).await?;
            if request.is_none() && store::device_requests::is_there(&tx, code.id.into()).await? {
                return Err(Error::Stale);
            }
            let right = code.matches(request.as_ref().map(|request| &request.hash));
            let request = request.filter(|request| right && request.client == client.to_string()).ok_or_else(no_grant)?;
            let answer = match &request {
                _ if request.expires_at <= call.now => Some(refused(Code::ExpiredToken, "Nobody answered in time. Ask for another code.")),
                _ if request.denied => Some(refused(Code::AccessDenied, "The person said no.")),
                DeviceRequest { approved: Some(_), .. } => None,
                _ => {
                    let hurried = request.polled_at.is_some_and(|polled| polled + request.interval > call.now);
                    let interval = if hurried { request.interval + POLL_INTERVAL } else { request.interval };
                    store::device_requests::polled(&tx, request.id, call.now, interval).await?;
                    tx.commit().await?;
                    return Ok(Err(match hurried {
                        true => refused(Code::SlowDown, "Wait five seconds longer between two questions from now on."),
                        false => refused(Code::AuthorizationPending, "Nobody has answered yet. Ask again after the interval."),
                    }));
                }
            };
            if answer.is_some() {
                store::device_requests::delete(&tx, request.id).await?;
                tx.commit().await?;
            }
            Ok(answer.map_or_else(|| request.approved.ok_or_else(no_grant), Err))
        })
        .await?;
    let (org, membership) = waiting?;

    db.retrying(|| async {
        let tx = db.begin(OrgScope::new(org)).await?;
        let person = live(&tx, membership).await?;
        // Read anew under the lock of the membership that it hangs off: who left in between has none.
        let request =
            store::device_requests::lock(&tx, code.id.into()).await?.filter(|request| request.approved == Some((org, membership)));
        let request = request.ok_or_else(no_grant)?;
        let agent = still_reached(&tx, membership, client).await?;
        store::device_requests::delete(&tx, request.id).await?;
        let session: ApiSessionId = call.new_id();
        let new = NewSession {
            id: session,
            membership,
            client: &request.client,
            agent: client.agent(),
            scopes: &request.scopes,
            now: call.now,
            expires_at: call.now + API_SESSION,
            ip: call.ip.as_deref(),
            user_agent: call.user_agent.as_deref(),
        };
        store::api_sessions::insert(&tx, new).await?;
        let tokens = mint(&tx, session, call.now + API_SESSION, request.scopes.clone(), call).await?;
        let details = vec![("scope".to_owned(), request.scopes.to_string())];
        let target = target(session, store::api_sessions::client_name(agent));
        crate::audit::append(&tx, AuditAction::ApiSessionBegan, &actor(&tx, person).await?, Some(target), details, call).await?;
        tx.commit().await?;
        Ok(tokens)
    })
    .await
}

/// The next tokens for a refresh token, which is used up by them (RFC 6749 §6, RFC 9700 §4.14). One that was used up already is a
/// copy in somebody's hands: all tokens of its session end, and that is audited. With a `scope`, the access token is for that alone;
/// the next one may be for all that was approved again.
pub async fn refresh(db: &Db, client_id: &str, refresh_token: &str, scope: Option<&str>, call: &Call) -> Result<TokenSet, Error> {
    let client = client(client_id)?;
    let narrowed = scope.map(scopes).transpose()?;
    let token = Credential::of_kind(Kind::Refresh, refresh_token).ok_or_else(no_grant)?;
    let seen = presented(db, &token).await?.filter(|seen| seen.client == client.to_string()).ok_or_else(no_grant)?;
    let answer = db
        .retrying(|| async {
            let tx = db.begin(OrgScope::new(seen.org)).await?;
            let person = live(&tx, seen.membership).await?;
            // Read anew under the membership's lock, which everything that ends or renews a session holds.
            let now = store::api_sessions::refresh_token(&tx, token.id).await?.ok_or_else(no_grant)?;
            if now.used {
                store::api_sessions::delete(&tx, now.membership, now.session).await?;
                let details = vec![("why".to_owned(), "a refresh token was shown a second time: somebody has a copy".to_owned())];
                let target = target(now.session, client_name(&tx, &now).await?);
                crate::audit::append(&tx, AuditAction::RefreshReplayed, &actor(&tx, person).await?, Some(target), details, call).await?;
                // The reaction is committed, and then answered with its error (law 7).
                tx.commit().await?;
                return Ok(None);
            }
            if now.expires_at <= call.now || now.session_expires_at <= call.now {
                return Err(no_grant());
            }
            // An access token lives for ten minutes: whoever renews it more often than that has gone wrong, or is not the client.
            let renewed = store::api_sessions::renewed_since(&tx, now.session, call.now - RENEWALS_WINDOW).await?;
            if renewed >= MOST_RENEWALS {
                return Err(Error::Throttled { retry_after: RENEWALS_WINDOW });
            }
            if narrowed.as_ref().is_some_and(|narrowed| !narrowed.within(&now.scopes)) {
                return Err(refused(Code::InvalidScope, "That is more than was approved."));
            }
            still_reached(&tx, now.membership, client).await?;
            if !store::api_sessions::use_up(&tx, token.id, call.now).await? {
                return Err(Error::Stale);
            }
            store::api_sessions::touch(&tx, now.session, call.now, call.ip.as_deref(), call.user_agent.as_deref()).await?;
            let tokens = mint(&tx, now.session, now.session_expires_at, narrowed.clone().unwrap_or(now.scopes), call).await?;
            tx.commit().await?;
            Ok(Some(tokens))
        })
        .await?;
    answer.ok_or_else(no_grant)
}

/// End what a token stands for (RFC 7009): a refresh token's whole session, one access token, a personal token. A token that is
/// not there has ended already, which is what was asked.
pub async fn revoke(db: &Db, text: &str, call: &Call) -> Result<(), Error> {
    let Some(token) = Credential::parse(text) else { return Ok(()) };
    match token.kind {
        Kind::Access | Kind::Refresh => {
            let Some(seen) = presented(db, &token).await? else { return Ok(()) };
            db.retrying(|| async {
                let tx = db.begin(OrgScope::new(seen.org)).await?;
                // Without a membership there is no token either.
                if store::members::lock_membership_by_id(&tx, seen.membership).await?.is_none() {
                    return Ok(());
                }
                if token.kind == Kind::Access {
                    store::api_sessions::delete_access_token(&tx, token.id).await?;
                } else if store::api_sessions::delete(&tx, seen.membership, seen.session).await? {
                    let target = target(seen.session, client_name(&tx, &seen).await?);
                    let details = vec![("by".to_owned(), "the client itself".to_owned())];
                    let actor = actor(&tx, seen.member).await?;
                    crate::audit::append(&tx, AuditAction::ApiSessionEnded, &actor, Some(target), details, call).await?;
                }
                tx.commit().await
            })
            .await
        }
        Kind::Personal => {
            let tx = store::api_sessions::enter(db.read_outside().await?, Kind::Personal, token.id).await?;
            let found = store::api_sessions::acting(&tx, Kind::Personal, token.id, call.now).await?;
            drop(tx);
            let right = token.matches(found.as_ref().map(|found| &found.hash));
            let Some(found) = found.filter(|_| right) else { return Ok(()) };
            db.retrying(|| async {
                let tx = db.begin(OrgScope::new(found.org)).await?;
                store::members::lock_membership_by_id(&tx, found.membership).await?;
                if let Some((name, hint)) = store::personal_tokens::delete(&tx, found.membership, token.id.into()).await? {
                    let target = Target { kind: "personal_token", id: token.id, name };
                    let details = vec![("ends in".to_owned(), hint), ("by".to_owned(), "whoever had the token".to_owned())];
                    let actor = actor(&tx, found.member).await?;
                    crate::audit::append(&tx, AuditAction::PersonalTokenRevoked, &actor, Some(target), details, call).await?;
                }
                tx.commit().await
            })
            .await
        }
        Kind::Provisioning | Kind::Service | Kind::Device => Ok(()),
    }
}

/// The session of this access or refresh token, if its secret is right.
async fn presented(db: &Db, token: &Credential) -> Result<Option<OfToken>, Error> {
    let tx = store::api_sessions::enter(db.read_outside().await?, token.kind, token.id).await?;
    let found = store::api_sessions::by_token(&tx, token.kind, token.id).await?;
    let right = token.matches(found.as_ref().map(|found| &found.hash));
    Ok(found.filter(|_| right))
}

/// The person of this membership, with its lock, if she may act.
async fn live(tx: &Tx, membership: MembershipId) -> Result<MemberId, Error> {
    let membership = store::members::lock_membership_by_id(tx, membership).await?.ok_or_else(no_grant)?;
    match store::sessions::may_act(tx, membership.id).await? {
        true => Ok(membership.member),
        false => Err(no_grant()),
    }
}

/// What the client's agent is called, if it is one: tokens are for agents that the person may use now.
async fn still_reached(tx: &Tx, membership: MembershipId, client: Client) -> Result<Option<String>, Error> {
    let Some(agent) = client.agent() else { return Ok(None) };
    if !super::acting::reaches(tx, membership, agent).await? {
        return Err(no_grant());
    }
    Ok(store::agents::find(tx, agent).await?.map(|agent| agent.name))
}

/// An access token for these scopes and the refresh token for the next one, neither beyond the session's end.
async fn mint(tx: &Tx, session: ApiSessionId, until: domain::Timestamp, scopes: Scopes, call: &Call) -> Result<TokenSet, Error> {
    let access_id: Uuid = call.new_id();
    let access = Credential::mint(Kind::Access, access_id, call);
    let token = NewToken { id: access_id, session, hash: &access.hash, now: call.now, expires_at: until.min(call.now + ACCESS_TOKEN) };
    store::api_sessions::insert_access_token(tx, token, &scopes).await?;
    let refresh_id: Uuid = call.new_id();
    let refresh = Credential::mint(Kind::Refresh, refresh_id, call);
    let token = NewToken { id: refresh_id, session, hash: &refresh.hash, now: call.now, expires_at: until.min(call.now + REFRESH_TOKEN) };
    store::api_sessions::insert_refresh_token(tx, token).await?;
    Ok(TokenSet { access_token: access.secret.reveal(), refresh_token: refresh.secret.reveal(), scopes })
}

/// The member, as the audit log names whoever acts.
async fn actor(tx: &Tx, member: MemberId) -> Result<Actor, Error> {
    let name = store::people::people(tx, &[member]).await?.pop().map_or_else(|| member.to_string(), |person| person.name);
    Ok(Actor::Member { id: member, name })
}

async fn client_name(tx: &Tx, session: &OfToken) -> Result<String, Error> {
    let agent = match session.agent {
        Some(agent) => store::agents::find(tx, agent).await?.map(|agent| agent.name),
        None => None,
    };
    Ok(store::api_sessions::client_name(agent))
}

fn target(session: ApiSessionId, client: String) -> Target {
    Target { kind: "api_session", id: Uuid::from(session), name: client }
}
