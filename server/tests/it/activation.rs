//! The mailed link: proves an address, once.

use std::time::Duration;

use serde_json::json;

use crate::support::both_databases;

const RIGHT: &str = "violet tractor sings at dawn";

both_databases! {
    async fn looking_at_a_link_changes_nothing_and_following_it_works_once(app) {
        let acme = app.org("Acme").await;
        app.provision(&acme, "mira@acme.test").await;
        let link = app.mailed_link("mira@acme.test").await.unwrap();
        for _ in 0..3 {
            // Mail scanners fetch links.
            assert_eq!(app.browser().get(&format!("/activate/{link}")).await.status, 200);
        }
        let look = app.browser().call("activation_link", &[("link", &link)]).await;
        assert_eq!(look.json, json!({ "org_name": "Acme", "email": "mira@acme.test", "has_password": false }));

        let browser = app.browser();
        let short = browser.call("activate", &[("link", &link), ("password", "short")]).await;
        assert_eq!((short.status, &short.json["Invalid"]["field"]), (422, &"password".into()));
        let common = browser.call("activate", &[("link", &link), ("password", "password1234")]).await;
        assert_eq!((common.status, &common.json["Invalid"]["field"]), (422, &"password".into()));
        assert_eq!(browser.call("activate", &[("link", &link), ("password", RIGHT)]).await.status, 200);
        assert_eq!(browser.get("/o/acme/members").await.status, 200);
        assert_eq!(app.browser().call("activate", &[("link", &link), ("password", "another fine long phrase")]).await.status, 404);
        assert_eq!(app.member(&acme, "mira@acme.test").await["access"], "Active");
    }

    async fn a_link_expires(app) {
        let acme = app.org("Acme").await;
        app.provision(&acme, "mira@acme.test").await;
        let link = app.mailed_link("mira@acme.test").await.unwrap();
        app.advance(Duration::from_secs(7 * 86_400));
        assert_eq!(app.browser().call("activation_link", &[("link", &link)]).await.status, 404);
        assert_eq!(app.browser().call("activate", &[("link", &link), ("password", RIGHT)]).await.status, 404);
    }

    async fn an_existing_account_proves_itself_with_its_own_password(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let (_, in_acme) = app.join(&acme, "mira@both.test").await;
        app.provision(&globex, "mira@both.test").await;
        // Until her link is followed, Globex gives her nothing, and she is not even told of it.
        assert_eq!(in_acme.call("organisations", &[]).await.json.as_array().unwrap().len(), 1);
        assert_eq!(in_acme.call("switch_organisation", &[("org", "globex")]).await.status, 404);

        let link = app.mailed_link("mira@both.test").await.unwrap();
        let look = app.browser().call("activation_link", &[("link", &link)]).await;
        assert_eq!(look.json["has_password"], true);
        // Whoever reads her mail can neither set a password nor get in.
        let thief = app.browser();
        let refused = thief.call("activate", &[("link", &link), ("password", "a password of the thief")]).await;
        assert_eq!((refused.status, &refused.json["Invalid"]["field"]), (422, &"password".into()));
        assert!(thief.get("/o/globex/members").await.is_refused());
        // Nor can the thief guess on: the guesses count as sign-ins.
        let guess = async || thief.call("activate", &[("link", &link), ("password", "another guess of the thief")]).await.status;
        for _ in 0..9 {
            assert_eq!(guess().await, 422);
        }
        assert_eq!(guess().await, 429);
        app.advance(Duration::from_secs(15 * 60 + 1));
        let browser = app.browser();
        assert_eq!(browser.call("activate", &[("link", &link), ("password", RIGHT)]).await.status, 200);
        assert_eq!(browser.get("/o/globex/members").await.status, 200);
        assert_eq!(in_acme.get("/o/acme/members").await.status, 200, "her other session lives on");
    }

    async fn setting_a_password_ends_what_an_unproven_account_had(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        app.join(&acme, "mira@both.test").await;
        // As if somebody had signed up with her address and never proven it.
        app.database.try_run("UPDATE users SET email_proven_at = NULL WHERE email = 'mira@both.test'").await.unwrap();
        let squatter = app.sign_in("mira@both.test", RIGHT).await;
        app.provision(&globex, "mira@both.test").await;
        let link = app.mailed_link("mira@both.test").await.unwrap();
        assert_eq!(app.browser().call("activation_link", &[("link", &link)]).await.json["has_password"], false);
        let browser = app.browser();
        assert_eq!(browser.call("activate", &[("link", &link), ("password", "her own long pass phrase")]).await.status, 200);
        assert!(squatter.get("/o/acme/members").await.is_refused());
        assert_eq!(app.browser().call("sign_in", &[("email", "mira@both.test"), ("password", RIGHT)]).await.status, 401);
    }

    async fn the_mail_goes_to_the_address_of_the_beginning(app) {
        let acme = app.org("Acme").await;
        let person = app.provision(&acme, "mira@acme.test").await;
        // N17: a later change of address is the directory record's alone.
        let path = format!("/Users/{}", person.id);
        let changed = app.idp(&acme).patch(&path, json!([{ "op": "replace", "path": "emails[type eq \"work\"].value", "value": "eve@evil.test" }])).await;
        assert_eq!((changed.status, &changed.json["emails"][0]["value"]), (200, &"eve@evil.test".into()));
        assert_eq!(app.mailed_link("eve@evil.test").await, None);
        assert_eq!(app.database.number("SELECT count(*) FROM users WHERE email = 'mira@acme.test'").await, 1);
        assert_eq!(app.database.number("SELECT count(*) FROM users WHERE email = 'eve@evil.test'").await, 0);
    }

    async fn an_administrator_sends_it_again_and_the_one_before_stops_working(app) {
        let acme = app.org("Acme").await;
        app.provision(&acme, "mira@acme.test").await;
        let first = app.mailed_link("mira@acme.test").await.unwrap();
        let member = app.member(&acme, "mira@acme.test").await;
        assert!(member["access"]["ActivationSent"]["at"].is_number(), "{member}");
        let owner = app.owner(&acme).await;
        let fields = [("org", "acme"), ("member", member["member"].as_str().unwrap())];
        assert_eq!(owner.call("resend_activation", &fields).await.status, 200);
        let second = app.mailed_link("mira@acme.test").await.unwrap();
        assert_eq!(app.browser().call("activation_link", &[("link", &first)]).await.status, 404);
        assert_eq!(app.browser().call("activation_link", &[("link", &second)]).await.status, 200);
        // Five mails a day to one address: enough for her, too few for a nuisance.
        for _ in 0..3 {
            assert_eq!(owner.call("resend_activation", &fields).await.status, 200);
        }
        assert_eq!(owner.call("resend_activation", &fields).await.status, 409);
        app.advance(Duration::from_secs(86_400));
        let owner = app.owner(&acme).await;
        assert_eq!(owner.call("resend_activation", &fields).await.status, 200);
    }

    async fn a_person_whose_mail_was_held_back_is_shown_as_waiting_for_one(app) {
        let acme = app.org("Acme").await;
        for _ in 0..6 {
            let person = app.provision(&acme, "mira@acme.test").await;
            app.idp(&acme).delete(&format!("/Users/{}", person.id)).await;
        }
        app.provision(&acme, "mira@acme.test").await;
        let member = app.member(&acme, "mira@acme.test").await;
        assert_eq!(member["access"]["ActivationPending"], json!({ "has_address": true, "queued": false }));
    }

    async fn a_mail_that_still_waits_when_she_activates_is_not_sent(app) {
        let acme = app.org("Acme").await;
        app.provision(&acme, "mira@acme.test").await;
        let link = app.mailed_link("mira@acme.test").await.unwrap();
        let member = app.member(&acme, "mira@acme.test").await["member"].as_str().unwrap().to_owned();
        assert_eq!(app.owner(&acme).await.call("resend_activation", &[("org", "acme"), ("member", &member)]).await.status, 200);
        assert_eq!(app.browser().call("activate", &[("link", &link), ("password", RIGHT)]).await.status, 200);
        assert_eq!(app.mailed_link("mira@acme.test").await, None);
        assert_eq!(app.database.number("SELECT count(*) FROM activation_links").await, 0);
    }

    async fn a_mail_that_cannot_be_sent_is_tried_again_and_then_shown_as_failed(app) {
        let acme = app.org("Acme").await;
        app.provision(&acme, "mira@acme.test").await;
        for attempt in 1..=6 {
            let due = directory::mail::next_due(&app.state.db, &app.call()).await.unwrap().unwrap_or_else(|| panic!("attempt {attempt}"));
            directory::mail::failed(&app.state.db, &due, "550 no such mailbox", &app.call()).await.unwrap();
            app.advance(Duration::from_secs(64 * 60));
        }
        assert!(directory::mail::next_due(&app.state.db, &app.call()).await.unwrap().is_none());
        assert_eq!(app.member(&acme, "mira@acme.test").await["access"]["ActivationFailed"]["reason"], "550 no such mailbox");
    }

    async fn somebody_without_an_address_of_her_own_waits_for_single_sign_on(app) {
        let acme = app.org("Acme").await;
        let answer = app.idp(&acme).post("/Users", json!({ "userName": "mira" })).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        // An address that another record of the organisation has already: no conflict, and no second way into her account.
        app.join(&acme, "ben@acme.test").await;
        let twin = app.idp(&acme).post("/Users", json!({ "userName": "ben.admin", "emails": [{ "value": "ben@acme.test" }] })).await;
        assert_eq!(twin.status, 201, "{}", twin.text);
        assert_eq!(app.database.number("SELECT count(*) FROM users WHERE email IS NULL AND live_memberships = 1").await, 2);
        assert_eq!(app.mailed_link("ben@acme.test").await, None);
    }
}
