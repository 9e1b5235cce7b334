//! What blocked networks go on asking for: counted here, and written down minute by minute.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use directory::{
    Call, Db, Error,
    provisioning::guesses::{self, Refusals},
};
use domain::{OrgId, Timestamp};

use crate::rate_limit::known;

/// Networks that are counted at once, each at each organisation's URL.
const MOST: usize = 10_000;

/// The refused requests of this node that are not written down yet, by whom they were aimed at and where they came from.
#[derive(Clone, Default)]
pub(crate) struct Floods(Arc<Mutex<Counts>>);

type Counts = BTreeMap<(OrgId, IpAddr), Refusals>;

impl Floods {
    /// Count a request to the URL of organisation `org` from a blocked network.
    pub(crate) fn count(&self, org: &str, ip: Option<IpAddr>, now: Timestamp) {
        let Ok(org) = org.parse::<OrgId>() else { return };
        let (network, mut counts) = (known(ip), self.locked());
        if counts.len() >= MOST && !counts.contains_key(&(org, network)) {
            return;
        }
        let from = ip.map(|ip| ip.to_string());
        counts.entry((org, network)).or_insert_with(|| Refusals::beginning(now)).count(from, now);
    }

    /// Write down what was counted since the last time. What cannot be written now is kept for the next. At the end (`all_over`), every
    /// flood is taken to be over.
    pub(crate) async fn write(&self, db: &Db, all_over: bool, call: &Call) -> Result<(), Error> {
        let mut taken: BTreeMap<OrgId, Vec<(IpAddr, Refusals)>> = BTreeMap::new();
        for ((org, network), refusals) in std::mem::take(&mut *self.locked()) {
            taken.entry(org).or_default().push((network, refusals));
        }
        let mut failed = Ok(());
        for (org, networks) in taken {
            let (networks, refusals): (Vec<_>, Vec<_>) = networks.into_iter().unzip();
            let left = match guesses::note_refusals(db, org, &refusals, all_over, call).await {
                Ok(left) => left,
                Err(error) => {
                    failed = Err(error);
                    refusals.into_iter().map(Some).collect()
                }
            };
            let mut counts = self.locked();
            for (network, left) in networks.into_iter().zip(left) {
                let Some(left) = left else { continue };
                // What came meanwhile goes on from there.
                let meanwhile = counts.remove(&(org, network));
                counts.insert((org, network), left.and(meanwhile));
            }
        }
        failed
    }

    fn locked(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
