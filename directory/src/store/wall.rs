//! What PostgreSQL's catalogue says of the second wall, and what a login sees of the tables behind it. And what SQLite says of its file.

use domain::OrgId;

use super::{
    db::{NoOrg, Tx},
    doors::{self, Door},
    values::{Row, params},
};
use crate::Error;

/// A login, as the catalogue has it.
#[derive(Clone, Debug)]
pub(crate) struct Role {
    pub(crate) name: String,
    /// A superuser, or a member of one's role.
    pub(crate) superuser: bool,
    /// Row-level security does not hold it, or a role that it is a member of.
    pub(crate) bypasses: bool,
    /// It owns tables, or is a member of a role that does.
    pub(crate) owns: bool,
    /// It may ask what only the application asks; what only background jobs ask.
    pub(crate) may: (bool, bool),
    /// It may make something in the schema.
    pub(crate) may_make: bool,
}

/// The login of the transaction.
pub(crate) async fn role(tx: &Tx<NoOrg>) -> Result<Role, Error> {
    let may =
        |door: &Door| format!("coalesce(has_function_privilege(session_user, to_regprocedure('{}'), 'EXECUTE'), false)", door.signature());
    let sql = format!(
        "SELECT session_user::text AS name,
                EXISTS (SELECT 1 FROM pg_roles r WHERE r.rolsuper AND pg_has_role(session_user, r.oid, 'MEMBER')) AS superuser,
                EXISTS (SELECT 1 FROM pg_roles r WHERE r.rolbypassrls AND pg_has_role(session_user, r.oid, 'MEMBER')) AS bypasses,
                EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
                          AND pg_has_role(session_user, c.relowner, 'MEMBER')) AS owns,
                {} AS application, {} AS jobs, has_schema_privilege(session_user, 'public', 'CREATE') AS makes",
        may(&doors::ANY_ORG),
        may(&doors::ALL_ORGS)
    );
    let found = tx.one(&sql, vec![], |row| {
        Ok(Role {
            name: row.get("name")?,
            superuser: row.get("superuser")?,
            bypasses: row.get("bypasses")?,
            owns: row.get("owns")?,
            may: (row.get("application")?, row.get("jobs")?),
            may_make: row.get("makes")?,
        })
    });
    found.await?.ok_or_else(|| Error::Store("nobody is signed in".to_owned()))
}

/// The tables of these that this login may change, empty, or delete rows of.
pub(crate) async fn rewritable(tx: &Tx<NoOrg>, tables: &[&str]) -> Result<Vec<String>, Error> {
    let mut rewritable = vec![];
    for table in tables {
        let sql = format!(
            "SELECT has_any_column_privilege(session_user, '{table}', 'UPDATE') OR has_table_privilege(session_user, '{table}', 'DELETE')
                 OR has_table_privilege(session_user, '{table}', 'TRUNCATE') AS may"
        );
        if tx.one(&sql, vec![], |row| row.get::<bool>("may")).await?.unwrap_or(true) {
            rewritable.push((*table).to_owned());
        }
    }
    Ok(rewritable)
}

/// What this login may do with provisioning tokens beyond writing these columns.
pub(crate) async fn beyond(tx: &Tx<NoOrg>, columns: &[&str]) -> Result<Vec<String>, Error> {
    let known = columns.iter().map(|column| format!("'{column}'")).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "SELECT 'write ' || a.attname AS what FROM pg_attribute a WHERE a.attrelid = 'scim_tokens'::regclass AND a.attnum > 0 AND NOT a.attisdropped
           AND a.attname NOT IN ({known}) AND has_column_privilege(session_user, a.attrelid, a.attnum, 'UPDATE')
         UNION ALL SELECT 'delete' WHERE has_table_privilege(session_user, 'scim_tokens', 'DELETE')
         UNION ALL SELECT 'empty' WHERE has_table_privilege(session_user, 'scim_tokens', 'TRUNCATE') ORDER BY 1"
    );
    tx.all(&sql, vec![], |row| row.get("what")).await
}

