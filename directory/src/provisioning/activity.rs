//! The activity log: what the provisioning endpoints were asked, how it ended, and what was tolerated.
//!
//! It is written in batches after the answers, from a bounded queue: it neither slows nor fails a request, and whoever
//! floods us costs neither memory nor the disk.

use std::{collections::BTreeMap, time::Duration};

use domain::{OrgId, Timestamp};
use tokio::sync::{mpsc, oneshot};

use super::tokens::Provisioner;
use crate::{
    Call, Db, Error, OrgScope,
    store::{self, scim_requests::Request},
};

/// Requests that may wait to be written. Further ones are dropped, with a warning in the log.
const WAITING: usize = 4_096;
/// Requests in one batch.
const BATCH: usize = 200;
/// How long requests are kept.
const KEPT: Duration = Duration::from_secs(30 * 24 * 3_600);
/// The most requests that are kept of one organisation.
const MOST_KEPT: i64 = 100_000;

/// What a request that was answered looked like.
#[derive(Clone, Debug)]
pub struct Entry {
    /// `PATCH`, for example.
    pub method: String,
    /// The path below the base URL, without its query: filters hold personal data.
    pub path: String,
    /// The answer's status.
    pub status: u16,
    /// The answer's `scimType`, if it has one.
    pub scim_type: Option<String>,
    /// The answer's `detail`, if it is an error.
    pub detail: Option<String>,
    /// How long the answer took.
    pub took: Duration,
    /// What was tolerated, a sentence each.
    pub notes: Vec<String>,
}

/// The queue and the one writer behind it. Cheap to clone; the writer ends when the last clone is gone.
#[derive(Clone)]
pub struct ActivityLog(mpsc::Sender<Message>);

enum Message {
    Request(OrgScope, Box<Request>),
    Settled(oneshot::Sender<()>),
}

impl ActivityLog {
    /// Start the writer. Call it inside a runtime.
    pub fn start(db: Db) -> Self {
        let (sender, mut receiver) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            let mut messages = Vec::new();
            while receiver.recv_many(&mut messages, BATCH).await > 0 {
                let mut requests: BTreeMap<OrgId, (OrgScope, Vec<Request>)> = BTreeMap::new();
                let mut settled = vec![];
                for message in messages.drain(..) {
                    match message {
                        Message::Request(scope, request) => requests.entry(scope.org()).or_insert_with(|| (scope, vec![])).1.push(*request),
                        Message::Settled(done) => settled.push(done),
                    }
                }
                for (scope, requests) in requests.into_values() {
                    if let Err(error) = write(&db, scope, &requests).await {
                        tracing::error!(%error, requests = requests.len(), "requests could not be put into the activity log");
                    }
                }
                for done in settled {
                    let _ = done.send(());
                }
            }
        });
        Self(sender)
    }

    /// Write `entry` of `caller`'s when its turn comes. What a drill asks is in the drill's own report.
    pub fn note(&self, caller: &Provisioner, entry: Entry, call: &Call) {
        if caller.drill {
            return;
        }
        let request = Request {
            id: call.new_id(),
            token: caller.token,
            at: call.now,
            method: entry.method,
            path: entry.path,
            status: entry.status,
            scim_type: entry.scim_type,
            detail: entry.detail,
            took_micros: i64::try_from(entry.took.as_micros()).unwrap_or(i64::MAX),
            ip: call.ip.clone(),
            user_agent: call.user_agent.clone(),
            request_id: call.request_id.clone(),
            notes: serde_json::to_string(&entry.notes).unwrap_or_default(),
        };
        if self.0.try_send(Message::Request(caller.scope, Box::new(request))).is_err() {
            tracing::warn!("requests come faster than they can be put into the activity log");
        }
    }

    /// Wait until everything noted so far is written.
    pub async fn settle(&self) {
        let (done, settled) = oneshot::channel();
        if self.0.send(Message::Settled(done)).await.is_ok() {
            let _ = settled.await;
        }
    }
}

async fn write(db: &Db, scope: OrgScope, requests: &[Request]) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        store::scim_requests::append(&tx, requests).await?;
        tx.commit().await
    })
    .await
}

/// Forget what is older than a month, and of each organisation all but its newest requests.
pub async fn sweep(db: &Db, now: Timestamp) -> Result<(), Error> {
    let tx = db.read_outside().await?;
    let orgs = store::organizations::all(&tx).await?;
    drop(tx);
    for org in orgs {
        let scope = OrgScope::new(org);
        let forgotten = db.retrying(|| async {
            let tx = db.begin(scope).await?;
            store::scim_requests::forget(&tx, now - KEPT, MOST_KEPT).await?;
            tx.commit().await
        });
        // One organisation's trouble is not the others'.
        if let Err(error) = forgotten.await {
            tracing::error!(%org, %error, "old requests could not be forgotten");
        }
    }
    Ok(())
}
