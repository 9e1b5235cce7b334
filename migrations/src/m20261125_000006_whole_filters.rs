//! What lists are filtered and sorted by, and what the provisioning endpoints were asked.

crate::sql::migration!(
    r#"
-- Every attribute value that a filter can name and that is no column of scim_users, as one row: so the whole filter
-- grammar runs in the database. path: "title", "name.givenName", "EnterpriseUser:manager.value"; a complex attribute has a row
-- for each of its elements as well ("emails"), whose key says whether there is anything in it. value_key is what compares: made
-- in the program, folded where the attribute ignores case. sorts: lists are sorted by this one of the attribute's values.
DROP TABLE scim_user_values;
CREATE TABLE scim_user_values (
    org_id UUID NOT NULL,
    user_id UUID NOT NULL,
    path KEY_TEXT NOT NULL,
    position bigint NOT NULL,
    value_key KEY_TEXT NOT NULL,
    sorts boolean NOT NULL,
    PRIMARY KEY (org_id, user_id, path, position),
    FOREIGN KEY (org_id, user_id) REFERENCES scim_users (org_id, id) ON DELETE CASCADE
);
-- An entry of an index has to be short; values need not be.
CREATE INDEX scim_user_values_lookup ON scim_user_values (org_id, path, substr(value_key, 1, 200));

-- By which rules a resource's comparison keys were made; older ones are made again at the next migration.
ALTER TABLE scim_users ADD COLUMN indexed_by bigint NOT NULL DEFAULT 0;
ALTER TABLE scim_groups ADD COLUMN indexed_by bigint NOT NULL DEFAULT 0;
CREATE INDEX scim_users_indexed_by ON scim_users (org_id, indexed_by) WHERE deleted_at IS NULL;
CREATE INDEX scim_groups_indexed_by ON scim_groups (org_id, indexed_by) WHERE deleted_at IS NULL;
CREATE INDEX scim_users_updated_at ON scim_users (org_id, updated_at) WHERE deleted_at IS NULL;
CREATE INDEX scim_users_inactive ON scim_users (org_id, created_at, id) WHERE deleted_at IS NULL AND NOT active;
CREATE INDEX scim_groups_updated_at ON scim_groups (org_id, updated_at) WHERE deleted_at IS NULL;

-- Whose groups: answered by the index alone, or SQLite reads all members of all groups.
DROP INDEX scim_group_members_user;
CREATE INDEX scim_group_members_user ON scim_group_members (org_id, user_id, group_id);

-- The end of a membership looks for its mails.
CREATE INDEX mail_queue_membership_id ON mail_queue (membership_id);

-- How many users and groups there are: every list says so, and counting them costs what is counted.
CREATE TABLE scim_totals (
    org_id UUID PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    users bigint NOT NULL CHECK (users >= 0),
    groups bigint NOT NULL CHECK (groups >= 0)
);
INSERT INTO scim_totals (org_id, users, groups)
SELECT o.id,
       (SELECT count(*) FROM scim_users u WHERE u.org_id = o.id AND u.deleted_at IS NULL),
       (SELECT count(*) FROM scim_groups g WHERE g.org_id = o.id AND g.deleted_at IS NULL)
FROM organizations o;

-- A request with a valid provisioning token, and what was tolerated in it (JSON list of sentences). Written in batches after
-- the answer; kept for a while.
CREATE TABLE scim_requests (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    token_id UUID NOT NULL,
    at MICROS NOT NULL,
    method text NOT NULL,
    path text NOT NULL,
    status bigint NOT NULL,
    scim_type text,
    detail text,
    took_micros bigint NOT NULL,
    ip text,
    user_agent text,
    request_id text,
    notes text NOT NULL
);
CREATE INDEX scim_requests_org_id ON scim_requests (org_id, at, id);
"#
);
