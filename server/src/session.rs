//! The browser's session: tower-sessions' cookie over our own table, and the gate in front of the pages.

use std::fmt;

use app::{
    context::{REFUSED, RequestContext, step_cookie},
    paths,
};
use async_trait::async_trait;
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use directory::{
    Call, Error,
    sessions::{self, BeginSession},
    sign_in::second_step,
};
use http::{HeaderMap, Method, StatusCode, header};
use time::OffsetDateTime;
use tower_sessions::{
    Expiry, Session, SessionManagerLayer, SessionStore,
    cookie::SameSite,
    session::{Id, Record},
    session_store,
};

use crate::state::AppState;

/// The largest form.
const LARGEST_FORM: usize = 64 * 1024;

/// Sessions in our own table: a row hangs off one membership, and only a hash of the id is stored.
///
/// `create` inserts, and needs leave to ([`BeginSession`]): there are no anonymous sessions. `save` updates and never
/// inserts, so a session that was ended while a request was in flight stays ended.
#[derive(Clone)]
pub(crate) struct Store(AppState);

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

fn bytes(id: &Id) -> [u8; 16] {
    id.0.to_le_bytes()
}

fn backend(error: Error) -> session_store::Error {
    match error {
        Error::WrongCredentials => session_store::Error::Backend(REFUSED.to_owned()),
        other => session_store::Error::Backend(other.to_string()),
    }
}

#[async_trait]
impl SessionStore for Store {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        let Some(begin) = record.data.remove(BeginSession::KEY) else {
            return Err(session_store::Error::Backend("a session needs somebody to stand for".to_owned()));
        };
        let begin: BeginSession = serde_json::from_value(begin).map_err(|error| session_store::Error::Decode(error.to_string()))?;
        let call = self.0.call();
        sessions::begin(&self.0.db, &bytes(&record.id), &begin, self.0.session_limits, &call).await.map_err(backend)?;
        record.data.insert(LIVE.to_owned(), true.into());
        Ok(())
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        // Zero rows mean that it has ended: the cookie then stands for nothing, and the next request says so.
        sessions::touch(&self.0.db, &bytes(&record.id), (self.0.clock)()).await.map_err(backend)?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        let found = sessions::find(&self.0.db, &bytes(id), self.0.session_limits, (self.0.clock)()).await.map_err(backend)?;
        Ok(found.map(|who| Record {
            id: *id,
            data: [(LIVE.to_owned(), true.into())].into(),
            expiry_date: OffsetDateTime::from_unix_timestamp(who.expires_at.as_micros() / 1_000_000).unwrap_or(OffsetDateTime::UNIX_EPOCH),
        }))
    }

    /// Rows are ended by use cases, in the transaction that says why: signing out, and beginning another in its place.
    async fn delete(&self, _: &Id) -> session_store::Result<()> {
        Ok(())
    }
}

/// A record with no data would have its cookie removed.
const LIVE: &str = "live";

/// The cookie's name.
pub(crate) fn cookie(https: bool) -> &'static str {
    if https { "__Host-rollcall" } else { "rollcall" }
}

/// The cookie: bound to this host and to TLS by its name where there is TLS; read by no script; sent by no other site's forms.
pub(crate) fn layer(state: &AppState) -> SessionManagerLayer<Store> {
    let lifetime = time::Duration::try_from(state.session_limits.absolute).unwrap_or(time::Duration::WEEK);
    SessionManagerLayer::new(Store(state.clone()))
        .with_name(cookie(state.is_https()))
        .with_secure(state.is_https())
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_path("/")
        .with_expiry(Expiry::OnInactivity(lifetime))
}

/// Find out who is asking, anew for each request, before anything is rendered: a page that needs somebody redirects to
/// sign-in, since headers are sent before a page's own checks are done.
///
/// The body is read first: whoever makes it last must not be let in by what was true when it began.
pub(crate) async fn gate(State(state): State<AppState>, session: Session, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, LARGEST_FORM).await else {
        return (StatusCode::PAYLOAD_TOO_LARGE, "A form has at most 64 KiB.").into_response();
    };
    let mut request = Request::from_parts(parts, Body::from(body));
    let Some(call) = request.extensions().get::<Call>().cloned() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let signed_in = match session.id() {
        None => None,
        Some(id) => match sessions::find(&state.db, &bytes(&id), state.session_limits, call.now).await {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(%error, "the session could not be looked up");
                return unavailable();
            }
        },
    };
    let halfway = cookie_of(request.headers(), step_cookie(state.is_https()));
    let path = request.uri().path();
    if request.method() == Method::GET || request.method() == Method::HEAD {
        let needs_somebody = path.starts_with("/o/") || path == paths::ORGANISATIONS || path == paths::DEVICE;
        match &signed_in {
            None if needs_somebody => {
                let lacks = match session.id() {
                    Some(id) => sessions::lacks_second_factor(&state.db, &bytes(&id), state.session_limits, call.now).await,
                    None => Ok(false),
                };
                return match lacks {
                    Ok(lacks) => Redirect::to(&sign_in_for(&request, lacks)).into_response(),
                    Err(error) => {
                        tracing::error!(%error, "the session could not be looked up");
                        unavailable()
                    }
                };
            }
            None if path == "/" => return Redirect::to(paths::SIGN_IN).into_response(),
            Some(who) if path == "/" || path == paths::SIGN_IN => return Redirect::to(&paths::home(&who.org_slug)).into_response(),
            Some(who) if path == paths::DEVICE => {
                let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
                return Redirect::to(&format!("{}{query}", paths::device(&who.org_slug))).into_response();
            }
            _ => {}
        }
        if [paths::SIGN_IN_CODE, paths::SIGN_IN_SECOND_FACTOR].contains(&path) {
            let step = match &halfway {
                Some(signed) => second_step(&state.db, &state.keys, signed, &call).await,
                None => Err(Error::Unauthenticated),
            };
            let due = match step {
                Ok(true) => paths::SIGN_IN_SECOND_FACTOR,
                Ok(false) => paths::SIGN_IN_CODE,
                Err(Error::Unauthenticated) => paths::SIGN_IN,
                Err(error) => {
                    tracing::error!(%error, "a sign-in could not be looked up");
                    return unavailable();
                }
            };
            if due != path {
                return Redirect::to(due).into_response();
            }
        }
    }
    let accepts = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let wants_document = request.method() == Method::POST && accepts.contains("text/html");
    request.extensions_mut().insert(RequestContext {
        db: state.db.clone(),
        call,
        signed_in,
        session,
        halfway,
        hasher: state.hasher.clone(),
        afterwards: state.afterwards.clone(),
        keys: state.keys.clone(),
        targets: state.targets.clone(),
        public_url: state.public_url().to_owned(),
        drills: crate::drill::handle(&state),
        wants_document,
    });
    next.run(request).await
}

/// Sign-in, and the way back to the page that was asked for; `lacks` says that it is a second factor which is missing.
fn sign_in_for(request: &Request, lacks: bool) -> String {
    let wanted = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.append_pair("next", wanted);
    if lacks {
        query.append_pair("why", "second-factor");
    }
    format!("{}?{}", paths::SIGN_IN, query.finish())
}

/// The value of the cookie `name`.
fn cookie_of(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let mut pairs = cookies.filter_map(|cookie| cookie.trim().split_once('='));
    pairs.find(|(found, value)| *found == name && !value.is_empty()).map(|(_, value)| value.to_owned())
}

fn unavailable() -> Response {
    let sentence = "The database cannot be reached at the moment. Try again in a minute.";
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "10")], sentence).into_response()
}
