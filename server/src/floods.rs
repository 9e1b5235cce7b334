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
    urls: ByNetwork<OrgId, Attempts>,
    secrets: ByNetwork<Secret, (Shown, Attempts)>,
    /// What there was no room to count.
    uncounted: u64,
}

/// What is counted of each network.
struct ByNetwork<K, V> {
    networks: BTreeMap<IpAddr, BTreeMap<K, V>>,
    /// How many there are of all of them.
    count: usize,
}

impl<K, V> Default for ByNetwork<K, V> {
    fn default() -> Self {
        Self { networks: BTreeMap::new(), count: 0 }
    }
}

impl<K: Ord, V> ByNetwork<K, V> {
    fn get(&self, network: IpAddr, key: &K) -> Option<&V> {
        self.networks.get(&network)?.get(key)
    }

    /// Put a value in the place of the one that is there, or beside the others if there is room for so many in all and of one network;
    /// whether it was.
    fn put(&mut self, network: IpAddr, key: K, (most, of_one): (usize, usize), value: impl FnOnce(Option<V>) -> V) -> bool {
        let of_network = self.networks.entry(network).or_default();
        let before = of_network.remove(&key);
        let has_room = before.is_some() || (self.count < most && of_network.len() < of_one);
        if has_room {
            self.count += usize::from(before.is_none());
            of_network.insert(key, value(before));
        } else if of_network.is_empty() {
            self.networks.remove(&network);
        }
        has_room
    }

    fn into_each(self) -> impl Iterator<Item = (IpAddr, K, V)> {
        self.networks.into_iter().flat_map(|(network, counted)| counted.into_iter().map(move |(key, value)| (network, key, value)))
    }
}

impl Counts {
    fn add(&mut self, network: IpAddr, org: OrgId, attempts: Attempts) {
        let counted = self.urls.put(network, org, MOST_URLS, |before| match before {
            Some(before) => before.and(attempts),
            None => attempts,
        });
        self.uncounted += u64::from(!counted);
    }

    fn add_secret(&mut self, network: IpAddr, shown: Shown, by: By, attempts: Attempts) {
        let is_other = self.secrets.get(network, &(shown.id(), by, false)).is_some_and(|(first, _)| !first.is(&shown));
        let counted = self.secrets.put(network, (shown.id(), by, is_other), MOST_SECRETS, |before| match before {
            Some((_, before)) => (shown, before.and(attempts)),
            None => (shown, attempts),
        });
        self.uncounted += u64::from(!counted);
    }
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
        for (network, org, attempts) in urls.into_each() {
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
        for (network, (_, by, _), (shown, attempts)) in secrets.into_each() {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(keys: impl IntoIterator<Item = (IpAddr, u32)>) -> (ByNetwork<u32, u32>, usize) {
        let (mut all, mut refused) = (ByNetwork::default(), 0);
        for (network, key) in keys {
            refused += usize::from(!all.put(network, key, (6, 3), |before| before.unwrap_or(0) + 1));
        }
        (all, refused)
    }

    #[test]
    fn one_network_fills_its_own_share_and_all_of_them_the_whole() {
        let [a, b, c] = ["192.0.2.1", "192.0.2.2", "2001:db8::"].map(|ip| ip.parse::<IpAddr>().unwrap());
        let (all, refused) = counted((0..10).map(|key| (a, key)).chain([(a, 1), (b, 1), (b, 1)]));
        assert_eq!((refused, all.count), (7, 4));
        assert_eq!(all.into_each().collect::<Vec<_>>(), [(a, 0, 1), (a, 1, 2), (a, 2, 1), (b, 1, 2)]);
        let (all, refused) = counted([a, b, c].into_iter().flat_map(|network| (0..3).map(move |key| (network, key))));
        assert_eq!((refused, all.count, all.networks.len()), (3, 6, 2), "whoever finds no room leaves nothing");
    }
}
