//! Lists as files: CSV (RFC 4180) that a spreadsheet takes for text, and nothing else.

use std::future::Future;

use app::{context::RequestContext, error::AppError};
use axum::{
    Extension,
    body::Body,
    extract::{Path, Query, State},
    response::{IntoResponse, Response},
};
use directory::{
    Error,
    audit::{self, Found},
    provisioning::activity,
};
use domain::{
    AuditEventId, OrgSlug, Permission,
    activity::{ActivityCursor, ActivityFilter},
    audit::{AuditAction, AuditFilter},
    view::{AuditEventView, RequestView},
};
use futures_util::stream::{self, Stream, StreamExt};
use http::header;
use serde_json::{Value, json};

use crate::{pages, state::AppState};

/// `GET /o/{org}/activity.csv`: the filters are the page's.
pub(crate) async fn activity_csv(
    State(state): State<AppState>,
    Extension(context): Extension<RequestContext>,
    Path(org): Path<String>,
    Query(asked): Query<Vec<(String, String)>>,
    request: axum::extract::Request,
) -> Response {
    let Ok(org) = OrgSlug::try_from(org) else { return pages::page(State(state), request).await };
    let filter = ActivityFilter::read(|name| value_of(&asked, name));
    let first = async {
        let scope = context.in_org(&org, Permission::SeeAudit)?;
        let who = context.signed_in()?.clone();
        audit::note_export(&context.db, &who, scope, AuditAction::ActivityExported, "csv", &filter.pairs(), &context.call).await?;
        let first = activity::export(&context.db, &who, scope, &filter, None, &context.call).await?;
        Ok((scope, who, first))
    };
    // What cannot be begun is said with a status. What breaks later breaks off the file.
    match first.await {
        Ok((scope, who, first)) => {
            let (db, call) = (context.db.clone(), context.call.clone());
            let next = move |before: ActivityCursor| {
                let (db, who, call, filter) = (db.clone(), who.clone(), call.clone(), filter.clone());
                async move { activity::export(&db, &who, scope, &filter, Some(before), &call).await }
            };
            let rows = in_parts(first, next, |requests: Vec<RequestView>| csv(requests.iter().map(activity_row)));
            let head = stream::once(async { Ok(csv([ACTIVITY.map(str::to_owned)].into_iter())) });
            let name = format!("scim-activity-{org}-{}.csv", day_of(&context));
            file("text/csv; charset=utf-8", &name, head.chain(rows))
        }
        Err(error) => refused(error),
    }
}

/// `GET /o/{org}/audit.csv`: the filters are the page's.
pub(crate) async fn audit_csv(
    State(state): State<AppState>,
    Extension(context): Extension<RequestContext>,
    Path(org): Path<String>,
    Query(asked): Query<Vec<(String, String)>>,
    request: axum::extract::Request,
) -> Response {
    let Ok(org) = OrgSlug::try_from(org) else { return pages::page(State(state), request).await };
    let head = csv([AUDIT.map(str::to_owned)].into_iter());
    let written = |events: Vec<Found>| csv(events.iter().map(audit_row));
    audit_file(&context, &org, &asked, "csv", "text/csv; charset=utf-8", head, written).await
}

/// `GET /o/{org}/audit.jsonl`: one JSON object a line.
pub(crate) async fn audit_jsonl(
    State(state): State<AppState>,
    Extension(context): Extension<RequestContext>,
    Path(org): Path<String>,
    Query(asked): Query<Vec<(String, String)>>,
    request: axum::extract::Request,
) -> Response {
    let Ok(org) = OrgSlug::try_from(org) else { return pages::page(State(state), request).await };
    let written = |events: Vec<Found>| events.iter().map(|event| format!("{}\n", audit_line(event))).collect::<String>().into_bytes();
    audit_file(&context, &org, &asked, "jsonl", "application/jsonl; charset=utf-8", vec![], written).await
}

