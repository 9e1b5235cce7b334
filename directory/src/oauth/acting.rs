//! Who a token acts for at this moment: read anew on every use, never kept.

use std::collections::BTreeMap;

use domain::{
    AgentId, MembershipId, OrgName, OrgRole, OrgSlug, PersonalTokenId, TeamId, TeamRole, Timestamp,
    access::Holding,
    oauth::{Scope, Scopes},
    view::AgentReach,
};

use crate::{
    Call, Db, Error, OrgScope,
    secret::{Credential, Kind},
    store::{self, api_sessions::Acting, db::Tx},
};

/// A person's token that is good at this moment, and what it can do.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// Leave to act in the organisation that the token is for.
    pub scope: OrgScope,
    /// The organisation's name.
    pub org_name: OrgName,
    /// Its name in URLs.
    pub org_slug: OrgSlug,
    /// What other systems call the person: it stays when she leaves and comes back.
    pub subject: String,
    /// Her name, or her address.
    pub name: String,
    /// Her role in force.
    pub role: OrgRole,
    /// Her teams: name and role in each, by name.
    pub teams: Vec<(TeamId, String, TeamRole)>,
    /// The agents that the token opens, by name: those that she may use, if the token is for agents at all; of an agent's own
    /// token, only that agent.
    pub agents: Vec<AgentReach>,
    /// What the token may do.
    pub scopes: Scopes,
    /// The client that it was given to; none has a personal token.
    pub client: Option<String>,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Who the access or personal token `text` acts for at this moment, if for anyone.
///
/// # Errors
/// [`Error::Unauthenticated`] for everything that is wrong with it: malformed, unknown, expired, ended, of another kind, or of
/// somebody who may not act.
pub async fn authenticate(db: &Db, text: &str, call: &Call) -> Result<Bearer, Error> {
    let (bearer, used) = look_up(db, text, call).await?;
    if let Some(token) = used {
        // Only whoever holds a token uses it: a service that asks about it does not.
        note_use(db, bearer.scope, token, call).await?;
    }
    Ok(bearer)
}

/// The same for a service that asks about a token which it was shown.
pub(super) async fn look_up(db: &Db, text: &str, call: &Call) -> Result<(Bearer, Option<PersonalTokenId>), Error> {
    let token =
        Credential::parse(text).filter(|token| matches!(token.kind, Kind::Access | Kind::Personal)).ok_or(Error::Unauthenticated)?;
    let tx = store::api_sessions::enter(db.read_outside().await?, token.kind, token.id).await?;
    let found = store::api_sessions::acting(&tx, token.kind, token.id, call.now).await?;
    drop(tx);
    let right = token.matches(found.as_ref().map(|found| &found.hash));
    let acting = found.filter(|_| right).ok_or(Error::Unauthenticated)?;
    let scope = OrgScope::new(acting.org);
    let tx = db.read(scope).await?;
    let holding = store::roles::sources_of(&tx, acting.membership).await?.resolve();
    let reach = store::agents::reach(&tx, &holding).await?;
    if acting.agent.is_some_and(|agent| !reach.iter().any(|reached| reached.id == agent)) {
        // An agent's token is as good as her leave to use the agent.
        return Err(Error::Unauthenticated);
    }
    let names: BTreeMap<_, _> = store::teams::choices(&tx).await?.into_iter().collect();
    drop(tx);
    let used = (token.kind == Kind::Personal && acting.last_used_at.is_none_or(|used| used <= call.now - store::tokens::USED_EVERY))
        .then(|| PersonalTokenId::from(token.id));
    Ok((bearer(acting, scope, &holding, &names, reach), used))
}

fn bearer(acting: Acting, scope: OrgScope, holding: &Holding, names: &BTreeMap<TeamId, String>, reach: Vec<AgentReach>) -> Bearer {
    let opened = |agent: &AgentReach| acting.scopes.has(Scope::Agents) && acting.agent.is_none_or(|own| own == agent.id);
    let mut teams: Vec<_> =
        holding.teams.iter().filter_map(|(team, role)| names.get(team).map(|name| (*team, name.clone(), *role))).collect();
    teams.sort_by(|a, b| a.1.cmp(&b.1));
    Bearer {
        scope,
        name: acting.profile.name().or(acting.email).unwrap_or_else(|| "Somebody without a name".to_owned()),
        org_name: acting.org_name,
        org_slug: acting.org_slug,
        subject: acting.subject,
        role: acting.role,
        teams,
        agents: reach.into_iter().filter(opened).collect(),
        scopes: acting.scopes,
        client: acting.client,
        issued_at: acting.issued_at,
        expires_at: acting.expires_at,
    }
}

async fn note_use(db: &Db, scope: OrgScope, token: PersonalTokenId, call: &Call) -> Result<(), Error> {
    let there = db
        .retrying(|| async {
            let tx = db.begin(scope).await?;
            let there = store::personal_tokens::used(&tx, token, call.now, call.ip.as_deref()).await?;
            tx.commit().await?;
            Ok(there)
        })
        .await?;
    // It ended between the two statements.
    if there { Ok(()) } else { Err(Error::Unauthenticated) }
}

/// Whether whoever has this membership may use this agent now.
pub(super) async fn reaches(tx: &Tx, membership: MembershipId, agent: AgentId) -> Result<bool, Error> {
    let holding = store::roles::sources_of(tx, membership).await?.resolve();
    let grants = store::agents::grants(tx, Some(agent)).await?.remove(&agent).unwrap_or_default();
    Ok(grants.let_in(&holding))
}
