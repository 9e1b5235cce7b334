//! An agent: what it does, and who may use it.

use std::collections::BTreeSet;

use domain::{
    AgentId, OrgRole, OrgSlug, TeamId,
    view::{AgentPage, AgentView},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use super::{super::leaving, Described, granted};
use crate::{
    browser, calls,
    components::{CardSkeleton, Confirm, Day, EmptyState, FormError, OrgOfPage, PageHeader, Problem, Submit, counted},
    error::AppError,
    paths,
    server_fns::{self, DeleteAgent, EditAgent, SetAgentAccess},
};

mod text {
    pub const BACK: &str = "Agents";
    pub const NO_DESCRIPTION: &str = "Nobody has said what it does.";
    pub const YOURS: &str = "You can use it";
    pub const NOT_YOURS: &str = "You cannot use it yourself";
    pub const NOT_YOURS_TEXT: &str = "Neither a team of yours nor your role is among those below.";
    pub const ACCESS: &str = "Who may use it";
    pub const NOBODY: &str = "Nobody may use it yet";
    pub const NOBODY_TEXT: &str = "It is granted to no team and no role.";
    pub const TEAMS: &str = "Teams";
    pub const TEAMS_HINT: &str = "Everybody in the team, however they came to their seat.";
    pub const NO_TEAMS: &str = "There is no team yet.";
    pub const ROLES: &str = "Roles";
    pub const ROLES_HINT: &str = "Exactly these. Granted to members, it is not the administrators’ unless Admin is ticked, too.";
    pub const SAVE: &str = "Save who may use it";
    pub const ACCESS_SAVED: &str = "Who may use it is saved, and holds from the next request on.";
    pub const DETAILS: &str = "The agent itself";
    pub const SAVE_DETAILS: &str = "Save";
    pub const DETAILS_SAVED: &str = "What is said of it is saved.";
    pub const DELETE: &str = "Delete agent";
    pub const DELETE_LEAD: &str = "Deleting it takes it from everybody who can use it.";
    pub const DELETE_TEXT: &str = "Nobody can use it any more, and who could is forgotten. It does not come back.";
}

/// The ids of the cards' headings.
const ACCESS: &str = "access-title";
const DETAILS: &str = "details-title";

/// `/o/{org}/agents/{agent}`
#[component]
pub fn Agent() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let params = use_params_map();
    let id = Memo::new(move |_| params.read().get("agent").and_then(|id| id.parse::<AgentId>().ok()));
    let agent = calls::load(
        move || (org.get(), id.get()),
        |(org, id)| async move {
            let id = id.ok_or_else(|| AppError::NotFound("agent".to_owned()))?;
            server_fns::agent(OrgOfPage::required(org)?, id).await
        },
    );
    let actions =
        Actions { access: calls::action::<SetAgentAccess>(), edit: calls::action::<EditAgent>(), delete: calls::action::<DeleteAgent>() };
    let (said, say) = signal("");
    let tell = move |sentence: &'static str, place: &'static str| {
        move || {
            say.set(sentence);
            browser::focus(place);
        }
    };
    calls::refresh(actions.access, agent, tell(text::ACCESS_SAVED, ACCESS));
    calls::refresh(actions.edit, agent, tell(text::DETAILS_SAVED, DETAILS));
    view! {
        <FormError error=calls::failure(actions.delete) />
        <div role="status">{move || (!said.get().is_empty()).then(|| view! { <p class="note good mb-4">{said.get()}</p> })}</div>
        <Transition fallback=|| view! { <PageHeader title=text::BACK lead="" /> <CardSkeleton /> }>
            {move || agent.get().map(|agent| match (agent, org.get()) {
                (Ok(agent), Some(org)) => view! { <Shown agent org actions /> }.into_any(),
                (Err(error), _) => view! { <Problem error /> }.into_any(),
                (Ok(_), None) => ().into_any(),
            })}
        </Transition>
    }
}

