//! Provisioning tokens: issued, shown once, checked on every request, revoked.

use domain::{
    ConnectionId, MemberId, OrgId, Permission, TokenId,
    audit::AuditAction,
    token::{MOST_LIVE, TokenLifetime, TokenName},
    view::{IssuedToken, TokenView},
};
use uuid::Uuid;

use super::{connection, cursor::CursorKey};
use crate::{
    Actor, Call, Db, Error, OrgScope,
    secret::{Credential, Kind, Minted, Secret},
    sessions::SignedIn,
    store::{self, audit::Target, db::Tx, tokens::NewToken},
    throttle,
};

/// An identity provider whose token is good: leave to act in its organisation's directory.
#[derive(Clone, Debug)]
pub struct Provisioner {
    /// The organisation that the token belongs to.
    pub scope: OrgScope,
    /// Its connection.
    pub connection: ConnectionId,
    /// The token.
    pub token: TokenId,
    /// The organisation at whose URL the token works: its own, but for a drill's, which works at that of the real one.
    pub at: OrgId,
    /// Whether it is a drill's: then nobody real is behind anything that it does.
    pub drill: bool,
    pub(super) cursor_key: CursorKey,
    name: String,
}

impl Provisioner {
    /// Check again, in the transaction of a change, that the token still works: the request's body came after the token,
    /// and whoever sends it can make it last.
    pub(crate) async fn confirm(&self, tx: &Tx, call: &Call) -> Result<(), Error> {
        if store::tokens::works(tx, self.token, call.now).await? { Ok(()) } else { Err(Error::Unauthenticated) }
    }

    pub(crate) fn actor(&self) -> Actor {
        Actor::ProvisioningToken { id: self.token, name: self.name.clone() }
    }
}

/// Issue a token. Its secret is in the answer, this once.
pub async fn issue(db: &Db, who: &SignedIn, scope: OrgScope, name: String, lifetime: &str, call: &Call) -> Result<IssuedToken, Error> {
    let name = TokenName::try_from(name)?;
    let lifetime: TokenLifetime = lifetime.parse()?;
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm(&tx, Permission::ManageSecurity).await?;
        let (secret, id) = issue_in(&tx, &name, lifetime, &who.actor(), Some(who.member), call).await?;
        finish(tx, secret, id, call).await
    })
    .await
}

/// Revoke `token` and issue another of its name and lifetime, in one transaction.
pub async fn reissue(db: &Db, who: &SignedIn, scope: OrgScope, token: TokenId, call: &Call) -> Result<IssuedToken, Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm(&tx, Permission::ManageSecurity).await?;
        connection::enabled(&tx).await?;
        let (old, lifetime) = store::tokens::find(&tx, token, call.now).await?.ok_or(Error::NotFound("token"))?;
        revoke_in(&tx, &old, &who.actor(), call).await?;
        let name = TokenName::try_from(old.name)?;
        let (secret, id) = issue_in(&tx, &name, lifetime, &who.actor(), Some(who.member), call).await?;
        finish(tx, secret, id, call).await
    })
    .await
}

/// Revoke `token`: the next request with it is refused. Revoking it again is harmless and is not audited twice.
pub async fn revoke(db: &Db, who: &SignedIn, scope: OrgScope, token: TokenId, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm(&tx, Permission::ManageSecurity).await?;
        let (old, _) = store::tokens::find(&tx, token, call.now).await?.ok_or(Error::NotFound("token"))?;
        revoke_in(&tx, &old, &who.actor(), call).await?;
        tx.commit().await
    })
    .await
}

async fn finish(tx: Tx, secret: Secret, id: TokenId, call: &Call) -> Result<IssuedToken, Error> {
    let (token, _) = store::tokens::find(&tx, id, call.now).await?.ok_or(Error::Stale)?;
    tx.commit().await?;
    Ok(IssuedToken { secret: secret.reveal(), token })
}

pub(crate) async fn issue_in(
    tx: &Tx,
    name: &TokenName,
    lifetime: TokenLifetime,
    actor: &Actor,
    member: Option<MemberId>,
    call: &Call,
) -> Result<(Secret, TokenId), Error> {
    // The connection's lock is held, so that two owners cannot each issue the second token.
    let connection = connection::enabled(tx).await?;
    if store::tokens::count_live(tx, call.now).await? >= MOST_LIVE {
        return Err(Error::Conflict("Two tokens are live, which is the most. Revoke one that is no longer used.".to_owned()));
    }
    let id: TokenId = call.new_id();
    let Minted { secret, hash, hint } = Credential::mint(Kind::Provisioning, id, call);
    let created_by = actor.name();
    let token = NewToken {
        id,
        connection,
        name: name.as_str(),
        hash: &hash,
        hint: &hint,
        lifetime,
        created_by: &created_by,
        created_by_member: member,
        now: call.now,
    };
    store::tokens::insert(tx, token).await?;
    let details = vec![("ends in".to_owned(), hint.clone()), ("lives for".to_owned(), lifetime.to_string())];
    crate::audit::append(tx, AuditAction::TokenIssued, actor, Some(target(id, name.as_str())), details, call).await?;
    Ok((secret, id))
}

