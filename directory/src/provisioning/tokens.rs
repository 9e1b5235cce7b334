//! Provisioning tokens: issued, shown once, checked on every request, changed without a gap, revoked.
//!
//! Whoever issues, changes or ends one has just given her password, and every owner is told by mail; what the mail says of a token is
//! its name and last characters.

use domain::{
    ConnectionId, MemberId, OrgId, Permission, TokenId,
    audit::AuditAction,
    token::{AllowedNetworks, MOST_LIVE, Retirement, TokenLifetime, TokenName},
    view::{IssuedToken, TokenState, TokenView},
};
use uuid::Uuid;

use super::{connection, cursor::CursorKey};
use crate::{
    Actor, Call, Db, Error, OrgScope, alerts,
    failed_attempts::About,
    secret::{Credential, Kind, Minted, Secret},
    sessions::SignedIn,
    store::{self, audit::Target, db::Tx, tokens::NewToken},
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
    /// Whether its last use was noted within [`store::tokens::USED_EVERY`].
    noted: bool,
}

impl Provisioner {
    /// Check again, in the transaction of a change, that the token still works: the request's body came after the token,
    /// and whoever sends it can make it last.
    pub(crate) async fn confirm(&self, tx: &Tx, call: &Call) -> Result<(), Error> {
        if store::tokens::works(tx, self.token, call.ip.as_deref(), call.now).await? { Ok(()) } else { Err(Error::Unauthenticated) }
    }

    pub(crate) fn actor(&self) -> Actor {
        Actor::ProvisioningToken { id: self.token, name: self.name.clone() }
    }
}

/// A token that somebody asks for.
pub(crate) struct Wanted {
    name: TokenName,
    lifetime: TokenLifetime,
    allowed_from: AllowedNetworks,
    replaces: Option<TokenId>,
}

impl Wanted {
    /// One that may be used from anywhere.
    pub(crate) fn new(name: TokenName, lifetime: TokenLifetime) -> Self {
        Self { name, lifetime, allowed_from: AllowedNetworks::default(), replaces: None }
    }

    /// One like `old`, to be issued in its place or because it was lost.
    fn like(old: &TokenView, lifetime: TokenLifetime, replaces: Option<TokenId>) -> Result<Self, Error> {
        Ok(Self { name: TokenName::try_from(old.name.clone())?, lifetime, allowed_from: old.allowed_from.clone(), replaces })
    }
}

/// Issue a token that may be used from the networks `allowed_from`, or from anywhere if there are none. Its secret is in the answer,
/// this once.
pub async fn issue(
    db: &Db,
    who: &SignedIn,
    scope: OrgScope,
    name: String,
    lifetime: &str,
    allowed_from: &str,
    call: &Call,
) -> Result<IssuedToken, Error> {
    let wanted = Wanted { allowed_from: allowed_from.parse()?, ..Wanted::new(TokenName::try_from(name)?, lifetime.parse()?) };
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm_fresh(&tx, Permission::ManageSecurity, call.now).await?;
        let (secret, id) = issue_in(&tx, &wanted, &who.actor(), Some(who.member), call).await?;
        let issued = find(&tx, id, call).await?;
        let line = format!("{} issued {}, which expires on {}. {KNOWN}", by(who), called(&issued), issued.expires_at.day());
        alerts::to_owners(&tx, "a provisioning token was issued", &line, call).await?;
        tx.commit().await?;
        Ok(IssuedToken { secret: secret.reveal(), token: issued })
    })
    .await
}

