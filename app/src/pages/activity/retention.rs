//! For how long requests are kept.

use domain::{OrgSlug, activity::ActivityDays, view::ActivityView};
use leptos::prelude::*;

use crate::{
    components::{OwnerPassword, Submit, thousands},
    error::AppError,
    server_fns::KeepActivity,
};

mod text {
    pub const TITLE: &str = "How long requests are kept";
    pub const DAYS: &str = "Keep them for";
    pub const SAVE: &str = "Save";
    pub const MASKED: &str = "Bodies and filters are kept of failed requests only, and masked before they are written: no value of a person, no password and no token is in them.";
}

/// Said once it was changed.
pub const CHANGED: &str = "Requests are kept for as long as you chose. What is older goes within minutes.";

/// The card.
#[component]
pub fn Retention(
    /// The organisation.
    org: OrgSlug,
    /// For how long they are kept now.
    kept: ActivityDays,
    /// Whether the viewer may change it.
    can_manage: bool,
    /// Changes it.
    keep: ServerAction<KeepActivity>,
    /// What was wrong with it the last time.
    error: Signal<Option<AppError>>,
) -> impl IntoView {
    let [newest, most] = [ActivityView::NEWEST_KEPT, ActivityView::MOST_KEPT].map(|count| thousands(count.into()));
    let sentence =
        format!("Each for {kept}: of an organisation its newest {newest}, and of those before them the failures, up to {most} in all.");
    view! {
        <section class="card mt-4" aria-labelledby="retention-title">
            <div class="head">
                <div class="min-w-0">
                    <h2 id="retention-title">{text::TITLE}</h2>
                    <p class="sub" data-testid="kept">{sentence}</p>
                </div>
            </div>
            <div class="body grid gap-4">
                <p class="max-w-[72ch] text-sm text-ink-2 text-pretty">{text::MASKED}</p>
                {can_manage.then(|| view! {
                    <ActionForm action=keep>
                        <input type="hidden" name="org" value=org.to_string() />
                        <div class="flex flex-wrap items-end gap-3">
                            <div class="field">
                                <label for="field-days">{text::DAYS}</label>
                                <select class="input" id="field-days" name="days">
                                    {ActivityDays::ALL.into_iter().map(|choice| view! {
                                        <option value=choice.days().to_string() selected=choice == kept>{choice.to_string()}</option>
                                    }).collect_view()}
                                </select>
                            </div>
                            <OwnerPassword error place="activity".to_owned() />
                            <Submit label=text::SAVE class="btn tall" testid="keep-activity" pending=keep.pending() />
                        </div>
                    </ActionForm>
                })}
            </div>
        </section>
    }
}
