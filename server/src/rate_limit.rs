//! How much one address, and one token, may ask of this node.
//!
//! Failures are counted per address, and only after a credential was found to be no good: whoever has a good one always passes. What
//! anybody may ask without one is limited per address before it costs anything. Sign-in and codes have counts of their own in the
//! database, which all nodes share; so have the blocks of addresses that guess at SCIM tokens.

use std::{
    collections::BTreeMap,
    hash::Hash,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use directory::address_blocks::{self, network};
use domain::{Timestamp, TokenId};
use governor::{Quota, RateLimiter, clock::QuantaInstant, middleware::NoOpMiddleware, state::keyed::DashMapStateStore};
use http::{HeaderValue, Request, StatusCode, header};
use tower_governor::{
    GovernorError, GovernorLayer,
    governor::{GovernorConfig, GovernorConfigBuilder},
    key_extractor::KeyExtractor,
};

use crate::{request::ClientIp, system::Clock};

/// Whole seconds to wait, for `Retry-After`: never less than is left, and never none.
pub(crate) fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0 || wait.is_zero())
}

/// A server behind a Unix socket knows no addresses: everybody is one client.
pub(crate) fn known(ip: Option<IpAddr>) -> IpAddr {
    network(ip.unwrap_or(IpAddr::from([0, 0, 0, 0])))
}

/// Keys a limit by the address that [`crate::request::identify`] found: headers count from configured proxies only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ByClient;

impl KeyExtractor for ByClient {
    type Key = IpAddr;

    fn name(&self) -> &'static str {
        "client address"
    }

    fn extract<T>(&self, request: &Request<T>) -> Result<IpAddr, GovernorError> {
        Ok(known(request.extensions().get::<ClientIp>().and_then(|client| client.0)))
    }
}

/// What anybody can ask for, a call or a page: how many from one address at once, and then one every so many seconds.
struct Anonymous {
    path: &'static str,
    burst: u32,
    seconds: u64,
}

impl Anonymous {
    fn limit(&self) -> GovernorConfig<ByClient, Plain> {
        let config = GovernorConfigBuilder::default().key_extractor(ByClient).per_second(self.seconds).burst_size(self.burst).finish();
        config.unwrap_or_else(|| unreachable!("the figures are not zero"))
    }
}

/// Every such call, each counted by itself: whoever wears one out shuts nobody out of another. One that costs a password hash is
/// rarer than one that costs a look.
const ANONYMOUS: [Anonymous; 16] = [
    Anonymous { path: "/api/sign_in", burst: 40, seconds: 2 },
    Anonymous { path: "/api/sign_in_code", burst: 40, seconds: 2 },
    Anonymous { path: "/api/sign_in_offer", burst: 40, seconds: 2 },
    Anonymous { path: "/api/sign_in_set_up", burst: 40, seconds: 2 },
    Anonymous { path: "/api/ask_reset", burst: 40, seconds: 2 },
    Anonymous { path: "/api/reset_link", burst: 120, seconds: 1 },
    Anonymous { path: "/api/reset_password", burst: 40, seconds: 2 },
    Anonymous { path: "/api/found", burst: 40, seconds: 2 },
    Anonymous { path: "/api/activate", burst: 40, seconds: 2 },
    Anonymous { path: "/api/activation_link", burst: 120, seconds: 1 },
    Anonymous { path: "/api/set_up_link", burst: 120, seconds: 1 },
    // The pages of links look them up as the calls do.
    Anonymous { path: "/activate/{link}", burst: 120, seconds: 1 },
    Anonymous { path: "/reset/{link}", burst: 120, seconds: 1 },
    Anonymous { path: "/set-up/{link}", burst: 120, seconds: 1 },
    Anonymous { path: "/oauth/device_authorization", burst: 40, seconds: 2 },
    Anonymous { path: "/oauth/revoke", burst: 120, seconds: 1 },
];

type Plain = NoOpMiddleware<QuantaInstant>;

