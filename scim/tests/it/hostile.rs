//! What is sent to hurt: too deep, too long, too many, too much work. Each is refused, and soon.
//!
//! There are no clocks in here. Without the bounds, these tests overflow the stack, run out of memory or do not end.

use scim::bulk::BulkRequest;
use scim::patch::MAX_OPERATIONS;
use scim::{Error, Filter, Kind, Notes, PatchRequest, Path, Projection, Resource, json as strict};
use serde_json::{Value, json};

use crate::{group, patch, refusal, user};

const MANY: usize = 10_000;

fn is_refused<T: std::fmt::Debug>(result: Result<T, Error>) -> bool {
    matches!(refusal(result).0, 400 | 413)
}

/// A user with as many e-mail addresses as are allowed, each with a display of `length` bytes.
fn crowded(length: usize) -> Resource {
    let display = "x".repeat(length);
    let emails: Vec<_> = (0..1_000).map(|n| json!({"value": format!("a{n}@x.test"), "display": display})).collect();
    user(json!({"userName": "mira", "emails": emails}))
}

#[test]
fn nesting_in_filters_is_bounded() {
    for text in [
        format!("{}id pr{}", "(".repeat(MANY), ")".repeat(MANY)),
        "(".repeat(MANY),
        format!("{}id pr{}", "not (".repeat(MANY), ")".repeat(MANY)),
        "not (".repeat(MANY),
        format!("{}type pr{}", "emails[".repeat(MANY), "]".repeat(MANY)),
        "emails[".repeat(MANY),
        format!("emails[{}type pr{}]", "(".repeat(MANY), ")".repeat(MANY)),
    ] {
        // The first is refused for its length, the second, which is short enough, for its depth.
        let short: String = text.chars().take(scim::filter::MAX_LENGTH).collect();
        for text in [text, short] {
            assert!(is_refused(Filter::parse(&text)));
            assert!(is_refused(Path::parse(&text)));
        }
    }
}

#[test]
fn the_length_of_filters_and_paths_is_bounded() {
    let long = 64 * 1024;
    for text in [
        "a".repeat(long),
        format!("userName eq \"{}\"", "x".repeat(long)),
        format!("userName eq \"{}", "\\\"".repeat(long / 2)),
        vec!["id pr"; long / 9].join(" or "),
        " ".repeat(long),
        "é".repeat(long / 2),
        "[".repeat(long),
        "\"\" ".repeat(long / 3),
    ] {
        assert!(is_refused(Filter::parse(&text)));
        assert!(is_refused(Path::parse(&text)));
        let body = json!({"Operations": [{"op": "add", "path": format!("emails[{text}]"), "value": "x"}]});
        assert!(is_refused(PatchRequest::parse(&body)));
    }
}

#[test]
fn nesting_in_json_is_bounded() {
    for depth in [200, 100_000] {
        for body in [
            format!("{}{}", "[".repeat(depth), "]".repeat(depth)),
            format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth)),
            format!("{}1{}", "{\"a\":[".repeat(depth), "]}".repeat(depth)),
            "[".repeat(depth),
            "{\"a\":".repeat(depth),
        ] {
            assert!(is_refused(strict::parse(body.as_bytes())), "{depth}");
        }
    }
}

#[test]
fn the_number_of_operations_is_bounded() {
    let operations = vec![json!({"op": "remove", "path": "title"}); MANY];
    assert_eq!(refusal(PatchRequest::parse(&json!({"Operations": operations}))), (413, None));
    let operations = vec![json!({"method": "DELETE", "path": "/Users/u_1"}); 100_000];
    assert_eq!(refusal(BulkRequest::parse(&json!({"Operations": operations}), 1_000)), (413, None));
}

#[test]
fn many_operations_on_many_values_are_bounded_together() {
    let filters = vec!["display pr"; 199].join(" or ");
    let operations = |path: &str, count: usize| json!(vec![json!({"op": "remove", "path": path}); count]);
    let path = format!("emails[{filters}]");
    assert!(patch(&crowded(0), operations(&path, 1)).is_ok());
    assert_eq!(refusal(patch(&crowded(0), operations(&path, 11))), (413, None));
    let members: Vec<_> = (0..100_000).map(|n| json!({"value": format!("u_{n}")})).collect();
    let everyone = group(json!({"displayName": "x", "members": members}));
    assert_eq!(refusal(patch(&everyone, operations("members[value eq \"u_x\"]", MAX_OPERATIONS))), (413, None));
}

