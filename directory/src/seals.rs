//! The audit log's seals: a chain of hashes over batches of events, so that whoever changes the log afterwards is found out.
//!
//! A batch lists its events: those that no batch holds, older than a minute, by time. Transactions commit in another order than
//! their events' moments, so no number or time says by itself what a batch holds; the list does. `docs/audit.md` says what is
//! hashed, and what cannot be found out.

use std::{fmt, str::FromStr, time::Duration};

use domain::{
    Invalid, OrgId, OrgSlug, Permission, Timestamp,
    audit::{AuditAction, AuditYears},
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    Actor, Call, Db, Error, OrgScope,
    sessions::SignedIn,
    store::{
        self,
        audit_seals::{Place, Seal, WholeEvent},
        db::Tx,
    },
};

/// Events in one batch.
const BATCH: i64 = 1_000;
/// Batches that one organisation gets in one round: the others wait for theirs.
const BATCHES_IN_A_ROUND: usize = 20;
/// Batches that are cleared in one transaction.
const CLEARED_AT_ONCE: i64 = 20;
/// An event is sealed when it is this old: whoever has written it has committed by then, or soon does.
const SETTLED: Duration = Duration::from_secs(60);
/// An event that comes to light so much later than its moment is sealed, too. None of ours does later: it was put there.
const LATE: Duration = Duration::from_secs(15 * 60);
/// Seals that are read at a time while they are verified.
const AT_ONCE: i64 = 500;
/// So many problems are named, and no more.
const MOST_PROBLEMS: usize = 100;
/// The least time that a log is kept, in microseconds: nothing younger is ever cleared.
const LEAST_KEPT: Duration = Duration::from_secs(31_557_600);

/// The end of a chain: the number of the newest seal, and its hash. Kept elsewhere, it tells when seals were taken away from the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The seal.
    pub number: i64,
    /// Its hash.
    pub hash: [u8; 32],
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-", self.number)?;
        self.hash.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Head {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let read = || {
            let (number, hash) = text.split_once('-')?;
            let number = number.parse().ok().filter(|number| *number > 0)?;
            let hash = Some(hash).filter(|hash| hash.len() == 64 && hash.is_ascii())?;
            let mut bytes = [0; 32];
            for (place, byte) in bytes.iter_mut().enumerate() {
                *byte = u8::from_str_radix(&hash[2 * place..2 * place + 2], 16).ok()?;
            }
            Some(Self { number, hash: bytes })
        };
        read().ok_or_else(|| Invalid::new("expect", "A head is the number of a seal, a dash, and 64 hexadecimal digits."))
    }
}

/// What is hashed, so that no two contents have one form: each field with its length before it, and an absent one as such.
struct Form(Sha256);

impl Form {
    fn new(what: &str) -> Self {
        let mut form = Self(Sha256::new());
        form.bytes(what.as_bytes());
        form
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.0.update([1]);
        self.0.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.0.update(bytes);
    }

    fn maybe(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.bytes(bytes),
            None => self.0.update([0]),
        }
    }

    fn id(&mut self, id: impl Into<Uuid>) {
        self.bytes(id.into().as_bytes());
    }

    fn number(&mut self, number: i64) {
        self.bytes(&number.to_be_bytes());
    }

    fn text(&mut self, text: Option<&str>) {
        self.maybe(text.map(str::as_bytes));
    }

    fn hash(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}

fn hash_of_event(org: OrgId, event: &WholeEvent) -> [u8; 32] {
    let WholeEvent { id, at, action, actor_kind, actor_id, actor, target_kind, target_id, target, ip, user_agent, request_id, details } =
        event;
    let mut form = Form::new("rollcall audit event 1");
    form.id(org);
    form.id(*id);
    form.number(at.as_micros());
    form.text(Some(action));
    form.text(Some(actor_kind));
    form.maybe(actor_id.as_ref().map(|id| id.as_bytes().as_slice()));
    form.text(Some(actor));
    form.text(target_kind.as_deref());
    form.maybe(target_id.as_ref().map(|id| id.as_bytes().as_slice()));
    form.text(target.as_deref());
    form.text(ip.as_deref());
    form.text(user_agent.as_deref());
    form.text(request_id.as_deref());
    form.text(Some(details));
    form.hash()
}

fn digest_of<'a>(hashes: impl Iterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut form = Form::new("rollcall audit batch 1");
    hashes.for_each(|hash| form.bytes(hash));
    form.hash()
}

