//! Browser sessions. Each is bound to one membership for life, and is looked up anew on every request.

use std::time::Duration;

use domain::{AccountId, MemberId, MembershipId, OrgId, OrgName, OrgRole, OrgSlug, Permission, Timestamp, audit::AuditAction};
use serde::{Deserialize, Serialize};

use crate::{
    Actor, Afterwards, Call, Db, Error, OrgScope,
    passwords::Hasher,
    secret::SecretHash,
    sign_in::{LOCAL, PASSWORD, TOO_MANY, note_failure_at},
    store::{
        self,
        db::{NoOrg, Tx},
        doors::SESSION,
    },
    throttle::Attempt,
};

/// "Last seen" is kept to the minute.
const TOUCH_EVERY: Duration = Duration::from_secs(60);

/// How long a password counts as just given: what only an owner may do needs that (law 2).
pub const FRESH: Duration = Duration::from_secs(15 * 60);

/// How long a session may live.
#[derive(Clone, Copy, Debug)]
pub struct SessionLimits {
    /// Without a request.
    pub idle: Duration,
    /// In all.
    pub absolute: Duration,
}

impl Default for SessionLimits {
    /// 12 hours without a request, 7 days in all.
    fn default() -> Self {
        Self { idle: Duration::from_secs(12 * 3_600), absolute: Duration::from_secs(7 * 86_400) }
    }
}

/// Someone with a live session, as the database has them at this request.
#[derive(Clone, Debug)]
pub struct SignedIn {
    session: SecretHash,
    /// The account.
    pub account: AccountId,
    /// The member.
    pub member: MemberId,
    /// The membership that the session hangs off.
    pub membership: MembershipId,
    /// The organisation that the session is for.
    pub org: OrgId,
    /// Its name.
    pub org_name: OrgName,
    /// Its name in URLs.
    pub org_slug: OrgSlug,
    /// The role in force there.
    pub role: OrgRole,
    /// The name to show.
    pub name: String,
    /// The account's address.
    pub email: Option<String>,
    /// Who authenticated the person: `local`, or an identity provider.
    pub auth_authority: String,
    /// How: `password`, …
    pub auth_method: String,
    /// When.
    pub auth_time: Timestamp,
    /// When the session ends at the latest.
    pub expires_at: Timestamp,
    pub(crate) credential_version: i64,
    /// A session that was not used since then is dead.
    pub(crate) idle_since: Timestamp,
}

impl SignedIn {
    /// Leave to act in the organisation of the page, for someone whose role there allows `permission`.
    ///
    /// A session is for one organisation: any other is [`Error::OtherOrganisation`], whether or not it exists.
    pub fn in_org(&self, org: &OrgSlug, permission: Permission) -> Result<OrgScope, Error> {
        if *org != self.org_slug {
            return Err(Error::OtherOrganisation);
        }
        if !self.role.may(permission) {
            return Err(Error::Denied);
        }
        Ok(OrgScope::new(self.org))
    }

    /// Check again, in the transaction of a change, that the session still stands and its person's role allows `permission`:
    /// between the look at the session and the change lies the request's body, which a leaver can make last. The
    /// membership is locked, so that either the change sees it end, or its end waits for the change. Answers her role.
    pub(crate) async fn confirm(&self, tx: &Tx, permission: Permission) -> Result<OrgRole, Error> {
        self.confirmed(tx, permission).await.map(|(role, _)| role)
    }

    /// The same before the next part of what is read over a long time.
    pub(crate) async fn still_may(&self, db: &Db, scope: OrgScope, permission: Permission) -> Result<(), Error> {
        let tx = db.begin(scope).await?;
        self.confirm(&tx, permission).await?;
        tx.commit().await
    }

    /// Her role, and when she last gave her password.
    async fn confirmed(&self, tx: &Tx, permission: Permission) -> Result<(OrgRole, Timestamp), Error> {
        match store::sessions::confirm(tx, &self.session).await? {
            None => Err(Error::Unauthenticated),
            Some((role, _)) if !role.may(permission) => Err(Error::Denied),
            Some(confirmed) => Ok(confirmed),
        }
    }

