//! Failed attempts that the audit log does not tell of yet, each row about one thing of an organisation.

use domain::{OrgId, Timestamp, audit::AuditAction};

use super::{
    audit::Target,
    db::{NoOrg, Tx},
    doors,
    values::{Maybe, Row, params},
};
use crate::Error;

/// What attempts were at, as the audit log names it.
#[derive(Clone, Debug, Default)]
pub(crate) struct About {
    /// Who they claimed to be.
    pub(crate) claims: Option<String>,
    /// Why they failed.
    pub(crate) why: Option<String>,
    /// What they were at, where that is known.
    pub(crate) target: Option<Target>,
    /// Whether what was shown is a secret of the organisation's, or of one of its people: they are few who have one.
    pub(crate) right_secret: bool,
}

/// What is told together.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    /// A digest; short for those that there was no room to list.
    pub(crate) key: Vec<u8>,
    pub(crate) about: About,
    pub(crate) failures: i64,
    /// Of these, how many the audit log says there were.
    pub(crate) listed: i64,
    pub(crate) began_at: Timestamp,
    pub(crate) last_at: Timestamp,
    pub(crate) last_from: Option<String>,
    /// When what comes then is something else.
    pub(crate) over_at: Timestamp,
}

const COLUMNS: &str =
    "key, right_secret, claims, why, target_kind, target_id, target, last_from, failures, listed, began_at, last_at, over_at";

fn read(row: &Row) -> Result<Note, Error> {
    let (kind, id, name) = (row.opt::<String>("target_kind")?, row.opt("target_id")?, row.opt("target")?);
    // The words are ours, and few.
    let kind = kind.and_then(|kind| TARGETS.into_iter().find(|known| *known == kind));
    let target = kind.zip(id).zip(name).map(|((kind, id), name)| Target { kind, id, name });
    Ok(Note {
        key: row.get("key")?,
        about: About { claims: row.opt("claims")?, why: row.opt("why")?, target, right_secret: row.get("right_secret")? },
        failures: row.get("failures")?,
        listed: row.get("listed")?,
        began_at: row.get("began_at")?,
        last_at: row.get("last_at")?,
        last_from: row.opt("last_from")?,
        over_at: row.get("over_at")?,
    })
}

/// What failed attempts can be at.
pub(crate) const TARGETS: [&str; 4] = ["service_credential", "personal_token", "api_session", "token"];

/// The note of this kind and key, over or not.
pub(crate) async fn find(tx: &Tx, kind: AuditAction, key: &[u8]) -> Result<Option<Note>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM failure_notes WHERE org_id = $1 AND kind = $2 AND key = $3");
    tx.one(&sql, params![tx.org(), kind.code(), key.to_vec()], read).await
}

/// Write a note as it is now.
pub(crate) async fn put(tx: &Tx, kind: AuditAction, note: &Note) -> Result<(), Error> {
    let About { claims, why, target, right_secret } = &note.about;
    tx.run(
        "INSERT INTO failure_notes (org_id, kind, key, claims, why, target_kind, target_id, target, last_from, failures, listed, began_at, last_at, over_at, right_secret)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
         ON CONFLICT (org_id, kind, key) DO UPDATE SET claims = $4, why = $5, target_kind = $6, target_id = $7, target = $8, last_from = $9,
           failures = $10, listed = $11, began_at = $12, last_at = $13, over_at = $14, right_secret = $15",
        params![
            tx.org(),
            kind.code(),
            note.key.clone(),
            Maybe(claims.as_deref()),
            Maybe(why.as_deref()),
            Maybe(target.as_ref().map(|target| target.kind)),
            Maybe(target.as_ref().map(|target| target.id)),
            Maybe(target.as_ref().map(|target| target.name.as_str())),
            Maybe(note.last_from.as_deref()),
            note.failures,
            note.listed,
            note.began_at,
            note.last_at,
            note.over_at,
            *right_secret
        ],
    )
    .await?;
    Ok(())
}

/// Forget a note.
pub(crate) async fn delete(tx: &Tx, kind: AuditAction, key: &[u8]) -> Result<(), Error> {
    tx.run("DELETE FROM failure_notes WHERE org_id = $1 AND kind = $2 AND key = $3", params![tx.org(), kind.code(), key.to_vec()]).await?;
    Ok(())
}

/// The notes of this kind that are over, the first first.
pub(crate) async fn over(tx: &Tx, kind: AuditAction, now: Timestamp) -> Result<Vec<Note>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM failure_notes WHERE org_id = $1 AND kind = $2 AND over_at <= $3 ORDER BY began_at, key");
    tx.all(&sql, params![tx.org(), kind.code(), now], read).await
}

/// Organisations with notes that are over, and of which kinds.
pub(crate) async fn orgs_with_over(tx: &Tx<NoOrg>, now: Timestamp) -> Result<Vec<(OrgId, AuditAction)>, Error> {
    let found = tx.through(&doors::FAILURES_OVER, params![now], |row| Ok((row.get("org_id")?, row.get::<String>("kind")?))).await?;
    let known = |(org, kind): (OrgId, String)| kind.parse().ok().map(|kind| (org, kind));
    Ok(found.into_iter().filter_map(known).collect())
}
