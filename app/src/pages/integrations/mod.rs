//! Settings → Integrations: what the directory's groups give. Each change is looked at first, on a page of its own.

mod map_form;
mod preview;
mod row;
mod state;

pub use map_form::HEADING as MAP_FORM;
pub use preview::Preview;
pub use state::MappingBadge;

use domain::{MappingId, OrgSlug, mapping::MappingAction, view::IntegrationsView};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::{
    calls,
    components::{CardSkeleton, EmptyState, OrgOfPage, PageHeader, Problem, counted},
    paths, server_fns,
};
use map_form::{MapForm, Proposal};
use row::Row;

mod text {
    pub const TITLE: &str = "Integrations";
    pub const LEAD: &str = "Let groups of your identity provider decide roles and teams. Whoever joins a group has what it gives with their next request; whoever leaves it has lost it.";
    pub const DENIED: &str = "What groups give is open to auditors, administrators and owners. Ask an owner for the role if you need it.";
    pub const CARD: &str = "Group mappings";
    pub const GROUP: &str = "Group";
    pub const GIVES: &str = "Gives";
    pub const PEOPLE: &str = "People";
    pub const STATE: &str = "State";
    pub const NONE: &str = "No group is mapped yet";
    pub const NONE_TEXT: &str = "Everybody whom the directory brings is a plain member, and loses access by leaving. Map a group where it should decide more than that.";
    pub const NO_GROUPS: &str = "No group has been pushed yet";
    pub const NO_GROUPS_TEXT: &str = "Everybody whom the directory brings is a plain member. Once your identity provider pushes groups, they can decide roles and teams; a mapping can be made before its group is there.";
    pub const OFF: &str = "SCIM is off, so that no groups arrive";
    pub const OFF_TEXT: &str = "Once it is on and your identity provider pushes groups, you decide here what they give. People come and go without any mapping, too.";
    pub const OFF_NOTE: &str = "SCIM is off: groups stay as they are, and so does what they give.";
    pub const TO_SECURITY: &str = "Security settings";
}

/// The id of the card's heading.
const HEADING: &str = "mappings-title";

/// `/o/{org}/settings/integrations?done=&mapping=`, and what is proposed to be mapped
#[component]
pub fn Integrations() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let query = use_query_map();
    let view = calls::load(move || org.get(), |org| async move { server_fns::integrations(OrgOfPage::required(org)?).await });
    // What was done, by whoever comes from the page that did it.
    let done = Memo::new(move |_| {
        let query = query.read();
        let action = query.get("done")?.parse::<MappingAction>().ok()?;
        Some((action, query.get("mapping").and_then(|id| id.parse::<MappingId>().ok())))
    });
    view! {
        <div role="status">
            <Transition>
                {move || view.get().and_then(Result::ok).zip(done.get()).map(|(view, (action, mapping))| view! {
                    <p class="note good mb-4" data-testid="done">{said(&view, action, mapping)}</p>
                })}
            </Transition>
        </div>
        <Transition fallback=|| view! { <PageHeader title=text::TITLE lead=text::LEAD /> <CardSkeleton /> }>
            {move || view.get().map(|view| match (view, org.get()) {
                (Ok(view), Some(org)) => view! {
                    <PageHeader title=text::TITLE lead=text::LEAD />
                    {(!view.scim_on && !view.mappings.is_empty()).then(|| view! {
                        <p class="note warn mb-4">{text::OFF_NOTE} " " <a class="link" href=paths::security(&org)>{text::TO_SECURITY}</a></p>
                    })}
                    <List view=view.clone() org=org.clone() />
                    {view.can_manage.then(|| view! { <MapForm proposal=Proposal::of(&query.read_untracked()) view org /> })}
                }
                .into_any(),
                (Err(error), _) => view! { <Problem error denied=text::DENIED /> }.into_any(),
                (Ok(_), None) => ().into_any(),
            })}
        </Transition>
    }
}

/// What was done, as a sentence.
fn said(view: &IntegrationsView, action: MappingAction, mapping: Option<MappingId>) -> String {
    let named = view.mappings.iter().find(|row| Some(row.id) == mapping);
    let what = named.map_or_else(|| "The mapping".to_owned(), |row| format!("The mapping of “{}” to {}", row.group_name, row.gives));
    match action {
        MappingAction::Create => "The mapping is made. Below you see where it stands.".to_owned(),
        MappingAction::Pause => format!("{what} is paused: it gives nothing until it is resumed."),
        MappingAction::Resume => format!("{what} is resumed: it gives again what it gave."),
        MappingAction::Confirm => format!("{what} is confirmed: it gives from now on."),
        MappingAction::Delete => "The mapping is deleted. What it gave, nobody has by it any more.".to_owned(),
    }
}

#[component]
fn List(view: IntegrationsView, org: OrgSlug) -> impl IntoView {
    let IntegrationsView { now, mappings, groups, scim_on, can_manage, .. } = view;
    let sub = counted(mappings.len() as u64, "mapping", "mappings");
    let any = !mappings.is_empty();
    let list = if any {
        let org = org.clone();
        view! {
            <table class="rows top stack">
                <thead>
                    <tr>
                        <th scope="col">{text::GROUP}</th>
                        <th scope="col">{text::GIVES}</th>
                        <th scope="col" class="opt end">{text::PEOPLE}</th>
                        <th scope="col">{text::STATE}</th>
                        {can_manage.then(|| view! { <th scope="col"><span class="sr-only">"What you can do"</span></th> })}
                    </tr>
                </thead>
                <tbody>{mappings.into_iter().map(|mapping| view! { <Row mapping now org=org.clone() can_manage /> }).collect_view()}</tbody>
            </table>
        }
        .into_any()
    } else if !scim_on {
        view! {
            <EmptyState title=text::OFF text=text::OFF_TEXT>
                <a class="btn" href=paths::security(&org)>{text::TO_SECURITY}</a>
            </EmptyState>
        }
        .into_any()
    } else if groups.is_empty() {
        view! { <EmptyState title=text::NO_GROUPS text=text::NO_GROUPS_TEXT /> }.into_any()
    } else {
        view! { <EmptyState title=text::NONE text=text::NONE_TEXT /> }.into_any()
    };
    view! {
        <section class="card" aria-labelledby=HEADING>
            <div class="head">
                <h2 id=HEADING>{text::CARD}</h2>
                {any.then(|| view! { <p class="sub ml-auto">{sub}</p> })}
            </div>
            <div>{list}</div>
        </section>
    }
}
