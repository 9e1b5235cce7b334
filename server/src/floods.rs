//! What is refused and not noted one by one is counted here, and written down minute by minute: what blocked networks go on asking of SCIM,
//! what programs that fail too often go on showing and services are shown, and what came faster than it could be noted.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use directory::{
    Call, Db, Error,
    failed_attempts::Attempts,
    oauth::guesses::{self as secrets, By, Shown},
    provisioning::guesses as urls,
};
use domain::{OrgId, Timestamp};

use crate::rate_limit::known;

/// URLs that are counted at once, each for each network that asks for them; and so many of one network.
const MOST_URLS: (usize, usize) = (10_000, 50);
/// Secrets that are counted at once, and so many of one network.
const MOST_SECRETS: (usize, usize) = (1_000, 50);
/// Networks that are written down in one transaction: others want to write, too.
const AT_ONCE: usize = 100;

/// The refused requests of this node that are not written down yet.
#[derive(Clone, Default)]
pub(crate) struct Floods(Arc<Mutex<Counts>>);

/// A secret, by its public id, as it came from a network: the one that came first with that id, or any other.
type Secret = (u128, By, bool);

#[derive(Default)]
struct Counts {
    urls: BTreeMap<(IpAddr, OrgId), Attempts>,
    secrets: BTreeMap<(IpAddr, Secret), (Shown, Attempts)>,
    /// What there was no room to count.
    uncounted: u64,
}

impl Counts {
    fn add(&mut self, network: IpAddr, org: OrgId, attempts: Attempts) {
        if let Some(before) = self.urls.remove(&(network, org)) {
            self.urls.insert((network, org), before.and(attempts));
        } else if self.urls.len() < MOST_URLS.0 && of(&self.urls, network) < MOST_URLS.1 {
            self.urls.insert((network, org), attempts);
        } else {
            self.uncounted += 1;
        }
    }

    fn add_secret(&mut self, network: IpAddr, shown: Shown, by: By, attempts: Attempts) {
        let first = (network, (shown.id(), by, false));
        let is_other = self.secrets.get(&first).is_some_and(|(first, _)| !first.is(&shown));
        let key = (network, (shown.id(), by, is_other));
        if let Some((_, before)) = self.secrets.remove(&key) {
            self.secrets.insert(key, (shown, before.and(attempts)));
        } else if self.secrets.len() < MOST_SECRETS.0 && of(&self.secrets, network) < MOST_SECRETS.1 {
            self.secrets.insert(key, (shown, attempts));
        } else {
            self.uncounted += 1;
        }
    }
}

/// How many keys are a network's.
fn of<K: Ord + Clone, V>(counted: &BTreeMap<(IpAddr, K), V>, network: IpAddr) -> usize {
    counted.keys().filter(|(of, _)| *of == network).count()
}

impl Floods {
    /// Count a request to the URL of organisation `org` that was not looked at, or could not be noted.
    pub(crate) fn count(&self, org: &str, ip: Option<IpAddr>, now: Timestamp) {
        let Ok(org) = org.parse::<OrgId>() else { return };
        self.locked().add(known(ip), org, Attempts::one(ip.map(|ip| ip.to_string()), now));
    }

    /// Count a secret that was refused and is not noted by itself.
    pub(crate) fn count_secret(&self, text: &str, by: By, call: &Call) {
        let Some(shown) = Shown::read(text) else { return };
        let ip = call.ip.as_deref().and_then(|ip| ip.parse().ok());
        self.locked().add_secret(known(ip), shown, by, Attempts::one(call.ip.clone(), call.now));
    }

    /// Write down what was counted since the last time. What cannot be written now is kept for the next.
    pub(crate) async fn write(&self, db: &Db, call: &Call) -> Result<(), Error> {
        let Counts { urls, secrets, uncounted } = std::mem::take(&mut *self.locked());
        if uncounted > 0 {
            tracing::warn!(uncounted, "failures come from more networks, or with more ids, than are counted");
        }
        let mut by_org: BTreeMap<OrgId, Vec<(IpAddr, Attempts)>> = BTreeMap::new();
        for ((network, org), attempts) in urls {
            by_org.entry(org).or_default().push((network, attempts));
        }
        let mut failed = Ok(());
        for (org, networks) in by_org {
            for networks in networks.chunks(AT_ONCE) {
                if let Err(error) = urls::note_many(db, org, networks, call).await {
                    failed = Err(error);
                    let mut counts = self.locked();
                    networks.iter().for_each(|(network, attempts)| counts.add(*network, org, attempts.clone()));
                }
            }
        }
        for ((network, (_, by, _)), (shown, attempts)) in secrets {
            if let Err(error) = secrets::note_failures(db, &shown, by, &attempts, call).await {
                failed = Err(error);
                self.locked().add_secret(network, shown, by, attempts);
            }
        }
        failed
    }

    fn locked(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
