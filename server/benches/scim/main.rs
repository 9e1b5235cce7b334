//! What an identity provider and people wait for, and whether they wait longer as the directory grows.
//!
//! Requests go through the whole router, in this process: authentication, the activity log and durable commits are in
//! the figures, sockets and TLS are not. One request at a time, after PostgreSQL has learned how large its tables are.
//!
//! ```text
//! cargo bench -p server --bench scim -- 1000 100000     how many users (scripts/bench.sh)
//! ROLLCALL_BENCH_POSTGRES=postgres://…                  an empty database to measure as well, as its owner, one for each number
//! ROLLCALL_BENCH_WITHOUT_WALL=1                         take row-level security away first: what does it cost?
//! ROLLCALL_BENCH_WITHOUT_SQLITE=1                       measure PostgreSQL alone
//! ```

mod people;
#[path = "../support/mod.rs"]
mod support;

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use directory::Db;
use http::Method;
use migrations::sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use server::state::AppState;
use support::{Endpoint, Server};

/// How often each request is measured.
const SAMPLES: usize = 300;
const GROUPS: usize = 1_000;
const PATCH: &str = "urn:ietf:params:scim:api:messages:2.0:PatchOp";
const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";

/// What one request took, over all samples: for a table's cell.
struct Figure {
    name: &'static str,
    median: Duration,
    p99: Duration,
}

/// One organisation, its identity provider, and what that knows of the directory.
struct Scene {
    endpoint: Endpoint,
    users: usize,
    /// The ids of the users, by number.
    ids: Vec<String>,
    /// A group of half the users.
    big: String,
}

