//! The database, and transactions that know whose rows they may touch.

#![expect(clippy::disallowed_methods, reason = "this is the place")]

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use sea_orm::{
    AccessMode, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, IsolationLevel,
    RuntimeErr, SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait, Value,
};

use super::values::{Row, params};
use crate::{Error, OrgScope};

/// How to reach the database.
#[derive(Clone)]
pub struct DbSettings {
    /// `sqlite:path/to/file.db` or `postgres://…`.
    pub url: String,
    /// The same database for the background jobs, which sign in as another role. Without one they have no way to organisations.
    pub jobs_url: Option<String>,
    /// The most connections of one node (PostgreSQL; SQLite has one writer and as many readers).
    pub max_connections: u32,
    /// How long a use case waits for a connection before it answers that the database is unavailable.
    pub acquire_timeout: Duration,
}

impl DbSettings {
    /// For the database at `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), jobs_url: None, max_connections: 20, acquire_timeout: Duration::from_secs(10) }
    }

    /// Whether `url` is an embedded SQLite database.
    pub fn is_sqlite(&self) -> bool {
        self.url.starts_with("sqlite:")
    }

    /// The file of an embedded database.
    pub fn sqlite_file(&self) -> Option<PathBuf> {
        let path = self.url.strip_prefix("sqlite:")?;
        Some(path.strip_prefix("//").unwrap_or(path).split('?').next()?.into())
    }
}

/// The database. Cheap to clone.
#[derive(Clone)]
pub struct Db {
    writer: DatabaseConnection,
    reader: DatabaseConnection,
    /// For what is looked up before the organisation is known: credentials. On SQLite, whose statements cannot be ended, these
    /// connections are for nothing else: whoever asks much keeps nobody from signing in.
    door: DatabaseConnection,
    /// For background jobs, where they have a login of their own.
    jobs: Option<DatabaseConnection>,
    readers: u32,
}

/// The most connections that a node's background jobs share: less than the requests have, and enough that none waits for long.
const JOBS: u32 = 5;

/// The scope of a transaction that is in no organisation: what has to be found before the organisation is known goes through
/// the [doors](super::doors); the tables that belong to none (accounts, set-up links, counted failures) are there for it as they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoOrg;

/// An open transaction in the scope `S`. Dropped without [`Tx::commit`], it is rolled back.
pub(crate) struct Tx<S = OrgScope> {
    inner: DatabaseTransaction,
    scope: S,
}

/// The longest that one statement may take: a filter that reads too much is ended, not waited for.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(15);
/// How often a transaction that lost a race is run again before the answer is "unavailable".
const AGAIN: u32 = 3;

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Db")
    }
}

