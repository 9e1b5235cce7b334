//! For how long an organisation keeps what. Without a row, as long as everybody does.

use domain::{activity::ActivityDays, audit::AuditYears};

use super::{
    db::Tx,
    values::{Maybe, params},
};
use crate::Error;

/// For how long SCIM requests are kept.
pub(crate) async fn activity(tx: &Tx) -> Result<ActivityDays, Error> {
    let sql = "SELECT activity_days FROM retention WHERE org_id = $1";
    let days: Option<i64> = tx.one(sql, params![tx.org()], |row| row.get("activity_days")).await?;
    Ok(days.and_then(ActivityDays::of).unwrap_or_default())
}

/// Keep SCIM requests for this long from now on.
pub(crate) async fn set_activity(tx: &Tx, days: ActivityDays) -> Result<(), Error> {
    let sql = "INSERT INTO retention (org_id, activity_days) VALUES ($1, $2)
               ON CONFLICT (org_id) DO UPDATE SET activity_days = excluded.activity_days";
    tx.run(sql, params![tx.org(), i64::from(days.days())]).await?;
    Ok(())
}

/// For how long the audit log is kept.
pub(crate) async fn audit(tx: &Tx) -> Result<AuditYears, Error> {
    let sql = "SELECT audit_years FROM retention WHERE org_id = $1";
    let years: Option<Option<i64>> = tx.one(sql, params![tx.org()], |row| row.opt("audit_years")).await?;
    Ok(AuditYears::of(years.flatten()).unwrap_or_default())
}

/// Keep the audit log for this long from now on.
pub(crate) async fn set_audit(tx: &Tx, years: AuditYears) -> Result<(), Error> {
    let sql = "INSERT INTO retention (org_id, audit_years) VALUES ($1, $2)
               ON CONFLICT (org_id) DO UPDATE SET audit_years = excluded.audit_years";
    tx.run(sql, params![tx.org(), Maybe(years.years())]).await?;
    Ok(())
}
