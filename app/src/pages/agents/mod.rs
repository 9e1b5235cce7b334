//! The organisation's agents.

mod agent;

pub use agent::Agent;

use domain::{
    OrgSlug, TeamId,
    view::{AgentView, AgentsView},
};
use leptos::prelude::*;

use super::leaving;
use crate::{
    calls,
    components::{CardSkeleton, EmptyState, Field, FormError, OrgOfPage, PageHeader, Problem, Submit, TextArea},
    error::AppError,
    paths,
    server_fns::{self, CreateAgent},
};

mod text {
    pub const TITLE: &str = "Agents";
    pub const LEAD_ALL: &str =
        "The AI agents of this organisation, and who may use them. Whoever loses a seat or a role loses its agents with the next request.";
    pub const LEAD_MINE: &str = "The AI agents that you can use, by your teams and your role.";
    pub const AGENT: &str = "Agent";
    pub const OWNER_TEAM: &str = "Answered for by";
    pub const ACCESS: &str = "Who may use it";
    pub const THROUGH: &str = "You can use it by";
    pub const NOBODY: &str = "nobody yet";
    pub const NONE: &str = "no team";
    pub const YOURS: &str = "You can use it";
    pub const EMPTY: &str = "There is no agent yet";
    pub const EMPTY_MANAGE: &str = "Create one below, then say which teams and roles may use it.";
    pub const EMPTY_SEE: &str = "When an administrator creates agents, they appear here, with who may use them.";
    pub const EMPTY_MINE: &str = "There is no agent that you can use";
    pub const EMPTY_MINE_TEXT: &str =
        "Agents are granted to teams and roles. Ask an administrator, or a lead of the team whose agents you need.";
    pub const NEW: &str = "New agent";
    pub const CREATE: &str = "Create agent";
    pub const NAME: &str = "Name";
    pub const PLACEHOLDER: &str = "Ticket triage";
    pub const DESCRIPTION: &str = "What it does";
    pub const TEAM: &str = "Team that answers for it";
    pub const NO_TEAM: &str = "No team";
    pub const TEAM_HINT: &str = "It gets nothing by that: who may use the agent is said apart.";
}

/// `/o/{org}/agents`
#[component]
pub fn Agents() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let agents = calls::load(move || org.get(), |org| async move { server_fns::agents(OrgOfPage::required(org)?).await });
    let create = calls::action::<CreateAgent>();
    view! {
        <Transition fallback=|| view! { <PageHeader title=text::TITLE lead="" /> <CardSkeleton /> }>
            {move || agents.get().map(|agents| match (agents, org.get()) {
                (Ok(agents), Some(org)) => view! {
                    <PageHeader title=text::TITLE lead=if agents.all { text::LEAD_ALL } else { text::LEAD_MINE } />
                    <List agents org create />
                }
                .into_any(),
                (Err(error), _) => view! { <Problem error /> }.into_any(),
                (Ok(_), None) => ().into_any(),
            })}
        </Transition>
    }
}

