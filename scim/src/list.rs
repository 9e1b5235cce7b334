//! List queries and list answers (RFC 7644 §3.4.2), with the cursors of RFC 9865.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::error::Error;
use crate::filter::Filter;
use crate::notes::quoted;
use crate::projection::Projection;

/// The `schemas` value of a list.
pub const LIST_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

/// What a client asks of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ListQuery {
    /// Which resources.
    pub filter: Option<Filter>,
    /// The 1-based index of the first one on the page.
    pub start_index: u64,
    /// The most to put on the page; `None` leaves it to the server.
    pub count: Option<u64>,
    /// Where a cursor left off. An empty one asks for the first page with cursors (RFC 9865 §2.1).
    pub cursor: Option<String>,
    /// Which of their attributes.
    pub projection: Projection,
    /// The attribute to sort by, as it was written: [`crate::sort::target`] reads it.
    pub sort_by: Option<String>,
    /// The order to sort in.
    pub sort_order: SortOrder,
}

/// The order of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SortOrder {
    /// Smallest first.
    #[default]
    Ascending,
    /// Largest first.
    Descending,
}

impl Default for ListQuery {
    fn default() -> Self {
        Self {
            filter: None,
            start_index: 1,
            count: None,
            cursor: None,
            projection: Projection::default(),
            sort_by: None,
            sort_order: SortOrder::default(),
        }
    }
}

impl ListQuery {
    /// Read decoded query parameters. Names are case-insensitive; unknown ones are ignored (RFC 7644 §3.4.2).
    ///
    /// Fails with 400 `invalidFilter` if the filter is malformed or given twice, and with 400 `invalidValue` if
    /// `startIndex` or `count` is not a number.
    pub fn from_pairs(pairs: impl Iterator<Item = (String, String)>) -> Result<Self, Error> {
        let mut query = Self::default();
        let (mut attributes, mut excluded) = (String::new(), String::new());
        for (name, value) in pairs {
            match name.to_ascii_lowercase().as_str() {
                // Of two filters one would be ignored, and more would be returned than asked for.
                "filter" if query.filter.is_some() => {
                    return Err(Error::invalid_filter("There is more than one filter."));
                }
                "filter" => query.filter = Some(Filter::parse(&value)?),
                "startindex" => query.start_index = whole_number("startIndex", &value)?.max(1),
                "count" => query.count = Some(whole_number("count", &value)?),
                "cursor" => query.cursor = Some(value),
                "attributes" => append(&mut attributes, &value),
                "excludedattributes" => append(&mut excluded, &value),
                "sortby" if !value.trim().is_empty() => query.sort_by = Some(value),
                "sortorder" if value.eq_ignore_ascii_case("descending") => query.sort_order = SortOrder::Descending,
                _ => {}
            }
        }
        query.projection = Projection::new(&attributes, &excluded);
        Ok(query)
    }

    /// Read the body of a `POST …/.search` (RFC 7644 §3.4.3). Fails like [`ListQuery::from_pairs`], and with 400
    /// `invalidSyntax` if `body` is not an object.
    pub fn from_search_request(body: &Value) -> Result<Self, Error> {
        let body = body.as_object().ok_or_else(|| Error::invalid_syntax("The body must be a JSON object."))?;
        let mut pairs = Vec::new();
        for (name, value) in body {
            let text = match value {
                Value::Null | Value::Object(_) => continue,
                Value::String(text) => text.clone(),
                Value::Array(names) => names.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","),
                Value::Bool(_) | Value::Number(_) => value.to_string(),
            };
            pairs.push((name.clone(), text));
        }
        Self::from_pairs(pairs.into_iter())
    }
}

/// Negative numbers count as 0 (RFC 7644 §3.4.2.4), and those beyond all bounds as the largest.
fn whole_number(name: &str, value: &str) -> Result<u64, Error> {
    let value = value.trim();
    let (negative, digits) = match value.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, value),
    };
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Error::invalid_value(format!("`{name}` must be a whole number, not {}.", quoted(value))));
    }
    Ok(if negative { 0 } else { digits.parse().unwrap_or(u64::MAX) })
}

fn append(list: &mut String, more: &str) {
    list.push(',');
    list.push_str(more);
}

/// One page of a list. Serialises to the message of RFC 7644 §3.4.2; `Resources` is there even when it is empty.
#[derive(Clone, Debug, PartialEq)]
pub struct ListResponse {
    /// How many resources match, on all pages together.
    pub total_results: u64,
    /// The 1-based index of the first one on this page; `None` where pages have cursors instead (RFC 9865 §2).
    pub start_index: Option<u64>,
    /// How many are on this page.
    pub items_per_page: u64,
    /// The representations.
    pub resources: Vec<Value>,
    /// Where the next page begins, on every page but the last of a run with cursors (RFC 9865 §2).
    pub next_cursor: Option<String>,
}

impl ListResponse {
    /// A page of `resources` from `start_index` on, of `total_results`.
    pub fn new(total_results: u64, start_index: u64, resources: Vec<Value>) -> Self {
        let items_per_page = resources.len() as u64;
        Self { total_results, start_index: Some(start_index), items_per_page, resources, next_cursor: None }
    }

    /// A page of `resources` in a run with cursors, of `total_results`. The last page has no `next_cursor`.
    pub fn with_cursor(total_results: u64, next_cursor: Option<String>, resources: Vec<Value>) -> Self {
        let items_per_page = resources.len() as u64;
        Self { total_results, start_index: None, items_per_page, resources, next_cursor }
    }
}

impl Serialize for ListResponse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut message = serializer.serialize_map(None)?;
        message.serialize_entry("schemas", &[LIST_SCHEMA])?;
        message.serialize_entry("totalResults", &self.total_results)?;
        if let Some(start_index) = self.start_index {
            message.serialize_entry("startIndex", &start_index)?;
        }
        message.serialize_entry("itemsPerPage", &self.items_per_page)?;
        if let Some(cursor) = &self.next_cursor {
            message.serialize_entry("nextCursor", cursor)?;
        }
        message.serialize_entry("Resources", &self.resources)?;
        message.end()
    }
}
