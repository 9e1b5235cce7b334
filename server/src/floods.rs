//! What is refused beyond the limits is counted here, and written down minute by minute: what blocked networks go on asking of SCIM, and what
//! programs that fail too often go on showing.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use directory::{
    Call, Db, Error,
    failed_attempts::Attempts,
    oauth::guesses::{self as secrets, Shown},
    provisioning::guesses as urls,
};
use domain::{OrgId, Timestamp};

use crate::rate_limit::known;

/// Networks that are counted at once, each at each organisation's URL.
const MOST_NETWORKS: usize = 10_000;
/// Secrets that are counted at once, by their public ids.
const MOST_SECRETS: usize = 1_000;

/// The refused requests of this node that are not written down yet.
#[derive(Clone, Default)]
pub(crate) struct Floods(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    /// By whose URL they were aimed at and where they came from.
    networks: BTreeMap<(OrgId, IpAddr), Attempts>,
    /// By the public id that was shown: what was shown last with it.
    secrets: BTreeMap<u128, (Shown, Attempts)>,
}

impl Counts {
    fn add(&mut self, org: OrgId, network: IpAddr, attempts: Attempts) {
        let full = self.networks.len() >= MOST_NETWORKS;
        match self.networks.remove(&(org, network)) {
            Some(before) => drop(self.networks.insert((org, network), before.and(attempts))),
            None if full => {}
            None => drop(self.networks.insert((org, network), attempts)),
        }
    }

    fn add_secret(&mut self, shown: Shown, attempts: Attempts) {
        let full = self.secrets.len() >= MOST_SECRETS;
        match self.secrets.remove(&shown.id()) {
            Some((_, before)) => drop(self.secrets.insert(shown.id(), (shown, before.and(attempts)))),
            None if full => {}
            None => drop(self.secrets.insert(shown.id(), (shown, attempts))),
        }
    }
}

impl Floods {
    /// Count a request to the URL of organisation `org` from a blocked network.
    pub(crate) fn count(&self, org: &str, ip: Option<IpAddr>, now: Timestamp) {
        let Ok(org) = org.parse::<OrgId>() else { return };
        self.locked().add(org, known(ip), Attempts::one(ip.map(|ip| ip.to_string()), now));
    }

    /// Count a secret that was refused and came from an address that has shown too many.
    pub(crate) fn count_secret(&self, text: &str, call: &Call) {
        let Some(shown) = Shown::read(text) else { return };
        self.locked().add_secret(shown, Attempts::one(call.ip.clone(), call.now));
    }

    /// Write down what was counted since the last time. What cannot be written now is kept for the next.
    pub(crate) async fn write(&self, db: &Db, call: &Call) -> Result<(), Error> {
        let Counts { networks, secrets } = std::mem::take(&mut *self.locked());
        let mut by_org: BTreeMap<OrgId, Vec<(IpAddr, Attempts)>> = BTreeMap::new();
        for ((org, network), attempts) in networks {
            by_org.entry(org).or_default().push((network, attempts));
        }
        let mut failed = Ok(());
        for (org, networks) in by_org {
            if let Err(error) = urls::note_blocked(db, org, &networks, call).await {
                failed = Err(error);
                let mut counts = self.locked();
                networks.into_iter().for_each(|(network, attempts)| counts.add(org, network, attempts));
            }
        }
        for (shown, attempts) in secrets.into_values() {
            if let Err(error) = secrets::note_failures(db, &shown, &attempts, call).await {
                failed = Err(error);
                self.locked().add_secret(shown, attempts);
            }
        }
        failed
    }

    fn locked(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
