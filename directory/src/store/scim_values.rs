//! The values of a user's attributes as rows, so that filters and sorting run in the database.

use std::collections::BTreeMap;

use domain::DirectoryUserId;
use scim::{Attribute, Kind, Resource, Target, compare};
use serde_json::Value;

use super::{
    db::{NoOrg, Tx},
    doors,
    values::{Params, params},
};
use crate::Error;

/// By which rules keys and rows are made. A change of either counts it up, and the next migration makes them again.
pub(crate) const RULES: i64 = 1;

/// How much of a key an index entry holds, in characters. As in the index that the migrations make.
pub(crate) const INDEXED: usize = 200;

/// Rows in one statement: well below what either database takes in parameters.
const CHUNK: usize = 200;

/// A place in `scim_user_values`: path and position.
type Place = (String, i64);

/// What is kept there: the comparison key, and whether lists are sorted by it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    key: String,
    sorts: bool,
}

/// The attributes that have columns of their own in `scim_users`.
const COLUMNS: [&str; 3] = ["userName", "active", "externalId"];

/// Whether any organisation has users or groups whose keys were made by rules before `$1`, or members whose keys were not made.
pub(super) const OUTDATED: &str = "SELECT 1 AS one FROM organizations o
     WHERE EXISTS (SELECT 1 FROM scim_users u WHERE u.org_id = o.id AND u.indexed_by < $1 AND u.deleted_at IS NULL)
        OR EXISTS (SELECT 1 FROM scim_groups g WHERE g.org_id = o.id AND g.indexed_by < $1 AND g.deleted_at IS NULL)
        OR EXISTS (SELECT 1 FROM members p WHERE p.org_id = o.id AND p.name_key = '')
     LIMIT 1";

/// Whether there is such an organisation: filters and lists would not find everybody.
pub(crate) async fn any_outdated(tx: &Tx<NoOrg>) -> Result<bool, Error> {
    Ok(tx.glimpse(&doors::OUTDATED, params![RULES], |_| Ok(())).await?.is_some())
}

/// The path under which the values of `target` are kept as rows, or, without its sub-attribute, its elements.
pub(crate) fn path(target: &Target) -> String {
    let (extension, name, sub) = target.names();
    let extension = extension.and_then(|urn| Kind::User.schema_by_urn(urn)).map_or_else(String::new, |schema| format!("{}:", schema.name));
    let sub = sub.map_or_else(String::new, |sub| format!(".{sub}"));
    format!("{extension}{name}{sub}")
}

/// The beginning of a key, as the index holds it.
pub(crate) fn indexed(key: &str) -> String {
    key.chars().take(INDEXED).collect()
}

/// The path that says of a user that her `active` was taken away: the column holds what counts all the same.
pub(crate) const WITHOUT_ACTIVE: &str = "-active";

fn rows(resource: &Resource) -> BTreeMap<Place, Kept> {
    let mut rows = BTreeMap::new();
    if resource.get("active").is_none() {
        rows.insert((WITHOUT_ACTIVE.to_owned(), 0), Kept { key: String::new(), sorts: false });
    }
    let extensions = Kind::User.extensions().iter().map(|schema| (Some(schema.id), *schema));
    for (extension, schema) in std::iter::once((None, Kind::User.schema())).chain(extensions) {
        for attribute in schema.attributes.iter().filter(|attribute| extension.is_some() || !COLUMNS.contains(&attribute.name)) {
            let target = Target { extension, attribute, sub: None };
            let name = extension.map_or_else(|| attribute.name.to_owned(), |urn| format!("{urn}:{}", attribute.name));
            let elements = match resource.get(&name) {
                None => continue,
                Some(Value::Array(elements)) => elements.as_slice(),
                Some(alone) => std::slice::from_ref(alone),
            };
            let sorting = elements.iter().position(|element| element.get("primary") == Some(&Value::Bool(true))).unwrap_or(0);
            for (position, element) in elements.iter().enumerate() {
                let sorts = position == sorting;
                let position = i64::try_from(position).unwrap_or(i64::MAX);
                let mut keep = |target: Target, key: String| rows.insert((path(&target), position), Kept { key, sorts });
                match element {
                    Value::Object(parts) => {
                        let filled = parts.values().any(|part| key(attribute, part).is_some_and(|key| !key.is_empty()));
                        keep(target, if filled { "1".to_owned() } else { String::new() });
                        for sub in attribute.sub_attributes {
                            if let Some(key) = parts.get(sub.name).and_then(|part| key(sub, part)) {
                                keep(Target { sub: Some(sub), ..target }, key);
                            }
                        }
                    }
                    alone => {
                        if let Some(key) = key(attribute, alone) {
                            keep(target, key);
                        }
                    }
                }
            }
        }
    }
    rows
}

/// What a value is compared by; `None` if it is nothing that compares.
fn key(attribute: &Attribute, value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(compare::key(text, attribute.case_exact).into_owned()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Write the rows of a user who has none.
pub(crate) async fn insert(tx: &Tx, user: DirectoryUserId, resource: &Resource) -> Result<(), Error> {
    write(tx, user, rows(resource).into_iter().collect()).await
}

/// Write what differs between a user's rows before and after.
pub(crate) async fn update(tx: &Tx, user: DirectoryUserId, before: &Resource, after: &Resource) -> Result<(), Error> {
    let (before, mut after) = (rows(before), rows(after));
    let stale: Vec<Place> =
        before.iter().filter(|(place, kept)| after.get(*place) != Some(*kept)).map(|(place, _)| place.clone()).collect();
    after.retain(|place, kept| before.get(place) != Some(kept));
    for chunk in stale.chunks(CHUNK) {
        let mut params = Params(params![tx.org(), user]);
        let places = chunk.iter().map(|(path, position)| {
            let path = params.push(path.as_str());
            format!("(path = {path} AND position = {})", params.push(*position))
        });
        let places = places.collect::<Vec<_>>().join(" OR ");
        tx.run(&format!("DELETE FROM scim_user_values WHERE org_id = $1 AND user_id = $2 AND ({places})"), params.0).await?;
    }
    write(tx, user, after.into_iter().collect()).await
}

/// Make a user's rows again, whatever is there.
pub(crate) async fn renew(tx: &Tx, user: DirectoryUserId, resource: &Resource) -> Result<(), Error> {
    delete(tx, user).await?;
    insert(tx, user, resource).await
}

pub(crate) async fn delete(tx: &Tx, user: DirectoryUserId) -> Result<(), Error> {
    tx.run("DELETE FROM scim_user_values WHERE org_id = $1 AND user_id = $2", params![tx.org(), user]).await?;
    Ok(())
}

async fn write(tx: &Tx, user: DirectoryUserId, rows: Vec<(Place, Kept)>) -> Result<(), Error> {
    for chunk in rows.chunks(CHUNK) {
        let mut params = Params(params![tx.org(), user]);
        let rows = chunk.iter().map(|((path, position), kept)| {
            let path = params.push(path.as_str());
            let position = params.push(*position);
            let key = params.push(kept.key.as_str());
            format!("($1, $2, {path}, {position}, {key}, {})", params.push(kept.sorts))
        });
        let rows = rows.collect::<Vec<_>>().join(", ");
        tx.run(&format!("INSERT INTO scim_user_values (org_id, user_id, path, position, value_key, sorts) VALUES {rows}"), params.0)
            .await?;
    }
    Ok(())
}
