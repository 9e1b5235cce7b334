//! Settings → SCIM activity: what the identity provider asked, and what it was answered. What its administrators need when a sync
//! fails.

mod answer;
mod request;
mod retention;

pub use request::ActivityRequest;

use domain::{
    OrgSlug, Timestamp,
    activity::{About, ActivityCursor, ActivityFilter, Method, Outcome, Period},
    timestamp::in_words,
    view::{ActivityView, Dropped, RequestView},
};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::{
    calls,
    components::{Ago, CardSkeleton, Choice, EmptyState, FilterForm, FormError, OrgOfPage, PageHeader, Problem, thousands},
    paths,
    server_fns::{self, KeepActivity},
};
use answer::{status_class, status_text};
use retention::Retention;

mod text {
    pub const TITLE: &str = "SCIM activity";
    pub const LEAD: &str = "What your identity provider asked, and what it was answered. Begin here when a sync fails.";
    pub const DENIED: &str = "The activity log is open to auditors, administrators and owners. Ask an owner for the role if you need it.";
    pub const SEARCH: &str = "User, group, their id, or a request id";
    pub const OUTCOME: &str = "Outcome";
    pub const ANY_OUTCOME: &str = "Any outcome";
    pub const METHOD: &str = "Method";
    pub const ANY_METHOD: &str = "Any method";
    pub const ABOUT: &str = "About";
    pub const ANYTHING: &str = "About anything";
    pub const TOKEN: &str = "Token";
    pub const ANY_TOKEN: &str = "Any token";
    pub const PERIOD: &str = "Time";
    pub const ANY_TIME: &str = "Any time";
    pub const EXPORT: &str = "Export as CSV";
    pub const WHEN: &str = "When";
    pub const REQUEST: &str = "Request";
    pub const ANSWER: &str = "Answer";
    pub const BY: &str = "Token";
    pub const TOOK: &str = "Took";
    pub const PAGES: &str = "Pages of the log";
    pub const NEWEST: &str = "Newest";
    pub const OLDER: &str = "Older";
    pub const EMPTY: &str = "No request yet";
    pub const EMPTY_TEXT: &str =
        "Each request with a valid provisioning token appears here a moment after it was answered. Those without one are in the audit log.";
    pub const NONE: &str = "No request is like that";
    pub const NONE_TEXT: &str = "None that is still kept fits the filters.";
    pub const UNKNOWN: &str = "Nothing is called that";
    pub const UNKNOWN_TEXT: &str = "No user or group of the directory has exactly this name. What was deleted is found by its id, as it stands in the path of a request.";
    pub const CLEAR: &str = "Clear the filters";
}

/// The id of the card's heading.
const HEADING: &str = "requests-title";

/// `/o/{org}/settings/activity?search=&outcome=&method=&about=&token=&period=&before=`
#[component]
pub fn Activity() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let query = use_query_map();
    let filter = Memo::new(move |_| query.with(|query| ActivityFilter::read(|name| query.get(name))));
    let before = Memo::new(move |_| query.read().get("before").and_then(|before| before.parse::<ActivityCursor>().ok()));
    let log = calls::load(
        move || (org.get(), filter.get(), before.get()),
        |(org, filter, before)| async move {
            server_fns::activity(OrgOfPage::required(org)?, filter, before.map(|before| before.to_string())).await
        },
    );
    let keep = calls::action::<KeepActivity>();
    let error = calls::failure(keep);
    let (said, say) = signal("");
    calls::refresh(keep, log, move || say.set(retention::CHANGED));
    view! {
        <FormError error fields=&["password"] place="activity" />
        <div role="status">{move || (!said.get().is_empty()).then(|| view! { <p class="note good mb-4" data-testid="said">{said.get()}</p> })}</div>
        <Transition fallback=|| view! { <PageHeader title=text::TITLE lead=text::LEAD /> <CardSkeleton /> }>
            {move || log.get().map(|log| match (log, org.get()) {
                (Ok(log), Some(org)) => {
                    let (kept, can_manage) = (log.kept, log.can_manage);
                    view! {
                        <PageHeader title=text::TITLE lead=text::LEAD />
                        <Log log org=org.clone() filter=filter.get_untracked() newest=before.get_untracked().is_none() />
                        <Retention org kept can_manage keep error />
                    }
                    .into_any()
                }
                (Err(error), _) => view! { <Problem error denied=text::DENIED /> }.into_any(),
                (Ok(_), None) => ().into_any(),
            })}
        </Transition>
    }
}

