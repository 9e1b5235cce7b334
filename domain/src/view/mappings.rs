//! What groups give, and what would change if that were changed.

use serde::{Deserialize, Serialize};

use crate::{
    DirectoryGroupId, MappingId, MemberId, OrgRole, TeamId, TeamRole, Timestamp,
    mapping::{MappingAction, MappingState, MappingTarget},
};

/// Settings → Integrations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IntegrationsView {
    /// When this was read.
    pub now: Timestamp,
    /// The mappings, by the names of their groups.
    pub mappings: Vec<MappingView>,
    /// The groups to choose from, by name; at most a thousand, beyond which their names are typed.
    pub groups: Vec<GroupChoice>,
    /// Whether there are more groups than are listed.
    pub more_groups: bool,
    /// The teams to choose from, by name.
    pub teams: Vec<(TeamId, String)>,
    /// The roles that the viewer may map groups to; none when she may only look.
    pub roles: Vec<OrgRole>,
    /// Whether the viewer may change mappings at all.
    pub can_manage: bool,
    /// Whether SCIM is on.
    pub scim_on: bool,
}

/// A group to choose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupChoice {
    /// The group.
    pub id: DirectoryGroupId,
    /// Its name.
    pub name: String,
    /// How many are in it.
    pub members: u64,
}

/// A mapping in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingView {
    /// The mapping.
    pub id: MappingId,
    /// Its group, once that is there.
    pub group: Option<DirectoryGroupId>,
    /// The group's name: its present one, or the one that is waited for.
    pub group_name: String,
    /// What it gives.
    pub target: MappingTarget,
    /// The same in words: `Admin`, `Lead of Platform`.
    pub gives: String,
    /// Where it stands.
    pub state: MappingState,
    /// How many are in the group.
    pub members: u64,
    /// When it was made.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// Since when it is paused, and by whom.
    pub paused: Option<(Timestamp, String)>,
    /// What the viewer may do with it.
    pub may: Vec<MappingAction>,
}

/// What would change, counted and listed, before anything does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MappingPlan {
    /// Names exactly this plan: whoever applies it says so, and it is applied only if nothing has changed since.
    pub hash: String,
    /// What is to be done.
    pub action: MappingAction,
    /// With which mapping, when it exists.
    pub mapping: Option<MappingId>,
    /// The group, when it exists.
    pub group: Option<DirectoryGroupId>,
    /// The group's name.
    pub group_name: String,
    /// What the mapping gives.
    pub target: MappingTarget,
    /// The same in words.
    pub gives: String,
    /// How many gain something.
    pub gain: u64,
    /// How many lose something. Somebody can do both: agents are granted to exactly one role, not to stronger ones.
    pub lose: u64,
    /// How many in the group have access and notice nothing.
    pub unchanged: u64,
    /// How many in the group have no access at the moment: it would be theirs when they have.
    pub without_access: u64,
    /// The agents that come within or out of somebody's reach, by name: the agent, how many gain it, how many lose it.
    pub agents: Vec<(String, u64, u64)>,
    /// The people who gain or lose, by name: one page of them.
    pub people: Vec<PlannedChange>,
    /// That page, from 1.
    pub page: u64,
    /// People on a full page.
    pub page_size: u64,
    /// How many gain or lose in all.
    pub total: u64,
    /// Whether an owner has to confirm it once more when its group is there.
    pub needs_owner: bool,
    /// Whether applying it asks for a password within the last 15 minutes.
    pub needs_password: bool,
}

/// What would change for one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedChange {
    /// Who.
    pub member: MemberId,
    /// Her name.
    pub name: String,
    /// Her address.
    pub email: Option<String>,
    /// Her role before and after, when it changes.
    pub role: Option<(OrgRole, OrgRole)>,
    /// Her role in the team before and after, when it changes; none means no seat.
    pub team: Option<(Option<TeamRole>, Option<TeamRole>)>,
    /// The agents that she can use afterwards and could not before, by name.
    pub agents_gained: Vec<String>,
    /// The agents that she could use before and cannot afterwards, by name.
    pub agents_lost: Vec<String>,
}
