//! What was done, by whom, to whom.

use domain::{
    AuditEventId, OrgSlug, Timestamp,
    activity::Period,
    audit::{AuditAction, AuditFilter, AuditGroup, AuditYears},
    receipt,
    view::{AuditEventView, AuditView, SealedView},
};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::{
    calls,
    components::{CardSkeleton, Choice, EmptyState, FilterForm, FormError, OrgOfPage, OwnerPassword, PageHeader, Problem, Submit, counted},
    error::AppError,
    paths,
    server_fns::{self, KeepAudit},
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
    pub const SEARCH: &str = "Name, action, or a request id";
    pub const GROUP: &str = "What";
    pub const ANY_GROUP: &str = "Anything";
    pub const PERIOD: &str = "Time";
    pub const ANY_TIME: &str = "Any time";
    pub const CSV: &str = "Export as CSV";
    pub const JSON_LINES: &str = "Export as JSON Lines";
    pub const UNSEALED: &str = "Nothing is sealed yet: entries are, a minute after they were written.";
    pub const NO_MATCH: &str = "No entry is like that";
    pub const NO_MATCH_TEXT: &str = "None fits the filters.";
    pub const NO_MATCH_YET: &str = "None among those that were looked through fits the filters. Older looks on.";
    pub const CLEAR: &str = "Clear the filters";
    pub const KEPT: &str = "How long entries are kept";
    pub const KEEP: &str = "Keep them for";
    pub const SAVE: &str = "Save";
    pub const KEPT_CHANGED: &str = "The audit log is kept for as long as you chose.";
    pub const PAGES: &str = "Pages of the log";
    pub const NEWEST: &str = "Newest";
    pub const OLDER: &str = "Older";
    pub const EMPTY: &str = "No entries here";
    pub const EMPTY_TEXT: &str = "Sign-ins, changes of settings and everything that the directory does are recorded as they happen.";
}

