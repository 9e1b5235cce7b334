use scim::Kind;
use scim::config::{Options, resource_type, resource_types, schema, schemas, service_provider_config};
use serde_json::json;

use crate::ENTERPRISE;

const BASE: &str = "https://api.example.test/v2";

/// What the tests tell about themselves.
pub fn options() -> Options {
    Options {
        documentation_uri: None,
        bulk: true,
        bulk_max_operations: 1_000,
        bulk_max_payload_size: 4 << 20,
        filter_max_results: 200,
        sort: false,
        etag: true,
        cursor_timeout: None,
        default_page_size: 100,
    }
}

#[test]
fn the_configuration_has_all_that_the_rfc_requires() {
    let config = service_provider_config(BASE, &options());
    for pointer in [
        "/schemas/0",
        "/patch/supported",
        "/bulk/supported",
        "/bulk/maxOperations",
        "/bulk/maxPayloadSize",
        "/filter/supported",
        "/filter/maxResults",
        "/changePassword/supported",
        "/sort/supported",
        "/etag/supported",
        "/authenticationSchemes/0/type",
        "/authenticationSchemes/0/name",
        "/authenticationSchemes/0/description",
        "/pagination/cursor",
        "/pagination/index",
        "/meta/location",
    ] {
        assert!(config.pointer(pointer).is_some(), "{pointer}");
    }
    assert_eq!(config.get("documentationUri"), None);
    let documented = Options { documentation_uri: Some("https://docs.test".to_owned()), ..options() };
    assert_eq!(service_provider_config(BASE, &documented)["documentationUri"], "https://docs.test");
}

#[test]
fn a_resource_type_names_its_schemas() {
    let user = resource_type(BASE, Kind::User);
    assert_eq!(user["endpoint"], "/Users");
    assert_eq!(user["schema"], Kind::User.schema().id);
    assert_eq!(user["schemaExtensions"], json!([{"schema": ENTERPRISE, "required": false}]));
    assert_eq!(user["meta"]["location"], format!("{BASE}/ResourceTypes/User"));
    assert_eq!(resource_types(BASE).len(), 2);
}

#[test]
fn each_schema_is_found_under_its_urn_and_listed() {
    let ids: Vec<_> = schemas(BASE).iter().map(|schema| schema["id"].clone()).collect();
    assert_eq!(ids.len(), 3);
    for id in ids {
        let id = id.as_str().expect("a URN");
        assert!(!id.starts_with("urn:ietf:params:scim:api:"), "messages are not listed");
        let found = schema(BASE, &id.to_uppercase()).expect("the schema");
        assert_eq!(found["meta"]["location"], format!("{BASE}/Schemas/{id}"));
    }
    assert_eq!(schema(BASE, "urn:nonsense"), None);
}
