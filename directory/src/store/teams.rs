//! Teams and the seats in them. A seat by hand is a row that hangs off the membership; a seat that a group gives has none: it
//! is computed whenever it is asked for (law 9).

use std::collections::BTreeMap;

use domain::{
    AgentId, MappingId, MemberId, MembershipId, TeamId, TeamRole, Timestamp,
    name::TeamName,
    view::{GroupSeat, HandSeat, TeamRow},
};
use scim::compare;

use super::{
    db::Tx,
    mappings,
    people::Shown,
    roles::{IN_FORCE, in_force, stored},
    values::{Maybe, Row, in_list, params},
};
use crate::{Call, Error};

/// A team.
#[derive(Clone, Debug)]
pub(crate) struct Team {
    pub(crate) id: TeamId,
    pub(crate) name: String,
    pub(crate) created_at: Timestamp,
    pub(crate) created_by: String,
}

/// What goes, or changes, with a team.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attached {
    pub(crate) seats: u64,
    pub(crate) mappings: u64,
    pub(crate) agents_granted: u64,
    pub(crate) agents_owned: u64,
}

/// The memberships `m` that groups give something, and the mappings `gm` that do so, those in force. Joined from the mapping on,
/// by primary keys where the foreign key holds the organisation: offered an index that begins with it, PostgreSQL may read all
/// of the organisation for each member of a group.
pub(crate) const MAPPED: &str = concat!(
    "group_mappings gm
    CROSS JOIN scim_group_members x
    CROSS JOIN scim_users r
    CROSS JOIN memberships m
  WHERE x.org_id = gm.org_id AND x.group_id = gm.group_id AND r.id = x.user_id AND r.deleted_at IS NULL AND r.active
    AND m.member_id = r.member_id AND m.org_id = gm.org_id
    AND ",
    in_force!()
);

/// What the name to show of the member `p` is made of, and where that comes from.
const NAME: &str = "p.given_name, p.family_name, p.display_name, u.email, d.user_name, d.attributes";
const NAMED: &str = "JOIN users u ON u.id = p.account_id
    LEFT JOIN scim_users d ON d.org_id = p.org_id AND d.member_id = p.id AND d.deleted_at IS NULL";

fn read(row: &Row) -> Result<Team, Error> {
    Ok(Team { id: row.get("id")?, name: row.get("name")?, created_at: row.get("created_at")?, created_by: row.get("created_by")? })
}

fn number(row: &Row, column: &str) -> Result<u64, Error> {
    Ok(u64::try_from(row.get::<i64>(column)?).unwrap_or(0))
}

/// A team, without a lock.
pub(crate) async fn find(tx: &Tx, id: TeamId) -> Result<Option<Team>, Error> {
    let sql = "SELECT id, name, created_at, created_by FROM teams WHERE org_id = $1 AND id = $2";
    tx.one(sql, params![tx.org(), id], read).await
}

/// A team, with its lock: nobody else changes it or its seats by hand meanwhile.
pub(crate) async fn lock(tx: &Tx, id: TeamId) -> Result<Option<Team>, Error> {
    let sql = format!("SELECT id, name, created_at, created_by FROM teams WHERE org_id = $1 AND id = $2{}", tx.lock());
    tx.one(&sql, params![tx.org(), id], read).await
}

/// Whether another team than `but` has this name, however it is written.
pub(crate) async fn taken(tx: &Tx, name: &TeamName, but: Option<TeamId>) -> Result<bool, Error> {
    let sql = "SELECT id FROM teams WHERE org_id = $1 AND name_key = $2";
    let holder = tx.one(sql, params![tx.org(), compare::fold(name.as_str())], |row| row.get::<TeamId>("id")).await?;
    Ok(holder.is_some_and(|holder| Some(holder) != but))
}

pub(crate) async fn insert(tx: &Tx, id: TeamId, name: &TeamName, by: &str, now: Timestamp) -> Result<(), Error> {
    tx.run(
        "INSERT INTO teams (id, org_id, name, name_key, created_at, created_by) VALUES ($1, $2, $3, $4, $5, $6)",
        params![id, tx.org(), name.as_str(), compare::fold(name.as_str()), now, by],
    )
    .await?;
    Ok(())
}

pub(crate) async fn rename(tx: &Tx, id: TeamId, name: &TeamName) -> Result<(), Error> {
    tx.run(
        "UPDATE teams SET name = $3, name_key = $4 WHERE org_id = $1 AND id = $2",
        params![tx.org(), id, name.as_str(), compare::fold(name.as_str())],
    )
    .await?;
    Ok(())
}

