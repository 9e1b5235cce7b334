//! Signing in with address and password, and choosing an organisation.

use domain::{
    EmailAddress, OrgSlug,
    audit::AuditAction,
    view::{OrganisationChoice, Viewer},
};

use crate::{
    Actor, Afterwards, Call, Db, Error, OrgScope,
    passwords::Hasher,
    sessions::{BeginSession, Entry, SignedIn},
    store::{self, accounts::Account, people::Door},
    throttle::Attempt,
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
    let tx = db.read_outside().await?;
    let throttled = attempt.check(&tx, call.now).await;
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
        let tx = db.begin_outside().await?;
        attempt.failed(&tx, call.now).await?;
        tx.commit().await?;
        note_failure(db, afterwards, account, if right { "no access" } else { "wrong password" }, call);
        return Err(Error::WrongCredentials);
    };
    let tx = db.begin_outside().await?;
    attempt.succeeded(&tx).await?;
    tx.commit().await?;
    Ok(entry(door, entered.len(), account, "password", call))
}

/// Enter another organisation with what this session has proven. It is another session: this one is not re-bound.
pub async fn switch(db: &Db, who: &SignedIn, org: &OrgSlug, call: &Call) -> Result<Entry, Error> {
    let tx = db.read_outside().await?;
    let doors = store::people::doors(&tx, who.account).await?;
    drop(tx);
    let tx = db.begin_outside().await?;
    let account = store::accounts::lock(&tx, who.account).await?;
    drop(tx);
    let door = doors.iter().find(|door| door.org_slug == *org).ok_or(Error::NotFound("organisation"))?;
    let mut entry = entry(door, doors.len(), &account, "switching organisation", call);
    entry.begin.auth_authority.clone_from(&who.auth_authority);
    entry.begin.auth_method.clone_from(&who.auth_method);
    entry.begin.auth_time = who.auth_time;
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
pub async fn viewer(db: &Db, who: &SignedIn, org: &OrgSlug) -> Result<Viewer, Error> {
    who.in_org(org, domain::OrgRole::Member)?;
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
    })
}

/// The way into one organisation, for an account that has just been authenticated.
pub(crate) fn entry(door: &Door, organisations: usize, account: &Account, note: &str, call: &Call) -> Entry {
    let name = door.profile.name().or_else(|| account.email.clone()).unwrap_or_else(|| "Somebody without a name".to_owned());
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
fn note_failure(db: &Db, afterwards: &Afterwards, account: Option<Account>, why: &'static str, call: &Call) {
    let (db, call) = (db.clone(), call.clone());
    afterwards.note(async move {
        let Some(account) = account else { return Ok(()) };
        let tx = db.read_outside().await?;
        let orgs = store::people::organizations_of(&tx, account.id).await?;
        drop(tx);
        for org in orgs {
            let tx = db.begin(OrgScope::new(org)).await?;
            let actor = Actor::Anonymous { claims: account.email.clone() };
            store::audit::append(&tx, AuditAction::SignInFailed, &actor, None, vec![("why".to_owned(), why.to_owned())], &call).await?;
            tx.commit().await?;
        }
        Ok(())
    });
}
