//! Whatever a PATCH does, its result is in canonical form; and a group's members end up the same whether they are
//! changed with their group or apart from it.
//!
//! An input is a body, or else lines: an operation, its path, its value, the next operation, and so on. In lines, a
//! mutation seldom breaks the syntax, and so gets further.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use scim::patch::{MemberChange, apply, split_members};
use scim::{Notes, PatchRequest, Resource, json as strict};
use scim_fuzz::{GROUP, USER, check_canonical};
use serde_json::{Map, Value, json};

fuzz_target!(|bytes: &[u8]| {
    let Some(body) = strict::parse(bytes).ok().or_else(|| lines(bytes)) else { return };
    let Ok(request) = PatchRequest::parse(&body) else { return };
    for resource in [&*USER, &*GROUP] {
        let Ok(patched) = apply(resource, &request) else { continue };
        assert_eq!(patched.changed, patched.resource != *resource);
        if patched.changed {
            check_canonical(&patched.resource);
        }
    }
    let group = &*GROUP;
    let (Ok(together), Ok((changes, rest))) = (apply(group, &request), split_members(&request, &mut Notes::new())) else { return };
    // Without its members, a row has no `type` or `$ref` that a filter could ask for.
    if changes.iter().any(|change| matches!(change, MemberChange::RemoveWhere(_))) {
        return;
    }
    let mut alone = group.clone();
    alone.set("members", None);
    let alone = apply(&alone, &rest).expect("what applies with members applies without").resource;
    assert_eq!(alone.get("members"), None);
    assert_eq!(alone.text("displayName"), together.resource.text("displayName"));
    assert_eq!(as_rows(ids(group), changes), ids(&together.resource));
});

fn lines(bytes: &[u8]) -> Option<Value> {
    let lines: Vec<&str> = std::str::from_utf8(bytes).ok()?.lines().collect();
    let operations = lines.chunks(3).map(|parts| {
        let mut operation = Map::new();
        for (name, text) in ["op", "path", "value"].into_iter().zip(parts).filter(|(_, text)| !text.is_empty()) {
            let value = match name {
                "value" => strict::parse(text.as_bytes()).unwrap_or_else(|_| Value::from(*text)),
                _ => Value::from(*text),
            };
            operation.insert(name.to_owned(), value);
        }
        Value::Object(operation)
    });
    Some(json!({ "Operations": operations.collect::<Vec<_>>() }))
}

fn as_rows(mut members: BTreeSet<String>, changes: Vec<MemberChange>) -> BTreeSet<String> {
    for change in changes {
        match change {
            MemberChange::Add(ids) => members.extend(ids),
            MemberChange::Remove(ids) => members.retain(|member| !ids.contains(member)),
            MemberChange::Replace(ids) => members = ids.into_iter().collect(),
            MemberChange::RemoveWhere(_) => {}
        }
    }
    members
}

fn ids(group: &Resource) -> BTreeSet<String> {
    group.values("members").filter_map(|member| member.get("value")?.as_str()).map(str::to_owned).collect()
}
