//! The end of access: the one place where a membership ends, and with it everything that hangs off it.

use domain::{MemberId, OrgRole, audit::AuditAction};

use crate::{
    Actor, Call, Error, alerts,
    membership::target,
    store::{self, db::Tx, members::Attached},
};

/// Why access ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The directory set `active` to false.
    DirectoryDeactivated,
    /// The directory deleted the user.
    DirectoryDeleted,
    /// Somebody removed the member by hand.
    RemovedByHand,
}

impl Cause {
    fn sentence(self) -> &'static str {
        match self {
            Self::DirectoryDeactivated => "deactivated in the directory",
            Self::DirectoryDeleted => "deleted in the directory",
            Self::RemovedByHand => "removed by hand",
        }
    }
}

/// End the access of `member` in the transaction's organisation: her membership and, by the database's cascade, every
/// session, link, grant and seat that hangs off it. Nothing bound to another organisation is touched.
///
/// The caller holds the locks before the member's in their order: the owner guard if she holds owner, her account, her
/// directory record. Answers what ended. Writes nothing and answers `None` when nothing was alive, so a repeated request is harmless and is
/// audited once.
///
/// # Errors
/// [`Error::LastOwner`] when the organisation would be left without an active owner (law 6).
pub(crate) async fn end_access(
    tx: &Tx,
    member: MemberId,
    name: &str,
    cause: Cause,
    actor: &Actor,
    call: &Call,
) -> Result<Option<Attached>, Error> {
    let person = store::members::lock(tx, member).await?.ok_or(Error::NotFound("member"))?;
    let Some(membership) = store::members::lock_membership(tx, member).await? else { return Ok(None) };

    let owners = store::members::active_owners(tx).await?;
    if owners == [member] {
        return Err(Error::LastOwner);
    }
    let attached = store::members::attached(tx, membership.id, call.now).await?;
    if store::grants::exists(tx, membership.id, OrgRole::Owner).await? {
        let line =
            format!("{} ended the access of {}, who was an owner ({}).", alerts::name(&actor.name()), alerts::name(name), cause.sentence());
        alerts::to_owners(tx, "an owner has left", &line, call).await?;
    }
    store::members::delete_membership(tx, member, membership.id, call.now).await?;
    store::accounts::membership_ended(tx, membership.account).await?;
    // The organisation's own credentials do not end with a person; what she has seen of them is to be changed.
    let issued = store::tokens::issued_by(tx, member, call.now).await?;
    let services = store::service_credentials::issued_by(tx, member).await?;
    let webhooks = store::webhooks::seen_by(tx, member).await?.into_iter().map(|(_, name)| name).collect();
    let seen = [
        ("provisioning tokens she issued, to be replaced", issued),
        ("service credentials she issued, to be replaced", services),
        ("webhook secrets she has seen, to be rotated", webhooks),
    ];
    let seen = seen.into_iter().filter(|(_, names)| !names.is_empty()).map(|(what, names)| (what.to_owned(), names.join(", ")));
    let cause = [("cause".to_owned(), cause.sentence().to_owned())];
    let counts = ended(attached.credentials.iter().chain(&attached.given));
    let details = cause.into_iter().chain(counts).chain(seen).collect();
    store::audit::append(tx, AuditAction::AccessEnded, actor, Some(target(&person, name)), details, call).await?;
    Ok(Some(attached))
}

/// What ended, for the audit log.
pub(crate) fn ended<'a>(counts: impl IntoIterator<Item = &'a (&'static str, i64)>) -> impl Iterator<Item = (String, String)> {
    counts.into_iter().map(|(what, count)| (format!("{what} ended"), count.to_string()))
}
