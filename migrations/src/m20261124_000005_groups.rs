//! The directory's groups, and who is in them.

crate::sql::migration!(
    r#"
-- A SCIM Group. A deleted row conflicts with nothing.
CREATE TABLE scim_groups (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL,
    connection_id UUID NOT NULL,
    external_id KEY_TEXT,
    display_name text NOT NULL,
    display_name_key KEY_TEXT NOT NULL,
    version bigint NOT NULL,
    created_at MICROS NOT NULL,
    updated_at MICROS NOT NULL,
    deleted_at MICROS,
    UNIQUE (org_id, id),
    FOREIGN KEY (org_id, connection_id) REFERENCES scim_connections (org_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX scim_groups_display_name_key ON scim_groups (org_id, display_name_key) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX scim_groups_external_id_key ON scim_groups (org_id, external_id) WHERE deleted_at IS NULL AND external_id IS NOT NULL;
CREATE INDEX scim_groups_order ON scim_groups (org_id, created_at, id) WHERE deleted_at IS NULL;

-- A user in a group. Members come and go as rows, never as a list that is read and written back (law 10).
-- request_id: by which request she came.
CREATE TABLE scim_group_members (
    org_id UUID NOT NULL,
    group_id UUID NOT NULL,
    user_id UUID NOT NULL,
    added_at MICROS NOT NULL,
    request_id text,
    PRIMARY KEY (org_id, group_id, user_id),
    FOREIGN KEY (org_id, group_id) REFERENCES scim_groups (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, user_id) REFERENCES scim_users (org_id, id) ON DELETE CASCADE
);
CREATE INDEX scim_group_members_user ON scim_group_members (org_id, user_id);
"#
);
