//! An endpoint: what it is told and how, what became of each delivery, and what an owner can do about it.

use domain::{
    OrgSlug, WebhookEndpointId,
    event::{EndpointFormat, EventType},
    view::{EndpointPageView, EndpointView},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::{
    log::{self, Log, Part},
    settings::{self, NewSecret, Settings},
    standing::state,
};
use crate::{
    browser, calls,
    components::{Ago, CardSkeleton, CopyField, Day, FormError, OrgOfPage, PageHeader, Problem, Submit, counted},
    error::AppError,
    paths,
    server_fns::{self, ChangeWebhook, DeleteWebhook, EnableWebhook, ReplayWebhook, TestWebhook},
};

mod text {
    pub const BACK: &str = "Webhooks";
    pub const TEST: &str = "Send a test";
    pub const OFF: &str = "Switch off";
    pub const ON: &str = "Switch on";
    pub const TESTED: &str = "The test is on its way. Refresh the list in a moment to see what came of it.";
    pub const SWITCHED_OFF: &str = "Switched off: it is told of nothing new, and what waits stays.";
    pub const SWITCHED_ON: &str = "Switched on: what waited is on its way.";
    pub const CHANGED: &str = "Changed. What waits goes to the address as it is now.";
    pub const NOTHING_GIVEN_UP: &str = "Nothing was left to be sent again.";
    pub const FACTS: &str = "Where and how";
    pub const ADDRESS: &str = "Address";
    pub const FORMAT: &str = "Format";
    pub const EVENTS: &str = "Events";
    pub const ALL: &str = "All, those of later versions included";
    pub const SIGNED: &str = "Signed with";
    pub const KEY: &str = "Its key";
    pub const SECRET: &str = "its secret, which was shown once";
    pub const BOTH: &str = "its secret, and the one before until ";
    pub const HISTORY: &str = "So far";
    pub const NOTHING: &str = "nothing sent yet";
    pub const IS_OFF: &str = "Switched off.";
    pub const IS_OFF_TEXT: &str = " Events that happen meanwhile are not kept for it; what waited before stays and goes on once it is on.";
}

/// The id of the facts' heading.
const FACTS: &str = "endpoint-title";

/// What can be done to an endpoint.
#[derive(Clone, Copy)]
pub struct Actions {
    /// Sends a test.
    pub test: ServerAction<TestWebhook>,
    /// Switches it off and on.
    pub enable: ServerAction<EnableWebhook>,
    /// Changes its name, address and events.
    pub change: ServerAction<ChangeWebhook>,
    /// Deletes it.
    pub delete: ServerAction<DeleteWebhook>,
    /// Sends again what was given up.
    pub replay: ServerAction<ReplayWebhook>,
    /// Rotates its secret.
    pub rotate: settings::Rotating,
}

/// The endpoint in the page's address.
pub fn endpoint_of_page() -> Memo<Option<WebhookEndpointId>> {
    let params = use_params_map();
    Memo::new(move |_| params.read().get("endpoint").and_then(|id| id.parse().ok()))
}

/// `/o/{org}/settings/webhooks/{endpoint}?status=&before=`
#[component]
pub fn Endpoint() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let (id, query) = (endpoint_of_page(), use_query_map());
    let part = Memo::new(move |_| {
        let query = query.read();
        Part {
            status: query.get("status").and_then(|status| status.parse().ok()),
            before: query.get("before").and_then(|before| before.parse().ok()),
        }
    });
    let page = calls::load(
        move || (org.get(), id.get(), part.get()),
        |(org, id, part)| async move {
            let id = id.ok_or_else(|| AppError::NotFound("endpoint".to_owned()))?;
            server_fns::webhook(OrgOfPage::required(org)?, id, part.status, part.before).await
        },
    );
    let actions = Actions {
        test: calls::action(),
        enable: calls::action(),
        change: calls::action(),
        delete: calls::action(),
        replay: calls::action(),
        rotate: settings::rotating(),
    };
    let (said, say) = signal(String::new());
    let tell = move |sentence: String, place: &'static str| {
        say.set(sentence);
        browser::focus(place);
    };
    calls::refresh(actions.test, page, move || tell(text::TESTED.to_owned(), log::HEADING));
    calls::refresh(actions.change, page, move || tell(text::CHANGED.to_owned(), settings::HEADING));
    let on = StoredValue::new(true);
    Effect::new(move |_| {
        if let Some(Ok(page)) = page.get() {
            on.set_value(page.endpoint.disabled.is_none());
        }
    });
    calls::refresh(actions.enable, page, move || {
        let on = on.get_value();
        tell(if on { text::SWITCHED_ON } else { text::SWITCHED_OFF }.to_owned(), FACTS);
    });
    calls::refresh(actions.replay, page, move || {
        let sentence = match actions.replay.value().get_untracked() {
            Some(Ok(many)) if many > 0 => format!("{} on the way again.", counted(many, "delivery is", "deliveries are")),
            _ => text::NOTHING_GIVEN_UP.to_owned(),
        };
        tell(sentence, log::HEADING);
    });
    Effect::new(move |_| {
        if actions.rotate.version().get() > 0 && actions.rotate.value().with_untracked(|answer| matches!(answer, Some(Ok(_)))) {
            page.refetch();
        }
    });
    let read_again = refreshing(page);
    let refresh = move || {
        // What was said before is old news now.
        say.set(String::new());
        read_again();
    };
    view! {
        <FormError error=calls::failure(actions.test) />
        <FormError error=calls::failure(actions.enable) />
        <FormError error=calls::failure(actions.delete) />
        <FormError error=calls::failure(actions.replay) />
        <div role="status">{move || (!said.get().is_empty()).then(|| view! { <p class="note good mb-4" data-testid="said">{said.get()}</p> })}</div>
        <Transition fallback=|| view! { <PageHeader title=text::BACK lead="" /> <CardSkeleton /> }>
            {move || page.get().map(|page| match (page, org.get()) {
                (Ok(page), Some(org)) => view! { <Facts page org actions /> }.into_any(),
                (Err(error), _) => view! { <Problem error /> }.into_any(),
                (Ok(_), None) => ().into_any(),
            })}
        </Transition>
        <NewSecret rotating=actions.rotate />
        <Transition>
            {move || page.get().and_then(Result::ok).zip(org.get()).map(|(page, org)| {
                let EndpointPageView { now, endpoint, can_manage, .. } = page.clone();
                view! {
                    <Log page org=org.clone() part=part.get() refresh replay=actions.replay />
                    {can_manage.then(|| view! { <Settings endpoint now org actions /> })}
                }
            })}
        </Transition>
    }
}

