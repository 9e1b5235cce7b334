//! Webhooks: where an organisation's events are sent. Owners make, change and delete endpoints; auditors see what became of each
//! delivery.

mod targets;

use domain::{
    DeliveryId, Invalid, Permission, WebhookEndpointId,
    audit::AuditAction,
    event::{EndpointFormat, EventTypes, MOST_ENDPOINTS},
    token::{Retirement, TokenName},
    view::{DeliveryPageView, DeliveryStatus, DeliveryView, EndpointPageView, EndpointView, IssuedEndpoint, WebhooksView},
};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    Call, Db, Error, OrgScope, events,
    keys::{Keys, WebhookSecret},
    sessions::SignedIn,
    store::{
        self,
        audit::{Details, Target},
        db::Tx,
        webhooks::{NewEndpoint, Shown},
    },
};
pub use targets::Targets;

const OFF: &str = "The endpoint is switched off. Switch it on first.";
/// Deliveries on a page.
const PAGE: i64 = 50;

/// What an owner typed about an endpoint.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// What to call it.
    pub name: String,
    /// Where to.
    pub url: String,
    /// Which events.
    pub types: EventTypes,
}

/// A new endpoint. How it takes its events stays as it was made.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What was typed.
    pub wanted: Wanted,
    /// In which format.
    pub format: EndpointFormat,
}

impl Wanted {
    fn check(&self, targets: &Targets) -> Result<(TokenName, String), Invalid> {
        let name = TokenName::try_from(self.name.clone())
            .map_err(|_| Invalid::new("name", "Name the system that will listen, in at most 60 characters."))?;
        Ok((name, targets.check(&self.url)?.to_string()))
    }
}

/// The organisation's endpoints.
pub async fn view(db: &Db, viewer: &SignedIn, scope: OrgScope, public_url: &str, call: &Call) -> Result<WebhooksView, Error> {
    let endpoints = store::webhooks::list(&db.read(scope).await?).await?;
    Ok(WebhooksView { now: call.now, endpoints, jwks_url: jwks_url(public_url), can_manage: viewer.role.may(Permission::ManageSecurity) })
}

/// Where the server with this public URL publishes its keys.
fn jwks_url(public_url: &str) -> String {
    format!("{public_url}/.well-known/jwks.json")
}

/// Make an endpoint. Its secret is in the answer, this once; one that takes Security Event Tokens has none.
pub async fn create(
    db: &Db,
    keys: &Keys,
    targets: &Targets,
    who: &SignedIn,
    scope: OrgScope,
    Draft { wanted, format }: &Draft,
    call: &Call,
) -> Result<IssuedEndpoint, Error> {
    let format = *format;
    let (name, url) = wanted.check(targets)?;
    if wanted.types.chosen().any(|event| !format.carries(event)) {
        let sentence = "Security Event Tokens tell only of members, sessions, users and groups. Choose among those, or take JSON.";
        return Err(Invalid::new("types", sentence).into());
    }
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm_fresh(&tx, Permission::ManageSecurity, call.now).await?;
        store::organizations::lock(&tx).await?;
        if store::webhooks::list(&tx).await?.len() >= MOST_ENDPOINTS {
            return Err(Error::Conflict(format!(
                "There are {MOST_ENDPOINTS} endpoints, which is the most. Delete one that is no longer used."
            )));
        }
        let id: WebhookEndpointId = call.new_id();
        // Who takes Security Event Tokens shares no secret with us.
        let secret = (format == EndpointFormat::Webhook).then(|| keys.webhook_secret(keys.present(), id, 1)).flatten();
        let hint = secret.as_ref().map(WebhookSecret::hint);
        let endpoint = NewEndpoint {
            id,
            name: name.as_str(),
            url: &url,
            format,
            types: &wanted.types,
            key: keys.present(),
            created_by: &who.actor().name(),
            secret: hint.as_deref().map(|hint| (hint, who.member)),
        };
        store::webhooks::insert(&tx, endpoint, call).await?;
        let endpoint = store::webhooks::find(&tx, id).await?.ok_or(Error::Stale)?;
        note(&tx, AuditAction::WebhookCreated, who, &endpoint, facts(&endpoint), call).await?;
        tx.commit().await?;
        Ok(IssuedEndpoint { secret: secret.map(|secret| secret.reveal()), endpoint })
    })
    .await
}

