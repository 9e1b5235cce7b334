//! What a broken or hostile client sends: each is refused in SCIM's form, does nothing, and tells nothing.

use http::Method;
use serde_json::{Value, json};

use super::{
    ENTERPRISE, NOBODY, found, group, has_access, holds, id_in, id_of, is_empty_list, is_refused, path_of, people, state_of, values,
};
use crate::support::{Answer, Idp, Org, PASSWORD, TestApp, both_databases, user};

const MEDIA_TYPE: &str = "application/scim+json";

/// Mira, and that nothing of her changed.
struct Mira {
    idp: Idp,
    path: String,
    before: (Value, i64),
}

impl Mira {
    async fn of(app: &TestApp, org: &Org) -> Self {
        let idp = app.idp(org);
        let path = path_of(&idp.post("/Users", user("mira@acme.test")).await);
        let before = state_of(app, &idp, &path).await;
        Self { idp, path, before }
    }

    async fn patch(&self, operations: Value) -> Answer {
        self.idp.patch(&self.path, operations).await
    }

    /// The bytes as they stand.
    async fn raw(&self, method: Method, path: &str, body: impl Into<Vec<u8>>) -> Answer {
        self.idp.send(method, path, Some(body.into()), MEDIA_TYPE).await
    }

    async fn is_as_before(&self, app: &TestApp) {
        assert_eq!(state_of(app, &self.idp, &self.path).await, self.before);
        assert_eq!(self.idp.get("/Users").await.json["totalResults"], 1);
    }
}

