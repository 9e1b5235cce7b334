//! Agents: who may use which, computed at each request from what she holds at that moment.

use domain::OrgRole;
use serde_json::{Value, json};

use crate::{
    support::{Browser, Org, Page, TestApp, both_databases, patch_active},
    teams::{SECOND, add, create_team, give_seat, id_in, map, member, pause, remove, remove_seat},
};

/// Create an agent through the console; its id.
async fn create_agent(browser: &Browser, org: &Org, name: &str) -> String {
    let fields = [("org", org.slug.as_str()), ("name", name), ("description", "Reads tickets."), ("owner_team", "")];
    let answer = browser.call("create_agent", &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    id_in(&answer)
}

/// Let exactly these teams and roles use an agent.
async fn set_access(browser: &Browser, org: &Org, agent: &str, teams: &[&str], roles: &[&str]) -> Page {
    let mut fields = vec![("org", org.slug.as_str()), ("agent", agent)];
    fields.extend(teams.iter().map(|team| ("teams[]", *team)));
    fields.extend(roles.iter().map(|role| ("roles[]", *role)));
    browser.call("set_agent_access", &fields).await
}

/// The agents that the browser's person may use, each with through what. Her list, each agent's page and what the agent's
/// page counts have to agree.
async fn mine(app: &TestApp, browser: &Browser, org: &Org) -> Vec<String> {
    let list = browser.call("agents", &[("org", &org.slug)]).await;
    assert_eq!(list.status, 200, "{}", list.text);
    let through = |agent: &Value| agent["mine"].as_array().unwrap().iter().map(|way| way.as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let all = list.json["all"] == true;
    let mut reached = vec![];
    for agent in app.owner(org).await.call("agents", &[("org", &org.slug)]).await.json["agents"].as_array().unwrap() {
        let shown = list.json["agents"].as_array().unwrap().iter().find(|shown| shown["id"] == agent["id"]);
        let ways = shown.map(through).unwrap_or_default();
        let page = browser.call("agent", &[("org", &org.slug), ("agent", agent["id"].as_str().unwrap())]).await;
        assert_eq!(page.status == 200, all || !ways.is_empty(), "{}", page.text);
        if !ways.is_empty() {
            assert_eq!(through(&page.json["agent"]), ways);
            reached.push(format!("{} by {}", agent["name"].as_str().unwrap(), ways.join(", ")));
        }
    }
    reached
}

async fn people(app: &TestApp, org: &Org, agent: &str) -> u64 {
    app.owner(org).await.call("agent", &[("org", &org.slug), ("agent", agent)]).await.json["people"].as_u64().unwrap()
}

both_databases! {
    async fn administrators_manage_agents_and_nobody_else_does(app) {
        let acme = app.org("Acme").await;
        let admin = app.member_as(&acme, "admin@acme.test", OrgRole::Admin).await;
        let team = create_team(&admin, &acme, "Platform").await;
        let agent = create_agent(&admin, &acme, "Scout").await;
        for role in [OrgRole::Member, OrgRole::Auditor] {
            let browser = app.member_as(&acme, &format!("{}@acme.test", role.as_str()), role).await;
            let described = [("org", "acme"), ("agent", agent.as_str()), ("name", "Mine"), ("description", ""), ("owner_team", "")];
            for (function, fields) in [("create_agent", &described[..]), ("edit_agent", &described[..]), ("delete_agent", &described[..2]), ("set_agent_access", &described[..2])] {
                assert_eq!(browser.call(function, fields).await.status, 403, "{function}, {role}");
            }
        }
        let fields = [("org", "acme"), ("agent", agent.as_str()), ("name", "Scout II"), ("description", " Reads all tickets. "), ("owner_team", team.as_str())];
        app.advance(SECOND);
        assert_eq!(admin.call("edit_agent", &fields).await.status, 200);
        app.advance(SECOND);
        assert_eq!(admin.call("edit_agent", &fields).await.status, 200, "said again, it changes nothing");
        let shown = admin.call("agent", &[("org", "acme"), ("agent", &agent)]).await.json;
        assert_eq!((&shown["agent"]["name"], &shown["agent"]["description"]), (&"Scout II".into(), &"Reads all tickets.".into()));
        assert_eq!((&shown["agent"]["owner_team"][1], &shown["created_by"], &shown["people"]), (&"Platform".into(), &"admin Olsen".into(), &0.into()));
        assert_eq!(admin.call("delete_agent", &[("org", "acme"), ("agent", &agent)]).await.redirect(), Some("/o/acme/agents"));
        assert_eq!(admin.call("agent", &[("org", "acme"), ("agent", &agent)]).await.status, 404);
        let told: Vec<_> = app.audit(&acme).await.into_iter().filter(|row| row.action.starts_with("agent.")).collect();
        assert_eq!(told.iter().map(|row| row.action.as_str()).collect::<Vec<_>>(), ["agent.deleted", "agent.changed", "agent.created"]);
        let changed = &told[1].details;
        assert_eq!((changed[0].as_str(), changed[2].as_str()), ("name: Scout → Scout II", "owner team: none → Platform"));
        assert!(changed[1].starts_with("description: ") && changed[1].ends_with(" → Reads all tickets."), "{changed:?}");
    }

    async fn an_agents_name_is_its_own_however_it_is_written(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        create_agent(&owner, &acme, "Scout").await;
        let other = create_agent(&owner, &acme, "Other").await;
        let long = "x".repeat(401);
        for (name, description, field) in [("SCOUT ", "", "name"), ("", "", "name"), ("Third", long.as_str(), "description")] {
            let fields = [("org", "acme"), ("agent", other.as_str()), ("name", name), ("description", description), ("owner_team", "")];
            for function in ["create_agent", "edit_agent"] {
                let answer = owner.call(function, &fields).await;
                assert_eq!((answer.status, &answer.json["Invalid"]["field"]), (422, &field.into()), "{function}: {}", answer.text);
            }
        }
        let fields = [("org", "acme"), ("agent", other.as_str()), ("name", "OTHER"), ("description", "")];
        assert_eq!(owner.call("edit_agent", &fields).await.status, 200, "her own name in another spelling; no team at all");
    }

    /// The answer changes with a seat, a group, a mapping, a role or a grant, at the very next request.
    async fn agents_come_and_go_with_what_they_are_granted_to(app) {
        let acme = app.org("Acme").await;
        let (mira, browser) = app.join(&acme, "mira@acme.test").await;
        let owner = app.owner(&acme).await;
        let id = member(&app, &acme, "mira@acme.test").await;
        let (platform, research) = (create_team(&owner, &acme, "Platform").await, create_team(&owner, &acme, "Research").await);
        let (scout, clerk) = (create_agent(&owner, &acme, "Scout").await, create_agent(&owner, &acme, "Clerk").await);
        assert_eq!(mine(&app, &browser, &acme).await, [""; 0], "nobody may use a new one");
        assert_eq!(set_access(&owner, &acme, &scout, &[&platform, &research], &["auditor"]).await.status, 200);
        assert_eq!(set_access(&owner, &acme, &clerk, &[], &["member"]).await.status, 200);
        assert_eq!(mine(&app, &browser, &acme).await, ["Clerk by role Member"]);

        // A seat by hand.
        assert_eq!(give_seat(&owner, &acme, &platform, &id, "member").await.status, 200);
        assert_eq!(mine(&app, &browser, &acme).await, ["Clerk by role Member", "Scout by team Platform"]);
        // A group: mapped to a team, with her in it.
        let idp = app.idp(&acme);
        let group = app.group(&acme, "Researchers", &[]).await;
        let mapping = map(&app, &acme, &group, &format!("team:{research}:lead")).await;
        let path = format!("/Groups/{group}");
        assert_eq!(idp.patch(&path, add(&mira.id)).await.status, 204);
        assert_eq!(mine(&app, &browser, &acme).await, ["Clerk by role Member", "Scout by team Platform, team Research"]);
        assert_eq!(people(&app, &acme, &scout).await, 1);
        assert_eq!(remove_seat(&owner, &acme, &platform, &id).await.status, 200);
        assert_eq!(mine(&app, &browser, &acme).await, ["Clerk by role Member", "Scout by team Research"]);
        // While the directory says that she is inactive, its groups give nothing, whatever else lets her in.
        for (active, by_research) in [(false, 0), (true, 1)] {
            app.database.try_run(&format!("UPDATE scim_users SET active = {active} WHERE user_name = 'mira@acme.test'")).await.unwrap();
            assert_eq!(mine(&app, &browser, &acme).await.len(), 1 + by_research, "{active}");
            assert_eq!(people(&app, &acme, &scout).await, by_research as u64, "{active}");
            let shown = owner.call("team", &[("org", "acme"), ("team", &research)]).await.json;
            assert_eq!(shown["by_groups_total"], by_research, "{active}");
        }
        assert_eq!(idp.patch(&path, remove(&mira.id)).await.status, 204);
        assert_eq!(mine(&app, &browser, &acme).await, ["Clerk by role Member"]);
        assert_eq!(idp.patch(&path, add(&mira.id)).await.status, 204);
        pause(&app, &acme, &mapping).await;
        assert_eq!(mine(&app, &browser, &acme).await, ["Clerk by role Member"]);
        assert_eq!(people(&app, &acme, &scout).await, 0);

        // A role: what is granted to members is not the auditor's, and the other way round.
        app.grant(&acme, "mira@acme.test", OrgRole::Auditor).await;
        assert_eq!(mine(&app, &browser, &acme).await, ["Scout by role Auditor"]);
        assert_eq!((people(&app, &acme, &scout).await, people(&app, &acme, &clerk).await), (1, 0), "the owner is no member here");
        // A grant.
        assert_eq!(set_access(&owner, &acme, &scout, &[&platform], &[]).await.status, 200);
        assert_eq!(mine(&app, &browser, &acme).await, [""; 0]);
        assert_eq!(set_access(&owner, &acme, &scout, &[], &["auditor"]).await.status, 200);
        assert_eq!(mine(&app, &browser, &acme).await, ["Scout by role Auditor"]);
        // Her access.
        assert_eq!(idp.patch(&format!("/Users/{}", mira.id), patch_active(false)).await.status, 200);
        assert_eq!(people(&app, &acme, &scout).await, 0);
        assert_eq!(browser.call("agents", &[("org", "acme")]).await.status, 401);
    }

    /// None is implied by a higher one, and a role from a group counts as one by hand does.
    async fn no_role_implies_another_where_agents_are_granted(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let (gus, by_group) = app.join(&acme, "gus@acme.test").await;
        let managers = app.group(&acme, "Managers", &[&gus.id]).await;
        map(&app, &acme, &managers, "org:admin").await;
        let callers = [
            ("member", app.member_as(&acme, "member@acme.test", OrgRole::Member).await),
            ("auditor", app.member_as(&acme, "auditor@acme.test", OrgRole::Auditor).await),
            ("admin", app.member_as(&acme, "admin@acme.test", OrgRole::Admin).await),
            ("admin", by_group),
            ("owner", owner.clone()),
        ];
        let agent = create_agent(&owner, &acme, "Scout").await;
        for granted in [&["member"][..], &["auditor"], &["admin"], &["owner"], &["member", "owner"], &["member", "auditor", "admin", "owner"]] {
            assert_eq!(set_access(&owner, &acme, &agent, &[], granted).await.status, 200);
            let mut may = 0;
            for (role, browser) in &callers {
                let reached = mine(&app, browser, &acme).await;
                assert_eq!(!reached.is_empty(), granted.contains(role), "{role}, granted to {granted:?}: {reached:?}");
                may += u64::from(!reached.is_empty());
            }
            assert_eq!(people(&app, &acme, &agent).await, may, "{granted:?}");
        }
    }

    async fn a_member_learns_nothing_of_agents_that_she_may_not_use(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        let owner = app.owner(&acme).await;
        let team = create_team(&owner, &acme, "Platform").await;
        let (hidden, hers) = (create_agent(&owner, &acme, "Hidden").await, create_agent(&owner, &acme, "Hers").await);
        assert_eq!(set_access(&owner, &acme, &hers, &[&team], &["member", "owner"]).await.status, 200);
        assert_eq!(set_access(&owner, &acme, &hidden, &[&team], &[]).await.status, 200);
        let list = browser.call("agents", &[("org", "acme")]).await;
        assert_eq!(list.json["agents"].as_array().unwrap().len(), 1);
        let agent = &list.json["agents"][0];
        assert_eq!((&agent["name"], &agent["granted_teams"], &agent["granted_roles"]), (&"Hers".into(), &json!([]), &json!([])));
        assert_eq!((&list.json["all"], &list.json["teams"]), (&false.into(), &json!([])));
        let page = browser.call("agent", &[("org", "acme"), ("agent", &hers)]).await.json;
        assert_eq!((&page["people"], &page["teams"], &page["can_see_access"], &page["can_manage"]), (&0.into(), &json!([]), &false.into(), &false.into()));
        for path in ["/o/acme/agents".to_owned(), format!("/o/acme/agents/{hers}")] {
            let page = browser.get(&path).await;
            assert_eq!(page.status, 200, "{path}");
            assert!(page.text.contains("Hers") && !page.text.contains("Hidden"), "{path}");
        }
        assert_eq!(browser.get(&format!("/o/acme/agents/{hidden}")).await.status, 404);
        assert_eq!(browser.call("agent", &[("org", "acme"), ("agent", &hidden)]).await.status, 404);
        // An auditor sees them all, whether or not she may use them.
        let auditor = app.member_as(&acme, "auditor@acme.test", OrgRole::Auditor).await;
        let list = auditor.call("agents", &[("org", "acme")]).await.json;
        assert_eq!((list["agents"].as_array().unwrap().len(), &list["all"], &list["can_manage"]), (2, &true.into(), &false.into()));
        assert_eq!(list["agents"][0]["granted_teams"][0][1], "Platform");
        assert_eq!(list["agents"][0]["mine"], json!([]));
    }

    async fn access_is_said_as_a_whole_and_told_as_what_changed(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let (platform, research) = (create_team(&owner, &acme, "Platform").await, create_team(&owner, &acme, "Research").await);
        let agent = create_agent(&owner, &acme, "Scout").await;
        for (teams, roles) in [
            (&[platform.as_str()][..], &["member", "owner"][..]),
            (&[platform.as_str()], &["owner", "member", "member"]),
            (&[research.as_str(), research.as_str()], &["owner"]),
            (&[], &[]),
            (&[], &[]),
        ] {
            app.advance(SECOND);
            assert_eq!(set_access(&owner, &acme, &agent, teams, roles).await.status, 200);
        }
        let told: Vec<_> = app.audit(&acme).await.into_iter().filter(|row| row.action == "agent.access_changed").collect();
        let told: Vec<_> = told.iter().rev().map(|row| row.details.join("; ")).collect();
        assert_eq!(told, [
            "added: team Platform, role Member, role Owner",
            "added: team Research; removed: team Platform, role Member",
            "removed: team Research, role Owner",
        ]);
        // As the page's script writes a list, and more of them than fit on a hand.
        let mut teams = vec![];
        for number in 0..30 {
            teams.push(create_team(&owner, &acme, &format!("Team {number}")).await);
        }
        let names: Vec<_> = (0..30).map(|number| format!("teams[{number}]")).collect();
        let mut fields = vec![("org", "acme"), ("agent", agent.as_str()), ("roles[0]", "admin")];
        fields.extend(names.iter().map(String::as_str).zip(teams.iter().map(String::as_str)));
        assert_eq!(owner.call("set_agent_access", &fields).await.status, 200);
        let shown = owner.call("agent", &[("org", "acme"), ("agent", &agent)]).await.json;
        assert_eq!(shown["agent"]["granted_teams"].as_array().unwrap().len(), 30);
        assert_eq!(shown["agent"]["granted_roles"], json!(["admin"]));
    }

    async fn another_organisations_agents_and_teams_are_not_there(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let (owner, theirs) = (app.owner(&acme).await, app.owner(&globex).await);
        let (agent, foreign) = (create_agent(&owner, &acme, "Scout").await, create_agent(&theirs, &globex, "Scout").await);
        let foreign_team = create_team(&theirs, &globex, "Platform").await;
        assert_eq!(set_access(&theirs, &globex, &foreign, &[&foreign_team], &["owner"]).await.status, 200);
        let described = |agent, team| [("org", "acme"), ("agent", agent), ("name", "Mine"), ("description", ""), ("owner_team", team)];
        for (what, answer) in [
            ("agent", owner.call("agent", &[("org", "acme"), ("agent", &foreign)]).await),
            ("edit", owner.call("edit_agent", &described(&foreign, "")).await),
            ("edit to their team", owner.call("edit_agent", &described(&agent, &foreign_team)).await),
            ("create with their team", owner.call("create_agent", &described(&agent, &foreign_team)).await),
            ("create with no team's id", owner.call("create_agent", &described(&agent, "platform")).await),
            ("delete", owner.call("delete_agent", &[("org", "acme"), ("agent", &foreign)]).await),
            ("access", set_access(&owner, &acme, &foreign, &[], &["owner"]).await),
            ("access of their team", set_access(&owner, &acme, &agent, &[&foreign_team], &["owner"]).await),
            ("page", owner.get(&format!("/o/acme/agents/{foreign}")).await),
        ] {
            assert_eq!(answer.status, 404, "{what}: {}", answer.text);
        }
        assert_eq!(mine(&app, &theirs, &globex).await, ["Scout by role Owner"]);
        assert_eq!(mine(&app, &owner, &acme).await, [""; 0], "all or nothing");
    }

    async fn the_forms_of_an_agent_work_without_scripts(app) {
        let acme = app.org("Acme").await;
        let owner = app.owner(&acme).await;
        let team = create_team(&owner, &acme, "Platform").await;
        let fields = [("org", "acme"), ("name", "Scout"), ("description", "Line one\r\nline two"), ("owner_team", "")];
        let created = owner.submit("create_agent", &fields, "/o/acme/agents").await;
        let path = created.redirect().unwrap().to_owned();
        let agent = path.rsplit('/').next().unwrap().to_owned();
        let fields = [("org", "acme"), ("agent", agent.as_str()), ("teams[]", team.as_str()), ("roles[]", "member"), ("roles[]", "owner")];
        assert_eq!(owner.submit("set_agent_access", &fields, &path).await.status, 302);
        assert_eq!(mine(&app, &owner, &acme).await, ["Scout by role Owner"]);
        // No box ticked: none is sent.
        assert_eq!(owner.submit("set_agent_access", &fields[..2], &path).await.status, 302);
        assert_eq!(mine(&app, &owner, &acme).await, [""; 0]);
        assert_eq!(owner.submit("delete_agent", &fields[..2], &path).await.redirect(), Some("/o/acme/agents"));
    }
}
