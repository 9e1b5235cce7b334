//! Which roles a membership holds, read beside it in one statement (law 9).

use std::str::FromStr;

use domain::{MappableRole, MembershipId, OrgRole, access::Sources, role::effective_role};

use super::{
    db::Tx,
    mappings::target,
    values::{Row, params},
};
use crate::Error;

macro_rules! in_force {
    () => {
        "gm.confirmed_at IS NOT NULL AND gm.paused_at IS NULL AND gm.closed_at IS NULL"
    };
}
pub(crate) use in_force;

/// Whether the mapping `gm` gives what it says.
pub(crate) const IN_FORCE: &str = in_force!();

/// The mappings `gm` of the groups in which the directory has the member of the membership `m`. The row of `scim_users` is
/// found by its unique index, the groups and the mappings by theirs: what it costs grows with the groups of one person.
pub(crate) const MAPPINGS_OF_M: &str = concat!(
    "scim_users r
       JOIN scim_group_members x ON x.org_id = r.org_id AND x.user_id = r.id
       JOIN group_mappings gm ON gm.org_id = x.org_id AND gm.group_id = x.group_id
     WHERE r.org_id = m.org_id AND r.member_id = m.member_id AND r.deleted_at IS NULL AND r.active
       AND ",
    in_force!()
);

/// The strongest role that was granted by hand and the strongest that groups give, as two columns beside the membership `m`.
/// Each is a digit in front of the role's name, so that the strongest is the greatest.
pub(crate) fn roles_of_m() -> String {
    format!(
        "(SELECT max(CASE g.role WHEN 'owner' THEN '3owner' WHEN 'admin' THEN '2admin' ELSE '1auditor' END) FROM role_grants g
           WHERE g.org_id = m.org_id AND g.membership_id = m.id) AS granted_role,
         (SELECT max(CASE gm.org_role WHEN 'admin' THEN '2admin' WHEN 'auditor' THEN '1auditor' ELSE '0member' END)
           FROM {MAPPINGS_OF_M} AND gm.org_role IS NOT NULL) AS mapped_role"
    )
}

/// The role in force, from the columns of [`roles_of_m`].
pub(crate) fn role(row: &Row) -> Result<OrgRole, Error> {
    Ok(effective_role(named::<OrgRole>(row, "granted_role")?, named::<MappableRole>(row, "mapped_role")?))
}

/// Where what this membership reaches comes from, as it is now.
pub(crate) async fn sources_of(tx: &Tx, membership: MembershipId) -> Result<Sources, Error> {
    let sql = "SELECT role FROM role_grants WHERE org_id = $1 AND membership_id = $2";
    let granted = tx.all(sql, params![tx.org(), membership], |row| stored(row, "role")).await?;
    let sql = "SELECT team_id, role FROM team_seats WHERE org_id = $1 AND membership_id = $2";
    let seats = tx.all(sql, params![tx.org(), membership], |row| Ok((row.get("team_id")?, stored(row, "role")?))).await?;
    // A CROSS JOIN, so that SQLite begins with the one membership.
    let sql = format!(
        "SELECT DISTINCT gm.org_role, gm.team_id, gm.team_role FROM memberships m CROSS JOIN {MAPPINGS_OF_M} AND m.org_id = $1 AND m.id = $2"
    );
    let mapped = tx.all(&sql, params![tx.org(), membership], target).await?;
    Ok(Sources { granted, seats, mapped })
}

/// The role that is stored in `column`.
pub(crate) fn stored<R: FromStr>(row: &Row, column: &str) -> Result<R, Error> {
    let text: String = row.get(column)?;
    text.parse().map_err(|_| Error::Store(format!("{text} is no role")))
}

fn named<R: FromStr>(row: &Row, column: &str) -> Result<Option<R>, Error> {
    let Some(text) = row.opt::<String>(column)? else { return Ok(None) };
    text[1..].parse().map(Some).map_err(|_| Error::Store(format!("{text} is no role")))
}
