//! A person's page: why she has what she has, where she is signed in, and what changed it.

mod deed;
mod deeds;
mod groups;
mod held;
mod profile;
mod reasons;
mod receipts;
mod sessions;
mod timeline;

use domain::{
    MemberId, OrgRole, OrgSlug, Permission,
    view::{ManagedBy, PersonPage, PersonView, Viewer},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

use super::members::Access;
use crate::{
    calls,
    components::{CardSkeleton, Face, FormError, OrgOfPage, PageHeader, Problem, ViewerOfPage},
    error::AppError,
    paths, server_fns,
};
use deed::Deed;
use deeds::Deeds;

mod text {
    pub const TITLE: &str = "Member";
    pub const BACK: &str = "Members";
    pub const DENIED: &str = "Other people's pages are open to auditors, administrators and owners. Your own is yours to see.";
    pub const YOU: &str = "you";
    pub const NO_ADDRESS: &str = "No e-mail address";
    pub const DIRECTORY: &str = "Managed by the directory";
    pub const MANUAL: &str = "Managed by hand";
    pub const EMERGENCY: &str = "Kept for emergencies";
    pub const RESEND: &str = "Send activation again";
    pub const BLOCK: &str = "Block";
    pub const BLOCK_TEXT: &str = "Her sessions and links end at once, and nothing she holds is of use to her until somebody lifts the block. Your identity provider cannot lift it.";
    pub const BLOCK_YES: &str = "Block now";
    pub const UNBLOCK: &str = "Lift the block";
    pub const UNBLOCK_TEXT: &str = "She can sign in again, with what she holds now. Sessions and links that ended stay ended.";
    pub const REMOVE: &str = "Remove";
    pub const REMOVE_TEXT: &str =
        "Her access ends at once: sessions, links, roles and seats given by hand. None of it comes back when she does.";
    pub const REMOVE_TEXT_DIRECTORY: &str = " Your identity provider still has her, and can let her in again: unassign her there, too.";
    pub const REMOVE_YES: &str = "End her access";
    pub const RESTORE: &str = "Begin her access again";
    pub const RESTORE_TEXT: &str =
        "She comes back as a member, with what her groups give now. Roles and seats that were given by hand before stay gone.";
    pub const RESTORE_YES: &str = "Begin access";
}

/// `/o/{org}/members/{member}?page=`: the page is the timeline's.
#[component]
pub fn Person() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let (params, query) = (use_params_map(), use_query_map());
    let member = Memo::new(move |_| params.read().get("member").and_then(|id| id.parse::<MemberId>().ok()));
    let page = Memo::new(move |_| query.read().get("page").and_then(|page| page.parse().ok()).filter(|page| *page > 0).unwrap_or(1));
    let required = |member: Option<MemberId>| member.ok_or_else(|| AppError::NotFound("member".to_owned()));
    let person = calls::load(
        move || (org.get(), member.get()),
        move |(org, member)| async move { server_fns::person(OrgOfPage::required(org)?, required(member)?).await },
    );
    let timeline = calls::load(
        move || (org.get(), member.get(), page.get()),
        move |(org, member, page)| async move { server_fns::timeline(OrgOfPage::required(org)?, required(member)?, Some(page)).await },
    );
    let deeds = Deeds::new(person, timeline);
    view! {
        <deeds::Said deeds />
        <Transition fallback=|| view! { <PageHeader title=text::TITLE lead="" /> <CardSkeleton /> }>
            {move || person.get().map(|person| match (person, org.get()) {
                (Ok(person), Some(org)) => {
                    let here = org.clone();
                    let told = move || {
                        let org = here.clone();
                        timeline.get().map(move |timeline| match timeline {
                            Ok(timeline) => {
                                let link_to_receipts = ViewerOfPage::get().is_some_and(|viewer| viewer.role.may(Permission::SeeAudit));
                                let card = |member| view! { <timeline::TimelineCard timeline org member link_to_receipts /> };
                                member.get().map(card).into_any()
                            }
                            Err(error) => view! { <FormError error=Signal::stored(Some(error)) /> }.into_any(),
                        })
                    };
                    view! { <Shown person org viewer=ViewerOfPage::get() deeds><div>{told}</div></Shown> }.into_any()
                }
                (Err(error), _) => view! { <Problem error denied=text::DENIED /> }.into_any(),
                (Ok(_), None) => ().into_any(),
            })}
        </Transition>
    }
}

