//! What services of an organisation ask us with. Found by their public id, before any scope exists.

use domain::{MemberId, OrgId, ServiceCredentialId, Timestamp, view::ServiceCredentialView};
use uuid::Uuid;

use super::{
    db::{NoOrg, Tx},
    values::{Maybe, Row, params},
};
use crate::{Error, secret::SecretHash};

/// A credential as a request is checked against it.
#[derive(Clone, Debug)]
pub(crate) struct Presented {
    pub(crate) id: ServiceCredentialId,
    pub(crate) org: OrgId,
    pub(crate) hash: SecretHash,
    pub(crate) last_used_at: Option<Timestamp>,
}

/// The live credential of this public id.
pub(crate) async fn present(tx: &Tx<NoOrg>, id: Uuid) -> Result<Option<Presented>, Error> {
    let sql = "SELECT id, org_id, secret_hash, last_used_at FROM service_credentials WHERE id = $1 AND revoked_at IS NULL";
    tx.one(sql, params![id], |row| {
        Ok(Presented {
            id: row.get("id")?,
            org: row.get("org_id")?,
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
    pub(crate) created_by_member: MemberId,
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
            credential.created_by_member
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
    })
}

/// The live credentials, the newest first.
pub(crate) async fn list(tx: &Tx) -> Result<Vec<ServiceCredentialView>, Error> {
    let sql = "SELECT id, name, hint, created_at, created_by, last_used_at, last_used_ip FROM service_credentials
               WHERE org_id = $1 AND revoked_at IS NULL ORDER BY created_at DESC, id DESC";
    tx.all(sql, params![tx.org()], read).await
}

/// The live credentials that a member issued: name and last characters.
pub(crate) async fn issued_by(tx: &Tx, member: MemberId) -> Result<Vec<String>, Error> {
    let sql = "SELECT name, hint FROM service_credentials WHERE org_id = $1 AND created_by_member_id = $2 AND revoked_at IS NULL ORDER BY created_at, id";
    tx.all(sql, params![tx.org(), member], |row| Ok(format!("{} (…{})", row.get::<String>("name")?, row.get::<String>("hint")?))).await
}

/// Note that it was used; whether it is still live.
pub(crate) async fn used(tx: &Tx, id: ServiceCredentialId, now: Timestamp, ip: Option<&str>) -> Result<bool, Error> {
    let sql = "UPDATE service_credentials SET last_used_at = $3, last_used_ip = $4 WHERE org_id = $1 AND id = $2 AND revoked_at IS NULL";
    Ok(tx.run(sql, params![tx.org(), id, now, Maybe(ip)]).await? == 1)
}

/// Revoke a live credential; what it was called. Nothing brings it back.
pub(crate) async fn revoke(tx: &Tx, id: ServiceCredentialId, now: Timestamp) -> Result<Option<(String, String)>, Error> {
    let sql = "UPDATE service_credentials SET revoked_at = $3 WHERE org_id = $1 AND id = $2 AND revoked_at IS NULL RETURNING name, hint";
    tx.one(sql, params![tx.org(), id, now], |row| Ok((row.get("name")?, row.get("hint")?))).await
}
