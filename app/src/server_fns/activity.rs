//! Settings → SCIM activity: what the identity provider asked, and what it was answered.

#[cfg(feature = "ssr")]
use domain::Permission;
use domain::{
    OrgSlug,
    activity::ActivityFilter,
    view::{ActivityView, RequestPageView},
};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context::RequestContext;
use crate::error::AppError;

/// The requests of `org` that these words ask for, newest first; `before` is where an older page begins.
#[server(prefix = "/api", endpoint = "activity")]
pub async fn activity(org: OrgSlug, #[server(default)] filter: ActivityFilter, before: Option<String>) -> Result<ActivityView, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::SeeAudit)?;
            let before = before.and_then(|before| before.parse().ok());
            directory::provisioning::activity::list(&request.db, request.signed_in()?, scope, &filter, before, &request.call).await
        }
        .await,
    )
}

/// The request whose answer had this `x-request-id`.
#[server(prefix = "/api", endpoint = "activity_request")]
pub async fn activity_request(org: OrgSlug, request_id: String) -> Result<RequestPageView, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::SeeAudit)?;
            directory::provisioning::activity::view(&request.db, scope, &request_id, &request.call).await
        }
        .await,
    )
}

/// Keep requests for so many days.
#[server(prefix = "/api", endpoint = "keep_activity")]
pub async fn keep_activity(org: OrgSlug, days: String, password: Option<String>) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageSecurity)?;
            request.take_password(password).await?;
            directory::provisioning::activity::keep_for(&request.db, request.signed_in()?, scope, &days, &request.call).await
        }
        .await,
    )
}
