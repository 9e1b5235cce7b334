//! No directory makes an owner, captures one, or lets the last one go (laws 2 and 6).

use serde_json::json;

use crate::support::{Org, Person, TestApp, both_databases, patch_active};

/// Provision a person and, by hand in the database, make her an owner: the console for that is another matter.
pub async fn directory_owner(app: &TestApp, org: &Org, email: &str) -> (Person, crate::support::Browser) {
    let (person, browser) = app.join(org, email).await;
    grant_owner(app, org, email).await;
    (person, browser)
}

pub async fn grant_owner(app: &TestApp, org: &Org, email: &str) {
    let sql = format!(
        "INSERT INTO role_grants (org_id, membership_id, role, granted_by, granted_at)
         SELECT m.org_id, m.id, 'owner', 'test', 0 FROM memberships m
           JOIN users u ON u.id = m.account_id JOIN organizations o ON o.id = m.org_id
         WHERE u.email = '{email}' AND o.slug = '{}'",
        org.slug
    );
    app.database.try_run(&sql).await.unwrap();
}

/// Take the founder's ownership away, so that others are the only owners.
pub async fn demote_founder(app: &TestApp, org: &Org) {
    let sql = format!(
        "DELETE FROM role_grants WHERE membership_id IN (SELECT m.id FROM memberships m JOIN users u ON u.id = m.account_id WHERE u.email = '{}')",
        org.owner_email
    );
    app.database.try_run(&sql).await.unwrap();
}

