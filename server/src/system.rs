//! The one place where the system's clock and randomness are read. Everything else is handed them.

use std::sync::Arc;

pub use directory::Clock;
use directory::Randomness;
use domain::Timestamp;

/// The system's clock.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub fn clock() -> Clock {
    Arc::new(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    })
}

/// The operating system's randomness.
///
/// # Panics
/// When the operating system has none to give: nothing secret can be made then.
#[expect(clippy::disallowed_methods, reason = "this is the place")]
pub fn randomness() -> Randomness {
    Arc::new(|bytes| getrandom::fill(bytes).expect("the operating system gives randomness"))
}
