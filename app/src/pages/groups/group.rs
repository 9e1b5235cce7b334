//! A group of the directory: who is in it, and what it gives.

use domain::{
    DirectoryGroupId, OrgSlug, Timestamp,
    view::{GroupPage, GroupPerson, GroupRow},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::super::integrations::{MAP_FORM, MappingBadge};
use crate::{
    calls,
    components::{Ago, CardSkeleton, Day, EmptyState, OrgOfPage, PageHeader, Pager, Problem, counted},
    error::AppError,
    paths, server_fns,
};

mod text {
    pub const BACK: &str = "IdP groups";
    pub const DENIED: &str =
        "Groups and what they give are open to auditors, administrators and owners. Ask an owner for the role if you need it.";
    pub const GIVES: &str = "What it gives";
    pub const NOTHING: &str = "Nothing is mapped to it: its people have nothing by it.";
    pub const TO_INTEGRATIONS: &str = "Change it under Integrations";
    pub const ACTIVITY: &str = "SCIM activity";
    pub const MAP: &str = "Map this group";
    pub const PEOPLE: &str = "People";
    pub const PERSON: &str = "Person";
    pub const ACCESS: &str = "Access";
    pub const SINCE: &str = "In the group";
    pub const HAS_ACCESS: &str = "Has access";
    pub const NO_ACCESS: &str = "No access";
    pub const PAGES: &str = "Pages of the people";
    pub const EMPTY: &str = "Nobody is in this group";
    pub const EMPTY_TEXT: &str = "Your identity provider decides who is. Whoever it adds has what the group gives with their next request.";
    pub const BEYOND: &str = "This page of the list is empty";
    pub const BEYOND_TEXT: &str = "The list has become shorter, or the address names a page that it never had.";
    pub const FIRST: &str = "Go to the first page";
}

/// `/o/{org}/groups/{group}?page=`
#[component]
pub fn Group() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let (params, query) = (use_params_map(), use_query_map());
    let id = Memo::new(move |_| params.read().get("group").and_then(|id| id.parse::<DirectoryGroupId>().ok()));
    let page = Memo::new(move |_| query.read().get("page").and_then(|page| page.parse().ok()).filter(|page| *page > 0).unwrap_or(1));
    let group = calls::load(
        move || (org.get(), id.get(), page.get()),
        |(org, id, page)| async move {
            let id = id.ok_or_else(|| AppError::NotFound("group".to_owned()))?;
            server_fns::group(OrgOfPage::required(org)?, id, Some(page)).await
        },
    );
    view! {
        <Transition fallback=|| view! { <PageHeader title=text::BACK lead="" /> <CardSkeleton /> }>
            {move || group.get().map(|group| match (group, org.get()) {
                (Ok(group), Some(org)) => view! { <Shown group org /> }.into_any(),
                (Err(error), _) => view! { <Problem error denied=text::DENIED /> }.into_any(),
                (Ok(_), None) => ().into_any(),
            })}
        </Transition>
    }
}

#[component]
fn Shown(group: GroupPage, org: OrgSlug) -> impl IntoView {
    let GroupPage { now, group, external_id, created_at, people, page, page_size, can_manage } = group;
    let GroupRow { id, name, members, gives, changed_at } = group;
    let here = paths::group(&org, id);
    let integrations = paths::integrations(&org);
    // The name, too: where there are too many groups for a list, it is what the form asks for.
    let map = format!("{integrations}{}#{MAP_FORM}", paths::query(&[("group", &id.to_string()), ("group_name", &name)]));
    let to = {
        let here = here.clone();
        move |page: u64| format!("{here}?page={page}")
    };
    let (shown, nothing, mapped) = (people.len(), people.is_empty(), !gives.is_empty());
    let list = if members == 0 {
        view! { <EmptyState title=text::EMPTY text=text::EMPTY_TEXT /> }.into_any()
    } else if nothing {
        view! { <EmptyState title=text::BEYOND text=text::BEYOND_TEXT><a class="btn" href=here>{text::FIRST}</a></EmptyState> }.into_any()
    } else {
        let org = org.clone();
        view! {
            <table class="rows stack">
                <thead>
                    <tr>
                        <th scope="col">{text::PERSON}</th>
                        <th scope="col" class="opt">{text::SINCE}</th>
                        <th scope="col">{text::ACCESS}</th>
                    </tr>
                </thead>
                <tbody>{people.into_iter().map(|person| view! { <Row person now org=org.clone() /> }).collect_view()}</tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <Title text=name.clone() />
        <header class="mb-6 flex flex-wrap items-end gap-4">
            <div class="min-w-0">
                <p class="mb-1 text-sm"><a class="link" href=paths::groups(&org)>{text::BACK}</a></p>
                <h1 class="text-xl font-semibold tracking-tight wrap-anywhere">{name}</h1>
                <p class="mt-1 text-ink-2">
                    {counted(members, "person", "people")} " · changed " <Ago at=changed_at now /> " · first pushed " <Day at=created_at />
                    {external_id.map(|id| view! { " · " <span class="wrap-anywhere">{id}</span> })}
                    " · " <a class="link" href=paths::activity_of(&org, &id.to_string()) data-testid="to-activity">{text::ACTIVITY}</a>
                </p>
            </div>
            {can_manage.then(|| view! { <a class="btn primary tall md:ml-auto" href=map>{text::MAP}</a> })}
        </header>
        <section class="card" aria-labelledby="gives-title">
            <div class="head">
                <h2 id="gives-title">{text::GIVES}</h2>
                {mapped.then(|| view! { <p class="sub md:ml-auto"><a class="link" href=integrations>{text::TO_INTEGRATIONS}</a></p> })}
            </div>
            <div class="body">
                {if mapped {
                    view! {
                        <ul class="grid gap-2">
                            {gives.into_iter().map(|(_, what, state)| view! {
                                <li class="flex flex-wrap items-center gap-x-3" data-testid="group-gives"><span class="font-medium wrap-anywhere">{what}</span> <MappingBadge state /></li>
                            }).collect_view()}
                        </ul>
                    }
                    .into_any()
                } else {
                    view! { <p class="text-ink-2">{text::NOTHING}</p> }.into_any()
                }}
            </div>
        </section>
        <section class="card mt-4" aria-labelledby="people-title">
            <div class="head"><h2 id="people-title">{text::PEOPLE}</h2></div>
            <div>
                {list}
                <Pager label=text::PAGES page page_size shown total=members to />
            </div>
        </section>
    }
}

#[component]
fn Row(person: GroupPerson, now: Timestamp, org: OrgSlug) -> impl IntoView {
    let GroupPerson { member, name, user_name, has_access, since, .. } = person;
    let (class, label) = if has_access { ("badge dot good", text::HAS_ACCESS) } else { ("badge dot", text::NO_ACCESS) };
    let also = (user_name != name).then_some(user_name);
    view! {
        <tr data-testid="group-person">
            <td class="md:w-full">
                {match member {
                    Some(member) => view! { <a class="link font-medium wrap-anywhere" href=paths::person(&org, member)>{name}</a> }.into_any(),
                    None => view! { <span class="font-medium wrap-anywhere">{name}</span> }.into_any(),
                }}
                {also.map(|user_name| view! { <p class="text-ink-3 wrap-anywhere">{user_name}</p> })}
                // Where there is no room for its column.
                <p class="text-xs text-ink-3 md:hidden">"since " <Ago at=since now /></p>
            </td>
            <td class="opt whitespace-nowrap text-ink-2"><Ago at=since now /></td>
            <td><span class=class>{label}</span></td>
        </tr>
    }
}
