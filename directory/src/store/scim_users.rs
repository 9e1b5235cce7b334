//! The directory's users: core columns for finding, the whole resource as JSON, and multi-valued attributes as rows.

use std::collections::BTreeMap;

use domain::{ConnectionId, DirectoryUserId, MemberId, Timestamp};
use scim::{Kind, Resource, compare};

use super::{
    db::Tx,
    scim_values,
    values::{CHUNK, Maybe, Row, in_list, params},
};
use crate::Error;

/// A user as the directory keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) id: DirectoryUserId,
    pub(crate) connection: ConnectionId,
    /// Whom it acts on: set once, at the first activation.
    pub(crate) member: Option<MemberId>,
    /// The directory's wish. The resource need not say it: a PATCH may have taken `active` away, which lets nobody in or out.
    pub(crate) active: bool,
    pub(crate) resource: Resource,
    pub(crate) version: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

const COLUMNS: &str = "id, connection_id, member_id, active, attributes, version, created_at, updated_at";

/// A resource from the column that holds its attributes.
pub(super) fn resource(attributes: &str) -> Result<Resource, Error> {
    let attributes = serde_json::from_str(attributes).map_err(|error| Error::Store(error.to_string()))?;
    Ok(Resource::from_stored(Kind::User, attributes))
}

fn read(row: &Row) -> Result<Record, Error> {
    Ok(Record {
        id: row.get("id")?,
        connection: row.get("connection_id")?,
        member: row.opt("member_id")?,
        active: row.get("active")?,
        resource: resource(&row.get::<String>("attributes")?)?,
        version: row.get("version")?,
        created_at: row.get("created_at")?,
        updated_at: row.get("updated_at")?,
    })
}

/// A user that has not been deleted, without a lock.
pub(crate) async fn find(tx: &Tx, id: DirectoryUserId) -> Result<Option<Record>, Error> {
    tx.one(&format!("SELECT {COLUMNS} FROM scim_users WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL"), params![tx.org(), id], read)
        .await
}

/// A user that has not been deleted, with its lock.
pub(crate) async fn lock(tx: &Tx, id: DirectoryUserId) -> Result<Option<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM scim_users WHERE org_id = $1 AND id = $2 AND deleted_at IS NULL{}", tx.lock());
    tx.one(&sql, params![tx.org(), id], read).await
}

pub(crate) async fn find_by_user_name(tx: &Tx, user_name: &str) -> Result<Option<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM scim_users WHERE org_id = $1 AND user_name_key = $2 AND deleted_at IS NULL");
    tx.one(&sql, params![tx.org(), compare::fold(user_name)], read).await
}

/// Whether a record that has not been deleted acts on this member.
pub(crate) async fn is_linked(tx: &Tx, member: MemberId) -> Result<bool, Error> {
    let sql = "SELECT 1 AS one FROM scim_users WHERE org_id = $1 AND member_id = $2 AND deleted_at IS NULL";
    Ok(tx.one(sql, params![tx.org(), member], |_| Ok(())).await?.is_some())
}

/// The record that acts on this member and has not been deleted, with its lock.
pub(crate) async fn lock_of_member(tx: &Tx, member: MemberId) -> Result<Option<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM scim_users WHERE org_id = $1 AND member_id = $2 AND deleted_at IS NULL{}", tx.lock());
    tx.one(&sql, params![tx.org(), member], read).await
}

/// Let a record, which is locked, act on this member from now on. Nothing that the identity provider sees has changed.
pub(crate) async fn set_member(tx: &Tx, id: DirectoryUserId, member: MemberId) -> Result<(), Error> {
    let sql = "UPDATE scim_users SET member_id = $3 WHERE org_id = $1 AND id = $2 AND member_id IS NULL AND deleted_at IS NULL";
    match tx.run(sql, params![tx.org(), id, member]).await? {
        1 => Ok(()),
        _ => Err(Error::Stale),
    }
}

/// Insert a user; whether its userName (and externalId) were free. Waits for a rival that is inserting the same.
pub(crate) async fn insert(tx: &Tx, record: &Record) -> Result<bool, Error> {
    let resource = &record.resource;
    let inserted = tx
        .run(
            "INSERT INTO scim_users (id, org_id, connection_id, member_id, external_id, user_name, user_name_key, active, display_name, attributes, version, created_at, updated_at, indexed_by)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) ON CONFLICT DO NOTHING",
            params![
                record.id,
                tx.org(),
                record.connection,
                Maybe(record.member),
                Maybe(resource.text("externalId")),
                user_name(resource),
                compare::fold(user_name(resource)),
                record.active,
                Maybe(resource.text("displayName")),
                attributes(resource)?,
                record.version,
                record.created_at,
                record.updated_at,
                scim_values::RULES
            ],
        )
        .await?;
    if inserted == 1 {
        scim_values::insert(tx, record.id, resource).await?;
    }
    Ok(inserted == 1)
}

