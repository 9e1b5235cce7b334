//! Members, as a list and one by one.

use serde::{Deserialize, Serialize};

use crate::{
    AgentId, DirectoryGroupId, DirectoryUserId, MappingId, MemberId, OrgRole, TeamId, TeamRole, Timestamp, audit::AuditAction,
    mapping::MappingTarget, view::ReceiptBrief,
};

/// Which members a list shows. What is not said is not asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberFilter {
    /// Part of a name or of an address, however it is written.
    #[serde(default)]
    pub search: Option<String>,
    /// The role in force.
    #[serde(default)]
    pub role: Option<OrgRole>,
    /// Where the profile is kept.
    #[serde(default)]
    pub source: Option<ManagedBy>,
    /// Whether they can act; everybody who has not left when nothing is said.
    #[serde(default)]
    pub status: Option<MemberStatus>,
}

/// Whether somebody can act, as a list is filtered by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemberStatus {
    /// Can act.
    Active,
    /// Has not followed her activation link.
    Pending,
    /// Blocked by hand.
    Blocked,
    /// Her access has ended.
    Left,
    /// Whatever it is.
    Any,
}

impl MemberStatus {
    /// Every choice.
    pub const ALL: [Self; 5] = [Self::Active, Self::Pending, Self::Blocked, Self::Left, Self::Any];

    /// As it stands in a page's address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Pending => "pending",
            Self::Blocked => "blocked",
            Self::Left => "left",
            Self::Any => "any",
        }
    }
}

impl std::str::FromStr for MemberStatus {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|status| status.as_str() == text).ok_or(())
    }
}

/// A page of the members list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MembersView {
    /// When this was read.
    pub now: Timestamp,
    /// The people on this page, by name.
    pub people: Vec<PersonView>,
    /// How many match the filter in all.
    pub total: u64,
    /// How many people the organisation knows, whatever the filter.
    pub everybody: u64,
    /// How many of the organisation's people the directory manages.
    pub directory_people: u64,
    /// The page, from 1.
    pub page: u64,
    /// People on a full page.
    pub page_size: u64,
    /// Whether the viewer may invite people and send activation mails again.
    pub can_manage: bool,
    /// Whether the viewer may open anybody's page, not only her own.
    pub can_see_people: bool,
    /// Directory records that wait for an owner's word; 0 for everybody else.
    pub held_links: u64,
    /// Some of the members whom those records match, and their names.
    pub held: Vec<(MemberId, String)>,
}

/// A person in the members list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonView {
    /// Her member id.
    pub member: MemberId,
    /// The name to show.
    pub name: String,
    /// The address to show: the directory's for those it manages, else the account's.
    pub email: Option<String>,
    /// Her role in force; `Member` while she has no access.
    pub role: OrgRole,
    /// Where her role comes from, in a few words: `group Engineering Managers`, `granted by Ines Vidal`; none for a plain member.
    pub because: Option<String>,
    /// Where her profile is kept.
    pub managed_by: ManagedBy,
    /// Whether she can act.
    pub access: AccessState,
    /// Whether she is kept for emergencies: no directory takes her over.
    pub break_glass: bool,
    /// When she was last seen in a browser.
    pub last_seen_at: Option<Timestamp>,
}

/// Where a member's profile is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ManagedBy {
    /// In the identity provider's directory.
    Directory,
    /// Here, by hand.
    Manual,
}

impl ManagedBy {
    /// As it is stored, and as it stands in a page's address.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Directory => "directory",
            Self::Manual => "manual",
        }
    }
}

impl std::str::FromStr for ManagedBy {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Directory, Self::Manual].into_iter().find(|by| by.as_str() == text).ok_or(())
    }
}

/// Whether a member can act, and if not yet, why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AccessState {
    /// No activation mail was sent yet.
    ActivationPending {
        /// Whether there is an address to send one to.
        has_address: bool,
        /// Whether one waits to be sent.
        queued: bool,
    },
    /// The activation mail is on its way; the link has not been followed.
    ActivationSent {
        /// When it was handed to the mail server.
        at: Timestamp,
    },
    /// The activation mail could not be sent.
    ActivationFailed {
        /// What the mail server said.
        reason: String,
    },
    /// She can sign in.
    Active,
    /// Somebody blocked her by hand: she has access that she cannot use, and no directory can lift that.
    Blocked {
        /// By whom.
        by: String,
        /// Since when.
        at: Timestamp,
    },
    /// Her access has ended.
    Inactive {
        /// When it did.
        since: Option<Timestamp>,
    },
}

/// A person's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonPage {
    /// When this was read.
    pub now: Timestamp,
    /// As the list shows her.
    pub person: PersonView,
    /// Given name, where there is one.
    pub given_name: Option<String>,
    /// Family name, where there is one.
    pub family_name: Option<String>,
    /// The directory's userName, for those it manages.
    pub user_name: Option<String>,
    /// The directory's externalId, for those it manages.
    pub external_id: Option<String>,
    /// Since when the organisation knows her.
    pub since: Timestamp,
    /// Since when her present access lasts.
    pub access_began_at: Option<Timestamp>,
    /// Why she has her role: every source, the strongest first.
    pub roles: Vec<RoleReason>,
    /// Her teams, by name.
    pub teams: Vec<SeatReason>,
    /// The directory's groups that she is in, by name.
    pub groups: Vec<GroupOfPerson>,
    /// The agents that she can use, by name.
    pub agents: Vec<AgentReach>,
    /// Her sessions, the last used first.
    pub sessions: Vec<SessionView>,
    /// Directory records that match her and wait for an owner's word.
    pub held_links: Vec<HeldLink>,
    /// The receipts of the times that she left, newest first, for those who may read the audit log.
    pub receipts: Vec<ReceiptBrief>,
    /// What the viewer may do here.
    pub may: PersonActions,
}

