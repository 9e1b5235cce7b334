//! Users: what is kept, what is found, what changes and what does not.

use serde_json::json;

use crate::support::both_databases;

both_databases! {
    async fn pages_are_stable_and_counts_are_numbers(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        for number in 0..7 {
            app.advance(std::time::Duration::from_millis(3));
            app.provision(&acme, &format!("p{number}@acme.test")).await;
        }
        let mut seen = vec![];
        for start in [1, 4, 7, 10] {
            let page = idp.get(&format!("/Users?startIndex={start}&count=3")).await.json;
            assert_eq!(page["totalResults"], 7);
            assert_eq!(page["startIndex"], start);
            let users = page["Resources"].as_array().unwrap();
            assert_eq!(page["itemsPerPage"], users.len());
            seen.extend(users.iter().map(|user| user["userName"].as_str().unwrap().to_owned()));
        }
        assert_eq!(seen, (0..7).map(|number| format!("p{number}@acme.test")).collect::<Vec<_>>());
        for (query, items) in [("count=0", 0), ("count=-5", 0), ("startIndex=0", 7), ("startIndex=-3&count=2", 2), ("startIndex=99", 0), ("count=100000", 7)] {
            let page = idp.get(&format!("/Users?{query}")).await.json;
            assert_eq!((&page["totalResults"], &page["itemsPerPage"]), (&7.into(), &items.into()), "{query}");
        }
    }

    async fn filters_find_what_they_say_and_nothing_else(app) {
        let acme = app.org("Acme").await;
        let globex = app.org("Globex").await;
        let idp = app.idp(&acme);
        app.provision(&globex, "mira@acme.test").await;
        let mira = app.provision(&acme, "mira@acme.test").await;
        let ben = idp.post("/Users", json!({
            "userName": "Ben_100%@acme.test", "active": false,
            "emails": [{ "value": "ben@home.test", "type": "home" }, { "value": "BEN@work.test", "type": "work", "primary": true }]
        })).await.json["id"].as_str().unwrap().to_owned();
        let created = idp.get(&format!("/Users/{ben}")).await.json["meta"]["created"].as_str().unwrap().to_owned();
        for (filter, expected) in [
            ("userName eq \"MIRA@acme.test\"", vec![&mira.id]),
            ("userName sw \"ben_\"", vec![&ben]),
            ("userName co \"%\"", vec![&ben]),
            ("userName co \"_1\"", vec![&ben]),
            ("userName ew \"@ACME.test\"", vec![&mira.id, &ben]),
            ("userName ne \"mira@acme.test\"", vec![&ben]),
            ("externalId pr", vec![&mira.id]),
            ("not (externalId pr)", vec![&ben]),
            ("externalId eq \"00U-mira@acme.test\"", vec![]),
            ("active eq true", vec![&mira.id]),
            ("active eq \"False\"", vec![&ben]),
            (&format!("id eq \"{ben}\""), vec![&ben]),
            ("id eq \"u_01\"", vec![]),
            ("emails.value co \"WORK\"", vec![&ben]),
            ("emails eq \"ben@home.test\"", vec![&ben]),
            ("emails[type eq \"work\"].value eq \"ben@home.test\"", vec![]),
            ("emails[type eq \"work\" and value eq \"ben@work.test\"]", vec![&ben]),
            ("emails[primary eq true].value eq \"ben@work.test\"", vec![&ben]),
            ("emails.type eq \"work\" and userName eq \"x\" or active eq false", vec![&ben]),
            ("userName eq \"mira@acme.test\" or active eq false", vec![&mira.id, &ben]),
            (&format!("meta.created ge \"{created}\""), vec![&mira.id, &ben]),
            (&format!("meta.created gt \"{created}\""), vec![]),
        ] {
            let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("filter", filter).finish();
            let answer = idp.get(&format!("/Users?{query}")).await;
            assert_eq!(answer.status, 200, "{filter}: {}", answer.text);
            let mut found: Vec<_> = answer.json["Resources"].as_array().unwrap().iter().map(|user| user["id"].as_str().unwrap()).collect();
            let mut expected: Vec<_> = expected.into_iter().map(String::as_str).collect();
            found.sort_unstable();
            expected.sort_unstable();
            assert_eq!(found, expected, "{filter}");
        }
    }

    /// An entry of an index has an end; values need not.
    async fn a_value_longer_than_an_index_holds_is_kept_and_found(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let person = app.provision(&acme, "mira@acme.test").await;
        let long: String = (0..3_000_u32).map(|n| char::from(b'a' + u8::try_from(n.wrapping_mul(n).wrapping_mul(2_654_435_761) >> 16 & 15).unwrap())).collect();
        let (one, other) = (format!("{long}1"), format!("{long}2"));
        let path = format!("/Users/{}", person.id);
        let added = idp.patch(&path, json!([{ "op": "add", "path": "emails", "value": [{ "value": one, "type": "other" }] }])).await;
        assert_eq!((added.status, &added.json["emails"][1]["value"]), (200, &one.as_str().into()), "{}", added.text);
        let found = async |filter: String| idp.find("/Users", &filter).await.json["totalResults"].clone();
        assert_eq!(found(format!("emails.value eq \"{one}\"")).await, 1);
        assert_eq!(found(format!("emails.value eq \"{other}\"")).await, 0, "they differ at the end");
        assert_eq!(found(format!("emails[type eq \"other\"].value sw \"{}\"", &one[..2_500])).await, 1);
    }

    async fn a_put_keeps_what_it_does_not_mention_and_clears_the_rest(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let person = app.provision(&acme, "mira@acme.test").await;
        let path = format!("/Users/{}", person.id);
        let answer = idp.put(&path, json!({ "userName": "mira@acme.test", "title": "Engineer" })).await.json;
        assert_eq!((&answer["active"], &answer["externalId"], &answer["title"]), (&true.into(), &"00u-mira@acme.test".into(), &"Engineer".into()));
        assert_eq!((&answer["emails"], &answer["name"]), (&json!(null), &json!(null)));
        idp.patch(&path, crate::support::patch_active(false)).await;
        let answer = idp.put(&path, json!({ "userName": "mira@acme.test", "active": null, "externalId": null })).await.json;
        assert_eq!((&answer["active"], &answer["externalId"]), (&false.into(), &json!(null)), "null lets nobody in");
    }

    async fn no_size_stands_in_the_way_of_a_deactivation(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let person = app.provision(&acme, "mira@acme.test").await;
        let path = format!("/Users/{}", person.id);
        // As large as a user may be: one byte more is refused.
        let title = async |length: usize| idp.patch(&path, json!([{ "op": "replace", "path": "title", "value": "x".repeat(length) }])).await.status;
        let (mut fits, mut too_long) = (1, 200_000);
        while too_long - fits > 1 {
            let middle = (fits + too_long) / 2;
            if title(middle).await == 200 { fits = middle } else { too_long = middle }
        }
        assert_eq!((title(fits).await, title(too_long).await), (200, 400));
        assert_eq!(idp.patch(&path, crate::support::patch_active(false)).await.status, 200);
    }

    async fn a_change_without_effect_changes_nothing(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let person = app.provision(&acme, "mira@acme.test").await;
        let path = format!("/Users/{}", person.id);
        let before = idp.get(&path).await.json;
        let events = app.audit(&acme).await.len();
        app.advance(std::time::Duration::from_secs(1));
        for operations in [
            json!([{ "op": "replace", "value": { "active": true } }]),
            json!([{ "op": "Replace", "path": "active", "value": "True" }]),
            json!([{ "op": "replace", "value": { "id": person.id, "displayName": "mira Olsen" } }]),
            json!([{ "op": "add", "path": "emails", "value": [{ "value": "mira@acme.test", "type": "work", "primary": true }] }]),
            json!([{ "op": "remove", "path": "title" }]),
            json!([{ "op": "replace", "path": "title", "value": "x" }, { "op": "remove", "path": "title" }]),
        ] {
            let answer = idp.patch(&path, operations.clone()).await;
            assert_eq!((answer.status, &answer.json), (200, &before), "{operations}");
        }
        assert_eq!(idp.put(&path, before.clone()).await.json, before, "Okta puts back what it has read");
        // The owner's own sign-ins to read the log are all that was added.
        let added: Vec<_> = app.audit(&acme).await.into_iter().rev().skip(events).map(|row| row.action).collect();
        assert!(added.iter().all(|action| action == "sign_in.succeeded"), "{added:?}");
    }

    async fn a_name_in_use_is_a_conflict_and_a_deleted_one_is_free(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let mira = app.provision(&acme, "mira@acme.test").await;
        let ben = app.provision(&acme, "ben@acme.test").await;
        let path = format!("/Users/{}", ben.id);
        for answer in [
            idp.patch(&path, json!([{ "op": "replace", "path": "userName", "value": "MIRA@acme.test" }])).await,
            idp.put(&path, json!({ "userName": "mira@acme.test" })).await,
            idp.patch(&path, json!([{ "op": "replace", "path": "externalId", "value": "00u-mira@acme.test" }])).await,
            // The userName alone: whoever sends it means somebody else.
            idp.post("/Users", json!({ "userName": "mira@acme.test", "externalId": "another" })).await,
        ] {
            assert_eq!((answer.status, &answer.json["scimType"]), (409, &"uniqueness".into()), "{}", answer.text);
        }
        assert_eq!(idp.delete(&format!("/Users/{}", mira.id)).await.status, 204);
        assert_eq!(idp.patch(&path, json!([{ "op": "replace", "path": "userName", "value": "mira@acme.test" }])).await.status, 200);
    }

    async fn an_external_id_moves_to_the_record_that_claims_it(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let mira = app.provision(&acme, "mira@acme.test").await;
        let renamed = idp.post("/Users", json!({ "userName": "mira.hart@acme.test", "externalId": "00u-mira@acme.test" })).await;
        assert_eq!(renamed.status, 201, "{}", renamed.text);
        assert_ne!(renamed.json["id"], mira.id.as_str());
        assert_eq!(idp.get(&format!("/Users/{}", mira.id)).await.json["externalId"], json!(null));
    }

    async fn another_organisations_user_is_like_one_that_is_not_there(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let theirs = app.provision(&globex, "mira@globex.test").await;
        let idp = app.idp(&acme);
        let nobody = "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10".to_owned();
        let active = crate::support::patch_active(false);
        for id in [&theirs.id, &nobody] {
            let path = format!("/Users/{id}");
            let answers = [idp.get(&path).await, idp.patch(&path, active.clone()).await, idp.put(&path, json!({ "userName": "x" })).await, idp.delete(&path).await];
            for answer in answers {
                assert_eq!((answer.status, answer.text.replace(id.as_str(), "ID")), (404, idp.get(&format!("/Users/{nobody}")).await.text.replace(&nobody, "ID")));
            }
        }
        assert_eq!(app.idp(&globex).get(&format!("/Users/{}", theirs.id)).await.json["active"], true);
    }

    async fn attributes_can_be_chosen(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let person = app.provision(&acme, "mira@acme.test").await;
        let some = idp.get(&format!("/Users/{}?attributes=userName,name.givenName", person.id)).await.json;
        assert_eq!(some, json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "id": person.id, "userName": "mira@acme.test", "name": { "givenName": "mira" } }));
        let less = idp.get("/Users?excludedAttributes=emails,name,meta").await.json["Resources"][0].clone();
        assert_eq!((less.get("emails"), less.get("meta"), less["id"].as_str()), (None, None, Some(person.id.as_str())));
    }

    async fn text_that_an_identity_provider_sent_is_kept_and_shown_as_text(app) {
        let acme = app.org("Acme").await;
        let markup = "<script>alert(1)</script>";
        app.idp(&acme).post("/Users", json!({ "userName": "eve@acme.test", "displayName": markup })).await;
        let page = app.owner(&acme).await.get("/o/acme/members").await;
        assert_eq!(page.status, 200);
        assert!(!page.text.contains(markup) && page.text.contains("&lt;script&gt;alert(1)"), "{}", page.text);
    }
}
