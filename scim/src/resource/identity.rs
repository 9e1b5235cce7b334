//! When two elements of a list are the same one.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::Value;

use super::value::is_primary;
use crate::compare::{fold, key};
use crate::schema::{Attribute, Mutability};

/// What identifies an element: its value and type (RFC 7643 §2.4), or all of it where there is no value.
#[derive(PartialEq, Eq, Hash)]
pub(super) enum Identity {
    ValueAndType(String, Option<String>),
    Whole(Value),
}

impl Identity {
    pub fn of(attribute: &Attribute, element: &Value) -> Self {
        // A group has a member once, with or without its type.
        let by_type = attribute.sub("type").is_some_and(|sub| sub.mutability != Mutability::Immutable);
        match value_key(attribute, element) {
            Some(value) if by_type => Self::ValueAndType(value, type_key(element)),
            Some(value) => Self::ValueAndType(value, None),
            None => Self::Whole(element.clone()),
        }
    }
}

/// Keep the first of elements that are the same, as the primary one if any of them was.
pub(super) fn keep_each_once(attribute: &Attribute, list: &mut Vec<Value>) {
    let mut positions: HashMap<Identity, usize> = HashMap::new();
    let mut kept: Vec<Value> = Vec::with_capacity(list.len());
    for element in list.drain(..) {
        match positions.entry(Identity::of(attribute, &element)) {
            Entry::Vacant(free) => {
                free.insert(kept.len());
                kept.push(element);
            }
            Entry::Occupied(former) if is_primary(&element) => {
                if let Some(Value::Object(former)) = kept.get_mut(*former.get()) {
                    former.insert("primary".to_owned(), Value::Bool(true));
                }
            }
            Entry::Occupied(_) => {}
        }
    }
    *list = kept;
}

/// What the element's value is compared by.
pub(super) fn value_key(attribute: &Attribute, element: &Value) -> Option<String> {
    let case_exact = attribute.sub("value")?.case_exact;
    Some(key(element.get("value")?.as_str()?, case_exact).into_owned())
}

/// What the element's type is compared by.
pub(super) fn type_key(element: &Value) -> Option<String> {
    Some(fold(element.get("type")?.as_str()?))
}
