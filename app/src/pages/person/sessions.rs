//! Where somebody is signed in.

use domain::{
    MemberId, OrgSlug, Timestamp,
    view::{PersonActions, SessionView},
};
use leptos::prelude::*;

use super::{
    deed::{Deed, Plain},
    deeds::Deeds,
};
use crate::components::{Ago, counted};

mod text {
    pub const TITLE: &str = "Signed in";
    pub const NONE: &str = "Nowhere at the moment.";
    pub const THIS: &str = "this browser";
    pub const UNKNOWN: &str = "unknown address";
    pub const END: &str = "End";
    pub const END_ALL: &str = "End all";
    pub const END_ALL_TEXT: &str = "Whoever sits at one of these devices has to sign in again, with the next request.";
    pub const END_MINE_TEXT: &str = "Every device has to sign in again, and so do you, here, now.";
    pub const YES: &str = "End all sessions";
}

/// The card.
#[component]
pub fn SessionsCard(
    /// The organisation.
    org: OrgSlug,
    /// Whose they are.
    member: MemberId,
    /// The sessions.
    sessions: Vec<SessionView>,
    /// When this was read.
    now: Timestamp,
    /// What the viewer may do.
    may: PersonActions,
    /// Whether they are the viewer's own.
    it_is_me: bool,
    /// What does it.
    deeds: Deeds,
) -> impl IntoView {
    let count = sessions.len() as u64;
    let fields = move || vec![("org", org.to_string()), ("member", member.to_string())];
    let all = (may.end_sessions && count > 1).then(|| view! {
        <div class="ml-auto">
            <Deed id="end-sessions" label=text::END_ALL testid="end-sessions" question=format!("End {}?", counted(count, "session", "sessions"))
                consequence=if it_is_me { text::END_MINE_TEXT } else { text::END_ALL_TEXT } yes=text::YES action=deeds.end_sessions fields=fields() />
        </div>
    });
    view! {
        <section class="card" aria-labelledby="sessions-title">
            <div class="head">
                <h2 id="sessions-title">{text::TITLE}</h2>
                {(count > 0).then(|| view! { <p class="sub">{counted(count, "session", "sessions")}</p> })}
                {all}
            </div>
            {if count == 0 {
                view! { <p class="body text-ink-2">{text::NONE}</p> }.into_any()
            } else {
                view! {
                    <ul class="list">
                        {sessions.into_iter().map(|SessionView { handle, device, ip, last_seen_at, began_at, current }| {
                            let mut fields = fields();
                            fields.push(("session", handle));
                            let what = format!("{}: {device}", text::END);
                            view! {
                                <li data-testid="session">
                                    <div class="min-w-0">
                                        <p class="font-medium wrap-anywhere">
                                            {device}
                                            {current.then(|| view! { <span class="font-normal text-ink-3">" · " {text::THIS}</span> })}
                                        </p>
                                        <p class="text-ink-2">
                                            {ip.unwrap_or_else(|| text::UNKNOWN.to_owned())} " · used " <Ago at=last_seen_at now /> " · signed in " <Ago at=began_at now />
                                        </p>
                                    </div>
                                    {may.end_sessions.then(|| view! {
                                        <div class="ml-auto flex-none">
                                            <Plain action=deeds.end_session fields label=text::END class="btn quiet small edge" testid="end-session" aria_label=what />
                                        </div>
                                    })}
                                </li>
                            }
                        }).collect_view()}
                    </ul>
                }
                .into_any()
            }}
        </section>
    }
}
