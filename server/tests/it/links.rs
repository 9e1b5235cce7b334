//! A directory record that matches an owner, or somebody kept for emergencies, waits for an owner's word (law 2).

use domain::OrgRole;
use serde_json::json;

use crate::{
    grants::act,
    owners::grant_owner,
    people::invited,
    support::{Browser, Org, Page, TestApp, both_databases, patch_active, user},
};

async fn decide(browser: &Browser, org: &Org, function: &str, record: &str) -> Page {
    browser.call(function, &[("org", &org.slug), ("record", record)]).await
}

async fn waiting(app: &TestApp, org: &Org) -> Vec<String> {
    let answer = app.owner(org).await.call("held_links", &[("org", &org.slug)]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer
        .json
        .as_array()
        .unwrap()
        .iter()
        .map(|link| format!("{} {}", link["user_name"].as_str().unwrap(), link["name"].as_str().unwrap()))
        .collect()
}

fn subjects(alerts: Vec<(String, String)>) -> Vec<String> {
    alerts.into_iter().map(|(address, subject)| format!("{address} {subject}")).collect()
}

both_databases! {
    async fn an_approved_record_manages_her_from_then_on_and_not_before(app) {
        let acme = app.org("Acme").await;
        let (ada_id, ada) = invited(&app, &acme, "ada@acme.test").await;
        grant_owner(&app, &acme, "ada@acme.test").await;
        app.member_as(&acme, "adam@acme.test", OrgRole::Admin).await;
        let (idp, owner) = (app.idp(&acme), app.owner(&acme).await);

        let person = app.provision(&acme, "ada@acme.test").await;
        let path = format!("/Users/{}", person.id);
        assert_eq!(waiting(&app, &acme).await, ["ada@acme.test ada"]);
        let told = "Acme: a directory user waits for an owner's word";
        assert_eq!(subjects(app.alerts().await), [format!("ada@acme.test {told}"), format!("owner@acme.test {told}")]);
        // Until then nothing that the directory says acts on her, and saying it again alerts nobody.
        for active in [false, true, false, true] {
            assert_eq!(idp.patch(&path, patch_active(active)).await.status, 200);
        }
        assert_eq!(idp.patch(&path, json!([{ "op": "replace", "path": "displayName", "value": "Ada of the directory" }])).await.status, 200);
        assert_eq!(ada.call("security", &[("org", "acme")]).await.status, 200);
        let member = app.member(&acme, "ada@acme.test").await;
        assert_eq!((&member["name"], &member["managed_by"]), (&"ada".into(), &"Manual".into()));
        assert_eq!(app.alerts().await, []);
        assert_eq!(waiting(&app, &acme).await.len(), 1);

        assert_eq!(decide(&owner, &acme, "approve_link", &person.id).await.status, 200);
        assert_eq!(waiting(&app, &acme).await, [""; 0]);
        let member = app.member(&acme, "ada@acme.test").await;
        assert_eq!((&member["name"], &member["managed_by"], &member["role"]), (&"Ada of the directory".into(), &"Directory".into(), &"owner".into()));
        assert_eq!(member["member"], ada_id.as_str());
        assert_eq!(ada.call("security", &[("org", "acme")]).await.status, 200, "her session and her role by hand stay");
        assert_eq!(app.alerts().await.len(), 2);
        assert_eq!(decide(&owner, &acme, "approve_link", &person.id).await.status, 404, "it does not wait any more");

        // From now on the directory can end her access…
        assert_eq!(idp.patch(&path, patch_active(false)).await.status, 200);
        assert!(ada.get("/o/acme/members").await.is_refused());
        let mut actions: Vec<_> = app.audit(&acme).await.into_iter().filter(|row| row.action.starts_with("user.link")).map(|row| row.action).collect();
        actions.sort();
        assert_eq!(actions, ["user.link_approved", "user.link_refused", "user.link_refused", "user.link_refused"], "at the POST and at each return");
    }

    async fn an_approved_directory_does_not_end_the_last_owner(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let person = app.provision(&acme, &acme.owner_email).await;
        assert_eq!(app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(false)).await.status, 200);
        // The record is inactive: approving it would end her access at once.
        let refused = decide(&owner, &acme, "approve_link", &person.id).await;
        assert_eq!(refused.status, 409, "{}", refused.text);
        assert_eq!(waiting(&app, &acme).await.len(), 1, "nothing was changed");
        assert_eq!(app.member(&acme, &acme.owner_email).await["managed_by"], "Manual");
        assert!(app.audit(&acme).await.iter().any(|row| row.action == "access.last_owner_kept"));
        assert_eq!(app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(true)).await.status, 200);
        assert_eq!(decide(&owner, &acme, "approve_link", &person.id).await.status, 200);
        assert_eq!(app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(false)).await.status, 409, "unless she is the last");
        assert_eq!(owner.call("security", &[("org", "acme")]).await.status, 200);
    }

    async fn an_inactive_record_that_is_approved_ends_her_access(app) {
        let acme = app.org("Acme").await;
        let (_, ada) = invited(&app, &acme, "ada@acme.test").await;
        grant_owner(&app, &acme, "ada@acme.test").await;
        let person = app.provision(&acme, "ada@acme.test").await;
        assert_eq!(app.idp(&acme).patch(&format!("/Users/{}", person.id), patch_active(false)).await.status, 200);
        assert_eq!(decide(&app.owner(&acme).await, &acme, "approve_link", &person.id).await.status, 200);
        assert!(ada.get("/o/acme/members").await.is_refused());
        assert!(app.audit(&acme).await.iter().any(|row| row.action == "access.ended" && row.details.contains(&"cause: deactivated in the directory".to_owned())));
    }

    async fn a_declined_record_stays_declined_and_alerts_nobody_again(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let person = app.provision(&acme, &acme.owner_email).await;
        let path = format!("/Users/{}", person.id);
        assert_eq!(app.alerts().await.len(), 1);
        assert_eq!(decide(&owner, &acme, "decline_link", &person.id).await.status, 200);
        for active in [false, true] {
            assert_eq!(app.idp(&acme).patch(&path, patch_active(active)).await.status, 200);
        }
        assert_eq!(app.alerts().await, []);
        assert_eq!(waiting(&app, &acme).await, [""; 0]);
        for function in ["approve_link", "decline_link"] {
            assert_eq!(decide(&owner, &acme, function, &person.id).await.status, 404);
        }
        assert_eq!(app.member(&acme, &acme.owner_email).await["managed_by"], "Manual");
        // Another record is another question; how often a directory asks it, the owners are mailed once an hour.
        assert_eq!(app.idp(&acme).delete(&path).await.status, 204);
        for (later, mails) in [(0, 0), (3_600, 1), (0, 0)] {
            app.advance(std::time::Duration::from_secs(later));
            let again = app.provision(&acme, &acme.owner_email).await;
            assert_eq!((app.alerts().await.len(), waiting(&app, &acme).await.len()), (mails, 1));
            assert_eq!(app.idp(&acme).delete(&format!("/Users/{}", again.id)).await.status, 204);
        }
    }

    async fn a_record_that_is_deleted_waits_for_nobody(app) {
        let acme = app.org("Acme").await;
        let person = app.provision(&acme, &acme.owner_email).await;
        assert_eq!(app.idp(&acme).delete(&format!("/Users/{}", person.id)).await.status, 204);
        assert_eq!(waiting(&app, &acme).await, [""; 0]);
        assert_eq!(decide(&app.owner(&acme).await, &acme, "approve_link", &person.id).await.status, 404);
    }

    async fn who_is_kept_for_emergencies_is_unmarked_before_a_directory_manages_her(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let (glass, browser) = invited(&app, &acme, "glass@acme.test").await;
        assert_eq!(act(&owner, &acme, "set_break_glass", &glass, &[("on", "true")]).await.status, 200);
        let person = app.provision(&acme, "glass@acme.test").await;
        assert_eq!(subjects(app.alerts().await), ["owner@acme.test Acme: a directory user waits for an owner's word"], "she is no owner herself");
        assert_eq!(decide(&owner, &acme, "approve_link", &person.id).await.status, 409);
        assert_eq!(act(&owner, &acme, "set_break_glass", &glass, &[("on", "false")]).await.status, 200);
        assert_eq!(decide(&owner, &acme, "approve_link", &person.id).await.status, 200);
        assert_eq!(act(&owner, &acme, "set_break_glass", &glass, &[("on", "true")]).await.status, 409);
        assert_eq!(browser.get("/o/acme/members").await.status, 200);
    }

    async fn one_member_is_managed_by_one_record(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let first = app.provision(&acme, &acme.owner_email).await;
        let mut twin = user(&acme.owner_email);
        (twin["userName"], twin["externalId"]) = ("owner.twin".into(), "twin".into());
        let twin = app.idp(&acme).post("/Users", twin).await.json["id"].as_str().unwrap().to_owned();
        assert_eq!(waiting(&app, &acme).await.len(), 2);
        assert_eq!(decide(&owner, &acme, "approve_link", &first.id).await.status, 200);
        assert_eq!(decide(&owner, &acme, "approve_link", &twin).await.status, 409);
        assert_eq!(decide(&owner, &acme, "decline_link", &twin).await.status, 200);
        assert_eq!(waiting(&app, &acme).await, [""; 0]);
    }

    async fn another_organisations_records_are_nobodys_to_decide(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let person = app.provision(&globex, &globex.owner_email).await;
        let owner = app.owner(&acme).await;
        for function in ["approve_link", "decline_link"] {
            assert_eq!(decide(&owner, &acme, function, &person.id).await.status, 404);
        }
        assert_eq!(waiting(&app, &globex).await.len(), 1);
    }

    /// An owner approves while the directory deactivates, over and over: her access ends exactly when both have been heard.
    async fn approving_races_the_directory(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        for round in 0..crate::support::races() {
            let email = format!("ada{round}@acme.test");
            let (_, ada) = invited(&app, &acme, &email).await;
            grant_owner(&app, &acme, &email).await;
            let person = app.provision(&acme, &email).await;
            let (idp, path) = (app.idp(&acme), format!("/Users/{}", person.id));
            let (approved, left) = tokio::join!(decide(&owner, &acme, "approve_link", &person.id), idp.patch(&path, patch_active(false)));
            assert_eq!((approved.status, left.status), (200, 200), "{} {}", approved.text, left.text);
            assert!(ada.get("/o/acme/members").await.is_refused());
        }
    }
}
