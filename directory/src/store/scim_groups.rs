//! The directory's groups. Who is in one is a row, added and removed by itself (law 10).

use std::collections::{BTreeMap, BTreeSet};

use domain::{ConnectionId, DirectoryGroupId, DirectoryUserId, Timestamp};
use scim::{Kind, Resource, compare};
use sea_orm::Value;
use serde_json::Map;

use super::{
    db::Tx,
    scim_values::RULES,
    values::{CHUNK, Maybe, Row, in_list, params},
};
use crate::{Call, Error};

/// A group as the directory keeps it, without its members.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) id: DirectoryGroupId,
    pub(crate) connection: ConnectionId,
    pub(crate) resource: Resource,
    pub(crate) version: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

const COLUMNS: &str = "id, connection_id, external_id, display_name, version, created_at, updated_at";

fn read(row: &Row) -> Result<Record, Error> {
    let mut attributes = Map::from_iter([("displayName".to_owned(), row.get::<String>("display_name")?.into())]);
    if let Some(external_id) = row.opt::<String>("external_id")? {
        attributes.insert("externalId".to_owned(), external_id.into());
    }
    Ok(Record {
        id: row.get("id")?,
        connection: row.get("connection_id")?,
        resource: Resource::from_stored(Kind::Group, attributes),
        version: row.get("version")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

fn display_name(resource: &Resource) -> &str {
    resource.text("displayName").unwrap_or_default()
}

/// A group that has not been deleted, without a lock.
pub(crate) async fn find(tx: &Tx, id: DirectoryGroupId) -> Result<Option<Record>, Error> {
    tx.one(&format!("SELECT {COLUMNS} FROM scim_groups WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL"), params![tx.org(), id], read)
        .await
}

/// A group that has not been deleted, with its lock.
pub(crate) async fn lock(tx: &Tx, id: DirectoryGroupId) -> Result<Option<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM scim_groups WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL{}", tx.lock());
    tx.one(&sql, params![tx.org(), id], read).await
}

/// Lock these groups, in the order of their ids.
pub(crate) async fn lock_all(tx: &Tx, groups: &[DirectoryGroupId]) -> Result<(), Error> {
    for chunk in groups.chunks(CHUNK) {
        let (list, params) = in_list(params![tx.org()], chunk);
        tx.all(&format!("SELECT id FROM scim_groups WHERE org_id = $1 AND id IN ({list}) ORDER BY id{}", tx.lock()), params, |_| Ok(()))
            .await?;
    }
    Ok(())
}

/// Insert a group; whether its name and externalId were free. Waits for a rival that is inserting the same.
pub(crate) async fn insert(tx: &Tx, record: &Record) -> Result<bool, Error> {
    let inserted = tx
        .run(
            "INSERT INTO scim_groups (id, org_id, connection_id, external_id, display_name, display_name_key, version, created_at, updated_at, indexed_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
            params![
                record.id,
                tx.org(),
                record.connection,
                Maybe(record.resource.text("externalId")),
                display_name(&record.resource),
                compare::fold(display_name(&record.resource)),
                record.version,
                record.created_at,
                record.updated_at,
                RULES
            ],
        )
        .await?;
    Ok(inserted == 1)
}

/// Write `resource` over `before`, which is locked.
pub(crate) async fn update(tx: &Tx, before: &Record, resource: &Resource, now: Timestamp) -> Result<Record, Error> {
    // Whoever waited for the lock came first and writes last: a client that asks for what changed since then has to find it.
    let now = now.max(before.updated_at);
    let written = tx
        .run(
            "UPDATE scim_groups SET external_id = $4, display_name = $5, display_name_key = $6, version = $3 + 1, updated_at = $7
             WHERE org_id = $1 AND id = $2 AND version = $3 AND deleted_at IS NULL",
            params![
                tx.org(),
                before.id,
                before.version,
                Maybe(resource.text("externalId")),
                display_name(resource),
                compare::fold(display_name(resource)),
                now
            ],
        )
        .await?;
    if written != 1 {
        return Err(Error::Stale);
    }
    Ok(Record { resource: resource.clone(), version: before.version + 1, updated_at: now, ..before.clone() })
}

/// Which attribute of `resource` another group holds already: `displayName` or `externalId`.
pub(crate) async fn clash(tx: &Tx, id: DirectoryGroupId, resource: &Resource) -> Result<Option<&'static str>, Error> {
    // Two questions in one, so that each has its index: for an OR, SQLite reads all of the organisation.
    let sql = "SELECT display_name_key FROM scim_groups WHERE org_id = $1 AND display_name_key = $3 AND deleted_at IS NULL AND id <> $2
               UNION ALL
               SELECT display_name_key FROM scim_groups WHERE org_id = $1 AND external_id = $4 AND external_id IS NOT NULL AND deleted_at IS NULL AND id <> $2";
    let key = compare::fold(display_name(resource));
    let others = tx
        .all(sql, params![tx.org(), id, key.clone(), Maybe(resource.text("externalId"))], |row| row.get::<String>("display_name_key"))
        .await?;
    Ok(if others.contains(&key) { Some("displayName") } else { (!others.is_empty()).then_some("externalId") })
}

/// Delete a group, and with it who was in it. Users stay.
pub(crate) async fn delete(tx: &Tx, id: DirectoryGroupId, by: &str, call: &Call) -> Result<(), Error> {
    tx.run("UPDATE scim_groups SET deleted_at = $3 WHERE org_id = $1 AND id = $2", params![tx.org(), id, call.now]).await?;
    remember(tx, "group_id = $2", params![tx.org(), id], by, call).await?;
    tx.run("DELETE FROM scim_group_members WHERE org_id = $1 AND group_id = $2", params![tx.org(), id]).await?;
    Ok(())
}

/// Keep what is about to be deleted from a group's members: who was in it, and until when.
async fn remember(tx: &Tx, which: &str, mut params: Vec<Value>, by: &str, call: &Call) -> Result<(), Error> {
    let first = params.len() + 1;
    params.extend(params![call.now, by, Maybe(call.request_id.as_deref())]);
    let sql = format!(
        "INSERT INTO scim_group_past_members (org_id, group_id, user_id, added_at, added_by, request_id, removed_at, removed_by, removed_request_id)
         SELECT org_id, group_id, user_id, added_at, added_by, request_id, ${first}, ${}, ${} FROM scim_group_members WHERE org_id = $1 AND {which}",
        first + 1,
        first + 2
    );
    tx.run(&sql, params).await?;
    Ok(())
}

/// The groups of these ids that have not been deleted.
pub(crate) async fn by_ids(tx: &Tx, ids: &[DirectoryGroupId]) -> Result<BTreeMap<DirectoryGroupId, Record>, Error> {
    let mut records = BTreeMap::new();
    for chunk in ids.chunks(CHUNK) {
        let (list, params) = in_list(params![tx.org()], chunk);
        let sql = format!("SELECT {COLUMNS} FROM scim_groups WHERE org_id = $1 AND id IN ({list}) AND deleted_at IS NULL");
        records.extend(tx.all(&sql, params, read).await?.into_iter().map(|record| (record.id, record)));
    }
    Ok(records)
}

/// Some groups whose keys were made by older rules.
pub(crate) async fn outdated(tx: &Tx, most: i64) -> Result<Vec<Record>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM scim_groups WHERE org_id = $1 AND indexed_by < $2 AND deleted_at IS NULL ORDER BY id LIMIT $3{}",
        tx.lock()
    );
    tx.all(&sql, params![tx.org(), RULES, most], read).await
}

