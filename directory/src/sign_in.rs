//! Signing in with address and password, then with a second factor where the account has one or the organisation asks for one, and
//! choosing an organisation.
//!
//! Between the two steps there is no session: what the first has proven is handed to the browser, signed, for ten minutes, and opens
//! nothing but the second step.

use std::time::Duration;

use domain::{
    AccountId, EmailAddress, OrgId, OrgSlug, Timestamp,
    audit::AuditAction,
    view::{OrganisationChoice, Viewer},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Afterwards, Call, Db, Error,
    failed_attempts::{self, About, Attempts},
    keys::Keys,
    passwords::Hasher,
    sessions::{BeginSession, Entry, SignedIn},
    store::{self, accounts::Account, people::Door},
    throttle::Attempt,
};

/// The authority of those whom we authenticate ourselves.
pub(crate) const LOCAL: &str = "local";
/// How somebody is authenticated by nothing but a password.
pub(crate) const PASSWORD: &str = "password";
/// How long the second step may take.
const STEP_LIFETIME: Duration = Duration::from_secs(600);

/// What comes after the password.
#[derive(Clone, Debug)]
pub enum Step {
    /// Nothing: she is in.
    In(Box<Entry>),
    /// A code of her second factor. What she has proven, signed.
    Code(String),
    /// She sets up a second factor, which the organisation asks for. What she has proven, signed.
    SetUp(String),
}

/// What the first step has proven.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Halfway {
    pub(crate) account: AccountId,
    /// As it was when the password was right: one that was set since ends this.
    version: i64,
    /// When it was made, in microseconds.
    began: i64,
    /// When the password was given, in microseconds.
    auth_time: i64,
    pub(crate) wanted: Option<OrgSlug>,
    /// The page that was asked for.
    pub(crate) next: Option<String>,
}

/// Where somebody wants to go.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// The organisation.
    pub org: Option<OrgSlug>,
    /// The page.
    pub next: Option<String>,
}

/// A sign-in, as it was typed.
pub struct Credentials {
    /// The address, or whatever was typed in its place.
    pub email: String,
    /// The password.
    pub password: String,
}

/// Sign in. The organisation `wanted` is entered when the person may enter it, else the first that she may.
///
/// Whatever is wrong (no such account, password, no access anywhere, suspended) is [`Error::WrongCredentials`], takes
/// as long, and counts as a failure.
///
/// Whether the account has a second factor is looked at once the password was right: until then, nothing depends on it.
pub async fn with_password(
    db: &Db,
    hasher: &Hasher,
    keys: &Keys,
    afterwards: &Afterwards,
    credentials: Credentials,
    wanted: &Wanted,
    call: &Call,
) -> Result<Step, Error> {
    let Credentials { email, password } = credentials;
    let attempt = Attempt::new(&email, call);
    let throttled = attempt.begin(db, call.now).await;
    let tx = db.read_outside().await?;
    let account = match EmailAddress::try_from(email) {
        Ok(address) => store::accounts::find_evenly(&tx, address.key()).await?,
        Err(_) => None,
    };
    drop(tx);
    if let Err(error) = throttled {
        if matches!(error, Error::Throttled { .. }) {
            note_failure(db, afterwards, account, TOO_MANY, call);
        }
        return Err(error);
    }

    let hash = account.as_ref().and_then(|account| account.password_hash.clone());
    let right = hasher.verify(password, hash).await?;
    let entered = match account.as_ref().filter(|_| right) {
        Some(account) => doors(db, account).await?,
        None => vec![],
    };
    let Some(account) = account.as_ref().filter(|_| !entered.is_empty()) else {
        note_failure(db, afterwards, account, if right { "no access" } else { "wrong password" }, call);
        return Err(Error::WrongCredentials);
    };
    attempt.succeeded(db).await?;
    after_password(db, keys, account, &entered, wanted, "password", call).await
}

