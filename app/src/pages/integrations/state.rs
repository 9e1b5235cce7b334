//! Where a mapping stands, at a glance.

use domain::mapping::MappingState;
use leptos::prelude::*;

mod text {
    pub const ACTIVE: &str = "Active";
    pub const PAUSED: &str = "Paused";
    pub const WAITING: &str = "Waiting for its group";
    pub const UNCONFIRMED: &str = "Needs an owner";
    pub const CLOSED: &str = "Group deleted";
}

/// Where a mapping stands.
#[component]
pub fn MappingBadge(
    /// That.
    state: MappingState,
) -> impl IntoView {
    let (class, label) = match state {
        MappingState::Active => ("badge dot good", text::ACTIVE),
        MappingState::Paused => ("badge dot warn", text::PAUSED),
        MappingState::Waiting => ("badge dot info", text::WAITING),
        MappingState::Unconfirmed => ("badge dot warn", text::UNCONFIRMED),
        MappingState::Closed => ("badge dot", text::CLOSED),
    };
    view! { <span class=class>{label}</span> }
}
