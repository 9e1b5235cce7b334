//! Whatever strangers and directories send, a line of the log is one entry, and it is ours.

use std::{
    fs::File,
    io::{Read, Write},
    net::TcpStream,
    process::Stdio,
};

use serde_json::{Value, json};

use crate::support::{
    Engine, operator_database,
    process::{Process, bootstrap, rollcall},
};

/// What would pass for an entry of its own, if it came to stand at the beginning of a line; and what clears a terminal.
const FORGED: &str = "{\"timestamp\":\"2026-01-01T00:00:00Z\",\"level\":\"ERROR\",\"message\":\"forged\",\"target\":\"server\"}";
const CLEARS: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}";

/// Send these bytes, and read whatever comes back.
fn send(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = vec![];
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn request(line: &str, headers: &[(&str, &str)], body: &str) -> Vec<u8> {
    let mut text = format!("{line} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {}\r\n", body.len());
    headers.iter().for_each(|(name, value)| text += &format!("{name}: {value}\r\n"));
    format!("{text}\r\n{body}").into_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_writes_a_line_of_the_log() {
    let (folder, _) = operator_database(Engine::Sqlite).await;
    let (org, token) = bootstrap(rollcall(&folder, None), &folder);
    let log = folder.join("log");
    let mut command = rollcall(&folder, None);
    command.env("ROLLCALL_LOG", "debug");
    let mut server = Process::serve_logging_to(command, Stdio::from(File::create(&log).unwrap()));
    let address = server.address.clone();
    let bearer = format!("Bearer {token}");
    let authorised = [("Authorization", bearer.as_str()), ("Content-Type", "application/scim+json"), ("User-Agent", FORGED)];

    let encoded: String = format!("\n{FORGED}\r\n{CLEARS}").bytes().map(|byte| format!("%{byte:02X}")).collect();
    let path = format!("/scim/{org}/v2/Users/{encoded}");
    assert!(send(&address, &request(&format!("GET {path}"), &authorised, "")).starts_with("HTTP/1.1 404"));
    assert!(send(&address, &request(&format!("GET /scim/{encoded}/v2/Users"), &[], "")).starts_with("HTTP/1.1 401"));
    assert!(send(&address, &request(&format!("GET /o/{encoded}/members?{encoded}"), &[], "")).starts_with("HTTP/1.1 "));
    // As they are, they are no HTTP.
    assert!(send(&address, format!("GET /{CLEARS} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes()).starts_with("HTTP/1.1 400"));

    let name = format!("Mira\n{FORGED}\r\n{CLEARS}");
    let user = json!({ "userName": "mira@acme.test", "displayName": name, "externalId": name, "name": { "familyName": name }, name.clone(): name });
    let made = send(&address, &request(&format!("POST /scim/{org}/v2/Users"), &authorised, &user.to_string()));
    assert!(made.starts_with("HTTP/1.1 201"), "{made}");
    for wrong in [
        format!("{{ \"{name}"),
        json!({ "userName": { "x": name } }).to_string(),
        json!({ "schemas": [name], "Operations": name }).to_string(),
    ] {
        let answer = send(&address, &request(&format!("POST /scim/{org}/v2/Users"), &authorised, &wrong));
        assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    let form = form_urlencoded::Serializer::new(String::new()).append_pair("email", &name).append_pair("password", &name).finish();
    let origin = format!("http://{address}");
    let headers = [("Origin", origin.as_str()), ("Content-Type", "application/x-www-form-urlencoded")];
    assert!(send(&address, &request("POST /api/sign_in", &headers, &form)).starts_with("HTTP/1.1 "));
    assert!(server.stop());

    let log = std::fs::read(&log).unwrap();
    assert!(!log.contains(&0x1b) && !log.contains(&0x07), "nothing moves whoever reads it");
    let log = String::from_utf8(log).unwrap();
    let mut paths = 0;
    for line in log.lines() {
        let entry: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(entry["timestamp"].is_string() && entry["target"].is_string(), "{line}");
        assert_ne!(entry["message"], "forged", "{line}");
        assert_ne!(entry["level"], "ERROR", "{line}");
        paths += usize::from(entry["span"]["path"].as_str().is_some_and(|path| path.contains("%0A")));
    }
    assert!(paths >= 3, "the requests are there, as they were sent");
    std::fs::remove_dir_all(&folder).unwrap();
}
