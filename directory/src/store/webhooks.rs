//! An organisation's endpoints, and what its console shows of their deliveries.

use domain::{
    DeliveryId, MemberId, Timestamp, WebhookEndpointId,
    event::{EndpointFormat, EventTypes},
    receipt::{KnownSecret, OrgSecret, SecretState},
    view::{AttemptView, DeliveryStatus, DeliveryView, EndpointView},
};

use super::{
    db::{NoOrg, Tx},
    doors,
    outbox::event_type,
    values::{Maybe, Params, Row, params},
};
use crate::{Call, Error};

/// An endpoint to insert.
pub(crate) struct NewEndpoint<'a> {
    pub(crate) id: WebhookEndpointId,
    pub(crate) name: &'a str,
    pub(crate) url: &'a str,
    pub(crate) format: EndpointFormat,
    pub(crate) types: &'a EventTypes,
    pub(crate) key: &'a str,
    pub(crate) created_by: &'a str,
    /// The last characters of the secret, and who has seen it; none where no secret is shared.
    pub(crate) secret: Option<(&'a str, MemberId)>,
}

pub(crate) async fn insert(tx: &Tx, endpoint: NewEndpoint<'_>, call: &Call) -> Result<(), Error> {
    tx.run(
        "INSERT INTO webhook_endpoints (id, org_id, name, url, format, types, key_id, secret_version, secret_hint, secret_seen_by, secret_made_at, created_at, created_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $9, $10, $10, $11)",
        params![
            endpoint.id,
            tx.org(),
            endpoint.name,
            endpoint.url,
            endpoint.format.as_str(),
            endpoint.types.to_string(),
            endpoint.key,
            Maybe(endpoint.secret.map(|(hint, _)| hint)),
            Maybe(endpoint.secret.map(|(_, member)| member)),
            call.now,
            endpoint.created_by
        ],
    )
    .await?;
    Ok(())
}

const VIEW: &str = "SELECT e.id, e.name, e.url, e.format, e.types, e.created_at, e.created_by, e.secret_hint, e.previous_until, e.disabled_at,
      e.disabled_why, e.last_delivered_at, e.last_failed_at,
      (SELECT count(*) FROM webhook_deliveries d WHERE d.org_id = e.org_id AND d.endpoint_id = e.id AND d.status IN ('pending', 'sending', 'held')) AS waiting,
      (SELECT count(*) FROM webhook_deliveries d WHERE d.org_id = e.org_id AND d.endpoint_id = e.id AND d.status = 'dead') AS dead
    FROM webhook_endpoints e WHERE e.org_id = $1";

fn view(row: &Row) -> Result<EndpointView, Error> {
    let number = |name| row.get::<i64>(name).map(|count| u64::try_from(count).unwrap_or(0));
    Ok(EndpointView {
        id: row.get("id")?,
        name: row.get("name")?,
        url: row.get("url")?,
        format: row.get::<String>("format")?.parse()?,
        types: row.get::<String>("types")?.parse()?,
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
        hint: row.opt("secret_hint")?,
        previous_until: row.opt("previous_until")?,
        disabled: row.opt("disabled_at")?.zip(row.opt("disabled_why")?),
        last_delivered_at: row.opt("last_delivered_at")?,
        last_failed_at: row.opt("last_failed_at")?,
        waiting: number("waiting")?,
        dead: number("dead")?,
    })
}

/// All endpoints, the oldest first.
pub(crate) async fn list(tx: &Tx) -> Result<Vec<EndpointView>, Error> {
    tx.all(&format!("{VIEW} ORDER BY e.created_at, e.id"), params![tx.org()], view).await
}

pub(crate) async fn find(tx: &Tx, id: WebhookEndpointId) -> Result<Option<EndpointView>, Error> {
    tx.one(&format!("{VIEW} AND e.id = $2"), params![tx.org(), id], view).await
}

/// Which key and edition of its secret an endpoint has, with its lock. What is being told to it is not kept waiting.
pub(crate) async fn lock_secret(tx: &Tx, id: WebhookEndpointId) -> Result<Option<(String, i64)>, Error> {
    let sql = format!("SELECT key_id, secret_version FROM webhook_endpoints WHERE org_id = $1 AND id = $2{}", tx.lock_softly());
    tx.one(&sql, params![tx.org(), id], |row| Ok((row.get("key_id")?, row.get("secret_version")?))).await
}

/// The keys that any organisation's endpoints were made under.
pub(crate) async fn keys_in_use(tx: &Tx<NoOrg>) -> Result<Vec<String>, Error> {
    tx.through(&doors::ENDPOINT_KEYS, vec![], |row| row.get("key_id")).await
}

/// The next edition of the secret, which ends in `hint` and which `seen_by` has seen. The one before signs until `previous_until`,
/// or no more.
pub(crate) async fn rotate(
    tx: &Tx,
    id: WebhookEndpointId,
    hint: &str,
    seen_by: MemberId,
    previous_until: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), Error> {
    let sql = "UPDATE webhook_endpoints
               SET secret_version = secret_version + 1, previous_hint = secret_hint, previous_seen_by = secret_seen_by,
                   previous_until = $5, secret_hint = $3, secret_seen_by = $4, secret_made_at = $6
               WHERE org_id = $1 AND id = $2";
    tx.run(sql, params![tx.org(), id, hint, seen_by, Maybe(previous_until), now]).await?;
    Ok(())
}

