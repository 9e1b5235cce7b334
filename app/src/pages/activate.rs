//! The page of an activation link. Looking at it changes nothing, since mail scanners look, too; sending the form does.

use domain::view::ActivationView;
use leptos::prelude::*;

use super::{PASSWORD_HINT, leaving, link_of_page};
use crate::{
    calls,
    components::{CardSkeleton, Entrance, FormError, PasswordField, Problem, Submit},
    error::AppError,
    server_fns::{self, activation_link},
};

mod text {
    pub const LOADING: &str = "Activation";
    pub const CHOOSE: &str = "Choose a password, and you are in.";
    pub const PROVE: &str = "You already have an account here. Enter its password to join with it.";
    pub const EMAIL: &str = "Your e-mail address";
    pub const NEW_PASSWORD: &str = "New password";
    pub const PASSWORD: &str = "Your existing password";
    pub const GONE: &str = "This activation link does not work any more";
    pub const GONE_LEAD: &str = "It has been used, it has been replaced by a newer one, or its time is over.";
    pub const GONE_TEXT: &str = "If you have joined already, sign in. Otherwise look for a newer mail, or ask an administrator of your organisation to send the activation mail again.";
    pub const SIGN_IN: &str = "Sign in";
}

/// `/activate/{link}`
#[component]
pub fn Activate() -> impl IntoView {
    let link = link_of_page();
    let found = calls::load(move || link.get(), activation_link);
    view! {
        <Transition fallback=|| view! { <Entrance title=text::LOADING><CardSkeleton /></Entrance> }>
            {move || found.get().map(|found| match found {
                Ok(activation) => view! { <Join link=link.get_untracked() activation /> }.into_any(),
                Err(AppError::NotFound(_)) => view! {
                    <Entrance title=text::GONE lead=text::GONE_LEAD>
                        <p class="mb-4 text-pretty">{text::GONE_TEXT}</p>
                        // From the server: it knows whether somebody is signed in already.
                        <a class="btn" href=crate::paths::SIGN_IN rel="external">{text::SIGN_IN}</a>
                    </Entrance>
                }
                .into_any(),
                Err(error) => view! { <main class="content"><Problem error /></main> }.into_any(),
            })}
        </Transition>
    }
}

#[component]
fn Join(link: String, activation: ActivationView) -> impl IntoView {
    let ActivationView { org_name, email, has_password } = activation;
    let activate = calls::action::<server_fns::Activate>();
    let error = calls::failure(activate);
    let (lead, label, hint) =
        if has_password { (text::PROVE, text::PASSWORD, None) } else { (text::CHOOSE, text::NEW_PASSWORD, Some(PASSWORD_HINT)) };
    view! {
        <Entrance title=format!("Join {org_name}") lead=lead>
            <FormError error fields=&["password"] />
            <ActionForm action=activate attr:class="grid gap-4" attr:data-testid="activate-form">
                <input type="hidden" name="link" value=link />
                // Not sent; it tells a password manager whose password this is.
                <div class="field">
                    <label for="activation-email">{text::EMAIL}</label>
                    <input class="input bg-sunken text-ink-2" id="activation-email" type="email" autocomplete="username" readonly=true value=email />
                </div>
                <PasswordField label new=!has_password hint error />
                <Submit label="Join" class="btn primary wide" pending=leaving(activate) />
            </ActionForm>
        </Entrance>
    }
}
