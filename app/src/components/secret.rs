//! Secrets: a form that asks for one, and the one moment when it is shown.
//!
//! A secret is only ever the answer of an action: not a resource, which would be in the server's HTML, and not a form post, which
//! would answer with a document.

use std::time::Duration;

use leptos::{
    ev, html,
    prelude::*,
    web_sys::{FormData, HtmlFormElement},
};

use super::{CopyField, FormError, Submit, hydrated};
use crate::{browser, error::AppError};

const SAVED: &str = "I have saved it";

/// A secret, and what it was called.
#[derive(Clone)]
pub struct Secret {
    /// What it was called.
    pub name: String,
    /// The secret.
    pub secret: String,
}

/// A new secret, while there is one to show.
///
/// It is gone after "I have saved it", after a reload, and after the page was left, also when the browser keeps the whole
/// page in memory to bring it back.
#[component]
pub fn ShownOnce(
    /// The secret, while there is one.
    secret: Signal<Option<Secret>>,
    /// Forgets it.
    forget: impl Fn() + Copy + Send + Sync + 'static,
    /// An id of its own on the page, which is how tests find the secret, too.
    id: &'static str,
    /// The heading, before the name.
    title: &'static str,
    /// Where to take it.
    lead: &'static str,
    /// What it is, for those who hear the button rather than see where it stands.
    what: &'static str,
    /// How tests find the button that says that it is saved.
    saved: &'static str,
    /// The id of what takes the focus then: the button goes with its card.
    then: &'static str,
    /// For those who did not save it.
    #[prop(optional)]
    children: Option<ChildrenFn>,
) -> impl IntoView {
    let card = format!("{id}-card");
    Effect::new(move |_| {
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
    let shown = card.clone();
    Effect::new(move |_| {
        if secret.with(Option::is_some) {
            // Not before the card is there, whichever of the two learns of the secret first.
            let shown = shown.clone();
            set_timeout(move || browser::focus(&shown), Duration::ZERO);
        }
    });
    move || {
        let (card, children) = (card.clone(), children.clone());
        let heading = format!("{id}-title");
        let labelled_by = heading.clone();
        secret.get().map(|Secret { name, secret }| {
            let save = move |_| {
                forget();
                browser::focus(then);
            };
            view! {
                <section class="screen card mt-4 border-accent" id=card tabindex="-1" aria-labelledby=labelled_by>
                    <div class="head">
                        <div class="min-w-0">
                            <h2 id=heading class="wrap-anywhere">{title} " “" {name} "”"</h2>
                            <p class="sub">{lead}</p>
                        </div>
                    </div>
                    <div class="body">
                        <CopyField id text=secret what testid=id />
                        // After the secret, also for those who go from button to button: the next press is not the one that hides it.
                        <div class="mt-4 flex flex-wrap items-center justify-between gap-x-4 gap-y-3">
                            {children.map(|children| children())}
                            <button type="button" class="btn primary ml-auto max-md:w-full" data-testid=saved on:click=save>{SAVED}</button>
                        </div>
                    </div>
                </section>
            }
        })
    }
}

/// Forget a secret that is shown while what it belongs to ends: it is of no use any more. `listed` says whether the page lists it,
/// once that is known; it is read in an effect.
pub fn forget_when_gone(listed: impl Fn() -> Option<bool> + 'static, forget: impl Fn() + 'static) {
    Effect::new(move |before: Option<Option<bool>>| {
        let (now, before) = (listed(), before.flatten());
        if before == Some(true) && now == Some(false) {
            forget();
        }
        now.or(before)
    });
}

/// What was typed into a form that sends itself.
pub struct Typed(FormData);

impl Typed {
    /// What was typed into `form`.
    pub fn of(form: &HtmlFormElement) -> Option<Self> {
        FormData::new_with_form(form).ok().map(Self)
    }

    /// The text of the field `name`.
    pub fn text(&self, name: &str) -> String {
        self.0.get(name).as_string().unwrap_or_default()
    }

    /// What was ticked of the boxes `name`, with spaces between.
    pub fn ticked(&self, name: &str) -> String {
        self.0.get_all(name).iter().filter_map(|value| value.as_string()).collect::<Vec<_>>().join(" ")
    }

    /// The password, where it was asked for.
    pub fn password(&self) -> Option<String> {
        Some(self.text("password")).filter(|password| !password.is_empty())
    }
}

/// Asks for a secret. Not a form that posts: the answer would be a document.
#[component]
pub fn SecretForm(
    /// Asks for it.
    ask: impl Fn(Typed) + 'static,
    /// Whether one is on the page that has not been saved.
    unsaved: Memo<bool>,
    /// What to do about that.
    save_first: &'static str,
    /// Why there can be none at the moment.
    #[prop(default = None)]
    obstacle: Option<&'static str>,
    /// Whether the answer is awaited.
    pending: Signal<bool>,
    /// What went wrong.
    error: Signal<Option<AppError>>,
    /// The fields that say it themselves.
    fields: &'static [&'static str],
    /// What the fields' ids have behind their names.
    #[prop(default = "")]
    place: &'static str,
    /// What is said where there is no script.
    needs_script: &'static str,
    /// The button.
    label: &'static str,
    /// How tests find the button.
    testid: &'static str,
    /// How tests find the form.
    form_testid: &'static str,
    /// Whether the button stands beside the last field, rather than below.
    #[prop(default = true)]
    beside: bool,
    /// The fields.
    children: Children,
) -> impl IntoView {
    let alive = hydrated();
    let form = NodeRef::<html::Form>::new();
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        if let Some(typed) = form.get_untracked().and_then(|form| Typed::of(&form)) {
            ask(typed);
        }
    };
    Effect::new(move |again: Option<()>| {
        if unsaved.get()
            && again.is_some()
            && let Some(form) = form.get_untracked()
        {
            form.reset();
        }
    });
    let reason = move || if unsaved.get() { Some(save_first) } else { obstacle };
    let blocked = Signal::derive(move || reason().is_some() || !alive.get());
    view! {
        <div class="body border-t border-line">
            <FormError error fields place />
            <form class="flex flex-wrap items-start gap-4" data-testid=form_testid node_ref=form on:submit=submit>
                {children()}
                <div class=if beside { "md:pt-6" } else { "w-full" }>
                    <Submit label class="btn primary tall" testid pending disabled=blocked />
                </div>
            </form>
            {move || reason().map(|reason| view! { <p class="mt-3 text-sm text-ink-2" data-testid="issue-obstacle">{reason}</p> })}
            <p class="note warn without-script mt-3">{needs_script}</p>
        </div>
    }
}
