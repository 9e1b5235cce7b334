//! Several nodes on one database, each a process of its own: who has left through one is refused by all, also while she refreshes her
//! tokens through another, and also when the node that lets her go is killed on the way.
//!
//! `ROLLCALL_TEST_RACES` says how many leavers there are; `make proof` asks for 10,000.

use std::{
    collections::HashMap,
    net::Ipv4Addr,
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
};

use futures_util::{
    StreamExt,
    future::{join, join_all},
    stream,
};
use http::header;
use reqwest::Client;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::support::{
    Engine, Org, TestApp, patch_active,
    process::{Process, rollcall},
    races, random,
};

const CLI: &str = "rollcall-cli";
/// How many leave at the same time.
const AT_ONCE: usize = 16;

/// Where requests come from, as the proxy in front of the nodes says it.
const FORWARDED: &str = "x-forwarded-for";

/// An address that nobody else has: what one leaver's dead credentials do to the limits concerns no other.
fn an_address() -> String {
    Ipv4Addr::from(random::<4>()).to_string()
}

/// A node, as the world reaches it.
struct Node {
    process: Process,
    client: Client,
}

/// Somebody with everything that lets her act.
struct Leaver {
    id: String,
    email: String,
    cookie: String,
    access: String,
    refresh: String,
    personal: String,
}

/// A database with an organisation, and a folder for the processes.
struct Scene {
    app: TestApp,
    acme: Org,
    folder: PathBuf,
    /// The activation links that were mailed and are not followed yet, by their addresses: who reads the mails that are due reads
    /// everybody's.
    links: Mutex<HashMap<String, String>>,
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Node {
    async fn status(&self, request: reqwest::RequestBuilder) -> u16 {
        request.send().await.map(|answer| answer.status().as_u16()).unwrap_or_default()
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.process.address)
    }

    /// The status of the directory's word that she has left; 0 when there was no answer.
    async fn let_go(&self, scene: &Scene, leaver: &Leaver) -> u16 {
        let body = serde_json::json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": patch_active(false) });
        let request = self.client.patch(self.url(&format!("/scim/{}/v2/Users/{}", scene.acme.id, leaver.id)));
        let request = request.bearer_auth(&scene.acme.token).header(header::CONTENT_TYPE, "application/scim+json");
        self.status(request.body(body.to_string())).await
    }

    /// Ask for the next tokens: the status, and the tokens.
    async fn refresh(&self, refresh: &str) -> (u16, Value) {
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("grant_type", "refresh_token"), ("client_id", CLI), ("refresh_token", refresh)])
            .finish();
        let request = self
            .client
            .post(self.url("/oauth/token"))
            .header(FORWARDED, an_address())
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        match request.body(form).send().await {
            Ok(answer) => (answer.status().as_u16(), answer.json().await.unwrap_or_default()),
            Err(_) => (0, Value::Null),
        }
    }

    async fn bearer_works(&self, token: &str) -> bool {
        let status = self.status(self.client.get(self.url("/api/v1/me")).header(FORWARDED, an_address()).bearer_auth(token)).await;
        assert!([200, 401].contains(&status), "{status}");
        status == 200
    }

    async fn session_works(&self, cookie: &str) -> bool {
        let request =
            self.client.post(self.url("/api/viewer")).header(header::COOKIE, cookie).header(header::ORIGIN, "https://id.rollcall.test");
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body("org=acme");
        let status = self.status(request).await;
        assert!([200, 401].contains(&status), "{status}");
        status == 200
    }

    /// How many of what she holds is accepted. The refresh token is tried last: a use of it uses it up.
    async fn accepted(&self, leaver: &Leaver) -> u64 {
        let session = self.session_works(&leaver.cookie).await;
        let access = self.bearer_works(&leaver.access).await;
        let personal = self.bearer_works(&leaver.personal).await;
        let (refresh, _) = self.refresh(&leaver.refresh).await;
        assert!([200, 400].contains(&refresh), "{refresh}");
        [session, access, personal, refresh == 200].into_iter().map(u64::from).sum()
    }
}

impl Scene {
    async fn set(engine: Engine) -> Self {
        let app = TestApp::start_a_day_ahead(engine).await;
        let acme = app.org("Acme").await;
        let folder = std::env::temp_dir().join(format!("rollcall-test-n{:032x}", u128::from_be_bytes(random())));
        std::fs::create_dir_all(&folder).unwrap();
        Self { app, acme, folder, links: Mutex::default() }
    }

