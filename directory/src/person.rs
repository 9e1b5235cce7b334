//! A person's page: why she has what she has, and what changed it.

use std::collections::BTreeMap;

use domain::{
    MappableRole, MemberId, OrgRole, Permission, TeamId, TeamRole,
    access::Sources,
    device::device,
    mapping::MappingTarget,
    timeline::{comings_and_goings, gains_and_losses},
    view::{AccessState, ManagedBy, PersonActions, PersonPage, RoleReason, SeatReason, SessionView, Source, TimelineEntry, TimelineView},
};

use crate::{
    Call, Db, Error, OrgScope,
    members::keep_from,
    sessions::SignedIn,
    store::{
        self,
        person::{Details, Mapped},
    },
};

/// Timeline entries on a page.
const ENTRIES: usize = 30;

/// Everybody may open her own page; anybody else's needs [`Permission::SeePeople`]. Whether there is such a member is said
/// only to those who may know.
fn may_see(viewer: &SignedIn, member: MemberId) -> Result<(), Error> {
    let mine = viewer.member == member && viewer.role.may(Permission::Enter);
    if mine || viewer.role.may(Permission::SeePeople) { Ok(()) } else { Err(Error::Denied) }
}

/// The page of `member`.
pub async fn person(db: &Db, viewer: &SignedIn, scope: OrgScope, member: MemberId, call: &Call) -> Result<PersonPage, Error> {
    may_see(viewer, member)?;
    let tx = db.read(scope).await?;
    let details = store::person::details(&tx, member).await?.ok_or(Error::NotFound("member"))?;
    let mut person = store::people::people(&tx, &[member]).await?.pop().ok_or(Error::NotFound("member"))?;
    keep_from(viewer, &mut person);

    let mut roles = vec![];
    let (mut teams, mut agents, mut sessions) = (vec![], vec![], vec![]);
    let mut by_hand = vec![];
    if let Some(membership) = details.membership {
        let grants = store::person::grants(&tx, membership).await?;
        let seats = store::person::seats(&tx, membership).await?;
        let mapped = store::person::mapped(&tx, member).await?;
        let sources = Sources {
            granted: grants.iter().map(|(role, _)| *role).collect(),
            seats: seats.iter().map(|((team, _), role, _)| (*team, *role)).collect(),
            mapped: mapped.iter().map(|mapped| mapped.target).collect(),
        };
        agents = store::agents::reach(&tx, &sources.resolve()).await?;
        by_hand = sources.granted;
        teams = seat_reasons(seats, &mapped);
        roles = role_reasons(grants, mapped, person.role);
        sessions = store::person::sessions(&tx, membership, call.now, viewer.idle_since).await?;
    }
    let sessions: Vec<_> = sessions
        .into_iter()
        .map(|session| SessionView {
            handle: session.hash.handle(),
            device: device(session.user_agent.as_deref()),
            ip: session.ip,
            last_seen_at: session.last_seen_at,
            began_at: session.began_at,
            current: viewer.has_session(&session.hash),
        })
        .collect();
    let held_links = match viewer.role.may(Permission::ManageOwners) {
        true => store::held_links::waiting(&tx).await?.into_iter().filter(|link| link.member == member).collect(),
        false => vec![],
    };
    let receipts = match viewer.role.may(Permission::SeeAudit) {
        true => store::receipts::of_member(&tx, member).await?,
        false => vec![],
    };
    // What decides who reaches her: without access, what her groups would give her, as the use cases have it.
    let role = store::grants::role_of(&tx, member).await?;
    let may = PersonActions {
        end_sessions: !sessions.is_empty() && (viewer.member == member || manages(viewer, role)),
        decide_links: !held_links.is_empty(),
        ..actions(viewer, member, &details, &person.access, role, &by_hand, person.break_glass)
    };
    let (user_name, external_id) = details.record.map(|(user_name, external_id, _)| (Some(user_name), external_id)).unwrap_or_default();
    Ok(PersonPage {
        now: call.now,
        given_name: details.given_name,
        family_name: details.family_name,
        user_name,
        external_id,
        since: details.known_since,
        access_began_at: details.access_began_at,
        roles,
        teams,
        groups: store::person::groups(&tx, member).await?,
        agents,
        sessions,
        held_links,
        receipts,
        may,
        person,
    })
}

/// Every source of a role, the strongest first.
fn role_reasons(grants: Vec<(OrgRole, Source)>, mapped: Vec<Mapped>, in_force: OrgRole) -> Vec<RoleReason> {
    let mapped = mapped.into_iter().filter_map(|mapped| match mapped.target {
        MappingTarget::Org(role) => Some((OrgRole::from(role), mapped.source)),
        MappingTarget::Team(..) => None,
    });
    let mut sources: Vec<_> = grants.into_iter().chain(mapped).collect();
    sources.push((OrgRole::Member, Source::Base));
    sources.sort_by_key(|(role, _)| std::cmp::Reverse(*role));
    sources.into_iter().map(|(role, source)| RoleReason { role, source, in_force: role == in_force }).collect()
}

