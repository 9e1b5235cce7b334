//! Receipts of offboardings: what ended, when, how long after the request for it had arrived, and what is to be rotated since.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use domain::{OrgRole, Timestamp};
use http::header;
use serde_json::{Value, json};
use server::router::router;

use crate::support::{Browser, Engine, Org, Page, Person, TestApp, both_databases, patch_active};

/// Every kind that a receipt counts, in its order.
const KINDS: [&str; 9] = [
    "sessions",
    "api_sessions",
    "access_tokens",
    "refresh_tokens",
    "personal_tokens",
    "device_codes",
    "activation_links",
    "manual_roles",
    "team_seats",
];

/// The ids of an organisation's receipts, newest first, as its audit log names them.
async fn receipts(app: &TestApp, org: &Org) -> Vec<String> {
    let ended = app.audit(org).await.into_iter().filter(|row| row.action == "access.ended");
    ended.map(|row| row.details.iter().find_map(|fact| fact.strip_prefix("receipt: ")).unwrap().to_owned()).collect()
}

/// The file of a receipt.
async fn file(browser: &Browser, org: &Org, id: &str) -> Page {
    browser.get(&format!("/o/{}/receipts/{id}.json", org.slug)).await
}

/// The file of the newest receipt, as the owner gets it.
async fn newest(app: &TestApp, org: &Org) -> Value {
    app.state.settle().await;
    let id = receipts(app, org).await.remove(0);
    let file = file(&app.owner(org).await, org, &id).await;
    assert_eq!(file.status, 200, "{}", file.text);
    file.json
}

fn counts(receipt: &Value) -> Vec<(&str, i64)> {
    let ended = receipt["ended"].as_array().unwrap();
    ended.iter().map(|kind| (kind["kind"].as_str().unwrap(), kind["count"].as_i64().unwrap())).collect()
}

/// An owner whom the directory manages and who has issued a token and a credential; the secrets.
async fn owner_who_issued(app: &TestApp, org: &Org) -> (Person, Browser, [String; 2]) {
    let (person, browser) = crate::owners::directory_owner(app, org, "ada@acme.test").await;
    let token = browser.call("issue_token", &[("org", &org.slug), ("name", "Okta preview"), ("lifetime", "year")]).await;
    let fields = [("org", org.slug.as_str()), ("name", "Gateway"), ("password", crate::support::PASSWORD)];
    let credential = browser.call("issue_service_credential", &fields).await;
    let secret = |page: &Page| page.json["secret"].as_str().unwrap_or_else(|| panic!("{}", page.text)).to_owned();
    (person, browser, [secret(&token), secret(&credential)])
}

/// The same server with a clock that goes on by a millisecond each time that it is read.
fn with_a_clock_that_runs(mut app: TestApp) -> TestApp {
    let ticks = Arc::new(AtomicI64::new(0));
    let now = app.state.clock.clone();
    app.state.clock = Arc::new(move || Timestamp::from_micros(now().as_micros() + 1_000 * ticks.fetch_add(1, Ordering::SeqCst)));
    app.router = router(app.state.clone());
    app
}

fn micros(text: &Value) -> i64 {
    let parsed = time::OffsetDateTime::parse(text.as_str().unwrap(), &time::format_description::well_known::Rfc3339).unwrap();
    i64::try_from(parsed.unix_timestamp_nanos() / 1_000).unwrap()
}

