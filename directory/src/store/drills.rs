//! Deprovision drills: the runs, and what is left of one in its satellite.

use domain::{
    DrillId, OrgId, Timestamp,
    drill::{DrillReport, DrillState},
    view::DrillRow,
};

use super::{
    db::{NoOrg, Tx},
    doors,
    values::{Maybe, Row, params},
};
use crate::Error;

/// A run that is under way, or whose runner is gone.
pub(crate) struct Running {
    pub(crate) id: DrillId,
    pub(crate) number: i64,
    pub(crate) leased_until: Timestamp,
}

/// The organisation's run that has not ended. Whoever asks holds the organisation's lock.
pub(crate) async fn running(tx: &Tx) -> Result<Option<Running>, Error> {
    let sql = "SELECT id, number, leased_until FROM drills WHERE org_id = $1 AND state = 'running'";
    tx.one(sql, params![tx.org()], |row| {
        Ok(Running { id: row.get("id")?, number: row.get("number")?, leased_until: row.get("leased_until")? })
    })
    .await
}

/// The organisations that have a run which has said nothing since its lease ended.
pub(crate) async fn stale(tx: &Tx<NoOrg>, now: Timestamp) -> Result<Vec<OrgId>, Error> {
    tx.through(&doors::STALE_DRILLS, params![now], |row| row.get("org_id")).await
}

/// Insert a run; its number. Whoever does holds the organisation's lock.
pub(crate) async fn insert(tx: &Tx, id: DrillId, by: &str, now: Timestamp, leased_until: Timestamp) -> Result<i64, Error> {
    let sql = "SELECT coalesce(max(number), 0) + 1 AS number FROM drills WHERE org_id = $1";
    let number: i64 = tx.one(sql, params![tx.org()], |row| row.get("number")).await?.unwrap_or(1);
    tx.run(
        "INSERT INTO drills (id, org_id, number, state, started_at, started_by, leased_until, report) VALUES ($1, $2, $3, 'running', $4, $5, $6, $7)",
        params![id, tx.org(), number, now, by, leased_until, json(&DrillReport::default())?],
    )
    .await?;
    Ok(number)
}

/// The run is alive, and has come this far; whether it still counts as under way.
pub(crate) async fn renew(tx: &Tx, id: DrillId, report: &DrillReport, leased_until: Timestamp) -> Result<bool, Error> {
    let sql = "UPDATE drills SET report = $3, leased_until = $4 WHERE org_id = $1 AND id = $2 AND state = 'running'";
    Ok(tx.run(sql, params![tx.org(), id, json(report)?, leased_until]).await? == 1)
}

/// The run has ended; whether it was under way. Without a `report`, what it said last stays.
pub(crate) async fn end(tx: &Tx, id: DrillId, state: DrillState, report: Option<&DrillReport>, now: Timestamp) -> Result<bool, Error> {
    let report = report.map(json).transpose()?;
    let sql = "UPDATE drills SET state = $3, report = coalesce($4, report), leased_until = NULL, finished_at = $5
               WHERE org_id = $1 AND id = $2 AND state = 'running'";
    Ok(tx.run(sql, params![tx.org(), id, state.as_str(), Maybe(report.as_deref()), now]).await? == 1)
}

/// Forget the runs up to this number.
pub(crate) async fn forget(tx: &Tx, up_to: i64) -> Result<(), Error> {
    tx.run("DELETE FROM drills WHERE org_id = $1 AND number <= $2 AND state <> 'running'", params![tx.org(), up_to]).await?;
    Ok(())
}

const ROW: &str = "id, number, state, started_at, started_by, finished_at";

fn row(row: &Row) -> Result<DrillRow, Error> {
    let state: String = row.get("state")?;
    Ok(DrillRow {
        id: row.get("id")?,
        number: row.get("number")?,
        state: state.parse().map_err(|()| Error::Store(format!("{state} is no state of a drill")))?,
        started_at: row.get("started_at")?,
        started_by: row.get("started_by")?,
        finished_at: row.opt("finished_at")?,
    })
}

/// The newest runs, the newest first.
pub(crate) async fn list(tx: &Tx, most: i64) -> Result<Vec<DrillRow>, Error> {
    tx.all(&format!("SELECT {ROW} FROM drills WHERE org_id = $1 ORDER BY number DESC LIMIT $2"), params![tx.org(), most], row).await
}

/// A run with its report.
pub(crate) async fn find(tx: &Tx, id: DrillId) -> Result<Option<(DrillRow, DrillReport)>, Error> {
    tx.one(&format!("SELECT {ROW}, report FROM drills WHERE org_id = $1 AND id = $2"), params![tx.org(), id], |found| {
        let report = serde_json::from_str(&found.get::<String>("report")?).map_err(|error| Error::Store(error.to_string()))?;
        Ok((row(found)?, report))
    })
    .await
}

fn json(report: &DrillReport) -> Result<String, Error> {
    serde_json::to_string(report).map_err(|error| Error::Store(error.to_string()))
}

/// What lets anybody act in the transaction's organisation, a satellite: what it is, and how many there are.
pub(crate) async fn left(tx: &Tx) -> Result<Vec<(&'static str, i64)>, Error> {
    const TABLES: [(&str, &str); 9] = [
        ("memberships", "memberships"),
        ("sessions", "sessions"),
        ("API sessions", "api_sessions"),
        ("access tokens", "access_tokens"),
        ("refresh tokens", "refresh_tokens"),
        ("personal tokens", "personal_tokens"),
        ("device codes", "device_requests"),
        ("roles", "role_grants"),
        ("team seats", "team_seats"),
    ];
    let counts = TABLES.map(|(_, table)| format!("(SELECT count(*) FROM {table} WHERE org_id = $1) AS {table}"));
    let sql = format!("SELECT {}", counts.join(", "));
    let counted = tx.one(&sql, params![tx.org()], |row| TABLES.into_iter().map(|(what, column)| Ok((what, row.get(column)?))).collect());
    counted.await?.ok_or(Error::Stale)
}
