//! The database goes away: identity providers are told to come back, never that their token is wrong.

use http::header;
use serde_json::{Value, json};

use crate::support::{Answer, Engine, Idp, Org, TestApp, patch_active};

/// The answer is a 503 that any identity provider understands: SCIM's JSON, and whole seconds to wait.
fn says_come_back(answer: &Answer, case: &str) {
    assert_eq!(answer.status, 503, "{case}: {}", answer.text);
    assert_eq!(answer.json["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]), "{case}");
    assert_eq!(answer.json["status"], "503", "{case}");
    let seconds = answer.headers.get(header::RETRY_AFTER).unwrap_or_else(|| panic!("{case}: no Retry-After")).to_str().unwrap();
    assert!(seconds.parse::<u32>().is_ok_and(|seconds| seconds > 0), "{case}: {seconds}");
    assert!(!answer.headers.contains_key(header::WWW_AUTHENTICATE), "{case}");
    for inside in ["database", "pool", "sql", "postgres", "connection"] {
        assert!(!answer.text.to_lowercase().contains(inside), "{case}: an error tells nothing of the inside: {}", answer.text);
    }
}

async fn each_request(idp: &Idp, user: &str, group: &str) -> Vec<(&'static str, Answer)> {
    let name = json!([{ "op": "replace", "path": "displayName", "value": "new" }]);
    vec![
        ("GET /ServiceProviderConfig", idp.get("/ServiceProviderConfig").await),
        ("GET /Users", idp.get("/Users?filter=userName%20eq%20%22mira@acme.test%22").await),
        ("GET /Users/{id}", idp.get(user).await),
        ("POST /Users", idp.post("/Users", json!({ "userName": "new@acme.test" })).await),
        ("PUT /Users/{id}", idp.put(user, json!({ "userName": "mira@acme.test", "displayName": "new" })).await),
        ("PATCH /Users/{id}", idp.patch(user, patch_active(false)).await),
        ("DELETE /Users/{id}", idp.delete(user).await),
        ("POST /Users/.search", idp.post("/Users/.search", json!({})).await),
        ("GET /Groups", idp.get("/Groups").await),
        ("GET /Groups/{id}", idp.get(group).await),
        ("POST /Groups", idp.post("/Groups", json!({ "displayName": "new" })).await),
        ("PUT /Groups/{id}", idp.put(group, json!({ "displayName": "new" })).await),
        ("PATCH /Groups/{id}", idp.patch(group, name).await),
        ("DELETE /Groups/{id}", idp.delete(group).await),
        ("GET /", idp.get("/").await),
        ("POST /.search", idp.post("/.search", json!({})).await),
        ("POST /Bulk", idp.post("/Bulk", json!({ "Operations": [] })).await),
        ("GET /nothing", idp.get("/nothing").await),
    ]
}

async fn with_something_in_it(app: &TestApp) -> (Org, String, String) {
    let acme = app.org("Acme").await;
    let user = format!("/Users/{}", app.provision(&acme, "mira@acme.test").await.id);
    let made = app.idp(&acme).post("/Groups", json!({ "displayName": "Engineers" })).await;
    (acme, user, format!("/Groups/{}", made.json["id"].as_str().unwrap()))
}

/// Nothing that was answered with 503 has happened.
async fn nothing_happened(app: &TestApp, acme: &Org, user: &str, group: &str) {
    let idp = app.idp(acme);
    let (mira, engineers) = (idp.get(user).await, idp.get(group).await);
    assert_eq!((mira.status, &mira.json["active"], &mira.json["displayName"]), (200, &true.into(), &"mira Olsen".into()), "{}", mira.text);
    assert_eq!((engineers.status, &engineers.json["displayName"]), (200, &"Engineers".into()), "{}", engineers.text);
    assert_eq!(idp.get("/Users").await.json["totalResults"], 1);
    assert_eq!(idp.patch(user, patch_active(false)).await.status, 200, "the retry converges");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_postgres_that_is_gone_is_a_503_and_back_is_back() {
    let app = TestApp::start(Engine::Postgres).await;
    let (acme, user, group) = with_something_in_it(&app).await;
    let idp = app.idp(&acme);
    app.database.close_to_everybody();
    for (case, answer) in each_request(&idp, &user, &group).await {
        says_come_back(&answer, case);
    }
    // Nor is a token that nobody issued refused: nobody could look.
    let ready = app.browser().get("/readyz").await;
    assert_eq!(ready.status, 503, "{}", ready.text);
    assert_eq!(app.browser().get("/healthz").await.status, 200);
    app.database.open_again();
    assert_eq!(app.browser().get("/readyz").await.status, 200);
    nothing_happened(&app, &acme, &user, &group).await;
}

/// The connection breaks while a change waits for a lock: rolled back, and said to be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_loses_its_postgres_is_a_503_and_has_not_happened() {
    let app = TestApp::start(Engine::Postgres).await;
    let (acme, user, group) = with_something_in_it(&app).await;
    let idp = app.idp(&acme);
    for (path, operations) in [(&user, patch_active(false)), (&group, json!([{ "op": "replace", "path": "displayName", "value": "new" }]))]
    {
        let holder = app.database.hold_lock("LOCK TABLE scim_users, scim_groups IN ACCESS EXCLUSIVE MODE").await;
        let change = tokio::spawn({
            let (idp, path) = (idp.clone(), path.clone());
            async move { idp.patch(&path, operations).await }
        });
        app.database.until_somebody_waits_for_a_lock().await;
        app.database.break_connections_of("rollcall_app");
        says_come_back(&change.await.unwrap(), path);
        holder.rollback().await.unwrap();
    }
    nothing_happened(&app, &acme, &user, &group).await;
}

/// A statement has fifteen seconds. A question that would take longer is one that asks too much (RFC 7644 §3.4.2.1); a change
/// that waits for longer may succeed later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_filter_that_takes_too_long_is_too_many() {
    let app = TestApp::start(Engine::Postgres).await;
    let acme = app.org("Acme").await;
    let idp = app.idp(&acme);
    let user = format!("/Users/{}", app.provision(&acme, "mira@acme.test").await.id);
    let holder = app.database.hold_lock("LOCK TABLE scim_user_values IN ACCESS EXCLUSIVE MODE").await;
    let rename = json!([{ "op": "replace", "path": "displayName", "value": "new" }]);
    let (filtered, changed) = tokio::join!(idp.find("/Users", "title eq \"Chief\""), idp.patch(&user, rename));
    assert_eq!(filtered.refusal(), (400, "tooMany"), "{}", filtered.text);
    says_come_back(&changed, &user);
    holder.rollback().await.unwrap();
    assert_eq!(idp.find("/Users", "title eq \"Chief\"").await.json["totalResults"], 0);
    assert_eq!(idp.get(&user).await.json["displayName"], "mira Olsen");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sqlite_that_is_closed_is_a_503() {
    let app = TestApp::start(Engine::Sqlite).await;
    let (acme, user, group) = with_something_in_it(&app).await;
    let idp = app.idp(&acme);
    app.state.db.clone().close().await.unwrap();
    for (case, answer) in each_request(&idp, &user, &group).await {
        says_come_back(&answer, case);
    }
    assert_eq!(app.browser().get("/readyz").await.status, 503);
    // What is refused without a look at the database still is.
    let malformed = idp.with_authorization(Some("Bearer rcs_nonsense")).get("/Users").await;
    assert_eq!((malformed.status, &malformed.json["status"]), (401, &Value::from("401")));
}
