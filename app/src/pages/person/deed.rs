//! A form that does one thing to a person: with a question before it, or without.

use leptos::{
    prelude::*,
    server_fn::{
        Http, ServerFn,
        client::Client,
        codec::{Json, PostUrl},
        request::ClientReq,
    },
    web_sys::FormData,
};
use serde::de::DeserializeOwned;

use crate::{
    calls,
    components::{Confirm, OwnerPassword, Submit},
    error::AppError,
};

/// What a form sends beside what is typed, by name.
pub type Fields = Vec<(&'static str, String)>;

/// A button that asks before it does something.
#[component]
pub fn Deed<S>(
    /// An id of its own on the page.
    #[prop(into)]
    id: String,
    /// The button.
    label: &'static str,
    /// Whether it takes something away.
    #[prop(optional)]
    danger: bool,
    /// Whether it stands in a row of a list.
    #[prop(optional)]
    small: bool,
    /// How tests find the button; the one that does it has `-yes` behind.
    testid: &'static str,
    /// The question.
    #[prop(into)]
    question: String,
    /// What follows.
    #[prop(into)]
    consequence: String,
    /// The answer that does it.
    yes: &'static str,
    /// What does it.
    action: ServerAction<S>,
    /// What it is told.
    fields: Fields,
    /// Whether only an owner may do it, with her password.
    #[prop(optional)]
    owner_only: bool,
) -> impl IntoView
where
    S: DeserializeOwned + ServerFn<Protocol = Http<PostUrl, Json>, Error = AppError, Output = ()> + Clone + Send + Sync + 'static,
    S::Client: Client<AppError>,
    <<S::Client as Client<AppError>>::Request as ClientReq<AppError>>::FormData: From<FormData>,
{
    let class = match (danger, small) {
        (true, true) => "btn quiet danger small edge",
        (true, false) => "btn danger",
        (false, true) => "btn quiet small edge",
        (false, false) => "btn",
    };
    let pending = action.pending();
    let place = id.clone();
    view! {
        <Confirm id label class testid question consequence pending>
            <ActionForm action=action clone:fields clone:place>
                <Hidden fields=fields.clone() />
                {owner_only.then(|| view! { <OwnerPassword error=calls::failure(action) place=place.clone() /> })}
                <Submit label=yes class=if danger { "btn danger" } else { "btn primary" } testid=yes_of(testid) pending />
            </ActionForm>
        </Confirm>
    }
}

/// A button that does something at once.
#[component]
pub fn Plain<S>(
    /// What does it.
    action: ServerAction<S>,
    /// What it is told.
    fields: Fields,
    /// The button.
    label: &'static str,
    /// How tests find it.
    testid: &'static str,
    /// Its look.
    #[prop(default = "btn")]
    class: &'static str,
    /// More for those who do not see where it stands.
    #[prop(optional, into)]
    aria_label: Option<String>,
) -> impl IntoView
where
    S: DeserializeOwned + ServerFn<Protocol = Http<PostUrl, Json>, Error = AppError, Output = ()> + Clone + Send + Sync + 'static,
    S::Client: Client<AppError>,
    <<S::Client as Client<AppError>>::Request as ClientReq<AppError>>::FormData: From<FormData>,
{
    view! {
        <ActionForm action=action>
            <Hidden fields />
            <Submit label class testid aria_label=aria_label.unwrap_or_else(|| label.to_owned()) pending=action.pending() />
        </ActionForm>
    }
}

#[component]
fn Hidden(fields: Fields) -> impl IntoView {
    fields.into_iter().map(|(name, value)| view! { <input type="hidden" name=name value=value /> }).collect_view()
}

/// The `data-testid` of the answer to the question `testid`.
fn yes_of(testid: &'static str) -> &'static str {
    match testid {
        "block-member" => "block-member-yes",
        "unblock-member" => "unblock-member-yes",
        "remove-member" => "remove-member-yes",
        "restore-member" => "restore-member-yes",
        "grant-role" => "grant-role-yes",
        "revoke-role" => "revoke-role-yes",
        "end-sessions" => "end-sessions-yes",
        "break-glass" => "break-glass-yes",
        "approve-link" => "approve-link-yes",
        "decline-link" => "decline-link-yes",
        _ => "yes",
    }
}
