//! What the activity log of SCIM requests is asked for, and for how long it is kept. Shared by the page, its address and the export.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{Invalid, Timestamp, TokenId};

/// An enum of words that stand in addresses and forms.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal, $title:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$of])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// Every one.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// As it stands in an address.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            /// For people.
            pub fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)* }
            }
        }

        impl FromStr for $name {
            type Err = ();
            fn from_str(word: &str) -> Result<Self, ()> {
                match word { $($word => Ok(Self::$variant),)* _ => Err(()) }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// How a request ended.
    Outcome {
        /// It was refused, or we failed: 4xx and 5xx; or an operation in it did.
        Failed = "failed", "Failed";
        /// Something in it was passed over.
        Tolerated = "tolerated", "Tolerated something";
        /// It was answered as done: 2xx, and 304; also where an operation in it failed.
        Done = "2xx", "Done (2xx, 304)";
        /// It was refused.
        Refused = "4xx", "Refused (4xx)";
        /// We failed.
        Broken = "5xx", "Our failure (5xx)";
    }
}

words! {
    /// The method of a request.
    Method {
        /// Reads.
        Get = "GET", "GET";
        /// Creates, or searches.
        Post = "POST", "POST";
        /// Replaces.
        Put = "PUT", "PUT";
        /// Changes.
        Patch = "PATCH", "PATCH";
        /// Deletes.
        Delete = "DELETE", "DELETE";
    }
}

words! {
    /// What a request was about.
    About {
        /// Users.
        Users = "users", "Users";
        /// Groups.
        Groups = "groups", "Groups";
        /// Many operations in one.
        Bulk = "bulk", "Bulk";
        /// What the service can do, and its schemas.
        Discovery = "discovery", "Discovery";
        /// Everything else.
        Other = "other", "Other";
    }
}

impl About {
    /// What a request at this path, below the base URL, is about.
    pub fn of(path: &str) -> Self {
        match path.split('/').nth(1).unwrap_or_default() {
            "Users" => Self::Users,
            "Groups" => Self::Groups,
            "Bulk" => Self::Bulk,
            "ServiceProviderConfig" | "ResourceTypes" | "Schemas" => Self::Discovery,
            _ => Self::Other,
        }
    }
}

words! {
    /// How far back one looks.
    Period {
        /// An hour.
        Hour = "hour", "Last hour";
        /// A day.
        Day = "day", "Last 24 hours";
        /// A week.
        Week = "week", "Last 7 days";
        /// Thirty days.
        Month = "month", "Last 30 days";
        /// Ninety days.
        Quarter = "quarter", "Last 90 days";
        /// A year of 365 days.
        Year = "year", "Last 365 days";
    }
}

impl Period {
    /// Those that a log of 90 days at most can be asked for.
    pub const OF_REQUESTS: [Self; 5] = [Self::Hour, Self::Day, Self::Week, Self::Month, Self::Quarter];

    /// Where it begins, seen from `now`.
    pub fn since(self, now: Timestamp) -> Timestamp {
        let hours = match self {
            Self::Hour => 1,
            Self::Day => 24,
            Self::Week => 7 * 24,
            Self::Month => 30 * 24,
            Self::Quarter => 90 * 24,
            Self::Year => 365 * 24,
        };
        now - Duration::from_secs(hours * 3_600)
    }
}

/// Which requests are looked for. What is absent is not asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityFilter {
    /// How it ended.
    pub outcome: Option<Outcome>,
    /// With this method.
    pub method: Option<Method>,
    /// About this.
    pub about: Option<About>,
    /// With this token.
    pub token: Option<TokenId>,
    /// Within this time.
    pub period: Option<Period>,
    /// The id of a user or a group, its name in the directory, or a request's id.
    pub search: Option<String>,
}

impl ActivityFilter {
    /// The longest text that is looked for.
    pub const LONGEST_SEARCH: usize = 300;

    /// The filter in an address, whose values `get` knows. What is no value of ours is not asked for.
    pub fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let search = get("search").map(|text| text.trim().chars().take(Self::LONGEST_SEARCH).collect::<String>());
        Self {
            outcome: get("outcome").and_then(|word| word.parse().ok()),
            method: get("method").and_then(|word| word.parse().ok()),
            about: get("about").and_then(|word| word.parse().ok()),
            token: get("token").and_then(|id| id.parse().ok()),
            period: get("period").and_then(|word| word.parse().ok()),
            search: search.filter(|text| !text.is_empty()),
        }
    }

    /// The filter as it stands in an address: names and values, those that are empty too.
    pub fn pairs(&self) -> [(&'static str, String); 6] {
        let word = |word: Option<&str>| word.unwrap_or_default().to_owned();
        [
            ("search", word(self.search.as_deref())),
            ("outcome", word(self.outcome.map(Outcome::as_str))),
            ("method", word(self.method.map(Method::as_str))),
            ("about", word(self.about.map(About::as_str))),
            ("token", self.token.map(|token| token.to_string()).unwrap_or_default()),
            ("period", word(self.period.map(Period::as_str))),
        ]
    }
}

