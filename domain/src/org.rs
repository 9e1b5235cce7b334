//! An organisation's name, and its name in a URL.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// An organisation's name: 1 to 80 characters, none of them a control character.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrgName(String);

impl OrgName {
    /// The name as people read it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in a URL: ASCII letters and digits of the name in lower case, the rest as single hyphens;
    /// `org` when nothing is left.
    pub fn slug(&self) -> OrgSlug {
        let mut slug = String::new();
        for c in self.0.chars().flat_map(char::to_lowercase) {
            if c.is_ascii_alphanumeric() {
                slug.push(c);
            } else if !slug.is_empty() && !slug.ends_with('-') {
                slug.push('-');
            }
        }
        slug.truncate(OrgSlug::LONGEST);
        let slug = slug.trim_end_matches('-');
        OrgSlug(if slug.is_empty() { "org" } else { slug }.to_owned())
    }
}

impl TryFrom<String> for OrgName {
    type Error = Invalid;

    fn try_from(raw: String) -> Result<Self, Invalid> {
        let name = raw.trim();
        if name.chars().any(char::is_control) {
            return Err(Invalid::new("org_name", "The name holds a character that cannot be shown."));
        }
        match name.chars().count() {
            0 => Err(Invalid::new("org_name", "Enter the organisation's name.")),
            1..=80 => Ok(Self(name.to_owned())),
            _ => Err(Invalid::new("org_name", "A name has at most 80 characters.")),
        }
    }
}

impl From<OrgName> for String {
    fn from(name: OrgName) -> Self {
        name.0
    }
}

impl fmt::Display for OrgName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An organisation's name in a URL (`/o/{slug}/…`): lower-case ASCII letters, digits and single inner hyphens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrgSlug(String);

impl OrgSlug {
    const LONGEST: usize = 40;

    /// The slug as it stands in a URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for OrgSlug {
    type Error = Invalid;

    fn try_from(raw: String) -> Result<Self, Invalid> {
        let shaped = raw.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if shaped && (1..=Self::LONGEST + 8).contains(&raw.len()) {
            Ok(Self(raw))
        } else {
            Err(Invalid::new("org", "No organisation has this address."))
        }
    }
}

impl From<OrgSlug> for String {
    fn from(slug: OrgSlug) -> Self {
        slug.0
    }
}

impl fmt::Display for OrgSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_is_made_of_what_a_url_can_show() {
        let slug = |name: &str| OrgName::try_from(name.to_owned()).unwrap().slug().0;
        assert_eq!(slug("  Acme Robotics, Inc. "), "acme-robotics-inc");
        assert_eq!(slug("日本"), "org");
        assert!(OrgSlug::try_from(slug(&"long name ".repeat(8))).is_ok());
    }

    #[test]
    fn a_name_has_at_most_80_characters() {
        assert!(OrgName::try_from("é".repeat(80)).is_ok());
        assert!(OrgName::try_from("é".repeat(81)).is_err());
        assert!(OrgName::try_from(" ".to_owned()).is_err());
    }
}