/// The hash of a seal is of everything in it but itself, and but the moment at which its events were cleared.
fn hash_of_seal(org: OrgId, seal: &Seal) -> [u8; 32] {
    let Seal { number, events, first_at, up_to, digest, previous, sealed_at, hash: _, cleared_at: _ } = seal;
    let mut form = Form::new("rollcall audit seal 1");
    form.id(org);
    form.number(*number);
    form.number(*events);
    form.number(first_at.as_micros());
    form.number(up_to.as_micros());
    form.bytes(digest);
    form.bytes(previous);
    form.number(sealed_at.as_micros());
    form.hash()
}

/// Seal what is to be sealed, of every organisation. Several nodes may do it at the same time: a number in a chain is given once, and
/// whoever comes second begins anew.
pub async fn seal(db: &Db, now: Timestamp) -> Result<(), Error> {
    let db = &db.for_jobs();
    // In a statement of its own: the connection is given back before the first is asked for.
    let orgs = store::doors::lasting_orgs(&db.look_around().await?).await?;
    for org in orgs {
        for _ in 0..BATCHES_IN_A_ROUND {
            match seal_one(db, org, now).await {
                Ok(Some((head, events))) => {
                    // Whoever ships the log has the head elsewhere.
                    tracing::info!(%org, %head, events, "the audit log was sealed");
                    if events < BATCH {
                        break;
                    }
                }
                Ok(None) => break,
                // One organisation's trouble is not the others'.
                Err(error) => {
                    tracing::error!(%org, %error, "the audit log could not be sealed");
                    break;
                }
            }
        }
    }
    Ok(())
}

async fn seal_one(db: &Db, org: OrgId, now: Timestamp) -> Result<Option<(Head, i64)>, Error> {
    let scope = OrgScope::new(org);
    // Most of the time there is nothing to do, and nobody is kept from writing.
    if to_seal(&db.read(scope).await?, now).await?.1.is_empty() {
        return Ok(None);
    }
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let (before, events) = to_seal(&tx, now).await?;
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(None) };
        let hashes: Vec<_> = events.iter().map(|event| (event.id, hash_of_event(org, event))).collect();
        let mut seal = Seal {
            number: before.as_ref().map_or(0, |before| before.number) + 1,
            events: i64::try_from(events.len()).unwrap_or(i64::MAX),
            first_at: first.at,
            up_to: before.as_ref().map_or(last.at, |before| before.up_to.max(last.at)),
            digest: digest_of(hashes.iter().map(|(_, hash)| hash.as_slice())).to_vec(),
            previous: before.map_or_else(|| vec![0; 32], |before| before.hash),
            hash: vec![],
            sealed_at: now,
            cleared_at: None,
        };
        let hash = hash_of_seal(org, &seal);
        seal.hash = hash.to_vec();
        store::audit_seals::insert(&tx, &seal, &hashes).await?;
        tx.commit().await?;
        Ok(Some((Head { number: seal.number, hash }, seal.events)))
    })
    .await
}

/// The newest seal, and the events of the next.
async fn to_seal(tx: &Tx, now: Timestamp) -> Result<(Option<Seal>, Vec<WholeEvent>), Error> {
    let head = store::audit_seals::head(tx).await?;
    let from = head.as_ref().map_or(Timestamp::from_micros(i64::MIN), |head| head.up_to - LATE);
    let events = store::audit_seals::unsealed(tx, from, now - SETTLED, BATCH).await?;
    Ok((head, events))
}

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

/// Keep the organisation's audit log for so many years from now on, or for ever.
pub async fn keep_for(db: &Db, who: &SignedIn, scope: OrgScope, years: &str, call: &Call) -> Result<(), Error> {
    let years: AuditYears = years.parse()?;
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm_fresh(&tx, Permission::ManageSecurity, call.now).await?;
        let before = store::retention::audit(&tx).await?;
        if before == years {
            return Ok(());
        }
        store::retention::set_audit(&tx, years).await?;
        let details = vec![("kept for".to_owned(), format!("{before} → {years}"))];
        crate::audit::append(&tx, AuditAction::AuditRetentionChanged, &who.actor(), None, details, call).await?;
        tx.commit().await
    })
    .await
}

