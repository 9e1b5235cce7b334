//! What sealing and verifying the audit log costs.
//!
//! ```text
//! cargo bench -p server --bench seals -- 100000      how many events (scripts/bench.sh)
//! ROLLCALL_BENCH_POSTGRES=postgres://…                an empty database to measure as well, as its owner
//! ```

#[expect(dead_code, reason = "nothing is asked over HTTP here")]
mod support;

use std::time::{Duration, Instant};

use directory::{Db, seals};
use migrations::sea_orm::ConnectionTrait;
use support::Server;

/// Events that a round of sealing can take.
const A_ROUND: usize = 20_000;
/// How old the events are: younger ones are not sealed yet.
const LONG_AGO: Duration = Duration::from_secs(3_600);

fn main() {
    // `cargo bench` adds a flag of its own.
    let events = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = std::env::temp_dir().join(format!("rollcall-seals-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    println!("{events} events, {} build.\n", if cfg!(debug_assertions) { "unoptimised" } else { "optimised" });
    println!("| | sealed | verified |\n| --- | ---: | ---: |");
    runtime.block_on(measure("SQLite", format!("sqlite:{}", folder.join("rollcall.db").display()), events));
    if let Ok(url) = std::env::var("ROLLCALL_BENCH_POSTGRES") {
        runtime.block_on(measure("PostgreSQL", url, events));
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

async fn measure(name: &str, url: String, events: usize) {
    let server = Server::start(url, async |_: &Db| ()).await;
    drop(server.organisation("Acme", [192, 0, 2, 7]).await);
    let now = (server.state.clock)();
    fill(&server.owner, events, (now - LONG_AGO).as_micros()).await;
    let db = &server.state.db;
    let begun = instant();
    for _ in 0..=events / A_ROUND {
        seals::seal(db, now).await.unwrap();
    }
    let sealed = begun.elapsed();
    let begun = instant();
    let verified = seals::verify(db, None, None, now).await.unwrap();
    let read = begun.elapsed();
    assert!(verified[0].problems.is_empty() && verified[0].events == i64::try_from(events).unwrap(), "{verified:?}");
    println!("| {name} | {:.1} s | {:.1} s |", sealed.as_secs_f64(), read.as_secs_f64());
}

/// So many events from `at` on, made in the database.
#[expect(clippy::disallowed_methods, reason = "what an administrator may do")]
async fn fill(owner: &Db, events: usize, at: i64) {
    let (series, id) = if owner.is_postgres() {
        (format!("generate_series(1, {events}) s(n)"), "gen_random_uuid()")
    } else {
        (
            format!("(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {events}) SELECT n FROM s) s"),
            "randomblob(16)",
        )
    };
    let sql = format!(
        "INSERT INTO audit_events (id, org_id, at, action, actor_kind, actor, target_kind, target, ip, user_agent, request_id, details)
         SELECT {id}, o.id, {at} + n, 'user.changed', 'system', 'Rollcall', 'user', 'Person ' || n, '10.0.0.1', 'Okta SCIM Client 1.0.0', 'r' || n,
                '[[\"attributes\",\"displayName, title\"]]'
         FROM organizations o, {series}"
    );
    owner.migrator().execute_unprepared(&sql).await.unwrap();
}

#[expect(clippy::disallowed_methods, reason = "time is what is measured")]
fn instant() -> Instant {
    Instant::now()
}
