//! The chain of seals over the audit log.

use domain::{AuditEventId, Timestamp, view::SealedView};
use uuid::Uuid;

use super::{
    db::Tx,
    values::{Maybe, Row, params},
};
use crate::Error;

/// An event with every column that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WholeEvent {
    pub(crate) id: AuditEventId,
    pub(crate) at: Timestamp,
    pub(crate) action: String,
    pub(crate) actor_kind: String,
    pub(crate) actor_id: Option<Uuid>,
    pub(crate) actor: String,
    pub(crate) target_kind: Option<String>,
    pub(crate) target_id: Option<Uuid>,
    pub(crate) target: Option<String>,
    pub(crate) ip: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) details: String,
}

const EVENT: &str = "e.id, e.at, e.action, e.actor_kind, e.actor_id, e.actor, e.target_kind, e.target_id, e.target, e.ip, e.user_agent, e.request_id, e.details";

fn event(row: &Row) -> Result<WholeEvent, Error> {
    Ok(WholeEvent {
        id: row.get("id")?,
        at: row.get("at")?,
        action: row.get("action")?,
        actor_kind: row.get("actor_kind")?,
        actor_id: row.opt("actor_id")?,
        actor: row.get("actor")?,
        target_kind: row.opt("target_kind")?,
        target_id: row.opt("target_id")?,
        target: row.opt("target")?,
        ip: row.opt("ip")?,
        user_agent: row.opt("user_agent")?,
        request_id: row.opt("request_id")?,
        details: row.get("details")?,
    })
}

/// A seal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seal {
    pub(crate) number: i64,
    pub(crate) events: i64,
    pub(crate) first_at: Timestamp,
    pub(crate) up_to: Timestamp,
    pub(crate) digest: Vec<u8>,
    pub(crate) previous: Vec<u8>,
    pub(crate) hash: Vec<u8>,
    pub(crate) sealed_at: Timestamp,
    pub(crate) cleared_at: Option<Timestamp>,
}

fn seal(row: &Row) -> Result<Seal, Error> {
    Ok(Seal {
        number: row.get("number")?,
        events: row.get("events")?,
        first_at: row.get("first_at")?,
        up_to: row.get("up_to")?,
        digest: row.get("digest")?,
        previous: row.get("previous")?,
        hash: row.get("hash")?,
        sealed_at: row.get("sealed_at")?,
        cleared_at: row.opt("cleared_at")?,
    })
}

const SEAL: &str = "number, events, first_at, up_to, digest, previous, hash, sealed_at, cleared_at";

/// The newest seal.
pub(crate) async fn head(tx: &Tx) -> Result<Option<Seal>, Error> {
    tx.one(&format!("SELECT {SEAL} FROM audit_seals WHERE org_id = $1 ORDER BY number DESC LIMIT 1"), params![tx.org()], seal).await
}

/// The seals after `number`, the first so many.
pub(crate) async fn after(tx: &Tx, number: i64, most: i64) -> Result<Vec<Seal>, Error> {
    let sql = format!("SELECT {SEAL} FROM audit_seals WHERE org_id = $1 AND number > $2 ORDER BY number LIMIT $3");
    tx.all(&sql, params![tx.org(), number, most], seal).await
}

/// Events between two moments that no batch holds, in their order, the first so many.
pub(crate) async fn unsealed(tx: &Tx, from: Timestamp, to: Timestamp, most: i64) -> Result<Vec<WholeEvent>, Error> {
    let sql = format!(
        "SELECT {EVENT} FROM audit_events e
         WHERE e.org_id = $1 AND e.at >= $2 AND e.at <= $3
           AND NOT EXISTS (SELECT 1 FROM audit_seal_events m WHERE m.org_id = e.org_id AND m.event_id = e.id)
         ORDER BY e.at, e.id LIMIT $4"
    );
    tx.all(&sql, params![tx.org(), from, to, most], event).await
}

/// How many events before this moment no batch holds, and the oldest of them.
pub(crate) async fn waiting(tx: &Tx) -> Result<(i64, Option<Timestamp>), Error> {
    let sql = "SELECT count(*) AS events, min(e.at) AS oldest FROM audit_events e
               WHERE e.org_id = $1 AND NOT EXISTS (SELECT 1 FROM audit_seal_events m WHERE m.org_id = e.org_id AND m.event_id = e.id)";
    let found = tx.one(sql, params![tx.org()], |row| Ok((row.get("events")?, row.opt("oldest")?))).await?;
    Ok(found.unwrap_or((0, None)))
}

