//! A Bulk of which an operation failed is a failure, though it was answered with 200.

crate::sql::migration!(
    r#"
-- operations: of a Bulk that was read, how many it had. failed_operations: how many of them failed.
-- Of what is older it is known that one failed, and not of how many: its body was kept, which is done of failures only.
ALTER TABLE scim_requests ADD COLUMN operations bigint CHECK (operations >= 0);
ALTER TABLE scim_requests ADD COLUMN failed_operations bigint NOT NULL DEFAULT 0
    CHECK (failed_operations >= 0 AND (operations IS NULL OR failed_operations <= operations));
UPDATE scim_requests SET failed_operations = 1 WHERE about = 'bulk' AND status < 400 AND body IS NOT NULL;

DROP INDEX scim_requests_failed;
CREATE INDEX scim_requests_failed ON scim_requests (org_id, at, id) WHERE status >= 400 OR failed_operations > 0;
"#
);
