//! Directory records that match an owner, or somebody kept for emergencies: an owner decides.

use domain::{OrgSlug, Timestamp, view::HeldLink};
use leptos::prelude::*;

use super::{deed::Deed, deeds::Deeds};
use crate::components::Ago;

mod text {
    pub const TITLE: &str = "A directory user waits for your word";
    pub const LEAD: &str = "It matches this person, who is an owner or kept for emergencies. Nothing of it acts on her until you approve.";
    pub const EMERGENCY: &str =
        "She is kept for emergencies, so no directory may manage her. Take that mark away first if you want to approve.";
    pub const APPROVE: &str = "Approve";
    pub const APPROVE_TEXT: &str = "From now on the directory keeps her profile and can end her access. Roles that she holds by hand stay. All owners are told by mail.";
    pub const APPROVE_YES: &str = "Let the directory manage her";
    pub const DECLINE: &str = "Decline";
    pub const DECLINE_TEXT: &str = "The directory user stays where it is and acts on nobody. You are not asked again about it.";
    pub const DECLINE_YES: &str = "Decline for good";
}

/// The card.
#[component]
pub fn HeldCard(
    /// The records.
    links: Vec<HeldLink>,
    /// When this was read.
    now: Timestamp,
    /// The organisation.
    org: OrgSlug,
    /// Whether she is kept for emergencies.
    break_glass: bool,
    /// What does it.
    deeds: Deeds,
) -> impl IntoView {
    view! {
        <section class="card mb-4" aria-labelledby="held-title">
            <div class="head">
                <div>
                    <h2 id="held-title">{text::TITLE}</h2>
                    <p class="sub">{if break_glass { text::EMERGENCY } else { text::LEAD }}</p>
                </div>
            </div>
            <ul class="list">
                {links.into_iter().map(|HeldLink { record, user_name, held_at, held_by, .. }| {
                    let fields = || vec![("org", org.to_string()), ("record", record.to_string())];
                    view! {
                        <li class="flex-wrap" data-testid="held-link">
                            <div class="min-w-0">
                                <p class="font-medium wrap-anywhere">{user_name.clone()}</p>
                                <p class="text-ink-2">"pushed by " {held_by} ", " <Ago at=held_at now /></p>
                            </div>
                            <div class="ml-auto flex flex-wrap gap-2">
                                <Deed id=format!("decline-{record}") label=text::DECLINE testid="decline-link" question=format!("Decline {user_name}?")
                                    consequence=text::DECLINE_TEXT yes=text::DECLINE_YES action=deeds.decline fields=fields() owner_only=true />
                                {(!break_glass).then(|| view! {
                                    <Deed id=format!("approve-{record}") label=text::APPROVE testid="approve-link" question=format!("Let {user_name} act on her?")
                                        consequence=text::APPROVE_TEXT yes=text::APPROVE_YES action=deeds.approve fields=fields() owner_only=true />
                                })}
                            </div>
                        </li>
                    }
                }).collect_view()}
            </ul>
        </section>
    }
}
