//! Every route, and the layers in front of it.

use std::time::Duration;

use axum::{
    Router,
    extract::Request,
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{StatusCode, header};
use tower::Layer;
use tower_http::{catch_panic::CatchPanicLayer, compression::CompressionLayer, timeout::TimeoutLayer};

use crate::{
    api, assets, exports, health, oauth, pages, receipts, request, scim_api, security, session,
    state::AppState,
    surface::{Demand, Surface},
    webhooks,
};

/// The longest that a page or a form may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// What programs can reach: every route, and what it demands.
pub fn surface(state: &AppState) -> Surface {
    Surface::default()
        .at("/healthz", Demand::Nothing, get(health::alive))
        .at("/readyz", Demand::Nothing, get(health::ready))
        .and(scim_api::routes(state).below("/scim"))
        .and(oauth::routes(state))
        .and(api::routes())
        .and(webhooks::routes())
}

/// The whole server.
pub fn router(state: AppState) -> Router {
    let mut console = Router::new();
    for route in leptos_axum::generate_route_list(app::App) {
        let page = get(pages::page);
        let page = match state.anonymous_calls.of_page(route.path()) {
            Some(limit) => page.layer(limit),
            None => page,
        };
        console = console.route(route.path(), page);
    }
    for (path, limit) in state.anonymous_calls.below("/api/") {
        console = console.route(path, post(pages::server_fn).layer(limit));
    }
    let console = console
        .route("/api/{name}", post(pages::server_fn))
        .route("/o/{org}/receipts/{file}", get(receipts::download))
        .route("/o/{org}/activity.csv", get(exports::activity_csv))
        .route("/o/{org}/audit.csv", get(exports::audit_csv))
        .route("/o/{org}/audit.jsonl", get(exports::audit_jsonl))
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

    let routes = surface(&state)
        .into_router()
        .merge(assets::routes(&state.site_dir))
        .fallback_service(console.with_state(state.clone()))
        .layer(CatchPanicLayer::custom(|_| internal()))
        .layer(from_fn_with_state(state.clone(), security::headers))
        .layer(from_fn_with_state(state.clone(), request::identify))
        .with_state(state);
    // Around the router, not a layer of it: those run before it has its say.
    Router::new().fallback_service(from_fn(without_methods).layer(routes))
}

/// A router says of whatever a route answers to a method that it does not have which methods there are. That is for a 405: whoever has no
/// token hears the same of every route (law 1).
async fn without_methods(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.status() != StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().remove(header::ALLOW);
    }
    response
}

/// A panic is our fault and nobody else's business. The SCIM endpoints have an answer of their own.
fn internal() -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong on our side. The server's log has the details.").into_response()
}
