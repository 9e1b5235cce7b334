//! Provisioning tokens: shown once, checked uniformly, revoked at once.

use std::time::Duration;

use directory::{
    Error,
    provisioning::{
        groups,
        request::{Related, Request},
        tokens, users,
    },
};
use serde_json::Value;

use crate::support::both_databases;

both_databases! {
    async fn whatever_is_wrong_with_a_token_the_answer_has_the_same_bytes(app) {
        let (acme, globex, off) = (app.org("Acme").await, app.org("Globex").await, app.org("Off").await);
        app.owner(&off).await.call("disable_scim", &[("org", "off")]).await;
        let idp = app.idp(&acme);
        let revoked = app.issue_token(&acme, "Revoked").await;
        let revoked_id = revoked["token"]["id"].as_str().unwrap();
        app.owner(&acme).await.call("revoke_token", &[("org", "acme"), ("token", revoked_id)]).await;
        // A well-formed token that nobody issued: another organisation's id with a right checksum.
        let mut unknown = acme.token.clone();
        let flipped = if unknown.as_bytes()[40] == b'A' { "B" } else { "A" };
        unknown.replace_range(40..41, flipped);
        let body = unknown[..unknown.len() - 8].to_owned();
        let unknown = format!("{body}{:08x}", crc32(body.as_bytes()));

        let bearer = |token: &str| Some(format!("Bearer {token}"));
        let acme_base = format!("/scim/{}/v2", acme.id);
        let cases: Vec<(&str, String, Option<String>)> = vec![
            ("no header", acme_base.clone(), None),
            ("empty", acme_base.clone(), Some(String::new())),
            ("another scheme", acme_base.clone(), Some(format!("Basic {}", acme.token))),
            ("malformed", acme_base.clone(), bearer("rcs_nonsense")),
            ("wrong checksum", acme_base.clone(), bearer(&with_another_end(&acme.token))),
            ("unknown", acme_base.clone(), bearer(&unknown)),
            ("revoked", acme_base.clone(), bearer(revoked["secret"].as_str().unwrap())),
            ("another organisation's", acme_base.clone(), bearer(&globex.token)),
            ("SCIM disabled", format!("/scim/{}/v2", off.id), bearer(&off.token)),
            ("unknown organisation", "/scim/0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10/v2".to_owned(), bearer(&acme.token)),
            ("malformed organisation", "/scim/acme/v2".to_owned(), bearer(&acme.token)),
            ("upper-case organisation", format!("/scim/{}/v2", acme.id.to_string().to_uppercase()), bearer(&acme.token)),
            ("encoded organisation", format!("/scim/%30{}/v2", &acme.id.to_string()[1..]), bearer(&acme.token)),
        ];
        let mut seen: Vec<(String, Vec<(String, String)>)> = vec![];
        for (case, base, authorization) in cases {
            for path in ["/Users", "/Users/0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10", "/ServiceProviderConfig"] {
                let answer = idp.at(&base).with_authorization(authorization.as_deref()).get(path).await;
                assert_eq!(answer.status, 401, "{case} {path}: {}", answer.text);
                let mut headers: Vec<_> = answer.headers.iter().filter(|(name, _)| *name != "x-request-id").map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
                headers.sort();
                assert!(headers.contains(&("www-authenticate".to_owned(), "Bearer realm=\"scim\"".to_owned())), "{case}");
                seen.push((answer.text, headers));
            }
            // The limit on failures has tests of its own.
            app.state.forget_failures();
        }
        // And once it has expired.
        app.advance(Duration::from_secs(366 * 86_400));
        let answer = idp.get("/Users").await;
        assert_eq!((answer.status, &answer.text), (401, &seen[0].0));
        seen.dedup();
        assert_eq!(seen.len(), 1, "{seen:?}");
    }

    async fn nothing_below_scim_answers_without_a_token(app) {
        let acme = app.org("Acme").await;
        let stranger = app.idp(&acme).with_authorization(None);
        for path in ["/Users", "/Users/", "/users", "/Groups", "/Me", "/Bulk", "/Schemas", "/ResourceTypes", "/ServiceProviderConfig", "/nothing", "", "/", "//Users", "/%55sers", "/..;/Users", "/Users/../Users"] {
            for method in [http::Method::GET, http::Method::POST, http::Method::PUT, http::Method::PATCH, http::Method::DELETE] {
                let answer = stranger.send(method.clone(), path, Some("{}".to_owned()), "application/scim+json").await;
                assert_eq!(answer.status, 401, "{method} {path}: {}", answer.text);
                app.state.forget_failures();
            }
        }
        let known = app.idp(&acme);
        assert_eq!(known.get("/nothing").await.status, 404);
        assert_eq!(known.send(http::Method::PUT, "/Users", Some("{}".to_owned()), "application/scim+json").await.status, 405);
        assert_eq!(known.post("/ServiceProviderConfig", Value::Null).await.status, 405);
    }

    async fn a_valid_token_always_passes_however_its_address_behaved(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let mut statuses = vec![];
        for _ in 0..40 {
            statuses.push(idp.with_authorization(Some("Bearer rcs_guess")).get("/Users").await.status);
        }
        assert_eq!(statuses[0], 401);
        assert_eq!(statuses[39], 429);
        let limited = idp.with_authorization(None).get("/Users").await;
        assert_eq!((limited.status, limited.headers["retry-after"].to_str().unwrap().parse::<u32>().is_ok()), (429, true));
        assert_eq!(idp.get("/Users").await.status, 200);
    }

    async fn the_word_bearer_may_be_doubled_or_missing(app) {
        let acme = app.org("Acme").await;
        let token = &acme.token;
        for header in [token.clone(), format!("Bearer Bearer {token}"), format!("bearer {token}")] {
            assert_eq!(app.idp(&acme).with_authorization(Some(&header)).get("/Users").await.status, 200, "{header}");
        }
    }

    async fn a_token_is_shown_once_and_never_stored(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let answer = owner.call("issue_token", &[("org", "acme"), ("name", "Okta"), ("lifetime", "year")]).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        let secret = answer.json["secret"].as_str().unwrap();
        assert_eq!(answer.json["token"]["hint"].as_str().unwrap(), &secret[secret.len() - 4..]);
        assert_eq!(app.idp(&acme).with_authorization(Some(&format!("Bearer {secret}"))).get("/Users").await.status, 200);

        let page = owner.get("/o/acme/settings/security").await;
        assert_eq!((page.status, page.header("cache-control")), (200, Some("no-store")));
        let listed = owner.call("security", &[("org", "acme")]).await;
        // The part that is secret: between the public id and the checksum.
        let core = &secret[37..80];
        for (place, text) in [("the page", &page.text), ("the list", &listed.text)] {
            assert!(!text.contains(core), "the secret stands in {place}");
        }
        assert_eq!(listed.json["tokens"].as_array().unwrap().len(), 2);
    }

    async fn two_tokens_are_live_at_most_and_a_revoked_one_is_refused_at_once(app) {
        let acme = app.org("Acme").await;
        let second = app.issue_token(&acme, "Okta").await;
        let owner = app.owner(&acme).await;
        let third = owner.call("issue_token", &[("org", "acme"), ("name", "Entra"), ("lifetime", "year")]).await;
        assert_eq!(third.status, 409, "{}", third.text);

        let id = second["token"]["id"].as_str().unwrap();
        let idp = app.idp(&acme).with_authorization(Some(&format!("Bearer {}", second["secret"].as_str().unwrap())));
        assert_eq!(idp.get("/Users").await.status, 200);
        assert_eq!(owner.call("revoke_token", &[("org", "acme"), ("token", id)]).await.status, 200);
        assert_eq!(idp.get("/Users").await.status, 401);
        assert_eq!(owner.call("revoke_token", &[("org", "acme"), ("token", id)]).await.status, 200, "again is harmless");
        assert_eq!(owner.call("issue_token", &[("org", "acme"), ("name", "Entra"), ("lifetime", "year")]).await.status, 200);
    }

    /// The token comes before the body, and a body can be made last.
    async fn a_request_that_was_under_way_when_its_token_was_revoked_changes_nothing(app) {
        let acme = app.org("Acme").await;
        let person = app.provision(&acme, "mira@acme.test").await;
        let (db, call) = (&app.state.db, app.call());
        let caller = tokens::authenticate(db, &acme.id.to_string(), Some(&format!("Bearer {}", acme.token)), &call).await.unwrap();
        app.owner(&acme).await.call("revoke_token", &[("org", "acme"), ("token", &caller.token.to_string())]).await;
        let preconditions = scim::Preconditions::default();
        let request = Request {
            db,
            caller: &caller,
            base_url: "https://id.rollcall.test/scim",
            related: Related::default(),
            preconditions: &preconditions,
            mail_delay: Duration::ZERO,
            call: &call,
        };
        let id = person.id.parse().unwrap();
        let active = scim::PatchRequest::parse(&serde_json::json!({ "Operations": crate::support::patch_active(false) })).unwrap();
        let body = serde_json::json!({ "userName": "ben", "displayName": "Ben" });
        let before = app.database.rows("SELECT * FROM scim_users").await;
        for refused in [
            users::create(request, &body).await.map(drop),
            users::replace(request, id, &body).await.map(drop),
            users::patch(request, id, &active).await.map(drop),
            users::delete(request, id).await,
            groups::create(request, &body).await.map(drop),
        ] {
            assert!(matches!(refused, Err(Error::Unauthenticated)), "{refused:?}");
        }
        assert_eq!(app.database.rows("SELECT * FROM scim_users").await, before);
        assert_eq!(app.database.number("SELECT count(*) FROM scim_groups").await, 0);
    }

    async fn a_lost_token_is_replaced_in_one_step(app) {
        let acme = app.org("Acme").await;
        let lost = app.issue_token(&acme, "Okta").await;
        let owner = app.owner(&acme).await;
        let answer = owner.call("reissue_token", &[("org", "acme"), ("token", lost["token"]["id"].as_str().unwrap())]).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.json["token"]["name"], "Okta");
        let status = async |secret: &Value| app.idp(&acme).with_authorization(Some(&format!("Bearer {}", secret.as_str().unwrap()))).get("/Users").await.status;
        assert_eq!(status(&lost["secret"]).await, 401);
        assert_eq!(status(&answer.json["secret"]).await, 200);
    }

    async fn what_is_wrong_with_a_new_token_is_said_at_its_field(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let unnamed = owner.call("issue_token", &[("org", "acme"), ("name", " "), ("lifetime", "year")]).await;
        assert_eq!((unnamed.status, &unnamed.json["Invalid"]["field"]), (422, &"name".into()));
        let forever = owner.call("issue_token", &[("org", "acme"), ("name", "Okta"), ("lifetime", "forever")]).await;
        assert_eq!((forever.status, &forever.json["Invalid"]["field"]), (422, &"lifetime".into()));
    }

    /// An operator may delete one, who switches off what keeps the application from it: docs/operating.md.
    async fn a_deleted_organisations_token_ends_with_it(app) {
        let acme = app.org("Acme").await;
        assert_eq!(app.idp(&acme).get("/Users").await.status, 200);
        app.database.try_run("DELETE FROM organizations WHERE slug = 'acme'").await.unwrap_err();
        let off = match app.state.db.is_postgres() {
            true => "ALTER TABLE organizations DISABLE TRIGGER organizations_remain; ALTER TABLE scim_tokens DISABLE TRIGGER scim_tokens_remain",
            false => "DROP TRIGGER organizations_remain; DROP TRIGGER scim_tokens_remain",
        };
        app.database.try_run(off).await.unwrap();
        app.database.try_run("DELETE FROM organizations WHERE slug = 'acme'").await.unwrap();
        assert_eq!(app.idp(&acme).get("/Users").await.status, 401);
        assert_eq!(app.database.number("SELECT count(*) FROM scim_tokens").await, 0);
    }

    async fn disabling_scim_ends_its_tokens_and_nobodys_access(app) {
        let acme = app.org("Acme").await;
        let (_, mira) = app.join(&acme, "mira@acme.test").await;
        let owner = app.owner(&acme).await;
        assert_eq!(owner.call("disable_scim", &[("org", "acme")]).await.status, 200);
        assert_eq!(app.idp(&acme).get("/Users").await.status, 401);
        assert_eq!(mira.get("/o/acme/members").await.status, 200);
        assert_eq!(owner.call("enable_scim", &[("org", "acme")]).await.status, 200);
        assert_eq!(app.idp(&acme).get("/Users").await.status, 401, "what was ended stays ended");
        let rows: Vec<_> = app.audit(&acme).await.into_iter().map(|row| (row.action, row.details)).collect();
        assert!(rows.contains(&("scim.disabled".to_owned(), vec!["tokens revoked: 1".to_owned()])), "{rows:?}");
        assert_eq!(rows.iter().filter(|(action, _)| action == "token.revoked").count(), 1);
        let told = app.alerts().await;
        assert!(told.contains(&(acme.owner_email.clone(), "Acme: SCIM was disabled".to_owned())), "{told:?}");
        let token = app.issue_token(&acme, "Okta").await["secret"].as_str().unwrap().to_owned();
        assert_eq!(app.idp(&acme).with_authorization(Some(&format!("Bearer {token}"))).get("/Users").await.status, 200);
    }
}

/// CRC-32 as in zlib, written here so that the test does not trust the code that it tests.
pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xEDB8_8320 } else { crc >> 1 })
    })
}

/// The token with another character at `at`, and the checksum that belongs to it.
pub fn altered(token: &str, at: usize) -> String {
    let mut body = token[..token.len() - 8].to_owned();
    let other = if &body[at..=at] == "a" { "b" } else { "a" };
    body.replace_range(at..=at, other);
    format!("{body}{:08x}", crc32(body.as_bytes()))
}

fn with_another_end(token: &str) -> String {
    let (rest, last) = token.split_at(token.len() - 1);
    format!("{rest}{}", if last == "0" { "1" } else { "0" })
}
