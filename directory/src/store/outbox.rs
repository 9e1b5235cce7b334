//! Events on their way out: what happened, and to which endpoints it is delivered. Written in the change's own transaction.

use std::collections::BTreeMap;

use domain::{
    DeliveryId, DirectoryUserId, EventId, MemberId, OrgId, OrgRole, Timestamp, WebhookEndpointId,
    event::{EndpointFormat, EventType},
    view::{AttemptView, DeliveryStatus},
};
use uuid::Uuid;

use super::{
    db::{NoOrg, Tx},
    doors,
    members::Profile,
    roles,
    values::{CHUNK, Maybe, Params, Row, in_list, params},
};
use crate::{Call, Error, OrgScope};

/// An endpoint, as an event is matched with it.
#[derive(Clone, Debug)]
pub(crate) struct Listener {
    pub(crate) id: WebhookEndpointId,
    format: String,
    types: String,
}

impl Listener {
    /// Whether it is told of such events. Its row is read without judging it: what another version of us wrote into it must not fail
    /// the change that is to be told.
    pub(crate) fn hears(&self, event: EventType) -> bool {
        let carried = self.format.parse::<EndpointFormat>().is_ok_and(|format| format.carries(event));
        carried && (self.types.is_empty() || self.types.split(',').any(|code| code == event.code()))
    }
}

/// The endpoints that are switched on.
pub(crate) async fn listeners(tx: &Tx) -> Result<Vec<Listener>, Error> {
    let sql = "SELECT id, format, types FROM webhook_endpoints WHERE org_id = $1 AND disabled_at IS NULL ORDER BY id";
    tx.all(sql, params![tx.org()], |row| Ok(Listener { id: row.get("id")?, format: row.get("format")?, types: row.get("types")? })).await
}

/// The next number of an event about each of these subjects, which are in the order of their ids: so two transactions that number
/// the same ones do not wait for each other in a circle. Whoever has a number holds it until the transaction ends, so numbers are in
/// the order of commits and none is missing.
pub(crate) async fn next_numbers(tx: &Tx, subjects: &[Uuid]) -> Result<BTreeMap<Uuid, i64>, Error> {
    let mut numbers = BTreeMap::new();
    for chunk in subjects.chunks(CHUNK) {
        let mut params = Params(params![tx.org()]);
        let rows: Vec<_> = chunk.iter().map(|subject| format!("($1, {}, 1)", params.push(*subject))).collect();
        let sql = format!(
            "INSERT INTO event_sequences (org_id, subject_id, last) VALUES {}
             ON CONFLICT (org_id, subject_id) DO UPDATE SET last = event_sequences.last + 1 RETURNING subject_id, last",
            rows.join(", ")
        );
        let taken: Vec<(Uuid, i64)> = tx.all(&sql, params.0, |row| Ok((row.get("subject_id")?, row.get("last")?))).await?;
        numbers.extend(taken);
    }
    Ok(numbers)
}

/// A directory user is a member from now on: the member's numbers go on where the user's were.
pub(crate) async fn adopt_numbers(tx: &Tx, user: DirectoryUserId, member: MemberId) -> Result<(), Error> {
    let sql = "INSERT INTO event_sequences (org_id, subject_id, last)
               SELECT u.org_id, $3, u.last FROM event_sequences u WHERE u.org_id = $1 AND u.subject_id = $2
               ON CONFLICT (org_id, subject_id) DO UPDATE
               SET last = CASE WHEN excluded.last > event_sequences.last THEN excluded.last ELSE event_sequences.last END";
    tx.run(sql, params![tx.org(), user, member]).await?;
    Ok(())
}

/// An event to insert.
pub(crate) struct NewEvent {
    pub(crate) event: EventType,
    pub(crate) subject: Option<Uuid>,
    pub(crate) sequence: Option<i64>,
    pub(crate) data: String,
}

