//! Read models about the directory's groups: the list, and who is in one.

use domain::{DirectoryGroupId, MembershipId, Timestamp, view::GroupPerson};
use scim::compare;

use super::{
    db::Tx,
    members::Profile,
    values::{Params, Row, params},
};
use crate::{Error, groups::Sought};

/// A group, without who is in it and what it gives.
pub(crate) struct Found {
    pub(crate) id: DirectoryGroupId,
    pub(crate) name: String,
    pub(crate) external_id: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) changed_at: Timestamp,
}

const COLUMNS: &str = "g.id, g.display_name, g.external_id, g.created_at, g.updated_at";

fn read(row: &Row) -> Result<Found, Error> {
    Ok(Found {
        id: row.get("id")?,
        name: row.get("display_name")?,
        external_id: row.opt("external_id")?,
        created_at: row.get("created_at")?,
        changed_at: row.get("updated_at")?,
    })
}

/// The groups that are sought, as a condition.
fn condition(sought: &Sought, params: &mut Params) -> String {
    let mut sql = "g.org_id = $1 AND g.deleted_at IS NULL".to_owned();
    // What no name holds, and PostgreSQL does not take.
    let key = compare::fold(sought.name.replace('\0', "").trim());
    if !key.is_empty() {
        // Not LIKE, whose wildcards would have to be escaped and whose case rules differ between the engines.
        sql += &format!(" AND replace(g.display_name_key, {}, '') <> g.display_name_key", params.push(key));
    }
    if sought.unmapped {
        sql +=
            " AND NOT EXISTS (SELECT 1 FROM group_mappings gm WHERE gm.org_id = g.org_id AND gm.group_id = g.id AND gm.closed_at IS NULL)";
    }
    sql
}

/// Some of the groups that are sought, by name.
pub(crate) async fn page(tx: &Tx, sought: &Sought, size: u64, offset: u64) -> Result<Vec<Found>, Error> {
    let mut params = Params(params![tx.org()]);
    let condition = condition(sought, &mut params);
    let (size, offset) = (params.push(limit(size)), params.push(limit(offset)));
    // The names are unique: the index over them gives the order.
    let sql = format!("SELECT {COLUMNS} FROM scim_groups g WHERE {condition} ORDER BY g.display_name_key LIMIT {size} OFFSET {offset}");
    tx.all(&sql, params.0, read).await
}

/// How many groups are sought.
pub(crate) async fn count(tx: &Tx, sought: &Sought) -> Result<u64, Error> {
    let mut params = Params(params![tx.org()]);
    let sql = format!("SELECT count(*) AS total FROM scim_groups g WHERE {}", condition(sought, &mut params));
    number(tx, &sql, params).await
}

/// How many groups something is mapped to. Counted from the mappings, which are few.
pub(crate) async fn mapped(tx: &Tx) -> Result<u64, Error> {
    let sql = "SELECT count(DISTINCT gm.group_id) AS total FROM group_mappings gm
                 JOIN scim_groups g ON g.org_id = gm.org_id AND g.id = gm.group_id
               WHERE gm.org_id = $1 AND gm.closed_at IS NULL AND g.deleted_at IS NULL";
    number(tx, sql, Params(params![tx.org()])).await
}

async fn number(tx: &Tx, sql: &str, params: Params) -> Result<u64, Error> {
    let total = tx.one(sql, params.0, |row| row.get::<i64>("total")).await?;
    Ok(u64::try_from(total.unwrap_or(0)).unwrap_or(0))
}

/// A group that has not been deleted.
pub(crate) async fn find(tx: &Tx, id: DirectoryGroupId) -> Result<Option<Found>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM scim_groups g WHERE g.org_id = $1 AND g.id = $2 AND g.deleted_at IS NULL");
    tx.one(&sql, params![tx.org(), id], read).await
}

/// Some of those who are in a group, by name.
pub(crate) async fn people(tx: &Tx, group: DirectoryGroupId, size: u64, offset: u64) -> Result<Vec<GroupPerson>, Error> {
    // Users are joined by the primary key alone, see `scim_groups::members`. What a record says acts on its member while it is
    // active, and what the group gives is hers while she has a membership.
    let sql = "SELECT u.id, u.display_name AS record_name, u.user_name, u.member_id, u.active, x.added_at,
                      p.given_name, p.family_name, p.display_name, m.id AS membership_id
               FROM scim_group_members x
                 JOIN scim_users u ON u.id = x.user_id
                 LEFT JOIN members p ON p.org_id = x.org_id AND p.id = u.member_id
                 LEFT JOIN memberships m ON m.org_id = x.org_id AND m.member_id = u.member_id
               WHERE x.org_id = $1 AND x.group_id = $2 AND u.deleted_at IS NULL
               ORDER BY coalesce(nullif(p.name_key, ''), u.user_name_key), u.id LIMIT $3 OFFSET $4";
    tx.all(sql, params![tx.org(), group, limit(size), limit(offset)], |row| {
        let profile =
            Profile { given_name: row.opt("given_name")?, family_name: row.opt("family_name")?, display_name: row.opt("display_name")? };
        let user_name: String = row.get("user_name")?;
        let name = profile.name().or(row.opt("record_name")?).unwrap_or_else(|| user_name.clone());
        Ok(GroupPerson {
            user: row.get("id")?,
            member: row.opt("member_id")?,
            name,
            user_name,
            has_access: row.get("active")? && row.opt::<MembershipId>("membership_id")?.is_some(),
            since: row.get("added_at")?,
        })
    })
    .await
}

fn limit(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
