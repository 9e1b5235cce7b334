//! Signing in and out, and choosing an organisation.

use std::time::Duration;

use directory::{
    Afterwards, Error,
    sessions::{self, SessionLimits},
    sign_in::{Credentials, Step, Wanted, switch, with_password},
};

use crate::support::{AuditRow, both_databases};

const RIGHT: &str = "violet tractor sings at dawn";

both_databases! {
    async fn whatever_is_wrong_the_answer_is_the_same(app) {
        let acme = app.org("Acme").await;
        app.provision(&acme, "mira@acme.test").await;
        let mut answers = vec![];
        for (email, password) in [
            (acme.owner_email.as_str(), "not her password"),
            // In the order of addresses: before hers, before everybody's and after everybody's.
            ("nobody@acme.test", RIGHT),
            ("a@a.test", RIGHT),
            ("zoe@zzz.test", RIGHT),
            ("not an address", RIGHT),
            ("", ""),
            // Provisioned, but she has not followed her link: no credential of hers exists.
            ("mira@acme.test", RIGHT),
        ] {
            let answer = app.browser().call("sign_in", &[("email", email), ("password", password)]).await;
            assert_eq!(answer.status, 401, "{email}: {}", answer.text);
            answers.push(answer.text);
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
    }

    async fn a_session_opens_the_page_that_was_asked_for(app) {
        let acme = app.org("Acme").await;
        let browser = app.browser();
        let page = browser.get("/o/acme/settings/audit?before=x").await;
        assert_eq!((page.status, page.redirect()), (303, Some("/sign-in?next=%2Fo%2Facme%2Fsettings%2Faudit%3Fbefore%3Dx")));

        let fields = [("email", acme.owner_email.as_str()), ("password", RIGHT), ("next", "/o/acme/settings/audit")];
        let answer = browser.submit("sign_in", &fields, "/sign-in").await;
        assert_eq!((answer.status, answer.redirect()), (302, Some("/o/acme/settings/audit")));
        assert_eq!(browser.get("/o/acme/settings/audit").await.status, 200);
    }

    async fn a_way_back_leads_nowhere_else(app) {
        let acme = app.org("Acme").await;
        for next in ["https://evil.test/o/acme", "//evil.test/o/acme/members", "/\\evil.test", "javascript:alert(1)", "/o/other/members", "/o/acme/\r\nx: y"] {
            let fields = [("email", acme.owner_email.as_str()), ("password", RIGHT), ("next", next)];
            let answer = app.browser().submit("sign_in", &fields, "/sign-in").await;
            assert_eq!(answer.redirect(), Some("/o/acme/members"), "{next}");
        }
    }

    async fn signing_out_ends_the_session_on_the_server(app) {
        let acme = app.org("Acme").await;
        let browser = app.owner(&acme).await;
        let stolen = browser.stolen();
        assert_eq!(stolen.get("/o/acme/members").await.status, 200);
        assert_eq!(browser.call("sign_out", &[]).await.status, 200);
        assert_eq!(browser.cookie(), None);
        assert!(stolen.get("/o/acme/members").await.is_refused());
        assert!(stolen.call("members", &[("org", "acme"), ("page", "1")]).await.is_refused());
    }

    async fn a_sign_in_gives_a_new_session_id(app) {
        let acme = app.org("Acme").await;
        let browser = app.owner(&acme).await;
        let first = browser.stolen();
        browser.call("sign_in", &[("email", &acme.owner_email), ("password", RIGHT)]).await;
        assert_ne!(browser.cookie(), first.cookie());
        assert!(first.get("/o/acme/members").await.is_refused(), "the one before is gone");
    }

    async fn the_cookie_is_bound_to_host_and_tls_and_hidden_from_scripts(app) {
        let acme = app.org("Acme").await;
        let answer = app.browser().call("sign_in", &[("email", &acme.owner_email), ("password", RIGHT)]).await;
        let cookie = answer.header("set-cookie").unwrap().to_owned();
        assert!(cookie.starts_with("__Host-rollcall="), "{cookie}");
        for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=604800"] {
            assert!(cookie.contains(part), "{part}: {cookie}");
        }
        assert!(!cookie.contains("Domain"), "{cookie}");
        let id = cookie.split(['=', ';']).nth(1).unwrap();
        assert_eq!(app.database.number("SELECT count(*) FROM sessions").await, 1);
        let raw = id.parse::<tower_sessions::session::Id>().unwrap().0.to_le_bytes();
        let raw = format!("SELECT count(*) FROM sessions WHERE id_hash = {}", hex_literal(&app, &raw));
        assert_eq!(app.database.number(&raw).await, 0, "only a hash is stored");
    }

    async fn a_session_ends_when_it_is_idle_and_in_any_case(app) {
        let acme = app.org("Acme").await;
        let idle = app.owner(&acme).await;
        app.advance(Duration::from_secs(12 * 3_600 + 1));
        assert!(idle.get("/o/acme/members").await.is_refused());

        let busy = app.owner(&acme).await;
        for _ in 0..14 {
            app.advance(Duration::from_secs(12 * 3_600 - 60));
            assert_eq!(busy.get("/o/acme/members").await.status, 200);
        }
        app.advance(Duration::from_secs(12 * 3_600 - 60));
        assert_eq!(busy.get("/o/acme/members").await.status, 303, "seven days are over");
    }

    async fn last_seen_is_kept_to_the_minute(app) {
        let acme = app.org("Acme").await;
        let browser = app.owner(&acme).await;
        let last_seen = "SELECT last_seen_at FROM sessions";
        let first = app.database.number(last_seen).await;
        app.advance(Duration::from_secs(59));
        browser.get("/o/acme/members").await;
        assert_eq!(app.database.number(last_seen).await, first);
        app.advance(Duration::from_secs(1));
        browser.get("/o/acme/members").await;
        assert_eq!(app.database.number(last_seen).await, first + 60_000_000);
    }

    async fn an_account_is_throttled_and_the_right_password_does_not_help(app) {
        let acme = app.org("Acme").await;
        let attempt = async |password: &str| app.browser().call("sign_in", &[("email", &acme.owner_email), ("password", password)]).await.status;
        for _ in 0..10 {
            assert_eq!(attempt("wrong").await, 401);
        }
        assert_eq!(attempt(RIGHT).await, 429);
        // An address that has no account is throttled alike.
        for _ in 0..10 {
            assert_eq!(app.browser().call("sign_in", &[("email", "nobody@acme.test"), ("password", "x")]).await.status, 401);
        }
        assert_eq!(app.browser().call("sign_in", &[("email", "nobody@acme.test"), ("password", "x")]).await.status, 429);
        app.advance(Duration::from_secs(15 * 60 + 1));
        assert_eq!(attempt(RIGHT).await, 200);
    }

    async fn a_person_of_two_organisations_chooses_one_and_switches(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        app.join(&acme, "mira@both.test").await;
        app.join(&globex, "mira@both.test").await;

        let browser = app.browser();
        let answer = browser.submit("sign_in", &[("email", "mira@both.test"), ("password", RIGHT)], "/sign-in").await;
        assert_eq!(answer.redirect(), Some("/organisations"));
        let choices = browser.call("organisations", &[]).await.json;
        let slugs: Vec<_> = choices.as_array().unwrap().iter().map(|choice| (choice["slug"].as_str().unwrap(), choice["current"].as_bool().unwrap())).collect();
        assert_eq!(slugs, [("acme", true), ("globex", false)]);

        // A session is for one organisation: the other's pages refuse it, and say where it is for.
        assert_eq!(browser.call("members", &[("org", "globex"), ("page", "1")]).await.status, 409);
        let acme_session = browser.stolen();
        assert_eq!(browser.call("switch_organisation", &[("org", "globex")]).await.status, 200);
        assert_eq!(browser.call("members", &[("org", "globex"), ("page", "1")]).await.status, 200);
        assert_eq!(browser.call("members", &[("org", "acme"), ("page", "1")]).await.status, 409);
        assert_ne!(browser.cookie(), acme_session.cookie(), "another session, not the same one re-bound");
        // Where one has no business, there is nothing.
        app.org("Initech").await;
        assert_eq!(browser.call("switch_organisation", &[("org", "initech")]).await.status, 404);
        assert_eq!(browser.call("switch_organisation", &[("org", "nonesuch")]).await.status, 404);
    }

    async fn spellings_of_one_address_share_its_limit(app) {
        let acme = app.org("Acme").await;
        for spelling in ["owner@acme.test", "OWNER@acme.test", "owner@ACME.test", " Owner@Acme.Test ", "owner@ａｃｍｅ.test"] {
            for _ in 0..2 {
                assert_eq!(app.browser().call("sign_in", &[("email", spelling), ("password", "wrong")]).await.status, 401, "{spelling}");
            }
        }
        assert_eq!(app.browser().call("sign_in", &[("email", &acme.owner_email), ("password", RIGHT)]).await.status, 429);
    }

    async fn attempts_side_by_side_cannot_outrun_the_limit(app) {
        let acme = app.org("Acme").await;
        let mut attempts = tokio::task::JoinSet::new();
        for _ in 0..30 {
            let (browser, email) = (app.browser(), acme.owner_email.clone());
            attempts.spawn(async move { browser.call("sign_in", &[("email", &email), ("password", "wrong")]).await.status });
        }
        let statuses = attempts.join_all().await;
        assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 10, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 20, "{statuses:?}");
    }

    async fn switching_prolongs_nothing_and_outlives_nothing(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        app.join(&acme, "mira@both.test").await;
        app.join(&globex, "mira@both.test").await;
        let browser = app.sign_in("mira@both.test", RIGHT).await;
        for day in 0..7 {
            let org = if day % 2 == 0 { "globex" } else { "acme" };
            for _ in 0..2 {
                app.advance(Duration::from_secs(12 * 3_600 - 60));
                let status = browser.call("switch_organisation", &[("org", org)]).await.status;
                assert_eq!(status, 200, "day {day}");
            }
        }
        app.advance(Duration::from_secs(14 * 60 + 1));
        assert!(browser.call("switch_organisation", &[("org", "acme")]).await.is_refused(), "seven days after the password was given");

        // A session that ended while its holder was about to switch makes no other.
        let browser = app.sign_in("mira@both.test", RIGHT).await;
        let id = browser.cookie().unwrap().split('=').nth(1).unwrap().parse::<tower_sessions::session::Id>().unwrap().0.to_le_bytes();
        let who = sessions::find(&app.state.db, &id, SessionLimits::default(), app.call().now).await.unwrap().unwrap();
        let step = switch(&app.state.db, &app.state.keys, &who, &"globex".to_owned().try_into().unwrap(), &app.call()).await.unwrap();
        let Step::In(entry) = step else { panic!("{step:?}") };
        browser.call("sign_out", &[]).await;
        let begun = sessions::begin(&app.state.db, b"another", &entry.begin.replacing(&id), SessionLimits::default(), &app.call()).await;
        assert!(matches!(begun, Err(Error::WrongCredentials)), "{begun:?}");
    }

    async fn who_merely_provisioned_an_address_learns_nothing_of_its_sign_ins(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        app.join(&acme, "mira@both.test").await;
        app.provision(&globex, "mira@both.test").await;
        app.browser().call("sign_in", &[("email", "mira@both.test"), ("password", "wrong")]).await;
        let failures = async |org| app.audit(org).await.into_iter().filter(|row| row.action == "sign_in.failed").count();
        assert_eq!((failures(&acme).await, failures(&globex).await), (1, 0));
    }

    async fn a_flood_of_guesses_at_one_account_makes_few_rows(app) {
        let acme = app.org("Acme").await;
        app.join(&acme, "mira@acme.test").await;
        for _ in 0..20 {
            app.browser().call("sign_in", &[("email", "mira@acme.test"), ("password", "wrong")]).await;
        }
        let rows: Vec<_> = app.audit(&acme).await.into_iter().filter(|row| row.action == "sign_in.failed").collect();
        assert_eq!(rows.len(), 4, "the first and the tenth of those that were wrong, and of those that were too many: {rows:?}");
        for why in ["wrong password", "too many attempts"] {
            let of = |row: &&AuditRow| row.details.contains(&format!("why: {why}"));
            assert!(rows.iter().filter(of).any(|row| row.details.contains(&"failures so far: 10".to_owned())), "{why}: {rows:?}");
        }
    }

    async fn a_block_refuses_the_next_request_and_the_next_sign_in(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let block = "INSERT INTO member_blocks (org_id, member_id, cause, blocked_by, blocked_at)
                     SELECT org_id, id, 'operator', 'test', 0 FROM members WHERE managed_by = 'directory'";
        app.database.try_run(block).await.unwrap();
        assert!(browser.get("/o/acme/members").await.is_refused());
        let again = app.browser().call("sign_in", &[("email", "mira@acme.test"), ("password", RIGHT)]).await;
        assert_eq!(again.status, 401);
    }

    /// Between the check of a password and the beginning of the session, the world goes on.
    async fn an_authentication_counts_only_while_what_it_proved_is_true(app) {
        let acme = app.org("Acme").await;
        for (case, change) in [
            ("nothing changed", "UPDATE users SET created_at = created_at"),
            ("another password was set", "UPDATE users SET credential_version = credential_version + 1 WHERE email LIKE 'p%'"),
            ("the account was suspended", "UPDATE users SET suspended = true WHERE email LIKE 'p%'"),
            ("the membership ended and another began", "DELETE FROM mail_queue; UPDATE memberships SET id = member_id WHERE account_id IN (SELECT id FROM users WHERE email LIKE 'p%')"),
            ("the address is no longer proven", "UPDATE memberships SET proven_at = NULL WHERE account_id IN (SELECT id FROM users WHERE email LIKE 'p%')"),
        ] {
            app.database.try_run("UPDATE users SET suspended = false").await.unwrap();
            let email = format!("p{}@acme.test", case.len());
            let (_, browser) = app.join(&acme, &email).await;
            browser.call("sign_out", &[]).await;
            let credentials = Credentials { email, password: RIGHT.to_owned() };
            let (db, hasher, keys) = (&app.state.db, &app.state.hasher, &app.state.keys);
            let step = with_password(db, hasher, keys, &Afterwards::start(), credentials, &Wanted::default(), &app.call()).await.unwrap();
            let Step::In(entry) = step else { panic!("{step:?}") };
            app.database.try_run(change).await.unwrap();
            let begun = sessions::begin(&app.state.db, b"a session", &entry.begin, SessionLimits::default(), &app.call()).await;
            if case == "nothing changed" {
                begun.unwrap();
                sessions::forget(&app.state.db, b"a session").await.unwrap();
            } else {
                assert!(matches!(begun, Err(Error::WrongCredentials)), "{case}: {begun:?}");
            }
        }
        assert_eq!(app.database.number("SELECT count(*) FROM sessions").await, 0);
    }
}

fn hex_literal(app: &crate::support::TestApp, bytes: &[u8]) -> String {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    if app.state.db.is_postgres() { format!("'\\x{hex}'::bytea") } else { format!("x'{hex}'") }
}
