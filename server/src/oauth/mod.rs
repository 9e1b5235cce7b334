//! The authorization server's endpoints: devices, tokens, introspection. Every answer is JSON, whichever layer gives it.

mod answer;
mod endpoints;
mod form;
mod metadata;

use std::time::Duration;

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};

pub(crate) use answer::{Failure, answer};
pub(crate) use endpoints::Caller;
pub(crate) use metadata::DEVICE_GRANT;

use crate::state::AppState;

/// The longest that a question may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The largest request: a form with a token or two.
const LARGEST: usize = 16 * 1024;

/// The routes at `/oauth` and `/.well-known`.
pub(crate) fn routes(state: &AppState) -> Router<AppState> {
    let oauth = Router::new()
        .route("/device_authorization", post(endpoints::device_authorization).layer(state.device_requests.layer()))
        .route("/token", post(endpoints::token))
        .route("/revoke", post(endpoints::revoke))
        .route("/introspect", post(endpoints::introspect))
        .fallback(|| async { Failure::NotFound })
        .method_not_allowed_fallback(|| async { Failure::MethodNotAllowed });
    Router::new().nest("/oauth", in_json(oauth)).route("/.well-known/oauth-authorization-server", get(metadata::metadata))
}

/// What the endpoints for programs have in common: small requests, a limit of time, failures in JSON.
pub(crate) fn in_json(routes: Router<AppState>) -> Router<AppState> {
    routes
        .layer(DefaultBodyLimit::max(LARGEST))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIMEOUT))
        .layer(middleware::from_fn(with_body))
        .layer(CatchPanicLayer::custom(|_| Failure::Internal.into_response()))
}

/// A layer that answers for itself (a timeout, a limit) says nothing that a program could read.
async fn with_body(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let silent = !response.headers().get(http::header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
    match response.status() {
        StatusCode::SERVICE_UNAVAILABLE if silent => Failure::Unavailable.into_response(),
        StatusCode::TOO_MANY_REQUESTS if silent => Failure::TooMany.into_response(),
        _ => response,
    }
}
