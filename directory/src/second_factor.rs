//! A second factor for those who sign in with a password: codes that an authenticator shows (RFC 6238), and recovery codes for the
//! day when it is lost.
//!
//! A code is good for 30 seconds and the 30 before and after, works once, and is guessed at five times in a quarter of an hour at
//! most. The authenticator's secret is not stored: it is derived from the key file, so a copy of the database makes no code (law 8).

use std::time::Duration;

use domain::{
    AccountId, EmailAddress, Invalid, Permission,
    audit::AuditAction,
    view::{SecondFactorOffer, SecondFactorRule},
};
use qrcode::{Color, EcLevel, QrCode};
use totp_rs::{Algorithm, Builder, Totp};
use uuid::Uuid;

use crate::{
    Actor, Afterwards, Call, Db, Error, OrgScope,
    account::{BEWARE, Ends, again, everywhere},
    alerts,
    keys::Keys,
    secret::SecretHash,
    sessions::{Entry, SignedIn},
    sign_in::{Halfway, note_failure},
    store::{
        self,
        accounts::Account,
        db::Tx,
        second_factors::{Authenticator, State},
    },
    throttle::{Attempt, digest},
};

/// How somebody is authenticated who has shown a code of her authenticator.
pub(crate) const WITH_CODE: &str = "password+totp";
/// How somebody is authenticated who has used a recovery code.
pub(crate) const WITH_RECOVERY_CODE: &str = "password+recovery";
/// How long an authenticator that was offered waits for its first code.
const OFFER_LIFETIME: Duration = Duration::from_secs(15 * 60);
/// How many recovery codes there are.
const RECOVERY_CODES: usize = 10;
/// What recovery codes are made of: letters and digits that cannot be taken for one another.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz123456789";

const WRONG: &str = "This code is not right, or it was used already. Wait for the next one and try again.";

/// What is in force from now on.
pub struct SetUp {
    /// The way in, with a new session.
    pub entry: Entry,
    /// The recovery codes, this once.
    pub codes: Vec<String>,
    /// The page that was asked for when she signed in.
    pub next: Option<String>,
}

fn totp(secret: [u8; 20], account: &Account) -> Result<Totp, Error> {
    let name = account.email.clone().unwrap_or_else(|| account.id.to_string()).replace(':', " ");
    let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_skew(1).with_step_duration(30);
    let builder = builder.with_secret(secret.to_vec()).with_account_name(name).with_issuer(Some("Rollcall"));
    builder.build().map_err(|error| Error::Store(error.to_string()))
}

fn authenticator(keys: &Keys, account: &Account, found: &Authenticator) -> Result<Totp, Error> {
    let secret = keys.second_factor_secret(&found.key_id, account.id, &found.salt);
    let lacks = || Error::Store("this server lacks the key of an authenticator: set ROLLCALL_KEY_FILE to the other nodes' file".to_owned());
    totp(secret.ok_or_else(lacks)?, account)
}

/// The period whose code this is, if it is good now.
fn step_of(totp: &Totp, code: &str, call: &Call) -> Option<i64> {
    let digits: String = code.chars().filter(|c| !c.is_whitespace()).collect();
    let shaped = digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = u64::try_from(call.now.as_micros() / 1_000_000).ok().filter(|_| shaped)?;
    totp.check(&digits, seconds).and_then(|step| i64::try_from(step).ok())
}

/// Show the secret of a new authenticator, in the transaction that offers it.
async fn offer(tx: &Tx, keys: &Keys, account: &Account, call: &Call) -> Result<SecondFactorOffer, Error> {
    let salt: [u8; 16] = call.random();
    let key = keys.present().to_owned();
    store::second_factors::offer(tx, account.id, &key, &salt, call.now).await?;
    let secret = keys.second_factor_secret(&key, account.id, &salt).ok_or_else(|| Error::Store("there is no key".to_owned()))?;
    let totp = totp(secret, account)?;
    let url = totp.to_url().map_err(|error| Error::Store(error.to_string()))?;
    let code = QrCode::with_error_correction_level(&url, EcLevel::M).map_err(|error| Error::Store(error.to_string()))?;
    let side = code.width();
    let modules = code.to_colors();
    let dark = modules.iter().enumerate().filter(|(_, color)| **color == Color::Dark);
    let dark = dark.map(|(at, _)| format!("M{} {}h1v1h-1z", at % side, at / side)).collect();
    Ok(SecondFactorOffer { secret: totp_rs::Secret::from(&secret[..]).to_base32(), side: side as u64, dark })
}

