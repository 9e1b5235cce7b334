//! Versions of resources: which one an answer tells of, and changes that are made only to the version that a client knows.

use std::time::Duration;

use directory::provisioning::{
    groups,
    request::{Related, Request},
    tokens, users,
};
use http::Method;
use scim::{PatchRequest, Preconditions};
use serde_json::{Value, json};

use crate::support::{Answer, Idp, Org, TestApp, both_databases, id, patch_active, races};

/// The answer's ETag.
fn tag(answer: &Answer) -> String {
    answer.header("etag").unwrap_or_else(|| panic!("{} {}", answer.status, answer.text)).to_owned()
}

fn title(text: &str) -> Value {
    json!([{ "op": "replace", "path": "title", "value": text }])
}

fn rename(text: &str) -> Value {
    json!([{ "op": "replace", "path": "displayName", "value": text }])
}

fn add(user: &str) -> Value {
    json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }])
}

/// A user and a group that she is not in: their paths.
async fn one_of_each(app: &TestApp, org: &Org) -> (String, String) {
    let user = app.provision(org, "mira@acme.test").await.id;
    let group = id(&app.idp(org).post("/Groups", json!({ "displayName": "Engineers" })).await.json);
    (format!("/Users/{user}"), format!("/Groups/{group}"))
}

fn if_match(idp: &Idp, tag: &str) -> Idp {
    idp.with_header("if-match", tag)
}

fn if_none_match(idp: &Idp, tag: &str) -> Idp {
    idp.with_header("if-none-match", tag)
}