/// Delete a team; the database deletes its seats, its mappings and what it was granted, and agents keep on without it.
pub(crate) async fn delete(tx: &Tx, id: TeamId, by: &str, call: &Call) -> Result<(), Error> {
    // What its mappings gave ends now: the stretches of time tell of it afterwards.
    mappings::end_spans_of_team(tx, id, by, call).await?;
    tx.run("DELETE FROM teams WHERE org_id = $1 AND id = $2", params![tx.org(), id]).await?;
    Ok(())
}

/// What goes, or changes, with a team.
pub(crate) async fn attached(tx: &Tx, id: TeamId) -> Result<Attached, Error> {
    let sql = "SELECT (SELECT count(*) FROM team_seats WHERE org_id = $1 AND team_id = $2) AS seats,
                      (SELECT count(*) FROM group_mappings WHERE org_id = $1 AND team_id = $2 AND closed_at IS NULL) AS mappings,
                      (SELECT count(*) FROM agent_grants WHERE org_id = $1 AND team_id = $2) AS agents_granted,
                      (SELECT count(*) FROM agents WHERE org_id = $1 AND owner_team_id = $2) AS agents_owned";
    let counted = tx.one(sql, params![tx.org(), id], |row| {
        Ok(Attached {
            seats: number(row, "seats")?,
            mappings: number(row, "mappings")?,
            agents_granted: number(row, "agents_granted")?,
            agents_owned: number(row, "agents_owned")?,
        })
    });
    counted.await?.ok_or(Error::Stale)
}

/// The teams to choose from, by name.
pub(crate) async fn choices(tx: &Tx) -> Result<Vec<(TeamId, String)>, Error> {
    tx.all("SELECT id, name FROM teams WHERE org_id = $1 ORDER BY name_key", params![tx.org()], |row| {
        Ok((row.get("id")?, row.get("name")?))
    })
    .await
}

/// Every team, by name, with its numbers.
pub(crate) async fn list(tx: &Tx) -> Result<Vec<TeamRow>, Error> {
    let members = format!(
        "SELECT s.team_id, count(*) AS number FROM (
           SELECT team_id, membership_id FROM team_seats WHERE org_id = $1
           UNION SELECT gm.team_id, m.id FROM {MAPPED} AND gm.org_id = $1 AND gm.team_id IS NOT NULL
         ) s GROUP BY s.team_id"
    );
    let members = numbers(tx, &members).await?;
    let groups = format!(
        "SELECT gm.team_id, count(DISTINCT gm.group_id) AS number FROM group_mappings gm WHERE gm.org_id = $1 AND gm.team_id IS NOT NULL AND {IN_FORCE} GROUP BY gm.team_id"
    );
    let groups = numbers(tx, &groups).await?;
    let agents = "SELECT team_id, count(*) AS number FROM agent_grants WHERE org_id = $1 AND team_id IS NOT NULL GROUP BY team_id";
    let agents = numbers(tx, agents).await?;
    let of = |numbers: &BTreeMap<TeamId, u64>, id: &TeamId| numbers.get(id).copied().unwrap_or(0);
    let teams = choices(tx).await?.into_iter().map(|(id, name)| TeamRow {
        id,
        name,
        members: of(&members, &id),
        groups: of(&groups, &id),
        agents: of(&agents, &id),
        mine: None,
    });
    Ok(teams.collect())
}

async fn numbers(tx: &Tx, sql: &str) -> Result<BTreeMap<TeamId, u64>, Error> {
    let rows = tx.all(sql, params![tx.org()], |row| Ok((row.get("team_id")?, number(row, "number")?)));
    Ok(rows.await?.into_iter().collect())
}

