//! A person's own account: her password, her second factor, and the way back when she has forgotten the one.

#[cfg(feature = "ssr")]
use domain::Permission;
use domain::{
    OrgSlug,
    view::{AccountView, RecoveryCodes, ResetView, SecondFactorOffer, SecondFactorRule},
};
use leptos::prelude::*;

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{context::RequestContext, paths};

/// Ask for a link that sets the password of `email` anew. The answer is the same whether or not there is such an account.
#[server(prefix = "/api", endpoint = "ask_reset")]
pub async fn ask_reset(email: String) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(directory::account::ask_for_reset(&request.db, email, &request.call).await)?;
    if request.wants_document {
        // Without a script the page cannot say so itself.
        leptos_axum::redirect(&format!("{}?sent=yes", paths::FORGOT_PASSWORD));
    }
    Ok(())
}

/// Whom the link is for; `NotFound` when it is used, expired, or no link at all.
#[server(prefix = "/api", endpoint = "reset_link")]
pub async fn reset_link(link: String) -> Result<ResetView, AppError> {
    let request = RequestContext::current();
    request.answer(directory::account::look_at_reset(&request.db, &link, &request.call).await)
}

/// Use the link up and set the password. Signing in comes after it.
#[server(prefix = "/api", endpoint = "reset_password")]
pub async fn reset_password(link: String, password: String, end_tokens: Option<bool>) -> Result<(), AppError> {
    let request = RequestContext::current();
    let end_tokens = end_tokens.unwrap_or(false);
    request.answer(directory::account::reset(&request.db, &request.hasher, &link, password, end_tokens, &request.call).await)?;
    leptos_axum::redirect(&format!("{}?reset=done", paths::SIGN_IN));
    Ok(())
}

/// The viewer's own account.
#[server(prefix = "/api", endpoint = "account")]
pub async fn account(org: OrgSlug) -> Result<AccountView, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::Enter)?;
            directory::account::view(&request.db, request.signed_in()?, scope, &request.call).await
        }
        .await,
    )
}

/// Change the viewer's password. Every other browser is signed out, and this one goes on with another session id.
#[server(prefix = "/api", endpoint = "change_password")]
pub async fn change_password(org: OrgSlug, password: String, new_password: String, end_tokens: Option<bool>) -> Result<(), AppError> {
    let request = RequestContext::current();
    let changed = async {
        let scope = request.in_org(&org, Permission::Enter)?;
        let typed = directory::account::NewPassword { current: password, new: new_password, end_tokens: end_tokens.unwrap_or(false) };
        let (db, hasher, afterwards) = (&request.db, &request.hasher, &request.afterwards);
        directory::account::change_password(db, hasher, afterwards, request.signed_in()?, scope, typed, &request.call).await
    };
    request.enter(changed.await).await?;
    if request.wants_document {
        leptos_axum::redirect(&format!("{}?changed=password", paths::account(&org)));
    }
    Ok(())
}

/// Offer the viewer an authenticator. `code` is one of the authenticator that she has so far, if she has one.
#[server(prefix = "/api", endpoint = "offer_second_factor")]
pub async fn offer_second_factor(org: OrgSlug, password: Option<String>, code: Option<String>) -> Result<SecondFactorOffer, AppError> {
    let request = RequestContext::current();
    request.no_store();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::Enter)?;
            request.take_password(password).await?;
            let (db, keys, afterwards) = (&request.db, &request.keys, &request.afterwards);
            directory::second_factor::offer_to(db, keys, afterwards, request.signed_in()?, scope, code.as_deref(), &request.call).await
        }
        .await,
    )
}

/// Put the authenticator that was offered in force, of which `code` is the first. The answer holds the recovery codes, this once.
#[server(prefix = "/api", endpoint = "set_up_second_factor")]
pub async fn set_up_second_factor(org: OrgSlug, code: String) -> Result<RecoveryCodes, AppError> {
    let request = RequestContext::current();
    request.no_store();
    let made = async {
        let scope = request.in_org(&org, Permission::Enter)?;
        directory::second_factor::set_up(&request.db, &request.keys, request.signed_in()?, scope, &code, &request.call).await
    };
    let made = request.answer(made.await)?;
    request.enter(Ok(made.entry)).await?;
    Ok(RecoveryCodes { codes: made.codes, next: paths::account(&org) })
}

/// Make new recovery codes; those before stop working.
#[server(prefix = "/api", endpoint = "renew_recovery_codes")]
pub async fn renew_recovery_codes(org: OrgSlug, password: Option<String>, code: String) -> Result<RecoveryCodes, AppError> {
    let request = RequestContext::current();
    request.no_store();
    let codes = async {
        let scope = request.in_org(&org, Permission::Enter)?;
        request.take_password(password).await?;
        let (db, keys, afterwards) = (&request.db, &request.keys, &request.afterwards);
        directory::second_factor::renew_recovery_codes(db, keys, afterwards, request.signed_in()?, scope, &code, &request.call).await
    };
    Ok(RecoveryCodes { codes: request.answer(codes.await)?, next: paths::account(&org) })
}

/// Turn the viewer's second factor off.
#[server(prefix = "/api", endpoint = "turn_off_second_factor")]
pub async fn turn_off_second_factor(org: OrgSlug, password: Option<String>, code: String) -> Result<(), AppError> {
    let request = RequestContext::current();
    let done = async {
        let scope = request.in_org(&org, Permission::Enter)?;
        request.take_password(password).await?;
        let (db, keys, afterwards) = (&request.db, &request.keys, &request.afterwards);
        directory::second_factor::turn_off(db, keys, afterwards, request.signed_in()?, scope, &code, &request.call).await
    };
    request.enter(done.await).await.map(drop)
}

/// Whether members of `org` who sign in with a password need a second factor.
#[server(prefix = "/api", endpoint = "second_factor_policy")]
pub async fn second_factor_policy(org: OrgSlug) -> Result<SecondFactorRule, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::SeeSecurity)?;
            directory::second_factor::policy(&request.db, request.signed_in()?, scope).await
        }
        .await,
    )
}

/// Ask it of them from now on, or not any more.
#[server(prefix = "/api", endpoint = "require_second_factor")]
pub async fn require_second_factor(org: OrgSlug, on: bool, password: Option<String>) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageSecurity)?;
            request.take_password(password).await?;
            directory::second_factor::require(&request.db, request.signed_in()?, scope, on, &request.call).await
        }
        .await,
    )
}
