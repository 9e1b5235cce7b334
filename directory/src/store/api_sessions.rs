//! Clients that people let in, and their tokens. Each hangs off one membership. A door leads from a token's public id
//! to the organisation; the rest is read there.

use domain::{
    AgentId, ApiSessionId, MemberId, MembershipId, OrgId, OrgName, OrgRole, OrgSlug, Timestamp, device::device, oauth::Scopes,
    view::ApiSessionView,
};
use uuid::Uuid;

use super::{
    db::{NoOrg, Tx},
    doors::{self, Door},
    members::Profile,
    roles::{role, roles_of_m},
    sessions::MAY_ACT,
    values::{Maybe, Row, params},
};
use crate::{
    Error, OrgScope,
    secret::{Kind, SecretHash},
};

/// A token that acts for a person, with whom it acts for, read in one statement: nothing of it is kept from one request to the next.
#[derive(Clone, Debug)]
pub(crate) struct Acting {
    pub(crate) hash: SecretHash,
    pub(crate) org: OrgId,
    pub(crate) org_name: OrgName,
    pub(crate) org_slug: OrgSlug,
    pub(crate) member: MemberId,
    pub(crate) membership: MembershipId,
    /// What other systems call her: it stays when she leaves and comes back.
    pub(crate) subject: String,
    pub(crate) profile: Profile,
    pub(crate) email: Option<String>,
    pub(crate) role: OrgRole,
    pub(crate) client: Option<String>,
    pub(crate) agent: Option<AgentId>,
    pub(crate) scopes: Scopes,
    pub(crate) issued_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// When a personal token was last used.
    pub(crate) last_used_at: Option<Timestamp>,
}

/// Go on in the organisation of the token of this kind and public id; in nobody's where there is no such token.
pub(crate) async fn enter(tx: Tx<NoOrg>, kind: Kind, id: Uuid) -> Result<Tx, Error> {
    let door: &Door = match kind {
        Kind::Access => &doors::ACCESS_TOKEN,
        Kind::Refresh => &doors::REFRESH_TOKEN,
        Kind::Personal => &doors::PERSONAL_TOKEN,
        _ => return tx.in_scope(OrgScope::nobody()).await,
    };
    tx.enter(door, params![id]).await
}

/// The live token of this kind and public id, if whoever it acts for may act at `now`. Its secret is the caller's to compare.
pub(crate) async fn acting(tx: &Tx, kind: Kind, id: Uuid, now: Timestamp) -> Result<Option<Acting>, Error> {
    let from = match kind {
        Kind::Access => {
            "access_tokens t JOIN api_sessions s ON s.org_id = t.org_id AND s.id = t.session_id AND s.expires_at > $2
               JOIN memberships m ON m.org_id = s.org_id AND m.id = s.membership_id"
        }
        Kind::Personal => "personal_tokens t JOIN memberships m ON m.org_id = t.org_id AND m.id = t.membership_id",
        _ => return Ok(None),
    };
    let of_kind = match kind {
        Kind::Access => "s.client_id, s.agent_id, NULL AS last_used_at",
        _ => "NULL AS client_id, NULL AS agent_id, t.last_used_at",
    };
    let roles = roles_of_m();
    let sql = format!(
        "SELECT t.secret_hash, t.scope, t.created_at, t.expires_at, {of_kind}, m.org_id, m.member_id, m.id AS membership_id,
                o.name AS org_name, o.slug, p.sub, p.given_name, p.family_name, p.display_name, u.email, {roles}
         FROM {from}
           JOIN members p ON p.org_id = m.org_id AND p.id = m.member_id
           JOIN users u ON u.id = m.account_id
           JOIN organizations o ON o.id = m.org_id
         WHERE t.id = $1 AND t.org_id = $3 AND t.expires_at > $2 AND {MAY_ACT}"
    );
    let of_session = kind == Kind::Access;
    tx.one(&sql, params![id, now, tx.org()], |row| {
        Ok(Acting {
            hash: SecretHash::from_stored(row.get("secret_hash")?),
            org: row.get("org_id")?,
            org_name: OrgName::try_from(row.get::<String>("org_name")?)?,
            org_slug: OrgSlug::try_from(row.get::<String>("slug")?)?,
            member: row.get("member_id")?,
            membership: row.get("membership_id")?,
            subject: row.get("sub")?,
            profile: Profile {
                given_name: row.opt("given_name")?,
                family_name: row.opt("family_name")?,
                display_name: row.opt("display_name")?,
            },
            email: row.opt("email")?,
            role: role(row)?,
            // A NULL without a type is read only where there is one.
            client: if of_session { row.opt("client_id")? } else { None },
            agent: if of_session { row.opt("agent_id")? } else { None },
            scopes: scopes(row)?,
            issued_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            last_used_at: if of_session { None } else { row.opt("last_used_at")? },
        })
    })
    .await
}

