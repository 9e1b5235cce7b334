//! Groups that are too large for one piece: read as a stream, changed as rows.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::{Idp, Org, TestApp, both_databases, filtered, id};

const MOST: usize = 100_000;

/// A group of `count` members and the group's path. Its members are made in the database.
async fn large(app: &TestApp, org: &Org, count: usize) -> (String, Vec<String>) {
    let members = app.crowd(org, count).await;
    let path = format!("/Groups/{}", id(&app.idp(org).post("/Groups", json!({ "displayName": "Everybody" })).await.json));
    let fill = "INSERT INTO scim_group_members (org_id, group_id, user_id, added_at)
                SELECT g.org_id, g.id, u.id, 0 FROM scim_groups g JOIN scim_users u ON u.org_id = g.org_id WHERE g.display_name = 'Everybody'";
    app.database.try_run(fill).await.unwrap();
    // Whatever is made later is later in lists.
    app.advance(Duration::from_millis(1));
    (path, members)
}

/// The group's members by their ids, each of which must be there once.
fn members(group: &Value) -> BTreeMap<&str, &Value> {
    let list = group["members"].as_array().unwrap_or_else(|| panic!("no members"));
    let members: BTreeMap<_, _> = list.iter().map(|member| (member["value"].as_str().unwrap(), member)).collect();
    assert_eq!(members.len(), list.len(), "nobody twice");
    members
}

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

fn change(op: &str, user: &str) -> Value {
    json!([{ "op": op, "path": "members", "value": [{ "value": user }] }])
}

async fn read(idp: &Idp, path: &str) -> Value {
    let answer = idp.get(path).await;
    assert_eq!(answer.status, 200, "{}", &answer.text[..answer.text.len().min(300)]);
    assert!(answer.json.is_object(), "whole and well-formed");
    answer.json
}

