//! Teams: who may do what with them, and that seats end with what they hang off.

use std::time::Duration;

use domain::OrgRole;
use serde_json::{Value, json};

use crate::support::{Browser, Org, Page, TestApp, both_databases, patch_active};

/// Events of one moment are in no order.
pub const SECOND: Duration = Duration::from_secs(1);

/// Create a team through the console; its id.
pub async fn create_team(browser: &Browser, org: &Org, name: &str) -> String {
    let answer = browser.call("create_team", &[("org", &org.slug), ("name", name)]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    id_in(&answer)
}

/// The id of what was created, from the address of its page.
pub fn id_in(answer: &Page) -> String {
    answer.redirect().unwrap_or_else(|| panic!("{}", answer.text)).rsplit('/').next().unwrap().to_owned()
}

/// The member's id.
pub async fn member(app: &TestApp, org: &Org, email: &str) -> String {
    app.member(org, email).await["member"].as_str().unwrap().to_owned()
}

/// Map a group as the owner does it; the mapping's id.
pub async fn map(app: &TestApp, org: &Org, group: &str, target: &str) -> String {
    let owner = app.owner(org).await;
    let fields = [("org", org.slug.as_str()), ("action", "create"), ("group", group), ("target", target)];
    let plan = owner.call("preview_mapping", &fields).await.json;
    let fields = [&fields[..], &[("plan", plan["hash"].as_str().unwrap())]].concat();
    let answer = owner.call("apply_mapping", &fields).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let mappings = owner.call("integrations", &[("org", &org.slug)]).await.json["mappings"].clone();
    let made = mappings.as_array().unwrap().iter().find(|mapping| mapping["group"] == group && mapping["target"] == target).cloned();
    made.unwrap()["id"].as_str().unwrap().to_owned()
}

/// Pause a mapping as the owner does it.
pub async fn pause(app: &TestApp, org: &Org, mapping: &str) {
    let owner = app.owner(org).await;
    let fields = [("org", org.slug.as_str()), ("action", "pause"), ("mapping", mapping)];
    let plan = owner.call("preview_mapping", &fields).await.json;
    let answer = owner.call("apply_mapping", &[&fields[..], &[("plan", plan["hash"].as_str().unwrap())]].concat()).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
}

pub async fn give_seat(browser: &Browser, org: &Org, team: &str, member: &str, role: &str) -> Page {
    browser.call("give_seat", &[("org", &org.slug), ("team", team), ("member", member), ("role", role)]).await
}

pub async fn remove_seat(browser: &Browser, org: &Org, team: &str, member: &str) -> Page {
    browser.call("remove_seat", &[("org", &org.slug), ("team", team), ("member", member)]).await
}

async fn page(browser: &Browser, org: &Org, team: &str) -> Value {
    let answer = browser.call("team", &[("org", &org.slug), ("team", team)]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json
}

/// Who sits there by `list`, each with her role, by name.
fn seats(page: &Value, list: &str) -> Vec<String> {
    let name = |seat: &Value| format!("{} {}", seat["name"].as_str().unwrap(), seat["role"].as_str().unwrap());
    page[list].as_array().unwrap().iter().map(name).collect()
}

pub fn add(user: &str) -> Value {
    json!([{ "op": "add", "path": "members", "value": [{ "value": user }] }])
}

pub fn remove(user: &str) -> Value {
    json!([{ "op": "remove", "path": format!("members[value eq \"{user}\"]") }])
}

both_databases! {
    async fn administrators_create_rename_and_delete_teams_and_nobody_else_does(app) {
        let acme = app.org("Acme").await;
        let admin = app.member_as(&acme, "admin@acme.test", OrgRole::Admin).await;
        let team = create_team(&admin, &acme, "Platform").await;
        for role in [OrgRole::Member, OrgRole::Auditor] {
            let browser = app.member_as(&acme, &format!("{}@acme.test", role.as_str()), role).await;
            assert_eq!(browser.call("create_team", &[("org", "acme"), ("name", "Mine")]).await.status, 403);
            assert_eq!(browser.call("rename_team", &[("org", "acme"), ("team", &team), ("name", "Mine")]).await.status, 403);
            assert_eq!(browser.call("delete_team", &[("org", "acme"), ("team", &team)]).await.status, 403);
            // They see it all the same.
            assert_eq!(page(&browser, &acme, &team).await["name"], "Platform");
        }
        app.advance(SECOND);
        assert_eq!(admin.call("rename_team", &[("org", "acme"), ("team", &team), ("name", "  Core platform ")]).await.status, 200);
        assert_eq!(page(&admin, &acme, &team).await["name"], "Core platform");
        app.advance(SECOND);
        // Said again, it changes nothing.
        assert_eq!(admin.call("rename_team", &[("org", "acme"), ("team", &team), ("name", "Core platform")]).await.status, 200);
        assert_eq!(admin.call("delete_team", &[("org", "acme"), ("team", &team)]).await.redirect(), Some("/o/acme/teams"));
        assert_eq!(admin.call("team", &[("org", "acme"), ("team", &team)]).await.status, 404);
        assert_eq!(admin.call("teams", &[("org", "acme")]).await.json["teams"], json!([]));

        let audit: Vec<_> = app.audit(&acme).await.into_iter().filter(|row| row.action.starts_with("team.")).collect();
        let told: Vec<_> = audit.iter().map(|row| (row.action.as_str(), row.target.as_deref().unwrap())).collect();
        assert_eq!(told, [("team.deleted", "Core platform"), ("team.renamed", "Core platform"), ("team.created", "Platform")]);
        assert_eq!(audit[1].details, ["name: Platform → Core platform"]);
    }

    async fn a_teams_name_is_its_own_however_it_is_written(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let owner = app.owner(&acme).await;
        let platform = create_team(&owner, &acme, "Plattform Übersee").await;
        let other = create_team(&owner, &acme, "Other").await;
        let taken = |answer: Page| {
            assert_eq!(answer.status, 422, "{}", answer.text);
            assert_eq!(answer.json["Invalid"]["field"], "name", "{}", answer.text);
        };
        for name in ["Plattform Übersee", " PLATTFORM ÜBERSEE "] {
            taken(owner.call("create_team", &[("org", "acme"), ("name", name)]).await);
            taken(owner.call("rename_team", &[("org", "acme"), ("team", &other), ("name", name)]).await);
        }
        for name in ["", "   ", &"x".repeat(61)] {
            taken(owner.call("create_team", &[("org", "acme"), ("name", name)]).await);
        }
        // Her own name in another spelling, and another organisation's.
        assert_eq!(owner.call("rename_team", &[("org", "acme"), ("team", &platform), ("name", "PLATTFORM Übersee")]).await.status, 200);
        create_team(&app.owner(&globex).await, &globex, "Plattform Übersee").await;
    }

    async fn seats_by_hand_and_by_groups_stand_apart(app) {
        let acme = app.org("Acme").await;
        let (mira, _) = app.join(&acme, "mira@acme.test").await;
        let (jonas, _) = app.join(&acme, "jonas@acme.test").await;
        let owner = app.owner(&acme).await;
        let team = create_team(&owner, &acme, "Platform").await;
        let engineers = app.group(&acme, "Engineers", &[&mira.id, &jonas.id]).await;
        let managers = app.group(&acme, "Managers", &[&jonas.id]).await;
        let gives_member = map(&app, &acme, &engineers, &format!("team:{team}:member")).await;
        map(&app, &acme, &managers, &format!("team:{team}:lead")).await;
        let mira_id = member(&app, &acme, "mira@acme.test").await;
        assert_eq!(give_seat(&owner, &acme, &team, &mira_id, "lead").await.status, 200);

        let shown = page(&owner, &acme, &team).await;
        assert_eq!(seats(&shown, "by_hand"), ["mira Olsen lead"]);
        assert_eq!(seats(&shown, "by_groups"), ["jonas Olsen lead", "mira Olsen member"]);
        assert_eq!(shown["by_groups"][0]["groups"], json!(["Engineers", "Managers"]));
        assert_eq!((&shown["by_hand_total"], &shown["by_groups_total"], &shown["mappings_total"]), (&1.into(), &2.into(), &2.into()));
        assert_eq!(shown["by_hand"][0]["by"], "Acme's owner");
        let row = &owner.call("teams", &[("org", "acme")]).await.json["teams"][0];
        // Each person once, however many ways she came.
        assert_eq!((&row["members"], &row["groups"]), (&2.into(), &2.into()));

        let beyond = owner.call("team", &[("org", "acme"), ("team", &team), ("page", "9")]).await.json;
        assert_eq!((&beyond["by_groups"], &beyond["by_hand_total"], &beyond["by_groups_total"]), (&json!([]), &1.into(), &2.into()));

        // A seat that a group gives is changed where it comes from.
        let jonas_id = member(&app, &acme, "jonas@acme.test").await;
        let refused = remove_seat(&owner, &acme, &team, &jonas_id).await;
        assert_eq!(refused.status, 409, "{}", refused.text);
        assert!(refused.text.contains("identity provider"), "{}", refused.text);
        assert_eq!(remove_seat(&owner, &acme, &team, &mira_id).await.status, 200);
        assert_eq!(seats(&page(&owner, &acme, &team).await, "by_groups"), ["jonas Olsen lead", "mira Olsen member"]);

        // They follow the groups, the mappings and the directory's word at once.
        assert_eq!(app.idp(&acme).patch(&format!("/Groups/{managers}"), remove(&jonas.id)).await.status, 204);
        assert_eq!(seats(&page(&owner, &acme, &team).await, "by_groups"), ["jonas Olsen member", "mira Olsen member"]);
        assert_eq!(app.idp(&acme).patch(&format!("/Users/{}", jonas.id), patch_active(false)).await.status, 200);
        assert_eq!(seats(&page(&owner, &acme, &team).await, "by_groups"), ["mira Olsen member"]);
        pause(&app, &acme, &gives_member).await;
        let shown = page(&owner, &acme, &team).await;
        assert_eq!((seats(&shown, "by_groups").len(), &shown["by_groups_total"], &shown["mappings_total"]), (0, &0.into(), &2.into()));
        assert_eq!(remove_seat(&owner, &acme, &team, &mira_id).await.status, 404, "there is none");
    }

    /// A lead by hand and a lead by a group reach equally far: the member's seats by hand of her own team.
    async fn a_lead_manages_the_member_seats_of_her_own_team(app) {
        let acme = app.org("Acme").await;
        let (mira, by_hand) = app.join(&acme, "mira@acme.test").await;
        let (gus, by_group) = app.join(&acme, "gus@acme.test").await;
        let (_, bystander) = app.join(&acme, "jonas@acme.test").await;
        let owner = app.owner(&acme).await;
        let (team, other) = (create_team(&owner, &acme, "Platform").await, create_team(&owner, &acme, "Other").await);
        let [mira_id, gus_id, jonas_id] = [
            member(&app, &acme, "mira@acme.test").await, member(&app, &acme, "gus@acme.test").await, member(&app, &acme, "jonas@acme.test").await,
        ];
        assert_eq!(give_seat(&owner, &acme, &team, &mira_id, "lead").await.status, 200);
        let leads = app.group(&acme, "Leads", &[&gus.id]).await;
        let mapping = map(&app, &acme, &leads, &format!("team:{team}:lead")).await;
        assert_eq!(give_seat(&owner, &acme, &team, &gus_id, "member").await.status, 200);

        for lead in [&by_hand, &by_group] {
            assert_eq!(page(lead, &acme, &team).await["can_manage_seats"], true);
            assert_eq!(page(lead, &acme, &team).await["can_manage"], false);
            assert_eq!(give_seat(lead, &acme, &team, &jonas_id, "member").await.status, 200);
            assert_eq!(give_seat(lead, &acme, &team, &jonas_id, "lead").await.status, 403, "not what she has herself");
            assert_eq!(give_seat(lead, &acme, &team, &mira_id, "member").await.status, 403, "nor take it away");
            assert_eq!(remove_seat(lead, &acme, &team, &mira_id).await.status, 403);
            assert_eq!(remove_seat(lead, &acme, &team, &jonas_id).await.status, 200);
            assert_eq!(give_seat(lead, &acme, &other, &jonas_id, "member").await.status, 403, "another team");
            assert_eq!(lead.call("rename_team", &[("org", "acme"), ("team", &team), ("name", "Mine")]).await.status, 403);
            assert_eq!(lead.call("delete_team", &[("org", "acme"), ("team", &team)]).await.status, 403);
        }
        for (browser, role) in [(&bystander, "member"), (&bystander, "lead")] {
            assert_eq!(page(browser, &acme, &team).await["can_manage_seats"], false);
            assert_eq!(give_seat(browser, &acme, &team, &jonas_id, role).await.status, 403);
            assert_eq!(remove_seat(browser, &acme, &team, &gus_id).await.status, 403);
        }
        // She leads no longer: neither by hand, nor once the group gives nothing.
        assert_eq!(give_seat(&owner, &acme, &team, &mira_id, "member").await.status, 200);
        pause(&app, &acme, &mapping).await;
        for lead in [&by_hand, &by_group] {
            assert_eq!(give_seat(lead, &acme, &team, &jonas_id, "member").await.status, 403);
        }
        assert_eq!(app.idp(&acme).patch(&format!("/Users/{}", mira.id), patch_active(false)).await.status, 200);
        assert_eq!(give_seat(&by_hand, &acme, &team, &jonas_id, "member").await.status, 401);
    }

    async fn a_plain_member_sees_who_is_in_a_team_and_not_through_what(app) {
        let acme = app.org("Acme").await;
        let (mira, _) = app.join(&acme, "mira@acme.test").await;
        let (_, browser) = app.join(&acme, "jonas@acme.test").await;
        let owner = app.owner(&acme).await;
        let team = create_team(&owner, &acme, "Platform").await;
        let secret = app.group(&acme, "Acquisition of Globex", &[&mira.id]).await;
        map(&app, &acme, &secret, &format!("team:{team}:member")).await;
        app.agent(&acme, "Hidden agent", &[OrgRole::Owner]).await;
        app.agent_for_team(&acme, "Hidden agent", "Platform").await;
        assert_eq!(page(&owner, &acme, &team).await["mappings"][0][1], "Acquisition of Globex");
        let seen = page(&browser, &acme, &team).await;
        assert_eq!(seats(&seen, "by_groups"), ["mira Olsen member"]);
        for (what, text) in [("call", seen.to_string()), ("page", browser.get(&format!("/o/acme/teams/{team}")).await.text), ("list", browser.call("teams", &[("org", "acme")]).await.text)] {
            assert!(!text.contains("Acquisition") && !text.contains("Hidden agent"), "{what}: {text}");
        }
        assert_eq!(browser.call("teams", &[("org", "acme")]).await.json["teams"][0]["agents"], 0);
        // Searching for people is for those who give seats.
        let found = browser.call("team", &[("org", "acme"), ("team", &team), ("find", "mira")]).await.json;
        assert_eq!((&found["found"], &found["find"]), (&json!([]), &Value::Null));
    }

    async fn people_are_found_to_be_given_a_seat_while_they_have_access(app) {
        let acme = app.org("Acme").await;
        for number in 0..9 {
            app.provision(&acme, &format!("mira{number}@acme.test")).await;
        }
        let gone = app.provision(&acme, "gone@acme.test").await;
        let owner = app.owner(&acme).await;
        let team = create_team(&owner, &acme, "Platform").await;
        let mira = member(&app, &acme, "mira3@acme.test").await;
        assert_eq!(give_seat(&owner, &acme, &team, &mira, "lead").await.status, 200);
        let find = async |text: &str| owner.call("team", &[("org", "acme"), ("team", &team), ("find", text)]).await.json["found"].as_array().unwrap().clone();
        assert_eq!(find("MIRA").await.len(), 8, "eight at most");
        let found = find(" mira3@ACME ").await;
        assert_eq!((found.len(), &found[0]["seat"], &found[0]["email"]), (1, &"lead".into(), &"mira3@acme.test".into()));
        assert_eq!(find("100%").await.len(), 0);
        assert_eq!(find("gone").await.len(), 1);

        // Without access there is nothing for a seat to hang off.
        let gone_id = member(&app, &acme, "gone@acme.test").await;
        assert_eq!(app.idp(&acme).patch(&format!("/Users/{}", gone.id), patch_active(false)).await.status, 200);
        assert_eq!(find("gone").await.len(), 0);
        let refused = give_seat(&owner, &acme, &team, &gone_id, "member").await;
        assert_eq!(refused.status, 409, "{}", refused.text);
        assert!(refused.text.contains("without access"), "{}", refused.text);
        assert_eq!(remove_seat(&owner, &acme, &team, &gone_id).await.status, 404);
    }

    /// Law 3. A seat hangs off the membership: it ends with it, is counted, and does not come back.
    async fn seats_end_with_the_membership_and_do_not_come_back(app) {
        let acme = app.org("Acme").await;
        let (mira, _) = app.join(&acme, "mira@acme.test").await;
        let owner = app.owner(&acme).await;
        let id = member(&app, &acme, "mira@acme.test").await;
        for name in ["Platform", "Research"] {
            let team = create_team(&owner, &acme, name).await;
            assert_eq!(give_seat(&owner, &acme, &team, &id, "member").await.status, 200);
        }
        for active in [false, true] {
            assert_eq!(app.idp(&acme).patch(&format!("/Users/{}", mira.id), patch_active(active)).await.status, 200);
        }
        assert_eq!(app.database.number("SELECT count(*) FROM team_seats").await, 0);
        let ended = app.audit(&acme).await.into_iter().find(|row| row.action == "access.ended").unwrap();
        assert!(ended.details.contains(&"team seats ended: 2".to_owned()), "{ended:?}");
    }

    async fn giving_a_seat_again_changes_nothing_and_each_change_is_told_of_the_person(app) {
        let acme = app.org("Acme").await;
        app.join(&acme, "mira@acme.test").await;
        let owner = app.owner(&acme).await;
        let team = create_team(&owner, &acme, "Platform").await;
        let id = member(&app, &acme, "mira@acme.test").await;
        for role in ["member", "member", "lead", "lead"] {
            app.advance(SECOND);
            assert_eq!(give_seat(&owner, &acme, &team, &id, role).await.status, 200);
        }
        app.advance(SECOND);
        assert_eq!(remove_seat(&owner, &acme, &team, &id).await.status, 200);
        assert_eq!(remove_seat(&owner, &acme, &team, &id).await.status, 404);
        let told: Vec<_> = app.audit(&acme).await.into_iter().filter(|row| row.action.starts_with("seat.")).collect();
        assert!(told.iter().all(|row| row.target.as_deref() == Some("mira Olsen") && row.actor == "Acme's owner"), "{told:?}");
        let told: Vec<_> = told.iter().rev().map(|row| row.details.join(", ")).collect();
        assert_eq!(told, ["team: Platform, role: Member", "team: Platform, role: Member → Lead", "team: Platform, role: Lead"]);
    }

    async fn a_team_takes_its_seats_and_mappings_along_and_leaves_its_agents(app) {
        let acme = app.org("Acme").await;
        let (mira, browser) = app.join(&acme, "mira@acme.test").await;
        let owner = app.owner(&acme).await;
        let team = create_team(&owner, &acme, "Platform").await;
        let group = app.group(&acme, "Engineers", &[&mira.id]).await;
        let mapping = map(&app, &acme, &group, &format!("team:{team}:lead")).await;
        let id = member(&app, &acme, "mira@acme.test").await;
        assert_eq!(give_seat(&owner, &acme, &team, &id, "member").await.status, 200);
        let fields = [("org", "acme"), ("name", "Scout"), ("description", "Reads."), ("owner_team", team.as_str())];
        let agent = id_in(&owner.call("create_agent", &fields).await);
        assert_eq!(owner.call("set_agent_access", &[("org", "acme"), ("agent", &agent), ("teams[]", &team)]).await.status, 200);
        assert_eq!(browser.call("agent", &[("org", "acme"), ("agent", &agent)]).await.status, 200);
        let shown = page(&owner, &acme, &team).await;
        assert_eq!((&shown["agents"][0][1], &shown["agents_owned"]), (&"Scout".into(), &1.into()));

        assert_eq!(owner.call("delete_team", &[("org", "acme"), ("team", &team)]).await.status, 200);
        assert_eq!(browser.call("agent", &[("org", "acme"), ("agent", &agent)]).await.status, 404, "at once");
        let left = owner.call("agent", &[("org", "acme"), ("agent", &agent)]).await.json;
        assert_eq!((&left["agent"]["owner_team"], &left["agent"]["granted_teams"], &left["people"]), (&Value::Null, &json!([]), &0.into()));
        for table in ["team_seats", "group_mappings", "agent_grants"] {
            assert_eq!(app.database.number(&format!("SELECT count(*) FROM {table}")).await, 0, "{table}");
        }
        assert_eq!(app.database.number("SELECT count(*) FROM group_mapping_spans WHERE ended_at IS NULL").await, 0);
        assert_eq!(app.database.number("SELECT count(*) FROM group_mapping_spans WHERE ended_by = 'Acme''s owner'").await, 1, "{mapping}");
        let audit = app.audit(&acme).await;
        let deleted = audit.iter().find(|row| row.action == "team.deleted").unwrap();
        let counted = ["seats by hand ended: 1", "mappings deleted: 1", "agents no longer granted to it: 1", "agents left without a team: 1"];
        assert_eq!(deleted.details, counted);
        let seat = audit.iter().find(|row| row.action == "seat.removed").unwrap();
        assert_eq!(seat.details, ["team: Platform", "role: Member", "because: the team was deleted"]);
    }

    async fn another_organisations_team_and_people_are_not_there(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        app.join(&acme, "mira@acme.test").await;
        app.join(&globex, "otto@globex.test").await;
        let (owner, theirs) = (app.owner(&acme).await, app.owner(&globex).await);
        let team = create_team(&owner, &acme, "Platform").await;
        let foreign = create_team(&theirs, &globex, "Platform").await;
        let (mira, otto) = (member(&app, &acme, "mira@acme.test").await, member(&app, &globex, "otto@globex.test").await);
        assert_eq!(give_seat(&theirs, &globex, &foreign, &otto, "member").await.status, 200);
        for (what, answer) in [
            ("team", owner.call("team", &[("org", "acme"), ("team", &foreign)]).await),
            ("rename", owner.call("rename_team", &[("org", "acme"), ("team", &foreign), ("name", "Mine")]).await),
            ("delete", owner.call("delete_team", &[("org", "acme"), ("team", &foreign)]).await),
            ("give there", give_seat(&owner, &acme, &foreign, &mira, "member").await),
            ("give to her", give_seat(&owner, &acme, &team, &otto, "member").await),
            ("take there", remove_seat(&owner, &acme, &foreign, &otto).await),
            ("take hers", remove_seat(&owner, &acme, &team, &otto).await),
            ("page", owner.get(&format!("/o/acme/teams/{foreign}")).await),
        ] {
            assert_eq!(answer.status, 404, "{what}: {}", answer.text);
        }
        assert_eq!(seats(&page(&theirs, &globex, &foreign).await, "by_hand"), ["otto Olsen member"]);
    }

    async fn the_forms_of_a_team_work_without_scripts(app) {
        let acme = app.org("Acme").await;
        app.join(&acme, "mira@acme.test").await;
        let owner = app.owner(&acme).await;
        let created = owner.submit("create_team", &[("org", "acme"), ("name", "Platform")], "/o/acme/teams").await;
        assert_eq!(created.status, 302);
        let path = created.redirect().unwrap().to_owned();
        let team = path.rsplit('/').next().unwrap().to_owned();
        let taken = owner.submit("create_team", &[("org", "acme"), ("name", "platform")], "/o/acme/teams").await;
        let shown = owner.get(taken.redirect().unwrap().trim_start_matches("https://id.rollcall.test")).await;
        assert!(shown.text.contains("There is a team of this name already"), "{}", shown.text);
        let searched = owner.get(&format!("{path}?find=mira")).await;
        assert!(searched.text.contains("give-member") && searched.text.contains("mira Olsen"), "{}", searched.text);
        let mira = member(&app, &acme, "mira@acme.test").await;
        let fields = [("org", "acme"), ("team", team.as_str()), ("member", mira.as_str()), ("role", "lead")];
        assert_eq!(owner.submit("give_seat", &fields, &path).await.status, 302);
        assert!(owner.get(&path).await.text.contains("data-testid=\"hand-seat\" data-role=\"lead\""));
        assert_eq!(owner.submit("delete_team", &[("org", "acme"), ("team", &team)], &path).await.redirect(), Some("/o/acme/teams"));
    }

    /// Whoever is deleted, renamed and seated at the same moment: no answer is our fault, and nothing is left over.
    async fn seats_and_the_end_of_their_team_can_meet(app) {
        let acme = app.org("Acme").await;
        app.join(&acme, "mira@acme.test").await;
        let owner = app.owner(&acme).await;
        let mira = member(&app, &acme, "mira@acme.test").await;
        for round in 0..5 {
            let team = create_team(&owner, &acme, &format!("Round {round}")).await;
            let fields = [("org", "acme"), ("team", team.as_str())];
            let (given, deleted) = tokio::join!(give_seat(&owner, &acme, &team, &mira, "member"), owner.call("delete_team", &fields));
            assert!([200, 404].contains(&given.status), "{}", given.text);
            assert_eq!(deleted.status, 200, "{}", deleted.text);
        }
        assert_eq!(app.database.number("SELECT count(*) FROM team_seats").await, 0);
    }
}