impl Db {
    /// Connect. The SQLite file and its folder are made when they are missing.
    pub async fn connect(settings: &DbSettings) -> Result<Self, Error> {
        if !settings.is_sqlite() {
            let connection = Database::connect(options(settings, &settings.url, settings.max_connections)).await?;
            let jobs = match &settings.jobs_url {
                Some(url) => Some(Database::connect(options(settings, url, settings.max_connections.min(JOBS))).await?),
                None => None,
            };
            return Ok(Self {
                writer: connection.clone(),
                reader: connection.clone(),
                door: connection,
                jobs,
                readers: settings.max_connections,
            });
        }
        if let Some(folder) = settings.sqlite_file().as_deref().and_then(Path::parent) {
            private_folder(folder).map_err(|error| Error::Unavailable(format!("{}: {error}", folder.display())))?;
        }
        let open = |connections, query_only: &'static str| {
            let mut options = options(settings, &settings.url, connections);
            options.map_sqlx_sqlite_opts(move |sqlite| {
                sqlite
                    .create_if_missing(true)
                    .foreign_keys(true)
                    .busy_timeout(Duration::from_secs(10))
                    .pragma("journal_mode", "WAL")
                    // FULL: an acknowledged write survives a power cut, not just a crash of the process.
                    .pragma("synchronous", "FULL")
                    .pragma("query_only", query_only)
            });
            Database::connect(options)
        };
        // SQLite knows one writer at a time: a pool of one queues writers here instead of failing them there.
        let writer = open(1, "OFF").await?;
        let readers = settings.max_connections.clamp(1, 8);
        let reader = open(readers, "ON").await?;
        let door = open(2, "ON").await?;
        Ok(Self { writer, reader, door, jobs: None, readers })
    }

    /// The connection that migrations run on.
    pub fn migrator(&self) -> &DatabaseConnection {
        &self.writer
    }

    /// Run statements without parameters, all of them or none.
    pub(crate) async fn script(&self, sql: &str) -> Result<(), Error> {
        self.writer.execute_unprepared(sql).await.map(drop).map_err(Error::from)
    }

    /// How many transactions can read at the same time.
    pub fn readers(&self) -> usize {
        usize::try_from(self.readers).unwrap_or(1)
    }

    /// Whether this is PostgreSQL, rather than an embedded SQLite.
    pub fn is_postgres(&self) -> bool {
        self.writer.get_database_backend() == DbBackend::Postgres
    }

    /// The database as background jobs reach it: by their own login, where they have one.
    pub(crate) fn for_jobs(&self) -> Self {
        match &self.jobs {
            Some(jobs) => Self { writer: jobs.clone(), reader: jobs.clone(), door: jobs.clone(), ..self.clone() },
            None => self.clone(),
        }
    }

    /// Whether background jobs have a login of their own.
    pub fn has_jobs_login(&self) -> bool {
        self.jobs.is_some()
    }

    /// Close all connections.
    pub async fn close(self) -> Result<(), Error> {
        if let Some(jobs) = self.jobs {
            jobs.close().await?;
        }
        self.writer.close().await?;
        // On PostgreSQL all are one pool, which is closed by now; closing it again is harmless.
        self.reader.close().await?;
        self.door.close().await.map_err(Error::from)
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        self.reader.ping().await.map_err(Error::from)
    }

    /// Begin a transaction that may write, in `scope`.
    pub(crate) async fn begin(&self, scope: OrgScope) -> Result<Tx, Error> {
        self.begin_outside().await?.in_scope(scope).await
    }

    /// Begin a transaction that only reads, in `scope`.
    pub(crate) async fn read(&self, scope: OrgScope) -> Result<Tx, Error> {
        self.look_around().await?.in_scope(scope).await
    }

    /// Begin a transaction that may write and is in no organisation.
    pub(crate) async fn begin_outside(&self) -> Result<Tx<NoOrg>, Error> {
        Ok(Tx { inner: self.open(&self.writer, None).await?, scope: NoOrg })
    }

    /// Begin a transaction that only reads, is in no organisation, and keeps nobody from signing in: for our own housekeeping.
    pub(crate) async fn look_around(&self) -> Result<Tx<NoOrg>, Error> {
        Ok(Tx { inner: self.open(&self.reader, Some(AccessMode::ReadOnly)).await?, scope: NoOrg })
    }

    /// Begin a transaction that only reads and is in no organisation.
    pub(crate) async fn read_outside(&self) -> Result<Tx<NoOrg>, Error> {
        Ok(Tx { inner: self.open(&self.door, Some(AccessMode::ReadOnly)).await?, scope: NoOrg })
    }

    async fn open(&self, pool: &DatabaseConnection, access_mode: Option<AccessMode>) -> Result<DatabaseTransaction, Error> {
        let postgres = pool.get_database_backend() == DbBackend::Postgres;
        tracing::trace!(target: "rollcall::sql", sql = "BEGIN");
        let options = TransactionOptions {
            // What one answer is made of is of one moment: how many match, who they are, what they hold.
            isolation_level: access_mode.filter(|_| postgres).map(|_| IsolationLevel::RepeatableRead),
            access_mode: access_mode.filter(|_| postgres),
            sqlite_transaction_mode: access_mode.is_none().then_some(SqliteTransactionMode::Immediate),
        };
        pool.begin_with_options(options).await.map_err(Error::from)
    }

    /// Run a whole transaction, again when it lost a race: a deadlock, a serialisation failure, or a row that someone
    /// else changed between reading and writing it.
    pub(crate) async fn retrying<T, Fut>(&self, attempt: impl Fn() -> Fut) -> Result<T, Error>
    where
        Fut: Future<Output = Result<T, Error>>,
    {
        let mut lost = 0;
        loop {
            match attempt().await {
                Err(Error::Stale) if lost < AGAIN => {
                    lost += 1;
                    tokio::time::sleep(Duration::from_millis(5 << lost)).await;
                }
                Err(Error::Stale) => return Err(Error::Unavailable("the same rows are being changed over and over".to_owned())),
                // A change that waited too long for a lock is no question that asks too much: it may succeed later.
                Err(Error::TooSlow) => return Err(Error::Unavailable("a row was locked for too long".to_owned())),
                answer => return answer,
            }
        }
    }
}

/// Make a folder that only its owner can look into. One that is there is left as it is.
pub fn private_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn options(settings: &DbSettings, url: &str, connections: u32) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.max_connections(connections.max(1)).acquire_timeout(settings.acquire_timeout).sqlx_logging(false);
    options
}

impl Tx {
    /// The organisation whose rows this transaction may touch.
    pub(crate) fn org(&self) -> domain::OrgId {
        self.scope.org()
    }

    /// Tell PostgreSQL too, whose policies show and take no other organisation's rows.
    pub(super) async fn scoped(self) -> Result<Self, Error> {
        if self.is_postgres() {
            self.run(&format!("SELECT {}", settings("$1")), params![self.org().to_string()]).await?;
        }
        Ok(self)
    }
}

impl Tx<NoOrg> {
    /// The same transaction in an organisation, of which PostgreSQL knows already or is about to be told.
    pub(super) fn entered(self, scope: OrgScope) -> Tx {
        Tx { inner: self.inner, scope }
    }
}

/// What PostgreSQL is told at the beginning of a transaction in the organisation `org`, an expression of type text.
pub(super) fn settings(org: &str) -> String {
    // Statements here take milliseconds; compiling one first takes hundreds of them.
    format!(
        "set_config('rollcall.org', {org}, true), set_config('statement_timeout', '{}', true), set_config('jit', 'off', true)",
        STATEMENT_TIMEOUT.as_millis()
    )
}

