//! Where each page lives. The organisation is in the URL: `/o/{slug}/…`.

use domain::{
    AgentId, AuditEventId, DeliveryId, DirectoryGroupId, DrillId, MemberId, OrgSlug, ReceiptId, TeamId, WebhookEndpointId,
    activity::{ActivityCursor, ActivityFilter},
    audit::AuditFilter,
};

/// Sign in.
pub const SIGN_IN: &str = "/sign-in";
/// The second step of signing in: a code.
pub const SIGN_IN_CODE: &str = "/sign-in/code";
/// The same for somebody who sets up her second factor first.
pub const SIGN_IN_SECOND_FACTOR: &str = "/sign-in/second-factor";
/// Ask for a link that sets the password anew.
pub const FORGOT_PASSWORD: &str = "/forgot-password";
/// Choose an organisation.
pub const ORGANISATIONS: &str = "/organisations";

/// Let a device in: leads to that page of the organisation that one is signed in to.
pub const DEVICE: &str = "/device";

/// The page that an organisation opens with.
pub fn home(org: &OrgSlug) -> String {
    members(org)
}

/// The organisation's people.
pub fn members(org: &OrgSlug) -> String {
    format!("/o/{org}/members")
}

/// Invite somebody.
pub fn invite(org: &OrgSlug) -> String {
    format!("/o/{org}/members/invite")
}

/// A member's page.
pub fn person(org: &OrgSlug, member: MemberId) -> String {
    format!("/o/{org}/members/{member}")
}

/// The receipt of a time that a member left.
pub fn receipt(org: &OrgSlug, member: MemberId, receipt: ReceiptId) -> String {
    format!("{}/receipts/{receipt}", person(org, member))
}

/// The same as a file.
pub fn receipt_file(org: &OrgSlug, receipt: ReceiptId) -> String {
    format!("/o/{org}/receipts/{receipt}.json")
}

/// The organisation's teams.
pub fn teams(org: &OrgSlug) -> String {
    format!("/o/{org}/teams")
}

/// A team's page.
pub fn team(org: &OrgSlug, team: TeamId) -> String {
    format!("/o/{org}/teams/{team}")
}

/// The organisation's agents.
pub fn agents(org: &OrgSlug) -> String {
    format!("/o/{org}/agents")
}

/// An agent's page.
pub fn agent(org: &OrgSlug, agent: AgentId) -> String {
    format!("/o/{org}/agents/{agent}")
}

/// The directory's groups.
pub fn groups(org: &OrgSlug) -> String {
    format!("/o/{org}/groups")
}

/// A page of one of them.
pub fn group(org: &OrgSlug, group: DirectoryGroupId) -> String {
    format!("/o/{org}/groups/{group}")
}

/// Let a device in.
pub fn device(org: &OrgSlug) -> String {
    format!("/o/{org}/device")
}

/// One's own clients and personal tokens.
pub fn api_access(org: &OrgSlug) -> String {
    format!("/o/{org}/api-access")
}

/// One's own account: password and second factor.
pub fn account(org: &OrgSlug) -> String {
    format!("/o/{org}/account")
}

/// Settings → Integrations: what groups give.
pub fn integrations(org: &OrgSlug) -> String {
    format!("/o/{org}/settings/integrations")
}

/// What would change if something were done with a mapping, before it is.
pub fn integrations_preview(org: &OrgSlug) -> String {
    format!("{}/preview", integrations(org))
}

/// Settings → Security.
pub fn security(org: &OrgSlug) -> String {
    format!("/o/{org}/settings/security")
}

/// Where the deprovision drills are.
pub fn drills(org: &OrgSlug) -> String {
    format!("{}#drills-title", security(org))
}

/// The report of a deprovision drill.
pub fn drill(org: &OrgSlug, drill: DrillId) -> String {
    format!("{}/drills/{drill}", security(org))
}

/// Settings → Webhooks.
pub fn webhooks(org: &OrgSlug) -> String {
    format!("/o/{org}/settings/webhooks")
}

/// An endpoint's page.
pub fn webhook(org: &OrgSlug, endpoint: WebhookEndpointId) -> String {
    format!("{}/{endpoint}", webhooks(org))
}

/// A delivery's page.
pub fn webhook_delivery(org: &OrgSlug, endpoint: WebhookEndpointId, delivery: DeliveryId) -> String {
    format!("{}/{delivery}", webhook(org, endpoint))
}

/// Settings → SCIM activity, from its newest request or from `before` on.
pub fn activity(org: &OrgSlug, filter: &ActivityFilter, before: Option<ActivityCursor>) -> String {
    format!("/o/{org}/settings/activity{}", activity_query(filter, before))
}

/// The same as a file, without its pages.
pub fn activity_file(org: &OrgSlug, filter: &ActivityFilter) -> String {
    format!("/o/{org}/activity.csv{}", activity_query(filter, None))
}

/// What was asked about one user or group.
pub fn activity_of(org: &OrgSlug, what: &str) -> String {
    activity(org, &ActivityFilter { search: Some(what.to_owned()), ..ActivityFilter::default() }, None)
}

