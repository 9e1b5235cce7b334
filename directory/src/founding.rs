//! How the first organisation, and any made on the command line, comes to be.

use std::time::Duration;

use domain::{
    EmailAddress, OrgId, OrgName, OrgRole, OrgSlug, PersonName,
    audit::AuditAction,
    token::{TokenLifetime, TokenName},
    view::ManagedBy,
};

use crate::{
    Actor, Call, Db, Error, OrgScope,
    passwords::Hasher,
    provisioning::{self, tokens::Wanted},
    secret::{link_hash, new_link},
    sessions::Entry,
    sign_in::entry,
    store::{
        self,
        accounts::Account,
        db::Tx,
        members::{Member, Profile},
    },
};

/// How long a set-up link works. The server makes another one each time it starts without an organisation.
const LINK_LIFETIME: Duration = Duration::from_secs(24 * 3_600);

/// What a founder types.
pub struct Founder {
    /// The organisation's name.
    pub org_name: String,
    /// Her own name.
    pub name: String,
    /// Her address.
    pub email: String,
    /// Her password.
    pub password: String,
}

/// What `rollcall bootstrap` made. The token's secret is in here, this once.
pub struct Bootstrapped {
    /// The organisation.
    pub org: OrgId,
    /// Its name in URLs.
    pub slug: OrgSlug,
    /// The owner's account.
    pub owner: domain::AccountId,
    /// The provisioning token, when SCIM was to be enabled.
    pub token: Option<String>,
}

/// Make a set-up link's secret, if no organisation exists yet.
pub async fn new_set_up_link(db: &Db, call: &Call) -> Result<Option<String>, Error> {
    let tx = db.begin_outside().await?;
    if store::organizations::any(&tx).await? {
        return Ok(None);
    }
    let (secret, hash) = new_link(call);
    store::links::insert_set_up(&tx, &hash, call.now, call.now + LINK_LIFETIME).await?;
    tx.commit().await?;
    Ok(Some(secret.reveal()))
}

/// Whether the set-up link `link` works.
pub async fn link_works(db: &Db, link: &str, call: &Call) -> Result<bool, Error> {
    let Some(hash) = link_hash(link) else { return Ok(false) };
    let tx = db.read_outside().await?;
    Ok(store::links::set_up_works(&tx, &hash, call.now).await? && !store::organizations::any(&tx).await?)
}

/// Found the first organisation by its set-up link.
///
/// Whoever holds the link has read the server's own output, so her address counts as proven: she is the operator.
pub async fn by_link(db: &Db, hasher: &Hasher, link: &str, founder: Founder, call: &Call) -> Result<Entry, Error> {
    let gone = || Error::NotFound("set-up link");
    let hash = link_hash(link).ok_or_else(gone)?;
    if !link_works(db, link, call).await? {
        return Err(gone());
    }
    let person = Checked::new(founder, hasher, call).await?;
    db.retrying(|| async {
        let tx = db.begin(OrgScope::new(call.new_id())).await?;
        store::organizations::lock_founding(&tx).await?;
        if !store::links::set_up_works(&tx, &hash, call.now).await? || store::organizations::any(&tx).await? {
            return Err(gone());
        }
        store::links::delete_set_up(&tx).await?;
        let founded = found(&tx, &person, &Actor::Operator, "set-up link", call).await?;
        let doors = store::people::doors(&tx, founded.account.id).await?;
        tx.commit().await?;
        let door =
            doors.iter().find(|door| door.org_slug == founded.slug).ok_or_else(|| Error::Store("a founder cannot enter".to_owned()))?;
        Ok(entry(door, doors.len(), &founded.account, "founding the organisation", call))
    })
    .await
}

/// Found an organisation from the command line, with SCIM enabled and a token issued if `enable_scim`.
///
/// # Errors
/// [`Error::Conflict`] when an organisation of this name exists already, or the owner's account does: nothing is changed.
pub async fn bootstrap(db: &Db, hasher: &Hasher, founder: Founder, enable_scim: bool, call: &Call) -> Result<Bootstrapped, Error> {
    let person = Checked::new(founder, hasher, call).await?;
    db.retrying(|| async {
        let tx = db.begin(OrgScope::new(call.new_id())).await?;
        let founded = found(&tx, &person, &Actor::Operator, "rollcall bootstrap", call).await?;
        let token = match enable_scim {
            false => None,
            true => {
                provisioning::connection::enable_in(&tx, &Actor::Operator, call).await?;
                let name = TokenName::try_from("Bootstrap".to_owned())?;
                let wanted = Wanted::new(name, TokenLifetime::default());
                let (secret, _) = provisioning::tokens::issue_in(&tx, &wanted, &Actor::Operator, None, call).await?;
                Some(secret.reveal())
            }
        };
        let org = tx.org();
        tx.commit().await?;
        Ok(Bootstrapped { org, slug: founded.slug, owner: founded.account.id, token })
    })
    .await
}

/// A founder whose input was accepted and whose password was hashed.
struct Checked {
    org_name: OrgName,
    name: PersonName,
    email: EmailAddress,
    password_hash: String,
}

impl Checked {
    async fn new(founder: Founder, hasher: &Hasher, call: &Call) -> Result<Self, Error> {
        let org_name = OrgName::try_from(founder.org_name)?;
        let name = PersonName::try_from(founder.name)?;
        let email = EmailAddress::try_from(founder.email)?;
        let about = vec![org_name.to_string(), name.to_string(), email.to_string()];
        let password_hash = hasher.hash_new(founder.password, about, call).await?;
        Ok(Self { org_name, name, email, password_hash })
    }
}

struct Founded {
    slug: OrgSlug,
    account: Account,
}

async fn found(tx: &Tx, person: &Checked, actor: &Actor, how: &str, call: &Call) -> Result<Founded, Error> {
    let slug = person.org_name.slug();
    if !store::organizations::insert(tx, &person.org_name, &slug, call.now).await? {
        return Err(Error::Conflict(format!(
            "An organisation with the address /o/{slug} exists already. Nothing was changed. Choose another name."
        )));
    }
    let account = store::accounts::find_or_insert(tx, &person.email, call).await?;
    // Whose account this is was not asked: an existing one is not taken over, nor is its password changed.
    if account.password_hash.is_some() || account.email_proven {
        return Err(Error::Conflict("There is an account with this address already. Nothing was changed. Use another address.".to_owned()));
    }
    store::accounts::prove_email(tx, &account, call.now).await?;
    store::accounts::set_password(tx, account.id, &person.password_hash).await?;

    let profile = Profile { display_name: Some(person.name.to_string()), ..Profile::default() };
    let member = store::members::insert(tx, account.id, &profile, ManagedBy::Manual, call).await?;
    let member: Member = store::members::find(tx, member).await?.ok_or(Error::Stale)?;
    let membership = store::members::insert_membership(tx, &member, Some(call.now), call).await?;
    store::accounts::membership_began(tx, account.id).await?;
    store::grants::insert(tx, membership.id, OrgRole::Owner, &actor.name(), call).await?;
    let target = crate::membership::target(&member, person.name.as_str());
    let details = vec![("by".to_owned(), how.to_owned()), ("owner".to_owned(), person.email.to_string())];
    crate::audit::append(tx, AuditAction::OrganisationFounded, actor, Some(target), details, call).await?;
    Ok(Founded { slug, account: store::accounts::lock(tx, account.id).await? })
}
