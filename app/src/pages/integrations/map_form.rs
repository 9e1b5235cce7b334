//! The form that asks what would change if a group were mapped. It only asks: it leads to the preview.

use domain::{
    MappableRole, OrgRole, OrgSlug, TeamRole,
    mapping::{MappingAction, MappingTarget},
    view::{GroupChoice, IntegrationsView},
};
use leptos::prelude::*;
use leptos_router::{components::Form, params::ParamsMap};

use crate::{browser, components::counted, paths};

mod text {
    pub const TITLE: &str = "Map a group";
    pub const LEAD: &str = "You see who would gain and lose what before anything changes.";
    pub const GROUP: &str = "Group";
    pub const CHOOSE_GROUP: &str = "Choose a group";
    pub const BY_NAME: &str = "One that is not there yet …";
    pub const NAME: &str = "Its exact name";
    pub const NAME_HINT: &str = "The first group that is pushed with exactly this name is it, once and for good. If that gives Auditor or Admin, an owner has to confirm first.";
    pub const ANY_NAME: &str = "Exact name of the group";
    pub const ANY_NAME_HINT: &str = "There are too many groups to choose from a list. One that is not there yet is waited for: the first that is pushed with exactly this name is it, once and for good. If that gives Auditor or Admin, an owner has to confirm first.";
    pub const GIVES: &str = "What it gives";
    pub const CHOOSE_TARGET: &str = "Choose a role or a team";
    pub const ORGANISATION: &str = "Role in the organisation";
    pub const OWNER: &str = "No group makes owners: only an owner can, person by person.";
    pub const ADMINS: &str = " Only owners map groups to Admin.";
    pub const PREVIEW: &str = "Preview";
}

/// The id of the card's heading.
pub const HEADING: &str = "map-title";
/// What stands for a group that is called by its name.
const BY_NAME: &str = "name";

/// What the form begins with: what the page's address proposes.
pub struct Proposal {
    group: String,
    group_name: String,
    target: String,
}

impl Proposal {
    /// What an address proposes.
    pub fn of(query: &ParamsMap) -> Self {
        let of = |name: &str| query.get(name).unwrap_or_default();
        Self { group: of("group"), group_name: of("group_name"), target: of("target") }
    }
}

/// The form.
#[component]
pub fn MapForm(
    /// What to choose from.
    view: IntegrationsView,
    /// The organisation.
    org: OrgSlug,
    /// What to begin with.
    proposal: Proposal,
) -> impl IntoView {
    let IntegrationsView { groups, more_groups, teams, roles, .. } = view;
    let Proposal { group, group_name, target } = proposal;
    let proposed = [&group, &group_name, &target].into_iter().any(|given| !given.is_empty());
    // Whoever comes with a proposal comes for this form.
    Effect::new(move |_| {
        if proposed {
            browser::focus(HEADING);
        }
    });
    let listed = !more_groups && !groups.is_empty();
    let chosen = listed && groups.iter().any(|choice| choice.id.to_string() == group);
    // Where groups are not listed, the name of the one that was come for is what is typed.
    let named = groups.iter().find(|choice| choice.id.to_string() == group).map(|choice| choice.name.clone());
    let group_name = match chosen {
        true => String::new(),
        false if group_name.is_empty() => named.unwrap_or_default(),
        false => group_name,
    };
    let by_name = !chosen && (group == BY_NAME || !group_name.is_empty());
    let (label, hint) = if listed { (text::NAME, text::NAME_HINT) } else { (text::ANY_NAME, text::ANY_NAME_HINT) };
    let hint = if groups.is_empty() { text::NAME_HINT } else { hint };
    let option = move |value: String, label: String| {
        let selected = value == target;
        view! { <option value=value selected=selected>{label}</option> }
    };
    let makes_admins = roles.contains(&OrgRole::Admin);
    let in_org: Vec<_> = roles
        .into_iter()
        .filter_map(mappable)
        .map(|role| {
            let target = MappingTarget::Org(role);
            option(target.to_string(), target.in_words(None))
        })
        .collect();
    let in_teams: Vec<_> = teams
        .into_iter()
        .map(|(team, name)| {
            let options: Vec<_> = TeamRole::ALL
                .into_iter()
                .map(|role| {
                    let target = MappingTarget::Team(team, role);
                    option(target.to_string(), target.in_words(Some(&name)))
                })
                .collect();
            view! { <optgroup label=format!("Team {name}")>{options}</optgroup> }
        })
        .collect();
    view! {
        <section class="card mt-4" aria-labelledby=HEADING>
            <div class="head">
                <div>
                    <h2 id=HEADING tabindex="-1">{text::TITLE}</h2>
                    <p class="sub">{text::LEAD}</p>
                </div>
            </div>
            <div class="body">
                <Form method="GET" action=paths::integrations_preview(&org) attr:class="choosing grid items-start gap-4 md:grid-cols-[1fr_1fr_auto]" attr:data-testid="map-form">
                    <input type="hidden" name="action" value=MappingAction::Create.as_str() />
                    <div class="grid gap-4">
                        {listed.then(|| view! {
                            <div class="field">
                                <label for="field-group">{text::GROUP}</label>
                                <select class="input" id="field-group" name="group" required=true>
                                    <option value="">{text::CHOOSE_GROUP}</option>
                                    {groups.into_iter().map(|GroupChoice { id, name, members }| {
                                        let selected = id.to_string() == group;
                                        view! { <option value=id.to_string() selected=selected>{name} " · " {counted(members, "person", "people")}</option> }
                                    }).collect_view()}
                                    <option value=BY_NAME selected=by_name>{text::BY_NAME}</option>
                                </select>
                            </div>
                        })}
                        <div class=if listed { "field by-name" } else { "field" }>
                            <label for="field-group_name">{label}</label>
                            <input class="input" id="field-group_name" name="group_name" type="text" autocomplete="off" spellcheck="false" maxlength="256"
                                value=group_name required=!listed aria-describedby="group_name-hint" />
                            <p class="hint" id="group_name-hint">{hint}</p>
                        </div>
                    </div>
                    <div class="field">
                        <label for="field-target">{text::GIVES}</label>
                        <select class="input" id="field-target" name="target" required=true aria-describedby="target-hint">
                            <option value="">{text::CHOOSE_TARGET}</option>
                            <optgroup label=text::ORGANISATION>{in_org}</optgroup>
                            {in_teams}
                        </select>
                        <p class="hint" id="target-hint">{text::OWNER} {(!makes_admins).then_some(text::ADMINS)}</p>
                    </div>
                    <div class="md:pt-6">
                        <button type="submit" class="btn primary tall max-md:w-full">{text::PREVIEW}</button>
                    </div>
                </Form>
            </div>
        </section>
    }
}

fn mappable(role: OrgRole) -> Option<MappableRole> {
    role.as_str().parse().ok()
}
