//! A server that is killed while identity providers write: whatever it has acknowledged is there, and nothing is
//! half-done.
//!
//! Each identity provider keeps account of what it was told. When the answers stop, its last request may have happened
//! or not, but only as a whole.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    process::Command,
    sync::{
        atomic::{AtomicBool, Ordering},
        mpsc::{Sender, channel},
    },
    thread,
};

use serde_json::{Value, json};

use crate::support::{
    Engine, Rows, make_database, operator_database,
    process::{Process, Wire, bootstrap, rollcall},
    races, random,
};

const PROVIDERS: usize = 5;

/// What an identity provider knows of one of its users.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Person {
    active: bool,
    display_name: String,
    email: String,
    /// In the provider's own group.
    in_own: bool,
    /// In the group that all providers change.
    in_shared: bool,
}

/// What one identity provider has been told. Its own group's name changes with each change of its members.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
struct World {
    group: String,
    people: BTreeMap<String, Person>,
}

/// One identity provider, over all rounds.
struct Provider {
    number: usize,
    group: String,
    shared: String,
    ids: BTreeMap<String, String>,
    known: World,
    /// What is so if the last request, whose answer did not come, has happened.
    pending: Option<World>,
    requests: u32,
    dice: u64,
}

struct Request {
    method: &'static str,
    path: String,
    body: Option<Value>,
    after: World,
    creates: Option<String>,
}

impl Provider {
    fn new(number: usize, shared: &str, wire: &mut Wire) -> Self {
        let name = format!("group {number}.0");
        let group = make_group(wire, &name);
        Self {
            number,
            group,
            shared: shared.to_owned(),
            ids: BTreeMap::new(),
            known: World { group: name, people: BTreeMap::new() },
            pending: None,
            requests: 0,
            dice: u64::from_be_bytes(random()) | 1,
        }
    }

    fn roll(&mut self, sides: usize) -> usize {
        // xorshift: which request comes next has to vary, no more.
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        usize::try_from(self.dice % u64::try_from(sides).unwrap()).unwrap()
    }

    fn somebody(&mut self) -> String {
        let at = self.roll(self.known.people.len());
        self.known.people.keys().nth(at).unwrap().clone()
    }

