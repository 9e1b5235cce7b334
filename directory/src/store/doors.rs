//! The doors in the second wall: all that may be asked before it is known which organisation it is about.
//!
//! Row-level security shows no row outside the organisation that a transaction is set to. What leads to an organisation in the first
//! place (a session's hash, a token's id, a link) goes through a function that runs as the tables' owner, answers one question,
//! and gives no more columns than are listed here. SQLite has no functions: there, the same SQL is run as it stands.
//!
//! Nothing else on PostgreSQL sees more than one organisation. `docs/decisions/0026-row-level-security.md` lists the doors, and a
//! test compares the three: this list, that one, and the schema.

use std::borrow::Cow;

use sea_orm::Value;

use super::{
    db::{Db, NoOrg, Tx},
    people, scim_values, tokens,
    values::{Row, params},
};
use crate::{Error, OrgScope};

/// Whose login may go through a door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// What answers requests, and the operator's commands.
    Application,
    /// What works in the background, for each organisation in turn.
    Jobs,
    /// Both.
    Either,
}

/// One question that may be asked outside every organisation.
#[derive(Clone, Debug)]
pub struct Door {
    /// The function's name.
    pub name: &'static str,
    /// The types of what it is asked with, as PostgreSQL names them.
    pub takes: &'static [&'static str],
    /// What it gives: each column and its type.
    pub gives: &'static [(&'static str, &'static str)],
    /// Who may ask.
    pub login: Login,
    /// The question.
    sql: fn() -> Cow<'static, str>,
    /// Whether the row is the asker's until the end of the transaction, and rows that are somebody else's are passed over: `FOR
    /// UPDATE SKIP LOCKED` of the table that is called so in the question.
    takes_for_itself: Option<&'static str>,
}

const ORG: &[(&str, &str)] = &[("org_id", "uuid")];
const ORG_AND_ID: &[(&str, &str)] = &[("org_id", "uuid"), ("id", "uuid")];

