//! Each request's identity: its id, its moment, where it came from. Logged once, with secrets masked.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    sync::Once,
    time::Duration,
};

use axum::{
    extract::{ConnectInfo, Request, State},
    middleware::Next,
    response::Response,
};
use directory::Call;
use http::{HeaderMap, HeaderValue, header};
use ipnet::IpNet;
use tracing::Instrument;

use crate::state::AppState;

/// The client's address, for extractors that have no [`Call`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct ClientIp(pub(crate) Option<IpAddr>);

/// Give the request its [`Call`], and the response the request's id.
pub(crate) async fn identify(State(state): State<AppState>, mut request: Request, next: Next) -> Response {
    let mut id = [0; 16];
    (state.randomness)(&mut id);
    let id = format!("{:032x}", u128::from_be_bytes(id));
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    let ip = client_ip(peer, request.headers(), &state.trusted_proxies);
    let mut call = Call::by(&state.clock, state.randomness.clone());
    let began = call.arrived;
    call.request_id = Some(id.clone());
    call.ip = ip.map(|ip| ip.to_string());
    call.user_agent =
        request.headers().get(header::USER_AGENT).and_then(|value| value.to_str().ok()).map(|text| text.chars().take(200).collect());
    let call_ip = call.ip.clone();
    request.extensions_mut().insert(call);
    request.extensions_mut().insert(ClientIp(ip));

    let span = tracing::info_span!("request", id = %id, method = %request.method(), path = %masked(request.uri().path()), ip = call_ip);
    let mut response = next.run(request).instrument(span.clone()).await;
    let took = Duration::from_micros((state.clock)().as_micros().saturating_sub(began.as_micros()).unsigned_abs());
    span.in_scope(|| tracing::info!(status = response.status().as_u16(), ms = took.as_millis(), "answered"));
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

/// The longest path that a line of the log shows, in characters.
const LONGEST_PATH: usize = 500;

/// A path as the log may show it: links that are followed once are secrets, and nobody fills the log with long ones.
fn masked(path: &str) -> String {
    for prefix in ["/set-up/", "/activate/", "/reset/"] {
        if path.starts_with(prefix) {
            return format!("{prefix}…");
        }
    }
    match path.char_indices().nth(LONGEST_PATH) {
        Some((end, _)) => format!("{}…", &path[..end]),
        None => path.to_owned(),
    }
}

/// The client's address: the peer's, unless the peer is a configured proxy; then the last address in
/// `X-Forwarded-For` that is not one of those. A header from anybody else counts for nothing.
fn client_ip(peer: Option<IpAddr>, headers: &HeaderMap, proxies: &[IpNet]) -> Option<IpAddr> {
    let trusted = |ip: &IpAddr| proxies.iter().any(|net| net.contains(ip));
    let peer = peer?.to_canonical();
    if !trusted(&peer) {
        return Some(peer);
    }
    // Byte by byte: a client that sends what is no text does not make its line go away, with what the proxy put behind it.
    let hops = headers.get_all("x-forwarded-for").iter().flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    let hops: Vec<_> = hops.map(hop).collect();
    if matches!(hops.last(), Some(None)) {
        UNREADABLE.call_once(|| {
            tracing::warn!(
                %peer,
                "a trusted proxy sent an X-Forwarded-For whose last address cannot be read: its clients count as one address, the proxy's"
            );
        });
    }
    for hop in hops.into_iter().rev() {
        match hop {
            Some(ip) if trusted(&ip) => {}
            Some(ip) => return Some(ip),
            // What stands before something unreadable was written by whoever wrote that.
            None => break,
        }
    }
    Some(peer)
}

/// Said once: a proxy that is set up so says it with each request.
static UNREADABLE: Once = Once::new();

/// One address in `X-Forwarded-For`, as proxies write them: some add the port, and then brackets around an IPv6 address.
fn hop(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    text.parse().ok().or_else(with_port).or_else(bracketed).map(|ip: IpAddr| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, forwarded: &[&str]) -> String {
        seen_in(peer, &forwarded.iter().map(|value| value.as_bytes()).collect::<Vec<_>>())
    }

    fn seen_in(peer: &str, forwarded: &[&[u8]]) -> String {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_bytes(value).unwrap());
        }
        let proxies = ["10.0.0.0/8".parse().unwrap()];
        client_ip(Some(peer.parse().unwrap()), &headers, &proxies).unwrap().to_string()
    }

    #[test]
    fn forwarded_addresses_count_from_configured_proxies_only() {
        assert_eq!(seen("203.0.113.9", &["1.2.3.4"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["6.6.6.6, 203.0.113.9, 10.0.0.2"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["6.6.6.6", "203.0.113.9"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["6.6.6.6, rubbish"]), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn what_is_no_text_takes_no_address_along() {
        assert_eq!(seen_in("10.0.0.1", &[b"\xff, 203.0.113.9"]), "203.0.113.9");
        assert_eq!(seen_in("10.0.0.1", &[b"\xff", b"203.0.113.9"]), "203.0.113.9");
        assert_eq!(seen_in("10.0.0.1", &[b"\xff, 203.0.113.9, 10.0.0.2", b"10.0.0.3"]), "203.0.113.9");
        assert_eq!(seen_in("10.0.0.1", &[b"6.6.6.6, \xff"]), "10.0.0.1", "nothing before it counts");
        assert_eq!(seen_in("10.0.0.1", &[b"6.6.6.6, \xff, 10.0.0.2"]), "10.0.0.1");
    }

    #[test]
    fn proxies_may_add_the_port() {
        assert_eq!(seen("10.0.0.1", &["6.6.6.6:80, 203.0.113.9:51234"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["203.0.113.9:51234, 10.0.0.2:443"]), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", &["[2001:db8::1]:443"]), "2001:db8::1");
        assert_eq!(seen("10.0.0.1", &["[2001:db8::1]", "2001:db8::1"]), "2001:db8::1");
        for rubbish in ["[203.0.113.9]", "203.0.113.9:", "203.0.113.9:65536", "[2001:db8::1", "2001:db8::1]:443", ""] {
            assert_eq!(seen("10.0.0.1", &[rubbish]), "10.0.0.1", "{rubbish}");
        }
    }

    #[test]
    fn long_paths_are_cut_in_the_log() {
        let path = format!("/{}", "é".repeat(499));
        assert_eq!(masked(&path), path);
        assert_eq!(masked(&format!("{path}more")), format!("{path}…"));
    }

    #[test]
    fn links_are_masked_in_the_log() {
        assert_eq!(masked("/activate/abc"), "/activate/…");
        assert_eq!(masked("/reset/abc"), "/reset/…");
        assert_eq!(masked("/o/acme/members"), "/o/acme/members");
    }
}
