//! What the provisioning endpoints were asked, and what was tolerated. Written in batches, after the answers.

use domain::{Timestamp, TokenId};
use uuid::Uuid;

use super::{
    db::Tx,
    values::{Maybe, params},
};
use crate::Error;

/// A request that was answered.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) id: Uuid,
    pub(crate) token: TokenId,
    pub(crate) at: Timestamp,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) scim_type: Option<String>,
    pub(crate) detail: Option<String>,
    pub(crate) took_micros: i64,
    pub(crate) ip: Option<String>,
    pub(crate) user_agent: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) notes: String,
}

/// Add requests, in one statement.
pub(crate) async fn append(tx: &Tx, requests: &[Request]) -> Result<(), Error> {
    if requests.is_empty() {
        return Ok(());
    }
    let mut all = params![tx.org()];
    let rows = requests.iter().map(|request| {
        let first = all.len() + 1;
        all.extend(params![
            request.id,
            request.token,
            request.at,
            request.method.as_str(),
            request.path.as_str(),
            i64::from(request.status),
            Maybe(request.scim_type.as_deref()),
            Maybe(request.detail.as_deref()),
            request.took_micros,
            Maybe(request.ip.as_deref()),
            Maybe(request.user_agent.as_deref()),
            Maybe(request.request_id.as_deref()),
            request.notes.as_str()
        ]);
        let places = (first..=all.len()).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
        format!("($1, {places})")
    });
    let rows = rows.collect::<Vec<_>>().join(", ");
    tx.run(
        &format!(
            "INSERT INTO scim_requests (org_id, id, token_id, at, method, path, status, scim_type, detail, took_micros, ip, user_agent, request_id, notes) VALUES {rows}"
        ),
        all,
    )
    .await?;
    Ok(())
}

/// How many requests with this token were answered since `since` and are still kept; counted up to `most`, from the newest on.
pub(crate) async fn count_of(tx: &Tx, token: TokenId, since: Timestamp, most: u64) -> Result<u64, Error> {
    let counted: Option<i64> = tx
        .one(
            "SELECT count(*) AS counted FROM (SELECT 1 FROM scim_requests WHERE org_id = $1 AND token_id = $2 AND at >= $3 ORDER BY at DESC LIMIT $4) r",
            params![tx.org(), token, since, i64::try_from(most).unwrap_or(i64::MAX)],
            |row| row.get("counted"),
        )
        .await?;
    Ok(u64::try_from(counted.unwrap_or(0)).unwrap_or(0))
}

/// Forget requests from before `before`, and all but the newest `most`.
pub(crate) async fn forget(tx: &Tx, before: Timestamp, most: i64) -> Result<(), Error> {
    tx.run("DELETE FROM scim_requests WHERE org_id = $1 AND at < $2", params![tx.org(), before]).await?;
    tx.run(
        "DELETE FROM scim_requests WHERE org_id = $1 AND at < (SELECT at FROM scim_requests WHERE org_id = $1 ORDER BY at DESC, id DESC LIMIT 1 OFFSET $2)",
        params![tx.org(), most],
    )
    .await?;
    Ok(())
}
