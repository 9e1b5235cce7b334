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

/// One more, or one less. The last statement of a transaction: whoever creates or deletes waits for it.
pub(crate) async fn moved(tx: &Tx, kind: Kind, by: i64) -> Result<(), Error> {
    let (column, at_first) = (column(kind), by.max(0));
    let (users, groups) = if kind == Kind::User { (at_first, 0) } else { (0, at_first) };
    let sql = format!(
        "INSERT INTO scim_totals (org_id, users, groups) VALUES ($1, $2, $3)
         ON CONFLICT (org_id) DO UPDATE SET {column} = scim_totals.{column} + $4"
    );
    tx.run(&sql, params![tx.org(), users, groups, by]).await?;
    Ok(())
}
