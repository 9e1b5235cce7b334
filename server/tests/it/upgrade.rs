//! A database of the release before, with people in it, after the migrations of this one.

#![expect(clippy::disallowed_methods, reason = "tests make rows as an older version made them")]

use std::sync::{Arc, atomic::AtomicI64};

use directory::{
    Call, Db, DbSettings,
    founding::{self, Founder},
    provisioning::index,
};
use migrations::{Migrator, MigratorTrait, sea_orm::ConnectionTrait};
use serde_json::json;
use server::router::router;

use crate::support::{Browser, Engine, Idp, PASSWORD, Rows, TestApp, id, operator_database};

/// The migrations of the release before this one.
const BEFORE: u32 = 5;

const USER: &str = "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d03";
const ORG: &str = "0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d01";

/// A database as the release before left it, with a user and a group.
async fn made_before(engine: Engine) -> String {
    let (folder, url) = operator_database(engine).await;
    let url = url.unwrap_or_else(|| format!("sqlite:{}", folder.join("rollcall.db").display()));
    let old = Db::connect(&DbSettings::new(url.clone())).await.unwrap();
    Migrator::up(old.migrator(), Some(BEFORE)).await.unwrap();
    let id = |n: u32| match engine {
        Engine::Sqlite => format!("x'0199c7e241d07d3a9c1e5a2f8e7b6d{n:02x}'"),
        Engine::Postgres => format!("'0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d{n:02x}'"),
    };
    let (org, connection, user, gone, group, account, member, token) = (id(1), id(2), id(3), id(4), id(5), id(6), id(7), id(8));
    let hash = if engine == Engine::Sqlite { "x'0011'" } else { "'\\x0011'" };
    let attributes = json!({
        "userName": "Mira", "active": true, "title": "Chief", "displayName": "Mira Olsen",
        "emails": [{ "value": "mira@acme.test", "type": "work", "primary": true }]
    });
    for sql in [
        format!("INSERT INTO organizations (id, name, slug, created_at) VALUES ({org}, 'Acme', 'acme', 0)"),
        format!("INSERT INTO owner_guards (org_id) VALUES ({org})"),
        format!(
            "INSERT INTO users (id, email, email_key, credential_version, live_memberships, dormant, suspended, created_at)
             VALUES ({account}, 'mira@acme.test', 'mira@acme.test', 0, 0, true, false, 0)"
        ),
        format!(
            "INSERT INTO members (id, org_id, account_id, display_name, managed_by, break_glass, sub, created_at)
             VALUES ({member}, {org}, {account}, 'Mira OLSEN', 'directory', false, 'x', 0)"
        ),
        format!("INSERT INTO scim_connections (id, org_id, status, created_at, created_by) VALUES ({connection}, {org}, 'enabled', 0, 'x')"),
        format!(
            "INSERT INTO scim_tokens (id, org_id, connection_id, name, purpose, secret_hash, hint, lifetime, created_at, created_by, expires_at, last_used_ip)
             VALUES ({token}, {org}, {connection}, 'Okta', 'provisioning', {hash}, 'x1y2', 'year', 1, 'Ines', 2, '10.0.0.1')"
        ),
        format!(
            "INSERT INTO scim_users (id, org_id, connection_id, member_id, user_name, user_name_key, active, attributes, version, created_at, updated_at)
             VALUES ({user}, {org}, {connection}, {member}, 'Mira', 'mira', true, '{attributes}', 1, 0, 0)"
        ),
        format!(
            "INSERT INTO scim_users (id, org_id, connection_id, user_name, user_name_key, active, attributes, version, created_at, updated_at, deleted_at)
             VALUES ({gone}, {org}, {connection}, 'Gone', 'gone', false, '{{}}', 1, 0, 0, 1)"
        ),
        format!(
            "INSERT INTO scim_user_values (org_id, user_id, path, position, value, value_key, type_key, is_primary)
             VALUES ({org}, {user}, 'emails.value', 0, 'mira@acme.test', 'mira@acme.test', 'work', true)"
        ),
        format!(
            "INSERT INTO scim_groups (id, org_id, connection_id, display_name, display_name_key, version, created_at, updated_at)
             VALUES ({group}, {org}, {connection}, 'Engineers', 'engineers', 1, 0, 0)"
        ),
        format!("INSERT INTO scim_group_members (org_id, group_id, user_id, added_at) VALUES ({org}, {group}, {user}, 0)"),
    ] {
        old.migrator().execute_unprepared(&sql).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    old.close().await.unwrap();
    url
}

/// Acme's identity provider, with a token that was issued to another organisation and moved over.
async fn idp_of_acme(db: &Db, now: Arc<AtomicI64>) -> Idp {
    let state = TestApp::state_of(db.clone(), now);
    let founder = Founder {
        org_name: "Globex".to_owned(),
        name: "Owner".to_owned(),
        email: "owner@globex.test".to_owned(),
        password: PASSWORD.to_owned(),
    };
    let call = Call::new((state.clock)(), state.randomness.clone());
    let made = founding::bootstrap(db, &state.hasher, founder, true, &call).await.unwrap();
    // A row cannot be moved, and goes neither by itself nor with its connection: it is made anew behind what keeps it.
    let off = match db.is_postgres() {
        true => "ALTER TABLE scim_tokens DISABLE TRIGGER scim_tokens_remain",
        false => "DROP TRIGGER scim_tokens_remain",
    };
    db.migrator().execute_unprepared(off).await.unwrap();
    let moved = "CREATE TEMPORARY TABLE moved AS SELECT * FROM scim_tokens WHERE name = 'Bootstrap';
                 DELETE FROM scim_connections WHERE org_id = (SELECT id FROM organizations WHERE slug = 'globex');
                 UPDATE moved SET org_id = (SELECT id FROM organizations WHERE slug = 'acme'),
                     connection_id = (SELECT c.id FROM scim_connections c JOIN organizations o ON o.id = c.org_id WHERE o.slug = 'acme');
                 INSERT INTO scim_tokens SELECT * FROM moved;
                 DROP TABLE moved";
    db.migrator().execute_unprepared(moved).await.unwrap();
    Idp::new(router(state), format!("/scim/{ORG}/v2"), format!("Bearer {}", made.token.unwrap()))
}

async fn everybody_is_found_after_an_update(engine: Engine) {
    let url = made_before(engine).await;
    let db = Db::connect(&DbSettings::new(url.clone())).await.unwrap();
    server::startup::migrate(&db).await.unwrap();
    let rows = Rows::open(&url).await;
    let keys = rows.texts("SELECT name_key || '|' || search_key FROM members").await;
    assert_eq!(keys, ["mira olsen|mira olsen\nmira@acme.test\nmira@acme.test\nmira"], "and so is everybody on the list of members");
    let token = "SELECT name || purpose || hint || lifetime || created_at || created_by || expires_at || last_used_ip FROM scim_tokens";
    assert_eq!(rows.texts(token).await, ["Oktaprovisioningx1y2year1Ines210.0.0.1"], "and tokens are what they were");
    rows.close().await;
    let idp = idp_of_acme(&db, Arc::new(AtomicI64::new(1_800_000_000_000_000))).await;

    let list = idp.get("/Users").await;
    assert_eq!((&list.json["totalResults"], id(&list.json["Resources"][0]).as_str()), (&1.into(), USER));
    for filter in [
        "title eq \"chief\"",
        "emails[type eq \"work\" and primary eq true].value eq \"MIRA@acme.test\"",
        "groups.display eq \"engineers\"",
        "active eq true",
    ] {
        assert_eq!(idp.find("/Users", filter).await.json["totalResults"], 1, "{filter}");
    }
    assert_eq!(idp.get("/?sortBy=displayName").await.json["totalResults"], 2);
    assert_eq!(idp.delete(&format!("/Users/{USER}")).await.status, 204);
    assert_eq!(idp.get("/Users").await.json["totalResults"], 0);
    assert_eq!(idp.get("/Groups").await.json["totalResults"], 1);
}

/// Filters would find nobody, and say so with a 200.
async fn no_server_starts_before_everybody_is_found(engine: Engine) {
    let url = made_before(engine).await;
    let db = Db::connect(&DbSettings::new(url.clone())).await.unwrap();
    // As if the migration had been killed on its way.
    Migrator::up(db.migrator(), None).await.unwrap();
    if engine == Engine::Postgres {
        let opened = server::startup::open(&DbSettings::new(url.clone())).await;
        assert!(opened.unwrap_err().contains("rollcall migrate"), "not even the doors are there");
    }
    directory::doctor::make_doors(&db).await.unwrap();
    assert!(index::is_outdated(&db).await.unwrap());
    let opened = server::startup::open(&DbSettings::new(url)).await;
    match engine {
        Engine::Sqlite => assert!(!index::is_outdated(&opened.unwrap()).await.unwrap(), "it finishes what was begun"),
        Engine::Postgres => assert!(opened.unwrap_err().contains("rollcall migrate")),
    }
}

/// Requests that were written down when less was known of them: what they are about (since step 15), and that a Bulk failed in part
/// (since step 21).
async fn older_requests_are_found_after_an_update(engine: Engine) {
    let url = made_before(engine).await;
    let db = Db::connect(&DbSettings::new(url.clone())).await.unwrap();
    let rows = Rows::open(&url).await;
    let insert = async |number: u32, path: &str, status: u16, more: (&str, &str)| {
        let id = |last: u32| match engine {
            Engine::Sqlite => format!("x'0199c7e241d07d3a9c1e5a2f8e7b{last:04x}'"),
            Engine::Postgres => format!("'0199c7e2-41d0-7d3a-9c1e-5a2f8e7b{last:04x}'"),
        };
        let (columns, values) = more;
        rows.run(&format!(
            "INSERT INTO scim_requests (id, org_id, token_id, at, method, path, status, took_micros, notes{columns})
             VALUES ({}, {}, {}, {number}, 'GET', '{path}', {status}, 1, '[]'{values})",
            id(number),
            id(0x6d01),
            id(0x6d08)
        ))
        .await;
    };
    let told = async |app: &Browser, name: &str, value: &str| {
        let answer = app.call("activity", &[("org", "globex"), (&format!("filter[{name}]"), value)]).await;
        let requests = answer.json["requests"].as_array().unwrap_or_else(|| panic!("{}", answer.text)).clone();
        requests.iter().map(|request| request["path"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (without_about, without_operations) = (14, 19);
    Migrator::up(db.migrator(), Some(without_about - BEFORE)).await.unwrap();
    let (user, group) = (format!("/Users/{USER}"), "/Groups/0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d05".to_owned());
    let paths = [
        "/Users",
        "/Users/.search",
        &user,
        "/Users/u_01",
        "/Groups",
        &group,
        "/Bulk",
        "/Schemas",
        "/Schemas/urn:x",
        "/ResourceTypes",
        "/ServiceProviderConfig",
        "/",
        "/.search",
        "/Me",
        "/Usersx",
    ];
    for (path, number) in paths.into_iter().zip(1..) {
        insert(number, path, 200, ("", "")).await;
    }
    Migrator::up(db.migrator(), Some(without_operations - without_about)).await.unwrap();
    insert(101, "/Bulk", 200, (", about, body", ", 'bulk', '{}'")).await;
    insert(102, "/Bulk", 200, (", about", ", 'bulk'")).await;
    insert(103, "/Bulk", 413, (", about, body", ", 'bulk', '{}'")).await;
    insert(104, "/Users", 409, (", about, body", ", 'users', '{}'")).await;
    server::startup::migrate(&db).await.unwrap();

    let state = TestApp::state_of(db, Arc::new(AtomicI64::new(1_000_000)));
    let founder = Founder {
        org_name: "Globex".to_owned(),
        name: "Owner".to_owned(),
        email: "owner@globex.test".to_owned(),
        password: PASSWORD.to_owned(),
    };
    let call = Call::new((state.clock)(), state.randomness.clone());
    founding::bootstrap(&state.db, &state.hasher, founder, true, &call).await.unwrap();
    // Somebody has to look at them; Acme, as it was made, has nobody who could.
    rows.run("UPDATE scim_requests SET org_id = (SELECT id FROM organizations WHERE slug = 'globex')").await;
    rows.close().await;
    let browser = Browser::new(router(state));
    assert_eq!(browser.call("sign_in", &[("email", "owner@globex.test"), ("password", PASSWORD)]).await.status, 200);

    assert_eq!(told(&browser, "about", "users").await, ["/Users", "/Users/u_01", user.as_str(), "/Users/.search", "/Users"]);
    assert_eq!(told(&browser, "about", "groups").await, [group.as_str(), "/Groups"]);
    assert_eq!(told(&browser, "about", "bulk").await, ["/Bulk"; 4]);
    assert_eq!(told(&browser, "about", "discovery").await, ["/ServiceProviderConfig", "/ResourceTypes", "/Schemas/urn:x", "/Schemas"]);
    assert_eq!(told(&browser, "about", "other").await, ["/Usersx", "/Me", "/.search", "/"]);
    assert_eq!(told(&browser, "search", USER).await, [user.as_str()]);
    assert_eq!(told(&browser, "search", group.trim_start_matches("/Groups/")).await, [group.as_str()]);
    assert_eq!(told(&browser, "outcome", "failed").await, ["/Users", "/Bulk", "/Bulk"]);
    let page = browser.get("/o/globex/settings/activity?outcome=failed").await.text;
    assert!(page.contains(">200 · partly failed<") && page.contains(">413<"), "{page}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn older_requests_are_found_after_an_update_on_sqlite() {
    older_requests_are_found_after_an_update(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn older_requests_are_found_after_an_update_on_postgres() {
    older_requests_are_found_after_an_update(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_is_found_after_an_update_on_sqlite() {
    everybody_is_found_after_an_update(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everybody_is_found_after_an_update_on_postgres() {
    everybody_is_found_after_an_update(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_server_starts_before_everybody_is_found_on_sqlite() {
    no_server_starts_before_everybody_is_found(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_server_starts_before_everybody_is_found_on_postgres() {
    no_server_starts_before_everybody_is_found(Engine::Postgres).await;
}
