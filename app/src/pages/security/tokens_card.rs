//! The provisioning tokens, and the form that asks for one.

use domain::{
    OrgSlug, Timestamp,
    token::{MOST_LIVE, TokenLifetime},
    view::{ScimStatus, SecurityView, TokenState, TokenView},
};
use leptos::prelude::*;

use super::{Issuing, Order};
use crate::{
    components::{Ago, Confirm, Day, EmptyState, Field, LastUsed, SecretForm, Submit, Typed},
    server_fns::RevokeToken,
};

mod text {
    pub const TITLE: &str = "Provisioning tokens";
    pub const LEAD: &str = "Your identity provider proves itself with one. Two may be live, so that you can change them without a gap.";
    pub const NAME: &str = "Name";
    pub const CREATED: &str = "Created";
    pub const EXPIRES: &str = "Expires";
    pub const LAST_USED: &str = "Last used";
    pub const STATE: &str = "State";
    pub const LIVE: &str = "Live";
    pub const EXPIRED: &str = "Expired";
    pub const REVOKED: &str = "Revoked";
    pub const REVOKE: &str = "Revoke";
    pub const REVOKE_TEXT: &str = "The next request with it is refused. If your identity provider still uses it, it can neither add people nor end access until you give it another.";
    pub const EMPTY: &str = "No token yet";
    pub const EMPTY_TEXT: &str = "Issue one below, and enter it at your identity provider together with the base URL.";
    pub const EMPTY_READ_ONLY: &str = "Owners issue them. Until there is one, the identity provider cannot call.";
    pub const LIFETIME: &str = "Lifetime";
    pub const ISSUE: &str = "Issue token";
    pub const PLACEHOLDER: &str = "Okta production";
    pub const FULL: &str = "Two tokens are live. Revoke one before you issue another.";
    pub const OFF: &str = "SCIM is disabled, so that no token works. Enable it to issue another.";
    pub const UNSAVED: &str = "Save the token above before you issue another.";
    pub const NEEDS_SCRIPT: &str =
        "Issuing a token needs JavaScript: its secret is shown once and never written into a page that the server sends.";
}

/// The id of the card's heading.
pub const HEADING: &str = "tokens-title";

