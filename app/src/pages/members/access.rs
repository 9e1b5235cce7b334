//! Whether somebody can act, and what is in the way: the same words wherever it is said.

use domain::{
    Timestamp,
    view::{AccessState, ManagedBy},
};
use leptos::prelude::*;

use crate::components::{Ago, Day};

mod text {
    pub const DIRECTORY: &str = "Directory";
    pub const MANUAL: &str = "Manual";
    pub const ACTIVE: &str = "Active";
    pub const INACTIVE: &str = "Inactive";
    pub const BLOCKED: &str = "Blocked";
    pub const PENDING: &str = "Activation pending";
    pub const PENDING_TEXT: &str = "The mail goes out shortly.";
    pub const PENDING_CAPPED: &str = "No mail was sent: this address has had its share for today.";
    pub const PENDING_NO_ADDRESS: &str = "The directory gave no e-mail address. Add one there.";
    pub const SENT: &str = "Activation sent";
    pub const FAILED: &str = "Activation failed";
}

/// A badge with the state, and a few words about it.
#[component]
pub fn Access(
    /// The state.
    access: AccessState,
    /// When it was read.
    now: Timestamp,
) -> impl IntoView {
    let (class, label) = match &access {
        AccessState::Active => ("badge dot good", text::ACTIVE),
        AccessState::ActivationPending { has_address: true, queued: true } => ("badge dot", text::PENDING),
        AccessState::ActivationPending { .. } => ("badge dot warn", text::PENDING),
        AccessState::ActivationSent { .. } => ("badge dot info", text::SENT),
        AccessState::ActivationFailed { .. } => ("badge dot bad", text::FAILED),
        AccessState::Blocked { .. } => ("badge dot bad", text::BLOCKED),
        AccessState::Inactive { .. } => ("badge dot", text::INACTIVE),
    };
    let more = match access {
        AccessState::Active | AccessState::Inactive { since: None } => None,
        AccessState::ActivationPending { has_address: true, queued: true } => Some(text::PENDING_TEXT.into_any()),
        AccessState::ActivationPending { has_address: true, queued: false } => Some(text::PENDING_CAPPED.into_any()),
        AccessState::ActivationPending { has_address: false, .. } => Some(text::PENDING_NO_ADDRESS.into_any()),
        AccessState::ActivationSent { at } => Some(view! { <Ago at now /> }.into_any()),
        AccessState::ActivationFailed { reason } => Some(reason.into_any()),
        AccessState::Blocked { by, at } if by.is_empty() => Some(view! { "since " <Day at /> }.into_any()),
        AccessState::Blocked { by, at } => Some(view! { "by " {by} ", " <Day at /> }.into_any()),
        AccessState::Inactive { since: Some(at) } => Some(view! { "since " <Day at /> }.into_any()),
    };
    view! {
        <span class=class>{label}</span>
        {more.map(|more| view! { <span class="text-xs text-ink-3 text-pretty wrap-anywhere">{more}</span> })}
    }
}

/// Where a profile is kept, in a word.
pub fn managed(by: ManagedBy) -> &'static str {
    match by {
        ManagedBy::Directory => text::DIRECTORY,
        ManagedBy::Manual => text::MANUAL,
    }
}

/// The state as tests look for it.
pub fn state(access: &AccessState) -> &'static str {
    match access {
        AccessState::Active => "active",
        AccessState::ActivationPending { .. } => "activation-pending",
        AccessState::ActivationSent { .. } => "activation-sent",
        AccessState::ActivationFailed { .. } => "activation-failed",
        AccessState::Blocked { .. } => "blocked",
        AccessState::Inactive { .. } => "inactive",
    }
}
