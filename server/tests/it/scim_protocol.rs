//! What belongs to the protocol and to no identity provider in particular: discovery, searches, limits.

use http::Method;
use serde_json::{Value, json};

use crate::support::both_databases;

both_databases! {
    async fn what_discovery_does_not_offer_is_refused(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        for path in ["/Schemas", "/ResourceTypes", "/ServiceProviderConfig", "/ResourceTypes/User", "/Schemas/urn:ietf:params:scim:schemas:core:2.0:User"] {
            assert_eq!(idp.get(&format!("{path}?filter=id%20eq%20%22x%22")).await.status, 403, "{path}");
            assert_eq!(idp.get(&format!("{path}?sortBy=id&count=1")).await.status, 200, "{path}");
        }
        assert_eq!((idp.get("/Schemas/urn:x").await.status, idp.get("/ResourceTypes/Robot").await.status), (404, 404));
        assert_eq!((idp.post("/Schemas", json!({})).await.status, idp.delete("/ResourceTypes/User").await.status), (405, 405));
        assert_eq!(idp.get("/Me").await.status, 501);
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
        for (case, method, path, body, media, expected) in [
            ("not JSON", Method::POST, "/Users", "{".to_owned(), JSON, (400, "invalidSyntax")),
            ("no userName", Method::POST, "/Users", "{}".to_owned(), JSON, (400, "invalidValue")),
            ("media type", Method::POST, "/Users", "userName=a".to_owned(), "application/x-www-form-urlencoded", (415, "")),
            ("an unknown user", Method::PATCH, "/Users/0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10", patch(json!([{ "op": "replace", "path": "title", "value": "x" }])), JSON, (404, "")),
            ("a userName that no index holds", Method::POST, "/Users", json!({ "userName": noise(3_000) }).to_string(), JSON, (400, "invalidValue")),
            ("an externalId that no index holds", Method::POST, "/Users", json!({ "userName": "a", "externalId": noise(3_000) }).to_string(), JSON, (400, "invalidValue")),
            ("a user that fills the memory", Method::PATCH, &path, patch(json!([{ "op": "replace", "path": "title", "value": noise(200_000) }])), JSON, (400, "invalidValue")),
            ("not an id", Method::PUT, "/Users/u_01", json!({ "userName": "a" }).to_string(), JSON, (404, "")),
        ] {
            let (status, scim_type, schema) = send(method, path, body, media).await;
            assert_eq!((status, scim_type.as_str(), schema.as_str()), (expected.0, expected.1, ERROR), "{case}");
        }
        assert_eq!(idp.get(&path).await.json["title"], Value::Null, "nothing was half done");
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
