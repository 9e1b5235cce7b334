//! The second factor: setting it up, signing in with it, losing it, and organisations that ask for it.

use std::time::Duration;

use directory::second_factor;
use totp_rs::{Algorithm, Builder, Secret};

use crate::support::{Browser, DEVICE_GRANT, PASSWORD, Page, TestApp, both_databases, races};

const STEP: &str = "__Host-rollcall-step";

/// An authenticator, as its app has it.
struct Authenticator {
    secret: String,
    recovery: Vec<String>,
}

impl Authenticator {
    /// What it shows `steps` periods from now.
    fn shows(&self, app: &TestApp, steps: i64) -> String {
        let seconds = app.call().now.as_micros() / 1_000_000 + steps * 30;
        let totp = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_step_duration(30);
        let totp = totp.with_secret(Secret::try_from_base32(&self.secret).unwrap()).with_account_name("x").build().unwrap();
        totp.generate(u64::try_from(seconds).unwrap()).to_string()
    }
}

fn texts(codes: &serde_json::Value) -> Vec<String> {
    codes["codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect()
}

/// Set one up on the account page, and let the period pass whose code was used.
async fn set_up(app: &TestApp, org: &str, browser: &Browser) -> Authenticator {
    let offer = browser.call("offer_second_factor", &[("org", org), ("password", PASSWORD)]).await;
    assert_eq!(offer.status, 200, "{}", offer.text);
    let mut authenticator = Authenticator { secret: offer.json["secret"].as_str().unwrap().to_owned(), recovery: vec![] };
    let code = authenticator.shows(app, 0);
    let made = browser.call("set_up_second_factor", &[("org", org), ("code", &code)]).await;
    assert_eq!(made.status, 200, "{}", made.text);
    authenticator.recovery = texts(&made.json);
    app.advance(Duration::from_secs(30));
    authenticator
}

/// A browser in which the password was right.
async fn halfway(app: &TestApp, email: &str) -> Browser {
    let browser = app.browser();
    let answer = browser.submit("sign_in", &[("email", email), ("password", PASSWORD)], "/sign-in").await;
    assert_eq!(answer.redirect(), Some("/sign-in/code"), "{}", answer.text);
    assert_eq!(browser.cookie(), None, "there is no session yet");
    browser
}

async fn show(browser: &Browser, code: &str) -> Page {
    browser.call("sign_in_code", &[("code", code)]).await
}

both_databases! {
    async fn signing_in_takes_a_code_that_works_once(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let other = app.sign_in("mira@acme.test", PASSWORD).await;
        let before = browser.stolen();
        let authenticator = set_up(&app, "acme", &browser).await;
        assert_eq!(authenticator.recovery.len(), 10);
        assert_eq!(browser.get("/o/acme/members").await.status, 200);
        assert!(before.get("/o/acme/members").await.is_refused(), "another session id");
        assert!(other.get("/o/acme/members").await.is_refused(), "sessions from before end");

        let browser = halfway(&app, "mira@acme.test").await;
        assert!(browser.get("/o/acme/members").await.is_refused());
        assert_eq!(browser.get("/sign-in/code").await.status, 200);
        for wrong in ["000000", "", "12345", "not a code", &authenticator.shows(&app, -2), &authenticator.shows(&app, 2)] {
            assert_eq!(show(&browser, wrong).await.json["Invalid"]["field"], "code", "{wrong}");
            app.advance(Duration::from_secs(15 * 60));
            browser.call("sign_in", &[("email", "mira@acme.test"), ("password", PASSWORD)]).await;
        }
        let code = authenticator.shows(&app, 0);
        assert_eq!(show(&browser, &code).await.status, 200);
        assert_eq!(browser.get("/o/acme/members").await.status, 200);
        assert_eq!(browser.value(STEP), None, "what was proven halfway is forgotten");
        let methods = app.database.texts("SELECT auth_method FROM sessions WHERE auth_method LIKE 'password+%' ORDER BY created_at DESC").await;
        assert_eq!(methods[0], "password+totp");

        // Who looked over her shoulder: it was used already, and so were those before it.
        let thief = halfway(&app, "mira@acme.test").await;
        assert_eq!(show(&thief, &code).await.status, 422);
        assert_eq!(show(&thief, &authenticator.shows(&app, -1)).await.status, 422);
        // A clock that is half a minute ahead.
        assert_eq!(show(&thief, &authenticator.shows(&app, 1)).await.status, 200);
        assert!(app.audit(&acme).await.iter().any(|row| row.details.contains(&"why: wrong code of the second factor".to_owned())));
    }

    async fn one_code_at_two_places_at_once_lets_one_in(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let authenticator = set_up(&app, "acme", &browser).await;
        for _ in 0..races().min(10) {
            let (one, two) = (halfway(&app, "mira@acme.test").await, halfway(&app, "mira@acme.test").await);
            let code = authenticator.shows(&app, 0);
            let (a, b) = tokio::join!(show(&one, &code), show(&two, &code));
            let mut statuses = [a.status, b.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 422]);
            app.advance(Duration::from_secs(60));
        }
    }

    async fn a_recovery_code_works_once_however_it_is_typed(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let authenticator = set_up(&app, "acme", &browser).await;
        let typed = authenticator.recovery[3].to_uppercase().replace('-', " ");
        let here = halfway(&app, "mira@acme.test").await;
        assert_eq!(show(&here, &typed).await.status, 200);
        let again = halfway(&app, "mira@acme.test").await;
        assert_eq!(show(&again, &authenticator.recovery[3]).await.status, 422);
        assert_eq!(here.call("account", &[("org", "acme")]).await.json["recovery_codes"], 9);
        assert!(app.notices("mira@acme.test").await.contains(&"A recovery code was used".to_owned()));

        let fields = [("org", "acme"), ("password", PASSWORD), ("code", &authenticator.shows(&app, 0))];
        let renewed = here.call("renew_recovery_codes", &fields).await;
        assert_eq!((renewed.status, texts(&renewed.json).len()), (200, 10), "{}", renewed.text);
        assert_eq!(show(&again, &authenticator.recovery[4]).await.status, 422, "those before do not work");
        assert_eq!(show(&again, &texts(&renewed.json)[4]).await.status, 200);
    }

    /// Law 8: neither the authenticator's secret nor a recovery code can be had from the database, and the answers that hold them
    /// are kept by nobody.
    async fn no_code_can_be_made_from_the_database(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let offer = browser.call("offer_second_factor", &[("org", "acme")]).await;
        assert_eq!(offer.header("cache-control"), Some("no-store"));
        let authenticator = set_up(&app, "acme", &browser).await;
        let dump = app.database.dump();
        let contains = |needle: &[u8]| dump.windows(needle.len()).any(|window| window == needle);
        assert!(contains(b"mira@acme.test"), "the dump is a dump");
        let raw = Secret::try_from_base32(&authenticator.secret).unwrap();
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        assert!(!contains(raw.as_ref()) && !contains(hex(raw.as_ref()).as_bytes()) && !contains(authenticator.secret.as_bytes()));
        for code in &authenticator.recovery {
            let bare = code.replace('-', "");
            assert!(!contains(code.as_bytes()) && !contains(bare.as_bytes()) && !contains(hex(bare.as_bytes()).as_bytes()), "{code}");
        }
        let page = browser.get("/o/acme/account").await;
        assert!(!page.text.contains(&authenticator.secret) && !page.text.contains(&authenticator.recovery[0]));
    }

    async fn guessing_at_codes_is_slow_and_its_person_hears_of_it(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let authenticator = set_up(&app, "acme", &browser).await;
        app.notices("mira@acme.test").await;
        for _ in 0..5 {
            // Each from another address.
            assert_eq!(show(&halfway(&app, "mira@acme.test").await, "000000").await.status, 422);
        }
        let thief = halfway(&app, "mira@acme.test").await;
        for _ in 0..3 {
            assert_eq!(show(&thief, &authenticator.shows(&app, 0)).await.status, 429, "a right guess does not help");
        }
        assert_eq!(app.notices("mira@acme.test").await, ["Too many wrong codes"]);
        app.advance(Duration::from_secs(15 * 60 + 1));
        assert_eq!(show(&halfway(&app, "mira@acme.test").await, &authenticator.shows(&app, 0)).await.status, 200);
    }

    /// What the first step has proven opens nothing but the second, for ten minutes, for the account as it was.
    async fn halfway_in_is_not_in(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let authenticator = set_up(&app, "acme", &browser).await;
        let step = halfway(&app, "mira@acme.test").await.value(STEP).unwrap();
        let thief = app.browser();
        thief.plant("__Host-rollcall", &step);
        thief.plant(STEP, &step);
        for function in ["viewer", "members", "account", "api_access"] {
            assert_eq!(thief.call(function, &[("org", "acme"), ("page", "1")]).await.status, 401, "{function}");
        }
        // Whoever has a second factor cannot set up another with the password alone.
        assert_eq!(thief.call("sign_in_offer", &[]).await.status, 409);
        assert_eq!(thief.call("sign_in_set_up", &[("code", "123456")]).await.status, 409);
        assert_eq!(thief.get("/sign-in/second-factor").await.redirect(), Some("/sign-in/code"));
        for forged in [step.to_uppercase(), step[1..].to_owned(), format!("{step}A"), "x.y.z".to_owned(), String::new()] {
            let forger = app.browser();
            forger.plant(STEP, &forged);
            assert_eq!(show(&forger, &authenticator.shows(&app, 0)).await.status, 409, "{forged}");
            assert_eq!(forger.get("/sign-in/code").await.redirect(), Some("/sign-in"));
        }
        let held = async |browser: &Browser| browser.get("/sign-in/code").await.status == 200;
        let slow = halfway(&app, "mira@acme.test").await;
        assert!(held(&slow).await);
        app.advance(Duration::from_secs(600));
        assert_eq!(show(&slow, &authenticator.shows(&app, 0)).await.status, 409);
        let outrun = halfway(&app, "mira@acme.test").await;
        let fields = [("org", "acme"), ("password", PASSWORD), ("new_password", "an orange boat on a quiet hill")];
        assert_eq!(browser.call("change_password", &fields).await.status, 200);
        assert!(!held(&outrun).await, "another password was set");
        assert_eq!(show(&outrun, &authenticator.shows(&app, 0)).await.status, 409);
    }

    /// Until the password is right, nothing tells that there is a second factor.
    async fn a_wrong_password_is_told_the_same_with_and_without(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        set_up(&app, "acme", &browser).await;
        let mut answers = vec![];
        for email in ["mira@acme.test", &acme.owner_email, "nobody@acme.test"] {
            let answer = app.browser().call("sign_in", &[("email", email), ("password", "wrong")]).await;
            answers.push((answer.status, answer.text, answer.headers.contains_key("set-cookie")));
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
    }

    async fn an_organisation_that_asks_for_it_lets_nobody_in_without(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let owner = app.owner(&acme).await;
        let ask = [("org", "acme"), ("on", "true")];
        assert_eq!(owner.call("require_second_factor", &ask).await.status, 409, "she would shut herself out");
        set_up(&app, "acme", &owner).await;
        let (_, mira) = app.join(&acme, "mira@both.test").await;
        let (_, elsewhere) = app.join(&globex, "mira@both.test").await;
        let asked = app.client().ask("rollcall-cli").await;
        assert_eq!(owner.call("second_factor_policy", &[("org", "acme")]).await.json["without"], 1);
        assert_eq!(owner.call("require_second_factor", &ask).await.status, 200);
        assert_eq!(owner.get("/o/acme/members").await.status, 200, "she has one");
        let row = app.audit_as(&owner, "acme").await.into_iter().find(|row| row.action == "security.second_factor_changed").unwrap();
        assert_eq!(row.details, ["before: not asked for", "after: asked for"]);

        // A session from before opens nothing here any more.
        let page = mira.get("/o/acme/members").await;
        assert_eq!(page.redirect(), Some("/sign-in?next=%2Fo%2Facme%2Fmembers&why=second-factor"));
        assert_eq!(mira.call("viewer", &[("org", "acme")]).await.status, 401);
        let yes = [("org", "acme"), ("user_code", &asked.field("user_code"))];
        assert_eq!(mira.call("approve_device", &yes).await.status, 401);
        let token = [("org", "acme"), ("name", "x"), ("lifetime", "days7"), ("scopes", "profile")];
        assert_eq!(mira.call("issue_personal_token", &token).await.status, 401);
        // Another organisation's goes on; from there one is led to set it up, too.
        assert_eq!(elsewhere.get("/o/globex/members").await.status, 200);
        let switched = elsewhere.submit("switch_organisation", &[("org", "acme")], "/organisations").await;
        assert_eq!(switched.redirect(), Some("/sign-in/second-factor"));
        assert_eq!(elsewhere.get("/o/globex/members").await.status, 200);

        // Signing in leads to setting it up, and only then in.
        let here = app.browser();
        let fields = [("email", "mira@both.test"), ("password", PASSWORD), ("next", "/o/acme/agents")];
        let led = here.submit("sign_in", &fields, "/sign-in").await;
        assert_eq!((led.redirect(), here.cookie()), (Some("/sign-in/second-factor"), None));
        assert_eq!(here.get("/sign-in/second-factor").await.status, 200);
        assert_eq!(here.get("/sign-in/code").await.redirect(), Some("/sign-in/second-factor"));
        let offer = here.call("sign_in_offer", &[]).await;
        let hers = Authenticator { secret: offer.json["secret"].as_str().unwrap().to_owned(), recovery: vec![] };
        assert_eq!(here.call("sign_in_set_up", &[("code", "000000")]).await.status, 422);
        assert_eq!(here.cookie(), None);
        let made = here.call("sign_in_set_up", &[("code", &hers.shows(&app, 0))]).await;
        assert_eq!((made.status, &made.json["next"], texts(&made.json).len()), (200, &"/o/acme/agents".into(), 10), "{}", made.text);
        assert_eq!(here.get("/o/acme/members").await.status, 200);
        // Whoever wants nowhere in particular, and has no second factor, is let into an organisation that asks for none.
        app.join(&globex, "noor@both.test").await;
        app.provision(&acme, "noor@both.test").await;
        let joined = app.browser();
        let link = app.mailed_link("noor@both.test").await.unwrap();
        let led = joined.submit("activate", &[("link", &link), ("password", PASSWORD)], "/activate/x").await;
        assert_eq!(led.redirect(), Some("/sign-in/second-factor"), "an activation link takes no second factor's place");
        let noor = app.sign_in("noor@both.test", PASSWORD).await;
        assert_eq!(noor.get("/o/globex/members").await.status, 200);

        // She cannot turn it off while it is asked for.
        app.advance(Duration::from_secs(30));
        let off = [("org", "acme"), ("password", PASSWORD), ("code", &hers.shows(&app, 0))];
        assert_eq!(here.call("turn_off_second_factor", &off).await.status, 409);
        let stop = [("org", "acme"), ("on", "false"), ("password", PASSWORD)];
        assert_eq!(owner.call("require_second_factor", &stop).await.status, 200);
        let other = app.browser();
        let offered = here.stolen();
        assert_eq!(here.call("turn_off_second_factor", &off).await.status, 200);
        assert_eq!(here.get("/o/acme/members").await.status, 200);
        assert!(offered.get("/o/acme/members").await.is_refused());
        assert_eq!(other.call("sign_in", &[("email", "mira@both.test"), ("password", PASSWORD)]).await.status, 200);
        assert!(other.cookie().is_some());
    }

    /// A session that was begun at the moment when the rule came, without a second factor, is no session there.
    async fn the_rule_holds_in_the_database_for_every_session(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        assert_eq!(browser.get("/o/acme/members").await.status, 200);
        app.database.try_run("UPDATE organizations SET second_factor_required = true").await.unwrap();
        assert!(browser.get("/o/acme/members").await.is_refused());
        let asked = app.client().ask("rollcall-cli").await;
        let redeemed = app.client().form("token", &[("grant_type", DEVICE_GRANT), ("client_id", "rollcall-cli"), ("device_code", &asked.field("device_code"))], None).await;
        assert_eq!(redeemed.status, 400);
        // Those whom an identity provider has signed in have shown it there.
        app.database.try_run("UPDATE sessions SET auth_authority = 'https://idp.acme.test', auth_method = 'sso'").await.unwrap();
        assert_eq!(browser.get("/o/acme/members").await.status, 200);
    }

    async fn neither_a_reset_nor_an_activation_goes_around_it(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let (_, browser) = app.join(&acme, "mira@both.test").await;
        let authenticator = set_up(&app, "acme", &browser).await;
        app.provision(&globex, "mira@both.test").await;
        let link = app.mailed_link("mira@both.test").await.unwrap();
        let joining = app.browser();
        let led = joining.submit("activate", &[("link", &link), ("password", PASSWORD)], "/activate/x").await;
        assert_eq!((led.redirect(), joining.cookie()), (Some("/sign-in/code"), None));
        assert_eq!(show(&joining, &authenticator.shows(&app, 0)).await.status, 200);
        assert_eq!(joining.get("/o/globex/members").await.status, 200);
        assert_eq!(joining.call("switch_organisation", &[("org", "acme")]).await.status, 200);
        assert_eq!(joining.get("/o/acme/members").await.status, 200);

        app.browser().call("ask_reset", &[("email", "mira@both.test")]).await;
        let link = app.mailed_link("mira@both.test").await.unwrap();
        assert_eq!(app.browser().call("reset_password", &[("link", &link), ("password", PASSWORD)]).await.status, 200);
        app.advance(Duration::from_secs(30));
        assert_eq!(show(&halfway(&app, "mira@both.test").await, &authenticator.shows(&app, 0)).await.status, 200);
    }

    /// Whoever proves an address first gets an account with nothing in it that somebody else put there.
    async fn the_first_proof_of_an_address_takes_a_strangers_second_factor_away(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        set_up(&app, "acme", &browser).await;
        app.database.try_run("UPDATE users SET email_proven_at = NULL WHERE email = 'mira@acme.test'").await.unwrap();
        app.browser().call("ask_reset", &[("email", "mira@acme.test")]).await;
        let link = app.mailed_link("mira@acme.test").await.unwrap();
        assert_eq!(app.browser().call("reset_password", &[("link", &link), ("password", PASSWORD)]).await.status, 200);
        for table in ["second_factors", "recovery_codes"] {
            assert_eq!(app.database.number(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
        }
        app.sign_in("mira@acme.test", PASSWORD).await;
    }

    async fn changing_it_takes_the_password_and_a_code(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let authenticator = set_up(&app, "acme", &browser).await;
        app.advance(Duration::from_secs(15 * 60));
        let code = authenticator.shows(&app, 0);
        for function in ["offer_second_factor", "renew_recovery_codes", "turn_off_second_factor"] {
            assert_eq!(browser.call(function, &[("org", "acme"), ("code", &code)]).await.status, 403, "{function} without the password");
            let wrong = browser.call(function, &[("org", "acme"), ("code", "000000"), ("password", PASSWORD)]).await;
            assert_eq!((wrong.status, &wrong.json["Invalid"]["field"]), (422, &"code".into()), "{function}");
            app.advance(Duration::from_secs(15 * 60));
        }
        // Another in its place: the old one counts until the new one has shown a code.
        let offered = browser.call("offer_second_factor", &[("org", "acme"), ("code", &authenticator.shows(&app, 0)), ("password", PASSWORD)]).await;
        let next = Authenticator { secret: offered.json["secret"].as_str().unwrap().to_owned(), recovery: vec![] };
        app.advance(Duration::from_secs(30));
        assert_eq!(show(&halfway(&app, "mira@acme.test").await, &next.shows(&app, 0)).await.status, 422);
        assert_eq!(show(&halfway(&app, "mira@acme.test").await, &authenticator.shows(&app, 0)).await.status, 200);
        assert_eq!(browser.call("set_up_second_factor", &[("org", "acme"), ("code", &next.shows(&app, 0))]).await.status, 200);
        app.advance(Duration::from_secs(30));
        assert_eq!(show(&halfway(&app, "mira@acme.test").await, &authenticator.shows(&app, 0)).await.status, 422);
        assert_eq!(show(&halfway(&app, "mira@acme.test").await, &next.shows(&app, 0)).await.status, 200);
    }

    async fn an_offer_waits_a_quarter_of_an_hour(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let offer = browser.call("offer_second_factor", &[("org", "acme")]).await;
        let authenticator = Authenticator { secret: offer.json["secret"].as_str().unwrap().to_owned(), recovery: vec![] };
        app.advance(Duration::from_secs(15 * 60));
        let late = browser.call("set_up_second_factor", &[("org", "acme"), ("code", &authenticator.shows(&app, 0))]).await;
        assert!(late.status == 409 && late.text.contains("took too long"), "{} {}", late.status, late.text);
        assert_eq!(browser.call("offer_second_factor", &[("org", "acme"), ("password", PASSWORD)]).await.status, 200);
        assert_eq!(browser.call("set_up_second_factor", &[("org", "acme"), ("code", &authenticator.shows(&app, 0))]).await.status, 422);
        app.sign_in("mira@acme.test", PASSWORD).await;
    }

    /// Whoever gave her password a while before she was shown the code is not asked again on the way: the page has no field for it.
    async fn an_offer_is_taken_up_after_the_password_is_no_longer_fresh(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        app.advance(Duration::from_secs(14 * 60));
        let offer = browser.call("offer_second_factor", &[("org", "acme")]).await;
        assert_eq!(offer.status, 200, "{}", offer.text);
        let authenticator = Authenticator { secret: offer.json["secret"].as_str().unwrap().to_owned(), recovery: vec![] };
        app.advance(Duration::from_secs(2 * 60));
        assert_eq!(browser.call("offer_second_factor", &[("org", "acme")]).await.status, 403, "her password is no longer fresh");
        let made = browser.call("set_up_second_factor", &[("org", "acme"), ("code", &authenticator.shows(&app, 0))]).await;
        assert_eq!(made.status, 200, "{}", made.text);
    }

    async fn the_operator_takes_it_away_from_somebody_who_lost_it(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        set_up(&app, "acme", &browser).await;
        app.notices("mira@acme.test").await;
        assert!(second_factor::reset_as_operator(&app.state.db, "MIRA@acme.test", &app.call()).await.unwrap());
        assert!(!second_factor::reset_as_operator(&app.state.db, "mira@acme.test", &app.call()).await.unwrap());
        assert!(second_factor::reset_as_operator(&app.state.db, "nobody@acme.test", &app.call()).await.is_err());
        assert!(browser.get("/o/acme/members").await.is_refused());
        app.sign_in("mira@acme.test", PASSWORD).await;
        assert_eq!(app.notices("mira@acme.test").await, ["Your second factor was taken away"]);
        let row = app.audit(&acme).await.into_iter().find(|row| row.action == "second_factor.reset").unwrap();
        assert_eq!((row.actor.as_str(), row.target.is_some()), ("Command line", true), "{row:?}");
    }
}
