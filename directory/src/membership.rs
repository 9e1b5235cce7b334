//! Beginning a membership. Ending one is [`crate::deprovisioning::end_access`]'s alone.

use domain::{Timestamp, audit::AuditAction};
use uuid::Uuid;

use crate::{
    Actor, Call, Error,
    store::{
        self,
        audit::Target,
        db::Tx,
        members::{Member, Membership},
    },
};

/// Begin a membership for `member`, whose account the caller has locked. Base role, no credential, no grant: what she
/// had before stays dead. With `proven_at`, her address needs no new proof.
///
/// A membership that is alive already is left as it is.
pub(crate) async fn begin(
    tx: &Tx,
    member: &Member,
    name: &str,
    proven_at: Option<Timestamp>,
    actor: &Actor,
    call: &Call,
) -> Result<Membership, Error> {
    if let Some(alive) = store::members::lock_membership(tx, member.id).await? {
        return Ok(alive);
    }
    let membership = store::members::insert_membership(tx, member, proven_at, call).await?;
    store::accounts::membership_began(tx, member.account).await?;
    crate::audit::append(tx, AuditAction::AccessBegan, actor, Some(target(member, name)), vec![], call).await?;
    Ok(membership)
}

/// The member, as the audit log's events name her.
pub(crate) fn target(member: &Member, name: &str) -> Target {
    Target { kind: "member", id: Uuid::from(member.id), name: name.to_owned() }
}
