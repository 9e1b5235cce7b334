//! Devices that ask to be let in. Until somebody approves it, a request is in no organisation; it is found by its id or
//! by the hash of its code, through doors, and only the transaction that names it sees its row ([`Tx::about_device`]).

use std::time::Duration;

use domain::{AgentId, DeviceRequestId, MembershipId, OrgId, Timestamp, oauth::Scopes};

use super::{
    db::{NoOrg, Tx},
    doors,
    values::{Maybe, Row, params},
};
use crate::{Error, secret::SecretHash};

/// A device that asks.
#[derive(Clone, Debug)]
pub(crate) struct DeviceRequest {
    pub(crate) id: DeviceRequestId,
    pub(crate) hash: SecretHash,
    pub(crate) client: String,
    /// The agent that it is, and the agent's organisation.
    pub(crate) agent: Option<(OrgId, AgentId)>,
    pub(crate) scopes: Scopes,
    pub(crate) asked_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) interval: Duration,
    pub(crate) polled_at: Option<Timestamp>,
    pub(crate) ip: Option<String>,
    pub(crate) user_agent: Option<String>,
    /// Into which organisation it was let, and for whom.
    pub(crate) approved: Option<(OrgId, MembershipId)>,
    pub(crate) denied: bool,
}

const COLUMNS: &str =
    "id, secret_hash, client_id, agent_org_id, agent_id, scope, asked_at, expires_at, poll_interval, polled_at, ip, user_agent,
    org_id, membership_id, denied_at";

fn read(row: &Row) -> Result<DeviceRequest, Error> {
    Ok(DeviceRequest {
        id: row.get("id")?,
        hash: SecretHash::from_stored(row.get("secret_hash")?),
        client: row.get("client_id")?,
        agent: row.opt("agent_org_id")?.zip(row.opt("agent_id")?),
        scopes: row.get::<String>("scope")?.parse()?,
        asked_at: row.get("asked_at")?,
        expires_at: row.get("expires_at")?,
        interval: Duration::from_secs(u64::try_from(row.get::<i64>("poll_interval")?).unwrap_or(0)),
        polled_at: row.opt("polled_at")?,
        ip: row.opt("ip")?,
        user_agent: row.opt("user_agent")?,
        approved: row.opt("org_id")?.zip(row.opt("membership_id")?),
        denied: row.opt::<Timestamp>("denied_at")?.is_some(),
    })
}

/// A request to insert.
pub(crate) struct NewRequest<'a> {
    pub(crate) id: DeviceRequestId,
    pub(crate) hash: &'a SecretHash,
    pub(crate) user_code: &'a SecretHash,
    pub(crate) client: &'a str,
    pub(crate) agent: Option<(OrgId, AgentId)>,
    pub(crate) scopes: &'a Scopes,
    pub(crate) now: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) interval: Duration,
    pub(crate) ip: Option<&'a str>,
    pub(crate) user_agent: Option<&'a str>,
}

/// Note that a device asks. A user code that another request has already is [`Error::Stale`].
pub(crate) async fn insert(tx: &Tx<NoOrg>, request: NewRequest<'_>) -> Result<(), Error> {
    tx.run(
        "INSERT INTO device_requests (id, secret_hash, user_code_hash, client_id, agent_org_id, agent_id, scope, asked_at, expires_at, poll_interval, ip, user_agent)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        params![
            request.id,
            request.hash.as_bytes().to_vec(),
            request.user_code.as_bytes().to_vec(),
            request.client,
            Maybe(request.agent.map(|(org, _)| org)),
            Maybe(request.agent.map(|(_, agent)| agent)),
            request.scopes.to_string(),
            request.now,
            request.expires_at,
            i64::try_from(request.interval.as_secs()).unwrap_or(i64::MAX),
            Maybe(request.ip),
            Maybe(request.user_agent)
        ],
    )
    .await?;
    Ok(())
}

/// The organisation of the agent of this id, if there is one.
pub(crate) async fn org_of_agent(tx: &Tx<NoOrg>, agent: AgentId) -> Result<Option<OrgId>, Error> {
    tx.glimpse(&doors::AGENT, params![agent], |row| row.get("org_id")).await
}

/// The hash of the secret of the request of this public id, and the organisation that it was let into, for a first look.
pub(crate) async fn glimpse(tx: &Tx<NoOrg>, id: DeviceRequestId) -> Result<Option<(SecretHash, Option<OrgId>)>, Error> {
    let read = |row: &Row| Ok((SecretHash::from_stored(row.get("secret_hash")?), row.opt("org_id")?));
    tx.glimpse(&doors::DEVICE_REQUEST, params![id], read).await
}