    /// The same for what asks for more than a browser that was left open: she has to have given her password within the last [`FRESH`].
    pub(crate) async fn confirm_fresh(&self, tx: &Tx, permission: Permission, now: Timestamp) -> Result<OrgRole, Error> {
        match self.confirmed(tx, permission).await? {
            (role, auth_time) if auth_time + FRESH > now => Ok(role),
            _ => Err(Error::PasswordNeeded),
        }
    }

    /// Until when her password counts as just given.
    pub fn fresh_until(&self) -> Timestamp {
        self.auth_time + FRESH
    }

    /// Whether she has shown a second factor, or an authority that answers for its own has authenticated her.
    pub fn has_second_factor(&self) -> bool {
        self.auth_authority != LOCAL || self.auth_method != PASSWORD
    }

    /// Whether it is this session that she acts with.
    pub(crate) fn has_session(&self, session: &SecretHash) -> bool {
        self.session == *session
    }

    pub(crate) fn actor(&self) -> Actor {
        Actor::Member { id: self.member, name: self.name.clone() }
    }
}

/// Leave to begin a session, made by a successful authentication. It travels to the session store, which mints the id.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BeginSession {
    pub(crate) org: OrgId,
    pub(crate) account: AccountId,
    pub(crate) member: MemberId,
    pub(crate) membership: MembershipId,
    pub(crate) name: String,
    pub(crate) credential_version: i64,
    pub(crate) auth_authority: String,
    pub(crate) auth_method: String,
    pub(crate) auth_time: Timestamp,
    pub(crate) note: String,
    /// The browser's session so far, which this one takes the place of.
    pub(crate) replaces: Option<Vec<u8>>,
    /// Whether the one that is replaced is what this one is made of: if it has ended, so has the leave to begin.
    pub(crate) inherits: bool,
    pub(crate) now: Timestamp,
    pub(crate) request_id: Option<String>,
    pub(crate) ip: Option<String>,
    pub(crate) user_agent: Option<String>,
}

impl BeginSession {
    /// Where in a session's record this stands.
    pub const KEY: &'static str = "begin";

    /// In place of the browser's session `id`, which ends when this one begins.
    pub fn replacing(mut self, id: &[u8]) -> Self {
        self.replaces = Some(SecretHash::of(id).as_bytes().to_vec());
        self
    }
}

/// An authentication that succeeded: where it leads, and leave to begin the session.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The organisation that is entered.
    pub slug: OrgSlug,
    /// How many organisations the person can choose from.
    pub organisations: usize,
    /// Leave to begin the session.
    pub begin: BeginSession,
}

/// Begin the session that `begin` gives leave to, under `id`, of which only a hash is stored.
///
/// What was true when the person authenticated is checked again under the account's lock: a membership that has ended
/// since, a block, or a password that has changed since is [`Error::WrongCredentials`].
pub async fn begin(db: &Db, id: &[u8], begin: &BeginSession, limits: SessionLimits, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(OrgScope::new(begin.org)).await?;
        let account = store::accounts::lock(&tx, begin.account).await?;
        let membership = store::members::lock_membership(&tx, begin.member).await?;
        let alive = membership.is_some_and(|membership| membership.id == begin.membership)
            && account.credential_version == begin.credential_version
            && store::people::doors(&tx, begin.account)
                .await?
                .iter()
                .any(|door| door.membership == begin.membership && door.opens_to(&begin.auth_authority, &begin.auth_method));
        if !alive {
            return Err(Error::WrongCredentials);
        }
        let (tx, replaced) = match &begin.replaces {
            Some(hash) => end_elsewhere(tx, &SecretHash::from_stored(hash.clone())).await?,
            None => (tx, false),
        };
        if begin.inherits && !replaced {
            return Err(Error::WrongCredentials);
        }
        let session = store::sessions::NewSession {
            hash: &SecretHash::of(id),
            membership: begin.membership,
            auth_authority: &begin.auth_authority,
            auth_method: &begin.auth_method,
            auth_time: begin.auth_time,
            now: begin.now,
            // From the authentication on: switching organisation does not make it last longer.
            expires_at: begin.auth_time + limits.absolute,
            ip: begin.ip.as_deref(),
            user_agent: begin.user_agent.as_deref(),
        };
        store::sessions::insert(&tx, session).await?;
        let actor = Actor::Member { id: begin.member, name: begin.name.clone() };
        let mut call = Call::new(begin.now, call.randomness.clone());
        (call.request_id, call.ip, call.user_agent) = (begin.request_id.clone(), begin.ip.clone(), begin.user_agent.clone());
        let details = vec![("by".to_owned(), begin.note.clone())];
        crate::audit::append(&tx, AuditAction::SignedIn, &actor, None, details, &call).await?;
        tx.commit().await
    })
    .await
}

