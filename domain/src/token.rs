//! A provisioning token's name, its life, and from where it may be used, as the owner chooses them.

use std::{fmt, net::IpAddr, str::FromStr, time::Duration};

use ipnet::{IpNet, Ipv4Net};
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

/// From where a token may be used: up to [`MOST_NETWORKS`] networks in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3). None of them
/// is from anywhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AllowedNetworks(Vec<IpNet>);

/// The most networks of a token.
pub const MOST_NETWORKS: usize = 50;

impl AllowedNetworks {
    /// Whether a token may be used from anywhere.
    pub fn is_anywhere(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether these let in somebody whom `others` do not.
    pub fn are_wider_than(&self, others: &Self) -> bool {
        let covered = |net: &IpNet| others.0.iter().any(|other| other.contains(net));
        !others.is_anywhere() && (self.is_anywhere() || !self.0.iter().all(covered))
    }

    /// Whether `ip`, the client's address as text, is in one of them. Where some are named and the address is not known, it is not.
    pub fn admit(&self, ip: Option<&str>) -> bool {
        let ip = || ip?.parse::<IpAddr>().ok().map(|ip| ip.to_canonical());
        self.is_anywhere() || ip().is_some_and(|ip| self.0.iter().any(|net| net.contains(&ip)))
    }
}

impl FromStr for AllowedNetworks {
    type Err = Invalid;
    /// Networks or single addresses, with commas or white space between them.
    fn from_str(text: &str) -> Result<Self, Invalid> {
        let mut networks = vec![];
        for word in text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty()) {
            let net = network(word).ok_or_else(|| {
                Invalid::new(
                    "allowed_from",
                    &format!("“{word}” is no network. Write them like 203.0.113.0/24 or 2001:db8::/32, with spaces between."),
                )
            })?;
            if !networks.contains(&net) {
                networks.push(net);
            }
        }
        if networks.len() > MOST_NETWORKS {
            return Err(Invalid::new("allowed_from", &format!("A token has at most {MOST_NETWORKS} networks.")));
        }
        Ok(Self(networks))
    }
}

/// A network, without the bits that say nothing. Addresses of IPv4 are written as such: clients' are, too.
fn network(word: &str) -> Option<IpNet> {
    let net = word.parse::<IpNet>().or_else(|_| word.parse::<IpAddr>().map(IpNet::from)).ok()?;
    let net = match net {
        IpNet::V6(six) => match six.addr().to_ipv4_mapped() {
            Some(four) => IpNet::V4(Ipv4Net::new(four, six.prefix_len().checked_sub(96)?).ok()?),
            None => net,
        },
        IpNet::V4(_) => net,
    };
    Some(net.trunc())
}

impl TryFrom<String> for AllowedNetworks {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<AllowedNetworks> for String {
    fn from(networks: AllowedNetworks) -> Self {
        networks.to_string()
    }
}

impl fmt::Display for AllowedNetworks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let networks: Vec<_> = self.0.iter().map(IpNet::to_string).collect();
        f.write_str(&networks.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_admit_what_is_in_them_and_nothing_else() {
        let some: AllowedNetworks = " 203.0.113.7/24,2001:db8::/32\n198.51.100.4 203.0.113.0/24".parse().unwrap();
        assert_eq!(some.to_string(), "203.0.113.0/24 2001:db8::/32 198.51.100.4/32");
        assert_eq!(some.to_string().parse::<AllowedNetworks>().unwrap(), some);
        for inside in ["203.0.113.255", "::ffff:203.0.113.1", "2001:db8:1::1", "198.51.100.4"] {
            assert!(some.admit(Some(inside)), "{inside}");
        }
        for outside in ["203.0.114.1", "2001:db9::1", "198.51.100.5", "", "somewhere"] {
            assert!(!some.admit(Some(outside)), "{outside}");
        }
        assert!(!some.admit(None), "an address that is not known is in no network");
        assert!(AllowedNetworks::default().admit(None) && AllowedNetworks::default().admit(Some("192.0.2.1")));
        assert_eq!("::ffff:203.0.113.0/120".parse::<AllowedNetworks>().unwrap().to_string(), "203.0.113.0/24");
        for wrong in ["203.0.113.0/33", "acme.test", "10.0.0.0/8 x", "::ffff:0.0.0.0/90"] {
            assert_eq!(wrong.parse::<AllowedNetworks>().unwrap_err().field, "allowed_from", "{wrong}");
        }
    }
}
