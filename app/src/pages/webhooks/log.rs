//! What became of an endpoint's deliveries, the newest first.

use domain::{
    DeliveryId, OrgSlug, Timestamp, WebhookEndpointId,
    event::EventType,
    view::{DeliveryStatus, DeliveryView, EndpointPageView},
};
use leptos::prelude::*;

use super::standing::{came_of, status, tries};
use crate::{
    components::{Ago, EmptyState, Submit},
    paths,
    server_fns::ReplayWebhook,
};

mod text {
    pub const TITLE: &str = "Deliveries";
    pub const LEAD: &str = "Tried again for 24 hours, and kept for 30 days after that.";
    pub const FILTERS: &str = "Which deliveries";
    pub const ALL: &str = "All";
    pub const WAITING: &str = "Waiting";
    pub const DEAD: &str = "Given up";
    pub const DELIVERED: &str = "Delivered";
    pub const REFRESH: &str = "Refresh";
    pub const REPLAY: &str = "Send all given up again";
    pub const EVENT: &str = "Event";
    pub const ABOUT: &str = "About";
    pub const WHEN: &str = "When";
    pub const STATUS: &str = "Status";
    pub const NOBODY: &str = "–";
    pub const PAGES: &str = "Pages of the log";
    pub const NEWEST: &str = "Newest";
    pub const OLDER: &str = "Older";
    pub const NOTHING: &str = "Nothing has been sent yet";
    pub const NOTHING_TEXT: &str = "Each event that the endpoint wants appears here when it happens. A test shows whether it listens.";
    pub const NONE: &str = "No delivery is like that";
    pub const NONE_TEXT: &str = "Choose All to see the others.";
}

/// The id of the card's heading.
pub const HEADING: &str = "deliveries-title";
/// The id of what asks anew.
pub const REFRESH: &str = "refresh-deliveries";

/// Which part of the log is looked at.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Part {
    /// Those that stand like this.
    pub status: Option<DeliveryStatus>,
    /// Those before this one.
    pub before: Option<DeliveryId>,
}

impl Part {
    fn path(self, org: &OrgSlug, endpoint: WebhookEndpointId) -> String {
        let before = self.before.map(|before| before.to_string()).unwrap_or_default();
        let status = self.status.map_or("", DeliveryStatus::as_str);
        format!("{}{}", paths::webhook(org, endpoint), paths::query(&[("status", status), ("before", &before)]))
    }
}

