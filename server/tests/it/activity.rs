//! The activity log: what the provisioning endpoints were asked, how it ended, and what was tolerated.

use std::time::Duration;

use directory::provisioning::activity;
use http::Method;
use serde_json::{Value, json};

use crate::support::{Idp, Org, TestApp, both_databases, filtered, id};

const NOBODY: &str = "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10";

/// The rows of `org`, oldest first: method, path, status, scimType.
async fn rows(app: &TestApp, org: &Org) -> Vec<String> {
    column(app, org, "r.method || ' ' || r.path || ' ' || r.status || ' ' || coalesce(r.scim_type, '-')").await
}

/// What was tolerated in each request of `org`, oldest first.
async fn notes(app: &TestApp, org: &Org) -> Vec<Vec<String>> {
    column(app, org, "r.notes").await.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
}

async fn column(app: &TestApp, org: &Org, expression: &str) -> Vec<String> {
    app.state.settle().await;
    let from = format!("FROM scim_requests r JOIN organizations o ON o.id = r.org_id WHERE o.slug = '{}'", org.slug);
    app.database.texts(&format!("SELECT {expression} {from} ORDER BY r.at, r.id")).await
}

/// The same identity provider, a moment later: so that rows have an order.
fn later(app: &TestApp, idp: &Idp) -> Idp {
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
        idp.get(&format!("/Users?{}&sortBy={needle}", filtered(&format!("emails.value co \"{needle}\"")))).await;
        idp.get(&format!("/Users?access_token={}", acme.token)).await;
        idp.post("/Users/.search", json!({ "filter": format!("userName eq \"{needle}\"") })).await;
        idp.post("/Users", json!({ "userName": "mira", "password": needle, "active": false })).await;
        idp.with_header("user-agent", "Okta SCIM Client 1.0.0").get("/Users").await;
        let paths = column(&app, &acme, "r.path || ' ' || r.notes").await;
        assert_eq!(paths.len(), 6);
        assert!(paths.iter().all(|path| !path.contains(needle) && !path.contains(&token) && !path.contains('?')), "{paths:?}");
        let all = "r.method || r.path || coalesce(r.scim_type, '') || coalesce(r.ip, '') || coalesce(r.user_agent, '') || r.notes";
        let everything = column(&app, &acme, all).await.join("\n");
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
}
