//! The organisation's people, and what was done by whom.

#[cfg(feature = "ssr")]
use domain::Permission;
use domain::{
    AuditEventId, MemberId, OrgSlug,
    view::{AuditView, MembersView},
};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context::RequestContext;
use crate::error::AppError;

/// Page `page` (from 1) of the members of `org`.
#[server(prefix = "/api", endpoint = "members")]
pub async fn members(org: OrgSlug, page: u64) -> Result<MembersView, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            directory::members::list(&request.db, request.signed_in()?, request.in_org(&org, Permission::SeeMembers)?, page, &request.call)
                .await
        }
        .await,
    )
}

/// Mail `member` another activation link; the ones before it stop working when it is sent.
#[server(prefix = "/api", endpoint = "resend_activation")]
pub async fn resend_activation(org: OrgSlug, member: MemberId) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            directory::activation::resend(
                &request.db,
                request.signed_in()?,
                request.in_org(&org, Permission::ManageMembers)?,
                member,
                &request.call,
            )
            .await
        }
        .await,
    )
}

/// The audit log of `org`, newest first; `before` is where an older page begins.
#[server(prefix = "/api", endpoint = "audit")]
pub async fn audit(org: OrgSlug, before: Option<AuditEventId>) -> Result<AuditView, AppError> {
    let request = RequestContext::current();
    request.answer(
        async { directory::audit::list(&request.db, request.in_org(&org, Permission::SeeAudit)?, before, &request.call).await }.await,
    )
}
