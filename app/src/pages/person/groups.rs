//! The directory's groups that somebody is in.

use domain::{
    OrgSlug, Timestamp,
    view::{GroupOfPerson, ManagedBy},
};
use leptos::prelude::*;

use super::reasons::Request;
use crate::{components::Ago, paths};

mod text {
    pub const TITLE: &str = "Groups in the directory";
    pub const NONE: &str = "In no group of the directory.";
    pub const MANUAL: &str = "In none: nobody whom the directory does not manage is in its groups.";
    pub const NOT_MAPPED: &str = "gives nothing";
}

/// The card.
#[component]
pub fn GroupsCard(
    /// The organisation.
    org: OrgSlug,
    /// The groups.
    groups: Vec<GroupOfPerson>,
    /// When this was read.
    now: Timestamp,
    /// Whether the viewer may open their pages.
    link: bool,
    /// Where her profile is kept.
    managed_by: ManagedBy,
) -> impl IntoView {
    let none = if managed_by == ManagedBy::Manual { text::MANUAL } else { text::NONE };
    view! {
        <section class="card" aria-labelledby="groups-title">
            <div class="head"><h2 id="groups-title">{text::TITLE}</h2></div>
            {if groups.is_empty() {
                view! { <p class="body text-ink-2">{none}</p> }.into_any()
            } else {
                view! {
                    <ul class="list">
                        {groups.into_iter().map(|GroupOfPerson { id, name, since, request_id, gives }| {
                            let gives = if gives.is_empty() { text::NOT_MAPPED.to_owned() } else { format!("gives {}", gives.join(", ")) };
                            let name = match link {
                                true => view! { <a class="link" href=paths::group(&org, id)>{name}</a> }.into_any(),
                                false => name.into_any(),
                            };
                            view! {
                                <li data-testid="group-of-person">
                                    <div class="min-w-0">
                                        <p class="font-medium wrap-anywhere">{name}</p>
                                        <p class="text-ink-2 wrap-anywhere">{gives}</p>
                                    </div>
                                    <div class="ml-auto flex-none text-right text-ink-2">
                                        <Ago at=since now />
                                        {request_id.map(|id| view! { <Request id /> })}
                                    </div>
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
