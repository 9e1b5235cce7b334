//! What the directory's groups give, and since when.

use std::collections::BTreeMap;

use domain::{
    AgentId, DirectoryGroupId, MappableRole, MappingId, MemberId, MembershipId, OrgRole, TeamId, TeamRole, Timestamp,
    access::AgentGrants,
    mapping::{MappingState, MappingTarget},
};
use scim::compare;
use uuid::Uuid;

use super::{
    db::Tx,
    members::Profile,
    roles::IN_FORCE,
    values::{CHUNK, Maybe, Row, in_list, params},
};
use crate::{Call, Error};

/// A mapping, with the present names of what it is between.
#[derive(Clone, Debug)]
pub(crate) struct Mapping {
    pub(crate) id: MappingId,
    /// `None` until the first group of its name is pushed.
    pub(crate) group: Option<DirectoryGroupId>,
    /// The group's present name, or the one that is waited for.
    pub(crate) group_name: String,
    pub(crate) target: MappingTarget,
    pub(crate) team_name: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) created_by: String,
    pub(crate) confirmed: bool,
    pub(crate) paused: Option<(Timestamp, String)>,
    pub(crate) closed: bool,
}

impl Mapping {
    /// Where it stands.
    pub(crate) fn state(&self) -> MappingState {
        match self {
            Self { closed: true, .. } => MappingState::Closed,
            Self { group: None, .. } => MappingState::Waiting,
            Self { confirmed: false, .. } => MappingState::Unconfirmed,
            Self { paused: Some(_), .. } => MappingState::Paused,
            _ => MappingState::Active,
        }
    }

    /// What it gives, in words.
    pub(crate) fn gives(&self) -> String {
        self.target.in_words(self.team_name.as_deref())
    }
}

/// The columns of a [`Mapping`], from [`FROM`].
const COLUMNS: &str = "gm.id, gm.group_id, coalesce(g.display_name, gm.group_name) AS group_name, gm.org_role, gm.team_id, gm.team_role,
    t.name AS team_name, gm.created_at, gm.created_by, gm.confirmed_at, gm.paused_at, gm.paused_by, gm.closed_at";
const FROM: &str = "group_mappings gm
    LEFT JOIN scim_groups g ON g.org_id = gm.org_id AND g.id = gm.group_id
    LEFT JOIN teams t ON t.org_id = gm.org_id AND t.id = gm.team_id";

/// What a mapping gives, from its three columns.
pub(crate) fn target(row: &Row) -> Result<MappingTarget, Error> {
    let broken = || Error::Store("a mapping gives nothing that is known".to_owned());
    match (row.opt::<String>("org_role")?, row.opt::<TeamId>("team_id")?, row.opt::<String>("team_role")?) {
        (Some(role), None, None) => role.parse::<MappableRole>().map(MappingTarget::Org).map_err(|()| broken()),
        (None, Some(team), Some(role)) => role.parse::<TeamRole>().map(|role| MappingTarget::Team(team, role)).map_err(|()| broken()),
        _ => Err(broken()),
    }
}

fn read(row: &Row) -> Result<Mapping, Error> {
    let paused = row.opt::<Timestamp>("paused_at")?;
    let paused_by = row.opt::<String>("paused_by")?;
    Ok(Mapping {
        id: row.get("id")?,
        group: row.opt("group_id")?,
        group_name: row.get("group_name")?,
        target: target(row)?,
        team_name: row.opt("team_name")?,
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
        confirmed: row.opt::<Timestamp>("confirmed_at")?.is_some(),
        paused: paused.zip(paused_by),
        closed: row.opt::<Timestamp>("closed_at")?.is_some(),
    })
}

/// All mappings, by the names of their groups.
pub(crate) async fn all(tx: &Tx) -> Result<Vec<Mapping>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM {FROM} WHERE gm.org_id = $1");
    let mut mappings = tx.all(&sql, params![tx.org()], read).await?;
    mappings.sort_by_cached_key(|mapping| (compare::fold(&mapping.group_name), mapping.target));
    Ok(mappings)
}

