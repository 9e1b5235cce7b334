//! Authenticators, and the codes that take their place when they are lost. They belong to the account.

use domain::{AccountId, Timestamp};

use super::{
    db::Tx,
    values::{Row, params},
};
use crate::{Error, secret::SecretHash};

/// An authenticator. Its secret is derived from the key, the account and the salt.
#[derive(Clone, Debug)]
pub(crate) struct Authenticator {
    pub(crate) key_id: String,
    pub(crate) salt: Vec<u8>,
    /// The last period whose code was used.
    pub(crate) last_step: i64,
    pub(crate) created_at: Timestamp,
}

/// Whether an authenticator counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It was shown, and no code of it was shown to us yet.
    Offered,
    /// It does.
    Active,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Active => "active",
        }
    }
}

fn read(row: &Row) -> Result<Authenticator, Error> {
    Ok(Authenticator {
        key_id: row.get("key_id")?,
        salt: row.get("salt")?,
        last_step: row.get("last_step")?,
        created_at: row.get("created_at")?,
    })
}

pub(crate) async fn find<S: Send + Sync>(tx: &Tx<S>, account: AccountId, state: State) -> Result<Option<Authenticator>, Error> {
    let sql = "SELECT key_id, salt, last_step, created_at FROM second_factors WHERE account_id = $1 AND state = $2";
    tx.one(sql, params![account, state.as_str()], read).await
}

/// Offer an authenticator in the place of one that was offered before.
pub(crate) async fn offer<S: Send + Sync>(tx: &Tx<S>, account: AccountId, key_id: &str, salt: &[u8], now: Timestamp) -> Result<(), Error> {
    tx.run("DELETE FROM second_factors WHERE account_id = $1 AND state = 'offered'", params![account]).await?;
    let sql = "INSERT INTO second_factors (account_id, state, key_id, salt, last_step, created_at) VALUES ($1, 'offered', $2, $3, 0, $4)";
    tx.run(sql, params![account, key_id, salt.to_vec(), now]).await?;
    Ok(())
}

/// Put the one that was offered in force, in the place of whichever was; the code of `step` is used up.
pub(crate) async fn activate<S: Send + Sync>(tx: &Tx<S>, account: AccountId, step: i64, now: Timestamp) -> Result<(), Error> {
    tx.run("DELETE FROM second_factors WHERE account_id = $1 AND state = 'active'", params![account]).await?;
    let sql = "UPDATE second_factors SET state = 'active', last_step = $2, created_at = $3 WHERE account_id = $1 AND state = 'offered'";
    tx.run(sql, params![account, step, now]).await?;
    Ok(())
}

/// Use up the code of `step`; whether no later one was used, and this caller is the first.
pub(crate) async fn use_step<S: Send + Sync>(tx: &Tx<S>, account: AccountId, step: i64) -> Result<bool, Error> {
    let sql = "UPDATE second_factors SET last_step = $2 WHERE account_id = $1 AND state = 'active' AND last_step < $2";
    Ok(tx.run(sql, params![account, step]).await? == 1)
}

/// Take every authenticator and every recovery code away; whether there was one in force.
pub(crate) async fn delete<S: Send + Sync>(tx: &Tx<S>, account: AccountId) -> Result<bool, Error> {
    tx.run("DELETE FROM recovery_codes WHERE account_id = $1", params![account]).await?;
    tx.run("DELETE FROM second_factors WHERE account_id = $1 AND state = 'offered'", params![account]).await?;
    Ok(tx.run("DELETE FROM second_factors WHERE account_id = $1", params![account]).await? == 1)
}

/// Replace all recovery codes.
pub(crate) async fn set_recovery_codes<S: Send + Sync>(
    tx: &Tx<S>,
    account: AccountId,
    hashes: &[SecretHash],
    now: Timestamp,
) -> Result<(), Error> {
    tx.run("DELETE FROM recovery_codes WHERE account_id = $1", params![account]).await?;
    for hash in hashes {
        let sql = "INSERT INTO recovery_codes (account_id, hash, created_at) VALUES ($1, $2, $3)";
        tx.run(sql, params![account, hash.as_bytes().to_vec(), now]).await?;
    }
    Ok(())
}

/// Use a recovery code up; whether it was there, and this caller is the first.
pub(crate) async fn use_recovery_code<S: Send + Sync>(tx: &Tx<S>, account: AccountId, hash: &SecretHash) -> Result<bool, Error> {
    let sql = "DELETE FROM recovery_codes WHERE account_id = $1 AND hash = $2";
    Ok(tx.run(sql, params![account, hash.as_bytes().to_vec()]).await? == 1)
}

/// How many recovery codes are left.
pub(crate) async fn recovery_codes<S: Send + Sync>(tx: &Tx<S>, account: AccountId) -> Result<u64, Error> {
    let sql = "SELECT count(*) AS codes FROM recovery_codes WHERE account_id = $1";
    let counted = tx.one(sql, params![account], |row| row.get::<i64>("codes")).await?;
    Ok(u64::try_from(counted.unwrap_or(0)).unwrap_or(0))
}

/// Whether the transaction's organisation asks for a second factor.
pub(crate) async fn required(tx: &Tx) -> Result<bool, Error> {
    let found = tx.one("SELECT second_factor_required FROM organizations WHERE id = $1", params![tx.org()], |row| {
        row.get::<bool>("second_factor_required")
    });
    found.await?.ok_or(Error::NotFound("organisation"))
}

/// Ask for one, or not any more; whether that is a change.
pub(crate) async fn set_required(tx: &Tx, on: bool) -> Result<bool, Error> {
    let sql = "UPDATE organizations SET second_factor_required = $2 WHERE id = $1 AND second_factor_required <> $2";
    Ok(tx.run(sql, params![tx.org(), on]).await? == 1)
}

/// Members with access who have a password and no second factor.
pub(crate) async fn members_without(tx: &Tx) -> Result<u64, Error> {
    let sql = "SELECT count(*) AS members FROM memberships m JOIN users u ON u.id = m.account_id
               WHERE m.org_id = $1 AND m.proven_at IS NOT NULL AND u.password_hash IS NOT NULL
                 AND NOT EXISTS (SELECT 1 FROM second_factors f WHERE f.account_id = m.account_id AND f.state = 'active')";
    let counted = tx.one(sql, params![tx.org()], |row| row.get::<i64>("members")).await?;
    Ok(u64::try_from(counted.unwrap_or(0)).unwrap_or(0))
}
