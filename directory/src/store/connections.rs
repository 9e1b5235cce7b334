//! An organisation's connection to its identity provider.

use domain::{ConnectionId, view::ScimStatus};

use super::{db::Tx, doors, values::params};
use crate::{Call, Error};

/// The organisation's connection and whether it is on.
pub(crate) async fn find(tx: &Tx) -> Result<Option<(ConnectionId, ScimStatus)>, Error> {
    let sql = format!("SELECT id, status FROM scim_connections WHERE org_id = $1{}", tx.lock());
    tx.one(&sql, params![tx.org()], |row| Ok((row.get("id")?, status(&row.get::<String>("status")?)))).await
}

/// The status alone, for a transaction that only reads.
pub(crate) async fn status_of(tx: &Tx) -> Result<ScimStatus, Error> {
    let found =
        tx.one("SELECT status FROM scim_connections WHERE org_id = $1", params![tx.org()], |row| row.get::<String>("status")).await?;
    Ok(found.map_or(ScimStatus::Off, |text| status(&text)))
}

/// Whether the connection of the organisation whose satellite the transaction's is is on: what a drill does needs both.
pub(crate) async fn home_is_on(tx: &Tx) -> Result<bool, Error> {
    let home = tx.glimpse(&doors::HOME, params![tx.org()], |row| row.get::<String>("status")).await?;
    Ok(home.is_some_and(|text| status(&text) == ScimStatus::Enabled))
}

fn status(text: &str) -> ScimStatus {
    if text == "enabled" { ScimStatus::Enabled } else { ScimStatus::Disabled }
}

/// Switch on; the connection is made when there is none. Whether anything changed.
pub(crate) async fn enable(tx: &Tx, created_by: &str, call: &Call) -> Result<bool, Error> {
    let changed = tx
        .run(
            "INSERT INTO scim_connections (id, org_id, status, created_at, created_by) VALUES ($1, $2, 'enabled', $3, $4)
             ON CONFLICT (org_id) DO UPDATE SET status = 'enabled' WHERE scim_connections.status <> 'enabled'",
            params![call.new_id::<ConnectionId>(), tx.org(), call.now, created_by],
        )
        .await?;
    Ok(changed == 1)
}

/// Switch off. Whether anything changed.
pub(crate) async fn disable(tx: &Tx) -> Result<bool, Error> {
    Ok(tx.run("UPDATE scim_connections SET status = 'disabled' WHERE org_id = $1 AND status = 'enabled'", params![tx.org()]).await? == 1)
}
