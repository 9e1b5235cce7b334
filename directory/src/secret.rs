//! Secrets that are shown once: provisioning tokens, and the single-use links that people follow.
//!
//! 256 random bits each; only a SHA-256 is ever stored (law 8). A password hash would add nothing: there is nothing
//! to guess (RFC 7644 §7.7, RFC 6819 §5.1.4.1).

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::TokenId;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use uuid::Uuid;

use crate::Call;

/// A secret in clear. It can be read in one place only: where it is handed to the person or the client.
pub(crate) struct Secret(String);

impl Secret {
    /// The text to hand over.
    pub(crate) fn reveal(self) -> String {
        self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What is stored of a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SecretHash(Vec<u8>);

impl SecretHash {
    pub(crate) fn of(secret: &[u8]) -> Self {
        Self(Sha256::digest(secret).to_vec())
    }

    pub(crate) fn from_stored(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// What a page may call the thing that has this secret: 32 hexadecimal digits of another hash. Neither the secret nor
    /// what is stored of it can be had from it.
    pub(crate) fn handle(&self) -> String {
        Sha256::digest(&self.0)[..16].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Compared in a time that does not depend on where they differ.
    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// A single-use link's secret, and what is stored of it.
pub(crate) fn new_link(call: &Call) -> (Secret, SecretHash) {
    let text = URL_SAFE_NO_PAD.encode(call.random::<32>());
    let hash = SecretHash::of(text.as_bytes());
    (Secret(text), hash)
}

/// What is stored of the link `text`; `None` when it cannot be one of ours.
pub(crate) fn link_hash(text: &str) -> Option<SecretHash> {
    let shaped = text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    shaped.then(|| SecretHash::of(text.as_bytes()))
}

/// What every provisioning token begins with, so that scanners recognise a leaked one.
pub(crate) const TOKEN_PREFIX: &str = "rcs_";

/// A provisioning token: `rcs_` + public id (32 hexadecimal digits) + `_` + secret (43 base64url characters)
/// + CRC-32 of all before it (8 hexadecimal digits).
pub(crate) struct ProvisioningToken {
    pub(crate) id: TokenId,
    pub(crate) hash: SecretHash,
}

impl ProvisioningToken {
    const SECRET: usize = 43;
    const LENGTH: usize = TOKEN_PREFIX.len() + 32 + 1 + Self::SECRET + 8;

    /// A new token for `id`: its text, what is stored of it, and its last four characters.
    pub(crate) fn mint(id: TokenId, call: &Call) -> (Secret, SecretHash, String) {
        let secret = URL_SAFE_NO_PAD.encode(call.random::<32>());
        let body = format!("{TOKEN_PREFIX}{}_{secret}", Uuid::from(id).simple());
        let text = format!("{body}{:08x}", crc32fast::hash(body.as_bytes()));
        let hint = text[text.len() - 4..].to_owned();
        (Secret(text), SecretHash::of(secret.as_bytes()), hint)
    }

    /// Read a token. A wrong form or checksum is `None`, which costs no database work and tells a caller only what it
    /// could have computed itself.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != Self::LENGTH || !text.is_ascii() {
            return None;
        }
        let (body, checksum) = text.split_at(Self::LENGTH - 8);
        if format!("{:08x}", crc32fast::hash(body.as_bytes())) != checksum {
            return None;
        }
        let (id, secret) = body.strip_prefix(TOKEN_PREFIX)?.split_at(32);
        let secret = secret.strip_prefix('_')?;
        let uuid = Uuid::try_parse(id).ok().filter(|uuid| uuid.simple().to_string() == id)?;
        Some(Self { id: uuid.into(), hash: SecretHash::of(secret.as_bytes()) })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::Timestamp;

    use super::*;

    fn call() -> Call {
        let counting = Arc::new(|bytes: &mut [u8]| bytes.iter_mut().enumerate().for_each(|(i, b)| *b = i as u8));
        Call::new(Timestamp::from_micros(1_700_000_000_000_000), counting)
    }

    #[test]
    fn a_minted_token_reads_back_and_hides_itself() {
        let id = call().new_id();
        let (secret, hash, hint) = ProvisioningToken::mint(id, &call());
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        let text = secret.reveal();
        assert!(text.starts_with("rcs_") && text.ends_with(&hint));
        let read = ProvisioningToken::parse(&text).unwrap();
        assert_eq!(read.id, id);
        assert!(read.hash.matches(&hash));
    }

    #[test]
    fn one_wrong_character_anywhere_is_noticed_without_a_database() {
        let (secret, ..) = ProvisioningToken::mint(call().new_id(), &call());
        let text = secret.reveal();
        for at in 0..text.len() {
            let mut wrong = text.clone().into_bytes();
            wrong[at] = if wrong[at] == b'0' { b'1' } else { b'0' };
            assert!(ProvisioningToken::parse(&String::from_utf8(wrong).unwrap()).is_none(), "at {at}");
        }
        for other in ["", "rcs_", &text[1..], &format!("{text} "), &"é".repeat(44)] {
            assert!(ProvisioningToken::parse(other).is_none(), "{other}");
        }
    }
}
