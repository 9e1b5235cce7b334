//! The clients that the viewer let in.

use domain::{OrgSlug, Timestamp, view::ApiSessionView};
use leptos::prelude::*;

use crate::{
    components::{Ago, Confirm, EmptyState, Submit, counted},
    paths,
    server_fns::EndApiSession,
};

mod text {
    pub const TITLE: &str = "Clients";
    pub const LEAD: &str = "Programs on your devices that you let in by a code.";
    pub const NONE: &str = "You have let no client in";
    pub const NONE_TEXT: &str = "A program that needs your access shows you a code. Enter it here.";
    pub const ENTER: &str = "Enter a code";
    pub const UNKNOWN: &str = "unknown address";
    pub const END: &str = "End";
    pub const END_TEXT: &str = "Its next request is refused. To act in your name again, it has to show you another code.";
    pub const END_YES: &str = "End access";
}

/// The id of the card's heading.
pub const HEADING: &str = "clients-title";

/// The card.
#[component]
pub fn ClientsCard(
    /// The clients.
    sessions: Vec<ApiSessionView>,
    /// When this was read.
    now: Timestamp,
    /// The organisation.
    org: OrgSlug,
    /// Ends one.
    end: ServerAction<EndApiSession>,
) -> impl IntoView {
    let count = sessions.len() as u64;
    let enter = paths::device(&org);
    let list = if sessions.is_empty() {
        view! { <EmptyState title=text::NONE text=text::NONE_TEXT /> }.into_any()
    } else {
        view! {
            <ul class="list">
                {sessions.into_iter().map(|session| view! { <Client session now org=org.clone() end /> }).collect_view()}
            </ul>
        }
        .into_any()
    };
    view! {
        <section class="card" aria-labelledby=HEADING>
            <div class="head">
                <div class="min-w-0">
                    <h2 id=HEADING tabindex="-1">{text::TITLE}</h2>
                    <p class="sub">{text::LEAD} {(count > 0).then(|| format!(" {}.", counted(count, "client", "clients")))}</p>
                </div>
                <a class="btn md:ml-auto" href=enter>{text::ENTER}</a>
            </div>
            <div>{list}</div>
        </section>
    }
}

#[component]
fn Client(session: ApiSessionView, now: Timestamp, org: OrgSlug, end: ServerAction<EndApiSession>) -> impl IntoView {
    let ApiSessionView { id, client, scopes, device, ip, created_at, last_used_at, expires_at } = session;
    let pending = Signal::derive(move || end.pending().get() && end.input().get().is_some_and(|input| input.session == id));
    let question = format!("End the access of {client}?");
    let may = scopes.iter().map(|scope| scope.title()).collect::<Vec<_>>().join(" · ");
    view! {
        <li data-testid="client">
            <div class="min-w-0">
                <p class="font-medium wrap-anywhere">{client}</p>
                <p class="text-ink-2 wrap-anywhere">
                    {device} " · " {ip.unwrap_or_else(|| text::UNKNOWN.to_owned())} " · used " <Ago at=last_used_at now /> " · let in "
                    <Ago at=created_at now /> " · ends " <Ago at=expires_at now />
                </p>
                <p class="text-ink-3">{may}</p>
            </div>
            <div class="ml-auto flex-none">
                <Confirm id=format!("end-{id}") label=text::END class="btn quiet danger small edge" testid="end-client"
                    question consequence=text::END_TEXT pending>
                    <ActionForm action=end clone:org>
                        <input type="hidden" name="org" value=org.to_string() />
                        <input type="hidden" name="session" value=id.to_string() />
                        <Submit label=text::END_YES class="btn danger" testid="end-client-yes" pending />
                    </ActionForm>
                </Confirm>
            </div>
        </li>
    }
}
