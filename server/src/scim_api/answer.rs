//! SCIM's answers, and the one translation of errors into them.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

/// The media type of every answer, errors among them (RFC 7644 §8.1).
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/scim+json");

/// A successful answer.
pub(crate) struct ScimResponse {
    status: StatusCode,
    location: Option<String>,
    body: Option<Value>,
}

impl ScimResponse {
    /// 200 and a body.
    pub(crate) fn ok(body: Value) -> Self {
        Self { status: StatusCode::OK, location: None, body: Some(body) }
    }

    /// 201, a body, and where the new resource is.
    pub(crate) fn created(location: String, body: Value) -> Self {
        Self { status: StatusCode::CREATED, location: Some(location), body: Some(body) }
    }

    /// 204.
    pub(crate) fn no_content() -> Self {
        Self { status: StatusCode::NO_CONTENT, location: None, body: None }
    }
}

impl IntoResponse for ScimResponse {
    fn into_response(self) -> Response {
        let mut response = match self.body {
            Some(body) => (self.status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body.to_string()).into_response(),
            None => self.status.into_response(),
        };
        if let Some(location) = self.location.and_then(|location| HeaderValue::from_str(&location).ok()) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}

/// A refused or failed request, in SCIM's form.
pub(crate) struct ScimRejection(scim::Error);

impl From<scim::Error> for ScimRejection {
    fn from(error: scim::Error) -> Self {
        Self(error)
    }
}

impl From<directory::Error> for ScimRejection {
    fn from(error: directory::Error) -> Self {
        use directory::Error;
        Self(match error {
            // No `_` arm: a new error must be given a SCIM answer.
            Error::Unauthenticated | Error::WrongCredentials => scim::Error::unauthorized(),
            Error::OtherOrganisation | Error::Denied => scim::Error::forbidden("This token may not do that."),
            Error::NotFound(what) => scim::Error::not_found(what),
            Error::Taken(attribute) => scim::Error::uniqueness(attribute),
            Error::Invalid(invalid) => scim::Error::invalid_value(invalid.to_string()),
            Error::LastOwner => scim::Error::conflict(
                "An organisation keeps at least one active owner. Make somebody else an owner first. Nothing was changed.",
            ),
            Error::Conflict(sentence) => scim::Error::conflict(sentence),
            // Nobody sent If-Match: this is a race that was lost too often, and the same request may win the next one.
            Error::Stale => scim::Error::unavailable(),
            Error::TooSlow => scim::Error::too_many("The filter reads too much. Narrow it down."),
            Error::Throttled { .. } => scim::Error::too_many_requests(),
            Error::Protocol(error) => error,
            Error::Unavailable(why) => {
                tracing::error!(%why, "the database is unavailable");
                scim::Error::unavailable()
            }
            Error::Store(why) => {
                tracing::error!(%why, "storage failed");
                scim::Error::internal()
            }
        })
    }
}

impl ScimRejection {
    /// The answer as a response of any body type.
    pub(crate) fn into_plain_response(self) -> Response {
        let error = self.0;
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&error).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
        match status {
            StatusCode::UNAUTHORIZED => {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"scim\""));
            }
            // Okta reads whole seconds and nothing else.
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("10"));
            }
            _ => {}
        }
        response
    }
}

impl IntoResponse for ScimRejection {
    fn into_response(self) -> Response {
        self.into_plain_response()
    }
}
