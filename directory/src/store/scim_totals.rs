//! How many users and groups an organisation's directory has, kept beside them: counting costs what is counted.

use scim::Kind;

use super::{db::Tx, values::params};
use crate::Error;

fn column(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "users",
        Kind::Group => "groups",
    }
}

/// How many there are that have not been deleted.
pub(crate) async fn read(tx: &Tx, kind: Kind) -> Result<u64, Error> {
    let sql = format!("SELECT {} AS total FROM scim_totals WHERE org_id = $1", column(kind));
    let total = tx.one(&sql, params![tx.org()], |row| row.get::<i64>("total")).await?;
    Ok(u64::try_from(total.unwrap_or(0)).unwrap_or(0))
}

/// Count again, whatever the totals say.
pub(crate) async fn renew(tx: &Tx) -> Result<(), Error> {
    tx.run("DELETE FROM scim_totals WHERE org_id = $1", params![tx.org()]).await?;
    tx.run(
        "INSERT INTO scim_totals (org_id, users, groups)
         SELECT id, (SELECT count(*) FROM scim_users u WHERE u.org_id = $1 AND u.deleted_at IS NULL),
                    (SELECT count(*) FROM scim_groups g WHERE g.org_id = $1 AND g.deleted_at IS NULL)
         FROM organizations WHERE id = $1",
        params![tx.org()],
    )
    .await?;
    Ok(())
}

/// One more, or one less. The last statement of a transaction: whoever creates or deletes waits for it.
///
/// A total that is wrong all the same must not stand in the way of a deletion: it stops at nothing.
pub(crate) async fn moved(tx: &Tx, kind: Kind, by: i64) -> Result<(), Error> {
    let (column, at_first) = (column(kind), by.max(0));
    let (users, groups) = if kind == Kind::User { (at_first, 0) } else { (0, at_first) };
    let sql = format!(
        "INSERT INTO scim_totals (org_id, users, groups) VALUES ($1, $2, $3)
         ON CONFLICT (org_id) DO UPDATE SET {column} = CASE WHEN scim_totals.{column} + $4 < 0 THEN 0 ELSE scim_totals.{column} + $4 END"
    );
    tx.run(&sql, params![tx.org(), users, groups, by]).await?;
    Ok(())
}
