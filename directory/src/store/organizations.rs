//! Organisations. Found by their name in a URL before leave to act in them exists.

use domain::{AccountId, OrgId, OrgName, OrgSlug, Timestamp};

use super::{
    db::{NoOrg, Tx},
    doors,
    values::params,
};
use crate::Error;

/// Whether there is any organisation at all. A drill's satellite is none.
pub(crate) async fn any<S: Send + Sync>(tx: &Tx<S>) -> Result<bool, Error> {
    Ok(tx.glimpse(&doors::ANY_ORG, vec![], |_| Ok(())).await?.is_some())
}

/// Whether the transaction's organisation exists. A drill's satellite does not.
pub(crate) async fn exists(tx: &Tx) -> Result<bool, Error> {
    let sql = "SELECT 1 AS one FROM organizations WHERE id = $1 AND drill_of IS NULL";
    Ok(tx.one(sql, params![tx.org()], |_| Ok(())).await?.is_some())
}

/// Insert the transaction's organisation; whether its slug was free.
pub(crate) async fn insert(tx: &Tx, name: &OrgName, slug: &OrgSlug, now: Timestamp) -> Result<bool, Error> {
    let inserted = tx
        .run(
            "INSERT INTO organizations (id, name, slug, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            params![tx.org(), name.as_str(), slug.as_str(), now],
        )
        .await?;
    if inserted == 1 {
        tx.run("INSERT INTO owner_guards (org_id) VALUES ($1)", params![tx.org()]).await?;
    }
    Ok(inserted == 1)
}

/// Insert the transaction's organisation as the satellite in which a drill of `home` runs.
pub(crate) async fn insert_satellite(tx: &Tx, home: OrgId, name: &OrgName, slug: &OrgSlug, now: Timestamp) -> Result<(), Error> {
    let sql = "INSERT INTO organizations (id, name, slug, created_at, drill_of) VALUES ($1, $2, $3, $4, $5)";
    tx.run(sql, params![tx.org(), name.as_str(), slug.as_str(), now, home]).await?;
    tx.run("INSERT INTO owner_guards (org_id) VALUES ($1)", params![tx.org()]).await?;
    Ok(())
}

/// The satellite of the transaction's organisation, if a drill has left one or is under way.
pub(crate) async fn satellite(tx: &Tx) -> Result<Option<OrgId>, Error> {
    tx.glimpse(&doors::SATELLITE, params![tx.org()], |row| row.get("org_id")).await
}

/// Delete the transaction's organisation, which has to be a satellite, with everything under it and the accounts that only it knew:
/// which those were.
pub(crate) async fn delete_satellite(tx: &Tx) -> Result<Vec<AccountId>, Error> {
    // A request of the drill that is still under way ends before, or finds no organisation.
    tx.one(&format!("SELECT 1 AS one FROM organizations WHERE id = $1{}", tx.lock()), params![tx.org()], |_| Ok(())).await?;
    let sql = "SELECT account_id FROM members m JOIN organizations o ON o.id = m.org_id WHERE o.id = $1 AND o.drill_of IS NOT NULL";
    let accounts: Vec<AccountId> = tx.all(sql, params![tx.org()], |row| row.get("account_id")).await?;
    // Records refer to members without a cascade, so they go before them.
    let of_satellite = "org_id = (SELECT id FROM organizations WHERE id = $1 AND drill_of IS NOT NULL)";
    tx.run(&format!("DELETE FROM scim_connections WHERE {of_satellite}"), params![tx.org()]).await?;
    tx.run("DELETE FROM organizations WHERE id = $1 AND drill_of IS NOT NULL", params![tx.org()]).await?;
    for account in &accounts {
        let sql =
            "DELETE FROM users WHERE id = $1 AND email IS NULL AND NOT EXISTS (SELECT 1 FROM members m WHERE m.account_id = users.id)";
        tx.run(sql, params![*account]).await?;
    }
    Ok(accounts)
}

/// Lock the row that law 6 is kept with: whoever holds it may count the owners and end one.
pub(crate) async fn lock_owner_guard(tx: &Tx) -> Result<(), Error> {
    let sql = format!("SELECT 1 AS one FROM owner_guards WHERE org_id = $1{}", tx.lock());
    tx.one(&sql, params![tx.org()], |_| Ok(())).await?;
    Ok(())
}

/// Lock the organisation, for what is to be done one at a time. Whoever writes rows that refer to it is not kept waiting.
pub(crate) async fn lock(tx: &Tx) -> Result<(), Error> {
    let lock = if tx.is_postgres() { " FOR NO KEY UPDATE" } else { "" };
    tx.one(&format!("SELECT 1 AS one FROM organizations WHERE id = $1{lock}"), params![tx.org()], |_| Ok(())).await?;
    Ok(())
}

/// Founding the first organisation is for one caller at a time.
pub(crate) async fn lock_founding<S: Send + Sync>(tx: &Tx<S>) -> Result<(), Error> {
    // Every founder takes all set-up links, in one order; SQLite has one writer anyway.
    tx.all(&format!("SELECT hash FROM set_up_links ORDER BY hash{}", tx.lock()), vec![], |_| Ok(())).await?;
    Ok(())
}

/// The organisation of this name in URLs. A drill's satellite is nobody's to name.
pub(crate) async fn find_by_slug(tx: &Tx<NoOrg>, slug: &OrgSlug) -> Result<Option<OrgId>, Error> {
    tx.glimpse(&doors::ORG_BY_SLUG, params![slug.as_str()], |row| row.get("org_id")).await
}

/// The organisation's name in URLs.
pub(crate) async fn slug(tx: &Tx) -> Result<OrgSlug, Error> {
    let found = tx.one("SELECT slug FROM organizations WHERE id = $1", params![tx.org()], |row| row.get::<String>("slug")).await?;
    Ok(OrgSlug::try_from(found.ok_or(Error::NotFound("organisation"))?)?)
}

/// The organisation's name.
pub(crate) async fn name(tx: &Tx) -> Result<OrgName, Error> {
    let found = tx.one("SELECT name FROM organizations WHERE id = $1", params![tx.org()], |row| row.get::<String>("name")).await?;
    Ok(OrgName::try_from(found.ok_or(Error::NotFound("organisation"))?)?)
}