async fn audit_file(
    context: &RequestContext,
    org: &OrgSlug,
    asked: &[(String, String)],
    format: &str,
    kind: &'static str,
    head: Vec<u8>,
    written: impl Fn(Vec<Found>) -> Vec<u8> + Send + 'static,
) -> Response {
    let filter = AuditFilter::read(|name| value_of(asked, name));
    let first = async {
        let scope = context.in_org(org, Permission::SeeAudit)?;
        let who = context.signed_in()?.clone();
        audit::note_export(&context.db, &who, scope, AuditAction::AuditExported, format, &filter.pairs(), &context.call).await?;
        let first = audit::export(&context.db, &who, scope, &filter, None, &context.call).await?;
        Ok((scope, who, first))
    };
    match first.await {
        Ok((scope, who, first)) => {
            let (db, call) = (context.db.clone(), context.call.clone());
            let next = move |before: AuditEventId| {
                let (db, who, call, filter) = (db.clone(), who.clone(), call.clone(), filter.clone());
                async move { audit::export(&db, &who, scope, &filter, Some(before), &call).await }
            };
            let name = format!("audit-{org}-{}.{format}", day_of(context));
            file(kind, &name, stream::once(async { Ok(head) }).chain(in_parts(first, next, written)))
        }
        Err(error) => refused(error),
    }
}

const AUDIT: [&str; 14] = [
    "id",
    "time",
    "action",
    "title",
    "actor_kind",
    "actor_id",
    "actor",
    "target_kind",
    "target_id",
    "target",
    "details",
    "request_id",
    "ip",
    "user_agent",
];

fn audit_row(event: &Found) -> [String; 14] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let AuditEventView { id, at, action, actor, ip, request_id, details, .. } = &event.shown;
    [
        id.to_string(),
        at.to_rfc3339(),
        action.code().to_owned(),
        action.title().to_owned(),
        event.actor_kind.clone(),
        event.actor_id.map(|id| id.to_string()).unwrap_or_default(),
        actor.clone(),
        text(&event.target_kind),
        event.target_id.map(|id| id.to_string()).unwrap_or_default(),
        text(&event.target),
        details.iter().map(|(name, value)| format!("{name}: {value}")).collect::<Vec<_>>().join("; "),
        text(request_id),
        text(ip),
        text(&event.user_agent),
    ]
}

fn audit_line(event: &Found) -> Value {
    let AuditEventView { id, at, action, actor, ip, request_id, details, .. } = &event.shown;
    json!({
        "id": id, "time": at.to_rfc3339(), "action": action.code(), "title": action.title(),
        "actor": { "kind": event.actor_kind, "id": event.actor_id.map(|id| id.to_string()), "name": actor },
        "target": event.target_kind.as_ref().map(|kind| json!({
            "kind": kind, "id": event.target_id.map(|id| id.to_string()), "name": event.target,
        })),
        "details": details.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect::<Vec<_>>(),
        "request_id": request_id, "ip": ip, "user_agent": event.user_agent,
    })
}

const ACTIVITY: [&str; 15] = [
    "time",
    "method",
    "path",
    "query",
    "status",
    "scim_type",
    "detail",
    "duration_ms",
    "token",
    "token_ends_in",
    "request_id",
    "tolerated",
    "ip",
    "user_agent",
    "operations",
];

fn activity_row(request: &RequestView) -> [String; 15] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        request.at.to_rfc3339(),
        request.method.clone(),
        request.path.clone(),
        text(&request.query),
        request.status.to_string(),
        text(&request.scim_type),
        text(&request.detail),
        format!("{}.{:03}", request.took_micros / 1_000, request.took_micros % 1_000),
        text(&request.token),
        text(&request.token_hint),
        text(&request.request_id),
        request.notes.join("; "),
        text(&request.ip),
        text(&request.user_agent),
        request.failed_within.map(|failed| failed.to_string()).unwrap_or_default(),
    ]
}

/// The value of a filter in the address; an empty one is none.
fn value_of(asked: &[(String, String)], name: &str) -> Option<String> {
    asked.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()).filter(|value| !value.is_empty())
}

fn day_of(context: &RequestContext) -> String {
    context.call.now.to_rfc3339().chars().take(10).collect()
}