/// Make a group's key again. Another group may have the new key already: then the old one stays, and `false`.
pub(crate) async fn index_again(tx: &Tx, record: &Record) -> Result<bool, Error> {
    let free = clash(tx, record.id, &record.resource).await?.is_none();
    let mut params = params![tx.org(), record.id, RULES];
    let mut key = "";
    if free {
        params.extend(params![compare::fold(display_name(&record.resource))]);
        key = ", display_name_key = $4";
    }
    tx.run(&format!("UPDATE scim_groups SET indexed_by = $3{key} WHERE org_id = $1 AND id = $2"), params).await?;
    Ok(free)
}

/// The groups that a user is in, by their ids.
pub(crate) async fn ids_of_user(tx: &Tx, user: DirectoryUserId) -> Result<Vec<DirectoryGroupId>, Error> {
    let sql = "SELECT group_id FROM scim_group_members WHERE org_id = $1 AND user_id = $2 ORDER BY group_id";
    tx.all(sql, params![tx.org(), user], |row| row.get("group_id")).await
}

/// Members of a group in the order of their ids, from after `after` on, at most `most` of them.
pub(crate) async fn members_after(
    tx: &Tx,
    group: DirectoryGroupId,
    after: Option<DirectoryUserId>,
    most: i64,
) -> Result<Vec<GroupMember>, Error> {
    let mut params = params![tx.org(), group, most];
    let beyond = match after {
        Some(after) => {
            params.extend(params![after]);
            " AND m.user_id > $4"
        }
        None => "",
    };
    let sql = format!(
        "SELECT u.id, u.display_name, u.user_name FROM scim_group_members m JOIN scim_users u ON u.id = m.user_id
         WHERE m.org_id = $1 AND m.group_id = $2{beyond} AND u.deleted_at IS NULL ORDER BY m.user_id LIMIT $3"
    );
    tx.all(&sql, params, member).await
}

