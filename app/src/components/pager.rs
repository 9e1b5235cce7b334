//! The way through a list that is too long for one page.

use leptos::prelude::*;

use super::thousands;

mod text {
    pub const EARLIER: &str = "Previous";
    pub const LATER: &str = "Next";
}

/// What part of a list is shown, and the pages before and after it; nothing when one page holds it all.
#[component]
pub fn Pager(
    /// What it leads through.
    label: &'static str,
    /// The page, from 1.
    page: u64,
    /// How many stand on a full page.
    page_size: u64,
    /// How many are shown.
    shown: usize,
    /// How many there are in all.
    total: u64,
    /// Where a page is.
    to: impl Fn(u64) -> String,
) -> impl IntoView {
    let first = page.saturating_sub(1).saturating_mul(page_size).saturating_add(1);
    let last = first.saturating_add(shown as u64).saturating_sub(1);
    (shown > 0 && total > page_size).then(|| {
        view! {
            <nav class="flex items-center gap-2 border-t border-line px-4 py-3 text-sm md:px-6" aria-label=label>
                <span class="mr-auto text-ink-2">{format!("{}–{} of {}", thousands(first), thousands(last), thousands(total))}</span>
                {(page > 1).then(|| view! { <a class="btn" rel="prev" href=to(page - 1)>{text::EARLIER}</a> })}
                {(last < total).then(|| view! { <a class="btn" rel="next" href=to(page + 1)>{text::LATER}</a> })}
            </nav>
        }
    })
}