/// Reads the page again, and gives what was pressed its focus back: it is drawn anew.
fn refreshing<T>(page: Resource<T>) -> impl Fn() + Copy + 'static
where
    T: Clone + PartialEq + Send + Sync + serde::Serialize + serde::de::DeserializeOwned + 'static,
{
    let awaited = StoredValue::new(false);
    Effect::new(move |before: Option<Option<T>>| {
        let now = page.get();
        if awaited.get_value() && before.is_some_and(|before| before != now) {
            awaited.set_value(false);
            set_timeout(|| browser::focus(log::REFRESH), std::time::Duration::ZERO);
        }
        now
    });
    move || {
        awaited.set_value(true);
        page.refetch();
    }
}

/// What the endpoint is, and what is done to it most often.
#[component]
fn Facts(page: EndpointPageView, org: OrgSlug, actions: Actions) -> impl IntoView {
    let Actions { test, enable, .. } = actions;
    let EndpointPageView { now, endpoint, jwks_url, can_manage, .. } = page;
    let (class, label) = state(&endpoint);
    let EndpointView { id, name, url, format, types, created_at, created_by, previous_until, disabled, .. } = endpoint;
    let on = disabled.is_none();
    let (org_of_test, its_org, back) = (org.to_string(), org.to_string(), paths::webhooks(&org));
    let events = if types.is_all() {
        view! { {text::ALL} }.into_any()
    } else {
        view! {
            <ul class="flex flex-wrap gap-x-4">
                {types.chosen().map(|event: EventType| view! { <li class="font-mono text-xs leading-5">{event.code()}</li> }).collect_view()}
            </ul>
        }
        .into_any()
    };
    let signed = match (format, previous_until.filter(|until| *until > now)) {
        (EndpointFormat::Set, _) => {
            view! { <CopyField id="jwks-url" text=jwks_url what="the address of the key" testid="jwks-url" /> }.into_any()
        }
        (EndpointFormat::Webhook, None) => view! { {text::SECRET} }.into_any(),
        (EndpointFormat::Webhook, Some(until)) => {
            view! { <span data-testid="both-sign">{text::BOTH} <time datetime=until.to_rfc3339()>{until.second()}</time></span> }.into_any()
        }
    };
    let history = [("delivered ", endpoint.last_delivered_at), ("failed ", endpoint.last_failed_at)];
    let history: Vec<_> = history
        .into_iter()
        .filter_map(|(what, at)| at.map(|at| view! { <span class="mr-4 inline-block">"last " {what} <Ago at now /></span> }))
        .collect();
    view! {
        <Title text=name.clone() />
        <header class="mb-6">
            <p class="mb-1 text-sm"><a class="link" href=back>{text::BACK}</a></p>
            <div class="flex flex-wrap items-center gap-x-3 gap-y-1">
                <h1 class="text-xl font-semibold tracking-tight wrap-anywhere">{name}</h1>
                <span class=class data-testid="endpoint-state">{label}</span>
            </div>
            <p class="mt-1 text-ink-2">"added " <Day at=created_at /> " by " {created_by}</p>
        </header>
        {disabled.map(|(at, why)| view! {
            <p class="note warn mb-4" data-testid="switched-off">
                <b class="font-semibold">{text::IS_OFF}</b> " Since " {at.second()} ", " {why} "." {text::IS_OFF_TEXT}
            </p>
        })}
        <section class="card" aria-labelledby=FACTS>
            <div class="head">
                <h2 id=FACTS tabindex="-1">{text::FACTS}</h2>
                {can_manage.then(|| view! {
                    <div class="flex flex-wrap gap-2 md:ml-auto">
                        {on.then(|| view! {
                            <ActionForm action=test>
                                <input type="hidden" name="org" value=org_of_test />
                                <input type="hidden" name="endpoint" value=id.to_string() />
                                <Submit label=text::TEST class="btn primary" testid="send-test" pending=test.pending() />
                            </ActionForm>
                        })}
                        <ActionForm action=enable>
                            <input type="hidden" name="org" value=its_org />
                            <input type="hidden" name="endpoint" value=id.to_string() />
                            <input type="hidden" name="on" value=(!on).to_string() />
                            <Submit label=if on { text::OFF } else { text::ON } class=if on { "btn" } else { "btn primary" } testid="switch" pending=enable.pending() />
                        </ActionForm>
                    </div>
                })}
            </div>
            <div class="body">
                <dl class="facts">
                    <dt>{text::ADDRESS}</dt>
                    <dd class="font-mono text-sm wrap-anywhere" data-testid="endpoint-url">{url}</dd>
                    <dt>{text::FORMAT}</dt>
                    <dd>{format.title()}</dd>
                    <dt>{text::EVENTS}</dt>
                    <dd>{events}</dd>
                    <dt>{if format == EndpointFormat::Set { text::KEY } else { text::SIGNED }}</dt>
                    <dd>{signed}</dd>
                    <dt>{text::HISTORY}</dt>
                    <dd>{if history.is_empty() { view! { {text::NOTHING} }.into_any() } else { view! { {history} }.into_any() }}</dd>
                </dl>
            </div>
        </section>
    }
}
