//! Whatever a PATCH does, its result is in canonical form; and a group's members end up the same whether they are
//! changed with their group or apart from it.

#![no_main]

use std::collections::BTreeSet;

use libfuzzer_sys::fuzz_target;
use scim::patch::{MemberChange, apply, split_members};
use scim::{Notes, PatchRequest, Resource, json};
use scim_fuzz::{check_canonical, group, user};

fuzz_target!(|bytes: &[u8]| {
    let Ok(body) = json::parse(bytes) else { return };
    let Ok(request) = PatchRequest::parse(&body) else { return };
    for resource in [user(), group()] {
        let Ok(patched) = apply(&resource, &request) else { continue };
        check_canonical(&patched.resource);
        assert_eq!(patched.changed, patched.resource != resource);
    }
    let group = group();
    let (Ok(together), Ok((changes, rest))) = (apply(&group, &request), split_members(&request, &mut Notes::new())) else { return };
    // Without its members, a row has no `type` or `$ref` that a filter could ask for.
    if changes.iter().any(|change| matches!(change, MemberChange::RemoveWhere(_))) {
        return;
    }
    let mut alone = group.clone();
    alone.set("members", None);
    let alone = apply(&alone, &rest).expect("what applies with members applies without").resource;
    assert_eq!(alone.get("members"), None);
    assert_eq!(alone.text("displayName"), together.resource.text("displayName"));
    assert_eq!(as_rows(ids(&group), changes), ids(&together.resource));
});

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
