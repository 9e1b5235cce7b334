//! Somebody who listens to webhooks, over a real socket: takes them, refuses them, is slow, or lies.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::State,
    response::Response,
};
use http::{HeaderMap, StatusCode};
use serde_json::Value;
use server::webhooks::{Deliverer, Lookup};
use tokio::net::TcpListener;

use super::{Browser, Org, TestApp};

/// What a receiver answers.
#[derive(Clone, Debug)]
pub enum Reply {
    Status(u16),
    /// A status with these headers and this body.
    With(u16, Vec<(&'static str, String)>, Vec<u8>),
    /// It takes the request, and says nothing.
    Never,
    /// It says yes, and then sends a body that has no end.
    EndlessBody,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Received {
    pub headers: HeaderMap,
    pub body: String,
}

impl Received {
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }

    pub fn sequence(&self) -> i64 {
        self.json()["data"]["sequence"].as_i64().unwrap()
    }
}

#[derive(Default)]
struct Inner {
    received: Vec<Received>,
    replies: VecDeque<Reply>,
    otherwise: Option<Reply>,
}

/// A receiver that runs until it is dropped.
#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    inner: Arc<Mutex<Inner>>,
}

impl Receiver {
    pub async fn start() -> Self {
        Self::on("127.0.0.1").await
    }

    pub async fn on(address: &str) -> Self {
        let listener = TcpListener::bind((address, 0)).await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let inner = Arc::new(Mutex::new(Inner::default()));
        let service = Router::new().fallback(receive).with_state(inner.clone());
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { url, inner }
    }

    /// Answer the next requests like this, one after the other; 204 when there is no more.
    pub fn will(&self, replies: impl IntoIterator<Item = Reply>) {
        self.inner.lock().unwrap().replies.extend(replies);
    }

    /// Answer everything like this from now on.
    pub fn always(&self, reply: Reply) {
        self.inner.lock().unwrap().otherwise = Some(reply);
    }

    /// What came since this was last asked.
    pub fn take(&self) -> Vec<Received> {
        std::mem::take(&mut self.inner.lock().unwrap().received)
    }

    /// The types of what came since this was last asked.
    pub fn kinds(&self) -> Vec<String> {
        self.take().iter().map(Received::kind).collect()
    }
}

async fn receive(State(inner): State<Arc<Mutex<Inner>>>, headers: HeaderMap, body: Bytes) -> Response {
    let reply = {
        let mut inner = inner.lock().unwrap();
        inner.received.push(Received { headers, body: String::from_utf8(body.to_vec()).unwrap() });
        inner.replies.pop_front().or_else(|| inner.otherwise.clone()).unwrap_or(Reply::Status(204))
    };
    let answer = |status: u16| Response::builder().status(StatusCode::from_u16(status).unwrap());
    match reply {
        Reply::Status(status) => answer(status).body(Body::empty()).unwrap(),
        Reply::With(status, headers, body) => {
            headers.into_iter().fold(answer(status), |answer, (name, value)| answer.header(name, value)).body(body.into()).unwrap()
        }
        Reply::Never => std::future::pending().await,
        Reply::EndlessBody => {
            let endless =
                futures_util::stream::unfold((), |()| async { Some((Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 4096])), ())) });
            answer(200).body(Body::from_stream(endless)).unwrap()
        }
    }
}

impl TestApp {
    /// The sender, which waits for an answer no longer than a moment.
    pub fn deliverer(&self) -> Deliverer {
        self.deliverer_with(Arc::new(|name| Box::pin(async move { panic!("nobody asked for {name}") })))
    }

    pub fn deliverer_with(&self, lookup: Lookup) -> Deliverer {
        Deliverer::with(&self.state, lookup, Duration::from_millis(500))
    }

    /// Send everything that is due; how many attempts that were.
    pub async fn deliver(&self) -> usize {
        self.deliverer().deliver_due(&self.state).await.unwrap()
    }

    /// An endpoint at `url`, made by the owner in her browser: its id and its secret.
    pub async fn endpoint(&self, org: &Org, owner: &Browser, url: &str, more: &[(&str, &str)]) -> (String, String) {
        let mut form = vec![("org", org.slug.as_str()), ("name", "Events"), ("url", url), ("password", super::PASSWORD)];
        if !more.iter().any(|(name, _)| *name == "format") {
            form.push(("format", "webhook"));
        }
        form.extend(more);
        let answer = owner.call("create_webhook", &form).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        (answer.json["endpoint"]["id"].as_str().unwrap().to_owned(), answer.json["secret"].as_str().unwrap_or_default().to_owned())
    }
}
