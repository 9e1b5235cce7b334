//! The activity log: what the provisioning endpoints were asked, how it ended, what was tolerated, and how long that is kept.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use axum::body::Body;
use directory::provisioning::{
    activity::{self, ActivityLog, Entry},
    tokens,
};
use http::{Method, Request};
use serde_json::{Value, json};
use server::router::router;
use tower::ServiceExt;

use crate::support::{Browser, Idp, Org, TestApp, both_databases, filtered, id, user};

pub const NOBODY: &str = "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10";

/// The rows of `org`, oldest first: method, path, status, scimType.
pub async fn rows(app: &TestApp, org: &Org) -> Vec<String> {
    column(app, org, "r.method || ' ' || r.path || ' ' || r.status || ' ' || coalesce(r.scim_type, '-')").await
}

/// What was tolerated in each request of `org`, oldest first.
pub async fn notes(app: &TestApp, org: &Org) -> Vec<Vec<String>> {
    column(app, org, "r.notes").await.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
}

async fn column(app: &TestApp, org: &Org, expression: &str) -> Vec<String> {
    app.state.settle().await;
    let from = format!("FROM scim_requests r JOIN organizations o ON o.id = r.org_id WHERE o.slug = '{}'", org.slug);
    app.database.texts(&format!("SELECT {expression} {from} ORDER BY r.at, r.id")).await
}

/// The same identity provider, a moment later: so that rows have an order.
pub fn later(app: &TestApp, idp: &Idp) -> Idp {
    app.advance(Duration::from_millis(1));
    idp.clone()
}

