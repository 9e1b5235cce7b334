//! What no statement of the application takes away: a provisioning token that ever was, and an organisation that is no drill's. And
//! what asking for a new password and counting failures need, so that strangers stand in nobody's way.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::sql;

const COLUMNS: &str = r#"
-- Of a reset: a digest of the network that asked for it, so that each has its own share of a day's mails.
ALTER TABLE account_mails ADD COLUMN asked_from BYTES;
-- The oldest of a kind go first when there are too many.
CREATE INDEX auth_failures_kind ON auth_failures (kind, window_began_at);
"#;

/// Whoever could take a token's row away could write it again as it was before it was revoked, or for another organisation: by itself,
/// with its connection or with its organisation. A drill's token goes with its satellite.
const TOKEN_STAYS: &str = "OLD.purpose <> 'drill'";
const TOKEN_SAID: &str = "a provisioning token is never deleted";
/// An organisation's audit log would go with it. The satellite of a drill goes, and nothing is made one afterwards.
const ORGANISATION_STAYS: &str = "OLD.drill_of IS NULL";
const ORGANISATION_SAID: &str = "an organisation is never deleted by the application";
const SATELLITE_STAYS: &str = "NEW.id {is not} OLD.id OR NEW.drill_of {is not} OLD.drill_of";
const SATELLITE_SAID: &str = "an organisation is never made the satellite of another";

/// This step.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        sql::run(manager, COLUMNS).await?;
        let postgres = manager.get_database_backend() == DbBackend::Postgres;
        let rules = [
            ("scim_tokens_remain", "DELETE", "scim_tokens", TOKEN_STAYS, TOKEN_SAID),
            ("organizations_remain", "DELETE", "organizations", ORGANISATION_STAYS, ORGANISATION_SAID),
            ("organizations_stay", "UPDATE", "organizations", SATELLITE_STAYS, SATELLITE_SAID),
        ];
        for (name, event, table, condition, said) in rules {
            let condition = condition.replace("{is not}", if postgres { "IS DISTINCT FROM" } else { "IS NOT" });
            let rule = if postgres {
                let goes_on = if event == "DELETE" { "OLD" } else { "NEW" };
                format!(
                    "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
                     BEGIN
                         IF {condition} THEN RAISE EXCEPTION '{said}' USING ERRCODE = 'check_violation'; END IF;
                         RETURN {goes_on};
                     END $$;
                     CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}();"
                )
            } else {
                format!("CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {condition} BEGIN SELECT RAISE(ABORT, '{said}'); END;")
            };
            manager.get_connection().execute_unprepared(&rule).await?;
        }
        Ok(())
    }
}
