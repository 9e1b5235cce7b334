//! Setting up a second factor: a QR code, the first code, and the recovery codes. Each is shown once and is never in the server's HTML.

use domain::view::{RecoveryCodes, SecondFactorOffer};
use leptos::{ev, html, prelude::*};

use crate::{
    browser,
    components::{CopyField, Field, FormError, Submit, Typed, hydrated},
    error::AppError,
};

mod text {
    pub const SCAN: &str = "Scan this with an authenticator app, such as the one of your password manager.";
    pub const QR: &str = "QR code of the new authenticator";
    pub const TYPE: &str = "No camera? Type this secret instead:";
    pub const CODE: &str = "The code that it shows";
    pub const CODE_HINT: &str = "Six digits. They change every 30 seconds.";
    pub const CONFIRM: &str = "Turn it on";
    pub const CODES: &str = "Save your recovery codes";
    pub const CODES_TEXT: &str = "Each lets you in once, when your authenticator is lost. Keep them where you keep your most important papers. They will not be shown again.";
    pub const COPY: &str = "Copy all";
    pub const COPIED: &str = "Copied";
    pub const SAVED: &str = "I have saved them";
}

/// Asks for the first code of an authenticator.
pub type Confirming = Action<String, Result<RecoveryCodes, AppError>>;

/// A new authenticator's secret, and the form that asks for its first code.
#[component]
pub fn Offered(
    /// The secret.
    offer: SecondFactorOffer,
    /// Asks.
    confirming: Confirming,
) -> impl IntoView {
    let SecondFactorOffer { secret, side, dark } = offer;
    let error = Signal::derive(move || confirming.value().get().and_then(Result::err));
    let form = NodeRef::<html::Form>::new();
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if let Some(typed) = form.get_untracked().and_then(|form| Typed::of(&form)) {
            confirming.dispatch(typed.text("code"));
        }
    };
    // A quiet zone of four modules, which readers need.
    let view_box = format!("-4 -4 {0} {0}", side + 8);
    let grouped = secret.as_bytes().chunks(4).map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ");
    view! {
        <div class="grid gap-4" data-testid="second-factor-offer">
            <p class="text-pretty">{text::SCAN}</p>
            // Dark on light in either theme: not every reader takes the other way round.
            <svg viewBox=view_box width="208" height="208" role="img" aria-label=text::QR class="rounded-md border border-line" shape-rendering="crispEdges">
                <rect x="-4" y="-4" width="100%" height="100%" fill="#fff" />
                <path d=dark fill="#000" />
            </svg>
            <div>
                <p class="mb-1 text-sm text-ink-2">{text::TYPE}</p>
                <CopyField id="second-factor-secret" text=grouped what="the secret" testid="second-factor-secret" />
            </div>
            <FormError error fields=&["code"] />
            <form class="grid gap-4" node_ref=form on:submit=submit data-testid="second-factor-confirm">
                <Field label=text::CODE name="code" autocomplete="one-time-code" inputmode="numeric" maxlength=12 hint=text::CODE_HINT error />
                <Submit label=text::CONFIRM class="btn primary" pending=confirming.pending() disabled=Signal::derive(move || !hydrated().get()) />
            </form>
        </div>
    }
}

/// Recovery codes, while there are some to show.
#[component]
pub fn Recovery(
    /// The codes.
    codes: RecoveryCodes,
    /// What comes once they are saved.
    done: impl Fn(String) + 'static,
) -> impl IntoView {
    let RecoveryCodes { codes, next } = codes;
    let all = codes.join("\n");
    let (copied, set_copied) = signal(false);
    let copy = move |_| {
        let all = all.clone();
        leptos::task::spawn_local(async move {
            if browser::copy(&all, "recovery-codes").await {
                set_copied.set(true);
            }
        });
    };
    view! {
        <div class="grid gap-4" data-testid="recovery">
            <div>
                <h3 class="font-semibold" tabindex="-1" id="recovery-title">{text::CODES}</h3>
                <p class="mt-1 text-ink-2 text-pretty">{text::CODES_TEXT}</p>
            </div>
            <ul id="recovery-codes" class="grid grid-cols-1 gap-x-6 gap-y-1 rounded-md bg-sunken p-4 font-mono text-sm sm:grid-cols-2">
                {codes.into_iter().map(|code| view! { <li data-testid="recovery-code">{code}</li> }).collect_view()}
            </ul>
            <div class="flex flex-wrap gap-2">
                <button type="button" class="btn" on:click=copy>{move || if copied.get() { text::COPIED } else { text::COPY }}</button>
                <button type="button" class="btn primary" data-testid="recovery-saved" on:click=move |_| done(next.clone())>{text::SAVED}</button>
            </div>
        </div>
    }
}
