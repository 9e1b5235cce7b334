//! Whatever goes wrong, and in whichever layer: the answer is SCIM's, and keeps the token to itself.

use std::{convert::Infallible, sync::Arc};

use axum::body::Body;
use http::{HeaderMap, Method, Request, header};
use serde_json::{Value, json};
use server::router::router;
use tower::ServiceExt;

use crate::support::{Answer, Idp, Org, TestApp, both_databases};

const NOBODY: &str = "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10";
const LARGEST: usize = 4 * 1024 * 1024;

/// The answer is an error message of RFC 7644 §3.12 and holds nothing of the token.
fn is_scim_error(answer: &Answer, status: u16, org: &Org, case: &str) {
    assert_eq!(answer.status, status, "{case}: {}", answer.text);
    assert_eq!(answer.json["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]), "{case}");
    assert_eq!(answer.json["status"], status.to_string(), "{case}: a string");
    assert!(answer.json["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{case}: {}", answer.text);
    keeps_the_token(&answer.headers, &answer.text, org, case);
}

fn keeps_the_token(headers: &HeaderMap, text: &str, org: &Org, case: &str) {
    let secret = org.token.rsplit('_').next().unwrap();
    assert!(!text.contains(secret), "{case}: {text}");
    assert!(headers.values().all(|value| !String::from_utf8_lossy(value.as_bytes()).contains(secret)), "{case}: {headers:?}");
}

/// Send a body with headers of the test's choice.
async fn send(app: &TestApp, org: &Org, path: &str, headers: &[(&str, &str)], body: Body) -> Answer {
    let mut request = Request::post(format!("/scim/{}/v2{path}", org.id)).header(header::AUTHORIZATION, format!("Bearer {}", org.token));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, body) = app.router.clone().oneshot(request.body(body).unwrap()).await.unwrap().into_parts();
    assert_eq!(parts.headers[header::CONTENT_TYPE], "application/scim+json", "{path}");
    let text = String::from_utf8(axum::body::to_bytes(body, usize::MAX).await.unwrap().into()).unwrap();
    Answer { status: parts.status.as_u16(), headers: parts.headers, json: serde_json::from_str(&text).unwrap(), text }
}

both_databases! {
    async fn a_method_that_a_route_does_not_have_is_a_405(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let user = format!("/Users/{}", app.provision(&acme, "mira@acme.test").await.id);
        let made = idp.post("/Groups", json!({ "displayName": "Engineers" })).await;
        let group = format!("/Groups/{}", made.json["id"].as_str().unwrap());
        const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
        let methods = [Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS, Method::TRACE];
        for (path, allowed) in [
            ("/Users", "GET,POST"), (&user, "GET,PUT,PATCH,DELETE"), ("/Users/.search", "POST"),
            ("/Groups", "GET,POST"), (&group, "GET,PUT,PATCH,DELETE"), ("/Groups/.search", "POST"),
            ("", "GET"), ("/", "GET"), ("/.search", "POST"), ("/Bulk", "POST"), ("/ServiceProviderConfig", "GET"), ("/ResourceTypes", "GET"), ("/ResourceTypes/User", "GET"),
            ("/Schemas", "GET"), (&format!("/Schemas/{USER}"), "GET"),
        ] {
            for method in &methods {
                if allowed.split(',').any(|allowed| allowed == method.as_str()) {
                    continue;
                }
                let case = format!("{method} {path}");
                let answer = idp.send(method.clone(), path, Some("{}".to_owned()), "application/scim+json").await;
                is_scim_error(&answer, 405, &acme, &case);
                // RFC 9110 §15.5.6: a 405 says what would do. A HEAD comes with every GET.
                let said = answer.headers.get(header::ALLOW).map(|value| value.to_str().unwrap().split(',').map(str::trim).filter(|name| *name != "HEAD").collect::<Vec<_>>());
                let mut said = said.unwrap_or_else(|| panic!("{case}: no Allow"));
                let mut expected: Vec<_> = allowed.split(',').collect();
                said.sort_unstable();
                expected.sort_unstable();
                assert_eq!(said, expected, "{case}");
            }
        }
        assert_eq!((idp.get(&user).await.status, idp.get(&group).await.status), (200, 200), "nothing happened to them");
    }

    async fn what_is_no_route_is_a_404(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        for path in [
            "/nothing", "/users", "/Users/", "/Users/a/b", "//Users", "/Users/../Groups", "/Schemas/", "/Schemas/urn:x", "/ResourceTypes/Robot",
            "/Users/u_01", "/Groups/g_01", &format!("/Users/{NOBODY}"), &format!("/Groups/{NOBODY}"), &format!("/Users/{}", NOBODY.replace('-', "")), "/Users/%00", "/Users/%ff", "/Schemas/%ff", "/ResourceTypes/%ff",
        ] {
            is_scim_error(&idp.get(path).await, 404, &acme, path);
        }
        for (method, body) in [(Method::PUT, json!({ "userName": "x" })), (Method::PATCH, json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": [{ "op": "remove", "path": "title" }] })), (Method::DELETE, Value::Null)] {
            for path in ["/Users/u_01", &format!("/Users/{NOBODY}"), &format!("/Groups/{NOBODY}")] {
                let body = if path.starts_with("/Groups") && method == Method::PUT { json!({ "displayName": "x" }) } else { body.clone() };
                is_scim_error(&idp.send(method.clone(), path, Some(body.to_string()), "application/json").await, 404, &acme, &format!("{method} {path}"));
            }
        }
        // RFC 7644 §3.13: a version that is not served is named.
        let elsewhere = idp.at(&format!("/scim/{}/v3", acme.id));
        let answer = elsewhere.get("/Users").await;
        is_scim_error(&answer, 400, &acme, "v3");
        assert_eq!(answer.json["scimType"], "invalidVers");
    }

    /// The limit counts whether the length was announced or not, and to the byte.
    async fn a_body_that_is_too_large_is_a_413(app) {
        let acme = app.org("Acme").await;
        const JSON: (&str, &str) = ("content-type", "application/scim+json");
        let announced = (LARGEST + 1).to_string();
        for path in ["/Users", "/Groups", "/Users/.search"] {
            let answer = send(&app, &acme, path, &[JSON, ("content-length", &announced)], Body::from("{}")).await;
            is_scim_error(&answer, 413, &acme, "announced");
            assert!(answer.text.contains("maxPayloadSize"), "the limit has a name: {}", answer.text);
            let chunks = (0..=LARGEST / 65_536).map(|_| Ok::<_, Infallible>(" ".repeat(65_536)));
            let answer = send(&app, &acme, path, &[JSON], Body::from_stream(futures_util::stream::iter(chunks))).await;
            is_scim_error(&answer, 413, &acme, "chunked");
            assert!(answer.text.contains("maxPayloadSize"), "{}", answer.text);
        }
        let mut body = json!({ "userName": "exactly@acme.test" }).to_string();
        body.push_str(&" ".repeat(LARGEST - body.len()));
        assert_eq!(send(&app, &acme, "/Users", &[JSON], Body::from(body)).await.status, 201);
    }

    async fn a_media_type_that_is_not_json_is_a_415(app) {
        let acme = app.org("Acme").await;
        let body = |name: &str| json!({ "userName": name }).to_string();
        for media in ["text/xml", "application/xml", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", "json", ""] {
            let answer = send(&app, &acme, "/Users", &[("content-type", media)], Body::from(body("a@acme.test"))).await;
            is_scim_error(&answer, 415, &acme, media);
        }
        for (number, media) in ["application/scim+json", "application/json", "Application/SCIM+JSON; charset=UTF-8", "application/json;charset=utf-8"].iter().enumerate() {
            let answer = send(&app, &acme, "/Users", &[("content-type", media)], Body::from(body(&format!("{number}@acme.test")))).await;
            assert_eq!(answer.status, 201, "{media}: {}", answer.text);
        }
    }

    /// The operating system has no randomness to give: the program panics rather than make something up.
    async fn a_panic_is_a_500_and_leaves_nothing_behind(app) {
        let acme = app.org("Acme").await;
        let mut state = app.state.clone();
        // Ids of requests are longer, and still come.
        let randomness = state.randomness.clone();
        state.randomness = Arc::new(move |bytes| if bytes.len() == 10 { panic!("no randomness for {}", "an id") } else { randomness(bytes) });
        let unlucky = Idp::new(router(state), format!("/scim/{}/v2", acme.id), format!("Bearer {}", acme.token));
        for _ in 0..30 {
            let answer = unlucky.post("/Users", json!({ "userName": "mira@acme.test" })).await;
            is_scim_error(&answer, 500, &acme, "panic");
            assert!(!answer.text.contains("randomness"), "an error tells nothing of the inside: {}", answer.text);
        }
        let idp = app.idp(&acme);
        assert_eq!(idp.get("/Users").await.json["totalResults"], 0);
        assert_eq!(idp.post("/Users", json!({ "userName": "mira@acme.test" })).await.status, 201, "no connection is held by what panicked");
    }

    async fn no_error_repeats_the_token(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let token = &acme.token;
        // A token where it does not belong is still not repeated.
        for answer in [
            idp.with_authorization(Some(&format!("Basic {token}"))).get("/Users").await,
            idp.with_authorization(Some(&format!("Bearer {token}x"))).get("/Users").await,
            idp.with_authorization(None).get(&format!("/Users?access_token={token}")).await,
            idp.get(&format!("/{token}")).await,
            idp.get(&format!("/Users/{token}")).await,
            idp.get(&format!("/Schemas/{token}")).await,
            idp.get(&format!("/Users?count={token}")).await,
            idp.get(&format!("/Users?filter={token}")).await,
            idp.post("/Users", json!(token)).await,
            idp.send(Method::POST, "/Users", Some(token.clone()), "application/scim+json").await,
            idp.send(Method::POST, "/Users", Some("{}".to_owned()), token).await,
        ] {
            is_scim_error(&answer, answer.status, &acme, &answer.text);
            assert!((400..500).contains(&answer.status), "{}", answer.text);
        }
    }
}