/// Issue another token of the name, lifetime and networks of `token`, which goes on for as long as `retire` says, or until it expires:
/// the identity provider can be given the new one meanwhile, and no request is refused. The new secret is in the answer, this once.
///
/// # Errors
/// [`Error::NotFound`] for one that does not work, [`Error::Conflict`] for one in whose place another was issued already, or while
/// both that an organisation may have go on.
pub async fn rotate(db: &Db, who: &SignedIn, scope: OrgScope, token: TokenId, retire: &str, call: &Call) -> Result<IssuedToken, Error> {
    let retirement: Retirement = retire.parse()?;
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm_fresh(&tx, Permission::ManageSecurity, call.now).await?;
        connection::enabled(&tx).await?;
        let (old, lifetime) = store::tokens::find(&tx, token, call.now).await?.ok_or(Error::NotFound("token"))?;
        if old.state == TokenState::Live && old.retires_at.is_some() {
            return Err(Error::Conflict("Another was issued in its place already. Revoke this one if it is to stop now.".to_owned()));
        }
        if !store::tokens::retire(&tx, old.id, call.now + retirement.duration(), call.now).await? {
            return Err(Error::NotFound("token"));
        }
        let wanted = Wanted::like(&old, lifetime, Some(old.id))?;
        let (secret, id, hint) = mint(&tx, &wanted, &who.actor(), Some(who.member), call).await?;
        let old = find(&tx, old.id, call).await?;
        let stops = old.retires_at.unwrap_or(call.now);
        let details = vec![
            ("ends in".to_owned(), hint),
            ("lives for".to_owned(), lifetime.to_string()),
            ("in place of the one that ends in".to_owned(), old.hint.clone()),
            ("which stops".to_owned(), retirement.to_string()),
        ];
        let target = target(id, &old.name);
        crate::audit::append(&tx, AuditAction::TokenRotated, &who.actor(), Some(target), details, call).await?;
        let issued = find(&tx, id, call).await?;
        let line = format!(
            "{} issued {} in the place of the one that ends in {}, which stops working at {}. {KNOWN}",
            by(who),
            called(&issued),
            old.hint,
            stops.second()
        );
        alerts::to_owners(&tx, "a provisioning token was rotated", &line, call).await?;
        tx.commit().await?;
        Ok(IssuedToken { secret: secret.reveal(), token: issued })
    })
    .await
}

/// Revoke `token` and issue another of its name, lifetime and networks, in one transaction: for whoever has lost it.
pub async fn reissue(db: &Db, who: &SignedIn, scope: OrgScope, token: TokenId, call: &Call) -> Result<IssuedToken, Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm_fresh(&tx, Permission::ManageSecurity, call.now).await?;
        connection::enabled(&tx).await?;
        let (old, lifetime) = store::tokens::find(&tx, token, call.now).await?.ok_or(Error::NotFound("token"))?;
        revoke_in(&tx, &old, &who.actor(), call).await?;
        // What the lost one was to replace goes on, and waits for this one instead.
        let wanted = Wanted::like(&old, lifetime, old.replaces)?;
        let (secret, id) = issue_in(&tx, &wanted, &who.actor(), Some(who.member), call).await?;
        let issued = find(&tx, id, call).await?;
        let line = format!("{} revoked {} and issued another, which ends in {}. {KNOWN}", by(who), called(&old), issued.hint);
        alerts::to_owners(&tx, "a provisioning token was revoked and issued again", &line, call).await?;
        tx.commit().await?;
        Ok(IssuedToken { secret: secret.reveal(), token: issued })
    })
    .await
}

/// Revoke `token`: the next request with it is refused. Revoking it again is harmless, and is neither audited nor mailed twice.
pub async fn revoke(db: &Db, who: &SignedIn, scope: OrgScope, token: TokenId, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm_fresh(&tx, Permission::ManageSecurity, call.now).await?;
        let old = find(&tx, token, call).await?;
        if revoke_in(&tx, &old, &who.actor(), call).await? {
            let line = format!("{} revoked {}: requests with it are refused. {KNOWN}", by(who), called(&old));
            alerts::to_owners(&tx, "a provisioning token was revoked", &line, call).await?;
        }
        tx.commit().await
    })
    .await
}

