//! One attribute's value, from the JSON that a client sent to its canonical form.

use serde_json::{Map, Value};

use super::identity::keep_each_once;
use crate::error::Error;
use crate::notes::{Notes, quoted};
use crate::schema::{Attribute, Mutability, Type};

/// How many values one attribute may hold.
pub(crate) const MOST_VALUES: usize = 1_000;
/// The same for members of a group.
pub(crate) const MOST_MEMBERS: usize = 100_000;

/// `value` as a whole value of `attribute`; `None` means unassigned (null, `[]`, an object that comes to nothing).
pub(crate) fn canonical(attribute: &Attribute, value: &Value, notes: &mut Notes) -> Result<Option<Value>, Error> {
    if !attribute.multi_valued {
        return single(attribute, value, Map::new(), notes);
    }
    let mut list = elements(attribute, value, Purpose::Keep, notes)?;
    keep_first_primary(attribute, &mut list, notes);
    Ok(list_value(list))
}

/// What becomes of the values that a client sent.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Purpose {
    /// The resource is to have them.
    Keep,
    /// It is to have them no more, so that what it could not have does no harm.
    Remove,
}

/// The values of a multi-valued attribute, each once. A value without its list counts as a list of one: OneLogin's
/// templates have `emails` as an object.
pub(crate) fn elements(attribute: &Attribute, value: &Value, purpose: Purpose, notes: &mut Notes) -> Result<Vec<Value>, Error> {
    let sent = match value {
        Value::Null => return Ok(Vec::new()),
        Value::Array(sent) => sent.as_slice(),
        alone => {
            notes.add(format!("read {} as a list of one", quoted(attribute.name)));
            std::slice::from_ref(alone)
        }
    };
    within_limit(attribute, sent.len())?;
    let mut kept = Vec::new();
    for element in sent {
        let element = single(attribute, element, Map::new(), notes)?;
        // Dropping it would turn "replace the members by these" into "remove them all".
        if is_members(attribute) && element.as_ref().and_then(|element| element.get("value")).is_none() {
            return Err(Error::invalid_value("Each of `members` needs a `value`."));
        }
        if let (Some(Value::Object(element)), Purpose::Keep) = (&element, purpose) {
            refuse_nested(attribute, element)?;
        }
        kept.extend(element);
    }
    keep_each_once(attribute, &mut kept);
    Ok(kept)
}

/// A group is no member of a group here (RFC 7643 §4.2 leaves that to the provider). Taking it for the id of a user who
/// does not exist would leave its people without access, and nobody would know why.
pub(crate) fn refuse_nested(attribute: &Attribute, element: &Map<String, Value>) -> Result<(), Error> {
    if !is_members(attribute) {
        return Ok(());
    }
    let text = |name: &str| element.get(name).and_then(Value::as_str).unwrap_or_default();
    // The last collection in a URI is the resource's own; those before belong to the base URL.
    let place = format!("/{}", text("$ref").to_ascii_lowercase());
    let refers_to_group = place.rfind("/groups/") > place.rfind("/users/");
    if refers_to_group || text("type").eq_ignore_ascii_case("Group") {
        return Err(Error::invalid_value("Groups cannot be members of groups: nested groups are not supported."));
    }
    Ok(())
}

/// Whether this is the `members` of a group.
fn is_members(attribute: &Attribute) -> bool {
    attribute.name == "members"
}

/// 413 if `attribute` may not hold `count` values.
pub(crate) fn within_limit(attribute: &Attribute, count: usize) -> Result<(), Error> {
    let most = if is_members(attribute) { MOST_MEMBERS } else { MOST_VALUES };
    if count <= most {
        return Ok(());
    }
    Err(Error::payload_too_large(format!("{} holds at most {most} values.", quoted(attribute.name))))
}

/// A list, or unassigned if it is empty.
pub(crate) fn list_value(list: Vec<Value>) -> Option<Value> {
    (!list.is_empty()).then_some(Value::Array(list))
}

