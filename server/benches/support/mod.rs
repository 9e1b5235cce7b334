//! What the benchmarks of the server share: a server in this process, as in production, and organisations with their SCIM endpoints.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo};
use directory::{
    Call, Db, DbSettings,
    founding::{self, Founder},
    keys::Keys,
    passwords::Hasher,
    sessions::SessionLimits,
    webhooks::Targets,
};
use http::{Method, Request, StatusCode, header};
use serde_json::Value;
use server::{
    rate_limit::ScimTraffic,
    router::router,
    serve, startup,
    state::{AppState, Parts},
    system,
};
use tower::ServiceExt;

/// A server, and its database as whoever owns the tables: that may do what the server may not.
pub struct Server {
    pub state: AppState,
    pub owner: Db,
}

impl Server {
    /// A server on an empty database, which is `url` (on PostgreSQL as `rollcall_owner`), with its tables made and `prepare`d.
    pub async fn start(url: String, prepare: impl AsyncFnOnce(&Db)) -> Self {
        let mut settings = DbSettings::new(url);
        let owner = Db::connect(&settings).await.unwrap();
        startup::migrate(&owner).await.unwrap();
        prepare(&owner).await;
        if !settings.is_sqlite() {
            // As in production: whoever owns the tables is held by no policy.
            let of = |role| settings.url.replace("//rollcall_owner@", role);
            settings = DbSettings { jobs_url: Some(of("//rollcall_jobs@")), ..DbSettings::new(of("//rollcall_app@")) };
        }
        let state = AppState::new(Parts {
            db: startup::open(&settings).await.unwrap(),
            clock: system::clock(),
            randomness: system::randomness(),
            keys: Keys::read(&Keys::new_line(&system::randomness())).unwrap(),
            targets: Targets::default(),
            hasher: Hasher::owasp(1),
            public_url: "https://id.rollcall.test".parse().unwrap(),
            session_limits: SessionLimits::default(),
            mail_delay: Duration::from_secs(120),
            refusal_wait: serve::REFUSAL_WAIT,
            scim_traffic: ScimTraffic::UNLIMITED,
            trusted_proxies: vec![],
            drill_nodes: vec![],
            drill_reach: server::config::Reach::default(),
            site_dir: PathBuf::from("no-site"),
        });
        Self { state, owner }
    }

    /// A new organisation with SCIM, whose identity provider sends from `address`.
    pub async fn organisation(&self, name: &str, address: [u8; 4]) -> Endpoint {
        let founder = Founder {
            org_name: name.to_owned(),
            name: "Owner".to_owned(),
            email: format!("owner@{}.test", name.to_lowercase()),
            password: "violet tractor sings at dawn".to_owned(),
        };
        let call = Call::new((self.state.clock)(), Arc::clone(&self.state.randomness));
        let made = founding::bootstrap(&self.state.db, &self.state.hasher, founder, true, &call).await.unwrap();
        Endpoint {
            router: router(self.state.clone()),
            base: format!("/scim/{}/v2", made.org),
            authorization: format!("Bearer {}", made.token.unwrap()),
            address: SocketAddr::from((address, 443)),
        }
    }
}

/// An organisation's SCIM endpoint, and what is sent there.
#[derive(Clone)]
pub struct Endpoint {
    pub router: Router,
    pub base: String,
    pub authorization: String,
    pub address: SocketAddr,
}

impl Endpoint {
    /// Send a request below the endpoint; a body that is not JSON is `null`.
    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        request = request.header(header::AUTHORIZATION, &self.authorization);
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/scim+json");
        }
        let mut request = request.body(body.map_or_else(Body::empty, |body| Body::from(body.to_string()))).unwrap();
        request.extensions_mut().insert(ConnectInfo(self.address));
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (parts.status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }
}
