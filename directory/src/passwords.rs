//! Passwords: what is good enough, and hashing off the async threads.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use domain::{Invalid, password};
use tokio::{sync::Semaphore, task::spawn_blocking};

use crate::{Call, Error};

/// Hashes and verifies passwords with Argon2id, a few at a time, on threads that may block.
#[derive(Clone)]
pub struct Hasher {
    argon2: Argon2<'static>,
    // Each hash takes 19 MiB and a core: a rush of sign-ins queues here rather than taking the machine down.
    places: Arc<Semaphore>,
    // Verified when there is no account, so that its absence takes as long as a wrong password.
    dummy: Arc<str>,
}

impl Hasher {
    /// OWASP's parameters (Password Storage Cheat Sheet): 19 MiB, two passes, one lane. `parallel` hashes run at once.
    pub fn owasp(parallel: usize) -> Self {
        Self::with(Params::new(19 * 1024, 2, 1, None), parallel)
    }

    /// As weak as Argon2 gets: for tests, whose passwords protect nothing.
    pub fn fast_for_tests() -> Self {
        Self::with(Params::new(Params::MIN_M_COST, 1, 1, None), 8)
    }

    fn with(params: argon2::Result<Params>, parallel: usize) -> Self {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.unwrap_or_default());
        let dummy = argon2.hash_password_with_salt(b"nobody's password", &[0; 16]).map(|hash| hash.to_string()).unwrap_or_default();
        Self { argon2, places: Arc::new(Semaphore::new(parallel.max(1))), dummy: dummy.into() }
    }

    /// Check a new password and hash it. `about` are words that an attacker would try first: address, name, organisation.
    pub async fn hash_new(&self, password: String, about: Vec<String>, call: &Call) -> Result<String, Error> {
        password::check_length(&password)?;
        let salt: [u8; 16] = call.random();
        let argon2 = self.argon2.clone();
        self.off_thread(move || {
            check_guessable(&password, &about)?;
            let hash = argon2.hash_password_with_salt(password.as_bytes(), &salt);
            hash.map(|hash| hash.to_string()).map_err(|error| Error::Store(error.to_string()))
        })
        .await?
    }

    /// Whether `password` is the one that was hashed to `hash`; takes as long when there is no hash.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, Error> {
        if password.len() > password::LONGEST_BYTES {
            return Ok(false);
        }
        let known = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.dummy.to_string());
        let argon2 = self.argon2.clone();
        self.off_thread(move || {
            let parsed = PasswordHash::new(&hash).map_err(|error| Error::Store(error.to_string()))?;
            Ok(argon2.verify_password(password.as_bytes(), &parsed).is_ok() && known)
        })
        .await?
    }

    async fn off_thread<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
        tracing::trace!(target: "rollcall::passwords", "a password is hashed");
        let place = self.places.clone().acquire_owned().await.map_err(|error| Error::Unavailable(error.to_string()))?;
        let work = move || {
            // Held until the work is done, also when whoever asked for it has gone away.
            let _place = place;
            work()
        };
        spawn_blocking(work).await.map_err(|error| Error::Store(error.to_string()))
    }
}

/// Refuse what stands in lists of common passwords, or is made of the person's own words (OWASP ASVS 6.2.4).
fn check_guessable(password: &str, about: &[String]) -> Result<(), Invalid> {
    let about: Vec<&str> = about.iter().flat_map(|word| word.split(['@', '.', ' '])).filter(|word| word.chars().count() > 2).collect();
    let own_words = about.iter().fold(password.to_lowercase(), |rest, word| rest.replace(&word.to_lowercase(), ""));
    // A million guesses: at ten failures in a quarter of an hour, more than two years of trying at one account.
    if zxcvbn::zxcvbn(password, &about).guesses_log10() < 6.0 || own_words.chars().count() < 6 {
        return Err(Invalid::new(
            "password",
            "This password is among the first that an attacker would try. A few unrelated words are hard to guess and easy to keep.",
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_passwords_are_refused_however_long() {
        let about = ["mira.olsen@acme.test".to_owned(), "Acme Robotics".to_owned()];
        for common in ["password1234", "123456789012", "qwertyuiop123", "passwordpassword", "miraolsenacme", "aaaaaaaaaaaaaaaa"] {
            assert!(check_guessable(common, &about).is_err(), "{common}");
        }
        for good in
            ["violet tractor sings at dawn", "kx7-ghwq-22lm-zz", "ein ganz langer Satz über Enten und Fahrräder, der niemandem einfällt"]
        {
            assert!(check_guessable(good, &about).is_ok(), "{good}");
        }
    }
}