both_databases! {
    async fn every_request_with_a_good_token_is_a_row(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let idp = app.idp(&acme);
        let user = format!("/Users/{}", id(&idp.post("/Users", json!({ "userName": "mira", "active": false })).await.json));
        let group = format!("/Groups/{}", id(&later(&app, &idp).post("/Groups", json!({ "displayName": "Engineers" })).await.json));
        app.idp(&globex).get("/Groups").await;
        let title = json!([{ "op": "replace", "path": "title", "value": "Chief" }]);
        let idp = || later(&app, &app.idp(&acme));
        idp().get(&user).await;
        idp().patch(&user, title.clone()).await;
        idp().with_header("if-match", "\"7\"").patch(&user, title).await;
        idp().with_header("if-none-match", "*").get(&user).await;
        idp().put(&user, json!({ "title": "no name" })).await;
        idp().post("/Users", json!({ "userName": "MIRA" })).await;
        idp().find("/Users", "userName eq \"mira\"").await;
        idp().find("/Users", "userName").await;
        idp().get("/Users?cursor=x").await;
        idp().post("/Users/.search", json!({ "filter": "userName pr" })).await;
        idp().get("").await;
        idp().get("/?count=1").await;
        idp().get("/Users/u_01").await;
        idp().get("/nothing").await;
        idp().get("/Bulk").await;
        idp().get("/Me").await;
        idp().get("/ServiceProviderConfig").await;
        idp().send(Method::POST, "/Users", Some("{"), "application/scim+json").await;
        idp().send(Method::POST, "/Users", Some("userName=x"), "application/x-www-form-urlencoded").await;
        idp().send(Method::POST, "/Bulk", Some(" ".repeat(4 * 1024 * 1024 + 1)), "application/scim+json").await;
        idp().post("/Bulk", json!({ "Operations": [{ "method": "DELETE", "path": group }] })).await;
        idp().delete(&group).await;
        idp().delete(&user).await;
        let expected = [
            "POST /Users 201 -".to_owned(),
            "POST /Groups 201 -".to_owned(),
            format!("GET {user} 200 -"),
            format!("PATCH {user} 200 -"),
            format!("PATCH {user} 412 -"),
            format!("GET {user} 304 -"),
            format!("PUT {user} 400 invalidValue"),
            "POST /Users 409 uniqueness".to_owned(),
            "GET /Users 200 -".to_owned(),
            "GET /Users 400 invalidFilter".to_owned(),
            "GET /Users 400 invalidCursor".to_owned(),
            "POST /Users/.search 200 -".to_owned(),
            "GET / 200 -".to_owned(),
            "GET / 200 -".to_owned(),
            "GET /Users/u_01 404 -".to_owned(),
            "GET /nothing 404 -".to_owned(),
            "GET /Bulk 405 -".to_owned(),
            "GET /Me 501 -".to_owned(),
            "GET /ServiceProviderConfig 200 -".to_owned(),
            "POST /Users 400 invalidSyntax".to_owned(),
            "POST /Users 415 -".to_owned(),
            "POST /Bulk 413 -".to_owned(),
            "POST /Bulk 200 -".to_owned(),
            format!("DELETE {group} 404 -"),
            format!("DELETE {user} 204 -"),
        ];
        assert_eq!(rows(&app, &acme).await, expected);
        assert_eq!(rows(&app, &globex).await, ["GET /Groups 200 -"]);
        // Whose token it was, and what the client was told.
        let tokens = "SELECT count(DISTINCT token_id) FROM scim_requests r JOIN scim_tokens t ON t.id = r.token_id AND t.org_id = r.org_id";
        assert_eq!(app.database.number(tokens).await, 2);
        let told = column(&app, &acme, "coalesce(r.detail, '-')").await;
        assert_eq!((told[0].as_str(), told[7].contains("userName")), ("-", true), "{}", told[7]);
    }

    async fn a_refused_token_leaves_no_row(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        for idp in [
            app.idp(&acme).with_authorization(None),
            app.idp(&acme).with_authorization(Some("Bearer nonsense")),
            app.idp(&acme).with_authorization(Some(&format!("Bearer {}", globex.token))),
        ] {
            for path in ["/Users", "/nothing", "", "/Bulk"] {
                assert_eq!(idp.get(path).await.status, 401);
            }
        }
        app.state.settle().await;
        assert_eq!(app.database.number("SELECT count(*) FROM scim_requests").await, 0);
    }

    async fn what_was_tolerated_is_noted(app) {
        let acme = app.org("Acme").await;
        let globex = app.org("Globex").await;
        let theirs = app.provision(&globex, "mira@globex.test").await.id;
        let idp = || later(&app, &app.idp(&acme));
        let mira = id(&idp().post("/Users", json!({ "userName": "mira", "externalId": "x1", "active": false, "favouriteColour": "blue" })).await.json);
        idp().post("/Users", json!({ "userName": "ben", "externalId": "x1", "active": false })).await;
        let group = format!("/Groups/{}", id(&idp().post("/Groups", json!({ "displayName": "Engineers", "members": [{ "value": mira }, { "value": NOBODY }] })).await.json));
        idp().patch(&group, json!([{ "op": "add", "path": "members", "value": [{ "value": theirs }, { "value": "u_01" }] }])).await;
        idp().patch(&format!("/Users/{mira}"), json!([{ "op": "replace", "value": { "favouriteColour": "red" } }])).await;
        idp().put(&format!("/Users/{mira}"), json!({ "userName": "mira", "shoeSize": 42 })).await;
        idp().get("/Users").await;
        let notes = notes(&app, &acme).await;
        let tolerated = |at: usize, expected: &[&str]| {
            let told = &notes[at];
            assert_eq!(told.len(), expected.len(), "{at}: {told:?}");
            for part in expected {
                assert!(told.iter().any(|note| note.contains(part)), "{at}: {told:?}");
            }
        };
        tolerated(0, &["favouriteColour"]);
        tolerated(1, &[&format!("taken over from user {mira}")]);
        tolerated(2, &[&format!("unknown member {NOBODY}")]);
        tolerated(3, &[&format!("unknown member {theirs}"), "unknown member whose id is none of ours"]);
        tolerated(4, &["favouriteColour"]);
        tolerated(5, &["shoeSize"]);
        tolerated(6, &[]);
    }

    async fn a_note_in_a_bulk_says_which_operation_it_is_about(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let post = |path: &str, name: &str, data: Value| json!({ "method": "POST", "path": path, "bulkId": name, "data": data });
        let answer = idp.post("/Bulk", json!({ "Operations": [
            // Carried out last, since it waits for the others.
            post("/Groups", "g", json!({ "displayName": "Engineers", "members": [{ "value": "bulkId:b" }, { "value": NOBODY }] })),
            post("/Users", "a", json!({ "userName": "mira", "active": false })),
            post("/Users", "b", json!({ "userName": "ben", "active": false, "shoeSize": 42 })),
        ] })).await;
        assert_eq!(answer.status, 200);
        let mut notes = notes(&app, &acme).await.remove(0);
        notes.sort();
        assert_eq!(notes.len(), 2, "{notes:?}");
        assert_eq!(notes[0], format!("operation 1: unknown member {NOBODY}"));
        assert!(notes[1].starts_with("operation 3: ") && notes[1].contains("shoeSize"), "{notes:?}");
    }

    async fn a_request_has_a_hundred_notes_and_no_more(app) {
        let acme = app.org("Acme").await;
        let unknown: serde_json::Map<_, _> = (0..60).map(|number| (format!("unknown{number}"), 1.into())).collect();
        let operations: Vec<_> = (0..4).map(|number| {
            let mut data = unknown.clone();
            data.insert("userName".to_owned(), format!("u{number}").into());
            data.insert("active".to_owned(), false.into());
            json!({ "method": "POST", "path": "/Users", "bulkId": number.to_string(), "data": data })
        }).collect();
        assert_eq!(app.idp(&acme).post("/Bulk", json!({ "Operations": operations })).await.status, 200);
        let notes = notes(&app, &acme).await.remove(0);
        assert_eq!((notes.len(), notes[100].as_str()), (101, "and 140 more"));
    }

    async fn no_secret_and_nobodys_data_get_into_the_log(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let needle = "Zorblax";
        let token = acme.token.rsplit('_').next().unwrap().to_owned();
        idp.get(&format!("/Users?{}", filtered(&format!("userName eq \"{needle}\"")))).await;
        idp.get(&format!("/Users?{}&sortBy=title&{needle}", filtered(&format!("emails.value co \"{needle}\"")))).await;
        idp.get(&format!("/Users?access_token={}", acme.token)).await;
        idp.post("/Users/.search", json!({ "filter": format!("userName eq \"{needle}\"") })).await;
        idp.post("/Users", json!({ "userName": "mira", "password": needle, "active": false })).await;
        idp.with_header("user-agent", "Okta SCIM Client 1.0.0").get("/Users").await;
        let paths = column(&app, &acme, "r.path || ' ' || r.notes").await;
        assert_eq!(paths.len(), 6);
        assert!(paths.iter().all(|path| !path.contains(needle) && !path.contains(&token) && !path.contains('?')), "{paths:?}");
        // Neither does a failure leave any.
        idp.get(&format!("/Users?{}", filtered(&format!("userName eq \"{needle}\" nonsense")))).await;
        idp.get(&format!("/Users?{}&access_token={}", filtered(needle), acme.token)).await;
        idp.post("/Users", json!({ "displayName": needle, "password": needle, "x": { "token": acme.token } })).await;
        idp.send(Method::POST, "/Users", Some(format!("{{\"password\":\"{needle}\"")), "application/scim+json").await;
        idp.send(Method::POST, "/Users", Some(format!("password={needle}")), "application/scim+json").await;
        idp.post("/Users/.search", json!({ "filter": format!("userName eq \"{needle}") })).await;
        for filter in ["mira@zorblax.test", "emails[value eq \"mira@zorblax.test\""] {
            idp.get(&format!("/Users?{}", filtered(filter))).await;
            idp.post("/Users/.search", json!({ "filter": filter, "sortBy": filter })).await;
            let operations = json!([{ "op": "replace", "path": filter, "value": "x" }, { "op": filter, "path": "title" }]);
            idp.patch(&format!("/Users/{NOBODY}"), json!({ "Operations": operations })).await;
            idp.post("/Bulk", json!({ "Operations": [{ "method": "PATCH", "path": format!("/Users/{NOBODY}"), "data": { "Operations": operations } }] })).await;
            idp.post("/Users", json!({ "userName": "ben", "active": false, "emails[value eq \"mira@zorblax.test\"].type": "work", "mira@zorblax.test": 1 })).await;
        }
        let failed = column(&app, &acme, "coalesce(r.query, '') || coalesce(r.body, '')").await;
        assert!(failed.iter().filter(|text| !text.is_empty()).count() >= 6, "{failed:?}");
        let all = "r.method || r.path || coalesce(r.scim_type, '') || coalesce(r.ip, '') || coalesce(r.user_agent, '') || r.notes
             || coalesce(r.query, '') || coalesce(r.body, '') || coalesce(r.detail, '')";
        let everything = column(&app, &acme, all).await.join("\n");
        assert!(!everything.contains("mira@"), "{everything}");
        assert!(!everything.contains(&token) && !everything.contains(needle) && everything.contains("Okta SCIM Client"), "{everything}");
        // A path that is too long is cut off.
        idp.get(&format!("/{}", "x".repeat(3_000))).await;
        assert!(column(&app, &acme, "r.path").await.iter().all(|path| path.chars().count() <= 500));
    }

    async fn requests_are_forgotten_after_a_month(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        app.idp(&acme).get("/Users").await;
        app.advance(Duration::from_secs(1));
        app.idp(&acme).get("/Groups").await;
        app.idp(&globex).get("/Groups").await;
        let sweep = async || activity::sweep(&app.state.db, (app.state.clock)()).await.unwrap();
        app.advance(Duration::from_secs(30 * 86_400 - 1));
        assert_eq!(rows(&app, &acme).await.len(), 2);
        sweep().await;
        assert_eq!(rows(&app, &acme).await.len(), 2, "to the second");
        app.advance(Duration::from_secs(1));
        sweep().await;
        assert_eq!((rows(&app, &acme).await, rows(&app, &globex).await.len()), (vec!["GET /Groups 200 -".to_owned()], 1));
        app.advance(Duration::from_secs(1));
        app.idp(&acme).get("/Me").await;
        sweep().await;
        assert_eq!((rows(&app, &acme).await, rows(&app, &globex).await.len()), (vec!["GET /Me 501 -".to_owned()], 0));
    }

    async fn a_failed_request_says_what_was_wrong_with_it(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let made = idp.post("/Users", user("mira@acme.test")).await;
        let refused = later(&app, &idp).post("/Users", user("mira@acme.test")).await;
        let unread = later(&app, &idp).find("/Users", "usrName eq \"mira@acme.test\" xor").await;
        let owner = app.owner(&acme).await;
        app.state.settle().await;

        let page = request(&owner, &refused.headers["x-request-id"]).await;
        let shown = &page["request"];
        assert_eq!((shown["status"].as_u64(), shown["scim_type"].as_str()), (Some(409), Some("uniqueness")));
        assert!(shown["detail"].as_str().unwrap().contains("userName"), "{shown}");
        assert_eq!((shown["token"].as_str(), shown["token_hint"].as_str()), (Some("Bootstrap"), Some(&acme.token[acme.token.len() - 4..])));
        let body: Value = serde_json::from_str(page["body"].as_str().unwrap()).unwrap();
        assert_eq!(body["userName"], "m…@acme.test");
        assert_eq!((&body["password"], &body["active"], &body["externalId"]), (&"•••".into(), &true.into(), &"0…@acme.test".into()));
        assert_eq!(page["events"], json!([]));

        let page = request(&owner, &unread.headers["x-request-id"]).await;
        assert_eq!(page["request"]["query"], "filter=usrName eq \"…\" …");
        // One that was done is not kept word by word; what it did is said.
        let page = request(&owner, &made.headers["x-request-id"]).await;
        assert_eq!((&page["body"], &page["request"]["query"]), (&Value::Null, &Value::Null));
        let did: Vec<_> = page["events"].as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap()).collect();
        assert_eq!(did, ["user.created", "access.began"]);
        // And the audit log leads back.
        let audit = owner.get("/o/acme/settings/audit").await.text;
        assert!(audit.contains(&format!("/o/acme/settings/activity/{}", made.headers["x-request-id"].to_str().unwrap())));
    }

    async fn a_failed_operation_of_a_bulk_is_told(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let post = |name: &str| json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": { "userName": "mira", "active": false } });
        assert_eq!(idp.post("/Bulk", json!({ "Operations": [post("a"), post("b")] })).await.status, 200);
        let told = notes(&app, &acme).await.remove(0);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("operation 2 failed: 409 uniqueness, "), "{told:?}");
        // What was sent is kept as of any failure, masked.
        let bodies = app.database.texts("SELECT body FROM scim_requests WHERE body IS NOT NULL").await;
        assert!(bodies.len() == 1 && bodies[0].contains("userName") && !bodies[0].contains("mira"), "{bodies:?}");
    }

    async fn an_owner_says_for_how_long_requests_are_kept(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        app.idp(&acme).get("/Users").await;
        app.idp(&globex).get("/Users").await;
        app.state.settle().await;
        let owner = app.owner(&acme).await;
        assert_eq!(owner.call("keep_activity", &[("org", "acme"), ("days", "8")]).await.status, 422);
        for _ in 0..2 {
            assert_eq!(owner.call("keep_activity", &[("org", "acme"), ("days", "7")]).await.status, 200);
        }
        let told: Vec<_> = app.audit(&acme).await.into_iter().filter(|row| row.action == "activity.retention_changed").collect();
        assert_eq!((told.len(), told[0].details.clone()), (1, vec!["kept for: 30 days → 7 days".to_owned()]));
        app.advance(Duration::from_secs(7 * 86_400 + 1));
        activity::sweep(&app.state.db, (app.state.clock)()).await.unwrap();
        assert_eq!((rows(&app, &acme).await.len(), rows(&app, &globex).await.len()), (0, 1));
        let page = app.owner(&acme).await.get("/o/acme/settings/activity").await.text;
        assert!(page.contains("Each for 7 days") && page.contains("100,000"), "{page}");
    }

    async fn of_an_organisation_its_newest_requests_are_kept(app) {
        let acme = app.org("Acme").await;
        fill(&app, &acme, 75_030).await;
        activity::sweep(&app.state.db, (app.state.clock)()).await.unwrap();
        assert_eq!(app.database.number("SELECT count(*) FROM scim_requests").await, 75_000);
        assert_eq!(app.database.number("SELECT count(*) FROM scim_requests WHERE path = '/Users/n1'").await, 0);
        assert_eq!(app.database.number("SELECT count(*) FROM scim_requests WHERE path = '/Users/n75030'").await, 1);
    }

    async fn good_requests_push_no_failure_out(app) {
        let acme = app.org("Acme").await;
        let kept = async |path: &str| {
            activity::sweep(&app.state.db, (app.state.clock)()).await.unwrap();
            app.database.number(&format!("SELECT count(*) FROM scim_requests WHERE path = '{path}'")).await
        };
        let lost = json!({ "method": "DELETE", "path": format!("/Users/{NOBODY}") });
        app.idp(&acme).get("/Users/u_01").await;
        later(&app, &app.idp(&acme)).post("/Bulk", json!({ "Operations": [lost] })).await;
        later(&app, &app.idp(&acme)).get("/Groups").await;
        app.state.settle().await;
        app.advance(Duration::from_secs(1));
        fill(&app, &acme, 75_000).await;
        assert_eq!([kept("/Users/u_01").await, kept("/Bulk").await, kept("/Groups").await], [1, 1, 0]);
        // They are bounded themselves: the newest stay.
        app.database.try_run("UPDATE scim_requests SET status = 404").await.unwrap();
        app.advance(Duration::from_secs(1));
        fill(&app, &acme, 25_000).await;
        assert_eq!(app.database.number("SELECT count(*) FROM scim_requests").await, 100_002);
        assert_eq!([kept("/Users/u_01").await, kept("/Bulk").await], [0, 0]);
        assert_eq!(app.database.number("SELECT count(*) FROM scim_requests").await, 100_000);
    }

    async fn a_log_that_cannot_be_written_fails_no_request(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        app.database.try_run("ALTER TABLE scim_requests RENAME TO elsewhere").await.unwrap();
        let made = idp.post("/Users", user("mira@acme.test")).await;
        assert_eq!(made.status, 201, "{}", made.text);
        later(&app, &idp).get(&format!("/Users/{}", id(&made.json))).await;
        app.state.settle().await;
        app.database.try_run("ALTER TABLE elsewhere RENAME TO scim_requests").await.unwrap();
        later(&app, &idp).get("/Groups").await;
        assert_eq!(rows(&app, &acme).await, ["GET /Groups 200 -"]);
        let page = list(&app.owner(&acme).await, &[]).await;
        assert_eq!(page["dropped"]["requests"], 2);
        let page = app.owner(&acme).await.get("/o/acme/settings/activity").await.text;
        assert!(page.contains("2 requests that were answered"), "{page}");
        // It is forgotten with what was kept then.
        app.advance(Duration::from_secs(31 * 86_400));
        activity::sweep(&app.state.db, (app.state.clock)()).await.unwrap();
        assert_eq!(list(&app.owner(&acme).await, &[]).await["dropped"], Value::Null);
    }

    /// "Every request" is also the one that the server fails at, and the one that nobody waited for.
    async fn what_panics_and_what_is_given_up_is_noted(app) {
        let acme = app.org("Acme").await;
        let mut state = app.state.clone();
        let (randomness, once) = (state.randomness.clone(), AtomicBool::new(true));
        // The id of what is created is the first; the note's own still comes.
        state.randomness = Arc::new(move |bytes| {
            assert!(bytes.len() != 10 || !once.swap(false, Ordering::Relaxed), "no randomness");
            randomness(bytes);
        });
        let unlucky = Idp::new(router(state), format!("/scim/{}/v2", acme.id), format!("Bearer {}", acme.token));
        assert_eq!(unlucky.post("/Users", user("mira@acme.test")).await.status, 500);

        app.advance(Duration::from_millis(1));
        let (asked, mut is_asked) = tokio::sync::mpsc::unbounded_channel();
        let body = Body::from_stream(futures_util::stream::poll_fn(move |_| -> Poll<Option<Result<Vec<u8>, std::io::Error>>> {
            let _ = asked.send(());
            Poll::Pending
        }));
        let request = Request::post(format!("/scim/{}/v2/Users", acme.id)).header("authorization", format!("Bearer {}", acme.token));
        let request = request.header("content-type", "application/scim+json").body(body).unwrap();
        let client = tokio::spawn(app.router.clone().oneshot(request));
        is_asked.recv().await.unwrap();
        client.abort();
        assert!(client.await.unwrap_err().is_cancelled());
        assert_eq!(rows(&app, &acme).await, ["POST /Users 500 -", "POST /Users 499 -"]);
        let failed = list(&app.owner(&acme).await, &[("outcome", "failed")]).await;
        assert_eq!(lines(&failed), ["POST /Users 499", "POST /Users 500"]);
    }

    async fn a_full_queue_drops_and_never_waits(app) {
        const NOTED: i64 = 2_000;
        let acme = app.org("Acme").await;
        let authorization = format!("Bearer {}", acme.token);
        let caller = tokens::authenticate(&app.state.db, &acme.id.to_string(), Some(&authorization), &app.call()).await.unwrap();
        let log = ActivityLog::holding(app.state.db.clone(), 8);
        // Nobody can write: the one writer waits for as long as this is held.
        let holder = app.database.hold_lock(if app.state.db.is_postgres() {
            "LOCK TABLE scim_requests IN ACCESS EXCLUSIVE MODE"
        } else {
            "UPDATE organizations SET name = name"
        }).await;
        for number in 0..NOTED {
            log.note(&caller, entry(&format!("/Users/n{number}")), &app.call());
        }
        holder.rollback().await.unwrap();
        log.settle().await;
        // What is left to be counted is counted with the next that is written.
        log.note(&caller, entry("/last"), &app.call());
        log.settle().await;
        let written = app.database.number("SELECT count(*) FROM scim_requests").await;
        let dropped = app.database.number("SELECT requests FROM scim_requests_dropped").await;
        assert_eq!(written + dropped, NOTED + 1);
        // A batch in the writer's hand, and what was in the queue.
        assert!(written <= 200 + 8 + 1, "{written}");
        assert_eq!(list(&app.owner(&acme).await, &[]).await["dropped"]["requests"], dropped);
    }
}

