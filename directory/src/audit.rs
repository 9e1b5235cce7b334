//! The audit log. Each use case writes it in the transaction of what it tells of, and whoever listens is told of the same.

use domain::{
    AuditEventId, Permission,
    audit::{AuditAction, AuditFilter, AuditGroup},
    view::{AuditEventView, AuditView},
};
use uuid::Uuid;

pub use crate::store::audit::Found;
use crate::{
    Actor, Call, Db, Error, OrgScope, events,
    sessions::SignedIn,
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

/// What a value was before a change, and what it is after it.
pub(crate) fn changed(what: &str, before: &str, after: &str) -> (String, String) {
    (what.to_owned(), format!("{before} → {after}"))
}

/// Events on a page.
const PAGE: usize = 50;
/// Events that are read at a time while some are looked for.
const CHUNK: i64 = 1_000;
/// Events that one page looks through. What is older is looked through by the next.
const MOST_SCANNED: usize = 20_000;

/// Whether an event is what is looked for, apart from its time.
struct Wanted {
    group: Option<AuditGroup>,
    member: Option<Uuid>,
    words: Option<String>,
}

impl Wanted {
    fn of(filter: &AuditFilter) -> Self {
        let words = filter.search.as_deref().map(|text| text.trim().to_lowercase()).filter(|text| !text.is_empty());
        Self { group: filter.group, member: filter.member.map(Uuid::from), words }
    }

    fn is_everything(&self) -> bool {
        self.group.is_none() && self.member.is_none() && self.words.is_none()
    }

    /// Names are compared here rather than in the database, so that both engines fold them alike.
    fn fits(&self, event: &Found) -> bool {
        let AuditEventView { action, actor, request_id, .. } = &event.shown;
        let named = |words: &String| {
            [Some(actor.as_str()), event.target.as_deref(), Some(action.title()), Some(action.code()), request_id.as_deref()]
                .into_iter()
                .flatten()
                .any(|text| text.to_lowercase().contains(words))
        };
        self.group.is_none_or(|group| AuditGroup::of(*action) == Some(group))
            && self.member.is_none_or(|member| event.actor_id == Some(member) || event.target_id == Some(member))
            // By the id of what it was done to as well: entries name sessions so.
            && self.words.as_ref().is_none_or(|words| named(words) || event.target_id.is_some_and(|id| id.to_string() == *words))
    }
}

/// A page of the organisation's audit log, newest first; `before` is where an older page begins. A page that looks for something looks
/// through so many events: the next goes on from there.
pub async fn list(
    db: &Db,
    viewer: &SignedIn,
    scope: OrgScope,
    filter: &AuditFilter,
    before: Option<AuditEventId>,
    call: &Call,
) -> Result<AuditView, Error> {
    let tx = db.read(scope).await?;
    let wanted = Wanted::of(filter);
    let since = filter.period.map(|period| period.since(call.now));
    let chunk = if wanted.is_everything() { i64::try_from(PAGE + 1).unwrap_or(CHUNK) } else { CHUNK };
    let (mut events, mut older, mut place, mut scanned) = (vec![], None, before, 0);
    'pages: loop {
        let found = store::audit::newest(&tx, since, place, chunk).await?;
        let ended = i64::try_from(found.len()).is_ok_and(|found| found < chunk);
        for event in found {
            place = Some(event.shown.id);
            scanned += 1;
            if !wanted.fits(&event) {
                continue;
            }
            if events.len() == PAGE {
                older = events.last().map(|last: &AuditEventView| last.id);
                break 'pages;
            }
            events.push(event.shown);
        }
        if ended {
            break;
        }
        if scanned >= MOST_SCANNED {
            older = place;
            break;
        }
    }
    let member = match filter.member {
        Some(member) => store::audit::member_name(&tx, member).await?,
        None => None,
    };
    Ok(AuditView {
        now: call.now,
        events,
        older,
        sealed: store::audit_seals::sealed(&tx).await?,
        kept: store::retention::audit(&tx).await?,
        member,
        can_manage: viewer.role.may(Permission::ManageSecurity),
    })
}

/// Note that `who` takes a log away as a file, before any of it is read: which, in what format, and what she asked for (`filter`).
pub async fn note_export(
    db: &Db,
    who: &SignedIn,
    scope: OrgScope,
    action: AuditAction,
    format: &str,
    filter: &[(&'static str, String)],
    call: &Call,
) -> Result<(), Error> {
    let mut details = vec![("format".to_owned(), format.to_owned())];
    let asked = filter.iter().filter(|(_, value)| !value.is_empty());
    details.extend(asked.map(|(name, value)| ((*name).to_owned(), value.clone())));
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm(&tx, Permission::SeeAudit).await?;
        append(&tx, action, &who.actor(), None, details.clone(), call).await?;
        tx.commit().await
    })
    .await
}

/// The next part of such a file, newest first, and where the one after it begins. Each part is read on its own, so that a client that
/// reads slowly holds nothing of the database; nor does she read on who may no longer.
pub async fn export(
    db: &Db,
    who: &SignedIn,
    scope: OrgScope,
    filter: &AuditFilter,
    before: Option<AuditEventId>,
    call: &Call,
) -> Result<(Vec<Found>, Option<AuditEventId>), Error> {
    who.still_may(db, scope, Permission::SeeAudit).await?;
    let tx = db.read(scope).await?;
    let wanted = Wanted::of(filter);
    let mut events = store::audit::newest(&tx, filter.period.map(|period| period.since(call.now)), before, CHUNK).await?;
    let more = i64::try_from(events.len()).is_ok_and(|found| found == CHUNK);
    let older = events.last().map(|last| last.shown.id).filter(|_| more);
    events.retain(|event| wanted.fits(event));
    Ok((events, older))
}
