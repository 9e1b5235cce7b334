//! The organisation's own secrets: they do not end with a person, and what a leaver knows of them is to be changed.
//!
//! Another kind joins here, in both functions, and in [`OrgSecret`]: receipts and the audit log follow.

use domain::{
    MemberId, Timestamp,
    receipt::{KnownSecret, OrgSecret, SecretState},
};

use crate::{
    Error,
    store::{self, db::Tx},
};

/// The secrets that `member` issued or was shown and that work at `now`, each kind by itself.
pub(crate) async fn known_to(tx: &Tx, member: MemberId, now: Timestamp) -> Result<Vec<KnownSecret>, Error> {
    let mut known = store::tokens::issued_by(tx, member, now).await?;
    known.extend(store::service_credentials::issued_by(tx, member, now).await?);
    known.extend(store::webhooks::seen_by(tx, member, now).await?);
    Ok(known)
}

/// What has become of a secret until `now`.
pub(crate) async fn state_of(tx: &Tx, known: &KnownSecret, now: Timestamp) -> Result<SecretState, Error> {
    let state = match known.secret {
        OrgSecret::ProvisioningToken(id) => store::tokens::state(tx, id, now).await?,
        OrgSecret::ServiceCredential(id) => store::service_credentials::state(tx, id, now).await?,
        OrgSecret::WebhookSecret(id) => store::webhooks::state(tx, id, &known.hint, now).await?,
    };
    Ok(state.unwrap_or(SecretState::Gone))
}
