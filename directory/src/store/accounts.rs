//! Accounts: people across all organisations. Found by address before any organisation is known.

use domain::{AccountId, EmailAddress, EmailKey, Timestamp};

use super::{
    db::Tx,
    values::{Maybe, Row, params},
};
use crate::{Call, Error};

/// An account.
#[derive(Clone, Debug)]
pub(crate) struct Account {
    pub(crate) id: AccountId,
    pub(crate) email: Option<String>,
    pub(crate) email_proven: bool,
    pub(crate) password_hash: Option<String>,
    /// Moves whenever a credential is set: a sign-in that was checked against an older one does not count.
    pub(crate) credential_version: i64,
    /// Neither dormant nor suspended.
    pub(crate) open: bool,
}

const COLUMNS: &str = "id, email, email_proven_at, password_hash, credential_version, dormant, suspended";

fn read(row: &Row) -> Result<Account, Error> {
    Ok(Account {
        id: row.get("id")?,
        email: row.opt("email")?,
        email_proven: row.opt::<Timestamp>("email_proven_at")?.is_some(),
        password_hash: row.opt("password_hash")?,
        credential_version: row.get("credential_version")?,
        open: !row.get::<bool>("dormant")? && !row.get::<bool>("suspended")?,
    })
}

pub(crate) async fn find<S: Send + Sync>(tx: &Tx<S>, id: AccountId) -> Result<Option<Account>, Error> {
    tx.one(&format!("SELECT {COLUMNS} FROM users WHERE id = $1"), params![id], read).await
}

pub(crate) async fn find_by_email<S: Send + Sync>(tx: &Tx<S>, key: &EmailKey) -> Result<Option<Account>, Error> {
    tx.one(&format!("SELECT {COLUMNS} FROM users WHERE email_key = $1"), params![key.as_str()], read).await
}

/// The account of this address. Where there is none, that of the next address is read in its place, of which nothing is told, so that
/// the database does the same work and tells nobody by its time which addresses there are.
pub(crate) async fn find_evenly<S: Send + Sync>(tx: &Tx<S>, key: &EmailKey) -> Result<Option<Account>, Error> {
    let sql = "SELECT id, CASE WHEN email_key = $1 THEN email ELSE $1 END AS email, email_proven_at,
            CASE WHEN email_key = $1 THEN password_hash ELSE '' END AS password_hash, credential_version, dormant, suspended, email_key
        FROM users
        WHERE email_key = coalesce((SELECT email_key FROM users WHERE email_key >= $1 ORDER BY email_key LIMIT 1),
            (SELECT email_key FROM users WHERE email_key IS NOT NULL ORDER BY email_key LIMIT 1))";
    let read = |row: &Row| Ok((read(row)?, row.get::<String>("email_key")?));
    let found = tx.one(sql, params![key.as_str()], read).await?;
    Ok(found.filter(|(_, found)| found == key.as_str()).map(|(account, _)| account))
}

/// Read an account with its lock.
pub(crate) async fn lock<S: Send + Sync>(tx: &Tx<S>, id: AccountId) -> Result<Account, Error> {
    let found = tx.one(&format!("SELECT {COLUMNS} FROM users WHERE id = $1{}", tx.lock()), params![id], read).await?;
    found.ok_or(Error::NotFound("account"))
}

/// The account of this address, made if there is none, with its lock. Two callers at once get the same one.
pub(crate) async fn find_or_insert<S: Send + Sync>(tx: &Tx<S>, email: &EmailAddress, call: &Call) -> Result<Account, Error> {
    insert(tx, call.new_id(), Some(email), call.now).await?;
    let sql = format!("SELECT {COLUMNS} FROM users WHERE email_key = $1{}", tx.lock());
    tx.one(&sql, params![email.key().as_str()], read).await?.ok_or(Error::Stale)
}

/// A new account that has no address: it can be entered by single sign-on only.
pub(crate) async fn insert_without_email<S: Send + Sync>(tx: &Tx<S>, call: &Call) -> Result<Account, Error> {
    let id = call.new_id();
    insert(tx, id, None, call.now).await?;
    lock(tx, id).await
}

async fn insert<S: Send + Sync>(tx: &Tx<S>, id: AccountId, email: Option<&EmailAddress>, now: Timestamp) -> Result<(), Error> {
    // The address is kept in its canonical form: another organisation's spelling would tell that it was there first.
    // A unique violation would end a PostgreSQL transaction; this waits for a rival and then does nothing.
    tx.run(
        "INSERT INTO users (id, email, email_key, credential_version, live_memberships, dormant, suspended, created_at)
         VALUES ($1, $2, $2, 0, 0, true, false, $3) ON CONFLICT DO NOTHING",
        params![id, Maybe(email.map(|email| email.key().as_str())), now],
    )
    .await?;
    Ok(())
}

/// A membership of this account began: it is not dormant (law 4).
pub(crate) async fn membership_began<S: Send + Sync>(tx: &Tx<S>, id: AccountId) -> Result<(), Error> {
    tx.run("UPDATE users SET live_memberships = live_memberships + 1, dormant = false WHERE id = $1", params![id]).await?;
    Ok(())
}

/// A membership of this account ended: it is dormant when that was the last one. One statement, and no look at any
/// other organisation's rows (law 4).
pub(crate) async fn membership_ended<S: Send + Sync>(tx: &Tx<S>, id: AccountId) -> Result<(), Error> {
    tx.run("UPDATE users SET live_memberships = live_memberships - 1, dormant = (live_memberships - 1 = 0) WHERE id = $1", params![id])
        .await?;
    Ok(())
}

/// Set the account's password. Whoever was checked against the one before does not get in any more.
pub(crate) async fn set_password<S: Send + Sync>(tx: &Tx<S>, id: AccountId, hash: &str) -> Result<(), Error> {
    tx.run("UPDATE users SET password_hash = $2, credential_version = credential_version + 1 WHERE id = $1", params![id, hash]).await?;
    Ok(())
}

/// How the account is proven has changed otherwise: whoever was checked before does not get in any more.
pub(crate) async fn credentials_changed<S: Send + Sync>(tx: &Tx<S>, id: AccountId) -> Result<(), Error> {
    tx.run("UPDATE users SET credential_version = credential_version + 1 WHERE id = $1", params![id]).await?;
    Ok(())
}

/// The address was proven. If it never was before, whatever credential the account had may be a stranger's: it goes.
pub(crate) async fn prove_email<S: Send + Sync>(tx: &Tx<S>, account: &Account, now: Timestamp) -> Result<(), Error> {
    if !account.email_proven {
        tx.run(
            "UPDATE users SET email_proven_at = $2, password_hash = NULL, credential_version = credential_version + 1 WHERE id = $1",
            params![account.id, now],
        )
        .await?;
        super::second_factors::delete(tx, account.id).await?;
    }
    Ok(())
}
