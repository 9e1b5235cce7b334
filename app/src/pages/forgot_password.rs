//! Ask for a link that sets the password anew. What the page says is the same whether or not there is such an account.

use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::{
    calls,
    components::{Entrance, Field, FormError, Submit},
    paths,
    server_fns::AskReset,
};

mod text {
    pub const TITLE: &str = "Forgot your password?";
    pub const LEAD: &str = "Enter the address that you sign in with. If there is an account, we mail it a link that sets a new password.";
    pub const EMAIL: &str = "E-mail address";
    pub const SUBMIT: &str = "Send the link";
    pub const SENT: &str = "Look at your mail";
    pub const SENT_LEAD: &str = "If there is an account with this address, a link is on its way. It works once, for an hour.";
    pub const SENT_TEXT: &str =
        "No mail? Look among the unwanted ones. An account that was never activated gets none: ask an administrator of your organisation.";
    pub const BACK: &str = "Back to sign-in";
}

/// `/forgot-password`
#[component]
pub fn ForgotPassword() -> impl IntoView {
    let query = use_query_map();
    let ask = calls::action::<AskReset>();
    let error = calls::failure(ask);
    let sent = Memo::new(move |_| query.read().get("sent").is_some() || matches!(ask.value().get(), Some(Ok(()))));
    view! {
        {move || if sent.get() {
            view! {
                <Entrance title=text::SENT lead=text::SENT_LEAD>
                    <p class="mb-4 text-pretty" data-testid="reset-sent">{text::SENT_TEXT}</p>
                    <a class="btn" href=paths::SIGN_IN>{text::BACK}</a>
                </Entrance>
            }
            .into_any()
        } else {
            view! {
                <Entrance title=text::TITLE lead=text::LEAD>
                    <FormError error fields=&["email"] />
                    <ActionForm action=ask attr:class="grid gap-4" attr:data-testid="ask-reset-form">
                        <Field label=text::EMAIL name="email" kind="email" autocomplete="username" error />
                        <Submit label=text::SUBMIT class="btn primary wide" pending=ask.pending() />
                    </ActionForm>
                    <p class="mt-4 text-sm"><a class="link" href=paths::SIGN_IN>{text::BACK}</a></p>
                </Entrance>
            }
            .into_any()
        }}
    }
}
