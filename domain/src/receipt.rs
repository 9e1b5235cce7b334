//! What a receipt of an offboarding speaks of: why access ended, what ended with it, and which of the organisation's own
//! secrets the leaver knows.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{ReceiptId, ServiceCredentialId, Timestamp, TokenId, WebhookEndpointId};

/// Why access ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The directory set `active` to false.
    DirectoryDeactivated,
    /// The directory deleted the user.
    DirectoryDeleted,
    /// Somebody removed the member by hand.
    RemovedByHand,
}

impl Cause {
    const ALL: [Self; 3] = [Self::DirectoryDeactivated, Self::DirectoryDeleted, Self::RemovedByHand];

    /// The cause as it is stored and exported; never changed once released.
    pub fn code(self) -> &'static str {
        match self {
            Self::DirectoryDeactivated => "directory_deactivated",
            Self::DirectoryDeleted => "directory_deleted",
            Self::RemovedByHand => "removed_by_hand",
        }
    }

    /// The cause for people, as the end of a sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::DirectoryDeactivated => "deactivated in the directory",
            Self::DirectoryDeleted => "deleted in the directory",
            Self::RemovedByHand => "removed by hand",
        }
    }

    /// Whether an identity provider asked for it.
    pub fn is_directory(self) -> bool {
        self != Self::RemovedByHand
    }
}

impl FromStr for Cause {
    type Err = ();
    fn from_str(code: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|cause| cause.code() == code).ok_or(())
    }
}

/// What an audit event calls the receipt that tells more of it.
pub const DETAIL: &str = "receipt";

/// An event's details without its receipt, and the receipt.
pub fn split(details: Vec<(String, String)>) -> (Vec<(String, String)>, Option<ReceiptId>) {
    let (receipt, rest): (Vec<_>, Vec<_>) = details.into_iter().partition(|(name, _)| name == DETAIL);
    (rest, receipt.first().and_then(|(_, id)| id.parse().ok()))
}

/// How many of a kind ended. The kind is named as the audit log names it: `sessions`, `API sessions`.
pub type Count = (String, i64);

/// A kind of [`Count`] as it is exported: `api_sessions`.
pub fn code_of(kind: &str) -> String {
    kind.to_lowercase().replace(' ', "_")
}

/// A secret of the organisation's own: it outlives whoever issued it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "id", rename_all = "snake_case")]
pub enum OrgSecret {
    /// What an identity provider proves itself with.
    ProvisioningToken(TokenId),
    /// What a service asks with.
    ServiceCredential(ServiceCredentialId),
    /// What an endpoint's deliveries are signed with.
    WebhookSecret(WebhookEndpointId),
}

impl OrgSecret {
    /// Its kind as it is exported.
    pub fn code(self) -> &'static str {
        match self {
            Self::ProvisioningToken(_) => "provisioning_token",
            Self::ServiceCredential(_) => "service_credential",
            Self::WebhookSecret(_) => "webhook_secret",
        }
    }

    /// Its kind for people.
    pub fn kind(self) -> &'static str {
        match self {
            Self::ProvisioningToken(_) => "Provisioning token",
            Self::ServiceCredential(_) => "Service credential",
            Self::WebhookSecret(_) => "Webhook secret",
        }
    }

    /// What the audit log calls those that a leaver knows.
    pub fn issued(self) -> &'static str {
        match self {
            Self::ProvisioningToken(_) => "provisioning tokens she issued, to be replaced",
            Self::ServiceCredential(_) => "service credentials she issued, to be replaced",
            Self::WebhookSecret(_) => "webhook secrets she has seen, to be replaced",
        }
    }

    /// Its id, as text.
    pub fn id(self) -> String {
        match self {
            Self::ProvisioningToken(id) => id.to_string(),
            Self::ServiceCredential(id) => id.to_string(),
            Self::WebhookSecret(id) => id.to_string(),
        }
    }

    /// What every secret of this kind begins with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::ProvisioningToken(_) => "rcs_",
            Self::ServiceCredential(_) => "rcv_",
            Self::WebhookSecret(_) => "whsec_",
        }
    }
}

/// A secret that somebody knows, as it was told apart when she left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownSecret {
    /// Which one.
    #[serde(flatten)]
    pub secret: OrgSecret,
    /// What it was called.
    pub name: String,
    /// Its last four characters.
    pub hint: String,
}

