//! `/o/{org}` leads to the organisation's first page.

use leptos::prelude::*;
use leptos_router::components::Redirect;

use crate::{
    components::{OrgOfPage, Problem},
    paths,
};

/// Go on to the members.
#[component]
pub fn Home() -> impl IntoView {
    match OrgOfPage::required(OrgOfPage::current().0.get_untracked()) {
        Ok(org) => view! { <Redirect path=paths::home(&org) /> }.into_any(),
        Err(error) => view! { <Problem error /> }.into_any(),
    }
}
