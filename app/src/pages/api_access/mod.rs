//! What acts in the viewer's name without a browser: the clients that she let in, and her personal tokens.

mod clients_card;
mod tokens_card;

use domain::{Invalid, OrgSlug, view::IssuedPersonalToken};
use leptos::prelude::*;

use crate::{
    browser, calls,
    components::{CardSkeleton, FormError, OrgOfPage, PageHeader, Problem, Secret, ShownOnce, forget_when_gone},
    error::AppError,
    server_fns::{self, EndApiSession, RevokePersonalToken},
};
use clients_card::ClientsCard;
use tokens_card::TokensCard;

mod text {
    pub const TITLE: &str = "API access";
    pub const LEAD: &str = "What acts in your name without a browser. It can do no more than you can, and all of it ends with your access.";
    pub const NEW: &str = "Your new token";
    pub const NEW_LEAD: &str = "Copy it to where you need it now. It will not be shown again.";
    pub const NO_SCOPE: &str = "Tick at least one thing that the token may do.";
}

/// What she asks for when she wants a token.
#[derive(Clone)]
struct Asked {
    org: OrgSlug,
    name: String,
    lifetime: String,
    /// With spaces between them.
    scopes: String,
    password: Option<String>,
}

/// Asks for personal tokens.
type Issuing = Action<Asked, Result<IssuedPersonalToken, AppError>>;

/// `/o/{org}/api-access`
#[component]
pub fn ApiAccess() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let access = calls::load(move || org.get(), |org| async move { server_fns::api_access(OrgOfPage::required(org)?).await });
    let end = calls::action::<EndApiSession>();
    let revoke = calls::action::<RevokePersonalToken>();
    let issuing: Issuing = Action::new(|asked: &Asked| {
        let Asked { org, name, lifetime, scopes, password } = asked.clone();
        async move {
            // Nothing named would be everything; whoever ticks nothing means nothing.
            if scopes.is_empty() {
                return Err(AppError::Invalid(Invalid::new("scopes", text::NO_SCOPE)));
            }
            calls::heed(server_fns::issue_personal_token(org, name, lifetime, scopes, password).await)
        }
    });
    Effect::new(move |_| {
        if issuing.version().get() > 0 && issuing.value().with_untracked(|answer| matches!(answer, Some(Ok(_)))) {
            access.refetch();
        }
    });
    calls::refresh(end, access, || browser::focus(clients_card::HEADING));
    calls::refresh(revoke, access, || browser::focus(tokens_card::HEADING));
    forget_when_gone(
        move || {
            let live = access.get()?.ok()?.personal_tokens;
            let shown = issuing.value().get_untracked()?.ok()?.token.id;
            Some(live.iter().any(|token| token.id == shown))
        },
        move || issuing.value().set(None),
    );
    let secret = Signal::derive(move || {
        let issued = issuing.value().get().and_then(Result::ok);
        issued.map(|issued| Secret { name: issued.token.name, secret: issued.secret })
    });
    view! {
        <Transition fallback=|| view! { <PageHeader title=text::TITLE lead=text::LEAD /> <CardSkeleton /> }>
            {move || access.get().map(|access| match (access, org.get()) {
                (Ok(view), Some(org)) => view! {
                    <PageHeader title=text::TITLE lead=text::LEAD />
                    <ClientsCard sessions=view.sessions now=view.now org end />
                }
                .into_any(),
                (Err(error), _) => view! { <Problem error /> }.into_any(),
                (Ok(_), None) => ().into_any(),
            })}
        </Transition>
        <FormError error=calls::failure(end) class="mt-4" />
        <FormError error=calls::failure(revoke) class="mt-4" />
        <ShownOnce secret forget=move || issuing.value().set(None) id="personal-token" title=text::NEW lead=text::NEW_LEAD
            what="the token" saved="token-saved" then=tokens_card::HEADING />
        <Transition>
            {move || access.get().and_then(Result::ok).zip(org.get()).map(|(view, org)| {
                view! { <TokensCard tokens=view.personal_tokens now=view.now org issuing revoke /> }
            })}
        </Transition>
    }
}
