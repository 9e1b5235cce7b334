//! One SCIM request, as the use cases see it.

use std::time::Duration;

use scim::{Kind, Preconditions, Projection};

use super::tokens::Provisioner;
use crate::{Call, Db, Error};

/// One SCIM request about users and groups.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The database.
    pub db: &'a Db,
    /// Whose token came with it.
    pub caller: &'a Provisioner,
    /// Below which URL the resources are.
    pub base_url: &'a str,
    /// What of other resources the answer should hold.
    pub related: Related,
    /// Which versions of the resource the client wants to change.
    pub preconditions: &'a Preconditions,
    /// How long an activation mail waits, in case the person is gone again by then.
    pub mail_delay: Duration,
    /// When and from where.
    pub call: &'a Call,
}

/// What of other resources an answer should hold. What nobody wants is not read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Related {
    /// The groups of users.
    pub groups: bool,
    /// The members of groups.
    pub members: bool,
}

impl Related {
    /// What a client who asks for these attributes wants.
    pub fn wanted(projection: &Projection) -> Self {
        Self { groups: projection.wants(Kind::User, "groups"), members: projection.wants(Kind::Group, "members") }
    }
}

impl Request<'_> {
    /// Refuse, with a 412, to change a resource whose version is not one that the client wants to change.
    pub(super) fn allow(&self, version: i64) -> Result<(), Error> {
        let version = version.to_string();
        // A user's tag says more than her version, which is all that her own changes count up.
        let fits = |tag: &str| tag.split('-').next() == Some(version.as_str());
        if self.preconditions.allow(fits) { Ok(()) } else { Err(scim::Error::version_mismatch().into()) }
    }
}
