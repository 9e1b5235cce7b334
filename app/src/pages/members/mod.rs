//! The organisation's people.

mod access;
mod invite;
mod row;
mod toolbar;

use domain::{
    OrgRole, OrgSlug,
    view::{MemberFilter, MembersView, Viewer},
};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

pub use access::Access;
pub use invite::Invite;

use crate::{
    calls,
    components::{
        CardSkeleton, EmptyState, FormError, LastDrillLine, OrgOfPage, PageHeader, Pager, Problem, ViewerOfPage, counted, load_last_drill,
        thousands,
    },
    paths,
    server_fns::{self, ResendActivation},
};
use row::Row;
use toolbar::{Toolbar, address, filter_of};

mod text {
    pub const TITLE: &str = "Members";
    pub const LEAD: &str = "Everyone in this organisation, and whether they can act in it.";
    pub const INVITE: &str = "Invite";
    pub const PERSON: &str = "Person";
    pub const ROLE: &str = "Role, and why";
    pub const MANAGED_BY: &str = "Managed by";
    pub const LAST_SEEN: &str = "Last seen";
    pub const STATUS: &str = "Status";
    pub const RESENT: &str = "Another activation mail goes out. The links in earlier ones stop working.";
    pub const PAGES: &str = "Pages of the list";
    pub const BEYOND: &str = "This page of the list is empty";
    pub const BEYOND_TEXT: &str = "The list has become shorter, or the address names a page that it never had.";
    pub const FIRST: &str = "Go to the first page";
    pub const NOBODY: &str = "Nobody matches";
    pub const NOBODY_TEXT: &str =
        "Nobody here has this in her name or address and fits the filters. People who have left are shown only if you ask for them.";
    pub const CLEAR: &str = "Clear the filters";
    pub const NO_DIRECTORY: &str = "Nobody comes from your identity provider yet.";
    pub const CONNECT: &str = "Connect it";
    pub const CONNECT_REST: &str = " and its people appear here on their own, and lose their access the moment they leave.";
    pub const ASK_OWNER: &str = " An owner can connect it under Settings, Security.";
    pub const HELD_ONE: &str = "A directory user matches an owner, or somebody kept for emergencies, and waits for your word: ";
    pub const HELD_MANY: &str = "directory users match owners, or people kept for emergencies, and wait for your word: ";
    pub const AND_MORE: &str = " and others";
}

/// `/o/{org}/members?search=&role=&source=&status=&page=`
#[component]
pub fn Members() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let query = use_query_map();
    let page = Memo::new(move |_| query.read().get("page").and_then(|page| page.parse().ok()).filter(|page| *page > 0).unwrap_or(1));
    let filter = Memo::new(move |_| query.with(filter_of));
    let people = calls::load(
        move || (org.get(), filter.get(), page.get()),
        |(org, filter, page)| async move {
            let MemberFilter { search, role, source, status } = filter;
            let (role, source, status) = (role.map(|it| it.as_str()), source.map(|it| it.as_str()), status.map(|it| it.as_str()));
            let text = |part: Option<&str>| part.map(str::to_owned);
            server_fns::members(OrgOfPage::required(org)?, Some(page), search, text(role), text(source), text(status)).await
        },
    );
    let drill = load_last_drill();
    let resend = calls::action::<ResendActivation>();
    let (said, say) = signal("");
    calls::refresh(resend, people, move || say.set(text::RESENT));
    view! {
        <FormError error=calls::failure(resend) />
        <div role="status">{move || (!said.get().is_empty()).then(|| view! { <p class="note good mb-4">{said.get()}</p> })}</div>
        <Transition fallback=|| view! { <PageHeader title=text::TITLE lead=text::LEAD /> <CardSkeleton /> }>
            {move || people.get().map(|people| match (people, org.get()) {
                (Ok(people), Some(org)) => {
                    let invite = people.can_manage.then(|| paths::invite(&org));
                    view! {
                        <div class="flex flex-wrap items-start justify-between gap-x-4">
                            <PageHeader title=text::TITLE lead=text::LEAD />
                            {invite.map(|invite| view! { <a class="btn primary tall mb-6" href=invite data-testid="invite">{text::INVITE}</a> })}
                        </div>
                        <LastDrillLine drill />
                        <List people org filter=filter.get_untracked() viewer=ViewerOfPage::get() resend />
                    }
                    .into_any()
                }
                (Err(error), _) => view! { <Problem error /> }.into_any(),
                (Ok(_), None) => ().into_any(),
            })}
        </Transition>
    }
}

