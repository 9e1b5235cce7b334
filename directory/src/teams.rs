//! Teams, and the seats in them that people give by hand. Seats that groups give are computed, and changed where they come
//! from.

use domain::{
    Invalid, MemberId, MembershipId, OrgRole, Permission, TeamId, TeamRole,
    audit::AuditAction,
    name::TeamName,
    view::{FoundMember, MemberFilter, PersonView, TeamPage, TeamsView},
};
use uuid::Uuid;

use crate::{
    Call, Db, Error, OrgScope,
    sessions::SignedIn,
    store::{
        self,
        audit::{Details, Target},
        db::Tx,
        teams::Team,
    },
};

/// Seats on a page.
const PAGE: u64 = 50;
/// People who are found at once.
const FOUND: u64 = 8;

/// The organisation's teams.
pub async fn list(db: &Db, viewer: &SignedIn, scope: OrgScope, call: &Call) -> Result<TeamsView, Error> {
    let can_see_sources = sees_sources(viewer);
    let tx = db.read(scope).await?;
    let mine = store::roles::sources_of(&tx, viewer.membership).await?.resolve().teams;
    let mut teams = store::teams::list(&tx).await?;
    for team in &mut teams {
        team.mine = mine.get(&team.id).copied();
        if !can_see_sources {
            (team.groups, team.agents) = (0, 0);
        }
    }
    Ok(TeamsView { now: call.now, teams, can_manage: viewer.role.may(Permission::ManageTeams), can_see_sources })
}

/// Whether the viewer may know what groups give, and which agents there are.
fn sees_sources(viewer: &SignedIn) -> bool {
    viewer.role.may(Permission::SeeMappings) && viewer.role.may(Permission::SeeAgents)
}

/// A team, with page `page` (from 1) of its seats, and the people who match `find` for whoever may give them one.
pub async fn page(
    db: &Db,
    viewer: &SignedIn,
    scope: OrgScope,
    team: TeamId,
    page: u64,
    find: Option<&str>,
    call: &Call,
) -> Result<TeamPage, Error> {
    let page = page.max(1);
    let (size, offset) = (i64::try_from(PAGE).unwrap_or(i64::MAX), i64::try_from((page - 1).saturating_mul(PAGE)).unwrap_or(i64::MAX));
    let tx = db.read(scope).await?;
    let Team { id, name, created_at, created_by } = store::teams::find(&tx, team).await?.ok_or(Error::NotFound("team"))?;
    let holding = store::roles::sources_of(&tx, viewer.membership).await?.resolve();
    let mine = holding.teams.get(&id).copied();
    let can_manage = viewer.role.may(Permission::ManageTeams);
    let can_manage_seats = can_manage || mine == Some(TeamRole::Lead);
    let can_see_sources = sees_sources(viewer);

    let (by_hand, by_hand_total) = store::teams::by_hand(&tx, id, size, offset).await?;
    let (mut by_groups, by_groups_total) = store::teams::by_groups(&tx, id, size, offset).await?;
    let mut mappings = store::teams::mappings(&tx, id).await?;
    let mut agents = store::teams::agents(&tx, id).await?;
    let attached = store::teams::attached(&tx, id).await?;
    if !can_see_sources {
        by_groups.iter_mut().for_each(|seat| seat.groups.clear());
        mappings.clear();
        let hers = store::agents::reach(&tx, &holding).await?;
        agents.retain(|(agent, _)| hers.iter().any(|hers| hers.id == *agent));
    }
    let find = find.map(str::trim).filter(|find| !find.is_empty() && can_manage_seats);
    let found = match find {
        Some(find) => found(&tx, id, find).await?,
        None => vec![],
    };
    Ok(TeamPage {
        now: call.now,
        id,
        name,
        created_at,
        created_by,
        by_hand,
        by_hand_total,
        by_groups,
        by_groups_total,
        page,
        page_size: PAGE,
        mappings,
        agents,
        mappings_total: if can_see_sources { attached.mappings } else { 0 },
        agents_owned: if can_see_sources { attached.agents_owned } else { 0 },
        can_see_sources,
        mine,
        can_manage_seats,
        can_manage,
        find: find.map(str::to_owned),
        found,
    })
}

