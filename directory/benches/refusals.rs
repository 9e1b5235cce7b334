//! Whether the time of a refusal tells why a SCIM token was refused (law 1): dudect's t-test between pairs of reasons, on an embedded
//! database, in this process. A |t| below 10 is no difference that anybody could see.
//!
//! ```text
//! cargo bench -p directory --bench refusals                100,000 samples of each of the two reasons of a pair
//! cargo bench -p directory --bench refusals -- 5000        so many
//! cargo bench -p directory --bench refusals -- first_byte  the pairs whose names contain this
//! ```

#![expect(clippy::disallowed_methods, reason = "SCIM is switched off in the database, as nobody in the product may")]

use std::{
    hint::black_box,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use directory::{
    Call, Db, DbSettings, Randomness,
    founding::{self, Founder},
    passwords::Hasher,
    provisioning::tokens,
};
use domain::Timestamp;
use dudect_bencher::{
    BenchRng, Class, CtRunner,
    ctbench::{BenchMetadata, BenchName, BenchOpts, run_benches_console},
    rand::RngExt,
};
use migrations::{Migrator, MigratorTrait, sea_orm::ConnectionTrait};
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;

/// What is sent: an organisation's id as it stands in the URL, and an `Authorization` header.
struct Sent {
    org: String,
    authorization: String,
}

/// A database with three organisations, and one request for each reason to refuse it.
struct Scene {
    runtime: Runtime,
    db: Db,
    call: Call,
    unknown_token: Sent,
    unknown_org: Sent,
    first_byte: Sent,
    last_byte: Sent,
    disabled: Sent,
    foreign: Sent,
}

/// A comparison of two reasons.
type Comparison = fn(&mut CtRunner, &mut BenchRng);

static SCENE: OnceLock<Scene> = OnceLock::new();
static SAMPLES: OnceLock<usize> = OnceLock::new();

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let samples = arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(100_000);
    SAMPLES.get_or_init(|| samples);
    let filter = arguments.into_iter().find(|argument| argument.parse::<usize>().is_err());
    let folder = std::env::temp_dir().join(format!("rollcall-refusals-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    SCENE.get_or_init(|| Scene::make(&format!("sqlite:{}", folder.join("rollcall.db").display())));
    let pairs: [(&'static str, Comparison); 7] = [
        ("unknown_token_and_itself", |runner, rng| compare(runner, rng, |scene| (&scene.unknown_token, &scene.unknown_token))),
        ("unknown_token_and_unknown_org", |runner, rng| compare(runner, rng, |scene| (&scene.unknown_token, &scene.unknown_org))),
        ("unknown_token_and_wrong_first_byte", |runner, rng| compare(runner, rng, |scene| (&scene.unknown_token, &scene.first_byte))),
        ("unknown_token_and_wrong_last_byte", |runner, rng| compare(runner, rng, |scene| (&scene.unknown_token, &scene.last_byte))),
        ("unknown_token_and_disabled", |runner, rng| compare(runner, rng, |scene| (&scene.unknown_token, &scene.disabled))),
        ("unknown_token_and_foreign", |runner, rng| compare(runner, rng, |scene| (&scene.unknown_token, &scene.foreign))),
        ("wrong_first_byte_and_wrong_last_byte", |runner, rng| compare(runner, rng, |scene| (&scene.first_byte, &scene.last_byte))),
    ];
    let benches = pairs.into_iter().map(|(name, benchfn)| BenchMetadata { name: BenchName(name), seed: None, benchfn }).collect();
    let ran = run_benches_console(BenchOpts { continuous: false, filter, file_out: None }, benches);
    std::fs::remove_dir_all(&folder).unwrap();
    ran.unwrap();
}

/// Take samples of both in a random order: whatever else the machine does meanwhile, it does to both.
fn compare(runner: &mut CtRunner, rng: &mut BenchRng, pair: fn(&Scene) -> (&Sent, &Sent)) {
    let (Some(scene), Some(samples)) = (SCENE.get(), SAMPLES.get()) else { panic!("the scene was made") };
    let (left, right) = pair(scene);
    for _ in 0..1_000 {
        scene.refuse(left);
        scene.refuse(right);
    }
    for _ in 0..2 * samples {
        if rng.random::<bool>() {
            runner.run_one(Class::Left, || scene.refuse(left));
        } else {
            runner.run_one(Class::Right, || scene.refuse(right));
        }
    }
}

impl Scene {
    fn make(url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let calls = Arc::new(AtomicU64::new(0));
        let randomness: Randomness = Arc::new(move |bytes| {
            for chunk in bytes.chunks_mut(32) {
                let digest = Sha256::digest(calls.fetch_add(1, Ordering::Relaxed).to_be_bytes());
                chunk.copy_from_slice(&digest[..chunk.len()]);
            }
        });
        let call = Call::new(Timestamp::from_micros(1_800_000_000_000_000), randomness);
        let (db, orgs) = runtime.block_on(async {
            let db = Db::connect(&DbSettings::new(url)).await.unwrap();
            Migrator::up(db.migrator(), None).await.unwrap();
            let mut orgs = vec![];
            for name in ["Acme", "Globex", "Off"] {
                let founder = Founder {
                    org_name: name.to_owned(),
                    name: "Owner".to_owned(),
                    email: format!("owner@{name}.test"),
                    password: "violet tractor sings at dawn".to_owned(),
                };
                let made = founding::bootstrap(&db, &Hasher::fast_for_tests(), founder, true, &call).await.unwrap();
                orgs.push((made.org.to_string(), made.token.unwrap()));
            }
            let off = "UPDATE scim_connections SET status = 'disabled' WHERE org_id = (SELECT id FROM organizations WHERE slug = 'off')";
            db.migrator().execute_unprepared(off).await.unwrap();
            (db, orgs)
        });
        let [(acme, token), (globex, _), (off, off_token)] = <[_; 3]>::try_from(orgs).unwrap();
        let sent = |org: &str, token: &str| Sent { org: org.to_owned(), authorization: format!("Bearer {token}") };
        Self {
            runtime,
            db,
            call,
            // Of the id, a digit in the middle; of the secret, its first and its last character.
            unknown_token: sent(&acme, &altered(&token, 20)),
            unknown_org: sent("0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10", &token),
            first_byte: sent(&acme, &altered(&token, 37)),
            last_byte: sent(&acme, &altered(&token, 79)),
            disabled: sent(&off, &off_token),
            foreign: sent(&globex, &token),
        }
    }

    fn refuse(&self, sent: &Sent) {
        let answer = self.runtime.block_on(tokens::authenticate(&self.db, &sent.org, Some(black_box(&sent.authorization)), &self.call));
        assert!(black_box(answer).is_err());
    }
}

/// The token with another character at `at`, and the checksum that belongs to it.
fn altered(token: &str, at: usize) -> String {
    let mut body = token[..token.len() - 8].to_owned();
    let other = if &body[at..=at] == "a" { "b" } else { "a" };
    body.replace_range(at..=at, other);
    format!("{body}{:08x}", crc32fast::hash(body.as_bytes()))
}
