//! Users and groups as clients see them.

use directory::provisioning::{
    groups::{Group, GroupMember},
    query::Resource,
    users::User,
};
use scim::{Envelope, Kind, Projection};
use serde_json::{Map, Value, json};

use super::caller::Caller;

/// A resource's own URL.
pub(super) fn location(caller: &Caller, kind: Kind, id: impl std::fmt::Display) -> String {
    format!("{}{}/{id}", caller.base_url, kind.endpoint())
}

/// The ETag of a user, which is also her `meta.version`. Weak: the same state may be written in several ways.
pub(super) fn user_tag(user: &User) -> String {
    format!("W/\"{}\"", user.tag())
}

/// The ETag of a group.
pub(super) fn group_tag(group: &Group) -> String {
    format!("W/\"{}\"", group.version)
}

/// A resource of either type.
pub(super) fn resource(caller: &Caller, resource: &Resource, projection: &Projection) -> Value {
    match resource {
        Resource::User(user) => self::user(caller, user, projection),
        Resource::Group(group) => self::group(caller, group, projection),
    }
}

/// A user.
pub(super) fn user(caller: &Caller, user: &User, projection: &Projection) -> Value {
    let mut computed = Map::new();
    if !user.groups.is_empty() {
        // Read-only: changed only by changing the group (RFC 7643 §4.1.2).
        let group = |(id, display): &(_, String)| json!({ "value": id, "$ref": location(caller, Kind::Group, id), "display": display, "type": "direct" });
        computed.insert("groups".to_owned(), user.groups.iter().map(group).collect());
    }
    let envelope = Envelope {
        id: user.id.to_string(),
        created: user.created_at.to_rfc3339(),
        last_modified: user.updated_at.to_rfc3339(),
        location: location(caller, Kind::User, user.id),
        version: user_tag(user),
        computed,
    };
    projection.apply(Kind::User, user.resource.represent(&envelope))
}

/// A group, with its members if they have been read.
pub(super) fn group(caller: &Caller, group: &Group, projection: &Projection) -> Value {
    let mut computed = Map::new();
    if let Some(members) = &group.members {
        computed.insert("members".to_owned(), members.iter().map(|member| self::member(caller, member)).collect());
    }
    let envelope = Envelope {
        id: group.id.to_string(),
        created: group.created_at.to_rfc3339(),
        last_modified: group.updated_at.to_rfc3339(),
        location: location(caller, Kind::Group, group.id),
        version: group_tag(group),
        computed,
    };
    projection.apply(Kind::Group, group.resource.represent(&envelope))
}

/// A member of a group.
pub(super) fn member(caller: &Caller, member: &GroupMember) -> Value {
    json!({ "value": member.user, "$ref": location(caller, Kind::User, member.user), "display": member.display, "type": "User" })
}