macro_rules! doors {
    ($($(#[$doc:meta])* $constant:ident = $name:literal ($($takes:literal),*) -> $gives:expr, $login:ident, $sql:expr $(, $taken:literal)?;)*) => {
        $($(#[$doc])* pub(crate) const $constant: Door = Door {
            name: $name,
            takes: &[$($takes),*],
            gives: $gives,
            login: Login::$login,
            sql: || Cow::from($sql),
            takes_for_itself: doors!(@taken $($taken)?),
        };)*
        /// All of them.
        pub const ALL: &[Door] = &[$($constant),*];
    };
    (@taken) => { None };
    (@taken $table:literal) => { Some($table) };
}

doors! {
    /// The organisation of the session whose id has this hash.
    SESSION = "door_session"("bytea") -> ORG, Application, "SELECT org_id FROM sessions WHERE id_hash = $1";
    /// The organisation of the access token of this public id.
    ACCESS_TOKEN = "door_access_token"("uuid") -> ORG, Application, "SELECT org_id FROM access_tokens WHERE id = $1";
    /// The organisation of the refresh token of this public id.
    REFRESH_TOKEN = "door_refresh_token"("uuid") -> ORG, Application, "SELECT org_id FROM refresh_tokens WHERE id = $1";
    /// The organisation of the personal token of this public id.
    PERSONAL_TOKEN = "door_personal_token"("uuid") -> ORG, Application, "SELECT org_id FROM personal_tokens WHERE id = $1";
    /// The organisation of the token of this public id that was ended: whoever goes on using it is told of.
    ENDED_TOKEN = "door_ended_token"("uuid") -> ORG, Application, "SELECT org_id FROM ended_tokens WHERE id = $1";
    /// The service credential of this public id, whatever its state, with what its secret is compared with. One look-up, whether or not it
    /// is there.
    SERVICE_CREDENTIAL = "door_service_credential"("uuid") ->
        &[("id", "uuid"), ("org_id", "uuid"), ("name", "text"), ("secret_hash", "bytea"), ("last_used_at", "bigint"),
          ("revoked_at", "bigint"), ("retires_at", "bigint")], Application,
        "SELECT id, org_id, name, secret_hash, last_used_at, revoked_at, retires_at FROM service_credentials WHERE id = $1";
    /// The provisioning token of this public id, whatever its state, with all that decides whether it works (law 1). A drill's satellite
    /// needs its home's connection, too.
    PROVISIONING_TOKEN = "door_provisioning_token"("uuid", "bytea") -> tokens::PRESENTED, Application, tokens::PRESENT;
    /// The organisation of the activation link of this hash.
    ACTIVATION_LINK = "door_activation_link"("bytea") -> ORG, Application, "SELECT org_id FROM activation_links WHERE hash = $1";
    /// The hash of a device request's secret, and the organisation that it was let into, if it was.
    DEVICE_REQUEST = "door_device_request"("uuid") -> &[("secret_hash", "bytea"), ("org_id", "uuid")], Application,
        "SELECT secret_hash, org_id FROM device_requests WHERE id = $1";
    /// The device request with this user code, as long as it was let into no organisation.
    USER_CODE = "door_user_code"("bytea") -> &[("id", "uuid")], Application,
        "SELECT id FROM device_requests WHERE user_code_hash = $1 AND org_id IS NULL";
    /// The organisation of this agent.
    AGENT = "door_agent"("uuid") -> ORG, Application, "SELECT org_id FROM agents WHERE id = $1";
    /// The organisation of this name in URLs. A drill's satellite is nobody's to name.
    ORG_BY_SLUG = "door_org_by_slug"("text") -> ORG, Application,
        "SELECT id AS org_id FROM organizations WHERE slug = $1 AND drill_of IS NULL";
    /// Whether there is any organisation at all. A drill's satellite is none.
    ANY_ORG = "door_any_org"() -> &[("one", "integer")], Application, "SELECT 1 AS one FROM organizations WHERE drill_of IS NULL LIMIT 1";
    /// The satellite of this organisation.
    SATELLITE = "door_satellite"("uuid") -> ORG, Either, "SELECT id AS org_id FROM organizations WHERE drill_of = $1";
    /// The state of the connection of the organisation whose satellite this one is.
    HOME = "door_home"("uuid") -> &[("status", "text")], Application,
        "SELECT h.status FROM organizations o JOIN scim_connections h ON h.org_id = o.drill_of WHERE o.id = $1";
    /// The organisations that this account may enter, and with which role.
    ENTERABLE = "door_enterable"("uuid") -> people::ENTERED, Application, people::doors_sql();
    /// The memberships of this account, under which names, and whether its person has accepted them.
    MEMBERSHIPS = "door_memberships"("uuid") -> people::PLACES, Application, people::PLACES_SQL;
    /// Whether any organisation's users, groups or members are found by older rules than these.
    OUTDATED = "door_outdated"("bigint") -> &[("one", "integer")], Application, scim_values::OUTDATED;

    /// Every organisation and every satellite, for what is done to each in turn.
    ALL_ORGS = "door_all_orgs"() -> ORG, Jobs, "SELECT id AS org_id FROM organizations ORDER BY id";
    /// Every organisation that is no drill's satellite: those whose audit logs are sealed.
    LASTING_ORGS = "door_lasting_orgs"() -> ORG, Jobs, "SELECT id AS org_id FROM organizations WHERE drill_of IS NULL ORDER BY id";
    /// The mail that has been due longest.
    DUE_MAIL = "door_due_mail"("bigint") -> ORG_AND_ID, Jobs,
        "SELECT q.org_id, q.id FROM mail_queue q WHERE q.status IN ('pending', 'sending') AND q.due_at <= $1 ORDER BY q.due_at, q.id LIMIT 1", "q";
    /// The delivery that has been due longest: urgent ones or the others, at a moment, to endpoints of these keys, to none of these
    /// endpoints, of none of these organisations. Lists are texts with commas.
    DUE_DELIVERY = "door_due_delivery"("boolean", "bigint", "text", "text", "text") -> ORG_AND_ID, Jobs,
        "SELECT d.org_id, d.id FROM webhook_deliveries d JOIN webhook_endpoints e ON e.org_id = d.org_id AND e.id = d.endpoint_id
         WHERE d.status IN ('pending', 'sending') AND d.urgent = $1 AND d.due_at <= $2 AND e.disabled_at IS NULL
           AND e.key_id = ANY (string_to_array($3, ',')) AND d.endpoint_id <> ALL (string_to_array($4, ',')::uuid[])
           AND d.org_id <> ALL (string_to_array($5, ',')::uuid[])
         ORDER BY d.due_at, d.id LIMIT 1", "d";
    /// The keys that any organisation's endpoints were made under.
    ENDPOINT_KEYS = "door_endpoint_keys"() -> &[("key_id", "text")], Jobs, "SELECT DISTINCT key_id FROM webhook_endpoints";
    /// Organisations with a provisioning token of whose end owners have not been warned.
    EXPIRING_TOKENS = "door_expiring_tokens"("bigint", "bigint", "bigint", "bigint") -> ORG, Jobs, tokens::TO_WARN;
    /// Organisations with failed attempts that are over by a moment and not told of yet, and of which kinds.
    FAILURES_OVER = "door_failures_over"("bigint") -> &[("org_id", "uuid"), ("kind", "text")], Jobs,
        "SELECT DISTINCT org_id, kind FROM failure_notes WHERE over_at <= $1 ORDER BY org_id, kind";
    /// Organisations with a drill that has said nothing since its lease ended.
    STALE_DRILLS = "door_stale_drills"("bigint") -> ORG, Jobs,
        "SELECT org_id FROM drills WHERE state = 'running' AND leased_until <= $1 ORDER BY org_id";
    /// Organisations with something that has outlived its time at a moment: sessions that nobody used since a second one, devices
    /// that asked to be let in until a third.
    EXPIRED = "door_expired"("bigint", "bigint", "bigint") -> ORG, Jobs,
        "SELECT org_id FROM sessions WHERE expires_at <= $1 OR last_seen_at <= $2
         UNION SELECT org_id FROM activation_links WHERE expires_at <= $1
         UNION SELECT org_id FROM api_sessions WHERE expires_at <= $1
         UNION SELECT org_id FROM access_tokens WHERE expires_at <= $1
         UNION SELECT org_id FROM refresh_tokens WHERE expires_at <= $1
         UNION SELECT org_id FROM personal_tokens WHERE expires_at <= $1
         UNION SELECT org_id FROM ended_tokens WHERE expires_at <= $1 AND (kind <> 'personal' OR expires_at <= $1 - 2592000000000)
         UNION SELECT org_id FROM device_requests WHERE expires_at <= $3 AND org_id IS NOT NULL
         ORDER BY org_id";
}

impl Door {
    /// The function, as PostgreSQL tells it from others.
    pub fn signature(&self) -> String {
        format!("{}({})", self.name, self.takes.join(", "))
    }

    /// How it is asked: on PostgreSQL through the function, elsewhere as it stands.
    fn question(&self, postgres: bool) -> Cow<'static, str> {
        if !postgres {
            return (self.sql)();
        }
        let columns = self.gives.iter().map(|(column, _)| *column).collect::<Vec<_>>().join(", ");
        format!("SELECT {columns} FROM {}", self.call()).into()
    }

    /// `door_…($1, $2)`.
    fn call(&self) -> String {
        let places = (1..=self.takes.len()).map(|number| format!("${number}")).collect::<Vec<_>>().join(", ");
        format!("{}({places})", self.name)
    }

    /// What the function does.
    pub(super) fn body(&self) -> String {
        let lock = self.takes_for_itself.map(|table| format!(" FOR UPDATE OF {table} SKIP LOCKED")).unwrap_or_default();
        // PL/pgSQL keeps the plan from one call to the next.
        format!("\n             #variable_conflict use_column\n             BEGIN RETURN QUERY {}{lock}; END ", (self.sql)())
    }

    /// The statements that make the function.
    fn make(&self) -> String {
        let (name, signature, body) = (self.name, self.signature(), self.body());
        let gives = self.gives.iter().map(|(column, kind)| format!("{column} {kind}")).collect::<Vec<_>>().join(", ");
        let volatility = if self.takes_for_itself.is_some() { "VOLATILE" } else { "STABLE" };
        let roles: &[&str] = match self.login {
            Login::Application => &["rollcall_app"],
            Login::Jobs => &["rollcall_jobs"],
            Login::Either => &["rollcall_app", "rollcall_jobs"],
        };
        let mut make = format!(
            "CREATE FUNCTION {signature} RETURNS TABLE ({gives}) LANGUAGE plpgsql {volatility} SECURITY DEFINER
               SET search_path = pg_catalog, public, pg_temp AS $door${body}$door$;
             REVOKE ALL ON FUNCTION {signature} FROM PUBLIC;"
        );
        for role in roles {
            make += &format!(
                "DO $do$ BEGIN IF to_regrole('{role}') IS NOT NULL THEN GRANT EXECUTE ON FUNCTION {name} TO {role}; END IF; END $do$;"
            );
        }
        make
    }
}

/// Make the doors anew, each as it stands here, and no others. On SQLite there are none.
pub(crate) async fn make(db: &Db) -> Result<(), Error> {
    if !db.is_postgres() {
        return Ok(());
    }
    let away = "DO $do$ DECLARE door regprocedure; BEGIN
                  FOR door IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.proname LIKE 'door\\_%'
                  LOOP EXECUTE 'DROP FUNCTION ' || door; END LOOP; END $do$;";
    // Sent as one: there is no moment without doors.
    let all = ALL.iter().map(Door::make).fold(away.to_owned(), |all, door| all + &door);
    db.script(&all).await
}

impl<S: Send + Sync> Tx<S> {
    /// Ask at a door.
    pub(crate) async fn through<T>(
        &self,
        door: &Door,
        params: Vec<Value>,
        read: impl Fn(&Row) -> Result<T, Error>,
    ) -> Result<Vec<T>, Error> {
        self.all(&door.question(self.is_postgres()), params, read).await
    }

    /// The one row that a door gives, if it gives one.
    pub(crate) async fn glimpse<T>(
        &self,
        door: &Door,
        params: Vec<Value>,
        read: impl Fn(&Row) -> Result<T, Error>,
    ) -> Result<Option<T>, Error> {
        self.one(&door.question(self.is_postgres()), params, read).await
    }
}

impl Tx<NoOrg> {
    /// Go on in the organisation that a door leads to. Where it leads nowhere, in that of nobody, where there are no rows: whoever
    /// shows what does not exist is answered after the same work.
    pub(crate) async fn enter(self, door: &Door, params: Vec<Value>) -> Result<Tx, Error> {
        let found = if self.is_postgres() {
            let sql = format!("SELECT org_id, {} FROM {}", super::db::settings("org_id::text"), door.call());
            self.one(&sql, params, |row| row.opt("org_id")).await?
        } else {
            self.glimpse(door, params, |row| row.opt("org_id")).await?
        };
        Ok(self.entered(found.flatten().map_or_else(OrgScope::nobody, OrgScope::new)))
    }
}

/// Every organisation and every satellite.
pub(crate) async fn all_orgs(tx: &Tx<NoOrg>) -> Result<Vec<domain::OrgId>, Error> {
    tx.through(&ALL_ORGS, params![], |row| row.get("org_id")).await
}

/// Every organisation that is no drill's satellite.
pub(crate) async fn lasting_orgs(tx: &Tx<NoOrg>) -> Result<Vec<domain::OrgId>, Error> {
    tx.through(&LASTING_ORGS, params![], |row| row.get("org_id")).await
}
