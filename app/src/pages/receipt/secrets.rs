//! The organisation's own secrets that a leaver knows: what has become of each, and a button for those that still work.

use domain::{
    OrgSlug, Timestamp,
    receipt::{KnownSecret, OrgSecret, SecretState},
    token::Retirement,
    view::SecretOfLeaver,
};
use leptos::prelude::*;

use crate::{
    calls,
    components::{FormError, RETIRE, Rotate, Secret, ShownOnce, Typed},
    error::AppError,
    server_fns,
};

mod text {
    pub const TITLE: &str = "Secrets that she knows";
    pub const LEAD: &str =
        "They belong to the organisation and did not end with her access. Whoever has seen one can use it until it is rotated.";
    pub const NONE: &str = "She had issued none of the organisation’s own secrets that still worked.";
    pub const NEW: &str = "Your new secret";
    pub const NEW_LEAD: &str = "Give it to whoever used the old one. It will not be shown again.";
    pub const SAVE_FIRST: &str = "Save the new secret before you rotate another.";
    pub const NEEDS_SCRIPT: &str =
        "Rotating needs JavaScript: the new secret is shown once and never written into a page that the server sends.";
    pub const TOKEN_TEXT: &str = "Your identity provider needs the new one before the old one stops: without it, it can neither add people nor end access. What she has seen works until then.";
    pub const CREDENTIAL_TEXT: &str = "Its service needs the new one before the old one stops. What she has seen works until then.";
    pub const WEBHOOK_TEXT: &str =
        "Whoever listens needs the new one before the old one stops. With what she has seen, she could pass for us until then.";
    pub const ONLY_OWNERS: &str = "Owners can rotate them.";
    pub const LIVE: &str = "Still works";
    pub const RETIRING: &str = "Replaced";
    pub const REPLACED: &str = "Replaced";
    pub const REVOKED: &str = "Revoked";
    pub const EXPIRED: &str = "Expired";
    pub const GONE: &str = "No longer kept";
}

/// The id of the card's heading.
const HEADING: &str = "secrets-title";

/// Which secret to rotate, of which organisation, when the old one stops, and the owner's password where it is asked for.
pub type Asked = (OrgSlug, OrgSecret, String, Option<String>);
/// Rotates secrets. What it answers is the only place where a secret ever is.
pub type Rotating = Action<Asked, Result<Secret, AppError>>;

/// What rotates secrets.
pub fn rotating() -> Rotating {
    Action::new(|(org, secret, retire, password): &Asked| {
        let (org, secret, retire, password) = (org.clone(), *secret, retire.clone(), password.clone());
        async move {
            calls::heed(match secret {
                OrgSecret::ProvisioningToken(token) => {
                    let issued = server_fns::rotate_token(org, token, retire, password).await;
                    issued.map(|issued| Secret { name: issued.token.name, secret: issued.secret })
                }
                OrgSecret::WebhookSecret(endpoint) => {
                    let issued = server_fns::rotate_webhook_secret(org, endpoint, retire, password).await;
                    issued.map(|issued| Secret { name: issued.endpoint.name, secret: issued.secret.unwrap_or_default() })
                }
                OrgSecret::ServiceCredential(credential) => {
                    let issued = server_fns::rotate_service_credential(org, credential, retire, password).await;
                    issued.map(|issued| Secret { name: issued.credential.name, secret: issued.secret })
                }
            })
        }
    })
}

/// What went wrong, and the new secret while there is one to show.
#[component]
pub fn NewSecret(
    /// Holds it.
    rotating: Rotating,
) -> impl IntoView {
    let secret = Signal::derive(move || rotating.value().get().and_then(Result::ok));
    let error = Signal::derive(move || rotating.value().get().and_then(Result::err));
    view! {
        <FormError error class="mt-4" />
        <ShownOnce secret forget=move || rotating.value().set(None) id="rotated-secret" title=text::NEW lead=text::NEW_LEAD
            what="the secret" saved="rotated-secret-saved" then=HEADING />
    }
}

