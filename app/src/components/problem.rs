//! What a page shows instead of itself: what happened, and what to do about it.

use domain::OrgSlug;
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::Title;
use leptos_router::hooks::use_location;

use super::{Entrance, FormError, OrgOfPage};
use crate::{calls, error::AppError, paths, server_fns::SwitchOrganisation};

mod text {
    pub const NOT_FOUND: &str = "There is nothing at this address";
    pub const NOT_FOUND_TEXT: &str = "The page may have moved, or the address was not copied whole.";
    pub const GONE_TEXT: &str = "It is not there any more, or it belongs to an organisation that you are not in.";
    pub const TO_ORGANISATIONS: &str = "Your organisations";
    pub const DENIED: &str = "Your role does not reach this page";
    pub const OTHER: &str = "This browser is signed in to another organisation";
    pub const OTHER_TEXT: &str =
        "A session is for one organisation. Switching starts a new one; other tabs that are still open on the old one will say so.";
    pub const SIGNED_OUT: &str = "Your session has ended";
    pub const SIGN_IN: &str = "Sign in again";
    pub const FAILED: &str = "This page cannot be shown at the moment";
    pub const AGAIN: &str = "Try again";
}

/// The page that `error` leaves.
#[component]
pub fn Problem(
    /// What happened.
    error: AppError,
    /// Whose page it is, when the error is that it is not the viewer's.
    #[prop(optional)]
    denied: Option<&'static str>,
) -> impl IntoView {
    answer_with(&error);
    let sentence = error.to_string();
    let (title, sentence, way_on) = match error {
        AppError::Denied => (text::DENIED, denied.map_or(sentence, str::to_owned), None),
        AppError::NotFound(_) => (text::NOT_FOUND, text::GONE_TEXT.to_owned(), Some(elsewhere().into_any())),
        AppError::OtherOrganisation => (text::OTHER, text::OTHER_TEXT.to_owned(), Some(view! { <SwitchForm /> }.into_any())),
        AppError::SignedOut => (text::SIGNED_OUT, sentence, Some(again(text::SIGN_IN).into_any())),
        _ => (text::FAILED, sentence, Some(again(text::AGAIN).into_any())),
    };
    view! {
        <Title text=title />
        <div class="max-w-[56ch] py-8" data-testid="problem">
            <h1 class="text-xl font-semibold tracking-tight text-balance">{title}</h1>
            <p class="mt-2 text-ink-2 text-pretty">{sentence}</p>
            {way_on.map(|way_on| view! { <div class="mt-6 flex flex-wrap gap-2">{way_on}</div> })}
        </div>
    }
}

/// The page at an address where nothing is.
#[component]
pub fn NotFoundPage() -> impl IntoView {
    answer_with(&AppError::NotFound(String::new()));
    view! {
        <Entrance title=text::NOT_FOUND lead=text::NOT_FOUND_TEXT>
            {elsewhere()}
        </Entrance>
    }
}

fn elsewhere() -> impl IntoView {
    view! { <a class="btn" href=paths::ORGANISATIONS>{text::TO_ORGANISATIONS}</a> }
}

/// The same address once more, from the server.
fn again(label: &'static str) -> impl IntoView {
    let location = use_location();
    let href = move || match location.search.get() {
        search if search.is_empty() => location.pathname.get(),
        search => format!("{}?{search}", location.pathname.get()),
    };
    view! { <a class="btn primary" href=href rel="external">{label}</a> }
}

/// Start a session for the page's organisation. A plain form post: the new session begins with a new document.
#[component]
fn SwitchForm() -> impl IntoView {
    let failed = calls::failure(calls::action::<SwitchOrganisation>());
    let org = OrgOfPage::current().0;
    view! {
        <div class="w-full"><FormError error=failed /></div>
        {move || org.get().map(|org: OrgSlug| view! {
            <form method="post" action=SwitchOrganisation::url()>
                <input type="hidden" name="org" value=org.to_string() />
                <button type="submit" class="btn primary" data-testid="switch-organisation">"Switch to " {org.to_string()}</button>
            </form>
        })}
        {elsewhere()}
    }
}

/// Give the document the status of `error`; in the browser there is none to give.
fn answer_with(error: &AppError) {
    #[cfg(feature = "ssr")]
    if let Some(response) = use_context::<leptos_axum::ResponseOptions>() {
        response.set_status(error.status());
    }
    #[cfg(not(feature = "ssr"))]
    let _ = error;
}
