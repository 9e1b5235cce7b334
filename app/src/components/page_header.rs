//! The top of a page.

use leptos::prelude::*;
use leptos_meta::Title;

/// The page's heading, which is also the document's title, and a sentence on what the page is for.
#[component]
pub fn PageHeader(
    /// The heading.
    title: &'static str,
    /// What the page is for, or what it shows.
    lead: &'static str,
) -> impl IntoView {
    view! {
        <Title text=title />
        <header class="mb-6">
            <h1 class="text-xl font-semibold tracking-tight">{title}</h1>
            <p class="mt-1 max-w-[72ch] text-ink-2 text-pretty">{lead}</p>
        </header>
    }
}
