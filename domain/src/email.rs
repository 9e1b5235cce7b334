//! E-mail addresses, and the key by which an account is found.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// An address that looks deliverable, as it was given (trimmed).
///
/// Checked for shape only (RFC 5321 limits, one `@`, a domain with no empty label): whether it works is shown by a
/// link that was followed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EmailAddress {
    text: String,
    key: EmailKey,
}

/// What two spellings of one address have in common: ASCII lower case, the domain as A-labels (IDNA).
///
/// Letters of the local part outside ASCII are not folded: two mailboxes that a Unicode fold makes equal may belong to
/// two people.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EmailKey(String);

impl EmailAddress {
    /// The address as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The key by which an account is found.
    pub fn key(&self) -> &EmailKey {
        &self.key
    }
}

impl EmailKey {
    /// The key as text, for the database's column.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for EmailAddress {
    type Error = Invalid;

    fn try_from(raw: String) -> Result<Self, Invalid> {
        let wrong = || Invalid::new("email", "Enter an e-mail address such as name@example.com.");
        let text = raw.trim();
        let (local, domain) = text.rsplit_once('@').ok_or_else(wrong)?;
        // A quoted local part may hold an `@`; nobody's directory has one, and look-alikes are not worth it.
        let plain = |c: char| !c.is_whitespace() && !c.is_control() && !"@\"<>(),;:\\[]".contains(c);
        if local.is_empty() || local.len() > 64 || text.len() > 254 || !local.chars().all(plain) {
            return Err(wrong());
        }
        let domain = idna::domain_to_ascii_strict(domain).map_err(|_| wrong())?;
        if domain.is_empty() || domain.split('.').any(str::is_empty) {
            return Err(wrong());
        }
        let key = EmailKey(format!("{}@{}", local.to_ascii_lowercase(), domain.to_ascii_lowercase()));
        Ok(Self { text: text.to_owned(), key })
    }
}

impl TryFrom<&str> for EmailAddress {
    type Error = Invalid;
    fn try_from(raw: &str) -> Result<Self, Invalid> {
        Self::try_from(raw.to_owned())
    }
}

impl From<EmailAddress> for String {
    fn from(address: EmailAddress) -> Self {
        address.text
    }
}

impl fmt::Display for EmailAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Option<String> {
        EmailAddress::try_from(text).ok().map(|address| address.key.0)
    }

    #[test]
    fn spellings_of_one_address_share_a_key() {
        assert_eq!(key(" Mira.Olsen@ACME.test ").as_deref(), Some("mira.olsen@acme.test"));
        assert_eq!(key("mira@bücher.test"), key("mira@xn--bcher-kva.test"));
    }

    #[test]
    fn letters_beyond_ascii_stay_apart_in_the_local_part() {
        assert_ne!(key("ıda@acme.test"), key("ida@acme.test"));
        assert_ne!(key("Ärla@acme.test"), key("ärla@acme.test"));
    }

    #[test]
    fn what_is_not_an_address_is_refused() {
        for wrong in ["", "mira", "@acme.test", "mira@", "mi ra@acme.test", "mira@acme..test", "a@b@c.test", "mira@acme.test\n.x"] {
            assert_eq!(key(wrong), None, "{wrong}");
        }
    }
}
