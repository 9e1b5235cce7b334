//! The order of a list (RFC 7644 §3.4.2.3).

use std::cmp::Ordering;

use serde_json::Value;
use time::OffsetDateTime;

use crate::attribute::{AttributeRef, Target};
use crate::compare::{instant, key};
use crate::error::Error;
use crate::list::SortOrder;
use crate::notes::quoted;
use crate::schema::{Kind, Type};

/// What `sort_by` names in resources of type `kind`: an attribute whose values have an order. A complex attribute
/// without sub-attribute means its `value`. `None` if the type has no such attribute: it sorts as if it had no value.
///
/// Fails with 400 `invalidValue` if `sort_by` is not an attribute's name, or names a complex attribute without a `value`.
pub fn target(kind: Kind, sort_by: &str) -> Result<Option<Target>, Error> {
    let wrong = || Error::invalid_value(format!("{} is not an attribute to sort by.", quoted(sort_by)));
    let Some(target) = AttributeRef::parse(sort_by.trim()).ok_or_else(wrong)?.resolve(kind) else {
        return Ok(None);
    };
    if target.attribute.name == "schemas" {
        return Err(wrong());
    }
    if !target.leaf().is_complex() {
        return Ok(Some(target));
    }
    let value = target.attribute.sub("value").ok_or_else(wrong)?;
    Ok(Some(Target { sub: Some(value), ..target }))
}

/// What a resource is sorted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortKey {
    /// `false` comes before `true`.
    Flag(bool),
    /// Chronological.
    Instant(OffsetDateTime),
    /// By Unicode code points, without regard to case unless the attribute is case exact, and to no locale.
    Text(String),
}

/// The key of `representation` (in canonical spelling) in a list sorted by `target`; `None` if it has no value there. Of
/// several values it is the primary one's, else the first one's.
pub fn sort_key(target: &Target, representation: &Value) -> Option<SortKey> {
    let value = target.lookup(representation.as_object()?)?;
    let element = match value {
        Value::Array(elements) => {
            elements.iter().find(|element| element.get("primary") == Some(&Value::Bool(true))).or_else(|| elements.first())?
        }
        alone => alone,
    };
    let leaf = match target.sub {
        Some(sub) => element.get(sub.name)?,
        None => element,
    };
    match leaf {
        Value::Bool(flag) => Some(SortKey::Flag(*flag)),
        Value::String(text) if target.leaf().kind == Type::DateTime => instant(text).map(SortKey::Instant),
        Value::String(text) => Some(SortKey::Text(key(text, target.leaf().case_exact).into_owned())),
        _ => None,
    }
}

/// How two resources lie to each other. What has no value comes last in an ascending list, and first in a descending one.
pub fn in_order(left: &Option<SortKey>, right: &Option<SortKey>, order: SortOrder) -> Ordering {
    let ascending = left.is_none().cmp(&right.is_none()).then_with(|| left.cmp(right));
    match order {
        SortOrder::Ascending => ascending,
        SortOrder::Descending => ascending.reverse(),
    }
}