/// Change an endpoint's name, address and choice of events. What waits goes to the new address.
pub async fn change(
    db: &Db,
    targets: &Targets,
    who: &SignedIn,
    scope: OrgScope,
    endpoint: WebhookEndpointId,
    wanted: &Wanted,
    call: &Call,
) -> Result<(), Error> {
    let (name, url) = wanted.check(targets)?;
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm_fresh(&tx, Permission::ManageSecurity, call.now).await?;
        let before = locked(&tx, endpoint).await?;
        if wanted.types.chosen().any(|event| !before.format.carries(event)) {
            return Err(Invalid::new(
                "types",
                "This endpoint takes Security Event Tokens, which tell only of members, sessions, users and groups.",
            )
            .into());
        }
        store::webhooks::change(&tx, endpoint, name.as_str(), &url, &wanted.types).await?;
        let after = store::webhooks::find(&tx, endpoint).await?.ok_or(Error::Stale)?;
        if before == after {
            return Ok(());
        }
        let (was, is) = (facts(&before), facts(&after));
        let name = |endpoint: &EndpointView| ("name".to_owned(), endpoint.name.clone());
        let pairs = std::iter::once((name(&before), name(&after))).chain(was.into_iter().zip(is));
        let details = pairs.filter(|(was, is)| was != is).map(|(was, is)| crate::audit::changed(&is.0, &was.1, &is.1)).collect();
        note(&tx, AuditAction::WebhookChanged, who, &after, details, call).await?;
        tx.commit().await
    })
    .await
}

/// Rotate an endpoint's secret. The new one is in the answer, this once; until the old one retires both sign.
pub async fn rotate(
    db: &Db,
    keys: &Keys,
    who: &SignedIn,
    scope: OrgScope,
    endpoint: WebhookEndpointId,
    retire: &str,
    call: &Call,
) -> Result<IssuedEndpoint, Error> {
    let retirement: Retirement = retire.parse()?;
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm_fresh(&tx, Permission::ManageSecurity, call.now).await?;
        let (key, version) = store::webhooks::lock_secret(&tx, endpoint).await?.ok_or(Error::NotFound("endpoint"))?;
        let view = store::webhooks::find(&tx, endpoint).await?.ok_or(Error::Stale)?;
        if view.format != EndpointFormat::Webhook {
            return Err(Error::Conflict("This endpoint has no secret: its tokens are signed with the published key.".to_owned()));
        }
        if retirement != Retirement::AtOnce && view.previous_until.is_some_and(|until| until > call.now) {
            let sentence = "The secret before the last rotation still signs, and a third would end it early. Wait until then, or let the old ones stop at once.";
            return Err(Error::Conflict(sentence.to_owned()));
        }
        let secret = keys.webhook_secret(&key, endpoint, version + 1).ok_or_else(|| {
            Error::Conflict(
                "This server lacks the key that the endpoint was made under. Its operator has to bring back the key file.".to_owned(),
            )
        })?;
        let until = (retirement != Retirement::AtOnce).then(|| call.now + retirement.duration());
        store::webhooks::rotate(&tx, endpoint, &secret.hint(), who.member, until, call.now).await?;
        let details = vec![("ends in".to_owned(), secret.hint()), ("the old one stops".to_owned(), retirement.to_string())];
        note(&tx, AuditAction::WebhookSecretRotated, who, &view, details, call).await?;
        let endpoint = store::webhooks::find(&tx, endpoint).await?.ok_or(Error::Stale)?;
        tx.commit().await?;
        Ok(IssuedEndpoint { secret: Some(secret.reveal()), endpoint })
    })
    .await
}

/// Switch an endpoint off or on. While it is off, it is told of nothing new, and what waits stays.
pub async fn set_enabled(
    db: &Db,
    who: &SignedIn,
    scope: OrgScope,
    endpoint: WebhookEndpointId,
    on: bool,
    call: &Call,
) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm(&tx, Permission::ManageSecurity).await?;
        let view = locked(&tx, endpoint).await?;
        let why = format!("by {}", who.actor().name());
        if store::webhooks::set_disabled(&tx, endpoint, (!on).then_some((call.now, why.as_str()))).await? {
            let state = if on { "switched on" } else { "switched off" };
            note(&tx, AuditAction::WebhookChanged, who, &view, vec![("state".to_owned(), state.to_owned())], call).await?;
            tx.commit().await?;
        }
        Ok(())
    })
    .await
}

/// Delete an endpoint, with what waits for it and the log of its deliveries.
pub async fn delete(db: &Db, who: &SignedIn, scope: OrgScope, endpoint: WebhookEndpointId, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm_fresh(&tx, Permission::ManageSecurity, call.now).await?;
        let view = locked(&tx, endpoint).await?;
        store::webhooks::delete(&tx, endpoint).await?;
        let details = vec![("deliveries dropped".to_owned(), view.waiting.to_string())];
        note(&tx, AuditAction::WebhookDeleted, who, &view, details, call).await?;
        tx.commit().await
    })
    .await
}

/// Send a test to an endpoint. It is on its way when this returns.
pub async fn send_test(db: &Db, who: &SignedIn, scope: OrgScope, endpoint: WebhookEndpointId, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm(&tx, Permission::ManageSecurity).await?;
        if locked(&tx, endpoint).await?.disabled.is_some() {
            return Err(Error::Conflict(OFF.to_owned()));
        }
        events::test(&tx, endpoint, &who.actor(), call).await?;
        tx.commit().await
    })
    .await
}

