//! Sign in.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::leaving;
use crate::{
    calls,
    components::{Entrance, Field, FormError, PasswordField, Submit},
    paths, server_fns,
};

mod text {
    pub const TITLE: &str = "Sign in";
    pub const EMAIL: &str = "E-mail address";
    pub const PASSWORD: &str = "Password";
    pub const SUBMIT: &str = "Sign in";
    pub const SIGNED_OUT: &str = "You are signed out, or your session has ended. Sign in to go on where you were.";
    pub const SECOND_FACTOR: &str = "This organisation asks for a second factor. Sign in again to show yours, or to set one up.";
    pub const RESET: &str = "Your password is set, and every browser was signed out. Sign in with it.";
    pub const FORGOT: &str = "Forgot your password?";
    pub const TROUBLE: &str = "No account yet, or no way in? Ask an administrator of your organisation to send you an activation link.";
}

const FIELDS: &[&str] = &["email", "password"];

/// `/sign-in?next=`
#[component]
pub fn SignIn() -> impl IntoView {
    let query = use_query_map();
    // Only a page of an organisation, or the one of a device, is a place to come back to; the server checks it as well.
    let next = Memo::new(move |_| query.read().get("next").filter(|next| paths::org_of(next).is_some() || paths::is_device(next)));
    // Said in an order: what was just done, then what is asked for.
    let note = Memo::new(move |_| {
        let query = query.read();
        match (query.get_str("reset"), query.get_str("why")) {
            (Some(_), _) => Some(("note good mb-4", text::RESET)),
            (None, Some("second-factor")) => Some(("note info mb-4", text::SECOND_FACTOR)),
            _ => None,
        }
    });
    let sign_in = calls::action::<server_fns::SignIn>();
    let error = calls::failure(sign_in);
    view! {
        <Entrance title=text::TITLE>
            {move || {
                let signed_out = next.get().map(|_| ("note info mb-4", text::SIGNED_OUT));
                let said = note.get().or(signed_out).filter(|_| error.get().is_none());
                said.map(|(class, sentence)| view! { <p class=class role="status" data-testid="sign-in-note">{sentence}</p> })
            }}
            <FormError error fields=FIELDS />
            <ActionForm action=sign_in attr:class="grid gap-4" attr:data-testid="sign-in-form">
                {move || next.get().map(|next| view! { <input type="hidden" name="next" value=next /> })}
                <Field label=text::EMAIL name="email" kind="email" autocomplete="username" error />
                <PasswordField label=text::PASSWORD error />
                <Submit label=text::SUBMIT class="btn primary wide" pending=leaving(sign_in) />
            </ActionForm>
            <p class="mt-4 text-sm"><a class="link" href=paths::FORGOT_PASSWORD>{text::FORGOT}</a></p>
            <p class="mt-6 text-sm text-ink-2 text-pretty">{text::TROUBLE}</p>
        </Entrance>
    }
}
