//! What the audit log can say: one word for each thing that happens.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $title:literal;)*) => {
        /// Something that happened and is kept in the audit log.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum AuditAction { $($(#[$doc])* #[serde(rename = $code)] $name,)* }

        impl AuditAction {
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
    /// A provisioning token was issued.
    TokenIssued = "token.issued", "Token issued";
    /// A provisioning token was revoked.
    TokenRevoked = "token.revoked", "Token revoked";
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_names_its_action() {
        assert_eq!(AuditAction::AccessEnded.code().parse(), Ok(AuditAction::AccessEnded));
        assert_eq!("nothing".parse::<AuditAction>(), Err(()));
    }
}