/// Send a delivery again that was given up or taken, or all that were given up; how many that are.
pub async fn replay(
    db: &Db,
    who: &SignedIn,
    scope: OrgScope,
    endpoint: WebhookEndpointId,
    delivery: Option<DeliveryId>,
    call: &Call,
) -> Result<u64, Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm(&tx, Permission::ManageSecurity).await?;
        let view = locked(&tx, endpoint).await?;
        if view.disabled.is_some() {
            return Err(Error::Conflict(OFF.to_owned()));
        }
        let replayed = store::webhooks::replay(&tx, endpoint, delivery, call.now).await?;
        if replayed > 0 {
            note(&tx, AuditAction::WebhookReplayed, who, &view, vec![("deliveries".to_owned(), replayed.to_string())], call).await?;
            tx.commit().await?;
        }
        Ok(replayed)
    })
    .await
}

/// Which part of an endpoint's log is looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct Part {
    /// Only deliveries that stand like this.
    pub status: Option<DeliveryStatus>,
    /// Only deliveries before this one.
    pub before: Option<DeliveryId>,
}

/// An endpoint with a page of its deliveries, the newest first: all, or those that stand like this.
pub async fn endpoint(
    db: &Db,
    viewer: &SignedIn,
    scope: OrgScope,
    endpoint: WebhookEndpointId,
    Part { status, before }: Part,
    public_url: &str,
    call: &Call,
) -> Result<EndpointPageView, Error> {
    let tx = db.read(scope).await?;
    let view = store::webhooks::find(&tx, endpoint).await?.ok_or(Error::NotFound("endpoint"))?;
    let mut found = store::webhooks::deliveries(&tx, endpoint, status, before, PAGE + 1).await?;
    let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
    let more = found.len() > page;
    found.truncate(page);
    let deliveries: Vec<_> = found.into_iter().map(|shown| named(shown).0).collect();
    let older = deliveries.last().map(|delivery| delivery.id).filter(|_| more);
    Ok(EndpointPageView {
        now: call.now,
        endpoint: view,
        deliveries,
        older,
        jwks_url: jwks_url(public_url),
        can_manage: viewer.role.may(Permission::ManageSecurity),
    })
}

/// One delivery: what is sent, and what came of each attempt.
pub async fn delivery(
    db: &Db,
    viewer: &SignedIn,
    scope: OrgScope,
    endpoint: WebhookEndpointId,
    delivery: DeliveryId,
    call: &Call,
) -> Result<DeliveryPageView, Error> {
    let tx = db.read(scope).await?;
    let view = store::webhooks::find(&tx, endpoint).await?.ok_or(Error::NotFound("endpoint"))?;
    let shown = store::webhooks::delivery(&tx, endpoint, delivery).await?.ok_or(Error::NotFound("delivery"))?;
    let attempts = store::webhooks::attempts(&tx, delivery).await?;
    let (delivery, data) = named(shown);
    let body = events::delivery::body(delivery.event, delivery.event_type.code(), delivery.happened_at, &data);
    let body = serde_json::from_str::<Value>(&body).and_then(|body| serde_json::to_string_pretty(&body)).unwrap_or(body);
    let can_manage = viewer.role.may(Permission::ManageSecurity);
    Ok(DeliveryPageView { now: call.now, endpoint: view, delivery, body, attempts, can_manage })
}

/// A delivery that says whom its event is about, and the event's data.
fn named(shown: Shown) -> (DeliveryView, Value) {
    let data: Value = serde_json::from_str(&shown.data).unwrap_or_default();
    let name = data.pointer("/subject/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    (DeliveryView { subject: name, ..shown.delivery }, data)
}

/// An endpoint, locked.
async fn locked(tx: &Tx, endpoint: WebhookEndpointId) -> Result<EndpointView, Error> {
    store::webhooks::lock_secret(tx, endpoint).await?.ok_or(Error::NotFound("endpoint"))?;
    store::webhooks::find(tx, endpoint).await?.ok_or(Error::NotFound("endpoint"))
}

fn facts(endpoint: &EndpointView) -> Details {
    let types = if endpoint.types.is_all() { "all".to_owned() } else { endpoint.types.to_string().replace(',', ", ") };
    vec![("address".to_owned(), endpoint.url.clone()), ("events".to_owned(), types)]
}

async fn note(tx: &Tx, action: AuditAction, who: &SignedIn, endpoint: &EndpointView, details: Details, call: &Call) -> Result<(), Error> {
    let target = Target { kind: "webhook", id: Uuid::from(endpoint.id), name: endpoint.name.clone() };
    crate::audit::append(tx, action, &who.actor(), Some(target), details, call).await
}
