//! The laws that the database itself holds, and those that are read off the schema and the source.

use std::{collections::BTreeSet, path::Path};

use serde_json::json;

use crate::{
    credentials::{self, Credentials},
    support::{Engine, Org, TestApp, both_databases, patch_active},
};

both_databases! {
    /// Law 4. The account's state and the number of its memberships cannot be told apart, whatever the code does.
    async fn the_database_holds_dormant_and_memberships_together(app) {
        let acme = app.org("Acme").await;
        app.join(&acme, "mira@acme.test").await;
        for sql in [
            "UPDATE users SET live_memberships = -1 WHERE email = 'mira@acme.test'",
            "UPDATE users SET dormant = true WHERE email = 'mira@acme.test'",
            "UPDATE users SET live_memberships = 0 WHERE email = 'mira@acme.test'",
        ] {
            assert!(app.database.try_run(sql).await.is_err(), "{sql}");
        }
    }

    /// Law 3. A session, a link, a grant without a live membership cannot exist.
    async fn the_database_refuses_a_credential_without_a_membership(app) {
        let acme = app.org("Acme").await;
        let nobody = if app.state.db.is_postgres() { "'0199c7e2-41d0-7d3a-9c1e-5a2f8e7b6d10'::uuid" } else { "x'0199c7e241d07d3a9c1e5a2f8e7b6d10'" };
        let bytes = if app.state.db.is_postgres() { "'\\x00'::bytea" } else { "x'00'" };
        let org = format!("(SELECT id FROM organizations WHERE slug = '{}')", acme.slug);
        for sql in [
            format!("INSERT INTO sessions (id_hash, org_id, membership_id, auth_authority, auth_method, auth_time, created_at, last_seen_at, expires_at) VALUES ({bytes}, {org}, {nobody}, 'local', 'password', 0, 0, 0, 0)"),
            format!("INSERT INTO activation_links (hash, org_id, membership_id, email, created_at, expires_at) VALUES ({bytes}, {org}, {nobody}, 'x', 0, 0)"),
            format!("INSERT INTO role_grants (org_id, membership_id, role, granted_by, granted_at) VALUES ({org}, {nobody}, 'admin', 'x', 0)"),
        ] {
            let error = app.database.try_run(&sql).await.expect_err(&sql);
            assert!(error.to_lowercase().contains("foreign key"), "{error}");
        }
    }

    /// Law 3. Every table that holds a credential hangs off a membership or an organisation, by a cascade.
    async fn every_credential_table_has_a_parent_that_takes_it_along(app) {
        // A credential is stored as a hash. Some tables belong to neither, for a reason that docs/credentials.md gives.
        let exempt = BTreeSet::from(["users", "set_up_links", "reset_links", "recovery_codes"].map(str::to_owned));
        let (tables, cascades) = schema(&app).await;
        let credential_tables: Vec<_> = tables.iter().filter(|(_, column)| column.ends_with("hash")).map(|(table, _)| table.clone()).collect();
        assert!(credential_tables.len() >= 4, "{credential_tables:?}");
        for table in credential_tables {
            let reached = ancestors(&table, &cascades);
            let safe = reached.contains("memberships") || reached.contains("organizations");
            assert!(safe || exempt.contains(&table), "{table} outlives both membership and organisation");
        }
    }

    /// Law 5. Whatever a directory sends, the account is not touched.
    async fn scim_writes_nothing_of_the_account(app) {
        let (acme, globex) = (app.org("Acme").await, app.org("Globex").await);
        let (person, _) = app.join(&acme, "mira@both.test").await;
        app.join(&globex, "mira@both.test").await;
        let before = (app.database.rows("SELECT * FROM users WHERE email LIKE 'mira%'").await, app.database.rows(&of_org("members", &globex.slug)).await);
        let path = format!("/Users/{}", person.id);
        let idp = app.idp(&acme);
        for answer in [
            idp.patch(&path, json!([{ "op": "replace", "value": {
                "userName": "eve@evil.test", "displayName": "Eve", "password": "another long pass phrase", "emails": [{ "value": "eve@evil.test", "primary": true }],
                "name": { "givenName": "Eve" }, "suspended": true, "dormant": true, "org_id": globex.id.to_string()
            } }])).await,
            idp.put(&path, json!({ "userName": "eve@evil.test", "emails": [{ "value": "owner@globex.test" }], "password": "x" })).await,
        ] {
            assert_eq!(answer.status, 200, "{}", answer.text);
            assert!(answer.json.get("password").is_none() && answer.json.get("suspended").is_none());
        }
        let after = (app.database.rows("SELECT * FROM users WHERE email LIKE 'mira%'").await, app.database.rows(&of_org("members", &globex.slug)).await);
        assert_eq!(before, after);
        let kept = app.database.rows("SELECT attributes FROM scim_users").await;
        assert!(!kept.iter().any(|row| row.contains("suspended") || row.contains("pass phrase")), "what the schema does not list is not kept: {kept:?}");
    }

    /// Law 4. Leaving one organisation, in whatever way and with whatever she has there, changes no row of another, nor of the
    /// tables that belong to none, save whether her own account is alive. What she has elsewhere works as before.
    async fn leaving_changes_no_row_of_another_organisation(app) {
        let (acme, globex, initech) = (app.org("Acme").await, app.org("Globex").await, app.org("Initech").await);
        app.join(&initech, "somebody@initech.test").await;
        // Whoever removes and blocks has signed in before.
        let owner = app.owner(&acme).await;
        for (number, way) in credentials::ways().enumerate() {
            let email = format!("leaver{number}@both.test");
            Credentials::of(&app, &acme, &email).await;
            let hers = Credentials::of(&app, &globex, &email).await;
            let person = credentials::record_of(&app, &acme, &email).await;
            app.state.settle().await;
            let before = everything_but(&app, &acme, &email).await;
            for table in ["members", "memberships", "sessions", "personal_tokens", "refresh_tokens", "scim_users", "users"] {
                assert!(before.iter().any(|(of, rows)| of == table && !rows.is_empty()), "{table} has rows to compare");
            }
            let account = app.database.number(&format!("SELECT live_memberships FROM users WHERE email = '{email}' AND NOT dormant")).await;
            credentials::leave_by(&app, &acme, &owner, &person, way).await;
            app.state.settle().await;
            for ((table, after), (_, before)) in everything_but(&app, &acme, &email).await.iter().zip(&before) {
                let changed: Vec<_> = before.iter().filter(|row| !after.contains(row)).chain(after.iter().filter(|row| !before.contains(row))).collect();
                assert!(after == before, "{table} after {way}: {changed:#?}");
            }
            // A block keeps the membership.
            let left = if way == "blocked by hand" { 0 } else { 1 };
            let now = app.database.number(&format!("SELECT live_memberships FROM users WHERE email = '{email}' AND NOT dormant")).await;
            assert_eq!(now, account - left, "{way}");

            let view = hers.browser.call("viewer", &[("org", &globex.slug)]).await;
            assert_eq!((view.status, &view.json["org_slug"], &view.json["role"]), (200, &"globex".into(), &"member".into()), "{way}");
            for (_, kind) in credentials::KINDS {
                assert!(hers.works(&app, &globex, kind).await, "{kind} of the other organisation after {way}");
            }
        }
    }

    /// Law 7. When one step fails, nothing has happened: here the last one, the audit event.
    async fn a_failing_step_undoes_the_whole_operation(app) {
        let acme = app.org("Acme").await;
        let (person, browser) = app.join(&acme, "mira@acme.test").await;
        let idp = app.idp(&acme);
        // Somebody who is gone already: deleting her has nothing to do but the deletion and its event.
        let gone = format!("/Users/{}", app.provision(&acme, "gone@acme.test").await.id);
        assert_eq!(idp.patch(&gone, patch_active(false)).await.status, 200);
        let tables = ["users", "members", "memberships", "sessions", "scim_users", "scim_user_values", "mail_queue"];
        let rows = async || {
            let mut rows = vec![];
            for table in tables {
                rows.extend(app.database.rows(&format!("SELECT * FROM {table}")).await);
            }
            rows
        };
        let before = rows().await;
        app.database.try_run("ALTER TABLE audit_events RENAME TO elsewhere").await.unwrap();
        let path = format!("/Users/{}", person.id);
        for answer in [
            idp.post("/Users", json!({ "userName": "new@acme.test", "emails": [{ "value": "new@acme.test" }] })).await,
            idp.patch(&path, patch_active(false)).await,
            idp.put(&path, json!({ "userName": "mira@acme.test", "active": false })).await,
            idp.delete(&path).await,
            idp.delete(&gone).await,
        ] {
            assert_eq!(answer.status, 500, "{}", answer.text);
            assert!(!answer.text.contains("audit_events"), "an error tells nothing of the inside: {}", answer.text);
        }
        assert_eq!(rows().await, before);
        app.database.try_run("ALTER TABLE elsewhere RENAME TO audit_events").await.unwrap();
        assert_eq!(browser.get("/o/acme/members").await.status, 200);
        assert_eq!(idp.patch(&path, patch_active(false)).await.status, 200, "the retry converges");
    }

    /// Law 8. No secret that was handed out stands anywhere in the database, in clear or in hexadecimal.
    async fn no_secret_is_in_the_database(app) {
        let acme = app.org("Acme").await;
        app.provision(&acme, "mira@acme.test").await;
        let link = app.mailed_link("mira@acme.test").await.unwrap();
        let browser = app.owner(&acme).await;
        let session = browser.cookie().unwrap().split('=').nth(1).unwrap().to_owned();
        let raw = session.parse::<tower_sessions::session::Id>().unwrap().0.to_le_bytes();
        let raw_hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
        let token = app.issue_token(&acme, "Okta").await["secret"].as_str().unwrap()[37..80].to_owned();
        let dump = app.database.dump();
        assert!(contains(&dump, b"mira@acme.test"), "the dump is a dump");
        assert!(!contains(&dump, &raw) && !contains(&dump, raw_hex.as_bytes()), "the session's id");
        for secret in [link, session, token, "violet tractor sings at dawn".to_owned(), acme.token[37..80].to_owned()] {
            let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
            assert!(!contains(&dump, secret.as_bytes()) && !contains(&dump, hex.as_bytes()), "{secret}");
        }
    }

    /// Law 2. There is no way to write an owner but a grant by hand: base roles are not stored, and grants are checked.
    async fn the_database_knows_no_other_roles(app) {
        let acme = app.org("Acme").await;
        let sql = format!("UPDATE role_grants SET role = 'root' WHERE org_id = (SELECT id FROM organizations WHERE slug = '{}')", acme.slug);
        assert!(app.database.try_run(&sql).await.is_err());
    }
}

