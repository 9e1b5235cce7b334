//! The organisation's people.

use domain::{
    Permission,
    view::{AccessState, MembersView},
};

use crate::{Call, Db, Error, OrgScope, sessions::SignedIn, store};

const PAGE: u64 = 50;

/// Page `page` (from 1) of the organisation's people.
pub async fn list(db: &Db, viewer: &SignedIn, scope: OrgScope, page: u64, call: &Call) -> Result<MembersView, Error> {
    let page = page.max(1);
    let tx = db.read(scope).await?;
    let (total, directory_people) = store::people::counts(&tx).await?;
    let mut people = store::people::page(&tx, PAGE, (page - 1).saturating_mul(PAGE)).await?;
    let can_manage = viewer.role.may(Permission::ManageMembers);
    for person in &mut people {
        // What the mail server said is for those who can do something about it.
        if let (AccessState::ActivationFailed { reason }, false) = (&mut person.access, can_manage) {
            reason.clear();
        }
    }
    Ok(MembersView {
        now: call.now,
        people,
        total,
        everybody: total,
        directory_people,
        page,
        page_size: PAGE,
        can_manage,
        can_see_people: viewer.role.may(Permission::SeePeople),
        held_links: 0,
    })
}
