//! Agents.

use serde::{Deserialize, Serialize};

use crate::{AgentId, OrgRole, TeamId, Timestamp};

/// The list of agents: every one for those who may see them all, else those that the viewer may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentsView {
    /// When this was read.
    pub now: Timestamp,
    /// The agents, by name.
    pub agents: Vec<AgentView>,
    /// Whether the list holds agents that the viewer may not use.
    pub all: bool,
    /// Whether the viewer may create and change them.
    pub can_manage: bool,
    /// The teams to choose from, by name, for those who may.
    pub teams: Vec<(TeamId, String)>,
}

/// An agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentView {
    /// The agent.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// The team that answers for it.
    pub owner_team: Option<(TeamId, String)>,
    /// The teams that may use it, by name. Empty for a viewer who may see only what she may use.
    pub granted_teams: Vec<(TeamId, String)>,
    /// The roles that may use it; none implies another. Empty for a viewer who may see only what she may use.
    pub granted_roles: Vec<OrgRole>,
    /// Through what the viewer herself may use it: `team Platform`, `role Admin`. Empty when she may not.
    pub mine: Vec<String>,
}

/// An agent's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentPage {
    /// When this was read.
    pub now: Timestamp,
    /// The agent.
    pub agent: AgentView,
    /// When it was created.
    pub created_at: Timestamp,
    /// By whom.
    pub created_by: String,
    /// How many people may use it; 0 for a viewer who may see only what she may use.
    pub people: u64,
    /// Whether the viewer may see who else may use it.
    pub can_see_access: bool,
    /// Whether the viewer may change it.
    pub can_manage: bool,
    /// The teams to choose from, by name.
    pub teams: Vec<(TeamId, String)>,
}