/// `/o/{org}/settings/audit?search=&group=&member=&period=&before=`
#[component]
pub fn Audit() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let query = use_query_map();
    let filter = Memo::new(move |_| query.with(|query| AuditFilter::read(|name| query.get(name))));
    let before = Memo::new(move |_| query.read().get("before").and_then(|id| id.parse::<AuditEventId>().ok()));
    let log = calls::load(
        move || (org.get(), filter.get(), before.get()),
        |(org, filter, before)| async move { server_fns::audit(OrgOfPage::required(org)?, filter, before).await },
    );
    let keep = calls::action::<KeepAudit>();
    let (said, say) = signal("");
    calls::refresh(keep, log, move || say.set(text::KEPT_CHANGED));
    let error = calls::failure(keep);
    view! {
        <FormError error fields=&["password"] place="audit" />
        <div role="status">{move || (!said.get().is_empty()).then(|| view! { <p class="note good mb-4" data-testid="said">{said.get()}</p> })}</div>
        <Transition fallback=|| view! { <PageHeader title=text::TITLE lead=text::LEAD /> <CardSkeleton /> }>
            {move || log.get().map(|log| match (log, org.get()) {
                (Ok(log), Some(org)) => {
                    let (kept, can_manage) = (log.kept, log.can_manage);
                    view! {
                        <PageHeader title=text::TITLE lead=text::LEAD />
                        <Log log org=org.clone() filter=filter.get_untracked() newest=before.get_untracked().is_none() />
                        <Kept org kept can_manage keep error />
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
fn Log(log: AuditView, org: OrgSlug, filter: AuditFilter, newest: bool) -> impl IntoView {
    let AuditView { events, older, sealed, member, .. } = log;
    let first_page = paths::audit_page(&org, &filter, None);
    let everything = paths::audit(&org);
    let (csv, json_lines) = (paths::audit_file(&org, &filter, "csv"), paths::audit_file(&org, &filter, "jsonl"));
    let unfiltered = filter == AuditFilter::default();
    let list = if events.is_empty() {
        let (title, sentence) = match (unfiltered, older.is_some()) {
            (true, _) => (text::EMPTY, text::EMPTY_TEXT),
            (false, false) => (text::NO_MATCH, text::NO_MATCH_TEXT),
            (false, true) => (text::NO_MATCH, text::NO_MATCH_YET),
        };
        let clear = (!unfiltered).then(|| view! { <a class="btn" href=everything.clone()>{text::CLEAR}</a> });
        view! { <EmptyState title=title text=sentence>{clear}</EmptyState> }.into_any()
    } else {
        let org = org.clone();
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
    };
    let older = older.map(|older| paths::audit_page(&org, &filter, Some(older)));
    let whose = filter.member.map(|_| member.unwrap_or_else(|| "somebody who is not here".to_owned()));
    view! {
        <section class="card" aria-label=text::TITLE>
            <Filters org filter />
            {whose.map(|name| view! {
                <p class="border-t border-line px-4 py-2 text-sm text-ink-2 md:px-6" data-testid="of-member">
                    "Done by or to " <span class="wrap-anywhere">{name}</span> " · " <a class="link" href=everything>{text::CLEAR}</a>
                </p>
            })}
            <div class="border-t border-line">{list}</div>
            <nav class="flex flex-wrap items-center justify-end gap-2 border-t border-line px-4 py-3 md:px-6" aria-label=text::PAGES>
                <span class="mr-auto flex flex-wrap gap-2">
                    <a class="btn" href=csv rel="external" download="" data-testid="export-csv">{text::CSV}</a>
                    <a class="btn" href=json_lines rel="external" download="" data-testid="export-jsonl">{text::JSON_LINES}</a>
                </span>
                {(!newest).then(|| view! { <a class="btn" href=first_page>{text::NEWEST}</a> })}
                {older.map(|older| view! { <a class="btn" rel="next" href=older>{text::OLDER}</a> })}
            </nav>
        </section>
        <p class="mt-3 px-1 text-sm text-ink-2" data-testid="sealed">{sealed.map_or_else(|| text::UNSEALED.to_owned(), in_words)}</p>
    }
}

fn in_words(SealedView { up_to, batches }: SealedView) -> String {
    format!("Sealed up to {}, by a chain of {}.", up_to.second(), counted(batches, "batch", "batches"))
}

#[component]
fn Filters(org: OrgSlug, filter: AuditFilter) -> impl IntoView {
    let words = |all: Vec<(&str, &str)>| all.into_iter().map(|(value, said)| (value.to_owned(), said.to_owned())).collect::<Vec<_>>();
    let word = |value: Option<&str>| value.unwrap_or_default().to_owned();
    let choices = vec![
        Choice {
            name: "group",
            label: text::GROUP,
            any: text::ANY_GROUP,
            options: words(AuditGroup::ALL.iter().map(|it| (it.as_str(), it.title())).collect()),
            chosen: word(filter.group.map(AuditGroup::as_str)),
        },
        Choice {
            name: "period",
            label: text::PERIOD,
            any: text::ANY_TIME,
            options: words(Period::ALL.iter().map(|it| (it.as_str(), it.title())).collect()),
            chosen: word(filter.period.map(Period::as_str)),
        },
    ];
    let action = paths::audit(&org);
    let AuditFilter { search, member, .. } = filter;
    // Whose entries they are stays while one chooses among them.
    let to = move |get: &dyn Fn(&str) -> Option<String>| paths::audit_page(&org, &AuditFilter { member, ..AuditFilter::read(get) }, None);
    view! { <FilterForm action placeholder=text::SEARCH search=search.unwrap_or_default() choices testid="audit-filter" to /> }
}

#[component]
fn Kept(org: OrgSlug, kept: AuditYears, can_manage: bool, keep: ServerAction<KeepAudit>, error: Signal<Option<AppError>>) -> impl IntoView {
    let sentence = match kept {
        AuditYears::ForEver => "For as long as the organisation is here.".to_owned(),
        years => format!("For {years}. What is older goes in whole sealed batches, whose seals stay."),
    };
    view! {
        <section class="card mt-4" aria-labelledby="kept-title">
            <div class="head">
                <div class="min-w-0">
                    <h2 id="kept-title">{text::KEPT}</h2>
                    <p class="sub" data-testid="kept">{sentence}</p>
                </div>
            </div>
            {can_manage.then(|| view! {
                <div class="body">
                    <ActionForm action=keep>
                        <input type="hidden" name="org" value=org.to_string() />
                        <div class="flex flex-wrap items-end gap-3">
                            <div class="field">
                                <label for="field-years">{text::KEEP}</label>
                                <select class="input" id="field-years" name="years">
                                    {AuditYears::ALL.into_iter().map(|choice| view! {
                                        <option value=choice.as_str() selected=choice == kept>{choice.to_string()}</option>
                                    }).collect_view()}
                                </select>
                            </div>
                            <OwnerPassword error place="audit".to_owned() />
                            <Submit label=text::SAVE class="btn tall" testid="keep-audit" pending=keep.pending() />
                        </div>
                    </ActionForm>
                </div>
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
