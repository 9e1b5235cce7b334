//! A person's password after her first one: changed by herself, or set anew by a link that is mailed to her.
//!
//! Either ends every session of the account in every organisation, what her clients hold, and other links that set it.

use std::time::Duration;

use domain::{
    AccountId, EmailAddress, EmailKey, Invalid, Permission,
    audit::AuditAction,
    view::{AccountView, ResetView},
};
use uuid::Uuid;

use crate::{
    Actor, Afterwards, Call, Db, Error, OrgScope, alerts,
    passwords::Hasher,
    secret::link_hash,
    sessions::{self, Entry, SignedIn},
    sign_in::entry,
    store::{
        self,
        accounts::Account,
        audit::Target,
        db::{NoOrg, Tx},
        people::Place,
        second_factors::State,
    },
    throttle::{self, Attempt},
};

/// How long a mailed link that sets a password works.
pub const LINK_LIFETIME: Duration = Duration::from_secs(3_600);
/// Such mails to one address within [`CAP_WINDOW`] that one network has asked for, and that all have: whoever asks over and over fills
/// nobody's inbox, and keeps nobody elsewhere from asking for her own.
const CAP: i64 = 5;
const CAP_OF_ALL: i64 = 20;
const CAP_WINDOW: Duration = Duration::from_secs(24 * 3_600);

/// The signed-in person's own account.
pub async fn view(db: &Db, who: &SignedIn, scope: OrgScope, call: &Call) -> Result<AccountView, Error> {
    let tx = db.read(scope).await?;
    let account = store::accounts::find(&tx, who.account).await?.ok_or(Error::NotFound("account"))?;
    Ok(AccountView {
        now: call.now,
        email: account.email,
        has_password: account.password_hash.is_some(),
        second_factor_since: store::second_factors::find(&tx, who.account, State::Active).await?.map(|factor| factor.created_at),
        recovery_codes: store::second_factors::recovery_codes(&tx, who.account).await?,
        required: store::second_factors::required(&tx).await?,
    })
}

/// A new password, as it was typed.
pub struct NewPassword {
    /// The one so far.
    pub current: String,
    /// The new one.
    pub new: String,
    /// Whether her personal tokens end as well.
    pub end_tokens: bool,
}

/// Change the signed-in person's password. Every session of hers ends, this one too; the entry begins it anew.
pub async fn change_password(
    db: &Db,
    hasher: &Hasher,
    afterwards: &Afterwards,
    who: &SignedIn,
    scope: OrgScope,
    typed: NewPassword,
    call: &Call,
) -> Result<Entry, Error> {
    let NewPassword { current, new, end_tokens } = typed;
    let at_new = |error: Error| match error {
        Error::Invalid(invalid) => Invalid::new("new_password", &invalid.sentence).into(),
        other => other,
    };
    if new == current {
        return Err(Invalid::new("new_password", "This is the password that you have. Choose another.").into());
    }
    // The costly work on the new one is for whoever knows the old one, which is counted.
    sessions::check_password(db, hasher, afterwards, who, current, call).await?;
    let about = [Some(who.org_name.to_string()), Some(who.name.clone()), who.email.clone()].into_iter().flatten().collect();
    let hash = hasher.hash_new(new, about, call).await.map_err(at_new)?;
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let account = store::accounts::lock(&tx, who.account).await?;
        who.confirm(&tx, Permission::Enter).await?;
        if account.credential_version != who.credential_version {
            return Err(Error::Conflict("Your account changed at the same moment. Nothing was changed.".to_owned()));
        }
        store::accounts::set_password(&tx, account.id, &hash).await?;
        store::links::delete_resets(&tx, account.id).await?;
        Attempt::forgive(&tx, account.id, account.email.as_deref()).await?;
        let tokens = if end_tokens { "Your personal tokens were ended, too." } else { "Your personal tokens go on." };
        let lines = ["Your password was changed by somebody who knew the one before. Every other browser was signed out.", tokens, BEWARE];
        alerts::to_person(&tx, &account, "Your password was changed", &lines, call).await?;
        let ends = Ends { clients: true, personal_tokens: end_tokens };
        let tx = everywhere(tx, &account, ends, AuditAction::PasswordChanged, None, &[], call).await?.in_scope(scope).await?;
        let entry = again(&tx, who, &who.auth_method, "changing the password", call).await?;
        tx.commit().await?;
        Ok(entry)
    })
    .await
}

