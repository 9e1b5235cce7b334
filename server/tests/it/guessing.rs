//! Guessing gets nowhere: it is slowed, then blocked by all nodes, bounded in what it costs, and told to whom it concerns; and it is in
//! nobody's way who has a good credential.

use std::{net::Ipv4Addr, num::NonZeroU32, time::Duration};

use directory::{address_blocks, mail, sessions};
use http::header;
use serde_json::json;
use server::rate_limit::ScimTraffic;

use crate::{
    support::{Answer, Browser, Client, Idp, Org, PASSWORD, Page, TestApp, both_databases, recorded, user},
    tokens::altered,
    who_may,
};

const CLI: &str = "rollcall-cli";
const HOUR: Duration = Duration::from_secs(3_600);
/// Guesses that are heard before the network is blocked.
const HEARD: usize = 30;

/// Somebody at this address who guesses at the tokens of `org`.
fn guesser(app: &TestApp, org: &Org, address: &str) -> Idp {
    app.idp(org).with_authorization(Some("Bearer rcs_guess")).from(address)
}

fn nth_address(number: u32) -> String {
    Ipv4Addr::from(u32::from(Ipv4Addr::new(172, 16, 0, 0)) + number).to_string()
}

async fn guess(idp: &Idp) -> (u16, Option<u64>) {
    let answer = idp.get("/Users").await;
    (answer.status, retry_after(&answer))
}

/// Whole seconds, as Okta reads them.
fn retry_after(answer: &Answer) -> Option<u64> {
    answer.header("retry-after").map(|value| value.parse().unwrap_or_else(|_| panic!("{value}")))
}

/// Guess until it is one too many.
async fn wear_out(app: &TestApp, idp: &Idp) {
    for number in 0..HEARD {
        assert_eq!(guess(idp).await.0, 401, "{number}");
    }
    assert_eq!(guess(idp).await.0, 429);
    app.state.settle().await;
}

async fn audited(app: &TestApp, org: &Org, action: &str) -> Vec<Vec<String>> {
    app.audit(org).await.into_iter().filter(|row| row.action == action).map(|row| row.details).collect()
}

async fn count(app: &TestApp, action: &str) -> i64 {
    app.state.settle().await;
    app.database.number(&format!("SELECT count(*) FROM audit_events WHERE action = '{action}'")).await
}