/// Change from where `token` may be used, from the next request on: the networks `allowed_from`, or anywhere if there are none.
///
/// # Errors
/// [`Error::NotFound`] for one that does not work.
pub async fn restrict(db: &Db, who: &SignedIn, scope: OrgScope, token: TokenId, allowed_from: &str, call: &Call) -> Result<(), Error> {
    let networks: AllowedNetworks = allowed_from.parse()?;
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm_fresh(&tx, Permission::ManageSecurity, call.now).await?;
        let old = find(&tx, token, call).await?;
        if old.allowed_from == networks {
            return Ok(());
        }
        if !store::tokens::restrict(&tx, token, &networks, call.now).await? {
            return Err(Error::NotFound("token"));
        }
        let said = |networks: &AllowedNetworks| if networks.is_anywhere() { "anywhere".to_owned() } else { networks.to_string() };
        let details =
            vec![("ends in".to_owned(), old.hint.clone()), crate::audit::changed("from", &said(&old.allowed_from), &said(&networks))];
        crate::audit::append(&tx, AuditAction::TokenRestricted, &who.actor(), Some(target(token, &old.name)), details, call).await?;
        if networks.are_wider_than(&old.allowed_from) {
            let line = format!(
                "{} let {} be used from {}; so far it was good from {} only. {KNOWN}",
                by(who),
                called(&old),
                said(&networks),
                said(&old.allowed_from)
            );
            alerts::to_owners(&tx, "a provisioning token may be used from more networks", &line, call).await?;
        }
        tx.commit().await
    })
    .await
}

/// Tell owners of the tokens that expire within 30, 7 or 1 days, once for each of these, however many nodes ask and however often:
/// whoever notes it in the token's row has queued the mails with it. A token that was revoked, or in whose place another was issued,
/// needs no warning, nor does one whose connection is off.
pub async fn warn_of_expiry(db: &Db, call: &Call) -> Result<(), Error> {
    let db = &db.for_jobs();
    let orgs = store::tokens::orgs_to_warn(&db.look_around().await?, call.now).await?;
    for org in orgs {
        let scope = OrgScope::new(org);
        let warned = db.retrying(|| async {
            let tx = db.begin(scope).await?;
            // The last warning first: who hears it need not hear the others, where nobody was there to give them in time.
            for days in [1, 7, 30] {
                for token in store::tokens::take_expiring(&tx, days, call.now).await? {
                    let line = format!(
                        "The provisioning token “{}” (it ends in {}) expires at {}. From then on your identity provider can neither add people nor \
                         end access with it. Rotate it before, under Settings → Security: both tokens work while you change them.",
                        alerts::name(&token.name),
                        token.hint,
                        token.expires_at.second()
                    );
                    let subject = match days {
                        1 => "a provisioning token expires tomorrow".to_owned(),
                        days => format!("a provisioning token expires within {days} days"),
                    };
                    alerts::to_owners(&tx, &subject, &line, call).await?;
                }
            }
            tx.commit().await
        });
        // One organisation's trouble is not the others'.
        if let Err(error) = warned.await {
            tracing::error!(%org, %error, "owners could not be told of a token that expires");
        }
    }
    Ok(())
}

/// What every mail about a token ends with.
const KNOWN: &str = "If you do not know of this, look under Settings → Security and in the audit log.";

fn by(who: &SignedIn) -> String {
    alerts::name(&who.actor().name())
}

/// A token in a sentence of a mail.
fn called(token: &TokenView) -> String {
    format!("the provisioning token “{}” (it ends in {})", alerts::name(&token.name), token.hint)
}

async fn find(tx: &Tx, id: TokenId, call: &Call) -> Result<TokenView, Error> {
    let (token, _) = store::tokens::find(tx, id, call.now).await?.ok_or(Error::NotFound("token"))?;
    Ok(token)
}

