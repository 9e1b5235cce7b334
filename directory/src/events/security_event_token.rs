//! Events as Security Event Tokens (RFC 8417): their claims. The server signs them.

use domain::{EventId, Timestamp, event::EventType};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::message_id;

/// The claims of a Security Event Token. It has neither `sub` nor `exp`, so it cannot pass for an access token or an ID token
/// (RFC 8417 §4.5, §4.6).
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Claims {
    iss: String,
    aud: String,
    /// Stable over attempts.
    jti: String,
    /// Seconds since the Unix epoch.
    iat: i64,
    /// When it happened, which is the same.
    toe: i64,
    /// The request that did it, which its other events name as well.
    #[serde(skip_serializing_if = "Option::is_none")]
    txn: Option<String>,
    /// Whom it is about (RFC 9493): our issuer and the member's stable subject, or where SCIM has the resource (RFC 9967 §2.2).
    #[serde(skip_serializing_if = "Option::is_none")]
    sub_id: Option<Value>,
    events: Map<String, Value>,
}

impl Claims {
    /// The claims that tell an event; `None` where no Security Event Token tells such events.
    pub(super) fn of(issuer: &str, audience: &str, event: EventId, kind: EventType, happened_at: Timestamp, data: &Value) -> Option<Self> {
        let uri = kind.set_uri()?;
        let seconds = happened_at.as_micros().div_euclid(1_000_000);
        let text = |pointer: &str| data.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let told = match kind {
            EventType::SessionRevoked => {
                let initiator = match text("/actor/kind").as_deref() {
                    // What nobody asked for is told with its reason: we did it.
                    _ if text("/details/why").is_some() => "policy",
                    Some("member") if text("/actor/id") == text("/subject/id") => "user",
                    Some("provisioning_token" | "system") => "system",
                    _ => "admin",
                };
                json!({ "event_timestamp": seconds, "initiating_entity": initiator, "reason_admin": { "en": text("/details/cause").unwrap_or_else(|| "sessions were ended".to_owned()) } })
            }
            EventType::Test => json!({ "state": message_id(event) }),
            EventType::UserCreated | EventType::UserChanged | EventType::GroupCreated | EventType::GroupChanged => {
                json!({ "attributes": attributes(data) })
            }
            _ => json!({}),
        };
        let sub_id = match kind {
            EventType::Test => Some(json!({ "format": "opaque", "id": text("/org/id")? })),
            EventType::SessionRevoked => {
                let user = json!({ "format": "iss_sub", "iss": issuer, "sub": text("/subject/id")? });
                // Without a session it would mean all of hers (CAEP 1.0 §3.1.1).
                Some(match text("/session/id").or_else(|| text("/details/session")) {
                    Some(session) => json!({ "format": "complex", "user": user, "session": { "format": "opaque", "id": session } }),
                    None => user,
                })
            }
            EventType::MemberJoined | EventType::MemberLeft => match text("/subject/directory_user_id") {
                Some(user) => Some(scim("Users", &user, text("/subject/external_id"))),
                // Whom no directory knows has no resource.
                None => Some(json!({ "format": "iss_sub", "iss": issuer, "sub": text("/subject/id")? })),
            },
            EventType::GroupCreated | EventType::GroupChanged | EventType::GroupDeleted => {
                Some(scim("Groups", &text("/subject/id")?, None))
            }
            _ => Some(scim("Users", &text("/subject/id")?, text("/subject/external_id"))),
        };
        Some(Self {
            iss: issuer.to_owned(),
            aud: audience.to_owned(),
            jti: message_id(event),
            iat: seconds,
            toe: seconds,
            txn: text("/request_id"),
            sub_id,
            events: [(uri.to_owned(), told)].into_iter().collect(),
        })
    }
}

/// The attributes that came or changed, as the audit log's entry lists them.
fn attributes(data: &Value) -> Vec<&str> {
    let attributes = data.pointer("/details/attributes").and_then(Value::as_str).unwrap_or_default();
    attributes.split(',').map(str::trim).filter(|attribute| !attribute.is_empty()).collect()
}

/// A resource below the SCIM base URL.
fn scim(kind: &str, id: &str, external_id: Option<String>) -> Value {
    let mut subject = json!({ "format": "scim", "uri": format!("/{kind}/{id}") });
    if let Some(external_id) = external_id {
        subject["externalId"] = external_id.into();
    }
    subject
}
