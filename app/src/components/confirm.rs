//! A question before something that cannot be taken back.

use leptos::{ev, html, prelude::*};

use super::hydrated;

/// A button that asks before the form in it is sent: in a dialog, or, without a script, in a part that unfolds.
#[component]
pub fn Confirm(
    /// An id of this question's own on the page.
    id: String,
    /// The button.
    label: &'static str,
    /// The look of the button.
    #[prop(default = "btn")]
    class: &'static str,
    /// How tests find the button.
    testid: &'static str,
    /// The question, as the heading of the dialog.
    #[prop(into)]
    question: String,
    /// What follows if the answer is yes.
    #[prop(into)]
    consequence: String,
    /// The way out.
    #[prop(default = "Cancel")]
    cancel: &'static str,
    /// Whether the answer is awaited.
    #[prop(into)]
    pending: Signal<bool>,
    /// The form that does it.
    children: ChildrenFn,
) -> impl IntoView {
    let alive = hydrated();
    let dialog = NodeRef::<html::Dialog>::new();
    let close = move || {
        if let Some(dialog) = dialog.get_untracked() {
            dialog.close();
        }
    };
    let open = move |_| {
        if let Some(dialog) = dialog.get_untracked() {
            let _ = dialog.show_modal();
        }
    };
    move || {
        let (question, consequence, children) = (question.clone(), consequence.clone(), children.clone());
        if !alive.get() {
            return view! {
                <details class="unfold">
                    <summary class=class data-testid=testid>{label}</summary>
                    <div class="question">
                        <p class="font-semibold">{question}</p>
                        <p class="mt-2 mb-4 text-ink-2">{consequence}</p>
                        {children()}
                    </div>
                </details>
            }
            .into_any();
        }
        let heading = format!("{id}-question");
        view! {
            <button type="button" class=class data-testid=testid aria-haspopup="dialog"
                aria-busy=move || pending.get().then_some("true") disabled=pending on:click=open>
                {label}
            </button>
            // It closes when the form is sent: what comes of it is said on the page.
            <dialog class="dialog" node_ref=dialog aria-labelledby=heading.clone() closedby="any" on:submit=move |_: ev::SubmitEvent| close()>
                <h2 id=heading.clone() class="text-lg font-semibold">{question}</h2>
                <p class="mt-2 text-ink-2">{consequence}</p>
                <div class="mt-6 flex flex-wrap justify-end gap-2">
                    <button type="button" class="btn" autofocus=true on:click=move |_| close()>{cancel}</button>
                    {children()}
                </div>
            </dialog>
        }
        .into_any()
    }
}