fn main() {
    // `cargo bench` adds a flag of its own.
    let sizes: Vec<usize> = std::env::args().skip(1).filter_map(|argument| argument.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![1_000] } else { sizes };
    let postgres: Vec<String> =
        std::env::var("ROLLCALL_BENCH_POSTGRES").unwrap_or_default().split_whitespace().map(str::to_owned).collect();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut columns = vec![];
    for (number, users) in sizes.iter().copied().enumerate() {
        if std::env::var_os("ROLLCALL_BENCH_WITHOUT_SQLITE").is_none() {
            let folder = std::env::temp_dir().join(format!("rollcall-bench-{}-{users}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            let url = format!("sqlite:{}", folder.join("rollcall.db").display());
            columns.push((format!("SQLite, {users} users"), runtime.block_on(measure(url, users))));
            std::fs::remove_dir_all(&folder).unwrap();
        }
        if let Some(url) = postgres.get(number) {
            columns.push((format!("PostgreSQL, {users} users"), runtime.block_on(measure(url.clone(), users))));
        }
    }
    println!("{}", table(&columns));
}

/// The figures as a Markdown table: median and 99th percentile, in milliseconds.
fn table(columns: &[(String, Vec<Figure>)]) -> String {
    let profile = if cfg!(debug_assertions) { "unoptimised" } else { "optimised" };
    let mut text = format!(
        "Median / 99th percentile in ms, {SAMPLES} requests each (20 where everybody is mapped), one at a time, {profile} build.\n\n| |"
    );
    for (name, _) in columns {
        write!(text, " {name} |").unwrap();
    }
    text.push_str("\n| --- |");
    text.push_str(&" ---: |".repeat(columns.len()));
    for (row, figure) in columns[0].1.iter().enumerate() {
        write!(text, "\n| {} |", figure.name).unwrap();
        for (_, figures) in columns {
            let ms = |span: Duration| span.as_secs_f64() * 1_000.0;
            write!(text, " {:.2} / {:.2} |", ms(figures[row].median), ms(figures[row].p99)).unwrap();
        }
    }
    text
}

async fn measure(url: String, users: usize) -> Vec<Figure> {
    let (scene, state) = Scene::make(url, users).await;
    let mut figures = scene.reads().await;
    figures.extend(scene.writes().await);
    figures.extend(scene.people(&state).await);
    figures
}

impl Scene {
    async fn make(url: String, users: usize) -> (Self, AppState) {
        let postgres = !url.starts_with("sqlite:");
        let without = postgres && std::env::var_os("ROLLCALL_BENCH_WITHOUT_WALL").is_some();
        let server = Server::start(url, async |owner| {
            if without {
                without_wall(owner).await;
            }
        })
        .await;
        let mut scene = Self { endpoint: server.organisation("Acme", [192, 0, 2, 7]).await, users, ids: vec![], big: String::new() };
        scene.fill().await;
        if postgres {
            know_the_sizes(&server.owner).await;
        }
        (scene, server.state)
    }

    /// Users by Bulk, a group of half of them, and a thousand groups of ten.
    async fn fill(&mut self) {
        let begun = now();
        let numbers: Vec<_> = (0..self.users).collect();
        for part in numbers.chunks(1_000) {
            let post = |number: &usize| json!({ "method": "POST", "path": "/Users", "bulkId": number.to_string(), "data": user(*number) });
            self.ids.extend(self.bulk(part.iter().map(post).collect()).await);
        }
        let seconds = begun.elapsed().as_secs_f64();
        eprintln!("{} users in {seconds:.0} s, {:.2} ms each", self.users, seconds * 1_000.0 / self.users as f64);
        let members = |ids: &[String]| ids.iter().map(|id| json!({ "value": id })).collect::<Value>();
        let big = json!({ "displayName": "half of all", "members": members(&self.ids[..self.users / 2]) });
        let made = self.send(Method::POST, "/Groups?excludedAttributes=members", Some(big)).await;
        self.big = made["id"].as_str().unwrap().to_owned();
        let group = |number: usize| {
            let first = number * 10 % (self.users - 10);
            let data = json!({ "displayName": format!("group {number}"), "members": members(&self.ids[first..first + 10]) });
            json!({ "method": "POST", "path": "/Groups", "bulkId": number.to_string(), "data": data })
        };
        let groups: Vec<_> = (0..GROUPS).map(group).collect();
        self.bulk(groups).await;
    }

    /// Carry out operations that each make something; the ids of what was made.
    async fn bulk(&self, operations: Vec<Value>) -> Vec<String> {
        let answer = self.send(Method::POST, "/Bulk", Some(json!({ "schemas": [BULK], "Operations": operations }))).await;
        let made = |operation: &Value| {
            assert_eq!(operation["status"], "201", "{operation}");
            operation["location"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
        };
        answer["Operations"].as_array().unwrap().iter().map(made).collect()
    }

    async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Value {
        let (status, answer) = self.endpoint.send(method, path, body).await;
        assert!(status.is_success(), "{path}: {status} {answer}");
        answer
    }

    async fn get(&self, path: &str) -> Value {
        self.send(Method::GET, path, None).await
    }

    /// Look for the one resource that matches.
    async fn find(&self, endpoint: &str, filter: &str) {
        let query: String = form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        let found = self.get(&format!("{endpoint}filter={query}")).await;
        assert_eq!(found["totalResults"], 1, "{filter}");
    }

    /// A page of a hundred, and the cursor of the next one.
    async fn page(&self, position: &str) -> Option<String> {
        let page = self.get(&format!("/Users?count=100&{position}")).await;
        assert_eq!(page["Resources"].as_array().unwrap().len(), 100, "{position}");
        page["nextCursor"].as_str().map(str::to_owned)
    }

    /// The cursors of the pages at the start, in the middle and at the end.
    async fn cursors(&self) -> [String; 3] {
        let mut all = vec![String::new()];
        while let Some(next) = self.page(&format!("cursor={}", all[all.len() - 1])).await {
            all.push(next);
        }
        [all[0].clone(), all[all.len() / 2].clone(), all[all.len() - 1].clone()]
    }

    async fn patch(&self, path: &str, operations: Value) {
        self.send(Method::PATCH, path, Some(json!({ "schemas": [PATCH], "Operations": operations }))).await;
    }

    async fn reads(&self) -> Vec<Figure> {
        let [middle, last] = [self.users / 2, self.users - 99].map(|index| format!("startIndex={index}"));
        let cursors = self.cursors().await.map(|cursor| format!("cursor={cursor}"));
        // Spread over the whole directory, and never twice the same in a row.
        let some = |sample: usize| sample * 7_919 % self.users;
        let mut figures = vec![
            sampled("authentication alone (GET /ServiceProviderConfig)", async |_| drop(self.get("/ServiceProviderConfig").await)).await,
            sampled("userName eq", async |at| self.find("/Users?", &format!("userName eq \"user-{}@acme.test\"", some(at))).await).await,
            sampled("externalId eq", async |at| self.find("/Users?", &format!("externalId eq \"00u{}\"", some(at))).await).await,
            sampled("emails[type eq \"work\"].value eq", async |at| {
                self.find("/Users?", &format!("emails[type eq \"work\"].value eq \"user-{}@acme.test\"", some(at))).await;
            })
            .await,
            sampled("GET /Users/{id}", async |at| drop(self.get(&format!("/Users/{}", self.ids[some(at)])).await)).await,
            sampled("page of 100 by index, the first", async |_| drop(self.page("startIndex=1").await)).await,
            sampled("page of 100 by index, in the middle", async |_| drop(self.page(&middle).await)).await,
            sampled("page of 100 by index, the last", async |_| drop(self.page(&last).await)).await,
        ];
        for (name, cursor) in
            ["page of 100 by cursor, the first", "page of 100 by cursor, in the middle", "page of 100 by cursor, the last"]
                .into_iter()
                .zip(&cursors)
        {
            figures.push(sampled(name, async |_| drop(self.page(cursor).await)).await);
        }
        figures.push(
            sampled("group by displayName, without members (Entra ID)", async |at| {
                self.find("/Groups?excludedAttributes=members&", &format!("displayName eq \"group {}\"", at % GROUPS)).await;
            })
            .await,
        );
        figures
    }

    async fn writes(&self) -> Vec<Figure> {
        let some = |sample: usize| format!("/Users/{}", self.ids[sample * 7_919 % self.users]);
        // Of those who are not in the big group: one comes and goes.
        let guest = |sample: usize| json!([{ "value": self.ids[self.users / 2 + sample * 31 % (self.users / 2)] }]);
        let big = format!("/Groups/{}", self.big);
        let joiner = |at: usize| user(self.users + at);
        let joined = std::cell::RefCell::new(vec![]);
        vec![
            sampled("PATCH of a user's displayName", async |at| {
                let value = json!({ "active": true, "displayName": format!("name {at}") });
                self.patch(&some(at), json!([{ "op": "replace", "value": value }])).await;
            })
            .await,
            sampled("one member into the group of half of all", async |at| {
                self.patch(&big, json!([{ "op": "add", "path": "members", "value": guest(at) }])).await;
            })
            .await,
            sampled("one member out of it", async |at| {
                self.patch(&big, json!([{ "op": "remove", "path": "members", "value": guest(at) }])).await;
            })
            .await,
            sampled("joiner (POST /Users)", async |at| {
                let made = self.send(Method::POST, "/Users", Some(joiner(at))).await;
                joined.borrow_mut().push(made["id"].as_str().unwrap().to_owned());
            })
            .await,
            sampled("leaver (PATCH active: false)", async |at| {
                let path = format!("/Users/{}", joined.borrow()[at]);
                self.patch(&path, json!([{ "op": "replace", "value": { "active": false } }])).await;
            })
            .await,
        ]
    }
}

/// Take row-level security away.
#[expect(clippy::disallowed_methods, reason = "what an administrator may do")]
async fn without_wall(db: &Db) {
    let sql = "DO $$ DECLARE t record; BEGIN
                 FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relrowsecurity
                 LOOP EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', t.relname); END LOOP; END $$";
    db.migrator().execute_unprepared(sql).await.unwrap();
}

/// Gather PostgreSQL's statistics, as it does by itself within a minute of so many changes.
#[expect(clippy::disallowed_methods, reason = "what an administrator may do")]
async fn know_the_sizes(db: &Db) {
    db.migrator().execute_unprepared("ANALYZE").await.unwrap();
}

/// What Okta sends.
fn user(number: usize) -> Value {
    let email = format!("user-{number}@acme.test");
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": email,
        "externalId": format!("00u{number}"),
        "name": { "givenName": format!("Given {number}"), "familyName": format!("Family {}", number % 997) },
        "displayName": format!("Given {number} Family {}", number % 997),
        "emails": [{ "primary": true, "value": email, "type": "work" }],
        "active": true
    })
}

#[expect(clippy::disallowed_methods, reason = "time is what is measured")]
fn now() -> Instant {
    Instant::now()
}

async fn sampled(name: &'static str, once: impl AsyncFn(usize)) -> Figure {
    sampled_often(SAMPLES, name, once).await
}

async fn sampled_often(samples: usize, name: &'static str, once: impl AsyncFn(usize)) -> Figure {
    let mut spans = Vec::with_capacity(samples);
    for sample in 0..samples {
        let begun = now();
        once(sample).await;
        spans.push(begun.elapsed());
    }
    spans.sort_unstable();
    let figure = Figure { name, median: spans[samples / 2], p99: spans[samples * 99 / 100] };
    // The table comes at the end; whoever does not wait for it has seen what there was.
    eprintln!("{name}: {:.2?} / {:.2?}", figure.median, figure.p99);
    figure
}
