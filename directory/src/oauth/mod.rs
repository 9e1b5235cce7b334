//! Access without a browser: devices that people let in (RFC 8628), tokens that are renewed (RFC 6749, RFC 9700), and what services
//! ask about them (RFC 7662). Everything here hangs off one membership, and is looked up anew on every use.

pub mod acting;
pub mod device;
pub mod guesses;
pub mod introspection;
pub mod tokens;

use domain::oauth::{ACCESS_TOKEN, Client, Scopes};

use crate::Error;

/// Why a client gets no token: the codes of RFC 6749 §5.2 and RFC 8628 §3.5.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {sentence}", code.as_str())]
pub struct Refusal {
    /// The code.
    pub code: Code,
    /// What was wrong and what to do, for the client's developer (`error_description`).
    pub sentence: &'static str,
}

/// The code of a [`Refusal`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Something is missing, or there twice.
    InvalidRequest,
    /// There is no such client.
    InvalidClient,
    /// The code or token is not good, or not this client's.
    InvalidGrant,
    /// Nothing that we give tokens for.
    UnsupportedGrantType,
    /// No scope of ours, or more than was approved.
    InvalidScope,
    /// Nobody has answered yet.
    AuthorizationPending,
    /// The same, and the device asks too often.
    SlowDown,
    /// The person said no.
    AccessDenied,
    /// Nobody answered in time.
    ExpiredToken,
}

impl Code {
    /// The code as it is sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::InvalidScope => "invalid_scope",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::AccessDenied => "access_denied",
            Self::ExpiredToken => "expired_token",
        }
    }
}

/// No token, and why.
pub fn refused(code: Code, sentence: &'static str) -> Error {
    Error::Refused(Refusal { code, sentence })
}

/// What a client gets (RFC 6749 §5.1).
#[derive(Debug)]
pub struct TokenSet {
    /// Lets it act, for [`ACCESS_TOKEN`].
    pub access_token: String,
    /// Gets it the next access token, once.
    pub refresh_token: String,
    /// What it may do.
    pub scopes: Scopes,
}

impl TokenSet {
    /// Seconds that the access token lives (`expires_in`).
    pub fn expires_in(&self) -> u64 {
        ACCESS_TOKEN.as_secs()
    }
}

fn client(text: &str) -> Result<Client, Error> {
    text.parse().map_err(|_| refused(Code::InvalidClient, "There is no client of this id. Send `rollcall-cli`, or the id of an agent."))
}

fn scopes(text: &str) -> Result<Scopes, Error> {
    text.parse().map_err(|_| refused(Code::InvalidScope, "The scopes are `profile` and `agents`."))
}
