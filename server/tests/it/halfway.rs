//! Failures in the middle of an offboarding: a step that fails, a database that goes away, a lock that is never released. Whatever
//! the answer, nothing is half-done, and the request that is sent again ends it all, once.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;

use crate::{
    credentials::{Credentials, leave, record_of},
    laws::schema,
    support::{Answer, Engine, Idp, Org, PASSWORD, Person, TestApp, both_databases, patch_active},
};

/// The requests by which a directory lets somebody go; each fails as one does.
const REQUESTS: [&str; 4] = ["patch", "put", "delete", "bulk patch"];

/// Ask for the end of somebody's access; the answer, or that of the one operation of a Bulk.
async fn ask(idp: &Idp, person: &Person, request: &str) -> (u16, Answer) {
    let path = format!("/Users/{}", person.id);
    let answer = match request {
        "patch" => idp.patch(&path, patch_active(false)).await,
        "put" => idp.put(&path, json!({ "userName": person.email, "active": false })).await,
        "delete" => idp.delete(&path).await,
        "bulk patch" => {
            let operation = json!({ "method": "PATCH", "path": path, "data": { "Operations": patch_active(false) } });
            let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [operation] });
            let answer = idp.post("/Bulk", body).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let status = answer.json["Operations"][0]["status"].as_str().unwrap().parse().unwrap();
            return (status, answer);
        }
        other => panic!("{other}"),
    };
    (answer.status, answer)
}

