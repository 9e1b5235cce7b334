//! Deliveries, from the sender's side. The sender asks what is due, sends it, and says what came of it. Several nodes may ask at the
//! same time: each delivery is one node's until its lease ends.
//!
//! An event is delivered at least once, under the same id each time. Revocations go first; apart from that nothing is promised about
//! the order, so each event about a person carries her next number.

use std::time::Duration;

use domain::{DeliveryId, EventId, OrgId, Timestamp, WebhookEndpointId, audit::AuditAction, event::EndpointFormat, view::AttemptView};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Claims, message_id};
pub use crate::store::outbox::Busy;
use crate::{
    Actor, Call, Db, Error, OrgScope, alerts,
    keys::{Keys, WebhookSecret},
    store::{
        self,
        audit::Target,
        outbox::{After, Due},
    },
};

/// How long a node may take over one attempt before another node takes the delivery.
pub const LEASE: Duration = Duration::from_secs(60);
/// The pauses between attempts, in seconds: just below 24 hours in all.
const PAUSES: [u64; 11] = [5, 30, 120, 600, 1_800, 3_600, 7_200, 10_800, 14_400, 21_600, 25_200];
/// The longest that a receiver can make us wait by `Retry-After`.
const LONGEST_WAIT: Duration = Duration::from_secs(3_600);
/// How long deliveries are kept after they were finished.
const KEPT: Duration = Duration::from_secs(30 * 86_400);

/// A delivery to send now.
#[derive(Debug)]
pub struct Outgoing {
    /// The endpoint.
    pub endpoint: WebhookEndpointId,
    /// Whose it is.
    pub org: OrgId,
    /// Where to.
    pub url: String,
    /// The id under which the receiver knows the event.
    pub message_id: String,
    /// What to send.
    pub body: Body,
    id: DeliveryId,
    attempts: i64,
    tries: i64,
}

/// What is sent.
#[derive(Debug)]
pub enum Body {
    /// JSON, to be signed with each of these secrets as the Standard Webhooks specification says.
    Webhook {
        /// The body, byte by byte the same at each attempt.
        json: String,
        /// The present secret, and for a while after a rotation the one before.
        secrets: Vec<WebhookSecret>,
    },
    /// A Security Event Token, to be signed with the named key.
    Set {
        /// What it says.
        claims: Box<Claims>,
        /// Which of the server's keys.
        key: String,
    },
    /// Nothing, and why: the row was written by another version of us. It waits like one that is not taken.
    Unsendable(String),
}

/// What came of an attempt.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The status of the answer, if there was one.
    pub status_code: Option<u16>,
    /// How long it took.
    pub duration: Duration,
    /// Why it counts as failed; `None` when the event was taken.
    pub error: Option<String>,
    /// The beginning of the answer's body.
    pub answer: Option<String>,
    /// When the receiver wants to be asked again (`Retry-After`).
    pub retry_after: Option<Duration>,
}

impl Outcome {
    /// 410: nobody listens there any more, and never will.
    fn is_gone(&self) -> bool {
        self.status_code == Some(410)
    }
}

/// The delivery that is due next, if any: revocations before everything else; none to whom is `busy`.
///
/// `issuer` is our public URL, as the tokens name us.
pub async fn next_due(db: &Db, keys: &Keys, issuer: &str, busy: &Busy, call: &Call) -> Result<Option<Outgoing>, Error> {
    let db = &db.for_jobs();
    let ids: Vec<_> = keys.ids().collect();
    for urgent in [true, false] {
        // A first look without a lock: where nothing is due, which is nearly always, nobody is kept from writing.
        if !db.is_postgres() && !store::outbox::is_due(&db.look_around().await?, urgent, busy, &ids, call.now).await? {
            continue;
        }
        let due =
            db.retrying(|| async { store::outbox::take(db.begin_outside().await?, urgent, busy, &ids, call.now, call.now + LEASE).await });
        if let Some(due) = due.await? {
            return Ok(Some(outgoing(due, keys, issuer, call.now)));
        }
    }
    Ok(None)
}

fn outgoing(due: Due, keys: &Keys, issuer: &str, now: Timestamp) -> Outgoing {
    let body = content(&due, keys, issuer, now).unwrap_or_else(Body::Unsendable);
    Outgoing {
        endpoint: due.endpoint,
        org: due.org,
        url: due.url,
        message_id: message_id(due.event),
        body,
        id: due.id,
        attempts: due.attempts,
        tries: due.tries,
    }
}

fn content(due: &Due, keys: &Keys, issuer: &str, now: Timestamp) -> Result<Body, String> {
    let data = serde_json::from_str::<Value>(&due.data).map_err(|error| format!("the event cannot be read: {error}"))?;
    let format = due.format.parse::<EndpointFormat>().map_err(|_| format!("this server knows no format {}", due.format))?;
    match format {
        EndpointFormat::Webhook => {
            let before = due.previous_until.is_some_and(|until| until > now).then_some(due.secret_version - 1);
            let versions = [due.secret_version].into_iter().chain(before);
            let secrets = versions.filter_map(|version| keys.webhook_secret(&due.key, due.endpoint, version)).collect();
            Ok(Body::Webhook { json: body(due.event, &due.event_type, due.happened_at, &data), secrets })
        }
        EndpointFormat::Set => {
            let kind = due.event_type.parse().map_err(|()| format!("this server knows no event {}", due.event_type))?;
            let claims = Claims::of(issuer, &due.url, due.event, kind, due.happened_at, &data);
            let claims = claims.ok_or_else(|| format!("no Security Event Token tells {}", due.event_type))?;
            Ok(Body::Set { claims: Box::new(claims), key: due.key.clone() })
        }
    }
}

