//! Where each page lives. The organisation is in the URL: `/o/{slug}/…`.

use domain::OrgSlug;

/// Sign in.
pub const SIGN_IN: &str = "/sign-in";
/// Choose an organisation.
pub const ORGANISATIONS: &str = "/organisations";

/// The page that an organisation opens with.
pub fn home(org: &OrgSlug) -> String {
    members(org)
}

/// The organisation's people.
pub fn members(org: &OrgSlug) -> String {
    format!("/o/{org}/members")
}

/// Settings → Security.
pub fn security(org: &OrgSlug) -> String {
    format!("/o/{org}/settings/security")
}

/// Settings → Audit.
pub fn audit(org: &OrgSlug) -> String {
    format!("/o/{org}/settings/audit")
}

/// The organisation of a page's path, for a path on this site; anything else (another host, `//host`, a scheme) has none.
pub fn org_of(path: &str) -> Option<OrgSlug> {
    // A control character cannot stand in a redirect's header.
    let path = (!path.contains(char::is_control)).then_some(path)?;
    let slug = path.strip_prefix("/o/")?.split(['/', '?', '#']).next()?;
    OrgSlug::try_from(slug.to_owned()).ok()
}
