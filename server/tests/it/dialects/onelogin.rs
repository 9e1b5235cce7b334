//! OneLogin: a template that an administrator typed, sent as plain JSON; queries that end in `&`, paths that end in `?`.

use serde_json::{Value, json};

use super::{ENTERPRISE, GROUP, USER, found, has_access, holds, id_in, id_of, is_empty_list, is_refused, path_of, people};
use crate::support::{Idp, Org, PASSWORD, TestApp, both_databases};

const FIND_MIRA: &str = "/Users?filter=userName+eq+%22mira.olsen%40acme.test%22&";

fn onelogin(app: &TestApp, org: &Org) -> Idp {
    app.idp(org).with_headers(&[("user-agent", "")]).sending("application/json")
}

/// The template with its macros expanded.
fn template(active: &str) -> Value {
    json!({
        "schemas": ["urn:scim:schemas:core:2.0", "urn:scim:schemas:extension:enterprise:2.0"],
        "userName": "mira.olsen@acme.test", "active": active, "externalId": "55120077", "id": null,
        "name": { "givenName": "Mira", "familyName": "Olsen", "formatted": "Mira Olsen" },
        "emails": [{ "value": "mira.olsen@acme.test", "primary": true }], "title": "Engineer",
        (ENTERPRISE): { "department": "R&D", "managerId": null }
    })
}

both_databases! {
    async fn onelogin_saves_its_connection_and_looks_for_somebody(app) {
        let acme = app.org("Acme").await;
        let idp = onelogin(&app, &acme);
        assert_eq!(idp.get("/ServiceProviderConfig").await.json["patch"]["supported"], true, "without PATCH it would stop");
        is_empty_list(&idp.get(FIND_MIRA).await);
        is_empty_list(&idp.get("/Groups?filter=displayName+eq+%22Acme+Engineers%22&").await);
        is_empty_list(&idp.get("/Groups?").await);
    }

    async fn onelogin_fills_a_template_with_words_for_booleans(app) {
        let acme = app.org("Acme").await;
        let idp = onelogin(&app, &acme);
        let created = idp.post("/Users", template("true")).await;
        path_of(&created);
        let user = &created.json;
        assert_eq!((&user["active"], &user["externalId"], &user["title"]), (&true.into(), &"55120077".into(), &"Engineer".into()));
        assert_eq!(user["name"], json!({ "givenName": "Mira", "familyName": "Olsen", "formatted": "Mira Olsen" }));
        assert_eq!((&user["schemas"], &user[ENTERPRISE]), (&json!([USER, ENTERPRISE]), &json!({ "department": "R&D" })));
        assert_eq!(found(&idp.get(FIND_MIRA).await), [id_of(&created)]);
        let browser = app.activate("mira.olsen@acme.test").await;
        assert!(has_access(&browser, &acme).await);
    }

    async fn onelogin_templates_may_have_an_object_for_a_list_and_holes(app) {
        let acme = app.org("Acme").await;
        let idp = onelogin(&app, &acme);
        let mut holes = template("TRUE");
        holes["emails"] = json!({ "value": "mira.olsen@acme.test" });
        holes["phoneNumbers"] = json!([{ "value": "", "type": "work" }, { "value": "+47 1" }]);
        holes["nickName"] = "".into();
        holes["externalId"] = "".into();
        holes["shoeSize"] = "38".into();
        holes["roles"] = json!({ "value": "" });
        let created = idp.post("/Users", holes.clone()).await;
        path_of(&created);
        assert_eq!(created.json["emails"], json!([{ "value": "mira.olsen@acme.test" }]));
        assert_eq!(created.json["phoneNumbers"], json!([{ "value": "+47 1" }]));
        for absent in ["externalId", "shoeSize", "roles"] {
            assert_eq!(created.json.get(absent), None, "{absent}");
        }
        // A second one without an externalId is nobody's rival.
        holes["userName"] = "ben@acme.test".into();
        holes["emails"] = json!({ "value": "ben@acme.test" });
        path_of(&idp.post("/Users", holes).await);
        assert!(app.mailed_link("ben@acme.test").await.is_some());
    }

    async fn onelogin_is_told_of_a_macro_that_it_did_not_expand(app) {
        let acme = app.org("Acme").await;
        let idp = onelogin(&app, &acme);
        let path = path_of(&idp.post("/Users", template("true")).await);
        for name in ["{$user.email}", "{$parameters.scimusername}"] {
            let mut unexpanded = template("true");
            unexpanded["userName"] = name.into();
            unexpanded["externalId"] = "another".into();
            is_refused(&idp.post("/Users", unexpanded.clone()).await, 400, Some("invalidValue"));
            is_refused(&idp.put(&format!("{path}?"), unexpanded).await, 400, Some("invalidValue"));
        }
        let users = idp.get("/Users").await;
        assert_eq!((&users.json["totalResults"], &users.json["Resources"][0]["userName"]), (&1.into(), &"mira.olsen@acme.test".into()));
    }

    async fn onelogin_suspends_and_takes_back_by_putting_the_template(app) {
        let acme = app.org("Acme").await;
        let idp = onelogin(&app, &acme);
        let path = format!("{}?", path_of(&idp.post("/Users", template("true")).await));
        let browser = app.activate("mira.olsen@acme.test").await;
        let mut renamed = template("true");
        renamed["name"]["familyName"] = "Hart".into();
        let put = idp.put(&path, renamed).await;
        assert_eq!((put.status, &put.json["name"]["familyName"], &put.json["active"]), (200, &"Hart".into(), &true.into()));
        assert!(has_access(&browser, &acme).await);
        assert_eq!(idp.put(&path, template("false")).await.json["active"], false);
        assert!(!has_access(&browser, &acme).await);
        assert_eq!(idp.get(&path).await.json["active"], false);
        // A template without data for `active` says nothing.
        let mut silent = template("true");
        silent["active"] = Value::Null;
        assert_eq!(idp.put(&path, silent).await.json["active"], false);
        assert_eq!(idp.put(&path, template("true")).await.json["active"], true);
        let back = app.sign_in("mira.olsen@acme.test", PASSWORD).await;
        assert_eq!(idp.delete(&path).await.status, 204);
        assert!(!has_access(&back, &acme).await);
        is_refused(&idp.get(&path).await, 404, None);
    }

    async fn onelogin_pushes_groups_one_member_at_a_time(app) {
        let acme = app.org("Acme").await;
        let idp = onelogin(&app, &acme).sending("application/scim+json");
        let [mira, ben] = people(&idp).await;
        let path = path_of(&idp.post("/Groups", json!({ "schemas": [GROUP], "displayName": "Acme Engineers" })).await);
        let find = idp.get("/Groups?filter=displayName+eq+%22Acme+Engineers%22&").await;
        assert_eq!(found(&find), [id_in(&path)]);
        for id in [&mira, &ben] {
            assert_eq!(idp.patch(&path, json!([{ "op": "add", "path": "members", "value": [{ "value": id }] }])).await.status, 204);
        }
        assert_eq!(idp.patch(&path, json!([{ "op": "remove", "path": format!("members[value eq \"{mira}\"]") }])).await.status, 204);
        assert!(holds(&idp, &path, &[&ben]).await);
        assert_eq!(found(&idp.get("/Groups?startIndex=1&count=100").await).len(), 1);
    }
}