#[test]
fn large_groups_are_not_taken_for_an_attack() {
    let members = |from: u32, to: u32| -> Value {
        (from..to)
            .map(|n| json!({"value": format!("019b2c1e-0000-7000-8000-{n:012}"), "$ref": format!("https://api.test/v2/Users/{n}")}))
            .collect()
    };
    let large = group(json!({"displayName": "x", "members": members(0, 20_000)}));
    let operations = json!([
        {"op": "add", "path": "members", "value": members(20_000, 25_000)},
        {"op": "remove", "path": "members", "value": members(0, 5_000)},
        {"op": "remove", "path": "members[value eq \"019b2c1e-0000-7000-8000-000000006000\"]"},
        {"op": "add", "value": {"members": members(0, 5_000)}},
    ]);
    let changed = patch(&large, operations).expect("an acceptable PATCH").resource;
    assert_eq!(changed.values("members").count(), 24_999);
}

#[test]
fn comparing_long_texts_counts_as_more_work() {
    let long = format!("emails[display co \"{}\"]", "x".repeat(3_900));
    let operations = |path: &str| json!(vec![json!({"op": "remove", "path": path}); MAX_OPERATIONS]);
    assert_eq!(refusal(patch(&crowded(0), operations(&long))), (413, None));
    assert_eq!(refusal(patch(&crowded(4_000), operations("emails[display eq \"x\"]"))), (413, None));
}

#[test]
fn a_long_value_is_not_copied_into_every_element() {
    let value = "x".repeat(4 * 1024 * 1024);
    for operation in [
        json!({"op": "replace", "path": "emails[value pr].display", "value": value}),
        json!({"op": "add", "path": "emails[value pr]", "value": {"display": value}}),
    ] {
        assert_eq!(refusal(patch(&crowded(0), json!([operation]))), (413, None));
    }
}

#[test]
fn many_values_that_differ_only_in_their_type_are_removed_at_once() {
    let emails = |letter: &str| -> Value { (0..1_000).map(|n| json!({"value": "a@x.test", "type": format!("{letter}{n}")})).collect() };
    let crowded = user(json!({"userName": "mira", "emails": emails("a")}));
    let operations = vec![json!({"op": "remove", "path": "emails", "value": emails("b")}); 100];
    assert!(!patch(&crowded, json!(operations)).expect("an acceptable PATCH").changed);
}

#[test]
fn a_body_of_many_strange_names_is_read_with_few_notes() {
    let mut body: Value =
        (0..MANY).map(|n| (format!("emails[type eq \"x{n}\"].nonsense"), json!(n))).collect::<serde_json::Map<_, _>>().into();
    body["userName"] = json!("mira");
    let mut notes = Notes::new();
    assert!(Resource::parse(Kind::User, &body, &mut notes).is_ok());
    assert_eq!(notes.into_vec().len(), 100);
}

#[test]
fn a_list_of_a_million_attributes_costs_each_resource_no_more_than_a_short_one() {
    let representation = json!({"schemas": [], "id": "u_1", "userName": "mira", "title": "Lead", "emails": [{"value": "a@x.test"}]});
    for word in ["userName,", "USERNAME,", "nonsense,", "urn:ietf:params:scim:schemas:core:2.0:User:userName,"] {
        let names = word.repeat(1_000_000 / word.len());
        let projections = [Projection::new(&format!("{names}userName"), ""), Projection::new("", &format!("{names}title,emails"))];
        for _ in 0..1_000 {
            for projection in &projections {
                let projected = projection.apply(Kind::User, representation.clone());
                assert_eq!((projected.get("title"), projected.get("emails")), (None, None));
            }
        }
    }
}

#[test]
fn a_letter_with_a_hundred_thousand_marks_is_folded_in_one_go() {
    let marks = "\u{301}\u{327}".repeat(50_000);
    let key = scim::compare::fold(&format!("E{marks}"));
    // In normal form, the marks below come first, and one of them joins the letter.
    assert!(key.starts_with("\u{229}\u{327}"));
    assert_eq!(scim::compare::fold(&key), key);
}
