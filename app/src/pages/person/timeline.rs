//! What changed somebody's access, newest first.

use domain::{
    MemberId, OrgSlug, ReceiptId, Timestamp,
    audit::AuditAction,
    receipt,
    view::{TimelineEntry, TimelineEvent, TimelineView},
};
use leptos::prelude::*;

use crate::{components::EmptyState, paths};

mod text {
    pub const TITLE: &str = "Timeline";
    pub const EMPTY: &str = "Nothing more";
    pub const EMPTY_TEXT: &str = "What changes her access is told here as it happens.";
    pub const PAGES: &str = "Pages of the timeline";
    pub const NEWER: &str = "Newer";
    pub const OLDER: &str = "Older";
    pub const REQUEST: &str = "request";
    pub const RECEIPT: &str = "receipt";
}

/// The card.
#[component]
pub fn TimelineCard(
    /// A part of it.
    timeline: TimelineView,
    /// The organisation.
    org: OrgSlug,
    /// Whose it is.
    member: MemberId,
    /// Whether the viewer may open receipts.
    link_to_receipts: bool,
) -> impl IntoView {
    let TimelineView { entries, page, more, now } = timeline;
    let here = paths::person(&org, member);
    let to = move |page: u64| match page {
        1 => format!("{here}#timeline-title"),
        page => format!("{here}?page={page}#timeline-title"),
    };
    let receipt = move |id| link_to_receipts.then(|| paths::receipt(&org, member, id));
    view! {
        <section class="card" aria-labelledby="timeline-title">
            <div class="head"><h2 id="timeline-title" tabindex="-1">{text::TITLE}</h2></div>
            {if entries.is_empty() {
                view! { <div><EmptyState title=text::EMPTY text=text::EMPTY_TEXT /></div> }.into_any()
            } else {
                view! {
                    <div class="body">
                        <ol class="line">{entries.into_iter().map(|entry| view! { <Entry entry now receipt=receipt.clone() /> }).collect_view()}</ol>
                    </div>
                }
                .into_any()
            }}
            {(more || page > 1).then(|| view! {
                <nav class="flex items-center justify-end gap-2 border-t border-line px-4 py-3 md:px-6" aria-label=text::PAGES>
                    {(page > 1).then(|| view! { <a class="btn" rel="prev" href=to(page - 1)>{text::NEWER}</a> })}
                    {more.then(|| view! { <a class="btn" rel="next" href=to(page + 1)>{text::OLDER}</a> })}
                </nav>
            })}
        </section>
    }
}

#[component]
fn Entry(entry: TimelineEntry, now: Timestamp, receipt: impl Fn(ReceiptId) -> Option<String>) -> impl IntoView {
    let TimelineEntry { at, what, by, request_id } = entry;
    let kind = kind(&what);
    let said = match what {
        TimelineEvent::Audited { action, details } => {
            let (details, id) = receipt::split(details);
            let receipt = id.and_then(receipt);
            let (none, some): (Vec<_>, Vec<_>) = details.into_iter().partition(|(_, value)| value == "0");
            let some = some.into_iter().map(|(name, value)| format!("{name}: {value}"));
            let facts = some.chain(none.into_iter().map(|(name, _)| format!("no {name}"))).collect::<Vec<_>>().join(" · ");
            view! {
                <span class="font-medium">{action.title()}</span>
                {receipt.map(|href| view! { " · " <a class="link" href=href data-testid="to-receipt">{text::RECEIPT}</a> })}
                {(!facts.is_empty()).then(|| view! { <span class="facts-line">{facts}</span> })}
            }
            .into_any()
        }
        TimelineEvent::Joined { group } => view! { <span class="font-medium">"Came into the group "</span> {group} }.into_any(),
        TimelineEvent::LeftGroup { group } => view! { <span class="font-medium">"Left the group "</span> {group} }.into_any(),
        TimelineEvent::Gained { what, group, .. } => {
            view! { <span class="font-medium">"Became " {what}</span> " through " {group} }.into_any()
        }
        TimelineEvent::Lost { what, group, .. } => {
            view! { <span class="font-medium">"No longer " {what}</span> " through " {group} }.into_any()
        }
    };
    view! {
        <li class=kind data-testid="timeline-entry">
            <p class="wrap-anywhere">{said}</p>
            <p class="when">
                <time datetime=at.to_rfc3339() title=at.relative_to(now)>{at.second()}</time>
                {by.map(|by| view! { " · " <span class="wrap-anywhere">{by}</span> })}
                {request_id.map(|id| view! {
                    " · " {text::REQUEST} " "
                    <span class="inline-block w-[9.5ch] truncate align-bottom font-mono select-all" title=id.clone()>{id.clone()}</span>
                })}
            </p>
        </li>
    }
}

/// Whether something was gained or lost, for the dot beside it.
fn kind(what: &TimelineEvent) -> &'static str {
    match what {
        TimelineEvent::Gained { .. } => "good",
        TimelineEvent::Lost { .. } => "bad",
        TimelineEvent::Joined { .. } | TimelineEvent::LeftGroup { .. } => "",
        TimelineEvent::Audited { action, .. } => match action {
            AuditAction::AccessBegan
            | AuditAction::Activated
            | AuditAction::RoleGranted
            | AuditAction::SeatGiven
            | AuditAction::MemberUnblocked
            | AuditAction::OrganisationFounded => "good",
            AuditAction::AccessEnded | AuditAction::RoleRevoked | AuditAction::SeatRemoved | AuditAction::MemberBlocked => "bad",
            _ => "",
        },
    }
}
