//! Bulk (RFC 7644 §3.7): many operations in one request, which may refer to each other's new resources.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::error::Error;
use crate::notes::quoted;
use crate::patch::member;
use crate::schema::Kind;

/// The `schemas` value of a bulk response.
pub const BULK_RESPONSE_SCHEMA: &str = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";

/// What a reference to a resource of the same request begins with.
const REFERENCE: &str = "bulkId:";

/// A well-formed bulk request.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkRequest {
    /// After how many failures to stop; `None` means never.
    pub fail_on_errors: Option<u64>,
    /// The operations as the client ordered them. [`BulkRequest::order`] tells the order in which they can succeed.
    pub operations: Vec<BulkOperation>,
}

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkOperation {
    /// What to do.
    pub method: Method,
    /// The client's name for the new resource; always there for POST.
    pub bulk_id: Option<String>,
    /// The version that the resource must have, as in `If-Match`.
    pub version: Option<String>,
    /// The type of the resource.
    pub kind: Kind,
    /// The id of the resource, or a reference; always there but for POST.
    pub id: Option<String>,
    /// The body.
    pub data: Value,
}

/// The methods that a bulk operation may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// Create.
    Post,
    /// Replace.
    Put,
    /// Change.
    Patch,
    /// Remove.
    Delete,
}

impl BulkRequest {
    /// Read a bulk request of at most `max_operations`.
    ///
    /// Fails with 413, naming the limit, for more; with 400 `invalidSyntax` if any operation is malformed, before one
    /// has been carried out; and with 400 `invalidValue` if two operations have the same `bulkId`.
    pub fn parse(body: &Value, max_operations: usize) -> Result<Self, Error> {
        let body = body.as_object().ok_or_else(|| Error::invalid_syntax("The body must be a JSON object."))?;
        let operations = member(body, "Operations")
            .and_then(Value::as_array)
            .filter(|operations| !operations.is_empty())
            .ok_or_else(|| Error::invalid_syntax("`Operations` must be a list of at least one operation."))?;
        if operations.len() > max_operations {
            return Err(Error::payload_too_large(format!("The request exceeds the limit of {max_operations} operations (maxOperations).")));
        }
        let fail_on_errors = match member(body, "failOnErrors") {
            None | Some(Value::Null) => None,
            Some(limit) => Some(limit.as_u64().ok_or_else(|| Error::invalid_syntax("`failOnErrors` must be a whole number."))?),
        };
        let operations = operations.iter().map(BulkOperation::parse).collect::<Result<Vec<_>, _>>()?;
        let mut names = HashSet::new();
        for name in operations.iter().filter_map(|operation| operation.bulk_id.as_deref()) {
            if !names.insert(name) {
                return Err(Error::invalid_value(format!("The bulkId {} is used twice.", quoted(name))));
            }
        }
        Ok(Self { fail_on_errors, operations })
    }

    /// Positions of the operations in the order in which to carry them out.
    ///
    /// It is the client's order, but that an operation waits for the POSTs it refers to, and for earlier operations on
    /// the same resource. A circle of references is broken at one of its operations, which comes before what it refers
    /// to (RFC 7644 §3.7.1 allows to fail there); what refers to the circle comes after it.
    pub fn order(&self) -> Vec<usize> {
        let mut made_by = HashMap::new();
        for (position, operation) in self.operations.iter().enumerate() {
            if let (Method::Post, Some(name)) = (operation.method, operation.bulk_id.as_deref()) {
                made_by.insert(name, position);
            }
        }
        let mut latest = HashMap::new();
        let mut waits_for: Vec<Vec<usize>> = Vec::new();
        let mut awaited_by: Vec<Vec<usize>> = vec![Vec::new(); self.operations.len()];
        for (position, operation) in self.operations.iter().enumerate() {
            let mut others: HashSet<usize> = operation.references().iter().filter_map(|name| made_by.get(name).copied()).collect();
            if let Some(id) = &operation.id {
                others.extend(latest.insert((operation.kind, id), position));
            }
            for other in &others {
                if let Some(awaited_by) = awaited_by.get_mut(*other) {
                    awaited_by.push(position);
                }
            }
            let mut others: Vec<_> = others.into_iter().collect();
            others.sort_unstable();
            waits_for.push(others);
        }

        let mut left: BTreeMap<usize, usize> = waits_for.iter().map(Vec::len).enumerate().collect();
        let mut ready: BTreeSet<usize> = left.iter().filter(|(_, count)| **count == 0).map(|(position, _)| *position).collect();
        let mut order = Vec::new();
        while !left.is_empty() {
            // Of those that wait for nothing, the one that the client put first.
            let Some(position) = ready.pop_first().or_else(|| in_circle(&left, &waits_for)) else { break };
            left.remove(&position);
            order.push(position);
            for other in awaited_by.get(position).into_iter().flatten() {
                if let Some(count) = left.get_mut(other) {
                    *count -= 1;
                    if *count == 0 {
                        ready.insert(*other);
                    }
                }
            }
        }
        order
    }
}

