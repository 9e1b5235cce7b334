//! Inviting somebody by mail whom no directory manages.

use domain::{OrgRole, Permission};
use leptos::prelude::*;

use crate::{
    browser, calls,
    components::{CardSkeleton, Field, FormError, OrgOfPage, PageHeader, Problem, Submit},
    error::AppError,
    paths,
    server_fns::{self, Invite as InviteFn},
};

mod text {
    pub const TITLE: &str = "Invite";
    pub const LEAD: &str = "For people whom your identity provider does not know. They get a mail with a link that works once, and have access when they have followed it.";
    pub const BACK: &str = "Members";
    pub const DENIED: &str = "People are invited by administrators and owners. Ask one of them.";
    pub const NAME: &str = "Name";
    pub const EMAIL: &str = "E-mail address";
    pub const ROLE: &str = "Role";
    pub const MEMBER_HINT: &str = "Everybody is a member. Only roles below your own can be given here.";
    pub const OWNER_HINT: &str = "Everybody is a member. An owner is made on her page, once she can sign in.";
    pub const SEND: &str = "Send invitation";
    pub const SENT: &str = "The invitation goes out. The person is on the list of members, and can sign in after following the link.";
}

/// The id of what is said after an invitation.
const SAID: &str = "invited";

/// `/o/{org}/members/invite`
#[component]
pub fn Invite() -> impl IntoView {
    let org = OrgOfPage::current().0;
    let viewer = calls::load(move || org.get(), |org| async move { server_fns::viewer(OrgOfPage::required(org)?).await });
    let invite = calls::action::<InviteFn>();
    let error = calls::failure(invite);
    let sent = Memo::new(move |_| matches!(invite.value().get(), Some(Ok(()))));
    Effect::new(move |before: Option<usize>| {
        let version = invite.version().get();
        if before.is_some_and(|before| before != version) && invite.value().with_untracked(|value| matches!(value, Some(Ok(())))) {
            for field in ["name", "email"] {
                browser::clear(&format!("field-{field}"));
            }
            browser::focus(SAID);
        }
        version
    });
    view! {
        <Transition fallback=|| view! { <PageHeader title=text::TITLE lead=text::LEAD /> <CardSkeleton /> }>
            {move || viewer.get().map(|viewer| match (viewer, org.get()) {
                (Ok(viewer), Some(org)) if viewer.role.may(Permission::ManageMembers) => {
                    let roles = [OrgRole::Auditor, OrgRole::Admin].into_iter()
                        .filter(move |role| viewer.role.reaches(*role));
                    let hint = if viewer.role == OrgRole::Owner { text::OWNER_HINT } else { text::MEMBER_HINT };
                    view! {
                        <p class="mb-1 text-sm"><a class="link" href=paths::members(&org)>{text::BACK}</a></p>
                        <PageHeader title=text::TITLE lead=text::LEAD />
                        <div role="status" tabindex="-1" id=SAID>
                            {move || sent.get().then(|| view! { <p class="note good mb-4 max-w-[560px]" data-testid="invited">{text::SENT}</p> })}
                        </div>
                        <section class="card max-w-[560px]" aria-label=text::TITLE>
                            <div class="body">
                                <FormError error fields=&["name", "email"] />
                                <ActionForm action=invite>
                                    <div class="grid gap-4">
                                        <input type="hidden" name="org" value=org.to_string() />
                                        <Field label=text::NAME name="name" autocomplete="off" maxlength=120 error />
                                        <Field label=text::EMAIL name="email" kind="email" autocomplete="off" error />
                                        <div class="field">
                                            <label for="field-role">{text::ROLE}</label>
                                            <select class="input" id="field-role" name="role" aria-describedby="role-hint">
                                                <option value="member">{OrgRole::Member.to_string()}</option>
                                                {roles.map(|role| view! { <option value=role.as_str()>{role.to_string()}</option> }).collect_view()}
                                            </select>
                                            <p class="hint" id="role-hint">{hint}</p>
                                        </div>
                                        <div class="flex gap-2">
                                            <Submit label=text::SEND class="btn primary tall" testid="send-invitation" pending=invite.pending() />
                                        </div>
                                    </div>
                                </ActionForm>
                            </div>
                        </section>
                    }
                    .into_any()
                }
                (Ok(_), _) => view! { <Problem error=AppError::Denied denied=text::DENIED /> }.into_any(),
                (Err(error), _) => view! { <Problem error /> }.into_any(),
            })}
        </Transition>
    }
}
