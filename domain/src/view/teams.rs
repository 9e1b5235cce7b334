//! Teams.

use serde::{Deserialize, Serialize};

use crate::{AgentId, MappingId, MemberId, TeamId, TeamRole, Timestamp};

/// The list of teams.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamsView {
    /// When this was read.
    pub now: Timestamp,
    /// The teams, by name.
    pub teams: Vec<TeamRow>,
    /// Whether the viewer may create teams.
    pub can_manage: bool,
    /// Whether the viewer may know which groups give seats and which agents are granted: the numbers of both are 0 if not.
    pub can_see_sources: bool,
}

/// A team in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamRow {
    /// The team.
    pub id: TeamId,
    /// Its name.
    pub name: String,
    /// How many have a seat, however they came to it.
    pub members: u64,
    /// How many groups give seats in it.
    pub groups: u64,
    /// How many agents are granted to it.
    pub agents: u64,
    /// The viewer's own role in it.
    pub mine: Option<TeamRole>,
}

/// A team's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TeamPage {
    /// When this was read.
    pub now: Timestamp,
    /// The team.
    pub id: TeamId,
    /// Its name.
    pub name: String,
    /// When it was created.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// The seats by hand, by the names of the people: one page of them.
    pub by_hand: Vec<HandSeat>,
    /// How many there are in all.
    pub by_hand_total: u64,
    /// The seats that groups give, by the names of the people: one page of them.
    pub by_groups: Vec<GroupSeat>,
    /// How many there are in all.
    pub by_groups_total: u64,
    /// The page of both lists, from 1.
    pub page: u64,
    /// Seats on a full page.
    pub page_size: u64,
    /// The groups that give seats here: the mapping, the group's name, and which role it gives. None for a viewer who may not
    /// see what groups give.
    pub mappings: Vec<(MappingId, String, TeamRole)>,
    /// The agents granted to it, by name; those that the viewer may use, when she may not see them all.
    pub agents: Vec<(AgentId, String)>,
    /// How many mappings go with it, those that give nothing at the moment among them.
    pub mappings_total: u64,
    /// How many agents it answers for.
    pub agents_owned: u64,
    /// Whether the viewer may see what groups give.
    pub can_see_sources: bool,
    /// The viewer's own role in it.
    pub mine: Option<TeamRole>,
    /// Whether the viewer may give and take seats by hand.
    pub can_manage_seats: bool,
    /// Whether the viewer may rename and delete it.
    pub can_manage: bool,
    /// What people were searched for by, for those who may give seats.
    pub find: Option<String>,
    /// People with access who match it: at most eight.
    pub found: Vec<FoundMember>,
}

/// A seat given by hand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandSeat {
    /// Who sits.
    pub member: MemberId,
    /// Her name.
    pub name: String,
    /// Her role by this seat.
    pub role: TeamRole,
    /// Who gave it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A seat that a group gives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupSeat {
    /// Who sits.
    pub member: MemberId,
    /// Her name.
    pub name: String,
    /// The strongest role that her groups give here.
    pub role: TeamRole,
    /// The names of the groups that give one. None for a viewer who may not see what groups give.
    pub groups: Vec<String>,
}

/// A member who was searched for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundMember {
    /// Who.
    pub member: MemberId,
    /// Her name.
    pub name: String,
    /// Her address.
    pub email: Option<String>,
    /// The seat by hand that she has already.
    pub seat: Option<TeamRole>,
}