/// What comes after the right password of an account that may enter these organisations.
pub(crate) async fn after_password(
    db: &Db,
    keys: &Keys,
    account: &Account,
    doors: &[Door],
    wanted: &Wanted,
    note: &str,
    call: &Call,
) -> Result<Step, Error> {
    let halfway = |org: Option<OrgSlug>| Halfway {
        account: account.id,
        version: account.credential_version,
        began: call.now.as_micros(),
        auth_time: call.now.as_micros(),
        wanted: org,
        next: wanted.next.clone(),
    };
    let tx = db.read_outside().await?;
    let has_factor = store::second_factors::find(&tx, account.id, store::second_factors::State::Active).await?.is_some();
    drop(tx);
    if has_factor {
        return Ok(Step::Code(halfway(wanted.org.clone()).signed(keys)?));
    }
    let named = doors.iter().find(|door| Some(&door.org_slug) == wanted.org.as_ref());
    // What one organisation asks for keeps nobody out of the others.
    let open = doors.iter().find(|door| door.opens_to(LOCAL, PASSWORD));
    let door = named.or(open).or(doors.first()).ok_or(Error::WrongCredentials)?;
    if !door.opens_to(LOCAL, PASSWORD) {
        return Ok(Step::SetUp(halfway(Some(door.org_slug.clone())).signed(keys)?));
    }
    Ok(Step::In(Box::new(entry(door, doors.len(), account, note, call))))
}

impl Halfway {
    fn signed(&self, keys: &Keys) -> Result<String, Error> {
        let text = serde_json::to_string(self).map_err(|error| Error::Store(error.to_string()))?;
        Ok(keys.sign(&text))
    }

    /// What the first step has proven, while that may still be followed by the second; with the account as it is now.
    pub(crate) async fn read(db: &Db, keys: &Keys, signed: &str, call: &Call) -> Result<(Self, Account), Error> {
        let text = keys.signed(signed).ok_or(Error::Unauthenticated)?;
        let halfway: Self = serde_json::from_str(&text).map_err(|_| Error::Unauthenticated)?;
        let tx = db.read_outside().await?;
        let account = store::accounts::find(&tx, halfway.account).await?.filter(|account| halfway.holds(account, call));
        Ok((halfway, account.ok_or(Error::Unauthenticated)?))
    }

    /// Whether it may still be followed by the second step: it is young, and the account is as it was.
    pub(crate) fn holds(&self, account: &Account, call: &Call) -> bool {
        let young = Timestamp::from_micros(self.began) + STEP_LIFETIME > call.now;
        young && account.open && account.credential_version == self.version
    }

    /// The way in, for somebody who has now proven the second step, too.
    pub(crate) async fn enter(&self, db: &Db, account: &Account, method: &str, call: &Call) -> Result<Entry, Error> {
        let doors = doors(db, account).await?;
        let door = choose(&doors, self.wanted.as_ref()).ok_or(Error::WrongCredentials)?;
        let mut entry = entry(door, doors.len(), account, method, call);
        method.clone_into(&mut entry.begin.auth_method);
        entry.begin.auth_time = Timestamp::from_micros(self.auth_time);
        Ok(entry)
    }
}

/// What a browser is to do next that holds what the first step has proven: set up a second factor (`true`), or show a code.
pub async fn second_step(db: &Db, keys: &Keys, signed: &str, call: &Call) -> Result<bool, Error> {
    let (halfway, _) = Halfway::read(db, keys, signed, call).await?;
    let tx = db.read_outside().await?;
    Ok(store::second_factors::find(&tx, halfway.account, store::second_factors::State::Active).await?.is_none())
}

/// Enter another organisation with what this session has proven. It is another session: this one is not re-bound, but
/// ends as that one begins; and if this one has ended by then, that one does not begin.
/// Where that organisation asks for a second factor and this session was opened without one, she shows a code first, or sets one up.
pub async fn switch(db: &Db, keys: &Keys, who: &SignedIn, org: &OrgSlug, call: &Call) -> Result<Step, Error> {
    let tx = db.read_outside().await?;
    let doors = store::people::doors(&tx, who.account).await?;
    let door = doors.iter().find(|door| door.org_slug == *org).ok_or(Error::NotFound("organisation"))?;
    if !door.opens_to(&who.auth_authority, &who.auth_method) {
        let halfway = Halfway {
            account: who.account,
            version: who.credential_version,
            began: call.now.as_micros(),
            auth_time: who.auth_time.as_micros(),
            wanted: Some(org.clone()),
            next: None,
        };
        let has_factor = store::second_factors::find(&tx, who.account, store::second_factors::State::Active).await?.is_some();
        let signed = halfway.signed(keys)?;
        return Ok(if has_factor { Step::Code(signed) } else { Step::SetUp(signed) });
    }
    // What the session has proven, not what holds by now: a password that was set since ends it.
    let account = Proven { id: who.account, email: who.email.clone(), credential_version: who.credential_version };
    let mut entry = entry(door, doors.len(), account, "switching organisation", call);
    entry.begin.auth_authority.clone_from(&who.auth_authority);
    entry.begin.auth_method.clone_from(&who.auth_method);
    entry.begin.auth_time = who.auth_time;
    entry.begin.inherits = true;
    Ok(Step::In(Box::new(entry)))
}

