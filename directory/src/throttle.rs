//! How many failed sign-ins are too many: per account and per address, counted in the database that all nodes share.
//!
//! Counted by what was typed, not by what exists, so that a throttled stranger learns nothing about accounts.

use std::{net::IpAddr, time::Duration};

use domain::{AccountId, EmailAddress, Timestamp};
use sha2::{Digest, Sha256};

use crate::{
    Call, Db, Error, address_blocks,
    store::{self, db::Tx},
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

// Codes are long enough that a thousand guesses find none; somebody with two left hands needs a few (RFC 8628 §5.1).
const USER_CODE: Limit = Limit { kind: "user_code_account", most: 30 };
const USER_CODE_ADDRESS: Limit = Limit { kind: "user_code_address", most: 200 };

// Whoever guesses at codes has the password already. Of a million codes three are right at any moment: at five guesses in a quarter of
// an hour, it takes more than a year of guessing to find one as likely as not, and the owner of the account is told at once.
const SECOND_FACTOR: Limit = Limit { kind: "second_factor_account", most: 5 };
const SECOND_FACTOR_ADDRESS: Limit = Limit { kind: "second_factor_address", most: 50 };

// Asked again of whoever is signed in: a count of its own, which nobody without a session of hers can fill.
const PASSWORD_AGAIN: Limit = Limit { kind: "password_again_account", most: 10 };
const PASSWORD_AGAIN_ADDRESS: Limit = Limit { kind: "password_again_address", most: 50 };

// Asking costs its person a mail.
const RESET: Limit = Limit { kind: "reset_account", most: 3 };
const RESET_ADDRESS: Limit = Limit { kind: "reset_address", most: 20 };

/// What an attempt is counted by: the account, and the address that it came from.
pub(crate) struct Attempt {
    /// By account, and by address.
    limits: (Limit, Limit),
    account: Vec<u8>,
    address: Option<Vec<u8>>,
}

impl Attempt {
    /// An attempt to sign in as `email`, whatever was typed: spellings of one address are one account.
    pub(crate) fn new(email: &str, call: &Call) -> Self {
        let account = match EmailAddress::try_from(email) {
            Ok(address) => digest(address.key().as_str()),
            Err(_) => digest(email.trim()),
        };
        Self { limits: (ACCOUNT, ADDRESS), account, address: network_key(call) }
    }

    /// An attempt of a signed-in person to name a device by its code.
    pub(crate) fn at_user_code(account: AccountId, call: &Call) -> Self {
        Self { limits: (USER_CODE, USER_CODE_ADDRESS), account: digest(&account.to_string()), address: network_key(call) }
    }

    /// An attempt to show a code of this account's second factor.
    pub(crate) fn at_second_factor(account: AccountId, call: &Call) -> Self {
        Self { limits: (SECOND_FACTOR, SECOND_FACTOR_ADDRESS), account: digest(&account.to_string()), address: network_key(call) }
    }

    /// An attempt of a signed-in person to give her password again.
    pub(crate) fn at_password_again(account: AccountId, call: &Call) -> Self {
        Self { limits: (PASSWORD_AGAIN, PASSWORD_AGAIN_ADDRESS), account: digest(&account.to_string()), address: network_key(call) }
    }

    /// Somebody asks for a link that sets the password of `email` anew. Never taken back: what comes of it is not to be told.
    pub(crate) fn at_reset(email: &str, call: &Call) -> Self {
        // By network as well: whoever asks for somebody else's does not keep her from asking for hers.
        let mut attempt = Self { limits: (RESET, RESET_ADDRESS), ..Self::new(email, call) };
        attempt.account.extend(network_key(call).unwrap_or_default());
        attempt
    }

    /// Her password was set by her own link: what was guessed before counts no longer, nor what was guessed at her codes.
    pub(crate) async fn forgive<S: Send + Sync>(tx: &Tx<S>, account: AccountId, email: Option<&str>) -> Result<(), Error> {
        for kind in [SECOND_FACTOR.kind, PASSWORD_AGAIN.kind] {
            store::failures::clear(tx, kind, &digest(&account.to_string())).await?;
        }
        match email.and_then(|email| EmailAddress::try_from(email).ok()) {
            Some(email) => store::failures::clear(tx, ACCOUNT.kind, &digest(email.key().as_str())).await,
            None => Ok(()),
        }
    }

    /// Forget that this account ever typed codes: the account goes, too.
    pub(crate) async fn forget_user_codes(tx: &Tx, account: AccountId) -> Result<(), Error> {
        store::failures::clear(tx, USER_CODE.kind, &digest(&account.to_string())).await
    }

    /// Count the attempt as a failure, before it is known whether it is one: attempts that run side by side cannot all
    /// look at the same count. Refuses when there were too many.
    pub(crate) async fn begin(&self, db: &Db, now: Timestamp) -> Result<(), Error> {
        db.retrying(|| async {
            let tx = db.begin_outside().await?;
            let mut refused = None;
            for (limit, key) in self.keys() {
                let counted = store::failures::add_bounded(&tx, limit.kind, key, now, now - WINDOW).await?;
                if counted.failures > limit.most {
                    let micros = (counted.began + WINDOW).as_micros() - now.as_micros();
                    refused = Some(Error::Throttled { retry_after: Duration::from_micros(micros.max(1).unsigned_abs()) });
                    // What an address that is refused goes on to type makes no further rows.
                    break;
                }
            }
            tx.commit().await?;
            refused.map_or(Ok(()), Err)
        })
        .await
    }

    /// The person got in: her account's failures are forgotten, and the address is one failure better off.
    pub(crate) async fn succeeded(&self, db: &Db) -> Result<(), Error> {
        db.retrying(|| async {
            let tx = db.begin_outside().await?;
            // In the order in which they were counted.
            if let Some(address) = &self.address {
                store::failures::take_back(&tx, self.limits.1.kind, address).await?;
            }
            if [ACCOUNT.kind, SECOND_FACTOR.kind, PASSWORD_AGAIN.kind].contains(&self.limits.0.kind) {
                store::failures::clear(&tx, self.limits.0.kind, &self.account).await?;
            } else {
                // Anybody can come by a good code: it makes up for no bad one.
                store::failures::take_back(&tx, self.limits.0.kind, &self.account).await?;
            }
            tx.commit().await
        })
        .await
    }

    fn keys(&self) -> impl Iterator<Item = (Limit, &[u8])> {
        self.address.as_deref().map(|address| (self.limits.1, address)).into_iter().chain([(self.limits.0, &self.account[..])])
    }
}

/// A key for the table, which names nobody.
pub(crate) fn digest(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}

/// A key for the network that a call comes from, where that is known.
pub(crate) fn network_key(call: &Call) -> Option<Vec<u8>> {
    call.ip.as_deref().map(|ip| digest(&network(ip)))
}

/// Whoever has an IPv6 address has its whole /64.
pub(crate) fn network(ip: &str) -> String {
    ip.parse::<IpAddr>().map_or_else(|_| ip.to_owned(), |ip| address_blocks::network(ip).to_string())
}
