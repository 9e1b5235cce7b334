//! The endpoint that was just added: its secret, this once, or where its receiver finds the key.

use std::time::Duration;

use domain::OrgSlug;
use leptos::prelude::*;

use super::{LIST, add_form::Adding};
use crate::{
    browser,
    components::{CopyField, Secret, ShownOnce},
    paths,
};

mod text {
    pub const NEW: &str = "The signing secret of";
    pub const NEW_LEAD: &str = "Give it to the receiver now. It will not be shown again.";
    pub const ADDED: &str = "Added:";
    pub const ADDED_LEAD: &str =
        "There is no secret to save: its tokens are signed with a published key. Tell the receiver where it finds it.";
    pub const VERIFY: &str = "It verifies each message with it, by a library of the ";
    pub const STANDARD: &str = "Standard Webhooks specification";
    pub const AS_IN: &str = ", as in JavaScript:";
    pub const SNIPPET: &str = "import { Webhook } from \"standardwebhooks\";\n\n// The body as it came, before anything parsed it.\nconst event = new Webhook(secret).verify(body, headers);";
    pub const OPEN: &str = "Open its page to send a test";
    pub const DONE: &str = "Done";
}

/// The id of the card of an endpoint without a secret.
const CARD: &str = "endpoint-added-card";

/// How a receiver verifies what it is sent.
#[component]
pub fn Snippet() -> impl IntoView {
    view! {
        <p class="text-sm text-ink-2">
            {text::VERIFY}
            // Beside this page, whose secret would be gone on the way back.
            <a class="link" href="https://www.standardwebhooks.com/" target="_blank" rel="noopener noreferrer external">{text::STANDARD}</a>
            {text::AS_IN}
        </p>
        <pre class="snippet mt-2">{text::SNIPPET}</pre>
    }
}

/// The endpoint that was just added, until its secret is saved.
#[component]
pub fn Added(
    /// Holds it.
    adding: Adding,
    /// The organisation.
    org: Memo<Option<OrgSlug>>,
    /// Where the key is published.
    jwks_url: ReadSignal<String>,
) -> impl IntoView {
    let added = move || adding.value().get().and_then(Result::ok);
    let forget = move || adding.value().set(None);
    let secret = Signal::derive(move || {
        let issued = added()?;
        issued.secret.map(|secret| Secret { name: issued.endpoint.name, secret })
    });
    let public = Memo::new(move |_| added().filter(|issued| issued.secret.is_none()).map(|issued| issued.endpoint));
    Effect::new(move |_| {
        if public.with(Option::is_some) {
            set_timeout(|| browser::focus(CARD), Duration::ZERO);
        }
    });
    let done = move |_| {
        forget();
        browser::focus(LIST);
    };
    view! {
        <ShownOnce secret forget id="webhook-secret" title=text::NEW lead=text::NEW_LEAD what="the secret" saved="secret-saved" then=LIST>
            <div class="w-full"><Snippet /></div>
        </ShownOnce>
        // Untracked: the list, which is loaded again now, tells the address once more, and another card would not have the focus.
        {move || public.get().zip(org.get()).map(|(endpoint, org)| view! {
            <section class="card mt-4 border-accent" id=CARD tabindex="-1" aria-labelledby="endpoint-added-title" data-testid="endpoint-added">
                <div class="head">
                    <div class="min-w-0">
                        <h2 id="endpoint-added-title" class="wrap-anywhere">{text::ADDED} " “" {endpoint.name} "”"</h2>
                        <p class="sub">{text::ADDED_LEAD}</p>
                    </div>
                </div>
                <div class="body">
                    <CopyField id="jwks-url" text=jwks_url.get_untracked() what="the address of the key" testid="jwks-url" />
                    <div class="mt-4 flex flex-wrap items-center justify-between gap-x-4 gap-y-3">
                        <a class="link text-sm" href=paths::webhook(&org, endpoint.id)>{text::OPEN}</a>
                        <button type="button" class="btn primary ml-auto max-md:w-full" data-testid="endpoint-added-done" on:click=done>{text::DONE}</button>
                    </div>
                </div>
            </section>
        })}
    }
}
