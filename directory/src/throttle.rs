//! How many failed sign-ins are too many: per account and per address, counted in the database that all nodes share.
//!
//! Counted by what was typed, not by what exists, so that a throttled stranger learns nothing about accounts.

use std::{net::IpAddr, time::Duration};

use domain::{AccountId, EmailAddress, Timestamp};
use sha2::{Digest, Sha256};

use crate::{
    Call, Db, Error, address_blocks,
    store::{self, audit::Details, db::Tx},
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

/// Events of one kind about one key within this time make one entry in an audit log, and another one at the tenth, the hundredth, the
/// thousandth, which tell how many there were: whoever floods us does not fill it.
const NOTE_WINDOW: Duration = Duration::from_secs(60);
/// Entries of one kind in one audit log within [`BUDGET_WINDOW`]: nor does whoever does it from many addresses.
const MOST_NOTES: i64 = 60;
const BUDGET_WINDOW: Duration = Duration::from_secs(3_600);

/// Whether an event of `kind` about `key` is worth an entry now; if so, the details that say what was not: how many there were, the
/// first and the last.
pub(crate) async fn worth_noting(tx: &Tx, kind: &str, key: &str, call: &Call) -> Result<Option<Details>, Error> {
    let counted = store::failures::add_bounded(tx, kind, &note_key(tx, key), call.now, call.now - NOTE_WINDOW).await?;
    if step(counted.failures) != counted.failures {
        return Ok(None);
    }
    let Some(budget) = budget(tx, kind, call).await? else { return Ok(None) };
    let mut details = vec![];
    if counted.failures > 1 {
        details.push(fact("failures", counted.failures.to_string()));
        details.push(fact("first", counted.began.second()));
        details.push(fact("last", call.now.second()));
    } else if let Some(before) = counted.replaced.filter(|before| before.failures > step(before.failures)) {
        details.push(fact("failures before, at least", before.failures.to_string()));
        details.push(fact("first of those", before.began.second()));
        details.push(fact("last of those", before.last.second()));
    }
    details.extend(budget);
    Ok(Some(details))
}

/// Whether an entry about so many failures has room in the organisation's log; if so, its details.
pub(crate) async fn worth_listing(
    tx: &Tx,
    kind: &str,
    failures: u64,
    first: Timestamp,
    last: Timestamp,
    call: &Call,
) -> Result<Option<Details>, Error> {
    let Some(budget) = budget(tx, kind, call).await? else { return Ok(None) };
    let facts = [fact("failures", failures.to_string()), fact("first", first.second()), fact("last", last.second())];
    Ok(Some(facts.into_iter().chain(budget).collect()))
}

/// What was noted about `key` until `until`, and not long before; from now on it begins anew.
pub(crate) async fn take_noted(tx: &Tx, kind: &str, key: &str, until: Timestamp) -> Result<Option<store::failures::Replaced>, Error> {
    let key = note_key(tx, key);
    let before = store::failures::find(tx, kind, &key).await?.filter(|before| before.last + BUDGET_WINDOW > until);
    if before.is_some() {
        store::failures::clear(tx, kind, &key).await?;
    }
    Ok(before)
}

fn note_key(tx: &Tx, key: &str) -> Vec<u8> {
    digest(&format!("{} {key}", tx.org()))
}

fn fact(name: &str, value: String) -> (String, String) {
    (name.to_owned(), value)
}

/// Room for one more entry of `kind` within the hour, if there is any: and what the last one has to say besides.
async fn budget(tx: &Tx, kind: &str, call: &Call) -> Result<Option<Option<(String, String)>>, Error> {
    let budget = digest(&format!("{} {kind}", tx.org()));
    let noted = store::failures::add(tx, "notes", &budget, call.now, call.now - BUDGET_WINDOW).await?.failures;
    let last = (noted == MOST_NOTES).then(|| fact("from now on", "further ones within the hour are counted, and not listed".to_owned()));
    Ok((noted <= MOST_NOTES).then_some(last))
}

/// The last of 1, 10, 100 … that `failures` has reached: that one was listed.
pub(crate) fn step(failures: i64) -> i64 {
    let mut step = 1;
    while step <= failures / 10 {
        step *= 10;
    }
    step
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

#[cfg(test)]
mod tests {
    use super::step;

    #[test]
    fn each_tenfold_is_listed() {
        let listed: Vec<_> = (1..=10_000).filter(|failures| step(*failures) == *failures).collect();
        assert_eq!(listed, [1, 10, 100, 1_000, 10_000]);
    }
}
