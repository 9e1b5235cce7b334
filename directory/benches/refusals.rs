//! Whether the time of a refusal tells why a SCIM token was refused (law 1), in this process.
//!
//! ```text
//! cargo bench -p directory --bench refusals                100,000 samples of each of the two reasons of a pair
//! cargo bench -p directory --bench refusals -- 5000        so many
//! cargo bench -p directory --bench refusals -- first_byte  the pairs whose names contain this
//! ROLLCALL_BENCH_POSTGRES=postgres://…                     an empty database to measure as well, as its owner
//! ```

#![expect(clippy::disallowed_methods, reason = "SCIM is switched off in the database, as nobody in the product may")]

mod support;

use std::{
    hint::black_box,
    sync::{PoisonError, RwLock},
};

use directory::provisioning::tokens;
use dudect_bencher::{BenchRng, CtRunner};
use migrations::sea_orm::ConnectionTrait;
use support::{Comparison, Stage, on_each_engine};

/// What is sent: an organisation's id as it stands in the URL, and an `Authorization` header.
struct Sent {
    org: String,
    authorization: String,
}

/// A database with three organisations, and one request for each reason to refuse it.
struct Scene {
    stage: Stage,
    unknown_token: Sent,
    unknown_org: Sent,
    first_byte: Sent,
    last_byte: Sent,
    disabled: Sent,
    foreign: Sent,
}

static SCENE: RwLock<Option<Scene>> = RwLock::new(None);

fn main() {
    let pairs: [(&'static str, Comparison); 7] = [
        ("unknown_token_and_itself", |runner, rng| compare(runner, rng, |scene| [&scene.unknown_token, &scene.unknown_token])),
        ("unknown_token_and_unknown_org", |runner, rng| compare(runner, rng, |scene| [&scene.unknown_token, &scene.unknown_org])),
        ("unknown_token_and_wrong_first_byte", |runner, rng| compare(runner, rng, |scene| [&scene.unknown_token, &scene.first_byte])),
        ("unknown_token_and_wrong_last_byte", |runner, rng| compare(runner, rng, |scene| [&scene.unknown_token, &scene.last_byte])),
        ("unknown_token_and_disabled", |runner, rng| compare(runner, rng, |scene| [&scene.unknown_token, &scene.disabled])),
        ("unknown_token_and_foreign", |runner, rng| compare(runner, rng, |scene| [&scene.unknown_token, &scene.foreign])),
        ("wrong_first_byte_and_wrong_last_byte", |runner, rng| compare(runner, rng, |scene| [&scene.first_byte, &scene.last_byte])),
    ];
    on_each_engine("refusals", 100_000, &pairs, |stage| {
        *SCENE.write().unwrap_or_else(PoisonError::into_inner) = Some(Scene::make(stage));
    });
}

fn compare(runner: &mut CtRunner, rng: &mut BenchRng, pair: fn(&Scene) -> [&Sent; 2]) {
    let scene = SCENE.read().unwrap_or_else(PoisonError::into_inner);
    let Some(scene) = scene.as_ref() else { panic!("the scene was made") };
    let call = scene.stage.call();
    let refuse = |sent: &&Sent| {
        let answer = tokens::authenticate(&scene.stage.db, &sent.org, Some(black_box(&sent.authorization)), &call);
        assert!(black_box(scene.stage.runtime.block_on(answer)).is_err());
    };
    support::compare(runner, rng, pair(scene), |sent| sent, refuse, || ());
}

impl Scene {
    fn make(stage: Stage) -> Self {
        let made = ["Acme", "Globex", "Off"].map(|name| {
            let made = stage.organisation(name, &format!("owner@{name}.test"));
            (made.org.to_string(), made.token.unwrap())
        });
        let off = "UPDATE scim_connections SET status = 'disabled' WHERE org_id = (SELECT id FROM organizations WHERE slug = 'off')";
        stage.runtime.block_on(stage.owner.migrator().execute_unprepared(off)).unwrap();
        let [(acme, token), (globex, _), (off, off_token)] = made;
        let sent = |org: &str, token: &str| Sent { org: org.to_owned(), authorization: format!("Bearer {token}") };
        Self {
            stage,
            // Of the id, a digit in the middle; of the secret, its first and its last character.
            unknown_token: sent(&acme, &altered(&token, 20)),
            unknown_org: sent("0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10", &token),
            first_byte: sent(&acme, &altered(&token, 37)),
            last_byte: sent(&acme, &altered(&token, 79)),
            disabled: sent(&off, &off_token),
            foreign: sent(&globex, &token),
        }
    }
}

/// The token with another character at `at`, and the checksum that belongs to it.
fn altered(token: &str, at: usize) -> String {
    let mut body = token[..token.len() - 8].to_owned();
    let other = if &body[at..=at] == "a" { "b" } else { "a" };
    body.replace_range(at..=at, other);
    format!("{body}{:08x}", crc32fast::hash(body.as_bytes()))
}
