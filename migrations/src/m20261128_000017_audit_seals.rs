//! The audit log is only added to, and sealed: whoever changes it afterwards is found out.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::sql;

const TABLES: &str = r#"
-- For how many years the audit log is kept; NULL: for ever.
ALTER TABLE retention ADD COLUMN audit_years bigint CHECK (audit_years IN (1, 2, 7));

-- A batch of events that was sealed, in one chain an organisation: docs/audit.md says what its hash is made of.
-- digest: of its events' hashes, in their order. previous: the hash of the seal before; zeros of the first.
-- up_to: the latest moment of an event in this batch or one before. cleared_at: since when its events are gone, as the
-- organisation wanted it; the seal stays, so that the chain still holds.
CREATE TABLE audit_seals (
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    number bigint NOT NULL CHECK (number > 0),
    events bigint NOT NULL CHECK (events > 0),
    first_at MICROS NOT NULL,
    up_to MICROS NOT NULL,
    digest BYTES NOT NULL,
    previous BYTES NOT NULL,
    hash BYTES NOT NULL,
    sealed_at MICROS NOT NULL,
    cleared_at MICROS,
    PRIMARY KEY (org_id, number)
);

-- Which events a batch holds, in which order, and the hash of each. An event is in one batch.
CREATE TABLE audit_seal_events (
    org_id UUID NOT NULL,
    seal bigint NOT NULL,
    position bigint NOT NULL,
    event_id UUID NOT NULL,
    hash BYTES NOT NULL,
    PRIMARY KEY (org_id, seal, position),
    UNIQUE (org_id, event_id),
    FOREIGN KEY (org_id, seal) REFERENCES audit_seals (org_id, number) ON DELETE CASCADE
);
"#;

/// A row goes with its organisation; an event and its place in a batch also when that batch was cleared.
const HAS_ORG: &str = "EXISTS (SELECT 1 FROM organizations o WHERE o.id = OLD.org_id)";
const EVENT_IS_KEPT: &str = "NOT EXISTS (
        SELECT 1 FROM audit_seal_events m JOIN audit_seals s ON s.org_id = m.org_id AND s.number = m.seal
        WHERE m.org_id = OLD.org_id AND m.event_id = OLD.id AND s.cleared_at IS NOT NULL)";
const PLACE_IS_KEPT: &str = "EXISTS (
        SELECT 1 FROM audit_seals s WHERE s.org_id = OLD.org_id AND s.number = OLD.seal AND s.cleared_at IS NULL)";
/// What of a seal may change: that its events are gone.
const SEAL_CHANGED: &str = "
    NEW.org_id {is not} OLD.org_id OR NEW.number {is not} OLD.number OR NEW.events {is not} OLD.events OR NEW.first_at {is not} OLD.first_at
    OR NEW.up_to {is not} OLD.up_to OR NEW.digest {is not} OLD.digest OR NEW.previous {is not} OLD.previous OR NEW.hash {is not} OLD.hash
    OR NEW.sealed_at {is not} OLD.sealed_at OR OLD.cleared_at IS NOT NULL OR NEW.cleared_at IS NULL";
const SAID: &str = "the audit log is only added to";

