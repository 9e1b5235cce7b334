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
pub async fn disable_scim(org: OrgSlug, password: Option<String>) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageSecurity)?;
            request.take_password(password).await?;
            directory::provisioning::connection::disable(&request.db, request.signed_in()?, scope, &request.call).await
        }
        .await,
    )
}

/// Issue a provisioning token that may be used from the networks `allowed_from`, or from anywhere if there are none. The answer holds
/// its secret, this once.
#[server(prefix = "/api", endpoint = "issue_token")]
pub async fn issue_token(
    org: OrgSlug,
    name: String,
    lifetime: String,
    #[server(default)] allowed_from: String,
    password: Option<String>,
) -> Result<IssuedToken, AppError> {
    let request = RequestContext::current();
    request.no_store();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageSecurity)?;
            request.take_password(password).await?;
            let who = request.signed_in()?;
            directory::provisioning::tokens::issue(&request.db, who, scope, name, &lifetime, &allowed_from, &request.call).await
        }
        .await,
    )
}

/// Issue another token in the place of `token`, which stops as `retire` says. The answer holds the new secret, this once.
#[server(prefix = "/api", endpoint = "rotate_token")]
pub async fn rotate_token(org: OrgSlug, token: TokenId, retire: String, password: Option<String>) -> Result<IssuedToken, AppError> {
    let request = RequestContext::current();
    request.no_store();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageSecurity)?;
            request.take_password(password).await?;
            directory::provisioning::tokens::rotate(&request.db, request.signed_in()?, scope, token, &retire, &request.call).await
        }
        .await,
    )
}

/// Revoke `token` and issue another of the same name and lifetime, for an owner who lost the one just shown.
#[server(prefix = "/api", endpoint = "reissue_token")]
pub async fn reissue_token(org: OrgSlug, token: TokenId, password: Option<String>) -> Result<IssuedToken, AppError> {
    let request = RequestContext::current();
    request.no_store();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageSecurity)?;
            request.take_password(password).await?;
            directory::provisioning::tokens::reissue(&request.db, request.signed_in()?, scope, token, &request.call).await
        }
        .await,
    )
}

/// Revoke `token`: the next request with it is refused.
#[server(prefix = "/api", endpoint = "revoke_token")]
pub async fn revoke_token(org: OrgSlug, token: TokenId, password: Option<String>) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageSecurity)?;
            request.take_password(password).await?;
            directory::provisioning::tokens::revoke(&request.db, request.signed_in()?, scope, token, &request.call).await
        }
        .await,
    )
}

/// Change the networks from which `token` may be used.
#[server(prefix = "/api", endpoint = "restrict_token")]
pub async fn restrict_token(
    org: OrgSlug,
    token: TokenId,
    #[server(default)] allowed_from: String,
    password: Option<String>,
) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageSecurity)?;
            request.take_password(password).await?;
            let who = request.signed_in()?;
            directory::provisioning::tokens::restrict(&request.db, who, scope, token, &allowed_from, &request.call).await
        }
        .await,
    )
}
