//! The program itself, as a process that can be killed, and an identity provider that reaches it over a socket.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

/// `rollcall` with settings for the database at `url`, or for a SQLite file in `folder`. On PostgreSQL, whose role `url` names there is
/// no matter: as in production, the owner migrates, and the application and its background jobs have logins of their own.
pub fn rollcall(folder: &Path, url: Option<&str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcall"));
    command.env_clear().env("ROLLCALL_DATA_DIR", folder).env("ROLLCALL_LISTEN", "127.0.0.1:0").current_dir(folder);
    // Tests send as fast as they can.
    command.env("ROLLCALL_SCIM_RATE", "1000000").env("ROLLCALL_SCIM_BURST", "1000000");
    if let Some(url) = url {
        let of = |role| url.replace("//rollcall_owner@", role).replace("//rollcall_app@", role);
        command.env("ROLLCALL_DATABASE_URL", of("//rollcall_app@"));
        command.env("ROLLCALL_JOBS_DATABASE_URL", of("//rollcall_jobs@"));
        command.env("ROLLCALL_MIGRATION_DATABASE_URL", of("//rollcall_owner@"));
    }
    command
}

/// An organisation with SCIM, made by `rollcall bootstrap`: its id and its token.
pub fn bootstrap(mut rollcall: Command, folder: &Path) -> (String, String) {
    let password = folder.join("password");
    std::fs::write(&password, super::app::PASSWORD).unwrap();
    rollcall.args(["bootstrap", "--org-name", "Acme", "--owner-email", "owner@acme.test", "--enable-scim", "--json"]);
    let run = rollcall.arg("--owner-password-file").arg(password).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let made: Value = serde_json::from_slice(&run.stdout).unwrap();
    (made["org_id"].as_str().unwrap().to_owned(), made["scim_token"].as_str().unwrap().to_owned())
}

/// A server that is running.
pub struct Process {
    child: Child,
    pub address: String,
}

impl Process {
    /// Start it; it listens when this returns.
    pub fn serve(rollcall: Command) -> Self {
        Self::serve_logging_to(rollcall, Stdio::null())
    }

    /// The same, whose log goes there.
    pub fn serve_logging_to(mut rollcall: Command, log: Stdio) -> Self {
        let mut child = rollcall.arg("serve").stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address =
            line.split("listens on ").nth(1).or_else(|| line.split("http://").nth(1)).and_then(|rest| rest.split_whitespace().next());
        Self { address: address.unwrap_or_else(|| panic!("the server does not start: {line}")).to_owned(), child }
    }

    /// The system's number of it.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Tell it to stop, and wait; whether it did so in peace.
    pub fn stop(&mut self) -> bool {
        let told = Command::new("kill").args(["-INT", &self.id().to_string()]).status().unwrap();
        told.success() && self.child.wait().unwrap().success()
    }

    /// End it at once, as `kill -9` does: nothing of it runs any more.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An identity provider's connection to the program.
pub struct Wire {
    address: String,
    base: String,
    authorization: String,
    stream: Option<BufReader<TcpStream>>,
}

impl Wire {
    pub fn new(address: &str, org: &str, token: &str) -> Self {
        Self { address: address.to_owned(), base: format!("/scim/{org}/v2"), authorization: format!("Bearer {token}"), stream: None }
    }

    /// Send a request; an answer counts only when all of it has come.
    pub fn send(&mut self, method: &str, path: &str, body: Option<&Value>) -> io::Result<(u16, Value)> {
        let path = format!("{}{path}", self.base);
        let answer = self.exchange(method, &path, body);
        if answer.is_err() {
            self.stream = None;
        }
        answer
    }

    /// Whether the server and its database are ready.
    pub fn is_ready(&mut self) -> bool {
        self.exchange("GET", "/readyz", None).unwrap().0 == 200
    }

    fn exchange(&mut self, method: &str, path: &str, body: Option<&Value>) -> io::Result<(u16, Value)> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            none => none.insert(BufReader::new(TcpStream::connect(&self.address)?)),
        };
        let body = body.map(Value::to_string).unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: {}\r\nContent-Type: application/scim+json\r\nContent-Length: {}\r\n\r\n",
            self.address,
            self.authorization,
            body.len()
        );
        stream.get_mut().write_all((head + &body).as_bytes())?;
        let status = line(stream)?;
        let status = status.split(' ').nth(1).and_then(|code| code.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
        let (mut length, mut chunked) = (0, false);
        loop {
            let header = line(stream)?.to_ascii_lowercase();
            match header.split_once(": ") {
                None => break,
                Some(("content-length", value)) => length = value.parse().map_err(|_| io::ErrorKind::InvalidData)?,
                Some(("transfer-encoding", "chunked")) => chunked = true,
                Some(_) => {}
            }
        }
        let mut bytes = vec![];
        if chunked {
            loop {
                let size = usize::from_str_radix(&line(stream)?, 16).map_err(|_| io::ErrorKind::InvalidData)?;
                bytes.extend(exactly(stream, size)?);
                line(stream)?;
                if size == 0 {
                    break;
                }
            }
        } else {
            bytes = exactly(stream, length)?;
        }
        Ok((status, serde_json::from_slice(&bytes).unwrap_or(Value::Null)))
    }
}

/// A line without its end; the end of the stream is an error.
fn line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut text = String::new();
    stream.read_line(&mut text)?;
    let text = text.strip_suffix("\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    Ok(text.to_owned())
}

fn exactly(stream: &mut impl Read, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}
