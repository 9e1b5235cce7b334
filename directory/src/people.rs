//! What a member's page can change about her: her name, and her sessions.

use domain::MemberId;

use crate::{Call, Db, Error, OrgScope, sessions::SignedIn};

/// Change the name of `member`.
pub async fn edit_profile(
    _db: &Db,
    _who: &SignedIn,
    _scope: OrgScope,
    _member: MemberId,
    _name: String,
    _call: &Call,
) -> Result<(), Error> {
    Err(Error::NotFound("member"))
}

/// End one session of `member`.
pub async fn end_session(_db: &Db, _who: &SignedIn, _scope: OrgScope, _member: MemberId, _handle: &str, _call: &Call) -> Result<(), Error> {
    Err(Error::NotFound("member"))
}

/// End every session of `member`.
pub async fn end_sessions(_db: &Db, _who: &SignedIn, _scope: OrgScope, _member: MemberId, _call: &Call) -> Result<(), Error> {
    Err(Error::NotFound("member"))
}
