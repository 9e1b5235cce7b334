//! How an answer looks.

use domain::activity::FailedWithin;

/// The look of an answer: good, passed over, refused. One in which only a part failed is no good one.
pub fn status_class(status: u16, failed_within: Option<FailedWithin>) -> &'static str {
    match status {
        500.. => "badge bad",
        400.. => "badge warn",
        _ if failed_within.is_some() => "badge warn",
        _ => "badge good",
    }
}

/// The status, and how much of a Bulk failed: `200 · 3 of 20 failed`.
pub fn status_text(status: u16, failed_within: Option<FailedWithin>) -> String {
    match failed_within {
        Some(failed) => format!("{status} · {failed}"),
        None => status.to_string(),
    }
}
