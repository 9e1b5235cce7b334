//! The log: for people on a terminal, as JSON for machines.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

/// Write the log to stderr, as `filter` says.
pub fn start(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start (tests run several servers in one process) keeps the first.
    let _ = if std::io::stderr().is_terminal() { log.try_init() } else { log.json().flatten_event(true).with_span_list(false).try_init() };
}