/// What a mail about an account ends with.
pub(crate) const BEWARE: &str =
    "If that was not you, set a new password with “Forgot your password?” on the sign-in page, and tell an administrator.";

/// Somebody asks for a link that sets the password of `email` anew. Whether there is such an account is not looked at here: what is
/// done, and how long it takes, is the same.
pub async fn ask_for_reset(db: &Db, email: String, call: &Call) -> Result<(), Error> {
    Attempt::at_reset(&email, call).begin(db, call.now).await?;
    let address = EmailAddress::try_from(email)?;
    db.retrying(|| async {
        let tx = db.begin_outside().await?;
        store::account_mails::insert_reset(&tx, address.key(), throttle::network_key(call).as_deref(), call).await?;
        tx.commit().await
    })
    .await
}

/// The account that a link is to be mailed for, with its lock: one that is open, that has a password or whose address was proven, and
/// that had fewer than [`CAP_OF_ALL`] of them today, and fewer than [`CAP`] that this network has asked for.
pub(crate) async fn to_reset(tx: &Tx<NoOrg>, address: &str, asked_from: Option<&[u8]>, call: &Call) -> Result<Option<AccountId>, Error> {
    let Ok(email) = EmailAddress::try_from(address) else { return Ok(None) };
    let Some(found) = by_key(tx, email.key()).await? else { return Ok(None) };
    let account = store::accounts::lock(tx, found).await?;
    let has_way_in = account.password_hash.is_some() || account.email_proven;
    let (of_all, from_there) = store::account_mails::resets_to(tx, address, asked_from, call.now - CAP_WINDOW).await?;
    if !account.open || !has_way_in || of_all >= CAP_OF_ALL || from_there >= CAP {
        return Ok(None);
    }
    Ok(Some(account.id))
}

async fn by_key(tx: &Tx<NoOrg>, key: &EmailKey) -> Result<Option<AccountId>, Error> {
    Ok(store::accounts::find_by_email(tx, key).await?.map(|account| account.id))
}

/// Whom the link is for. Looking changes nothing: mail scanners fetch links.
pub async fn look_at_reset(db: &Db, link: &str, call: &Call) -> Result<ResetView, Error> {
    let gone = || Error::NotFound("link");
    let hash = link_hash(link).ok_or_else(gone)?;
    let tx = db.read_outside().await?;
    let account = store::links::find_reset(&tx, &hash, call.now).await?.ok_or_else(gone)?;
    let email = store::accounts::find(&tx, account).await?.and_then(|account| account.email).ok_or_else(gone)?;
    Ok(ResetView { email })
}

/// Use the link up and set the password. It signs nobody in: that takes the password, and the second factor where there is one, and a
/// membership.
pub async fn reset(db: &Db, hasher: &Hasher, link: &str, password: String, end_tokens: bool, call: &Call) -> Result<(), Error> {
    let gone = || Error::NotFound("link");
    let hash = link_hash(link).ok_or_else(gone)?;
    let tx = db.read_outside().await?;
    let id = store::links::find_reset(&tx, &hash, call.now).await?.ok_or_else(gone)?;
    let about = store::accounts::find(&tx, id).await?.and_then(|account| account.email).into_iter().collect();
    drop(tx);
    let new_hash = hasher.hash_new(password, about, call).await?;
    db.retrying(|| async {
        let tx = db.begin_outside().await?;
        let account = store::accounts::lock(&tx, id).await?;
        if store::links::find_reset(&tx, &hash, call.now).await? != Some(id) || !store::links::consume_reset(&tx, &hash).await? {
            return Err(gone());
        }
        store::links::delete_resets(&tx, id).await?;
        // Whoever follows the link reads the address's mail. If nobody ever did, what the account had may be a stranger's.
        store::accounts::prove_email(&tx, &account, call.now).await?;
        store::accounts::set_password(&tx, id, &new_hash).await?;
        Attempt::forgive(&tx, id, account.email.as_deref()).await?;
        let tokens = if end_tokens { "Your personal tokens were ended, too." } else { "Your personal tokens go on." };
        let lines = ["Your password was set anew by a link that was mailed to you. Every browser was signed out.", tokens, BEWARE];
        alerts::to_person(&tx, &account, "Your password was set anew", &lines, call).await?;
        let ends = Ends { clients: true, personal_tokens: end_tokens };
        everywhere(tx, &account, ends, AuditAction::PasswordReset, None, &[], call).await?.commit().await
    })
    .await
}

