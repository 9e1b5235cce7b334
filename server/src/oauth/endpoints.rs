//! The endpoints below `/oauth`: each reads a form, asks the use case, and says what came of it.

use axum::{
    Extension,
    extract::{FromRequestParts, State},
    response::Response,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use directory::{
    Call, Error,
    oauth::{
        Code, Refusal, TokenSet,
        acting::Bearer,
        device,
        guesses::By,
        introspection::{self, Service},
        tokens,
    },
};
use http::{StatusCode, header, request::Parts};
use serde_json::{Value, json};

use super::{
    answer::{Failure, answer},
    form::Form,
    metadata::DEVICE_GRANT,
    refused, shown_to,
};
use crate::state::AppState;

/// `POST /oauth/device_authorization` (RFC 8628 §3.1).
pub(super) async fn device_authorization(
    State(state): State<AppState>,
    Extension(call): Extension<Call>,
    form: Form,
) -> Result<Response, Failure> {
    let client = form.needed("client_id", "Send your client_id.")?;
    let asked = device::authorize(&state.db, client, form.get("scope").unwrap_or_default(), &call).await?;
    let page = format!("{}{}", state.public_url(), app::paths::DEVICE);
    Ok(answer(
        StatusCode::OK,
        json!({
            "device_code": asked.device_code,
            "user_code": asked.user_code,
            "verification_uri": page,
            "verification_uri_complete": format!("{page}?code={}", asked.user_code),
            "expires_in": asked.expires_in.as_secs(),
            "interval": asked.interval.as_secs(),
        }),
    ))
}

/// `POST /oauth/token` (RFC 6749 §3.2, RFC 8628 §3.4).
pub(super) async fn token(State(state): State<AppState>, Extension(call): Extension<Call>, form: Form) -> Result<Response, Failure> {
    let grant = form.needed("grant_type", "Say what you have: send a grant_type.")?;
    let client = form.needed("client_id", "Send your client_id.")?;
    let tokens = match grant {
        DEVICE_GRANT => {
            let code = form.needed("device_code", "Send the device_code that you were given.")?;
            tokens::redeem(&state.db, client, code, &call).await.map_err(|error| not_granted(&state, code, error, &call))?
        }
        "refresh_token" => {
            let token = form.needed("refresh_token", "Send the refresh_token that you were given last.")?;
            let next = tokens::refresh(&state.db, client, token, form.get("scope"), &call).await;
            next.map_err(|error| not_granted(&state, token, error, &call))?
        }
        _ => {
            let sentence = "We give tokens to devices that a person let in, and for refresh tokens.";
            return Err(Failure::Refused(Refusal { code: Code::UnsupportedGrantType, sentence }));
        }
    };
    let expires_in = tokens.expires_in();
    let TokenSet { access_token, refresh_token, scopes } = tokens;
    Ok(answer(
        StatusCode::OK,
        json!({
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": expires_in,
            "refresh_token": refresh_token,
            "scope": scopes.to_string(),
        }),
    ))
}

/// A code or token that gets no tokens: one that is not good counts as a failure; one that nobody has answered yet does not.
fn not_granted(state: &AppState, shown: &str, error: Error, call: &Call) -> Failure {
    match error {
        Error::Refused(refusal) if refusal.code == Code::InvalidGrant => refused(state, shown, Failure::Refused(refusal), call),
        other => other.into(),
    }
}

/// `POST /oauth/revoke` (RFC 7009). A token that is not there has ended: that is no error (§2.2).
pub(super) async fn revoke(State(state): State<AppState>, Extension(call): Extension<Call>, form: Form) -> Result<Response, Failure> {
    let token = form.needed("token", "Send the token that is to end.")?;
    tokens::revoke(&state.db, token, &call).await?;
    // If it was the right one, it has ended by now: whoever knows no more than its id is told of.
    state.floods.count_secret(token, By::Revocation, &call);
    Ok(answer(StatusCode::OK, json!({})))
}

/// `POST /oauth/introspect` (RFC 7662).
pub(super) async fn introspect(
    State(state): State<AppState>,
    Extension(call): Extension<Call>,
    Caller(service): Caller,
    form: Form,
) -> Result<Response, Failure> {
    let token = form.needed("token", "Send the token that you were shown.")?;
    let found = introspection::introspect(&state.db, service, token, &call).await?;
    if found.is_none() {
        shown_to(&state, service, token, &call);
    }
    Ok(answer(StatusCode::OK, found.map_or_else(|| json!({ "active": false }), |bearer| described(&bearer, state.public_url()))))
}

/// What a token stands for, in the words of RFC 7662 §2.2 and some of ours: `org`, `role`, `teams`, `agents`.
fn described(bearer: &Bearer, issuer: &str) -> Value {
    let seconds = |moment: domain::Timestamp| moment.as_micros().div_euclid(1_000_000);
    let mut described = json!({
        "active": true,
        "iss": issuer,
        "sub": bearer.subject,
        "username": bearer.name,
        "token_type": "Bearer",
        "scope": bearer.scopes.to_string(),
        "iat": seconds(bearer.issued_at),
        "exp": seconds(bearer.expires_at),
        "org": { "id": bearer.scope.org(), "slug": bearer.org_slug, "name": bearer.org_name },
        "role": bearer.role.as_str(),
        "teams": crate::api::teams(bearer),
        "agents": bearer.agents.iter().map(|agent| json!({ "id": agent.id, "name": agent.name })).collect::<Vec<_>>(),
    });
    if let Some(client) = &bearer.client {
        described["client_id"] = client.clone().into();
    }
    described
}

/// A service that asks: its credential as a password (RFC 6749 §2.3.1, the credential's id or nothing as the name) or as a bearer
/// token (RFC 7662 §2.1).
pub(crate) struct Caller(pub(crate) Service);

impl FromRequestParts<AppState> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Failure> {
        let call = parts.extensions.get::<Call>().cloned().ok_or(Failure::Internal)?;
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).ok_or(Failure::NoService)?;
        let (scheme, rest) = header.split_once(' ').ok_or(Failure::NoService)?;
        let (named, secret) = if scheme.eq_ignore_ascii_case("bearer") {
            (None, rest.trim().to_owned())
        } else if scheme.eq_ignore_ascii_case("basic") {
            let pair = STANDARD.decode(rest.trim()).ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or(Failure::NoService)?;
            let (name, secret) = pair.split_once(':').ok_or(Failure::NoService)?;
            (Some(name.to_owned()).filter(|name| !name.is_empty()), secret.to_owned())
        } else {
            return Err(Failure::NoService);
        };
        match introspection::authenticate(&state.db, named.as_deref(), &secret, &call).await {
            Ok(service) => Ok(Self(service)),
            Err(Error::Unauthenticated) => Err(refused(state, &secret, Failure::NoService, &call)),
            Err(other) => Err(other.into()),
        }
    }
}
