//! What the measurements of time share: a database of each engine, and samples of two classes in a random order.
//!
//! Both sets of samples are compared by dudect's t-test. A |t| below 10 is no difference that anybody could see.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

use directory::{
    Call, Db, DbSettings, Randomness, doctor,
    founding::{self, Bootstrapped, Founder},
    passwords::Hasher,
};
use domain::Timestamp;
use dudect_bencher::{
    BenchRng, Class, CtRunner,
    ctbench::{BenchMetadata, BenchName, BenchOpts, run_benches_console},
    rand::RngExt,
};
use migrations::{Migrator, MigratorTrait, enforce, grant_to_application};
use sha2::{Digest, Sha256};
use tokio::runtime::Runtime;

/// A comparison of two classes.
pub type Comparison = fn(&mut CtRunner, &mut BenchRng);

/// The password of everybody who has one.
pub const PASSWORD: &str = "violet tractor sings at dawn";

static SAMPLES: OnceLock<usize> = OnceLock::new();

/// An empty database with its tables, and what a use case needs besides.
pub struct Stage {
    pub runtime: Runtime,
    /// As the server reaches it.
    pub db: Db,
    /// As its owner does, who may do what the server may not.
    pub owner: Db,
    pub hasher: Hasher,
    randomness: Randomness,
    now: AtomicI64,
}

impl Stage {
    /// On `url`, on PostgreSQL as `rollcall_owner`.
    fn set(url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let calls = Arc::new(AtomicU64::new(0));
        let randomness: Randomness = Arc::new(move |bytes| {
            for chunk in bytes.chunks_mut(32) {
                let digest = Sha256::digest(calls.fetch_add(1, Ordering::Relaxed).to_be_bytes());
                chunk.copy_from_slice(&digest[..chunk.len()]);
            }
        });
        let (db, owner) = runtime.block_on(async {
            let mut settings = DbSettings::new(url);
            let owner = Db::connect(&settings).await.unwrap();
            Migrator::up(owner.migrator(), None).await.unwrap();
            enforce(owner.migrator()).await.unwrap();
            doctor::make_doors(&owner).await.unwrap();
            grant_to_application(owner.migrator()).await.unwrap();
            if !settings.is_sqlite() {
                // As in production: whoever owns the tables is held by no policy.
                settings = DbSettings::new(url.replace("//rollcall_owner@", "//rollcall_app@"));
            }
            (Db::connect(&settings).await.unwrap(), owner)
        });
        let now = AtomicI64::new(1_800_000_000_000_000);
        Self { runtime, db, owner, hasher: Hasher::fast_for_tests(), randomness, now }
    }

    /// A request, a quarter of an hour and more after the one before: what was counted then is counted no longer.
    pub fn call(&self) -> Call {
        let now = self.now.fetch_add(16 * 60 * 1_000_000, Ordering::Relaxed);
        let mut call = Call::new(Timestamp::from_micros(now), self.randomness.clone());
        call.ip = Some("192.0.2.7".to_owned());
        call
    }

    /// An organisation whose owner has this address.
    pub fn organisation(&self, name: &str, email: &str) -> Bootstrapped {
        let founder =
            Founder { org_name: name.to_owned(), name: "Owner".to_owned(), email: email.to_owned(), password: PASSWORD.to_owned() };
        let call = self.call();
        self.runtime.block_on(founding::bootstrap(&self.db, &self.hasher, founder, true, &call)).unwrap()
    }
}

/// Run those of the comparisons that were asked for on the command line, with so many samples or else `samples` of each class: on SQLite,
/// and on the empty database at ROLLCALL_BENCH_POSTGRES, if that is set. `play` makes what they compare.
pub fn on_each_engine(name: &str, samples: usize, comparisons: &[(&'static str, Comparison)], play: impl Fn(Stage)) {
    // `cargo bench` adds a flag of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    SAMPLES.get_or_init(|| arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(samples));
    let filter = arguments.into_iter().find(|argument| argument.parse::<usize>().is_err());
    let folder = std::env::temp_dir().join(format!("rollcall-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let mut engines = vec![("SQLite", format!("sqlite:{}", folder.join("rollcall.db").display()))];
    engines.extend(std::env::var("ROLLCALL_BENCH_POSTGRES").ok().map(|url| ("PostgreSQL", url)));
    for (engine, url) in engines {
        println!("{engine}:");
        play(Stage::set(&url));
        let benches =
            comparisons.iter().map(|(name, benchfn)| BenchMetadata { name: BenchName(name), seed: None, benchfn: *benchfn }).collect();
        run_benches_console(BenchOpts { continuous: false, filter: filter.clone(), file_out: None }, benches).unwrap();
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

/// Take samples of both classes in a random order: whatever else the machine does meanwhile, it does to both. Only `timed` is; what comes
/// `before` and `after` it is not.
pub fn compare<'a, T: ?Sized, P>(
    runner: &mut CtRunner,
    rng: &mut BenchRng,
    [left, right]: [&'a T; 2],
    before: impl Fn(&'a T) -> P,
    timed: impl Fn(&P),
    after: impl Fn(),
) {
    let samples = SAMPLES.get().copied().unwrap_or_default();
    for _ in 0..samples.min(1_000) {
        for class in [left, right] {
            timed(&before(class));
            after();
        }
    }
    for _ in 0..2 * samples {
        let is_left = rng.random::<bool>();
        let prepared = before(if is_left { left } else { right });
        runner.run_one(if is_left { Class::Left } else { Class::Right }, || timed(&prepared));
        after();
    }
}