/// Insert events, due at once at each of these endpoints.
pub(crate) async fn insert(tx: &Tx, events: Vec<NewEvent>, endpoints: &[WebhookEndpointId], call: &Call) -> Result<(), Error> {
    for chunk in events.chunks(CHUNK) {
        let ids: Vec<EventId> = chunk.iter().map(|_| call.new_id()).collect();
        let mut params = Params(params![tx.org(), call.now]);
        let row = |(id, new): (&EventId, &NewEvent)| {
            let values = [
                params.push(*id),
                params.push(new.event.code()),
                params.push(Maybe(new.subject)),
                params.push(Maybe(new.sequence)),
                params.push(new.data.as_str()),
            ];
            format!("($1, $2, {})", values.join(", "))
        };
        let rows: Vec<_> = ids.iter().zip(chunk).map(row).collect();
        let sql = format!("INSERT INTO outbox (org_id, created_at, id, type, subject_id, sequence, data) VALUES {}", rows.join(", "));
        tx.run(&sql, params.0).await?;
        for endpoint in endpoints {
            let mut params = Params(params![tx.org(), call.now, *endpoint]);
            let row = |(id, new): (&EventId, &NewEvent)| {
                let values = [params.push(call.new_id::<DeliveryId>()), params.push(*id), params.push(new.event.is_urgent())];
                format!("($1, $3, 'pending', 0, 0, $2, $2, {})", values.join(", "))
            };
            let rows: Vec<_> = ids.iter().zip(chunk).map(row).collect();
            let sql = format!(
                "INSERT INTO webhook_deliveries (org_id, endpoint_id, status, attempts, tries, due_at, created_at, id, event_id, urgent)
                 VALUES {}",
                rows.join(", ")
            );
            tx.run(&sql, params.0).await?;
        }
    }
    Ok(())
}

/// A person, as events tell of her.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    pub(crate) member: Option<MemberId>,
    pub(crate) name: Option<String>,
    pub(crate) user: Option<DirectoryUserId>,
    pub(crate) external_id: Option<String>,
    pub(crate) user_name: Option<String>,
    /// Her role in force, if she has access and may use it.
    pub(crate) role: Option<OrgRole>,
}

/// What is told of these members, by their ids; the directory's record of one is the last there was.
pub(crate) async fn members(tx: &Tx, ids: &[MemberId]) -> Result<BTreeMap<MemberId, Told>, Error> {
    let mut found = BTreeMap::new();
    for chunk in ids.chunks(CHUNK) {
        let (list, params) = in_list(params![tx.org()], chunk);
        let sql = format!(
            "SELECT m.member_id, m.given_name, m.family_name, m.display_name, r.id AS record, r.external_id, r.user_name,
                    m.id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM member_blocks b WHERE b.org_id = m.org_id AND b.member_id = m.member_id) AS active,
                    {}
             FROM (SELECT p.org_id, p.id AS member_id, p.given_name, p.family_name, p.display_name, s.id
                   FROM members p LEFT JOIN memberships s ON s.org_id = p.org_id AND s.member_id = p.id
                   WHERE p.org_id = $1 AND p.id IN ({list})) m
               LEFT JOIN scim_users r ON r.id = (
                 SELECT x.id FROM scim_users x WHERE x.org_id = m.org_id AND x.member_id = m.member_id
                 ORDER BY x.deleted_at IS NOT NULL, x.created_at DESC LIMIT 1)",
            roles::roles_of_m()
        );
        let told = tx.all(&sql, params, |row| {
            let member: MemberId = row.get("member_id")?;
            let profile = Profile {
                given_name: row.opt("given_name")?,
                family_name: row.opt("family_name")?,
                display_name: row.opt("display_name")?,
            };
            let active: bool = row.get("active")?;
            let told = Told {
                member: Some(member),
                name: profile.name(),
                user: row.opt("record")?,
                external_id: row.opt("external_id")?,
                user_name: row.opt("user_name")?,
                role: if active { Some(roles::role(row)?) } else { None },
            };
            Ok((member, told))
        });
        found.extend(told.await?);
    }
    Ok(found)
}