/// The limits of calls that anybody can make.
#[derive(Clone)]
pub(crate) struct AnonymousCalls(Arc<BTreeMap<&'static str, Arc<GovernorConfig<ByClient, Plain>>>>);

impl AnonymousCalls {
    pub(crate) fn new() -> Self {
        Self(Arc::new(ANONYMOUS.iter().map(|call| (call.path, Arc::new(call.limit()))).collect()))
    }

    /// The calls below `prefix`, each with the layer that counts and refuses.
    pub(crate) fn below<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = (&'static str, GovernorLayer<ByClient, Plain, Body>)> + 'a {
        self.0.iter().filter(move |(path, _)| path.starts_with(prefix)).map(|(path, limit)| (*path, layer(limit)))
    }

    /// The layer of the page at `path`, if it has a limit.
    pub(crate) fn of_page(&self, path: &str) -> Option<GovernorLayer<ByClient, Plain, Body>> {
        self.0.get(path).map(layer)
    }

    /// The layer of the call at `path`.
    pub(crate) fn layer(&self, path: &str) -> GovernorLayer<ByClient, Plain, Body> {
        layer(&self.0[path])
    }

    /// Forget the addresses that have been quiet: the lists stay as short as the trouble.
    pub(crate) fn sweep(&self) {
        self.0.values().for_each(|limit| limit.limiter().retain_recent());
    }
}

fn layer(limit: &Arc<GovernorConfig<ByClient, Plain>>) -> GovernorLayer<ByClient, Plain, Body> {
    GovernorLayer::new(limit.clone()).error_handler(|error| match error {
        // What is told here is rounded down: whoever waited for no longer than that would be refused again.
        GovernorError::TooManyRequests { wait_time, .. } => too_many(wait_time + 1),
        _ => too_many(60),
    })
}

fn too_many(seconds: u64) -> Response {
    let message = "Too many requests from this address. Wait a minute and try again.";
    (StatusCode::TOO_MANY_REQUESTS, [(header::RETRY_AFTER, HeaderValue::from(seconds))], message).into_response()
}

/// The server's clock as the governor reads it. Time that is set back stands still, rather than refuse everybody until it has caught up.
#[derive(Clone)]
struct Ticks {
    clock: Clock,
    last: Arc<Mutex<(Timestamp, Duration)>>,
}

impl governor::clock::Clock for Ticks {
    type Instant = Duration;

    fn now(&self) -> Duration {
        let now = (self.clock)();
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.since(last.0);
        last.1 += passed;
        last.0 = now;
        last.1
    }
}

type Limiter<K> = RateLimiter<K, DashMapStateStore<K>, Ticks, NoOpMiddleware<Duration>>;

/// So many at once, and then so many over time, for each key.
struct Limit<K: Hash + Eq + Clone>(RwLock<Limiter<K>>, Quota, Ticks);

impl<K: Hash + Eq + Clone> Limit<K> {
    fn new(quota: Quota, clock: &Clock) -> Self {
        let ticks = Ticks { clock: clock.clone(), last: Arc::new(Mutex::new((clock(), Duration::ZERO))) };
        Self(RwLock::new(Self::limiter(quota, &ticks)), quota, ticks)
    }

    fn limiter(quota: Quota, ticks: &Ticks) -> Limiter<K> {
        RateLimiter::new(quota, DashMapStateStore::default(), ticks.clone())
    }

    /// Count one more of `key`.
    ///
    /// # Errors
    /// How long to wait where that is too many.
    fn check(&self, key: &K) -> Result<(), Duration> {
        let now = governor::clock::Clock::now(&self.2);
        self.0.read().unwrap_or_else(PoisonError::into_inner).check_key(key).map_err(|refused| refused.wait_time_from(now))
    }

    fn sweep(&self) {
        self.0.read().unwrap_or_else(PoisonError::into_inner).retain_recent();
    }

    fn forget(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Self::limiter(self.1, &self.2);
    }
}

/// `burst` at once, then `rate` a second.
fn per_second(rate: NonZeroU32, burst: NonZeroU32) -> Quota {
    Quota::per_second(rate).allow_burst(burst)
}

/// `burst` at once, then one every two seconds.
fn rarely(burst: NonZeroU32) -> Quota {
    Quota::with_period(Duration::from_secs(2)).unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN)).allow_burst(burst)
}

