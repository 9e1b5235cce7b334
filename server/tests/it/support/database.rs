//! A fresh database for each test: a file, or a copy of a migrated template.

#![expect(clippy::disallowed_methods, reason = "tests look at rows as nobody in the product may")]

use std::{path::PathBuf, process::Command};

use directory::{Db, DbSettings};
use migrations::sea_orm::{ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, Statement, TransactionTrait};
use tokio::sync::OnceCell;

/// Which database a test runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// A database of one test's own, gone with it.
pub struct TestDatabase {
    pub db: Db,
    /// For looking at rows as nobody in the product may: as the owner of everything.
    pub all_seeing: DatabaseConnection,
    as_application: DatabaseConnection,
    /// How the application reaches it.
    pub url: String,
    engine: Engine,
    name: String,
    owner_url: String,
    folder: PathBuf,
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The template and the application's URL without a database's name.
static TEMPLATE: OnceCell<String> = OnceCell::const_new();

impl TestDatabase {
    pub async fn create(engine: Engine) -> Self {
        let name = format!("t{:032x}", u128::from_be_bytes(random()));
        let folder = std::env::temp_dir().join(format!("rollcall-test-{name}"));
        std::fs::create_dir_all(&folder).unwrap();
        let (settings, owner_url) = match engine {
            Engine::Sqlite => {
                let url = format!("sqlite:{}", folder.join("rollcall.db").display());
                (DbSettings::new(url.clone()), url)
            }
            Engine::Postgres => {
                let admin = admin_url();
                let template = TEMPLATE.get_or_init(make_template).await;
                psql(&admin, &format!("CREATE DATABASE {name} TEMPLATE {template} OWNER rollcall_owner"));
                let url = |user: &str| with(&admin, user, &name);
                // The program's own logins, which own nothing: a superuser would pass tests that it should fail.
                let jobs_url = Some(url("rollcall_jobs"));
                (DbSettings { max_connections: 12, jobs_url, ..DbSettings::new(url("rollcall_app")) }, url("rollcall_owner"))
            }
        };
        let db = server::startup::open_to_serve(&settings).await.unwrap();
        let all_seeing = Database::connect(&owner_url).await.unwrap();
        let as_application = Database::connect(&settings.url).await.unwrap();
        Self { db, all_seeing, as_application, url: settings.url, engine, name, owner_url, folder }
    }

    /// One number.
    pub async fn number(&self, sql: &str) -> i64 {
        number(&self.all_seeing, sql).await
    }

    /// The first column of each row, as text.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        texts(&self.all_seeing, sql).await
    }

    /// How SQLite would answer a query, step by step.
    pub async fn plan(&self, sql: &str) -> Vec<String> {
        let statement = Statement::from_string(self.all_seeing.get_database_backend(), format!("EXPLAIN QUERY PLAN {sql}"));
        let rows = self.all_seeing.query_all_raw(statement).await.unwrap();
        rows.iter().map(|row| row.try_get("", "detail").unwrap()).collect()
    }

    /// Each row as text, all columns of it, sorted: for comparing before and after.
    pub async fn rows(&self, sql: &str) -> Vec<String> {
        let mut rows = match self.engine {
            Engine::Postgres => self.texts(&format!("SELECT row_to_json(r)::text FROM ({sql}) r")).await,
            Engine::Sqlite => self.columns(sql).await,
        };
        rows.sort();
        rows
    }

    async fn columns(&self, sql: &str) -> Vec<String> {
        let statement = Statement::from_string(self.all_seeing.get_database_backend(), sql);
        let rows = self.all_seeing.query_all_raw(statement).await.unwrap();
        let mut texts = vec![];
        for row in rows {
            let mut text = String::new();
            for name in row.column_names() {
                let value = row
                    .try_get::<Option<Vec<u8>>>("", &name)
                    .map(|value| format!("{value:?}"))
                    .or_else(|_| row.try_get::<Option<String>>("", &name).map(|value| format!("{value:?}")))
                    .or_else(|_| row.try_get::<Option<i64>>("", &name).map(|value| format!("{value:?}")))
                    .unwrap_or_else(|error| panic!("{name}: {error}"));
                text.push_str(&format!("{name}={value} "));
            }
            texts.push(text);
        }
        texts
    }

    /// Everything in the database, as bytes to search in.
    pub fn dump(&self) -> Vec<u8> {
        match self.engine {
            Engine::Sqlite => ["rollcall.db", "rollcall.db-wal"]
                .iter()
                .flat_map(|file| std::fs::read(self.folder.join(file)).unwrap_or_default())
                .collect(),
            Engine::Postgres => {
                let run = Command::new("pg_dump").args(["--enable-row-security", &self.owner_url]).output().unwrap();
                assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
                run.stdout
            }
        }
    }

