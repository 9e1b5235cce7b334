//! What services of the organisation ask us with: issued, rotated and revoked by an owner. They belong to the organisation, not to her.

use domain::{
    Invalid, Permission, ServiceCredentialId,
    audit::AuditAction,
    token::{Retirement, TokenName},
    view::{IssuedServiceCredential, ServiceCredentialView},
};
use uuid::Uuid;

use crate::{
    Call, Db, Error, OrgScope,
    secret::{Credential, Kind, Minted, Secret},
    sessions::SignedIn,
    store::{self, audit::Target, db::Tx, service_credentials::NewCredential},
};

/// Live credentials that an organisation may have.
const MOST: usize = 50;

/// The credentials that work, the newest first.
pub async fn list(db: &Db, scope: OrgScope, call: &Call) -> Result<Vec<ServiceCredentialView>, Error> {
    store::service_credentials::list(&db.read(scope).await?, call.now).await
}

/// Issue a credential. Its secret is in the answer, this once.
pub async fn issue(db: &Db, who: &SignedIn, scope: OrgScope, name: String, call: &Call) -> Result<IssuedServiceCredential, Error> {
    let name = TokenName::try_from(name).map_err(|_| Invalid::new("name", "Name the service that will ask, in at most 60 characters."))?;
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm_fresh(&tx, Permission::ManageSecurity, call.now).await?;
        let (id, secret, hint) = mint(&tx, who, name.as_str(), call).await?;
        let details = vec![("ends in".to_owned(), hint)];
        let target = target(id, name.as_str().to_owned());
        crate::audit::append(&tx, AuditAction::ServiceCredentialIssued, &who.actor(), Some(target), details, call).await?;
        finish(tx, id, secret, call).await
    })
    .await
}

/// Issue another credential for the service that has `credential`, of the same name. The old one stops at once, or goes on for a
/// while so that the service can be given the new one without a gap. The new secret is in the answer, this once.
///
/// # Errors
/// [`Error::NotFound`] for one that does not work, [`Error::Conflict`] for one that is retiring already.
pub async fn rotate(
    db: &Db,
    who: &SignedIn,
    scope: OrgScope,
    credential: ServiceCredentialId,
    retire: &str,
    call: &Call,
) -> Result<IssuedServiceCredential, Error> {
    let retirement: Retirement = retire.parse()?;
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        who.confirm_fresh(&tx, Permission::ManageSecurity, call.now).await?;
        let retired = store::service_credentials::retire(&tx, credential, call.now + retirement.duration(), call.now).await?;
        let Some((name, old)) = retired else {
            let works = store::service_credentials::list(&tx, call.now).await?.iter().any(|other| other.id == credential);
            return Err(match works {
                true => Error::Conflict("Another was issued in its place already. Revoke this one if it is to stop now.".to_owned()),
                false => Error::NotFound("credential"),
            });
        };
        let (id, secret, hint) = mint(&tx, who, &name, call).await?;
        let details = vec![
            ("ends in".to_owned(), hint),
            ("in place of the one that ends in".to_owned(), old),
            ("which stops".to_owned(), retirement.to_string()),
        ];
        crate::audit::append(&tx, AuditAction::ServiceCredentialRotated, &who.actor(), Some(target(id, name)), details, call).await?;
        finish(tx, id, secret, call).await
    })
    .await
}

/// A new credential of this name: its id, its secret and the secret's last characters.
async fn mint(tx: &Tx, who: &SignedIn, name: &str, call: &Call) -> Result<(ServiceCredentialId, Secret, String), Error> {
    if store::service_credentials::list(tx, call.now).await?.len() >= MOST {
        return Err(Error::Conflict(format!(
            "There are {MOST} service credentials, which is the most. Revoke one that is no longer used."
        )));
    }
    let id: ServiceCredentialId = call.new_id();
    let Minted { secret, hash, hint } = Credential::mint(Kind::Service, id, call);
    let credential = NewCredential {
        id,
        name,
        hash: &hash,
        hint: &hint,
        created_by: &who.actor().name(),
        created_by_member: Some(who.member),
        now: call.now,
    };
    store::service_credentials::insert(tx, credential).await?;
    Ok((id, secret, hint))
}

async fn finish(tx: Tx, id: ServiceCredentialId, secret: Secret, call: &Call) -> Result<IssuedServiceCredential, Error> {
    let credential = store::service_credentials::list(&tx, call.now).await?.into_iter().find(|credential| credential.id == id);
    let credential = credential.ok_or(Error::Stale)?;
    tx.commit().await?;
    Ok(IssuedServiceCredential { secret: secret.reveal(), credential })
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
        crate::audit::append(&tx, AuditAction::ServiceCredentialRevoked, &who.actor(), Some(target), details, call).await?;
        tx.commit().await
    })
    .await
}

fn target(id: ServiceCredentialId, name: String) -> Target {
    Target { kind: "service_credential", id: Uuid::from(id), name }
}
