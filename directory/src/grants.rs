//! Roles that people grant by hand, owner among them.

use domain::{MemberId, OrgRole};

use crate::{Call, Db, Error, OrgScope, sessions::SignedIn};

/// Grant `role` to `member`.
pub async fn grant(_db: &Db, _who: &SignedIn, _scope: OrgScope, _member: MemberId, _role: OrgRole, _call: &Call) -> Result<(), Error> {
    Err(Error::NotFound("member"))
}

/// Take `role` away from `member`.
pub async fn revoke(_db: &Db, _who: &SignedIn, _scope: OrgScope, _member: MemberId, _role: OrgRole, _call: &Call) -> Result<(), Error> {
    Err(Error::NotFound("member"))
}

/// Keep `member` for emergencies, or not any more.
pub async fn set_break_glass(_db: &Db, _who: &SignedIn, _scope: OrgScope, _member: MemberId, _on: bool, _call: &Call) -> Result<(), Error> {
    Err(Error::NotFound("member"))
}
