//! Microsoft Entra ID, with and without `?aadOptscim062020`: operations in any case, "True" and "False" as words, values
//! that a path selects and that are not there yet, and members removed by a list beside the path.

use serde_json::{Value, json};

use super::{
    ENTERPRISE, GROUP, NOBODY, USER, found, group, has_access, holds, id_in, id_of, is_empty_list, is_refused, path_of, people, state_of,
    values,
};
use crate::support::{Idp, Org, PASSWORD, TestApp, both_databases, filtered};

/// The administrator left the flag in the tenant's URL, so it comes with every request.
const FLAG: &str = "aadOptscim062020";

fn entra(app: &TestApp, org: &Org) -> Idp {
    app.idp(org).sending("application/scim+json; charset=utf-8")
}

fn mira() -> Value {
    json!({
        "schemas": [USER, ENTERPRISE], "externalId": "mira.olsen", "userName": "mira.olsen@acme.test", "active": true,
        "displayName": "Mira Olsen", "emails": [{ "primary": true, "type": "work", "value": "mira.olsen@acme.test" }],
        "meta": { "resourceType": "User" }, "name": { "formatted": "Mira Olsen", "familyName": "Olsen", "givenName": "Mira" },
        (ENTERPRISE): { "department": "R&D", "employeeNumber": "4411" }, "roles": []
    })
}

fn one(op: &str, path: &str, value: impl Into<Value>) -> Value {
    json!([{ "op": op, "path": path, "value": value.into() }])
}

/// A removal or addition in the default dialect.
fn member(op: &str, id: &str) -> Value {
    json!([{ "op": op, "path": "members", "value": [{ "$ref": null, "value": id }] }])
}

