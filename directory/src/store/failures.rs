//! Failed attempts, counted in windows of time. Keys are hashes, so the table names nobody; all nodes share it.

use domain::Timestamp;

use super::{db::Tx, values::params};
use crate::Error;

/// A count after one more was added.
pub(crate) struct Counted {
    /// How many there are in the window.
    pub(crate) failures: i64,
    /// When the window began: with its first failure.
    pub(crate) began: Timestamp,
    /// How many there were in an older window that this one replaced.
    pub(crate) replaced: i64,
}

/// Count one more failure of `key` at `now`. A window that began at or before `closed` is over, and a new one begins.
pub(crate) async fn add<S: Send + Sync>(tx: &Tx<S>, kind: &str, key: &[u8], now: Timestamp, closed: Timestamp) -> Result<Counted, Error> {
    let previous = tx
        .one(
            &format!("SELECT failures, window_began_at FROM auth_failures WHERE kind = $1 AND key = $2{}", tx.lock()),
            params![kind, key.to_vec()],
            |row| Ok((row.get::<i64>("failures")?, row.get::<Timestamp>("window_began_at")?)),
        )
        .await?;
    let replaced = previous.filter(|(_, began)| *began <= closed).map_or(0, |(failures, _)| failures);
    let counted = tx
        .one(
            "INSERT INTO auth_failures (kind, key, window_began_at, failures) VALUES ($1, $2, $3, 1)
             ON CONFLICT (kind, key) DO UPDATE SET
               failures = CASE WHEN auth_failures.window_began_at > $4 THEN auth_failures.failures + 1 ELSE 1 END,
               window_began_at = CASE WHEN auth_failures.window_began_at > $4 THEN auth_failures.window_began_at ELSE $3 END
             RETURNING failures, window_began_at",
            params![kind, key.to_vec(), now, closed],
            |row| Ok(Counted { failures: row.get("failures")?, began: row.get("window_began_at")?, replaced }),
        )
        .await?;
    counted.ok_or(Error::Stale)
}

/// One failure of `key` was none.
pub(crate) async fn take_back<S: Send + Sync>(tx: &Tx<S>, kind: &str, key: &[u8]) -> Result<(), Error> {
    tx.run("UPDATE auth_failures SET failures = failures - 1 WHERE kind = $1 AND key = $2 AND failures > 0", params![kind, key.to_vec()])
        .await?;
    Ok(())
}

/// Forget the failures of `key`.
pub(crate) async fn clear<S: Send + Sync>(tx: &Tx<S>, kind: &str, key: &[u8]) -> Result<(), Error> {
    tx.run("DELETE FROM auth_failures WHERE kind = $1 AND key = $2", params![kind, key.to_vec()]).await?;
    Ok(())
}

/// Clear away windows that began before `before`.
pub(crate) async fn delete_before<S: Send + Sync>(tx: &Tx<S>, before: Timestamp) -> Result<(), Error> {
    tx.run("DELETE FROM auth_failures WHERE window_began_at < $1", params![before]).await?;
    Ok(())
}
