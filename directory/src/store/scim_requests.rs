//! What the provisioning endpoints were asked, and what was tolerated. Written in batches, after the answers.

use domain::{
    Timestamp, TokenId,
    activity::{About, ActivityCursor, FailedWithin, Method, Outcome},
    view::{Dropped, RequestEvent, RequestView},
};
use uuid::Uuid;

use super::{
    db::Tx,
    values::{Maybe, Params, Row, params},
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
    pub(crate) about: About,
    /// The user or the group that it named or created.
    pub(crate) resource: Option<String>,
    /// Masked.
    pub(crate) query: Option<String>,
    /// Masked.
    pub(crate) body: Option<String>,
    pub(crate) status: u16,
    /// How many it had, of a Bulk that was read.
    pub(crate) operations: Option<i64>,
    pub(crate) failed_operations: i64,
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
            request.about.as_str(),
            Maybe(request.resource.as_deref()),
            Maybe(request.query.as_deref()),
            Maybe(request.body.as_deref()),
            i64::from(request.status),
            Maybe(request.operations),
            request.failed_operations,
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
            "INSERT INTO scim_requests (org_id, id, token_id, at, method, path, about, resource_id, query, body, status, operations, failed_operations, scim_type, detail, took_micros, ip, user_agent, request_id, notes) VALUES {rows}"
        ),
        all,
    )
    .await?;
    Ok(())
}

/// Which requests are looked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) outcome: Option<Outcome>,
    pub(crate) method: Option<Method>,
    pub(crate) about: Option<About>,
    pub(crate) token: Option<TokenId>,
    pub(crate) since: Option<Timestamp>,
    pub(crate) request_id: Option<String>,
    /// Any of these users and groups.
    pub(crate) resources: Option<Vec<String>>,
    pub(crate) before: Option<ActivityCursor>,
}

const COLUMNS: &str =
    "r.id, r.at, r.method, r.path, r.query, r.status, r.operations, r.failed_operations, r.scim_type, r.detail, r.took_micros, r.ip,
     r.user_agent, r.request_id, r.notes, t.name AS token_name, t.hint AS token_hint";
const FROM: &str = "scim_requests r LEFT JOIN scim_tokens t ON t.org_id = r.org_id AND t.id = r.token_id";

/// A page of requests, newest first.
pub(crate) async fn page(tx: &Tx, wanted: &Wanted, size: i64) -> Result<Vec<RequestView>, Error> {
    let mut params = Params(params![tx.org()]);
    let mut conditions = vec!["r.org_id = $1".to_owned()];
    match wanted.outcome {
        None => {}
        // As the indexes say it: with a parameter they would not be used.
        Some(Outcome::Failed) => conditions.push("(r.status >= 400 OR r.failed_operations > 0)".to_owned()),
        Some(Outcome::Tolerated) => conditions.push("r.notes <> '[]'".to_owned()),
        Some(Outcome::Done) => conditions.push("r.status < 400".to_owned()),
        Some(Outcome::Refused) => conditions.push("r.status >= 400 AND r.status < 500".to_owned()),
        Some(Outcome::Broken) => conditions.push("r.status >= 400 AND r.status >= 500".to_owned()),
    }
    if let Some(method) = wanted.method {
        conditions.push(format!("r.method = {}", params.push(method.as_str())));
    }
    if let Some(about) = wanted.about {
        conditions.push(format!("r.about = {}", params.push(about.as_str())));
    }
    if let Some(token) = wanted.token {
        conditions.push(format!("r.token_id = {}", params.push(token)));
    }
    if let Some(since) = wanted.since {
        conditions.push(format!("r.at >= {}", params.push(since)));
    }
    if let Some(id) = &wanted.request_id {
        conditions.push(format!("r.request_id = {}", params.push(id.as_str())));
    }
    if let Some(resources) = &wanted.resources {
        let places: Vec<_> = resources.iter().map(|id| params.push(id.as_str())).collect();
        conditions.push(format!("r.resource_id IS NOT NULL AND r.resource_id IN ({})", places.join(", ")));
    }
    if let Some(ActivityCursor { at, id }) = wanted.before {
        conditions.push(format!("(r.at, r.id) < ({}, {})", params.push(at), params.push(id)));
    }
    let conditions = conditions.join(" AND ");
    let limit = params.push(size);
    tx.all(&format!("SELECT {COLUMNS} FROM {FROM} WHERE {conditions} ORDER BY r.at DESC, r.id DESC LIMIT {limit}"), params.0, read).await
}

/// The request of this id, and its body.
pub(crate) async fn find(tx: &Tx, request_id: &str) -> Result<Option<(RequestView, Option<String>)>, Error> {
    let sql = format!("SELECT {COLUMNS}, r.body FROM {FROM} WHERE r.org_id = $1 AND r.request_id = $2 ORDER BY r.at, r.id LIMIT 1");
    tx.one(&sql, params![tx.org(), request_id], |row| Ok((read(row)?, row.opt("body")?))).await
}

