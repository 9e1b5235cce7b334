//! Rollcall's vocabulary: ids, checked values, roles, and the read models that pages show.
//!
//! Everything here is a value: no clock, no randomness, no input or output. It compiles for the server and for the
//! browser, so that a rule (how long may an organisation's name be?) has one home.

pub mod access;
pub mod activity;
pub mod audit;
pub mod device;
pub mod drill;
pub mod email;
pub mod event;
pub mod id;
pub mod mapping;
pub mod name;
pub mod oauth;
pub mod org;
pub mod password;
pub mod permission;
pub mod person;
pub mod receipt;
pub mod role;
pub mod timeline;
pub mod timestamp;
pub mod token;
pub mod view;

pub use email::{EmailAddress, EmailKey};
pub use id::{
    AccountId, AgentId, ApiSessionId, AuditEventId, ConnectionId, DeliveryId, DeviceRequestId, DirectoryGroupId, DirectoryUserId, DrillId,
    EventId, MailId, MappingId, MemberId, MembershipId, OrgId, PersonalTokenId, ReceiptId, ServiceCredentialId, TeamId, TokenId,
    WebhookEndpointId,
};
pub use org::{OrgName, OrgSlug};
pub use permission::Permission;
pub use person::PersonName;
pub use role::{MappableRole, OrgRole, TeamRole};
pub use timestamp::Timestamp;

/// A value that a person typed and that cannot be accepted: which field, and a sentence that says what to do.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, thiserror::Error)]
#[error("{sentence}")]
pub struct Invalid {
    /// The name of the form's field, for example `email`.
    pub field: String,
    /// What is wrong and what would be right, as one sentence.
    pub sentence: String,
}

impl Invalid {
    /// Say that `field` cannot be accepted because of `sentence`.
    pub fn new(field: &str, sentence: &str) -> Self {
        Self { field: field.to_owned(), sentence: sentence.to_owned() }
    }
}
