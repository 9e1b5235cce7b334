//! The SCIM endpoints. Every answer is SCIM JSON, whichever layer gives it.

mod activity;
mod answer;
mod body;
mod bulk;
mod caller;
mod discovery;
mod groups;
mod lists;
mod represent;
mod stream;
mod users;

use std::time::Duration;

use axum::{
    extract::Request,
    middleware::{self, Next},
    response::Response,
    routing::{any, get, post},
};
use http::{StatusCode, Uri};
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};

use crate::{
    state::AppState,
    surface::{Demand, Surface},
};
use answer::ScimRejection;
use caller::Caller;

/// Identity providers give up after 60 s (Okta); what takes longer than this is rolled back and answered with a 503.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The same for a Bulk, whose operations are a transaction each: those that were carried out stay.
const TIMEOUT_OF_BULK: Duration = Duration::from_secs(300);

/// The routes below `/scim`. Each handler, and each fallback, takes a [`Caller`]: nothing answers without a token.
pub(crate) fn routes(state: &AppState) -> Surface {
    let token = Demand::ProvisioningToken;
    let timeout = |limit| TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, limit);
    let bulk = Surface::default()
        .at("/{org}/v2/Bulk", token, post(bulk::bulk))
        .with(|bulk| bulk.method_not_allowed_fallback(method_not_allowed).layer(timeout(TIMEOUT_OF_BULK)));
    Surface::default()
        .at("/{org}/v2/ServiceProviderConfig", token, get(discovery::service_provider_config))
        .at("/{org}/v2/ResourceTypes", token, get(discovery::resource_types))
        .at("/{org}/v2/ResourceTypes/{name}", token, get(discovery::resource_type))
        .at("/{org}/v2/Schemas", token, get(discovery::schemas))
        .at("/{org}/v2/Schemas/{urn}", token, get(discovery::schema))
        .at("/{org}/v2/Me", token, any(discovery::me))
        .at("/{org}/v2", token, get(lists::root))
        .at("/{org}/v2/", token, get(lists::root))
        .at("/{org}/v2/.search", token, post(lists::search_root))
        .at("/{org}/v2/Users/.search", token, post(lists::search_users))
        .at("/{org}/v2/Groups/.search", token, post(lists::search_groups))
        .at("/{org}/v2/Users", token, get(lists::users).post(users::create))
        .at("/{org}/v2/Users/{id}", token, get(users::get).put(users::replace).patch(users::patch).delete(users::delete))
        .at("/{org}/v2/Groups", token, get(lists::groups).post(groups::create))
        .at("/{org}/v2/Groups/{id}", token, get(groups::get).put(groups::replace).patch(groups::patch).delete(groups::delete))
        .with(|routes| routes.fallback(not_found).method_not_allowed_fallback(method_not_allowed).layer(timeout(TIMEOUT)))
        .and(bulk)
        .with(|routes| {
            routes
                .layer(middleware::from_fn(with_body))
                // Inside, so that a request that ended in a panic is noted as well; outside for what notes it.
                .layer(CatchPanicLayer::custom(|_| ScimRejection::from(scim::Error::internal()).into_plain_response()))
                .layer(middleware::from_fn_with_state(state.clone(), activity::record))
                .layer(CatchPanicLayer::custom(|_| ScimRejection::from(scim::Error::internal()).into_plain_response()))
        })
}

async fn not_found(_: Caller, uri: Uri) -> ScimRejection {
    // Below /scim: "/{org}/v1/…".
    let version = uri.path().split('/').nth(2).and_then(|segment| segment.strip_prefix('v'));
    match version {
        Some(number) if number != "2" && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            scim::Error::invalid_vers("This is version 2 of the protocol: the base URL ends in /v2.").into()
        }
        _ => scim::Error::not_found("endpoint").into(),
    }
}

async fn method_not_allowed(_: Caller) -> ScimRejection {
    scim::Error::method_not_allowed().into()
}

/// A layer that answers for itself (a timeout) gives a status and no body: it gets SCIM's.
async fn with_body(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    if response.status() == StatusCode::SERVICE_UNAVAILABLE && !response.headers().contains_key(http::header::CONTENT_TYPE) {
        return ScimRejection::from(scim::Error::unavailable()).into_plain_response();
    }
    response
}
