//! Inputs made at random: filters, paths, values, and PATCH operations in the dialects of the identity providers.

use proptest::{collection::vec, option, prelude::*};
use scim::{AttributeRef, CompValue, Filter, Path, filter::Op};
use serde_json::{Number, Value, json};

/// Texts with what normalization is about: marks in any order, letters with several cases, other widths, Hangul.
pub fn letters() -> impl Strategy<Value = String> {
    let c = prop_oneof![
        any::<char>(),
        proptest::char::range('!', '~'),
        proptest::char::range('\u{C0}', '\u{24F}'),
        proptest::char::range('\u{300}', '\u{36F}'),
        proptest::char::range('\u{370}', '\u{3FF}'),
        proptest::char::range('\u{1100}', '\u{11FF}'),
        proptest::char::range('\u{1E00}', '\u{1FFF}'),
        proptest::char::range('\u{3099}', '\u{309A}'),
        proptest::char::range('\u{FF00}', '\u{FFEF}'),
    ];
    vec(c, 0..12).prop_map(String::from_iter)
}

pub fn name() -> impl Strategy<Value = String> {
    prop_oneof![9 => "[a-zA-Z][a-zA-Z0-9_-]{0,8}", 1 => Just("$ref".to_owned())]
}

pub fn attribute() -> impl Strategy<Value = AttributeRef> {
    let urn = "urn:[a-z]{1,5}:[a-zA-Z0-9.]{1,5}:User";
    (option::of(urn), name(), option::of(name())).prop_map(|(schema, name, sub)| AttributeRef { schema, name, sub })
}

pub fn comp_value() -> impl Strategy<Value = CompValue> {
    prop_oneof![
        Just(CompValue::Null),
        any::<bool>().prop_map(CompValue::Bool),
        any::<i64>().prop_map(|number| CompValue::Number(number.into())),
        any::<u64>().prop_map(|number| CompValue::Number(number.into())),
        any::<f64>().prop_filter_map("a finite number", Number::from_f64).prop_map(CompValue::Number),
        "[^\u{0}]{0,20}".prop_map(CompValue::String),
        // What a careless printer would not escape, and what unquoted would be something else.
        "[\"\\\\\\[\\]()\n\u{1}\u{7f} ]{0,8}|null|true|-?[0-9]{1,3}| and | or ".prop_map(CompValue::String),
    ]
}

pub fn comparison() -> impl Strategy<Value = Filter> {
    prop_oneof![
        attribute().prop_map(Filter::Present),
        (attribute(), proptest::sample::select(&Op::ALL[..]), comp_value()).prop_map(|(attribute, op, value)| Filter::Compare {
            attribute,
            op,
            value
        }),
    ]
}

pub fn joined(leaf: impl Strategy<Value = Filter> + 'static) -> impl Strategy<Value = Filter> {
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Filter::And),
            vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

pub fn value_path() -> impl Strategy<Value = Filter> {
    (attribute(), joined(comparison())).prop_map(|(attribute, filter)| Filter::ValuePath { attribute, filter: Box::new(filter) })
}

pub fn filter() -> impl Strategy<Value = Filter> {
    joined(prop_oneof![comparison(), value_path()].boxed())
}

pub fn path() -> impl Strategy<Value = Path> {
    let filtered = (attribute(), joined(comparison()), option::of(name())).prop_map(|(attribute, filter, sub)| Path {
        attribute: AttributeRef { sub: None, ..attribute },
        filter: Some(filter),
        sub,
    });
    prop_oneof![attribute().prop_map(Path::from), filtered]
}

/// JSON of any shape, with the names that matter among the rest.
pub fn json_value() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        proptest::sample::select(
            &[
                "userName",
                "emails",
                "name",
                "active",
                "value",
                "type",
                "primary",
                "members",
                "displayName",
                "manager",
                "groups",
                "Operations",
                "op",
                "path",
                "filter",
                "schemas",
                "name.givenName",
                "emails[type eq \"work\"].value",
                "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User",
                "urn:ietf:params:scim:schemas:core:2.0:Group",
            ][..]
        )
        .prop_map(str::to_owned),
        any::<String>(),
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        proptest::sample::select(&["add", "remove", "replace", "members", "emails", "active", "True", ""][..]).prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 48, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::Array),
            vec((name.clone(), inner), 0..5).prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Additions and replacements that are acceptable for the user.
