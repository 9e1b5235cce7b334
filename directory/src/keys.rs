//! The server's keys: what signs events, second factors and the first step of a sign-in are made from. They are in a file and never
//! in the database, so a copy of the database forges nothing (law 8).

use std::sync::Arc;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use domain::{AccountId, WebhookEndpointId};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Randomness;

/// The server's keys, the present one first. Cheap to clone.
#[derive(Clone)]
pub struct Keys(Arc<[Key]>);

/// One key: 256 bits from which everything that signs is derived (HKDF, RFC 5869).
struct Key {
    id: String,
    secret: [u8; 32],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.id)).finish()
    }
}

impl Keys {
    /// Read a key file: one key a line, 43 characters of base64url each, the present one first. The others still verify what was
    /// signed with them, and sign for endpoints that were made under them. Blank lines and lines that begin with `#` are skipped.
    ///
    /// # Errors
    /// A sentence that says which line is wrong.
    pub fn read(text: &str) -> Result<Self, String> {
        let lines = text.lines().enumerate().map(|(number, line)| (number + 1, line.trim()));
        let keys = lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(|(number, line)| {
            let bytes = URL_SAFE_NO_PAD.decode(line).ok().and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
            let secret = bytes.ok_or_else(|| format!("line {number} is no key: a key is 43 characters of base64url"))?;
            Ok(Key { id: fingerprint(&secret), secret })
        });
        let keys: Vec<_> = keys.collect::<Result<_, String>>()?;
        if keys.is_empty() { Err("there is no key in it".to_owned()) } else { Ok(Self(keys.into())) }
    }

    /// A new key, as a line of the file.
    pub fn new_line(randomness: &Randomness) -> String {
        let mut bytes = [0; 32];
        randomness(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The names of the keys, the present one first. They say nothing about the keys.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| key.id.as_str())
    }

    /// The name of the present key.
    pub(crate) fn present(&self) -> &str {
        &self.0[0].id
    }

    /// The secret that an endpoint's deliveries are signed with, in its `version`-th edition; `None` when this server lacks the key.
    pub(crate) fn webhook_secret(&self, key: &str, endpoint: WebhookEndpointId, version: i64) -> Option<WebhookSecret> {
        let mut info = b"rollcall webhook ".to_vec();
        info.extend(Uuid::from(endpoint).as_bytes());
        info.extend(version.to_be_bytes());
        self.derive(key, &info).map(WebhookSecret)
    }

    /// What the private key of the named key is made of, which signs Security Event Tokens. `attempt` moves on where the curve has
    /// no such key, which happens once in 2³² times.
    pub fn signing_seed(&self, key: &str, attempt: u8) -> Option<[u8; 32]> {
        let mut info = b"rollcall security event tokens ES256 ".to_vec();
        info.push(attempt);
        self.derive(key, &info)
    }

    /// The secret that an account's authenticator shares with us: 160 bits, as RFC 4226 §4 recommends. `salt` is the authenticator's
    /// own. `None` when this server lacks the key.
    pub(crate) fn second_factor_secret(&self, key: &str, account: AccountId, salt: &[u8]) -> Option<[u8; 20]> {
        let mut info = b"rollcall second factor ".to_vec();
        info.extend(Uuid::from(account).as_bytes());
        info.extend(salt);
        let derived = self.derive(key, &info)?;
        let mut secret = [0; 20];
        secret.copy_from_slice(&derived[..20]);
        Some(secret)
    }

    /// `text`, signed for nobody but us: what is handed to a browser and believed when it comes back.
    pub(crate) fn sign(&self, text: &str) -> String {
        let tag = self.tag(self.present(), text).unwrap_or_default();
        format!("{}.{}.{}", URL_SAFE_NO_PAD.encode(text), self.present(), URL_SAFE_NO_PAD.encode(tag))
    }

    /// The text in what [`Self::sign`] made; `None` for anything else.
    pub(crate) fn signed(&self, token: &str) -> Option<String> {
        let mut parts = token.split('.');
        let (text, key, tag) = (parts.next()?, parts.next()?, parts.next()?);
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let tag = URL_SAFE_NO_PAD.decode(tag).ok()?;
        let right = self.mac(key, &text)?.verify_slice(&tag).is_ok();
        (right && parts.next().is_none()).then_some(text)
    }