/// Where something that somebody has comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// Everybody has it.
    Base,
    /// Somebody gave it by hand.
    Granted {
        /// Who did.
        by: String,
        /// When.
        at: Timestamp,
        /// By which request.
        request_id: Option<String>,
    },
    /// A mapped group gives it.
    Mapped {
        /// The mapping.
        mapping: MappingId,
        /// The group.
        group: DirectoryGroupId,
        /// The group's name.
        group_name: String,
        /// Since when: when she came into the group, or the mapping into force, whichever was later.
        since: Timestamp,
        /// By whom that was done.
        by: Option<String>,
        /// By which request.
        request_id: Option<String>,
    },
}

/// A role, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleReason {
    /// The role that this source gives.
    pub role: OrgRole,
    /// The source.
    pub source: Source,
    /// Whether it is the role in force, or a stronger one stands before it.
    pub in_force: bool,
}

/// A seat in a team, and where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeatReason {
    /// The team.
    pub team: TeamId,
    /// Its name.
    pub name: String,
    /// Her role in force there.
    pub role: TeamRole,
    /// Every source, the strongest first.
    pub sources: Vec<(TeamRole, Source)>,
}

/// A group of the directory that somebody is in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupOfPerson {
    /// The group.
    pub id: DirectoryGroupId,
    /// Its name.
    pub name: String,
    /// Since when she is in it.
    pub since: Timestamp,
    /// By which request she came.
    pub request_id: Option<String>,
    /// What it gives, in words: `Admin`, `Lead of Platform`. Nothing for a group that is not mapped.
    pub gives: Vec<String>,
}

/// An agent that somebody can use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentReach {
    /// The agent.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// Through what: `team Platform`, `role Admin`.
    pub through: Vec<String>,
}

/// A session of somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionView {
    /// What it is called here: not its id, and of no use for signing in.
    pub handle: String,
    /// The device, as far as the browser says: `Firefox on Linux`.
    pub device: String,
    /// From which address it began.
    pub ip: Option<String>,
    /// When it was last used.
    pub last_seen_at: Timestamp,
    /// When it began.
    pub began_at: Timestamp,
    /// Whether it is the viewer's own, at this moment.
    pub current: bool,
}

/// A directory record that matches a member whom no directory may take over by itself (law 2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldLink {
    /// The record.
    pub record: DirectoryUserId,
    /// The record's userName.
    pub user_name: String,
    /// The member whom it matches.
    pub member: MemberId,
    /// Her name.
    pub name: String,
    /// Since when it waits.
    pub held_at: Timestamp,
    /// Which token pushed it.
    pub held_by: String,
}

/// What a viewer may do with a person. What she may not is absent, and the page does not offer it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonActions {
    /// The roles that she may grant by hand.
    pub grant: Vec<OrgRole>,
    /// The roles granted by hand that she may take away.
    pub revoke: Vec<OrgRole>,
    /// End the person's access.
    pub remove: bool,
    /// Block her.
    pub block: bool,
    /// Lift the block.
    pub unblock: bool,
    /// Begin her access again.
    pub restore: bool,
    /// Send another activation mail.
    pub resend: bool,
    /// End her sessions.
    pub end_sessions: bool,
    /// Change her profile; not where the directory keeps it.
    pub edit: bool,
    /// Keep her for emergencies, or not any more.
    pub break_glass: bool,
    /// Decide about directory records that match her.
    pub decide_links: bool,
}

/// A part of the timeline of what changed somebody's access, newest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineView {
    /// When this was read.
    pub now: Timestamp,
    /// The entries.
    pub entries: Vec<TimelineEntry>,
    /// The page, from 1.
    pub page: u64,
    /// Whether there are older ones.
    pub more: bool,
}

/// Something that changed somebody's access.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimelineEntry {
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: TimelineEvent,
    /// By whom.
    pub by: Option<String>,
    /// By which request.
    pub request_id: Option<String>,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TimelineEvent {
    /// An entry of the audit log that is about her.
    Audited {
        /// What happened.
        action: AuditAction,
        /// Further facts.
        details: Vec<(String, String)>,
    },
    /// She came into a group of the directory.
    Joined {
        /// The group's name.
        group: String,
    },
    /// She went out of one.
    LeftGroup {
        /// The group's name.
        group: String,
    },
    /// A group began to give her something.
    Gained {
        /// What, in words: `Admin`, `Lead of Platform`.
        what: String,
        /// What it is, for the program.
        target: MappingTarget,
        /// Through which group.
        group: String,
    },
    /// A group ceased to give her something.
    Lost {
        /// What, in words.
        what: String,
        /// What it is, for the program.
        target: MappingTarget,
        /// Through which group.
        group: String,
    },
}
