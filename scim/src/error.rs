//! The error message of RFC 7644 §3.12, and one constructor for each answer a service provider gives.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The `schemas` value of an error message.
pub const ERROR_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:Error";

/// A refusal in SCIM's form. Serialises to the message body of RFC 7644 §3.12, where `status` is a string.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{status}: {detail}")]
pub struct Error {
    /// The HTTP status.
    pub status: u16,
    /// The detail error keyword, where the RFC has one for the case.
    pub scim_type: Option<ScimType>,
    /// A sentence for the administrator who reads the identity provider's log.
    pub detail: String,
}

/// The detail error keywords of RFC 7644 table 9 and RFC 9865 §2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ScimType {
    /// The filter's syntax is invalid, or an attribute and a comparison do not go together.
    InvalidFilter,
    /// The filter yields more than the server is willing to answer.
    TooMany,
    /// A value is already in use.
    Uniqueness,
    /// The change is not compatible with the attribute's mutability.
    Mutability,
    /// The body is not JSON, or not the message that was expected.
    InvalidSyntax,
    /// A PATCH path is malformed.
    InvalidPath,
    /// A PATCH path selects nothing that could be changed.
    NoTarget,
    /// A required value is missing, or a value does not fit its attribute.
    InvalidValue,
    /// The protocol version is not supported.
    InvalidVers,
    /// The request may not carry this information in its URL.
    Sensitive,
    /// The cursor is not one of ours, or belongs to another query (RFC 9865).
    InvalidCursor,
    /// The cursor has expired (RFC 9865).
    ExpiredCursor,
    /// The count is not acceptable with cursors (RFC 9865).
    InvalidCount,
}

impl ScimType {
    /// The status that goes with the keyword.
    pub fn status(self) -> u16 {
        match self {
            Self::Uniqueness => 409,
            Self::Sensitive => 403,
            _ => 400,
        }
    }
}

/// The constructors of the errors that have a keyword: all take the sentence to show.
macro_rules! keyword_errors {
    ($($(#[$doc:meta])* $name:ident => $keyword:ident;)*) => {
        impl Error {
            $($(#[$doc])* pub fn $name(detail: impl Into<String>) -> Self {
                Self::with_keyword(ScimType::$keyword, detail)
            })*
        }
    };
}

keyword_errors! {
    /// 400 `invalidFilter`.
    invalid_filter => InvalidFilter;
    /// 400 `tooMany`.
    too_many => TooMany;
    /// 400 `mutability`.
    mutability => Mutability;
    /// 400 `invalidSyntax`.
    invalid_syntax => InvalidSyntax;
    /// 400 `invalidPath`.
    invalid_path => InvalidPath;
    /// 400 `noTarget`.
    no_target => NoTarget;
    /// 400 `invalidValue`.
    invalid_value => InvalidValue;
    /// 400 `invalidVers`.
    invalid_vers => InvalidVers;
    /// 403 `sensitive`.
    sensitive => Sensitive;
    /// 400 `invalidCursor`.
    invalid_cursor => InvalidCursor;
    /// 400 `expiredCursor`.
    expired_cursor => ExpiredCursor;
    /// 400 `invalidCount`.
    invalid_count => InvalidCount;
}

impl Error {
    fn plain(status: u16, detail: impl Into<String>) -> Self {
        Self { status, scim_type: None, detail: detail.into() }
    }

    fn with_keyword(keyword: ScimType, detail: impl Into<String>) -> Self {
        Self { status: keyword.status(), scim_type: Some(keyword), detail: detail.into() }
    }

    /// 401. The text is fixed: it must not tell one reason for refusing a credential from another.
    pub fn unauthorized() -> Self {
        Self::plain(401, "Invalid or missing credentials.")
    }

    /// 403: authenticated, but not allowed to do this.
    pub fn forbidden(detail: impl Into<String>) -> Self {
        Self::plain(403, detail)
    }

    /// 404: `what` names the thing as the client knows it, as in "User u_1".
    pub fn not_found(what: &str) -> Self {
        Self::plain(404, format!("{what} not found."))
    }

    /// 405.
    pub fn method_not_allowed() -> Self {
        Self::plain(405, "The method is not allowed for this endpoint.")
    }

    /// 409 `uniqueness`: another resource holds the value of `attribute`.
    pub fn uniqueness(attribute: &str) -> Self {
        Self::with_keyword(ScimType::Uniqueness, format!("{attribute} is already in use."))
    }

    /// 409 without a keyword: the request is well-formed, but the resource's state does not allow it.
    pub fn conflict(detail: impl Into<String>) -> Self {
        Self::plain(409, detail)
    }

    /// 412: the resource is no longer at the version named in `If-Match` (RFC 7644 §3.14).
    pub fn version_mismatch() -> Self {
        Self::plain(412, "The resource has changed since the version given in If-Match.")
    }

    /// 413: `detail` should name the limit (RFC 7644 §3.7.4).
    pub fn payload_too_large(detail: impl Into<String>) -> Self {
        Self::plain(413, detail)
    }

    /// 415.
    pub fn unsupported_media_type(detail: impl Into<String>) -> Self {
        Self::plain(415, detail)
    }

    /// 429. The caller adds `Retry-After`, as an integer: Okta does not read dates.
    pub fn too_many_requests() -> Self {
        Self::plain(429, "Too many requests.")
    }

    /// 500, telling nothing about the inside.
    pub fn internal() -> Self {
        Self::plain(500, "Internal error.")
    }

    /// 501: a part of the protocol that this provider leaves out.
    pub fn not_implemented(detail: impl Into<String>) -> Self {
        Self::plain(501, detail)
    }

    /// 503.
    pub fn unavailable() -> Self {
        Self::plain(503, "The service is temporarily unavailable.")
    }
}

impl Serialize for Error {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut message = serializer.serialize_map(None)?;
        message.serialize_entry("schemas", &[ERROR_SCHEMA])?;
        message.serialize_entry("status", &self.status.to_string())?;
        if let Some(keyword) = self.scim_type {
            message.serialize_entry("scimType", &keyword)?;
        }
        message.serialize_entry("detail", &self.detail)?;
        message.end()
    }
}
