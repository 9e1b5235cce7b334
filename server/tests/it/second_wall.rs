//! Row-level security, the second wall: what a statement reaches that has forgotten whose rows it is about.

#![expect(clippy::disallowed_methods, reason = "tests forget on purpose what the product never does")]

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Output,
    sync::{Arc, atomic::AtomicI64},
};

use directory::{Db, DbSettings, doctor};
use migrations::{
    GLOBAL_TABLES,
    sea_orm::{ConnectionTrait, Database, DatabaseConnection, TransactionTrait},
};
use serde_json::{Value, json};
use server::router::router;

use crate::{
    credentials::Credentials,
    support::{Engine, Idp, Org, Rows, TestApp, operator_database, process::rollcall, random},
};

const DECISION: &str = include_str!("../../../docs/decisions/0026-row-level-security.md");

/// The tables that have a column which says whose a row is, with that column.
async fn tables_of_organisations(app: &TestApp) -> Vec<(String, String)> {
    let sql = "SELECT c.relname || ' ' || a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
               WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
                 AND a.attname = CASE c.relname WHEN 'organizations' THEN 'id' ELSE 'org_id' END ORDER BY 1";
    let lines = app.database.texts(sql).await;
    lines.iter().map(|line| line.split_once(' ').unwrap()).map(|(table, column)| (table.to_owned(), column.to_owned())).collect()
}

/// Two organisations that have something in most tables, and a device that nobody has let in yet.
async fn two_organisations(app: &TestApp) -> (Org, Org) {
    let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
    for org in [&acme, &globex] {
        let email = format!("mira@{}.test", org.slug);
        Credentials::of(app, org, &email).await;
        let user = app.provision(org, &format!("nadia@{}.test", org.slug)).await.id;
        app.group(org, "Engineers", &[&user]).await;
        app.team(org, "North").await;
        app.agent(org, "Helper", &[domain::OrgRole::Member]).await;
        app.agent_for_team(org, "Helper", "North").await;
        app.service_credential(org).await;
        let gone = app.join(org, &format!("gone@{}.test", org.slug)).await.0.id;
        assert_eq!(app.idp(org).delete(&format!("/Users/{gone}")).await.status, 204);
        assert_eq!(app.idp(org).get("/Users?filter=favouriteColour+pr").await.status, 400);
    }
    app.client().ask("rollcall-cli").await;
    app.state.settle().await;
    (acme, globex)
}

/// The connection of a login, for statements that the product does not run.
async fn login(app: &TestApp, role: &str) -> DatabaseConnection {
    Database::connect(app.database.url_of(role)).await.unwrap()
}

async fn number(connection: &impl ConnectionTrait, sql: &str) -> i64 {
    let statement = migrations::sea_orm::Statement::from_string(connection.get_database_backend(), sql);
    connection.query_one_raw(statement).await.unwrap_or_else(|error| panic!("{sql}: {error}")).unwrap().try_get_by_index(0).unwrap()
}