/// Offer the signed-in person an authenticator. She has given her password lately, and shows a code of the one that she has, if any.
pub async fn offer_to(
    db: &Db,
    keys: &Keys,
    afterwards: &Afterwards,
    who: &SignedIn,
    scope: OrgScope,
    code: Option<&str>,
    call: &Call,
) -> Result<SecondFactorOffer, Error> {
    prove_again(db, keys, afterwards, who, scope, code, call).await?;
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let account = store::accounts::lock(&tx, who.account).await?;
        who.confirm_fresh(&tx, Permission::Enter, call.now).await?;
        if account.password_hash.is_none() {
            return Err(Error::Conflict("You do not sign in with a password, so there is nothing to add a second factor to.".to_owned()));
        }
        let offer = offer(&tx, keys, &account, call).await?;
        tx.commit().await?;
        Ok(offer)
    })
    .await
}

/// Put the authenticator that was offered to the signed-in person in force, of which she shows a code. Her other sessions end.
pub async fn set_up(db: &Db, keys: &Keys, who: &SignedIn, scope: OrgScope, code: &str, call: &Call) -> Result<SetUp, Error> {
    let attempt = Attempt::at_second_factor(who.account, call);
    attempt.begin(db, call.now).await?;
    let made = db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let account = store::accounts::lock(&tx, who.account).await?;
        // The offer was made to somebody who had just given her password, and lives as long as that is fresh.
        who.confirm(&tx, Permission::Enter).await?;
        let (tx, codes) = put_in_force(tx, keys, &account, code, call).await?;
        let tx = tx.in_scope(scope).await?;
        let entry = again(&tx, who, WITH_CODE, "setting up a second factor", call).await?;
        tx.commit().await?;
        Ok(SetUp { entry, codes, next: None })
    });
    let made = made.await?;
    attempt.succeeded(db).await?;
    Ok(made)
}

/// Offer an authenticator to somebody whose password was right, and whose organisation asks for one.
pub async fn offer_halfway(db: &Db, keys: &Keys, signed: &str, call: &Call) -> Result<SecondFactorOffer, Error> {
    let (halfway, _) = Halfway::read(db, keys, signed, call).await?;
    db.retrying(|| async {
        let (tx, account) = without_one(db, &halfway, call).await?;
        let offer = offer(&tx, keys, &account, call).await?;
        tx.commit().await?;
        Ok(offer)
    })
    .await
}

/// Put it in force; she is in.
pub async fn set_up_halfway(db: &Db, keys: &Keys, signed: &str, code: &str, call: &Call) -> Result<SetUp, Error> {
    let (halfway, _) = Halfway::read(db, keys, signed, call).await?;
    let attempt = Attempt::at_second_factor(halfway.account, call);
    attempt.begin(db, call.now).await?;
    let codes = db.retrying(|| async {
        let (tx, account) = without_one(db, &halfway, call).await?;
        let (tx, codes) = put_in_force(tx, keys, &account, code, call).await?;
        tx.commit().await?;
        Ok(codes)
    });
    let codes = codes.await?;
    attempt.succeeded(db).await?;
    let tx = db.read_outside().await?;
    let account = store::accounts::find(&tx, halfway.account).await?.ok_or(Error::Unauthenticated)?;
    drop(tx);
    let entry = halfway.enter(db, &account, WITH_CODE, call).await?;
    Ok(SetUp { entry, codes, next: halfway.next.clone() })
}

/// The account of somebody halfway in, with its lock, while it has no second factor: whoever has one shows a code of it.
async fn without_one(db: &Db, halfway: &Halfway, call: &Call) -> Result<(Tx, Account), Error> {
    let outside = db.read_outside().await?;
    let places = store::people::places(&outside, halfway.account).await?;
    drop(outside);
    let place = places.first().ok_or(Error::Unauthenticated)?;
    let tx = db.begin(OrgScope::new(place.org)).await?;
    let account = store::accounts::lock(&tx, halfway.account).await?;
    if !halfway.holds(&account, call) || store::second_factors::find(&tx, account.id, State::Active).await?.is_some() {
        return Err(Error::Unauthenticated);
    }
    Ok((tx, account))
}

