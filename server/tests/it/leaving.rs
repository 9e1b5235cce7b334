//! Leaving: the very next request is refused, and nothing else changes.

use directory::{
    Error, activation,
    provisioning::{connection, tokens},
    sessions::{self, SessionLimits},
};
use serde_json::{Value, json};

use crate::support::{Browser, Idp, Org, Person, TestApp, both_databases, patch_active};

/// Every way in which a directory lets somebody go.
pub const WAYS: [&str; 8] =
    ["patch", "patch with path", "patch \"False\"", "patch add", "patch false among others", "put", "put \"false\"", "delete"];

pub async fn leave(idp: &Idp, person: &Person, way: &str) {
    let path = format!("/Users/{}", person.id);
    let full =
        |active: Value| json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": person.email, "active": active });
    let answer = match way {
        "patch" => idp.patch(&path, patch_active(false)).await,
        "patch with path" => idp.patch(&path, json!([{ "op": "replace", "path": "active", "value": false }])).await,
        "patch \"False\"" => idp.patch(&path, json!([{ "op": "Replace", "path": "active", "value": "False" }])).await,
        "patch add" => idp.patch(&path, json!([{ "op": "Add", "path": "active", "value": "false" }])).await,
        "patch false among others" => {
            idp.patch(
                &path,
                json!([{ "op": "replace", "value": { "title": "Gone", "urn:ietf:params:scim:schemas:core:2.0:User:active": "FALSE" } }]),
            )
            .await
        }
        "put" => idp.put(&path, full(false.into())).await,
        "put \"false\"" => idp.put(&path, full("false".into())).await,
        "delete" => idp.delete(&path).await,
        other => panic!("{other}"),
    };
    assert_eq!(answer.status, if way == "delete" { 204 } else { 200 }, "{way}: {}", answer.text);
    if way != "delete" {
        assert_eq!(answer.json["active"], false, "{way}");
    }
}

async fn can_act(browser: &Browser, org: &Org) -> bool {
    let page = browser.get(&format!("/o/{}/members", org.slug)).await;
    let call = browser.call("members", &[("org", &org.slug), ("page", "1")]).await;
    assert_eq!(page.is_refused(), call.is_refused(), "{} {}", page.status, call.status);
    assert!(page.is_refused() || page.status == 200, "{}", page.status);
    !page.is_refused()
}

async fn two_browsers(app: &TestApp, org: &Org, email: &str) -> (Person, [Browser; 2]) {
    let (person, first) = app.join(org, email).await;
    let second = app.sign_in(email, "violet tractor sings at dawn").await;
    (person, [first, second])
}

