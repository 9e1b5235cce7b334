//! The organisation's people.

use domain::{
    MemberId, Permission,
    view::{AccessState, MemberFilter, MembersView, PersonView},
};

use crate::{Call, Db, Error, OrgScope, sessions::SignedIn, store};

pub use crate::person::{person, timeline};

const PAGE: u64 = 50;

/// The most people whom a notice about waiting records names.
const NAMED: usize = 5;

/// Page `page` (from 1) of the organisation's people whom `filter` lets through, by name.
pub async fn list(
    db: &Db,
    viewer: &SignedIn,
    scope: OrgScope,
    filter: &MemberFilter,
    page: u64,
    call: &Call,
) -> Result<MembersView, Error> {
    let page = page.max(1);
    let tx = db.read(scope).await?;
    let counts = store::people::counts(&tx).await?;
    let offset = (page - 1).saturating_mul(PAGE);
    let (mut people, total) = match *filter == MemberFilter::default() {
        // Everybody with access has been counted already.
        true => (store::people::page(&tx, filter, PAGE, offset).await?, counts.with_access),
        false => store::people::find(&tx, filter, PAGE, offset).await?,
    };
    let can_manage = viewer.role.may(Permission::ManageMembers);
    people.iter_mut().for_each(|person| keep_from(viewer, person));
    let waiting = match viewer.role.may(Permission::ManageOwners) {
        true => store::held_links::waiting(&tx).await?,
        false => vec![],
    };
    let held_links = waiting.len() as u64;
    let mut held: Vec<(MemberId, String)> = vec![];
    for link in waiting {
        if held.len() < NAMED && held.iter().all(|(member, _)| *member != link.member) {
            held.push((link.member, link.name));
        }
    }
    Ok(MembersView {
        now: call.now,
        people,
        total,
        everybody: counts.everybody,
        directory_people: counts.directory,
        page,
        page_size: PAGE,
        can_manage,
        can_see_people: viewer.role.may(Permission::SeePeople),
        held_links,
        held,
    })
}

/// What the mail server said is for those who can do something about it; where a role comes from, who blocked somebody and who
/// is kept for emergencies, for those who may see people's pages.
pub(crate) fn keep_from(viewer: &SignedIn, person: &mut PersonView) {
    if let (AccessState::ActivationFailed { reason }, false) = (&mut person.access, viewer.role.may(Permission::ManageMembers)) {
        reason.clear();
    }
    if !viewer.role.may(Permission::SeePeople) && viewer.member != person.member {
        person.because = None;
        person.break_glass = false;
        if let AccessState::Blocked { by, .. } = &mut person.access {
            by.clear();
        }
    }
}
