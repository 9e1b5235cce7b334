//! What stands where nothing is yet.

use leptos::prelude::*;

/// A card whose content is on its way.
#[component]
pub fn CardSkeleton() -> impl IntoView {
    view! {
        <section class="card" aria-busy="true">
            <p class="sr-only">"Loading"</p>
            <div class="body grid gap-4" aria-hidden="true">
                <div class="skeleton w-40"></div>
                <div class="skeleton w-full"></div>
                <div class="skeleton w-4/5"></div>
                <div class="skeleton w-3/5"></div>
            </div>
        </section>
    }
}

/// A list with nothing in it: why, and what to do.
#[component]
pub fn EmptyState(
    /// What is not there.
    title: &'static str,
    /// Why, and what would change that.
    text: &'static str,
    /// A way on.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    view! {
        <div class="px-6 py-12 text-center">
            <p class="font-semibold text-balance">{title}</p>
            <p class="mx-auto mt-1 max-w-[52ch] text-ink-2 text-balance">{text}</p>
            {children.map(|children| view! { <div class="mt-4">{children()}</div> })}
        </div>
    }
}
