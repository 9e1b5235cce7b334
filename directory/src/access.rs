//! Access that people end and begin by hand: removing and restoring, blocking and unblocking.

use domain::MemberId;

use crate::{Call, Db, Error, OrgScope, sessions::SignedIn};

/// End the access of `member`.
pub async fn remove(_db: &Db, _who: &SignedIn, _scope: OrgScope, _member: MemberId, _call: &Call) -> Result<(), Error> {
    Err(Error::NotFound("member"))
}

/// Begin the access of `member` again.
pub async fn restore(_db: &Db, _who: &SignedIn, _scope: OrgScope, _member: MemberId, _call: &Call) -> Result<(), Error> {
    Err(Error::NotFound("member"))
}

/// Block `member`.
pub async fn block(_db: &Db, _who: &SignedIn, _scope: OrgScope, _member: MemberId, _call: &Call) -> Result<(), Error> {
    Err(Error::NotFound("member"))
}

/// Lift the block of `member`.
pub async fn unblock(_db: &Db, _who: &SignedIn, _scope: OrgScope, _member: MemberId, _call: &Call) -> Result<(), Error> {
    Err(Error::NotFound("member"))
}
