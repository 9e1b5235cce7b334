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
    /// Okta 1.6: match, create, rename before every change, add and remove, push all, put, delete.
    async fn okta_pushes_a_group(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let ids = people(&app, &acme, 3).await;
        let find = "/Groups?filter=displayName%20eq%20%22Acme%20Engineers%22&startIndex=1&count=100";
        assert_eq!(idp.get(find).await.json["totalResults"], 0);
        let created = idp.post("/Groups", json!({ "schemas": [GROUP], "displayName": "Acme Engineers", "members": [] })).await;
        assert_eq!((created.status, &created.json["displayName"], &created.json["members"]), (201, &"Acme Engineers".into(), &json!([])));
        assert_eq!(created.headers["location"], created.json["meta"]["location"].as_str().unwrap());
        let id = created.json["id"].as_str().unwrap().to_owned();
        let path = format!("/Groups/{id}");
        assert_eq!(idp.get(find).await.json["Resources"][0]["id"], id.as_str());
        assert_eq!(idp.get("/Groups?filter=displayName%20eq%20%22acme%20ENGINEERS%22").await.json["totalResults"], 1);

        let rename = json!([{ "op": "replace", "value": { "id": id, "displayName": "Acme Engineers" } }]);
        assert_eq!(idp.patch(&path, rename.clone()).await.status, 204);
        assert_eq!(idp.get(&path).await.json["meta"]["version"], "W/\"1\"", "a rename to the same name is nothing");
        let both = json!([
            { "op": "remove", "path": format!("members[value eq \"{}\"]", ids[1]) },
            { "op": "add", "path": "members", "value": [{ "value": ids[0], "display": "p0" }] }
        ]);
        assert_eq!(idp.patch(&path, both).await.status, 204);
        assert_eq!(members(&idp, &id).await, sorted(&[&ids[0]]));
        let all = json!([{ "op": "replace", "path": "members", "value": [{ "value": ids[0] }, { "value": ids[2] }] }]);
        assert_eq!(idp.patch(&path, all).await.status, 204);
        assert_eq!(members(&idp, &id).await, sorted(&[&ids[0], &ids[2]]));
        assert_eq!(idp.patch(&path, json!([{ "op": "replace", "value": { "id": id, "displayName": "Acme Engineers", "members": [] } }])).await.status, 204);
        assert_eq!(members(&idp, &id).await, Vec::<String>::new());
        let put = idp.put(&path, json!({ "schemas": [GROUP], "id": id, "displayName": "Acme Engineering", "members": [{ "value": ids[1], "display": "p1" }] })).await;
        assert_eq!((put.status, &put.json["displayName"], &put.json["members"][0]["display"]), (200, &"Acme Engineering".into(), &"Person 1".into()));
        // Absent, `members` keeps who is there.
        assert_eq!(idp.put(&path, json!({ "displayName": "Acme Engineering" })).await.json["members"][0]["value"], ids[1].as_str());
        assert_eq!(idp.delete(&path).await.status, 204);
        assert_eq!((idp.get(&path).await.status, idp.delete(&path).await.status), (404, 404));
    }

    /// Entra 2.6 and 2.7, mixed in one tenant.
    async fn entra_pushes_a_group_in_both_dialects(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let ids = people(&app, &acme, 3).await;
        let created = idp.post("/Groups", json!({
            "schemas": [GROUP, "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"],
            "externalId": "8aa1a0c0", "displayName": "Acme Engineers", "meta": { "resourceType": "Group" }
        })).await;
        assert_eq!((created.status, &created.json["externalId"]), (201, &"8aa1a0c0".into()));
        let id = created.json["id"].as_str().unwrap().to_owned();
        let path = format!("/Groups/{id}");
        for user in &ids {
            assert_eq!(idp.patch(&path, json!([{ "op": "Add", "path": "members", "value": [{ "$ref": null, "value": user }] }])).await.status, 204);
        }
        // Removal with a value array removes just those, not everybody.
        assert_eq!(idp.patch(&path, json!([{ "op": "Remove", "path": "members", "value": [{ "$ref": null, "value": ids[0] }] }])).await.status, 204);
        assert_eq!(members(&idp, &id).await, sorted(&[&ids[1], &ids[2]]));
        assert_eq!(idp.patch(&path, json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", ids[1]) }])).await.status, 204);
        assert_eq!(members(&idp, &id).await, sorted(&[&ids[2]]));
        let without = idp.get(&format!("{path}?excludedAttributes=members")).await.json;
        assert_eq!((without.get("members"), without["displayName"].as_str()), (None, Some("Acme Engineers")));
        for (filter, found) in [
            (format!("id eq \"{id}\" and members eq \"{}\"", ids[2]), 1),
            (format!("id eq \"{id}\" and members eq \"{}\"", ids[0]), 0),
            (format!("members[value eq \"{}\"]", ids[2]), 1),
            ("externalId eq \"8aa1a0c0\"".to_owned(), 1),
        ] {
            let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("filter", &filter).finish();
            assert_eq!(idp.get(&format!("/Groups?{query}&excludedAttributes=members")).await.json["totalResults"], found, "{filter}");
        }
        let renamed = idp.patch(&format!("{path}?attributes=displayName"), json!([{ "op": "Replace", "path": "displayName", "value": "Acme Eng" }])).await;
        assert_eq!((renamed.status, &renamed.json["displayName"]), (200, &"Acme Eng".into()));
    }

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
        // Made in the database: ten thousand requests would test something else.
        let copy = if app.state.db.is_postgres() {
            "INSERT INTO scim_users (id, org_id, connection_id, user_name, user_name_key, active, attributes, version, created_at, updated_at)
             SELECT gen_random_uuid(), org_id, connection_id, 'n' || n, 'n' || n, false, '{}', 1, 0, 0 FROM scim_users, generate_series(1, 10000) n"
        } else {
            "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < 10000)
             INSERT INTO scim_users (id, org_id, connection_id, user_name, user_name_key, active, attributes, version, created_at, updated_at)
             SELECT randomblob(16), org_id, connection_id, 'n' || n, 'n' || n, false, '{}', 1, 0, 0 FROM scim_users, s"
        };
        app.database.try_run(copy).await.unwrap();
        let hex = if app.state.db.is_postgres() { "SELECT id::text FROM scim_users WHERE user_name LIKE 'n%'" } else { "SELECT lower(hex(id)) FROM scim_users WHERE user_name LIKE 'n%'" };
        let ids: Vec<String> = app.database.texts(hex).await.iter().map(|text| hyphenated(text)).collect();
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

fn hyphenated(text: &str) -> String {
    let hex: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}
