//! The API: what a person's token opens, and what services ask of us. Every answer is JSON.

use axum::{
    Extension, Json,
    extract::{FromRequestParts, Path, State, rejection::JsonRejection},
    response::Response,
    routing::{get, post},
};
use directory::{
    Call, Error,
    oauth::{
        acting::{self, Bearer},
        introspection,
    },
};
use domain::{AgentId, oauth::Scope};
use http::{StatusCode, header, request::Parts};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    oauth::{Caller, Failure, answer, in_json, refused, shown_to},
    state::AppState,
    surface::{Demand, Surface},
};

/// The routes below `/api/v1`.
pub(crate) fn routes() -> Surface {
    Surface::default()
        .at("/me", Demand::PersonsToken, get(me))
        .at("/agents", Demand::PersonsToken, get(agents))
        .at("/agents/{agent}/authorize", Demand::ServiceCredential, post(authorize))
        .with(in_json)
        .below("/api/v1")
}

/// A person's token that is good at this moment.
struct Person(Bearer);

impl FromRequestParts<AppState> for Person {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Failure> {
        let call = parts.extensions.get::<Call>().cloned().ok_or(Failure::Internal)?;
        let header = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| value.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let (_, token) = token.ok_or(Failure::NoCredential)?;
        match acting::authenticate(&state.db, token.trim(), &call).await {
            Ok(bearer) => Ok(Self(bearer)),
            Err(Error::Unauthenticated) => Err(refused(state, token.trim(), Failure::NoToken, &call)),
            Err(other) => Err(other.into()),
        }
    }
}

impl Person {
    fn allows(&self, scope: Scope) -> Result<(), Failure> {
        if self.0.scopes.has(scope) { Ok(()) } else { Err(Failure::InsufficientScope(scope.as_str())) }
    }
}

/// `GET /api/v1/me`: who she is, her role and her teams.
async fn me(person: Person) -> Result<Response, Failure> {
    person.allows(Scope::Profile)?;
    let bearer = &person.0;
    Ok(answer(
        StatusCode::OK,
        json!({
            "subject": bearer.subject,
            "name": bearer.name,
            "org": { "id": bearer.scope.org(), "slug": bearer.org_slug, "name": bearer.org_name },
            "role": bearer.role.as_str(),
            "teams": teams(bearer),
        }),
    ))
}

/// Her teams, with her role in each.
pub(crate) fn teams(bearer: &Bearer) -> Vec<Value> {
    bearer.teams.iter().map(|(id, name, role)| json!({ "id": id, "name": name, "role": role.as_str() })).collect()
}

/// `GET /api/v1/agents`: the agents that she may use, and through what.
async fn agents(person: Person) -> Result<Response, Failure> {
    person.allows(Scope::Agents)?;
    let agents = person.0.agents.iter();
    let agents =
        agents.map(|agent| json!({ "id": agent.id, "name": agent.name, "description": agent.description, "through": agent.through }));
    Ok(answer(StatusCode::OK, json!({ "agents": agents.collect::<Vec<_>>() })))
}

/// The question of [`authorize`].
#[derive(Deserialize)]
struct Question {
    /// The token that the service was shown.
    token: String,
}

/// `POST /api/v1/agents/{agent}/authorize`: may whoever has this token use this agent now? Asked by a service of the organisation.
async fn authorize(
    State(state): State<AppState>,
    Extension(call): Extension<Call>,
    Caller(service): Caller,
    Path(agent): Path<String>,
    question: Result<Json<Question>, JsonRejection>,
) -> Result<Response, Failure> {
    let Ok(Json(question)) = question else {
        return Err(Failure::InvalidRequest("Send JSON with the token that you were shown: {\"token\": \"…\"}."));
    };
    // What is no id of ours names no agent, and nobody may use one that there is not.
    let agent = agent.parse::<AgentId>().ok();
    let found = introspection::introspect(&state.db, service, &question.token, &call).await?;
    if found.is_none() {
        shown_to(&state, service, &question.token, &call);
    }
    let opened = found.as_ref().and_then(|bearer| Some((bearer, bearer.opens(agent?)?)));
    let Some((bearer, reach)) = opened else { return Ok(answer(StatusCode::OK, json!({ "allowed": false }))) };
    Ok(answer(
        StatusCode::OK,
        json!({
            "allowed": true,
            "sub": bearer.subject,
            "role": bearer.role.as_str(),
            "agent": { "id": reach.id, "name": reach.name },
            "through": reach.through,
        }),
    ))
}
