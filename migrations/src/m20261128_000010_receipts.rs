//! Receipts of offboardings, and secrets of the organisation that retire when others take their place.

crate::sql::migration!(
    r#"
-- What ended when somebody left, written in the very transaction that ended it, and never changed. It keeps her name as people knew
-- it then. ended: [kind, count] pairs in their order, zeros included. secrets: the organisation's own that she knows, as they were
-- told apart then (kind, id, name, hint).
CREATE TABLE offboarding_receipts (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    member_id UUID NOT NULL,
    name text NOT NULL,
    user_name text,
    email text,
    cause text NOT NULL CHECK (cause IN ('directory_deactivated', 'directory_deleted', 'removed_by_hand')),
    actor_kind text NOT NULL,
    actor_id UUID,
    actor text NOT NULL,
    request_id text,
    arrived_at MICROS NOT NULL,
    ended_at MICROS NOT NULL,
    ended text NOT NULL,
    secrets text NOT NULL,
    FOREIGN KEY (org_id, member_id) REFERENCES members (org_id, id) ON DELETE CASCADE
);
CREATE INDEX offboarding_receipts_member ON offboarding_receipts (org_id, member_id, ended_at);

-- retires_at: another takes its place, and until then both work. replaced_at: since when.
ALTER TABLE service_credentials ADD COLUMN retires_at MICROS;
ALTER TABLE service_credentials ADD COLUMN replaced_at MICROS CHECK ((replaced_at IS NULL) = (retires_at IS NULL));
"#
);
