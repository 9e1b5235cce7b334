//! A person in the list.

use domain::{
    MemberId, OrgSlug, Timestamp,
    view::{AccessState, ManagedBy, PersonView},
};
use leptos::prelude::*;

use crate::{
    components::{Ago, Day, Face, Submit},
    server_fns::ResendActivation,
};

mod text {
    pub const YOU: &str = "you";
    pub const NEVER: &str = "never";
    pub const NO_ADDRESS: &str = "No e-mail address";
    pub const DIRECTORY: &str = "Directory";
    pub const MANUAL: &str = "Manual";
    pub const ACTIVE: &str = "Active";
    pub const INACTIVE: &str = "Inactive";
    pub const BLOCKED: &str = "Blocked";
    pub const PENDING: &str = "Activation pending";
    pub const PENDING_TEXT: &str = "The mail goes out shortly.";
    pub const PENDING_CAPPED: &str = "No mail was sent: this address has had its share for today.";
    pub const PENDING_NO_ADDRESS: &str = "The directory gave no e-mail address. Add one there.";
    pub const SENT: &str = "Activation sent";
    pub const FAILED: &str = "Activation failed";
    pub const RESEND: &str = "Send again";
}

/// A row of the list.
#[component]
pub fn Row(
    /// The person.
    person: PersonView,
    /// When the list was read.
    now: Timestamp,
    /// The organisation.
    org: OrgSlug,
    /// Whether the viewer may send activation mails again.
    can_manage: bool,
    /// Whether the person is the viewer.
    it_is_me: bool,
    /// What sends them.
    resend: ServerAction<ResendActivation>,
) -> impl IntoView {
    let PersonView { member, name, email, role, managed_by, access, last_seen_at, .. } = person;
    let again = can_manage
        && matches!(
            access,
            AccessState::ActivationSent { .. }
                | AccessState::ActivationFailed { .. }
                | AccessState::ActivationPending { has_address: true, queued: false }
        );
    let kind = state(&access);
    let inactive = matches!(access, AccessState::Inactive { .. });
    let who = name.clone();
    view! {
        <tr data-testid="member-row" data-state=kind>
            <td class="md:w-full md:max-w-0">
                <div class="flex items-center gap-3">
                    <Face name=name.clone() />
                    <div class="min-w-0">
                        <p class=if inactive { "truncate font-medium text-ink-2" } else { "truncate font-medium" } title=name.clone()>
                            {name.clone()}
                            {it_is_me.then(|| view! { <span class="font-normal text-ink-3">" · " {text::YOU}</span> })}
                        </p>
                        <p class="truncate text-ink-3" title=email.clone()>{email.clone().unwrap_or_else(|| text::NO_ADDRESS.to_owned())}</p>
                        // Where there is no room for its column.
                        <p class="text-xs text-ink-3 md:hidden">{role.to_string()} " · " {managed(managed_by)}</p>
                    </div>
                </div>
            </td>
            <td class="opt whitespace-nowrap">{role.to_string()}</td>
            <td class="opt"><span class="badge">{managed(managed_by)}</span></td>
            <td class="opt whitespace-nowrap text-ink-2">
                {last_seen_at.map_or_else(|| text::NEVER.into_any(), |at| view! { <Ago at now /> }.into_any())}
            </td>
            <td class="under">
                <div class="flex items-center justify-between gap-3 md:w-64">
                    <div class="grid min-w-0 justify-items-start gap-0.5"><Access access now /></div>
                    {again.then(|| view! { <Resend member who org resend /> })}
                </div>
            </td>
        </tr>
    }
}

/// Whether the person can act, and what is in the way.
#[component]
fn Access(access: AccessState, now: Timestamp) -> impl IntoView {
    let (class, label) = match &access {
        AccessState::Active => ("badge dot good", text::ACTIVE),
        AccessState::ActivationPending { has_address: true, queued: true } => ("badge dot", text::PENDING),
        AccessState::ActivationPending { .. } => ("badge dot warn", text::PENDING),
        AccessState::ActivationSent { .. } => ("badge dot info", text::SENT),
        AccessState::ActivationFailed { .. } => ("badge dot bad", text::FAILED),
        AccessState::Blocked { .. } => ("badge dot bad", text::BLOCKED),
        AccessState::Inactive { .. } => ("badge dot", text::INACTIVE),
    };
    let more = match access {
        AccessState::Active | AccessState::Inactive { since: None } => None,
        AccessState::ActivationPending { has_address: true, queued: true } => Some(text::PENDING_TEXT.into_any()),
        AccessState::ActivationPending { has_address: true, queued: false } => Some(text::PENDING_CAPPED.into_any()),
        AccessState::ActivationPending { has_address: false, .. } => Some(text::PENDING_NO_ADDRESS.into_any()),
        AccessState::ActivationSent { at } => Some(view! { <Ago at now /> }.into_any()),
        AccessState::ActivationFailed { reason } => Some(reason.into_any()),
        AccessState::Blocked { by, at } => Some(view! { "by " {by} ", " <Day at /> }.into_any()),
        AccessState::Inactive { since: Some(at) } => Some(view! { "since " <Day at /> }.into_any()),
    };
    view! {
        <span class=class>{label}</span>
        {more.map(|more| view! { <span class="text-xs text-ink-3 text-pretty wrap-anywhere">{more}</span> })}
    }
}

/// The button that mails another link.
#[component]
fn Resend(member: MemberId, who: String, org: OrgSlug, resend: ServerAction<ResendActivation>) -> impl IntoView {
    let pending = Signal::derive(move || resend.pending().get() && resend.input().get().is_some_and(|input| input.member == member));
    view! {
        <ActionForm action=resend>
            <input type="hidden" name="org" value=org.to_string() />
            <input type="hidden" name="member" value=member.to_string() />
            <Submit label=text::RESEND class="btn small" testid="resend-activation" aria_label=format!("{}: {who}", text::RESEND) pending />
        </ActionForm>
    }
}

fn managed(by: ManagedBy) -> &'static str {
    match by {
        ManagedBy::Directory => text::DIRECTORY,
        ManagedBy::Manual => text::MANUAL,
    }
}

/// The state as tests look for it.
fn state(access: &AccessState) -> &'static str {
    match access {
        AccessState::Active => "active",
        AccessState::ActivationPending { .. } => "activation-pending",
        AccessState::ActivationSent { .. } => "activation-sent",
        AccessState::ActivationFailed { .. } => "activation-failed",
        AccessState::Blocked { .. } => "blocked",
        AccessState::Inactive { .. } => "inactive",
    }
}
