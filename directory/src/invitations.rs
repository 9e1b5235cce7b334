//! Inviting somebody by hand.

use domain::OrgRole;

use crate::{Call, Db, Error, OrgScope, sessions::SignedIn};

/// Invite somebody by mail.
pub async fn invite(
    _db: &Db,
    _who: &SignedIn,
    _scope: OrgScope,
    _name: String,
    _email: String,
    _role: Option<OrgRole>,
    _call: &Call,
) -> Result<(), Error> {
    Err(Error::NotFound("member"))
}