/// The seats by hand in a team: one page of them by the names of the people, and how many there are.
pub(crate) async fn by_hand(tx: &Tx, team: TeamId, size: i64, offset: i64) -> Result<(Vec<HandSeat>, u64), Error> {
    let sql = format!(
        "SELECT p.id, s.role, s.granted_by, s.granted_at, {NAME} FROM team_seats s
           JOIN memberships m ON m.org_id = s.org_id AND m.id = s.membership_id
           JOIN members p ON p.org_id = m.org_id AND p.id = m.member_id {NAMED}
         WHERE s.org_id = $1 AND s.team_id = $2 ORDER BY p.name_key, p.id LIMIT $3 OFFSET $4"
    );
    let seats = tx.all(&sql, params![tx.org(), team, size, offset], |row| {
        Ok(HandSeat {
            member: row.get("id")?,
            name: Shown::read(row)?.name,
            role: stored(row, "role")?,
            by: row.get("granted_by")?,
            at: row.get("granted_at")?,
        })
    });
    let seats = seats.await?;
    let sql = "SELECT count(*) AS number FROM team_seats WHERE org_id = $1 AND team_id = $2";
    let total = tx.one(sql, params![tx.org(), team], |row| number(row, "number")).await?;
    Ok((seats, total.unwrap_or(0)))
}

/// The seats that groups give in a team: one page of them by the names of the people, and how many there are.
pub(crate) async fn by_groups(tx: &Tx, team: TeamId, size: i64, offset: i64) -> Result<(Vec<GroupSeat>, u64), Error> {
    // The strongest role of each is the one with the smallest name: `lead` before `member`.
    let seats =
        format!("SELECT m.member_id, min(gm.team_role) AS role FROM {MAPPED} AND gm.org_id = $1 AND gm.team_id = $2 GROUP BY m.member_id");
    // Counted on the way: a group may have 100,000 people, who are gone through once.
    let sql = format!(
        "SELECT w.id, w.role, w.total, {NAME} FROM (
           SELECT p.id, p.name_key, s.role, count(*) OVER () AS total FROM ({seats}) s JOIN members p ON p.id = s.member_id
           ORDER BY p.name_key, p.id LIMIT $3 OFFSET $4
         ) w JOIN members p ON p.org_id = $1 AND p.id = w.id {NAMED} ORDER BY w.name_key, w.id"
    );
    let people = tx.all(&sql, params![tx.org(), team, size, offset], |row| {
        let seat = GroupSeat { member: row.get("id")?, name: Shown::read(row)?.name, role: stored(row, "role")?, groups: vec![] };
        Ok((seat, number(row, "total")?))
    });
    let people = people.await?;
    let total = match people.first() {
        Some((_, total)) => *total,
        None if offset == 0 => 0,
        // A page that the list does not have.
        None => {
            let sql = format!("SELECT count(*) AS number FROM ({seats}) s");
            tx.one(&sql, params![tx.org(), team], |row| number(row, "number")).await?.unwrap_or(0)
        }
    };
    let mut seats: Vec<_> = people.into_iter().map(|(seat, _)| seat).collect();
    let members: Vec<_> = seats.iter().map(|seat| seat.member).collect();
    let mut groups = giving_groups(tx, team, &members).await?;
    for seat in &mut seats {
        seat.groups = groups.remove(&seat.member).unwrap_or_default();
    }
    Ok((seats, total))
}

/// The names of the groups that give these members, a page of them at most, a seat in a team.
pub(crate) async fn giving_groups(tx: &Tx, team: TeamId, members: &[MemberId]) -> Result<BTreeMap<MemberId, Vec<String>>, Error> {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    if members.is_empty() {
        return Ok(groups);
    }
    let (list, params) = in_list(params![tx.org(), team], members);
    let sql = format!(
        "SELECT DISTINCT r.member_id, g.display_name, g.display_name_key, g.id FROM scim_users r
           JOIN scim_group_members x ON x.org_id = r.org_id AND x.user_id = r.id
           JOIN group_mappings gm ON gm.org_id = x.org_id AND gm.group_id = x.group_id AND gm.team_id = $2
           JOIN scim_groups g ON g.id = x.group_id
         WHERE r.org_id = $1 AND r.member_id IN ({list}) AND r.deleted_at IS NULL AND r.active AND {IN_FORCE}
         ORDER BY r.member_id, g.display_name_key, g.id"
    );
    for (member, group) in tx.all(&sql, params, |row| Ok((row.get::<MemberId>("member_id")?, row.get("display_name")?))).await? {
        groups.entry(member).or_default().push(group);
    }
    Ok(groups)
}

/// The mappings that give seats in a team: which group, and which role.
pub(crate) async fn mappings(tx: &Tx, team: TeamId) -> Result<Vec<(MappingId, String, TeamRole)>, Error> {
    let sql = format!(
        "SELECT gm.id, g.display_name, gm.team_role FROM group_mappings gm JOIN scim_groups g ON g.org_id = gm.org_id AND g.id = gm.group_id
         WHERE gm.org_id = $1 AND gm.team_id = $2 AND {IN_FORCE} ORDER BY g.display_name_key, gm.team_role, gm.id"
    );
    tx.all(&sql, params![tx.org(), team], |row| Ok((row.get("id")?, row.get("display_name")?, stored(row, "team_role")?))).await
}