/// Add a seal, and which events it holds.
pub(crate) async fn insert(tx: &Tx, seal: &Seal, events: &[(AuditEventId, [u8; 32])]) -> Result<(), Error> {
    tx.run(
        "INSERT INTO audit_seals (org_id, number, events, first_at, up_to, digest, previous, hash, sealed_at, cleared_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        params![
            tx.org(),
            seal.number,
            seal.events,
            seal.first_at,
            seal.up_to,
            seal.digest.clone(),
            seal.previous.clone(),
            seal.hash.clone(),
            seal.sealed_at,
            Maybe(seal.cleared_at)
        ],
    )
    .await?;
    let mut all = params![tx.org(), seal.number];
    let rows = events.iter().enumerate().map(|(position, (id, hash))| {
        let first = all.len() + 1;
        all.extend(params![i64::try_from(position).unwrap_or(i64::MAX), *id, hash.to_vec()]);
        format!("($1, $2, ${first}, ${}, ${})", first + 1, first + 2)
    });
    let rows = rows.collect::<Vec<_>>().join(", ");
    tx.run(&format!("INSERT INTO audit_seal_events (org_id, seal, position, event_id, hash) VALUES {rows}"), all).await?;
    Ok(())
}

/// A place in a batch: its number, which event stands there and its hash, and the event, if it is still there.
pub(crate) struct Place {
    pub(crate) position: i64,
    pub(crate) event_id: AuditEventId,
    pub(crate) hash: Vec<u8>,
    pub(crate) event: Option<WholeEvent>,
}

/// The places of a batch, in their order.
pub(crate) async fn places(tx: &Tx, seal: i64) -> Result<Vec<Place>, Error> {
    let sql = format!(
        "SELECT m.position, m.event_id, m.hash, {EVENT} FROM audit_seal_events m
           LEFT JOIN audit_events e ON e.org_id = m.org_id AND e.id = m.event_id
         WHERE m.org_id = $1 AND m.seal = $2 ORDER BY m.position"
    );
    tx.all(&sql, params![tx.org(), seal], |row| {
        let there = row.opt::<Uuid>("id")?.is_some();
        let event = if there { Some(event(row)?) } else { None };
        Ok(Place { position: row.get("position")?, event_id: row.get("event_id")?, hash: row.get("hash")?, event })
    })
    .await
}

/// Up to when the log is sealed, and by how many batches.
pub(crate) async fn sealed(tx: &Tx) -> Result<Option<SealedView>, Error> {
    Ok(head(tx).await?.map(|head| SealedView { up_to: head.up_to, batches: u64::try_from(head.number).unwrap_or_default() }))
}

/// Batches that were cleared.
pub(crate) struct Cleared {
    pub(crate) batches: i64,
    pub(crate) events: i64,
    pub(crate) first: i64,
    pub(crate) last: i64,
}

/// Clear whole batches from the oldest on, as far as the organisation wants it, and no more than `most`. On PostgreSQL that is noted
/// in the log as well, by `entry`.
pub(crate) async fn clear(tx: &Tx, years: i64, now: Timestamp, most: i64, entry: AuditEventId) -> Result<Option<Cleared>, Error> {
    let read = |row: &Row| {
        Ok(Cleared { batches: row.get("batches")?, events: row.get("events")?, first: row.get("first")?, last: row.get("last")? })
    };
    if tx.is_postgres() {
        // The application may delete nothing; the function looks for itself how long the organisation wants it kept.
        return tx.one("SELECT * FROM rollcall_clear_audit($1, $2, $3, $4)", params![tx.org(), now, most, entry], read).await;
    }
    let cleared = tx
        .all(
            "UPDATE audit_seals SET cleared_at = $2 WHERE org_id = $1 AND cleared_at IS NULL
               AND number < $3 + (SELECT min(s.number) FROM audit_seals s WHERE s.org_id = $1 AND s.cleared_at IS NULL)
               AND number < coalesce(
                 (SELECT min(s.number) FROM audit_seals s WHERE s.org_id = $1 AND s.cleared_at IS NULL AND s.up_to >= $2 - $4 * 31557600000000),
                 number + 1)
             RETURNING number, events",
            params![tx.org(), now, most, years],
            |row| Ok((row.get::<i64>("number")?, row.get::<i64>("events")?)),
        )
        .await?;
    let numbers = || cleared.iter().map(|(number, _)| *number);
    let (Some(first), Some(last)) = (numbers().min(), numbers().max()) else { return Ok(None) };
    let of_batches = "SELECT m.event_id FROM audit_seal_events m WHERE m.org_id = $1 AND m.seal BETWEEN $2 AND $3";
    let old = "at < $4 - $5 * 31557600000000";
    let delete = format!("DELETE FROM audit_events WHERE org_id = $1 AND id IN ({of_batches}) AND {old}");
    let gone = tx.run(&delete, params![tx.org(), first, last, now, years]).await?;
    let events: i64 = cleared.iter().map(|(_, events)| *events).sum();
    if i64::try_from(gone) != Ok(events) {
        let sentence = format!("batches {first} to {last} do not hold what they were sealed with: nothing is cleared");
        return Err(Error::Store(sentence));
    }
    tx.run("DELETE FROM audit_seal_events WHERE org_id = $1 AND seal BETWEEN $2 AND $3", params![tx.org(), first, last]).await?;
    let batches = i64::try_from(cleared.len()).unwrap_or(i64::MAX);
    Ok(Some(Cleared { batches, events, first, last }))
}
