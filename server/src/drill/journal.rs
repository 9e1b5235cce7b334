//! What a drill writes down as it goes.

use std::sync::{Mutex, PoisonError};

use domain::drill::{DrillReport, DrillStep, DrillTrial};

use crate::system::Clock;

/// A report in the making.
pub(super) struct Journal {
    report: Mutex<DrillReport>,
    clock: Clock,
}

/// A step failed that others depend on; the journal says which.
pub(super) struct Stopped;

impl Journal {
    pub(super) fn new(clock: Clock, nodes: Vec<String>) -> Self {
        Self { report: Mutex::new(DrillReport { nodes, ..DrillReport::default() }), clock }
    }

    /// The report so far.
    pub(super) fn report(&self) -> DrillReport {
        self.report.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Nothing further can be tried, and why.
    pub(super) fn stop(&self, why: String) -> Stopped {
        self.write(|report| report.stopped = Some(why));
        Stopped
    }

    /// What came of the trials.
    pub(super) fn tried(&self, trials: Vec<DrillTrial>) {
        self.write(|report| report.trials = trials);
    }

    /// Do something, and write down what came of it: its value and a few words, or what was wrong.
    pub(super) async fn step<T>(
        &self,
        title: &str,
        asked: String,
        doing: impl Future<Output = Result<(T, String), String>>,
    ) -> Result<T, Stopped> {
        let at = (self.clock)();
        let done = doing.await;
        let took = (self.clock)().as_micros().saturating_sub(at.as_micros());
        let (answered, ok) = match &done {
            Ok((_, answered)) => (answered.clone(), true),
            Err(answered) => (answered.clone(), false),
        };
        let step = DrillStep { title: title.to_owned(), at, took_micros: took.unsigned_abs(), asked, answered, ok };
        self.write(|report| report.steps.push(step));
        done.map(|(value, _)| value).map_err(|_| Stopped)
    }

    fn write(&self, change: impl FnOnce(&mut DrillReport)) {
        change(&mut self.report.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