/// The endpoints' secrets that a member was shown and that sign at `now`.
pub(crate) async fn seen_by(tx: &Tx, member: MemberId, now: Timestamp) -> Result<Vec<KnownSecret>, Error> {
    // Of two that she was shown, the one that signs longer.
    let sql = "SELECT id, name, CASE WHEN secret_seen_by = $2 THEN secret_hint ELSE previous_hint END AS hint FROM webhook_endpoints
               WHERE org_id = $1 AND secret_hint IS NOT NULL
                 AND (secret_seen_by = $2 OR (previous_seen_by = $2 AND previous_hint IS NOT NULL AND previous_until > $3))
               ORDER BY created_at, id";
    tx.all(sql, params![tx.org(), member, now], |row| {
        Ok(KnownSecret { secret: OrgSecret::WebhookSecret(row.get("id")?), name: row.get("name")?, hint: row.get("hint")? })
    })
    .await
}

/// What has become until `now` of the secret of an endpoint that ends in `hint`.
pub(crate) async fn state(tx: &Tx, id: WebhookEndpointId, hint: &str, now: Timestamp) -> Result<Option<SecretState>, Error> {
    let sql = "SELECT secret_hint, secret_made_at, previous_hint, previous_until FROM webhook_endpoints WHERE org_id = $1 AND id = $2";
    tx.one(sql, params![tx.org(), id], |row| {
        let is = |name| row.opt::<String>(name).map(|known| known.as_deref() == Some(hint));
        let until: Option<Timestamp> = row.opt("previous_until")?;
        let retires_at = match (is("secret_hint")?, is("previous_hint")?) {
            (true, _) => None,
            (false, true) => until.or(row.opt("secret_made_at")?),
            // The one before the one before stopped at the latest when the present one came.
            (false, false) => row.opt("secret_made_at")?,
        };
        Ok(SecretState::at(now, None, retires_at, None))
    })
    .await
}

pub(crate) async fn change(tx: &Tx, id: WebhookEndpointId, name: &str, url: &str, types: &EventTypes) -> Result<(), Error> {
    let sql = "UPDATE webhook_endpoints SET name = $3, url = $4, types = $5 WHERE org_id = $1 AND id = $2";
    tx.run(sql, params![tx.org(), id, name, url, types.to_string()]).await?;
    Ok(())
}

/// Switch an endpoint off, with the reason, or on; whether that was news.
pub(crate) async fn set_disabled(tx: &Tx, id: WebhookEndpointId, off: Option<(Timestamp, &str)>) -> Result<bool, Error> {
    let changed = match off {
        Some((at, why)) => {
            let sql =
                "UPDATE webhook_endpoints SET disabled_at = $3, disabled_why = $4 WHERE org_id = $1 AND id = $2 AND disabled_at IS NULL";
            tx.run(sql, params![tx.org(), id, at, why]).await?
        }
        None => {
            let sql = "UPDATE webhook_endpoints SET disabled_at = NULL, disabled_why = NULL WHERE org_id = $1 AND id = $2 AND disabled_at IS NOT NULL";
            tx.run(sql, params![tx.org(), id]).await?
        }
    };
    if changed == 1 {
        // What waits for an endpoint that is off is out of everybody's way, and goes on when it is on again.
        let (from, to) = if off.is_some() { ("pending", "held") } else { ("held", "pending") };
        let sql = "UPDATE webhook_deliveries SET status = $4 WHERE org_id = $1 AND endpoint_id = $2 AND status = $3";
        tx.run(sql, params![tx.org(), id, from, to]).await?;
    }
    Ok(changed == 1)
}

/// Delete an endpoint, with everything that waits for it.
pub(crate) async fn delete(tx: &Tx, id: WebhookEndpointId) -> Result<bool, Error> {
    Ok(tx.run("DELETE FROM webhook_endpoints WHERE org_id = $1 AND id = $2", params![tx.org(), id]).await? == 1)
}

/// Try what was given up once more, from the beginning: this delivery, or all of the endpoint's; how many that are.
pub(crate) async fn replay(tx: &Tx, endpoint: WebhookEndpointId, delivery: Option<DeliveryId>, now: Timestamp) -> Result<u64, Error> {
    const AGAIN: &str = "UPDATE webhook_deliveries SET status = 'pending', tries = 0, due_at = $3, finished_at = NULL WHERE org_id = $1 AND endpoint_id = $2";
    match delivery {
        // One that was delivered can be sent again, too: the receiver may have lost it.
        Some(delivery) => {
            let sql = format!("{AGAIN} AND id = $4 AND status IN ('dead', 'delivered')");
            tx.run(&sql, params![tx.org(), endpoint, now, delivery]).await
        }
        None => tx.run(&format!("{AGAIN} AND status = 'dead'"), params![tx.org(), endpoint, now]).await,
    }
}

