//! The audit log's seals: a chain of hashes over batches of events, so that whoever changes the log afterwards is found out.
//!
//! A batch lists its events: those that no batch holds, older than a minute, by time. Transactions commit in another order than
//! their events' moments, so no number or time says by itself what a batch holds; the list does. `docs/audit.md` says what is
//! hashed, and what cannot be found out.

mod retention;
mod verify;

use std::{fmt, str::FromStr, time::Duration};

use domain::{Invalid, OrgId, Timestamp};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    Db, Error, OrgScope,
    store::{
        self,
        audit_seals::{Seal, WholeEvent},
        db::Tx,
    },
};

pub use retention::{clear, keep_for};
pub use verify::{Verified, verify};

/// Events in one batch.
const BATCH: i64 = 1_000;
/// Batches that one organisation gets in one round: the others wait for theirs.
const BATCHES_IN_A_ROUND: usize = 20;
/// An event is sealed when it is this old: whoever has written it has committed by then, or soon does.
const SETTLED: Duration = Duration::from_secs(60);
/// An event that comes to light so much later than its moment is sealed, too. None of ours does later: it was put there.
const LATE: Duration = Duration::from_secs(15 * 60);
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