both_databases! {
    async fn a_receipt_tells_what_ended_and_counts_what_did_not(app) {
        let acme = app.org("Acme").await;
        let (person, browser) = app.join(&acme, "mira@acme.test").await;
        app.grant(&acme, "mira@acme.test", OrgRole::Auditor).await;
        app.let_in(&acme, &browser, "rollcall-cli").await;
        app.sign_in("mira@acme.test", crate::support::PASSWORD).await;
        let answer = app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(false)).await;
        let receipt = newest(&app, &acme).await;
        assert_eq!(counts(&receipt), KINDS.into_iter().zip([2, 1, 1, 1, 0, 0, 0, 1, 0]).collect::<Vec<_>>(), "{receipt}");
        let member = app.member_id(&acme, "mira@acme.test").await;
        assert_eq!(receipt["person"], json!({ "member": member, "name": "mira Olsen", "user_name": "mira@acme.test", "email": "mira@acme.test" }));
        assert_eq!(receipt["organisation"], json!({ "slug": "acme", "name": "Acme" }));
        assert_eq!((&receipt["cause"], &receipt["ended_by"]), (&"directory_deactivated".into(), &"Bootstrap (token)".into()));
        assert_eq!(receipt["request_id"].as_str(), answer.header("x-request-id"));
        assert_eq!((&receipt["answered"]["method"], &receipt["answered"]["status"]), (&"PATCH".into(), &200.into()));
        assert_eq!(receipt["secrets"], json!([]));
        // What the audit log counts is what the receipt counts.
        let ended = app.audit(&acme).await.into_iter().find(|row| row.action == "access.ended").unwrap();
        let audited: Vec<_> = ended.details.iter().filter_map(|fact| fact.split_once(" ended: ")).map(|(_, count)| count.parse::<i64>().unwrap()).collect();
        assert_eq!(audited, counts(&receipt).into_iter().map(|(_, count)| count).collect::<Vec<_>>());
    }

    /// It arrived, then all of it ended, then it was answered: read from the clock one after the other, not one moment for all.
    async fn a_receipt_measures_how_long_it_took(app) {
        let app = with_a_clock_that_runs(app);
        let acme = app.org("Acme").await;
        let (person, _) = app.join(&acme, "mira@acme.test").await;
        assert_eq!(app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(false)).await.status, 200);
        let receipt = newest(&app, &acme).await;
        let (arrived, ended, answered) = (micros(&receipt["arrived_at"]), micros(&receipt["ended_at"]), micros(&receipt["answered"]["at"]));
        assert!(arrived < ended && ended < answered, "{receipt}");
        assert_eq!((receipt["ended_after_micros"].as_i64(), receipt["answered"]["after_micros"].as_i64()), (Some(ended - arrived), Some(answered - arrived)));

        // Of a Bulk, it is the request that arrived, not the operation.
        let (first, second) = (app.join(&acme, "ben@acme.test").await.0, app.join(&acme, "cleo@acme.test").await.0);
        let operation = |person: &Person| json!({ "method": "DELETE", "path": format!("/Users/{}", person.id) });
        let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": [operation(&first), operation(&second)] });
        assert_eq!(app.idp(&acme).post("/Bulk", body).await.status, 200);
        app.state.settle().await;
        let owner = app.owner(&acme).await;
        let ids = receipts(&app, &acme).await;
        let (late, early) = (file(&owner, &acme, &ids[0]).await.json, file(&owner, &acme, &ids[1]).await.json);
        assert_eq!((&early["arrived_at"], &early["request_id"]), (&late["arrived_at"], &late["request_id"]));
        assert!(micros(&early["ended_at"]) < micros(&late["ended_at"]), "{early} {late}");
        assert_eq!((&late["answered"]["method"], &late["cause"]), (&"POST".into(), &"directory_deleted".into()));

        // By hand it is the request of whoever did it, and no directory's activity tells of it.
        app.join(&acme, "dora@acme.test").await;
        let member = app.member_id(&acme, "dora@acme.test").await;
        assert_eq!(owner.call("remove_member", &[("org", "acme"), ("member", &member)]).await.status, 200);
        let receipt = newest(&app, &acme).await;
        assert_eq!((&receipt["cause"], &receipt["ended_by"], &receipt["answered"]), (&"removed_by_hand".into(), &"Acme's owner".into(), &Value::Null));
        assert!(receipt["ended_after_micros"].as_i64() > Some(0), "{receipt}");
    }

    async fn each_time_that_somebody_leaves_has_one_receipt(app) {
        let acme = app.org("Acme").await;
        let (person, _) = app.join(&acme, "mira@acme.test").await;
        let (idp, path) = (app.idp(&acme), format!("/Users/{}", person.id));
        let leave = async || {
            assert_eq!(idp.patch(&path, patch_active(false)).await.status, 200);
        };
        leave().await;
        leave().await;
        assert_eq!(app.database.number("SELECT count(*) FROM offboarding_receipts").await, 1, "a repeated request ends nothing");
        app.advance(Duration::from_secs(60));
        idp.patch(&path, patch_active(true)).await;
        app.advance(Duration::from_secs(60));
        leave().await;
        assert_eq!(idp.delete(&path).await.status, 204);
        let ids = receipts(&app, &acme).await;
        assert_eq!(ids.len(), 2);
        let page = app.person(&acme, "mira@acme.test").await;
        let listed: Vec<_> = page["receipts"].as_array().unwrap().iter().map(|receipt| receipt["id"].as_str().unwrap()).collect();
        assert_eq!(listed, ids);
        // What a receipt says stays as it was: she is no user of the directory any more.
        assert_eq!(newest(&app, &acme).await["person"]["user_name"], "mira@acme.test");
    }

    async fn what_she_knows_is_listed_and_rotated_from_the_receipt(app) {
        let acme = app.org("Acme").await;
        let (ada, hers, [token, credential]) = owner_who_issued(&app, &acme).await;
        let (_, webhook) = app.endpoint(&acme, &hers, "https://events.example.test/", &[]).await;
        app.advance(Duration::from_secs(60));
        assert_eq!(app.idp(&acme).patch(&format!("/Users/{}", ada.id), patch_active(false)).await.status, 200);
        let receipt = newest(&app, &acme).await;
        let hint = |secret: &str| secret[secret.len() - 4..].to_owned();
        let told = |receipt: &Value| {
            let secrets = receipt["secrets"].as_array().unwrap().clone();
            secrets.iter().map(|secret| ["kind", "name", "hint", "state"].map(|field| secret[field].as_str().unwrap().to_owned()).join(" ")).collect::<Vec<_>>()
        };
        let as_listed = |states: [&str; 3]| {
            [
                format!("provisioning_token Okta preview {} {}", hint(&token), states[0]),
                format!("service_credential Gateway {} {}", hint(&credential), states[1]),
                format!("webhook_secret Events {} {}", hint(webhook.trim_end_matches('=')), states[2]),
            ]
        };
        assert_eq!(told(&receipt), as_listed(["live", "live", "live"]));
        // They do not end with her: that is why they are listed.
        let preview = app.idp(&acme).with_authorization(Some(&format!("Bearer {token}")));
        assert_eq!(preview.get("/Users").await.status, 200);

        let owner = app.owner(&acme).await;
        let id = |at: usize| receipt["secrets"][at]["id"].as_str().unwrap().to_owned();
        let rotated = owner.call("rotate_token", &[("org", "acme"), ("token", &id(0)), ("retire", "at_once")]).await;
        assert_eq!(rotated.status, 200, "{}", rotated.text);
        assert_eq!(preview.get("/Users").await.status, 401);
        app.state.forget_failures();
        let rotated = owner.call("rotate_service_credential", &[("org", "acme"), ("credential", &id(1)), ("retire", "hour")]).await;
        assert_eq!(rotated.status, 200, "{}", rotated.text);
        let rotated = owner.call("rotate_webhook_secret", &[("org", "acme"), ("endpoint", &id(2)), ("retire", "hour")]).await;
        assert_eq!(rotated.status, 200, "{}", rotated.text);
        assert_eq!(told(&newest(&app, &acme).await), as_listed(["replaced", "retiring", "retiring"]));
        let rotated = owner.call("rotate_webhook_secret", &[("org", "acme"), ("endpoint", &id(2)), ("retire", "at_once")]).await;
        assert_eq!(rotated.status, 200, "{}", rotated.text);
        assert_eq!(told(&newest(&app, &acme).await), as_listed(["replaced", "retiring", "replaced"]));
        app.advance(Duration::from_secs(3_600));
        let late = newest(&app, &acme).await;
        assert_eq!(told(&late), as_listed(["replaced", "replaced", "replaced"]));
        assert_eq!(micros(&late["secrets"][1]["state_at"]), app.call().now.as_micros());
        // Whoever rotated them knows the new ones, and the leaver's receipt does not hide that she knew the old.
        assert_eq!(told(&receipt).len(), told(&late).len());
    }

    /// A secret that somebody else has rotated since signs for a while: whoever was shown it knows one that works.
    async fn a_webhook_secret_that_still_signs_is_on_the_receipt(app) {
        let acme = app.org("Acme").await;
        let (ada, hers, _) = owner_who_issued(&app, &acme).await;
        let (endpoint, secret) = app.endpoint(&acme, &hers, "https://events.example.test/", &[]).await;
        let owner = app.owner(&acme).await;
        let fields = [("org", "acme"), ("endpoint", endpoint.as_str()), ("retire", "week"), ("password", crate::support::PASSWORD)];
        assert_eq!(owner.call("rotate_webhook_secret", &fields).await.status, 200);
        assert_eq!(app.idp(&acme).patch(&format!("/Users/{}", ada.id), patch_active(false)).await.status, 200);
        let known = async || newest(&app, &acme).await["secrets"][2].clone();
        let told = known().await;
        assert_eq!((told["kind"].as_str(), told["state"].as_str()), (Some("webhook_secret"), Some("retiring")));
        let text = secret.trim_end_matches('=');
        assert_eq!(told["hint"], text[text.len() - 4..]);
        let at_once = [fields[0], fields[1], ("retire", "at_once"), fields[3]];
        assert_eq!(owner.call("rotate_webhook_secret", &at_once).await.status, 200);
        assert_eq!(known().await["state"], "replaced");
    }

    async fn receipts_are_for_those_who_read_the_audit_log(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let (person, _) = app.join(&acme, "mira@acme.test").await;
        let member = app.member_id(&acme, "mira@acme.test").await;
        app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(false)).await;
        app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(true)).await;
        let id = receipts(&app, &acme).await.remove(0);
        let path = format!("/o/acme/members/{member}/receipts/{id}");
        let mira = app.sign_in("mira@acme.test", crate::support::PASSWORD).await;
        let auditor = app.member_as(&acme, "auditor@acme.test", OrgRole::Auditor).await;
        for (who, browser, status) in
            [("herself", &mira, 403), ("an auditor", &auditor, 200), ("the owner", &app.owner(&acme).await, 200), ("a stranger", &app.owner(&globex).await, 409)]
        {
            assert_eq!(browser.get(&path).await.status, status, "{who}");
            assert_eq!(file(browser, &acme, &id).await.status, status, "{who}");
            assert_eq!(browser.call("receipt", &[("org", "acme"), ("member", &member), ("receipt", &id)]).await.status, status, "{who}");
        }
        let anonymous = file(&app.browser(), &acme, &id).await;
        assert!(anonymous.redirect().is_some_and(|to| to.starts_with("/sign-in?next=")), "{}", anonymous.status);
        // Her own page says nothing of it to her, and everything to those who may know.
        let own = mira.call("person", &[("org", "acme"), ("member", &member)]).await;
        assert_eq!(own.json["receipts"], json!([]), "{}", own.text);
        assert!(!mira.get(&format!("/o/acme/members/{member}")).await.text.contains("/receipts/"));
        for page in [format!("/o/acme/members/{member}"), "/o/acme/settings/audit".to_owned()] {
            assert!(auditor.get(&page).await.text.contains(&format!("href=\"{path}\"")), "{page} leads to the receipt");
        }
        // Nor is it another member's, nor another organisation's, nor anything else's.
        let owner = app.owner(&acme).await;
        let others = app.member_id(&acme, "auditor@acme.test").await;
        assert_eq!(owner.get(&format!("/o/acme/members/{others}/receipts/{id}")).await.status, 404);
        assert_eq!(file(&app.owner(&globex).await, &globex, &id).await.status, 404);
        for name in [id.as_str(), "x.json", "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10.json", &format!("{id}.jsonx")] {
            assert_eq!(owner.get(&format!("/o/acme/receipts/{name}")).await.status, 404, "{name}");
        }
    }

    async fn a_receipt_is_a_file_and_a_page_without_secrets(app) {
        let acme = app.org("Acme").await;
        let (ada, _, secrets) = owner_who_issued(&app, &acme).await;
        app.idp(&acme).delete(&format!("/Users/{}", ada.id)).await;
        let (owner, id) = (app.owner(&acme).await, receipts(&app, &acme).await.remove(0));
        let file = file(&owner, &acme, &id).await;
        assert_eq!(file.header("content-type"), Some("application/json"));
        assert_eq!(file.header("cache-control"), Some("no-store"));
        assert_eq!(file.headers[header::CONTENT_DISPOSITION], format!("attachment; filename=\"offboarding-receipt-{id}.json\""));
        let fields: Vec<_> = file.json.as_object().unwrap().keys().map(String::as_str).collect();
        let documented = include_str!("../../../docs/receipts.md");
        for field in fields {
            assert!(documented.contains(&format!("`{field}`")), "docs/receipts.md says nothing of {field}");
        }
        for kind in KINDS {
            assert!(documented.contains(&format!("`{kind}`")), "docs/receipts.md says nothing of {kind}");
        }
        let member = app.member_id(&acme, "ada@acme.test").await;
        let page = owner.get(&format!("/o/acme/members/{member}/receipts/{id}")).await;
        assert_eq!(page.status, 200);
        for said in ["ada Olsen", "Deleted in the directory", "Okta preview", "Gateway", "Still works"] {
            assert!(page.text.contains(said), "{said}");
        }
        for text in [&page.text, &file.text] {
            for secret in &secrets {
                assert!(!text.contains(&secret[37..80]));
            }
        }
    }
}

/// The application's role on PostgreSQL can add receipts and read them, and nothing more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_application_cannot_change_a_receipt() {
    let app = TestApp::start(Engine::Postgres).await;
    for sql in ["UPDATE offboarding_receipts SET name = 'nobody'", "DELETE FROM offboarding_receipts"] {
        let error = app.database.try_run_as_application(sql).await.expect_err(sql);
        assert!(error.contains("permission denied"), "{error}");
    }
    app.database.try_run_as_application("SELECT 1 FROM offboarding_receipts").await.unwrap();
}
