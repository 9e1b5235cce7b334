//! PATCH (RFC 7644 §3.5.2): reading the request, and applying it to a resource.

mod members;

use serde_json::{Map, Value};

use crate::error::Error;
use crate::notes::{Notes, quoted};
use crate::path::Path;
use crate::resource::Resource;
use crate::resource::edit::{Addressed, Change, Editor};

pub use members::{MemberChange, split_members};

/// How many operations one request may hold.
pub const MAX_OPERATIONS: usize = 1_000;

/// A well-formed PATCH request.
#[derive(Clone, Debug, PartialEq)]
pub struct PatchRequest {
    /// The operations, in the order in which they apply.
    pub operations: Vec<Operation>,
}

/// One operation. Only a removal may lack a value, and only the others may lack a path.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// What to do.
    pub op: Op,
    /// Where; without, the value is an object of attributes.
    pub path: Option<Path>,
    /// With what.
    pub value: Option<Value>,
}

/// What an operation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Op {
    /// Add a value to what is there.
    Add,
    /// Take a value away.
    Remove,
    /// Put a value in the place of what is there.
    Replace,
}

/// A resource after a PATCH.
#[derive(Clone, Debug, PartialEq)]
pub struct Patched {
    /// The new state.
    pub resource: Resource,
    /// Whether it differs from the old one. If not, neither version nor lastModified may move (RFC 7644 §3.5.2.1).
    pub changed: bool,
    /// What was tolerated.
    pub notes: Notes,
}

impl PatchRequest {
    /// Read the body of a PATCH. Names and operations may be in any case (Entra sends "Add"), and `schemas` may be
    /// missing.
    ///
    /// Fails with 400 `invalidSyntax` without operations or with an unknown one, 400 `invalidPath` for a malformed
    /// path, 400 `noTarget` for a removal without path, 400 `invalidValue` for another operation without value, and
    /// 413 for more than [`MAX_OPERATIONS`].
    pub fn parse(body: &Value) -> Result<Self, Error> {
        let body = body.as_object().ok_or_else(|| Error::invalid_syntax("The body must be a JSON object."))?;
        let operations = member(body, "Operations")
            .and_then(Value::as_array)
            .filter(|operations| !operations.is_empty())
            .ok_or_else(|| Error::invalid_syntax("`Operations` must be a list of at least one operation."))?;
        if operations.len() > MAX_OPERATIONS {
            return Err(Error::payload_too_large(format!("One PATCH holds at most {MAX_OPERATIONS} operations.")));
        }
        let operations = operations.iter().map(Operation::parse).collect::<Result<_, _>>()?;
        Ok(Self { operations })
    }
}

impl Operation {
    fn parse(operation: &Value) -> Result<Self, Error> {
        let operation = operation.as_object().ok_or_else(|| Error::invalid_syntax("An operation must be a JSON object."))?;
        let op = Op::parse(member(operation, "op"))?;
        let path = match member(operation, "path") {
            None | Some(Value::Null) => None,
            Some(Value::String(path)) if path.trim().is_empty() => None,
            Some(Value::String(path)) => Some(Path::parse(path)?),
            Some(_) => return Err(Error::invalid_path("A path must be a string.")),
        };
        let value = member(operation, "value").cloned();
        match (op, &path, &value) {
            (Op::Remove, None, _) => Err(Error::no_target("A removal needs a path.")),
            (Op::Add | Op::Replace, _, None) => Err(Error::invalid_value("The operation needs a value.")),
            (Op::Add | Op::Replace, None, Some(value)) if !value.is_object() => {
                Err(Error::invalid_value("Without a path, the value must be an object of attributes."))
            }
            _ => Ok(Self { op, path, value }),
        }
    }

    fn change(&self) -> Change<'_> {
        let value = self.value.as_ref();
        match self.op {
            Op::Add => Change::Add(value.unwrap_or(&Value::Null)),
            Op::Replace => Change::Replace(value.unwrap_or(&Value::Null)),
            Op::Remove => Change::Remove(value),
        }
    }
}

impl Op {
    fn parse(name: Option<&Value>) -> Result<Self, Error> {
        let name =
            name.and_then(Value::as_str).ok_or_else(|| Error::invalid_syntax("An operation needs an `op`: add, remove or replace."))?;
        match name.to_ascii_lowercase().as_str() {
            "add" => Ok(Self::Add),
            "remove" => Ok(Self::Remove),
            "replace" => Ok(Self::Replace),
            _ => Err(Error::invalid_syntax(format!("{} is not add, remove or replace.", quoted(name)))),
        }
    }
}

/// Apply all operations in order; if one fails, none has happened.
///
/// What the RFC demands is kept, and where identity providers differ from it, they are understood: a path to an unknown
/// attribute is ignored with a note; a `replace` or `add` whose filter matches nothing creates the element if the
/// filter is a conjunction of `eq` (else 400 `noTarget`); a removal with a list of values removes just those.
///
/// Fails with 400 `mutability` when a path leads to a readOnly attribute or a required one would be removed, and with
/// 400 `invalidValue`, `invalidPath` or `noTarget` as the RFC has it; with 413 when an attribute would hold too many
/// values, or the request would look at too many of them. Groups with thousands of members are for [`split_members`].
pub fn apply(resource: &Resource, request: &PatchRequest) -> Result<Patched, Error> {
    let mut notes = Notes::new();
    let mut editor = Editor::new(resource.kind(), resource.attributes().clone(), &mut notes);
    for operation in &request.operations {
        match (&operation.path, &operation.value) {
            (Some(path), _) => editor.at(path, operation.change(), Addressed::ByPath)?,
            (None, Some(Value::Object(object))) => editor.each(object, operation.change())?,
            (None, _) => {
                return Err(Error::no_target("The operation has neither a path nor an object as value."));
            }
        }
    }
    let mut patched = Resource::from_stored(resource.kind(), editor.finish());
    patched.settle(Some(resource))?;
    let changed = patched != *resource;
    Ok(Patched { resource: patched, changed, notes })
}

/// The member of a message by its name, in any case.
pub(crate) fn member<'o>(object: &'o Map<String, Value>, name: &str) -> Option<&'o Value> {
    object.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}
