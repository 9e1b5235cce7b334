//! The deprovision drill: somebody who does not exist is provisioned, let in everywhere and deprovisioned again, and whatever she
//! held is tried until it is refused.
//!
//! A drill runs in a satellite: an organisation of its own that belongs to the real one and is gone when the drill ends. All that
//! the drill makes is in there, so that tenancy itself keeps it from every other token, list, count, webhook and mail. Only the
//! drill's token comes in by the real organisation's URL. Here the run begins and ends; the requests are the server's to send.

use std::time::Duration;

use domain::{
    AccountId, AgentId, DirectoryUserId, DrillId, MappableRole, OrgId, OrgName, OrgSlug, Permission, ServiceCredentialId, TeamId, TeamRole,
    TokenId,
    audit::AuditAction,
    drill::{DrillReport, DrillState},
    mapping::MappingTarget,
    name::{AgentDescription, AgentName, TeamName},
    view::{DrillPage, DrillsView, LastDrillView, ScimStatus},
};
use uuid::Uuid;

use crate::{
    Actor, Call, Db, Error, OrgScope,
    secret::{Credential, Kind},
    sessions::{Entry, SignedIn},
    sign_in::entry,
    store::{
        self,
        agents::Grantee,
        audit::{Details, Target},
        db::Tx,
        service_credentials::NewCredential,
        tokens::NewDrillToken,
    },
    subject::Subject,
    throttle::Attempt,
};

/// How long a drill's token lives.
pub const TOKEN: Duration = Duration::from_secs(5 * 60);
/// How long a run may say nothing before it counts as interrupted.
pub const LEASE: Duration = Duration::from_secs(60);
/// Reports that are kept of one organisation.
const KEPT: i64 = 50;
/// What the satellite's team, agent, group and token are called, as far as anybody sees them.
const NAME: &str = "Deprovision drill";

/// A drill that is under way, and what it is let in with. No `Debug`: it holds secrets.
pub struct Run {
    /// The drill.
    pub id: DrillId,
    /// Which one of the organisation's it is.
    pub number: i64,
    /// The organisation.
    pub org: OrgId,
    /// The satellite's name in URLs.
    pub slug: OrgSlug,
    /// The agent that the group opens.
    pub agent: AgentId,
    token: String,
    service: String,
    satellite: OrgScope,
    actor: Actor,
    call: Call,
}

impl Run {
    /// The name of the group that is mapped to the role member, and to a seat in the team which may use the agent.
    pub const GROUP: &str = NAME;

    /// The drill's provisioning token. It is shown to the nodes and to nobody else.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The credential of a service of the satellite.
    pub fn service(&self) -> &str {
        &self.service
    }

    /// Leave to act in the satellite.
    pub fn satellite(&self) -> OrgScope {
        self.satellite
    }

    fn home(&self) -> OrgScope {
        OrgScope::new(self.org)
    }
}

/// Begin a drill, for an owner who has given her password within the last minutes.
///
/// # Errors
/// [`Error::Conflict`] while another one is under way, or while SCIM is off.
pub async fn begin(db: &Db, who: &SignedIn, scope: OrgScope, call: &Call) -> Result<Run, Error> {
    db.retrying(|| async {
        let tx = db.begin(scope).await?;
        store::organizations::lock(&tx).await?;
        who.confirm_fresh(&tx, Permission::ManageSecurity, call.now).await?;
        begin_in(tx, who.actor(), call).await
    })
    .await
}

/// The same at the server's command line, for the organisation of this id or name in URLs.
pub async fn begin_as_operator(db: &Db, org: &str, call: &Call) -> Result<Run, Error> {
    let unknown = || Error::Conflict(format!("There is no organisation {org}. Name it by its id, or as in its addresses (/o/…)."));
    let outside = db.read_outside().await?;
    let found = match (org.parse::<OrgId>(), OrgSlug::try_from(org.to_owned())) {
        (Ok(id), _) => Some(id),
        (Err(_), Ok(slug)) => store::organizations::find_by_slug(&outside, &slug).await?,
        _ => None,
    };
    let found = found.ok_or_else(unknown)?;
    drop(outside);
    db.retrying(|| async {
        let tx = db.begin(OrgScope::new(found)).await?;
        if !store::organizations::exists(&tx).await? {
            return Err(unknown());
        }
        store::organizations::lock(&tx).await?;
        begin_in(tx, Actor::Operator, call).await
    })
    .await
}

