//! What groups give: looked at first, applied as it was looked at, and gone with what it came from.

use std::collections::BTreeMap;

use domain::OrgRole;
use serde_json::{Value, json};

use crate::support::{Browser, Org, TestApp, both_databases, patch_active, races};

/// Whom the members list shows with which role.
async fn role(app: &TestApp, org: &Org, email: &str) -> String {
    app.member(org, email).await["role"].as_str().unwrap().to_owned()
}

/// The role that the person's own next request is answered with.
async fn own_role(browser: &Browser) -> String {
    browser.call("viewer", &[("org", "acme")]).await.json["role"].as_str().unwrap_or("nobody").to_owned()
}

async fn preview(browser: &Browser, fields: &[(&str, &str)]) -> Value {
    let answer = browser.call("preview_mapping", &[&[("org", "acme")], fields].concat()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

/// Apply what `fields` say as it is planned now.
pub async fn apply(browser: &Browser, fields: &[(&str, &str)]) -> Value {
    let plan = preview(browser, fields).await;
    let hash = plan["hash"].as_str().unwrap();
    let answer = browser.call("apply_mapping", &[&[("org", "acme"), ("plan", hash)], fields].concat()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    plan
}

async fn mapping_of(browser: &Browser, group_name: &str) -> Value {
    let list = browser.call("integrations", &[("org", "acme")]).await.json;
    list["mappings"].as_array().unwrap().iter().find(|mapping| mapping["group_name"] == group_name).cloned().unwrap_or(Value::Null)
}

pub fn add(user: &str) -> Value {
    json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }])
}

pub fn remove(user: &str) -> Value {
    json!([{ "op": "remove", "path": format!("members[value eq \"{user}\"]") }])
}