both_databases! {
    async fn a_hundred_thousand_members_are_read_and_changed_one_by_one(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let (path, ids) = large(&app, &acme, MOST - 1).await;
        let displayed = json!({ "userName": "mira", "displayName": "Mira Olsen", "active": false });
        let mira = id(&idp.post("/Users", displayed).await.json);
        let small = format!("/Groups/{}", id(&idp.post("/Groups", json!({ "displayName": "Few", "members": [{ "value": mira }] })).await.json));

        // One comes.
        assert_eq!(idp.patch(&path, change("add", &mira)).await.status, 204);
        let answer = idp.get(&path).await;
        let (whole, tag) = (&answer.json, answer.header("etag").unwrap().to_owned());
        assert_eq!((answer.status, tag.as_str(), whole["meta"]["version"].as_str()), (200, "W/\"2\"", Some("W/\"2\"")));
        assert_eq!(answer.header("content-location"), whole["meta"]["location"].as_str());
        let now = members(whole);
        let expected: BTreeSet<_> = ids.iter().chain([&mira]).map(String::as_str).collect();
        assert_eq!(now.len(), MOST);
        assert!(now.keys().copied().eq(expected), "everybody, and nobody else");
        let base = format!("https://id.rollcall.test/scim/{}/v2", acme.id);
        let shown = |user: &str| json!({ "value": user, "$ref": format!("{base}/Users/{user}"), "type": "User" });
        assert!(now.iter().all(|(user, member)| **member == shown(user)));

        // It looks like a small one.
        let few = read(&idp, &small).await;
        assert_eq!((keys(whole), keys(&whole["members"][0])), (keys(&few), keys(&few["members"][0])));

        // Whoever has it does not get it again, and whoever does not want members does not.
        let unchanged = idp.with_header("if-none-match", &tag).get(&path).await;
        assert_eq!((unchanged.status, unchanged.text.as_str(), unchanged.header("etag")), (304, "", Some(tag.as_str())));
        assert_eq!(idp.with_header("if-match", "\"9\"").get(&path).await.status, 412);
        let without = idp.get(&format!("{path}?excludedAttributes=members")).await;
        assert!(without.text.len() < 1_000 && without.json.get("members").is_none() && without.json["displayName"] == "Everybody");
        let named = read(&idp, &format!("{path}?attributes=members.value,members.display")).await;
        assert_eq!(keys(&named), BTreeSet::from(["id", "members", "schemas"]));
        let names = members(&named);
        assert_eq!((names.len(), names[mira.as_str()]["display"].as_str()), (MOST, Some("Mira Olsen")));
        // Who has no name to show is shown by her userName.
        let found = idp.find("/Users", "userName eq \"n77\"").await.resources()[0].clone();
        assert_eq!(names[id(&found).as_str()]["display"], "n77");
        assert!(names.values().all(|member| keys(member) == BTreeSet::from(["value", "display"])));
        let values = read(&idp, &format!("{path}?attributes=members.value")).await;
        assert!(members(&values).values().all(|member| keys(member) == BTreeSet::from(["value"])));
        drop(named);
        drop(values);

        // In a list, and one page.
        let list = read(&idp, &format!("/Groups?{}", filtered("displayName eq \"everybody\""))).await;
        assert_eq!((&list["totalResults"], &list["itemsPerPage"]), (&1.into(), &1.into()));
        assert_eq!(&list["Resources"][0], whole);
        drop(list);
        // Another group would be too much for the same answer: the page ends before it, and the next begins with it.
        let first = read(&idp, "/Groups?cursor=&attributes=displayName,members.value").await;
        assert_eq!((first["itemsPerPage"].clone(), &first["totalResults"]), (1.into(), &2.into()));
        let next = first["nextCursor"].as_str().unwrap();
        let second = read(&idp, &format!("/Groups?cursor={next}&attributes=displayName,members.value")).await;
        assert_eq!((&second["Resources"][0]["displayName"], second.get("nextCursor")), (&"Few".into(), None));
        assert_eq!(second["Resources"][0]["members"], json!([{ "value": mira }]));

        // One goes, and nobody with her.
        assert_eq!(idp.patch(&path, change("remove", &ids[5])).await.status, 204);
        assert_eq!(idp.patch(&path, json!([{ "op": "remove", "path": format!("members[value eq \"{}\"]", ids[6]) }])).await.status, 204);
        assert_eq!(idp.with_header("if-none-match", &tag).get(&format!("{path}?excludedAttributes=members")).await.status, 200);
        let rest = read(&idp, &path).await;
        let rest = members(&rest);
        let gone: Vec<_> = now.keys().filter(|user| !rest.contains_key(*user)).copied().collect();
        assert_eq!((rest.len(), BTreeSet::from_iter(gone)), (MOST - 2, BTreeSet::from([ids[5].as_str(), ids[6].as_str()])));
        let version = idp.get(&format!("{path}?excludedAttributes=members")).await;
        assert_eq!(version.header("etag"), Some("W/\"4\""), "each change counts once");
        assert_eq!(app.database.number("SELECT count(*) FROM scim_group_members").await, i64::try_from(MOST - 1).unwrap());
    }

    async fn one_member_more_can_be_changed_but_not_read_at_once(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let (path, ids) = large(&app, &acme, MOST + 1).await;
        let everybody = filtered("displayName eq \"Everybody\"");
        for path in [path.clone(), format!("{path}?attributes=members.value"), format!("/Groups?{everybody}"), format!("/?{everybody}")] {
            let answer = idp.get(&path).await;
            assert_eq!(answer.refusal(), (400, "tooMany"), "{path}");
            assert!(answer.json["detail"].as_str().unwrap().contains("excludedAttributes=members"), "{}", answer.text);
        }
        for path in [format!("{path}?excludedAttributes=members"), format!("{path}?attributes=displayName"), format!("/Groups?{everybody}&excludedAttributes=members")] {
            assert_eq!(idp.get(&path).await.status, 200, "{path}");
        }
        // Its size stands in the way of no change.
        assert_eq!(idp.patch(&path, json!([{ "op": "replace", "path": "displayName", "value": "All" }])).await.status, 204);
        // An answer that would be too large is no reason to call the change a failure.
        let put = idp.put(&path, json!({ "displayName": "Everyone" })).await;
        assert_eq!((put.status, &put.json["displayName"], put.json.get("members")), (200, &"Everyone".into(), None));
        assert_eq!(idp.find("/Groups", &format!("members.value eq \"{}\"", ids[9])).await.refusal().0, 400);
        let found = idp.get(&format!("/Groups?excludedAttributes=members&{}", filtered(&format!("members.value eq \"{}\"", ids[9])))).await;
        assert_eq!(found.json["totalResults"], 1);
        assert_eq!(idp.patch(&path, change("remove", &ids[0])).await.status, 204);
        assert_eq!(members(&read(&idp, &path).await).len(), MOST);
        assert_eq!(idp.patch(&path, change("add", &ids[0])).await.status, 204);
        assert_eq!(idp.get(&path).await.status, 400);
        assert_eq!(idp.delete(&path).await.status, 204);
        assert_eq!(app.database.number("SELECT count(*) FROM scim_group_members").await, 0);
    }

    async fn clients_that_do_not_read_leave_the_database_to_others(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let (path, _) = large(&app, &acme, 10_000).await;
        let mut unread = vec![];
        let refused = loop {
            let response = idp.unread(&path).await;
            if response.status() != 200 || unread.len() > 50 {
                break response.status();
            }
            unread.push(response);
        };
        assert_eq!(refused, 503);
        assert_eq!(unread.len(), (app.state.db.readers() / 4).max(1));
        // Everything else goes on.
        assert_eq!(idp.get(&format!("{path}?excludedAttributes=members")).await.status, 200);
        assert_eq!(idp.get("/Users?count=1").await.status, 200);
        drop(unread);
        // Whoever gives up makes room, as soon as that is noticed.
        while idp.get(&path).await.status == 503 {
            tokio::task::yield_now().await;
        }
        assert_eq!(members(&read(&idp, &path).await).len(), 10_000);
    }

    async fn in_a_streamed_list_every_resource_looks_as_it_does_alone(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let (large, ids) = large(&app, &acme, 2_001).await;
        idp.post("/Groups", json!({ "displayName": "Nobody", "members": [] })).await;
        idp.post("/Groups", json!({ "displayName": "Few", "externalId": "\"quoted\" \\ \u{1F980}", "members": [{ "value": ids[0] }] })).await;
        assert_eq!(idp.patch(&format!("/Users/{}", ids[0]), json!([{ "op": "replace", "path": "displayName", "value": "\"Mira\" \\ \u{1F980}\n" }])).await.status, 200);
        for query in ["sortBy=displayName", "sortBy=displayName&attributes=members.display", "sortBy=displayName&excludedAttributes=members.$ref,meta", "sortBy=displayName&attributes=members.type,externalId"] {
            let list = read(&idp, &format!("/Groups?{query}")).await;
            assert_eq!(list["itemsPerPage"], 3);
            for listed in list["Resources"].as_array().unwrap() {
                let alone = read(&idp, &format!("/Groups/{}?{query}", id(listed))).await;
                assert_eq!((keys(&alone), &alone), (keys(listed), listed), "{query}");
            }
        }
        // Users among them.
        let both = format!("{} or {}", "displayName pr and meta.resourceType eq \"Group\"", "displayName co \"mira\"");
        let page = read(&idp, &format!("/?{}", filtered(&both))).await;
        assert_eq!(page["totalResults"], 4);
        for listed in page["Resources"].as_array().unwrap() {
            let endpoint = if listed["meta"]["resourceType"] == "User" { "/Users" } else { "/Groups" };
            assert_eq!(&read(&idp, &format!("{endpoint}/{}", id(listed))).await, listed);
        }
        // The answers to a PUT and to a PATCH with attributes are streamed too.
        let put = idp.put(&large, json!({ "displayName": "Everybody" })).await;
        assert_eq!((put.status, members(&put.json).len(), put.header("etag")), (200, 2_001, put.json["meta"]["version"].as_str()));
        let patched = idp.patch(&format!("{large}?attributes=members.value,displayName"), change("remove", &ids[0])).await;
        assert_eq!((patched.status, members(&patched.json).len(), &patched.json["displayName"]), (200, 2_000, &"Everybody".into()));
    }
}