#[component]
fn List(
    people: MembersView,
    org: OrgSlug,
    filter: MemberFilter,
    viewer: Option<Viewer>,
    resend: ServerAction<ResendActivation>,
) -> impl IntoView {
    let MembersView { now, people, total, everybody, directory_people, page, page_size, can_manage, can_see_people, held_links, held } =
        people;
    let me = viewer.as_ref().map(|viewer| viewer.member);
    let owner = viewer.is_some_and(|viewer| viewer.role >= OrgRole::Owner);
    let filtered = filter != MemberFilter::default();
    let summary = match filtered {
        true => format!("{} of {}", thousands(total), counted(everybody, "person", "people")),
        false => format!("{} · {} managed by the directory", counted(total, "person", "people"), thousands(directory_people)),
    };
    let first_page = address(&org, &filter, 1);
    let everything = paths::members(&org);
    let shown = people.len();
    let to = {
        let (org, filter) = (org.clone(), filter.clone());
        move |page: u64| address(&org, &filter, page)
    };
    let table = if shown == 0 && total > 0 {
        view! { <EmptyState title=text::BEYOND text=text::BEYOND_TEXT><a class="btn" href=first_page>{text::FIRST}</a></EmptyState> }
            .into_any()
    } else if shown == 0 {
        view! { <EmptyState title=text::NOBODY text=text::NOBODY_TEXT><a class="btn" href=everything>{text::CLEAR}</a></EmptyState> }
            .into_any()
    } else {
        let org = org.clone();
        view! {
            <table class="rows stack">
                <thead>
                    <tr>
                        <th scope="col">{text::PERSON}</th>
                        <th scope="col" class="opt">{text::ROLE}</th>
                        <th scope="col" class="opt">{text::MANAGED_BY}</th>
                        <th scope="col" class="opt">{text::LAST_SEEN}</th>
                        <th scope="col">{text::STATUS}</th>
                    </tr>
                </thead>
                <tbody>
                    {people.into_iter().map(|person| {
                        let it_is_me = me == Some(person.member);
                        view! { <Row person now org=org.clone() can_manage can_open=can_see_people || it_is_me it_is_me resend /> }
                    }).collect_view()}
                </tbody>
            </table>
        }
        .into_any()
    };
    view! {
        {(held_links > 0).then(|| view! { <Held count=held_links held org=org.clone() /> })}
        {(directory_people == 0 && held_links == 0).then(|| view! {
            <p class="note info mb-4">
                {text::NO_DIRECTORY} " "
                {if owner {
                    view! { <a class="link" href=paths::security(&org)>{text::CONNECT}</a> {text::CONNECT_REST} }.into_any()
                } else {
                    text::ASK_OWNER.into_any()
                }}
            </p>
        })}
        <section class="card" aria-label=text::TITLE>
            <Toolbar org filter />
            // Told to those who listen when a search changes it.
            <p class="border-b border-line px-4 py-2 text-xs text-ink-2 md:px-6" role="status" data-testid="member-summary">{summary}</p>
            <div>{table}</div>
            <Pager label=text::PAGES page page_size shown total to />
        </section>
    }
}

/// That records wait for an owner's word, and on whose pages she gives it.
#[component]
fn Held(count: u64, held: Vec<(domain::MemberId, String)>, org: OrgSlug) -> impl IntoView {
    // As many as are named at the most.
    let more = held.len() >= 5 && count > held.len() as u64;
    let lead = if count == 1 { text::HELD_ONE.to_owned() } else { format!("{} {}", thousands(count), text::HELD_MANY) };
    view! {
        <p class="note warn mb-4" data-testid="held-links">
            {lead}
            {held.into_iter().enumerate().map(|(at, (member, name))| view! {
                {(at > 0).then_some(", ")}
                <a class="link" href=paths::person(&org, member)>{name}</a>
            }).collect_view()}
            {more.then_some(text::AND_MORE)} "."
        </p>
    }
}
