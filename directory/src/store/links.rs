//! Links that are followed once: founding an organisation, activating a membership, setting a password anew. A door leads from the hash
//! to the organisation, where there is one.

use domain::{AccountId, MemberId, MembershipId, OrgId, OrgName, Timestamp};

use super::{
    db::{NoOrg, Tx},
    doors,
    values::params,
};
use crate::{Error, secret::SecretHash};

/// A live activation link.
#[derive(Clone, Debug)]
pub(crate) struct ActivationLink {
    pub(crate) org: OrgId,
    pub(crate) org_name: OrgName,
    pub(crate) member: MemberId,
    pub(crate) membership: MembershipId,
    pub(crate) email: String,
    pub(crate) has_password: bool,
}

pub(crate) async fn insert_set_up(tx: &Tx<NoOrg>, hash: &SecretHash, now: Timestamp, expires_at: Timestamp) -> Result<(), Error> {
    let sql = "INSERT INTO set_up_links (hash, created_at, expires_at) VALUES ($1, $2, $3)";
    tx.run(sql, params![hash.as_bytes().to_vec(), now, expires_at]).await?;
    Ok(())
}

pub(crate) async fn set_up_works<S: Send + Sync>(tx: &Tx<S>, hash: &SecretHash, now: Timestamp) -> Result<bool, Error> {
    let sql = "SELECT 1 AS one FROM set_up_links WHERE hash = $1 AND expires_at > $2";
    Ok(tx.one(sql, params![hash.as_bytes().to_vec(), now], |_| Ok(())).await?.is_some())
}

/// The first organisation was founded: no set-up link works any more.
pub(crate) async fn delete_set_up<S: Send + Sync>(tx: &Tx<S>) -> Result<(), Error> {
    tx.run("DELETE FROM set_up_links", vec![]).await?;
    Ok(())
}

/// Insert a link for a membership, which the caller has locked.
pub(crate) async fn insert_activation(
    tx: &Tx,
    hash: &SecretHash,
    membership: MembershipId,
    email: &str,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), Error> {
    tx.run(
        "INSERT INTO activation_links (hash, org_id, membership_id, email, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        params![hash.as_bytes().to_vec(), tx.org(), membership, email, now, expires_at],
    )
    .await?;
    Ok(())
}

/// The links of this membership stop working; how many there were.
pub(crate) async fn delete_activation_of(tx: &Tx, membership: MembershipId) -> Result<u64, Error> {
    tx.run("DELETE FROM activation_links WHERE org_id = $1 AND membership_id = $2", params![tx.org(), membership]).await
}

/// Clear away links that have expired.
pub(crate) async fn delete_expired(tx: &Tx, now: Timestamp) -> Result<(), Error> {
    tx.run("DELETE FROM activation_links WHERE org_id = $2 AND expires_at <= $1", params![now, tx.org()]).await?;
    Ok(())
}

/// Clear away links of no organisation that have expired.
pub(crate) async fn delete_expired_of_nobody(tx: &Tx<NoOrg>, now: Timestamp) -> Result<(), Error> {
    tx.run("DELETE FROM set_up_links WHERE expires_at <= $1", params![now]).await?;
    tx.run("DELETE FROM reset_links WHERE expires_at <= $1", params![now]).await?;
    Ok(())
}

/// Insert a link that sets this account's password anew. Those before it work until their hour is over: whoever asks for another ends
/// none that is on its way. How many there can be is bounded by the mails of a day. The caller has locked the account.
pub(crate) async fn insert_reset<S: Send + Sync>(
    tx: &Tx<S>,
    hash: &SecretHash,
    account: AccountId,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), Error> {
    let sql = "INSERT INTO reset_links (hash, account_id, created_at, expires_at) VALUES ($1, $2, $3, $4)";
    tx.run(sql, params![hash.as_bytes().to_vec(), account, now, expires_at]).await?;
    Ok(())
}

/// The account whose password this live link sets; none where the account is shut.
pub(crate) async fn find_reset<S: Send + Sync>(tx: &Tx<S>, hash: &SecretHash, now: Timestamp) -> Result<Option<AccountId>, Error> {
    let sql = "SELECT l.account_id FROM reset_links l JOIN users u ON u.id = l.account_id
               WHERE l.hash = $1 AND l.expires_at > $2 AND NOT u.dormant AND NOT u.suspended";
    tx.one(sql, params![hash.as_bytes().to_vec(), now], |row| row.get("account_id")).await
}

/// Use a link up; whether this caller was the one to do it.
pub(crate) async fn consume_reset<S: Send + Sync>(tx: &Tx<S>, hash: &SecretHash) -> Result<bool, Error> {
    Ok(tx.run("DELETE FROM reset_links WHERE hash = $1", params![hash.as_bytes().to_vec()]).await? == 1)
}

/// The links of this account stop working.
pub(crate) async fn delete_resets<S: Send + Sync>(tx: &Tx<S>, account: AccountId) -> Result<(), Error> {
    tx.run("DELETE FROM reset_links WHERE account_id = $1", params![account]).await?;
    Ok(())
}

/// Go on in the organisation of the activation link of this hash; in nobody's where there is no such link.
pub(crate) async fn enter(tx: Tx<NoOrg>, hash: &SecretHash) -> Result<Tx, Error> {
    tx.enter(&doors::ACTIVATION_LINK, params![hash.as_bytes().to_vec()]).await
}

/// The live activation link of this hash. The row hangs off the membership, so a leaver's link is gone with it.
pub(crate) async fn find_activation(tx: &Tx, hash: &SecretHash, now: Timestamp) -> Result<Option<ActivationLink>, Error> {
    tx.one(
        "SELECT l.org_id, o.name, m.member_id, l.membership_id, l.email, u.password_hash, u.email_proven_at
         FROM activation_links l
           JOIN memberships m ON m.org_id = l.org_id AND m.id = l.membership_id
           JOIN users u ON u.id = m.account_id
           JOIN organizations o ON o.id = l.org_id
         WHERE l.hash = $1 AND l.org_id = $3 AND l.expires_at > $2",
        params![hash.as_bytes().to_vec(), now, tx.org()],
        |row| {
            Ok(ActivationLink {
                org: row.get("org_id")?,
                org_name: OrgName::try_from(row.get::<String>("name")?)?,
                member: row.get("member_id")?,
                membership: row.get("membership_id")?,
                email: row.get("email")?,
                has_password: row.opt::<String>("password_hash")?.is_some() && row.opt::<Timestamp>("email_proven_at")?.is_some(),
            })
        },
    )
    .await
}

/// Use a link up; whether this caller was the one to do it.
pub(crate) async fn consume_activation(tx: &Tx, hash: &SecretHash) -> Result<bool, Error> {
    Ok(tx.run("DELETE FROM activation_links WHERE org_id = $1 AND hash = $2", params![tx.org(), hash.as_bytes().to_vec()]).await? == 1)
}
