//! Limits per client address, kept by tower_governor. Sign-in has its own count in the database, which all nodes share.

use std::{
    net::IpAddr,
    sync::{Arc, PoisonError, RwLock},
};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use governor::{clock::QuantaInstant, middleware::NoOpMiddleware};
use http::{HeaderValue, Request, StatusCode, header};
use tower_governor::{
    GovernorError, GovernorLayer,
    governor::{GovernorConfig, GovernorConfigBuilder},
    key_extractor::KeyExtractor,
};

use crate::request::ClientIp;

/// Keys a limit by the address that [`crate::request::identify`] found: headers count from configured proxies only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ByClient;

impl KeyExtractor for ByClient {
    type Key = IpAddr;

    fn name(&self) -> &'static str {
        "client address"
    }

    fn extract<T>(&self, request: &Request<T>) -> Result<IpAddr, GovernorError> {
        let ip = request.extensions().get::<ClientIp>().and_then(|client| client.0);
        // A server behind a Unix socket knows no addresses: everybody is one client.
        Ok(network(ip.unwrap_or(IpAddr::from([0, 0, 0, 0]))))
    }
}

/// Whoever has an IPv6 address has its whole /64.
fn network(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V6(v6) => IpAddr::from((u128::from(v6) & !u128::from(u64::MAX)).to_be_bytes()),
        v4 => v4,
    }
}

type Plain = NoOpMiddleware<QuantaInstant>;

/// A limit for calls that anybody can make and that cost a password hash: a burst of 40, then one every two seconds.
#[derive(Clone)]
pub(crate) struct AnonymousCalls(Arc<Limiter>);

impl AnonymousCalls {
    pub(crate) fn new() -> Self {
        Self(Arc::new(limiter(40)))
    }

    /// The layer that counts and refuses.
    pub(crate) fn layer(&self) -> GovernorLayer<ByClient, Plain, Body> {
        GovernorLayer::new(self.0.clone()).error_handler(|_| too_many())
    }

    /// Forget the addresses that have been quiet: the list stays as short as the trouble.
    pub(crate) fn sweep(&self) {
        self.0.limiter().retain_recent();
    }
}

/// `burst` at once, then one every two seconds.
fn limiter(burst: u32) -> Limiter {
    let config = GovernorConfigBuilder::default().key_extractor(ByClient).per_second(2).burst_size(burst).finish();
    config.unwrap_or_else(|| unreachable!("the figures are not zero"))
}

fn too_many() -> Response {
    let message = "Too many requests from this address. Wait a minute and try again.";
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, HeaderValue::from_static("60"))], message).into_response()
}

/// Failed SCIM authentications per client address. Asked only after a failure, so that a valid token always passes,
/// however its address has behaved for others.
#[derive(Clone)]
pub(crate) struct ScimFailures(Arc<RwLock<Limiter>>);

type Limiter = GovernorConfig<ByClient, Plain>;

impl ScimFailures {
    /// A burst of 30, then one every two seconds.
    pub(crate) fn new() -> Self {
        Self(Arc::new(RwLock::new(limiter(30))))
    }

    /// Forget the addresses that have been quiet: the list stays as short as the trouble.
    pub(crate) fn sweep(&self) {
        self.0.read().unwrap_or_else(PoisonError::into_inner).limiter().retain_recent();
    }

    /// Forget all addresses.
    pub(crate) fn forget(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = limiter(30);
    }

    /// Count a failure; whether that is too many.
    pub(crate) fn too_many(&self, ip: Option<IpAddr>) -> bool {
        let key = network(ip.unwrap_or(IpAddr::from([0, 0, 0, 0])));
        self.0.read().unwrap_or_else(PoisonError::into_inner).limiter().check_key(&key).is_err()
    }
}
