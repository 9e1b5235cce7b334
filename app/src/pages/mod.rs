//! What one visits. The sentences of a page stand together at the head of its file.

mod account;
mod activate;
mod activity;
mod agents;
mod api_access;
mod audit;
mod device;
mod forgot_password;
mod groups;
mod home;
mod integrations;
mod members;
mod organisations;
mod person;
mod receipt;
mod reset_password;
mod second_factor;
mod security;
mod set_up;
mod sign_in;
mod sign_in_code;
mod teams;
mod webhooks;

pub use account::Account;
pub use activate::Activate;
pub use activity::{Activity, ActivityRequest};
pub use agents::{Agent, Agents};
pub use api_access::ApiAccess;
pub use audit::Audit;
pub use device::Device;
pub use forgot_password::ForgotPassword;
pub use groups::{Group, Groups};
pub use home::Home;
pub use integrations::{Integrations, Preview};
pub use members::{Invite, Members};
pub use organisations::Organisations;
pub use person::Person;
pub use receipt::Receipt;
pub use reset_password::ResetPassword;
pub use security::{Drill, Security};
pub use set_up::SetUp;
pub use sign_in::SignIn;
pub use sign_in_code::{SignInCode, SignInSetUp};
pub use teams::{Team, Teams};
pub use webhooks::{Delivery, Endpoint, Webhooks};

use leptos::prelude::*;
use leptos_router::hooks::use_params_map;

use crate::error::AppError;

/// The secret link in the page's URL.
fn link_of_page() -> Memo<String> {
    let params = use_params_map();
    Memo::new(move |_| params.read().get("link").unwrap_or_default())
}

/// Whether a form that leads to another page is on its way there: from the moment it is sent until it has been refused.
fn leaving<S>(action: ServerAction<S>) -> Signal<bool>
where
    S: leptos::server_fn::ServerFn<Error = AppError, Output = ()> + Clone + Send + Sync + 'static,
{
    Signal::derive(move || action.pending().get() || matches!(action.value().get(), Some(Ok(()))))
}

/// What a new password must be.
const PASSWORD_HINT: &str = "At least 12 characters. A few unrelated words make a good passphrase.";
