//! The organisation's agents, and who may use them. Whether somebody may is computed whenever it is asked (law 9).

use domain::{
    AgentId, Invalid, OrgRole, Permission, TeamId,
    access::{AgentGrants, Holding},
    audit::AuditAction,
    name::{AgentDescription, AgentName},
    view::{AgentPage, AgentView, AgentsView},
};
use uuid::Uuid;

use crate::{
    Call, Db, Error, OrgScope,
    sessions::SignedIn,
    store::{
        self,
        agents::{Agent, Grantee, through_role, through_team},
        audit::Target,
        db::Tx,
    },
};

/// What somebody says of an agent.
#[derive(Clone, Debug)]
pub struct Described {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// The team that answers for it.
    pub owner_team: Option<TeamId>,
}

/// The agents: every one for a viewer who may see them all, else those that she may use.
pub async fn list(db: &Db, viewer: &SignedIn, scope: OrgScope, call: &Call) -> Result<AgentsView, Error> {
    let (all, can_manage) = (viewer.role.may(Permission::SeeAgents), viewer.role.may(Permission::ManageAgents));
    let tx = db.read(scope).await?;
    let teams = store::teams::choices(&tx).await?;
    let holding = store::roles::sources_of(&tx, viewer.membership).await?.resolve();
    let grants = store::agents::grants(&tx, None).await?;
    let none = AgentGrants::default();
    let agents = store::agents::list(&tx).await?.into_iter().filter_map(|agent| {
        let grants = grants.get(&agent.id).unwrap_or(&none);
        (all || grants.let_in(&holding)).then(|| shown(agent, grants, &holding, &teams, all))
    });
    let agents = agents.collect();
    Ok(AgentsView { now: call.now, agents, all, can_manage, teams: if can_manage { teams } else { vec![] } })
}

/// An agent, for a viewer who may see them all or may use this one.
pub async fn page(db: &Db, viewer: &SignedIn, scope: OrgScope, agent: AgentId, call: &Call) -> Result<AgentPage, Error> {
    let (all, can_manage) = (viewer.role.may(Permission::SeeAgents), viewer.role.may(Permission::ManageAgents));
    let tx = db.read(scope).await?;
    let agent = store::agents::find(&tx, agent).await?.ok_or(Error::NotFound("agent"))?;
    let grants = store::agents::grants(&tx, Some(agent.id)).await?.remove(&agent.id).unwrap_or_default();
    let holding = store::roles::sources_of(&tx, viewer.membership).await?.resolve();
    if !all && !grants.let_in(&holding) {
        return Err(Error::NotFound("agent"));
    }
    let teams = store::teams::choices(&tx).await?;
    let people = if all { store::agents::people(&tx, agent.id).await? } else { 0 };
    let (created_at, created_by) = (agent.created_at, agent.created_by.clone());
    Ok(AgentPage {
        now: call.now,
        agent: shown(agent, &grants, &holding, &teams, all),
        created_at,
        created_by,
        people,
        can_see_access: all,
        can_manage,
        teams: if can_manage { teams } else { vec![] },
    })
}

/// The agent as a viewer who holds this sees it; with who may use it, if she may know.
fn shown(agent: Agent, grants: &AgentGrants, holding: &Holding, teams: &[(TeamId, String)], all: bool) -> AgentView {
    let granted: Vec<_> = teams.iter().filter(|(team, _)| grants.teams.contains(team)).cloned().collect();
    let through_teams = granted.iter().filter(|(team, _)| holding.teams.contains_key(team)).map(|(_, name)| through_team(name));
    let through_roles = grants.roles.get(&holding.role).map(|role| through_role(*role));
    AgentView {
        id: agent.id,
        name: agent.name,
        description: agent.description,
        owner_team: agent.owner_team,
        mine: through_teams.chain(through_roles).collect(),
        granted_teams: if all { granted } else { vec![] },
        granted_roles: if all { grants.roles.iter().copied().collect() } else { vec![] },
    }
}

/// Create an agent. Nobody may use it until somebody is let.
pub async fn create(db: &Db, who: &SignedIn, scope: OrgScope, described: Described, call: &Call) -> Result<AgentId, Error> {
    let Described { name, description, owner_team } = described;
    let (name, description) = (AgentName::try_from(name)?, AgentDescription::try_from(description)?);
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm(&tx, Permission::ManageAgents).await?;
        let team = lock_team(&tx, owner_team).await?;
        free(&tx, &name, None).await?;
        let id: AgentId = call.new_id();
        store::agents::insert(&tx, id, &name, &description, owner_team, &who.actor().name(), call.now).await?;
        let details = team.map(|team| ("owner team".to_owned(), team)).into_iter().collect();
        crate::audit::append(&tx, AuditAction::AgentCreated, &who.actor(), Some(target(id, name.as_str())), details, call).await?;
        tx.commit().await?;
        Ok(id)
    })
    .await
}

