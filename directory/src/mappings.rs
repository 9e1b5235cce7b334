//! What the directory's groups give: looked at before it acts, and applied only as it was looked at.

use domain::{
    DirectoryGroupId, MappingId,
    mapping::{MappingAction, MappingTarget},
    view::{IntegrationsView, MappingPlan},
};

use crate::{Call, Db, Error, OrgScope, sessions::SignedIn};

/// What is to be done with a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What.
    pub action: MappingAction,
    /// With which mapping; none when one is to be made.
    pub mapping: Option<MappingId>,
    /// For which group, when one is to be made.
    pub group: Option<DirectoryGroupId>,
    /// Or for the group of exactly this name, whether it is there or not.
    pub group_name: Option<String>,
    /// What it is to give, when one is to be made.
    pub target: Option<MappingTarget>,
}

/// Settings → Integrations.
pub async fn list(_db: &Db, _viewer: &SignedIn, _scope: OrgScope, _call: &Call) -> Result<IntegrationsView, Error> {
    Err(Error::NotFound("mapping"))
}

/// What would change if `wanted` were done now: page `page` (from 1) of the people.
pub async fn preview(
    _db: &Db,
    _who: &SignedIn,
    _scope: OrgScope,
    _wanted: &Wanted,
    _page: u64,
    _call: &Call,
) -> Result<MappingPlan, Error> {
    Err(Error::NotFound("mapping"))
}

/// Do what is wanted, if it still changes exactly what the plan of this hash says.
///
/// # Errors
/// [`Error::PlanChanged`] when it would change something else by now; nothing was done.
pub async fn apply(_db: &Db, _who: &SignedIn, _scope: OrgScope, _wanted: &Wanted, _plan: &str, _call: &Call) -> Result<(), Error> {
    Err(Error::NotFound("mapping"))
}