/// Clear the batches that are older than their organisations want them kept. What was cleared is itself in the log. Each transaction is
/// a `call` of its own, so that what it writes is of its own moment.
pub async fn clear(db: &Db, call: impl Fn() -> Call) -> Result<(), Error> {
    let db = &db.for_jobs();
    // In a statement of its own: the connection is given back before the first is asked for.
    let orgs = store::doors::lasting_orgs(&db.look_around().await?).await?;
    for org in orgs {
        let scope = OrgScope::new(org);
        loop {
            let cleared = db.retrying(|| async {
                let call = call();
                let tx = db.begin(scope).await?;
                let Some(years) = store::retention::audit(&tx).await?.years() else { return Ok(false) };
                let Some(cleared) = store::audit_seals::clear(&tx, years, call.now, CLEARED_AT_ONCE, call.new_id()).await? else {
                    return Ok(false);
                };
                // On PostgreSQL the function that clears has written it, so that nobody can clear without.
                if !tx.is_postgres() {
                    let batches = if cleared.first == cleared.last {
                        cleared.first.to_string()
                    } else {
                        format!("{}–{}", cleared.first, cleared.last)
                    };
                    let details = vec![("batches".to_owned(), batches), ("entries".to_owned(), cleared.events.to_string())];
                    crate::audit::append(&tx, AuditAction::AuditCleared, &Actor::System, None, details, &call).await?;
                }
                tx.commit().await?;
                Ok(cleared.batches == CLEARED_AT_ONCE)
            });
            match cleared.await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::error!(%org, %error, "old audit entries could not be cleared");
                    break;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use domain::AuditEventId;

    use super::*;

    fn event() -> WholeEvent {
        WholeEvent {
            id: AuditEventId::from(Uuid::from_u128(1)),
            at: Timestamp::from_micros(5),
            action: "role.granted".to_owned(),
            actor_kind: "member".to_owned(),
            actor_id: Some(Uuid::from_u128(2)),
            actor: "Ines".to_owned(),
            target_kind: Some("member".to_owned()),
            target_id: Some(Uuid::from_u128(3)),
            target: Some("Mira".to_owned()),
            ip: Some("10.0.0.1".to_owned()),
            user_agent: Some("x".to_owned()),
            request_id: Some("r".to_owned()),
            details: "[]".to_owned(),
        }
    }

    /// Whatever of an event is changed, its hash is another; also where text only moves from one column to the next.
    #[test]
    fn an_events_hash_covers_every_column() {
        let org = OrgId::from(Uuid::from_u128(9));
        let changed = |change: fn(&mut WholeEvent)| {
            let mut event = event();
            change(&mut event);
            hash_of_event(org, &event)
        };
        let mut hashes = vec![
            changed(|_| {}),
            changed(|event| event.id = AuditEventId::from(Uuid::from_u128(7))),
            changed(|event| event.at = Timestamp::from_micros(6)),
            changed(|event| event.action = "role.revoked".to_owned()),
            changed(|event| event.actor_kind = "system".to_owned()),
            changed(|event| event.actor_id = None),
            changed(|event| event.actor = "Ine".to_owned()),
            changed(|event| event.target_kind = Some("user".to_owned())),
            changed(|event| event.target_id = Some(Uuid::from_u128(4))),
            changed(|event| event.target = None),
            changed(|event| event.target = Some(String::new())),
            changed(|event| event.ip = None),
            changed(|event| event.user_agent = None),
            changed(|event| event.request_id = None),
            changed(|event| event.details = "[ ]".to_owned()),
            changed(|event| (event.ip, event.user_agent) = (Some("10.0.0.1x".to_owned()), Some(String::new()))),
            changed(|event| (event.user_agent, event.request_id) = (None, Some("x".to_owned()))),
            hash_of_event(OrgId::from(Uuid::from_u128(8)), &event()),
        ];
        let all = hashes.len();
        hashes.sort_unstable();
        hashes.dedup();
        assert_eq!(hashes.len(), all);
    }

    #[test]
    fn a_head_has_one_spelling() {
        let head = Head { number: 12, hash: [0xab; 32] };
        assert_eq!(head.to_string().parse(), Ok(head));
        for text in [
            "",
            "12",
            "12-ab",
            "0-x",
            &format!("-1-{}", "a".repeat(64)),
            &format!("1-{}", "é".repeat(32)),
            &format!("1-{}", "g".repeat(64)),
        ] {
            assert!(text.parse::<Head>().is_err(), "{text}");
        }
    }
}
