//! Settings → Webhooks: where the organisation's events are sent. Owners change; auditors and administrators look.

mod add_form;
mod added;
mod choice;
mod delivery;
mod endpoint;
mod log;
mod settings;
mod standing;

pub use delivery::Delivery;
pub use endpoint::Endpoint;

use domain::{
    OrgSlug, Timestamp,
    event::{EventType, EventTypes},
    view::{EndpointView, WebhooksView},
};
use leptos::prelude::*;

use crate::{
    calls,
    components::{CardSkeleton, EmptyState, OrgOfPage, PageHeader, Problem, counted},
    paths, server_fns,
};
use add_form::AddForm;
use added::Added;
use standing::Health;

mod text {
    pub const TITLE: &str = "Webhooks";
    pub const LEAD: &str = "Tell your own systems at once when somebody joins, changes or leaves, so that they can act, too.";
    pub const DENIED: &str = "Webhooks are open to auditors, administrators and owners. Ask one of the owners if you need to see them.";
    pub const READ_ONLY: &str = "Only owners change webhooks. You can look at them.";
    pub const ENDPOINTS: &str = "Endpoints";
    pub const NAME: &str = "Endpoint";
    pub const EVENTS: &str = "Events";
    pub const HEALTH: &str = "Health";
    pub const EMPTY: &str = "No endpoint yet";
    pub const EMPTY_TEXT: &str = "Add the address of a system of yours. It gets a signed message for each event within seconds, and again until it has taken it: to end somebody's access there, to fill a log, to start a workflow.";
    pub const EMPTY_READ_ONLY: &str =
        "When an owner adds the address of one of your systems, it is told of what happens here, and you see it in this place.";
    pub const ALL: &str = "all events";
}

/// The id of the list's heading.
const LIST: &str = "endpoints-title";

/// `/o/{org}/settings/webhooks`
#[component]
pub fn Webhooks() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let webhooks = calls::load(move || org.get(), |org| async move { server_fns::webhooks(OrgOfPage::required(org)?).await });
    let adding = add_form::adding();
    Effect::new(move |_| {
        if adding.version().get() > 0 && adding.value().with_untracked(|answer| matches!(answer, Some(Ok(_)))) {
            webhooks.refetch();
        }
    });
    let (jwks_url, set_jwks_url) = signal(String::new());
    Effect::new(move |_| {
        if let Some(Ok(view)) = webhooks.get() {
            set_jwks_url.set(view.jwks_url);
        }
    });
    view! {
        <Transition fallback=|| view! { <PageHeader title=text::TITLE lead=text::LEAD /> <CardSkeleton /> }>
            {move || webhooks.get().map(|view| match (view, org.get()) {
                (Ok(view), Some(org)) => view! {
                    <PageHeader title=text::TITLE lead=text::LEAD />
                    {(!view.can_manage).then(|| view! { <p class="mb-4 text-sm text-ink-2" data-testid="read-only">{text::READ_ONLY}</p> })}
                    <List view org />
                }
                .into_any(),
                (Err(error), _) => view! { <Problem error denied=text::DENIED /> }.into_any(),
                (Ok(_), None) => ().into_any(),
            })}
        </Transition>
        <Added adding org jwks_url />
        <Transition>
            {move || webhooks.get().and_then(Result::ok).zip(org.get()).filter(|(view, _)| view.can_manage).map(|(view, org)| {
                view! { <AddForm org endpoints=view.endpoints.len() adding /> }
            })}
        </Transition>
    }
}

#[component]
fn List(view: WebhooksView, org: OrgSlug) -> impl IntoView {
    let WebhooksView { now, endpoints, can_manage, .. } = view;
    let list = if endpoints.is_empty() {
        view! { <EmptyState title=text::EMPTY text=if can_manage { text::EMPTY_TEXT } else { text::EMPTY_READ_ONLY } /> }.into_any()
    } else {
        view! {
            <table class="rows top stack">
                <thead>
                    <tr>
                        <th scope="col">{text::NAME}</th>
                        <th scope="col" class="opt">{text::EVENTS}</th>
                        <th scope="col">{text::HEALTH}</th>
                    </tr>
                </thead>
                <tbody>{endpoints.into_iter().map(|endpoint| view! { <Row endpoint now org=org.clone() /> }).collect_view()}</tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <section class="card" aria-labelledby=LIST>
            <div class="head"><h2 id=LIST tabindex="-1">{text::ENDPOINTS}</h2></div>
            <div>{list}</div>
        </section>
    }
}

#[component]
fn Row(endpoint: EndpointView, now: Timestamp, org: OrgSlug) -> impl IntoView {
    let events = chosen(&endpoint.types);
    let narrow = events.clone();
    view! {
        <tr data-testid="endpoint-row">
            <td>
                <a class="link font-medium wrap-anywhere" href=paths::webhook(&org, endpoint.id)>{endpoint.name.clone()}</a>
                <p class="font-mono text-xs leading-4 text-ink-2 wrap-anywhere">{host(&endpoint.url).to_owned()}</p>
                <p class="text-xs text-ink-3">{endpoint.format.title()}</p>
                // Where there is no room for its column.
                <p class="text-xs text-ink-3 md:hidden">{narrow}</p>
            </td>
            <td class="opt text-ink-2">{events}</td>
            <td><Health endpoint now /></td>
        </tr>
    }
}

/// Which events were chosen, in few words.
fn chosen(types: &EventTypes) -> String {
    if types.is_all() {
        return text::ALL.to_owned();
    }
    let titles: Vec<_> = types.chosen().map(EventType::title).collect();
    match titles.as_slice() {
        [one] => (*one).to_owned(),
        [one, other] => format!("{one}; {other}"),
        [one, rest @ ..] => format!("{one}, and {}", counted(rest.len() as u64, "other type", "other types")),
        [] => String::new(),
    }
}

/// The host of an address, with its port where it names one.
fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_known_by_its_host() {
        assert_eq!(host("https://events.example.com:8443/rollcall?tenant=1"), "events.example.com:8443");
        assert_eq!(host("https://[2606:4700::1111]/"), "[2606:4700::1111]");
        assert_eq!(host("https://events.example.com?x"), "events.example.com");
    }

    #[test]
    fn a_choice_is_told_in_few_words() {
        let told = |codes: &str| chosen(&codes.parse().unwrap());
        assert_eq!(told(""), "all events");
        assert_eq!(told("member.left"), "A member left");
        assert_eq!(told("member.left,session.revoked"), "A member left; Sessions were revoked");
        assert_eq!(told("member.left,session.revoked,token.revoked"), "A member left, and 2 other types");
    }
}
