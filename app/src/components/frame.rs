//! The frame around an organisation's pages: where one is, where one can go, and who one is.

use domain::{
    OrgSlug, Permission,
    activity::ActivityFilter,
    view::{OrganisationChoice, Viewer},
};
use leptos::{html, prelude::*, server_fn::ServerFn};
use leptos_router::{
    components::Outlet,
    hooks::{use_location, use_params_map},
};
use serde::{Deserialize, Serialize};

use super::{Face, FormError, entrance::Mark, initials};
use crate::{
    browser, calls,
    error::AppError,
    paths,
    server_fns::{SignOut, organisations, viewer},
};

mod text {
    pub const SKIP: &str = "Skip to the content";
    pub const MENU: &str = "Menu";
    pub const MAIN: &str = "Main";
    pub const CHANGE: &str = "Change organisation";
    pub const PEOPLE: &str = "People";
    pub const MEMBERS: &str = "Members";
    pub const TEAMS: &str = "Teams";
    pub const GROUPS: &str = "IdP groups";
    pub const AGENTS: &str = "Agents";
    pub const INTEGRATIONS: &str = "Integrations";
    pub const SETTINGS: &str = "Settings";
    pub const SECURITY: &str = "Security";
    pub const WEBHOOKS: &str = "Webhooks";
    pub const ACTIVITY: &str = "SCIM activity";
    pub const AUDIT: &str = "Audit";
    pub const YOURS: &str = "Yours";
    pub const API_ACCESS: &str = "API access";
    pub const ACCOUNT: &str = "Account";
    pub const SIGN_OUT: &str = "Sign out";
}

/// The id of the page's content.
const CONTENT: &str = "content";

/// The organisation in the page's URL; `None` when no organisation can be called that.
#[derive(Clone, Copy)]
pub struct OrgOfPage(pub Memo<Option<OrgSlug>>);

impl OrgOfPage {
    /// The organisation of the page that is around the caller.
    pub fn current() -> Self {
        use_context().unwrap_or_else(|| Self(Memo::new(|_| None)))
    }

    /// The organisation, for a call that needs one.
    pub fn required(org: Option<OrgSlug>) -> Result<OrgSlug, AppError> {
        org.ok_or_else(|| AppError::NotFound("organisation".to_owned()))
    }
}

/// Whom a page of an organisation is asked for by.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
enum Visit {
    /// Somebody who is signed in to it.
    Here(Viewer),
    /// Somebody who is signed in to another; these are the ones she may enter.
    Elsewhere(Vec<OrganisationChoice>),
}

/// The visit of the organisation `org`.
async fn visit(org: Option<OrgSlug>) -> Result<Visit, AppError> {
    match viewer(OrgOfPage::required(org)?).await {
        Err(AppError::OtherOrganisation) => organisations().await.map(Visit::Elsewhere),
        viewer => viewer.map(Visit::Here),
    }
}

/// Who is looking at the page.
#[derive(Clone, Copy)]
pub struct ViewerOfPage(Resource<Result<Visit, AppError>>);

impl ViewerOfPage {
    /// Who is looking, once that is known. To be read where a page waits for its data.
    pub fn get() -> Option<Viewer> {
        match use_context::<Self>()?.0.get()?.ok()? {
            Visit::Here(viewer) => Some(viewer),
            Visit::Elsewhere(_) => None,
        }
    }

    /// The organisations that she may enter, once it is known that this one is not the session's. Read like [`Self::get`].
    pub fn choices() -> Option<Vec<OrganisationChoice>> {
        match use_context::<Self>()?.0.get()?.ok()? {
            Visit::Here(_) => None,
            Visit::Elsewhere(choices) => Some(choices),
        }
    }
}

/// The frame, with the page in it.
#[component]
pub fn Frame() -> impl IntoView {
    let params = use_params_map();
    let org = Memo::new(move |_| params.read().get("org").and_then(|slug| OrgSlug::try_from(slug).ok()));
    let who = calls::load(move || org.get(), visit);
    provide_context(OrgOfPage(org));
    provide_context(ViewerOfPage(who));
    // Signing out is a plain form post: a new document, and nothing of the old one stays in memory. Only its failure comes
    // back here.
    let sign_out_failed = calls::failure(calls::action::<SignOut>());
    view! {
        <a class="btn skip" href=format!("#{CONTENT}") rel="external">{text::SKIP}</a>
        <div class="frame">
            <header class="side">
                <Transition fallback=|| view! { <span class="org"><Mark /></span> }>
                    {move || who.get().map(|who| match who {
                        Ok(Visit::Here(who)) => view! { <Sidebar who /> }.into_any(),
                        Ok(Visit::Elsewhere(_)) | Err(_) => view! { <BareSidebar /> }.into_any(),
                    })}
                </Transition>
            </header>
            <main class="content" id=CONTENT tabindex="-1">
                <FormError error=sign_out_failed />
                <Outlet />
            </main>
        </div>
    }
}