/// What has become of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SecretState {
    /// It works, and whoever knows it can use it.
    Live,
    /// Another was issued in its place; it works until then.
    Retiring {
        /// When it stops.
        until: Timestamp,
    },
    /// Another was issued in its place.
    Replaced {
        /// When it stopped.
        at: Timestamp,
    },
    /// It was revoked.
    Revoked {
        /// When.
        at: Timestamp,
    },
    /// It has outlived its time.
    Expired {
        /// When it ended.
        at: Timestamp,
    },
    /// It is not kept any more.
    Gone,
}

impl SecretState {
    /// Whether whoever knows it can use it.
    pub fn works(self) -> bool {
        matches!(self, Self::Live | Self::Retiring { .. })
    }

    /// The state as it is exported, and since or until when it is so.
    pub fn code(self) -> (&'static str, Option<Timestamp>) {
        match self {
            Self::Live => ("live", None),
            Self::Retiring { until } => ("retiring", Some(until)),
            Self::Replaced { at } => ("replaced", Some(at)),
            Self::Revoked { at } => ("revoked", Some(at)),
            Self::Expired { at } => ("expired", Some(at)),
            Self::Gone => ("gone", None),
        }
    }

    /// The state at `now` of a secret for which another may have been issued (`retires_at`), that may have been revoked and
    /// may end by itself.
    pub fn at(now: Timestamp, revoked_at: Option<Timestamp>, retires_at: Option<Timestamp>, expires_at: Option<Timestamp>) -> Self {
        match (revoked_at, retires_at, expires_at) {
            (Some(at), Some(retires), _) if retires <= at => Self::Replaced { at: retires },
            (Some(at), ..) => Self::Revoked { at },
            (None, _, Some(at)) if at <= now && retires_at.is_none_or(|retires| at <= retires) => Self::Expired { at },
            (None, Some(at), _) if at <= now => Self::Replaced { at },
            (None, Some(until), _) => Self::Retiring { until },
            (None, None, _) => Self::Live,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_names_its_cause() {
        for cause in Cause::ALL {
            assert_eq!(cause.code().parse(), Ok(cause));
            assert_eq!(serde_json::to_value(cause).unwrap(), cause.code());
        }
        assert_eq!("nothing".parse::<Cause>(), Err(()));
    }

    #[test]
    fn a_kind_has_one_code() {
        assert_eq!(code_of("API sessions"), "api_sessions");
        assert_eq!(code_of("sessions"), "sessions");
    }

    #[test]
    fn a_secret_ends_by_whatever_comes_first() {
        let at = |micros| Timestamp::from_micros(micros);
        let state = |revoked: Option<i64>, retires: Option<i64>, expires| {
            SecretState::at(at(10), revoked.map(at), retires.map(at), Some(at(expires)))
        };
        assert_eq!(state(None, None, 20), SecretState::Live);
        assert_eq!(state(None, Some(11), 20), SecretState::Retiring { until: at(11) });
        assert_eq!(state(None, Some(10), 20), SecretState::Replaced { at: at(10) });
        assert_eq!(state(Some(5), None, 20), SecretState::Revoked { at: at(5) });
        assert_eq!(state(Some(5), Some(5), 20), SecretState::Replaced { at: at(5) });
        assert_eq!(state(Some(5), Some(20), 20), SecretState::Revoked { at: at(5) }, "before it would have retired");
        assert_eq!(state(None, None, 10), SecretState::Expired { at: at(10) });
        assert_eq!(state(None, Some(9), 10), SecretState::Replaced { at: at(9) });
        assert_eq!(state(None, Some(10), 9), SecretState::Expired { at: at(9) });
        assert_eq!(SecretState::at(at(10), None, None, None), SecretState::Live);
    }

    #[test]
    fn a_known_secret_is_one_object() {
        let id: TokenId = "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10".parse().unwrap();
        let known = KnownSecret { secret: OrgSecret::ProvisioningToken(id), name: "Okta".to_owned(), hint: "abcd".to_owned() };
        let json = serde_json::json!({ "kind": "provisioning_token", "id": id, "name": "Okta", "hint": "abcd" });
        assert_eq!(serde_json::to_value(&known).unwrap(), json);
        assert_eq!(serde_json::from_value::<KnownSecret>(json).unwrap(), known);
    }
}
