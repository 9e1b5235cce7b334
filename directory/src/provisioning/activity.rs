//! The activity log: what the provisioning endpoints were asked, how it ended, and what was tolerated.
//!
//! It is written in batches after the answers, from a bounded queue: it neither slows nor fails a request, and whoever
//! floods us costs neither memory nor the disk.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use domain::{
    OrgId, Permission, Timestamp, TokenId,
    activity::{About, ActivityCursor, ActivityDays, ActivityFilter},
    audit::AuditAction,
    view::{ActivityView, RequestPageView, RequestView},
};
use scim::compare;
use tokio::sync::{mpsc, oneshot};
use url::form_urlencoded;
use uuid::Uuid;

use super::{masked, tokens::Provisioner};
use crate::{
    Call, Db, Error, OrgScope,
    sessions::SignedIn,
    store::{
        self,
        scim_requests::{Request, Wanted},
    },
};

/// Requests that may wait to be written. Further ones are dropped, and counted.
const WAITING: usize = 4_096;
/// Requests in one batch.
const BATCH: usize = 200;
/// Requests on a page.
const PAGE: i64 = 50;
/// Requests that an export reads at a time.
const EXPORTED_AT_ONCE: i64 = 1_000;
/// Of what a request did, so much is shown beside it.
const MOST_EVENTS: i64 = 100;

/// What a request that was answered looked like. Nothing prints it: its query and its body are as they were sent.
#[derive(Clone)]
pub struct Entry {
    /// `PATCH`, for example.
    pub method: String,
    /// The path below the base URL, without its query.
    pub path: String,
    /// The query as it was sent. Only of a request that failed, whole or in part, is it kept, and masked.
    pub query: Option<String>,
    /// The beginning of the body as it was sent. Only of a request that failed, whole or in part, is it kept, and masked.
    pub body: Option<Vec<u8>>,
    /// Where the answer says that what was created is.
    pub location: Option<String>,
    /// The answer's status.
    pub status: u16,
    /// How many operations it had, if it is a Bulk that was read.
    pub operations: Option<usize>,
    /// How many of them failed, whatever the answer's status.
    pub failed_operations: usize,
    /// The answer's `scimType`, if it has one.
    pub scim_type: Option<String>,
    /// The answer's `detail`, if it is an error. What it repeats of the client's values is not kept.
    pub detail: Option<String>,
    /// How long the answer took.
    pub took: Duration,
    /// What was tolerated, a sentence each.
    pub notes: Vec<String>,
}

/// The queue and the one writer behind it. Cheap to clone; the writer ends when the last clone is gone.
#[derive(Clone)]
pub struct ActivityLog {
    queue: mpsc::Sender<Message>,
    lost: Lost,
}

enum Message {
    Request(OrgScope, Box<Request>),
    Settled(oneshot::Sender<()>),
}

/// Requests of each organisation that are not in the log and not yet counted in the database, and when the last one came.
#[derive(Clone, Default)]
struct Lost(Arc<Mutex<BTreeMap<OrgId, (i64, Timestamp)>>>);

impl Lost {
    fn add(&self, org: OrgId, requests: usize, at: Timestamp) {
        let mut lost = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (count, last) = lost.entry(org).or_insert((0, at));
        *count = count.saturating_add(i64::try_from(requests).unwrap_or(i64::MAX));
        *last = at.max(*last);
    }

    fn take(&self, org: OrgId) -> Option<(i64, Timestamp)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&org)
    }

    fn orgs(&self) -> Vec<OrgId> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).keys().copied().collect()
    }
}

impl ActivityLog {
    /// Start the writer. Call it inside a runtime.
    pub fn start(db: Db) -> Self {
        Self::holding(db, WAITING)
    }

    /// The same with a queue of this length.
    pub fn holding(db: Db, waiting: usize) -> Self {
        let (queue, receiver) = mpsc::channel(waiting);
        let lost = Lost::default();
        tokio::spawn(write_all(db, receiver, lost.clone()));
        Self { queue, lost }
    }

