//! What a use case can answer instead of its value. The variants name answers, not libraries.

use std::time::Duration;

use domain::Invalid;

/// Why a use case did not do what was asked. Nothing was changed, unless the use case says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No valid credential came with the request.
    #[error("not signed in")]
    Unauthenticated,
    /// The address and password let nobody in. Deliberately silent about which of the two, and about why.
    #[error("wrong credentials")]
    WrongCredentials,
    /// The session is for another organisation than the one asked for.
    #[error("signed in to another organisation")]
    OtherOrganisation,
    /// The role does not reach that far.
    #[error("denied")]
    Denied,
    /// What only an owner may do needs her password within the last minutes.
    #[error("the password has to be given again")]
    PasswordNeeded,
    /// What was agreed to is not what would happen now.
    #[error("the plan has changed")]
    PlanChanged,
    /// There is no such thing, or it is not the asker's to know of.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The value of this attribute is another's already.
    #[error("{0} is already in use")]
    Taken(&'static str),
    /// A value that a person typed cannot be accepted.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// An organisation keeps an active owner (law 6).
    #[error("an organisation keeps at least one active owner")]
    LastOwner,
    /// The state of things does not allow it; a sentence for people.
    #[error("{0}")]
    Conflict(String),
    /// Someone else wrote first.
    #[error("changed by someone else at the same moment")]
    Stale,
    /// Too many attempts.
    #[error("too many attempts")]
    Throttled {
        /// When the next attempt has a chance.
        retry_after: Duration,
    },
    /// The client gets no token, and why (RFC 6749 §5.2).
    #[error(transparent)]
    Refused(#[from] crate::oauth::Refusal),
    /// The SCIM protocol says no.
    #[error(transparent)]
    Protocol(#[from] scim::Error),
    /// One statement took longer than it may: the question reads too much.
    #[error("the question takes too long to answer")]
    TooSlow,
    /// The database cannot be reached, or cannot do this now. The same request may succeed later.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The database refused for a reason that is our fault.
    #[error("storage failed: {0}")]
    Store(String),
}