    fn next(&mut self) -> Request {
        self.requests += 1;
        let serial = format!("{}.{}", self.number, self.requests);
        let mut after = self.known.clone();
        let people = self.known.people.len();
        let choice = if people < 3 { 0 } else { self.roll(if people < 6 { 6 } else { 8 }) };
        if choice == 0 {
            let name = format!("user-{serial}@acme.test");
            let active = self.roll(4) > 0;
            let person = Person { active, display_name: serial.clone(), email: name.clone(), in_own: false, in_shared: false };
            after.people.insert(name.clone(), person);
            let body = json!({
                "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
                "userName": name, "externalId": format!("x-{serial}"), "displayName": serial, "active": active,
                "emails": [{ "type": "work", "primary": true, "value": name }],
            });
            return Request { method: "POST", path: "/Users".to_owned(), body: Some(body), after, creates: Some(name) };
        }
        let name = self.somebody();
        let id = self.ids[&name].clone();
        let person = after.people.get_mut(&name).unwrap();
        let user = format!("/Users/{id}");
        let (method, path, operations) = match choice {
            1 => {
                person.active = !person.active;
                person.display_name = serial.clone();
                let operations = json!([
                    { "op": "replace", "path": "displayName", "value": serial },
                    { "op": "replace", "value": { "active": person.active } },
                ]);
                ("PATCH", user, operations)
            }
            2 => {
                person.email = format!("mail-{serial}@acme.test");
                ("PATCH", user, json!([{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": person.email }]))
            }
            // A new name, two who come and one who goes: all of it or nothing.
            3 | 4 => {
                let goes = name;
                let comes: BTreeSet<_> = [self.somebody(), self.somebody()].into_iter().filter(|comes| *comes != goes).collect();
                let members: Vec<_> = comes.iter().map(|name| json!({ "value": self.ids[name] })).collect();
                after.group = format!("group {serial}");
                for name in comes {
                    after.people.get_mut(&name).unwrap().in_own = true;
                }
                after.people.get_mut(&goes).unwrap().in_own = false;
                let operations = json!([
                    { "op": "add", "path": "members", "value": members },
                    { "op": "remove", "path": "members", "value": [{ "value": id }] },
                    { "op": "replace", "path": "displayName", "value": after.group },
                ]);
                ("PATCH", format!("/Groups/{}", self.group), operations)
            }
            5 => {
                person.in_shared = !person.in_shared;
                let op = if person.in_shared { "add" } else { "remove" };
                ("PATCH", format!("/Groups/{}", self.shared), json!([{ "op": op, "path": "members", "value": [{ "value": id }] }]))
            }
            _ => {
                after.people.remove(&name);
                return Request { method: "DELETE", path: user, body: None, after, creates: None };
            }
        };
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations });
        Request { method, path, body: Some(body), after, creates: None }
    }

    /// Write until no answer comes, or it is time to look.
    fn write(&mut self, wire: &mut Wire, answered: &Sender<()>, look: &AtomicBool) {
        while !look.load(Ordering::Relaxed) {
            let request = self.next();
            match wire.send(request.method, &request.path, request.body.as_ref()) {
                Ok((200 | 201 | 204, answer)) => {
                    if let Some(name) = request.creates {
                        self.ids.insert(name, answer["id"].as_str().unwrap().to_owned());
                    }
                    self.known = request.after;
                    // Whoever counts may have stopped counting.
                    let _ = answered.send(());
                }
                // The database went away under the server: it cannot tell what became of the request.
                Err(_) | Ok((503, _)) => {
                    self.pending = Some(request.after);
                    return;
                }
                Ok((status, answer)) => panic!("{} {}: {status} {answer}", request.method, request.path),
            }
        }
    }

    /// Compare what was acknowledged with what is there, and go on from what is there. Whether the last request happened.
    fn compare(&mut self, seen: &Seen) -> bool {
        let mine = |name: &String| name.starts_with(&format!("user-{}.", self.number));
        let people = seen.people.iter().filter(|(name, _)| mine(name)).map(|(name, (id, active, display_name, email))| {
            let is_in = |group: &String| seen.groups[group].1.contains(id);
            let (display_name, email) = (display_name.clone(), email.clone());
            let person = Person { active: *active, display_name, email, in_own: is_in(&self.group), in_shared: is_in(&self.shared) };
            (name.clone(), person)
        });
        let there = World { group: seen.groups[&self.group].0.clone(), people: people.collect() };
        let pending = self.pending.take();
        let happened = there != self.known;
        let why = format!("acknowledged {:#?}\nor, with the last request, {pending:#?}\nfound {there:#?}", self.known);
        assert!(!happened || Some(&there) == pending.as_ref(), "{why}");
        self.ids = seen.people.iter().filter(|(name, _)| mine(name)).map(|(name, (id, ..))| (name.clone(), id.clone())).collect();
        self.known = there;
        happened
    }
}

fn make_group(wire: &mut Wire, name: &str) -> String {
    let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name });
    let (status, answer) = wire.send("POST", "/Groups", Some(&body)).unwrap();
    assert_eq!(status, 201, "{answer}");
    answer["id"].as_str().unwrap().to_owned()
}

/// Everything there is, as SCIM shows it.
struct Seen {
    /// By userName: id, active, displayName, e-mail address.
    people: BTreeMap<String, (String, bool, String, String)>,
    /// By id: displayName, ids of the members.
    groups: BTreeMap<String, (String, BTreeSet<String>)>,
}

impl Seen {
    fn read(wire: &mut Wire) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let person = |user: Value| {
            let rest = (text(&user["id"]), user["active"] == true, text(&user["displayName"]), text(&user["emails"][0]["value"]));
            (text(&user["userName"]), rest)
        };
        let group = |group: Value| {
            let members = group["members"].as_array().into_iter().flatten().map(|member| text(&member["value"]));
            (text(&group["id"]), (text(&group["displayName"]), members.collect()))
        };
        let people = all(wire, "/Users").into_iter().map(person).collect();
        Self { people, groups: all(wire, "/Groups").into_iter().map(group).collect() }
    }
}

