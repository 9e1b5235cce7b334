//! Coming in and going out: set-up, sign-in, activation, choosing an organisation.

use domain::{
    OrgSlug,
    view::{self, ActivationView, OrganisationChoice},
};
use leptos::prelude::*;

use crate::error::AppError;
#[cfg(feature = "ssr")]
use crate::{context::RequestContext, paths};

/// Whether the set-up link `link` still works.
#[server(prefix = "/api", endpoint = "set_up_link")]
pub async fn set_up_link(link: String) -> Result<bool, AppError> {
    let request = RequestContext::current();
    request.answer(directory::founding::link_works(&request.db, &link, &request.call).await)
}

/// Found the first organisation, by the set-up link, and sign its owner in.
#[server(prefix = "/api", endpoint = "found")]
pub async fn found(link: String, org_name: String, name: String, email: String, password: String) -> Result<(), AppError> {
    let request = RequestContext::current();
    let founder = directory::founding::Founder { org_name, name, email, password };
    let founded = directory::founding::by_link(&request.db, &request.hasher, &link, founder, &request.call).await;
    let slug = request.enter(founded).await?;
    leptos_axum::redirect(&paths::security(&slug));
    Ok(())
}

/// Sign in. `next` is the page that was asked for; its organisation is entered when the person may. The page of a device is of
/// whichever organisation is entered.
#[server(prefix = "/api", endpoint = "sign_in")]
pub async fn sign_in(email: String, password: String, next: Option<String>) -> Result<(), AppError> {
    let request = RequestContext::current();
    let wanted = next.as_deref().and_then(paths::org_of);
    let credentials = directory::sign_in::Credentials { email, password };
    let entered =
        directory::sign_in::with_password(&request.db, &request.hasher, &request.afterwards, credentials, wanted.as_ref(), &request.call)
            .await;
    let many = entered.as_ref().is_ok_and(|entry| entry.organisations > 1);
    let slug = request.enter(entered).await?;
    // To the page itself: what leads there is the server's, and a script that signs in does not ask it again.
    let next = next.and_then(|next| paths::device_in(&slug, &next).or_else(|| (wanted.as_ref() == Some(&slug)).then_some(next)));
    leptos_axum::redirect(&next.unwrap_or_else(|| if many { paths::ORGANISATIONS.to_owned() } else { paths::home(&slug) }));
    Ok(())
}

/// Sign out of this browser.
#[server(prefix = "/api", endpoint = "sign_out")]
pub async fn sign_out() -> Result<(), AppError> {
    let request = RequestContext::current();
    if let Some(signed_in) = &request.signed_in {
        request.answer(directory::sessions::end(&request.db, signed_in, &request.call).await)?;
    } else if let Some(id) = request.session.id() {
        // Nobody may act with it at the moment; it is not to be of use later either.
        request.answer(directory::sessions::forget(&request.db, &id.0.to_le_bytes()).await)?;
    }
    request.answer(request.session.flush().await.map_err(crate::context::session_error))?;
    leptos_axum::redirect(paths::SIGN_IN);
    Ok(())
}

/// What the activation link `link` is for; `NotFound` when it is used, expired, or no link at all.
#[server(prefix = "/api", endpoint = "activation_link")]
pub async fn activation_link(link: String) -> Result<ActivationView, AppError> {
    let request = RequestContext::current();
    request.answer(directory::activation::look(&request.db, &link, &request.call).await)
}

/// Use up the activation link: set the account's first password (or prove the one it has), and sign in.
#[server(prefix = "/api", endpoint = "activate")]
pub async fn activate(link: String, password: String) -> Result<(), AppError> {
    let request = RequestContext::current();
    let entered = directory::activation::complete(&request.db, &request.hasher, &request.afterwards, &link, password, &request.call).await;
    let slug = request.enter(entered).await?;
    leptos_axum::redirect(&paths::home(&slug));
    Ok(())
}

/// The organisations that the signed-in person may enter.
#[server(prefix = "/api", endpoint = "organisations")]
pub async fn organisations() -> Result<Vec<OrganisationChoice>, AppError> {
    let request = RequestContext::current();
    request.answer(async { directory::sign_in::organisations(&request.db, request.signed_in()?).await }.await)
}

/// Start another session, for the organisation `org`, with what this session has proven.
#[server(prefix = "/api", endpoint = "switch_organisation")]
pub async fn switch_organisation(org: OrgSlug) -> Result<(), AppError> {
    let request = RequestContext::current();
    let entered = async { directory::sign_in::switch(&request.db, request.signed_in()?, &org, &request.call).await }.await;
    let slug = request.enter(entered).await?;
    leptos_axum::redirect(&paths::home(&slug));
    Ok(())
}

/// Who is looking at organisation `org`.
#[server(prefix = "/api", endpoint = "viewer")]
pub async fn viewer(org: OrgSlug) -> Result<view::Viewer, AppError> {
    let request = RequestContext::current();
    request.answer(async { directory::sign_in::viewer(&request.db, request.signed_in()?, &org, &request.call).await }.await)
}
