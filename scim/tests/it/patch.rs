use scim::ScimType::{InvalidPath, InvalidSyntax, InvalidValue, Mutability, NoTarget};
use scim::patch::{MemberChange, split_members};
use scim::{Error, Kind, Notes, PatchRequest, Resource};
use serde_json::{Value, json};

use crate::{ENTERPRISE, group, mira, patch, patched, refusal, user};

fn attribute(operation: Value, name: &str) -> Option<Value> {
    patched(&mira(), json!([operation])).get(name).cloned()
}

#[test]
fn a_malformed_request_is_refused() {
    for (body, expected) in [
        (json!([]), InvalidSyntax),
        (json!({}), InvalidSyntax),
        (json!({"Operations": []}), InvalidSyntax),
        (json!({"Operations": {}}), InvalidSyntax),
        (json!({"Operations": ["add"]}), InvalidSyntax),
        (json!({"Operations": [{"path": "title", "value": "x"}]}), InvalidSyntax),
        (json!({"Operations": [{"op": "delete", "path": "title"}]}), InvalidSyntax),
        (json!({"Operations": [{"op": "remove"}]}), NoTarget),
        (json!({"Operations": [{"op": "remove", "path": ""}]}), NoTarget),
        (json!({"Operations": [{"op": "add", "path": "title"}]}), InvalidValue),
        (json!({"Operations": [{"op": "add", "value": "x"}]}), InvalidValue),
        (json!({"Operations": [{"op": "add", "path": 5, "value": "x"}]}), InvalidPath),
        (json!({"Operations": [{"op": "replace", "path": "emails[broken!!!filter", "value": {"active": false}}]}), InvalidPath),
    ] {
        assert_eq!(refusal(PatchRequest::parse(&body)), (400, Some(expected)), "{body}");
    }
}

#[test]
fn names_and_operations_are_read_in_any_case_and_schemas_may_be_missing() {
    let body = json!({"operations": [{"OP": "REPLACE", "Path": "title", "VALUE": "x"}]});
    assert!(PatchRequest::parse(&body).is_ok());
}

#[test]
fn the_number_of_operations_is_bounded() {
    let operations = |count: usize| json!({"Operations": vec![json!({"op": "remove", "path": "title"}); count]});
    assert!(PatchRequest::parse(&operations(1_000)).is_ok());
    assert_eq!(refusal(PatchRequest::parse(&operations(1_001))), (413, None));
}

#[test]
fn all_operations_apply_in_order_or_none_does() {
    let user = patched(
        &mira(),
        json!([
            {"op": "add", "path": "title", "value": "Engineer"},
            {"op": "replace", "path": "title", "value": "Lead"},
            {"op": "remove", "path": "nickName"},
        ]),
    );
    assert_eq!(user.text("title"), Some("Lead"));
    let failing = patch(
        &mira(),
        json!([
            {"op": "add", "path": "title", "value": "Engineer"},
            {"op": "add", "path": "groups", "value": [{"value": "g_1"}]},
        ]),
    );
    assert_eq!(refusal(failing), (400, Some(Mutability)));
}

#[test]
fn adding_to_a_complex_attribute_keeps_its_other_parts() {
    for op in ["add", "replace"] {
        assert_eq!(
            attribute(json!({"op": op, "path": "name", "value": {"familyName": "Hart", "givenName": null}}), "name"),
            Some(json!({"familyName": "Hart"}))
        );
        assert_eq!(
            attribute(json!({"op": op, "value": {"name": {"familyName": "Hart"}}}), "name"),
            Some(json!({"givenName": "Mira", "familyName": "Hart"}))
        );
    }
}

