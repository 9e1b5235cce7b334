//! What the audit log can say: one word for each thing that happens.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{
    Invalid, MemberId,
    activity::{Period, words},
};

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $title:literal;)*) => {
        /// Something that happened and is kept in the audit log.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum AuditAction { $($(#[$doc])* #[serde(rename = $code)] $name,)* }

        impl AuditAction {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The action as it is stored and exported; never changed once released.
            pub fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// The action for people.
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }

        impl FromStr for AuditAction {
            type Err = ();
            fn from_str(code: &str) -> Result<Self, ()> {
                match code { $($code => Ok(Self::$name),)* _ => Err(()) }
            }
        }
    };
}

actions! {
    /// An organisation and its first owner came to be.
    OrganisationFounded = "organisation.founded", "Organisation founded";
    /// Someone signed in.
    SignedIn = "sign_in.succeeded", "Signed in";
    /// A sign-in with a wrong password, or one that was throttled.
    SignInFailed = "sign_in.failed", "Sign-in failed";
    /// Someone signed out.
    SignedOut = "sign_in.ended", "Signed out";
    /// An owner switched SCIM on.
    ScimEnabled = "scim.enabled", "SCIM enabled";
    /// An owner switched SCIM off.
    ScimDisabled = "scim.disabled", "SCIM disabled";
    /// A SCIM request to this organisation's URL without a valid token.
    ScimAuthenticationFailed = "scim.authentication_failed", "SCIM authentication failed";
    /// A program or a service was shown a secret of this organisation, or of one of its people, that is no good, or its id with a wrong one.
    ApiAuthenticationFailed = "api.authentication_failed", "API authentication failed";
    /// A provisioning token was issued.
    TokenIssued = "token.issued", "Token issued";
    /// A provisioning token was revoked.
    TokenRevoked = "token.revoked", "Token revoked";
    /// A second provisioning token was issued in the place of one that goes on for a while.
    TokenRotated = "token.rotated", "Token rotated";
    /// The networks from which a provisioning token may be used were changed.
    TokenRestricted = "token.restricted", "Token’s networks changed";
    /// The directory created a user.
    UserCreated = "user.created", "User created";
    /// The directory changed a user.
    UserChanged = "user.changed", "User changed";
    /// The directory deleted a user.
    UserDeleted = "user.deleted", "User deleted";
    /// The directory created a group.
    GroupCreated = "group.created", "Group created";
    /// The directory changed a group or who is in it.
    GroupChanged = "group.changed", "Group changed";
    /// The directory deleted a group.
    GroupDeleted = "group.deleted", "Group deleted";
    /// A membership began.
    AccessBegan = "access.began", "Access began";
    /// A membership ended, with everything that hung off it.
    AccessEnded = "access.ended", "Access ended";
    /// Ending a membership was refused: an organisation keeps an active owner.
    LastOwnerKept = "access.last_owner_kept", "Last owner kept";
    /// A directory record matches a member whom no directory may take over (law 2).
    LinkRefused = "user.link_refused", "Link to a member refused";
    /// An activation mail was asked for again.
    ActivationResent = "activation.resent", "Activation mail sent again";
    /// A person followed her activation link and can sign in.
    Activated = "activation.completed", "Activated";
    /// Somebody proved with her password that it is still she who sits there.
    PasswordConfirmed = "sign_in.confirmed", "Password confirmed";
    /// Somebody changed her password, knowing the one before.
    PasswordChanged = "password.changed", "Password changed";
    /// Somebody set her password anew by a mailed link.
    PasswordReset = "password.reset", "Password reset";
    /// Somebody set up a second factor, or another in its place.
    SecondFactorOn = "second_factor.on", "Second factor set up";
    /// Somebody turned her second factor off.
    SecondFactorOff = "second_factor.off", "Second factor turned off";
    /// Somebody made new recovery codes; the ones before do not work any more.
    RecoveryCodesRenewed = "second_factor.codes_renewed", "Recovery codes renewed";
    /// The operator took a second factor away from somebody who had lost it.
    SecondFactorReset = "second_factor.reset", "Second factor reset";
    /// Whether members who sign in with a password need a second factor was changed.
    SecondFactorPolicyChanged = "security.second_factor_changed", "Second factor policy changed";
    /// A role was granted by hand.
    RoleGranted = "role.granted", "Role granted";
    /// A role that was granted by hand was taken away.
    RoleRevoked = "role.revoked", "Role revoked";
    /// A member is kept for emergencies from now on: no directory takes her over.
    BreakGlassSet = "member.break_glass_set", "Kept for emergencies";
    /// A member is not kept for emergencies any more.
    BreakGlassCleared = "member.break_glass_cleared", "No longer kept for emergencies";
    /// Somebody was invited by hand.
    MemberInvited = "member.invited", "Invited";
    /// A member was blocked by hand.
    MemberBlocked = "member.blocked", "Blocked";
    /// A block by hand was lifted.
    MemberUnblocked = "member.unblocked", "Unblocked";
    /// The profile of a member whom no directory manages was changed.
    ProfileChanged = "member.profile_changed", "Profile changed";
    /// Sessions of a member were ended by hand.
    SessionsEnded = "session.ended", "Sessions ended";
    /// An owner let a directory record act on a member whom it could not take over by itself (law 2).
    LinkApproved = "user.link_approved", "Link to a member approved";
    /// An owner refused that for good.
    LinkDeclined = "user.link_declined", "Link to a member declined";
    /// A mapping of a group was made.
    MappingCreated = "mapping.created", "Mapping created";
    /// A mapping gives nothing for a while.
    MappingPaused = "mapping.paused", "Mapping paused";
    /// A paused mapping gives again.
    MappingResumed = "mapping.resumed", "Mapping resumed";
    /// A mapping that waited for its group was bound to it.
    MappingBound = "mapping.bound", "Mapping bound to its group";
    /// An owner let a mapping act that had waited for its group.
    MappingConfirmed = "mapping.confirmed", "Mapping confirmed";
    /// The group of a mapping was deleted by the directory.
    MappingClosed = "mapping.closed", "Mapping closed";
    /// A mapping was deleted.
    MappingDeleted = "mapping.deleted", "Mapping deleted";
    /// A team was created.
    TeamCreated = "team.created", "Team created";
    /// A team was renamed.
    TeamRenamed = "team.renamed", "Team renamed";
    /// A team was deleted, with its seats.
    TeamDeleted = "team.deleted", "Team deleted";
    /// A seat in a team was given by hand, or changed.
    SeatGiven = "seat.given", "Seat given";
    /// A seat that was given by hand was taken away.
    SeatRemoved = "seat.removed", "Seat removed";
    /// An agent was created.
    AgentCreated = "agent.created", "Agent created";
    /// An agent was changed.
    AgentChanged = "agent.changed", "Agent changed";
    /// An agent was deleted.
    AgentDeleted = "agent.deleted", "Agent deleted";
    /// A device was let in: its client gets tokens.
    DeviceApproved = "device.approved", "Device let in";
    /// A device that asked was not let in.
    DeviceDenied = "device.denied", "Device not let in";
    /// A client that was let in got its first tokens.
    ApiSessionBegan = "api_session.began", "API session began";
    /// A client's tokens were ended.
    ApiSessionEnded = "api_session.ended", "API session ended";
    /// A refresh token was shown a second time, and its session ended with all its tokens.
    RefreshReplayed = "api_session.replayed", "Refresh token replayed";
    /// A person made a token for herself.
    PersonalTokenIssued = "personal_token.issued", "Personal token issued";
    /// A personal token was ended.
    PersonalTokenRevoked = "personal_token.revoked", "Personal token revoked";
    /// A service of the organisation may ask about its tokens.
    ServiceCredentialIssued = "service_credential.issued", "Service credential issued";
    /// It may not any more.
    ServiceCredentialRevoked = "service_credential.revoked", "Service credential revoked";
    /// Events are sent to another endpoint.
    WebhookCreated = "webhook.created", "Webhook endpoint created";
    /// What an endpoint is told, or its name, was changed; or it was switched on or off.
    WebhookChanged = "webhook.changed", "Webhook endpoint changed";
    /// Nothing is sent to an endpoint any more.
    WebhookDeleted = "webhook.deleted", "Webhook endpoint deleted";
    /// An endpoint's secret was rotated.
    WebhookSecretRotated = "webhook.secret_rotated", "Webhook secret rotated";
    /// Deliveries that were given up were sent again.
    WebhookReplayed = "webhook.replayed", "Webhook deliveries sent again";
    /// Another was issued in its place.
    ServiceCredentialRotated = "service_credential.rotated", "Service credential rotated";
    /// A deprovision drill began.
    DrillStarted = "drill.started", "Deprovision drill started";
    /// A deprovision drill ended, and how.
    DrillFinished = "drill.finished", "Deprovision drill finished";
    /// Who may use an agent was changed.
    AgentAccessChanged = "agent.access_changed", "Access to an agent changed";
    /// For how long SCIM requests are kept was changed.
    ActivityRetentionChanged = "activity.retention_changed", "Keeping of SCIM requests changed";
    /// Somebody took the audit log away as a file.
    AuditExported = "audit.exported", "Audit log exported";
    /// The log of SCIM requests was taken away as a file.
    ActivityExported = "activity.exported", "SCIM activity exported";
    /// For how long the audit log is kept was changed.
    AuditRetentionChanged = "audit.retention_changed", "Keeping of the audit log changed";
    /// Old batches of the audit log are gone, as the organisation wanted it.
    AuditCleared = "audit.cleared", "Old audit entries cleared";
}

