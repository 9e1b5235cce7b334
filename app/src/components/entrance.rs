//! The narrow page before anyone is signed in.

use leptos::prelude::*;
use leptos_meta::Title;

/// Rollcall's mark.
#[component]
pub fn Mark() -> impl IntoView {
    view! {
        <svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" class="text-ink">
            <rect width="32" height="32" rx="8" fill="currentColor" />
            <g fill="none" stroke-width="2.6" stroke-linecap="round" stroke-linejoin="round">
                <path class="stroke-bg" d="M8 10.5h16M8 16h8" />
                <path class="stroke-bg" d="m14.5 21 3 3 6.5-7" />
            </g>
        </svg>
    }
}

/// A narrow page with a heading and one thing to do.
#[component]
pub fn Entrance(
    /// The heading, and the document's title.
    #[prop(into)]
    title: String,
    /// A sentence below the heading.
    #[prop(optional, into)]
    lead: String,
    /// What is to be done.
    children: Children,
) -> impl IntoView {
    view! {
        <Title text=title.clone() />
        <main class="mx-auto w-full max-w-[416px] px-4 pt-12 pb-16 md:pt-24">
            <p class="mb-8 flex items-center gap-2 text-lg font-semibold"><Mark />"Rollcall"</p>
            <h1 class="text-xl font-semibold tracking-tight text-balance">{title}</h1>
            {(!lead.is_empty()).then(|| view! { <p class="mt-1 text-ink-2 text-pretty">{lead}</p> })}
            <div class="mt-6">{children()}</div>
        </main>
    }
}
