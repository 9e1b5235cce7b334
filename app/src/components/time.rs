//! Moments, as people read them; the exact one is in the element for machines and for the pointer.
//!
//! Both are computed from what the server sent, its `now` too: server and browser write the same.

use domain::Timestamp;
use leptos::prelude::*;

/// How long ago, or how soon: `5 min ago`.
#[component]
pub fn Ago(
    /// The moment.
    at: Timestamp,
    /// When the page's data was read.
    now: Timestamp,
) -> impl IntoView {
    view! { <time datetime=at.to_rfc3339() title=at.second()>{at.relative_to(now)}</time> }
}

/// The day: `24 Nov 2026`.
#[component]
pub fn Day(
    /// The moment.
    at: Timestamp,
) -> impl IntoView {
    view! { <time datetime=at.to_rfc3339() title=at.second()>{at.day()}</time> }
}
