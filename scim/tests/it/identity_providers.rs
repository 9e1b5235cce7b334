//! What identity providers really send, and what has to come of it.

use scim::{Kind, Notes, Resource};
use serde_json::{Value, json};

use crate::{ENTERPRISE, group, mira, patch, patched, user};

fn parse(kind: Kind, body: Value) -> (Value, Vec<String>) {
    let mut notes = Notes::new();
    let resource = Resource::parse(kind, &body, &mut notes).expect("an acceptable body");
    (Value::Object(resource.into_attributes()), notes.into_vec())
}

#[test]
fn okta_creates_a_user() {
    let (user, notes) = parse(
        Kind::User,
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "mira.olsen@acme.test",
            "name": {"givenName": "Mira", "familyName": "Olsen"},
            "emails": [{"primary": true, "value": "mira.olsen@acme.test", "type": "work"}],
            "displayName": "Mira Olsen", "locale": "en-US", "externalId": "00u7k2exampleMIRA",
            "groups": [], "password": "1mz050nq", "active": true,
        }),
    );
    assert_eq!(
        user,
        json!({
            "userName": "mira.olsen@acme.test",
            "name": {"givenName": "Mira", "familyName": "Olsen"},
            "emails": [{"primary": true, "value": "mira.olsen@acme.test", "type": "work"}],
            "displayName": "Mira Olsen", "locale": "en-US", "externalId": "00u7k2exampleMIRA", "active": true,
        })
    );
    assert_eq!(notes, [""; 0]);
}

#[test]
fn okta_deactivates_without_a_path() {
    let patched = patch(&mira(), json!([{"op": "replace", "value": {"active": false}}])).expect("an acceptable PATCH");
    assert!(patched.changed);
    assert_eq!(patched.resource.flag("active"), Some(false));
    assert_eq!(patched.resource.get("emails"), mira().get("emails"));
}

#[test]
fn okta_renames_a_group_to_its_own_name_before_each_change() {
    let engineers = group(json!({"displayName": "Acme Engineers", "members": [{"value": "u_02"}]}));
    let rename = json!([{"op": "replace", "value": {"id": "g_01", "displayName": "Acme Engineers"}}]);
    assert!(!patch(&engineers, rename).expect("an acceptable PATCH").changed);

    let moved = patched(
        &engineers,
        json!([
            {"op": "remove", "path": "members[value eq \"u_02\"]"},
            {"op": "add", "path": "members", "value": [{"value": "u_01", "display": "mira.olsen@acme.test"}]},
        ]),
    );
    assert_eq!(moved.get("members"), Some(&json!([{"value": "u_01"}])));

    let emptied = patched(&engineers, json!([{"op": "replace", "value": {"id": "g_01", "displayName": "Acme Engineers", "members": []}}]));
    assert_eq!(emptied.get("members"), None);
}

#[test]
fn entra_creates_a_user() {
    let (user, notes) = parse(
        Kind::User,
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE],
            "externalId": "mira.olsen", "userName": "mira.olsen@acme.test", "active": true, "displayName": "Mira Olsen",
            "emails": [{"primary": true, "type": "work", "value": "mira.olsen@acme.test"}],
            "meta": {"resourceType": "User"},
            "name": {"formatted": "Mira Olsen", "familyName": "Olsen", "givenName": "Mira"},
            ENTERPRISE: {"department": "R&D", "employeeNumber": "4411"},
            "roles": [], "addresses": null, "phoneNumbers": null, "title": null, "department": null, "manager": null,
        }),
    );
    assert_eq!(user[ENTERPRISE], json!({"department": "R&D", "employeeNumber": "4411"}));
    assert_eq!(user.get("roles"), None);
    assert_eq!(notes, [""; 0]);
}

