//! What this provider can do, and what its resources are made of.

use axum::extract::RawQuery;
use directory::provisioning::{
    cursor,
    query::{MOST_ON_A_PAGE, PAGE},
};
use scim::{
    Kind, ListResponse,
    config::{self, Options},
};
use serde_json::Value;

use super::{
    answer::{ScimRejection, ScimResponse},
    body::{self, InPath},
    bulk,
    caller::Caller,
};

/// `GET /ServiceProviderConfig`
pub(crate) async fn service_provider_config(caller: Caller, query: RawQuery) -> Result<ScimResponse, ScimRejection> {
    unfiltered(&query)?;
    let options = Options {
        documentation_uri: None,
        bulk: true,
        bulk_max_operations: bulk::MOST_OPERATIONS as u64,
        bulk_max_payload_size: body::LARGEST as u64,
        filter_max_results: MOST_ON_A_PAGE,
        sort: true,
        etag: true,
        cursor_timeout: Some(cursor::TIMEOUT.as_secs()),
        default_page_size: PAGE,
    };
    Ok(ScimResponse::ok(config::service_provider_config(&caller.base_url, &options)))
}

/// `GET /ResourceTypes`
pub(crate) async fn resource_types(caller: Caller, query: RawQuery) -> Result<ScimResponse, ScimRejection> {
    unfiltered(&query)?;
    Ok(all(config::resource_types(&caller.base_url)))
}

/// `GET /ResourceTypes/{name}`
pub(crate) async fn resource_type(caller: Caller, InPath(name): InPath, query: RawQuery) -> Result<ScimResponse, ScimRejection> {
    unfiltered(&query)?;
    let kind = Kind::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| scim::Error::not_found("ResourceType"))?;
    Ok(ScimResponse::ok(config::resource_type(&caller.base_url, kind)))
}

/// `GET /Schemas`
pub(crate) async fn schemas(caller: Caller, query: RawQuery) -> Result<ScimResponse, ScimRejection> {
    unfiltered(&query)?;
    Ok(all(config::schemas(&caller.base_url)))
}

/// `GET /Schemas/{urn}`
pub(crate) async fn schema(caller: Caller, InPath(urn): InPath, query: RawQuery) -> Result<ScimResponse, ScimRejection> {
    unfiltered(&query)?;
    let schema = config::schema(&caller.base_url, &urn).ok_or_else(|| scim::Error::not_found("Schema"))?;
    Ok(ScimResponse::ok(schema))
}

/// `/Me`: a provisioning token stands for no person (RFC 7644 §3.11).
pub(crate) async fn me(_: Caller) -> ScimRejection {
    scim::Error::not_implemented("A provisioning token stands for no person: there is no /Me.").into()
}

/// Discovery is never filtered: whoever asks for a part would take it for the whole (RFC 7644 §4).
fn unfiltered(RawQuery(query): &RawQuery) -> Result<(), scim::Error> {
    let mut names = form_urlencoded::parse(query.as_deref().unwrap_or_default().as_bytes()).map(|(name, _)| name);
    if names.any(|name| name.eq_ignore_ascii_case("filter")) {
        return Err(scim::Error::forbidden("Discovery endpoints take no filter."));
    }
    Ok(())
}

fn all(resources: Vec<Value>) -> ScimResponse {
    let total = u64::try_from(resources.len()).unwrap_or(u64::MAX);
    ScimResponse::ok(serde_json::to_value(ListResponse::new(total, 1, resources)).unwrap_or(Value::Null))
}
