//! A mapping in the list.

use domain::{
    OrgSlug, Timestamp,
    mapping::{MappingAction, MappingState},
    view::MappingView,
};
use leptos::prelude::*;

use super::MappingBadge;
use crate::{
    components::{Ago, Day, counted, thousands},
    paths,
};

mod text {
    pub const PAUSE: &str = "Pause";
    pub const RESUME: &str = "Resume";
    pub const CONFIRM: &str = "Confirm";
    pub const DELETE: &str = "Delete";
    pub const UNCONFIRMED: &str = "Its group is there now. It gives nothing until an owner has looked at what it would change.";
    pub const WAITING: &str = "Binds to the first group pushed with exactly this name.";
    pub const CLOSED: &str = "It gives nothing any more.";
}

/// What an action is called on its button.
pub fn label(action: MappingAction) -> &'static str {
    match action {
        MappingAction::Create => "Map",
        MappingAction::Pause => text::PAUSE,
        MappingAction::Resume => text::RESUME,
        MappingAction::Confirm => text::CONFIRM,
        MappingAction::Delete => text::DELETE,
    }
}

/// A row of the list.
#[component]
pub fn Row(
    /// The mapping.
    mapping: MappingView,
    /// When the list was read.
    now: Timestamp,
    /// The organisation.
    org: OrgSlug,
    /// Whether there is a column for what can be done.
    can_manage: bool,
) -> impl IntoView {
    let MappingView { id, group, group_name, gives, state, members, created_at, created_by, paused, may, .. } = mapping;
    let name = match group.filter(|_| state != MappingState::Closed) {
        Some(group) => {
            view! { <a class="link font-medium wrap-anywhere" href=paths::group(&org, group)>{group_name.clone()}</a> }.into_any()
        }
        None => view! { <span class="font-medium wrap-anywhere">{group_name.clone()}</span> }.into_any(),
    };
    let there = group.is_some() && state != MappingState::Closed;
    let more = match (state, paused) {
        (MappingState::Paused, Some((at, by))) => Some(view! { "by " {by} ", " <Ago at now /> }.into_any()),
        (MappingState::Unconfirmed, _) => Some(text::UNCONFIRMED.into_any()),
        (MappingState::Waiting, _) => Some(text::WAITING.into_any()),
        (MappingState::Closed, _) => Some(text::CLOSED.into_any()),
        _ => None,
    };
    let preview = paths::integrations_preview(&org);
    let what = format!("{group_name}, {gives}");
    view! {
        <tr data-testid="mapping-row" data-state=state_name(state)>
            <td>
                <p>{name}</p>
                <p class="text-xs text-ink-3">
                    // Where there is no room for its column.
                    {there.then(|| view! { <span class="md:hidden">{counted(members, "person", "people")} " · "</span> })}
                    "mapped " <Day at=created_at /> " by " {created_by}
                </p>
            </td>
            <td class="md:w-52">
                <span class="text-ink-3 md:hidden">"gives "</span>
                <span class="wrap-anywhere">{gives.clone()}</span>
            </td>
            <td class="opt end whitespace-nowrap">{if there { thousands(members) } else { "–".to_owned() }}</td>
            <td class="md:w-56">
                <div class="grid justify-items-start gap-0.5">
                    <MappingBadge state />
                    {more.map(|more| view! { <span class="text-xs text-ink-3 text-pretty">{more}</span> })}
                </div>
            </td>
            {can_manage.then(|| view! {
                <td class="md:w-px">
                    <div class="flex gap-1 md:-my-1 md:justify-end">
                        {may.into_iter().map(|action| {
                            let class = if action == MappingAction::Delete { "btn quiet danger small edge max-md:first:-ml-2" } else { "btn small" };
                            let href = format!("{preview}{}", paths::query(&[("action", action.as_str()), ("mapping", &id.to_string())]));
                            view! { <a class=class href=href aria-label=format!("{}: {what}", label(action)) data-testid=format!("{}-mapping", action.as_str())>{label(action)}</a> }
                        }).collect_view()}
                    </div>
                </td>
            })}
        </tr>
    }
}

/// The state as tests look for it.
fn state_name(state: MappingState) -> &'static str {
    match state {
        MappingState::Active => "active",
        MappingState::Paused => "paused",
        MappingState::Waiting => "waiting",
        MappingState::Unconfirmed => "unconfirmed",
        MappingState::Closed => "closed",
    }
}
