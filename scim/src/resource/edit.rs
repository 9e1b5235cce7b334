//! Changing the attributes of a resource, one place at a time.
//!
//! A POST body and a PATCH operation without path are the same thing, an object whose names lead to places; so both
//! come through here, and both understand the same spellings: plain, dotted, with the URN in front, or in an object
//! under the URN.

use serde_json::{Map, Value};

use super::elements;
use super::value::{canonical, list_value, single};
use crate::attribute::AttributeRef;
use crate::error::Error;
use crate::filter::Filter;
use crate::notes::{Notes, quoted};
use crate::path::{Destination, Path, Place};
use crate::schema::{Attribute, Kind, Mutability, Schema};

/// What to do at a place.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change<'v> {
    Add(&'v Value),
    Replace(&'v Value),
    /// With the values to remove, where a client names them beside the path.
    Remove(Option<&'v Value>),
}

impl<'v> Change<'v> {
    /// The same change with another value; removals have none.
    pub fn with(self, value: &'v Value) -> Self {
        match self {
            Self::Add(_) => Self::Add(value),
            Self::Replace(_) => Self::Replace(value),
            Self::Remove(_) => Self::Remove(None),
        }
    }

    fn value(self) -> Option<&'v Value> {
        match self {
            Self::Add(value) | Self::Replace(value) => Some(value),
            Self::Remove(_) => None,
        }
    }
}

/// Whether a client named the place by a path, or in a whole object, where RFC 7644 §3.3 wants readOnly attributes
/// ignored.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Addressed {
    ByPath,
    InObject,
}

/// How many comparisons with elements one request may cost. Operations, elements and terms of a filter are each bounded,
/// but their product would keep a processor busy for a minute.
const MOST_WORK: usize = 2_000_000;
/// How many bytes count as one comparison more: long texts cost more to compare, and to copy into many elements.
const BYTES_PER_WORK: usize = 32;

pub(crate) struct Editor<'n> {
    kind: Kind,
    attributes: Map<String, Value>,
    notes: &'n mut Notes,
    work: usize,
}

impl<'n> Editor<'n> {
    pub fn new(kind: Kind, attributes: Map<String, Value>, notes: &'n mut Notes) -> Self {
        Self { kind, attributes, notes, work: 0 }
    }

    pub fn finish(self) -> Map<String, Value> {
        self.attributes
    }

    /// Change each attribute that `object` names.
    pub fn each(&mut self, object: &Map<String, Value>, change: Change) -> Result<(), Error> {
        for (name, value) in object {
            if name.eq_ignore_ascii_case("schemas") {
                self.note_unknown_schemas(value);
                continue;
            }
            match Path::parse(name) {
                Ok(path) => self.at(&path, change.with(value), Addressed::InObject)?,
                Err(_) => self.ignored(name),
            }
        }
        Ok(())
    }

    /// Change what `path` leads to.
    pub fn at(&mut self, path: &Path, change: Change, addressed: Addressed) -> Result<(), Error> {
        let destination = match path.resolve(self.kind) {
            // A strange name in an object is an unknown attribute, not a failed request.
            Err(_) if addressed == Addressed::InObject => Destination::Unknown,
            destination => destination?,
        };
        let adds_nothing = matches!(change, Change::Add(Value::Null));
        match destination {
            Destination::Unknown => {
                self.ignored(&path.to_string());
                Ok(())
            }
            // In an object, null is as good as absent (RFC 7643 §2.5). Entra sends `"department": null` beside an
            // extension object that has the department.
            _ if adds_nothing && addressed == Addressed::InObject => Ok(()),
            Destination::Schema(schema) => self.at_schema(schema, change),
            Destination::Place(place) if place.attribute.name == "schemas" => Ok(()),
            Destination::Place(place) => {
                let read_only = |attribute: &Attribute| attribute.mutability == Mutability::ReadOnly;
                match read_only(place.attribute) || place.sub.is_some_and(read_only) {
                    false => self.at_place(&place, change),
                    true if addressed == Addressed::InObject => Ok(()),
                    true => Err(Error::mutability(format!("{} is readOnly.", quoted(&place.to_string())))),
                }
            }
        }
    }

    fn at_schema(&mut self, schema: &'static Schema, change: Change) -> Result<(), Error> {
        match change.value() {
            None | Some(Value::Null) if schema.id == self.kind.schema().id => Err(Error::mutability("The core schema cannot be removed.")),
            None | Some(Value::Null) => {
                self.attributes.remove(schema.id);
                Ok(())
            }
            Some(Value::Object(object)) => {
                for (name, value) in object {
                    match AttributeRef::parse(name) {
                        Some(attribute) if attribute.schema.is_none() => {
                            let attribute = AttributeRef { schema: Some(schema.id.to_owned()), ..attribute };
                            self.at(&attribute.into(), change.with(value), Addressed::InObject)?;
                        }
                        _ => self.ignored(name),
                    }
                }
                Ok(())
            }
            Some(_) => Err(Error::invalid_value(format!("`{}` must be an object.", schema.id))),
        }
    }

