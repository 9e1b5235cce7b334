//! Settings → Security: SCIM and its tokens, and what services ask with. Owners change them; auditors and administrators look.

mod drill;
mod drills_card;
mod new_token;
mod scim_card;
mod second_factor_card;
mod services_card;
mod tokens_card;

use domain::{
    OrgSlug, Permission, TokenId,
    view::{IssuedToken, ScimStatus},
};
use leptos::prelude::*;

use crate::{
    browser, calls,
    components::{CardSkeleton, FormError, OrgOfPage, PageHeader, Problem, ViewerOfPage, forget_when_gone},
    error::AppError,
    paths,
    server_fns::{self, DisableScim, EnableScim, RestrictToken, RevokeServiceCredential, RevokeToken, RunDrill},
};
pub use drill::Drill;
use drills_card::DrillsCard;
use new_token::NewToken;
use scim_card::ScimCard;
use second_factor_card::SecondFactorCard;
use services_card::{NewCredential, ServicesCard};
use tokens_card::TokensCard;

mod text {
    pub const TITLE: &str = "Security";
    pub const LEAD: &str = "Let your identity provider add people and end their access the moment they leave.";
    pub const DENIED: &str =
        "Security settings are open to auditors, administrators and owners. Ask one of the owners if you need to see them.";
    pub const READ_ONLY: &str = "Only owners change these settings. You can look at them.";
    pub const ONE_OWNER: &str = "One owner only.";
    pub const ONE_OWNER_TEXT: &str = " If this account is lost, nobody can change these settings. Make somebody a second owner who is kept for emergencies and not managed by the identity provider: a break-glass owner stays whatever the directory says. ";
    pub const TO_MEMBERS: &str = "Choose one under Members";
}

/// What an owner asks for when she wants a token.
#[derive(Clone)]
pub enum Order {
    /// A new one.
    Issue {
        /// What to call it.
        name: String,
        /// How long it lives, as the form sends it.
        lifetime: String,
        /// From which networks it may be used, as they were typed.
        allowed_from: String,
    },
    /// Another in the place of this one, which stops as the form says.
    Rotate(TokenId, String),
    /// Another in the place of one that was not saved.
    Replace(TokenId),
}

/// For which organisation she asks for what, with her password where it is asked for.
pub type Asked = (OrgSlug, Order, Option<String>);
/// Asks for tokens. What it answers is the only place where a secret ever is: not a resource, which would be in the
/// server's HTML, and not a form post, which would answer with a document.
pub type Issuing = Action<Asked, Result<IssuedToken, AppError>>;

