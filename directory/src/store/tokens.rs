//! Provisioning tokens. One is found by its public id before its organisation is known; the rest is the tenant's.

use std::time::Duration;

use domain::{
    ConnectionId, MemberId, OrgId, Timestamp, TokenId,
    receipt::{KnownSecret, OrgSecret, SecretState},
    token::{AllowedNetworks, TokenLifetime},
    view::{TokenState, TokenView},
};

use super::{
    db::{NoOrg, Tx},
    doors,
    values::{Maybe, Row, params},
};
use crate::{Call, Error, secret::SecretHash};

/// A token as a request's credential is checked against it.
#[derive(Clone, Debug)]
pub(crate) struct Presented {
    pub(crate) id: TokenId,
    pub(crate) org: OrgId,
    /// The organisation at whose URL it works: its own, or that of which a drill's satellite is one.
    pub(crate) at: Option<OrgId>,
    /// Whether it is a drill's.
    pub(crate) drill: bool,
    pub(crate) connection: ConnectionId,
    pub(crate) name: String,
    pub(crate) hash: SecretHash,
    /// Whether SCIM is on, where it belongs and where it works.
    pub(crate) enabled: bool,
    pub(crate) expires_at: Timestamp,
    pub(crate) retires_at: Option<Timestamp>,
    pub(crate) revoked: bool,
    pub(crate) last_used_at: Option<Timestamp>,
    pub(crate) allowed_from: AllowedNetworks,
}

/// A token to insert.
pub(crate) struct NewToken<'a> {
    pub(crate) id: TokenId,
    pub(crate) connection: ConnectionId,
    pub(crate) name: &'a str,
    pub(crate) hash: &'a SecretHash,
    pub(crate) hint: &'a str,
    pub(crate) lifetime: TokenLifetime,
    pub(crate) allowed_from: &'a AllowedNetworks,
    /// The token in whose place it is issued.
    pub(crate) replaces: Option<TokenId>,
    pub(crate) created_by: &'a str,
    pub(crate) created_by_member: Option<MemberId>,
    pub(crate) now: Timestamp,
}

/// What [`PRESENT`] gives.
pub(super) const PRESENTED: &[(&str, &str)] = &[
    ("id", "uuid"),
    ("org_id", "uuid"),
    ("connection_id", "uuid"),
    ("name", "text"),
    ("purpose", "text"),
    ("secret_hash", "bytea"),
    ("expires_at", "bigint"),
    ("retires_at", "bigint"),
    ("revoked_at", "bigint"),
    ("last_used_at", "bigint"),
    ("allowed_from", "text"),
    ("status", "text"),
    ("drill_of", "uuid"),
    ("home_status", "text"),
];

/// The token of the public id $1, with its connection, and its home's if it is a satellite's. Where there is none, the next one after
/// it, so that the database does the same work and tells nobody by its time which ids there are; of that one nothing is told but its id
/// and its state, and $2 stands in the place of its hash.
pub(super) const PRESENT: &str = "SELECT t.id, CASE WHEN t.id = $1 THEN t.org_id ELSE $1 END AS org_id,
            CASE WHEN t.id = $1 THEN t.connection_id ELSE $1 END AS connection_id, CASE WHEN t.id = $1 THEN t.name ELSE '' END AS name,
            t.purpose, CASE WHEN t.id = $1 THEN t.secret_hash ELSE $2 END AS secret_hash, t.expires_at, t.retires_at, t.revoked_at,
            t.last_used_at, CASE WHEN t.id = $1 THEN t.allowed_from ELSE '' END AS allowed_from, c.status,
            CASE WHEN t.id = $1 THEN o.drill_of END AS drill_of, coalesce(h.status, 'disabled') AS home_status
     FROM scim_tokens t
       JOIN scim_connections c ON c.org_id = t.org_id AND c.id = t.connection_id
       JOIN organizations o ON o.id = t.org_id
       LEFT JOIN scim_connections h ON h.org_id = o.drill_of
     WHERE t.id = coalesce((SELECT id FROM scim_tokens WHERE id >= $1 ORDER BY id LIMIT 1), (SELECT id FROM scim_tokens ORDER BY id LIMIT 1))";

