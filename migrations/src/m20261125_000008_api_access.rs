//! Access that is not a browser's: devices that ask, API sessions with their tokens, personal tokens, service credentials.
//!
//! All that acts for a person hangs off her membership and goes with it (law 3). Of every secret only a SHA-256 is here (law 8).

crate::sql::migration!(
    r#"
-- A device that asks to be let in (RFC 8628). Until somebody approves it, it belongs to nobody and opens nothing; from then on it
-- hangs off her membership. An agent's request can only be approved in the agent's organisation.
CREATE TABLE device_requests (
    id UUID PRIMARY KEY,
    secret_hash BYTES NOT NULL,
    user_code_hash BYTES NOT NULL UNIQUE,
    client_id text NOT NULL,
    agent_org_id UUID,
    agent_id UUID,
    scope text NOT NULL,
    asked_at MICROS NOT NULL,
    expires_at MICROS NOT NULL,
    poll_interval bigint NOT NULL,
    polled_at MICROS,
    ip text,
    user_agent text,
    org_id UUID,
    membership_id UUID,
    denied_at MICROS,
    CHECK ((agent_org_id IS NULL) = (agent_id IS NULL)),
    CHECK ((org_id IS NULL) = (membership_id IS NULL)),
    CHECK (denied_at IS NULL OR membership_id IS NULL),
    FOREIGN KEY (agent_org_id, agent_id) REFERENCES agents (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, membership_id) REFERENCES memberships (org_id, id) ON DELETE CASCADE
);
CREATE INDEX device_requests_membership ON device_requests (org_id, membership_id);
CREATE INDEX device_requests_agent ON device_requests (agent_org_id, agent_id);
CREATE INDEX device_requests_expiry ON device_requests (expires_at);

-- A client that a person let in: the family of its access and refresh tokens.
CREATE TABLE api_sessions (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL,
    membership_id UUID NOT NULL,
    client_id text NOT NULL,
    agent_id UUID,
    scope text NOT NULL,
    created_at MICROS NOT NULL,
    last_used_at MICROS NOT NULL,
    expires_at MICROS NOT NULL,
    ip text,
    user_agent text,
    UNIQUE (org_id, id),
    FOREIGN KEY (org_id, membership_id) REFERENCES memberships (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, agent_id) REFERENCES agents (org_id, id) ON DELETE CASCADE
);
CREATE INDEX api_sessions_membership ON api_sessions (org_id, membership_id);
CREATE INDEX api_sessions_agent ON api_sessions (org_id, agent_id);
CREATE INDEX api_sessions_expiry ON api_sessions (expires_at);

-- scope: what this token may do, which is what its session may do or less (RFC 6749 §6).
CREATE TABLE access_tokens (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL,
    session_id UUID NOT NULL,
    scope text NOT NULL,
    secret_hash BYTES NOT NULL,
    created_at MICROS NOT NULL,
    expires_at MICROS NOT NULL,
    FOREIGN KEY (org_id, session_id) REFERENCES api_sessions (org_id, id) ON DELETE CASCADE
);
CREATE INDEX access_tokens_session ON access_tokens (org_id, session_id);
CREATE INDEX access_tokens_expiry ON access_tokens (expires_at);

-- used_at: another took its place. Whoever shows it after that has a copy, and the family ends (RFC 9700 §4.14.2).
CREATE TABLE refresh_tokens (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL,
    session_id UUID NOT NULL,
    secret_hash BYTES NOT NULL,
    created_at MICROS NOT NULL,
    expires_at MICROS NOT NULL,
    used_at MICROS,
    FOREIGN KEY (org_id, session_id) REFERENCES api_sessions (org_id, id) ON DELETE CASCADE
);
CREATE INDEX refresh_tokens_session ON refresh_tokens (org_id, session_id);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);

-- A token that a person made for her own scripts.
CREATE TABLE personal_tokens (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL,
    membership_id UUID NOT NULL,
    name text NOT NULL,
    scope text NOT NULL,
    secret_hash BYTES NOT NULL,
    hint text NOT NULL,
    created_at MICROS NOT NULL,
    expires_at MICROS NOT NULL,
    last_used_at MICROS,
    last_used_ip text,
    FOREIGN KEY (org_id, membership_id) REFERENCES memberships (org_id, id) ON DELETE CASCADE
);
CREATE INDEX personal_tokens_membership ON personal_tokens (org_id, membership_id);
CREATE INDEX personal_tokens_expiry ON personal_tokens (expires_at);

-- What a service of the organisation asks us with. It belongs to the organisation and outlives whoever issued it; her receipt
-- names it.
CREATE TABLE service_credentials (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name text NOT NULL,
    secret_hash BYTES NOT NULL,
    hint text NOT NULL,
    created_at MICROS NOT NULL,
    created_by text NOT NULL,
    created_by_member_id UUID,
    revoked_at MICROS,
    last_used_at MICROS,
    last_used_ip text
);
CREATE INDEX service_credentials_org ON service_credentials (org_id, revoked_at);
"#
);
