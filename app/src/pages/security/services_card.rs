//! The credentials with which the organisation's own services ask, and the form that issues one.

use domain::{
    OrgSlug, ServiceCredentialId, Timestamp,
    token::Retirement,
    view::{IssuedServiceCredential, ServiceCredentialView},
};
use leptos::prelude::*;

use crate::{
    calls,
    components::{
        Ago, Confirm, CopyField, Day, EmptyState, Field, LastUsed, OwnerPassword, RETIRE, Rotate, Secret, SecretForm, ShownOnce, Submit,
        Typed,
    },
    error::AppError,
    server_fns::{self, RevokeServiceCredential},
};

mod text {
    pub const TITLE: &str = "Service credentials";
    pub const LEAD: &str = "What your own services ask with: whether a token is good, and whether its person may use an agent.";
    pub const ENDPOINT: &str = "Ask at";
    pub const NAME: &str = "Name";
    pub const CREATED: &str = "Created";
    pub const LAST_USED: &str = "Last used";
    pub const ACTIONS: &str = "What you can do";
    pub const EMPTY: &str = "No service credential yet";
    pub const EMPTY_TEXT: &str = "Issue one below for each service that has to know who is behind a token.";
    pub const EMPTY_READ_ONLY: &str = "Owners issue them, one for each service that has to know who is behind a token.";
    pub const ISSUE: &str = "Issue credential";
    pub const SERVICE: &str = "Name of the service";
    pub const PLACEHOLDER: &str = "Build runners";
    pub const UNSAVED: &str = "Save the credential above before you issue another.";
    pub const NEEDS_SCRIPT: &str =
        "Issuing a credential needs JavaScript: its secret is shown once and never written into a page that the server sends.";
    pub const ROTATE_TEXT: &str = "Give the service the new one before the old one stops. Both work until then.";
    pub const REVOKE: &str = "Revoke";
    pub const REVOKE_TEXT: &str =
        "The next question with it is refused. A service that still uses it can let nobody in until you give it another.";
    pub const REVOKE_YES: &str = "Revoke credential";
    pub const NEW: &str = "Your new credential";
    pub const NEW_LEAD: &str = "Give it to the service now. It will not be shown again.";
}

/// The id of the card's heading.
pub const HEADING: &str = "services-title";

/// What an owner asks for.
#[derive(Clone)]
pub enum Order {
    /// A new one, of this name.
    Issue(String),
    /// Another in the place of this one, which stops as the form says.
    Rotate(ServiceCredentialId, String),
}

/// For which organisation she asks for what, with her password where it is asked for.
pub type Asked = (OrgSlug, Order, Option<String>);
/// Asks for credentials.
pub type Issuing = Action<Asked, Result<IssuedServiceCredential, AppError>>;

/// What asks for credentials.
pub fn issuing() -> Issuing {
    Action::new(|(org, order, password): &Asked| {
        let (org, order, password) = (org.clone(), order.clone(), password.clone());
        async move {
            calls::heed(match order {
                Order::Issue(name) => server_fns::issue_service_credential(org, name, password).await,
                Order::Rotate(credential, retire) => server_fns::rotate_service_credential(org, credential, retire, password).await,
            })
        }
    })
}

/// The new credential, while there is one to show.
#[component]
pub fn NewCredential(
    /// Holds it.
    issuing: Issuing,
) -> impl IntoView {
    let secret = Signal::derive(move || {
        let issued = issuing.value().get().and_then(Result::ok);
        issued.map(|issued| Secret { name: issued.credential.name, secret: issued.secret })
    });
    view! {
        <ShownOnce secret forget=move || issuing.value().set(None) id="service-credential" title=text::NEW lead=text::NEW_LEAD
            what="the credential" saved="credential-saved" then=HEADING />
    }
}

/// The credentials' card.
#[component]
pub fn ServicesCard(
    /// The credentials.
    credentials: Vec<ServiceCredentialView>,
    /// When the page was read.
    now: Timestamp,
    /// Where services ask.
    endpoint: String,
    /// The organisation.
    org: OrgSlug,
    /// Whether the viewer may issue and revoke them.
    can_manage: bool,
    /// Issues them.
    issuing: Issuing,
    /// Revokes them.
    revoke: ServerAction<RevokeServiceCredential>,
) -> impl IntoView {
    let rows = if credentials.is_empty() {
        view! { <EmptyState title=text::EMPTY text=if can_manage { text::EMPTY_TEXT } else { text::EMPTY_READ_ONLY } /> }.into_any()
    } else {
        let org = org.clone();
        view! {
            <table class="rows">
                <thead>
                    <tr>
                        <th scope="col">{text::NAME}</th>
                        <th scope="col" class="opt">{text::CREATED}</th>
                        <th scope="col" class="opt">{text::LAST_USED}</th>
                        {can_manage.then(|| view! { <th scope="col"><span class="sr-only">{text::ACTIONS}</span></th> })}
                    </tr>
                </thead>
                <tbody>
                    {credentials.into_iter().map(|credential| view! { <Row credential now org=org.clone() can_manage issuing revoke /> }).collect_view()}
                </tbody>
            </table>
        }
        .into_any()
    };
    view! {
        <section class="card mt-4" aria-labelledby=HEADING>
            <div class="head">
                <div class="min-w-0">
                    <h2 id=HEADING tabindex="-1">{text::TITLE}</h2>
                    <p class="sub">{text::LEAD}</p>
                </div>
            </div>
            <div class="body">
                <dl class="facts">
                    <dt>{text::ENDPOINT}</dt>
                    <dd><CopyField id="introspection-url" text=endpoint what="the address to ask at" testid="introspection-url" /></dd>
                </dl>
            </div>
            <div class="border-t border-line">{rows}</div>
            {can_manage.then(|| view! { <IssueForm org issuing /> })}
        </section>
    }
}