/// Check the first code of the authenticator that was offered, and put it in force with new recovery codes.
async fn put_in_force(tx: Tx, keys: &Keys, account: &Account, code: &str, call: &Call) -> Result<(Tx, Vec<String>), Error> {
    let offered = store::second_factors::find(&tx, account.id, State::Offered).await?;
    let offered = offered.filter(|offered| offered.created_at + OFFER_LIFETIME > call.now);
    let offered = offered.ok_or_else(|| Error::Conflict("This took too long. Begin again: you get another QR code.".to_owned()))?;
    let step = step_of(&authenticator(keys, account, &offered)?, code, call);
    let step = step.ok_or_else(|| Invalid::new("code", "This is not the code that the authenticator shows now. Is its clock right?"))?;
    store::second_factors::activate(&tx, account.id, step, call.now).await?;
    let (codes, hashes) = mint_recovery_codes(account.id, call);
    store::second_factors::set_recovery_codes(&tx, account.id, &hashes, call.now).await?;
    store::accounts::credentials_changed(&tx, account.id).await?;
    let lines = ["A second factor was set up for your account: from now on, signing in asks for a code.", BEWARE];
    alerts::to_person(&tx, account, "A second factor was set up", &lines, call).await?;
    let ends = Ends { clients: false, personal_tokens: false };
    let tx = everywhere(tx, account, ends, AuditAction::SecondFactorOn, None, &[], call).await?;
    Ok((tx, codes))
}

/// Sign in with a code, after the password was right.
pub async fn sign_in(
    db: &Db,
    keys: &Keys,
    afterwards: &Afterwards,
    signed: &str,
    code: &str,
    call: &Call,
) -> Result<(Entry, Option<String>), Error> {
    let (halfway, account) = Halfway::read(db, keys, signed, call).await?;
    let method = check(db, keys, afterwards, &account, code, call).await?;
    Ok((halfway.enter(db, &account, method, call).await?, halfway.next.clone()))
}

/// Check a code, of the authenticator or for its recovery, and use it up; how it authenticates.
async fn check(db: &Db, keys: &Keys, afterwards: &Afterwards, account: &Account, code: &str, call: &Call) -> Result<&'static str, Error> {
    let attempt = Attempt::at_second_factor(account.id, call);
    if let Err(error) = attempt.begin(db, call.now).await {
        if matches!(error, Error::Throttled { .. }) {
            warn(db, account, call).await?;
            note_failure(db, afterwards, Some(account.clone()), "too many wrong codes", call);
        }
        return Err(error);
    }
    let method = db.retrying(|| async {
        let tx = db.begin_outside().await?;
        let Some(active) = store::second_factors::find(&tx, account.id, State::Active).await? else { return Ok(None) };
        let method = match step_of(&authenticator(keys, account, &active)?, code, call) {
            Some(step) => (step > active.last_step && store::second_factors::use_step(&tx, account.id, step).await?).then_some(WITH_CODE),
            None => {
                let hash = recovery_hash(account.id, code);
                let used = store::second_factors::use_recovery_code(&tx, account.id, &hash).await?;
                if used {
                    let left = store::second_factors::recovery_codes(&tx, account.id).await?;
                    let line = format!("A recovery code was used in the place of your second factor. {left} are left.");
                    alerts::to_person(&tx, account, "A recovery code was used", &[&line, BEWARE], call).await?;
                }
                used.then_some(WITH_RECOVERY_CODE)
            }
        };
        tx.commit().await?;
        Ok(method)
    });
    match method.await? {
        Some(method) => {
            attempt.succeeded(db).await?;
            Ok(method)
        }
        None => {
            note_failure(db, afterwards, Some(account.clone()), "wrong code of the second factor", call);
            Err(Invalid::new("code", WRONG).into())
        }
    }
}

