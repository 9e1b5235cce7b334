//! Events: what is told to the organisation's own systems, written in the change's transaction and delivered from here.
//!
//! No secret is stored: what signs a delivery is derived from the server's key file and the endpoint's id (law 8).

crate::sql::migration!(
    r#"
-- Where an organisation wants to hear of what happens. types: event types with commas between them; empty: all of them.
-- secret_version: moves with each rotation; until previous_until the secret before signs, too. key_id: which of the server's keys.
-- secret_hint: the last characters of the present secret, which was made at secret_made_at and seen by secret_seen_by; previous_…:
-- the same of the one before.
CREATE TABLE webhook_endpoints (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name text NOT NULL,
    url text NOT NULL,
    format text NOT NULL CHECK (format IN ('webhook', 'set')),
    types text NOT NULL,
    key_id text NOT NULL,
    secret_version bigint NOT NULL,
    previous_until MICROS,
    secret_hint text,
    secret_made_at MICROS NOT NULL,
    secret_seen_by UUID,
    previous_hint text,
    previous_seen_by UUID,
    created_at MICROS NOT NULL,
    created_by text NOT NULL,
    disabled_at MICROS,
    disabled_why text,
    last_failed_at MICROS,
    last_delivered_at MICROS,
    UNIQUE (org_id, id)
);

-- What happened, as it is told. sequence: the how-manieth event about this person, group or thing; none for what is about nobody.
CREATE TABLE outbox (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    type text NOT NULL,
    subject_id UUID,
    sequence bigint,
    data text NOT NULL,
    created_at MICROS NOT NULL,
    UNIQUE (org_id, id),
    UNIQUE (org_id, subject_id, sequence)
);
CREATE INDEX outbox_age ON outbox (org_id, created_at);

-- How many events there are about each subject: a person, a group, a mapping.
CREATE TABLE event_sequences (
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    subject_id UUID NOT NULL,
    last bigint NOT NULL,
    PRIMARY KEY (org_id, subject_id)
);

-- One event on its way to one endpoint. urgent: a revocation, which goes first. due_at: when it is tried next; while it is being
-- sent, when another node may take it over. held: its endpoint is switched off.
CREATE TABLE webhook_deliveries (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL,
    endpoint_id UUID NOT NULL,
    event_id UUID NOT NULL,
    urgent boolean NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'sending', 'held', 'delivered', 'dead')),
    attempts bigint NOT NULL,
    tries bigint NOT NULL,
    due_at MICROS NOT NULL,
    created_at MICROS NOT NULL,
    finished_at MICROS,
    UNIQUE (org_id, id),
    UNIQUE (org_id, endpoint_id, event_id),
    FOREIGN KEY (org_id, endpoint_id) REFERENCES webhook_endpoints (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, event_id) REFERENCES outbox (org_id, id) ON DELETE CASCADE
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (urgent, due_at) WHERE status IN ('pending', 'sending');
CREATE INDEX webhook_deliveries_endpoint ON webhook_deliveries (org_id, endpoint_id, created_at, id);
CREATE INDEX webhook_deliveries_status ON webhook_deliveries (org_id, endpoint_id, status);
CREATE INDEX webhook_deliveries_finished ON webhook_deliveries (org_id, finished_at);
CREATE INDEX webhook_deliveries_event ON webhook_deliveries (org_id, event_id);

-- What came of each attempt.
CREATE TABLE webhook_attempts (
    org_id UUID NOT NULL,
    delivery_id UUID NOT NULL,
    attempt bigint NOT NULL,
    at MICROS NOT NULL,
    status_code bigint,
    duration_ms bigint NOT NULL,
    error text,
    answer text,
    PRIMARY KEY (org_id, delivery_id, attempt),
    FOREIGN KEY (org_id, delivery_id) REFERENCES webhook_deliveries (org_id, id) ON DELETE CASCADE
);
"#
);
