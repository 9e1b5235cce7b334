//! What a server function can answer instead of its value, and the sentence that a person reads.

use domain::Invalid;
use leptos::{
    prelude::FromServerFnError,
    server_fn::{codec::JsonEncoding, error::ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

/// A refused or failed server function. Never holds personal data: without JavaScript it travels in a URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum AppError {
    /// Nobody is signed in, or no longer.
    #[error("Your session has ended. Sign in again.")]
    SignedOut,
    /// The address and password do not let anyone in. The same words whatever is wrong (OWASP ASVS 6.3.8).
    #[error("That e-mail address and password do not match an account with access.")]
    WrongCredentials,
    /// This browser is signed in to another organisation than the page's.
    #[error("This browser is signed in to another organisation.")]
    OtherOrganisation,
    /// The role does not reach that far.
    #[error("Your role does not allow this. Ask an owner of the organisation.")]
    Denied,
    /// This needs her password within the last minutes.
    #[error("Enter your password again: this asks for it every 15 minutes.")]
    PasswordNeeded,
    /// What was agreed to is not what would happen now.
    #[error("Something has changed since this preview was made, so nothing was done. This is the new one.")]
    PlanChanged,
    /// There is no such thing here.
    #[error("There is no such {0}, or it is no longer there.")]
    NotFound(String),
    /// A field cannot be accepted.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The state of things does not allow it; the sentence says why and what to do.
    #[error("{0}")]
    Conflict(String),
    /// Too many attempts.
    #[error("Too many attempts. Try again in {0} min.")]
    Throttled(u64),
    /// The database cannot be reached.
    #[error("The database cannot be reached at the moment. Nothing was changed. Try again in a minute.")]
    Unavailable,
    /// Our fault.
    #[error("Something went wrong on our side. Nothing was changed. The server's log has the details.")]
    Internal,
    /// The request did not get through, or its answer did not come back.
    #[error("The server could not be reached, or did not understand the request. Check your connection and try again.")]
    Transport(String),
}

impl AppError {
    /// The sentence for the form field `field`, when this error is about it.
    pub fn at(&self, field: &str) -> Option<String> {
        match self {
            Self::Invalid(invalid) if invalid.field == field => Some(invalid.sentence.clone()),
            _ => None,
        }
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        // What cannot be read is the caller's mistake, not ours.
        #[cfg(feature = "ssr")]
        if let (ServerFnErrorErr::Args(_) | ServerFnErrorErr::MissingArg(_) | ServerFnErrorErr::Deserialization(_), Some(response)) =
            (&error, leptos::prelude::use_context::<leptos_axum::ResponseOptions>())
        {
            response.set_status(http::StatusCode::BAD_REQUEST);
        }
        Self::Transport(error.to_string())
    }
}

/// The one translation of the use cases' errors for server functions and pages.
#[cfg(feature = "ssr")]
impl From<directory::Error> for AppError {
    fn from(error: directory::Error) -> Self {
        use directory::Error;
        match error {
            // No `_` arm: a new error must be given an answer.
            Error::Unauthenticated => Self::SignedOut,
            Error::WrongCredentials => Self::WrongCredentials,
            Error::OtherOrganisation => Self::OtherOrganisation,
            Error::Denied => Self::Denied,
            Error::PasswordNeeded => Self::PasswordNeeded,
            Error::PlanChanged => Self::PlanChanged,
            Error::NotFound(what) => Self::NotFound(what.to_owned()),
            Error::Taken(what) => Self::Conflict(format!("This {what} is already in use.")),
            Error::Invalid(invalid) => Self::Invalid(invalid),
            Error::LastOwner => Self::Conflict("An organisation keeps at least one active owner.".to_owned()),
            Error::Conflict(sentence) => Self::Conflict(sentence),
            Error::Stale => Self::Conflict("Someone else changed this at the same moment. Reload and try again.".to_owned()),
            Error::Throttled { retry_after } => Self::Throttled(retry_after.as_secs().div_ceil(60)),
            Error::Protocol(error) => Self::Conflict(error.detail),
            Error::Refused(refusal) => Self::Conflict(refusal.sentence.to_owned()),
            Error::TooSlow | Error::Unavailable(_) => Self::Unavailable,
            Error::Store(source) => {
                tracing::error!(%source, "storage failed");
                Self::Internal
            }
        }
    }
}

#[cfg(feature = "ssr")]
impl AppError {
    /// The HTTP status for a caller that is not a document (a server function called from the browser).
    pub fn status(&self) -> http::StatusCode {
        use http::StatusCode;
        match self {
            Self::SignedOut | Self::WrongCredentials => StatusCode::UNAUTHORIZED,
            Self::Denied | Self::PasswordNeeded => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::OtherOrganisation | Self::Conflict(_) | Self::PlanChanged => StatusCode::CONFLICT,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Transport(_) => StatusCode::BAD_REQUEST,
        }
    }
}
