//! Activation: the mailed link that proves an address, and with it lets a membership have credentials.

use std::time::Duration;

use domain::{EmailAddress, MemberId, Permission, audit::AuditAction, view::ActivationView};

use crate::{
    Actor, Afterwards, Call, Db, Error, OrgScope,
    keys::Keys,
    membership::target,
    passwords::Hasher,
    secret::link_hash,
    sessions::{SignedIn, end_all_of},
    sign_in::{Step, TOO_MANY, Wanted, after_password, note_failure_at},
    store::{self, db::Tx, members::Membership},
    throttle::Attempt,
};

/// Mails to one address that an organisation may have sent in [`CAP_WINDOW`]: a directory that adds and removes a
/// person over and over does not fill her inbox.
const CAP: i64 = 5;
const CAP_WINDOW: Duration = Duration::from_secs(24 * 3_600);

/// What the activation link `link` is for. Looking changes nothing: mail scanners fetch links.
pub async fn look(db: &Db, link: &str, call: &Call) -> Result<ActivationView, Error> {
    let gone = Error::NotFound("activation link");
    let Some(hash) = link_hash(link) else { return Err(gone) };
    let tx = store::links::enter(db.read_outside().await?, &hash).await?;
    let found = store::links::find_activation(&tx, &hash, call.now).await?.ok_or(gone)?;
    Ok(ActivationView { org_name: found.org_name, email: found.email, has_password: found.has_password })
}

/// Use the link up: prove the address, set the account's first password or check the one it has, and enter.
///
/// An account that existed before proves itself with its own password: whoever reads the mail is not enough. One whose
/// address was never proven loses whatever password it had, which may be a stranger's.
pub async fn complete(
    db: &Db,
    hasher: &Hasher,
    keys: &Keys,
    afterwards: &Afterwards,
    link: &str,
    password: String,
    call: &Call,
) -> Result<Step, Error> {
    let gone = || Error::NotFound("activation link");
    let hash = link_hash(link).ok_or_else(gone)?;
    let tx = store::links::enter(db.read_outside().await?, &hash).await?;
    let seen = store::links::find_activation(&tx, &hash, call.now).await?.ok_or_else(gone)?;
    let account = match EmailAddress::try_from(seen.email.as_str()) {
        Ok(address) => store::accounts::find_by_email(&tx, address.key()).await?.ok_or_else(gone)?,
        Err(_) => return Err(gone()),
    };
    drop(tx);

    let new_hash = if seen.has_password {
        // Whoever holds the link may not guess at the password for ever: a guess counts as a sign-in.
        let attempt = Attempt::new(&seen.email, call);
        if let Err(error) = attempt.begin(db, call.now).await {
            if matches!(error, Error::Throttled { .. }) {
                note_failure_at(db, afterwards, Some(account), Some(seen.org), "too many attempts with an activation link", TOO_MANY, call);
            }
            return Err(error);
        }
        if !hasher.verify(password, account.password_hash.clone()).await? {
            note_failure_at(
                db,
                afterwards,
                Some(account),
                Some(seen.org),
                "wrong password with an activation link",
                "wrong password",
                call,
            );
            return Err(domain::Invalid::new("password", "This is not the password of your account. Nothing was changed.").into());
        }
        attempt.succeeded(db).await?;
        None
    } else {
        let about = vec![seen.org_name.to_string(), seen.email.clone()];
        Some(hasher.hash_new(password, about, call).await?)
    };

    let (account_id, checked) = (account.id, account.credential_version);
    let (account, doors, membership) = db
        .retrying(|| async {
            let tx = db.begin(OrgScope::new(seen.org)).await?;
            // Locks in their order: account, member, membership.
            let account = store::accounts::lock(&tx, account_id).await?;
            let member = store::members::lock(&tx, seen.member).await?.ok_or_else(gone)?;
            let membership = store::members::lock_membership(&tx, seen.member).await?.filter(|membership| membership.id == seen.membership);
            let membership = membership.ok_or_else(gone)?;
            let still = store::links::find_activation(&tx, &hash, call.now).await?.ok_or_else(gone)?;
            if still.has_password != seen.has_password || account.credential_version != checked {
                return Err(Error::Conflict("The account changed at the same moment. Open the link again.".to_owned()));
            }
            if !store::links::consume_activation(&tx, &hash).await? {
                return Err(gone());
            }
            store::links::delete_activation_of(&tx, membership.id).await?;
            store::accounts::prove_email(&tx, &account, call.now).await?;
            let tx = match &new_hash {
                Some(new_hash) => {
                    store::accounts::set_password(&tx, account.id, new_hash).await?;
                    store::links::delete_resets(&tx, account.id).await?;
                    end_all_of(tx, account.id).await?
                }
                None => tx,
            };
            store::members::prove(&tx, member.id, membership.id, call.now).await?;
            let name = member.profile.name().or_else(|| account.email.clone()).unwrap_or_default();
            let actor = Actor::Member { id: member.id, name: name.clone() };
            crate::audit::append(&tx, AuditAction::Activated, &actor, Some(target(&member, &name)), vec![], call).await?;

            let account = store::accounts::lock(&tx, account.id).await?;
            let doors = store::people::doors(&tx, account.id).await?;
            tx.commit().await?;
            Ok((account, doors, membership.id))
        })
        .await?;
    // Blocked or suspended: the address is proven all the same, but nobody gets in.
    let door = doors.iter().find(|door| door.membership == membership).ok_or(Error::WrongCredentials)?;
    // A link takes no second factor's place.
    let wanted = Wanted { org: Some(door.org_slug.clone()), next: None };
    after_password(db, keys, &account, &doors, &wanted, "activation", call).await
}

