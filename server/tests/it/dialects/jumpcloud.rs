//! JumpCloud: tries everything with a test user and a test group when it is switched on; afterwards one operation for
//! each attribute, always with a path, and additions that come twice.

use std::time::Duration;

use serde_json::{Value, json};

use super::{USER, found, group, has_access, holds, id_in, id_of, is_empty_list, is_refused, path_of, people, state_of, values};
use crate::support::{both_databases, filtered, user};

const TEST_USER: &str = "scim.test@acme.test";

fn test_user() -> Value {
    json!({
        "schemas": [USER], "userName": TEST_USER, "name": { "givenName": "Test", "familyName": "User" },
        "emails": [{ "type": "work", "primary": true, "value": TEST_USER }], "active": true
    })
}

both_databases! {
    /// The address is one that the administrator typed: nobody there expects an invitation.
    async fn jumpcloud_tries_a_test_user_who_is_never_mailed(app) {
        let app = app.with_mail_delay(Duration::from_secs(120));
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        is_empty_list(&idp.get("/Users?startIndex=1&count=100").await);
        let find = format!("/Users?{}", filtered(&format!("userName eq \"{TEST_USER}\"")));
        is_empty_list(&idp.get(&find).await);
        let created = idp.post("/Users", test_user()).await;
        let path = path_of(&created);
        assert_eq!(idp.get(&path).await.json, created.json);
        let mut put = test_user();
        put["name"]["familyName"] = "User2".into();
        assert_eq!(idp.put(&path, put).await.json["name"]["familyName"], "User2");
        assert_eq!(idp.patch(&path, json!([{ "op": "replace", "path": "active", "value": false }])).await.json["active"], false);
        assert_eq!(idp.patch(&path, json!([{ "op": "replace", "path": "active", "value": true }])).await.json["active"], true);
        app.advance(Duration::from_secs(60));
        assert_eq!(app.mailed_link(TEST_USER).await, None, "not yet");
        assert_eq!(idp.delete(&path).await.status, 204);
        is_refused(&idp.get(&path).await, 404, None);
        app.advance(Duration::from_secs(3_600));
        assert_eq!(app.mailed_link(TEST_USER).await, None, "nor when its time has come");
        assert_eq!(app.database.number("SELECT count(*) FROM memberships m JOIN users u ON u.id = m.account_id WHERE u.email = 'scim.test@acme.test'").await, 0);
        // Switched on once more.
        is_empty_list(&idp.get(&find).await);
        path_of(&idp.post("/Users", test_user()).await);
        // Whoever stays is mailed after the delay.
        app.advance(Duration::from_secs(121));
        assert!(app.mailed_link(TEST_USER).await.is_some());
    }

    async fn jumpcloud_tries_a_test_group(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        is_empty_list(&idp.get("/Groups").await);
        let path = path_of(&idp.post("/Groups", json!({ "displayName": "jc-test-group" })).await);
        assert_eq!(found(&idp.get("/Groups").await).len(), 1);
        assert_eq!(idp.delete(&path).await.status, 204);
        is_empty_list(&idp.get("/Groups").await);
    }

    async fn jumpcloud_changes_each_attribute_by_an_operation_of_its_own(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let created = idp.post("/Users", user("mira@acme.test")).await;
        let path = path_of(&created);
        let browser = app.activate("mira@acme.test").await;
        let patched = idp.patch(&path, json!([
            { "op": "replace", "path": "name.givenName", "value": "Mira" },
            { "op": "replace", "path": "name.familyName", "value": "Hart" },
            { "op": "replace", "path": "active", "value": false }
        ])).await;
        assert_eq!((patched.status, &patched.json["name"], &patched.json["active"]), (200, &json!({ "givenName": "Mira", "familyName": "Hart" }), &false.into()));
        assert_eq!((&patched.json["emails"], &patched.json["displayName"]), (&created.json["emails"], &created.json["displayName"]));
        assert!(!has_access(&browser, &acme).await);
    }

    async fn jumpcloud_adds_twice_and_removes_just_those_it_names(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let [mira, ben, eve] = people(&idp).await;
        let path = group(&idp, "Acme Engineers", &[&eve]).await;
        // JumpCloud puts `Operations` before `schemas`.
        let change = async |op: &str, ids: &[&str]| {
            let body = format!(r#"{{"Operations":[{{"op":"{op}","path":"members","value":{}}}],"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"]}}"#, values(ids));
            idp.send(http::Method::PATCH, &path, Some(body), "application/scim+json").await.status
        };
        assert_eq!(change("add", &[&mira, &ben]).await, 204);
        let before = state_of(&app, &idp, &path).await;
        assert_eq!((change("add", &[&mira]).await, change("add", &[&ben, &mira]).await), (204, 204));
        assert_eq!(state_of(&app, &idp, &path).await, before);
        assert_eq!(change("remove", &[&mira]).await, 204);
        assert!(holds(&idp, &path, &[&ben, &eve]).await);
        assert_eq!(change("remove", &[&mira]).await, 204);
        assert!(holds(&idp, &path, &[&ben, &eve]).await);
        assert_eq!(idp.get(&format!("/Users/{mira}")).await.json.get("groups"), None);
        assert_eq!(id_of(&idp.get(&path).await), id_in(&path));
    }
}
