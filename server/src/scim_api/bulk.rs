//! `/Bulk` (RFC 7644 §3.7): many operations in one request, each of them a transaction of its own.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use directory::{
    Error,
    provisioning::{groups, request::Request, users},
};
use domain::{DirectoryGroupId, DirectoryUserId};
use scim::{
    Kind, PatchRequest, Preconditions, Projection, Tags,
    bulk::{BulkOperation, BulkRequest, BulkResponse, BulkResult, Method},
};
use serde_json::Value;

use super::{
    answer::{ScimRejection, ScimResponse},
    body::ScimJson,
    caller::Caller,
    represent,
};

/// The most operations in one request.
pub(super) const MOST_OPERATIONS: usize = 1_000;
/// After this time, no further operation is begun: the request's own limit would leave the client without an answer.
const LONGEST: Duration = Duration::from_secs(240);

/// How long the request has taken so far.
fn took(caller: &Caller) -> Duration {
    Duration::from_micros((caller.state.clock)().as_micros().saturating_sub(caller.call.now.as_micros()).unsigned_abs())
}

/// `POST /Bulk`
pub(super) async fn bulk(caller: Caller, ScimJson(body): ScimJson) -> Result<ScimResponse, ScimRejection> {
    let request = BulkRequest::parse(&body, MOST_OPERATIONS)?;
    caller.activity.has(request.operations.len());
    let mut ids = HashMap::new();
    // New users that are still to be created, and the ids of those that somebody refers to already: two users may be
    // each other's managers.
    let mut coming: HashSet<&str> =
        request.operations.iter().filter(|operation| makes_user(operation)).filter_map(|operation| operation.bulk_id.as_deref()).collect();
    let mut promised: HashMap<String, DirectoryUserId> = HashMap::new();
    let mut results: Vec<(usize, BulkResult)> = vec![];
    let mut failures = 0;
    for position in request.order() {
        let Some(operation) = request.operations.get(position) else { continue };
        for reference in operation.references() {
            // A group has to wait for its members: one who is not there yet would be left out.
            if operation.kind == Kind::User && coming.contains(reference) && !promised.contains_key(reference) {
                let data = request.operations.iter().find(|other| other.bulk_id.as_deref() == Some(reference)).map(|other| &other.data);
                let none = Preconditions::default();
                let id = users::id_of(caller.request(&Projection::default(), &none), data.unwrap_or(&Value::Null)).await;
                promised.insert(reference.to_owned(), id);
                ids.insert(reference.to_owned(), id.to_string());
            }
        }
        if let Some(own) = operation.bulk_id.as_deref() {
            coming.remove(own);
        }
        let own = operation.bulk_id.as_ref().and_then(|own| promised.get(own)).copied();
        let done = match operation.resolved(&ids) {
            // What was carried out is told rather than cut off.
            Ok(_) if took(&caller) > LONGEST => Err(scim::Error::unavailable().into()),
            Ok(resolved) => carry_out(&caller, position, &resolved, own).await,
            Err(error) => Err(error.into()),
        };
        if let (Ok(done), Some(own)) = (&done, &operation.bulk_id) {
            ids.insert(own.clone(), done.id.clone());
        } else if let (Err(_), Some(own)) = (&done, &operation.bulk_id) {
            ids.remove(own);
        }
        if let Err(refused) = &done {
            failures += 1;
            caller.activity.failed_in(position, refused.error());
        }
        // The token has ended on the way: nothing that follows could succeed.
        let ended = done.as_ref().is_err_and(ScimRejection::is_unauthorized);
        if ended && results.is_empty() {
            return Err(scim::Error::unauthorized().into());
        }
        let about = operation.resource(&ids);
        results.push((position, result(&caller, operation, about, done)));
        if ended || request.fail_on_errors.is_some_and(|most| failures >= most.max(1)) {
            break;
        }
    }
    let left = request.operations.len() - results.len();
    if left > 0 {
        caller.activity.left_out(left);
    }
    // Carried out in the order that works, told in the order in which they were sent.
    results.sort_by_key(|(position, _)| *position);
    let response = BulkResponse { operations: results.into_iter().map(|(_, result)| result).collect() };
    Ok(ScimResponse::ok(serde_json::to_value(response).unwrap_or(Value::Null)))
}

fn makes_user(operation: &BulkOperation) -> bool {
    operation.method == Method::Post && operation.kind == Kind::User
}

/// What came of an operation that succeeded.
struct Done {
    id: String,
    status: u16,
    version: Option<String>,
}

async fn carry_out(
    caller: &Caller,
    position: usize,
    operation: &BulkOperation,
    own: Option<DirectoryUserId>,
) -> Result<Done, ScimRejection> {
    let conditions = Preconditions { if_match: operation.version.as_deref().map(Tags::parse), if_none_match: None };
    // Nobody reads the members of a group from the answer to a Bulk.
    let projection = Projection::new("id", "");
    // Each operation has its own moment: a token may expire on the way.
    let call = caller.call.later((caller.state.clock)());
    let request = Request { call: &call, ..caller.request(&projection, &conditions) };
    let BulkOperation { method, kind, data, .. } = operation;
    let id = operation.id.as_deref().unwrap_or_default();
    match kind {
        Kind::User => {
            let id = || id.parse::<DirectoryUserId>().map_err(|_| Error::NotFound("User"));
            let (user, notes) = match method {
                Method::Post => match own {
                    Some(own) => users::create_as(request, own, data).await?,
                    None => users::create(request, data).await?,
                },
                Method::Put => users::replace(request, id()?, data).await?,
                Method::Patch => users::patch(request, id()?, &PatchRequest::parse(data)?).await?,
                Method::Delete => {
                    users::delete(request, id()?).await?;
                    return Ok(Done { id: id()?.to_string(), status: 204, version: None });
                }
            };
            caller.activity.tolerated_in(position, &notes);
            let status = if *method == Method::Post { 201 } else { 200 };
            Ok(Done { id: user.id.to_string(), status, version: Some(represent::user_tag(&user)) })
        }
        Kind::Group => {
            let id = || id.parse::<DirectoryGroupId>().map_err(|_| Error::NotFound("Group"));
            let (group, notes) = match method {
                Method::Post => groups::create(request, data).await?,
                Method::Put => groups::replace(request, id()?, data).await?,
                Method::Patch => groups::patch(request, id()?, &PatchRequest::parse(data)?).await?,
                Method::Delete => {
                    groups::delete(request, id()?).await?;
                    return Ok(Done { id: id()?.to_string(), status: 204, version: None });
                }
            };
            caller.activity.tolerated_in(position, &notes);
            let status = match method {
                Method::Post => 201,
                Method::Patch => 204,
                Method::Put | Method::Delete => 200,
            };
            Ok(Done { id: group.id.to_string(), status, version: Some(represent::group_tag(&group)) })
        }
    }
}

/// What is told of an operation `about` a resource, and what came of it.
fn result(caller: &Caller, operation: &BulkOperation, about: Option<String>, done: Result<Done, ScimRejection>) -> BulkResult {
    let (status, version, id, response) = match done {
        Ok(done) => (done.status, done.version, Some(done.id), None),
        Err(rejection) => {
            let error = rejection.into_error();
            (error.status, None, about, serde_json::to_value(&error).ok())
        }
    };
    BulkResult {
        method: operation.method,
        bulk_id: operation.bulk_id.clone(),
        version,
        location: id.map(|id| represent::location(caller, operation.kind, id)),
        status,
        response,
    }
}
