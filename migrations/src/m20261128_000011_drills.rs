//! Deprovision drills: what they run in, what they are let in with, and what came of them.

crate::sql::migration!(
    r#"
-- A drill runs in a satellite: an organisation that lives for as long as the drill, and whose rows nobody in the real one,
-- drill_of, can see. One at a time.
ALTER TABLE organizations ADD COLUMN drill_of UUID REFERENCES organizations (id) ON DELETE CASCADE;
CREATE UNIQUE INDEX organizations_drill_of_key ON organizations (drill_of) WHERE drill_of IS NOT NULL;

-- What a token is for: an identity provider's, or a drill's. The latter lives for minutes and reaches a satellite only.
CREATE TABLE tokens (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL,
    connection_id UUID NOT NULL,
    name text NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('provisioning', 'drill')),
    secret_hash BYTES NOT NULL,
    hint text NOT NULL,
    lifetime text NOT NULL,
    created_at MICROS NOT NULL,
    created_by text NOT NULL,
    created_by_member_id UUID,
    expires_at MICROS NOT NULL,
    retires_at MICROS,
    revoked_at MICROS,
    first_used_at MICROS,
    last_used_at MICROS,
    last_used_ip text,
    FOREIGN KEY (org_id, connection_id) REFERENCES scim_connections (org_id, id) ON DELETE CASCADE
);
INSERT INTO tokens (id, org_id, connection_id, name, purpose, secret_hash, hint, lifetime, created_at, created_by, created_by_member_id,
                    expires_at, retires_at, revoked_at, first_used_at, last_used_at, last_used_ip)
SELECT id, org_id, connection_id, name, purpose, secret_hash, hint, lifetime, created_at, created_by, created_by_member_id,
       expires_at, retires_at, revoked_at, first_used_at, last_used_at, last_used_ip FROM scim_tokens;
DROP TABLE scim_tokens;
ALTER TABLE tokens RENAME TO scim_tokens;
CREATE INDEX scim_tokens_org_id ON scim_tokens (org_id, created_at);

-- A drill of the organisation, and its report as JSON. leased_until: when a run that says nothing any more counts as interrupted.
CREATE TABLE drills (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    number bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'passed', 'failed', 'interrupted')),
    started_at MICROS NOT NULL,
    started_by text NOT NULL,
    leased_until MICROS,
    finished_at MICROS,
    report text NOT NULL,
    UNIQUE (org_id, number),
    CHECK ((state = 'running') = (finished_at IS NULL)),
    CHECK ((state = 'running') = (leased_until IS NOT NULL))
);
CREATE UNIQUE INDEX drills_running ON drills (org_id) WHERE state = 'running';
CREATE INDEX drills_lease ON drills (leased_until) WHERE state = 'running';
"#
);
