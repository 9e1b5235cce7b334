//! The activity log as people read it: filters, search, pages, files, and who may.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::{
    activity::{NOBODY, fill, later, lines, list},
    support::{Engine, TestApp, both_databases, id},
};

both_databases! {
    async fn a_bulk_that_failed_in_part_is_found_among_the_failures(app) {
        let acme = app.org("Acme").await;
        let idp = || later(&app, &app.idp(&acme));
        let post = |name: &str| json!({ "method": "POST", "path": "/Users", "bulkId": name, "data": { "userName": name, "active": false } });
        let lost = |name: &str| json!({ "method": "DELETE", "path": format!("/Users/{name}") });
        let whole = idp().post("/Bulk", json!({ "Operations": [post("a"), post("b")] })).await;
        let part = idp().post("/Bulk", json!({ "Operations": [post("c"), lost("x"), post("d"), lost("y")] })).await;
        let left = idp().post("/Bulk", json!({ "failOnErrors": 1, "Operations": [lost("x"), post("e"), post("f")] })).await;
        let refused = idp().post("/Bulk", json!({ "Operations": "?" })).await;
        assert_eq!([whole.status, part.status, left.status, refused.status], [200, 200, 200, 400]);
        let owner = app.owner(&acme).await;
        app.state.settle().await;

        let failed = list(&owner, &[("outcome", "failed")]).await;
        assert_eq!(lines(&failed), ["POST /Bulk 400", "POST /Bulk 200", "POST /Bulk 200"]);
        let counted = |at: usize| failed["requests"][at]["failed_within"]["counted"].clone();
        assert_eq!([counted(0), counted(1), counted(2)], [Value::Null, json!([1, 3]), json!([2, 4])]);
        assert_eq!(failed["requests"][1]["notes"][1], "2 operations were not carried out");
        // By their status they are what they are.
        assert_eq!(lines(&list(&owner, &[("outcome", "2xx")]).await).len(), 3);
        assert_eq!(lines(&list(&owner, &[("outcome", "4xx")]).await), ["POST /Bulk 400"]);
        // They are told from those that were done, wherever they are.
        let page = owner.get("/o/acme/settings/activity").await.text;
        for told in ["badge warn\">200 · 2 of 4 failed<", "badge warn\">200 · 1 of 3 failed<", "badge good\">200<", "badge warn\">400<"] {
            assert!(page.contains(told), "{told}: {page}");
        }
        let page = owner.get(&format!("/o/acme/settings/activity/{}", part.headers["x-request-id"].to_str().unwrap())).await.text;
        assert!(page.contains("200 · 2 of 4 failed") && page.contains("What failed in it"), "{page}");
        let file = owner.get("/o/acme/activity.csv?outcome=failed").await.text;
        let cells: Vec<_> = file.lines().map(|line| line.rsplit(',').next().unwrap()).collect();
        assert_eq!(cells, ["operations", "", "1 of 3 failed", "2 of 4 failed"]);
    }

    async fn the_log_is_filtered_and_searched(app) {
        let acme = app.org("Acme").await;
        let issued = app.issue_token(&acme, "Entra").await;
        let other = app.idp(&acme).with_authorization(Some(&format!("Bearer {}", issued["secret"].as_str().unwrap())));
        let idp = || later(&app, &app.idp(&acme));
        let made = idp().post("/Users", json!({ "userName": "Mira@acme.test", "active": false, "shoeSize": 4 })).await;
        let mira = id(&made.json);
        let group = id(&idp().post("/Groups", json!({ "displayName": "Engineers" })).await.json);
        idp().patch(&format!("/Groups/{group}"), json!([{ "op": "add", "path": "members", "value": [{ "value": mira }] }])).await;
        idp().get("/Users/u_01").await;
        idp().get("/Schemas").await;
        later(&app, &other).get(&format!("/Users/{mira}")).await;
        app.advance(Duration::from_secs(3_601));
        let newest = idp().post("/Bulk", json!({ "Operations": "?" })).await;
        let owner = app.owner(&acme).await;
        app.state.settle().await;
        let found = async |name: &str, value: &str| lines(&list(&owner, &[(name, value)]).await);
        let (user, team) = (format!("/Users/{mira}"), format!("/Groups/{group}"));

        assert_eq!(found("outcome", "failed").await, ["POST /Bulk 400", "GET /Users/u_01 404"]);
        assert_eq!(found("outcome", "4xx").await, ["POST /Bulk 400", "GET /Users/u_01 404"]);
        assert_eq!(found("outcome", "5xx").await, [""; 0]);
        assert_eq!(found("outcome", "2xx").await.len(), 5);
        assert_eq!(found("outcome", "tolerated").await, ["POST /Users 201"]);
        assert_eq!(found("method", "PATCH").await, [format!("PATCH {team} 204")]);
        assert_eq!(found("about", "discovery").await, ["GET /Schemas 200"]);
        assert_eq!(found("about", "bulk").await, ["POST /Bulk 400"]);
        assert_eq!(found("token", issued["token"]["id"].as_str().unwrap()).await, [format!("GET {user} 200")]);
        assert_eq!(found("period", "hour").await, ["POST /Bulk 400"]);
        assert_eq!(found("search", newest.headers["x-request-id"].to_str().unwrap()).await, ["POST /Bulk 400"]);
        // By the name in the directory, however it is written, or by the id: also the request that created it.
        for name in ["mira@ACME.test", &mira] {
            assert_eq!(found("search", name).await, [format!("GET {user} 200"), "POST /Users 201".to_owned()], "{name}");
        }
        assert_eq!(found("search", " engineers ").await, [format!("PATCH {team} 204"), "POST /Groups 201".to_owned()]);
        let nobody = list(&owner, &[("search", "nobody")]).await;
        assert_eq!((lines(&nobody).len(), &nobody["found"]), (0, &json!([])));
        let both = list(&owner, &[("about", "users"), ("method", "GET")]).await;
        assert_eq!(lines(&both), [format!("GET {user} 200"), "GET /Users/u_01 404".to_owned()]);
        assert_eq!(list(&owner, &[("search", "mira@acme.test")]).await["found"], json!(["User Mira@acme.test"]));
        // The same by the page's address.
        let page = owner.get("/o/acme/settings/activity?outcome=4xx&about=users").await;
        assert!(page.status == 200 && page.text.contains("/Users/u_01") && !page.text.contains("POST /Bulk"), "{}", page.text);
        // What no filter is, is none.
        assert_eq!(owner.get("/o/acme/settings/activity?outcome=x&token=y&before=z&search=%00").await.status, 200);
    }

    async fn older_requests_follow_without_gap_or_overlap(app) {
        let acme = app.org("Acme").await;
        fill(&app, &acme, 130).await;
        let owner = app.owner(&acme).await;
        let (mut seen, mut before) = (vec![], None::<String>);
        loop {
            let mut fields = vec![("org", "acme")];
            fields.extend(before.as_deref().map(|before| ("before", before)));
            let page = owner.call("activity", &fields).await.json;
            seen.extend(page["requests"].as_array().unwrap().iter().map(|request| request["path"].as_str().unwrap().to_owned()));
            match page["older"].as_object() {
                Some(older) => before = Some(format!("{}.{}", older["at"], older["id"].as_str().unwrap().replace('-', ""))),
                None => break,
            }
        }
        // Ten of each moment.
        let expected: std::collections::BTreeSet<_> = (1..=130).map(|number| format!("/Users/n{number}")).collect();
        assert_eq!(seen.len(), 130);
        assert_eq!(seen.into_iter().collect::<std::collections::BTreeSet<_>>(), expected);
    }

    async fn nobody_sees_another_organisations_requests(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let theirs = app.idp(&globex).get("/Users/u_01").await;
        let made = id(&app.idp(&globex).post("/Users", json!({ "userName": "theirs", "active": false })).await.json);
        let owner = app.owner(&acme).await;
        app.state.settle().await;
        let token = app.owner(&globex).await.call("security", &[("org", "globex")]).await.json["tokens"][0]["id"].as_str().unwrap().to_owned();
        let foreign = owner.call("activity_request", &[("org", "acme"), ("request_id", theirs.headers["x-request-id"].to_str().unwrap())]).await;
        let unknown = owner.call("activity_request", &[("org", "acme"), ("request_id", &"0".repeat(32))]).await;
        assert_eq!((foreign.status, &foreign.text), (404, &unknown.text));
        let page = owner.get(&format!("/o/acme/settings/activity/{}", theirs.headers["x-request-id"].to_str().unwrap())).await;
        assert_eq!(page.status, 404);
        let nothing = list(&owner, &[("token", NOBODY)]).await;
        for (name, value) in [("token", token.as_str()), ("search", theirs.headers["x-request-id"].to_str().unwrap()), ("search", &made)] {
            assert_eq!(list(&owner, &[(name, value)]).await, nothing, "{name}={value}");
        }
        let unnamed = list(&owner, &[("search", "nobody")]).await;
        assert_eq!(list(&owner, &[("search", "theirs")]).await, unnamed);
        let file = owner.get("/o/acme/activity.csv").await;
        assert_eq!(file.text.lines().count(), 1, "{}", file.text);
        assert_eq!(owner.get("/o/globex/activity.csv").await.status, 409);
    }

    async fn whoever_may_read_the_audit_log_may_read_it(app) {
        use domain::OrgRole::{Admin, Auditor, Member};
        let acme = app.org("Acme").await;
        let request = app.idp(&acme).get("/Users").await;
        app.state.settle().await;
        let request = request.headers["x-request-id"].to_str().unwrap().to_owned();
        for (role, status, keeps) in [(Member, 403, 403), (Auditor, 200, 403), (Admin, 200, 403)] {
            let browser = app.member_as(&acme, &format!("{role}@acme.test").to_lowercase(), role).await;
            for path in ["/o/acme/settings/activity", &format!("/o/acme/settings/activity/{request}"), "/o/acme/activity.csv"] {
                assert_eq!(browser.get(path).await.status, status, "{role:?} {path}");
            }
            assert_eq!(browser.call("keep_activity", &[("org", "acme"), ("days", "90")]).await.status, keeps, "{role:?}");
        }
        assert!(app.browser().get("/o/acme/activity.csv").await.redirect().is_some());
    }

    async fn a_file_holds_what_the_page_shows(app) {
        let acme = app.org("Acme").await;
        fill(&app, &acme, 2_100).await;
        let idp = later(&app, &app.idp(&acme));
        idp.with_headers(&[("user-agent", "=HYPERLINK(\"http://evil.test\",\"x\")")]).get("/Users/u_01").await;
        let owner = app.owner(&acme).await;
        app.state.settle().await;
        let file = owner.get("/o/acme/activity.csv").await;
        assert_eq!((file.status, file.header("content-type")), (200, Some("text/csv; charset=utf-8")));
        assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"scim-activity-acme-2027-01-15.csv\""));
        assert_eq!(file.header("cache-control"), Some("no-store"));
        let lines: Vec<_> = file.text.split_terminator("\r\n").collect();
        assert_eq!(lines.len(), 1 + 1 + 2_100, "over several parts, each row once");
        assert!(lines[0].starts_with("time,method,path,query,status,scim_type,detail,duration_ms,"));
        assert!(lines[1].contains(",GET,/Users/u_01,,404,") && lines[1].contains("'=HYPERLINK(\"\"http://evil.test\"\""), "{}", lines[1]);
        let rows: std::collections::BTreeSet<_> = lines.iter().collect();
        assert_eq!(rows.len(), lines.len());
        let file = owner.get("/o/acme/activity.csv?outcome=failed&method=GET").await;
        assert_eq!(file.text.split_terminator("\r\n").count(), 2, "{}", file.text);
    }

    async fn a_file_longer_than_a_page_has_each_request_once(app) {
        let acme = app.org("Acme").await;
        fill(&app, &acme, 503).await;
        let file = app.owner(&acme).await.get("/o/acme/activity.csv").await.text;
        let mut paths: Vec<_> = file.split_terminator("\r\n").skip(1).map(|line| line.split(',').nth(2).unwrap()).collect();
        paths.sort_unstable();
        let mut expected: Vec<_> = (1..=503).map(|number| format!("/Users/n{number}")).collect();
        expected.sort_unstable();
        assert_eq!(paths, expected);
    }

    async fn a_file_ends_when_its_reader_may_no_longer_read(app) {
        let acme = app.org("Acme").await;
        let auditor = app.member_as(&acme, "audit@acme.test", domain::OrgRole::Auditor).await;
        fill(&app, &acme, 2_100).await;
        let mut file = auditor.download("/o/acme/activity.csv").await;
        // Its head, and a first part.
        for _ in 0..2 {
            assert!(!file.next().await.unwrap().unwrap().is_empty());
        }
        let member = app.member_id(&acme, "audit@acme.test").await;
        let removed = app.owner(&acme).await.call("remove_member", &[("org", "acme"), ("member", &member)]).await;
        assert_eq!(removed.status, 200, "{}", removed.text);
        assert!(file.next().await.unwrap().is_err(), "the next part");
    }

    async fn what_a_directory_sends_is_text_wherever_it_is_shown(app) {
        let acme = app.org("Acme").await;
        let idp = app.idp(&acme);
        let name = "<script>alert(1)</script>\u{1b}[31m";
        let failed = idp.with_headers(&[("user-agent", "<script>alert(2)</script>")]).post("/Users", json!({ name: name, "schemas": ["<script>"] })).await;
        let named = "<script>alert(3)</script>";
        let tolerated = later(&app, &idp).post("/Users", json!({ "userName": named, name: 1, "active": false })).await;
        assert_eq!((failed.status, tolerated.status), (400, 201), "{}", tolerated.text);
        later(&app, &idp).post("/Groups", json!({ "displayName": "=1+1<script>" })).await;
        app.state.settle().await;
        let owner = app.owner(&acme).await;
        for path in [
            "/o/acme/settings/activity".to_owned(),
            format!("/o/acme/settings/activity/{}", failed.headers["x-request-id"].to_str().unwrap()),
            format!("/o/acme/settings/activity/{}", tolerated.headers["x-request-id"].to_str().unwrap()),
            format!("/o/acme/settings/activity?search={}", "%3Cscript%3E"),
        ] {
            let page = owner.get(&path).await;
            assert_eq!(page.status, 200);
            for raw in ["<script>alert", "<script>%", "search=<script"] {
                assert!(!page.text.contains(raw), "{path}");
            }
        }
        let file = owner.get("/o/acme/activity.csv").await.text;
        assert!(file.contains("<script>alert(2)</script>") && !file.contains("alert(1)") && !file.contains('\u{1b}'), "{file}");
        let told: Vec<_> = app.audit(&acme).await.into_iter().filter(|row| row.action == "activity.exported").map(|row| row.details).collect();
        assert_eq!(told, [["format: csv"]], "whoever takes it away is told of");
    }
}

