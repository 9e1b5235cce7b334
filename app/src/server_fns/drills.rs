//! Settings → Security: deprovision drills. An owner runs one; auditors and administrators read what came of it.

#[cfg(feature = "ssr")]
use domain::Permission;
use domain::{
    DrillId, OrgSlug,
    view::{DrillPage, DrillsView, LastDrillView},
};
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context::RequestContext;
use crate::error::AppError;

/// The drills of `org` that are kept.
#[server(prefix = "/api", endpoint = "drills")]
pub async fn drills(org: OrgSlug) -> Result<DrillsView, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::SeeSecurity)?;
            directory::drill::list(&request.db, request.signed_in()?, scope, &request.drills.nodes, &request.call).await
        }
        .await,
    )
}

/// The last drill that has ended, for a viewer who may know.
#[server(prefix = "/api", endpoint = "last_drill")]
pub async fn last_drill(org: OrgSlug) -> Result<Option<LastDrillView>, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::Enter)?;
            directory::drill::last(&request.db, request.signed_in()?, scope, &request.call).await
        }
        .await,
    )
}

/// One of them, with its report.
#[server(prefix = "/api", endpoint = "drill")]
pub async fn drill(org: OrgSlug, drill: DrillId) -> Result<DrillPage, AppError> {
    let request = RequestContext::current();
    request.answer(
        async {
            let scope = request.in_org(&org, Permission::SeeSecurity)?;
            directory::drill::page(&request.db, scope, drill, &request.call).await
        }
        .await,
    )
}

/// Run a drill; then on to its report. The nodes are the operator's to name: no address comes from a browser.
#[server(prefix = "/api", endpoint = "run_drill")]
pub async fn run_drill(org: OrgSlug, password: Option<String>) -> Result<(), AppError> {
    let request = RequestContext::current();
    let drill = request.answer(
        async {
            let scope = request.in_org(&org, Permission::ManageSecurity)?;
            request.take_password(password).await?;
            let run = directory::drill::begin(&request.db, request.signed_in()?, scope, &request.call).await?;
            let drill = run.id;
            (request.drills.run)(run).await?;
            Ok(drill)
        }
        .await,
    )?;
    leptos_axum::redirect(&crate::paths::drill(&org, drill));
    Ok(())
}
