//! Teams, agents, and what the directory's groups give: roles by hand and by mapping, side by side.

crate::sql::migration!(
    r#"
-- By which request a role was granted by hand.
ALTER TABLE role_grants ADD COLUMN request_id text;

-- A team of an organisation. name_key is what two spellings of a name have in common.
CREATE TABLE teams (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name text NOT NULL,
    name_key KEY_TEXT NOT NULL,
    created_at MICROS NOT NULL,
    created_by text NOT NULL,
    UNIQUE (org_id, id),
    UNIQUE (org_id, name_key)
);

-- A seat in a team, given by hand. Seats that groups give have no row: they are computed (law 9).
CREATE TABLE team_seats (
    org_id UUID NOT NULL,
    team_id UUID NOT NULL,
    membership_id UUID NOT NULL,
    role text NOT NULL CHECK (role IN ('lead', 'member')),
    granted_by text NOT NULL,
    granted_at MICROS NOT NULL,
    request_id text,
    PRIMARY KEY (org_id, team_id, membership_id),
    FOREIGN KEY (org_id, team_id) REFERENCES teams (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, membership_id) REFERENCES memberships (org_id, id) ON DELETE CASCADE
);
CREATE INDEX team_seats_membership ON team_seats (org_id, membership_id, team_id);

-- What being in a group of the directory gives: a role in the organisation, which is never owner (law 2), or a role in a team.
-- group_id is NULL until the first group of exactly this name is pushed; then it is set, once and for good.
-- confirmed_at: what it gives was looked at and wanted; without it a mapping gives nothing.
-- closed_at: its group was deleted.
CREATE TABLE group_mappings (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    group_id UUID,
    group_name KEY_TEXT NOT NULL,
    org_role text CHECK (org_role IN ('member', 'auditor', 'admin')),
    team_id UUID,
    team_role text CHECK (team_role IN ('lead', 'member')),
    created_at MICROS NOT NULL,
    created_by text NOT NULL,
    bound_at MICROS,
    confirmed_at MICROS,
    confirmed_by text,
    paused_at MICROS,
    paused_by text,
    closed_at MICROS,
    UNIQUE (org_id, id),
    CHECK ((org_role IS NULL) <> (team_id IS NULL)),
    CHECK ((team_id IS NULL) = (team_role IS NULL)),
    CHECK ((group_id IS NULL) = (bound_at IS NULL)),
    CHECK ((paused_at IS NULL) = (paused_by IS NULL)),
    FOREIGN KEY (org_id, group_id) REFERENCES scim_groups (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, team_id) REFERENCES teams (org_id, id) ON DELETE CASCADE
);
CREATE INDEX group_mappings_group ON group_mappings (org_id, group_id);
CREATE INDEX group_mappings_team ON group_mappings (org_id, team_id);
CREATE INDEX group_mappings_pending ON group_mappings (org_id, group_name) WHERE group_id IS NULL;
CREATE UNIQUE INDEX group_mappings_org_role_key ON group_mappings (org_id, group_id, org_role)
    WHERE closed_at IS NULL AND group_id IS NOT NULL AND org_role IS NOT NULL;
CREATE UNIQUE INDEX group_mappings_team_key ON group_mappings (org_id, group_id, team_id, team_role)
    WHERE closed_at IS NULL AND group_id IS NOT NULL AND team_id IS NOT NULL;
CREATE UNIQUE INDEX group_mappings_pending_org_role_key ON group_mappings (org_id, group_name, org_role)
    WHERE closed_at IS NULL AND group_id IS NULL AND org_role IS NOT NULL;
CREATE UNIQUE INDEX group_mappings_pending_team_key ON group_mappings (org_id, group_name, team_id, team_role)
    WHERE closed_at IS NULL AND group_id IS NULL AND team_id IS NOT NULL;

-- The stretches of time in which a mapping was in force, for telling afterwards why somebody had what she had.
-- Names are copied, since what they name may go.
CREATE TABLE group_mapping_spans (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    mapping_id UUID NOT NULL,
    group_id UUID NOT NULL,
    org_role text CHECK (org_role IN ('member', 'auditor', 'admin')),
    team_id UUID,
    team_name text,
    team_role text CHECK (team_role IN ('lead', 'member')),
    began_at MICROS NOT NULL,
    began_by text NOT NULL,
    began_request_id text,
    ended_at MICROS,
    ended_by text,
    ended_request_id text
);
CREATE INDEX group_mapping_spans_mapping ON group_mapping_spans (org_id, mapping_id, began_at);
CREATE INDEX group_mapping_spans_team ON group_mapping_spans (org_id, team_id) WHERE ended_at IS NULL;
CREATE INDEX group_mapping_spans_group ON group_mapping_spans (org_id, group_id, began_at);

-- Who put somebody into a group; and who was in one before, and until when.
ALTER TABLE scim_group_members ADD COLUMN added_by text;
CREATE TABLE scim_group_past_members (
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    group_id UUID NOT NULL,
    user_id UUID NOT NULL,
    added_at MICROS NOT NULL,
    added_by text,
    request_id text,
    removed_at MICROS NOT NULL,
    removed_by text,
    removed_request_id text
);
CREATE INDEX scim_group_past_members_user ON scim_group_past_members (org_id, user_id, removed_at);

-- An agent of the organisation: something that acts by itself, on behalf of those who may use it.
CREATE TABLE agents (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    name text NOT NULL,
    name_key KEY_TEXT NOT NULL,
    description text NOT NULL,
    owner_team_id UUID REFERENCES teams (id) ON DELETE SET NULL,
    created_at MICROS NOT NULL,
    created_by text NOT NULL,
    UNIQUE (org_id, id),
    UNIQUE (org_id, name_key)
);
CREATE INDEX agents_owner_team ON agents (owner_team_id);

-- Who may use an agent: a team, or those whose role in force is this one. No role implies another.
CREATE TABLE agent_grants (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL,
    agent_id UUID NOT NULL,
    team_id UUID,
    org_role text CHECK (org_role IN ('member', 'auditor', 'admin', 'owner')),
    granted_by text NOT NULL,
    granted_at MICROS NOT NULL,
    request_id text,
    CHECK ((team_id IS NULL) <> (org_role IS NULL)),
    FOREIGN KEY (org_id, agent_id) REFERENCES agents (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, team_id) REFERENCES teams (org_id, id) ON DELETE CASCADE
);
CREATE UNIQUE INDEX agent_grants_team_key ON agent_grants (org_id, agent_id, team_id) WHERE team_id IS NOT NULL;
CREATE UNIQUE INDEX agent_grants_role_key ON agent_grants (org_id, agent_id, org_role) WHERE org_role IS NOT NULL;
CREATE INDEX agent_grants_by_team ON agent_grants (org_id, team_id);

-- A directory record that matches a member whom no directory may take over without an owner's word (law 2).
CREATE TABLE held_links (
    org_id UUID NOT NULL,
    user_id UUID NOT NULL,
    member_id UUID NOT NULL,
    held_at MICROS NOT NULL,
    held_by text NOT NULL,
    request_id text,
    declined_at MICROS,
    declined_by text,
    PRIMARY KEY (org_id, user_id),
    FOREIGN KEY (org_id, user_id) REFERENCES scim_users (org_id, id) ON DELETE CASCADE,
    FOREIGN KEY (org_id, member_id) REFERENCES members (org_id, id) ON DELETE CASCADE
);
CREATE INDEX held_links_member ON held_links (org_id, member_id);

-- By what the list of members is sorted and searched: made in the program from the name and the addresses that are shown.
ALTER TABLE members ADD COLUMN name_key KEY_TEXT NOT NULL DEFAULT '';
ALTER TABLE members ADD COLUMN search_key KEY_TEXT NOT NULL DEFAULT '';
CREATE INDEX members_name ON members (org_id, name_key, id);

-- Everything that is about one person, for her timeline: through the records that ever acted on her, deleted ones, too.
CREATE INDEX scim_users_ever_of_member ON scim_users (org_id, member_id) WHERE member_id IS NOT NULL;
CREATE INDEX audit_events_target ON audit_events (org_id, target_id, at, id) WHERE target_id IS NOT NULL;

-- Mails of other kinds. content: what an alert says, as a JSON object of subject and lines; a secret never lies here.
CREATE TABLE mails (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    membership_id UUID REFERENCES memberships (id) ON DELETE SET NULL,
    kind text NOT NULL CHECK (kind IN ('activation', 'alert')),
    address text NOT NULL,
    content text,
    status text NOT NULL CHECK (status IN ('pending', 'sending', 'sent', 'failed')),
    attempts bigint NOT NULL,
    due_at MICROS NOT NULL,
    created_at MICROS NOT NULL,
    sent_at MICROS,
    error text,
    CHECK ((kind = 'alert') = (content IS NOT NULL))
);
INSERT INTO mails (id, org_id, membership_id, kind, address, status, attempts, due_at, created_at, sent_at, error)
SELECT id, org_id, membership_id, kind, address, status, attempts, due_at, created_at, sent_at, error FROM mail_queue;
DROP TABLE mail_queue;
ALTER TABLE mails RENAME TO mail_queue;
CREATE INDEX mail_queue_due ON mail_queue (due_at) WHERE status IN ('pending', 'sending');
CREATE INDEX mail_queue_membership ON mail_queue (org_id, membership_id, created_at);
CREATE INDEX mail_queue_address ON mail_queue (org_id, address, created_at);
CREATE INDEX mail_queue_membership_id ON mail_queue (membership_id);
"#
);
