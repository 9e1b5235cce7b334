//! Row-level security on PostgreSQL: the second wall behind the program's own care for whose rows a statement touches.
//!
//! Every table with a column `org_id` shows and takes the rows of one organisation only: the one that the transaction is set to
//! (`rollcall.org`). Where none is set there are no rows. Read from the catalogue at each `rollcall migrate`, so that a table of a
//! later step is behind the wall as well.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{ConnectionTrait, DbBackend, Statement},
};

/// The tables that belong to no organisation, and why.
pub const GLOBAL_TABLES: &[(&str, &str)] = &[
    ("users", "an account is a person across all organisations"),
    ("set_up_links", "they found the first organisation"),
    ("reset_links", "they set an account's password"),
    ("second_factors", "they are an account's"),
    ("recovery_codes", "they are an account's"),
    ("account_mails", "they go to a person, whatever she is a member of"),
    ("auth_failures", "attempts are counted before anybody is known; keys are hashes"),
    ("address_blocks", "a network guesses at many organisations; keys are hashes"),
    ("seaql_migrations", "which steps the schema has taken"),
];

/// The organisation that the transaction is set to; NULL where there is none. A sub-select, so that it is worked out once for a
/// statement and not for each row.
const SCOPE: &str = "(SELECT NULLIF(current_setting('rollcall.org', true), '')::uuid)";

/// The device request that the transaction has named.
const DEVICE: &str = "(SELECT NULLIF(current_setting('rollcall.device', true), '')::uuid)";

/// A policy of a table, as it has to be: for every command, and the same for what is seen and what is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name.
    pub name: &'static str,
    /// Whom it is for: a role, or `public`, which is everybody.
    pub role: String,
    /// Which rows.
    pub rows: String,
}

/// The policies of `table`, which belongs to `owner`; `jobs`: whether there is a role for background jobs.
///
/// - `tenant`: for everybody, the rows of the organisation that the transaction is set to.
/// - `owner`: the tables' owner sees everything. Migrations run as the owner, and so do the doors; it could switch the policies off
///   anyway. Because the policies are forced, what it may see stands in a policy like everything else.
/// - `named` and `unclaimed`, of devices that nobody has let in yet: the one that the transaction names; all of them, for the
///   background jobs that clear them away.
pub fn policies(table: &str, owner: &str, jobs: bool) -> Vec<Policy> {
    let everybody = || "public".to_owned();
    let column = if table == "organizations" { "id" } else { "org_id" };
    // No index is ever looked up by this, and PostgreSQL takes it to hold for nearly every row (as it does for any expression that
    // is said to be not NULL): it plans a statement by what that says itself, as it would without a policy. Offered the organisation
    // as something to look up, it reads everybody for each member of a group while it has no statistics.
    let ours = format!("(CASE WHEN {column} = {SCOPE} THEN true END) IS NOT NULL");
    let mut policies = vec![
        Policy { name: "tenant", role: everybody(), rows: ours },
        Policy { name: "owner", role: owner.to_owned(), rows: "true".to_owned() },
    ];
    if table == "device_requests" {
        policies.push(Policy { name: "named", role: everybody(), rows: format!("org_id IS NULL AND id = {DEVICE}") });
        if jobs {
            policies.push(Policy { name: "unclaimed", role: crate::JOBS_ROLE.to_owned(), rows: "org_id IS NULL".to_owned() });
        }
    }
    policies
}

/// Whether PostgreSQL's spelling of a condition is one that was written so: it adds brackets, casts, a name for what a sub-select gives and
/// the ELSE that was left out.
pub fn same_rows(written: &str, stored: &str) -> bool {
    let plain = |text: &str| {
        let mut text: String = text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '(' | ')')).collect();
        for added in ["::text", "::uuid", "AS\"nullif\"", "ELSENULL::boolean"] {
            text = text.replace(added, "");
        }
        text
    };
    plain(written) == plain(stored)
}

/// How long a change of policies waits for a table that is in use.
const PATIENCE: &str = "5s";

