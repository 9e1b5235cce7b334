//! Which role a member holds in an organisation.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A role in an organisation; the order is the order of power.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrgRole {
    /// Uses what she was given.
    Member,
    /// Reads settings and the audit log.
    Auditor,
    /// Manages people and agents.
    Admin,
    /// Everything, security settings among it. Only ever granted by hand (law 2).
    Owner,
}

impl OrgRole {
    /// The role as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

impl FromStr for OrgRole {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Member, Self::Auditor, Self::Admin, Self::Owner].into_iter().find(|role| role.as_str() == text).ok_or(())
    }
}

impl fmt::Display for OrgRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Member => "Member",
            Self::Auditor => "Auditor",
            Self::Admin => "Admin",
            Self::Owner => "Owner",
        })
    }
}

/// The role in force for someone with these manual grants: the strongest, and never less than `member`, which is
/// everybody's base role.
pub fn effective_role(granted: impl IntoIterator<Item = OrgRole>) -> OrgRole {
    granted.into_iter().fold(OrgRole::Member, OrgRole::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_grant_counts_and_the_base_is_member() {
        assert_eq!(effective_role([]), OrgRole::Member);
        assert_eq!(effective_role([OrgRole::Auditor, OrgRole::Owner, OrgRole::Admin]), OrgRole::Owner);
    }
}
