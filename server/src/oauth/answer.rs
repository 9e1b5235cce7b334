//! How a failure is told to a program (RFC 6749 §5.2, RFC 6750 §3).

use axum::{
    Json,
    response::{IntoResponse, Response},
};
use directory::{Error, oauth::Refusal};
use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::rate_limit::whole_seconds;

/// Why a program does not get what it asked for.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The client gets no token.
    Refused(Refusal),
    /// The form is not one.
    InvalidRequest(&'static str),
    /// The service's credential is not good.
    NoService,
    /// No person's token came along.
    NoCredential,
    /// The person's token is not good.
    NoToken,
    /// The person's token is not for this.
    InsufficientScope(&'static str),
    /// There is no such endpoint.
    NotFound,
    /// Not in this way.
    MethodNotAllowed,
    /// Too often; seconds to wait.
    TooMany(u64),
    /// Not now.
    Unavailable,
    /// Our fault.
    Internal,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused(refusal) => Self::Refused(refusal),
            Error::Throttled { retry_after } => Self::TooMany(whole_seconds(retry_after)),
            Error::Unavailable(why) => {
                tracing::error!(%why, "the database could not be asked");
                Self::Unavailable
            }
            other => {
                tracing::error!(error = %other, "a request of a program failed");
                Self::Internal
            }
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, code, sentence) = match &self {
            Self::Refused(refusal) => (StatusCode::BAD_REQUEST, refusal.code.as_str(), refusal.sentence),
            Self::InvalidRequest(sentence) => (StatusCode::BAD_REQUEST, "invalid_request", *sentence),
            Self::NoService => (StatusCode::UNAUTHORIZED, "invalid_client", "Send a service credential of your organisation."),
            Self::NoCredential => (StatusCode::UNAUTHORIZED, "invalid_request", "Send an access token or a personal token."),
            Self::NoToken => (StatusCode::UNAUTHORIZED, "invalid_token", "The token is not good, or not any more."),
            Self::InsufficientScope(_) => (StatusCode::FORBIDDEN, "insufficient_scope", "The token was not issued for this."),
            Self::NotFound => (StatusCode::NOT_FOUND, "not_found", "There is no such endpoint."),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This endpoint has another method."),
            Self::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "slow_down", "Too many requests. Wait for as long as Retry-After says."),
            Self::Unavailable => {
                (StatusCode::SERVICE_UNAVAILABLE, "temporarily_unavailable", "Not at the moment. Nothing is known to have been done.")
            }
            Self::Internal => (StatusCode::INTERNAL_SERVER_ERROR, "server_error", "Something went wrong on our side. Nothing was changed."),
        };
        let mut response = answer(status, json!({ "error": code, "error_description": sentence }));
        let headers = response.headers_mut();
        match self {
            Self::NoService => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"rollcall\", Bearer realm=\"rollcall\""));
            }
            // Who sent nothing did nothing wrong: the challenge names no error (RFC 6750 §3.1).
            Self::NoCredential => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"rollcall\""));
            }
            Self::NoToken => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"rollcall\", error=\"invalid_token\""));
            }
            Self::InsufficientScope(scope) => {
                let challenge = format!("Bearer realm=\"rollcall\", error=\"insufficient_scope\", scope=\"{scope}\"");
                if let Ok(value) = HeaderValue::from_str(&challenge) {
                    headers.insert(header::WWW_AUTHENTICATE, value);
                }
            }
            Self::TooMany(seconds) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
            }
            Self::Unavailable => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
            }
            _ => {}
        }
        response
    }
}

/// A JSON answer that nobody keeps (RFC 6749 §5.1).
pub(crate) fn answer(status: StatusCode, body: Value) -> Response {
    (status, [(header::CACHE_CONTROL, "no-store"), (header::PRAGMA, "no-cache")], Json(body)).into_response()
}
