//! Cursors (RFC 9865): where a list goes on, signed, and kept by the client alone.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use scim::{Kind, ListQuery};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{
    Error,
    secret::SecretHash,
    store::scim_query::{Key, Position},
};

/// How long a cursor is good.
pub const TIMEOUT: Duration = Duration::from_secs(3_600);

/// What the cursors of one provisioning token are signed with. It is made of the token's hash: a cursor of another
/// token, and so of another organisation, is as good as a forged one, and ends with its token.
#[derive(Clone)]
pub(crate) struct CursorKey([u8; 32]);

impl std::fmt::Debug for CursorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CursorKey(…)")
    }
}

#[derive(Serialize, Deserialize)]
struct Content {
    /// Which query it belongs to.
    q: String,
    /// The sort key, if it is text.
    t: Option<String>,
    /// The sort key, if it is a number.
    n: Option<i64>,
    /// When the last resource was made, and its id.
    c: i64,
    i: Uuid,
    /// When the cursor expires.
    e: i64,
}

impl CursorKey {
    pub(crate) fn of(token: &SecretHash) -> Self {
        Self(Sha256::new_with_prefix("cursors of the token ").chain_update(token.as_bytes()).finalize().into())
    }

    /// A cursor for what comes after `position`.
    pub(super) fn seal(&self, kinds: &[Kind], query: &ListQuery, position: &Position, now: Timestamp) -> Result<String, Error> {
        let (text, number) = match &position.key {
            Key::None => (None, None),
            Key::Text(text) => (Some(text.clone()), None),
            Key::Number(number) => (None, Some(*number)),
        };
        let content = Content {
            q: fingerprint(kinds, query),
            t: text,
            n: number,
            c: position.created_at.as_micros(),
            i: position.id,
            e: (now + TIMEOUT).as_micros(),
        };
        let content = serde_json::to_vec(&content).map_err(|error| Error::Store(error.to_string()))?;
        let mac = self.mac(&content)?.finalize().into_bytes();
        Ok(format!("{}.{}", URL_SAFE_NO_PAD.encode(content), URL_SAFE_NO_PAD.encode(&mac[..16])))
    }

    /// Where `cursor` goes on. Whatever is wrong with it is one and the same 400 `invalidCursor`, but that one of our own
    /// that is too old is `expiredCursor`.
    pub(super) fn open(&self, kinds: &[Kind], query: &ListQuery, cursor: &str, now: Timestamp) -> Result<Position, Error> {
        let invalid = || scim::Error::invalid_cursor("The cursor is not one that was given for this query. Begin again without one.");
        let (content, mac) = cursor.split_once('.').ok_or_else(invalid)?;
        let decode = |text| URL_SAFE_NO_PAD.decode(text).map_err(|_| invalid());
        let (content, mac) = (decode(content)?, decode(mac)?);
        if mac.len() != 16 || self.mac(&content)?.verify_truncated_left(&mac).is_err() {
            return Err(invalid().into());
        }
        let content: Content = serde_json::from_slice(&content).map_err(|_| invalid())?;
        if content.q != fingerprint(kinds, query) {
            return Err(invalid().into());
        }
        if content.e <= now.as_micros() {
            return Err(scim::Error::expired_cursor("The cursor has expired. Begin again without one.").into());
        }
        let key = match (content.t, content.n) {
            (Some(text), _) => Key::Text(text),
            (None, Some(number)) => Key::Number(number),
            (None, None) => Key::None,
        };
        Ok(Position { key, created_at: Timestamp::from_micros(content.c), id: content.i })
    }

    fn mac(&self, content: &[u8]) -> Result<Hmac<Sha256>, Error> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.0).map_err(|error| Error::Store(error.to_string()))?;
        Ok(mac.chain_update(content))
    }
}

/// What tells one query from another, apart from where its page begins and how long it is.
fn fingerprint(kinds: &[Kind], query: &ListQuery) -> String {
    let ListQuery { filter, projection, sort_by, sort_order, .. } = query;
    let text = format!("{kinds:?} {filter:?} {projection:?} {sort_by:?} {sort_order:?}");
    URL_SAFE_NO_PAD.encode(&Sha256::digest(text)[..12])
}