/// What ends beside the browser sessions when it changes how somebody proves who she is.
#[derive(Clone, Copy)]
pub(crate) struct Ends {
    /// What her clients hold, and devices that have not fetched theirs.
    pub(crate) clients: bool,
    /// Her personal tokens.
    pub(crate) personal_tokens: bool,
}

/// In every organisation of the account, end its browser sessions and what `ends` names, and note `action` where she has accepted her
/// membership: by `actor`, or by herself. The caller holds the account's lock. Ends in one of those organisations.
pub(crate) async fn everywhere<S: Send + Sync>(
    tx: Tx<S>,
    account: &Account,
    ends: Ends,
    action: AuditAction,
    actor: Option<&Actor>,
    details: &[(String, String)],
    call: &Call,
) -> Result<Tx, Error> {
    let places = store::people::places(&tx, account.id).await?;
    let nowhere = OrgScope::new(places.first().map_or_else(|| call.new_id(), |place| place.org));
    let mut tx = tx.in_scope(nowhere).await?;
    for place in places {
        tx = tx.in_scope(OrgScope::new(place.org)).await?;
        // Whoever mints something for this membership has its lock: it is there by now, or it finds no session.
        if store::members::lock_membership_by_id(&tx, place.membership).await?.is_none() {
            continue;
        }
        let mut counts = vec![("sessions ended", store::sessions::delete_of_membership(&tx, place.membership).await?)];
        if ends.clients {
            counts.push(("API sessions ended", store::api_sessions::delete_of_membership(&tx, place.membership).await?));
            counts.push(("device codes ended", store::device_requests::delete_of_membership(&tx, place.membership).await?));
        }
        if ends.personal_tokens {
            counts.push(("personal tokens ended", store::personal_tokens::delete_of_membership(&tx, place.membership).await?));
        }
        if place.proven {
            let counts = counts.into_iter().filter(|(_, count)| *count > 0).map(|(what, count)| (what.to_owned(), count.to_string()));
            let details = details.iter().cloned().chain(counts).collect();
            let name = name(&place, account);
            let target = actor.map(|_| Target { kind: "member", id: Uuid::from(place.member), name: name.clone() });
            let herself = Actor::Member { id: place.member, name };
            crate::audit::append(&tx, action, actor.unwrap_or(&herself), target, details, call).await?;
        }
    }
    Ok(tx)
}

fn name(place: &Place, account: &Account) -> String {
    place.profile.name().or_else(|| account.email.clone()).unwrap_or_else(|| "Somebody without a name".to_owned())
}

/// The signed-in person's way back into the organisation that she is in, after her sessions have ended.
pub(crate) async fn again(tx: &Tx, who: &SignedIn, method: &str, note: &str, call: &Call) -> Result<Entry, Error> {
    let account = store::accounts::lock(tx, who.account).await?;
    let doors = store::people::doors(tx, who.account).await?;
    let door = doors.iter().find(|door| door.membership == who.membership).ok_or(Error::Unauthenticated)?;
    let mut entry = entry(door, doors.len(), &account, note, call);
    method.clone_into(&mut entry.begin.auth_method);
    entry.begin.auth_authority.clone_from(&who.auth_authority);
    Ok(entry)
}
