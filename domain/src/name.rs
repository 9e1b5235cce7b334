//! What teams and agents are called.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Invalid;

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $longest:literal, $empty:literal, $long:literal) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The name as people read it.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = Invalid;
            fn try_from(raw: String) -> Result<Self, Invalid> {
                let name = raw.trim();
                match name.chars().count() {
                    0 => Err(Invalid::new("name", $empty)),
                    1..=$longest if !name.chars().any(char::is_control) => Ok(Self(name.to_owned())),
                    _ => Err(Invalid::new("name", $long)),
                }
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

name!(/** A team's name: 1 to 60 characters. */ TeamName, 60, "Name the team.", "A team's name has at most 60 characters.");
name!(/** An agent's name: 1 to 60 characters. */ AgentName, 60, "Name the agent.", "An agent's name has at most 60 characters.");

/// What an agent does, in at most 400 characters; may be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AgentDescription(String);

impl AgentDescription {
    /// The description as people read it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AgentDescription {
    type Error = Invalid;
    fn try_from(raw: String) -> Result<Self, Invalid> {
        let text = raw.trim();
        if text.chars().count() > 400 || text.chars().any(|c| c.is_control() && c != '\n' && c != '\r') {
            return Err(Invalid::new("description", "A description has at most 400 characters."));
        }
        Ok(Self(text.to_owned()))
    }
}

impl From<AgentDescription> for String {
    fn from(text: AgentDescription) -> Self {
        text.0
    }
}