/// How many deliveries were given up since the endpoint last took one.
pub(crate) async fn dead_since_the_last_was_taken(tx: &Tx, endpoint: WebhookEndpointId) -> Result<i64, Error> {
    let sql = "SELECT count(*) AS dead FROM webhook_deliveries d JOIN webhook_endpoints e ON e.org_id = d.org_id AND e.id = d.endpoint_id
               WHERE d.org_id = $1 AND d.endpoint_id = $2 AND d.status = 'dead' AND d.finished_at >= coalesce(e.last_delivered_at, 0)";
    Ok(tx.one(sql, params![tx.org(), endpoint], |row| row.get("dead")).await?.unwrap_or(0))
}

const DELIVERY: &str = "SELECT d.id, d.event_id, d.status, d.attempts, d.due_at, o.type, o.created_at, o.data,
      a.attempt, a.at, a.status_code, a.duration_ms, a.error, a.answer
    FROM webhook_deliveries d
      JOIN outbox o ON o.org_id = d.org_id AND o.id = d.event_id
      LEFT JOIN webhook_attempts a ON a.org_id = d.org_id AND a.delivery_id = d.id
        AND a.attempt = (SELECT max(l.attempt) FROM webhook_attempts l WHERE l.org_id = d.org_id AND l.delivery_id = d.id)
    WHERE d.org_id = $1 AND d.endpoint_id = $2";

/// A delivery as the console shows it, and the event's data.
pub(crate) struct Shown {
    pub(crate) delivery: DeliveryView,
    pub(crate) data: String,
}

fn shown(row: &Row) -> Result<Shown, Error> {
    let stored: String = row.get("status")?;
    // One that is held waits without a time.
    let status = if stored == "held" { "pending" } else { stored.as_str() };
    let status: DeliveryStatus = status.parse().map_err(|()| Error::Store(format!("a delivery is {status}")))?;
    let waits = stored == "pending" || stored == "sending";
    let event = row.get("event_id")?;
    let attempts: i64 = row.get("attempts")?;
    Ok(Shown {
        delivery: DeliveryView {
            id: row.get("id")?,
            event,
            message_id: crate::events::message_id(event),
            event_type: event_type(row)?,
            happened_at: row.get("created_at")?,
            subject: String::new(),
            status,
            attempts: u64::try_from(attempts).unwrap_or(0),
            due_at: row.opt("due_at")?.filter(|_| waits),
            last: row.opt::<i64>("attempt")?.map(|_| attempt(row)).transpose()?,
        },
        data: row.get("data")?,
    })
}

fn attempt(row: &Row) -> Result<AttemptView, Error> {
    Ok(AttemptView {
        attempt: u64::try_from(row.get::<i64>("attempt")?).unwrap_or(0),
        at: row.get("at")?,
        status_code: row.opt::<i64>("status_code")?.and_then(|code| u16::try_from(code).ok()),
        duration_ms: u64::try_from(row.get::<i64>("duration_ms")?).unwrap_or(0),
        error: row.opt("error")?,
        answer: row.opt("answer")?,
    })
}

/// A page of an endpoint's deliveries, the newest first; `before` is the last one of the page before.
pub(crate) async fn deliveries(
    tx: &Tx,
    endpoint: WebhookEndpointId,
    status: Option<DeliveryStatus>,
    before: Option<DeliveryId>,
    size: i64,
) -> Result<Vec<Shown>, Error> {
    let mut params = Params(params![tx.org(), endpoint, size]);
    let mut sql = DELIVERY.to_owned();
    if let Some(status) = status {
        let waits = status == DeliveryStatus::Pending;
        let also = if waits { ", 'sending', 'held'" } else { "" };
        sql += &format!(" AND d.status IN ({}{also})", params.push(status.as_str()));
    }
    if let Some(before) = before {
        let before = params.push(before);
        sql += &format!(
            " AND (d.created_at, d.id) < (SELECT b.created_at, b.id FROM webhook_deliveries b WHERE b.org_id = $1 AND b.id = {before})"
        );
    }
    sql += " ORDER BY d.created_at DESC, d.id DESC LIMIT $3";
    tx.all(&sql, params.0, shown).await
}

pub(crate) async fn delivery(tx: &Tx, endpoint: WebhookEndpointId, id: DeliveryId) -> Result<Option<Shown>, Error> {
    tx.one(&format!("{DELIVERY} AND d.id = $3"), params![tx.org(), endpoint, id], shown).await
}

/// What came of each attempt, the newest first.
pub(crate) async fn attempts(tx: &Tx, delivery: DeliveryId) -> Result<Vec<AttemptView>, Error> {
    let sql = "SELECT attempt, at, status_code, duration_ms, error, answer FROM webhook_attempts
               WHERE org_id = $1 AND delivery_id = $2 ORDER BY attempt DESC LIMIT 100";
    tx.all(sql, params![tx.org(), delivery], attempt).await
}
