//! Who may do what: the one table that use cases, server functions and pages ask.

use crate::OrgRole;

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident: $least:ident;)*) => {
        /// Something that a role allows.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Permission { $($(#[$doc])* $name,)* }

        impl Permission {
            /// Every permission.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The weakest role that allows it; every stronger one does, too.
            pub const fn least(self) -> OrgRole {
                match self { $(Self::$name => OrgRole::$least,)* }
            }
        }
    };
}

permissions! {
    /// Be in the organisation's console: see her own page, her agents and who her colleagues are.
    Enter: Member;
    /// See the list of members and of teams.
    SeeMembers: Member;
    /// See another member's page: why she has what she has, her sessions, what changed.
    SeePeople: Auditor;
    /// Invite, remove, block, and grant roles by hand: below the actor's own role, unless she is an owner.
    ManageMembers: Admin;
    /// Grant and revoke owner, mark who is kept for emergencies, decide about records that match an owner. Needs a password
    /// within the last minutes.
    ManageOwners: Owner;
    /// See the teams and who is in them.
    SeeTeams: Member;
    /// Create, rename and delete teams, and give any seat. A team's lead may manage the seats of her team without it.
    ManageTeams: Admin;
    /// See every agent, not only those that one may use.
    SeeAgents: Auditor;
    /// Create, change and delete agents, and say who may use them.
    ManageAgents: Admin;
    /// See the directory's groups, and what they give.
    SeeMappings: Auditor;
    /// Map groups to roles below the actor's own, pause and delete such mappings.
    ManageMappings: Admin;
    /// See how the directory is connected.
    SeeSecurity: Auditor;
    /// Connect the directory, issue and revoke its tokens.
    ManageSecurity: Owner;
    /// Read the audit log.
    SeeAudit: Auditor;
}

impl OrgRole {
    /// Whether this role allows it.
    pub fn may(self, permission: Permission) -> bool {
        self >= permission.least()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table, as it was decided: a change here is a change of who may do what.
    #[test]
    fn the_table_is_the_one_that_was_decided() {
        use Permission::*;
        let of = |role: OrgRole| Permission::ALL.iter().copied().filter(|permission| role.may(*permission)).collect::<Vec<_>>();
        assert_eq!(of(OrgRole::Member), [Enter, SeeMembers, SeeTeams]);
        assert_eq!(of(OrgRole::Auditor), [Enter, SeeMembers, SeePeople, SeeTeams, SeeAgents, SeeMappings, SeeSecurity, SeeAudit]);
        let admin = [
            Enter,
            SeeMembers,
            SeePeople,
            ManageMembers,
            SeeTeams,
            ManageTeams,
            SeeAgents,
            ManageAgents,
            SeeMappings,
            ManageMappings,
            SeeSecurity,
            SeeAudit,
        ];
        assert_eq!(of(OrgRole::Admin), admin);
        assert_eq!(of(OrgRole::Owner), Permission::ALL);
    }
}
