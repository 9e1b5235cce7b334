//! What an organisation's own systems are told: the types of events, and how they may be delivered.

use std::{collections::BTreeSet, fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{Invalid, audit::AuditAction};

/// How long a delivery is tried again before it counts as dead.
pub const RETRIED_FOR: Duration = Duration::from_secs(24 * 3_600);
/// The most endpoints of an organisation.
pub const MOST_ENDPOINTS: usize = 10;
/// The longest address of an endpoint, in characters.
pub const LONGEST_URL: usize = 2_000;

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $title:literal;)*) => {
        /// Something that an endpoint can be told.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum EventType { $($(#[$doc])* #[serde(rename = $code)] $name,)* }

        impl EventType {
            /// Every type.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The type as receivers see it; never changed once released.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The type for people.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

events! {
    /// A membership began.
    MemberJoined = "member.joined", "A member joined";
    /// Something about a member changed: her name, a block, that she activated her access.
    MemberChanged = "member.changed", "A member changed";
    /// A membership ended, with everything that hung off it.
    MemberLeft = "member.left", "A member left";
    /// What gives a member roles changed: by hand, by a group, by a mapping.
    RoleChanged = "role.changed", "Roles of a member changed";
    /// Sessions of a member were ended, one or all of them: not by signing out, but because they are not to go on.
    SessionRevoked = "session.revoked", "Sessions were revoked";
    /// A token or another credential was issued.
    TokenIssued = "token.issued", "A token was issued";
    /// A credential took the place of another.
    TokenRotated = "token.rotated", "A token was rotated";
    /// A credential was revoked.
    TokenRevoked = "token.revoked", "A token was revoked";
    /// The directory created a user.
    UserCreated = "user.created", "A directory user was created";
    /// The directory changed a user.
    UserChanged = "user.changed", "A directory user changed";
    /// The directory deleted a user.
    UserDeleted = "user.deleted", "A directory user was deleted";
    /// The directory created a group.
    GroupCreated = "group.created", "A group was created";
    /// The directory changed a group, or who is in it.
    GroupChanged = "group.changed", "A group changed";
    /// The directory deleted a group.
    GroupDeleted = "group.deleted", "A group was deleted";
    /// A mapping was made.
    MappingCreated = "mapping.created", "A mapping was created";
    /// A mapping was paused, resumed, confirmed, or bound to its group.
    MappingChanged = "mapping.changed", "A mapping changed";
    /// A mapping was deleted, or closed because its group was.
    MappingDeleted = "mapping.deleted", "A mapping was deleted";
    /// Nothing happened: somebody wanted to see whether an endpoint hears us.
    Test = "webhook.test", "A test";
}

impl EventType {
    /// The types that an endpoint can choose from, in the order in which people read them. A test goes to every endpoint.
    pub fn choices() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|event| *event != Self::Test)
    }

    /// What it is about; a test is about nothing.
    pub fn group(self) -> Option<EventGroup> {
        Some(match self {
            Self::MemberJoined | Self::MemberChanged | Self::MemberLeft | Self::RoleChanged => EventGroup::Members,
            Self::SessionRevoked | Self::TokenIssued | Self::TokenRotated | Self::TokenRevoked => EventGroup::Credentials,
            Self::UserCreated | Self::UserChanged | Self::UserDeleted => EventGroup::Directory,
            Self::GroupCreated | Self::GroupChanged | Self::GroupDeleted => EventGroup::Directory,
            Self::MappingCreated | Self::MappingChanged | Self::MappingDeleted => EventGroup::Mappings,
            Self::Test => return None,
        })
    }

    /// What of an entry of the audit log endpoints are told, in this order. Nothing, if it is nobody's business outside.
    pub fn of(action: AuditAction) -> &'static [Self] {
        use AuditAction as A;
        match action {
            A::AccessBegan => &[Self::MemberJoined],
            A::AccessEnded => &[Self::SessionRevoked, Self::MemberLeft],
            A::MemberBlocked => &[Self::SessionRevoked, Self::MemberChanged],
            A::MemberUnblocked | A::ProfileChanged | A::Activated => &[Self::MemberChanged],
            A::RoleGranted | A::RoleRevoked | A::SeatGiven | A::SeatRemoved => &[Self::RoleChanged],
            A::SessionsEnded | A::ApiSessionEnded | A::RefreshReplayed => &[Self::SessionRevoked],
            // Whoever has hold of her sessions loses them.
            A::PasswordChanged | A::PasswordReset | A::SecondFactorReset => &[Self::SessionRevoked],
            A::TokenIssued | A::PersonalTokenIssued | A::ServiceCredentialIssued | A::ApiSessionBegan => &[Self::TokenIssued],
            A::TokenRotated | A::WebhookSecretRotated | A::ServiceCredentialRotated => &[Self::TokenRotated],
            A::TokenRevoked | A::PersonalTokenRevoked | A::ServiceCredentialRevoked => &[Self::TokenRevoked],
            A::UserCreated => &[Self::UserCreated],
            A::UserChanged => &[Self::UserChanged],
            A::UserDeleted => &[Self::UserDeleted],
            A::GroupCreated => &[Self::GroupCreated],
            A::GroupChanged => &[Self::GroupChanged],
            A::GroupDeleted => &[Self::GroupDeleted],
            A::MappingCreated => &[Self::MappingCreated],
            A::MappingPaused | A::MappingResumed | A::MappingBound | A::MappingConfirmed => &[Self::MappingChanged],
            A::MappingClosed | A::MappingDeleted => &[Self::MappingDeleted],
            _ => &[],
        }
    }

    /// Whether it takes something away: such events are delivered before all others.
    pub fn is_urgent(self) -> bool {
        matches!(self, Self::MemberLeft | Self::SessionRevoked | Self::TokenRevoked)
    }

    /// The event's name in a Security Event Token (RFC 8417), if there is one: CAEP's session-revoked, and those of SCIM
    /// (RFC 9967 §2). What has no such name goes to no endpoint that takes these tokens.
    pub fn set_uri(self) -> Option<&'static str> {
        Some(match self {
            Self::SessionRevoked => "https://schemas.openid.net/secevent/caep/event-type/session-revoked",
            Self::MemberJoined => "urn:ietf:params:scim:event:prov:activate",
            Self::MemberLeft => "urn:ietf:params:scim:event:prov:deactivate",
            Self::UserCreated | Self::GroupCreated => "urn:ietf:params:scim:event:prov:create:notice",
            Self::UserChanged | Self::GroupChanged => "urn:ietf:params:scim:event:prov:patch:notice",
            Self::UserDeleted | Self::GroupDeleted => "urn:ietf:params:scim:event:prov:delete",
            Self::Test => "https://schemas.openid.net/secevent/ssf/event-type/verification",
            _ => return None,
        })
    }
}

