//! Directory records that match an owner, or somebody kept for emergencies: they act on her once an owner says so (law 2).

use std::time::Duration;

use domain::{DirectoryUserId, Permission, audit::AuditAction, view::HeldLink};

use crate::{
    Actor, Call, Db, Error, OrgScope, activation, alerts,
    deprovisioning::{Cause, end_access},
    events,
    grants::kept,
    membership,
    provisioning::person::profile,
    sessions::SignedIn,
    store::{
        self,
        db::Tx,
        members::{Member, Profile},
        scim_users::Record,
    },
};

/// The records that wait for an owner's word, the oldest first.
pub async fn held(db: &Db, scope: OrgScope) -> Result<Vec<HeldLink>, Error> {
    let tx = db.read(scope).await?;
    store::held_links::waiting(&tx).await
}

/// A record matches a member whom the directory may not take over: let it wait, and tell the owners, once.
pub(crate) async fn hold(tx: &Tx, record: &Record, name: &str, member: &Member, actor: &Actor, call: &Call) -> Result<(), Error> {
    // A directory that deletes and creates the record over and over fills nobody's inbox.
    if store::held_links::hold(tx, record.id, member.id, &actor.name(), call).await?
        && alerts::first_of(tx, "held_link_alert", &member.id.to_string(), call).await?
    {
        let her = member.profile.name().unwrap_or_else(|| name.to_owned());
        let line = format!(
            "{} pushed the directory user {}, who matches {}: an owner, or somebody kept for emergencies. The directory does not \
             manage her unless an owner approves it, on her page in the console.",
            alerts::name(&actor.name()),
            alerts::name(record.resource.text("userName").unwrap_or_default()),
            alerts::name(&her)
        );
        alerts::to_owners(tx, "a directory user waits for an owner's word", &line, call).await?;
    }
    Ok(())
}

/// Let `record` act on the member that it matches: from now on the directory keeps her profile, and can end her access. Roles
/// that she holds by hand stay.
///
/// # Errors
/// [`Error::LastOwner`] when the record is inactive by now and she is the last active owner (law 6).
pub async fn approve(db: &Db, who: &SignedIn, scope: OrgScope, record: DirectoryUserId, call: &Call) -> Result<(), Error> {
    let actor = who.actor();
    let glimpse = db.read(scope).await?;
    let matched = store::held_links::find(&glimpse, record).await?;
    drop(glimpse);
    let approved = db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let waits = lock(&tx, who, record, call).await?;
        let member = waits.member;
        if member.break_glass {
            return Err(Error::Conflict(
                "She is kept for emergencies, so no directory may manage her. Take that mark away first.".to_owned(),
            ));
        }
        if store::scim_users::is_linked(&tx, member.id).await? {
            return Err(Error::Conflict("Another directory user acts on her already.".to_owned()));
        }
        let profile = profile(&waits.record.resource);
        let name = name(&waits.record, &profile);
        store::scim_users::set_member(&tx, record, member.id).await?;
        store::outbox::adopt_numbers(&tx, record, member.id).await?;
        store::members::hand_to_directory(&tx, member.id).await?;
        store::members::set_profile(&tx, member.id, &profile).await?;
        store::held_links::delete(&tx, record).await?;
        let target = membership::target(&member, &name);
        let details = vec![("user".to_owned(), user_name(&waits.record))];
        crate::audit::append(&tx, AuditAction::LinkApproved, &actor, Some(target), details, call).await?;
        if profile != member.profile {
            events::member_changed(&tx, member.id, &actor, call).await?;
        }
        let line = format!(
            "{} let the directory user {} act on {}: from now on the directory manages her.",
            alerts::name(&who.name),
            alerts::name(&user_name(&waits.record)),
            alerts::name(&name)
        );
        alerts::to_owners(&tx, "an owner approved a directory user", &line, call).await?;
        if waits.record.active {
            let membership = membership::begin(&tx, &member, &name, None, &actor, call).await?;
            if membership.proven_at.is_none()
                && let Some(address) = store::accounts::lock(&tx, member.account).await?.email
            {
                // The link is what was asked for. Where no mail may go today, her page has the button for another.
                let _: activation::Queued = activation::queue(&tx, &membership, &address, Duration::ZERO, call).await?;
            }
        } else {
            end_access(&tx, member.id, &name, Cause::DirectoryDeactivated, &actor, call).await?;
        }
        tx.commit().await
    });
    let approved = approved.await;
    match matched {
        Some(member) => kept(db, scope, member, approved, &actor, call).await,
        None => approved,
    }
}

/// Refuse that, for good: the record stays the directory's, and acts on nobody.
pub async fn decline(db: &Db, who: &SignedIn, scope: OrgScope, record: DirectoryUserId, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let waits = lock(&tx, who, record, call).await?;
        let actor = who.actor();
        store::held_links::decline(&tx, record, &actor.name(), call).await?;
        let name = waits.member.profile.name().unwrap_or_else(|| user_name(&waits.record));
        let target = membership::target(&waits.member, &name);
        let details = vec![("user".to_owned(), user_name(&waits.record))];
        crate::audit::append(&tx, AuditAction::LinkDeclined, &actor, Some(target), details, call).await?;
        tx.commit().await
    })
    .await
}

/// A record that waits, and the member that it matches, both locked.
struct Waits {
    record: Record,
    member: Member,
}

/// Lock what a decision needs, in the order that every use case keeps, and ask for leave to decide.
async fn lock(tx: &Tx, who: &SignedIn, record: DirectoryUserId, call: &Call) -> Result<Waits, Error> {
    let matched = store::held_links::find(tx, record).await?;
    let Some(id) = matched else {
        who.confirm_fresh(tx, Permission::ManageOwners, call.now).await?;
        return Err(Error::NotFound("waiting directory user"));
    };
    let glimpse = store::members::find(tx, id).await?.ok_or(Error::Stale)?;
    // Whether she is an owner or not: all owners are about to be written to.
    store::organizations::lock_owner_guard(tx).await?;
    store::accounts::lock(tx, glimpse.account).await?;
    let locked = store::scim_users::lock(tx, record).await?;
    let member = store::members::lock(tx, id).await?.ok_or(Error::Stale)?;
    store::members::lock_memberships(tx, &[who.member, id]).await?;
    who.confirm_fresh(tx, Permission::ManageOwners, call.now).await?;
    // Decided or deleted since we looked: look again.
    match locked {
        Some(locked) if store::held_links::find(tx, record).await? == matched => Ok(Waits { record: locked, member }),
        _ => Err(Error::Stale),
    }
}

fn user_name(record: &Record) -> String {
    record.resource.text("userName").unwrap_or_default().to_owned()
}

fn name(record: &Record, profile: &Profile) -> String {
    profile.name().unwrap_or_else(|| user_name(record))
}
