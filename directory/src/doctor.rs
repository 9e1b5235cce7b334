//! What has to be true of a database that an installation relies on, looked up in the running one: the second wall on PostgreSQL
//! (row-level security, its doors, the logins), the file on SQLite.

use domain::OrgId;

pub use crate::store::doors::{Door, Login};
use crate::{
    Db, DbSettings, Error, OrgScope,
    store::{
        doors,
        wall::{self, Role, Table},
    },
};

/// What keeps the application from taking away or changing what has to stay, and remembers tokens that were ended, on PostgreSQL.
const TRIGGERS: [&str; 11] = [
    "access_tokens_are_remembered",
    "audit_events_stay",
    "audit_seal_events_stay",
    "audit_seals_remain",
    "audit_seals_stay",
    "organizations_remain",
    "organizations_stay",
    "personal_tokens_are_remembered",
    "refresh_tokens_are_remembered",
    "scim_tokens_remain",
    "scim_tokens_stay",
];
/// The most organisations that are looked at, each table in turn.
const ORGS: usize = 50;

/// The doors in the second wall: each question that may be asked outside every organisation.
pub fn doors() -> &'static [Door] {
    doors::ALL
}

/// Make the doors anew in a database that has just been migrated, as its owner. Does nothing on SQLite.
pub async fn make_doors(db: &Db) -> Result<(), Error> {
    doors::make(db).await
}

/// The policies of a table, which belongs to somebody, where there is a role for background jobs or not: name, role, rows.
pub type PoliciesOf = dyn Fn(&str, &str, bool) -> Vec<(String, String, String)> + Sync;

/// How the second wall has to be, as migrations make it.
pub struct Wall<'a> {
    /// The tables that belong to no organisation.
    pub global: &'a [&'a str],
    /// The policies of each table.
    pub policies: &'a PoliciesOf,
    /// Whether the database's spelling of a policy's rows is one that was written so.
    pub same_rows: fn(&str, &str) -> bool,
    /// The tables that are only added to.
    pub only_added_to: &'a [&'a str],
    /// What of a provisioning token may be written.
    pub token_columns: &'a [&'a str],
}

/// What was looked at, and how it is.
#[derive(Clone, Debug)]
pub struct Check {
    /// What was looked at.
    pub name: &'static str,
    /// Whether it is as it has to be.
    pub ok: bool,
    /// How it is: one line.
    pub found: String,
}

impl Check {
    fn new(name: &'static str, wrong: Vec<String>, right: impl Into<String>) -> Self {
        Self { name, ok: wrong.is_empty(), found: if wrong.is_empty() { right.into() } else { wrong.join("; ") } }
    }
}

/// Why the logins of this database are not fit to serve with: a sentence, and the statement that makes a proper one. `None` where
/// they are, and on SQLite, which has none.
pub async fn unfit_logins(db: &Db) -> Result<Option<String>, Error> {
    if !db.is_postgres() {
        return Ok(None);
    }
    let role = wall::role(&db.read_outside().await?).await?;
    if let Some(why) = unfit(&role, Login::Application) {
        return Ok(Some(why));
    }
    if !db.has_jobs_login() {
        return Ok(Some(format!(
            "Background jobs need a login of their own on PostgreSQL. As an administrator of PostgreSQL: {}; then run `rollcall migrate` \
             and set ROLLCALL_JOBS_DATABASE_URL to it.",
            statement(Login::Jobs)
        )));
    }
    let role = wall::role(&db.for_jobs().read_outside().await?).await?;
    Ok(unfit(&role, Login::Jobs))
}

/// The statement that makes a proper role.
fn statement(login: Login) -> &'static str {
    match login {
        Login::Jobs => "CREATE ROLE rollcall_jobs LOGIN PASSWORD '…'",
        Login::Application | Login::Either => "CREATE ROLE rollcall_app LOGIN PASSWORD '…'",
    }
}

fn unfit(role: &Role, login: Login) -> Option<String> {
    let (variable, other) = match login {
        Login::Jobs => ("ROLLCALL_JOBS_DATABASE_URL", "answers requests"),
        Login::Application | Login::Either => ("ROLLCALL_DATABASE_URL", "works in the background"),
    };
    let (may, may_too) = if login == Login::Jobs { (role.may.1, role.may.0) } else { role.may };
    let why = if role.superuser {
        "is a superuser, or a member of one's role"
    } else if role.bypasses {
        "has BYPASSRLS, or is a member of a role that has"
    } else if role.owns {
        "owns tables, or is a member of a role that does"
    } else if may && may_too {
        return Some(format!(
            "{variable} signs in as {}, which is also what {other}: each has to be a role of its own. {}; then run `rollcall migrate` as the owner.",
            role.name,
            statement(login)
        ));
    } else if !may {
        return Some(format!(
            "{variable} signs in as {}, which has not been granted what it needs. {}, or make it a member of that role; then run `rollcall \
             migrate` as the owner.",
            role.name,
            statement(login)
        ));
    } else {
        return None;
    };
    Some(format!(
        "{variable} signs in as {}, which {why}: row-level security would not hold it, and one mistake in the program would open every \
         organisation. {}; then run `rollcall migrate` as the owner, and sign in as that role.",
        role.name,
        statement(login)
    ))
}

