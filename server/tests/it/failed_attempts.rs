//! Every failed attempt is told in the audit log of whom it concerns: those with what has ended, those that are refused before they are
//! looked at, and those that led to nothing.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use directory::{
    failed_attempts::Attempts,
    oauth::guesses::{self as secrets, By, Shown},
    sessions,
};
use domain::OrgRole;

use crate::{
    support::{Org, TestApp, both_databases, patch_active, races},
    tokens::altered,
};

const CLI: &str = "rollcall-cli";
const API: &str = "api.authentication_failed";
const SCIM: &str = "scim.authentication_failed";
/// After which attempts are over.
const QUIET: Duration = Duration::from_secs(180);
const DAY: Duration = Duration::from_secs(86_400);

/// What the organisation's audit log tells of failures of this kind: what is said, and what they were at. All of it, not a page.
async fn log(app: &TestApp, org: &Org, action: &str) -> Vec<(Vec<String>, Option<String>)> {
    app.state.settle().await;
    let sql = format!(
        "SELECT coalesce(e.target, '') || '|' || e.details FROM audit_events e JOIN organizations o ON o.id = e.org_id
         WHERE o.slug = '{}' AND e.action = '{action}' ORDER BY e.at, e.id",
        org.slug
    );
    let read = |text: String| {
        let (target, details) = text.split_once('|').unwrap();
        let facts: Vec<(String, String)> = serde_json::from_str(details).unwrap();
        (
            facts.iter().map(|(name, value)| format!("{name}: {value}")).collect(),
            Some(target.to_owned()).filter(|target| !target.is_empty()),
        )
    };
    app.database.texts(&sql).await.into_iter().map(read).collect()
}

/// Why API attempts failed and what they were at, in the order of the alphabet.
async fn told(app: &TestApp, org: &Org) -> Vec<(String, Option<String>)> {
    let rows = log(app, org, API).await.into_iter();
    let mut told: Vec<_> = rows.map(|(details, target)| (details[0].strip_prefix("why: ").unwrap().to_owned(), target)).collect();
    told.sort();
    told
}

/// The failures of this kind that the log tells of: of what is over, all of them.
async fn in_all(app: &TestApp, org: &Org, action: &str) -> u64 {
    let number = |text: &str| text.rsplit(' ').next().unwrap().parse::<u64>().unwrap();
    // Each is listed once by itself, where it is noted by itself; what an entry says in all counts from that one.
    let rows = log(app, org, action).await.into_iter();
    rows.map(|(details, _)| match details.iter().find(|fact| fact.starts_with("failures ")) {
        None => 1,
        Some(fact) if fact.starts_with("failures so far") => 0,
        Some(fact) if fact.starts_with("failures in all") => number(fact) - 1,
        Some(fact) => number(fact),
    })
    .sum()
}

async fn sweep(app: &TestApp) {
    sessions::sweep(&app.state.db, app.state.session_limits, app.call().now).await.unwrap();
}

