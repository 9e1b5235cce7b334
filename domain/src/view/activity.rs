//! What the provisioning endpoints were asked, as the page shows it.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    AuditEventId, Timestamp, TokenId,
    activity::{ActivityCursor, ActivityDays, FailedWithin},
    audit::AuditAction,
};

/// A page of the activity log, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityView {
    /// When this was read.
    pub now: Timestamp,
    /// The requests, newest first.
    pub requests: Vec<RequestView>,
    /// Where the next, older page begins.
    pub older: Option<ActivityCursor>,
    /// The organisation's tokens, live or ended, to choose from: each with its name and its last four characters.
    pub tokens: Vec<(TokenId, String, String)>,
    /// What was looked for, where it is called something in the directory: `User mira@acme.test`. Empty: nothing is called that.
    pub found: Option<Vec<String>>,
    /// Requests that could not be written down.
    pub dropped: Option<Dropped>,
    /// For how long requests are kept.
    pub kept: ActivityDays,
    /// Whether the viewer may change that.
    pub can_manage: bool,
}

impl ActivityView {
    /// The newest requests that are kept of one organisation, however they ended. Of what is older, failures are.
    pub const NEWEST_KEPT: u32 = 75_000;
    /// The most requests that are kept of one organisation, with those failures.
    pub const MOST_KEPT: u32 = 100_000;
}

/// Requests that were answered and are not in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// How many.
    pub requests: u64,
    /// When it was last noticed.
    pub last_at: Timestamp,
}

/// A request that was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestView {
    /// Its row.
    pub id: Uuid,
    /// When it came.
    pub at: Timestamp,
    /// Its method.
    pub method: String,
    /// Its path below the base URL.
    pub path: String,
    /// Its query, masked; of one that failed.
    pub query: Option<String>,
    /// The answer's status.
    pub status: u16,
    /// Which of its operations failed, if any.
    pub failed_within: Option<FailedWithin>,
    /// The answer's `scimType`.
    pub scim_type: Option<String>,
    /// The answer's `detail`.
    pub detail: Option<String>,
    /// How long the answer took, in microseconds.
    pub took_micros: u64,
    /// The token's name, while it is known.
    pub token: Option<String>,
    /// The token's last four characters.
    pub token_hint: Option<String>,
    /// From which address.
    pub ip: Option<String>,
    /// With which program, as it named itself.
    pub user_agent: Option<String>,
    /// Its id, which the answer's `x-request-id`, the audit log and the server's log have, too.
    pub request_id: Option<String>,
    /// What was tolerated, a sentence each.
    pub notes: Vec<String>,
}

/// A request with everything that is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestPageView {
    /// When this was read.
    pub now: Timestamp,
    /// The request.
    pub request: RequestView,
    /// Its body, masked, or why it is not there; of one that failed and had one.
    pub body: Option<String>,
    /// What it did, as the audit log has it, oldest first.
    pub events: Vec<RequestEvent>,
}

/// Something that a request did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestEvent {
    /// Its entry in the audit log.
    pub id: AuditEventId,
    /// What it was.
    pub action: AuditAction,
    /// To whom or what.
    pub target: Option<String>,
}
