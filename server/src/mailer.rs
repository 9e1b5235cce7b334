//! Sends what is queued: to a mail server, or into files where none is set.

use std::{path::Path, time::Duration};

use app::paths;
use directory::mail::{self, Content};
use lettre::{
    AsyncFileTransport, AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    message::{Mailbox, header::ContentType},
};
use tokio::{sync::watch, time::timeout};

use crate::{config::Config, state::AppState};

/// The longest that handing over one mail may take: well below the time after which another node takes it.
const LONGEST: Duration = Duration::from_secs(60);
/// How often the queue is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// The way out.
#[derive(Clone)]
pub struct Mailer {
    from: Mailbox,
    transport: Transport,
}

#[derive(Clone)]
enum Transport {
    Smtp(AsyncSmtpTransport<Tokio1Executor>),
    Files(AsyncFileTransport<Tokio1Executor>),
}

impl Mailer {
    /// The way out that the settings name; the sentence says what is wrong with them.
    pub fn new(config: &Config) -> Result<Self, String> {
        let from =
            config.mail_from.parse().map_err(|error| format!("ROLLCALL_MAIL_FROM: {:?} is not an address: {error}", config.mail_from))?;
        let transport = match &config.smtp_url {
            // The URL may hold a password: it is not repeated.
            Some(url) => {
                let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url).map_err(|error| format!("ROLLCALL_SMTP_URL: {error}"))?;
                Transport::Smtp(builder.timeout(Some(Duration::from_secs(20))).build())
            }
            None => Transport::Files(files(&config.data_dir.join("mail"))?),
        };
        Ok(Self { from, transport })
    }

    /// Send everything that is due now.
    pub async fn send_due(&self, state: &AppState) -> Result<(), directory::Error> {
        while self.send_next(state).await? {}
        Ok(())
    }

    /// Send what is due next; `false` when nothing is.
    async fn send_next(&self, state: &AppState) -> Result<bool, directory::Error> {
        let call = state.call();
        let Some(due) = mail::next_due(&state.db, &call).await? else { return Ok(false) };
        let handed_over =
            timeout(LONGEST, self.send(state, &due)).await.unwrap_or_else(|_| Err("the mail server took too long".to_owned()));
        match handed_over {
            Ok(()) => mail::sent(&state.db, &due, &call).await?,
            Err(why) => {
                tracing::warn!(%why, "a mail could not be sent");
                mail::failed(&state.db, &due, &why, &call).await?;
            }
        }
        Ok(true)
    }

    /// Send until told to stop.
    pub async fn run(self, state: AppState, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            let more = self.send_next(&state).await.unwrap_or_else(|error| {
                tracing::error!(%error, "the queue of mails could not be read");
                false
            });
            if !more {
                tokio::select! {
                    () = tokio::time::sleep(EVERY) => {}
                    _ = stop.changed() => return,
                }
            }
        }
    }

    async fn send(&self, state: &AppState, due: &mail::Outgoing) -> Result<(), String> {
        let to: Mailbox = due.address.parse().map_err(|error| format!("the address cannot be written to: {error}"))?;
        let (subject, text) = match &due.content {
            Content::Activation { org_name, link } => activation(org_name.as_str(), &format!("{}/activate/{link}", state.public_url())),
            Content::Alert { subject, lines, org_name, org_slug } => {
                alert(subject, lines, org_name.as_str(), &format!("{}{}", state.public_url(), paths::audit(org_slug)))
            }
            Content::Reset { link } => reset(&format!("{}/reset/{link}", state.public_url())),
            Content::Notice { subject, lines } => notice(subject, lines, &format!("{}{}", state.public_url(), paths::SIGN_IN)),
        };
        let message = Message::builder().from(self.from.clone()).to(to).subject(subject).header(ContentType::TEXT_PLAIN);
        let message = message.body(text).map_err(|error| error.to_string())?;
        match &self.transport {
            Transport::Smtp(smtp) => smtp.send(message).await.map(drop).map_err(|error| error.to_string()),
            Transport::Files(files) => files.send(message).await.map(drop).map_err(|error| error.to_string()),
        }
    }
}

fn files(folder: &Path) -> Result<AsyncFileTransport<Tokio1Executor>, String> {
    directory::private_folder(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(AsyncFileTransport::new(folder))
}

/// The subject and the text of an activation mail. The organisation's name is the only part that is not ours: it is
/// plain text, holds no line break, and is short.
fn activation(org: &str, link: &str) -> (String, String) {
    let subject = format!("Activate your access to {org}");
    let text = format!(
        "Hello,\n\n\
         {org} has given you access to its workspace on Rollcall. Open this link to activate it:\n\n\
         {link}\n\n\
         The link works once, for seven days. If it has expired, ask an administrator of {org} to send another.\n\
         If you do not know {org}, ignore this mail: nothing happens unless the link is used.\n"
    );
    (subject, text)
}

/// The subject and the text of an alert. The names in it were made harmless where it was written: each stays within its line.
fn alert(subject: &str, lines: &[String], org: &str, audit_log: &str) -> (String, String) {
    let text = format!(
        "Hello,\n\n\
         {}\n\n\
         Every owner of {org} gets this mail. If this is not what you expect, look at the audit log:\n\n\
         {audit_log}\n",
        lines.join("\n")
    );
    (subject.to_owned(), text)
}

/// The subject and the text of a mail that sets a password anew.
fn reset(link: &str) -> (String, String) {
    let text = format!(
        "Hello,\n\n\
         somebody asked for a new password for your account on Rollcall. Open this link to set one:\n\n\
         {link}\n\n\
         The link works once, for an hour. If that was not you, ignore this mail: nothing happens unless the link is used.\n"
    );
    ("Set a new password".to_owned(), text)
}

/// The subject and the text of a mail that tells somebody of her own account.
fn notice(subject: &str, lines: &[String], sign_in: &str) -> (String, String) {
    (subject.to_owned(), format!("Hello,\n\n{}\n\nSign in at {sign_in}\n", lines.join("\n\n")))
}
