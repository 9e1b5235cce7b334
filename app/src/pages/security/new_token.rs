//! The token that was just issued, at the one moment when its secret is shown.

use domain::OrgSlug;
use leptos::{ev, prelude::*, web_sys::HtmlFormElement};

use super::{Issuing, Order, tokens_card};
use crate::components::{OwnerPassword, Secret, ShownOnce, Typed};

mod text {
    pub const TITLE: &str = "Your new token";
    pub const LEAD: &str = "Copy it into your identity provider now. It will not be shown again.";
    pub const MISSED: &str = "Missed it? ";
    pub const REISSUE: &str = "Revoke this one and issue another";
}

/// The new token, while there is one to show.
#[component]
pub fn NewToken(
    /// Holds it.
    issuing: Issuing,
    /// The organisation.
    org: Memo<Option<OrgSlug>>,
) -> impl IntoView {
    let secret = Signal::derive(move || {
        let issued = issuing.value().get().and_then(Result::ok);
        issued.map(|issued| Secret { name: issued.token.name, secret: issued.secret })
    });
    let error = Signal::derive(move || issuing.value().get().and_then(Result::err));
    let reissue = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let password = Typed::of(&event_target::<HtmlFormElement>(&event)).and_then(|typed| typed.password());
        let token = issuing.value().get_untracked().and_then(Result::ok).map(|issued| issued.token.id);
        if let Some((org, token)) = org.get_untracked().zip(token) {
            issuing.dispatch((org, Order::Replace(token), password));
        }
    };
    view! {
        <ShownOnce secret forget=move || issuing.value().set(None) id="provisioning-token" title=text::TITLE lead=text::LEAD
            what="the token" saved="token-saved" then=tokens_card::HEADING>
            <form class="grid gap-3 text-sm text-ink-2" on:submit=reissue>
                // A page that was left open asks for the password again.
                <Transition><OwnerPassword error place="reissue".to_owned() /></Transition>
                <p>
                    {text::MISSED}
                    <button type="submit" class="link" data-testid="token-reissue" disabled=issuing.pending()>{text::REISSUE}</button>
                    "."
                </p>
            </form>
        </ShownOnce>
    }
}
