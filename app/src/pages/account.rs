//! One's own account: the password, and the second factor. It is the same account in every organisation.

use domain::{
    OrgSlug,
    view::{AccountView, RecoveryCodes, SecondFactorOffer},
};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use super::{
    PASSWORD_HINT,
    second_factor::{Confirming, Offered, Recovery},
};
use crate::{
    browser, calls,
    components::{
        CardSkeleton, Day, Field, FormError, OrgOfPage, OwnerPassword, PageHeader, PasswordField, Problem, SecretForm, Submit, Typed,
    },
    error::AppError,
    server_fns::{self, ChangePassword},
};

mod text {
    pub const TITLE: &str = "Account";
    pub const LEAD: &str = "How you prove who you are. It is the same in every organisation that you belong to.";
    pub const PASSWORD: &str = "Password";
    pub const PASSWORD_LEAD: &str = "Changing it signs every other browser out, and ends what you let in without one.";
    pub const NO_PASSWORD: &str = "You do not sign in with a password.";
    pub const EMAIL: &str = "Your e-mail address";
    pub const CURRENT: &str = "Current password";
    pub const NEW: &str = "New password";
    pub const TOKENS: &str = "End my personal tokens, too";
    pub const TOKENS_HINT: &str = "They go on otherwise. Tick it if somebody else may have known your password.";
    pub const CHANGE: &str = "Change password";
    pub const CHANGED: &str = "Your password is changed. Every other browser was signed out.";
    pub const FACTOR: &str = "Second factor";
    pub const FACTOR_LEAD: &str = "A code beside your password, each time you sign in.";
    pub const OFF: &str = "Off";
    pub const ON: &str = "On";
    pub const SINCE: &str = "Set up";
    pub const CODES_LEFT: &str = "Recovery codes left";
    pub const REQUIRED: &str = "This organisation asks for it.";
    pub const SET_UP: &str = "Set up";
    pub const GO_ON: &str = "Go on";
    pub const WHAT: &str = "What to do";
    pub const NEW_CODES: &str = "Make new recovery codes";
    pub const REPLACE: &str = "Set up another authenticator";
    pub const TURN_OFF: &str = "Turn it off";
    pub const CODE: &str = "Code";
    pub const CODE_HINT: &str = "Of the authenticator that you have, or a recovery code.";
    pub const FRESH: &str = "Changing how you sign in asks for it every 15 minutes.";
    pub const NEEDS_SCRIPT: &str =
        "Setting up a second factor needs JavaScript: its secret is shown once and never written into a page that the server sends.";
}

/// The id of the second factor's heading.
const FACTOR_HEADING: &str = "second-factor-title";

/// What is asked for in the second factor's card.
#[derive(Clone)]
struct Asked {
    org: OrgSlug,
    what: String,
    password: Option<String>,
    code: String,
}

/// What comes of it.
#[derive(Clone)]
enum Done {
    Offer(SecondFactorOffer),
    Codes(RecoveryCodes),
    Off,
}

/// What the second factor's card shows.
#[derive(Clone, PartialEq)]
enum Stage {
    Form,
    Offer(SecondFactorOffer),
    Codes(RecoveryCodes),
}

type Asking = Action<Asked, Result<Done, AppError>>;

/// `/o/{org}/account`
#[component]
pub fn Account() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let account = calls::load(move || org.get(), |org| async move { server_fns::account(OrgOfPage::required(org)?).await });
    let change = calls::action::<ChangePassword>();
    let asking: Asking = Action::new(|asked: &Asked| {
        let Asked { org, what, password, code } = asked.clone();
        async move {
            calls::heed(match what.as_str() {
                "codes" => server_fns::renew_recovery_codes(org, password, code).await.map(Done::Codes),
                "off" => server_fns::turn_off_second_factor(org, password, code).await.map(|()| Done::Off),
                _ => server_fns::offer_second_factor(org, password, Some(code)).await.map(Done::Offer),
            })
        }
    });
    let confirming: Confirming = Action::new(move |code: &String| {
        let (code, org) = (code.clone(), org.get_untracked());
        async move { calls::heed(server_fns::set_up_second_factor(OrgOfPage::required(org)?, code).await) }
    });
    Effect::new(move |_| {
        let off = asking.value().with(|done| matches!(done, Some(Ok(Done::Off | Done::Codes(_)))));
        if off || confirming.value().with(|made| matches!(made, Some(Ok(_)))) {
            account.refetch();
        }
    });
    view! {
        <Transition fallback=|| view! { <PageHeader title=text::TITLE lead=text::LEAD /> <CardSkeleton /> }>
            {move || account.get().map(|account| match (account, org.get()) {
                (Ok(view), Some(org)) => view! {
                    <PageHeader title=text::TITLE lead=text::LEAD />
                    <div class="columns">
                        <PasswordCard view=view.clone() org=org.clone() change />
                        <FactorCard view org asking confirming />
                    </div>
                }
                .into_any(),
                (Err(error), _) => view! { <Problem error /> }.into_any(),
                (Ok(_), None) => ().into_any(),
            })}
        </Transition>
    }
}

