//! What the directory's groups give: looked at before it acts, and applied only as it was looked at.
//!
//! A mapping is one row; what it gives is computed on each request (law 9), so that one of a group of any size takes effect
//! at once. The plan is the same computation, done twice for everybody in the group: with the mapping and without it.

mod plan;

use std::collections::BTreeSet;

use domain::{
    DirectoryGroupId, DirectoryUserId, Invalid, MappingId, OrgRole, Permission, TeamId,
    audit::AuditAction,
    mapping::{MappingAction, MappingState, MappingTarget},
    view::{GroupChoice, IntegrationsView, MappingPlan, MappingView, ScimStatus},
};
use scim::Kind;
use uuid::Uuid;

use plan::{Change, Plan, plan, view};

use crate::{
    Actor, Call, Db, Error, OrgScope, alerts,
    events::{self, Moved},
    sessions::SignedIn,
    store::{
        self,
        audit::{Details, Target},
        db::Tx,
        mappings::Mapping,
        scim_groups::Record,
    },
};

/// The most groups that are offered for choice.
const MOST_GROUPS: i64 = 1_000;
/// The longest name of a group that is waited for, in characters.
const LONGEST_NAME: usize = 256;

/// What is to be done with a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// What.
    pub action: MappingAction,
    /// With which mapping; none when one is to be made.
    pub mapping: Option<MappingId>,
    /// For which group, when one is to be made.
    pub group: Option<DirectoryGroupId>,
    /// Or for the group of exactly this name, whether it is there or not.
    pub group_name: Option<String>,
    /// What it is to give, when one is to be made.
    pub target: Option<MappingTarget>,
}

/// Settings → Integrations.
pub async fn list(db: &Db, viewer: &SignedIn, scope: OrgScope, call: &Call) -> Result<IntegrationsView, Error> {
    let tx = db.read(scope).await?;
    let can_manage = viewer.role.may(Permission::ManageMappings);
    let mappings = store::mappings::all(&tx).await?;
    let mut groups = store::mappings::groups(&tx, MOST_GROUPS + 1).await?;
    let more_groups = groups.len() > usize::try_from(MOST_GROUPS).unwrap_or(usize::MAX);
    groups.truncate(usize::try_from(MOST_GROUPS).unwrap_or(usize::MAX));
    let counted: BTreeSet<_> = groups.iter().map(|(id, _)| *id).chain(mappings.iter().filter_map(|mapping| mapping.group)).collect();
    let sizes = store::scim_groups::sizes(&tx, &counted.into_iter().collect::<Vec<_>>()).await?;
    let size = |group: DirectoryGroupId| sizes.get(&group).copied().unwrap_or(0);
    let view = |mapping: Mapping| MappingView {
        id: mapping.id,
        group: mapping.group,
        gives: mapping.gives(),
        state: mapping.state(),
        may: allowed(&mapping, viewer.role),
        members: mapping.group.map_or(0, size),
        group_name: mapping.group_name,
        target: mapping.target,
        created_at: mapping.created_at,
        created_by: mapping.created_by,
        paused: mapping.paused,
    };
    Ok(IntegrationsView {
        now: call.now,
        mappings: mappings.into_iter().map(view).collect(),
        groups: groups.into_iter().map(|(id, name)| GroupChoice { members: size(id), id, name }).collect(),
        more_groups,
        teams: store::mappings::teams(&tx).await?,
        roles: domain::MappableRole::ALL.into_iter().map(OrgRole::from).filter(|role| can_manage && viewer.role.reaches(*role)).collect(),
        can_manage,
        scim_on: store::connections::status_of(&tx).await? == ScimStatus::Enabled,
    })
}

/// What somebody of this role may do with a mapping.
fn allowed(mapping: &Mapping, role: OrgRole) -> Vec<MappingAction> {
    if !role.may(Permission::ManageMappings) || !role.reaches(mapping.target.reach()) {
        return vec![];
    }
    match mapping.state() {
        MappingState::Active => vec![MappingAction::Pause, MappingAction::Delete],
        MappingState::Paused => vec![MappingAction::Resume, MappingAction::Delete],
        MappingState::Unconfirmed if role == OrgRole::Owner => vec![MappingAction::Confirm, MappingAction::Delete],
        MappingState::Unconfirmed | MappingState::Waiting | MappingState::Closed => vec![MappingAction::Delete],
    }
}

