//! Webhooks: endpoints, what is on its way to them, and what came of it.

use serde::{Deserialize, Serialize};

use crate::{
    DeliveryId, EventId, Timestamp, WebhookEndpointId,
    event::{EndpointFormat, EventType, EventTypes},
};

/// The organisation's endpoints.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhooksView {
    /// When this was read.
    pub now: Timestamp,
    /// The endpoints, the oldest first.
    pub endpoints: Vec<EndpointView>,
    /// Where the keys are published that Security Event Tokens are signed with.
    pub jwks_url: String,
    /// Whether the viewer may change them.
    pub can_manage: bool,
}

/// Somewhere that events are sent to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointView {
    /// The endpoint.
    pub id: WebhookEndpointId,
    /// What an owner called it.
    pub name: String,
    /// Where to.
    pub url: String,
    /// In which format.
    pub format: EndpointFormat,
    /// Which events.
    pub types: EventTypes,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// The last characters of its secret; none for one that takes Security Event Tokens.
    pub hint: Option<String>,
    /// Until when the secret before the last rotation signs, too.
    pub previous_until: Option<Timestamp>,
    /// Since when nothing is sent to it, and why.
    pub disabled: Option<(Timestamp, String)>,
    /// When a delivery was last taken.
    pub last_delivered_at: Option<Timestamp>,
    /// When an attempt last failed.
    pub last_failed_at: Option<Timestamp>,
    /// Deliveries that wait or are under way.
    pub waiting: u64,
    /// Deliveries that were given up.
    pub dead: u64,
}

/// An endpoint whose secret was just made: the one time that it is shown. None for Security Event Tokens, whose key is public.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IssuedEndpoint {
    /// `whsec_` and the secret, as Standard Webhooks libraries take it.
    pub secret: Option<String>,
    /// The endpoint.
    pub endpoint: EndpointView,
}

impl std::fmt::Debug for IssuedEndpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedEndpoint").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

/// An endpoint with a page of its deliveries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointPageView {
    /// When this was read.
    pub now: Timestamp,
    /// The endpoint.
    pub endpoint: EndpointView,
    /// Its deliveries, the newest first.
    pub deliveries: Vec<DeliveryView>,
    /// Where an older page begins.
    pub older: Option<DeliveryId>,
    /// Where the keys are published that Security Event Tokens are signed with.
    pub jwks_url: String,
    /// Whether the viewer may change it.
    pub can_manage: bool,
}

/// How a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// It waits: for the first attempt, or for the next one.
    Pending,
    /// It is being sent.
    Sending,
    /// The endpoint took it.
    Delivered,
    /// It was given up.
    Dead,
}

impl DeliveryStatus {
    /// As it is stored and chosen in filters.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Sending => "sending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }
}

impl std::str::FromStr for DeliveryStatus {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Pending, Self::Sending, Self::Delivered, Self::Dead].into_iter().find(|status| status.as_str() == text).ok_or(())
    }
}

/// One event on its way to one endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryView {
    /// The delivery.
    pub id: DeliveryId,
    /// The event.
    pub event: EventId,
    /// The id that the receiver sees, the same at each attempt.
    pub message_id: String,
    /// What happened.
    pub event_type: EventType,
    /// When it happened.
    pub happened_at: Timestamp,
    /// Whom it is about, in words.
    pub subject: String,
    /// How it stands.
    pub status: DeliveryStatus,
    /// How often it was tried.
    pub attempts: u64,
    /// When it is tried next, while it waits.
    pub due_at: Option<Timestamp>,
    /// What came of the last attempt.
    pub last: Option<AttemptView>,
}

/// One delivery whole: what is sent, and what came of each attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryPageView {
    /// When this was read.
    pub now: Timestamp,
    /// The endpoint.
    pub endpoint: EndpointView,
    /// The delivery.
    pub delivery: DeliveryView,
    /// What happened, as JSON: the body of a webhook, or what a Security Event Token is made of.
    pub body: String,
    /// Its attempts, the newest first.
    pub attempts: Vec<AttemptView>,
    /// Whether the viewer may send it again.
    pub can_manage: bool,
}

/// What came of an attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptView {
    /// The how-manieth it was.
    pub attempt: u64,
    /// When.
    pub at: Timestamp,
    /// The status of the answer, if there was one.
    pub status_code: Option<u16>,
    /// How long it took, in milliseconds.
    pub duration_ms: u64,
    /// Why it counts as failed.
    pub error: Option<String>,
    /// The beginning of the answer's body.
    pub answer: Option<String>,
}
