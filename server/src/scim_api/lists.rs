//! Lists and searches: of users, of groups, and at the root of both.

use directory::provisioning::query::{self, Resource};
use scim::{Kind, ListQuery, ListResponse, Preconditions};
use serde_json::Value;

use super::{
    answer::{ScimRejection, ScimResponse},
    body::{ScimJson, ScimQuery},
    caller::Caller,
    represent, stream,
};

/// `GET /Users`
pub(super) async fn users(caller: Caller, ScimQuery(query): ScimQuery) -> Result<ScimResponse, ScimRejection> {
    answer(caller, &[Kind::User], query).await
}

/// `GET /Groups`
pub(super) async fn groups(caller: Caller, ScimQuery(query): ScimQuery) -> Result<ScimResponse, ScimRejection> {
    answer(caller, &[Kind::Group], query).await
}

/// `GET /`: resources of all types (RFC 7644 §3.4.2.1).
pub(super) async fn root(caller: Caller, ScimQuery(query): ScimQuery) -> Result<ScimResponse, ScimRejection> {
    answer(caller, &Kind::ALL, query).await
}

/// `POST /Users/.search`: the same as GET, without personal data in a URL (RFC 7644 §3.4.3).
pub(super) async fn search_users(caller: Caller, ScimJson(body): ScimJson) -> Result<ScimResponse, ScimRejection> {
    answer(caller, &[Kind::User], ListQuery::from_search_request(&body)?).await
}

/// `POST /Groups/.search`
pub(super) async fn search_groups(caller: Caller, ScimJson(body): ScimJson) -> Result<ScimResponse, ScimRejection> {
    answer(caller, &[Kind::Group], ListQuery::from_search_request(&body)?).await
}

/// `POST /.search`
pub(super) async fn search_root(caller: Caller, ScimJson(body): ScimJson) -> Result<ScimResponse, ScimRejection> {
    answer(caller, &Kind::ALL, ListQuery::from_search_request(&body)?).await
}

async fn answer(caller: Caller, kinds: &[Kind], query: ListQuery) -> Result<ScimResponse, ScimRejection> {
    let none = Preconditions::default();
    let page = query::list(caller.request(&query.projection, &none), kinds, &query).await?;
    let Some(reader) = page.reader else {
        let resources = page.resources.iter().map(|found| represent::resource(&caller, found, &query.projection)).collect();
        return Ok(ScimResponse::ok(message(page.total, &query, page.next_cursor, resources)));
    };
    let resources: Vec<_> = page
        .resources
        .iter()
        .map(|found| {
            let members_of = match found {
                Resource::Group(group) => Some(group.id),
                Resource::User(_) => None,
            };
            stream::Item { resource: represent::resource(&caller, found, &query.projection), members_of }
        })
        .collect();
    let items = resources.len() as u64;
    let mut list = message(page.total, &query, page.next_cursor, vec![]);
    list["itemsPerPage"] = items.into();
    Ok(ScimResponse::streamed(stream::list(caller, reader, query.projection, &list, resources)?))
}

fn message(total: u64, query: &ListQuery, next_cursor: Option<String>, resources: Vec<Value>) -> Value {
    let list = match &query.cursor {
        Some(_) => ListResponse::with_cursor(total, next_cursor, resources),
        None => ListResponse::new(total, query.start_index, resources),
    };
    serde_json::to_value(list).unwrap_or(Value::Null)
}