/// Part after part, each asked for when the one before was taken.
fn in_parts<T, C, F>(
    first: (T, Option<C>),
    next: impl Fn(C) -> F + Send + 'static,
    written: impl Fn(T) -> Vec<u8> + Send + 'static,
) -> impl Stream<Item = Result<Vec<u8>, Error>> + Send
where
    T: Send + 'static,
    C: Send + 'static,
    F: Future<Output = Result<(T, Option<C>), Error>> + Send,
{
    enum Left<T, C> {
        Read(T, Option<C>),
        ToRead(C),
    }
    let begin = Some(Left::Read(first.0, first.1));
    stream::try_unfold((begin, next, written), |(left, next, written)| async move {
        let (part, cursor) = match left {
            None => return Ok(None),
            Some(Left::Read(part, cursor)) => (part, cursor),
            Some(Left::ToRead(cursor)) => next(cursor).await?,
        };
        Ok(Some((written(part), (cursor.map(Left::ToRead), next, written))))
    })
}

/// Rows of CSV.
fn csv<const N: usize>(rows: impl Iterator<Item = [String; N]>) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(vec![]);
    for row in rows {
        // Writing into memory does not fail.
        let _ = writer.write_record(row.map(|cell| inert(&cell)));
    }
    writer.into_inner().unwrap_or_default()
}

/// A cell that no spreadsheet computes and no terminal obeys: text that would begin a formula gets an apostrophe before it, and what
/// controls how text is shown is made visible. Some spreadsheets end a cell at a semicolon, tab or comma whatever is quoted, so
/// a formula may begin there, too.
fn inert(cell: &str) -> String {
    let mut text = String::with_capacity(cell.len());
    let mut begins = true;
    for c in cell.chars() {
        if begins && matches!(c, '=' | '+' | '-' | '@' | '\t' | '\r' | '＝' | '＋' | '－' | '＠') {
            text.push('\'');
        }
        begins = matches!(c, ';' | ',' | '\t' | '\n' | '\r') || (begins && (c.is_whitespace() || c == '"'));
        // Among them are those that turn the direction of writing.
        let hidden = c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        text.push(if hidden { char::REPLACEMENT_CHARACTER } else { c });
    }
    text
}

/// A file to keep. What was sent cannot be taken back, so a failure on the way ends the connection and is in the log.
fn file(kind: &'static str, name: &str, parts: impl Stream<Item = Result<Vec<u8>, Error>> + Send + 'static) -> Response {
    let parts = parts.inspect(|part| {
        if let Err(error) = part {
            tracing::error!(%error, "a file broke off");
        }
    });
    let headers = [
        (header::CONTENT_TYPE, kind.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
        (header::CACHE_CONTROL, "no-store".to_owned()),
    ];
    (headers, Body::from_stream(parts)).into_response()
}

fn refused(error: Error) -> Response {
    let error = AppError::from(error);
    (error.status(), error.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_or_a_command() {
        for (cell, expected) in [
            ("=HYPERLINK(\"http://x\")", "'=HYPERLINK(\"http://x\")"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\u{fffd}'=1"),
            ("\r=1", "'\u{fffd}'=1"),
            (" =1", " '=1"),
            ("x;=cmd|' /C calc'!A0", "x;'=cmd|' /C calc'!A0"),
            ("x\t=1", "x\u{fffd}'=1"),
            ("x,\"@SUM(A1)", "x,\"'@SUM(A1)"),
            ("x\n-1", "x\u{fffd}'-1"),
            ("＝1+1", "'＝1+1"),
            ("＋1", "'＋1"),
            ("－1", "'－1"),
            ("＠SUM(A1)", "'＠SUM(A1)"),
            ("a\u{202e}gpj.exe", "a\u{fffd}gpj.exe"),
            ("\u{2066}a\u{2069}", "\u{fffd}a\u{fffd}"),
            ("a-b, c", "a-b, c"),
            ("a\u{1b}[31mb", "a\u{fffd}[31mb"),
            ("a=1", "a=1"),
            ("", ""),
        ] {
            assert_eq!(inert(cell), expected);
        }
    }

    #[test]
    fn rows_are_as_rfc_4180_has_them() {
        let rows = csv([["a,b".to_owned(), "say \"no\"".to_owned(), "ö".to_owned()]].into_iter());
        assert_eq!(String::from_utf8(rows).unwrap(), "\"a,b\",\"say \"\"no\"\"\",ö\r\n");
    }
}
