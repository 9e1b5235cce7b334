//! The audit log's seals: what was sealed cannot be changed unnoticed, however it is done.

use std::time::Duration;

use directory::{
    Db, DbSettings, Error,
    seals::{self, Head, Verified},
};
use futures_util::StreamExt;
use serde_json::Value;

use crate::support::{
    Engine, Org, Rows, TestApp, both_databases, operator_database, patch_active,
    process::{bootstrap, rollcall},
};

/// Time passes, and what happened is sealed.
async fn seal(app: &TestApp) {
    app.state.settle().await;
    app.advance(Duration::from_secs(61));
    seals::seal(&app.state.db, (app.state.clock)()).await.unwrap();
}

async fn verify_against(app: &TestApp, org: &Org, expected: Option<&Head>) -> Verified {
    seals::verify(&app.state.db, Some(&org.slug), expected, (app.state.clock)()).await.unwrap().remove(0)
}

async fn verify(app: &TestApp, org: &Org) -> Verified {
    verify_against(app, org, None).await
}

/// Three seals over a few events each.
async fn three_seals(app: &TestApp) -> Org {
    let acme = app.org("Acme").await;
    seal(app).await;
    let (person, _) = app.join(&acme, "mira@acme.test").await;
    seal(app).await;
    app.advance(Duration::from_secs(3_600));
    app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(false)).await;
    seal(app).await;
    acme
}

/// Do as somebody who owns the database: what protects the rows is gone.
async fn unprotect(app: &TestApp) {
    let tables = ["audit_events", "audit_seals", "audit_seal_events"];
    if app.state.db.is_postgres() {
        for table in tables {
            app.database.try_run(&format!("ALTER TABLE {table} DISABLE TRIGGER USER")).await.unwrap();
        }
        return;
    }
    let names = "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name LIKE 'audit_%'";
    for name in app.database.texts(names).await {
        app.database.try_run(&format!("DROP TRIGGER {name}")).await.unwrap();
    }
}

const COPIED: [&str; 3] = ["audit_events", "audit_seals", "audit_seal_events"];

/// An event that nobody wrote, like that of a place in a batch, at another time.
fn forged(id: &str, at: &str) -> String {
    format!(
        "INSERT INTO audit_events (id, org_id, at, action, actor_kind, actor_id, actor, target_kind, target_id, target, ip, user_agent, request_id, details)
         SELECT {id}, org_id, {at}, action, actor_kind, actor_id, actor, target_kind, target_id, target, ip, user_agent, request_id, details
         FROM audit_events WHERE id = (SELECT event_id FROM audit_seal_events WHERE seal = 2 AND position = 1)"
    )
}

