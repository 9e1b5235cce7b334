//! Filters over all resource types: an attribute that a type lacks has no value there.

use proptest::prelude::*;
use scim::ScimType::InvalidFilter;
use scim::filter::Match;
use scim::{Filter, Kind};
use serde_json::{Value, json};

use crate::refusal;

fn resources() -> [(Kind, Value); 3] {
    [
        (
            Kind::User,
            json!({ "id": "1", "userName": "mira", "displayName": "Mira", "active": true, "emails": [{ "value": "m@x.test", "type": "work" }] }),
        ),
        (Kind::User, json!({ "id": "2", "userName": "ben", "title": "Chief", "active": false })),
        (Kind::Group, json!({ "id": "3", "displayName": "Engineers", "members": [{ "value": "1", "type": "User" }] })),
    ]
}

fn matched(filter: &Filter, kind: Kind, resource: &Value) -> bool {
    match filter.resolve_among_all(kind).expect("understood by one of the types") {
        Match::All => true,
        Match::None => false,
        Match::Only(resolved) => resolved.matches(resource),
    }
}

/// The same, said in another way: comparison by comparison, and joined by the logic of the language.
fn expected(filter: &Filter, kind: Kind, resource: &Value) -> bool {
    match filter {
        Filter::And(parts) => parts.iter().all(|part| expected(part, kind, resource)),
        Filter::Or(parts) => parts.iter().any(|part| expected(part, kind, resource)),
        Filter::Not(inner) => !expected(inner, kind, resource),
        alone => match alone.clone().resolve(kind) {
            Ok(resolved) => resolved.matches(resource),
            // Another type's: true is what says that there is no value, or another one.
            Err(_) => {
                let text = alone.to_string();
                !text.contains('[') && (text.ends_with("eq null") || (text.contains(" ne ") && !text.ends_with("ne null")))
            }
        },
    }
}

fn filter() -> impl Strategy<Value = Filter> {
    let attribute = prop_oneof![
        Just("id"),
        Just("displayName"),
        Just("userName"),
        Just("title"),
        Just("emails.type"),
        Just("members.value"),
        Just("externalId")
    ];
    let value = prop_oneof![Just("null"), Just("\"1\""), Just("\"mira\""), Just("\"work\""), Just("\"Chief\"")];
    let comparison =
        (attribute.clone(), prop_oneof![Just("eq"), Just("ne")], value).prop_map(|(name, op, value)| format!("{name} {op} {value}"));
    let other = prop_oneof![
        attribute.prop_map(|name| format!("{name} pr")),
        Just("active eq true".to_owned()),
        Just("active ne true".to_owned()),
        Just("title gt \"a\"".to_owned()),
        Just("userName co \"e\"".to_owned()),
        Just("emails[type eq \"work\"]".to_owned()),
        Just("members[value ne \"1\"]".to_owned()),
    ];
    let leaf = prop_oneof![comparison, other].prop_map(|text| Filter::parse(&text).expect("a filter"));
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|filter| Filter::Not(Box::new(filter))),
            prop::collection::vec(inner.clone(), 2..4).prop_map(Filter::And),
            prop::collection::vec(inner, 2..4).prop_map(Filter::Or),
        ]
    })
}

proptest! {
    #[test]
    fn a_filter_over_all_types_is_its_comparisons_joined(filter in filter()) {
        for (kind, resource) in resources() {
            prop_assert_eq!(matched(&filter, kind, &resource), expected(&filter, kind, &resource), "{} of {}", filter, resource);
        }
    }
}

#[test]
fn what_a_type_lacks_has_no_value_there() {
    for (filter, ids) in [
        ("userName eq \"mira\"", "1"),
        ("userName ne \"mira\"", "23"),
        ("not (userName eq \"mira\")", "23"),
        ("not (userName ne \"mira\")", "1"),
        ("userName eq null", "3"),
        ("userName ne null", "12"),
        ("title eq null", "13"),
        ("title pr", "2"),
        ("not (title pr)", "13"),
        ("not (not (title pr))", "2"),
        ("members pr", "3"),
        ("members eq \"1\"", "3"),
        ("members ne \"1\"", "12"),
        ("not (members[value eq \"1\"])", "12"),
        ("emails[type eq \"work\"]", "1"),
        ("displayName pr", "13"),
        ("userName pr and displayName pr", "1"),
        ("userName pr and members pr", ""),
        ("userName pr or members pr", "123"),
        ("userName eq null or title eq \"chief\"", "23"),
        ("not (userName pr and title pr)", "13"),
        ("active eq false", "2"),
        ("active ne false", "13"),
    ] {
        let parsed = Filter::parse(filter).expect(filter);
        let found: String = resources()
            .iter()
            .filter(|(kind, resource)| matched(&parsed, *kind, resource))
            .filter_map(|(_, resource)| resource["id"].as_str())
            .collect();
        assert_eq!(found, ids, "{filter}");
    }
}

#[test]
fn what_decides_for_a_type_is_known_before_anything_is_read() {
    let among_all = |text: &str, kind| Filter::parse(text).and_then(|filter| filter.resolve_among_all(kind)).expect(text);
    assert_eq!(among_all("userName pr and displayName pr", Kind::Group), Match::None);
    assert_eq!(among_all("userName eq null or displayName pr", Kind::Group), Match::All);
    assert_eq!(among_all("not (userName pr)", Kind::Group), Match::All);
    let alone = Filter::parse("displayName pr").and_then(|filter| filter.resolve(Kind::Group)).expect("a filter");
    assert_eq!(among_all("userName eq null and displayName pr", Kind::Group), Match::Only(alone.clone()));
    assert_eq!(among_all("displayName pr or userName pr", Kind::Group), Match::Only(alone));
}

#[test]
fn what_no_type_understands_is_refused_wherever_it_stands() {
    for filter in [
        "nonsense eq 1",
        "nonsense pr",
        "userName pr and nonsense pr",
        "userName eq null or nonsense pr",
        "not (nonsense eq null)",
        "nonsense[value eq 1]",
        "active gt true",
        "members gt null",
        "emails[nonsense eq 1]",
        "members[userName eq \"x\"]",
        "name eq \"x\"",
        "active co \"x\"",
    ] {
        for kind in Kind::ALL {
            let resolved = Filter::parse(filter).and_then(|filter| filter.resolve_among_all(kind));
            assert_eq!(refusal(resolved), (400, Some(InvalidFilter)), "{filter} for {kind:?}");
        }
    }
}
