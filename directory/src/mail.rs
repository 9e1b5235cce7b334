//! The queue of mails, from the sender's side. The sender asks what is due, sends it, and says how it went.

use std::time::Duration;

use domain::{MailId, OrgId, OrgName, OrgSlug, Timestamp};

use crate::{
    Call, Db, Error, OrgScope, account,
    secret::new_link,
    store::{self, mails::Alert},
};

/// How long a link in a mail works.
pub const LINK_LIFETIME: Duration = Duration::from_secs(7 * 86_400);
/// How long a node may take over sending one mail before another node takes it.
const LEASE: Duration = Duration::from_secs(120);
/// How often sending is tried, and the pauses between: 1, 2, 4, … minutes.
const ATTEMPTS: i64 = 6;

/// A mail to send now.
pub struct Outgoing {
    /// Say how it went under this id.
    pub id: MailId,
    /// To whom.
    pub address: String,
    /// What it says.
    pub content: Content,
    attempts: i64,
    queue: Queue,
}

/// Where a mail was queued.
#[derive(Clone, Copy)]
enum Queue {
    /// Among those that are about a membership of this organisation.
    Org(OrgId),
    /// Among those that are about an account.
    Account,
}

/// What a mail says.
pub enum Content {
    /// Somebody has been given access, and activates it by a link.
    Activation {
        /// Which organisation.
        org_name: OrgName,
        /// The secret of the link; the address of the page stands before it.
        link: String,
    },
    /// Something that concerns every owner.
    Alert {
        /// The subject: one line.
        subject: String,
        /// What happened, sentence by sentence.
        lines: Vec<String>,
        /// Which organisation it is about.
        org_name: OrgName,
        /// The organisation's name in URLs.
        org_slug: OrgSlug,
    },
    /// Somebody asked for a way to set her password anew.
    Reset {
        /// The secret of the link; the address of the page stands before it.
        link: String,
    },
    /// Something was done with her account.
    Notice {
        /// The subject: one line.
        subject: String,
        /// What happened, sentence by sentence.
        lines: Vec<String>,
    },
}

impl Outgoing {
    /// The secret of the link that it carries, if it carries one.
    pub fn link(&self) -> Option<&str> {
        match &self.content {
            Content::Activation { link, .. } | Content::Reset { link } => Some(link),
            Content::Alert { .. } | Content::Notice { .. } => None,
        }
    }
}

/// The mail that is due next, if any. Its link is made here, when it is needed, and its forerunners stop working; a
/// mail whose membership has ended since is dropped.
pub async fn next_due(db: &Db, call: &Call) -> Result<Option<Outgoing>, Error> {
    let db = &db.for_jobs();
    if let Some(mail) = next_of_account(db, call).await? {
        return Ok(Some(mail));
    }
    loop {
        let due = db.retrying(|| async { store::mails::take(db.begin_outside().await?, call.now, call.now + LEASE).await });
        let Some(due) = due.await? else { return Ok(None) };
        let made = db.retrying(|| async {
            let tx = db.begin(OrgScope::new(due.org)).await?;
            // Gone by now, or activated by another mail, or blocked: there is nothing to invite to. Nor is there anything to tell
            // somebody who has left.
            let membership = match due.membership {
                Some(id) => store::members::lock_membership_by_id(&tx, id).await?,
                None => None,
            };
            let Some(membership) = membership else { return Ok(None) };
            let (org_name, org_slug) = (store::organizations::name(&tx).await?, store::organizations::slug(&tx).await?);
            if let Some(Alert { subject, lines }) = &due.alert {
                return Ok(Some(Content::Alert { subject: subject.clone(), lines: lines.clone(), org_name, org_slug }));
            }
            if membership.proven_at.is_some() || store::blocks::exists(&tx, membership.member).await? {
                return Ok(None);
            }
            let (secret, hash) = new_link(call);
            store::links::delete_activation_of(&tx, membership.id).await?;
            store::links::insert_activation(&tx, &hash, membership.id, &due.address, call.now, call.now + LINK_LIFETIME).await?;
            tx.commit().await?;
            Ok(Some(Content::Activation { org_name, link: secret.reveal() }))
        });
        match made.await? {
            Some(content) => {
                let attempts = due.attempts + 1;
                return Ok(Some(Outgoing { id: due.id, address: due.address, content, attempts, queue: Queue::Org(due.org) }));
            }
            None => {
                finish(db, Queue::Org(due.org), due.id, due.attempts + 1, Err(("there is nothing to send any more", None)), call).await?
            }
        }
    }
}

/// The mail to a person that is due next. One that asks for a link, where there is no account that could use it, is dropped here,
/// where nobody waits for an answer.
async fn next_of_account(db: &Db, call: &Call) -> Result<Option<Outgoing>, Error> {
    loop {
        let due = db.retrying(|| async {
            let tx = db.begin_outside().await?;
            let due = store::account_mails::take(&tx, call.now, call.now + LEASE).await?;
            tx.commit().await?;
            Ok(due)
        });
        let Some(due) = due.await? else { return Ok(None) };
        let attempts = due.attempts + 1;
        let content = match &due.notice {
            Some(Alert { subject, lines }) => Some(Content::Notice { subject: subject.clone(), lines: lines.clone() }),
            None => {
                let made = db.retrying(|| async {
                    let tx = db.begin_outside().await?;
                    let Some(account) = account::to_reset(&tx, &due.address, due.asked_from.as_deref(), call).await? else {
                        return Ok(None);
                    };
                    let (secret, hash) = new_link(call);
                    store::links::insert_reset(&tx, &hash, account, call.now, call.now + account::LINK_LIFETIME).await?;
                    tx.commit().await?;
                    Ok(Some(Content::Reset { link: secret.reveal() }))
                });
                made.await?
            }
        };
        match content {
            Some(content) => return Ok(Some(Outgoing { id: due.id, address: due.address, content, attempts, queue: Queue::Account })),
            None => finish(db, Queue::Account, due.id, attempts, Err(("nobody to send it to", None)), call).await?,
        }
    }
}

/// The mail was handed over.
pub async fn sent(db: &Db, mail: &Outgoing, call: &Call) -> Result<(), Error> {
    finish(&db.for_jobs(), mail.queue, mail.id, mail.attempts, Ok(()), call).await
}

/// The mail could not be handed over: it is tried again later, a few times.
pub async fn failed(db: &Db, mail: &Outgoing, error: &str, call: &Call) -> Result<(), Error> {
    let again = (mail.attempts < ATTEMPTS).then(|| call.now + Duration::from_secs(60 << (mail.attempts - 1).clamp(0, 6)));
    finish(&db.for_jobs(), mail.queue, mail.id, mail.attempts, Err((error, again)), call).await
}

async fn finish(
    db: &Db,
    queue: Queue,
    id: MailId,
    attempt: i64,
    how: Result<(), (&str, Option<Timestamp>)>,
    call: &Call,
) -> Result<(), Error> {
    db.retrying(|| async {
        match queue {
            Queue::Org(org) => {
                let tx = db.begin(OrgScope::new(org)).await?;
                match how {
                    Ok(()) => store::mails::sent(&tx, id, attempt, call.now).await?,
                    Err((error, again)) => store::mails::failed(&tx, id, attempt, error, again).await?,
                }
                tx.commit().await
            }
            Queue::Account => {
                let tx = db.begin_outside().await?;
                match how {
                    Ok(()) => store::account_mails::sent(&tx, id, attempt, call.now).await?,
                    Err((error, again)) => store::account_mails::failed(&tx, id, attempt, error, again).await?,
                }
                tx.commit().await
            }
        }
    })
    .await
}
