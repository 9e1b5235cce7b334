//! What the list is searched and filtered by. A plain form: it asks for another address, with or without a script.

use domain::{
    OrgRole, OrgSlug,
    view::{ManagedBy, MemberFilter, MemberStatus},
};
use leptos::{ev, html, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate, params::ParamsMap};

use super::access::managed;
use crate::paths;

mod text {
    pub const LABEL: &str = "Search and filter";
    pub const SEARCH: &str = "Search";
    pub const PLACEHOLDER: &str = "Name or e-mail";
    pub const ROLE: &str = "Role";
    pub const SOURCE: &str = "Managed by";
    pub const STATUS: &str = "Status";
    pub const ANY_ROLE: &str = "Any role";
    pub const ANY_SOURCE: &str = "Any source";
    pub const NOT_LEFT: &str = "Not left";
    pub const ACTIVE: &str = "Active";
    pub const PENDING: &str = "Activation pending";
    pub const BLOCKED: &str = "Blocked";
    pub const LEFT: &str = "Left";
    pub const ANY: &str = "Any status";
    pub const APPLY: &str = "Apply";
}

/// The filter in a page's address.
pub fn filter_of(query: &ParamsMap) -> MemberFilter {
    let text = |name| query.get(name).filter(|text| !text.trim().is_empty());
    MemberFilter {
        search: text("search"),
        role: text("role").and_then(|role| role.parse().ok()),
        source: text("source").and_then(|source| source.parse().ok()),
        status: text("status").and_then(|status| status.parse().ok()),
    }
}

/// Where page `page` of the list through this filter is.
pub fn address(org: &OrgSlug, filter: &MemberFilter, page: u64) -> String {
    let page = page.to_string();
    let pairs = [
        ("search", filter.search.as_deref().map(str::trim)),
        ("role", filter.role.map(OrgRole::as_str)),
        ("source", filter.source.map(ManagedBy::as_str)),
        ("status", filter.status.map(MemberStatus::as_str)),
        ("page", (page != "1").then_some(page.as_str())),
    ];
    format!("{}{}", paths::members(org), paths::query(&pairs.map(|(name, value)| (name, value.unwrap_or_default()))))
}

fn said(status: MemberStatus) -> &'static str {
    match status {
        MemberStatus::Active => text::ACTIVE,
        MemberStatus::Pending => text::PENDING,
        MemberStatus::Blocked => text::BLOCKED,
        MemberStatus::Left => text::LEFT,
        MemberStatus::Any => text::ANY,
    }
}

/// The form, filled in as the list was asked for.
#[component]
pub fn Toolbar(
    /// The organisation.
    org: OrgSlug,
    /// What the list was asked for.
    filter: MemberFilter,
) -> impl IntoView {
    let form = NodeRef::<html::Form>::new();
    let search = NodeRef::<html::Input>::new();
    let (role, source, status) = (NodeRef::<html::Select>::new(), NodeRef::<html::Select>::new(), NodeRef::<html::Select>::new());
    let action = paths::members(&org);
    let navigate = use_navigate();
    // The same address as the form's own, without what is empty in it; and the page stays where it is.
    let submit = move |event: ev::SubmitEvent| {
        let chosen = |select: NodeRef<html::Select>| select.get_untracked().map(|select| select.value()).unwrap_or_default();
        let Some(search) = search.get_untracked() else { return };
        event.prevent_default();
        let wanted = MemberFilter {
            search: Some(search.value()),
            role: chosen(role).parse().ok(),
            source: chosen(source).parse().ok(),
            status: chosen(status).parse().ok(),
        };
        navigate(&address(&org, &wanted, 1), NavigateOptions { scroll: false, ..NavigateOptions::default() });
    };
    let changed = move |_: ev::Event| {
        if let Some(form) = form.get_untracked() {
            let _ = form.request_submit();
        }
    };
    let roles = OrgRole::ALL.into_iter().rev().map(|role| (role.as_str(), role.to_string(), filter.role == Some(role)));
    let sources = [ManagedBy::Directory, ManagedBy::Manual];
    let sources = sources.into_iter().map(|by| (by.as_str(), managed(by).to_owned(), filter.source == Some(by)));
    let statuses = MemberStatus::ALL.into_iter().map(|status| (status.as_str(), said(status).to_owned(), filter.status == Some(status)));
    let typed = filter.search.clone().unwrap_or_default();
    view! {
        <form class="toolbar" method="get" action=action role="search" aria-label=text::LABEL data-testid="member-filter" node_ref=form on:submit=submit>
            <input class="input" type="search" name="search" id="field-search" aria-label=text::SEARCH placeholder=text::PLACEHOLDER
                maxlength="200" autocomplete="off" spellcheck="false" value=typed.clone() prop:value=typed node_ref=search />
            <Choice name="role" label=text::ROLE any=text::ANY_ROLE chosen=filter.role.is_some() options=roles.collect() node_ref=role changed />
            <Choice name="source" label=text::SOURCE any=text::ANY_SOURCE chosen=filter.source.is_some() options=sources.collect() node_ref=source changed />
            <Choice name="status" label=text::STATUS any=text::NOT_LEFT chosen=filter.status.is_some() options=statuses.collect() node_ref=status changed />
            <button type="submit" class="btn tall without-script">{text::APPLY}</button>
        </form>
    }
}

#[component]
fn Choice(
    name: &'static str,
    label: &'static str,
    any: &'static str,
    chosen: bool,
    options: Vec<(&'static str, String, bool)>,
    node_ref: NodeRef<html::Select>,
    changed: impl Fn(ev::Event) + 'static,
) -> impl IntoView {
    view! {
        <select class="input" name=name id=format!("field-{name}") aria-label=label node_ref=node_ref on:change=changed>
            <option value="" selected=!chosen prop:selected=!chosen>{any}</option>
            {options.into_iter().map(|(value, said, selected)| view! {
                <option value=value selected=selected prop:selected=selected>{said}</option>
            }).collect_view()}
        </select>
    }
}