/// The policies that there are, each in one line: table, name, whether it is of the usual kind, role, condition to see and to write.
const FOUND: &str = "SELECT c.relname || '|' || p.polname || '|' || (p.polpermissive AND p.polcmd = '*')::text || '|'
               || coalesce((SELECT string_agg(CASE WHEN r.oid = 0 THEN 'public' ELSE pg_get_userbyid(r.oid)::text END, ',')
                            FROM unnest(p.polroles) r (oid)), '') || '|'
               || coalesce(pg_get_expr(p.polqual, p.polrelid), '') || '|' || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '')
           FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE n.nspname = 'public' ORDER BY 1";

/// Put every table of an organisation behind its [`policies`], and take away policies that are none of ours. What is as it has to be is not
/// touched: a change of a table's policies waits for everybody who uses the table, and keeps everybody waiting who wants to.
///
/// # Errors
/// When a table is in use for longer than a few seconds, nothing is changed, and the sentence says to try again.
pub async fn enforce(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let texts = async |sql: &str| {
        let rows = db.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
        rows.iter().map(|row| row.try_get_by_index::<String>(0)).collect::<Result<Vec<_>, _>>()
    };
    let jobs = !texts(&format!("SELECT rolname::text FROM pg_roles WHERE rolname = '{}'", crate::JOBS_ROLE)).await?.is_empty();
    let found = texts(FOUND).await?;
    let mut found: Vec<_> = found.iter().map(|line| line.split('|').collect::<Vec<_>>()).collect();
    let tables = "SELECT c.relname || '|' || pg_get_userbyid(c.relowner) || '|' || (c.relrowsecurity AND c.relforcerowsecurity)::text FROM pg_class c
           JOIN pg_namespace n ON n.oid = c.relnamespace
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
           AND a.attname = CASE c.relname WHEN 'organizations' THEN 'id' ELSE 'org_id' END
         ORDER BY c.relname";
    let (mut away, mut sql) = (vec![], vec![]);
    for line in texts(tables).await? {
        let [table, owner, forced] = line.split('|').collect::<Vec<_>>()[..] else {
            return Err(DbErr::Custom(format!("{line}: a name that row-level security cannot be made for")));
        };
        if forced != "true" {
            sql.push(format!("ALTER TABLE \"{table}\" ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"));
        }
        for Policy { name, role, rows } in policies(table, owner, jobs) {
            let there = found.iter().position(|policy| policy[..2] == [table, name]).map(|place| found.swap_remove(place));
            if there.as_ref().is_some_and(|there| {
                matches!(there[2..], ["true", whom, sees, writes] if whom == role && same_rows(&rows, sees) && same_rows(&rows, writes))
            }) {
                continue;
            }
            if there.is_some() {
                away.push(format!("DROP POLICY \"{name}\" ON \"{table}\""));
            }
            let whom = if role == "public" { role } else { format!("\"{role}\"") };
            sql.push(format!("CREATE POLICY \"{name}\" ON \"{table}\" TO {whom} USING ({rows}) WITH CHECK ({rows})"));
        }
    }
    away.extend(found.iter().map(|policy| format!("DROP POLICY \"{}\" ON \"{}\"", policy[1], policy[0])));
    if away.is_empty() && sql.is_empty() {
        return Ok(());
    }
    // Sent as one: all of it, or nothing.
    let patience = format!("SELECT set_config('lock_timeout', '{PATIENCE}', true)");
    let all = [vec![patience], away, sql].concat().join(";\n");
    db.execute_unprepared(&all).await.map(drop).map_err(|error| {
        if error.to_string().contains("lock timeout") {
            return DbErr::Custom(
                "a table is in use, so row-level security could not be put right. Nothing of it was changed: try again, \
                 or stop the servers before"
                    .to_owned(),
            );
        }
        error
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_postgres_writes_is_what_was_meant_and_nothing_else_is() {
        let [tenant, owner] = &policies("teams", "o", false)[..] else { panic!() };
        let stored =
            "(CASE WHEN (org_id = ( SELECT (NULLIF(current_setting('rollcall.org'::text, true), ''::text))::uuid AS \"nullif\")) THEN true
            ELSE NULL::boolean END IS NOT NULL)";
        assert!(same_rows(&tenant.rows, stored) && same_rows(&owner.rows, "true"));
        for other in
            [stored.replace("org_id", "id"), stored.replace("IS NOT NULL", "IS NULL"), format!("{stored} OR true"), "true".to_owned()]
        {
            assert!(!same_rows(&tenant.rows, &other), "{other}");
        }
    }
}