#[component]
fn PasswordCard(view: AccountView, org: OrgSlug, change: ServerAction<ChangePassword>) -> impl IntoView {
    let query = use_query_map();
    let error = calls::failure(change);
    let changed = Memo::new(move |_| match change.value().get() {
        Some(answer) => answer.is_ok(),
        None => query.read().get("changed").is_some(),
    });
    let form = if view.has_password {
        view! {
            <FormError error fields=&["password", "new_password"] />
            <ActionForm action=change attr:class="grid max-w-[24rem] gap-4" attr:data-testid="change-password-form">
                <input type="hidden" name="org" value=org.to_string() />
                // Not sent; it tells a password manager whose password this is.
                <div class="field">
                    <label for="account-email">{text::EMAIL}</label>
                    <input class="input bg-sunken text-ink-2" id="account-email" type="email" autocomplete="username" readonly=true value=view.email.unwrap_or_default() />
                </div>
                <PasswordField label=text::CURRENT place="current".to_owned() error />
                <PasswordField label=text::NEW name="new_password" new=true hint=PASSWORD_HINT error />
                <div>
                    <label class="check"><input type="checkbox" name="end_tokens" value="true" aria-describedby="tokens-hint" />{text::TOKENS}</label>
                    <p class="hint text-sm text-ink-3" id="tokens-hint">{text::TOKENS_HINT}</p>
                </div>
                <div><Submit label=text::CHANGE class="btn primary tall" testid="change-password" pending=change.pending() /></div>
            </ActionForm>
        }
        .into_any()
    } else {
        view! { <p class="text-ink-2">{text::NO_PASSWORD}</p> }.into_any()
    };
    view! {
        <section class="card self-start" aria-labelledby="password-title">
            <div class="head">
                <div class="min-w-0">
                    <h2 id="password-title">{text::PASSWORD}</h2>
                    <p class="sub">{text::PASSWORD_LEAD}</p>
                </div>
            </div>
            <div class="body">
                <div role="status">{move || changed.get().then(|| view! { <p class="note good mb-4" data-testid="password-changed">{text::CHANGED}</p> })}</div>
                {form}
            </div>
        </section>
    }
}

#[component]
fn FactorCard(view: AccountView, org: OrgSlug, asking: Asking, confirming: Confirming) -> impl IntoView {
    let has = view.second_factor_since.is_some();
    let error = Signal::derive(move || asking.value().get().and_then(Result::err));
    let ask = move |typed: Typed| {
        let what = if has { typed.text("what") } else { "offer".to_owned() };
        asking.dispatch(Asked { org: org.clone(), what, password: typed.password(), code: typed.text("code") });
    };
    let forget = move |_: String| {
        confirming.value().set(None);
        asking.value().set(None);
        browser::focus(FACTOR_HEADING);
    };
    // What is shown, so that a wrong code draws nothing anew.
    let stage = Memo::new(move |_| match (confirming.value().get(), asking.value().get()) {
        (Some(Ok(codes)), _) | (_, Some(Ok(Done::Codes(codes)))) => Stage::Codes(codes),
        (_, Some(Ok(Done::Offer(offer)))) => Stage::Offer(offer),
        _ => Stage::Form,
    });
    let never = Memo::new(|_| false);
    let facts = view.second_factor_since.map(|since| {
        view! {
            <dl class="facts">
                <dt>{text::SINCE}</dt>
                <dd><Day at=since /></dd>
                <dt>{text::CODES_LEFT}</dt>
                <dd data-testid="recovery-codes-left">{view.recovery_codes}</dd>
            </dl>
        }
    });
    let choices = [(true, "codes", text::NEW_CODES), (true, "replace", text::REPLACE), (!view.required, "off", text::TURN_OFF)];
    view! {
        <section class="card self-start" aria-labelledby=FACTOR_HEADING>
            <div class="head flex-nowrap">
                <div class="min-w-0">
                    <h2 id=FACTOR_HEADING tabindex="-1">{text::FACTOR}</h2>
                    <p class="sub">{text::FACTOR_LEAD}</p>
                </div>
                <span class=if has { "badge good ml-auto shrink-0" } else { "badge ml-auto shrink-0" } data-testid="second-factor-state">{if has { text::ON } else { text::OFF }}</span>
            </div>
            {(has || view.required).then(|| view! {
                <div class="body">
                    {facts}
                    {view.required.then(|| view! { <p class="mt-2 text-sm text-ink-2">{text::REQUIRED}</p> })}
                </div>
            })}
            {move || match stage.get() {
                Stage::Codes(codes) => view! { <div class="body border-t border-line"><Recovery codes done=forget /></div> }.into_any(),
                Stage::Offer(offer) => view! { <div class="body border-t border-line"><Offered offer confirming /></div> }.into_any(),
                Stage::Form => {
                    let ask = ask.clone();
                    view! {
                        <SecretForm ask unsaved=never save_first="" pending=asking.pending().into() error fields=&["code", "password"] place=PLACE
                            needs_script=text::NEEDS_SCRIPT label=if has { text::GO_ON } else { text::SET_UP } testid="second-factor-ask"
                            form_testid="second-factor-form" beside=false>
                            {has.then(|| view! {
                                <div class="field w-full md:w-72">
                                    <label for="field-what">{text::WHAT}</label>
                                    <select class="input" id="field-what" name="what">
                                        {choices.into_iter().filter(|(offered, ..)| *offered).map(|(_, value, label)| view! { <option value=value>{label}</option> }).collect_view()}
                                    </select>
                                </div>
                                <div class="w-full md:w-72">
                                    <Field label=text::CODE name="code" autocomplete="one-time-code" maxlength=40 hint=text::CODE_HINT place=PLACE error />
                                </div>
                            })}
                            <div class="w-full empty:hidden md:w-72"><OwnerPassword error hint=text::FRESH place=PLACE.to_owned() /></div>
                        </SecretForm>
                    }
                    .into_any()
                }
            }}
        </section>
    }
}

/// What the ids of the form's fields have behind their names.
const PLACE: &str = "factor";