#[component]
fn List(agents: AgentsView, org: OrgSlug, create: ServerAction<CreateAgent>) -> impl IntoView {
    let AgentsView { agents, all, can_manage, teams, .. } = agents;
    let list = if agents.is_empty() {
        let (title, sentence) = match (all, can_manage) {
            (false, _) => (text::EMPTY_MINE, text::EMPTY_MINE_TEXT),
            (true, false) => (text::EMPTY, text::EMPTY_SEE),
            (true, true) => (text::EMPTY, text::EMPTY_MANAGE),
        };
        view! { <EmptyState title text=sentence /> }.into_any()
    } else {
        let org = org.clone();
        view! {
            <table class="rows top">
                <thead>
                    <tr>
                        <th scope="col">{text::AGENT}</th>
                        <th scope="col" class="opt">{if all { text::ACCESS } else { text::THROUGH }}</th>
                        <th scope="col" class="opt">{text::OWNER_TEAM}</th>
                    </tr>
                </thead>
                <tbody>{agents.into_iter().map(|agent| view! { <Row agent org=org.clone() all /> }).collect_view()}</tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <section class="card" aria-label=text::TITLE>{list}</section>
        {can_manage.then(|| view! { <CreateForm org teams create /> })}
    }
}

#[component]
fn Row(agent: AgentView, org: OrgSlug, all: bool) -> impl IntoView {
    let yours = all && !agent.mine.is_empty();
    let access = if all { granted(&agent) } else { agent.mine.clone() };
    let access = if access.is_empty() { text::NOBODY.to_owned() } else { access.join(", ") };
    let label = if all { text::ACCESS } else { text::THROUGH };
    let AgentView { id, name, description, owner_team, .. } = agent;
    let narrow = format!("{label}: {access}");
    view! {
        <tr data-testid="agent-row">
            <td class="md:w-1/2">
                <div class="flex flex-wrap items-center gap-x-3 gap-y-1">
                    <a class="link font-medium wrap-anywhere" href=paths::agent(&org, id)>{name}</a>
                    {yours.then(|| view! { <span class="badge good">{text::YOURS}</span> })}
                </div>
                {(!description.is_empty()).then(|| view! { <p class="mt-0.5 line-clamp-2 text-ink-2 wrap-anywhere">{description}</p> })}
                // Where there is no room for its columns.
                <p class="mt-1 text-xs text-ink-3 wrap-anywhere md:hidden">{narrow}</p>
            </td>
            <td class="opt wrap-anywhere">{access}</td>
            <td class="opt wrap-anywhere text-ink-2">{owner_team.map_or_else(|| text::NONE.to_owned(), |(_, name)| name)}</td>
        </tr>
    }
}

/// Who may use an agent, in words: its teams by name, then its roles.
fn granted(agent: &AgentView) -> Vec<String> {
    let teams = agent.granted_teams.iter().map(|(_, name)| format!("team {name}"));
    let roles = agent.granted_roles.iter().map(|role| format!("role {role}"));
    teams.chain(roles).collect()
}

#[component]
fn CreateForm(org: OrgSlug, teams: Vec<(TeamId, String)>, create: ServerAction<CreateAgent>) -> impl IntoView {
    const HEADING: &str = "new-agent-title";
    let error = calls::failure(create);
    view! {
        <section class="card mt-4" aria-labelledby=HEADING>
            <div class="head"><h2 id=HEADING>{text::NEW}</h2></div>
            <div class="body">
                <FormError error fields=&["name", "description"] />
                <ActionForm action=create attr:class="grid max-w-[56ch] gap-4" attr:data-testid="create-agent-form">
                    <input type="hidden" name="org" value=org.to_string() />
                    <Described teams error />
                    <div><Submit label=text::CREATE class="btn primary tall" testid="create-agent" pending=leaving(create) /></div>
                </ActionForm>
            </div>
        </section>
    }
}

/// The fields that describe an agent.
#[component]
fn Described(
    /// The teams to choose from.
    teams: Vec<(TeamId, String)>,
    /// What they begin with.
    #[prop(optional)]
    name: String,
    #[prop(optional)] description: String,
    #[prop(default = None)] owner_team: Option<TeamId>,
    /// What went wrong with the form.
    error: Signal<Option<AppError>>,
) -> impl IntoView {
    view! {
        <Field label=text::NAME name="name" autocomplete="off" maxlength=60 placeholder=text::PLACEHOLDER value=name error />
        <TextArea label=text::DESCRIPTION name="description" maxlength=400 value=description error />
        <div class="field">
            <label for="field-owner_team">{text::TEAM}</label>
            <select class="input" id="field-owner_team" name="owner_team" aria-describedby="owner_team-hint">
                <option value="" selected=owner_team.is_none()>{text::NO_TEAM}</option>
                {teams.into_iter().map(|(id, name)| {
                    view! { <option value=id.to_string() selected=owner_team == Some(id)>{name}</option> }
                }).collect_view()}
            </select>
            <p class="hint" id="owner_team-hint">{text::TEAM_HINT}</p>
        </div>
    }
}
