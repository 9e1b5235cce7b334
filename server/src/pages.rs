//! Pages and server functions, handed their request.

use app::context::RequestContext;
use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::header;
use leptos::{nonce::use_nonce, prelude::*};
use leptos_axum::ResponseOptions;

use crate::{security::page_policy, state::AppState};

/// Render a page.
pub(crate) async fn page(State(state): State<AppState>, request: Request) -> Response {
    let context = request.extensions().get::<RequestContext>().cloned();
    let options = state.leptos.clone();
    let provide = move || {
        if let Some(context) = &context {
            provide_context(context.clone());
        }
        let policy = use_nonce().and_then(|nonce| page_policy(&nonce));
        if let (Some(policy), Some(response)) = (policy, use_context::<ResponseOptions>()) {
            response.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
    };
    let render = leptos_axum::render_app_async_with_context(provide, move || app::shell(options.clone()));
    render(request).await
}

/// Call a server function.
pub(crate) async fn server_fn(request: Request) -> Response {
    let context = request.extensions().get::<RequestContext>().cloned();
    let provide = move || {
        if let Some(context) = &context {
            provide_context(context.clone());
        }
    };
    leptos_axum::handle_server_fns_with_context(provide, request).await.into_response()
}
