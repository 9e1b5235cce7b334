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

/// Put every table of an organisation behind its policies, and take away policies that are none of ours.
///
/// - `tenant`: for everybody, the rows of the organisation that the transaction is set to.
/// - `owner`: the tables' owner sees everything. Migrations run as the owner, and so do the doors; it could switch the policies off
///   anyway. Because the policies are forced, what it may see stands in a policy like everything else.
/// - `named` and `unclaimed`, of devices that nobody has let in yet: the one that the transaction names; all of them, for the
///   background jobs that clear them away.
pub async fn enforce(db: &impl ConnectionTrait) -> Result<(), DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(());
    }
    let texts = async |sql: &str| {
        let rows = db.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
        rows.iter().map(|row| row.try_get_by_index::<String>(0)).collect::<Result<Vec<_>, _>>()
    };
    let jobs = !texts(&format!("SELECT rolname::text FROM pg_roles WHERE rolname = '{}'", crate::JOBS_ROLE)).await?.is_empty();
    let mut sql: Vec<String> = texts(
        "SELECT format('DROP POLICY %I ON %I.%I', polname, n.nspname, c.relname) FROM pg_policy p
           JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public'",
    )
    .await?;
    let tables = "SELECT format('%I|%I|%I', c.relname, a.attname, pg_get_userbyid(c.relowner)) FROM pg_class c
           JOIN pg_namespace n ON n.oid = c.relnamespace
           JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
           AND a.attname = CASE c.relname WHEN 'organizations' THEN 'id' ELSE 'org_id' END
         ORDER BY c.relname";
    for line in texts(tables).await? {
        let [table, column, owner] = line.split('|').collect::<Vec<_>>()[..] else {
            return Err(DbErr::Custom(format!("{line}: a name that row-level security cannot be made for")));
        };
        sql.push(format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"));
        // No index is ever looked up by this, and PostgreSQL takes it to hold for nearly every row (as it does for any expression that
        // is said to be not NULL): it plans a statement by what that says itself, as it would without a policy. Offered the organisation
        // as something to look up, it reads everybody for each member of a group while it has no statistics.
        let ours = format!("(CASE WHEN {column} = {SCOPE} THEN true END) IS NOT NULL");
        sql.push(format!("CREATE POLICY tenant ON {table} USING ({ours}) WITH CHECK ({ours})"));
        sql.push(format!("CREATE POLICY owner ON {table} TO {owner} USING (true) WITH CHECK (true)"));
        if table == "device_requests" {
            let named = format!("org_id IS NULL AND id = {DEVICE}");
            sql.push(format!("CREATE POLICY named ON {table} USING ({named}) WITH CHECK ({named})"));
            if jobs {
                sql.push(format!(
                    "CREATE POLICY unclaimed ON {table} TO {} USING (org_id IS NULL) WITH CHECK (org_id IS NULL)",
                    crate::JOBS_ROLE
                ));
            }
        }
    }
    // Sent as one: all of it, or nothing.
    db.execute_unprepared(&sql.join(";\n")).await.map(drop)
}
