//! The queue of mails. Queued in the change's own transaction; taken by whichever node is first.

use domain::{MailId, MembershipId, OrgId, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    db::{NoOrg, Tx},
    doors,
    values::params,
};
use crate::{Call, Error, OrgScope};

/// A mail that is due. Its membership is `None` when that has ended since.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    pub(crate) id: MailId,
    pub(crate) org: OrgId,
    pub(crate) membership: Option<MembershipId>,
    /// What an alert says; none for an activation, whose link is made when it is sent.
    pub(crate) alert: Option<Alert>,
    pub(crate) address: String,
    pub(crate) attempts: i64,
}

/// What an alert says: our own sentences, plain text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Alert {
    pub(crate) subject: String,
    pub(crate) lines: Vec<String>,
}

/// Queue an activation mail.
pub(crate) async fn insert(tx: &Tx, membership: MembershipId, address: &str, due_at: Timestamp, call: &Call) -> Result<(), Error> {
    tx.run(
        "INSERT INTO mail_queue (id, org_id, membership_id, kind, address, status, attempts, due_at, created_at)
         VALUES ($1, $2, $3, 'activation', $4, 'pending', 0, $5, $6)",
        params![call.new_id::<MailId>(), tx.org(), membership, address, due_at, call.now],
    )
    .await?;
    Ok(())
}

/// Queue an alert to somebody, to be sent at once.
pub(crate) async fn insert_alert(tx: &Tx, membership: MembershipId, address: &str, alert: &Alert, call: &Call) -> Result<(), Error> {
    let content = serde_json::to_string(alert).map_err(|error| Error::Store(error.to_string()))?;
    tx.run(
        "INSERT INTO mail_queue (id, org_id, membership_id, kind, address, content, status, attempts, due_at, created_at)
         VALUES ($1, $2, $3, 'alert', $4, $5, 'pending', 0, $6, $6)",
        params![call.new_id::<MailId>(), tx.org(), membership, address, content, call.now],
    )
    .await?;
    Ok(())
}

/// How many activation mails to this address the organisation has queued since `since`, whatever became of the memberships.
pub(crate) async fn count_to(tx: &Tx, address: &str, since: Timestamp) -> Result<i64, Error> {
    let sql = "SELECT count(*) AS mails FROM mail_queue WHERE org_id = $1 AND address = $2 AND created_at > $3 AND kind = 'activation'";
    Ok(tx.one(sql, params![tx.org(), address, since], |row| row.get("mails")).await?.unwrap_or(0))
}

/// Take the mail that has been due longest and that nobody else has taken, and keep it until `lease_until`: should the
/// node that sends it die, another one takes it then. Commits.
pub(crate) async fn take(tx: Tx<NoOrg>, now: Timestamp, lease_until: Timestamp) -> Result<Option<Due>, Error> {
    let found = tx.glimpse(&doors::DUE_MAIL, params![now], |row| Ok((row.get("org_id")?, row.get::<MailId>("id")?))).await?;
    let Some((org, id)) = found else { return Ok(None) };
    // Its lock is ours already.
    let tx = tx.in_scope(OrgScope::new(org)).await?;
    let sql = "SELECT membership_id, content, address, attempts FROM mail_queue WHERE org_id = $1 AND id = $2";
    let due = tx
        .one(sql, params![org, id], |row| {
            Ok(Due {
                id,
                org,
                membership: row.opt("membership_id")?,
                alert: row.opt::<String>("content")?.as_deref().map(alert).transpose()?,
                address: row.get("address")?,
                attempts: row.get("attempts")?,
            })
        })
        .await?;
    let sql = "UPDATE mail_queue SET status = 'sending', attempts = attempts + 1, due_at = $3 WHERE org_id = $1 AND id = $2";
    tx.run(sql, params![org, id, lease_until]).await?;
    tx.commit().await?;
    Ok(due)
}

pub(super) fn alert(content: &str) -> Result<Alert, Error> {
    serde_json::from_str(content).map_err(|error| Error::Store(error.to_string()))
}

/// Activation mails of this membership that are not sent yet are not to be, and why not: another takes their place, or none.
pub(crate) async fn supersede(tx: &Tx, membership: MembershipId, why: &str) -> Result<(), Error> {
    let sql = "UPDATE mail_queue SET status = 'failed', error = $3
               WHERE org_id = $1 AND membership_id = $2 AND kind = 'activation' AND status IN ('pending', 'sending')";
    tx.run(sql, params![tx.org(), membership, why]).await?;
    Ok(())
}

/// The mail was handed over, at this attempt. Without effect when somebody else has taken it since.
pub(crate) async fn sent(tx: &Tx, id: MailId, attempt: i64, now: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE mail_queue SET status = 'sent', sent_at = $4, error = NULL
               WHERE org_id = $1 AND id = $2 AND attempts = $3 AND status = 'sending'";
    tx.run(sql, params![tx.org(), id, attempt, now]).await?;
    Ok(())
}

/// Sending failed at this attempt: try again at `again_at`, or give up when there is no such time. Without effect when
/// somebody else has taken the mail since.
pub(crate) async fn failed(tx: &Tx, id: MailId, attempt: i64, error: &str, again_at: Option<Timestamp>) -> Result<(), Error> {
    const MINE: &str = "WHERE org_id = $1 AND id = $2 AND attempts = $3 AND status = 'sending'";
    match again_at {
        Some(due_at) => {
            let sql = format!("UPDATE mail_queue SET status = 'pending', error = $4, due_at = $5 {MINE}");
            tx.run(&sql, params![tx.org(), id, attempt, error, due_at]).await?
        }
        None => {
            tx.run(&format!("UPDATE mail_queue SET status = 'failed', error = $4 {MINE}"), params![tx.org(), id, attempt, error]).await?
        }
    };
    Ok(())
}
