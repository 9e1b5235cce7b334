//! What the fuzz targets share: fixed resources, and what must hold of every resource.

use std::sync::LazyLock;

use scim::{Envelope, Kind, Notes, Resource, json};
use serde_json::{Map, Value};

/// A user with something in each kind of place.
pub static USER: LazyLock<Resource> = LazyLock::new(|| {
    stored(
        Kind::User,
        r#"{"userName": "mira.olsen@acme.test", "externalId": "00u7", "active": true, "title": "Engineer",
            "name": {"givenName": "Mira", "familyName": "Olsen"},
            "emails": [{"value": "mira.olsen@acme.test", "type": "work", "primary": true}, {"value": "mira@home.test", "type": "home"}],
            "addresses": [{"type": "work", "locality": "Oslo"}],
            "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User": {"department": "R&D", "manager": {"value": "u_09"}}}"#,
    )
});

/// A group of two.
pub static GROUP: LazyLock<Resource> =
    LazyLock::new(|| stored(Kind::Group, r#"{"displayName": "Engineers", "members": [{"value": "u_01"}, {"value": "u_02"}]}"#));

fn stored(kind: Kind, text: &str) -> Resource {
    let body = json::parse(text.as_bytes()).expect("JSON");
    Resource::parse(kind, &body, &mut Notes::new()).expect("an acceptable resource")
}

/// The representation that a client is sent.
pub fn represent(resource: &Resource) -> Value {
    resource.represent(&Envelope {
        id: "x_01".to_owned(),
        created: "2026-01-02T03:04:05Z".to_owned(),
        last_modified: "2026-01-02T03:04:06Z".to_owned(),
        location: "https://api.example.test/v2/x_01".to_owned(),
        version: "W/\"3\"".to_owned(),
        computed: Map::new(),
    })
}

/// Fail unless the resource is in canonical form, and so comes out of its own representation unchanged.
pub fn check_canonical(resource: &Resource) {
    for value in resource.attributes().values() {
        check_value(value);
    }
    let again = Resource::parse(resource.kind(), &represent(resource), &mut Notes::new());
    assert_eq!(again.as_ref(), Ok(resource), "what is returned can be put back");
}

fn check_value(value: &Value) {
    match value {
        Value::Null => panic!("null is kept"),
        Value::Array(elements) => {
            assert!(!elements.is_empty(), "an empty list is kept");
            let primary = elements.iter().filter(|element| element.get("primary") == Some(&Value::Bool(true))).count();
            assert!(primary <= 1, "{primary} values are primary");
            elements.iter().for_each(check_value);
        }
        Value::Object(members) => {
            assert!(!members.is_empty(), "an empty object is kept");
            members.values().for_each(check_value);
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Whether a printed filter may be refused after all: printing adds parentheses and escapes, which count.
pub fn at_the_limits(printed: &str) -> bool {
    let (mut depth, mut deepest) = (0_usize, 0);
    for c in printed.chars() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    printed.len() > scim::filter::MAX_LENGTH || deepest > scim::filter::MAX_DEPTH
}
