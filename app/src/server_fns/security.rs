//! Settings → Security: SCIM and its tokens. Owners change them; auditors and administrators look.

#[cfg(feature = "ssr")]
use domain::Permission;
use domain::{
    OrgSlug, TokenId,
    view::{IssuedToken, SecurityView},
};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context::RequestContext;
use crate::error::AppError;

/// The state of SCIM in `org`.
#[server(prefix = "/api", endpoint = "security")]
pub async fn security(org: OrgSlug) -> Result<SecurityView, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            directory::provisioning::connection::view(
                &request.db,
                request.signed_in()?,
                request.in_org(&org, Permission::SeeSecurity)?,
                &request.public_url,
                &request.call,
            )
            .await
        }
        .await,
    )
}

/// Switch SCIM on.
#[server(prefix = "/api", endpoint = "enable_scim")]
pub async fn enable_scim(org: OrgSlug) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            directory::provisioning::connection::enable(
                &request.db,
                request.signed_in()?,
                request.in_org(&org, Permission::ManageSecurity)?,
                &request.call,
            )
            .await
        }
        .await,
    )
}

/// Switch SCIM off: its tokens stop working, nobody loses access.
#[server(prefix = "/api", endpoint = "disable_scim")]
pub async fn disable_scim(org: OrgSlug) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            directory::provisioning::connection::disable(
                &request.db,
                request.signed_in()?,
                request.in_org(&org, Permission::ManageSecurity)?,
                &request.call,
            )
            .await
        }
        .await,
    )
}

/// Issue a provisioning token. The answer holds its secret, this once.
#[server(prefix = "/api", endpoint = "issue_token")]
pub async fn issue_token(org: OrgSlug, name: String, lifetime: String) -> Result<IssuedToken, AppError> {
    let request = RequestContext::current();
    request.no_store();
    request.answer(
        async {
            directory::provisioning::tokens::issue(
                &request.db,
                request.signed_in()?,
                request.in_org(&org, Permission::ManageSecurity)?,
                name,
                &lifetime,
                &request.call,
            )
            .await
        }
        .await,
    )
}

/// Revoke `token` and issue another of the same name and lifetime, for an owner who lost the one just shown.
#[server(prefix = "/api", endpoint = "reissue_token")]
pub async fn reissue_token(org: OrgSlug, token: TokenId) -> Result<IssuedToken, AppError> {
    let request = RequestContext::current();
    request.no_store();
    request.answer(
        async {
            directory::provisioning::tokens::reissue(
                &request.db,
                request.signed_in()?,
                request.in_org(&org, Permission::ManageSecurity)?,
                token,
                &request.call,
            )
            .await
        }
        .await,
    )
}

/// Revoke `token`: the next request with it is refused.
#[server(prefix = "/api", endpoint = "revoke_token")]
pub async fn revoke_token(org: OrgSlug, token: TokenId) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            directory::provisioning::tokens::revoke(
                &request.db,
                request.signed_in()?,
                request.in_org(&org, Permission::ManageSecurity)?,
                token,
                &request.call,
            )
            .await
        }
        .await,
    )
}