/// Clearing, for an application that may delete nothing: whole batches from the oldest on, when the organisation's own setting says
/// so, by the database's clock or the caller's, whichever is earlier.
const CLEAR: &str = r#"
CREATE FUNCTION rollcall_clear_audit(organisation uuid, moment bigint, most bigint)
RETURNS TABLE (batches bigint, events bigint, first bigint, last bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    years bigint;
    today bigint := least(moment, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
    oldest bigint;
    kept bigint;
BEGIN
    IF organisation::text IS DISTINCT FROM current_setting('rollcall.org', true) THEN
        RAISE EXCEPTION 'this transaction is of another organisation' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT r.audit_years INTO years FROM public.retention r WHERE r.org_id = organisation;
    IF years IS NULL THEN RETURN; END IF;
    SELECT min(s.number) INTO oldest FROM public.audit_seals s WHERE s.org_id = organisation AND s.cleared_at IS NULL;
    SELECT min(s.number) INTO kept FROM public.audit_seals s
        WHERE s.org_id = organisation AND s.cleared_at IS NULL AND s.up_to >= today - years * 31557600000000;
    WITH cleared AS (
        UPDATE public.audit_seals s SET cleared_at = today
        WHERE s.org_id = organisation AND s.cleared_at IS NULL AND s.number < oldest + most AND (kept IS NULL OR s.number < kept)
        RETURNING s.number, s.events)
    SELECT count(*), coalesce(sum(c.events), 0)::bigint, min(c.number), max(c.number) INTO batches, events, first, last FROM cleared c;
    IF batches = 0 THEN RETURN; END IF;
    DELETE FROM public.audit_events e USING public.audit_seal_events m
        WHERE e.org_id = organisation AND m.org_id = organisation AND m.event_id = e.id AND m.seal BETWEEN first AND last;
    DELETE FROM public.audit_seal_events m WHERE m.org_id = organisation AND m.seal BETWEEN first AND last;
    RETURN NEXT;
END $$;
REVOKE ALL ON FUNCTION rollcall_clear_audit(uuid, bigint, bigint) FROM PUBLIC;
"#;

/// This step.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        sql::run(manager, TABLES).await?;
        if manager.get_database_backend() == DbBackend::Postgres {
            let refuse = |name: &str, condition: &str| {
                format!(
                    "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
                     BEGIN
                         IF {condition} THEN RAISE EXCEPTION '{SAID}' USING ERRCODE = 'check_violation'; END IF;
                         IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                         RETURN NEW;
                     END $$;"
                )
            };
            let rules = [
                refuse("audit_events_stay", &format!("TG_OP = 'UPDATE' OR ({HAS_ORG} AND {EVENT_IS_KEPT})")),
                refuse("audit_seal_events_stay", &format!("TG_OP = 'UPDATE' OR ({HAS_ORG} AND {PLACE_IS_KEPT})")),
                refuse("audit_seals_stay", &SEAL_CHANGED.replace("{is not}", "IS DISTINCT FROM")),
                refuse("audit_seals_remain", HAS_ORG),
                "CREATE TRIGGER audit_events_stay BEFORE UPDATE OR DELETE ON audit_events FOR EACH ROW EXECUTE FUNCTION audit_events_stay();
                 CREATE TRIGGER audit_seal_events_stay BEFORE UPDATE OR DELETE ON audit_seal_events
                     FOR EACH ROW EXECUTE FUNCTION audit_seal_events_stay();
                 CREATE TRIGGER audit_seals_stay BEFORE UPDATE ON audit_seals FOR EACH ROW EXECUTE FUNCTION audit_seals_stay();
                 CREATE TRIGGER audit_seals_remain BEFORE DELETE ON audit_seals FOR EACH ROW EXECUTE FUNCTION audit_seals_remain();"
                    .to_owned(),
                CLEAR.to_owned(),
            ];
            // Not through `sql::run`, whose words would be replaced in functions, too.
            for rule in rules {
                manager.get_connection().execute_unprepared(&rule).await?;
            }
            return Ok(());
        }
        let refuse = |name: &str, when: &str, condition: &str| {
            format!("CREATE TRIGGER {name} BEFORE {when} WHEN {condition} BEGIN SELECT RAISE(ABORT, '{SAID}'); END;")
        };
        // Replacing a row by another of its key is an insertion to SQLite, and asks no trigger for deletions.
        let rules = [
            refuse("audit_events_stay", "UPDATE ON audit_events", "true"),
            refuse("audit_events_remain", "DELETE ON audit_events", &format!("{HAS_ORG} AND {EVENT_IS_KEPT}")),
            refuse("audit_events_are_new", "INSERT ON audit_events", "EXISTS (SELECT 1 FROM audit_events e WHERE e.id = NEW.id)"),
            refuse("audit_seal_events_stay", "UPDATE ON audit_seal_events", "true"),
            refuse("audit_seal_events_remain", "DELETE ON audit_seal_events", &format!("{HAS_ORG} AND {PLACE_IS_KEPT}")),
            refuse("audit_seals_stay", "UPDATE ON audit_seals", &SEAL_CHANGED.replace("{is not}", "IS NOT")),
            refuse("audit_seals_remain", "DELETE ON audit_seals", HAS_ORG),
        ];
        sql::run(manager, &rules.join("\n")).await
    }
}
