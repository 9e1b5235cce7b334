//! Agents, and who may use them: teams, or those whose role in force is a named one.

use domain::{OrgRole, access::Holding, view::AgentReach};

use super::{
    db::Tx,
    roles::stored,
    values::{in_list, params},
};
use crate::Error;

/// The agents that somebody who holds this can use, by name, and through what.
pub(crate) async fn reach(tx: &Tx, holding: &Holding) -> Result<Vec<AgentReach>, Error> {
    let teams: Vec<_> = holding.teams.keys().copied().collect();
    let (list, params) = in_list(params![tx.org(), holding.role.as_str()], &teams);
    let of_teams = if teams.is_empty() { String::new() } else { format!("OR g.team_id IN ({list})") };
    let sql = format!(
        "SELECT a.id, a.name, a.description, g.org_role, t.name AS team FROM agent_grants g
           JOIN agents a ON a.org_id = g.org_id AND a.id = g.agent_id
           LEFT JOIN teams t ON t.org_id = g.org_id AND t.id = g.team_id
         WHERE g.org_id = $1 AND (g.org_role = $2 {of_teams})
         ORDER BY a.name_key, a.id, CASE WHEN g.org_role IS NULL THEN 0 ELSE 1 END, t.name_key"
    );
    let grants = tx.all(&sql, params, |row| {
        let through = match row.opt::<String>("team")? {
            Some(team) => through_team(&team),
            None => through_role(stored(row, "org_role")?),
        };
        Ok(AgentReach { id: row.get("id")?, name: row.get("name")?, description: row.get("description")?, through: vec![through] })
    });
    let mut agents: Vec<AgentReach> = vec![];
    for grant in grants.await? {
        match agents.last_mut().filter(|agent| agent.id == grant.id) {
            Some(agent) => agent.through.extend(grant.through),
            None => agents.push(grant),
        }
    }
    Ok(agents)
}

/// A team, as a way to an agent.
pub(crate) fn through_team(name: &str) -> String {
    format!("team {name}")
}

/// A role, as a way to an agent.
pub(crate) fn through_role(role: OrgRole) -> String {
    format!("role {role}")
}