words! {
    /// Actions that one looks for together.
    AuditGroup {
        /// Who got in, and who did not.
        SignIn = "sign-in", "Sign-in and sessions";
        /// Who has access and which role.
        People = "people", "People and roles";
        /// What the directory did.
        Directory = "directory", "Directory";
        /// Groups' mappings, teams and agents.
        Access = "access", "Mappings, teams, agents";
        /// Tokens and credentials.
        Tokens = "tokens", "Tokens and API access";
        /// Webhooks, drills, and for how long things are kept.
        Settings = "settings", "Settings";
    }
}

impl AuditGroup {
    /// Where an action belongs, by the first word of its code.
    pub fn of(action: AuditAction) -> Option<Self> {
        Some(match action.code().split('.').next()? {
            "sign_in" | "session" | "activation" | "password" | "second_factor" => Self::SignIn,
            "access" | "member" | "role" => Self::People,
            "user" | "group" => Self::Directory,
            "mapping" | "team" | "seat" | "agent" => Self::Access,
            "scim" | "api" | "token" | "device" | "api_session" | "personal_token" | "service_credential" => Self::Tokens,
            "organisation" | "security" | "webhook" | "drill" | "activity" | "audit" => Self::Settings,
            _ => return None,
        })
    }
}

/// Which events are looked for. What is absent is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuditFilter {
    /// Actions of this group.
    pub group: Option<AuditGroup>,
    /// Done by this member, or to her.
    pub member: Option<MemberId>,
    /// Within this time.
    pub period: Option<Period>,
    /// A part of the name of who did it or to whom or what, of an action, or a request's id.
    pub search: Option<String>,
}