/// What would change if `wanted` were done now: page `page` (from 1) of the people.
pub async fn preview(db: &Db, who: &SignedIn, scope: OrgScope, wanted: &Wanted, page: u64) -> Result<MappingPlan, Error> {
    let tx = db.read(scope).await?;
    let intent = intend(&tx, who.role, wanted).await?;
    let plan = plan(&tx, &intent).await?;
    view(&tx, &intent, &plan, page).await
}

/// Do what is wanted, if it still changes exactly what the plan of this hash says.
///
/// # Errors
/// [`Error::PlanChanged`] when it would change something else by now; nothing was done.
pub async fn apply(db: &Db, who: &SignedIn, scope: OrgScope, wanted: &Wanted, agreed: &str, call: &Call) -> Result<(), Error> {
    db.retrying(|| async {
        // Not of one snapshot: her role is to be read after her lock was got. What others commit while the plan is made either
        // makes it another plan, or comes after what is done here.
        let tx = db.begin(scope).await?;
        // One at a time: two that are each harmless may together take away what neither said.
        store::organizations::lock(&tx).await?;
        if let Some(group) = wanted.group
            && store::scim_groups::lock(&tx, group).await?.is_none()
        {
            return Err(Error::NotFound("group"));
        }
        let role = who.confirm(&tx, Permission::ManageMappings).await?;
        if let Some(mapping) = wanted.mapping {
            store::mappings::lock(&tx, mapping).await?;
        }
        let intent = intend(&tx, role, wanted).await?;
        if intent.needs_password() {
            who.confirm_fresh(&tx, Permission::ManageMappings, call.now).await?;
        }
        let plan = plan(&tx, &intent).await?;
        if plan.hash != agreed {
            return Err(Error::PlanChanged);
        }
        act(&tx, &intent, &plan, &who.actor(), call).await?;
        tx.commit().await
    })
    .await
}

/// What is wanted, found to be possible and allowed.
struct Intent {
    action: MappingAction,
    /// As it is now, or as it will be made; then its id is nobody's.
    mapping: Mapping,
}

impl Intent {
    /// Whether the mapping acts afterwards that did not before, or the other way round.
    fn acts(&self) -> Option<Effect> {
        match (self.action, self.mapping.state()) {
            (MappingAction::Create, MappingState::Active)
            | (MappingAction::Resume, MappingState::Paused)
            | (MappingAction::Confirm, MappingState::Unconfirmed) => Some(Effect::Begins),
            (MappingAction::Pause | MappingAction::Delete, MappingState::Active) => Some(Effect::Ends),
            _ => None,
        }
    }

    /// Whoever lets a group make admins has just shown that it is she who sits there; so has an owner who confirms.
    fn needs_password(&self) -> bool {
        let raises = self.acts() == Some(Effect::Begins) || self.action == MappingAction::Create;
        self.action == MappingAction::Confirm || raises && self.mapping.target.reach() >= OrgRole::Admin
    }

