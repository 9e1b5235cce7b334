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

/// When a token or a credential was last used, and from where.
#[component]
pub fn LastUsed(
    /// When, to the minute.
    at: Option<Timestamp>,
    /// From which address, where there is room to say it.
    #[prop(default = None)]
    ip: Option<String>,
    /// When the page's data was read.
    now: Timestamp,
) -> impl IntoView {
    match at {
        None => view! { <span class="text-ink-3">"never"</span> }.into_any(),
        Some(at) => view! {
            <Ago at now />
            {ip.map(|ip| view! { <p class="text-xs text-ink-3">"from " {ip}</p> })}
        }
        .into_any(),
    }
}
