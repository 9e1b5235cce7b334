//! What a service provider tells about itself: ServiceProviderConfig (RFC 7643 §5), resource types (§6), schemas (§7).

use serde_json::{Value, json};

use crate::schema::{Kind, Schema};

/// The `schemas` value of a service provider configuration.
pub const CONFIG_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig";
/// The `schemas` value of a resource type.
pub const RESOURCE_TYPE_SCHEMA: &str = "urn:ietf:params:scim:schemas:core:2.0:ResourceType";

/// What a service provider supports. PATCH and filters always are; passwords cannot be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Where people can read more.
    pub documentation_uri: Option<String>,
    /// Whether `/Bulk` is there.
    pub bulk: bool,
    /// Operations in one bulk request. Also needed without bulk: authentik cuts PATCH requests by it.
    pub bulk_max_operations: u64,
    /// Bytes in one bulk request.
    pub bulk_max_payload_size: u64,
    /// Resources in one answer.
    pub filter_max_results: u64,
    /// Whether lists can be sorted.
    pub sort: bool,
    /// Whether ETags and conditional requests are there.
    pub etag: bool,
    /// Whether lists can be read with cursors (RFC 9865), and for how many seconds one is good.
    pub cursor_timeout: Option<u64>,
    /// Resources on a page for which no count is given.
    pub default_page_size: u64,
}

/// The configuration, found at `{base}/ServiceProviderConfig`. Every attribute that RFC 7643 §5 requires is there.
pub fn service_provider_config(base: &str, options: &Options) -> Value {
    let location = format!("{base}/ServiceProviderConfig");
    let mut config = json!({
        "schemas": [CONFIG_SCHEMA],
        "patch": { "supported": true },
        "bulk": {
            "supported": options.bulk,
            "maxOperations": options.bulk_max_operations,
            "maxPayloadSize": options.bulk_max_payload_size,
        },
        "filter": { "supported": true, "maxResults": options.filter_max_results },
        "changePassword": { "supported": false },
        "sort": { "supported": options.sort },
        "etag": { "supported": options.etag },
        "pagination": {
            "index": true,
            "cursor": options.cursor_timeout.is_some(),
            "defaultPaginationMethod": "index",
            "defaultPageSize": options.default_page_size,
            "maxPageSize": options.filter_max_results,
        },
        "authenticationSchemes": [{
            "type": "oauthbearertoken",
            "name": "OAuth Bearer Token",
            "description": "Authentication with a bearer token in the Authorization header",
            "specUri": "https://www.rfc-editor.org/info/rfc6750",
            "primary": true,
        }],
        "meta": meta("ServiceProviderConfig", &location),
    });
    if let (Some(seconds), Some(pagination)) = (options.cursor_timeout, config["pagination"].as_object_mut()) {
        pagination.insert("cursorTimeout".to_owned(), json!(seconds));
    }
    if let (Some(uri), Some(config)) = (&options.documentation_uri, config.as_object_mut()) {
        config.insert("documentationUri".to_owned(), json!(uri));
    }
    config
}

/// One resource type, found at `{base}/ResourceTypes/{name}`.
pub fn resource_type(base: &str, kind: Kind) -> Value {
    let extensions: Vec<Value> = kind.extensions().iter().map(|schema| json!({ "schema": schema.id, "required": false })).collect();
    json!({
        "schemas": [RESOURCE_TYPE_SCHEMA],
        "id": kind.name(),
        "name": kind.name(),
        "endpoint": kind.endpoint(),
        "description": kind.schema().description,
        "schema": kind.schema().id,
        "schemaExtensions": extensions,
        "meta": meta("ResourceType", &format!("{base}/ResourceTypes/{}", kind.name())),
    })
}

/// All resource types.
pub fn resource_types(base: &str) -> Vec<Value> {
    Kind::ALL.into_iter().map(|kind| resource_type(base, kind)).collect()
}

/// One schema, found at `{base}/Schemas/{urn}`; `None` if there is none with this URN.
pub fn schema(base: &str, urn: &str) -> Option<Value> {
    Kind::ALL.into_iter().find_map(|kind| kind.schema_by_urn(urn)).map(|schema| published(base, schema))
}

/// All schemas.
pub fn schemas(base: &str) -> Vec<Value> {
    Kind::ALL
        .into_iter()
        .flat_map(|kind| std::iter::once(kind.schema()).chain(kind.extensions().iter().copied()))
        .map(|schema| published(base, schema))
        .collect()
}

fn published(base: &str, schema: &Schema) -> Value {
    let mut value = json!(schema);
    if let Some(value) = value.as_object_mut() {
        value.insert("meta".to_owned(), meta("Schema", &format!("{base}/Schemas/{}", schema.id)));
    }
    value
}

fn meta(resource_type: &str, location: &str) -> Value {
    json!({ "resourceType": resource_type, "location": location })
}
