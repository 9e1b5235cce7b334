//! Roles that people grant by hand: auditor, admin, and owner, which comes from nowhere else (law 2).
//!
//! Nobody grants or takes away a role at or above her own, nor touches what somebody holds who stands there; owners may do
//! all of it, and for owner itself they give their password. The last active owner keeps it (law 6).

use domain::{Invalid, MemberId, OrgRole, OrgSlug, Permission, audit::AuditAction};

use crate::{
    Actor, Call, Db, Error, OrgScope, alerts,
    sessions::SignedIn,
    store::{self, audit::Details, db::Tx},
    subject::{Proof, Subject, subject},
};

/// Grant `role` to `member` by hand. Granting what she holds by hand already changes nothing.
pub async fn grant(db: &Db, who: &SignedIn, scope: OrgScope, member: MemberId, role: OrgRole, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let subject = within_reach(&tx, who, member, role, call).await?;
        if grant_in(&tx, &subject, role, &who.actor(), call).await? {
            tx.commit().await?;
        }
        Ok(())
    })
    .await
}

/// Take `role` away from `member`, which was granted by hand. What groups give her stays. Taking away what is not there
/// changes nothing.
///
/// # Errors
/// [`Error::LastOwner`] when the organisation would be left without an active owner (law 6).
pub async fn revoke(db: &Db, who: &SignedIn, scope: OrgScope, member: MemberId, role: OrgRole, call: &Call) -> Result<(), Error> {
    let actor = who.actor();
    let revoked = db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let subject = within_reach(&tx, who, member, role, call).await?;
        let Some(membership) = &subject.membership else { return Ok(()) };
        if !store::grants::exists(&tx, membership.id, role).await? {
            return Ok(());
        }
        if role == OrgRole::Owner {
            subject.may_cease_to_be_owner(&tx).await?;
            let line = format!("{} took the role of owner away from {}.", alerts::name(&who.name), alerts::name(&subject.name));
            alerts::to_owners(&tx, "an owner is none any more", &line, call).await?;
        }
        store::grants::delete(&tx, membership.id, role).await?;
        let details = in_force(&tx, &subject, role).await?;
        crate::audit::append(&tx, AuditAction::RoleRevoked, &actor, Some(subject.target()), details, call).await?;
        tx.commit().await
    });
    kept(db, scope, member, revoked.await, &actor, call).await
}

/// Keep `member` for emergencies, so that no directory can take her over (law 2); or not any more.
pub async fn set_break_glass(db: &Db, who: &SignedIn, scope: OrgScope, member: MemberId, on: bool, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let subject = Subject::lock(&tx, Some(who.member), member).await?;
        who.confirm_fresh(&tx, Permission::ManageOwners, call.now).await?;
        let subject = subject.ok_or(Error::NotFound("member"))?;
        if on && subject.is_managed() {
            return Err(Error::Conflict(
                "The directory manages her and can end her access at any time, so she is of no use in an emergency. Keep somebody \
                 whom it does not know."
                    .to_owned(),
            ));
        }
        if store::members::set_break_glass(&tx, member, on).await? {
            let action = if on { AuditAction::BreakGlassSet } else { AuditAction::BreakGlassCleared };
            crate::audit::append(&tx, action, &who.actor(), Some(subject.target()), vec![], call).await?;
            tx.commit().await?;
        }
        Ok(())
    })
    .await
}

/// What `rollcall owner grant` did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeOwner {
    /// The organisation.
    pub org: domain::OrgId,
    /// The member.
    pub member: MemberId,
    /// Her name.
    pub name: String,
    /// Whether anything was changed; she may have been an owner already.
    pub changed: bool,
}

