//! Which routes programs can reach, and what each demands of whoever calls it. The routers are made of this list: a route that is not
//! in it is not there, and a test walks it with nothing in its hands.

use std::convert::Infallible;

use axum::{Router, routing::MethodRouter};

use crate::state::AppState;

/// What a route demands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Nothing.
    Nothing,
    /// A provisioning token of the organisation in the URL, for every method, also for those that it does not have.
    ProvisioningToken,
    /// An access token or a personal token.
    PersonsToken,
    /// A service credential.
    ServiceCredential,
    /// A code or token in the form, which is used up or ended.
    Grant,
}

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its path, with names in braces for what varies.
    pub path: String,
    /// What it demands.
    pub demand: Demand,
}

/// Routes in the making.
#[derive(Default)]
pub struct Surface {
    router: Router<AppState>,
    routes: Vec<Route>,
}

impl Surface {
    /// With one more route.
    pub(crate) fn at(mut self, path: &str, demand: Demand, methods: MethodRouter<AppState, Infallible>) -> Self {
        self.routes.push(Route { path: path.to_owned(), demand });
        Self { router: self.router.route(path, methods), ..self }
    }

    /// With fallbacks or layers. Not for routes.
    pub(crate) fn with(self, change: impl FnOnce(Router<AppState>) -> Router<AppState>) -> Self {
        Self { router: change(self.router), ..self }
    }

    /// With the routes of `other`.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.routes.extend(other.routes);
        Self { router: self.router.merge(other.router), ..self }
    }

    /// The same routes below `prefix`.
    pub(crate) fn below(self, prefix: &str) -> Self {
        let routes = self.routes.into_iter().map(|route| Route { path: format!("{prefix}{}", route.path), ..route });
        Self { routes: routes.collect(), router: Router::new().nest(prefix, self.router) }
    }

    /// Every route.
    pub fn routes(&self) -> &[Route] {
        &self.routes
    }

    pub(crate) fn into_router(self) -> Router<AppState> {
        self.router
    }
}
