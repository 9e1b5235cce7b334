//! How an answer looks.

/// The look of a status: good, passed over, refused.
pub fn status_class(status: u16) -> &'static str {
    match status {
        500.. => "badge bad",
        400.. => "badge warn",
        _ => "badge good",
    }
}