/// The mappings of these groups, each group's by what they give. Closed ones are of deleted groups only.
pub(crate) async fn of_groups(tx: &Tx, groups: &[DirectoryGroupId]) -> Result<BTreeMap<DirectoryGroupId, Vec<Mapping>>, Error> {
    let mut found: BTreeMap<_, Vec<Mapping>> = BTreeMap::new();
    for chunk in groups.chunks(CHUNK) {
        let (list, params) = in_list(params![tx.org()], chunk);
        let sql = format!("SELECT {COLUMNS} FROM {FROM} WHERE gm.org_id = $1 AND gm.group_id IN ({list})");
        for mapping in tx.all(&sql, params, read).await? {
            if let Some(group) = mapping.group {
                found.entry(group).or_default().push(mapping);
            }
        }
    }
    found.values_mut().for_each(|mappings| mappings.sort_by_key(|mapping| mapping.target));
    Ok(found)
}

pub(crate) async fn find(tx: &Tx, id: MappingId) -> Result<Option<Mapping>, Error> {
    tx.one(&format!("SELECT {COLUMNS} FROM {FROM} WHERE gm.org_id = $1 AND gm.id = $2"), params![tx.org(), id], read).await
}

/// Lock a mapping, so that nobody else changes it before this transaction ends. An outer join cannot be locked.
pub(crate) async fn lock(tx: &Tx, id: MappingId) -> Result<(), Error> {
    let sql = format!("SELECT id FROM group_mappings WHERE org_id = $1 AND id = $2{}", tx.lock());
    tx.one(&sql, params![tx.org(), id], |_| Ok(())).await?;
    Ok(())
}

/// A mapping of this group that gives the same and is not closed.
pub(crate) async fn same(tx: &Tx, group: Option<DirectoryGroupId>, name: &str, target: MappingTarget) -> Result<bool, Error> {
    let (org_role, team, team_role) = columns(target);
    let mut params = params![tx.org(), Maybe(org_role), Maybe(team), Maybe(team_role)];
    let of = match group {
        Some(group) => {
            params.extend(params![group]);
            "group_id = $5"
        }
        None => {
            params.extend(params![name]);
            "group_id IS NULL AND group_name = $5"
        }
    };
    let sql = format!(
        "SELECT 1 AS one FROM group_mappings WHERE org_id = $1 AND {of} AND closed_at IS NULL
           AND coalesce(org_role, '') = coalesce($2, '') AND coalesce(team_role, '') = coalesce($4, '')
           AND (team_id = $3 OR org_role IS NOT NULL)"
    );
    Ok(tx.one(&sql, params, |_| Ok(())).await?.is_some())
}

fn columns(target: MappingTarget) -> (Option<&'static str>, Option<TeamId>, Option<&'static str>) {
    match target {
        MappingTarget::Org(role) => (Some(OrgRole::from(role).as_str()), None, None),
        MappingTarget::Team(team, role) => (None, Some(team), Some(role.as_str())),
    }
}

/// Make a mapping: of a group, or of the name of one that is waited for. `confirmed_by`: who let it act at once.
pub(crate) async fn insert(
    tx: &Tx,
    group: Option<DirectoryGroupId>,
    name: &str,
    target: MappingTarget,
    by: &str,
    confirmed_by: Option<&str>,
    call: &Call,
) -> Result<MappingId, Error> {
    let id: MappingId = call.new_id();
    let (org_role, team, team_role) = columns(target);
    tx.run(
        "INSERT INTO group_mappings (id, org_id, group_id, group_name, org_role, team_id, team_role, created_at, created_by, bound_at, confirmed_at, confirmed_by)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        params![
            id,
            tx.org(),
            Maybe(group),
            name,
            Maybe(org_role),
            Maybe(team),
            Maybe(team_role),
            call.now,
            by,
            Maybe(group.map(|_| call.now)),
            Maybe(confirmed_by.map(|_| call.now)),
            Maybe(confirmed_by)
        ],
    )
    .await?;
    Ok(id)
}