pub(crate) async fn issue_in(
    tx: &Tx,
    wanted: &Wanted,
    actor: &Actor,
    member: Option<MemberId>,
    call: &Call,
) -> Result<(Secret, TokenId), Error> {
    let (secret, id, hint) = mint(tx, wanted, actor, member, call).await?;
    let mut details = vec![("ends in".to_owned(), hint), ("lives for".to_owned(), wanted.lifetime.to_string())];
    if !wanted.allowed_from.is_anywhere() {
        details.push(("from".to_owned(), wanted.allowed_from.to_string()));
    }
    crate::audit::append(tx, AuditAction::TokenIssued, actor, Some(target(id, wanted.name.as_str())), details, call).await?;
    Ok((secret, id))
}

/// A new token: its secret, its id, and the secret's last characters.
async fn mint(tx: &Tx, wanted: &Wanted, actor: &Actor, member: Option<MemberId>, call: &Call) -> Result<(Secret, TokenId, String), Error> {
    // The connection's lock is held, so that two owners cannot each issue the second token.
    let connection = connection::enabled(tx).await?;
    if store::tokens::count_live(tx, call.now).await? >= MOST_LIVE {
        return Err(Error::Conflict("Two tokens are live, which is the most. Revoke one that is no longer used.".to_owned()));
    }
    let id: TokenId = call.new_id();
    let Minted { secret, hash, hint } = Credential::mint(Kind::Provisioning, id, call);
    let token = NewToken {
        id,
        connection,
        name: wanted.name.as_str(),
        hash: &hash,
        hint: &hint,
        lifetime: wanted.lifetime,
        allowed_from: &wanted.allowed_from,
        replaces: wanted.replaces,
        created_by: &actor.name(),
        created_by_member: member,
        now: call.now,
    };
    store::tokens::insert(tx, token).await?;
    Ok((secret, id, hint))
}

/// Whether it was still to be revoked.
async fn revoke_in(tx: &Tx, token: &TokenView, actor: &Actor, call: &Call) -> Result<bool, Error> {
    let revoked = store::tokens::revoke(tx, token.id, call.now).await?;
    if revoked {
        let details = vec![("ends in".to_owned(), token.hint.clone())];
        crate::audit::append(tx, AuditAction::TokenRevoked, actor, Some(target(token.id, &token.name)), details, call).await?;
    }
    Ok(revoked)
}

/// Revoke every token that works; how many there were.
pub(super) async fn revoke_all(tx: &Tx, actor: &Actor, call: &Call) -> Result<usize, Error> {
    let live = store::tokens::live(tx, call.now).await?;
    for token in &live {
        revoke_in(tx, token, actor, call).await?;
    }
    Ok(live.len())
}