    fn node(&self) -> Node {
        let mut command = rollcall(&self.folder, Some(&self.app.database.url));
        // The sessions' cookie is named after the address under which people reach all nodes.
        command.env("ROLLCALL_PUBLIC_URL", "https://id.rollcall.test").env("ROLLCALL_TRUSTED_PROXIES", "127.0.0.1");
        let client = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Node { process: Process::serve(command), client }
    }

    async fn leaver(&self, number: usize) -> Leaver {
        let email = format!("leaver{number}@acme.test");
        self.app.set_clock();
        let person = self.app.provision(&self.acme, &email).await;
        let browser = self.app.activate_by(&self.link(&email).await).await;
        let tokens = self.app.let_in(&self.acme, &browser, CLI).await;
        let personal = self.app.personal_token(&self.acme, &browser).await;
        Leaver { id: person.id, email, cookie: browser.cookie().unwrap(), access: tokens.access, refresh: tokens.refresh, personal }
    }

    async fn link(&self, email: &str) -> String {
        let mut links = self.links.lock().await;
        if !links.contains_key(email) {
            let mails = self.app.mails().await;
            links.extend(mails.iter().filter_map(|mail| Some((mail.address.clone(), mail.link()?.to_owned()))));
        }
        links.remove(email).expect("she was mailed a link")
    }

    /// What is alive of somebody in the database.
    async fn alive(&self, leaver: &Leaver) -> i64 {
        let sql = format!("SELECT count(*) FROM memberships m JOIN users u ON u.id = m.account_id WHERE u.email = '{}'", leaver.email);
        self.app.database.number(&sql).await
    }
}

/// A refresh through one node races the directory's word through another: whoever wins, no token is alive afterwards.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refresh_through_one_node_never_survives_a_leaving_through_another() {
    let scene = Scene::set(Engine::Postgres).await;
    let (left, right) = (scene.node(), scene.node());
    let (rounds, won) = (races(), AtomicU64::new(0));
    let race = async |number: usize| {
        let leaver = scene.leaver(number).await;
        // Both ways round, so that each is the first sometimes.
        let (status, (refreshed, tokens)) = if number.is_multiple_of(2) {
            join(left.let_go(&scene, &leaver), right.refresh(&leaver.refresh)).await
        } else {
            let (refreshed, status) = join(right.refresh(&leaver.refresh), left.let_go(&scene, &leaver)).await;
            (status, refreshed)
        };
        assert_eq!(status, 200);
        assert!([200, 400].contains(&refreshed), "{refreshed} {tokens}");
        won.fetch_add(u64::from(refreshed == 200), Ordering::Relaxed);
        for node in [&left, &right] {
            assert_eq!(node.accepted(&leaver).await, 0, "leaver {number}");
            if let Some(access) = tokens["access_token"].as_str() {
                assert!(!node.bearer_works(access).await, "leaver {number}: the new access token");
                assert_eq!(node.refresh(tokens["refresh_token"].as_str().unwrap()).await.0, 400, "leaver {number}: the new refresh token");
            }
        }
    };
    stream::iter(0..rounds).for_each_concurrent(AT_ONCE, race).await;
    for table in ["sessions", "api_sessions", "access_tokens", "refresh_tokens", "personal_tokens"] {
        assert_eq!(scene.app.database.number(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
    }
    println!("{rounds} races, of which the refresh won {}; surviving tokens: 0", won.into_inner());
}

/// Three nodes under load: the directory speaks to one, and the very next request to each of the others is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_left_through_one_node_is_refused_by_all_at_the_next_request() {
    let scene = Scene::set(Engine::Postgres).await;
    let nodes = [scene.node(), scene.node(), scene.node()];
    let colleague = scene.leaver(usize::MAX).await;
    let leavers = races();
    let (stale, checks, others) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    // Somebody who stays and works on all nodes while others leave, as a part of the load and as the control: she is never refused.
    let work = async || {
        let works = async |node: &Node| node.bearer_works(&colleague.personal).await && node.session_works(&colleague.cookie).await;
        assert!(join_all(nodes.iter().map(works)).await.into_iter().all(|works| works), "who stays is never refused");
        others.fetch_add(2 * u64::try_from(nodes.len()).unwrap(), Ordering::Relaxed);
    };
    let leave = async |number: usize| {
        let leaver = scene.leaver(number).await;
        let through = &nodes[number % nodes.len()];
        // What never worked would prove nothing. (The refresh token is left for afterwards: a use of it uses it up.)
        assert!(through.bearer_works(&leaver.access).await && through.session_works(&leaver.cookie).await);
        let leaves = async {
            assert_eq!(through.let_go(&scene, &leaver).await, 200);
            join_all(nodes.iter().map(|node| node.accepted(&leaver))).await
        };
        let (accepted, ()) = join(leaves, work()).await;
        stale.fetch_add(accepted.iter().sum(), Ordering::Relaxed);
        checks.fetch_add(4 * u64::try_from(nodes.len()).unwrap(), Ordering::Relaxed);
    };
    stream::iter(0..leavers).for_each_concurrent(AT_ONCE, leave).await;
    let (stale, checks, others) = (stale.into_inner(), checks.into_inner(), others.into_inner());
    println!("{leavers} leavers, {checks} tries on {} nodes beside {others} requests of others; stale acceptances: {stale}", nodes.len());
    assert_eq!(stale, 0);
}

