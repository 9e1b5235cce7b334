//! What is told of failed attempts: how many there were, until the audit log has heard of all of them; and what a token was that has ended,
//! so that whoever goes on using it is told of.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::{grants, sql, tenancy};

const TABLES: &str = r#"
-- Attempts that follow one another, of one kind (the action in the audit log) and about one thing. Of the failures, so many are in the
-- audit log; the rest is told when it is over, and the row goes. Those with short keys have what there was no room to list: of attempts
-- with a secret that was the right one, and of the others.
CREATE TABLE failure_notes (
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    kind text NOT NULL,
    key BYTES NOT NULL,
    right_secret boolean NOT NULL,
    claims text,
    why text,
    target_kind text,
    target_id UUID,
    target text,
    last_from text,
    failures bigint NOT NULL,
    listed bigint NOT NULL,
    began_at MICROS NOT NULL,
    last_at MICROS NOT NULL,
    over_at MICROS NOT NULL,
    PRIMARY KEY (org_id, kind, key),
    CHECK (listed <= failures)
);
CREATE INDEX failure_notes_over ON failure_notes (over_at);

-- Tokens that were ended, by whatever ended them. They open nothing: no look-up of a token reads them. They are kept until the token would
-- have expired, a personal one for a month more, and tell the organisation that somebody still has it.
CREATE TABLE ended_tokens (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('access', 'refresh', 'personal')),
    secret_hash BYTES NOT NULL,
    session_id UUID,
    name text,
    expires_at MICROS NOT NULL
);
CREATE INDEX ended_tokens_org ON ended_tokens (org_id, expires_at);
CREATE INDEX ended_tokens_expiry ON ended_tokens (expires_at);
"#;

/// Where an organisation goes, nothing of it is left to be told.
const STAYS: &str = "EXISTS (SELECT 1 FROM organizations WHERE id = OLD.org_id)";

/// This step.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        sql::run(manager, TABLES).await?;
        let postgres = manager.get_database_backend() == DbBackend::Postgres;
        // A refresh token that was used up ended with the one that took its place, and there are thousands of those.
        let rules = [
            ("access_tokens", "access", "OLD.session_id, NULL", "true"),
            ("refresh_tokens", "refresh", "OLD.session_id, NULL", "OLD.used_at IS NULL"),
            ("personal_tokens", "personal", "CAST(NULL AS uuid), OLD.name", "true"),
        ];
        for (table, kind, columns, condition) in rules {
            let remember = format!(
                "INSERT INTO ended_tokens (id, org_id, kind, secret_hash, session_id, name, expires_at)
                 SELECT OLD.id, OLD.org_id, '{kind}', OLD.secret_hash, {columns}, OLD.expires_at WHERE {STAYS}
                 ON CONFLICT (id) DO NOTHING;"
            );
            let name = format!("{table}_are_remembered");
            let rule = if postgres {
                format!(
                    "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {remember} RETURN NULL; END $$;
                     CREATE TRIGGER {name} AFTER DELETE ON {table} FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION {name}();"
                )
            } else {
                format!("CREATE TRIGGER {name} AFTER DELETE ON {table} WHEN {condition} BEGIN {remember} END;")
            };
            manager.get_connection().execute_unprepared(&rule).await?;
        }
        // Whoever ends a token writes here from now on: not only once everything else that an update does is done.
        tenancy::enforce(manager.get_connection()).await?;
        grants::grant_to_application(manager.get_connection()).await
    }
}
