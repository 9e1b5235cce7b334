//! The examples of the RFCs, as they stand there: `tests/fixtures` says which file holds which.

use std::collections::{BTreeMap, BTreeSet};

use scim::bulk::{BulkRequest, BulkResponse, BulkResult, Method};
use scim::config::{resource_types, service_provider_config};
use scim::{Envelope, Error, Filter, Kind, ListQuery, ListResponse, Notes, PatchRequest, Projection, Resource};
use serde_json::{Map, Value, json};

use crate::ENTERPRISE;

fn fixture(name: &str) -> Value {
    let path = format!("{}/tests/fixtures/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    scim::json::parse(&bytes).expect(name)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a string")
}

fn kind(name: &Value) -> Kind {
    Kind::ALL.into_iter().find(|kind| name == kind.name()).expect("a resource type")
}

fn parse(kind: Kind, body: &Value) -> Resource {
    Resource::parse(kind, body, &mut Notes::new()).expect("an acceptable resource")
}

/// What we answer for the resource of a representation, if it is stored with that representation's id and times.
fn returned(kind: Kind, representation: &Value) -> Value {
    let meta = |name: &str| text(&representation["meta"][name]).to_owned();
    parse(kind, representation).represent(&Envelope {
        id: text(&representation["id"]).to_owned(),
        created: meta("created"),
        last_modified: meta("lastModified"),
        location: meta("location"),
        version: meta("version"),
        computed: Map::from_iter(representation.get("groups").map(|groups| ("groups".to_owned(), groups.clone()))),
    })
}

#[test]
fn the_minimal_user_comes_back_as_it_is() {
    let minimal = fixture("rfc7643-8.1-user-minimal");
    assert_eq!(returned(Kind::User, &minimal), minimal);
}

#[test]
fn the_full_user_comes_back_but_for_the_password() {
    let mut full = fixture("rfc7643-8.2-user-full");
    let answer = returned(Kind::User, &full);
    assert!(full.as_object_mut().is_some_and(|user| user.remove("password").is_some()));
    assert_eq!(answer, full);
}

#[test]
fn the_enterprise_user_comes_back_but_for_the_password_and_the_managers_name() {
    let mut extended = fixture("rfc7643-8.3-user-enterprise");
    let answer = returned(Kind::User, &extended);
    assert!(extended.as_object_mut().is_some_and(|user| user.remove("password").is_some()));
    // readOnly (RFC 7643 §4.3), so what a client says about it does not count.
    assert!(extended[ENTERPRISE]["manager"].as_object_mut().is_some_and(|manager| manager.remove("displayName").is_some()));
    assert_eq!(answer, extended);
}

#[test]
fn the_group_comes_back_but_for_the_names_of_its_members() {
    let mut group = fixture("rfc7643-8.4-group");
    let answer = returned(Kind::Group, &group);
    for member in group["members"].as_array_mut().expect("members") {
        // §8.7.1 does not define it.
        assert!(member.as_object_mut().is_some_and(|member| member.remove("display").is_some()));
    }
    assert_eq!(answer, group);
}

/// The paths of all members of an object, with `[]` for lists.
fn shape(value: &Value, path: &str, paths: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => members.iter().for_each(|(name, value)| shape(value, &format!("{path}/{name}"), paths)),
        Value::Array(elements) => elements.iter().for_each(|value| shape(value, &format!("{path}[]"), paths)),
        _ => {
            paths.insert(path.to_owned());
        }
    }
}