/// Make the satellite and what a run needs in it. The organisation is locked by the caller: one run at a time.
async fn begin_in(tx: Tx, actor: Actor, call: &Call) -> Result<Run, Error> {
    let org = tx.org();
    if store::connections::status_of(&tx).await? != ScimStatus::Enabled {
        return Err(Error::Conflict("Enable SCIM first: a drill comes in by it.".to_owned()));
    }
    let tx = end_stale(tx, call).await?;
    if store::drills::running(&tx).await?.is_some() {
        return Err(Error::Conflict("A drill is under way already. Its report is there in a moment.".to_owned()));
    }
    let (id, by): (DrillId, _) = (call.new_id(), actor.name());
    let number = store::drills::insert(&tx, id, &by, call.now, call.now + LEASE).await?;
    crate::audit::append(&tx, AuditAction::DrillStarted, &actor, Some(target(id, number)), vec![], call).await?;

    let satellite: Uuid = call.new_id();
    let slug = OrgSlug::try_from(format!("drill-{}", satellite.simple()))?;
    let satellite = OrgScope::new(satellite.into());
    let tx = tx.in_scope(satellite).await?;
    store::organizations::insert_satellite(&tx, org, &OrgName::try_from(NAME.to_owned())?, &slug, call.now).await?;
    store::connections::enable(&tx, &by, call).await?;
    let connection = crate::provisioning::connection::enabled(&tx).await?;
    let token_id: TokenId = call.new_id();
    let token = Credential::mint(Kind::Provisioning, token_id, call);
    let new = NewDrillToken {
        id: token_id,
        connection,
        name: NAME,
        hash: &token.hash,
        hint: &token.hint,
        created_by: &by,
        now: call.now,
        expires_at: call.now + TOKEN,
    };
    store::tokens::insert_for_drill(&tx, new).await?;
    let agent = give_to_group(&tx, &by, call).await?;
    let service_id: ServiceCredentialId = call.new_id();
    let service = Credential::mint(Kind::Service, service_id, call);
    let new = NewCredential {
        id: service_id,
        name: NAME,
        hash: &service.hash,
        hint: &service.hint,
        created_by: &by,
        created_by_member: None,
        now: call.now,
    };
    store::service_credentials::insert(&tx, new).await?;
    tx.commit().await?;
    Ok(Run {
        id,
        number,
        org,
        slug,
        agent,
        token: token.secret.reveal(),
        service: service.secret.reveal(),
        satellite,
        actor,
        call: call.clone(),
    })
}

/// A team that may use an agent, and two mappings that wait for the drill's group: to the role member, and to a seat in the team.
async fn give_to_group(tx: &Tx, by: &str, call: &Call) -> Result<AgentId, Error> {
    let (team, agent): (TeamId, AgentId) = (call.new_id(), call.new_id());
    store::teams::insert(tx, team, &TeamName::try_from(NAME.to_owned())?, by, call.now).await?;
    store::agents::insert(tx, agent, &AgentName::try_from(NAME.to_owned())?, &AgentDescription::default(), None, by, call.now).await?;
    store::agents::grant(tx, agent, Grantee::Team(team), by, call).await?;
    for gives in [MappingTarget::Org(MappableRole::Member), MappingTarget::Team(team, TeamRole::Member)] {
        store::mappings::insert(tx, None, Run::GROUP, gives, by, Some(by), call).await?;
    }
    Ok(agent)
}

/// The run is alive, and has come this far.
///
/// # Errors
/// [`Error::Conflict`] when it was taken for dead meanwhile: its satellite is gone.
pub async fn renew(db: &Db, run: &Run, report: &DrillReport, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        let tx = db.begin(run.home()).await?;
        if !store::drills::renew(&tx, run.id, report, call.now + LEASE).await? {
            return Err(taken_for_dead());
        }
        tx.commit().await
    })
    .await
}

fn taken_for_dead() -> Error {
    Error::Conflict("The drill said nothing for too long and was taken for interrupted.".to_owned())
}

/// Let the drill's person in as somebody who has followed her activation link: she has no address to mail one to. From here on,
/// whatever she holds is minted as anybody's is.
///
/// # Errors
/// [`Error::NotFound`] when no user of this id is in the satellite, or the directory has not let her in.
pub async fn let_in(db: &Db, run: &Run, user: DirectoryUserId, call: &Call) -> Result<Entry, Error> {
    db.retrying(|| async {
        let tx = db.begin(run.satellite).await?;
        let record = store::scim_users::find(&tx, user).await?.ok_or(Error::NotFound("User"))?;
        let member = record.member.ok_or(Error::NotFound("member"))?;
        let subject = Subject::lock(&tx, None, member).await?.ok_or(Error::Stale)?;
        let membership = subject.membership.as_ref().ok_or(Error::NotFound("membership"))?;
        store::members::prove(&tx, member, membership.id, call.now).await?;
        let doors = store::people::doors(&tx, subject.account.id).await?;
        let door = doors.iter().find(|door| door.membership == membership.id).ok_or(Error::NotFound("membership"))?;
        let mut entry = entry(door, doors.len(), &subject.account, NAME, call);
        "drill".clone_into(&mut entry.begin.auth_method);
        tx.commit().await?;
        Ok(entry)
    })
    .await
}

/// What is left in the satellite that lets anybody act: what it is, and how many there are. Nothing, after everybody has left.
pub async fn left(db: &Db, run: &Run) -> Result<Vec<(&'static str, i64)>, Error> {
    let counted = store::drills::left(&db.read(run.satellite).await?).await?;
    Ok(counted.into_iter().filter(|(_, count)| *count > 0).collect())
}

