//! Failed attempts, counted in windows of time. Keys are hashes, so the table names nobody; all nodes share it.

use domain::Timestamp;

use super::{
    db::Tx,
    values::{Maybe, params},
};
use crate::Error;

/// A count after one more was added.
pub(crate) struct Counted {
    /// How many there are in the window.
    pub(crate) failures: i64,
    /// When the window began: with its first failure.
    pub(crate) began: Timestamp,
}

/// Several windows as one.
pub(crate) struct Sum {
    /// How many failures there are in all of them.
    pub(crate) failures: i64,
    /// The last.
    pub(crate) last: Timestamp,
    /// Where the last one came from, where that was noted.
    pub(crate) last_from: Option<String>,
}

/// Rows of a kind that [`add_bounded`] keeps: whoever makes up names and has many networks does not fill the disk.
const MOST: i64 = 10_000;

/// Count one more failure of `key` at `now`. A window that began at or before `closed` is over, and a new one begins.
pub(crate) async fn add<S: Send + Sync>(tx: &Tx<S>, kind: &str, key: &[u8], now: Timestamp, closed: Timestamp) -> Result<Counted, Error> {
    add_many(tx, kind, key, 1, now, closed).await
}

/// The same for a key that strangers choose: of this kind no more than [`MOST`] rows stay, and the oldest go.
pub(crate) async fn add_bounded<S: Send + Sync>(
    tx: &Tx<S>,
    kind: &str,
    key: &[u8],
    now: Timestamp,
    closed: Timestamp,
) -> Result<Counted, Error> {
    let there = tx.one("SELECT 1 FROM auth_failures WHERE kind = $1 AND key = $2", params![kind, key.to_vec()], |_| Ok(())).await?;
    let counted = add(tx, kind, key, now, closed).await?;
    if there.is_none() {
        let sql = format!(
            "DELETE FROM auth_failures WHERE kind = $1 AND key IN
               (SELECT key FROM auth_failures WHERE kind = $1 ORDER BY window_began_at DESC LIMIT 1000 OFFSET $2{})",
            tx.lock_free()
        );
        tx.run(&sql, params![kind, MOST]).await?;
    }
    Ok(counted)
}

/// Count `more` failures of `key`, the last of them at `now`.
pub(crate) async fn add_many<S: Send + Sync>(
    tx: &Tx<S>,
    kind: &str,
    key: &[u8],
    more: i64,
    now: Timestamp,
    closed: Timestamp,
) -> Result<Counted, Error> {
    let counted = tx
        .one(
            "INSERT INTO auth_failures (kind, key, window_began_at, failures, last_at) VALUES ($1, $2, $3, $5, $3)
             ON CONFLICT (kind, key) DO UPDATE SET
               last_at = $3,
               failures = CASE WHEN auth_failures.window_began_at > $4 THEN auth_failures.failures + $5 ELSE $5 END,
               window_began_at = CASE WHEN auth_failures.window_began_at > $4 THEN auth_failures.window_began_at ELSE $3 END
             RETURNING failures, window_began_at",
            params![kind, key.to_vec(), now, closed, more],
            |row| Ok(Counted { failures: row.get("failures")?, began: row.get("window_began_at")? }),
        )
        .await?;
    counted.ok_or(Error::Stale)
}

/// Note where the last failure of `key` came from.
pub(crate) async fn came_from<S: Send + Sync>(tx: &Tx<S>, kind: &str, key: &[u8], from: Option<&str>) -> Result<(), Error> {
    let sql = "UPDATE auth_failures SET last_from = $3 WHERE kind = $1 AND key = $2";
    tx.run(sql, params![kind, key.to_vec(), Maybe(from)]).await?;
    Ok(())
}

/// The failures of all these keys, if there are any.
pub(crate) async fn sum<S: Send + Sync>(tx: &Tx<S>, kind: &str, keys: &[Vec<u8>]) -> Result<Option<Sum>, Error> {
    let mut all = None::<Sum>;
    for key in keys {
        let window = tx.one(
            "SELECT failures, coalesce(last_at, window_began_at) AS last, last_from FROM auth_failures WHERE kind = $1 AND key = $2",
            params![kind, key.clone()],
            |row| Ok(Sum { failures: row.get("failures")?, last: row.get("last")?, last_from: row.opt("last_from")? }),
        );
        if let Some(window) = window.await? {
            all = Some(match all {
                None => window,
                Some(sum) => {
                    let failures = sum.failures + window.failures;
                    let later = if window.last > sum.last { window } else { sum };
                    Sum { failures, ..later }
                }
            });
        }
    }
    Ok(all)
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

/// Clear away windows that began before `before`, a slice at a time: whether there are more.
pub(crate) async fn delete_before<S: Send + Sync>(tx: &Tx<S>, before: Timestamp) -> Result<bool, Error> {
    const SLICE: i64 = 1_000;
    let sql = "DELETE FROM auth_failures WHERE window_began_at < $1 AND (kind, key) IN
                 (SELECT kind, key FROM auth_failures WHERE window_began_at < $1 ORDER BY window_began_at LIMIT $2)";
    Ok(i64::try_from(tx.run(sql, params![before, SLICE]).await?).unwrap_or(0) >= SLICE)
}