/// What can be done with an agent.
#[derive(Clone, Copy)]
struct Actions {
    access: ServerAction<SetAgentAccess>,
    edit: ServerAction<EditAgent>,
    delete: ServerAction<DeleteAgent>,
}

#[component]
fn Shown(agent: AgentPage, org: OrgSlug, actions: Actions) -> impl IntoView {
    let AgentPage { agent, created_at, created_by, people, can_see_access, can_manage, teams, .. } = agent;
    let AgentView { name, description, owner_team, mine, .. } = agent.clone();
    let described = !description.is_empty();
    let back = paths::agents(&org);
    let owner = owner_team.map(|(id, name)| {
        view! { "answered for by " <a class="link wrap-anywhere" href=paths::team(&org, id)>{name}</a> " · " }
    });
    let usable = !mine.is_empty();
    view! {
        <Title text=name.clone() />
        <header class="mb-6">
            <p class="mb-1 text-sm"><a class="link" href=back>{text::BACK}</a></p>
            <h1 class="text-xl font-semibold tracking-tight wrap-anywhere">{name}</h1>
            <p class=if described { "mt-1 max-w-[72ch] whitespace-pre-line wrap-anywhere" } else { "mt-1 text-ink-2" } data-testid="agent-description">
                {if described { description } else { text::NO_DESCRIPTION.to_owned() }}
            </p>
            <p class="mt-1 text-sm text-ink-2">{owner} "created " <Day at=created_at /> " by " {created_by}</p>
            <p class="mt-3 flex flex-wrap items-center gap-x-2 gap-y-1 text-sm text-ink-2">
                {if usable {
                    let through = format!("by your {}", mine.join(", "));
                    view! {
                        <span class="badge dot good">{text::YOURS}</span>
                        <span class="wrap-anywhere" data-testid="usable">{through}</span>
                    }
                    .into_any()
                } else {
                    view! {
                        <span class="badge dot">{text::NOT_YOURS}</span>
                        <span data-testid="not-usable">{text::NOT_YOURS_TEXT}</span>
                    }
                    .into_any()
                }}
            </p>
        </header>
        {can_see_access.then(|| view! {
            <section class="card" aria-labelledby=ACCESS>
                <div class="head">
                    <h2 id=ACCESS tabindex="-1">{text::ACCESS}</h2>
                    <p class="sub md:ml-auto" data-testid="agent-people">{counted(people, "person", "people")} " at the moment"</p>
                </div>
                {if can_manage {
                    view! { <AccessForm agent=agent.clone() teams=teams.clone() org=org.clone() access=actions.access /> }.into_any()
                } else {
                    view! { <Access agent=agent.clone() org=org.clone() /> }.into_any()
                }}
            </section>
        })}
        {can_manage.then(|| view! { <Details agent teams org actions /> })}
    }
}

/// Who may use it, for those who may only look.
#[component]
fn Access(agent: AgentView, org: OrgSlug) -> impl IntoView {
    if granted(&agent).is_empty() {
        return view! { <div><EmptyState title=text::NOBODY text=text::NOBODY_TEXT /></div> }.into_any();
    }
    let AgentView { granted_teams, granted_roles, .. } = agent;
    let roles = granted_roles.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    view! {
        <div class="body">
            <dl class="facts">
                {(!granted_teams.is_empty()).then(|| view! {
                    <dt>{text::TEAMS}</dt>
                    <dd>
                        <ul class="flex flex-wrap gap-x-4 gap-y-1">
                            {granted_teams.into_iter().map(|(id, name)| view! {
                                <li><a class="link wrap-anywhere" href=paths::team(&org, id)>{name}</a></li>
                            }).collect_view()}
                        </ul>
                    </dd>
                })}
                {(!roles.is_empty()).then(|| view! { <dt>{text::ROLES}</dt> <dd>{roles}</dd> })}
            </dl>
        </div>
    }
    .into_any()
}