both_databases! {
    /// What somebody could do yesterday, whichever way it ended. Her organisation hears that it is still in use, and no other does.
    async fn whoever_goes_on_using_what_was_ended_is_told_of(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let (ended, nightly) = (["an access token that was ended", "a personal token that was ended", "a refresh token that was ended"], Some("Nightly job".to_owned()));
        for way in ["left", "deactivated", "ended by herself"] {
            let (person, browser) = app.join(&acme, "mira@acme.test").await;
            let (tokens, personal) = (app.let_in(&acme, &browser, CLI).await, app.personal_token(&acme, &browser).await);
            let mine = browser.call("api_access", &[("org", "acme")]).await.json;
            let session = mine["sessions"][0]["id"].as_str().unwrap().to_owned();
            match way {
                "left" => assert_eq!(app.idp(&acme).delete(&format!("/Users/{}", person.id)).await.status, 204),
                "deactivated" => assert_eq!(app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(false)).await.status, 200),
                _ => {
                    let token = mine["personal_tokens"][0]["id"].as_str().unwrap();
                    assert_eq!(browser.call("end_api_session", &[("org", "acme"), ("session", &session)]).await.status, 200);
                    assert_eq!(browser.call("revoke_personal_token", &[("org", "acme"), ("token", token)]).await.status, 200);
                }
            }
            let before = told(&app, &acme).await.len();
            for token in [&tokens.access, &personal] {
                assert_eq!(app.client().get("/api/v1/me", token).await.status, 401, "{way}");
            }
            assert_eq!(app.client().refresh(CLI, &tokens.refresh).await.error(), (400, "invalid_grant"), "{way}");
            let now = told(&app, &acme).await;
            assert_eq!(now.len() - before, 3, "{way}: {now:?}");
            for (why, target) in [(ended[0], Some(format!("API session {session}"))), (ended[1], nightly.clone()), (ended[2], Some(format!("API session {session}")))] {
                assert!(now.contains(&(why.to_owned(), target)), "{way}: {why} of {now:?}");
            }
            // Somebody who knows no more than its public id.
            assert_eq!(app.client().get("/api/v1/me", &altered(&personal, 60)).await.status, 401);
            assert!(told(&app, &acme).await.iter().any(|(why, _)| why == "the id of a personal token, and a wrong secret"), "{way}");
            app.idp(&acme).delete(&format!("/Users/{}", person.id)).await;
            app.advance(QUIET);
            app.state.note_failures().await.unwrap();
        }
        assert_eq!(told(&app, &globex).await, []);
        // Whose session it was is found by its id.
        let began = app.database.texts("SELECT target FROM audit_events WHERE action = 'api.authentication_failed' AND target_kind = 'api_session' ORDER BY at").await.remove(0);
        let session = began.strip_prefix("API session ").unwrap();
        let found = app.owner(&acme).await.call("audit", &[("org", "acme"), ("filter[search]", session)]).await.json;
        let events: Vec<_> = found["events"].as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap()).collect();
        assert!(events.contains(&"api_session.began") && events.iter().all(|action| action.starts_with("api")), "{found:#}");
        // They are told of until they would have expired, a personal token for a month longer, and then forgotten.
        let kept = async |kind: &str| app.database.number(&format!("SELECT count(*) FROM ended_tokens WHERE kind = '{kind}'")).await;
        assert_eq!((kept("access").await, kept("refresh").await, kept("personal").await), (3, 3, 3));
        for (days, left) in [(1, (0, 3, 3)), (30, (0, 0, 3)), (30, (0, 0, 0))] {
            app.advance(days * DAY);
            sweep(&app).await;
            assert_eq!((kept("access").await, kept("refresh").await, kept("personal").await), left, "{days}");
        }
    }

    /// A token that expired by itself: a client has a new one long since, and a script has not.
    async fn what_has_expired_is_told_of_where_somebody_has_to_do_something(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let (tokens, personal) = (app.let_in(&acme, &browser, CLI).await, app.personal_token(&acme, &browser).await);
        let tell = async || {
            assert_eq!(app.client().get("/api/v1/me", &tokens.access).await.status, 401);
            assert_eq!(app.client().get("/api/v1/me", &personal).await.status, 401);
            told(&app, &acme).await
        };
        app.advance(30 * DAY);
        let once = ("a personal token that has expired".to_owned(), Some("Nightly job".to_owned()));
        assert_eq!(tell().await, vec![once.clone()]);
        sweep(&app).await;
        app.advance(DAY);
        assert_eq!(tell().await, vec![once; 2], "a day later, when the token itself was cleared away");
        app.advance(30 * DAY);
        sweep(&app).await;
        assert_eq!(tell().await.len(), 2, "nobody knows it any more");
    }

    async fn each_reason_is_told_to_the_organisation_whose_secret_it_is(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let (owner, client) = (app.owner(&acme).await, app.client());
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let agent = app.agent(&acme, "Scout", &[OrgRole::Member]).await;
        let (personal, of_agent) = (app.personal_token(&acme, &browser).await, app.let_in(&acme, &browser, &agent).await);
        let tokens = app.let_in(&acme, &browser, CLI).await;
        let credential = app.service_credential(&acme).await;
        let gateway = owner.call("service_credentials", &[("org", "acme")]).await.json[0]["id"].as_str().unwrap().to_owned();
        let mut expected = vec![];
        let mut expect = |why: &str, target: Option<&str>| expected.push((why.to_owned(), target.map(str::to_owned)));
        let (gateways, nightly) = (Some("Gateway"), Some("Nightly job"));

        let named = format!("Basic {}", STANDARD.encode(format!("0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10:{credential}")));
        assert_eq!(client.form("introspect", &[("token", "x")], Some(&named)).await.status, 401);
        expect("a service credential that works, but not here or not under this client’s id", gateways);
        assert_eq!(client.introspect(&personal, "x").await.status, 401);
        expect("a personal token that is good, but not here or not for this client", nightly);
        assert_eq!(client.get("/api/v1/me", &acme.token).await.status, 401);
        expect("a provisioning token where only tokens of people and services are good", Some("Bootstrap"));
        assert_eq!(client.refresh(&agent, &tokens.refresh).await.status, 400);
        expect("a refresh token that is good, but not here or not for this client", Some("API session"));
        let rotated = [("org", "acme"), ("credential", gateway.as_str()), ("retire", "at_once")];
        assert_eq!(owner.call("rotate_service_credential", &rotated).await.status, 200);
        assert_eq!(client.introspect(&credential, "x").await.status, 401);
        expect("a service credential in whose place there is another", gateways);
        let second = app.service_credential(&acme).await;
        for listed in owner.call("service_credentials", &[("org", "acme")]).await.json.as_array().unwrap() {
            let of = [("org", "acme"), ("credential", listed["id"].as_str().unwrap())];
            assert_eq!(owner.call("revoke_service_credential", &of).await.status, 200);
        }
        assert_eq!(client.introspect(&second, "x").await.status, 401);
        expect("a service credential that was revoked", gateways);
        assert_eq!(client.introspect(&altered(&second, 60), "x").await.status, 401);
        expect("the id of a service credential, and a wrong secret", gateways);
        app.database.try_run("DELETE FROM agent_grants").await.unwrap();
        assert_eq!(client.get("/api/v1/me", &of_agent.access).await.status, 401);
        // Why is looked up after the answer.
        app.state.settle().await;
        expect("an access token for an agent that its person may not use", Some("API session"));
        let block = "INSERT INTO member_blocks (org_id, member_id, cause, blocked_by, blocked_at)
                     SELECT org_id, id, 'operator', 'test', 0 FROM members WHERE managed_by = 'directory'";
        app.database.try_run(block).await.unwrap();
        assert_eq!(client.get("/api/v1/me", &personal).await.status, 401);
        expect("a personal token of somebody who may not act", nightly);
        assert_eq!(client.get("/api/v1/me", &tokens.access).await.status, 401);
        expect("an access token of somebody who may not act", Some("API session"));
        let asked = client.ask(CLI).await;
        assert_eq!(owner.call("approve_device", &[("org", "acme"), ("user_code", &asked.field("user_code"))]).await.status, 200);
        assert_eq!(client.redeem(CLI, &altered(&asked.field("device_code"), 60)).await.status, 400);
        expect("the id of a device code, and a wrong secret", None);

        let mut seen = told(&app, &acme).await;
        for (_, target) in &mut seen {
            if target.as_deref().is_some_and(|target| target.starts_with("API session ")) {
                *target = Some("API session".to_owned());
            }
        }
        expected.sort();
        assert_eq!(seen, expected);
        assert_eq!(told(&app, &globex).await, []);
    }

    /// The answer never says what was wrong; whoever runs the provider reads it in the log.
    async fn the_owner_learns_what_was_wrong_with_a_provisioning_token_and_nothing_of_other_organisations(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let owner = app.owner(&acme).await;
        let issued = app.issue_token(&acme, "Second").await;
        let (second, id) = (issued["secret"].as_str().unwrap().to_owned(), issued["token"]["id"].as_str().unwrap().to_owned());
        let fail = async |shown: Option<&str>| {
            let shown = shown.map(|token| format!("Bearer {token}"));
            let idp = app.idp(&acme).with_authorization(shown.as_deref());
            assert_eq!(idp.get("/Users").await.status, 401);
            app.state.forget_failures();
            let (details, target) = log(&app, &acme, SCIM).await.pop().unwrap();
            app.advance(Duration::from_secs(1));
            (details[0].clone(), target)
        };
        let none = |why: &str| (format!("why: {why}"), None);
        let of = |why: &str, name: &str| (format!("why: {why}"), Some(name.to_owned()));
        assert_eq!(fail(None).await, none("no token"));
        assert_eq!(fail(Some("rcs_x")).await, none("no provisioning token, or one that was cut or mistyped"));
        assert_eq!(fail(Some(&globex.token)).await, none("a token that is none of this organisation’s"));
        assert_eq!(fail(Some(&altered(&second, 60))).await, of("the id of a token, and a wrong secret", "Second"));
        assert_eq!(owner.call("restrict_token", &[("org", "acme"), ("token", &id), ("allowed_from", "198.51.100.0/24")]).await.status, 200);
        assert_eq!(fail(Some(&second)).await, of("from a network that the token may not be used from", "Second"));
        assert_eq!(owner.call("revoke_token", &[("org", "acme"), ("token", &id)]).await.status, 200);
        assert_eq!(fail(Some(&second)).await, of("a token that was revoked", "Second"));
        let third = app.issue_token(&acme, "Third").await;
        let (secret, id) = (third["secret"].as_str().unwrap().to_owned(), third["token"]["id"].as_str().unwrap().to_owned());
        app.database.try_run("UPDATE scim_connections SET status = 'disabled'").await.unwrap();
        assert_eq!(fail(Some(&secret)).await, of("SCIM is disabled", "Third"));
        app.database.try_run("UPDATE scim_connections SET status = 'enabled'").await.unwrap();
        assert_eq!(owner.call("rotate_token", &[("org", "acme"), ("token", &id), ("retire", "at_once")]).await.status, 200);
        assert_eq!(fail(Some(&secret)).await, of("a token in whose place there is another", "Third"));
        app.advance(366 * DAY);
        assert_eq!(fail(Some(&acme.token)).await, of("a token that has expired", "Bootstrap"));
        // Its own is told that its token was shown elsewhere, and not where.
        let told = log(&app, &globex, SCIM).await;
        assert_eq!(told, [(vec!["why: a token of this organisation, at a URL that is not its own".to_owned()], Some("Bootstrap".to_owned()))]);
        assert_eq!(log(&app, &globex, API).await, vec![]);
        // Nor does it hear of what is none of its tokens' secrets.
        app.idp(&acme).with_authorization(Some(&format!("Bearer {}", altered(&globex.token, 60)))).get("/Users").await;
        app.idp(&acme).at("/scim/0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10/v2").with_authorization(Some(&format!("Bearer {}", globex.token))).get("/Users").await;
        app.advance(QUIET);
        app.state.settle().await;
        app.state.note_failures().await.unwrap();
        assert_eq!(in_all(&app, &globex, SCIM).await, 2);
    }

    /// Agents are reached through gateways: a leaver's program shows its token there. Its organisation hears of it, also where the gateway is
    /// another's, of which it learns nothing.
    async fn a_token_that_has_ended_and_is_shown_to_a_service_is_told_of(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let (person, browser) = app.join(&acme, "mira@acme.test").await;
        let agent = app.agent(&acme, "Scout", &[OrgRole::Member]).await;
        let (tokens, personal) = (app.let_in(&acme, &browser, CLI).await, app.personal_token(&acme, &browser).await);
        let (ours, theirs) = (app.service_credential(&acme).await, app.service_credential(&globex).await);
        let client = app.client();
        assert_eq!(client.decide(&ours, &agent, &personal).await.json["allowed"], true);
        assert_eq!(client.decide(&ours, "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10", &personal).await.json["allowed"], false, "no failure of the token");
        assert_eq!(app.idp(&acme).delete(&format!("/Users/{}", person.id)).await.status, 204);
        for _ in 0..3 {
            assert_eq!(client.introspect(&ours, &tokens.access).await.json["active"], false);
            assert_eq!(client.decide(&ours, &agent, &personal).await.json["allowed"], false);
        }
        assert_eq!(client.introspect(&theirs, &personal).await.json["active"], false);
        assert_eq!(client.introspect(&theirs, &tokens.refresh).await.json["active"], false);
        // Whoever knows no more than its id tries whether it can end it.
        assert_eq!(client.form("revoke", &[("token", &altered(&personal, 60))], None).await.status, 200);
        assert_eq!(client.form("revoke", &[("token", &personal)], None).await.status, 200);
        app.state.note_failures().await.unwrap();
        let nightly = Some("Nightly job".to_owned());
        let seen: Vec<_> = told(&app, &acme).await.into_iter().map(|(why, target)| (why, target.filter(|target| !target.starts_with("API session")))).collect();
        assert_eq!(seen, [
            ("a personal token that was ended, shown to a service".to_owned(), nightly.clone()),
            ("a refresh token that was ended, shown to a service".to_owned(), None),
            ("an access token that was ended, shown to a service".to_owned(), None),
            ("the id of a personal token, and a wrong secret".to_owned(), nightly),
        ]);
        let from = app.database.texts("SELECT coalesce(ip, 'nowhere') FROM audit_events WHERE action = 'api.authentication_failed' AND details LIKE '%a refresh token%'");
        assert_eq!(from.await, ["nowhere"], "whose service that was is nobody's business here");
        assert_eq!(told(&app, &globex).await, []);
        app.advance(QUIET);
        app.state.note_failures().await.unwrap();
        let all: Vec<_> = log(&app, &acme, API).await.into_iter().filter(|(details, _)| details[1..].iter().any(|fact| fact.starts_with("failures in all"))).collect();
        let count = |why: &str| all.iter().find(|(details, _)| details[0].contains(why)).map(|(details, _)| details[1].as_str());
        assert_eq!((count("an access token"), count("a personal token")), (Some("failures in all: 3"), Some("failures in all: 4")), "{all:?}");
    }

    /// Whoever has no secret has sixty entries an hour; those that have one do not give way to them.
    async fn guesses_from_many_networks_hide_nobody_who_has_a_secret(app) {
        let acme = app.org("Acme").await;
        let issued = app.issue_token(&acme, "Second").await;
        let id = issued["token"]["id"].as_str().unwrap();
        assert_eq!(app.owner(&acme).await.call("revoke_token", &[("org", "acme"), ("token", id)]).await.status, 200);
        for number in 0..70 {
            app.idp(&acme).with_authorization(None).from(&format!("198.51.100.{number}")).get("/Users").await;
        }
        let revoked = format!("Bearer {}", issued["secret"].as_str().unwrap());
        app.idp(&acme).with_authorization(Some(&revoked)).from("192.0.2.7").get("/Users").await;
        let log = log(&app, &acme, SCIM).await;
        assert_eq!(log.len(), 61);
        assert!(log.contains(&(vec!["why: a token that was revoked".to_owned()], Some("Second".to_owned()))), "{log:?}");
    }

    /// Of made-up ids there is nothing to tell; looking for them takes no more connections than there are.
    async fn made_up_ids_keep_nobody_waiting(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let (personal, tokens) = (app.personal_token(&acme, &browser).await, app.let_in(&acme, &browser, CLI).await);
        let call = app.call();
        let attempt = Attempts::one(None, call.now);
        let made_up: Vec<_> = [&personal, &tokens.access, &tokens.refresh].into_iter().cycle().take(60).map(|token| Shown::read(&altered(token, 10)).unwrap()).collect();
        let noted = made_up.iter().map(|shown| secrets::note_failures(&app.state.db, shown, By::Program, &attempt, &call));
        futures_util::future::join_all(noted).await.into_iter().collect::<Result<(), _>>().unwrap();
        assert_eq!(told(&app, &acme).await, []);
    }

    /// What the queue has no room for, or cannot write, is counted and told later.
    async fn what_could_not_be_noted_at_once_is_told_later(app) {
        let acme = app.org("Acme").await;
        app.database.break_table("failure_notes").await;
        for _ in 0..5 {
            assert_eq!(app.idp(&acme).with_authorization(None).from("192.0.2.7").get("/Users").await.status, 401);
        }
        app.state.settle().await;
        assert_eq!(in_all(&app, &acme, SCIM).await, 0);
        app.database.mend("failure_notes").await;
        app.state.note_failures().await.unwrap();
        app.advance(QUIET);
        app.state.note_failures().await.unwrap();
        let all = log(&app, &acme, SCIM).await.pop().unwrap().0;
        assert!(all.contains(&"failures in all: 5".to_owned()), "{all:?}");
    }

    /// Neither 1, 10 and 100 alone, nor what is refused before it is looked at: all of them.
    async fn no_failure_is_left_untold_when_it_is_over(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let personal = altered(&app.personal_token(&acme, &browser).await, 60);
        let guesser = app.idp(&acme).with_authorization(Some("Bearer rcs_guess")).from("192.0.2.7");
        let client = app.client();
        let (mut scim, mut api, mut signed) = (0, 0, 0);
        // Not enough for a block; then more than is looked at.
        for (guesses, calls, sign_ins) in [(1, 1, 1), (7, 9, 2), (25, 40, 3), (0, 111, 0), (12, 2, 4)] {
            for _ in 0..guesses {
                assert_eq!(guesser.get("/Users").await.status, 401);
                scim += 1;
            }
            for _ in 0..calls {
                assert!([401, 429].contains(&client.get("/api/v1/me", &personal).await.status));
                api += 1;
            }
            for _ in 0..sign_ins {
                assert_eq!(app.browser().call("sign_in", &[("email", "mira@acme.test"), ("password", "wrong")]).await.status, 401);
                signed += 1;
            }
            // What was counted in memory outlives this node once it is written down.
            app.state.settle().await;
            app.state.note_failures().await.unwrap();
            app.state.forget_failures();
            app.advance(Duration::from_secs(901));
            let (node, _) = app.another_node();
            node.note_failures().await.unwrap();
            assert_eq!((in_all(&app, &acme, SCIM).await, in_all(&app, &acme, API).await, in_all(&app, &acme, "sign_in.failed").await), (scim, api, signed));
            assert_eq!(app.database.number("SELECT count(*) FROM failure_notes").await, 0, "nothing is kept of what was told");
        }
    }

    /// What goes on for hours is told meanwhile.
    async fn what_goes_on_is_told_within_the_hour(app) {
        let acme = app.org("Acme").await;
        let guesser = app.idp(&acme).with_authorization(Some("Bearer rcs_guess")).from("192.0.2.7");
        for minutes in 0..=60 {
            assert_eq!(guesser.get("/Users").await.status, 401);
            app.state.settle().await;
            app.state.note_failures().await.unwrap();
            if minutes < 60 {
                assert_eq!(log(&app, &acme, SCIM).await.len(), if minutes < 9 { 1 } else { 2 }, "{minutes}");
            }
            app.advance(Duration::from_secs(60));
        }
        assert_eq!(in_all(&app, &acme, SCIM).await, 61, "sixty in all, and one that begins anew");
    }

    /// Several nodes hear of the same attempts, and tell of them, at once.
    async fn nodes_that_note_at_once_lose_and_double_nothing(app) {
        let acme = app.org("Acme").await;
        let personal = altered(&app.personal_token(&acme, &app.owner(&acme).await).await, 60);
        let shown = Shown::read(&personal).unwrap();
        let guess = app.idp(&acme).with_authorization(Some("Bearer rcs_guess"));
        let mut all = 0;
        for round in 0..races() {
            let nodes: Vec<_> = (0..6).map(|_| app.another_node()).collect();
            let failures = nodes.iter().map(async |(node, router)| {
                assert_eq!(guess.of_node(router).from("192.0.2.7").get("/Users").await.status, 401);
                let call = app.call();
                let attempt = Attempts::one(None, call.now);
                let (noted, told, ()) = tokio::join!(
                    secrets::note_failures(&node.db, &shown, By::Program, &attempt, &call),
                    node.note_failures(),
                    node.settle()
                );
                noted.and(told).unwrap();
            });
            futures_util::future::join_all(failures).await;
            all += 6;
            app.advance(QUIET);
            let told = futures_util::future::join_all(nodes.iter().map(|(node, _)| node.note_failures())).await;
            told.into_iter().collect::<Result<(), _>>().unwrap();
            assert_eq!(app.database.number("SELECT count(*) FROM failure_notes WHERE length(key) > 1").await, 0, "{round}");
        }
        app.advance(Duration::from_secs(3_600));
        app.state.note_failures().await.unwrap();
        assert_eq!((in_all(&app, &acme, SCIM).await, in_all(&app, &acme, API).await), (all, all));
    }
}
