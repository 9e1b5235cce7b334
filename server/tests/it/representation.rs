//! How a resource is shown: its media type, its `meta`, and what a POST leaves open.

use std::time::Duration;

use axum::body::Body;
use http::{Request, header};
use serde_json::json;
use tower::ServiceExt;

use crate::support::both_databases;

both_databases! {
    /// RFC 7644 §3.8, §8.1
    async fn the_answer_is_scims_whatever_is_accepted(app) {
        let acme = app.org("Acme").await;
        for accept in [None, Some("application/scim+json"), Some("application/json"), Some("*/*"), Some("text/html, */*;q=0.1"), Some("image/png")] {
            for (path, status) in [("/Users", 200), ("/Users/nobody", 404)] {
                let mut request = Request::get(format!("/scim/{}/v2{path}", acme.id)).header(header::AUTHORIZATION, format!("Bearer {}", acme.token));
                if let Some(accept) = accept {
                    request = request.header(header::ACCEPT, accept);
                }
                let answer = app.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
                assert_eq!((answer.status().as_u16(), &answer.headers()[header::CONTENT_TYPE]), (status, &"application/scim+json".parse().unwrap()), "{accept:?}");
            }
        }
    }

    /// RFC 7643 §3.1
    async fn meta_is_the_servers_and_agrees_with_the_headers(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let theirs = json!({ "resourceType": "Robot", "created": "2001-01-01T00:00:00Z", "location": "https://elsewhere.test/1", "version": "W/\"99\"" });
        for (endpoint, kind, mut body) in [("/Users", "User", json!({ "userName": "mira@acme.test" })), ("/Groups", "Group", json!({ "displayName": "Engineers" }))] {
            (body["id"], body["meta"]) = ("0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10".into(), theirs.clone());
            let made = idp.post(endpoint, body.clone()).await;
            let (id, meta) = (made.json["id"].as_str().unwrap(), &made.json["meta"]);
            assert_ne!(made.json["id"], body["id"]);
            assert_eq!(meta["resourceType"], kind);
            assert_eq!(meta["location"], format!("https://id.rollcall.test/scim/{}/v2{endpoint}/{id}", acme.id));
            assert_eq!(made.headers["location"], meta["location"].as_str().unwrap());
            assert_eq!((&meta["created"], &meta["version"]), (&meta["lastModified"], &"W/\"1\"".into()));
            assert_eq!(made.headers["etag"], "W/\"1\"");

            app.advance(Duration::from_secs(60));
            let path = format!("{endpoint}/{id}");
            idp.patch(&path, json!([{ "op": "replace", "path": "displayName", "value": "another" }])).await;
            let after = idp.get(&path).await;
            assert_eq!((&after.json["meta"]["created"], &after.json["meta"]["location"]), (&meta["created"], &meta["location"]));
            assert!(after.json["meta"]["lastModified"].as_str() > meta["lastModified"].as_str(), "{}", after.text);
            assert_eq!(after.headers["etag"], after.json["meta"]["version"].as_str().unwrap());
            assert_ne!(after.json["meta"]["version"], meta["version"]);
        }
    }

    async fn a_post_may_leave_somebody_outside_and_says_so_by_active_alone(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let memberships = "SELECT count(*) FROM memberships";
        let founder = app.database.number(memberships).await;
        let outside = idp.post("/Users", json!({ "userName": "later@acme.test", "active": false })).await;
        assert_eq!((outside.status, &outside.json["active"]), (201, &false.into()));
        assert_eq!((app.database.number(memberships).await, app.mailed_link("later@acme.test").await), (founder, None));
        let inside = idp.post("/Users", json!({ "userName": "now@acme.test" })).await;
        assert_eq!((inside.status, &inside.json["active"]), (201, &true.into()));
        assert_eq!(app.database.number(memberships).await, founder + 1);
        assert!(app.mailed_link("now@acme.test").await.is_some());
    }
}