#[test]
fn adding_a_value_that_is_there_changes_nothing() {
    for operation in [
        json!({"op": "add", "path": "emails", "value": [{"value": "MIRA@home.test", "type": "Home"}]}),
        json!({"op": "add", "path": "userName", "value": "mira.olsen@acme.test"}),
        json!({"op": "replace", "value": {"active": "True", "id": "u_99", "schemas": []}}),
        json!({"op": "add", "path": "roles", "value": []}),
        json!({"op": "remove", "path": "title"}),
        json!({"op": "remove", "path": "emails[type eq \"other\"]"}),
        json!({"op": "replace", "path": "emails[type eq \"home\"].value", "value": "mira@home.test"}),
    ] {
        let patched = patch(&mira(), json!([operation])).expect("an acceptable PATCH");
        assert!(!patched.changed, "{operation}");
        assert_eq!(patched.resource, mira());
    }
}

#[test]
fn adding_appends_and_replacing_replaces_the_list() {
    let new = json!([{"value": "new@x.test", "type": "other"}]);
    let added = attribute(json!({"op": "add", "path": "emails", "value": new}), "emails").expect("emails");
    assert_eq!(added.as_array().map(Vec::len), Some(3));
    assert_eq!(attribute(json!({"op": "replace", "path": "emails", "value": new}), "emails"), Some(new));
    assert_eq!(attribute(json!({"op": "replace", "path": "emails", "value": []}), "emails"), None);
}

#[test]
fn a_new_primary_value_takes_it_from_the_others() {
    for operation in [
        json!({"op": "add", "path": "emails", "value": [{"value": "new@x.test", "primary": true}]}),
        json!({"op": "replace", "path": "emails[type eq \"home\"].primary", "value": "True"}),
        json!({"op": "add", "path": "emails[type eq \"home\"]", "value": {"primary": true}}),
        json!({"op": "add", "path": "emails[type eq \"other\"]", "value": {"value": "new@x.test", "primary": true}}),
    ] {
        let user = patched(&mira(), json!([operation]));
        let primary: Vec<_> = user.values("emails").filter(|email| email.get("primary") == Some(&json!(true))).collect();
        assert_eq!(primary.len(), 1, "{operation}");
        assert_ne!(user.primary("emails"), Some("mira.olsen@acme.test"), "{operation}");
    }
}

#[test]
fn a_filter_selects_what_is_changed() {
    let user = patched(
        &mira(),
        json!([
            {"op": "replace", "path": "emails[type eq \"work\" and primary eq true].value", "value": "new@acme.test"},
            {"op": "remove", "path": "emails[value ew \"@HOME.test\"]"},
        ]),
    );
    assert_eq!(user.get("emails"), Some(&json!([{"value": "new@acme.test", "type": "work", "primary": true}])));
    let element = json!({"op": "replace", "path": "emails[type eq \"work\"]", "value": {"value": "new@acme.test"}});
    assert_eq!(attribute(element, "emails").expect("emails")[0], json!({"value": "new@acme.test", "type": "work"}));
}

#[test]
fn a_filter_without_match_creates_the_element_if_it_says_what_it_is() {
    let phone = json!({"op": "add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+47 400"});
    assert_eq!(attribute(phone, "phoneNumbers"), Some(json!([{"type": "mobile", "value": "+47 400"}])));
    let role = json!({"op": "replace", "path": "roles[primary eq \"True\" and type eq \"x\"].value", "value": "Editor"});
    assert_eq!(attribute(role, "roles"), Some(json!([{"primary": true, "type": "x", "value": "Editor"}])));

    for path in [
        "emails[type ne \"work\" and value eq \"x\"].value",
        "emails[type eq \"a\" or type eq \"b\"].value",
        "emails[not (type pr)].value",
        "emails[type eq \"a\" and type eq \"b\"].value",
        "emails[type sw \"o\"].value",
        "emails[type eq null].value",
    ] {
        let failing = patch(&mira(), json!([{"op": "replace", "path": path, "value": "x@x.test"}]));
        assert_eq!(refusal(failing), (400, Some(NoTarget)), "{path}");
    }
}