/// What events are about, as people choose among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventGroup {
    /// Who is in, and what she may do.
    Members,
    /// What lets somebody act.
    Credentials,
    /// What the identity provider pushes.
    Directory,
    /// What groups give.
    Mappings,
}

impl EventGroup {
    /// Every group, in the order in which people read them.
    pub const ALL: [Self; 4] = [Self::Members, Self::Credentials, Self::Directory, Self::Mappings];

    /// The group for people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Members => "Members",
            Self::Credentials => "Sessions and tokens",
            Self::Directory => "Directory",
            Self::Mappings => "Mappings",
        }
    }

    /// The types in it.
    pub fn types(self) -> impl Iterator<Item = EventType> {
        EventType::choices().filter(move |event| event.group() == Some(self))
    }
}

impl FromStr for EventType {
    type Err = ();
    fn from_str(code: &str) -> Result<Self, ()> {
        Self::ALL.iter().copied().find(|event| event.code() == code).ok_or(())
    }
}

/// How an endpoint takes its events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointFormat {
    /// JSON, signed with a shared secret as the Standard Webhooks specification says.
    #[default]
    Webhook,
    /// A Security Event Token (RFC 8417), signed with the published key and pushed as RFC 8935 says.
    Set,
}

impl EndpointFormat {
    /// Every format.
    pub const ALL: [Self; 2] = [Self::Webhook, Self::Set];

    /// As it is stored and sent by forms.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Set => "set",
        }
    }

    /// For people.
    pub fn title(self) -> &'static str {
        match self {
            Self::Webhook => "Standard Webhooks (JSON)",
            Self::Set => "Security Event Tokens (RFC 8935)",
        }
    }

    /// Whether events of this type can be told in this format.
    pub fn carries(self, event: EventType) -> bool {
        self == Self::Webhook || event.set_uri().is_some()
    }
}

impl FromStr for EndpointFormat {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        Self::ALL.into_iter().find(|format| format.as_str() == text).ok_or_else(|| Invalid::new("format", "Choose one of the formats."))
    }
}

/// Which events an endpoint is told. An empty choice is all of them, those of later versions included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventTypes(BTreeSet<EventType>);

impl EventTypes {
    /// Whether every event is meant.
    pub fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this one is meant.
    pub fn contains(&self, event: EventType) -> bool {
        self.is_all() || event == EventType::Test || self.0.contains(&event)
    }

    /// Those that were chosen; none if all are meant.
    pub fn chosen(&self) -> impl Iterator<Item = EventType> + '_ {
        self.0.iter().copied()
    }
}

impl FromIterator<EventType> for EventTypes {
    fn from_iter<I: IntoIterator<Item = EventType>>(types: I) -> Self {
        Self(types.into_iter().collect())
    }
}

impl FromStr for EventTypes {
    type Err = Invalid;
    /// Codes with commas between them.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let codes = text.split(',').map(str::trim).filter(|code| !code.is_empty());
        let types = codes.map(|code| code.parse().map_err(|()| Invalid::new("types", &format!("{code} is no type of event."))));
        types.collect()
    }
}

impl TryFrom<String> for EventTypes {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<EventTypes> for String {
    fn from(types: EventTypes) -> Self {
        types.to_string()
    }
}

impl fmt::Display for EventTypes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes: Vec<_> = self.0.iter().map(|event| event.code()).collect();
        f.write_str(&codes.join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_choice_reads_back_and_an_empty_one_is_everything() {
        let some: EventTypes = "member.left, session.revoked".parse().unwrap();
        assert_eq!(some.to_string().parse::<EventTypes>().unwrap(), some);
        assert!(some.contains(EventType::MemberLeft) && !some.contains(EventType::MemberJoined));
        let all: EventTypes = "".parse().unwrap();
        assert!(EventType::ALL.iter().all(|event| all.contains(*event)));
        assert!("member.left,nothing".parse::<EventTypes>().is_err());
    }

    #[test]
    fn whatever_can_be_chosen_stands_in_one_group() {
        let mut grouped: Vec<_> = EventGroup::ALL.into_iter().flat_map(EventGroup::types).collect();
        grouped.sort();
        assert_eq!(grouped, EventType::choices().collect::<Vec<_>>());
    }

    #[test]
    fn leaving_is_told_at_once_and_in_both_formats() {
        for event in EventType::of(AuditAction::AccessEnded) {
            assert!(event.is_urgent() && EndpointFormat::Set.carries(*event) && EndpointFormat::Webhook.carries(*event), "{event:?}");
        }
        assert!(!EndpointFormat::Set.carries(EventType::TokenIssued));
    }
}