both_databases! {
    async fn the_log_is_sealed_batch_after_batch(app) {
        let acme = three_seals(&app).await;
        let globex = app.org("Globex").await;
        let verified = verify(&app, &acme).await;
        let events = app.database.number("SELECT count(*) FROM audit_events e JOIN organizations o ON o.id = e.org_id WHERE o.slug = 'acme'").await;
        assert_eq!((verified.problems, verified.seals, verified.events, verified.unsealed), (vec![], 3, events, 0));
        // What is younger than a minute waits: whoever writes it may not have committed yet.
        assert_eq!(verify(&app, &globex).await.seals, 0);
        seals::seal(&app.state.db, (app.state.clock)()).await.unwrap();
        assert!(verify(&app, &globex).await.unsealed > 0);
        seal(&app).await;
        assert_eq!((verify(&app, &globex).await.seals, verify(&app, &acme).await.seals), (1, 3));
        let page = app.owner(&acme).await.get("/o/acme/settings/audit").await.text;
        assert!(page.contains("by a chain of 3 batches"), "{page}");
    }

    async fn a_busy_log_is_sealed_in_batches_of_a_thousand(app) {
        let acme = app.org("Acme").await;
        fill(&app, &acme, 2_500).await;
        seal(&app).await;
        let counts = app.database.texts(&format!("SELECT {} FROM audit_seals ORDER BY number", text(&app, "events"))).await;
        assert_eq!(counts.len(), 3, "{counts:?}");
        assert_eq!(counts[..2], ["1000", "1000"]);
        let verified = verify(&app, &acme).await;
        assert_eq!((verified.problems, verified.unsealed), (vec![], 0));
    }

    /// Whatever is done to the rows behind our back, it is found, and named.
    async fn every_kind_of_tampering_is_found(app) {
        let acme = three_seals(&app).await;
        unprotect(&app).await;
        for table in COPIED {
            app.database.try_run(&format!("CREATE TABLE copy_of_{table} AS SELECT * FROM {table}")).await.unwrap();
        }
        let id = if app.state.db.is_postgres() { "gen_random_uuid()" } else { "randomblob(16)" };
        let one = "(SELECT event_id FROM audit_seal_events WHERE seal = 2 AND position = 1)";
        let update = |what: &str| vec![format!("UPDATE audit_events SET {what} WHERE id = {one}")];
        let head = verify(&app, &acme).await.head.unwrap();
        let cases: Vec<(&str, Vec<String>, &[&str])> = vec![
            ("an actor changed", update("actor = 'Nobody'"), &["of batch 2 was changed"]),
            ("an actor's id taken away", update("actor_id = NULL, target_id = actor_id"), &["of batch 2 was changed"]),
            ("a detail added", update("details = '[[\"a\",\"b\"]]'"), &["of batch 2 was changed"]),
            ("a moment moved", update("at = at + 1"), &["of batch 2 was changed"]),
            (
                "an event changed, and its hash in the list",
                vec![update("ip = '6.6.6.6'").remove(0), "UPDATE audit_seal_events SET hash = (SELECT digest FROM audit_seals WHERE number = 1) WHERE seal = 2 AND position = 1".to_owned()],
                &["of batch 2 was changed", "the list of batch 2 was changed"],
            ),
            ("an event deleted", vec![format!("DELETE FROM audit_events WHERE id = {one}")], &["of batch 2 is gone"]),
            (
                "an event deleted with its place",
                vec![format!("DELETE FROM audit_events WHERE id = {one}"), "DELETE FROM audit_seal_events WHERE seal = 2 AND position = 1".to_owned()],
                &["the list of batch 2 was changed"],
            ),
            (
                "two events in another order",
                vec![
                    "UPDATE audit_seal_events SET position = 1000 WHERE seal = 2 AND position = 0".to_owned(),
                    "UPDATE audit_seal_events SET position = 0 WHERE seal = 2 AND position = 1".to_owned(),
                    "UPDATE audit_seal_events SET position = 1 WHERE seal = 2 AND position = 1000".to_owned(),
                ],
                &["the list of batch 2 was changed"],
            ),
            ("an event put into the past", vec![forged(id, "at - 1")], &["was put into the past"]),
            (
                "an event put into a batch",
                vec![
                    forged(id, "at"),
                    "INSERT INTO audit_seal_events (org_id, seal, position, event_id, hash)
                     SELECT e.org_id, 2, 1000, e.id, s.digest FROM audit_events e JOIN audit_seals s ON s.org_id = e.org_id AND s.number = 2
                     WHERE NOT EXISTS (SELECT 1 FROM audit_seal_events m WHERE m.event_id = e.id)".to_owned(),
                ],
                &["of batch 2 was changed", "the list of batch 2 was changed"],
            ),
            ("a seal changed", vec!["UPDATE audit_seals SET up_to = up_to + 1 WHERE number = 2".to_owned()], &["seal 2 was changed"]),
            (
                "a seal replaced",
                vec!["UPDATE audit_seals SET hash = digest WHERE number = 2".to_owned()],
                &["seal 2 was changed", "seal 3 does not follow seal 2"],
            ),
            (
                "a seal removed with all that it holds",
                vec![
                    "DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_seal_events WHERE seal = 2)".to_owned(),
                    "DELETE FROM audit_seals WHERE number = 2".to_owned(),
                ],
                &["seal 2 is gone"],
            ),
            ("the first seal removed", vec!["DELETE FROM audit_seals WHERE number = 1".to_owned()], &["seal 1 is gone", "was put into the past"]),
            (
                "a batch said to be cleared",
                vec![
                    "DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_seal_events WHERE seal = 1)".to_owned(),
                    "DELETE FROM audit_seal_events WHERE seal = 1".to_owned(),
                    "UPDATE audit_seals SET cleared_at = sealed_at + 1 WHERE number = 1".to_owned(),
                ],
                &["batch 1 was cleared before its time"],
            ),
            (
                "a batch in the middle said to be cleared",
                vec![
                    "DELETE FROM audit_seal_events WHERE seal = 2".to_owned(),
                    "UPDATE audit_seals SET cleared_at = sealed_at + 1 WHERE number = 2".to_owned(),
                ],
                &["batch 2 was cleared, and the one before it was not"],
            ),
        ];
        for (case, statements, expected) in cases {
            for sql in &statements {
                app.database.try_run(sql).await.unwrap_or_else(|error| panic!("{case}: {error}"));
            }
            let problems = verify(&app, &acme).await.problems;
            for sentence in expected {
                assert!(problems.iter().any(|problem| problem.contains(sentence)), "{case}: {problems:?}");
            }
            restore(&app).await;
            assert_eq!(verify_against(&app, &acme, Some(&head)).await.problems, [""; 0], "{case}: as it was");
        }

        // What was sealed last can be taken away without a trace in the database: the head tells, where it is kept elsewhere.
        for sql in ["DELETE FROM audit_events WHERE id IN (SELECT event_id FROM audit_seal_events WHERE seal = 3)", "DELETE FROM audit_seals WHERE number = 3"] {
            app.database.try_run(sql).await.unwrap();
        }
        assert_eq!(verify(&app, &acme).await.problems, [""; 0]);
        let problems = verify_against(&app, &acme, Some(&head)).await.problems;
        assert_eq!(problems, ["seal 3 is gone: it was the head that is expected"]);
        // Nor is another chain of the same length the one that is expected.
        app.join(&acme, "ben@acme.test").await;
        seal(&app).await;
        let problems = verify_against(&app, &acme, Some(&head)).await.problems;
        assert_eq!(problems, ["seal 3 is not the head that is expected: it was replaced"]);
    }

    /// Rows of the log are added, on both databases, and nothing else.
    async fn the_application_can_change_no_event_and_no_seal(app) {
        let acme = three_seals(&app).await;
        for sql in [
            "UPDATE audit_events SET actor = 'nobody'",
            "DELETE FROM audit_events",
            "UPDATE audit_seals SET up_to = 0",
            "UPDATE audit_seals SET cleared_at = 1, events = 1",
            "UPDATE audit_seals SET cleared_at = 9000000000000000",
            "DELETE FROM audit_seals",
            "UPDATE audit_seal_events SET position = position + 1000",
            "DELETE FROM audit_seal_events",
        ] {
            let error = app.database.try_run_as_application(sql).await.expect_err(sql);
            assert!(error.contains("permission denied") || error.contains("only added to"), "{error}");
            // The owner of the tables trips over it as well, until she takes the trigger away.
            let error = app.database.try_run(sql).await.expect_err(sql);
            assert!(error.contains("only added to"), "{error}");
        }
        // Nor is anything put beside what is there: a place in a batch that is full, or a batch that was never there.
        for sql in [
            "INSERT INTO audit_seal_events (org_id, seal, position, event_id, hash) SELECT org_id, seal, position + 1000, event_id, hash FROM audit_seal_events",
            "INSERT INTO audit_seals (org_id, number, events, first_at, up_to, digest, previous, hash, sealed_at, cleared_at)
             SELECT org_id, number + 100, events, first_at, up_to, digest, previous, hash, sealed_at, sealed_at FROM audit_seals",
        ] {
            let error = app.database.try_run_as_application_in("acme", sql).await.expect_err(sql);
            assert!(error.contains("only added to"), "{error}");
        }
        if !app.state.db.is_postgres() {
            for table in ["audit_seals", "audit_seal_events"] {
                let same = format!("INSERT OR REPLACE INTO {table} SELECT * FROM {table}");
                assert!(app.database.try_run_as_application(&same).await.unwrap_err().contains("only added to"), "{table}");
            }
            let replaced = "INSERT OR REPLACE INTO audit_events SELECT id, org_id, at, action, actor_kind, actor_id, 'Nobody', target_kind, target_id, target, ip, user_agent, request_id, details FROM audit_events";
            assert!(app.database.try_run_as_application(replaced).await.unwrap_err().contains("only added to"));
        }
        assert_eq!(verify(&app, &acme).await.problems, [""; 0]);
    }

    /// Many nodes seal at the same moment: one chain, and each event in one batch.
    async fn nodes_that_seal_at_once_make_one_chain(app) {
        let acme = app.org("Acme").await;
        for round in 0..5 {
            app.provision(&acme, &format!("p{round}@acme.test")).await;
            app.state.settle().await;
            app.advance(Duration::from_secs(61));
            let now = (app.state.clock)();
            let nodes: Vec<_> = (0..8).map(|_| { let db = app.state.db.clone(); tokio::spawn(async move { seals::seal(&db, now).await }) }).collect();
            for node in nodes {
                node.await.unwrap().unwrap();
            }
        }
        // A node that could not reach a busy database leaves it to the next round.
        seal(&app).await;
        let verified = verify(&app, &acme).await;
        let events = app.database.number("SELECT count(*) FROM audit_events").await;
        assert_eq!((verified.problems, verified.events, verified.unsealed), (vec![], events, 0));
        assert!(verified.seals <= 5, "a round makes one seal: {}", verified.seals);
    }

    /// Transactions commit in another order than their events' moments.
    async fn an_event_that_comes_late_is_in_a_later_batch(app) {
        let acme = three_seals(&app).await;
        let id = if app.state.db.is_postgres() { "gen_random_uuid()" } else { "randomblob(16)" };
        app.database.try_run(&forged(id, "(SELECT max(up_to) - 600000000 FROM audit_seals)")).await.unwrap();
        assert_eq!(verify(&app, &acme).await.unsealed, 1);
        seal(&app).await;
        let verified = verify(&app, &acme).await;
        assert_eq!((verified.problems, verified.seals, verified.unsealed), (vec![], 4, 0));
    }

    async fn old_batches_go_when_an_owner_wants_it(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        for org in [&acme, &globex] {
            old(&app, org, 2_000).await;
        }
        seal(&app).await;
        let of = |slug: &str| format!("SELECT count(*) FROM audit_events e JOIN organizations o ON o.id = e.org_id WHERE e.at < 1600000000000000 AND o.slug = '{slug}'");
        seals::clear(&app.state.db, || app.call()).await.unwrap();
        assert_eq!(app.database.number(&of("acme")).await, 2_000, "nobody has said so");
        let owner = app.owner(&acme).await;
        assert_eq!(owner.call("keep_audit", &[("org", "acme"), ("years", "3")]).await.status, 422);
        assert_eq!(owner.call("keep_audit", &[("org", "acme"), ("years", "7")]).await.status, 200);
        seals::clear(&app.state.db, || app.call()).await.unwrap();
        assert_eq!((app.database.number(&of("acme")).await, app.database.number(&of("globex")).await), (0, 2_000));

        let verified = verify(&app, &acme).await;
        assert_eq!((verified.problems, verified.cleared), (vec![], 2_000));
        assert_eq!(verify(&app, &globex).await.cleared, 0);
        let rows = app.audit(&acme).await;
        let about = |action: &str| rows.iter().filter(|row| row.action == action).map(|row| row.details.clone()).collect::<Vec<_>>();
        assert_eq!(about("audit.retention_changed"), [["kept for: for ever → 7 years"]]);
        assert_eq!(about("audit.cleared"), [["batches: 1–2", "entries: 2000"]]);
        // What is young stays, and nothing is cleared twice.
        assert!(!about("organisation.founded").is_empty());
        seals::clear(&app.state.db, || app.call()).await.unwrap();
        assert_eq!(app.audit(&acme).await.iter().filter(|row| row.action == "audit.cleared").count(), 1);
        seal(&app).await;
        assert_eq!(verify(&app, &acme).await.problems, [""; 0]);
    }

    /// A file that is read slowly is read no further than its reader may.
    async fn a_file_ends_when_its_reader_may_no_longer_read(app) {
        let acme = app.org("Acme").await;
        let auditor = app.member_as(&acme, "audit@acme.test", domain::OrgRole::Auditor).await;
        fill(&app, &acme, 2_500).await;
        let mut file = auditor.download("/o/acme/audit.jsonl").await;
        let mut read = 0;
        while read == 0 {
            read = file.next().await.unwrap().unwrap().len();
        }
        let member = app.member_id(&acme, "audit@acme.test").await;
        let removed = app.owner(&acme).await.call("remove_member", &[("org", "acme"), ("member", &member)]).await;
        assert_eq!(removed.status, 200, "{}", removed.text);
        assert!(file.next().await.unwrap().is_err(), "the next part");
        assert!(file.next().await.is_none());
    }

    async fn the_log_is_filtered_and_searched(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        app.join(&globex, "zoe@globex.test").await;
        let (person, _) = app.join(&acme, "mira@acme.test").await;
        app.advance(Duration::from_secs(7_200));
        let answer = app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(false)).await;
        let owner = app.owner(&acme).await;
        let found = async |filter: &[(&str, &str)]| {
            let filter: Vec<_> = filter.iter().map(|(name, value)| (format!("filter[{name}]"), *value)).collect();
            let mut fields = vec![("org", "acme")];
            fields.extend(filter.iter().map(|(name, value)| (name.as_str(), *value)));
            let page = owner.call("audit", &fields).await;
            assert_eq!(page.status, 200, "{}", page.text);
            let events = page.json["events"].as_array().unwrap().iter();
            let mut actions: Vec<_> = events.map(|event| event["action"].as_str().unwrap().to_owned()).collect();
            actions.sort();
            actions
        };
        assert_eq!(found(&[("group", "directory")]).await, ["user.changed", "user.created"]);
        assert_eq!(found(&[("group", "directory"), ("period", "hour")]).await, ["user.changed"]);
        assert_eq!(found(&[("search", "MIRA OLSEN"), ("group", "people")]).await, ["access.began", "access.ended"]);
        assert_eq!(found(&[("search", answer.headers["x-request-id"].to_str().unwrap())]).await, ["access.ended", "user.changed"]);
        let member = app.member_id(&acme, "mira@acme.test").await;
        assert_eq!(found(&[("member", &member)]).await, ["access.began", "access.ended", "activation.completed", "sign_in.succeeded"]);
        assert_eq!(found(&[("search", "zoe")]).await, [""; 0]);
        let theirs = app.member_id(&globex, "zoe@globex.test").await;
        assert_eq!(found(&[("member", &theirs)]).await, [""; 0]);
        let page = owner.get("/o/acme/settings/audit?group=directory&period=hour").await;
        assert!(page.text.contains("User changed") && !page.text.contains("Access ended"), "{}", page.text);
        assert!(page.text.contains("true → false"));
    }

    async fn the_log_is_taken_away_as_a_file(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        app.join(&globex, "zoe@globex.test").await;
        fill(&app, &acme, 1_500).await;
        app.idp(&acme).post("/Groups", serde_json::json!({ "displayName": "=HYPERLINK(1)\u{1b}[31m<script>" })).await;
        let browser = app.member_as(&acme, "auditor@acme.test", domain::OrgRole::Auditor).await;
        let before = app.database.number("SELECT count(*) FROM audit_events e JOIN organizations o ON o.id = e.org_id WHERE o.slug = 'acme'").await;
        let file = browser.get("/o/acme/audit.csv").await;
        assert_eq!((file.status, file.header("content-type"), file.header("cache-control")), (200, Some("text/csv; charset=utf-8"), Some("no-store")));
        assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"audit-acme-2027-01-15.csv\""));
        let lines = file.text.split_terminator("\r\n").count();
        assert_eq!(i64::try_from(lines).unwrap(), 1 + before + 1, "the head, each event once, and that it was taken away");
        assert!(file.text.contains("audit.exported") && !file.text.contains("zoe") && !file.text.contains('\u{1b}'));
        assert!(file.text.contains(",'=HYPERLINK(1)"), "{}", file.text);

        let file = browser.get("/o/acme/audit.jsonl?group=settings&search=taken+away+or+exported").await;
        assert_eq!(file.text, "", "nothing is called that");
        let file = browser.get("/o/acme/audit.jsonl?group=settings&search=exported").await;
        let lines: Vec<Value> = file.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines.len(), 3);
        assert_eq!((&lines[0]["action"], &lines[0]["actor"]["kind"]), (&"audit.exported".into(), &"member".into()));
        // They are of one moment, so their order says nothing.
        let format = |line: &Value| line["details"][0] == serde_json::json!({ "name": "format", "value": "jsonl" });
        assert_eq!(lines.iter().filter(|line| format(line)).count(), 2, "{lines:?}");
        // Members do not, nor does anybody of another organisation; and then nothing is noted.
        let member = app.member_as(&acme, "member@acme.test", domain::OrgRole::Member).await;
        for (browser, status) in [(&member, 403), (&app.owner(&globex).await, 409)] {
            assert_eq!(browser.get("/o/acme/audit.csv").await.status, status);
            assert_eq!(browser.get("/o/acme/audit.jsonl").await.status, status);
        }
        assert_eq!(app.database.number("SELECT count(*) FROM audit_events WHERE action = 'audit.exported'").await, 3);
    }
}

