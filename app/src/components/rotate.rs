//! A button that issues another secret in the place of one.

use domain::token::Retirement;
use leptos::{ev, prelude::*, web_sys::HtmlFormElement};

use super::{Confirm, OwnerPassword, Submit, Typed, hydrated};
use crate::error::AppError;

mod text {
    pub const ROTATE: &str = "Rotate";
    pub const YES: &str = "Issue another";
    pub const OLD: &str = "The old one stops";
}

/// The field of the form that says when the old secret stops.
pub const RETIRE: &str = "retire";

/// Asks when the old secret stops.
#[component]
pub fn RetireField(
    /// An id of its own on the page.
    id: String,
    /// What is chosen at first.
    chosen: Retirement,
) -> impl IntoView {
    view! {
        <div class="field">
            <label for=id.clone()>{text::OLD}</label>
            <select class="input" id=id name=RETIRE>
                {Retirement::ALL.into_iter().map(|choice| view! {
                    <option value=choice.as_str() selected=choice == chosen>{choice.to_string()}</option>
                }).collect_view()}
            </select>
        </div>
    }
}

/// The button, with its question. Its form does not post: the answer holds a secret, and would be a document. So it waits for the
/// page to come to life.
#[component]
pub fn Rotate(
    /// An id of its own on the page.
    id: String,
    /// What the secret is called.
    name: String,
    /// What follows.
    consequence: &'static str,
    /// When the old one is to stop unless another choice is made; without one it stops at once.
    #[prop(default = None)]
    retire: Option<Retirement>,
    /// Whether only an owner may do it, with her password.
    #[prop(default = false)]
    owner_only: bool,
    /// What went wrong.
    error: Signal<Option<AppError>>,
    /// Whether it has to wait, for a reason that is said beside it.
    blocked: Signal<bool>,
    /// Whether the answer is awaited.
    pending: Signal<bool>,
    /// Asks for the new secret.
    ask: impl Fn(Typed) + Clone + Send + Sync + 'static,
) -> impl IntoView {
    let alive = hydrated();
    move || {
        if !alive.get() || blocked.get() {
            return view! { <button type="button" class="btn small" data-testid="rotate" disabled=true>{text::ROTATE}</button> }.into_any();
        }
        let (id, ask) = (id.clone(), ask.clone());
        let (field, place) = (format!("{RETIRE}-{id}"), id.clone());
        view! {
            <Confirm id label=text::ROTATE class="btn small" testid="rotate" question=format!("Issue another in the place of “{name}”?")
                consequence pending>
                {
                    let ask = ask.clone();
                    let submit = move |event: ev::SubmitEvent| {
                        event.prevent_default();
                        if let Some(typed) = Typed::of(&event_target::<HtmlFormElement>(&event)) {
                            ask(typed);
                        }
                    };
                    view! {
                        <form on:submit=submit>
                            {retire.map(|chosen| view! { <RetireField id=field.clone() chosen /> })}
                            {owner_only.then(|| view! { <OwnerPassword error place=place.clone() /> })}
                            <Submit label=text::YES testid="rotate-yes" pending />
                        </form>
                    }
                }
            </Confirm>
        }
        .into_any()
    }
}