async fn set(connection: &impl ConnectionTrait, org: &str) {
    connection.execute_unprepared(&format!("SELECT set_config('rollcall.org', '{org}', true)")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_is_an_organisations_and_behind_the_wall_or_known_to_be_nobodys() {
    let app = TestApp::start(Engine::Postgres).await;
    let walled = tables_of_organisations(&app).await;
    assert!(walled.len() > 35, "{walled:?}");
    for (table, column) in &walled {
        let sql =
            format!("SELECT count(*) FROM pg_class WHERE oid = 'public.{table}'::regclass AND relrowsecurity AND relforcerowsecurity");
        assert_eq!(app.database.number(&sql).await, 1, "row-level security is not forced on {table}");
        let sql = format!(
            "SELECT polname || ' ' || polpermissive || ' ' || polroles::text || ' ' || (polcmd = '*') || ' ' ||
                    pg_get_expr(polqual, polrelid) || ' ' || pg_get_expr(polwithcheck, polrelid)
             FROM pg_policy WHERE polrelid = 'public.{table}'::regclass AND polname = 'tenant'"
        );
        let found = app.database.texts(&sql).await;
        let [tenant] = found.as_slice() else { panic!("{table} has no policy") };
        let tenant = tenant.split_whitespace().collect::<Vec<_>>().join(" ");
        let compares = format!("CASE WHEN ({column} = ( SELECT (NULLIF(current_setting('rollcall.org'::text, true), ''::text))::uuid");
        assert!(tenant.starts_with("tenant true {0} true ") && tenant.matches(&compares).count() == 2, "{table}: {tenant}");
        assert_eq!(tenant.matches("THEN true ELSE NULL::boolean END IS NOT NULL)").count(), 2, "{table}: {tenant}");
        let sql = format!(
            "SELECT p.polname::text || ' ' || r.rolname FROM pg_policy p, unnest(p.polroles) role LEFT JOIN pg_roles r ON r.oid = role
             WHERE p.polrelid = 'public.{table}'::regclass AND p.polname <> 'tenant' AND NOT (p.polname = 'named' AND role = 0) ORDER BY 1"
        );
        let others = app.database.texts(&sql).await;
        let expected: &[&str] =
            if table == "device_requests" { &["owner rollcall_owner", "unclaimed rollcall_jobs"] } else { &["owner rollcall_owner"] };
        assert_eq!(others, expected, "{table}");
    }
    let all = app.database.texts("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY 1").await;
    let nobodys: BTreeSet<_> = all.iter().map(String::as_str).filter(|table| !walled.iter().any(|(walled, _)| walled == table)).collect();
    let known: BTreeSet<_> = GLOBAL_TABLES.iter().map(|(table, _)| *table).collect();
    assert_eq!(nobodys, known, "a table has to have org_id, or to be on the list of those that are nobody's");
}

/// Under a policy PostgreSQL looks nothing up by a function that could tell what it is given, such as `substr` or `lower`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_index_is_over_an_expression() {
    let app = TestApp::start(Engine::Postgres).await;
    let sql = "SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
               WHERE c.relnamespace = 'public'::regnamespace AND i.indexprs IS NOT NULL";
    assert!(app.database.texts(sql).await.is_empty(), "{:?}", app.database.texts(sql).await);
    // Those that every day goes by are used, with the policy before everything else.
    let acme = app.org("Acme").await;
    app.crowd(&acme, 2_000).await;
    let values = "INSERT INTO scim_user_values (org_id, user_id, path, position, value_key, sorts)
                  SELECT org_id, id, 'emails.value', 0, user_name_key, true FROM scim_users";
    app.database.try_run(values).await.unwrap();
    app.database.try_run("ANALYZE scim_users").await.unwrap();
    app.database.try_run("ANALYZE scim_user_values").await.unwrap();
    let application = login(&app, "rollcall_app").await;
    let tx = application.begin().await.unwrap();
    set(&tx, &acme.id.to_string()).await;
    for (index, sql) in [
        (
            "scim_users_user_name_key",
            format!("SELECT id FROM scim_users WHERE org_id = '{}' AND user_name_key = 'x' AND deleted_at IS NULL", acme.id),
        ),
        (
            "scim_user_values_lookup",
            format!("SELECT user_id FROM scim_user_values WHERE org_id = '{}' AND path = 'emails.value' AND value_start = 'x'", acme.id),
        ),
        (
            "scim_user_values_lookup",
            format!(
                "SELECT user_id FROM scim_user_values WHERE org_id = '{}' AND path = 'emails.value' AND value_start >= 'x' AND value_start < 'y'",
                acme.id
            ),
        ),
    ] {
        let explain = migrations::sea_orm::Statement::from_string(tx.get_database_backend(), format!("EXPLAIN {sql}"));
        let plan: Vec<String> = tx.query_all_raw(explain).await.unwrap().iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        let plan = plan.join("\n");
        assert!(plan.contains(index) && plan.contains("Index Cond") && !plan.contains("Filter: (value_start"), "{plan}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_organisation_there_are_no_rows() {
    let app = TestApp::start(Engine::Postgres).await;
    two_organisations(&app).await;
    let tables = tables_of_organisations(&app).await;
    let mut filled = 0;
    for role in ["rollcall_app", "rollcall_jobs"] {
        let connection = login(&app, role).await;
        for (table, column) in &tables {
            filled += i64::from(app.database.number(&format!("SELECT count(*) FROM {table}")).await > 0);
            let sql = format!("SELECT count(*) FROM {table} WHERE {column} IS NOT NULL");
            assert_eq!(number(&connection, &sql).await, 0, "{role} sees rows of {table} outside a transaction");
            for nowhere in ["", "00000000-0000-0000-0000-000000000000"] {
                let tx = connection.begin().await.unwrap();
                set(&tx, nowhere).await;
                assert_eq!(number(&tx, &sql).await, 0, "{role} sees rows of {table} in {nowhere:?}");
            }
        }
        // A device that nobody has let in yet: only whoever names it sees it, and whoever clears such away.
        let expected = i64::from(role == "rollcall_jobs");
        assert_eq!(number(&connection, "SELECT count(*) FROM device_requests").await, expected, "{role}");
    }
    assert!(filled >= 2 * 27, "only {filled} of twice {} tables have rows: the test shows little", tables.len());

    let application = login(&app, "rollcall_app").await;
    let asked = app.database.texts("SELECT id::text FROM device_requests WHERE org_id IS NULL").await;
    let tx = application.begin().await.unwrap();
    tx.execute_unprepared(&format!("SELECT set_config('rollcall.device', '{}', true)", asked[0])).await.unwrap();
    assert_eq!(number(&tx, "SELECT count(*) FROM device_requests").await, 1);
}

/// In `org`, statements that forgot to say so reach its own rows and no others; rows of others cannot be made.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_forgets_the_organisation_stays_within_it() {
    let app = TestApp::start(Engine::Postgres).await;
    let (acme, globex) = two_organisations(&app).await;
    let tables = tables_of_organisations(&app).await;
    let everything = async || {
        let mut rows = BTreeMap::new();
        for (table, column) in &tables {
            rows.insert(table.clone(), app.database.rows(&format!("SELECT * FROM {table} WHERE {column} = '{}'", globex.id)).await);
        }
        rows
    };
    let before = everything().await;
    for role in ["rollcall_app", "rollcall_jobs"] {
        let connection = login(&app, role).await;
        let tx = connection.begin().await.unwrap();
        set(&tx, &acme.id.to_string()).await;
        for (table, column) in &tables {
            let own = app.database.number(&format!("SELECT count(*) FROM {table} WHERE {column} = '{}'", acme.id)).await;
            assert_eq!(number(&tx, &format!("SELECT count(*) FROM {table} WHERE {column} IS NOT NULL")).await, own, "{role}, {table}");
            assert_eq!(number(&tx, &format!("SELECT count(*) FROM {table} WHERE {column} = '{}'", globex.id)).await, 0, "{role}, {table}");
        }
        for sql in
            ["UPDATE scim_users SET display_name = 'X'", "UPDATE scim_tokens SET revoked_at = 1", "UPDATE members SET break_glass = true"]
        {
            assert!(tx.execute_unprepared(sql).await.unwrap().rows_affected() > 0, "{sql}");
        }
        for sql in ["DELETE FROM sessions", "DELETE FROM role_grants", "DELETE FROM scim_group_members", "DELETE FROM mail_queue"] {
            tx.execute_unprepared(sql).await.unwrap();
        }
        tx.commit().await.unwrap();
        assert_eq!(everything().await, before, "{role} has reached rows of another organisation");

        for sql in [
            format!(
                "INSERT INTO teams (id, org_id, name, name_key, created_at, created_by) VALUES (gen_random_uuid(), '{}', 'X', 'x', 0, 'x')",
                globex.id
            ),
            format!("UPDATE teams SET org_id = '{}'", globex.id),
            "INSERT INTO organizations (id, name, slug, created_at) VALUES (gen_random_uuid(), 'X', 'x', 0)".to_owned(),
            "INSERT INTO device_requests (id, secret_hash, user_code_hash, client_id, scope, asked_at, expires_at, poll_interval) VALUES (gen_random_uuid(), '', '', 'x', 'x', 0, 0, 0)".to_owned(),
        ] {
            let tx = connection.begin().await.unwrap();
            set(&tx, &acme.id.to_string()).await;
            let refused = tx.execute_unprepared(&sql).await;
            if role == "rollcall_jobs" && sql.contains("device_requests") {
                continue;
            }
            assert!(refused.unwrap_err().to_string().contains("row-level security"), "{role}: {sql}");
        }
    }
    let connection = login(&app, "rollcall_app").await;
    let tx = connection.begin().await.unwrap();
    set(&tx, &acme.id.to_string()).await;
    let refused = tx.execute_unprepared("DELETE FROM scim_connections; DELETE FROM organizations").await.unwrap_err().to_string();
    assert!(refused.contains("a provisioning token is never deleted"), "{refused}");
    drop(tx);
    assert_eq!(app.database.texts("SELECT slug FROM organizations ORDER BY slug").await, ["acme", "globex"]);
    assert_eq!(everything().await, before);
}

/// A pool of one connection, as the product uses it: for one organisation, for another, and for none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_served_one_organisation_shows_the_next_nothing_of_it() {
    let app = TestApp::start(Engine::Postgres).await;
    let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
    app.provision(&acme, "mira@acme.test").await;
    for email in ["ada@globex.test", "bo@globex.test"] {
        app.provision(&globex, email).await;
    }
    let one = DbSettings { max_connections: 1, ..DbSettings::new(app.database.url.clone()) };
    let db = Db::connect(&one).await.unwrap();
    let now = (app.state.clock)().as_micros();
    let narrow = router(TestApp::state_of(db.clone(), Arc::new(AtomicI64::new(now))));
    let idp = |org: &Org| Idp::new(narrow.clone(), format!("/scim/{}/v2", org.id), format!("Bearer {}", org.token));
    for _ in 0..3 {
        for (org, people) in [(&acme, 1), (&globex, 2)] {
            assert_eq!(idp(org).get("/Users").await.json["totalResults"], people);
            assert_eq!(number(db.migrator(), "SELECT count(*) FROM scim_users").await, 0, "the connection keeps what it was set to");
            let foreign = idp(if org.id == acme.id { &globex } else { &acme });
            assert_eq!(foreign.get("/Users").await.json["totalResults"], 3 - people);
            // A request that fails in the middle of its transaction leaves nothing behind, either.
            assert_eq!(idp(org).post("/Users", json!({ "userName": "" })).await.status, 400);
            assert_eq!(number(db.migrator(), "SELECT count(*) FROM scim_users").await, 0);
        }
    }
    let tx = db.migrator().begin().await.unwrap();
    set(&tx, &acme.id.to_string()).await;
    assert_eq!(number(&tx, "SELECT count(*) FROM scim_users").await, 1);
    drop(tx);
    assert_eq!(number(db.migrator(), "SELECT count(*) FROM scim_users").await, 0, "nor after a transaction that was broken off");
}

/// The doors, as the decision lists them: signature, login, columns.
fn listed() -> Vec<(String, String, String)> {
    let lines = DECISION.lines().filter(|line| line.starts_with("| `door_"));
    let cells = |line: &str| line.trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`').to_owned()).collect::<Vec<_>>();
    let mut doors: Vec<_> = lines.map(cells).map(|cells| (cells[0].clone(), cells[1].clone(), cells[2].clone())).collect();
    doors.sort();
    doors
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doors_are_those_of_the_list_and_no_others() {
    let app = TestApp::start(Engine::Postgres).await;
    let mut in_code: Vec<_> = doctor::doors()
        .iter()
        .map(|door| {
            let columns = door.gives.iter().map(|(column, _)| *column).collect::<Vec<_>>().join(", ");
            let login = match door.login {
                doctor::Login::Application => "application",
                doctor::Login::Jobs => "jobs",
                doctor::Login::Either => "both",
            };
            (door.signature(), login.to_owned(), columns)
        })
        .collect();
    in_code.sort();
    assert_eq!(in_code, listed(), "docs/decisions/0026-row-level-security.md lists the doors");
    // No door, but a function that deletes what its caller may not: what an organisation wants cleared of its own audit log.
    in_code.push((
        "rollcall_clear_audit(organisation uuid, moment bigint, most bigint, entry uuid)".into(),
        "jobs".into(),
        "batches, events, first, last".into(),
    ));
    // Every function that does not run as its caller; where it looks for tables is fixed, and it is not for everybody.
    let sql = "SELECT p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')|' || pg_get_userbyid(p.proowner) || '|' ||
                      coalesce(p.proconfig::text, '') || '|' || coalesce((SELECT string_agg(a.grantee::regrole::text, ' ' ORDER BY 1)
                        FROM aclexplode(p.proacl) a WHERE a.grantee <> p.proowner), '') || '|' ||
                      regexp_replace(regexp_replace(pg_get_function_result(p.oid), '^TABLE\\(|\\)$', '', 'g'), '(\\w+) \\w+', '\\1', 'g')
               FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef ORDER BY 1";
    let mut in_schema = vec![];
    for line in app.database.texts(sql).await {
        let [signature, owner, path, logins, columns] = line.split('|').collect::<Vec<_>>()[..] else { panic!("{line}") };
        assert_eq!((owner, path), ("rollcall_owner", "{\"search_path=pg_catalog, public, pg_temp\"}"), "{line}");
        let login = match logins {
            "rollcall_app" => "application",
            "rollcall_jobs" => "jobs",
            "rollcall_app rollcall_jobs" => "both",
            others => panic!("{signature} is for {others}"),
        };
        in_schema.push((signature.to_owned(), login.to_owned(), columns.to_owned()));
    }
    in_schema.sort();
    assert_eq!(in_schema, in_code);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_door_gives_nothing_for_what_it_does_not_know_and_opens_for_its_own_login_only() {
    let app = TestApp::start(Engine::Postgres).await;
    two_organisations(&app).await;
    let logins = [("rollcall_app", doctor::Login::Application), ("rollcall_jobs", doctor::Login::Jobs)];
    for (role, login_of) in logins {
        let connection = login(&app, role).await;
        for door in doctor::doors() {
            let unknown = door.takes.iter().map(|kind| match *kind {
                "uuid" => "'0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10'::uuid",
                "bytea" => "sha256('nobody')",
                "bigint" => "0::bigint",
                "boolean" => "true",
                "text" => "'nobody'",
                other => panic!("{other}"),
            });
            let lists = door.name == "door_due_delivery";
            let unknown: Vec<_> = unknown.map(|value| if lists && value == "'nobody'" { "''" } else { value }).collect();
            // It does the same work for what is not there as for what is: blanks are nothing.
            let told = match door.name {
                "door_provisioning_token" => {
                    " WHERE org_id <> '0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10' OR connection_id <> org_id OR name <> '' OR secret_hash <> sha256('nobody')
                        OR allowed_from <> '' OR drill_of IS NOT NULL"
                }
                _ => "",
            };
            let call = format!("SELECT count(*) FROM {}({}){told}", door.name, unknown.join(", "));
            let (error, counted) =
                match connection.query_one_raw(migrations::sea_orm::Statement::from_string(connection.get_database_backend(), &call)).await
                {
                    Ok(row) => (None, row.unwrap().try_get_by_index::<i64>(0).unwrap()),
                    Err(error) => (Some(error.to_string()), 0),
                };
            if door.login != login_of && door.login != doctor::Login::Either {
                assert!(error.is_some_and(|error| error.contains("permission denied")), "{role} goes through {}", door.name);
                continue;
            }
            assert_eq!(error, None, "{role}, {}", door.name);
            // What is asked about nothing in particular says that there is something, or lists organisations for the jobs.
            assert!(door.takes.is_empty() || counted == 0, "{} knows what nobody knows", door.name);
        }
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_server_starts_with_a_login_that_the_wall_does_not_hold() {
    let (folder, url) = operator_database(Engine::Postgres).await;
    let url = url.unwrap();
    let program = || rollcall(&folder, Some(&url));
    assert!(program().arg("migrate").output().unwrap().status.success());
    let unique: String = random::<6>().iter().map(|byte| format!("{byte:02x}")).collect();
    let admin = Rows::open(&url.replace("//rollcall_owner@", "//admin@")).await;
    let roles = ["bypass", "heir", "deputy", "both"].map(|role| format!("{role}_{unique}"));
    let [bypass, heir, deputy, both] = &roles;
    admin
        .run(&format!(
            "CREATE ROLE {bypass} LOGIN BYPASSRLS IN ROLE rollcall_app; CREATE ROLE {heir} LOGIN IN ROLE rollcall_app, rollcall_owner;
             CREATE ROLE {deputy} LOGIN IN ROLE rollcall_app; CREATE ROLE {both} LOGIN IN ROLE rollcall_app, rollcall_jobs"
        ))
        .await;
    let of = |role: &str| url.replace("//rollcall_owner@", &format!("//{role}@"));
    let make_app = "CREATE ROLE rollcall_app LOGIN PASSWORD '…'";
    let make_jobs = "CREATE ROLE rollcall_jobs LOGIN PASSWORD '…'";
    for (variable, role, why, make) in [
        ("ROLLCALL_DATABASE_URL", "admin", "is a superuser", make_app),
        ("ROLLCALL_DATABASE_URL", "rollcall_owner", "owns tables", make_app),
        ("ROLLCALL_DATABASE_URL", bypass, "BYPASSRLS", make_app),
        ("ROLLCALL_DATABASE_URL", heir, "owns tables", make_app),
        ("ROLLCALL_DATABASE_URL", both, "works in the background", make_app),
        ("ROLLCALL_JOBS_DATABASE_URL", "admin", "is a superuser", make_jobs),
        ("ROLLCALL_JOBS_DATABASE_URL", "rollcall_owner", "owns tables", make_jobs),
        ("ROLLCALL_JOBS_DATABASE_URL", "rollcall_app", "has not been granted", make_jobs),
    ] {
        let output = program().env(variable, of(role)).arg("serve").output().unwrap();
        let said = said(&output);
        assert!(!output.status.success() && said.contains(variable) && said.contains(why) && said.contains(make), "{role}: {said}");
    }
    let output = program().env_remove("ROLLCALL_JOBS_DATABASE_URL").arg("serve").output().unwrap();
    let without = said(&output);
    assert!(!output.status.success() && without.contains("ROLLCALL_JOBS_DATABASE_URL") && without.contains(make_jobs), "{without}");
    // Somebody else's name is fine, in the role of the application.
    let server = crate::support::process::Process::serve({
        let mut program = program();
        program.env("ROLLCALL_DATABASE_URL", of(deputy));
        program
    });
    drop(server);
    for role in &roles {
        admin.run(&format!("DROP ROLE {role}")).await;
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_finds_what_was_broken_by_hand_on_postgres() {
    let app = TestApp::start(Engine::Postgres).await;
    two_organisations(&app).await;
    let folder = std::env::temp_dir().join(format!("rollcall-doctor-{:032x}", u128::from_be_bytes(random())));
    std::fs::create_dir_all(&folder).unwrap();
    let url = app.database.url_of("rollcall_owner");
    let doctor = || {
        let output = rollcall(&folder, Some(&url)).args(["doctor", "--json"]).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)));
        let checks = report["checks"].as_array().unwrap();
        let failed: Vec<_> =
            checks.iter().filter(|check| check["ok"] != true).map(|check| check["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!((output.status.success(), &report["ok"]), (failed.is_empty(), &json!(failed.is_empty())), "{report}");
        assert!(checks.len() >= 11 || !failed.is_empty());
        failed
    };
    assert_eq!(doctor(), [""; 0]);
    let wall = "row-level security";
    for (breaks, mends, finds) in [
        ("ALTER TABLE teams DISABLE ROW LEVEL SECURITY", "", vec![wall, "without an organisation", "within an organisation"]),
        ("ALTER TABLE teams NO FORCE ROW LEVEL SECURITY", "", vec![wall]),
        ("DROP POLICY tenant ON teams", "", vec![wall]),
        ("CREATE POLICY easy ON teams USING (true)", "", vec![wall, "without an organisation", "within an organisation"]),
        ("ALTER POLICY tenant ON teams USING (org_id IS NOT NULL)", "", vec![wall, "without an organisation", "within an organisation"]),
        // What no row of today shows.
        ("ALTER POLICY tenant ON teams WITH CHECK (true)", "", vec![wall]),
        ("ALTER POLICY tenant ON teams TO rollcall_app", "", vec![wall]),
        ("ALTER POLICY unclaimed ON device_requests TO PUBLIC", "", vec![wall]),
        ("DROP POLICY tenant ON teams; CREATE POLICY tenant ON teams FOR SELECT USING (false)", "", vec![wall]),
        (
            "DO $do$ BEGIN EXECUTE replace(pg_get_functiondef('door_any_org()'::regprocedure), 'RETURN QUERY', 'RETURN QUERY /* more */'); END $do$",
            "",
            vec!["doors"],
        ),
        ("GRANT UPDATE (secret_hash) ON scim_tokens TO rollcall_app", "", vec!["provisioning tokens"]),
        ("GRANT DELETE ON scim_tokens TO rollcall_jobs", "", vec!["provisioning tokens"]),
        ("GRANT DELETE ON audit_seals TO rollcall_jobs", "", vec!["audit log"]),
        ("GRANT UPDATE (name) ON offboarding_receipts TO rollcall_app", "", vec!["audit log"]),
        ("GRANT CREATE ON SCHEMA public TO PUBLIC", "", vec!["schema"]),
        (
            "ALTER TABLE scim_tokens DISABLE TRIGGER scim_tokens_stay",
            "ALTER TABLE scim_tokens ENABLE TRIGGER scim_tokens_stay",
            vec!["triggers"],
        ),
        (
            "ALTER TABLE organizations ENABLE REPLICA TRIGGER organizations_remain",
            "ALTER TABLE organizations ENABLE TRIGGER organizations_remain",
            vec!["triggers"],
        ),
        ("CREATE TABLE notes (id bigint)", "DROP TABLE notes", vec![wall]),
        ("ALTER FUNCTION door_session(bytea) RENAME TO door_anything", "", vec!["doors"]),
        ("GRANT EXECUTE ON FUNCTION door_all_orgs() TO rollcall_app", "", vec!["application's login", "doors"]),
        ("GRANT EXECUTE ON FUNCTION door_due_mail(bigint) TO PUBLIC", "", vec!["doors"]),
        (
            "CREATE FUNCTION more() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT 1::bigint'",
            "DROP FUNCTION more()",
            vec!["doors"],
        ),
        (
            "GRANT UPDATE (details) ON audit_events TO rollcall_app",
            "REVOKE UPDATE (details) ON audit_events FROM rollcall_app",
            vec!["audit log"],
        ),
        ("GRANT DELETE ON audit_events TO rollcall_app", "", vec!["audit log"]),
        (
            "DELETE FROM seaql_migrations WHERE version LIKE '%000014%'",
            "INSERT INTO seaql_migrations VALUES ('m20261128_000014_value_starts', 0)",
            vec!["migrations"],
        ),
    ] {
        app.database.try_run(breaks).await.unwrap();
        assert_eq!(doctor(), finds, "{breaks}");
        if !mends.is_empty() {
            app.database.try_run(mends).await.unwrap();
        }
        // The next `rollcall migrate` puts the wall up again.
        let run = rollcall(&folder, Some(&url)).arg("migrate").output().unwrap();
        assert!(run.status.success(), "{}", said(&run));
        assert_eq!(doctor(), [""; 0], "after {breaks}");
    }
    // What is as it has to be is not touched, so nobody has to be gone for that; what is not waits a little, and says so.
    let connection = login(&app, "rollcall_app").await;
    let reader = connection.begin().await.unwrap();
    reader.execute_unprepared("SELECT 1 FROM teams").await.unwrap();
    let migrate = || rollcall(&folder, Some(&url)).arg("migrate").output().unwrap();
    assert!(migrate().status.success());
    app.database
        .try_run("CREATE POLICY easy ON organizations USING (true); ALTER POLICY tenant ON scim_tokens WITH CHECK (true)")
        .await
        .unwrap();
    let reads = "SELECT 1 FROM scim_tokens";
    reader.execute_unprepared(reads).await.unwrap();
    let refused = migrate();
    assert!(
        !refused.status.success() && said(&refused).contains("a table is in use") && said(&refused).contains("try again"),
        "{}",
        said(&refused)
    );
    assert!(doctor().contains(&wall.to_owned()));
    reader.rollback().await.unwrap();
    assert!(migrate().status.success());
    assert_eq!(doctor(), [""; 0]);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_finds_what_was_broken_by_hand_on_sqlite() {
    let (folder, _) = operator_database(Engine::Sqlite).await;
    let doctor = |pass: bool| {
        let output = rollcall(&folder, None).arg("doctor").output().unwrap();
        assert_eq!(output.status.success(), pass, "{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("rollcall.db");
    assert!(doctor(false).contains("FAIL migrations: "), "nothing is migrated by looking");
    assert!(rollcall(&folder, None).arg("migrate").output().unwrap().status.success());
    let mode = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
    };
    mode(&file, 0o644);
    mode(&folder, 0o755);
    assert!(doctor(false).contains("FAIL file permissions: others on this machine can read"), "anybody can read it");
    mode(&folder, 0o700);
    let healthy = doctor(true);
    assert_eq!(healthy.lines().filter(|line| line.starts_with("ok   ")).count(), 4, "{healthy}");
    let rows = Rows::open(&format!("sqlite:{}", file.display())).await;
    rows.run("PRAGMA foreign_keys = OFF; INSERT INTO owner_guards (org_id) VALUES (x'00')").await;
    rows.close().await;
    assert!(doctor(false).contains("FAIL references: 1 rows refer to what is not there"));
    std::fs::remove_dir_all(&folder).unwrap();
}