/// The agents granted to a team, by name.
pub(crate) async fn agents(tx: &Tx, team: TeamId) -> Result<Vec<(AgentId, String)>, Error> {
    let sql = "SELECT a.id, a.name FROM agent_grants g JOIN agents a ON a.org_id = g.org_id AND a.id = g.agent_id
               WHERE g.org_id = $1 AND g.team_id = $2 ORDER BY a.name_key";
    tx.all(sql, params![tx.org(), team], |row| Ok((row.get("id")?, row.get("name")?))).await
}

/// The seats by hand of these members in a team. A page of them at most.
pub(crate) async fn seats_of(tx: &Tx, team: TeamId, members: &[MemberId]) -> Result<BTreeMap<MemberId, TeamRole>, Error> {
    if members.is_empty() {
        return Ok(BTreeMap::new());
    }
    let (list, params) = in_list(params![tx.org(), team], members);
    let sql = format!(
        "SELECT m.member_id, s.role FROM memberships m JOIN team_seats s ON s.org_id = m.org_id AND s.membership_id = m.id
         WHERE s.org_id = $1 AND s.team_id = $2 AND m.member_id IN ({list})"
    );
    Ok(tx.all(&sql, params, |row| Ok((row.get("member_id")?, stored(row, "role")?))).await?.into_iter().collect())
}

/// The live membership of a member and the name to show of her; no membership when her access has ended. Without a lock.
pub(crate) async fn person(tx: &Tx, member: MemberId) -> Result<Option<(Option<MembershipId>, String)>, Error> {
    let sql = format!(
        "SELECT m.id AS membership_id, {NAME} FROM members p LEFT JOIN memberships m ON m.member_id = p.id {NAMED}
         WHERE p.org_id = $1 AND p.id = $2"
    );
    tx.one(&sql, params![tx.org(), member], |row| Ok((row.opt("membership_id")?, Shown::read(row)?.name))).await
}

/// The seat by hand of a membership in a team.
pub(crate) async fn seat(tx: &Tx, team: TeamId, membership: MembershipId) -> Result<Option<TeamRole>, Error> {
    let sql = "SELECT role FROM team_seats WHERE org_id = $1 AND team_id = $2 AND membership_id = $3";
    tx.one(sql, params![tx.org(), team, membership], |row| stored(row, "role")).await
}

/// The people with a seat by hand in a team, by member: each with the name to show and the role.
pub(crate) async fn seated(tx: &Tx, team: TeamId) -> Result<Vec<(MemberId, String, TeamRole)>, Error> {
    let sql = format!(
        "SELECT p.id, s.role, {NAME} FROM team_seats s
           JOIN memberships m ON m.org_id = s.org_id AND m.id = s.membership_id
           JOIN members p ON p.org_id = m.org_id AND p.id = m.member_id {NAMED}
         WHERE s.org_id = $1 AND s.team_id = $2 ORDER BY p.id"
    );
    tx.all(&sql, params![tx.org(), team], |row| Ok((row.get("id")?, Shown::read(row)?.name, stored(row, "role")?))).await
}

/// Give a seat by hand, or change its role.
pub(crate) async fn set_seat(tx: &Tx, team: TeamId, membership: MembershipId, role: TeamRole, by: &str, call: &Call) -> Result<(), Error> {
    tx.run(
        "INSERT INTO team_seats (org_id, team_id, membership_id, role, granted_by, granted_at, request_id) VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (org_id, team_id, membership_id)
         DO UPDATE SET role = excluded.role, granted_by = excluded.granted_by, granted_at = excluded.granted_at, request_id = excluded.request_id",
        params![tx.org(), team, membership, role.as_str(), by, call.now, Maybe(call.request_id.as_deref())],
    )
    .await?;
    Ok(())
}

/// Take a seat by hand away.
pub(crate) async fn remove_seat(tx: &Tx, team: TeamId, membership: MembershipId) -> Result<(), Error> {
    let sql = "DELETE FROM team_seats WHERE org_id = $1 AND team_id = $2 AND membership_id = $3";
    tx.run(sql, params![tx.org(), team, membership]).await?;
    Ok(())
}
