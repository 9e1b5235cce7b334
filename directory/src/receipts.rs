//! Receipts of offboardings, read. Each is written by [`crate::deprovisioning::end_access`], in its transaction.

use domain::{
    MemberId, Permission, ReceiptId,
    view::{ReceiptView, SecretOfLeaver},
};

use crate::{Call, Db, Error, OrgScope, org_secrets, sessions::SignedIn, store};

/// The receipt `id`, of `member` if one is named; and what has become since of the secrets that she knows.
///
/// # Errors
/// [`Error::NotFound`] where there is no such receipt, or it is somebody else's.
pub async fn view(
    db: &Db,
    viewer: &SignedIn,
    scope: OrgScope,
    member: Option<MemberId>,
    id: ReceiptId,
    call: &Call,
) -> Result<ReceiptView, Error> {
    let tx = db.read(scope).await?;
    let receipt = store::receipts::find(&tx, id).await?.ok_or(Error::NotFound("receipt"))?;
    if member.is_some_and(|member| member != receipt.member) {
        return Err(Error::NotFound("receipt"));
    }
    let answered = match &receipt.request_id {
        Some(request) if receipt.cause.is_directory() => store::receipts::answered(&tx, request, receipt.arrived_at).await?,
        _ => None,
    };
    let mut secrets = vec![];
    for known in receipt.secrets {
        let state = org_secrets::state_of(&tx, &known, call.now).await?;
        secrets.push(SecretOfLeaver { known, state });
    }
    Ok(ReceiptView {
        now: call.now,
        id: receipt.id,
        org_name: store::organizations::name(&tx).await?,
        member: receipt.member,
        name: receipt.name,
        user_name: receipt.user_name,
        email: receipt.email,
        cause: receipt.cause,
        actor: receipt.actor,
        request_id: receipt.request_id,
        arrived_at: receipt.arrived_at,
        ended_at: receipt.ended_at,
        answered,
        ended: receipt.ended,
        secrets,
        can_rotate: viewer.role.may(Permission::ManageSecurity),
    })
}
