//! What acts in a person's own name without a browser: she sees it, makes personal tokens, and ends any of it.

use domain::token::TokenName;
use domain::{
    ApiSessionId, Invalid, Permission, PersonalTokenId,
    audit::AuditAction,
    oauth::{PersonalLifetime, Scopes},
    view::{ApiAccessView, IssuedPersonalToken},
};
use uuid::Uuid;

use crate::{
    Call, Db, Error, OrgScope,
    secret::{Credential, Kind},
    sessions::SignedIn,
    store::{self, audit::Target, personal_tokens::NewToken},
};

/// Personal tokens that one person may have at a time.
const MOST: usize = 20;

/// Her clients and her personal tokens.
pub async fn view(db: &Db, who: &SignedIn, scope: OrgScope, call: &Call) -> Result<ApiAccessView, Error> {
    let tx = db.read(scope).await?;
    Ok(ApiAccessView {
        now: call.now,
        sessions: store::api_sessions::list(&tx, who.membership, call.now).await?,
        personal_tokens: store::personal_tokens::list(&tx, who.membership, call.now).await?,
    })
}

/// Make a personal token. Its secret is in the answer, this once.
pub async fn issue(
    db: &Db,
    who: &SignedIn,
    scope: OrgScope,
    name: String,
    lifetime: &str,
    scopes: &str,
    call: &Call,
) -> Result<IssuedPersonalToken, Error> {
    let name = TokenName::try_from(name).map_err(|_| Invalid::new("name", "Say what the token is for, in at most 60 characters."))?;
    let lifetime: PersonalLifetime = lifetime.parse()?;
    if scopes.trim().is_empty() {
        return Err(Invalid::new("scopes", "Choose what the token may do.").into());
    }
    let scopes: Scopes = scopes.parse()?;
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        // Whoever sits at her browser for a moment must not take away a year: the password is asked for.
        who.confirm_fresh(&tx, Permission::Enter, call.now).await?;
        if store::personal_tokens::list(&tx, who.membership, call.now).await?.len() >= MOST {
            return Err(Error::Conflict(format!("You have {MOST} personal tokens, which is the most. Revoke one that is no longer used.")));
        }
        let id: PersonalTokenId = call.new_id();
        let minted = Credential::mint(Kind::Personal, id, call);
        let token = NewToken {
            id,
            membership: who.membership,
            name: name.as_str(),
            scopes: &scopes,
            hash: &minted.hash,
            hint: &minted.hint,
            now: call.now,
            expires_at: call.now + lifetime.duration(),
        };
        store::personal_tokens::insert(&tx, token).await?;
        let details = vec![
            ("ends in".to_owned(), minted.hint.clone()),
            ("lives for".to_owned(), lifetime.to_string()),
            ("scope".to_owned(), scopes.to_string()),
        ];
        let target = Target { kind: "personal_token", id: Uuid::from(id), name: name.as_str().to_owned() };
        crate::audit::append(&tx, AuditAction::PersonalTokenIssued, &who.actor(), Some(target), details, call).await?;
        let token = store::personal_tokens::list(&tx, who.membership, call.now).await?.into_iter().find(|token| token.id == id);
        let token = token.ok_or(Error::Stale)?;
        tx.commit().await?;
        Ok(IssuedPersonalToken { secret: minted.secret.reveal(), token })
    })
    .await
}

/// End one of her personal tokens: its next use is refused.
pub async fn revoke(db: &Db, who: &SignedIn, scope: OrgScope, token: PersonalTokenId, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm(&tx, Permission::Enter).await?;
        let Some((name, hint)) = store::personal_tokens::delete(&tx, who.membership, token).await? else {
            return Err(Error::NotFound("token"));
        };
        let target = Target { kind: "personal_token", id: Uuid::from(token), name };
        let details = vec![("ends in".to_owned(), hint)];
        crate::audit::append(&tx, AuditAction::PersonalTokenRevoked, &who.actor(), Some(target), details, call).await?;
        tx.commit().await
    })
    .await
}

/// Let one of her clients in no longer: its tokens are refused from now on.
pub async fn end(db: &Db, who: &SignedIn, scope: OrgScope, session: ApiSessionId, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm(&tx, Permission::Enter).await?;
        let sessions = store::api_sessions::list(&tx, who.membership, call.now).await?;
        let client = sessions.into_iter().find(|listed| listed.id == session).map(|listed| listed.client);
        if !store::api_sessions::delete(&tx, who.membership, session).await? {
            return Err(Error::NotFound("session"));
        }
        let name = client.unwrap_or_else(|| "a client whose tokens had run out".to_owned());
        let target = Target { kind: "api_session", id: Uuid::from(session), name };
        crate::audit::append(&tx, AuditAction::ApiSessionEnded, &who.actor(), Some(target), vec![], call).await?;
        tx.commit().await
    })
    .await
}
