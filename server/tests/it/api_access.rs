//! Access without a browser: a device is let in by a person, its tokens are renewed, services ask about them, and each ends when it
//! should (RFC 8628, 6749, 9700, 7009, 7662).

use std::time::Duration;

use domain::OrgRole;
use http::header;
use serde_json::json;

use crate::support::{Client, DEVICE_GRANT, Tokens, both_databases};

const CLI: &str = "rollcall-cli";

/// Names and values.
type Form<'a> = &'a [(&'a str, &'a str)];

both_databases! {
    async fn a_device_is_let_in_by_a_person_who_types_its_code(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let client = app.client();
        let asked = client.ask(CLI).await;
        assert_eq!(asked.field("verification_uri"), "https://id.rollcall.test/device");
        assert_eq!((asked.json["expires_in"].as_u64(), asked.json["interval"].as_u64()), (Some(600), Some(5)));
        let (device_code, user_code) = (asked.field("device_code"), asked.field("user_code"));
        assert!(device_code.starts_with("rcd_") && asked.headers[header::CACHE_CONTROL] == "no-store", "{}", asked.text);

        assert_eq!(client.redeem(CLI, &device_code).await.error(), (400, "authorization_pending"));
        // However it is typed.
        let typed = user_code.to_lowercase().replace('-', " ");
        let seen = browser.call("device_request", &[("org", &acme.slug), ("user_code", &typed)]).await;
        assert_eq!((seen.status, &seen.json["client"]), (200, &"Rollcall on the command line".into()), "{}", seen.text);
        assert_eq!(browser.call("approve_device", &[("org", &acme.slug), ("user_code", &typed)]).await.status, 200);

        let tokens = Tokens::of(&client.redeem(CLI, &device_code).await);
        let me = client.get("/api/v1/me", &tokens.access).await;
        assert_eq!((me.status, &me.json["name"], &me.json["role"]), (200, &"mira Olsen".into(), &"member".into()), "{}", me.text);
        assert_eq!(me.json["org"]["slug"], "acme");
        // The code is used up, for the device and for people.
        assert_eq!(client.redeem(CLI, &device_code).await.error(), (400, "invalid_grant"));
        assert_eq!(browser.call("approve_device", &[("org", &acme.slug), ("user_code", &user_code)]).await.status, 404);
        let said: Vec<_> = app.audit(&acme).await.into_iter().map(|row| row.action).collect();
        assert!(said.contains(&"device.approved".to_owned()) && said.contains(&"api_session.began".to_owned()), "{said:?}");
    }

    async fn a_device_that_is_turned_away_or_too_late_or_hurried_is_told_so(app) {
        let acme = app.org("Acme").await;
        let (owner, client) = (app.owner(&acme).await, app.client());
        let no = client.ask(CLI).await;
        assert_eq!(owner.call("deny_device", &[("org", &acme.slug), ("user_code", &no.field("user_code"))]).await.status, 200);
        assert_eq!(client.redeem(CLI, &no.field("device_code")).await.error(), (400, "access_denied"));
        assert_eq!(client.redeem(CLI, &no.field("device_code")).await.error(), (400, "invalid_grant"));

        let hurried = client.ask(CLI).await.field("device_code");
        assert_eq!(client.redeem(CLI, &hurried).await.error(), (400, "authorization_pending"));
        app.advance(Duration::from_secs(4));
        assert_eq!(client.redeem(CLI, &hurried).await.error(), (400, "slow_down"));
        // Ten seconds from now on.
        app.advance(Duration::from_secs(9));
        assert_eq!(client.redeem(CLI, &hurried).await.error(), (400, "slow_down"));
        app.advance(Duration::from_secs(15));
        assert_eq!(client.redeem(CLI, &hurried).await.error(), (400, "authorization_pending"));

        let late = client.ask(CLI).await;
        app.advance(Duration::from_secs(600));
        assert_eq!(client.redeem(CLI, &late.field("device_code")).await.error(), (400, "expired_token"));
        assert_eq!(owner.call("approve_device", &[("org", &acme.slug), ("user_code", &late.field("user_code"))]).await.status, 404);
    }

    async fn what_is_no_request_of_ours_is_refused_in_the_words_of_the_standard(app) {
        let acme = app.org("Acme").await;
        let (owner, client) = (app.owner(&acme).await, app.client());
        let tokens = app.let_in(&acme, &owner, CLI).await;
        let pending = client.ask(CLI).await.field("device_code");
        let wrong: [(&str, Form<'_>, &str); 13] = [
            ("device_authorization", &[], "invalid_request"),
            ("device_authorization", &[("client_id", "")], "invalid_request"),
            ("device_authorization", &[("client_id", "somebody-else")], "invalid_client"),
            ("device_authorization", &[("client_id", "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10")], "invalid_client"),
            ("device_authorization", &[("client_id", CLI), ("scope", "owner")], "invalid_scope"),
            ("device_authorization", &[("client_id", CLI), ("client_id", CLI)], "invalid_request"),
            ("token", &[("client_id", CLI)], "invalid_request"),
            ("token", &[("grant_type", "password"), ("client_id", CLI), ("username", "a"), ("password", "b")], "unsupported_grant_type"),
            ("token", &[("grant_type", "refresh_token"), ("client_id", CLI)], "invalid_request"),
            ("token", &[("grant_type", "refresh_token"), ("client_id", CLI), ("refresh_token", "rcr_x")], "invalid_grant"),
            // One kind of secret is not taken for another.
            ("token", &[("grant_type", "refresh_token"), ("client_id", CLI), ("refresh_token", &tokens.access)], "invalid_grant"),
            ("token", &[("grant_type", DEVICE_GRANT), ("client_id", CLI), ("device_code", &tokens.refresh)], "invalid_grant"),
            ("token", &[("grant_type", DEVICE_GRANT), ("client_id", "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10"), ("device_code", &pending)], "invalid_grant"),
        ];
        for (endpoint, fields, code) in wrong {
            let answer = client.form(endpoint, fields, None).await;
            assert_eq!(answer.error(), (400, code), "{endpoint} {fields:?}");
            assert!(answer.json["error_description"].as_str().is_some_and(|text| !text.is_empty()));
            assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
        }
        let get = http::Request::get("/oauth/token").body(axum::body::Body::empty()).unwrap();
        assert_eq!(client.send(get).await.error(), (405, "method_not_allowed"));
        assert_eq!(client.get("/api/v1/nothing", &tokens.access).await.error(), (404, "not_found"));
        // Nothing of it harmed the tokens.
        assert_eq!(client.get("/api/v1/me", &tokens.access).await.status, 200);
    }

    async fn a_refresh_token_works_once_and_a_second_time_ends_its_whole_session(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let client = app.client();
        let other = app.let_in(&acme, &browser, CLI).await;
        let first = app.let_in(&acme, &browser, CLI).await;
        app.advance(Duration::from_secs(600));
        assert_eq!(client.get("/api/v1/me", &first.access).await.error(), (401, "invalid_token"), "ten minutes are over");
        let second = Tokens::of(&client.refresh(CLI, &first.refresh).await);
        assert_eq!(client.get("/api/v1/me", &second.access).await.status, 200);

        assert_eq!(client.refresh(CLI, &first.refresh).await.error(), (400, "invalid_grant"));
        assert_eq!(client.get("/api/v1/me", &second.access).await.status, 401, "whoever had the copy may have had the next ones, too");
        assert_eq!(client.refresh(CLI, &second.refresh).await.error(), (400, "invalid_grant"));
        let replayed: Vec<_> = app.audit(&acme).await.into_iter().filter(|row| row.action == "api_session.replayed").collect();
        assert_eq!(replayed.len(), 1, "{replayed:?}");
        // Her other session is another family.
        assert_eq!(client.refresh(CLI, &other.refresh).await.status, 200);
    }

    async fn a_refresh_token_asks_for_no_more_than_was_approved_and_is_its_clients_alone(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let agent = app.agent(&acme, "Scout", &[OrgRole::Owner]).await;
        let client = app.client();
        let asked = client.form("device_authorization", &[("client_id", CLI), ("scope", "profile")], None).await;
        owner.call("approve_device", &[("org", &acme.slug), ("user_code", &asked.field("user_code"))]).await;
        let tokens = Tokens::of(&client.redeem(CLI, &asked.field("device_code")).await);
        assert_eq!(client.get("/api/v1/agents", &tokens.access).await.error(), (403, "insufficient_scope"));
        let more = [("grant_type", "refresh_token"), ("client_id", CLI), ("refresh_token", tokens.refresh.as_str()), ("scope", "profile agents")];
        assert_eq!(client.form("token", &more, None).await.error(), (400, "invalid_scope"));
        assert_eq!(client.refresh(&agent, &tokens.refresh).await.error(), (400, "invalid_grant"));
        let next = client.refresh(CLI, &tokens.refresh).await;
        assert_eq!((next.status, next.field("scope")), (200, "profile".to_owned()));

        // Less than was approved is less, and only for that token (RFC 6749 §6).
        let all = app.let_in(&acme, &owner, CLI).await;
        assert_eq!(client.get("/api/v1/agents", &all.access).await.status, 200);
        let less = [("grant_type", "refresh_token"), ("client_id", CLI), ("refresh_token", all.refresh.as_str()), ("scope", "profile")];
        let less = client.form("token", &less, None).await;
        assert_eq!(less.field("scope"), "profile");
        let less = Tokens::of(&less);
        assert_eq!(client.get("/api/v1/agents", &less.access).await.error(), (403, "insufficient_scope"));
        assert_eq!(client.get("/api/v1/me", &less.access).await.status, 200);
        let again = Tokens::of(&client.refresh(CLI, &less.refresh).await);
        assert_eq!(client.get("/api/v1/agents", &again.access).await.status, 200);
    }

    async fn a_token_ends_when_its_client_or_its_person_says_so(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let client = app.client();
        let tokens = app.let_in(&acme, &browser, CLI).await;
        assert_eq!(client.form("revoke", &[("token", &tokens.access)], None).await.status, 200);
        assert_eq!(client.get("/api/v1/me", &tokens.access).await.status, 401);
        let tokens = Tokens::of(&client.refresh(CLI, &tokens.refresh).await);
        assert_eq!(client.form("revoke", &[("token", &tokens.refresh)], None).await.status, 200);
        assert_eq!(client.get("/api/v1/me", &tokens.access).await.status, 401);
        assert_eq!(client.refresh(CLI, &tokens.refresh).await.error(), (400, "invalid_grant"));
        // What is not there has ended (RFC 7009 §2.2).
        for token in [tokens.refresh.as_str(), "nothing of ours"] {
            assert_eq!(client.form("revoke", &[("token", token), ("token_type_hint", "refresh_token")], None).await.status, 200);
        }

        let tokens = app.let_in(&acme, &browser, CLI).await;
        let personal = app.personal_token(&acme, &browser).await;
        assert_eq!(client.get("/api/v1/me", &personal).await.status, 200);
        let mine = browser.call("api_access", &[("org", &acme.slug)]).await;
        let (session, token) = (&mine.json["sessions"][0]["id"], &mine.json["personal_tokens"][0]["id"]);
        // Nobody else ends them, and nobody else sees them.
        let ben = app.join(&acme, "ben@acme.test").await.1;
        let end = [("org", acme.slug.as_str()), ("session", session.as_str().unwrap())];
        let revoke = [("org", acme.slug.as_str()), ("token", token.as_str().unwrap())];
        assert_eq!((ben.call("end_api_session", &end).await.status, ben.call("revoke_personal_token", &revoke).await.status), (404, 404));
        assert_eq!(ben.call("api_access", &[("org", &acme.slug)]).await.json["sessions"], json!([]));
        assert_eq!(browser.call("end_api_session", &end).await.status, 200);
        assert_eq!(client.get("/api/v1/me", &tokens.access).await.status, 401);
        assert_eq!(browser.call("revoke_personal_token", &revoke).await.status, 200);
        assert_eq!(client.get("/api/v1/me", &personal).await.status, 401);

        let tokens = app.let_in(&acme, &browser, CLI).await;
        let member = app.member_id(&acme, "mira@acme.test").await;
        assert_eq!(app.owner(&acme).await.call("end_sessions", &[("org", &acme.slug), ("member", &member)]).await.status, 200);
        assert_eq!(client.refresh(CLI, &tokens.refresh).await.error(), (400, "invalid_grant"));
    }

    /// One organisation's service learns nothing of another's people, and nothing of why a token is not good.
    async fn a_service_is_told_of_its_own_organisation_alone(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let client = app.client();
        let (tokens, personal) = (app.let_in(&acme, &browser, CLI).await, app.personal_token(&acme, &browser).await);
        let (ours, theirs) = (app.service_credential(&acme).await, app.service_credential(&globex).await);
        let agent = app.agent(&acme, "Scout", &[OrgRole::Member]).await;

        let found = client.introspect(&ours, &tokens.access).await;
        assert_eq!((&found.json["active"], &found.json["role"], &found.json["client_id"]), (&true.into(), &"member".into(), &CLI.into()), "{}", found.text);
        assert_eq!((&found.json["agents"][0]["name"], &found.json["org"]["slug"]), (&"Scout".into(), &"acme".into()));
        assert_eq!(found.json["exp"].as_i64().unwrap() - found.json["iat"].as_i64().unwrap(), 600);
        assert_eq!(found.json["sub"], client.introspect(&ours, &personal).await.json["sub"], "one person, one name");
        assert_eq!(client.decide(&ours, &agent, &tokens.access).await.json["allowed"], true);

        let expired = app.let_in(&acme, &browser, CLI).await.access;
        let revoked = app.let_in(&acme, &browser, CLI).await.access;
        client.form("revoke", &[("token", &revoked)], None).await;
        app.advance(Duration::from_secs(601));
        let unknown = format!("{}{}", &personal[..personal.len() - 8], "00000000");
        // The right id and another secret, with the checksum that goes with it.
        let forged = |token: &str| {
            let body = format!("{}{}", &token[..37], "A".repeat(43));
            format!("{body}{:08x}", crate::tokens::crc32(body.as_bytes()))
        };
        let (guessed, guessed_personal) = (forged(&app.let_in(&acme, &browser, CLI).await.access), forged(&personal));
        assert_eq!(client.get("/api/v1/me", &guessed_personal).await.error(), (401, "invalid_token"));
        assert_eq!(client.refresh(CLI, &forged(&app.let_in(&acme, &browser, CLI).await.refresh)).await.error(), (400, "invalid_grant"));
        assert_eq!(client.introspect(&forged(&ours), &personal).await.error(), (401, "invalid_client"));
        let foreign = app.personal_token(&globex, &app.owner(&globex).await).await;
        let nothing = client.introspect(&ours, "x").await;
        assert_eq!((nothing.status, nothing.text.as_str()), (200, r#"{"active":false}"#));
        for (credential, token) in [(&ours, &expired), (&ours, &revoked), (&ours, &unknown), (&ours, &guessed), (&ours, &guessed_personal), (&ours, &tokens.refresh), (&ours, &foreign), (&ours, &ours), (&ours, &acme.token), (&theirs, &personal)] {
            let answer = client.introspect(credential, token).await;
            assert_eq!((answer.status, &answer.text), (200, &nothing.text), "{token}");
            let decision = client.decide(credential, &agent, token).await;
            assert_eq!((decision.status, decision.text.as_str()), (200, r#"{"allowed":false}"#), "{token}");
        }
        assert_eq!(client.introspect(&ours, &personal).await.json["active"], true);
    }

    async fn a_service_proves_itself_by_a_credential_that_has_not_been_revoked(app) {
        let acme = app.org("Acme").await;
        let (owner, client) = (app.owner(&acme).await, app.client());
        let credential = app.service_credential(&acme).await;
        let (token, id) = (app.personal_token(&acme, &owner).await, owner.call("service_credentials", &[("org", &acme.slug)]).await.json[0]["id"].as_str().unwrap().to_owned());
        let basic = |name: &str, secret: &str| {
            use base64::{Engine, engine::general_purpose::STANDARD};
            format!("Basic {}", STANDARD.encode(format!("{name}:{secret}")))
        };
        let ask = async |authorization: Option<&str>| client.form("introspect", &[("token", &token)], authorization).await;
        for good in [basic(&id, &credential), basic("", &credential), format!("bearer {credential}")] {
            assert_eq!(ask(Some(&good)).await.json["active"], true, "{good}");
        }
        let other = "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10";
        for bad in [None, Some(basic(other, &credential)), Some(basic(&id, "x")), Some(format!("Bearer {token}")), Some(format!("Bearer {}", acme.token)), Some("Basic %%%".to_owned())] {
            let answer = ask(bad.as_deref()).await;
            assert_eq!(answer.error(), (401, "invalid_client"), "{bad:?}");
            assert!(answer.headers[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("Basic"), "{bad:?}");
        }
        assert_eq!(owner.call("revoke_service_credential", &[("org", &acme.slug), ("credential", &id)]).await.status, 200);
        assert_eq!(ask(Some(&format!("Bearer {credential}"))).await.error(), (401, "invalid_client"));
    }

    /// Until the old one has retired both work, so that a service is given the new one without a gap.
    async fn a_rotated_credential_stops_when_it_was_said_to(app) {
        let acme = app.org("Acme").await;
        let client = app.client();
        let token = app.personal_token(&acme, &app.owner(&acme).await).await;
        let works = async |credential: &str| match client.introspect(credential, &token).await.status {
            200 => true,
            401 => false,
            other => panic!("{other}"),
        };
        let hint = |secret: &str| secret[secret.len() - 4..].to_owned();
        let hours = |hours: u64| Duration::from_secs(3_600 * hours);
        for (retire, after) in [("at_once", hours(0)), ("hour", hours(1)), ("day", hours(24)), ("week", hours(24 * 7))] {
            let (old, owner) = (app.service_credential(&acme).await, app.owner(&acme).await);
            let listed = async || owner.call("service_credentials", &[("org", &acme.slug)]).await.json.as_array().unwrap().clone();
            let id = listed().await[0]["id"].as_str().unwrap().to_owned();
            let rotate = async |retire: &str| owner.call("rotate_service_credential", &[("org", &acme.slug), ("credential", &id), ("retire", retire)]).await;
            assert!(works(&old).await);
            assert_eq!(rotate("tomorrow").await.status, 422);
            app.advance(Duration::from_secs(1));
            let rotated = rotate(retire).await;
            assert_eq!((rotated.status, &rotated.json["credential"]["name"]), (200, &"Gateway".into()), "{}", rotated.text);
            assert_eq!(rotated.header("cache-control"), Some("no-store"));
            let new = rotated.json["secret"].as_str().unwrap().to_owned();
            assert!(works(&new).await && new != old);
            let row = app.audit(&acme).await.into_iter().find(|row| row.action == "service_credential.rotated").unwrap();
            assert_eq!(row.details[..2], [format!("ends in: {}", hint(&new)), format!("in place of the one that ends in: {}", hint(&old))]);
            let retiring: Vec<_> = listed().await.iter().map(|credential| credential["retires_at"].is_i64()).collect();
            if retire == "at_once" {
                assert!(!works(&old).await && retiring == [false]);
                assert_eq!(rotate(retire).await.status, 404, "it does not work any more");
            } else {
                assert_eq!(retiring, [false, true]);
                assert_eq!(rotate("at_once").await.status, 409, "another was issued in its place already");
                app.advance(after - Duration::from_secs(1));
                assert!(works(&old).await, "{retire}");
                app.advance(Duration::from_secs(1));
                assert!(!works(&old).await && works(&new).await, "{retire}");
            }
            app.database.try_run("DELETE FROM service_credentials").await.unwrap();
        }
    }

    /// Revoked before its time is over, it stops then.
    async fn a_credential_that_retires_can_be_revoked_before(app) {
        let acme = app.org("Acme").await;
        let (owner, client) = (app.owner(&acme).await, app.client());
        let (token, old) = (app.personal_token(&acme, &owner).await, app.service_credential(&acme).await);
        let id = owner.call("service_credentials", &[("org", &acme.slug)]).await.json[0]["id"].as_str().unwrap().to_owned();
        let of = [("org", acme.slug.as_str()), ("credential", id.as_str())];
        assert_eq!(owner.call("rotate_service_credential", &[&of[..], &[("retire", "week")]].concat()).await.status, 200);
        assert_eq!(client.introspect(&old, &token).await.status, 200);
        assert_eq!(owner.call("revoke_service_credential", &of).await.status, 200);
        assert_eq!(client.introspect(&old, &token).await.status, 401);
    }

    /// Law 9. A token opens what its person may use at this moment.
    async fn what_a_token_opens_changes_with_her_groups_at_once(app) {
        let acme = app.org("Acme").await;
        let (person, browser) = app.join(&acme, "mira@acme.test").await;
        let (owner, client) = (app.owner(&acme).await, app.client());
        app.team(&acme, "Platform").await;
        let agent = app.agent(&acme, "Scout", &[]).await;
        app.agent_for_team(&acme, "Scout", "Platform").await;
        let group = app.group(&acme, "Engineering", &[&person.id]).await;
        let credential = app.service_credential(&acme).await;
        let tokens = app.let_in(&acme, &browser, CLI).await;
        let agents = async || client.get("/api/v1/agents", &tokens.access).await.json["agents"].as_array().unwrap().len();
        assert_eq!((agents().await, client.decide(&credential, &agent, &tokens.access).await.json["allowed"].as_bool()), (0, Some(false)));
        // An agent that she may not use is not let in for her.
        let asked = client.ask(&agent).await;
        assert_eq!(browser.call("approve_device", &[("org", &acme.slug), ("user_code", &asked.field("user_code"))]).await.status, 403);

        let team = app.team_id(&acme, "Platform").await;
        let create = [("org", acme.slug.as_str()), ("action", "create"), ("group", &group), ("target", &format!("team:{team}:member"))];
        let plan = owner.call("preview_mapping", &create).await.json["hash"].as_str().unwrap().to_owned();
        assert_eq!(owner.call("apply_mapping", &[&create[..], &[("plan", &plan)]].concat()).await.status, 200);
        assert_eq!((agents().await, client.decide(&credential, &agent, &tokens.access).await.json["allowed"].as_bool()), (1, Some(true)));
        let of_agent = app.let_in(&acme, &browser, &agent).await;
        let found = client.introspect(&credential, &of_agent.access).await;
        assert_eq!((&found.json["active"], &found.json["client_id"]), (&true.into(), &agent.as_str().into()), "{}", found.text);

        let out = json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", person.id) }]);
        assert_eq!(app.idp(&acme).patch(&format!("/Groups/{group}"), out).await.status, 204);
        assert_eq!((agents().await, client.decide(&credential, &agent, &tokens.access).await.json["allowed"].as_bool()), (0, Some(false)));
        // The agent's own token was as good as her leave to use it.
        assert_eq!(client.introspect(&credential, &of_agent.access).await.text, r#"{"active":false}"#);
        assert_eq!(client.refresh(&agent, &of_agent.refresh).await.error(), (400, "invalid_grant"));
    }

    /// An agent of one organisation is nobody in another, even where somebody types its code.
    async fn an_agents_request_is_answered_in_its_own_organisation_alone(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let agent = app.agent(&globex, "Scout", &[OrgRole::Owner]).await;
        let (ours, theirs, client) = (app.owner(&acme).await, app.owner(&globex).await, app.client());
        let asked = client.ask(&agent).await;
        let code = asked.field("user_code");
        for function in ["device_request", "approve_device", "deny_device"] {
            assert_eq!(ours.call(function, &[("org", "acme"), ("user_code", &code)]).await.status, 404, "{function}");
        }
        assert_eq!(client.redeem(&agent, &asked.field("device_code")).await.error(), (400, "authorization_pending"));
        assert_eq!(theirs.call("approve_device", &[("org", "globex"), ("user_code", &code)]).await.status, 200);
        Tokens::of(&client.redeem(&agent, &asked.field("device_code")).await);
        // Nor does one find out by trying: guesses are few.
        let guesses = async || ours.call("device_request", &[("org", "acme"), ("user_code", "BBBB-BBBB")]).await.status;
        for round in 0..27 {
            assert_eq!(guesses().await, 404);
            if round == 20 {
                // Anybody can come by a good code: it makes up for no bad one.
                let good = client.ask(CLI).await.field("user_code");
                assert_eq!(ours.call("device_request", &[("org", "acme"), ("user_code", &good)]).await.status, 200);
            }
        }
        assert_eq!(guesses().await, 429);
    }

    async fn a_client_can_find_out_about_us_by_itself(app) {
        let found = app.client().get("/.well-known/oauth-authorization-server", "").await;
        assert_eq!((found.status, found.field("issuer")), (200, "https://id.rollcall.test".to_owned()));
        assert_eq!(found.json["grant_types_supported"], json!([DEVICE_GRANT, "refresh_token"]));
        for name in ["device_authorization", "token", "revocation", "introspection"] {
            let address = found.field(&format!("{name}_endpoint"));
            let path = address.strip_prefix("https://id.rollcall.test/oauth/").unwrap();
            let answer = app.client().form(path, &[], None).await;
            assert!([400, 401].contains(&answer.status), "{name}: {}", answer.text);
        }
    }

    async fn a_personal_token_needs_the_password_and_is_shown_once(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        app.advance(Duration::from_secs(900));
        let fields = [("org", acme.slug.as_str()), ("name", "Nightly"), ("lifetime", "days7"), ("scopes", "agents")];
        assert_eq!(browser.call("issue_personal_token", &fields).await.status, 403);
        let for_nothing = [("org", acme.slug.as_str()), ("name", "Nightly"), ("lifetime", "days7"), ("scopes", "")];
        assert_eq!(browser.call("issue_personal_token", &for_nothing).await.status, 422);
        let made = browser.call("issue_personal_token", &[&fields[..], &[("password", "violet tractor sings at dawn")]].concat()).await;
        let secret = made.json["secret"].as_str().unwrap().to_owned();
        assert!(secret.starts_with("rcp_") && made.header("cache-control") == Some("no-store"), "{:?}", made.headers);
        let client: Client = app.client();
        assert_eq!(client.get("/api/v1/me", &secret).await.error(), (403, "insufficient_scope"));
        assert_eq!(client.get("/api/v1/agents", &secret).await.status, 200);
        let listed = browser.call("api_access", &[("org", &acme.slug)]).await;
        assert!(!listed.text.contains(&secret) && listed.json["personal_tokens"][0]["last_used_at"].is_number(), "{}", listed.text);
        app.advance(Duration::from_secs(7 * 86_400));
        assert_eq!(client.get("/api/v1/agents", &secret).await.status, 401);
    }
}
