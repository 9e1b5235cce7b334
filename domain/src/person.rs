//! A person's name as one organisation shows it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Invalid;

/// A name to show: 1 to 120 characters, none of them a control character.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PersonName(String);

impl PersonName {
    /// The name as people read it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for PersonName {
    type Error = Invalid;

    fn try_from(raw: String) -> Result<Self, Invalid> {
        let name = raw.trim();
        match name.chars().count() {
            0 => Err(Invalid::new("name", "Enter your name.")),
            1..=120 if !name.chars().any(char::is_control) => Ok(Self(name.to_owned())),
            _ => Err(Invalid::new("name", "A name has at most 120 characters.")),
        }
    }
}

impl From<PersonName> for String {
    fn from(name: PersonName) -> Self {
        name.0
    }
}

impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
