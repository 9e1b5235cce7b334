//! A request of a client: a form in which nothing stands twice (RFC 6749 §3.2).

use std::collections::BTreeMap;

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
};
use http::header;

use super::Failure;
use crate::state::AppState;

/// The names and values of a form.
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    /// The value of `name`; one that is empty counts as not there (RFC 6749 §3.2).
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The value of `name`, which has to be there; `missing` says so.
    pub(crate) fn needed(&self, name: &str, missing: &'static str) -> Result<&str, Failure> {
        self.get(name).ok_or(Failure::InvalidRequest(missing))
    }
}

impl FromRequest<AppState> for Form {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Failure> {
        let kind =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_ascii_lowercase();
        if kind.split(';').next().unwrap_or_default().trim() != "application/x-www-form-urlencoded" {
            return Err(Failure::InvalidRequest("Send a form: application/x-www-form-urlencoded."));
        }
        let body =
            Bytes::from_request(request, state).await.map_err(|_| Failure::InvalidRequest("The form is too large, or was cut off."))?;
        let mut values = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(&body) {
            if values.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(Failure::InvalidRequest("Something in the form stands there twice."));
            }
        }
        Ok(Self(values))
    }
}