    fn tag(&self, key: &str, text: &str) -> Option<Vec<u8>> {
        Some(self.mac(key, text)?.finalize().into_bytes().to_vec())
    }

    fn mac(&self, key: &str, text: &str) -> Option<Hmac<Sha256>> {
        let key = self.derive(key, b"rollcall step of a sign-in")?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
        mac.update(text.as_bytes());
        Some(mac)
    }

    fn derive(&self, key: &str, info: &[u8]) -> Option<[u8; 32]> {
        let key = self.0.iter().find(|candidate| candidate.id == key)?;
        let mut derived = [0; 32];
        // 32 bytes are one block of SHA-256: there is always enough to take.
        Hkdf::<Sha256>::new(None, &key.secret).expand(info, &mut derived).ok()?;
        Some(derived)
    }
}

/// What a key is called: the beginning of a hash of it, from which it cannot be had.
fn fingerprint(secret: &[u8; 32]) -> String {
    let digest = Sha256::new().chain_update(b"rollcall key id ").chain_update(secret).finalize();
    digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A secret that an endpoint shares with us.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookSecret([u8; 32]);

impl std::fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

impl WebhookSecret {
    /// The bytes that sign.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The last characters that tell one from another.
    pub(crate) fn hint(&self) -> String {
        let text = self.reveal();
        let text = text.trim_end_matches('=');
        text[text.len() - 4..].to_owned()
    }

    /// As Standard Webhooks libraries take it, to be shown once.
    pub(crate) fn reveal(&self) -> String {
        format!("whsec_{}", STANDARD.encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(byte: u8) -> String {
        Keys::new_line(&(Arc::new(move |bytes: &mut [u8]| bytes.fill(byte)) as Randomness))
    }

    #[test]
    fn each_key_endpoint_and_edition_has_a_secret_of_its_own() {
        let keys = Keys::read(&format!("# ours\n{}\n\n{}\n", line(1), line(2))).unwrap();
        let ids: Vec<_> = keys.ids().map(str::to_owned).collect();
        assert_eq!(ids.len(), 2);
        let (a, b) = (WebhookEndpointId::from(Uuid::from_u128(1)), WebhookEndpointId::from(Uuid::from_u128(2)));
        let secrets = [(&ids[0], a, 1), (&ids[0], a, 2), (&ids[0], b, 1), (&ids[1], a, 1)];
        let secrets: std::collections::BTreeSet<_> =
            secrets.into_iter().map(|(key, endpoint, version)| keys.webhook_secret(key, endpoint, version).unwrap().reveal()).collect();
        assert_eq!(secrets.len(), 4);
        assert_eq!(keys.webhook_secret("unknown", a, 1), None);
        assert!(!format!("{keys:?}").contains(&line(1)));
    }

    #[test]
    fn what_was_signed_comes_back_whole_or_not_at_all() {
        let keys = Keys::read(&format!("{}\n{}\n", line(1), line(2))).unwrap();
        let token = keys.sign("{\"who\":\"mira\"}");
        assert_eq!(keys.signed(&token).as_deref(), Some("{\"who\":\"mira\"}"));
        // A key that signs no more still tells; one that is not ours does not.
        let rotated = Keys::read(&format!("{}\n{}\n", line(3), line(1))).unwrap();
        assert!(rotated.signed(&token).is_some());
        assert!(Keys::read(&line(2)).unwrap().signed(&token).is_none());
        for at in 0..token.len() - 1 {
            let mut wrong = token.clone().into_bytes();
            wrong[at] = if wrong[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(keys.signed(&String::from_utf8(wrong).unwrap()), None, "at {at}");
        }
        for other in ["", ".", "..", "a.b.c", &format!("{token}.x"), &token[..token.len() - 1]] {
            assert_eq!(keys.signed(other), None, "{other}");
        }
    }

    #[test]
    fn a_file_without_a_key_is_refused_with_its_line() {
        assert_eq!(Keys::read("\n# nothing\n").unwrap_err(), "there is no key in it");
        assert!(Keys::read(&format!("{}\nshort\n", line(1))).unwrap_err().starts_with("line 2 "));
    }
}
