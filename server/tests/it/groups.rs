//! Groups: who is in one is a row that comes and goes by itself.

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Idp, TestApp, both_databases, patch_active, races};

const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";

async fn people(app: &TestApp, org: &crate::support::Org, count: usize) -> Vec<String> {
    let mut ids = vec![];
    for number in 0..count {
        let body = json!({ "userName": format!("p{number}"), "displayName": format!("Person {number}"), "active": false });
        ids.push(app.idp(org).post("/Users", body).await.json["id"].as_str().unwrap().to_owned());
    }
    ids
}

async fn group(idp: &Idp, name: &str, members: &[&String]) -> String {
    let members: Vec<_> = members.iter().map(|id| json!({ "value": id })).collect();
    let answer = idp.post("/Groups", json!({ "schemas": [GROUP], "displayName": name, "members": members })).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json["id"].as_str().unwrap().to_owned()
}

async fn members(idp: &Idp, group: &str) -> Vec<String> {
    let answer = idp.get(&format!("/Groups/{group}")).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let mut ids: Vec<_> = answer.json["members"]
        .as_array()
        .map(|list| list.iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect())
        .unwrap_or_default();
    ids.sort_unstable();
    ids
}

fn sorted(ids: &[&String]) -> Vec<String> {
    let mut ids: Vec<_> = ids.iter().map(|id| (*id).clone()).collect();
    ids.sort_unstable();
    ids
}

