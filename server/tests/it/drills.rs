//! The deprovision drill: it passes on every node that really lets nobody in, fails loudly on any other, and leaves nothing behind.

use std::{
    collections::HashMap,
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::{Bytes, to_bytes},
    extract::Request,
    response::{IntoResponse, Response},
};
use directory::{Error, api_access, drill, oauth::device, sessions};
use domain::{OrgRole, Permission, drill::DrillReport};
use http::StatusCode;
use serde_json::{Value, json};
use server::router::router;
use tokio::net::TcpListener;

use crate::{
    laws,
    support::{
        Browser, Engine, Idp, Org, PASSWORD, Rows, TestApp, both_databases, operator_database, patch_active,
        process::{Process, bootstrap, rollcall},
        races, user,
    },
};

/// Serve `routes` on a socket of its own; its address.
async fn listen(routes: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, routes.into_make_service_with_connect_info::<SocketAddr>()).await });
    format!("http://{address}")
}

/// The app as an operator has set it up who has named these nodes.
fn with_nodes(mut app: TestApp, nodes: &[String]) -> TestApp {
    app.state.drill_nodes = nodes.iter().map(|node| node.parse().unwrap()).collect();
    app.router = router(app.state.clone());
    app
}

/// A node that keeps what was once good, and lets in by it whoever has left: what a cache in the wrong place would do.
async fn forgetful(node: &str) -> String {
    let (http, node, kept) = (reqwest::Client::new(), node.to_owned(), Arc::new(Mutex::new(HashMap::<String, Bytes>::new())));
    let answer = move |request: Request| {
        let (http, node, kept) = (http.clone(), node.clone(), kept.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap();
            let key = format!(
                "{} {} {:?} {:?} {body:?}",
                parts.method,
                parts.uri,
                parts.headers.get("authorization"),
                parts.headers.get("cookie")
            );
            let forwarded = http.request(parts.method, format!("{node}{}", parts.uri)).headers(parts.headers).body(body);
            let answer = forwarded.send().await.unwrap();
            let (status, known) = (answer.status(), answer.bytes().await.unwrap());
            let mut kept = kept.lock().unwrap();
            let good = status.is_success() && !known.starts_with(b"{\"active\":false") && !known.starts_with(b"{\"allowed\":false");
            if good {
                kept.insert(key, known.clone());
                return (status, known).into_response();
            }
            kept.get(&key).map_or_else(|| (status, known).into_response(), |known| (StatusCode::OK, known.clone()).into_response())
        }
    };
    let client = Router::new().fallback(answer);
    listen(client).await
}

/// Every row of the database but what a drill is allowed to leave: entries of the log, and its report.
async fn everything(app: &TestApp) -> Vec<(String, Vec<String>)> {
    app.state.settle().await;
    let (columns, _) = laws::schema(app).await;
    let tables: std::collections::BTreeSet<_> = columns.into_iter().map(|(table, _)| table).collect();
    assert!(tables.len() > 35 && tables.contains("drills"), "{tables:?}");
    let mut rows = vec![];
    for table in tables.into_iter().filter(|table| !["audit_events", "drills", "sqlite_sequence"].contains(&table.as_str())) {
        rows.push((table.clone(), app.database.rows(&format!("SELECT * FROM {table}")).await));
    }
    rows
}

/// Run a drill as the owner does it; its report.
async fn run(app: &TestApp, org: &Org) -> Value {
    run_as(&app.owner(org).await, org).await
}

