//! The members of a group, apart from the rest of it.
//!
//! A group may have a hundred thousand members. Whoever keeps them as rows need not load them to apply a PATCH: the
//! changes are taken out of the request here, and what remains is applied to the group without its members.

use serde_json::{Map, Value};

use super::{Op, Operation, PatchRequest};
use crate::error::Error;
use crate::filter::{CompValue, Filter, Op as Comparison, ResolvedFilter};
use crate::notes::Notes;
use crate::path::{Destination, Path, Place};
use crate::resource::edit::Change;
use crate::resource::{Purpose, member_ids};
use crate::schema::Kind;

/// One change to the members of a group. Changes apply in order.
#[derive(Clone, Debug, PartialEq)]
pub enum MemberChange {
    /// Add members with these ids.
    Add(Vec<String>),
    /// Remove the members with these ids.
    Remove(Vec<String>),
    /// Remove the members that fulfil this filter, which is about the inside of `members`.
    RemoveWhere(ResolvedFilter),
    /// Let the group have just the members with these ids, and none if there are no ids.
    Replace(Vec<String>),
}

/// Take the changes to the members of a group out of `request`, and leave the other operations.
///
/// Both apply as [`apply`](super::apply) would apply them together, since no operation touches members and something
/// else at one place. Fails with 400 `mutability` where a member would be edited rather than added or removed, with 413
/// for too many, and with 400 `invalidValue` for values that are no members, or groups.
pub fn split_members(request: &PatchRequest, notes: &mut Notes) -> Result<(Vec<MemberChange>, PatchRequest), Error> {
    let mut changes = Vec::new();
    let mut operations = Vec::new();
    for operation in &request.operations {
        let Some(object) = whole_object(operation) else {
            match operation.path.as_ref().map(members_at).transpose()?.flatten() {
                Some(place) => changes.extend(change(&place, operation.change(), notes)?),
                None => operations.push(operation.clone()),
            }
            continue;
        };
        let mut others = Map::new();
        for (name, value) in object {
            match Path::parse(&name).ok().map(|path| members_at(&path)).transpose()?.flatten() {
                Some(place) => changes.extend(change(&place, operation.change().with(&value), notes)?),
                None => {
                    others.insert(name, value);
                }
            }
        }
        operations.push(Operation { op: operation.op, path: None, value: Some(Value::Object(others)) });
    }
    Ok((changes, PatchRequest { operations }))
}

/// The attributes that an operation names in an object, be it for the whole resource or for the schema, with those in
/// an object under the schema's URN brought up to the others; `None` if the operation names an attribute by its path.
fn whole_object(operation: &Operation) -> Option<Vec<(String, Value)>> {
    let object = operation.value.as_ref()?.as_object()?;
    let below = |urn: &str, object: &Map<String, Value>| {
        object.iter().map(|(name, value)| (format!("{urn}:{name}"), value.clone())).collect::<Vec<_>>()
    };
    let urn = Kind::Group.schema().id;
    match &operation.path {
        None => Some(
            object
                .iter()
                .flat_map(|(name, value)| match value {
                    Value::Object(inner) if name.eq_ignore_ascii_case(urn) => below(urn, inner),
                    _ => vec![(name.clone(), value.clone())],
                })
                .collect(),
        ),
        Some(path) if path.to_string().eq_ignore_ascii_case(urn) && operation.op != Op::Remove => Some(below(urn, object)),
        Some(_) => None,
    }
}

fn members_at(path: &Path) -> Result<Option<Place>, Error> {
    match path.resolve(Kind::Group)? {
        Destination::Place(place) if place.attribute.name == "members" => Ok(Some(place)),
        _ => Ok(None),
    }
}

fn change(place: &Place, change: Change, notes: &mut Notes) -> Result<Option<MemberChange>, Error> {
    if place.sub.is_some_and(|sub| sub.name != "value") {
        return Err(edited());
    }
    Ok(match (change, &place.filter, place.sub) {
        (Change::Remove(None | Some(Value::Null)), None, _) => Some(MemberChange::Replace(Vec::new())),
        (Change::Remove(Some(Value::Array(values))), None, _) if values.is_empty() => Some(MemberChange::Replace(Vec::new())),
        (Change::Remove(Some(values)), None, _) => Some(MemberChange::Remove(member_ids(values, Purpose::Remove, notes)?)),
        (Change::Remove(_), Some(filter), _) => Some(match equal_value(filter) {
            Some(id) => MemberChange::Remove(vec![id]),
            None => MemberChange::RemoveWhere(filter.clone()),
        }),
        (Change::Add(value), None, None) => Some(MemberChange::Add(member_ids(value, Purpose::Keep, notes)?)),
        (Change::Replace(value), None, None) => Some(MemberChange::Replace(member_ids(value, Purpose::Keep, notes)?)),
        // `members[value eq "1"]` with the same member as value: it is to be a member.
        (Change::Add(value) | Change::Replace(value), Some(filter), _) => {
            let ids = member_ids(value, Purpose::Keep, notes)?;
            match (equal_value(filter), ids.as_slice()) {
                (Some(id), [only]) if id == *only => Some(MemberChange::Add(ids)),
                _ => return Err(edited()),
            }
        }
        (Change::Add(_) | Change::Replace(_), None, Some(_)) => return Err(edited()),
    })
}

fn equal_value(filter: &ResolvedFilter) -> Option<String> {
    match filter {
        Filter::Compare { attribute, op: Comparison::Eq, value: CompValue::String(id) } if attribute.leaf().name == "value" => {
            Some(id.clone())
        }
        _ => None,
    }
}

fn edited() -> Error {
    Error::mutability("Members are added and removed, not edited.")
}
