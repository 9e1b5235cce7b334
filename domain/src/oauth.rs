//! What clients of the API are: which there are, what they may ask for, how long they are let in.

use std::{collections::BTreeSet, fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{AgentId, Invalid};

/// How long an access token lives. It is looked up on every use, so it can end earlier at any moment.
pub const ACCESS_TOKEN: Duration = Duration::from_secs(10 * 60);
/// How long a refresh token waits for its use.
pub const REFRESH_TOKEN: Duration = Duration::from_secs(30 * 86_400);
/// How long an API session lives in all, however often it is refreshed.
pub const API_SESSION: Duration = Duration::from_secs(90 * 86_400);
/// How long somebody has to approve a device (RFC 8628 §3.2, `expires_in`).
pub const DEVICE_CODE: Duration = Duration::from_secs(10 * 60);
/// How long a device waits between two questions (RFC 8628 §3.2, `interval`), and how much longer after each hurried one (§3.5).
pub const POLL_INTERVAL: Duration = Duration::from_secs(5);

/// Something that a client may be let do (RFC 6749 §3.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// Know who she is, and which role and teams she has.
    Profile,
    /// Use the agents that she may use.
    Agents,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 2] = [Self::Profile, Self::Agents];

    /// The scope as clients write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Profile => "profile",
            Self::Agents => "agents",
        }
    }

    /// What it lets a client do, for the person who is asked.
    pub fn title(self) -> &'static str {
        match self {
            Self::Profile => "See who you are, and your role and teams",
            Self::Agents => "Use the agents that you may use",
        }
    }
}

/// A set of scopes, written with spaces between them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scopes(BTreeSet<Scope>);

impl Scopes {
    /// Every scope.
    pub fn all() -> Self {
        Self(Scope::ALL.into())
    }

    /// Whether `scope` is in it.
    pub fn has(&self, scope: Scope) -> bool {
        self.0.contains(&scope)
    }

    /// Whether each of these is in `other`, too.
    pub fn within(&self, other: &Self) -> bool {
        self.0.is_subset(&other.0)
    }

    /// The scopes, in the order in which people are shown them.
    pub fn iter(&self) -> impl Iterator<Item = Scope> {
        self.0.iter().copied()
    }
}

impl FromStr for Scopes {
    type Err = Invalid;
    /// Nothing named is everything: a client that does not say what it wants is shown as one that may do all there is.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let named = text.split(' ').filter(|name| !name.is_empty());
        let found = named.map(|name| Scope::ALL.into_iter().find(|scope| scope.as_str() == name));
        let scopes =
            found.collect::<Option<BTreeSet<_>>>().ok_or_else(|| Invalid::new("scope", "The scopes are `profile` and `agents`."))?;
        Ok(if scopes.is_empty() { Self::all() } else { Self(scopes) })
    }
}

impl TryFrom<String> for Scopes {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Scopes> for String {
    fn from(scopes: Scopes) -> Self {
        scopes.to_string()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(" "))
    }
}

/// A client of the API. All are public (RFC 6749 §2.1): none can keep a secret, so each proves itself by what a person approved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    /// `rollcall login`.
    CommandLine,
    /// An agent of an organisation, by its id. It is let in only while the person may use it.
    Agent(AgentId),
}

impl Client {
    const COMMAND_LINE: &str = "rollcall-cli";

    /// The agent, if it is one.
    pub fn agent(self) -> Option<AgentId> {
        match self {
            Self::CommandLine => None,
            Self::Agent(agent) => Some(agent),
        }
    }
}

impl FromStr for Client {
    type Err = crate::id::NotAnId;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == Self::COMMAND_LINE { Ok(Self::CommandLine) } else { text.parse().map(Self::Agent) }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CommandLine => f.write_str(Self::COMMAND_LINE),
            Self::Agent(agent) => agent.fmt(f),
        }
    }
}

/// How long a personal token lives. None lives for ever.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PersonalLifetime {
    /// 7 days.
    Days7,
    /// 30 days.
    #[default]
    Days30,
    /// 90 days.
    Days90,
    /// One year: the most.
    Year,
}

