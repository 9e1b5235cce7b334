//! What the last deprovision drill proved and how long ago, in one line, for those who may know.

use domain::{drill::DrillState, view::LastDrillView};
use leptos::prelude::*;

use super::{Ago, OrgOfPage};
use crate::{calls, error::AppError, paths, server_fns};

mod text {
    pub const LABEL: &str = "Deprovision drill: ";
    pub const NEVER: &str = "never run";
}

/// The last drill, if the viewer may know of it.
pub type LastDrillOfPage = Resource<Result<Option<LastDrillView>, AppError>>;

/// Load it. Read by [`LastDrillLine`], wherever the page has it stand.
pub fn load_last_drill() -> LastDrillOfPage {
    let org = OrgOfPage::current().0;
    calls::load(move || org.get(), |org| async move { server_fns::last_drill(OrgOfPage::required(org)?).await })
}

/// The line. That it cannot be said is no reason to trouble a page that is about something else.
#[component]
pub fn LastDrillLine(
    /// The drill.
    drill: LastDrillOfPage,
) -> impl IntoView {
    let org = OrgOfPage::current().0;
    move || {
        let (LastDrillView { now, drill }, org) = (drill.get()?.ok()??, org.get()?);
        let said = match drill {
            None => view! { <a class="link" href=paths::drills(&org)>{text::NEVER}</a> }.into_any(),
            Some(drill) => {
                let class = if drill.state == DrillState::Passed { "link" } else { "link font-medium text-bad" };
                view! { <a class=class href=paths::drill(&org, drill.id)>{drill.state.as_str()}</a> " " <Ago at=drill.started_at now /> }
                    .into_any()
            }
        };
        Some(view! { <p class="mb-4 text-sm text-ink-2" data-testid="last-drill">{text::LABEL} {said}</p> })
    }
}
