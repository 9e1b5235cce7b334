//! The organisation's people.

mod row;

use domain::{
    OrgRole, OrgSlug,
    view::{MembersView, Viewer},
};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::{
    calls,
    components::{CardSkeleton, EmptyState, FormError, OrgOfPage, PageHeader, Problem, ViewerOfPage, counted, thousands},
    paths,
    server_fns::{self, ResendActivation},
};
use row::Row;

mod text {
    pub const TITLE: &str = "Members";
    pub const LEAD: &str = "Everyone in this organisation, and whether they can act in it.";
    pub const PERSON: &str = "Person";
    pub const ROLE: &str = "Role";
    pub const MANAGED_BY: &str = "Managed by";
    pub const LAST_SEEN: &str = "Last seen";
    pub const STATUS: &str = "Status";
    pub const RESENT: &str = "Another activation mail goes out. The links in earlier ones stop working.";
    pub const PAGES: &str = "Pages of the list";
    pub const EARLIER: &str = "Previous";
    pub const LATER: &str = "Next";
    pub const BEYOND: &str = "This page of the list is empty";
    pub const BEYOND_TEXT: &str = "The list has become shorter, or the address names a page that it never had.";
    pub const FIRST: &str = "Go to the first page";
    pub const NO_DIRECTORY: &str = "Nobody comes from your identity provider yet.";
    pub const CONNECT: &str = "Connect it";
    pub const CONNECT_REST: &str = " and its people appear here on their own, and lose their access the moment they leave.";
    pub const ASK_OWNER: &str = " An owner can connect it under Settings, Security.";
}

/// `/o/{org}/members?page=`
#[component]
pub fn Members() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let query = use_query_map();
    let page = Memo::new(move |_| query.read().get("page").and_then(|page| page.parse().ok()).filter(|page| *page > 0).unwrap_or(1));
    let people = calls::load(
        move || (org.get(), page.get()),
        |(org, page)| async move { server_fns::members(OrgOfPage::required(org)?, Some(page), None, None, None, None).await },
    );
    let resend = calls::action::<ResendActivation>();
    let (said, say) = signal("");
    calls::refresh(resend, people, move || say.set(text::RESENT));
    view! {
        <FormError error=calls::failure(resend) />
        <div role="status">{move || (!said.get().is_empty()).then(|| view! { <p class="note good mb-4">{said.get()}</p> })}</div>
        <Transition fallback=|| view! { <PageHeader title=text::TITLE lead=text::LEAD /> <CardSkeleton /> }>
            {move || people.get().map(|people| match (people, org.get()) {
                (Ok(people), Some(org)) => view! {
                    <PageHeader title=text::TITLE lead=text::LEAD />
                    <List people org viewer=ViewerOfPage::get() resend />
                }
                .into_any(),
                (Err(error), _) => view! { <Problem error /> }.into_any(),
                (Ok(_), None) => ().into_any(),
            })}
        </Transition>
    }
}

#[component]
fn List(people: MembersView, org: OrgSlug, viewer: Option<Viewer>, resend: ServerAction<ResendActivation>) -> impl IntoView {
    let MembersView { now, people, total, directory_people, page, page_size, can_manage, .. } = people;
    let first = page.saturating_sub(1) * page_size + 1;
    let last = first + people.len() as u64 - u64::from(!people.is_empty());
    let me = viewer.as_ref().map(|viewer| viewer.member);
    let owner = viewer.is_some_and(|viewer| viewer.role >= OrgRole::Owner);
    let summary = format!("{} · {} managed by the directory", counted(total, "person", "people"), thousands(directory_people));
    let range = format!("{}–{} of {}", thousands(first), thousands(last), thousands(total));
    let first_page = paths::members(&org);
    let to = {
        let first_page = first_page.clone();
        move |page: u64| format!("{first_page}?page={page}")
    };
    let empty = people.is_empty();
    view! {
        {(directory_people == 0).then(|| view! {
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
            {if empty {
                view! {
                    <EmptyState title=text::BEYOND text=text::BEYOND_TEXT>
                        <a class="btn" href=first_page.clone()>{text::FIRST}</a>
                    </EmptyState>
                }
                .into_any()
            } else {
                view! {
                    <p class="border-b border-line px-4 py-3 text-sm text-ink-2 md:px-6">{summary}</p>
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
                                view! { <Row person now org=org.clone() can_manage it_is_me resend /> }
                            }).collect_view()}
                        </tbody>
                    </table>
                }
                .into_any()
            }}
            {(!empty && total > page_size).then(|| view! {
                <nav class="flex items-center gap-2 border-t border-line px-4 py-3 text-sm md:px-6" aria-label=text::PAGES>
                    <span class="mr-auto text-ink-2">{range}</span>
                    {(page > 1).then(|| view! { <a class="btn" rel="prev" href=to(page - 1)>{text::EARLIER}</a> })}
                    {(last < total).then(|| view! { <a class="btn" rel="next" href=to(page + 1)>{text::LATER}</a> })}
                </nav>
            })}
        </section>
    }
}
