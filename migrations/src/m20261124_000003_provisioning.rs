//! An organisation's connection to its identity provider, its tokens, and the directory's users.

crate::sql::migration!(
    r#"
-- The connection to the identity provider: one an organisation.
CREATE TABLE scim_connections (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL UNIQUE REFERENCES organizations (id) ON DELETE CASCADE,
    status text NOT NULL CHECK (status IN ('enabled', 'disabled')),
    created_at MICROS NOT NULL,
    created_by text NOT NULL,
    UNIQUE (org_id, id)
);

-- A provisioning token. Only the SHA-256 of its secret is stored (law 8); hint is its last four characters.
CREATE TABLE scim_tokens (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL,
    connection_id UUID NOT NULL,
    name text NOT NULL,
    purpose text NOT NULL CHECK (purpose IN ('provisioning')),
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
CREATE INDEX scim_tokens_org_id ON scim_tokens (org_id, created_at);

-- A SCIM User as the directory keeps it. member_id is set once, at the first activation; an unlinked record acts on
-- nobody. attributes: the whole resource in its canonical form, as JSON. A deleted row conflicts with nothing.
CREATE TABLE scim_users (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL,
    connection_id UUID NOT NULL,
    member_id UUID,
    external_id KEY_TEXT,
    user_name text NOT NULL,
    user_name_key KEY_TEXT NOT NULL,
    active boolean NOT NULL,
    display_name text,
    attributes text NOT NULL,
    version bigint NOT NULL,
    created_at MICROS NOT NULL,
    updated_at MICROS NOT NULL,
    deleted_at MICROS,
    UNIQUE (org_id, id),
    FOREIGN KEY (org_id, connection_id) REFERENCES scim_connections (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, member_id) REFERENCES members (org_id, id)
);
CREATE UNIQUE INDEX scim_users_user_name_key ON scim_users (org_id, user_name_key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX scim_users_external_id_key ON scim_users (org_id, external_id) WHERE deleted_at IS NULL AND external_id IS NOT NULL;
CREATE UNIQUE INDEX scim_users_member_id_key ON scim_users (org_id, member_id) WHERE deleted_at IS NULL AND member_id IS NOT NULL;
CREATE INDEX scim_users_order ON scim_users (org_id, created_at, id) WHERE deleted_at IS NULL;

-- The values of multi-valued attributes as rows, so that filters run in the database.
-- value_key is what compares: folded in the program where the attribute ignores case.
CREATE TABLE scim_user_values (
    org_id UUID NOT NULL,
    user_id UUID NOT NULL,
    path KEY_TEXT NOT NULL,
    position bigint NOT NULL,
    value text NOT NULL,
    value_key KEY_TEXT NOT NULL,
    type_key KEY_TEXT,
    is_primary boolean NOT NULL,
    PRIMARY KEY (org_id, user_id, path, position),
    FOREIGN KEY (org_id, user_id) REFERENCES scim_users (org_id, id) ON DELETE CASCADE
);
CREATE INDEX scim_user_values_lookup ON scim_user_values (org_id, path, value_key);
"#
);
