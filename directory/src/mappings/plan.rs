//! What would change for whom: everybody in the group resolved twice, with the mapping and without it.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{
    DirectoryGroupId, MappingId, MemberId, TeamId,
    access::{Holding, Sources},
    mapping::{MappingAction, MappingTarget},
    view::{MappingPlan, PlannedChange},
};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Effect, Intent};
use crate::{
    Error,
    store::{self, db::Tx, mappings::Affected},
};

/// People on a page of a plan.
const PAGE: usize = 50;

/// What changes, for whom.
pub(super) struct Plan {
    pub(super) hash: String,
    /// By name.
    pub(super) changes: Vec<Change>,
    unchanged: u64,
    without_access: u64,
    /// The agents' names, by their place.
    agents: Vec<String>,
}

/// What changes for one person; agents by their place.
pub(super) struct Change {
    pub(super) member: MemberId,
    before: Holding,
    after: Holding,
    gained: Vec<usize>,
    lost: Vec<usize>,
}

impl Change {
    /// Whether she has something afterwards that she had not before.
    pub(super) fn gains(&self) -> bool {
        self.after.role > self.before.role
            || !self.gained.is_empty()
            || self.after.teams.iter().any(|(team, role)| self.before.teams.get(team) < Some(role))
    }

    /// Whether she had something before that she has not afterwards.
    pub(super) fn loses(&self) -> bool {
        self.after.role < self.before.role
            || !self.lost.is_empty()
            || self.before.teams.iter().any(|(team, role)| self.after.teams.get(team) < Some(role))
    }
}

/// What changes if `intent` is carried out now.
pub(super) async fn plan(tx: &Tx, intent: &Intent) -> Result<Plan, Error> {
    let mapping = &intent.mapping;
    let agents = store::mappings::agents(tx).await?;
    let (people, without_access) = match mapping.group {
        Some(group) => {
            let people = store::mappings::people(tx, group).await?;
            let without = store::mappings::without_access(tx, group, people.len()).await?;
            (people, without)
        }
        None => (vec![], 0),
    };
    let mut changes = vec![];
    if let (Some(effect), Some(group)) = (intent.acts(), mapping.group) {
        let mut sources = sources(tx, group, mapping.id).await?;
        for Affected { membership, member } in &people {
            let without = sources.remove(membership).unwrap_or_default();
            let mut with = without.clone();
            with.mapped.push(mapping.target);
            let (without, with) = (without.resolve(), with.resolve());
            if without == with {
                continue;
            }
            let (before, after) = if effect == Effect::Begins { (without, with) } else { (with, without) };
            let reach = |wanted: bool| {
                let differs = |(_, (.., grants)): &(usize, &(_, _, domain::access::AgentGrants))| {
                    grants.let_in(&after) == wanted && grants.let_in(&before) != wanted
                };
                agents.iter().enumerate().filter(differs).map(|(place, _)| place).collect::<Vec<_>>()
            };
            let (gained, lost) = (reach(true), reach(false));
            changes.push(Change { member: *member, before, after, gained, lost });
        }
    }
    let unchanged = people.len() - changes.len();
    let hash = hash(intent, &changes, |place| agents[place].0.into());
    let agents = agents.into_iter().map(|(_, name, _)| name).collect();
    Ok(Plan { hash, changes, unchanged: u64::try_from(unchanged).unwrap_or(0), without_access, agents })
}

/// Where the access of the people in a group comes from, what `mapping` gives left out.
async fn sources(tx: &Tx, group: DirectoryGroupId, mapping: MappingId) -> Result<BTreeMap<domain::MembershipId, Sources>, Error> {
    let mut sources: BTreeMap<_, Sources> = BTreeMap::new();
    for (membership, role) in store::mappings::grants_in(tx, group).await? {
        sources.entry(membership).or_default().granted.push(role);
    }
    for (membership, team, role) in store::mappings::seats_in(tx, group).await? {
        sources.entry(membership).or_default().seats.push((team, role));
    }
    for (membership, by, target) in store::mappings::mapped_in(tx, group).await? {
        if by != mapping {
            sources.entry(membership).or_default().mapped.push(target);
        }
    }
    Ok(sources)
}

