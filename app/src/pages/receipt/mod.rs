//! The receipt of an offboarding: what ended, when, and how long after the request for it had arrived. Made to be printed.

mod secrets;

use domain::{
    MemberId, OrgSlug, ReceiptId, Timestamp,
    timestamp::in_words,
    view::{Answered, ReceiptView},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

use crate::{
    browser, calls,
    components::{CardSkeleton, OrgOfPage, PageHeader, Problem},
    error::AppError,
    paths, server_fns,
};
use secrets::SecretsCard;

mod text {
    pub const TITLE: &str = "Offboarding receipt";
    pub const DENIED: &str = "Receipts are open to auditors, administrators and owners.";
    pub const PRINT: &str = "Print";
    pub const FILE: &str = "Download as JSON";
    pub const WHAT_HAPPENED: &str = "What happened";
    pub const PERSON: &str = "Person";
    pub const CAUSE: &str = "Cause";
    pub const ENDED_BY: &str = "Ended by";
    pub const REQUEST: &str = "Request";
    pub const RECEIPT: &str = "Receipt";
    pub const ARRIVED: &str = "Arrived";
    pub const ENDED: &str = "Ended";
    pub const ANSWERED: &str = "Answered";
    pub const WHAT_ENDED: &str = "What ended";
    pub const WHAT_ENDED_LEAD: &str = "All of it in one transaction. A zero says that there was none to end.";
}

/// `/o/{org}/members/{member}/receipts/{receipt}`
#[component]
pub fn Receipt() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let params = use_params_map();
    let asked = Memo::new(move |_| {
        let params = params.read();
        let member = params.get("member").and_then(|id| id.parse::<MemberId>().ok())?;
        Some((member, params.get("receipt").and_then(|id| id.parse::<ReceiptId>().ok())?))
    });
    let receipt = calls::load(
        move || (org.get(), asked.get()),
        |(org, asked)| async move {
            let (member, receipt) = asked.ok_or_else(|| AppError::NotFound("receipt".to_owned()))?;
            server_fns::receipt(OrgOfPage::required(org)?, member, receipt).await
        },
    );
    let rotating = secrets::rotating();
    Effect::new(move |_| {
        if rotating.version().get() > 0 && rotating.value().with_untracked(|answer| matches!(answer, Some(Ok(_)))) {
            receipt.refetch();
        }
    });
    view! {
        <Transition fallback=|| view! { <PageHeader title=text::TITLE lead="" /> <CardSkeleton /> }>
            {move || receipt.get().map(|receipt| match (receipt, org.get()) {
                (Ok(receipt), Some(org)) => view! { <Shown receipt org rotating /> }.into_any(),
                (Err(error), _) => view! { <Problem error denied=text::DENIED /> }.into_any(),
                (Ok(_), None) => ().into_any(),
            })}
        </Transition>
        <secrets::NewSecret rotating />
    }
}

#[component]
fn Shown(receipt: ReceiptView, org: OrgSlug, rotating: secrets::Rotating) -> impl IntoView {
    let ReceiptView { now, id, org_name, member, name, user_name, email, cause, actor, request_id, arrived_at, ended_at, answered, .. } =
        receipt.clone();
    let whose = if cause.is_directory() { "the identity provider’s request" } else { "the request" };
    let took = in_words(ended_at.since(arrived_at));
    let mut known_as: Vec<String> = [user_name, email].into_iter().flatten().collect();
    known_as.dedup();
    view! {
        <Title text=text::TITLE />
        <header class="mb-6">
            <p class="screen mb-3 text-sm"><a class="link" href=paths::person(&org, member)>{name.clone()}</a></p>
            <div class="flex flex-wrap items-start gap-x-6 gap-y-3">
                <div class="min-w-0 flex-1 basis-80">
                    <h1 class="text-xl font-semibold tracking-tight">{text::TITLE}</h1>
                    <p class="mt-1 max-w-[72ch] text-ink-2 text-pretty wrap-anywhere" data-testid="receipt-lead">
                        "Everything that let " {name.clone()} " act in " {org_name.to_string()} " ended "
                        <b class="font-semibold text-ink">{took.clone()}</b> " after " {whose} " arrived."
                    </p>
                </div>
                <div class="screen flex flex-wrap gap-2">
                    <button type="button" class="btn needs-script" data-testid="print-receipt" on:click=move |_| browser::print()>{text::PRINT}</button>
                    <a class="btn" href=paths::receipt_file(&org, id) rel="external" download="" data-testid="receipt-file">{text::FILE}</a>
                </div>
            </div>
        </header>
        <section class="card" aria-labelledby="happened-title">
            <div class="head"><h2 id="happened-title">{text::WHAT_HAPPENED}</h2></div>
            <div class="body">
                <dl class="facts" data-testid="receipt-facts">
                    <dt>{text::PERSON}</dt>
                    <dd class="wrap-anywhere">
                        {name}
                        {(!known_as.is_empty()).then(|| view! { <span class="text-ink-2">" · " {known_as.join(" · ")}</span> })}
                    </dd>
                    <dt>{text::CAUSE}</dt>
                    <dd>{first_upper(cause.sentence())}</dd>
                    <dt>{text::ENDED_BY}</dt>
                    <dd class="wrap-anywhere">{actor}</dd>
                    {request_id.map(|id| view! { <dt>{text::REQUEST}</dt> <dd class="font-mono text-xs leading-5 wrap-anywhere">{id}</dd> })}
                    <dt>{text::RECEIPT}</dt>
                    <dd class="font-mono text-xs leading-5 wrap-anywhere">{id.to_string()}</dd>
                    <dt>{text::ARRIVED}</dt>
                    <dd><Exactly at=arrived_at /></dd>
                    <dt>{text::ENDED}</dt>
                    <dd><Exactly at=ended_at /> <span class="text-ink-2">" · " {took} " later"</span></dd>
                    {answered.map(|Answered { at, method, status }| view! {
                        <dt>{text::ANSWERED}</dt>
                        <dd data-testid="receipt-answered">
                            <Exactly at />
                            <span class="text-ink-2">" · " {in_words(at.since(arrived_at))} " after it arrived · " {method} " " {status}</span>
                        </dd>
                    })}
                </dl>
            </div>
        </section>
        <section class="card mt-4" aria-labelledby="ended-title">
            <div class="head">
                <div>
                    <h2 id="ended-title">{text::WHAT_ENDED}</h2>
                    <p class="sub">{text::WHAT_ENDED_LEAD}</p>
                </div>
            </div>
            <dl class="figures tally" data-testid="receipt-counts">
                {receipt.ended.iter().map(|(kind, count)| view! {
                    <div class=if *count == 0 { "none" } else { "" }><dt>{first_upper(kind)}</dt><dd>{*count}</dd></div>
                }).collect_view()}
            </dl>
        </section>
        <SecretsCard secrets=receipt.secrets now can_rotate=receipt.can_rotate org rotating />
    }
}

/// A moment to the millisecond: nothing here is told by how long ago it was, since paper does not age.
#[component]
fn Exactly(at: Timestamp) -> impl IntoView {
    view! { <time datetime=at.to_rfc3339()>{at.millisecond()}</time> }
}

/// The text with its first letter as a capital.
fn first_upper(text: &str) -> String {
    text.chars().take(1).flat_map(char::to_uppercase).chain(text.chars().skip(1)).collect()
}