both_databases! {
    /// §2.1: whatever is no empty list fails the test of the connection.
    async fn entra_tests_its_connection_with_a_name_that_nobody_has(app) {
        let acme = app.org("Acme").await;
        let idp = entra(&app, &acme);
        is_empty_list(&idp.get("/Users?filter=userName+eq+%22f1d6c6e0-7a0b-4c2e-9a51-0d5b8a3d1a77%22").await);
        is_empty_list(&idp.get("/Groups?excludedAttributes=members&filter=displayName+eq+%22f1d6c6e0-7a0b-4c2e-9a51-0d5b8a3d1a77%22").await);
        // Without a secret, Entra sends a token of its own.
        let own = entra(&app, &acme).with_authorization(Some("Bearer eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL3N0cy53aW5kb3dzLm5ldC94LyJ9.c2ln"));
        is_refused(&own.get("/Users").await, 401, None);
    }

    /// §2.2
    async fn entra_matches_by_what_the_administrator_chose_and_then_creates(app) {
        let acme = app.org("Acme").await;
        let idp = entra(&app, &acme);
        let filters = [
            "userName eq \"mira.olsen@acme.test\"", "externalId eq \"mira.olsen\"", "externalId eq mira.olsen",
            "emails[type eq \"work\"].value eq \"mira.olsen@acme.test\"", "emails[type eq \"work\" and primary eq true].value eq \"mira.olsen@acme.test\"",
        ];
        for filter in filters {
            is_empty_list(&idp.find("/Users", filter).await);
        }
        let created = idp.post("/Users", mira()).await;
        path_of(&created);
        assert_eq!(created.json[ENTERPRISE], json!({ "department": "R&D", "employeeNumber": "4411" }));
        assert_eq!(created.json["schemas"], json!([USER, ENTERPRISE]));
        for filter in filters.into_iter().chain([
            "userName eq \"MIRA.OLSEN@acme.test\"", "UserName EQ \"mira.olsen@acme.test\"", "emails[type eq \"work\"].value eq \"mira.olsen@ACME.test\"",
            "emails.value eq \"mira.olsen@acme.test\" and active eq true", "userName eq \"mira.olsen@acme.test\" And active eq \"True\"",
        ]) {
            assert_eq!(found(&idp.find("/Users", filter).await), [id_of(&created)], "{filter}");
        }
        for filter in ["externalId eq \"MIRA.OLSEN\"", "emails[type eq \"home\"].value eq \"mira.olsen@acme.test\""] {
            is_empty_list(&idp.find("/Users", filter).await);
        }
        let browser = app.activate("mira.olsen@acme.test").await;
        assert!(has_access(&browser, &acme).await);
    }

    /// §2.2: the body that its documentation shows has nulls at the root, and schemas that nobody knows.
    async fn entra_creates_from_the_body_in_its_documentation(app) {
        let acme = app.org("Acme").await;
        let created = entra(&app, &acme).post("/Users", json!({
            "schemas": [USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0User"], "externalId": "ben", "userName": "ben@acme.test",
            "addresses": null, "phoneNumbers": null, "title": null, "department": null, "manager": null, "active": "True",
            (ENTERPRISE): { "department": "R&D", "manager": null }
        })).await;
        path_of(&created);
        assert_eq!((&created.json["active"], &created.json["schemas"]), (&true.into(), &json!([USER, ENTERPRISE])));
        assert_eq!(created.json[ENTERPRISE], json!({ "department": "R&D" }));
        for cleared in ["addresses", "phoneNumbers", "title", "department", "manager"] {
            assert_eq!(created.json.get(cleared), None, "{cleared}");
        }
    }

    /// §2.2, §2.4: one per value, by a filter that compares a boolean with a word, or JSON packed into a string.
    async fn entra_sends_roles_in_every_form_and_they_grant_nothing(app) {
        let acme = app.org("Acme").await;
        let idp = entra(&app, &acme);
        let packed = |role: &str| json!({ "id": "a1", "value": role, "displayName": role }).to_string();
        let whole = json!([{ "primary": "True", "type": "WindowsAzureActiveDirectoryRole", "value": "owner", "display": "owner" }]);
        let mut body = mira();
        body["roles"] = whole;
        let created = idp.post("/Users", body).await;
        let path = path_of(&created);
        let role = |value: &str| json!([{ "primary": true, "type": "WindowsAzureActiveDirectoryRole", "value": value, "display": "owner" }]);
        assert_eq!(created.json["roles"], role("owner"));
        app.activate("mira.olsen@acme.test").await;
        for (operations, expected) in [
            (one("Add", "roles[primary eq \"True\"].value", "admin"), role("admin")),
            (one("Replace", "roles", json!([{ "value": packed("owner") }])), json!([{ "value": packed("owner") }])),
            (one("Add", "roles", json!([{ "value": packed("admin") }])), json!([{ "value": packed("owner") }, { "value": packed("admin") }])),
            (json!([{ "op": "replace", "value": { "roles": [{ "value": packed("auditor") }] } }]), json!([{ "value": packed("auditor") }])),
            (json!([{ "op": "Remove", "path": "roles" }]), Value::Null),
        ] {
            let patched = idp.patch(&path, operations.clone()).await;
            assert_eq!((patched.status, &patched.json["roles"]), (200, &expected), "{operations}");
            assert_eq!(app.member(&acme, "mira.olsen@acme.test").await["role"], "member", "{operations}");
        }
    }

    /// §2.4
    async fn entra_changes_each_attribute_by_its_path(app) {
        let acme = app.org("Acme").await;
        let idp = entra(&app, &acme);
        let boss = path_of(&idp.post("/Users", json!({ "userName": "boss@acme.test", "active": false })).await);
        let boss = id_in(&boss);
        let path = path_of(&idp.post("/Users", mira()).await);
        let patched = idp.patch(&path, json!([
            { "op": "Replace", "path": "displayName", "value": "Mira Hart" },
            { "op": "Replace", "path": "name.familyName", "value": "Hart" },
            { "op": "Replace", "path": "emails[type eq \"work\"].value", "value": "mira.hart@acme.test" },
            { "op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+47 400 00 001" },
            { "op": "Add", "path": "addresses[type eq \"work\"].locality", "value": "Oslo" },
            { "op": "Add", "path": "addresses[type eq \"work\"].country", "value": "Norway" },
            { "op": "Add", "path": format!("{ENTERPRISE}:department"), "value": "Design" },
            { "op": "Add", "path": format!("{ENTERPRISE}:manager"), "value": boss },
            { "op": "Replace", "path": "userName", "value": "mira.hart@acme.test" }
        ])).await;
        assert_eq!(patched.status, 200, "{}", patched.text);
        let user = idp.get(&path).await.json;
        assert_eq!(patched.json, user);
        for (pointer, expected) in [
            ("/displayName", json!("Mira Hart")),
            ("/userName", json!("mira.hart@acme.test")),
            ("/name", json!({ "formatted": "Mira Olsen", "familyName": "Hart", "givenName": "Mira" })),
            ("/emails", json!([{ "primary": true, "type": "work", "value": "mira.hart@acme.test" }])),
            ("/phoneNumbers", json!([{ "type": "mobile", "value": "+47 400 00 001" }])),
            ("/addresses", json!([{ "type": "work", "locality": "Oslo", "country": "Norway" }])),
        ] {
            assert_eq!(user.pointer(pointer), Some(&expected), "{pointer}");
        }
        assert_eq!(user[ENTERPRISE], json!({ "department": "Design", "employeeNumber": "4411", "manager": { "value": boss } }));
        is_empty_list(&idp.find("/Users", "userName eq \"mira.olsen@acme.test\"").await);
        assert_eq!(found(&idp.find("/Users", "emails[type eq \"work\"].value eq \"mira.hart@acme.test\"").await), [id_in(&path)]);
    }

    /// §2.4: RFC 7644 §3.5.2.3 would have a 400 here, and Entra would never get over it.
    async fn entra_replaces_a_value_that_is_not_there_and_it_comes_to_be(app) {
        let acme = app.org("Acme").await;
        let idp = entra(&app, &acme);
        let mut body = mira();
        body.as_object_mut().unwrap().remove("emails");
        let path = path_of(&idp.post("/Users", body).await);
        let work = json!({ "type": "work", "value": "mira@acme.test" });
        assert_eq!(idp.patch(&path, one("Replace", "emails[type eq \"work\"].value", "mira@acme.test")).await.json["emails"], json!([work]));
        let other = json!({ "type": "other", "value": "mira@home.test" });
        assert_eq!(idp.patch(&path, one("Add", "emails[type eq \"other\"].value", "mira@home.test")).await.json["emails"], json!([work, other]));
        let primary = json!([{ "type": "mobile", "primary": true, "value": "+47 1" }]);
        assert_eq!(idp.patch(&path, one("Replace", "phoneNumbers[type eq \"mobile\" and primary eq true].value", "+47 1")).await.json["phoneNumbers"], primary);
        assert_eq!(found(&idp.find("/Users", "emails[type eq \"other\"].value eq \"mira@home.test\"").await).len(), 1);
        // What no new value could fulfil is refused, and nothing is half done.
        let before = state_of(&app, &idp, &path).await;
        let without_target = json!([{ "op": "Replace", "path": "title", "value": "Engineer" }, { "op": "Replace", "path": "ims[type ne \"aim\"].value", "value": "x" }]);
        is_refused(&idp.patch(&path, without_target).await, 400, Some("noTarget"));
        assert_eq!(state_of(&app, &idp, &path).await, before);
    }

    /// §2.4
    async fn entra_sends_the_manager_in_every_form(app) {
        let acme = app.org("Acme").await;
        let idp = entra(&app, &acme);
        let [boss] = people(&idp).await;
        let path = path_of(&idp.post("/Users", mira()).await);
        let full = format!("{ENTERPRISE}:manager");
        let reference = format!("https://id.rollcall.test/scim/{}/v2/Users/{boss}", acme.id);
        for (op, at, value) in [
            ("Add", full.as_str(), json!(boss)),
            ("Replace", full.as_str(), json!({ "value": boss })),
            ("Add", "manager", json!([{ "$ref": reference, "value": boss }])),
            ("Add", "manager", json!(boss)),
            ("Add", &format!("{full}.value"), json!(boss)),
            // An id that is nobody's: kept as sent, and nothing is told.
            ("Replace", full.as_str(), json!(NOBODY)),
        ] {
            let patched = idp.patch(&path, one(op, at, value.clone())).await;
            let expected = if value == NOBODY { NOBODY } else { &boss };
            assert_eq!((patched.status, &patched.json[ENTERPRISE]["manager"]["value"]), (200, &json!(expected)), "{at} {value}");
        }
        for nobody in [one("Replace", &full, ""), one("Replace", &full, Value::Null), one("Add", "manager", json!([])), json!([{ "op": "Remove", "path": full }])] {
            idp.patch(&path, one("Add", &full, boss.as_str())).await;
            let patched = idp.patch(&path, nobody.clone()).await;
            assert_eq!((patched.status, patched.json[ENTERPRISE].get("manager")), (200, None), "{nobody}");
            assert_eq!(patched.json[ENTERPRISE]["department"], "R&D", "what stands beside it stays");
        }
    }

    /// §2.5: Entra does not send her memberships again when she comes back.
    async fn entra_disables_and_enables_with_words_and_her_groups_keep_her(app) {
        let acme = app.org("Acme").await;
        let idp = entra(&app, &acme);
        let created = idp.post("/Users", mira()).await;
        let (path, id) = (path_of(&created), id_of(&created));
        let engineers = group(&idp, "Acme Engineers", &[id]).await;
        let mut browser = app.activate("mira.olsen@acme.test").await;
        for (off, on) in [("False", "True"), ("false", "true"), ("FALSE", "TRUE")] {
            let disabled = idp.patch(&path, one("Replace", "active", off)).await;
            assert_eq!((disabled.status, &disabled.json["active"]), (200, &false.into()));
            assert!(!has_access(&browser, &acme).await, "{off}");
            assert_eq!(idp.get(&path).await.json["active"], false, "disabled, and still there");
            assert_eq!(found(&idp.find("/Users", "userName eq \"mira.olsen@acme.test\"").await), [id]);
            assert!(holds(&idp, &engineers, &[id]).await);

            assert_eq!(idp.patch(&path, one("Add", "active", on)).await.json["active"], true);
            assert!(holds(&idp, &engineers, &[id]).await);
            browser = app.sign_in("mira.olsen@acme.test", PASSWORD).await;
            assert!(has_access(&browser, &acme).await, "{on}");
        }
        let before = state_of(&app, &idp, &path).await;
        assert_eq!(idp.patch(&path, one("Replace", "active", "True")).await.status, 200);
        assert_eq!(state_of(&app, &idp, &path).await, before);
        for neither in ["yes", "1", ""] {
            is_refused(&idp.patch(&path, one("Replace", "active", neither)).await, 400, Some("invalidValue"));
        }
        assert!(has_access(&browser, &acme).await);
    }

    /// §2.5: thirty days after she was disabled.
    async fn entra_deletes_for_good_and_may_create_her_again(app) {
        let acme = app.org("Acme").await;
        let idp = entra(&app, &acme);
        let path = path_of(&idp.post("/Users", mira()).await);
        let engineers = group(&idp, "Acme Engineers", &[id_in(&path)]).await;
        let browser = app.activate("mira.olsen@acme.test").await;
        let deleted = idp.delete(&path).await;
        assert_eq!((deleted.status, deleted.text.as_str()), (204, ""));
        assert!(!has_access(&browser, &acme).await);
        for gone in [idp.get(&path).await, idp.patch(&path, one("Replace", "active", "True")).await, idp.put(&path, mira()).await, idp.delete(&path).await] {
            is_refused(&gone, 404, None);
        }
        is_empty_list(&idp.find("/Users", "userName eq \"mira.olsen@acme.test\"").await);
        assert!(holds(&idp, &engineers, &[]).await);
        let again = idp.post("/Users", mira()).await;
        assert_ne!(path_of(&again), path, "an id is never given twice");
        assert!(!has_access(&browser, &acme).await);
    }

    /// §2.6
    async fn entra_pushes_a_group_without_reading_its_members(app) {
        let acme = app.org("Acme").await;
        let idp = entra(&app, &acme);
        let [mira, ben] = people(&idp).await;
        let find = format!("/Groups?excludedAttributes=members&{}", filtered("displayName eq \"Acme Engineers\""));
        is_empty_list(&idp.get(&find).await);
        let created = idp.post("/Groups", json!({
            "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
            "externalId": "8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159", "displayName": "Acme Engineers", "meta": { "resourceType": "Group" }
        })).await;
        let path = path_of(&created);
        assert_eq!((&created.json["externalId"], &created.json["schemas"]), (&"8aa1a0c0-c4c3-4bc0-b4a5-2ef676900159".into(), &json!([GROUP])));
        for id in [&mira, &ben] {
            let added = idp.patch(&path, member("Add", id)).await;
            assert_eq!((added.status, added.text.as_str()), (204, ""));
        }
        assert!(holds(&idp, &path, &[&mira, &ben]).await);
        let without = idp.get(&format!("{path}?excludedAttributes=members")).await;
        assert_eq!((without.status, without.json.get("members"), &without.json["displayName"]), (200, None, &"Acme Engineers".into()));
        let listed = idp.get(&find).await;
        assert_eq!((found(&listed), listed.json["Resources"][0].get("members")), (vec![id_of(&created)], None));
        assert_eq!(idp.patch(&path, one("Replace", "displayName", "Acme Eng")).await.status, 204);
        let asked = idp.patch(&format!("{path}?attributes=displayName"), one("Replace", "displayName", "Acme Engineers")).await;
        assert_eq!((asked.status, &asked.json["displayName"], asked.json.get("members")), (200, &"Acme Engineers".into(), None));
        assert!(holds(&idp, &path, &[&mira, &ben]).await);
        assert_eq!(idp.delete(&path).await.status, 204);
        is_refused(&idp.get(&path).await, 404, None);
    }

    /// §2.6: by the letter of RFC 7644 all of them would go.
    async fn entra_removes_just_the_members_it_names(app) {
        let acme = app.org("Acme").await;
        let idp = entra(&app, &acme);
        let [mira, ben, eve, kim] = people(&idp).await;
        let path = group(&idp, "Acme Engineers", &[&mira, &ben, &eve, &kim]).await;
        assert_eq!(idp.patch(&path, member("Remove", &mira)).await.status, 204);
        assert!(holds(&idp, &path, &[&ben, &eve, &kim]).await);
        let before = state_of(&app, &idp, &path).await;
        // Once more, and some who never were there.
        for nobody in [&mira, NOBODY, "u_404"] {
            assert_eq!(idp.patch(&path, member("Remove", nobody)).await.status, 204);
            assert_eq!(state_of(&app, &idp, &path).await, before, "{nobody}");
        }
        assert_eq!(idp.patch(&path, json!([{ "op": "Remove", "path": "members", "value": values(&[&ben, &eve]) }])).await.status, 204);
        assert!(holds(&idp, &path, &[&kim]).await);
        // A value that names nobody says nothing about everybody.
        for strange in [json!([{ "$ref": null }]), json!([{ "value": null }]), json!(["", ""])] {
            let answer = idp.patch(&path, json!([{ "op": "Remove", "path": "members", "value": strange }])).await;
            assert_eq!(answer.status, 400, "{strange}");
            assert!(holds(&idp, &path, &[&kim]).await, "{strange}");
        }
    }

    /// §2.3: is the reference there already?
    async fn entra_checks_a_membership_without_reading_the_members(app) {
        let acme = app.org("Acme").await;
        let idp = entra(&app, &acme);
        let [mira, ben] = people(&idp).await;
        let path = group(&idp, "Acme Engineers", &[&mira]).await;
        let id = id_in(&path);
        for (filter, expected) in [
            (format!("id eq \"{id}\" and members eq \"{mira}\""), 1),
            (format!("id eq \"{id}\" and members eq \"{ben}\""), 0),
            (format!("id eq \"{id}\" and members eq \"u_404\""), 0),
            (format!("id eq \"{id}\" and members.value eq \"{mira}\""), 1),
            (format!("id eq \"{NOBODY}\" and members eq \"{mira}\""), 0),
            (format!("members[value eq \"{mira}\"]"), 1),
        ] {
            let answer = idp.get(&format!("/Groups?{}&excludedAttributes=members", filtered(&filter))).await;
            assert_eq!(found(&answer).len(), expected, "{filter}");
            assert!(expected == 0 || answer.json["Resources"][0].get("members").is_none(), "{filter}");
        }
    }

    /// §2.3: `manager` without its sub-attribute, with and without the URN.
    async fn entra_checks_a_manager_without_reading_the_user(app) {
        let acme = app.org("Acme").await;
        let idp = entra(&app, &acme);
        let [boss, other] = people(&idp).await;
        let path = path_of(&idp.post("/Users", mira()).await);
        let id = id_in(&path);
        idp.patch(&path, one("Add", &format!("{ENTERPRISE}:manager"), boss.as_str())).await;
        for manager in ["manager".to_owned(), "manager.value".to_owned(), format!("{ENTERPRISE}:manager"), format!("{ENTERPRISE}:manager.value")] {
            for (who, expected) in [(boss.as_str(), 1), (&other, 0), ("u_09", 0)] {
                let answer = idp.get(&format!("/Users?{}&attributes=id", filtered(&format!("id eq \"{id}\" and {manager} eq \"{who}\"")))).await;
                assert_eq!(found(&answer).len(), expected, "{manager} {who}");
                assert!(expected == 0 || answer.json["Resources"][0].get("userName").is_none(), "just the id was asked for");
            }
        }
        idp.patch(&path, json!([{ "op": "Remove", "path": format!("{ENTERPRISE}:manager") }])).await;
        is_empty_list(&idp.find("/Users", &format!("id eq \"{id}\" and manager eq \"{boss}\"")).await);
    }

    /// §2.2: the matching attribute can be any that is mapped.
    async fn entra_matches_by_attributes_of_every_kind(app) {
        let acme = app.org("Acme").await;
        let idp = entra(&app, &acme);
        people::<1>(&idp).await;
        let mut body = mira();
        body["title"] = "Engineer".into();
        body["roles"] = json!([{ "primary": "True", "value": "Editor" }]);
        let created = idp.post("/Users", body).await;
        path_of(&created);
        for filter in [
            format!("{ENTERPRISE}:employeeNumber eq \"4411\""), format!("{ENTERPRISE}:employeeNumber eq 4411 and active eq true"),
            "displayName eq \"mira olsen\"".to_owned(), "name.familyName eq \"Olsen\"".to_owned(), "title eq \"ENGINEER\"".to_owned(),
            "roles[primary eq \"True\"].value eq \"Editor\"".to_owned(), "title eq \"Engineer\" and name.givenName eq \"Mira\"".to_owned(),
        ] {
            assert_eq!(found(&idp.find("/Users", &filter).await), [id_of(&created)], "{filter}");
        }
        for filter in [format!("{ENTERPRISE}:employeeNumber eq \"441\""), "title eq \"Engineers\"".to_owned(), "roles[primary eq \"False\"].value eq \"Editor\"".to_owned()] {
            is_empty_list(&idp.find("/Users", &filter).await);
        }
    }

    /// §2.7
    async fn entra_with_its_flag_sends_attributes_without_paths(app) {
        let acme = app.org("Acme").await;
        let idp = entra(&app, &acme).with_flag(FLAG);
        let [boss] = people(&idp).await;
        let path = path_of(&idp.post("/Users", mira()).await);
        let browser = app.activate("mira.olsen@acme.test").await;
        idp.patch(&path, one("Add", &format!("{ENTERPRISE}:manager"), boss.as_str())).await;
        let number = format!("{ENTERPRISE}:employeeNumber");
        let patched = idp.patch(&path, json!([
            { "op": "replace", "value": { "displayName": "Mira Hart", "name.givenName": "Mia", (number): "4412", "active": false } },
            { "op": "replace", "path": "emails[type eq \"work\"].value", "value": "mira.hart@acme.test" },
            { "op": "remove", "path": format!("{ENTERPRISE}:manager") }
        ])).await;
        assert_eq!(patched.status, 200, "{}", patched.text);
        let user = idp.get(&path).await.json;
        assert_eq!((&user["displayName"], &user["active"], &user["emails"][0]["value"]), (&"Mira Hart".into(), &false.into(), &"mira.hart@acme.test".into()));
        assert_eq!(user["name"], json!({ "formatted": "Mira Olsen", "familyName": "Olsen", "givenName": "Mia" }));
        assert_eq!(user[ENTERPRISE], json!({ "department": "R&D", "employeeNumber": "4412" }));
        assert!(!has_access(&browser, &acme).await);
        // The extension as an object, and names with the core schema's URN in front.
        let patched = idp.patch(&path, json!([{ "op": "add", "value": {
            (format!("{USER}:title")): "Engineer", (ENTERPRISE): { "costCenter": "9" }, "emails[type eq \"home\"].value": "mira@home.test"
        } }])).await.json;
        assert_eq!((&patched["title"], &patched["emails"][1]), (&"Engineer".into(), &json!({ "type": "home", "value": "mira@home.test" })));
        assert_eq!(patched[ENTERPRISE], json!({ "department": "R&D", "employeeNumber": "4412", "costCenter": "9" }));
    }

    /// §2.7: on demand, Entra ignores its own flag, so both come from one tenant.
    async fn entra_mixes_both_dialects_in_one_tenant(app) {
        let acme = app.org("Acme").await;
        let (old, new) = (entra(&app, &acme), entra(&app, &acme).with_flag(FLAG));
        let [mira, ben, eve] = people(&old).await;
        let path = group(&old, "Acme Engineers", &[]).await;
        let by_path = |id: &str| json!([{ "op": "remove", "path": format!("members[value eq \"{id}\"]") }]);
        for id in [&mira, &ben, &eve] {
            assert_eq!(old.patch(&path, member("Add", id)).await.status, 204);
        }
        assert_eq!(new.patch(&path, by_path(&mira)).await.status, 204);
        assert!(holds(&new, &path, &[&ben, &eve]).await);
        assert_eq!(new.patch(&path, by_path(&mira)).await.status, 204, "again is nothing");
        assert_eq!(old.patch(&path, member("Remove", &ben)).await.status, 204);
        assert!(holds(&old, &path, &[&eve]).await);
        assert_eq!(new.patch(&path, json!([{ "op": "add", "path": "members", "value": values(&[&mira]) }])).await.status, 204);
        assert!(holds(&old, &path, &[&mira, &eve]).await);

        let user = format!("/Users/{mira}");
        for (idp, operations, active) in [
            (&old, one("Replace", "active", "True"), true),
            (&new, json!([{ "op": "replace", "value": { "active": false } }]), false),
            (&old, one("Add", "active", "True"), true),
            (&new, one("replace", "active", false), false),
        ] {
            assert_eq!(idp.patch(&user, operations).await.json["active"], active);
            assert_eq!(old.get(&user).await.json["active"], active);
        }
    }

    /// §2.7: Entra reads its flag itself, but some tenants send it on.
    async fn entra_leaves_its_flag_in_the_url_of_every_request(app) {
        let acme = app.org("Acme").await;
        for flag in [FLAG, "AzureAdScimPatch2017", "aadOptscim062020=true&unknown=1"] {
            let idp = entra(&app, &acme).with_flag(flag);
            is_empty_list(&idp.find("/Users", "userName eq \"mira.olsen@acme.test\"").await);
            let created = idp.post("/Users", mira()).await;
            let path = path_of(&created);
            assert_eq!(created.headers["location"].to_str().unwrap().split_once('?'), None);
            let engineers = group(&idp, "Acme Engineers", &[id_of(&created)]).await;
            assert_eq!(idp.get(&path).await.status, 200);
            assert_eq!(idp.put(&path, mira()).await.status, 200);
            assert_eq!(idp.patch(&path, one("Replace", "title", "Engineer")).await.json["title"], "Engineer");
            assert_eq!(idp.patch(&engineers, member("Remove", id_of(&created))).await.status, 204);
            assert_eq!(idp.get("/ServiceProviderConfig").await.status, 200);
            assert_eq!((idp.delete(&engineers).await.status, idp.delete(&path).await.status), (204, 204));
        }
    }

    /// §2.8: the name of a guest has a `#`, which ends a URL where it is not encoded.
    async fn entra_guests_are_found_by_the_name_with_the_hash(app) {
        let acme = app.org("Acme").await;
        let idp = entra(&app, &acme);
        let name = "mira_partner.test#EXT#@acme.onmicrosoft.test";
        let mut guest = mira();
        guest["userName"] = name.into();
        guest["externalId"] = "guest-1".into();
        guest["emails"][0]["value"] = "mira@partner.test".into();
        let created = idp.post("/Users", guest).await;
        path_of(&created);
        assert_eq!(created.json["userName"], name);
        assert_eq!(found(&idp.get("/Users?filter=userName+eq+%22mira_partner.test%23EXT%23%40acme.onmicrosoft.test%22").await), [id_of(&created)]);
        assert_eq!(found(&idp.find("/Users", &format!("userName eq \"{}\"", name.to_lowercase())).await), [id_of(&created)]);
        // Her mail goes to the address that she has.
        assert_eq!(app.mailed_link(name).await, None);
        assert!(app.member(&acme, "mira@partner.test").await["access"]["ActivationSent"]["at"].is_number());
    }

    /// §2.8: such a name looks like an address and is none.
    async fn entra_guests_without_an_address_are_not_mailed_at_their_names(app) {
        let acme = app.org("Acme").await;
        let name = "mira_partner.test#EXT#@acme.onmicrosoft.test";
        path_of(&entra(&app, &acme).post("/Users", json!({ "schemas": [USER], "userName": name, "externalId": "guest-1", "active": true })).await);
        assert_eq!(app.mailed_link(name).await, None);
        assert_eq!(app.database.number("SELECT count(*) FROM users WHERE email IS NULL AND live_memberships = 1").await, 1, "single sign-on only");
    }
}
