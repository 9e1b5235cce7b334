//! Changing the elements of an attribute: which ones are meant, and what becomes of them (RFC 7644 §3.5.2).

use std::collections::{HashMap, HashSet};

use serde_json::{Map, Value};

use super::edit::{Change, from_elements};
use super::identity::{Identity, keep_each_once, type_key, value_key};
use super::value::{
    Purpose, canonical, elements, forget_reference, is_empty, is_primary, keep_primary, list_value, refuse_nested, single, within_limit,
};
use crate::error::Error;
use crate::filter::{CompValue, Filter, Op, ResolvedFilter};
use crate::notes::{Notes, quoted};
use crate::path::Place;
use crate::schema::{Attribute, Mutability};

/// Add values to a list. One that is there already, by value and type, is not added again: its other parts are updated.
pub(super) fn add(attribute: &Attribute, before: Option<Value>, value: &Value, notes: &mut Notes) -> Result<Option<Value>, Error> {
    let mut list = into_list(before);
    let Some(Value::Array(added)) = canonical(attribute, value, notes)? else {
        return Ok(list_value(list));
    };
    let mut positions: HashMap<_, usize> = HashMap::new();
    for (position, element) in list.iter().enumerate() {
        positions.entry(Identity::of(attribute, element)).or_insert(position);
    }
    let mut primary = None;
    for element in added {
        let identity = Identity::of(attribute, &element);
        let takes_primary = is_primary(&element);
        let position = match positions.get(&identity) {
            Some(position) => {
                if let Some(existing) = list.get_mut(*position) {
                    update(attribute, existing, element);
                }
                *position
            }
            None => {
                positions.insert(identity, list.len());
                list.push(element);
                list.len() - 1
            }
        };
        if takes_primary {
            primary = Some(position);
        }
    }
    within_limit(attribute, list.len())?;
    if let Some(primary) = primary {
        keep_primary(&mut list, primary);
    }
    Ok(list_value(list))
}

/// What identifies the element keeps the spelling that it was first given in, and members are not edited.
fn update(attribute: &Attribute, existing: &mut Value, element: Value) {
    let (Some(existing), Value::Object(parts)) = (existing.as_object_mut(), element) else {
        return;
    };
    for (name, part) in parts {
        let immutable = attribute.sub(&name).is_none_or(|sub| sub.mutability == Mutability::Immutable);
        if !immutable && name != "value" && name != "type" {
            existing.insert(name, part);
        }
    }
}

/// Remove from a list: all of it, or just `values`.
///
/// By the letter of the RFC a value beside a `remove` means nothing, and all members of a group would go. Entra,
/// JumpCloud and authentik mean just these. Null or an empty list is no value.
pub(super) fn remove(
    attribute: &Attribute,
    before: Option<Value>,
    values: Option<&Value>,
    notes: &mut Notes,
) -> Result<Option<Value>, Error> {
    let values = match values {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Array(values)) if values.is_empty() => return Ok(None),
        Some(values) => elements(attribute, values, Purpose::Remove, notes)?,
    };
    if values.is_empty() {
        return Err(Error::invalid_value(format!("The values to remove from {} are empty.", quoted(attribute.name))));
    }
    let mut by_value: HashMap<String, HashSet<Option<String>>> = HashMap::new();
    let mut whole = HashSet::new();
    for value in values {
        match value_key(attribute, &value) {
            Some(key) => {
                by_value.entry(key).or_default().insert(type_key(&value));
            }
            None => {
                whole.insert(value);
            }
        }
    }
    let is_meant = |element: &Value| {
        let types = value_key(attribute, element).and_then(|key| by_value.get(&key));
        let of_type = |types: &HashSet<Option<String>>| {
            let actual = type_key(element);
            actual.is_none() || types.contains(&None) || types.contains(&actual)
        };
        types.is_some_and(of_type) || whole.contains(element)
    };
    let mut list = into_list(before);
    list.retain(|element| !is_meant(element));
    Ok(list_value(list))
}

/// Change the elements that the filter selects, or one sub-attribute of them.
pub(super) fn change_parts(place: &Place, before: Option<Value>, change: Change, notes: &mut Notes) -> Result<Option<Value>, Error> {
    let mut list = into_list(before);
    let mut selected: Vec<usize> =
        (0..list.len()).filter(|position| list.get(*position).is_some_and(|element| is_selected(place, element))).collect();

    let (Change::Add(value) | Change::Replace(value)) = change else {
        clear(place, &mut list, &selected)?;
        return Ok(from_elements(place, list));
    };
    if is_nothing(value) {
        clear(place, &mut list, &selected)?;
        return Ok(from_elements(place, list));
    }
    if place.filter.is_none() && selected.len() > 1 {
        let place = quoted(&place.to_string());
        return Err(Error::no_target(format!("{place}: a filter must tell which of the values is meant.")));
    }
    if selected.is_empty() {
        selected.push(list.len());
        list.push(created(place, &list)?);
    }
    for position in &selected {
        if let Some(element) = list.get_mut(*position) {
            *element = Value::Object(changed(place, element.take(), change, value, notes)?);
        }
    }
    let is_primary_at = |position: &usize| list.get(*position).is_some_and(is_primary);
    if let Some(primary) = selected.into_iter().find(is_primary_at) {
        keep_primary(&mut list, primary);
    }
    keep_telling(&mut list);
    keep_each_once(place.attribute, &mut list);
    Ok(from_elements(place, list))
}

