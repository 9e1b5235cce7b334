//! What people decide about people: who is invited, who leaves, who is blocked, and who holds which role by hand.

#[cfg(feature = "ssr")]
use domain::Permission;
use domain::{DirectoryUserId, MemberId, OrgRole, OrgSlug, view::HeldLink};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context::RequestContext;
use crate::error::AppError;

/// Invite somebody by mail, with auditor or admin besides if `role` says so. An empty `role` is none.
#[server(prefix = "/api", endpoint = "invite")]
pub async fn invite(org: OrgSlug, name: String, email: String, role: Option<OrgRole>) -> Result<(), AppError> {
    let request = RequestContext::current();
    let invited = async {
        let scope = request.in_org(&org, Permission::ManageMembers)?;
        directory::invitations::invite(&request.db, request.signed_in()?, scope, name, email, role, &request.call).await
    };
    request.answer(invited.await)?;
    if request.wants_document {
        // Without a script the page cannot say so itself: among those who have yet to activate she is to be seen.
        leptos_axum::redirect(&format!("{}?status=pending", crate::paths::members(&org)));
    }
    Ok(())
}

/// End the access of `member`. `password` comes along where she is an owner.
#[server(prefix = "/api", endpoint = "remove_member")]
pub async fn remove_member(org: OrgSlug, member: MemberId, password: Option<String>) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageMembers)?;
            request.take_password(password).await?;
            directory::access::remove(&request.db, request.signed_in()?, scope, member, &request.call).await
        }
        .await,
    )
}

/// Begin the access of `member` again, after it was ended.
#[server(prefix = "/api", endpoint = "restore_member")]
pub async fn restore_member(org: OrgSlug, member: MemberId) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageMembers)?;
            directory::access::restore(&request.db, request.signed_in()?, scope, member, &request.call).await
        }
        .await,
    )
}

/// Block `member`: she keeps what she has and can use none of it. No directory can lift that.
#[server(prefix = "/api", endpoint = "block_member")]
pub async fn block_member(org: OrgSlug, member: MemberId, password: Option<String>) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageMembers)?;
            request.take_password(password).await?;
            directory::access::block(&request.db, request.signed_in()?, scope, member, &request.call).await
        }
        .await,
    )
}

/// Lift the block of `member`. She has to sign in anew.
#[server(prefix = "/api", endpoint = "unblock_member")]
pub async fn unblock_member(org: OrgSlug, member: MemberId, password: Option<String>) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageMembers)?;
            request.take_password(password).await?;
            directory::access::unblock(&request.db, request.signed_in()?, scope, member, &request.call).await
        }
        .await,
    )
}

/// Change the name of `member`, or one's own; not where the directory keeps it.
#[server(prefix = "/api", endpoint = "edit_profile")]
pub async fn edit_profile(org: OrgSlug, member: MemberId, name: String) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::Enter)?;
            directory::people::edit_profile(&request.db, request.signed_in()?, scope, member, name, &request.call).await
        }
        .await,
    )
}

/// End the session of `member` that its page calls `session`.
#[server(prefix = "/api", endpoint = "end_session")]
pub async fn end_session(org: OrgSlug, member: MemberId, session: String) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::Enter)?;
            directory::people::end_session(&request.db, request.signed_in()?, scope, member, &session, &request.call).await
        }
        .await,
    )
}

/// End every session of `member`.
#[server(prefix = "/api", endpoint = "end_sessions")]
pub async fn end_sessions(org: OrgSlug, member: MemberId) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::Enter)?;
            directory::people::end_sessions(&request.db, request.signed_in()?, scope, member, &request.call).await
        }
        .await,
    )
}

/// Grant `role` to `member` by hand. `password` comes along where it is owner.
#[server(prefix = "/api", endpoint = "grant_role")]
pub async fn grant_role(org: OrgSlug, member: MemberId, role: OrgRole, password: Option<String>) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageMembers)?;
            request.take_password(password).await?;
            directory::grants::grant(&request.db, request.signed_in()?, scope, member, role, &request.call).await
        }
        .await,
    )
}

/// Take `role` away from `member`, which was granted by hand. `password` comes along where it is owner.
#[server(prefix = "/api", endpoint = "revoke_role")]
pub async fn revoke_role(org: OrgSlug, member: MemberId, role: OrgRole, password: Option<String>) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageMembers)?;
            request.take_password(password).await?;
            directory::grants::revoke(&request.db, request.signed_in()?, scope, member, role, &request.call).await
        }
        .await,
    )
}

/// Keep `member` for emergencies, so that no directory takes her over; or not any more.
#[server(prefix = "/api", endpoint = "set_break_glass")]
pub async fn set_break_glass(org: OrgSlug, member: MemberId, on: bool, password: Option<String>) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageOwners)?;
            request.take_password(password).await?;
            directory::grants::set_break_glass(&request.db, request.signed_in()?, scope, member, on, &request.call).await
        }
        .await,
    )
}

/// The directory records of `org` that match an owner, or somebody kept for emergencies, and wait for an owner's word.
#[server(prefix = "/api", endpoint = "held_links")]
pub async fn held_links(org: OrgSlug) -> Result<Vec<HeldLink>, AppError> {
    let request = RequestContext::current();
    request.answer(async { directory::links::held(&request.db, request.in_org(&org, Permission::ManageOwners)?).await }.await)
}

/// Let the directory record `record` act on the member that it matches.
#[server(prefix = "/api", endpoint = "approve_link")]
pub async fn approve_link(org: OrgSlug, record: DirectoryUserId, password: Option<String>) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageOwners)?;
            request.take_password(password).await?;
            directory::links::approve(&request.db, request.signed_in()?, scope, record, &request.call).await
        }
        .await,
    )
}

/// Refuse that, for good.
#[server(prefix = "/api", endpoint = "decline_link")]
pub async fn decline_link(org: OrgSlug, record: DirectoryUserId, password: Option<String>) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageOwners)?;
            request.take_password(password).await?;
            directory::links::decline(&request.db, request.signed_in()?, scope, record, &request.call).await
        }
        .await,
    )
}

/// Have the viewer's password count as just given.
#[server(prefix = "/api", endpoint = "confirm_password")]
pub async fn confirm_password(org: OrgSlug, password: String) -> Result<(), AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            request.in_org(&org, Permission::Enter)?;
            let (db, hasher, afterwards) = (&request.db, &request.hasher, &request.afterwards);
            directory::sessions::reauthenticate(db, hasher, afterwards, request.signed_in()?, password, &request.call).await
        }
        .await,
    )
}
