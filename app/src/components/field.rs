//! Form fields: label, hint, and the sentence that says what is wrong, tied together for those who listen.

use leptos::prelude::*;

use crate::error::AppError;

/// The id of the input of the field `name`.
pub fn input_id(name: &str) -> String {
    format!("field-{name}")
}

/// What the ids of the field `name` are made of in the form `place`, where a page has several with such a field.
pub fn key_of(name: &str, place: &str) -> String {
    if place.is_empty() { name.to_owned() } else { format!("{name}-{place}") }
}

/// A labelled input.
#[component]
pub fn Field(
    /// What to enter.
    label: &'static str,
    /// Its name in the form, which an error refers to.
    name: &'static str,
    /// The input's type.
    #[prop(default = "text")]
    kind: &'static str,
    /// What a browser may fill in.
    autocomplete: &'static str,
    /// A sentence below.
    #[prop(default = None, into)]
    hint: Option<&'static str>,
    /// What a touch keyboard shows.
    #[prop(optional)]
    inputmode: Option<&'static str>,
    /// The most characters.
    #[prop(optional)]
    maxlength: Option<u16>,
    /// An example.
    #[prop(optional)]
    placeholder: Option<&'static str>,
    /// What it begins with.
    #[prop(optional, into)]
    value: Option<String>,
    /// An id of the form's own, where a page has several with such a field.
    #[prop(optional, into)]
    place: String,
    /// Whether something has to be entered.
    #[prop(default = true)]
    required: bool,
    /// What went wrong with the form.
    error: Signal<Option<AppError>>,
) -> impl IntoView {
    let key = key_of(name, &place);
    let (id, described) = (input_id(&key), describedby(&key));
    view! {
        <Labelled label name key hint error>
            <input class="input" id=id name=name type=kind autocomplete=autocomplete inputmode=inputmode maxlength=maxlength placeholder=placeholder required=required value=value
                spellcheck=(kind == "email").then_some("false") autocapitalize=(kind == "email").then_some("none")
                aria-invalid=invalid(error, name) aria-describedby=described autofocus=move || at(error, name).is_some() />
        </Labelled>
    }
}

/// A labelled text of several lines, which may be empty.
#[component]
pub fn TextArea(
    /// What to enter.
    label: &'static str,
    /// Its name in the form, which an error refers to.
    name: &'static str,
    /// A sentence below.
    #[prop(default = None, into)]
    hint: Option<&'static str>,
    /// The most characters.
    maxlength: u16,
    /// What it begins with.
    #[prop(optional, into)]
    value: String,
    /// What went wrong with the form.
    error: Signal<Option<AppError>>,
) -> impl IntoView {
    view! {
        <Labelled label name hint error>
            <textarea class="input" id=input_id(name) name=name rows="3" maxlength=maxlength
                aria-invalid=invalid(error, name) aria-describedby=describedby(name) autofocus=move || at(error, name).is_some()>
                {value}
            </textarea>
        </Labelled>
    }
}

/// A password, which can be looked at.
#[component]
pub fn PasswordField(
    /// What to enter.
    label: &'static str,
    /// Its name in the form.
    #[prop(default = "password")]
    name: &'static str,
    /// Whether it is being chosen, rather than proven.
    #[prop(optional)]
    new: bool,
    /// A sentence below.
    #[prop(default = None, into)]
    hint: Option<&'static str>,
    /// An id of the form's own, where a page has several with a password.
    #[prop(optional)]
    place: String,
    /// What went wrong with the form.
    error: Signal<Option<AppError>>,
) -> impl IntoView {
    let (visible, set_visible) = signal(false);
    let key = key_of(name, &place);
    let (id, controls, described) = (input_id(&key), input_id(&key), describedby(&key));
    view! {
        <Labelled label name key hint error>
            <div class="with-button">
                <input class="input" id=id name=name type=move || if visible.get() { "text" } else { "password" }
                    autocomplete=if new { "new-password" } else { "current-password" } minlength=new.then_some(domain::password::SHORTEST.to_string())
                    required=true spellcheck="false" autocapitalize="none"
                    aria-invalid=invalid(error, name) aria-describedby=described autofocus=move || at(error, name).is_some() />
                <button type="button" class="btn quiet small needs-script" aria-controls=controls
                    aria-label=move || if visible.get() { "Hide the password" } else { "Show the password" }
                    on:click=move |_| set_visible.update(|visible| *visible = !*visible)>
                    {move || if visible.get() { "Hide" } else { "Show" }}
                </button>
            </div>
        </Labelled>
    }
}

/// A label above, a hint and an error below.
#[component]
pub fn Labelled(
    /// What to enter.
    label: &'static str,
    /// The field's name in the form.
    name: &'static str,
    /// What its ids are made of, where that is not its name.
    #[prop(optional)]
    key: Option<String>,
    /// A sentence below.
    hint: Option<&'static str>,
    /// What went wrong with the form.
    error: Signal<Option<AppError>>,
    /// The input, whose id is `input_id` of its key.
    children: Children,
) -> impl IntoView {
    let key = key.unwrap_or_else(|| name.to_owned());
    view! {
        <div class="field">
            <label for=input_id(&key)>{label}</label>
            {children()}
            {hint.map(|hint| view! { <p class="hint" id=format!("{key}-hint") hidden=move || at(error, name).is_some()>{hint}</p> })}
            <p class="error" id=format!("{key}-error") data-testid=format!("{name}-error") hidden=move || at(error, name).is_none()>
                {move || at(error, name)}
            </p>
        </div>
    }
}

/// The sentence about the field `name`, if the error is about it.
pub fn at(error: Signal<Option<AppError>>, name: &str) -> Option<String> {
    error.with(|error| error.as_ref().and_then(|error| error.at(name)))
}

/// `aria-invalid` of the field `name`.
pub fn invalid(error: Signal<Option<AppError>>, name: &'static str) -> impl Fn() -> Option<&'static str> + Clone + Send + Sync {
    move || at(error, name).map(|_| "true")
}

/// `aria-describedby` of the field `name`. An id that is not there at the moment is passed over.
pub fn describedby(name: &str) -> String {
    format!("{name}-error {name}-hint")
}
