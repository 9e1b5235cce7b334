//! Ids are types: handing an account's id to something that wants a member's does not compile.
//!
//! Each is a UUID (version 7 where we make it, so that rows of one time lie together).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Text that is not an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an id")]
pub struct NotAnId;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl From<Uuid> for $name {
            fn from(uuid: Uuid) -> Self { Self(uuid) }
        }
        impl From<$name> for Uuid {
            fn from(id: $name) -> Self { id.0 }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{}({})", stringify!($name), self.0) }
        }
        impl FromStr for $name {
            type Err = NotAnId;
            /// Only the hyphenated lower-case form is an id: one thing has one name.
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                let uuid = Uuid::try_parse(text).map_err(|_| NotAnId)?;
                let canonical = uuid.hyphenated().encode_lower(&mut Uuid::encode_buffer()) == text;
                if canonical { Ok(Self(uuid)) } else { Err(NotAnId) }
            }
        }
    };
}

id!(/** A customer organisation: the boundary that no query may cross. */ OrgId);
id!(/** A person across all organisations: the account that signs in. */ AccountId);
id!(/** A person as one organisation knows her. Permanent: it outlives her access. */ MemberId);
id!(/** One stretch of live access of a member. A new one each time access begins; the parent of every credential. */ MembershipId);
id!(/** A SCIM User resource. */ DirectoryUserId);
id!(/** A SCIM Group resource. */ DirectoryGroupId);
id!(/** An organisation's connection to its identity provider. */ ConnectionId);
id!(/** A provisioning token (not its secret). */ TokenId);
id!(/** A team of an organisation. */ TeamId);
id!(/** An agent of an organisation. */ AgentId);
id!(/** What a group of the directory gives. */ MappingId);
id!(/** A client that a person let in, with its access and refresh tokens. */ ApiSessionId);
id!(/** A device that asks to be let in. */ DeviceRequestId);
id!(/** A token that a person made for herself (not its secret). */ PersonalTokenId);
id!(/** What a service of the organisation asks us with (not its secret). */ ServiceCredentialId);
id!(/** An entry of the audit log. */ AuditEventId);
id!(/** The receipt of an offboarding. */ ReceiptId);
id!(/** A mail in the queue. */ MailId);
id!(/** Somewhere that an organisation wants its events sent to. */ WebhookEndpointId);
id!(/** Something that happened, as endpoints are told of it. */ EventId);
id!(/** An event on its way to an endpoint. */ DeliveryId);
id!(/** A run of the deprovision drill. */ DrillId);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_one_spelling() {
        let text = "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10";
        assert_eq!(text.parse::<OrgId>().unwrap().to_string(), text);
        for other in
            ["0199C7E2-41D0-7D3A-9C1E-5A2F8E7B6D10", "0199c7e241d07d3a9c1e5a2f8e7b6d10", "{0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10}", ""]
        {
            assert!(other.parse::<OrgId>().is_err(), "{other}");
        }
    }
}
