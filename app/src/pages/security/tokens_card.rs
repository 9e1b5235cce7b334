//! The provisioning tokens, and the form that asks for one.

use domain::{
    OrgSlug, Timestamp, TokenId,
    token::{AllowedNetworks, MOST_LIVE, Retirement, TokenLifetime},
    view::{ScimStatus, SecurityView, SwitchOver, TokenState, TokenView},
};
use leptos::prelude::*;

use super::{Asked, Issuing, Order};
use crate::{
    calls,
    components::{Ago, Confirm, Day, EmptyState, Field, LastUsed, OwnerPassword, RETIRE, Rotate, SecretForm, Submit, Typed, counted},
    server_fns::{RestrictToken, RevokeToken},
};

mod text {
    pub const TITLE: &str = "Provisioning tokens";
    pub const LEAD: &str = "Your identity provider proves itself with one. Two may be live, so that one can be rotated without a gap.";
    pub const NAME: &str = "Name";
    pub const CREATED: &str = "Created";
    pub const EXPIRES: &str = "Expires";
    pub const LAST_USED: &str = "Last used";
    pub const STATE: &str = "State";
    pub const LIVE: &str = "Live";
    pub const RETIRING: &str = "Retiring";
    pub const EXPIRED: &str = "Expired";
    pub const REVOKED: &str = "Revoked";
    pub const REVOKE: &str = "Revoke";
    pub const REVOKE_TEXT: &str = "The next request with it is refused. If your identity provider still uses it, it can neither add people nor end access until you give it another.";
    pub const REVOKE_YES: &str = "Revoke token";
    pub const ROTATE_TEXT: &str =
        "Give your identity provider the new one before the old one stops. Both work until then, so that no request is refused.";
    pub const ROTATE_FULL: &str = "Two tokens are live, so that this one stops at once. Until your identity provider has the new one, it can neither add people nor end access. To change it without a gap, revoke the other one first.";
    pub const NETWORKS: &str = "Networks";
    pub const NETWORKS_QUESTION: &str = "From where may “{name}” be used?";
    pub const NETWORKS_TEXT: &str = "Requests from anywhere else are refused from the next one on, as if the token were wrong, and stand in the audit log with their address.";
    pub const NETWORKS_YES: &str = "Save networks";
    pub const ALLOWED_FROM: &str = "Allowed networks";
    pub const ALLOWED_FROM_HINT: &str = "With spaces between, such as 203.0.113.0/24. Empty: from anywhere.";
    pub const RETIRE: &str = "Retire the old one now";
    pub const RETIRE_TEXT: &str =
        "The next request with the old token is refused. Do it once your identity provider uses the new one only.";
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
    /// Changes from where they may be used.
    restrict: ServerAction<RestrictToken>,
) -> impl IntoView {
    let SecurityView { now, tokens, switch_over, scim, can_manage, .. } = view;
    let live = tokens.iter().filter(|token| token.state == TokenState::Live).count();
    let obstacle = match scim {
        ScimStatus::Enabled if live >= MOST_LIVE => Some(text::FULL),
        ScimStatus::Enabled => None,
        ScimStatus::Off | ScimStatus::Disabled => Some(text::OFF),
    };
    let full = live >= MOST_LIVE;
    let on = scim == ScimStatus::Enabled;
    let rows = if tokens.is_empty() {
        let sentence = if can_manage { text::EMPTY_TEXT } else { text::EMPTY_READ_ONLY };
        view! { <EmptyState title=text::EMPTY text=sentence /> }.into_any()
    } else {
        let org = org.clone();
        view! {
            <table class="rows stack">
                <thead>
                    <tr>
                        <th scope="col">{text::NAME}</th>
                        <th scope="col" class="opt">{text::CREATED}</th>
                        <th scope="col" class="opt">{text::EXPIRES}</th>
                        <th scope="col" class="opt">{text::LAST_USED}</th>
                        <th scope="col">{text::STATE}</th>
                    </tr>
                </thead>
                <tbody>{tokens.into_iter().map(|token| view! { <Row token now org=org.clone() can_manage on full issuing revoke restrict /> }).collect_view()}</tbody>
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
            {switch_over.map(|switch_over| view! { <UnderWay switch_over now org=org.clone() can_manage revoke /> })}
            <div>{rows}</div>
            {can_manage.then(|| view! { <IssueForm org issuing obstacle /> })}
        </section>
    }
}

/// How far the change from one token to another is, and the button that ends it.
#[component]
fn UnderWay(switch_over: SwitchOver, now: Timestamp, org: OrgSlug, can_manage: bool, revoke: ServerAction<RevokeToken>) -> impl IntoView {
    let SwitchOver { old, new, used } = switch_over;
    let id = old.id;
    let pending = revoking(revoke, id);
    let question = format!("Retire the old “{}”?", old.name);
    let times = match used {
        0 => "has not used the new one yet".to_owned(),
        SwitchOver::MOST_COUNTED.. => format!("has used the new one more than {} times", SwitchOver::MOST_COUNTED - 1),
        used => format!("has used the new one {}", counted(used, "time", "times")),
    };
    view! {
        <div class="body border-b border-line">
            <div class="note info" data-testid="switch-over">
                <p>
                    <b class="font-semibold">"“" {old.name} "” is being rotated."</b>
                    " Your identity provider " {times} " (" <span class="font-mono text-xs">"rcs_…" {new.hint}</span> "). The old one ("
                    <span class="font-mono text-xs">"rcs_…" {old.hint}</span> ") "
                    {match old.last_used_at {
                        Some(at) => view! { "was last used " <Ago at now /> }.into_any(),
                        None => view! { "was never used" }.into_any(),
                    }}
                    {old.retires_at.map(|at| view! { " and stops " <Ago at now /> })}
                    "."
                </p>
                {can_manage.then(|| view! {
                    <div class="mt-3">
                        <Confirm id=format!("retire-{id}") label=text::RETIRE class="btn small" testid="retire-token" question consequence=text::RETIRE_TEXT pending>
                            <RevokeForm org=org.clone() token=id place=format!("retire-{id}") revoke testid="retire-token-yes" />
                        </Confirm>
                    </div>
                })}
            </div>
        </div>
    }
}

/// Whether the answer is awaited to a token's being revoked.
fn revoking(revoke: ServerAction<RevokeToken>, id: TokenId) -> Signal<bool> {
    Signal::derive(move || revoke.pending().get() && revoke.input().get().is_some_and(|input| input.token == id))
}

#[component]
fn RevokeForm(org: OrgSlug, token: TokenId, place: String, revoke: ServerAction<RevokeToken>, testid: &'static str) -> impl IntoView {
    view! {
        <ActionForm action=revoke>
            <input type="hidden" name="org" value=org.to_string() />
            <input type="hidden" name="token" value=token.to_string() />
            <OwnerPassword error=calls::failure(revoke) place />
            <Submit label=text::REVOKE_YES class="btn danger" testid pending=revoking(revoke, token) />
        </ActionForm>
    }
}

#[component]
fn Row(
    token: TokenView,
    now: Timestamp,
    org: OrgSlug,
    can_manage: bool,
    /// Whether SCIM is.
    on: bool,
    /// Whether there are as many live ones as may be.
    full: bool,
    issuing: Issuing,
    revoke: ServerAction<RevokeToken>,
    restrict: ServerAction<RestrictToken>,
) -> impl IntoView {
    let TokenView {
        id,
        name,
        hint,
        created_at,
        created_by,
        expires_at,
        last_used_at,
        last_used_ip,
        last_used_user_agent,
        allowed_from,
        retires_at,
        state,
        ..
    } = token;
    let (class, label) = match (state, retires_at) {
        (TokenState::Live, None) => ("badge dot good", text::LIVE),
        (TokenState::Live, Some(_)) => ("badge dot warn", text::RETIRING),
        (TokenState::Expired, _) => ("badge dot warn", text::EXPIRED),
        (TokenState::Revoked, _) => ("badge dot", text::REVOKED),
    };
    let (live, revoked) = (state == TokenState::Live, state == TokenState::Revoked);
    let quiet = if live { "font-medium" } else { "font-medium text-ink-2" };
    let pending = revoking(revoke, id);
    let question = format!("Revoke “{name}”?");
    let (ends_at, ends) = match retires_at {
        Some(retires) if retires < expires_at => (retires, if live { "stops " } else { "stopped " }),
        _ => (expires_at, if live { "expires " } else { "expired " }),
    };
    let (called, of) = (name.clone(), org.clone());
    view! {
        <tr data-testid="token-row" data-state=label.to_lowercase()>
            <td>
                <p class=quiet>{name}</p>
                <p class="font-mono text-xs leading-4 text-ink-3">"rcs_…" {hint}</p>
                {(live && !allowed_from.is_anywhere()).then(|| view! {
                    <p class="mt-1 max-w-[28ch] text-xs wrap-anywhere text-ink-3" data-testid="token-networks">"only from " {allowed_from.to_string()}</p>
                })}
                // Where there is no room for its column.
                {(!revoked).then(|| view! { <p class="mt-1 text-xs text-ink-3 md:hidden">{ends}<Ago at=ends_at now /></p> })}
            </td>
            <td class="opt"><Day at=created_at /><p class="text-xs text-ink-3">"by " {created_by}</p></td>
            <td class="opt whitespace-nowrap">
                {if revoked { "–".into_any() } else { view! { <Ago at=ends_at now /> }.into_any() }}
            </td>
            <td class="opt whitespace-nowrap" title=last_used_user_agent><LastUsed at=last_used_at ip=last_used_ip now /></td>
            <td>
                <div class="flex flex-wrap items-center justify-between gap-x-3 gap-y-1">
                    <span class=class>{label}</span>
                    {(live && can_manage).then(|| view! {
                        <div class="flex flex-wrap items-center justify-end gap-x-3 gap-y-1">
                            {(on && retires_at.is_none()).then(|| view! { <RotateToken id name=called.clone() org=of.clone() full issuing /> })}
                            <Networks id name=called.clone() org=of.clone() allowed_from restrict />
                            <Confirm id=format!("revoke-{id}") label=text::REVOKE class="btn quiet danger small edge" testid="revoke-token"
                                question consequence=text::REVOKE_TEXT pending>
                                <RevokeForm org=org.clone() token=id place=id.to_string() revoke testid="revoke-token-yes" />
                            </Confirm>
                        </div>
                    })}
                </div>
            </td>
        </tr>
    }
}

/// Issues another in a token's place.
#[component]
fn RotateToken(id: TokenId, name: String, org: OrgSlug, full: bool, issuing: Issuing) -> impl IntoView {
    let asked = move |asked: &Asked| matches!(asked.1, Order::Rotate(rotated, _) if rotated == id);
    let pending = Signal::derive(move || issuing.pending().get() && issuing.input().with(|input| input.as_ref().is_some_and(asked)));
    let blocked = Signal::derive(move || issuing.value().with(|answer| matches!(answer, Some(Ok(_)))));
    let error = Signal::derive(move || issuing.value().get().and_then(Result::err));
    let (consequence, retire) = if full { (text::ROTATE_FULL, None) } else { (text::ROTATE_TEXT, Some(Retirement::default())) };
    let ask = move |typed: Typed| {
        let retire = if full { Retirement::AtOnce.as_str().to_owned() } else { typed.text(RETIRE) };
        issuing.dispatch((org.clone(), Order::Rotate(id, retire), typed.password()));
    };
    view! { <Rotate id=format!("rotate-{id}") name consequence retire owner_only=true error blocked pending ask /> }
}

/// Changes from where a token may be used.
#[component]
fn Networks(
    id: TokenId,
    name: String,
    org: OrgSlug,
    allowed_from: AllowedNetworks,
    restrict: ServerAction<RestrictToken>,
) -> impl IntoView {
    let pending = Signal::derive(move || restrict.pending().get() && restrict.input().get().is_some_and(|input| input.token == id));
    let error = calls::failure(restrict);
    let question = text::NETWORKS_QUESTION.replace("{name}", &name);
    let place = format!("networks-{id}");
    view! {
        <Confirm id=place.clone() label=text::NETWORKS class="btn quiet small" testid="restrict-token" question consequence=text::NETWORKS_TEXT pending>
            <ActionForm action=restrict clone:org clone:place clone:allowed_from>
                <input type="hidden" name="org" value=org.to_string() />
                <input type="hidden" name="token" value=id.to_string() />
                <Field label=text::ALLOWED_FROM name="allowed_from" autocomplete="off" required=false value=allowed_from.to_string()
                    hint=text::ALLOWED_FROM_HINT place=place.clone() error />
                <OwnerPassword error place />
                <Submit label=text::NETWORKS_YES testid="restrict-token-yes" pending />
            </ActionForm>
        </Confirm>
    }
}

/// Asks for a token.
#[component]
fn IssueForm(org: OrgSlug, issuing: Issuing, obstacle: Option<&'static str>) -> impl IntoView {
    let ask = move |typed: Typed| {
        let order = Order::Issue { name: typed.text("name"), lifetime: typed.text("lifetime"), allowed_from: typed.text("allowed_from") };
        issuing.dispatch((org.clone(), order, typed.password()));
    };
    let error = Signal::derive(move || issuing.value().get().and_then(Result::err));
    let unsaved = Memo::new(move |_| issuing.value().with(|answer| matches!(answer, Some(Ok(_)))));
    view! {
        <SecretForm ask unsaved save_first=text::UNSAVED obstacle pending=issuing.pending().into() error fields=&["name", "lifetime", "allowed_from", "password"]
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
            <div class="w-full md:w-72">
                <Field label=text::ALLOWED_FROM name="allowed_from" autocomplete="off" required=false hint=text::ALLOWED_FROM_HINT error />
            </div>
            <div class="w-full empty:hidden md:w-72"><OwnerPassword error /></div>
        </SecretForm>
    }
}