/// What is told of a directory user.
pub(crate) async fn user(tx: &Tx, id: DirectoryUserId) -> Result<Option<Told>, Error> {
    let sql = "SELECT member_id, external_id, user_name FROM scim_users WHERE org_id = $1 AND id = $2";
    tx.one(sql, params![tx.org(), id], |row| {
        Ok(Told {
            member: row.opt("member_id")?,
            user: Some(id),
            external_id: row.opt("external_id")?,
            user_name: row.opt("user_name")?,
            ..Told::default()
        })
    })
    .await
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
    pub(crate) format: String,
    pub(crate) key: String,
    pub(crate) secret_version: i64,
    pub(crate) previous_until: Option<Timestamp>,
    pub(crate) event: EventId,
    /// The type as it is stored: another version of us may have written it.
    pub(crate) event_type: String,
    pub(crate) happened_at: Timestamp,
    pub(crate) data: String,
}

/// Whom not to send to now, since enough is under way there.
#[derive(Clone, Debug, Default)]
pub struct Busy {
    /// Endpoints.
    pub endpoints: Vec<WebhookEndpointId>,
    /// Organisations.
    pub orgs: Vec<OrgId>,
}

/// What makes the delivery `d` to the endpoint `e` due, of those that are urgent or not (`$1`), at a moment (`$2`).
fn due_now(params: &mut Params, busy: &Busy, keys: &[&str]) -> String {
    let keys: Vec<_> = keys.iter().map(|key| params.push(*key)).collect();
    let mut sql = format!(
        "d.status IN ('pending', 'sending') AND d.urgent = $1 AND d.due_at <= $2 AND e.disabled_at IS NULL AND e.key_id IN ({})",
        keys.join(", ")
    );
    if !busy.endpoints.is_empty() {
        let busy: Vec<_> = busy.endpoints.iter().map(|endpoint| params.push(*endpoint)).collect();
        sql += &format!(" AND d.endpoint_id NOT IN ({})", busy.join(", "));
    }
    if !busy.orgs.is_empty() {
        let busy: Vec<_> = busy.orgs.iter().map(|org| params.push(*org)).collect();
        sql += &format!(" AND d.org_id NOT IN ({})", busy.join(", "));
    }
    sql
}

/// The ids with commas between them.
fn list<T: std::fmt::Display>(ids: &[T]) -> String {
    ids.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}

/// Whether [`take`] would find anything. For SQLite, which has one writer: elsewhere looking keeps nobody from writing.
pub(crate) async fn is_due(tx: &Tx<NoOrg>, urgent: bool, busy: &Busy, keys: &[&str], now: Timestamp) -> Result<bool, Error> {
    let mut params = Params(params![urgent, now]);
    let sql = format!(
        "SELECT 1 AS one FROM webhook_deliveries d JOIN webhook_endpoints e ON e.org_id = d.org_id AND e.id = d.endpoint_id
         WHERE {} LIMIT 1",
        due_now(&mut params, busy, keys)
    );
    Ok(tx.one(&sql, params.0, |_| Ok(())).await?.is_some())
}

