//! SCIM's answers, and the one translation of errors into them.

use std::time::Duration;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use scim::Preconditions;
use serde_json::Value;

use super::activity::Told;
use crate::rate_limit::whole_seconds;

/// The media type of every answer, errors among them (RFC 7644 §8.1).
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/scim+json");

/// A successful answer.
pub(crate) struct ScimResponse {
    status: StatusCode,
    location: Option<String>,
    tag: Option<String>,
    body: Option<Body>,
}

impl ScimResponse {
    fn new(status: StatusCode, body: Option<Body>) -> Self {
        Self { status, location: None, tag: None, body }
    }

    /// 200 and a body.
    pub(crate) fn ok(body: Value) -> Self {
        Self::new(StatusCode::OK, Some(body.to_string().into()))
    }

    /// 200 and a body that is made while it is sent.
    pub(crate) fn streamed(body: Body) -> Self {
        Self::new(StatusCode::OK, Some(body))
    }

    /// 201, a body, and where the new resource is.
    pub(crate) fn created(location: String, body: Value) -> Self {
        Self::ok(body).with_status(StatusCode::CREATED).at(location)
    }

    /// 204.
    pub(crate) fn no_content() -> Self {
        Self::new(StatusCode::NO_CONTENT, None)
    }

    /// The resource, or a 304 if the client has this version of it (RFC 7644 §3.14).
    ///
    /// # Errors
    /// 412 if the client wants another version only.
    pub(crate) fn unless_known(conditions: &Preconditions, tag: String, body: impl FnOnce() -> Value) -> Result<Self, ScimRejection> {
        let opaque = tag.trim_start_matches("W/").trim_matches('"').to_owned();
        // Behind a dash stands what is not the resource's own: no reason not to show it, and one to show it again.
        let own = opaque.split('-').next();
        if conditions.if_match.as_ref().is_some_and(|tags| !tags.any(|tag| tag.split('-').next() == own)) {
            return Err(scim::Error::version_mismatch().into());
        }
        let known = conditions.if_none_match.as_ref().is_some_and(|tags| tags.any(|tag| tag == opaque));
        let response = if known { Self::new(StatusCode::NOT_MODIFIED, None) } else { Self::ok(body()) };
        Ok(response.tagged(tag))
    }

    /// Whether there is a body.
    pub(crate) fn has_body(&self) -> bool {
        self.body.is_some()
    }

    /// With another status.
    pub(crate) fn with_status(self, status: StatusCode) -> Self {
        Self { status, ..self }
    }

    /// With the resource's location.
    pub(crate) fn at(self, location: String) -> Self {
        Self { location: Some(location), ..self }
    }

    /// With the resource's version, in an ETag.
    pub(crate) fn tagged(self, tag: String) -> Self {
        Self { tag: Some(tag), ..self }
    }
}

impl IntoResponse for ScimResponse {
    fn into_response(self) -> Response {
        let mut response = match self.body {
            Some(body) => (self.status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response(),
            None => self.status.into_response(),
        };
        // What was created is at Location (RFC 7644 §3.3); what was there is at Content-Location (RFC 7643 §3.1).
        let place = if self.status == StatusCode::CREATED { header::LOCATION } else { header::CONTENT_LOCATION };
        for (name, value) in [(place, self.location), (header::ETAG, self.tag)] {
            if let Some(value) = value.and_then(|value| HeaderValue::from_str(&value).ok()) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// A refused or failed request, in SCIM's form.
pub(crate) struct ScimRejection {
    error: scim::Error,
    /// Seconds to wait before another attempt, where the status asks for that.
    retry_after: u64,
}

/// Seconds to wait where nobody knows better.
const A_WHILE: u64 = 10;

impl From<scim::Error> for ScimRejection {
    fn from(error: scim::Error) -> Self {
        Self { error, retry_after: A_WHILE }
    }
}

impl From<directory::Error> for ScimRejection {
    fn from(error: directory::Error) -> Self {
        use directory::Error;
        if let Error::Throttled { retry_after } = error {
            return Self::too_many_requests(retry_after);
        }
        Self::from(match error {
            // No `_` arm: a new error must be given a SCIM answer.
            Error::Unauthenticated | Error::WrongCredentials => scim::Error::unauthorized(),
            Error::OtherOrganisation | Error::Denied | Error::PasswordNeeded => scim::Error::forbidden("This token may not do that."),
            Error::NotFound(what) => scim::Error::not_found(what),
            Error::Taken(attribute) => scim::Error::uniqueness(attribute),
            Error::Invalid(invalid) => scim::Error::invalid_value(invalid.to_string()),
            Error::LastOwner => scim::Error::conflict(
                "An organisation keeps at least one active owner. Make somebody else an owner first. Nothing was changed.",
            ),
            Error::Conflict(sentence) => scim::Error::conflict(sentence),
            // Nobody sent If-Match: this is a race that was lost too often, and the same request may win the next one.
            Error::Stale | Error::PlanChanged => scim::Error::unavailable(),
            Error::TooSlow => scim::Error::too_many("The filter reads too much. Narrow it down."),
            Error::Throttled { .. } => scim::Error::too_many_requests(),
            Error::Protocol(error) => error,
            // No client of the API comes this way.
            Error::Refused(_) => scim::Error::unauthorized(),
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
    /// 429, for so long.
    pub(crate) fn too_many_requests(wait: Duration) -> Self {
        Self { error: scim::Error::too_many_requests(), retry_after: whole_seconds(wait) }
    }

    /// Whether the credential was refused.
    pub(crate) fn is_unauthorized(&self) -> bool {
        self.error.status == 401
    }

    /// The error.
    pub(crate) fn error(&self) -> &scim::Error {
        &self.error
    }

    /// The error, for an answer that holds several.
    pub(crate) fn into_error(self) -> scim::Error {
        self.error
    }

    /// The answer as a response of any body type.
    pub(crate) fn into_plain_response(self) -> Response {
        let Self { error, retry_after } = self;
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = serde_json::to_string(&error).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response();
        match status {
            StatusCode::UNAUTHORIZED => {
                response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"scim\""));
            }
            // Okta reads whole seconds and nothing else.
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
            }
            _ => {}
        }
        response.extensions_mut().insert(Told(error));
        response
    }
}

impl IntoResponse for ScimRejection {
    fn into_response(self) -> Response {
        self.into_plain_response()
    }
}
