//! Blocks of networks that guess at credentials. A node that has had enough of a network blocks it for all; the others hear of it with
//! the first failure that they note. Only failures are refused so: whoever has a good credential passes.

use std::{net::IpAddr, time::Duration};

use domain::Timestamp;

use crate::{
    Call, Db, Error,
    store::{self, address_blocks::Block},
    throttle::digest,
};

/// The first block of a network. Each further one is twice as long.
pub const FIRST: Duration = Duration::from_secs(60);
/// The longest block.
pub const LONGEST: Duration = Duration::from_secs(3_600);
/// How long after its block a network has to be quiet to begin anew.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 3_600);
/// The level of the longest block.
const HIGHEST: i64 = 7;
/// Blocks that are kept: whoever has many networks does not fill the disk.
const MOST: i64 = 10_000;

/// Whoever has an IPv6 address has its whole /64.
pub fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(v6) => IpAddr::from((u128::from(v6) & !u128::from(u64::MAX)).to_be_bytes()),
        v4 => v4,
    }
}

fn key(ip: IpAddr) -> Vec<u8> {
    digest(&format!("block {}", network(ip)))
}

fn length(level: i64) -> Duration {
    let doubled = u32::try_from(level - 1).ok().and_then(|times| 2_u32.checked_pow(times));
    doubled.map_or(LONGEST, |times| (FIRST * times).min(LONGEST))
}

/// Block the network of `ip`, for twice as long as the last time; where another node was first, nothing is added to its block. Says
/// when it ends.
pub async fn block(db: &Db, ip: IpAddr, call: &Call) -> Result<Timestamp, Error> {
    let key = key(ip);
    db.retrying(|| async {
        let tx = db.begin_outside().await?;
        let before = store::address_blocks::find(&tx, &key).await?;
        if let Some(block) = before.filter(|block| block.until > call.now) {
            return Ok(block.until);
        }
        let again = before.filter(|block| block.until + FORGOTTEN_AFTER > call.now);
        let level = again.map_or(1, |block| (block.level + 1).min(HIGHEST));
        let until = call.now + length(level);
        if !store::address_blocks::put(&tx, &key, before, Block { level, until }).await? {
            return Err(Error::Stale);
        }
        store::address_blocks::keep(&tx, MOST).await?;
        tx.commit().await?;
        Ok(until)
    })
    .await
}

/// Until when the network of `ip` is blocked, if it is.
pub async fn blocked_until(db: &Db, ip: IpAddr, now: Timestamp) -> Result<Option<Timestamp>, Error> {
    let found = store::address_blocks::find(&db.read_outside().await?, &key(ip)).await?;
    Ok(found.map(|block| block.until).filter(|until| *until > now))
}

/// Clear away what nobody has to know any more.
pub async fn sweep(db: &Db, now: Timestamp) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin_outside().await?;
        store::address_blocks::delete_before(&tx, now - FORGOTTEN_AFTER).await?;
        tx.commit().await
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_block_is_twice_as_long_up_to_an_hour() {
        let minutes: Vec<_> = (1..=HIGHEST).map(|level| length(level).as_secs() / 60).collect();
        assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 60]);
    }

    #[test]
    fn a_network_is_an_ipv4_address_or_a_64() {
        let same = |a: &str, b: &str| network(a.parse().unwrap()) == network(b.parse().unwrap());
        assert!(same("2001:db8:0:1::1", "2001:db8:0:1:ffff::9") && !same("2001:db8:0:1::1", "2001:db8:0:2::1"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }
}
