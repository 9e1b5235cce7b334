//! What acts without a browser: devices that ask, a person's clients and tokens, the organisation's service credentials.

#[cfg(feature = "ssr")]
use domain::Permission;
use domain::{
    ApiSessionId, OrgSlug, PersonalTokenId, ServiceCredentialId,
    view::{ApiAccessView, DeviceRequestView, IssuedPersonalToken, IssuedServiceCredential, ServiceCredentialView},
};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context::RequestContext;
use crate::error::AppError;

/// What asks with the code that a device shows.
#[server(prefix = "/api", endpoint = "device_request")]
pub async fn device_request(org: OrgSlug, user_code: String) -> Result<DeviceRequestView, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::Enter)?;
            directory::oauth::device::look(&request.db, request.signed_in()?, scope, &user_code, &request.call).await
        }
        .await,
    )
}

/// Let the device in that asks with this code.
#[server(prefix = "/api", endpoint = "approve_device")]
pub async fn approve_device(org: OrgSlug, user_code: String) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::Enter)?;
            directory::oauth::device::approve(&request.db, request.signed_in()?, scope, &user_code, &request.call).await
        }
        .await,
    )?;
    if request.wants_document {
        // Without a script the page cannot say so itself.
        leptos_axum::redirect(&format!("{}?answer=yes", crate::paths::device(&org)));
    }
    Ok(())
}

/// Do not let it in.
#[server(prefix = "/api", endpoint = "deny_device")]
pub async fn deny_device(org: OrgSlug, user_code: String) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::Enter)?;
            directory::oauth::device::deny(&request.db, request.signed_in()?, scope, &user_code, &request.call).await
        }
        .await,
    )?;
    if request.wants_document {
        // Without a script the page cannot say so itself.
        leptos_axum::redirect(&format!("{}?answer=no", crate::paths::device(&org)));
    }
    Ok(())
}

/// The viewer's own clients and personal tokens.
#[server(prefix = "/api", endpoint = "api_access")]
pub async fn api_access(org: OrgSlug) -> Result<ApiAccessView, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::Enter)?;
            directory::api_access::view(&request.db, request.signed_in()?, scope, &request.call).await
        }
        .await,
    )
}

/// Let one of the viewer's clients in no longer.
#[server(prefix = "/api", endpoint = "end_api_session")]
pub async fn end_api_session(org: OrgSlug, session: ApiSessionId) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::Enter)?;
            directory::api_access::end(&request.db, request.signed_in()?, scope, session, &request.call).await
        }
        .await,
    )
}

/// Make a personal token for the viewer, with these scopes (words with spaces between them). The answer holds its secret, this
/// once.
#[server(prefix = "/api", endpoint = "issue_personal_token")]
pub async fn issue_personal_token(
    org: OrgSlug,
    name: String,
    lifetime: String,
    scopes: String,
    password: Option<String>,
) -> Result<IssuedPersonalToken, AppError> {
    let request = RequestContext::current();
    request.no_store();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::Enter)?;
            request.take_password(password).await?;
            directory::api_access::issue(&request.db, request.signed_in()?, scope, name, &lifetime, &scopes, &request.call).await
        }
        .await,
    )
}

/// End one of the viewer's personal tokens.
#[server(prefix = "/api", endpoint = "revoke_personal_token")]
pub async fn revoke_personal_token(org: OrgSlug, token: PersonalTokenId) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::Enter)?;
            directory::api_access::revoke(&request.db, request.signed_in()?, scope, token, &request.call).await
        }
        .await,
    )
}

/// The organisation's service credentials.
#[server(prefix = "/api", endpoint = "service_credentials")]
pub async fn service_credentials(org: OrgSlug) -> Result<Vec<ServiceCredentialView>, AppError> {
    let request = RequestContext::current();
    request.answer(
        async { directory::service_credentials::list(&request.db, request.in_org(&org, Permission::SeeSecurity)?, &request.call).await }
            .await,
    )
}

/// Issue a service credential. The answer holds its secret, this once.
#[server(prefix = "/api", endpoint = "issue_service_credential")]
pub async fn issue_service_credential(org: OrgSlug, name: String, password: Option<String>) -> Result<IssuedServiceCredential, AppError> {
    let request = RequestContext::current();
    request.no_store();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageSecurity)?;
            request.take_password(password).await?;
            directory::service_credentials::issue(&request.db, request.signed_in()?, scope, name, &request.call).await
        }
        .await,
    )
}

/// Issue another service credential in the place of `credential`, which stops as `retire` says. The answer holds the new secret,
/// this once.
#[server(prefix = "/api", endpoint = "rotate_service_credential")]
pub async fn rotate_service_credential(
    org: OrgSlug,
    credential: ServiceCredentialId,
    retire: String,
    password: Option<String>,
) -> Result<IssuedServiceCredential, AppError> {
    let request = RequestContext::current();
    request.no_store();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageSecurity)?;
            request.take_password(password).await?;
            directory::service_credentials::rotate(&request.db, request.signed_in()?, scope, credential, &retire, &request.call).await
        }
        .await,
    )
}

/// Revoke a service credential.
#[server(prefix = "/api", endpoint = "revoke_service_credential")]
pub async fn revoke_service_credential(org: OrgSlug, credential: ServiceCredentialId, password: Option<String>) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageSecurity)?;
            request.take_password(password).await?;
            directory::service_credentials::revoke(&request.db, request.signed_in()?, scope, credential, &request.call).await
        }
        .await,
    )
}
