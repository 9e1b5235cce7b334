//! What the activity log is told of each request with a valid token.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::{
    body::Bytes,
    extract::{OriginalUri, Request, State},
    middleware::Next,
    response::Response,
};
use directory::{
    Call,
    provisioning::{
        activity::{Entry, without_values},
        tokens::Provisioner,
    },
};
use http::header;
use scim::Notes;

use crate::state::AppState;

/// What a request has told of itself so far: who sent it, and what was tolerated in it.
#[derive(Clone, Default)]
pub(super) struct Activity(Arc<Mutex<Noted>>);

#[derive(Default)]
struct Noted {
    caller: Option<Provisioner>,
    notes: Vec<String>,
    /// How many further notes there would have been.
    more: usize,
    /// How many operations it has.
    operations: Option<usize>,
    /// How many of them failed.
    failed_operations: usize,
    /// The body as it was sent.
    body: Option<Bytes>,
}

/// Notes that are kept of one request.
const MOST_NOTES: usize = 100;
/// Of a larger body so much is held until the answer: of a failed request it tells that the body was too large to be kept.
const MOST_OF_BODY: usize = 64 * 1024 + 1;

impl Activity {
    /// Its token was good.
    pub(super) fn is_from(&self, caller: &Provisioner) {
        self.change(|noted| noted.caller = Some(caller.clone()));
    }

    /// Something was tolerated.
    pub(super) fn tolerated(&self, notes: &Notes) {
        self.add(notes.iter().map(str::to_owned));
    }

    /// Something was tolerated in one operation of a Bulk.
    pub(super) fn tolerated_in(&self, operation: usize, notes: &Notes) {
        self.add(notes.iter().map(|note| format!("operation {}: {note}", operation + 1)));
    }

    /// It is a Bulk of so many operations.
    pub(super) fn has(&self, operations: usize) {
        self.change(|noted| noted.operations = Some(operations));
    }

    /// One operation of a Bulk failed; the Bulk itself is answered with 200.
    pub(super) fn failed_in(&self, operation: usize, error: &scim::Error) {
        let keyword = keyword(error).map(|keyword| format!(" {keyword}")).unwrap_or_default();
        self.change(|noted| noted.failed_operations += 1);
        self.add(std::iter::once(format!(
            "operation {} failed: {}{keyword}, {}",
            operation + 1,
            error.status,
            without_values(&error.detail)
        )));
    }

    /// The last operations of a Bulk were not begun: too much had failed.
    pub(super) fn left_out(&self, operations: usize) {
        self.add(std::iter::once(match operations {
            1 => "1 operation was not carried out".to_owned(),
            _ => format!("{operations} operations were not carried out"),
        }));
    }

    /// This is its body. A failure shows it, masked.
    pub(super) fn sent(&self, body: &Bytes) {
        // A slice would hold all of it.
        let held = if body.len() <= MOST_OF_BODY { body.clone() } else { Bytes::copy_from_slice(&body[..MOST_OF_BODY]) };
        self.change(|noted| noted.body = Some(held));
    }

    /// A request has so many notes and no more, however many operations it has.
    fn add(&self, notes: impl Iterator<Item = String>) {
        self.change(|noted| {
            for note in notes {
                if noted.notes.len() < MOST_NOTES { noted.notes.push(note) } else { noted.more += 1 }
            }
        });
    }

    fn change(&self, change: impl FnOnce(&mut Noted)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn take(&self) -> Noted {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The error that an answer tells of, beside its body.
#[derive(Clone)]
pub(super) struct Told(pub(super) scim::Error);

/// Its `scimType`, if it has one.
fn keyword(error: &scim::Error) -> Option<String> {
    serde_json::to_value(error.scim_type?).ok()?.as_str().map(str::to_owned)
}

/// Note the request, once it was answered.
pub(super) async fn record(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let activity = Activity::default();
    request.extensions_mut().insert(activity.clone());
    let call = request.extensions().get::<Call>().cloned();
    let method = request.method().to_string();
    let query = request.uri().query().map(str::to_owned);
    let path = request.extensions().get::<OriginalUri>().map_or_else(|| request.uri().path(), |original| original.0.path());
    // Below the base URL, `/scim/{org}/v2`.
    let path: String = path.splitn(5, '/').nth(4).map_or_else(|| "/".to_owned(), |rest| format!("/{rest}")).chars().take(500).collect();

    let mut asked = Asked { state, activity, call, method, path, query, answered: false };
    let response = next.run(request).await;
    asked.answered = true;
    let told = response.extensions().get::<Told>().map(|told| &told.0);
    let location = response.headers().get(header::LOCATION).and_then(|location| location.to_str().ok()).map(str::to_owned);
    asked.note(response.status().as_u16(), told, location);
    response
}

/// The status of a request whose client did not wait for the answer, as nginx has it.
const HUNG_UP: u16 = 499;

/// A request that is under way. When nobody waits for its answer any longer, it is let go of without one, and noted as such.
struct Asked {
    state: AppState,
    activity: Activity,
    call: Option<Call>,
    method: String,
    path: String,
    query: Option<String>,
    answered: bool,
}

impl Asked {
    fn note(&mut self, status: u16, told: Option<&scim::Error>, location: Option<String>) {
        let mut noted = self.activity.take();
        if noted.more > 0 {
            noted.notes.push(format!("and {} more", noted.more));
        }
        let (Some(call), Some(caller)) = (&self.call, noted.caller) else { return };
        let took = (self.state.clock)().as_micros().saturating_sub(call.now.as_micros());
        let entry = Entry {
            method: std::mem::take(&mut self.method),
            path: std::mem::take(&mut self.path),
            query: self.query.take(),
            body: noted.body.map(Vec::from),
            location,
            status,
            operations: noted.operations,
            failed_operations: noted.failed_operations,
            scim_type: told.and_then(keyword),
            detail: match status {
                HUNG_UP => Some("The client hung up before it was answered.".to_owned()),
                _ => told.map(|error| error.detail.clone()),
            },
            took: Duration::from_micros(took.unsigned_abs()),
            notes: noted.notes,
        };
        self.state.activity.note(&caller, entry, call);
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        if !self.answered && !std::thread::panicking() {
            self.note(HUNG_UP, None, None);
        }
    }
}
