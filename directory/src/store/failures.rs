//! Failed attempts, counted in windows of time. Keys are hashes, so the table names nobody; all nodes share it.

use domain::Timestamp;

use super::{db::Tx, values::params};
use crate::Error;

/// Failures of `key` in the window that is open at `now` (windows begin with their first failure): how many, and when
/// the window began. A window that began at or before `closed` is over.
pub(crate) async fn count<S: Send + Sync>(
    tx: &Tx<S>,
    kind: &str,
    key: &[u8],
    closed: Timestamp,
) -> Result<Option<(i64, Timestamp)>, Error> {
    tx.one(
        "SELECT failures, window_began_at FROM auth_failures WHERE kind = $1 AND key = $2 AND window_began_at > $3",
        params![kind, key.to_vec(), closed],
        |row| Ok((row.get("failures")?, row.get("window_began_at")?)),
    )
    .await
}

/// Count one more; how many there are now, and how many there were in a window that this one replaced.
pub(crate) async fn add<S: Send + Sync>(
    tx: &Tx<S>,
    kind: &str,
    key: &[u8],
    now: Timestamp,
    closed: Timestamp,
) -> Result<(i64, i64), Error> {
    let previous = tx
        .one(
            &format!("SELECT failures, window_began_at FROM auth_failures WHERE kind = $1 AND key = $2{}", tx.lock()),
            params![kind, key.to_vec()],
            |row| Ok((row.get::<i64>("failures")?, row.get::<Timestamp>("window_began_at")?)),
        )
        .await?;
    let counted = tx
        .one(
            "INSERT INTO auth_failures (kind, key, window_began_at, failures) VALUES ($1, $2, $3, 1)
             ON CONFLICT (kind, key) DO UPDATE SET
               failures = CASE WHEN auth_failures.window_began_at > $4 THEN auth_failures.failures + 1 ELSE 1 END,
               window_began_at = CASE WHEN auth_failures.window_began_at > $4 THEN auth_failures.window_began_at ELSE $3 END
             RETURNING failures",
            params![kind, key.to_vec(), now, closed],
            |row| row.get::<i64>("failures"),
        )
        .await?;
    let replaced = previous.filter(|(_, began)| *began <= closed).map_or(0, |(failures, _)| failures);
    Ok((counted.ok_or(Error::Stale)?, replaced))
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
