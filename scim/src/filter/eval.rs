//! Whether a resource fulfils a filter.

use serde_json::{Map, Value};

use super::{CompValue, Filter, Op, ResolvedFilter};
use crate::attribute::Target;
use crate::compare::holds;

/// What a name is looked up in.
#[derive(Clone, Copy)]
enum Scope<'v> {
    Resource(&'v Map<String, Value>),
    Element(&'v Map<String, Value>),
}

impl ResolvedFilter {
    /// Whether `representation`, in canonical spelling, fulfils the filter.
    ///
    /// A comparison holds if it does for any value of the attribute (RFC 7644 §3.4.2.2). Where the RFC is silent: `ne`
    /// holds where there is no value, and `eq null` is `not (… pr)`, so an empty string is unassigned.
    pub fn matches(&self, representation: &Value) -> bool {
        representation.as_object().is_some_and(|resource| matches(self, Scope::Resource(resource)))
    }

    /// Whether one element of the value path's attribute fulfils the filter inside the brackets.
    pub(crate) fn matches_element(&self, element: &Map<String, Value>) -> bool {
        matches(self, Scope::Element(element))
    }
}

fn matches(filter: &ResolvedFilter, scope: Scope) -> bool {
    match filter {
        Filter::And(filters) => filters.iter().all(|filter| matches(filter, scope)),
        Filter::Or(filters) => filters.iter().any(|filter| matches(filter, scope)),
        Filter::Not(filter) => !matches(filter, scope),
        Filter::Present(target) => values(target, scope).into_iter().any(is_present),
        Filter::Compare { attribute, op, value } => compare(attribute, *op, value, scope),
        Filter::ValuePath { attribute, filter } => {
            values(attribute, scope).into_iter().filter_map(Value::as_object).any(|element| filter.matches_element(element))
        }
    }
}

fn compare(target: &Target, op: Op, expected: &CompValue, scope: Scope) -> bool {
    let values = values(target, scope);
    if *expected == CompValue::Null {
        return values.into_iter().any(is_present) == (op == Op::Ne);
    }
    if values.is_empty() {
        return op == Op::Ne;
    }
    values.into_iter().any(|actual| holds(target.leaf(), op, actual, expected))
}

/// The values of an attribute, with lists opened and nulls left out.
fn values<'v>(target: &Target, scope: Scope<'v>) -> Vec<&'v Value> {
    let leaves = match (scope, target.sub) {
        (Scope::Element(element), Some(sub)) => each(element.get(sub.name)),
        (Scope::Element(_), None) => Vec::new(),
        (Scope::Resource(resource), None) => each(target.lookup(resource)),
        (Scope::Resource(resource), Some(sub)) => {
            each(target.lookup(resource)).into_iter().flat_map(|element| each(element.get(sub.name))).collect()
        }
    };
    leaves.into_iter().filter(|value| !value.is_null()).collect()
}

fn each(value: Option<&Value>) -> Vec<&Value> {
    match value {
        None => Vec::new(),
        Some(Value::Array(elements)) => elements.iter().collect(),
        Some(value) => vec![value],
    }
}

fn is_present(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(elements) => elements.iter().any(is_present),
        Value::Object(members) => members.values().any(is_present),
        Value::Bool(_) | Value::Number(_) => true,
    }
}
