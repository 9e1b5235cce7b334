//! What the last deprovision drill proved, the ones before it, and the button that runs another.

use domain::{
    OrgSlug, Timestamp,
    drill::DrillState,
    view::{DrillRow, DrillsView},
};
use leptos::prelude::*;

use crate::{
    calls,
    components::{Ago, EmptyState, FormError, OwnerPassword, Submit},
    pages::leaving,
    paths,
    server_fns::RunDrill,
};

mod text {
    pub const TITLE: &str = "Deprovision drill";
    pub const LEAD: &str =
        "Somebody who does not exist joins through SCIM, gets one of every credential, and leaves. Then each is tried at every node.";
    pub const EMPTY: &str = "No drill has been run yet";
    pub const EMPTY_TEXT: &str = "Run one to see that a leaver's access really ends with her next request, everywhere.";
    pub const EMPTY_READ_ONLY: &str = "Owners run them, here or from the server's command line.";
    pub const DRILL: &str = "Drill";
    pub const RESULT: &str = "Result";
    pub const WHEN: &str = "When";
    pub const BY: &str = "Run by";
    pub const RUN: &str = "Run a drill";
    pub const NODES: &str = "It tries ";
    pub const NO_NODES: &str = "No node is named: the operator does that in ROLLCALL_DRILL_NODES.";
    pub const NO_SCIM: &str = "A drill comes in by SCIM, which is off.";
}

/// The id of the card's heading.
pub const HEADING: &str = "drills-title";
/// Drills in the list; the rest is older than anybody asks for.
const SHOWN: usize = 10;

/// How a drill ended, at a glance.
#[component]
pub fn DrillBadge(
    /// That.
    state: DrillState,
) -> impl IntoView {
    let (class, label) = match state {
        DrillState::Running => ("badge dot info", "Under way"),
        DrillState::Passed => ("badge dot good", "Passed"),
        DrillState::Failed => ("badge dot bad", "Failed"),
        DrillState::Interrupted => ("badge dot warn", "Interrupted"),
    };
    view! { <span class=class data-testid="drill-state">{label}</span> }
}

/// The drills' card.
#[component]
pub fn DrillsCard(
    /// The drills.
    view: DrillsView,
    /// The organisation.
    org: OrgSlug,
    /// Runs another.
    run: ServerAction<RunDrill>,
) -> impl IntoView {
    let DrillsView { now, drills, nodes, scim_on, can_run } = view;
    let last = drills.first().map(|drill| drill.state);
    let list = if drills.is_empty() {
        view! { <EmptyState title=text::EMPTY text=if can_run { text::EMPTY_TEXT } else { text::EMPTY_READ_ONLY } /> }.into_any()
    } else {
        let org = org.clone();
        view! {
            <table class="rows">
                <thead>
                    <tr>
                        <th scope="col">{text::DRILL}</th>
                        <th scope="col">{text::RESULT}</th>
                        <th scope="col">{text::WHEN}</th>
                        <th scope="col" class="opt">{text::BY}</th>
                    </tr>
                </thead>
                <tbody>{drills.into_iter().take(SHOWN).map(|drill| view! { <Row drill now org=org.clone() /> }).collect_view()}</tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <section class="card mt-4" aria-labelledby=HEADING>
            <div class="head">
                <div class="min-w-0">
                    <h2 id=HEADING tabindex="-1">{text::TITLE}</h2>
                    <p class="sub max-w-[72ch]">{text::LEAD}</p>
                </div>
                {last.map(|state| view! { <div class="md:ml-auto"><DrillBadge state /></div> })}
            </div>
            <div>{list}</div>
            {can_run.then(|| view! { <RunForm org run nodes scim_on /> })}
        </section>
    }
}

#[component]
fn Row(drill: DrillRow, now: Timestamp, org: OrgSlug) -> impl IntoView {
    let DrillRow { id, number, state, started_at, started_by, .. } = drill;
    view! {
        <tr data-testid="drill-row" data-state=state.as_str()>
            <td class="whitespace-nowrap"><a class="link font-medium" href=paths::drill(&org, id)>"Drill " {number}</a></td>
            <td><DrillBadge state /></td>
            <td class="whitespace-nowrap"><Ago at=started_at now /></td>
            <td class="opt w-full wrap-anywhere text-ink-2">{started_by}</td>
        </tr>
    }
}

/// Runs a drill, with her password where it is asked for.
#[component]
fn RunForm(org: OrgSlug, run: ServerAction<RunDrill>, nodes: Vec<String>, scim_on: bool) -> impl IntoView {
    let obstacle = match (scim_on, nodes.is_empty()) {
        (false, _) => Some(text::NO_SCIM),
        (true, true) => Some(text::NO_NODES),
        (true, false) => None,
    };
    // Until its report is there, which is another page.
    let pending = leaving(run);
    view! {
        <div class="body border-t border-line">
            <FormError error=calls::failure(run) fields=&["password"] place=PLACE />
            <ActionForm action=run attr:class="grid gap-4" attr:data-testid="run-drill-form">
                <input type="hidden" name="org" value=org.to_string() />
                <div class="empty:hidden md:w-72"><OwnerPassword error=calls::failure(run) place=PLACE.to_owned() /></div>
                <div class="flex flex-wrap items-center gap-x-4 gap-y-2">
                    <Submit label=text::RUN class="btn primary tall" testid="run-drill" pending disabled=Signal::derive(move || obstacle.is_some()) />
                    <p class="min-w-0 text-sm text-ink-2 wrap-anywhere" data-testid="drill-nodes">
                        {obstacle.map_or_else(|| format!("{}{}", text::NODES, nodes.join(", ")), str::to_owned)}
                    </p>
                </div>
            </ActionForm>
        </div>
    }
}

/// What the ids of the form's fields have behind their names.
const PLACE: &str = "drill";