/// Who the session `id` stands for at this moment, if anyone. Notes that she was seen, once a minute at most.
pub async fn find(db: &Db, id: &[u8], limits: SessionLimits, now: Timestamp) -> Result<Option<SignedIn>, Error> {
    let session = SecretHash::of(id);
    let tx = enter(db.read_outside().await?, &session).await?;
    let Some(found) = store::sessions::find(&tx, &session, now, now - limits.idle).await? else { return Ok(None) };
    drop(tx);
    if found.last_seen_at <= now - TOUCH_EVERY && !touch(db, id, now).await? {
        // It ended between the two statements.
        return Ok(None);
    }
    let name = found.profile.name().or_else(|| found.email.clone()).unwrap_or_else(|| "Somebody without a name".to_owned());
    Ok(Some(SignedIn {
        session,
        account: found.account,
        member: found.member,
        membership: found.membership,
        org: found.org,
        org_name: found.org_name,
        org_slug: found.org_slug,
        role: found.role,
        name,
        email: found.email,
        auth_authority: found.auth_authority,
        auth_method: found.auth_method,
        auth_time: found.auth_time,
        expires_at: found.expires_at,
        credential_version: found.credential_version,
        idle_since: now - limits.idle,
    }))
}

/// The session's organisation; nobody's, if it has ended.
async fn enter(tx: Tx<NoOrg>, session: &SecretHash) -> Result<Tx, Error> {
    tx.enter(&SESSION, vec![session.as_bytes().to_vec().into()]).await
}

/// End a session of whatever organisation; whether it was there.
async fn end_elsewhere(tx: Tx, session: &SecretHash) -> Result<(Tx, bool), Error> {
    let here = OrgScope::new(tx.org());
    let Some(org) = store::sessions::org_of(&tx, session).await? else { return Ok((tx, false)) };
    let tx = tx.in_scope(OrgScope::new(org)).await?;
    let ended = store::sessions::delete(&tx, session).await?;
    Ok((tx.in_scope(here).await?, ended))
}

/// End whatever acts for an account in whatever organisation: its credential has changed. The caller holds the account's lock.
pub(crate) async fn end_all_of(tx: Tx, account: AccountId) -> Result<Tx, Error> {
    let here = OrgScope::new(tx.org());
    let mut tx = tx;
    for (org, membership) in store::people::memberships_of(&tx, account).await? {
        tx = tx.in_scope(OrgScope::new(org)).await?;
        store::sessions::delete_of_membership(&tx, membership).await?;
        store::api_sessions::delete_of_membership(&tx, membership).await?;
        store::device_requests::delete_of_membership(&tx, membership).await?;
    }
    tx.in_scope(here).await
}

/// Note that the session `id` was used; `false` when it has ended. Never brings one back.
pub async fn touch(db: &Db, id: &[u8], now: Timestamp) -> Result<bool, Error> {
    db.retrying(|| async {
        let session = SecretHash::of(id);
        let tx = enter(db.begin_outside().await?, &session).await?;
        let there = store::sessions::touch(&tx, &session, now).await?;
        tx.commit().await?;
        Ok(there)
    })
    .await
}

/// Have the signed-in person prove with her password that it is still she who sits there: for the next [`FRESH`] she may do
/// what only an owner may. Guesses have a count of their own.
pub async fn reauthenticate(
    db: &Db,
    hasher: &Hasher,
    afterwards: &Afterwards,
    who: &SignedIn,
    password: String,
    call: &Call,
) -> Result<(), Error> {
    check_password(db, hasher, afterwards, who, password, call).await?;
    db.retrying(|| async {
        let tx = db.begin(OrgScope::new(who.org)).await?;
        who.confirm(&tx, Permission::Enter).await?;
        if !store::sessions::set_auth_time(&tx, &who.session, call.now).await? {
            return Err(Error::Unauthenticated);
        }
        crate::audit::append(&tx, AuditAction::PasswordConfirmed, &who.actor(), None, vec![], call).await?;
        tx.commit().await
    })
    .await
}

