//! One request, as the use cases see it: when, from where, by whom, and where randomness comes from.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
};

use domain::{MemberId, Timestamp, TokenId};
use uuid::{Builder, Uuid};

/// Fills a buffer with random bytes: the operating system's in production.
pub type Randomness = Arc<dyn Fn(&mut [u8]) + Send + Sync>;

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// One request: the moment it is handled, where it came from, and the source of randomness.
#[derive(Clone)]
pub struct Call {
    /// The moment. One request has one moment, so that everything it writes agrees.
    pub now: Timestamp,
    /// When the request arrived. Of several things that one request asks for it is the same.
    pub arrived: Timestamp,
    /// Tells the time while the request is handled: for what is measured, not for what is decided.
    pub clock: Clock,
    /// The id that the response, the log and the audit event share.
    pub request_id: Option<String>,
    /// The client's address, after configured proxies were believed.
    pub ip: Option<String>,
    /// The client's `User-Agent`, cut to a sensible length.
    pub user_agent: Option<String>,
    /// Where randomness comes from.
    pub randomness: Randomness,
    /// How many ids this call has made: those of one moment sort in the order in which they were made.
    made: Arc<AtomicU16>,
}

impl Call {
    /// A call at `now` that comes from nowhere in particular: the command line, or our own housekeeping. It takes no time, unless
    /// it is given a clock.
    pub fn new(now: Timestamp, randomness: Randomness) -> Self {
        let clock: Clock = Arc::new(move || now);
        Self { now, arrived: now, clock, request_id: None, ip: None, user_agent: None, randomness, made: Arc::default() }
    }

    /// A call that is made now, by this clock, and measured with it.
    pub fn by(clock: &Clock, randomness: Randomness) -> Self {
        Self { clock: clock.clone(), ..Self::new(clock(), randomness) }
    }

    /// The same request at a later moment: one of several things that it asks for, one after the other.
    pub fn later(&self, now: Timestamp) -> Self {
        Self { now, made: Arc::default(), ..self.clone() }
    }

    /// A new id: a UUIDv7 with this call's time, then the number of ids made before, then 62 random bits.
    pub(crate) fn new_id<T: From<Uuid>>(&self) -> T {
        let mut bytes: [u8; 10] = self.random();
        bytes[..2].copy_from_slice(&self.made.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        Builder::from_unix_timestamp_millis(self.now.as_millis(), &bytes).into_uuid().into()
    }

    /// Random bytes.
    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        (self.randomness)(&mut bytes);
        bytes
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("now", &self.now).field("request_id", &self.request_id).field("ip", &self.ip).finish_non_exhaustive()
    }
}

/// Who does something, as the audit log names them. Names are copied: the log outlives what it names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A signed-in member.
    Member {
        /// Her member id.
        id: MemberId,
        /// Her name at the time.
        name: String,
    },
    /// An identity provider, by its provisioning token.
    ProvisioningToken {
        /// The token's id.
        id: TokenId,
        /// The token's name at the time.
        name: String,
    },
    /// Someone at the server's command line.
    Operator,
    /// Rollcall itself, in its own housekeeping.
    System,
    /// Somebody who has not proven who they are.
    Anonymous {
        /// What they claim to be, when it is known to exist.
        claims: Option<String>,
    },
}

impl Actor {
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Member { .. } => "member",
            Self::ProvisioningToken { .. } => "provisioning_token",
            Self::Operator => "operator",
            Self::System => "system",
            Self::Anonymous { .. } => "anonymous",
        }
    }

    pub(crate) fn id(&self) -> Option<Uuid> {
        match self {
            Self::Member { id, .. } => Some((*id).into()),
            Self::ProvisioningToken { id, .. } => Some((*id).into()),
            Self::Operator | Self::System | Self::Anonymous { .. } => None,
        }
    }

    /// The name to show.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Member { name, .. } => name.clone(),
            Self::ProvisioningToken { name, .. } => format!("{name} (token)"),
            Self::Operator => "Command line".to_owned(),
            Self::System => "Rollcall".to_owned(),
            Self::Anonymous { claims } => claims.clone().unwrap_or_else(|| "Somebody".to_owned()),
        }
    }
}