/// The card.
#[component]
pub fn SecretsCard(
    /// The secrets, each kind by itself.
    secrets: Vec<SecretOfLeaver>,
    /// When this was read.
    now: Timestamp,
    /// Whether the viewer may rotate them.
    can_rotate: bool,
    /// The organisation.
    org: OrgSlug,
    /// Rotates them.
    rotating: Rotating,
) -> impl IntoView {
    let live = secrets.iter().any(|secret| secret.state == SecretState::Live);
    let unsaved = Signal::derive(move || rotating.value().with(|answer| matches!(answer, Some(Ok(_)))));
    let none = secrets.is_empty();
    let lead = match (none, live && !can_rotate) {
        (true, _) => text::NONE.to_owned(),
        (false, true) => format!("{} {} As of {}:", text::LEAD, text::ONLY_OWNERS, now.second()),
        (false, false) => format!("{} As of {}:", text::LEAD, now.second()),
    };
    let list = (!none).then(|| {
        let rows = secrets.into_iter().map(|secret| view! { <Row secret can_rotate org=org.clone() rotating unsaved /> });
        view! { <ul class="list">{rows.collect_view()}</ul> }
    });
    view! {
        <section class="card mt-4" aria-labelledby=HEADING>
            <div class="head">
                <div>
                    <h2 id=HEADING tabindex="-1">{text::TITLE}</h2>
                    <p class="sub">{lead}</p>
                </div>
            </div>
            {list}
            {(live && can_rotate).then(|| view! {
                {move || unsaved.get().then(|| view! { <p class="body border-t border-line text-sm text-ink-2" data-testid="rotate-obstacle">{text::SAVE_FIRST}</p> })}
                <p class="note warn without-script mx-4 mb-4 md:mx-6">{text::NEEDS_SCRIPT}</p>
            })}
        </section>
    }
}

#[component]
fn Row(secret: SecretOfLeaver, can_rotate: bool, org: OrgSlug, rotating: Rotating, unsaved: Signal<bool>) -> impl IntoView {
    let SecretOfLeaver { known: KnownSecret { secret, name, hint }, state } = secret;
    let (class, label, at) = said(state);
    let pending = rotating.pending();
    let mine = Signal::derive(move || pending.get() && rotating.input().get().is_some_and(|(_, asked, ..)| asked == secret));
    let error = Signal::derive(move || rotating.value().get().and_then(Result::err));
    let consequence = match secret {
        OrgSecret::ProvisioningToken(_) => text::TOKEN_TEXT,
        OrgSecret::ServiceCredential(_) => text::CREDENTIAL_TEXT,
        OrgSecret::WebhookSecret(_) => text::WEBHOOK_TEXT,
    };
    // She has left: what she knows is to stop, unless somebody decides otherwise.
    let retire = Some(Retirement::AtOnce);
    let ask = move |typed: Typed| {
        rotating.dispatch((org.clone(), secret, typed.text(RETIRE), typed.password()));
    };
    view! {
        <li data-testid="secret-of-leaver" data-state=state.code().0>
            <div class="min-w-0 flex-1">
                <p class="font-medium wrap-anywhere">{name.clone()}</p>
                <p class="text-ink-2">{secret.kind()} " · " <span class="font-mono text-xs">{secret.prefix()} "…" {hint}</span></p>
                {at.map(|(word, at)| view! { <p class="text-xs text-ink-3">{word} " " <time datetime=at.to_rfc3339()>{at.second()}</time></p> })}
            </div>
            <span class=class>{label}</span>
            {(can_rotate && state == SecretState::Live).then(|| view! {
                <div class="screen flex-none">
                    <Rotate id=format!("rotate-{}", secret.id()) name consequence retire owner_only=true error blocked=unsaved pending=mine ask />
                </div>
            })}
        </li>
    }
}

/// How a state looks, what it is called, and since or until when it is so.
fn said(state: SecretState) -> (&'static str, &'static str, Option<(&'static str, Timestamp)>) {
    match state {
        SecretState::Live => ("badge dot warn", text::LIVE, None),
        SecretState::Retiring { until } => ("badge dot warn", text::RETIRING, Some(("works until", until))),
        SecretState::Replaced { at } => ("badge dot good", text::REPLACED, Some(("stopped", at))),
        SecretState::Revoked { at } => ("badge dot good", text::REVOKED, Some(("stopped", at))),
        SecretState::Expired { at } => ("badge dot good", text::EXPIRED, Some(("ended", at))),
        SecretState::Gone => ("badge", text::GONE, None),
    }
}