/// Tell owners that SCIM was disabled, and of the tokens that it took along.
pub(super) async fn tell_of_disabling(tx: &Tx, who: &SignedIn, revoked: usize, call: &Call) -> Result<(), Error> {
    let tokens = match revoked {
        0 => "There was no token to revoke".to_owned(),
        1 => "Its token was revoked".to_owned(),
        more => format!("Its {more} tokens were revoked"),
    };
    let line = format!("{} disabled SCIM. {tokens}: your identity provider can neither add people nor end access. {KNOWN}", by(who));
    alerts::to_owners(tx, "SCIM was disabled", &line, call).await
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
/// [`Error::Unauthenticated`] for everything that is wrong: missing, malformed, unknown, expired, retired, revoked, SCIM
/// disabled, another organisation's, from a network that the token may not be used from (law 1). [`Error::Unavailable`] when the store cannot say.
pub async fn authenticate(db: &Db, org: &str, authorization: Option<&str>, call: &Call) -> Result<Provisioner, Error> {
    let token = authorization.and_then(bearer);
    let token = token.and_then(|text| Credential::of_kind(Kind::Provisioning, text)).ok_or(Error::Unauthenticated)?;
    let tx = db.read_outside().await?;
    let found = store::tokens::present(&tx, token.id.into()).await?;
    drop(tx);
    let right = token.matches(found.as_ref().map(|found| &found.hash));
    let Some(found) = found.filter(|found| {
        // All of it is looked at, whatever was wrong before: `&`, not `&&`.
        right
            & (found.id == token.id.into())
            & found.enabled
            & !found.revoked
            & (found.expires_at > call.now)
            & found.retires_at.is_none_or(|retires| retires > call.now)
            & found.at.is_some_and(|at| at.to_string() == org)
            & found.allowed_from.admit(call.ip.as_deref())
    }) else {
        return Err(Error::Unauthenticated);
    };
    Ok(Provisioner {
        scope: OrgScope::new(found.org),
        connection: found.connection,
        token: found.id,
        at: found.at.unwrap_or(found.org),
        drill: found.drill,
        cursor_key: CursorKey::of(&found.hash),
        name: found.name,
        noted: found.last_used_at.is_some_and(|used| used > call.now - store::tokens::USED_EVERY),
    })
}

/// What was wrong with a request that was refused.
pub(super) struct Wrong {
    /// For whoever may read the audit log of the organisation in the URL. Of other organisations nothing is told there, not even that they
    /// know a token.
    pub(super) here: About,
    /// For the organisation whose token it is, where that is another.
    pub(super) at_home: Option<(OrgId, About)>,
}

/// What was wrong with a request to the URL of `org` that [`authenticate`] refused.
pub(super) async fn what_is_wrong(db: &Db, org: &str, authorization: Option<&str>, call: &Call) -> Result<Wrong, Error> {
    let about = |why: &str, target, right_secret| About { claims: None, why: Some(why.to_owned()), target, right_secret };
    let guess = |why: &str| Wrong { here: about(why, None, false), at_home: None };
    let Some(authorization) = authorization else { return Ok(guess("no token")) };
    let token = bearer(authorization).and_then(|text| Credential::of_kind(Kind::Provisioning, text));
    let Some(token) = token else { return Ok(guess("no provisioning token, or one that was cut or mistyped")) };
    let tx = db.read_outside().await?;
    let found = store::tokens::present(&tx, token.id.into()).await?;
    drop(tx);
    let foreign = "a token that is none of this organisation’s";
    let Some(found) = found.filter(|found| found.id == token.id.into()) else { return Ok(guess(foreign)) };
    let (right, target) = (token.matches(Some(&found.hash)), Some(target(found.id, &found.name)));
    if found.at.is_none_or(|at| at.to_string() != org) {
        let at_home = right.then(|| (found.org, about("a token of this organisation, at a URL that is not its own", target, true)));
        return Ok(Wrong { at_home, ..guess(foreign) });
    }
    let why = if !right {
        "the id of a token, and a wrong secret"
    } else if found.revoked {
        "a token that was revoked"
    } else if found.retires_at.is_some_and(|retires| retires <= call.now) {
        "a token in whose place there is another"
    } else if found.expires_at <= call.now {
        "a token that has expired"
    } else if !found.enabled {
        "SCIM is disabled"
    } else if !found.allowed_from.admit(call.ip.as_deref()) {
        "from a network that the token may not be used from"
    } else {
        "what was wrong with the token has been put right since"
    };
    Ok(Wrong { here: about(why, target, right), at_home: None })
}

/// Note that the token was used, and from where: once a minute, from however many addresses its identity provider comes. That it could
/// not be noted is no reason to turn a request away.
pub async fn note_use(db: &Db, provisioner: &Provisioner, call: &Call) {
    if provisioner.noted {
        return;
    }
    let noted = db.retrying(|| async {
        let tx = db.begin(provisioner.scope).await?;
        store::tokens::used(&tx, provisioner.token, call).await?;
        tx.commit().await
    });
    if let Err(error) = noted.await {
        tracing::warn!(%error, "that a provisioning token was used could not be noted");
    }
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