both_databases! {
    async fn n01_an_operation_that_there_is_not(app) {
        let mira = Mira::of(&app, &app.org("Acme").await).await;
        for op in [json!("delete"), json!("move"), json!(""), json!(null), json!(1)] {
            is_refused(&mira.patch(json!([{ "op": op, "path": "title", "value": "x" }])).await, 400, Some("invalidSyntax"));
        }
        mira.is_as_before(&app).await;
    }

    /// Taken for no path at all, it would change the whole resource.
    async fn n02_a_path_that_cannot_be_read(app) {
        let mira = Mira::of(&app, &app.org("Acme").await).await;
        for path in ["emails[broken!!!filter", "emails[type eq \"work\"", "emails[]", "emails]", "emails[type eq \"work\"]value", "name..givenName", "a b", "members[value eq \"a\" or]"] {
            for op in ["add", "replace", "remove"] {
                is_refused(&mira.patch(json!([{ "op": op, "path": path, "value": { "active": false } }])).await, 400, Some("invalidPath"));
            }
        }
        is_refused(&mira.patch(json!([{ "op": "replace", "path": 1, "value": { "active": false } }])).await, 400, Some("invalidPath"));
        mira.is_as_before(&app).await;
    }

    async fn n03_no_operations(app) {
        let mira = Mira::of(&app, &app.org("Acme").await).await;
        for body in [json!({ "Operations": [] }), json!({ "Operations": null }), json!({ "Operations": {} }), json!({}), json!([]), json!(null), json!({ "Operations": [1] })] {
            is_refused(&mira.raw(Method::PATCH, &mira.path, body.to_string()).await, 400, Some("invalidSyntax"));
        }
        mira.is_as_before(&app).await;
    }

    async fn n04_a_removal_without_a_path(app) {
        let acme = app.org("Acme").await;
        let mira = Mira::of(&app, &acme).await;
        let engineers = group(&mira.idp, "Engineers", &[id_in(&mira.path)]).await;
        for operation in [json!({ "op": "remove" }), json!({ "op": "remove", "path": "" }), json!({ "op": "remove", "path": null, "value": { "title": "x" } }), json!({ "op": "Remove", "value": { "members": [] } })] {
            for path in [&mira.path, &engineers] {
                is_refused(&mira.idp.patch(path, json!([operation])).await, 400, Some("noTarget"));
            }
        }
        assert!(holds(&mira.idp, &engineers, &[id_in(&mira.path)]).await);
    }

    /// Understood by half, a filter would find everybody.
    async fn n05_a_filter_that_cannot_be_read(app) {
        let mira = Mira::of(&app, &app.org("Acme").await).await;
        for filter in [
            "userName regex \"x\"", "userName eq", "eq \"x\"", "userName", "userName eq \"a\" or", "userName eq \"a", "(userName eq \"a\"", "userName eq \"a\")",
            "not userName eq \"a\"", "userName eq \"a\" xor userName eq \"b\"", "userName eq \"a\" userName eq \"b\"", "emails[type eq \"work\"", "emails[emails[type eq \"x\"]]",
            "userName == \"a\"", "userName eq 'a'", "", " ", "nonsense eq \"x\"", "emails.nonsense eq \"x\"", "urn:x:y eq \"x\"", "password eq \"x\"", &"(".repeat(3_000), &format!("userName eq \"{}\"", "x".repeat(5_000)),
        ] {
            is_refused(&mira.idp.find("/Users", filter).await, 400, Some("invalidFilter"));
        }
        is_refused(&mira.idp.get("/Users?filter=userName+eq+%22a%22&filter=userName+eq+%22b%22").await, 400, Some("invalidFilter"));
    }

    async fn n06_an_order_of_what_has_none(app) {
        let mira = Mira::of(&app, &app.org("Acme").await).await;
        for filter in ["active gt true", "active ge false", "active lt true", "active le \"true\"", "active co \"tru\"", "active sw true", "active eq \"yes\"", "active eq 1", "emails[primary gt true]", "userName gt null", "meta.created gt \"yesterday\"", "meta.created co \"2026\""] {
            is_refused(&mira.idp.find("/Users", filter).await, 400, Some("invalidFilter"));
        }
    }

    async fn n07_too_many_operations_and_too_many_bytes(app) {
        let mira = Mira::of(&app, &app.org("Acme").await).await;
        let operations = |count: usize| (0..count).map(|_| json!({ "op": "replace", "path": "title", "value": "x" })).collect::<Value>();
        is_refused(&mira.patch(operations(1_001)).await, 413, None);
        mira.is_as_before(&app).await;
        assert_eq!(mira.patch(operations(1_000)).await.status, 200);
        let limit = 4 * 1024 * 1024;
        let padded = |length: usize| {
            let body = json!({ "userName": "ben@acme.test", "active": false }).to_string();
            format!("{}{body}", " ".repeat(length - body.len()))
        };
        let large = mira.raw(Method::POST, "/Users", padded(limit + 1)).await;
        is_refused(&large, 413, None);
        assert!(large.text.contains("maxPayloadSize"), "{}", large.text);
        assert_eq!(mira.raw(Method::POST, "/Users", padded(limit)).await.status, 201);
    }

    async fn n08_json_that_is_deep(app) {
        let mira = Mira::of(&app, &app.org("Acme").await).await;
        for (open, close) in [("[", "]"), ("{\"x\":", "}")] {
            let deep = format!("{}1{}", open.repeat(200), close.repeat(200));
            let body = format!("{{\"userName\":\"ben@acme.test\",\"x\":{deep}}}");
            is_refused(&mira.raw(Method::POST, "/Users", body).await, 400, Some("invalidSyntax"));
            is_refused(&mira.raw(Method::PUT, &mira.path, deep).await, 400, Some("invalidSyntax"));
        }
        is_refused(&mira.raw(Method::POST, "/Users", "[".repeat(1_000_000)).await, 400, Some("invalidSyntax"));
        mira.is_as_before(&app).await;
    }

    /// Two readers of one body must not see two requests.
    async fn n09_a_name_given_twice(app) {
        let mira = Mira::of(&app, &app.org("Acme").await).await;
        for body in [r#"{"userName":"ben","active":true,"active":false}"#, r#"{"userName":"ben","active":true,"ACTIVE":false}"#, r#"{"userName":"ben","name":{"givenName":"a","givenname":"b"}}"#] {
            is_refused(&mira.raw(Method::POST, "/Users", body).await, 400, Some("invalidSyntax"));
            is_refused(&mira.raw(Method::PUT, &mira.path, body).await, 400, Some("invalidSyntax"));
        }
        let patch = r#"{"Operations":[{"op":"replace","path":"title","value":"x"}],"operations":[{"op":"replace","path":"active","value":false}]}"#;
        is_refused(&mira.raw(Method::PATCH, &mira.path, patch).await, 400, Some("invalidSyntax"));
        mira.is_as_before(&app).await;
    }

    async fn n10_a_name_that_does_not_show_as_it_is(app) {
        let mira = Mira::of(&app, &app.org("Acme").await).await;
        for name in ["a\u{0}b", "a\u{7}b", "admin\u{202E}tset.emca", "a\u{2066}b", "a\u{200F}b", "a\u{61C}b", "a\nb"] {
            let body = json!({ "userName": name, "active": false });
            is_refused(&mira.idp.post("/Users", body.clone()).await, 400, Some("invalidValue"));
            is_refused(&mira.idp.put(&mira.path, body.clone()).await, 400, Some("invalidValue"));
            is_refused(&mira.patch(json!([{ "op": "replace", "path": "userName", "value": name }])).await, 400, Some("invalidValue"));
            is_refused(&mira.patch(json!([{ "op": "replace", "value": body }])).await, 400, Some("invalidValue"));
        }
        // U+0000 nowhere, in no spelling.
        for body in [r#"{"userName":"ben","title":"a\u0000b"}"#, r#"{"userName":"ben","x\u0000":1}"#, r#"{"userName":"ben","emails":[{"value":"a\u0000b"}]}"#] {
            is_refused(&mira.raw(Method::POST, "/Users", body).await, 400, Some("invalidValue"));
        }
        for filter in ["userName eq \"a\u{0}b\"", "userName eq \"a\\u0000b\"", "emails[type eq \"a\\u0000b\"].value eq \"x\""] {
            is_refused(&mira.idp.find("/Users", filter).await, 400, Some("invalidFilter"));
        }
        is_refused(&mira.patch(json!([{ "op": "add", "path": "emails[type eq \"a\\u0000b\"].value", "value": "x" }])).await, 400, Some("invalidPath"));
        is_refused(&mira.idp.get("/Users/%00").await, 404, None);
        mira.is_as_before(&app).await;
        // Bytes that are no text.
        is_refused(&mira.raw(Method::POST, "/Users", b"{\"userName\":\"\xff\xfe\"}".to_vec()).await, 400, Some("invalidSyntax"));
    }

    /// A filter is a value, never SQL.
    async fn n11_a_filter_with_sql_in_it(app) {
        let mira = Mira::of(&app, &app.org("Acme").await).await;
        for filter in [
            "userName eq \"a\\\" or \\\"1\\\"==\\\"1\"", "userName eq \"' OR 1=1 --\"", "userName co \"'; DROP TABLE scim_users; --\"", "externalId sw \"\\\\\"",
            "emails[type eq \"' OR '1'='1\"].value eq \"x\"", "id eq \"' OR 1=1\"", "userName co \"%\"", "userName sw \"_\"", "userName ew \"$1\"",
        ] {
            is_empty_list(&mira.idp.find("/Users", filter).await);
        }
        is_refused(&mira.idp.find("/Users", "userName eq \"a\" or 1==1").await, 400, Some("invalidFilter"));
        is_refused(&mira.idp.find("/Users", "userName' OR '1 eq \"a\"").await, 400, Some("invalidFilter"));
        let name = "mira'; DROP TABLE scim_users; --";
        let created = mira.idp.post("/Users", json!({ "userName": name, "active": false })).await;
        assert_eq!(found(&mira.idp.find("/Users", &format!("userName eq \"{name}\"")).await), [id_of(&created)]);
    }

    /// Exactly as one that was never given: whatever differed would tell who is somebody else's customer.
    async fn n12_another_organisations_id_is_like_one_that_was_never_given(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let idp = app.idp(&acme);
        let theirs = app.provision(&globex, "eve@globex.test").await.id;
        let their_group = group(&app.idp(&globex), "Theirs", &[&theirs]).await;
        let their_group = id_in(&their_group).to_owned();
        let [ben] = people(&idp).await;
        let engineers = group(&idp, "Engineers", &[&ben]).await;
        let ben_path = format!("/Users/{ben}");

        // The same requests with an id of theirs and with an id of nobody; the id itself is taken out of what comes back.
        let told = async |user: &str, group: &str| {
            let mut told = vec![];
            let mut tell = |answer: Answer| told.push((answer.status, answer.text.replace(user, "ID").replace(group, "ID")));
            let removal = json!([{ "op": "remove", "path": "title" }]);
            for path in [format!("/Users/{user}"), format!("/Groups/{group}"), format!("/Users/{group}"), format!("/Groups/{user}")] {
                tell(idp.get(&path).await);
                tell(idp.patch(&path, removal.clone()).await);
                tell(idp.put(&path, json!({ "userName": "x", "displayName": "x" })).await);
                tell(idp.delete(&path).await);
            }
            for operation in [
                json!({ "op": "add", "path": "members", "value": [{ "value": user }] }),
                json!({ "op": "remove", "path": "members", "value": [{ "value": user }] }),
                json!({ "op": "remove", "path": format!("members[value eq \"{user}\"]") }),
                json!({ "op": "replace", "value": { "members": [{ "value": user }, { "value": ben }] } }),
            ] {
                tell(idp.patch(&engineers, json!([operation])).await);
                tell(idp.get(&engineers).await);
            }
            tell(idp.find("/Groups", &format!("members eq \"{user}\"")).await);
            tell(idp.find("/Users", &format!("id eq \"{user}\"")).await);
            let managed = json!([{ "op": "add", "path": "manager", "value": user }]);
            let mut answer = idp.patch(&ben_path, managed).await;
            // Each of the two is one more change.
            answer.text = answer.json[ENTERPRISE].to_string();
            tell(answer);
            told
        };
        let of_theirs = told(&theirs, &their_group).await;
        assert_eq!(of_theirs, told(NOBODY, NOBODY).await);
        assert!(of_theirs.iter().take(16).all(|(status, _)| *status == 404));
        assert!(holds(&idp, &engineers, &[&ben]).await);
        assert!(holds(&app.idp(&globex), &format!("/Groups/{their_group}"), &[&theirs]).await, "and there nothing happened");
        assert_eq!(app.idp(&globex).get(&format!("/Users/{theirs}")).await.json["active"], true);
    }

    async fn n12_a_manager_of_another_organisation_is_found_like_one_that_was_never_given(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let idp = app.idp(&acme);
        let theirs = app.provision(&globex, "eve@globex.test").await.id;
        let [ben] = people(&idp).await;
        for id in [theirs.as_str(), NOBODY] {
            let managed = idp.patch(&format!("/Users/{ben}"), json!([{ "op": "add", "path": "manager", "value": id }])).await;
            assert_eq!(managed.json[ENTERPRISE], json!({ "manager": { "value": id } }));
            assert_eq!(found(&idp.find("/Users", &format!("manager eq \"{id}\"")).await), [&ben]);
            is_empty_list(&app.idp(&globex).find("/Users", &format!("manager eq \"{id}\"")).await);
        }
    }

    async fn n13_members_whom_nobody_knows_among_those_who_are(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let [mira, ben] = people(&idp).await;
        let path = group(&idp, "Engineers", &[NOBODY, &mira, "u_404"]).await;
        assert!(holds(&idp, &path, &[&mira]).await);
        for operations in [
            json!([{ "op": "add", "path": "members", "value": values(&[NOBODY, &ben]) }]),
            json!([{ "op": "replace", "path": "members", "value": values(&["u_404", &mira, &ben]) }]),
            json!([{ "op": "remove", "path": "members", "value": values(&["u_404", NOBODY]) }]),
        ] {
            assert_eq!(idp.patch(&path, operations.clone()).await.status, 204);
            assert!(holds(&idp, &path, &[&mira, &ben]).await, "{operations}");
        }
        assert_eq!(idp.put(&path, json!({ "displayName": "Engineers", "members": values(&[NOBODY, &ben]) })).await.status, 200);
        assert!(holds(&idp, &path, &[&ben]).await);
    }

    async fn n14_a_second_operation_that_fails_undoes_the_first(app) {
        let acme = app.org("Acme").await;
        let mira = Mira::of(&app, &acme).await;
        let browser = app.activate("mira@acme.test").await;
        let id = id_in(&mira.path).to_owned();
        for (failing, scim_type) in [
            (json!({ "op": "remove", "path": "userName" }), "mutability"),
            (json!({ "op": "replace", "path": "active", "value": "perhaps" }), "invalidValue"),
            (json!({ "op": "replace", "path": "ims[type ne \"x\"].value", "value": "x" }), "noTarget"),
        ] {
            let operations = json!([{ "op": "replace", "path": "active", "value": false }, { "op": "add", "path": "title", "value": "x" }, failing]);
            let before = state_of(&app, &mira.idp, &mira.path).await;
            is_refused(&mira.patch(operations).await, 400, Some(scim_type));
            assert_eq!(state_of(&app, &mira.idp, &mira.path).await, before);
            assert!(has_access(&browser, &acme).await, "{failing}");
        }
        let path = group(&mira.idp, "Engineers", &[&id]).await;
        for failing in [json!({ "op": "replace", "path": "displayName", "value": "" }), json!({ "op": "remove", "path": "displayName" }), json!({ "op": "replace", "path": "members.value", "value": "x" })] {
            let before = state_of(&app, &mira.idp, &path).await;
            let answer = mira.idp.patch(&path, json!([{ "op": "remove", "path": "members", "value": values(&[&id]) }, failing])).await;
            assert_eq!(answer.status, 400, "{failing}: {}", answer.text);
            assert_eq!(state_of(&app, &mira.idp, &path).await, before, "{failing}");
        }
    }

    async fn n15_what_is_read_only_addressed_by_its_path(app) {
        let acme = app.org("Acme").await;
        let mira = Mira::of(&app, &acme).await;
        let engineers = group(&mira.idp, "Engineers", &[]).await;
        let group_id = id_in(&engineers);
        let before = state_of(&app, &mira.idp, &mira.path).await;
        for (op, path, value) in [
            ("add", "groups", values(&[group_id])),
            ("replace", "groups", json!([])),
            ("remove", "groups", Value::Null),
            ("add", "groups[value eq \"x\"].value", json!("x")),
            ("replace", "id", json!(NOBODY)),
            ("replace", "meta.created", json!("2020-01-01T00:00:00Z")),
            ("remove", "userName", Value::Null),
        ] {
            is_refused(&mira.patch(json!([{ "op": op, "path": path, "value": value }])).await, 400, Some("mutability"));
        }
        assert_eq!(state_of(&app, &mira.idp, &mira.path).await, before);
        assert!(holds(&mira.idp, &engineers, &[]).await);
    }

    async fn n16_a_role_that_is_called_owner_is_a_word(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let mut body = user("mira@acme.test");
        for attribute in ["roles", "entitlements"] {
            body[attribute] = json!([{ "value": "owner", "type": "owner", "display": "Owner", "primary": true }]);
        }
        body["role"] = "owner".into();
        body["userType"] = "owner".into();
        let created = idp.post("/Users", body.clone()).await;
        let path = path_of(&created);
        app.activate("mira@acme.test").await;
        for name in ["owner", "Owners", "admin"] {
            group(&idp, name, &[id_of(&created)]).await;
        }
        idp.put(&path, body).await;
        idp.patch(&path, json!([{ "op": "add", "path": "roles", "value": [{ "value": "owner" }] }])).await;
        assert_eq!(app.member(&acme, "mira@acme.test").await["role"], "member");
        assert_eq!(app.database.number("SELECT count(*) FROM role_grants").await, 1, "the founder's");
    }

    /// Who can write the directory must not get the next password link.
    async fn n17_another_address_in_the_directory_is_not_the_accounts(app) {
        let acme = app.org("Acme").await;
        let mira = Mira::of(&app, &acme).await;
        let accounts = app.database.rows("SELECT * FROM users").await;
        let moved = user("eve@evil.test");
        for answer in [
            mira.patch(json!([{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "eve@evil.test" }])).await,
            mira.patch(json!([{ "op": "replace", "value": { "userName": "eve@evil.test" } }])).await,
            mira.idp.put(&mira.path, moved).await,
        ] {
            assert_eq!((answer.status, &answer.json["emails"][0]["value"]), (200, &"eve@evil.test".into()));
        }
        assert_eq!(app.mailed_link("eve@evil.test").await, None);
        assert_eq!(app.database.rows("SELECT * FROM users").await, accounts);
        // Nor after she left and came back.
        for active in [false, true] {
            mira.patch(json!([{ "op": "replace", "path": "active", "value": active }])).await;
        }
        assert!(app.mailed_link("mira@acme.test").await.is_some());
        assert_eq!(app.database.number("SELECT count(*) FROM users WHERE email = 'eve@evil.test'").await, 0);
    }

    async fn n18_another_address_in_one_organisation_is_nothing_to_the_other(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let (in_acme, _) = app.join(&acme, "mira@both.test").await;
        let (in_globex, browser) = app.join(&globex, "mira@both.test").await;
        let theirs = app.idp(&globex).get(&format!("/Users/{}", in_globex.id)).await.json;
        let changed = app.idp(&acme).patch(&format!("/Users/{}", in_acme.id), json!([
            { "op": "replace", "path": "emails[type eq \"work\"].value", "value": "mira@acme.test" },
            { "op": "replace", "value": { "userName": "mira@acme.test", "displayName": "Changed", "name.familyName": "Changed" } }
        ])).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        assert_eq!(app.idp(&globex).get(&format!("/Users/{}", in_globex.id)).await.json, theirs);
        assert!(has_access(&browser, &globex).await);
        assert_eq!(app.member(&globex, "mira@both.test").await["name"], "mira Olsen");
        app.sign_in("mira@both.test", PASSWORD).await;
        let stranger = app.browser().call("sign_in", &[("email", "mira@acme.test"), ("password", PASSWORD)]).await;
        assert_eq!(stranger.status, 401);
    }

    async fn n19_an_addition_without_a_path_adds(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let [mira, ben, eve] = people(&idp).await;
        let path = group(&idp, "Engineers", &[&mira, &ben]).await;
        for value in [json!({ "members": values(&[&eve]) }), json!({ "Members": values(&[&mira]) }), json!({ "members": [] }), json!({ "members": null })] {
            assert_eq!(idp.patch(&path, json!([{ "op": "add", "value": value }])).await.status, 204);
            assert!(holds(&idp, &path, &[&mira, &ben, &eve]).await, "{value}");
        }
        let user = format!("/Users/{mira}");
        for (number, address) in ["a@acme.test", "b@acme.test"].into_iter().enumerate() {
            let patched = idp.patch(&user, json!([{ "op": "Add", "value": { "emails": [{ "value": address }] } }])).await.json;
            assert_eq!(patched["emails"].as_array().unwrap().len(), number + 1);
        }
    }

    async fn n20_many_removals_in_one_request_remove_just_these(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let [mira, ben, eve, kim] = people(&idp).await;
        let path = group(&idp, "Engineers", &[&mira, &ben, &eve, &kim]).await;
        let removals: Value = [&mira, &eve].into_iter().map(|id| json!({ "op": "remove", "path": format!("members[value eq \"{id}\"]") })).collect();
        assert_eq!(idp.patch(&path, removals).await.status, 204);
        assert!(holds(&idp, &path, &[&ben, &kim]).await);
        // With filters of more than one comparison.
        let either = json!([{ "op": "remove", "path": format!("members[value eq \"{mira}\" or value eq \"{kim}\"]") }]);
        assert_eq!(idp.patch(&path, either).await.status, 204);
        assert!(holds(&idp, &path, &[&ben]).await);
    }
}
