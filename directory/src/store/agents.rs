//! Agents, and who may use them: teams, or those whose role in force is a named one.

use std::collections::BTreeMap;

use domain::{
    AgentId, OrgRole, TeamId, Timestamp,
    access::{AgentGrants, Holding},
    name::{AgentDescription, AgentName},
    view::AgentReach,
};
use scim::compare;

use super::{
    db::Tx,
    roles::stored,
    teams::MAPPED,
    values::{Maybe, Row, in_list, params},
};
use crate::{Call, Error};

/// An agent, without who may use it.
#[derive(Clone, Debug)]
pub(crate) struct Agent {
    pub(crate) id: AgentId,
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) owner_team: Option<(TeamId, String)>,
    pub(crate) created_at: Timestamp,
    pub(crate) created_by: String,
}

const COLUMNS: &str = "a.id, a.name, a.description, a.owner_team_id, o.name AS owner_team, a.created_at, a.created_by";
const FROM: &str = "agents a LEFT JOIN teams o ON o.org_id = a.org_id AND o.id = a.owner_team_id";

fn read(row: &Row) -> Result<Agent, Error> {
    Ok(Agent {
        id: row.get("id")?,
        name: row.get("name")?,
        description: row.get("description")?,
        owner_team: row.opt("owner_team_id")?.zip(row.opt("owner_team")?),
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
    })
}

/// An agent, without a lock.
pub(crate) async fn find(tx: &Tx, id: AgentId) -> Result<Option<Agent>, Error> {
    tx.one(&format!("SELECT {COLUMNS} FROM {FROM} WHERE a.org_id = $1 AND a.id = $2"), params![tx.org(), id], read).await
}

/// An agent, with its lock: nobody else changes it or who may use it meanwhile.
pub(crate) async fn lock(tx: &Tx, id: AgentId) -> Result<Option<Agent>, Error> {
    let sql = format!("SELECT id FROM agents WHERE org_id = $1 AND id = $2{}", tx.lock());
    tx.one(&sql, params![tx.org(), id], |_| Ok(())).await?;
    find(tx, id).await
}

/// Every agent, by name.
pub(crate) async fn list(tx: &Tx) -> Result<Vec<Agent>, Error> {
    tx.all(&format!("SELECT {COLUMNS} FROM {FROM} WHERE a.org_id = $1 ORDER BY a.name_key"), params![tx.org()], read).await
}

/// Whether another agent than `but` has this name, however it is written.
pub(crate) async fn taken(tx: &Tx, name: &AgentName, but: Option<AgentId>) -> Result<bool, Error> {
    let sql = "SELECT id FROM agents WHERE org_id = $1 AND name_key = $2";
    let holder = tx.one(sql, params![tx.org(), compare::fold(name.as_str())], |row| row.get::<AgentId>("id")).await?;
    Ok(holder.is_some_and(|holder| Some(holder) != but))
}

pub(crate) async fn insert(
    tx: &Tx,
    id: AgentId,
    name: &AgentName,
    description: &AgentDescription,
    owner_team: Option<TeamId>,
    by: &str,
    now: Timestamp,
) -> Result<(), Error> {
    tx.run(
        "INSERT INTO agents (id, org_id, name, name_key, description, owner_team_id, created_at, created_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![id, tx.org(), name.as_str(), compare::fold(name.as_str()), description.as_str(), Maybe(owner_team), now, by],
    )
    .await?;
    Ok(())
}

pub(crate) async fn update(
    tx: &Tx,
    id: AgentId,
    name: &AgentName,
    description: &AgentDescription,
    owner_team: Option<TeamId>,
) -> Result<(), Error> {
    tx.run(
        "UPDATE agents SET name = $3, name_key = $4, description = $5, owner_team_id = $6 WHERE org_id = $1 AND id = $2",
        params![tx.org(), id, name.as_str(), compare::fold(name.as_str()), description.as_str(), Maybe(owner_team)],
    )
    .await?;
    Ok(())
}

/// Delete an agent; the database deletes who may use it.
pub(crate) async fn delete(tx: &Tx, id: AgentId) -> Result<(), Error> {
    tx.run("DELETE FROM agents WHERE org_id = $1 AND id = $2", params![tx.org(), id]).await?;
    Ok(())
}