/// The token of this public id, whatever its state, or another, of which it is told that it is not the one: one lookup, the same for every
/// well-formed token. Which of them it is is the caller's to check.
pub(crate) async fn present(tx: &Tx<NoOrg>, id: TokenId) -> Result<Option<Presented>, Error> {
    let nothing = SecretHash::of(b"");
    tx.glimpse(&doors::PROVISIONING_TOKEN, params![id, nothing.as_bytes().to_vec()], |row| {
        let (org, home): (OrgId, Option<OrgId>) = (row.get("org_id")?, row.opt("drill_of")?);
        let drill = row.get::<String>("purpose")? == DRILL;
        // A drill's token is good for a satellite only, and a satellite knows no other.
        let at = if drill { home } else { Some(org).filter(|_| home.is_none()) };
        let enabled = row.get::<String>("status")? == "enabled";
        Ok(Presented {
            id: row.get("id")?,
            org,
            at,
            drill,
            connection: row.get("connection_id")?,
            name: row.get("name")?,
            hash: SecretHash::from_stored(row.get("secret_hash")?),
            enabled: enabled && (!drill || row.get::<String>("home_status")? == "enabled"),
            expires_at: row.get("expires_at")?,
            retires_at: row.opt("retires_at")?,
            revoked: row.opt::<Timestamp>("revoked_at")?.is_some(),
            last_used_at: row.opt("last_used_at")?,
            allowed_from: networks(row)?,
        })
    })
    .await
}

/// From where the token of a row may be used. One that cannot be read admits nobody.
fn networks(row: &Row) -> Result<AllowedNetworks, Error> {
    row.get::<String>("allowed_from")?.parse().map_err(|_| Error::Unavailable("the networks of a token cannot be read".to_owned()))
}

/// Note when a token was last used, and by whom.
pub(crate) async fn used(tx: &Tx, id: TokenId, call: &Call) -> Result<(), Error> {
    tx.run(
        "UPDATE scim_tokens SET last_used_at = $3, last_used_ip = $4, last_used_user_agent = $5, first_used_at = coalesce(first_used_at, $3)
         WHERE org_id = $1 AND id = $2",
        params![tx.org(), id, call.now, Maybe(call.ip.as_deref()), Maybe(call.user_agent.as_deref())],
    )
    .await?;
    Ok(())
}

pub(crate) async fn insert(tx: &Tx, token: NewToken<'_>) -> Result<(), Error> {
    tx.run(
        "INSERT INTO scim_tokens (id, org_id, connection_id, name, purpose, secret_hash, hint, lifetime, created_at, created_by, created_by_member_id, expires_at,
                                  allowed_from, replaces_id)
         VALUES ($1, $2, $3, $4, 'provisioning', $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        params![
            token.id,
            tx.org(),
            token.connection,
            token.name,
            token.hash.as_bytes().to_vec(),
            token.hint,
            token.lifetime.as_str(),
            token.now,
            token.created_by,
            Maybe(token.created_by_member),
            token.now + token.lifetime.duration(),
            token.allowed_from.to_string(),
            Maybe(token.replaces)
        ],
    )
    .await?;
    Ok(())
}

/// The purpose of a drill's token.
const DRILL: &str = "drill";

/// Insert the token of a drill into its satellite.
pub(crate) async fn insert_for_drill(tx: &Tx, token: NewDrillToken<'_>) -> Result<(), Error> {
    tx.run(
        "INSERT INTO scim_tokens (id, org_id, connection_id, name, purpose, secret_hash, hint, lifetime, created_at, created_by, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $5, $8, $9, $10)",
        params![
            token.id,
            tx.org(),
            token.connection,
            token.name,
            DRILL,
            token.hash.as_bytes().to_vec(),
            token.hint,
            token.now,
            token.created_by,
            token.expires_at
        ],
    )
    .await?;
    Ok(())
}

/// A drill's token to insert.
pub(crate) struct NewDrillToken<'a> {
    pub(crate) id: TokenId,
    pub(crate) connection: ConnectionId,
    pub(crate) name: &'a str,
    pub(crate) hash: &'a SecretHash,
    pub(crate) hint: &'a str,
    pub(crate) created_by: &'a str,
    pub(crate) now: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// What makes a token work at `$2`, besides its secret.
const WORKS: &str = "revoked_at IS NULL AND expires_at > $2 AND (retires_at IS NULL OR retires_at > $2)";

/// Whether a token of the organisation works at `now` for a client at `ip`, and its connection is on; a satellite's needs its home's,
/// too.
pub(crate) async fn works(tx: &Tx, id: TokenId, ip: Option<&str>, now: Timestamp) -> Result<bool, Error> {
    let sql = format!(
        "SELECT allowed_from, purpose FROM scim_tokens WHERE org_id = $1 AND id = $3 AND {WORKS}
           AND EXISTS (SELECT 1 FROM scim_connections c WHERE c.org_id = $1 AND c.status = 'enabled')"
    );
    let found = tx.one(&sql, params![tx.org(), now, id], |row| Ok((networks(row)?, row.get::<String>("purpose")? == DRILL))).await?;
    let Some((_, drill)) = found.filter(|(networks, _)| networks.admit(ip)) else { return Ok(false) };
    Ok(!drill || super::connections::home_is_on(tx).await?)
}