#[component]
fn Shown(person: PersonPage, org: OrgSlug, viewer: Option<Viewer>, deeds: Deeds, children: Children) -> impl IntoView {
    let it_is_me = viewer.as_ref().is_some_and(|viewer| viewer.member == person.person.member);
    let PersonPage { now, person: head, groups, agents, roles, teams, sessions, held_links, receipts, may, .. } = person.clone();
    let member = head.member;
    let link_to_groups = viewer.is_some_and(|viewer| viewer.role.may(Permission::SeeMappings));
    view! {
        <Header head=head.clone() now it_is_me org=org.clone() may=may.clone() deeds />
        {(!held_links.is_empty()).then(|| view! { <held::HeldCard links=held_links now org=org.clone() break_glass=head.break_glass deeds /> })}
        <reasons::ReasonsCard org=org.clone() member roles teams agents now may=may.clone() access=head.access.clone() link_to_groups it_is_me deeds />
        <div class="columns">
            <div class="grid content-start gap-4">
                <sessions::SessionsCard org=org.clone() member sessions now may=may.clone() it_is_me deeds />
                <groups::GroupsCard org=org.clone() groups now link=link_to_groups managed_by=head.managed_by />
                {(!receipts.is_empty()).then(|| view! { <receipts::ReceiptsCard receipts org=org.clone() member /> })}
                <profile::ProfileCard person org may it_is_me deeds />
            </div>
            {children()}
        </div>
    }
}

#[component]
fn Header(
    head: PersonView,
    now: domain::Timestamp,
    it_is_me: bool,
    org: OrgSlug,
    may: domain::view::PersonActions,
    deeds: Deeds,
) -> impl IntoView {
    let PersonView { member, name, email, role, managed_by, access, break_glass, .. } = head;
    let (class, kept) = match managed_by {
        ManagedBy::Directory => ("badge info", text::DIRECTORY),
        ManagedBy::Manual => ("badge", text::MANUAL),
    };
    let remove_text = match managed_by {
        ManagedBy::Directory => format!("{}{}", text::REMOVE_TEXT, text::REMOVE_TEXT_DIRECTORY),
        ManagedBy::Manual => text::REMOVE_TEXT.to_owned(),
    };
    let fields = move || vec![("org", org.to_string()), ("member", member.to_string())];
    // Who touches an owner gives her password.
    let owner_only = role == OrgRole::Owner;
    let acts = may.resend || may.block || may.unblock || may.remove || may.restore;
    view! {
        <Title text=name.clone() />
        <header class="mb-6">
            <BackLink />
            <div class="flex flex-wrap items-start gap-x-4 gap-y-3">
                <div class="person-face"><Face name=name.clone() /></div>
                <div class="min-w-0 flex-1">
                    <h1 class="text-xl font-semibold tracking-tight wrap-anywhere">
                        {name.clone()}
                        {it_is_me.then(|| view! { <span class="font-normal text-ink-3">" · " {text::YOU}</span> })}
                    </h1>
                    <p class="text-ink-2 wrap-anywhere">{email.unwrap_or_else(|| text::NO_ADDRESS.to_owned())}</p>
                    <p class="mt-2 flex flex-wrap items-center gap-x-2 gap-y-1" data-testid="person-state">
                        <Access access now />
                        <span class=class>{kept}</span>
                        {break_glass.then(|| view! { <span class="badge warn">{text::EMERGENCY}</span> })}
                    </p>
                </div>
                {acts.then(|| view! {
                    <div class="flex w-full flex-wrap gap-2 md:w-auto">
                        {may.resend.then(|| view! { <deed::Plain action=deeds.resend fields=fields() label=text::RESEND testid="resend-activation" /> })}
                        {may.restore.then(|| view! {
                            <Deed id="restore" label=text::RESTORE testid="restore-member" question=format!("Begin the access of {name} again?")
                                consequence=text::RESTORE_TEXT yes=text::RESTORE_YES action=deeds.restore fields=fields() />
                        })}
                        {may.unblock.then(|| view! {
                            <Deed id="unblock" label=text::UNBLOCK testid="unblock-member" question=format!("Lift the block of {name}?")
                                consequence=text::UNBLOCK_TEXT yes=text::UNBLOCK action=deeds.unblock fields=fields() owner_only />
                        })}
                        {may.block.then(|| view! {
                            <Deed id="block" label=text::BLOCK danger=true testid="block-member" question=format!("Block {name}?")
                                consequence=text::BLOCK_TEXT yes=text::BLOCK_YES action=deeds.block fields=fields() owner_only />
                        })}
                        {may.remove.then(|| view! {
                            <Deed id="remove" label=text::REMOVE danger=true testid="remove-member" question=format!("End the access of {name}?")
                                consequence=remove_text yes=text::REMOVE_YES action=deeds.remove fields=fields() owner_only />
                        })}
                    </div>
                })}
            </div>
        </header>
    }
}

#[component]
fn BackLink() -> impl IntoView {
    let org = OrgOfPage::current().0;
    move || org.get().map(|org| view! { <p class="mb-3 text-sm"><a class="link" href=paths::members(&org)>{text::BACK}</a></p> })
}