/// The node is killed while it waits at a step of the leaving: nothing of it has happened, and the retry on another node converges.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_killed_at_any_step_of_a_leaving_has_done_nothing_of_it() {
    // Every table that a leaving reads with a lock or writes, in the order in which it comes to them, with those that the cascade
    // reaches.
    const STEPS: [&str; 16] = [
        "users",
        "scim_users",
        "members",
        "memberships",
        "sessions",
        "activation_links",
        "device_requests",
        "api_sessions",
        "access_tokens",
        "refresh_tokens",
        "personal_tokens",
        "role_grants",
        "team_seats",
        "audit_events",
        "outbox",
        "webhook_deliveries",
    ];
    let scene = Scene::set(Engine::Postgres).await;
    let owner = scene.app.owner(&scene.acme).await;
    scene.app.endpoint(&scene.acme, &owner, "http://127.0.0.1:9/", &[]).await;
    scene.app.database.try_run("UPDATE webhook_endpoints SET key_id = 'nobody delivers'").await.unwrap();
    let retry = scene.node();
    for (number, table) in STEPS.into_iter().enumerate() {
        let leaver = scene.leaver(number).await;
        let events = "SELECT count(*) FROM outbox";
        let before = (scene.alive(&leaver).await, scene.app.database.number(events).await);
        let mut node = scene.node();
        let process = node.process.id();
        let lock = scene.app.database.hold_lock(&format!("LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")).await;
        let (status, ()) = join(node.let_go(&scene, &leaver), async {
            // Those who deliver look at the same tables all the time: it is the leaving that has to wait.
            scene.app.database.until_a_change_waits_for_a_lock().await;
            kill(process);
        })
        .await;
        assert_eq!(status, 0, "{table}: there was no answer");
        lock.rollback().await.unwrap();
        node.process.kill();
        scene.app.database.until_nobody_is_within("rollcall_app").await;
        assert_eq!((scene.alive(&leaver).await, scene.app.database.number(events).await), before, "{table}: nothing of it has happened");
        assert!(retry.bearer_works(&leaver.access).await && retry.session_works(&leaver.cookie).await, "{table}");
        assert_eq!(retry.let_go(&scene, &leaver).await, 200, "{table}: the retry converges");
        assert_eq!(retry.accepted(&leaver).await, 0, "{table}");
        let told = format!(
            "SELECT count(*) FROM audit_events WHERE action = 'access.ended' AND target LIKE '%{}%'",
            leaver.email.split('@').next().unwrap()
        );
        assert!(scene.app.database.number(&told).await <= 1, "{table}: it is audited once");
    }
}

/// The same on SQLite, where nothing can be held up in the middle: the node is killed at a random moment, and it is all or nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_is_killed_at_a_random_moment_of_a_leaving_has_done_all_or_nothing() {
    let scene = Scene::set(Engine::Sqlite).await;
    let mut happened = 0;
    for number in 0..races().min(200) {
        let leaver = scene.leaver(number).await;
        let mut node = scene.node();
        let process = node.process.id();
        // Counted in answers, not in time: the same on a slow machine.
        let answers = random::<1>()[0] % 96;
        let (status, ()) = join(node.let_go(&scene, &leaver), async {
            for _ in 0..answers {
                node.status(node.client.get(node.url("/healthz"))).await;
            }
            kill(process);
        })
        .await;
        node.process.kill();
        let alive = scene.alive(&leaver).await;
        let after = scene.node();
        let accepted = after.accepted(&leaver).await;
        assert!((alive, accepted) == (1, 4) || (alive, accepted) == (0, 0), "leaver {number}: {alive} {accepted}");
        assert!(status != 200 || alive == 0, "what was acknowledged has happened");
        happened += i32::from(alive == 0);
        assert_eq!(after.let_go(&scene, &leaver).await, 200);
        assert_eq!(after.accepted(&leaver).await, 0);
    }
    println!("{happened} had left when the node was killed, the others had not");
}

fn kill(process: u32) {
    let run = std::process::Command::new("kill").args(["-9", &process.to_string()]).status().unwrap();
    assert!(run.success());
}
