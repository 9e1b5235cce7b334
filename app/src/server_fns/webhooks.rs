//! Settings → Webhooks: where the organisation's events are sent, and what became of each delivery. Owners change; auditors and
//! administrators look.

use domain::{
    DeliveryId, OrgSlug, WebhookEndpointId,
    event::{EndpointFormat, EventType},
    view::{DeliveryPageView, DeliveryStatus, EndpointPageView, IssuedEndpoint, WebhooksView},
};
#[cfg(feature = "ssr")]
use domain::{Invalid, Permission, event::EventTypes};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context::RequestContext;
use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::paths;

/// The endpoints of `org`.
#[server(prefix = "/api", endpoint = "webhooks")]
pub async fn webhooks(org: OrgSlug) -> Result<WebhooksView, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::SeeSecurity)?;
            directory::webhooks::view(&request.db, request.signed_in()?, scope, &request.public_url, &request.call).await
        }
        .await,
    )
}

/// An endpoint with a page of its deliveries: all, or those that stand like this.
#[server(prefix = "/api", endpoint = "webhook")]
pub async fn webhook(
    org: OrgSlug,
    endpoint: WebhookEndpointId,
    status: Option<DeliveryStatus>,
    before: Option<DeliveryId>,
) -> Result<EndpointPageView, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::SeeSecurity)?;
            let (db, viewer, url) = (&request.db, request.signed_in()?, &request.public_url);
            let part = directory::webhooks::Part { status, before };
            directory::webhooks::endpoint(db, viewer, scope, endpoint, part, url, &request.call).await
        }
        .await,
    )
}

/// One delivery: what is sent, and what came of each attempt.
#[server(prefix = "/api", endpoint = "webhook_delivery")]
pub async fn webhook_delivery(org: OrgSlug, endpoint: WebhookEndpointId, delivery: DeliveryId) -> Result<DeliveryPageView, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::SeeSecurity)?;
            directory::webhooks::delivery(&request.db, request.signed_in()?, scope, endpoint, delivery, &request.call).await
        }
        .await,
    )
}

/// Make an endpoint that is told of `all` events, or of these `types`; where nothing is said of `all`, naming none means all. The answer holds its secret, this once.
#[server(prefix = "/api", endpoint = "create_webhook")]
pub async fn create_webhook(
    org: OrgSlug,
    name: String,
    url: String,
    format: EndpointFormat,
    all: Option<bool>,
    #[server(default)] types: Vec<EventType>,
    password: Option<String>,
) -> Result<IssuedEndpoint, AppError> {
    let request = RequestContext::current();
    request.no_store();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageSecurity)?;
            request.take_password(password).await?;
            let wanted = directory::webhooks::Wanted { name, url, types: chosen(all, types)? };
            let draft = directory::webhooks::Draft { wanted, format };
            directory::webhooks::create(&request.db, &request.keys, &request.targets, request.signed_in()?, scope, &draft, &request.call)
                .await
        }
        .await,
    )
}

/// Change an endpoint's name, address and choice of events, which is said as in [`create_webhook`]. A form's boxes are called `types[]`.
#[server(prefix = "/api", endpoint = "change_webhook")]
pub async fn change_webhook(
    org: OrgSlug,
    endpoint: WebhookEndpointId,
    name: String,
    url: String,
    all: Option<bool>,
    #[server(default)] types: Vec<EventType>,
    password: Option<String>,
) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageSecurity)?;
            request.take_password(password).await?;
            let wanted = directory::webhooks::Wanted { name, url, types: chosen(all, types)? };
            directory::webhooks::change(&request.db, &request.targets, request.signed_in()?, scope, endpoint, &wanted, &request.call).await
        }
        .await,
    )
}

/// Rotate an endpoint's secret. The answer holds the new one, this once; the old one signs, too, until it retires.
#[server(prefix = "/api", endpoint = "rotate_webhook_secret")]
pub async fn rotate_webhook_secret(
    org: OrgSlug,
    endpoint: WebhookEndpointId,
    retire: String,
    password: Option<String>,
) -> Result<IssuedEndpoint, AppError> {
    let request = RequestContext::current();
    request.no_store();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageSecurity)?;
            request.take_password(password).await?;
            directory::webhooks::rotate(&request.db, &request.keys, request.signed_in()?, scope, endpoint, &retire, &request.call).await
        }
        .await,
    )
}

/// Switch an endpoint on or off.
#[server(prefix = "/api", endpoint = "enable_webhook")]
pub async fn enable_webhook(org: OrgSlug, endpoint: WebhookEndpointId, on: bool) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageSecurity)?;
            directory::webhooks::set_enabled(&request.db, request.signed_in()?, scope, endpoint, on, &request.call).await
        }
        .await,
    )
}

/// Delete an endpoint, with what waits for it.
#[server(prefix = "/api", endpoint = "delete_webhook")]
pub async fn delete_webhook(org: OrgSlug, endpoint: WebhookEndpointId, password: Option<String>) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageSecurity)?;
            request.take_password(password).await?;
            directory::webhooks::delete(&request.db, request.signed_in()?, scope, endpoint, &request.call).await
        }
        .await,
    )?;
    leptos_axum::redirect(&paths::webhooks(&org));
    Ok(())
}

/// Send a test to an endpoint.
#[server(prefix = "/api", endpoint = "test_webhook")]
pub async fn test_webhook(org: OrgSlug, endpoint: WebhookEndpointId) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageSecurity)?;
            directory::webhooks::send_test(&request.db, request.signed_in()?, scope, endpoint, &request.call).await
        }
        .await,
    )
}

/// Send a delivery again, or all that were given up; how many that are.
#[server(prefix = "/api", endpoint = "replay_webhook")]
pub async fn replay_webhook(org: OrgSlug, endpoint: WebhookEndpointId, delivery: Option<DeliveryId>) -> Result<u64, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageSecurity)?;
            directory::webhooks::replay(&request.db, request.signed_in()?, scope, endpoint, delivery, &request.call).await
        }
        .await,
    )
}

/// What a form chose: its boxes count unless all events are wanted, and then one at least has to be ticked.
#[cfg(feature = "ssr")]
fn chosen(all: Option<bool>, types: Vec<EventType>) -> Result<EventTypes, directory::Error> {
    match all {
        Some(true) => Ok(EventTypes::default()),
        Some(false) if types.is_empty() => Err(Invalid::new("types", "Tick at least one event, or choose all of them.").into()),
        _ => Ok(types.into_iter().collect()),
    }
}
