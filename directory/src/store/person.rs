//! A person's page, read: why she has what she has.

use domain::{
    DirectoryGroupId, MemberId, MembershipId, OrgRole, TeamId, TeamRole, Timestamp,
    mapping::MappingTarget,
    view::{GroupOfPerson, Source},
};

use super::{
    db::Tx,
    mappings::target,
    roles::{IN_FORCE, stored},
    values::{Row, params},
};
use crate::{Error, secret::SecretHash};

/// A member, as her page needs her beyond what the list shows.
#[derive(Clone, Debug)]
pub(crate) struct Details {
    pub(crate) given_name: Option<String>,
    pub(crate) family_name: Option<String>,
    pub(crate) known_since: Timestamp,
    pub(crate) membership: Option<MembershipId>,
    pub(crate) access_began_at: Option<Timestamp>,
    pub(crate) blocked: bool,
    /// What the directory record that acts on her says, if there is one: its userName, its externalId, whether it is active.
    pub(crate) record: Option<(String, Option<String>, bool)>,
}

pub(crate) async fn details(tx: &Tx, member: MemberId) -> Result<Option<Details>, Error> {
    let sql = "SELECT p.given_name, p.family_name, p.created_at, m.id AS membership_id, m.began_at, r.user_name, r.external_id, r.active,
                      (SELECT count(*) FROM member_blocks b WHERE b.org_id = p.org_id AND b.member_id = p.id AND b.cause = 'operator') AS blocks
               FROM members p
                 LEFT JOIN memberships m ON m.member_id = p.id
                 LEFT JOIN scim_users r ON r.org_id = p.org_id AND r.member_id = p.id AND r.deleted_at IS NULL
               WHERE p.org_id = $1 AND p.id = $2";
    tx.one(sql, params![tx.org(), member], |row| {
        let record = match row.opt::<String>("user_name")? {
            Some(user_name) => Some((user_name, row.opt("external_id")?, row.get("active")?)),
            None => None,
        };
        Ok(Details {
            given_name: row.opt("given_name")?,
            family_name: row.opt("family_name")?,
            known_since: row.get("created_at")?,
            membership: row.opt("membership_id")?,
            access_began_at: row.opt("began_at")?,
            blocked: row.get::<i64>("blocks")? > 0,
            record,
        })
    })
    .await
}

fn granted(row: &Row) -> Result<Source, Error> {
    Ok(Source::Granted { by: row.get("granted_by")?, at: row.get("granted_at")?, request_id: row.opt("request_id")? })
}

/// The roles that were granted to a membership by hand.
pub(crate) async fn grants(tx: &Tx, membership: MembershipId) -> Result<Vec<(OrgRole, Source)>, Error> {
    let sql = "SELECT role, granted_by, granted_at, request_id FROM role_grants WHERE org_id = $1 AND membership_id = $2";
    tx.all(sql, params![tx.org(), membership], |row| Ok((stored(row, "role")?, granted(row)?))).await
}

/// A team by its id and name.
pub(crate) type Team = (TeamId, String);

/// The seats that were given to a membership by hand.
pub(crate) async fn seats(tx: &Tx, membership: MembershipId) -> Result<Vec<(Team, TeamRole, Source)>, Error> {
    let sql = "SELECT t.id AS team_id, t.name AS team_name, s.role, s.granted_by, s.granted_at, s.request_id FROM team_seats s
                 JOIN teams t ON t.org_id = s.org_id AND t.id = s.team_id
               WHERE s.org_id = $1 AND s.membership_id = $2";
    tx.all(sql, params![tx.org(), membership], |row| {
        Ok(((row.get("team_id")?, row.get("team_name")?), stored(row, "role")?, granted(row)?))
    })
    .await
}

/// Something that a mapping of one of somebody's groups gives.
#[derive(Clone, Debug)]
pub(crate) struct Mapped {
    pub(crate) target: MappingTarget,
    /// The team's name, where it is a seat.
    pub(crate) team: Option<String>,
    pub(crate) source: Source,
}

