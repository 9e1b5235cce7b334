//! What a SCIM request carries: its body, its query, the id in its path.

use std::str::FromStr;

use axum::{
    body::to_bytes,
    extract::{FromRequest, FromRequestParts, Path, Request},
};
use domain::{DirectoryGroupId, DirectoryUserId};
use http::{header, request::Parts};
use scim::{ListQuery, Preconditions, Tags};
use serde_json::Value;

use super::{activity::Activity, answer::ScimRejection};
use crate::state::AppState;

/// The largest request body: a group's whole member list fits.
pub(super) const LARGEST: usize = 4 * 1024 * 1024;

/// A JSON body, of SCIM's media type or plain JSON's (OneLogin sends that).
pub(crate) struct ScimJson(pub(crate) Value);

impl FromRequest<AppState> for ScimJson {
    type Rejection = ScimRejection;

    async fn from_request(request: Request, _: &AppState) -> Result<Self, ScimRejection> {
        let activity = request.extensions().get::<Activity>().cloned();
        if let Some(media_type) = request.headers().get(header::CONTENT_TYPE) {
            let text = media_type.to_str().unwrap_or_default().to_ascii_lowercase();
            let essence = text.split(';').next().unwrap_or_default().trim();
            if essence != "application/scim+json" && essence != "application/json" {
                return Err(scim::Error::unsupported_media_type("Send application/scim+json.").into());
            }
        }
        let too_large = || scim::Error::payload_too_large(format!("A request has at most {LARGEST} bytes (maxPayloadSize)."));
        let announced = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > LARGEST) {
            return Err(too_large().into());
        }
        let bytes = to_bytes(request.into_body(), LARGEST).await.map_err(|error| {
            // The only error besides the limit is a client that went away.
            tracing::debug!(%error, "a body could not be read");
            too_large()
        })?;
        if let Some(activity) = activity {
            activity.sent(&bytes);
        }
        Ok(Self(scim::json::parse(&bytes)?))
    }
}

/// The query of a list, or of any request that names attributes. What is not SCIM's is ignored (RFC 7644 §3.4.2).
pub(crate) struct ScimQuery(pub(crate) ListQuery);

impl FromRequestParts<AppState> for ScimQuery {
    type Rejection = ScimRejection;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ScimRejection> {
        // `+` is a space and a trailing `&` is nothing (OneLogin).
        let query = parts.uri.query().unwrap_or_default();
        let pairs = form_urlencoded::parse(query.as_bytes()).map(|(name, value)| (name.into_owned(), value.into_owned()));
        Ok(Self(ListQuery::from_pairs(pairs)?))
    }
}

/// Which versions of a resource the client wants (RFC 7644 §3.14). Several headers are one list.
pub(crate) struct Conditions(pub(crate) Preconditions);

impl FromRequestParts<AppState> for Conditions {
    type Rejection = ScimRejection;

    async fn from_request_parts(parts: &mut Parts, _: &AppState) -> Result<Self, ScimRejection> {
        let tags = |name: header::HeaderName| {
            let values: Vec<_> = parts.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
            // Some proxies send the header with nothing in it.
            let values = values.join(",");
            (!values.trim().is_empty()).then(|| Tags::parse(&values))
        };
        Ok(Self(Preconditions { if_match: tags(header::IF_MATCH), if_none_match: tags(header::IF_NONE_MATCH) }))
    }
}

/// The last segment of a path, decoded. What cannot be decoded is nothing of ours: a 404 in SCIM's form.
pub(crate) struct InPath(pub(crate) String);

impl FromRequestParts<AppState> for InPath {
    type Rejection = ScimRejection;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ScimRejection> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        path.map(|Path((_, segment))| Self(segment)).map_err(|_| scim::Error::not_found("Resource").into())
    }
}

/// The id in a path. What is not an id of ours is nobody's: a 404 in SCIM's form.
async fn id_in_path<Id: FromStr>(parts: &mut Parts, state: &AppState, what: &str) -> Result<Id, ScimRejection> {
    let not_found = || ScimRejection::from(scim::Error::not_found(what));
    let Path((_, id)) = Path::<(String, String)>::from_request_parts(parts, state).await.map_err(|_| not_found())?;
    id.parse().map_err(|_| not_found())
}

/// The id of a user in the path.
pub(crate) struct UserPath(pub(crate) DirectoryUserId);

impl FromRequestParts<AppState> for UserPath {
    type Rejection = ScimRejection;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ScimRejection> {
        id_in_path(parts, state, "User").await.map(Self)
    }
}

/// The id of a group in the path.
pub(crate) struct GroupPath(pub(crate) DirectoryGroupId);

impl FromRequestParts<AppState> for GroupPath {
    type Rejection = ScimRejection;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ScimRejection> {
        id_in_path(parts, state, "Group").await.map(Self)
    }
}
