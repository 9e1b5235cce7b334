//! The directory's groups, as it pushed them.

#[cfg(feature = "ssr")]
use domain::Permission;
use domain::{
    DirectoryGroupId, OrgSlug,
    view::{GroupPage, GroupsView},
};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context::RequestContext;
use crate::error::AppError;

/// Page `page` (from 1) of the groups of `org`: those whose names hold `search`, and only those that nothing is mapped to if
/// `unmapped`.
#[server(prefix = "/api", endpoint = "groups")]
pub async fn groups(org: OrgSlug, search: Option<String>, unmapped: Option<bool>, page: Option<u64>) -> Result<GroupsView, AppError> {
    let request = RequestContext::current();
    let sought = directory::groups::Sought { name: search.unwrap_or_default(), unmapped: unmapped.unwrap_or(false) };
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::SeeMappings)?;
            directory::groups::list(&request.db, request.signed_in()?, scope, &sought, page.unwrap_or(1), &request.call).await
        }
        .await,
    )
}

/// A group of `org`, and page `page` (from 1) of the people in it.
#[server(prefix = "/api", endpoint = "group")]
pub async fn group(org: OrgSlug, group: DirectoryGroupId, page: Option<u64>) -> Result<GroupPage, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::SeeMappings)?;
            directory::groups::page(&request.db, request.signed_in()?, scope, group, page.unwrap_or(1), &request.call).await
        }
        .await,
    )
}