/// Whether this is the signed-in person's password. Wrong ones are counted by her account and apart from sign-ins: whoever has no session
/// of hers, and guesses, keeps her from nothing here.
pub(crate) async fn check_password(
    db: &Db,
    hasher: &Hasher,
    afterwards: &Afterwards,
    who: &SignedIn,
    password: String,
    call: &Call,
) -> Result<(), Error> {
    let attempt = Attempt::at_password_again(who.account, call);
    let throttled = attempt.begin(db, call.now).await;
    let tx = db.begin(OrgScope::new(who.org)).await?;
    let account = store::accounts::lock(&tx, who.account).await?;
    drop(tx);
    if let Err(error) = throttled {
        if matches!(error, Error::Throttled { .. }) {
            note_failure_at(
                db,
                afterwards,
                Some(account),
                Some(who.org),
                "too many attempts where the password was asked for again",
                TOO_MANY,
                call,
            );
        }
        return Err(error);
    }
    if !hasher.verify(password, account.password_hash.clone()).await? || account.credential_version != who.credential_version {
        note_failure_at(
            db,
            afterwards,
            Some(account),
            Some(who.org),
            "wrong password where it was asked for again",
            "wrong password",
            call,
        );
        return Err(domain::Invalid::new("password", "This is not your password. Nothing was changed.").into());
    }
    attempt.succeeded(db).await
}

/// Whether the session `id` would open its organisation, if that did not ask for a second factor: for saying so.
pub async fn lacks_second_factor(db: &Db, id: &[u8], limits: SessionLimits, now: Timestamp) -> Result<bool, Error> {
    let session = SecretHash::of(id);
    let tx = enter(db.read_outside().await?, &session).await?;
    store::sessions::lacks_second_factor(&tx, &session, now, now - limits.idle).await
}

/// End the session `id`, if it is there: the browser is about to lose it.
pub async fn forget(db: &Db, id: &[u8]) -> Result<(), Error> {
    db.retrying(|| async {
        let session = SecretHash::of(id);
        let tx = enter(db.begin_outside().await?, &session).await?;
        store::sessions::delete(&tx, &session).await?;
        tx.commit().await
    })
    .await
}

/// Sign out.
pub async fn end(db: &Db, who: &SignedIn, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(OrgScope::new(who.org)).await?;
        if store::sessions::delete(&tx, &who.session).await? {
            crate::audit::append(&tx, AuditAction::SignedOut, &who.actor(), None, vec![], call).await?;
        }
        tx.commit().await
    })
    .await
}

/// Clear away sessions, links and tokens that have outlived their time. They were refused already; this only saves room.
pub async fn sweep(db: &Db, limits: SessionLimits, now: Timestamp) -> Result<(), Error> {
    let db = &db.for_jobs();
    // A little later: a device that asks too late is told so.
    let (idle_since, asked_before) = (now - limits.idle, now - Duration::from_secs(3_600));
    db.retrying(|| async {
        let tx = db.begin_outside().await?;
        store::links::delete_expired_of_nobody(&tx, now).await?;
        store::device_requests::delete_unclaimed(&tx, asked_before).await?;
        store::account_mails::delete_before(&tx, now - Duration::from_secs(2 * 86_400)).await?;
        tx.commit().await
    })
    .await?;
    let slice = || async {
        let tx = db.begin_outside().await?;
        let more = store::failures::delete_before(&tx, now - Duration::from_secs(86_400)).await?;
        tx.commit().await?;
        Ok(more)
    };
    while db.retrying(slice).await? {}
    let tx = db.look_around().await?;
    let orgs = store::sessions::orgs_with_expired(&tx, now, idle_since, asked_before).await?;
    drop(tx);
    for org in orgs {
        let swept = db.retrying(|| async {
            let tx = db.begin(OrgScope::new(org)).await?;
            store::sessions::delete_expired(&tx, now, idle_since).await?;
            store::links::delete_expired(&tx, now).await?;
            store::api_sessions::delete_expired(&tx, now).await?;
            store::personal_tokens::delete_expired(&tx, now).await?;
            store::ended_tokens::forget(&tx, now).await?;
            store::device_requests::delete_expired(&tx, asked_before).await?;
            tx.commit().await
        });
        // One organisation's trouble is not the others'.
        if let Err(error) = swept.await {
            tracing::error!(%org, %error, "what has expired could not be cleared away");
        }
    }
    Ok(())
}
