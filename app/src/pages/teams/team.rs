//! A team: who sits in it and through what, which agents it may use, and what it is called.

use domain::{
    AgentId, MappingId, OrgSlug, TeamId, TeamRole,
    view::{TeamPage, Viewer},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::{
    super::leaving,
    Mine,
    seats::{ByGroups, ByHand},
};
use crate::{
    browser, calls,
    components::{CardSkeleton, Confirm, Day, Field, FormError, OrgOfPage, PageHeader, Problem, Submit, ViewerOfPage, counted},
    error::AppError,
    paths,
    server_fns::{self, DeleteTeam, GiveSeat, RemoveSeat, RenameTeam},
};

mod text {
    pub const BACK: &str = "Teams";
    pub const AGENTS: &str = "Agents";
    pub const AGENTS_LEAD: &str = "Everybody in the team can use these.";
    pub const NO_AGENTS: &str = "No agent is granted to this team.";
    pub const NO_AGENTS_MEMBER: &str = "No agent that you can use is granted to this team.";
    pub const TO_AGENTS: &str = "All agents";
    pub const GIVEN: &str = "The seat is given.";
    pub const REMOVED: &str = "The seat is taken away.";
    pub const RENAMED: &str = "The team has its new name.";
    pub const SETTINGS: &str = "The team itself";
    pub const NAME: &str = "Name";
    pub const RENAME: &str = "Rename";
    pub const DELETE: &str = "Delete team";
    pub const DELETE_LEAD: &str = "Nobody loses access to the organisation, only what the team gives.";
}

/// The id of the last card's heading.
const SETTINGS: &str = "settings-title";

/// `/o/{org}/teams/{team}?page=&find=`
#[component]
pub fn Team() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let (params, query) = (use_params_map(), use_query_map());
    let id = Memo::new(move |_| params.read().get("team").and_then(|id| id.parse::<TeamId>().ok()));
    let page = Memo::new(move |_| query.read().get("page").and_then(|page| page.parse().ok()).filter(|page| *page > 0).unwrap_or(1));
    let find = Memo::new(move |_| query.read().get("find"));
    let team = calls::load(
        move || (org.get(), id.get(), page.get(), find.get()),
        |(org, id, page, find)| async move {
            let id = id.ok_or_else(|| AppError::NotFound("team".to_owned()))?;
            server_fns::team(OrgOfPage::required(org)?, id, Some(page), find).await
        },
    );
    let seats = Seats { give: calls::action::<GiveSeat>(), remove: calls::action::<RemoveSeat>() };
    let rename = calls::action::<RenameTeam>();
    let delete = calls::action::<DeleteTeam>();
    let (said, say) = signal("");
    let tell = move |sentence: &'static str, place: &'static str| {
        move || {
            say.set(sentence);
            browser::focus(place);
        }
    };
    calls::refresh(seats.give, team, tell(text::GIVEN, super::seats::BY_HAND));
    calls::refresh(seats.remove, team, tell(text::REMOVED, super::seats::BY_HAND));
    calls::refresh(rename, team, tell(text::RENAMED, SETTINGS));
    view! {
        <FormError error=calls::failure(seats.give) />
        <FormError error=calls::failure(seats.remove) />
        <FormError error=calls::failure(delete) />
        <div role="status">{move || (!said.get().is_empty()).then(|| view! { <p class="note good mb-4">{said.get()}</p> })}</div>
        <Transition fallback=|| view! { <PageHeader title=text::BACK lead="" /> <CardSkeleton /> }>
            {move || team.get().map(|team| match (team, org.get()) {
                (Ok(team), Some(org)) => view! { <Shown team org viewer=ViewerOfPage::get() seats rename delete /> }.into_any(),
                (Err(error), _) => view! { <Problem error /> }.into_any(),
                (Ok(_), None) => ().into_any(),
            })}
        </Transition>
    }
}

