//! Pages and server functions, handed their request.

use std::time::Duration;

use app::context::RequestContext;
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use leptos::{nonce::use_nonce, prelude::*};
use leptos_axum::ResponseOptions;

use crate::{security::page_policy, state::AppState};

/// How long a page is waited for before it is begun anew. What it reads takes milliseconds, a few tenths of a second at a hundred thousand
/// people. Where one thread waits for what another finishes, the notice of it is lost now and then, and the page never comes to its end
/// (leptos issues 4578, 4673, 4851).
const PATIENCE: Duration = Duration::from_secs(3);

/// Render a page; once more, if it does not come to its end: looking at a page changes nothing.
pub(crate) async fn page(State(state): State<AppState>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    let again = || Request::from_parts(parts.clone(), Body::empty());
    for _ in 0..2 {
        match tokio::time::timeout(PATIENCE, render(&state, again())).await {
            Ok(page) => return page,
            Err(_) => tracing::warn!("a page has hung, and is rendered anew"),
        }
    }
    render(&state, again()).await
}

/// Render a page, to its end.
async fn render(state: &AppState, request: Request) -> Response {
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
    let (parts, body) = render(request).await.into_parts();
    match to_bytes(body, usize::MAX).await {
        Ok(whole) => Response::from_parts(parts, Body::from(whole)),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            let sentence = "Something went wrong on our side. The server's log has the details.";
            (StatusCode::INTERNAL_SERVER_ERROR, sentence).into_response()
        }
    }
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
