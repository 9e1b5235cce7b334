//! What every form needs: its button, and the place where it says what went wrong.

use leptos::{html, prelude::*};

use super::field::{input_id, key_of};
use crate::{browser, error::AppError};

/// The button that sends a form. While the answer is awaited it cannot be pressed again; what was typed stays.
#[component]
pub fn Submit(
    /// What it does.
    label: &'static str,
    /// Its look.
    #[prop(default = "btn primary")]
    class: &'static str,
    /// How tests find it.
    #[prop(optional, into)]
    testid: Option<&'static str>,
    /// More for those who do not see where it stands.
    #[prop(optional, into)]
    aria_label: Option<String>,
    /// Whether the answer is awaited.
    #[prop(into)]
    pending: Signal<bool>,
    /// Whether it cannot be pressed for another reason, which is said beside it.
    #[prop(optional, into)]
    disabled: Signal<bool>,
) -> impl IntoView {
    view! {
        <button type="submit" class=class data-testid=testid aria-label=aria_label
            aria-busy=move || pending.get().then_some("true") disabled=move || pending.get() || disabled.get()>
            {label}
        </button>
    }
}

/// What went wrong with a form, as a whole. What is wrong with one of its `fields` is said there, and the focus goes there;
/// otherwise it goes here, so that nobody has to look for it.
#[component]
pub fn FormError(
    /// What went wrong.
    error: Signal<Option<AppError>>,
    /// The fields that say it themselves.
    #[prop(default = &[])]
    fields: &'static [&'static str],
    /// What the fields' ids have behind their names.
    #[prop(default = "")]
    place: &'static str,
    /// Space around it, while there is something to say.
    #[prop(default = "mb-4")]
    class: &'static str,
) -> impl IntoView {
    let here = NodeRef::<html::Div>::new();
    let field = move |error: &AppError| fields.iter().find(|field| error.at(field).is_some()).copied();
    let sentence = move || error.get().filter(|error| field(error).is_none()).map(|error| error.to_string());
    // Not the first time: what was wrong before the page came to life, or was drawn anew, has had its say.
    Effect::new(move |again: Option<()>| {
        if let Some(error) = error.get()
            && again.is_some()
        {
            match field(&error) {
                Some(field) => browser::focus(&input_id(&key_of(field, place))),
                None => {
                    if let Some(here) = here.get_untracked() {
                        let _ = here.focus();
                    }
                }
            }
        }
    });
    // The place is there before the sentence is: a screen reader announces what changes in it.
    view! {
        <div role="alert" tabindex="-1" node_ref=here>
            {move || sentence().map(|sentence| view! { <p class=format!("note bad {class}") data-testid="form-error">{sentence}</p> })}
        </div>
    }
}
