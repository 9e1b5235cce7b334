//! How long a connection may say nothing. Whoever opens connections and leaves them silent would otherwise hold, with a thousand
//! of them, every descriptor that the server has.

use std::{net::SocketAddr, time::Duration};

use axum_server::Server;

/// How long the server waits for a client.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For the head of a connection's first request, after the handshake of TLS, which has ten seconds of its own.
    pub first: Duration,
    /// For the head of each further one. A proxy keeps connections for its next request and must not find them closed: nginx and
    /// the large clouds' load balancers keep them for 60 seconds.
    pub next: Duration,
    /// For the answer to a ping, of which one is sent after as long a silence (HTTP/2).
    pub ping: Duration,
}

impl Patience {
    /// What `rollcall serve` has.
    pub const USUAL: Self = Self { first: Duration::from_secs(10), next: Duration::from_secs(75), ping: Duration::from_secs(20) };

    /// `server` with this patience.
    pub fn of<A>(self, mut server: Server<SocketAddr, A>) -> Server<SocketAddr, A> {
        let builder = server.http_builder();
        builder.http1().header_read_timeout(self.next);
        builder.http2().keep_alive_interval(self.ping).keep_alive_timeout(self.ping);
        server.first_request_timeout(self.first).accept_error_handler(|from, error| match from {
            Some(from) => tracing::debug!(%from, %error, "a connection came to nothing"),
            None => tracing::error!(%error, "no connection can be accepted"),
        })
    }
}
