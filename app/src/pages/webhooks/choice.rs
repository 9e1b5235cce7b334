//! Which events an endpoint is told, as boxes to tick.

use domain::event::{EndpointFormat, EventGroup, EventTypes};
use leptos::prelude::*;

use crate::{
    components::{at, describedby, input_id},
    error::AppError,
};

mod text {
    pub const EVENTS: &str = "Events";
    pub const ALL: &str = "All events, those of later versions included";
    pub const SOME: &str = "Only these";
}

/// The name of the field, for errors.
const NAME: &str = "types";

/// All events, or a choice among those that the format carries. The boxes show while a choice is wanted; they are called `types[]`.
#[component]
pub fn EventChoice(
    /// What is chosen to begin with.
    chosen: EventTypes,
    /// What the endpoint takes.
    #[prop(into)]
    format: Signal<EndpointFormat>,
    /// What went wrong with the form.
    error: Signal<Option<AppError>>,
) -> impl IntoView {
    let all = chosen.is_all();
    let groups = EventGroup::ALL.into_iter().map(|group| {
        let chosen = chosen.clone();
        let boxes = group.types().map(move |event| {
            let ticked = !all && chosen.contains(event);
            let kept_out = move || !format.get().carries(event);
            view! {
                <label class="check min-w-0" hidden=kept_out>
                    // What the format does not carry is not sent either, also when it was ticked before.
                    <input type="checkbox" name="types[]" value=event.code() checked=ticked disabled=kept_out />
                    <span>{event.title()} " " <code class="font-mono text-xs text-ink-3 wrap-anywhere">{event.code()}</code></span>
                </label>
            }
        });
        view! {
            <fieldset hidden=move || !group.types().any(|event| format.get().carries(event))>
                <legend class="text-sm text-ink-2">{group.title()}</legend>
                <div class="grid gap-x-6 lg:grid-cols-2">{boxes.collect_view()}</div>
            </fieldset>
        }
    });
    view! {
        <fieldset class="choice w-full" id=input_id(NAME) tabindex="-1" aria-describedby=describedby(NAME)>
            <legend class="text-sm font-medium">{text::EVENTS}</legend>
            <div class="flex flex-wrap gap-x-6">
                <label class="check"><input type="radio" name="all" value="true" checked=all />{text::ALL}</label>
                <label class="check"><input type="radio" name="all" value="false" checked=!all />{text::SOME}</label>
            </div>
            <div class="chosen"><div class="mt-2 grid gap-3 border-l border-line pl-4">{groups.collect_view()}</div></div>
            <p class="mt-1 text-sm text-bad" id=format!("{NAME}-error") data-testid="types-error" hidden=move || at(error, NAME).is_none()>
                {move || at(error, NAME)}
            </p>
        </fieldset>
    }
}
