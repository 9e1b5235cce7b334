//! Events on their way out: what happened, and to which endpoints it is delivered. Written in the change's own transaction.

use domain::{
    DeliveryId, DirectoryUserId, EventId, MemberId, OrgId, Timestamp, WebhookEndpointId,
    event::{EndpointFormat, EventType, EventTypes},
    view::{AttemptView, DeliveryStatus},
};
use uuid::Uuid;

use super::{
    db::{NoOrg, Tx},
    values::{Maybe, Params, Row, params},
};
use crate::{Call, Error};

/// An endpoint, as an event is matched with it.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    pub(crate) id: WebhookEndpointId,
    format: EndpointFormat,
    types: EventTypes,
}

impl Listener {
    /// Whether it is told of such events.
    pub(crate) fn hears(&self, event: EventType) -> bool {
        self.format.carries(event) && self.types.contains(event)
    }
}

/// The endpoints that are switched on.
pub(crate) async fn listeners(tx: &Tx) -> Result<Vec<Listener>, Error> {
    let sql = "SELECT id, format, types FROM webhook_endpoints WHERE org_id = $1 AND disabled_at IS NULL ORDER BY id";
    tx.all(sql, params![tx.org()], |row| {
        Ok(Listener { id: row.get("id")?, format: row.get::<String>("format")?.parse()?, types: row.get::<String>("types")?.parse()? })
    })
    .await
}

/// The next number of an event about `subject`. Whoever has it holds it until the transaction ends, so numbers are in the order of
/// commits and none is missing.
pub(crate) async fn next_number(tx: &Tx, subject: Uuid) -> Result<i64, Error> {
    let sql = "INSERT INTO event_sequences (org_id, subject_id, last) VALUES ($1, $2, 1)
               ON CONFLICT (org_id, subject_id) DO UPDATE SET last = event_sequences.last + 1 RETURNING last";
    tx.one(sql, params![tx.org(), subject], |row| row.get("last")).await?.ok_or(Error::Stale)
}

/// An event to insert.
pub(crate) struct NewEvent<'a> {
    pub(crate) event: EventType,
    pub(crate) subject: Option<Uuid>,
    pub(crate) sequence: Option<i64>,
    pub(crate) data: &'a str,
}

/// Insert an event, due at once at each of these endpoints.
pub(crate) async fn insert(
    tx: &Tx,
    new: NewEvent<'_>,
    endpoints: impl Iterator<Item = WebhookEndpointId>,
    call: &Call,
) -> Result<EventId, Error> {
    let id: EventId = call.new_id();
    let sql = "INSERT INTO outbox (id, org_id, type, subject_id, sequence, data, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    tx.run(sql, params![id, tx.org(), new.event.code(), Maybe(new.subject), Maybe(new.sequence), new.data, call.now]).await?;
    for endpoint in endpoints {
        tx.run(
            "INSERT INTO webhook_deliveries (id, org_id, endpoint_id, event_id, urgent, status, attempts, tries, due_at, created_at)
             VALUES ($1, $2, $3, $4, $5, 'pending', 0, 0, $6, $6)",
            params![call.new_id::<DeliveryId>(), tx.org(), endpoint, id, new.event.is_urgent(), call.now],
        )
        .await?;
    }
    Ok(id)
}

/// A person, as events tell of her.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) member: Option<MemberId>,
    pub(crate) user: Option<DirectoryUserId>,
    pub(crate) external_id: Option<String>,
    pub(crate) user_name: Option<String>,
    /// Whether she has access and may use it.
    pub(crate) active: bool,
}

const TOLD: &str = "SELECT p.id AS member, r.id AS record, r.external_id, r.user_name,
      EXISTS (SELECT 1 FROM memberships m WHERE m.org_id = p.org_id AND m.member_id = p.id)
      AND NOT EXISTS (SELECT 1 FROM member_blocks b WHERE b.org_id = p.org_id AND b.member_id = p.id) AS active";

fn told(row: &Row) -> Result<Told, Error> {
    Ok(Told {
        member: row.opt("member")?,
        user: row.opt("record")?,
        external_id: row.opt("external_id")?,
        user_name: row.opt("user_name")?,
        active: row.get("active")?,
    })
}

/// What is told of a member; the directory's record of her is the last there was.
pub(crate) async fn member(tx: &Tx, id: MemberId) -> Result<Option<Told>, Error> {
    let sql = format!(
        "{TOLD} FROM members p LEFT JOIN scim_users r ON r.org_id = p.org_id AND r.member_id = p.id
         WHERE p.org_id = $1 AND p.id = $2 ORDER BY r.deleted_at IS NOT NULL, r.created_at DESC LIMIT 1"
    );
    tx.one(&sql, params![tx.org(), id], told).await
}

