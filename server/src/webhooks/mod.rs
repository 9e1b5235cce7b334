//! Sends an organisation's events to its endpoints: signed, to the internet only, each by one node at a time.

mod client;
mod published;
mod signer;

use std::{collections::HashMap, time::Duration};

use directory::events::delivery::{self, Outcome, Outgoing};
use domain::WebhookEndpointId;
use tokio::{sync::watch, task::JoinSet};

pub use client::Lookup;
use client::{Client, system_lookup};
pub(crate) use published::routes;

use crate::state::AppState;

/// Attempts under way at the same time on one node, and of those to one endpoint: one that does not answer holds back no other.
const MOST: usize = 256;
const MOST_TO_ONE: usize = 4;
/// How often is looked for what is due.
const EVERY: Duration = Duration::from_millis(500);
/// The longest that one attempt may take: well below the lease after which another node tries.
const LONGEST: Duration = Duration::from_secs(15);

/// The sender. Cheap to clone.
#[derive(Clone)]
pub struct Deliverer {
    client: Client,
}

impl Deliverer {
    /// A sender that finds addresses as this machine does.
    pub fn new(state: &AppState) -> Self {
        Self::with(state, system_lookup(), LONGEST)
    }

    /// A sender that finds addresses by `lookup` and waits no longer than `longest` for an answer.
    pub fn with(state: &AppState, lookup: Lookup, longest: Duration) -> Self {
        Self { client: Client::new(state.targets.clone(), lookup, longest) }
    }

    /// Send until told to stop; what is under way then is waited for.
    pub async fn run(self, state: AppState, mut stop: watch::Receiver<bool>) {
        let mut flights = JoinSet::new();
        let mut under_way: HashMap<WebhookEndpointId, usize> = HashMap::new();
        while !*stop.borrow() {
            while flights.len() < MOST {
                let busy: Vec<_> = under_way.iter().filter(|(_, count)| **count >= MOST_TO_ONE).map(|(endpoint, _)| *endpoint).collect();
                match self.next(&state, &busy).await {
                    Ok(Some(outgoing)) => {
                        *under_way.entry(outgoing.endpoint).or_default() += 1;
                        let (sender, state) = (self.clone(), state.clone());
                        flights.spawn(async move {
                            sender.attempt(&state, &outgoing).await;
                            outgoing.endpoint
                        });
                    }
                    Ok(None) => break,
                    Err(error) => {
                        tracing::error!(%error, "what is to be delivered could not be read");
                        break;
                    }
                }
            }
            tokio::select! {
                Some(landed) = flights.join_next() => {
                    if let Ok(endpoint) = landed
                        && let Some(count) = under_way.get_mut(&endpoint)
                    {
                        *count -= 1;
                        if *count == 0 {
                            under_way.remove(&endpoint);
                        }
                    }
                }
                () = tokio::time::sleep(EVERY) => {}
                _ = stop.changed() => {}
            }
        }
        while flights.join_next().await.is_some() {}
    }

    /// Send everything that is due now, one after the other; how many attempts that were.
    pub async fn deliver_due(&self, state: &AppState) -> Result<usize, directory::Error> {
        let mut attempts = 0;
        while let Some(outgoing) = self.next(state, &[]).await? {
            self.attempt(state, &outgoing).await;
            attempts += 1;
        }
        Ok(attempts)
    }

    async fn next(&self, state: &AppState, busy: &[WebhookEndpointId]) -> Result<Option<Outgoing>, directory::Error> {
        delivery::next_due(&state.db, &state.keys, state.public_url(), busy, &state.call()).await
    }

    /// Send a delivery, and write down what came of it. Where that fails, the lease runs out and it is sent again under its id.
    async fn attempt(&self, state: &AppState, outgoing: &Outgoing) {
        let outcome = self.send(state, outgoing).await;
        if let Some(error) = &outcome.error {
            tracing::warn!(endpoint = %outgoing.endpoint, message = outgoing.message_id, %error, "a delivery failed");
        }
        if let Err(error) = delivery::finished(&state.db, outgoing, &outcome, &state.call()).await {
            tracing::error!(%error, "what came of a delivery could not be written down");
        }
    }

    async fn send(&self, state: &AppState, outgoing: &Outgoing) -> Outcome {
        let began = (state.clock)();
        let request = signer::sign(&state.keys, outgoing, began);
        let answered = match request {
            Ok(request) => self.client.send(&outgoing.url, request).await,
            Err(error) => Err(error),
        };
        let duration = Duration::from_micros((state.clock)().as_micros().saturating_sub(began.as_micros()).unsigned_abs());
        match answered {
            Ok(answer) => Outcome {
                status_code: Some(answer.status),
                duration,
                error: answer.refusal(),
                answer: Some(answer.beginning).filter(|text| !text.is_empty()),
                retry_after: answer.retry_after,
            },
            Err(error) => Outcome { status_code: None, duration, error: Some(error), answer: None, retry_after: None },
        }
    }
}
