//! One delivery: what is sent, and what came of each attempt.

use domain::{
    DeliveryId, OrgSlug,
    event::EndpointFormat,
    view::{AttemptView, DeliveryPageView, DeliveryStatus, DeliveryView},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::{
    endpoint::endpoint_of_page,
    standing::{status, took, tries},
};
use crate::{
    browser, calls,
    components::{Ago, CardSkeleton, CopyField, EmptyState, FormError, OrgOfPage, PageHeader, Problem, Submit},
    error::AppError,
    paths,
    server_fns::{self, ReplayWebhook},
};

mod text {
    pub const BACK: &str = "Webhooks";
    pub const AGAIN: &str = "Send again";
    pub const SENT: &str = "It is on the way again, under the same id. Load the page again in a moment to see what came of it.";
    pub const WAITS: &str = "It waits already, or the endpoint has just taken it.";
    pub const FACTS: &str = "The event";
    pub const ABOUT: &str = "About";
    pub const WHEN: &str = "Happened";
    pub const STATUS: &str = "Status";
    pub const MESSAGE: &str = "Message id";
    pub const BODY: &str = "What is sent";
    pub const BODY_WEBHOOK: &str = "Byte by byte the same at each attempt, but without these line breaks.";
    pub const BODY_SET: &str = "The event that the token's claims are made of.";
    pub const ATTEMPTS: &str = "Attempts";
    pub const NO_ATTEMPT: &str = "Not tried yet";
    pub const NO_ATTEMPT_TEXT: &str = "A delivery is tried as soon as a node is free, unless its endpoint is switched off.";
    pub const AT: &str = "When";
    pub const ANSWER: &str = "Answer";
    pub const TOOK: &str = "Took";
    pub const BEGINNING: &str = "Its beginning:";
}

/// The id of the facts' heading.
const FACTS: &str = "delivery-title";

/// `/o/{org}/settings/webhooks/{endpoint}/{delivery}`
#[component]
pub fn Delivery() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let (endpoint, params) = (endpoint_of_page(), use_params_map());
    let id = Memo::new(move |_| params.read().get("delivery").and_then(|id| id.parse::<DeliveryId>().ok()));
    let page = calls::load(
        move || (org.get(), endpoint.get(), id.get()),
        |(org, endpoint, id)| async move {
            let (endpoint, id) = endpoint.zip(id).ok_or_else(|| AppError::NotFound("delivery".to_owned()))?;
            server_fns::webhook_delivery(OrgOfPage::required(org)?, endpoint, id).await
        },
    );
    let replay = calls::action::<ReplayWebhook>();
    let (said, say) = signal("");
    calls::refresh(replay, page, move || {
        let again = matches!(replay.value().get_untracked(), Some(Ok(1)));
        say.set(if again { text::SENT } else { text::WAITS });
        browser::focus(FACTS);
    });
    view! {
        <FormError error=calls::failure(replay) />
        <div role="status">{move || (!said.get().is_empty()).then(|| view! { <p class="note good mb-4" data-testid="said">{said.get()}</p> })}</div>
        <Transition fallback=|| view! { <PageHeader title=text::BACK lead="" /> <CardSkeleton /> }>
            {move || page.get().map(|page| match (page, org.get()) {
                (Ok(page), Some(org)) => view! { <Shown page org replay /> }.into_any(),
                (Err(error), _) => view! { <Problem error /> }.into_any(),
                (Ok(_), None) => ().into_any(),
            })}
        </Transition>
    }
}