/// The application's role on PostgreSQL can add to the audit log and read it, and nothing more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_application_cannot_change_the_audit_log() {
    let app = TestApp::start(Engine::Postgres).await;
    app.org("Acme").await;
    for sql in [
        "UPDATE audit_events SET actor = 'nobody'",
        "DELETE FROM audit_events",
        "ALTER TABLE audit_events ADD COLUMN x int",
        "DROP TABLE audit_events",
    ] {
        let error = app.database.try_run_as_application(sql).await.expect_err(sql);
        assert!(error.contains("permission denied") || error.contains("must be owner"), "{error}");
    }
    app.database.try_run_as_application("SELECT 1 FROM audit_events").await.unwrap();
}

/// Law 3. Every place in the source that mints a credential is listed in docs/credentials.md, and the other way round.
#[test]
fn every_place_that_mints_a_credential_is_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mints = [
        "new_link(",
        "Credential::mint(",
        "store::sessions::insert(",
        "store::accounts::set_password(",
        "keys.webhook_secret(",
        "keys.second_factor_secret(",
        "mint_recovery_codes(",
        "keys.sign(",
    ];
    let mut found = BTreeSet::new();
    for crate_ in ["directory/src", "server/src", "app/src"] {
        visit(&root.join(crate_), &mut |file| {
            let text = std::fs::read_to_string(file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for mint in mints {
                let calls = code.matches(mint).count() - code.matches(&format!("fn {mint}")).count();
                if calls > 0 {
                    let name = file.strip_prefix(&root).unwrap().display().to_string();
                    found.insert(format!("`{name}` calls `{}`", mint.trim_end_matches('(')));
                }
            }
        });
    }
    let listed: BTreeSet<String> = std::fs::read_to_string(root.join("docs/credentials.md"))
        .unwrap()
        .lines()
        .filter_map(|line| line.strip_prefix("- "))
        .filter(|line| line.contains("` calls `"))
        .map(|line| format!("{}`", line.split("`: ").next().unwrap()))
        .collect();
    assert_eq!(found, listed);
}