fn all(wire: &mut Wire, endpoint: &str) -> Vec<Value> {
    let mut found = vec![];
    loop {
        let (status, page) = wire.send("GET", &format!("{endpoint}?startIndex={}", found.len() + 1), None).unwrap();
        assert_eq!(status, 200, "{page}");
        found.extend(page["Resources"].as_array().unwrap().iter().cloned());
        if page["totalResults"] == found.len() {
            return found;
        }
    }
}

/// Questions whose answer is 0 when nothing is half-done.
const HALF_DONE: &[(&str, &str)] = &[
    (
        "a user is active and has a membership, or neither",
        "SELECT count(*) FROM scim_users u LEFT JOIN memberships m ON m.member_id = u.member_id
         WHERE (u.active AND u.deleted_at IS NULL) <> (m.id IS NOT NULL)",
    ),
    (
        "an account counts its memberships",
        "SELECT count(*) FROM users a WHERE live_memberships <> (SELECT count(*) FROM memberships m WHERE m.account_id = a.id)",
    ),
    (
        "a user was created once, by the audit log",
        "SELECT count(*) FROM scim_users u
         WHERE 1 <> (SELECT count(*) FROM audit_events e WHERE e.target_id = u.id AND e.action = 'user.created')",
    ),
    (
        "who was created, by the audit log, is there",
        "SELECT count(*) FROM audit_events e WHERE action = 'user.created' AND NOT EXISTS (SELECT 1 FROM scim_users u WHERE u.id = e.target_id)",
    ),
    (
        "who was deleted was deleted once, by the audit log",
        "SELECT count(*) FROM scim_users u WHERE CASE WHEN deleted_at IS NULL THEN 0 ELSE 1 END
            <> (SELECT count(*) FROM audit_events e WHERE e.target_id = u.id AND e.action = 'user.deleted')",
    ),
    (
        "each version of a user is one change in the audit log",
        "SELECT count(*) FROM scim_users u
         WHERE version <> 1 + (SELECT count(*) FROM audit_events e WHERE e.target_id = u.id AND e.action = 'user.changed')",
    ),
    (
        "each change of a group in the audit log is a version",
        "SELECT count(*) FROM scim_groups g
         WHERE version < 1 + (SELECT count(*) FROM audit_events e WHERE e.target_id = g.id AND e.action = 'group.changed')",
    ),
    (
        "a membership began and ended as the audit log says",
        "SELECT count(*) FROM members p WHERE managed_by = 'directory' AND
            (SELECT count(*) FROM audit_events e WHERE e.target_id = p.id AND e.action = 'access.began')
            - (SELECT count(*) FROM audit_events e WHERE e.target_id = p.id AND e.action = 'access.ended')
            <> (SELECT count(*) FROM memberships m WHERE m.member_id = p.id)",
    ),
    (
        "each end of access has its receipt, and each receipt its end",
        "SELECT count(*) FROM members p WHERE
            (SELECT count(*) FROM audit_events e WHERE e.target_id = p.id AND e.action = 'access.ended')
            <> (SELECT count(*) FROM offboarding_receipts r WHERE r.member_id = p.id)",
    ),
    (
        "nobody is in a group after her deletion",
        "SELECT count(*) FROM scim_group_members g JOIN scim_users u ON u.id = g.user_id WHERE u.deleted_at IS NOT NULL",
    ),
    (
        "nothing is found by the values of who was deleted",
        "SELECT count(*) FROM scim_user_values v JOIN scim_users u ON u.id = v.user_id WHERE u.deleted_at IS NOT NULL",
    ),
    (
        "whoever is new and may enter is invited",
        "SELECT count(*) FROM scim_users u JOIN memberships m ON m.member_id = u.member_id
         WHERE u.version = 1 AND NOT EXISTS (SELECT 1 FROM mail_queue q WHERE q.membership_id = m.id)",
    ),
];

/// A database that outlives the server.
struct Scene {
    folder: PathBuf,
    /// PostgreSQL, as its owner.
    url: Option<String>,
    /// A PostgreSQL of our own, which is crashed instead of the server.
    cluster: Option<PathBuf>,
    rounds: usize,
}

