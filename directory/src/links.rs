//! Directory records that wait for an owner's word.

use domain::{DirectoryUserId, view::HeldLink};

use crate::{Call, Db, Error, OrgScope, sessions::SignedIn};

/// The records that wait.
pub async fn held(_db: &Db, _scope: OrgScope) -> Result<Vec<HeldLink>, Error> {
    Ok(vec![])
}

/// Let `record` act on the member that it matches.
pub async fn approve(_db: &Db, _who: &SignedIn, _scope: OrgScope, _record: DirectoryUserId, _call: &Call) -> Result<(), Error> {
    Err(Error::NotFound("member"))
}

/// Refuse that.
pub async fn decline(_db: &Db, _who: &SignedIn, _scope: OrgScope, _record: DirectoryUserId, _call: &Call) -> Result<(), Error> {
    Err(Error::NotFound("member"))
}
