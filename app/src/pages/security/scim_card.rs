//! Whether SCIM is on, and how far its set-up is.

use domain::{
    OrgSlug,
    view::{FailedAttempts, ScimStatus, SecurityView, SetUpStep},
};
use leptos::prelude::*;

use crate::{
    calls,
    components::{Ago, Confirm, CopyField, Day, OwnerPassword, Submit, counted, thousands},
    paths,
    server_fns::{DisableScim, EnableScim},
};

mod text {
    pub const TITLE: &str = "SCIM provisioning";
    pub const CONNECTED: &str = "Connected";
    pub const WAITING: &str = "Waiting";
    pub const OFF: &str = "Off";
    pub const DISABLED: &str = "Disabled";
    pub const LAST_REQUEST: &str = "Last request ";
    pub const NO_REQUEST: &str = "Your identity provider has not called yet.";
    pub const NOT_ON: &str = "Your identity provider is not connected.";
    pub const SWITCHED_OFF: &str = "Requests from your identity provider are refused.";
    pub const ENABLE: &str = "Enable SCIM";
    pub const ENABLE_AGAIN: &str = "Enable SCIM again";
    pub const DISABLE: &str = "Disable";
    pub const DISABLE_QUESTION: &str = "Disable SCIM?";
    pub const DISABLE_TEXT: &str = "Its tokens are revoked at once and for good. Nobody loses access: everyone stays a member, but joiners and leavers are no longer passed on, so that you end access by hand until SCIM is enabled again.";
    pub const OFF_TEXT: &str = "With SCIM, your identity provider (Okta, Entra ID, OneLogin, …) creates people here when they join and ends their access when they leave.";
    pub const OFF_NEXT: &str = "Enabling it changes nothing for the people who are here already. You then get an address and a token to enter at your identity provider.";
    pub const DISABLED_TEXT: &str = "Everyone whom the directory brought is still a member and keeps their access. Whoever leaves the company meanwhile has to be removed by hand.";
    pub const DISABLED_NEXT: &str = "When you enable SCIM again, the address stays the same. Its tokens were revoked: issue another then, and enter it at your identity provider.";
    pub const BASE_URL: &str = "Base URL";
    pub const DIRECTORY: &str = "Directory";
    pub const FAILED: &str = "Failed attempts";
    pub const NONE_FAILED: &str = "None in the last 24 hours";
    pub const IN_A_DAY: &str = " in the last 24 hours, the last ";
    pub const FROM: &str = " from ";
    pub const AUDIT_LOG: &str = "Audit log";
    pub const STEPS: &str = "Set-up";
    pub const DONE: &str = "done: ";
    pub const TO_DO: &str = "to do: ";
}

/// The id of the card's heading.
pub const HEADING: &str = "scim-title";

/// SCIM's card.
#[component]
pub fn ScimCard(
    /// The state.
    view: SecurityView,
    /// The organisation.
    org: OrgSlug,
    /// Switches it on.
    enable: ServerAction<EnableScim>,
    /// Switches it off.
    disable: ServerAction<DisableScim>,
    /// Whether it is being switched.
    pending: Signal<bool>,
) -> impl IntoView {
    let (badge, state) = match (view.scim, view.last_request_at) {
        (ScimStatus::Off, _) => ("badge", text::OFF),
        (ScimStatus::Disabled, _) => ("badge dot warn", text::DISABLED),
        (ScimStatus::Enabled, None) => ("badge dot info", text::WAITING),
        (ScimStatus::Enabled, Some(_)) => ("badge dot good", text::CONNECTED),
    };
    let sub = match (view.scim, view.last_request_at) {
        (ScimStatus::Off, _) => text::NOT_ON.into_any(),
        (ScimStatus::Disabled, _) => text::SWITCHED_OFF.into_any(),
        (ScimStatus::Enabled, None) => text::NO_REQUEST.into_any(),
        (ScimStatus::Enabled, Some(at)) => view! { {text::LAST_REQUEST} <Ago at now=view.now /> }.into_any(),
    };
    let switch = match view.scim {
        _ if !view.can_manage => ().into_any(),
        ScimStatus::Enabled => view! { <Disable org=org.clone() disable pending /> }.into_any(),
        ScimStatus::Off => view! { <Enable label=text::ENABLE org=org.clone() enable pending /> }.into_any(),
        ScimStatus::Disabled => view! { <Enable label=text::ENABLE_AGAIN org=org.clone() enable pending /> }.into_any(),
    };
    let body = match view.scim {
        ScimStatus::Enabled => view! {
            <div class="body"><Facts view=view.clone() org /></div>
            <div class="body border-t border-line"><Steps steps=view.steps /></div>
        }
        .into_any(),
        ScimStatus::Off => explained(text::OFF_TEXT, text::OFF_NEXT).into_any(),
        ScimStatus::Disabled => view! {
            {explained(text::DISABLED_TEXT, text::DISABLED_NEXT)}
            <div class="body border-t border-line"><dl class="facts"><Failed view org /></dl></div>
        }
        .into_any(),
    };
    view! {
        <section class="card" aria-labelledby=HEADING>
            <div class="head">
                <div class="min-w-0">
                    <h2 id=HEADING tabindex="-1">{text::TITLE}</h2>
                    <p class="sub">{sub}</p>
                </div>
                <div class="flex flex-wrap items-center gap-3 md:ml-auto">
                    <span class=badge data-testid="scim-status">{state}</span>
                    {switch}
                </div>
            </div>
            {body}
        </section>
    }
}

