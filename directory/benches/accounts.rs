//! Whether the time of an answer tells if there is an account, in this process: of a sign-in that fails, and of asking for a link that
//! sets a password. Passwords are hashed as weakly as Argon2 can, so that what differs besides would show.
//!
//! ```text
//! cargo bench -p directory --bench accounts             20,000 samples of each of the two addresses of a pair
//! cargo bench -p directory --bench accounts -- 5000     so many
//! cargo bench -p directory --bench accounts -- reset    the pairs whose names contain this
//! cargo bench -p directory --bench accounts -- after    not the answer's own time, but that of the next one: only if it is asked for
//! ROLLCALL_BENCH_POSTGRES=postgres://…                  an empty database to measure as well, as its owner
//! ```

#![expect(clippy::disallowed_methods, reason = "a password is taken away in the database, as nobody in the product may")]

mod support;

use std::{
    hint::black_box,
    sync::{PoisonError, RwLock},
};

use directory::{
    Afterwards, Call, Error, account,
    keys::Keys,
    sign_in::{self, Credentials, Wanted},
};
use dudect_bencher::{BenchRng, CtRunner};
use migrations::sea_orm::ConnectionTrait;
use support::{Comparison, Stage, on_each_engine};

// All of one length.
const KNOWN: &str = "owner01@rollcall.test";
const INVITED: &str = "owner02@rollcall.test";
const UNKNOWN: &str = "owner03@rollcall.test";
const NOBODY: &str = "owner04@rollcall.test";

/// A database with somebody who has a password, and somebody who was invited and has none.
struct Scene {
    stage: Stage,
    keys: Keys,
    afterwards: Afterwards,
}

static SCENE: RwLock<Option<Scene>> = RwLock::new(None);

fn main() {
    let mut pairs: Vec<(&'static str, Comparison)> = vec![
        ("sign_in_of_unknown_and_another_unknown", |runner, rng| sign_in(runner, rng, [UNKNOWN, NOBODY])),
        ("sign_in_of_known_and_unknown", |runner, rng| sign_in(runner, rng, [KNOWN, UNKNOWN])),
        ("sign_in_of_invited_and_unknown", |runner, rng| sign_in(runner, rng, [INVITED, UNKNOWN])),
        ("reset_of_unknown_and_another_unknown", |runner, rng| reset(runner, rng, [UNKNOWN, NOBODY])),
        ("reset_of_known_and_unknown", |runner, rng| reset(runner, rng, [KNOWN, UNKNOWN])),
        ("reset_of_invited_and_unknown", |runner, rng| reset(runner, rng, [INVITED, UNKNOWN])),
    ];
    if std::env::args().any(|argument| argument == "after") {
        pairs.push(("sign_in_after_that_of_known_and_of_unknown", |runner, rng| sign_in_after(runner, rng, [KNOWN, UNKNOWN])));
    }
    on_each_engine("accounts", 20_000, &pairs, |stage| {
        *SCENE.write().unwrap_or_else(PoisonError::into_inner) = Some(Scene::make(stage));
    });
}

fn on(scene: impl FnOnce(&Scene)) {
    let made = SCENE.read().unwrap_or_else(PoisonError::into_inner);
    let Some(made) = made.as_ref() else { panic!("the scene was made") };
    scene(made);
}

/// A sign-in with a wrong password.
fn sign_in(runner: &mut CtRunner, rng: &mut BenchRng, emails: [&str; 2]) {
    on(|scene| {
        let timed = |(email, call): &(&str, Call)| scene.sign_in(email, call);
        support::compare(runner, rng, emails, |email| (email, scene.stage.call()), timed, || scene.settle());
    });
}

/// A sign-in as nobody, right after one whose failure is still to be noted.
fn sign_in_after(runner: &mut CtRunner, rng: &mut BenchRng, emails: [&str; 2]) {
    on(|scene| {
        let before = |email| {
            scene.sign_in(email, &scene.stage.call());
            scene.stage.call()
        };
        support::compare(runner, rng, emails, before, |call| scene.sign_in(NOBODY, call), || scene.settle());
    });
}

/// Asking for a link that sets a password.
fn reset(runner: &mut CtRunner, rng: &mut BenchRng, emails: [&str; 2]) {
    on(|scene| {
        let timed = |(email, call): &(&str, Call)| {
            let asked = account::ask_for_reset(&scene.stage.db, black_box(*email).to_owned(), call);
            black_box(scene.stage.runtime.block_on(asked)).unwrap();
        };
        support::compare(runner, rng, emails, |email| (email, scene.stage.call()), timed, || scene.settle());
    });
}

impl Scene {
    fn make(stage: Stage) -> Self {
        stage.organisation("Acme", KNOWN);
        stage.organisation("Globex", INVITED);
        let invited = format!("UPDATE users SET password_hash = NULL WHERE email_key = '{INVITED}'");
        stage.runtime.block_on(stage.owner.migrator().execute_unprepared(&invited)).unwrap();
        let afterwards = stage.runtime.block_on(async { Afterwards::start() });
        let keys = Keys::read(&Keys::new_line(&stage.call().randomness)).unwrap();
        Self { stage, keys, afterwards }
    }

    fn sign_in(&self, email: &str, call: &Call) {
        let Stage { db, hasher, .. } = &self.stage;
        let credentials = Credentials { email: black_box(email).to_owned(), password: "not her password".to_owned() };
        let wanted = Wanted::default();
        let answer = sign_in::with_password(db, hasher, &self.keys, &self.afterwards, credentials, &wanted, call);
        assert!(matches!(black_box(self.stage.runtime.block_on(answer)), Err(Error::WrongCredentials)));
    }

    /// What is written after an answer is not a part of it.
    fn settle(&self) {
        self.stage.runtime.block_on(self.afterwards.settle());
    }
}
