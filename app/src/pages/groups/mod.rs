//! The directory's groups, as it pushed them.

mod group;

pub use group::Group;

use domain::{
    OrgSlug, Timestamp,
    mapping::MappingState,
    view::{GroupRow, GroupsView},
};
use leptos::prelude::*;
use leptos_router::{components::Form, hooks::use_query_map};

use super::integrations::MappingBadge;
use crate::{
    calls,
    components::{Ago, CardSkeleton, EmptyState, OrgOfPage, PageHeader, Pager, Problem, counted, thousands},
    paths, server_fns,
};

mod text {
    pub const TITLE: &str = "IdP groups";
    pub const LEAD: &str = "The groups that your identity provider pushes, and what they give here. Who is in them is decided there.";
    pub const DENIED: &str =
        "Groups and what they give are open to auditors, administrators and owners. Ask an owner for the role if you need it.";
    pub const SEARCH: &str = "Name";
    pub const UNMAPPED: &str = "Only those without a mapping";
    pub const SHOW: &str = "Show";
    pub const GROUP: &str = "Group";
    pub const PEOPLE: &str = "People";
    pub const GIVES: &str = "Gives";
    pub const NOTHING: &str = "nothing";
    pub const CHANGED: &str = "Last change";
    pub const PAGES: &str = "Pages of the list";
    pub const OFF: &str = "SCIM is off, so that no groups arrive";
    pub const OFF_TEXT: &str =
        "Once it is on, your identity provider pushes its groups, and you see here who is in them and what they give.";
    pub const TO_SECURITY: &str = "Security settings";
    pub const NONE: &str = "No group has been pushed yet";
    pub const NONE_TEXT: &str =
        "Choose at your identity provider which groups it pushes. They appear here as they arrive, with their people.";
    pub const NO_MATCH: &str = "No group is like that";
    pub const NO_MATCH_TEXT: &str = "None that is called so, or all of them have a mapping.";
    pub const BEYOND: &str = "This page of the list is empty";
    pub const BEYOND_TEXT: &str = "The list has become shorter, or the address names a page that it never had.";
    pub const ALL: &str = "Show all groups";
}

/// Which groups are looked at.
#[derive(Clone, PartialEq)]
struct Sought {
    search: String,
    unmapped: bool,
    page: u64,
}

impl Sought {
    fn at_page(&self, org: &OrgSlug, page: u64) -> String {
        let unmapped = if self.unmapped { "true" } else { "" };
        let page = page.to_string();
        format!("{}{}", paths::groups(org), paths::query(&[("search", self.search.trim()), ("unmapped", unmapped), ("page", &page)]))
    }

    fn is_all(&self) -> bool {
        self.search.trim().is_empty() && !self.unmapped
    }
}

/// `/o/{org}/groups?search=&unmapped=&page=`
#[component]
pub fn Groups() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let query = use_query_map();
    let sought = Memo::new(move |_| {
        let query = query.read();
        Sought {
            search: query.get("search").unwrap_or_default(),
            unmapped: query.get("unmapped").is_some_and(|yes| yes == "true"),
            page: query.get("page").and_then(|page| page.parse().ok()).filter(|page| *page > 0).unwrap_or(1),
        }
    });
    let groups = calls::load(
        move || (org.get(), sought.get()),
        |(org, Sought { search, unmapped, page })| async move {
            server_fns::groups(OrgOfPage::required(org)?, Some(search), Some(unmapped), Some(page)).await
        },
    );
    view! {
        <Transition fallback=|| view! { <PageHeader title=text::TITLE lead=text::LEAD /> <CardSkeleton /> }>
            {move || groups.get().map(|groups| match (groups, org.get()) {
                (Ok(groups), Some(org)) => view! {
                    <PageHeader title=text::TITLE lead=text::LEAD />
                    <List groups org sought=sought.get() />
                }
                .into_any(),
                (Err(error), _) => view! { <Problem error denied=text::DENIED /> }.into_any(),
                (Ok(_), None) => ().into_any(),
            })}
        </Transition>
    }
}

