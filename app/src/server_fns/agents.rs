//! The organisation's agents, and who may use them.

#[cfg(feature = "ssr")]
use domain::Permission;
use domain::{
    AgentId, OrgRole, OrgSlug, TeamId,
    view::{AgentPage, AgentsView},
};
use leptos::prelude::*;

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{context::RequestContext, paths};

/// The agents of `org`: every one for a viewer who may see them all, else those that she may use.
#[server(prefix = "/api", endpoint = "agents")]
pub async fn agents(org: OrgSlug) -> Result<AgentsView, AppError> {
    let request = RequestContext::current();
    request.answer(
        async { directory::agents::list(&request.db, request.signed_in()?, request.in_org(&org, Permission::Enter)?, &request.call).await }
            .await,
    )
}

/// An agent, for a viewer who may see them all or may use this one.
#[server(prefix = "/api", endpoint = "agent")]
pub async fn agent(org: OrgSlug, agent: AgentId) -> Result<AgentPage, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::Enter)?;
            directory::agents::page(&request.db, request.signed_in()?, scope, agent, &request.call).await
        }
        .await,
    )
}

/// Create an agent, and go to its page. `owner_team` is empty for none.
#[server(prefix = "/api", endpoint = "create_agent")]
pub async fn create_agent(org: OrgSlug, name: String, description: String, owner_team: Option<String>) -> Result<(), AppError> {
    let request = RequestContext::current();
    let agent = request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageAgents)?;
            let described = directory::agents::Described { name, description, owner_team: chosen(owner_team)? };
            directory::agents::create(&request.db, request.signed_in()?, scope, described, &request.call).await
        }
        .await,
    )?;
    leptos_axum::redirect(&paths::agent(&org, agent));
    Ok(())
}

/// Say something else of an agent. `owner_team` is empty for none.
#[server(prefix = "/api", endpoint = "edit_agent")]
pub async fn edit_agent(
    org: OrgSlug,
    agent: AgentId,
    name: String,
    description: String,
    owner_team: Option<String>,
) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageAgents)?;
            let described = directory::agents::Described { name, description, owner_team: chosen(owner_team)? };
            directory::agents::edit(&request.db, request.signed_in()?, scope, agent, described, &request.call).await
        }
        .await,
    )
}

/// Delete an agent, and go to the list.
#[server(prefix = "/api", endpoint = "delete_agent")]
pub async fn delete_agent(org: OrgSlug, agent: AgentId) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageAgents)?;
            directory::agents::delete(&request.db, request.signed_in()?, scope, agent, &request.call).await
        }
        .await,
    )?;
    leptos_axum::redirect(&paths::agents(&org));
    Ok(())
}

/// Let exactly these teams and roles use an agent. A form's boxes are called `teams[]` and `roles[]`; one that is not ticked is
/// not sent.
#[server(prefix = "/api", endpoint = "set_agent_access")]
pub async fn set_agent_access(
    org: OrgSlug,
    agent: AgentId,
    #[server(default)] teams: Vec<TeamId>,
    #[server(default)] roles: Vec<OrgRole>,
) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageAgents)?;
            directory::agents::set_access(&request.db, request.signed_in()?, scope, agent, teams, roles, &request.call).await
        }
        .await,
    )
}

/// The team that was chosen in a form, where the empty choice is none.
#[cfg(feature = "ssr")]
fn chosen(team: Option<String>) -> Result<Option<TeamId>, directory::Error> {
    let team = team.filter(|team| !team.is_empty());
    team.map(|team| team.parse().map_err(|_| directory::Error::NotFound("team"))).transpose()
}
