//! The seats of a team: those by hand, which people give and take here, and those that groups give.

use domain::{
    MemberId, OrgSlug, Permission, TeamId, TeamRole, Timestamp,
    view::{FoundMember, GroupSeat, HandSeat, TeamPage, Viewer},
};
use leptos::prelude::*;
use leptos_router::components::Form;

use super::team::{Seats, gives};
use crate::{
    components::{Day, Face, Pager, Submit, counted},
    paths,
};

mod text {
    pub const BY_HAND: &str = "Seats by hand";
    pub const BY_HAND_LEAD: &str = "Given here, one by one. They stay whatever groups do, and end with the person’s access.";
    pub const NONE_BY_HAND: &str = "Nobody has a seat by hand.";
    pub const BY_GROUPS: &str = "Seats by groups";
    pub const BY_GROUPS_LEAD: &str = "Whoever is in the group at your identity provider sits here, and leaves with it.";
    pub const NO_GROUPS: &str = "No group of your identity provider gives seats here.";
    pub const NONE_BY_GROUPS: &str = "Nobody has a seat by a group.";
    pub const TO_INTEGRATIONS: &str = "Integrations";
    pub const PERSON: &str = "Person";
    pub const ROLE: &str = "Role";
    pub const THROUGH: &str = "Through";
    pub const GIVEN: &str = "Given";
    pub const ACTIONS: &str = "What you can do";
    pub const A_GROUP: &str = "a group of the directory";
    pub const BEYOND: &str = "No more on this page.";
    pub const FIRST: &str = "Go to the first page";
    pub const PAGES_BY_HAND: &str = "Pages of the seats by hand";
    pub const PAGES_BY_GROUPS: &str = "Pages of the seats by groups";
    pub const ADD: &str = "Add somebody";
    pub const SEARCH: &str = "Name or e-mail address";
    pub const PEOPLE: &str = "People with access";
    pub const FIND: &str = "Search";
    pub const NOBODY: &str = "Nobody with access is called that.";
    pub const MORE: &str = "These are the first eight. Type more of the name to see others.";
    pub const AS_MEMBER: &str = "Add as member";
    pub const AS_LEAD: &str = "Add as lead";
    pub const MAKE_MEMBER: &str = "Make member";
    pub const MAKE_LEAD: &str = "Make lead";
    pub const REMOVE: &str = "Remove";
    pub const YOU: &str = "you";
    pub const HAS_SEAT: &str = "Has a seat";
}

/// The id of the heading of the seats by hand.
pub const BY_HAND: &str = "by-hand-title";
const BY_GROUPS: &str = "by-groups-title";
/// How many are found at once: when there are as many, there may be more.
const FOUND: usize = 8;

