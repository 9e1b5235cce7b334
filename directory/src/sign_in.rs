//! Signing in with address and password, and choosing an organisation.

use domain::{
    AccountId, EmailAddress, OrgSlug,
    audit::AuditAction,
    view::{OrganisationChoice, Viewer},
};

use crate::{
    Actor, Afterwards, Call, Db, Error, OrgScope,
    passwords::Hasher,
    sessions::{BeginSession, Entry, SignedIn},
    store::{self, accounts::Account, people::Door},
    throttle::{self, Attempt},
};

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
pub async fn with_password(
    db: &Db,
    hasher: &Hasher,
    afterwards: &Afterwards,
    credentials: Credentials,
    wanted: Option<&OrgSlug>,
    call: &Call,
) -> Result<Entry, Error> {
    let Credentials { email, password } = credentials;
    let attempt = Attempt::new(&email, call);
    let throttled = attempt.begin(db, call.now).await;
    let tx = db.read_outside().await?;
    let account = match EmailAddress::try_from(email) {
        Ok(address) => store::accounts::find_by_email(&tx, address.key()).await?,
        Err(_) => None,
    };
    drop(tx);
    if let Err(error) = throttled {
        note_failure(db, afterwards, account, "too many attempts", call);
        return Err(error);
    }

    let hash = account.as_ref().and_then(|account| account.password_hash.clone());
    let right = hasher.verify(password, hash).await?;
    let entered = match account.as_ref().filter(|_| right) {
        Some(account) => doors(db, account).await?,
        None => vec![],
    };
    let (Some(account), Some(door)) = (&account, choose(&entered, wanted)) else {
        note_failure(db, afterwards, account, if right { "no access" } else { "wrong password" }, call);
        return Err(Error::WrongCredentials);
    };
    attempt.succeeded(db).await?;
    Ok(entry(door, entered.len(), account, "password", call))
}

/// Enter another organisation with what this session has proven. It is another session: this one is not re-bound, but
/// ends as that one begins; and if this one has ended by then, that one does not begin.
pub async fn switch(db: &Db, who: &SignedIn, org: &OrgSlug, call: &Call) -> Result<Entry, Error> {
    let tx = db.read_outside().await?;
    let doors = store::people::doors(&tx, who.account).await?;
    let door = doors.iter().find(|door| door.org_slug == *org).ok_or(Error::NotFound("organisation"))?;
    // What the session has proven, not what holds by now: a password that was set since ends it.
    let account = Proven { id: who.account, email: who.email.clone(), credential_version: who.credential_version };
    let mut entry = entry(door, doors.len(), account, "switching organisation", call);
    entry.begin.auth_authority.clone_from(&who.auth_authority);
    entry.begin.auth_method.clone_from(&who.auth_method);
    entry.begin.auth_time = who.auth_time;
    entry.begin.inherits = true;
    Ok(entry)
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
            auth_authority: "local".to_owned(),
            auth_method: "password".to_owned(),
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

/// Tell each organisation that the account belongs to, after the answer. An address without an account concerns nobody.
pub(crate) fn note_failure(db: &Db, afterwards: &Afterwards, account: Option<Account>, why: &'static str, call: &Call) {
    let (db, call) = (db.clone(), call.clone());
    afterwards.note(async move {
        let Some(account) = account else { return Ok(()) };
        let tx = db.read_outside().await?;
        let orgs = store::people::organizations_of(&tx, account.id).await?;
        drop(tx);
        for org in orgs {
            db.retrying(|| async {
                let tx = db.begin(OrgScope::new(org)).await?;
                if let Some(unlisted) = throttle::worth_noting(&tx, "sign_in_note", &account.id.to_string(), &call).await? {
                    let actor = Actor::Anonymous { claims: account.email.clone() };
                    let details = [vec![("why".to_owned(), why.to_owned())], unlisted].concat();
                    crate::audit::append(&tx, AuditAction::SignInFailed, &actor, None, details, &call).await?;
                }
                tx.commit().await
            })
            .await?;
        }
        Ok(())
    });
}