both_databases! {
    async fn every_answer_with_a_resource_names_its_version_and_its_place(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let mut seen = vec![];
        for (endpoint, body, change) in [("/Users", json!({ "userName": "mira" }), title("Chief")), ("/Groups", json!({ "displayName": "Engineers" }), rename("People"))] {
            let created = idp.post(endpoint, body.clone()).await;
            let path = format!("{endpoint}/{}", id(&created.json));
            let mut answers = vec![created, idp.get(&path).await];
            app.advance(Duration::from_secs(1));
            answers.push(idp.patch(&format!("{path}?attributes=meta"), change).await);
            app.advance(Duration::from_secs(1));
            answers.push(idp.put(&path, body).await);
            for answer in &answers {
                let meta = &answer.json["meta"];
                assert_eq!(Some(tag(answer).as_str()), meta["version"].as_str(), "{}", answer.text);
                let place = if answer.status == 201 { "location" } else { "content-location" };
                assert_eq!(answer.header(place), meta["location"].as_str(), "{} {}", answer.status, answer.text);
                assert_eq!(meta["location"], format!("https://id.rollcall.test/scim/{}/v2{path}", acme.id));
            }
            assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [201, 200, 200, 200]);
            assert_eq!(tag(&answers[0]), tag(&answers[1]));
            assert_eq!(answers[0].json["meta"]["created"], answers[0].json["meta"]["lastModified"]);
            seen.push([tag(&answers[0]), tag(&answers[2]), tag(&answers[3])]);
            // Where no attribute of it is in the body, the version is still in the header.
            assert_eq!(tag(&idp.get(&format!("{path}?attributes=externalId")).await), tag(&answers[3]));
            assert_eq!(tag(&idp.get(&format!("{path}?excludedAttributes=meta")).await), tag(&answers[3]));
        }
        for tags in seen {
            assert_eq!(tags, ["W/\"1\"", "W/\"2\"", "W/\"3\""]);
        }
    }

    async fn a_patch_of_a_group_tells_its_version_without_a_body(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let (user, group) = one_of_each(&app, &acme).await;
        let user = user.trim_start_matches("/Users/");
        for operations in [add(user), rename("People"), rename("People"), json!([{ "op": "remove", "path": "members" }])] {
            let answer = idp.patch(&group, operations).await;
            let now = idp.get(&group).await;
            assert_eq!((answer.status, answer.text.as_str()), (204, ""));
            assert_eq!((tag(&answer), now.json["meta"]["version"].as_str()), (tag(&now), answer.header("etag")));
        }
        assert_eq!(tag(&idp.get(&group).await), "W/\"4\"");
    }

    async fn what_a_client_has_is_not_sent_again(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let (user, group) = one_of_each(&app, &acme).await;
        for (path, change) in [(&user, title("Chief")), (&group, rename("People"))] {
            idp.patch(path, change).await;
            for known in ["W/\"2\"", "\"2\"", "2", "*", " W/\"2\" ", "W/\"1\", W/\"2\"", "\"1\",\"2\"", "\"2\", \"x, y\"", "\"x, \", W/\"2\""] {
                let answer = if_none_match(&idp, known).get(path).await;
                assert_eq!((answer.status, answer.text.as_str(), tag(&answer).as_str()), (304, "", "W/\"2\""), "{known}");
                assert_eq!(answer.header("content-type"), None);
            }
            assert_eq!(if_none_match(&if_none_match(&idp, "\"1\""), "\"2\"").get(path).await.status, 304, "several headers are one list");
            for other in ["W/\"1\"", "\"22\"", "\"\"", "", "W/", ",", "\"1\", \"3\"", "\"1, 2\"", "\"*\"", "W/\"2-\""] {
                let answer = if_none_match(&idp, other).get(path).await;
                assert_eq!((answer.status, tag(&answer).as_str()), (200, "W/\"2\""), "{other}");
            }
            // What is not there is not unchanged.
            let nobody = format!("{}0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10", &path[..path.rfind('/').unwrap() + 1]);
            assert_eq!(if_none_match(&idp, "*").get(&nobody).await.status, 404);
        }
    }

    async fn a_user_looks_different_once_her_groups_do(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let (user, group) = one_of_each(&app, &acme).await;
        let other = format!("/Groups/{}", id(&idp.post("/Groups", json!({ "displayName": "Managers" })).await.json));
        let user_id = user.trim_start_matches("/Users/");
        let mut known = idp.get(&user).await;
        let first = tag(&known);
        for (path, method, operations) in [
            (&group, Method::PATCH, add(user_id)),
            (&group, Method::PATCH, rename("People")),
            (&other, Method::PATCH, add(user_id)),
            (&group, Method::PATCH, json!([{ "op": "remove", "path": format!("members[value eq \"{user_id}\"]") }])),
            (&other, Method::DELETE, Value::Null),
        ] {
            app.advance(Duration::from_secs(1));
            let changed = if method == Method::DELETE { idp.delete(path).await } else { idp.patch(path, operations.clone()).await };
            assert_eq!(changed.status, 204);
            let now = if_none_match(&idp, &tag(&known)).get(&user).await;
            assert_eq!(now.status, 200, "{operations}");
            assert_ne!(tag(&now), tag(&known), "{operations}");
            assert_eq!(now.json["meta"]["version"], tag(&now).as_str());
            assert_eq!(now.json["meta"]["lastModified"], known.json["meta"]["lastModified"], "her record is as it was");
            assert_eq!(if_none_match(&idp, &tag(&now)).get(&user).await.status, 304);
            // Her record has not changed: whoever knows an earlier tag of this version may change it.
            for tag in [&tag(&known), &tag(&now), &first] {
                assert_eq!(if_match(&idp, tag).patch(&user, patch_active(true)).await.status, 200);
            }
            known = now;
        }
        assert_eq!(tag(&known), first, "in no group, as in the beginning");
        // In a list her version is the same as by itself.
        idp.patch(&group, add(user_id)).await;
        let listed = idp.find("/Users", "userName eq \"mira@acme.test\"").await.resources()[0].clone();
        assert_eq!(listed, idp.get(&user).await.json);
        let patched = idp.patch(&user, patch_active(true)).await;
        assert_eq!((tag(&patched), &patched.json), (listed["meta"]["version"].as_str().unwrap().to_owned(), &listed));
    }

    async fn a_change_meant_for_another_version_changes_nothing(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let (user, group) = one_of_each(&app, &acme).await;
        let user_id = user.trim_start_matches("/Users/").to_owned();
        idp.patch(&group, add(&user_id)).await;
        idp.patch(&user, title("Chief")).await;
        let before = (idp.get(&user).await.text, idp.get(&group).await.text);
        let events = "SELECT count(*) FROM audit_events";
        let audited = app.database.number(events).await;
        for wrong in ["W/\"1\"", "\"1\"", "W/\"3\"", "\"22\"", "\"1\", \"3\"", "\"\"", "nonsense", "W/\"-2\""] {
            let idp = if_match(&idp, wrong);
            for answer in [
                idp.put(&user, json!({ "userName": "x" })).await,
                idp.patch(&user, title("Nobody")).await,
                idp.patch(&user, patch_active(false)).await,
                idp.patch(&user, title("Chief")).await,
                idp.delete(&user).await,
                idp.put(&group, json!({ "displayName": "x", "members": [] })).await,
                idp.patch(&group, rename("x")).await,
                idp.patch(&group, json!([{ "op": "remove", "path": "members" }])).await,
                idp.delete(&group).await,
                idp.get(&user).await,
                idp.get(&group).await,
            ] {
                assert_eq!((answer.status, &answer.json["status"]), (412, &"412".into()), "{wrong}: {}", answer.text);
                assert_eq!(answer.json["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:Error"]));
            }
        }
        assert_eq!((idp.get(&user).await.text, idp.get(&group).await.text), before);
        assert_eq!(app.database.number(events).await, audited);
        // "Only if it has none of these" is the same the other way round.
        for known in ["*", "W/\"2\""] {
            let idp = if_none_match(&idp, known);
            assert_eq!((idp.patch(&user, title("x")).await.status, idp.delete(&group).await.status), (412, 412), "{known}");
        }
        assert_eq!((idp.get(&user).await.text, idp.get(&group).await.text), before);
    }

    async fn a_change_meant_for_this_version_is_made(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let (user, group) = one_of_each(&app, &acme).await;
        let mut version = 1;
        for form in [|version| format!("W/\"{version}\""), |version| format!("\"{version}\""), |version| format!("\"0\", W/\"{version}\""), |_| "*".to_owned()] {
            for (path, patch, put) in [(&user, title(&version.to_string()), json!({ "userName": "mira@acme.test" })), (&group, rename(&version.to_string()), json!({ "displayName": "x" }))] {
                let patched = if_match(&idp, &form(version)).patch(path, patch).await;
                assert_eq!((patched.status < 300, tag(&patched)), (true, format!("W/\"{}\"", version + 1)), "{}", patched.text);
                let replaced = if_match(&idp, &form(version + 1)).put(path, put).await;
                assert_eq!((replaced.status, tag(&replaced)), (200, format!("W/\"{}\"", version + 2)), "{}", replaced.text);
                assert_eq!(if_match(&idp, &form(version + 2)).get(path).await.status, 200);
            }
            version += 2;
        }
        for path in [&user, &group] {
            assert_eq!(if_match(&idp, &format!("W/\"{version}\"")).delete(path).await.status, 204);
            assert_eq!(if_match(&idp, "*").delete(path).await.status, 404);
        }
    }

    async fn of_two_clients_who_know_the_same_version_one_wins(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let (user, group) = one_of_each(&app, &acme).await;
        for round in 0..races() {
            for (path, one, other) in [(&user, title(&format!("a{round}")), title(&format!("b{round}"))), (&group, rename(&format!("a{round}")), rename(&format!("b{round}")))] {
                let before = tag(&idp.get(path).await);
                let (left, right) = (if_match(&idp, &before), if_match(&idp, &before));
                let (x, y) = tokio::join!(left.patch(path, one), right.patch(path, other));
                let lost = [x.status, y.status].iter().filter(|status| **status == 412).count();
                let won = if x.status == 412 { &y } else { &x };
                assert_eq!((lost, won.status < 300), (1, true), "{} {}", x.text, y.text);
                let now = idp.get(path).await;
                assert_eq!(tag(&now), tag(won));
                let text = if path == &user { &now.json["title"] } else { &now.json["displayName"] };
                assert_eq!(text, &format!("{}{round}", if x.status == 412 { 'b' } else { 'a' }));
            }
        }
    }

    async fn a_deletion_and_a_change_of_the_same_version_do_not_both_happen(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        for round in 0..races() {
            let path = format!("/Users/{}", id(&idp.post("/Users", json!({ "userName": format!("p{round}"), "active": false })).await.json));
            let known = if_match(&idp, "W/\"1\"");
            let (changed, deleted) = tokio::join!(known.patch(&path, title("Chief")), known.delete(&path));
            match (changed.status, deleted.status) {
                (200, 412) => assert_eq!(idp.get(&path).await.json["title"], "Chief"),
                (404, 204) => assert_eq!(idp.get(&path).await.status, 404),
                other => panic!("{other:?}"),
            }
        }
    }

    /// A request that came first and waited for another one writes last, and whoever asks for what changed since finds it.
    async fn the_last_change_of_a_resource_never_gets_older(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        app.advance(Duration::from_secs(60));
        let mira = format!("/Users/{}", id(&idp.post("/Users", json!({ "userName": "mira", "active": false })).await.json));
        let group = format!("/Groups/{}", id(&idp.post("/Groups", json!({ "displayName": "Engineers" })).await.json));
        let early = app.call();
        app.advance(Duration::from_secs(60));
        for path in [&mira, &group] {
            idp.patch(path, rename("Second")).await;
        }
        let caller = tokens::authenticate(&app.state.db, &acme.id.to_string(), Some(&acme.token), &early).await.unwrap();
        let none = Preconditions::default();
        let request = Request {
            db: &app.state.db, caller: &caller, base_url: "", related: Related::default(), preconditions: &none, mail_delay: Duration::ZERO, call: &early,
        };
        let operations = PatchRequest::parse(&json!({ "Operations": rename("Third") })).unwrap();
        users::patch(request, mira.rsplit('/').next().unwrap().parse().unwrap(), &operations).await.unwrap();
        groups::patch(request, group.rsplit('/').next().unwrap().parse().unwrap(), &operations).await.unwrap();
        for path in [&mira, &group] {
            let now = idp.get(path).await.json;
            assert_eq!((&now["displayName"], &now["meta"]["version"]), (&"Third".into(), &"W/\"3\"".into()));
            let (created, changed) = (now["meta"]["created"].as_str().unwrap(), now["meta"]["lastModified"].as_str().unwrap());
            let minutes = |text: &str| scim::compare::instant(text).unwrap().unix_timestamp() / 60;
            assert_eq!(minutes(changed) - minutes(created), 1);
        }
    }

    async fn no_version_moves_without_a_change_and_a_deleted_member_is_one(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let (user, group) = one_of_each(&app, &acme).await;
        let (engineers, managers) = (group, format!("/Groups/{}", id(&idp.post("/Groups", json!({ "displayName": "Managers" })).await.json)));
        let user_id = user.trim_start_matches("/Users/");
        idp.patch(&engineers, add(user_id)).await;
        app.advance(Duration::from_secs(1));
        for (path, operations) in [(&user, patch_active(true)), (&engineers, add(user_id)), (&engineers, rename("Engineers"))] {
            let before = idp.get(path).await;
            let answer = idp.patch(path, operations).await;
            assert_eq!((tag(&answer), idp.get(path).await.text), (tag(&before), before.text));
        }
        let before = [idp.get(&engineers).await.json, idp.get(&managers).await.json];
        assert_eq!(idp.delete(&user).await.status, 204);
        let after = idp.get(&engineers).await.json;
        assert_ne!(after["meta"]["version"], before[0]["meta"]["version"]);
        assert!(after["meta"]["lastModified"].as_str() > before[0]["meta"]["lastModified"].as_str());
        assert_eq!(after["members"].as_array().map_or(0, Vec::len), 0);
        assert_eq!(idp.get(&managers).await.json, before[1], "she was not in that one");
    }
}
