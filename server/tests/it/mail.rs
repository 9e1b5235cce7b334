//! The two ways out for mails: a mail server, and files.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    thread::JoinHandle,
};

use server::{config::Config, mailer::Mailer};

use crate::support::both_databases;

/// A mail server for one message: what it was told, line by line. Refuses the recipient with `refusal`, if there is one.
fn mail_server(refusal: Option<&'static str>) -> (String, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", listener.local_addr().unwrap());
    let talk = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut writer = stream.try_clone().unwrap();
        let mut say = |line: &str| write!(writer, "{line}\r\n").unwrap();
        let (mut heard, mut in_message) = (vec![], false);
        say("220 mail.test");
        for line in BufReader::new(stream).lines() {
            let Ok(line) = line else { break };
            let word = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
            heard.push(line.clone());
            match word.as_str() {
                _ if in_message && line == "." => {
                    in_message = false;
                    say("250 kept");
                }
                _ if in_message => {}
                "DATA" => {
                    in_message = true;
                    say("354 go on");
                }
                "RCPT" => say(refusal.unwrap_or("250 ok")),
                "QUIT" => {
                    say("221 bye");
                    break;
                }
                _ => say("250 ok"),
            }
        }
        heard
    });
    (url, talk)
}

both_databases! {
    async fn a_mail_server_gets_the_link_and_its_refusal_is_shown(app) {
        let acme = app.org("Acme").await;
        app.provision(&acme, "mira@acme.test").await;
        let (url, talk) = mail_server(None);
        let mailer = Mailer::new(&Config { smtp_url: Some(url), mail_from: "Rollcall <id@acme.test>".to_owned(), ..Config::default() }).unwrap();
        mailer.send_due(&app.state).await.unwrap();
        drop(mailer);
        let heard = talk.join().unwrap().join("\n").replace("=\n", "");
        for part in ["MAIL FROM:<id@acme.test>", "RCPT TO:<mira@acme.test>", "Subject: Activate your access to Acme", "https://id.rollcall.test/activate/"] {
            assert!(heard.contains(part), "{part}: {heard}");
        }
        assert!(app.member(&acme, "mira@acme.test").await["access"]["ActivationSent"]["at"].is_number());

        app.provision(&acme, "ben@acme.test").await;
        let (url, talk) = mail_server(Some("550 no such mailbox"));
        let mailer = Mailer::new(&Config { smtp_url: Some(url), ..Config::default() }).unwrap();
        mailer.send_due(&app.state).await.unwrap();
        drop(mailer);
        talk.join().unwrap();
        // Tried again in a minute: still pending.
        assert_eq!(app.member(&acme, "ben@acme.test").await["access"]["ActivationPending"]["has_address"], true);
        assert_eq!(app.database.number("SELECT count(*) FROM mail_queue WHERE status = 'pending' AND error LIKE '%no such mailbox%'").await, 1);
    }

    async fn without_a_mail_server_mails_become_files(app) {
        let acme = app.org("Acme").await;
        app.provision(&acme, "mira@acme.test").await;
        let data_dir = std::env::temp_dir().join(format!("rollcall-test-mail-{}", acme.id));
        let mailer = Mailer::new(&Config { data_dir: data_dir.clone(), ..Config::default() }).unwrap();
        mailer.send_due(&app.state).await.unwrap();
        mailer.send_due(&app.state).await.unwrap();
        let files: Vec<_> = std::fs::read_dir(data_dir.join("mail")).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(files.len(), 1, "sent once: {files:?}");
        let text = std::fs::read_to_string(&files[0]).unwrap();
        assert!(text.contains("mira@acme.test") && text.contains("/activate/"), "{text}");
        std::fs::remove_dir_all(data_dir).unwrap();
    }
}