/// Write `resource` over `before`, which is locked. [`Error::Stale`] if someone wrote all the same.
///
/// Whether userName and externalId are free was asked by the caller ([`clash`]); a rival that took one in between makes
/// this fail at the unique index, and the transaction runs again.
pub(crate) async fn update(
    tx: &Tx,
    before: &Record,
    resource: &Resource,
    active: bool,
    member: Option<MemberId>,
    now: Timestamp,
) -> Result<Record, Error> {
    // Whoever waited for the lock came first and writes last: a client that asks for what changed since then has to find it.
    let now = now.max(before.updated_at);
    let written = tx
        .run(
            "UPDATE scim_users SET member_id = $4, external_id = $5, user_name = $6, user_name_key = $7, active = $8, display_name = $9,
                    attributes = $10, version = $3 + 1, updated_at = $11
             WHERE org_id = $1 AND id = $2 AND version = $3 AND deleted_at IS NULL",
            params![
                tx.org(),
                before.id,
                before.version,
                Maybe(member),
                Maybe(resource.text("externalId")),
                user_name(resource),
                compare::fold(user_name(resource)),
                active,
                Maybe(resource.text("displayName")),
                attributes(resource)?,
                now
            ],
        )
        .await?;
    if written != 1 {
        return Err(Error::Stale);
    }
    scim_values::update(tx, before.id, &before.resource, resource).await?;
    Ok(Record { resource: resource.clone(), active, member, version: before.version + 1, updated_at: now, ..before.clone() })
}

/// Which attribute of `resource` another record holds already: `userName` or `externalId`.
pub(crate) async fn clash(tx: &Tx, id: DirectoryUserId, resource: &Resource) -> Result<Option<&'static str>, Error> {
    // Two questions in one, so that each has its index: for an OR, SQLite reads all of the organisation.
    let sql = "SELECT user_name_key FROM scim_users WHERE org_id = $1 AND user_name_key = $3 AND deleted_at IS NULL AND id <> $2
               UNION ALL
               SELECT user_name_key FROM scim_users WHERE org_id = $1 AND external_id = $4 AND external_id IS NOT NULL AND deleted_at IS NULL AND id <> $2";
    let key = compare::fold(user_name(resource));
    let others = tx
        .all(sql, params![tx.org(), id, key.clone(), Maybe(resource.text("externalId"))], |row| row.get::<String>("user_name_key"))
        .await?;
    Ok(if others.contains(&key) { Some("userName") } else { (!others.is_empty()).then_some("externalId") })
}

/// Another record is taking over this externalId: the one that has it, if there is one, gives it up.
pub(crate) async fn give_up_external_id(tx: &Tx, external_id: &str, now: Timestamp) -> Result<Option<Record>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM scim_users WHERE org_id = $1 AND external_id = $2 AND deleted_at IS NULL{}", tx.lock());
    let Some(holder) = tx.one(&sql, params![tx.org(), external_id], read).await? else { return Ok(None) };
    let mut resource = holder.resource.clone();
    resource.set("externalId", None);
    update(tx, &holder, &resource, holder.active, holder.member, now).await.map(Some)
}

/// Delete a user: for identity providers it is gone, and it conflicts with nothing.
pub(crate) async fn delete(tx: &Tx, id: DirectoryUserId, now: Timestamp) -> Result<(), Error> {
    tx.run("UPDATE scim_users SET deleted_at = $3 WHERE org_id = $1 AND id = $2", params![tx.org(), id, now]).await?;
    scim_values::delete(tx, id).await
}

/// The users of these ids that have not been deleted.
pub(crate) async fn by_ids(tx: &Tx, ids: &[DirectoryUserId]) -> Result<BTreeMap<DirectoryUserId, Record>, Error> {
    let mut records = BTreeMap::new();
    for chunk in ids.chunks(CHUNK) {
        let (list, params) = in_list(params![tx.org()], chunk);
        let sql = format!("SELECT {COLUMNS} FROM scim_users WHERE org_id = $1 AND id IN ({list}) AND deleted_at IS NULL");
        records.extend(tx.all(&sql, params, read).await?.into_iter().map(|record| (record.id, record)));
    }
    Ok(records)
}

/// Some users whose keys and rows were made by older rules.
pub(crate) async fn outdated(tx: &Tx, most: i64) -> Result<Vec<Record>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM scim_users WHERE org_id = $1 AND indexed_by < $2 AND deleted_at IS NULL ORDER BY id LIMIT $3{}",
        tx.lock()
    );
    tx.all(&sql, params![tx.org(), scim_values::RULES, most], read).await
}

/// Make a user's keys and rows again. Another user may have the new key already: then the old one stays, and `false`.
pub(crate) async fn index_again(tx: &Tx, record: &Record) -> Result<bool, Error> {
    let free = clash(tx, record.id, &record.resource).await?.is_none();
    let mut params = params![tx.org(), record.id, scim_values::RULES];
    let mut key = "";
    if free {
        params.extend(params![compare::fold(user_name(&record.resource))]);
        key = ", user_name_key = $4";
    }
    tx.run(&format!("UPDATE scim_users SET indexed_by = $3{key} WHERE org_id = $1 AND id = $2"), params).await?;
    scim_values::renew(tx, record.id, &record.resource).await?;
    Ok(free)
}

fn user_name(resource: &Resource) -> &str {
    resource.text("userName").unwrap_or_default()
}

fn attributes(resource: &Resource) -> Result<String, Error> {
    serde_json::to_string(resource.attributes()).map_err(|error| Error::Store(error.to_string()))
}
