use scim::ScimType::{InvalidSyntax, InvalidValue};
use scim::{Envelope, Error, Kind, Notes, Resource};
use serde_json::{Map, Value, json};

use crate::{ENTERPRISE, group, mira, refusal, user};

fn parse(body: Value) -> (Result<Resource, Error>, Vec<String>) {
    let mut notes = Notes::new();
    let resource = Resource::parse(Kind::User, &body, &mut notes);
    (resource, notes.into_vec())
}

fn attributes(body: Value) -> Value {
    Value::Object(user(body).into_attributes())
}

#[test]
fn names_get_the_spelling_of_the_schema() {
    assert_eq!(
        attributes(json!({"USERNAME": "mira", "Name": {"GIVENNAME": "Mira"}, "Emails": [{"VALUE": "a@x.test"}]})),
        json!({"userName": "mira", "name": {"givenName": "Mira"}, "emails": [{"value": "a@x.test"}]})
    );
}

#[test]
fn dotted_and_urn_names_and_extension_objects_mean_the_same() {
    let expected = json!({
        "userName": "mira",
        "name": {"familyName": "Olsen", "givenName": "Mira"},
        ENTERPRISE: {"department": "R&D", "costCenter": "7"},
    });
    let department = format!("{ENTERPRISE}:department");
    let core = "urn:ietf:params:scim:schemas:core:2.0:User";
    for body in [
        json!({"userName": "mira", "name": {"givenName": "Mira"}, "name.familyName": "Olsen",
            department.as_str(): "R&D", ENTERPRISE: {"costCenter": "7"}}),
        json!({core: {"userName": "mira", "name.givenName": "Mira"}, "name": {"familyName": "Olsen"},
            ENTERPRISE.to_lowercase(): {"DEPARTMENT": "R&D"}, "costCenter": "7"}),
    ] {
        assert_eq!(attributes(body), expected);
    }
}

#[test]
fn what_belongs_to_the_service_provider_is_ignored_in_silence() {
    let (resource, notes) = parse(json!({
        "id": "u_99", "meta": {"resourceType": "User"}, "groups": [{"value": "g_1"}], "password": "1mz050nq",
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": "mira",
        ENTERPRISE: {"manager": {"value": "u_09", "displayName": "Boss"}},
    }));
    let expected = json!({"userName": "mira", ENTERPRISE: {"manager": {"value": "u_09"}}});
    assert_eq!(Value::Object(resource.expect("a user").into_attributes()), expected);
    assert_eq!(notes, [""; 0]);
}

#[test]
fn what_is_unknown_is_dropped_and_noted() {
    let (resource, notes) = parse(json!({
        "schemas": ["urn:scim:schemas:core:2.0", Kind::User.schema().id], "userName": "mira", "title2": "x",
        "urn:ietf:params:scim:schemas:extension:enterprise:2.0User": {"department": "R&D"},
        ENTERPRISE: {"managerId": null}, "name": {"nick": "M"}, "not a name": 1,
        "emails[nonsense eq \"x\"].value": "x",
    }));
    assert_eq!(Value::Object(resource.expect("a user").into_attributes()), json!({"userName": "mira"}));
    for part in ["title2", "2.0User", "managerId", "name.nick", "not a name", "urn:scim:schemas:core:2.0"] {
        assert!(notes.iter().any(|note| note.contains(part)), "{part}: {notes:?}");
    }
}

#[test]
fn notes_are_bounded_in_number_and_length() {
    let mut body = Map::from_iter([("userName".to_owned(), json!("mira"))]);
    body.extend((0..5_000).map(|n| (format!("x{n}{}", "y".repeat(1_000)), json!(1))));
    let (_, notes) = parse(Value::Object(body));
    assert_eq!(notes.len(), 100);
    assert!(notes.iter().all(|note| note.len() < 200));
}

#[test]
fn null_and_empty_lists_and_objects_are_absent() {
    assert_eq!(
        attributes(json!({"userName": "mira", "title": null, "roles": [], "addresses": null, "name": {}, "externalId": "",
            "emails": [null, {}, {"type": null}], ENTERPRISE: {"department": null, "manager": null}})),
        json!({"userName": "mira"})
    );
}

#[test]
fn null_takes_nothing_from_another_spelling_of_the_same_attribute() {
    let core = "urn:ietf:params:scim:schemas:core:2.0:User";
    let resource = user(json!({
        "userName": "mira", "USERNAME.": null, "department": "R&D", core: null,
        ENTERPRISE: {"department": null}, format!("{ENTERPRISE}:department"): null, "zzz": null,
    }));
    assert_eq!(resource.text("department"), Some("R&D"));
}

#[test]
fn booleans_may_be_strings() {
    let resource = user(json!({"userName": "mira", "active": "False", "roles": [{"value": "Editor", "primary": "True"}]}));
    assert_eq!(resource.flag("active"), Some(false));
    assert_eq!(resource.get("roles"), Some(&json!([{"value": "Editor", "primary": true}])));
}