    /// Write `entry` of `caller`'s when its turn comes. What a drill asks is in the drill's own report. It never waits: when too
    /// many wait already, this one is only counted.
    pub fn note(&self, caller: &Provisioner, entry: Entry, call: &Call) {
        if caller.drill {
            return;
        }
        let failed = entry.status >= 400 || entry.failed_operations > 0;
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let query = entry.query.filter(|_| failed).and_then(|query| masked::query(form_urlencoded::parse(query.as_bytes())));
        let body = entry.body.filter(|body| failed && !body.is_empty()).map(|body| masked::body(&body));
        let request = Request {
            id: call.new_id(),
            token: caller.token,
            at: call.now,
            about: About::of(&entry.path),
            resource: id_in(&entry.path).or_else(|| id_in(entry.location.as_deref()?)),
            method: entry.method,
            path: entry.path,
            query,
            body,
            status: entry.status,
            operations: entry.operations.map(number),
            failed_operations: number(entry.failed_operations),
            scim_type: entry.scim_type,
            detail: entry.detail.map(|detail| masked::detail(&detail)),
            took_micros: i64::try_from(entry.took.as_micros()).unwrap_or(i64::MAX),
            ip: call.ip.clone(),
            user_agent: call.user_agent.clone(),
            request_id: call.request_id.clone(),
            notes: serde_json::to_string(&entry.notes.iter().map(|note| masked::note(note)).collect::<Vec<_>>()).unwrap_or_default(),
        };
        if self.queue.try_send(Message::Request(caller.scope, Box::new(request))).is_err() {
            tracing::warn!("requests come faster than they can be put into the activity log");
            self.lost.add(caller.scope.org(), 1, call.now);
        }
    }

    /// Wait until everything noted so far is written.
    pub async fn settle(&self) {
        let (done, settled) = oneshot::channel();
        if self.queue.send(Message::Settled(done)).await.is_ok() {
            let _ = settled.await;
        }
    }
}

/// The detail of an error without what it repeats of a client's values.
pub fn without_values(detail: &str) -> String {
    masked::detail(detail)
}

/// The id of a user or a group that a path or an address ends in.
fn id_in(path: &str) -> Option<String> {
    let (before, id) = path.rsplit_once('/')?;
    let id: Uuid = Some(id).filter(|id| id.len() == 36)?.parse().ok()?;
    (before.ends_with("/Users") || before.ends_with("/Groups")).then(|| id.to_string())
}

async fn write_all(db: Db, mut queue: mpsc::Receiver<Message>, lost: Lost) {
    let mut messages = Vec::new();
    while queue.recv_many(&mut messages, BATCH).await > 0 {
        let mut requests: BTreeMap<OrgId, (OrgScope, Vec<Request>)> = BTreeMap::new();
        let mut settled = vec![];
        for message in messages.drain(..) {
            match message {
                Message::Request(scope, request) => requests.entry(scope.org()).or_insert_with(|| (scope, vec![])).1.push(*request),
                Message::Settled(done) => settled.push(done),
            }
        }
        // Also those of whom nothing else is to be written.
        for org in lost.orgs() {
            requests.entry(org).or_insert_with(|| (OrgScope::new(org), vec![]));
        }
        for (org, (scope, requests)) in requests {
            let uncounted = lost.take(org);
            if let Err(error) = write(&db, scope, &requests, uncounted).await {
                tracing::error!(%error, requests = requests.len(), "requests could not be put into the activity log");
                if let Some((count, at)) = uncounted {
                    lost.add(org, usize::try_from(count).unwrap_or(0), at);
                }
                if let Some(last) = requests.last() {
                    lost.add(org, requests.len(), last.at);
                }
            }
        }
        for done in settled {
            let _ = done.send(());
        }
    }
}

async fn write(db: &Db, scope: OrgScope, requests: &[Request], uncounted: Option<(i64, Timestamp)>) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        store::scim_requests::append(&tx, requests).await?;
        if let Some((count, at)) = uncounted {
            store::scim_requests::add_dropped(&tx, count, at).await?;
        }
        tx.commit().await
    })
    .await
}

/// Forget what is older than each organisation wants it, and of each all but its newest requests. Failures are what one looks for here,
/// so they have room of their own, which requests that were done do not take.
pub async fn sweep(db: &Db, now: Timestamp) -> Result<(), Error> {
    let db = &db.for_jobs();
    let orgs = store::doors::all_orgs(&db.look_around().await?).await?;
    for org in orgs {
        let scope = OrgScope::new(org);
        let forgotten = db.retrying(|| async {
            let tx = db.begin(scope).await?;
            let kept = store::retention::activity(&tx).await?.duration();
            store::scim_requests::forget(&tx, now - kept, ActivityView::NEWEST_KEPT, ActivityView::MOST_KEPT).await?;
            tx.commit().await
        });
        // One organisation's trouble is not the others'.
        if let Err(error) = forgotten.await {
            tracing::error!(%org, %error, "old requests could not be forgotten");
        }
    }
    Ok(())
}