#[test]
fn our_configuration_has_all_the_attributes_of_the_example() {
    let (mut theirs, mut ours) = (BTreeSet::new(), BTreeSet::new());
    shape(&fixture("rfc7643-8.5-service-provider-config"), "", &mut theirs);
    shape(&service_provider_config("https://example.com/v2", &crate::config::options()), "", &mut ours);
    let missing: Vec<_> = theirs.difference(&ours).map(String::as_str).collect();
    // Optional, all of them: where there is something to read, and when and how the configuration last changed.
    let optional =
        ["/authenticationSchemes[]/documentationUri", "/documentationUri", "/meta/created", "/meta/lastModified", "/meta/version"];
    assert_eq!(missing.into_iter().filter(|path| !optional.contains(path)).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn our_resource_types_are_those_of_the_example() {
    let mut theirs = fixture("rfc7643-8.6-resource-types");
    // No user needs the extension here, and a group has none, which may be said by an empty list.
    theirs[0]["schemaExtensions"][0]["required"] = json!(false);
    theirs[1]["schemaExtensions"] = json!([]);
    assert_eq!(json!(resource_types("https://example.com/v2")), theirs);
}

/// The characteristics of attributes by their path, but for what is for people.
fn characteristics(schemas: &[Value]) -> BTreeMap<String, Map<String, Value>> {
    fn collect(path: &str, attributes: &Value, found: &mut BTreeMap<String, Map<String, Value>>) {
        for attribute in list(attributes) {
            let path = format!("{path}{}", text(&attribute["name"]));
            if let Some(parts) = attribute.get("subAttributes") {
                collect(&format!("{path}."), parts, found);
            }
            let mut attribute = attribute.as_object().expect("an object").clone();
            attribute.retain(|name, _| !matches!(name.as_str(), "name" | "description" | "subAttributes"));
            found.insert(path, attribute);
        }
    }
    let mut found = BTreeMap::new();
    for schema in schemas {
        collect(&format!("{}:", text(&schema["name"])), &schema["attributes"], &mut found);
    }
    found
}

#[test]
fn our_schemas_differ_from_the_example_only_on_purpose() {
    let ours: Vec<Value> = Kind::ALL
        .into_iter()
        .flat_map(|kind| std::iter::once(kind.schema()).chain(kind.extensions().iter().copied()))
        .map(|schema| json!(schema))
        .collect();
    let ours = characteristics(&ours);
    let theirs = characteristics(list(&fixture("rfc7643-8.7.1-schemas")));

    let mut differences = BTreeSet::new();
    for path in ours.keys().filter(|path| !theirs.contains_key(*path)) {
        differences.insert(format!("{path} is ours alone"));
    }
    for (path, theirs) in &theirs {
        let Some(ours) = ours.get(path) else {
            differences.insert(format!("{path} is missing"));
            continue;
        };
        for (name, theirs) in theirs {
            if ours.get(name) != Some(theirs) {
                let ours = ours.get(name).cloned().unwrap_or_default();
                differences.insert(format!("{path} {name}: {theirs} is {ours} here"));
            }
        }
    }

    let on_purpose = [
        // Ids are compared exactly: §3.1 says so of `id`, and these hold the same.
        "EnterpriseUser:manager.value caseExact: false is true here",
        "Group:members.value caseExact: false is true here",
        "User:groups.value caseExact: false is true here",
        // References and base64 are case exact by §2.3.6 and §2.3.7; the example contradicts the text.
        "EnterpriseUser:manager.$ref caseExact: false is true here",
        "Group:members.$ref caseExact: false is true here",
        "User:groups.$ref caseExact: false is true here",
        "User:photos.value caseExact: false is true here",
        "User:profileUrl caseExact: false is true here",
        "User:x509Certificates.value caseExact: false is true here",
        // §4.2: "A human-readable name for the Group. REQUIRED."
        "Group:displayName required: false is true here",
        // Groups are not nested, so no group is a member, or has groups as its members' references.
        "Group:members.$ref referenceTypes: [\"User\",\"Group\"] is [\"User\"] here",
        "Group:members.type canonicalValues: [\"User\",\"Group\"] is [\"User\"] here",
        // §4.1.2: "a user's groups"; a user is not one of them.
        "User:groups.$ref referenceTypes: [\"User\",\"Group\"] is [\"Group\"] here",
        // §2.4 has it for every multi-valued attribute, and §8.2 uses it.
        "User:addresses.primary is ours alone",
        // §2.4 has it too, and §8.4 uses it.
        "Group:members.display is ours alone",
        // It is accepted and dropped.
        "User:password is missing",
    ];
    assert_eq!(differences, on_purpose.into_iter().map(str::to_owned).collect());
}

#[test]
fn a_list_is_answered_as_in_the_example() {
    let theirs = fixture("rfc7644-3.4.2-list-response");
    let mut ours = json!(ListResponse::new(2, 1, list(&theirs["Resources"]).to_vec()));
    // REQUIRED only for a part of the results; we always give them.
    let ours_alone = ["startIndex", "itemsPerPage"].map(|name| ours.as_object_mut().and_then(|list| list.remove(name)));
    assert_eq!(ours_alone, [Some(json!(1)), Some(json!(2))]);
    assert_eq!(ours, theirs);
}

#[test]
fn every_filter_of_the_examples_is_understood() {
    let user = returned(Kind::User, &fixture("rfc7643-8.3-user-enterprise"));
    let filters = fixture("rfc7644-3.4.2.2-filters");
    assert_eq!(list(&filters).len(), 17);
    for example in list(&filters) {
        let filter = Filter::parse(text(&example["filter"])).and_then(|filter| filter.resolve(kind(&example["resourceType"])));
        assert_eq!(json!(filter.expect("a filter").matches(&user)), example["matchesUserOf8.3"], "{example}");
    }
}

#[test]
fn the_search_request_is_read() {
    let query = ListQuery::from_search_request(&fixture("rfc7644-3.4.3-search-request")).expect("a query");
    assert_eq!(query.filter, Filter::parse("displayName sw \"smith\"").ok());
    assert_eq!((query.start_index, query.count), (1, Some(10)));
    assert_eq!(query.projection, Projection::new("displayName,userName", ""));
}

#[test]
fn every_patch_of_the_examples_has_the_outcome_that_is_described() {
    let patches = fixture("rfc7644-3.5.2-patches");
    assert_eq!(list(&patches).len(), 11);
    for example in list(&patches) {
        let kind = kind(&example["resourceType"]);
        let request = PatchRequest::parse(&example["request"]).expect("a request");
        let patched = scim::patch::apply(&parse(kind, &example["before"]), &request).expect("an acceptable PATCH");
        assert_eq!(json!(patched.resource.attributes()), example["after"], "{}", example["says"]);
        assert!(patched.changed, "{}", example["says"]);
        assert!(patched.notes.is_empty(), "{}", example["says"]);
    }
}

#[test]
fn the_bulk_requests_are_read_and_ordered() {
    let read = |name: &str| BulkRequest::parse(&fixture(name), 1_000).expect(name);
    let request = read("rfc7644-3.7.3-bulk-request");
    assert_eq!(request.fail_on_errors, Some(1));
    let methods: Vec<_> = request.operations.iter().map(|operation| operation.method).collect();
    assert_eq!(methods, [Method::Post, Method::Put, Method::Patch, Method::Delete]);
    let versions: Vec<_> = request.operations.iter().map(|operation| operation.version.as_deref()).collect();
    assert_eq!(versions, [None, Some("W/\"3694e05e9dff591\""), Some("W/\"edac3253e2c0ef2\""), Some("W/\"0ee8add0a938e1a\"")]);
    assert_eq!(request.order(), [0, 1, 2, 3]);
    assert_eq!(read("rfc7644-3.7.2-bulk-references").order(), [0, 1]);
    // They wait for each other, and §3.7.1 allows to fail there.
    assert_eq!(read("rfc7644-3.7.1-bulk-circular").order(), [0, 1]);
}

#[test]
fn the_bulk_responses_are_written() {
    let result = |method, location: Option<&str>, version: Option<&str>, status| BulkResult {
        method,
        bulk_id: (method == Method::Post).then(|| "qwerty".to_owned()),
        version: version.map(|version| format!("W/\"{version}\"")),
        location: location.map(|id| format!("https://example.com/v2/Users/{id}")),
        status,
        response: None,
    };
    let operations = vec![
        result(Method::Post, Some("92b725cd-9465-4e7d-8c16-01f8e146b87a"), Some("oY4m4wn58tkVjJxK"), 201),
        result(Method::Put, Some("b7c14771-226c-4d05-8860-134711653041"), Some("huJj29dMNgu3WXPD"), 200),
        result(Method::Patch, Some("5d8d29d3-342c-4b5f-8683-a3cb6763ffcc"), Some("huJj29dMNgu3WXPD"), 200),
        result(Method::Delete, Some("e9025315-6bea-44e1-899c-1e07454e468b"), None, 204),
    ];
    assert_eq!(json!(BulkResponse { operations }), fixture("rfc7644-3.7.3-bulk-response"));

    let error = Error::invalid_syntax("Request is unparsable, syntactically incorrect, or violates schema.");
    let failed = BulkResult { response: Some(json!(error)), ..result(Method::Post, None, None, 400) };
    assert_eq!(json!(BulkResponse { operations: vec![failed] }), fixture("rfc7644-3.7.3-bulk-response-failed"));
}

#[test]
fn errors_are_written_as_in_the_examples() {
    let errors = [Error::not_found("Resource 2819c223-7f76-453a-919d-413861904646"), Error::mutability("Attribute 'id' is readOnly")];
    assert_eq!(json!(errors), fixture("rfc7644-3.12-errors"));
}