/// Which of these triggers are there and switched on.
pub(crate) async fn enabled_triggers(tx: &Tx<NoOrg>) -> Result<Vec<String>, Error> {
    let sql = "SELECT t.tgname::text AS name FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
               WHERE c.relnamespace = 'public'::regnamespace AND NOT t.tgisinternal AND t.tgenabled IN ('O', 'A') ORDER BY 1";
    tx.all(sql, vec![], |row| row.get("name")).await
}

/// Whether there is a role for background jobs.
pub(crate) async fn jobs_role(tx: &Tx<NoOrg>) -> Result<bool, Error> {
    let sql = "SELECT to_regrole('rollcall_jobs') IS NOT NULL AS there";
    Ok(tx.one(sql, vec![], |row| row.get("there")).await?.unwrap_or(false))
}

/// A policy, as the catalogue has it.
#[derive(Clone, Debug)]
pub(crate) struct Policy {
    pub(crate) table: String,
    pub(crate) name: String,
    /// Whether it is permissive, and for every command.
    pub(crate) usual: bool,
    /// Whom it is for, `public` being everybody.
    pub(crate) roles: String,
    /// The rows that are seen, and those that may be written.
    pub(crate) rows: (String, String),
}

/// All policies.
pub(crate) async fn policies(tx: &Tx<NoOrg>) -> Result<Vec<Policy>, Error> {
    let sql = "SELECT c.relname::text AS table_name, p.polname::text AS name, p.polpermissive AND p.polcmd = '*' AS usual,
                      coalesce((SELECT string_agg(CASE WHEN r.oid = 0 THEN 'public' ELSE pg_get_userbyid(r.oid)::text END, ',')
                                FROM unnest(p.polroles) r (oid)), '') AS roles,
                      coalesce(pg_get_expr(p.polqual, p.polrelid), '') AS sees, coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') AS writes
               FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE c.relnamespace = 'public'::regnamespace ORDER BY 1, 2";
    tx.all(sql, vec![], |row| {
        Ok(Policy {
            table: row.get("table_name")?,
            name: row.get("name")?,
            usual: row.get("usual")?,
            roles: row.get("roles")?,
            rows: (row.get("sees")?, row.get("writes")?),
        })
    })
    .await
}

/// A table, as the catalogue has it.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) name: String,
    /// The column that says whose a row is: none where there is none.
    pub(crate) column: Option<String>,
    /// Whether row-level security is on, for its owner, too.
    pub(crate) forced: bool,
    /// Whose it is.
    pub(crate) owner: String,
}

/// All tables.
pub(crate) async fn tables(tx: &Tx<NoOrg>) -> Result<Vec<Table>, Error> {
    let sql = "SELECT c.relname::text AS name, c.relrowsecurity AND c.relforcerowsecurity AS forced,
                      CASE WHEN c.relname = 'organizations' THEN 'id'
                           WHEN EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'org_id' AND NOT a.attisdropped) THEN 'org_id'
                      END AS org_column, pg_get_userbyid(c.relowner)::text AS owner
               FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY c.relname";
    tx.all(sql, vec![], |row| {
        Ok(Table { name: row.get("name")?, column: row.opt("org_column")?, forced: row.get("forced")?, owner: row.get("owner")? })
    })
    .await
}

/// How many of the table's rows the transaction sees that are none of the organisation's; of nobody's, all that it sees.
///
/// What a device asks before it is let in is no organisation's, and background jobs see it.
pub(crate) async fn strangers<S: Send + Sync>(tx: &Tx<S>, table: &Table, org: Option<OrgId>) -> Result<i64, Error> {
    let Some(column) = &table.column else { return Ok(0) };
    let sql = format!(
        "SELECT count(*) AS strangers FROM (SELECT 1 FROM \"{}\" WHERE {column} IS NOT NULL AND ($1 = '' OR {column}::text <> $1) LIMIT 1000) r",
        table.name
    );
    let org = org.map(|org| org.to_string()).unwrap_or_default();
    Ok(tx.one(&sql, params![org], |row| row.get("strangers")).await?.unwrap_or(0))
}