/// One request.
pub fn activity_request(org: &OrgSlug, request_id: &str) -> String {
    format!("/o/{org}/settings/activity/{request_id}")
}

fn activity_query(filter: &ActivityFilter, before: Option<ActivityCursor>) -> String {
    let before = before.map(|before| before.to_string()).unwrap_or_default();
    let pairs = filter.pairs();
    let pairs = pairs.iter().map(|(name, value)| (*name, value.as_str())).chain([("before", before.as_str())]);
    query(&pairs.collect::<Vec<_>>())
}

/// Settings → Audit.
pub fn audit(org: &OrgSlug) -> String {
    audit_page(org, &AuditFilter::default(), None)
}

/// The same through a filter, from its newest event or from `before` on.
pub fn audit_page(org: &OrgSlug, filter: &AuditFilter, before: Option<AuditEventId>) -> String {
    format!("/o/{org}/settings/audit{}", audit_query(filter, before))
}

/// The same as a file, `csv` or `jsonl`, without its pages.
pub fn audit_file(org: &OrgSlug, filter: &AuditFilter, format: &str) -> String {
    format!("/o/{org}/audit.{format}{}", audit_query(filter, None))
}

fn audit_query(filter: &AuditFilter, before: Option<AuditEventId>) -> String {
    let before = before.map(|before| before.to_string()).unwrap_or_default();
    let pairs = filter.pairs();
    let pairs = pairs.iter().map(|(name, value)| (*name, value.as_str())).chain([("before", before.as_str())]);
    query(&pairs.collect::<Vec<_>>())
}

/// `?name=value&…` of those that have a value; nothing when none has.
pub fn query(pairs: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, value) in pairs.iter().filter(|(_, value)| !value.is_empty()) {
        text.push(if text.is_empty() { '?' } else { '&' });
        text.push_str(name);
        text.push('=');
        for byte in value.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => text.push(char::from(byte)),
                _ => text.push_str(&format!("%{byte:02X}")),
            }
        }
    }
    text
}

/// The organisation of a page's path, for a path on this site; anything else (another host, `//host`, a scheme) has none,
/// nor has a path that a browser would read as another one.
pub fn org_of(path: &str) -> Option<OrgSlug> {
    // A control character cannot stand in a redirect's header, and to a browser a backslash is a slash.
    let path = (!path.contains(|c: char| c.is_control() || c == '\\')).then_some(path)?;
    let mut segments = path.split(['?', '#']).next()?.strip_prefix("/o/")?.split('/');
    let slug = OrgSlug::try_from(segments.next()?.to_owned()).ok()?;
    segments.all(|segment| !leads_elsewhere(segment)).then_some(slug)
}

/// Whether this is [`DEVICE`], with whatever code: a place to come back to that names no organisation.
pub fn is_device(path: &str) -> bool {
    let query = path.strip_prefix(DEVICE).filter(|query| query.is_empty() || query.starts_with('?'));
    query.is_some_and(|query| query.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\'))
}

/// The page that [`DEVICE`] leads to in this organisation, with the same code; `None` for any other path.
pub fn device_in(org: &OrgSlug, path: &str) -> Option<String> {
    is_device(path).then(|| path.replacen(DEVICE, &device(org), 1))
}

/// Whether a segment of a path is `.` or `..`, however it is written.
fn leads_elsewhere(segment: &str) -> bool {
    matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
}

#[cfg(test)]
mod tests {
    use super::{is_device, org_of, query};

    #[test]
    fn the_way_to_let_a_device_in_is_one_address() {
        assert!(["/device", "/device?code=WDJB-MJHT"].into_iter().all(is_device));
        for path in ["/devices", "//device", "/device/..", "/device#x", "https://evil.test/device", "/device?\r\nx: y", "/device?\\x", ""] {
            assert!(!is_device(path), "{path}");
        }
    }

    #[test]
    fn a_query_holds_what_has_a_value() {
        assert_eq!(query(&[("search", ""), ("page", "2")]), "?page=2");
        assert_eq!(
            query(&[("group_name", "R&D = Ä+ 1%"), ("target", "org:admin")]),
            "?group_name=R%26D%20%3D%20%C3%84%2B%201%25&target=org:admin"
        );
        assert_eq!(query(&[("search", "")]), "");
    }

    #[test]
    fn a_page_of_an_organisation_names_it() {
        for path in ["/o/acme", "/o/acme/members", "/o/acme/settings/audit?before=1", "/o/acme?next=../..", "/o/acme/a..b/..."] {
            assert_eq!(org_of(path).map(|org| org.to_string()).as_deref(), Some("acme"), "{path}");
        }
    }

    #[test]
    fn what_leads_elsewhere_names_none() {
        for path in [
            "https://evil.test/o/acme",
            "//evil.test/o/acme",
            "/sign-in",
            "/o/",
            "/o/acme/../../evil",
            "/o/acme/./members",
            "/o/acme/..",
            "/o/acme/%2E%2e/x",
            "/o/acme/.%2e?page=1",
            "/o/acme\\..\\..\\evil",
            "/o/acme/\nLocation: https://evil.test",
        ] {
            assert_eq!(org_of(path), None, "{path}");
        }
    }
}