    /// The database as its owner reaches it, who migrates.
    pub async fn as_owner(&self) -> Db {
        Db::connect(&DbSettings { max_connections: 1, ..DbSettings::new(self.owner_url.clone()) }).await.unwrap()
    }

    /// An URL of this database (PostgreSQL) for another role.
    pub fn url_of(&self, role: &str) -> String {
        with(&admin_url(), role, &self.name)
    }

    /// Run a statement as the application does.
    pub async fn try_run_as_application(&self, sql: &str) -> Result<(), String> {
        self.as_application.execute_unprepared(sql).await.map(drop).map_err(|error| error.to_string())
    }

    /// The same in the scope of the organisation of this name in URLs.
    pub async fn try_run_as_application_in(&self, slug: &str, sql: &str) -> Result<(), String> {
        if self.engine == Engine::Sqlite {
            return self.try_run_as_application(sql).await;
        }
        let org = &self.texts(&format!("SELECT id::text FROM organizations WHERE slug = '{slug}'")).await[0];
        // Sent as one, which is one transaction.
        self.try_run_as_application(&format!("SELECT set_config('rollcall.org', '{org}', true); {sql}")).await
    }

    /// Let nobody in and throw out whoever is (PostgreSQL): the database is gone.
    pub fn close_to_everybody(&self) {
        psql(&admin_url(), &format!("ALTER DATABASE {} ALLOW_CONNECTIONS false", self.name));
        self.break_connections_of("rollcall_app");
        self.break_connections_of("rollcall_jobs");
    }

    /// The opposite.
    pub fn open_again(&self) {
        psql(&admin_url(), &format!("ALTER DATABASE {} ALLOW_CONNECTIONS true", self.name));
    }

    /// End the connections of a role to this database (PostgreSQL).
    pub fn break_connections_of(&self, role: &str) {
        let sql = "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE";
        psql(&admin_url(), &format!("{sql} datname = '{}' AND usename = '{role}'", self.name));
    }

    /// End the connection of the application that waits for a lock, and no other (PostgreSQL).
    pub fn break_who_waits_for_a_lock(&self) {
        let sql =
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = 'rollcall_app' AND wait_event_type = 'Lock' AND";
        psql(&admin_url(), &format!("{sql} datname = '{}'", self.name));
    }

    /// Take a lock as the owner of everything; it is held until the transaction ends.
    pub async fn hold_lock(&self, sql: &str) -> DatabaseTransaction {
        let holder = self.all_seeing.begin().await.unwrap();
        holder.execute_unprepared(sql).await.unwrap();
        holder
    }

    /// Wait until a statement of the application waits for a lock (PostgreSQL). Only an administrator sees that.
    pub async fn until_somebody_waits_for_a_lock(&self) {
        self.until_there_waits("true").await;
    }

    /// The same, leaving out those who only look for what is to be delivered, as every node does all the time.
    pub async fn until_a_change_waits_for_a_lock(&self) {
        self.until_there_waits("(backend_xid IS NOT NULL OR query NOT LIKE '%FROM webhook_deliveries%')").await;
    }

    async fn until_there_waits(&self, who: &str) {
        let admin = Rows::open(&admin_url()).await;
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'rollcall_app' AND wait_event_type = 'Lock' AND datname";
        let sql = format!("{sql} = '{}' AND {who}", self.name);
        for _ in 0..100_000 {
            if admin.number(&sql).await > 0 {
                return admin.close().await;
            }
        }
        panic!("nobody waits for a lock");
    }

    /// Wait until no statement and no transaction of `role` is under way (PostgreSQL): those of a process that was killed have ended.
    pub async fn until_nobody_is_within(&self, role: &str) {
        let admin = Rows::open(&admin_url()).await;
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' AND usename";
        let sql = format!("{sql} = '{role}' AND datname = '{}'", self.name);
        for _ in 0..100_000 {
            if admin.number(&sql).await == 0 {
                return admin.close().await;
            }
        }
        panic!("somebody is still within a transaction");
    }

    /// Have a table refuse every new row, until it is [mended](Self::mend).
    pub async fn break_table(&self, table: &str) {
        let refuse = if self.url.starts_with("postgres") {
            format!(
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
                 CREATE TRIGGER refuse BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION refuse()"
            )
        } else {
            format!("CREATE TRIGGER refuse BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'no'); END")
        };
        self.try_run(&refuse).await.unwrap();
    }

