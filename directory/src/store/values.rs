//! How domain values become parameters and come back from columns.

use domain::{
    AccountId, AgentId, ApiSessionId, AuditEventId, ConnectionId, DeliveryId, DeviceRequestId, DirectoryGroupId, DirectoryUserId, DrillId,
    EventId, MailId, MappingId, MemberId, MembershipId, OrgId, PersonalTokenId, ReceiptId, ServiceCredentialId, TeamId, Timestamp, TokenId,
    WebhookEndpointId,
};
use sea_orm::{QueryResult, Value};
use uuid::Uuid;

use crate::Error;

/// A value that a column holds.
pub(crate) trait Stored: Sized {
    /// What the database driver knows.
    type Raw: sea_orm::TryGetable + Into<Value>;
    fn from_raw(raw: Self::Raw) -> Self;
    fn into_raw(self) -> Self::Raw;
    /// NULL of this type: PostgreSQL wants to know.
    fn null() -> Value;
}

macro_rules! stored {
    ($($type:ty => $raw:ty, $value:ident;)*) => {$(
        impl Stored for $type {
            type Raw = $raw;
            fn from_raw(raw: $raw) -> Self { raw.into() }
            fn into_raw(self) -> $raw { self.into() }
            fn null() -> Value { Value::$value(None) }
        }
    )*};
}
stored! {
    String => String, String;
    i64 => i64, BigInt;
    bool => bool, Bool;
    Vec<u8> => Vec<u8>, Bytes;
    Uuid => Uuid, Uuid;
    AccountId => Uuid, Uuid;
    AgentId => Uuid, Uuid;
    ApiSessionId => Uuid, Uuid;
    DeviceRequestId => Uuid, Uuid;
    PersonalTokenId => Uuid, Uuid;
    ReceiptId => Uuid, Uuid;
    ServiceCredentialId => Uuid, Uuid;
    MappingId => Uuid, Uuid;
    TeamId => Uuid, Uuid;
    AuditEventId => Uuid, Uuid;
    ConnectionId => Uuid, Uuid;
    DirectoryGroupId => Uuid, Uuid;
    DirectoryUserId => Uuid, Uuid;
    DrillId => Uuid, Uuid;
    MailId => Uuid, Uuid;
    MemberId => Uuid, Uuid;
    MembershipId => Uuid, Uuid;
    OrgId => Uuid, Uuid;
    TokenId => Uuid, Uuid;
    WebhookEndpointId => Uuid, Uuid;
    EventId => Uuid, Uuid;
    DeliveryId => Uuid, Uuid;
}

impl Stored for Timestamp {
    type Raw = i64;
    fn from_raw(raw: i64) -> Self {
        Timestamp::from_micros(raw)
    }
    fn into_raw(self) -> i64 {
        self.as_micros()
    }
    fn null() -> Value {
        Value::BigInt(None)
    }
}

/// Something that can stand for a parameter.
pub(crate) trait Bind {
    fn bind(self) -> Value;
}

impl<T: Stored> Bind for T {
    fn bind(self) -> Value {
        self.into_raw().into()
    }
}

impl Bind for &str {
    fn bind(self) -> Value {
        self.to_owned().into()
    }
}

/// `None` is NULL.
pub(crate) struct Maybe<T>(pub(crate) Option<T>);

impl<T: Stored> Bind for Maybe<T> {
    fn bind(self) -> Value {
        self.0.map_or_else(T::null, Bind::bind)
    }
}

impl Bind for Maybe<&str> {
    fn bind(self) -> Value {
        self.0.map_or_else(String::null, Bind::bind)
    }
}

/// The parameters `$1`, `$2`, … of a statement.
macro_rules! params {
    ($($value:expr),* $(,)?) => { vec![$(crate::store::values::Bind::bind($value)),*] };
}
pub(crate) use params;

/// Parameters of a statement in the making.
pub(crate) struct Params(pub(crate) Vec<Value>);

impl Params {
    /// Add a parameter; how the statement names it.
    pub(crate) fn push(&mut self, value: impl Bind) -> String {
        self.0.push(value.bind());
        format!("${}", self.0.len())
    }
}

/// Ids in one statement: well below what either database takes.
pub(crate) const CHUNK: usize = 500;

/// `$3, $4, …` for the ids, and all parameters.
pub(crate) fn in_list<T: Bind + Copy>(mut params: Vec<Value>, ids: &[T]) -> (String, Vec<Value>) {
    let first = params.len() + 1;
    params.extend(ids.iter().map(|id| id.bind()));
    let list = (first..first + ids.len()).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
    (list, params)
}

/// A row of an answer.
pub(crate) struct Row(pub(crate) QueryResult);

impl Row {
    /// The value of the column `name`.
    pub(crate) fn get<T: Stored>(&self, name: &str) -> Result<T, Error> {
        self.0.try_get::<T::Raw>("", name).map(T::from_raw).map_err(Error::from)
    }

    /// The value of the column `name`, which may be NULL.
    pub(crate) fn opt<T: Stored>(&self, name: &str) -> Result<Option<T>, Error>
    where
        Option<T::Raw>: sea_orm::TryGetable,
    {
        self.0.try_get::<Option<T::Raw>>("", name).map(|raw| raw.map(T::from_raw)).map_err(Error::from)
    }
}