#[component]
fn Log(log: ActivityView, org: OrgSlug, filter: ActivityFilter, newest: bool) -> impl IntoView {
    let ActivityView { now, requests, older, tokens, found, dropped, .. } = log;
    let first = paths::activity(&org, &filter, None);
    let everything = paths::activity(&org, &ActivityFilter::default(), None);
    let older = older.map(|older| paths::activity(&org, &filter, Some(older)));
    let file = paths::activity_file(&org, &filter);
    let unfiltered = filter == ActivityFilter::default();
    let list = if requests.is_empty() {
        let unknown = found.as_ref().is_some_and(Vec::is_empty);
        let (title, sentence) = match (unfiltered && newest, unknown) {
            (true, _) => (text::EMPTY, text::EMPTY_TEXT),
            (_, true) => (text::UNKNOWN, text::UNKNOWN_TEXT),
            _ => (text::NONE, text::NONE_TEXT),
        };
        let clear = (!unfiltered || !newest).then(|| view! { <a class="btn" href=everything>{text::CLEAR}</a> });
        view! { <EmptyState title=title text=sentence>{clear}</EmptyState> }.into_any()
    } else {
        let org = org.clone();
        view! {
            <table class="rows top stack">
                <thead>
                    <tr>
                        <th scope="col">{text::WHEN}</th>
                        <th scope="col" class="w-full">{text::REQUEST}</th>
                        <th scope="col">{text::ANSWER}</th>
                        <th scope="col" class="opt">{text::BY}</th>
                        <th scope="col" class="opt end">{text::TOOK}</th>
                    </tr>
                </thead>
                <tbody>{requests.into_iter().map(|request| view! { <Row request org=org.clone() now /> }).collect_view()}</tbody>
            </table>
        }
        .into_any()
    };
    view! {
        {dropped.map(|dropped| view! { <NotAll dropped now /> })}
        <section class="card" aria-labelledby=HEADING>
            <h2 class="sr-only" id=HEADING>{text::TITLE}</h2>
            <Filters org filter tokens />
            {found.filter(|found| !found.is_empty()).map(|found| view! {
                <p class="border-t border-line px-4 py-2 text-sm text-ink-2 wrap-anywhere md:px-6" data-testid="found">"Requests that name " {found.join(", ")}</p>
            })}
            <div class="border-t border-line">{list}</div>
            <nav class="flex flex-wrap items-center justify-end gap-2 border-t border-line px-4 py-3 md:px-6" aria-label=text::PAGES>
                <a class="btn mr-auto" href=file rel="external" download="" data-testid="export-csv">{text::EXPORT}</a>
                {(!newest).then(|| view! { <a class="btn" href=first>{text::NEWEST}</a> })}
                {older.map(|older| view! { <a class="btn" rel="next" href=older>{text::OLDER}</a> })}
            </nav>
        </section>
    }
}

/// What the log lacks.
#[component]
fn NotAll(dropped: Dropped, now: Timestamp) -> impl IntoView {
    let Dropped { requests, last_at } = dropped;
    let (requests, were) = match requests {
        1 => ("1 request that was answered".to_owned(), "is"),
        _ => (format!("{} requests that were answered", thousands(requests)), "are"),
    };
    view! {
        <p class="note warn mb-4" data-testid="dropped">
            {requests} " " {were} " not in this log, the last of them " <Ago at=last_at now />
            ": they came faster than they could be written down, or the database was out of reach."
        </p>
    }
}

