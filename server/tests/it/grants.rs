//! Roles that people grant by hand: who may, with what proof, who hears of it, and that an owner stays.

use std::time::Duration;

use domain::OrgRole;

use crate::{
    owners::{demote_founder, directory_owner},
    support::{Browser, Org, PASSWORD, Page, TestApp, both_databases, races},
};

/// Do something to `member` as `browser`: `(function, what it takes besides)`.
pub async fn act(browser: &Browser, org: &Org, function: &str, member: &str, more: &[(&str, &str)]) -> Page {
    let fields = [&[("org", org.slug.as_str()), ("member", member)][..], more].concat();
    browser.call(function, &fields).await
}

const fn up_to(role: OrgRole) -> Option<OrgRole> {
    Some(role)
}

/// A server function, its arguments beside the member, and the strongest role of those to whom an admin may do it.
type Act = (&'static str, &'static [(&'static str, &'static str)], Option<OrgRole>);

/// What an admin may do to whom at most, each with the owner's share: everything. Auditors and members may do none of it.
const ACTS: [Act; 14] = [
    ("grant_role", &[("role", "auditor")], up_to(OrgRole::Auditor)),
    ("grant_role", &[("role", "admin")], None),
    ("grant_role", &[("role", "owner")], None),
    ("revoke_role", &[("role", "auditor")], up_to(OrgRole::Auditor)),
    ("revoke_role", &[("role", "admin")], None),
    ("revoke_role", &[("role", "owner")], None),
    ("set_break_glass", &[("on", "true")], None),
    ("set_break_glass", &[("on", "false")], None),
    ("restore_member", &[], up_to(OrgRole::Auditor)),
    ("edit_profile", &[("name", "Another Name")], up_to(OrgRole::Auditor)),
    ("end_sessions", &[], up_to(OrgRole::Auditor)),
    ("unblock_member", &[], up_to(OrgRole::Auditor)),
    ("block_member", &[], up_to(OrgRole::Auditor)),
    ("remove_member", &[], up_to(OrgRole::Auditor)),
];

