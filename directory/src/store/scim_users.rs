//! The directory's users: core columns for finding, the whole resource as JSON, and multi-valued attributes as rows.

use domain::{ConnectionId, DirectoryUserId, MemberId, Timestamp};
use scim::{Kind, Resource, compare};
use sea_orm::Value;

use super::{
    db::Tx,
    scim_filter::{Fragment, compile},
    values::{Maybe, Row, params},
};
use crate::Error;

/// A user as the directory keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    pub(crate) id: DirectoryUserId,
    pub(crate) connection: ConnectionId,
    /// Whom it acts on: set once, at the first activation.
    pub(crate) member: Option<MemberId>,
    pub(crate) resource: Resource,
    pub(crate) version: i64,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl Record {
    /// The directory's wish.
    pub(crate) fn active(&self) -> bool {
        active(&self.resource)
    }
}

/// The directory's wish; absent means yes.
pub(crate) fn active(resource: &Resource) -> bool {
    resource.flag("active").unwrap_or(true)
}

/// The multi-valued attributes that are kept as rows, and the path that a filter names them by.
const VALUES: &[(&str, &str)] = &[("emails", "emails.value"), ("phoneNumbers", "phoneNumbers.value")];

/// The path under which the values of the attribute `name` are kept as rows, if they are.
pub(crate) fn values_path(name: &str) -> Option<&'static str> {
    VALUES.iter().find(|(attribute, _)| *attribute == name).map(|(_, path)| *path)
}

const COLUMNS: &str = "id, connection_id, member_id, attributes, version, created_at, updated_at";

fn read(row: &Row) -> Result<Record, Error> {
    let attributes = serde_json::from_str(&row.get::<String>("attributes")?).map_err(|error| Error::Store(error.to_string()))?;
    Ok(Record {
        id: row.get("id")?,
        connection: row.get("connection_id")?,
        member: row.opt("member_id")?,
        resource: Resource::from_stored(Kind::User, attributes),
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

/// Insert a user; whether its userName (and externalId) were free. Waits for a rival that is inserting the same.
pub(crate) async fn insert(tx: &Tx, record: &Record) -> Result<bool, Error> {
    let resource = &record.resource;
    let inserted = tx
        .run(
            "INSERT INTO scim_users (id, org_id, connection_id, member_id, external_id, user_name, user_name_key, active, display_name, attributes, version, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT DO NOTHING",
            params![
                record.id,
                tx.org(),
                record.connection,
                Maybe(record.member),
                Maybe(resource.text("externalId")),
                user_name(resource),
                compare::fold(user_name(resource)),
                record.active(),
                Maybe(resource.text("displayName")),
                attributes(resource)?,
                record.version,
                record.created_at,
                record.updated_at
            ],
        )
        .await?;
    if inserted == 1 {
        write_values(tx, record.id, resource).await?;
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
    member: Option<MemberId>,
    now: Timestamp,
) -> Result<Record, Error> {
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
                active(resource),
                Maybe(resource.text("displayName")),
                attributes(resource)?,
                now
            ],
        )
        .await?;
    if written != 1 {
        return Err(Error::Stale);
    }
    tx.run("DELETE FROM scim_user_values WHERE org_id = $1 AND user_id = $2", params![tx.org(), before.id]).await?;
    write_values(tx, before.id, resource).await?;
    Ok(Record { resource: resource.clone(), member, version: before.version + 1, updated_at: now, ..before.clone() })
}

/// Which attribute of `resource` another record holds already: `userName` or `externalId`.
pub(crate) async fn clash(tx: &Tx, id: DirectoryUserId, resource: &Resource) -> Result<Option<&'static str>, Error> {
    let sql = "SELECT user_name_key FROM scim_users
               WHERE org_id = $1 AND id <> $2 AND deleted_at IS NULL AND (user_name_key = $3 OR (external_id IS NOT NULL AND external_id = $4))";
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
    update(tx, &holder, &resource, holder.member, now).await.map(Some)
}

/// Delete a user: for identity providers it is gone, and it conflicts with nothing.
pub(crate) async fn delete(tx: &Tx, id: DirectoryUserId, now: Timestamp) -> Result<(), Error> {
    tx.run("UPDATE scim_users SET deleted_at = $3 WHERE org_id = $1 AND id = $2", params![tx.org(), id, now]).await?;
    tx.run("DELETE FROM scim_user_values WHERE org_id = $1 AND user_id = $2", params![tx.org(), id]).await?;
    Ok(())
}

/// A page of the users that match, in their one stable order, and how many match in all.
pub(crate) async fn list(tx: &Tx, filter: Option<&scim::ResolvedFilter>, offset: u64, count: u64) -> Result<(u64, Vec<Record>), Error> {
    let mut params: Vec<Value> = params![tx.org()];
    let mut condition = "org_id = $1 AND deleted_at IS NULL".to_owned();
    if let Some(filter) = filter {
        let Fragment { sql, values } = compile(Kind::User, filter, params.len())?;
        condition = format!("{condition} AND ({sql})");
        params.extend(values);
    }
    let total = tx
        .one(&format!("SELECT count(*) AS total FROM scim_users WHERE {condition}"), params.clone(), |row| row.get::<i64>("total"))
        .await?;
    let total = u64::try_from(total.unwrap_or(0)).unwrap_or(0);
    if count == 0 || offset >= total {
        return Ok((total, vec![]));
    }
    let next = params.len() + 1;
    let sql = format!("SELECT {COLUMNS} FROM scim_users WHERE {condition} ORDER BY created_at, id LIMIT ${next} OFFSET ${}", next + 1);
    params.extend(params![i64::try_from(count).unwrap_or(i64::MAX), i64::try_from(offset).unwrap_or(i64::MAX)]);
    Ok((total, tx.all(&sql, params, read).await?))
}

fn user_name(resource: &Resource) -> &str {
    resource.text("userName").unwrap_or_default()
}

fn attributes(resource: &Resource) -> Result<String, Error> {
    serde_json::to_string(resource.attributes()).map_err(|error| Error::Store(error.to_string()))
}

/// A value of a multi-valued attribute.
pub(crate) struct Element<'a> {
    pub(crate) value: &'a str,
    kind: Option<&'a str>,
    primary: bool,
}

/// The values that are kept as rows, each with its attribute's name.
pub(crate) fn values(resource: &Resource) -> impl Iterator<Item = (&'static str, Element<'_>)> {
    VALUES.iter().flat_map(move |(attribute, _)| {
        resource.values(attribute).filter_map(move |element| {
            let text = |name: &str| element.get(name).and_then(serde_json::Value::as_str);
            let primary = element.get("primary").and_then(serde_json::Value::as_bool).unwrap_or(false);
            Some((*attribute, Element { value: text("value")?, kind: text("type"), primary }))
        })
    })
}

async fn write_values(tx: &Tx, id: DirectoryUserId, resource: &Resource) -> Result<(), Error> {
    for (position, (attribute, element)) in values(resource).enumerate() {
        tx.run(
            "INSERT INTO scim_user_values (org_id, user_id, path, position, value, value_key, type_key, is_primary)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            params![
                tx.org(),
                id,
                values_path(attribute).unwrap_or(attribute),
                i64::try_from(position).unwrap_or(i64::MAX),
                element.value,
                compare::fold(element.value),
                Maybe(element.kind.map(compare::fold)),
                element.primary
            ],
        )
        .await?;
    }
    Ok(())
}
