//! `/Users`

use directory::provisioning::users::{self, User};
use scim::{Kind, PatchRequest};

use super::{
    answer::{ScimRejection, ScimResponse},
    body::{Conditions, ScimJson, ScimQuery, UserPath},
    caller::Caller,
    represent,
};

/// `POST /Users`
pub(super) async fn create(
    caller: Caller,
    Conditions(conditions): Conditions,
    ScimQuery(query): ScimQuery,
    ScimJson(body): ScimJson,
) -> Result<ScimResponse, ScimRejection> {
    let (user, notes) = users::create(caller.request(&query.projection, &conditions), &body).await?;
    caller.tolerated(&notes);
    let location = represent::location(&caller, Kind::User, user.id);
    Ok(ScimResponse::created(location, represent::user(&caller, &user, &query.projection)).tagged(represent::user_tag(&user)))
}

/// `GET /Users/{id}`
pub(super) async fn get(
    caller: Caller,
    UserPath(id): UserPath,
    Conditions(conditions): Conditions,
    ScimQuery(query): ScimQuery,
) -> Result<ScimResponse, ScimRejection> {
    let user = users::get(caller.request(&query.projection, &conditions), id).await?;
    let location = represent::location(&caller, Kind::User, user.id);
    let body = || represent::user(&caller, &user, &query.projection);
    Ok(ScimResponse::unless_known(&conditions, represent::user_tag(&user), body)?.at(location))
}

/// `PUT /Users/{id}`
pub(super) async fn replace(
    caller: Caller,
    UserPath(id): UserPath,
    Conditions(conditions): Conditions,
    ScimQuery(query): ScimQuery,
    ScimJson(body): ScimJson,
) -> Result<ScimResponse, ScimRejection> {
    let (user, notes) = users::replace(caller.request(&query.projection, &conditions), id, &body).await?;
    caller.tolerated(&notes);
    Ok(changed(&caller, &user, &query))
}

/// `PATCH /Users/{id}`
pub(super) async fn patch(
    caller: Caller,
    UserPath(id): UserPath,
    Conditions(conditions): Conditions,
    ScimQuery(query): ScimQuery,
    ScimJson(body): ScimJson,
) -> Result<ScimResponse, ScimRejection> {
    let operations = PatchRequest::parse(&body)?;
    let (user, notes) = users::patch(caller.request(&query.projection, &conditions), id, &operations).await?;
    caller.tolerated(&notes);
    Ok(changed(&caller, &user, &query))
}

/// `DELETE /Users/{id}`
pub(super) async fn delete(
    caller: Caller,
    UserPath(id): UserPath,
    Conditions(conditions): Conditions,
    ScimQuery(query): ScimQuery,
) -> Result<ScimResponse, ScimRejection> {
    users::delete(caller.request(&query.projection, &conditions), id).await?;
    Ok(ScimResponse::no_content())
}

fn changed(caller: &Caller, user: &User, query: &scim::ListQuery) -> ScimResponse {
    let location = represent::location(caller, Kind::User, user.id);
    ScimResponse::ok(represent::user(caller, user, &query.projection)).at(location).tagged(represent::user_tag(user))
}
