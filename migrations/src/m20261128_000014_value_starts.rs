//! The beginning of a comparison key as a column: what an index is looked up by has to be a column where row-level security holds.
//!
//! Under a policy PostgreSQL asks only "leakproof" functions before the policy itself. `=` of two texts is one, `substr` is not, so
//! the index over `substr(value_key, 1, 200)` could not be used any more: each filter by e-mail would read all e-mails.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend},
};

use crate::sql;

/// This step.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds no stored column to a table that is there; its index stores the values.
        let kept = if manager.get_connection().get_database_backend() == DbBackend::Postgres { "STORED" } else { "VIRTUAL" };
        let up = format!(
            "ALTER TABLE scim_user_values ADD COLUMN value_start KEY_TEXT GENERATED ALWAYS AS (substr(value_key, 1, 200)) {kept};
             DROP INDEX scim_user_values_lookup;
             CREATE INDEX scim_user_values_lookup ON scim_user_values (org_id, path, value_start);"
        );
        sql::run(manager, &up).await
    }
}
