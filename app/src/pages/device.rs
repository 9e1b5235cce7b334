//! Let a device in: it shows a code, and somebody who is signed in here types it and says yes (RFC 8628).

use std::time::Duration;

use domain::{Invalid, OrgSlug, view::DeviceRequestView};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;

use crate::{
    browser, calls,
    components::{Ago, CardSkeleton, Field, FormError, OrgOfPage, PageHeader, Problem, Submit, ViewerOfPage},
    error::AppError,
    paths,
    server_fns::{self, ApproveDevice, DenyDevice},
};

mod text {
    pub const TITLE: &str = "Let a device in";
    pub const LEAD: &str = "A program that has no browser of its own shows you a code. Type it here, look at what asks, and decide whether it may act in your name.";
    pub const CODE: &str = "Code";
    pub const CODE_HINT: &str = "Eight letters, as the device shows them.";
    pub const PLACEHOLDER: &str = "WDJB-MJHT";
    pub const CONTINUE: &str = "Continue";
    pub const NOBODY: &str =
        "No device is waiting with this code. It was answered already, its ten minutes are over, or a letter is wrong.";
    pub const NOT_YOURS: &str =
        "You may not use this agent yourself, so it cannot act in your name. Ask an administrator to give you access to it.";
    pub const WARNING: &str =
        "Only say yes if you started this yourself, on a device in front of you. Nobody from support ever asks you to.";
    pub const MAY: &str = "It would be let do this, as you";
    pub const CODE_SHOWN: &str = "It shows";
    pub const ORGANISATION: &str = "Into";
    pub const DEVICE: &str = "Device";
    pub const ADDRESS: &str = "Address";
    pub const ASKED: &str = "Asked";
    pub const UNKNOWN: &str = "unknown";
    pub const YES: &str = "Let it in";
    pub const NO: &str = "Do not let it in";
    pub const OTHER: &str = "Another code";
    pub const OTHER_ORGANISATION: &str = "Not the organisation that you meant? ";
    pub const SWITCH: &str = "Change it";
    pub const THEN_AGAIN: &str = ", then enter the code again.";
    pub const LET_IN: &str = "It is in";
    pub const LET_IN_TEXT: &str = "Go back to your device. You see it under API access, where you can end it at any time.";
    pub const KEPT_OUT: &str = "It was not let in";
    pub const KEPT_OUT_TEXT: &str = "It hears so the next time that it asks. If you did not start this yourself, somebody may have tried to act in your name: tell an administrator.";
    pub const TO_API_ACCESS: &str = "API access";
}

/// The id of what is said once it is answered.
const ANSWERED: &str = "answered";

/// `/o/{org}/device?code=`
#[component]
pub fn Device() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let query = use_query_map();
    let code = Memo::new(move |_| query.read().get("code").map(|code| code.trim().to_owned()).filter(|code| !code.is_empty()));
    // What was answered, for a browser without scripts: it is led here.
    let answer = Memo::new(move |_| query.read().get("answer").map(|answer| answer == "yes"));
    let asked = calls::load(
        move || (org.get(), code.get()),
        |(org, code)| async move {
            let org = OrgOfPage::required(org)?;
            match code {
                Some(code) => server_fns::device_request(org, code).await.map(Some),
                None => Ok(None),
            }
        },
    );
    let actions = Actions { approve: calls::action::<ApproveDevice>(), deny: calls::action::<DenyDevice>() };
    Effect::new(move |_| {
        if actions.answered().is_some() {
            // Not before it is said, whichever of the two learns of the answer first.
            set_timeout(|| browser::focus(ANSWERED), Duration::ZERO);
        }
    });
    view! {
        <Transition fallback=|| view! { <PageHeader title=text::TITLE lead=text::LEAD /> <CardSkeleton /> }>
            {move || asked.get().map(|asked| match (asked, org.get()) {
                (Ok(Some(request)), Some(org)) => view! {
                    <PageHeader title=text::TITLE lead=text::LEAD />
                    <Asked request org actions />
                }
                .into_any(),
                (Ok(None), Some(org)) => match answer.get() {
                    Some(let_in) => view! {
                        <PageHeader title=text::TITLE lead=text::LEAD />
                        <Answered let_in org />
                    }
                    .into_any(),
                    None => form(org, None, None).into_any(),
                },
                (Err(error @ (AppError::NotFound(_) | AppError::Invalid(_) | AppError::Throttled(_))), Some(org)) => {
                    form(org, code.get(), Some(at_the_code(error))).into_any()
                }
                (Err(error), _) => view! { <Problem error /> }.into_any(),
                (Ok(_), None) => ().into_any(),
            })}
        </Transition>
    }
}

/// What can be answered.
#[derive(Clone, Copy)]
struct Actions {
    approve: ServerAction<ApproveDevice>,
    deny: ServerAction<DenyDevice>,
}

impl Actions {
    /// Whether it was let in, once that is decided.
    fn answered(self) -> Option<bool> {
        let done = |answer: Option<Result<(), AppError>>| matches!(answer, Some(Ok(())));
        if done(self.approve.value().get()) { Some(true) } else { done(self.deny.value().get()).then_some(false) }
    }
}

/// The error, said at the field of the code where that is what is wrong.
fn at_the_code(error: AppError) -> AppError {
    match error {
        AppError::NotFound(_) => AppError::Invalid(Invalid::new("code", text::NOBODY)),
        AppError::Invalid(invalid) => AppError::Invalid(Invalid::new("code", &invalid.sentence)),
        other => other,
    }
}