/// The application may clear nothing by itself, and background jobs nothing that its organisation does not want cleared, that is
/// another's, or that is young, whatever a batch says of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_application_clears_only_what_its_organisation_wants_cleared() {
    let app = TestApp::start(Engine::Postgres).await;
    let acme = app.org("Acme").await;
    old(&app, &acme, 1_000).await;
    seal(&app).await;
    let jobs = Rows::open(&app.database.url_of("rollcall_jobs")).await;
    let call = |org: &Org| format!("SELECT rollcall_clear_audit('{}', 9000000000000000, 20, gen_random_uuid())", org.id);
    let within = |org: &Org, call: &str| format!("BEGIN; SELECT set_config('rollcall.org', '{}', true); {call}; COMMIT", org.id);
    let error = app.database.try_run_as_application_in("acme", &call(&acme)).await.unwrap_err();
    assert!(error.contains("permission denied"), "{error}");
    let error = jobs.try_run(&call(&acme)).await.unwrap_err();
    assert!(error.contains("of another organisation"), "{error}");
    jobs.try_run(&within(&acme, &call(&acme))).await.unwrap();
    let left = || app.database.number("SELECT count(*) FROM audit_events WHERE at < 1600000000000000");
    assert_eq!(left().await, 1_000, "kept for ever");
    app.database
        .try_run_as_application_in("acme", &format!("INSERT INTO retention (org_id, audit_years) VALUES ('{}', 1)", acme.id))
        .await
        .unwrap();
    // Whatever time it says it is: what the database holds to be young stays.
    let all = app.database.number("SELECT count(*) FROM audit_events").await;
    jobs.try_run(&within(&acme, &call(&acme))).await.unwrap();
    // Whoever clears cannot do it in silence.
    assert_eq!((left().await, app.database.number("SELECT count(*) FROM audit_events").await), (0, all - 1_000 + 1));
    assert_eq!(app.audit(&acme).await.iter().filter(|row| row.action == "audit.cleared").count(), 1);
    assert_eq!(app.database.number("SELECT count(*) FROM audit_seal_events WHERE seal = 1").await, 0);

    // A batch that says it is old, and names a young event: nothing is cleared.
    let globex = app.org("Globex").await;
    let young =
        app.database.number("SELECT count(*) FROM audit_events e JOIN organizations o ON o.id = e.org_id WHERE o.slug = 'globex'").await;
    let forged = format!(
        "INSERT INTO retention (org_id, audit_years) VALUES ('{org}', 1);
         INSERT INTO audit_seals (org_id, number, events, first_at, up_to, digest, previous, hash, sealed_at)
         VALUES ('{org}', 1, {young}, 0, 1, '', '', '', 1);
         INSERT INTO audit_seal_events (org_id, seal, position, event_id, hash)
         SELECT org_id, 1, row_number() OVER () - 1, id, '' FROM audit_events WHERE org_id = '{org}'",
        org = globex.id
    );
    app.database.try_run_as_application_in("globex", &forged).await.unwrap();
    let error = jobs.try_run(&within(&globex, &call(&globex))).await.unwrap_err();
    assert!(error.contains("do not hold what they were sealed with"), "{error}");
    jobs.try_run("ROLLBACK").await.unwrap();
    let events = "SELECT count(*) FROM audit_events e JOIN organizations o ON o.id = e.org_id WHERE o.slug = 'globex'";
    assert_eq!(app.database.number(events).await, young);
    jobs.close().await;
}

