//! Receipts of offboardings: added to, read, never changed.

use domain::{
    MemberId, ReceiptId, Timestamp,
    receipt::{Cause, Count, KnownSecret},
    view::{Answered, ReceiptBrief},
};

use super::{
    db::Tx,
    values::{Maybe, Row, params},
};
use crate::{Actor, Call, Error};

/// A receipt, as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Receipt {
    pub(crate) id: ReceiptId,
    pub(crate) member: MemberId,
    pub(crate) name: String,
    pub(crate) user_name: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) cause: Cause,
    pub(crate) actor: String,
    pub(crate) request_id: Option<String>,
    pub(crate) arrived_at: Timestamp,
    pub(crate) ended_at: Timestamp,
    pub(crate) ended: Vec<Count>,
    pub(crate) secrets: Vec<KnownSecret>,
}

/// Whose access ended, and what is to be told of it beside when and by which call.
pub(crate) struct Ended<'a> {
    pub(crate) id: ReceiptId,
    pub(crate) member: MemberId,
    pub(crate) name: &'a str,
    pub(crate) cause: Cause,
    pub(crate) ended_at: Timestamp,
    pub(crate) ended: &'a [(&'a str, i64)],
    pub(crate) secrets: &'a [KnownSecret],
}

/// Add a receipt, in the transaction of the end that it tells of. The directory's userName and the account's address are those of
/// this moment.
pub(crate) async fn insert(tx: &Tx, receipt: Ended<'_>, actor: &Actor, call: &Call) -> Result<(), Error> {
    tx.run(
        "INSERT INTO offboarding_receipts
           (id, org_id, member_id, name, user_name, email, cause, actor_kind, actor_id, actor, request_id, arrived_at, ended_at, ended, secrets)
         SELECT $1, p.org_id, p.id, $4,
                (SELECT r.user_name FROM scim_users r WHERE r.org_id = p.org_id AND r.member_id = p.id AND r.deleted_at IS NULL),
                u.email, $5, $6, $7, $8, $9, $10, $11, $12, $13
         FROM members p JOIN users u ON u.id = p.account_id WHERE p.org_id = $2 AND p.id = $3",
        params![
            receipt.id,
            tx.org(),
            receipt.member,
            receipt.name,
            receipt.cause.code(),
            actor.kind(),
            Maybe(actor.id()),
            actor.name(),
            Maybe(call.request_id.as_deref()),
            call.arrived,
            receipt.ended_at,
            json(&receipt.ended)?,
            json(&receipt.secrets)?
        ],
    )
    .await?;
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<String, Error> {
    serde_json::to_string(value).map_err(|error| Error::Store(error.to_string()))
}

fn parsed<T: serde::de::DeserializeOwned>(row: &Row, column: &str) -> Result<T, Error> {
    serde_json::from_str(&row.get::<String>(column)?).map_err(|error| Error::Store(error.to_string()))
}

fn cause(row: &Row) -> Result<Cause, Error> {
    let code: String = row.get("cause")?;
    code.parse().map_err(|()| Error::Store(format!("a receipt has an unknown cause {code}")))
}

/// The receipt of this id.
pub(crate) async fn find(tx: &Tx, id: ReceiptId) -> Result<Option<Receipt>, Error> {
    let sql = "SELECT id, member_id, name, user_name, email, cause, actor, request_id, arrived_at, ended_at, ended, secrets
               FROM offboarding_receipts WHERE org_id = $1 AND id = $2";
    tx.one(sql, params![tx.org(), id], |row| {
        Ok(Receipt {
            id: row.get("id")?,
            member: row.get("member_id")?,
            name: row.get("name")?,
            user_name: row.opt("user_name")?,
            email: row.opt("email")?,
            cause: cause(row)?,
            actor: row.get("actor")?,
            request_id: row.opt("request_id")?,
            arrived_at: row.get("arrived_at")?,
            ended_at: row.get("ended_at")?,
            ended: parsed(row, "ended")?,
            secrets: parsed(row, "secrets")?,
        })
    })
    .await
}

/// The receipts of a member, newest first.
pub(crate) async fn of_member(tx: &Tx, member: MemberId) -> Result<Vec<ReceiptBrief>, Error> {
    let sql = "SELECT id, ended_at, cause FROM offboarding_receipts WHERE org_id = $1 AND member_id = $2
               ORDER BY ended_at DESC, id DESC LIMIT 20";
    tx.all(sql, params![tx.org(), member], |row| {
        Ok(ReceiptBrief { id: row.get("id")?, ended_at: row.get("ended_at")?, cause: cause(row)? })
    })
    .await
}

/// How the directory's request `request_id`, which arrived at `arrived_at`, was answered, as far as the activity log has it.
pub(crate) async fn answered(tx: &Tx, request_id: &str, arrived_at: Timestamp) -> Result<Option<Answered>, Error> {
    let sql = "SELECT at + took_micros AS answered_at, method, status FROM scim_requests
               WHERE org_id = $1 AND at = $2 AND request_id = $3";
    tx.one(sql, params![tx.org(), arrived_at, request_id], |row| {
        Ok(Answered { at: row.get("answered_at")?, method: row.get("method")?, status: row.get("status")? })
    })
    .await
}