/// `/o/{org}/settings/security`
#[component]
pub fn Security() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let security = calls::load(move || org.get(), |org| async move { server_fns::security(OrgOfPage::required(org)?).await });
    let enable = calls::action::<EnableScim>();
    let disable = calls::action::<DisableScim>();
    let revoke = calls::action::<RevokeToken>();
    let restrict = calls::action::<RestrictToken>();
    let issuing: Issuing = Action::new(|(org, order, password): &Asked| {
        let (org, order, password) = (org.clone(), order.clone(), password.clone());
        async move {
            calls::heed(match order {
                Order::Issue { name, lifetime, allowed_from } => server_fns::issue_token(org, name, lifetime, allowed_from, password).await,
                Order::Rotate(token, retire) => server_fns::rotate_token(org, token, retire, password).await,
                Order::Replace(token) => server_fns::reissue_token(org, token, password).await,
            })
        }
    });

    let credentials = calls::load(move || org.get(), |org| async move { server_fns::service_credentials(OrgOfPage::required(org)?).await });
    let issuing_credential = services_card::issuing();
    let revoke_credential = calls::action::<RevokeServiceCredential>();

    calls::refresh(enable, security, || browser::focus(scim_card::HEADING));
    calls::refresh(disable, security, || browser::focus(scim_card::HEADING));
    forget_when_revoked(issuing, revoke);
    calls::refresh(revoke, security, || browser::focus(tokens_card::HEADING));
    calls::refresh(restrict, security, || browser::focus(tokens_card::HEADING));
    Effect::new(move |_| {
        if issuing.version().get() > 0 && issuing.value().with_untracked(|answer| matches!(answer, Some(Ok(_)))) {
            security.refetch();
        }
    });

    Effect::new(move |_| {
        if issuing_credential.version().get() > 0 && issuing_credential.value().with_untracked(|answer| matches!(answer, Some(Ok(_)))) {
            credentials.refetch();
        }
    });
    let drills = calls::load(move || org.get(), |org| async move { server_fns::drills(OrgOfPage::required(org)?).await });
    let run_drill = calls::action::<RunDrill>();
    let policy = calls::load(move || org.get(), |org| async move { server_fns::second_factor_policy(OrgOfPage::required(org)?).await });
    let require = calls::action::<server_fns::RequireSecondFactor>();
    calls::refresh(require, policy, || browser::focus("second-factor-policy-title"));
    calls::refresh(revoke_credential, credentials, || browser::focus(services_card::HEADING));
    forget_when_gone(
        move || {
            let live = credentials.get()?.ok()?;
            let shown = issuing_credential.value().get_untracked()?.ok()?.credential.id;
            Some(live.iter().any(|credential| credential.id == shown))
        },
        move || issuing_credential.value().set(None),
    );

    let switching = Signal::derive(move || enable.pending().get() || disable.pending().get());
    view! {
        <Transition fallback=|| view! { <PageHeader title=text::TITLE lead=text::LEAD /> <CardSkeleton /> }>
            {move || security.get().map(|view| match (view, org.get()) {
                (Ok(view), Some(org)) => view! {
                    <PageHeader title=text::TITLE lead=text::LEAD />
                    {(!view.can_manage).then(|| view! { <p class="mb-4 text-sm text-ink-2" data-testid="read-only">{text::READ_ONLY}</p> })}
                    {(view.owners == 1 && view.scim == ScimStatus::Enabled && manages_people()).then(|| view! {
                        <p class="note warn mb-4" data-testid="one-owner">
                            <b class="font-semibold">{text::ONE_OWNER}</b>{text::ONE_OWNER_TEXT}
                            <a class="link" href=paths::members(&org)>{text::TO_MEMBERS}</a>
                        </p>
                    })}
                    <ScimCard view org enable disable pending=switching />
                }
                .into_any(),
                (Err(error), _) => view! { <Problem error denied=text::DENIED /> }.into_any(),
                (Ok(_), None) => ().into_any(),
            })}
        </Transition>
        <FormError error=calls::failure(enable) class="mt-4" />
        <FormError error=calls::failure(disable) class="mt-4" />
        <FormError error=calls::failure(revoke) class="mt-4" />
        <FormError error=calls::failure(restrict) class="mt-4" />
        <NewToken issuing org />
        <Transition>
            {move || security.get().and_then(Result::ok).zip(org.get())
                .filter(|(view, _)| view.scim == ScimStatus::Enabled || !view.tokens.is_empty())
                .map(|(view, org)| view! { <TokensCard view org issuing revoke restrict /> })}
        </Transition>
        <FormError error=calls::failure(revoke_credential) class="mt-4" />
        <NewCredential issuing=issuing_credential />
        <Transition>
            {move || security.get().and_then(Result::ok).zip(credentials.get()).zip(org.get()).map(|((view, credentials), org)| match credentials {
                Ok(credentials) => view! {
                    <ServicesCard credentials now=view.now endpoint=view.introspection_url org can_manage=view.can_manage
                        issuing=issuing_credential revoke=revoke_credential />
                }
                .into_any(),
                Err(error) => view! { <p class="note bad mt-4">{error.to_string()}</p> }.into_any(),
            })}
        </Transition>
        <FormError error=calls::failure(require) class="mt-4" />
        <Transition>
            {move || security.get().and_then(Result::ok).and(policy.get()).zip(org.get()).map(|(policy, org)| match policy {
                Ok(policy) => view! { <SecondFactorCard policy org require /> }.into_any(),
                Err(error) => view! { <p class="note bad mt-4">{error.to_string()}</p> }.into_any(),
            })}
        </Transition>
        <Transition>
            {move || security.get().and_then(Result::ok).and(drills.get()).zip(org.get()).map(|(drills, org)| match drills {
                Ok(view) => view! { <DrillsCard view org run=run_drill /> }.into_any(),
                Err(error) => view! { <p class="note bad mt-4">{error.to_string()}</p> }.into_any(),
            })}
        </Transition>
    }
}

/// Whether the viewer can do something about there being one owner only, or knows whom to ask.
fn manages_people() -> bool {
    ViewerOfPage::get().is_some_and(|viewer| viewer.role.may(Permission::ManageMembers))
}

/// Take a token that was just issued off the page when it is revoked: it is of no use any more.
fn forget_when_revoked(issuing: Issuing, revoke: ServerAction<RevokeToken>) {
    let asked = StoredValue::new(None);
    Effect::new(move |_| {
        if let Some(input) = revoke.input().get() {
            asked.set_value(Some(input.token));
        }
    });
    Effect::new(move |_| {
        let revoked = revoke.version().get() > 0 && revoke.value().with_untracked(|answer| matches!(answer, Some(Ok(()))));
        let shown =
            issuing.value().with_untracked(|answer| answer.as_ref().and_then(|answer| answer.as_ref().ok()).map(|issued| issued.token.id));
        if revoked && shown.is_some() && shown == asked.get_value() {
            issuing.value().set(None);
        }
    });
}
