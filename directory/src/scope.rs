//! Leave to act in one organisation.

use domain::OrgId;

/// Leave to act in one organisation, and in no other. Only an authorisation check makes one: a session's role
/// ([`crate::sessions::SignedIn::in_org`]), a provisioning token, or founding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OrgScope(OrgId);

impl OrgScope {
    pub(crate) fn new(org: OrgId) -> Self {
        Self(org)
    }

    /// The organisation.
    pub fn org(self) -> OrgId {
        self.0
    }
}
