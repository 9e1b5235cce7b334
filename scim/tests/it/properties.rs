//! What holds for all inputs, not just for the examples.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use scim::compare::fold;
use scim::filter::Op;
use scim::patch::{MemberChange, apply, split_members};
use scim::{AttributeRef, CompValue, Envelope, Error, Filter, Kind, ListQuery, Notes, PatchRequest, Patched, Path, Projection, Resource};
use serde_json::{Map, Number, Value, json};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::mira;

/// Texts with what normalization is about: marks in any order, letters with several cases, other widths, Hangul.
fn letters() -> impl Strategy<Value = String> {
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

fn name() -> impl Strategy<Value = String> {
    prop_oneof![9 => "[a-zA-Z][a-zA-Z0-9_-]{0,8}", 1 => Just("$ref".to_owned())]
}

fn attribute() -> impl Strategy<Value = AttributeRef> {
    let urn = "urn:[a-z]{1,5}:[a-zA-Z0-9.]{1,5}:User";
    (option::of(urn), name(), option::of(name())).prop_map(|(schema, name, sub)| AttributeRef { schema, name, sub })
}

fn comp_value() -> impl Strategy<Value = CompValue> {
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

fn comparison() -> impl Strategy<Value = Filter> {
    prop_oneof![
        attribute().prop_map(Filter::Present),
        (attribute(), proptest::sample::select(&Op::ALL[..]), comp_value()).prop_map(|(attribute, op, value)| Filter::Compare {
            attribute,
            op,
            value
        }),
    ]
}

fn joined(leaf: impl Strategy<Value = Filter> + 'static) -> impl Strategy<Value = Filter> {
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Filter::And),
            vec(inner.clone(), 2..4).prop_map(Filter::Or),
            inner.prop_map(|filter| Filter::Not(Box::new(filter))),
        ]
    })
}

fn value_path() -> impl Strategy<Value = Filter> {
    (attribute(), joined(comparison())).prop_map(|(attribute, filter)| Filter::ValuePath { attribute, filter: Box::new(filter) })
}

fn filter() -> impl Strategy<Value = Filter> {
    joined(prop_oneof![comparison(), value_path()].boxed())
}

fn path() -> impl Strategy<Value = Path> {
    let filtered = (attribute(), joined(comparison()), option::of(name())).prop_map(|(attribute, filter, sub)| Path {
        attribute: AttributeRef { sub: None, ..attribute },
        filter: Some(filter),
        sub,
    });
    prop_oneof![attribute().prop_map(Path::from), filtered]
}

