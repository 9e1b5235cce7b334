//! Roles granted by hand: rows that hang off a membership, and who holds owner.

use domain::{MemberId, MembershipId, OrgRole};

use super::{
    db::Tx,
    roles::{role, roles_of_m},
    values::{Maybe, params},
};
use crate::{Call, Error};

/// Somebody who holds owner, and where she reads of what concerns all owners.
pub(crate) struct Owner {
    pub(crate) membership: MembershipId,
    pub(crate) address: String,
}

/// Grant a role to a membership, which the caller has locked; `false` when it holds that role already.
pub(crate) async fn insert(tx: &Tx, membership: MembershipId, role: OrgRole, granted_by: &str, call: &Call) -> Result<bool, Error> {
    let sql = "INSERT INTO role_grants (org_id, membership_id, role, granted_by, granted_at, request_id)
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING";
    let params = params![tx.org(), membership, role.as_str(), granted_by, call.now, Maybe(call.request_id.as_deref())];
    Ok(tx.run(sql, params).await? == 1)
}

/// Take a role away that was granted by hand; `false` when there was none.
pub(crate) async fn delete(tx: &Tx, membership: MembershipId, role: OrgRole) -> Result<bool, Error> {
    let sql = "DELETE FROM role_grants WHERE org_id = $1 AND membership_id = $2 AND role = $3";
    Ok(tx.run(sql, params![tx.org(), membership, role.as_str()]).await? == 1)
}

/// Whether this role was granted by hand to the membership.
pub(crate) async fn exists(tx: &Tx, membership: MembershipId, role: OrgRole) -> Result<bool, Error> {
    let sql = "SELECT 1 AS one FROM role_grants WHERE org_id = $1 AND membership_id = $2 AND role = $3";
    Ok(tx.one(sql, params![tx.org(), membership, role.as_str()], |_| Ok(())).await?.is_some())
}

/// The role in force of a member; `Member` for one without access.
pub(crate) async fn role_of(tx: &Tx, member: MemberId) -> Result<OrgRole, Error> {
    // Without a membership: what her groups give as soon as she has one. Whoever lets her in again gives her that.
    let sql = format!(
        "SELECT {} FROM (
           SELECT p.org_id, p.id AS member_id, s.id FROM members p LEFT JOIN memberships s ON s.org_id = p.org_id AND s.member_id = p.id
           WHERE p.org_id = $1 AND p.id = $2
         ) m",
        roles_of_m()
    );
    Ok(tx.one(&sql, params![tx.org(), member], role).await?.unwrap_or(OrgRole::Member))
}

/// Everybody who holds owner and has a proven address. Those who are blocked, too: they are to know what happens.
pub(crate) async fn owners(tx: &Tx) -> Result<Vec<Owner>, Error> {
    tx.all(
        "SELECT m.id, u.email FROM role_grants g
           CROSS JOIN memberships m
           JOIN users u ON u.id = m.account_id
         WHERE g.org_id = $1 AND g.role = 'owner' AND m.org_id = g.org_id AND m.id = g.membership_id
           AND m.proven_at IS NOT NULL AND u.email_proven_at IS NOT NULL AND u.email IS NOT NULL
         ORDER BY m.id",
        params![tx.org()],
        |row| Ok(Owner { membership: row.get("id")?, address: row.get("email")? }),
    )
    .await
}
