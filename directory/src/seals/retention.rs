//! For how long an organisation's audit log is kept, and clearing what is older.

use domain::{
    Permission,
    audit::{AuditAction, AuditYears},
};

use crate::{Actor, Call, Db, Error, OrgScope, sessions::SignedIn, store};

/// Batches that are cleared in one transaction.
const CLEARED_AT_ONCE: i64 = 20;

/// Keep the organisation's audit log for so many years from now on, or for ever.
pub async fn keep_for(db: &Db, who: &SignedIn, scope: OrgScope, years: &str, call: &Call) -> Result<(), Error> {
    let years: AuditYears = years.parse()?;
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm_fresh(&tx, Permission::ManageSecurity, call.now).await?;
        let before = store::retention::audit(&tx).await?;
        if before == years {
            return Ok(());
        }
        store::retention::set_audit(&tx, years).await?;
        let details = vec![("kept for".to_owned(), format!("{before} → {years}"))];
        crate::audit::append(&tx, AuditAction::AuditRetentionChanged, &who.actor(), None, details, call).await?;
        tx.commit().await
    })
    .await
}

/// Clear the batches that are older than their organisations want them kept. What was cleared is itself in the log. Each transaction is
/// a `call` of its own, so that what it writes is of its own moment.
pub async fn clear(db: &Db, call: impl Fn() -> Call) -> Result<(), Error> {
    let db = &db.for_jobs();
    // In a statement of its own: the connection is given back before the first is asked for.
    let orgs = store::doors::lasting_orgs(&db.look_around().await?).await?;
    for org in orgs {
        let scope = OrgScope::new(org);
        loop {
            let cleared = db.retrying(|| async {
                let call = call();
                let tx = db.begin(scope).await?;
                let Some(years) = store::retention::audit(&tx).await?.years() else { return Ok(false) };
                let Some(cleared) = store::audit_seals::clear(&tx, years, call.now, CLEARED_AT_ONCE, call.new_id()).await? else {
                    return Ok(false);
                };
                // On PostgreSQL the function that clears has written it, so that nobody can clear without.
                if !tx.is_postgres() {
                    let batches = if cleared.first == cleared.last {
                        cleared.first.to_string()
                    } else {
                        format!("{}–{}", cleared.first, cleared.last)
                    };
                    let details = vec![("batches".to_owned(), batches), ("entries".to_owned(), cleared.events.to_string())];
                    crate::audit::append(&tx, AuditAction::AuditCleared, &Actor::System, None, details, &call).await?;
                }
                tx.commit().await?;
                Ok(cleared.batches == CLEARED_AT_ONCE)
            });
            match cleared.await {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => {
                    tracing::error!(%org, %error, "old audit entries could not be cleared");
                    break;
                }
            }
        }
    }
    Ok(())
}
