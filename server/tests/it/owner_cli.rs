//! `rollcall owner grant`: the way back for an organisation whose owners cannot get in.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{
    Engine, Rows, operator_database,
    process::{bootstrap, rollcall},
};

struct Operator {
    folder: PathBuf,
    url: Option<String>,
}

impl Operator {
    /// Run `rollcall owner grant`; whether it succeeded, and what it said.
    fn grant(&self, org: &str, email: &str, more: &[&str]) -> (bool, String) {
        let run = rollcall(&self.folder, self.url.as_deref())
            .args(["owner", "grant", "--org", org, "--email", email])
            .args(more)
            .output()
            .unwrap();
        let said = if run.status.success() { run.stdout } else { run.stderr };
        (run.status.success(), String::from_utf8(said).unwrap())
    }

    async fn rows(&self) -> Rows {
        let file = || format!("sqlite:{}", self.folder.join("rollcall.db").display());
        Rows::open(&self.url.clone().unwrap_or_else(file)).await
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

async fn the_way_back(engine: Engine) {
    let (folder, url) = operator_database(engine).await;
    let operator = Operator { folder, url };
    if engine == Engine::Postgres {
        assert!(rollcall(&operator.folder, operator.url.as_deref()).arg("migrate").output().unwrap().status.success());
    }
    let (org, _) = bootstrap(rollcall(&operator.folder, operator.url.as_deref()), &operator.folder);
    let owners = "SELECT count(*) FROM role_grants WHERE role = 'owner'";
    let alerts = "SELECT count(*) FROM mail_queue WHERE kind = 'alert' AND address = 'owner@acme.test' AND status = 'pending'";

    let (done, said) = operator.grant("acme", "owner@acme.test", &[]);
    assert!(done && said.contains("already. Nothing was changed"), "{said}");
    for (org, email, why) in [
        ("nonesuch", "owner@acme.test", "no organisation with the address /o/nonesuch"),
        ("No Such", "owner@acme.test", "no organisation"),
        ("acme", "nobody@acme.test", "No member of acme has the address nobody@acme.test"),
        ("acme", "not an address", "e-mail address"),
    ] {
        let (done, said) = operator.grant(org, email, &[]);
        assert!(!done && said.contains(why), "{said}");
    }
    let rows = operator.rows().await;
    assert_eq!((rows.number(owners).await, rows.number(alerts).await), (1, 0), "what failed has changed nothing");

    // The owner cannot get in any more, in the way that a database can be told: she is an owner no longer.
    rows.run("DELETE FROM role_grants").await;
    let (done, said) = operator.grant("acme", "OWNER@acme.test", &["--json"]);
    let answer: Value = serde_json::from_str(&said).unwrap_or_else(|_| panic!("{said}"));
    assert!(done);
    assert_eq!((&answer["org_id"], &answer["changed"]), (&json!(org), &json!(true)));
    assert_eq!((rows.number(owners).await, rows.number(alerts).await), (1, 1));
    let told = "SELECT count(*) FROM audit_events WHERE action = 'role.granted' AND actor_kind = 'operator' AND actor = 'Command line' AND target = 'owner'";
    assert_eq!(rows.number(told).await, 1);

    // Who cannot sign in is of no help.
    for (spoil, why) in [("UPDATE memberships SET proven_at = NULL", "cannot sign in"), ("DELETE FROM memberships", "Her access has ended")]
    {
        rows.run("DELETE FROM role_grants").await;
        rows.run(spoil).await;
        let (done, said) = operator.grant("acme", "owner@acme.test", &[]);
        assert!(!done && said.contains(why), "{said}");
    }
    rows.close().await;
}

#[tokio::test]
async fn an_operator_makes_a_member_an_owner_on_sqlite() {
    the_way_back(Engine::Sqlite).await;
}

#[tokio::test]
async fn an_operator_makes_a_member_an_owner_on_postgres() {
    the_way_back(Engine::Postgres).await;
}