both_databases! {
    /// Item 3: the mover's next request has the new role and has lost the old one.
    async fn a_movers_next_request_has_the_new_role_and_has_lost_the_old_one(app) {
        let acme = app.org("Acme").await;
        let (mira, browser) = app.join(&acme, "mira@acme.test").await;
        let idp = app.idp(&acme);
        let (managers, auditors) = (app.group(&acme, "Managers", &[&mira.id]).await, app.group(&acme, "Auditors", &[]).await);
        assert_eq!(own_role(&browser).await, "member", "without a mapping, a group gives nothing");
        let owner = app.owner(&acme).await;
        apply(&owner, &[("action", "create"), ("group", &managers), ("target", "org:admin")]).await;
        apply(&owner, &[("action", "create"), ("group", &auditors), ("target", "org:auditor")]).await;
        assert_eq!(own_role(&browser).await, "admin");
        assert_eq!(browser.get("/o/acme/settings/audit").await.status, 200);

        for (group, operations) in [(&auditors, add(&mira.id)), (&managers, remove(&mira.id))] {
            assert_eq!(idp.patch(&format!("/Groups/{group}"), operations.clone()).await.status, 204);
            // Retried: nothing more changes.
            let before = idp.get(&format!("/Groups/{group}")).await.text;
            assert_eq!(idp.patch(&format!("/Groups/{group}"), operations).await.status, 204);
            assert_eq!(idp.get(&format!("/Groups/{group}")).await.text, before);
        }
        assert_eq!(own_role(&browser).await, "auditor");
        assert_eq!(idp.patch(&format!("/Groups/{auditors}"), remove(&mira.id)).await.status, 204);
        assert_eq!(own_role(&browser).await, "member");
        assert_eq!(browser.get("/o/acme/settings/audit").await.status, 403);
    }

    async fn a_grant_by_hand_survives_whatever_groups_do(app) {
        let acme = app.org("Acme").await;
        let (mira, browser) = app.join(&acme, "mira@acme.test").await;
        app.grant(&acme, "mira@acme.test", OrgRole::Auditor).await;
        let group = app.group(&acme, "Managers", &[&mira.id]).await;
        let owner = app.owner(&acme).await;
        apply(&owner, &[("action", "create"), ("group", &group), ("target", "org:admin")]).await;
        assert_eq!(own_role(&browser).await, "admin");
        assert_eq!(app.idp(&acme).delete(&format!("/Groups/{group}")).await.status, 204);
        assert_eq!(own_role(&browser).await, "auditor");
    }

    /// The table of role resolution, through the real query: base, grants by hand, several mappings, paused ones, an inactive
    /// record, a mapping that nobody has confirmed.
    async fn the_role_in_force_is_the_strongest_source_in_force(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let idp = app.idp(&acme);
        let mut groups = BTreeMap::new();
        for (name, target) in [("A", "org:admin"), ("U", "org:auditor"), ("M", "org:member"), ("P", "org:admin")] {
            let group = app.group(&acme, name, &[]).await;
            apply(&owner, &[("action", "create"), ("group", &group), ("target", target)]).await;
            groups.insert(name, group);
        }
        let paused = mapping_of(&owner, "P").await["id"].as_str().unwrap().to_owned();
        apply(&owner, &[("action", "pause"), ("mapping", &paused)]).await;
        apply(&owner, &[("action", "create"), ("group_name", "W"), ("target", "org:admin")]).await;
        groups.insert("W", app.group(&acme, "W", &[]).await);
        groups.insert("none", app.group(&acme, "none", &[]).await);

        let table: &[(Option<OrgRole>, &[&str], &str)] = &[
            (None, &[], "member"),
            (None, &["none"], "member"),
            (None, &["M"], "member"),
            (None, &["U"], "auditor"),
            (None, &["U", "M"], "auditor"),
            (None, &["A", "U", "M", "none"], "admin"),
            (None, &["P"], "member"),
            (None, &["P", "U"], "auditor"),
            (None, &["W"], "member"),
            (Some(OrgRole::Auditor), &[], "auditor"),
            (Some(OrgRole::Auditor), &["M"], "auditor"),
            (Some(OrgRole::Auditor), &["A"], "admin"),
            (Some(OrgRole::Admin), &["U"], "admin"),
            (Some(OrgRole::Owner), &["A", "U"], "owner"),
            (Some(OrgRole::Owner), &[], "owner"),
        ];
        for (number, (granted, of, expected)) in table.iter().enumerate() {
            let email = format!("p{number}@acme.test");
            let (person, browser) = app.join(&acme, &email).await;
            if let Some(granted) = granted {
                app.grant(&acme, &email, *granted).await;
            }
            for name in *of {
                assert_eq!(idp.patch(&format!("/Groups/{}", groups[name]), add(&person.id)).await.status, 204);
            }
            assert_eq!(own_role(&browser).await, *expected, "{granted:?} {of:?}");
            assert_eq!(role(&app, &acme, &email).await, *expected, "{granted:?} {of:?} in the list");
        }
        // Gone: no role at all; and back: what the groups give now, no grant.
        let gone = idp.find("/Users", "userName eq \"p11@acme.test\"").await.json["Resources"][0]["id"].as_str().unwrap().to_owned();
        assert_eq!(idp.patch(&format!("/Users/{gone}"), patch_active(false)).await.status, 200);
        assert_eq!(role(&app, &acme, "p11@acme.test").await, "member");
        assert_eq!(idp.patch(&format!("/Users/{gone}"), patch_active(true)).await.status, 200);
        assert_eq!(role(&app, &acme, "p11@acme.test").await, "admin");
    }

    async fn a_preview_says_who_gains_and_who_loses_and_changes_nothing(app) {
        let acme = app.org("Acme").await;
        let (mira, _) = app.join(&acme, "mira@acme.test").await;
        let (ben, _) = app.join(&acme, "ben@acme.test").await;
        let (ada, _) = app.join(&acme, "ada@acme.test").await;
        app.grant(&acme, "ada@acme.test", OrgRole::Admin).await;
        let gone = app.provision(&acme, "gone@acme.test").await;
        app.idp(&acme).patch(&format!("/Users/{}", gone.id), patch_active(false)).await;
        let group = app.group(&acme, "Managers", &[&mira.id, &ben.id, &ada.id, &gone.id]).await;
        app.agent(&acme, "Helper", &[OrgRole::Member]).await;
        app.agent(&acme, "Deploy bot", &[OrgRole::Admin, OrgRole::Owner]).await;
        let owner = app.owner(&acme).await;

        let rows = async || [app.database.rows("SELECT * FROM group_mappings").await, app.database.rows("SELECT * FROM audit_events").await];
        let before = rows().await;
        let plan = preview(&owner, &[("action", "create"), ("group", &group), ("target", "org:admin")]).await;
        assert_eq!(rows().await, before);
        assert_eq!((&plan["gain"], &plan["lose"], &plan["unchanged"], &plan["without_access"], &plan["total"]), (&json!(2), &json!(2), &json!(1), &json!(1), &json!(2)));
        assert_eq!(plan["agents"], json!([["Deploy bot", 2, 0], ["Helper", 0, 2]]));
        for person in plan["people"].as_array().unwrap() {
            assert_eq!(person["role"], json!(["member", "admin"]));
            assert_eq!((&person["agents_gained"], &person["agents_lost"]), (&json!(["Deploy bot"]), &json!(["Helper"])));
        }

        // The loss is previewed in the same way.
        apply(&owner, &[("action", "create"), ("group", &group), ("target", "org:admin")]).await;
        let mapping = mapping_of(&owner, "Managers").await["id"].as_str().unwrap().to_owned();
        for action in ["pause", "delete"] {
            let loss = preview(&owner, &[("action", action), ("mapping", &mapping)]).await;
            assert_eq!((&loss["people"][0]["role"], &loss["total"], &loss["agents"]), (&json!(["admin", "member"]), &json!(2), &json!([["Deploy bot", 0, 2], ["Helper", 2, 0]])));
        }
        let created = app.audit(&acme).await.into_iter().find(|row| row.action == "mapping.created").unwrap();
        assert_eq!(created.target.as_deref(), Some("Managers"));
        assert_eq!(created.details, ["gives: Admin", "people who gain: 2", "people who lose: 2"]);
    }

    async fn a_stale_plan_is_refused_and_nothing_is_done(app) {
        let acme = app.org("Acme").await;
        let (mira, browser) = app.join(&acme, "mira@acme.test").await;
        let (ben, _) = app.join(&acme, "ben@acme.test").await;
        let group = app.group(&acme, "Managers", &[&mira.id]).await;
        let owner = app.owner(&acme).await;
        let fields = [("org", "acme"), ("action", "create"), ("group", group.as_str()), ("target", "org:auditor")];
        let old = preview(&owner, &fields[1..]).await["hash"].as_str().unwrap().to_owned();
        // What would change something else by now: who is in the group, what they have already, which agents there are.
        let idp = app.idp(&acme);
        idp.patch(&format!("/Groups/{group}"), add(&ben.id)).await;
        let answer = owner.call("apply_mapping", &[&fields[..], &[("plan", &old)]].concat()).await;
        assert_eq!((answer.status, answer.json), (409, json!("PlanChanged")));
        idp.patch(&format!("/Groups/{group}"), remove(&ben.id)).await;
        app.agent(&acme, "Ledger", &[OrgRole::Auditor]).await;
        assert_eq!(owner.call("apply_mapping", &[&fields[..], &[("plan", &old)]].concat()).await.status, 409);
        app.database.try_run("DELETE FROM agents").await.unwrap();
        app.grant(&acme, "mira@acme.test", OrgRole::Admin).await;
        assert_eq!(owner.call("apply_mapping", &[&fields[..], &[("plan", &old)]].concat()).await.status, 409);
        assert_eq!(app.database.number("SELECT count(*) FROM group_mappings").await, 0);
        app.database.try_run("DELETE FROM role_grants WHERE granted_by = 'test'").await.unwrap();
        assert_eq!(own_role(&browser).await, "member");
        // As it was: the old plan is the plan.
        assert_eq!(owner.call("apply_mapping", &[&fields[..], &[("plan", &old)]].concat()).await.status, 200);
        assert_eq!(own_role(&browser).await, "auditor");
        // And an action that was overtaken says so, rather than happening twice.
        assert_eq!(owner.call("apply_mapping", &[&fields[..], &[("plan", &old)]].concat()).await.status, 422);
    }

    async fn a_mapping_binds_once_and_for_good_to_the_first_group_of_exactly_that_name(app) {
        let acme = app.org("Acme").await;
        let (mira, browser) = app.join(&acme, "mira@acme.test").await;
        let team = app.team(&acme, "Platform").await;
        let owner = app.owner(&acme).await;
        let target = format!("team:{team}:lead");
        apply(&owner, &[("action", "create"), ("group_name", "Engineering"), ("target", &target)]).await;
        assert_eq!(mapping_of(&owner, "Engineering").await["state"], "waiting");
        let second_later = || app.advance(std::time::Duration::from_secs(1));
        second_later();
        // Not exactly this name.
        let other = app.group(&acme, "engineering", &[&mira.id]).await;
        assert_eq!(mapping_of(&owner, "Engineering").await["state"], "waiting");
        assert_eq!(app.idp(&acme).delete(&format!("/Groups/{other}")).await.status, 204);

        let first = app.group(&acme, "Engineering", &[&mira.id]).await;
        assert_eq!(mapping_of(&owner, "Engineering").await["state"], "active");
        assert_eq!(app.seat(&acme, "mira@acme.test", "Platform").await, Some("lead".to_owned()));
        assert_eq!(own_role(&browser).await, "member");

        second_later();
        // It is the group that is mapped, not its name.
        let rename = json!([{ "op": "replace", "path": "displayName", "value": "Builders" }]);
        assert_eq!(app.idp(&acme).patch(&format!("/Groups/{first}"), rename).await.status, 204);
        assert_eq!(app.seat(&acme, "mira@acme.test", "Platform").await, Some("lead".to_owned()));
        let (ben, _) = app.join(&acme, "ben@acme.test").await;
        let second = app.group(&acme, "Engineering", &[&ben.id]).await;
        assert_eq!(app.seat(&acme, "ben@acme.test", "Platform").await, None);

        // Deleted, it gives nothing and never again: a group of the same name is another group.
        assert_eq!(app.idp(&acme).delete(&format!("/Groups/{first}")).await.status, 204);
        assert_eq!(app.seat(&acme, "mira@acme.test", "Platform").await, None);
        assert_eq!(mapping_of(&owner, "Builders").await["state"], "closed");
        assert_eq!(app.idp(&acme).delete(&format!("/Groups/{second}")).await.status, 204);
        app.group(&acme, "Builders", &[&mira.id]).await;
        app.group(&acme, "Engineering", &[&mira.id]).await;
        assert_eq!(app.seat(&acme, "mira@acme.test", "Platform").await, None);
        let told: Vec<_> = app.audit(&acme).await.into_iter().filter(|row| row.action.starts_with("mapping.")).map(|row| row.action).collect();
        assert_eq!(told, ["mapping.closed", "mapping.bound", "mapping.created"]);
    }

    async fn a_mapping_that_waited_for_its_group_makes_no_auditor_before_an_owner_has_looked(app) {
        let acme = app.org("Acme").await;
        let (mira, browser) = app.join(&acme, "mira@acme.test").await;
        let admin = app.member_as(&acme, "admin@acme.test", OrgRole::Admin).await;
        let plan = apply(&admin, &[("action", "create"), ("group_name", "Audit"), ("target", "org:auditor")]).await;
        assert_eq!((&plan["needs_owner"], &plan["total"]), (&json!(true), &json!(0)));
        app.alerts().await;
        app.group(&acme, "Audit", &[&mira.id]).await;
        assert_eq!(own_role(&browser).await, "member");
        let alerts = app.alerts().await;
        assert_eq!(alerts.len(), 1, "{alerts:?}");
        assert!(alerts[0].0 == acme.owner_email && alerts[0].1.contains("a mapping waits for an owner"), "{alerts:?}");
        let mapping = mapping_of(&admin, "Audit").await;
        let id = mapping["id"].as_str().unwrap();
        assert_eq!((&mapping["state"], &mapping["may"]), (&json!("unconfirmed"), &json!(["delete"])));
        assert_eq!(admin.call("preview_mapping", &[("org", "acme"), ("action", "confirm"), ("mapping", id)]).await.status, 403);

        let owner = app.owner(&acme).await;
        let plan = preview(&owner, &[("action", "confirm"), ("mapping", id)]).await;
        assert_eq!((&plan["gain"], &plan["needs_password"]), (&json!(1), &json!(true)));
        let fields = [("org", "acme"), ("action", "confirm"), ("mapping", id), ("plan", plan["hash"].as_str().unwrap())];
        app.advance(std::time::Duration::from_secs(15 * 60));
        let refused = owner.call("apply_mapping", &fields).await;
        assert_eq!((refused.status, refused.json), (403, json!("PasswordNeeded")));
        assert_eq!(owner.call("apply_mapping", &[&fields[..], &[("password", "wrong")]].concat()).await.status, 422);
        assert_eq!(own_role(&browser).await, "member");
        assert_eq!(owner.call("apply_mapping", &[&fields[..], &[("password", crate::support::PASSWORD)]].concat()).await.status, 200);
        assert_eq!(own_role(&browser).await, "auditor");
    }

    async fn nobody_maps_a_role_at_or_above_her_own_save_owners(app) {
        let acme = app.org("Acme").await;
        let group = app.group(&acme, "Managers", &[]).await;
        let (owner, admin) = (app.owner(&acme).await, app.member_as(&acme, "admin@acme.test", OrgRole::Admin).await);
        let create = |target: &'static str| [("org", "acme"), ("action", "create"), ("group", group.clone().leak() as &str), ("target", target)];
        assert_eq!(admin.call("preview_mapping", &create("org:admin")).await.status, 403);
        assert_eq!(admin.call("apply_mapping", &[&create("org:admin")[..], &[("plan", "x")]].concat()).await.status, 403);
        // Never owner, by anybody: it cannot even be said.
        assert_eq!(owner.call("preview_mapping", &create("org:owner")).await.status, 400);
        apply(&owner, &create("org:admin")[1..]).await;
        let id = mapping_of(&owner, "Managers").await["id"].as_str().unwrap().to_owned();
        for action in ["pause", "delete"] {
            assert_eq!(admin.call("preview_mapping", &[("org", "acme"), ("action", action), ("mapping", &id)]).await.status, 403);
            assert_eq!(admin.call("apply_mapping", &[("org", "acme"), ("action", action), ("mapping", &id), ("plan", "x")]).await.status, 403);
        }
        assert_eq!(mapping_of(&admin, "Managers").await["may"], json!([]));
        apply(&admin, &create("org:auditor")[1..]).await;
    }

    /// Law 2, where no code of ours is asked.
    async fn the_database_refuses_a_mapping_to_owner(app) {
        let acme = app.org("Acme").await;
        let group = app.group(&acme, "Managers", &[]).await;
        apply(&app.owner(&acme).await, &[("action", "create"), ("group", &group), ("target", "org:admin")]).await;
        for table in ["group_mappings", "group_mapping_spans"] {
            assert!(app.database.try_run(&format!("UPDATE {table} SET org_role = 'owner'")).await.is_err(), "{table}");
            assert_eq!(app.database.number(&format!("SELECT count(*) FROM {table} WHERE org_role = 'admin'")).await, 1, "{table}");
        }
        let columns = "id, org_id, group_id, group_name, org_role, created_at, created_by, bound_at, confirmed_at";
        let fresh = if app.state.db.is_postgres() { "gen_random_uuid()" } else { "randomblob(16)" };
        for (role, works) in [("owner", false), ("root", false), ("auditor", true)] {
            let sql = format!("INSERT INTO group_mappings ({columns}) SELECT {fresh}, org_id, group_id, group_name, '{role}', 0, 'x', 0, 0 FROM group_mappings LIMIT 1");
            assert_eq!(app.database.try_run(&sql).await.is_ok(), works, "{role}");
        }
    }

    async fn mappings_of_another_organisation_are_not_there(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let (group, theirs) = (app.group(&acme, "Managers", &[]).await, app.group(&globex, "Managers", &[]).await);
        let owner = app.owner(&acme).await;
        apply(&owner, &[("action", "create"), ("group", &group), ("target", "org:admin")]).await;
        let id = mapping_of(&owner, "Managers").await["id"].as_str().unwrap().to_owned();
        let stranger = app.owner(&globex).await;
        assert_eq!(stranger.call("preview_mapping", &[("org", "globex"), ("action", "delete"), ("mapping", &id)]).await.status, 404);
        assert_eq!(stranger.call("preview_mapping", &[("org", "globex"), ("action", "create"), ("group", &group), ("target", "org:admin")]).await.status, 404);
        assert_eq!(owner.call("preview_mapping", &[("org", "acme"), ("action", "create"), ("group", &theirs), ("target", "org:admin")]).await.status, 404);
        let team = app.team(&globex, "Platform").await;
        let target = format!("team:{team}:member");
        assert_eq!(owner.call("preview_mapping", &[("org", "acme"), ("action", "create"), ("group", &group), ("target", &target)]).await.status, 422);
        assert_eq!(stranger.call("integrations", &[("org", "globex")]).await.json["mappings"], json!([]));
    }

    /// Each of two mappings gives her the same, so pausing either takes nothing away: whoever looked at both before and applies
    /// both at once is told so for the first alone.
    async fn of_two_plans_that_are_applied_at_once_one_is_stale(app) {
        let acme = app.org("Acme").await;
        let (mira, browser) = app.join(&acme, "mira@acme.test").await;
        let owner = app.owner(&acme).await;
        let mut mappings = vec![];
        for name in ["One", "Two"] {
            let group = app.group(&acme, name, &[&mira.id]).await;
            apply(&owner, &[("action", "create"), ("group", &group), ("target", "org:admin")]).await;
            mappings.push(mapping_of(&owner, name).await["id"].as_str().unwrap().to_owned());
        }
        for _ in 0..races() {
            let mut plans = vec![];
            for mapping in &mappings {
                let plan = preview(&owner, &[("action", "pause"), ("mapping", mapping)]).await;
                assert_eq!(plan["total"], json!(0));
                plans.push(plan["hash"].as_str().unwrap().to_owned());
            }
            let pause = |number: usize| [("org", "acme"), ("action", "pause"), ("mapping", mappings[number].as_str()), ("plan", plans[number].as_str())];
            let (first, second) = (pause(0), pause(1));
            let (a, b) = tokio::join!(owner.call("apply_mapping", &first), owner.call("apply_mapping", &second));
            let mut statuses = [a.status, b.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 409], "{} {}", a.text, b.text);
            assert_eq!(own_role(&browser).await, "admin");
            let paused = if a.status == 200 { 0 } else { 1 };
            apply(&owner, &[("action", "resume"), ("mapping", &mappings[paused])]).await;
        }
    }

    /// Whoever lets her in again gives her what her groups give: that is for those who could give it by hand.
    async fn an_admin_lets_nobody_in_again_whom_a_group_makes_an_admin(app) {
        let acme = app.org("Acme").await;
        let (mira, browser) = app.join(&acme, "mira@acme.test").await;
        let (ben, _) = app.join(&acme, "ben@acme.test").await;
        let group = app.group(&acme, "Managers", &[&mira.id]).await;
        let (owner, admin) = (app.owner(&acme).await, app.member_as(&acme, "admin@acme.test", OrgRole::Admin).await);
        apply(&owner, &[("action", "create"), ("group", &group), ("target", "org:admin")]).await;
        let _ = ben;
        let mut members = vec![];
        for email in ["mira@acme.test", "ben@acme.test"] {
            let member = app.member(&acme, email).await["member"].as_str().unwrap().to_owned();
            for act in ["block_member", "remove_member"] {
                assert_eq!(owner.call(act, &[("org", "acme"), ("member", &member)]).await.status, 200);
            }
            members.push(member);
        }
        for act in ["unblock_member", "restore_member"] {
            for (member, status) in members.iter().zip([403, 200]) {
                let answer = admin.call(act, &[("org", "acme"), ("member", member)]).await;
                assert_eq!(answer.status, status, "{act}: {}", answer.text);
            }
            let may = admin.call("person", &[("org", "acme"), ("member", &members[0])]).await.json["may"].clone();
            assert_eq!((&may["restore"], &may["unblock"]), (&json!(false), &json!(false)));
        }
        assert!(browser.get("/o/acme/members").await.is_refused());
        for act in ["unblock_member", "restore_member"] {
            assert_eq!(owner.call(act, &[("org", "acme"), ("member", &members[0])]).await.status, 200);
        }
        assert_eq!(role(&app, &acme, "mira@acme.test").await, "admin");
    }

    /// A mapping by name and the group of that name, pushed at the same moment: whoever comes first, the mapping is bound.
    async fn a_group_that_is_pushed_while_it_is_mapped_by_name_is_bound_all_the_same(app) {
        let acme = app.org("Acme").await;
        let team = app.team(&acme, "Platform").await;
        let owner = app.owner(&acme).await;
        let idp = app.idp(&acme);
        for round in 0..races() {
            let name = format!("G{round}");
            let target = format!("team:{team}:member");
            let fields = [("action", "create"), ("group_name", name.as_str()), ("target", target.as_str())];
            let hash = preview(&owner, &fields).await["hash"].as_str().unwrap().to_owned();
            let head = [("org", "acme"), ("plan", hash.as_str())];
            let all = [&head[..], &fields[..]].concat();
            let (mapped, pushed) = tokio::join!(
                owner.call("apply_mapping", &all),
                idp.post("/Groups", json!({ "displayName": name })),
            );
            assert_eq!(pushed.status, 201, "{}", pushed.text);
            match mapped.status {
                200 => assert_eq!(mapping_of(&owner, &name).await["state"], "active", "{name}"),
                // The group was first: mapping a group that is there is another plan.
                409 => assert_eq!(mapping_of(&owner, &name).await, Value::Null),
                other => panic!("{other}: {}", mapped.text),
            }
        }
    }
}
