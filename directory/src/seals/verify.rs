//! Looking at a chain: everything is recomputed from the rows, and what is not as it was sealed is named.

use domain::{OrgId, OrgSlug, Timestamp};

use super::{Head, LATE, LEAST_KEPT, digest_of, hash_of_event, hash_of_seal};
use crate::{
    Db, Error, OrgScope,
    store::{
        self,
        audit_seals::{Place, Seal},
        db::Tx,
    },
};

/// Seals that are read at a time while they are verified.
const AT_ONCE: i64 = 500;
/// So many problems are named, and no more.
const MOST_PROBLEMS: usize = 100;

/// What a look at an organisation's whole chain has found.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The organisation.
    pub org: OrgId,
    /// Its name in addresses.
    pub slug: OrgSlug,
    /// How many seals there are.
    pub seals: i64,
    /// Events whose seal holds.
    pub events: i64,
    /// Events of batches that were cleared; their seals hold.
    pub cleared: i64,
    /// Events that no batch holds yet.
    pub unsealed: i64,
    /// The oldest of them.
    pub unsealed_since: Option<Timestamp>,
    /// Up to when the log is sealed.
    pub up_to: Option<Timestamp>,
    /// The end of the chain.
    pub head: Option<Head>,
    /// What is not as it was sealed, a sentence each.
    pub problems: Vec<String>,
}

impl Verified {
    fn found(&mut self, problem: String) {
        match self.problems.len() {
            ..MOST_PROBLEMS => self.problems.push(problem),
            MOST_PROBLEMS => self.problems.push("and more".to_owned()),
            _ => {}
        }
    }
}

/// Verify the logs of all organisations, or of the one with this id or name in addresses, which may be expected to have had a
/// certain seal. All that is read of an organisation is of one moment.
///
/// # Errors
/// [`Error::NotFound`] if there is no such organisation. [`Error::Conflict`] for all of them on PostgreSQL without the login of background
/// jobs, which alone may find out which there are.
pub async fn verify(db: &Db, org: Option<&str>, expected: Option<&Head>, now: Timestamp) -> Result<Vec<Verified>, Error> {
    let orgs = match org {
        None if db.is_postgres() && !db.has_jobs_login() => {
            let sentence = "Name one organisation with --org, or set ROLLCALL_JOBS_DATABASE_URL: that login may find out which there are.";
            return Err(Error::Conflict(sentence.to_owned()));
        }
        None => store::doors::lasting_orgs(&db.for_jobs().look_around().await?).await?,
        Some(org) => {
            let found = match org.parse::<OrgId>() {
                Ok(id) => Some(id),
                Err(_) => match OrgSlug::try_from(org.to_owned()) {
                    Ok(slug) => store::organizations::find_by_slug(&db.look_around().await?, &slug).await?,
                    Err(_) => None,
                },
            };
            let found = found.ok_or(Error::NotFound("organisation"))?;
            if !store::organizations::exists(&db.read(OrgScope::new(found)).await?).await? {
                return Err(Error::NotFound("organisation"));
            }
            vec![found]
        }
    };
    let mut all = vec![];
    for org in orgs {
        all.push(verify_one(db, org, expected, now).await?);
    }
    Ok(all)
}

