//! Bulk: many operations in one request, each of them all or nothing, which may refer to each other.

use std::collections::BTreeSet;

use http::Method;
use serde_json::{Value, json};

use crate::{
    owners::{demote_founder, directory_owner},
    support::{Answer, Idp, both_databases, id, patch_active},
};

const BULK: &str = "urn:ietf:params:scim:api:messages:2.0:BulkRequest";
const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
const NOBODY: &str = "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10";

async fn bulk(idp: &Idp, operations: Value) -> Answer {
    idp.post("/Bulk", json!({ "schemas": [BULK], "Operations": operations })).await
}

fn post(path: &str, name: &str, data: Value) -> Value {
    json!({ "method": "POST", "path": path, "bulkId": name, "data": data })
}

fn patch(path: &str, operations: Value) -> Value {
    json!({ "method": "PATCH", "path": path, "data": { "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"], "Operations": operations } })
}

fn user(name: &str) -> Value {
    json!({ "userName": name, "active": false })
}

fn results(answer: &Answer) -> &[Value] {
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json["schemas"], json!(["urn:ietf:params:scim:api:messages:2.0:BulkResponse"]));
    answer.json["Operations"].as_array().unwrap()
}

/// The statuses, each of which is a string.
fn statuses(answer: &Answer) -> Vec<&str> {
    results(answer).iter().map(|result| result["status"].as_str().unwrap()).collect()
}

/// The path below the base URL of the resource that a result is about.
fn path(result: &Value) -> String {
    let location = result["location"].as_str().unwrap_or_else(|| panic!("{result}"));
    format!("/{}", location.splitn(7, '/').nth(6).unwrap())
}

fn own_id(result: &Value) -> String {
    path(result).rsplit('/').next().unwrap().to_owned()
}

fn title(text: &str) -> Value {
    json!([{ "op": "replace", "path": "title", "value": text }])
}

