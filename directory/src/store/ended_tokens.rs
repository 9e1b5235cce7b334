//! Tokens that were ended before their time. They open nothing; a trigger writes them when a token's row goes, whatever takes it away.

use std::time::Duration;

use domain::Timestamp;
use uuid::Uuid;

use super::{
    db::{NoOrg, Tx},
    doors,
    values::params,
};
use crate::{
    Error,
    secret::{Kind, SecretHash},
};

/// How long it is known of a personal token what it was, after it has expired: scripts go on for a while. The door to what has expired has
/// the same.
const PERSONAL: Duration = Duration::from_secs(30 * 86_400);

/// A token that there is no more.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    pub(crate) hash: SecretHash,
    /// The client's session that an access or refresh token belonged to.
    pub(crate) session: Option<Uuid>,
    /// What its person called a personal token.
    pub(crate) name: Option<String>,
    pub(crate) expires_at: Timestamp,
}

fn word(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Access => Some("access"),
        Kind::Refresh => Some("refresh"),
        Kind::Personal => Some("personal"),
        Kind::Provisioning | Kind::Service | Kind::Device => None,
    }
}

/// Go on in the organisation of the ended token of this public id; in nobody's where there is none.
pub(crate) async fn enter(tx: Tx<NoOrg>, id: Uuid) -> Result<Tx, Error> {
    tx.enter(&doors::ENDED_TOKEN, params![id]).await
}

/// The ended token of this kind and public id.
pub(crate) async fn find(tx: &Tx, kind: Kind, id: Uuid) -> Result<Option<Ended>, Error> {
    let Some(kind) = word(kind) else { return Ok(None) };
    let sql = "SELECT secret_hash, session_id, name, expires_at FROM ended_tokens WHERE org_id = $1 AND id = $2 AND kind = $3";
    tx.one(sql, params![tx.org(), id, kind], |row| {
        Ok(Ended {
            hash: SecretHash::from_stored(row.get("secret_hash")?),
            session: row.opt("session_id")?,
            name: row.opt("name")?,
            expires_at: row.get("expires_at")?,
        })
    })
    .await
}

/// Forget those that would have expired by now, personal ones a while later.
pub(crate) async fn forget(tx: &Tx, now: Timestamp) -> Result<(), Error> {
    let sql = "DELETE FROM ended_tokens WHERE org_id = $1 AND expires_at <= $2 AND (kind <> 'personal' OR expires_at <= $3)";
    tx.run(sql, params![tx.org(), now, now - PERSONAL]).await?;
    Ok(())
}
