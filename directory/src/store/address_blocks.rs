//! Networks that are blocked for a while. Keys are hashes, so the table names nobody; all nodes share it.

use domain::Timestamp;

use super::{
    db::{NoOrg, Tx},
    values::params,
};
use crate::Error;

/// A network's block, which may be over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Block {
    /// How often the network came so far, from 1 on.
    pub(crate) level: i64,
    /// When it ends, or ended.
    pub(crate) until: Timestamp,
}

/// The block of `key`.
pub(crate) async fn find(tx: &Tx<NoOrg>, key: &[u8]) -> Result<Option<Block>, Error> {
    tx.one("SELECT level, blocked_until FROM address_blocks WHERE key = $1", params![key.to_vec()], |row| {
        Ok(Block { level: row.get("level")?, until: row.get("blocked_until")? })
    })
    .await
}

/// Write `block` over `before`; whether nobody else wrote first.
pub(crate) async fn put(tx: &Tx<NoOrg>, key: &[u8], before: Option<Block>, block: Block) -> Result<bool, Error> {
    let written = match before {
        None => {
            let sql = "INSERT INTO address_blocks (key, level, blocked_until) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
            tx.run(sql, params![key.to_vec(), block.level, block.until]).await?
        }
        Some(before) => {
            let sql = "UPDATE address_blocks SET level = $2, blocked_until = $3 WHERE key = $1 AND blocked_until = $4";
            tx.run(sql, params![key.to_vec(), block.level, block.until, before.until]).await?
        }
    };
    Ok(written == 1)
}

/// Keep the `most` blocks that last longest.
pub(crate) async fn keep(tx: &Tx<NoOrg>, most: i64) -> Result<(), Error> {
    let sql =
        "DELETE FROM address_blocks WHERE key IN (SELECT key FROM address_blocks ORDER BY blocked_until DESC, key LIMIT 1000 OFFSET $1)";
    tx.run(sql, params![most]).await?;
    Ok(())
}

/// Clear away blocks that ended before `before`.
pub(crate) async fn delete_before(tx: &Tx<NoOrg>, before: Timestamp) -> Result<(), Error> {
    tx.run("DELETE FROM address_blocks WHERE blocked_until < $1", params![before]).await?;
    Ok(())
}
