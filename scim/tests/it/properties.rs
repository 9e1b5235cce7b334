//! What holds for all inputs, not just for the examples.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use scim::compare::fold;
use scim::patch::{MemberChange, apply, split_members};
use scim::{Envelope, Error, Filter, Kind, ListQuery, Notes, PatchRequest, Patched, Path, Projection, Resource};
use serde_json::{Map, Value, json};
use unicode_normalization::{UnicodeNormalization, is_nfc};

use crate::{inputs::*, mira};

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
