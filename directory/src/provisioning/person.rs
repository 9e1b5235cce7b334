//! From a directory's record to the person it stands for: whom it acts on, and how her access begins.

use domain::{DirectoryUserId, EmailAddress, MemberId, audit::AuditAction};
use scim::{Notes, Resource};

use super::{request::Request, tokens::Provisioner};
use crate::{
    Call, Error,
    activation::{self, Queued},
    links, membership,
    store::{
        self,
        accounts::Account,
        db::Tx,
        members::{Member, Profile},
        scim_users::Record,
    },
};

/// Lock a record and whoever it acts on, in the order that every use case keeps: the owner guard if she holds owner, her
/// account, the record.
pub(super) async fn lock(tx: &Tx, id: DirectoryUserId) -> Result<(Record, Option<Member>), Error> {
    lock_after(tx, id, || async { Ok(()) }).await
}

/// The same, with `before` between the account and the record: what else has to be locked there.
pub(super) async fn lock_after<Fut: Future<Output = Result<(), Error>>>(
    tx: &Tx,
    id: DirectoryUserId,
    before: impl FnOnce() -> Fut,
) -> Result<(Record, Option<Member>), Error> {
    let glimpse = store::scim_users::find(tx, id).await?.ok_or(Error::NotFound("User"))?;
    let mut member = None;
    let mut owner = false;
    if let Some(member_id) = glimpse.member {
        owner = store::members::holds_owner(tx, member_id).await?;
        if owner {
            store::organizations::lock_owner_guard(tx).await?;
        }
        let found = store::members::find(tx, member_id).await?.ok_or(Error::Stale)?;
        store::accounts::lock(tx, found.account).await?;
        member = Some(found);
    }
    before().await?;
    let record = store::scim_users::lock(tx, id).await?.ok_or(Error::NotFound("User"))?;
    let moved = record.member != glimpse.member;
    let promoted = match (&member, owner) {
        (Some(member), false) => store::members::holds_owner(tx, member.id).await?,
        _ => false,
    };
    if moved || promoted { Err(Error::Stale) } else { Ok((record, member)) }
}

/// Whom a record acts on.
pub(super) enum Link {
    /// Nobody: it is inactive and never was active.
    None,
    /// Nobody, because it matches a member whom no directory may take over (law 2).
    Refused(Box<Member>),
    /// This member.
    Member(Box<Member>),
}

impl Link {
    /// Whom, if anybody.
    pub(super) fn member(&self) -> Option<MemberId> {
        match self {
            Self::Member(member) => Some(member.id),
            Self::None | Self::Refused(_) => None,
        }
    }
}

/// The account that a new record stands for, with its lock: that of its address, made if there is none. A record
/// without a usable address gets an account that can be entered by single sign-on only. So does whoever a drill brings: no real
/// account is looked for.
pub(super) async fn account_of(tx: &Tx, caller: &Provisioner, resource: &Resource, call: &Call) -> Result<Account, Error> {
    if caller.drill {
        return store::accounts::insert_without_email(tx, call).await;
    }
    // Entra calls a guest `mira_partner.test#EXT#@acme.onmicrosoft.test`, which looks like an address and is nobody's.
    let user_name = resource.text("userName").filter(|name| !name.to_ascii_uppercase().contains("#EXT#"));
    let candidates = [resource.primary("emails"), user_name];
    let address = candidates.into_iter().flatten().find_map(|text| EmailAddress::try_from(text).ok());
    match address {
        Some(address) => store::accounts::find_or_insert(tx, &address, call).await,
        None => store::accounts::insert_without_email(tx, call).await,
    }
}

/// Find or make the member that a record acts on from now on.
pub(super) async fn link(tx: &Tx, account: Account, resource: &Resource, call: &Call) -> Result<Link, Error> {
    let profile = profile(resource);
    let (account, existing) = match store::members::find_by_account(tx, account.id).await? {
        // Another record of the organisation acts on her already: two records are two people.
        Some(member) if store::scim_users::is_linked(tx, member.id).await? => {
            (store::accounts::insert_without_email(tx, call).await?, None)
        }
        existing => (account, existing),
    };
    let id = match existing {
        Some(member) if member.break_glass || store::members::holds_owner(tx, member.id).await? => {
            return Ok(Link::Refused(Box::new(member)));
        }
        Some(member) => {
            store::members::lock(tx, member.id).await?;
            store::members::hand_to_directory(tx, member.id).await?;
            store::members::set_profile(tx, member.id, &profile).await?;
            member.id
        }
        None => store::members::insert(tx, account.id, &profile, domain::view::ManagedBy::Directory, call).await?,
    };
    let member = store::members::find(tx, id).await?.ok_or(Error::Stale)?;
    Ok(Link::Member(Box::new(member)))
}

/// Begin the access of whoever `record` acts on, and have her address proven if that has not been done for this record.
pub(super) async fn begin_access(tx: &Tx, request: Request<'_>, record: &Record, link: Link, notes: &mut Notes) -> Result<(), Error> {
    let Request { caller, mail_delay, call, .. } = request;
    let actor = caller.actor();
    let member = match link {
        Link::None => return Ok(()),
        Link::Refused(member) => {
            notes.add("the user matches a member whom the directory may not take over; an owner has to decide");
            let details = vec![("why".to_owned(), "she is an owner, or kept for emergencies".to_owned())];
            let target = membership::target(&member, &name(&record.resource));
            links::hold(tx, record, &name(&record.resource), &member, &actor, call).await?;
            return crate::audit::append(tx, AuditAction::LinkRefused, &actor, Some(target), details, call).await;
        }
        Link::Member(member) => member,
    };
    let membership = membership::begin(tx, &member, &name(&record.resource), member.proven_at, &actor, call).await?;
    if membership.proven_at.is_none()
        && let Some(address) = store::accounts::lock(tx, member.account).await?.email
    {
        match activation::queue(tx, &membership, &address, mail_delay, call).await? {
            Queued::Yes => {}
            Queued::Capped => notes.add("no activation mail: this address has had its share for today"),
            Queued::Blocked => notes.add("no activation mail: she was blocked by hand"),
        }
    }
    Ok(())
}

/// The name by which people know a directory user.
pub(super) fn name(resource: &Resource) -> String {
    profile(resource).name().or_else(|| resource.text("userName").map(str::to_owned)).unwrap_or_default()
}

/// What the organisation shows of the person: all that SCIM writes beyond its own record (law 5).
pub(crate) fn profile(resource: &Resource) -> Profile {
    let text = |path| resource.text(path).map(str::to_owned);
    Profile {
        given_name: text("name.givenName"),
        family_name: text("name.familyName"),
        display_name: text("displayName").or_else(|| text("name.formatted")),
    }
}
