//! The receipt of an offboarding.

use serde::{Deserialize, Serialize};

use crate::{
    MemberId, OrgName, ReceiptId, Timestamp,
    receipt::{Cause, Count, KnownSecret, SecretState},
};

/// What ended when somebody left, when, and how long after the request for it had arrived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptView {
    /// When this was read.
    pub now: Timestamp,
    /// The receipt.
    pub id: ReceiptId,
    /// The organisation that she left, as it is called now.
    pub org_name: OrgName,
    /// Whose access ended.
    pub member: MemberId,
    /// Her name at the time.
    pub name: String,
    /// The directory's userName for her at the time, if it managed her.
    pub user_name: Option<String>,
    /// Her account's address at the time, if it had one.
    pub email: Option<String>,
    /// Why it ended.
    pub cause: Cause,
    /// Who ended it: a person, a token.
    pub actor: String,
    /// By which request.
    pub request_id: Option<String>,
    /// When that request arrived.
    pub arrived_at: Timestamp,
    /// When all of it had ended.
    pub ended_at: Timestamp,
    /// How the request was answered, while the directory's activity log has it.
    pub answered: Option<Answered>,
    /// How many of each kind ended, always in the same order; zero means that there was none.
    pub ended: Vec<Count>,
    /// The organisation's own secrets that she knows, and what has become of each.
    pub secrets: Vec<SecretOfLeaver>,
    /// Whether the viewer may issue others in their place.
    pub can_rotate: bool,
}

/// How a request of the directory was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answered {
    /// When.
    pub at: Timestamp,
    /// The method, `PATCH` for example.
    pub method: String,
    /// The answer's status.
    pub status: i64,
}

/// A secret of the organisation that a leaver knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretOfLeaver {
    /// As it was told apart when she left.
    pub known: KnownSecret,
    /// What has become of it.
    pub state: SecretState,
}

/// A receipt in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptBrief {
    /// The receipt.
    pub id: ReceiptId,
    /// When access ended.
    pub ended_at: Timestamp,
    /// Why.
    pub cause: Cause,
}