both_databases! {
    async fn repeated_and_unknown_members_change_nothing_more(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let idp = app.idp(&acme);
        let ids = people(&app, &acme, 2).await;
        let theirs = app.provision(&globex, "mira@globex.test").await.id;
        let id = group(&idp, "Engineers", &[&ids[0]]).await;
        let path = format!("/Groups/{id}");
        let before = idp.get(&path).await.json;
        app.advance(std::time::Duration::from_secs(1));
        let nobody = "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10".to_owned();
        for operations in [
            json!([{ "op": "add", "path": "members", "value": [{ "value": ids[0] }] }]),
            json!([{ "op": "remove", "path": "members", "value": [{ "value": ids[1] }] }]),
            json!([{ "op": "remove", "path": format!("members[value eq \"{nobody}\"]") }]),
            json!([{ "op": "add", "path": "members", "value": [{ "value": nobody }, { "value": "u_01" }] }]),
            json!([{ "op": "add", "path": "members", "value": [{ "value": theirs }] }]),
            json!([{ "op": "replace", "path": "members", "value": [{ "value": ids[0] }, { "value": theirs }] }]),
        ] {
            assert_eq!(idp.patch(&path, operations.clone()).await.status, 204, "{operations}");
            assert_eq!(idp.get(&path).await.json, before, "{operations}");
        }
        // One that is known comes in beside those that are not.
        assert_eq!(idp.patch(&path, json!([{ "op": "add", "value": { "members": [{ "value": nobody }, { "value": ids[1] }] } }])).await.status, 204);
        assert_eq!(members(&idp, &id).await, sorted(&[&ids[0], &ids[1]]));
        // And when the second operation fails, the first has not happened.
        let failing = json!([{ "op": "remove", "path": "members", "value": [{ "value": ids[1] }] }, { "op": "replace", "path": "displayName", "value": "" }]);
        assert_eq!(idp.patch(&path, failing).await.status, 400);
        assert_eq!(members(&idp, &id).await, sorted(&[&ids[0], &ids[1]]));
    }

    async fn users_and_groups_leave_each_other(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let (mira, browser) = app.join(&acme, "mira@acme.test").await;
        let ben = app.provision(&acme, "ben@acme.test").await;
        let engineers = group(&idp, "Engineers", &[&mira.id, &ben.id]).await;
        let managers = group(&idp, "Managers", &[&mira.id]).await;
        let path = format!("/Users/{}", mira.id);
        let groups = |user: &Value| user["groups"].as_array().map(|list| list.iter().map(|group| group["display"].as_str().unwrap().to_owned()).collect::<Vec<_>>());
        let user = idp.get(&path).await.json;
        assert_eq!(groups(&user).unwrap(), ["Engineers", "Managers"]);
        assert_eq!((&user["groups"][0]["value"], &user["groups"][0]["type"]), (&engineers.as_str().into(), &"direct".into()));
        assert_eq!(groups(&idp.get("/Users?filter=userName%20eq%20%22mira@acme.test%22").await.json["Resources"][0]).unwrap().len(), 2);
        assert_eq!(idp.get(&format!("{path}?excludedAttributes=groups")).await.json.get("groups"), None);
        // Read-only from the user's side (SailPoint tries).
        assert_eq!(idp.put(&path, user.clone()).await.json["groups"], user["groups"]);

        // Deactivated, she stays in: Entra does not send her memberships again.
        idp.patch(&path, patch_active(false)).await;
        assert_eq!(members(&idp, &engineers).await, sorted(&[&mira.id, &ben.id]));
        idp.patch(&path, patch_active(true)).await;
        assert_eq!(idp.delete(&format!("/Groups/{managers}")).await.status, 204);
        assert_eq!(groups(&idp.get(&path).await.json).unwrap(), ["Engineers"]);
        assert!(browser.get("/o/acme/members").await.is_refused(), "of her deactivation");
        assert_eq!(idp.delete(&path).await.status, 204);
        assert_eq!(members(&idp, &engineers).await, sorted(&[&ben.id]));
    }

    async fn a_groups_name_and_external_id_are_its_own(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let idp = app.idp(&acme);
        let first = group(&idp, "Engineers", &[]).await;
        let second = group(&idp, "Managers", &[]).await;
        for answer in [
            idp.post("/Groups", json!({ "displayName": "ENGINEERS" })).await,
            idp.put(&format!("/Groups/{second}"), json!({ "displayName": "Engineers" })).await,
            idp.patch(&format!("/Groups/{second}"), json!([{ "op": "replace", "path": "displayName", "value": "engineers" }])).await,
        ] {
            assert_eq!((answer.status, &answer.json["scimType"]), (409, &"uniqueness".into()), "{}", answer.text);
        }
        assert_eq!(app.idp(&globex).post("/Groups", json!({ "displayName": "Engineers" })).await.status, 201, "another organisation's is another's");
        for answer in [app.idp(&globex).get(&format!("/Groups/{first}")).await, app.idp(&globex).delete(&format!("/Groups/{first}")).await] {
            assert_eq!(answer.status, 404);
        }
        assert_eq!(idp.delete(&format!("/Groups/{first}")).await.status, 204);
        assert_eq!(idp.post("/Groups", json!({ "displayName": "Engineers" })).await.status, 201, "a deleted one conflicts with nothing");
        assert_eq!(idp.post("/Groups", json!({})).await.json["scimType"], "invalidValue");
        assert_eq!(idp.get("/Groups/g_01").await.status, 404);
        assert_eq!(idp.get("/Groups?filter=nonsense%20eq%201").await.status, 400);
    }

    async fn parallel_changes_of_one_group_lose_nothing(app) {
        let acme = app.org("Acme").await;
        let ids = people(&app, &acme, 20).await;
        for round in 0..races().div_ceil(4) {
            let id = group(&app.idp(&acme), &format!("Group {round}"), &ids[..10].iter().collect::<Vec<_>>()).await;
            let mut patches = JoinSet::new();
            for (number, user) in ids.iter().enumerate() {
                // The first ten go, the others come, each by a request of its own.
                let operation = if number < 10 {
                    json!([{ "op": "Remove", "path": "members", "value": [{ "value": user }] }])
                } else {
                    json!([{ "op": "Add", "path": "members", "value": [{ "value": user }] }])
                };
                let (idp, path) = (app.idp(&acme), format!("/Groups/{id}"));
                patches.spawn(async move { idp.patch(&path, operation).await.status });
            }
            assert!(patches.join_all().await.iter().all(|status| *status == 204));
            assert_eq!(members(&app.idp(&acme), &id).await, sorted(&ids[10..].iter().collect::<Vec<_>>()));
            let version = app.idp(&acme).get(&format!("/Groups/{id}")).await.json["meta"]["version"].as_str().unwrap().to_owned();
            assert_eq!(version, "W/\"21\"", "each change counts once");
        }
    }

    async fn a_user_deleted_while_she_is_added_is_in_no_group(app) {
        let acme = app.org("Acme").await;
        let id = group(&app.idp(&acme), "Engineers", &[]).await;
        for round in 0..races() {
            let body = json!({ "userName": format!("racer{round}"), "active": false });
            let user = app.idp(&acme).post("/Users", body).await.json["id"].as_str().unwrap().to_owned();
            let (adds, deletes) = (app.idp(&acme), app.idp(&acme));
            let (group_path, user_path) = (format!("/Groups/{id}"), format!("/Users/{user}"));
            let add = json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }]);
            let (added, deleted) = tokio::join!(adds.patch(&group_path, add), deletes.delete(&user_path));
            assert_eq!((added.status, deleted.status), (204, 204));
        }
        assert_eq!(app.database.number("SELECT count(*) FROM scim_group_members").await, 0);
    }

    async fn ten_thousand_members_come_and_go_in_one_request(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let id = group(&idp, "Everybody", &[]).await;
        let template = people(&app, &acme, 1).await.remove(0);
        let ids = app.crowd(&acme, 10_000).await;
        let list = |ids: &[String]| ids.iter().map(|id| json!({ "value": id })).collect::<Vec<_>>();
        let path = format!("/Groups/{id}");
        assert_eq!(idp.patch(&path, json!([{ "op": "add", "path": "members", "value": list(&ids) }])).await.status, 204);
        assert_eq!(idp.get(&path).await.json["members"].as_array().unwrap().len(), 10_000);
        assert_eq!(idp.patch(&path, json!([{ "op": "add", "path": "members", "value": [{ "value": template }] }])).await.status, 204);
        assert_eq!(idp.patch(&path, json!([{ "op": "remove", "path": "members", "value": list(&ids) }])).await.status, 204);
        assert_eq!(members(&idp, &id).await, [template]);

        // More members than an answer holds, in groups that are not too large by themselves: the page is shorter.
        for number in 0..11 {
            group(&idp, &format!("Large {number:02}"), &[]).await;
        }
        let fill = "INSERT INTO scim_group_members (org_id, group_id, user_id, added_at)
                    SELECT g.org_id, g.id, u.id, 0 FROM scim_groups g JOIN scim_users u ON u.org_id = g.org_id WHERE g.display_name LIKE 'Large%' AND u.user_name LIKE 'n%'";
        app.database.try_run(fill).await.unwrap();
        let page = idp.get("/Groups?startIndex=1&count=100").await;
        assert_eq!((page.status, &page.json["totalResults"], &page.json["itemsPerPage"]), (200, &12.into(), &10.into()));
        let rest = idp.get("/Groups?startIndex=11&count=100").await.json;
        assert_eq!(rest["itemsPerPage"], 2);
        assert_eq!(idp.get("/Groups?excludedAttributes=members").await.json["itemsPerPage"], 12);
    }
}