both_databases! {
    async fn the_last_active_owner_stays_whatever_the_directory_says(app) {
        let acme = app.org("Acme").await;
        let (person, browser) = directory_owner(&app, &acme, "ada@acme.test").await;
        demote_founder(&app, &acme).await;
        let idp = app.idp(&acme);
        let path = format!("/Users/{}", person.id);
        let before = idp.get(&path).await.text;
        for answer in [
            idp.patch(&path, patch_active(false)).await,
            idp.put(&path, json!({ "userName": "ada@acme.test", "active": "False", "title": "gone" })).await,
            idp.delete(&path).await,
        ] {
            assert_eq!(answer.status, 409, "{}", answer.text);
            assert_eq!((&answer.json["scimType"], &answer.json["status"]), (&serde_json::Value::Null, &"409".into()));
        }
        assert_eq!(idp.get(&path).await.text, before, "nothing has changed");
        assert_eq!(browser.get("/o/acme/members").await.status, 200);

        // Refused, then audited; and once there is a second owner, she may go.
        grant_owner(&app, &acme, &acme.owner_email).await;
        let kept = app.audit(&acme).await.into_iter().filter(|row| row.action == "access.last_owner_kept").count();
        assert_eq!(kept, 3);
        assert_eq!(idp.patch(&path, patch_active(false)).await.status, 200);
        assert!(browser.get("/o/acme/members").await.is_refused());
    }

    async fn an_owner_who_cannot_act_does_not_count_as_one(app) {
        let acme = app.org("Acme").await;
        let (ada, _) = directory_owner(&app, &acme, "ada@acme.test").await;
        let (_, _) = directory_owner(&app, &acme, "ben@acme.test").await;
        demote_founder(&app, &acme).await;
        let path = format!("/Users/{}", ada.id);
        for (spoil, mend) in [
            ("UPDATE users SET suspended = true WHERE email = 'ben@acme.test'", "UPDATE users SET suspended = false"),
            ("UPDATE users SET password_hash = NULL WHERE email = 'ben@acme.test'", "UPDATE users SET password_hash = 'x' WHERE email = 'ben@acme.test'"),
            ("UPDATE users SET email_proven_at = NULL WHERE email = 'ben@acme.test'", "UPDATE users SET email_proven_at = 1 WHERE email = 'ben@acme.test'"),
            (
                "INSERT INTO member_blocks (org_id, member_id, cause, blocked_by, blocked_at) SELECT p.org_id, p.id, 'operator', 'test', 0 FROM members p JOIN users u ON u.id = p.account_id WHERE u.email = 'ben@acme.test'",
                "DELETE FROM member_blocks",
            ),
        ] {
            app.database.try_run(spoil).await.unwrap();
            assert_eq!(app.idp(&acme).patch(&path, patch_active(false)).await.status, 409, "{spoil}");
            app.database.try_run(mend).await.unwrap();
        }
        assert_eq!(app.idp(&acme).patch(&path, patch_active(false)).await.status, 200);
    }

    async fn a_post_never_adopts_an_owner_or_a_member_kept_for_emergencies(app) {
        let acme = app.org("Acme").await;
        app.join(&acme, "glass@acme.test").await;
        app.database.try_run("UPDATE members SET break_glass = true WHERE account_id = (SELECT id FROM users WHERE email = 'glass@acme.test')").await.unwrap();
        app.database.try_run("UPDATE scim_users SET deleted_at = 1 WHERE user_name = 'glass@acme.test'").await.unwrap();

        for email in [acme.owner_email.as_str(), "glass@acme.test"] {
            let browser = app.sign_in(email, "violet tractor sings at dawn").await;
            // The record exists for the directory, and acts on nobody.
            let person = app.provision(&acme, email).await;
            let path = format!("/Users/{}", person.id);
            assert_eq!(app.idp(&acme).get(&path).await.json["active"], true);
            assert_eq!(app.idp(&acme).patch(&path, patch_active(false)).await.status, 200);
            assert_eq!(app.idp(&acme).patch(&path, patch_active(true)).await.status, 200);
            assert_eq!(app.idp(&acme).delete(&path).await.status, 204);
            assert_eq!(browser.get("/o/acme/members").await.status, 200, "{email}");
            assert_eq!(app.member(&acme, email).await["managed_by"], "Manual");
        }
        let refused = app.audit(&acme).await.into_iter().filter(|row| row.action == "user.link_refused").count();
        assert_eq!(refused, 4, "at each POST and at each return");
    }

    async fn a_manual_member_is_adopted_and_keeps_her_session(app) {
        let acme = app.org("Acme").await;
        let (_, mira) = app.join(&acme, "mira@acme.test").await;
        // Made manual: as if she had been invited by hand.
        app.database.try_run("UPDATE scim_users SET deleted_at = 1, member_id = NULL WHERE user_name = 'mira@acme.test'").await.unwrap();
        app.database.try_run("UPDATE members SET managed_by = 'manual' WHERE account_id = (SELECT id FROM users WHERE email = 'mira@acme.test')").await.unwrap();
        let person = app.provision(&acme, "mira@acme.test").await;
        assert_eq!(mira.get("/o/acme/members").await.status, 200);
        assert_eq!(app.database.number("SELECT live_memberships FROM users WHERE email = 'mira@acme.test'").await, 1);
        app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(false)).await;
        assert!(mira.get("/o/acme/members").await.is_refused(), "from now on the directory lets her go");
    }

    async fn no_role_in_a_scim_body_is_ever_granted(app) {
        let acme = app.org("Acme").await;
        let mut body = serde_json::json!({
            "userName": "mira@acme.test", "emails": [{ "value": "mira@acme.test" }],
            "roles": [{ "value": "owner", "primary": true }], "entitlements": [{ "value": "owner" }], "userType": "owner"
        });
        let id = app.idp(&acme).post("/Users", body.clone()).await.json["id"].as_str().unwrap().to_owned();
        app.activate("mira@acme.test").await;
        body["roles"] = json!([{ "value": "{\"id\":\"1\",\"value\":\"owner\",\"displayName\":\"owner\"}" }]);
        assert_eq!(app.idp(&acme).put(&format!("/Users/{id}"), body).await.status, 200);
        assert_eq!(app.member(&acme, "mira@acme.test").await["role"], "member");
        assert_eq!(app.database.number("SELECT count(*) FROM role_grants").await, 1, "the founder's");
    }

    async fn a_leaver_who_issued_tokens_leaves_a_note_to_replace_them(app) {
        let acme = app.org("Acme").await;
        let (person, browser) = directory_owner(&app, &acme, "ada@acme.test").await;
        let issued = browser.call("issue_token", &[("org", "acme"), ("name", "Okta"), ("lifetime", "year")]).await.json;
        assert_eq!(app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(false)).await.status, 200);
        let ended = app.audit(&acme).await.into_iter().find(|row| row.action == "access.ended").unwrap();
        let hint = issued["token"]["hint"].as_str().unwrap();
        assert!(ended.details.contains(&format!("provisioning tokens she issued, to be replaced: Okta (…{hint})")), "{ended:?}");
    }

    async fn coming_back_restores_no_ownership(app) {
        let acme = app.org("Acme").await;
        let (person, _) = directory_owner(&app, &acme, "ada@acme.test").await;
        let path = format!("/Users/{}", person.id);
        assert_eq!(app.idp(&acme).patch(&path, patch_active(false)).await.status, 200);
        assert_eq!(app.idp(&acme).patch(&path, patch_active(true)).await.status, 200);
        assert_eq!(app.member(&acme, "ada@acme.test").await["role"], "member");
    }
}