fn entry(path: &str) -> Entry {
    Entry {
        method: "GET".to_owned(),
        path: path.to_owned(),
        query: None,
        body: None,
        location: None,
        operations: None,
        failed_operations: 0,
        status: 200,
        scim_type: None,
        detail: None,
        took: Duration::from_millis(1),
        notes: vec![],
    }
}

/// The page of one request.
pub async fn request(browser: &Browser, id: &http::HeaderValue) -> Value {
    let answer = browser.call("activity_request", &[("org", "acme"), ("request_id", id.to_str().unwrap())]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

/// A page of Acme's log, without the moment at which it was read.
pub async fn list(browser: &Browser, filter: &[(&str, &str)]) -> Value {
    let filter: Vec<_> = filter.iter().map(|(name, value)| (format!("filter[{name}]"), *value)).collect();
    let mut fields = vec![("org", "acme")];
    fields.extend(filter.iter().map(|(name, value)| (name.as_str(), *value)));
    let answer = browser.call("activity", &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

/// Method, path and status of the requests on a page.
pub fn lines(page: &Value) -> Vec<String> {
    let line =
        |request: &Value| format!("{} {} {}", request["method"].as_str().unwrap(), request["path"].as_str().unwrap(), request["status"]);
    page["requests"].as_array().unwrap().iter().map(line).collect()
}

/// So many requests, ten of each moment, made in the database: as many real ones would test something else.
pub async fn fill(app: &TestApp, org: &Org, count: usize) {
    let now = (app.state.clock)().as_micros();
    let columns = "id, org_id, token_id, at, method, path, about, status, took_micros, ip, request_id, notes";
    let (series, id) = if app.state.db.is_postgres() {
        (format!("generate_series(1, {count}) s(n)"), "gen_random_uuid()")
    } else {
        (format!("(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) SELECT n FROM s) s"), "randomblob(16)")
    };
    let values =
        format!("{id}, o.id, t.id, {now} - {count} + n / 10, 'GET', '/Users/n' || n, 'users', 200, 1234, '10.0.0.1', 'r' || n, '[]'");
    let from = format!("FROM organizations o JOIN scim_tokens t ON t.org_id = o.id, {series} WHERE o.slug = '{}'", org.slug);
    app.database.try_run(&format!("INSERT INTO scim_requests ({columns}) SELECT {values} {from}")).await.unwrap();
}