/// What names exactly this plan: what is to be done, and everybody who gains or loses with what she gains and loses.
fn hash(intent: &Intent, changes: &[Change], agent: impl Fn(usize) -> Uuid) -> String {
    let mut digest = Sha256::new();
    let mapping = &intent.mapping;
    digest.update(format!("{:?} {} {:?} {} {:?};", intent.action, mapping.id, mapping.group, mapping.target, mapping.state()));
    // The name of a group that is there may change without changing anything.
    if mapping.group.is_none() {
        digest.update(&mapping.group_name);
    }
    let mut people: Vec<&Change> = changes.iter().collect();
    people.sort_by_key(|change| change.member);
    for change in people {
        digest.update(Uuid::from(change.member));
        digest.update(format!("{} {} ", change.before.role.as_str(), change.after.role.as_str()));
        for (teams, mark) in [(&change.before.teams, b"-"), (&change.after.teams, b"+")] {
            let at_target = |team: &&TeamId| matches!(mapping.target, MappingTarget::Team(target, _) if target == **team);
            for team in teams.keys().filter(at_target) {
                digest.update(mark);
                digest.update(teams[team].as_str());
            }
        }
        for (places, mark) in [(&change.lost, b"-"), (&change.gained, b"+")] {
            for place in places {
                digest.update(mark);
                digest.update(agent(*place));
            }
        }
        digest.update(b";");
    }
    URL_SAFE_NO_PAD.encode(digest.finalize())
}

/// A plan as it is shown: page `page` (from 1) of its people.
pub(super) async fn view(tx: &Tx, intent: &Intent, plan: &Plan, page: u64) -> Result<MappingPlan, Error> {
    let mapping = &intent.mapping;
    let page = page.max(1);
    let first = usize::try_from(page - 1).unwrap_or(usize::MAX).saturating_mul(PAGE);
    let shown: Vec<&Change> = plan.changes.iter().skip(first).take(PAGE).collect();
    let named = store::mappings::named(tx, &shown.iter().map(|change| change.member).collect::<Vec<_>>()).await?;
    let names = |places: &[usize]| places.iter().map(|place| plan.agents[*place].clone()).collect::<Vec<_>>();
    let planned = |change: &&Change| {
        let (name, email) = named.get(&change.member).cloned().unwrap_or_default();
        let team = match mapping.target {
            MappingTarget::Team(team, _) => {
                let (before, after) = (change.before.teams.get(&team).copied(), change.after.teams.get(&team).copied());
                (before != after).then_some((before, after))
            }
            MappingTarget::Org(_) => None,
        };
        PlannedChange {
            member: change.member,
            name,
            email,
            role: (change.before.role != change.after.role).then_some((change.before.role, change.after.role)),
            team,
            agents_gained: names(&change.gained),
            agents_lost: names(&change.lost),
        }
    };
    let count =
        |condition: &dyn Fn(&Change) -> bool| u64::try_from(plan.changes.iter().filter(|change| condition(change)).count()).unwrap_or(0);
    let mut counted = vec![(0, 0); plan.agents.len()];
    for change in &plan.changes {
        change.gained.iter().for_each(|place| counted[*place].0 += 1);
        change.lost.iter().for_each(|place| counted[*place].1 += 1);
    }
    let agents = plan.agents.iter().zip(counted).filter(|(_, (gain, lose))| gain + lose > 0);
    let agents = agents.map(|(name, (gain, lose))| (name.clone(), gain, lose)).collect();
    Ok(MappingPlan {
        hash: plan.hash.clone(),
        action: intent.action,
        mapping: (intent.action != MappingAction::Create).then_some(mapping.id),
        group: mapping.group,
        group_name: mapping.group_name.clone(),
        target: mapping.target,
        gives: mapping.gives(),
        gain: count(&Change::gains),
        lose: count(&Change::loses),
        unchanged: plan.unchanged,
        without_access: plan.without_access,
        agents,
        people: shown.iter().map(planned).collect(),
        page,
        page_size: u64::try_from(PAGE).unwrap_or(0),
        total: u64::try_from(plan.changes.len()).unwrap_or(0),
        needs_owner: intent.needs_owner(),
        needs_password: intent.needs_password(),
    })
}
