//! Secrets that are shown once: tokens of every kind, and the single-use links that people follow.
//!
//! 256 random bits each; only a SHA-256 is ever stored (law 8). A password hash would add nothing: there is nothing
//! to guess (RFC 7644 §7.7, RFC 6819 §5.1.4.1).

use std::fmt;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
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

/// What a secret with a public id is for. Its prefix lets scanners recognise a leaked one, and keeps one kind from being taken
/// for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An identity provider's.
    Provisioning,
    /// A client's, for ten minutes.
    Access,
    /// A client's, for the next access token.
    Refresh,
    /// A person's own.
    Personal,
    /// A service's of the organisation.
    Service,
    /// A device's, until its person has said yes or no.
    Device,
}

impl Kind {
    pub(crate) const ALL: [Self; 6] = [Self::Provisioning, Self::Access, Self::Refresh, Self::Personal, Self::Service, Self::Device];

    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            Self::Provisioning => "rcs_",
            Self::Access => "rca_",
            Self::Refresh => "rcr_",
            Self::Personal => "rcp_",
            Self::Service => "rcv_",
            Self::Device => "rcd_",
        }
    }
}

/// A secret as it is presented: prefix + public id (32 hexadecimal digits) + `_` + secret (43 base64url characters) + CRC-32 of
/// all before it (8 hexadecimal digits). It is found by its public id; of the secret only a hash is compared.
pub(crate) struct Credential {
    pub(crate) kind: Kind,
    pub(crate) id: Uuid,
    pub(crate) hash: SecretHash,
}

/// A new secret: its text, what is stored of it, and its last four characters.
pub(crate) struct Minted {
    pub(crate) secret: Secret,
    pub(crate) hash: SecretHash,
    pub(crate) hint: String,
}

impl Credential {
    const SECRET: usize = 43;
    const LENGTH: usize = 4 + 32 + 1 + Self::SECRET + 8;

    /// A new secret of this kind with this public id.
    pub(crate) fn mint(kind: Kind, id: impl Into<Uuid>, call: &Call) -> Minted {
        let secret = URL_SAFE_NO_PAD.encode(call.random::<32>());
        let body = format!("{}{}_{secret}", kind.prefix(), id.into().simple());
        let text = format!("{body}{:08x}", crc32fast::hash(body.as_bytes()));
        let hint = text[text.len() - 4..].to_owned();
        Minted { secret: Secret(text), hash: SecretHash::of(secret.as_bytes()), hint }
    }

    /// Read a secret of any kind. A wrong form or checksum is `None`, which costs no database work and tells a caller only what
    /// it could have computed itself.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() != Self::LENGTH || !text.is_ascii() {
            return None;
        }
        let (body, checksum) = text.split_at(Self::LENGTH - 8);
        if format!("{:08x}", crc32fast::hash(body.as_bytes())) != checksum {
            return None;
        }
        let (prefix, rest) = body.split_at(4);
        let kind = Kind::ALL.into_iter().find(|kind| kind.prefix() == prefix)?;
        let (id, secret) = rest.split_at(32);
        let secret = secret.strip_prefix('_')?;
        let id = Uuid::try_parse(id).ok().filter(|uuid| uuid.simple().to_string() == id)?;
        Some(Self { kind, id, hash: SecretHash::of(secret.as_bytes()) })
    }

    /// Read a secret of this kind, and of no other.
    pub(crate) fn of_kind(kind: Kind, text: &str) -> Option<Self> {
        Self::parse(text).filter(|credential| credential.kind == kind)
    }

    /// Whether it is the secret that `stored` is the hash of. One that is not there is compared with as well: one lookup, one
    /// hash, one comparison, whatever is wrong (law 1).
    pub(crate) fn matches(&self, stored: Option<&SecretHash>) -> bool {
        match stored {
            Some(stored) => self.hash.matches(stored),
            None => {
                self.hash.matches(&SecretHash::of(b""));
                false
            }
        }
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
        let id: Uuid = call().new_id();
        for kind in Kind::ALL {
            let Minted { secret, hash, hint } = Credential::mint(kind, id, &call());
            assert_eq!(format!("{secret:?}"), "Secret(…)");
            let text = secret.reveal();
            assert!(text.starts_with(kind.prefix()) && text.ends_with(&hint));
            let read = Credential::parse(&text).unwrap();
            assert_eq!((read.id, read.kind), (id, kind));
            assert!(read.matches(Some(&hash)) && !read.matches(None));
            let others = Kind::ALL.into_iter().filter(|other| *other != kind);
            assert!(others.into_iter().all(|other| Credential::of_kind(other, &text).is_none()));
        }
    }

    #[test]
    fn one_wrong_character_anywhere_is_noticed_without_a_database() {
        let text = Credential::mint(Kind::Provisioning, call().new_id::<Uuid>(), &call()).secret.reveal();
        for at in 0..text.len() {
            let mut wrong = text.clone().into_bytes();
            wrong[at] = if wrong[at] == b'0' { b'1' } else { b'0' };
            assert!(Credential::parse(&String::from_utf8(wrong).unwrap()).is_none(), "at {at}");
        }
        for other in ["", "rcs_", &text[1..], &format!("{text} "), &"é".repeat(44)] {
            assert!(Credential::parse(other).is_none(), "{other}");
        }
    }
}
