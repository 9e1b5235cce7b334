//! Requests to an organisation's SCIM URL without a valid token: counted, told in the audit log in few entries, shown to its owners and,
//! where there are many, mailed to them.

use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use domain::{OrgId, audit::AuditAction, view::FailedAttempts};

use super::tokens;
use crate::{
    Call, Db, Error, OrgScope, alerts,
    failed_attempts::{self, About, Attempts},
    store::{self, db::Tx},
    throttle,
};

/// Requests without a valid token to one organisation's URL within an hour of the clock, after which its owners are told, once a day.
const ALERT_AT: i64 = 100;
const ALERT_WINDOW: Duration = Duration::from_secs(24 * 3_600);
/// The hours, this one among them, over which an organisation is shown how many there were.
const SHOWN_HOURS: i64 = 24;
const HOUR_MICROS: i64 = 3_600_000_000;

/// Count requests to the organisation's URL that had no valid token, and tell its owners where there are many.
async fn count(tx: &Tx, org: OrgId, attempts: &Attempts, call: &Call) -> Result<(), Error> {
    let (more, last) = (attempts.count(), attempts.last());
    let hour = failures_key(org, last.as_micros().div_euclid(HOUR_MICROS));
    let counted = store::failures::add_many(tx, "scim_hour", &hour, more, last, last - ALERT_WINDOW).await?.failures;
    store::failures::came_from(tx, "scim_hour", &hour, attempts.last_from()).await?;
    if counted / ALERT_AT > (counted - more) / ALERT_AT {
        let day = throttle::digest(&org.to_string());
        if store::failures::add(tx, "scim_alert", &day, call.now, call.now - ALERT_WINDOW).await?.failures == 1 {
            let line = format!(
                "{counted} requests to your SCIM address within an hour had no valid token; the last one came from {}. They were refused, and \
                 nothing was changed. If your identity provider’s token has expired or was mistyped, give it a new one under Settings → \
                 Security. If not, somebody is guessing. This is told once a day at most: the audit log has the rest.",
                attempts.last_from().unwrap_or("an unknown address")
            );
            alerts::to_owners(tx, "many requests without a valid token", &line, call).await?;
        }
    }
    Ok(())
}

/// Note that a request to the URL of organisation `org` had no valid token: it showed `authorization`. For a URL that is no organisation's,
/// or not the token's, the organisation whose token it is hears of it. Called after the answer was given, so that it takes no part in the
/// answer's time.
pub async fn note_failure(db: &Db, org: &str, authorization: Option<&str>, call: &Call) -> Result<(), Error> {
    let network = throttle::network(call.ip.as_deref().unwrap_or_default());
    let wrong = tokens::what_is_wrong(db, org, authorization, call).await?;
    if let Some((home, about)) = wrong.at_home {
        let key = format!("{network} {:?}", about.target.as_ref().map(|target| target.id));
        failed_attempts::note_for(db, home, AuditAction::ScimAuthenticationFailed, &key, &about, &Attempts::of(call), call).await?;
    }
    let Ok(id) = org.parse::<OrgId>() else { return Ok(()) };
    let key = format!("{network} {:?} {:?}", wrong.here.why, wrong.here.target.as_ref().map(|target| target.id));
    note(db, id, &[(key, wrong.here, Attempts::of(call))], call).await
}

/// Note what was not looked at one by one: what networks that are blocked have sent to the organisation's URL, and what came faster than it
/// could be noted.
pub async fn note_many(db: &Db, org: OrgId, networks: &[(IpAddr, Attempts)], call: &Call) -> Result<(), Error> {
    let why = "from a network that is blocked because it guesses, or with too many at once: not looked at one by one";
    let about = About { why: Some(why.to_owned()), ..About::default() };
    let noted: Vec<_> = networks.iter().map(|(network, attempts)| (format!("{network} many"), about.clone(), attempts.clone())).collect();
    note(db, org, &noted, call).await
}

async fn note(db: &Db, org: OrgId, noted: &[(String, About, Attempts)], call: &Call) -> Result<(), Error> {
    let scope = OrgScope::new(org);
    // Looked at first: whoever makes organisations up takes no writer from anybody.
    if !store::organizations::exists(&db.read(scope).await?).await? {
        return Ok(());
    }
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let hour = |(_, _, attempts): &&(String, About, Attempts)| attempts.last().as_micros().div_euclid(HOUR_MICROS);
        let mut hours: BTreeMap<i64, Attempts> = BTreeMap::new();
        for one in noted {
            let attempts = hours.remove(&hour(&one)).map_or_else(|| one.2.clone(), |before| before.and(one.2.clone()));
            hours.insert(hour(&one), attempts);
        }
        for attempts in hours.values() {
            count(&tx, org, attempts, call).await?;
        }
        for (key, about, attempts) in noted {
            failed_attempts::note(&tx, AuditAction::ScimAuthenticationFailed, key, about.clone(), attempts, call).await?;
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