    fn at_place(&mut self, place: &Place, change: Change) -> Result<(), Error> {
        let before = self.take(place);
        let existed = before.is_some();
        self.account_for(place, before.as_ref(), change.value())?;
        let after = self.changed(place, before, change)?;
        match after {
            Some(after) => self.put(place, after),
            None if place.attribute.required && existed => {
                return Err(Error::mutability(format!("{} is required.", quoted(place.attribute.name))));
            }
            None => {}
        }
        Ok(())
    }

    fn changed(&mut self, place: &Place, before: Option<Value>, change: Change) -> Result<Option<Value>, Error> {
        let attribute = place.attribute;
        if place.filter.is_some() || place.sub.is_some() {
            return elements::change_parts(place, before, change, self.notes);
        }
        match change {
            Change::Remove(values) if attribute.multi_valued => elements::remove(attribute, before, values, self.notes),
            Change::Remove(_) => Ok(None),
            Change::Add(value) if attribute.multi_valued => elements::add(attribute, before, value, self.notes),
            Change::Replace(value) if attribute.multi_valued => canonical(attribute, value, self.notes),
            Change::Add(value) | Change::Replace(value) => {
                let base = match before {
                    Some(Value::Object(base)) => base,
                    _ => Map::new(),
                };
                single(attribute, value, base, self.notes)
            }
        }
    }

    fn account_for(&mut self, place: &Place, before: Option<&Value>, value: Option<&Value>) -> Result<(), Error> {
        let elements = match before {
            Some(Value::Array(elements)) => elements.as_slice(),
            Some(alone) => std::slice::from_ref(alone),
            None => &[Value::Null],
        };
        let terms = place.filter.as_ref().map_or(1, Filter::terms);
        // Each comparison prepares both texts, and each element that a filter selects may get the value.
        let copied = if place.filter.is_some() { value.map_or(0, bytes) } else { 0 };
        let texts = place.filter.as_ref().map_or(0, Filter::bytes).saturating_add(copied);
        let compared: usize = elements.iter().map(|element| 1 + bytes(element) / BYTES_PER_WORK).sum();
        let prepared = elements.len().saturating_mul(texts / BYTES_PER_WORK);
        self.work = self.work.saturating_add(compared.saturating_mul(terms)).saturating_add(prepared);
        if self.work > MOST_WORK {
            return Err(Error::payload_too_large("The request changes too many values."));
        }
        Ok(())
    }

    /// Take the attribute's value out. An extension that holds nothing any more goes with it.
    fn take(&mut self, place: &Place) -> Option<Value> {
        let Some(urn) = place.extension else {
            return self.attributes.remove(place.attribute.name);
        };
        let extension = self.attributes.get_mut(urn)?.as_object_mut()?;
        let value = extension.remove(place.attribute.name);
        if extension.is_empty() {
            self.attributes.remove(urn);
        }
        value
    }

    fn put(&mut self, place: &Place, value: Value) {
        let name = place.attribute.name.to_owned();
        let Some(urn) = place.extension else {
            self.attributes.insert(name, value);
            return;
        };
        match self.attributes.get_mut(urn).and_then(Value::as_object_mut) {
            Some(extension) => {
                extension.insert(name, value);
            }
            None => {
                self.attributes.insert(urn.to_owned(), Value::Object(Map::from_iter([(name, value)])));
            }
        }
    }

    /// Note an attribute that no schema knows. A password is expected, and dropped without a word.
    fn ignored(&mut self, name: &str) {
        if !name.eq_ignore_ascii_case("password") {
            self.notes.add(format!("ignored attribute {}", quoted(name)));
        }
    }

    fn note_unknown_schemas(&mut self, schemas: &Value) {
        for urn in schemas.as_array().into_iter().flatten().filter_map(Value::as_str) {
            if self.kind.schema_by_urn(urn).is_none() {
                self.notes.add(format!("ignored schema {}", quoted(urn)));
            }
        }
    }
}

/// A list with these elements, or what a single value becomes: its only element.
pub(super) fn from_elements(place: &Place, mut list: Vec<Value>) -> Option<Value> {
    if place.attribute.multi_valued { list_value(list) } else { list.pop() }
}

/// How long the texts in a value are together.
fn bytes(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(elements) => elements.iter().map(bytes).sum(),
        Value::Object(members) => members.values().map(bytes).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}