/// Look at everything. `pending` is how many migrations are pending.
pub async fn examine(db: &Db, settings: &DbSettings, pending: usize, expected: &Wall<'_>) -> Result<Vec<Check>, Error> {
    let wrong = if pending == 0 { vec![] } else { vec![format!("{pending} are pending: run `rollcall migrate`")] };
    let mut checks = vec![Check::new("migrations", wrong, "none is pending")];
    if pending > 0 {
        return Ok(checks);
    }
    checks.extend(if db.is_postgres() { examine_postgres(db, expected).await? } else { examine_sqlite(db, settings).await? });
    Ok(checks)
}

async fn examine_sqlite(db: &Db, settings: &DbSettings) -> Result<Vec<Check>, Error> {
    let (references, wrong, dangling) = wall::file(&db.look_around().await?).await?;
    let off = if references { vec![] } else { vec!["they are off".to_owned()] };
    let dangling = if dangling == 0 { vec![] } else { vec![format!("{dangling} rows refer to what is not there")] };
    let open = settings
        .sqlite_file()
        .filter(|file| others_may_read(file))
        .map(|file| format!("others on this machine can read {}: chmod 600 it, and 700 its folder", file.display()));
    Ok(vec![
        Check::new("file permissions", open.into_iter().collect(), "nobody else on this machine can read the file"),
        Check::new("references", [off, dangling].concat(), "kept, and all of them lead somewhere"),
        Check::new("integrity", wrong, "the file is sound"),
    ])
}

#[cfg(unix)]
fn others_may_read(file: &std::path::Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &std::path::Path| std::fs::metadata(path).map_or(0, |found| found.permissions().mode());
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| std::path::Path::new("."));
    mode(file) & 0o044 != 0 && mode(folder) & 0o055 != 0
}

#[cfg(not(unix))]
fn others_may_read(_: &std::path::Path) -> bool {
    false
}

async fn examine_postgres(db: &Db, expected: &Wall<'_>) -> Result<Vec<Check>, Error> {
    let application = wall::role(&db.read_outside().await?).await?;
    let mut checks =
        vec![Check::new("application's login", unfit(&application, Login::Application).into_iter().collect(), &application.name)];
    let mut logins = vec![(db.clone(), Login::Application, application.clone())];
    if db.has_jobs_login() {
        let jobs = wall::role(&db.for_jobs().read_outside().await?).await?;
        checks.push(Check::new("background jobs' login", unfit(&jobs, Login::Jobs).into_iter().collect(), &jobs.name));
        logins.push((db.for_jobs(), Login::Jobs, jobs));
    } else {
        let missing = format!("ROLLCALL_JOBS_DATABASE_URL is not set. {}", statement(Login::Jobs));
        checks.push(Check::new("background jobs' login", vec![missing], ""));
    }

    let tables = wall::tables(&db.read_outside().await?).await?;
    checks.push(walled(db, &tables, expected).await?);
    checks.push(doors_as_listed(&logins).await?);
    checks.push(nothing_without_an_organisation(&logins, &tables).await?);
    checks.push(nothing_of_others(&logins, &tables).await?);
    let (mut history, mut tokens, mut schema) = (vec![], vec![], vec![]);
    for (db, _, role) in &logins {
        let tx = db.read_outside().await?;
        let rewritable = wall::rewritable(&tx, expected.only_added_to).await?;
        history.extend(rewritable.into_iter().map(|table| format!("{} may change or delete rows of {table}", role.name)));
        let beyond = wall::beyond(&tx, expected.token_columns).await?;
        tokens.extend(beyond.into_iter().map(|what| format!("{} may {what}", role.name)));
        schema.extend(
            role.may_make.then(|| format!("{} may make tables and functions in it: REVOKE CREATE ON SCHEMA public FROM PUBLIC", role.name)),
        );
    }
    checks.push(Check::new("audit log", history, "logins can add to it and to receipts, and neither change nor delete"));
    checks.push(Check::new("provisioning tokens", tokens, "no login can move one, change whose it is, or delete it"));
    checks.push(Check::new("schema", schema, "no login can make anything in it"));
    let enabled = wall::enabled_triggers(&db.read_outside().await?).await?;
    let off = TRIGGERS.iter().filter(|name| !enabled.iter().any(|trigger| trigger == *name));
    let off = off.map(|name| format!("{name} is missing or switched off: ALTER TABLE … ENABLE TRIGGER {name}")).collect();
    checks.push(Check::new("triggers", off, format!("{}, switched on", TRIGGERS.len())));
    Ok(checks)
}

