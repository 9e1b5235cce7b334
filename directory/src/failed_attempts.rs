//! What an organisation's audit log tells of failed attempts to authenticate: of each of them, and of a flood in few entries.
//!
//! Attempts that follow one another and are about one thing make an entry for the first, at each tenfold, and for all of them when they are
//! over: how many there were, the first and the last. What is not told yet is in the database, so that it is told whichever node goes
//! down. Beyond so many entries an hour, the rest is told as one.

use std::time::Duration;

use domain::{OrgId, Timestamp, audit::AuditAction};

pub(crate) use crate::store::failure_notes::About;
use crate::{
    Actor, Call, Db, Error, OrgScope,
    store::{self, audit::Details, db::Tx, failure_notes::Note},
    throttle,
};

/// Attempts are over when there was none for this long. What a node counts in memory is written down every minute: it is not over while
/// it goes on.
const QUIET: Duration = Duration::from_secs(3 * 60);
/// What goes on for longer than this is told meanwhile, and begins anew.
const LONGEST: Duration = Duration::from_secs(3_600);
/// Entries of one kind in one audit log within [`BUDGET_WINDOW`], whoever does it from however many addresses, and one more for the rest.
/// Attempts with a secret that was the right one have as many for themselves: no guesses take their room.
const MOST_ENTRIES: i64 = 60;
const BUDGET_WINDOW: Duration = Duration::from_secs(3_600);
/// The keys of what there was no room to list: guesses, and those with the right secret.
const THE_REST: [&[u8]; 2] = [b"", b"r"];

/// Failed attempts: how many, the first and the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempts {
    count: u64,
    first: Timestamp,
    last: Timestamp,
    last_from: Option<String>,
}

impl Attempts {
    /// One, from this address.
    pub fn one(from: Option<String>, at: Timestamp) -> Self {
        Self { count: 1, first: at, last: at, last_from: from }
    }

    /// The one that this call made.
    pub(crate) fn of(call: &Call) -> Self {
        Self::one(call.ip.clone(), call.now)
    }

    /// The same, without where they came from.
    pub(crate) fn without_address(&self) -> Self {
        Self { last_from: None, ..self.clone() }
    }

    /// These and others.
    pub fn and(self, others: Self) -> Self {
        let (count, first) = (self.count + others.count, self.first.min(others.first));
        let later = if others.last < self.last { self } else { others };
        Self { count, first, ..later }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> i64 {
        i64::try_from(self.count).unwrap_or(i64::MAX)
    }

    /// The last.
    pub(crate) fn last(&self) -> Timestamp {
        self.last
    }

    /// Where the last one came from.
    pub(crate) fn last_from(&self) -> Option<&str> {
        self.last_from.as_deref()
    }
}

/// Note attempts in the audit log of organisation `org`, in a transaction of its own, if there is anybody to read it: what a drill tries in
/// its satellite is expected to fail.
pub(crate) async fn note_for(
    db: &Db,
    org: OrgId,
    kind: AuditAction,
    key: &str,
    about: &About,
    attempts: &Attempts,
    call: &Call,
) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(OrgScope::new(org)).await?;
        if store::organizations::exists(&tx).await? {
            note(&tx, kind, key, about.clone(), attempts, call).await?;
        }
        tx.commit().await
    })
    .await
}

/// Note attempts of this kind in the audit log of the transaction's organisation. Those with the same `key` are about the same thing, and
/// are told together.
pub(crate) async fn note(tx: &Tx, kind: AuditAction, key: &str, about: About, attempts: &Attempts, call: &Call) -> Result<(), Error> {
    one_after_the_other(tx, kind, call).await?;
    let key = throttle::digest(key);
    let mut open = store::failure_notes::find(tx, kind, &key).await?;
    if let Some(over) = open.take_if(|note| note.over_at <= attempts.first) {
        tell_the_rest_of(tx, kind, over, call).await?;
    }
    let mut note = match open {
        Some(note) => Note {
            about,
            failures: note.failures.saturating_add(attempts.count()),
            began_at: note.began_at.min(attempts.first),
            last_at: note.last_at.max(attempts.last),
            last_from: attempts.last_from.clone(),
            ..note
        },
        None => Note {
            key,
            about,
            failures: attempts.count(),
            listed: 0,
            began_at: attempts.first,
            last_at: attempts.last,
            last_from: attempts.last_from.clone(),
            over_at: attempts.first,
        },
    };
    note.over_at = (note.last_at + QUIET).min(note.began_at + LONGEST);
    if note.listed == 0 || step(note.failures) > step(note.listed) {
        match room(tx, kind, &note, call).await? {
            Some(last) => {
                let said = if note.failures == 1 { vec![] } else { told("failures so far", &note) };
                list(tx, kind, &note, [said, last].concat(), call).await?;
                note.listed = note.failures;
            }
            // Rows are as few as entries are.
            None if note.listed == 0 => return add_to_the_rest(tx, kind, &note).await,
            None => {}
        }
    }
    store::failure_notes::put(tx, kind, &note).await
}

