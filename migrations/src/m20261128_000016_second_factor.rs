//! What belongs to an account rather than to an organisation: a link that sets a password anew, a second factor, and mails to its
//! person.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::sql;

const TABLES: &str = r#"
-- A mailed link that sets an account's password anew. Used once, expiring; only its SHA-256 is stored. It opens nothing: signing in
-- needs a membership.
CREATE TABLE reset_links (
    hash BYTES PRIMARY KEY,
    account_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_at MICROS NOT NULL,
    expires_at MICROS NOT NULL
);
CREATE INDEX reset_links_account ON reset_links (account_id);
CREATE INDEX reset_links_expires_at ON reset_links (expires_at);

-- An authenticator. Its secret is not here: it is derived from the key file's key of this id, the account and the salt.
-- offered: shown to the person, and in force once she has shown a code of it. last_step: the last period of 30 seconds whose code
-- was used, since a code works once.
CREATE TABLE second_factors (
    account_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    state text NOT NULL CHECK (state IN ('offered', 'active')),
    key_id text NOT NULL,
    salt BYTES NOT NULL,
    last_step bigint NOT NULL,
    created_at MICROS NOT NULL,
    PRIMARY KEY (account_id, state)
);

-- What takes the authenticator's place once each, when it is lost. Only its SHA-256 is stored.
CREATE TABLE recovery_codes (
    account_id UUID NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash BYTES NOT NULL,
    created_at MICROS NOT NULL,
    PRIMARY KEY (account_id, hash)
);

-- Mails to a person rather than about a membership. A reset is queued for whatever address was typed: whether there is an account
-- is looked up when it is sent, so that asking takes as long either way. The link is made then: no secret lies here.
CREATE TABLE account_mails (
    id UUID PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('reset', 'notice')),
    address KEY_TEXT NOT NULL,
    content text,
    status text NOT NULL CHECK (status IN ('pending', 'sending', 'sent', 'failed')),
    attempts bigint NOT NULL,
    due_at MICROS NOT NULL,
    created_at MICROS NOT NULL,
    sent_at MICROS,
    error text
);
CREATE INDEX account_mails_due ON account_mails (due_at) WHERE status IN ('pending', 'sending');
CREATE INDEX account_mails_address ON account_mails (address, created_at);
CREATE INDEX account_mails_created_at ON account_mails (created_at);

-- Whether members who sign in with a password need a second factor.
ALTER TABLE organizations ADD COLUMN second_factor_required boolean NOT NULL DEFAULT false;
"#;

/// This step.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        sql::run(manager, TABLES).await?;
        // An account that is shut, by whomever, keeps no way to set its password.
        let rule = if manager.get_database_backend() == DbBackend::Postgres {
            "CREATE FUNCTION reset_links_end() RETURNS trigger LANGUAGE plpgsql AS $$
             BEGIN
                 DELETE FROM reset_links WHERE account_id = NEW.id;
                 RETURN NEW;
             END $$;
             CREATE TRIGGER reset_links_end AFTER UPDATE OF dormant, suspended ON users FOR EACH ROW
                 WHEN (NEW.dormant OR NEW.suspended) EXECUTE FUNCTION reset_links_end();"
        } else {
            "CREATE TRIGGER reset_links_end AFTER UPDATE OF dormant, suspended ON users WHEN NEW.dormant OR NEW.suspended
             BEGIN DELETE FROM reset_links WHERE account_id = NEW.id; END;"
        };
        sql::run(manager, rule).await
    }
}
