//! The directory's groups as the console shows them.

use std::time::Duration;

use domain::OrgRole;
use serde_json::{Value, json};

use crate::support::{Browser, Org, TestApp, both_databases, patch_active};

async fn push(app: &TestApp, org: &Org, name: &str, members: &[&str]) -> String {
    let members: Vec<_> = members.iter().map(|id| json!({ "value": id })).collect();
    let body = json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Group"], "displayName": name, "externalId": format!("x-{name}"), "members": members });
    let answer = app.idp(org).post("/Groups", body).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json["id"].as_str().unwrap().to_owned()
}

/// A mapping of the group `name`, in the database: (`org_role`, team, `team_role`), and what else stands in the row.
async fn map(app: &TestApp, org: &Org, name: &str, target: (&str, &str, &str), further: (&str, &str)) {
    let id = if app.state.db.is_postgres() { "gen_random_uuid()" } else { "randomblob(16)" };
    let (org_role, team, team_role) = target;
    let (columns, values) = further;
    let sql = format!(
        "INSERT INTO group_mappings (id, org_id, group_id, group_name, org_role, team_id, team_role, created_at, created_by, bound_at{columns})
         SELECT {id}, g.org_id, g.id, g.display_name, {org_role}, {team}, {team_role}, 1, 'test', 1{values}
         FROM scim_groups g JOIN organizations o ON o.id = g.org_id AND o.slug = '{}' WHERE g.display_name = '{name}'",
        org.slug
    );
    app.database.try_run(&sql).await.unwrap();
}

const IN_FORCE: (&str, &str) = (", confirmed_at, confirmed_by", ", 1, 'test'");

