//! The program as an operator runs it: a process, its variables, its output.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::support::{Engine, operator_database, process::rollcall};

struct Operator {
    folder: PathBuf,
    url: Option<String>,
}

impl Operator {
    async fn new(engine: Engine) -> Self {
        let (folder, url) = operator_database(engine).await;
        std::fs::write(folder.join("password"), "violet tractor sings at dawn\n").unwrap();
        Self { folder, url }
    }

    fn rollcall(&self) -> Command {
        rollcall(&self.folder, self.url.as_deref())
    }

    fn run(&self, arguments: &[&str]) -> Output {
        self.rollcall().args(arguments).output().unwrap()
    }

    fn bootstrap(&self, org: &str, email: &str) -> Output {
        let password = self.folder.join("password");
        let password = password.to_str().unwrap();
        self.rollcall()
            .env("ROLLCALL_PUBLIC_URL", "https://id.acme.test")
            .args(["bootstrap", "--org-name", org, "--owner-email", email, "--owner-password-file", password, "--enable-scim", "--json"])
            .output()
            .unwrap()
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn get(address: &str, path: &str, authorization: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nAuthorization: {authorization}\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn the_contract(engine: Engine) {
    let operator = Operator::new(engine).await;
    if engine == Engine::Postgres {
        let refused = operator.run(&["serve"]);
        assert!(!refused.status.success() && stderr(&refused).contains("rollcall migrate"), "{}", stderr(&refused));
        assert!(operator.run(&["migrate"]).status.success());
    }
    let first = operator.bootstrap("Acme Robotics", "ines@acme.test");
    assert!(first.status.success(), "{}", stderr(&first));
    let made: Value = serde_json::from_slice(&first.stdout).unwrap();
    let mut keys: Vec<_> = made.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(keys, ["org_id", "org_slug", "owner_id", "scim_base_url", "scim_token"]);
    let org = made["org_id"].as_str().unwrap();
    assert_eq!(
        (&made["org_slug"], &made["scim_base_url"]),
        (&"acme-robotics".into(), &format!("https://id.acme.test/scim/{org}/v2").into())
    );

    for (org, email, why) in [
        ("Acme Robotics", "other@acme.test", "exists already"),
        ("Another", "ines@acme.test", "account"),
        ("Another", "not an address", "e-mail"),
    ] {
        let again = operator.bootstrap(org, email);
        assert!(!again.status.success() && again.stdout.is_empty(), "{}", stderr(&again));
        assert!(stderr(&again).contains(why), "{}", stderr(&again));
    }
    std::fs::write(operator.folder.join("password"), "password1234").unwrap();
    assert!(stderr(&operator.bootstrap("Another", "new@acme.test")).contains("password"));

    let mut serving = operator.rollcall().arg("serve").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(serving.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(!line.contains("First run"), "{line}");
    let address = line.trim().strip_prefix("Rollcall is at http://").unwrap().to_owned();
    assert!(get(&address, "/readyz", "").starts_with("HTTP/1.1 200"));
    let token = made["scim_token"].as_str().unwrap();
    let list = get(&address, &format!("/scim/{org}/v2/Users"), &format!("Bearer {token}"));
    assert!(list.starts_with("HTTP/1.1 200") && list.contains("\"totalResults\":0"), "what failed has changed nothing: {list}");
    interrupt(serving.id());
    assert!(serving.wait().unwrap().success(), "Ctrl-C is a clean end");
}

fn interrupt(process: u32) {
    assert!(Command::new("kill").args(["-INT", &process.to_string()]).status().unwrap().success());
}

#[tokio::test]
async fn an_operator_bootstraps_and_serves_on_sqlite() {
    the_contract(Engine::Sqlite).await;
}

#[tokio::test]
async fn an_operator_bootstraps_and_serves_on_postgres() {
    the_contract(Engine::Postgres).await;
}

#[tokio::test]
async fn a_first_run_prints_a_set_up_link_once_for_each_start() {
    let operator = Operator::new(Engine::Sqlite).await;
    let mut links = vec![];
    for _ in 0..2 {
        let mut serving = operator.rollcall().arg("serve").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(serving.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let link = line.split("/set-up/").nth(1).and_then(|rest| rest.split(' ').next()).unwrap_or_else(|| panic!("{line}")).to_owned();
        let address = line.split("http://").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        assert!(get(&address, &format!("/set-up/{link}"), "").starts_with("HTTP/1.1 200"));
        interrupt(serving.id());
        assert!(serving.wait().unwrap().success());
        let mut log = String::new();
        serving.stderr.take().unwrap().read_to_string(&mut log).unwrap();
        assert!(!log.contains(&link), "the link is a secret: {log}");
        links.push(link);
    }
    assert_ne!(links[0], links[1]);
}

#[tokio::test]
async fn settings_that_make_no_sense_are_named() {
    let operator = Operator::new(Engine::Sqlite).await;
    for (name, value, why) in [
        ("ROLLCALL_PUBLIC_URL", "http://id.acme.test", "in clear"),
        ("ROLLCALL_PUBLIC_URL", "https://id.acme.test", "ROLLCALL_TLS_CERT_FILE"),
        ("ROLLCALL_TLS_CERT_FILE", "cert.pem", "ROLLCALL_TLS_KEY_FILE"),
        ("ROLLCALL_LISTEN", "nowhere", "LISTEN"),
        ("ROLLCALL_TRUSTED_PROXIES", "proxy.acme.test", "ROLLCALL_TRUSTED_PROXIES"),
        ("ROLLCALL_SMTP_URL", "gopher://x", "ROLLCALL_SMTP_URL"),
        ("ROLLCALL_MAIL_FORM", "x", "mail_form"),
    ] {
        let output = operator.rollcall().env(name, value).arg("serve").output().unwrap();
        assert!(!output.status.success() && stderr(&output).contains(why), "{name}: {}", stderr(&output));
    }
    let file = operator.folder.join("rollcall.toml");
    std::fs::write(&file, "public_url = \"http://id.acme.test\"\n").unwrap();
    let output = operator.rollcall().args(["--config", path(&file), "serve"]).output().unwrap();
    assert!(stderr(&output).contains("in clear"), "the file is read: {}", stderr(&output));
    let output = operator.rollcall().args(["--config", path(&operator.folder.join("none.toml")), "serve"]).output().unwrap();
    assert!(stderr(&output).contains("is not a file"), "{}", stderr(&output));
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
