//! What guessing is slowed to: requests from a blocked network take turns at the database and wait for their refusal, while everybody
//! else, and whoever has a good token, goes on.

use std::{future::Future, pin::Pin, time::Duration};

use futures_util::FutureExt;

use crate::support::{Answer, Engine, Idp, Org, TestApp, both_databases};

/// Refusals that may wait at once.
const PLACES: usize = 1_024;
const GUESSER: &str = "192.0.2.7";

type Guess = Pin<Box<dyn Future<Output = Answer> + Send>>;

/// A server whose refusals wait for an hour, and on which a network was blocked; who guesses from there.
async fn blocked(app: TestApp, acme: &Org) -> (TestApp, Idp) {
    let app = app.with_refusal_wait(Duration::from_secs(3_600));
    let guesser = app.idp(acme).with_authorization(Some("Bearer rcs_guess")).from(GUESSER);
    for _ in 0..30 {
        assert_eq!(guesser.get("/Users").await.status, 401);
    }
    assert_eq!(guesser.get("/Users").await.status, 429, "one too many: blocked from now on");
    app.state.settle().await;
    (app, guesser)
}

/// A guess that was sent.
fn sent(guesser: &Idp) -> Guess {
    let guesser = guesser.clone();
    Box::pin(async move { guesser.get("/Users").await })
}

/// The answer that is there by now; a thousand guesses are more than one task may poll before it has to yield.
fn answered(guess: &mut Guess) -> Option<Answer> {
    tokio::task::unconstrained(guess).now_or_never()
}

both_databases! {
    async fn a_guess_from_a_blocked_network_waits_and_a_good_token_from_there_does_not(app) {
        let acme = app.org("Acme").await;
        let (app, guesser) = blocked(app, &acme).await;
        let mut guesses: Vec<_> = (0..PLACES).map(|_| sent(&guesser)).collect();
        for (number, guess) in guesses.iter_mut().enumerate() {
            assert!(answered(guess).is_none(), "{number}");
        }
        assert_eq!(app.idp(&acme).from(GUESSER).get("/Users").await.status, 200, "a good token from there");
        assert_eq!(guesser.from("192.0.2.8").get("/Users").await.status, 401, "a guess from elsewhere");
        assert!(guesses.iter_mut().all(|guess| answered(guess).is_none()), "the others still wait");
    }

    /// What waits is memory: there are so many places, and whoever finds none is refused at once.
    async fn so_many_refusals_wait_and_the_rest_is_given_at_once(app) {
        let acme = app.org("Acme").await;
        let (_app, guesser) = blocked(app, &acme).await;
        let mut guesses: Vec<_> = (0..PLACES).map(|_| sent(&guesser)).collect();
        assert!(guesses.iter_mut().all(|guess| answered(guess).is_none()));
        assert_eq!(answered(&mut sent(&guesser)).expect("no place is left").status, 429);
        // Whoever hangs up gives the place back.
        guesses.pop();
        assert!(answered(&mut sent(&guesser)).is_none());
    }
}

/// However many guesses are on their way, they take one connection, and the others are there for everybody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_from_a_blocked_network_take_turns_at_the_database() {
    let app = TestApp::start(Engine::Postgres).await;
    let acme = app.org("Acme").await;
    let (app, guesser) = blocked(app, &acme).await;
    let another = app.org("Globex").await.token;
    let guesser = guesser.with_authorization(Some(&format!("Bearer {another}")));
    let owner = app.owner(&acme).await;
    let tokens = app.database.hold_lock("LOCK TABLE scim_tokens IN ACCESS EXCLUSIVE MODE").await;
    // More than there are connections.
    let mut guesses: Vec<_> = (0..50).map(|_| sent(&guesser)).collect();
    assert!(guesses.iter_mut().all(|guess| answered(guess).is_none()));
    assert_eq!(owner.call("invite", &[("org", "acme"), ("name", "Guest"), ("email", "guest@elsewhere.test")]).await.status, 200);
    tokens.rollback().await.unwrap();
    let _waiting: Vec<_> = guesses.into_iter().map(tokio::spawn).collect();
    assert_eq!(app.idp(&acme).from(GUESSER).get("/Users").await.status, 200, "a good token, after the turns of those before it");
}
