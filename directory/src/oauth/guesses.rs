//! Guesses at the secrets of programs: an organisation hears of those that knew one of its secrets' public ids.

use domain::audit::AuditAction;

use crate::{
    Actor, Call, Db, Error, OrgScope,
    secret::{Credential, Kind},
    store, throttle,
};

/// Note in the audit log of the organisation that the credential `text` names that somebody showed it with a wrong secret. One that is
/// right has expired or ended, which happens to every client every ten minutes; one that names nothing concerns nobody. Called after
/// the answer was given, so that it takes no part in the answer's time.
pub async fn note_failure(db: &Db, text: &str, call: &Call) -> Result<(), Error> {
    let Some(shown) = Credential::parse(text) else { return Ok(()) };
    let outside = db.read_outside().await?;
    let (what, found) = match shown.kind {
        Kind::Service => {
            let tx = outside;
            let found = store::service_credentials::present(&tx, shown.id, call.now).await?;
            ("a service credential", found.map(|found| (found.org, found.hash)))
        }
        Kind::Access | Kind::Refresh => {
            let tx = store::api_sessions::enter(outside, shown.kind, shown.id).await?;
            let found = store::api_sessions::by_token(&tx, shown.kind, shown.id).await?;
            (if shown.kind == Kind::Access { "an access token" } else { "a refresh token" }, found.map(|found| (found.org, found.hash)))
        }
        Kind::Personal => {
            let tx = store::api_sessions::enter(outside, Kind::Personal, shown.id).await?;
            let found = store::api_sessions::acting(&tx, Kind::Personal, shown.id, call.now).await?;
            ("a personal token", found.map(|found| (found.org, found.hash)))
        }
        Kind::Provisioning | Kind::Device => return Ok(()),
    };
    let Some((org, _)) = found.filter(|(_, hash)| !shown.matches(Some(hash))) else { return Ok(()) };
    db.retrying(|| async {
        let tx = db.begin(OrgScope::new(org)).await?;
        if let Some(unlisted) = throttle::worth_noting(&tx, "api_note", &shown.id.to_string(), call).await? {
            let details = [vec![("why".to_owned(), format!("the id of {what}, and a wrong secret"))], unlisted].concat();
            crate::audit::append(&tx, AuditAction::ApiAuthenticationFailed, &Actor::Anonymous { claims: None }, None, details, call)
                .await?;
        }
        tx.commit().await
    })
    .await
}
