use scim::ScimType::{InvalidValue, Mutability};
use scim::patch::{MemberChange, split_members};
use scim::{Error, Notes, PatchRequest};
use serde_json::{Value, json};

use crate::refusal;

fn split(operations: Value) -> Result<(Vec<MemberChange>, PatchRequest), Error> {
    split_members(&PatchRequest::parse(&json!({"Operations": operations}))?, &mut Notes::new())
}

fn changes(operations: Value) -> Vec<MemberChange> {
    split(operations).expect("acceptable operations").0
}

fn ids<const N: usize>(ids: [&str; N]) -> Vec<String> {
    ids.map(str::to_owned).to_vec()
}

#[test]
fn every_dialect_of_adding_and_removing_members_is_understood() {
    for (operation, expected) in [
        (json!({"op": "add", "path": "members", "value": [{"value": "u_1", "display": "x"}]}), MemberChange::Add(ids(["u_1"]))),
        (json!({"op": "Add", "path": "members", "value": [{"$ref": null, "value": "u_1"}]}), MemberChange::Add(ids(["u_1"]))),
        (json!({"op": "add", "value": {"members": [{"value": "u_1"}]}}), MemberChange::Add(ids(["u_1"]))),
        (json!({"op": "add", "path": "members", "value": {"value": "u_1"}}), MemberChange::Add(ids(["u_1"]))),
        (json!({"op": "add", "path": "members[value eq \"u_1\"]", "value": {"value": "u_1"}}), MemberChange::Add(ids(["u_1"]))),
        (json!({"op": "replace", "value": {"Members": [{"value": "u_1"}]}}), MemberChange::Replace(ids(["u_1"]))),
        (
            json!({"op": "replace", "path": "members", "value": [{"value": "u_1"}, {"value": "u_2"}]}),
            MemberChange::Replace(ids(["u_1", "u_2"])),
        ),
        (json!({"op": "replace", "path": "members", "value": []}), MemberChange::Replace(ids([]))),
        (json!({"op": "replace", "value": {"members": []}}), MemberChange::Replace(ids([]))),
        (json!({"op": "remove", "path": "members"}), MemberChange::Replace(ids([]))),
        (json!({"op": "remove", "path": "members", "value": [{"$ref": null, "value": "u_1"}]}), MemberChange::Remove(ids(["u_1"]))),
        (json!({"op": "remove", "path": "members[value eq \"u_1\"]"}), MemberChange::Remove(ids(["u_1"]))),
        (
            json!({"op": "remove", "path": "urn:ietf:params:scim:schemas:core:2.0:Group:members[value eq \"u_1\"].value"}),
            MemberChange::Remove(ids(["u_1"])),
        ),
        (
            json!({"op": "add", "value": {"urn:ietf:params:scim:schemas:core:2.0:Group": {"members": [{"value": "u_1"}]}}}),
            MemberChange::Add(ids(["u_1"])),
        ),
        (
            json!({"op": "add", "path": "urn:ietf:params:scim:schemas:core:2.0:Group", "value": {"members": [{"value": "u_1"}]}}),
            MemberChange::Add(ids(["u_1"])),
        ),
    ] {
        assert_eq!(changes(json!([operation])), [expected], "{operation}");
    }
}

#[test]
fn a_removal_by_another_filter_keeps_the_filter() {
    let changes = changes(json!([{"op": "remove", "path": "members[value eq \"u_1\" or value eq \"u_2\"]"}]));
    let [MemberChange::RemoveWhere(filter)] = changes.as_slice() else { panic!("{changes:?}") };
    assert_eq!(filter.to_string(), "members.value eq \"u_1\" or members.value eq \"u_2\"");
}

#[test]
fn several_removals_in_one_request_stay_several() {
    let operations = json!([
        {"op": "remove", "path": "members[value eq \"u_1\"]"},
        {"op": "remove", "path": "members[value eq \"u_2\"]"},
        {"op": "add", "path": "members", "value": [{"value": "u_3"}]},
    ]);
    let expected = [MemberChange::Remove(ids(["u_1"])), MemberChange::Remove(ids(["u_2"])), MemberChange::Add(ids(["u_3"]))];
    assert_eq!(changes(operations), expected);
}

#[test]
fn everything_else_remains_for_the_group_itself() {
    let (changes, rest) = split(json!([
        {"op": "replace", "value": {"id": "g_01", "displayName": "Eng", "members": []}},
        {"op": "remove", "path": "externalId"},
    ]))
    .expect("acceptable operations");
    assert_eq!(changes, [MemberChange::Replace(ids([]))]);
    let engineers = crate::group(json!({"displayName": "Engineers", "externalId": "x"}));
    let patched = scim::patch::apply(&engineers, &rest).expect("an acceptable PATCH");
    assert_eq!(patched.resource, crate::group(json!({"displayName": "Eng"})));
}

#[test]
fn members_cannot_be_edited_and_need_a_value() {
    for operation in [
        json!({"op": "replace", "path": "members[value eq \"u_1\"].value", "value": "u_2"}),
        json!({"op": "replace", "path": "members[value eq \"u_1\"].type", "value": "Group"}),
        json!({"op": "add", "path": "members.value", "value": "u_2"}),
        json!({"op": "replace", "path": "members[type eq \"User\"]", "value": [{"value": "u_2"}]}),
    ] {
        assert_eq!(refusal(split(json!([operation]))), (400, Some(Mutability)), "{operation}");
    }
    for op in ["add", "replace", "remove"] {
        let operation = json!({"op": op, "path": "members", "value": [{"display": "mira"}]});
        assert_eq!(refusal(split(json!([operation]))), (400, Some(InvalidValue)), "{operation}");
    }
}
