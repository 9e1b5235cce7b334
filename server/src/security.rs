//! What protects the browser: headers on every response, and a refusal of forms that another site sends.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use url::Url;

use crate::{config::is_loopback, state::AppState};

/// The headers of every response.
pub(crate) async fn headers(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let set = |headers: &mut HeaderMap, name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    set(headers, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    // Not `no-referrer`: a form without JavaScript finds its way back by it.
    set(headers, header::REFERRER_POLICY, "same-origin");
    set(headers, HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    set(headers, HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()");
    set(headers, header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    // Everything here is about somebody, unless it says that it is not.
    set(headers, header::CACHE_CONTROL, "no-store");
    if state.is_https() {
        set(headers, header::STRICT_TRANSPORT_SECURITY, "max-age=63072000; includeSubDomains");
    }
    response
}

/// The policy of a page whose scripts carry `nonce`. WebAssembly needs leave of its own; no inline style, no other host.
pub(crate) fn page_policy(nonce: &str) -> Option<HeaderValue> {
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    HeaderValue::from_str(&policy).ok()
}

/// Refuse a change that a page of another site asks for (OWASP: CSRF). Browsers say where a request comes from, by
/// `Origin` or by `Sec-Fetch-Site`; one that says neither is refused.
pub(crate) async fn same_origin(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if reads || comes_from(&state.public_url, request.headers()) {
        return next.run(request).await;
    }
    tracing::warn!("a form of another site was refused");
    let sentence = format!("This request did not come from {}. Open that address and try again.", state.public_url());
    (StatusCode::FORBIDDEN, sentence).into_response()
}

fn comes_from(public_url: &Url, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("origin"), text("sec-fetch-site")) {
        (Some(origin), _) => Url::parse(origin).is_ok_and(|origin| {
            let same_port = origin.port_or_known_default() == public_url.port_or_known_default();
            // This machine has several names.
            origin.origin() == public_url.origin() || (is_loopback(&origin) && is_loopback(public_url) && same_port)
        }),
        (None, Some(site)) => site == "same-origin",
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passes(public_url: &str, sent: &[(&'static str, &'static str)]) -> bool {
        let headers = sent.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect();
        comes_from(&Url::parse(public_url).unwrap(), &headers)
    }

    #[test]
    fn only_our_own_pages_may_change_things() {
        let us = "https://id.acme.example";
        assert!(passes(us, &[("origin", "https://id.acme.example")]));
        assert!(passes(us, &[("sec-fetch-site", "same-origin")]));
        assert!(passes("http://127.0.0.1:3000", &[("origin", "http://localhost:3000")]));
        for sent in [
            &[("origin", "https://evil.example")][..],
            &[("origin", "http://id.acme.example")],
            &[("origin", "https://id.acme.example.evil.example")],
            &[("origin", "null")],
            &[("origin", "https://evil.example"), ("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site")],
            &[],
        ] {
            assert!(!passes(us, sent), "{sent:?}");
        }
        assert!(!passes(us, &[("origin", "http://localhost")]));
        assert!(!passes("http://127.0.0.1:3000", &[("origin", "http://localhost:4000")]));
    }
}
