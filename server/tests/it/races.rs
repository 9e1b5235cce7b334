//! What happens at the same time, many times over. `ROLLCALL_TEST_RACES` says how often.

use serde_json::json;
use tokio::task::JoinSet;

use crate::{
    owners::{demote_founder, directory_owner},
    support::{both_databases, patch_active, races},
};

const ACCOUNT: &str = "FROM users WHERE email =";

both_databases! {
    async fn two_organisations_let_one_person_go_and_her_account_is_dormant_once(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        for round in 0..races() {
            let email = format!("p{round}@both.test");
            let (a, _) = app.join(&acme, &email).await;
            let (b, _) = app.join(&globex, &email).await;
            let (in_acme, in_globex) = (app.idp(&acme), app.idp(&globex));
            let (path_a, path_b) = (format!("/Users/{}", a.id), format!("/Users/{}", b.id));
            let (x, y) = tokio::join!(in_acme.patch(&path_a, patch_active(false)), in_globex.delete(&path_b));
            assert_eq!((x.status, y.status), (200, 204));
            assert_eq!(app.database.number(&format!("SELECT live_memberships {ACCOUNT} '{email}' AND dormant")).await, 0);
        }
    }

    async fn one_organisation_lets_her_go_while_the_other_takes_her_in(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        for round in 0..races() {
            let email = format!("p{round}@both.test");
            let (person, in_acme) = app.join(&acme, &email).await;
            let (idp_a, idp_b, path) = (app.idp(&acme), app.idp(&globex), format!("/Users/{}", person.id));
            let body = json!({ "userName": email, "emails": [{ "value": email }], "active": true });
            let (left, joined) = tokio::join!(idp_a.patch(&path, patch_active(false)), idp_b.post("/Users", body));
            assert_eq!((left.status, joined.status), (200, 201), "{} {}", left.text, joined.text);
            assert_eq!(app.database.number(&format!("SELECT live_memberships {ACCOUNT} '{email}' AND NOT dormant")).await, 1);
            assert!(in_acme.get("/o/acme/members").await.is_refused());
            let browser = app.activate(&email).await;
            assert_eq!(browser.get("/o/globex/members").await.status, 200);
        }
    }

    async fn two_organisations_post_one_new_address_and_there_is_one_account(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        for round in 0..races() {
            let email = format!("new{round}@both.test");
            let body = json!({ "userName": email, "emails": [{ "value": email, "primary": true }] });
            let (idp_a, idp_b) = (app.idp(&acme), app.idp(&globex));
            let (x, y) = tokio::join!(idp_a.post("/Users", body.clone()), idp_b.post("/Users", body));
            assert_eq!((x.status, y.status), (201, 201), "{} {}", x.text, y.text);
            assert_eq!(app.database.number(&format!("SELECT count(*) {ACCOUNT} '{email}'")).await, 1);
            assert_eq!(app.database.number(&format!("SELECT live_memberships {ACCOUNT} '{email}'")).await, 2);
        }
    }

    async fn two_owners_are_let_go_at_once_and_one_stays(app) {
        for round in 0..races() {
            let org = app.org(&format!("Org{round}")).await;
            let (ada, _) = directory_owner(&app, &org, &format!("ada@org{round}.test")).await;
            let (ben, _) = directory_owner(&app, &org, &format!("ben@org{round}.test")).await;
            demote_founder(&app, &org).await;
            let (idp, path_a, path_b) = (app.idp(&org), format!("/Users/{}", ada.id), format!("/Users/{}", ben.id));
            let (x, y) = tokio::join!(idp.patch(&path_a, patch_active(false)), idp.delete(&path_b));
            let refused = [x.status, y.status].into_iter().filter(|status| *status == 409).count();
            assert_eq!(refused, 1, "{} {}", x.status, y.status);
            let owners = format!("SELECT count(*) FROM role_grants g JOIN organizations o ON o.id = g.org_id WHERE o.slug = '{}' AND g.role = 'owner'", org.slug);
            assert_eq!(app.database.number(&owners).await, 1);
        }
    }

    async fn twenty_equal_posts_make_one_user(app) {
        let acme = app.org("Acme").await;
        for round in 0..races().div_ceil(4) {
            let body = json!({ "userName": format!("one{round}@acme.test"), "externalId": format!("x{round}"), "emails": [{ "value": format!("one{round}@acme.test") }] });
            let mut posts = JoinSet::new();
            for _ in 0..20 {
                let (idp, body) = (app.idp(&acme), body.clone());
                posts.spawn(async move { idp.post("/Users", body).await });
            }
            let answers = posts.join_all().await;
            let created = answers.iter().filter(|answer| answer.status == 201).count();
            let taken = answers.iter().filter(|answer| answer.status == 409 && answer.json["scimType"] == "uniqueness").count();
            assert_eq!((created, taken), (1, 19), "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
            assert_eq!(app.database.number(&format!("SELECT live_memberships {ACCOUNT} 'one{round}@acme.test'")).await, 1);
        }
        assert_eq!(app.database.number("SELECT count(*) FROM users WHERE email IS NULL").await, 0, "no loser left an account behind");
    }

    async fn twenty_equal_posts_take_an_inactive_user_up_once(app) {
        let acme = app.org("Acme").await;
        for round in 0..races().div_ceil(4) {
            let person = app.provision(&acme, &format!("back{round}@acme.test")).await;
            assert_eq!(app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(false)).await.status, 200);
            let body = json!({ "userName": person.email, "externalId": format!("00u-{}", person.email), "emails": [{ "value": person.email }], "active": true });
            let mut posts = JoinSet::new();
            for _ in 0..20 {
                let (idp, body) = (app.idp(&acme), body.clone());
                posts.spawn(async move { idp.post("/Users", body).await });
            }
            let answers = posts.join_all().await;
            let restored = answers.iter().filter(|answer| answer.status == 201 && answer.json["id"] == person.id.as_str()).count();
            let taken = answers.iter().filter(|answer| answer.status == 409).count();
            assert_eq!((restored, taken), (1, 19), "{:?}", answers.iter().map(|answer| answer.status).collect::<Vec<_>>());
        }
    }

    async fn a_sign_in_that_races_a_leaving_never_leaves_a_live_session(app) {
        let acme = app.org("Acme").await;
        for round in 0..races() {
            let email = format!("p{round}@acme.test");
            let (person, _) = app.join(&acme, &email).await;
            let (idp, path, browser) = (app.idp(&acme), format!("/Users/{}", person.id), app.browser());
            let fields = [("email", email.as_str()), ("password", "violet tractor sings at dawn")];
            let (_, left) = tokio::join!(browser.call("sign_in", &fields), idp.patch(&path, patch_active(false)));
            assert_eq!(left.status, 200);
            assert!(browser.get("/o/acme/members").await.is_refused());
            let sessions = format!("SELECT count(*) FROM sessions s JOIN memberships m ON m.id = s.membership_id JOIN users u ON u.id = m.account_id WHERE u.email = '{email}'");
            assert_eq!(app.database.number(&sessions).await, 0);
        }
    }

    /// Requests that hold a session while it is ended write it back when they finish (its "last seen"): it stays ended.
    async fn a_session_that_slow_requests_hold_stays_ended(app) {
        let acme = app.org("Acme").await;
        for round in 0..races() {
            let email = format!("p{round}@acme.test");
            let (person, browser) = app.join(&acme, &email).await;
            app.advance(std::time::Duration::from_secs(120));
            let mut requests = JoinSet::new();
            for _ in 0..4 {
                let browser = browser.stolen();
                requests.spawn(async move { browser.call("members", &[("org", "acme"), ("page", "1")]).await.status });
            }
            let left = app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(false)).await;
            assert_eq!(left.status, 200);
            // Answered after the 2xx: refused, whatever was under way.
            assert!(browser.stolen().get("/o/acme/members").await.is_refused());
            for status in requests.join_all().await {
                assert!(status == 200 || status == 401, "{status}");
            }
            assert!(browser.stolen().get("/o/acme/members").await.is_refused());
        }
        let sessions = "SELECT count(*) FROM sessions s JOIN memberships m ON m.id = s.membership_id JOIN users u ON u.id = m.account_id WHERE u.email LIKE 'p%@acme.test'";
        assert_eq!(app.database.number(sessions).await, 0);
    }

    async fn one_activation_link_lets_one_browser_in(app) {
        let acme = app.org("Acme").await;
        for round in 0..races() {
            let email = format!("p{round}@acme.test");
            app.provision(&acme, &email).await;
            let link = app.mailed_link(&email).await.unwrap();
            let (first, second) = (app.browser(), app.browser());
            let fields = [("link", link.as_str()), ("password", "violet tractor sings at dawn")];
            let (x, y) = tokio::join!(first.call("activate", &fields), second.call("activate", &fields));
            let mut statuses = [x.status, y.status];
            statuses.sort_unstable();
            assert_eq!(statuses[0], 200, "{} {}", x.text, y.text);
            assert!(statuses[1] == 404 || statuses[1] == 409, "{} {}", x.text, y.text);
        }
    }
}
