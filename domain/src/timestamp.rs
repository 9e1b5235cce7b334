//! A moment, to the microsecond, as it is stored: a count since the Unix epoch, which both databases sort alike.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, format_description::well_known::Rfc3339, macros::format_description};

/// Microseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment `micros` microseconds after the Unix epoch.
    pub fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    pub fn as_micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since the Unix epoch, for the time in a UUIDv7. Zero before the epoch.
    pub fn as_millis(self) -> u64 {
        u64::try_from(self.0 / 1_000).unwrap_or(0)
    }

    /// RFC 3339 with `Z`, as SCIM's dateTime wants it (RFC 7643 §2.3.5).
    pub fn to_rfc3339(self) -> String {
        self.date_time().format(&Rfc3339).unwrap_or_default()
    }

    /// For people: `24 Nov 2026`.
    pub fn day(self) -> String {
        self.date_time().format(format_description!("[day padding:none] [month repr:short] [year]")).unwrap_or_default()
    }

    /// For people: `24 Nov 2026, 14:05:09 UTC`.
    pub fn second(self) -> String {
        let format = format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute]:[second] UTC");
        self.date_time().format(format).unwrap_or_default()
    }

    /// How this moment lies to `now`, for people: `just now`, `5 min ago`, `in 3 days`, `2 years ago`.
    pub fn relative_to(self, now: Self) -> String {
        let seconds = (now.0 - self.0) / 1_000_000;
        let (amount, unit) = match seconds.abs() {
            0..45 => return "just now".to_owned(),
            s @ 45..3_600 => ((s + 30) / 60, "min"),
            s @ 3_600..86_400 => ((s + 1_800) / 3_600, "h"),
            s @ 86_400..5_184_000 => ((s + 43_200) / 86_400, "day"),
            s @ 5_184_000..63_072_000 => ((s + 1_314_000) / 2_628_000, "month"),
            s => ((s + 15_768_000) / 31_536_000, "year"),
        };
        let plural = if amount == 1 || unit == "min" || unit == "h" { "" } else { "s" };
        if seconds < 0 { format!("in {amount} {unit}{plural}") } else { format!("{amount} {unit}{plural} ago") }
    }

    fn date_time(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(span.as_micros()).unwrap_or(i64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_written_as_rfc_3339() {
        assert_eq!(Timestamp::from_micros(1_700_000_000_500_000).to_rfc3339(), "2023-11-14T22:13:20.5Z");
        assert_eq!(Timestamp::from_micros(1_700_000_000_000_000).second(), "14 Nov 2023, 22:13:20 UTC");
    }

    #[test]
    fn people_read_distances() {
        let now = Timestamp::from_micros(1_700_000_000_000_000);
        let hours = |h: u64| Duration::from_secs(h * 3_600);
        assert_eq!(now.relative_to(now), "just now");
        assert_eq!((now - Duration::from_secs(120)).relative_to(now), "2 min ago");
        assert_eq!((now + hours(24)).relative_to(now), "in 1 day");
        assert_eq!((now + hours(24 * 365)).relative_to(now), "in 12 months");
        assert_eq!((now - hours(24 * 800)).relative_to(now), "2 years ago");
    }
}
