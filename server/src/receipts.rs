//! The receipt of an offboarding, as a file. Its shape is in docs/receipts.md.

use app::{context::RequestContext, error::AppError};
use axum::{
    Extension, Json,
    extract::{Path, Request, State},
    response::{IntoResponse, Response},
};
use directory::Error;
use domain::{OrgSlug, Permission, ReceiptId, Timestamp, receipt::code_of, view::ReceiptView};
use http::header;
use serde_json::{Value, json};

use crate::{pages, state::AppState};

/// `GET /o/{org}/receipts/{id}.json`. What is no receipt's address is a page that is not there.
pub(crate) async fn download(
    State(state): State<AppState>,
    Extension(context): Extension<RequestContext>,
    Path((org, file)): Path<(String, String)>,
    request: Request,
) -> Response {
    let id = file.strip_suffix(".json").and_then(|id| id.parse::<ReceiptId>().ok());
    let (Some(id), Ok(org)) = (id, OrgSlug::try_from(org)) else { return pages::page(State(state), request).await };
    match receipt(&context, &org, id).await {
        Ok(view) => {
            let name = format!("attachment; filename=\"offboarding-receipt-{id}.json\"");
            ([(header::CONTENT_DISPOSITION, name), (header::CACHE_CONTROL, "no-store".to_owned())], Json(shape(&view, &org)))
                .into_response()
        }
        Err(error) => {
            let error = AppError::from(error);
            (error.status(), error.to_string()).into_response()
        }
    }
}

async fn receipt(context: &RequestContext, org: &OrgSlug, id: ReceiptId) -> Result<ReceiptView, Error> {
    let scope = context.in_org(org, Permission::SeeAudit)?;
    directory::receipts::view(&context.db, context.signed_in()?, scope, None, id, &context.call).await
}

fn shape(view: &ReceiptView, org: &OrgSlug) -> Value {
    let micros = |later: Timestamp| u64::try_from(later.since(view.arrived_at).as_micros()).unwrap_or(u64::MAX);
    let ended = view.ended.iter().map(|(kind, count)| json!({ "kind": code_of(kind), "count": count }));
    let secrets = view.secrets.iter().map(|secret| {
        let (state, at) = secret.state.code();
        let known = &secret.known;
        json!({
            "kind": known.secret.code(), "id": known.secret.id(), "name": known.name, "hint": known.hint,
            "state": state, "state_at": at.map(Timestamp::to_rfc3339),
        })
    });
    json!({
        "receipt": view.id,
        "organisation": { "slug": org, "name": view.org_name },
        "person": { "member": view.member, "name": view.name, "user_name": view.user_name, "email": view.email },
        "cause": view.cause.code(),
        "ended_by": view.actor,
        "request_id": view.request_id,
        "arrived_at": view.arrived_at.to_rfc3339(),
        "ended_at": view.ended_at.to_rfc3339(),
        "ended_after_micros": micros(view.ended_at),
        "answered": view.answered.as_ref().map(|answered| json!({
            "at": answered.at.to_rfc3339(), "after_micros": micros(answered.at), "method": answered.method, "status": answered.status,
        })),
        "ended": ended.collect::<Vec<_>>(),
        "secrets": secrets.collect::<Vec<_>>(),
        "read_at": view.now.to_rfc3339(),
    })
}
