//! What an owner changes about an endpoint: its name, address and events, its secret, and whether there is one.

use domain::{
    OrgSlug, Timestamp, WebhookEndpointId,
    event::EndpointFormat,
    token::Retirement,
    view::{EndpointView, IssuedEndpoint},
};
use leptos::prelude::*;

use super::{super::leaving, added::Snippet, choice::EventChoice, endpoint::Actions};
use crate::{
    calls,
    components::{Confirm, Field, FormError, OwnerPassword, RETIRE, RetireField, Secret, SecretForm, ShownOnce, Submit, Typed, counted},
    error::AppError,
    server_fns,
};

mod text {
    pub const TITLE: &str = "The endpoint itself";
    pub const NAME: &str = "Name";
    pub const URL: &str = "Address";
    pub const SAVE: &str = "Save";
    pub const ROTATE: &str = "Rotate secret";
    pub const ROTATE_TEXT: &str = "A new secret takes the place of the present one. Until the old one stops both sign, so that nothing is lost while you change it at the receiver.";
    pub const UNSAVED: &str = "Save the new secret above first.";
    pub const BOTH_SIGN: &str = "The secret before still signs. Until it has stopped, rotating again can only stop the old ones at once.";
    pub const NEEDS_SCRIPT: &str =
        "Rotating a secret needs JavaScript: the new one is shown once and never written into a page that the server sends.";
    pub const NEW: &str = "The new signing secret of";
    pub const NEW_LEAD: &str = "Give it to the receiver now. It will not be shown again.";
    pub const DELETE: &str = "Delete endpoint";
    pub const DELETE_LEAD: &str = "It is told nothing any more, and the log of its deliveries goes with it.";
}

/// The id of the card's heading.
pub const HEADING: &str = "endpoint-settings-title";

/// Rotates a secret: the organisation, the endpoint, when the old secret stops, and the password where it is asked for.
pub type Rotating = Action<Asked, Result<IssuedEndpoint, AppError>>;
type Asked = (OrgSlug, WebhookEndpointId, String, Option<String>);

/// What rotates secrets.
pub fn rotating() -> Rotating {
    Action::new(|(org, endpoint, retire, password): &Asked| {
        let (org, endpoint, retire, password) = (org.clone(), *endpoint, retire.clone(), password.clone());
        async move { calls::heed(server_fns::rotate_webhook_secret(org, endpoint, retire, password).await) }
    })
}

/// The new secret, while there is one to show.
#[component]
pub fn NewSecret(
    /// Holds it.
    rotating: Rotating,
) -> impl IntoView {
    let issued = move || rotating.value().get().and_then(Result::ok);
    let secret = Signal::derive(move || {
        let issued = issued()?;
        issued.secret.map(|secret| Secret { name: issued.endpoint.name, secret })
    });
    let until = move || {
        issued()
            .and_then(|issued| issued.endpoint.previous_until)
            .map(|until| format!("Until {}, each message carries two signatures: by this secret, and by the one before.", until.second()))
    };
    view! {
        <ShownOnce secret forget=move || rotating.value().set(None) id="webhook-secret" title=text::NEW lead=text::NEW_LEAD
            what="the secret" saved="secret-saved" then=HEADING>
            <div class="w-full">
                <p class="mb-3 text-sm" data-testid="both-sign-until">{until}</p>
                <Snippet />
            </div>
        </ShownOnce>
    }
}

