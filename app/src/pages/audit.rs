//! What was done, by whom, to whom.

use domain::{
    AuditEventId, OrgSlug, Timestamp,
    audit::AuditAction,
    receipt,
    view::{AuditEventView, AuditView},
};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::{
    calls,
    components::{CardSkeleton, EmptyState, OrgOfPage, PageHeader, Problem},
    paths, server_fns,
};

mod text {
    pub const TITLE: &str = "Audit";
    pub const LEAD: &str = "What was done in this organisation, by whom and to whom. Entries are only ever added.";
    pub const DENIED: &str = "The audit log is open to auditors, administrators and owners. Ask an owner for the role if you need it.";
    pub const WHEN: &str = "When";
    pub const WHAT: &str = "What";
    pub const WHO: &str = "Who";
    pub const FROM: &str = "From";
    pub const REQUEST: &str = "request";
    pub const NO_TOKEN: &str = "No valid token";
    pub const NONE: &str = "none";
    pub const RECEIPT: &str = "receipt";
    pub const PAGES: &str = "Pages of the log";
    pub const NEWEST: &str = "Newest";
    pub const OLDER: &str = "Older";
    pub const EMPTY: &str = "No entries here";
    pub const EMPTY_TEXT: &str = "Sign-ins, changes of settings and everything that the directory does are recorded as they happen.";
}

/// `/o/{org}/settings/audit?before=`
#[component]
pub fn Audit() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let query = use_query_map();
    let before = Memo::new(move |_| query.read().get("before").and_then(|id| id.parse::<AuditEventId>().ok()));
    let log = calls::load(
        move || (org.get(), before.get()),
        |(org, before)| async move { server_fns::audit(OrgOfPage::required(org)?, before).await },
    );
    view! {
        <Transition fallback=|| view! { <PageHeader title=text::TITLE lead=text::LEAD /> <CardSkeleton /> }>
            {move || log.get().map(|log| match (log, org.get()) {
                (Ok(log), Some(org)) => view! {
                    <PageHeader title=text::TITLE lead=text::LEAD />
                    <Log log org newest=before.get().is_none() />
                }
                .into_any(),
                (Err(error), _) => view! { <Problem error denied=text::DENIED /> }.into_any(),
                (Ok(_), None) => ().into_any(),
            })}
        </Transition>
    }
}

#[component]
fn Log(log: AuditView, org: OrgSlug, newest: bool) -> impl IntoView {
    let AuditView { events, older, .. } = log;
    let first_page = paths::audit(&org);
    let empty = events.is_empty();
    view! {
        <section class="card" aria-label=text::TITLE>
            {if empty {
                view! { <EmptyState title=text::EMPTY text=text::EMPTY_TEXT /> }.into_any()
            } else {
                view! {
                    <table class="rows top stack">
                        <thead>
                            <tr>
                                <th scope="col">{text::WHEN}</th>
                                <th scope="col">{text::WHAT}</th>
                                <th scope="col" class="opt">{text::WHO}</th>
                                <th scope="col" class="opt">{text::FROM}</th>
                            </tr>
                        </thead>
                        <tbody>{events.into_iter().map(|event| view! { <Entry event org=org.clone() /> }).collect_view()}</tbody>
                    </table>
                }
                .into_any()
            }}
            {(older.is_some() || !newest).then(|| view! {
                <nav class="flex items-center justify-end gap-2 border-t border-line px-4 py-3 md:px-6" aria-label=text::PAGES>
                    {(!newest).then(|| view! { <a class="btn" href=first_page.clone()>{text::NEWEST}</a> })}
                    {older.map(|older| view! { <a class="btn" rel="next" href=format!("{first_page}?before={older}")>{text::OLDER}</a> })}
                </nav>
            })}
        </section>
    }
}

#[component]
fn Entry(event: AuditEventView, org: OrgSlug) -> impl IntoView {
    let AuditEventView { at, action, actor, target, member, ip, request_id, details, by_directory, .. } = event;
    let request = request_id.as_ref().filter(|_| by_directory).map(|id| paths::activity_request(&org, id));
    let (details, receipt) = receipt::split(details);
    let receipt = member.zip(receipt).map(|(member, receipt)| paths::receipt(&org, member, receipt));
    let actor = match action {
        // Not a person: all that is known of the caller is that it proved nothing.
        AuditAction::ScimAuthenticationFailed | AuditAction::ApiAuthenticationFailed => text::NO_TOKEN.to_owned(),
        _ => actor,
    };
    let (none, some): (Vec<_>, Vec<_>) = details.into_iter().partition(|(_, value)| value == "0");
    let none = none.into_iter().map(|(name, _)| format!("no {name}")).collect::<Vec<_>>().join(", ");
    let facts = !some.is_empty() || !none.is_empty() || request_id.is_some();
    let people = {
        let (actor, target) = (actor.clone(), target.clone());
        move || {
            view! {
                <span class="wrap-anywhere">{actor.clone()}</span>
                {target.clone().map(|target| view! {
                    <span class="text-ink-3"><span aria-hidden="true">" → "</span><span class="sr-only">" to "</span></span>
                    <span class="wrap-anywhere">{target}</span>
                })}
            }
        }
    };
    view! {
        <tr data-testid="audit-row" data-action=action.code()>
            <td class="whitespace-nowrap max-md:pb-0.5 max-md:text-xs max-md:text-ink-3">
                <time datetime=at.to_rfc3339() title=at.second()>
                    <span class="md:block">{at.day()}</span>
                    <span class="md:hidden">", "</span>
                    <span class="md:block md:text-ink-3">{clock(at)}</span>
                </time>
                // Where there is no room for its column.
                {ip.clone().map(|ip| view! { <span class="md:hidden">" · " {ip}</span> })}
            </td>
            <td>
                <p class="font-medium">
                    {action.title()}
                    {receipt.map(|href| view! { <span class="font-normal">" · " <a class="link" href=href data-testid="to-receipt">{text::RECEIPT}</a></span> })}
                </p>
                // Where there is no room for their column.
                <p class="md:hidden">{people()}</p>
                {facts.then(|| view! {
                    <dl class="mt-0.5 flex flex-wrap gap-x-3 text-xs text-ink-2">
                        {some.into_iter().map(|(name, value)| view! {
                            <div class="flex gap-1"><dt class="text-ink-3">{name}</dt><dd class="wrap-anywhere">{value}</dd></div>
                        }).collect_view()}
                        {(!none.is_empty()).then(|| view! {
                            <div><dt class="sr-only">{text::NONE}</dt><dd class="text-ink-3">{none}</dd></div>
                        })}
                        // All of it is there to be read out, and to be copied with one press; shown are eight characters and "…".
                        {request_id.map(|id| view! {
                            <div class="flex gap-1 text-ink-3">
                                <dt>{text::REQUEST}</dt>
                                <dd class="w-[9.5ch] truncate font-mono select-all" title=id.clone()>
                                    {match request {
                                        Some(href) => view! { <a class="link" href=href data-testid="to-request">{id.clone()}</a> }.into_any(),
                                        None => id.clone().into_any(),
                                    }}
                                </dd>
                            </div>
                        })}
                    </dl>
                })}
            </td>
            <td class="opt w-[28%]">{people()}</td>
            <td class="opt font-mono text-xs leading-5 text-ink-2">{ip.unwrap_or_else(|| "–".to_owned())}</td>
        </tr>
    }
}

/// The time of day of `at`: what `second` says after the day.
fn clock(at: Timestamp) -> String {
    at.second().split_once(", ").map(|(_, clock)| clock.to_owned()).unwrap_or_default()
}
