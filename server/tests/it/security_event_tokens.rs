//! Events as Security Event Tokens (RFC 8417): whom they convince, and whom they do not.

use std::{collections::BTreeMap, time::Duration};

use jsonwebtoken::{Algorithm, DecodingKey, Validation, jwk::JwkSet};
use serde_json::{Value, json};

use crate::support::{Receiver, Reply, both_databases, patch_active};

both_databases! {
    /// Security Event Tokens: signed with the published key, and of use as nothing else.
    async fn security_event_tokens_verify_with_the_published_key_and_pass_for_nothing_else(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let receiver = Receiver::start().await;
        let (endpoint, secret) = app.endpoint(&acme, &owner, &receiver.url, &[("format", "set")]).await;
        assert_eq!(secret, "", "the key is public: there is no secret to show");
        let (person, _) = app.join(&acme, "mira@acme.test").await;
        app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(false)).await;
        owner.call("test_webhook", &[("org", "acme"), ("endpoint", &endpoint)]).await;
        receiver.will([Reply::With(400, vec![("content-type", "application/json".to_owned())], br#"{"err":"invalid_audience"}"#.to_vec())]);
        app.deliver().await;
        app.advance(Duration::from_secs(5));
        app.deliver().await;

        let keys: JwkSet = serde_json::from_str(&app.browser().get("/.well-known/jwks.json").await.text).unwrap();
        let mut events: BTreeMap<String, Value> = BTreeMap::new();
        let mut first = None;
        for told in receiver.take() {
            assert_eq!(told.header("content-type"), "application/secevent+jwt");
            let head = jsonwebtoken::decode_header(&told.body).unwrap();
            assert_eq!((head.alg, head.typ.as_deref()), (Algorithm::ES256, Some("secevent+jwt")));
            let key = DecodingKey::from_jwk(keys.find(head.kid.as_deref().unwrap()).unwrap()).unwrap();
            let claims = jsonwebtoken::decode::<Value>(&told.body, &key, &validation(&receiver.url)).unwrap().claims;
            assert!(claims.get("sub").is_none() && claims.get("exp").is_none(), "{claims}");
            assert_eq!(claims["iss"], "https://id.rollcall.test");
            assert!(claims["jti"].as_str().unwrap().starts_with("evt_"));
            let (uri, _) = claims["events"].as_object().unwrap().iter().next().unwrap();
            events.insert(uri.clone(), claims.clone());
            first.get_or_insert(told.body);
        }
        assert_eq!(
            events.keys().map(String::as_str).collect::<Vec<_>>(),
            [
                "https://schemas.openid.net/secevent/caep/event-type/session-revoked",
                "https://schemas.openid.net/secevent/ssf/event-type/verification",
                "urn:ietf:params:scim:event:prov:activate",
                "urn:ietf:params:scim:event:prov:create:notice",
                "urn:ietf:params:scim:event:prov:deactivate",
                "urn:ietf:params:scim:event:prov:patch:notice",
            ]
        );
        let revoked = &events["https://schemas.openid.net/secevent/caep/event-type/session-revoked"];
        assert_eq!(revoked["sub_id"]["format"], "iss_sub");
        assert_eq!(revoked["events"].as_object().unwrap().values().next().unwrap()["initiating_entity"], "system");
        let left = &events["urn:ietf:params:scim:event:prov:deactivate"];
        assert_eq!(left["sub_id"], json!({ "format": "scim", "uri": format!("/Users/{}", person.id), "externalId": "00u-mira@acme.test" }));
        assert_eq!(left["txn"], revoked["txn"], "what one request did belongs together");

        // Confusion: another algorithm, none at all, another audience, another key, a changed body.
        let token = first.unwrap();
        let parts: Vec<_> = token.split('.').collect();
        let key = DecodingKey::from_jwk(&keys.keys[0]).unwrap();
        let forged = |head: Value| {
            use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
            format!("{}.{}.{}", URL_SAFE_NO_PAD.encode(head.to_string()), parts[1], parts[2])
        };
        for wrong in [
            forged(json!({ "alg": "none", "typ": "secevent+jwt" })),
            forged(json!({ "alg": "HS256", "typ": "secevent+jwt" })),
            forged(json!({ "alg": "ES384", "typ": "secevent+jwt" })),
            format!("{}.{}.", parts[0], parts[1]),
            format!("{}.{}x.{}", parts[0], parts[1], parts[2]),
        ] {
            assert!(jsonwebtoken::decode::<Value>(&wrong, &key, &validation(&receiver.url)).is_err(), "{wrong}");
        }
        assert!(jsonwebtoken::decode::<Value>(&token, &key, &validation("https://elsewhere.test")).is_err());
        // It opens nothing here either.
        for path in ["/api/v1/me", "/api/v1/agents"] {
            assert_eq!(app.client().get(path, &token).await.status, 401);
        }
        assert_eq!(app.idp(&acme).with_authorization(Some(&format!("Bearer {token}"))).get("/Users").await.status, 401);
    }
}

fn validation(audience: &str) -> Validation {
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[audience]);
    validation.set_issuer(&["https://id.rollcall.test"]);
    validation.required_spec_claims = ["iss", "aud"].map(str::to_owned).into();
    validation
}
