//! The audit log, read. It is written by each use case, in the transaction of what it tells of.

use domain::{AuditEventId, view::AuditView};

use crate::{Call, Db, Error, OrgScope, store};

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
