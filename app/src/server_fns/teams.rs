//! The organisation's teams, and who sits in them.

#[cfg(feature = "ssr")]
use domain::Permission;
use domain::{
    MemberId, OrgSlug, TeamId, TeamRole,
    view::{TeamPage, TeamsView},
};
use leptos::prelude::*;

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{context::RequestContext, paths};

/// The teams of `org`.
#[server(prefix = "/api", endpoint = "teams")]
pub async fn teams(org: OrgSlug) -> Result<TeamsView, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            directory::teams::list(&request.db, request.signed_in()?, request.in_org(&org, Permission::SeeTeams)?, &request.call).await
        }
        .await,
    )
}

/// A team with page `page` (from 1) of its seats, and the people who match `find` for whoever may give them one.
#[server(prefix = "/api", endpoint = "team")]
pub async fn team(org: OrgSlug, team: TeamId, page: Option<u64>, find: Option<String>) -> Result<TeamPage, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::SeeTeams)?;
            directory::teams::page(&request.db, request.signed_in()?, scope, team, page.unwrap_or(1), find.as_deref(), &request.call).await
        }
        .await,
    )
}

/// Create a team, and go to its page.
#[server(prefix = "/api", endpoint = "create_team")]
pub async fn create_team(org: OrgSlug, name: String) -> Result<(), AppError> {
    let request = RequestContext::current();
    let team = request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageTeams)?;
            directory::teams::create(&request.db, request.signed_in()?, scope, name, &request.call).await
        }
        .await,
    )?;
    leptos_axum::redirect(&paths::team(&org, team));
    Ok(())
}

/// Rename a team.
#[server(prefix = "/api", endpoint = "rename_team")]
pub async fn rename_team(org: OrgSlug, team: TeamId, name: String) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageTeams)?;
            directory::teams::rename(&request.db, request.signed_in()?, scope, team, name, &request.call).await
        }
        .await,
    )
}

/// Delete a team with its seats and mappings, and go to the list.
#[server(prefix = "/api", endpoint = "delete_team")]
pub async fn delete_team(org: OrgSlug, team: TeamId) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageTeams)?;
            directory::teams::delete(&request.db, request.signed_in()?, scope, team, &request.call).await
        }
        .await,
    )?;
    leptos_axum::redirect(&paths::teams(&org));
    Ok(())
}

/// Give `member` a seat by hand, or change its role: for those who manage teams, and within limits for the team's leads.
#[server(prefix = "/api", endpoint = "give_seat")]
pub async fn give_seat(org: OrgSlug, team: TeamId, member: MemberId, role: TeamRole) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::SeeTeams)?;
            directory::teams::give_seat(&request.db, request.signed_in()?, scope, team, member, role, &request.call).await
        }
        .await,
    )
}

/// Take from `member` the seat that she was given by hand: for those who manage teams, and within limits for the team's leads.
#[server(prefix = "/api", endpoint = "remove_seat")]
pub async fn remove_seat(org: OrgSlug, team: TeamId, member: MemberId) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::SeeTeams)?;
            directory::teams::remove_seat(&request.db, request.signed_in()?, scope, team, member, &request.call).await
        }
        .await,
    )
}
