//! Browser sessions: rows that hang off one membership. A door leads from the hash of an id to the organisation; the rest is read there.

use domain::{AccountId, MemberId, MembershipId, OrgId, OrgName, OrgRole, OrgSlug, Timestamp};

use super::{
    db::{NoOrg, Tx},
    doors,
    members::Profile,
    roles::{role, roles_of_m},
    values::{Maybe, params},
};
use crate::{Error, secret::SecretHash};

/// A session with whom it stands for, read in one statement: nothing of it is kept from one request to the next.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) account: AccountId,
    pub(crate) member: MemberId,
    pub(crate) membership: MembershipId,
    pub(crate) org: OrgId,
    pub(crate) org_name: OrgName,
    pub(crate) org_slug: OrgSlug,
    pub(crate) role: OrgRole,
    pub(crate) profile: Profile,
    pub(crate) email: Option<String>,
    pub(crate) auth_authority: String,
    pub(crate) auth_method: String,
    pub(crate) auth_time: Timestamp,
    pub(crate) last_seen_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) credential_version: i64,
}

/// A session to begin.
pub(crate) struct NewSession<'a> {
    pub(crate) hash: &'a SecretHash,
    pub(crate) membership: MembershipId,
    pub(crate) auth_authority: &'a str,
    pub(crate) auth_method: &'a str,
    pub(crate) auth_time: Timestamp,
    pub(crate) now: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) ip: Option<&'a str>,
    pub(crate) user_agent: Option<&'a str>,
}

/// What a membership must be for its person to act.
pub(crate) const MAY_ACT: &str = "m.proven_at IS NOT NULL AND NOT u.suspended AND NOT u.dormant
    AND NOT EXISTS (SELECT 1 FROM member_blocks b WHERE b.org_id = m.org_id AND b.member_id = m.member_id)";

/// What a session `s` must be where its organisation `o` asks for a second factor.
const PROVEN_ENOUGH: &str = "(NOT o.second_factor_required OR s.auth_authority <> 'local' OR s.auth_method <> 'password')";

/// The live session of this hash, if whoever it stands for may act at `now`.
pub(crate) async fn find(tx: &Tx, hash: &SecretHash, now: Timestamp, idle_since: Timestamp) -> Result<Option<Found>, Error> {
    let roles = roles_of_m();
    let sql = format!(
        "SELECT m.account_id, m.member_id, m.id AS membership_id, m.org_id, o.name AS org_name, o.slug,
                p.given_name, p.family_name, p.display_name, u.email, u.credential_version,
                s.auth_authority, s.auth_method, s.auth_time, s.last_seen_at, s.expires_at, {roles}
         FROM sessions s
           JOIN memberships m ON m.org_id = s.org_id AND m.id = s.membership_id
           JOIN members p ON p.org_id = m.org_id AND p.id = m.member_id
           JOIN users u ON u.id = m.account_id
           JOIN organizations o ON o.id = m.org_id
         WHERE s.id_hash = $1 AND s.org_id = $4 AND s.expires_at > $2 AND s.last_seen_at > $3 AND {MAY_ACT} AND {PROVEN_ENOUGH}"
    );
    tx.one(&sql, params![hash.as_bytes().to_vec(), now, idle_since, tx.org()], |row| {
        Ok(Found {
            account: row.get("account_id")?,
            member: row.get("member_id")?,
            membership: row.get("membership_id")?,
            org: row.get("org_id")?,
            org_name: OrgName::try_from(row.get::<String>("org_name")?)?,
            org_slug: OrgSlug::try_from(row.get::<String>("slug")?)?,
            role: role(row)?,
            profile: Profile {
                given_name: row.opt("given_name")?,
                family_name: row.opt("family_name")?,
                display_name: row.opt("display_name")?,
            },
            email: row.opt("email")?,
            auth_authority: row.get("auth_authority")?,
            auth_method: row.get("auth_method")?,
            auth_time: row.get("auth_time")?,
            last_seen_at: row.get("last_seen_at")?,
            expires_at: row.get("expires_at")?,
            credential_version: row.get("credential_version")?,
        })
    })
    .await
}

/// Whether the session of this hash is live, save that its organisation asks for more than its person has proven.
pub(crate) async fn lacks_second_factor(tx: &Tx, hash: &SecretHash, now: Timestamp, idle_since: Timestamp) -> Result<bool, Error> {
    let sql = format!(
        "SELECT 1 AS one FROM sessions s
           JOIN memberships m ON m.org_id = s.org_id AND m.id = s.membership_id
           JOIN users u ON u.id = m.account_id
           JOIN organizations o ON o.id = m.org_id
         WHERE s.id_hash = $1 AND s.org_id = $4 AND s.expires_at > $2 AND s.last_seen_at > $3 AND {MAY_ACT} AND NOT {PROVEN_ENOUGH}"
    );
    Ok(tx.one(&sql, params![hash.as_bytes().to_vec(), now, idle_since, tx.org()], |_| Ok(())).await?.is_some())
}