/// The organisations that the signed-in person may enter, by name.
pub async fn organisations(db: &Db, who: &SignedIn) -> Result<Vec<OrganisationChoice>, Error> {
    let tx = db.read_outside().await?;
    let doors = store::people::doors(&tx, who.account).await?;
    let choice =
        |door: Door| OrganisationChoice { current: door.org == who.org, name: door.org_name, slug: door.org_slug, role: door.role };
    Ok(doors.into_iter().map(choice).collect())
}

/// Who is looking at the page of `org`.
pub async fn viewer(db: &Db, who: &SignedIn, org: &OrgSlug, call: &Call) -> Result<Viewer, Error> {
    who.in_org(org, domain::Permission::Enter)?;
    let tx = db.read_outside().await?;
    let organisations = store::people::doors(&tx, who.account).await?.len();
    Ok(Viewer {
        name: who.name.clone(),
        email: who.email.clone(),
        member: who.member,
        org: who.org,
        org_name: who.org_name.clone(),
        org_slug: who.org_slug.clone(),
        role: who.role,
        organisations,
        fresh_until: who.fresh_until(),
        now: call.now,
    })
}

/// An account as it was authenticated.
pub(crate) struct Proven {
    id: AccountId,
    email: Option<String>,
    credential_version: i64,
}

impl From<&Account> for Proven {
    fn from(account: &Account) -> Self {
        Self { id: account.id, email: account.email.clone(), credential_version: account.credential_version }
    }
}

/// The way into one organisation, for an account that was authenticated.
pub(crate) fn entry(door: &Door, organisations: usize, account: impl Into<Proven>, note: &str, call: &Call) -> Entry {
    let account = account.into();
    let name = door.profile.name().or(account.email).unwrap_or_else(|| "Somebody without a name".to_owned());
    Entry {
        slug: door.org_slug.clone(),
        organisations,
        begin: BeginSession {
            org: door.org,
            account: account.id,
            member: door.member,
            membership: door.membership,
            name,
            credential_version: account.credential_version,
            auth_authority: LOCAL.to_owned(),
            auth_method: PASSWORD.to_owned(),
            auth_time: call.now,
            note: note.to_owned(),
            replaces: None,
            inherits: false,
            now: call.now,
            request_id: call.request_id.clone(),
            ip: call.ip.clone(),
            user_agent: call.user_agent.clone(),
        },
    }
}

async fn doors(db: &Db, account: &Account) -> Result<Vec<Door>, Error> {
    let tx = db.read_outside().await?;
    store::people::doors(&tx, account.id).await
}

fn choose<'a>(doors: &'a [Door], wanted: Option<&OrgSlug>) -> Option<&'a Door> {
    doors.iter().find(|door| Some(&door.org_slug) == wanted).or(doors.first())
}

/// Why an attempt was not looked at.
pub(crate) const TOO_MANY: &str = "too many attempts";

/// Tell each organisation that the account belongs to, after the answer. An address without an account concerns nobody.
pub(crate) fn note_failure(db: &Db, afterwards: &Afterwards, account: Option<Account>, why: &'static str, call: &Call) {
    note_failure_at(db, afterwards, account, None, why, why, call);
}

/// The same of an attempt that had to do with organisation `at`: it alone is told `why_there`, and every other one `why`.
pub(crate) fn note_failure_at(
    db: &Db,
    afterwards: &Afterwards,
    account: Option<Account>,
    at: Option<OrgId>,
    why_there: &'static str,
    why: &'static str,
    call: &Call,
) {
    let (db, call) = (db.clone(), call.clone());
    let whose = account.as_ref().map_or_else(Uuid::nil, |account| account.id.into());
    afterwards.note(whose, async move {
        let Some(account) = account else { return Ok(()) };
        let tx = db.read_outside().await?;
        let mut orgs = store::people::organizations_of(&tx, account.id).await?;
        drop(tx);
        orgs.extend(at.filter(|at| !orgs.contains(at)));
        let (attempt, mut failed) = (Attempts::of(&call), Ok(()));
        for org in orgs {
            let why = if Some(org) == at { why_there } else { why };
            let about = About { claims: account.email.clone(), why: Some(why.to_owned()), ..About::default() };
            let key = format!("{} {why}", account.id);
            let noted = failed_attempts::note_for(&db, org, AuditAction::SignInFailed, &key, &about, &attempt, &call);
            // One organisation's trouble is not the others'.
            failed = noted.await.and(failed);
        }
        failed
    });
}