async fn restore(app: &TestApp) {
    for table in COPIED.iter().rev() {
        app.database.try_run(&format!("DELETE FROM {table}")).await.unwrap();
    }
    for table in COPIED {
        app.database.try_run(&format!("INSERT INTO {table} SELECT * FROM copy_of_{table}")).await.unwrap();
    }
}

fn text(app: &TestApp, what: &str) -> String {
    if app.state.db.is_postgres() { format!("{what}::text") } else { format!("CAST({what} AS text)") }
}

/// So many events of this moment, made in the database.
async fn fill(app: &TestApp, org: &Org, count: usize) {
    events(app, org, count, &(app.state.clock)().as_micros().to_string()).await;
}

/// So many events of 2018.
async fn old(app: &TestApp, org: &Org, count: usize) {
    events(app, org, count, "1514764800000000").await;
}

async fn events(app: &TestApp, org: &Org, count: usize, at: &str) {
    let (series, id) = if app.state.db.is_postgres() {
        (format!("generate_series(1, {count}) s(n)"), "gen_random_uuid()")
    } else {
        (format!("(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) SELECT n FROM s) s"), "randomblob(16)")
    };
    let sql = format!(
        "INSERT INTO audit_events (id, org_id, at, action, actor_kind, actor, target_kind, target, ip, user_agent, request_id, details)
         SELECT {id}, o.id, {at} + n, 'user.changed', 'system', 'Rollcall', 'user', 'Person ' || n, '10.0.0.1', 'Okta SCIM Client 1.0.0', 'r' || n,
                '[[\"attributes\",\"displayName, title\"]]'
         FROM organizations o, {series} WHERE o.slug = '{}'",
        org.slug
    );
    app.database.try_run(&sql).await.unwrap();
}

