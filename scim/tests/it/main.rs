//! The protocol through its public door: one module per subject, one test per behaviour.

mod all_types;
mod bulk;
mod compare;
mod config;
mod etag;
mod filter;
mod hostile;
mod identity_providers;
mod inputs;
mod json;
mod list;
mod members;
mod patch;
mod path;
mod projection;
mod properties;
mod resource;
mod rfc_examples;
mod schema;
mod sort;

use scim::{Error, Kind, Notes, PatchRequest, Patched, Resource, ScimType};
use serde_json::{Value, json};

/// A user from a POST body that must be acceptable.
fn user(body: Value) -> Resource {
    Resource::parse(Kind::User, &body, &mut Notes::new()).expect("an acceptable user")
}

/// A group from a POST body that must be acceptable.
fn group(body: Value) -> Resource {
    Resource::parse(Kind::Group, &body, &mut Notes::new()).expect("an acceptable group")
}

/// The user that most tests start from.
fn mira() -> Resource {
    user(json!({
        "userName": "mira.olsen@acme.test",
        "externalId": "00u7",
        "name": {"givenName": "Mira", "familyName": "Olsen"},
        "active": true,
        "emails": [
            {"value": "mira.olsen@acme.test", "type": "work", "primary": true},
            {"value": "mira@home.test", "type": "home"},
        ],
    }))
}

/// Apply operations as a client would send them.
fn patch(resource: &Resource, operations: Value) -> Result<Patched, Error> {
    let body = json!({"schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations});
    scim::patch::apply(resource, &PatchRequest::parse(&body)?)
}

/// Apply operations that must succeed, and give the new resource.
fn patched(resource: &Resource, operations: Value) -> Resource {
    patch(resource, operations).expect("an acceptable PATCH").resource
}

/// What a refusal looks like to a client.
fn refusal<T: std::fmt::Debug>(result: Result<T, Error>) -> (u16, Option<ScimType>) {
    let error = result.expect_err("a refusal");
    (error.status, error.scim_type)
}

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