async fn revoke_in(tx: &Tx, token: &TokenView, actor: &Actor, call: &Call) -> Result<(), Error> {
    if store::tokens::revoke(tx, token.id, call.now).await? {
        let details = vec![("ends in".to_owned(), token.hint.clone())];
        crate::audit::append(tx, AuditAction::TokenRevoked, actor, Some(target(token.id, &token.name)), details, call).await?;
    }
    Ok(())
}

fn target(id: TokenId, name: &str) -> Target {
    Target { kind: "token", id: Uuid::from(id), name: name.to_owned() }
}

/// Check the credential of a SCIM request to the URL of organisation `org`.
///
/// `authorization` is the header's value. Okta's wizard has people type `Bearer <token>` where Okta adds the word
/// itself, or the token alone where it does not: a doubled word is taken, and so is none.
///
/// # Errors
/// [`Error::Unauthenticated`] for everything that is wrong: missing, malformed, unknown, expired, revoked, SCIM
/// disabled, another organisation's (law 1). [`Error::Unavailable`] when the store cannot say.
pub async fn authenticate(db: &Db, org: &str, authorization: Option<&str>, call: &Call) -> Result<Provisioner, Error> {
    let token = authorization.and_then(bearer);
    let token = token.and_then(|text| Credential::of_kind(Kind::Provisioning, text)).ok_or(Error::Unauthenticated)?;
    let tx = db.read_outside().await?;
    let found = store::tokens::present(&tx, token.id.into()).await?;
    drop(tx);
    let right = token.matches(found.as_ref().map(|found| &found.hash));
    let Some(found) = found.filter(|found| {
        right
            && found.enabled
            && !found.revoked
            && found.expires_at > call.now
            && found.retires_at.is_none_or(|retires| retires > call.now)
            && found.at.is_some_and(|at| at.to_string() == org)
    }) else {
        return Err(Error::Unauthenticated);
    };
    let scope = OrgScope::new(found.org);
    let noted = found.last_used_at.is_some_and(|used| used > call.now - store::tokens::USED_EVERY) && found.last_used_ip == call.ip;
    if !noted {
        db.retrying(|| async {
            let tx = db.begin(scope).await?;
            store::tokens::used(&tx, found.id, call.now, call.ip.as_deref()).await?;
            tx.commit().await
        })
        .await?;
    }
    Ok(Provisioner {
        scope,
        connection: found.connection,
        token: found.id,
        at: found.at.unwrap_or(found.org),
        drill: found.drill,
        cursor_key: CursorKey::of(&found.hash),
        name: found.name,
    })
}

/// The token in an `Authorization` header.
fn bearer(header: &str) -> Option<&str> {
    let mut rest = header.trim();
    for _ in 0..2 {
        if let Some((word, after)) = rest.split_once(' ')
            && word.eq_ignore_ascii_case("bearer")
        {
            rest = after.trim_start();
        }
    }
    rest.starts_with(Kind::Provisioning.prefix()).then_some(rest)
}

/// Note in the organisation's audit log that a request to its URL had no valid token. Does nothing for a URL that is no
/// organisation's. Called after the answer was given, so that it takes no part in the answer's time.
pub async fn note_failure(db: &Db, org: &str, call: &Call) -> Result<(), Error> {
    let Ok(org) = org.parse::<OrgId>() else { return Ok(()) };
    let scope = OrgScope::new(org);
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        if !store::organizations::exists(&tx, org).await? {
            return Ok(());
        }
        let network = throttle::network(call.ip.as_deref().unwrap_or_default());
        if let Some(details) = throttle::worth_noting(&tx, "scim_note", &network, call).await? {
            crate::audit::append(&tx, AuditAction::ScimAuthenticationFailed, &Actor::Anonymous { claims: None }, None, details, call)
                .await?;
        }
        tx.commit().await
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::bearer;

    #[test]
    fn the_word_bearer_may_be_doubled_or_missing() {
        for header in ["Bearer rcs_x", "bearer rcs_x", "Bearer Bearer rcs_x", "rcs_x", " Bearer  rcs_x "] {
            assert_eq!(bearer(header), Some("rcs_x"), "{header}");
        }
        for header in ["", "Basic rcs_x", "Bearer", "Bearer x", "Bearer Bearer Bearer rcs_x", "Token rcs_x"] {
            assert_eq!(bearer(header), None, "{header}");
        }
    }
}
