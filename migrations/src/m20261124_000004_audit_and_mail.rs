//! What happened, and what is to be mailed.

crate::sql::migration!(
    r#"
-- What happened: written in the change's own transaction, never changed. Names are copied, since what they named may go.
CREATE TABLE audit_events (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    at MICROS NOT NULL,
    action text NOT NULL,
    actor_kind text NOT NULL CHECK (actor_kind IN ('member', 'provisioning_token', 'operator', 'anonymous', 'system')),
    actor_id UUID,
    actor text NOT NULL,
    target_kind text,
    target_id UUID,
    target text,
    ip text,
    user_agent text,
    request_id text,
    details text NOT NULL
);
CREATE INDEX audit_events_newest ON audit_events (org_id, at, id);
CREATE INDEX audit_events_first ON audit_events (org_id, action, at);

-- A mail to send. When the membership that it is about has ended it is not sent: nobody is invited to what is over.
-- The row stays, so that mails to one address can be counted. The link that a mail carries is made when it is sent:
-- no secret lies here.
CREATE TABLE mail_queue (
    id UUID PRIMARY KEY,
    org_id UUID NOT NULL REFERENCES organizations (id) ON DELETE CASCADE,
    membership_id UUID REFERENCES memberships (id) ON DELETE SET NULL,
    kind text NOT NULL CHECK (kind IN ('activation')),
    address text NOT NULL,
    status text NOT NULL CHECK (status IN ('pending', 'sending', 'sent', 'failed')),
    attempts bigint NOT NULL,
    due_at MICROS NOT NULL,
    created_at MICROS NOT NULL,
    sent_at MICROS,
    error text
);
CREATE INDEX mail_queue_due ON mail_queue (due_at) WHERE status IN ('pending', 'sending');
CREATE INDEX mail_queue_membership ON mail_queue (org_id, membership_id, created_at);
CREATE INDEX mail_queue_address ON mail_queue (org_id, address, created_at);
"#
);