/// What one provisioning token may ask of this node. A Bulk is one request: it has limits of its own.
#[derive(Clone, Copy, Debug)]
pub struct ScimTraffic {
    /// Requests a second, over time.
    pub rate: NonZeroU32,
    /// Requests at once.
    pub burst: NonZeroU32,
}

impl ScimTraffic {
    /// As much as there is: for tests and benchmarks, which wait for nobody.
    pub const UNLIMITED: Self = Self { rate: NonZeroU32::MAX, burst: NonZeroU32::MAX };
}

/// Counts the requests of provisioning tokens.
#[derive(Clone)]
pub(crate) struct TokenTraffic(Arc<Limit<TokenId>>);

impl TokenTraffic {
    pub(crate) fn new(traffic: ScimTraffic, clock: &Clock) -> Self {
        Self(Arc::new(Limit::new(per_second(traffic.rate, traffic.burst), clock)))
    }

    /// Count a request with this token.
    ///
    /// # Errors
    /// How long to wait where that is too many.
    pub(crate) fn check(&self, token: TokenId) -> Result<(), Duration> {
        self.0.check(&token)
    }

    /// Forget the tokens that have been quiet.
    pub(crate) fn sweep(&self) {
        self.0.sweep();
    }
}

/// Failures of programs at `/oauth` and `/api/v1`, per address: 60 at once, then one every two seconds. A token that has expired is one.
#[derive(Clone)]
pub(crate) struct ApiFailures(Arc<Limit<IpAddr>>);

impl ApiFailures {
    pub(crate) fn new(clock: &Clock) -> Self {
        Self(Arc::new(Limit::new(rarely(const { NonZeroU32::new(60).unwrap() }), clock)))
    }

    /// Count a failure.
    ///
    /// # Errors
    /// How long to wait where that is too many.
    pub(crate) fn check(&self, ip: Option<IpAddr>) -> Result<(), Duration> {
        self.0.check(&known(ip))
    }

    /// Forget the addresses that have been quiet.
    pub(crate) fn sweep(&self) {
        self.0.sweep();
    }
}

/// What becomes of a SCIM request without a good token.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Guess {
    /// It is refused, and worth a note.
    Noted,
    /// It is one too many: the network is blocked from now on, which the other nodes have to hear.
    OneTooMany(Duration),
    /// Its network is blocked: it costs nothing more.
    Blocked(Duration),
}

/// Networks that are remembered as blocked. Further ones are held back by the limit alone.
const MOST_BLOCKED: usize = 10_000;

/// SCIM requests without a good token, per address: 30 at once, then one every two seconds. Whoever goes beyond is blocked, by all
/// nodes, for a minute at first and for twice as long each further time. Asked only after a failure, so that a good token always
/// passes, however its address has behaved for others.
#[derive(Clone)]
pub(crate) struct ScimGuesses(Arc<Guesses>);

struct Guesses {
    clock: Clock,
    limit: Limit<IpAddr>,
    blocked: Mutex<BTreeMap<IpAddr, Timestamp>>,
}

impl ScimGuesses {
    pub(crate) fn new(clock: &Clock) -> Self {
        let limit = Limit::new(rarely(const { NonZeroU32::new(30).unwrap() }), clock);
        Self(Arc::new(Guesses { clock: clock.clone(), limit, blocked: Mutex::default() }))
    }

    /// Whether this node knows the network of `ip` as blocked.
    pub(crate) fn is_blocked(&self, ip: Option<IpAddr>) -> bool {
        let now = (self.0.clock)();
        let blocked = self.0.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        blocked.get(&known(ip)).is_some_and(|until| *until > now)
    }