fn member(row: &Row) -> Result<GroupMember, Error> {
    let display = row.opt("display_name")?.map_or_else(|| row.get("user_name"), Ok)?;
    Ok(GroupMember { user: row.get("id")?, display })
}

/// A user in a group, and the name to show for her.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupMember {
    /// The user.
    pub user: DirectoryUserId,
    /// Her display name, else her userName.
    pub display: String,
}

/// How many are in each of these groups; an empty one is not named.
pub(crate) async fn sizes(tx: &Tx, groups: &[DirectoryGroupId]) -> Result<BTreeMap<DirectoryGroupId, u64>, Error> {
    let mut sizes = BTreeMap::new();
    for chunk in groups.chunks(CHUNK) {
        let (list, params) = in_list(params![tx.org()], chunk);
        let sql = format!(
            "SELECT group_id, count(*) AS members FROM scim_group_members WHERE org_id = $1 AND group_id IN ({list}) GROUP BY group_id"
        );
        sizes.extend(tx.all(&sql, params, |row| Ok((row.get("group_id")?, u64::try_from(row.get::<i64>("members")?).unwrap_or(0)))).await?);
    }
    Ok(sizes)
}

/// Who is in these groups, each group's in the order of their ids.
pub(crate) async fn members(tx: &Tx, groups: &[DirectoryGroupId]) -> Result<BTreeMap<DirectoryGroupId, Vec<GroupMember>>, Error> {
    let mut members: BTreeMap<_, Vec<_>> = BTreeMap::new();
    // Joined by the primary key alone, since the foreign key holds the organisation: offered an index that begins with it,
    // PostgreSQL reads all users for each member of a group, for as long as it has no statistics.
    for chunk in groups.chunks(CHUNK) {
        let (list, params) = in_list(params![tx.org()], chunk);
        let sql = format!(
            "SELECT m.group_id, u.id, u.display_name, u.user_name FROM scim_group_members m
               JOIN scim_users u ON u.id = m.user_id
             WHERE m.org_id = $1 AND m.group_id IN ({list}) AND u.deleted_at IS NULL ORDER BY m.group_id, u.id"
        );
        let rows = tx.all(&sql, params, |row| Ok((row.get("group_id")?, member(row)?)));
        for (group, member) in rows.await? {
            members.entry(group).or_default().push(member);
        }
    }
    Ok(members)
}

/// The groups of these users, each user's by name.
pub(crate) async fn groups_of(
    tx: &Tx,
    users: &[DirectoryUserId],
) -> Result<BTreeMap<DirectoryUserId, Vec<(DirectoryGroupId, String)>>, Error> {
    let mut groups: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for chunk in users.chunks(CHUNK) {
        let (list, params) = in_list(params![tx.org()], chunk);
        let sql = format!(
            "SELECT m.user_id, g.id, g.display_name FROM scim_group_members m
               JOIN scim_groups g ON g.id = m.group_id
             WHERE m.org_id = $1 AND m.user_id IN ({list}) AND g.deleted_at IS NULL ORDER BY m.user_id, g.display_name_key, g.id"
        );
        for (user, group) in tx.all(&sql, params, |row| Ok((row.get("user_id")?, (row.get("id")?, row.get("display_name")?)))).await? {
            groups.entry(user).or_default().push(group);
        }
    }
    Ok(groups)
}

