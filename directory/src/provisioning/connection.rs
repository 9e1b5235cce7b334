//! Switching SCIM on and off.

use domain::{
    Permission,
    audit::AuditAction,
    view::{ScimStatus, SecurityView, SetUpStep, SwitchOver, TokenState, TokenView},
};

use super::{guesses, tokens};
use crate::{
    Actor, Call, Db, Error, OrgScope,
    sessions::SignedIn,
    store::{self, db::Tx},
};

/// The SCIM base URL of an organisation. The version stands directly before the endpoint (RFC 7644 §3.13).
pub fn base_url(public_url: &str, org: domain::OrgId) -> String {
    format!("{public_url}/scim/{org}/v2")
}

/// Settings → Security.
pub async fn view(db: &Db, viewer: &SignedIn, scope: OrgScope, public_url: &str, call: &Call) -> Result<SecurityView, Error> {
    let tx = db.read(scope).await?;
    let scim = store::connections::status_of(&tx).await?;
    let mut listed = store::tokens::list(&tx, call.now).await?;
    listed.sort_by_key(|token| token.state != TokenState::Live);
    let switch_over = switch_over(&tx, &listed).await?;
    let directory_people = store::people::counts(&tx).await?.directory;
    let owners = store::members::active_owners(&tx).await?.len();
    let failed_attempts = guesses::failed_attempts(&tx, call).await?;
    let last_request_at = listed.iter().filter_map(|token| token.last_used_at).max();
    let first_request_at = store::tokens::first_used(&tx).await?;
    let step = |title: &str, done_at| SetUpStep { title: title.to_owned(), done_at };
    let steps = vec![
        step("Connected", first_request_at),
        step("First person provisioned", store::audit::first(&tx, AuditAction::UserCreated).await?),
        step("First leaver: access ended", store::audit::first(&tx, AuditAction::AccessEnded).await?),
    ];
    Ok(SecurityView {
        now: call.now,
        scim,
        base_url: base_url(public_url, scope.org()),
        introspection_url: format!("{public_url}/oauth/introspect"),
        tokens: listed,
        switch_over,
        last_request_at,
        failed_attempts,
        directory_people,
        owners: u64::try_from(owners).unwrap_or(0),
        steps,
        can_manage: viewer.role.may(Permission::ManageSecurity),
    })
}

/// The change from one live token to another, while both work. How often the new one was used is read from the activity log: it is
/// written anyway, and nothing more is written to count.
async fn switch_over(tx: &Tx, tokens: &[TokenView]) -> Result<Option<SwitchOver>, Error> {
    let live = || tokens.iter().filter(|token| token.state == TokenState::Live);
    let pair = live().find_map(|new| live().find(|old| new.replaces == Some(old.id)).map(|old| (old, new)));
    let Some((old, new)) = pair else { return Ok(None) };
    let used = store::scim_requests::count_of(tx, new.id, new.created_at, SwitchOver::MOST_COUNTED).await?;
    Ok(Some(SwitchOver { old: old.clone(), new: new.clone(), used }))
}

/// Switch SCIM on. Without effect when it is on.
pub async fn enable(db: &Db, who: &SignedIn, scope: OrgScope, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm(&tx, Permission::ManageSecurity).await?;
        enable_in(&tx, &who.actor(), call).await?;
        tx.commit().await
    })
    .await
}

pub(crate) async fn enable_in(tx: &Tx, actor: &Actor, call: &Call) -> Result<(), Error> {
    if store::connections::enable(tx, &actor.name(), call).await? {
        crate::audit::append(tx, AuditAction::ScimEnabled, actor, None, vec![], call).await?;
    }
    Ok(())
}

/// Switch SCIM off, for an owner who has just given her password: its tokens are revoked, so that none of them works again when it is
/// switched on. It deprovisions nobody.
pub async fn disable(db: &Db, who: &SignedIn, scope: OrgScope, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm_fresh(&tx, Permission::ManageSecurity, call.now).await?;
        if store::connections::disable(&tx).await? {
            let revoked = tokens::revoke_all(&tx, &who.actor(), call).await?;
            let details = vec![("tokens revoked".to_owned(), revoked.to_string())];
            crate::audit::append(&tx, AuditAction::ScimDisabled, &who.actor(), None, details, call).await?;
            tokens::tell_of_disabling(&tx, who, revoked, call).await?;
        }
        tx.commit().await
    })
    .await
}

/// The organisation's connection, which has to be on.
pub(crate) async fn enabled(tx: &Tx) -> Result<domain::ConnectionId, Error> {
    match store::connections::find(tx).await? {
        Some((id, ScimStatus::Enabled)) => Ok(id),
        _ => Err(Error::Conflict("Enable SCIM first.".to_owned())),
    }
}
