//! What a member's page can change about her: her name, and her sessions. Everybody may do it to herself.

use domain::{MemberId, PersonName, audit::AuditAction};

use crate::{
    Call, Db, Error, OrgScope,
    sessions::SignedIn,
    store::{
        self,
        db::Tx,
        members::{Membership, Profile},
    },
    subject::{Subject, subject_or_self},
};

/// Change the name of `member`; not where the directory keeps her profile.
pub async fn edit_profile(db: &Db, who: &SignedIn, scope: OrgScope, member: MemberId, name: String, call: &Call) -> Result<(), Error> {
    let name = PersonName::try_from(name)?;
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let subject = subject_or_self(&tx, who, member, call).await?;
        if subject.is_managed() {
            return Err(Error::Conflict("Her profile is kept in the directory. Change it there: it arrives here by itself.".to_owned()));
        }
        let profile = Profile { display_name: Some(name.to_string()), ..Profile::default() };
        if profile == subject.member.profile {
            return Ok(());
        }
        store::members::set_profile(&tx, member, &profile).await?;
        let details = vec![crate::audit::changed("name", &subject.name, name.as_str())];
        let target = crate::membership::target(&subject.member, name.as_str());
        crate::audit::append(&tx, AuditAction::ProfileChanged, &who.actor(), Some(target), details, call).await?;
        tx.commit().await
    })
    .await
}

/// End the session of `member` that her page calls `handle`.
pub async fn end_session(db: &Db, who: &SignedIn, scope: OrgScope, member: MemberId, handle: &str, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let subject = subject_or_self(&tx, who, member, call).await?;
        let gone = || Error::NotFound("session");
        let Membership { id, .. } = subject.membership.as_ref().ok_or_else(gone)?;
        let sessions = store::sessions::of_membership(&tx, *id).await?;
        let session = sessions.iter().find(|session| session.handle() == handle).ok_or_else(gone)?;
        store::sessions::delete(&tx, session).await?;
        ended(&tx, who, &subject, Ended { sessions: 1, clients: 0, only: Some(handle) }, call).await?;
        tx.commit().await
    })
    .await
}

/// End every session of `member`, the one that asks among them if it is hers, and let none of her clients in any longer. Her
/// personal tokens are hers to end.
pub async fn end_sessions(db: &Db, who: &SignedIn, scope: OrgScope, member: MemberId, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let subject = subject_or_self(&tx, who, member, call).await?;
        let Some(membership) = &subject.membership else { return Ok(()) };
        let sessions = store::sessions::delete_of_membership(&tx, membership.id).await?;
        let clients = store::api_sessions::delete_of_membership(&tx, membership.id).await?;
        if sessions + clients > 0 {
            ended(&tx, who, &subject, Ended { sessions, clients, only: None }, call).await?;
            tx.commit().await?;
        }
        Ok(())
    })
    .await
}

/// Which of somebody's sessions were ended.
struct Ended<'a> {
    sessions: u64,
    clients: u64,
    /// The one session that it was, as her page calls it; none where all were ended.
    only: Option<&'a str>,
}

async fn ended(tx: &Tx, who: &SignedIn, subject: &Subject, ended: Ended<'_>, call: &Call) -> Result<(), Error> {
    let counts = [("sessions ended", ended.sessions), ("API sessions ended", ended.clients)];
    let counts = counts.into_iter().filter(|(_, count)| *count > 0).map(|(what, count)| (what.to_owned(), count.to_string()));
    let details = counts.chain(ended.only.map(|session| ("session".to_owned(), session.to_owned()))).collect();
    crate::audit::append(tx, AuditAction::SessionsEnded, &who.actor(), Some(subject.target()), details, call).await
}