both_databases! {
    async fn every_way_to_leave_refuses_the_next_request_in_every_browser(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        for (number, way) in WAYS.into_iter().enumerate() {
            let email = format!("leaver{number}@acme.test");
            let (person, browsers) = two_browsers(&app, &acme, &email).await;
            for browser in &browsers {
                assert!(can_act(browser, &acme).await);
            }
            leave(&idp, &person, way).await;
            for browser in &browsers {
                assert!(!can_act(browser, &acme).await, "{way}");
            }
            let again = app.browser().call("sign_in", &[("email", &email), ("password", "violet tractor sings at dawn")]).await;
            assert_eq!(again.status, 401, "{way}");
        }
        assert_eq!(app.database.number("SELECT count(*) FROM sessions s JOIN memberships m ON m.id = s.membership_id JOIN users u ON u.id = m.account_id WHERE u.email LIKE 'leaver%'").await, 0);
    }

    async fn her_session_in_another_organisation_lives_on(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let (person, in_acme) = app.join(&acme, "mira@both.test").await;
        let (_, in_globex) = app.join(&globex, "mira@both.test").await;
        let rows_of_globex = format!("SELECT count(*) FROM sessions WHERE org_id = (SELECT id FROM organizations WHERE slug = '{}')", globex.slug);
        assert_eq!(app.database.number(&rows_of_globex).await, 1);

        leave(&app.idp(&acme), &person, "patch").await;
        assert!(!can_act(&in_acme, &acme).await);
        assert!(can_act(&in_globex, &globex).await);
        assert_eq!(app.database.number(&rows_of_globex).await, 1);
        assert_eq!(app.database.number("SELECT live_memberships FROM users WHERE email = 'mira@both.test' AND NOT dormant").await, 1);
        // And she can sign in again: into what is left.
        let browser = app.sign_in("mira@both.test", "violet tractor sings at dawn").await;
        assert!(can_act(&browser, &globex).await);
    }

    async fn the_account_is_dormant_when_no_membership_is_left_anywhere(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let (in_acme, _) = app.join(&acme, "mira@both.test").await;
        let (in_globex, _) = app.join(&globex, "mira@both.test").await;
        let dormant = "SELECT count(*) FROM users WHERE email = 'mira@both.test' AND dormant AND live_memberships = 0";
        leave(&app.idp(&acme), &in_acme, "delete").await;
        assert_eq!(app.database.number(dormant).await, 0);
        leave(&app.idp(&globex), &in_globex, "patch").await;
        assert_eq!(app.database.number(dormant).await, 1);
        assert_eq!(app.idp(&globex).patch(&format!("/Users/{}", in_globex.id), patch_active(true)).await.status, 200);
        assert_eq!(app.database.number(dormant).await, 0);
    }

    async fn coming_back_is_a_new_membership_and_no_old_session(app) {
        let acme = app.org("Acme").await;
        let (person, browsers) = two_browsers(&app, &acme, "mira@acme.test").await;
        let idp = app.idp(&acme);
        let membership = "SELECT count(*) FROM memberships m JOIN users u ON u.id = m.account_id WHERE u.email = 'mira@acme.test'";
        leave(&idp, &person, "patch").await;
        assert_eq!(app.database.number(membership).await, 0);
        let back = idp.patch(&format!("/Users/{}", person.id), patch_active(true)).await;
        assert_eq!((back.status, &back.json["active"]), (200, &true.into()));
        assert_eq!(app.database.number(membership).await, 1);
        for browser in &browsers {
            assert!(!can_act(browser, &acme).await);
        }
        // Her address was proven for this record: no new mail, the old password.
        assert_eq!(app.mailed_link("mira@acme.test").await, None);
        assert!(can_act(&app.sign_in("mira@acme.test", "violet tractor sings at dawn").await, &acme).await);
    }

    async fn a_deleted_person_comes_back_as_another_record_that_needs_a_new_proof(app) {
        let acme = app.org("Acme").await;
        let (person, _) = app.join(&acme, "mira@acme.test").await;
        let idp = app.idp(&acme);
        leave(&idp, &person, "delete").await;
        assert_eq!(idp.get(&format!("/Users/{}", person.id)).await.status, 404);
        assert_eq!(idp.delete(&format!("/Users/{}", person.id)).await.status, 404);
        assert_eq!(idp.patch(&format!("/Users/{}", person.id), patch_active(true)).await.status, 404);
        let again = app.provision(&acme, "mira@acme.test").await;
        assert_ne!(again.id, person.id);
        let early = app.browser().call("sign_in", &[("email", "mira@acme.test"), ("password", "violet tractor sings at dawn")]).await;
        assert_eq!(early.status, 401);
        assert!(can_act(&app.activate("mira@acme.test").await, &acme).await);
    }

    async fn leaving_twice_is_harmless_and_is_audited_once(app) {
        let acme = app.org("Acme").await;
        let (person, _) = app.join(&acme, "mira@acme.test").await;
        let idp = app.idp(&acme);
        leave(&idp, &person, "patch").await;
        let after_first = idp.get(&format!("/Users/{}", person.id)).await.text;
        leave(&idp, &person, "patch").await;
        leave(&idp, &person, "patch \"False\"").await;
        assert_eq!(idp.get(&format!("/Users/{}", person.id)).await.text, after_first, "no new version either");
        leave(&idp, &person, "delete").await;
        let ended: Vec<_> = app.audit(&acme).await.into_iter().filter(|row| row.action == "access.ended").collect();
        assert_eq!(ended.len(), 1, "{ended:?}");
        assert!(ended[0].details.contains(&"sessions ended: 1".to_owned()), "{ended:?}");
        assert_eq!(ended[0].actor, "Bootstrap (token)");
    }

    async fn an_invitation_dies_with_the_access_it_invites_to(app) {
        let acme = app.org("Acme").await;
        let person = app.provision(&acme, "mira@acme.test").await;
        let link = app.mailed_link("mira@acme.test").await.unwrap();
        leave(&app.idp(&acme), &person, "patch").await;
        let look = app.browser().call("activation_link", &[("link", &link)]).await;
        assert_eq!(look.status, 404, "{}", look.text);
        let follow = app.browser().call("activate", &[("link", &link), ("password", "violet tractor sings at dawn")]).await;
        assert_eq!(follow.status, 404, "{}", follow.text);
        // A mail that had not been sent is not sent.
        let other = app.provision(&acme, "ben@acme.test").await;
        leave(&app.idp(&acme), &other, "delete").await;
        assert_eq!(app.mailed_link("ben@acme.test").await, None);
    }

    /// Between the look at a session and the change that is made with it lies a request's body, which a leaver can make
    /// last. What she wanted is refused all the same.
    async fn a_request_that_was_under_way_when_she_left_changes_nothing(app) {
        let acme = app.org("Acme").await;
        let (ada, browser) = crate::owners::directory_owner(&app, &acme, "ada@acme.test").await;
        let sara = app.provision(&acme, "sara@acme.test").await;
        let member = app.member(&acme, "sara@acme.test").await["member"].as_str().unwrap().parse().unwrap();
        let id = browser.cookie().unwrap().split('=').nth(1).unwrap().parse::<tower_sessions::session::Id>().unwrap().0.to_le_bytes();
        let (db, call) = (&app.state.db, app.call());
        let who = sessions::find(db, &id, SessionLimits::default(), call.now).await.unwrap().unwrap();
        let scope = who.in_org(&"acme".to_owned().try_into().unwrap(), domain::Permission::ManageSecurity).unwrap();
        let token = connection::view(db, &who, scope, "https://id.rollcall.test", &call).await.unwrap().tokens[0].id;
        leave(&app.idp(&acme), &ada, "patch").await;

        let before = app.database.rows("SELECT * FROM scim_tokens").await;
        let refused = |result: Result<(), Error>| assert!(matches!(result, Err(Error::Unauthenticated)), "{result:?}");
        refused(tokens::issue(db, &who, scope, "Mine".to_owned(), "two_years", "", &call).await.map(drop));
        refused(tokens::rotate(db, &who, scope, token, "day", &call).await.map(drop));
        refused(tokens::restrict(db, &who, scope, token, "192.0.2.0/24", &call).await);
        refused(tokens::reissue(db, &who, scope, token, &call).await.map(drop));
        refused(tokens::revoke(db, &who, scope, token, &call).await);
        refused(connection::disable(db, &who, scope, &call).await);
        refused(connection::enable(db, &who, scope, &call).await);
        refused(activation::resend(db, &who, scope, member, &call).await);
        assert_eq!(app.database.rows("SELECT * FROM scim_tokens").await, before);
        assert_eq!(app.idp(&acme).get(&format!("/Users/{}", sara.id)).await.status, 200);
    }

    /// Law 3. A record that is inactive already does not excuse a membership that is alive, nor does a block by hand.
    async fn what_is_alive_ends_even_where_the_directory_says_nothing_new(app) {
        let acme = app.org("Acme").await;
        let (person, _) = app.join(&acme, "mira@acme.test").await;
        let idp = app.idp(&acme);
        let alive = "SELECT count(*) FROM memberships m JOIN users u ON u.id = m.account_id WHERE u.email = 'mira@acme.test'";
        let revive = "INSERT INTO memberships (id, org_id, member_id, account_id, proven_at, began_at)
                      SELECT p.id, p.org_id, p.id, p.account_id, 1, 1 FROM members p JOIN users u ON u.id = p.account_id WHERE u.email = 'mira@acme.test'";
        let count = "UPDATE users SET live_memberships = 1, dormant = false WHERE email = 'mira@acme.test'";
        for way in ["patch", "put", "delete"] {
            leave(&idp, &person, "patch").await;
            assert_eq!(app.database.number(alive).await, 0);
            app.database.try_run(revive).await.unwrap();
            app.database.try_run(count).await.unwrap();
            let browser = app.sign_in("mira@acme.test", "violet tractor sings at dawn").await;
            if way == "delete" {
                let block = "INSERT INTO member_blocks (org_id, member_id, cause, blocked_by, blocked_at)
                             SELECT org_id, id, 'operator', 'test', 0 FROM members WHERE managed_by = 'directory'";
                app.database.try_run(block).await.unwrap();
            }
            leave(&idp, &person, way).await;
            assert_eq!(app.database.number(alive).await, 0, "{way}");
            assert!(!can_act(&browser, &acme).await, "{way}");
        }
    }
}