/// Law 3. What streams to a browser or a client lasts longer than the question whether it may: whoever adds such a stream says in
/// docs/credentials.md how `end_access` ends it. A streamed answer that ends by itself is none.
#[test]
fn every_live_stream_is_listed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let streams = ["Sse", "WebSocket", "WebSocketUpgrade", "EventSource"];
    let mut found = BTreeSet::new();
    for crate_ in ["directory/src", "server/src", "app/src", "frontend/src"] {
        visit(&root.join(crate_), &mut |file| {
            let text = std::fs::read_to_string(file).unwrap();
            let words: BTreeSet<_> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            for stream in streams.into_iter().filter(|stream| words.contains(stream)) {
                found.insert(format!("`{}` streams by `{stream}`", file.strip_prefix(&root).unwrap().display()));
            }
        });
    }
    let document = std::fs::read_to_string(root.join("docs/credentials.md")).unwrap();
    let lines = document.lines().filter_map(|line| line.strip_prefix("- ")).filter(|line| line.contains("` streams by `"));
    let listed: BTreeSet<String> = lines.map(|line| format!("{}`", line.split("`: ").next().unwrap())).collect();
    assert_eq!(found, listed);
    assert_eq!(found.is_empty(), document.contains("There is no live stream"), "docs/credentials.md says whether there is one");
}

