//! Settings → Integrations: what the directory's groups give.

#![expect(clippy::too_many_arguments, reason = "they are the fields of a form")]

#[cfg(feature = "ssr")]
use domain::Permission;
use domain::{
    DirectoryGroupId, MappingId, OrgSlug,
    mapping::{MappingAction, MappingTarget},
    view::{IntegrationsView, MappingPlan},
};
use leptos::prelude::*;

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{context::RequestContext, paths};

/// The mappings of `org`, and what new ones can be made of.
#[server(prefix = "/api", endpoint = "integrations")]
pub async fn integrations(org: OrgSlug) -> Result<IntegrationsView, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            directory::mappings::list(&request.db, request.signed_in()?, request.in_org(&org, Permission::SeeMappings)?, &request.call)
                .await
        }
        .await,
    )
}

/// What would change if this were done now: page `page` of the people. Changes nothing.
#[server(prefix = "/api", endpoint = "preview_mapping")]
pub async fn preview_mapping(
    org: OrgSlug,
    action: MappingAction,
    mapping: Option<MappingId>,
    group: Option<DirectoryGroupId>,
    group_name: Option<String>,
    target: Option<MappingTarget>,
    page: Option<u64>,
) -> Result<MappingPlan, AppError> {
    let request = RequestContext::current();
    let wanted = directory::mappings::Wanted { action, mapping, group, group_name, target };
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageMappings)?;
            directory::mappings::preview(&request.db, request.signed_in()?, scope, &wanted, page.unwrap_or(1)).await
        }
        .await,
    )
}

/// Do it, if it still changes exactly what the plan of the hash `plan` said; else 409, and nothing was done. `password` comes
/// along where only an owner may do it and her last one is more than 15 minutes old. Leads back to the list, which says what
/// was done.
#[server(prefix = "/api", endpoint = "apply_mapping")]
pub async fn apply_mapping(
    org: OrgSlug,
    action: MappingAction,
    mapping: Option<MappingId>,
    group: Option<DirectoryGroupId>,
    group_name: Option<String>,
    target: Option<MappingTarget>,
    plan: String,
    password: Option<String>,
) -> Result<(), AppError> {
    let request = RequestContext::current();
    let wanted = directory::mappings::Wanted { action, mapping, group, group_name, target };
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageMappings)?;
            request.take_password(password).await?;
            directory::mappings::apply(&request.db, request.signed_in()?, scope, &wanted, &plan, &request.call).await
        }
        .await,
    )?;
    let mapping = mapping.map(|mapping| mapping.to_string()).unwrap_or_default();
    let done = paths::query(&[("done", action.as_str()), ("mapping", &mapping)]);
    leptos_axum::redirect(&format!("{}{done}", paths::integrations(&org)));
    Ok(())
}
