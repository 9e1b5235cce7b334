//! What a deprovision drill tells: its steps, and for each credential and each node after how many further requests it was refused.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Where a drill stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DrillState {
    /// It is under way.
    Running,
    /// Every credential was refused by every node, at the first request.
    Passed,
    /// Something lived on, or could not be tried.
    Failed,
    /// Whoever ran it is gone: it has proven nothing.
    Interrupted,
}

impl DrillState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Running, Self::Passed, Self::Failed, Self::Interrupted];

    /// The state as it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
        }
    }
}

impl std::str::FromStr for DrillState {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

/// Something that the drill did, in the order in which it did it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillStep {
    /// What it was for.
    pub title: String,
    /// When it began.
    pub at: Timestamp,
    /// How long it took, in microseconds.
    pub took_micros: u64,
    /// What was asked, and of whom. Never a secret.
    pub asked: String,
    /// What came of it.
    pub answered: String,
    /// Whether that is what should have come.
    pub ok: bool,
}

/// What came of trying one credential at one node after its person had left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillTrial {
    /// The credential, and what it was tried at.
    pub credential: String,
    /// The node's address.
    pub node: String,
    /// Requests that were still let through.
    pub accepted: u32,
    /// Whether it was refused in the end.
    pub refused: bool,
    /// The last answer.
    pub answered: String,
    /// How long after the identity provider had its answer the last one came, in microseconds.
    pub after_micros: u64,
}

impl DrillTrial {
    /// Whether it was refused by the very next request.
    pub fn passed(&self) -> bool {
        self.refused && self.accepted == 0
    }

    /// What came of it, in words: `refused after 0 further requests`.
    pub fn in_words(&self) -> String {
        let requests = if self.accepted == 1 { "request" } else { "requests" };
        match (self.refused, self.accepted) {
            (true, accepted) => format!("refused after {accepted} further {requests}"),
            (false, 0) => "neither accepted nor refused".to_owned(),
            (false, accepted) => format!("still accepted after {accepted} further {requests}"),
        }
    }
}

/// Everything that a drill tells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillReport {
    /// The nodes that were to be tried.
    pub nodes: Vec<String>,
    /// What was done.
    pub steps: Vec<DrillStep>,
    /// What came of each credential at each node.
    pub trials: Vec<DrillTrial>,
    /// Why it came to an end before everything was tried.
    pub stopped: Option<String>,
}

impl DrillReport {
    /// Whether it proves that a leaver has no access: nothing went wrong, and each credential was refused by each node at the
    /// first request. A drill that tried nothing proves nothing.
    pub fn passed(&self) -> bool {
        let everywhere = self.nodes.iter().all(|node| self.trials.iter().any(|trial| trial.node == *node));
        self.stopped.is_none()
            && !self.nodes.is_empty()
            && everywhere
            && self.steps.iter().all(|step| step.ok)
            && self.trials.iter().all(DrillTrial::passed)
    }

    /// What went wrong, a sentence each.
    pub fn problems(&self) -> Vec<String> {
        let steps = self.steps.iter().filter(|step| !step.ok).map(|step| format!("{} ({}): {}", step.title, step.asked, step.answered));
        let trials = self.trials.iter().filter(|trial| !trial.passed());
        let trials = trials.map(|trial| format!("{} at {}: {} ({})", trial.credential, trial.node, trial.in_words(), trial.answered));
        steps.chain(trials).chain(self.stopped.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(node: &str, accepted: u32, refused: bool) -> DrillTrial {
        let (credential, node) = ("Access token".to_owned(), node.to_owned());
        DrillTrial { credential, node, accepted, refused, answered: "401".to_owned(), after_micros: 1 }
    }

    fn report(nodes: &[&str], trials: Vec<DrillTrial>) -> DrillReport {
        DrillReport { nodes: nodes.iter().map(|node| (*node).to_owned()).collect(), trials, ..DrillReport::default() }
    }

    #[test]
    fn a_drill_passes_when_everything_is_refused_everywhere_at_once() {
        assert!(report(&["a", "b"], vec![trial("a", 0, true), trial("b", 0, true)]).passed());
        for (trials, why) in [
            (vec![trial("a", 0, true)], "a node was not tried"),
            (vec![trial("a", 0, true), trial("b", 1, true)], "one more request was let through"),
            (vec![trial("a", 0, true), trial("b", 0, false)], "there was no clear answer"),
            (vec![], "nothing was tried"),
        ] {
            assert!(!report(&["a", "b"], trials).passed(), "{why}");
        }
        assert!(!DrillReport::default().passed(), "no node");
        let good = report(&["a"], vec![trial("a", 0, true)]);
        assert!(!DrillReport { stopped: Some("no time left".to_owned()), ..good.clone() }.passed());
        let step = DrillStep {
            title: "Provisioned".to_owned(),
            at: Timestamp::from_micros(0),
            took_micros: 1,
            asked: "POST /Users".to_owned(),
            answered: "500".to_owned(),
            ok: false,
        };
        let failed = DrillReport { steps: vec![step], ..good };
        assert_eq!((failed.passed(), failed.problems()), (false, vec!["Provisioned (POST /Users): 500".to_owned()]));
    }

    #[test]
    fn what_came_of_a_trial_is_said_in_words() {
        assert_eq!(trial("a", 0, true).in_words(), "refused after 0 further requests");
        assert_eq!(trial("a", 1, true).in_words(), "refused after 1 further request");
        assert_eq!(trial("a", 50, false).in_words(), "still accepted after 50 further requests");
        assert_eq!(trial("a", 0, false).in_words(), "neither accepted nor refused");
    }
}
