//! People by hand: removed and restored, blocked and unblocked, invited, renamed, and their sessions ended.

use std::time::Duration;

use domain::OrgRole;
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    grants::act,
    support::{Browser, Org, PASSWORD, TestApp, both_databases, patch_active},
};

/// Invite somebody and have her follow the link; her member id, and the browser that she is signed in with.
pub async fn invited(app: &TestApp, org: &Org, email: &str) -> (String, Browser) {
    let name = email.split('@').next().unwrap();
    let answer = app.owner(org).await.call("invite", &[("org", &org.slug), ("name", name), ("email", email), ("role", "")]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let browser = app.activate(email).await;
    (app.member_id(org, email).await, browser)
}

both_databases! {
    async fn removing_ends_access_and_only_a_new_wish_of_the_directory_begins_it_again(app) {
        let acme = app.org("Acme").await;
        let (person, mira) = app.join(&acme, "mira@acme.test").await;
        app.grant(&acme, "mira@acme.test", OrgRole::Auditor).await;
        let (owner, member) = (app.owner(&acme).await, app.member_id(&acme, "mira@acme.test").await);
        for _ in 0..2 {
            assert_eq!(act(&owner, &acme, "remove_member", &member, &[]).await.status, 200);
            assert!(mira.get("/o/acme/members").await.is_refused());
        }
        let ended: Vec<_> = app.audit(&acme).await.into_iter().filter(|row| row.action == "access.ended").collect();
        assert_eq!(ended.len(), 1, "nothing was alive the second time");
        for fact in ["cause: removed by hand", "sessions ended: 1", "manual roles ended: 1"] {
            assert!(ended[0].details.contains(&fact.to_owned()), "{ended:?}");
        }

        // The directory still wants her: saying so again is no change, and lets nobody in.
        let (idp, path) = (app.idp(&acme), format!("/Users/{}", person.id));
        let memberships = "SELECT count(*) FROM memberships m JOIN users u ON u.id = m.account_id WHERE u.email = 'mira@acme.test'";
        let put = json!({ "userName": "mira@acme.test", "emails": [{ "value": "mira@acme.test" }], "active": true, "title": "Dr" });
        let renamed = json!([{ "op": "replace", "value": { "active": true, "displayName": "Mira B." } }]);
        for answer in [idp.patch(&path, patch_active(true)).await, idp.put(&path, put).await, idp.patch(&path, renamed).await] {
            assert_eq!((answer.status, &answer.json["active"]), (200, &true.into()));
            assert_eq!(app.database.number(memberships).await, 0);
        }
        // From inactive to active is one.
        assert_eq!(idp.patch(&path, patch_active(false)).await.status, 200);
        assert_eq!(idp.patch(&path, patch_active(true)).await.status, 200);
        assert_eq!(app.database.number(memberships).await, 1);
        assert!(mira.get("/o/acme/members").await.is_refused(), "her session stays dead");
        let back = app.sign_in("mira@acme.test", PASSWORD).await;
        assert_eq!(back.call("security", &[("org", "acme")]).await.status, 403, "so does her role by hand");
    }

    async fn restoring_asks_the_directory_where_it_manages_her(app) {
        let acme = app.org("Acme").await;
        let (person, mira) = app.join(&acme, "mira@acme.test").await;
        app.grant(&acme, "mira@acme.test", OrgRole::Auditor).await;
        let (owner, member) = (app.owner(&acme).await, app.member_id(&acme, "mira@acme.test").await);
        assert_eq!(act(&owner, &acme, "restore_member", &member, &[]).await.status, 409, "she has access");
        assert_eq!(act(&owner, &acme, "remove_member", &member, &[]).await.status, 200);
        assert_eq!(act(&owner, &acme, "restore_member", &member, &[]).await.status, 200);
        assert!(mira.get("/o/acme/members").await.is_refused(), "her session stays dead");
        let back = app.sign_in("mira@acme.test", PASSWORD).await;
        assert_eq!(back.call("security", &[("org", "acme")]).await.status, 403, "so does her role by hand");
        assert_eq!(app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(false)).await.status, 200);
        let refused = act(&owner, &acme, "restore_member", &member, &[]).await;
        assert_eq!(refused.status, 409, "the directory has deactivated her");
        assert!(refused.text.contains("identity provider"), "{}", refused.text);
    }

    async fn restoring_a_manual_member_needs_a_link_only_if_she_never_followed_one(app) {
        let acme = app.org("Acme").await;
        let (member, _) = invited(&app, &acme, "mira@acme.test").await;
        let owner = app.owner(&acme).await;
        assert_eq!(act(&owner, &acme, "remove_member", &member, &[]).await.status, 200);
        assert_eq!(act(&owner, &acme, "restore_member", &member, &[]).await.status, 200);
        assert_eq!(app.mailed_link("mira@acme.test").await, None);
        app.sign_in("mira@acme.test", PASSWORD).await;

        assert_eq!(owner.call("invite", &[("org", "acme"), ("name", "Ben"), ("email", "ben@acme.test")]).await.status, 200);
        let ben = app.member_id(&acme, "ben@acme.test").await;
        let first = app.mailed_link("ben@acme.test").await.unwrap();
        assert_eq!(act(&owner, &acme, "remove_member", &ben, &[]).await.status, 200);
        assert_eq!(app.browser().call("activation_link", &[("link", &first)]).await.status, 404);
        assert_eq!(act(&owner, &acme, "restore_member", &ben, &[]).await.status, 200);
        assert_eq!(app.browser().call("activation_link", &[("link", &first)]).await.status, 404, "the old link stays dead");
        app.activate("ben@acme.test").await;
    }

    async fn a_block_ends_what_is_alive_and_lifting_it_brings_nothing_back(app) {
        let acme = app.org("Acme").await;
        let (_, mira) = app.join(&acme, "mira@acme.test").await;
        let (owner, member) = (app.owner(&acme).await, app.member_id(&acme, "mira@acme.test").await);
        for _ in 0..2 {
            assert_eq!(act(&owner, &acme, "block_member", &member, &[]).await.status, 200);
            assert!(mira.get("/o/acme/members").await.is_refused());
        }
        let refused = app.browser().call("sign_in", &[("email", "mira@acme.test"), ("password", PASSWORD)]).await;
        assert_eq!((refused.status, refused.json.as_str()), (401, Some("WrongCredentials")), "like any sign-in that fails");
        for _ in 0..2 {
            assert_eq!(act(&owner, &acme, "unblock_member", &member, &[]).await.status, 200);
            assert!(mira.get("/o/acme/members").await.is_refused(), "her session stays dead");
        }
        app.sign_in("mira@acme.test", PASSWORD).await;
        let mut told: Vec<_> = app.audit(&acme).await.into_iter().filter(|row| row.action.contains("blocked")).map(|row| (row.action, row.details)).collect();
        told.sort();
        assert_eq!(told, [
            ("member.blocked".to_owned(), ["sessions ended: 1", "API sessions ended: 0", "access tokens ended: 0", "refresh tokens ended: 0", "personal tokens ended: 0", "device codes ended: 0", "activation links ended: 0"].map(str::to_owned).to_vec()),
            ("member.unblocked".to_owned(), vec![]),
        ]);
    }

    async fn no_directory_lifts_a_block(app) {
        let acme = app.org("Acme").await;
        let (person, mira) = app.join(&acme, "mira@acme.test").await;
        let (owner, member) = (app.owner(&acme).await, app.member_id(&acme, "mira@acme.test").await);
        assert_eq!(act(&owner, &acme, "block_member", &member, &[]).await.status, 200);
        let (idp, path) = (app.idp(&acme), format!("/Users/{}", person.id));
        for active in [true, false, true] {
            let answer = idp.patch(&path, patch_active(active)).await;
            // What the directory sees is its own wish: it would "repair" anything else in every cycle.
            assert_eq!((answer.status, &answer.json["active"]), (200, &active.into()));
        }
        assert_eq!(idp.delete(&path).await.status, 204);
        app.provision(&acme, "mira@acme.test").await;
        assert!(mira.get("/o/acme/members").await.is_refused());
        assert_eq!(app.browser().call("sign_in", &[("email", "mira@acme.test"), ("password", PASSWORD)]).await.status, 401);
        assert_eq!(app.mailed_link("mira@acme.test").await, None, "nobody who is blocked is invited");
        assert_eq!(act(&owner, &acme, "resend_activation", &member, &[]).await.status, 409);
        assert_eq!(app.database.number("SELECT count(*) FROM member_blocks").await, 1);
        assert_eq!(act(&owner, &acme, "unblock_member", &member, &[]).await.status, 200);
        assert_eq!(act(&owner, &acme, "resend_activation", &member, &[]).await.status, 200);
        app.activate("mira@acme.test").await;
    }

    async fn a_block_takes_links_and_waiting_mails_along(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        app.provision(&acme, "mira@acme.test").await;
        let link = app.mailed_link("mira@acme.test").await.unwrap();
        app.provision(&acme, "ben@acme.test").await;
        for email in ["mira@acme.test", "ben@acme.test"] {
            assert_eq!(act(&owner, &acme, "block_member", &app.member_id(&acme, email).await, &[]).await.status, 200);
        }
        assert_eq!(app.browser().call("activate", &[("link", &link), ("password", PASSWORD)]).await.status, 404);
        assert_eq!(app.mailed_link("ben@acme.test").await, None);
        // Nor does the mail go out late, once she is not blocked any more.
        assert_eq!(act(&owner, &acme, "unblock_member", &app.member_id(&acme, "ben@acme.test").await, &[]).await.status, 200);
        assert_eq!(app.mailed_link("ben@acme.test").await, None);
    }

    async fn an_invitation_is_a_link_that_works_once_for_seven_days(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let invite = async |email: &str, role: &str| owner.call("invite", &[("org", "acme"), ("name", "Mira Olsen"), ("email", email), ("role", role)]).await;
        assert_eq!(invite("mira@acme.test", "auditor").await.status, 200);
        let member = app.member(&acme, "mira@acme.test").await;
        assert_eq!((&member["name"], &member["managed_by"], &member["role"]), (&"Mira Olsen".into(), &"Manual".into(), &"auditor".into()));
        let link = app.mailed_link("mira@acme.test").await.unwrap();
        let browser = app.browser();
        let fields = [("link", link.as_str()), ("password", PASSWORD)];
        assert_eq!(browser.call("activate", &fields).await.status, 200);
        assert_eq!(browser.call("security", &[("org", "acme")]).await.status, 200, "with the role that came with it");
        assert_eq!(app.browser().call("activate", &fields).await.status, 404, "once");
        let told: Vec<_> = app.audit(&acme).await.into_iter().filter(|row| row.target.as_deref() == Some("Mira Olsen")).map(|row| row.action).collect();
        assert_eq!(told, ["role.granted", "access.began", "member.invited"]);

        assert_eq!(invite("late@acme.test", "").await.status, 200);
        let late = app.mailed_link("late@acme.test").await.unwrap();
        app.advance(Duration::from_secs(7 * 86_400 - 1));
        assert_eq!(app.browser().call("activation_link", &[("link", &late)]).await.status, 200);
        app.advance(Duration::from_secs(1));
        assert_eq!(app.browser().call("activate", &[("link", &late), ("password", PASSWORD)]).await.status, 404);
    }

    async fn without_scripts_an_invitation_leads_to_those_who_have_yet_to_activate(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let form = [("org", "acme"), ("name", "Noa Lind"), ("email", "noa@acme.test"), ("role", "")];
        let sent = owner.submit("invite", &form, "/o/acme/members/invite").await;
        assert_eq!((sent.status, sent.redirect()), (302, Some("/o/acme/members?status=pending")), "{}", sent.text);
        let list = owner.get("/o/acme/members?status=pending").await.text;
        assert!(list.contains("Noa Lind") && !list.contains("Acme&#x27;s owner"), "{list}");
    }

    async fn an_invitation_tells_nothing_of_other_organisations(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let (_, in_globex) = app.join(&globex, "mira@both.test").await;
        let owner = app.owner(&acme).await;
        let invite = async |email: &str| owner.call("invite", &[("org", "acme"), ("name", "Mira"), ("email", email)]).await;
        let (known, unknown) = (invite("mira@both.test").await, invite("new@both.test").await);
        assert_eq!((known.status, known.text), (unknown.status, unknown.text));
        let row = async |email: &str| {
            let mut row = app.member(&acme, email).await;
            for own in ["member", "email", "search_key"] {
                row[own] = serde_json::Value::Null;
            }
            row
        };
        assert_eq!(row("mira@both.test").await, row("new@both.test").await);
        // She proves herself with her own password; and nothing that she has elsewhere is touched.
        let link = app.mailed_link("mira@both.test").await.unwrap();
        let browser = app.browser();
        assert_eq!(browser.call("activate", &[("link", &link), ("password", "another long pass phrase")]).await.status, 422);
        assert_eq!(browser.call("activate", &[("link", &link), ("password", PASSWORD)]).await.status, 200);
        assert_eq!(in_globex.get("/o/globex/members").await.status, 200);
    }

    async fn who_cannot_be_invited_and_why(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let admin = app.member_as(&acme, "adam@acme.test", OrgRole::Admin).await;
        let (person, _) = app.join(&acme, "directory@acme.test").await;
        let (manual, _) = invited(&app, &acme, "manual@acme.test").await;
        let invite = async |browser: &Browser, name: &str, email: &str, role: &str| {
            browser.call("invite", &[("org", "acme"), ("name", name), ("email", email), ("role", role)]).await
        };
        for (name, email, role, field) in [
            ("", "new@acme.test", "", "name"),
            ("A", "not an address", "", "email"),
            ("A", "new@acme.test", "owner", "role"),
            ("A", "manual@acme.test", "", "email"),
            ("A", "MANUAL@acme.test", "", "email"),
        ] {
            let answer = invite(&owner, name, email, role).await;
            assert_eq!((answer.status, &answer.json["Invalid"]["field"]), (422, &field.into()), "{}", answer.text);
        }
        assert_eq!(invite(&admin, "A", "new@acme.test", "admin").await.status, 403, "an admin makes no admins");
        assert_eq!(app.database.number("SELECT count(*) FROM users WHERE email = 'new@acme.test'").await, 0, "what was refused left nothing");
        assert_eq!(invite(&admin, "A", "new@acme.test", "auditor").await.status, 200);

        for active in [true, false] {
            assert_eq!(app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(active)).await.status, 200);
            let answer = invite(&owner, "A", "directory@acme.test", "").await;
            assert_eq!(answer.status, 409, "{}", answer.text);
            assert!(answer.text.contains("identity provider"), "{}", answer.text);
        }
        // Who has left is invited anew: what she had stays dead, and she proves her address again.
        assert_eq!(act(&owner, &acme, "remove_member", &manual, &[]).await.status, 200);
        assert_eq!(act(&owner, &acme, "block_member", &manual, &[]).await.status, 200);
        assert_eq!(invite(&owner, "A", "manual@acme.test", "").await.status, 409, "blocked");
        assert_eq!(act(&owner, &acme, "unblock_member", &manual, &[]).await.status, 200);
        assert_eq!(invite(&owner, "Anna", "manual@acme.test", "").await.status, 200);
        assert_eq!(app.browser().call("sign_in", &[("email", "manual@acme.test"), ("password", PASSWORD)]).await.status, 401);
        app.activate("manual@acme.test").await;
        assert_eq!(app.member_id(&acme, "manual@acme.test").await, manual, "an organisation knows a person once");
        assert_eq!(app.member(&acme, "manual@acme.test").await["name"], "Anna");
    }

    async fn invitations_to_one_address_are_few(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        for round in 0..6 {
            let answer = owner.call("invite", &[("org", "acme"), ("name", "A"), ("email", "mira@acme.test")]).await;
            assert_eq!(answer.status, if round < 5 { 200 } else { 409 }, "{}", answer.text);
            if round < 5 {
                assert_eq!(act(&owner, &acme, "remove_member", &app.member_id(&acme, "mira@acme.test").await, &[]).await.status, 200);
            }
        }
        // Letting her in again is not about the mail.
        let mira = app.member_id(&acme, "mira@acme.test").await;
        assert_eq!(act(&owner, &acme, "restore_member", &mira, &[]).await.status, 200);
        assert_eq!(act(&owner, &acme, "resend_activation", &mira, &[]).await.status, 409);
    }

    async fn a_profile_is_changed_where_it_is_kept(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let (manual, mine) = invited(&app, &acme, "mira@acme.test").await;
        app.join(&acme, "directory@acme.test").await;
        let directory = app.member_id(&acme, "directory@acme.test").await;
        for (browser, name) in [(&mine, "Mira by herself"), (&owner, "Mira by the owner"), (&owner, "Mira by the owner")] {
            assert_eq!(act(browser, &acme, "edit_profile", &manual, &[("name", name)]).await.status, 200);
            assert_eq!(app.member(&acme, "mira@acme.test").await["name"], name);
        }
        assert_eq!(act(&mine, &acme, "edit_profile", &directory, &[("name", "X")]).await.status, 403);
        let refused = act(&owner, &acme, "edit_profile", &directory, &[("name", "X")]).await;
        assert_eq!(refused.status, 409);
        assert!(refused.text.contains("kept in the directory"), "{}", refused.text);
        assert_eq!(act(&owner, &acme, "edit_profile", &manual, &[("name", " ")]).await.json["Invalid"]["field"], "name");
        let mut told: Vec<_> = app.audit(&acme).await.into_iter().filter(|row| row.action == "member.profile_changed").map(|row| row.details).collect();
        told.sort();
        assert_eq!(told, [["name: Mira by herself → Mira by the owner"], ["name: mira → Mira by herself"]]);
    }

    async fn sessions_are_ended_one_by_one_or_all_at_once(app) {
        let acme = app.org("Acme").await;
        let (_, first) = app.join(&acme, "mira@acme.test").await;
        let second = app.sign_in("mira@acme.test", PASSWORD).await;
        let (_, ben) = app.join(&acme, "ben@acme.test").await;
        let (owner, member) = (app.owner(&acme).await, app.member_id(&acme, "mira@acme.test").await);
        let alive = async |browser: &Browser| !browser.get("/o/acme/members").await.is_refused();

        assert_eq!(act(&ben, &acme, "end_session", &member, &[("session", &handle(&first))]).await.status, 403, "not hers");
        assert_eq!(act(&ben, &acme, "end_sessions", &member, &[]).await.status, 403);
        assert_eq!(act(&owner, &acme, "end_session", &member, &[("session", &handle(&ben))]).await.status, 404, "another's session");
        assert_eq!(act(&first, &acme, "end_session", &member, &[("session", &handle(&second))]).await.status, 200);
        assert!(alive(&first).await && !alive(&second).await);
        assert_eq!(act(&first, &acme, "end_session", &member, &[("session", &handle(&second))]).await.status, 404, "it has ended");

        let third = app.sign_in("mira@acme.test", PASSWORD).await;
        for _ in 0..2 {
            assert_eq!(act(&owner, &acme, "end_sessions", &member, &[]).await.status, 200);
        }
        assert!(!alive(&first).await && !alive(&third).await && alive(&ben).await && alive(&owner).await);
        let mut told: Vec<_> = app.audit(&acme).await.into_iter().filter(|row| row.action == "session.ended").map(|row| (row.actor, row.target, row.details)).collect();
        told.sort();
        let row = |actor: &str, target: Option<&str>, details: &[&str]| {
            (actor.to_owned(), target.map(str::to_owned), details.iter().map(|detail| (*detail).to_owned()).collect::<Vec<_>>())
        };
        let one = format!("session: {}", handle(&second));
        assert_eq!(told, [row("Acme's owner", Some("mira Olsen"), &["sessions ended: 2"]), row("mira Olsen", None, &["sessions ended: 1", &one])]);
    }
}

/// What a page calls the session of `browser`.
pub fn handle(browser: &Browser) -> String {
    let cookie = browser.cookie().unwrap();
    let id = cookie.split('=').nth(1).unwrap().parse::<tower_sessions::session::Id>().unwrap();
    let stored = Sha256::digest(id.0.to_le_bytes());
    Sha256::digest(stored)[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}
