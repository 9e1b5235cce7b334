//! What an attack costs the others: 100,000 guesses at the tokens of one organisation, from one address, as fast as they are answered,
//! while another organisation's identity provider goes on. Every guess has the form and the checksum of a token, so that each costs a look
//! into the database.
//!
//! Requests go through the whole router, in this process, which the guesser shares: sockets and TLS are not in the figures, and the guesser's
//! own work is.
//!
//! ```text
//! cargo bench -p server --bench guessing -- 100000 500    how many guesses, by how many at once (scripts/bench-guessing.sh)
//! ROLLCALL_BENCH_POSTGRES=postgres://…                    an empty database to measure as well, as its owner
//! ```

mod support;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use directory::Db;
use http::{Method, StatusCode};
use migrations::sea_orm::{ConnectionTrait, Statement};
use serde_json::{Value, json};
use support::{Endpoint, Server};

/// Requests of the other organisation without an attack.
const CALM: usize = 10_000;
/// How much longer the other organisation's slowest requests may take during the attack.
const MOST_RATIO: f64 = 1.5;
/// Rows that the attack may make.
const MOST_ROWS: i64 = 20;
/// What is written of failures; the other organisation's changes are audited, too.
const WRITTEN: [&str; 5] =
    ["audit_events WHERE action = 'scim.authentication_failed'", "auth_failures", "failure_notes", "address_blocks", "mail_queue"];

fn main() {
    // `cargo bench` adds a flag of its own.
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let (guesses, at_once) = (numbers.first().copied().unwrap_or(100_000), numbers.get(1).copied().unwrap_or(500));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = std::env::temp_dir().join(format!("rollcall-guessing-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let sqlite = format!("sqlite:{}", folder.join("rollcall.db").display());
    let profile = if cfg!(debug_assertions) { "unoptimised" } else { "optimised" };
    println!("{guesses} guesses from one address, {at_once} at once, {profile} build.\n");
    println!("| | guesses/s | answered 401 / 429 | the other's median / p99, calm | during the attack | p99 ratio | rows written |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: | ---: |");
    let mut bounded = runtime.block_on(measure("SQLite", sqlite, guesses, at_once));
    if let Ok(url) = std::env::var("ROLLCALL_BENCH_POSTGRES") {
        bounded &= runtime.block_on(measure("PostgreSQL", url, guesses, at_once));
    }
    std::fs::remove_dir_all(&folder).unwrap();
    if !bounded {
        eprintln!("The attack costs the others more than {MOST_RATIO} times their 99th percentile, or writes more than {MOST_ROWS} rows.");
        std::process::exit(1);
    }
}

/// One line of the table; whether what the attack cost is within its bounds.
async fn measure(name: &str, url: String, guesses: usize, at_once: usize) -> bool {
    let server = Server::start(url, async |_: &Db| ()).await;
    let (acme, globex) = (server.organisation("Acme", [192, 0, 2, 7]).await, server.organisation("Globex", [192, 0, 2, 8]).await);
    let mut users = vec![];
    for number in 0..100 {
        let (status, made) = globex.send(Method::POST, "/Users", Some(user(number))).await;
        assert_eq!(status, StatusCode::CREATED, "{made}");
        users.push(made["id"].as_str().unwrap().to_owned());
    }
    server.state.settle().await;
    let calm = traffic(&globex, &users, |done| done < CALM).await;
    server.state.settle().await;
    let before = rows(&server.owner).await;
    let (left, over) = (Arc::new(AtomicUsize::new(guesses)), Arc::new(AtomicBool::new(false)));
    let began = now();
    let mut guessers = tokio::task::JoinSet::new();
    for _ in 0..at_once {
        let (acme, left) = (acme.clone(), left.clone());
        guessers.spawn(async move {
            let mut statuses = BTreeMap::<u16, usize>::new();
            while let Ok(number) = left.try_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)) {
                let guess = Endpoint { authorization: format!("Bearer {}", token(number)), ..acme.clone() };
                *statuses.entry(guess.send(Method::GET, "/Users", None).await.0.as_u16()).or_default() += 1;
            }
            statuses
        });
    }
    let other = tokio::spawn({
        let over = over.clone();
        async move { traffic(&globex, &users, |_| !over.load(Ordering::Relaxed)).await }
    });
    let mut statuses = BTreeMap::<u16, usize>::new();
    while let Some(counted) = guessers.join_next().await {
        counted.unwrap().into_iter().for_each(|(status, count)| *statuses.entry(status).or_default() += count);
    }
    let took = began.elapsed();
    over.store(true, Ordering::Relaxed);
    let attacked = other.await.unwrap();
    server.state.settle().await;
    let grown = rows(&server.owner).await - before;
    assert_eq!(statuses.values().sum::<usize>(), guesses);
    let ms = |span: Duration| span.as_secs_f64() * 1_000.0;
    let [refused, held_back] = [401, 429].map(|status| statuses.get(&status).copied().unwrap_or(0));
    let ratio = ms(attacked[attacked.len() * 99 / 100]) / ms(calm[calm.len() * 99 / 100]);
    println!(
        "| {name} | {:.0} | {refused} / {held_back} | {:.2} / {:.2} ms of {} | {:.2} / {:.2} ms of {} | {ratio:.2} | {grown} |",
        guesses as f64 / took.as_secs_f64(),
        ms(calm[calm.len() / 2]),
        ms(calm[calm.len() * 99 / 100]),
        calm.len(),
        ms(attacked[attacked.len() / 2]),
        ms(attacked[attacked.len() * 99 / 100]),
        attacked.len(),
    );
    ratio <= MOST_RATIO && grown <= MOST_ROWS
}

/// Nine lookups and one change, over and over, while `goes_on` says so of how many there were; how long each took, the shortest first.
async fn traffic(idp: &Endpoint, users: &[String], goes_on: impl Fn(usize) -> bool) -> Vec<Duration> {
    let mut spans = vec![];
    while goes_on(spans.len()) {
        let number = spans.len() * 31 % users.len();
        let began = now();
        let (status, body) = match spans.len() % 10 {
            9 => {
                let value = json!({ "displayName": format!("name {}", spans.len()) });
                let patch = json!({ "Operations": [{ "op": "replace", "value": value }] });
                idp.send(Method::PATCH, &format!("/Users/{}", users[number]), Some(patch)).await
            }
            _ => idp.send(Method::GET, &format!("/Users?filter=userName%20eq%20%22user-{number}@globex.test%22"), None).await,
        };
        spans.push(began.elapsed());
        assert_eq!(status, StatusCode::OK, "{body}");
    }
    spans.sort_unstable();
    spans
}

#[expect(clippy::disallowed_methods, reason = "what an administrator may do")]
async fn rows(db: &Db) -> i64 {
    let counted = WRITTEN.map(|rows| format!("(SELECT count(*) FROM {rows})")).join(" + ");
    let statement = Statement::from_string(db.migrator().get_database_backend(), format!("SELECT {counted} AS counted"));
    db.migrator().query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

fn user(number: usize) -> Value {
    json!({ "userName": format!("user-{number}@globex.test"), "externalId": format!("00u{number}"), "active": true })
}

/// A token that nobody was given, another for each number.
fn token(number: usize) -> String {
    let body = format!("rcs_0199c7e241d07d3a{number:016x}_{number:043}");
    let crc = !body.bytes().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    });
    format!("{body}{crc:08x}")
}

#[expect(clippy::disallowed_methods, reason = "time is what is measured")]
fn now() -> Instant {
    Instant::now()
}
