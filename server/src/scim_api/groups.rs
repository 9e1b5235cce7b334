//! `/Groups`

use directory::provisioning::groups::{self, Group};
use scim::{Envelope, Kind, ListQuery, ListResponse, PatchRequest, Projection};
use serde_json::{Map, Value, json};

use super::{
    answer::{ScimRejection, ScimResponse},
    body::{GroupPath, ScimJson, ScimQuery},
    caller::Caller,
    users::tell,
};

/// `POST /Groups`
pub(crate) async fn create(caller: Caller, ScimQuery(query): ScimQuery, ScimJson(body): ScimJson) -> Result<ScimResponse, ScimRejection> {
    let (group, notes) = groups::create(caller.request(wants_members(&query)), &body).await?;
    tell(&notes);
    Ok(ScimResponse::created(location(&caller, &group), represent(&caller, group, &query.projection)))
}

/// `GET /Groups/{id}`
pub(crate) async fn get(caller: Caller, GroupPath(id): GroupPath, ScimQuery(query): ScimQuery) -> Result<ScimResponse, ScimRejection> {
    let group = groups::get(caller.request(wants_members(&query)), id).await?;
    Ok(ScimResponse::ok(represent(&caller, group, &query.projection)))
}

/// `GET /Groups`
pub(crate) async fn list(caller: Caller, ScimQuery(query): ScimQuery) -> Result<ScimResponse, ScimRejection> {
    answer(&caller, &query).await
}

/// `POST /Groups/.search`: the same, without personal data in a URL (RFC 7644 §3.4.3).
pub(crate) async fn search(caller: Caller, ScimJson(body): ScimJson) -> Result<ScimResponse, ScimRejection> {
    answer(&caller, &ListQuery::from_search_request(&body)?).await
}

async fn answer(caller: &Caller, query: &ListQuery) -> Result<ScimResponse, ScimRejection> {
    let page = groups::list(caller.request(wants_members(query)), query).await?;
    let resources = page.groups.into_iter().map(|group| represent(caller, group, &query.projection)).collect();
    let body = serde_json::to_value(ListResponse::new(page.total, query.start_index, resources));
    Ok(ScimResponse::ok(body.unwrap_or(Value::Null)))
}

/// `PUT /Groups/{id}`
pub(crate) async fn replace(
    caller: Caller,
    GroupPath(id): GroupPath,
    ScimQuery(query): ScimQuery,
    ScimJson(body): ScimJson,
) -> Result<ScimResponse, ScimRejection> {
    let (group, notes) = groups::replace(caller.request(wants_members(&query)), id, &body).await?;
    tell(&notes);
    Ok(ScimResponse::ok(represent(&caller, group, &query.projection)))
}

/// `PATCH /Groups/{id}`: 204, since nobody wants a hundred thousand members back; 200 where attributes are asked for
/// (RFC 7644 §3.5.2).
pub(crate) async fn patch(
    caller: Caller,
    GroupPath(id): GroupPath,
    ScimQuery(query): ScimQuery,
    ScimJson(body): ScimJson,
) -> Result<ScimResponse, ScimRejection> {
    let operations = PatchRequest::parse(&body)?;
    let answers = query.projection.asks_for_attributes();
    let (group, notes) = groups::patch(caller.request(answers && wants_members(&query)), id, &operations).await?;
    tell(&notes);
    if answers {
        return Ok(ScimResponse::ok(represent(&caller, group, &query.projection)));
    }
    Ok(ScimResponse::no_content())
}

/// `DELETE /Groups/{id}`
pub(crate) async fn delete(caller: Caller, GroupPath(id): GroupPath) -> Result<ScimResponse, ScimRejection> {
    groups::delete(caller.request(false), id).await?;
    Ok(ScimResponse::no_content())
}

fn wants_members(query: &ListQuery) -> bool {
    query.projection.wants(Kind::Group, "members")
}

fn location(caller: &Caller, group: &Group) -> String {
    format!("{}{}/{}", caller.base_url(), Kind::Group.endpoint(), group.id)
}

fn represent(caller: &Caller, group: Group, projection: &Projection) -> Value {
    let users = format!("{}{}", caller.base_url(), Kind::User.endpoint());
    let member = |member: &groups::GroupMember| {
        let reference = format!("{users}/{}", member.user);
        json!({ "value": member.user, "$ref": reference, "display": member.display, "type": "User" })
    };
    let mut computed = Map::new();
    if let Some(members) = &group.members {
        computed.insert("members".to_owned(), members.iter().map(member).collect());
    }
    let envelope = Envelope {
        id: group.id.to_string(),
        created: group.created_at.to_rfc3339(),
        last_modified: group.updated_at.to_rfc3339(),
        location: location(caller, &group),
        version: format!("W/\"{}\"", group.version),
        computed,
    };
    projection.apply(Kind::Group, group.resource.represent(&envelope))
}
