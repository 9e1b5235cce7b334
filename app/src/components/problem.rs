//! What a page shows instead of itself: what happened, and what to do about it.

use domain::{OrgSlug, view::OrganisationChoice};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_meta::Title;
use leptos_router::hooks::use_location;

use super::{Entrance, FormError, OrgOfPage, ViewerOfPage};
use crate::{calls, error::AppError, paths, server_fns::SwitchOrganisation};

mod text {
    pub const NOT_FOUND: &str = "There is nothing at this address";
    pub const NOT_FOUND_TEXT: &str = "The page may have moved, or the address was not copied whole.";
    pub const GONE_TEXT: &str = "It is not there any more, or it belongs to an organisation that you are not in.";
    pub const TO_ORGANISATIONS: &str = "Your organisations";
    pub const DENIED: &str = "Your role does not reach this page";
    pub const TO_MEMBERS: &str = "Back to Members";
    pub const OTHER: &str = "This browser is signed in to another organisation";
    pub const OTHER_TEXT: &str = "A session is for one organisation. Choose the one that you want to work in.";
    pub const NO_ACCESS: &str = "You have no access to this organisation";
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
    match error {
        AppError::Denied => said(text::DENIED, denied.map_or(sentence, str::to_owned), to_members()).into_any(),
        AppError::NotFound(_) => said(text::NOT_FOUND, text::GONE_TEXT, elsewhere()).into_any(),
        AppError::OtherOrganisation => view! { <OtherOrganisation /> }.into_any(),
        AppError::SignedOut => said(text::SIGNED_OUT, sentence, again(text::SIGN_IN)).into_any(),
        _ => said(text::FAILED, sentence, again(text::AGAIN)).into_any(),
    }
}

/// The page at an address of an organisation where nothing is. The frame stays around it.
#[component]
pub fn NotFoundInOrg() -> impl IntoView {
    answer_with(&AppError::NotFound(String::new()));
    said(text::NOT_FOUND, text::NOT_FOUND_TEXT, to_members())
}

/// What happened, what that means, and the ways on.
fn said(title: impl Into<String>, sentence: impl Into<String>, ways_on: impl IntoView) -> impl IntoView {
    let (title, sentence) = (title.into(), sentence.into());
    view! {
        <Title text=title.clone() />
        <div class="max-w-[56ch]" data-testid="problem">
            <h1 class="text-xl font-semibold tracking-tight text-balance">{title}</h1>
            <p class="mt-1 text-ink-2 text-pretty">{sentence}</p>
            <div class="mt-6 flex flex-wrap gap-2">{ways_on}</div>
        </div>
    }
}

/// The page is of another organisation than the session: one that she may enter, too, or one whose very existence is not
/// hers to learn.
#[component]
fn OtherOrganisation() -> impl IntoView {
    let page = OrgOfPage::current().0;
    move || match ViewerOfPage::choices().zip(page.get()) {
        Some((choices, page)) => signed_in_elsewhere(choices, &page).into_any(),
        None => said(text::OTHER, text::OTHER_TEXT, elsewhere()).into_any(),
    }
}

fn signed_in_elsewhere(choices: Vec<OrganisationChoice>, page: &OrgSlug) -> impl IntoView + use<> {
    let here = choices.iter().find(|choice| choice.current).cloned();
    let signed_in_to = here.as_ref().map_or_else(|| "another organisation".to_owned(), |here| here.name.to_string());
    let back = here.map(|OrganisationChoice { name, slug, .. }| {
        view! { <a class="btn max-w-full" href=paths::home(&slug) rel="external"><span class="truncate py-1">"Back to " {name.to_string()}</span></a> }
    });
    match choices.into_iter().find(|choice| choice.slug == *page) {
        Some(there) => said(
            format!("This browser is signed in to {signed_in_to}"),
            format!(
                "This page belongs to {}. A session is for one organisation: switching starts a new one, and other tabs that are still open on {signed_in_to} will say so.",
                there.name
            ),
            view! { <SwitchForm to=there />{back} },
        )
        .into_any(),
        None => said(
            text::NO_ACCESS,
            format!("There is none at “{page}”, or you are not in it. This browser is signed in to {signed_in_to}."),
            view! { {back}{elsewhere()} },
        )
        .into_any(),
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

fn to_members() -> impl IntoView {
    let org = OrgOfPage::current().0;
    move || org.get().map(|org: OrgSlug| view! { <a class="btn" href=paths::members(&org)>{text::TO_MEMBERS}</a> })
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

/// Start a session for the organisation. A plain form post: the new session begins with a new document.
#[component]
fn SwitchForm(to: OrganisationChoice) -> impl IntoView {
    let failed = calls::failure(calls::action::<SwitchOrganisation>());
    view! {
        <div class="-mb-2 w-full"><FormError error=failed /></div>
        <form class="max-w-full" method="post" action=SwitchOrganisation::url()>
            <input type="hidden" name="org" value=to.slug.to_string() />
            <button type="submit" class="btn primary max-w-full" data-testid="switch-organisation">
                <span class="truncate py-1">"Switch to " {to.name.to_string()}</span>
            </button>
        </form>
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
