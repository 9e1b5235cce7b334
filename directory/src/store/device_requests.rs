//! Devices that ask to be let in. Until somebody approves it, a request is in no organisation; it is found by the hash of a secret.

use std::time::Duration;

use domain::{AccountId, AgentId, DeviceRequestId, MembershipId, OrgId, Timestamp, oauth::Scopes};

use super::{
    db::{NoOrg, Tx},
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
    tx.one("SELECT org_id FROM agents WHERE id = $1", params![agent], |row| row.get("org_id")).await
}

/// The request of this public id, whatever its state, for a first look.
pub(crate) async fn find(tx: &Tx<NoOrg>, id: DeviceRequestId) -> Result<Option<DeviceRequest>, Error> {
    tx.one(&format!("SELECT {COLUMNS} FROM device_requests WHERE id = $1"), params![id], read).await
}

/// The request of this public id, whatever its state, with its lock.
pub(crate) async fn lock<S: Send + Sync>(tx: &Tx<S>, id: DeviceRequestId) -> Result<Option<DeviceRequest>, Error> {
    tx.one(&format!("SELECT {COLUMNS} FROM device_requests WHERE id = $1{}", tx.lock()), params![id], read).await
}

/// The request with this user code that nobody has answered yet, with its lock where `for_update` says so.
pub(crate) async fn pending<S: Send + Sync>(
    tx: &Tx<S>,
    user_code: &SecretHash,
    now: Timestamp,
    for_update: bool,
) -> Result<Option<DeviceRequest>, Error> {
    let lock = if for_update { tx.lock() } else { "" };
    let sql = format!(
        "SELECT {COLUMNS} FROM device_requests WHERE user_code_hash = $1 AND expires_at > $2 AND membership_id IS NULL AND denied_at IS NULL{lock}"
    );
    tx.one(&sql, params![user_code.as_bytes().to_vec(), now], read).await
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

/// The same for every membership of an account: its credential has changed.
pub(crate) async fn delete_of_account<S: Send + Sync>(tx: &Tx<S>, account: AccountId) -> Result<u64, Error> {
    tx.run("DELETE FROM device_requests WHERE membership_id IN (SELECT id FROM memberships WHERE account_id = $1)", params![account]).await
}

/// Clear away requests that nobody answered in time.
pub(crate) async fn delete_expired(tx: &Tx<NoOrg>, before: Timestamp) -> Result<(), Error> {
    tx.run("DELETE FROM device_requests WHERE expires_at <= $1", params![before]).await?;
    Ok(())
}