/// JSON of any shape, with the names that matter among the rest.
fn json_value() -> impl Strategy<Value = Value> {
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
fn operation(op: &'static str) -> impl Strategy<Value = Value> {
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
fn removal() -> impl Strategy<Value = Value> {
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

fn any_operation() -> impl Strategy<Value = Value> {
    prop_oneof![operation("add"), operation("replace"), removal()]
}

/// Operations that cannot succeed, whatever went before.
fn failing_operation() -> impl Strategy<Value = Value> {
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

fn try_all(resource: &Resource, operations: &[Value]) -> Result<Patched, Error> {
    apply(resource, &PatchRequest::parse(&json!({ "Operations": operations }))?)
}

fn apply_all(resource: &Resource, operations: &[Value]) -> Option<Resource> {
    Some(try_all(resource, operations).ok()?.resource)
}

/// What a client is sent, and may put back.
fn represented(resource: &Resource) -> Value {
    resource.represent(&Envelope {
        id: "u_01".to_owned(),
        created: "2026-01-02T03:04:05Z".to_owned(),
        last_modified: "2026-01-02T03:04:05Z".to_owned(),
        location: "https://api.example.test/v2/Users/u_01".to_owned(),
        version: "W/\"1\"".to_owned(),
        computed: Map::from_iter([("groups".to_owned(), json!([{"value": "g_1", "type": "direct"}]))]),
    })
}

/// Places of a user with a value that she does not have there, and the path that leads to just this value.
fn fresh() -> impl Strategy<Value = (Value, Value)> {
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
fn member_operation() -> impl Strategy<Value = Value> {
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

/// What a caller who keeps members as rows does with the changes.
fn as_rows(mut members: BTreeSet<String>, changes: Vec<MemberChange>) -> BTreeSet<String> {
    for change in changes {
        match change {
            MemberChange::Add(ids) => members.extend(ids),
            MemberChange::Remove(ids) => members.retain(|member| !ids.contains(member)),
            MemberChange::Replace(ids) => members = ids.into_iter().collect(),
            MemberChange::RemoveWhere(filter) => members.retain(|id| !filter.matches(&json!({"members": [{"value": id}]}))),
        }
    }
    members
}

fn ids(group: &Resource) -> BTreeSet<String> {
    group.values("members").filter_map(|member| member.get("value")?.as_str()).map(str::to_owned).collect()
}

proptest! {
    #[test]
    fn members_apart_from_their_group_end_up_the_same(operations in vec(member_operation(), 1..8)) {
        let group = crate::group(json!({"displayName": "x", "members": [{"value": "u_1"}, {"value": "u_2"}]}));
        let request = PatchRequest::parse(&json!({ "Operations": operations })).expect("an acceptable request");
        let together = apply(&group, &request).expect("an acceptable PATCH").resource;

        let (changes, rest) = split_members(&request, &mut Notes::new()).expect("acceptable changes");
        let mut alone = group.clone();
        alone.set("members", None);
        let alone = apply(&alone, &rest).expect("an acceptable PATCH").resource;

        prop_assert_eq!(as_rows(ids(&group), changes), ids(&together));
        prop_assert_eq!(alone.get("members"), None);
        prop_assert_eq!(alone.text("displayName"), together.text("displayName"));
    }

    #[test]
    fn a_printed_filter_reads_as_the_same_filter(filter in filter()) {
        let text = filter.to_string();
        prop_assume!(text.len() <= scim::filter::MAX_LENGTH);
        prop_assert_eq!(Filter::parse(&text), Ok(filter));
    }

    #[test]
    fn a_printed_path_reads_as_the_same_path(path in path()) {
        let text = path.to_string();
        prop_assume!(text.len() <= scim::filter::MAX_LENGTH);
        prop_assert_eq!(Path::parse(&text), Ok(path));
    }

    #[test]
    fn adding_again_changes_nothing(operation in operation("add")) {
        let once = apply_all(&mira(), std::slice::from_ref(&operation)).expect("an acceptable PATCH");
        let again = try_all(&once, std::slice::from_ref(&operation)).expect("an acceptable PATCH");
        prop_assert!(!again.changed);
        prop_assert_eq!(&again.resource, &once);
        prop_assert_eq!(apply_all(&mira(), &[operation.clone(), operation]), Some(once));
    }

    #[test]
    fn removing_what_was_added_leaves_what_was_before((addition, removal) in fresh()) {
        let added = try_all(&mira(), std::slice::from_ref(&addition)).expect("an acceptable PATCH");
        prop_assert!(added.changed);
        let removed = try_all(&added.resource, std::slice::from_ref(&removal)).expect("an acceptable PATCH");
        prop_assert!(removed.changed);
        prop_assert_eq!(removed.resource, mira());
        let both = try_all(&mira(), &[addition, removal]).expect("an acceptable PATCH");
        prop_assert!(!both.changed);
    }

    #[test]
    fn replacing_by_what_is_there_changes_nothing(operations in vec(any_operation(), 0..6)) {
        let Some(user) = apply_all(&mira(), &operations) else { return Ok(()) };
        let whole = json!({"op": "replace", "value": user.attributes()});
        let unchanged = try_all(&user, &[whole]).expect("an acceptable PATCH");
        prop_assert!(!unchanged.changed, "{:?}", unchanged.resource);
        for (name, value) in user.attributes() {
            let patched = try_all(&user, &[json!({"op": "replace", "path": name, "value": value})]).expect("an acceptable PATCH");
            prop_assert!(!patched.changed, "{}", name);
        }
    }

    #[test]
    fn one_request_is_the_same_as_its_operations_one_by_one(operations in vec(any_operation(), 1..6)) {
        let together = apply_all(&mira(), &operations);
        let one_by_one = operations.iter().try_fold(mira(), |user, operation| {
            apply_all(&user, std::slice::from_ref(operation))
        });
        prop_assert_eq!(together, one_by_one);
    }

    #[test]
    fn of_two_replacements_the_later_one_counts(first in "[a-z]{1,5}", second in "[a-z]{1,5}") {
        for path in ["title", "userName", "name.familyName", "emails[type eq \"work\"].value", "department"] {
            let replacement = |value: &str| json!({"op": "replace", "path": path, "value": value});
            let both = apply_all(&mira(), &[replacement(&first), replacement(&second)]);
            prop_assert_eq!(both, apply_all(&mira(), &[replacement(&second)]));
        }
    }

    #[test]
    fn a_patched_user_stays_in_canonical_form(operations in vec(any_operation(), 1..6)) {
        let Some(user) = apply_all(&mira(), &operations) else { return Ok(()) };
        let primaries = user.values("emails").filter(|email| email.get("primary") == Some(&json!(true))).count();
        prop_assert!(primaries <= 1);
        let body = Value::Object(user.attributes().clone());
        prop_assert_eq!(Resource::parse(Kind::User, &body, &mut Notes::new()), Ok(user));
    }

    #[test]
    fn what_is_returned_can_be_put_back(operations in vec(any_operation(), 0..6)) {
        let Some(user) = apply_all(&mira(), &operations) else { return Ok(()) };
        let mut notes = Notes::new();
        prop_assert_eq!(Resource::parse(Kind::User, &represented(&user), &mut notes), Ok(user));
        prop_assert!(notes.is_empty());
    }

    #[test]
    fn whatever_is_read_can_be_put_back(value in json_value(), name in "[a-z]{1,3}") {
        for (kind, required) in [(Kind::User, "userName"), (Kind::Group, "displayName")] {
            let mut body = value.as_object().cloned().unwrap_or_default();
            body.entry(required).or_insert(json!(name));
            if let Ok(resource) = Resource::parse(kind, &Value::Object(body), &mut Notes::new()) {
                prop_assert_eq!(Resource::parse(kind, &represented(&resource), &mut Notes::new()), Ok(resource));
            }
        }
    }

    #[test]
    fn a_projection_keeps_the_id_and_the_schemas(
        names in vec(prop_oneof![attribute().prop_map(|name| name.to_string()), "id|schemas|meta|emails.value|userName|[^a]{0,5}"], 0..4)
    ) {
        let names = names.join(",");
        let representation = represented(&mira());
        for projection in [Projection::new(&names, ""), Projection::new("", &names), Projection::new(&names, &names)] {
            let projected = projection.apply(Kind::User, representation.clone());
            prop_assert_eq!((&projected["id"], &projected["schemas"]), (&representation["id"], &representation["schemas"]));
        }
    }

    #[test]
    fn a_failing_operation_fails_the_whole_request(
        operations in vec(any_operation(), 0..4), failing in failing_operation(), at in 0usize..5
    ) {
        let before = mira();
        let mut operations = operations;
        operations.insert(at.min(operations.len()), failing);
        prop_assert_eq!(apply_all(&before, &operations), None);
        prop_assert_eq!(before, mira());
    }

    #[test]
    fn no_text_makes_it_panic(text in prop_oneof![any::<String>(), "[a-z().\\[\\]\" \\\\:éß]{0,60}"]) {
        let _ = Path::parse(&text).map(|path| path.to_string());
        let _ = Filter::parse(&text).and_then(|filter| filter.resolve(Kind::User));
        let _ = scim::json::parse(text.as_bytes());
        let _ = scim::compare::instant(&text);
        let _ = Projection::new(&text, &text).apply(Kind::User, json!({"name": {"givenName": text}}));
        let _ = ListQuery::from_pairs([("count".to_owned(), text.clone()), ("filter".to_owned(), text)].into_iter());
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in vec(any::<u8>(), 0..200)) {
        let _ = scim::json::parse(&bytes);
    }

    #[test]
    fn no_json_makes_it_panic(value in json_value()) {
        for kind in Kind::ALL {
            let _ = Resource::parse(kind, &value, &mut Notes::new());
            let _ = Resource::names(kind, &value, "members");
            let _ = Projection::new("name.givenName", "").apply(kind, value.clone());
        }
        let _ = ListQuery::from_search_request(&value);
        for op in ["add", "replace", "remove"] {
            for path in [json!(null), json!("emails"), json!("manager"), json!("emails[type eq \"work\"].value"), json!("name.givenName")] {
                let body = json!({"Operations": [{"op": op, "path": path, "value": value}]});
                if let Ok(request) = PatchRequest::parse(&body) {
                    let _ = apply(&mira(), &request);
                    let _ = split_members(&request, &mut Notes::new());
                }
            }
        }
    }

    #[test]
    fn canonically_equal_texts_fold_to_one_key(text in letters()) {
        let key = fold(&text);
        prop_assert_eq!(fold(&text.nfd().collect::<String>()), key.as_str());
        prop_assert_eq!(fold(&text.nfc().collect::<String>()), key);
    }

    #[test]
    fn texts_that_differ_in_the_case_of_ascii_letters_fold_to_one_key(text in letters()) {
        prop_assert_eq!(fold(&text.to_ascii_uppercase()), fold(&text));
        prop_assert_eq!(fold(&text.to_ascii_lowercase()), fold(&text));
    }

    #[test]
    fn a_key_is_in_normal_form_and_lower_case(text in letters()) {
        let key = fold(&text);
        prop_assert!(is_nfc(&key));
        prop_assert!(key.chars().all(|c| c.to_lowercase().eq([c])), "{}", key);
    }

    #[test]
    fn folding_twice_is_folding_once(text in letters()) {
        let once = fold(&text);
        prop_assert_eq!(fold(&once), once);
    }
}
