//! The end of access: the one place where a membership ends, and with it everything that hangs off it.

pub use domain::receipt::Cause;
use domain::{
    MemberId, OrgRole, ReceiptId,
    audit::AuditAction,
    receipt::{DETAIL, KnownSecret},
};

use crate::{
    Actor, Call, Error, alerts,
    membership::target,
    org_secrets,
    store::{self, db::Tx, members::Attached, receipts},
};

/// End the access of `member` in the transaction's organisation: her membership and, by the database's cascade, every
/// session, link, grant and seat that hangs off it. Nothing bound to another organisation is touched.
///
/// The caller holds the locks before the member's in their order: the owner guard if she holds owner, her account, her
/// directory record. Answers what ended, and writes the audit event and the receipt that tell it. Writes nothing and answers `None`
/// when nothing was alive, so a repeated request is harmless and is told once.
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
    // From here on nothing of it is alive, save that it is still to be committed: what takes time comes before.
    let ended_at = (call.clock)();
    let counts: Vec<_> = attached.credentials.iter().chain(&attached.given).copied().collect();
    let secrets = org_secrets::known_to(tx, member, call.now).await?;
    let id: ReceiptId = call.new_id();
    let receipt = receipts::Ended { id, member, name, cause, ended_at, ended: &counts, secrets: &secrets };
    receipts::insert(tx, receipt, actor, call).await?;

    let cause = [("cause".to_owned(), cause.sentence().to_owned())];
    let receipt = [(DETAIL.to_owned(), id.to_string())];
    let details = cause.into_iter().chain(ended(&counts)).chain(to_be_replaced(&secrets)).chain(receipt).collect();
    crate::audit::append(tx, AuditAction::AccessEnded, actor, Some(target(&person, name)), details, call).await?;
    Ok(Some(attached))
}

/// The secrets that she knows, for the audit log: each kind with their names.
fn to_be_replaced(secrets: &[KnownSecret]) -> impl Iterator<Item = (String, String)> {
    let kinds = secrets.chunk_by(|one, next| one.secret.code() == next.secret.code());
    kinds.filter_map(|kind| {
        let names: Vec<_> = kind.iter().map(|known| format!("{} (…{})", known.name, known.hint)).collect();
        Some((kind.first()?.secret.issued().to_owned(), names.join(", ")))
    })
}

/// What ended, for the audit log.
pub(crate) fn ended<'a>(counts: impl IntoIterator<Item = &'a (&'static str, i64)>) -> impl Iterator<Item = (String, String)> {
    counts.into_iter().map(|(what, count)| (format!("{what} ended"), count.to_string()))
}
