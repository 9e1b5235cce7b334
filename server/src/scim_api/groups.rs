//! Groups, as far as identity providers need them in order to connect: Okta and Entra ask for a list before anything
//! else, and the honest one is empty. Creating one is refused by name.

use scim::{Kind, ListResponse};
use serde_json::Value;

use super::{
    answer::{ScimRejection, ScimResponse},
    body::ScimQuery,
    caller::Caller,
};

/// `GET /Groups`
pub(crate) async fn list(_: Caller, ScimQuery(query): ScimQuery) -> Result<ScimResponse, ScimRejection> {
    if let Some(filter) = query.filter {
        filter.resolve(Kind::Group)?;
    }
    let body = serde_json::to_value(ListResponse::new(0, query.start_index, vec![]));
    Ok(ScimResponse::ok(body.unwrap_or(Value::Null)))
}

/// `GET /Groups/{id}`
pub(crate) async fn get(_: Caller) -> ScimRejection {
    scim::Error::not_found("Group").into()
}

/// Changes to groups
pub(crate) async fn unsupported(_: Caller) -> ScimRejection {
    scim::Error::not_implemented("Groups cannot be provisioned.").into()
}