/// Asks for the code. It needs no script: the code goes into the page's address.
fn form(org: OrgSlug, code: Option<String>, error: Option<AppError>) -> impl IntoView {
    let error = Signal::stored(error);
    view! {
        <PageHeader title=text::TITLE lead=text::LEAD />
        <section class="card" aria-label=text::TITLE>
            <div class="body">
                <FormError error fields=&["code"] />
                <form class="flex flex-wrap items-start gap-4" method="get" action=paths::device(&org) data-testid="code-form">
                    <div class="w-full md:w-72">
                        <Field label=text::CODE name="code" autocomplete="off" hint=text::CODE_HINT maxlength=20 placeholder=text::PLACEHOLDER
                            value=code.unwrap_or_default() error />
                    </div>
                    <div class="md:pt-6"><Submit label=text::CONTINUE class="btn primary tall" pending=false /></div>
                </form>
            </div>
        </section>
    }
}

#[component]
fn Asked(request: DeviceRequestView, org: OrgSlug, actions: Actions) -> impl IntoView {
    move || match actions.answered() {
        None => view! { <Question request=request.clone() org=org.clone() actions /> }.into_any(),
        Some(let_in) => view! { <Answered let_in org=org.clone() /> }.into_any(),
    }
}

/// What came of it.
#[component]
fn Answered(let_in: bool, org: OrgSlug) -> impl IntoView {
    let (title, sentence) = if let_in { (text::LET_IN, text::LET_IN_TEXT) } else { (text::KEPT_OUT, text::KEPT_OUT_TEXT) };
    view! {
        <section class="card" id=ANSWERED tabindex="-1" aria-labelledby="answered-title" data-testid="answered">
            <div class="body">
                <h2 id="answered-title">{title}</h2>
                <p class="mt-1 max-w-[64ch] text-ink-2 text-pretty">{sentence}</p>
                <div class="mt-4 flex flex-wrap gap-2">
                    <a class="btn" href=paths::api_access(&org)>{text::TO_API_ACCESS}</a>
                    <a class="btn quiet" href=paths::device(&org) rel="external">{text::OTHER}</a>
                </div>
            </div>
        </section>
    }
}

/// What asks, and the two answers.
#[component]
fn Question(request: DeviceRequestView, org: OrgSlug, actions: Actions) -> impl IntoView {
    let Actions { approve, deny } = actions;
    let DeviceRequestView { now, user_code, org_name, client, scopes, device, ip, asked_at, expires_at } = request;
    let refused = Signal::derive(move || {
        let yes = calls::failure(approve).get().map(|error| match error {
            AppError::Denied => AppError::Conflict(text::NOT_YOURS.to_owned()),
            other => other,
        });
        yes.or_else(|| calls::failure(deny).get()).map(|error| match error {
            AppError::NotFound(_) => AppError::Conflict(text::NOBODY.to_owned()),
            other => other,
        })
    });
    let pending = Signal::derive(move || approve.pending().get() || deny.pending().get());
    let elsewhere = move || ViewerOfPage::get().is_some_and(|viewer| viewer.organisations > 1);
    let of = org.to_string();
    let fields = view! {
        <input type="hidden" name="org" value=of.clone() />
        <input type="hidden" name="user_code" value=user_code.clone() />
    };
    let same_fields = view! {
        <input type="hidden" name="org" value=of />
        <input type="hidden" name="user_code" value=user_code.clone() />
    };
    view! {
        <section class="card" aria-labelledby="question-title" data-testid="device-request">
            <div class="head">
                <h2 id="question-title" class="wrap-anywhere">{client} " asks to be let in"</h2>
            </div>
            <div class="body">
                <dl class="facts">
                    <dt>{text::CODE_SHOWN}</dt>
                    <dd class="font-mono">{user_code}</dd>
                    <dt>{text::ORGANISATION}</dt>
                    <dd class="wrap-anywhere">
                        <span class="font-semibold">{org_name.to_string()}</span>
                        {move || elsewhere().then(|| view! {
                            <span class="block text-sm text-ink-2">
                                {text::OTHER_ORGANISATION}<a class="link" href=paths::ORGANISATIONS>{text::SWITCH}</a>{text::THEN_AGAIN}
                            </span>
                        })}
                    </dd>
                    <dt>{text::DEVICE}</dt>
                    <dd class="wrap-anywhere">{device}</dd>
                    <dt>{text::ADDRESS}</dt>
                    <dd>{ip.unwrap_or_else(|| text::UNKNOWN.to_owned())}</dd>
                    <dt>{text::ASKED}</dt>
                    <dd><Ago at=asked_at now /> " · its code ends " <Ago at=expires_at now /></dd>
                </dl>
            </div>
            <div class="body border-t border-line">
                <h3 class="font-semibold">{text::MAY}</h3>
                <ul class="mt-1 list-disc pl-5 text-ink-2" data-testid="scopes">
                    {scopes.iter().map(|scope| view! { <li>{scope.title()}</li> }).collect_view()}
                </ul>
            </div>
            <div class="body border-t border-line">
                <p class="note warn">{text::WARNING}</p>
                <FormError error=refused class="mt-4" />
                <div class="mt-4 flex flex-wrap gap-2">
                    <ActionForm action=approve attr:class="max-md:w-full">
                        {fields}
                        <Submit label=text::YES class="btn primary max-md:w-full" testid="approve-device" pending />
                    </ActionForm>
                    <ActionForm action=deny attr:class="max-md:w-full">
                        {same_fields}
                        <Submit label=text::NO class="btn max-md:w-full" testid="deny-device" pending />
                    </ActionForm>
                </div>
            </div>
        </section>
    }
}