/// What the groups of a member give her, each with when it began to: when she came into the group or when the mapping came
/// into force, whichever was later.
pub(crate) async fn mapped(tx: &Tx, member: MemberId) -> Result<Vec<Mapped>, Error> {
    let sql = format!(
        "SELECT gm.id AS mapping_id, gm.org_role, gm.team_id, gm.team_role, t.name AS team_name, gm.confirmed_at, gm.confirmed_by,
                o.id AS group_id, o.display_name, x.added_at, x.added_by, x.request_id, s.began_at, s.began_by, s.began_request_id
         FROM scim_users r
           JOIN scim_group_members x ON x.org_id = r.org_id AND x.user_id = r.id
           JOIN scim_groups o ON o.id = x.group_id
           JOIN group_mappings gm ON gm.org_id = x.org_id AND gm.group_id = x.group_id
           LEFT JOIN teams t ON t.org_id = gm.org_id AND t.id = gm.team_id
           LEFT JOIN group_mapping_spans s ON s.org_id = gm.org_id AND s.mapping_id = gm.id AND s.ended_at IS NULL
         WHERE r.org_id = $1 AND r.member_id = $2 AND r.deleted_at IS NULL AND r.active AND {IN_FORCE}
         ORDER BY o.display_name_key, o.id, gm.id"
    );
    tx.all(&sql, params![tx.org(), member], |row| {
        let came: Timestamp = row.get("added_at")?;
        let in_force = match row.opt("began_at")? {
            Some(at) => (at, row.opt("began_by")?, row.opt("began_request_id")?),
            None => (row.get("confirmed_at")?, row.opt("confirmed_by")?, None),
        };
        let (since, by, request_id) = if in_force.0 > came { in_force } else { (came, row.opt("added_by")?, row.opt("request_id")?) };
        Ok(Mapped {
            target: target(row)?,
            team: row.opt("team_name")?,
            source: Source::Mapped {
                mapping: row.get("mapping_id")?,
                group: row.get("group_id")?,
                group_name: row.get("display_name")?,
                since,
                by,
                request_id,
            },
        })
    })
    .await
}

/// The directory's groups that a member is in, by name, with what each gives whoever it acts on.
pub(crate) async fn groups(tx: &Tx, member: MemberId) -> Result<Vec<GroupOfPerson>, Error> {
    let sql = format!(
        "SELECT o.id, o.display_name, x.added_at, x.request_id, gm.id AS mapping_id, gm.org_role, gm.team_id, gm.team_role, t.name AS team_name
         FROM scim_users r
           JOIN scim_group_members x ON x.org_id = r.org_id AND x.user_id = r.id
           JOIN scim_groups o ON o.id = x.group_id
           LEFT JOIN group_mappings gm ON gm.org_id = x.org_id AND gm.group_id = x.group_id AND {IN_FORCE}
           LEFT JOIN teams t ON t.org_id = gm.org_id AND t.id = gm.team_id
         WHERE r.org_id = $1 AND r.member_id = $2 AND r.deleted_at IS NULL
         ORDER BY o.display_name_key, o.id, CASE WHEN gm.team_id IS NULL THEN 0 ELSE 1 END, t.name_key, gm.id"
    );
    let rows = tx.all(&sql, params![tx.org(), member], |row| {
        let gives = match row.opt::<domain::MappingId>("mapping_id")? {
            Some(_) => vec![target(row)?.in_words(row.opt::<String>("team_name")?.as_deref())],
            None => vec![],
        };
        Ok(GroupOfPerson {
            id: row.get::<DirectoryGroupId>("id")?,
            name: row.get("display_name")?,
            since: row.get("added_at")?,
            request_id: row.opt("request_id")?,
            gives,
        })
    });
    let mut groups: Vec<GroupOfPerson> = vec![];
    for row in rows.await? {
        match groups.last_mut().filter(|group| group.id == row.id) {
            Some(group) => group.gives.extend(row.gives),
            None => groups.push(row),
        }
    }
    Ok(groups)
}

/// A browser session, as its owner's page shows it.
pub(crate) struct Session {
    pub(crate) hash: SecretHash,
    pub(crate) user_agent: Option<String>,
    pub(crate) ip: Option<String>,
    pub(crate) began_at: Timestamp,
    pub(crate) last_seen_at: Timestamp,
}

/// The live sessions of a membership, the last used first.
pub(crate) async fn sessions(tx: &Tx, membership: MembershipId, now: Timestamp, idle_since: Timestamp) -> Result<Vec<Session>, Error> {
    let sql = "SELECT id_hash, user_agent, ip, created_at, last_seen_at FROM sessions
               WHERE org_id = $1 AND membership_id = $2 AND expires_at > $3 AND last_seen_at > $4
               ORDER BY last_seen_at DESC, created_at DESC, id_hash";
    tx.all(sql, params![tx.org(), membership, now, idle_since], |row| {
        Ok(Session {
            hash: SecretHash::from_stored(row.get("id_hash")?),
            user_agent: row.opt("user_agent")?,
            ip: row.opt("ip")?,
            began_at: row.get("created_at")?,
            last_seen_at: row.get("last_seen_at")?,
        })
    })
    .await
}