/// Take the delivery that is due: revocations first, then whatever has been due longest; of no endpoint that is `busy`, and only
/// such as one of `keys` signs for. It is the taker's until `lease_until`: should the node die, another one takes it then. Commits.
pub(crate) async fn take(
    tx: Tx<NoOrg>,
    urgent: bool,
    busy: &Busy,
    keys: &[&str],
    now: Timestamp,
    lease_until: Timestamp,
) -> Result<Option<Due>, Error> {
    let found = |row: &Row| Ok((row.get("org_id")?, row.get::<DeliveryId>("id")?));
    let found: Option<(OrgId, DeliveryId)> = if tx.is_postgres() {
        let (keys, endpoints, orgs) = (keys.join(","), list(&busy.endpoints), list(&busy.orgs));
        tx.glimpse(&doors::DUE_DELIVERY, params![urgent, now, keys, endpoints, orgs], found).await?
    } else {
        let mut params = Params(params![urgent, now]);
        let sql = format!(
            "SELECT d.org_id, d.id FROM webhook_deliveries d JOIN webhook_endpoints e ON e.org_id = d.org_id AND e.id = d.endpoint_id
             WHERE {} ORDER BY d.due_at, d.id LIMIT 1",
            due_now(&mut params, busy, keys)
        );
        tx.one(&sql, params.0, found).await?
    };
    let Some((org, id)) = found else { return Ok(None) };
    // Its lock is ours already.
    let tx = tx.in_scope(OrgScope::new(org)).await?;
    let sql = "SELECT d.id, d.org_id, d.endpoint_id, d.attempts, d.tries, e.url, e.format, e.key_id, e.secret_version, e.previous_until,
                o.id AS event_id, o.type, o.created_at, o.data
         FROM webhook_deliveries d
           JOIN webhook_endpoints e ON e.org_id = d.org_id AND e.id = d.endpoint_id
           JOIN outbox o ON o.org_id = d.org_id AND o.id = d.event_id
         WHERE d.org_id = $1 AND d.id = $2";
    let due = tx
        .one(sql, params![org, id], |row| {
            Ok(Due {
                id: row.get("id")?,
                org: row.get("org_id")?,
                endpoint: row.get("endpoint_id")?,
                attempts: row.get::<i64>("attempts")? + 1,
                tries: row.get::<i64>("tries")? + 1,
                url: row.get("url")?,
                format: row.get("format")?,
                key: row.get("key_id")?,
                secret_version: row.get("secret_version")?,
                previous_until: row.opt("previous_until")?,
                event: row.get("event_id")?,
                event_type: row.get("type")?,
                happened_at: row.get("created_at")?,
                data: row.get("data")?,
            })
        })
        .await?;
    if let Some(due) = &due {
        let sql = "UPDATE webhook_deliveries SET status = 'sending', attempts = $3, tries = $4, due_at = $5 WHERE org_id = $1 AND id = $2";
        tx.run(sql, params![org, due.id, due.attempts, due.tries, lease_until]).await?;
    }
    tx.commit().await?;
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

/// Forget some of what was finished before `before`, or has been waiting since then for an endpoint that is off; whether there may be
/// more.
pub(crate) async fn forget_deliveries(tx: &Tx, before: Timestamp) -> Result<bool, Error> {
    let sql = "DELETE FROM webhook_deliveries WHERE org_id = $1 AND id IN (
                 SELECT id FROM webhook_deliveries WHERE org_id = $1 AND finished_at < $2 LIMIT $3)";
    let finished = tx.run(sql, params![tx.org(), before, SLICE]).await?;
    let sql = "DELETE FROM webhook_deliveries WHERE org_id = $1 AND id IN (
                 SELECT id FROM webhook_deliveries WHERE org_id = $1 AND status = 'held' AND created_at < $2 LIMIT $3)";
    let held = tx.run(sql, params![tx.org(), before, SLICE]).await?;
    Ok(finished.max(held) >= SLICE.unsigned_abs())
}

/// Forget some of the events before `before` that nothing is left to be done with; whether there may be more.
pub(crate) async fn forget_events(tx: &Tx, before: Timestamp) -> Result<bool, Error> {
    let sql = "DELETE FROM outbox WHERE org_id = $1 AND id IN (
                 SELECT o.id FROM outbox o WHERE o.org_id = $1 AND o.created_at < $2
                   AND NOT EXISTS (SELECT 1 FROM webhook_deliveries d WHERE d.org_id = o.org_id AND d.event_id = o.id) LIMIT $3)";
    Ok(tx.run(sql, params![tx.org(), before, SLICE]).await? >= SLICE.unsigned_abs())
}

/// Rows that are forgotten in one transaction.
const SLICE: i64 = 1_000;
