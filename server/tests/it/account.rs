//! A person's password after her first one: changed by herself, or set anew by a mailed link.

use std::time::Duration;

use directory::mail::Content;

use crate::support::{Browser, PASSWORD, Page, TestApp, both_databases, patch_active, recorded};

const NEW: &str = "an orange boat on a quiet hill";
const MIRA: &str = "mira@both.test";

async fn change(browser: &Browser, org: &str, current: &str, new: &str, end_tokens: bool) -> Page {
    let mut fields = vec![("org", org), ("password", current), ("new_password", new)];
    fields.extend(end_tokens.then_some(("end_tokens", "true")));
    browser.call("change_password", &fields).await
}

/// The link in the mail that comes of asking for one, from an address of its own.
async fn reset_link(app: &TestApp, email: &str) -> Option<String> {
    asked_by(app, &app.browser(), email).await
}

async fn asked_by(app: &TestApp, browser: &Browser, email: &str) -> Option<String> {
    let asked = browser.call("ask_reset", &[("email", email)]).await;
    assert_eq!(asked.status, 200, "{}", asked.text);
    let mails = app.mails().await.into_iter().filter(|mail| mail.address == email);
    mails.filter_map(|mail| matches!(mail.content, Content::Reset { .. }).then(|| mail.link().unwrap().to_owned())).next_back()
}

async fn reset(app: &TestApp, link: &str, password: &str) -> Page {
    app.browser().call("reset_password", &[("link", link), ("password", password)]).await
}

