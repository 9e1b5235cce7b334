//! One request: everything that is known of it.

use domain::{
    OrgSlug,
    activity::ActivityFilter,
    timestamp::in_words,
    view::{RequestEvent, RequestPageView, RequestView},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::answer::{status_class, status_text};
use crate::{
    calls,
    components::{Ago, CardSkeleton, CopyField, OrgOfPage, PageHeader, Problem},
    error::AppError,
    paths, server_fns,
};

mod text {
    pub const BACK: &str = "SCIM activity";
    pub const ANSWER: &str = "What it was answered";
    pub const WHEN: &str = "Came";
    pub const STATUS: &str = "Status";
    pub const DETAIL: &str = "Detail";
    pub const TOOK: &str = "Took";
    pub const TOKEN: &str = "Token";
    pub const FROM: &str = "From";
    pub const PROGRAM: &str = "Program";
    pub const QUERY: &str = "Query";
    pub const REQUEST_ID: &str = "Request id";
    pub const TOLERATED: &str = "What was tolerated";
    pub const FAILED_WITHIN: &str = "What failed in it, and what was tolerated";
    pub const BODY: &str = "What was sent";
    pub const BODY_LEAD: &str = "Masked when it was written: names of attributes and ids are as they came, values are not here.";
    pub const EVENTS: &str = "What it did";
    pub const NO_EVENT: &str = "It changed nothing.";
    pub const IN_AUDIT: &str = "These are entries of the audit log.";
}

/// `/o/{org}/settings/activity/{request}`: by the id that the answer had in `x-request-id`.
#[component]
pub fn ActivityRequest() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("request"));
    let page = calls::load(
        move || (org.get(), id.get()),
        |(org, id)| async move {
            let id = id.ok_or_else(|| AppError::NotFound("request".to_owned()))?;
            server_fns::activity_request(OrgOfPage::required(org)?, id).await
        },
    );
    view! {
        <Transition fallback=|| view! { <PageHeader title=text::BACK lead="" /> <CardSkeleton /> }>
            {move || page.get().map(|page| match (page, org.get()) {
                (Ok(page), Some(org)) => view! { <Shown page org /> }.into_any(),
                (Err(error), _) => view! { <Problem error denied=super::text::DENIED /> }.into_any(),
                (Ok(_), None) => ().into_any(),
            })}
        </Transition>
    }
}

#[component]
fn Shown(page: RequestPageView, org: OrgSlug) -> impl IntoView {
    let RequestPageView { now, request, body, events } = page;
    let RequestView {
        at,
        method,
        path,
        query,
        status,
        failed_within,
        scim_type,
        detail,
        took_micros,
        token,
        token_hint,
        ip,
        user_agent,
        request_id,
        notes,
        ..
    } = request;
    let title = format!("{method} {path}");
    let noted = if failed_within.is_some() { text::FAILED_WITHIN } else { text::TOLERATED };
    let by = token.map(|name| format!("{name} …{}", token_hint.unwrap_or_default()));
    let fact =
        |name: &'static str, value: Option<String>| value.map(|value| view! { <dt>{name}</dt> <dd class="wrap-anywhere">{value}</dd> });
    let everything = paths::activity(&org, &ActivityFilter::default(), None);
    view! {
        <Title text=title.clone() />
        <header class="mb-6">
            <p class="mb-1 text-sm"><a class="link" href=everything>{text::BACK}</a></p>
            <div class="flex flex-wrap items-center gap-x-3 gap-y-1">
                <h1 class="font-mono text-lg font-semibold wrap-anywhere">{title}</h1>
                <span class=status_class(status, failed_within) data-testid="request-status">{status_text(status, failed_within)}</span>
            </div>
        </header>
        <section class="card" aria-labelledby="answer-title">
            <div class="head"><h2 id="answer-title">{text::ANSWER}</h2></div>
            <div class="body">
                <dl class="facts">
                    <dt>{text::WHEN}</dt>
                    <dd>{at.millisecond()} ", " <Ago at now /></dd>
                    <dt>{text::STATUS}</dt>
                    <dd>{status_text(status, failed_within)} {scim_type.map(|kind| format!(", {kind}"))}</dd>
                    {fact(text::DETAIL, detail)}
                    <dt>{text::TOOK}</dt>
                    <dd>{in_words(std::time::Duration::from_micros(took_micros))}</dd>
                    {query.map(|query| view! { <dt>{text::QUERY}</dt> <dd class="font-mono text-xs wrap-anywhere" data-testid="request-query">{query}</dd> })}
                    {fact(text::TOKEN, by)}
                    {fact(text::FROM, ip)}
                    {fact(text::PROGRAM, user_agent)}
                    {request_id.map(|id| view! {
                        <dt>{text::REQUEST_ID}</dt>
                        <dd><CopyField id="request-id" text=id what="the request id" testid="request-id" /></dd>
                    })}
                </dl>
            </div>
        </section>
        {(!notes.is_empty()).then(|| view! {
            <section class="card mt-4" aria-labelledby="notes-title">
                <div class="head"><h2 id="notes-title">{noted}</h2></div>
                <ul class="list" data-testid="notes">
                    {notes.into_iter().map(|note| view! { <li class="wrap-anywhere">{note}</li> }).collect_view()}
                </ul>
            </section>
        })}
        {body.map(|body| view! {
            <section class="card mt-4" aria-labelledby="body-title">
                <div class="head">
                    <div class="min-w-0">
                        <h2 id="body-title">{text::BODY}</h2>
                        <p class="sub">{text::BODY_LEAD}</p>
                    </div>
                </div>
                <div class="body"><pre class="snippet" data-testid="request-body">{body}</pre></div>
            </section>
        })}
        <Events events />
    }
}

#[component]
fn Events(events: Vec<RequestEvent>) -> impl IntoView {
    let lead = if events.is_empty() { text::NO_EVENT } else { text::IN_AUDIT };
    view! {
        <section class="card mt-4" aria-labelledby="events-title">
            <div class="head">
                <div class="min-w-0">
                    <h2 id="events-title">{text::EVENTS}</h2>
                    <p class="sub">{lead}</p>
                </div>
            </div>
            {(!events.is_empty()).then(|| view! {
                <ul class="list" data-testid="request-events">
                    {events.into_iter().map(|RequestEvent { action, target, .. }| view! {
                        <li>
                            <span class="font-medium">{action.title()}</span>
                            {target.map(|target| view! { <span class="text-ink-2 wrap-anywhere">{target}</span> })}
                        </li>
                    }).collect_view()}
                </ul>
            })}
        </section>
    }
}
