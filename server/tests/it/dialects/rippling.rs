//! Rippling: reads what we can do, finds people by their primary address, and sends a POST again when it is in doubt.

use serde_json::{Value, json};

use super::{GROUP, USER, found, has_access, holds, id_of, is_empty_list, is_refused, path_of, state_of, values};
use crate::support::{PASSWORD, both_databases, filtered, patch_active};

fn mira() -> Value {
    json!({
        "schemas": [USER], "userName": "mira@acme.test", "externalId": "rip_771", "emails": [{ "value": "mira@acme.test", "primary": true }],
        "name": { "givenName": "Mira", "familyName": "Olsen" }, "active": true
    })
}

both_databases! {
    async fn rippling_finds_people_by_their_primary_address(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let config = idp.get("/ServiceProviderConfig").await;
        assert_eq!((config.status, &config.json["patch"]["supported"], &config.json["filter"]["supported"]), (200, &true.into(), &true.into()));
        is_empty_list(&idp.get("/Users?startIndex=1&count=100").await);
        let find = format!("/Users?{}", filtered("emails[primary eq true].value eq \"mira@acme.test\""));
        is_empty_list(&idp.get(&find).await);
        let created = idp.post("/Users", mira()).await;
        path_of(&created);
        // It is somebody's second address as well.
        let other = json!({ "userName": "ben@acme.test", "emails": [{ "value": "ben@acme.test", "primary": true }, { "value": "mira@acme.test" }] });
        path_of(&idp.post("/Users", other).await);
        assert_eq!(found(&idp.get(&find).await), [id_of(&created)]);
    }

    async fn rippling_posts_again_and_there_is_no_second_person(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let created = idp.post("/Users", mira()).await;
        let path = path_of(&created);
        let before = state_of(&app, &idp, &path).await;
        is_refused(&idp.post("/Users", mira()).await, 409, Some("uniqueness"));
        assert_eq!(state_of(&app, &idp, &path).await, before);
        assert_eq!(found(&idp.get("/Users?startIndex=1&count=100").await), [id_of(&created)]);
        assert_eq!(app.database.number("SELECT count(*) FROM mail_queue").await, 1, "one invitation");
    }

    async fn rippling_lets_go_by_put_patch_or_delete(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let path = path_of(&idp.post("/Users", mira()).await);
        let mut browser = app.activate("mira@acme.test").await;
        for way in ["put", "patch", "delete"] {
            assert!(has_access(&browser, &acme).await);
            let mut inactive = mira();
            inactive["active"] = false.into();
            let answer = match way {
                "put" => idp.put(&path, inactive).await,
                "patch" => idp.patch(&path, patch_active(false)).await,
                _ => idp.delete(&path).await,
            };
            assert_eq!(answer.status, if way == "delete" { 204 } else { 200 }, "{way}: {}", answer.text);
            assert!(!has_access(&browser, &acme).await, "{way}");
            if way != "delete" {
                assert_eq!(idp.put(&path, mira()).await.json["active"], true);
                browser = app.sign_in("mira@acme.test", PASSWORD).await;
            }
        }
    }

    async fn rippling_manages_groups_with_put_or_patch(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let mira = idp.post("/Users", mira()).await;
        let path = path_of(&idp.post("/Groups", json!({ "schemas": [GROUP], "displayName": "Engineers", "members": values(&[id_of(&mira)]) })).await);
        assert!(holds(&idp, &path, &[id_of(&mira)]).await);
        let put = idp.put(&path, json!({ "schemas": [GROUP], "displayName": "Engineering", "members": [] })).await;
        assert_eq!((put.status, &put.json["displayName"]), (200, &"Engineering".into()));
        assert!(holds(&idp, &path, &[]).await);
        assert_eq!(idp.patch(&path, json!([{ "op": "add", "path": "members", "value": values(&[id_of(&mira)]) }])).await.status, 204);
        assert!(holds(&idp, &path, &[id_of(&mira)]).await);
        assert_eq!(found(&idp.get("/Groups").await).len(), 1);
        assert_eq!(idp.delete(&path).await.status, 204);
        is_empty_list(&idp.get("/Groups").await);
    }
}
