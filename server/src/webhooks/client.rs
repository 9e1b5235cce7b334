//! The HTTP client that calls addresses which other people chose: only where the operator allows, no redirects, no proxies, and to
//! exactly the address that was looked at.

use std::{
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use directory::webhooks::Targets;
use http::header;
use reqwest::{
    dns::{Addrs, Name, Resolve, Resolving},
    redirect::Policy,
};

use super::signer::Signed;

/// Finds the addresses of a name.
pub type Lookup = Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> + Send + Sync>;

/// As this machine finds them.
pub(super) fn system_lookup() -> Lookup {
    Arc::new(|name| Box::pin(async move { Ok(tokio::net::lookup_host((name, 0)).await?.map(|address| address.ip()).collect()) }))
}

/// How much of an answer's body is kept, in bytes.
const KEPT: usize = 1_024;

/// The client. Cheap to clone.
#[derive(Clone)]
pub(super) struct Client {
    targets: Targets,
    client: Option<reqwest::Client>,
    longest: Duration,
}

/// What an endpoint answered.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) beginning: String,
    pub(super) retry_after: Option<Duration>,
}

impl Answer {
    /// Why it does not count as taken.
    pub(super) fn refusal(&self) -> Option<String> {
        match self.status {
            200..300 => None,
            300..400 => Some(format!("it answered {}: redirects are not followed, so enter the final address", self.status)),
            status => Some(format!("it answered {status}")),
        }
    }
}

/// Looks names up, and lets only those addresses through that may be called. The connection is made to what comes out here, so a
/// name cannot lead elsewhere between the look and the call.
struct Guard {
    targets: Targets,
    lookup: Lookup,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let (targets, found) = (self.targets.clone(), (self.lookup)(name.as_str().to_owned()));
        Box::pin(async move {
            let found = found.await?;
            let allowed: Vec<_> = found.iter().filter(|ip| targets.allow(**ip)).map(|ip| SocketAddr::new(*ip, 0)).collect();
            if allowed.is_empty() {
                let why =
                    if found.is_empty() { "the name has no address" } else { "the name leads to an address that is not on the internet" };
                return Err(why.into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

impl Client {
    pub(super) fn new(targets: Targets, lookup: Lookup, longest: Duration) -> Self {
        let builder = reqwest::Client::builder()
            .dns_resolver(Arc::new(Guard { targets: targets.clone(), lookup }))
            .redirect(Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(longest.min(Duration::from_secs(5)))
            .timeout(longest)
            .pool_max_idle_per_host(1)
            .user_agent(concat!("Rollcall-Webhooks/", env!("CARGO_PKG_VERSION")));
        // The only way to fail is a TLS library that does not start: said at each attempt.
        Self { targets, client: builder.build().ok(), longest }
    }

    pub(super) async fn send(&self, url: &str, signed: Signed) -> Result<Answer, String> {
        // What was allowed when it was entered may not be any more; and a literal address is looked up by nobody.
        let url = self.targets.check(url).map_err(|refused| refused.sentence)?;
        let client = self.client.as_ref().ok_or("the TLS library does not start")?;
        let sent = client.post(url).headers(signed.headers).body(signed.body).send().await;
        let mut answer = sent.map_err(|error| self.sentence(&error))?;
        let status = answer.status().as_u16();
        let retry_after = answer.headers().get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        let mut beginning = vec![];
        while beginning.len() < KEPT {
            match answer.chunk().await {
                Ok(Some(chunk)) => beginning.extend_from_slice(&chunk),
                // The status has said what there is to say; a body that does not end says nothing more.
                Ok(None) | Err(_) => break,
            }
        }
        beginning.truncate(KEPT);
        Ok(Answer { status, beginning: printable(&beginning), retry_after: retry_after.map(Duration::from_secs) })
    }

    /// What went wrong, for people: the innermost cause, without the address, which they know.
    fn sentence(&self, error: &reqwest::Error) -> String {
        if error.is_timeout() {
            return format!("there was no answer within {} s", self.longest.as_secs_f32());
        }
        let mut cause: &dyn std::error::Error = error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        let place = if error.is_connect() { "it could not be reached" } else { "the connection failed" };
        format!("{place}: {cause}")
    }
}

/// Text that can be stored and shown, whatever the endpoint sent.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect::<String>().trim().to_owned()
}