/// How many tokens of the organisation work at `now`.
pub(crate) async fn count_live(tx: &Tx, now: Timestamp) -> Result<usize, Error> {
    let sql = format!("SELECT count(*) AS live FROM scim_tokens WHERE org_id = $1 AND {WORKS}");
    let live: Option<i64> = tx.one(&sql, params![tx.org(), now], |row| row.get("live")).await?;
    Ok(usize::try_from(live.unwrap_or(0)).unwrap_or(0))
}

/// The tokens that work, locked.
pub(crate) async fn live(tx: &Tx, now: Timestamp) -> Result<Vec<TokenView>, Error> {
    let sql = format!("{VIEW} WHERE org_id = $1 AND {WORKS} ORDER BY created_at, id{}", tx.lock());
    tx.all(&sql, params![tx.org(), now], |row| view(row, now)).await
}

/// The tokens that a member issued and that still work.
pub(crate) async fn issued_by(tx: &Tx, member: MemberId, now: Timestamp) -> Result<Vec<KnownSecret>, Error> {
    let sql = format!(
        "SELECT id, name, hint FROM scim_tokens WHERE org_id = $1 AND created_by_member_id = $3 AND {WORKS} ORDER BY created_at, id"
    );
    tx.all(&sql, params![tx.org(), now, member], |row| {
        Ok(KnownSecret { secret: OrgSecret::ProvisioningToken(row.get("id")?), name: row.get("name")?, hint: row.get("hint")? })
    })
    .await
}

/// What has become of a token until `now`.
pub(crate) async fn state(tx: &Tx, id: TokenId, now: Timestamp) -> Result<Option<SecretState>, Error> {
    let sql = "SELECT revoked_at, retires_at, expires_at FROM scim_tokens WHERE org_id = $1 AND id = $2";
    tx.one(sql, params![tx.org(), id], |row| {
        Ok(SecretState::at(now, row.opt("revoked_at")?, row.opt("retires_at")?, row.opt("expires_at")?))
    })
    .await
}

/// Revoke a live token; whether there was one. Nothing brings it back.
pub(crate) async fn revoke(tx: &Tx, id: TokenId, now: Timestamp) -> Result<bool, Error> {
    let sql = "UPDATE scim_tokens SET revoked_at = $3 WHERE org_id = $1 AND id = $2 AND revoked_at IS NULL";
    Ok(tx.run(sql, params![tx.org(), id, now]).await? == 1)
}

/// Let a token that works, and in whose place no other was issued, stop at `retires_at`, or when it expires if that is before; whether
/// there was one.
pub(crate) async fn retire(tx: &Tx, id: TokenId, retires_at: Timestamp, now: Timestamp) -> Result<bool, Error> {
    let sql = format!(
        "UPDATE scim_tokens SET retires_at = CASE WHEN expires_at < $4 THEN expires_at ELSE $4 END
         WHERE org_id = $1 AND id = $3 AND retires_at IS NULL AND {WORKS}"
    );
    Ok(tx.run(&sql, params![tx.org(), now, id, retires_at]).await? == 1)
}

/// Change from where a token that works may be used; whether there is one.
pub(crate) async fn restrict(tx: &Tx, id: TokenId, networks: &AllowedNetworks, now: Timestamp) -> Result<bool, Error> {
    let sql = format!("UPDATE scim_tokens SET allowed_from = $4 WHERE org_id = $1 AND id = $3 AND {WORKS}");
    Ok(tx.run(&sql, params![tx.org(), now, id, networks.to_string()]).await? == 1)
}

/// Organisations with a token that expires within 30, 7 or 1 days of which owners have not heard so yet: one that would go on until
/// then, by a connection that is on.
pub(crate) async fn orgs_to_warn(tx: &Tx<NoOrg>, now: Timestamp) -> Result<Vec<OrgId>, Error> {
    let params = params![now, now + DAY * 30, now + DAY, now + DAY * 7];
    tx.through(&doors::EXPIRING_TOKENS, params, |row| row.get("org_id")).await
}