both_databases! {
    async fn changing_the_password_ends_everything_but_this_browser_which_gets_another_session(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let (_, here) = app.join(&acme, MIRA).await;
        let (_, elsewhere) = app.join(&globex, MIRA).await;
        let there = app.sign_in(MIRA, PASSWORD).await;
        let access = app.let_in(&acme, &here, "rollcall-cli").await.access;
        let personal = app.personal_token(&acme, &here).await;
        let link = reset_link(&app, MIRA).await.unwrap();
        let before = here.stolen();

        for (current, new, field) in [("not hers", NEW, "password"), (PASSWORD, "short", "new_password"), (PASSWORD, "password1234", "new_password"), (PASSWORD, PASSWORD, "new_password")] {
            let refused = change(&here, "acme", current, new, false).await;
            assert_eq!((refused.status, &refused.json["Invalid"]["field"]), (422, &field.into()), "{}", refused.text);
        }
        assert!(there.get("/o/acme/members").await.status == 200, "nothing was changed");
        app.notices(MIRA).await;

        let changed = change(&here, "acme", PASSWORD, NEW, false).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        assert_eq!(here.get("/o/acme/members").await.status, 200);
        assert_ne!(here.cookie(), before.cookie(), "another session id");
        assert!(before.get("/o/acme/members").await.is_refused(), "the id before opens nothing");
        assert!(there.get("/o/acme/members").await.is_refused());
        assert!(elsewhere.get("/o/globex/members").await.is_refused(), "the other organisation's, too");
        assert_eq!(app.client().get("/api/v1/me", &access).await.status, 401);
        assert_eq!(app.client().get("/api/v1/me", &personal).await.status, 200, "she did not ask for that");
        assert_eq!(reset(&app, &link, "yet another phrase of hers").await.status, 404, "other links end");
        assert_eq!(app.browser().call("sign_in", &[("email", MIRA), ("password", PASSWORD)]).await.status, 401);
        app.sign_in(MIRA, NEW).await;

        assert_eq!(app.notices(MIRA).await, ["Your password was changed"]);
        for org in [&acme, &globex] {
            let rows: Vec<_> = app.audit(org).await.into_iter().filter(|row| row.action == "password.changed").collect();
            assert_eq!(rows.len(), 1, "{rows:?}");
            assert!(rows[0].actor.contains("mira") && rows[0].details.iter().any(|fact| fact.starts_with("sessions ended: ")), "{rows:?}");
        }

        assert_eq!(change(&here, "acme", NEW, "a third phrase for the road", true).await.status, 200);
        assert_eq!(app.client().get("/api/v1/me", &personal).await.status, 401);
    }

    /// What is counted comes first: whoever does not know the password has nobody hash another.
    async fn guesses_at_the_current_password_are_counted_before_anything_is_worked_out(app) {
        let acme = app.org("Acme").await;
        let (_, here) = app.join(&acme, "mira@acme.test").await;
        for (number, new) in ["short", NEW].repeat(5).into_iter().enumerate() {
            let (refused, done) = recorded(change(&here, "acme", "a guess", new, false)).await;
            assert_eq!((refused.status, &refused.json["Invalid"]["field"], done.passwords), (422, &"password".into(), 1), "{number}");
        }
        let (refused, done) = recorded(change(&here, "acme", PASSWORD, NEW, false)).await;
        assert_eq!((refused.status, done.passwords), (429, 0));
        // Nor does that keep her from signing in.
        app.sign_in("mira@acme.test", PASSWORD).await;
    }

    /// The same words, the same rows; who gets a mail is seen by nobody who asks.
    async fn asking_for_a_link_is_the_same_whether_or_not_there_is_an_account(app) {
        let acme = app.org("Acme").await;
        app.join(&acme, "mira@acme.test").await;
        app.provision(&acme, "unproven@acme.test").await;
        let (gone, _) = app.join(&acme, "gone@acme.test").await;
        assert_eq!(app.idp(&acme).patch(&format!("/Users/{}", gone.id), patch_active(false)).await.status, 200);
        app.join(&acme, "suspended@acme.test").await;
        app.database.try_run("UPDATE users SET suspended = true WHERE email = 'suspended@acme.test'").await.unwrap();
        app.mails().await;
        let rows = async || app.database.number("SELECT count(*) FROM account_mails").await;
        let mut answers = vec![];
        for email in ["mira@acme.test", "nobody@acme.test", "unproven@acme.test", "gone@acme.test", "suspended@acme.test"] {
            let before = rows().await;
            let asked = app.browser().call("ask_reset", &[("email", email)]).await;
            assert_eq!(rows().await, before + 1, "{email}");
            let form = app.browser().submit("ask_reset", &[("email", email)], "/forgot-password").await;
            answers.push((asked.status, asked.text, form.status, form.redirect().map(str::to_owned)));
        }
        answers.dedup();
        assert_eq!(answers.len(), 1, "{answers:?}");
        let to: Vec<_> = app.mails().await.into_iter().map(|mail| mail.address).collect();
        assert_eq!(to, ["mira@acme.test"; 2]);
    }

    async fn asking_is_throttled_by_what_was_typed(app) {
        let acme = app.org("Acme").await;
        for email in [acme.owner_email.as_str(), "nobody@acme.test"] {
            let browser = app.browser();
            for _ in 0..3 {
                assert_eq!(browser.call("ask_reset", &[("email", email)]).await.status, 200);
            }
            assert_eq!(browser.call("ask_reset", &[("email", email)]).await.status, 429, "{email}");
            assert_eq!(app.browser().call("ask_reset", &[("email", email)]).await.status, 200, "{email}, from elsewhere");
        }
        // One address asks for many.
        let browser = app.browser();
        let mut statuses = vec![];
        for number in 0..21 {
            statuses.push(browser.call("ask_reset", &[("email", &format!("p{number}@acme.test"))]).await.status);
        }
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 20, "{statuses:?}");
    }

    async fn five_links_a_day_go_to_one_address_for_one_network_and_twenty_for_all(app) {
        let acme = app.org("Acme").await;
        let stranger = app.browser();
        for number in 0..7 {
            app.advance(Duration::from_secs(16 * 60));
            assert_eq!(asked_by(&app, &stranger, &acme.owner_email).await.is_some(), number < 5, "{number}");
        }
        for number in 5..22 {
            assert_eq!(reset_link(&app, &acme.owner_email).await.is_some(), number < 20, "{number}");
        }
        app.advance(Duration::from_secs(86_400));
        assert!(reset_link(&app, &acme.owner_email).await.is_some());
    }

    async fn a_link_sets_the_password_once_and_signs_nobody_in(app) {
        let acme = app.org("Acme").await;
        let (_, before) = app.join(&acme, "mira@acme.test").await;
        let access = app.let_in(&acme, &before, "rollcall-cli").await.access;
        let link = reset_link(&app, "mira@acme.test").await.unwrap();
        for _ in 0..3 {
            // Mail scanners fetch links.
            let page = app.browser().get(&format!("/reset/{link}")).await;
            assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
        }
        assert_eq!(before.get("/o/acme/members").await.status, 200, "looking changes nothing");
        assert_eq!(reset(&app, &link, "short").await.status, 422);
        let browser = app.browser();
        let set = browser.submit("reset_password", &[("link", &link), ("password", NEW)], &format!("/reset/{link}")).await;
        assert_eq!(set.redirect(), Some("/sign-in?reset=done"), "{}", set.text);
        assert_eq!(browser.cookie(), None);
        assert!(before.get("/o/acme/members").await.is_refused());
        assert_eq!(app.client().get("/api/v1/me", &access).await.status, 401);
        assert_eq!(reset(&app, &link, "a third phrase for the road").await.status, 404);
        assert_eq!(app.browser().get(&format!("/reset/{link}")).await.status, 404);
        assert_eq!(app.browser().call("sign_in", &[("email", "mira@acme.test"), ("password", PASSWORD)]).await.status, 401);
        app.sign_in("mira@acme.test", NEW).await;
        assert_eq!(app.notices("mira@acme.test").await, ["Your password was set anew"]);
        assert!(app.audit(&acme).await.iter().any(|row| row.action == "password.reset"));
    }

    /// One link that two send at one moment sets one password.
    async fn a_link_that_is_sent_twice_at_once_works_once(app) {
        let acme = app.org("Acme").await;
        let link = reset_link(&app, &acme.owner_email).await.unwrap();
        let (one, two) = tokio::join!(reset(&app, &link, NEW), reset(&app, &link, "a third phrase for the road"));
        let mut statuses = [one.status, two.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 404]);
    }

    /// Somebody else goes on asking while the mail is on its way, and has had the first one herself.
    async fn whoever_asks_for_somebodys_link_ends_none_and_uses_up_none_of_hers(app) {
        let acme = app.org("Acme").await;
        let (stranger, here) = (app.browser(), app.browser());
        for _ in 0..3 {
            assert_eq!(stranger.call("ask_reset", &[("email", &acme.owner_email)]).await.status, 200);
        }
        assert_eq!(stranger.call("ask_reset", &[("email", &acme.owner_email)]).await.status, 429);
        let hers = asked_by(&app, &here, &acme.owner_email).await.unwrap();
        app.advance(Duration::from_secs(16 * 60));
        for _ in 0..3 {
            assert_eq!(stranger.call("ask_reset", &[("email", &acme.owner_email)]).await.status, 200);
        }
        let theirs = app.mails().await.into_iter().filter_map(|mail| mail.link().map(str::to_owned)).next_back().unwrap();
        assert_ne!(hers, theirs);
        assert_eq!(reset(&app, &hers, NEW).await.status, 200);
        assert_eq!(reset(&app, &theirs, "yet another phrase of hers").await.status, 404, "the others end with the one that is used");
    }

    async fn a_link_ends_with_its_hour_and_the_account(app) {
        let acme = app.org("Acme").await;
        let (person, _) = app.join(&acme, "mira@acme.test").await;
        let late = reset_link(&app, "mira@acme.test").await.unwrap();
        app.advance(Duration::from_secs(3_600));
        assert_eq!(reset(&app, &late, NEW).await.status, 404);

        let newer = reset_link(&app, "mira@acme.test").await.unwrap();
        // Suspended for a moment, and back: the link is gone.
        for sql in ["UPDATE users SET suspended = true WHERE email = 'mira@acme.test'", "UPDATE users SET suspended = false WHERE email = 'mira@acme.test'"] {
            app.database.try_run(sql).await.unwrap();
            assert_eq!(reset(&app, &newer, NEW).await.status, 404, "{sql}");
        }
        app.advance(Duration::from_secs(3_600));
        let left = reset_link(&app, "mira@acme.test").await.unwrap();
        for active in [false, true] {
            assert_eq!(app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(active)).await.status, 200);
            assert_eq!(reset(&app, &left, NEW).await.status, 404, "active: {active}");
        }
        assert!(app.sign_in("mira@acme.test", PASSWORD).await.cookie().is_some(), "no link changed the password");
    }

    /// Whoever resets is not throttled by what somebody else guessed.
    async fn a_reset_forgives_what_was_guessed(app) {
        let acme = app.org("Acme").await;
        for _ in 0..10 {
            app.browser().call("sign_in", &[("email", &acme.owner_email), ("password", "a guess")]).await;
        }
        assert_eq!(app.browser().call("sign_in", &[("email", &acme.owner_email), ("password", PASSWORD)]).await.status, 429);
        let link = reset_link(&app, &acme.owner_email).await.unwrap();
        assert_eq!(reset(&app, &link, NEW).await.status, 200);
        app.sign_in(&acme.owner_email, NEW).await;
    }

    /// A membership that she never accepted is not accepted by setting a password.
    async fn a_reset_opens_no_membership_that_was_not_proven(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        app.join(&acme, MIRA).await;
        app.provision(&globex, MIRA).await;
        app.mails().await;
        let link = reset_link(&app, MIRA).await.unwrap();
        assert_eq!(reset(&app, &link, NEW).await.status, 200);
        let browser = app.sign_in(MIRA, NEW).await;
        assert_eq!(browser.call("organisations", &[]).await.json.as_array().unwrap().len(), 1);
        assert_eq!(browser.call("switch_organisation", &[("org", "globex")]).await.status, 404);
        assert!(!app.audit(&globex).await.iter().any(|row| row.action == "password.reset"), "who merely provisioned her learns nothing");
    }

    async fn without_scripts_the_pages_lead_on(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let asked = app.browser().submit("ask_reset", &[("email", &acme.owner_email)], "/forgot-password").await;
        assert_eq!(asked.redirect(), Some("/forgot-password?sent=yes"));
        assert!(app.browser().get("/forgot-password?sent=yes").await.text.contains("data-testid=\"reset-sent\""));
        let fields = [("org", "acme"), ("password", PASSWORD), ("new_password", NEW)];
        let changed = owner.submit("change_password", &fields, "/o/acme/account").await;
        assert_eq!(changed.redirect(), Some("/o/acme/account?changed=password"));
        assert!(owner.get("/o/acme/account?changed=password").await.text.contains("data-testid=\"password-changed\""));
    }
}
