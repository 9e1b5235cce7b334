//! Which role a member holds in an organisation, and in a team.
//!
//! A role comes from three places: everybody is a member; an administrator grants more by hand; and a group that the identity
//! provider pushes can be mapped to more. The strongest counts, so leaving a group never takes away what was granted by hand.

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
    /// Every role, weakest first.
    pub const ALL: [Self; 4] = [Self::Member, Self::Auditor, Self::Admin, Self::Owner];

    /// The role as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }

    /// Whether somebody of this role may give `other` to people, take it away, or end the access of who holds it: what is
    /// below her own role, and for an owner everything. Nobody raises anyone to where she herself stands.
    pub fn reaches(self, other: Self) -> bool {
        self == Self::Owner || other < self
    }
}

impl FromStr for OrgRole {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(())
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

/// A role that a group of the directory can be mapped to. There is no owner among them, and no way to make one (law 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MappableRole {
    /// What everybody is anyway.
    Member,
    /// Reads settings and the audit log.
    Auditor,
    /// Manages people and agents.
    Admin,
}

impl MappableRole {
    /// Every role that a group can give, weakest first.
    pub const ALL: [Self; 3] = [Self::Member, Self::Auditor, Self::Admin];
}

impl From<MappableRole> for OrgRole {
    fn from(role: MappableRole) -> Self {
        match role {
            MappableRole::Member => Self::Member,
            MappableRole::Auditor => Self::Auditor,
            MappableRole::Admin => Self::Admin,
        }
    }
}

impl FromStr for MappableRole {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|role| OrgRole::from(*role).as_str() == text).ok_or(())
    }
}

/// A role in a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TeamRole {
    /// Has a seat.
    Member,
    /// Manages the seats that were given by hand.
    Lead,
}

impl TeamRole {
    /// Both, weaker first.
    pub const ALL: [Self; 2] = [Self::Member, Self::Lead];

    /// The role as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Lead => "lead",
        }
    }
}

impl FromStr for TeamRole {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|role| role.as_str() == text).ok_or(())
    }
}

impl fmt::Display for TeamRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Member => "Member",
            Self::Lead => "Lead",
        })
    }
}

/// The role in force for someone with these grants by hand and these roles from groups: the strongest of them, and never
/// less than `member`, which is everybody's base role. An owner is made by a grant alone.
pub fn effective_role(granted: impl IntoIterator<Item = OrgRole>, mapped: impl IntoIterator<Item = MappableRole>) -> OrgRole {
    let mapped = mapped.into_iter().map(OrgRole::from);
    granted.into_iter().chain(mapped).fold(OrgRole::Member, OrgRole::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every combination of grants by hand and of roles from groups, against a table that says it in another way.
    #[test]
    fn the_strongest_source_counts_and_only_a_grant_makes_an_owner() {
        let subsets = |all: &[usize]| (0..1_u8 << all.len()).collect::<Vec<_>>();
        for grants in subsets(&[0, 1, 2]) {
            for groups in subsets(&[0, 1, 2]) {
                let pick = |set: u8, at: usize| set & (1 << at) != 0;
                let granted: Vec<_> = (0..3).filter(|at| pick(grants, *at)).map(|at| OrgRole::ALL[at + 1]).collect();
                let mapped: Vec<_> = (0..3).filter(|at| pick(groups, *at)).map(|at| MappableRole::ALL[at]).collect();
                let expected = if pick(grants, 2) {
                    OrgRole::Owner
                } else if pick(grants, 1) || pick(groups, 2) {
                    OrgRole::Admin
                } else if pick(grants, 0) || pick(groups, 1) {
                    OrgRole::Auditor
                } else {
                    OrgRole::Member
                };
                assert_eq!(effective_role(granted.clone(), mapped.clone()), expected, "{granted:?} {mapped:?}");
            }
        }
    }

    #[test]
    fn only_owners_reach_their_own_role() {
        for actor in OrgRole::ALL {
            for other in OrgRole::ALL {
                assert_eq!(actor.reaches(other), actor == OrgRole::Owner || actor > other, "{actor} {other}");
            }
        }
        assert!("owner".parse::<MappableRole>().is_err());
    }
}