/// One of those that are `left` and wait for themselves. All that are left wait for something that is left.
fn in_circle(left: &BTreeMap<usize, usize>, waits_for: &[Vec<usize>]) -> Option<usize> {
    let mut seen = HashSet::new();
    let mut position = *left.keys().next()?;
    while seen.insert(position) {
        position = *waits_for.get(position)?.iter().find(|other| left.contains_key(other))?;
    }
    Some(position)
}

impl BulkOperation {
    fn parse(operation: &Value) -> Result<Self, Error> {
        let operation = operation.as_object().ok_or_else(|| Error::invalid_syntax("An operation must be a JSON object."))?;
        let text = |name: &str| member(operation, name).and_then(Value::as_str);
        let method = text("method")
            .and_then(Method::parse)
            .ok_or_else(|| Error::invalid_syntax("An operation needs a `method`: POST, PUT, PATCH or DELETE."))?;
        let path = text("path").ok_or_else(|| Error::invalid_syntax("An operation needs a `path`."))?;
        let (kind, id) = place(path)
            .filter(|(_, id)| id.is_none() == (method == Method::Post))
            .ok_or_else(|| Error::invalid_syntax(format!("{} is not a path for this method.", quoted(path))))?;
        let bulk_id = text("bulkId").filter(|name| !name.is_empty()).map(str::to_owned);
        if method == Method::Post && bulk_id.is_none() {
            return Err(Error::invalid_syntax("A POST needs a `bulkId`."));
        }
        Ok(Self {
            method,
            bulk_id,
            version: text("version").map(str::to_owned),
            kind,
            id: id.map(str::to_owned),
            data: member(operation, "data").cloned().unwrap_or_default(),
        })
    }

    /// The operation with its references replaced by the ids of the resources made so far, given by their `bulkId`.
    ///
    /// Fails with 409 if there is a reference to something else (RFC 7644 §3.7.1, §3.7.2).
    pub fn resolved(&self, ids: &HashMap<String, String>) -> Result<Self, Error> {
        let mut resolved = self.clone();
        if let Some(id) = &mut resolved.id {
            resolve_text(id, ids)?;
        }
        resolve(&mut resolved.data, false, ids)?;
        Ok(resolved)
    }

    /// The id of the resource that the operation is about, if there is one already: `ids` are those of the resources made so
    /// far, by their `bulkId`.
    pub fn resource(&self, ids: &HashMap<String, String>) -> Option<String> {
        let mut id = self.id.clone()?;
        resolve_text(&mut id, ids).ok().map(|()| id)
    }

    /// The bulkIds that the operation refers to.
    pub fn references(&self) -> Vec<&str> {
        let mut names = Vec::new();
        names.extend(self.id.as_deref().and_then(|id| id.strip_prefix(REFERENCE)));
        collect(&self.data, false, &mut names);
        names
    }
}

