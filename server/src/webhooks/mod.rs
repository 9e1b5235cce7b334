//! Sends an organisation's events to its endpoints: signed, to the internet only, each by one node at a time.

mod client;
mod published;
mod signer;

use std::{collections::HashMap, time::Duration};

use directory::events::delivery::{self, Busy, Outcome, Outgoing};
use domain::{OrgId, WebhookEndpointId};
use tokio::{
    sync::watch,
    task::{Id, JoinSet},
};

pub use client::Lookup;
use client::{Client, system_lookup};
pub(crate) use published::routes;

use crate::state::AppState;

/// Attempts under way at the same time on one node, of those for one organisation, and of those to one endpoint: whoever does not
/// answer holds back nobody else.
const MOST: usize = 256;
const MOST_FOR_ONE: usize = 16;
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
        let mut under_way: HashMap<Id, (WebhookEndpointId, OrgId)> = HashMap::new();
        while !*stop.borrow() {
            while flights.len() < MOST {
                match self.next(&state, &busy(under_way.values())).await {
                    Ok(Some(outgoing)) => {
                        let to = (outgoing.endpoint, outgoing.org);
                        let (sender, state) = (self.clone(), state.clone());
                        let flight = flights.spawn(async move { sender.attempt(&state, &outgoing).await });
                        under_way.insert(flight.id(), to);
                    }
                    Ok(None) => break,
                    Err(error) => {
                        tracing::error!(%error, "what is to be delivered could not be read");
                        break;
                    }
                }
            }
            tokio::select! {
                Some(landed) = flights.join_next_with_id() => {
                    let id = landed.map_or_else(|crashed| crashed.id(), |(id, ())| id);
                    under_way.remove(&id);
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
        while let Some(outgoing) = self.next(state, &Busy::default()).await? {
            self.attempt(state, &outgoing).await;
            attempts += 1;
        }
        Ok(attempts)
    }

    async fn next(&self, state: &AppState, busy: &Busy) -> Result<Option<Outgoing>, directory::Error> {
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

/// Whom enough is under way to.
fn busy<'a>(under_way: impl Iterator<Item = &'a (WebhookEndpointId, OrgId)>) -> Busy {
    let (mut endpoints, mut orgs): (HashMap<_, usize>, HashMap<_, usize>) = Default::default();
    for (endpoint, org) in under_way {
        *endpoints.entry(*endpoint).or_default() += 1;
        *orgs.entry(*org).or_default() += 1;
    }
    let endpoints = endpoints.into_iter().filter(|(_, count)| *count >= MOST_TO_ONE).map(|(endpoint, _)| endpoint);
    let orgs = orgs.into_iter().filter(|(_, count)| *count >= MOST_FOR_ONE).map(|(org, _)| org);
    Busy { endpoints: endpoints.collect(), orgs: orgs.collect() }
}