#[component]
fn Sidebar(who: Viewer) -> impl IntoView {
    let Viewer { name, email, member, org_name, org_slug: org, role, organisations, .. } = who;
    let mark = initials(org_name.as_str()).chars().next().map(String::from).unwrap_or_default();
    let organisation = view! {
        <span class="mark" aria-hidden="true">{mark}</span>
        <span class="truncate">{org_name.to_string()}</span>
    };
    let menu = NodeRef::<html::Details>::new();
    let location = use_location();
    // On another page the menu is folded in again, and reading starts at the page rather than where the link was.
    Effect::new(move |arrived: Option<()>| {
        location.pathname.track();
        location.search.track();
        if arrived.is_some() {
            if let Some(menu) = menu.get_untracked() {
                menu.set_open(false);
            }
            if !browser::is_searching() {
                browser::focus(CONTENT);
            }
        }
    });
    view! {
        {if organisations > 1 {
            view! {
                <a class="org" href=paths::ORGANISATIONS title=text::CHANGE>
                    {organisation}
                    <span class="sr-only">". " {text::CHANGE}</span>
                    <svg viewBox="0 0 16 16" width="14" height="14" aria-hidden="true" class="ml-auto flex-none text-ink-3">
                        <path d="m5 6 3-3 3 3M5 10l3 3 3-3" fill="none" stroke="currentColor" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round" />
                    </svg>
                </a>
            }
            .into_any()
        } else {
            view! { <div class="org">{organisation}</div> }.into_any()
        }}
        <details class="menu" node_ref=menu><summary class="btn quiet">{text::MENU}</summary></details>
        <div class="places">
            <nav aria-label=text::MAIN>
                <h2 class="heading">{text::PEOPLE}</h2>
                <Place href=paths::members(&org) label=text::MEMBERS />
                <Place href=paths::teams(&org) label=text::TEAMS />
                {role.may(Permission::SeeMappings).then(|| view! { <Place href=paths::groups(&org) label=text::GROUPS /> })}
                <Place href=paths::agents(&org) label=text::AGENTS />
                {role.may(Permission::SeeAudit).then(|| view! {
                    <h2 class="heading">{text::SETTINGS}</h2>
                    {role.may(Permission::SeeMappings).then(|| view! { <Place href=paths::integrations(&org) label=text::INTEGRATIONS /> })}
                    {role.may(Permission::SeeSecurity).then(|| view! { <Place href=paths::security(&org) label=text::SECURITY /> })}
                    {role.may(Permission::SeeSecurity).then(|| view! { <Place href=paths::webhooks(&org) label=text::WEBHOOKS /> })}
                    <Place href=paths::activity(&org, &ActivityFilter::default(), None) label=text::ACTIVITY />
                    <Place href=paths::audit(&org) label=text::AUDIT />
                })}
            </nav>
            <nav class="yours" aria-label=text::YOURS>
                <Place href=paths::account(&org) label=text::ACCOUNT />
                <Place href=paths::api_access(&org) label=text::API_ACCESS />
            </nav>
            <div class="me">
                <Face name=name.clone() />
                <div class="min-w-0 flex-1 leading-4">
                    <p class="truncate text-sm font-medium"><a class="hover:underline" href=paths::person(&org, member)>{name.clone()}</a></p>
                    {email.filter(|email| *email != name).map(|email| view! { <p class="truncate text-xs text-ink-3" title=email.clone()>{email.clone()}</p> })}
                </div>
                <SignOutForm />
            </div>
        </div>
    }
}

/// The sidebar beside a page that says why there is no other: the ways out.
#[component]
fn BareSidebar() -> impl IntoView {
    view! {
        <a class="org" href=paths::ORGANISATIONS><Mark />"Rollcall"</a>
        <div class="places bare"><div class="me"><SignOutForm /></div></div>
    }
}

#[component]
fn SignOutForm() -> impl IntoView {
    view! {
        <form method="post" action=SignOut::url()>
            <button type="submit" class="btn quiet small" data-testid="sign-out">{text::SIGN_OUT}</button>
        </form>
    }
}

/// A link that knows whether it leads to where one is, or to what that is a part of. The page where one is is loaded again from
/// the server: a click always asks whether one may still be here.
#[component]
fn Place(href: String, label: &'static str) -> impl IntoView {
    let path = use_location().pathname;
    let here = href.clone();
    let current = Memo::new(move |_| {
        path.with(|path| match path.strip_prefix(here.as_str())? {
            "" | "/" => Some("page"),
            beyond => beyond.starts_with('/').then_some("true"),
        })
    });
    view! {
        <a class="item" href=href aria-current=move || current.get() rel=move || (current.get() == Some("page")).then_some("external")>{label}</a>
    }
}
