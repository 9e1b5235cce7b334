//! Read models about people: who may enter where, and the members list.

use domain::{
    AccountId, MemberId, MembershipId, OrgId, OrgName, OrgRole, OrgSlug, Timestamp,
    view::{AccessState, ManagedBy, PersonView},
};

use super::{
    db::{NoOrg, Tx},
    members::Profile,
    roles::{role, roles_of_m},
    scim_users,
    sessions::MAY_ACT,
    values::{Row, params},
};
use crate::Error;

/// An organisation that an account may enter.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(crate) org: OrgId,
    pub(crate) org_name: OrgName,
    pub(crate) org_slug: OrgSlug,
    pub(crate) member: MemberId,
    pub(crate) membership: MembershipId,
    pub(crate) profile: Profile,
    pub(crate) role: OrgRole,
}

/// The organisations that this account may enter, by name.
pub(crate) async fn doors<S: Send + Sync>(tx: &Tx<S>, account: AccountId) -> Result<Vec<Door>, Error> {
    let roles = roles_of_m();
    let sql = format!(
        "SELECT o.id AS org_id, o.name, o.slug, m.member_id, m.id AS membership_id, p.given_name, p.family_name, p.display_name, {roles}
         FROM memberships m
           JOIN members p ON p.org_id = m.org_id AND p.id = m.member_id
           JOIN organizations o ON o.id = m.org_id
           JOIN users u ON u.id = m.account_id
         WHERE m.account_id = $1 AND {MAY_ACT}
         ORDER BY o.name, o.id"
    );
    tx.all(&sql, params![account], |row| {
        Ok(Door {
            org: row.get("org_id")?,
            org_name: OrgName::try_from(row.get::<String>("name")?)?,
            org_slug: OrgSlug::try_from(row.get::<String>("slug")?)?,
            member: row.get("member_id")?,
            membership: row.get("membership_id")?,
            profile: Profile {
                given_name: row.opt("given_name")?,
                family_name: row.opt("family_name")?,
                display_name: row.opt("display_name")?,
            },
            role: role(row)?,
        })
    })
    .await
}

/// The organisations in which a sign-in to this account is worth a note: those whose membership the person has accepted.
/// Whoever merely provisioned her address learns nothing of what she does elsewhere.
pub(crate) async fn organizations_of(tx: &Tx<NoOrg>, account: AccountId) -> Result<Vec<OrgId>, Error> {
    tx.all("SELECT org_id FROM memberships WHERE account_id = $1 AND proven_at IS NOT NULL ORDER BY org_id", params![account], |row| {
        row.get("org_id")
    })
    .await
}

/// How many people the organisation knows, and how many of them a directory manages.
pub(crate) async fn counts(tx: &Tx) -> Result<(u64, u64), Error> {
    let sql = "SELECT count(*) AS total,
                      (SELECT count(*) FROM scim_users WHERE org_id = $1 AND deleted_at IS NULL AND member_id IS NOT NULL) AS directory
               FROM members WHERE org_id = $1";
    let counted = tx.one(sql, params![tx.org()], |row| Ok((row.get::<i64>("total")?, row.get::<i64>("directory")?))).await?;
    let (total, directory) = counted.unwrap_or_default();
    Ok((u64::try_from(total).unwrap_or(0), u64::try_from(directory).unwrap_or(0)))
}

/// A page of the members: people with access first, then by name.
pub(crate) async fn page(tx: &Tx, size: u64, offset: u64) -> Result<Vec<PersonView>, Error> {
    let (size, offset) = (i64::try_from(size).unwrap_or(i64::MAX), i64::try_from(offset).unwrap_or(i64::MAX));
    let roles = roles_of_m();
    let sql = format!("
        SELECT p.id, p.given_name, p.family_name, p.display_name, p.break_glass, p.access_ended_at, u.email,
               r.user_name, r.id AS record_id, m.id AS membership_id, m.proven_at,
               r.attributes,
               (SELECT max(s.last_seen_at) FROM sessions s WHERE s.org_id = p.org_id AND s.membership_id = m.id) AS last_seen_at,
               q.status AS mail_status, q.sent_at AS mail_sent_at, q.error AS mail_error,
               {roles}
        FROM members p
          JOIN users u ON u.id = p.account_id
          LEFT JOIN memberships m ON m.org_id = p.org_id AND m.member_id = p.id
          LEFT JOIN scim_users r ON r.org_id = p.org_id AND r.member_id = p.id AND r.deleted_at IS NULL
          LEFT JOIN mail_queue q ON q.id = (
              SELECT q2.id FROM mail_queue q2 WHERE q2.org_id = p.org_id AND q2.membership_id = m.id ORDER BY q2.created_at DESC, q2.id DESC LIMIT 1)
        WHERE p.org_id = $1
        ORDER BY (m.id IS NULL), lower(coalesce(p.display_name, p.given_name, p.family_name, r.user_name, u.email, '')), p.id
        LIMIT $2 OFFSET $3");
    tx.all(&sql, params![tx.org(), size, offset], read_person).await
}

fn read_person(row: &Row) -> Result<PersonView, Error> {
    let profile =
        Profile { given_name: row.opt("given_name")?, family_name: row.opt("family_name")?, display_name: row.opt("display_name")? };
    let account_email: Option<String> = row.opt("email")?;
    let record = row.opt::<String>("attributes")?.map(|attributes| scim_users::resource(&attributes)).transpose()?;
    let directory_email = record.as_ref().and_then(|record| record.primary("emails")).map(str::to_owned);
    let user_name: Option<String> = row.opt("user_name")?;
    let from_directory = row.opt::<domain::DirectoryUserId>("record_id")?.is_some();
    let email = if from_directory { directory_email.or(account_email.clone()) } else { account_email.clone() };
    let name =
        profile.name().or_else(|| user_name.clone()).or_else(|| email.clone()).unwrap_or_else(|| "Somebody without a name".to_owned());
    let access = if row.opt::<MembershipId>("membership_id")?.is_none() {
        AccessState::Inactive { since: row.opt("access_ended_at")? }
    } else if row.opt::<Timestamp>("proven_at")?.is_some() {
        AccessState::Active
    } else {
        match row.opt::<String>("mail_status")?.as_deref() {
            Some("sent") => AccessState::ActivationSent { at: row.get("mail_sent_at")? },
            Some("failed") => AccessState::ActivationFailed { reason: row.opt("mail_error")?.unwrap_or_default() },
            other => AccessState::ActivationPending { has_address: account_email.is_some(), queued: other.is_some() },
        }
    };
    Ok(PersonView {
        member: row.get("id")?,
        name,
        email,
        role: role(row)?,
        because: None,
        break_glass: row.get("break_glass")?,
        managed_by: if from_directory { ManagedBy::Directory } else { ManagedBy::Manual },
        access,
        last_seen_at: row.opt("last_seen_at")?,
    })
}