#[test]
fn entra_updates_a_user() {
    let user = patched(
        &mira(),
        json!([
            {"op": "Replace", "path": "displayName", "value": "Mira Hart"},
            {"op": "Replace", "path": "name.familyName", "value": "Hart"},
            {"op": "Replace", "path": "emails[type eq \"work\"].value", "value": "mira.hart@acme.test"},
            {"op": "Add", "path": "phoneNumbers[type eq \"mobile\"].value", "value": "+47 400 00 001"},
            {"op": "Add", "path": "addresses[type eq \"work\"].locality", "value": "Oslo"},
            {"op": "Add", "path": "addresses[type eq \"work\"].country", "value": "Norway"},
            {"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "Design"},
            {"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager", "value": "u_09"},
            {"op": "Replace", "path": "userName", "value": "mira.hart@acme.test"},
        ]),
    );
    assert_eq!(
        Value::Object(user.into_attributes()),
        json!({
            "userName": "mira.hart@acme.test", "externalId": "00u7", "active": true, "displayName": "Mira Hart",
            "name": {"givenName": "Mira", "familyName": "Hart"},
            "emails": [
                {"value": "mira.hart@acme.test", "type": "work", "primary": true},
                {"value": "mira@home.test", "type": "home"},
            ],
            "phoneNumbers": [{"type": "mobile", "value": "+47 400 00 001"}],
            "addresses": [{"type": "work", "locality": "Oslo", "country": "Norway"}],
            ENTERPRISE: {"department": "Design", "manager": {"value": "u_09"}},
        })
    );
}

#[test]
fn entra_updates_a_user_without_paths() {
    let managed = patched(&mira(), json!([{"op": "Add", "path": "manager", "value": [{"$ref": "/Users/u_09", "value": "u_09"}]}]));
    let number = format!("{ENTERPRISE}:employeeNumber");
    let user = patched(
        &managed,
        json!([
            {"op": "replace", "value": {"displayName": "Mira Hart", "name.givenName": "M", number: "4412", "active": false}},
            {"op": "replace", "path": "emails[type eq \"work\"].value", "value": "mira.hart@acme.test"},
            {"op": "remove", "path": format!("{ENTERPRISE}:manager")},
        ]),
    );
    assert_eq!(user.text("displayName"), Some("Mira Hart"));
    assert_eq!(user.get("name"), Some(&json!({"givenName": "M", "familyName": "Olsen"})));
    assert_eq!(user.get(&format!("{ENTERPRISE}:employeeNumber")), Some(&json!("4412")));
    assert_eq!(user.flag("active"), Some(false));
    assert_eq!(user.primary("emails"), Some("mira.hart@acme.test"));
    assert_eq!(user.get("manager"), None);
}

#[test]
fn entra_sends_the_manager_in_every_form() {
    let full = format!("{ENTERPRISE}:manager");
    for (path, value) in [
        (full.as_str(), json!("u_09")),
        ("manager", json!([{"$ref": "https://api.example.test/scim/v2/Users/u_09", "value": "u_09"}])),
        ("manager", json!({"value": "u_09"})),
    ] {
        let managed = patched(&mira(), json!([{"op": "Add", "path": path, "value": value}]));
        assert_eq!(managed.text("manager.value"), Some("u_09"));
        for nobody in [json!(""), json!(null), json!({"value": ""}), json!([])] {
            let alone = patched(&managed, json!([{"op": "Replace", "path": full, "value": nobody}]));
            assert_eq!(alone, mira());
        }
        assert_eq!(patched(&managed, json!([{"op": "Remove", "path": full}])), mira());
    }
}

#[test]
fn entra_sends_roles_by_a_filter_on_a_string_and_as_json_in_a_string() {
    let role = patched(&mira(), json!([{"op": "Add", "path": "roles[primary eq \"True\"].value", "value": "Editor"}]));
    assert_eq!(role.get("roles"), Some(&json!([{"primary": true, "value": "Editor"}])));
    let other = patched(&role, json!([{"op": "Replace", "path": "roles[primary eq \"True\"].value", "value": "Viewer"}]));
    assert_eq!(other.get("roles"), Some(&json!([{"primary": true, "value": "Viewer"}])));
    let packed = "{\"id\":\"a1\",\"value\":\"Editor\",\"displayName\":\"Editor\"}";
    let role = patched(&mira(), json!([{"op": "Add", "path": "roles", "value": [{"value": packed}]}]));
    assert_eq!(role.primary("roles"), Some(packed));
}

#[test]
fn entra_disables_and_enables_with_strings() {
    for op in ["Replace", "Add"] {
        let disabled = patched(&mira(), json!([{"op": op, "path": "active", "value": "False"}]));
        assert_eq!(disabled.flag("active"), Some(false));
        assert_eq!(patched(&disabled, json!([{"op": op, "path": "active", "value": "True"}])), mira());
    }
}

#[test]
fn entra_creates_a_group_with_a_schema_of_its_own() {
    let (group, notes) = parse(
        Kind::Group,
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group", "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
            "externalId": "8aa1a0c0", "displayName": "Acme Engineers", "meta": {"resourceType": "Group"},
        }),
    );
    assert_eq!(group, json!({"externalId": "8aa1a0c0", "displayName": "Acme Engineers"}));
    assert_eq!(notes.len(), 1);
}