async fn list(browser: &Browser, fields: &[(&str, &str)]) -> Value {
    let answer = browser.call("groups", &[&[("org", "acme")], fields].concat()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

fn names(view: &Value) -> Vec<&str> {
    view["groups"].as_array().unwrap().iter().map(|group| group["name"].as_str().unwrap()).collect()
}

both_databases! {
    async fn groups_are_listed_by_name_with_their_size_and_what_they_give(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let mira = app.provision(&acme, "mira@acme.test").await;
        let ada = app.provision(&acme, "ada@acme.test").await;
        push(&app, &acme, "engineers", &[&mira.id, &ada.id]).await;
        app.advance(Duration::from_secs(60));
        push(&app, &acme, "Board", &[]).await;
        push(&app, &acme, "Ärzte", &[]).await;
        push(&app, &acme, "Designers", &[&mira.id]).await;
        push(&app, &globex, "Globex only", &[]).await;
        let team = if app.state.db.is_postgres() { "gen_random_uuid()" } else { "randomblob(16)" };
        let sql = format!("INSERT INTO teams (id, org_id, name, name_key, created_at, created_by) SELECT {team}, id, 'Platform', 'platform', 1, 'test' FROM organizations WHERE slug = 'acme'");
        app.database.try_run(&sql).await.unwrap();
        let platform = ("NULL", "(SELECT id FROM teams)", "'lead'");
        map(&app, &acme, "engineers", platform, IN_FORCE).await;
        map(&app, &acme, "engineers", ("'auditor'", "NULL", "NULL"), (", confirmed_at, paused_at, paused_by", ", 1, 2, 'test'")).await;
        map(&app, &acme, "Board", ("'admin'", "NULL", "NULL"), ("", "")).await;
        // Its group was deleted once, and another of that name was pushed: that is another group.
        map(&app, &acme, "Designers", ("'member'", "NULL", "NULL"), (", confirmed_at, closed_at", ", 1, 2")).await;

        let view = list(&app.owner(&acme).await, &[]).await;
        assert_eq!(names(&view), ["Board", "Designers", "engineers", "Ärzte"]);
        assert_eq!((&view["total"], &view["unmapped"]), (&json!(4), &json!(2)));
        assert_eq!((&view["can_manage"], &view["scim_on"]), (&json!(true), &json!(true)));
        let gives = |at: usize| {
            let gives = view["groups"][at]["gives"].as_array().unwrap();
            gives.iter().map(|mapping| (mapping[1].as_str().unwrap(), mapping[2].as_str().unwrap())).collect::<Vec<_>>()
        };
        assert_eq!(gives(0), [("Admin", "unconfirmed")]);
        assert_eq!(gives(1), []);
        assert_eq!(gives(2), [("Auditor", "paused"), ("Lead of Platform", "active")]);
        let sizes: Vec<_> = view["groups"].as_array().unwrap().iter().map(|group| group["members"].as_u64().unwrap()).collect();
        assert_eq!(sizes, [0, 1, 2, 0]);
        let changed: Vec<_> = view["groups"].as_array().unwrap().iter().map(|group| group["changed_at"].as_i64().unwrap()).collect();
        assert_eq!(changed[0] - changed[2], 60_000_000);
    }

    async fn groups_are_found_by_a_part_of_their_name_and_those_without_a_mapping_alone(app) {
        let acme = app.org("Acme").await;
        for name in ["Engineering", "Engineering Managers", "Sales 100%", "sales_emea", "ENGELS"] {
            push(&app, &acme, name, &[]).await;
        }
        map(&app, &acme, "Engineering", ("'admin'", "NULL", "NULL"), IN_FORCE).await;
        map(&app, &acme, "Engineering", ("'auditor'", "NULL", "NULL"), IN_FORCE).await;
        map(&app, &acme, "sales_emea", ("'member'", "NULL", "NULL"), (", paused_at, paused_by", ", 1, 'test'")).await;
        map(&app, &acme, "ENGELS", ("'member'", "NULL", "NULL"), (", confirmed_at, closed_at", ", 1, 2")).await;
        let owner = app.owner(&acme).await;
        for (search, unmapped, found) in [
            (" eng ", "false", &["ENGELS", "Engineering", "Engineering Managers"][..]),
            ("ENGINEERING", "true", &["Engineering Managers"]),
            ("%", "false", &["Sales 100%"]),
            ("_", "false", &["sales_emea"]),
            ("", "true", &["ENGELS", "Engineering Managers", "Sales 100%"]),
            ("\0", "false", &["ENGELS", "Engineering", "Engineering Managers", "Sales 100%", "sales_emea"]),
            ("nothing", "false", &[]),
        ] {
            let view = list(&owner, &[("search", search), ("unmapped", unmapped)]).await;
            assert_eq!(names(&view), found, "{search:?}, {unmapped}");
            assert_eq!((&view["total"], &view["unmapped"]), (&json!(found.len()), &json!(3)), "{search:?}, {unmapped}");
        }
    }

    async fn pages_of_groups_follow_each_other_without_a_gap(app) {
        let acme = app.org("Acme").await;
        for number in 0..101 {
            push(&app, &acme, &format!("G{number:03}"), &[]).await;
        }
        let owner = app.owner(&acme).await;
        let mut seen = vec![];
        for (page, count) in [("1", 50), ("2", 50), ("3", 1), ("4", 0)] {
            let view = list(&owner, &[("page", page)]).await;
            assert_eq!((&view["total"], &view["page_size"]), (&json!(101), &json!(50)));
            assert_eq!(names(&view).len(), count, "page {page}");
            seen.extend(names(&view).into_iter().map(str::to_owned));
        }
        assert_eq!(seen, (0..101).map(|number| format!("G{number:03}")).collect::<Vec<_>>());
        assert_eq!(list(&owner, &[("page", "0")]).await["page"], 1);
        assert_eq!(names(&list(&owner, &[("page", "18446744073709551615")]).await).len(), 0);
    }

    async fn a_group_shows_who_is_in_it_and_whether_they_have_access(app) {
        let acme = app.org("Acme").await;
        let zoe = app.provision(&acme, "zoe@acme.test").await;
        let ben = app.provision(&acme, "ben@acme.test").await;
        app.idp(&acme).patch(&format!("/Users/{}", ben.id), patch_active(false)).await;
        let amy = app.idp(&acme).post("/Users", json!({ "userName": "amy", "active": false })).await.json["id"].as_str().unwrap().to_owned();
        let id = push(&app, &acme, "Engineering", &[&zoe.id, &ben.id]).await;
        app.advance(Duration::from_secs(60));
        let add = json!([{ "op": "add", "path": "members", "value": [{ "value": amy }] }]);
        assert_eq!(app.idp(&acme).patch(&format!("/Groups/{id}"), add).await.status, 204);

        let owner = app.owner(&acme).await;
        let view = owner.call("group", &[("org", "acme"), ("group", &id)]).await.json;
        assert_eq!((&view["group"]["name"], &view["external_id"], &view["group"]["members"]), (&json!("Engineering"), &json!("x-Engineering"), &json!(3)));
        let people = view["people"].as_array().unwrap();
        let shown: Vec<_> = people.iter().map(|person| (person["name"].as_str().unwrap(), person["user_name"].as_str().unwrap(), person["has_access"].as_bool().unwrap(), person["member"].is_string())).collect();
        assert_eq!(shown, [
            // Never active: the record acts on nobody.
            ("amy", "amy", false, false),
            ("ben Olsen", "ben@acme.test", false, true),
            ("zoe Olsen", "zoe@acme.test", true, true),
        ]);
        // A record that the directory made inactive gives nothing, whoever else lets her in.
        app.database.try_run("UPDATE scim_users SET active = false WHERE user_name = 'zoe@acme.test'").await.unwrap();
        let again = owner.call("group", &[("org", "acme"), ("group", &id)]).await.json;
        assert_eq!(again["people"][2]["has_access"], false);
        let since: Vec<_> = people.iter().map(|person| person["since"].as_i64().unwrap()).collect();
        assert_eq!(since[0] - since[1], 60_000_000);
        assert_eq!(view["group"]["changed_at"].as_i64().unwrap() - view["created_at"].as_i64().unwrap(), 60_000_000);
    }

    async fn pages_of_people_follow_each_other_without_a_gap(app) {
        let acme = app.org("Acme").await;
        let ids = app.crowd(&acme, 60).await;
        let ids: Vec<_> = ids.iter().map(String::as_str).collect();
        let id = push(&app, &acme, "Everybody", &ids).await;
        let owner = app.owner(&acme).await;
        let mut seen = vec![];
        for (page, count) in [("1", 50), ("2", 10), ("3", 0)] {
            let view = owner.call("group", &[("org", "acme"), ("group", &id), ("page", page)]).await.json;
            let people = view["people"].as_array().unwrap();
            assert_eq!((people.len(), &view["group"]["members"]), (count, &json!(60)), "page {page}");
            seen.extend(people.iter().map(|person| person["user_name"].as_str().unwrap().to_owned()));
        }
        let mut all: Vec<_> = (1..=60).map(|number| format!("n{number}")).collect();
        all.sort();
        assert_eq!(seen, all);
    }

    async fn a_group_of_another_organisation_and_a_deleted_one_are_not_there(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let theirs = push(&app, &globex, "Engineering", &[]).await;
        let gone = push(&app, &acme, "Gone", &[]).await;
        let here = push(&app, &acme, "Here", &[]).await;
        app.idp(&acme).delete(&format!("/Groups/{gone}")).await;
        let owner = app.owner(&acme).await;
        for (group, status) in [(&theirs, 404), (&gone, 404), (&here, 200)] {
            assert_eq!(owner.call("group", &[("org", "acme"), ("group", group)]).await.status, status);
            assert_eq!(owner.get(&format!("/o/acme/groups/{group}")).await.status, status);
        }
        assert_eq!(owner.get("/o/acme/groups/none").await.status, 404);
        assert_eq!(names(&list(&owner, &[]).await), ["Here"]);
    }

    async fn auditors_look_at_groups_and_members_do_not(app) {
        let acme = app.org("Acme").await;
        let id = push(&app, &acme, "Engineering", &[]).await;
        for (role, status, manages) in [(OrgRole::Member, 403, false), (OrgRole::Auditor, 200, false), (OrgRole::Admin, 200, true)] {
            let browser = app.member_as(&acme, &format!("{}@acme.test", role.as_str()), role).await;
            for path in ["/o/acme/groups".to_owned(), format!("/o/acme/groups/{id}")] {
                assert_eq!(browser.get(&path).await.status, status, "{role}, {path}");
            }
            if status == 200 {
                assert_eq!(list(&browser, &[]).await["can_manage"], manages, "{role}");
                assert_eq!(browser.call("group", &[("org", "acme"), ("group", &id)]).await.json["can_manage"], manages, "{role}");
            }
        }
    }
}