/// The role of the person whose session of this hash stands in the transaction's organisation, and when she last gave her
/// password, with her membership's lock; `None` when it has ended or she may not act.
pub(crate) async fn confirm(tx: &Tx, hash: &SecretHash) -> Result<Option<(OrgRole, Timestamp)>, Error> {
    // Locked first and read then: what another transaction changed while this one waited is seen by a statement of its own.
    let membership = format!(
        "SELECT id FROM memberships WHERE org_id = $2 AND id = (SELECT membership_id FROM sessions WHERE id_hash = $1 AND org_id = $2){}",
        tx.lock()
    );
    tx.one(&membership, params![hash.as_bytes().to_vec(), tx.org()], |_| Ok(())).await?;
    let sql = format!(
        "SELECT s.auth_time, {} FROM sessions s
           JOIN memberships m ON m.org_id = s.org_id AND m.id = s.membership_id
           JOIN users u ON u.id = m.account_id
           JOIN organizations o ON o.id = m.org_id
         WHERE s.id_hash = $1 AND s.org_id = $2 AND {MAY_ACT} AND {PROVEN_ENOUGH}",
        roles_of_m()
    );
    tx.one(&sql, params![hash.as_bytes().to_vec(), tx.org()], |row| Ok((role(row)?, row.get("auth_time")?))).await
}

/// Whether whoever has this membership may act.
pub(crate) async fn may_act(tx: &Tx, membership: MembershipId) -> Result<bool, Error> {
    let sql =
        format!("SELECT 1 AS one FROM memberships m JOIN users u ON u.id = m.account_id WHERE m.org_id = $1 AND m.id = $2 AND {MAY_ACT}");
    Ok(tx.one(&sql, params![tx.org(), membership], |_| Ok(())).await?.is_some())
}

/// Insert a session. That its membership is alive is the foreign key's to say.
pub(crate) async fn insert(tx: &Tx, session: NewSession<'_>) -> Result<(), Error> {
    tx.run(
        "INSERT INTO sessions (id_hash, org_id, membership_id, auth_authority, auth_method, auth_time, created_at, last_seen_at, expires_at, ip, user_agent)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10)",
        params![
            session.hash.as_bytes().to_vec(),
            tx.org(),
            session.membership,
            session.auth_authority,
            session.auth_method,
            session.auth_time,
            session.now,
            session.expires_at,
            Maybe(session.ip),
            Maybe(session.user_agent)
        ],
    )
    .await?;
    Ok(())
}

/// The person gave her password again; whether the session is still there.
pub(crate) async fn set_auth_time(tx: &Tx, hash: &SecretHash, now: Timestamp) -> Result<bool, Error> {
    let sql = "UPDATE sessions SET auth_time = $3 WHERE id_hash = $1 AND org_id = $2";
    Ok(tx.run(sql, params![hash.as_bytes().to_vec(), tx.org(), now]).await? == 1)
}

/// Note that the session was used; whether it is still there. Never inserts: what was ended stays ended.
pub(crate) async fn touch(tx: &Tx, hash: &SecretHash, now: Timestamp) -> Result<bool, Error> {
    let sql = "UPDATE sessions SET last_seen_at = $3 WHERE id_hash = $1 AND org_id = $2";
    Ok(tx.run(sql, params![hash.as_bytes().to_vec(), tx.org(), now]).await? == 1)
}

pub(crate) async fn delete(tx: &Tx, hash: &SecretHash) -> Result<bool, Error> {
    Ok(tx.run("DELETE FROM sessions WHERE id_hash = $1 AND org_id = $2", params![hash.as_bytes().to_vec(), tx.org()]).await? == 1)
}

/// The hashes of a membership's sessions.
pub(crate) async fn of_membership(tx: &Tx, membership: MembershipId) -> Result<Vec<SecretHash>, Error> {
    let sql = "SELECT id_hash FROM sessions WHERE org_id = $1 AND membership_id = $2 ORDER BY id_hash";
    tx.all(sql, params![tx.org(), membership], |row| Ok(SecretHash::from_stored(row.get("id_hash")?))).await
}

/// End every session of a membership; how many there were.
pub(crate) async fn delete_of_membership(tx: &Tx, membership: MembershipId) -> Result<u64, Error> {
    tx.run("DELETE FROM sessions WHERE org_id = $1 AND membership_id = $2", params![tx.org(), membership]).await
}

/// The organisation of the session of this hash.
pub(crate) async fn org_of(tx: &Tx, hash: &SecretHash) -> Result<Option<OrgId>, Error> {
    tx.glimpse(&doors::SESSION, params![hash.as_bytes().to_vec()], |row| row.get("org_id")).await
}

/// The organisations that have sessions, links, tokens or devices to clear away.
pub(crate) async fn orgs_with_expired(
    tx: &Tx<NoOrg>,
    now: Timestamp,
    idle_since: Timestamp,
    asked_before: Timestamp,
) -> Result<Vec<OrgId>, Error> {
    tx.through(&doors::EXPIRED, params![now, idle_since, asked_before], |row| row.get("org_id")).await
}

/// Clear away sessions that have outlived their time.
pub(crate) async fn delete_expired(tx: &Tx, now: Timestamp, idle_since: Timestamp) -> Result<u64, Error> {
    tx.run("DELETE FROM sessions WHERE org_id = $3 AND (expires_at <= $1 OR last_seen_at <= $2)", params![now, idle_since, tx.org()]).await
}
