//! Text to take elsewhere.

use std::time::Duration;

use leptos::prelude::*;

use crate::browser;

const COPY: &str = "Copy";
const COPIED: &str = "Copied";
const SELECTED: &str = "Press Ctrl+C";

/// A line of text with a button that copies it.
#[component]
pub fn CopyField(
    /// An id of its own on the page.
    id: &'static str,
    /// The text.
    #[prop(into)]
    text: String,
    /// What it is, for those who hear the button rather than see where it stands.
    what: &'static str,
    /// How tests find the text.
    testid: &'static str,
) -> impl IntoView {
    // Outlives the view: the answer comes later.
    let label = ArcRwSignal::new(COPY);
    let shown = label.clone();
    let copied = label.clone();
    let value = text.clone();
    let copy = move |_| {
        let (label, value) = (label.clone(), value.clone());
        leptos::task::spawn_local(async move {
            label.set(if browser::copy(&value, id).await { COPIED } else { SELECTED });
            set_timeout(move || label.set(COPY), Duration::from_secs(3));
        });
    };
    // An address that needs two lines breaks between its parts.
    let parts = text.split_inclusive('/').map(|part| view! { {part.to_owned()} <wbr /> }).collect_view();
    view! {
        <div class="copy">
            <code id=id data-testid=testid>{parts}</code>
            <button type="button" class="btn needs-script" aria-label=format!("Copy {what}") on:click=copy>{move || shown.get()}</button>
            <span class="sr-only" role="status">{move || match copied.get() { COPY => "", said => said }}</span>
        </div>
    }
}