fn scopes(row: &Row) -> Result<Scopes, Error> {
    Ok(row.get::<String>("scope")?.parse()?)
}

/// A client to let in.
pub(crate) struct NewSession<'a> {
    pub(crate) id: ApiSessionId,
    pub(crate) membership: MembershipId,
    pub(crate) client: &'a str,
    pub(crate) agent: Option<AgentId>,
    pub(crate) scopes: &'a Scopes,
    pub(crate) now: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) ip: Option<&'a str>,
    pub(crate) user_agent: Option<&'a str>,
}

/// Let a client in. That its membership is alive is the foreign key's to say.
pub(crate) async fn insert(tx: &Tx, session: NewSession<'_>) -> Result<(), Error> {
    tx.run(
        "INSERT INTO api_sessions (id, org_id, membership_id, client_id, agent_id, scope, created_at, last_used_at, expires_at, ip, user_agent)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10)",
        params![
            session.id,
            tx.org(),
            session.membership,
            session.client,
            Maybe(session.agent),
            session.scopes.to_string(),
            session.now,
            session.expires_at,
            Maybe(session.ip),
            Maybe(session.user_agent)
        ],
    )
    .await?;
    Ok(())
}

/// An access or refresh token to insert.
pub(crate) struct NewToken<'a> {
    pub(crate) id: Uuid,
    pub(crate) session: ApiSessionId,
    pub(crate) hash: &'a SecretHash,
    pub(crate) now: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// Insert an access token for these scopes.
pub(crate) async fn insert_access_token(tx: &Tx, token: NewToken<'_>, scopes: &Scopes) -> Result<(), Error> {
    tx.run(
        "INSERT INTO access_tokens (id, org_id, session_id, scope, secret_hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)",
        params![token.id, tx.org(), token.session, scopes.to_string(), token.hash.as_bytes().to_vec(), token.now, token.expires_at],
    )
    .await?;
    Ok(())
}

pub(crate) async fn insert_refresh_token(tx: &Tx, token: NewToken<'_>) -> Result<(), Error> {
    tx.run(
        "INSERT INTO refresh_tokens (id, org_id, session_id, secret_hash, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)",
        params![token.id, tx.org(), token.session, token.hash.as_bytes().to_vec(), token.now, token.expires_at],
    )
    .await?;
    Ok(())
}

/// A client's session, as one of its tokens leads to it.
#[derive(Clone, Debug)]
pub(crate) struct OfToken {
    pub(crate) hash: SecretHash,
    pub(crate) org: OrgId,
    pub(crate) session: ApiSessionId,
    pub(crate) member: MemberId,
    pub(crate) membership: MembershipId,
    pub(crate) client: String,
    pub(crate) agent: Option<AgentId>,
    pub(crate) scopes: Scopes,
    pub(crate) session_expires_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// Whether another refresh token took its place.
    pub(crate) used: bool,
}

fn of_token(kind: Kind) -> Option<String> {
    let (table, used) = match kind {
        Kind::Access => ("access_tokens", "NULL"),
        Kind::Refresh => ("refresh_tokens", "t.used_at"),
        _ => return None,
    };
    Some(format!(
        "SELECT t.secret_hash, t.org_id, t.session_id, t.expires_at, CASE WHEN {used} IS NULL THEN 0 ELSE 1 END AS used,
                m.member_id, s.membership_id, s.client_id, s.agent_id, s.scope, s.expires_at AS session_expires_at
         FROM {table} t
           JOIN api_sessions s ON s.org_id = t.org_id AND s.id = t.session_id
           JOIN memberships m ON m.org_id = s.org_id AND m.id = s.membership_id
         WHERE t.id = $1 AND t.org_id = $2"
    ))
}

fn read_of_token(row: &Row, used: bool) -> Result<OfToken, Error> {
    Ok(OfToken {
        hash: SecretHash::from_stored(row.get("secret_hash")?),
        org: row.get("org_id")?,
        session: row.get("session_id")?,
        member: row.get("member_id")?,
        membership: row.get("membership_id")?,
        client: row.get("client_id")?,
        agent: row.opt("agent_id")?,
        scopes: scopes(row)?,
        session_expires_at: row.get("session_expires_at")?,
        expires_at: row.get("expires_at")?,
        used,
    })
}

/// The session that the access or refresh token of this public id belongs to, whatever the token's state.
pub(crate) async fn by_token(tx: &Tx, kind: Kind, id: Uuid) -> Result<Option<OfToken>, Error> {
    let Some(sql) = of_token(kind) else { return Ok(None) };
    tx.one(&sql, params![id, tx.org()], |row| read_of_token(row, false)).await
}

/// The same for a refresh token, read anew after its membership was locked, and whether it was used up.
pub(crate) async fn refresh_token(tx: &Tx, id: Uuid) -> Result<Option<OfToken>, Error> {
    let Some(sql) = of_token(Kind::Refresh) else { return Ok(None) };
    let used = tx.one("SELECT used_at FROM refresh_tokens WHERE id = $1 AND org_id = $2", params![id, tx.org()], |row| {
        row.opt::<Timestamp>("used_at")
    });
    let Some(used) = used.await? else { return Ok(None) };
    tx.one(&sql, params![id, tx.org()], |row| read_of_token(row, used.is_some())).await
}