/// `rollcall audit verify` says so, and its exit status does.
async fn from_the_command_line(engine: Engine) {
    let (folder, url) = operator_database(engine).await;
    let program = || {
        let mut program = rollcall(&folder, url.as_deref());
        if url.is_some() {
            program.env("ROLLCALL_MIGRATION_DATABASE_URL", url.as_deref().unwrap());
        }
        program
    };
    assert!(program().arg("migrate").output().unwrap().status.success());
    let (org, _) = bootstrap(program(), &folder);
    let of = url.clone().unwrap_or_else(|| format!("sqlite:{}", folder.join("rollcall.db").display()));
    let db = Db::connect(&DbSettings::new(of.clone())).await.unwrap();
    seals::seal(&db, (server::system::clock())() + Duration::from_secs(120)).await.unwrap();
    db.close().await.unwrap();
    let run = |arguments: &[&str]| {
        let run = program().args(["audit", "verify"]).args(arguments).output().unwrap();
        (run.status.code(), String::from_utf8(run.stdout).unwrap(), String::from_utf8(run.stderr).unwrap())
    };
    let (code, out, _) = run(&["--org", "acme", "--json"]);
    let intact: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, &intact["intact"], &intact["seals"], &intact["org_id"]), (Some(0), &true.into(), &1.into(), &org.as_str().into()));
    let head = intact["head"].as_str().unwrap();
    assert_eq!(run(&["--org", &org, "--expect", head]).0, Some(0));
    assert_eq!(run(&["--org", &org, "--expect", &head.replacen("1-", "2-", 1)]).0, Some(1));
    assert_eq!((run(&["--org", "acme", "--expect", "x"]).0, run(&["--org", "nobody"]).0), (Some(1), Some(1)));
    assert_ne!(run(&["--expect", head]).0, Some(0), "of which organisation");

    let rows = Rows::open(&of).await;
    let unprotect = if url.is_some() { "ALTER TABLE audit_events DISABLE TRIGGER USER" } else { "DROP TRIGGER audit_events_stay" };
    rows.run(unprotect).await;
    rows.run("UPDATE audit_events SET actor = 'Nobody' WHERE action = 'organisation.founded'").await;
    rows.close().await;
    let (code, out, error) = run(&[]);
    assert_eq!(code, Some(1));
    // It only reads: a database that is behind is not brought up to date on the way.
    let behind = Rows::open(&of).await;
    behind.run("DELETE FROM seaql_migrations WHERE version LIKE '%000019%'").await;
    let refused = run(&["--org", "acme"]);
    assert!(refused.0 == Some(1) && refused.2.contains("1 migrations are pending"), "{refused:?}");
    assert_eq!(behind.number("SELECT count(*) FROM seaql_migrations WHERE version LIKE '%000019%'").await, 0);
    behind.close().await;
    assert!(out.contains("acme: TAMPERED WITH") && out.contains("of batch 1 was changed"), "{out}");
    assert!(error.contains("is not as it was sealed"), "{error}");
    let _ = std::fs::remove_dir_all(folder);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_verified_from_the_command_line_on_sqlite() {
    from_the_command_line(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_is_verified_from_the_command_line_on_postgres() {
    from_the_command_line(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_organisation_that_is_not_there_has_no_log() {
    let app = TestApp::start(Engine::Sqlite).await;
    for org in ["nobody", "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10", "No Slug!"] {
        let answer = seals::verify(&app.state.db, Some(org), None, (app.state.clock)()).await;
        assert!(matches!(answer, Err(Error::NotFound(_))), "{org}");
    }
}