    /// Whether an owner has to look once more when the group is there.
    fn needs_owner(&self) -> bool {
        self.action == MappingAction::Create && self.mapping.group.is_none() && self.mapping.target.is_elevated()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Effect {
    Begins,
    Ends,
}

async fn intend(tx: &Tx, role: OrgRole, wanted: &Wanted) -> Result<Intent, Error> {
    let mapping = match (wanted.action, wanted.mapping) {
        (MappingAction::Create, _) => new_mapping(tx, wanted).await?,
        (_, Some(id)) => store::mappings::find(tx, id).await?.ok_or(Error::NotFound("mapping"))?,
        (_, None) => return Err(Error::NotFound("mapping")),
    };
    if !role.reaches(mapping.target.reach()) {
        return Err(Error::Denied);
    }
    let possible = match (wanted.action, mapping.state()) {
        (MappingAction::Create | MappingAction::Delete, _)
        | (MappingAction::Pause, MappingState::Active)
        | (MappingAction::Resume, MappingState::Paused) => true,
        (MappingAction::Confirm, MappingState::Unconfirmed) if role == OrgRole::Owner => true,
        (MappingAction::Confirm, MappingState::Unconfirmed) => return Err(Error::Denied),
        _ => false,
    };
    if !possible {
        let state = match mapping.state() {
            MappingState::Waiting => "still waits for its group",
            MappingState::Unconfirmed => "waits for an owner's confirmation",
            MappingState::Active => "is active",
            MappingState::Paused => "is paused",
            MappingState::Closed => "is closed, since its group was deleted",
        };
        return Err(Error::Conflict(format!("The mapping {state}. Somebody may have changed it meanwhile; reload the page.")));
    }
    Ok(Intent { action: wanted.action, mapping })
}

async fn new_mapping(tx: &Tx, wanted: &Wanted) -> Result<Mapping, Error> {
    let target = wanted.target.ok_or_else(|| Invalid::new("target", "Choose what the group gives."))?;
    let team_name = match target {
        MappingTarget::Org(_) => None,
        MappingTarget::Team(team, _) => Some(team_called(tx, team).await?),
    };
    let name = wanted.group_name.as_deref().map(str::trim).filter(|name| !name.is_empty());
    let (group, group_name) = match (wanted.group, name) {
        (Some(group), _) => {
            let record = store::scim_groups::find(tx, group).await?.ok_or(Error::NotFound("group"))?;
            (Some(group), called(&record).to_owned())
        }
        (None, Some(name)) if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) => {
            return Err(Invalid::new("group_name", "A group's name here has at most 256 characters, in one line.").into());
        }
        (None, Some(name)) => (store::mappings::group_called(tx, name).await?, name.to_owned()),
        (None, None) => return Err(Invalid::new("group", "Choose a group, or enter the name of one that is not there yet.").into()),
    };
    if store::mappings::same(tx, group, &group_name, target).await? {
        return Err(Invalid::new("target", "The group gives that already, or will.").into());
    }
    Ok(Mapping {
        id: MappingId::from(Uuid::nil()),
        group,
        group_name,
        confirmed: group.is_some() || !target.is_elevated(),
        target,
        team_name,
        created_at: domain::Timestamp::from_micros(0),
        created_by: String::new(),
        paused: None,
        closed: false,
    })
}

async fn team_called(tx: &Tx, team: TeamId) -> Result<String, Error> {
    let teams = store::mappings::teams(tx).await?;
    let found = teams.into_iter().find(|(id, _)| *id == team);
    found.map(|(_, name)| name).ok_or_else(|| Invalid::new("target", "There is no such team any more.").into())
}

fn called(record: &Record) -> &str {
    record.resource.text("displayName").unwrap_or_default()
}

/// Do what was planned, and write down what it was.
async fn act(tx: &Tx, intent: &Intent, plan: &Plan, actor: &Actor, call: &Call) -> Result<(), Error> {
    let by = actor.name();
    let mut mapping = intent.mapping.clone();
    let action = match intent.action {
        MappingAction::Create => {
            if mapping.group.is_none() {
                // Whoever pushes a group of this name at this moment comes before or after: with the totals' lock, both see it.
                store::scim_totals::moved(tx, Kind::Group, 0).await?;
                if store::mappings::group_called(tx, &mapping.group_name).await?.is_some() {
                    return Err(Error::Stale);
                }
            }
            let confirmed_by = mapping.confirmed.then_some(by.as_str());
            mapping.id = store::mappings::insert(tx, mapping.group, &mapping.group_name, mapping.target, &by, confirmed_by, call).await?;
            AuditAction::MappingCreated
        }
        MappingAction::Pause => {
            store::mappings::set_paused(tx, mapping.id, Some((call.now, &by))).await?;
            AuditAction::MappingPaused
        }
        MappingAction::Resume => {
            store::mappings::set_paused(tx, mapping.id, None).await?;
            AuditAction::MappingResumed
        }
        MappingAction::Confirm => {
            store::mappings::confirm(tx, mapping.id, &by, call.now).await?;
            AuditAction::MappingConfirmed
        }
        MappingAction::Delete => {
            store::mappings::delete(tx, mapping.id).await?;
            AuditAction::MappingDeleted
        }
    };
    match intent.acts() {
        Some(Effect::Begins) => store::mappings::begin_span(tx, &mapping, &by, call).await?,
        Some(Effect::Ends) => store::mappings::end_spans(tx, mapping.id, &by, call).await?,
        None => {}
    }
    let counted = |condition: &dyn Fn(&Change) -> bool| plan.changes.iter().filter(|change| condition(change)).count().to_string();
    let mut details = vec![("gives".to_owned(), mapping.gives())];
    if mapping.group.is_some() {
        details.push(("people who gain".to_owned(), counted(&Change::gains)));
        details.push(("people who lose".to_owned(), counted(&Change::loses)));
    } else {
        details.push(("waits for".to_owned(), "the first group of this name".to_owned()));
    }
    note(tx, action, actor, &mapping, details, call).await?;
    let moved: Vec<_> = plan.changes.iter().map(|change| change.member).collect();
    events::roles_moved(tx, Moved::Members(&moved), action.title(), actor, call).await
}

async fn note(tx: &Tx, action: AuditAction, actor: &Actor, mapping: &Mapping, details: Details, call: &Call) -> Result<(), Error> {
    let target = Target { kind: "mapping", id: mapping.id.into(), name: mapping.group_name.clone() };
    crate::audit::append(tx, action, actor, Some(target), details, call).await
}

/// A group is there, or is called this from now on: whatever waited for exactly this name is bound to it, once and for good.
/// What gives nothing above member acts at once; the rest waits for an owner's word.
pub(crate) async fn bind_waiting(tx: &Tx, group: &Record, actor: &Actor, call: &Call) -> Result<(), Error> {
    for waiting in store::mappings::waiting_for(tx, called(group)).await? {
        if store::mappings::same(tx, Some(group.id), "", waiting.target).await? {
            // A group that was renamed may give it already.
            store::mappings::delete(tx, waiting.id).await?;
            let details = vec![("gives".to_owned(), waiting.gives()), ("because".to_owned(), "its group gives that already".to_owned())];
            note(tx, AuditAction::MappingDeleted, actor, &waiting, details, call).await?;
            continue;
        }
        store::mappings::bind(tx, waiting.id, group.id, call.now).await?;
        let bound = Mapping { group: Some(group.id), ..waiting };
        let acts = bound.state() == MappingState::Active;
        if acts {
            store::mappings::begin_span(tx, &bound, &actor.name(), call).await?;
        } else {
            let line = format!(
                "{} pushed the group {}, which is mapped to {}. It gives nothing until an owner has confirmed that, under Settings, Integrations.",
                alerts::name(&actor.name()),
                alerts::name(&bound.group_name),
                bound.gives()
            );
            alerts::to_owners(tx, "a mapping waits for an owner", &line, call).await?;
        }
        let state = if acts { "acts from now on" } else { "waits for an owner's confirmation" };
        let details = vec![("gives".to_owned(), bound.gives()), ("state".to_owned(), state.to_owned())];
        note(tx, AuditAction::MappingBound, actor, &bound, details, call).await?;
        if acts {
            events::roles_moved(tx, Moved::Group(group.id), AuditAction::MappingBound.title(), actor, call).await?;
        }
    }
    Ok(())
}

/// People came into a group, or went: whoever listens is told whose roles that moved.
pub(crate) async fn roles_moved(
    tx: &Tx,
    group: DirectoryGroupId,
    moved: &BTreeSet<DirectoryUserId>,
    actor: &Actor,
    call: &Call,
) -> Result<(), Error> {
    let found = store::mappings::of_groups(tx, &[group]).await?;
    if !found.into_values().flatten().any(|mapping| mapping.state() == MappingState::Active) {
        return Ok(());
    }
    let moved: Vec<_> = moved.iter().copied().collect();
    events::roles_moved(tx, Moved::Users(&moved), AuditAction::GroupChanged.title(), actor, call).await
}

/// A group was deleted: what it gave ends with it, and nothing else does.
pub(crate) async fn close_all_of(tx: &Tx, group: DirectoryGroupId, actor: &Actor, call: &Call) -> Result<(), Error> {
    let found = store::mappings::of_groups(tx, &[group]).await?;
    for mapping in found.into_values().flatten().filter(|mapping| !mapping.closed) {
        store::mappings::lock(tx, mapping.id).await?;
        store::mappings::close(tx, mapping.id, call.now).await?;
        store::mappings::end_spans(tx, mapping.id, &actor.name(), call).await?;
        let details = vec![("gives".to_owned(), mapping.gives()), ("because".to_owned(), "the directory deleted the group".to_owned())];
        note(tx, AuditAction::MappingClosed, actor, &mapping, details, call).await?;
        if mapping.state() == MappingState::Active {
            events::roles_moved(tx, Moved::Group(group), AuditAction::MappingClosed.title(), actor, call).await?;
        }
    }
    Ok(())
}
