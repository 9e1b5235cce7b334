//! Alerts: mails that tell every owner what concerns all of them. Queued in the transaction of what they tell of.

use std::time::Duration;

use domain::{OrgRole, audit::AuditAction};

use crate::{
    Actor, Call, Db, Error, OrgScope,
    store::{self, accounts::Account, audit::Target, db::Tx, mails::Alert},
    throttle::digest,
};

/// Refusals of the same organisation within this time make one mail: whoever tries it over and over fills nobody's inbox.
const REFUSAL_WINDOW: Duration = Duration::from_secs(3_600);

/// Tell everybody who holds owner at this point of the transaction. Where one loses it, the caller comes here before, and
/// where one gains it, afterwards: both hear of it.
pub(crate) async fn to_owners(tx: &Tx, subject: &str, line: &str, call: &Call) -> Result<(), Error> {
    let org = store::organizations::name(tx).await?;
    let mut lines = vec![line.to_owned()];
    lines.extend(call.request_id.as_ref().map(|id| format!("Request: {id}")));
    let alert = Alert { subject: plain(&format!("{org}: {subject}"), 160), lines: lines.iter().map(|line| plain(line, 400)).collect() };
    for owner in store::grants::owners(tx).await? {
        store::mails::insert_alert(tx, owner.membership, &owner.address, &alert, call).await?;
    }
    Ok(())
}

/// Tell the person herself of what was done with her account.
pub(crate) async fn to_person<S: Send + Sync>(
    tx: &Tx<S>,
    account: &Account,
    subject: &str,
    lines: &[&str],
    call: &Call,
) -> Result<(), Error> {
    let Some(address) = &account.email else { return Ok(()) };
    let from = call.ip.as_ref().map(|ip| format!("From: {}", plain(ip, 60)));
    let lines = lines.iter().map(|line| plain(line, 400)).chain(from).collect();
    store::account_mails::insert_notice(tx, address, &Alert { subject: plain(subject, 160), lines }, call).await
}

/// Whether this is the first of its kind about `what` within the hour: the others are in the audit log only.
pub(crate) async fn first_of(tx: &Tx, kind: &str, what: &str, call: &Call) -> Result<bool, Error> {
    let key = digest(&format!("{} {what}", tx.org()));
    Ok(store::failures::add(tx, kind, &key, call.now, call.now - REFUSAL_WINDOW).await?.failures == 1)
}

/// A refusal by law 6 rolled everything back. Put it into the audit log and tell the owners, in a transaction of its own.
pub(crate) async fn last_owner_kept(db: &Db, scope: OrgScope, target: &Target, actor: &Actor, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        let details = vec![("why".to_owned(), "an organisation keeps at least one active owner".to_owned())];
        crate::audit::append(&tx, AuditAction::LastOwnerKept, actor, Some(target.clone()), details, call).await?;
        let key = digest(&tx.org().to_string());
        if store::failures::add(&tx, "last_owner_alert", &key, call.now, call.now - REFUSAL_WINDOW).await?.failures == 1 {
            let line = format!(
                "{} tried to end the access or the ownership of {}. That was refused, and nothing was changed: it would have left the \
                 organisation without an active owner. Further attempts within the hour are in the audit log only.",
                name(&actor.name()),
                name(&target.name)
            );
            to_owners(&tx, "the last owner was kept", &line, call).await?;
        }
        tx.commit().await
    })
    .await
}

/// What the audit log and alerts say of a role.
pub(crate) fn role(role: OrgRole) -> (String, String) {
    ("role".to_owned(), role.to_string())
}

/// A name in a sentence: whoever chose it, it is short, it stays within its line, and no mail program makes a link of it.
pub(crate) fn name(text: &str) -> String {
    let text = plain(text, 120);
    let lower = text.to_ascii_lowercase();
    if lower.contains("://") || lower.contains("www.") { text.replace("://", ": // ").replace('.', " . ") } else { text }
}

/// Text that cannot break a line, a header or what stands after it, cut to `most` characters.
fn plain(text: &str, most: usize) -> String {
    let breaks = |c: char| {
        c.is_control() || c.is_whitespace() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let words: Vec<&str> = text.split(breaks).filter(|word| !word.is_empty()).collect();
    let text = words.join(" ");
    if text.chars().count() <= most {
        return text;
    }
    text.chars().take(most - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_somebody_else_chose_cannot_break_out_of_its_line() {
        assert_eq!(plain("Mira\r\nBcc: eve@evil.test\u{2028}\u{202e}x", 200), "Mira Bcc: eve@evil.test x");
        assert_eq!(name("Your mailbox is full: https://evil.test/x"), "Your mailbox is full: https: // evil . test/x");
        assert_eq!(name("See WWW.evil.test"), "See WWW . evil . test");
        assert_eq!(name("J. R. Olsen"), "J. R. Olsen");
        assert_eq!(plain("é".repeat(9).as_str(), 5), "éééé…");
        assert_eq!(plain(" a  b ", 5), "a b");
    }
}
