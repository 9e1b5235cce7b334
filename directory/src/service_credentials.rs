//! What services of the organisation ask us with: issued and revoked by an owner. They belong to the organisation, not to her.

use domain::{
    Invalid, Permission, ServiceCredentialId,
    audit::AuditAction,
    token::TokenName,
    view::{IssuedServiceCredential, ServiceCredentialView},
};
use uuid::Uuid;

use crate::{
    Call, Db, Error, OrgScope,
    secret::{Credential, Kind},
    sessions::SignedIn,
    store::{self, audit::Target, service_credentials::NewCredential},
};

/// Live credentials that an organisation may have.
const MOST: usize = 50;

/// The live credentials, the newest first.
pub async fn list(db: &Db, scope: OrgScope) -> Result<Vec<ServiceCredentialView>, Error> {
    store::service_credentials::list(&db.read(scope).await?).await
}

/// Issue a credential. Its secret is in the answer, this once.
pub async fn issue(db: &Db, who: &SignedIn, scope: OrgScope, name: String, call: &Call) -> Result<IssuedServiceCredential, Error> {
    let name = TokenName::try_from(name).map_err(|_| Invalid::new("name", "Name the service that will ask, in at most 60 characters."))?;
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm_fresh(&tx, Permission::ManageSecurity, call.now).await?;
        if store::service_credentials::list(&tx).await?.len() >= MOST {
            return Err(Error::Conflict(format!(
                "There are {MOST} service credentials, which is the most. Revoke one that is no longer used."
            )));
        }
        let id: ServiceCredentialId = call.new_id();
        let minted = Credential::mint(Kind::Service, id, call);
        let credential = NewCredential {
            id,
            name: name.as_str(),
            hash: &minted.hash,
            hint: &minted.hint,
            created_by: &who.actor().name(),
            created_by_member: who.member,
            now: call.now,
        };
        store::service_credentials::insert(&tx, credential).await?;
        let details = vec![("ends in".to_owned(), minted.hint.clone())];
        let target = target(id, name.as_str().to_owned());
        store::audit::append(&tx, AuditAction::ServiceCredentialIssued, &who.actor(), Some(target), details, call).await?;
        let credential = store::service_credentials::list(&tx).await?.into_iter().find(|credential| credential.id == id);
        let credential = credential.ok_or(Error::Stale)?;
        tx.commit().await?;
        Ok(IssuedServiceCredential { secret: minted.secret.reveal(), credential })
    })
    .await
}

/// Revoke a credential: the next question with it is refused.
pub async fn revoke(db: &Db, who: &SignedIn, scope: OrgScope, credential: ServiceCredentialId, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm_fresh(&tx, Permission::ManageSecurity, call.now).await?;
        let revoked = store::service_credentials::revoke(&tx, credential, call.now).await?;
        let (name, hint) = revoked.ok_or(Error::NotFound("credential"))?;
        let details = vec![("ends in".to_owned(), hint)];
        let target = target(credential, name);
        store::audit::append(&tx, AuditAction::ServiceCredentialRevoked, &who.actor(), Some(target), details, call).await?;
        tx.commit().await
    })
    .await
}

fn target(id: ServiceCredentialId, name: String) -> Target {
    Target { kind: "service_credential", id: Uuid::from(id), name }
}
