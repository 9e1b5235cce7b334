//! What the organisation knows of somebody, and where that is kept.

use domain::{
    OrgSlug, Permission,
    view::{ManagedBy, PersonActions, PersonPage},
};
use leptos::prelude::*;

use super::{deed::Deed, deeds::Deeds};
use crate::{
    calls,
    components::{Day, FormError, Submit, ViewerOfPage},
    paths,
};

mod text {
    pub const TITLE: &str = "Profile";
    pub const NAME: &str = "Name";
    pub const GIVEN: &str = "Given name";
    pub const FAMILY: &str = "Family name";
    pub const EMAIL: &str = "E-mail";
    pub const USER_NAME: &str = "Name in the directory";
    pub const EXTERNAL_ID: &str = "External id";
    pub const KNOWN: &str = "Known since";
    pub const ACCESS: &str = "Access since";
    pub const NONE: &str = "–";
    pub const WHY: &str = "Kept in your identity provider's directory. Change it there: it arrives here by itself.";
    pub const WHY_MINE: &str = "Kept in your organisation's directory. Whoever manages that can change it.";
    pub const SAVE: &str = "Save";
    pub const ACTIVITY: &str = "What the directory asked about her";
    pub const EMERGENCY: &str = "Keep for emergencies";
    pub const EMERGENCY_TEXT: &str = "No directory can take her over, whatever it pushes. Have one owner like that: she gets in when your identity provider does not work, or works against you.";
    pub const EMERGENCY_ON: &str = "Keep her for emergencies?";
    pub const EMERGENCY_ON_TEXT: &str = "A directory user that matches her is left waiting until an owner decides.";
    pub const EMERGENCY_ON_YES: &str = "Keep her";
    pub const EMERGENCY_OFF: &str = "No longer keep for emergencies";
    pub const EMERGENCY_OFF_QUESTION: &str = "No longer keep her for emergencies?";
    pub const EMERGENCY_OFF_TEXT: &str = "The directory can take her over like anybody else, unless she is an owner.";
    pub const EMERGENCY_OFF_YES: &str = "Take the mark away";
}

/// The card.
#[component]
pub fn ProfileCard(
    /// The page.
    person: PersonPage,
    /// The organisation.
    org: OrgSlug,
    /// What the viewer may do.
    may: PersonActions,
    /// Whether the person is the viewer.
    it_is_me: bool,
    /// What does it.
    deeds: Deeds,
) -> impl IntoView {
    let PersonPage { person: head, given_name, family_name, user_name, external_id, since, access_began_at, .. } = person;
    let directory = head.managed_by == ManagedBy::Directory;
    let error = calls::failure(deeds.edit);
    let activity = user_name.as_ref().map(|name| paths::activity_of(&org, name));
    let hidden = view! {
        <input type="hidden" name="org" value=org.to_string() />
        <input type="hidden" name="member" value=head.member.to_string() />
    };
    let name = match (may.edit, directory) {
        (true, _) => view! {
            <FormError error fields=&["name"] />
            <ActionForm action=deeds.edit>
                {hidden}
                <div class="field">
                    <label for="field-name">{text::NAME}</label>
                    <div class="flex gap-2">
                        <input class="input" id="field-name" name="name" maxlength="120" required=true autocomplete="off" value=head.name.clone()
                            aria-invalid=move || error.get().and_then(|error| error.at("name")).map(|_| "true") aria-describedby="name-error" />
                        <Submit label=text::SAVE class="btn tall" testid="save-name" pending=deeds.edit.pending() />
                    </div>
                    <p class="error" id="name-error" data-testid="name-error" hidden=move || error.get().and_then(|error| error.at("name")).is_none()>
                        {move || error.get().and_then(|error| error.at("name"))}
                    </p>
                </div>
            </ActionForm>
        }
        .into_any(),
        (false, true) => {
            let why = if it_is_me { text::WHY_MINE } else { text::WHY };
            view! {
                <p class="mb-4 text-sm text-ink-2" id="profile-why" data-testid="profile-why">{why}</p>
                <div class="grid gap-3">
                    <Kept label=text::NAME id="kept-name" value=head.name.clone() />
                    {given_name.or_else(|| family_name.as_ref().map(|_| text::NONE.to_owned())).map(|value| view! { <Kept label=text::GIVEN id="kept-given" value /> })}
                    {family_name.map(|value| view! { <Kept label=text::FAMILY id="kept-family" value /> })}
                    <Kept label=text::EMAIL id="kept-email" value=head.email.clone().unwrap_or_else(|| text::NONE.to_owned()) />
                    {user_name.map(|value| view! { <Kept label=text::USER_NAME id="kept-user-name" value /> })}
                    {external_id.map(|value| view! { <Kept label=text::EXTERNAL_ID id="kept-external-id" value /> })}
                </div>
                {activity.map(|href| {
                    // Who looks is known later than the page.
                    move || ViewerOfPage::get().is_some_and(|viewer| viewer.role.may(Permission::SeeAudit)).then(|| view! {
                        <p class="mt-4 text-sm"><a class="link" href=href.clone() data-testid="to-activity">{text::ACTIVITY}</a></p>
                    })
                })}
            }
            .into_any()
        }
        (false, false) => ().into_any(),
    };
    let fields = |on: bool| vec![("org", org.to_string()), ("member", head.member.to_string()), ("on", on.to_string())];
    let emergency = may.break_glass.then(|| {
        let deed = match head.break_glass {
            true => view! {
                <Deed id="break-glass" label=text::EMERGENCY_OFF testid="break-glass" question=text::EMERGENCY_OFF_QUESTION consequence=text::EMERGENCY_OFF_TEXT
                    yes=text::EMERGENCY_OFF_YES action=deeds.break_glass fields=fields(false) owner_only=true />
            }
            .into_any(),
            false => view! {
                <Deed id="break-glass" label=text::EMERGENCY testid="break-glass" question=text::EMERGENCY_ON consequence=text::EMERGENCY_ON_TEXT
                    yes=text::EMERGENCY_ON_YES action=deeds.break_glass fields=fields(true) owner_only=true />
            }
            .into_any(),
        };
        view! {
            <div class="body border-t border-line">
                <p class="mb-3 text-sm text-ink-2 text-pretty">{text::EMERGENCY_TEXT}</p>
                {deed}
            </div>
        }
    });
    view! {
        <section class="card" aria-labelledby="profile-title">
            <div class="head"><h2 id="profile-title">{text::TITLE}</h2></div>
            <div class="body">
                {name}
                <dl class="dates">
                    <div><dt>{text::KNOWN}</dt><dd><Day at=since /></dd></div>
                    {access_began_at.map(|at| view! { <div><dt>{text::ACCESS}</dt><dd><Day at /></dd></div> })}
                </dl>
            </div>
            {emergency}
        </section>
    }
}

/// A value that cannot be changed here; why stands above.
#[component]
fn Kept(label: &'static str, id: &'static str, value: String) -> impl IntoView {
    view! {
        <div class="field">
            <label for=id>{label}</label>
            <input class="input" id=id value=value disabled=true aria-describedby="profile-why" />
        </div>
    }
}
