//! What somebody has, and where each of it comes from.

use domain::{
    MemberId, OrgRole, OrgSlug, Timestamp,
    view::{AccessState, AgentReach, PersonActions, RoleReason, SeatReason, Source},
};
use leptos::prelude::*;

use super::{deed::Deed, deeds::Deeds};
use crate::{
    components::{Ago, EmptyState},
    paths,
};

mod text {
    pub const TITLE: &str = "Why she has this";
    pub const MINE: &str = "Why you have this";
    pub const ACCESS: &str = "Access";
    pub const FROM: &str = "From";
    pub const SINCE: &str = "Since";
    pub const EVERYBODY: &str = "everybody has it";
    pub const WEAKER: &str = "behind a stronger one";
    pub const REQUEST: &str = "request";
    pub const AGENT: &str = "Agent ";
    pub const NOTHING: &str = "She has no access";
    pub const NOTHING_TEXT: &str = "When it begins again, it is with the base role and what her groups give then.";
    pub const GRANT: &str = "Grant by hand";
    pub const REVOKE: &str = "Take away";
    pub const REVOKE_TEXT: &str = "She loses what the role allows with her next request, unless a group gives it, too.";
    pub const REVOKE_OWNER: &str = "All owners are told by mail. The last active owner cannot be taken away.";
    pub const GRANT_AUDITOR: &str = "She can read settings, groups, everybody's page and the audit log, and change none of it.";
    pub const GRANT_ADMIN: &str = "She can manage members, teams, agents and mappings below her own role.";
    pub const GRANT_OWNER: &str = "She can do everything, security settings and other owners among it. All owners are told by mail.";
}

/// The card.
#[component]
pub fn ReasonsCard(
    /// The organisation.
    org: OrgSlug,
    /// Whose it is.
    member: MemberId,
    /// Her role, from every source.
    roles: Vec<RoleReason>,
    /// Her teams.
    teams: Vec<SeatReason>,
    /// The agents that she can use.
    agents: Vec<AgentReach>,
    /// When this was read.
    now: Timestamp,
    /// What the viewer may do.
    may: PersonActions,
    /// Whether she can act.
    access: AccessState,
    /// Whether the viewer may open the pages of groups.
    link_to_groups: bool,
    /// Whether they are the viewer's own.
    it_is_me: bool,
    /// What does it.
    deeds: Deeds,
) -> impl IntoView {
    let none = matches!(access, AccessState::Inactive { .. });
    let fields = {
        let org = org.clone();
        move |role: OrgRole| vec![("org", org.to_string()), ("member", member.to_string()), ("role", role.as_str().to_owned())]
    };
    let grants = may.grant.clone();
    let grant = (!grants.is_empty()).then(|| {
        let fields = fields.clone();
        view! {
            <div class="flex flex-wrap items-center gap-2 border-t border-line px-4 py-3 md:px-6">
                <span class="mr-auto w-full text-sm text-ink-2 md:w-auto">{text::GRANT}</span>
                {grants.into_iter().map(|role| {
                    let (label, consequence) = said(role);
                    view! {
                        <Deed id=format!("grant-{}", role.as_str()) label testid="grant-role" question=format!("Make her {}?", a(role)) consequence
                            yes=label action=deeds.grant fields=fields(role) owner_only={role == OrgRole::Owner} />
                    }
                }).collect_view()}
            </div>
        }
    });
    let rows = view! {
        {roles.into_iter().map(|RoleReason { role, source, in_force }| {
            let by_hand = matches!(source, Source::Granted { .. });
            let revoke = (by_hand && may.revoke.contains(&role)).then(|| view! {
                <Deed id=format!("revoke-{}", role.as_str()) label=text::REVOKE small=true danger=true testid="revoke-role"
                    question=format!("Take {role} away?") consequence=if role == OrgRole::Owner { text::REVOKE_OWNER } else { text::REVOKE_TEXT }
                    yes="Take it away" action=deeds.revoke fields=fields(role) owner_only={role == OrgRole::Owner} />
            });
            view! {
                <tr data-testid="role-reason" data-role=role.as_str()>
                    <td>
                        <p class=if in_force { "font-medium" } else { "text-ink-2" }>{role.to_string()}</p>
                        {(!in_force).then(|| view! { <p class="text-xs text-ink-3">{text::WEAKER}</p> })}
                    </td>
                    <From source now org=org.clone() link=link_to_groups>{revoke}</From>
                </tr>
            }
        }).collect_view()}
        {teams.into_iter().flat_map(|SeatReason { team, name, role, sources }| {
            let org = org.clone();
            sources.into_iter().map(move |(given, source)| {
                let team = view! { <a class="link" href=paths::team(&org, team)>{name.clone()}</a> };
                view! {
                    <tr data-testid="seat-reason">
                        <td>
                            <p class=if given == role { "wrap-anywhere" } else { "text-ink-2 wrap-anywhere" }>
                                <span class=if given == role { "font-medium" } else { "" }>{given.to_string()}</span> " of " {team}
                            </p>
                            {(given != role).then(|| view! { <p class="text-xs text-ink-3">{text::WEAKER}</p> })}
                        </td>
                        <From source now org=org.clone() link=link_to_groups><span></span></From>
                    </tr>
                }
            }).collect::<Vec<_>>()
        }).collect_view()}
        {agents.into_iter().map(|AgentReach { id, name, through, .. }| view! {
            <tr data-testid="agent-reach">
                <td><p class="wrap-anywhere">{text::AGENT} <a class="link font-medium" href=paths::agent(&org, id)>{name}</a></p></td>
                <td>
                    <p class="wrap-anywhere">{through.join(", ")}</p>
                </td>
                <td class="opt"></td>
            </tr>
        }).collect_view()}
    };
    view! {
        <section class="card" aria-labelledby="reasons-title">
            <div class="head"><h2 id="reasons-title">{if it_is_me { text::MINE } else { text::TITLE }}</h2></div>
            <div>
                {if none {
                    view! { <EmptyState title=text::NOTHING text=text::NOTHING_TEXT /> }.into_any()
                } else {
                    view! {
                        <table class="rows top">
                            <thead>
                                <tr>
                                    <th scope="col">{text::ACCESS}</th>
                                    <th scope="col">{text::FROM}</th>
                                    <th scope="col" class="opt">{text::SINCE}</th>
                                </tr>
                            </thead>
                            <tbody>{rows}</tbody>
                        </table>
                    }
                    .into_any()
                }}
                {grant}
            </div>
        </section>
    }
}

