//! A provisioning token's name and life, as the owner chooses them.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::Invalid;

const DAY: u64 = 86_400;

/// The most tokens of an organisation that may be live at one time: enough to change them without a gap.
pub const MOST_LIVE: usize = 2;

/// What an owner calls a token: 1 to 60 characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TokenName(String);

impl TokenName {
    /// The name as people read it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for TokenName {
    type Error = Invalid;
    fn try_from(raw: String) -> Result<Self, Invalid> {
        let name = raw.trim();
        match name.chars().count() {
            0 => Err(Invalid::new("name", "Name the token after the identity provider that will use it.")),
            1..=60 if !name.chars().any(char::is_control) => Ok(Self(name.to_owned())),
            _ => Err(Invalid::new("name", "A token's name has at most 60 characters.")),
        }
    }
}

impl From<TokenName> for String {
    fn from(name: TokenName) -> Self {
        name.0
    }
}

/// How long a token lives. None lives for ever (RFC 7644 §7.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenLifetime {
    /// 90 days.
    Days90,
    /// One year.
    #[default]
    Year,
    /// Two years: the most.
    TwoYears,
}

impl TokenLifetime {
    /// Every choice, shortest first.
    pub const ALL: [Self; 3] = [Self::Days90, Self::Year, Self::TwoYears];

    /// The choice as a form sends it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Days90 => "days90",
            Self::Year => "year",
            Self::TwoYears => "two_years",
        }
    }

    /// How long that is.
    pub fn duration(self) -> Duration {
        Duration::from_secs(
            DAY * match self {
                Self::Days90 => 90,
                Self::Year => 365,
                Self::TwoYears => 730,
            },
        )
    }
}

impl FromStr for TokenLifetime {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let known = Self::ALL.into_iter().find(|lifetime| lifetime.as_str() == text);
        known.ok_or_else(|| Invalid::new("lifetime", "Choose 90 days, 1 year or 2 years."))
    }
}

impl fmt::Display for TokenLifetime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Days90 => "90 days",
            Self::Year => "1 year",
            Self::TwoYears => "2 years",
        })
    }
}

/// How long a secret goes on working after another was issued in its place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retirement {
    /// Not at all.
    AtOnce,
    /// One hour.
    Hour,
    /// 24 hours.
    #[default]
    Day,
    /// 7 days.
    Week,
}

impl Retirement {
    /// Every choice, shortest first.
    pub const ALL: [Self; 4] = [Self::AtOnce, Self::Hour, Self::Day, Self::Week];

    /// The choice as a form sends it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AtOnce => "at_once",
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    /// How long that is.
    pub fn duration(self) -> Duration {
        Duration::from_secs(match self {
            Self::AtOnce => 0,
            Self::Hour => DAY / 24,
            Self::Day => DAY,
            Self::Week => 7 * DAY,
        })
    }
}

impl FromStr for Retirement {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let known = Self::ALL.into_iter().find(|retirement| retirement.as_str() == text);
        known.ok_or_else(|| Invalid::new("retire", "Let the old one stop at once, or after 1 hour, 24 hours or 7 days."))
    }
}

impl fmt::Display for Retirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtOnce => "at once",
            Self::Hour => "after 1 hour",
            Self::Day => "after 24 hours",
            Self::Week => "after 7 days",
        })
    }
}
