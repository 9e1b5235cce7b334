//! Requests to an organisation's SCIM URL without a valid token: counted, told in the audit log in few entries, shown to its owners and,
//! where there are many, mailed to them.

use std::time::Duration;

use domain::{OrgId, Timestamp, audit::AuditAction, view::FailedAttempts};

use crate::{
    Actor, Call, Db, Error, OrgScope, alerts,
    store::{self, db::Tx},
    throttle,
};

/// Requests without a valid token to one organisation's URL within an hour of the clock, after which its owners are told, once a day.
const ALERT_AT: i64 = 100;
const ALERT_WINDOW: Duration = Duration::from_secs(24 * 3_600);
/// The hours, this one among them, over which an organisation is shown how many there were.
const SHOWN_HOURS: i64 = 24;
const HOUR_MICROS: i64 = 3_600_000_000;

/// Requests of one blocked network to one organisation's URL: a flood, from the first one refused until it has been quiet for a while.
#[derive(Clone, Debug)]
pub struct Refusals {
    /// Not yet written down.
    unwritten: u64,
    /// In all; what was heard of the network before it was blocked is among them once it is listed.
    failures: u64,
    /// Of these, how many the audit log says there were.
    listed: u64,
    first: Timestamp,
    last: Timestamp,
    last_from: Option<String>,
}

impl Refusals {
    /// None yet.
    pub fn beginning(now: Timestamp) -> Self {
        Self { unwritten: 0, failures: 0, listed: 0, first: now, last: now, last_from: None }
    }

    /// One more, from this address.
    pub fn count(&mut self, from: Option<String>, now: Timestamp) {
        self.unwritten += 1;
        self.failures += 1;
        (self.last, self.last_from) = (now, from);
    }

    /// The same with those that were counted apart meanwhile.
    pub fn and(mut self, meanwhile: Option<Self>) -> Self {
        if let Some(meanwhile) = meanwhile {
            self.unwritten += meanwhile.unwritten;
            self.failures += meanwhile.failures;
            (self.last, self.last_from) = (meanwhile.last, meanwhile.last_from);
        }
        self
    }

    /// Whether the audit log has to hear of it now: for the first time, at each tenfold, and of the rest when it is over.
    fn is_to_be_listed(&self, over: bool) -> bool {
        let steps = [self.failures, self.listed].map(|count| throttle::step(i64::try_from(count).unwrap_or(i64::MAX)));
        self.failures > self.listed && (over || self.listed == 0 || steps[0] > steps[1])
    }
}

/// Note how many requests blocked networks have sent to the organisation's URL since this was called last; a flood that has been quiet
/// since, or every one where `all_over`, is at an end. Its audit log gets an entry for the first of a flood, at each tenfold and at its
/// end: how many there were, the first and the last. Answers what is to be told next time.
pub async fn note_refusals(db: &Db, org: OrgId, floods: &[Refusals], all_over: bool, call: &Call) -> Result<Vec<Option<Refusals>>, Error> {
    let scope = OrgScope::new(org);
    // Whoever floods us makes up organisations, too.
    if !store::organizations::exists(&db.read(scope).await?).await? {
        return Ok(vec![None; floods.len()]);
    }
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let mut left = vec![];
        for flood in floods {
            let mut flood = flood.clone();
            let mut call = call.clone();
            (call.ip, call.user_agent, call.request_id) = (flood.last_from.clone(), None, None);
            let over = all_over || flood.unwritten == 0;
            if flood.unwritten > 0 {
                count(&tx, org, flood.unwritten, flood.last, &call).await?;
                flood.unwritten = 0;
            }
            if flood.is_to_be_listed(over) {
                if flood.listed == 0 {
                    let network = throttle::network(call.ip.as_deref().unwrap_or_default());
                    if let Some(before) = throttle::take_noted(&tx, "scim_note", &network, flood.first).await? {
                        flood.failures += u64::try_from(before.failures).unwrap_or(0);
                        flood.first = before.began.min(flood.first);
                    }
                }
                if let Some(details) = throttle::worth_listing(&tx, "scim_note", flood.failures, flood.first, flood.last, &call).await? {
                    crate::audit::append(
                        &tx,
                        AuditAction::ScimAuthenticationFailed,
                        &Actor::Anonymous { claims: None },
                        None,
                        details,
                        &call,
                    )
                    .await?;
                }
                flood.listed = flood.failures;
            }
            left.push((!over).then_some(flood));
        }
        tx.commit().await?;
        Ok(left)
    })
    .await
}

/// Count requests to the organisation's URL that had no valid token, the last of them at `last`, and tell its owners where there are many.
async fn count(tx: &Tx, org: OrgId, more: u64, last: Timestamp, call: &Call) -> Result<(), Error> {
    let more = i64::try_from(more).unwrap_or(i64::MAX);
    let hour = failures_key(org, last.as_micros().div_euclid(HOUR_MICROS));
    let counted = store::failures::add_many(tx, "scim_hour", &hour, more, last, last - ALERT_WINDOW).await?.failures;
    store::failures::came_from(tx, "scim_hour", &hour, call.ip.as_deref()).await?;
    if counted / ALERT_AT > (counted - more) / ALERT_AT {
        let day = throttle::digest(&org.to_string());
        if store::failures::add(tx, "scim_alert", &day, call.now, call.now - ALERT_WINDOW).await?.failures == 1 {
            let line = format!(
                "{counted} requests to your SCIM address within an hour had no valid token; the last one came from {}. They were refused, and \
                 nothing was changed. If your identity provider’s token has expired or was mistyped, give it a new one under Settings → \
                 Security. If not, somebody is guessing. This is told once a day at most: the audit log has the rest.",
                call.ip.as_deref().unwrap_or("an unknown address")
            );
            alerts::to_owners(tx, "many requests without a valid token", &line, call).await?;
        }
    }
    Ok(())
}

/// Note in the organisation's audit log that a request to its URL had no valid token, and tell its owners where there are many. Does
/// nothing for a URL that is no organisation's. Called after the answer was given, so that it takes no part in the answer's time.
pub async fn note_failure(db: &Db, org: &str, call: &Call) -> Result<(), Error> {
    let Ok(org) = org.parse::<OrgId>() else { return Ok(()) };
    let scope = OrgScope::new(org);
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        if !store::organizations::exists(&tx).await? {
            return Ok(());
        }
        count(&tx, org, 1, call.now, call).await?;
        let network = throttle::network(call.ip.as_deref().unwrap_or_default());
        if let Some(details) = throttle::worth_noting(&tx, "scim_note", &network, call).await? {
            crate::audit::append(&tx, AuditAction::ScimAuthenticationFailed, &Actor::Anonymous { claims: None }, None, details, call)
                .await?;
        }
        tx.commit().await
    })
    .await
}

/// Requests without a valid token to the organisation's URL in the last 24 hours of the clock, if there were any.
pub(super) async fn failed_attempts(tx: &Tx, call: &Call) -> Result<Option<FailedAttempts>, Error> {
    let hour = call.now.as_micros().div_euclid(HOUR_MICROS);
    let keys: Vec<_> = (0..SHOWN_HOURS).map(|back| failures_key(tx.org(), hour - back)).collect();
    let sum = store::failures::sum(tx, "scim_hour", &keys).await?;
    Ok(sum.map(|sum| FailedAttempts { count: u64::try_from(sum.failures).unwrap_or(0), last_at: sum.last, last_from: sum.last_from }))
}

fn failures_key(org: OrgId, hour: i64) -> Vec<u8> {
    throttle::digest(&format!("{org} {hour}"))
}