/// What `filter` asks for. A name is looked up in the directory; also answered is what it is the name of.
async fn wanted(tx: &store::db::Tx, filter: &ActivityFilter, now: Timestamp) -> Result<(Wanted, Option<Vec<String>>), Error> {
    let ActivityFilter { outcome, method, about, token, period, search } = filter;
    let mut wanted = Wanted {
        outcome: *outcome,
        method: *method,
        about: *about,
        token: *token,
        since: period.map(|period| period.since(now)),
        ..Wanted::default()
    };
    let Some(search) = search.as_deref().map(str::trim).filter(|search| !search.is_empty()) else { return Ok((wanted, None)) };
    if search.len() == 36 && Uuid::try_parse(search).is_ok() {
        wanted.resources = Some(vec![search.to_ascii_lowercase()]);
        return Ok((wanted, None));
    }
    if search.len() == 32 && search.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        wanted.request_id = Some(search.to_ascii_lowercase());
        return Ok((wanted, None));
    }
    // No name holds it, and PostgreSQL takes no text that does.
    let found = if search.contains('\0') { vec![] } else { store::scim_requests::called(tx, &compare::fold(search)).await? };
    wanted.resources = Some(found.iter().map(|(_, id, _)| id.to_string()).collect());
    Ok((wanted, Some(found.into_iter().map(|(kind, _, name)| format!("{kind} {name}")).collect())))
}

async fn page(tx: &store::db::Tx, wanted: &Wanted, size: i64) -> Result<(Vec<RequestView>, Option<ActivityCursor>), Error> {
    if wanted.resources.as_ref().is_some_and(Vec::is_empty) {
        return Ok((vec![], None));
    }
    let mut requests = store::scim_requests::page(tx, wanted, size + 1).await?;
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let more = requests.len() > size;
    requests.truncate(size);
    let older = requests.last().filter(|_| more).map(|last| ActivityCursor { at: last.at, id: last.id });
    Ok((requests, older))
}

/// A page of the organisation's activity log, newest first; `before` is where an older page begins.
pub async fn list(
    db: &Db,
    viewer: &SignedIn,
    scope: OrgScope,
    filter: &ActivityFilter,
    before: Option<ActivityCursor>,
    call: &Call,
) -> Result<ActivityView, Error> {
    let tx = db.read(scope).await?;
    let (wanted, found) = wanted(&tx, filter, call.now).await?;
    let (requests, older) = page(&tx, &Wanted { before, ..wanted }, PAGE).await?;
    let tokens = store::tokens::list(&tx, call.now).await?;
    let tokens: Vec<(TokenId, String, String)> = tokens.into_iter().map(|token| (token.id, token.name, token.hint)).collect();
    Ok(ActivityView {
        now: call.now,
        requests,
        older,
        tokens,
        found,
        dropped: store::scim_requests::dropped(&tx).await?,
        kept: store::retention::activity(&tx).await?,
        can_manage: viewer.role.may(Permission::ManageSecurity),
    })
}

/// A request with everything that is known of it, by the id that its answer had in `x-request-id`.
pub async fn view(db: &Db, scope: OrgScope, request_id: &str, call: &Call) -> Result<RequestPageView, Error> {
    if request_id.contains('\0') {
        return Err(Error::NotFound("request"));
    }
    let tx = db.read(scope).await?;
    let (request, body) = store::scim_requests::find(&tx, request_id).await?.ok_or(Error::NotFound("request"))?;
    let events = store::scim_requests::events(&tx, request_id, MOST_EVENTS).await?;
    Ok(RequestPageView { now: call.now, request, body, events })
}

/// The next part of an export of the log, newest first, and where the one after it begins. Each part is read on its own, so that
/// a client that reads slowly holds nothing of the database; nor does she read on who may no longer.
pub async fn export(
    db: &Db,
    who: &SignedIn,
    scope: OrgScope,
    filter: &ActivityFilter,
    before: Option<ActivityCursor>,
    call: &Call,
) -> Result<(Vec<RequestView>, Option<ActivityCursor>), Error> {
    who.still_may(db, scope, Permission::SeeAudit).await?;
    let tx = db.read(scope).await?;
    let (wanted, _) = wanted(&tx, filter, call.now).await?;
    page(&tx, &Wanted { before, ..wanted }, EXPORTED_AT_ONCE).await
}

/// Keep the organisation's SCIM requests for so many days from now on. Fewer are the end of what is older.
pub async fn keep_for(db: &Db, who: &SignedIn, scope: OrgScope, days: &str, call: &Call) -> Result<(), Error> {
    let days: ActivityDays = days.parse()?;
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm_fresh(&tx, Permission::ManageSecurity, call.now).await?;
        let before = store::retention::activity(&tx).await?;
        if before == days {
            return Ok(());
        }
        store::retention::set_activity(&tx, days).await?;
        let details = vec![("kept for".to_owned(), format!("{before} → {days}"))];
        crate::audit::append(&tx, AuditAction::ActivityRetentionChanged, &who.actor(), None, details, call).await?;
        tx.commit().await
    })
    .await
}
