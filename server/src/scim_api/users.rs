//! `/Users`

use directory::provisioning::users::{self, User};
use scim::{Envelope, Kind, ListQuery, ListResponse, Notes, PatchRequest, Projection};
use serde_json::{Map, Value, json};

use super::{
    answer::{ScimRejection, ScimResponse},
    body::{ScimJson, ScimQuery, UserPath},
    caller::Caller,
};

/// `POST /Users`
pub(crate) async fn create(caller: Caller, ScimQuery(query): ScimQuery, ScimJson(body): ScimJson) -> Result<ScimResponse, ScimRejection> {
    let (user, notes) = users::create(caller.request(wants_groups(&query)), &body).await?;
    tell(&notes);
    Ok(ScimResponse::created(location(&caller, &user), represent(&caller, user, &query.projection)))
}

/// `GET /Users/{id}`
pub(crate) async fn get(caller: Caller, UserPath(id): UserPath, ScimQuery(query): ScimQuery) -> Result<ScimResponse, ScimRejection> {
    let user = users::get(caller.request(wants_groups(&query)), id).await?;
    Ok(ScimResponse::ok(represent(&caller, user, &query.projection)))
}

/// `GET /Users`
pub(crate) async fn list(caller: Caller, ScimQuery(query): ScimQuery) -> Result<ScimResponse, ScimRejection> {
    answer(&caller, &query).await
}

/// `POST /Users/.search`: the same, without personal data in a URL (RFC 7644 §3.4.3).
pub(crate) async fn search(caller: Caller, ScimJson(body): ScimJson) -> Result<ScimResponse, ScimRejection> {
    answer(&caller, &ListQuery::from_search_request(&body)?).await
}

async fn answer(caller: &Caller, query: &ListQuery) -> Result<ScimResponse, ScimRejection> {
    let page = users::list(caller.request(wants_groups(query)), query).await?;
    let resources = page.users.into_iter().map(|user| represent(caller, user, &query.projection)).collect();
    let body = serde_json::to_value(ListResponse::new(page.total, query.start_index, resources));
    Ok(ScimResponse::ok(body.unwrap_or(Value::Null)))
}

/// `PUT /Users/{id}`
pub(crate) async fn replace(
    caller: Caller,
    UserPath(id): UserPath,
    ScimQuery(query): ScimQuery,
    ScimJson(body): ScimJson,
) -> Result<ScimResponse, ScimRejection> {
    let (user, notes) = users::replace(caller.request(wants_groups(&query)), id, &body).await?;
    tell(&notes);
    Ok(ScimResponse::ok(represent(&caller, user, &query.projection)))
}

/// `PATCH /Users/{id}`
pub(crate) async fn patch(
    caller: Caller,
    UserPath(id): UserPath,
    ScimQuery(query): ScimQuery,
    ScimJson(body): ScimJson,
) -> Result<ScimResponse, ScimRejection> {
    let operations = PatchRequest::parse(&body)?;
    let (user, notes) = users::patch(caller.request(wants_groups(&query)), id, &operations).await?;
    tell(&notes);
    Ok(ScimResponse::ok(represent(&caller, user, &query.projection)))
}

/// `DELETE /Users/{id}`
pub(crate) async fn delete(caller: Caller, UserPath(id): UserPath) -> Result<ScimResponse, ScimRejection> {
    users::delete(caller.request(false), id).await?;
    Ok(ScimResponse::no_content())
}

fn wants_groups(query: &ListQuery) -> bool {
    query.projection.wants(Kind::User, "groups")
}

fn location(caller: &Caller, user: &User) -> String {
    format!("{}{}/{}", caller.base_url(), Kind::User.endpoint(), user.id)
}

fn represent(caller: &Caller, user: User, projection: &Projection) -> Value {
    let mut computed = Map::new();
    if !user.groups.is_empty() {
        // Read-only: changed only by changing the group (RFC 7643 §4.1.2).
        let group = |(id, display): &(_, String)| {
            let reference = format!("{}{}/{id}", caller.base_url(), Kind::Group.endpoint());
            json!({ "value": id, "$ref": reference, "display": display, "type": "direct" })
        };
        computed.insert("groups".to_owned(), user.groups.iter().map(group).collect());
    }
    let envelope = Envelope {
        id: user.id.to_string(),
        created: user.created_at.to_rfc3339(),
        last_modified: user.updated_at.to_rfc3339(),
        location: location(caller, &user),
        version: format!("W/\"{}\"", user.version),
        computed,
    };
    projection.apply(Kind::User, user.resource.represent(&envelope))
}

/// Say in the log what was tolerated.
pub(super) fn tell(notes: &Notes) {
    for note in notes.iter() {
        tracing::info!(note, "tolerated");
    }
}
