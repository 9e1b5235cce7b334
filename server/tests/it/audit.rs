//! The audit log: who did what, from where, when, by which request.

use serde_json::json;

use crate::support::{both_databases, patch_active};

both_databases! {
    async fn the_log_tells_the_whole_story(app) {
        let acme = app.org("Acme").await;
        let (person, browser) = app.join(&acme, "mira@acme.test").await;
        app.browser().call("sign_in", &[("email", "mira@acme.test"), ("password", "wrong wrong wrong")]).await;
        browser.call("sign_out", &[]).await;
        let _open = app.sign_in("mira@acme.test", "violet tractor sings at dawn").await;
        let issued = app.issue_token(&acme, "Okta").await;
        app.owner(&acme).await.call("revoke_token", &[("org", "acme"), ("token", issued["token"]["id"].as_str().unwrap())]).await;
        app.idp(&acme).with_authorization(None).get("/Users").await;
        let answer = app.idp(&acme).patch(&format!("/Users/{}", person.id), json!([{ "op": "replace", "value": { "active": false, "title": "Gone" } }])).await;
        app.idp(&acme).delete(&format!("/Users/{}", person.id)).await;

        let rows = app.audit(&acme).await;
        let about = |action: &str| rows.iter().find(|row| row.action == action).unwrap_or_else(|| panic!("{action} is missing"));
        for action in [
            "organisation.founded", "scim.enabled", "token.issued", "token.revoked", "user.created", "user.changed", "user.deleted",
            "access.began", "access.ended", "activation.completed", "sign_in.succeeded", "sign_in.failed", "sign_in.ended", "scim.authentication_failed",
        ] {
            about(action);
        }
        assert_eq!(about("sign_in.failed").details, ["why: wrong password"]);
        assert_eq!(about("user.changed").details, ["attributes: active, title", "active: true → false"]);
        let ended = about("access.ended");
        assert_eq!((ended.actor.as_str(), ended.target.as_deref()), ("Bootstrap (token)", Some("mira Olsen")));
        let counts = ["sessions", "API sessions", "access tokens", "refresh tokens", "personal tokens", "device codes", "activation links", "manual roles", "team seats"];
        let counts = counts.into_iter().zip([1, 0, 0, 0, 0, 0, 0, 0, 0]).map(|(what, count)| format!("{what} ended: {count}"));
        let (receipt, told) = ended.details.split_last().unwrap();
        assert!(receipt.starts_with("receipt: "), "{receipt}");
        assert_eq!(told, ["cause: deactivated in the directory".to_owned()].into_iter().chain(counts).collect::<Vec<_>>());
        assert_eq!(ended.request_id.as_deref(), answer.headers["x-request-id"].to_str().ok(), "the answer's own request id");
        assert_eq!(about("user.changed").request_id, ended.request_id);
        // Within one request, in the order in which it happened.
        let place = |action: &str| rows.iter().position(|row| row.action == action).unwrap();
        assert!(place("access.ended") < place("user.changed") && place("access.began") < place("user.created"));
    }

    async fn a_flood_of_guesses_makes_few_rows(app) {
        let acme = app.org("Acme").await;
        for _ in 0..20 {
            app.idp(&acme).with_authorization(Some("Bearer rcs_guess")).get("/Users").await;
        }
        app.advance(std::time::Duration::from_secs(180));
        app.idp(&acme).with_authorization(Some("Bearer rcs_guess")).get("/Users").await;
        let rows: Vec<_> = app.audit(&acme).await.into_iter().filter(|row| row.action == "scim.authentication_failed").collect();
        assert_eq!(rows.len(), 4, "the first, the tenth, all of them, and the first of the next: {rows:?}");
        let why = "why: no provisioning token, or one that was cut or mistyped";
        let told = |what: &str| [why, what, "first: 15 Jan 2027, 08:00:00 UTC", "last: 15 Jan 2027, 08:00:00 UTC"].map(str::to_owned).to_vec();
        // Two of one moment, twice.
        let mut details: Vec<_> = rows.into_iter().map(|row| row.details).collect();
        details[..2].sort();
        details[2..].sort();
        assert_eq!(details, [vec![why.to_owned()], told("failures in all: 20"), vec![why.to_owned()], told("failures so far: 10")]);
    }

    async fn guesses_at_no_organisation_are_nobodys_rows(app) {
        let acme = app.org("Acme").await;
        let before = app.audit(&acme).await.len();
        let idp = app.idp(&acme).with_authorization(None);
        for base in ["/scim/0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10/v2", "/scim/x/v2"] {
            idp.at(base).get("/Users").await;
        }
        app.browser().call("sign_in", &[("email", "nobody@acme.test"), ("password", "x")]).await;
        assert_eq!(app.audit(&acme).await.len(), before + 1, "the owner's sign-in to read the log");
    }

    async fn older_pages_follow_without_gap_or_overlap(app) {
        let acme = app.org("Acme").await;
        for number in 0..30 {
            let person = app.provision(&acme, &format!("p{number}@acme.test")).await;
            app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(false)).await;
        }
        let owner = app.owner(&acme).await;
        let (mut ids, mut before) = (vec![], None::<String>);
        loop {
            let mut fields = vec![("org", "acme")];
            fields.extend(before.as_deref().map(|id| ("before", id)));
            let page = owner.call("audit", &fields).await.json;
            ids.extend(page["events"].as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap().to_owned()));
            match page["older"].as_str() {
                Some(older) => before = Some(older.to_owned()),
                None => break,
            }
        }
        let total = app.database.number("SELECT count(*) FROM audit_events").await;
        assert_eq!(i64::try_from(ids.len()).unwrap(), total);
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(i64::try_from(ids.len()).unwrap(), total, "each event once");
    }
}