/// The tokens' card.
#[component]
pub fn TokensCard(
    /// The state.
    view: SecurityView,
    /// The organisation.
    org: OrgSlug,
    /// Issues tokens.
    issuing: Issuing,
    /// Revokes them.
    revoke: ServerAction<RevokeToken>,
) -> impl IntoView {
    let SecurityView { now, tokens, scim, can_manage, .. } = view;
    let live = tokens.iter().filter(|token| token.state == TokenState::Live).count();
    let obstacle = match scim {
        ScimStatus::Enabled if live >= MOST_LIVE => Some(text::FULL),
        ScimStatus::Enabled => None,
        ScimStatus::Off | ScimStatus::Disabled => Some(text::OFF),
    };
    let rows = if tokens.is_empty() {
        let sentence = if can_manage { text::EMPTY_TEXT } else { text::EMPTY_READ_ONLY };
        view! { <EmptyState title=text::EMPTY text=sentence /> }.into_any()
    } else {
        let org = org.clone();
        view! {
            <table class="rows">
                <thead>
                    <tr>
                        <th scope="col">{text::NAME}</th>
                        <th scope="col" class="opt">{text::CREATED}</th>
                        <th scope="col" class="opt">{text::EXPIRES}</th>
                        <th scope="col" class="opt">{text::LAST_USED}</th>
                        <th scope="col">{text::STATE}</th>
                    </tr>
                </thead>
                <tbody>{tokens.into_iter().map(|token| view! { <Row token now org=org.clone() can_manage revoke /> }).collect_view()}</tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <section class="card mt-4" aria-labelledby=HEADING>
            <div class="head">
                <div>
                    <h2 id=HEADING tabindex="-1">{text::TITLE}</h2>
                    <p class="sub">{text::LEAD}</p>
                </div>
            </div>
            <div>{rows}</div>
            {can_manage.then(|| view! { <IssueForm org issuing obstacle /> })}
        </section>
    }
}

#[component]
fn Row(token: TokenView, now: Timestamp, org: OrgSlug, can_manage: bool, revoke: ServerAction<RevokeToken>) -> impl IntoView {
    let TokenView { id, name, hint, created_at, created_by, expires_at, last_used_at, last_used_ip, state } = token;
    let (class, label) = match state {
        TokenState::Live => ("badge dot good", text::LIVE),
        TokenState::Expired => ("badge dot warn", text::EXPIRED),
        TokenState::Revoked => ("badge dot", text::REVOKED),
    };
    let (live, revoked) = (state == TokenState::Live, state == TokenState::Revoked);
    let quiet = if live { "font-medium" } else { "font-medium text-ink-2" };
    let pending = Signal::derive(move || revoke.pending().get() && revoke.input().get().is_some_and(|input| input.token == id));
    let question = format!("Revoke “{name}”?");
    view! {
        <tr data-testid="token-row" data-state=label.to_lowercase()>
            <td>
                <p class=quiet>{name}</p>
                <p class="font-mono text-xs leading-4 text-ink-3">"rcs_…" {hint}</p>
                // Where there is no room for its column.
                {(!revoked).then(|| view! { <p class="mt-1 text-xs text-ink-3 md:hidden">{if live { "expires " } else { "expired " }}<Ago at=expires_at now /></p> })}
            </td>
            <td class="opt"><Day at=created_at /><p class="text-xs text-ink-3">"by " {created_by}</p></td>
            <td class="opt whitespace-nowrap">{if revoked { "–".into_any() } else { view! { <Ago at=expires_at now /> }.into_any() }}</td>
            <td class="opt whitespace-nowrap"><LastUsed at=last_used_at ip=last_used_ip now /></td>
            <td>
                <div class="flex items-center justify-between gap-3">
                    <span class=class>{label}</span>
                    {(live && can_manage).then(|| view! {
                        <Confirm id=format!("revoke-{id}") label=text::REVOKE class="btn quiet danger small edge" testid="revoke-token"
                            question consequence=text::REVOKE_TEXT pending>
                            <ActionForm action=revoke clone:org>
                                <input type="hidden" name="org" value=org.to_string() />
                                <input type="hidden" name="token" value=id.to_string() />
                                <Submit label="Revoke token" class="btn danger" testid="revoke-token-yes" pending />
                            </ActionForm>
                        </Confirm>
                    })}
                </div>
            </td>
        </tr>
    }
}

/// Asks for a token.
#[component]
fn IssueForm(org: OrgSlug, issuing: Issuing, obstacle: Option<&'static str>) -> impl IntoView {
    let ask = move |typed: Typed| {
        issuing.dispatch((org.clone(), Order::Issue { name: typed.text("name"), lifetime: typed.text("lifetime") }));
    };
    let error = Signal::derive(move || issuing.value().get().and_then(Result::err));
    let unsaved = Memo::new(move |_| issuing.value().with(|answer| matches!(answer, Some(Ok(_)))));
    view! {
        <SecretForm ask unsaved save_first=text::UNSAVED obstacle pending=issuing.pending().into() error fields=&["name", "lifetime"]
            needs_script=text::NEEDS_SCRIPT label=text::ISSUE testid="issue-token" form_testid="issue-token-form">
            <div class="w-full md:w-64">
                <Field label=text::NAME name="name" autocomplete="off" maxlength=60 placeholder=text::PLACEHOLDER error />
            </div>
            <div class="field w-full md:w-40">
                <label for="field-lifetime">{text::LIFETIME}</label>
                <select class="input" id="field-lifetime" name="lifetime">
                    {TokenLifetime::ALL.into_iter().map(|choice| view! {
                        <option value=choice.as_str() selected=choice == TokenLifetime::default()>{choice.to_string()}</option>
                    }).collect_view()}
                </select>
            </div>
        </SecretForm>
    }
}