/// Organisations with a token that expires after `$1` and until `$2`, which is worth a warning, with others at `$3` and `$4`.
pub(super) const TO_WARN: &str =
    "SELECT DISTINCT t.org_id FROM scim_tokens t JOIN scim_connections c ON c.org_id = t.org_id AND c.id = t.connection_id
     WHERE t.revoked_at IS NULL AND t.expires_at > $1 AND t.expires_at <= $2 AND t.retires_at IS NULL AND t.purpose = 'provisioning'
       AND c.status = 'enabled'
       AND (t.warned_days IS NULL OR t.warned_days > CASE WHEN t.expires_at <= $3 THEN 1 WHEN t.expires_at <= $4 THEN 7 ELSE 30 END)
     ORDER BY t.org_id";

/// A token of which owners are told that it expires.
pub(crate) struct Expiring {
    pub(crate) name: String,
    pub(crate) hint: String,
    pub(crate) expires_at: Timestamp,
}

/// Take the tokens of the organisation that expire within `days` days and of which nobody was told so before: whoever takes them
/// tells the owners, in the same transaction. See [`orgs_to_warn`].
pub(crate) async fn take_expiring(tx: &Tx, days: u8, now: Timestamp) -> Result<Vec<Expiring>, Error> {
    tx.all(
        "UPDATE scim_tokens SET warned_days = $4
         WHERE org_id = $1 AND revoked_at IS NULL AND expires_at > $2 AND expires_at <= $3 AND retires_at IS NULL AND purpose = 'provisioning'
           AND (warned_days IS NULL OR warned_days > $4)
           AND EXISTS (SELECT 1 FROM scim_connections c WHERE c.org_id = $1 AND c.status = 'enabled')
         RETURNING name, hint, expires_at",
        params![tx.org(), now, now + DAY * u32::from(days), i64::from(days)],
        |row| Ok(Expiring { name: row.get("name")?, hint: row.get("hint")?, expires_at: row.get("expires_at")? }),
    )
    .await
}

/// One day.
pub(crate) const DAY: Duration = Duration::from_secs(86_400);

/// The organisation's tokens as a list shows them at `now`: those that work, and the newest of the others.
pub(crate) async fn list(tx: &Tx, now: Timestamp) -> Result<Vec<TokenView>, Error> {
    tx.all(
        &format!("{VIEW} WHERE org_id = $1 ORDER BY CASE WHEN {WORKS} THEN 0 ELSE 1 END, created_at DESC, id DESC LIMIT 20"),
        params![tx.org(), now],
        |row| view(row, now),
    )
    .await
}

pub(crate) async fn find(tx: &Tx, id: TokenId, now: Timestamp) -> Result<Option<(TokenView, TokenLifetime)>, Error> {
    tx.one(&format!("{VIEW} WHERE org_id = $1 AND id = $2"), params![tx.org(), id], |row| {
        Ok((view(row, now)?, row.get::<String>("lifetime")?.parse()?))
    })
    .await
}

const VIEW: &str =
    "SELECT id, name, hint, lifetime, created_at, created_by, expires_at, retires_at, revoked_at, last_used_at, last_used_ip,
    last_used_user_agent, allowed_from, replaces_id FROM scim_tokens";

fn view(row: &Row, now: Timestamp) -> Result<TokenView, Error> {
    let expires_at: Timestamp = row.get("expires_at")?;
    let retires_at: Option<Timestamp> = row.opt("retires_at")?;
    let ends_at = retires_at.map_or(expires_at, |retires| retires.min(expires_at));
    let state = if row.opt::<Timestamp>("revoked_at")?.is_some() {
        TokenState::Revoked
    } else if ends_at <= now {
        TokenState::Expired
    } else {
        TokenState::Live
    };
    Ok(TokenView {
        id: row.get("id")?,
        name: row.get("name")?,
        hint: row.get("hint")?,
        created_at: row.get("created_at")?,
        created_by: row.get("created_by")?,
        expires_at,
        last_used_at: row.opt("last_used_at")?,
        last_used_ip: row.opt("last_used_ip")?,
        last_used_user_agent: row.opt("last_used_user_agent")?,
        allowed_from: networks(row)?,
        retires_at,
        replaces: row.opt("replaces_id")?,
        state,
    })
}

/// "Last used" is kept to the minute: a busy identity provider does not write it with each request.
pub(crate) const USED_EVERY: Duration = Duration::from_secs(60);

/// When one of the organisation's tokens was first used: the identity provider is connected since.
pub(crate) async fn first_used(tx: &Tx) -> Result<Option<Timestamp>, Error> {
    let sql = "SELECT min(first_used_at) AS at FROM scim_tokens WHERE org_id = $1";
    Ok(tx.one(sql, params![tx.org()], |row| row.opt("at")).await?.flatten())
}
