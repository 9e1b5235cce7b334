//! Deprovision drills, as pages show them.

use serde::{Deserialize, Serialize};

use crate::{
    DrillId, Timestamp,
    drill::{DrillReport, DrillState},
};

/// A drill in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillRow {
    /// The drill.
    pub id: DrillId,
    /// Which one of the organisation's it was, counted from 1.
    pub number: i64,
    /// Where it stands.
    pub state: DrillState,
    /// When it began.
    pub started_at: Timestamp,
    /// Who ran it.
    pub started_by: String,
    /// When it ended.
    pub finished_at: Option<Timestamp>,
}

/// The organisation's drills.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillsView {
    /// When this was read.
    pub now: Timestamp,
    /// The kept ones, the newest first.
    pub drills: Vec<DrillRow>,
    /// The nodes that a drill tries, as the operator named them.
    pub nodes: Vec<String>,
    /// Whether SCIM is on: a drill comes in by it.
    pub scim_on: bool,
    /// Whether the viewer may run one.
    pub can_run: bool,
}

/// The last drill that has ended, in passing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastDrillView {
    /// When this was read.
    pub now: Timestamp,
    /// The drill; none when there was none yet.
    pub drill: Option<DrillRow>,
}

/// One drill with its report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillPage {
    /// When this was read.
    pub now: Timestamp,
    /// The drill.
    pub drill: DrillRow,
    /// What it tells; of one that is under way or was interrupted, as far as it came.
    pub report: DrillReport,
}
