//! The queue of mails to a person rather than about a membership.

use domain::{EmailKey, MailId, Timestamp};

use super::{
    db::{NoOrg, Tx},
    mails::{Alert, alert},
    values::{Maybe, params},
};
use crate::{Call, Error};

/// A mail that is due.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    pub(crate) id: MailId,
    /// What it says; none for a reset, whose link is made when it is sent.
    pub(crate) notice: Option<Alert>,
    pub(crate) address: String,
    /// Of a reset: the network that asked for it.
    pub(crate) asked_from: Option<Vec<u8>>,
    pub(crate) attempts: i64,
}

/// Queue a reset for this address that this network has asked for, whether or not there is an account.
pub(crate) async fn insert_reset<S: Send + Sync>(
    tx: &Tx<S>,
    address: &EmailKey,
    asked_from: Option<&[u8]>,
    call: &Call,
) -> Result<(), Error> {
    tx.run(
        "INSERT INTO account_mails (id, kind, address, status, attempts, due_at, created_at, asked_from)
         VALUES ($1, 'reset', $2, 'pending', 0, $3, $3, $4)",
        params![call.new_id::<MailId>(), address.as_str(), call.now, Maybe(asked_from.map(<[u8]>::to_vec))],
    )
    .await?;
    Ok(())
}

/// Queue a notice, to be sent at once.
pub(crate) async fn insert_notice<S: Send + Sync>(tx: &Tx<S>, address: &str, notice: &Alert, call: &Call) -> Result<(), Error> {
    let content = serde_json::to_string(notice).map_err(|error| Error::Store(error.to_string()))?;
    tx.run(
        "INSERT INTO account_mails (id, kind, address, content, status, attempts, due_at, created_at)
         VALUES ($1, 'notice', $2, $3, 'pending', 0, $4, $4)",
        params![call.new_id::<MailId>(), address, content, call.now],
    )
    .await?;
    Ok(())
}

/// How many resets were sent to this address since `since`: all, and those that the network has asked for.
pub(crate) async fn resets_to(tx: &Tx<NoOrg>, address: &str, asked_from: Option<&[u8]>, since: Timestamp) -> Result<(i64, i64), Error> {
    let sql = "SELECT count(*) AS mails, count(CASE WHEN coalesce(asked_from, $4) = $3 THEN 1 END) AS from_there
               FROM account_mails WHERE address = $1 AND created_at > $2 AND kind = 'reset' AND status = 'sent'";
    let nowhere = Vec::new();
    let asked_from = asked_from.map_or_else(|| nowhere.clone(), <[u8]>::to_vec);
    let counted = tx.one(sql, params![address, since, asked_from, nowhere], |row| Ok((row.get("mails")?, row.get("from_there")?)));
    Ok(counted.await?.unwrap_or((0, 0)))
}

/// Take the mail that has been due longest and that nobody else has taken, and keep it until `lease_until`.
pub(crate) async fn take(tx: &Tx<NoOrg>, now: Timestamp, lease_until: Timestamp) -> Result<Option<Due>, Error> {
    let sql = format!(
        "SELECT id, content, address, asked_from, attempts FROM account_mails
         WHERE status IN ('pending', 'sending') AND due_at <= $1 ORDER BY due_at, id LIMIT 1{}",
        tx.lock_free()
    );
    let due = tx
        .one(&sql, params![now], |row| {
            Ok(Due {
                id: row.get("id")?,
                notice: row.opt::<String>("content")?.as_deref().map(alert).transpose()?,
                address: row.get("address")?,
                asked_from: row.opt("asked_from")?,
                attempts: row.get("attempts")?,
            })
        })
        .await?;
    if let Some(due) = &due {
        let sql = "UPDATE account_mails SET status = 'sending', attempts = attempts + 1, due_at = $2 WHERE id = $1";
        tx.run(sql, params![due.id, lease_until]).await?;
    }
    Ok(due)
}

/// The mail was handed over, at this attempt. Without effect when somebody else has taken it since.
pub(crate) async fn sent(tx: &Tx<NoOrg>, id: MailId, attempt: i64, now: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE account_mails SET status = 'sent', sent_at = $3, error = NULL WHERE id = $1 AND attempts = $2 AND status = 'sending'";
    tx.run(sql, params![id, attempt, now]).await?;
    Ok(())
}

/// Sending failed at this attempt: try again at `again_at`, or give up when there is no such time.
pub(crate) async fn failed(tx: &Tx<NoOrg>, id: MailId, attempt: i64, error: &str, again_at: Option<Timestamp>) -> Result<(), Error> {
    const MINE: &str = "WHERE id = $1 AND attempts = $2 AND status = 'sending'";
    match again_at {
        Some(due_at) => {
            let sql = format!("UPDATE account_mails SET status = 'pending', error = $3, due_at = $4 {MINE}");
            tx.run(&sql, params![id, attempt, error, due_at]).await?
        }
        None => tx.run(&format!("UPDATE account_mails SET status = 'failed', error = $3 {MINE}"), params![id, attempt, error]).await?,
    };
    Ok(())
}

/// Forget mails that were queued before `before`: addresses that strangers typed are not kept.
pub(crate) async fn delete_before(tx: &Tx<NoOrg>, before: Timestamp) -> Result<(), Error> {
    tx.run("DELETE FROM account_mails WHERE created_at < $1", params![before]).await?;
    Ok(())
}