/// Those of `users` that exist, with their locks: none of them can be deleted before this transaction ends.
pub(crate) async fn known(tx: &Tx, users: &BTreeSet<DirectoryUserId>) -> Result<BTreeSet<DirectoryUserId>, Error> {
    let lock = if tx.lock().is_empty() { "" } else { " FOR SHARE" };
    let mut known = BTreeSet::new();
    for chunk in users.iter().copied().collect::<Vec<_>>().chunks(CHUNK) {
        let (list, params) = in_list(params![tx.org()], chunk);
        let sql = format!("SELECT id FROM scim_users WHERE org_id = $1 AND deleted_at IS NULL AND id IN ({list}) ORDER BY id{lock}");
        known.extend(tx.all(&sql, params, |row| row.get::<DirectoryUserId>("id")).await?);
    }
    Ok(known)
}

/// Put users, who exist, into a group; those who were not in it.
pub(crate) async fn add(
    tx: &Tx,
    group: DirectoryGroupId,
    users: &BTreeSet<DirectoryUserId>,
    by: &str,
    call: &Call,
) -> Result<Vec<DirectoryUserId>, Error> {
    let mut added = vec![];
    for chunk in users.iter().copied().collect::<Vec<_>>().chunks(CHUNK) {
        let (list, params) = in_list(params![tx.org(), group, call.now, Maybe(call.request_id.as_deref()), by], chunk);
        let sql = format!(
            "INSERT INTO scim_group_members (org_id, group_id, user_id, added_at, request_id, added_by)
             SELECT u.org_id, g.id, u.id, $3, $4, $5 FROM scim_users u JOIN scim_groups g ON g.org_id = u.org_id AND g.id = $2
             WHERE u.org_id = $1 AND u.id IN ({list}) ON CONFLICT DO NOTHING RETURNING user_id"
        );
        added.extend(tx.all(&sql, params, |row| row.get::<DirectoryUserId>("user_id")).await?);
    }
    Ok(added)
}

/// Take users out of a group; those who were in it.
pub(crate) async fn remove(
    tx: &Tx,
    group: DirectoryGroupId,
    users: &BTreeSet<DirectoryUserId>,
    by: &str,
    call: &Call,
) -> Result<Vec<DirectoryUserId>, Error> {
    let mut removed = vec![];
    for chunk in users.iter().copied().collect::<Vec<_>>().chunks(CHUNK) {
        let (list, params) = in_list(params![tx.org(), group], chunk);
        remember(tx, &format!("group_id = $2 AND user_id IN ({list})"), params.clone(), by, call).await?;
        let sql = format!("DELETE FROM scim_group_members WHERE org_id = $1 AND group_id = $2 AND user_id IN ({list}) RETURNING user_id");
        removed.extend(tx.all(&sql, params, |row| row.get::<DirectoryUserId>("user_id")).await?);
    }
    Ok(removed)
}

/// The ids of a group's members.
pub(crate) async fn member_ids(tx: &Tx, group: DirectoryGroupId) -> Result<BTreeSet<DirectoryUserId>, Error> {
    let sql = "SELECT user_id FROM scim_group_members WHERE org_id = $1 AND group_id = $2";
    Ok(tx.all(sql, params![tx.org(), group], |row| row.get("user_id")).await?.into_iter().collect())
}

/// A deleted user is in no group: those that she was in, which the caller has locked, are changed.
pub(crate) async fn remove_everywhere(tx: &Tx, user: DirectoryUserId, by: &str, call: &Call) -> Result<(), Error> {
    tx.run(
        "UPDATE scim_groups SET version = version + 1, updated_at = CASE WHEN updated_at > $3 THEN updated_at ELSE $3 END
         WHERE org_id = $1 AND deleted_at IS NULL AND id IN (SELECT group_id FROM scim_group_members WHERE org_id = $1 AND user_id = $2)",
        params![tx.org(), user, call.now],
    )
    .await?;
    remember(tx, "user_id = $2", params![tx.org(), user], by, call).await?;
    tx.run("DELETE FROM scim_group_members WHERE org_id = $1 AND user_id = $2", params![tx.org(), user]).await?;
    Ok(())
}