async fn verify_one(db: &Db, org: OrgId, expected: Option<&Head>, now: Timestamp) -> Result<Verified, Error> {
    let tx = db.read(OrgScope::new(org)).await?;
    let mut verified = Verified {
        org,
        slug: store::organizations::slug(&tx).await?,
        seals: 0,
        events: 0,
        cleared: 0,
        unsealed: 0,
        unsealed_since: None,
        up_to: None,
        head: None,
        problems: vec![],
    };
    let mut before: Option<Seal> = None;
    loop {
        let seals = store::audit_seals::after(&tx, before.as_ref().map_or(0, |before| before.number), AT_ONCE).await?;
        if seals.is_empty() {
            break;
        }
        for seal in seals {
            verify_seal(&tx, &mut verified, before.as_ref(), &seal, expected, now).await?;
            before = Some(seal);
        }
    }
    if let Some(last) = before {
        verified.up_to = Some(last.up_to);
        verified.head = last.hash.as_slice().try_into().ok().map(|hash| Head { number: last.number, hash });
        let put_there = store::audit_seals::unsealed(&tx, Timestamp::from_micros(i64::MIN), last.up_to - LATE, 100).await?;
        for event in put_there.iter().filter(|event| event.at < last.up_to - LATE) {
            verified.found(format!("event {} of {} was put into the past: no batch holds it", event.id, event.at.to_rfc3339()));
        }
    }
    if let Some(expected) = expected
        && verified.head.as_ref().is_none_or(|head| head.number < expected.number)
    {
        verified.found(format!("seal {} is gone: it was the head that is expected", expected.number));
    }
    (verified.unsealed, verified.unsealed_since) = store::audit_seals::waiting(&tx).await?;
    Ok(verified)
}

async fn verify_seal(
    tx: &Tx,
    verified: &mut Verified,
    before: Option<&Seal>,
    seal: &Seal,
    expected: Option<&Head>,
    now: Timestamp,
) -> Result<(), Error> {
    let org = verified.org;
    let number = seal.number;
    verified.seals += 1;
    let follows = before.map_or(0, |before| before.number);
    match number - follows {
        1 => {}
        2 => verified.found(format!("seal {} is gone", follows + 1)),
        _ => verified.found(format!("seals {} to {} are gone", follows + 1, number - 1)),
    }
    let previous = before.map_or([0; 32].as_slice(), |before| before.hash.as_slice());
    if number == follows + 1 && seal.previous != previous {
        verified.found(format!("seal {number} does not follow seal {follows}: one of them was replaced"));
    }
    if seal.hash != hash_of_seal(org, seal) {
        verified.found(format!("seal {number} was changed"));
    }
    if before.is_some_and(|before| seal.up_to < before.up_to) {
        verified.found(format!("seal {number} says that the log is sealed up to an earlier moment than seal {follows} says"));
    }
    if expected.is_some_and(|expected| expected.number == number && seal.hash != expected.hash) {
        verified.found(format!("seal {number} is not the head that is expected: it was replaced"));
    }
    let places = store::audit_seals::places(tx, number).await?;
    if let Some(cleared_at) = seal.cleared_at {
        verified.cleared += seal.events;
        if before.is_some_and(|before| before.cleared_at.is_none()) {
            verified.found(format!("batch {number} was cleared, and the one before it was not"));
        }
        if cleared_at > now || seal.up_to + LEAST_KEPT > cleared_at {
            verified.found(format!("batch {number} was cleared before its time: no log is kept for less than a year"));
        }
        if !places.is_empty() {
            verified.found(format!("batch {number} was cleared, and still lists {} events", places.len()));
        }
        return Ok(());
    }
    verify_batch(verified, seal, &places);
    Ok(())
}

fn verify_batch(verified: &mut Verified, seal: &Seal, places: &[Place]) {
    let number = seal.number;
    let mut fine = true;
    let mut problem = |verified: &mut Verified, sentence: String| {
        fine = false;
        verified.found(sentence);
    };
    for place in places {
        match &place.event {
            None => problem(verified, format!("event {} of batch {number} is gone", place.event_id)),
            Some(event) if place.hash != hash_of_event(verified.org, event) => {
                problem(verified, format!("event {} of batch {number} was changed", event.id));
            }
            Some(_) => {}
        }
    }
    let contiguous = places.iter().enumerate().all(|(expected, place)| i64::try_from(expected) == Ok(place.position));
    let listed = i64::try_from(places.len()) == Ok(seal.events);
    let digest = digest_of(places.iter().map(|place| place.hash.as_slice()));
    if !contiguous || !listed || seal.digest != digest {
        problem(verified, format!("the list of batch {number} was changed: events were added to it, taken away, or put in another order"));
    }
    if fine {
        verified.events += seal.events;
    }
}
