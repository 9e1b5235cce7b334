use scim::schema::{COMMON, Mutability};
use scim::{Attribute, AttributeRef, Kind};
use serde_json::json;

use crate::ENTERPRISE;

fn every_attribute() -> Vec<&'static Attribute> {
    let schemas = Kind::ALL.into_iter().flat_map(|kind| std::iter::once(kind.schema()).chain(kind.extensions().iter().copied()));
    let top: Vec<_> = schemas.flat_map(|schema| schema.attributes).chain(COMMON).collect();
    top.iter().flat_map(|attribute| std::iter::once(*attribute).chain(attribute.sub_attributes)).collect()
}

#[test]
fn complex_attributes_have_parts_and_only_they_do() {
    for attribute in every_attribute() {
        assert_eq!(attribute.is_complex(), !attribute.sub_attributes.is_empty(), "{}", attribute.name);
        assert!(attribute.sub_attributes.iter().all(|sub| !sub.is_complex()), "{}", attribute.name);
    }
}

#[test]
fn the_password_is_not_published() {
    assert!(every_attribute().iter().all(|attribute| attribute.name != "password"));
}

#[test]
fn case_counts_for_identifiers_but_not_for_user_names_and_addresses() {
    let case_exact = |name: &str| AttributeRef::parse(name).and_then(|name| name.resolve(Kind::User)).expect(name).leaf().case_exact;
    for name in ["id", "externalId", "meta.version", "meta.location", "groups.$ref", "groups.value"] {
        assert!(case_exact(name), "{name}");
    }
    for name in ["userName", "emails.value", "displayName"] {
        assert!(!case_exact(name), "{name}");
    }
}

#[test]
fn a_users_groups_are_read_only_and_a_groups_members_are_not_edited() {
    let groups = Kind::User.schema().attribute("groups").expect("groups");
    assert_eq!(groups.mutability, Mutability::ReadOnly);
    let members = Kind::Group.schema().attribute("members").expect("members");
    for sub in members.sub_attributes {
        // The name that is shown is the provider's; the rest is given once.
        let expected = if sub.name == "display" { Mutability::ReadOnly } else { Mutability::Immutable };
        assert_eq!(sub.mutability, expected, "{}", sub.name);
    }
    assert!(Kind::Group.schema().attribute("displayName").expect("displayName").required);
}

#[test]
fn names_are_found_in_any_case_with_and_without_their_urn() {
    let resolve = |name: &str| AttributeRef::parse(name)?.resolve(Kind::User).map(|target| target.to_string());
    assert_eq!(resolve("USERNAME").as_deref(), Some("userName"));
    assert_eq!(resolve("urn:ietf:params:scim:schemas:core:2.0:User:name.FAMILYNAME").as_deref(), Some("name.familyName"));
    assert_eq!(resolve("manager.value"), Some(format!("{ENTERPRISE}:manager.value")));
    assert_eq!(resolve(&format!("{}:Department", ENTERPRISE.to_uppercase())), Some(format!("{ENTERPRISE}:department")));
    assert_eq!(resolve(&format!("{ENTERPRISE}:userName")), None);
    assert_eq!(resolve("userName.value"), None);
    assert_eq!(resolve("nonsense"), None);
}

#[test]
fn an_attribute_is_published_with_all_its_characteristics() {
    let emails = Kind::User.schema().attribute("emails").expect("emails");
    let value = json!(emails);
    assert_eq!(value["type"], "complex");
    assert_eq!(value["multiValued"], true);
    assert_eq!(
        value["subAttributes"][0],
        json!({
            "name": "value", "type": "string", "multiValued": false, "description": "The e-mail address.",
            "required": false, "caseExact": false, "mutability": "readWrite", "returned": "default", "uniqueness": "none",
        })
    );
    assert_eq!(value["subAttributes"][2]["canonicalValues"], json!(["work", "home", "other"]));
}