/// Where an older page of the log begins: behind the request of this moment and this id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityCursor {
    /// Its moment.
    pub at: Timestamp,
    /// Its id.
    pub id: uuid::Uuid,
}

impl fmt::Display for ActivityCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.at.as_micros(), self.id.simple())
    }
}

impl FromStr for ActivityCursor {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let (at, id) = text.split_once('.').ok_or(())?;
        Ok(Self { at: Timestamp::from_micros(at.parse().map_err(|_| ())?), id: id.parse().map_err(|_| ())? })
    }
}

/// Of the operations of a Bulk, which may itself be answered with 200, some failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedWithin {
    /// How many failed, and of how many; not known of what was written down before they were counted.
    pub counted: Option<(u64, u64)>,
}

impl fmt::Display for FailedWithin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.counted {
            Some((failed, all)) => write!(f, "{failed} of {all} failed"),
            None => f.write_str("partly failed"),
        }
    }
}

/// For how many days requests are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ActivityDays {
    /// A week.
    Week,
    /// A month.
    #[default]
    Month,
    /// A quarter of a year.
    Quarter,
}

impl ActivityDays {
    /// Every choice.
    pub const ALL: [Self; 3] = [Self::Week, Self::Month, Self::Quarter];

    /// The number of days.
    pub fn days(self) -> u16 {
        match self {
            Self::Week => 7,
            Self::Month => 30,
            Self::Quarter => 90,
        }
    }

    /// How long that is.
    pub fn duration(self) -> Duration {
        Duration::from_secs(u64::from(self.days()) * 86_400)
    }

    /// The choice of this many days.
    pub fn of(days: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|choice| i64::from(choice.days()) == days)
    }
}

impl FromStr for ActivityDays {
    type Err = Invalid;
    fn from_str(text: &str) -> Result<Self, Invalid> {
        text.parse().ok().and_then(Self::of).ok_or_else(|| Invalid::new("days", "Keep requests for 7, 30 or 90 days."))
    }
}

impl fmt::Display for ActivityDays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} days", self.days())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_the_same_after_a_journey_through_an_address() {
        let filter = ActivityFilter {
            outcome: Some(Outcome::Broken),
            method: Some(Method::Patch),
            about: Some(About::Groups),
            token: Some("0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10".parse().unwrap()),
            period: Some(Period::Week),
            search: Some("mira & co".to_owned()),
        };
        let pairs = filter.pairs();
        let get = |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
        assert_eq!(ActivityFilter::read(get), filter);
        assert_eq!(ActivityFilter::read(|_| Some("'; --".to_owned())).outcome, None);
        assert_eq!(ActivityFilter::read(|_| Some("  ".to_owned())), ActivityFilter::default());
    }

    #[test]
    fn a_cursor_is_the_same_after_a_journey_through_an_address() {
        let id = "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10".parse().unwrap();
        let cursor = ActivityCursor { at: Timestamp::from_micros(-5), id };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in ["", "1", "1.", ".x", "1.0199", "x.0199c7e241d07d3a9c1e5a2f8e7b6d10"] {
            assert_eq!(text.parse::<ActivityCursor>(), Err(()), "{text}");
        }
    }

    #[test]
    fn what_a_request_is_about_is_in_its_path() {
        for (path, about) in [
            ("/Users", About::Users),
            ("/Users/.search", About::Users),
            ("/Groups/1", About::Groups),
            ("/Bulk", About::Bulk),
            ("/Schemas/urn:x", About::Discovery),
            ("/", About::Other),
            ("/.search", About::Other),
            ("/Usersx", About::Other),
            ("", About::Other),
        ] {
            assert_eq!(About::of(path), about, "{path}");
        }
    }

    #[test]
    fn requests_are_kept_for_one_of_three_times() {
        assert_eq!("90".parse(), Ok(ActivityDays::Quarter));
        assert!(["", "8", "-7", "x"].iter().all(|text| text.parse::<ActivityDays>().is_err()));
    }
}