/// The body of a webhook.
pub(crate) fn body(event: EventId, kind: &str, happened_at: Timestamp, data: &Value) -> String {
    json!({ "id": message_id(event), "type": kind, "timestamp": happened_at.to_rfc3339(), "data": data }).to_string()
}

/// Write down what came of an attempt: taken, to be tried again after a pause, or given up after a day. An endpoint that is gone is
/// switched off. Owners are told of the first delivery that is given up in an outage.
pub async fn finished(db: &Db, outgoing: &Outgoing, outcome: &Outcome, call: &Call) -> Result<(), Error> {
    let attempt = AttemptView {
        attempt: u64::try_from(outgoing.attempts).unwrap_or(0),
        at: call.now,
        status_code: outcome.status_code,
        duration_ms: u64::try_from(outcome.duration.as_millis()).unwrap_or(u64::MAX),
        error: outcome.error.clone(),
        answer: outcome.answer.clone(),
    };
    let pause = usize::try_from(outgoing.tries - 1).ok().and_then(|tried| PAUSES.get(tried));
    let after = match (&outcome.error, pause) {
        (None, _) => After::Delivered,
        (Some(_), Some(seconds)) if !outcome.is_gone() => {
            let asked = outcome.retry_after.unwrap_or_default().min(LONGEST_WAIT);
            After::Again(call.now + jittered(*seconds, call).max(asked))
        }
        (Some(_), _) => After::Dead,
    };
    let (db, scope) = (&db.for_jobs(), OrgScope::new(outgoing.org));
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        if !store::outbox::attempted(&tx, outgoing.id, &attempt, after).await? {
            return Ok(());
        }
        if after == After::Dead {
            given_up(&tx, outgoing, outcome, call).await?;
        }
        tx.commit().await
    })
    .await
}

async fn given_up(tx: &store::db::Tx, outgoing: &Outgoing, outcome: &Outcome, call: &Call) -> Result<(), Error> {
    let Some(endpoint) = store::webhooks::find(tx, outgoing.endpoint).await? else { return Ok(()) };
    let name = alerts::name(&endpoint.name);
    if outcome.is_gone() {
        let why = "it answered 410 Gone";
        if store::webhooks::set_disabled(tx, endpoint.id, Some((call.now, why))).await? {
            let target = Target { kind: "webhook", id: Uuid::from(endpoint.id), name: endpoint.name };
            let details = vec![("state".to_owned(), "switched off".to_owned()), ("because".to_owned(), why.to_owned())];
            crate::audit::append(tx, AuditAction::WebhookChanged, &Actor::System, Some(target), details, call).await?;
            let line = format!(
                "The webhook endpoint {name} answered that it is gone for good. It was switched off, and is told nothing any more."
            );
            alerts::to_owners(tx, "a webhook endpoint is gone", &line, call).await?;
        }
        return Ok(());
    }
    // One mail tells of one outage: the next comes when something was taken in between, and not within the hour.
    if store::webhooks::dead_since_the_last_was_taken(tx, endpoint.id).await? == 1
        && alerts::first_of(tx, "webhook_alert", &endpoint.id.to_string(), call).await?
    {
        let line = format!(
            "The webhook endpoint {name} did not take an event for 24 hours, and the delivery was given up. It can be sent again under Settings, Webhooks. Further ones are listed there only, until the endpoint takes something."
        );
        alerts::to_owners(tx, "a webhook delivery was given up", &line, call).await?;
    }
    Ok(())
}

/// A pause, made up to a fifth shorter, so that those who failed together do not come back together.
fn jittered(seconds: u64, call: &Call) -> Duration {
    let [random] = call.random::<1>();
    let millis = seconds * 1_000;
    Duration::from_millis(millis - millis / 5 * u64::from(random) / 255)
}

/// Forget deliveries that were finished a month ago, and events that nobody waits for any more, a slice at a time.
pub async fn sweep(db: &Db, now: Timestamp) -> Result<(), Error> {
    let db = &db.for_jobs();
    let orgs = store::doors::all_orgs(&db.look_around().await?).await?;
    for org in orgs {
        // One organisation's trouble is not the others'.
        if let Err(error) = sweep_one(db, OrgScope::new(org), now - KEPT).await {
            tracing::error!(%org, %error, "old deliveries could not be forgotten");
        }
    }
    Ok(())
}

async fn sweep_one(db: &Db, scope: OrgScope, before: Timestamp) -> Result<(), Error> {
    let slice = async |events: bool| {
        db.retrying(|| async {
            let tx = db.begin(scope).await?;
            let more = match events {
                false => store::outbox::forget_deliveries(&tx, before).await?,
                true => store::outbox::forget_events(&tx, before).await?,
            };
            tx.commit().await?;
            Ok(more)
        })
        .await
    };
    for events in [false, true] {
        while slice(events).await? {}
    }
    Ok(())
}

/// The keys that endpoints were made under and that this server lacks: it cannot sign for those.
pub async fn missing_keys(db: &Db, keys: &Keys) -> Result<Vec<String>, Error> {
    let used = store::webhooks::keys_in_use(&db.for_jobs().look_around().await?).await?;
    Ok(used.into_iter().filter(|key| !keys.ids().any(|known| known == key)).collect())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_delivery_is_tried_for_a_day_and_no_longer() {
        let call = |byte: u8| Call::new(Timestamp::from_micros(0), Arc::new(move |bytes: &mut [u8]| bytes.fill(byte)));
        let total = |byte| PAUSES.iter().map(|seconds| jittered(*seconds, &call(byte))).sum::<Duration>();
        assert!(
            total(0) <= domain::event::RETRIED_FOR && total(0) > domain::event::RETRIED_FOR - Duration::from_secs(1_800),
            "{:?}",
            total(0)
        );
        assert_eq!(total(255), total(0) * 4 / 5);
    }
}