async fn run_as(owner: &Browser, org: &Org) -> Value {
    let answer = owner.call("run_drill", &[("org", &org.slug)]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let drills = owner.call("drills", &[("org", &org.slug)]).await;
    let id = drills.json["drills"][0]["id"].as_str().unwrap_or_else(|| panic!("{}", drills.text)).to_owned();
    let page = owner.call("drill", &[("org", &org.slug), ("drill", &id)]).await;
    assert_eq!(page.status, 200, "{}", page.text);
    page.json
}

/// What came of `credential` at `node`: requests let through, and whether it was refused then.
fn trial(page: &Value, credential: &str, node: &str) -> (u64, bool) {
    let trials = page["report"]["trials"].as_array().unwrap();
    let found = trials.iter().find(|trial| trial["credential"] == credential && trial["node"] == node);
    let found = found.unwrap_or_else(|| panic!("{credential} was not tried at {node}: {page:#}"));
    (found["accepted"].as_u64().unwrap(), found["refused"].as_bool().unwrap())
}

const CREDENTIALS: [&str; 6] =
    ["Browser session", "Refresh token", "Access token", "Personal token", "Use of the agent", "Personal token, shown to a service"];

/// What an identity provider is that holds the token of this run.
fn idp_of(app: &TestApp, at: &Org, run: &drill::Run) -> Idp {
    Idp::new(app.router.clone(), format!("/scim/{}/v2", at.id), format!("Bearer {}", run.token()))
}

/// Somebody whom the run has provisioned, put into its group and let in, with one of everything.
async fn let_in(app: &TestApp, acme: &Org, run: &drill::Run) -> String {
    let idp = idp_of(app, acme, run);
    let made = idp.post("/Users", json!({ "userName": "drill" })).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json["id"].as_str().unwrap().to_owned();
    let grouped = idp.post("/Groups", json!({ "displayName": drill::Run::GROUP, "members": [{ "value": id }] })).await;
    assert_eq!(grouped.status, 201, "{}", grouped.text);
    let (db, call) = (&app.state.db, app.call());
    let entry = drill::let_in(db, run, id.parse().unwrap(), &call).await.unwrap();
    sessions::begin(db, b"a session's id..", &entry.begin, app.state.session_limits, &call).await.unwrap();
    let who = sessions::find(db, b"a session's id..", app.state.session_limits, call.now).await.unwrap().unwrap();
    assert_eq!(who.role, OrgRole::Member);
    let scope = who.in_org(&run.slug, Permission::Enter).unwrap();
    api_access::issue(db, &who, scope, "Drill".to_owned(), "days7", "profile agents", &call).await.unwrap();
    let client = app.client();
    let agent = run.agent.to_string();
    let asked = client.ask(&agent).await;
    device::approve(db, &who, scope, &asked.field("user_code"), &call).await.unwrap();
    assert_eq!(client.redeem(&agent, &asked.field("device_code")).await.status, 200);
    id
}

async fn states(app: &TestApp) -> Vec<String> {
    app.database.texts("SELECT state FROM drills ORDER BY number").await
}

both_databases! {
    async fn a_drill_passes_where_nobody_is_let_in_and_leaves_no_row(app) {
        let nodes = [listen(app.router.clone()).await, listen(app.router.clone()).await];
        let app = with_nodes(app, &nodes);
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        app.join(&acme, "mira@acme.test").await;
        app.join(&globex, "mira@acme.test").await;
        app.group(&acme, "Deprovision drill", &[]).await;
        app.mails().await;
        let owner = app.owner(&acme).await;
        let before = everything(&app).await;
        let page = run_as(&owner, &acme).await;
        assert_eq!(page["drill"]["state"], "passed", "{page:#}");
        for (before, after) in before.iter().zip(&everything(&app).await) {
            assert_eq!(before, after);
        }
        assert!(app.mails().await.is_empty());

        assert_eq!(page["report"]["nodes"], json!(nodes));
        for node in &nodes {
            for credential in CREDENTIALS {
                assert_eq!(trial(&page, credential, node), (0, true), "{credential} at {node}");
            }
        }
        let steps = page["report"]["steps"].as_array().unwrap();
        assert!(steps.len() >= 10 && steps.iter().all(|step| step["ok"] == true), "{page:#}");
        for secret in ["rcs_", "rca_", "rcr_", "rcp_", "rcv_", "rcd_", "rollcall="] {
            assert!(!page.to_string().contains(secret), "{secret} stands in the report");
        }
        let log: Vec<_> = app.audit(&acme).await.into_iter().filter(|row| row.action.starts_with("drill.")).collect();
        let mut said: Vec<_> = log.iter().map(|row| (row.action.as_str(), row.actor.as_str(), row.target.as_deref(), row.details.clone())).collect();
        // The clock of a test stands still.
        said.sort();
        assert_eq!(said, [
            ("drill.finished", "Acme's owner", Some("Drill 1"), vec!["result: passed".to_owned()]),
            ("drill.started", "Acme's owner", Some("Drill 1"), vec![]),
        ]);
        assert!(!app.audit(&globex).await.iter().any(|row| row.action.starts_with("drill.")));
        for (role, knows) in [(OrgRole::Member, false), (OrgRole::Auditor, true)] {
            let browser = app.member_as(&acme, &format!("{}@acme.test", role.as_str()), role).await;
            let last = browser.call("last_drill", &[("org", "acme")]).await;
            assert_eq!(last.json["drill"]["state"] == "passed", knows, "{role}: {}", last.text);
            assert_eq!(browser.get("/o/acme/members").await.text.contains("Deprovision drill"), knows, "{role}");
        }
        let theirs = app.owner(&globex).await;
        let drill = page["drill"]["id"].as_str().unwrap();
        assert_eq!(theirs.call("drill", &[("org", "globex"), ("drill", drill)]).await.status, 404);
        assert_eq!(theirs.call("drills", &[("org", "globex")]).await.json["drills"], json!([]));
    }

    /// What a cache would let live is found out: which credential, at which node.
    async fn a_node_that_lets_a_leaver_in_fails_the_drill(app) {
        let good = listen(app.router.clone()).await;
        let bad = forgetful(&good).await;
        let app = with_nodes(app, &[good.clone(), bad.clone()]);
        let acme = app.org("Acme").await;
        let page = run(&app, &acme).await;
        assert_eq!(page["drill"]["state"], "failed", "{page:#}");
        for credential in CREDENTIALS {
            assert_eq!(trial(&page, credential, &good), (0, true), "{credential}");
            // A refresh token is used up by its use: no cache brings it back.
            let lives = credential != "Refresh token";
            assert_eq!(trial(&page, credential, &bad), if lives { (50, false) } else { (0, true) }, "{credential}");
        }
        let finished = app.audit(&acme).await.into_iter().find(|row| row.action == "drill.finished").unwrap();
        assert_eq!(finished.details[0], "result: failed");
        assert!(finished.details[1].contains("7 of 12 refused by the very next request"), "{finished:?}");
        assert!(finished.details[2].contains(&format!("Browser session at {bad}: still accepted after 50 further requests")), "{finished:?}");
        assert_eq!(app.database.number("SELECT count(*) FROM organizations").await, 1);
        assert_eq!(app.database.number("SELECT count(*) FROM users").await, 1);
    }

    /// A drill in which something was not tried proves nothing.
    async fn a_node_that_is_not_what_it_should_be_fails_the_drill(app) {
        let good = listen(app.router.clone()).await;
        let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let gone = format!("http://{gone}");
        let yes = listen(Router::new().fallback(|| async { "yes" })).await;
        let broken = listen(Router::new().fallback(|request: Request| async move {
            let ready = request.uri().path() == "/readyz";
            if ready { StatusCode::OK.into_response() } else { Response::builder().status(500).body(axum::body::Body::empty()).unwrap() }
        })).await;
        let acme = app.org("Acme").await;
        let mut app = app;
        for (node, why) in [(&gone, "it cannot be reached"), (&yes, "did not work"), (&broken, "did not work (500")] {
            app = with_nodes(app, &[good.clone(), node.clone()]);
            // Two drills, so that each node has its turn of being the one that is told.
            for _ in 0..2 {
                let page = run(&app, &acme).await;
                assert_eq!(page["drill"]["state"], "failed", "{node}");
                let report: DrillReport = serde_json::from_value(page["report"].clone()).unwrap();
                assert!(report.problems().iter().any(|problem| problem.contains(node.as_str())), "{:?}", report.problems());
                if report.steps.iter().any(|step| step.title == "Deprovisioned" && step.ok) || node == &gone {
                    assert!(report.problems().iter().any(|problem| problem.contains(why)), "{:?}", report.problems());
                }
            }
        }
        let app = with_nodes(app, &[]);
        assert_eq!(run(&app, &acme).await["report"]["stopped"], "there is no node to try: name them in ROLLCALL_DRILL_NODES");
        assert_eq!(app.database.number("SELECT count(*) FROM organizations").await, 1);
    }

    async fn one_drill_at_a_time(app) {
        let acme = app.org("Acme").await;
        for _ in 0..races() {
            let call = app.call();
            let begun = futures_util::future::join_all((0..4).map(|_| {
                let (db, org, call) = (app.state.db.clone(), acme.slug.clone(), call.clone());
                tokio::spawn(async move { drill::begin_as_operator(&db, &org, &call).await })
            }))
            .await;
            let (begun, refused): (Vec<_>, Vec<_>) = begun.into_iter().map(Result::unwrap).partition(Result::is_ok);
            assert_eq!(begun.len(), 1);
            assert!(refused.iter().all(|refused| matches!(refused, Err(Error::Conflict(why)) if why.contains("under way"))));
            assert_eq!(app.database.number("SELECT count(*) FROM organizations").await, 2);
            let run = begun.into_iter().next().unwrap().ok().unwrap();
            drill::finish(&app.state.db, &run, &DrillReport::default(), &app.call()).await.unwrap();
        }
        assert_eq!(app.database.number("SELECT count(*) FROM organizations").await, 1);
        assert!(states(&app).await.iter().all(|state| state == "failed"), "a drill that tried nothing proves nothing");
    }

    /// Law 1, and more: the token of a drill opens the drill's rows at the real organisation's URL, and nothing anywhere else.
    async fn a_drills_token_reaches_the_drills_rows_alone(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let (mira, _) = app.join(&acme, "mira@acme.test").await;
        let group = app.group(&acme, "Engineers", &[&mira.id]).await;
        app.mails().await;
        let theirs = app.database.rows("SELECT * FROM users ORDER BY id").await;
        let run = drill::begin_as_operator(&app.state.db, &acme.id.to_string(), &app.call()).await.unwrap();
        let (idp, real) = (idp_of(&app, &acme, &run), app.idp(&acme));

        for path in ["/Users", "/Groups", ""] {
            assert_eq!(idp.get(path).await.json["totalResults"], 0, "{path}");
        }
        for path in [format!("/Users/{}", mira.id), format!("/Groups/{group}")] {
            let answers = [
                idp.get(&path).await,
                idp.put(&path, json!({ "userName": "x", "displayName": "x" })).await,
                idp.patch(&path, patch_active(false)).await,
                idp.delete(&path).await,
            ];
            assert!(answers.iter().all(|answer| answer.status == 404), "{path}: {answers:?}");
        }
        // Her name and her address are free in there, and nobody's account is taken for it.
        let made = idp.post("/Users", user("mira@acme.test")).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let location = made.json["meta"]["location"].as_str().unwrap();
        assert!(location.starts_with(&format!("https://id.rollcall.test/scim/{}/v2/Users/", acme.id)), "{location}");
        let drilled = made.json["id"].as_str().unwrap().to_owned();
        let grouped = idp.post("/Groups", json!({ "displayName": "Engineers", "members": [{ "value": drilled }, { "value": mira.id }] })).await;
        assert_eq!(grouped.json["members"].as_array().unwrap().len(), 1, "{}", grouped.text);
        let kept = app.database.rows("SELECT * FROM users WHERE email IS NOT NULL ORDER BY id").await;
        assert_eq!(kept, theirs);
        assert!(app.mails().await.is_empty());

        // And nobody sees any of it: not the directory, not the console.
        assert_eq!(real.get("/Users").await.json["totalResults"], 1);
        assert_eq!(real.get("/Groups").await.json["totalResults"], 1);
        assert_eq!(real.find("/Users", "userName eq \"mira@acme.test\"").await.json["totalResults"], 1);
        for path in [format!("/Users/{drilled}"), format!("/Groups/{}", grouped.json["id"].as_str().unwrap())] {
            assert_eq!(real.get(&path).await.status, 404);
            assert_eq!(real.delete(&path).await.status, 404);
        }
        let owner = app.owner(&acme).await;
        assert_eq!(owner.call("members", &[("org", "acme"), ("page", "1"), ("status", "any")]).await.json["total"], 2);
        let security = owner.call("security", &[("org", "acme")]).await;
        assert_eq!((&security.json["directory_people"], security.json["tokens"].as_array().unwrap().len()), (&json!(1), 1));
        assert_eq!(owner.call("organisations", &[]).await.json.as_array().unwrap().len(), 1);
        for list in ["teams", "agents", "groups", "integrations", "service_credentials"] {
            let listed = owner.call(list, &[("org", "acme")]).await;
            assert!(listed.status == 200 && !listed.text.contains("rill"), "{list}: {}", listed.text);
        }
        // Nor does it count as one of two tokens.
        app.issue_token(&acme, "Second").await;
        let third = owner.call("issue_token", &[("org", "acme"), ("name", "Third"), ("lifetime", "year")]).await;
        assert_eq!(third.status, 409);

        // Everywhere else it is like a token that nobody issued.
        let refused = real.with_authorization(Some("Bearer rcs_nonsense")).get("/Users").await;
        let satellite = format!("/scim/{}/v2", run.satellite().org());
        let elsewhere = [
            idp_of(&app, &globex, &run).get("/Users").await,
            idp.at(&satellite).get("/Users").await,
            real.at(&satellite).get("/Users").await,
            idp.at("/scim/0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10/v2").get("/Users").await,
        ];
        for answer in elsewhere {
            assert_eq!((answer.status, &answer.text), (401, &refused.text));
            let names = |headers: &http::HeaderMap| headers.iter().filter(|(name, _)| *name != "x-request-id").map(|(name, value)| (name.clone(), value.clone())).collect::<Vec<_>>();
            assert_eq!(names(&answer.headers), names(&refused.headers));
        }
        app.state.forget_failures();
        assert_eq!(idp.get("/Users").await.status, 200);
        owner.call("disable_scim", &[("org", "acme")]).await;
        assert_eq!(idp.get("/Users").await.status, 401, "while SCIM is off, it is off for drills, too");
        owner.call("enable_scim", &[("org", "acme")]).await;
        assert_eq!(idp.get("/Users").await.status, 200);
        let token = app.issue_token(&acme, "Okta").await["secret"].as_str().unwrap().to_owned();
        let real = real.with_authorization(Some(&format!("Bearer {token}")));
        app.advance(drill::TOKEN - Duration::from_secs(1));
        assert_eq!(idp.get("/Users").await.status, 200);
        app.advance(Duration::from_secs(1));
        assert_eq!((idp.get("/Users").await.status, real.get("/Users").await.status), (401, 200));
        app.state.settle().await;
        let foreign = "SELECT count(*) FROM audit_events e JOIN organizations o ON o.id = e.org_id WHERE o.slug = 'acme' AND e.actor LIKE '%rill%'";
        assert_eq!(app.database.number(foreign).await, 0, "what happens in a drill is no entry of the real log");
    }

    async fn a_run_whose_runner_is_gone_is_cleared_away(app) {
        let acme = app.org("Acme").await;
        app.join(&acme, "mira@acme.test").await;
        app.mails().await;
        let before = everything(&app).await;
        let (db, org) = (&app.state.db, acme.slug.as_str());
        let lost = drill::begin_as_operator(db, org, &app.call()).await.unwrap();
        let_in(&app, &acme, &lost).await;
        // As long as it says that it is alive, it is left alone.
        app.advance(drill::LEASE - Duration::from_secs(1));
        let report = DrillReport { nodes: vec!["http://127.0.0.1:1".to_owned()], ..DrillReport::default() };
        drill::renew(db, &lost, &report, &app.call()).await.unwrap();
        app.advance(drill::LEASE - Duration::from_secs(1));
        drill::sweep(db, &app.call()).await.unwrap();
        assert_eq!(states(&app).await, ["running"]);
        app.advance(Duration::from_secs(1));
        drill::sweep(db, &app.call()).await.unwrap();
        assert_eq!(states(&app).await, ["interrupted"]);
        for (before, after) in before.iter().zip(&everything(&app).await) {
            assert_eq!(before, after);
        }
        assert!(matches!(drill::renew(db, &lost, &report, &app.call()).await, Err(Error::Conflict(_))));
        assert!(matches!(drill::finish(db, &lost, &report, &app.call()).await, Err(Error::Conflict(_))));
        assert_eq!(states(&app).await, ["interrupted"]);

        // The next run does the same for itself.
        let lost = drill::begin_as_operator(db, org, &app.call()).await.unwrap();
        let_in(&app, &acme, &lost).await;
        app.advance(drill::LEASE);
        let next = drill::begin_as_operator(db, org, &app.call()).await.unwrap();
        assert_eq!(states(&app).await, ["interrupted", "interrupted", "running"]);
        assert_eq!(app.database.number("SELECT count(*) FROM organizations").await, 2);
        drill::finish(db, &next, &report, &app.call()).await.unwrap();
        for (before, after) in before.iter().zip(&everything(&app).await) {
            assert_eq!(before, after);
        }
        let ended: Vec<_> = app.audit(&acme).await.into_iter().filter(|row| row.action == "drill.finished").collect();
        let mut said: Vec<_> = ended.iter().map(|row| (row.actor.as_str(), row.details[0].as_str())).collect();
        said.sort_unstable();
        assert_eq!(said, [("Command line", "result: failed"), ("Rollcall", "result: interrupted"), ("Rollcall", "result: interrupted")]);
    }

    async fn fifty_reports_are_kept(app) {
        let acme = app.org("Acme").await;
        for _ in 0..52 {
            let run = drill::begin_as_operator(&app.state.db, &acme.slug, &app.call()).await.unwrap();
            drill::finish(&app.state.db, &run, &DrillReport::default(), &app.call()).await.unwrap();
        }
        let listed = app.owner(&acme).await.call("drills", &[("org", "acme")]).await;
        let numbers: Vec<_> = listed.json["drills"].as_array().unwrap().iter().map(|drill| drill["number"].as_i64().unwrap()).collect();
        assert_eq!(numbers, (3..=52).rev().collect::<Vec<_>>());
    }

    /// An owner who gives her password with the form; not without SCIM, and not for an organisation that there is not.
    async fn who_may_run_a_drill_and_when(app) {
        let node = listen(app.router.clone()).await;
        let app = with_nodes(app, &[node]);
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        app.advance(Duration::from_secs(15 * 60));
        let run = async |password: &str| owner.call("run_drill", &[("org", "acme"), ("password", password)]).await;
        assert_eq!((run("").await.status, run("not her password").await.status), (403, 422));
        assert_eq!(app.database.number("SELECT count(*) FROM drills").await, 0);
        assert_eq!(run(PASSWORD).await.status, 200);
        assert_eq!(states(&app).await, ["passed"]);
        let posted = owner.submit("run_drill", &[("org", "acme")], "/o/acme/settings/security").await;
        let to = posted.redirect().unwrap_or_else(|| panic!("{}", posted.status)).to_owned();
        assert!(to.starts_with("/o/acme/settings/security/drills/"), "{to}");
        let report = owner.get(&to).await;
        assert!(report.status == 200 && report.text.contains("refused after 0 further requests"), "{}", report.text);

        owner.call("disable_scim", &[("org", "acme")]).await;
        let refused = run("").await;
        assert!(refused.status == 409 && refused.text.contains("Enable SCIM first"), "{}", refused.text);
        for unknown in ["globex", "Not A Slug", "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10"] {
            let refused = drill::begin_as_operator(&app.state.db, unknown, &app.call()).await.err().unwrap();
            assert!(matches!(&refused, Error::Conflict(why) if why.contains(unknown)), "{refused}");
        }
        assert_eq!(states(&app).await, ["passed", "passed"]);
    }
}

/// The program on an operator's machine, beside a server that runs.
struct Operator {
    folder: std::path::PathBuf,
    url: Option<String>,
}

impl Operator {
    fn drill(&self, nodes: &str, org: &str) -> Command {
        let mut command = rollcall(&self.folder, self.url.as_deref());
        command.env("ROLLCALL_DRILL_NODES", nodes).args(["drill", "--org", org, "--json"]);
        command
    }

    /// Whether the exit status was 0, the report, and what was complained about.
    fn run(&self, nodes: &str, org: &str) -> (Option<i32>, Value, String) {
        let run = self.drill(nodes, org).output().unwrap();
        let said = String::from_utf8(run.stderr).unwrap();
        (run.status.code(), serde_json::from_slice(&run.stdout).unwrap_or(Value::Null), said)
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Ends with the test, whatever happens.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn from_the_command_line(engine: Engine) {
    let (folder, url) = operator_database(engine).await;
    let operator = Operator { folder, url };
    let program = || rollcall(&operator.folder, operator.url.as_deref());
    if engine == Engine::Postgres {
        assert!(program().arg("migrate").output().unwrap().status.success());
    }
    let (org, token) = bootstrap(program(), &operator.folder);
    let (one, other) = (Process::serve(program()), Process::serve(program()));
    let nodes = format!("http://{}, http://{}", one.address, other.address);
    for name in ["acme", org.as_str()] {
        let (status, report, said) = operator.run(&nodes, name);
        assert_eq!((status, &report["passed"], said.as_str()), (Some(0), &json!(true), ""), "{report:#}");
        assert_eq!((&report["org_id"], report["report"]["trials"].as_array().unwrap().len()), (&json!(org), 12));
        assert!(!report.to_string().contains("rcs_") && !report.to_string().contains(&token[37..80]));
    }

    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (status, report, said) = operator.run(&format!("http://{},http://{gone}", one.address), "acme");
    assert_eq!((status, &report["passed"]), (Some(1), &json!(false)));
    assert!(said.contains(&format!("not every node answers: http://{gone}")), "{said}");
    let (status, _, said) = operator.run(&nodes, "globex");
    assert!(status == Some(1) && said.contains("no organisation globex"), "{said}");
    let (status, _, said) = operator.run("", "acme");
    assert!(status == Some(1) && said.contains("ROLLCALL_DRILL_NODES"), "{said}");

    // A node that takes the connection and says nothing; then the operator's machine goes away.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let hanging =
        operator.drill(&format!("http://{}", silent.local_addr().unwrap()), "acme").stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut hanging = Killed(hanging.unwrap());
    silent.accept().unwrap();
    hanging.0.kill().unwrap();
    hanging.0.wait().unwrap();
    let file = || format!("sqlite:{}", operator.folder.join("rollcall.db").display());
    let rows = Rows::open(&operator.url.clone().unwrap_or_else(file)).await;
    assert_eq!(rows.texts("SELECT state FROM drills ORDER BY number").await, ["passed", "passed", "failed", "running"]);
    assert_eq!(rows.number("SELECT count(*) FROM organizations").await, 2);
    let (status, _, said) = operator.run(&nodes, "acme");
    assert!(status == Some(1) && said.contains("under way"), "{said}");
    rows.run("UPDATE drills SET leased_until = 0 WHERE state = 'running'").await;
    let (status, report, said) = operator.run(&nodes, "acme");
    assert_eq!((status, said.as_str()), (Some(0), ""), "{report:#}");
    assert_eq!(rows.texts("SELECT state FROM drills ORDER BY number").await, ["passed", "passed", "failed", "interrupted", "passed"]);
    assert_eq!(rows.number("SELECT count(*) FROM organizations").await, 1);
    assert_eq!(rows.number("SELECT count(*) FROM users").await, 1);
    rows.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_runs_drills_on_sqlite() {
    from_the_command_line(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_runs_drills_on_postgres() {
    from_the_command_line(Engine::Postgres).await;
}
