//! The viewer's personal tokens, and the form that makes one.

use domain::{
    OrgSlug, Timestamp,
    oauth::{PersonalLifetime, Scope, Scopes},
    view::PersonalTokenView,
};
use leptos::prelude::*;

use super::{Asked, Issuing};
use crate::{
    components::{Ago, Confirm, Day, EmptyState, Field, LastUsed, OwnerPassword, SecretForm, Submit, Typed},
    server_fns::RevokePersonalToken,
};

mod text {
    pub const TITLE: &str = "Personal tokens";
    pub const LEAD: &str = "For scripts that nobody is there to let in. Whoever holds one acts as you.";
    pub const NAME: &str = "Name";
    pub const MAY: &str = "May";
    pub const CREATED: &str = "Created";
    pub const EXPIRES: &str = "Expires";
    pub const LAST_USED: &str = "Last used";
    pub const ACTIONS: &str = "What you can do";
    pub const EMPTY: &str = "You have no personal token";
    pub const EMPTY_TEXT: &str = "Make one below for a script of yours. Where a program can show you a code, let it in instead.";
    pub const WHAT_FOR: &str = "What it is for";
    pub const PLACEHOLDER: &str = "Nightly report";
    pub const LIFETIME: &str = "Lifetime";
    pub const SCOPES: &str = "What it may do";
    pub const PASSWORD_HINT: &str = "A token outlives your visit, so it asks for it every 15 minutes.";
    pub const MAKE: &str = "Make token";
    pub const UNSAVED: &str = "Save the token above before you make another.";
    pub const NEEDS_SCRIPT: &str =
        "Making a token needs JavaScript: its secret is shown once and never written into a page that the server sends.";
    pub const REVOKE: &str = "Revoke";
    pub const REVOKE_TEXT: &str = "The next request with it is refused. A script that still uses it stops working.";
    pub const REVOKE_YES: &str = "Revoke token";
}

/// The id of the card's heading.
pub const HEADING: &str = "personal-tokens-title";

/// The card.
#[component]
pub fn TokensCard(
    /// The tokens.
    tokens: Vec<PersonalTokenView>,
    /// When this was read.
    now: Timestamp,
    /// The organisation.
    org: OrgSlug,
    /// Makes them.
    issuing: Issuing,
    /// Revokes them.
    revoke: ServerAction<RevokePersonalToken>,
) -> impl IntoView {
    let rows = if tokens.is_empty() {
        view! { <EmptyState title=text::EMPTY text=text::EMPTY_TEXT /> }.into_any()
    } else {
        let org = org.clone();
        view! {
            <table class="rows">
                <thead>
                    <tr>
                        <th scope="col">{text::NAME}</th>
                        <th scope="col" class="opt">{text::MAY}</th>
                        <th scope="col" class="opt">{text::CREATED}</th>
                        <th scope="col" class="opt">{text::EXPIRES}</th>
                        <th scope="col" class="opt">{text::LAST_USED}</th>
                        <th scope="col"><span class="sr-only">{text::ACTIONS}</span></th>
                    </tr>
                </thead>
                <tbody>{tokens.into_iter().map(|token| view! { <Row token now org=org.clone() revoke /> }).collect_view()}</tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <section class="card mt-4" aria-labelledby=HEADING>
            <div class="head">
                <div class="min-w-0">
                    <h2 id=HEADING tabindex="-1">{text::TITLE}</h2>
                    <p class="sub">{text::LEAD}</p>
                </div>
            </div>
            <div>{rows}</div>
            <MakeForm org issuing />
        </section>
    }
}

#[component]
fn Row(token: PersonalTokenView, now: Timestamp, org: OrgSlug, revoke: ServerAction<RevokePersonalToken>) -> impl IntoView {
    let PersonalTokenView { id, name, hint, scopes, created_at, expires_at, last_used_at, last_used_ip } = token;
    let pending = Signal::derive(move || revoke.pending().get() && revoke.input().get().is_some_and(|input| input.token == id));
    let question = format!("Revoke “{name}”?");
    let may = move |scopes: &Scopes| scopes.iter().map(|scope| view! { <li>{scope.title()}</li> }).collect_view();
    view! {
        <tr data-testid="personal-token-row">
            <td>
                <p class="font-medium wrap-anywhere">{name}</p>
                <p class="font-mono text-xs leading-4 text-ink-3">"rcp_…" {hint}</p>
                // Where there is no room for its columns.
                <div class="mt-1 text-xs text-ink-3 md:hidden">
                    <p>"expires " <Ago at=expires_at now /></p>
                    <ul>{may(&scopes)}</ul>
                </div>
            </td>
            <td class="opt text-ink-2"><ul>{may(&scopes)}</ul></td>
            <td class="opt whitespace-nowrap"><Day at=created_at /></td>
            <td class="opt whitespace-nowrap"><Ago at=expires_at now /></td>
            <td class="opt whitespace-nowrap"><LastUsed at=last_used_at ip=last_used_ip now /></td>
            <td class="end">
                <Confirm id=format!("revoke-{id}") label=text::REVOKE class="btn quiet danger small edge" testid="revoke-personal-token"
                    question consequence=text::REVOKE_TEXT pending>
                    <ActionForm action=revoke clone:org>
                        <input type="hidden" name="org" value=org.to_string() />
                        <input type="hidden" name="token" value=id.to_string() />
                        <Submit label=text::REVOKE_YES class="btn danger" testid="revoke-personal-token-yes" pending />
                    </ActionForm>
                </Confirm>
            </td>
        </tr>
    }
}

/// Asks for a token.
#[component]
fn MakeForm(org: OrgSlug, issuing: Issuing) -> impl IntoView {
    let ask = move |typed: Typed| {
        issuing.dispatch(Asked {
            org: org.clone(),
            name: typed.text("name"),
            lifetime: typed.text("lifetime"),
            scopes: typed.ticked("scopes"),
            password: typed.password(),
        });
    };
    let error = Signal::derive(move || issuing.value().get().and_then(Result::err));
    let unsaved = Memo::new(move |_| issuing.value().with(|answer| matches!(answer, Some(Ok(_)))));
    view! {
        <SecretForm ask unsaved save_first=text::UNSAVED pending=issuing.pending().into() error fields=&["name", "lifetime", "password"]
            needs_script=text::NEEDS_SCRIPT label=text::MAKE testid="make-token" form_testid="make-token-form" beside=false>
            <div class="w-full md:w-64">
                <Field label=text::WHAT_FOR name="name" autocomplete="off" maxlength=60 placeholder=text::PLACEHOLDER error />
            </div>
            <div class="field w-full md:w-32">
                <label for="field-lifetime">{text::LIFETIME}</label>
                <select class="input" id="field-lifetime" name="lifetime">
                    {PersonalLifetime::ALL.into_iter().map(|choice| view! {
                        <option value=choice.as_str() selected=choice == PersonalLifetime::default()>{choice.to_string()}</option>
                    }).collect_view()}
                </select>
            </div>
            <div class="w-full empty:hidden md:w-72"><OwnerPassword error hint=text::PASSWORD_HINT /></div>
            <fieldset class="w-full">
                <legend class="text-sm font-medium">{text::SCOPES}</legend>
                <div class="flex flex-wrap gap-x-6">
                    {Scope::ALL.into_iter().map(|scope| view! {
                        <label class="check">
                            <input type="checkbox" name="scopes" value=scope.as_str() checked=true />
                            {scope.title()}
                        </label>
                    }).collect_view()}
                </div>
            </fieldset>
        </SecretForm>
    }
}
