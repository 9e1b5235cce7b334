//! The token that was just issued, at the one moment when its secret is shown.

use domain::{OrgSlug, view::IssuedToken};
use leptos::{ev, prelude::*};

use super::{Issuing, Order, tokens_card};
use crate::{browser, components::CopyField};

mod text {
    pub const TITLE: &str = "Your new token";
    pub const LEAD: &str = "Copy it into your identity provider now. It will not be shown again.";
    pub const SAVED: &str = "I have saved it";
    pub const MISSED: &str = "Missed it? ";
    pub const REISSUE: &str = "Revoke this one and issue another";
}

const CARD: &str = "new-token";

/// The new token, while there is one to show.
///
/// It is gone after "I have saved it", after a reload, and after the page was left, also when the browser keeps the whole
/// page in memory to bring it back.
#[component]
pub fn NewToken(
    /// Holds it.
    issuing: Issuing,
    /// The organisation.
    org: Memo<Option<OrgSlug>>,
) -> impl IntoView {
    Effect::new(move |_| {
        let forget = move || issuing.value().set(None);
        let leaving = window_event_listener(ev::pagehide, move |_| forget());
        // An answer that came while the page was put away.
        let returning = window_event_listener(ev::pageshow, move |event| {
            if event.persisted() {
                forget();
            }
        });
        on_cleanup(move || {
            leaving.remove();
            returning.remove();
        });
    });
    Effect::new(move |_| {
        if issuing.value().with(|answer| matches!(answer, Some(Ok(_)))) {
            browser::focus(CARD);
        }
    });
    view! {
        {move || issuing.value().get().and_then(Result::ok).map(|IssuedToken { secret, token }| {
            let reissue = move |_| {
                if let Some(org) = org.get_untracked() {
                    issuing.dispatch((org, Order::Replace(token.id)));
                }
            };
            // The button goes with its card: the focus moves on to where the token is listed.
            let saved = move |_| {
                issuing.value().set(None);
                browser::focus(tokens_card::HEADING);
            };
            view! {
                <section class="card mt-4 border-accent" id=CARD tabindex="-1" aria-labelledby="new-token-title">
                    <div class="head">
                        <div class="min-w-0">
                            <h2 id="new-token-title">{text::TITLE} " “" {token.name} "”"</h2>
                            <p class="sub">{text::LEAD}</p>
                        </div>
                    </div>
                    <div class="body">
                        <CopyField id="provisioning-token" text=secret what="the token" testid="provisioning-token" />
                        // After the token, also for those who go from button to button: the next press is not the one that hides it.
                        <div class="mt-4 flex flex-wrap items-center justify-between gap-x-4 gap-y-3">
                            <p class="text-sm text-ink-2">
                                {text::MISSED}
                                <button type="button" class="link" data-testid="token-reissue" disabled=issuing.pending() on:click=reissue>{text::REISSUE}</button>
                                "."
                            </p>
                            <button type="button" class="btn primary max-md:w-full" data-testid="token-saved" on:click=saved>{text::SAVED}</button>
                        </div>
                    </div>
                </section>
            }
        })}
    }
}
