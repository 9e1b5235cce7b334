//! A whole server without a socket, with a clock that the test moves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use axum::Router;
use directory::{Call, Db, founding, keys::Keys, mail, passwords::Hasher, sessions::SessionLimits, webhooks::Targets};
use domain::{OrgId, OrgRole, Timestamp, token::TokenLifetime};
use serde_json::{Value, json};
use server::{
    config::Reach,
    rate_limit::ScimTraffic,
    router::router,
    state::{AppState, Parts},
    system,
};

use super::{
    browser::Browser,
    database::{Engine, TestDatabase},
    idp::Idp,
};

pub const PASSWORD: &str = "violet tractor sings at dawn";

/// A server and its database.
pub struct TestApp {
    pub state: AppState,
    pub router: Router,
    pub database: TestDatabase,
    now: Arc<AtomicI64>,
}

/// An organisation with an owner and a provisioning token.
#[derive(Clone)]
pub struct Org {
    pub id: OrgId,
    pub slug: String,
    pub owner_email: String,
    pub token: String,
}

/// A person whom an identity provider provisioned.
#[derive(Clone)]
pub struct Person {
    pub id: String,
    pub email: String,
}

/// How often each race is run.
pub fn races() -> usize {
    std::env::var("ROLLCALL_TEST_RACES").ok().and_then(|text| text.parse().ok()).unwrap_or(20)
}

impl TestApp {
    pub async fn start(engine: Engine) -> Self {
        let database = TestDatabase::create(engine).await;
        let now = Arc::new(AtomicI64::new(1_800_000_000_000_000));
        let state = Self::state_of(database.db.clone(), now.clone());
        Self { router: router(state.clone()), state, database, now }
    }

    /// A server whose clock is a day ahead of the machine's, which processes on the same database have: what it queues and mints is
    /// not due, and not over, for them.
    pub async fn start_a_day_ahead(engine: Engine) -> Self {
        let app = Self::start(engine).await;
        app.set_clock();
        app
    }

    /// Set the clock to this moment of tomorrow.
    pub fn set_clock(&self) {
        self.now.store(((system::clock())() + Duration::from_secs(86_400)).as_micros(), Ordering::SeqCst);
    }

    /// The state of a server on `db` whose clock is `clock`.
    pub fn state_of(db: Db, clock: Arc<AtomicI64>) -> AppState {
        AppState::new(Self::parts_of(db, clock))
    }

    fn parts_of(db: Db, clock: Arc<AtomicI64>) -> Parts {
        Parts {
            db,
            clock: Arc::new(move || Timestamp::from_micros(clock.load(Ordering::SeqCst))),
            randomness: system::randomness(),
            keys: Keys::read(&Keys::new_line(&system::randomness())).unwrap(),
            // Receivers of the tests are on this machine.
            targets: Targets::new(vec!["127.0.0.1/32".parse().unwrap()]),
            hasher: Hasher::fast_for_tests(),
            public_url: "https://id.rollcall.test".parse().unwrap(),
            session_limits: SessionLimits::default(),
            mail_delay: Duration::ZERO,
            // A test that runs a drill listens somewhere.
            drill_nodes: vec![],
            drill_reach: Reach::default(),
            refusal_wait: Duration::ZERO,
            scim_traffic: ScimTraffic::UNLIMITED,
            trusted_proxies: vec![],
            site_dir: "no-site".into(),
        }
    }

    /// Another node on the same database, with the same clock.
    pub fn another_node(&self) -> (AppState, Router) {
        let state = Self::state_of(self.database.db.clone(), self.now.clone());
        (state.clone(), router(state))
    }

    /// The same server, whose provisioning tokens may ask so much.
    pub fn with_scim_traffic(mut self, scim_traffic: ScimTraffic) -> Self {
        self.state = AppState::new(Parts { scim_traffic, ..Self::parts_of(self.database.db.clone(), self.now.clone()) });
        self.router = router(self.state.clone());
        self
    }

    /// The same server, which lets guesses from blocked networks wait so long for their refusal.
    pub fn with_refusal_wait(mut self, refusal_wait: Duration) -> Self {
        self.state = AppState::new(Parts { refusal_wait, ..Self::parts_of(self.database.db.clone(), self.now.clone()) });
        self.router = router(self.state.clone());
        self
    }

    /// The same server behind proxies at these addresses.
    pub fn behind(mut self, proxies: &str) -> Self {
        self.state.trusted_proxies = vec![proxies.parse().unwrap()].into();
        self.router = router(self.state.clone());
        self
    }

    /// The same server, whose activation mails wait for `delay`.
    pub fn with_mail_delay(mut self, delay: Duration) -> Self {
        self.state.mail_delay = delay;
        self.router = router(self.state.clone());
        self
    }

