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

    /// Leave to act nowhere: in the organisation of whoever showed what does not exist. No row is there.
    pub(crate) fn nobody() -> Self {
        Self(OrgId::from(uuid::Uuid::nil()))
    }

    /// The organisation.
    pub fn org(self) -> OrgId {
        self.0
    }
}