/// A new element where none was selected. Entra expects `emails[type eq "work"].value` to create it, where RFC 7644
/// §3.5.2.3 would refuse.
fn created(place: &Place, list: &[Value]) -> Result<Value, Error> {
    let room = place.attribute.multi_valued || list.is_empty();
    match selectable(place) {
        Some(element) if room => {
            within_limit(place.attribute, list.len().saturating_add(1))?;
            Ok(Value::Object(element))
        }
        _ => {
            let name = quoted(place.attribute.name);
            Err(Error::no_target(format!("No value of {name} matches the filter.")))
        }
    }
}

/// One selected element after the change.
fn changed(place: &Place, element: Value, change: Change, value: &Value, notes: &mut Notes) -> Result<Map<String, Value>, Error> {
    let before = into_object(element);
    let former_value = before.get("value").cloned();
    let after = match (place.sub, change) {
        (Some(sub), _) => with_part(sub, before, value, notes)?,
        (None, Change::Add(_)) => into_object(single(place.attribute, value, before, notes)?.unwrap_or_default()),
        // What is replaced stays what the filter selects, unless the new value says otherwise.
        (None, _) => {
            let base = selectable(place).unwrap_or_default();
            into_object(single(place.attribute, value, base, notes)?.unwrap_or_default())
        }
    };
    refuse_nested(place.attribute, &after)?;
    let value = place.attribute.sub("value");
    if let Some(sub) = value.filter(|sub| sub.mutability == Mutability::Immutable)
        && former_value.is_some()
        && former_value.as_ref() != after.get("value")
    {
        return Err(immutable(sub));
    }
    Ok(after)
}

fn is_selected(place: &Place, element: &Value) -> bool {
    match (&place.filter, element) {
        (None, _) => true,
        (Some(filter), Value::Object(element)) => filter.matches_element(element),
        (Some(_), _) => false,
    }
}

fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        _ => false,
    }
}

/// Remove the selected elements, or their sub-attribute. An element without its `value` says nothing any more.
fn clear(place: &Place, list: &mut Vec<Value>, selected: &[usize]) -> Result<(), Error> {
    for position in selected {
        match (place.sub, list.get_mut(*position)) {
            (Some(sub), Some(Value::Object(element))) if sub.name != "value" => {
                if element.contains_key(sub.name) && sub.mutability == Mutability::Immutable {
                    return Err(immutable(sub));
                }
                element.remove(sub.name);
            }
            (_, Some(element)) => *element = Value::Null,
            (_, None) => {}
        }
    }
    keep_telling(list);
    // Two addresses that differed in their type alone are now one.
    keep_each_once(place.attribute, list);
    Ok(())
}

/// Drop the elements that say nothing any more.
fn keep_telling(list: &mut Vec<Value>) {
    list.retain(|element| element.as_object().is_some_and(|element| !is_empty(element)));
}

fn with_part(sub: &Attribute, mut element: Map<String, Value>, value: &Value, notes: &mut Notes) -> Result<Map<String, Value>, Error> {
    let part = canonical(sub, value, notes)?;
    let before = element.get(sub.name);
    if before == part.as_ref() {
        return Ok(element);
    }
    if before.is_some() && sub.mutability == Mutability::Immutable {
        return Err(immutable(sub));
    }
    if sub.name == "value" {
        forget_reference(&mut element, false);
    }
    match part {
        Some(part) => element.insert(sub.name.to_owned(), part),
        None => element.remove(sub.name),
    };
    Ok(element)
}

/// What an element must hold to be selected, if the filter says so: a conjunction of `eq`.
fn selectable(place: &Place) -> Option<Map<String, Value>> {
    let mut element = Map::new();
    let clear = place.filter.as_ref().is_none_or(|filter| demand(filter, &mut element));
    clear.then_some(element)
}

fn demand(filter: &ResolvedFilter, element: &mut Map<String, Value>) -> bool {
    match filter {
        Filter::And(filters) => filters.iter().all(|filter| demand(filter, element)),
        Filter::Compare { attribute, op: Op::Eq, value } => {
            let value = match value {
                CompValue::Null => return false,
                CompValue::Bool(value) => Value::from(*value),
                CompValue::Number(value) => Value::from(value.clone()),
                CompValue::String(value) => Value::from(value.as_str()),
            };
            let former = element.insert(attribute.leaf().name.to_owned(), value.clone());
            former.is_none_or(|former| former == value)
        }
        _ => false,
    }
}

fn immutable(sub: &Attribute) -> Error {
    Error::mutability(format!("{} is immutable.", quoted(sub.name)))
}

fn into_list(value: Option<Value>) -> Vec<Value> {
    match value {
        None => Vec::new(),
        Some(Value::Array(list)) => list,
        Some(alone) => vec![alone],
    }
}

fn into_object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