/// How many refresh tokens of the session were made after `since`, its first one among them.
pub(crate) async fn renewed_since(tx: &Tx, session: ApiSessionId, since: Timestamp) -> Result<i64, Error> {
    let sql = "SELECT count(*) AS renewed FROM refresh_tokens WHERE org_id = $1 AND session_id = $2 AND created_at > $3";
    Ok(tx.one(sql, params![tx.org(), session, since], |row| row.get("renewed")).await?.unwrap_or(0))
}

/// Another takes its place; whether it was unused until now.
pub(crate) async fn use_up(tx: &Tx, id: Uuid, now: Timestamp) -> Result<bool, Error> {
    let sql = "UPDATE refresh_tokens SET used_at = $3 WHERE id = $1 AND org_id = $2 AND used_at IS NULL";
    Ok(tx.run(sql, params![id, tx.org(), now]).await? == 1)
}

/// The client was heard of.
pub(crate) async fn touch(tx: &Tx, session: ApiSessionId, now: Timestamp, ip: Option<&str>, user_agent: Option<&str>) -> Result<(), Error> {
    tx.run(
        "UPDATE api_sessions SET last_used_at = $3, ip = $4, user_agent = $5 WHERE org_id = $1 AND id = $2",
        params![tx.org(), session, now, Maybe(ip), Maybe(user_agent)],
    )
    .await?;
    Ok(())
}

/// End one access token; whether it was there.
pub(crate) async fn delete_access_token(tx: &Tx, id: Uuid) -> Result<bool, Error> {
    Ok(tx.run("DELETE FROM access_tokens WHERE org_id = $1 AND id = $2", params![tx.org(), id]).await? == 1)
}

/// End a session of this membership with all its tokens; whether it was there.
pub(crate) async fn delete(tx: &Tx, membership: MembershipId, session: ApiSessionId) -> Result<bool, Error> {
    let sql = "DELETE FROM api_sessions WHERE org_id = $1 AND membership_id = $2 AND id = $3";
    Ok(tx.run(sql, params![tx.org(), membership, session]).await? == 1)
}

/// End every session of a membership with all its tokens; how many there were.
pub(crate) async fn delete_of_membership(tx: &Tx, membership: MembershipId) -> Result<u64, Error> {
    tx.run("DELETE FROM api_sessions WHERE org_id = $1 AND membership_id = $2", params![tx.org(), membership]).await
}

/// The live sessions of a membership, the newest first.
pub(crate) async fn list(tx: &Tx, membership: MembershipId, now: Timestamp) -> Result<Vec<ApiSessionView>, Error> {
    let sql = "SELECT s.id, s.scope, s.created_at, s.last_used_at, s.expires_at, s.ip, s.user_agent, a.name AS agent
               FROM api_sessions s LEFT JOIN agents a ON a.org_id = s.org_id AND a.id = s.agent_id
               WHERE s.org_id = $1 AND s.membership_id = $2 AND s.expires_at > $3
                 AND EXISTS (SELECT 1 FROM refresh_tokens t WHERE t.org_id = s.org_id AND t.session_id = s.id AND t.used_at IS NULL AND t.expires_at > $3)
               ORDER BY s.created_at DESC, s.id DESC";
    tx.all(sql, params![tx.org(), membership, now], |row| {
        Ok(ApiSessionView {
            id: row.get("id")?,
            client: client_name(row.opt("agent")?),
            scopes: scopes(row)?,
            device: device(row.opt::<String>("user_agent")?.as_deref()),
            ip: row.opt("ip")?,
            created_at: row.get("created_at")?,
            last_used_at: row.get("last_used_at")?,
            expires_at: row.get("expires_at")?,
        })
    })
    .await
}

/// What people call the client of this agent, or the one that is no agent.
pub(crate) fn client_name(agent: Option<String>) -> String {
    agent.unwrap_or_else(|| "Rollcall on the command line".to_owned())
}

/// Clear away what has outlived its time.
pub(crate) async fn delete_expired(tx: &Tx, now: Timestamp) -> Result<(), Error> {
    // Sessions first, as everything that ends one goes from it to its tokens.
    tx.run("DELETE FROM api_sessions WHERE org_id = $2 AND expires_at <= $1", params![now, tx.org()]).await?;
    tx.run("DELETE FROM access_tokens WHERE org_id = $2 AND expires_at <= $1", params![now, tx.org()]).await?;
    // A used refresh token is kept as long as it would have lived: who shows it has a copy.
    tx.run("DELETE FROM refresh_tokens WHERE org_id = $2 AND expires_at <= $1", params![now, tx.org()]).await?;
    Ok(())
}