fn visit(folder: &Path, each: &mut impl FnMut(&Path)) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            visit(&path, each);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            each(&path);
        }
    }
}

fn of_org(table: &str, slug: &str) -> String {
    format!("SELECT * FROM {table} WHERE org_id = (SELECT id FROM organizations WHERE slug = '{slug}')")
}

/// The rows of every table that are not `org`'s, by table: of those that belong to organisations the others' rows, of those that
/// belong to none all but the account of `email`, of which what may not change.
async fn everything_but(app: &TestApp, org: &Org, email: &str) -> Vec<(String, Vec<String>)> {
    let mut all = rows_of_others(app, org).await;
    all.push(("users".to_owned(), app.database.rows(&format!("SELECT * FROM users WHERE email IS NULL OR email <> '{email}'")).await));
    let (columns, _) = schema(app).await;
    let account = columns.iter().filter(|(table, column)| table == "users" && !["live_memberships", "dormant"].contains(&column.as_str()));
    let account: Vec<_> = account.map(|(_, column)| column.as_str()).collect();
    let sql = format!("SELECT {} FROM users WHERE email = '{email}'", account.join(", "));
    all.push(("her account".to_owned(), app.database.rows(&sql).await));
    all
}

/// The rows of every table but `users` that are not `org`'s, by table. Read off the schema, so that a new table joins.
pub async fn rows_of_others(app: &TestApp, org: &Org) -> Vec<(String, Vec<String>)> {
    let (columns, _) = schema(app).await;
    let tables: BTreeSet<_> =
        columns.iter().map(|(table, _)| table).filter(|table| *table != "users" && !table.starts_with("sqlite_")).collect();
    let org = format!("(SELECT id FROM organizations WHERE slug = '{}')", org.slug);
    let mut all = vec![];
    for table in tables {
        let of_org = columns.contains(&(table.clone(), "org_id".to_owned()));
        let sql = match table.as_str() {
            _ if of_org => format!("SELECT * FROM {table} WHERE org_id IS NULL OR org_id <> {org}"),
            "organizations" => format!("SELECT * FROM {table} WHERE id <> {org}"),
            _ => format!("SELECT * FROM {table}"),
        };
        all.push((table.clone(), app.database.rows(&sql).await));
    }
    all
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

/// The table, and every table that takes its rows along.
pub fn ancestors(table: &str, cascades: &[(String, String)]) -> BTreeSet<String> {
    let mut reached = BTreeSet::from([table.to_owned()]);
    while let Some((_, parent)) = cascades.iter().find(|(child, parent)| reached.contains(child) && !reached.contains(parent)) {
        reached.insert(parent.clone());
    }
    reached
}

type Pairs = Vec<(String, String)>;

/// All (table, column) pairs, and all (child, parent) pairs of cascading foreign keys.
pub async fn schema(app: &TestApp) -> (Pairs, Pairs) {
    let pairs = async |sql: &str| {
        let rows = app.database.texts(sql).await;
        rows.into_iter().map(|text| text.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap()).collect::<Vec<_>>()
    };
    if app.state.db.is_postgres() {
        (
            pairs("SELECT table_name || ' ' || column_name FROM information_schema.columns WHERE table_schema = 'public'").await,
            pairs("SELECT conrelid::regclass::text || ' ' || confrelid::regclass::text FROM pg_constraint WHERE contype = 'f' AND confdeltype = 'c'").await,
        )
    } else {
        (
            pairs("SELECT m.name || ' ' || c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'").await,
            pairs("SELECT m.name || ' ' || f.\"table\" FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.type = 'table' AND f.on_delete = 'CASCADE'").await,
        )
    }
}
