//! Members, their memberships, and the roles granted to those by hand.

use domain::{AccountId, MemberId, MembershipId, Timestamp, view::ManagedBy};

use super::{
    db::Tx,
    values::{Maybe, Row, in_list, params},
};
use crate::{Call, Error};

/// A person as the organisation knows her.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    pub(crate) id: MemberId,
    pub(crate) account: AccountId,
    pub(crate) profile: Profile,
    pub(crate) break_glass: bool,
    /// When a link mailed to her was last followed, for the directory record that she is linked to now.
    pub(crate) proven_at: Option<Timestamp>,
}

/// What the organisation shows of a person. The account has its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) given_name: Option<String>,
    pub(crate) family_name: Option<String>,
    pub(crate) display_name: Option<String>,
}

/// A live membership.
#[derive(Clone, Debug)]
pub(crate) struct Membership {
    pub(crate) id: MembershipId,
    pub(crate) member: MemberId,
    pub(crate) account: AccountId,
    pub(crate) proven_at: Option<Timestamp>,
}

/// What hangs off a membership and is alive, counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attached {
    /// What lets somebody act: what it is, and how many there are. A block ends these, too.
    pub(crate) credentials: Vec<(&'static str, i64)>,
    /// What was given by hand.
    pub(crate) given: Vec<(&'static str, i64)>,
}

const MEMBER: &str = "id, account_id, given_name, family_name, display_name, break_glass, proven_at";

fn read_member(row: &Row) -> Result<Member, Error> {
    Ok(Member {
        id: row.get("id")?,
        account: row.get("account_id")?,
        profile: Profile {
            given_name: row.opt("given_name")?,
            family_name: row.opt("family_name")?,
            display_name: row.opt("display_name")?,
        },
        break_glass: row.get("break_glass")?,
        proven_at: row.opt("proven_at")?,
    })
}

impl Profile {
    /// The name to show, if there is one: without what turns the direction of the text around it, which only somebody needs who wants
    /// a name to be read as another.
    pub(crate) fn name(&self) -> Option<String> {
        let parts = [self.given_name.as_deref(), self.family_name.as_deref()];
        let full = parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
        let name = self.display_name.clone().or_else(|| (!full.is_empty()).then_some(full))?;
        let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        let name: String = name.chars().filter(|c| !turns(*c)).collect();
        // What stands on two lines is two words.
        Some(name.split(char::is_control).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "))
    }
}

/// A member, without a lock: for a first look, before the locks are taken in their order.
pub(crate) async fn find(tx: &Tx, id: MemberId) -> Result<Option<Member>, Error> {
    tx.one(&format!("SELECT {MEMBER} FROM members WHERE org_id = $1 AND id = $2"), params![tx.org(), id], read_member).await
}

pub(crate) async fn find_by_account(tx: &Tx, account: AccountId) -> Result<Option<Member>, Error> {
    let sql = format!("SELECT {MEMBER} FROM members WHERE org_id = $1 AND account_id = $2");
    tx.one(&sql, params![tx.org(), account], read_member).await
}

pub(crate) async fn lock(tx: &Tx, id: MemberId) -> Result<Option<Member>, Error> {
    let sql = format!("SELECT {MEMBER} FROM members WHERE org_id = $1 AND id = $2{}", tx.lock());
    tx.one(&sql, params![tx.org(), id], read_member).await
}

/// A new member for this account. The account is locked by the caller, so nobody else can be making the same one.
pub(crate) async fn insert(tx: &Tx, account: AccountId, profile: &Profile, managed_by: ManagedBy, call: &Call) -> Result<MemberId, Error> {
    let id: MemberId = call.new_id();
    tx.run(
        "INSERT INTO members (id, org_id, account_id, given_name, family_name, display_name, managed_by, break_glass, sub, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, false, $8, $9)",
        params![
            id,
            tx.org(),
            account,
            Maybe(profile.given_name.as_deref()),
            Maybe(profile.family_name.as_deref()),
            Maybe(profile.display_name.as_deref()),
            managed_by_text(managed_by),
            id.to_string(),
            call.now,
        ],
    )
    .await?;
    super::people::renew_keys(tx, id).await?;
    Ok(id)
}

pub(crate) fn managed_by_text(managed_by: ManagedBy) -> &'static str {
    match managed_by {
        ManagedBy::Directory => "directory",
        ManagedBy::Manual => "manual",
    }
}

/// What the organisation shows of her from now on. What a record says about her has to be written before: her keys are made of both.
pub(crate) async fn set_profile(tx: &Tx, id: MemberId, profile: &Profile) -> Result<(), Error> {
    tx.run(
        "UPDATE members SET given_name = $3, family_name = $4, display_name = $5 WHERE org_id = $1 AND id = $2",
        params![
            tx.org(),
            id,
            Maybe(profile.given_name.as_deref()),
            Maybe(profile.family_name.as_deref()),
            Maybe(profile.display_name.as_deref())
        ],
    )
    .await?;
    super::people::renew_keys(tx, id).await
}

/// From now on the directory keeps her. What another record proved does not count for this one.
pub(crate) async fn hand_to_directory(tx: &Tx, id: MemberId) -> Result<(), Error> {
    tx.run("UPDATE members SET managed_by = 'directory', proven_at = NULL WHERE org_id = $1 AND id = $2", params![tx.org(), id]).await?;
    Ok(())
}

/// No directory keeps her any more: her record was deleted, and what it proved is forgotten.
pub(crate) async fn release_from_directory(tx: &Tx, id: MemberId) -> Result<(), Error> {
    tx.run("UPDATE members SET managed_by = 'manual', proven_at = NULL WHERE org_id = $1 AND id = $2", params![tx.org(), id]).await?;
    Ok(())
}

/// The live membership of a member, with its lock.
pub(crate) async fn lock_membership(tx: &Tx, member: MemberId) -> Result<Option<Membership>, Error> {
    let sql = format!("SELECT {MEMBERSHIP} FROM memberships WHERE org_id = $1 AND member_id = $2{}", tx.lock());
    tx.one(&sql, params![tx.org(), member], read_membership).await
}

/// Lock the live memberships of these members, in the order that every use case keeps.
pub(crate) async fn lock_memberships(tx: &Tx, members: &[MemberId]) -> Result<(), Error> {
    let (list, params) = in_list(params![tx.org()], members);
    let sql = format!("SELECT id FROM memberships WHERE org_id = $1 AND member_id IN ({list}) ORDER BY id{}", tx.lock());
    tx.all(&sql, params, |_| Ok(())).await?;
    Ok(())
}

/// The membership of this id, with its lock.
pub(crate) async fn lock_membership_by_id(tx: &Tx, id: MembershipId) -> Result<Option<Membership>, Error> {
    let sql = format!("SELECT {MEMBERSHIP} FROM memberships WHERE org_id = $1 AND id = $2{}", tx.lock());
    tx.one(&sql, params![tx.org(), id], read_membership).await
}

const MEMBERSHIP: &str = "id, member_id, account_id, proven_at";

fn read_membership(row: &Row) -> Result<Membership, Error> {
    Ok(Membership { id: row.get("id")?, member: row.get("member_id")?, account: row.get("account_id")?, proven_at: row.opt("proven_at")? })
}

/// Begin a membership of this member.
pub(crate) async fn insert_membership(tx: &Tx, member: &Member, proven_at: Option<Timestamp>, call: &Call) -> Result<Membership, Error> {
    let id: MembershipId = call.new_id();
    tx.run(
        "INSERT INTO memberships (id, org_id, member_id, account_id, proven_at, began_at) VALUES ($1, $2, $3, $4, $5, $6)",
        params![id, tx.org(), member.id, member.account, Maybe(proven_at), call.now],
    )
    .await?;
    tx.run("UPDATE members SET access_ended_at = NULL WHERE org_id = $1 AND id = $2", params![tx.org(), member.id]).await?;
    Ok(Membership { id, member: member.id, account: member.account, proven_at })
}

/// Delete a membership; the database deletes what hangs off it (law 3).
pub(crate) async fn delete_membership(tx: &Tx, member: MemberId, membership: MembershipId, now: Timestamp) -> Result<(), Error> {
    tx.run("DELETE FROM memberships WHERE org_id = $1 AND id = $2", params![tx.org(), membership]).await?;
    tx.run("UPDATE members SET access_ended_at = $3 WHERE org_id = $1 AND id = $2", params![tx.org(), member, now]).await?;
    Ok(())
}

/// The mailed link was followed: credentials may be minted from now on.
pub(crate) async fn prove(tx: &Tx, member: MemberId, membership: MembershipId, now: Timestamp) -> Result<(), Error> {
    tx.run("UPDATE memberships SET proven_at = $3 WHERE org_id = $1 AND id = $2", params![tx.org(), membership, now]).await?;
    tx.run("UPDATE members SET proven_at = $3 WHERE org_id = $1 AND id = $2", params![tx.org(), member, now]).await?;
    Ok(())
}

/// What hangs off a membership and is alive.
pub(crate) async fn attached(tx: &Tx, membership: MembershipId, now: Timestamp) -> Result<Attached, Error> {
    let counted = tx
        .one(
            "SELECT (SELECT count(*) FROM sessions WHERE org_id = $1 AND membership_id = $2) AS sessions,
                    (SELECT count(*) FROM api_sessions WHERE org_id = $1 AND membership_id = $2 AND expires_at > $3) AS api_sessions,
                    (SELECT count(*) FROM api_sessions s JOIN access_tokens t ON t.org_id = s.org_id AND t.session_id = s.id
                      WHERE s.org_id = $1 AND s.membership_id = $2 AND t.expires_at > $3) AS access_tokens,
                    (SELECT count(*) FROM api_sessions s JOIN refresh_tokens t ON t.org_id = s.org_id AND t.session_id = s.id
                      WHERE s.org_id = $1 AND s.membership_id = $2 AND t.expires_at > $3 AND t.used_at IS NULL) AS refresh_tokens,
                    (SELECT count(*) FROM personal_tokens WHERE org_id = $1 AND membership_id = $2 AND expires_at > $3) AS personal_tokens,
                    (SELECT count(*) FROM device_requests WHERE org_id = $1 AND membership_id = $2 AND expires_at > $3) AS device_codes,
                    (SELECT count(*) FROM activation_links WHERE org_id = $1 AND membership_id = $2) AS activation_links,
                    (SELECT count(*) FROM role_grants WHERE org_id = $1 AND membership_id = $2) AS role_grants,
                    (SELECT count(*) FROM team_seats WHERE org_id = $1 AND membership_id = $2) AS team_seats",
            params![tx.org(), membership, now],
            |row| {
                let counts = |kinds: &[(&'static str, &str)]| {
                    kinds.iter().map(|(what, column)| Ok((*what, row.get(column)?))).collect::<Result<Vec<_>, Error>>()
                };
                let credentials = counts(&[
                    ("sessions", "sessions"),
                    ("API sessions", "api_sessions"),
                    ("access tokens", "access_tokens"),
                    ("refresh tokens", "refresh_tokens"),
                    ("personal tokens", "personal_tokens"),
                    ("device codes", "device_codes"),
                    ("activation links", "activation_links"),
                ])?;
                Ok(Attached { credentials, given: counts(&[("manual roles", "role_grants"), ("team seats", "team_seats")])? })
            },
        )
        .await?;
    counted.ok_or(Error::Stale)
}

/// Whether the member holds owner.
pub(crate) async fn holds_owner(tx: &Tx, member: MemberId) -> Result<bool, Error> {
    let found = tx
        .one(
            "SELECT 1 AS one FROM role_grants g JOIN memberships m ON m.org_id = g.org_id AND m.id = g.membership_id
             WHERE g.org_id = $1 AND g.role = 'owner' AND m.member_id = $2",
            params![tx.org(), member],
            |_| Ok(()),
        )
        .await?;
    Ok(found.is_some())
}

/// Keep a member for emergencies, or not any more; `false` when it was so already.
pub(crate) async fn set_break_glass(tx: &Tx, id: MemberId, on: bool) -> Result<bool, Error> {
    let sql = "UPDATE members SET break_glass = $3 WHERE org_id = $1 AND id = $2 AND break_glass <> $3";
    Ok(tx.run(sql, params![tx.org(), id, on]).await? == 1)
}

/// Proven, with a usable authenticator, no block, an account in good standing: the membership `m` and its account `u`.
const IN_GOOD_STANDING: &str = "m.proven_at IS NOT NULL AND u.email_proven_at IS NOT NULL AND u.password_hash IS NOT NULL
    AND NOT u.suspended AND NOT u.dormant
    AND NOT EXISTS (SELECT 1 FROM member_blocks b WHERE b.org_id = m.org_id AND b.member_id = m.member_id)";

/// The members who are active owners: proven, with a usable authenticator, no block, an account in good standing (law 6).
pub(crate) async fn active_owners(tx: &Tx) -> Result<Vec<MemberId>, Error> {
    // A CROSS JOIN, so that SQLite begins with the few owners rather than with all memberships.
    let sql = format!(
        "SELECT m.member_id FROM role_grants g
           CROSS JOIN memberships m
           JOIN users u ON u.id = m.account_id
         WHERE g.org_id = $1 AND g.role = 'owner' AND m.org_id = g.org_id AND m.id = g.membership_id AND {IN_GOOD_STANDING}
         ORDER BY m.member_id"
    );
    tx.all(&sql, params![tx.org()], |row| row.get("member_id")).await
}

/// Whether the member could sign in now: what an owner has to be able to, for law 6 to count her.
pub(crate) async fn in_good_standing(tx: &Tx, member: MemberId) -> Result<bool, Error> {
    let sql = format!(
        "SELECT 1 AS one FROM memberships m JOIN users u ON u.id = m.account_id
         WHERE m.org_id = $1 AND m.member_id = $2 AND {IN_GOOD_STANDING}"
    );
    Ok(tx.one(&sql, params![tx.org(), member], |_| Ok(())).await?.is_some())
}
