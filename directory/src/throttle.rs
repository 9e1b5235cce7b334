//! How many failed sign-ins are too many: per account and per address, counted in the database that all nodes share.
//!
//! Counted by what was typed, not by what exists, so that a throttled stranger learns nothing about accounts.

use std::{net::IpAddr, time::Duration};

use domain::Timestamp;
use sha2::{Digest, Sha256};

use crate::{
    Call, Error, store,
    store::db::{NoOrg, Tx},
};

/// The window in which failures add up.
const WINDOW: Duration = Duration::from_secs(15 * 60);

/// A counted thing.
#[derive(Clone, Copy)]
struct Limit {
    kind: &'static str,
    /// Failures in a window after which further attempts are refused.
    most: i64,
}

const ACCOUNT: Limit = Limit { kind: "sign_in_account", most: 10 };
// An office shares an address.
const ADDRESS: Limit = Limit { kind: "sign_in_address", most: 50 };

/// The two keys of a sign-in.
pub(crate) struct Attempt {
    account: Vec<u8>,
    address: Option<Vec<u8>>,
}

impl Attempt {
    /// An attempt to sign in as `email`, whatever was typed.
    pub(crate) fn new(email: &str, call: &Call) -> Self {
        let account = digest(&email.trim().to_lowercase());
        Self { account, address: call.ip.as_deref().map(|ip| digest(&network(ip))) }
    }

    /// Refuse when there were too many failures.
    pub(crate) async fn check(&self, tx: &Tx<NoOrg>, now: Timestamp) -> Result<(), Error> {
        for (limit, key) in self.keys() {
            if let Some((failures, began)) = store::failures::count(tx, limit.kind, key, now - WINDOW).await?
                && failures >= limit.most
            {
                let micros = (began + WINDOW).as_micros() - now.as_micros();
                return Err(Error::Throttled { retry_after: Duration::from_micros(micros.max(1).unsigned_abs()) });
            }
        }
        Ok(())
    }

    /// Count a failure.
    pub(crate) async fn failed(&self, tx: &Tx<NoOrg>, now: Timestamp) -> Result<(), Error> {
        for (limit, key) in self.keys() {
            store::failures::add(tx, limit.kind, key, now, now - WINDOW).await?;
        }
        Ok(())
    }

    /// The person got in: her account's failures are forgotten, the address's are not.
    pub(crate) async fn succeeded(&self, tx: &Tx<NoOrg>) -> Result<(), Error> {
        store::failures::clear(tx, ACCOUNT.kind, &self.account).await
    }

    fn keys(&self) -> impl Iterator<Item = (Limit, &[u8])> {
        std::iter::once((ACCOUNT, &self.account[..])).chain(self.address.as_deref().map(|address| (ADDRESS, address)))
    }
}

/// A key for the table, which names nobody.
pub(crate) fn digest(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}

/// Whoever has an IPv6 address has its whole /64.
pub(crate) fn network(ip: &str) -> String {
    match ip.parse::<IpAddr>() {
        Ok(IpAddr::V6(v6)) => format!("{:x?}", &v6.segments()[..4]),
        _ => ip.to_owned(),
    }
}
