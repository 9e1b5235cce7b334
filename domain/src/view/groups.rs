//! The directory's groups, as it pushed them.

use serde::{Deserialize, Serialize};

use crate::{DirectoryGroupId, DirectoryUserId, MappingId, MemberId, Timestamp, mapping::MappingState};

/// A page of the directory's groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupsView {
    /// When this was read.
    pub now: Timestamp,
    /// The groups on this page, by name.
    pub groups: Vec<GroupRow>,
    /// How many match in all.
    pub total: u64,
    /// How many of all groups nothing is mapped to.
    pub unmapped: u64,
    /// The page, from 1.
    pub page: u64,
    /// Groups on a full page.
    pub page_size: u64,
    /// Whether the viewer may map them.
    pub can_manage: bool,
    /// Whether SCIM is on.
    pub scim_on: bool,
}

/// A group in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRow {
    /// The group.
    pub id: DirectoryGroupId,
    /// Its name.
    pub name: String,
    /// How many are in it.
    pub members: u64,
    /// What it gives: the mapping, in words, and where it stands.
    pub gives: Vec<(MappingId, String, MappingState)>,
    /// When it last changed.
    pub changed_at: Timestamp,
}

/// A group's page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupPage {
    /// When this was read.
    pub now: Timestamp,
    /// As the list shows it.
    pub group: GroupRow,
    /// The identity provider's own id of it.
    pub external_id: Option<String>,
    /// When it was first pushed.
    pub created_at: Timestamp,
    /// Who is in it, by name: one page of them.
    pub people: Vec<GroupPerson>,
    /// The page, from 1.
    pub page: u64,
    /// People on a full page.
    pub page_size: u64,
    /// Whether the viewer may map it.
    pub can_manage: bool,
}

/// Somebody in a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupPerson {
    /// The directory's record.
    pub user: DirectoryUserId,
    /// The member whom it acts on, once it does.
    pub member: Option<MemberId>,
    /// Her name.
    pub name: String,
    /// The directory's userName.
    pub user_name: String,
    /// Whether she has access: what the group gives is hers then.
    pub has_access: bool,
    /// Since when she is in the group.
    pub since: Timestamp,
}