    /// Have it take rows again.
    pub async fn mend(&self, table: &str) {
        let on = if self.url.starts_with("postgres") { format!(" ON {table}") } else { String::new() };
        self.try_run(&format!("DROP TRIGGER refuse{on}")).await.unwrap();
    }

    /// Run a statement as the owner of everything; the error is the database's.
    pub async fn try_run(&self, sql: &str) -> Result<(), String> {
        self.all_seeing.execute_unprepared(sql).await.map(drop).map_err(|error| error.to_string())
    }
}

/// The rows of a database that the program itself serves, seen as the owner of everything.
pub struct Rows(DatabaseConnection);

impl Rows {
    pub async fn open(url: &str) -> Self {
        Self(Database::connect(url).await.unwrap())
    }

    /// One number.
    pub async fn number(&self, sql: &str) -> i64 {
        number(&self.0, sql).await
    }

    /// The first column of each row, as text.
    pub async fn texts(&self, sql: &str) -> Vec<String> {
        texts(&self.0, sql).await
    }

    /// Run a statement.
    pub async fn run(&self, sql: &str) {
        self.0.execute_unprepared(sql).await.unwrap();
    }

    /// The same, or why it did not run.
    pub async fn try_run(&self, sql: &str) -> Result<(), String> {
        self.0.execute_unprepared(sql).await.map(drop).map_err(|error| error.to_string())
    }

    pub async fn close(self) {
        self.0.close().await.unwrap();
    }
}

async fn number(connection: &DatabaseConnection, sql: &str) -> i64 {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    connection.query_one_raw(statement).await.unwrap().unwrap().try_get_by_index(0).unwrap()
}

async fn texts(connection: &DatabaseConnection, sql: &str) -> Vec<String> {
    let statement = Statement::from_string(connection.get_database_backend(), sql);
    let rows = connection.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    (server::system::randomness())(&mut bytes);
    bytes
}

fn admin_url() -> String {
    std::env::var("ROLLCALL_TEST_POSTGRES")
        .expect("ROLLCALL_TEST_POSTGRES is set: run the tests by `make test`, or start a cluster with `scripts/postgres.sh start DIR`")
}

/// The URL for another user and database of the same cluster.
fn with(admin: &str, user: &str, database: &str) -> String {
    let host = admin
        .split('@')
        .nth(1)
        .and_then(|rest| rest.split('/').next())
        .expect("an administrator's URL such as postgres://admin@127.0.0.1:5432/postgres");
    format!("postgres://{user}@{host}/{database}")
}

/// Make the three roles and a migrated database to copy. Migrations run as the owner.
async fn make_template() -> String {
    let name = format!("template{:032x}", u128::from_be_bytes(random()));
    let url = make_database(&admin_url(), &name);
    let owner = Db::connect(&DbSettings { max_connections: 1, ..DbSettings::new(url) }).await.unwrap();
    server::startup::migrate(&owner).await.unwrap();
    owner.close().await.unwrap();
    name
}

/// Make the three roles, and an empty database that one of them owns; its URL as that one's.
pub fn make_database(admin: &str, name: &str) -> String {
    psql(
        admin,
        "DO $$ DECLARE login text; BEGIN FOREACH login IN ARRAY ARRAY['rollcall_owner', 'rollcall_app', 'rollcall_jobs'] LOOP BEGIN EXECUTE 'CREATE ROLE ' || login || ' LOGIN'; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END; END LOOP; END $$",
    );
    psql(admin, &format!("CREATE DATABASE {name} OWNER rollcall_owner"));
    with(admin, "rollcall_owner", name)
}

fn psql(url: &str, sql: &str) {
    let run = Command::new("psql").args([url, "-v", "ON_ERROR_STOP=1", "-qc", sql]).output().unwrap();
    assert!(run.status.success(), "{sql}: {}", String::from_utf8_lossy(&run.stderr));
}

/// A folder, and the URL of an empty database, for a test that runs the program itself.
pub async fn operator_database(engine: Engine) -> (PathBuf, Option<String>) {
    let name = format!("o{:032x}", u128::from_be_bytes(random()));
    let folder = std::env::temp_dir().join(format!("rollcall-test-{name}"));
    std::fs::create_dir_all(&folder).unwrap();
    let url = match engine {
        Engine::Sqlite => None,
        Engine::Postgres => {
            // Whose making of the roles is the first is settled by making the template.
            TEMPLATE.get_or_init(make_template).await;
            Some(make_database(&admin_url(), &name))
        }
    };
    (folder, url)
}