/// End a run, and clear everything away but its report.
///
/// # Errors
/// [`Error::Conflict`] when it was taken for dead meanwhile.
pub async fn finish(db: &Db, run: &Run, report: &DrillReport, call: &Call) -> Result<DrillPage, Error> {
    let state = if report.passed() { DrillState::Passed } else { DrillState::Failed };
    let call = run.call.later(call.now);
    db.retrying(|| async {
        let tx = db.begin(run.home()).await?;
        store::organizations::lock(&tx).await?;
        if !store::drills::end(&tx, run.id, state, Some(report), call.now).await? {
            return Err(taken_for_dead());
        }
        let mut details = vec![("result".to_owned(), state.as_str().to_owned())];
        details.extend(report.problems().into_iter().take(5).map(|problem| ("problem".to_owned(), problem)));
        note_end(&tx, run.id, run.number, &run.actor, details, &call).await?;
        let tx = remove_satellite(tx).await?;
        store::drills::forget(&tx, run.number - KEPT).await?;
        let (drill, report) = store::drills::find(&tx, run.id).await?.ok_or(Error::Stale)?;
        tx.commit().await?;
        Ok(DrillPage { now: call.now, drill, report })
    })
    .await
}

/// Clear away what runs have left whose runner is gone. Called now and then by every server, and by each new run for itself.
pub async fn sweep(db: &Db, call: &Call) -> Result<(), Error> {
    let db = &db.for_jobs();
    let stale = store::drills::stale(&db.look_around().await?, call.now).await?;
    for org in stale {
        let ended = db.retrying(|| async {
            let tx = db.begin(OrgScope::new(org)).await?;
            store::organizations::lock(&tx).await?;
            end_stale(tx, call).await?.commit().await
        });
        // One organisation's trouble is not the others'.
        if let Err(error) = ended.await {
            tracing::error!(%org, %error, "an interrupted drill could not be cleared away");
        }
    }
    Ok(())
}

/// End the organisation's run that has said nothing since its lease ended, if there is one.
async fn end_stale(tx: Tx, call: &Call) -> Result<Tx, Error> {
    let Some(stale) = store::drills::running(&tx).await?.filter(|run| run.leased_until <= call.now) else { return Ok(tx) };
    store::drills::end(&tx, stale.id, DrillState::Interrupted, None, call.now).await?;
    let details = vec![("result".to_owned(), DrillState::Interrupted.as_str().to_owned())];
    note_end(&tx, stale.id, stale.number, &Actor::System, details, call).await?;
    remove_satellite(tx).await
}

/// Delete the satellite of the transaction's organisation, if there is one.
async fn remove_satellite(tx: Tx) -> Result<Tx, Error> {
    let home = OrgScope::new(tx.org());
    let Some(satellite) = store::organizations::satellite(&tx).await? else { return Ok(tx) };
    let tx = tx.in_scope(OrgScope::new(satellite)).await?;
    let accounts: Vec<AccountId> = store::organizations::delete_satellite(&tx).await?;
    for account in accounts {
        Attempt::forget_user_codes(&tx, account).await?;
    }
    tx.in_scope(home).await
}

async fn note_end(tx: &Tx, id: DrillId, number: i64, actor: &Actor, details: Details, call: &Call) -> Result<(), Error> {
    crate::audit::append(tx, AuditAction::DrillFinished, actor, Some(target(id, number)), details, call).await
}

fn target(id: DrillId, number: i64) -> Target {
    Target { kind: "drill", id: Uuid::from(id), name: format!("Drill {number}") }
}

/// The organisation's drills, with the nodes that the next one would try.
pub async fn list(db: &Db, viewer: &SignedIn, scope: OrgScope, nodes: &[String], call: &Call) -> Result<DrillsView, Error> {
    let tx = db.read(scope).await?;
    Ok(DrillsView {
        now: call.now,
        drills: store::drills::list(&tx, KEPT).await?,
        nodes: nodes.to_vec(),
        scim_on: store::connections::status_of(&tx).await? == ScimStatus::Enabled,
        can_run: viewer.role.may(Permission::ManageSecurity),
    })
}

/// The last drill that has ended: nothing for whoever may not see the security settings, nor while SCIM is off and none was ever run.
pub async fn last(db: &Db, viewer: &SignedIn, scope: OrgScope, call: &Call) -> Result<Option<LastDrillView>, Error> {
    if !viewer.role.may(Permission::SeeSecurity) {
        return Ok(None);
    }
    let tx = db.read(scope).await?;
    // One may be under way.
    let drill = store::drills::list(&tx, 2).await?.into_iter().find(|drill| drill.state != DrillState::Running);
    let scim_on = store::connections::status_of(&tx).await? == ScimStatus::Enabled;
    Ok((scim_on || drill.is_some()).then_some(LastDrillView { now: call.now, drill }))
}

/// One of them, with its report.
pub async fn page(db: &Db, scope: OrgScope, drill: DrillId, call: &Call) -> Result<DrillPage, Error> {
    let tx = db.read(scope).await?;
    let (drill, report) = store::drills::find(&tx, drill).await?.ok_or(Error::NotFound("drill"))?;
    Ok(DrillPage { now: call.now, drill, report })
}