/// The seats by hand, and the search for people to give one.
#[component]
pub fn ByHand(team: TeamPage, org: OrgSlug, viewer: Option<Viewer>, seats: Seats) -> impl IntoView {
    let manage = Manage { org: org.clone(), team: team.id, may: team.can_manage_seats, all: team.can_manage, seats };
    let to = pages(&team, &org);
    let TeamPage { id, by_hand, by_hand_total: total, page, page_size, find, found, .. } = team;
    let (shown, may) = (by_hand.len(), manage.may);
    let rows = if total == 0 {
        view! { <p class="px-4 py-4 text-ink-2 md:px-6">{text::NONE_BY_HAND}</p> }.into_any()
    } else if shown == 0 {
        view! { <Beyond first=to(1) /> }.into_any()
    } else {
        let (org, manage) = (org.clone(), manage.clone());
        view! {
            <table class="rows stack">
                <thead>
                    <tr>
                        <th scope="col">{text::PERSON}</th>
                        <th scope="col" class="opt">{text::ROLE}</th>
                        <th scope="col" class="opt">{text::GIVEN}</th>
                        {may.then(|| view! { <th scope="col"><span class="sr-only">{text::ACTIONS}</span></th> })}
                    </tr>
                </thead>
                <tbody>
                    {by_hand.into_iter().map(|seat| {
                        view! { <HandRow seat org=org.clone() viewer=viewer.clone() manage=manage.clone() /> }
                    }).collect_view()}
                </tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <section class="card" aria-labelledby=BY_HAND>
            <div class="head">
                <div class="min-w-0">
                    <h2 id=BY_HAND tabindex="-1">{text::BY_HAND}</h2>
                    <p class="sub">{text::BY_HAND_LEAD}</p>
                </div>
                {(total > 0).then(|| view! { <p class="sub md:ml-auto" data-testid="by-hand-total">{counted(total, "seat", "seats")}</p> })}
            </div>
            <div>
                {rows}
                <Pager label=text::PAGES_BY_HAND page page_size shown total to />
            </div>
            {may.then(|| view! { <Search org id find found manage /> })}
        </section>
    }
}

/// What is needed to offer what can be done with a seat.
#[derive(Clone)]
struct Manage {
    org: OrgSlug,
    team: TeamId,
    /// Whether the viewer may give and take seats.
    may: bool,
    /// Whether a lead's, too.
    all: bool,
    seats: Seats,
}

#[component]
fn HandRow(seat: HandSeat, org: OrgSlug, viewer: Option<Viewer>, manage: Manage) -> impl IntoView {
    let HandSeat { member, name, role, by, at } = seat;
    let given_by = by.clone();
    let offered = manage.may && (manage.all || role == TeamRole::Member);
    view! {
        <tr data-testid="hand-seat" data-role=role.as_str()>
            <td class="md:w-full">
                <Person member name=name.clone() org viewer>
                    // Where there is no room for its columns.
                    <p class="text-xs text-ink-3 md:hidden">{role.to_string()} " · " <Given at by=by.clone() /></p>
                </Person>
            </td>
            <td class="opt whitespace-nowrap">{role.to_string()}</td>
            <td class="opt whitespace-nowrap text-ink-2"><Given at by=given_by /></td>
            {manage.may.then(|| view! {
                <td class="under">
                    {offered.then(|| view! {
                        <div class="flex gap-1 md:justify-end">
                            {manage.all.then(|| {
                                let (role, label) = match role {
                                    TeamRole::Member => (TeamRole::Lead, text::MAKE_LEAD),
                                    TeamRole::Lead => (TeamRole::Member, text::MAKE_MEMBER),
                                };
                                view! { <Give manage=manage.clone() member name=name.clone() role label testid="change-seat" /> }
                            })}
                            <Remove manage=manage.clone() member name=name.clone() />
                        </div>
                    })}
                </td>
            })}
        </tr>
    }
}

#[component]
fn Given(at: Timestamp, by: String) -> impl IntoView {
    view! { <Day at /> " by " {by} }
}

/// A person, and a line below; a link to her page for whoever may see it.
#[component]
fn Person(member: MemberId, name: String, org: OrgSlug, viewer: Option<Viewer>, children: Children) -> impl IntoView {
    let me = viewer.as_ref().is_some_and(|viewer| viewer.member == member);
    let open = me || viewer.is_some_and(|viewer| viewer.role.may(Permission::SeePeople));
    view! {
        <div class="flex items-center gap-3">
            <Face name=name.clone() />
            <div class="min-w-0">
                <p class="font-medium wrap-anywhere">
                    {if open {
                        view! { <a class="link" href=paths::person(&org, member)>{name}</a> }.into_any()
                    } else {
                        name.into_any()
                    }}
                    {me.then(|| view! { <span class="font-normal text-ink-3">" · " {text::YOU}</span> })}
                </p>
                {children()}
            </div>
        </div>
    }
}

/// The button that gives somebody a seat of a role.
#[component]
fn Give(manage: Manage, member: MemberId, name: String, role: TeamRole, label: &'static str, testid: &'static str) -> impl IntoView {
    let Manage { org, team, seats: Seats { give, .. }, .. } = manage;
    let asked = move || give.input().get().is_some_and(|input| input.member == member && input.role == role);
    let pending = Signal::derive(move || give.pending().get() && asked());
    view! {
        <ActionForm action=give>
            <input type="hidden" name="org" value=org.to_string() />
            <input type="hidden" name="team" value=team.to_string() />
            <input type="hidden" name="member" value=member.to_string() />
            <input type="hidden" name="role" value=role.as_str() />
            <Submit label class="btn small" testid aria_label=format!("{label}: {name}") pending />
        </ActionForm>
    }
}

/// The button that takes somebody's seat.
#[component]
fn Remove(manage: Manage, member: MemberId, name: String) -> impl IntoView {
    let Manage { org, team, seats: Seats { remove, .. }, .. } = manage;
    let pending = Signal::derive(move || remove.pending().get() && remove.input().get().is_some_and(|input| input.member == member));
    view! {
        <ActionForm action=remove>
            <input type="hidden" name="org" value=org.to_string() />
            <input type="hidden" name="team" value=team.to_string() />
            <input type="hidden" name="member" value=member.to_string() />
            <Submit label=text::REMOVE class="btn quiet danger small edge" testid="remove-seat" aria_label=format!("{}: {name}", text::REMOVE) pending />
        </ActionForm>
    }
}

/// The search for people to give a seat. It asks the page, so that it works without a script and can be gone back to.
#[component]
fn Search(org: OrgSlug, id: TeamId, find: Option<String>, found: Vec<FoundMember>, manage: Manage) -> impl IntoView {
    let sought = find.is_some();
    let (nobody, more) = (sought && found.is_empty(), found.len() == FOUND);
    view! {
        <div class="body border-t border-line">
            <Form method="GET" action=paths::team(&org, id) attr:class="flex flex-wrap items-end gap-4" attr:role="search" attr:aria-label=text::PEOPLE>
                <div class="field w-full md:w-72">
                    <label for="field-find">{text::ADD} <span class="font-normal text-ink-2">" · " {text::SEARCH}</span></label>
                    <input class="input" id="field-find" name="find" type="search" autocomplete="off" spellcheck="false" required=true maxlength="200"
                        value=find.unwrap_or_default() />
                </div>
                <button type="submit" class="btn tall" data-testid="find-people">{text::FIND}</button>
            </Form>
            {nobody.then(|| view! { <p class="mt-4 text-ink-2" data-testid="nobody-found">{text::NOBODY}</p> })}
            {(!found.is_empty()).then(|| view! {
                <ul class="mt-4 grid gap-4 md:gap-3" data-testid="found">
                    {found.into_iter().map(|found| view! { <Found found manage=manage.clone() /> }).collect_view()}
                </ul>
            })}
            {more.then(|| view! { <p class="mt-4 text-sm text-ink-2">{text::MORE}</p> })}
        </div>
    }
}

#[component]
fn Found(found: FoundMember, manage: Manage) -> impl IntoView {
    let FoundMember { member, name, email, seat } = found;
    let also = email.filter(|email| *email != name);
    let all = manage.all;
    view! {
        <li class="flex flex-wrap items-center gap-x-4 gap-y-2" data-testid="found-member">
            <div class="flex min-w-0 items-center gap-3 max-md:w-full md:flex-1">
                <Face name=name.clone() />
                <div class="min-w-0">
                    <p class="font-medium wrap-anywhere">{name.clone()}</p>
                    {also.map(|email| view! { <p class="text-sm text-ink-3 wrap-anywhere">{email}</p> })}
                </div>
            </div>
            {match seat {
                Some(role) => view! { <span class="badge good max-md:ml-10">{text::HAS_SEAT} ": " {role.to_string()}</span> }.into_any(),
                None => view! {
                    <div class="flex gap-2 max-md:ml-10">
                        <Give manage=manage.clone() member name=name.clone() role=TeamRole::Member label=text::AS_MEMBER testid="give-member" />
                        {all.then(|| view! { <Give manage=manage.clone() member name=name.clone() role=TeamRole::Lead label=text::AS_LEAD testid="give-lead" /> })}
                    </div>
                }
                .into_any(),
            }}
        </li>
    }
}

/// The seats that groups give.
#[component]
pub fn ByGroups(team: TeamPage, org: OrgSlug, viewer: Option<Viewer>) -> impl IntoView {
    let to = pages(&team, &org);
    let TeamPage { by_groups, by_groups_total: total, page, page_size, mappings, can_see_sources: open, .. } = team;
    let shown = by_groups.len();
    let mapped = !mappings.is_empty();
    let sub = if mapped { mappings.iter().map(gives).collect::<Vec<_>>().join(" · ") } else { text::BY_GROUPS_LEAD.to_owned() };
    let rows = if total == 0 {
        let sentence = if open && !mapped { text::NO_GROUPS } else { text::NONE_BY_GROUPS };
        view! { <p class="px-4 py-4 text-ink-2 md:px-6">{sentence}</p> }.into_any()
    } else if shown == 0 {
        view! { <Beyond first=to(1) /> }.into_any()
    } else {
        let org = org.clone();
        view! {
            <table class="rows">
                <thead>
                    <tr>
                        <th scope="col">{text::PERSON}</th>
                        <th scope="col" class="opt">{text::THROUGH}</th>
                        <th scope="col">{text::ROLE}</th>
                    </tr>
                </thead>
                <tbody>
                    {by_groups.into_iter().map(|seat| view! { <GroupRow seat org=org.clone() viewer=viewer.clone() /> }).collect_view()}
                </tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <section class="card mt-4" aria-labelledby=BY_GROUPS>
            <div class="head">
                <div class="min-w-0">
                    <h2 id=BY_GROUPS>{text::BY_GROUPS}</h2>
                    <p class="sub wrap-anywhere">{sub}</p>
                </div>
                {open.then(|| view! { <p class="sub md:ml-auto"><a class="link" href=paths::integrations(&org)>{text::TO_INTEGRATIONS}</a></p> })}
            </div>
            <div>
                {rows}
                <Pager label=text::PAGES_BY_GROUPS page page_size shown total to />
            </div>
        </section>
    }
}

#[component]
fn GroupRow(seat: GroupSeat, org: OrgSlug, viewer: Option<Viewer>) -> impl IntoView {
    let GroupSeat { member, name, role, groups } = seat;
    let through = if groups.is_empty() { text::A_GROUP.to_owned() } else { groups.join(", ") };
    let also = through.clone();
    view! {
        <tr data-testid="group-seat" data-role=role.as_str()>
            <td class="md:w-1/2">
                <Person member name org viewer>
                    // Where there is no room for its column.
                    <p class="text-xs text-ink-3 wrap-anywhere md:hidden">"through " {also}</p>
                </Person>
            </td>
            <td class="opt text-ink-2 wrap-anywhere">{through}</td>
            <td class="whitespace-nowrap">{role.to_string()}</td>
        </tr>
    }
}

/// Where a page of one list is, with what was searched for.
fn pages(team: &TeamPage, org: &OrgSlug) -> impl Fn(u64) -> String + Clone + use<> {
    let (here, find) = (paths::team(org, team.id), team.find.clone().unwrap_or_default());
    move |page| format!("{here}{}", paths::query(&[("page", &page.to_string()), ("find", &find)]))
}

#[component]
fn Beyond(first: String) -> impl IntoView {
    view! { <p class="px-4 py-4 text-ink-2 md:px-6">{text::BEYOND} " " <a class="link" href=first>{text::FIRST}</a></p> }
}
