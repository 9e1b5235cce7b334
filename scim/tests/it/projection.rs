use scim::{Kind, Projection};
use serde_json::{Value, json};

use crate::ENTERPRISE;

fn representation() -> Value {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
        "id": "u_01",
        "meta": {"resourceType": "User", "version": "W/\"1\""},
        "userName": "mira",
        "name": {"givenName": "Mira", "familyName": "Olsen"},
        "emails": [{"value": "a@x.test", "type": "work"}, {"value": "b@x.test"}],
        ENTERPRISE: {"department": "R&D", "manager": {"value": "u_09"}},
    })
}

fn names(attributes: &str, excluded: &str) -> Vec<String> {
    let projected = Projection::new(attributes, excluded).apply(Kind::User, representation());
    let mut names: Vec<_> = projected.as_object().expect("an object").keys().cloned().collect();
    names.sort();
    names
}

#[test]
fn without_a_wish_everything_is_returned() {
    assert!(Projection::new("", " ").is_default());
    assert_eq!(Projection::default().apply(Kind::User, representation()), representation());
}

#[test]
fn only_what_is_asked_for_is_returned_with_what_always_is() {
    assert_eq!(names("USERNAME", ""), ["id", "schemas", "userName"]);
    assert_eq!(names("id", ""), ["id", "schemas"]);
    assert_eq!(names("meta, emails", ""), ["emails", "id", "meta", "schemas"]);
}

#[test]
fn what_is_excluded_is_left_out_but_for_what_is_always_returned() {
    assert_eq!(names("", "id,schemas,emails,name,meta,userName"), ["id", "schemas", ENTERPRISE]);
}

#[test]
fn sub_attributes_are_kept_or_left_out_alone() {
    let only = Projection::new("name.givenName,emails.value", "").apply(Kind::User, representation());
    assert_eq!(only["name"], json!({"givenName": "Mira"}));
    assert_eq!(only["emails"], json!([{"value": "a@x.test"}, {"value": "b@x.test"}]));
    let without = Projection::new("", "name.givenName,emails.type").apply(Kind::User, representation());
    assert_eq!(without["name"], json!({"familyName": "Olsen"}));
    assert_eq!(without["emails"], json!([{"value": "a@x.test"}, {"value": "b@x.test"}]));
}

#[test]
fn extensions_are_projected_as_a_whole_or_by_attribute() {
    let department = Projection::new(&format!("{ENTERPRISE}:department"), "").apply(Kind::User, representation());
    assert_eq!(department[ENTERPRISE], json!({"department": "R&D"}));
    assert_eq!(names(ENTERPRISE, ""), ["id", "schemas", ENTERPRISE]);
    assert!(!names("", ENTERPRISE).contains(&ENTERPRISE.to_owned()));
    assert_eq!(names("urn:ietf:params:scim:schemas:core:2.0:User", ""), ["emails", "id", "name", "schemas", "userName"]);
}

#[test]
fn unknown_names_are_ignored_and_leave_the_least() {
    assert_eq!(names("nonsense,userName.x", ""), ["id", "schemas"]);
    assert_eq!(names("", "nonsense").len(), 7);
}

#[test]
fn attributes_decides_when_both_are_given() {
    assert_eq!(names("userName", "userName"), ["id", "schemas", "userName"]);
}

#[test]
fn what_is_not_wanted_need_not_be_loaded() {
    let wants = |attributes, excluded| Projection::new(attributes, excluded).wants(Kind::Group, "members");
    assert!(wants("", ""));
    assert!(!wants("", "MEMBERS"));
    assert!(!wants("displayName", ""));
    assert!(wants("members.value", ""));
    assert!(wants("", "members.$ref"));
}

#[test]
fn the_name_of_a_member_is_given_to_whoever_asks() {
    let group = json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"],
        "id": "1",
        "displayName": "Engineers",
        "members": [{"value": "2", "display": "Mira", "type": "User"}],
    });
    let members = |attributes, excluded| Projection::new(attributes, excluded).apply(Kind::Group, group.clone())["members"][0].clone();
    assert_eq!(members("", ""), json!({"value": "2", "type": "User"}));
    assert_eq!(members("members", ""), json!({"value": "2", "type": "User"}));
    assert_eq!(members("", "members.type"), json!({"value": "2"}));
    assert_eq!(members("members.display,members.value", ""), json!({"value": "2", "display": "Mira"}));
    let nobody = Projection::default().apply(Kind::Group, json!({"id": "1", "members": []}));
    assert_eq!(nobody["members"], json!([]), "nobody is not nothing");
}