/// Pause a mapping, or resume it.
pub(crate) async fn set_paused(tx: &Tx, id: MappingId, paused: Option<(Timestamp, &str)>) -> Result<(), Error> {
    tx.run(
        "UPDATE group_mappings SET paused_at = $3, paused_by = $4 WHERE org_id = $1 AND id = $2",
        params![tx.org(), id, Maybe(paused.map(|(at, _)| at)), Maybe(paused.map(|(_, by)| by))],
    )
    .await?;
    Ok(())
}

/// An owner has looked at what it gives.
pub(crate) async fn confirm(tx: &Tx, id: MappingId, by: &str, now: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE group_mappings SET confirmed_at = $3, confirmed_by = $4 WHERE org_id = $1 AND id = $2";
    tx.run(sql, params![tx.org(), id, now, by]).await?;
    Ok(())
}

pub(crate) async fn delete(tx: &Tx, id: MappingId) -> Result<(), Error> {
    tx.run("DELETE FROM group_mappings WHERE org_id = $1 AND id = $2", params![tx.org(), id]).await?;
    Ok(())
}

/// Its group is there: bind it, once and for good.
pub(crate) async fn bind(tx: &Tx, id: MappingId, group: DirectoryGroupId, now: Timestamp) -> Result<(), Error> {
    let sql = "UPDATE group_mappings SET group_id = $3, bound_at = $4 WHERE org_id = $1 AND id = $2 AND group_id IS NULL";
    tx.run(sql, params![tx.org(), id, group, now]).await?;
    Ok(())
}

/// Its group was deleted.
pub(crate) async fn close(tx: &Tx, id: MappingId, now: Timestamp) -> Result<(), Error> {
    tx.run("UPDATE group_mappings SET closed_at = $3 WHERE org_id = $1 AND id = $2", params![tx.org(), id, now]).await?;
    Ok(())
}

/// The mappings that wait for a group of exactly this name, with their locks.
pub(crate) async fn waiting_for(tx: &Tx, name: &str) -> Result<Vec<Mapping>, Error> {
    let sql = format!(
        "SELECT id FROM group_mappings WHERE org_id = $1 AND group_name = $2 AND group_id IS NULL AND closed_at IS NULL ORDER BY id{}",
        tx.lock()
    );
    let ids = tx.all(&sql, params![tx.org(), name], |row| row.get::<MappingId>("id")).await?;
    let mut mappings = vec![];
    for id in ids {
        mappings.extend(find(tx, id).await?);
    }
    Ok(mappings)
}

/// From now on the mapping, which is bound, gives what it says: remembered for telling why somebody had what she had.
pub(crate) async fn begin_span(tx: &Tx, mapping: &Mapping, by: &str, call: &Call) -> Result<(), Error> {
    let (org_role, team, team_role) = columns(mapping.target);
    tx.run(
        "INSERT INTO group_mapping_spans (id, org_id, mapping_id, group_id, org_role, team_id, team_name, team_role, began_at, began_by, began_request_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        params![
            call.new_id::<Uuid>(),
            tx.org(),
            mapping.id,
            Maybe(mapping.group),
            Maybe(org_role),
            Maybe(team),
            Maybe(mapping.team_name.as_deref()),
            Maybe(team_role),
            call.now,
            by,
            Maybe(call.request_id.as_deref())
        ],
    )
    .await?;
    Ok(())
}

/// From now on it does not.
pub(crate) async fn end_spans(tx: &Tx, mapping: MappingId, by: &str, call: &Call) -> Result<(), Error> {
    end_where(tx, "mapping_id", mapping.into(), by, call).await
}

/// A team is about to go, and with it every mapping to it.
pub(crate) async fn end_spans_of_team(tx: &Tx, team: TeamId, by: &str, call: &Call) -> Result<(), Error> {
    end_where(tx, "team_id", team.into(), by, call).await
}

