//! What a list is searched and filtered by. A plain form: it asks for another address, with or without a script.

use leptos::{ev, html, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};

mod text {
    pub const LABEL: &str = "Search and filter";
    pub const SEARCH: &str = "Search";
    pub const APPLY: &str = "Apply";
}

/// One thing to choose.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Its name in the address.
    pub name: &'static str,
    /// What is chosen.
    pub label: &'static str,
    /// What it says while nothing is.
    pub any: &'static str,
    /// Values for the address, and what they are called.
    pub options: Vec<(String, String)>,
    /// The value in the address, or none.
    pub chosen: String,
}

/// The form, filled in as the list was asked for.
#[component]
pub fn FilterForm(
    /// Where the list is.
    action: String,
    /// What can be searched for.
    placeholder: &'static str,
    /// What is searched for.
    search: String,
    /// What can be chosen.
    choices: Vec<Choice>,
    /// How tests find it.
    testid: &'static str,
    /// The address of what is asked for, without what is empty in it; what is asked for is given by name.
    to: impl Fn(&dyn Fn(&str) -> Option<String>) -> String + 'static,
) -> impl IntoView {
    let form = NodeRef::<html::Form>::new();
    let input = NodeRef::<html::Input>::new();
    let selects: Vec<(&'static str, NodeRef<html::Select>)> = choices.iter().map(|choice| (choice.name, NodeRef::new())).collect();
    // Where there is much to choose, what is typed has a line of its own.
    let class = if choices.len() > 3 { "toolbar many" } else { "toolbar" };
    let navigate = use_navigate();
    let submit = {
        let selects = selects.clone();
        move |event: ev::SubmitEvent| {
            let Some(input) = input.get_untracked() else { return };
            event.prevent_default();
            let value_of = |name: &str| match name {
                "search" => Some(input.value()),
                name => selects.iter().find(|(known, _)| *known == name)?.1.get_untracked().map(|select| select.value()),
            };
            navigate(&to(&value_of), NavigateOptions { scroll: false, ..NavigateOptions::default() });
        }
    };
    let changed = move |_: ev::Event| {
        if let Some(form) = form.get_untracked() {
            let _ = form.request_submit();
        }
    };
    let choices = choices.into_iter().zip(selects).map(|(choice, (_, node_ref))| {
        let Choice { name, label, any, options, chosen } = choice;
        let none = chosen.is_empty();
        view! {
            <select class="input" name=name id=format!("field-{name}") aria-label=label node_ref=node_ref on:change=changed>
                <option value="" selected=none prop:selected=none>{any}</option>
                {options.into_iter().map(|(value, said)| {
                    let selected = value == chosen;
                    view! { <option value=value selected=selected prop:selected=selected>{said}</option> }
                }).collect_view()}
            </select>
        }
    });
    view! {
        <form class=class method="get" action=action role="search" aria-label=text::LABEL data-testid=testid node_ref=form on:submit=submit>
            <input class="input" type="search" name="search" id="field-search" aria-label=text::SEARCH placeholder=placeholder
                maxlength="300" autocomplete="off" spellcheck="false" value=search.clone() prop:value=search node_ref=input />
            {choices.collect_view()}
            <button type="submit" class="btn tall without-script">{text::APPLY}</button>
        </form>
    }
}
