//! The organisation's teams.

mod seats;
mod team;

pub use team::Team;

use domain::{
    OrgSlug, TeamRole,
    view::{TeamRow, TeamsView},
};
use leptos::prelude::*;

use super::leaving;
use crate::{
    calls,
    components::{CardSkeleton, EmptyState, Field, FormError, OrgOfPage, PageHeader, Problem, Submit, counted, thousands},
    paths,
    server_fns::{self, CreateTeam},
};

mod text {
    pub const TITLE: &str = "Teams";
    pub const LEAD: &str = "People who work together. Seats are given by hand or by groups of your identity provider, and agents can be granted to a whole team.";
    pub const TEAM: &str = "Team";
    pub const PEOPLE: &str = "People";
    pub const GROUPS: &str = "Groups";
    pub const AGENTS: &str = "Agents";
    pub const EMPTY: &str = "There is no team yet";
    pub const EMPTY_ADMIN: &str = "Create one below, then give people a seat in it, or let a group of your identity provider do so.";
    pub const EMPTY_MEMBER: &str = "When an administrator creates teams, they appear here, with the people in them.";
    pub const NAME: &str = "Name of the new team";
    pub const PLACEHOLDER: &str = "Platform";
    pub const CREATE: &str = "Create team";
    pub const LEADS: &str = "You lead it";
    pub const IN_IT: &str = "You are in it";
}

/// `/o/{org}/teams`
#[component]
pub fn Teams() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let teams = calls::load(move || org.get(), |org| async move { server_fns::teams(OrgOfPage::required(org)?).await });
    let create = calls::action::<CreateTeam>();
    view! {
        <Transition fallback=|| view! { <PageHeader title=text::TITLE lead=text::LEAD /> <CardSkeleton /> }>
            {move || teams.get().map(|teams| match (teams, org.get()) {
                (Ok(teams), Some(org)) => view! {
                    <PageHeader title=text::TITLE lead=text::LEAD />
                    <List teams org create />
                }
                .into_any(),
                (Err(error), _) => view! { <Problem error /> }.into_any(),
                (Ok(_), None) => ().into_any(),
            })}
        </Transition>
    }
}

#[component]
fn List(teams: TeamsView, org: OrgSlug, create: ServerAction<CreateTeam>) -> impl IntoView {
    let TeamsView { teams, can_manage, can_see_sources, .. } = teams;
    let list = if teams.is_empty() {
        view! { <EmptyState title=text::EMPTY text=if can_manage { text::EMPTY_ADMIN } else { text::EMPTY_MEMBER } /> }.into_any()
    } else {
        let org = org.clone();
        view! {
            <table class="rows">
                <thead>
                    <tr>
                        <th scope="col">{text::TEAM}</th>
                        {can_see_sources.then(|| view! {
                            <th scope="col" class="opt end">{text::GROUPS}</th>
                            <th scope="col" class="opt end">{text::AGENTS}</th>
                        })}
                        <th scope="col" class="end">{text::PEOPLE}</th>
                    </tr>
                </thead>
                <tbody>{teams.into_iter().map(|team| view! { <Row team org=org.clone() can_see_sources /> }).collect_view()}</tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <section class="card" aria-label=text::TITLE>
            {list}
            {can_manage.then(|| view! { <CreateForm org create /> })}
        </section>
    }
}

#[component]
fn Row(team: TeamRow, org: OrgSlug, can_see_sources: bool) -> impl IntoView {
    let TeamRow { id, name, members, groups, agents, mine } = team;
    view! {
        <tr data-testid="team-row">
            <td class="w-full">
                <div class="flex flex-wrap items-center gap-x-3 gap-y-1">
                    <a class="link font-medium wrap-anywhere" href=paths::team(&org, id)>{name}</a>
                    {mine.map(|role| view! { <Mine role /> })}
                </div>
                // Where there is no room for its columns.
                {can_see_sources.then(|| view! {
                    <p class="text-xs text-ink-3 md:hidden">{counted(groups, "group", "groups")} " · " {counted(agents, "agent", "agents")}</p>
                })}
            </td>
            {can_see_sources.then(|| view! {
                <td class="opt end text-ink-2">{thousands(groups)}</td>
                <td class="opt end text-ink-2">{thousands(agents)}</td>
            })}
            <td class="end">{thousands(members)}</td>
        </tr>
    }
}

/// What the viewer is in a team.
#[component]
fn Mine(role: TeamRole) -> impl IntoView {
    let (class, label) = match role {
        TeamRole::Lead => ("badge info", text::LEADS),
        TeamRole::Member => ("badge", text::IN_IT),
    };
    view! { <span class=class>{label}</span> }
}

#[component]
fn CreateForm(org: OrgSlug, create: ServerAction<CreateTeam>) -> impl IntoView {
    let error = calls::failure(create);
    view! {
        <div class="body border-t border-line">
            <FormError error fields=&["name"] />
            <ActionForm action=create attr:class="flex flex-wrap items-start gap-4" attr:data-testid="create-team-form">
                <input type="hidden" name="org" value=org.to_string() />
                <div class="w-full md:w-72">
                    <Field label=text::NAME name="name" autocomplete="off" maxlength=60 placeholder=text::PLACEHOLDER error />
                </div>
                <div class="md:pt-6">
                    <Submit label=text::CREATE class="btn primary tall" testid="create-team" pending=leaving(create) />
                </div>
            </ActionForm>
        </div>
    }
}