#[test]
fn one_value_counts_as_a_list_of_one() {
    let expected = Some(json!([{"value": "a@x.test"}]));
    for emails in [json!({"value": "a@x.test"}), json!("a@x.test"), json!(["a@x.test"])] {
        assert_eq!(user(json!({"userName": "mira", "emails": emails})).get("emails").cloned(), expected);
    }
}

#[test]
fn elements_that_say_nothing_are_dropped() {
    let resource = user(json!({"userName": "mira", "emails": [{"value": "", "primary": true}, {"value": "a@x.test"}]}));
    assert_eq!(resource.get("emails"), Some(&json!([{"value": "a@x.test"}])));
}

#[test]
fn the_manager_is_read_in_every_form() {
    for manager in [json!("u_09"), json!({"value": "u_09"}), json!([{"value": "u_09"}]), json!({"Value": "u_09", "$ref": null})] {
        let resource = user(json!({"userName": "mira", ENTERPRISE: {"manager": manager}}));
        assert_eq!(resource.text("manager.value"), Some("u_09"));
    }
    for nobody in [json!(""), json!(null), json!({"value": ""}), json!([]), json!({"displayName": "x"})] {
        let resource = user(json!({"userName": "mira", ENTERPRISE: {"manager": nobody}}));
        assert_eq!(resource.get(ENTERPRISE), None);
        assert_eq!(resource.get("manager"), None);
    }
}

#[test]
fn of_two_primary_values_the_first_stays() {
    let (resource, notes) = parse(json!({"userName": "mira", "emails": [
        {"value": "a@x.test", "primary": true}, {"value": "b@x.test", "primary": true}]}));
    let resource = resource.expect("a user");
    assert_eq!(resource.primary("emails"), Some("a@x.test"));
    assert_eq!(resource.values("emails").filter(|email| email.get("primary") == Some(&json!(true))).count(), 1);
    assert_eq!(notes.len(), 1);
}

#[test]
fn a_wrong_type_is_refused_and_the_attribute_named() {
    for (attribute, value) in [
        ("active", json!("yes")),
        ("active", json!(1)),
        ("title", json!(5)),
        ("title", json!({"value": "x"})),
        ("title", json!(["x"])),
        ("name", json!("Mira Olsen")),
        ("name", json!([["x"]])),
        ("emails", json!([["a@x.test"]])),
        ("emails", json!(5)),
        ("emails", json!([{"value": 5}])),
        ("emails", json!([{"value": "a@x.test", "primary": "maybe"}])),
        ("manager", json!(7)),
        ("title", json!("a\u{0}b")),
        (ENTERPRISE, json!("R&D")),
    ] {
        let (resource, _) = parse(json!({"userName": "mira", attribute: value}));
        assert_eq!(refusal(resource), (400, Some(InvalidValue)), "{attribute}: {value}");
    }
    let error = parse(json!({"userName": "mira", "active": "yes"})).0.expect_err("a refusal");
    assert!(error.detail.contains("`active`"), "{}", error.detail);
}

#[test]
fn required_attributes_must_be_there_and_not_blank() {
    for body in [json!({}), json!({"userName": null})] {
        assert_eq!(refusal(parse(body).0), (400, Some(InvalidValue)));
    }
    for blank in ["", " ", "\u{3000}\u{3000}", "\u{A0}\u{2003}", "\u{200B}", " \u{2060}\u{FEFF}", "\u{3164}", "\u{FFA0}"] {
        assert_eq!(refusal(parse(json!({"userName": blank})).0), (400, Some(InvalidValue)), "{blank:?}");
        let group = Resource::parse(Kind::Group, &json!({"displayName": blank}), &mut Notes::new());
        assert_eq!(refusal(group), (400, Some(InvalidValue)), "{blank:?}");
    }
    let unnamed = Resource::parse(Kind::Group, &json!({"members": []}), &mut Notes::new());
    assert_eq!(refusal(unnamed), (400, Some(InvalidValue)));
    assert_eq!(refusal(parse(json!(["userName"])).0), (400, Some(InvalidSyntax)));
}

#[test]
fn a_deceptive_user_name_is_refused() {
    for name in ["mi\u{202E}ra", "mi\u{2066}ra", "mi\u{200F}ra", "mi\nra", "mi\u{7}ra", "{$user.email}"] {
        assert_eq!(refusal(parse(json!({"userName": name})).0), (400, Some(InvalidValue)), "{name:?}");
    }
    assert_eq!(user(json!({"userName": "mira_x.test#EXT#@acme.test"})).text("userName"), Some("mira_x.test#EXT#@acme.test"));
}

#[test]
fn members_are_each_kept_once_and_need_a_value() {
    let group = group(json!({"displayName": "Engineers", "members": [
        {"value": "u_1", "display": "mira"}, {"value": "u_1"}, {"value": "u_2", "$ref": null}]}));
    assert_eq!(group.get("members"), Some(&json!([{"value": "u_1"}, {"value": "u_2"}])));
    for members in [json!([{"id": "u_1"}]), json!([{}]), json!([{"value": ""}]), json!([null])] {
        let group = Resource::parse(Kind::Group, &json!({"displayName": "x", "members": members}), &mut Notes::new());
        assert_eq!(refusal(group), (400, Some(InvalidValue)));
    }
}

