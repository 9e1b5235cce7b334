//! A person's page: why she has what she has, since when and by which request; and what changed it.

use std::time::Duration;

use domain::OrgRole;
use serde_json::{Value, json};

use crate::{
    mappings::{add, apply, remove},
    support::{Browser, Org, both_databases, patch_active},
};

const DAY: Duration = Duration::from_secs(86_400);

async fn timeline(browser: &Browser, org: &Org, member: &str) -> Vec<Value> {
    let answer = browser.call("timeline", &[("org", &org.slug), ("member", member)]).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json["entries"].as_array().unwrap().clone()
}

/// The entries in a few words, newest first.
fn told(entries: &[Value]) -> Vec<String> {
    let said = |entry: &Value| match entry["what"].as_object().unwrap().iter().next().unwrap() {
        (kind, what) if kind == "Audited" => what["action"].as_str().unwrap().to_owned(),
        (kind, what) if what["what"].is_string() => {
            format!("{kind} {} through {}", what["what"].as_str().unwrap(), what["group"].as_str().unwrap())
        }
        (kind, what) => format!("{kind} {}", what["group"].as_str().unwrap()),
    };
    entries.iter().map(said).collect()
}

both_databases! {
    async fn every_source_of_a_role_says_since_when_and_by_which_request(app) {
        let acme = app.org("Acme").await;
        let (mira, _) = app.join(&acme, "mira@acme.test").await;
        app.grant(&acme, "mira@acme.test", OrgRole::Auditor).await;
        let (early, late) = (app.group(&acme, "Early", &[&mira.id]).await, app.group(&acme, "Late", &[]).await);
        let team = app.team(&acme, "Platform").await;

        app.advance(DAY);
        let mapped_at = app.call().now;
        let owner = app.owner(&acme).await;
        for (group, target) in [(&early, "org:admin".to_owned()), (&early, format!("team:{team}:member")), (&late, format!("team:{team}:lead")), (&late, "org:auditor".to_owned())] {
            apply(&owner, &[("action", "create"), ("group", group), ("target", &target)]).await;
        }
        app.advance(DAY);
        let joined_at = app.call().now;
        let answer = app.idp(&acme).patch(&format!("/Groups/{late}"), add(&mira.id)).await;
        let request_id = answer.header("x-request-id").unwrap().to_owned();

        let page = app.person(&acme, "mira@acme.test").await;
        assert_eq!((&page["person"]["role"], &page["person"]["because"]), (&"admin".into(), &"group Early".into()));
        let roles = page["roles"].as_array().unwrap();
        let brief: Vec<_> = roles.iter().map(|reason| (reason["role"].as_str().unwrap(), reason["in_force"].as_bool().unwrap())).collect();
        assert_eq!(brief, [("admin", true), ("auditor", false), ("auditor", false), ("member", false)]);
        let source = &roles[0]["source"]["Mapped"];
        // She was there before the mapping: it began with the mapping, by whoever made it.
        assert_eq!((&source["group_name"], &source["since"], &source["by"]), (&"Early".into(), &mapped_at.as_micros().into(), &"Acme's owner".into()));
        assert!(source["request_id"].is_string());
        assert_eq!(roles[1]["source"], json!({ "Granted": { "by": "test", "at": 0, "request_id": null } }));
        let source = &roles[2]["source"]["Mapped"];
        // The mapping was there before her: it began when she came, by the directory's request.
        assert_eq!((&source["group_name"], &source["since"], &source["by"]), (&"Late".into(), &joined_at.as_micros().into(), &"Bootstrap (token)".into()));
        assert_eq!(source["request_id"], request_id.as_str());
        assert_eq!(roles[3]["source"], "Base");

        let seat = &page["teams"][0];
        assert_eq!((&seat["name"], &seat["role"], seat["sources"].as_array().unwrap().len()), (&"Platform".into(), &"lead".into(), 2));
        assert_eq!((&seat["sources"][0][0], &seat["sources"][0][1]["Mapped"]["group_name"]), (&"lead".into(), &"Late".into()));
        let groups: Vec<_> = page["groups"].as_array().unwrap().iter().map(|group| (group["name"].as_str().unwrap(), group["gives"].to_string())).collect();
        assert_eq!(groups, [("Early", r#"["Admin","Member of Platform"]"#.to_owned()), ("Late", r#"["Auditor","Lead of Platform"]"#.to_owned())]);
        assert_eq!(page["groups"][1]["request_id"], request_id.as_str());
    }

    async fn somebody_without_access_has_nothing_but_her_groups(app) {
        let acme = app.org("Acme").await;
        let (mira, _) = app.join(&acme, "mira@acme.test").await;
        let group = app.group(&acme, "Managers", &[&mira.id]).await;
        apply(&app.owner(&acme).await, &[("action", "create"), ("group", &group), ("target", "org:admin")]).await;
        app.idp(&acme).patch(&format!("/Users/{}", mira.id), patch_active(false)).await;
        let page = app.person(&acme, "mira@acme.test").await;
        for what in ["roles", "teams", "agents", "sessions"] {
            assert_eq!(page[what], json!([]), "{what}");
        }
        assert_eq!((&page["person"]["role"], &page["groups"][0]["gives"]), (&"member".into(), &json!(["Admin"])));
        let may = &page["may"];
        assert_eq!((&may["restore"], &may["remove"], &may["block"], &may["grant"]), (&false.into(), &false.into(), &false.into(), &json!([])));
    }

    async fn agents_and_sessions_stand_on_the_page(app) {
        let acme = app.org("Acme").await;
        let (_, browser) = app.join(&acme, "mira@acme.test").await;
        app.agent(&acme, "Scribe", &[OrgRole::Member]).await;
        app.agent(&acme, "Deployer", &[OrgRole::Admin]).await;
        app.advance(Duration::from_secs(600));
        app.sign_in("mira@acme.test", crate::support::PASSWORD).await;
        let page = app.person(&acme, "mira@acme.test").await;
        assert_eq!((&page["agents"][0]["name"], &page["agents"][0]["through"]), (&"Scribe".into(), &json!(["role Member"])));
        assert_eq!(page["agents"].as_array().unwrap().len(), 1);
        let sessions = page["sessions"].as_array().unwrap();
        assert_eq!(sessions.len(), 2);
        assert!(sessions[0]["last_seen_at"].as_i64() > sessions[1]["last_seen_at"].as_i64(), "the last used first");
        for session in sessions {
            assert_eq!((&session["current"], session["handle"].as_str().unwrap().len()), (&false.into(), 32));
            assert!(session["ip"].as_str().unwrap().starts_with("10."), "{session}");
            assert_eq!(session["device"], "Unknown device");
        }
        // Her own page knows the session that asks; one that nobody has used for too long is dead, and not there.
        app.advance(Duration::from_secs(11 * 3_600));
        assert_eq!(browser.get("/o/acme/members").await.status, 200);
        app.advance(Duration::from_secs(2 * 3_600));
        let mine = app.member_id(&acme, "mira@acme.test").await;
        let page = browser.call("person", &[("org", "acme"), ("member", &mine)]).await;
        assert_eq!(page.status, 200, "{}", page.text);
        let sessions = page.json["sessions"].as_array().unwrap().clone();
        assert_eq!((sessions.len(), &sessions[0]["current"]), (1, &true.into()));
        // Nothing on the page is of use for signing in.
        let cookie = browser.cookie().unwrap();
        assert!(!page.text.contains(cookie.split('=').nth(1).unwrap()));
    }

    async fn everybody_sees_her_own_page_and_auditors_see_everybodys(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let (_, mira) = app.join(&acme, "mira@acme.test").await;
        let auditor = app.member_as(&acme, "auditor@acme.test", OrgRole::Auditor).await;
        let admin = app.member_as(&acme, "admin@acme.test", OrgRole::Admin).await;
        let (hers, owners) = (app.member_id(&acme, "mira@acme.test").await, app.member_id(&acme, &acme.owner_email).await);
        let theirs = app.member_id(&globex, &globex.owner_email).await;
        const NOBODY: &str = "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10";
        for function in ["person", "timeline"] {
            for (browser, member, status) in [
                (&mira, &hers, 200), (&mira, &owners, 403), (&mira, &theirs, 403), (&mira, &NOBODY.to_owned(), 403),
                (&auditor, &hers, 200), (&auditor, &owners, 200), (&auditor, &theirs, 404), (&auditor, &NOBODY.to_owned(), 404),
            ] {
                assert_eq!(browser.call(function, &[("org", "acme"), ("member", member)]).await.status, status, "{function} {member}");
            }
        }
        // Who may only look is offered nothing; who may do something is offered what she reaches.
        let may = async |browser: &Browser, member: &str| browser.call("person", &[("org", "acme"), ("member", member)]).await.json["may"].clone();
        let nothing = json!({
            "grant": [], "revoke": [], "remove": false, "block": false, "unblock": false, "restore": false, "resend": false,
            "end_sessions": false, "edit": false, "break_glass": false, "decide_links": false
        });
        assert_eq!(may(&auditor, &hers).await, nothing);
        assert_eq!(may(&admin, &owners).await, nothing);
        let mut own = nothing.clone();
        own["end_sessions"] = true.into();
        assert_eq!(may(&mira, &hers).await, own);
        let mut managed = own.clone();
        (managed["grant"], managed["remove"], managed["block"]) = (json!(["auditor"]), true.into(), true.into());
        assert_eq!(may(&admin, &hers).await, managed);
        managed["grant"] = json!(["auditor", "admin", "owner"]);
        assert_eq!(may(&app.owner(&acme).await, &hers).await, managed);
        let auditors = app.member_id(&acme, "auditor@acme.test").await;
        let may = may(&admin, &auditors).await;
        assert_eq!((&may["grant"], &may["revoke"]), (&json!([]), &json!(["auditor"])));
    }

    async fn what_the_page_offers_is_done_and_what_it_does_not_is_refused(app) {
        let acme = app.org("Acme").await;
        let (_, _) = app.join(&acme, "mira@acme.test").await;
        app.member_as(&acme, "audra@acme.test", OrgRole::Auditor).await;
        let admin = app.member_as(&acme, "admin@acme.test", OrgRole::Admin).await;
        let owner = app.owner(&acme).await;
        for (browser, email) in [(&admin, "mira@acme.test"), (&admin, "audra@acme.test"), (&admin, &acme.owner_email), (&owner, "mira@acme.test"), (&owner, "admin@acme.test")] {
            let member = app.member_id(&acme, email).await;
            let of = [("org", "acme"), ("member", member.as_str())];
            let may = browser.call("person", &of).await.json["may"].clone();
            for (function, offered) in [("restore_member", &may["restore"]), ("block_member", &may["block"])] {
                let status = browser.call(function, &of).await.status;
                assert_eq!(status == 200, *offered == true, "{function} {email}: {status}, {may}");
                browser.call("unblock_member", &of).await;
            }
            for role in ["auditor", "admin", "owner"] {
                let offered = |list: &str| may[list].as_array().unwrap().contains(&role.into());
                if !offered("grant") && !offered("revoke") {
                    let refused = browser.call("grant_role", &[&of[..], &[("role", role)]].concat()).await.status;
                    assert!(refused == 403 || may["revoke"].as_array().is_some_and(|list| !list.is_empty()), "{role} {email}: {refused}");
                }
            }
            // The directory keeps her profile.
            let edited = browser.call("edit_profile", &[&of[..], &[("name", "Another")]].concat()).await.status;
            assert_eq!(edited == 200, may["edit"] == true, "{email}: {edited}");
        }
        let mira = app.member_id(&acme, "mira@acme.test").await;
        assert_eq!(owner.call("edit_profile", &[("org", "acme"), ("member", &mira), ("name", "X")]).await.status, 409);
    }

    async fn the_timeline_tells_how_a_mover_came_by_what_she_has(app) {
        let acme = app.org("Acme").await;
        let mira = app.provision(&acme, "mira@acme.test").await;
        app.advance(Duration::from_secs(1));
        app.advance(Duration::from_secs(60));
        app.activate("mira@acme.test").await;
        let idp = app.idp(&acme);
        app.advance(DAY);
        let (managers, auditors) = (app.group(&acme, "Managers", &[]).await, app.group(&acme, "Auditors", &[&mira.id]).await);
        for (group, target) in [(&managers, "org:admin"), (&auditors, "org:auditor")] {
            app.advance(DAY);
            apply(&app.owner(&acme).await, &[("action", "create"), ("group", group), ("target", target)]).await;
        }
        app.advance(DAY);
        // The mover.
        let came = idp.patch(&format!("/Groups/{managers}"), add(&mira.id)).await;
        app.advance(Duration::from_secs(1));
        let went = idp.patch(&format!("/Groups/{auditors}"), remove(&mira.id)).await;
        app.advance(DAY);
        // The leaver, who comes back.
        idp.patch(&format!("/Users/{}", mira.id), patch_active(false)).await;
        app.advance(DAY);
        idp.patch(&format!("/Users/{}", mira.id), patch_active(true)).await;
        app.advance(DAY);
        let owner = app.owner(&acme).await;
        let mapping = owner.call("integrations", &[("org", "acme")]).await.json["mappings"].as_array().unwrap().iter()
            .find(|mapping| mapping["group_name"] == "Managers").unwrap()["id"].as_str().unwrap().to_owned();
        apply(&owner, &[("action", "pause"), ("mapping", &mapping)]).await;

        let member = app.member_id(&acme, "mira@acme.test").await;
        let entries = timeline(&owner, &acme, &member).await;
        assert_eq!(told(&entries), [
            "Lost Admin through Managers",
            "Gained Admin through Managers",
            "access.began",
            "user.changed",
            "Lost Admin through Managers",
            "access.ended",
            "user.changed",
            "Lost Auditor through Auditors",
            "LeftGroup Auditors",
            "Gained Admin through Managers",
            "Joined Managers",
            "Gained Auditor through Auditors",
            "Joined Auditors",
            "activation.completed",
            "access.began",
            "user.created",
        ]);
        assert_eq!((&entries[0]["by"], &entries[11]["by"]), (&"Acme's owner".into(), &"Acme's owner".into()));
        assert_eq!(entries[9]["request_id"], came.header("x-request-id").unwrap());
        for entry in [&entries[7], &entries[8]] {
            assert_eq!((&entry["by"], &entry["request_id"]), (&"Bootstrap (token)".into(), &went.header("x-request-id").unwrap().into()));
        }
        assert_eq!(entries[9]["what"]["Gained"]["target"], "org:admin");
        // Deleted in the directory: her history stays.
        app.advance(DAY);
        idp.delete(&format!("/Users/{}", mira.id)).await;
        let after = timeline(&app.owner(&acme).await, &acme, &member).await;
        assert_eq!(told(&after)[..3], ["LeftGroup Managers", "user.deleted", "access.ended"]);
        assert_eq!(after.len(), entries.len() + 3);
    }

    async fn a_long_timeline_is_read_page_by_page(app) {
        let acme = app.org("Acme").await;
        let (mira, _) = app.join(&acme, "mira@acme.test").await;
        let group = app.group(&acme, "Back and forth", &[]).await;
        for _ in 0..20 {
            for operation in [add(&mira.id), remove(&mira.id)] {
                app.advance(Duration::from_secs(60));
                assert_eq!(app.idp(&acme).patch(&format!("/Groups/{group}"), operation).await.status, 204);
            }
        }
        let member = app.member_id(&acme, "mira@acme.test").await;
        let owner = app.owner(&acme).await;
        let mut all = vec![];
        for (page, on_it, more) in [("1", 30, true), ("2", 13, false), ("3", 0, false)] {
            let answer = owner.call("timeline", &[("org", "acme"), ("member", &member), ("page", page)]).await.json;
            let entries = answer["entries"].as_array().unwrap();
            assert_eq!((entries.len(), &answer["more"]), (on_it, &more.into()), "page {page}");
            all.extend(entries.iter().map(|entry| entry["at"].as_i64().unwrap()));
        }
        assert!(all.is_sorted_by(|newer, older| newer >= older));
    }
}