/// Whether there is a request of this public id, in whatever organisation.
pub(crate) async fn is_there(tx: &Tx, id: DeviceRequestId) -> Result<bool, Error> {
    Ok(tx.glimpse(&doors::DEVICE_REQUEST, params![id], |_| Ok(())).await?.is_some())
}

impl<S: Send + Sync> Tx<S> {
    /// Say which device this transaction is about: until it was let into an organisation, nobody else sees its request.
    pub(crate) async fn about_device(&self, id: DeviceRequestId) -> Result<(), Error> {
        if self.is_postgres() {
            self.run("SELECT set_config('rollcall.device', $1, true)", params![id.to_string()]).await?;
        }
        Ok(())
    }
}

/// The request of this public id, with its lock: one that was let into the transaction's organisation, or into none if the
/// transaction is about it.
pub(crate) async fn lock<S: Send + Sync>(tx: &Tx<S>, id: DeviceRequestId) -> Result<Option<DeviceRequest>, Error> {
    tx.one(&format!("SELECT {COLUMNS} FROM device_requests WHERE id = $1{}", tx.lock()), params![id], read).await
}

/// The request with this user code that nobody has answered yet, with its lock where `for_update` says so.
pub(crate) async fn pending(tx: &Tx, user_code: &SecretHash, now: Timestamp, for_update: bool) -> Result<Option<DeviceRequest>, Error> {
    let code = user_code.as_bytes().to_vec();
    let Some(id) = tx.glimpse(&doors::USER_CODE, params![code.clone()], |row| row.get("id")).await? else { return Ok(None) };
    tx.about_device(id).await?;
    let lock = if for_update { tx.lock() } else { "" };
    let sql = format!(
        "SELECT {COLUMNS} FROM device_requests WHERE user_code_hash = $1 AND expires_at > $2 AND membership_id IS NULL AND denied_at IS NULL{lock}"
    );
    tx.one(&sql, params![code, now], read).await
}

/// The device asked again; from now on it has to wait `interval` in between.
pub(crate) async fn polled<S: Send + Sync>(tx: &Tx<S>, id: DeviceRequestId, now: Timestamp, interval: Duration) -> Result<(), Error> {
    let seconds = i64::try_from(interval.as_secs()).unwrap_or(i64::MAX);
    tx.run("UPDATE device_requests SET polled_at = $2, poll_interval = $3 WHERE id = $1", params![id, now, seconds]).await?;
    Ok(())
}

/// Let it in for this membership of the transaction's organisation.
pub(crate) async fn approve(tx: &Tx, id: DeviceRequestId, membership: MembershipId) -> Result<(), Error> {
    tx.run("UPDATE device_requests SET org_id = $2, membership_id = $3 WHERE id = $1", params![id, tx.org(), membership]).await?;
    Ok(())
}

/// Do not let it in.
pub(crate) async fn deny<S: Send + Sync>(tx: &Tx<S>, id: DeviceRequestId, now: Timestamp) -> Result<(), Error> {
    tx.run("UPDATE device_requests SET denied_at = $2 WHERE id = $1", params![id, now]).await?;
    Ok(())
}

/// Use a request up; whether this caller was the one to do it.
pub(crate) async fn delete<S: Send + Sync>(tx: &Tx<S>, id: DeviceRequestId) -> Result<bool, Error> {
    Ok(tx.run("DELETE FROM device_requests WHERE id = $1", params![id]).await? == 1)
}

/// Let in none of the devices that this membership approved and that have not fetched their tokens.
pub(crate) async fn delete_of_membership(tx: &Tx, membership: MembershipId) -> Result<u64, Error> {
    tx.run("DELETE FROM device_requests WHERE org_id = $1 AND membership_id = $2", params![tx.org(), membership]).await
}

/// Clear away requests that were let in and never fetched their tokens.
pub(crate) async fn delete_expired(tx: &Tx, before: Timestamp) -> Result<(), Error> {
    tx.run("DELETE FROM device_requests WHERE org_id = $2 AND expires_at <= $1", params![before, tx.org()]).await?;
    Ok(())
}

/// Clear away requests that nobody answered in time. For background jobs, which see them all.
pub(crate) async fn delete_unclaimed(tx: &Tx<NoOrg>, before: Timestamp) -> Result<(), Error> {
    tx.run("DELETE FROM device_requests WHERE org_id IS NULL AND expires_at <= $1", params![before]).await?;
    Ok(())
}