#[component]
fn Shown(page: DeliveryPageView, org: OrgSlug, replay: ServerAction<ReplayWebhook>) -> impl IntoView {
    let DeliveryPageView { now, endpoint, delivery, body, attempts, can_manage } = page;
    let off = endpoint.disabled.is_some();
    let tries = tries(&delivery, off, now);
    let DeliveryView { id, message_id, event_type, happened_at, subject, status: stands, .. } = delivery;
    let (class, label) = status(stands);
    let finished = matches!(stands, DeliveryStatus::Delivered | DeliveryStatus::Dead);
    let body_lead = match endpoint.format {
        EndpointFormat::Webhook => text::BODY_WEBHOOK,
        EndpointFormat::Set => text::BODY_SET,
    };
    view! {
        <Title text=event_type.title() />
        <header class="mb-6">
            <p class="mb-1 text-sm">
                <a class="link" href=paths::webhooks(&org)>{text::BACK}</a>
                <span class="text-ink-3" aria-hidden="true">" / "</span>
                <a class="link wrap-anywhere" href=paths::webhook(&org, endpoint.id)>{endpoint.name.clone()}</a>
            </p>
            <div class="flex flex-wrap items-center gap-x-3 gap-y-1">
                <h1 class="text-xl font-semibold tracking-tight">{event_type.title()}</h1>
                <span class=class data-testid="delivery-status">{label}</span>
            </div>
            <p class="mt-1 font-mono text-sm text-ink-2">{event_type.code()}</p>
        </header>
        <section class="card" aria-labelledby=FACTS>
            <div class="head">
                <h2 id=FACTS tabindex="-1">{text::FACTS}</h2>
                {(can_manage && finished && !off).then(|| view! {
                    <div class="md:ml-auto">
                        <ActionForm action=replay>
                            <input type="hidden" name="org" value=org.to_string() />
                            <input type="hidden" name="endpoint" value=endpoint.id.to_string() />
                            <input type="hidden" name="delivery" value=id.to_string() />
                            <Submit label=text::AGAIN class="btn" testid="send-again" pending=replay.pending() />
                        </ActionForm>
                    </div>
                })}
            </div>
            <div class="body">
                <dl class="facts">
                    {(!subject.is_empty()).then(|| view! { <dt>{text::ABOUT}</dt> <dd class="wrap-anywhere">{subject}</dd> })}
                    <dt>{text::WHEN}</dt>
                    <dd>{happened_at.second()} ", " <Ago at=happened_at now /></dd>
                    <dt>{text::STATUS}</dt>
                    <dd>{label} {(!tries.is_empty()).then(|| format!(": {tries}"))}</dd>
                    <dt>{text::MESSAGE}</dt>
                    <dd><CopyField id="message-id" text=message_id what="the message id" testid="message-id" /></dd>
                </dl>
            </div>
        </section>
        <section class="card mt-4" aria-labelledby="body-title">
            <div class="head">
                <div class="min-w-0">
                    <h2 id="body-title">{text::BODY}</h2>
                    <p class="sub">{body_lead}</p>
                </div>
            </div>
            <div class="body"><pre class="snippet" data-testid="delivery-body">{body}</pre></div>
        </section>
        <Attempts attempts />
    }
}

#[component]
fn Attempts(attempts: Vec<AttemptView>) -> impl IntoView {
    const HEADING: &str = "attempts-title";
    let list = if attempts.is_empty() {
        view! { <EmptyState title=text::NO_ATTEMPT text=text::NO_ATTEMPT_TEXT /> }.into_any()
    } else {
        view! {
            <table class="rows top stack">
                <thead>
                    <tr>
                        <th scope="col">{text::AT}</th>
                        <th scope="col" class="w-full">{text::ANSWER}</th>
                        <th scope="col" class="opt end">{text::TOOK}</th>
                    </tr>
                </thead>
                <tbody>{attempts.into_iter().map(|attempt| view! { <Attempt attempt /> }).collect_view()}</tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <section class="card mt-4" aria-labelledby=HEADING>
            <div class="head"><h2 id=HEADING>{text::ATTEMPTS}</h2></div>
            <div>{list}</div>
        </section>
    }
}

#[component]
fn Attempt(attempt: AttemptView) -> impl IntoView {
    let AttemptView { attempt: number, at, status_code, duration_ms, error, answer } = attempt;
    let class = if error.is_some() { "badge dot bad" } else { "badge dot good" };
    let label = status_code.map_or_else(|| "no answer".to_owned(), |code| code.to_string());
    // Of an answer, the status says it already.
    let error = error.filter(|error| status_code.is_none_or(|code| *error != format!("it answered {code}")));
    let took = took(duration_ms);
    let narrow = took.clone();
    view! {
        <tr data-testid="attempt-row">
            <td class="whitespace-nowrap">
                <time datetime=at.to_rfc3339()>{at.second()}</time>
                <p class="text-xs text-ink-3">
                    "attempt " {number}
                    // Where there is no room for its column.
                    <span class="md:hidden">", took " {narrow}</span>
                </p>
            </td>
            <td>
                <span class=class>{label}</span>
                {error.map(|error| view! { <p class="mt-1 wrap-anywhere">{error}</p> })}
                {answer.map(|answer| view! {
                    <p class="mt-2 text-xs text-ink-3">{text::BEGINNING}</p>
                    <pre class="snippet mt-1" data-testid="attempt-answer">{answer}</pre>
                })}
            </td>
            <td class="opt end whitespace-nowrap">{took}</td>
        </tr>
    }
}
