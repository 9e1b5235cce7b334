//! Who is calling: a bearer token becomes leave to act in one organisation's directory, or a 401 that tells nothing.

use std::net::IpAddr;

use axum::extract::{FromRequestParts, OriginalUri};
use directory::{
    Call, Error, address_blocks, afterwards,
    provisioning::{
        connection, guesses,
        request::{self, Related},
        tokens::{self, Provisioner},
    },
};
use domain::OrgId;
use http::{header, request::Parts};
use scim::{Notes, Preconditions, Projection};

use super::{activity::Activity, answer::ScimRejection};
use crate::{
    rate_limit::{Guess, known},
    request::ClientIp,
    state::AppState,
};

/// An identity provider whose token is good for the organisation in the URL.
///
/// Every handler and every fallback below `/scim` takes one, so a route cannot forget to ask.
pub(crate) struct Caller {
    pub(crate) state: AppState,
    pub(crate) provisioner: Provisioner,
    pub(crate) call: Call,
    /// The base URL of the organisation's SCIM endpoints.
    pub(crate) base_url: String,
    pub(super) activity: Activity,
}

impl Caller {
    /// The request, for the use cases.
    pub(crate) fn request<'a>(&'a self, projection: &Projection, preconditions: &'a Preconditions) -> request::Request<'a> {
        request::Request {
            db: &self.state.db,
            caller: &self.provisioner,
            base_url: &self.base_url,
            related: Related::wanted(projection),
            preconditions,
            mail_delay: self.state.mail_delay,
            call: &self.call,
        }
    }

    /// Tell the activity log what was tolerated.
    pub(crate) fn tolerated(&self, notes: &Notes) {
        self.activity.tolerated(notes);
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ScimRejection;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ScimRejection> {
        let call = parts.extensions.get::<Call>().cloned().ok_or_else(scim::Error::internal)?;
        let org = org_in(parts).to_owned();
        let authorization = parts.headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
        let ip = parts.extensions.get::<ClientIp>().and_then(|client| client.0);
        let authenticated = {
            let _turn = if state.scim_guesses.is_blocked(ip) { state.slow_lane.turn().await } else { None };
            tokens::authenticate(&state.db, &org, authorization, &call).await
        };
        match authenticated {
            Ok(provisioner) => {
                let activity = parts.extensions.get::<Activity>().cloned().unwrap_or_default();
                activity.is_from(&provisioner);
                state.scim_traffic.check(provisioner.token).map_err(ScimRejection::too_many_requests)?;
                tokens::note_use(&state.db, &provisioner, &call).await;
                let base_url = connection::base_url(state.public_url(), provisioner.at);
                Ok(Self { state: state.clone(), provisioner, call, base_url, activity })
            }
            Err(Error::Unauthenticated) => Err(refuse(state, ip, org, authorization.map(str::to_owned), call).await),
            Err(other) => Err(other.into()),
        }
    }
}

/// The answer to a request without a good token. Whatever is written about it is written afterwards; about one from a network that is
/// blocked, nothing is but how many there were, minute by minute.
async fn refuse(state: &AppState, ip: Option<IpAddr>, org: String, shown: Option<String>, call: Call) -> ScimRejection {
    let guess = state.scim_guesses.count(ip);
    let whose = org.parse::<OrgId>().map_or_else(|_| afterwards::about(known(ip)), Into::into);
    if guess != Guess::Noted {
        state.floods.count(&org, ip, call.now);
    }
    let (db, guesses) = (state.db.clone(), state.scim_guesses.clone());
    match guess {
        Guess::Noted => {
            let (floods, lost_org, at) = (state.floods.clone(), org.clone(), call.now);
            let note = async move {
                let noted = guesses::note_failure(&db, &org, shown.as_deref(), &call).await;
                // Another node may have had enough of it already.
                if let Some(ip) = ip
                    && let Some(until) = address_blocks::blocked_until(&db, ip, call.now).await?
                {
                    guesses.learn(Some(ip), until);
                }
                noted
            };
            state.afterwards.note_or(whose, note, move || floods.count(&lost_org, ip, at));
            scim::Error::unauthorized().into()
        }
        Guess::OneTooMany(wait) => {
            // Where no address is known, everybody is behind this one: that is no reason to shut the others out, too.
            if let Some(ip) = ip {
                state.afterwards.block(address_blocks::network(ip), async move {
                    guesses.learn(Some(ip), address_blocks::block(&db, ip, &call).await?);
                    Ok(())
                });
            }
            ScimRejection::too_many_requests(wait)
        }
        Guess::Blocked(wait) => {
            state.slow_lane.hold().await;
            ScimRejection::too_many_requests(wait)
        }
    }
}

/// The organisation in `/scim/{org}/…`, as it was sent: an id has one spelling, so nothing is decoded.
fn org_in(parts: &Parts) -> &str {
    let path = parts.extensions.get::<OriginalUri>().map_or_else(|| parts.uri.path(), |original| original.0.path());
    path.strip_prefix("/scim/").and_then(|rest| rest.split('/').next()).unwrap_or_default()
}
