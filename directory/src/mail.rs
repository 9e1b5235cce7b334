//! The queue of mails, from the sender's side. The sender asks what is due, sends it, and says how it went.

use std::time::Duration;

use domain::{MailId, OrgName};

use crate::{Call, Db, Error, OrgScope, secret::new_link, store};

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
    /// Which organisation it is about.
    pub org_name: OrgName,
    /// The secret of the link that it carries; the address of the page stands before it.
    pub link: String,
    attempts: i64,
}

/// The mail that is due next, if any. Its link is made here, when it is needed, and its forerunners stop working; a
/// mail whose membership has ended since is dropped.
pub async fn next_due(db: &Db, call: &Call) -> Result<Option<Outgoing>, Error> {
    loop {
        let tx = db.begin_outside().await?;
        let Some(due) = store::mails::take(&tx, call.now, call.now + LEASE).await? else { return Ok(None) };
        let Some(membership) = due.membership else {
            store::mails::failed(&tx, due.id, "access ended before it was sent", None).await?;
            tx.commit().await?;
            continue;
        };
        tx.commit().await?;

        let tx = db.begin(OrgScope::new(due.org)).await?;
        let (secret, hash) = new_link(call);
        let org_name = store::organizations::name(&tx).await?;
        store::links::delete_activation_of(&tx, membership).await?;
        if !store::links::insert_activation(&tx, &hash, membership, &due.address, call.now, call.now + LINK_LIFETIME).await? {
            // The membership ended between the two transactions: the queue's row says so by itself now.
            continue;
        }
        tx.commit().await?;
        return Ok(Some(Outgoing { id: due.id, address: due.address, org_name, link: secret.reveal(), attempts: due.attempts + 1 }));
    }
}

/// The mail was handed over.
pub async fn sent(db: &Db, mail: &Outgoing, call: &Call) -> Result<(), Error> {
    let tx = db.begin_outside().await?;
    store::mails::sent(&tx, mail.id, call.now).await?;
    tx.commit().await
}

/// The mail could not be handed over: it is tried again later, a few times.
pub async fn failed(db: &Db, mail: &Outgoing, error: &str, call: &Call) -> Result<(), Error> {
    let again = (mail.attempts < ATTEMPTS).then(|| call.now + Duration::from_secs(60 << (mail.attempts - 1).clamp(0, 6)));
    let tx = db.begin_outside().await?;
    store::mails::failed(&tx, mail.id, error, again).await?;
    tx.commit().await
}