/// Say something else of an agent. Who may use it stays.
pub async fn edit(db: &Db, who: &SignedIn, scope: OrgScope, agent: AgentId, described: Described, call: &Call) -> Result<(), Error> {
    let Described { name, description, owner_team } = described;
    let (name, description) = (AgentName::try_from(name)?, AgentDescription::try_from(description)?);
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm(&tx, Permission::ManageAgents).await?;
        let team = lock_team(&tx, owner_team).await?;
        let before = store::agents::lock(&tx, agent).await?.ok_or(Error::NotFound("agent"))?;
        free(&tx, &name, Some(agent)).await?;
        let mut details = vec![];
        if before.name != name.as_str() {
            details.push(crate::audit::changed("name", &before.name, name.as_str()));
        }
        if before.description != description.as_str() {
            details.push(crate::audit::changed("description", &or_none(&before.description), &or_none(description.as_str())));
        }
        if before.owner_team.as_ref().map(|(id, _)| *id) != owner_team {
            let was = before.owner_team.as_ref().map_or("none", |(_, name)| name.as_str());
            details.push(crate::audit::changed("owner team", was, team.as_deref().unwrap_or("none")));
        }
        if details.is_empty() {
            return Ok(());
        }
        store::agents::update(&tx, agent, &name, &description, owner_team).await?;
        crate::audit::append(&tx, AuditAction::AgentChanged, &who.actor(), Some(target(agent, name.as_str())), details, call).await?;
        tx.commit().await
    })
    .await
}

/// A text in the audit log: nothing is said to be nothing.
fn or_none(text: &str) -> String {
    if text.is_empty() { "none".to_owned() } else { text.to_owned() }
}

/// Delete an agent: nobody can use it any more.
pub async fn delete(db: &Db, who: &SignedIn, scope: OrgScope, agent: AgentId, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm(&tx, Permission::ManageAgents).await?;
        let before = store::agents::lock(&tx, agent).await?.ok_or(Error::NotFound("agent"))?;
        store::agents::delete(&tx, agent).await?;
        crate::audit::append(&tx, AuditAction::AgentDeleted, &who.actor(), Some(target(agent, &before.name)), vec![], call).await?;
        tx.commit().await
    })
    .await
}

/// Let exactly these teams and roles use an agent: said as a whole, so that saying it again changes nothing.
pub async fn set_access(
    db: &Db,
    who: &SignedIn,
    scope: OrgScope,
    agent: AgentId,
    teams: Vec<TeamId>,
    roles: Vec<OrgRole>,
    call: &Call,
) -> Result<(), Error> {
    let wanted = AgentGrants { teams: teams.into_iter().collect(), roles: roles.into_iter().collect() };
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm(&tx, Permission::ManageAgents).await?;
        for team in &wanted.teams {
            lock_team(&tx, Some(*team)).await?;
        }
        let before = store::agents::lock(&tx, agent).await?.ok_or(Error::NotFound("agent"))?;
        let granted = store::agents::grants(&tx, Some(agent)).await?.remove(&agent).unwrap_or_default();
        let (added, removed) = (missing(&granted, &wanted), missing(&wanted, &granted));
        if added.is_empty() && removed.is_empty() {
            return Ok(());
        }
        for to in &added {
            store::agents::grant(&tx, agent, *to, &who.actor().name(), call).await?;
        }
        for from in &removed {
            store::agents::revoke(&tx, agent, *from).await?;
        }
        let names = store::teams::choices(&tx).await?;
        let in_words = |grantees: &[Grantee]| {
            let of_team =
                |team: &TeamId| names.iter().find(|(id, _)| id == team).map_or_else(|| team.to_string(), |(_, name)| name.clone());
            let words = grantees.iter().map(|grantee| match grantee {
                Grantee::Team(team) => through_team(&of_team(team)),
                Grantee::Role(role) => through_role(*role),
            });
            words.collect::<Vec<_>>().join(", ")
        };
        let details = [("added", &added), ("removed", &removed)];
        let details = details.iter().filter(|(_, grantees)| !grantees.is_empty());
        let details = details.map(|(what, grantees)| ((*what).to_owned(), in_words(grantees))).collect();
        crate::audit::append(&tx, AuditAction::AgentAccessChanged, &who.actor(), Some(target(agent, &before.name)), details, call).await?;
        tx.commit().await
    })
    .await
}

/// Who is in `wanted` and not in `granted`.
fn missing(granted: &AgentGrants, wanted: &AgentGrants) -> Vec<Grantee> {
    let teams = wanted.teams.difference(&granted.teams).copied().map(Grantee::Team);
    let roles = wanted.roles.difference(&granted.roles).copied().map(Grantee::Role);
    teams.chain(roles).collect()
}

/// Keep the team from being deleted until this is done. Teams are locked before agents, as deleting one does it. Its name.
async fn lock_team(tx: &Tx, team: Option<TeamId>) -> Result<Option<String>, Error> {
    let Some(team) = team else { return Ok(None) };
    Ok(Some(store::teams::lock(tx, team).await?.ok_or(Error::NotFound("team"))?.name))
}

/// Whether the name is no other agent's.
async fn free(tx: &Tx, name: &AgentName, but: Option<AgentId>) -> Result<(), Error> {
    match store::agents::taken(tx, name, but).await? {
        true => Err(Invalid::new("name", "There is an agent of this name already. Choose another name.").into()),
        false => Ok(()),
    }
}

fn target(id: AgentId, name: &str) -> Target {
    Target { kind: "agent", id: Uuid::from(id), name: name.to_owned() }
}
