//! Which attributes an answer holds (RFC 7644 §3.4.2.5, §3.9).

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::attribute::{AttributeRef, Target};
use crate::schema::{Attribute, COMMON, Kind, Returned};

/// A client's wish for some attributes (`attributes`), or for all but some (`excludedAttributes`).
///
/// The RFC allows only one of the two; if both are given, `attributes` decides. Names that the resource type does not
/// have are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Projection {
    included: Names,
    excluded: Names,
}

/// The names in one of the two lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Names {
    /// Whether there was any, known or not: who asks for unknown attributes only gets what is always returned.
    given: bool,
    /// Those that some resource type has, each once. A request may list a million, and each resource on a page is held
    /// against them.
    known: Vec<AttributeRef>,
}

/// How much of an attribute is kept.
enum Kept {
    All,
    Nothing,
    Only(Vec<&'static Attribute>),
    AllBut(Vec<&'static Attribute>),
}

impl Projection {
    /// From the values of `attributes` and `excludedAttributes`: names between commas. Both may be empty.
    pub fn new(attributes: &str, excluded_attributes: &str) -> Self {
        Self { included: Names::parse(attributes), excluded: Names::parse(excluded_attributes) }
    }

    /// Whether the client left the choice to the server.
    pub fn is_default(&self) -> bool {
        !self.included.given && !self.excluded.given
    }

    /// Whether the client listed the attributes that it wants: PATCH must answer with a body then (RFC 7644 §3.5.2).
    pub fn asks_for_attributes(&self) -> bool {
        self.included.given
    }

    /// Whether any of an attribute will be in the answer. What is not need not be loaded: Entra asks for groups with
    /// `excludedAttributes=members` all day.
    pub fn wants(&self, kind: Kind, attribute: &str) -> bool {
        match AttributeRef::parse(attribute).and_then(|attribute| attribute.resolve(kind)) {
            Some(target) => !matches!(self.kept(kind, target.extension, target.attribute), Kept::Nothing),
            None => false,
        }
    }

    /// Leave out of a canonical representation what is not wanted. `schemas` and `id` always stay.
    pub fn apply(&self, kind: Kind, representation: Value) -> Value {
        let Value::Object(resource) = representation else {
            return representation;
        };
        let mut projected = Map::new();
        for (name, value) in resource {
            let extension = kind.extensions().iter().find(|schema| schema.id == name);
            let value = match (extension, value) {
                (Some(schema), Value::Object(attributes)) => {
                    let attributes = self.project(kind, Some(schema.id), schema.attributes, attributes);
                    (!attributes.is_empty()).then_some(Value::Object(attributes))
                }
                (_, value) => COMMON
                    .iter()
                    .chain(kind.schema().attributes)
                    .find(|attribute| attribute.name == name)
                    .and_then(|attribute| reduce(self.kept(kind, None, attribute), value)),
            };
            if let Some(value) = value {
                projected.insert(name, value);
            }
        }
        Value::Object(projected)
    }

    fn project(
        &self,
        kind: Kind,
        extension: Option<&'static str>,
        attributes: &'static [Attribute],
        values: Map<String, Value>,
    ) -> Map<String, Value> {
        values
            .into_iter()
            .filter_map(|(name, value)| {
                let attribute = attributes.iter().find(|attribute| attribute.name == name)?;
                Some((name, reduce(self.kept(kind, extension, attribute), value)?))
            })
            .collect()
    }

    fn kept(&self, kind: Kind, extension: Option<&'static str>, attribute: &'static Attribute) -> Kept {
        match attribute.returned {
            Returned::Always => return Kept::All,
            Returned::Never => return Kept::Nothing,
            Returned::Request if !self.included.given => return Kept::Nothing,
            Returned::Default | Returned::Request => {}
        }
        if self.included.given {
            return match mentioned(&self.included.known, kind, extension, attribute) {
                None => Kept::Nothing,
                Some(subs) if subs.is_empty() => all_but(attribute, subs),
                Some(subs) => Kept::Only(subs),
            };
        }
        match mentioned(&self.excluded.known, kind, extension, attribute) {
            None => all_but(attribute, vec![]),
            Some(subs) if subs.is_empty() => Kept::Nothing,
            Some(subs) => all_but(attribute, subs),
        }
    }
}

/// All of an attribute but `subs`, and but those parts that have to be asked for by name.
fn all_but(attribute: &'static Attribute, mut subs: Vec<&'static Attribute>) -> Kept {
    subs.extend(attribute.sub_attributes.iter().filter(|sub| sub.returned == Returned::Request));
    if subs.is_empty() { Kept::All } else { Kept::AllBut(subs) }
}

/// Whether `names` mention an attribute: as a whole (no sub-attributes), or these sub-attributes of it.
fn mentioned(
    names: &[AttributeRef],
    kind: Kind,
    extension: Option<&'static str>,
    attribute: &'static Attribute,
) -> Option<Vec<&'static Attribute>> {
    let mut subs = Vec::new();
    for name in names {
        if let Some(schema) = name.whole_schema(kind) {
            let of_schema = extension.is_some_and(|urn| urn == schema.id)
                || (extension.is_none() && schema.attribute(attribute.name) == Some(attribute));
            if of_schema {
                return Some(Vec::new());
            }
        } else if let Some(Target { extension: at, attribute: named, sub }) = name.resolve(kind)
            && at == extension
            && named.name == attribute.name
        {
            subs.push(match sub {
                None => return Some(Vec::new()),
                Some(sub) => sub,
            });
        }
    }
    (!subs.is_empty()).then_some(subs)
}

fn reduce(kept: Kept, value: Value) -> Option<Value> {
    match kept {
        Kept::All => Some(value),
        Kept::Nothing => None,
        Kept::Only(subs) => reduce_parts(value, &|name| subs.iter().any(|sub| sub.name == name)),
        Kept::AllBut(subs) => reduce_parts(value, &|name| subs.iter().all(|sub| sub.name != name)),
    }
}

fn reduce_parts(value: Value, keep: &dyn Fn(&str) -> bool) -> Option<Value> {
    let part = |value: Value| match value {
        Value::Object(parts) => {
            let parts: Map<_, _> = parts.into_iter().filter(|(name, _)| keep(name)).collect();
            (!parts.is_empty()).then_some(Value::Object(parts))
        }
        other => Some(other),
    };
    match value {
        // There is nobody to leave out.
        Value::Array(elements) if elements.is_empty() => Some(Value::Array(elements)),
        Value::Array(elements) => {
            let elements: Vec<_> = elements.into_iter().filter_map(part).collect();
            (!elements.is_empty()).then_some(Value::Array(elements))
        }
        value => part(value),
    }
}

impl Names {
    fn parse(text: &str) -> Self {
        let mut names = Self::default();
        let mut seen = HashSet::new();
        for name in text.split(',').filter_map(|name| AttributeRef::parse(name.trim())) {
            names.given = true;
            let meanings = Kind::ALL.map(|kind| meaning(&name, kind));
            if meanings.iter().any(Option::is_some) && seen.insert(meanings) {
                names.known.push(name);
            }
        }
        names
    }
}

/// What the name means for `kind`, in one spelling.
fn meaning(name: &AttributeRef, kind: Kind) -> Option<String> {
    match name.whole_schema(kind) {
        Some(schema) => Some(schema.id.to_owned()),
        None => name.resolve(kind).map(|target| target.to_string()),
    }
}
