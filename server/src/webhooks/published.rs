//! What receivers of Security Event Tokens find out about us by themselves.

use axum::{Json, extract::State, routing::get};
use serde_json::{Value, json};

use super::signer::jwks;
use crate::{
    state::AppState,
    surface::{Demand, Surface},
};

/// The routes at `/.well-known`.
pub(crate) fn routes() -> Surface {
    Surface::default().at("/.well-known/jwks.json", Demand::Nothing, get(keys)).at(
        "/.well-known/ssf-configuration",
        Demand::Nothing,
        get(configuration),
    )
}

/// The keys that tokens are signed with (RFC 7517).
async fn keys(State(state): State<AppState>) -> Json<Value> {
    Json(jwks(&state.keys))
}

/// Who sends them, and how (OpenID Shared Signals Framework 1.0 §7.1). Streams are made in the console, not by an API.
async fn configuration(State(state): State<AppState>) -> Json<Value> {
    let issuer = state.public_url();
    Json(json!({
        "spec_version": "1_0",
        "issuer": issuer,
        "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
        "delivery_methods_supported": ["urn:ietf:rfc:8935"],
    }))
}
