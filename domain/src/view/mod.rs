//! Read models: what a page shows, as plain data that travels from the server to the browser.

mod account;
mod activity;
mod agents;
mod api;
mod drills;
mod groups;
mod mappings;
mod people;
mod receipts;
mod teams;
mod webhooks;

pub use account::*;
pub use activity::*;
pub use agents::*;
pub use api::*;
pub use drills::*;
pub use groups::*;
pub use mappings::*;
pub use people::*;
pub use receipts::*;
pub use teams::*;
pub use webhooks::*;

use serde::{Deserialize, Serialize};

use crate::{
    AuditEventId, MemberId, OrgId, OrgName, OrgRole, OrgSlug, Timestamp, TokenId,
    audit::{AuditAction, AuditYears},
    token::AllowedNetworks,
};

/// Who is looking, and at which organisation: what the frame around each page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    /// The person's name, or her address when she has none.
    pub name: String,
    /// Her account's address; absent for accounts that have none.
    pub email: Option<String>,
    /// Her own member id here.
    pub member: MemberId,
    /// The organisation.
    pub org: OrgId,
    /// Its name.
    pub org_name: OrgName,
    /// Its name in URLs.
    pub org_slug: OrgSlug,
    /// Her role in it.
    pub role: OrgRole,
    /// How many organisations she can choose from.
    pub organisations: usize,
    /// Until when her password counts as just given: what only an owner may do needs that.
    pub fresh_until: Timestamp,
    /// When this was read.
    pub now: Timestamp,
}

impl Viewer {
    /// Whether her password has to be given again before she does what only an owner may do.
    pub fn needs_password(&self) -> bool {
        self.fresh_until <= self.now
    }
}

/// An organisation that the person may enter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganisationChoice {
    /// Its name.
    pub name: OrgName,
    /// Its name in URLs.
    pub slug: OrgSlug,
    /// Her role in it.
    pub role: OrgRole,
    /// Whether this browser's session is for it.
    pub current: bool,
}

/// What an activation link is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivationView {
    /// The organisation that is joined.
    pub org_name: OrgName,
    /// The address that the link was mailed to.
    pub email: String,
    /// Whether the account has a password that she must prove, rather than set.
    pub has_password: bool,
}

/// The state of an organisation's SCIM connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScimStatus {
    /// Never switched on.
    Off,
    /// On.
    Enabled,
    /// Switched off again: members stay, tokens do not work.
    Disabled,
}

/// Settings → Security.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityView {
    /// When this was read: the moment that relative times refer to.
    pub now: Timestamp,
    /// Whether SCIM is on.
    pub scim: ScimStatus,
    /// `{public_url}/scim/{org_id}/v2`
    pub base_url: String,
    /// Where services ask whether a token is good (RFC 7662).
    pub introspection_url: String,
    /// Live tokens first, then the ended ones, each newest first.
    pub tokens: Vec<TokenView>,
    /// The change from one token to another that is under way.
    pub switch_over: Option<SwitchOver>,
    /// When a token was last used, over all tokens.
    pub last_request_at: Option<Timestamp>,
    /// Requests to the base URL without a valid token, in the last 24 hours.
    pub failed_attempts: Option<FailedAttempts>,
    /// People whom the directory manages, inactive ones included.
    pub directory_people: u64,
    /// Active owners.
    pub owners: u64,
    /// The set-up, step by step.
    pub steps: Vec<SetUpStep>,
    /// Whether the viewer may change any of it.
    pub can_manage: bool,
}

/// Requests that were refused for want of a valid token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAttempts {
    /// How many there were, at least: an address that is blocked is not counted.
    pub count: u64,
    /// The last of them.
    pub last_at: Timestamp,
    /// The address that it came from.
    pub last_from: Option<String>,
}

/// A step of connecting an identity provider, done once its time is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetUpStep {
    /// What it is.
    pub title: String,
    /// When it was first done.
    pub done_at: Option<Timestamp>,
}

/// A provisioning token as a list shows it; its secret is nowhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenView {
    /// Its id.
    pub id: TokenId,
    /// What the owner called it.
    pub name: String,
    /// The last four characters.
    pub hint: String,
    /// When it was issued.
    pub created_at: Timestamp,
    /// By whom; "command line" for `rollcall bootstrap`.
    pub created_by: String,
    /// When it expires.
    pub expires_at: Timestamp,
    /// When a request last used it, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// From which address.
    pub last_used_ip: Option<String>,
    /// With which program, as it named itself.
    pub last_used_user_agent: Option<String>,
    /// From where it may be used.
    pub allowed_from: AllowedNetworks,
    /// When it stops because another was issued in its place.
    pub retires_at: Option<Timestamp>,
    /// The token in whose place it was issued.
    pub replaces: Option<TokenId>,
    /// Whether it works.
    pub state: TokenState,
}

/// Two tokens that both work, one of them in the place of the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SwitchOver {
    /// The one that stops.
    pub old: TokenView,
    /// The one that goes on.
    pub new: TokenView,
    /// Requests that were answered with the new one since it was issued, up to [`SwitchOver::MOST_COUNTED`].
    pub used: u64,
}

impl SwitchOver {
    /// Whoever sees so many requests counted needs to know of no more.
    pub const MOST_COUNTED: u64 = 1_000;
}

/// Whether a provisioning token works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TokenState {
    /// It does.
    Live,
    /// It has outlived its time.
    Expired,
    /// It was revoked.
    Revoked,
}

/// A token at the one moment when its secret is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedToken {
    /// The secret. It is never shown again, logged, or rendered on the server (law 8).
    pub secret: String,
    /// The token as the list shows it from now on.
    pub token: TokenView,
}

impl std::fmt::Debug for IssuedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedToken").field("secret", &"…").field("token", &self.token).finish()
    }
}

/// A page of the audit log, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditView {
    /// When this was read.
    pub now: Timestamp,
    /// The events, newest first.
    pub events: Vec<AuditEventView>,
    /// Where the next, older page begins.
    pub older: Option<AuditEventId>,
    /// How far the log is sealed.
    pub sealed: Option<SealedView>,
    /// For how long it is kept.
    pub kept: AuditYears,
    /// The name of the member who is looked for.
    pub member: Option<String>,
    /// Whether the viewer may say for how long it is kept.
    pub can_manage: bool,
}

/// How far an audit log is sealed: what is older cannot be changed unnoticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedView {
    /// Up to when.
    pub up_to: Timestamp,
    /// By how many batches, each chained to the one before.
    pub batches: u64,
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditEventView {
    /// Its id.
    pub id: AuditEventId,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    pub action: AuditAction,
    /// Who did it: a person, a token, the command line.
    pub actor: String,
    /// To whom or what, when that is somebody else.
    pub target: Option<String>,
    /// The member to whom it was done, if it was one.
    pub member: Option<MemberId>,
    /// Whether it was done by the directory, through SCIM: then the activity log has the request.
    pub by_directory: bool,
    /// From which address.
    pub ip: Option<String>,
    /// By which request; the same id is in the response's `x-request-id` and in the log.
    pub request_id: Option<String>,
    /// Further facts, each a name and a value, such as `sessions ended` and `2`.
    pub details: Vec<(String, String)>,
}