/// Tell the person, once an hour, that somebody who has her password guesses at her codes.
async fn warn(db: &Db, account: &Account, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin_outside().await?;
        let key = digest(&account.id.to_string());
        if store::failures::add(&tx, "second_factor_warning", &key, call.now, call.now - Duration::from_secs(3_600)).await?.failures == 1 {
            let lines = ["Somebody gave your password and then too many wrong codes. Codes are refused for a quarter of an hour.", BEWARE];
            alerts::to_person(&tx, account, "Too many wrong codes", &lines, call).await?;
        }
        tx.commit().await
    })
    .await
}

/// The signed-in person has given her password lately; where she has a second factor, she shows a code of it.
async fn prove_again(
    db: &Db,
    keys: &Keys,
    afterwards: &Afterwards,
    who: &SignedIn,
    scope: OrgScope,
    code: Option<&str>,
    call: &Call,
) -> Result<(), Error> {
    let tx = db.begin(scope).await?;
    let account = store::accounts::lock(&tx, who.account).await?;
    who.confirm_fresh(&tx, Permission::Enter, call.now).await?;
    let active = store::second_factors::find(&tx, who.account, State::Active).await?;
    drop(tx);
    if active.is_none() {
        return Ok(());
    }
    let code = code.map(str::trim).filter(|code| !code.is_empty());
    let code = code.ok_or_else(|| Invalid::new("code", "Enter a code of the second factor that you have."))?;
    check(db, keys, afterwards, &account, code, call).await.map(drop)
}

/// Make new recovery codes for the signed-in person. Those before stop working.
pub async fn renew_recovery_codes(
    db: &Db,
    keys: &Keys,
    afterwards: &Afterwards,
    who: &SignedIn,
    scope: OrgScope,
    code: &str,
    call: &Call,
) -> Result<Vec<String>, Error> {
    prove_again(db, keys, afterwards, who, scope, Some(code), call).await?;
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let account = store::accounts::lock(&tx, who.account).await?;
        who.confirm_fresh(&tx, Permission::Enter, call.now).await?;
        if store::second_factors::find(&tx, account.id, State::Active).await?.is_none() {
            return Err(Error::Conflict("You have no second factor. Set one up: it comes with recovery codes.".to_owned()));
        }
        let (codes, hashes) = mint_recovery_codes(account.id, call);
        store::second_factors::set_recovery_codes(&tx, account.id, &hashes, call.now).await?;
        alerts::to_person(&tx, &account, "New recovery codes", &["New recovery codes were made. Those before do not work.", BEWARE], call)
            .await?;
        crate::audit::append(&tx, AuditAction::RecoveryCodesRenewed, &who.actor(), None, vec![], call).await?;
        tx.commit().await?;
        Ok(codes)
    })
    .await
}

/// Turn the signed-in person's second factor off. Her other sessions end.
///
/// # Errors
/// [`Error::Conflict`] while an organisation of hers asks for one.
pub async fn turn_off(
    db: &Db,
    keys: &Keys,
    afterwards: &Afterwards,
    who: &SignedIn,
    scope: OrgScope,
    code: &str,
    call: &Call,
) -> Result<Entry, Error> {
    let tx = db.read_outside().await?;
    let doors = store::people::doors(&tx, who.account).await?;
    drop(tx);
    if let Some(door) = doors.iter().find(|door| door.second_factor_required) {
        let sentence = format!("{} asks for a second factor. You can set up another in its place.", door.org_name);
        return Err(Error::Conflict(sentence));
    }
    prove_again(db, keys, afterwards, who, scope, Some(code), call).await?;
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let account = store::accounts::lock(&tx, who.account).await?;
        who.confirm_fresh(&tx, Permission::Enter, call.now).await?;
        if !store::second_factors::delete(&tx, account.id).await? {
            return Err(Error::Conflict("You have no second factor.".to_owned()));
        }
        store::accounts::credentials_changed(&tx, account.id).await?;
        let lines = ["Your second factor was turned off: your password is enough to sign in.", BEWARE];
        alerts::to_person(&tx, &account, "Your second factor was turned off", &lines, call).await?;
        let ends = Ends { clients: false, personal_tokens: false };
        let tx = everywhere(tx, &account, ends, AuditAction::SecondFactorOff, None, &[], call).await?.in_scope(scope).await?;
        let entry = again(&tx, who, crate::sign_in::PASSWORD, "turning off the second factor", call).await?;
        tx.commit().await?;
        Ok(entry)
    })
    .await
}

