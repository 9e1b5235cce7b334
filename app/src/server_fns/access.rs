//! Coming in and going out: set-up, sign-in and its second step, activation, choosing an organisation.

use domain::{
    OrgSlug,
    view::{self, ActivationView, OrganisationChoice, RecoveryCodes, SecondFactorOffer},
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
    let wanted = directory::sign_in::Wanted { org: next.as_deref().and_then(paths::org_of), next };
    let credentials = directory::sign_in::Credentials { email, password };
    let (db, hasher, keys, afterwards) = (&request.db, &request.hasher, &request.keys, &request.afterwards);
    let step = directory::sign_in::with_password(db, hasher, keys, afterwards, credentials, &wanted, &request.call).await;
    if let Some((slug, organisations)) = request.follow(step).await? {
        leptos_axum::redirect(&landing(&slug, organisations, wanted.next));
    }
    Ok(())
}

/// The second step of signing in: a code of the authenticator, or one that recovers it.
#[server(prefix = "/api", endpoint = "sign_in_code")]
pub async fn sign_in_code(code: String) -> Result<(), AppError> {
    let request = RequestContext::current();
    let (db, keys, afterwards) = (&request.db, &request.keys, &request.afterwards);
    let entered = async { directory::second_factor::sign_in(db, keys, afterwards, request.halfway()?, &code, &request.call).await }.await;
    let (entry, next) = request.answer(entered.map_err(too_late))?;
    let organisations = entry.organisations;
    let slug = request.enter(Ok(entry)).await?;
    request.forget_halfway();
    leptos_axum::redirect(&landing(&slug, organisations, next));
    Ok(())
}

/// Offer an authenticator to somebody whose password was right, and whose organisation asks for one.
#[server(prefix = "/api", endpoint = "sign_in_offer")]
pub async fn sign_in_offer() -> Result<SecondFactorOffer, AppError> {
    let request = RequestContext::current();
    request.no_store();
    let offered =
        async { directory::second_factor::offer_halfway(&request.db, &request.keys, request.halfway()?, &request.call).await }.await;
    request.answer(offered.map_err(too_late))
}

/// Put it in force, and sign in. The answer holds the recovery codes, this once.
#[server(prefix = "/api", endpoint = "sign_in_set_up")]
pub async fn sign_in_set_up(code: String) -> Result<RecoveryCodes, AppError> {
    let request = RequestContext::current();
    request.no_store();
    let made =
        async { directory::second_factor::set_up_halfway(&request.db, &request.keys, request.halfway()?, &code, &request.call).await }
            .await;
    let made = request.answer(made.map_err(too_late))?;
    let organisations = made.entry.organisations;
    let slug = request.enter(Ok(made.entry)).await?;
    request.forget_halfway();
    Ok(RecoveryCodes { codes: made.codes, next: landing(&slug, organisations, made.next) })
}

/// Where signing in leads: to the page that was asked for, where it is of the organisation that was entered, or of a device.
#[cfg(feature = "ssr")]
fn landing(slug: &OrgSlug, organisations: usize, next: Option<String>) -> String {
    let wanted = next.as_deref().and_then(paths::org_of);
    // To the page itself: what leads there is the server's, and a script that signs in does not ask it again.
    let next = next.and_then(|next| paths::device_in(slug, &next).or_else(|| (wanted.as_ref() == Some(slug)).then_some(next)));
    next.unwrap_or_else(|| if organisations > 1 && wanted.is_none() { paths::ORGANISATIONS.to_owned() } else { paths::home(slug) })
}

/// Nobody is signed in at the second step: what has ended is what the first one has proven.
#[cfg(feature = "ssr")]
fn too_late(error: directory::Error) -> directory::Error {
    match error {
        directory::Error::Unauthenticated => {
            directory::Error::Conflict("This took too long, or your account changed meanwhile. Sign in again.".to_owned())
        }
        other => other,
    }
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
    let (db, hasher, keys, afterwards) = (&request.db, &request.hasher, &request.keys, &request.afterwards);
    let step = directory::activation::complete(db, hasher, keys, afterwards, &link, password, &request.call).await;
    if let Some((slug, _)) = request.follow(step).await? {
        leptos_axum::redirect(&paths::home(&slug));
    }
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
    let step = async { directory::sign_in::switch(&request.db, &request.keys, request.signed_in()?, &org, &request.call).await }.await;
    if let Some((slug, _)) = request.follow(step).await? {
        leptos_axum::redirect(&paths::home(&slug));
    }
    Ok(())
}

/// Who is looking at organisation `org`.
#[server(prefix = "/api", endpoint = "viewer")]
pub async fn viewer(org: OrgSlug) -> Result<view::Viewer, AppError> {
    let request = RequestContext::current();
    request.answer(async { directory::sign_in::viewer(&request.db, request.signed_in()?, &org, &request.call).await }.await)
}
