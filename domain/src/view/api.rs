//! Access that is not a browser's: API sessions, personal tokens, service credentials.

use serde::{Deserialize, Serialize};

use crate::{ApiSessionId, OrgName, PersonalTokenId, ServiceCredentialId, Timestamp, oauth::Scopes};

/// What acts in a person's name without a browser.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiAccessView {
    /// When this was read.
    pub now: Timestamp,
    /// Clients that she let in, the newest first.
    pub sessions: Vec<ApiSessionView>,
    /// Her personal tokens, the newest first.
    pub personal_tokens: Vec<PersonalTokenView>,
}

/// A client that a person let in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiSessionView {
    /// The session.
    pub id: ApiSessionId,
    /// The client: an agent's name, or `Rollcall on the command line`.
    pub client: String,
    /// What it may do.
    pub scopes: Scopes,
    /// The device that asked, in words.
    pub device: String,
    /// The address that asked.
    pub ip: Option<String>,
    /// When it was let in.
    pub created_at: Timestamp,
    /// When it was last heard of.
    pub last_used_at: Timestamp,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// A personal token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonalTokenView {
    /// The token.
    pub id: PersonalTokenId,
    /// What she called it.
    pub name: String,
    /// Its last four characters.
    pub hint: String,
    /// What it may do.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// From which address.
    pub last_used_ip: Option<String>,
}

/// A personal token that was just made: the one time that its secret is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedPersonalToken {
    /// The secret.
    pub secret: String,
    /// The token.
    pub token: PersonalTokenView,
}

/// What a service of the organisation asks us with (RFC 7662 §2.1), without its secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceCredentialView {
    /// The credential.
    pub id: ServiceCredentialId,
    /// What it was called.
    pub name: String,
    /// Its last four characters.
    pub hint: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// From which address.
    pub last_used_ip: Option<String>,
    /// When it stops, if another was issued in its place.
    pub retires_at: Option<Timestamp>,
}

/// A service credential that was just made: the one time that its secret is shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedServiceCredential {
    /// The secret.
    pub secret: String,
    /// The credential.
    pub credential: ServiceCredentialView,
}

/// A device that asks to be let in, as its person is shown it before she says yes (RFC 8628 §5.4: who does not expect it says no).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRequestView {
    /// When this was read.
    pub now: Timestamp,
    /// The code, as the device shows it.
    pub user_code: String,
    /// The organisation that it would be let into.
    pub org_name: OrgName,
    /// The client: an agent's name, or `Rollcall on the command line`.
    pub client: String,
    /// What it would be let do.
    pub scopes: Scopes,
    /// The device that asks, in words.
    pub device: String,
    /// The address that asks.
    pub ip: Option<String>,
    /// When it asked.
    pub asked_at: Timestamp,
    /// When its code ends.
    pub expires_at: Timestamp,
}
