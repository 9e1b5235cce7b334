//! A client of the API: a device that asks, a program with tokens, a service that was shown one.

use std::net::SocketAddr;

use axum::{Router, body::Body, extract::ConnectInfo};
use http::{HeaderMap, Request, header};
use serde_json::Value;
use tower::ServiceExt;

use super::{Browser, Org, TestApp, browser::another_address};

/// The grant of a device that asks whether it was let in.
pub const DEVICE_GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A client, at an address of its own; it keeps nothing.
#[derive(Clone)]
pub struct Client(Router, SocketAddr);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    pub json: Value,
}

impl Answer {
    /// The text of a field of the answer.
    pub fn field(&self, name: &str) -> String {
        self.json[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.text)).to_owned()
    }

    /// The status, and the code of the error (RFC 6749 §5.2).
    pub fn error(&self) -> (u16, &str) {
        (self.status, self.json["error"].as_str().unwrap_or_default())
    }
}

/// What a client that was let in has.
#[derive(Clone, Debug)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
}

impl Tokens {
    pub fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.text);
        Self { access: answer.field("access_token"), refresh: answer.field("refresh_token") }
    }
}

impl Client {
    pub fn new(app: &TestApp) -> Self {
        Self(app.router.clone(), another_address())
    }

    /// Send a form to `/oauth/{endpoint}`.
    pub async fn form(&self, endpoint: &str, fields: &[(&str, &str)], authorization: Option<&str>) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(format!("/oauth/{endpoint}")).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = match authorization {
            Some(value) => request.header(header::AUTHORIZATION, value),
            None => request,
        };
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    /// Get a path with a bearer token.
    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.send(Request::get(path).header(header::AUTHORIZATION, format!("Bearer {token}")).body(Body::empty()).unwrap()).await
    }

    pub async fn send(&self, mut request: Request<Body>) -> Answer {
        request.extensions_mut().insert(ConnectInfo(self.1));
        let response = self.0.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Answer { status: parts.status.as_u16(), headers: parts.headers, text, json }
    }

    /// Ask to be let in, as this client.
    pub async fn ask(&self, client_id: &str) -> Answer {
        let answer = self.form("device_authorization", &[("client_id", client_id)], None).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer
    }

    /// Ask whether it was let in.
    pub async fn redeem(&self, client_id: &str, device_code: &str) -> Answer {
        self.form("token", &[("grant_type", DEVICE_GRANT), ("client_id", client_id), ("device_code", device_code)], None).await
    }

    /// The next tokens.
    pub async fn refresh(&self, client_id: &str, token: &str) -> Answer {
        self.form("token", &[("grant_type", "refresh_token"), ("client_id", client_id), ("refresh_token", token)], None).await
    }

    /// What `token` stands for, asked by a service with this credential.
    pub async fn introspect(&self, credential: &str, token: &str) -> Answer {
        self.form("introspect", &[("token", token)], Some(&format!("Bearer {credential}"))).await
    }

    /// Whether `token` opens this agent.
    pub async fn decide(&self, credential: &str, agent: &str, token: &str) -> Answer {
        let body = serde_json::json!({ "token": token }).to_string();
        let request = Request::post(format!("/api/v1/agents/{agent}/authorize"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {credential}"));
        self.send(request.body(Body::from(body)).unwrap()).await
    }
}

impl TestApp {
    /// A client of the API.
    pub fn client(&self) -> Client {
        Client::new(self)
    }

    /// Let `client_id` in for whoever sits at `browser`; its tokens.
    pub async fn let_in(&self, org: &Org, browser: &Browser, client_id: &str) -> Tokens {
        let client = self.client();
        let asked = client.ask(client_id).await;
        let answer = browser.call("approve_device", &[("org", &org.slug), ("user_code", &asked.field("user_code"))]).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        Tokens::of(&client.redeem(client_id, &asked.field("device_code")).await)
    }

    /// A personal token of whoever sits at `browser`, for everything.
    pub async fn personal_token(&self, org: &Org, browser: &Browser) -> String {
        let fields = [
            ("org", org.slug.as_str()),
            ("name", "Nightly job"),
            ("lifetime", "days30"),
            ("scopes", "profile agents"),
            ("password", super::PASSWORD),
        ];
        let answer = browser.call("issue_personal_token", &fields).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json["secret"].as_str().unwrap().to_owned()
    }

    /// A service credential of the organisation.
    pub async fn service_credential(&self, org: &Org) -> String {
        let answer = self.owner(org).await.call("issue_service_credential", &[("org", &org.slug), ("name", "Gateway")]).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json["secret"].as_str().unwrap().to_owned()
    }
}