/// Make somebody with access an owner, from the server's command line: the way back for an organisation whose owners cannot
/// get in.
pub async fn grant_owner_as_operator(db: &Db, org: &str, email: &str, call: &Call) -> Result<MadeOwner, Error> {
    let nobody = || Error::Conflict(format!("No member of {org} has the address {email}. Nothing was changed."));
    let unknown = || Error::Conflict(format!("There is no organisation with the address /o/{org}. Nothing was changed."));
    let slug = OrgSlug::try_from(org.to_owned()).map_err(|_| unknown())?;
    let address = domain::EmailAddress::try_from(email)?;
    let outside = db.read_outside().await?;
    let found = store::organizations::find_by_slug(&outside, &slug).await?.ok_or_else(unknown)?;
    let account = store::accounts::find_by_email(&outside, address.key()).await?.ok_or_else(nobody)?;
    drop(outside);

    db.retrying(|| async {
        let tx = db.begin(OrgScope::new(found)).await?;
        let member = store::members::find_by_account(&tx, account.id).await?.ok_or_else(nobody)?;
        store::organizations::lock_owner_guard(&tx).await?;
        let subject = Subject::lock(&tx, None, member.id).await?.ok_or(Error::Stale)?;
        let changed = grant_in(&tx, &subject, OrgRole::Owner, &Actor::Operator, call).await?;
        let made = MadeOwner { org: found, member: member.id, name: subject.name, changed };
        if changed {
            tx.commit().await?;
        }
        Ok(made)
    })
    .await
}

/// Leave to touch the grant of `role` to `member`, and the member with her locks.
async fn within_reach(tx: &Tx, who: &SignedIn, member: MemberId, role: OrgRole, call: &Call) -> Result<Subject, Error> {
    if role == OrgRole::Member {
        return Err(Invalid::new("role", "Everybody is a member. Choose another role.").into());
    }
    if role == OrgRole::Owner {
        // Whoever is about to write to all owners holds it, so that two of them do not wait for each other's memberships.
        store::organizations::lock_owner_guard(tx).await?;
    }
    let subject = subject(tx, who, member, Proof::Role, call).await?;
    let own = match role {
        OrgRole::Owner => who.confirm_fresh(tx, Permission::ManageOwners, call.now).await?,
        _ => who.confirm(tx, Permission::ManageMembers).await?,
    };
    if own.reaches(role) { Ok(subject) } else { Err(Error::Denied) }
}

/// Grant a role; `false` when she holds it by hand already.
pub(crate) async fn grant_in(tx: &Tx, subject: &Subject, role: OrgRole, actor: &Actor, call: &Call) -> Result<bool, Error> {
    let Some(membership) = &subject.membership else {
        return Err(Error::Conflict("Her access has ended. Begin it again before you give her a role.".to_owned()));
    };
    if store::grants::exists(tx, membership.id, role).await? {
        return Ok(false);
    }
    if role == OrgRole::Owner && !store::members::in_good_standing(tx, subject.member.id).await? {
        return Err(Error::Conflict(
            "She cannot sign in at the moment: she has not activated her access, is blocked, or is suspended. An owner has to be able to."
                .to_owned(),
        ));
    }
    store::grants::insert(tx, membership.id, role, &actor.name(), call).await?;
    let details = in_force(tx, subject, role).await?;
    crate::audit::append(tx, AuditAction::RoleGranted, actor, Some(subject.target()), details, call).await?;
    if role == OrgRole::Owner {
        let line = format!("{} made {} an owner.", alerts::name(&actor.name()), alerts::name(&subject.name));
        alerts::to_owners(tx, "somebody is an owner now", &line, call).await?;
    }
    Ok(true)
}

/// What a grant that was just made or taken away says of itself, and how it moved the role in force.
async fn in_force(tx: &Tx, subject: &Subject, role: OrgRole) -> Result<Details, Error> {
    let now = store::grants::role_of(tx, subject.member.id).await?;
    let moved = (now != subject.role).then(|| crate::audit::changed("role in force", &subject.role.to_string(), &now.to_string()));
    Ok([alerts::role(role)].into_iter().chain(moved).collect())
}

/// Pass an answer on; a refusal by law 6 is recorded first.
pub(crate) async fn kept<T>(
    db: &Db,
    scope: OrgScope,
    member: MemberId,
    answer: Result<T, Error>,
    actor: &Actor,
    call: &Call,
) -> Result<T, Error> {
    if matches!(answer, Err(Error::LastOwner)) {
        let tx = db.read(scope).await?;
        let found = store::members::find(&tx, member).await?;
        drop(tx);
        if let Some(found) = found {
            let name = found.profile.name().unwrap_or_else(|| "the last owner".to_owned());
            alerts::last_owner_kept(db, scope, &crate::membership::target(&found, &name), actor, call).await?;
        }
    }
    answer
}