#[test]
fn a_sub_attribute_of_several_values_needs_a_filter() {
    let failing = patch(&mira(), json!([{"op": "replace", "path": "emails.value", "value": "x@x.test"}]));
    assert_eq!(refusal(failing), (400, Some(NoTarget)));
    let single = user(json!({"userName": "mira"}));
    let created = patched(&single, json!([{"op": "replace", "path": "emails.value", "value": "x@x.test"}]));
    assert_eq!(created.get("emails"), Some(&json!([{"value": "x@x.test"}])));
}

#[test]
fn removing_takes_the_attribute_its_part_or_the_selected_values() {
    for (path, name, left) in [
        ("emails", "emails", None),
        ("externalId", "externalId", None),
        ("active", "active", None),
        ("name.givenName", "name", Some(json!({"familyName": "Olsen"}))),
        ("name", "name", None),
        ("emails[type eq \"work\"]", "emails", Some(json!([{"value": "mira@home.test", "type": "home"}]))),
        ("emails[type eq \"work\"].value", "emails", Some(json!([{"value": "mira@home.test", "type": "home"}]))),
        (
            "emails[type eq \"home\"].type",
            "emails",
            Some(json!([
            {"value": "mira.olsen@acme.test", "type": "work", "primary": true}, {"value": "mira@home.test"}])),
        ),
        ("emails[value pr]", "emails", None),
    ] {
        assert_eq!(attribute(json!({"op": "remove", "path": path}), name), left, "{path}");
    }
}

#[test]
fn values_that_become_the_same_become_one() {
    let twice =
        user(json!({"userName": "mira", "emails": [{"value": "a@x.test"}, {"value": "A@x.test", "type": "work", "primary": true}]}));
    let once = json!([{"value": "a@x.test", "primary": true}]);
    for operation in [
        json!({"op": "remove", "path": "emails[type eq \"work\"].type"}),
        json!({"op": "replace", "path": "emails[type eq \"work\"].type", "value": null}),
    ] {
        assert_eq!(patched(&twice, json!([operation])).get("emails"), Some(&once), "{operation}");
    }
}

#[test]
fn removing_values_removes_just_those() {
    let value = |value: Value| json!({"op": "remove", "path": "emails", "value": value});
    let home = Some(json!([{"value": "mira@home.test", "type": "home"}]));
    assert_eq!(attribute(value(json!([{"value": "MIRA.olsen@acme.test"}])), "emails"), home);
    assert_eq!(attribute(value(json!({"value": "mira.olsen@acme.test"})), "emails"), home);
    assert_eq!(attribute(value(json!([{"value": "unknown"}])), "emails"), mira().get("emails").cloned());
    assert_eq!(attribute(value(json!([{"value": "mira@home.test", "type": "work"}])), "emails"), mira().get("emails").cloned());
    assert_eq!(attribute(value(json!([])), "emails"), None);
    assert_eq!(attribute(value(json!(null)), "emails"), None);
    assert_eq!(refusal(patch(&mira(), json!([value(json!([{}]))]))), (400, Some(InvalidValue)));
}

#[test]
fn an_attribute_that_lost_all_its_parts_is_unassigned() {
    let user = patched(
        &mira(),
        json!([
            {"op": "remove", "path": "name.givenName"},
            {"op": "replace", "path": "name.familyName", "value": null},
            {"op": "add", "path": "department", "value": "R&D"},
            {"op": "remove", "path": format!("{ENTERPRISE}:department")},
            {"op": "replace", "path": "emails[type eq \"work\"].value", "value": ""},
            {"op": "remove", "path": "emails[type eq \"home\"].value"},
        ]),
    );
    let names: Vec<_> = user.attributes().keys().collect();
    assert_eq!(names, ["active", "externalId", "userName"]);
}

