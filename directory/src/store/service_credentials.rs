//! What services of an organisation ask us with. Found by their public id through a door, before any scope exists.

use domain::{
    MemberId, OrgId, ServiceCredentialId, Timestamp,
    receipt::{KnownSecret, OrgSecret, SecretState},
    view::ServiceCredentialView,
};
use uuid::Uuid;

use super::{
    db::{NoOrg, Tx},
    doors,
    values::{Maybe, Row, params},
};
use crate::{Error, secret::SecretHash};

/// A credential as a request is checked against it.
#[derive(Clone, Debug)]
pub(crate) struct Presented {
    pub(crate) id: ServiceCredentialId,
    pub(crate) org: OrgId,
    pub(crate) name: String,
    pub(crate) hash: SecretHash,
    pub(crate) last_used_at: Option<Timestamp>,
    pub(crate) state: SecretState,
}

/// What makes a credential work at `$2`, besides its secret.
const WORKS: &str = "revoked_at IS NULL AND (retires_at IS NULL OR retires_at > $2)";

/// The credential of this public id, and its state at `now`.
pub(crate) async fn present(tx: &Tx<NoOrg>, id: Uuid, now: Timestamp) -> Result<Option<Presented>, Error> {
    tx.glimpse(&doors::SERVICE_CREDENTIAL, params![id], |row| {
        Ok(Presented {
            id: row.get("id")?,
            org: row.get("org_id")?,
            name: row.get("name")?,
            state: SecretState::at(now, row.opt("revoked_at")?, row.opt("retires_at")?, None),
            hash: SecretHash::from_stored(row.get("secret_hash")?),
            last_used_at: row.opt("last_used_at")?,
        })
    })
    .await
}

/// A credential to insert.
pub(crate) struct NewCredential<'a> {
    pub(crate) id: ServiceCredentialId,
    pub(crate) name: &'a str,
    pub(crate) hash: &'a SecretHash,
    pub(crate) hint: &'a str,
    pub(crate) created_by: &'a str,
    /// None for what no member issued: a drill's.
    pub(crate) created_by_member: Option<MemberId>,
    pub(crate) now: Timestamp,
}

pub(crate) async fn insert(tx: &Tx, credential: NewCredential<'_>) -> Result<(), Error> {
    tx.run(
        "INSERT INTO service_credentials (id, org_id, name, secret_hash, hint, created_at, created_by, created_by_member_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![
            credential.id,
            tx.org(),
            credential.name,
            credential.hash.as_bytes().to_vec(),
            credential.hint,
            credential.now,
            credential.created_by,
            Maybe(credential.created_by_member)
        ],
    )
    .await?;
    Ok(())
}

fn read(row: &Row) -> Result<ServiceCredentialView, Error> {
    Ok(ServiceCredentialView {
        id: row.get("id")?,
        name: row.get("name")?,
        hint: row.get("hint")?,
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
        last_used_at: row.opt("last_used_at")?,
        last_used_ip: row.opt("last_used_ip")?,
        retires_at: row.opt("retires_at")?,
    })
}

/// The credentials that work at `now`, the newest first.
pub(crate) async fn list(tx: &Tx, now: Timestamp) -> Result<Vec<ServiceCredentialView>, Error> {
    let sql = format!(
        "SELECT id, name, hint, created_at, created_by, last_used_at, last_used_ip, retires_at FROM service_credentials
         WHERE org_id = $1 AND {WORKS} ORDER BY created_at DESC, id DESC"
    );
    tx.all(&sql, params![tx.org(), now], read).await
}

/// The credentials that a member issued and that still work.
pub(crate) async fn issued_by(tx: &Tx, member: MemberId, now: Timestamp) -> Result<Vec<KnownSecret>, Error> {
    let sql = format!(
        "SELECT id, name, hint FROM service_credentials WHERE org_id = $1 AND created_by_member_id = $3 AND {WORKS} ORDER BY created_at, id"
    );
    tx.all(&sql, params![tx.org(), now, member], |row| {
        Ok(KnownSecret { secret: OrgSecret::ServiceCredential(row.get("id")?), name: row.get("name")?, hint: row.get("hint")? })
    })
    .await
}

/// What has become of a credential until `now`.
pub(crate) async fn state(tx: &Tx, id: ServiceCredentialId, now: Timestamp) -> Result<Option<SecretState>, Error> {
    let sql = "SELECT revoked_at, retires_at FROM service_credentials WHERE org_id = $1 AND id = $2";
    tx.one(sql, params![tx.org(), id], |row| Ok(SecretState::at(now, row.opt("revoked_at")?, row.opt("retires_at")?, None))).await
}

/// Note that it was used; whether it still works.
pub(crate) async fn used(tx: &Tx, id: ServiceCredentialId, now: Timestamp, ip: Option<&str>) -> Result<bool, Error> {
    let sql = format!("UPDATE service_credentials SET last_used_at = $2, last_used_ip = $4 WHERE org_id = $1 AND id = $3 AND {WORKS}");
    Ok(tx.run(&sql, params![tx.org(), now, id, Maybe(ip)]).await? == 1)
}

/// Revoke a credential that works; its name and last characters. Nothing brings it back.
pub(crate) async fn revoke(tx: &Tx, id: ServiceCredentialId, now: Timestamp) -> Result<Option<(String, String)>, Error> {
    let sql = format!("UPDATE service_credentials SET revoked_at = $2 WHERE org_id = $1 AND id = $3 AND {WORKS} RETURNING name, hint");
    tx.one(&sql, params![tx.org(), now, id], |row| Ok((row.get("name")?, row.get("hint")?))).await
}

/// Let a credential that works, and in whose place no other was issued, retire at `retires_at`; its name and last characters.
pub(crate) async fn retire(
    tx: &Tx,
    id: ServiceCredentialId,
    retires_at: Timestamp,
    now: Timestamp,
) -> Result<Option<(String, String)>, Error> {
    let sql = format!(
        "UPDATE service_credentials SET replaced_at = $2, retires_at = $4
         WHERE org_id = $1 AND id = $3 AND replaced_at IS NULL AND {WORKS} RETURNING name, hint"
    );
    tx.one(&sql, params![tx.org(), now, id, retires_at], |row| Ok((row.get("name")?, row.get("hint")?))).await
}
