//! What every answer tells a browser, and what no form of another site and no text of a directory can do. The pages and the server
//! functions are those that the router knows, so that a new one is among them.

use std::collections::BTreeSet;

use directory::mail::Content;
use domain::OrgRole;
use leptos::server_fn::axum::server_fn_paths;
use serde_json::json;

use crate::support::{Browser, Page, TestApp, both_databases};

const ID: &str = "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10";

/// The address of every page that there is, and of some that there are not.
fn addresses() -> Vec<String> {
    let routes = leptos_axum::generate_route_list(app::App);
    let filled = routes.iter().map(|route| {
        let parts = route.path().split('/').map(|part| match part {
            "{org}" => "acme",
            part if part.starts_with('{') => ID,
            part => part,
        });
        parts.collect::<Vec<_>>().join("/")
    });
    let beside = ["/nothing", "/o/acme/nothing/at/all", "/o/globex/members", "/reset/x", "/activate/x", "/set-up/x"].map(str::to_owned);
    filled.chain(beside).collect()
}

fn functions() -> Vec<String> {
    server_fn_paths().map(|(path, _)| path.trim_start_matches("/api/").to_owned()).collect()
}

/// What holds for every answer that is about somebody.
fn kept_by_nobody(answer: &Page, what: &str) {
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{what}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{what}");
    assert_eq!(answer.header("referrer-policy"), Some("same-origin"), "{what}");
    assert_eq!(answer.header("strict-transport-security"), Some("max-age=63072000; includeSubDomains"), "{what}");
    let policy = answer.header("content-security-policy").unwrap_or_else(|| panic!("{what} has no policy"));
    assert!(
        policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"),
        "{what}: {policy}"
    );
}

/// The nonce of a page whose every script carries it, and which has no other way to run anything.
fn runs_only_ours(page: &Page, what: &str) -> String {
    let policy = page.header("content-security-policy").unwrap();
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap_or_else(|| panic!("{what}: {policy}"));
    assert!(nonce.len() >= 16, "{what}: {nonce}");
    let scripts = page.text.matches("<script").count();
    let ours =
        page.text.split("<script").skip(1).filter(|tag| tag.split('>').next().unwrap().contains(&format!("nonce=\"{nonce}\""))).count();
    assert!(scripts > 0 && scripts == ours, "{what}: {ours} of {scripts} scripts are ours");
    for tag in page.text.split('<').skip(1).filter(|tag| tag.starts_with(|c: char| c.is_ascii_alphabetic())) {
        // Names of attributes are outside of quotes; what is inside of them is text, save where an address is expected.
        let mut parts = tag.split('"');
        let mut before = parts.next().unwrap();
        let mut outside = before.split('>').next().unwrap().to_owned();
        while !before.contains('>') {
            let Some(value) = parts.next() else { break };
            let address = ["href=", "src=", "action="].iter().any(|name| before.ends_with(name));
            assert!(!address || !value.trim().to_lowercase().starts_with("javascript:"), "{what}: {tag}");
            let Some(next) = parts.next() else { break };
            before = next;
            outside.push(' ');
            outside.push_str(before.split('>').next().unwrap());
        }
        let names = outside.split([' ', '/']).filter_map(|part| part.split('=').next());
        for name in names {
            assert!(name != "style" && !(name.starts_with("on") && name.len() > 2), "{what}: {name} in {tag}");
        }
    }
    nonce.to_owned()
}

