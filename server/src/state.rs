//! What every handler can reach. One value, made at the start, cheap to clone.

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::extract::FromRef;
use directory::{
    Afterwards, Call, Db, Randomness, failed_attempts, keys::Keys, passwords::Hasher, provisioning::activity::ActivityLog,
    sessions::SessionLimits, webhooks::Targets,
};
use ipnet::IpNet;
use leptos::config::LeptosOptions;
use tokio::sync::Semaphore;
use url::Url;

use crate::{
    config::Reach,
    floods::Floods,
    rate_limit::{AnonymousCalls, ApiFailures, ScimGuesses, ScimTraffic, TokenTraffic},
    slow_lane::SlowLane,
    system::Clock,
};

/// The server's state.
#[derive(Clone)]
pub struct AppState {
    /// The database.
    pub db: Db,
    /// Tells the time.
    pub clock: Clock,
    /// Where randomness comes from.
    pub randomness: Randomness,
    /// Hashes passwords.
    pub hasher: Hasher,
    /// What signs events.
    pub keys: Keys,
    /// Where events may be sent.
    pub targets: Targets,
    /// The address under which we are reached.
    pub public_url: Arc<Url>,
    /// How long sessions live.
    pub session_limits: SessionLimits,
    /// How long an activation mail waits.
    pub mail_delay: Duration,
    /// Proxies whose forwarded headers are believed.
    pub trusted_proxies: Arc<[IpNet]>,
    /// The nodes that a deprovision drill tries.
    pub drill_nodes: Arc<[Url]>,
    /// How it reaches them.
    pub drill_reach: Reach,
    /// Where the browser's files are.
    pub site_dir: Arc<PathBuf>,
    /// How pages are rendered.
    pub leptos: LeptosOptions,
    pub(crate) scim_guesses: ScimGuesses,
    pub(crate) slow_lane: SlowLane,
    pub(crate) floods: Floods,
    pub(crate) scim_traffic: TokenTraffic,
    pub(crate) api_failures: ApiFailures,
    pub(crate) anonymous_calls: AnonymousCalls,
    pub(crate) afterwards: Afterwards,
    pub(crate) activity: ActivityLog,
    /// Leave to give an answer that holds a connection to the database for as long as its client reads.
    pub(crate) large_answers: Arc<Semaphore>,
}

/// What an [`AppState`] is made of.
pub struct Parts {
    /// The database.
    pub db: Db,
    /// Tells the time.
    pub clock: Clock,
    /// Where randomness comes from.
    pub randomness: Randomness,
    /// Hashes passwords.
    pub hasher: Hasher,
    /// What signs events.
    pub keys: Keys,
    /// Where events may be sent.
    pub targets: Targets,
    /// The address under which we are reached.
    pub public_url: Url,
    /// How long sessions live.
    pub session_limits: SessionLimits,
    /// How long an activation mail waits.
    pub mail_delay: Duration,
    /// How long a guess at a SCIM token from a blocked network waits for its refusal. Zero is for tests that send thousands.
    pub refusal_wait: Duration,
    /// What one provisioning token may ask.
    pub scim_traffic: ScimTraffic,
    /// Proxies whose forwarded headers are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// The nodes that a deprovision drill tries.
    pub drill_nodes: Vec<Url>,
    /// How it reaches them.
    pub drill_reach: Reach,
    /// Where the browser's files are.
    pub site_dir: PathBuf,
}

impl AppState {
    /// The state of a server made of `parts`. Starts the writers of its logs: call it inside a runtime.
    pub fn new(parts: Parts) -> Self {
        let leptos = LeptosOptions::builder()
            .output_name("rollcall")
            .site_root(parts.site_dir.display().to_string())
            .site_pkg_dir("pkg")
            .env(if std::env::var_os("LEPTOS_WATCH").is_some() { leptos::config::Env::DEV } else { leptos::config::Env::PROD })
            .build();
        Self {
            afterwards: Afterwards::start(),
            activity: ActivityLog::start(parts.db.clone()),
            // A quarter of the connections: the rest is for those who read quickly.
            large_answers: Arc::new(Semaphore::new((parts.db.readers() / 4).max(1))),
            scim_guesses: ScimGuesses::new(&parts.clock),
            slow_lane: SlowLane::new(parts.refusal_wait),
            floods: Floods::default(),
            scim_traffic: TokenTraffic::new(parts.scim_traffic, &parts.clock),
            api_failures: ApiFailures::new(&parts.clock),
            anonymous_calls: AnonymousCalls::new(),
            db: parts.db,
            clock: parts.clock,
            randomness: parts.randomness,
            hasher: parts.hasher,
            keys: parts.keys,
            targets: parts.targets,
            public_url: Arc::new(parts.public_url),
            session_limits: parts.session_limits,
            mail_delay: parts.mail_delay,
            trusted_proxies: parts.trusted_proxies.into(),
            drill_nodes: parts.drill_nodes.into(),
            drill_reach: parts.drill_reach,
            site_dir: Arc::new(parts.site_dir),
            leptos,
        }
    }

    /// A call of our own, made now.
    pub(crate) fn call(&self) -> Call {
        Call::by(&self.clock, self.randomness.clone())
    }

    /// The public URL without a slash at the end.
    pub fn public_url(&self) -> &str {
        self.public_url.as_str().trim_end_matches('/')
    }

    /// Whether people reach us by TLS.
    pub fn is_https(&self) -> bool {
        self.public_url.scheme() == "https"
    }

    /// Forget which addresses failed to authenticate at the SCIM endpoints: for tests, whose requests share one.
    pub fn forget_failures(&self) {
        self.scim_guesses.forget();
    }

    /// Write down what was refused beyond the limits since this was called last, and tell of failed attempts that are over.
    pub async fn note_failures(&self) -> Result<(), directory::Error> {
        let counted = self.floods.write(&self.db, &self.call()).await;
        failed_attempts::tell_the_rest(&self.db, &self.call()).await.and(counted)
    }

    /// Forget the clients that have been quiet, so that what is remembered of them is as short as the trouble.
    pub(crate) fn forget_the_quiet(&self) {
        self.scim_guesses.sweep();
        self.scim_traffic.sweep();
        self.api_failures.sweep();
        self.anonymous_calls.sweep();
    }

    /// Wait until what was noted so far is in the audit log and the activity log.
    pub async fn settle(&self) {
        self.afterwards.settle().await;
        self.activity.settle().await;
    }
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}
