//! What guessing is slowed to: requests from blocked networks take turns at the database, and wait for their refusal.

use std::{sync::Arc, time::Duration};

use tokio::sync::{Semaphore, SemaphorePermit};

/// Refusals that wait at once. Further ones are given without a wait: what waits is memory.
const PLACES: usize = 1_024;

/// The way for SCIM requests from networks that are blocked ([`crate::rate_limit::ScimGuesses`]).
///
/// A token is looked up however its address has behaved, so that a good one always passes. So that a flood of bad ones does not take the
/// database from everybody else, those from blocked networks are looked up one at a time; a good one waits for its turn, as long as the
/// look-ups before it take. Only after its look-up a bad one waits on, without holding anything: whoever sends the next guess when
/// the last is answered gets so many a second as she has connections.
#[derive(Clone)]
pub(crate) struct SlowLane(Arc<Lane>);

struct Lane {
    turn: Semaphore,
    places: Semaphore,
    wait: Duration,
}

impl SlowLane {
    /// A lane in which a refusal waits for `wait`.
    pub(crate) fn new(wait: Duration) -> Self {
        Self(Arc::new(Lane { turn: Semaphore::new(1), places: Semaphore::new(PLACES), wait }))
    }

    /// Wait for the turn to look up a token; it lasts until what is answered is dropped.
    pub(crate) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed.
        self.0.turn.acquire().await.ok()
    }

    /// Wait before a refusal is answered, where there is a place to wait.
    pub(crate) async fn hold(&self) {
        if let Ok(_place) = self.0.places.try_acquire() {
            tokio::time::sleep(self.0.wait).await;
        }
    }
}
