//! How pages call the server: what they load, what they do, and what happens when the session has ended meanwhile.

use std::{future::Future, time::Duration};

use leptos::{prelude::*, server_fn::ServerFn};
use serde::{Serialize, de::DeserializeOwned};

use crate::{browser, error::AppError};

/// Load what a page shows, and again whenever `source` changes.
pub fn load<S, T, Fut>(
    source: impl Fn() -> S + Send + Sync + 'static,
    fetch: impl Fn(S) -> Fut + Send + Sync + 'static,
) -> Resource<Result<T, AppError>>
where
    S: PartialEq + Clone + Send + Sync + 'static,
    T: Clone + Send + Sync + Serialize + DeserializeOwned + 'static,
    Fut: Future<Output = Result<T, AppError>> + Send + 'static,
{
    Resource::new(source, move |source| {
        let answer = fetch(source);
        async move { heed(answer.await) }
    })
}

/// An action for a form that posts to the server function `S`.
pub fn action<S>() -> ServerAction<S>
where
    S: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    let action = ServerAction::<S>::new();
    Effect::new(move |_| {
        // Only an answer of this visit counts. One that is still in the URL, from a form post without JavaScript, would
        // reload the page for ever.
        if action.version().get() > 0 {
            let _ = action.value().get_untracked().map(heed);
        }
    });
    action
}

/// Pass an answer on. A session that has ended makes the browser load the page again, whatever was asked: the server then
/// leads to the sign-in page and back here.
pub fn heed<T>(answer: Result<T, AppError>) -> Result<T, AppError> {
    if matches!(answer, Err(AppError::SignedOut)) {
        browser::reload();
    }
    answer
}

/// What went wrong with `action` when it was last done.
pub fn failure<S>(action: ServerAction<S>) -> Signal<Option<AppError>>
where
    S: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
{
    Signal::derive(move || action.value().get().and_then(Result::err))
}

/// Load `resource` again each time `action` has succeeded, and do `after` once the page shows what was loaded.
///
/// The page changes twice, so to speak: what was pressed goes away, and something else comes. Only then is there a place
/// that can keep the focus.
pub fn refresh<S, T>(action: ServerAction<S>, resource: Resource<T>, after: impl Fn() + Clone + 'static)
where
    S: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
    T: Clone + PartialEq + Send + Sync + Serialize + DeserializeOwned + 'static,
{
    let awaited = StoredValue::new(false);
    Effect::new(move |_| {
        if action.version().get() > 0 && action.value().get_untracked().is_some_and(|answer| answer.is_ok()) {
            awaited.set_value(true);
            resource.refetch();
        }
    });
    Effect::new(move |before: Option<Option<T>>| {
        let now = resource.get();
        if awaited.get_value() && before.is_some_and(|before| before != now) {
            awaited.set_value(false);
            set_timeout(after.clone(), Duration::ZERO);
        }
        now
    });
}
