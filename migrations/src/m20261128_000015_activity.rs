//! What administrators of an identity provider look for when a sync fails.

crate::sql::migration!(
    r#"
-- about: what the path is about, one word. resource_id: the user or the group that it names, or that was created.
-- query, body: of a request that failed, masked when they are written: values of people and secrets are not in them.
ALTER TABLE scim_requests ADD COLUMN about text NOT NULL DEFAULT 'other'
    CHECK (about IN ('users', 'groups', 'bulk', 'discovery', 'other'));
ALTER TABLE scim_requests ADD COLUMN resource_id KEY_TEXT;
ALTER TABLE scim_requests ADD COLUMN query text;
ALTER TABLE scim_requests ADD COLUMN body text;
UPDATE scim_requests SET
    about = CASE
        WHEN path = '/Users' OR path LIKE '/Users/%' THEN 'users'
        WHEN path = '/Groups' OR path LIKE '/Groups/%' THEN 'groups'
        WHEN path = '/Bulk' THEN 'bulk'
        WHEN path = '/ServiceProviderConfig' OR path LIKE '/ResourceTypes%' OR path LIKE '/Schemas%' THEN 'discovery'
        ELSE 'other' END,
    resource_id = CASE
        WHEN path LIKE '/Users/%' AND length(path) = 43 THEN substr(path, 8)
        WHEN path LIKE '/Groups/%' AND length(path) = 44 THEN substr(path, 9) END;

-- Each way to look for requests reads just those. Failures and what was tolerated are few.
CREATE INDEX scim_requests_failed ON scim_requests (org_id, at, id) WHERE status >= 400;
CREATE INDEX scim_requests_tolerated ON scim_requests (org_id, at, id) WHERE notes <> '[]';
CREATE INDEX scim_requests_about ON scim_requests (org_id, about, at, id);
CREATE INDEX scim_requests_token ON scim_requests (org_id, token_id, at, id);
CREATE INDEX scim_requests_resource ON scim_requests (org_id, resource_id, at, id) WHERE resource_id IS NOT NULL;
CREATE INDEX scim_requests_request ON scim_requests (org_id, request_id, at, id);
-- What a request did.
CREATE INDEX audit_events_request ON audit_events (org_id, request_id) WHERE request_id IS NOT NULL;

-- For how long an organisation keeps what; no row: as long as everybody does.
CREATE TABLE retention (
    org_id UUID PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    activity_days bigint NOT NULL DEFAULT 30 CHECK (activity_days IN (7, 30, 90))
);

-- Requests that were answered and could not be put into the activity log, and when that was last noticed.
CREATE TABLE scim_requests_dropped (
    org_id UUID PRIMARY KEY REFERENCES organizations (id) ON DELETE CASCADE,
    requests bigint NOT NULL CHECK (requests > 0),
    last_at MICROS NOT NULL
);
"#
);
