//! The audit log: added to, read, never changed.

use domain::{AuditEventId, MemberId, Timestamp, audit::AuditAction, view::AuditEventView};
use uuid::Uuid;

use super::{
    db::Tx,
    values::{Maybe, Params, Row, params},
};
use crate::{Actor, Call, Error};

/// What an event is about, when it is not its own actor.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) kind: &'static str,
    pub(crate) id: Uuid,
    pub(crate) name: String,
}

/// Facts beside the action, in the order in which they are to be read.
pub(crate) type Details = Vec<(String, String)>;

/// Add an event. Use cases do it by [`crate::audit::append`].
pub(crate) async fn insert(
    tx: &Tx,
    action: AuditAction,
    actor: &Actor,
    target: Option<&Target>,
    details: &Details,
    call: &Call,
) -> Result<(), Error> {
    let facts = serde_json::to_string(details).map_err(|error| Error::Store(error.to_string()))?;
    tx.run(
        "INSERT INTO audit_events (id, org_id, at, action, actor_kind, actor_id, actor, target_kind, target_id, target, ip, user_agent, request_id, details)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
        params![
            call.new_id::<AuditEventId>(),
            tx.org(),
            call.now,
            action.code(),
            actor.kind(),
            Maybe(actor.id()),
            actor.name(),
            Maybe(target.map(|target| target.kind)),
            Maybe(target.map(|target| target.id)),
            Maybe(target.map(|target| target.name.as_str())),
            Maybe(call.ip.as_deref()),
            Maybe(call.user_agent.as_deref()),
            Maybe(call.request_id.as_deref()),
            facts
        ],
    )
    .await?;
    Ok(())
}

/// An event as it is searched and exported: what pages show, and the rest.
#[derive(Clone, Debug)]
pub struct Found {
    /// What pages show.
    pub shown: AuditEventView,
    /// What did it: `member`, `provisioning_token`, …
    pub actor_kind: String,
    /// Which one.
    pub actor_id: Option<Uuid>,
    /// What it was done to: `member`, `user`, `token`, …
    pub target_kind: Option<String>,
    /// Which one.
    pub target_id: Option<Uuid>,
    /// What that was called.
    pub target: Option<String>,
    /// The client, as it named itself.
    pub user_agent: Option<String>,
}

/// Events, newest first, so many; `before` is the last event of those before, `since` the earliest moment.
pub(crate) async fn newest(tx: &Tx, since: Option<Timestamp>, before: Option<AuditEventId>, size: i64) -> Result<Vec<Found>, Error> {
    // What somebody did to herself needs her name once.
    const COLUMNS: &str = "id, at, action, actor, CASE WHEN target_id = actor_id THEN NULL ELSE target END AS target,
         CASE WHEN target_kind = 'member' THEN target_id END AS member_id, actor_kind = 'provisioning_token' AS by_directory, ip, request_id, details,
         actor_kind, actor_id, target_kind, target_id, target AS whole_target, user_agent";
    let mut params = Params(params![tx.org(), size]);
    let mut conditions = "org_id = $1".to_owned();
    if let Some(since) = since {
        conditions.push_str(&format!(" AND at >= {}", params.push(since)));
    }
    if let Some(before) = before {
        let before = params.push(before);
        conditions.push_str(&format!(" AND (at, id) < (SELECT b.at, b.id FROM audit_events b WHERE b.org_id = $1 AND b.id = {before})"));
    }
    let sql = format!("SELECT {COLUMNS} FROM audit_events WHERE {conditions} ORDER BY at DESC, id DESC LIMIT $2");
    tx.all(&sql, params.0, |row| {
        Ok(Found {
            shown: read(row)?,
            actor_kind: row.get("actor_kind")?,
            actor_id: row.opt("actor_id")?,
            target_kind: row.opt("target_kind")?,
            target_id: row.opt("target_id")?,
            target: row.opt("whole_target")?,
            user_agent: row.opt("user_agent")?,
        })
    })
    .await
}

/// What a member is called.
pub(crate) async fn member_name(tx: &Tx, member: MemberId) -> Result<Option<String>, Error> {
    let sql = "SELECT coalesce(m.display_name, u.email) AS name FROM members m JOIN users u ON u.id = m.account_id WHERE m.org_id = $1 AND m.id = $2";
    Ok(tx.one(sql, params![tx.org(), member], |row| row.opt("name")).await?.flatten())
}

/// When the first event of this kind happened.
pub(crate) async fn first(tx: &Tx, action: AuditAction) -> Result<Option<Timestamp>, Error> {
    let sql = "SELECT min(at) AS at FROM audit_events WHERE org_id = $1 AND action = $2 AND actor_kind = 'provisioning_token'";
    Ok(tx.one(sql, params![tx.org(), action.code()], |row| row.opt("at")).await?.flatten())
}

pub(super) fn read(row: &Row) -> Result<AuditEventView, Error> {
    let action: String = row.get("action")?;
    Ok(AuditEventView {
        id: row.get("id")?,
        at: row.get("at")?,
        action: action.parse().map_err(|()| Error::Store(format!("the audit log holds an unknown action {action}")))?,
        actor: row.get("actor")?,
        target: row.opt("target")?,
        member: row.opt("member_id")?,
        by_directory: row.get("by_directory")?,
        ip: row.opt("ip")?,
        request_id: row.opt("request_id")?,
        details: serde_json::from_str(&row.get::<String>("details")?).map_err(|error| Error::Store(error.to_string()))?,
    })
}
