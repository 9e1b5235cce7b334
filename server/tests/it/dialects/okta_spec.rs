//! What Okta's own test suite (its Runscope collection) asserts before it lets an application in.

use serde_json::json;

use super::{NOBODY, found, id_of, is_refused, path_of};
use crate::support::{both_databases, filtered, user};

both_databases! {
    async fn the_first_user_of_the_list_is_a_complete_one(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        app.provision(&acme, "mira@acme.test").await;
        let list = idp.get("/Users?count=1&startIndex=1").await;
        assert_eq!((list.status, list.json["schemas"][0].as_str()), (200, Some("urn:ietf:params:scim:api:messages:2.0:ListResponse")));
        for number in ["itemsPerPage", "startIndex", "totalResults"] {
            assert_eq!(list.json[number], 1, "{number} is a number");
        }
        let first = &list.json["Resources"][0];
        for path in ["/id", "/userName", "/name/givenName", "/name/familyName", "/emails/0/value"] {
            assert!(first.pointer(path).and_then(|value| value.as_str()).is_some_and(|text| !text.is_empty()), "{path}: {first}");
        }
        assert_eq!(first["active"], true);
        let same = idp.get(&format!("/Users/{}", first["id"].as_str().unwrap())).await;
        assert_eq!((same.status, &same.json), (200, first));
    }

    async fn a_user_who_is_not_there_is_a_404_with_a_detail(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        for id in [NOBODY, "00919288221112222", "%20"] {
            is_refused(&idp.get(&format!("/Users/{id}")).await, 404, None);
        }
    }

    async fn a_user_that_is_created_is_active_and_has_the_name_that_was_sent(app) {
        let acme = app.org("Acme").await;
        // The collection sends plain JSON.
        let idp = app.idp(&acme).sending("application/json");
        let created = idp.post("/Users", user("Runscope300Abc@Acme.test")).await;
        let path = path_of(&created);
        assert_eq!((&created.json["active"], &created.json["userName"]), (&true.into(), &"Runscope300Abc@Acme.test".into()));
        for (part, sent) in [("givenName", "Runscope300Abc"), ("familyName", "Olsen")] {
            assert_eq!(created.json["name"][part], sent);
        }
        let read = idp.get(&path).await;
        assert_eq!((read.status, &read.json["userName"], &read.json["name"]), (200, &"Runscope300Abc@Acme.test".into(), &created.json["name"]));
    }

    async fn the_same_user_again_is_a_409(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        app.provision(&acme, "mira@acme.test").await;
        is_refused(&idp.post("/Users", user("mira@acme.test")).await, 409, Some("uniqueness"));
    }

    async fn a_filter_finds_the_name_in_any_case(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let created = idp.post("/Users", user("mira@acme.test")).await;
        for name in ["mira@acme.test", "MIRA@ACME.TEST", "Mira@Acme.Test"] {
            let answer = idp.get(&format!("/Users?{}", filtered(&format!("userName eq \"{name}\"")))).await;
            assert_eq!(found(&answer), [id_of(&created)], "{name}");
        }
    }

    async fn a_bad_token_is_a_401_in_the_same_form_as_every_error(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme).with_authorization(Some("Bearer 12345-not-a-token"));
        for answer in [idp.get("/Users?count=1&startIndex=1").await, idp.get("/Groups").await, idp.post("/Users", json!({})).await] {
            is_refused(&answer, 401, None);
            assert_eq!(answer.headers["content-type"], "application/scim+json");
        }
    }

    async fn groups_are_listed_also_when_there_are_none(app) {
        let acme = app.org("Acme").await;
        super::is_empty_list(&app.idp(&acme).get("/Groups").await);
    }
}
