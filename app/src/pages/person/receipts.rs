//! The receipts of the times that somebody left.

use domain::{MemberId, OrgSlug, view::ReceiptBrief};
use leptos::prelude::*;

use crate::paths;

mod text {
    pub const TITLE: &str = "Offboarding receipts";
    pub const LEAD: &str = "What ended when her access did, and the organisation’s secrets that she knows.";
}

/// The card.
#[component]
pub fn ReceiptsCard(
    /// The receipts, newest first.
    receipts: Vec<ReceiptBrief>,
    /// The organisation.
    org: OrgSlug,
    /// Whose they are.
    member: MemberId,
) -> impl IntoView {
    view! {
        <section class="card" aria-labelledby="receipts-title">
            <div class="head">
                <div>
                    <h2 id="receipts-title">{text::TITLE}</h2>
                    <p class="sub">{text::LEAD}</p>
                </div>
            </div>
            <ul class="list">
                {receipts.into_iter().map(|ReceiptBrief { id, ended_at, cause }| view! {
                    <li data-testid="receipt-of-person">
                        <div class="min-w-0">
                            <p class="font-medium">
                                <a class="link" href=paths::receipt(&org, member, id)>
                                    <time datetime=ended_at.to_rfc3339()>{ended_at.second()}</time>
                                </a>
                            </p>
                            <p class="text-ink-2">{cause.sentence()}</p>
                        </div>
                    </li>
                }).collect_view()}
            </ul>
        </section>
    }
}
