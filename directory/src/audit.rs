//! The audit log. Each use case writes it in the transaction of what it tells of, and whoever listens is told of the same.

use domain::{AuditEventId, audit::AuditAction, view::AuditView};

use crate::{
    Actor, Call, Db, Error, OrgScope, events,
    store::{
        self,
        audit::{Details, Target},
        db::Tx,
    },
};

/// Add an event, in the transaction of the change that it tells of; endpoints that want to hear of such events are told of it, too.
/// There is no other way to do either, so neither is forgotten.
pub(crate) async fn append(
    tx: &Tx,
    action: AuditAction,
    actor: &Actor,
    target: Option<Target>,
    details: Details,
    call: &Call,
) -> Result<(), Error> {
    store::audit::insert(tx, action, actor, target.as_ref(), &details, call).await?;
    events::publish(tx, action, actor, target.as_ref(), &details, call).await
}

const PAGE: i64 = 50;

/// A page of the organisation's audit log, newest first; `before` is where an older page begins.
pub async fn list(db: &Db, scope: OrgScope, before: Option<AuditEventId>, call: &Call) -> Result<AuditView, Error> {
    let tx = db.read(scope).await?;
    let mut events = store::audit::page(&tx, before, PAGE + 1).await?;
    let more = events.len() > usize::try_from(PAGE).unwrap_or(usize::MAX);
    events.truncate(usize::try_from(PAGE).unwrap_or(usize::MAX));
    let older = events.last().map(|event| event.id).filter(|_| more);
    Ok(AuditView { now: call.now, events, older })
}
