//! The second step of signing in: a code, or setting up what shows one where the organisation asks for it.

use leptos::prelude::*;

use super::{
    leaving,
    second_factor::{Confirming, Offered, Recovery},
};
use crate::{
    browser, calls,
    components::{Entrance, Field, FormError, Submit, hydrated},
    paths, server_fns,
};

mod text {
    pub const TITLE: &str = "Enter your code";
    pub const LEAD: &str = "Your password was right. Now the second factor.";
    pub const CODE: &str = "Code";
    pub const HINT: &str = "The six digits that your authenticator shows, or a recovery code if it is lost.";
    pub const SUBMIT: &str = "Sign in";
    pub const LOST: &str = "Lost both? An administrator cannot help: ask whoever runs this server.";
    pub const BACK: &str = "Back to sign-in";
    pub const SET_UP: &str = "Set up a second factor";
    pub const SET_UP_LEAD: &str =
        "Your organisation asks for one: a code that your phone or password manager shows, beside your password, each time you sign in.";
    pub const BEGIN: &str = "Show the QR code";
    pub const NEEDS_SCRIPT: &str =
        "Setting up a second factor needs JavaScript: its secret is shown once and never written into a page that the server sends.";
}

/// `/sign-in/code`
#[component]
pub fn SignInCode() -> impl IntoView {
    let sign_in = calls::action::<server_fns::SignInCode>();
    let error = calls::failure(sign_in);
    view! {
        <Entrance title=text::TITLE lead=text::LEAD>
            <FormError error fields=&["code"] />
            <ActionForm action=sign_in attr:class="grid gap-4" attr:data-testid="code-form">
                <Field label=text::CODE name="code" autocomplete="one-time-code" maxlength=40 hint=text::HINT error />
                <Submit label=text::SUBMIT class="btn primary wide" pending=leaving(sign_in) />
            </ActionForm>
            <p class="mt-6 text-sm text-ink-2 text-pretty">{text::LOST}</p>
            <p class="mt-2 text-sm"><a class="link" href=paths::SIGN_IN rel="external">{text::BACK}</a></p>
        </Entrance>
    }
}

/// `/sign-in/second-factor`
#[component]
pub fn SignInSetUp() -> impl IntoView {
    let alive = hydrated();
    let offering = Action::new(|(): &()| server_fns::sign_in_offer());
    let confirming: Confirming = Action::new(|code: &String| server_fns::sign_in_set_up(code.clone()));
    let error = Signal::derive(move || offering.value().get().and_then(Result::err));
    // So that a wrong code draws nothing anew.
    let codes = Memo::new(move |_| confirming.value().get().and_then(Result::ok));
    let offer = Memo::new(move |_| offering.value().get().and_then(Result::ok));
    view! {
        <Entrance title=text::SET_UP lead=text::SET_UP_LEAD>
            <FormError error />
            {move || {
                if let Some(codes) = codes.get() {
                    return view! { <Recovery codes done=|next| browser::go(&next) /> }.into_any();
                }
                if let Some(offer) = offer.get() {
                    return view! { <Offered offer confirming /> }.into_any();
                }
                view! {
                    <button type="button" class="btn primary wide" data-testid="second-factor-begin" disabled=move || !alive.get() || offering.pending().get()
                        on:click=move |_| { offering.dispatch(()); }>
                        {text::BEGIN}
                    </button>
                    <p class="note warn without-script mt-3">{text::NEEDS_SCRIPT}</p>
                }
                .into_any()
            }}
            <p class="mt-6 text-sm"><a class="link" href=paths::SIGN_IN rel="external">{text::BACK}</a></p>
        </Entrance>
    }
}