impl<S: Send + Sync> Tx<S> {
    /// Go on in another organisation, in the same transaction: a drill touches its organisation's rows and its satellite's, and what
    /// a person changes about her account is told in each of hers.
    pub(crate) async fn in_scope(self, scope: OrgScope) -> Result<Tx, Error> {
        Tx { inner: self.inner, scope }.scoped().await
    }

    /// Whether this is PostgreSQL, rather than an embedded SQLite.
    pub(crate) fn is_postgres(&self) -> bool {
        self.inner.get_database_backend() == DbBackend::Postgres
    }

    /// ` FOR UPDATE` where rows are locked one by one.
    pub(crate) fn lock(&self) -> &'static str {
        if self.is_postgres() { " FOR UPDATE" } else { "" }
    }

    /// ` FOR NO KEY UPDATE` where rows are locked one by one: whoever writes rows that refer to this one is not kept waiting.
    pub(crate) fn lock_softly(&self) -> &'static str {
        if self.is_postgres() { " FOR NO KEY UPDATE" } else { "" }
    }

    /// ` FOR UPDATE SKIP LOCKED` where rows are locked one by one: for taking work that no other node has taken.
    pub(crate) fn lock_free(&self) -> &'static str {
        if self.is_postgres() { " FOR UPDATE SKIP LOCKED" } else { "" }
    }

    fn statement(&self, sql: &str, params: Vec<Value>) -> Statement {
        // Without its values, which are about somebody.
        tracing::trace!(target: "rollcall::sql", sql);
        Statement::from_sql_and_values(self.inner.get_database_backend(), sql, params)
    }

    /// All rows of a query.
    pub(crate) async fn all<T>(&self, sql: &str, params: Vec<Value>, read: impl Fn(&Row) -> Result<T, Error>) -> Result<Vec<T>, Error> {
        let rows = self.in_time(self.inner.query_all_raw(self.statement(sql, params))).await?;
        rows.into_iter().map(|row| read(&Row(row))).collect()
    }

    /// The one row of a query, if there is one.
    pub(crate) async fn one<T>(&self, sql: &str, params: Vec<Value>, read: impl Fn(&Row) -> Result<T, Error>) -> Result<Option<T>, Error> {
        let row = self.in_time(self.inner.query_one_raw(self.statement(sql, params))).await?;
        row.map(|row| read(&Row(row))).transpose()
    }

    /// Wait for an answer as long as one statement may take. PostgreSQL ends the statement itself; SQLite knows no such limit,
    /// so it is no longer waited for.
    async fn in_time<T>(&self, answer: impl Future<Output = Result<T, DbErr>>) -> Result<T, Error> {
        if self.is_postgres() {
            return Ok(answer.await?);
        }
        Ok(tokio::time::timeout(STATEMENT_TIMEOUT, answer).await.map_err(|_| Error::TooSlow)??)
    }

    /// Run a statement; how many rows it changed.
    pub(crate) async fn run(&self, sql: &str, params: Vec<Value>) -> Result<u64, Error> {
        Ok(self.inner.execute_raw(self.statement(sql, params)).await?.rows_affected())
    }

    /// Make it so.
    pub(crate) async fn commit(self) -> Result<(), Error> {
        self.inner.commit().await.map_err(Error::from)
    }
}

impl From<DbErr> for Error {
    /// Sort a database error by what the caller can do: run the transaction again, come back later, or tell us.
    fn from(error: DbErr) -> Self {
        let code = match &error {
            DbErr::Exec(RuntimeErr::SqlxError(source)) | DbErr::Query(RuntimeErr::SqlxError(source)) => {
                match source.as_database_error() {
                    Some(database) => database.code().map(|code| code.into_owned()),
                    // Anything that is not the database's own answer is about reaching it.
                    None => return Self::Unavailable(error.to_string()),
                }
            }
            // Also where the database itself does not let us in: it is closed, or our password is no longer right.
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => return Self::Unavailable(error.to_string()),
            _ => None,
        };
        match code.as_deref() {
            // PostgreSQL: serialization_failure, deadlock_detected. SQLite: SQLITE_BUSY, SQLITE_BUSY_SNAPSHOT.
            Some("40001" | "40P01" | "5" | "517") => Self::Stale,
            // A unique index says that a rival was first: the next attempt sees the rival's row and answers for it.
            Some("23505" | "2067" | "1555") => Self::Stale,
            // A foreign key says that what was looked at is gone by now: the next attempt sees that it is.
            Some("23503" | "787") => Self::Stale,
            Some("57014") => Self::TooSlow,
            // PostgreSQL: connection exceptions, out of resources, operator intervention (shutdown, timeout).
            Some(code) if code.len() == 5 && ["08", "53", "57"].contains(&&code[..2]) => Self::Unavailable(error.to_string()),
            // SQLite: I/O error, full disk, cannot open.
            Some("10" | "13" | "14") => Self::Unavailable(error.to_string()),
            _ => Self::Store(error.to_string()),
        }
    }
}
