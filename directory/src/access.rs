//! Access that people end and begin by hand: removing and restoring, blocking and unblocking.

use std::time::Duration;

use domain::{MemberId, OrgRole, audit::AuditAction};

use crate::{
    Call, Db, Error, OrgScope, activation, alerts,
    deprovisioning::{Cause, end_access, ended},
    grants::kept,
    membership,
    sessions::SignedIn,
    store,
    subject::{Proof, subject},
};

/// End the access of `member`, whoever manages her. What the directory wishes stays as it is: only its next change from
/// inactive to active lets her in again, or an administrator.
///
/// # Errors
/// [`Error::LastOwner`] when the organisation would be left without an active owner (law 6).
pub async fn remove(db: &Db, who: &SignedIn, scope: OrgScope, member: MemberId, call: &Call) -> Result<(), Error> {
    let actor = who.actor();
    let removed = db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let subject = subject(&tx, who, member, Proof::FreshForOwners, call).await?;
        if end_access(&tx, member, &subject.name, Cause::RemovedByHand, &actor, call).await?.is_some() {
            tx.commit().await?;
        }
        Ok(())
    });
    kept(db, scope, member, removed.await, &actor, call).await
}

/// Begin the access of `member` again, after it was ended: with the base role and what her groups give now. Old grants,
/// sessions and links stay dead.
///
/// Somebody whom the directory manages has to be active there. Anybody else is invited again, unless she has proven her
/// address before.
pub async fn restore(db: &Db, who: &SignedIn, scope: OrgScope, member: MemberId, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let subject = subject(&tx, who, member, Proof::Role, call).await?;
        if subject.membership.is_some() {
            return Err(Error::Conflict("She has access already.".to_owned()));
        }
        if subject.record.as_ref().is_some_and(|record| !record.active) {
            return Err(Error::Conflict(
                "The directory has deactivated her. Assign her at the identity provider: her access begins with that.".to_owned(),
            ));
        }
        let proven_at = subject.member.proven_at;
        let membership = membership::begin(&tx, &subject.member, &subject.name, proven_at, &who.actor(), call).await?;
        if membership.proven_at.is_none()
            && let Some(address) = &subject.account.email
        {
            // Access is what was asked for. Where no mail may go today, her page says so, and has the button for another.
            let _: activation::Queued = activation::queue(&tx, &membership, address, Duration::ZERO, call).await?;
        }
        tx.commit().await
    })
    .await
}

/// Block `member`: she keeps what she has and can use none of it, until somebody lifts the block. No directory can. Her
/// sessions and links end at once, for good.
///
/// # Errors
/// [`Error::LastOwner`] when the organisation would be left without an active owner (law 6).
pub async fn block(db: &Db, who: &SignedIn, scope: OrgScope, member: MemberId, call: &Call) -> Result<(), Error> {
    let actor = who.actor();
    let blocked = db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let subject = subject(&tx, who, member, Proof::FreshForOwners, call).await?;
        if subject.role == OrgRole::Owner {
            subject.may_cease_to_be_owner(&tx).await?;
        }
        if !store::blocks::insert(&tx, member, &actor.name(), call).await? {
            return Ok(());
        }
        let mut details = vec![];
        if let Some(membership) = &subject.membership {
            let attached = store::members::attached(&tx, membership.id, call.now).await?;
            details.extend(ended(&attached.credentials));
            store::sessions::delete_of_membership(&tx, membership.id).await?;
            store::api_sessions::delete_of_membership(&tx, membership.id).await?;
            store::personal_tokens::delete_of_membership(&tx, membership.id).await?;
            store::device_requests::delete_of_membership(&tx, membership.id).await?;
            store::links::delete_activation_of(&tx, membership.id).await?;
            store::mails::supersede(&tx, membership.id, "she was blocked").await?;
        }
        crate::audit::append(&tx, AuditAction::MemberBlocked, &actor, Some(subject.target()), details, call).await?;
        if subject.role == OrgRole::Owner {
            let line = format!("{} blocked {}, who is an owner.", alerts::name(&who.name), alerts::name(&subject.name));
            alerts::to_owners(&tx, "an owner was blocked", &line, call).await?;
        }
        tx.commit().await
    });
    kept(db, scope, member, blocked.await, &actor, call).await
}

/// Lift the block of `member`. Nothing comes back by itself: she signs in anew, or is mailed another link.
pub async fn unblock(db: &Db, who: &SignedIn, scope: OrgScope, member: MemberId, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let subject = subject(&tx, who, member, Proof::FreshForOwners, call).await?;
        if store::blocks::delete(&tx, member).await? {
            crate::audit::append(&tx, AuditAction::MemberUnblocked, &who.actor(), Some(subject.target()), vec![], call).await?;
            tx.commit().await?;
        }
        Ok(())
    })
    .await
}
