//! The directory's groups, as the console shows them: who is in them, and what they give. The identity provider keeps them;
//! here they are only looked at.

use domain::{
    DirectoryGroupId, MappingId, Permission,
    mapping::MappingState,
    view::{GroupPage, GroupRow, GroupsView, ScimStatus},
};

use crate::{
    Call, Db, Error, OrgScope,
    sessions::SignedIn,
    store::{self, db::Tx, idp_groups::Found},
};

const PAGE: u64 = 50;

/// Which groups are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sought {
    /// Those whose names hold this, however it is written; all of them when it is empty.
    pub name: String,
    /// Only those that nothing is mapped to.
    pub unmapped: bool,
}

/// Page `page` (from 1) of the groups, by name.
pub async fn list(db: &Db, viewer: &SignedIn, scope: OrgScope, sought: &Sought, page: u64, call: &Call) -> Result<GroupsView, Error> {
    let page = page.max(1);
    let tx = db.read(scope).await?;
    let groups = store::idp_groups::page(&tx, sought, PAGE, (page - 1).saturating_mul(PAGE)).await?;
    let all = store::scim_totals::read(&tx, scim::Kind::Group).await?;
    let unmapped = all.saturating_sub(store::idp_groups::mapped(&tx).await?);
    let total = match (sought.name.trim().is_empty(), sought.unmapped) {
        // Known without counting.
        (true, false) => all,
        (true, true) => unmapped,
        (false, _) => store::idp_groups::count(&tx, sought).await?,
    };
    Ok(GroupsView {
        now: call.now,
        groups: rows(&tx, groups).await?,
        total,
        unmapped,
        page,
        page_size: PAGE,
        can_manage: viewer.role.may(Permission::ManageMappings),
        scim_on: store::connections::status_of(&tx).await? == ScimStatus::Enabled,
    })
}

/// A group, and page `page` (from 1) of the people in it, by name.
pub async fn page(
    db: &Db,
    viewer: &SignedIn,
    scope: OrgScope,
    group: DirectoryGroupId,
    page: u64,
    call: &Call,
) -> Result<GroupPage, Error> {
    let page = page.max(1);
    let tx = db.read(scope).await?;
    let found = store::idp_groups::find(&tx, group).await?.ok_or(Error::NotFound("group"))?;
    let (external_id, created_at) = (found.external_id.clone(), found.created_at);
    let row = rows(&tx, vec![found]).await?.pop().ok_or(Error::NotFound("group"))?;
    Ok(GroupPage {
        now: call.now,
        group: row,
        external_id,
        created_at,
        people: store::idp_groups::people(&tx, group, PAGE, (page - 1).saturating_mul(PAGE)).await?,
        page,
        page_size: PAGE,
        can_manage: viewer.role.may(Permission::ManageMappings),
    })
}

/// These groups, with how many are in each and what it gives: asked for these alone, however many there are.
async fn rows(tx: &Tx, groups: Vec<Found>) -> Result<Vec<GroupRow>, Error> {
    let ids: Vec<_> = groups.iter().map(|group| group.id).collect();
    let sizes = store::scim_groups::sizes(tx, &ids).await?;
    let mut mappings = store::mappings::of_groups(tx, &ids).await?;
    let row = |group: Found| GroupRow {
        id: group.id,
        name: group.name,
        members: sizes.get(&group.id).copied().unwrap_or(0),
        gives: mappings.remove(&group.id).unwrap_or_default().iter().filter(|mapping| !mapping.closed).map(given).collect(),
        changed_at: group.changed_at,
    };
    Ok(groups.into_iter().map(row).collect())
}

/// A mapping, as its group's row says it.
fn given(mapping: &store::mappings::Mapping) -> (MappingId, String, MappingState) {
    (mapping.id, mapping.gives(), mapping.state())
}