/// Who may use each agent, or only this one; one that nobody may use is not named.
pub(crate) async fn grants(tx: &Tx, only: Option<AgentId>) -> Result<BTreeMap<AgentId, AgentGrants>, Error> {
    let mut params = params![tx.org()];
    let narrowed = match only {
        Some(agent) => {
            params.extend(params![agent]);
            " AND agent_id = $2"
        }
        None => "",
    };
    let sql = format!("SELECT agent_id, team_id, org_role FROM agent_grants WHERE org_id = $1{narrowed}");
    let mut grants: BTreeMap<_, AgentGrants> = BTreeMap::new();
    let rows = tx.all(&sql, params, |row| {
        let role = row.opt::<String>("org_role")?.map(|_| stored::<OrgRole>(row, "org_role")).transpose()?;
        Ok((row.get("agent_id")?, row.opt::<TeamId>("team_id")?, role))
    });
    for (agent, team, role) in rows.await? {
        let grants = grants.entry(agent).or_default();
        grants.teams.extend(team);
        grants.roles.extend(role);
    }
    Ok(grants)
}

/// Let a team, or those of a role, use an agent.
pub(crate) async fn grant(tx: &Tx, agent: AgentId, to: Grantee, by: &str, call: &Call) -> Result<(), Error> {
    let (team, role) = to.columns();
    tx.run(
        "INSERT INTO agent_grants (id, org_id, agent_id, team_id, org_role, granted_by, granted_at, request_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        params![
            call.new_id::<uuid::Uuid>(),
            tx.org(),
            agent,
            Maybe(team),
            Maybe(role.map(OrgRole::as_str)),
            by,
            call.now,
            Maybe(call.request_id.as_deref())
        ],
    )
    .await?;
    Ok(())
}

/// Let them use it no longer.
pub(crate) async fn revoke(tx: &Tx, agent: AgentId, from: Grantee) -> Result<(), Error> {
    match from {
        Grantee::Team(team) => {
            tx.run("DELETE FROM agent_grants WHERE org_id = $1 AND agent_id = $2 AND team_id = $3", params![tx.org(), agent, team]).await?
        }
        Grantee::Role(role) => {
            let sql = "DELETE FROM agent_grants WHERE org_id = $1 AND agent_id = $2 AND org_role = $3";
            tx.run(sql, params![tx.org(), agent, role.as_str()]).await?
        }
    };
    Ok(())
}

/// Who is let use an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grantee {
    /// Everybody with a seat in the team.
    Team(TeamId),
    /// Everybody whose role in force is this one.
    Role(OrgRole),
}

impl Grantee {
    fn columns(self) -> (Option<TeamId>, Option<OrgRole>) {
        match self {
            Self::Team(team) => (Some(team), None),
            Self::Role(role) => (None, Some(role)),
        }
    }
}

/// How many people with access may use an agent.
pub(crate) async fn people(tx: &Tx, agent: AgentId) -> Result<u64, Error> {
    // Beside plain members, who are the rest, only those who hold more have a row here: their strongest role, with a digit in
    // front of its name that makes the strongest the greatest.
    let sql = format!(
        "WITH stronger AS (
           SELECT h.membership_id, max(h.role) AS role FROM (
             SELECT g.membership_id, CASE g.role WHEN 'owner' THEN '3owner' WHEN 'admin' THEN '2admin' ELSE '1auditor' END AS role
               FROM role_grants g WHERE g.org_id = $1
             UNION ALL
             SELECT m.id, CASE gm.org_role WHEN 'admin' THEN '2admin' ELSE '1auditor' END
               FROM {MAPPED} AND gm.org_id = $1 AND gm.org_role IN ('admin', 'auditor')
           ) h GROUP BY h.membership_id
         )
         SELECT count(*) AS number FROM (
           SELECT s.membership_id FROM agent_grants ag JOIN team_seats s ON s.org_id = ag.org_id AND s.team_id = ag.team_id
             WHERE ag.org_id = $1 AND ag.agent_id = $2
           UNION
           SELECT m.id FROM {MAPPED} AND gm.org_id = $1
             AND gm.team_id IN (SELECT ag.team_id FROM agent_grants ag WHERE ag.org_id = $1 AND ag.agent_id = $2 AND ag.team_id IS NOT NULL)
           UNION
           SELECT st.membership_id FROM agent_grants ag JOIN stronger st ON substr(st.role, 2) = ag.org_role
             WHERE ag.org_id = $1 AND ag.agent_id = $2
           UNION
           SELECT m.id FROM agent_grants ag JOIN memberships m ON m.org_id = ag.org_id LEFT JOIN stronger st ON st.membership_id = m.id
             WHERE ag.org_id = $1 AND ag.agent_id = $2 AND ag.org_role = 'member' AND st.membership_id IS NULL
         ) may"
    );
    let counted = tx.one(&sql, params![tx.org(), agent], |row| row.get::<i64>("number")).await?;
    Ok(u64::try_from(counted.unwrap_or(0)).unwrap_or(0))
}

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
