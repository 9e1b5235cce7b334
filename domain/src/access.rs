//! What a member can reach: her role, her seats, her agents. Computed from its sources, never stored (law 9).

use std::collections::{BTreeMap, BTreeSet};

use crate::{MappableRole, OrgRole, TeamId, TeamRole, mapping::MappingTarget, role::effective_role};

/// Where one member's access comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// Roles in the organisation, granted by hand.
    pub granted: Vec<OrgRole>,
    /// Seats given by hand.
    pub seats: Vec<(TeamId, TeamRole)>,
    /// What the mappings of her groups give, those in force.
    pub mapped: Vec<MappingTarget>,
}

/// What one member holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Her role in force.
    pub role: OrgRole,
    /// Her teams, each with her role in force there.
    pub teams: BTreeMap<TeamId, TeamRole>,
}

impl Sources {
    /// The strongest of each.
    pub fn resolve(&self) -> Holding {
        let mapped = |target: &MappingTarget| -> Option<MappableRole> {
            match target {
                MappingTarget::Org(role) => Some(*role),
                MappingTarget::Team(..) => None,
            }
        };
        let role = effective_role(self.granted.iter().copied(), self.mapped.iter().filter_map(mapped));
        let mut teams: BTreeMap<TeamId, TeamRole> = BTreeMap::new();
        let mut sit = |team, role: TeamRole| {
            teams.entry(team).and_modify(|held| *held = role.max(*held)).or_insert(role);
        };
        self.seats.iter().for_each(|(team, role)| sit(*team, *role));
        for target in &self.mapped {
            if let MappingTarget::Team(team, role) = target {
                sit(*team, *role);
            }
        }
        Holding { role, teams }
    }
}

/// Who may use an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AgentGrants {
    /// Everybody with a seat in one of these teams.
    pub teams: BTreeSet<TeamId>,
    /// Everybody whose role in force is one of these. None implies another: an admin is not among the members here.
    pub roles: BTreeSet<OrgRole>,
}

impl AgentGrants {
    /// Whether somebody who holds this may use the agent.
    pub fn let_in(&self, holding: &Holding) -> bool {
        self.roles.contains(&holding.role) || holding.teams.keys().any(|team| self.teams.contains(team))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn sources() -> impl Strategy<Value = Sources> {
        let team = || (0_u128..4).prop_map(team);
        let team_role = || proptest::sample::select(TeamRole::ALL.to_vec());
        let target = prop_oneof![
            proptest::sample::select(MappableRole::ALL.to_vec()).prop_map(MappingTarget::Org),
            (team(), team_role()).prop_map(|(team, role)| MappingTarget::Team(team, role)),
        ];
        let granted = proptest::collection::vec(proptest::sample::select(OrgRole::ALL.to_vec()), 0..4);
        let seats = proptest::collection::vec((team(), team_role()), 0..4);
        (granted, seats, proptest::collection::vec(target, 0..8)).prop_map(|(granted, seats, mapped)| Sources { granted, seats, mapped })
    }

    proptest! {
        /// Law 2 and law 9: the role in force is one that some source gives, none gives a stronger one, and it is owner only
        /// where somebody granted owner by hand.
        #[test]
        fn the_role_in_force_is_the_strongest_source_and_owner_by_hand_alone(sources in sources()) {
            let held = sources.resolve();
            let mapped = |target: &MappingTarget| match target {
                MappingTarget::Org(role) => OrgRole::from(*role),
                MappingTarget::Team(..) => OrgRole::Member,
            };
            let all: Vec<OrgRole> = sources.granted.iter().copied().chain(sources.mapped.iter().map(mapped)).chain([OrgRole::Member]).collect();
            prop_assert!(all.contains(&held.role));
            prop_assert!(all.iter().all(|role| *role <= held.role));
            prop_assert!(held.role != OrgRole::Owner || sources.granted.contains(&OrgRole::Owner));
            for (team, role) in &held.teams {
                let by_hand = sources.seats.contains(&(*team, *role));
                prop_assert!(by_hand || sources.mapped.contains(&MappingTarget::Team(*team, *role)));
            }
        }

        /// Another source never takes anything away, whatever there is already; and the order of sources says nothing.
        #[test]
        fn a_further_source_takes_nothing_away(sources in sources(), more in sources()) {
            let before = sources.resolve();
            let mut both = sources.clone();
            both.granted.extend(&more.granted);
            both.seats.extend(&more.seats);
            both.mapped.extend(&more.mapped);
            let after = both.resolve();
            prop_assert!(after.role >= before.role);
            prop_assert!(before.teams.iter().all(|(team, role)| after.teams.get(team) >= Some(role)));
            both.granted.reverse();
            both.seats.reverse();
            both.mapped.reverse();
            prop_assert_eq!(both.resolve(), after);
        }
    }

    fn team(number: u128) -> TeamId {
        TeamId::from(Uuid::from_u128(number))
    }

    #[test]
    fn a_seat_is_the_stronger_of_the_one_by_hand_and_those_from_groups() {
        let sources = Sources {
            seats: vec![(team(1), TeamRole::Lead), (team(2), TeamRole::Member)],
            mapped: vec![
                MappingTarget::Team(team(1), TeamRole::Member),
                MappingTarget::Team(team(2), TeamRole::Lead),
                MappingTarget::Team(team(3), TeamRole::Member),
                MappingTarget::Org(MappableRole::Auditor),
            ],
            ..Sources::default()
        };
        let holding = sources.resolve();
        assert_eq!(holding.role, OrgRole::Auditor);
        assert_eq!(holding.teams, BTreeMap::from([(team(1), TeamRole::Lead), (team(2), TeamRole::Lead), (team(3), TeamRole::Member)]));
    }

    #[test]
    fn no_role_implies_another_where_agents_are_granted() {
        let grants = AgentGrants { teams: BTreeSet::from([team(7)]), roles: BTreeSet::from([OrgRole::Member, OrgRole::Admin]) };
        let who = |role, teams: &[u128]| Holding { role, teams: teams.iter().map(|number| (team(*number), TeamRole::Member)).collect() };
        for (holding, lets_in) in [
            (who(OrgRole::Member, &[]), true),
            (who(OrgRole::Admin, &[]), true),
            (who(OrgRole::Auditor, &[]), false),
            (who(OrgRole::Owner, &[1]), false),
            (who(OrgRole::Owner, &[1, 7]), true),
        ] {
            assert_eq!(grants.let_in(&holding), lets_in, "{holding:?}");
        }
    }
}