async fn end_where(tx: &Tx, column: &'static str, id: Uuid, by: &str, call: &Call) -> Result<(), Error> {
    let sql = format!(
        "UPDATE group_mapping_spans SET ended_at = $3, ended_by = $4, ended_request_id = $5 WHERE org_id = $1 AND {column} = $2 AND ended_at IS NULL"
    );
    tx.run(&sql, params![tx.org(), id, call.now, by, Maybe(call.request_id.as_deref())]).await?;
    Ok(())
}

/// Somebody in a group whom the directory lets have access, and who has it.
#[derive(Clone, Debug)]
pub(crate) struct Affected {
    pub(crate) membership: MembershipId,
    pub(crate) member: MemberId,
}

/// The people in a group who have access: whoever acts on the group's mappings acts on them.
const PEOPLE: &str = "scim_group_members x
    JOIN scim_users r ON r.id = x.user_id AND r.org_id = x.org_id
    JOIN memberships m ON m.org_id = r.org_id AND m.member_id = r.member_id";
const OF_GROUP: &str = "x.org_id = $1 AND x.group_id = $2 AND r.deleted_at IS NULL AND r.active";

/// The people in a group who have access, by name.
pub(crate) async fn people(tx: &Tx, group: DirectoryGroupId) -> Result<Vec<Affected>, Error> {
    let sql =
        format!("SELECT m.id, m.member_id FROM {PEOPLE} JOIN members p ON p.id = m.member_id WHERE {OF_GROUP} ORDER BY p.name_key, p.id");
    tx.all(&sql, params![tx.org(), group], |row| Ok(Affected { membership: row.get("id")?, member: row.get("member_id")? })).await
}

/// The roles granted by hand to the people in a group.
pub(crate) async fn grants_in(tx: &Tx, group: DirectoryGroupId) -> Result<Vec<(MembershipId, OrgRole)>, Error> {
    let sql = format!(
        "SELECT g.membership_id, g.role FROM {PEOPLE} JOIN role_grants g ON g.org_id = m.org_id AND g.membership_id = m.id WHERE {OF_GROUP}"
    );
    tx.all(&sql, params![tx.org(), group], |row| {
        let role: String = row.get("role")?;
        Ok((row.get("membership_id")?, role.parse().map_err(|()| Error::Store(format!("{role} is no role")))?))
    })
    .await
}

/// The seats given by hand to the people in a group.
pub(crate) async fn seats_in(tx: &Tx, group: DirectoryGroupId) -> Result<Vec<(MembershipId, TeamId, TeamRole)>, Error> {
    let sql = format!(
        "SELECT s.membership_id, s.team_id, s.role FROM {PEOPLE} JOIN team_seats s ON s.org_id = m.org_id AND s.membership_id = m.id WHERE {OF_GROUP}"
    );
    tx.all(&sql, params![tx.org(), group], |row| {
        let role: String = row.get("role")?;
        Ok((row.get("membership_id")?, row.get("team_id")?, role.parse().map_err(|()| Error::Store(format!("{role} is no role")))?))
    })
    .await
}

/// What all the groups of the people in a group give them, by which mapping.
pub(crate) async fn mapped_in(tx: &Tx, group: DirectoryGroupId) -> Result<Vec<(MembershipId, MappingId, MappingTarget)>, Error> {
    let sql = format!(
        "SELECT m.id AS membership_id, gm.id AS mapping_id, gm.org_role, gm.team_id, gm.team_role FROM {PEOPLE}
           JOIN scim_group_members y ON y.org_id = r.org_id AND y.user_id = r.id
           JOIN group_mappings gm ON gm.org_id = y.org_id AND gm.group_id = y.group_id
         WHERE {OF_GROUP} AND {IN_FORCE}"
    );
    tx.all(&sql, params![tx.org(), group], |row| Ok((row.get("membership_id")?, row.get("mapping_id")?, target(row)?))).await
}

