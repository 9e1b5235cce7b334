use std::cmp::Ordering;

use scim::ScimType::InvalidValue;
use scim::list::SortOrder::{Ascending, Descending};
use scim::sort::{SortKey, in_order, sort_key, target};
use scim::{Kind, Target};
use serde_json::{Value, json};

use crate::{ENTERPRISE, refusal};

fn user_target(sort_by: &str) -> Target {
    target(Kind::User, sort_by).expect("a name").unwrap_or_else(|| panic!("no attribute {sort_by}"))
}

fn key(sort_by: &str, resource: Value) -> Option<SortKey> {
    sort_key(&user_target(sort_by), &resource)
}

fn text(text: &str) -> Option<SortKey> {
    Some(SortKey::Text(text.to_owned()))
}

#[test]
fn an_attribute_is_named_in_every_way_that_the_protocol_knows() {
    for (sort_by, expected) in [
        ("userName", "userName"),
        (" USERNAME ", "userName"),
        ("name.familyname", "name.familyName"),
        ("emails", "emails.value"),
        ("emails.type", "emails.type"),
        ("urn:ietf:params:scim:schemas:core:2.0:User:userName", "userName"),
        ("meta.lastModified", "meta.lastModified"),
    ] {
        assert_eq!(user_target(sort_by).to_string(), expected, "{sort_by}");
    }
    let department = user_target(&format!("{ENTERPRISE}:Department"));
    assert_eq!(department.names(), (Some(ENTERPRISE), "department", None));
}

#[test]
fn what_another_type_has_is_no_value_and_what_is_no_name_is_refused() {
    assert_eq!(target(Kind::Group, "userName"), Ok(None));
    assert_eq!(target(Kind::User, "members"), Ok(None));
    assert_eq!(target(Kind::User, "nonsense"), Ok(None));
    for sort_by in ["schemas", "name", "meta", "1", "emails[type eq \"work\"]", "a b", "userName,title", ""] {
        assert_eq!(refusal(target(Kind::User, sort_by)), (400, Some(InvalidValue)), "{sort_by:?}");
    }
}

#[test]
fn a_key_ignores_case_where_the_attribute_does() {
    assert_eq!(key("userName", json!({ "userName": "MIRA" })), text("mira"));
    assert_eq!(key("externalId", json!({ "externalId": "MIRA" })), text("MIRA"));
    assert_eq!(key("active", json!({ "active": true })), Some(SortKey::Flag(true)));
    let department = json!({ ENTERPRISE: { "department": "R&D" } });
    assert_eq!(key(&format!("{ENTERPRISE}:department"), department), text("r&d"));
}

#[test]
fn of_several_values_the_primary_one_counts_else_the_first() {
    let emails = |list: Value| json!({ "emails": list });
    for (list, expected) in [
        (json!([{ "value": "b" }, { "value": "A", "primary": true }]), text("a")),
        (json!([{ "value": "B", "primary": false }, { "value": "a" }]), text("b")),
        // The primary one, even if it has no value.
        (json!([{ "value": "b" }, { "type": "work", "primary": true }]), None),
        (json!([]), None),
        (Value::Null, None),
    ] {
        assert_eq!(key("emails", emails(list.clone())), expected, "{list}");
    }
    assert_eq!(key("emails", json!({})), None);
}

#[test]
fn moments_sort_by_time_and_not_as_text() {
    let at = |text: &str| key("meta.created", json!({ "meta": { "created": text } }));
    assert_eq!(at("2026-01-02T03:04:05Z"), at("2026-01-02T04:04:05.000+01:00"));
    assert_eq!(in_order(&at("2026-01-02T03:30:00+01:00"), &at("2026-01-02T03:00:00Z"), Ascending), Ordering::Less);
    assert_eq!(at("yesterday"), None);
}

#[test]
fn what_has_no_value_comes_last_or_backwards_first() {
    let mut keys = vec![text("b"), None, text("a"), text("c"), None];
    keys.sort_by(|left, right| in_order(left, right, Ascending));
    assert_eq!(keys, [text("a"), text("b"), text("c"), None, None]);
    keys.sort_by(|left, right| in_order(left, right, Descending));
    assert_eq!(keys, [None, None, text("c"), text("b"), text("a")]);
    assert_eq!(in_order(&None, &None, Descending), Ordering::Equal);
    assert_eq!(in_order(&Some(SortKey::Flag(false)), &Some(SortKey::Flag(true)), Ascending), Ordering::Less);
}

#[test]
fn texts_sort_by_code_points() {
    let mut names = ["zoë", "🦀", "\u{FFFD}", "Zoe", "anna", "ANNB", "李"].map(|name| key("displayName", json!({ "displayName": name })));
    names.sort_by(|left, right| in_order(left, right, Ascending));
    assert_eq!(names, ["anna", "annb", "zoe", "zoë", "李", "\u{FFFD}", "🦀"].map(text));
}
