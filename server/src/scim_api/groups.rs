//! `/Groups`

use directory::provisioning::groups::{self, Group};
use http::StatusCode;
use scim::{Kind, ListQuery, PatchRequest, Preconditions};

use super::{
    answer::{ScimRejection, ScimResponse},
    body::{Conditions, GroupPath, ScimJson, ScimQuery},
    caller::Caller,
    represent, stream,
};

/// `POST /Groups`
pub(super) async fn create(
    caller: Caller,
    Conditions(conditions): Conditions,
    ScimQuery(query): ScimQuery,
    ScimJson(body): ScimJson,
) -> Result<ScimResponse, ScimRejection> {
    let (group, notes) = groups::create(caller.request(&query.projection, &conditions), &body).await?;
    caller.tolerated(&notes);
    changed(caller, group, query, StatusCode::CREATED).await
}

/// `GET /Groups/{id}`
pub(super) async fn get(
    caller: Caller,
    GroupPath(id): GroupPath,
    Conditions(conditions): Conditions,
    ScimQuery(query): ScimQuery,
) -> Result<ScimResponse, ScimRejection> {
    let (group, reader) = groups::get(caller.request(&query.projection, &conditions), id).await?;
    let tag = represent::group_tag(&group);
    let location = represent::location(&caller, Kind::Group, group.id);
    let response = ScimResponse::unless_known(&conditions, tag.clone(), || represent::group(&caller, &group, &query.projection))?;
    let response = match reader {
        Some(reader) if response.has_body() => streamed(caller, &group, reader, query)?.tagged(tag),
        _ => response,
    };
    Ok(response.at(location))
}

/// `PUT /Groups/{id}`
pub(super) async fn replace(
    caller: Caller,
    GroupPath(id): GroupPath,
    Conditions(conditions): Conditions,
    ScimQuery(query): ScimQuery,
    ScimJson(body): ScimJson,
) -> Result<ScimResponse, ScimRejection> {
    let (group, notes) = groups::replace(caller.request(&query.projection, &conditions), id, &body).await?;
    caller.tolerated(&notes);
    changed(caller, group, query, StatusCode::OK).await
}

/// `PATCH /Groups/{id}`: 204, since nobody wants a hundred thousand members back; 200 where attributes are asked for
/// (RFC 7644 §3.5.2).
pub(super) async fn patch(
    caller: Caller,
    GroupPath(id): GroupPath,
    Conditions(conditions): Conditions,
    ScimQuery(query): ScimQuery,
    ScimJson(body): ScimJson,
) -> Result<ScimResponse, ScimRejection> {
    let operations = PatchRequest::parse(&body)?;
    let answers = query.projection.asks_for_attributes();
    let mut request = caller.request(&query.projection, &conditions);
    request.related.members &= answers;
    let (group, notes) = groups::patch(request, id, &operations).await?;
    caller.tolerated(&notes);
    if answers {
        return changed(caller, group, query, StatusCode::OK).await;
    }
    Ok(ScimResponse::no_content().tagged(represent::group_tag(&group)))
}

/// `DELETE /Groups/{id}`
pub(super) async fn delete(
    caller: Caller,
    GroupPath(id): GroupPath,
    Conditions(conditions): Conditions,
    ScimQuery(query): ScimQuery,
) -> Result<ScimResponse, ScimRejection> {
    groups::delete(caller.request(&query.projection, &conditions), id).await?;
    Ok(ScimResponse::no_content())
}

/// The answer to a change: the group as it was written, or, if it is too large for one piece, as it is now.
async fn changed(caller: Caller, group: Group, query: ListQuery, status: StatusCode) -> Result<ScimResponse, ScimRejection> {
    let none = Preconditions::default();
    let request = caller.request(&query.projection, &none);
    let location = represent::location(&caller, Kind::Group, group.id);
    let (group, reader) = match request.related.members && group.members.is_none() {
        // The change is made, whatever comes of reading its members: the answer must not say otherwise.
        true => groups::get(request, group.id).await.unwrap_or((group, None)),
        false => (group, None),
    };
    let tag = represent::group_tag(&group);
    let whole = represent::group(&caller, &group, &query.projection);
    let response = reader.and_then(|reader| streamed(caller, &group, reader, query).ok()).unwrap_or_else(|| ScimResponse::ok(whole));
    Ok(response.with_status(status).at(location).tagged(tag))
}

fn streamed(caller: Caller, group: &Group, reader: groups::MemberReader, query: ListQuery) -> Result<ScimResponse, ScimRejection> {
    let resource = represent::group(&caller, group, &query.projection);
    let item = stream::Item { resource, members_of: Some(group.id) };
    Ok(ScimResponse::streamed(stream::resource(caller, reader, query.projection, item)?))
}