pub fn operation(op: &'static str) -> impl Strategy<Value = Value> {
    let address = ("[a-cA-C]@x", option::of("work|home|Work"), option::of(any::<bool>())).prop_map(|(value, place, primary)| {
        let mut address = json!({ "value": value });
        if let Some(place) = place {
            address["type"] = json!(place);
        }
        if let Some(primary) = primary {
            address["primary"] = json!(primary);
        }
        address
    });
    let text = "[a-z]{1,5}";
    prop_oneof![
        vec(address.clone(), 0..4).prop_map(|value| ("emails".to_owned(), json!(value))),
        (proptest::sample::select(&["work", "home", "other"][..]), text)
            .prop_map(|(place, value)| (format!("emails[type eq \"{place}\"].value"), json!(value))),
        address.prop_map(|value| ("emails[type eq \"work\"]".to_owned(), value)),
        (proptest::sample::select(&["title", "userName", "name.givenName", "department", "manager"][..]), text)
            .prop_map(|(path, value)| (path.to_owned(), json!(value))),
        any::<bool>().prop_map(|value| ("active".to_owned(), json!(value))),
    ]
    .prop_map(move |(path, value)| json!({"op": op, "path": path, "value": value}))
}

/// Removals, of which some find nothing.
pub fn removal() -> impl Strategy<Value = Value> {
    let path = proptest::sample::select(
        &[
            "emails",
            "emails[type eq \"work\"]",
            "emails[type eq \"home\"].primary",
            "emails[value co \"@x\"].type",
            "emails[primary eq true]",
            "name.givenName",
            "title",
            "manager",
            "department",
        ][..],
    );
    prop_oneof![
        path.prop_map(|path| json!({"op": "remove", "path": path})),
        "[a-cA-C]@x".prop_map(|value| json!({"op": "remove", "path": "emails", "value": [{"value": value}]})),
    ]
}

pub fn any_operation() -> impl Strategy<Value = Value> {
    prop_oneof![operation("add"), operation("replace"), removal()]
}

/// Operations that cannot succeed, whatever went before.
pub fn failing_operation() -> impl Strategy<Value = Value> {
    proptest::sample::select(vec![
        json!({"op": "remove", "path": "groups"}),
        json!({"op": "replace", "path": "id", "value": "x"}),
        json!({"op": "remove", "path": "userName"}),
        json!({"op": "replace", "path": "active", "value": "perhaps"}),
        json!({"op": "add", "path": "emails[nonsense eq 1]", "value": {"value": "x"}}),
        json!({"op": "replace", "path": "ims[value sw \"x\"].value", "value": "x"}),
        json!({"op": "add", "value": {"name": 5}}),
        json!({"op": "remove", "path": "urn:ietf:params:scim:schemas:core:2.0:User"}),
    ])
}

/// Places of a user with a value that she does not have there, and the path that leads to just this value.
pub fn fresh() -> impl Strategy<Value = (Value, Value)> {
    let text = "[a-zA-Zé]{1,8}";
    let single = proptest::sample::select(&["title", "nickName", "name.middleName", "department", "manager.value", "profileUrl"][..]);
    let multiple = proptest::sample::select(&["emails", "phoneNumbers", "ims", "photos", "roles", "entitlements"][..]);
    prop_oneof![
        (single, text)
            .prop_map(|(path, value)| (json!({"op": "add", "path": path, "value": value}), json!({"op": "remove", "path": path}))),
        (multiple.clone(), text, option::of("[a-z]{1,4}")).prop_map(|(path, value, place)| {
            let mut element = json!({ "value": value });
            if let Some(place) = place {
                element["type"] = json!(place);
            }
            let removal = json!({"op": "remove", "path": format!("{path}[value eq \"{value}\"]")});
            (json!({"op": "add", "path": path, "value": [element]}), removal)
        }),
        (multiple, text).prop_map(|(path, value)| {
            let addition = json!({"op": "add", "value": {path: [{"value": value}]}});
            (addition, json!({"op": "remove", "path": path, "value": [{"value": value}]}))
        }),
    ]
}

/// Changes to the members of a group, in the dialects of the identity providers.
pub fn member_operation() -> impl Strategy<Value = Value> {
    let id = || "u_[1-5]";
    let members = || vec(id(), 1..4).prop_map(|ids| ids.into_iter().map(|id| json!({ "value": id })).collect::<Value>());
    prop_oneof![
        members().prop_map(|members| json!({"op": "add", "path": "members", "value": members})),
        members().prop_map(|members| json!({"op": "add", "value": {"members": members}})),
        members().prop_map(|members| json!({"op": "replace", "path": "Members", "value": members})),
        members().prop_map(|members| json!({"op": "replace", "value": {"displayName": "x", "members": members}})),
        members().prop_map(|members| json!({"op": "remove", "path": "members", "value": members})),
        id().prop_map(|id| json!({"op": "remove", "path": format!("members[value eq \"{id}\"]")})),
        id().prop_map(|id| json!({"op": "remove", "path": format!("members[not (value eq \"{id}\")]")})),
        id().prop_map(|id| json!({"op": "add", "path": format!("members[value eq \"{id}\"]"), "value": {"value": id}})),
        Just(json!({"op": "remove", "path": "members"})),
        Just(json!({"op": "replace", "path": "members", "value": []})),
        Just(json!({"op": "replace", "path": "displayName", "value": "y"})),
    ]
}
