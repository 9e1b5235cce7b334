//! The way to let a device in: from the address that it shows to the answer.

use axum::{body::Body, extract::ConnectInfo};
use domain::OrgRole;
use http::{Request, header};
use serde_json::Value;
use tower::ServiceExt;

use crate::support::{TestApp, both_databases};

const RIGHT: &str = "violet tractor sings at dawn";

/// What a program without a browser sends, and what it is told.
async fn ask(app: &TestApp, path: &str, fields: &[(&str, &str)]) -> (u16, Value) {
    let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    let mut request = Request::post(path)
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(header::USER_AGENT, "rollcall/1.0 (Linux)")
        .body(Body::from(body))
        .unwrap();
    request.extensions_mut().insert(ConnectInfo(std::net::SocketAddr::from(([192, 0, 2, 7], 443))));
    let response = app.router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

/// A device that asks as this client; its codes.
async fn device(app: &TestApp, client: &str) -> Value {
    let (status, asked) = ask(app, "/oauth/device_authorization", &[("client_id", client)]).await;
    assert_eq!(status, 200, "{asked}");
    asked
}

fn text<'a>(asked: &'a Value, name: &str) -> &'a str {
    asked[name].as_str().unwrap()
}

both_databases! {
    async fn the_address_that_a_device_shows_leads_to_its_question(app) {
        let acme = app.org("Acme").await;
        let asked = device(&app, "rollcall-cli").await;
        let code = text(&asked, "user_code");
        let shown = text(&asked, "verification_uri_complete").strip_prefix("https://id.rollcall.test").unwrap();
        assert_eq!(shown, format!("/device?code={code}"));

        let browser = app.browser();
        let gate = browser.get(shown).await;
        assert_eq!((gate.status, gate.redirect()), (303, Some(format!("/sign-in?next=%2Fdevice%3Fcode%3D{code}").as_str())));
        let sign_in = browser.get(gate.redirect().unwrap()).await;
        assert!(sign_in.text.contains(&format!("value=\"{shown}\"")), "the form brings her back");
        let fields = [("email", acme.owner_email.as_str()), ("password", RIGHT), ("next", shown)];
        let back = browser.submit("sign_in", &fields, gate.redirect().unwrap()).await;
        assert_eq!((back.status, back.redirect()), (302, Some(format!("/o/acme/device?code={code}").as_str())));

        let on = browser.get(shown).await;
        assert_eq!((on.status, on.redirect()), (303, Some(format!("/o/acme/device?code={code}").as_str())));
        let page = browser.get(on.redirect().unwrap()).await;
        assert_eq!(page.status, 200);
        for said in [code, "Rollcall on the command line", "Acme", "192.0.2.7", "See who you are", "Use the agents", "Only say yes if you started this yourself"] {
            assert!(page.text.contains(said), "{said}");
        }
        let bare = browser.get("/device").await;
        assert_eq!((bare.status, bare.redirect()), (303, Some("/o/acme/device")));
    }

    async fn a_way_back_to_a_device_leads_nowhere_else(app) {
        let acme = app.org("Acme").await;
        for next in ["/devices", "//device", "/device/../../evil", "/device\\evil.test", "https://evil.test/device", "/device?\r\nx: y"] {
            let fields = [("email", acme.owner_email.as_str()), ("password", RIGHT), ("next", next)];
            let answer = app.browser().submit("sign_in", &fields, "/sign-in").await;
            assert_eq!(answer.redirect(), Some("/o/acme/members"), "{next}");
        }
    }

    async fn whoever_is_in_several_organisations_comes_back_to_the_device(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        app.join(&acme, "mira@both.test").await;
        app.join(&globex, "mira@both.test").await;
        let browser = app.browser();
        let fields = [("email", "mira@both.test"), ("password", RIGHT), ("next", "/device?code=WDJB-MJHT")];
        let back = browser.submit("sign_in", &fields, "/sign-in").await;
        assert!(back.redirect().is_some_and(|to| to.starts_with("/o/") && to.ends_with("/device?code=WDJB-MJHT")), "{:?}", back.redirect());
        let asked = device(&app, "rollcall-cli").await;
        let page = browser.get("/device").await.redirect().unwrap().to_owned();
        let page = browser.get(&format!("{page}?code={}", text(&asked, "user_code"))).await;
        assert!(page.text.contains("Not the organisation that you meant?"));
    }

    async fn a_code_that_nobody_waits_with_is_said_at_its_field(app) {
        let acme = app.org("Acme").await;
        let browser = app.owner(&acme).await;
        for (code, status, sentence) in [("WDJB-MJHT", 404, "No device is waiting with this code"), ("WDJB", 422, "A code has eight letters")] {
            let page = browser.get(&format!("/o/acme/device?code={code}")).await;
            assert_eq!(page.status, status, "{code}");
            assert!(page.text.contains(sentence) && page.text.contains(&format!("value=\"{code}\"")), "{code}");
        }
        let answered = device(&app, "rollcall-cli").await;
        let fields = [("org", "acme"), ("user_code", text(&answered, "user_code"))];
        assert_eq!(browser.call("deny_device", &fields).await.status, 200);
        assert_eq!(browser.get(&format!("/o/acme/device?code={}", fields[1].1)).await.status, 404, "answered");
        let late = device(&app, "rollcall-cli").await;
        app.advance(std::time::Duration::from_secs(10 * 60 + 1));
        assert_eq!(browser.get(&format!("/o/acme/device?code={}", text(&late, "user_code"))).await.status, 404, "too late");
        // Guesses are counted.
        let last = async || browser.get("/o/acme/device?code=BCDF-GHJK").await.status;
        let mut statuses = vec![];
        for _ in 0..40 {
            statuses.push(last().await);
        }
        assert_eq!((statuses[0], statuses[39]), (404, 429));
    }

    async fn an_answer_without_a_script_comes_to_the_device(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let asked = device(&app, "rollcall-cli").await;
        let page = format!("/o/acme/device?code={}", text(&asked, "user_code"));
        let answer = browser.submit("approve_device", &[("org", "acme"), ("user_code", text(&asked, "user_code"))], &page).await;
        assert_eq!(answer.status, 302, "{}", answer.text);
        let grant = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", "rollcall-cli"),
            ("device_code", text(&asked, "device_code")),
        ];
        let (status, tokens) = ask(&app, "/oauth/token", &grant).await;
        assert_eq!(status, 200, "{tokens}");
        let page = browser.get("/o/acme/api-access").await;
        assert!(page.text.contains("Rollcall on the command line"), "she sees the client");
        assert!(!page.text.contains(text(&tokens, "refresh_token")), "and no secret");
    }

    async fn nobody_lets_an_agent_in_that_is_not_hers_to_use(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let agent = app.agent(&acme, "Deploy bot", &[OrgRole::Owner]).await;
        let asked = device(&app, &agent).await;
        let page = browser.get(&format!("/o/acme/device?code={}", text(&asked, "user_code"))).await;
        assert!(page.status == 200 && page.text.contains("Deploy bot"));
        let answer = browser.call("approve_device", &[("org", "acme"), ("user_code", text(&asked, "user_code"))]).await;
        assert_eq!(answer.status, 403);
    }
}
