//! Provisioning tokens that are changed without a gap, and what nobody may change of one.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::sql;

/// What a token has now.
const COLUMNS: &str = r#"
-- replaces_id: the token in whose place this one was issued; that one's retires_at says how long it goes on.
ALTER TABLE scim_tokens ADD COLUMN replaces_id UUID;
-- Networks in CIDR notation with spaces between, from which it may be used; empty: from anywhere.
ALTER TABLE scim_tokens ADD COLUMN allowed_from text NOT NULL DEFAULT '';
ALTER TABLE scim_tokens ADD COLUMN last_used_user_agent text;
-- Of the owners' warnings before it expires, which was the last: so many days before.
ALTER TABLE scim_tokens ADD COLUMN warned_days bigint CHECK (warned_days IN (30, 7, 1));
CREATE INDEX scim_tokens_expiry ON scim_tokens (expires_at) WHERE revoked_at IS NULL;
"#;

/// What a change may never do, where `{is not}` stands between what was and what would be: make another token of it, move it, let
/// it live longer, bring it back.
const FORBIDDEN: &str = "
    NEW.id {is not} OLD.id OR NEW.org_id {is not} OLD.org_id OR NEW.connection_id {is not} OLD.connection_id
    OR NEW.name {is not} OLD.name OR NEW.purpose {is not} OLD.purpose OR NEW.secret_hash {is not} OLD.secret_hash OR NEW.hint {is not} OLD.hint
    OR NEW.lifetime {is not} OLD.lifetime OR NEW.expires_at {is not} OLD.expires_at
    OR NEW.created_at {is not} OLD.created_at OR NEW.created_by {is not} OLD.created_by
    OR NEW.created_by_member_id {is not} OLD.created_by_member_id OR NEW.replaces_id {is not} OLD.replaces_id
    OR (OLD.revoked_at IS NOT NULL AND NEW.revoked_at {is not} OLD.revoked_at)
    OR (OLD.retires_at IS NOT NULL AND (NEW.retires_at IS NULL OR NEW.retires_at > OLD.retires_at))";

/// This step.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        sql::run(manager, COLUMNS).await?;
        let rule = if manager.get_database_backend() == DbBackend::Postgres {
            format!(
                "CREATE FUNCTION scim_tokens_stay() RETURNS trigger LANGUAGE plpgsql AS $$
                 BEGIN
                     IF {} THEN RAISE EXCEPTION 'a token is never brought back, moved or made another' USING ERRCODE = 'check_violation'; END IF;
                     RETURN NEW;
                 END $$;
                 CREATE TRIGGER scim_tokens_stay BEFORE UPDATE ON scim_tokens FOR EACH ROW EXECUTE FUNCTION scim_tokens_stay();",
                FORBIDDEN.replace("{is not}", "IS DISTINCT FROM")
            )
        } else {
            // Who may delete or replace rows is a matter of grants on PostgreSQL; here there are none, so a row goes with its
            // connection and not before.
            format!(
                "CREATE TRIGGER scim_tokens_stay BEFORE UPDATE ON scim_tokens WHEN {}
                 BEGIN SELECT RAISE(ABORT, 'a token is never brought back, moved or made another'); END;
                 CREATE TRIGGER scim_tokens_are_new BEFORE INSERT ON scim_tokens
                 WHEN EXISTS (SELECT 1 FROM scim_tokens t WHERE t.id = NEW.id)
                 BEGIN SELECT RAISE(ABORT, 'a token is never replaced by another of its id'); END;
                 CREATE TRIGGER scim_tokens_go_with_their_connection BEFORE DELETE ON scim_tokens
                 WHEN EXISTS (SELECT 1 FROM scim_connections c WHERE c.org_id = OLD.org_id AND c.id = OLD.connection_id)
                 BEGIN SELECT RAISE(ABORT, 'a token goes with its connection'); END;",
                FORBIDDEN.replace("{is not}", "IS NOT")
            )
        };
        sql::run(manager, &rule).await
    }
}
