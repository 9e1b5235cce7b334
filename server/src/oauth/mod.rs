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
use directory::{
    Call, afterwards,
    failed_attempts::Attempts,
    oauth::{
        guesses::{self, By, Shown},
        introspection::Service,
    },
};
use http::StatusCode;
use tower_http::{catch_panic::CatchPanicLayer, timeout::TimeoutLayer};

pub(crate) use answer::{Failure, answer};
pub(crate) use endpoints::Caller;
pub(crate) use metadata::DEVICE_GRANT;

use crate::{
    rate_limit::{known, whole_seconds},
    state::AppState,
    surface::{Demand, Surface},
};

/// The longest that a question may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// The largest request: a form with a token or two.
const LARGEST: usize = 16 * 1024;

/// The routes at `/oauth` and `/.well-known`.
pub(crate) fn routes(state: &AppState) -> Surface {
    let limit = |path| state.anonymous_calls.layer(path);
    let oauth = Surface::default()
        .at("/device_authorization", Demand::Nothing, post(endpoints::device_authorization).layer(limit("/oauth/device_authorization")))
        .at("/token", Demand::Grant, post(endpoints::token))
        .at("/revoke", Demand::Grant, post(endpoints::revoke).layer(limit("/oauth/revoke")))
        .at("/introspect", Demand::ServiceCredential, post(endpoints::introspect))
        .with(in_json)
        .below("/oauth");
    oauth.at("/.well-known/oauth-authorization-server", Demand::Nothing, get(metadata::metadata))
}

/// A credential that is not good, from the client of this call: one too many for its address is answered so, and any other as `why`
/// says; the organisation that it names hears of it after the answer.
pub(crate) fn refused(state: &AppState, text: &str, why: Failure, call: &Call) -> Failure {
    let ip = call.ip.as_deref().and_then(|ip| ip.parse().ok());
    if let Err(wait) = state.api_failures.check(ip) {
        state.floods.count_secret(text, By::Program, call);
        return Failure::TooMany(whole_seconds(wait));
    }
    if let Some(shown) = Shown::read(text) {
        let (db, floods, call) = (state.db.clone(), state.floods.clone(), call.clone());
        // Which organisation it is about is not known yet.
        let whose = afterwards::about(known(ip));
        let attempt = Attempts::one(call.ip.clone(), call.now);
        let (lost, lost_call) = (text.to_owned(), call.clone());
        state.afterwards.note_or(
            whose,
            async move { guesses::note_failures(&db, &shown, By::Program, &attempt, &call).await },
            move || floods.count_secret(&lost, By::Program, &lost_call),
        );
    }
    why
}

/// A service was shown a token that is not good, and asks about it: whose it is, or was, hears of it within a minute. Services ask
/// often, so that is counted first.
pub(crate) fn shown_to(state: &AppState, service: Service, token: &str, call: &Call) {
    state.floods.count_secret(token, By::Service(service.org()), call);
}

/// What the endpoints for programs have in common: small requests, a limit of time, failures in JSON.
pub(crate) fn in_json(routes: Router<AppState>) -> Router<AppState> {
    routes
        .fallback(|| async { Failure::NotFound })
        .method_not_allowed_fallback(|| async { Failure::MethodNotAllowed })
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
        StatusCode::TOO_MANY_REQUESTS if silent => {
            let seconds = response.headers().get(http::header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
            Failure::TooMany(seconds.unwrap_or(60)).into_response()
        }
        _ => response,
    }
}