impl PersonalLifetime {
    /// Every choice, shortest first.
    pub const ALL: [Self; 4] = [Self::Days7, Self::Days30, Self::Days90, Self::Year];

    /// The choice as a form sends it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Days7 => "days7",
            Self::Days30 => "days30",
            Self::Days90 => "days90",
            Self::Year => "year",
        }
    }

    /// How long that is.
    pub fn duration(self) -> Duration {
        let days = match self {
            Self::Days7 => 7,
            Self::Days30 => 30,
            Self::Days90 => 90,
            Self::Year => 365,
        };
        Duration::from_secs(86_400 * days)
    }
}

impl FromStr for PersonalLifetime {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let known = Self::ALL.into_iter().find(|lifetime| lifetime.as_str() == text);
        known.ok_or_else(|| Invalid::new("lifetime", "Choose 7 days, 30 days, 90 days or 1 year."))
    }
}

impl fmt::Display for PersonalLifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Days7 => "7 days",
            Self::Days30 => "30 days",
            Self::Days90 => "90 days",
            Self::Year => "1 year",
        })
    }
}

/// The code that a person types to let a device in: eight letters, none of them a vowel or like another (RFC 8628 §6.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserCode(String);

impl UserCode {
    const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
    const LENGTH: usize = 8;

    /// The code that these random bytes make; `None` where one of them would make some letters likelier than others.
    pub fn from_random(bytes: &[u8]) -> Option<Self> {
        // 240 is the greatest multiple of 20 in a byte.
        let letters = bytes.iter().filter(|byte| **byte < 240).map(|byte| Self::LETTERS[usize::from(byte % 20)] as char);
        let code: String = letters.take(Self::LENGTH).collect();
        (code.len() == Self::LENGTH).then_some(Self(code))
    }

    /// The letters alone, which is what is compared.
    pub fn key(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserCode {
    type Err = Invalid;
    /// However it was typed: small letters, spaces, with or without the dash.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let letters: String = text.chars().filter(|c| !c.is_whitespace() && *c != '-').map(|c| c.to_ascii_uppercase()).collect();
        let shaped = letters.len() == Self::LENGTH && letters.bytes().all(|letter| Self::LETTERS.contains(&letter));
        shaped
            .then_some(Self(letters))
            .ok_or_else(|| Invalid::new("user_code", "A code has eight letters, like WDJB-MJHT. Look at the device again."))
    }
}

impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", &self.0[..4], &self.0[4..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_was_typed() {
        let code: UserCode = "WDJB-MJHT".parse().unwrap();
        for typed in ["wdjbmjht", " WDJB MJHT ", "wdjb-mjht"] {
            assert_eq!(typed.parse::<UserCode>().unwrap(), code, "{typed}");
        }
        assert_eq!(code.to_string(), "WDJB-MJHT");
        for wrong in ["", "WDJB-MJH", "WDJB-MJHA", "WDJB-MJHTT", "WDJB-MJH1"] {
            assert!(wrong.parse::<UserCode>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn every_letter_of_a_code_is_as_likely_as_the_others() {
        let mut seen = [0; 20];
        for byte in 0..=255_u8 {
            if let Some(code) = UserCode::from_random(&[byte; 8]) {
                seen[UserCode::LETTERS.iter().position(|letter| *letter == code.0.as_bytes()[0]).unwrap()] += 1;
            }
        }
        assert_eq!(seen, [12; 20]);
        assert_eq!(UserCode::from_random(&[250; 16]), None, "too few bytes that count");
    }

    #[test]
    fn scopes_are_a_set_of_known_words() {
        assert_eq!("agents profile  agents".parse::<Scopes>().unwrap().to_string(), "profile agents");
        assert_eq!("".parse::<Scopes>().unwrap(), Scopes::all());
        assert!("agents owner".parse::<Scopes>().is_err());
        assert!("agents".parse::<Scopes>().unwrap().within(&Scopes::all()) && !Scopes::all().within(&"agents".parse().unwrap()));
    }
}