/// Take the second factor of the account of `email` away, from the server's command line: the way back for somebody who has lost her
/// authenticator and her recovery codes. Whether she had one.
pub async fn reset_as_operator(db: &Db, email: &str, call: &Call) -> Result<bool, Error> {
    let address = EmailAddress::try_from(email)?;
    let tx = db.read_outside().await?;
    let found = store::accounts::find_by_email(&tx, address.key()).await?;
    let found = found.ok_or_else(|| Error::Conflict(format!("There is no account with the address {email}. Nothing was changed.")))?;
    drop(tx);
    db.retrying(|| async {
        let tx = db.begin_outside().await?;
        let account = store::accounts::lock(&tx, found.id).await?;
        if !store::second_factors::delete(&tx, account.id).await? {
            return Ok(false);
        }
        store::accounts::credentials_changed(&tx, account.id).await?;
        Attempt::forgive(&tx, account.id, None).await?;
        let lines = ["The operator of the server took your second factor away. Every browser was signed out.", BEWARE];
        alerts::to_person(&tx, &account, "Your second factor was taken away", &lines, call).await?;
        let ends = Ends { clients: true, personal_tokens: false };
        everywhere(tx, &account, ends, AuditAction::SecondFactorReset, Some(&Actor::Operator), &[], call).await?.commit().await?;
        Ok(true)
    })
    .await
}

/// Whether members of the organisation who sign in with a password need a second factor.
pub async fn policy(db: &Db, who: &SignedIn, scope: OrgScope) -> Result<SecondFactorRule, Error> {
    let tx = db.read(scope).await?;
    Ok(SecondFactorRule {
        required: store::second_factors::required(&tx).await?,
        without: store::second_factors::members_without(&tx).await?,
        viewer_has: who.has_second_factor(),
        can_manage: who.role.may(Permission::ManageSecurity),
    })
}

/// Ask for a second factor from now on, or not any more. Sessions that were opened without one open nothing here while it is asked for.
pub async fn require(db: &Db, who: &SignedIn, scope: OrgScope, on: bool, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm_fresh(&tx, Permission::ManageSecurity, call.now).await?;
        // Whoever asks it of everybody is not shut out by it herself.
        if on && !who.has_second_factor() {
            return Err(Error::Conflict(
                "Set up a second factor for yourself first, under “Your account”. Nothing was changed.".to_owned(),
            ));
        }
        if !store::second_factors::set_required(&tx, on).await? {
            return Ok(());
        }
        let said = |on: bool| if on { "asked for" } else { "not asked for" }.to_owned();
        let details = vec![("before".to_owned(), said(!on)), ("after".to_owned(), said(on))];
        crate::audit::append(&tx, AuditAction::SecondFactorPolicyChanged, &who.actor(), None, details, call).await?;
        let what = if on {
            "members who sign in with a password need a second factor from now on"
        } else {
            "a second factor is not asked for any more"
        };
        let line = format!("{} decided: {what}.", alerts::name(&who.name));
        alerts::to_owners(&tx, "the rule for second factors was changed", &line, call).await?;
        tx.commit().await
    })
    .await
}

/// New recovery codes, and what is stored of them.
fn mint_recovery_codes(account: AccountId, call: &Call) -> (Vec<String>, Vec<SecretHash>) {
    let one = |_| {
        // 16 of 32 letters: 80 bits.
        let letters: String = call.random::<16>().iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
        format!("{}-{}-{}-{}", &letters[..4], &letters[4..8], &letters[8..12], &letters[12..])
    };
    let codes: Vec<String> = (0..RECOVERY_CODES).map(one).collect();
    let hashes = codes.iter().map(|code| recovery_hash(account, code)).collect();
    (codes, hashes)
}

/// What is stored of a recovery code, however it is typed.
fn recovery_hash(account: AccountId, code: &str) -> SecretHash {
    let letters = code.to_ascii_lowercase();
    let letters = letters.bytes().filter(|byte| ALPHABET.contains(byte));
    SecretHash::of(&Uuid::from(account).as_bytes().iter().copied().chain(letters).collect::<Vec<u8>>())
}
