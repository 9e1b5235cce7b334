//! What the browser is told, and which forms are refused.

use domain::OrgRole;

use crate::support::both_databases;

both_databases! {
    async fn a_form_of_another_site_is_refused(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        for headers in [&[("origin", "https://evil.test")][..], &[("origin", "null")], &[("sec-fetch-site", "cross-site")], &[]] {
            assert_eq!(owner.post("disable_scim", &[("org", "acme")], headers).await.status, 403, "{headers:?}");
        }
        assert_eq!(owner.call("security", &[("org", "acme")]).await.json["scim"], "Enabled");
        // No change by GET.
        assert!(owner.get("/api/disable_scim?org=acme").await.status >= 400);
        assert_eq!(owner.call("security", &[("org", "acme")]).await.json["scim"], "Enabled");
    }

    async fn pages_are_kept_by_nobody_and_run_only_our_scripts(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        for path in ["/o/acme/members", "/o/acme/settings/security", "/o/acme/settings/audit", "/organisations"] {
            let page = owner.get(path).await;
            assert_eq!(page.status, 200, "{path}");
            assert_eq!(page.header("cache-control"), Some("no-store"), "{path}");
            let policy = page.header("content-security-policy").unwrap();
            let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
            assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe-inline"), "{policy}");
            assert!(page.text.contains(&format!("nonce=\"{nonce}\"")), "{path}");
            assert_eq!(page.text.matches("<script").count(), page.text.matches(&format!("<script nonce=\"{nonce}\"")).count() + page.text.matches(&format!("<script type=\"module\" nonce=\"{nonce}\"")).count(), "{path}");
            assert!(!page.text.contains(" style="), "{path}");
            for (name, value) in [("x-content-type-options", "nosniff"), ("referrer-policy", "same-origin")] {
                assert_eq!(page.header(name), Some(value));
            }
            assert!(page.header("strict-transport-security").is_some());
            assert_eq!(page.header("x-request-id").unwrap().len(), 32);
        }
    }

    async fn a_page_out_of_reach_says_so_with_its_status(app) {
        let (acme, _) = (app.org("Acme").await, app.org("Globex").await);
        let (_, member) = app.join(&acme, "mira@acme.test").await;
        for (path, status) in [
            ("/o/acme/settings/security", 403), ("/o/acme/settings/audit", 403), ("/o/globex/members", 409), ("/o/nonesuch/members", 409), ("/nothing", 404),
        ] {
            assert_eq!(member.get(path).await.status, status, "{path}");
        }
        assert_eq!(app.browser().get("/").await.redirect(), Some("/sign-in"));
        assert_eq!(member.get("/").await.redirect(), Some("/o/acme/members"));
        assert_eq!(member.get("/sign-in").await.redirect(), Some("/o/acme/members"));
    }

    async fn who_may_only_look_at_security_is_shown_no_controls(app) {
        let acme = app.org("Acme").await;
        let controls = ["data-testid=\"disable-scim\"", "data-testid=\"revoke-token\"", "data-testid=\"issue-token-form\""];
        let auditor = app.member_as(&acme, "auditor@acme.test", OrgRole::Auditor).await;
        let admin = app.member_as(&acme, "admin@acme.test", OrgRole::Admin).await;
        // One owner only: those who can do something about that are told.
        for (browser, shows, warned) in [(app.owner(&acme).await, true, true), (admin, false, true), (auditor, false, false)] {
            let page = browser.get("/o/acme/settings/security").await;
            assert_eq!(page.status, 200);
            for control in controls {
                assert_eq!(page.text.contains(control), shows, "{control}");
            }
            assert_eq!(page.text.contains("data-testid=\"read-only\""), !shows);
            assert_eq!(page.text.contains("data-testid=\"one-owner\""), warned);
        }
    }

    async fn forms_work_without_scripts(app) {
        let acme = app.org("Acme").await;
        let browser = app.browser();
        let wrong = browser.submit("sign_in", &[("email", &acme.owner_email), ("password", "wrong")], "/sign-in").await;
        assert_eq!(wrong.status, 302);
        let back = wrong.redirect().unwrap().to_owned();
        assert!(back.contains("/sign-in?"), "{back}");
        assert!(!back.contains("acme.test"), "no personal data in a URL: {back}");
        let right = browser.submit("sign_in", &[("email", &acme.owner_email), ("password", "violet tractor sings at dawn")], "/sign-in").await;
        assert_eq!(right.redirect(), Some("/o/acme/members"));
        let disabled = browser.submit("disable_scim", &[("org", "acme")], "/o/acme/settings/security").await;
        let back = disabled.redirect().unwrap().trim_end_matches('?');
        assert_eq!((disabled.status, back), (302, "https://id.rollcall.test/o/acme/settings/security"));
        assert_eq!(browser.submit("sign_out", &[], "/o/acme/members").await.redirect(), Some("/sign-in"));
    }

    async fn the_process_and_the_database_are_told_apart(app) {
        assert_eq!(app.browser().get("/healthz").await.text, "ok\n");
        let ready = app.browser().get("/readyz").await;
        assert_eq!((ready.status, ready.text.as_str()), (200, "ready\n"));
    }
}
