//! The page of a link that sets a password anew. Looking at it changes nothing, since mail scanners look, too; sending the form does.

use domain::view::ResetView;
use leptos::prelude::*;

use super::{PASSWORD_HINT, leaving, link_of_page};
use crate::{
    calls,
    components::{CardSkeleton, Entrance, FormError, PasswordField, Problem, Submit},
    error::AppError,
    paths,
    server_fns::{self, reset_link},
};

mod text {
    pub const TITLE: &str = "Set a new password";
    pub const LEAD: &str = "Every browser that is signed in to your account is signed out, and what you let in without one.";
    pub const EMAIL: &str = "Your e-mail address";
    pub const PASSWORD: &str = "New password";
    pub const TOKENS: &str = "End my personal tokens, too";
    pub const TOKENS_HINT: &str = "Scripts that use one stop working. Leave it ticked if somebody else may have known your password.";
    pub const SUBMIT: &str = "Set the password";
    pub const GONE: &str = "This link does not work any more";
    pub const GONE_LEAD: &str = "It has been used, it has been replaced by a newer one, or its hour is over.";
    pub const AGAIN: &str = "Ask for another";
}

/// `/reset/{link}`
#[component]
pub fn ResetPassword() -> impl IntoView {
    let link = link_of_page();
    let found = calls::load(move || link.get(), reset_link);
    view! {
        <Transition fallback=|| view! { <Entrance title=text::TITLE><CardSkeleton /></Entrance> }>
            {move || found.get().map(|found| match found {
                Ok(reset) => view! { <Reset link=link.get_untracked() reset /> }.into_any(),
                Err(AppError::NotFound(_)) => view! {
                    <Entrance title=text::GONE lead=text::GONE_LEAD>
                        <a class="btn" href=paths::FORGOT_PASSWORD>{text::AGAIN}</a>
                    </Entrance>
                }
                .into_any(),
                Err(error) => view! { <main class="content"><Problem error /></main> }.into_any(),
            })}
        </Transition>
    }
}

#[component]
fn Reset(link: String, reset: ResetView) -> impl IntoView {
    let set = calls::action::<server_fns::ResetPassword>();
    let error = calls::failure(set);
    view! {
        <Entrance title=text::TITLE lead=text::LEAD>
            <FormError error fields=&["password"] />
            <ActionForm action=set attr:class="grid gap-4" attr:data-testid="reset-form">
                <input type="hidden" name="link" value=link />
                // Not sent; it tells a password manager whose password this is.
                <div class="field">
                    <label for="reset-email">{text::EMAIL}</label>
                    <input class="input bg-sunken text-ink-2" id="reset-email" type="email" autocomplete="username" readonly=true value=reset.email />
                </div>
                <PasswordField label=text::PASSWORD new=true hint=PASSWORD_HINT error />
                <div>
                    <label class="check"><input type="checkbox" name="end_tokens" value="true" checked=true aria-describedby="tokens-hint" />{text::TOKENS}</label>
                    <p class="hint text-sm text-ink-3" id="tokens-hint">{text::TOKENS_HINT}</p>
                </div>
                <Submit label=text::SUBMIT class="btn primary wide" pending=leaving(set) />
            </ActionForm>
        </Entrance>
    }
}