/// Mail `member` another activation link.
pub async fn resend(db: &Db, who: &SignedIn, scope: OrgScope, member: MemberId, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let person = store::members::find(&tx, member).await?.ok_or(Error::NotFound("member"))?;
        let account = store::accounts::lock(&tx, person.account).await?;
        let role = who.confirm(&tx, Permission::ManageMembers).await?;
        if !role.reaches(store::grants::role_of(&tx, member).await?) {
            return Err(Error::Denied);
        }
        let membership = store::members::lock_membership(&tx, member).await?;
        let membership = membership.ok_or_else(|| Error::Conflict("Her access has ended. There is nothing to activate.".to_owned()))?;
        if membership.proven_at.is_some() {
            return Err(Error::Conflict("She has activated her access already.".to_owned()));
        }
        if store::blocks::exists(&tx, member).await? {
            return Err(Error::Conflict("She is blocked. Lift the block first.".to_owned()));
        }
        let address = account
            .email
            .ok_or_else(|| Error::Conflict("The directory gave no e-mail address that is hers alone. Set one there.".to_owned()))?;
        // A mail that still waits would only make this one's link stop working.
        store::mails::supersede(&tx, membership.id, "replaced by a newer mail").await?;
        queue(&tx, &membership, &address, Duration::ZERO, call).await?.or_full()?;
        let name = person.profile.name().unwrap_or_else(|| address.clone());
        crate::audit::append(&tx, AuditAction::ActivationResent, &who.actor(), Some(target(&person, &name)), vec![], call).await?;
        tx.commit().await
    })
    .await
}

/// What became of the wish to send an activation mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Queued {
    /// It waits to be sent.
    Yes,
    /// The address has had its share for today.
    Capped,
    /// She is blocked: she could not enter.
    Blocked,
}

impl Queued {
    /// For somebody who asked for nothing but the mail, or for what is of no use without it.
    pub(crate) fn or_full(self) -> Result<(), Error> {
        match self {
            Self::Yes | Self::Blocked => Ok(()),
            Self::Capped => Err(Error::Conflict(format!(
                "This address has had {CAP} mails within a day, which is the most. Try again tomorrow: nothing was changed."
            ))),
        }
    }
}

/// Queue an activation mail in the transaction of the change that asks for it, to be sent after `delay`.
pub(crate) async fn queue(tx: &Tx, membership: &Membership, address: &str, delay: Duration, call: &Call) -> Result<Queued, Error> {
    if store::blocks::exists(tx, membership.member).await? {
        return Ok(Queued::Blocked);
    }
    if store::mails::count_to(tx, address, call.now - CAP_WINDOW).await? >= CAP {
        return Ok(Queued::Capped);
    }
    store::mails::insert(tx, membership.id, address, call.now + delay, call).await?;
    Ok(Queued::Yes)
}