both_databases! {
    async fn every_page_runs_only_our_scripts_and_is_kept_by_nobody(app) {
        let acme = app.org("Acme").await;
        app.org("Globex").await;
        let mut nonces = BTreeSet::new();
        let mut pages = 0;
        for browser in [app.owner(&acme).await, app.browser(), app.member_as(&acme, "mira@acme.test", OrgRole::Member).await] {
            for address in addresses() {
                let page = browser.get(&address).await;
                kept_by_nobody(&page, &address);
                if page.header("content-type").is_some_and(|kind| kind.starts_with("text/html")) && page.redirect().is_none() {
                    pages += 1;
                    nonces.insert(runs_only_ours(&page, &address));
                }
            }
        }
        assert!(pages > 60, "{pages}");
        assert_eq!(nonces.len(), pages, "a nonce is of one answer");
        // A receipt's file, which is no page.
        kept_by_nobody(&app.owner(&acme).await.get(&format!("/o/acme/receipts/{ID}.json")).await, "a receipt");
    }

    /// No server function does what another site's page asks, nor anything by GET; and whatever it answers is kept by nobody.
    async fn every_server_function_is_called_by_our_own_pages_only(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let all = functions();
        assert!(all.len() > 60, "{all:?}");
        let foreign: [&[(&str, &str)]; 6] = [
            &[("origin", "https://evil.test")],
            &[("origin", "https://id.rollcall.test.evil.test")],
            &[("origin", "http://id.rollcall.test")],
            &[("origin", "null"), ("sec-fetch-site", "same-origin")],
            &[("sec-fetch-site", "same-site")],
            &[],
        ];
        for function in &all {
            for headers in foreign {
                let answer = owner.post(function, &[("org", "acme")], headers).await;
                assert_eq!(answer.status, 403, "{function} {headers:?}");
                kept_by_nobody(&answer, function);
            }
            let read = owner.get(&format!("/api/{function}?org=acme")).await;
            assert!((400..500).contains(&read.status), "{function} by GET: {}", read.status);
        }
        assert_eq!(owner.call("security", &[("org", "acme")]).await.json["scim"], "Enabled", "none of it was done");
        for function in all.iter().filter(|function| *function != "sign_out") {
            kept_by_nobody(&owner.call(function, &[("org", "acme")]).await, function);
            kept_by_nobody(&app.browser().call(function, &[("org", "acme")]).await, function);
        }
    }

    /// What a directory sends is text wherever it is shown.
    async fn what_a_directory_sends_runs_nowhere(app) {
        let acme = app.org("Acme").await;
        let hostile = "</title></script><script>alert(1)</script>\"><img src=x onerror=alert(2)>' onload='alert(3) <a href=javascript:alert(4)>x</a> \u{202e}txt.exe\u{2066} &lt;b&gt;";
        let user = json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
            "userName": "eve@acme.test", "displayName": hostile, "externalId": hostile, "title": hostile,
            "name": { "givenName": hostile, "familyName": hostile }, "emails": [{ "value": "eve@acme.test", "primary": true, "type": hostile }],
        });
        let made = app.idp(&acme).post("/Users", user).await;
        assert_eq!(made.status, 201, "{}", made.text);
        let id = made.json["id"].as_str().unwrap().to_owned();
        let group = app.group(&acme, hostile, &[&id]).await;
        app.activate("eve@acme.test").await;
        app.idp(&acme).patch(&format!("/Users/{id}"), crate::support::patch_active(false)).await;
        app.state.settle().await;
        let owner = app.owner(&acme).await;
        let member = app.member_id(&acme, "eve@acme.test").await;
        let mut shown = 0;
        for address in [
            "/o/acme/members?status=any".to_owned(),
            format!("/o/acme/members/{member}"),
            "/o/acme/groups".to_owned(),
            format!("/o/acme/groups/{group}"),
            "/o/acme/settings/audit".to_owned(),
            "/o/acme/settings/integrations".to_owned(),
            "/o/acme/settings/security".to_owned(),
        ] {
            let page = owner.get(&address).await;
            assert_eq!(page.status, 200, "{address}");
            runs_only_ours(&page, &address);
            assert!(!page.text.contains("<script>alert") && !page.text.contains("<img src=x") && !page.text.contains("<a href=javascript"), "{address}");
            // A person's own name turns nothing around; those of groups stand in elements of their own.
            assert!(!address.contains("members?") || !page.text.contains('\u{202e}'), "{address}");
            shown += usize::from(page.text.contains("alert(1)"));
        }
        assert!(shown >= 4, "it is shown, as text: {shown}");
        // Mails to owners and to her: no header of hers, no line of hers.
        for mail in app.mails().await {
            if let Content::Alert { subject, lines, .. } = mail.content {
                assert!(!subject.contains(['\r', '\n', '\u{202e}']) && lines.iter().all(|line| !line.contains(['\r', '\n', '\u{202e}'])), "{lines:?}");
            }
        }
    }

    /// A session id that the browser brings along is nobody's, and does not become anybody's.
    async fn a_planted_session_id_is_never_signed_in(app) {
        let acme = app.org("Acme").await;
        let planted = "AAAAAAAAAAAAAAAAAAAAAA";
        let victim = app.browser();
        victim.plant("__Host-rollcall", planted);
        let signed_in = victim.call("sign_in", &[("email", &acme.owner_email), ("password", crate::support::PASSWORD)]).await;
        assert_eq!(signed_in.status, 200, "{}", signed_in.text);
        assert_ne!(victim.value("__Host-rollcall").as_deref(), Some(planted));
        let attacker = app.browser();
        attacker.plant("__Host-rollcall", planted);
        assert!(attacker.get("/o/acme/members").await.is_refused());
        assert_eq!(victim.get("/o/acme/members").await.status, 200);
    }
}

/// On this machine, by plain http: no promise of https, and a cookie that such a browser keeps.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_tls_no_browser_is_told_to_insist_on_it() {
    let mut app = TestApp::start(crate::support::Engine::Sqlite).await;
    let acme = app.org("Acme").await;
    app.state.public_url = std::sync::Arc::new("http://127.0.0.1:3000".parse().unwrap());
    let browser = Browser::new(server::router::router(app.state.clone()));
    let headers = [("origin", "http://127.0.0.1:3000"), ("accept", "application/json")];
    let fields = [("email", acme.owner_email.as_str()), ("password", crate::support::PASSWORD)];
    let answer = browser.post("sign_in", &fields, &headers).await;
    assert_eq!((answer.status, answer.header("strict-transport-security")), (200, None));
    let cookie = answer.header("set-cookie").unwrap();
    assert!(
        cookie.starts_with("rollcall=") && cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && !cookie.contains("Secure"),
        "{cookie}"
    );
}