/// The answer tells the identity provider to come back, in SCIM's words, and nothing of the inside.
fn says_come_back(request: &str, (status, answer): &(u16, Answer)) {
    assert_eq!(*status, 503, "{request}: {}", answer.text);
    if request != "bulk patch" {
        assert_eq!(answer.json["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]), "{request}");
        assert!(answer.header("retry-after").unwrap().parse::<u32>().is_ok_and(|seconds| seconds > 0), "{request}");
    }
    for inside in ["receipts", "lock", "sql", "postgres", "terminat"] {
        assert!(!answer.text.to_lowercase().contains(inside), "{request}: {}", answer.text);
    }
}

/// Every row of every table, save what is noted beside the request itself: that the token was used, and the activity log.
async fn everything(app: &TestApp) -> Vec<(String, Vec<String>)> {
    app.state.settle().await;
    let (columns, _) = schema(app).await;
    let mut tables: Vec<_> = columns.into_iter().map(|(table, _)| table).collect();
    tables.sort_unstable();
    tables.dedup();
    tables.retain(|table| !table.starts_with("sqlite_") && !["scim_requests", "scim_tokens"].contains(&table.as_str()));
    let mut all = vec![];
    for table in tables {
        let rows = app.database.rows(&format!("SELECT * FROM {table}")).await;
        all.push((table, rows));
    }
    all
}

/// Somebody with everything that one can have.
async fn somebody(app: &TestApp, org: &Org, email: &str) -> (Person, Credentials) {
    let hers = Credentials::of(app, org, email).await;
    app.grant(org, email, domain::OrgRole::Admin).await;
    (record_of(app, org, email).await, hers)
}

/// What was refused is asked for again: it is done, and told once.
async fn converges(app: &TestApp, org: &Org, person: &Person, hers: &Credentials, request: &str) {
    assert_eq!(hers.browser.get(&format!("/o/{}/members", org.slug)).await.status, 200, "{request}: she is still in");
    let (status, answer) = ask(&app.idp(org), person, request).await;
    assert!([200, 204].contains(&status), "{request}: {}", answer.text);
    assert!(!hers.works(app, org, "access token").await && !hers.works(app, org, "browser session").await, "{request}");
    told_once(app, person, request).await;
    // And once more, as identity providers do.
    let (status, answer) = ask(&app.idp(org), person, request).await;
    assert_eq!(status, if request == "delete" { 404 } else { 200 }, "{request}: {}", answer.text);
    told_once(app, person, request).await;
}

/// There is one audit event of the end, and one receipt.
async fn told_once(app: &TestApp, person: &Person, request: &str) {
    let of_her = format!("SELECT p.id FROM members p JOIN users u ON u.id = p.account_id WHERE u.email = '{}'", person.email);
    let events = format!("SELECT count(*) FROM audit_events WHERE action = 'access.ended' AND target_id IN ({of_her})");
    let receipts = format!("SELECT count(*) FROM offboarding_receipts WHERE member_id IN ({of_her})");
    assert_eq!((app.database.number(&events).await, app.database.number(&receipts).await), (1, 1), "{request}");
}

/// What an offboarding writes, in whatever order: one step after the other is made to fail. Deletions in the database's own cascade
/// are steps as well.
const STEPS: [(&str, &str); 15] = [
    ("memberships", "DELETE"),
    ("sessions", "DELETE"),
    ("activation_links", "DELETE"),
    ("api_sessions", "DELETE"),
    ("refresh_tokens", "DELETE"),
    ("personal_tokens", "DELETE"),
    ("device_requests", "DELETE"),
    ("role_grants", "DELETE"),
    ("members", "UPDATE"),
    ("users", "UPDATE"),
    ("offboarding_receipts", "INSERT"),
    ("audit_events", "INSERT"),
    ("event_sequences", "UPDATE"),
    ("outbox", "INSERT"),
    ("webhook_deliveries", "INSERT"),
];

/// Make this statement fail on this table, until [`works_again`].
async fn fails(app: &TestApp, table: &str, statement: &str) {
    let on = format!("CREATE TRIGGER fails BEFORE {statement} ON {table} FOR EACH ROW");
    if app.state.db.is_postgres() {
        let refuse =
            "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'a step fails'; END $$";
        app.database.try_run(refuse).await.unwrap();
        app.database.try_run(&format!("{on} EXECUTE FUNCTION refuse()")).await.unwrap();
    } else {
        app.database.try_run(&format!("{on} BEGIN SELECT RAISE(ABORT, 'a step fails'); END")).await.unwrap();
    }
}

async fn works_again(app: &TestApp, table: &str) {
    let on = if app.state.db.is_postgres() { format!(" ON {table}") } else { String::new() };
    app.database.try_run(&format!("DROP TRIGGER fails{on}")).await.unwrap();
}

both_databases! {
    /// Law 7. Whichever step fails, and by whichever request: our own fault is said to be ours, and not one row is different.
    async fn whichever_step_fails_nothing_has_happened(app) {
        let acme = app.org("Acme").await;
        app.endpoint(&acme, &app.owner(&acme).await, "https://events.example.test/", &[]).await;
        for request in REQUESTS {
            let (person, hers) = somebody(&app, &acme, &format!("{}@acme.test", request.replace(' ', "-"))).await;
            let before = everything(&app).await;
            for (table, statement) in STEPS {
                fails(&app, table, statement).await;
                let (status, answer) = ask(&app.idp(&acme), &person, request).await;
                assert_eq!(status, 500, "{request}, {statement} on {table}: {}", answer.text);
                assert!(!answer.text.contains("a step fails") && !answer.text.contains(table), "an error tells nothing of the inside: {}", answer.text);
                works_again(&app, table).await;
                assert_eq!(everything(&app).await, before, "{request}, {statement} on {table}");
            }
            converges(&app, &acme, &person, &hers, request).await;
        }
    }

    /// By hand it is the same.
    async fn whichever_step_fails_by_hand_nothing_has_happened(app) {
        let acme = app.org("Acme").await;
        app.endpoint(&acme, &app.owner(&acme).await, "https://events.example.test/", &[]).await;
        let (person, hers) = somebody(&app, &acme, "mira@acme.test").await;
        let (owner, member) = (app.owner(&acme).await, app.member_id(&acme, "mira@acme.test").await);
        let before = everything(&app).await;
        for (table, statement) in STEPS {
            fails(&app, table, statement).await;
            let answer = owner.call("remove_member", &[("org", "acme"), ("member", &member)]).await;
            assert_eq!(answer.status, 500, "{statement} on {table}: {}", answer.text);
            works_again(&app, table).await;
            assert_eq!(everything(&app).await, before, "{statement} on {table}");
        }
        assert_eq!(hers.browser.get("/o/acme/members").await.status, 200);
        leave(&app, &acme, &person, "removed by hand").await;
        told_once(&app, &person, "by hand").await;
    }
}

/// The connection breaks when everything has ended and only the telling is left: rolled back, and said to be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_breaks_in_the_middle_is_a_503_and_nothing_has_happened() {
    let app = TestApp::start(Engine::Postgres).await;
    let acme = app.org("Acme").await;
    for request in REQUESTS {
        let (person, hers) = somebody(&app, &acme, &format!("{}@acme.test", request.replace(' ', "-"))).await;
        let before = everything(&app).await;
        for table in ["offboarding_receipts", "audit_events"] {
            let holder = app.database.hold_lock(&format!("LOCK TABLE {table} IN EXCLUSIVE MODE")).await;
            let asked = tokio::spawn({
                let (idp, person) = (app.idp(&acme), person.clone());
                async move { ask(&idp, &person, request).await }
            });
            app.database.until_somebody_waits_for_a_lock().await;
            app.database.break_who_waits_for_a_lock();
            says_come_back(request, &asked.await.unwrap());
            holder.rollback().await.unwrap();
            assert_eq!(everything(&app).await, before, "{request}, {table}");
        }
        converges(&app, &acme, &person, &hers, request).await;
    }
}

/// Somebody holds her membership and does not let go: after fifteen seconds each request is told to come back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_stays_locked_is_a_503_and_nothing_has_happened() {
    let app = TestApp::start(Engine::Postgres).await;
    let acme = app.org("Acme").await;
    let mut people = vec![];
    for request in REQUESTS {
        people.push((request, somebody(&app, &acme, &format!("{}@acme.test", request.replace(' ', "-"))).await));
    }
    let before = everything(&app).await;
    let holder = app.database.hold_lock("SELECT 1 FROM memberships FOR UPDATE").await;
    // At once, since each waits.
    let idp = app.idp(&acme);
    let answers = join_all(people.iter().map(|(request, (person, _))| ask(&idp, person, request))).await;
    for ((request, _), answer) in people.iter().zip(&answers) {
        says_come_back(request, answer);
    }
    holder.rollback().await.unwrap();
    assert_eq!(everything(&app).await, before);
    for (request, (person, hers)) in &people {
        converges(&app, &acme, person, hers, request).await;
    }
}

/// Another program writes to the same SQLite file and does not end: after ten seconds each request is told to come back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_somebody_else_writes_is_a_503_and_nothing_has_happened() {
    let app = TestApp::start(Engine::Sqlite).await;
    let acme = app.org("Acme").await;
    let mut people = vec![];
    for request in ["patch", "delete"] {
        people.push((request, somebody(&app, &acme, &format!("{request}@acme.test")).await));
    }
    let before = everything(&app).await;
    let holder = app.database.hold_lock("UPDATE organizations SET name = name").await;
    let idp = app.idp(&acme);
    let answers = join_all(people.iter().map(|(request, (person, _))| ask(&idp, person, request))).await;
    for ((request, _), answer) in people.iter().zip(&answers) {
        says_come_back(request, answer);
    }
    holder.rollback().await.unwrap();
    assert_eq!(everything(&app).await, before);
    for (request, (person, hers)) in &people {
        converges(&app, &acme, person, hers, request).await;
    }
    // Later, with what has come since.
    app.advance(Duration::from_secs(60));
    assert!(app.browser().call("sign_in", &[("email", "patch@acme.test"), ("password", PASSWORD)]).await.is_refused());
}
