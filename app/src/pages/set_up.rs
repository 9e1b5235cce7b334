//! The first account and the first organisation.

use leptos::prelude::*;

use super::{leaving, link_of_page};
use crate::{
    calls,
    components::{CardSkeleton, Entrance, Field, FormError, PasswordField, Problem, Submit},
    server_fns::{Found, set_up_link},
};

mod text {
    pub const TITLE: &str = "Set up Rollcall";
    pub const LEAD: &str = "Name your organisation and create its first account. You will be its owner.";
    pub const ORG_NAME: &str = "Name of the organisation";
    pub const ORG_NAME_HINT: &str = "As your people know it. It is in the address of its pages, too.";
    pub const NAME: &str = "Your name";
    pub const EMAIL: &str = "Your e-mail address";
    pub const PASSWORD: &str = "Password";
    pub const SUBMIT: &str = "Create the organisation";
    pub const GONE: &str = "This set-up link does not work any more";
    pub const GONE_LEAD: &str = "It has been used, or its time is over.";
    pub const GONE_TEXT: &str = "If nobody has set up Rollcall yet, start the server again: it prints a new link. Otherwise, sign in.";
    pub const SIGN_IN: &str = "Sign in";
}

const FIELDS: &[&str] = &["org_name", "name", "email", "password"];

/// `/set-up/{link}`
#[component]
pub fn SetUp() -> impl IntoView {
    let link = link_of_page();
    let works = calls::load(move || link.get(), set_up_link);
    let found = calls::action::<Found>();
    let error = calls::failure(found);
    view! {
        <Transition fallback=|| view! { <Entrance title=text::TITLE><CardSkeleton /></Entrance> }>
            {move || works.get().map(|works| match works {
                Ok(true) => view! {
                    <Entrance title=text::TITLE lead=text::LEAD>
                        <FormError error fields=FIELDS />
                        <ActionForm action=found attr:class="grid gap-4" attr:data-testid="set-up-form">
                            <input type="hidden" name="link" value=link.get_untracked() />
                            <Field label=text::ORG_NAME name="org_name" autocomplete="organization" maxlength=80 hint=text::ORG_NAME_HINT error />
                            <Field label=text::NAME name="name" autocomplete="name" maxlength=120 error />
                            <Field label=text::EMAIL name="email" kind="email" autocomplete="username" error />
                            <PasswordField label=text::PASSWORD new=true hint=super::PASSWORD_HINT error />
                            <Submit label=text::SUBMIT class="btn primary wide" pending=leaving(found) />
                        </ActionForm>
                    </Entrance>
                }
                .into_any(),
                Ok(false) => view! {
                    <Entrance title=text::GONE lead=text::GONE_LEAD>
                        <p class="mb-4">{text::GONE_TEXT}</p>
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
