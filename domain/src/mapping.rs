//! What a group of the directory can give: a role in the organisation below owner, or a role in a team.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{MappableRole, OrgRole, TeamId, TeamRole};

/// What being in a mapped group gives. In text: `org:admin`, `team:{id}:lead`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum MappingTarget {
    /// A role in the organisation. Owner is not among them (law 2).
    Org(MappableRole),
    /// A role in a team.
    Team(TeamId, TeamRole),
}

impl MappingTarget {
    /// The role in the organisation that whoever makes, pauses or deletes such a mapping has to reach.
    pub fn reach(self) -> OrgRole {
        match self {
            Self::Org(role) => role.into(),
            Self::Team(..) => OrgRole::Member,
        }
    }

    /// What it gives, for people: `Admin`, `Lead of Platform`. `team` is the team's name, where it gives a seat.
    pub fn in_words(self, team: Option<&str>) -> String {
        match self {
            Self::Org(role) => OrgRole::from(role).to_string(),
            Self::Team(_, role) => format!("{role} of {}", team.unwrap_or("a team")),
        }
    }

    /// Whether only an owner can let a mapping give this that was made before its group existed.
    pub fn is_elevated(self) -> bool {
        matches!(self, Self::Org(MappableRole::Auditor | MappableRole::Admin))
    }
}

impl fmt::Display for MappingTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Org(role) => write!(f, "org:{}", OrgRole::from(*role).as_str()),
            Self::Team(team, role) => write!(f, "team:{team}:{}", role.as_str()),
        }
    }
}

impl FromStr for MappingTarget {
    type Err = NotATarget;
    fn from_str(text: &str) -> Result<Self, NotATarget> {
        let parts: Vec<_> = text.split(':').collect();
        match parts[..] {
            ["org", role] => role.parse().map(Self::Org).map_err(|()| NotATarget),
            ["team", team, role] => match (team.parse(), role.parse()) {
                (Ok(team), Ok(role)) => Ok(Self::Team(team, role)),
                _ => Err(NotATarget),
            },
            _ => Err(NotATarget),
        }
    }
}

impl TryFrom<String> for MappingTarget {
    type Error = NotATarget;
    fn try_from(text: String) -> Result<Self, NotATarget> {
        text.parse()
    }
}

impl From<MappingTarget> for String {
    fn from(target: MappingTarget) -> Self {
        target.to_string()
    }
}

/// Text that names nothing that a group can give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a group can give org:member, org:auditor, org:admin, or a role in a team; never owner")]
pub struct NotATarget;

/// What is to be done with a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MappingAction {
    /// Make it.
    Create,
    /// Let it give nothing for a while.
    Pause,
    /// Let it give again.
    Resume,
    /// An owner lets it act that was made before its group existed.
    Confirm,
    /// End it.
    Delete,
}

impl MappingAction {
    /// Every one of them.
    pub const ALL: [Self; 5] = [Self::Create, Self::Pause, Self::Resume, Self::Confirm, Self::Delete];

    /// As it stands in a URL.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Confirm => "confirm",
            Self::Delete => "delete",
        }
    }
}

impl FromStr for MappingAction {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|action| action.as_str() == text).ok_or(())
    }
}

/// Where a mapping stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MappingState {
    /// No group of this name has been pushed yet.
    Waiting,
    /// Its group is there; an owner has to look at what it gives first.
    Unconfirmed,
    /// It gives.
    Active,
    /// It gives nothing until it is resumed.
    Paused,
    /// Its group was deleted.
    Closed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_reads_as_it_was_written_and_is_never_owner() {
        for text in ["org:member", "org:admin", "team:0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10:lead"] {
            assert_eq!(text.parse::<MappingTarget>().unwrap().to_string(), text);
        }
        for text in ["org:owner", "org:", "team:x:lead", "team:0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10:owner", ""] {
            assert!(text.parse::<MappingTarget>().is_err(), "{text}");
        }
    }
}