fn explained(what: &'static str, next: &'static str) -> impl IntoView {
    view! { <div class="body"><div class="grid max-w-[80ch] gap-2 text-pretty"><p>{what}</p><p class="text-ink-2">{next}</p></div></div> }
}

#[component]
fn Enable(label: &'static str, org: OrgSlug, enable: ServerAction<EnableScim>, pending: Signal<bool>) -> impl IntoView {
    view! {
        <ActionForm action=enable>
            <input type="hidden" name="org" value=org.to_string() />
            <Submit label testid="enable-scim" pending />
        </ActionForm>
    }
}

#[component]
fn Disable(org: OrgSlug, disable: ServerAction<DisableScim>, pending: Signal<bool>) -> impl IntoView {
    view! {
        <Confirm id="disable-scim".to_owned() label=text::DISABLE class="btn quiet danger edge" testid="disable-scim"
            question=text::DISABLE_QUESTION consequence=text::DISABLE_TEXT pending>
            <ActionForm action=disable clone:org>
                <input type="hidden" name="org" value=org.to_string() />
                <OwnerPassword error=calls::failure(disable) place="disable-scim".to_owned() />
                <Submit label="Disable SCIM" class="btn danger" testid="disable-scim-yes" pending />
            </ActionForm>
        </Confirm>
    }
}

#[component]
fn Facts(view: SecurityView, org: OrgSlug) -> impl IntoView {
    view! {
        <dl class="facts">
            <dt>{text::BASE_URL}</dt>
            <dd><CopyField id="base-url" text=view.base_url.clone() what="the base URL" testid="base-url" /></dd>
            <dt>{text::DIRECTORY}</dt>
            <dd>{counted(view.directory_people, "person", "people")}</dd>
            <Failed view org />
        </dl>
    }
}

/// Requests to the base URL that had no valid token.
#[component]
fn Failed(view: SecurityView, org: OrgSlug) -> impl IntoView {
    let failed = match view.failed_attempts {
        None => text::NONE_FAILED.into_any(),
        Some(FailedAttempts { count, last_at, last_from }) => view! {
            {thousands(count)} {text::IN_A_DAY} <Ago at=last_at now=view.now />
            {last_from.map(|from| view! { {text::FROM} <span class="mono wrap-anywhere">{from}</span> })}
            " · " <a class="link" href=paths::audit(&org)>{text::AUDIT_LOG}</a>
        }
        .into_any(),
    };
    view! {
        <dt>{text::FAILED}</dt>
        <dd data-testid="failed-attempts">{failed}</dd>
    }
}

#[component]
fn Steps(steps: Vec<SetUpStep>) -> impl IntoView {
    view! {
        <ol class="steps" aria-label=text::STEPS>
            {steps.into_iter().map(|SetUpStep { title, done_at }| view! {
                <li class=done_at.map(|_| "done")>
                    <span class="tick" aria-hidden="true">
                        {done_at.map(|_| view! {
                            <svg viewBox="0 0 12 12" width="10" height="10"><path d="m2.5 6.5 2.5 2.5 4.5-6" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" /></svg>
                        })}
                    </span>
                    <span><span class="sr-only">{if done_at.is_some() { text::DONE } else { text::TO_DO }}</span>{title}</span>
                    {done_at.map(|at| view! { <Day at /> })}
                </li>
            }).collect_view()}
        </ol>
    }
}
