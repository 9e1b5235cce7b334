//! A person in the list.

use domain::{
    MemberId, OrgSlug, Timestamp,
    view::{AccessState, PersonView},
};
use leptos::prelude::*;

use super::access::{Access, managed, state};
use crate::{
    components::{Ago, Face, Submit},
    paths,
    server_fns::ResendActivation,
};

mod text {
    pub const YOU: &str = "you";
    pub const NEVER: &str = "never";
    pub const NO_ADDRESS: &str = "No e-mail address";
    pub const EMERGENCY: &str = "Kept for emergencies";
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
    /// Whether the viewer may open the person's page.
    can_open: bool,
    /// Whether the person is the viewer.
    it_is_me: bool,
    /// What sends them.
    resend: ServerAction<ResendActivation>,
) -> impl IntoView {
    let PersonView { member, name, email, role, because, managed_by, access, break_glass, last_seen_at } = person;
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
    let shown = match can_open {
        true => view! { <a class="name" href=paths::person(&org, member)>{name.clone()}</a> }.into_any(),
        false => name.clone().into_any(),
    };
    let narrow = [Some(role.to_string()), because.clone(), Some(managed(managed_by).to_owned())];
    let narrow = narrow.into_iter().flatten().collect::<Vec<_>>().join(" · ");
    view! {
        <tr data-testid="member-row" data-state=kind>
            <td class="md:w-full md:max-w-0">
                <div class="flex items-center gap-3">
                    <Face name=name.clone() />
                    <div class="min-w-0">
                        <p class=if inactive { "truncate font-medium text-ink-2" } else { "truncate font-medium" } title=name>
                            {shown}
                            {it_is_me.then(|| view! { <span class="font-normal text-ink-3">" · " {text::YOU}</span> })}
                        </p>
                        <p class="truncate text-ink-3" title=email.clone()>{email.clone().unwrap_or_else(|| text::NO_ADDRESS.to_owned())}</p>
                        // Where there is no room for its columns.
                        <p class="text-xs text-ink-3 wrap-anywhere md:hidden">{narrow}</p>
                    </div>
                </div>
            </td>
            <td class="opt max-w-56">
                <p>{role.to_string()}</p>
                {because.map(|because| view! { <p class="truncate text-xs text-ink-3" title=because.clone()>{because.clone()}</p> })}
            </td>
            <td class="opt">
                <span class="badge">{managed(managed_by)}</span>
                {break_glass.then(|| view! { <p class="mt-0.5 text-xs text-ink-3 whitespace-nowrap">{text::EMERGENCY}</p> })}
            </td>
            <td class="opt whitespace-nowrap text-ink-2">
                {last_seen_at.map_or_else(|| text::NEVER.into_any(), |at| view! { <Ago at now /> }.into_any())}
            </td>
            <td class="under">
                <div class="flex items-center justify-between gap-3 md:w-56">
                    <div class="grid min-w-0 justify-items-start gap-0.5"><Access access now /></div>
                    {again.then(|| view! { <Resend member who org resend /> })}
                </div>
            </td>
        </tr>
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