    /// Let time pass.
    pub fn advance(&self, span: Duration) {
        self.now.fetch_add(i64::try_from(span.as_micros()).unwrap(), Ordering::SeqCst);
    }

    pub fn call(&self) -> Call {
        Call::new((self.state.clock)(), self.state.randomness.clone())
    }

    /// An organisation, founded as `rollcall bootstrap` does it.
    pub async fn org(&self, name: &str) -> Org {
        let owner_email = format!("owner@{}.test", name.to_lowercase());
        let founder = founding::Founder {
            org_name: name.to_owned(),
            name: format!("{name}'s owner"),
            email: owner_email.clone(),
            password: PASSWORD.to_owned(),
        };
        let made = founding::bootstrap(&self.state.db, &self.state.hasher, founder, true, &self.call()).await.unwrap();
        Org { id: made.org, slug: made.slug.to_string(), owner_email, token: made.token.unwrap() }
    }

    /// The identity provider of `org`.
    pub fn idp(&self, org: &Org) -> Idp {
        Idp::new(self.router.clone(), format!("/scim/{}/v2", org.id), format!("Bearer {}", org.token))
    }

    /// A browser that nobody is signed in with.
    pub fn browser(&self) -> Browser {
        Browser::new(self.router.clone())
    }

    /// The owner's browser.
    pub async fn owner(&self, org: &Org) -> Browser {
        self.sign_in(&org.owner_email, PASSWORD).await
    }

    pub async fn sign_in(&self, email: &str, password: &str) -> Browser {
        let browser = self.browser();
        let answer = browser.call("sign_in", &[("email", email), ("password", password)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        browser
    }

    /// Provision a person, as Okta does it.
    pub async fn provision(&self, org: &Org, email: &str) -> Person {
        let answer = self.idp(org).post("/Users", user(email)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        Person { id: answer.json["id"].as_str().unwrap().to_owned(), email: email.to_owned() }
    }

    /// Provision a person and let her follow her activation link; the browser that she is signed in with.
    pub async fn join(&self, org: &Org, email: &str) -> (Person, Browser) {
        let person = self.provision(org, email).await;
        let browser = self.activate(email).await;
        (person, browser)
    }

    /// Somebody with a role that was granted by hand, in the database; the browser that she is signed in with.
    pub async fn member_as(&self, org: &Org, email: &str, role: OrgRole) -> Browser {
        let (_, browser) = self.join(org, email).await;
        self.grant(org, email, role).await;
        browser
    }

    /// Grant a role by hand, in the database. Member is everybody's and has no row.
    pub async fn grant(&self, org: &Org, email: &str, role: OrgRole) {
        if role == OrgRole::Member {
            return;
        }
        let sql = format!(
            "INSERT INTO role_grants (org_id, membership_id, role, granted_by, granted_at)
             SELECT m.org_id, m.id, '{}', 'test', 0 FROM memberships m
               JOIN users u ON u.id = m.account_id JOIN organizations o ON o.id = m.org_id
             WHERE u.email = '{email}' AND o.slug = '{}'",
            role.as_str(),
            org.slug
        );
        self.database.try_run(&sql).await.unwrap();
    }

    /// A group of the directory with these users in it; its id.
    pub async fn group(&self, org: &Org, name: &str, users: &[&str]) -> String {
        let members: Vec<_> = users.iter().map(|id| json!({ "value": id })).collect();
        let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "members": members });
        let answer = self.idp(org).post("/Groups", body).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json["id"].as_str().unwrap().to_owned()
    }

    /// A team, made in the database; its id.
    pub async fn team(&self, org: &Org, name: &str) -> String {
        let sql = format!(
            "INSERT INTO teams (id, org_id, name, name_key, created_at, created_by)
             SELECT {}, id, '{name}', '{}', 0, 'test' FROM organizations WHERE slug = '{}'",
            self.new_id(),
            name.to_lowercase(),
            org.slug
        );
        self.database.try_run(&sql).await.unwrap();
        self.id_of("teams", org, name).await
    }

    /// The id of a team.
    pub async fn team_id(&self, org: &Org, name: &str) -> String {
        self.id_of("teams", org, name).await
    }

    /// An agent, made in the database, granted to these roles; its id.
    pub async fn agent(&self, org: &Org, name: &str, roles: &[OrgRole]) -> String {
        let sql = format!(
            "INSERT INTO agents (id, org_id, name, name_key, description, created_at, created_by)
             SELECT {}, id, '{name}', '{}', '', 0, 'test' FROM organizations WHERE slug = '{}'",
            self.new_id(),
            name.to_lowercase(),
            org.slug
        );
        self.database.try_run(&sql).await.unwrap();
        for role in roles {
            let sql = format!(
                "INSERT INTO agent_grants (id, org_id, agent_id, org_role, granted_by, granted_at)
                 SELECT {}, a.org_id, a.id, '{}', 'test', 0 FROM agents a JOIN organizations o ON o.id = a.org_id
                 WHERE a.name = '{name}' AND o.slug = '{}'",
                self.new_id(),
                role.as_str(),
                org.slug
            );
            self.database.try_run(&sql).await.unwrap();
        }
        self.id_of("agents", org, name).await
    }

    /// Let a team use an agent, in the database.
    pub async fn agent_for_team(&self, org: &Org, agent: &str, team: &str) {
        let sql = format!(
            "INSERT INTO agent_grants (id, org_id, agent_id, team_id, granted_by, granted_at)
             SELECT {}, a.org_id, a.id, t.id, 'test', 0 FROM agents a JOIN organizations o ON o.id = a.org_id
               JOIN teams t ON t.org_id = a.org_id AND t.name = '{team}'
             WHERE a.name = '{agent}' AND o.slug = '{}'",
            self.new_id(),
            org.slug
        );
        self.database.try_run(&sql).await.unwrap();
    }

    /// An expression for a new id.
    fn new_id(&self) -> &'static str {
        if self.state.db.is_postgres() { "gen_random_uuid()" } else { "randomblob(16)" }
    }