/// How a database finds the requests of each filter among many: by an index that has them in order, reading no others.
async fn plans(engine: Engine) {
    let app = TestApp::start(engine).await;
    let acme = app.org("Acme").await;
    fill(&app, &acme, 20_000).await;
    app.database.try_run("ANALYZE").await.unwrap();
    let org = match engine {
        Engine::Postgres => format!("'{}'", acme.id),
        Engine::Sqlite => "x'00'".to_owned(),
    };
    let token = if engine == Engine::Postgres { format!("'{NOBODY}'") } else { "x'01'".to_owned() };
    for (condition, index) in [
        ("true", "scim_requests_org_id"),
        ("(r.status >= 400 OR r.failed_operations > 0)", "scim_requests_failed"),
        ("r.status >= 400 AND r.status >= 500", "scim_requests_failed"),
        ("r.notes <> '[]'", "scim_requests_tolerated"),
        ("r.about = 'bulk'", "scim_requests_about"),
        (&format!("r.token_id = {token}"), "scim_requests_token"),
        ("r.request_id = 'r5'", "scim_requests_request"),
        (&format!("r.resource_id IS NOT NULL AND r.resource_id IN ('{NOBODY}')"), "scim_requests_resource"),
    ] {
        let select =
            format!("SELECT r.id FROM scim_requests r WHERE r.org_id = {org} AND {condition} ORDER BY r.at DESC, r.id DESC LIMIT 51");
        let plan = match engine {
            Engine::Postgres => app.database.texts(&format!("EXPLAIN {select}")).await.join("\n"),
            Engine::Sqlite => app.database.plan(&select).await.join("\n"),
        };
        assert!(plan.contains(index), "{condition}: {plan}");
        let sorts = plan.contains("TEMP B-TREE") || plan.contains("Sort");
        assert!(!sorts, "{condition}: {plan}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_to_look_for_requests_has_its_index_on_sqlite() {
    plans(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_way_to_look_for_requests_has_its_index_on_postgres() {
    plans(Engine::Postgres).await;
}