/// Names and addresses of these people.
pub(crate) async fn named(tx: &Tx, members: &[MemberId]) -> Result<BTreeMap<MemberId, (String, Option<String>)>, Error> {
    let mut named = BTreeMap::new();
    for chunk in members.chunks(CHUNK) {
        let (list, params) = in_list(params![tx.org()], chunk);
        let sql = format!(
            "SELECT p.id, p.given_name, p.family_name, p.display_name, u.email,
                    (SELECT r.user_name FROM scim_users r WHERE r.org_id = p.org_id AND r.member_id = p.id AND r.deleted_at IS NULL) AS user_name
             FROM members p JOIN users u ON u.id = p.account_id WHERE p.org_id = $1 AND p.id IN ({list})"
        );
        let read = |row: &Row| {
            let profile = Profile {
                given_name: row.opt("given_name")?,
                family_name: row.opt("family_name")?,
                display_name: row.opt("display_name")?,
            };
            let (email, user_name): (Option<String>, Option<String>) = (row.opt("email")?, row.opt("user_name")?);
            let name = profile.name().or(user_name).or_else(|| email.clone()).unwrap_or_else(|| "Somebody without a name".to_owned());
            Ok((row.get("id")?, (name, email)))
        };
        named.extend(tx.all(&sql, params, read).await?);
    }
    Ok(named)
}

/// Every agent, by name, and who may use it.
pub(crate) async fn agents(tx: &Tx) -> Result<Vec<(AgentId, String, AgentGrants)>, Error> {
    let mut agents: Vec<(AgentId, String, AgentGrants)> = tx
        .all("SELECT id, name FROM agents WHERE org_id = $1 ORDER BY name_key, id", params![tx.org()], |row| {
            Ok((row.get("id")?, row.get("name")?, AgentGrants::default()))
        })
        .await?;
    let sql = "SELECT agent_id, team_id, org_role FROM agent_grants WHERE org_id = $1";
    let grants = tx
        .all(sql, params![tx.org()], |row| {
            Ok((row.get::<AgentId>("agent_id")?, row.opt::<TeamId>("team_id")?, row.opt::<String>("org_role")?))
        })
        .await?;
    let places: BTreeMap<AgentId, usize> = agents.iter().enumerate().map(|(at, (id, ..))| (*id, at)).collect();
    for (agent, team, role) in grants {
        let Some(place) = places.get(&agent) else { continue };
        let held = &mut agents[*place].2;
        held.teams.extend(team);
        held.roles.extend(role.and_then(|role| role.parse::<OrgRole>().ok()));
    }
    Ok(agents)
}

/// The teams to choose from, by name.
pub(crate) async fn teams(tx: &Tx) -> Result<Vec<(TeamId, String)>, Error> {
    let sql = "SELECT id, name FROM teams WHERE org_id = $1 ORDER BY name_key, id";
    tx.all(sql, params![tx.org()], |row| Ok((row.get("id")?, row.get("name")?))).await
}

/// Groups to choose from, by name, at most `most`.
pub(crate) async fn groups(tx: &Tx, most: i64) -> Result<Vec<(DirectoryGroupId, String)>, Error> {
    let sql = "SELECT id, display_name FROM scim_groups WHERE org_id = $1 AND deleted_at IS NULL ORDER BY display_name_key LIMIT $2";
    tx.all(sql, params![tx.org(), most], |row| Ok((row.get("id")?, row.get("display_name")?))).await
}

/// The group that is called exactly this.
pub(crate) async fn group_called(tx: &Tx, name: &str) -> Result<Option<DirectoryGroupId>, Error> {
    let sql = "SELECT id, display_name FROM scim_groups WHERE org_id = $1 AND display_name_key = $2 AND deleted_at IS NULL";
    let found = tx.one(sql, params![tx.org(), compare::fold(name)], |row| Ok((row.get("id")?, row.get::<String>("display_name")?))).await?;
    Ok(found.and_then(|(id, called)| (called == name).then_some(id)))
}

/// How many in a group have no access now: what it gives is theirs when they have.
pub(crate) async fn without_access(tx: &Tx, group: DirectoryGroupId, with: usize) -> Result<u64, Error> {
    let sizes = super::scim_groups::sizes(tx, &[group]).await?;
    Ok(sizes.get(&group).copied().unwrap_or(0).saturating_sub(u64::try_from(with).unwrap_or(0)))
}
