//! Tokens that people made for themselves. Each hangs off one membership.

use domain::{MembershipId, PersonalTokenId, Timestamp, oauth::Scopes, view::PersonalTokenView};

use super::{
    db::Tx,
    values::{Maybe, Row, params},
};
use crate::{Error, secret::SecretHash};

/// A token to insert.
pub(crate) struct NewToken<'a> {
    pub(crate) id: PersonalTokenId,
    pub(crate) membership: MembershipId,
    pub(crate) name: &'a str,
    pub(crate) scopes: &'a Scopes,
    pub(crate) hash: &'a SecretHash,
    pub(crate) hint: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) expires_at: Timestamp,
}

pub(crate) async fn insert(tx: &Tx, token: NewToken<'_>) -> Result<(), Error> {
    tx.run(
        "INSERT INTO personal_tokens (id, org_id, membership_id, name, scope, secret_hash, hint, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        params![
            token.id,
            tx.org(),
            token.membership,
            token.name,
            token.scopes.to_string(),
            token.hash.as_bytes().to_vec(),
            token.hint,
            token.now,
            token.expires_at
        ],
    )
    .await?;
    Ok(())
}

fn read(row: &Row) -> Result<PersonalTokenView, Error> {
    Ok(PersonalTokenView {
        id: row.get("id")?,
        name: row.get("name")?,
        hint: row.get("hint")?,
        scopes: row.get::<String>("scope")?.parse()?,
        created_at: row.get("created_at")?,
        expires_at: row.get("expires_at")?,
        last_used_at: row.opt("last_used_at")?,
        last_used_ip: row.opt("last_used_ip")?,
    })
}

/// The live tokens of a membership, the newest first.
pub(crate) async fn list(tx: &Tx, membership: MembershipId, now: Timestamp) -> Result<Vec<PersonalTokenView>, Error> {
    let sql = "SELECT id, name, hint, scope, created_at, expires_at, last_used_at, last_used_ip FROM personal_tokens
               WHERE org_id = $1 AND membership_id = $2 AND expires_at > $3 ORDER BY created_at DESC, id DESC";
    tx.all(sql, params![tx.org(), membership, now], read).await
}

/// A token as it is told of when it was refused.
pub(crate) struct Shown {
    pub(crate) membership: MembershipId,
    pub(crate) name: String,
    pub(crate) hash: SecretHash,
    pub(crate) expires_at: Timestamp,
}

/// The token of this public id, expired or not.
pub(crate) async fn shown(tx: &Tx, id: PersonalTokenId) -> Result<Option<Shown>, Error> {
    let sql = "SELECT membership_id, name, secret_hash, expires_at FROM personal_tokens WHERE org_id = $1 AND id = $2";
    tx.one(sql, params![tx.org(), id], |row| {
        Ok(Shown {
            membership: row.get("membership_id")?,
            name: row.get("name")?,
            hash: SecretHash::from_stored(row.get("secret_hash")?),
            expires_at: row.get("expires_at")?,
        })
    })
    .await
}

/// Note that it was used; whether it is still there.
pub(crate) async fn used(tx: &Tx, id: PersonalTokenId, now: Timestamp, ip: Option<&str>) -> Result<bool, Error> {
    let sql = "UPDATE personal_tokens SET last_used_at = $3, last_used_ip = $4 WHERE org_id = $1 AND id = $2";
    Ok(tx.run(sql, params![tx.org(), id, now, Maybe(ip)]).await? == 1)
}

/// End a token of this membership; what it was called.
pub(crate) async fn delete(tx: &Tx, membership: MembershipId, id: PersonalTokenId) -> Result<Option<(String, String)>, Error> {
    let sql = "DELETE FROM personal_tokens WHERE org_id = $1 AND membership_id = $2 AND id = $3 RETURNING name, hint";
    tx.one(sql, params![tx.org(), membership, id], |row| Ok((row.get("name")?, row.get("hint")?))).await
}

/// End every token of a membership; how many there were.
pub(crate) async fn delete_of_membership(tx: &Tx, membership: MembershipId) -> Result<u64, Error> {
    tx.run("DELETE FROM personal_tokens WHERE org_id = $1 AND membership_id = $2", params![tx.org(), membership]).await
}

/// Clear away what has outlived its time.
pub(crate) async fn delete_expired(tx: &Tx, now: Timestamp) -> Result<(), Error> {
    tx.run("DELETE FROM personal_tokens WHERE org_id = $2 AND expires_at <= $1", params![now, tx.org()]).await?;
    Ok(())
}