/// The people with access whom `find` finds, and the seat by hand that each has in the team.
async fn found(tx: &Tx, team: TeamId, find: &str) -> Result<Vec<FoundMember>, Error> {
    let filter = MemberFilter { search: Some(find.to_owned()), ..MemberFilter::default() };
    let people = store::people::page(tx, &filter, FOUND, 0).await?;
    let members: Vec<_> = people.iter().map(|person| person.member).collect();
    let seats = store::teams::seats_of(tx, team, &members).await?;
    let found = people.into_iter().map(|PersonView { member, name, email, .. }| {
        let seat = seats.get(&member).copied();
        FoundMember { member, name, email, seat }
    });
    Ok(found.collect())
}

/// Create a team.
pub async fn create(db: &Db, who: &SignedIn, scope: OrgScope, name: String, call: &Call) -> Result<TeamId, Error> {
    let name = TeamName::try_from(name)?;
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm(&tx, Permission::ManageTeams).await?;
        free(&tx, &name, None).await?;
        let id: TeamId = call.new_id();
        store::teams::insert(&tx, id, &name, &who.actor().name(), call.now).await?;
        crate::audit::append(&tx, AuditAction::TeamCreated, &who.actor(), Some(target(id, name.as_str())), vec![], call).await?;
        tx.commit().await?;
        Ok(id)
    })
    .await
}

/// Rename a team.
pub async fn rename(db: &Db, who: &SignedIn, scope: OrgScope, team: TeamId, name: String, call: &Call) -> Result<(), Error> {
    let name = TeamName::try_from(name)?;
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm(&tx, Permission::ManageTeams).await?;
        let before = store::teams::lock(&tx, team).await?.ok_or(Error::NotFound("team"))?;
        if before.name == name.as_str() {
            return Ok(());
        }
        free(&tx, &name, Some(team)).await?;
        store::teams::rename(&tx, team, &name).await?;
        let details = vec![crate::audit::changed("name", &before.name, name.as_str())];
        crate::audit::append(&tx, AuditAction::TeamRenamed, &who.actor(), Some(target(team, name.as_str())), details, call).await?;
        tx.commit().await
    })
    .await
}

/// Delete a team. Its seats, its mappings and what it was granted go with it; agents that it answers for keep on.
pub async fn delete(db: &Db, who: &SignedIn, scope: OrgScope, team: TeamId, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm(&tx, Permission::ManageTeams).await?;
        let before = store::teams::lock(&tx, team).await?.ok_or(Error::NotFound("team"))?;
        let attached = store::teams::attached(&tx, team).await?;
        // What each of them had and has no longer is to be found on her own page, too.
        for (member, name, role) in store::teams::seated(&tx, team).await? {
            let mut details = seat_details(&before, role);
            details.push(("because".to_owned(), "the team was deleted".to_owned()));
            crate::audit::append(&tx, AuditAction::SeatRemoved, &who.actor(), Some(person(member, &name)), details, call).await?;
        }
        store::teams::delete(&tx, team, &who.actor().name(), call).await?;
        let details = vec![
            ("seats by hand ended".to_owned(), attached.seats.to_string()),
            ("mappings deleted".to_owned(), attached.mappings.to_string()),
            ("agents no longer granted to it".to_owned(), attached.agents_granted.to_string()),
            ("agents left without a team".to_owned(), attached.agents_owned.to_string()),
        ];
        crate::audit::append(&tx, AuditAction::TeamDeleted, &who.actor(), Some(target(team, &before.name)), details, call).await?;
        tx.commit().await
    })
    .await
}

/// Give `member` a seat by hand, or change its role. A lead may give member's seats in the team that she leads.
pub async fn give_seat(
    db: &Db,
    who: &SignedIn,
    scope: OrgScope,
    team: TeamId,
    member: MemberId,
    role: TeamRole,
    call: &Call,
) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let seat = SeatInHand::take(&tx, who, team, member).await?;
        let no_access = || Error::Conflict("Nobody can have a seat without access to the organisation. Nothing was changed.".to_owned());
        let membership = seat.membership.ok_or_else(no_access)?;
        if seat.held == Some(role) {
            return Ok(());
        }
        if !seat.reaches(role) || seat.held.is_some_and(|held| !seat.reaches(held)) {
            return Err(Error::Denied);
        }
        store::teams::set_seat(&tx, team, membership, role, &who.actor().name(), call).await?;
        let mut details = seat_details(&seat.team, role);
        if let (Some(held), Some(told)) = (seat.held, details.iter_mut().find(|(name, _)| name == "role")) {
            *told = crate::audit::changed("role", &held.to_string(), &role.to_string());
        }
        crate::audit::append(&tx, AuditAction::SeatGiven, &who.actor(), Some(person(member, &seat.name)), details, call).await?;
        tx.commit().await
    })
    .await
}

