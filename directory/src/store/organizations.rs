//! Organisations. Found by their name in a URL before leave to act in them exists.

use domain::{OrgId, OrgName, OrgSlug, Timestamp};

use super::{db::Tx, values::params};
use crate::Error;

/// Whether there is any organisation at all.
pub(crate) async fn any<S: Send + Sync>(tx: &Tx<S>) -> Result<bool, Error> {
    Ok(tx.one("SELECT 1 AS one FROM organizations LIMIT 1", vec![], |_| Ok(())).await?.is_some())
}

/// Every organisation, for what is done to each in turn.
pub(crate) async fn all<S: Send + Sync>(tx: &Tx<S>) -> Result<Vec<OrgId>, Error> {
    tx.all("SELECT id FROM organizations ORDER BY id", vec![], |row| row.get("id")).await
}

/// Whether this organisation exists.
pub(crate) async fn exists<S: Send + Sync>(tx: &Tx<S>, id: OrgId) -> Result<bool, Error> {
    Ok(tx.one("SELECT 1 AS one FROM organizations WHERE id = $1", params![id], |_| Ok(())).await?.is_some())
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

/// The organisation of this name in URLs.
pub(crate) async fn find_by_slug<S: Send + Sync>(tx: &Tx<S>, slug: &OrgSlug) -> Result<Option<OrgId>, Error> {
    tx.one("SELECT id FROM organizations WHERE slug = $1", params![slug.as_str()], |row| row.get("id")).await
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
