//! Choose an organisation. Each session is for one, so that choosing another begins another.

use domain::view::OrganisationChoice;
use leptos::{prelude::*, server_fn::ServerFn};

use crate::{
    calls,
    components::{CardSkeleton, EmptyState, Entrance, FormError, Problem, initials},
    paths,
    server_fns::{SignOut, SwitchOrganisation, organisations},
};

mod text {
    pub const TITLE: &str = "Your organisations";
    pub const SIGN_OUT: &str = "Sign out";
    pub const CURRENT: &str = "Current";
    pub const NONE: &str = "You are in no organisation";
    pub const NONE_TEXT: &str = "Your access has ended everywhere. An administrator of an organisation can let you in again.";
}

/// `/organisations`
#[component]
pub fn Organisations() -> impl IntoView {
    let choices = calls::load(|| (), |()| organisations());
    // Switching and signing out are plain form posts: what comes next begins with a new document. Only a refusal comes
    // back here.
    let failed = calls::failure(calls::action::<SwitchOrganisation>());
    let sign_out_failed = calls::failure(calls::action::<SignOut>());
    view! {
        <Entrance title=text::TITLE>
            <FormError error=failed />
            <FormError error=sign_out_failed />
            <Transition fallback=CardSkeleton>
                {move || choices.get().map(|choices| match choices {
                    Ok(choices) if choices.is_empty() => view! { <section class="card"><EmptyState title=text::NONE text=text::NONE_TEXT /></section> }.into_any(),
                    Ok(choices) => view! {
                        <ul class="card divide-y divide-line overflow-hidden">
                            {choices.into_iter().map(|choice| view! { <li><Choice choice /></li> }).collect_view()}
                        </ul>
                    }
                    .into_any(),
                    Err(error) => view! { <Problem error /> }.into_any(),
                })}
            </Transition>
            <form class="mt-6" method="post" action=SignOut::url()>
                <button type="submit" class="btn" data-testid="sign-out">{text::SIGN_OUT}</button>
            </form>
        </Entrance>
    }
}

#[component]
fn Choice(choice: OrganisationChoice) -> impl IntoView {
    let OrganisationChoice { name, slug, role, current } = choice;
    let class = "flex w-full cursor-pointer items-center gap-3 px-4 py-3 text-left hover:bg-sunken focus-visible:shadow-[inset_0_0_0_2px_var(--color-accent)]";
    let inner = view! {
        <span class="grid size-7 flex-none place-items-center rounded-sm bg-ink text-xs font-semibold text-bg" aria-hidden="true">
            {initials(name.as_str()).chars().next().map(String::from)}
        </span>
        <span class="min-w-0 flex-1">
            <span class="block truncate font-medium">{name.to_string()}</span>
            <span class="block text-sm text-ink-2">{role.to_string()}</span>
        </span>
        {current.then(|| view! { <span class="badge info">{text::CURRENT}</span> })}
    };
    if current {
        view! { <a class=class href=paths::home(&slug) aria-current="true">{inner}</a> }.into_any()
    } else {
        view! {
            <form method="post" action=SwitchOrganisation::url()>
                <input type="hidden" name="org" value=slug.to_string() />
                <button type="submit" class=class data-testid="switch-organisation">{inner}</button>
            </form>
        }
        .into_any()
    }
}
