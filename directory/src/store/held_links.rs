//! Directory records that match a member whom no directory may take over without an owner's word (law 2).

use domain::{DirectoryUserId, MemberId, view::HeldLink};

use super::{
    db::Tx,
    members::Profile,
    values::{Maybe, params},
};
use crate::{Call, Error};

/// Keep in mind that a record matches this member; `false` when that is known, whatever was decided about it.
pub(crate) async fn hold(tx: &Tx, record: DirectoryUserId, member: MemberId, held_by: &str, call: &Call) -> Result<bool, Error> {
    // Another member than before is another question.
    let sql = "INSERT INTO held_links (org_id, user_id, member_id, held_at, held_by, request_id) VALUES ($1, $2, $3, $4, $5, $6)
               ON CONFLICT (org_id, user_id) DO UPDATE SET
                 member_id = $3, held_at = $4, held_by = $5, request_id = $6, declined_at = NULL, declined_by = NULL
               WHERE held_links.member_id <> $3";
    let params = params![tx.org(), record, member, call.now, held_by, Maybe(call.request_id.as_deref())];
    Ok(tx.run(sql, params).await? == 1)
}

/// Whom a record matches that waits for an owner's word.
pub(crate) async fn find(tx: &Tx, record: DirectoryUserId) -> Result<Option<MemberId>, Error> {
    let sql = "SELECT h.member_id FROM held_links h JOIN scim_users r ON r.org_id = h.org_id AND r.id = h.user_id
               WHERE h.org_id = $1 AND h.user_id = $2 AND h.declined_at IS NULL AND r.deleted_at IS NULL AND r.member_id IS NULL";
    tx.one(sql, params![tx.org(), record], |row| row.get("member_id")).await
}

/// An owner has decided against it. The row stays, so that the same question is not asked again.
pub(crate) async fn decline(tx: &Tx, record: DirectoryUserId, declined_by: &str, call: &Call) -> Result<(), Error> {
    let sql = "UPDATE held_links SET declined_at = $3, declined_by = $4 WHERE org_id = $1 AND user_id = $2";
    tx.run(sql, params![tx.org(), record, call.now, declined_by]).await?;
    Ok(())
}

/// The record acts on her now: nothing waits any more.
pub(crate) async fn delete(tx: &Tx, record: DirectoryUserId) -> Result<(), Error> {
    tx.run("DELETE FROM held_links WHERE org_id = $1 AND user_id = $2", params![tx.org(), record]).await?;
    Ok(())
}

/// Everything that waits, the oldest first.
pub(crate) async fn waiting(tx: &Tx) -> Result<Vec<HeldLink>, Error> {
    tx.all(
        "SELECT h.user_id, h.member_id, h.held_at, h.held_by, r.user_name, p.given_name, p.family_name, p.display_name, u.email
         FROM held_links h
           JOIN scim_users r ON r.org_id = h.org_id AND r.id = h.user_id
           JOIN members p ON p.org_id = h.org_id AND p.id = h.member_id
           JOIN users u ON u.id = p.account_id
         WHERE h.org_id = $1 AND h.declined_at IS NULL AND r.deleted_at IS NULL AND r.member_id IS NULL
         ORDER BY h.held_at, h.user_id",
        params![tx.org()],
        |row| {
            let profile = Profile {
                given_name: row.opt("given_name")?,
                family_name: row.opt("family_name")?,
                display_name: row.opt("display_name")?,
            };
            let user_name: String = row.get("user_name")?;
            Ok(HeldLink {
                record: row.get("user_id")?,
                member: row.get("member_id")?,
                name: profile.name().or(row.opt("email")?).unwrap_or_else(|| user_name.clone()),
                user_name,
                held_at: row.get("held_at")?,
                held_by: row.get("held_by")?,
            })
        },
    )
    .await
}