#[component]
fn Row(
    credential: ServiceCredentialView,
    now: Timestamp,
    org: OrgSlug,
    can_manage: bool,
    issuing: Issuing,
    revoke: ServerAction<RevokeServiceCredential>,
) -> impl IntoView {
    let ServiceCredentialView { id, name, hint, created_at, created_by, last_used_at, last_used_ip, retires_at } = credential;
    let pending = Signal::derive(move || revoke.pending().get() && revoke.input().get().is_some_and(|input| input.credential == id));
    let question = format!("Revoke “{name}”?");
    let asked = move |asked: &Asked| matches!(asked.1, Order::Rotate(rotated, _) if rotated == id);
    let rotating = Signal::derive(move || issuing.pending().get() && issuing.input().with(|input| input.as_ref().is_some_and(asked)));
    let unsaved = Signal::derive(move || issuing.value().with(|answer| matches!(answer, Some(Ok(_)))));
    let error = Signal::derive(move || issuing.value().get().and_then(Result::err));
    let (here, called) = (org.clone(), name.clone());
    let rotate = move |typed: Typed| {
        issuing.dispatch((here.clone(), Order::Rotate(id, typed.text(RETIRE)), typed.password()));
    };
    view! {
        <tr data-testid="credential-row">
            <td class="w-full">
                <p class="font-medium wrap-anywhere">{name}</p>
                <p class="font-mono text-xs leading-4 text-ink-3">"rcv_…" {hint}</p>
                // Where there is no room for its column.
                <p class="mt-1 text-xs text-ink-3 md:hidden">"last used: " <LastUsed at=last_used_at now /></p>
                {retires_at.map(|at| view! {
                    <p class="mt-1 text-xs text-warn" data-testid="credential-retires">"replaced, stops " <Ago at now /></p>
                })}
            </td>
            <td class="opt whitespace-nowrap"><Day at=created_at /><p class="text-xs text-ink-3">"by " {created_by}</p></td>
            <td class="opt whitespace-nowrap"><LastUsed at=last_used_at ip=last_used_ip now /></td>
            {can_manage.then(|| view! {
                <td class="end">
                    <div class="flex flex-wrap items-center justify-end gap-x-3 gap-y-1 md:flex-nowrap">
                        {retires_at.is_none().then(|| view! {
                            <Rotate id=format!("rotate-{id}") name=called consequence=text::ROTATE_TEXT retire=Some(Retirement::default()) owner_only=true
                                error blocked=unsaved pending=rotating ask=rotate />
                        })}
                        <Confirm id=format!("revoke-{id}") label=text::REVOKE class="btn quiet danger small edge" testid="revoke-credential"
                            question consequence=text::REVOKE_TEXT pending>
                            <ActionForm action=revoke clone:org>
                                <input type="hidden" name="org" value=org.to_string() />
                                <input type="hidden" name="credential" value=id.to_string() />
                                <OwnerPassword error=calls::failure(revoke) place=id.to_string() />
                                <Submit label=text::REVOKE_YES class="btn danger" testid="revoke-credential-yes" pending />
                            </ActionForm>
                        </Confirm>
                    </div>
                </td>
            })}
        </tr>
    }
}

/// Asks for a credential.
#[component]
fn IssueForm(org: OrgSlug, issuing: Issuing) -> impl IntoView {
    let ask = move |typed: Typed| {
        issuing.dispatch((org.clone(), Order::Issue(typed.text("name")), typed.password()));
    };
    let error = Signal::derive(move || issuing.value().get().and_then(Result::err));
    let unsaved = Memo::new(move |_| issuing.value().with(|answer| matches!(answer, Some(Ok(_)))));
    view! {
        <SecretForm ask unsaved save_first=text::UNSAVED pending=issuing.pending().into() error fields=&["name", "password"] place=PLACE
            needs_script=text::NEEDS_SCRIPT label=text::ISSUE testid="issue-credential" form_testid="issue-credential-form">
            <div class="w-full md:w-64">
                <Field label=text::SERVICE name="name" autocomplete="off" maxlength=60 placeholder=text::PLACEHOLDER place=PLACE error />
            </div>
            <div class="w-full empty:hidden md:w-72"><OwnerPassword error place=PLACE.to_owned() /></div>
        </SecretForm>
    }
}

/// What the ids of the form's fields have behind their names.
const PLACE: &str = "service";