both_databases! {
    async fn nobody_reaches_her_own_role_or_a_higher_one_but_owners(app) {
        let acme = app.org("Acme").await;
        let mut number = 0;
        for actor in OrgRole::ALL {
            let browser = app.member_as(&acme, &format!("{}@actors.test", actor.as_str()), actor).await;
            for target in OrgRole::ALL {
                number += 1;
                let email = format!("p{number}@acme.test");
                app.member_as(&acme, &email, target).await;
                let member = app.member_id(&acme, &email).await;
                for (function, more, at_most) in ACTS {
                    let allowed = match actor {
                        OrgRole::Owner => true,
                        OrgRole::Admin => at_most.is_some_and(|most| target <= most),
                        _ => false,
                    };
                    let answer = act(&browser, &acme, function, &member, more).await;
                    let what = format!("{actor:?} {function} {more:?} {target:?}: {}", answer.text);
                    assert_eq!(answer.status != 403, allowed, "{what}");
                    // Where she may, it is done, or does not fit: she has access, the directory keeps her profile.
                    assert!([200, 403, 409].contains(&answer.status), "{what}");
                }
            }
        }
    }

    async fn a_role_by_hand_counts_at_once_is_told_once_and_goes_at_once(app) {
        let acme = app.org("Acme").await;
        let (_, mira) = app.join(&acme, "mira@acme.test").await;
        let (owner, member) = (app.owner(&acme).await, app.member_id(&acme, "mira@acme.test").await);
        let sees = async || mira.call("security", &[("org", "acme")]).await.status;
        assert_eq!(sees().await, 403);
        for _ in 0..2 {
            assert_eq!(act(&owner, &acme, "grant_role", &member, &[("role", "auditor")]).await.status, 200);
            assert_eq!(sees().await, 200);
        }
        assert_eq!(app.database.number("SELECT count(*) FROM role_grants WHERE role = 'auditor' AND request_id IS NOT NULL").await, 1);
        for _ in 0..2 {
            assert_eq!(act(&owner, &acme, "revoke_role", &member, &[("role", "auditor")]).await.status, 200);
            assert_eq!(sees().await, 403);
        }
        let mut told: Vec<_> = app.audit(&acme).await.into_iter().filter(|row| row.action.starts_with("role.")).map(|row| (row.action, row.actor, row.target.unwrap(), row.details)).collect();
        told.sort();
        let by = "Acme's owner".to_owned();
        let row = |action: &str, moved: &str| {
            let details = vec!["role: Auditor".to_owned(), format!("role in force: {moved}")];
            (action.to_owned(), by.clone(), "mira Olsen".to_owned(), details)
        };
        assert_eq!(told, [row("role.granted", "Member → Auditor"), row("role.revoked", "Auditor → Member")]);
    }

    async fn what_cannot_be_granted_says_why(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        app.provision(&acme, "new@acme.test").await;
        app.join(&acme, "blocked@acme.test").await;
        let (new, blocked) = (app.member_id(&acme, "new@acme.test").await, app.member_id(&acme, "blocked@acme.test").await);
        assert_eq!(act(&owner, &acme, "block_member", &blocked, &[]).await.status, 200);
        for member in [&new, &blocked] {
            let answer = act(&owner, &acme, "grant_role", member, &[("role", "owner")]).await;
            assert_eq!(answer.status, 409, "an owner has to be able to act: {}", answer.text);
            assert_eq!(act(&owner, &acme, "grant_role", member, &[("role", "admin")]).await.status, 200, "she has it once she can act");
        }
        let base = act(&owner, &acme, "grant_role", &new, &[("role", "member")]).await;
        assert_eq!((base.status, &base.json["Invalid"]["field"]), (422, &"role".into()));
        assert_eq!(act(&owner, &acme, "remove_member", &new, &[]).await.status, 200);
        assert_eq!(act(&owner, &acme, "grant_role", &new, &[("role", "admin")]).await.status, 409, "no access, no role");
        assert_eq!(act(&owner, &acme, "revoke_role", &new, &[("role", "admin")]).await.status, 200, "nothing is there to be taken away");
    }

    async fn owner_needs_a_password_of_the_last_fifteen_minutes(app) {
        let acme = app.org("Acme").await;
        app.join(&acme, "ada@acme.test").await;
        app.join(&acme, "ben@acme.test").await;
        let (ada, ben) = (app.member_id(&acme, "ada@acme.test").await, app.member_id(&acme, "ben@acme.test").await);
        let owner = app.owner(&acme).await;
        let make = async |member: &str, password: &str| act(&owner, &acme, "grant_role", member, &[("role", "owner"), ("password", password)]).await;
        app.advance(Duration::from_secs(15 * 60 - 1));
        assert_eq!(make(&ada, "").await.status, 200, "14 min 59 s");
        app.advance(Duration::from_secs(1));
        let late = make(&ben, "").await;
        assert_eq!((late.status, late.json.as_str()), (403, Some("PasswordNeeded")), "15 min");
        // What is no owner's matter needs none.
        assert_eq!(act(&owner, &acme, "grant_role", &ben, &[("role", "admin")]).await.status, 200);
        // Each act that concerns an owner.
        for (function, more) in [("revoke_role", &[("role", "owner")][..]), ("remove_member", &[]), ("block_member", &[]), ("unblock_member", &[]), ("set_break_glass", &[("on", "true")])] {
            let answer = act(&owner, &acme, function, &ada, more).await;
            assert_eq!((answer.status, answer.json.as_str()), (403, Some("PasswordNeeded")), "{function}");
        }
        let wrong = make(&ben, "not her password").await;
        assert_eq!((wrong.status, &wrong.json["Invalid"]["field"]), (422, &"password".into()));
        assert_eq!(app.database.number("SELECT count(*) FROM role_grants WHERE role = 'owner'").await, 2);
        assert_eq!(make(&ben, PASSWORD).await.status, 200);
        // And now it counts as just given.
        assert_eq!(act(&owner, &acme, "revoke_role", &ben, &[("role", "owner")]).await.status, 200);

        app.advance(Duration::from_secs(16 * 60));
        for _ in 0..10 {
            assert_eq!(make(&ben, "a guess").await.status, 422);
        }
        assert_eq!(make(&ben, PASSWORD).await.status, 429, "guesses are counted");
        assert_eq!(owner.call("confirm_password", &[("org", "acme"), ("password", PASSWORD)]).await.status, 429);
        app.advance(Duration::from_secs(16 * 60));
        assert_eq!(owner.call("confirm_password", &[("org", "acme"), ("password", PASSWORD)]).await.status, 200);
        assert_eq!(make(&ben, "").await.status, 200);
    }

    /// Somebody without a session guesses at her password, and she has a token to revoke meanwhile.
    async fn a_strangers_guesses_keep_no_owner_from_giving_her_password_again(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let token = owner.call("security", &[("org", "acme")]).await.json["tokens"][0]["id"].as_str().unwrap().to_owned();
        app.advance(Duration::from_secs(16 * 60));
        for _ in 0..11 {
            app.browser().call("sign_in", &[("email", &acme.owner_email), ("password", "a guess")]).await;
        }
        assert_eq!(app.browser().call("sign_in", &[("email", &acme.owner_email), ("password", PASSWORD)]).await.status, 429);
        let revoke = async || owner.call("revoke_token", &[("org", "acme"), ("token", token.as_str())]).await;
        assert_eq!(revoke().await.json.as_str(), Some("PasswordNeeded"));
        assert_eq!(owner.call("confirm_password", &[("org", "acme"), ("password", PASSWORD)]).await.status, 200);
        assert_eq!(revoke().await.status, 200);
        // Nor do her own slips shut the way in.
        for _ in 0..11 {
            owner.call("confirm_password", &[("org", "acme"), ("password", "a slip")]).await;
        }
        assert_eq!(owner.call("confirm_password", &[("org", "acme"), ("password", PASSWORD)]).await.status, 429);
        app.advance(Duration::from_secs(16 * 60));
        assert_eq!(owner.call("confirm_password", &[("org", "acme"), ("password", PASSWORD)]).await.status, 200);
    }

    async fn every_owner_hears_of_every_owner_made_and_unmade_and_nobody_else_does(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        directory_owner(&app, &acme, "ada@acme.test").await;
        app.member_as(&acme, "adam@acme.test", OrgRole::Admin).await;
        app.join(&acme, "ben@acme.test").await;
        app.join(&globex, "ben@acme.test").await;
        let (owner, ben) = (app.owner(&acme).await, app.member_id(&acme, "ben@acme.test").await);
        let to = |addresses: &[&str], subject: &str| addresses.iter().map(|address| ((*address).to_owned(), format!("Acme: {subject}"))).collect::<Vec<_>>();
        assert_eq!(app.alerts().await, []);

        assert_eq!(act(&owner, &acme, "grant_role", &ben, &[("role", "owner")]).await.status, 200);
        let all = ["ada@acme.test", "ben@acme.test", "owner@acme.test"];
        assert_eq!(app.alerts().await, to(&all, "somebody is an owner now"));
        assert_eq!(act(&owner, &acme, "grant_role", &ben, &[("role", "owner")]).await.status, 200);
        assert_eq!(app.alerts().await, [], "nothing has changed");

        assert_eq!(act(&owner, &acme, "revoke_role", &ben, &[("role", "owner")]).await.status, 200);
        assert_eq!(app.alerts().await, to(&all, "an owner is none any more"), "who loses it hears of it");
        assert_eq!(act(&owner, &acme, "grant_role", &ben, &[("role", "admin")]).await.status, 200);
        assert_eq!(app.alerts().await, []);

        let ada = app.member_id(&acme, "ada@acme.test").await;
        assert_eq!(act(&owner, &acme, "block_member", &ada, &[]).await.status, 200);
        assert_eq!(app.alerts().await, to(&["ada@acme.test", "owner@acme.test"], "an owner was blocked"));
        assert_eq!(act(&owner, &acme, "remove_member", &ada, &[]).await.status, 200);
        // Whose access has ended is told nothing more.
        assert_eq!(app.alerts().await, to(&["owner@acme.test"], "an owner has left"));
    }

    async fn names_that_somebody_else_chose_stay_within_their_line(app) {
        let acme = app.org("Acme").await;
        let body = serde_json::json!({ "userName": "eve@acme.test", "emails": [{ "value": "eve@acme.test" }], "displayName": format!("Eve\r\nBcc: all@evil.test\r\n\r\n{}", "x".repeat(400)) });
        assert_eq!(app.idp(&acme).post("/Users", body).await.status, 201);
        app.activate("eve@acme.test").await;
        let (owner, eve) = (app.owner(&acme).await, app.member_id(&acme, "eve@acme.test").await);
        assert_eq!(act(&owner, &acme, "grant_role", &eve, &[("role", "owner")]).await.status, 200);
        let mails = app.mails().await;
        assert_eq!(mails.len(), 2);
        for mail in mails {
            let directory::mail::Content::Alert { subject, lines, .. } = mail.content else { panic!("an alert") };
            assert_eq!(subject, "Acme: somebody is an owner now");
            assert!(lines.iter().all(|line| !line.contains(char::is_control) && line.chars().count() < 200), "{lines:?}");
            assert!(lines[0].starts_with("Acme's owner made Eve Bcc: all@evil.test xxx"), "{lines:?}");
            assert!(lines[1].starts_with("Request: "), "{lines:?}");
        }
    }

    async fn an_owner_who_has_left_since_gets_no_alert_that_still_waits(app) {
        let acme = app.org("Acme").await;
        let (ada, _) = directory_owner(&app, &acme, "ada@acme.test").await;
        app.join(&acme, "ben@acme.test").await;
        let (owner, ben) = (app.owner(&acme).await, app.member_id(&acme, "ben@acme.test").await);
        assert_eq!(act(&owner, &acme, "grant_role", &ben, &[("role", "owner")]).await.status, 200);
        assert_eq!(app.idp(&acme).patch(&format!("/Users/{}", ada.id), crate::support::patch_active(false)).await.status, 200);
        let told: Vec<_> = app.alerts().await.into_iter().map(|(address, _)| address).collect();
        assert_eq!(told, ["ben@acme.test", "ben@acme.test", "owner@acme.test", "owner@acme.test"], "of the new owner, and of the one who left");
    }

    async fn the_last_active_owner_stays_whoever_asks(app) {
        let acme = app.org("Acme").await;
        let (owner, founder) = (app.owner(&acme).await, app.member_id(&acme, &acme.owner_email).await);
        // Another owner who cannot act is none.
        directory_owner(&app, &acme, "ada@acme.test").await;
        let ada = app.member_id(&acme, "ada@acme.test").await;
        assert_eq!(act(&owner, &acme, "block_member", &ada, &[]).await.status, 200);
        app.mails().await;
        for (function, more) in [("revoke_role", &[("role", "owner")][..]), ("remove_member", &[]), ("block_member", &[])] {
            let answer = act(&owner, &acme, function, &founder, more).await;
            assert_eq!(answer.status, 409, "{function}: {}", answer.text);
            assert_eq!(owner.call("security", &[("org", "acme")]).await.status, 200, "{function} has changed nothing");
        }
        let kept: Vec<_> = app.audit(&acme).await.into_iter().filter(|row| row.action == "access.last_owner_kept").map(|row| row.actor).collect();
        assert_eq!(kept, ["Acme's owner"; 3]);
        // One mail an hour, whatever is tried and by whom.
        let told: Vec<_> = app.alerts().await;
        assert_eq!(told, [("ada@acme.test".to_owned(), "Acme: the last owner was kept".to_owned()), ("owner@acme.test".to_owned(), "Acme: the last owner was kept".to_owned())]);
        app.advance(Duration::from_secs(3_600));
        let owner = app.owner(&acme).await;
        assert_eq!(act(&owner, &acme, "remove_member", &founder, &[]).await.status, 409);
        assert_eq!(app.alerts().await.len(), 2);

        assert_eq!(act(&owner, &acme, "unblock_member", &ada, &[]).await.status, 200);
        assert_eq!(act(&owner, &acme, "remove_member", &founder, &[]).await.status, 200, "an owner may leave when another stays");
        assert!(owner.get("/o/acme/members").await.is_refused());
    }

    async fn a_directory_that_would_end_the_last_owner_makes_one_mail_an_hour(app) {
        let acme = app.org("Acme").await;
        let (ada, _) = directory_owner(&app, &acme, "ada@acme.test").await;
        demote_founder(&app, &acme).await;
        for _ in 0..3 {
            assert_eq!(app.idp(&acme).patch(&format!("/Users/{}", ada.id), crate::support::patch_active(false)).await.status, 409);
        }
        assert_eq!(app.alerts().await, [("ada@acme.test".to_owned(), "Acme: the last owner was kept".to_owned())]);
    }

    /// Two owners end each other at the same moment: one succeeds, and one owner stays.
    async fn two_owners_end_each_other_and_one_stays(app) {
        let ways: [(&str, &[(&str, &str)]); 3] = [("revoke_role", &[("role", "owner")]), ("remove_member", &[]), ("block_member", &[])];
        for round in 0..races() {
            let org = app.org(&format!("Org{round}")).await;
            let email = format!("ada@org{round}.test");
            let (_, ada) = directory_owner(&app, &org, &email).await;
            let founder = app.owner(&org).await;
            let (ada_id, founder_id) = (app.member_id(&org, &email).await, app.member_id(&org, &org.owner_email).await);
            let ((mine, with), (yours, and)) = (ways[round % 3], ways[(round / 3) % 3]);
            let (x, y) = tokio::join!(act(&ada, &org, mine, &founder_id, with), act(&founder, &org, yours, &ada_id, and));
            let done = [x.status, y.status].into_iter().filter(|status| *status == 200).count();
            assert_eq!(done, 1, "{mine} {}, {yours} {}: {} {}", x.status, y.status, x.text, y.text);
            assert_eq!(active_owners(&app, &org).await, 1);
        }
    }

    /// Two owners leave, demote or block themselves at the same moment: one may, the other is the last.
    async fn two_owners_leave_at_once_and_one_stays(app) {
        let ways: [(&str, &[(&str, &str)]); 3] = [("revoke_role", &[("role", "owner")]), ("remove_member", &[]), ("block_member", &[])];
        for round in 0..races() {
            let org = app.org(&format!("Org{round}")).await;
            let email = format!("ada@org{round}.test");
            let (_, ada) = directory_owner(&app, &org, &email).await;
            let founder = app.owner(&org).await;
            let (ada_id, founder_id) = (app.member_id(&org, &email).await, app.member_id(&org, &org.owner_email).await);
            let ((mine, with), (yours, and)) = (ways[round % 3], ways[(round / 3) % 3]);
            let (x, y) = tokio::join!(act(&ada, &org, mine, &ada_id, with), act(&founder, &org, yours, &founder_id, and));
            let mut statuses = [x.status, y.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 409], "{mine}, {yours}: {} {}", x.text, y.text);
            assert_eq!(active_owners(&app, &org).await, 1);
        }
    }

    async fn break_glass_is_for_whom_no_directory_manages(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        app.join(&acme, "mira@acme.test").await;
        let (mira, founder) = (app.member_id(&acme, "mira@acme.test").await, app.member_id(&acme, &acme.owner_email).await);
        assert_eq!(act(&owner, &acme, "set_break_glass", &mira, &[("on", "true")]).await.status, 409);
        for on in ["true", "true", "false", "false"] {
            assert_eq!(act(&owner, &acme, "set_break_glass", &founder, &[("on", on)]).await.status, 200);
            assert_eq!(app.member(&acme, &acme.owner_email).await["break_glass"], on == "true");
        }
        let mut told: Vec<_> = app.audit(&acme).await.into_iter().map(|row| row.action).filter(|action| action.contains("break_glass")).collect();
        told.sort();
        assert_eq!(told, ["member.break_glass_cleared", "member.break_glass_set"]);
    }
}

/// How many owners of `org` can act.
async fn active_owners(app: &TestApp, org: &Org) -> i64 {
    let sql = format!(
        "SELECT count(*) FROM role_grants g JOIN organizations o ON o.id = g.org_id JOIN memberships m ON m.id = g.membership_id
         WHERE o.slug = '{}' AND g.role = 'owner' AND m.member_id NOT IN (SELECT member_id FROM member_blocks)",
        org.slug
    );
    app.database.number(&sql).await
}
