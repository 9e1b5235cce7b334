//! The form that adds an endpoint.

use domain::{
    OrgSlug,
    event::{EndpointFormat, EventType, EventTypes, MOST_ENDPOINTS},
    view::IssuedEndpoint,
};
use leptos::prelude::*;

use super::choice::EventChoice;
use crate::{
    calls,
    components::{Field, OwnerPassword, SecretForm, Typed},
    error::AppError,
    server_fns,
};

mod text {
    pub const TITLE: &str = "Add an endpoint";
    pub const NAME: &str = "Name";
    pub const PLACEHOLDER: &str = "Ticket system";
    pub const URL: &str = "Address";
    pub const URL_HINT: &str = "On the internet, and by https.";
    pub const URL_PLACEHOLDER: &str = "https://events.example.com/rollcall";
    pub const FORMAT: &str = "Format";
    pub const WEBHOOK_HINT: &str = "Signed with a secret that only you and the receiver know. There are libraries for most languages.";
    pub const SET_HINT: &str = "Signed with this server's published key. For systems that take CAEP or SCIM events.";
    pub const ADD: &str = "Add endpoint";
    pub const UNSAVED: &str = "Finish with the endpoint above before you add another.";
    pub const FULL: &str = "No further endpoint can be added. Delete one that is no longer used.";
    pub const NEEDS_SCRIPT: &str =
        "Adding an endpoint needs JavaScript: its secret is shown once and never written into a page that the server sends.";
}

/// What an owner asks for.
#[derive(Clone)]
pub struct Asked {
    org: OrgSlug,
    name: String,
    url: String,
    format: EndpointFormat,
    all: bool,
    types: Vec<EventType>,
    password: Option<String>,
}

/// Adds endpoints.
pub type Adding = Action<Asked, Result<IssuedEndpoint, AppError>>;

/// What adds endpoints.
pub fn adding() -> Adding {
    Action::new(|asked: &Asked| {
        let Asked { org, name, url, format, all, types, password } = asked.clone();
        async move { calls::heed(server_fns::create_webhook(org, name, url, format, Some(all), types, password).await) }
    })
}

/// The form.
#[component]
pub fn AddForm(
    /// The organisation.
    org: OrgSlug,
    /// How many endpoints there are.
    endpoints: usize,
    /// Adds them.
    adding: Adding,
) -> impl IntoView {
    const HEADING: &str = "add-endpoint-title";
    let ask = move |typed: Typed| {
        adding.dispatch(Asked {
            org: org.clone(),
            name: typed.text("name"),
            url: typed.text("url"),
            format: typed.text("format").parse().unwrap_or_default(),
            all: typed.text("all") == "true",
            types: typed.ticked("types[]").split(' ').filter_map(|code| code.parse().ok()).collect(),
            password: typed.password(),
        });
    };
    let error = Signal::derive(move || adding.value().get().and_then(Result::err));
    let unsaved = Memo::new(move |_| adding.value().with(|answer| matches!(answer, Some(Ok(_)))));
    let (format, choose) = signal(EndpointFormat::default());
    Effect::new(move |_| {
        // The form is emptied then.
        if unsaved.get() {
            choose.set(EndpointFormat::default());
        }
    });
    let formats = EndpointFormat::ALL.into_iter().map(move |choice| {
        let hint = match choice {
            EndpointFormat::Webhook => text::WEBHOOK_HINT,
            EndpointFormat::Set => text::SET_HINT,
        };
        view! {
            <label class="check items-start py-2">
                <input class="mt-0.5" type="radio" name="format" value=choice.as_str() checked=choice == EndpointFormat::default()
                    on:change=move |_| choose.set(choice) />
                <span>{choice.title()}<span class="block text-xs text-ink-2">{hint}</span></span>
            </label>
        }
    });
    view! {
        <section class="card mt-4" aria-labelledby=HEADING>
            <div class="head"><h2 id=HEADING>{text::TITLE}</h2></div>
            <SecretForm ask unsaved save_first=text::UNSAVED obstacle=(endpoints >= MOST_ENDPOINTS).then_some(text::FULL)
                pending=adding.pending().into() error fields=&["name", "url", "types", "password"] needs_script=text::NEEDS_SCRIPT
                label=text::ADD testid="add-endpoint" form_testid="add-endpoint-form" beside=false>
                <div class="w-full md:w-64">
                    <Field label=text::NAME name="name" autocomplete="off" maxlength=60 placeholder=text::PLACEHOLDER error />
                </div>
                <div class="w-full md:max-w-[56ch] md:flex-1">
                    <Field label=text::URL name="url" kind="url" autocomplete="off" hint=text::URL_HINT placeholder=text::URL_PLACEHOLDER error />
                </div>
                <fieldset class="w-full">
                    <legend class="text-sm font-medium">{text::FORMAT}</legend>
                    <div class="grid gap-x-6 lg:grid-cols-2">{formats.collect_view()}</div>
                </fieldset>
                <EventChoice chosen=EventTypes::default() format error />
                <div class="w-full empty:hidden md:w-72"><OwnerPassword error /></div>
            </SecretForm>
        </section>
    }
}
