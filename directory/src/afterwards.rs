//! What is written after the answer was given: notes about failures, whose writing would tell by its time what the
//! answer keeps to itself (is there such an account? such an organisation?).

use std::pin::Pin;

use tokio::sync::{mpsc, oneshot};

use crate::Error;

type Note = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// Notes that may wait. Further ones are dropped, with a warning in the log: whoever floods us costs neither memory nor
/// the disk.
const WAITING: usize = 1_024;

/// A queue of notes and the one writer behind it. Cheap to clone; the writer ends when the last clone is gone.
#[derive(Clone)]
pub struct Afterwards(mpsc::Sender<Entry>);

enum Entry {
    Note(Note),
    Settled(oneshot::Sender<()>),
}

impl Afterwards {
    /// Start the writer. Call it inside a runtime.
    pub fn start() -> Self {
        let (sender, mut receiver) = mpsc::channel(WAITING);
        tokio::spawn(async move {
            while let Some(entry) = receiver.recv().await {
                match entry {
                    Entry::Note(note) => {
                        if let Err(error) = note.await {
                            tracing::error!(%error, "a failure could not be put into the audit log");
                        }
                    }
                    Entry::Settled(done) => drop(done.send(())),
                }
            }
        });
        Self(sender)
    }

    /// Write `note` when its turn comes.
    pub fn note(&self, note: impl Future<Output = Result<(), Error>> + Send + 'static) {
        if self.0.try_send(Entry::Note(Box::pin(note))).is_err() {
            tracing::warn!("failures come faster than they can be noted");
        }
    }

    /// Wait until everything noted so far is written.
    pub async fn settle(&self) {
        let (done, settled) = oneshot::channel();
        if self.0.send(Entry::Settled(done)).await.is_ok() {
            let _ = settled.await;
        }
    }
}
