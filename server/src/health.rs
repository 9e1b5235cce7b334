//! What an orchestrator asks.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::StatusCode;

use crate::{startup, state::AppState};

/// `/healthz`: the process answers.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// `/readyz`: the database answers, and its schema is the one that this program knows.
pub(crate) async fn ready(State(state): State<AppState>) -> Response {
    match startup::pending_migrations(&state.db).await {
        Ok(0) => "ready\n".into_response(),
        Ok(pending) => {
            (StatusCode::SERVICE_UNAVAILABLE, format!("{pending} migrations are pending: run `rollcall migrate`\n")).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database cannot be reached\n").into_response()
        }
    }
}