#[component]
fn Filters(org: OrgSlug, filter: ActivityFilter, tokens: Vec<(domain::TokenId, String, String)>) -> impl IntoView {
    let word = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let words = |all: Vec<(&str, &str)>| all.into_iter().map(|(value, said)| (value.to_owned(), said.to_owned())).collect::<Vec<_>>();
    let choices = vec![
        Choice {
            name: "outcome",
            label: text::OUTCOME,
            any: text::ANY_OUTCOME,
            options: words(Outcome::ALL.iter().map(|it| (it.as_str(), it.title())).collect()),
            chosen: word(filter.outcome.map(Outcome::as_str)),
        },
        Choice {
            name: "method",
            label: text::METHOD,
            any: text::ANY_METHOD,
            options: words(Method::ALL.iter().map(|it| (it.as_str(), it.title())).collect()),
            chosen: word(filter.method.map(Method::as_str)),
        },
        Choice {
            name: "about",
            label: text::ABOUT,
            any: text::ANYTHING,
            options: words(About::ALL.iter().map(|it| (it.as_str(), it.title())).collect()),
            chosen: word(filter.about.map(About::as_str)),
        },
        Choice {
            name: "token",
            label: text::TOKEN,
            any: text::ANY_TOKEN,
            options: tokens.into_iter().map(|(id, name, hint)| (id.to_string(), format!("{name} …{hint}"))).collect(),
            chosen: filter.token.map(|token| token.to_string()).unwrap_or_default(),
        },
        Choice {
            name: "period",
            label: text::PERIOD,
            any: text::ANY_TIME,
            options: words(Period::OF_REQUESTS.iter().map(|it| (it.as_str(), it.title())).collect()),
            chosen: word(filter.period.map(Period::as_str)),
        },
    ];
    let action = paths::activity(&org, &ActivityFilter::default(), None);
    let search = filter.search.unwrap_or_default();
    let to = move |get: &dyn Fn(&str) -> Option<String>| paths::activity(&org, &ActivityFilter::read(get), None);
    view! { <FilterForm action placeholder=text::SEARCH search choices testid="activity-filter" to /> }
}

#[component]
fn Row(request: RequestView, org: OrgSlug, now: Timestamp) -> impl IntoView {
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
        request_id,
        notes,
        ..
    } = request;
    let what = format!("{method} {path}");
    let line = match request_id.map(|id| paths::activity_request(&org, &id)) {
        Some(href) => view! { <a class="link font-mono text-xs wrap-anywhere" href=href>{what}</a> }.into_any(),
        None => view! { <span class="font-mono text-xs wrap-anywhere">{what}</span> }.into_any(),
    };
    let took = in_words(std::time::Duration::from_micros(took_micros));
    let (first, more) = (notes.first().cloned(), notes.len().saturating_sub(1));
    let named = token.map(|name| (name, token_hint.unwrap_or_default()));
    let narrow = named.as_ref().map(|(name, hint)| format!("{name} …{hint}"));
    view! {
        <tr data-testid="request-row" data-status=status.to_string()>
            <td class="whitespace-nowrap max-md:pb-0.5 max-md:text-xs max-md:text-ink-3"><Ago at now /></td>
            <td>
                {line}
                {query.map(|query| view! { <p class="font-mono text-xs text-ink-2 wrap-anywhere">"?" {query}</p> })}
                {detail.map(|detail| view! { <p class="mt-0.5 text-xs text-ink-2 wrap-anywhere">{detail}</p> })}
                {first.map(|note| view! {
                    <p class="mt-0.5 text-xs text-ink-3 wrap-anywhere" data-testid="tolerated">
                        {note} {(more > 0).then(|| format!(", and {more} more"))}
                    </p>
                })}
            </td>
            <td class="whitespace-nowrap">
                <span class=status_class(status, failed_within)>{status_text(status, failed_within)}</span>
                {scim_type.map(|kind| view! { <span class="ml-2 text-xs text-ink-2 md:ml-0 md:mt-1 md:block">{kind}</span> })}
                // Where there is no room for their columns.
                <span class="ml-2 text-xs text-ink-3 md:hidden">{took.clone()} {narrow.map(|by| format!(" · {by}"))}</span>
            </td>
            <td class="opt text-xs leading-5 text-ink-2">
                {named.map(|(name, hint)| view! {
                    <span class="block max-w-[16ch] truncate" title=name.clone()>{name.clone()}</span>
                    <span class="block text-ink-3">"…" {hint}</span>
                })}
            </td>
            <td class="opt end whitespace-nowrap text-ink-2">{took}</td>
        </tr>
    }
}