/// The card.
#[component]
pub fn Log(
    /// The deliveries, and their endpoint.
    page: EndpointPageView,
    /// The organisation.
    org: OrgSlug,
    /// Which part of the log this is.
    part: Part,
    /// Reads it again.
    refresh: impl Fn() + 'static,
    /// Sends again.
    replay: ServerAction<ReplayWebhook>,
) -> impl IntoView {
    let EndpointPageView { now, endpoint, deliveries, older, can_manage, .. } = page;
    let (id, off, dead) = (endpoint.id, endpoint.disabled.is_some(), endpoint.dead);
    let filters = [
        (None, text::ALL),
        (Some(DeliveryStatus::Pending), text::WAITING),
        (Some(DeliveryStatus::Dead), text::DEAD),
        (Some(DeliveryStatus::Delivered), text::DELIVERED),
    ];
    let filters = filters.map(|(status, label)| {
        let href = Part { status, before: None }.path(&org, id);
        view! { <a href=href aria-current=(part.status == status).then_some("true")>{label}</a> }
    });
    let list = if deliveries.is_empty() {
        let (title, sentence) = if part == Part::default() { (text::NOTHING, text::NOTHING_TEXT) } else { (text::NONE, text::NONE_TEXT) };
        view! { <EmptyState title=title text=sentence /> }.into_any()
    } else {
        view! {
            <table class="rows top stack">
                <thead>
                    <tr>
                        <th scope="col">{text::EVENT}</th>
                        <th scope="col" class="opt">{text::ABOUT}</th>
                        <th scope="col" class="opt">{text::WHEN}</th>
                        <th scope="col">{text::STATUS}</th>
                    </tr>
                </thead>
                <tbody>
                    {deliveries.into_iter().map(|delivery| {
                        let href = paths::webhook_delivery(&org, id, delivery.id);
                        view! { <Row delivery href off now /> }
                    }).collect_view()}
                </tbody>
            </table>
        }
        .into_any()
    };
    let newest = Part { before: None, ..part }.path(&org, id);
    let older = older.map(|before| Part { before: Some(before), ..part }.path(&org, id));
    let again = part.path(&org, id);
    let read_at = now.second().split_once(", ").map(|(_, clock)| clock.to_owned()).unwrap_or_default();
    view! {
        <section class="card mt-4" aria-labelledby=HEADING>
            <div class="head">
                <div class="min-w-0">
                    <h2 id=HEADING tabindex="-1">{text::TITLE}</h2>
                    <p class="sub">{text::LEAD}</p>
                </div>
                <div class="flex flex-wrap items-center gap-2 md:ml-auto">
                    {(can_manage && dead > 0 && !off).then(|| view! {
                        <ActionForm action=replay>
                            <input type="hidden" name="org" value=org.to_string() />
                            <input type="hidden" name="endpoint" value=id.to_string() />
                            <Submit label=text::REPLAY class="btn" testid="replay-all" pending=replay.pending() />
                        </ActionForm>
                    })}
                    // A link, so that it works without a script as well; with one, what is typed elsewhere on the page stays.
                    <a class="btn" id=REFRESH href=again rel="external" data-testid="refresh"
                        on:click=move |event| { event.prevent_default(); refresh(); }>
                        {text::REFRESH}
                    </a>
                    <span class="text-xs text-ink-3" role="status">"as of " {read_at}</span>
                </div>
            </div>
            <nav class="tabs" aria-label=text::FILTERS>{filters.into_iter().collect_view()}</nav>
            <div>{list}</div>
            {(older.is_some() || part.before.is_some()).then(|| view! {
                <nav class="flex items-center justify-end gap-2 border-t border-line px-4 py-3 md:px-6" aria-label=text::PAGES>
                    {part.before.is_some().then(|| view! { <a class="btn" href=newest>{text::NEWEST}</a> })}
                    {older.map(|older| view! { <a class="btn" rel="next" href=older>{text::OLDER}</a> })}
                </nav>
            })}
        </section>
    }
}

#[component]
fn Row(delivery: DeliveryView, href: String, off: bool, now: Timestamp) -> impl IntoView {
    let (class, label) = status(delivery.status);
    let (tries, last) = (tries(&delivery, off, now), delivery.last.as_ref().map(came_of));
    let DeliveryView { event_type, happened_at, subject, status, .. } = delivery;
    let about = if subject.is_empty() { text::NOBODY.to_owned() } else { subject };
    let narrow = (event_type != EventType::Test).then(|| format!("{about} · "));
    view! {
        <tr data-testid="delivery-row" data-type=event_type.code() data-status=status.as_str()>
            <td>
                <a class="link font-medium" href=href>{event_type.title()}</a>
                <p class="font-mono text-xs leading-4 text-ink-3">{event_type.code()}</p>
                // Where there is no room for their columns.
                <p class="text-xs text-ink-2 wrap-anywhere md:hidden">{narrow} <Ago at=happened_at now /></p>
            </td>
            <td class="opt wrap-anywhere">{about}</td>
            <td class="opt whitespace-nowrap"><Ago at=happened_at now /></td>
            <td>
                <span class=class>{label}</span>
                {last.map(|last| view! { <p class="mt-1 text-xs text-ink-2 wrap-anywhere">{last}</p> })}
                {(!tries.is_empty()).then(|| view! { <p class="text-xs text-ink-3">{tries}</p> })}
            </td>
        </tr>
    }
}
