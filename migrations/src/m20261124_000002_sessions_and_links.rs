//! Browser sessions, links that are followed once, and the count of failed sign-ins.

crate::sql::migration!(
    r#"
-- A browser session: bound to one membership for life. Only the SHA-256 of its id is stored.
CREATE TABLE sessions (
    id_hash BYTES PRIMARY KEY,
    org_id UUID NOT NULL,
    membership_id UUID NOT NULL,
    auth_authority text NOT NULL,
    auth_method text NOT NULL,
    auth_time MICROS NOT NULL,
    created_at MICROS NOT NULL,
    last_seen_at MICROS NOT NULL,
    expires_at MICROS NOT NULL,
    ip text,
    user_agent text,
    FOREIGN KEY (org_id, membership_id) REFERENCES memberships (org_id, id) ON DELETE CASCADE
);
CREATE INDEX sessions_membership ON sessions (org_id, membership_id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

-- A mailed link that proves an address to a membership. Used once, expiring; only its SHA-256 is stored.
CREATE TABLE activation_links (
    hash BYTES PRIMARY KEY,
    org_id UUID NOT NULL,
    membership_id UUID NOT NULL,
    email text NOT NULL,
    created_at MICROS NOT NULL,
    expires_at MICROS NOT NULL,
    FOREIGN KEY (org_id, membership_id) REFERENCES memberships (org_id, id) ON DELETE CASCADE
);
CREATE INDEX activation_links_membership ON activation_links (org_id, membership_id);

-- A link that founds the first organisation; it works only while there is none.
CREATE TABLE set_up_links (
    hash BYTES PRIMARY KEY,
    created_at MICROS NOT NULL,
    expires_at MICROS NOT NULL
);

-- Failed attempts, per account and per address, in a window of time. Keys are hashes: the table names nobody.
CREATE TABLE auth_failures (
    kind text NOT NULL,
    key BYTES NOT NULL,
    window_began_at MICROS NOT NULL,
    failures bigint NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX auth_failures_window ON auth_failures (window_began_at);
"#
);
