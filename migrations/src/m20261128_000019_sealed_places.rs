//! A batch of the audit log is written once: no place is added to it afterwards, and clearing takes only what is itself old.

use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

use crate::sql;

const SAID: &str = "the audit log is only added to";
const HAS_ORG: &str = "EXISTS (SELECT 1 FROM organizations o WHERE o.id = OLD.org_id)";
/// An event goes with its batch, and only if it is no younger than that batch says.
const EVENT_IS_KEPT: &str = "NOT EXISTS (
        SELECT 1 FROM audit_seal_events m JOIN audit_seals s ON s.org_id = m.org_id AND s.number = m.seal
        WHERE m.org_id = OLD.org_id AND m.event_id = OLD.id AND s.cleared_at IS NOT NULL AND OLD.at <= s.up_to)";
/// A place belongs to a batch that has room for it, and that was not cleared.
const NO_ROOM: &str = "NOT EXISTS (
        SELECT 1 FROM audit_seals s
        WHERE s.org_id = NEW.org_id AND s.number = NEW.seal AND s.cleared_at IS NULL AND NEW.position BETWEEN 0 AND s.events - 1)";
/// A batch is cleared when the organisation wants it, and not before.
const NOT_DUE: &str = "NOT EXISTS (
        SELECT 1 FROM retention r
        WHERE r.org_id = NEW.org_id AND r.audit_years IS NOT NULL AND NEW.up_to < NEW.cleared_at - r.audit_years * 31557600000000)";

/// Clearing, for background jobs that may delete nothing: whole batches from the oldest on, when the organisation's own setting says
/// so, by the database's clock or the caller's, whichever is earlier. That it was done is written here, so that nobody clears in
/// silence; at the caller's moment, like every other entry.
const CLEAR: &str = r#"
CREATE FUNCTION rollcall_clear_audit(organisation uuid, moment bigint, most bigint, entry uuid)
RETURNS TABLE (batches bigint, events bigint, first bigint, last bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    years bigint;
    today bigint := least(moment, (extract(epoch FROM clock_timestamp()) * 1000000)::bigint);
    oldest bigint;
    kept bigint;
    gone bigint;
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
    DELETE FROM public.audit_events e USING public.audit_seal_events m, public.audit_seals s
        WHERE e.org_id = organisation AND m.org_id = organisation AND s.org_id = organisation
          AND m.event_id = e.id AND m.seal BETWEEN first AND last AND s.number = m.seal
          AND e.at <= s.up_to AND e.at < today - years * 31557600000000;
    GET DIAGNOSTICS gone = ROW_COUNT;
    IF gone <> events THEN
        RAISE EXCEPTION 'batches % to % do not hold what they were sealed with: nothing is cleared', first, last
            USING ERRCODE = 'check_violation';
    END IF;
    DELETE FROM public.audit_seal_events m WHERE m.org_id = organisation AND m.seal BETWEEN first AND last;
    INSERT INTO public.audit_events (id, org_id, at, action, actor_kind, actor, details)
        VALUES (entry, organisation, moment, 'audit.cleared', 'system', 'Rollcall', json_build_array(
            json_build_array('batches', CASE WHEN first = last THEN first::text ELSE first || '–' || last END),
            json_build_array('entries', events::text))::text);
    RETURN NEXT;
END $$;
REVOKE ALL ON FUNCTION rollcall_clear_audit(uuid, bigint, bigint, uuid) FROM PUBLIC;
"#;

/// This step.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Postgres {
            let refuse = |name: &str, condition: &str| {
                format!(
                    "CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
                     BEGIN
                         IF {condition} THEN RAISE EXCEPTION '{SAID}' USING ERRCODE = 'check_violation'; END IF;
                         IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                         RETURN NEW;
                     END $$;"
                )
            };
            let rules = [
                refuse("audit_events_stay", &format!("TG_OP = 'UPDATE' OR ({HAS_ORG} AND {EVENT_IS_KEPT})")),
                refuse("audit_seal_events_are_new", NO_ROOM),
                refuse("audit_seals_are_new", "NEW.cleared_at IS NOT NULL"),
                refuse("audit_seals_are_due", NOT_DUE),
                "CREATE TRIGGER audit_seal_events_are_new BEFORE INSERT ON audit_seal_events
                     FOR EACH ROW EXECUTE FUNCTION audit_seal_events_are_new();
                 CREATE TRIGGER audit_seals_are_new BEFORE INSERT ON audit_seals FOR EACH ROW EXECUTE FUNCTION audit_seals_are_new();
                 CREATE TRIGGER audit_seals_are_due BEFORE UPDATE ON audit_seals FOR EACH ROW EXECUTE FUNCTION audit_seals_are_due();
                 DROP FUNCTION rollcall_clear_audit(uuid, bigint, bigint);"
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
        let taken = "EXISTS (SELECT 1 FROM audit_seal_events m WHERE m.org_id = NEW.org_id
                         AND (m.event_id = NEW.event_id OR (m.seal = NEW.seal AND m.position = NEW.position)))";
        let there = "EXISTS (SELECT 1 FROM audit_seals s WHERE s.org_id = NEW.org_id AND s.number = NEW.number)";
        let rules = [
            "DROP TRIGGER audit_events_remain;".to_owned(),
            refuse("audit_events_remain", "DELETE ON audit_events", &format!("{HAS_ORG} AND {EVENT_IS_KEPT}")),
            refuse("audit_seal_events_are_new", "INSERT ON audit_seal_events", &format!("{taken} OR {NO_ROOM}")),
            refuse("audit_seals_are_new", "INSERT ON audit_seals", &format!("{there} OR NEW.cleared_at IS NOT NULL")),
            refuse("audit_seals_are_due", "UPDATE ON audit_seals", NOT_DUE),
        ];
        sql::run(manager, &rules.join("\n")).await
    }
}