#[test]
fn entra_jumpcloud_and_authentik_remove_the_members_that_they_name() {
    let engineers = group(json!({"displayName": "x", "members": [{"value": "u_01"}, {"value": "u_02"}, {"value": "u_03"}]}));
    let left = patched(&engineers, json!([{"op": "Remove", "path": "members", "value": [{"$ref": null, "value": "u_01"}]}]));
    assert_eq!(left.get("members"), Some(&json!([{"value": "u_02"}, {"value": "u_03"}])));
    let left = patched(
        &engineers,
        json!([
            {"op": "remove", "path": "members[value eq \"u_01\"]"},
            {"op": "remove", "path": "members[value eq \"u_02\"]"},
        ]),
    );
    assert_eq!(left.get("members"), Some(&json!([{"value": "u_03"}])));
    let more = patched(&engineers, json!([{"op": "add", "value": {"members": [{"value": "u_04"}]}}]));
    assert_eq!(more.values("members").count(), 4);
}

#[test]
fn onelogin_fills_a_template() {
    let (user, _) = parse(
        Kind::User,
        json!({
            "schemas": ["urn:scim:schemas:core:2.0", "urn:scim:schemas:extension:enterprise:2.0"],
            "userName": "mira.olsen@acme.test", "active": "true", "externalId": "55120077", "id": null,
            "name": {"givenName": "Mira", "familyName": "Olsen", "formatted": "Mira Olsen"},
            "emails": {"value": "mira.olsen@acme.test"}, "phoneNumbers": [{"value": "", "type": "work"}],
            "title": "Engineer", "shoeSize": "38",
            ENTERPRISE: {"department": "R&D", "managerId": null},
        }),
    );
    assert_eq!(
        user,
        json!({
            "userName": "mira.olsen@acme.test", "active": true, "externalId": "55120077",
            "name": {"givenName": "Mira", "familyName": "Olsen", "formatted": "Mira Olsen"},
            "emails": [{"value": "mira.olsen@acme.test"}], "title": "Engineer", ENTERPRISE: {"department": "R&D"},
        })
    );
}

#[test]
fn ping_sends_two_primary_addresses() {
    let user = user(json!({"userName": "mira", "emails": [
        {"type": "work", "value": "a@acme.test", "primary": true},
        {"type": "home", "value": "b@acme.test", "primary": true},
    ]}));
    assert_eq!(user.primary("emails"), Some("a@acme.test"));
}

#[test]
fn rauthy_and_authentik_patch_without_paths() {
    let unlinked = patched(&mira(), json!([{"op": "replace", "value": {"externalId": null}}]));
    assert_eq!(unlinked.text("externalId"), None);
    let engineers = group(json!({"displayName": "Acme Engineers"}));
    let renamed = patched(
        &engineers,
        json!([{"op": "replace", "value": {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": "Acme Eng", "externalId": "pk", "id": "g_01"}}]),
    );
    assert_eq!(renamed, group(json!({"displayName": "Acme Eng", "externalId": "pk"})));
}

#[test]
fn sailpoint_writes_a_users_groups_in_vain() {
    let ignored = patch(&mira(), json!([{"op": "replace", "value": {"groups": [{"value": "g_01"}]}}]));
    assert!(!ignored.expect("an acceptable PATCH").changed);
}
