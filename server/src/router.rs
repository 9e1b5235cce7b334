//! Every route, and the layers in front of it.

use std::time::Duration;

use axum::{
    Router,
    middleware::from_fn_with_state,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::StatusCode;
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer, timeout::TimeoutLayer};

use crate::{api, assets, exports, health, oauth, pages, receipts, request, scim_api, security, session, state::AppState, webhooks};

/// The longest that a page or a form may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Calls that anybody can make and that cost a password hash, a mail or a guess.
const ANONYMOUS: [&str; 8] = [
    "/api/sign_in",
    "/api/sign_in_code",
    "/api/sign_in_offer",
    "/api/sign_in_set_up",
    "/api/found",
    "/api/activate",
    "/api/ask_reset",
    "/api/reset_password",
];

/// The whole server.
pub fn router(state: AppState) -> Router {
    let mut console = Router::new();
    for route in leptos_axum::generate_route_list(app::App) {
        console = console.route(route.path(), get(pages::page));
    }
    let limited = state.anonymous_calls.layer();
    for path in ANONYMOUS {
        console = console.route(path, post(pages::server_fn).layer(limited.clone()));
    }
    let console = console
        .route("/api/{name}", post(pages::server_fn))
        .route("/o/{org}/receipts/{file}", get(receipts::download))
        .route("/o/{org}/activity.csv", get(exports::activity_csv))
        // The gate leads on from these.
        .route("/", get(|| async {}))
        .route(app::paths::DEVICE, get(|| async {}))
        // Signed in or not, what is not there looks the same.
        .fallback(pages::page)
        .layer(from_fn_with_state(state.clone(), session::gate))
        .layer(session::layer(&state))
        .layer(from_fn_with_state(state.clone(), security::same_origin))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, TIMEOUT))
        .layer(CompressionLayer::new());

    Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .nest("/scim", scim_api::routes(&state))
        .merge(oauth::routes(&state))
        .merge(api::routes())
        .merge(webhooks::routes())
        .merge(assets::routes(&state.site_dir))
        .fallback_service(console.with_state(state.clone()))
        .layer(CatchPanicLayer::custom(|_| internal()))
        .layer(from_fn_with_state(state.clone(), security::headers))
        .layer(from_fn_with_state(state.clone(), request::identify))
        .with_state(state)
}

/// A panic is our fault and nobody else's business. The SCIM endpoints have an answer of their own.
fn internal() -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side. The server's log has the details.").into_response()
}