/// Every source of each seat.
fn seat_reasons(seats: Vec<((TeamId, String), TeamRole, Source)>, mapped: &[Mapped]) -> Vec<SeatReason> {
    let mapped = mapped.iter().filter_map(|mapped| match mapped.target {
        MappingTarget::Team(team, role) => Some(((team, mapped.team.clone().unwrap_or_default()), role, mapped.source.clone())),
        MappingTarget::Org(MappableRole::Member | MappableRole::Auditor | MappableRole::Admin) => None,
    });
    let mut teams: BTreeMap<TeamId, (String, Vec<(TeamRole, Source)>)> = BTreeMap::new();
    for ((team, name), role, source) in seats.into_iter().chain(mapped) {
        teams.entry(team).or_insert_with(|| (name, vec![])).1.push((role, source));
    }
    let mut seats: Vec<_> = teams
        .into_iter()
        .map(|(team, (name, mut sources))| {
            sources.sort_by_key(|(role, _)| std::cmp::Reverse(*role));
            let role = sources.first().map_or(TeamRole::Member, |(role, _)| *role);
            SeatReason { team, name, role, sources }
        })
        .collect();
    seats.sort_by_key(|seat| (scim::compare::fold(&seat.name), seat.team));
    seats
}

/// Whether the viewer may act on somebody of this role at all.
fn manages(viewer: &SignedIn, role: OrgRole) -> bool {
    viewer.role.may(Permission::ManageMembers) && viewer.role.reaches(role)
}

/// What the viewer may do with a member. The use cases decide again, on their own; this is what the page offers.
fn actions(
    viewer: &SignedIn,
    member: MemberId,
    details: &Details,
    access: &AccessState,
    role: OrgRole,
    by_hand: &[OrgRole],
    break_glass: bool,
) -> PersonActions {
    let manages = manages(viewer, role);
    let alive = details.membership.is_some();
    let managed_by = if details.record.is_some() { ManagedBy::Directory } else { ManagedBy::Manual };
    let reached = |held: bool| {
        let roles = OrgRole::ALL.into_iter().filter(move |role| *role > OrgRole::Member && by_hand.contains(role) == held);
        roles.filter(|role| manages && alive && viewer.role.reaches(*role)).collect::<Vec<_>>()
    };
    let waits = matches!(
        access,
        AccessState::ActivationSent { .. }
            | AccessState::ActivationFailed { .. }
            | AccessState::ActivationPending { has_address: true, queued: false }
    );
    let mut grant = reached(false);
    // An owner has to be able to sign in.
    grant.retain(|role| *role != OrgRole::Owner || *access == AccessState::Active);
    PersonActions {
        grant,
        revoke: reached(true),
        remove: manages && alive,
        block: manages && alive && !details.blocked,
        unblock: manages && details.blocked,
        restore: manages && !alive && details.record.as_ref().is_none_or(|(_, _, active)| *active),
        resend: manages && waits,
        end_sessions: false,
        edit: managed_by == ManagedBy::Manual && (manages || viewer.member == member),
        break_glass: viewer.role.may(Permission::ManageOwners) && (break_glass || managed_by == ManagedBy::Manual),
        decide_links: false,
    }
}

/// Page `page` (from 1) of what changed the access of `member`, newest first.
pub async fn timeline(
    db: &Db,
    viewer: &SignedIn,
    scope: OrgScope,
    member: MemberId,
    page: u64,
    call: &Call,
) -> Result<TimelineView, Error> {
    may_see(viewer, member)?;
    let tx = db.read(scope).await?;
    store::members::find(&tx, member).await?.ok_or(Error::NotFound("member"))?;
    let stays = store::timeline::in_groups(&tx, member).await?;
    let mut groups: Vec<_> = stays.iter().map(|stay| stay.group).collect();
    groups.sort_unstable();
    groups.dedup();
    let given = store::timeline::given(&tx, &groups).await?;
    let access = store::timeline::access(&tx, member).await?;
    // Of what happened in one moment, the consequence stands above its cause: the sort keeps this order.
    let mut entries: Vec<TimelineEntry> = gains_and_losses(&stays, &given, &access);
    entries.extend(comings_and_goings(&stays));
    entries.extend(store::timeline::events(&tx, member).await?);
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.at));

    let page = page.max(1);
    let skipped = usize::try_from(page - 1).unwrap_or(usize::MAX).saturating_mul(ENTRIES);
    let more = entries.len() > skipped.saturating_add(ENTRIES);
    let entries = entries.into_iter().skip(skipped).take(ENTRIES).collect();
    Ok(TimelineView { now: call.now, entries, page, more })
}