/// Take from `member` the seat that she was given by hand. A lead may take member's seats in the team that she leads.
///
/// # Errors
/// [`Error::Conflict`] when only groups give her one.
pub async fn remove_seat(db: &Db, who: &SignedIn, scope: OrgScope, team: TeamId, member: MemberId, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let seat = SeatInHand::take(&tx, who, team, member).await?;
        let membership = seat.membership.ok_or(Error::NotFound("seat"))?;
        let Some(held) = seat.held else {
            return Err(match store::teams::giving_groups(&tx, team, &[member]).await?.is_empty() {
                true => Error::NotFound("seat"),
                false => Error::Conflict(FROM_A_GROUP.to_owned()),
            });
        };
        if !seat.reaches(held) {
            return Err(Error::Denied);
        }
        store::teams::remove_seat(&tx, team, membership).await?;
        let details = seat_details(&seat.team, held);
        crate::audit::append(&tx, AuditAction::SeatRemoved, &who.actor(), Some(person(member, &seat.name)), details, call).await?;
        tx.commit().await
    })
    .await
}

const FROM_A_GROUP: &str = "This seat comes from a group of the directory. Take the person out of the group at your identity provider, or change what the group gives under Settings, Integrations.";

/// Somebody's seat in a team, with the locks that changing it needs, and how far whoever changes it reaches.
struct SeatInHand {
    team: Team,
    /// Her live membership; none when her access has ended.
    membership: Option<MembershipId>,
    name: String,
    /// The seat that she has by hand.
    held: Option<TeamRole>,
    actor: OrgRole,
}

impl SeatInHand {
    /// Take the locks, the two memberships' in the order of their ids, then the team's; and see that the actor is in force to
    /// manage seats here: by her role, or as a lead of this team, however she came to that.
    async fn take(tx: &Tx, who: &SignedIn, team: TeamId, member: MemberId) -> Result<Self, Error> {
        store::teams::find(tx, team).await?.ok_or(Error::NotFound("team"))?;
        let found = store::teams::person(tx, member).await?;
        let membership = found.as_ref().and_then(|(membership, _)| *membership);
        lock(tx, membership.filter(|id| *id < who.membership)).await?;
        let actor = who.confirm(tx, Permission::Enter).await?;
        if !actor.may(Permission::ManageTeams) && !leads(tx, who.membership, team).await? {
            return Err(Error::Denied);
        }
        let (_, name) = found.ok_or(Error::NotFound("member"))?;
        lock(tx, membership.filter(|id| *id > who.membership)).await?;
        let team = store::teams::lock(tx, team).await?.ok_or(Error::NotFound("team"))?;
        let held = match membership {
            Some(membership) => store::teams::seat(tx, team.id, membership).await?,
            None => None,
        };
        Ok(Self { team, membership, name, held, actor })
    }

    /// Whether the actor may give a seat of this role, and take one: a lead only what is below her own.
    fn reaches(&self, role: TeamRole) -> bool {
        self.actor.may(Permission::ManageTeams) || role < TeamRole::Lead
    }
}

/// Lock a membership that was found before.
async fn lock(tx: &Tx, membership: Option<MembershipId>) -> Result<(), Error> {
    match membership {
        // It ended since: once more, from the beginning.
        Some(id) => store::members::lock_membership_by_id(tx, id).await?.map(|_| ()).ok_or(Error::Stale),
        None => Ok(()),
    }
}

/// Whether somebody leads the team at this moment, by a seat by hand or by a group.
async fn leads(tx: &Tx, membership: MembershipId, team: TeamId) -> Result<bool, Error> {
    let holding = store::roles::sources_of(tx, membership).await?.resolve();
    Ok(holding.teams.get(&team) == Some(&TeamRole::Lead))
}

/// Whether the name is no other team's.
async fn free(tx: &Tx, name: &TeamName, but: Option<TeamId>) -> Result<(), Error> {
    match store::teams::taken(tx, name, but).await? {
        true => Err(Invalid::new("name", "There is a team of this name already. Choose another name.").into()),
        false => Ok(()),
    }
}

fn target(id: TeamId, name: &str) -> Target {
    Target { kind: "team", id: Uuid::from(id), name: name.to_owned() }
}

/// As [`crate::membership::target`] names her.
fn person(id: MemberId, name: &str) -> Target {
    Target { kind: "member", id: Uuid::from(id), name: name.to_owned() }
}

fn seat_details(team: &Team, role: TeamRole) -> Details {
    vec![("team".to_owned(), team.name.clone()), ("role".to_owned(), role.to_string())]
}
