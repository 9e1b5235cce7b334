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

    /// For people who measure: `24 Nov 2026, 14:05:09.012 UTC`.
    pub fn millisecond(self) -> String {
        let format = format_description!("[day padding:none] [month repr:short] [year], [hour]:[minute]:[second].[subsecond digits:3] UTC");
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

    /// How long before this moment `earlier` was; nothing where it was not before.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    fn date_time(self) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

/// How long something took, for people: `0.4 ms`, `12 ms`, `1.3 s`, `5 min`.
pub fn in_words(span: Duration) -> String {
    match span.as_micros() {
        micros @ 0..9_950 => format!("{}.{} ms", (micros + 50) / 1_000, (micros + 50) % 1_000 / 100),
        micros @ 9_950..999_500 => format!("{} ms", (micros + 500) / 1_000),
        micros @ 999_500..59_950_000 => format!("{}.{} s", (micros + 50_000) / 1_000_000, (micros + 50_000) % 1_000_000 / 100_000),
        micros => format!("{} min", (micros + 30_000_000) / 60_000_000),
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
    fn people_read_how_long_something_took() {
        let words = |micros| in_words(Duration::from_micros(micros));
        assert_eq!([0, 49, 400, 9_949].map(words), ["0.0 ms", "0.0 ms", "0.4 ms", "9.9 ms"]);
        assert_eq!([9_950, 12_345, 999_499].map(words), ["10 ms", "12 ms", "999 ms"]);
        assert_eq!([999_500, 1_250_000, 59_949_999].map(words), ["1.0 s", "1.3 s", "59.9 s"]);
        assert_eq!([59_950_000, 3_600_000_000].map(words), ["1 min", "60 min"]);
        let at = Timestamp::from_micros;
        assert_eq!((at(5).since(at(2)), at(2).since(at(5))), (Duration::from_micros(3), Duration::ZERO));
        assert_eq!(at(1_700_000_000_012_345).millisecond(), "14 Nov 2023, 22:13:20.012 UTC");
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
