//! Okta's and Entra's sequences, as they are really sent, played through the whole router.

use http::Method;
use serde_json::{Value, json};

use crate::support::{Answer, both_databases, patch_active};

const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

fn is_empty_list(answer: &Answer) {
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(
        answer.json,
        json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"], "totalResults": 0, "startIndex": 1, "itemsPerPage": 0, "Resources": [] })
    );
}

both_databases! {
    async fn okta_tests_creates_lets_go_and_takes_back(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        // 1.1 Test API credentials
        assert_eq!(idp.get("/Users?startIndex=1&count=2").await.json["totalResults"], 0);
        is_empty_list(&idp.get("/Groups?startIndex=1&count=100").await);
        // 1.3 Match, then create
        let find = "/Users?filter=userName%20eq%20%22mira.olsen%40acme.test%22&startIndex=1&count=100";
        is_empty_list(&idp.get(find).await);
        let created = idp.post("/Users", json!({
            "schemas": [USER], "userName": "mira.olsen@acme.test", "name": { "givenName": "Mira", "familyName": "Olsen" },
            "emails": [{ "primary": true, "value": "mira.olsen@acme.test", "type": "work" }],
            "displayName": "Mira Olsen", "locale": "en-US", "externalId": "00u7k2exampleMIRA", "groups": [], "password": "1mz050nq", "active": true
        })).await;
        assert_eq!(created.status, 201, "{}", created.text);
        assert_eq!(created.headers["location"], created.json["meta"]["location"].as_str().unwrap());
        assert!(!created.text.contains("1mz050nq"));
        let path = format!("/Users/{}", created.json["id"].as_str().unwrap());
        // 1.2 Import: the first user of the list is a complete one
        let list = idp.get("/Users?startIndex=1&count=1").await.json;
        assert_eq!(list["Resources"][0], created.json);
        // The same again is a conflict
        let twice = idp.post("/Users", json!({ "schemas": [USER], "userName": "Mira.Olsen@acme.test", "externalId": "00u7k2exampleMIRA", "active": true })).await;
        assert_eq!((twice.status, &twice.json["scimType"]), (409, &"uniqueness".into()));
        // 1.5 Unassign, assign again: found by userName, inactive, and taken up
        assert_eq!(idp.patch(&path, patch_active(false)).await.json["active"], false);
        let found = idp.get(find).await.json;
        assert_eq!((&found["totalResults"], &found["Resources"][0]["active"]), (&1.into(), &false.into()));
        assert_eq!(idp.patch(&path, patch_active(true)).await.json["active"], true);
        // The same by the wizard's custom application: a PUT of what it has read, and sometimes a POST once more
        let mut whole = idp.get(&path).await.json;
        whole["active"] = false.into();
        assert_eq!(idp.put(&path, whole).await.json["active"], false);
        let posted = idp.post("/Users", json!({ "schemas": [USER], "userName": "mira.olsen@acme.test", "externalId": "00u7k2exampleMIRA", "active": true })).await;
        assert_eq!((posted.status, &posted.json["id"], &posted.json["active"]), (201, &created.json["id"], &true.into()));
    }

    async fn entra_tests_creates_disables_enables_and_deletes(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        // 2.1 Test connection; some administrators leave Entra's own flag in the URL
        is_empty_list(&idp.get("/Users?filter=userName+eq+%22f1d6c6e0-7a0b-4c2e-9a51-0d5b8a3d1a77%22").await);
        is_empty_list(&idp.get("/Users?aadOptscim062020&filter=userName+eq+%22nobody%22").await);
        is_empty_list(&idp.get("/Groups?excludedAttributes=members&filter=displayName+eq+%22f1d6c6e0%22").await);
        // 2.2 Match by whatever the administrator chose, then create
        for filter in ["userName eq \"mira.olsen@acme.test\"", "externalId eq \"mira.olsen\"", "externalId eq mira.olsen", "emails[type eq \"work\"].value eq \"mira.olsen@acme.test\""] {
            let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("filter", filter).finish();
            is_empty_list(&idp.get(&format!("/Users?{query}")).await);
        }
        let created = idp.post("/Users", json!({
            "schemas": [USER, ENTERPRISE], "externalId": "mira.olsen", "userName": "mira.olsen@acme.test", "active": true, "displayName": "Mira Olsen",
            "emails": [{ "primary": true, "type": "work", "value": "mira.olsen@acme.test" }], "meta": { "resourceType": "User" },
            "name": { "formatted": "Mira Olsen", "familyName": "Olsen", "givenName": "Mira" },
            (ENTERPRISE): { "department": "R&D", "employeeNumber": "4411" }, "roles": []
        })).await;
        assert_eq!(created.status, 201, "{}", created.text);
        assert_eq!(created.json[ENTERPRISE], json!({ "department": "R&D", "employeeNumber": "4411" }));
        for filter in ["userName eq \"MIRA.OLSEN@acme.test\"", "externalId eq \"mira.olsen\"", "emails[type eq \"work\"].value eq \"mira.olsen@ACME.test\"", "emails.value eq \"mira.olsen@acme.test\" and active eq true"] {
            let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("filter", filter).finish();
            assert_eq!(idp.get(&format!("/Users?{query}")).await.json["totalResults"], 1, "{filter}");
        }
        // The variant in its documentation: unknown attributes with null at the root, a misspelt schema
        let variant = idp.post("/Users", json!({
            "schemas": [USER, "urn:ietf:params:scim:schemas:extension:enterprise:2.0User"], "externalId": "ben", "userName": "ben@acme.test",
            "addresses": null, "phoneNumbers": null, "title": null, "department": null, "manager": null, "active": true,
            "roles": [{ "primary": "True", "type": "WindowsAzureActiveDirectoryRole", "value": "Editor", "display": "Editor" }]
        })).await;
        assert_eq!(variant.status, 201, "{}", variant.text);
        // 2.5 Disable, enable, delete
        let path = format!("/Users/{}", created.json["id"].as_str().unwrap());
        let set = |op: &str, value: &str| json!([{ "op": op, "path": "active", "value": value }]);
        assert_eq!(idp.patch(&path, set("Replace", "False")).await.json["active"], false);
        assert_eq!(idp.get(&path).await.json["active"], false, "disabled, and still there");
        assert_eq!(idp.patch(&path, set("Add", "True")).await.json["active"], true);
        assert_eq!(idp.delete(&path).await.status, 204);
        let gone = idp.get(&path).await;
        assert_eq!((gone.status, &gone.json["status"]), (404, &"404".into()));
    }

    /// SailPoint reads all of it, and each by its name.
    async fn what_resources_are_made_of_can_be_read(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let types = idp.get("/ResourceTypes").await.json;
        assert_eq!((&types["totalResults"], &types["Resources"][0]["id"], &types["Resources"][1]["id"]), (&2.into(), &"User".into(), &"Group".into()));
        for (name, schema) in [("User", USER), ("Group", "urn:ietf:params:scim:schemas:core:2.0:Group")] {
            let one = idp.get(&format!("/ResourceTypes/{name}")).await.json;
            assert_eq!((&one["schema"], &one["endpoint"]), (&schema.into(), &format!("/{name}s").into()));
            assert_eq!(idp.get(&format!("/Schemas/{schema}")).await.json["id"], schema);
        }
        let schemas = idp.get("/Schemas").await.json;
        assert_eq!(schemas["totalResults"], 3);
        assert!(!schemas.to_string().contains("\"password\""), "what is never kept is not advertised");
        assert_eq!(idp.get("/Schemas?filter=id%20eq%20%22x%22").await.status, 403);
        assert_eq!((idp.get("/Schemas/urn:x").await.status, idp.get("/ResourceTypes/Robot").await.status), (404, 404));
        assert_eq!((idp.post("/Schemas", json!({})).await.status, idp.delete("/ResourceTypes/User").await.status), (405, 405));
        assert_eq!((idp.get("/Me").await.status, idp.post("/Bulk", json!({})).await.status), (501, 501));
    }

    async fn a_search_is_a_list_whose_question_is_not_in_the_url(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        app.provision(&acme, "mira@acme.test").await;
        app.provision(&acme, "ben@acme.test").await;
        idp.post("/Groups", json!({ "displayName": "Engineers" })).await;
        let search = |filter: &str| json!({
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": filter, "attributes": ["userName", "displayName"], "startIndex": 1, "count": 10
        });
        let found = idp.post("/Users/.search", search("userName sw \"mira\"")).await;
        assert_eq!((found.status, &found.json["totalResults"], &found.json["Resources"][0]["userName"]), (200, &1.into(), &"mira@acme.test".into()));
        assert_eq!(found.json["Resources"][0].get("emails"), None);
        assert_eq!(idp.post("/Groups/.search", search("displayName eq \"engineers\"")).await.json["totalResults"], 1);
        assert_eq!(idp.post("/Users/.search", search("userName regex \"x\"")).await.json["scimType"], "invalidFilter");
    }

    async fn a_provider_says_what_it_can_do(app) {
        let acme = app.org("Acme").await;
        let config = app.idp(&acme).get("/ServiceProviderConfig").await;
        assert_eq!(config.status, 200, "{}", config.text);
        for (feature, supported) in [("patch", true), ("bulk", true), ("filter", true), ("changePassword", false), ("sort", true), ("etag", true)] {
            assert_eq!(config.json[feature]["supported"], supported, "{feature}");
        }
        assert_eq!(config.json["authenticationSchemes"][0]["type"], "oauthbearertoken");
    }

    async fn whatever_goes_wrong_is_said_in_scim(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let path = format!("/Users/{}", app.provision(&acme, "mira@acme.test").await.id);
        let send = async |method: Method, path: &str, body: String, media: &str| {
            let answer = idp.send(method, path, Some(body), media).await;
            (answer.status, answer.json["scimType"].as_str().unwrap_or_default().to_owned(), answer.json["schemas"][0].as_str().unwrap_or_default().to_owned())
        };
        const JSON: &str = "application/scim+json";
        const ERROR: &str = "urn:ietf:params:scim:api:messages:2.0:Error";
        let patch = |operations: Value| json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations }).to_string();
        let thousand_and_one: Vec<_> = (0..1_001).map(|_| json!({ "op": "replace", "path": "title", "value": "x" })).collect();
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        for (case, method, path, body, media, expected) in [
            ("not JSON", Method::POST, "/Users", "{".to_owned(), JSON, (400, "invalidSyntax")),
            ("no userName", Method::POST, "/Users", "{}".to_owned(), JSON, (400, "invalidValue")),
            ("a macro that was not expanded", Method::POST, "/Users", json!({ "userName": "{$user.email}" }).to_string(), JSON, (400, "invalidValue")),
            ("NUL", Method::POST, "/Users", "{\"userName\":\"a\\u0000b\"}".to_owned(), JSON, (400, "invalidValue")),
            ("a key twice", Method::POST, "/Users", "{\"userName\":\"a\",\"active\":true,\"active\":false}".to_owned(), JSON, (400, "invalidSyntax")),
            ("too deep", Method::POST, "/Users", format!("{{\"userName\":\"a\",\"x\":{deep}}}"), JSON, (400, "invalidSyntax")),
            ("media type", Method::POST, "/Users", "userName=a".to_owned(), "application/x-www-form-urlencoded", (415, "")),
            ("too large", Method::POST, "/Users", "x".repeat(4 * 1024 * 1024 + 1), JSON, (413, "")),
            ("too many operations", Method::PATCH, &path, patch(thousand_and_one.into()), JSON, (413, "")),
            ("no operations", Method::PATCH, &path, patch(json!([])), JSON, (400, "invalidSyntax")),
            ("an unknown operation", Method::PATCH, &path, patch(json!([{ "op": "delete", "path": "title" }])), JSON, (400, "invalidSyntax")),
            ("remove without path", Method::PATCH, &path, patch(json!([{ "op": "remove" }])), JSON, (400, "noTarget")),
            ("a broken path", Method::PATCH, &path, patch(json!([{ "op": "add", "path": "emails[broken!!!filter", "value": "x" }])), JSON, (400, "invalidPath")),
            ("read-only", Method::PATCH, &path, patch(json!([{ "op": "add", "path": "groups", "value": [{ "value": "x" }] }])), JSON, (400, "mutability")),
            ("required", Method::PATCH, &path, patch(json!([{ "op": "remove", "path": "userName" }])), JSON, (400, "mutability")),
            ("the second fails", Method::PATCH, &path, patch(json!([{ "op": "replace", "path": "title", "value": "x" }, { "op": "remove" }])), JSON, (400, "noTarget")),
            ("an unknown user", Method::PATCH, "/Users/0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10", patch(json!([{ "op": "replace", "path": "title", "value": "x" }])), JSON, (404, "")),
            ("NUL in a path", Method::PATCH, &path, patch(json!([{ "op": "add", "path": "emails[type eq \"a\\u0000b\"].value", "value": "x" }])), JSON, (400, "invalidPath")),
            ("a userName that no index holds", Method::POST, "/Users", json!({ "userName": noise(3_000) }).to_string(), JSON, (400, "invalidValue")),
            ("an externalId that no index holds", Method::POST, "/Users", json!({ "userName": "a", "externalId": noise(3_000) }).to_string(), JSON, (400, "invalidValue")),
            ("an address that no index holds", Method::PATCH, &path, patch(json!([{ "op": "add", "path": "emails", "value": [{ "value": noise(3_000) }] }])), JSON, (400, "invalidValue")),
            ("a user that fills the memory", Method::PATCH, &path, patch(json!([{ "op": "replace", "path": "title", "value": noise(200_000) }])), JSON, (400, "invalidValue")),
            ("not an id", Method::PUT, "/Users/u_01", json!({ "userName": "a" }).to_string(), JSON, (404, "")),
        ] {
            let (status, scim_type, schema) = send(method, path, body, media).await;
            assert_eq!((status, scim_type.as_str(), schema.as_str()), (expected.0, expected.1, ERROR), "{case}");
        }
        assert_eq!(idp.get(&path).await.json["title"], Value::Null, "nothing was half done");
        for (filter, scim_type) in [
            ("userName regex \"x\"", "invalidFilter"), ("active gt true", "invalidFilter"), ("nonsense eq \"x\"", "invalidFilter"),
            ("userName eq \"a\" or", "invalidFilter"),
            ("userName eq \"a\\u0000b\"", "invalidFilter"),
            ("emails[type eq \"a\\u0000b\"].value eq \"x\"", "invalidFilter"), (&"(".repeat(3_000), "invalidFilter"),
            // Understood, and not searchable yet: refused, never "all" or "none".
            ("title eq \"x\"", "invalidFilter"),
        ] {
            let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("filter", filter).finish();
            let answer = idp.get(&format!("/Users?{query}")).await;
            assert_eq!((answer.status, answer.json["scimType"].as_str().unwrap_or_default()), (400, scim_type), "{filter}");
        }
        // N11: a filter is a value, never SQL.
        let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("filter", "userName eq \"a\\\" or \\\"1\\\"==\\\"1\"").finish();
        is_empty_list(&idp.get(&format!("/Users?{query}")).await);
        assert_eq!(idp.get("/Users?startIndex=x").await.status, 400);
    }
}

/// Text that does not compress, so that its length counts wherever it is kept.
fn noise(length: usize) -> String {
    let mut state = 1_u64;
    let letters = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'a' + u8::try_from((state >> 33) % 26).unwrap())
    });
    letters.take(length).collect()
}