#[test]
fn a_group_is_no_member_of_a_group() {
    for member in [
        json!({"value": "g_1", "type": "Group"}),
        json!({"VALUE": "g_1", "TYPE": "gROUP"}),
        json!({"value": "g_1", "$ref": "https://api.test/scim/v2/Groups/g_1"}),
        json!({"value": "g_1", "type": "User", "$ref": "../Groups/g_1"}),
        json!({"value": "g_1", "$ref": "Groups/g_1"}),
    ] {
        for members in [json!([member]), json!(member), json!([{"value": "u_1"}, {"value": "g_1"}, member])] {
            for body in [
                json!({"displayName": "x", "members": members}),
                json!({"displayName": "x", "urn:ietf:params:scim:schemas:core:2.0:Group": {"Members": members}}),
            ] {
                let error = Resource::parse(Kind::Group, &body, &mut Notes::new()).expect_err("a refusal");
                assert_eq!((error.status, error.scim_type), (400, Some(InvalidValue)), "{body}");
                assert!(error.detail.contains("nested groups"), "{}", error.detail);
            }
        }
    }
    for person in [
        json!({"value": "u_1", "type": "User", "$ref": "https://api.test/v2/Users/u_1"}),
        json!({"value": "u_1", "$ref": "https://api.test/Groups/scim/v2/Users/u_1"}),
        json!({"value": "Groups"}),
    ] {
        assert_eq!(group(json!({"displayName": "x", "members": [person]})).values("members").count(), 1, "{person}");
    }
}

#[test]
fn the_number_of_values_is_bounded() {
    let emails: Vec<_> = (0..1_001).map(|n| json!({"value": format!("a{n}@x.test")})).collect();
    assert_eq!(refusal(parse(json!({"userName": "mira", "emails": emails})).0), (413, None));
}

#[test]
fn values_are_read_and_set_by_path() {
    let mut resource = mira();
    assert_eq!(resource.text("NAME.givenName"), Some("Mira"));
    assert_eq!(resource.primary("emails"), Some("mira.olsen@acme.test"));
    assert_eq!(resource.primary("phoneNumbers"), None);
    assert_eq!(resource.text("nonsense"), None);

    resource.set("active", None);
    assert_eq!(resource.flag("active"), None);
    resource.set(&format!("{ENTERPRISE}:department"), Some(json!("R&D")));
    assert_eq!(resource.text("department"), Some("R&D"));
    resource.set("department", None);
    assert_eq!(resource.attributes().get(ENTERPRISE), None);
    resource.set("name.givenName", Some(json!("x")));
    assert_eq!(resource.text("name.givenName"), Some("Mira"));
}

#[test]
fn a_body_that_clears_an_attribute_names_it() {
    let body = json!({"Members": [], "name.givenName": "x", ENTERPRISE: {"Department": null}});
    let names = |kind, attribute| Resource::names(kind, &body, attribute);
    assert!(names(Kind::Group, "members"));
    assert!(names(Kind::User, "name"));
    assert!(names(Kind::User, "department"));
    assert!(!names(Kind::User, "active"));
    assert!(!names(Kind::User, "nonsense"));
}

#[test]
fn a_representation_lists_an_extension_only_when_it_is_used() {
    let envelope = Envelope {
        id: "u_01".to_owned(),
        created: "2026-01-02T03:04:05Z".to_owned(),
        last_modified: "2026-01-02T03:04:06Z".to_owned(),
        location: "https://api.example.test/v2/Users/u_01".to_owned(),
        version: "W/\"3\"".to_owned(),
        computed: Map::from_iter([("groups".to_owned(), json!([{"value": "g_1"}]))]),
    };
    let plain = user(json!({"userName": "mira"})).represent(&envelope);
    assert_eq!(
        plain,
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "id": "u_01",
            "userName": "mira",
            "groups": [{"value": "g_1"}],
            "meta": {
                "resourceType": "User", "created": "2026-01-02T03:04:05Z", "lastModified": "2026-01-02T03:04:06Z",
                "location": "https://api.example.test/v2/Users/u_01", "version": "W/\"3\"",
            },
        })
    );
    let extended = user(json!({"userName": "mira", "department": "R&D"})).represent(&envelope);
    assert_eq!(extended["schemas"], json!(["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE]));
}

#[test]
fn the_order_of_members_and_schemas_means_nothing() {
    let read = |text: &str| {
        let body = scim::json::parse(text.as_bytes()).expect("JSON");
        Resource::parse(Kind::User, &body, &mut Notes::new()).expect("a user")
    };
    let core = scim::schema::USER.id;
    let one = read(&format!(
        r#"{{"schemas": ["{core}", "{ENTERPRISE}"], "userName": "mira", "title": "Chief", "{ENTERPRISE}": {{"department": "R&D"}}}}"#
    ));
    let other = read(&format!(
        r#"{{"{ENTERPRISE}": {{"department": "R&D"}}, "title": "Chief", "userName": "mira", "schemas": ["{ENTERPRISE}", "{core}"]}}"#
    ));
    assert_eq!(one, other);
}
