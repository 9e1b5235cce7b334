//! An identity provider: sends SCIM requests as Okta does, or in a manner of its own.

use std::net::{IpAddr, SocketAddr};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::{HeaderMap, Method, Request, Response, header};
use serde_json::{Value, json};
use tower::ServiceExt;

/// An identity provider with the credential that it was given.
#[derive(Clone)]
pub struct Idp {
    router: Router,
    base: String,
    authorization: Option<String>,
    headers: Vec<(&'static str, String)>,
    media_type: Option<&'static str>,
    flag: Option<&'static str>,
    address: Option<IpAddr>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    pub json: Value,
}

impl Idp {
    pub fn new(router: Router, base: String, authorization: String) -> Self {
        Self { router, base, authorization: Some(authorization), headers: vec![], media_type: None, flag: None, address: None }
    }

    /// The same client with another `Authorization` header.
    pub fn with_authorization(&self, authorization: Option<&str>) -> Self {
        Self { authorization: authorization.map(str::to_owned), ..self.clone() }
    }

    /// The same client at another base URL.
    pub fn at(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    /// The same client with headers of its own on every request.
    pub fn with_headers(&self, headers: &[(&'static str, &'static str)]) -> Self {
        Self { headers: headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(), ..self.clone() }
    }

    /// The same client with one more header on every request.
    pub fn with_header(&self, name: &'static str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name, value.to_owned()));
        client
    }

    /// The same client at an address of its own; without one, nobody knows where its requests come from.
    pub fn from(&self, address: &str) -> Self {
        Self { address: Some(address.parse().unwrap()), ..self.clone() }
    }

    /// The same client of another node.
    pub fn of_node(&self, router: &Router) -> Self {
        Self { router: router.clone(), ..self.clone() }
    }

    /// The same client, which says of every body that it is of `media_type`.
    pub fn sending(&self, media_type: &'static str) -> Self {
        Self { media_type: Some(media_type), ..self.clone() }
    }

    /// The same client, whose administrator left `flag` in the query of the URL: it comes with every request.
    pub fn with_flag(&self, flag: &'static str) -> Self {
        Self { flag: Some(flag), ..self.clone() }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None::<String>, "application/scim+json").await
    }

    /// `GET {path}?filter={filter}`, with spaces as `+`.
    pub async fn find(&self, path: &str, filter: &str) -> Answer {
        self.get(&format!("{path}?{}", filtered(filter))).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.send(Method::POST, path, Some(body.to_string()), "application/scim+json; charset=utf-8").await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PUT, path, Some(body.to_string()), "application/json").await
    }

    pub async fn patch(&self, path: &str, operations: Value) -> Answer {
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
        self.send(Method::PATCH, path, Some(body.to_string()), "application/scim+json; charset=utf-8").await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None::<String>, "application/scim+json").await
    }

    /// Send exactly this; `path` may end in a query.
    /// Ask, and do not read the answer.
    pub async fn unread(&self, path: &str) -> Response<Body> {
        self.respond(Method::GET, path, None::<Body>, "").await
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<impl Into<Body>>, media_type: &str) -> Answer {
        let (parts, body) = self.respond(method, path, body, media_type).await.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        // Whatever the answer, it is SCIM's.
        if parts.status != http::StatusCode::NO_CONTENT && parts.status != http::StatusCode::NOT_MODIFIED {
            assert_eq!(parts.headers.get(header::CONTENT_TYPE).unwrap(), "application/scim+json", "{path}: {text}");
        }
        Answer { status: parts.status.as_u16(), headers: parts.headers, json: serde_json::from_str(&text).unwrap_or(Value::Null), text }
    }

    async fn respond(&self, method: Method, path: &str, body: Option<impl Into<Body>>, media_type: &str) -> Response<Body> {
        let flag = self.flag.map(|flag| format!("{}{flag}", if path.contains('?') { "&" } else { "?" })).unwrap_or_default();
        let mut request = Request::builder().method(method).uri(format!("{}{path}{flag}", self.base));
        request = request.header(header::ACCEPT, "application/scim+json");
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, self.media_type.unwrap_or(media_type));
        }
        for (name, value) in &self.headers {
            request = request.header(*name, value);
        }
        let mut request = request.body(body.map_or_else(Body::empty, Into::into)).unwrap();
        if let Some(address) = self.address {
            request.extensions_mut().insert(ConnectInfo(SocketAddr::new(address, 443)));
        }
        self.router.clone().oneshot(request).await.unwrap()
    }
}

impl Answer {
    /// A header, if it is there and text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The status and the `scimType`.
    pub fn refusal(&self) -> (u16, &str) {
        (self.status, self.json["scimType"].as_str().unwrap_or_default())
    }

    /// The resources of a list.
    pub fn resources(&self) -> &[Value] {
        assert_eq!(self.status, 200, "{}", self.text);
        self.json["Resources"].as_array().unwrap_or_else(|| panic!("{}", self.text))
    }
}

/// The `id` of a resource.
pub fn id(resource: &Value) -> String {
    resource["id"].as_str().unwrap_or_else(|| panic!("{resource}")).to_owned()
}

/// `filter=…` for a URL, with spaces as `+`.
pub fn filtered(filter: &str) -> String {
    form_urlencoded::Serializer::new(String::new()).append_pair("filter", filter).finish()
}

/// Okta's way to let someone in or out: no path.
pub fn patch_active(active: bool) -> Value {
    json!([{ "op": "replace", "value": { "active": active } }])
}