/// What a request did, as the audit log has it: the first so many.
pub(crate) async fn events(tx: &Tx, request_id: &str, most: i64) -> Result<Vec<RequestEvent>, Error> {
    let sql = "SELECT id, action, target FROM audit_events WHERE org_id = $1 AND request_id = $2 ORDER BY at, id LIMIT $3";
    tx.all(sql, params![tx.org(), request_id, most], |row| {
        let action: String = row.get("action")?;
        let action = action.parse().map_err(|()| Error::Store(format!("the audit log holds an unknown action {action}")))?;
        Ok(RequestEvent { id: row.get("id")?, action, target: row.opt("target")? })
    })
    .await
}

fn read(row: &Row) -> Result<RequestView, Error> {
    let number = |name| row.get::<i64>(name);
    Ok(RequestView {
        id: row.get("id")?,
        at: row.get("at")?,
        method: row.get("method")?,
        path: row.get("path")?,
        query: row.opt("query")?,
        status: u16::try_from(number("status")?).unwrap_or_default(),
        failed_within: match (number("failed_operations")?, row.opt::<i64>("operations")?) {
            (0, _) => None,
            (failed, all) => Some(FailedWithin { counted: all.map(|all| (failed.unsigned_abs(), all.unsigned_abs())) }),
        },
        scim_type: row.opt("scim_type")?,
        detail: row.opt("detail")?,
        took_micros: u64::try_from(number("took_micros")?).unwrap_or_default(),
        token: row.opt("token_name")?,
        token_hint: row.opt("token_hint")?,
        ip: row.opt("ip")?,
        user_agent: row.opt("user_agent")?,
        request_id: row.opt("request_id")?,
        notes: serde_json::from_str(&row.get::<String>("notes")?).map_err(|error| Error::Store(error.to_string()))?,
    })
}

/// Users and groups that are called this: each what it is, its id and its name as it is written.
pub(crate) async fn called(tx: &Tx, key: &str) -> Result<Vec<(&'static str, Uuid, String)>, Error> {
    let users = "SELECT id, user_name AS name FROM scim_users WHERE org_id = $1 AND user_name_key = $2 AND deleted_at IS NULL";
    let groups =
        "SELECT id, display_name AS name FROM scim_groups WHERE org_id = $1 AND display_name_key = $2 AND deleted_at IS NULL LIMIT 20";
    let mut found = tx.all(users, params![tx.org(), key], |row| Ok(("User", row.get("id")?, row.get("name")?))).await?;
    found.extend(tx.all(groups, params![tx.org(), key], |row| Ok(("Group", row.get("id")?, row.get("name")?))).await?);
    Ok(found)
}

/// Note that further requests could not be put into the log.
pub(crate) async fn add_dropped(tx: &Tx, requests: i64, now: Timestamp) -> Result<(), Error> {
    let sql = "INSERT INTO scim_requests_dropped (org_id, requests, last_at) VALUES ($1, $2, $3)
               ON CONFLICT (org_id) DO UPDATE SET requests = scim_requests_dropped.requests + excluded.requests, last_at = excluded.last_at";
    tx.run(sql, params![tx.org(), requests, now]).await?;
    Ok(())
}

/// How many requests could not be put into the log.
pub(crate) async fn dropped(tx: &Tx) -> Result<Option<Dropped>, Error> {
    tx.one("SELECT requests, last_at FROM scim_requests_dropped WHERE org_id = $1", params![tx.org()], |row| {
        Ok(Dropped { requests: u64::try_from(row.get::<i64>("requests")?).unwrap_or_default(), last_at: row.get("last_at")? })
    })
    .await
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

/// Forget requests from before `before`; of the others all but the newest `newest` unless they failed, and all but the newest `most`.
pub(crate) async fn forget(tx: &Tx, before: Timestamp, newest: u32, most: u32) -> Result<(), Error> {
    tx.run("DELETE FROM scim_requests WHERE org_id = $1 AND at < $2", params![tx.org(), before]).await?;
    let beyond = "DELETE FROM scim_requests WHERE org_id = $1 AND (at, id) <=
        (SELECT at, id FROM scim_requests WHERE org_id = $1 ORDER BY at DESC, id DESC LIMIT 1 OFFSET $2)";
    let done = "status < 400 AND failed_operations = 0";
    tx.run(&format!("{beyond} AND {done}"), params![tx.org(), i64::from(newest)]).await?;
    // Of what is older than the newest, only failures are left to be counted.
    tx.run(beyond, params![tx.org(), i64::from(most)]).await?;
    tx.run("DELETE FROM scim_requests_dropped WHERE org_id = $1 AND last_at < $2", params![tx.org(), before]).await?;
    Ok(())
}
