//! `rollcall login`: the program as a client, with a server that is another process.

use std::{
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::{Value, json};

use crate::support::{
    Engine, PASSWORD, operator_database,
    process::{Process, bootstrap, rollcall},
};

/// The program as a person runs it on a machine of her own.
fn on_her_machine(folder: &Path, file: &Path, arguments: &[&str]) -> Command {
    let mut command = rollcall(folder, None);
    command.env_remove("ROLLCALL_DATA_DIR").args(arguments).arg("--file").arg(file).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn run(mut command: Command) -> (bool, String) {
    let done = command.output().unwrap();
    let said = if done.status.success() { done.stdout } else { done.stderr };
    (done.status.success(), String::from_utf8(said).unwrap().trim().to_owned())
}

/// Call server functions as the console does it, signed in as the owner.
struct Console {
    http: reqwest::Client,
    base: String,
    cookie: String,
}

impl Console {
    async fn sign_in(base: &str) -> Self {
        let mut console = Self { http: reqwest::Client::new(), base: base.to_owned(), cookie: String::new() };
        let answer = console.call("sign_in", &[("email", "owner@acme.test"), ("password", PASSWORD)]).await;
        console.cookie = answer.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        console
    }

    async fn call(&self, function: &str, fields: &[(&str, &str)]) -> reqwest::Response {
        let request = self.http.post(format!("{}/api/{function}", self.base)).header("origin", &self.base).header("cookie", &self.cookie);
        let answer = request.header("accept", "application/json").form(fields).send().await.unwrap();
        assert!(answer.status().is_success(), "{function}: {}", answer.status());
        answer
    }

    async fn me(&self, token: &str) -> (u16, Value) {
        let answer = self.http.get(format!("{}/api/v1/me", self.base)).bearer_auth(token).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_logs_in_from_the_command_line_and_out_again() {
    let (folder, url) = operator_database(Engine::Sqlite).await;
    bootstrap(rollcall(&folder, url.as_deref()), &folder);
    let server = Process::serve(rollcall(&folder, url.as_deref()));
    let base = format!("http://{}", server.address);
    let file: PathBuf = folder.join("hers").join("login.json");

    let (done, said) = run(on_her_machine(&folder, &file, &["token"]));
    assert!(!done && said.contains("You are not logged in"), "{said}");
    let (done, said) = run(on_her_machine(&folder, &file, &["login", "--server", "http://id.example.com"]));
    assert!(!done && said.contains("in clear"), "{said}");

    let mut login = on_her_machine(&folder, &file, &["login", "--server", &base]).spawn().unwrap();
    let mut output = BufReader::new(login.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let code = line.trim().split("/device?code=").nth(1).unwrap_or_else(|| panic!("{line}")).to_owned();
    let console = Console::sign_in(&base).await;
    console.call("approve_device", &[("org", "acme"), ("user_code", &code)]).await;
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert!(login.wait().unwrap().success() && rest.contains("Logged in as owner, of Acme"), "{rest}");
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&file).unwrap()) & 0o777, 0o600, "nobody else reads it");

    let (_, token) = run(on_her_machine(&folder, &file, &["token"]));
    assert_eq!(console.me(&token).await.1["role"], "owner");
    // Scripts that run side by side when the access token has run out: none shows a refresh token that another has used.
    let mut kept: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    kept["expires_at"] = json!(0);
    std::fs::write(&file, kept.to_string()).unwrap();
    let scripts: Vec<_> = (0..5).map(|_| on_her_machine(&folder, &file, &["token"]).spawn().unwrap()).collect();
    for script in scripts {
        let done = script.wait_with_output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        let next = String::from_utf8(done.stdout).unwrap().trim().to_owned();
        assert!(next != token && console.me(&next).await.0 == 200);
    }

    let (_, token) = run(on_her_machine(&folder, &file, &["token"]));
    let (done, said) = run(on_her_machine(&folder, &file, &["logout"]));
    assert!(done && said.starts_with("Logged out"), "{said}");
    assert_eq!(
        console.me(&token).await,
        (401, json!({ "error": "invalid_token", "error_description": "The token is not good, or not any more." }))
    );
    assert!(!file.exists());
    drop(server);
    std::fs::remove_dir_all(&folder).unwrap();
}
