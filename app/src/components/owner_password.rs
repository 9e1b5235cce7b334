//! The password once more, in a form that has weight: most often one that only an owner may send.

use leptos::prelude::*;

use super::{PasswordField, ViewerOfPage};
use crate::error::AppError;

const LABEL: &str = "Your password";
const HINT: &str = "What only an owner may do asks for it every 15 minutes.";

/// A password field, where the viewer's password was not given within the last minutes or the form was refused for that.
/// The server function takes it as `password: Option<String>` and hands it to `RequestContext::take_password`.
#[component]
pub fn OwnerPassword(
    /// What went wrong with the form.
    error: Signal<Option<AppError>>,
    /// Why it is asked for.
    #[prop(default = HINT)]
    hint: &'static str,
    /// An id of the form's own, where a page has several that ask.
    #[prop(optional)]
    place: String,
) -> impl IntoView {
    // Once asked for, it stays until the form has been accepted: a wrong password is corrected where it was typed.
    let asked = Memo::new(move |before: Option<&bool>| {
        let about = |error: &AppError| matches!(error, AppError::PasswordNeeded) || error.at("password").is_some();
        error.with(|error| error.as_ref().is_some_and(about)) || before.copied().unwrap_or(false)
    });
    move || {
        let needed = asked.get() || ViewerOfPage::get().is_none_or(|viewer| viewer.needs_password());
        needed.then(|| view! { <PasswordField label=LABEL hint error place=place.clone() /> })
    }
}
