//! What a server function knows about its request. The server's router provides it; here it is only used.

use std::{future::Future, pin::Pin, sync::Arc};

use directory::{
    Afterwards, Call, Db, Error, OrgScope,
    drill::Run,
    keys::Keys,
    passwords::Hasher,
    sessions::{BeginSession, Entry, SignedIn},
    sign_in::Step,
    webhooks::Targets,
};
use domain::{OrgSlug, Permission};
use http::{HeaderValue, header};
use leptos::prelude::*;
use leptos_axum::ResponseOptions;

use crate::{error::AppError, paths};

/// Runs deprovision drills against the nodes that the operator has named. The server's to do: pages know no addresses.
#[derive(Clone)]
pub struct Drills {
    /// The nodes' addresses, for people to read.
    pub nodes: Arc<[String]>,
    /// Runs one; answers when it has ended, or when it takes so long that its report is better waited for elsewhere.
    pub run: Arc<dyn Fn(Run) -> Running + Send + Sync>,
}

/// A drill that is under way.
pub type Running = Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>;

/// One request: the database, who is signed in, the moment, and the settings that pages show.
#[derive(Clone)]
pub struct RequestContext {
    /// The database.
    pub db: Db,
    /// When and from where, and the source of randomness.
    pub call: Call,
    /// Who is signed in, as the session middleware found it for this very request.
    pub signed_in: Option<SignedIn>,
    /// The browser's session.
    pub session: tower_sessions::Session,
    /// What the browser has proven of a sign-in that has another step, signed, as it sent it.
    pub halfway: Option<String>,
    /// Hashes passwords off the async threads.
    pub hasher: Hasher,
    /// Writes what has to wait for the answer.
    pub afterwards: Afterwards,
    /// What signs events.
    pub keys: Keys,
    /// Where events may be sent.
    pub targets: Targets,
    /// The address under which people and identity providers reach us, without a slash at the end.
    pub public_url: String,
    /// Runs deprovision drills.
    pub drills: Drills,
    /// Whether the answer is for a document (a plain form post), not for a call from the browser.
    pub wants_document: bool,
}

impl RequestContext {
    /// The current request's. Only server functions call this, and the router provides it for each of them.
    pub fn current() -> Self {
        expect_context::<Self>()
    }

    /// Who is signed in.
    pub fn signed_in(&self) -> Result<&SignedIn, Error> {
        self.signed_in.as_ref().ok_or(Error::Unauthenticated)
    }

    /// Leave to act in the page's organisation for a viewer whose role there allows `permission`.
    pub fn in_org(&self, org: &OrgSlug, permission: Permission) -> Result<OrgScope, Error> {
        self.signed_in()?.in_org(org, permission)
    }

    /// Take the password that came with a form which only an owner may send, if one came: she has just proven again that it
    /// is she who sits there. What needs that says so itself, in its own transaction.
    pub async fn take_password(&self, password: Option<String>) -> Result<(), Error> {
        let Some(password) = password.filter(|password| !password.is_empty()) else { return Ok(()) };
        directory::sessions::reauthenticate(&self.db, &self.hasher, &self.afterwards, self.signed_in()?, password, &self.call).await
    }

    /// Give the browser a new session id, for the membership that `entry` lets it into; says into which organisation.
    pub async fn enter(&self, entry: Result<Entry, Error>) -> Result<OrgSlug, AppError> {
        let begun = async {
            let entry = entry?;
            let old = self.session.id().map(|id| id.0.to_le_bytes());
            let begin = match &old {
                Some(old) => entry.begin.replacing(old),
                None => entry.begin,
            };
            let begun = self.begin(begin).await;
            if begun.is_err() {
                // The browser is left without a session, rather than with a record that stands for nobody.
                self.session.clear().await;
                if let Some(old) = old {
                    directory::sessions::forget(&self.db, &old).await?;
                }
            }
            begun.map(|()| entry.slug)
        };
        self.answer(begun.await)
    }

    /// Go on with a sign-in: into an organisation, with how many there are to choose from; or to its second step, which is `None`.
    pub async fn follow(&self, step: Result<Step, Error>) -> Result<Option<(OrgSlug, usize)>, AppError> {
        let (signed, page) = match self.answer(step)? {
            Step::In(entry) => {
                let organisations = entry.organisations;
                return Ok(Some((self.enter(Ok(*entry)).await?, organisations)));
            }
            Step::Code(signed) => (signed, paths::SIGN_IN_CODE),
            Step::SetUp(signed) => (signed, paths::SIGN_IN_SECOND_FACTOR),
        };
        self.set_halfway(&signed, STEP_SECONDS);
        leptos_axum::redirect(page);
        Ok(None)
    }

    /// What the browser has proven of a sign-in that has another step.
    pub fn halfway(&self) -> Result<&str, Error> {
        self.halfway.as_deref().ok_or(Error::Unauthenticated)
    }

    /// The second step is done.
    pub fn forget_halfway(&self) {
        self.set_halfway("", 0);
    }

    fn set_halfway(&self, signed: &str, seconds: u32) {
        let https = self.public_url.starts_with("https:");
        let secure = if https { "; Secure" } else { "" };
        let cookie = format!("{}={signed}; Path=/; HttpOnly; SameSite=Strict; Max-Age={seconds}{secure}", step_cookie(https));
        if let (Some(response), Ok(cookie)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(&cookie)) {
            response.append_header(header::SET_COOKIE, cookie);
        }
    }

    /// Have the store insert a session under a new id; it ends the old one in the same transaction.
    async fn begin(&self, begin: BeginSession) -> Result<(), Error> {
        self.session.cycle_id().await.map_err(session_error)?;
        self.session.insert(BeginSession::KEY, begin).await.map_err(session_error)?;
        self.session.save().await.map_err(session_error)
    }

    /// Send the answer with the status and headers that it needs. Every server function ends here.
    pub fn answer<T>(&self, result: Result<T, Error>) -> Result<T, AppError> {
        result.map_err(|error| {
            let error = AppError::from(error);
            // A status would override the redirect with which a plain form post is answered.
            if !self.wants_document
                && let Some(response) = use_context::<ResponseOptions>()
            {
                response.set_status(error.status());
            }
            error
        })
    }

    /// Keep the answer out of every cache, the browser's own among them.
    pub fn no_store(&self) {
        if let Some(response) = use_context::<ResponseOptions>() {
            response.insert_header(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
    }
}

/// A session that could not be begun: its person may no longer enter, or the store is out of reach.
pub fn session_error(error: tower_sessions::session::Error) -> Error {
    match error {
        tower_sessions::session::Error::Store(tower_sessions::session_store::Error::Backend(why)) if why == REFUSED => {
            Error::WrongCredentials
        }
        other => Error::Unavailable(other.to_string()),
    }
}

/// What the session store says when the person may no longer enter: its errors are text.
pub const REFUSED: &str = "refused";

/// How long a browser keeps what the first step has proven; the server believes it no longer, whatever the browser does.
const STEP_SECONDS: u32 = 600;

/// The name of the cookie that holds what the first step of a sign-in has proven.
pub fn step_cookie(https: bool) -> &'static str {
    if https { "__Host-rollcall-step" } else { "rollcall-step" }
}
