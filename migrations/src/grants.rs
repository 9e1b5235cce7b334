//! What the application may do on PostgreSQL: it owns nothing, so it can change no table's shape and no policy.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend, Statement},
};

/// The role that `rollcall serve` should sign in as on PostgreSQL (or be a member of).
pub const APPLICATION_ROLE: &str = "rollcall_app";
/// The role that its background jobs should sign in as (or be a member of): it may find out which organisations have work to do.
pub const JOBS_ROLE: &str = "rollcall_jobs";

/// The tables that are only added to.
pub const ONLY_ADDED_TO: [&str; 4] = ["audit_events", "audit_seals", "audit_seal_events", "offboarding_receipts"];
/// What of a provisioning token may be written: nothing that says whose it is.
pub const TOKEN_COLUMNS: [&str; 8] =
    ["retires_at", "revoked_at", "first_used_at", "last_used_at", "last_used_ip", "last_used_user_agent", "allowed_from", "warned_days"];

/// Keep whoever signs in from making tables, functions and operators of the schema's own (as PostgreSQL before 15 lets everybody), and
/// let [`APPLICATION_ROLE`] and [`JOBS_ROLE`] read and write rows, where these roles exist. The audit log, its seals and the receipts
/// of offboardings can only be read and added to, but for what an organisation wants cleared, by a function of the jobs' that looks after
/// that; of a provisioning token only what does not say whose it is can be written, and it goes only with what it belongs to. Whose rows
/// they reach is row-level security's to say ([`crate::enforce`]).
pub async fn grant_to_application(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    db.execute_unprepared("REVOKE CREATE ON SCHEMA public FROM PUBLIC").await?;
    let (added_to, columns) = (ONLY_ADDED_TO.join(", "), TOKEN_COLUMNS.join(", "));
    for role in [APPLICATION_ROLE, JOBS_ROLE] {
        let known = Statement::from_sql_and_values(DbBackend::Postgres, "SELECT 1 FROM pg_roles WHERE rolname = $1", [role.into()]);
        if db.query_one_raw(known).await?.is_none() {
            continue;
        }
        db.execute_unprepared(&format!(
            "GRANT USAGE ON SCHEMA public TO {role};
             GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
             REVOKE UPDATE, DELETE, TRUNCATE ON {added_to} FROM {role};
             REVOKE UPDATE, DELETE, TRUNCATE ON scim_tokens FROM {role};
             GRANT UPDATE ({columns}) ON scim_tokens TO {role};
             REVOKE INSERT, UPDATE, DELETE ON seaql_migrations FROM {role};"
        ))
        .await?;
        // Whoever takes over what answers requests clears nothing.
        if role == JOBS_ROLE {
            db.execute_unprepared(&format!("GRANT EXECUTE ON FUNCTION rollcall_clear_audit(uuid, bigint, bigint, uuid) TO {role}")).await?;
        }
    }
    Ok(())
}