impl Method {
    fn parse(name: &str) -> Option<Self> {
        match name.to_ascii_uppercase().as_str() {
            "POST" => Some(Self::Post),
            "PUT" => Some(Self::Put),
            "PATCH" => Some(Self::Patch),
            "DELETE" => Some(Self::Delete),
            _ => None,
        }
    }
}

fn place(path: &str) -> Option<(Kind, Option<&str>)> {
    Kind::ALL.into_iter().find_map(|kind| match path.strip_prefix(kind.endpoint())? {
        "" => Some((kind, None)),
        rest => {
            let id = rest.strip_prefix('/')?;
            (!id.is_empty() && !id.contains('/')).then_some((kind, Some(id)))
        }
    })
}

/// Whether the member `name` of an object may refer to a resource: what has an id for its value (`members`, `manager`),
/// and the value of a PATCH operation. A displayName that looks like a reference is a displayName.
fn refers(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    name == "value" || name == "$ref" || name.contains("manager") || name.contains("members")
}

/// Whether the member `name` of an object is the service provider's: what a client says there is ignored.
fn is_ignored(name: &str) -> bool {
    name.eq_ignore_ascii_case("groups")
}

fn collect<'v>(value: &'v Value, refers_here: bool, names: &mut Vec<&'v str>) {
    match value {
        Value::String(text) if refers_here => names.extend(text.strip_prefix(REFERENCE)),
        Value::Array(elements) => elements.iter().for_each(|element| collect(element, refers_here, names)),
        Value::Object(members) => {
            members.iter().filter(|(name, _)| !is_ignored(name)).for_each(|(name, value)| collect(value, refers(name), names));
        }
        _ => {}
    }
}

fn resolve(value: &mut Value, refers_here: bool, ids: &HashMap<String, String>) -> Result<(), Error> {
    match value {
        Value::String(text) if refers_here => resolve_text(text, ids),
        Value::Array(elements) => elements.iter_mut().try_for_each(|element| resolve(element, refers_here, ids)),
        Value::Object(members) => {
            let mut members = members.iter_mut().filter(|(name, _)| !is_ignored(name));
            members.try_for_each(|(name, value)| resolve(value, refers(name), ids))
        }
        _ => Ok(()),
    }
}

fn resolve_text(text: &mut String, ids: &HashMap<String, String>) -> Result<(), Error> {
    let Some(name) = text.strip_prefix(REFERENCE) else {
        return Ok(());
    };
    let id = ids.get(name).ok_or_else(|| Error::conflict(format!("No resource was created for the bulkId {}.", quoted(name))))?;
    *text = id.clone();
    Ok(())
}

/// What came of one operation.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkResult {
    /// The operation's method.
    pub method: Method,
    /// The operation's `bulkId`.
    pub bulk_id: Option<String>,
    /// The version of the resource now.
    pub version: Option<String>,
    /// The URI of the resource; only a failed POST, or what refers to one, has none.
    pub location: Option<String>,
    /// The status that the operation would have had on its own.
    pub status: u16,
    /// The body; required for failures.
    pub response: Option<Value>,
}

/// The answer to a bulk request. Serialises to the message of RFC 7644 §3.7.3.
#[derive(Clone, Debug, PartialEq)]
pub struct BulkResponse {
    /// One result for each operation that was carried out.
    pub operations: Vec<BulkResult>,
}

impl Serialize for BulkResponse {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut message = serializer.serialize_map(None)?;
        message.serialize_entry("schemas", &[BULK_RESPONSE_SCHEMA])?;
        message.serialize_entry("Operations", &self.operations)?;
        message.end()
    }
}

impl Serialize for BulkResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut result = serializer.serialize_map(None)?;
        result.serialize_entry("method", &self.method)?;
        result.serialize_entry("status", &self.status.to_string())?;
        let texts = [("bulkId", &self.bulk_id), ("version", &self.version), ("location", &self.location)];
        for (name, text) in texts {
            if let Some(text) = text {
                result.serialize_entry(name, text)?;
            }
        }
        if let Some(response) = &self.response {
            result.serialize_entry("response", response)?;
        }
        result.end()
    }
}