impl Drop for Scene {
    fn drop(&mut self) {
        if let Some(cluster) = &self.cluster {
            postgres("stop", cluster);
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Scene {
    /// The program, as the role that owns nothing.
    fn rollcall(&self) -> Command {
        rollcall(&self.folder, self.url.as_deref())
    }

    async fn rows(&self) -> Rows {
        match &self.url {
            Some(url) => Rows::open(url).await,
            None => Rows::open(&format!("sqlite:{}", self.folder.join("rollcall.db").display())).await,
        }
    }

    async fn plays(self) {
        if let Some(url) = &self.url {
            let run = rollcall(&self.folder, Some(url)).arg("migrate").output().unwrap();
            assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        }
        let (org, token) = bootstrap(self.rollcall(), &self.folder);
        let mut server = Process::serve(self.rollcall());
        let mut wire = Wire::new(&server.address, &org, &token);
        let shared = make_group(&mut wire, "everybody");
        let mut providers: Vec<_> = (0..PROVIDERS).map(|number| Provider::new(number, &shared, &mut wire)).collect();

        for round in 0..self.rounds {
            let (answered, answers) = channel();
            let look = AtomicBool::new(false);
            let address = server.address.clone();
            // Counted in answers, not in time: the same on a slow machine.
            let enough = 10 + usize::from(random::<1>()[0]) / 8;
            providers = thread::scope(|scope| {
                let (address, org, token, look) = (&address, &org, &token, &look);
                let writing = |mut provider: Provider| {
                    let answered = answered.clone();
                    scope.spawn(move || {
                        provider.write(&mut Wire::new(address, org, token), &answered, look);
                        provider
                    })
                };
                let writing: Vec<_> = providers.drain(..).map(writing).collect();
                drop(answered);
                for _ in 0..enough {
                    answers.recv().unwrap();
                }
                match &self.cluster {
                    None => server.kill(),
                    Some(cluster) => drop(postgres("crash", cluster)),
                }
                look.store(true, Ordering::Relaxed);
                writing.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            if self.cluster.is_none() {
                server = Process::serve(self.rollcall());
            }
            let mut wire = Wire::new(&server.address, &org, &token);
            assert!((0..1_000).any(|_| wire.is_ready()));

            let seen = Seen::read(&mut wire);
            let unanswered = providers.iter().filter(|provider| provider.pending.is_some()).count();
            let happened = providers.iter_mut().map(|provider| provider.compare(&seen)).filter(|happened| *happened).count();
            println!("round {round}: {enough} answers, then {unanswered} requests without one, of which {happened} happened");
            for (id, _, _, email) in seen.people.values() {
                let filter = format!("emails[type eq \"work\" and value eq \"{email}\"]");
                let query = form_urlencoded::byte_serialize(filter.as_bytes()).collect::<String>();
                let (_, found) = wire.send("GET", &format!("/Users?filter={query}&attributes=id"), None).unwrap();
                assert_eq!((&found["totalResults"], found["Resources"][0]["id"].as_str()), (&json!(1), Some(id.as_str())), "{email}");
            }
            let rows = self.rows().await;
            for (what, question) in HALF_DONE {
                assert_eq!(rows.number(question).await, 0, "{what}");
            }
            if self.url.is_none() {
                assert_eq!(rows.texts("PRAGMA integrity_check").await, ["ok"]);
            }
            rows.close().await;
        }
    }
}

/// `scripts/postgres.sh`, with durable writes.
fn postgres(command: &str, folder: &Path) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../scripts/postgres.sh");
    let run = Command::new(script).args([command, folder.to_str().unwrap()]).env("ROLLCALL_TEST_FSYNC", "on").output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_loses_nothing_it_acknowledged_on_sqlite() {
    let (folder, url) = operator_database(Engine::Sqlite).await;
    Scene { folder, url, cluster: None, rounds: races() / 2 }.plays().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_loses_nothing_it_acknowledged_on_postgres() {
    let (folder, url) = operator_database(Engine::Postgres).await;
    Scene { folder, url, cluster: None, rounds: races() / 2 }.plays().await;
}

/// The database goes down with all that it holds in memory, and comes back; the server stays up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crashed_postgres_loses_nothing_that_was_acknowledged() {
    let (folder, _) = operator_database(Engine::Sqlite).await;
    let cluster = folder.join("postgres");
    let mut scene = Scene { folder, url: None, cluster: Some(cluster.clone()), rounds: 2.max(races() / 10) };
    scene.url = Some(make_database(&postgres("start", &cluster), "rollcall"));
    scene.plays().await;
}
