//! Rollcall's web pages: rendered on the server, then brought to life in the browser.
//!
//! `pages` are what one visits, `components` what they are built of, and `server_fns` every call from the browser to the
//! server. Every form works without WebAssembly where a form can do it; what needs a script says so.

#![recursion_limit = "256"]

pub mod browser;
pub mod calls;
pub mod components;
#[cfg(feature = "ssr")]
pub mod context;
pub mod error;
pub mod pages;
pub mod paths;
pub mod server_fns;

use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Route, Router, Routes},
    path,
};

use components::{Frame, Hydrated, NotFoundInOrg, NotFoundPage};
use pages::{
    Account, Activate, Activity, ActivityRequest, Agent, Agents, ApiAccess, Audit, Delivery, Device, Drill, Endpoint, ForgotPassword,
    Group, Groups, Home, Integrations, Invite, Members, Organisations, Person, Preview, Receipt, ResetPassword, Security, SetUp, SignIn,
    SignInCode, SignInSetUp, Team, Teams, Webhooks,
};

/// The document around the pages.
#[cfg(feature = "ssr")]
pub fn shell(options: LeptosOptions) -> impl IntoView {
    use leptos_meta::MetaTags;
    let stylesheet = format!("/{}/{}.css", options.site_pkg_dir, options.output_name);
    view! {
        <!DOCTYPE html>
        <html lang="en">
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" href=stylesheet />
                <AutoReload options=options.clone() />
                <HydrationScripts options />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

/// The document's title, as it stands in the page that the server sends or as a browser takes it.
fn document_title(title: String) -> String {
    let title = if title.is_empty() { "Rollcall".to_owned() } else { format!("{title} · Rollcall") };
    // leptos_meta writes it between the tags as it is, and a name may hold whatever a directory sends.
    if cfg!(feature = "ssr") { title.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;") } else { title }
}

/// All pages.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let (hydrated, set_hydrated) = signal(false);
    provide_context(Hydrated(hydrated));
    Effect::new(move |_| {
        // After the frame in which the page came to life, so that what the server wrote is met unchanged first.
        request_animation_frame(move || {
            browser::mark_hydrated();
            set_hydrated.set(true);
        });
    });
    view! {
        <Title formatter=document_title />
        <Router>
            <Routes fallback=NotFoundPage>
                <Route path=path!("/set-up/:link") view=SetUp ssr=SsrMode::Async />
                <Route path=path!("/sign-in") view=SignIn ssr=SsrMode::Async />
                <Route path=path!("/sign-in/code") view=SignInCode ssr=SsrMode::Async />
                <Route path=path!("/sign-in/second-factor") view=SignInSetUp ssr=SsrMode::Async />
                <Route path=path!("/forgot-password") view=ForgotPassword ssr=SsrMode::Async />
                <Route path=path!("/reset/:link") view=ResetPassword ssr=SsrMode::Async />
                <Route path=path!("/activate/:link") view=Activate ssr=SsrMode::Async />
                <Route path=path!("/organisations") view=Organisations ssr=SsrMode::Async />
                <ParentRoute path=path!("/o/:org") view=Frame ssr=SsrMode::Async>
                    <Route path=path!("") view=Home ssr=SsrMode::Async />
                    <Route path=path!("members") view=Members ssr=SsrMode::Async />
                    <Route path=path!("teams") view=Teams ssr=SsrMode::Async />
                    <Route path=path!("teams/:team") view=Team ssr=SsrMode::Async />
                    <Route path=path!("members/invite") view=Invite ssr=SsrMode::Async />
                    <Route path=path!("members/:member") view=Person ssr=SsrMode::Async />
                    <Route path=path!("members/:member/receipts/:receipt") view=Receipt ssr=SsrMode::Async />
                    <Route path=path!("groups") view=Groups ssr=SsrMode::Async />
                    <Route path=path!("groups/:group") view=Group ssr=SsrMode::Async />
                    <Route path=path!("agents") view=Agents ssr=SsrMode::Async />
                    <Route path=path!("agents/:agent") view=Agent ssr=SsrMode::Async />
                    <Route path=path!("api-access") view=ApiAccess ssr=SsrMode::Async />
                    <Route path=path!("account") view=Account ssr=SsrMode::Async />
                    <Route path=path!("device") view=Device ssr=SsrMode::Async />
                    <Route path=path!("settings/integrations") view=Integrations ssr=SsrMode::Async />
                    <Route path=path!("settings/integrations/preview") view=Preview ssr=SsrMode::Async />
                    <Route path=path!("settings/security") view=Security ssr=SsrMode::Async />
                    <Route path=path!("settings/security/drills/:drill") view=Drill ssr=SsrMode::Async />
                    <Route path=path!("settings/webhooks") view=Webhooks ssr=SsrMode::Async />
                    <Route path=path!("settings/webhooks/:endpoint") view=Endpoint ssr=SsrMode::Async />
                    <Route path=path!("settings/webhooks/:endpoint/:delivery") view=Delivery ssr=SsrMode::Async />
                    <Route path=path!("settings/activity") view=Activity ssr=SsrMode::Async />
                    <Route path=path!("settings/activity/:request") view=ActivityRequest ssr=SsrMode::Async />
                    <Route path=path!("settings/audit") view=Audit ssr=SsrMode::Async />
                    <Route path=path!("*rest") view=NotFoundInOrg ssr=SsrMode::Async />
                </ParentRoute>
            </Routes>
        </Router>
    }
}