/// What gives seats and takes them.
#[derive(Clone, Copy)]
pub struct Seats {
    /// Gives one, or changes its role.
    pub give: ServerAction<GiveSeat>,
    /// Takes one.
    pub remove: ServerAction<RemoveSeat>,
}

#[component]
fn Shown(
    team: TeamPage,
    org: OrgSlug,
    viewer: Option<Viewer>,
    seats: Seats,
    rename: ServerAction<RenameTeam>,
    delete: ServerAction<DeleteTeam>,
) -> impl IntoView {
    let (name, mine, created_at, created_by) = (team.name.clone(), team.mine, team.created_at, team.created_by.clone());
    view! {
        <Title text=name.clone() />
        <header class="mb-6">
            <p class="mb-1 text-sm"><a class="link" href=paths::teams(&org)>{text::BACK}</a></p>
            <div class="flex flex-wrap items-center gap-x-3 gap-y-1">
                <h1 class="text-xl font-semibold tracking-tight wrap-anywhere">{name}</h1>
                {mine.map(|role| view! { <Mine role /> })}
            </div>
            <p class="mt-1 text-ink-2">"created " <Day at=created_at /> " by " {created_by}</p>
        </header>
        <ByHand team=team.clone() org=org.clone() viewer=viewer.clone() seats />
        <ByGroups team=team.clone() org=org.clone() viewer />
        <Agents agents=team.agents.clone() all=team.can_see_sources org=org.clone() />
        {team.can_manage.then(|| view! { <Settings team org rename delete /> })}
    }
}

#[component]
fn Agents(agents: Vec<(AgentId, String)>, all: bool, org: OrgSlug) -> impl IntoView {
    const HEADING: &str = "agents-title";
    let to_agents = paths::agents(&org);
    view! {
        <section class="card mt-4" aria-labelledby=HEADING>
            <div class="head">
                <div>
                    <h2 id=HEADING>{text::AGENTS}</h2>
                    {(!agents.is_empty()).then(|| view! { <p class="sub">{text::AGENTS_LEAD}</p> })}
                </div>
                {all.then(|| view! { <p class="sub md:ml-auto"><a class="link" href=to_agents>{text::TO_AGENTS}</a></p> })}
            </div>
            <div class="body">
                {if agents.is_empty() {
                    view! { <p class="text-ink-2">{if all { text::NO_AGENTS } else { text::NO_AGENTS_MEMBER }}</p> }.into_any()
                } else {
                    view! {
                        <ul class="grid gap-2">
                            {agents.into_iter().map(|(id, name)| view! {
                                <li data-testid="team-agent"><a class="link font-medium wrap-anywhere" href=paths::agent(&org, id)>{name}</a></li>
                            }).collect_view()}
                        </ul>
                    }
                    .into_any()
                }}
            </div>
        </section>
    }
}

#[component]
fn Settings(team: TeamPage, org: OrgSlug, rename: ServerAction<RenameTeam>, delete: ServerAction<DeleteTeam>) -> impl IntoView {
    let consequence = consequence(&team);
    let TeamPage { id, name, .. } = team;
    let error = calls::failure(rename);
    let question = format!("Delete “{name}”?");
    let deleting = leaving(delete);
    let (org, its_org) = (org.to_string(), org.to_string());
    view! {
        <section class="card mt-4" aria-labelledby=SETTINGS>
            <div class="head"><h2 id=SETTINGS tabindex="-1">{text::SETTINGS}</h2></div>
            <div class="body">
                <FormError error fields=&["name"] />
                <ActionForm action=rename attr:class="flex flex-wrap items-start gap-4" attr:data-testid="rename-team-form">
                    <input type="hidden" name="org" value=org />
                    <input type="hidden" name="team" value=id.to_string() />
                    <div class="w-full md:w-72">
                        <Field label=text::NAME name="name" autocomplete="off" maxlength=60 value=name error />
                    </div>
                    <div class="md:pt-6">
                        <Submit label=text::RENAME class="btn tall" testid="rename-team" pending=rename.pending() />
                    </div>
                </ActionForm>
            </div>
            <div class="body flex flex-wrap items-center justify-between gap-3 border-t border-line">
                <p class="max-w-[56ch] text-ink-2">{text::DELETE_LEAD}</p>
                <Confirm id="delete-team".to_owned() label=text::DELETE class="btn danger" testid="delete-team" question consequence pending=deleting>
                    <ActionForm action=delete clone:its_org>
                        <input type="hidden" name="org" value=its_org />
                        <input type="hidden" name="team" value=id.to_string() />
                        <Submit label=text::DELETE class="btn danger" testid="delete-team-yes" pending=deleting />
                    </ActionForm>
                </Confirm>
            </div>
        </section>
    }
}

