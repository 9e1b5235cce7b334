//! Organisations, accounts, members and their memberships.

crate::sql::migration!(
    r#"
-- A customer organisation.
CREATE TABLE organizations (
    id UUID PRIMARY KEY,
    name text NOT NULL,
    slug KEY_TEXT NOT NULL UNIQUE,
    created_at MICROS NOT NULL
);

-- The row to lock before an owner's access may end: an organisation keeps an active owner (law 6).
CREATE TABLE owner_guards (
    org_id UUID PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE
);

-- An account: a person across all organisations. email_key is what two spellings of an address have in common.
-- dormant: no membership is left anywhere, so the account is deactivated. The database holds the two together (law 4).
CREATE TABLE users (
    id UUID PRIMARY KEY,
    email text,
    email_key KEY_TEXT,
    email_proven_at MICROS,
    password_hash text,
    credential_version bigint NOT NULL,
    live_memberships bigint NOT NULL CHECK (live_memberships >= 0),
    dormant boolean NOT NULL,
    suspended boolean NOT NULL,
    created_at MICROS NOT NULL,
    CHECK (dormant = (live_memberships = 0)),
    CHECK ((email IS NULL) = (email_key IS NULL))
);
CREATE UNIQUE INDEX users_email_key_key ON users (email_key) WHERE email_key IS NOT NULL;

-- A person as one organisation knows her. Permanent: it outlives her access, and an organisation knows a person once.
-- proven_at: when a link mailed to her was followed, for the directory record she is linked to; kept while she is away.
CREATE TABLE members (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    account_id UUID NOT NULL REFERENCES users (id),
    given_name text,
    family_name text,
    display_name text,
    managed_by text NOT NULL CHECK (managed_by IN ('directory', 'manual')),
    break_glass boolean NOT NULL,
    proven_at MICROS,
    sub KEY_TEXT NOT NULL,
    created_at MICROS NOT NULL,
    access_ended_at MICROS,
    UNIQUE (org_id, account_id),
    UNIQUE (org_id, id),
    UNIQUE (org_id, sub)
);
CREATE INDEX members_account_id ON members (account_id);

-- Why a member may not act although she has a membership. Each cause is lifted by whoever set it, and by nobody else.
CREATE TABLE member_blocks (
    org_id UUID NOT NULL,
    member_id UUID NOT NULL,
    cause text NOT NULL CHECK (cause IN ('directory', 'operator')),
    blocked_by text NOT NULL,
    blocked_at MICROS NOT NULL,
    PRIMARY KEY (org_id, member_id, cause),
    FOREIGN KEY (org_id, member_id) REFERENCES members (org_id, id) ON DELETE CASCADE
);

-- One stretch of live access. Every credential hangs off this row and dies with it (law 3).
-- proven_at: a link mailed to the address has been followed; before that, no credential may be minted.
CREATE TABLE memberships (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL,
    member_id UUID NOT NULL UNIQUE,
    account_id UUID NOT NULL REFERENCES users (id),
    proven_at MICROS,
    began_at MICROS NOT NULL,
    UNIQUE (org_id, id),
    FOREIGN KEY (org_id, member_id) REFERENCES members (org_id, id) ON DELETE CASCADE
);
CREATE INDEX memberships_account_id ON memberships (account_id);

-- A role granted by hand. The base role, member, is everybody's and has no row.
CREATE TABLE role_grants (
    org_id UUID NOT NULL,
    membership_id UUID NOT NULL,
    role text NOT NULL CHECK (role IN ('auditor', 'admin', 'owner')),
    granted_by text NOT NULL,
    granted_at MICROS NOT NULL,
    PRIMARY KEY (org_id, membership_id, role),
    FOREIGN KEY (org_id, membership_id) REFERENCES memberships (org_id, id) ON DELETE CASCADE
);
CREATE INDEX role_grants_owners ON role_grants (org_id, role);
"#
);