/// `value` as one value of `attribute`. An object is laid over `base`: sub-attributes that it does not name stay.
pub(crate) fn single(attribute: &Attribute, value: &Value, base: Map<String, Value>, notes: &mut Notes) -> Result<Option<Value>, Error> {
    match (attribute.kind, value) {
        (_, Value::Null) => Ok(None),
        (Type::Complex, Value::Object(parts)) => complex(attribute, parts, base, notes),
        (Type::Complex, Value::Array(list)) if !attribute.multi_valued => match list.first() {
            None => Ok(None),
            Some(Value::Array(_)) => Err(wrong_type(attribute)),
            // Entra sends the manager as a list of one.
            Some(first) => {
                notes.add(format!("read the first value of {}, which holds only one", quoted(attribute.name)));
                single(attribute, first, base, notes)
            }
        },
        // Entra sends the manager's id alone.
        (Type::Complex, Value::String(_)) if attribute.sub("value").is_some() => {
            let parts = Map::from_iter([("value".to_owned(), value.clone())]);
            complex(attribute, &parts, base, notes)
        }
        (Type::Boolean, Value::Bool(_)) => Ok(Some(value.clone())),
        // Entra and OneLogin send "True" and "false".
        (Type::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("true") => Ok(Some(Value::Bool(true))),
        (Type::Boolean, Value::String(text)) if text.eq_ignore_ascii_case("false") => Ok(Some(Value::Bool(false))),
        (Type::Integer | Type::Decimal, Value::Number(_)) => Ok(Some(value.clone())),
        (Type::String | Type::DateTime | Type::Binary | Type::Reference, Value::String(text)) => {
            if text.contains('\0') {
                return Err(Error::invalid_value(format!("{} holds the character U+0000.", quoted(attribute.name))));
            }
            Ok(Some(value.clone()))
        }
        _ => Err(wrong_type(attribute)),
    }
}

fn complex(attribute: &Attribute, parts: &Map<String, Value>, base: Map<String, Value>, notes: &mut Notes) -> Result<Option<Value>, Error> {
    let former_value = base.get("value").cloned();
    let mut merged = base;
    for (name, part) in parts {
        let Some(sub) = attribute.sub(name) else {
            notes.add(format!("ignored sub-attribute {}", quoted(&format!("{}.{name}", attribute.name))));
            continue;
        };
        if sub.mutability == Mutability::ReadOnly {
            continue;
        }
        match canonical(sub, part, notes)? {
            Some(part) => merged.insert(sub.name.to_owned(), part),
            None => merged.remove(sub.name),
        };
    }
    if former_value.is_some() && former_value.as_ref() != merged.get("value") {
        forget_reference(&mut merged, parts.keys().any(|name| name.eq_ignore_ascii_case("$ref")));
    }
    Ok((!is_empty(&merged)).then_some(Value::Object(merged)))
}

/// After `value` changed, a `$ref` that did not come along with it points at the wrong resource.
pub(crate) fn forget_reference(element: &mut Map<String, Value>, renewed: bool) {
    if !renewed {
        element.remove("$ref");
    }
}

/// Whether a complex value comes to nothing: it has no parts, or a blank `value`, which is how Entra clears a manager
/// and what a OneLogin template without data looks like.
pub(crate) fn is_empty(element: &Map<String, Value>) -> bool {
    element.is_empty() || element.get("value").and_then(Value::as_str).is_some_and(|text| text.trim().is_empty())
}

/// Ping may send two primary values; at most one is allowed (RFC 7643 §2.4).
fn keep_first_primary(attribute: &Attribute, list: &mut [Value], notes: &mut Notes) {
    if let Some(first) = list.iter().position(is_primary)
        && keep_primary(list, first)
    {
        notes.add(format!("kept only the first primary value of {}", quoted(attribute.name)));
    }
}

pub(crate) fn is_primary(element: &Value) -> bool {
    element.get("primary") == Some(&Value::Bool(true))
}

/// Take `primary` from all elements but the one at `kept`; whether any had it.
pub(crate) fn keep_primary(list: &mut [Value], kept: usize) -> bool {
    let mut taken = false;
    for (_, element) in list.iter_mut().enumerate().filter(|(position, element)| *position != kept && is_primary(element)) {
        if let Some(element) = element.as_object_mut() {
            element.insert("primary".to_owned(), Value::Bool(false));
            taken = true;
        }
    }
    taken
}

fn wrong_type(attribute: &Attribute) -> Error {
    let expected = match attribute.kind {
        Type::Boolean => "a boolean",
        Type::Decimal | Type::Integer => "a number",
        Type::Complex => "an object",
        Type::String | Type::DateTime | Type::Binary | Type::Reference => "a string",
    };
    Error::invalid_value(format!("{} must be {expected}.", quoted(attribute.name)))
}