    async fn id_of(&self, table: &str, org: &Org, name: &str) -> String {
        let text = if self.state.db.is_postgres() { "t.id::text" } else { "lower(hex(t.id))" };
        let from = format!("{table} t JOIN organizations o ON o.id = t.org_id WHERE t.name = '{name}' AND o.slug = '{}'", org.slug);
        hyphenated(&self.database.texts(&format!("SELECT {text} FROM {from}")).await[0])
    }

    /// Follow the newest activation link mailed to `email`.
    pub async fn activate(&self, email: &str) -> Browser {
        let link = self.mailed_link(email).await.expect("a mail is due");
        self.activate_by(&link).await
    }

    /// Follow this activation link.
    pub async fn activate_by(&self, link: &str) -> Browser {
        let browser = self.browser();
        let answer = browser.call("activate", &[("link", link), ("password", PASSWORD)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        browser
    }

    /// `count` inactive users of `org`, made in the database: as many requests would test something else.
    pub async fn crowd(&self, org: &Org, count: usize) -> Vec<String> {
        let from = format!("FROM scim_connections c JOIN organizations o ON o.id = c.org_id AND o.slug = '{}'", org.slug);
        let columns = "id, org_id, connection_id, user_name, user_name_key, active, attributes, version, created_at, updated_at";
        let values = |id: &str| format!("{id}, c.org_id, c.id, 'n' || n, 'n' || n, false, '{{\"userName\":\"n' || n || '\"}}', 1, 0, 0");
        let (insert, ids) = if self.state.db.is_postgres() {
            let series = format!("SELECT {} {from}, generate_series(1, {count}) n", values("gen_random_uuid()"));
            (format!("INSERT INTO scim_users ({columns}) {series}"), "SELECT id::text FROM scim_users WHERE user_name LIKE 'n%'")
        } else {
            let series = format!("WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count})");
            let select = format!("SELECT {} {from}, s", values("randomblob(16)"));
            (
                format!("{series} INSERT INTO scim_users ({columns}) {select}"),
                "SELECT lower(hex(id)) FROM scim_users WHERE user_name LIKE 'n%'",
            )
        };
        self.database.try_run(&insert).await.unwrap();
        self.count_again().await;
        self.database.texts(ids).await.iter().map(|text| hyphenated(text)).collect()
    }

    /// After rows were made in the database: bring the totals up to them.
    pub async fn count_again(&self) {
        let of = |table: &str| format!("(SELECT count(*) FROM {table} t WHERE t.org_id = o.id AND t.deleted_at IS NULL)");
        let counted = format!("INSERT INTO scim_totals SELECT o.id, {}, {} FROM organizations o", of("scim_users"), of("scim_groups"));
        self.database.try_run("DELETE FROM scim_totals").await.unwrap();
        self.database.try_run(&counted).await.unwrap();
    }

    /// Send what is due; the link in the last mail to `email` that holds one.
    pub async fn mailed_link(&self, email: &str) -> Option<String> {
        let to_her = self.mails().await.into_iter().filter(|mail| mail.address == email);
        to_her.filter_map(|mail| mail.link().map(str::to_owned)).next_back()
    }

    /// Send what is due; who was told what by alerts, each as its address and its subject, sorted.
    pub async fn alerts(&self) -> Vec<(String, String)> {
        let alert = |mail: mail::Outgoing| match mail.content {
            mail::Content::Alert { subject, .. } => Some((mail.address, subject)),
            _ => None,
        };
        let mut alerts: Vec<_> = self.mails().await.into_iter().filter_map(alert).collect();
        alerts.sort();
        alerts
    }

    /// Send what is due; the subjects of what the account with the address `email` was told.
    pub async fn notices(&self, email: &str) -> Vec<String> {
        let notice = |mail: mail::Outgoing| match mail.content {
            mail::Content::Notice { subject, .. } if mail.address == email => Some(subject),
            _ => None,
        };
        self.mails().await.into_iter().filter_map(notice).collect()
    }

    /// The id of the member of `org` whose account has the address `email`.
    pub async fn member_id(&self, org: &Org, email: &str) -> String {
        let id = if self.state.db.is_postgres() { "p.id::text" } else { "lower(hex(p.id))" };
        let sql = format!(
            "SELECT {id} FROM members p JOIN users u ON u.id = p.account_id JOIN organizations o ON o.id = p.org_id
             WHERE u.email = '{email}' AND o.slug = '{}'",
            org.slug
        );
        let found = self.database.texts(&sql).await;
        hyphenated(found.first().unwrap_or_else(|| panic!("{email} is no member of {}", org.slug)))
    }

    /// Send what is due; all of it, the first first.
    pub async fn mails(&self) -> Vec<mail::Outgoing> {
        let mut mails = vec![];
        while let Some(due) = mail::next_due(&self.state.db, &self.call()).await.unwrap() {
            mail::sent(&self.state.db, &due, &self.call()).await.unwrap();
            mails.push(due);
        }
        mails
    }

    /// The audit log of `org` as its owner reads it: (action, actor, target, details) from newest to oldest.
    pub async fn audit(&self, org: &Org) -> Vec<AuditRow> {
        self.audit_as(&self.owner(org).await, &org.slug).await
    }

    /// The same, read in this browser.
    pub async fn audit_as(&self, browser: &Browser, org: &str) -> Vec<AuditRow> {
        self.state.settle().await;
        let answer = browser.call("audit", &[("org", org)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let rows = answer.json["events"].as_array().unwrap().iter().map(|event| AuditRow {
            action: event["action"].as_str().unwrap().to_owned(),
            actor: event["actor"].as_str().unwrap().to_owned(),
            target: event["target"].as_str().map(str::to_owned),
            ip: event["ip"].as_str().map(str::to_owned),
            request_id: event["request_id"].as_str().map(str::to_owned),
            details: event["details"]
                .as_array()
                .unwrap()
                .iter()
                .map(|pair| format!("{}: {}", pair[0].as_str().unwrap(), pair[1].as_str().unwrap()))
                .collect(),
        });
        rows.collect()
    }

    /// The row of the members list for `email`, whether or not she has left.
    pub async fn member(&self, org: &Org, email: &str) -> Value {
        let answer =
            self.owner(org).await.call("members", &[("org", &org.slug), ("page", "1"), ("search", email), ("status", "any")]).await;
        let people = answer.json["people"].as_array().unwrap_or_else(|| panic!("{}", answer.text)).clone();
        people.into_iter().find(|person| person["email"] == email).unwrap_or_else(|| panic!("{email} is not a member"))
    }

    /// The page of the member of this address, as the owner sees it.
    pub async fn person(&self, org: &Org, email: &str) -> Value {
        let member = self.member(org, email).await["member"].as_str().unwrap().to_owned();
        let answer = self.owner(org).await.call("person", &[("org", &org.slug), ("member", &member)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json
    }

    /// The role of the member of this address in the team of this name, if she has a seat there.
    pub async fn seat(&self, org: &Org, email: &str, team: &str) -> Option<String> {
        let person = self.person(org, email).await;
        let seat = person["teams"].as_array().unwrap().iter().find(|seat| seat["name"] == team)?;
        Some(seat["role"].as_str().unwrap().to_owned())
    }

    /// Issue another token through the console.
    pub async fn issue_token(&self, org: &Org, name: &str) -> Value {
        let lifetime = TokenLifetime::default().as_str();
        let answer = self.owner(org).await.call("issue_token", &[("org", &org.slug), ("name", name), ("lifetime", lifetime)]).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json
    }
}

/// An entry of the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    pub action: String,
    pub actor: String,
    pub target: Option<String>,
    pub ip: Option<String>,
    pub request_id: Option<String>,
    pub details: Vec<String>,
}

/// The body of Okta's create request.
pub fn user(email: &str) -> Value {
    let name = email.split('@').next().unwrap();
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
        "userName": email,
        "name": { "givenName": name, "familyName": "Olsen" },
        "emails": [{ "primary": true, "value": email, "type": "work" }],
        "displayName": format!("{name} Olsen"),
        "locale": "en-US",
        "externalId": format!("00u-{email}"),
        "groups": [],
        "password": "1mz050nq",
        "active": true
    })
}

/// An id's one spelling, from its hexadecimal digits.
/// An id as it is written, from its hexadecimal digits.
pub fn hyphenated(text: &str) -> String {
    let hex: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
