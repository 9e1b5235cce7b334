//! Inviting somebody by mail: a member whom no directory manages.

use std::time::Duration;

use domain::{EmailAddress, Invalid, MemberId, OrgRole, Permission, PersonName, audit::AuditAction, view::ManagedBy};

use crate::{
    Call, Db, Error, OrgScope, activation, alerts, grants, membership,
    sessions::SignedIn,
    store::{self, db::Tx, members::Profile},
    subject::Subject,
};

/// Invite whoever reads the mails of `email`, under the name that is to be shown, with auditor or admin besides if `role` says
/// so. She has access once she has followed the link, and signed in if she has an account already: whether she has one shows
/// nowhere.
pub async fn invite(
    db: &Db,
    who: &SignedIn,
    scope: OrgScope,
    name: String,
    email: String,
    role: Option<OrgRole>,
    call: &Call,
) -> Result<(), Error> {
    let name = PersonName::try_from(name).map_err(|_| Invalid::new("name", "Enter her name, in at most 120 characters."))?;
    let email = EmailAddress::try_from(email)?;
    let role = role.filter(|role| *role != OrgRole::Member);
    if role == Some(OrgRole::Owner) {
        return Err(Invalid::new("role", "Nobody is invited as an owner. Invite her, and make her one once she can sign in.").into());
    }
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let known = match member_of(&tx, &email).await? {
            Some(member) => Subject::lock(&tx, Some(who.member), member).await?,
            None => None,
        };
        let account = store::accounts::find_or_insert(&tx, &email, call).await?;
        if known.is_none() && store::members::find_by_account(&tx, account.id).await?.is_some() {
            // Provisioned since we looked: what has to be locked before her account comes first.
            return Err(Error::Stale);
        }
        let own = who.confirm(&tx, Permission::ManageMembers).await?;
        if role.is_some_and(|role| !own.reaches(role)) {
            return Err(Error::Denied);
        }
        let profile = Profile { display_name: Some(name.to_string()), ..Profile::default() };
        let member = match &known {
            Some(subject) if subject.is_managed() => {
                return Err(Error::Conflict(
                    "The directory manages somebody with this address. Assign her at the identity provider instead.".to_owned(),
                ));
            }
            Some(subject) if subject.membership.is_some() => {
                return Err(Invalid::new("email", "Somebody with this address is a member already.").into());
            }
            Some(subject) if store::blocks::exists(&tx, subject.member.id).await? => {
                return Err(Error::Conflict("She was a member and is blocked. Lift the block first.".to_owned()));
            }
            Some(subject) => {
                store::members::set_profile(&tx, subject.member.id, &profile).await?;
                subject.member.id
            }
            None => store::members::insert(&tx, account.id, &profile, ManagedBy::Manual, call).await?,
        };
        let member = store::members::find(&tx, member).await?.ok_or(Error::Stale)?;
        let actor = who.actor();
        let details = role.map(alerts::role).into_iter().collect();
        let target = membership::target(&member, name.as_str());
        crate::audit::append(&tx, AuditAction::MemberInvited, &actor, Some(target), details, call).await?;
        let begun = membership::begin(&tx, &member, name.as_str(), None, &actor, call).await?;
        if let Some(role) = role {
            let subject = Subject::lock(&tx, Some(who.member), member.id).await?.ok_or(Error::Stale)?;
            grants::grant_in(&tx, &subject, role, &actor, call).await?;
        }
        activation::queue(&tx, &begun, email.key().as_str(), Duration::ZERO, call).await?.or_full()?;
        tx.commit().await
    })
    .await
}

/// The member of the organisation whose account has this address.
async fn member_of(tx: &Tx, email: &EmailAddress) -> Result<Option<MemberId>, Error> {
    let Some(account) = store::accounts::find_by_email(tx, email.key()).await? else { return Ok(None) };
    Ok(store::members::find_by_account(tx, account.id).await?.map(|member| member.id))
}