/// What is told of a directory user, and of the member whom she is.
pub(crate) async fn user(tx: &Tx, id: DirectoryUserId) -> Result<Option<Told>, Error> {
    let sql = format!(
        "{TOLD} FROM scim_users r LEFT JOIN members p ON p.org_id = r.org_id AND p.id = r.member_id WHERE r.org_id = $1 AND r.id = $2"
    );
    tx.one(&sql, params![tx.org(), id], told).await
}

/// The first `most` members with access among the users of a group, or among these users.
pub(crate) async fn members_of(
    tx: &Tx,
    group: Option<domain::DirectoryGroupId>,
    users: &[DirectoryUserId],
    most: i64,
) -> Result<Vec<MemberId>, Error> {
    const WITH_ACCESS: &str = "JOIN memberships m ON m.org_id = r.org_id AND m.member_id = r.member_id";
    let mut params = Params(params![tx.org(), most]);
    let sql = match group {
        Some(group) => format!(
            "SELECT m.member_id FROM scim_group_members x JOIN scim_users r ON r.org_id = x.org_id AND r.id = x.user_id {WITH_ACCESS}
             WHERE x.org_id = $1 AND x.group_id = {} AND r.deleted_at IS NULL ORDER BY m.member_id LIMIT $2",
            params.push(group)
        ),
        None if users.is_empty() => return Ok(vec![]),
        None => {
            let list: Vec<_> = users.iter().map(|user| params.push(*user)).collect();
            format!(
                "SELECT m.member_id FROM scim_users r {WITH_ACCESS}
                 WHERE r.org_id = $1 AND r.id IN ({}) AND r.deleted_at IS NULL ORDER BY m.member_id LIMIT $2",
                list.join(", ")
            )
        }
    };
    tx.all(&sql, params.0, |row| row.get("member_id")).await
}

/// A delivery that is due.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    pub(crate) id: DeliveryId,
    pub(crate) org: OrgId,
    pub(crate) endpoint: WebhookEndpointId,
    pub(crate) attempts: i64,
    pub(crate) tries: i64,
    pub(crate) url: String,
    pub(crate) format: EndpointFormat,
    pub(crate) key: String,
    pub(crate) secret_version: i64,
    pub(crate) previous_until: Option<Timestamp>,
    pub(crate) event: EventId,
    pub(crate) event_type: EventType,
    pub(crate) happened_at: Timestamp,
    pub(crate) data: String,
}

/// What makes the delivery `d` to the endpoint `e` due, of those that are urgent or not (`$1`), at a moment (`$2`).
fn due_now(params: &mut Params, busy: &[WebhookEndpointId], keys: &[&str]) -> String {
    let keys: Vec<_> = keys.iter().map(|key| params.push(*key)).collect();
    let mut sql = format!(
        "d.status IN ('pending', 'sending') AND d.urgent = $1 AND d.due_at <= $2 AND e.disabled_at IS NULL AND e.key_id IN ({})",
        keys.join(", ")
    );
    if !busy.is_empty() {
        let busy: Vec<_> = busy.iter().map(|endpoint| params.push(*endpoint)).collect();
        sql += &format!(" AND d.endpoint_id NOT IN ({})", busy.join(", "));
    }
    sql
}

/// Whether [`take`] would find anything.
pub(crate) async fn is_due(tx: &Tx<NoOrg>, urgent: bool, busy: &[WebhookEndpointId], keys: &[&str], now: Timestamp) -> Result<bool, Error> {
    let mut params = Params(params![urgent, now]);
    let sql = format!(
        "SELECT 1 AS one FROM webhook_deliveries d JOIN webhook_endpoints e ON e.org_id = d.org_id AND e.id = d.endpoint_id
         WHERE {} LIMIT 1",
        due_now(&mut params, busy, keys)
    );
    Ok(tx.one(&sql, params.0, |_| Ok(())).await?.is_some())
}