/// What goes with a team.
fn consequence(team: &TeamPage) -> String {
    let ends = [
        (team.by_hand_total, "seat given by hand", "seats given by hand"),
        (team.mappings_total, "mapping of a group", "mappings of groups"),
    ];
    let ends: Vec<_> = ends.iter().filter(|(number, ..)| *number > 0).map(|(number, one, many)| counted(*number, one, many)).collect();
    let mut sentences = vec![];
    if !ends.is_empty() {
        let one = ends.len() == 1 && team.by_hand_total + team.mappings_total == 1;
        sentences.push(format!("{} {} with it.", ends.join(" and "), if one { "goes" } else { "go" }));
    }
    match team.agents.len() as u64 {
        0 => {}
        1 => sentences.push("1 agent is no longer granted to its people.".to_owned()),
        many => sentences.push(format!("{} are no longer granted to its people.", counted(many, "agent", "agents"))),
    }
    match team.agents_owned {
        0 => {}
        1 => sentences.push("1 agent that it answers for stays, without a team.".to_owned()),
        many => sentences.push(format!("{} that it answers for stay, without a team.", counted(many, "agent", "agents"))),
    }
    sentences.push(if sentences.is_empty() { "Nothing hangs off it." } else { "None of it comes back." }.to_owned());
    sentences.join(" ")
}

/// What a mapping gives in a team, in words.
pub fn gives((_, group, role): &(MappingId, String, TeamRole)) -> String {
    match role {
        TeamRole::Lead => format!("{group} makes leads"),
        TeamRole::Member => format!("{group} makes members"),
    }
}

#[cfg(test)]
mod tests {
    use domain::Timestamp;

    use super::*;

    const NIL: &str = "00000000-0000-0000-0000-000000000000";

    fn team(by_hand: u64, mappings: u64, agents: usize, owned: u64) -> TeamPage {
        TeamPage {
            now: Timestamp::from_micros(0),
            id: NIL.parse().unwrap(),
            name: "Platform".to_owned(),
            created_at: Timestamp::from_micros(0),
            created_by: "Ines".to_owned(),
            by_hand: vec![],
            by_hand_total: by_hand,
            by_groups: vec![],
            by_groups_total: 0,
            page: 1,
            page_size: 50,
            mappings: vec![],
            agents: vec![(NIL.parse().unwrap(), "Scout".to_owned()); agents],
            mappings_total: mappings,
            agents_owned: owned,
            can_see_sources: true,
            mine: None,
            can_manage_seats: true,
            can_manage: true,
            find: None,
            found: vec![],
        }
    }

    #[test]
    fn the_question_counts_what_goes_with_a_team() {
        for (team, says) in [
            (team(0, 0, 0, 0), "Nothing hangs off it."),
            (team(1, 0, 0, 0), "1 seat given by hand goes with it. None of it comes back."),
            (team(0, 2, 1, 0), "2 mappings of groups go with it. 1 agent is no longer granted to its people. None of it comes back."),
            (
                team(1_200, 1, 2, 1),
                "1,200 seats given by hand and 1 mapping of a group go with it. 2 agents are no longer granted to its people. 1 agent that it answers for stays, without a team. None of it comes back.",
            ),
        ] {
            assert_eq!(consequence(&team), says);
        }
    }
}