both_databases! {
    async fn a_block_is_shared_by_all_nodes_grows_and_ends(app) {
        let acme = app.org("Acme").await;
        let here = guesser(&app, &acme, "192.0.2.7");
        let (other, router) = app.another_node();
        let there = here.of_node(&router);
        let is_scim = here.get("/Users").await;
        app.state.forget_failures();
        assert_eq!((is_scim.status, retry_after(&is_scim)), (401, None));

        for seconds in [60, 120, 240, 480, 960, 1_920, 3_600, 3_600] {
            wear_out(&app, &here).await;
            let blocked = here.get("/Users").await;
            assert_eq!((blocked.status, retry_after(&blocked), &blocked.json["status"]), (429, Some(seconds), &"429".into()), "{}", blocked.text);
            // The other node hears of it with the first failure that it notes.
            assert_eq!(guess(&there).await, (401, None), "{seconds}");
            other.settle().await;
            assert_eq!(guess(&there).await, (429, Some(seconds)));
            // Neither keeps anybody out who has a token.
            for node in [&here, &there] {
                assert_eq!(node.with_authorization(Some(&format!("Bearer {}", acme.token))).get("/Users").await.status, 200, "{seconds}");
            }
            app.advance(Duration::from_secs(seconds - 1));
            assert_eq!((guess(&here).await, guess(&there).await), ((429, Some(1)), (429, Some(1))));
            app.advance(Duration::from_secs(1));
            assert_eq!(guess(&there).await.0, 401, "over");
            other.settle().await;
            app.advance(Duration::from_secs(120));
        }
        // Who was quiet for a day begins anew.
        app.advance(24 * HOUR);
        wear_out(&app, &here).await;
        assert_eq!(guess(&here).await, (429, Some(60)));
    }

    async fn two_nodes_that_have_had_enough_at_once_make_one_block(app) {
        let acme = app.org("Acme").await;
        let ip = "192.0.2.7".parse().unwrap();
        let call = app.call();
        let (a, b) = tokio::join!(address_blocks::block(&app.state.db, ip, &call), address_blocks::block(&app.state.db, ip, &call));
        assert_eq!((a.unwrap(), b.unwrap()), (call.now + address_blocks::FIRST, call.now + address_blocks::FIRST));
        assert_eq!(app.database.number("SELECT max(level) FROM address_blocks").await, 1);
        assert_eq!(guess(&guesser(&app, &acme, "192.0.2.7")).await.0, 401, "nobody asked the database before the answer");
    }

    async fn what_is_kept_of_blocks_is_bounded_and_swept(app) {
        let (series, key) = match app.state.db.is_postgres() {
            true => ("generate_series(1, 10500) AS s(n)", "decode(lpad(to_hex(n), 8, '0'), 'hex')"),
            false => ("(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 10500) SELECT n FROM s)", "CAST(printf('%08x', n) AS blob)"),
        };
        let now = app.call().now.as_micros();
        app.database.try_run(&format!("INSERT INTO address_blocks (key, level, blocked_until) SELECT {key}, 1, {now} + n FROM {series}")).await.unwrap();
        address_blocks::block(&app.state.db, "192.0.2.7".parse().unwrap(), &app.call()).await.unwrap();
        let kept = "SELECT count(*) FROM address_blocks";
        assert_eq!(app.database.number(kept).await, 10_000);
        assert!(address_blocks::blocked_until(&app.state.db, "192.0.2.7".parse().unwrap(), app.call().now).await.unwrap().is_some(), "the newest stays");
        app.advance(24 * HOUR);
        address_blocks::sweep(&app.state.db, app.call().now).await.unwrap();
        assert!(app.database.number(kept).await > 0, "remembered for a day after its end");
        app.advance(Duration::from_secs(61));
        address_blocks::sweep(&app.state.db, app.call().now).await.unwrap();
        assert_eq!(app.database.number(kept).await, 0);
    }

    async fn what_a_header_says_of_the_address_counts_for_nothing(app) {
        let acme = app.org("Acme").await;
        let spoofing = async |app: &TestApp, peer: &str, number: usize, behind: &str| {
            let claims = format!("198.51.100.{number}{behind}");
            let idp = guesser(app, &acme, peer).with_header("x-forwarded-for", &claims).with_header("forwarded", &format!("for={claims}"));
            idp.with_header("x-real-ip", &claims).get("/Users").await.status
        };
        for number in 0..HEARD {
            assert_eq!(spoofing(&app, "192.0.2.7", number, "").await, 401, "{number}");
        }
        assert_eq!(spoofing(&app, "192.0.2.7", 99, "").await, 429);
        // A proxy that is trusted adds the true address behind whatever its client claims.
        let app = app.behind("10.0.0.0/8");
        for number in 0..HEARD {
            assert_eq!(spoofing(&app, "10.0.0.1", number, ", 203.0.113.9").await, 401, "{number}");
        }
        assert_eq!(spoofing(&app, "10.0.0.2", 99, ", 203.0.113.9").await, 429, "through another proxy, too");
        assert_eq!(spoofing(&app, "10.0.0.1", 99, ", 203.0.113.10").await, 401, "somebody else");
    }

    async fn a_64_is_one_guesser(app) {
        let acme = app.org("Acme").await;
        for number in 0..HEARD {
            assert_eq!(guess(&guesser(&app, &acme, &format!("2001:db8:0:1::{number:x}"))).await.0, 401);
        }
        assert_eq!(guess(&guesser(&app, &acme, "2001:db8:0:1:ffff::1")).await.0, 429);
        assert_eq!(guess(&guesser(&app, &acme, "2001:db8:0:2::1")).await.0, 401);
    }

    /// Identity providers in the cloud send everybody's requests from the same addresses.
    async fn an_address_that_fails_for_one_organisation_works_for_the_others(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let shared = "192.0.2.7";
        let globex_idp = app.idp(&globex).from(shared);
        for number in 0..100 {
            guess(&guesser(&app, &acme, shared)).await;
            let answer = globex_idp.post("/Users", user(&format!("p{number}@globex.test"))).await;
            assert_eq!(answer.status, 201, "{number}: {}", answer.text);
        }
        assert_eq!(guess(&guesser(&app, &acme, shared)).await.0, 429);
        assert_eq!(guess(&guesser(&app, &globex, shared)).await.0, 429, "a wrong token for another organisation is a guess, too");
        assert_eq!(app.idp(&acme).from(shared).get("/Users").await.status, 200);
    }

    /// Before the block a guess is noted; after it, nothing is asked of the database, and all of them are written down as one.
    async fn five_thousand_guesses_from_one_address_make_few_rows(app) {
        let acme = app.org("Acme").await;
        let idp = guesser(&app, &acme, "192.0.2.7");
        wear_out(&app, &idp).await;
        let rows = async || {
            let mut rows = vec![];
            for table in ["audit_events", "auth_failures", "failure_notes", "address_blocks", "mail_queue", "outbox"] {
                rows.extend(app.database.rows(&format!("SELECT * FROM {table}")).await);
            }
            rows
        };
        let before = rows().await;
        for _ in 0..5_000 {
            assert_eq!(guess(&idp).await.0, 429);
        }
        let (answer, done) = recorded(idp.get("/Users")).await;
        assert_eq!((answer.status, done.statements), (429, vec![]));
        app.state.settle().await;
        assert_eq!(rows().await, before);
        assert_eq!(count(&app, "scim.authentication_failed").await, 2, "the first and the tenth");
        // 30 were heard, and one was too many.
        app.advance(Duration::from_secs(5));
        assert_eq!(guess(&idp).await.0, 429);
        let all = HEARD + 1 + 5_000 + 1 + 1;
        app.state.note_failures().await.unwrap();
        let shown = async || app.owner(&acme).await.call("security", &[("org", "acme")]).await.json["failed_attempts"].clone();
        assert_eq!((&shown().await["count"], &shown().await["last_from"]), (&all.into(), &"192.0.2.7".into()));
        let listed = async || audited(&app, &acme, "scim.authentication_failed").await;
        let told = |why: &str, what: &str, count: usize, last: u32| {
            [format!("why: {why}"), format!("{what}: {count}"), "first: 15 Jan 2027, 08:00:00 UTC".to_owned(), format!("last: 15 Jan 2027, 08:00:{last:02} UTC")].to_vec()
        };
        let (mistyped, blocked) = ("no provisioning token, or one that was cut or mistyped", "from a network that is blocked because it guesses, or with too many at once: not looked at one by one");
        assert_eq!(listed().await[0], told(blocked, "failures so far", 5_003, 5));
        assert!(listed().await[1..].contains(&told(mistyped, "failures so far", 10, 0)));
        // It goes on: counted with each minute, and told when it is over.
        for _ in 0..10 {
            assert_eq!(guess(&idp).await.0, 429);
        }
        app.state.note_failures().await.unwrap();
        assert_eq!((shown().await["count"].clone(), listed().await.len()), ((all + 10).into(), 3));
        app.advance(Duration::from_secs(179));
        app.state.note_failures().await.unwrap();
        assert_eq!(listed().await[0], told(mistyped, "failures in all", HEARD, 0));
        app.advance(Duration::from_secs(1));
        for _ in 0..2 {
            app.state.note_failures().await.unwrap();
            assert_eq!((listed().await[0].clone(), listed().await.len()), (told(blocked, "failures in all", 5_013, 5), 5), "once");
        }
        assert_eq!(shown().await["count"], all + 10);
        assert!(app.alerts().await.iter().any(|alert| alert.1.contains("many requests without a valid token")));
    }

    /// What has to be told is kept while the database is out of reach, and whoever makes up organisations costs no rows.
    async fn a_flood_is_told_later_when_it_cannot_be_now_and_only_to_whom_it_concerns(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        wear_out(&app, &guesser(&app, &acme, "192.0.2.7")).await;
        let nobody = guesser(&app, &acme, "192.0.2.7").at("/scim/0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10/v2");
        assert_eq!((guess(&nobody).await.0, guess(&guesser(&app, &globex, "192.0.2.7")).await.0), (429, 429));
        app.database.break_table("auth_failures").await;
        app.state.note_failures().await.unwrap_err();
        assert_eq!(guess(&guesser(&app, &globex, "192.0.2.7")).await.0, 429);
        app.database.mend("auth_failures").await;
        app.state.note_failures().await.unwrap();
        let seen = async |org: &Org| app.owner(org).await.call("security", &[("org", &org.slug)]).await.json["failed_attempts"]["count"].clone();
        assert_eq!((seen(&acme).await, seen(&globex).await), (json!(HEARD + 1), json!(2)));
        assert_eq!(app.database.number("SELECT count(*) FROM auth_failures WHERE kind = 'scim_hour'").await, 2);
    }

    /// The log is full of somebody's flood: another organisation still hears of its own, and the other nodes of blocks.
    async fn a_flood_at_one_organisation_drops_neither_anothers_notes_nor_blocks(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let sql = match app.state.db.is_postgres() {
            true => "LOCK TABLE auth_failures, audit_events IN ACCESS EXCLUSIVE MODE",
            false => "INSERT INTO auth_failures (kind, key, window_began_at, failures) VALUES ('test', x'00', 0, 1)",
        };
        let lock = app.database.hold_lock(sql).await;
        for number in 0..1_100 {
            assert_eq!(guess(&guesser(&app, &acme, &nth_address(number))).await.0, 401);
        }
        assert_eq!(guess(&guesser(&app, &globex, "192.0.2.8")).await.0, 401);
        let blocked = guesser(&app, &acme, "192.0.2.7");
        for _ in 0..=HEARD {
            guess(&blocked).await;
        }
        lock.rollback().await.unwrap();
        app.state.settle().await;
        assert_eq!(audited(&app, &globex, "scim.authentication_failed").await.len(), 1);
        assert_eq!(app.database.number("SELECT count(*) FROM address_blocks").await, 1);
    }

    /// Whoever has many networks, and types many names, does not fill the disk.
    async fn what_is_kept_of_failures_is_bounded_and_swept(app) {
        let (series, key) = match app.state.db.is_postgres() {
            true => ("generate_series(1, 10500) AS s(n)", "decode(lpad(to_hex(n), 8, '0'), 'hex')"),
            false => ("(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 10500) SELECT n FROM s)", "CAST(printf('%08x', n) AS blob)"),
        };
        let now = app.call().now.as_micros();
        for kind in ["sign_in_account", "sign_in_address", "scim_hour"] {
            app.database.try_run(&format!("INSERT INTO auth_failures (kind, key, window_began_at, failures) SELECT '{kind}', {key}, {now} - 20000 + n, 1 FROM {series}")).await.unwrap();
        }
        let browser = app.browser();
        let guess = async |number: usize| browser.call("sign_in", &[("email", &format!("p{number}@acme.test")), ("password", "x")]).await.status;
        assert_eq!(guess(0).await, 401);
        let kept = async |kind: &str| app.database.number(&format!("SELECT count(*) FROM auth_failures WHERE kind = '{kind}'")).await;
        assert_eq!((kept("sign_in_account").await, kept("sign_in_address").await), (10_000, 10_000));
        assert_eq!(kept("scim_hour").await, 10_500, "what is counted for organisations is bounded by those");
        let newest = |kinds: &str| format!("SELECT count(*) FROM auth_failures WHERE window_began_at = {now} AND kind LIKE '{kinds}'");
        assert_eq!(app.database.number(&newest("sign_in%")).await, 2, "the oldest went");
        // What an address that is refused goes on to type is not written down.
        for number in 0..30 {
            browser.call("ask_reset", &[("email", &format!("p{number}@acme.test"))]).await;
        }
        assert_eq!((app.database.number(&newest("reset_account")).await, app.database.number(&newest("reset_address")).await), (20, 1));
        app.advance(25 * HOUR);
        sessions::sweep(&app.state.db, app.state.session_limits, app.call().now).await.unwrap();
        assert_eq!(app.database.number("SELECT count(*) FROM auth_failures").await, 0);
    }

    async fn a_flood_from_many_addresses_is_listed_within_bounds_and_told_as_one(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        for number in 0..1_000 {
            assert_eq!(guess(&guesser(&app, &acme, &nth_address(number))).await.0, 401);
            if number % 200 == 0 {
                app.state.settle().await;
            }
        }
        assert_eq!(count(&app, "scim.authentication_failed").await, 60, "an hour's entries");
        let last = "SELECT count(*) FROM audit_events WHERE details LIKE '%further ones within the hour are counted, and told in one entry when it is over%'";
        assert_eq!(app.database.number(last).await, 1, "the last one says so");
        assert_eq!(app.database.number("SELECT count(*) FROM failure_notes").await, 61, "those, and one for the rest");
        // Owners see all of them, and whoever else was not meant sees none.
        let seen = async |org: &Org| app.owner(org).await.call("security", &[("org", &org.slug)]).await.json["failed_attempts"].clone();
        let shown = seen(&acme).await;
        assert_eq!((&shown["count"], &shown["last_from"]), (&json!(1_000), &json!(nth_address(999))));
        assert_eq!(shown["last_at"], json!(app.call().now));
        assert_eq!(seen(&globex).await, json!(null));
        app.advance(HOUR - Duration::from_secs(1));
        app.state.note_failures().await.unwrap();
        assert_eq!(count(&app, "scim.authentication_failed").await, 60);
        // In the next hour the rest is told, and there are entries again.
        app.advance(Duration::from_secs(1));
        app.state.note_failures().await.unwrap();
        assert!(audited(&app, &acme, "scim.authentication_failed").await[0].contains(&"failures that were not listed: 940".to_owned()));
        assert_eq!(guess(&guesser(&app, &acme, "192.0.2.7")).await.0, 401);
        assert_eq!((count(&app, "scim.authentication_failed").await, app.database.number("SELECT count(*) FROM failure_notes").await), (62, 1));
        app.advance(23 * HOUR);
        assert_eq!(seen(&acme).await["count"], json!(1), "a day later the flood is over");
    }

    async fn owners_are_told_once_a_day_when_there_are_many(app) {
        let acme = app.org("Acme").await;
        app.mails().await;
        let flood = async |guesses: u32| {
            for number in 0..guesses {
                assert_eq!(guess(&guesser(&app, &acme, &nth_address(number))).await.0, 401);
            }
            app.state.settle().await;
            app.state.forget_failures();
        };
        flood(99).await;
        assert_eq!(app.alerts().await, []);
        app.advance(HOUR);
        flood(99).await;
        assert_eq!(app.alerts().await, [], "within one hour, that is");
        flood(1).await;
        let told: Vec<_> = app.mails().await.into_iter().filter_map(|sent| match sent.content {
            mail::Content::Alert { subject, lines, .. } => Some((sent.address, subject, lines.join(" "))),
            _ => None,
        }).collect();
        let [(address, subject, line)] = told.as_slice() else { panic!("{told:?}") };
        assert_eq!((address.as_str(), subject.as_str()), ("owner@acme.test", "Acme: many requests without a valid token"));
        assert!(line.contains("100 requests") && line.contains("172.16.0.0"), "{line}");
        for _ in 0..3 {
            flood(200).await;
            app.advance(HOUR);
        }
        assert_eq!(app.alerts().await, [], "once a day");
        app.advance(21 * HOUR);
        flood(100).await;
        assert_eq!(app.alerts().await.len(), 1, "the next day");
    }

    /// The audit log is locked by somebody else: refusals go out all the same, and what does not fit into the queue is let go.
    async fn a_refusal_waits_for_no_log_and_a_full_queue_is_no_error(app) {
        let acme = app.org("Acme").await;
        let sql = match app.state.db.is_postgres() {
            true => "LOCK TABLE auth_failures, audit_events IN ACCESS EXCLUSIVE MODE",
            false => "INSERT INTO auth_failures (kind, key, window_began_at, failures) VALUES ('test', x'00', 0, 1)",
        };
        let lock = app.database.hold_lock(sql).await;
        let mut warnings = vec![];
        for number in 0..1_100 {
            let (answer, done) = recorded(guesser(&app, &acme, &nth_address(number)).get("/Users")).await;
            assert_eq!((answer.status, done.statements.len()), (401, 0), "{number}");
            warnings.extend(done.warnings);
        }
        lock.rollback().await.unwrap();
        // One is being written, and 1,024 wait.
        assert!((75..=76).contains(&warnings.len()), "{}", warnings.len());
        assert!(warnings.iter().all(|warning| warning.contains("failures come faster than they can be noted")), "{warnings:?}");
        app.state.settle().await;
        assert!(count(&app, "scim.authentication_failed").await > 0, "what waited was written");
    }

    async fn a_token_has_a_burst_and_a_rate(app) {
        let [rate, burst] = [2, 5].map(|number| NonZeroU32::new(number).unwrap());
        let app = app.with_scim_traffic(ScimTraffic { rate, burst });
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let (idp, second) = (app.idp(&acme), app.issue_token(&acme, "Second").await);
        for _ in 0..4 {
            assert_eq!(idp.get("/Users").await.status, 200);
        }
        let bulk = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": (0..20).map(|number| json!({
            "method": "POST", "path": "/Users", "bulkId": number.to_string(), "data": user(&format!("p{number}@acme.test")),
        })).collect::<Vec<_>>() });
        assert_eq!(idp.post("/Bulk", bulk).await.status, 200, "one request, however much is in it");
        let refused = idp.post("/Users", user("one-too-many@acme.test")).await;
        assert_eq!((refused.status, retry_after(&refused), &refused.json["status"]), (429, Some(1), &"429".into()), "{}", refused.text);
        assert_eq!(refused.header("content-type"), Some("application/scim+json"));
        // It is the token's limit, nobody else's.
        let second = idp.with_authorization(Some(&format!("Bearer {}", second["secret"].as_str().unwrap())));
        assert_eq!((second.get("/Users").await.status, app.idp(&globex).get("/Users").await.status), (200, 200));
        app.advance(Duration::from_millis(499));
        assert_eq!(idp.get("/Users").await.status, 429);
        app.advance(Duration::from_millis(1));
        assert_eq!((idp.get("/Users").await.status, idp.get("/Users").await.status), (200, 429));
        app.advance(HOUR);
        let statuses: Vec<_> = futures_util::future::join_all((0..6).map(|_| idp.get("/Users"))).await.iter().map(|answer| answer.status).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 5, "{statuses:?}");
        app.state.settle().await;
        assert_eq!(app.database.number("SELECT count(*) FROM scim_requests WHERE status = 429").await, 4, "whoever runs the provider sees it");
    }

    /// Whether there is such an account is told neither by what is said nor by what is done.
    async fn a_sign_in_does_the_same_whether_or_not_there_is_an_account(app) {
        let acme = app.org("Acme").await;
        app.provision(&acme, "invited@acme.test").await;
        app.join(&acme, "gone@acme.test").await;
        let gone = app.idp(&acme).find("/Users", "userName eq \"gone@acme.test\"").await.resources()[0]["id"].as_str().unwrap().to_owned();
        assert_eq!(app.idp(&acme).delete(&format!("/Users/{gone}")).await.status, 204);
        let mut seen = vec![];
        for email in [acme.owner_email.as_str(), "nobody@acme.test", "invited@acme.test", "gone@acme.test"] {
            let (answer, done) = recorded(app.browser().call("sign_in", &[("email", email), ("password", "not her password")])).await;
            assert_eq!((answer.status, done.passwords), (401, 1), "{email}");
            let headers: Vec<_> = answer.headers.iter().filter(|(name, _)| *name != "x-request-id").map(|(name, value)| (name.clone(), value.clone())).collect();
            seen.push((answer.text, headers, done.statements));
        }
        assert!(!seen[0].2.is_empty());
        seen.dedup();
        assert_eq!(seen.len(), 1, "{seen:#?}");
        // Nor does one that is throttled.
        let mut throttled = vec![];
        for email in [acme.owner_email.as_str(), "nobody@acme.test"] {
            for _ in 0..9 {
                app.browser().call("sign_in", &[("email", email), ("password", "x")]).await;
            }
            let (answer, done) = recorded(app.browser().call("sign_in", &[("email", email), ("password", PASSWORD)])).await;
            assert_eq!((answer.status, done.passwords), (429, 0), "{email}");
            throttled.push((answer.text, done.statements));
        }
        throttled.dedup();
        assert_eq!(throttled.len(), 1, "{throttled:#?}");
    }

    /// What anybody may call has a limit of its own for each address; whoever sits elsewhere is not kept waiting.
    async fn each_call_that_anybody_can_make_has_a_limit(app) {
        let acme = app.org("Acme").await;
        // The limit of the address, which is asked first; others count what was typed.
        let is_limited = |answer: &Page| answer.status == 429 && answer.text == "Too many requests from this address. Wait a minute and try again.";
        let anybodys = who_may::functions().into_iter().filter(|(name, (needs, _))| *needs == who_may::Needs::Nothing && *name != "sign_out");
        let link = "x".repeat(43);
        let mut asked: Vec<_> = anybodys.map(|(name, (_, arguments))| (format!("/api/{name}"), arguments)).collect();
        assert!(asked.len() >= 11, "{asked:?}");
        asked.extend(["activate", "reset", "set-up"].map(|page| (format!("/{page}/{link}"), vec![])));
        for (path, arguments) in asked {
            let burst = if path.starts_with("/api/") && !path.ends_with("_link") { 40 } else { 120 };
            let ask = async |browser: &Browser| match path.strip_prefix("/api/") {
                Some(function) => browser.call(function, &arguments).await,
                None => browser.get(&path).await,
            };
            let browser = app.browser();
            // The machine's own clock goes on meanwhile.
            let mut asks = 0;
            let refused = loop {
                let answer = ask(&browser).await;
                asks += 1;
                if is_limited(&answer) { break answer }
                assert!(asks < 3 * burst, "{path} has no limit");
            };
            assert!(asks > burst, "{path}: {asks}");
            assert!(refused.header("retry-after").unwrap().parse::<u32>().unwrap() > 0, "{path}");
            assert!(!is_limited(&ask(&app.browser()).await), "{path} from elsewhere");
        }
        for (endpoint, burst) in [("device_authorization", 40), ("revoke", 120)] {
            let client = app.client();
            let call = async |client: &Client| client.form(endpoint, &[("client_id", CLI), ("token", "rcr_x")], None).await;
            let mut calls = 0;
            let refused = loop {
                let answer = call(&client).await;
                calls += 1;
                assert!(calls < 2 * burst, "{endpoint} has no limit");
                if answer.status == 429 { break answer }
            };
            assert!(calls > burst, "{endpoint}: {calls}");
            assert_eq!(refused.error(), (429, "slow_down"));
            assert!(refused.headers[header::RETRY_AFTER].to_str().unwrap().parse::<u32>().unwrap() > 0);
            assert_eq!(call(&app.client()).await.status, 200, "{endpoint} from elsewhere");
        }
        assert_eq!(app.owner(&acme).await.get("/o/acme/members").await.status, 200);
    }

    /// Of programs it is failures that count: whoever has something good goes on.
    async fn programs_that_fail_are_held_back_and_those_that_do_not_are_not(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let (credential, tokens) = (app.service_credential(&acme).await, app.let_in(&acme, &browser, CLI).await);
        let (no_credential, no_token, no_refresh) = (altered(&credential, 60), altered(&tokens.access, 60), altered(&tokens.refresh, 60));
        for case in ["introspect", "authorize", "me", "refresh", "device code"] {
            let client = app.client();
            let fail = async || match case {
                "introspect" => client.introspect(&no_credential, &tokens.access).await,
                "authorize" => client.decide(&no_credential, "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10", &tokens.access).await,
                "me" => client.get("/api/v1/me", &no_token).await,
                "refresh" => client.refresh(CLI, &no_refresh).await,
                _ => client.redeem(CLI, "rcd_x").await,
            };
            for number in 0..60 {
                let status = fail().await.status;
                assert!([400, 401].contains(&status), "{case} {number}: {status}");
            }
            let refused = fail().await;
            assert_eq!((refused.error(), refused.headers[header::RETRY_AFTER].to_str().unwrap()), ((429, "slow_down"), "2"), "{case}");
            // From the very same address.
            assert_eq!(client.introspect(&credential, &tokens.access).await.json["active"], true, "{case}");
            assert_eq!(client.get("/api/v1/me", &tokens.access).await.status, 200, "{case}");
            app.advance(Duration::from_secs(2));
            assert_ne!(fail().await.status, 429, "{case}");
            assert_eq!(fail().await.status, 429, "{case}");
        }
        assert_eq!(app.client().refresh(CLI, &tokens.refresh).await.status, 200, "nobody's failures used it up");
        // The organisation hears who tried with its own ids.
        let mut whys: Vec<_> = audited(&app, &acme, "api.authentication_failed").await.into_iter().map(|details| details[0].clone()).collect();
        whys.sort();
        whys.dedup();
        assert_eq!(whys, ["an access token", "a refresh token", "a service credential"].map(|what| format!("why: the id of {what}, and a wrong secret")).into_iter().collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>());
        assert!(count(&app, "api.authentication_failed").await <= 12);
    }

    async fn what_is_merely_over_is_no_guess(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let tokens = app.let_in(&acme, &browser, CLI).await;
        app.advance(Duration::from_secs(601));
        assert_eq!(app.client().get("/api/v1/me", &tokens.access).await.status, 401);
        assert_eq!(count(&app, "api.authentication_failed").await, 0);
    }

    async fn a_session_is_not_renewed_without_end(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let (client, mut refresh) = (app.client(), app.let_in(&acme, &browser, CLI).await.refresh);
        let other = app.let_in(&acme, &browser, CLI).await.refresh;
        for number in 0..29 {
            let answer = client.refresh(CLI, &refresh).await;
            assert_eq!(answer.status, 200, "{number}: {}", answer.text);
            refresh = answer.field("refresh_token");
        }
        // Whichever node is asked, and from wherever.
        let refused = app.client().refresh(CLI, &refresh).await;
        assert_eq!((refused.error(), refused.headers[header::RETRY_AFTER].to_str().unwrap()), ((429, "slow_down"), "600"));
        assert_eq!(app.client().refresh(CLI, &other).await.status, 200, "her other session");
        app.advance(Duration::from_secs(600));
        assert_eq!(app.client().refresh(CLI, &refresh).await.status, 200, "it was not used up");
    }
}