#[test]
fn a_required_attribute_cannot_be_removed_or_blanked() {
    for operation in [
        json!({"op": "remove", "path": "userName"}),
        json!({"op": "replace", "path": "userName", "value": null}),
        json!({"op": "replace", "value": {"userName": null}}),
        json!({"op": "remove", "path": "urn:ietf:params:scim:schemas:core:2.0:User"}),
    ] {
        assert_eq!(refusal(patch(&mira(), json!([operation]))), (400, Some(Mutability)), "{operation}");
    }
    for name in ["", "  ", "{$user.name}", "a\u{202E}b"] {
        let operation = json!({"op": "replace", "path": "userName", "value": name});
        assert_eq!(refusal(patch(&mira(), json!([operation]))), (400, Some(InvalidValue)), "{name}");
    }
    let engineers = group(json!({"displayName": "Engineers"}));
    let nameless = patch(&engineers, json!([{"op": "remove", "path": "displayName"}]));
    assert_eq!(refusal(nameless), (400, Some(Mutability)));
}

#[test]
fn a_name_accepted_under_an_older_rule_does_not_stand_in_the_way() {
    let stored = json!({"userName": "{$user.name}", "active": true});
    let old = Resource::from_stored(Kind::User, stored.as_object().expect("an object").clone());
    let inactive = patched(&old, json!([{"op": "replace", "path": "active", "value": false}]));
    assert_eq!(inactive.flag("active"), Some(false));
}

#[test]
fn a_path_to_a_read_only_attribute_is_refused_but_a_name_in_an_object_ignored() {
    for path in ["id", "meta", "meta.created", "groups", "groups[value eq \"g\"]", "groups.value", "manager.displayName"] {
        let operation = json!({"op": "replace", "path": path, "value": "x"});
        assert_eq!(refusal(patch(&mira(), json!([operation]))), (400, Some(Mutability)), "{path}");
    }
    let ignored = patch(
        &mira(),
        json!([{"op": "replace", "value": {
        "id": "u_99", "meta": {"version": "x"}, "groups": [{"value": "g_1"}], "schemas": ["x"], "password": "x"}}]),
    );
    assert!(!ignored.expect("an acceptable PATCH").changed);
}

#[test]
fn a_path_to_an_unknown_attribute_is_ignored_and_noted() {
    for path in ["title2", "name.nick", "urn:x:y:User:tag", "emails[type eq \"work\"].nonsense", "nonsense[a eq \"b\"]"] {
        let tolerated = patch(&mira(), json!([{"op": "add", "path": path, "value": "x"}])).expect(path);
        assert!(!tolerated.changed);
        assert_eq!(tolerated.notes.iter().count(), 1, "{path}");
    }
    let filtered = patch(&mira(), json!([{"op": "add", "path": "emails[nonsense eq \"b\"]", "value": {"value": "x"}}]));
    assert_eq!(refusal(filtered), (400, Some(InvalidPath)));
    let simple = patch(&mira(), json!([{"op": "add", "path": "title[value eq \"b\"]", "value": "x"}]));
    assert_eq!(refusal(simple), (400, Some(InvalidPath)));
}

#[test]
fn a_new_manager_does_not_keep_the_old_ones_reference() {
    let managed = patched(&mira(), json!([{"op": "add", "path": "manager", "value": {"value": "u_09", "$ref": "/Users/u_09"}}]));
    assert_eq!(managed.text("manager.$ref"), Some("/Users/u_09"));
    for (path, value) in [("manager", json!("u_10")), ("manager.value", json!("u_10")), ("manager", json!({"value": "u_10"}))] {
        let moved = patched(&managed, json!([{"op": "replace", "path": path, "value": value}]));
        assert_eq!(moved.get("manager"), Some(&json!({"value": "u_10"})), "{path} {value}");
    }
}

#[test]
fn a_whole_extension_is_set_and_removed_by_its_urn() {
    let extended = patched(&mira(), json!([{"op": "add", "path": ENTERPRISE, "value": {"department": "R&D", "manager": "u_09"}}]));
    assert_eq!(extended.text("department"), Some("R&D"));
    assert_eq!(patched(&extended, json!([{"op": "remove", "path": ENTERPRISE}])), mira());
    assert_eq!(patched(&extended, json!([{"op": "replace", "value": {ENTERPRISE: null}}])), mira());
}

