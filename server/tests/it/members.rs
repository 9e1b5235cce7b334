//! The list of members: who is on it, how it is searched and filtered, and who sees what.

use std::{collections::BTreeSet, time::Duration};

use domain::OrgRole;
use serde_json::{Value, json};

use crate::{
    mappings::apply,
    support::{Browser, Org, TestApp, both_databases, id, patch_active, user},
};

/// The list as `browser` gets it with this filter.
async fn list(browser: &Browser, org: &Org, filter: &[(&str, &str)]) -> Value {
    let answer = browser.call("members", &[&[("org", org.slug.as_str())], filter].concat()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

fn names(list: &Value) -> Vec<&str> {
    list["people"].as_array().unwrap().iter().map(|person| person["name"].as_str().unwrap()).collect()
}

/// A group with these people in it that gives a role.
async fn mapped_group(app: &TestApp, org: &Org, name: &str, people: &[&str], role: &str) {
    let group = app.group(org, name, people).await;
    let target = format!("org:{role}");
    apply(&app.owner(org).await, &[("action", "create"), ("group", &group), ("target", &target)]).await;
}

/// Block somebody by hand, in the database.
async fn block(app: &TestApp, email: &str) {
    let sql = format!(
        "INSERT INTO member_blocks (org_id, member_id, cause, blocked_by, blocked_at)
         SELECT p.org_id, p.id, 'operator', 'Ines Vidal', 5 FROM members p JOIN users u ON u.id = p.account_id WHERE u.email = '{email}'"
    );
    app.database.try_run(&sql).await.unwrap();
}

both_databases! {
    async fn a_search_finds_part_of_a_name_or_an_address_however_it_is_written(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let idp = app.idp(&acme);
        let mut body = user("zoe@acme.test");
        body["displayName"] = "Zoë Ångström".into();
        body["userName"] = "zang01".into();
        body["emails"] = json!([{ "value": "Z.Angstrom@mail.acme.test", "primary": true }]);
        let zoe = id(&idp.post("/Users", body).await.json);
        app.provision(&acme, "mira@acme.test").await;
        app.provision(&globex, "zoe@globex.test").await;
        let owner = app.owner(&acme).await;
        for (search, found) in [
            ("ångström", vec!["Zoë Ångström"]),
            ("ZOË", vec!["Zoë Ångström"]),
            ("  ang01 ", vec!["Zoë Ångström"]),
            ("z.angstrom@MAIL", vec!["Zoë Ångström"]),
            ("olsen", vec!["mira Olsen"]),
            // No pattern, no statement: only what it says.
            ("%", vec![]),
            ("_", vec![]),
            ("' OR 1=1 --", vec![]),
            ("globex", vec![]),
            // Empty, as a form sends it.
            ("", vec!["Acme's owner", "mira Olsen", "Zoë Ångström"]),
        ] {
            let list = list(&owner, &acme, &[("search", search), ("role", ""), ("source", ""), ("status", "")]).await;
            assert_eq!(names(&list), found, "{search}");
            assert_eq!(list["total"], found.len(), "{search}");
            assert_eq!(list["everybody"], 3);
        }
        // What she is called now is found, and what she was called is not.
        idp.patch(&format!("/Users/{zoe}"), json!([{ "op": "replace", "value": { "displayName": "Zoe Adler", "userName": "adler" } }])).await;
        let search = async |text| names(&list(&owner, &acme, &[("search", text)]).await).join(", ");
        assert_eq!((search("adler").await.as_str(), search("zang01").await.as_str(), search("ström").await.as_str()), ("Zoe Adler", "", ""));
        assert_eq!(names(&list(&owner, &acme, &[]).await), ["Acme's owner", "mira Olsen", "Zoe Adler"], "by name");
    }

    async fn each_filter_shows_those_it_names_and_nobody_else(app) {
        let acme = app.org("Acme").await;
        app.member_as(&acme, "granted@acme.test", OrgRole::Auditor).await;
        let (mapped, _) = app.join(&acme, "mapped@acme.test").await;
        let (both, _) = app.join(&acme, "both@acme.test").await;
        app.grant(&acme, "both@acme.test", OrgRole::Auditor).await;
        app.join(&acme, "plain@acme.test").await;
        app.provision(&acme, "pending@acme.test").await;
        app.join(&acme, "blocked@acme.test").await;
        block(&app, "blocked@acme.test").await;
        let (left, _) = app.join(&acme, "left@acme.test").await;
        mapped_group(&app, &acme, "Managers", &[&mapped.id, &both.id, &left.id], "admin").await;
        app.idp(&acme).patch(&format!("/Users/{}", left.id), patch_active(false)).await;
        // She was blocked and then left: she has left.
        block(&app, "left@acme.test").await;

        let owner = app.owner(&acme).await;
        let of = async |filter: &[(&str, &str)]| {
            let list = list(&owner, &acme, filter).await;
            let names: BTreeSet<String> = names(&list).iter().map(|name| name.split(' ').next().unwrap().to_owned()).collect();
            assert_eq!(list["total"], names.len(), "{filter:?}");
            names.into_iter().collect::<Vec<_>>().join(" ")
        };
        for (filter, expected) in [
            (vec![], "Acme's blocked both granted mapped pending plain"),
            (vec![("status", "any")], "Acme's blocked both granted left mapped pending plain"),
            (vec![("status", "active")], "Acme's both granted mapped plain"),
            (vec![("status", "pending")], "pending"),
            (vec![("status", "blocked")], "blocked"),
            (vec![("status", "left")], "left"),
            (vec![("role", "owner")], "Acme's"),
            (vec![("role", "admin")], "both mapped"),
            (vec![("role", "auditor")], "granted"),
            (vec![("role", "member")], "blocked pending plain"),
            (vec![("role", "member"), ("status", "any")], "blocked left pending plain"),
            (vec![("role", "admin"), ("status", "any")], "both mapped"),
            (vec![("source", "manual")], "Acme's"),
            (vec![("source", "directory"), ("status", "active")], "both granted mapped plain"),
            (vec![("source", "directory"), ("role", "admin"), ("search", "both")], "both"),
        ] {
            assert_eq!(of(&filter).await, expected, "{filter:?}");
        }
        // A filter by role says what the rows say.
        for row in list(&owner, &acme, &[("status", "any")]).await["people"].as_array().unwrap() {
            let (name, role) = (row["name"].as_str().unwrap(), row["role"].as_str().unwrap());
            assert!(of(&[("status", "any"), ("role", role)]).await.contains(name.split(' ').next().unwrap()), "{name} {role}");
        }
        // A paused mapping gives nothing.
        app.database.try_run("UPDATE group_mappings SET paused_at = 1, paused_by = 'test'").await.unwrap();
        assert_eq!(of(&[("role", "admin")]).await, "");
        assert_eq!(of(&[("role", "auditor")]).await, "both granted");
    }

    async fn blocked_and_inactive_are_told_apart_and_roles_say_where_they_come_from(app) {
        let acme = app.org("Acme").await;
        let (mira, _) = app.join(&acme, "mira@acme.test").await;
        app.grant(&acme, "mira@acme.test", OrgRole::Auditor).await;
        app.join(&acme, "blocked@acme.test").await;
        block(&app, "blocked@acme.test").await;
        let (left, _) = app.join(&acme, "left@acme.test").await;
        app.idp(&acme).patch(&format!("/Users/{}", left.id), patch_active(false)).await;

        assert_eq!(app.member(&acme, "blocked@acme.test").await["access"], json!({ "Blocked": { "by": "Ines Vidal", "at": 5 } }));
        assert!(app.member(&acme, "left@acme.test").await["access"]["Inactive"]["since"].is_number());
        assert_eq!(app.member(&acme, &acme.owner_email).await["because"], "granted by Command line");
        assert_eq!(app.member(&acme, "left@acme.test").await["because"], Value::Null);
        assert_eq!(app.member(&acme, "mira@acme.test").await["because"], "granted by test");
        // A stronger role hides what the weaker one comes from.
        mapped_group(&app, &acme, "Managers", &[&mira.id], "admin").await;
        assert_eq!(app.member(&acme, "mira@acme.test").await["because"], "group Managers");
        mapped_group(&app, &acme, "Leads", &[&mira.id], "admin").await;
        assert_eq!(app.member(&acme, "mira@acme.test").await["because"], "groups Leads and Managers");
        mapped_group(&app, &acme, "Heads", &[&mira.id], "admin").await;
        app.grant(&acme, "mira@acme.test", OrgRole::Admin).await;
        assert_eq!(app.member(&acme, "mira@acme.test").await["because"], "granted by test, 3 groups");
    }

    async fn pages_leave_nobody_out_and_repeat_nobody(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        // Names that differ in nothing but their spelling, so that the order hangs on more than them.
        let mut sent = vec![];
        for number in 0..120 {
            let mut body = user(&format!("p{number}@acme.test"));
            body["displayName"] = ["Ada Berg", "ada berg", "ADA BERG"][number % 3].into();
            sent.push(json!({ "method": "POST", "path": "/Users", "bulkId": format!("b{number}"), "data": body }));
        }
        let answer = idp.post("/Bulk", json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:BulkRequest"], "Operations": sent })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let owner = app.owner(&acme).await;
        for (filter, total) in [(vec![], 121), (vec![("search", "berg")], 120), (vec![("role", "member")], 120)] {
            let mut seen = vec![];
            for (page, on_it) in [("1", 50), ("2", 50), ("3", total - 100), ("4", 0)] {
                let list = list(&owner, &acme, &[filter.clone(), vec![("page", page)]].concat()).await;
                assert_eq!(list["total"], total);
                let people = list["people"].as_array().unwrap();
                assert_eq!(people.len(), on_it, "{filter:?} page {page}");
                seen.extend(people.iter().map(|person| person["member"].as_str().unwrap().to_owned()));
            }
            assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), total, "{filter:?}");
        }
    }

    async fn who_may_only_look_sees_no_reason_of_a_mail_server_and_no_waiting_records(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        app.provision(&globex, "theirs@globex.test").await;
        let member = app.member_as(&acme, "member@acme.test", OrgRole::Member).await;
        let admin = app.member_as(&acme, "admin@acme.test", OrgRole::Admin).await;
        app.provision(&acme, "nobody@acme.test").await;
        app.database.try_run("UPDATE mail_queue SET status = 'failed', error = '550 no such mailbox' WHERE address = 'nobody@acme.test'").await.unwrap();
        // A record that matches the owner waits for her word.
        let record = app.provision(&acme, &acme.owner_email).await;
        let of = if app.state.db.is_postgres() { format!("'{}'", record.id) } else { format!("x'{}'", record.id.replace('-', "")) };
        app.database.try_run("DELETE FROM held_links").await.unwrap();
        app.database.try_run(&format!(
            "INSERT INTO held_links (org_id, user_id, member_id, held_at, held_by)
             SELECT p.org_id, {of}, p.id, 0, 'Okta' FROM members p JOIN users u ON u.id = p.account_id WHERE u.email = '{}'", acme.owner_email
        )).await.unwrap();

        let owner = app.owner(&acme).await;
        for (browser, reason, held, manages, sees) in [(&member, "", 0, false, false), (&admin, "550 no such mailbox", 0, true, true), (&owner, "550 no such mailbox", 1, true, true)] {
            let list = list(browser, &acme, &[("status", "any")]).await;
            let nobody = list["people"].as_array().unwrap().iter().find(|person| person["email"] == "nobody@acme.test").unwrap();
            assert_eq!(nobody["access"]["ActivationFailed"]["reason"], reason);
            assert_eq!((&list["held_links"], &list["can_manage"], &list["can_see_people"]), (&held.into(), &manages.into(), &sees.into()));
            assert_eq!(list["held"].as_array().unwrap().len(), held);
            assert!(!list.to_string().contains("globex"), "no other organisation's people");
        }
        assert_eq!(list(&owner, &acme, &[]).await["held"][0][1], "Acme's owner");
        // A record that was deleted, or declined, waits for nothing.
        app.database.try_run("UPDATE held_links SET declined_at = 1").await.unwrap();
        assert_eq!(list(&owner, &acme, &[]).await["held_links"], 0);
    }

    async fn the_keys_of_a_member_are_always_those_of_what_is_shown(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let (mira, _) = app.join(&acme, "mira@acme.test").await;
        let path = format!("/Users/{}", mira.id);
        let inactive = id(&idp.post("/Users", json!({ "userName": "late", "active": false, "displayName": "Late Comer" })).await.json);
        idp.patch(&format!("/Users/{inactive}"), patch_active(true)).await;
        idp.patch(&path, json!([{ "op": "replace", "value": { "displayName": "Mira 'X' Ω" } }])).await;
        idp.patch(&path, json!([{ "op": "replace", "path": "emails", "value": [{ "value": "other@acme.test" }] }])).await;
        idp.put(&path, json!({ "userName": "m.olsen", "name": { "givenName": "Mira", "familyName": "Ölsen" } })).await;
        idp.patch(&path, json!([{ "op": "remove", "path": "name" }])).await;
        // Longer than what an index holds.
        app.provision(&acme, "long@acme.test").await;
        let mut long = user("longer@acme.test");
        long["displayName"] = "Äö".repeat(400).into();
        assert_eq!(idp.post("/Users", long).await.status, 201);
        // Deleted, and known again by another record.
        let gone = app.provision(&acme, "gone@acme.test").await;
        idp.delete(&format!("/Users/{}", gone.id)).await;
        let (back, _) = (app.provision(&acme, "back@acme.test").await, ());
        idp.delete(&format!("/Users/{}", back.id)).await;
        let mut again = user("back@acme.test");
        again["displayName"] = "Back Again".into();
        idp.post("/Users", again).await;
        idp.patch(&path, patch_active(false)).await;
        // Invited by hand and renamed; and an owner whom the directory manages from now on, because an owner said so.
        let owner = app.owner(&acme).await;
        for email in ["guest@acme.test", "boss@acme.test"] {
            assert_eq!(owner.call("invite", &[("org", "acme"), ("name", "Guest"), ("email", email)]).await.status, 200);
        }
        let guest = app.member(&acme, "guest@acme.test").await["member"].as_str().unwrap().to_owned();
        assert_eq!(owner.call("edit_profile", &[("org", "acme"), ("member", &guest), ("name", "Gast Ängström")]).await.status, 200);
        app.grant(&acme, "boss@acme.test", OrgRole::Owner).await;
        let mut boss = user("boss@acme.test");
        boss["userName"] = "B0SS".into();
        let record = id(&idp.post("/Users", boss).await.json);
        assert_eq!(owner.call("approve_link", &[("org", "acme"), ("record", &record)]).await.status, 200);

        let keys = async || app.database.rows("SELECT id, name_key, search_key FROM members").await;
        let kept = keys().await;
        assert_eq!(kept.len(), 9);
        app.database.try_run("UPDATE members SET name_key = '', search_key = 'x'").await.unwrap();
        assert_eq!(directory::provisioning::index::renew(&app.database.as_owner().await).await.unwrap(), 9);
        assert_eq!(keys().await, kept);
        assert_eq!(app.database.number("SELECT count(*) FROM members WHERE search_key LIKE '%m.olsen%' AND name_key = 'm.olsen'").await, 1);
        let found = list(&owner, &acme, &[("search", "b0ss")]).await;
        assert_eq!(names(&found), ["boss Olsen"], "by what the directory calls her");
        assert_eq!(app.database.number("SELECT CAST(max(length(name_key)) AS bigint) FROM members").await, 100);
    }

    async fn a_leavers_row_stays_and_says_since_when(app) {
        let acme = app.org("Acme").await;
        let (mira, _) = app.join(&acme, "mira@acme.test").await;
        app.advance(Duration::from_secs(3_600));
        let left_at = app.call().now;
        app.idp(&acme).patch(&format!("/Users/{}", mira.id), patch_active(false)).await;
        assert_eq!(app.member(&acme, "mira@acme.test").await["access"], json!({ "Inactive": { "since": left_at.as_micros() } }));
        assert_eq!(names(&list(&app.owner(&acme).await, &acme, &[]).await), ["Acme's owner"]);
    }
}
