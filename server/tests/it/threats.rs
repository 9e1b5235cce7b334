//! Attacks that other products fell for, each as whoever tries it would. `docs/threats.md` says what else is tried, and where.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::{
    conformance::{TESTS, functions, root},
    support::{PASSWORD, both_databases, filtered, id, patch_active, user},
};

both_databases! {
    /// Grafana took a numeric `externalId` for the id of an account of its own (CVE-2025-41115): whoever provisioned "1" was the
    /// first administrator.
    async fn an_external_id_is_nobodys_id_whatever_it_looks_like(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let (idp, owner) = (app.idp(&acme), app.owner(&acme).await);
        let (mira, _) = app.join(&acme, "mira@acme.test").await;
        let (owners_member, accounts) = (app.member_id(&acme, &acme.owner_email).await, app.database.rows("SELECT * FROM users").await);
        let uuid = if app.state.db.is_postgres() { "id::text" } else { "lower(hex(id))" };
        let account = app.database.texts(&format!("SELECT {uuid} FROM users WHERE email = '{}'", acme.owner_email)).await[0].clone();
        let theirs = app.provision(&globex, "otto@globex.test").await.id;
        for (number, external_id) in ["1", "0", "-1", "01", &owners_member, &account, &mira.id, &theirs, &acme.id.to_string()].into_iter().enumerate() {
            let email = format!("attacker{number}@acme.test");
            let mut body = user(&email);
            body["externalId"] = json!(external_id);
            body["id"] = json!(owners_member);
            let made = idp.post("/Users", body).await;
            assert_eq!(made.status, 201, "{external_id}: {}", made.text);
            assert!(![external_id, &owners_member].contains(&id(&made.json).as_str()), "{external_id}");
            let found = idp.find("/Users", &format!("externalId eq \"{external_id}\"")).await;
            assert_eq!(found.resources().iter().map(id).collect::<Vec<_>>(), [id(&made.json)], "{external_id}");
            if external_id != mira.id {
                assert_eq!(idp.get(&format!("/Users/{external_id}")).await.status, 404, "{external_id}");
            }
            // Whoever follows the link is the attacker and nobody else.
            let browser = app.activate(&email).await;
            let viewer = browser.call("viewer", &[("org", "acme")]).await.json;
            assert_eq!((&viewer["email"], &viewer["role"]), (&json!(email), &json!("member")), "{external_id}");
        }
        let now: BTreeSet<_> = app.database.rows("SELECT * FROM users").await.into_iter().collect();
        assert!(accounts.iter().all(|row| now.contains(row)), "nobody's account was touched");
        assert_eq!(owner.call("viewer", &[("org", "acme")]).await.json["role"], "owner");
        assert_eq!(idp.get(&format!("/Users/{}", mira.id)).await.json["userName"], "mira@acme.test");
    }

    /// An organisation writes somebody else's address on a record of its own: the way into accounts where the directory's e-mail is
    /// the account's.
    async fn an_address_on_a_record_opens_nobodys_account(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let (idp, victim) = (app.idp(&acme), globex.owner_email.clone());
        let (mallory, her_browser) = app.join(&acme, "mallory@acme.test").await;
        let accounts = app.database.rows(&format!("SELECT id, email, email_key, password_hash, email_proven_at FROM users WHERE email = '{victim}'")).await;
        assert_eq!(app.mails().await.len(), 0);

        // Her record takes the victim's address, in every place that holds one.
        let address = json!([{ "op": "replace", "path": "emails", "value": [{ "value": victim, "primary": true }] }, { "op": "replace", "path": "userName", "value": victim }]);
        let changed = idp.patch(&format!("/Users/{}", mallory.id), address).await;
        assert_eq!(changed.status, 200, "{}", changed.text);
        for active in [false, true] {
            assert_eq!(idp.patch(&format!("/Users/{}", mallory.id), patch_active(active)).await.status, 200);
        }
        assert_eq!(app.mails().await.iter().filter(|mail| mail.address == victim).count(), 0, "she hears nothing of it");
        assert!(her_browser.get("/o/acme/members").await.is_refused());
        let again = app.sign_in("mallory@acme.test", PASSWORD).await;
        let viewer = again.call("viewer", &[("org", "acme")]).await.json;
        assert_eq!((&viewer["email"], &viewer["org_slug"]), (&json!("mallory@acme.test"), &json!("acme")), "she is who she was");
        assert_ne!(again.call("viewer", &[("org", "globex")]).await.status, 200);

        // A new record with the victim's address is a membership that opens by a link mailed to her, and by her own password.
        let planted = idp.post("/Users", user(&victim)).await;
        assert_eq!(planted.status, 409, "mallory's record has the name: {}", planted.text);
        assert_eq!(idp.delete(&format!("/Users/{}", mallory.id)).await.status, 204);
        assert_eq!(idp.post("/Users", user(&victim)).await.status, 201);
        let link = app.mailed_link(&victim).await.unwrap();
        let stranger = app.browser().call("activate", &[("link", &link), ("password", "a password of the attacker's")]).await;
        assert_ne!(stranger.status, 200, "the account has a password: a link sets none, {}", stranger.text);
        assert!(app.browser().call("sign_in", &[("email", &victim), ("password", "a password of the attacker's")]).await.status != 200);
        let after = app.database.rows(&format!("SELECT id, email, email_key, password_hash, email_proven_at FROM users WHERE email = '{victim}'")).await;
        assert_eq!(after, accounts, "what is the account's own did not move");
        let hers = app.owner(&globex).await.call("viewer", &[("org", "globex")]).await.json;
        assert_eq!((&hers["email"], &hers["role"]), (&json!(victim), &json!("owner")));
    }

    /// An account that lives on after its person has left is let in by the next sign-in, in products that make members of whoever
    /// authenticates.
    async fn nobody_comes_back_by_signing_in(app) {
        let acme = app.org("Acme").await;
        let (idp, owner) = (app.idp(&acme), app.owner(&acme).await);
        for (number, way) in ["inactive", "deleted", "removed by hand", "blocked by hand"].into_iter().enumerate() {
            let email = format!("leaver{number}@acme.test");
            let (person, _) = app.join(&acme, &email).await;
            // A link that she had and did not need.
            let member = app.member_id(&acme, &email).await;
            let done = match way {
                "inactive" => idp.patch(&format!("/Users/{}", person.id), patch_active(false)).await.status,
                "deleted" => idp.delete(&format!("/Users/{}", person.id)).await.status,
                "removed by hand" => owner.call("remove_member", &[("org", "acme"), ("member", &member)]).await.status,
                _ => owner.call("block_member", &[("org", "acme"), ("member", &member)]).await.status,
            };
            assert!([200, 204].contains(&done), "{way}: {done}");
            let state = async || {
                let tables = ["memberships", "sessions", "api_sessions", "personal_tokens", "activation_links"];
                let mut counted = vec![];
                for table in tables {
                    counted.push(app.database.number(&format!("SELECT count(*) FROM {table}")).await);
                }
                counted
            };
            let before = state().await;
            for _ in 0..3 {
                let answer = app.browser().call("sign_in", &[("email", &email), ("password", PASSWORD)]).await;
                let wrong = app.browser().call("sign_in", &[("email", &format!("nobody{number}@acme.test")), ("password", PASSWORD)]).await;
                assert_eq!((answer.status, &answer.text), (wrong.status, &wrong.text), "{way}: like somebody who never was");
            }
            // Neither does a directory that changes anything but what it wishes.
            let _ = idp.patch(&format!("/Users/{}", person.id), json!([{ "op": "replace", "path": "displayName", "value": "Ghost" }])).await;
            let group = app.group(&acme, &format!("Group {number}"), &[&person.id]).await;
            let _ = idp.patch(&format!("/Groups/{group}"), json!([{ "op": "add", "path": "members", "value": [{ "value": person.id }] }])).await;
            assert_eq!(state().await, before, "{way}");
        }
    }

    /// Filters that are made to be expensive are refused at once, or find what they say.
    async fn a_filter_that_is_a_bomb_goes_off_nowhere(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        app.provision(&acme, "mira@acme.test").await;
        let nested = format!("{}userName pr{}", "(".repeat(2_000), ")".repeat(2_000));
        let many = vec!["userName co \"a\""; 2_000].join(" or ");
        let nots = format!("{}userName pr{}", "not (".repeat(2_000), ")".repeat(2_000));
        let long = format!("userName eq \"{}\"", "a".repeat(200_000));
        let wild = format!("userName co \"{}\"", "%_".repeat(10_000));
        for (name, filter) in [("nested", nested), ("many", many), ("nots", nots), ("long", long), ("wild", wild)] {
            // A URL has an end that HTTP sets.
            let by_url = if filtered(&filter).len() < 60_000 { Some(idp.find("/Users", &filter).await) } else { None };
            let body = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": filter });
            let by_body = idp.post("/Users/.search", body).await;
            for answer in by_url.into_iter().chain([by_body]) {
                let empty = answer.status == 200 && answer.json["totalResults"] == 0;
                assert!(empty || [400, 413, 414].contains(&answer.status), "{name}: {} {:.200}", answer.status, answer.text);
            }
        }
        let found = idp.get(&format!("/Users?{}", filtered("userName eq \"mira@acme.test\""))).await;
        assert_eq!(found.json["totalResults"], json!(1), "and everybody else is answered: {}", Value::from(found.text));
    }
}

#[test]
fn the_page_on_threats_names_tests_that_exist() {
    let page = std::fs::read_to_string(root().join("docs/threats.md")).unwrap();
    let mut tests = BTreeSet::new();
    for folder in TESTS {
        functions(&root().join(folder), &mut tests);
    }
    let mut wrong = vec![];
    let mut rows = 0;
    for row in page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| threat") && !line.starts_with("| ---")) {
        rows += 1;
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [threat, _, proof] = cells[..] else {
            wrong.push(format!("three cells are expected: {row}"));
            continue;
        };
        let named: Vec<_> = proof.split('`').skip(1).step_by(2).collect();
        if named.is_empty() {
            wrong.push(format!("{threat}: nothing attacks it"));
        }
        let missing = named.iter().filter(|name| {
            let test = name.rsplit("::").next().unwrap_or(name);
            !tests.contains(test) && !root().join(name).is_file()
        });
        wrong.extend(missing.map(|name| format!("{threat} names {name}, which does not exist")));
    }
    assert!(rows >= 20, "{rows}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
