//! What services of an organisation ask: whom does this token act for, and may it use this agent (RFC 7662)?

use domain::{AgentId, ServiceCredentialId, view::AgentReach};

use super::acting::{Bearer, look_up};
use crate::{
    Call, Db, Error, OrgScope,
    secret::{Credential, Kind},
    store,
};

/// A service whose credential is good: leave to ask about its own organisation, and about no other.
#[derive(Clone, Copy, Debug)]
pub struct Service {
    scope: OrgScope,
}

impl Service {
    /// The organisation whose service it is.
    pub fn org(&self) -> domain::OrgId {
        self.scope.org()
    }
}

/// The service that shows `text`, which has to be the credential `named`, if the request named one.
///
/// # Errors
/// [`Error::Unauthenticated`] for everything that is wrong.
pub async fn authenticate(db: &Db, named: Option<&str>, text: &str, call: &Call) -> Result<Service, Error> {
    let shown = Credential::of_kind(Kind::Service, text).ok_or(Error::Unauthenticated)?;
    let id = ServiceCredentialId::from(shown.id);
    if named.is_some_and(|named| named != id.to_string()) {
        return Err(Error::Unauthenticated);
    }
    let tx = db.read_outside().await?;
    let found = store::service_credentials::present(&tx, shown.id, call.now).await?;
    drop(tx);
    let right = shown.matches(found.as_ref().map(|found| &found.hash));
    let found = found.filter(|found| right & found.state.works()).ok_or(Error::Unauthenticated)?;
    let scope = OrgScope::new(found.org);
    if found.last_used_at.is_none_or(|used| used <= call.now - store::tokens::USED_EVERY) {
        let live = db
            .retrying(|| async {
                let tx = db.begin(scope).await?;
                let live = store::service_credentials::used(&tx, found.id, call.now, call.ip.as_deref()).await?;
                tx.commit().await?;
                Ok(live)
            })
            .await?;
        if !live {
            return Err(Error::Unauthenticated);
        }
    }
    Ok(Service { scope })
}

/// Whom `token` acts for at this moment. Unknown, expired, revoked and another organisation's are all the same: nobody.
pub async fn introspect(db: &Db, service: Service, token: &str, call: &Call) -> Result<Option<Bearer>, Error> {
    match look_up(db, token, call).await {
        Ok((bearer, _)) => Ok(Some(bearer).filter(|bearer| bearer.scope == service.scope)),
        Err(Error::Unauthenticated) => Ok(None),
        Err(other) => Err(other),
    }
}

impl Bearer {
    /// Whether the token opens `agent`, and through what. No to an agent that there is not.
    pub fn opens(&self, agent: AgentId) -> Option<&AgentReach> {
        self.agents.iter().find(|reach| reach.id == agent)
    }
}