#[test]
fn members_are_added_and_removed_but_not_edited() {
    let engineers = group(json!({"displayName": "Engineers", "members": [{"value": "u_1"}, {"value": "u_2"}]}));
    for operation in [
        json!({"op": "replace", "path": "members[value eq \"u_1\"].value", "value": "u_3"}),
        json!({"op": "replace", "path": "members[value eq \"u_1\"]", "value": {"value": "u_3"}}),
    ] {
        assert_eq!(refusal(patch(&engineers, json!([operation]))), (400, Some(Mutability)), "{operation}");
    }
    let same = json!({"op": "add", "path": "members", "value": [{"value": "u_1", "$ref": "https://x.test/Users/u_1", "type": "User"}]});
    let added = patch(&engineers, json!([same])).expect("an acceptable PATCH");
    assert!(!added.changed);
}

#[test]
fn a_group_does_not_become_a_member_but_may_be_removed() {
    let engineers = group(json!({"displayName": "Engineers", "members": [{"value": "u_1"}]}));
    for nested in [json!({"value": "g_1", "type": "group"}), json!({"value": "g_1", "$ref": "https://api.test/v2/Groups/g_1"})] {
        for operation in [
            json!({"op": "add", "path": "members", "value": [nested]}),
            json!({"op": "replace", "path": "Members", "value": nested}),
            json!({"op": "add", "value": {"members": [{"value": "u_2"}, nested]}}),
            json!({"op": "replace", "value": {"urn:ietf:params:scim:schemas:core:2.0:Group:members": [nested]}}),
            json!({"op": "add", "path": "members[value eq \"g_1\"]", "value": nested}),
            json!({"op": "replace", "path": "members[value eq \"g_1\"]", "value": nested}),
        ] {
            assert_eq!(refusal(patch(&engineers, json!([operation]))), (400, Some(InvalidValue)), "{operation}");
            assert_eq!(refusal(split(&operation)), (400, Some(InvalidValue)), "{operation}");
        }
        let removal = json!({"op": "remove", "path": "members", "value": [nested]});
        assert!(!patch(&engineers, json!([removal])).expect("an acceptable PATCH").changed);
        let removed = MemberChange::Remove(vec!["g_1".to_owned()]);
        assert_eq!(split(&removal).expect("an acceptable PATCH").0, [removed]);
    }
    for operation in [
        json!({"op": "add", "path": "members[value eq \"g_1\"].type", "value": "Group"}),
        json!({"op": "add", "path": "members[value eq \"g_1\" and type eq \"Group\"]", "value": {"value": "g_1"}}),
    ] {
        assert_eq!(refusal(patch(&engineers, json!([operation]))), (400, Some(InvalidValue)), "{operation}");
        assert_eq!(refusal(split(&operation)).0, 400, "{operation}");
    }
    let removal = json!({"op": "remove", "path": "members[type eq \"Group\"]"});
    assert!(!patch(&engineers, json!([removal])).expect("an acceptable PATCH").changed);
    assert!(split(&removal).is_ok());
}

fn split(operation: &Value) -> Result<(Vec<MemberChange>, PatchRequest), Error> {
    split_members(&PatchRequest::parse(&json!({"Operations": [operation]}))?, &mut Notes::new())
}

#[test]
fn the_work_of_one_request_is_bounded() {
    let emails: Vec<_> = (0..1_000).map(|n| json!({"value": format!("a{n}@x.test")})).collect();
    let crowded = user(json!({"userName": "mira", "emails": emails}));
    let filter = vec!["display pr"; 180].join(" or ");
    let operation = json!({"op": "remove", "path": format!("emails[{filter}]")});
    assert!(patch(&crowded, json!([operation])).is_ok());
    assert_eq!(refusal(patch(&crowded, json!(vec![operation; 1_000]))).0, 413);
}