/// Take the delivery that is due: revocations first, then whatever has been due longest; of no endpoint that is `busy`, and only
/// such as one of `keys` signs for. It is the taker's until `lease_until`: should the node die, another one takes it then.
pub(crate) async fn take(
    tx: &Tx<NoOrg>,
    urgent: bool,
    busy: &[WebhookEndpointId],
    keys: &[&str],
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Option<Due>, Error> {
    let mut params = Params(params![urgent, now]);
    let is_due = due_now(&mut params, busy, keys);
    let lock = if tx.is_postgres() { " FOR UPDATE OF d SKIP LOCKED" } else { "" };
    let sql = format!(
        "SELECT d.id, d.org_id, d.endpoint_id, d.attempts, d.tries, e.url, e.format, e.key_id, e.secret_version, e.previous_until,
                o.id AS event_id, o.type, o.created_at, o.data
         FROM webhook_deliveries d
           JOIN webhook_endpoints e ON e.org_id = d.org_id AND e.id = d.endpoint_id
           JOIN outbox o ON o.org_id = d.org_id AND o.id = d.event_id
         WHERE {is_due}
         ORDER BY d.due_at, d.id LIMIT 1{lock}"
    );
    let due = tx
        .one(&sql, params.0, |row| {
            Ok(Due {
                id: row.get("id")?,
                org: row.get("org_id")?,
                endpoint: row.get("endpoint_id")?,
                attempts: row.get::<i64>("attempts")? + 1,
                tries: row.get::<i64>("tries")? + 1,
                url: row.get("url")?,
                format: row.get::<String>("format")?.parse()?,
                key: row.get("key_id")?,
                secret_version: row.get("secret_version")?,
                previous_until: row.opt("previous_until")?,
                event: row.get("event_id")?,
                event_type: event_type(row)?,
                happened_at: row.get("created_at")?,
                data: row.get("data")?,
            })
        })
        .await?;
    if let Some(due) = &due {
        let sql = "UPDATE webhook_deliveries SET status = 'sending', attempts = $2, tries = $3, due_at = $4 WHERE id = $1";
        tx.run(sql, params![due.id, due.attempts, due.tries, lease_until]).await?;
    }
    Ok(due)
}

pub(super) fn event_type(row: &Row) -> Result<EventType, Error> {
    let code: String = row.get("type")?;
    code.parse().map_err(|()| Error::Store(format!("the outbox holds an unknown type of event {code}")))
}

/// What comes after an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    Delivered,
    Again(Timestamp),
    Dead,
}

/// Write down what came of an attempt. Without effect when somebody else has taken the delivery since; whether it had one.
pub(crate) async fn attempted(tx: &Tx, delivery: DeliveryId, attempt: &AttemptView, after: After) -> Result<bool, Error> {
    let attempts = i64::try_from(attempt.attempt).unwrap_or(i64::MAX);
    let (status, due_at, finished_at) = match after {
        After::Delivered => (DeliveryStatus::Delivered, None, Some(attempt.at)),
        After::Again(at) => (DeliveryStatus::Pending, Some(at), None),
        After::Dead => (DeliveryStatus::Dead, None, Some(attempt.at)),
    };
    let sql = "UPDATE webhook_deliveries SET status = $4, due_at = coalesce($5, due_at), finished_at = $6
               WHERE org_id = $1 AND id = $2 AND attempts = $3 AND status = 'sending'";
    if tx.run(sql, params![tx.org(), delivery, attempts, status.as_str(), Maybe(due_at), Maybe(finished_at)]).await? == 0 {
        return Ok(false);
    }
    let column = if after == After::Delivered { "last_delivered_at" } else { "last_failed_at" };
    let sql = format!(
        "UPDATE webhook_endpoints SET {column} = $3
         WHERE org_id = $1 AND id = (SELECT endpoint_id FROM webhook_deliveries WHERE org_id = $1 AND id = $2) AND ({column} IS NULL OR {column} < $3)"
    );
    tx.run(&sql, params![tx.org(), delivery, attempt.at]).await?;
    tx.run(
        "INSERT INTO webhook_attempts (org_id, delivery_id, attempt, at, status_code, duration_ms, error, answer)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![
            tx.org(),
            delivery,
            attempts,
            attempt.at,
            Maybe(attempt.status_code.map(i64::from)),
            i64::try_from(attempt.duration_ms).unwrap_or(i64::MAX),
            Maybe(attempt.error.as_deref()),
            Maybe(attempt.answer.as_deref())
        ],
    )
    .await?;
    Ok(true)
}

/// Forget what was finished before `before`, and events that nothing is left to be done with.
pub(crate) async fn forget(tx: &Tx, before: Timestamp) -> Result<(), Error> {
    let sql = "DELETE FROM webhook_deliveries WHERE org_id = $1 AND finished_at < $2 AND status IN ('delivered', 'dead')";
    tx.run(sql, params![tx.org(), before]).await?;
    let sql = "DELETE FROM outbox WHERE org_id = $1 AND created_at < $2
                 AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.org_id = outbox.org_id AND d.event_id = outbox.id)";
    tx.run(sql, params![tx.org(), before]).await?;
    Ok(())
}