#[component]
fn List(groups: GroupsView, org: OrgSlug, sought: Sought) -> impl IntoView {
    let GroupsView { now, groups, total, unmapped, page, page_size, scim_on, .. } = groups;
    let all = sought.is_all();
    let nothing = groups.is_empty();
    // A list that never had anything needs no way to search it.
    let never = all && total == 0;
    let shown = groups.len();
    let to = {
        let (org, sought) = (org.clone(), sought.clone());
        move |page| sought.at_page(&org, page)
    };
    let (first, search) = (paths::groups(&org), paths::groups(&org));
    let list = if never && !scim_on {
        view! {
            <EmptyState title=text::OFF text=text::OFF_TEXT>
                <a class="btn" href=paths::security(&org)>{text::TO_SECURITY}</a>
            </EmptyState>
        }
        .into_any()
    } else if never {
        view! { <EmptyState title=text::NONE text=text::NONE_TEXT /> }.into_any()
    } else if nothing {
        let (title, sentence) = if total > 0 { (text::BEYOND, text::BEYOND_TEXT) } else { (text::NO_MATCH, text::NO_MATCH_TEXT) };
        view! { <EmptyState title=title text=sentence><a class="btn" href=first>{text::ALL}</a></EmptyState> }.into_any()
    } else {
        let org = org.clone();
        view! {
            <table class="rows top stack">
                <thead>
                    <tr>
                        <th scope="col">{text::GROUP}</th>
                        <th scope="col" class="opt end">{text::PEOPLE}</th>
                        <th scope="col">{text::GIVES}</th>
                        <th scope="col" class="opt">{text::CHANGED}</th>
                    </tr>
                </thead>
                <tbody>{groups.into_iter().map(|group| view! { <Row group now org=org.clone() /> }).collect_view()}</tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <section class="card" aria-label=text::TITLE>
            {(!never).then(|| view! {
                <div class="border-b border-line px-4 py-4 md:px-6">
                    <Form method="GET" action=search attr:class="flex flex-wrap items-end gap-x-4 gap-y-3" attr:role="search" attr:aria-label=text::TITLE>
                        <div class="field w-full md:w-72">
                            <label for="field-search">{text::SEARCH}</label>
                            <input class="input" id="field-search" name="search" type="search" autocomplete="off" spellcheck="false" value=sought.search.clone() />
                        </div>
                        <label class="check">
                            <input type="checkbox" name="unmapped" value="true" checked=sought.unmapped />
                            {text::UNMAPPED} " (" {thousands(unmapped)} ")"
                        </label>
                        <button type="submit" class="btn tall">{text::SHOW}</button>
                        <p class="ml-auto flex min-h-9 items-center text-sm text-ink-2" data-testid="groups-total">{counted(total, "group", "groups")}</p>
                    </Form>
                </div>
            })}
            {list}
            <Pager label=text::PAGES page page_size shown total to />
        </section>
    }
}

#[component]
fn Row(group: GroupRow, now: Timestamp, org: OrgSlug) -> impl IntoView {
    let GroupRow { id, name, members, gives, changed_at } = group;
    let mapped = !gives.is_empty();
    view! {
        <tr data-testid="group-row">
            <td class="md:w-80">
                <a class="link font-medium wrap-anywhere" href=paths::group(&org, id)>{name}</a>
                // Where there is no room for its columns.
                <p class="text-xs text-ink-3 md:hidden">{counted(members, "person", "people")} " · changed " <Ago at=changed_at now /></p>
            </td>
            <td class="opt end whitespace-nowrap">{thousands(members)}</td>
            <td>
                {if mapped {
                    view! {
                        <ul class="grid gap-1">
                            {gives.into_iter().map(|(_, what, state)| view! { <li class="flex flex-wrap items-center gap-x-2"><Given what state /></li> }).collect_view()}
                        </ul>
                    }
                    .into_any()
                } else {
                    view! { <span class="text-ink-3"><span class="md:hidden">"gives "</span>{text::NOTHING}</span> }.into_any()
                }}
            </td>
            <td class="opt whitespace-nowrap text-ink-2"><Ago at=changed_at now /></td>
        </tr>
    }
}

/// What a group gives; where that stands is said when it is not in force.
#[component]
fn Given(what: String, state: MappingState) -> impl IntoView {
    view! {
        <span class="wrap-anywhere"><span class="text-ink-3 md:hidden">"gives "</span>{what}</span>
        {(state != MappingState::Active).then(|| view! { <MappingBadge state /> })}
    }
}
