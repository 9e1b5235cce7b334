//! Entity tags and conditional requests (RFC 7644 §3.14, RFC 9110 §13.1).

/// The tags in an `If-Match` or `If-None-Match` header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tags {
    /// `*`: any version.
    Any,
    /// These versions: what stands between the quotes.
    These(Vec<String>),
}

impl Tags {
    /// Read a header's value. Tags compare weakly, so `W/` makes no difference; a tag without quotes is understood,
    /// since clients copy `meta.version` by hand.
    pub fn parse(header: &str) -> Self {
        let header = header.trim();
        if header == "*" {
            return Self::Any;
        }
        let mut tags = Vec::new();
        let mut rest = header;
        while !rest.is_empty() {
            rest = rest.trim_start_matches([',', ' ', '\t']);
            rest = rest.strip_prefix("W/").unwrap_or(rest);
            let (tag, after) = match rest.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                None => rest.split_once(',').unwrap_or((rest, "")),
            };
            if !tag.trim().is_empty() {
                tags.push(tag.trim().to_owned());
            }
            rest = after;
        }
        Self::These(tags)
    }

    /// Whether one of the tags is `fits`.
    pub fn any(&self, fits: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Any => true,
            Self::These(tags) => tags.iter().any(|tag| fits(tag)),
        }
    }
}

/// The condition that a client puts on a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    /// `If-Match`: only if the resource has one of these versions.
    pub if_match: Option<Tags>,
    /// `If-None-Match`: only if it has none of these.
    pub if_none_match: Option<Tags>,
}

impl Preconditions {
    /// Whether a change may be made to a resource whose version is `fits`.
    pub fn allow(&self, fits: impl Fn(&str) -> bool) -> bool {
        self.if_match.as_ref().is_none_or(|tags| tags.any(&fits)) && !self.if_none_match.as_ref().is_some_and(|tags| tags.any(&fits))
    }
}