/// A function that runs as somebody else than whoever calls it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Definer {
    /// Its name and arguments.
    pub(crate) signature: String,
    /// What it gives: columns and types.
    pub(crate) gives: String,
    /// Whether it looks for tables where we say, and not where its caller says.
    pub(crate) fixed_path: bool,
    /// Whether anybody may call it.
    pub(crate) open: bool,
    /// What it does; of what clears the audit log, nothing is said here.
    pub(crate) body: String,
}

/// All of them.
pub(crate) async fn definers(tx: &Tx<NoOrg>) -> Result<Vec<Definer>, Error> {
    let sql =
        "SELECT p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')' AS signature, pg_get_function_result(p.oid) AS gives,
                      coalesce('search_path=pg_catalog, public, pg_temp' = ANY (p.proconfig), false) AS fixed_path,
                      EXISTS (SELECT 1 FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a WHERE a.grantee = 0) AS open,
                      CASE WHEN p.proname LIKE 'door\\_%' THEN p.prosrc ELSE '' END AS body
               FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef ORDER BY 1";
    tx.all(sql, vec![], |row| {
        Ok(Definer {
            signature: row.get("signature")?,
            gives: row.get("gives")?,
            fixed_path: row.get("fixed_path")?,
            open: row.get("open")?,
            body: row.get("body")?,
        })
    })
    .await
}

/// What an organisation's audit log is cleared by: whole batches, of the transaction's own organisation, as it decided.
const CLEARING: (&str, &str) = (
    "rollcall_clear_audit(organisation uuid, moment bigint, most bigint, entry uuid)",
    "TABLE(batches bigint, events bigint, first bigint, last bigint)",
);

/// The doors, and what clears the audit log, as [`definers`] has to find them.
pub(crate) fn expected() -> Vec<Definer> {
    let mut doors: Vec<_> = doors::ALL
        .iter()
        .map(|door| {
            let gives = door.gives.iter().map(|(column, kind)| format!("{column} {kind}")).collect::<Vec<_>>().join(", ");
            Definer { signature: door.signature(), gives: format!("TABLE({gives})"), fixed_path: true, open: false, body: door.body() }
        })
        .collect();
    doors.push(Definer {
        signature: CLEARING.0.to_owned(),
        gives: CLEARING.1.to_owned(),
        fixed_path: true,
        open: false,
        body: String::new(),
    });
    doors.sort();
    doors
}

/// The doors that this login may not go through although it has to, or may although it must not.
pub(crate) async fn wrong_doors(tx: &Tx<NoOrg>, login: doors::Login) -> Result<Vec<String>, Error> {
    let mut wrong = vec![];
    for door in doors::ALL {
        let sql = format!(
            "SELECT coalesce(has_function_privilege(session_user, to_regprocedure('{}'), 'EXECUTE'), false) AS may",
            door.signature()
        );
        let may = tx.one(&sql, vec![], |row| row.get::<bool>("may")).await?.unwrap_or(false);
        if may != (door.login == login || door.login == doors::Login::Either) {
            wrong.push(door.name.to_owned());
        }
    }
    Ok(wrong)
}

/// Of SQLite: whether references are kept, what is wrong with the file, and how many references lead nowhere.
pub(crate) async fn file(tx: &Tx<NoOrg>) -> Result<(bool, Vec<String>, usize), Error> {
    let on = tx.one("SELECT foreign_keys AS on_off FROM pragma_foreign_keys", vec![], |row| row.get::<i64>("on_off")).await?;
    let text = |row: &Row| row.get::<String>("integrity_check");
    let wrong = tx.all("SELECT integrity_check FROM pragma_integrity_check", vec![], text).await?;
    let dangling = tx.all("SELECT \"table\" AS name FROM pragma_foreign_key_check", vec![], |_| Ok(())).await?;
    Ok((on == Some(1), wrong.into_iter().filter(|line| line != "ok").collect(), dangling.len()))
}
