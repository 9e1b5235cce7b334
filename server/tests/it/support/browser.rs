//! A browser: keeps its cookies, and says which site its requests come from.

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::{HeaderMap, Request, StatusCode, header};
use serde_json::Value;
use tower::ServiceExt;

/// A browser; clones share their cookies, as tabs do.
#[derive(Clone)]
pub struct Browser {
    router: Router,
    address: SocketAddr,
    cookies: Arc<Mutex<BTreeMap<String, String>>>,
}

/// The cookie of a session.
const SESSION: &str = "__Host-rollcall";

/// What came back.
#[derive(Debug)]
pub struct Page {
    pub status: u16,
    pub headers: HeaderMap,
    pub text: String,
    pub json: Value,
}

impl Page {
    pub fn redirect(&self) -> Option<&str> {
        self.headers.get(header::LOCATION).and_then(|value| value.to_str().ok())
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// Each browser sits at an address of its own, so that what one does to the limits concerns no other.
pub(super) fn another_address() -> SocketAddr {
    static NEXT: AtomicU32 = AtomicU32::new(u32::from_be_bytes([10, 0, 0, 1]));
    SocketAddr::from((Ipv4Addr::from(NEXT.fetch_add(1, Ordering::Relaxed)), 443))
}

impl Browser {
    pub fn new(router: Router) -> Self {
        Self { router, address: another_address(), cookies: Arc::default() }
    }

    /// The session cookie, `name=value`.
    pub fn cookie(&self) -> Option<String> {
        self.cookies.lock().unwrap().get(SESSION).map(|value| format!("{SESSION}={value}"))
    }

    /// Another browser that holds the same cookies: stolen ones.
    pub fn stolen(&self) -> Self {
        let cookies = self.cookies.lock().unwrap().clone();
        Self { router: self.router.clone(), address: another_address(), cookies: Arc::new(Mutex::new(cookies)) }
    }

    /// Hold a cookie that the server did not give.
    pub fn plant(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    /// The value of a cookie.
    pub fn value(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().get(name).cloned()
    }

    /// Open a page.
    pub async fn get(&self, path: &str) -> Page {
        self.send(Request::get(path).header(header::ACCEPT, "text/html").body(Body::empty()).unwrap()).await
    }

    /// The body of a file, part by part, as slowly as one likes.
    pub async fn download(&self, path: &str) -> axum::body::BodyDataStream {
        let mut request = Request::get(path).header(header::COOKIE, self.cookie().unwrap()).body(Body::empty()).unwrap();
        request.extensions_mut().insert(ConnectInfo(self.address));
        self.router.clone().oneshot(request).await.unwrap().into_body().into_data_stream()
    }

    /// Call a server function as the page's script does it.
    pub async fn call(&self, function: &str, fields: &[(&str, &str)]) -> Page {
        self.post(function, fields, &[("origin", "https://id.rollcall.test"), ("accept", "application/json")]).await
    }

    /// Send a form as a browser without scripts does it.
    pub async fn submit(&self, function: &str, fields: &[(&str, &str)], from: &str) -> Page {
        let referer = format!("https://id.rollcall.test{from}");
        self.post(function, fields, &[("origin", "https://id.rollcall.test"), ("accept", "text/html"), ("referer", &referer)]).await
    }

    /// Send a form with headers of the test's choice.
    pub async fn post(&self, function: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Page {
        self.post_to(&format!("/api/{function}"), fields, headers).await
    }

    /// Send a form to an address that is no server function's.
    pub async fn post_to(&self, path: &str, fields: &[(&str, &str)], headers: &[(&str, &str)]) -> Page {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    async fn send(&self, mut request: Request<Body>) -> Page {
        let cookies = self.cookies.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        if !cookies.is_empty() {
            request.headers_mut().insert(header::COOKIE, cookies.parse().unwrap());
        }
        request.extensions_mut().insert(ConnectInfo(self.address));
        let response = self.router.clone().oneshot(request).await.unwrap();
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            match value {
                "" => self.cookies.lock().unwrap().remove(name),
                value => self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned()),
            };
        }
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Page { status: parts.status.as_u16(), headers: parts.headers, json: serde_json::from_str(&text).unwrap_or(Value::Null), text }
    }
}

impl Page {
    /// Whether the answer lets nobody in.
    pub fn is_refused(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED.as_u16() || self.redirect().is_some_and(|to| to.starts_with("/sign-in"))
    }
}