/// Tell, in each audit log, of attempts that are over by now what it does not say yet. To be called every minute or so, on any node.
pub async fn tell_the_rest(db: &Db, call: &Call) -> Result<(), Error> {
    let db = &db.for_jobs();
    // In a statement of its own: the connection is given back before the first is asked for.
    let over = store::failure_notes::orgs_with_over(&db.look_around().await?, call.now).await?;
    for (org, kind) in over {
        let told = db.retrying(|| async {
            let tx = db.begin(OrgScope::new(org)).await?;
            one_after_the_other(&tx, kind, call).await?;
            for note in store::failure_notes::over(&tx, kind, call.now).await? {
                tell_the_rest_of(&tx, kind, note, call).await?;
            }
            tx.commit().await
        });
        // One organisation's trouble is not the others'.
        if let Err(error) = told.await {
            tracing::error!(%org, %error, "how many attempts have failed could not be written down");
        }
    }
    Ok(())
}

/// Tell of a note what is not told yet, and forget it.
async fn tell_the_rest_of(tx: &Tx, kind: AuditAction, note: Note, call: &Call) -> Result<(), Error> {
    store::failure_notes::delete(tx, kind, &note.key).await?;
    if THE_REST.contains(&note.key.as_slice()) {
        let said = told("failures that were not listed", &note);
        let what = if note.about.right_secret { "with secrets that were the right ones" } else { "without the right secret" };
        return list(tx, kind, &note, [vec![("why".to_owned(), format!("several reasons, {what}"))], said].concat(), call).await;
    }
    // One by itself has been told of; of several it is told as well that they are over.
    if note.failures == 1 {
        return Ok(());
    }
    match room(tx, kind, &note, call).await? {
        Some(last) => list(tx, kind, &note, [told("failures in all", &note), last].concat(), call).await,
        None => add_to_the_rest(tx, kind, &note).await,
    }
}

/// What of a note is not told yet is told with everything that there was no room for, when its hour is over.
async fn add_to_the_rest(tx: &Tx, kind: AuditAction, note: &Note) -> Result<(), Error> {
    let unlisted = note.failures - note.listed;
    if unlisted == 0 {
        return Ok(());
    }
    let key = THE_REST[usize::from(note.about.right_secret)];
    let rest = match store::failure_notes::find(tx, kind, key).await? {
        Some(rest) => Note {
            failures: rest.failures.saturating_add(unlisted),
            began_at: rest.began_at.min(note.began_at),
            last_at: rest.last_at.max(note.last_at),
            last_from: note.last_from.clone(),
            ..rest
        },
        None => Note {
            key: key.to_vec(),
            about: About { right_secret: note.about.right_secret, ..About::default() },
            failures: unlisted,
            listed: 0,
            over_at: note.last_at + BUDGET_WINDOW,
            ..note.clone()
        },
    };
    store::failure_notes::put(tx, kind, &rest).await
}

async fn list(tx: &Tx, kind: AuditAction, note: &Note, facts: Details, call: &Call) -> Result<(), Error> {
    let mut call = call.clone();
    call.ip.clone_from(&note.last_from);
    if note.failures > 1 {
        // The last of them is no more than an example.
        (call.user_agent, call.request_id) = (None, None);
    }
    let About { claims, why, target, .. } = note.about.clone();
    let why = why.map(|why| ("why".to_owned(), why));
    crate::audit::append(tx, kind, &Actor::Anonymous { claims }, target, why.into_iter().chain(facts).collect(), &call).await
}

fn told(what: &str, note: &Note) -> Details {
    [(what, note.failures.to_string()), ("first", note.began_at.second()), ("last", note.last_at.second())]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
}

/// Room for one more entry about such attempts within the hour, if there is any: and what the last one has to say besides.
async fn room(tx: &Tx, kind: AuditAction, note: &Note, call: &Call) -> Result<Option<Details>, Error> {
    let entries = counted(tx, kind, if note.about.right_secret { " right" } else { " guesses" }, 1, call).await?;
    let last = ("from now on".to_owned(), "further ones within the hour are counted, and told in one entry when it is over".to_owned());
    Ok((entries <= MOST_ENTRIES).then(|| if entries == MOST_ENTRIES { vec![last] } else { vec![] }))
}

/// Lock the notes of this kind until the transaction ends, whichever nodes write them: no two change one at once.
async fn one_after_the_other(tx: &Tx, kind: AuditAction, call: &Call) -> Result<(), Error> {
    counted(tx, kind, "", 0, call).await.map(drop)
}

async fn counted(tx: &Tx, kind: AuditAction, of: &str, more: i64, call: &Call) -> Result<i64, Error> {
    let key = throttle::digest(&format!("{} {}{of}", tx.org(), kind.code()));
    Ok(store::failures::add_many(tx, "notes", &key, more, call.now, call.now - BUDGET_WINDOW).await?.failures)
}

/// The last of 1, 10, 100 … that `failures` has reached: that one was listed.
fn step(failures: i64) -> i64 {
    let mut step = 1;
    while step <= failures / 10 {
        step *= 10;
    }
    step
}

#[cfg(test)]
mod tests {
    use super::step;

    #[test]
    fn each_tenfold_is_listed() {
        let listed: Vec<_> = (1..=10_000).filter(|failures| step(*failures) == *failures).collect();
        assert_eq!(listed, [1, 10, 100, 1_000, 10_000]);
    }
}