/// All that may use it, as boxes to tick: what is sent is the whole of it.
#[component]
fn AccessForm(agent: AgentView, teams: Vec<(TeamId, String)>, org: OrgSlug, access: ServerAction<SetAgentAccess>) -> impl IntoView {
    let error = calls::failure(access);
    let ticked: BTreeSet<_> = agent.granted_teams.iter().map(|(id, _)| *id).collect();
    let roles = agent.granted_roles.clone();
    let none = teams.is_empty();
    view! {
        <div class="body">
            <FormError error />
            <ActionForm action=access attr:class="grid gap-6" attr:data-testid="access-form">
                <input type="hidden" name="org" value=org.to_string() />
                <input type="hidden" name="agent" value=agent.id.to_string() />
                <fieldset aria-describedby="teams-hint">
                    <legend class="font-semibold">{text::TEAMS}</legend>
                    <p class="text-sm text-ink-2" id="teams-hint">{if none { text::NO_TEAMS } else { text::TEAMS_HINT }}</p>
                    <div class="mt-1 grid max-h-80 gap-x-4 overflow-y-auto sm:grid-cols-2 md:grid-cols-3">
                        {teams.into_iter().map(|(id, name)| view! {
                            <label class="check min-w-0">
                                <input type="checkbox" name="teams[]" value=id.to_string() checked=ticked.contains(&id) />
                                <span class="wrap-anywhere">{name}</span>
                            </label>
                        }).collect_view()}
                    </div>
                </fieldset>
                <fieldset aria-describedby="roles-hint">
                    <legend class="font-semibold">{text::ROLES}</legend>
                    <p class="text-sm text-ink-2" id="roles-hint">{text::ROLES_HINT}</p>
                    <div class="mt-1 flex flex-wrap gap-x-6">
                        {OrgRole::ALL.into_iter().map(|role| view! {
                            <label class="check">
                                <input type="checkbox" name="roles[]" value=role.as_str() checked=roles.contains(&role) />
                                {role.to_string()}
                            </label>
                        }).collect_view()}
                    </div>
                </fieldset>
                <div><Submit label=text::SAVE class="btn primary tall" testid="save-access" pending=access.pending() /></div>
            </ActionForm>
        </div>
    }
}

/// What is said of it, and the end of it.
#[component]
fn Details(agent: AgentView, teams: Vec<(TeamId, String)>, org: OrgSlug, actions: Actions) -> impl IntoView {
    let Actions { edit, delete, .. } = actions;
    let error = calls::failure(edit);
    let deleting = leaving(delete);
    let AgentView { id, name, description, owner_team, .. } = agent;
    let question = format!("Delete “{name}”?");
    let owner_team = owner_team.map(|(id, _)| id);
    let (org, its_org) = (org.to_string(), org.to_string());
    view! {
        <section class="card mt-4" aria-labelledby=DETAILS>
            <div class="head"><h2 id=DETAILS tabindex="-1">{text::DETAILS}</h2></div>
            <div class="body">
                <FormError error fields=&["name", "description"] />
                <ActionForm action=edit attr:class="grid max-w-[56ch] gap-4" attr:data-testid="edit-agent-form">
                    <input type="hidden" name="org" value=org />
                    <input type="hidden" name="agent" value=id.to_string() />
                    <Described teams name description owner_team error />
                    <div><Submit label=text::SAVE_DETAILS class="btn tall" testid="save-agent" pending=edit.pending() /></div>
                </ActionForm>
            </div>
            <div class="body flex flex-wrap items-center justify-between gap-3 border-t border-line">
                <p class="max-w-[56ch] text-ink-2">{text::DELETE_LEAD}</p>
                <Confirm id="delete-agent".to_owned() label=text::DELETE class="btn danger" testid="delete-agent"
                    question consequence=text::DELETE_TEXT pending=deleting>
                    <ActionForm action=delete clone:its_org>
                        <input type="hidden" name="org" value=its_org />
                        <input type="hidden" name="agent" value=id.to_string() />
                        <Submit label=text::DELETE class="btn danger" testid="delete-agent-yes" pending=deleting />
                    </ActionForm>
                </Confirm>
            </div>
        </section>
    }
}
