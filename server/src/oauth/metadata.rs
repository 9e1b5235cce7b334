//! What a client can find out about us by itself (RFC 8414).

use axum::{Json, extract::State};
use serde_json::{Value, json};

use crate::state::AppState;

/// The kind of grant by which a device asks whether it was let in (RFC 8628 §3.4).
pub(crate) const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// `GET /.well-known/oauth-authorization-server`
pub(super) async fn metadata(State(state): State<AppState>) -> Json<Value> {
    let issuer = state.public_url();
    let services = ["client_secret_basic", "Bearer"];
    Json(json!({
        "issuer": issuer,
        "device_authorization_endpoint": format!("{issuer}/oauth/device_authorization"),
        "token_endpoint": format!("{issuer}/oauth/token"),
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint": format!("{issuer}/oauth/revoke"),
        "revocation_endpoint_auth_methods_supported": ["none"],
        "introspection_endpoint": format!("{issuer}/oauth/introspect"),
        "introspection_endpoint_auth_methods_supported": services,
        "grant_types_supported": [DEVICE_GRANT, "refresh_token"],
        // Nobody is sent here by a redirect.
        "response_types_supported": [],
        "scopes_supported": domain::oauth::Scope::ALL.map(domain::oauth::Scope::as_str),
    }))
}
