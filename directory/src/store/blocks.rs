//! Blocks: why a member may not act although she has access. Each is lifted by whoever's kind set it, and by nobody else.

use domain::MemberId;

use super::{db::Tx, values::params};
use crate::{Call, Error};

/// Block a member by hand; `false` when she is already.
pub(crate) async fn insert(tx: &Tx, member: MemberId, blocked_by: &str, call: &Call) -> Result<bool, Error> {
    let sql = "INSERT INTO member_blocks (org_id, member_id, cause, blocked_by, blocked_at) VALUES ($1, $2, 'operator', $3, $4)
               ON CONFLICT DO NOTHING";
    Ok(tx.run(sql, params![tx.org(), member, blocked_by, call.now]).await? == 1)
}

/// Lift the block by hand; `false` when there is none.
pub(crate) async fn delete(tx: &Tx, member: MemberId) -> Result<bool, Error> {
    let sql = "DELETE FROM member_blocks WHERE org_id = $1 AND member_id = $2 AND cause = 'operator'";
    Ok(tx.run(sql, params![tx.org(), member]).await? == 1)
}

/// Whether a member is blocked, for whatever cause.
pub(crate) async fn exists(tx: &Tx, member: MemberId) -> Result<bool, Error> {
    let sql = "SELECT 1 AS one FROM member_blocks WHERE org_id = $1 AND member_id = $2 LIMIT 1";
    Ok(tx.one(sql, params![tx.org(), member], |_| Ok(())).await?.is_some())
}
