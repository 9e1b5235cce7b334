//! The organisation's people, and what was done by whom.

use domain::{
    AuditEventId, MemberId, OrgSlug, ReceiptId,
    audit::AuditFilter,
    view::{AuditView, MembersView, PersonPage, ReceiptView, TimelineView},
};
#[cfg(feature = "ssr")]
use domain::{Permission, view::MemberFilter};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context::RequestContext;
use crate::error::AppError;

/// Page `page` (from 1) of the members of `org` whom the filter lets through. Each part of it may be empty, as a form sends it.
#[server(prefix = "/api", endpoint = "members")]
pub async fn members(
    org: OrgSlug,
    page: Option<u64>,
    search: Option<String>,
    role: Option<String>,
    source: Option<String>,
    status: Option<String>,
) -> Result<MembersView, AppError> {
    let request = RequestContext::current();
    let filter = MemberFilter {
        search: search.filter(|search| !search.trim().is_empty()),
        role: role.and_then(|role| role.parse().ok()),
        source: source.and_then(|source| source.parse().ok()),
        status: status.and_then(|status| status.parse().ok()),
    };
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::SeeMembers)?;
            directory::members::list(&request.db, request.signed_in()?, scope, &filter, page.unwrap_or(1), &request.call).await
        }
        .await,
    )
}

/// The page of `member`: everybody's own, and everybody's for those who may see people.
#[server(prefix = "/api", endpoint = "person")]
pub async fn person(org: OrgSlug, member: MemberId) -> Result<PersonPage, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::Enter)?;
            directory::members::person(&request.db, request.signed_in()?, scope, member, &request.call).await
        }
        .await,
    )
}

/// What changed the access of `member`, newest first; page `page` from 1. For the same people.
#[server(prefix = "/api", endpoint = "timeline")]
pub async fn timeline(org: OrgSlug, member: MemberId, page: Option<u64>) -> Result<TimelineView, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::Enter)?;
            directory::members::timeline(&request.db, request.signed_in()?, scope, member, page.unwrap_or(1), &request.call).await
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

/// The events of `org`'s audit log that these words ask for, newest first; `before` is where an older page begins.
#[server(prefix = "/api", endpoint = "audit")]
pub async fn audit(org: OrgSlug, #[server(default)] filter: AuditFilter, before: Option<AuditEventId>) -> Result<AuditView, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::SeeAudit)?;
            directory::audit::list(&request.db, request.signed_in()?, scope, &filter, before, &request.call).await
        }
        .await,
    )
}

/// Keep the audit log for so many years, or for ever.
#[server(prefix = "/api", endpoint = "keep_audit")]
pub async fn keep_audit(org: OrgSlug, years: String, password: Option<String>) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageSecurity)?;
            request.take_password(password).await?;
            directory::seals::keep_for(&request.db, request.signed_in()?, scope, &years, &request.call).await
        }
        .await,
    )
}

/// The receipt of the time that `member` left, for whoever may read the audit log.
#[server(prefix = "/api", endpoint = "receipt")]
pub async fn receipt(org: OrgSlug, member: MemberId, receipt: ReceiptId) -> Result<ReceiptView, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::SeeAudit)?;
            directory::receipts::view(&request.db, request.signed_in()?, scope, Some(member), receipt, &request.call).await
        }
        .await,
    )
}