    /// Count a failure.
    pub(crate) fn count(&self, ip: Option<IpAddr>) -> Guess {
        let (network, now) = (known(ip), (self.0.clock)());
        let mut blocked = self.0.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(until) = blocked.get(&network).filter(|until| **until > now) {
            return Guess::Blocked(until.since(now));
        }
        match self.0.limit.check(&network) {
            Ok(()) => Guess::Noted,
            Err(_) => {
                // Until it is known for how long.
                remember(&mut blocked, network, now + address_blocks::FIRST, now);
                Guess::OneTooMany(address_blocks::FIRST)
            }
        }
    }

    /// The network of `ip` is blocked until then, as the nodes have agreed.
    pub(crate) fn learn(&self, ip: Option<IpAddr>, until: Timestamp) {
        let mut blocked = self.0.blocked.lock().unwrap_or_else(PoisonError::into_inner);
        remember(&mut blocked, known(ip), until, (self.0.clock)());
    }

    /// Forget the addresses that have been quiet, and blocks that are over.
    pub(crate) fn sweep(&self) {
        self.0.limit.sweep();
        let now = (self.0.clock)();
        self.0.blocked.lock().unwrap_or_else(PoisonError::into_inner).retain(|_, until| *until > now);
    }

    /// Forget all addresses.
    pub(crate) fn forget(&self) {
        self.0.limit.forget();
        self.0.blocked.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

fn remember(blocked: &mut BTreeMap<IpAddr, Timestamp>, network: IpAddr, until: Timestamp, now: Timestamp) {
    if blocked.len() >= MOST_BLOCKED {
        blocked.retain(|_, until| *until > now);
    }
    if blocked.len() < MOST_BLOCKED || blocked.contains_key(&network) {
        blocked.insert(network, until);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    fn clock() -> (Clock, Arc<AtomicI64>) {
        let micros = Arc::new(AtomicI64::new(1_800_000_000_000_000));
        let read = micros.clone();
        (Arc::new(move || Timestamp::from_micros(read.load(Ordering::SeqCst))), micros)
    }

    #[tokio::test]
    async fn seconds_to_wait_are_rounded_up_for_anybody() {
        let limit = Arc::new(Anonymous { path: "/x", burst: 1, seconds: 600 }.limit());
        let answer = tower::service_fn(async |_: Request<Body>| Ok::<_, std::convert::Infallible>(Response::new(Body::empty())));
        let limited = tower::Layer::layer(&layer(&limit), answer);
        let ask = || tower::ServiceExt::oneshot(limited.clone(), Request::get("/x").body(Body::empty()).unwrap());
        assert_eq!(ask().await.unwrap().status(), StatusCode::OK);
        let refused = ask().await.unwrap();
        assert_eq!((refused.status(), &refused.headers()[header::RETRY_AFTER]), (StatusCode::TOO_MANY_REQUESTS, &"600".parse().unwrap()));
    }

    #[test]
    fn seconds_to_wait_are_whole_and_enough() {
        let seconds = [0, 1, 999, 1_000, 1_001].map(|millis| whole_seconds(Duration::from_millis(millis)));
        assert_eq!(seconds, [1, 1, 1, 1, 2]);
    }

    #[test]
    fn a_clock_that_is_set_back_refuses_nobody_for_as_long() {
        let (clock, micros) = clock();
        let two = const { NonZeroU32::new(2).unwrap() };
        let limit = Limit::new(per_second(NonZeroU32::MIN, two), &clock);
        assert_eq!([0; 3].map(|_| limit.check(&"a")), [Ok(()), Ok(()), Err(Duration::from_secs(1))]);
        micros.fetch_sub(3_600_000_000, Ordering::SeqCst);
        assert_eq!(limit.check(&"a"), Err(Duration::from_secs(1)));
        micros.fetch_add(1_000_000, Ordering::SeqCst);
        assert_eq!(limit.check(&"a"), Ok(()));
    }
}