/// The cells that say where something comes from and since when.
#[component]
fn From(source: Source, now: Timestamp, org: OrgSlug, link: bool, children: Children) -> impl IntoView {
    let (from, since, request_id) = match source {
        Source::Base => (view! { <p class="text-ink-2">{text::EVERYBODY}</p> }.into_any(), None, None),
        Source::Granted { by, at, request_id } => {
            (view! { <p class="wrap-anywhere">"by hand, " {by}</p> }.into_any(), Some(at), request_id)
        }
        Source::Mapped { group, group_name, since, by, request_id, .. } => {
            let name = match link {
                true => view! { <a class="link" href=paths::group(&org, group)>{group_name}</a> }.into_any(),
                false => group_name.into_any(),
            };
            let from = view! {
                <p class="wrap-anywhere">"group " {name}</p>
                {by.map(|by| view! { <p class="text-xs text-ink-3 wrap-anywhere">"by " {by}</p> })}
            };
            (from.into_any(), Some(since), request_id)
        }
    };
    view! {
        <td>
            <div class="flex flex-wrap items-start justify-between gap-x-3 gap-y-1">
                <div class="min-w-0">
                    {from}
                    // Where there is no room for its column.
                    {since.map(|at| view! { <p class="text-xs text-ink-3 md:hidden"><Ago at now /></p> })}
                    {request_id.map(|id| view! { <Request id /> })}
                </div>
                {children()}
            </div>
        </td>
        <td class="opt whitespace-nowrap text-ink-2">{since.map(|at| view! { <Ago at now /> })}</td>
    }
}

/// A request's id: all of it is there to be read out and copied with one press; shown are eight characters and "…".
#[component]
pub fn Request(
    /// The id.
    id: String,
) -> impl IntoView {
    view! {
        <p class="flex gap-1 text-xs text-ink-3">
            {text::REQUEST}
            <span class="inline-block w-[9.5ch] truncate font-mono select-all" title=id.clone()>{id.clone()}</span>
        </p>
    }
}

fn said(role: OrgRole) -> (&'static str, &'static str) {
    match role {
        OrgRole::Owner => ("Make owner", text::GRANT_OWNER),
        OrgRole::Admin => ("Make admin", text::GRANT_ADMIN),
        OrgRole::Auditor | OrgRole::Member => ("Make auditor", text::GRANT_AUDITOR),
    }
}

fn a(role: OrgRole) -> String {
    let article = if role == OrgRole::Member { "a" } else { "an" };
    format!("{article} {}", role.as_str())
}