both_databases! {
    async fn each_method_works_on_both_types(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let made = bulk(&idp, json!([post("/Users", "u", user("mira")), post("/Groups", "g", json!({ "displayName": "Engineers" }))])).await;
        assert_eq!(statuses(&made), ["201", "201"]);
        let (mira, engineers) = (path(&results(&made)[0]), path(&results(&made)[1]));
        let changed = bulk(&idp, json!([
            patch(&mira, title("Chief")),
            { "method": "put", "path": mira, "data": { "userName": "mira.hart" }, "bulkId": "anything" },
            patch(&engineers, json!([{ "op": "add", "path": "members", "value": [{ "value": own_id(&results(&made)[0]) }] }])),
            { "METHOD": "PUT", "Path": engineers, "data": { "displayName": "People" } },
            { "method": "DELETE", "path": engineers },
            { "method": "DELETE", "path": mira },
        ])).await;
        assert_eq!(statuses(&changed), ["200", "200", "204", "200", "204", "204"]);
        for (answer, expected) in [
            (&made, vec![("POST", "u", "W/\"1\"", &mira), ("POST", "g", "W/\"1\"", &engineers)]),
            (&changed, vec![
                ("PATCH", "", "W/\"2\"", &mira), ("PUT", "anything", "W/\"3\"", &mira), ("PATCH", "", "W/\"2\"", &engineers),
                ("PUT", "", "W/\"3\"", &engineers), ("DELETE", "", "", &engineers), ("DELETE", "", "", &mira),
            ]),
        ] {
            for (result, (method, bulk_id, version, place)) in results(answer).iter().zip(expected) {
                let text = |name: &str| result[name].as_str().unwrap_or_default().to_owned();
                assert_eq!((text("method").as_str(), text("bulkId").as_str(), text("version").as_str()), (method, bulk_id, version), "{result}");
                assert_eq!(text("location"), format!("https://id.rollcall.test/scim/{}/v2{place}", acme.id));
                assert_eq!(result.get("response"), None, "{result}");
            }
        }
        assert_eq!((idp.get(&mira).await.status, idp.get(&engineers).await.status), (404, 404));
    }

    async fn operations_refer_to_what_others_make_in_any_order(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let mut under = user("ben");
        under[ENTERPRISE] = json!({ "manager": { "value": "bulkId:mira" }, "department": "R&D" });
        let answer = bulk(&idp, json!([
            patch("/Groups/bulkId:late", json!([{ "op": "add", "path": "members", "value": [{ "value": "bulkId:ben" }] }])),
            post("/Groups", "early", json!({ "displayName": "Engineers", "members": [{ "value": "bulkId:mira" }, { "value": "bulkId:ben" }] })),
            post("/Users", "ben", under),
            post("/Users", "mira", user("mira")),
            post("/Groups", "late", json!({ "displayName": "Managers", "members": [{ "value": "bulkId:mira" }] })),
            patch("/Users/bulkId:mira", title("Chief")),
            { "method": "PUT", "path": "/Groups/bulkId:early", "data": { "displayName": "People" } },
        ])).await;
        assert_eq!(statuses(&answer), ["204", "201", "201", "201", "201", "200", "200"]);
        let results = results(&answer);
        assert_eq!(results.iter().map(|result| result["bulkId"].as_str().unwrap_or("-")).collect::<Vec<_>>(), ["-", "early", "ben", "mira", "late", "-", "-"], "in the order in which they were sent");
        let (ben, mira) = (own_id(&results[2]), own_id(&results[3]));
        assert_eq!((path(&results[0]), path(&results[5]), path(&results[6])), (path(&results[4]), path(&results[3]), path(&results[1])));
        assert_eq!(idp.get(&path(&results[2])).await.json[ENTERPRISE]["manager"]["value"], mira.as_str());
        assert_eq!(idp.get(&path(&results[3])).await.json["title"], "Chief");
        let members = async |result: &Value| {
            let group = idp.get(&path(result)).await.json;
            group["members"].as_array().unwrap().iter().map(|member| member["value"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
        };
        let both = BTreeSet::from([ben, mira]);
        assert_eq!((members(&results[1]).await, members(&results[4]).await), (both.clone(), both));
        assert_eq!(idp.get(&path(&results[1])).await.json["displayName"], "People");
    }

    async fn a_manager_who_is_taken_up_again_is_found_in_a_circle_too(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let ben = id(&idp.post("/Users", json!({ "userName": "ben", "externalId": "x-ben", "active": false })).await.json);
        let post = |name: &str, manager: &str| json!({
            "method": "POST", "path": "/Users", "bulkId": name,
            "data": { "userName": name, "externalId": format!("x-{name}"), "active": false, ENTERPRISE: { "manager": { "value": format!("bulkId:{manager}") } } }
        });
        let answer = idp.post("/Bulk", json!({ "Operations": [post("ada", "ben"), post("ben", "ada")] })).await;
        let made: Vec<_> = answer.json["Operations"].as_array().unwrap().iter().map(|done| done["location"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()).collect();
        assert_eq!(made[1], ben);
        assert_eq!(idp.get(&format!("/Users/{}", made[0])).await.json[ENTERPRISE]["manager"]["value"], *ben);
        assert_eq!(idp.get(&format!("/Users/{ben}")).await.json[ENTERPRISE]["manager"]["value"], *made[0]);
    }

    /// A user's `groups` are the provider's to tell: what a client says there is ignored, and no operation waits for it.
    async fn what_is_ignored_or_merely_looks_like_a_reference_is_none(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let answer = idp.post("/Bulk", json!({ "Operations": [
            { "method": "POST", "path": "/Groups", "bulkId": "g", "data": { "displayName": "bulkId:nobody", "members": [{ "value": "bulkId:u" }] } },
            { "method": "POST", "path": "/Users", "bulkId": "u", "data": { "userName": "ada", "active": false, "title": "bulkId:g", "groups": [{ "value": "bulkId:g" }] } },
        ] })).await;
        assert_eq!((&answer.json["Operations"][0]["status"], &answer.json["Operations"][1]["status"]), (&"201".into(), &"201".into()), "{}", answer.text);
        let user = idp.find("/Users", "userName eq \"ada\"").await.json["Resources"][0].clone();
        assert_eq!((&user["title"], &user["groups"][0]["display"]), (&"bulkId:g".into(), &"bulkId:nobody".into()));
    }

    async fn a_token_that_ends_on_the_way_ends_the_request(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let post = |name: &str| json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": { "userName": name, "active": false } });
        // As the database would see it while the second operation runs.
        let revoke = if app.state.db.is_postgres() {
            "CREATE FUNCTION revoke() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE scim_tokens SET revoked_at = 1; RETURN NEW; END $$;
             CREATE TRIGGER revoke AFTER INSERT ON scim_users FOR EACH ROW EXECUTE FUNCTION revoke()"
        } else {
            "CREATE TRIGGER revoke AFTER INSERT ON scim_users BEGIN UPDATE scim_tokens SET revoked_at = 1; END"
        };
        app.database.try_run(revoke).await.unwrap();
        let answer = idp.post("/Bulk", json!({ "Operations": [post("a"), post("b"), post("c")] })).await;
        let statuses: Vec<_> = answer.json["Operations"].as_array().unwrap().iter().map(|done| done["status"].clone()).collect();
        assert_eq!(statuses, ["201", "401"], "the rest is not even tried");
        assert_eq!(app.database.number("SELECT count(*) FROM scim_users").await, 1);
    }

    async fn two_users_may_be_each_others_managers(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let managed = |name: &str, by: &str| {
            let mut body = user(name);
            body[ENTERPRISE] = json!({ "manager": { "value": format!("bulkId:{by}") } });
            post("/Users", name, body)
        };
        let answer = bulk(&idp, json!([managed("a", "b"), managed("b", "c"), managed("c", "a"), post("/Groups", "g", json!({ "displayName": "Circle", "members": [{ "value": "bulkId:b" }] }))])).await;
        assert_eq!(statuses(&answer), ["201", "201", "201", "201"]);
        for (number, manager) in [(0, 1), (1, 2), (2, 0)] {
            let user = idp.get(&path(&results(&answer)[number])).await.json;
            assert_eq!(user[ENTERPRISE]["manager"]["value"], own_id(&results(&answer)[manager]).as_str());
        }
        assert_eq!(idp.get(&path(&results(&answer)[3])).await.json["members"][0]["value"], own_id(&results(&answer)[1]).as_str());
    }

    async fn a_reference_to_nothing_fails_its_own_operation_only(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        app.provision(&acme, "taken@acme.test").await;
        let member = |name: &str| json!([{ "op": "add", "path": "members", "value": [{ "value": name }] }]);
        let answer = bulk(&idp, json!([
            post("/Groups", "g", json!({ "displayName": "Engineers" })),
            patch("/Groups/bulkId:g", member("bulkId:nobody")),
            patch("/Groups/bulkId:nothing", member(NOBODY)),
            { "method": "DELETE", "path": "/Users/bulkId:nobody" },
            // Somebody who could not be made.
            post("/Users", "taken", user("taken@acme.test")),
            patch("/Groups/bulkId:g", member("bulkId:taken")),
            patch("/Users/bulkId:taken", title("Chief")),
            post("/Users", "u", user("mira")),
            patch("/Groups/bulkId:g", member("bulkId:u")),
        ])).await;
        assert_eq!(statuses(&answer), ["201", "409", "409", "409", "409", "409", "409", "201", "204"]);
        let results = results(&answer);
        for (result, named) in [(1, "nobody"), (2, "nothing"), (3, "nobody"), (5, "taken"), (6, "taken")] {
            let response = &results[result]["response"];
            assert_eq!((&response["status"], &response["schemas"][0]), (&"409".into(), &"urn:ietf:params:scim:api:messages:2.0:Error".into()));
            assert!(response["detail"].as_str().unwrap().contains(named), "{response}");
        }
        assert_eq!((&results[4]["response"]["scimType"], results[4].get("location")), (&"uniqueness".into(), None));
        let group = idp.get(&path(&results[0])).await.json;
        assert_eq!((group["members"].as_array().unwrap().len(), &group["members"][0]["value"]), (1, &own_id(&results[7]).as_str().into()));
        // A result names the resource, and no reference.
        assert_eq!(path(&results[1]), path(&results[0]));
        assert!(results.iter().all(|result| !result["location"].as_str().unwrap_or_default().contains("bulkId")), "{}", answer.text);
    }

    async fn a_failure_stops_the_rest_only_where_that_was_asked_for(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let operations = |round: usize| json!([
            post("/Users", "a", user(&format!("a{round}"))),
            { "method": "DELETE", "path": format!("/Users/{NOBODY}") },
            post("/Users", "b", user(&format!("b{round}"))),
            patch(&format!("/Groups/{NOBODY}"), title("x")),
            post("/Users", "c", user(&format!("c{round}"))),
        ]);
        let whole = ["201", "404", "201", "404", "201"];
        for (round, (limit, expected)) in [(Value::Null, 5), (json!(1), 2), (json!(0), 2), (json!(2), 4), (json!(3), 5), (json!(99), 5)].into_iter().enumerate() {
            let answer = idp.post("/Bulk", json!({ "schemas": [BULK], "failOnErrors": limit, "Operations": operations(round) })).await;
            assert_eq!(statuses(&answer), whole[..expected], "{limit}");
            let made = whole[..expected].iter().filter(|status| **status == "201").count();
            let sql = format!("SELECT count(*) FROM scim_users WHERE user_name IN ('a{round}', 'b{round}', 'c{round}')");
            assert_eq!(app.database.number(&sql).await, i64::try_from(made).unwrap(), "{limit}");
        }
        for limit in [json!(-1), json!("1"), json!(1.5)] {
            let answer = idp.post("/Bulk", json!({ "schemas": [BULK], "failOnErrors": limit, "Operations": operations(9) })).await;
            assert_eq!(answer.refusal(), (400, "invalidSyntax"), "{limit}");
        }
        assert_eq!(app.database.number("SELECT count(*) FROM scim_users WHERE user_name LIKE '_9'").await, 0);
    }

    async fn a_malformed_request_does_nothing_at_all(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let good = post("/Users", "a", user("mira"));
        for (operations, scim_type) in [
            (json!([]), "invalidSyntax"),
            (Value::Null, "invalidSyntax"),
            (json!({}), "invalidSyntax"),
            (json!([good, post("/Groups", "a", json!({ "displayName": "twice" }))]), "invalidValue"),
            (json!([good, { "method": "POST", "path": "/Users", "data": user("nameless") }]), "invalidSyntax"),
            (json!([good, { "method": "GET", "path": format!("/Users/{NOBODY}") }]), "invalidSyntax"),
            (json!([good, { "method": "POST", "path": "/Robots", "bulkId": "r", "data": {} }]), "invalidSyntax"),
            (json!([good, { "method": "POST", "path": "/Bulk", "bulkId": "r", "data": {} }]), "invalidSyntax"),
            (json!([good, { "method": "DELETE", "path": "/Users" }]), "invalidSyntax"),
            (json!([good, "DELETE"]), "invalidSyntax"),
        ] {
            assert_eq!(bulk(&idp, operations.clone()).await.refusal(), (400, scim_type), "{operations}");
        }
        assert_eq!(idp.send(Method::POST, "/Bulk", Some("{"), "application/scim+json").await.refusal(), (400, "invalidSyntax"));
        assert_eq!(app.database.number("SELECT count(*) FROM scim_users").await, 0);
        for method in [Method::GET, Method::PUT, Method::PATCH, Method::DELETE] {
            assert_eq!(idp.send(method.clone(), "/Bulk", Some("{}"), "application/scim+json").await.status, 405, "{method}");
        }
    }

    async fn what_is_too_much_is_refused_by_the_name_of_the_limit(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let limits = idp.get("/ServiceProviderConfig").await.json["bulk"].clone();
        assert_eq!(limits, json!({ "supported": true, "maxOperations": 1_000, "maxPayloadSize": 4 * 1024 * 1024 }));
        let operation = |_| json!({ "method": "DELETE", "path": format!("/Users/{NOBODY}") });
        let thousand: Vec<_> = (0..1_000).map(operation).collect();
        let answer = bulk(&idp, json!(thousand)).await;
        assert_eq!((results(&answer).len(), statuses(&answer)[999]), (1_000, "404"));
        let more = bulk(&idp, (0..1_001).map(operation).collect()).await;
        assert_eq!((more.status, &more.json["status"]), (413, &"413".into()));
        assert!(more.json["detail"].as_str().unwrap().contains("1000 operations (maxOperations)"), "{}", more.text);
        let padded = |size: usize| {
            let text = json!({ "schemas": [BULK], "Operations": [post("/Users", "a", user("mira"))] }).to_string();
            format!("{text}{}", " ".repeat(size - text.len()))
        };
        let send = async |size: usize| idp.send(Method::POST, "/Bulk", Some(padded(size)), "application/scim+json").await;
        let large = send(4 * 1024 * 1024 + 1).await;
        assert_eq!(large.status, 413);
        assert!(large.json["detail"].as_str().unwrap().contains("4194304 bytes (maxPayloadSize)"), "{}", large.text);
        assert_eq!(app.database.number("SELECT count(*) FROM scim_users").await, 0);
        assert_eq!(statuses(&send(4 * 1024 * 1024).await), ["201"]);
    }

    async fn an_operation_meant_for_another_version_fails_alone(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let mira = format!("/Users/{}", app.provision(&acme, "mira@acme.test").await.id);
        let group = format!("/Groups/{}", id(&idp.post("/Groups", json!({ "displayName": "Engineers" })).await.json));
        let versioned = |mut operation: Value, version: &str| {
            operation["version"] = version.into();
            operation
        };
        let rename = |name: &str| json!([{ "op": "replace", "path": "displayName", "value": name }]);
        let answer = bulk(&idp, json!([
            versioned(patch(&mira, title("wrong")), "W/\"7\""),
            versioned(patch(&mira, title("Chief")), "W/\"1\""),
            versioned(patch(&mira, title("wrong")), "W/\"1\""),
            versioned(json!({ "method": "DELETE", "path": mira }), "W/\"1\""),
            versioned(json!({ "method": "PUT", "path": group, "data": { "displayName": "wrong" } }), "\"9\""),
            versioned(patch(&group, rename("People")), "\"1\""),
            versioned(json!({ "method": "DELETE", "path": group }), "W/\"1\""),
        ])).await;
        assert_eq!(statuses(&answer), ["412", "200", "412", "412", "412", "204", "412"]);
        assert_eq!(results(&answer)[0]["response"]["status"], "412");
        assert_eq!((path(&results(&answer)[0]), results(&answer)[0].get("version")), (mira.clone(), None));
        assert_eq!((&idp.get(&mira).await.json["title"], &idp.get(&group).await.json["displayName"]), (&"Chief".into(), &"People".into()));
    }

    async fn an_operation_happens_whole_or_not_at_all_and_the_others_stay(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let mira = app.provision(&acme, "mira@acme.test").await.id;
        let group = format!("/Groups/{}", id(&idp.post("/Groups", json!({ "displayName": "Engineers" })).await.json));
        let add = json!({ "op": "add", "path": "members", "value": [{ "value": mira }] });
        let answer = bulk(&idp, json!([
            post("/Users", "a", user("before")),
            patch(&group, json!([add, { "op": "replace", "path": "displayName", "value": "" }])),
            patch(&format!("/Users/{mira}"), json!([{ "op": "replace", "path": "title", "value": "Chief" }, { "op": "replace", "path": "userName", "value": "before" }])),
            post("/Users", "c", json!({ "title": "no name" })),
            post("/Users", "d", user("after")),
        ])).await;
        assert_eq!(statuses(&answer), ["201", "400", "409", "400", "201"]);
        assert_eq!(results(&answer)[3]["response"]["scimType"], "invalidValue");
        assert_eq!(idp.get(&group).await.json["members"].as_array().map_or(0, Vec::len), 0);
        let user = idp.get(&format!("/Users/{mira}")).await.json;
        assert_eq!((user.get("title"), &user["meta"]["version"]), (None, &"W/\"1\"".into()));
        let names = app.database.texts("SELECT user_name FROM scim_users ORDER BY user_name").await;
        assert_eq!(names, ["after", "before", "mira@acme.test"]);
    }

    /// Law 3: whichever way a leaving comes in.
    async fn deactivation_and_deletion_in_a_bulk_end_sessions_at_once(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let (mira, miras) = app.join(&acme, "mira@acme.test").await;
        let (ben, bens) = app.join(&acme, "ben@acme.test").await;
        let (_, evas) = app.join(&acme, "eva@acme.test").await;
        let answer = bulk(&idp, json!([
            patch(&format!("/Users/{NOBODY}"), patch_active(false)),
            patch(&format!("/Users/{}", mira.id), patch_active(false)),
            { "method": "DELETE", "path": format!("/Users/{}", ben.id) },
        ])).await;
        assert_eq!(statuses(&answer), ["404", "200", "204"]);
        assert!(miras.get("/o/acme/members").await.is_refused() && bens.get("/o/acme/members").await.is_refused());
        assert_eq!(evas.get("/o/acme/members").await.status, 200);
        assert_eq!(app.database.number("SELECT count(*) FROM sessions s JOIN memberships m ON m.id = s.membership_id JOIN users u ON u.id = m.account_id WHERE u.email IN ('mira@acme.test', 'ben@acme.test')").await, 0);
    }

    async fn a_bulk_takes_the_last_owner_away_as_little_as_anything_else(app) {
        let acme = app.org("Acme").await;
        let (ada, browser) = directory_owner(&app, &acme, "ada@acme.test").await;
        demote_founder(&app, &acme).await;
        let idp = app.idp(&acme);
        let path = format!("/Users/{}", ada.id);
        let before = idp.get(&path).await.text;
        let answer = bulk(&idp, json!([patch(&path, patch_active(false)), { "method": "DELETE", "path": path }, post("/Users", "u", user("mira"))])).await;
        assert_eq!(statuses(&answer), ["409", "409", "201"]);
        assert_eq!(results(&answer)[0]["response"].get("scimType"), None);
        assert_eq!((idp.get(&path).await.text, browser.get("/o/acme/members").await.status), (before, 200));
    }

    async fn another_organisations_resources_are_like_none_in_a_bulk_too(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let theirs = app.provision(&globex, "mira@globex.test").await.id;
        let their_group = id(&app.idp(&globex).post("/Groups", json!({ "displayName": "Engineers" })).await.json);
        let idp = app.idp(&acme);
        let ours = id(&idp.post("/Groups", json!({ "displayName": "Engineers" })).await.json);
        let about = |user: &str, group: &str| json!([
            patch(&format!("/Users/{user}"), patch_active(false)),
            { "method": "PUT", "path": format!("/Users/{user}"), "data": user_body() },
            { "method": "DELETE", "path": format!("/Users/{user}") },
            patch(&format!("/Groups/{group}"), json!([{ "op": "replace", "path": "displayName", "value": "x" }])),
            { "method": "DELETE", "path": format!("/Groups/{group}") },
            patch(&format!("/Groups/{ours}"), json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }])),
        ]);
        let (foreign, unknown) = (bulk(&idp, about(&theirs, &their_group)).await, bulk(&idp, about(NOBODY, NOBODY)).await);
        assert_eq!(statuses(&foreign), ["404", "404", "404", "404", "404", "204"]);
        assert_eq!(foreign.text.replace(&theirs, NOBODY).replace(&their_group, NOBODY), unknown.text);
        assert_eq!(app.idp(&globex).get(&format!("/Users/{theirs}")).await.json["active"], true);
        assert_eq!(idp.get(&format!("/Groups/{ours}")).await.json["members"].as_array().map_or(0, Vec::len), 0);
    }
}

fn user_body() -> Value {
    user("mira")
}