/// The card.
#[component]
pub fn Settings(
    /// The endpoint.
    endpoint: EndpointView,
    /// When this was read.
    now: Timestamp,
    /// The organisation.
    org: OrgSlug,
    /// What can be done to it.
    actions: Actions,
) -> impl IntoView {
    let Actions { change, delete, rotate, .. } = actions;
    let error = calls::failure(change);
    let EndpointView { id, name, url, format, types, previous_until, waiting, .. } = endpoint;
    let question = format!("Delete “{name}”?");
    let consequence = consequence(waiting);
    let deleting = leaving(delete);
    let its_org = org.to_string();
    let rotation = (format == EndpointFormat::Webhook).then(|| {
        let both_sign = previous_until.is_some_and(|until| until > now);
        view! { <Rotate id org=org.clone() both_sign rotating=rotate /> }
    });
    view! {
        <section class="card mt-4" aria-labelledby=HEADING>
            <div class="head"><h2 id=HEADING tabindex="-1">{text::TITLE}</h2></div>
            <div class="body">
                <FormError error fields=&["name", "url", "types", "password"] />
                <ActionForm action=change attr:class="flex flex-wrap items-start gap-4" attr:data-testid="change-endpoint-form">
                    <input type="hidden" name="org" value=org.to_string() />
                    <input type="hidden" name="endpoint" value=id.to_string() />
                    <div class="w-full md:w-64">
                        <Field label=text::NAME name="name" autocomplete="off" maxlength=60 value=name error />
                    </div>
                    <div class="w-full md:max-w-[56ch] md:flex-1">
                        <Field label=text::URL name="url" kind="url" autocomplete="off" value=url error />
                    </div>
                    <EventChoice chosen=types format=Signal::derive(move || format) error />
                    <div class="w-full empty:hidden md:w-72"><OwnerPassword error /></div>
                    <div class="w-full"><Submit label=text::SAVE class="btn tall" testid="save-endpoint" pending=change.pending() /></div>
                </ActionForm>
            </div>
            {rotation}
            <div class="body flex flex-wrap items-center justify-between gap-3 border-t border-line">
                <p class="max-w-[56ch] text-ink-2">{text::DELETE_LEAD}</p>
                <Confirm id="delete-endpoint".to_owned() label=text::DELETE class="btn danger" testid="delete-endpoint" question consequence pending=deleting>
                    <ActionForm action=delete clone:its_org>
                        <input type="hidden" name="org" value=its_org />
                        <input type="hidden" name="endpoint" value=id.to_string() />
                        <OwnerPassword error=calls::failure(delete) place="delete".to_owned() />
                        <Submit label=text::DELETE class="btn danger" testid="delete-endpoint-yes" pending=deleting />
                    </ActionForm>
                </Confirm>
            </div>
        </section>
    }
}

/// Asks for another secret.
#[component]
fn Rotate(id: WebhookEndpointId, org: OrgSlug, both_sign: bool, rotating: Rotating) -> impl IntoView {
    const PLACE: &str = "rotate";
    let ask = move |typed: Typed| {
        rotating.dispatch((org.clone(), id, typed.text(RETIRE), typed.password()));
    };
    let error = Signal::derive(move || rotating.value().get().and_then(Result::err));
    let unsaved = Memo::new(move |_| rotating.value().with(|answer| matches!(answer, Some(Ok(_)))));
    view! {
        <SecretForm ask unsaved save_first=text::UNSAVED pending=rotating.pending().into() error
            fields=&["password"] place=PLACE needs_script=text::NEEDS_SCRIPT label=text::ROTATE testid="rotate-secret"
            form_testid="rotate-secret-form" beside=false>
            <p class="max-w-[72ch] text-ink-2">{if both_sign { text::BOTH_SIGN } else { text::ROTATE_TEXT }}</p>
            <div class="w-full md:w-64"><RetireField id="retire-rotate".to_owned() chosen=if both_sign { Retirement::AtOnce } else { Retirement::default() } /></div>
            <div class="w-full empty:hidden md:w-72"><OwnerPassword error place=PLACE.to_owned() /></div>
        </SecretForm>
    }
}

/// What goes with an endpoint.
fn consequence(waiting: u64) -> String {
    match waiting {
        0 => "Nothing waits for it. The log of its deliveries goes with it.".to_owned(),
        many => format!(
            "{} dropped, and the log goes with it. To keep them, switch the endpoint off instead.",
            counted(many, "delivery that waits is", "deliveries that wait are")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::consequence;

    #[test]
    fn the_question_counts_what_is_dropped() {
        assert!(consequence(0).starts_with("Nothing waits"));
        assert!(consequence(1).starts_with("1 delivery that waits is dropped"));
        assert!(consequence(1_200).starts_with("1,200 deliveries that wait are dropped"));
    }
}