/// Every table of organisations has row-level security, forced, and our policies; every other is known to be nobody's.
async fn walled(db: &Db, tables: &[Table], expected: &Wall<'_>) -> Result<Check, Error> {
    let tx = db.read_outside().await?;
    let (found, jobs) = (wall::policies(&tx).await?, wall::jobs_role(&tx).await?);
    drop(tx);
    let mut wrong = vec![];
    for table in tables {
        if table.column.is_none() {
            if !expected.global.contains(&table.name.as_str()) {
                wrong.push(format!("{} is neither an organisation's nor known to be nobody's", table.name));
            }
            continue;
        }
        if !table.forced {
            wrong.push(format!("{} has no row-level security, or not for its owner", table.name));
        }
        let policies = (expected.policies)(&table.name, &table.owner, jobs);
        let there: Vec<_> = found.iter().filter(|policy| policy.table == table.name).collect();
        for (name, role, rows) in &policies {
            match there.iter().find(|policy| policy.name == *name) {
                None => wrong.push(format!("{} lacks the policy {name}", table.name)),
                Some(policy) => {
                    let same = |stored: &str| (expected.same_rows)(rows, stored);
                    if !policy.usual || policy.roles != *role || !same(&policy.rows.0) || !same(&policy.rows.1) {
                        wrong.push(format!("{} has a policy {name} that says something else", table.name));
                    }
                }
            }
        }
        for policy in there.iter().filter(|policy| !policies.iter().any(|(name, ..)| *name == policy.name)) {
            wrong.push(format!("{} has a policy that is none of ours: {}", table.name, policy.name));
        }
    }
    if !wrong.is_empty() {
        wrong.push("run `rollcall migrate` as the owner".to_owned());
    }
    let walled = tables.iter().filter(|table| table.column.is_some()).count();
    Ok(Check::new("row-level security", wrong, format!("forced on {walled} tables, each with its policies")))
}

/// The functions that run as somebody else are the doors, each for the login that it is for.
async fn doors_as_listed(logins: &[(Db, Login, Role)]) -> Result<Check, Error> {
    let mut wrong = vec![];
    if let Some((db, ..)) = logins.first() {
        let (found, expected) = (wall::definers(&db.read_outside().await?).await?, wall::expected());
        wrong.extend(
            found
                .iter()
                .filter(|door| !expected.contains(door))
                .map(|door| format!("{} is none of ours, or not as we make it", door.signature)),
        );
        wrong.extend(
            expected.iter().filter(|door| !found.contains(door)).map(|door| format!("{} is missing, or not as we make it", door.signature)),
        );
    }
    for (db, login, role) in logins {
        let doors = wall::wrong_doors(&db.read_outside().await?, *login).await?;
        wrong.extend(doors.into_iter().map(|door| format!("{} goes through {door} and should not, or the other way round", role.name)));
    }
    Ok(Check::new("doors", wrong, format!("{}, as listed", doors::ALL.len())))
}

async fn nothing_without_an_organisation(logins: &[(Db, Login, Role)], tables: &[Table]) -> Result<Check, Error> {
    let mut wrong = vec![];
    for (db, _, role) in logins {
        let tx = db.look_around().await?;
        for table in tables {
            if wall::strangers(&tx, table, None).await? > 0 {
                wrong.push(format!("{} sees rows of {}", role.name, table.name));
            }
        }
    }
    Ok(Check::new("without an organisation", wrong, "no login sees a row of any table"))
}

async fn nothing_of_others(logins: &[(Db, Login, Role)], tables: &[Table]) -> Result<Check, Error> {
    let mut wrong = vec![];
    let orgs: Vec<OrgId> = match logins.iter().find(|(_, login, _)| *login == Login::Jobs) {
        Some((db, _, role)) if role.may.1 => doors::all_orgs(&db.look_around().await?).await?,
        _ => return Ok(Check::new("within an organisation", vec!["only background jobs' login can say which there are".to_owned()], "")),
    };
    for (db, _, role) in logins {
        for org in orgs.iter().take(ORGS) {
            let tx = db.read(OrgScope::new(*org)).await?;
            for table in tables {
                if wall::strangers(&tx, table, Some(*org)).await? > 0 {
                    wrong.push(format!("{} sees rows of others in {} of {org}", role.name, table.name));
                }
            }
        }
    }
    Ok(Check::new("within an organisation", wrong, format!("in none of {} does a login see another's row", orgs.len().min(ORGS))))
}