impl AuditFilter {
    /// The longest text that is looked for.
    pub const LONGEST_SEARCH: usize = 300;

    /// The filter in an address, whose values `get` knows. What is no value of ours is not asked for.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let search = get("search").map(|text| text.trim().chars().take(Self::LONGEST_SEARCH).collect::<String>());
        Self {
            group: get("group").and_then(|word| word.parse().ok()),
            member: get("member").and_then(|id| id.parse().ok()),
            period: get("period").and_then(|word| word.parse().ok()),
            search: search.filter(|text| !text.is_empty()),
        }
    }

    /// The filter as it stands in an address: names and values, those that are empty too.
    pub fn pairs(&self) -> [(&'static str, String); 4] {
        let word = |word: Option<&str>| word.unwrap_or_default().to_owned();
        [
            ("search", word(self.search.as_deref())),
            ("group", word(self.group.map(AuditGroup::as_str))),
            ("member", self.member.map(|member| member.to_string()).unwrap_or_default()),
            ("period", word(self.period.map(Period::as_str))),
        ]
    }
}

/// For how long the audit log is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AuditYears {
    /// A year.
    One,
    /// Two.
    Two,
    /// Seven.
    Seven,
    /// As long as the organisation is here.
    #[default]
    ForEver,
}

impl AuditYears {
    /// Every choice.
    pub const ALL: [Self; 4] = [Self::One, Self::Two, Self::Seven, Self::ForEver];

    /// The number of years, if it has an end.
    pub fn years(self) -> Option<i64> {
        match self {
            Self::One => Some(1),
            Self::Two => Some(2),
            Self::Seven => Some(7),
            Self::ForEver => None,
        }
    }

    /// The choice of this many years.
    pub fn of(years: Option<i64>) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| choice.years() == years)
    }

    /// As it stands in a form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::One => "1",
            Self::Two => "2",
            Self::Seven => "7",
            Self::ForEver => "ever",
        }
    }
}

impl FromStr for AuditYears {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let choice = Self::ALL.into_iter().find(|choice| choice.as_str() == text);
        choice.ok_or_else(|| Invalid::new("years", "Keep the audit log for 1, 2 or 7 years, or for ever."))
    }
}

impl std::fmt::Display for AuditYears {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::One => "1 year",
            Self::Two => "2 years",
            Self::Seven => "7 years",
            Self::ForEver => "for ever",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_in_a_group() {
        for action in AuditAction::ALL {
            assert!(AuditGroup::of(*action).is_some(), "{action:?}");
        }
    }

    #[test]
    fn a_filter_is_the_same_after_a_journey_through_an_address() {
        let filter = AuditFilter {
            group: Some(AuditGroup::People),
            member: Some("0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10".parse().unwrap()),
            period: Some(Period::Month),
            search: Some("Ines".to_owned()),
        };
        let pairs = filter.pairs();
        assert_eq!(AuditFilter::read(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone())), filter);
    }

    #[test]
    fn a_code_names_its_action() {
        assert_eq!(AuditAction::AccessEnded.code().parse(), Ok(AuditAction::AccessEnded));
        assert_eq!("nothing".parse::<AuditAction>(), Err(()));
    }
}
