//! Explores a scenario to its end, and tells what was found.

use std::time::Duration;

use kernel::Mutant;
use stateright::report::{ReportData, ReportDiscovery, Reporter};
use stateright::{Checker, HasDiscoveries, Model};

use crate::fleet::Fleet;
use crate::scenario::Scenario;
use crate::{saga, story};

/// How far an exploration has got.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// States that were reached, each as often as it was.
    pub states: usize,
    /// Different states.
    pub unique: usize,
    /// Most steps from the start.
    pub depth: usize,
    /// How long it has taken.
    pub time: Duration,
}

/// What an exploration came to.
#[derive(Debug)]
pub struct Report {
    /// How far it went: to the end, unless something was found.
    pub progress: Progress,
    /// What does not hold, each with the steps that lead there, in words.
    pub broken: Vec<Counterexample>,
    /// Ends that the scenario was to meet and did not. None if something is broken: then not all was explored.
    pub unmet: Vec<&'static str>,
    /// Ends that the scenario was never to meet and did, each with the steps that lead there.
    pub unexpected: Vec<Counterexample>,
}

/// A property that does not hold, or an end that must not be met, and how it comes to that.
#[derive(Debug)]
pub struct Counterexample {
    /// The property.
    pub property: &'static str,
    /// How many steps lead there.
    pub steps: usize,
    /// The steps, in words.
    pub story: String,
}

impl Report {
    /// Whether everything holds and every end was met.
    pub fn holds(&self) -> bool {
        self.broken.is_empty() && self.unmet.is_empty() && self.unexpected.is_empty()
    }
}

/// Explores every state of a scenario on so many threads, unless something does not hold: that ends it. `tell` hears now and then how far it is.
pub fn explore(scenario: &'static Scenario, threads: usize, tell: impl FnMut(Progress) + Send) -> Report {
    run(scenario, threads, None, tell)
}

/// Explores a scenario with the code broken in the way given, until that shows. On one thread, breadth first, so the
/// counterexample is one of the shortest. Mutants belong to the process: nothing else may be explored meanwhile.
pub fn explore_mutant(mutant: Mutant, scenario: &'static Scenario, mut tell: impl FnMut(Progress) + Send) -> Report {
    Mutant::activate(Some(mutant));
    let mut report = run(scenario, 1, None, &mut tell);
    // The checker goes on for a moment after it has found something, and keeps what it found last.
    while let Some(found) = report.broken.first() {
        let shorter = run(scenario, 1, Some(found.steps), &mut tell);
        if shorter.broken.is_empty() {
            break;
        }
        report = shorter;
    }
    Mutant::activate(None);
    report
}

/// Explores a scenario; what takes fewer than so many steps, if that is given.
fn run(
    scenario: &'static Scenario,
    threads: usize,
    fewer_than: Option<usize>,
    tell: impl FnMut(Progress) + Send,
) -> Report {
    let mut telling = Telling { tell, last: Progress::default() };
    let checker = Fleet::new(scenario).checker().threads(threads).finish_when(HasDiscoveries::AnyFailures);
    // The checker counts states, of which there is one more than steps, and leaves out those at the depth given.
    let checker = fewer_than.into_iter().fold(checker, |checker, steps| checker.target_max_depth(steps + 1));
    let checker = checker.spawn_bfs().join_and_report(&mut telling);
    let discoveries = checker.discoveries();
    let found = |name: &'static str| {
        let steps = discoveries.get(name)?.clone().into_vec();
        Some(Counterexample { property: name, steps: steps.len() - 1, story: story::tell(checker.model(), &steps) })
    };
    let mut broken: Vec<_> = saga::properties().filter_map(|(name, _)| found(name)).collect();
    broken.sort_by_key(|counterexample| counterexample.steps);
    let ends = scenario.ends.iter().map(|end| end.name);
    Report {
        progress: telling.last,
        unmet: ends.filter(|name| broken.is_empty() && !discoveries.contains_key(name)).collect(),
        broken,
        unexpected: scenario.never.iter().filter_map(|end| found(end.name)).collect(),
    }
}

/// Passes on what stateright reports.
struct Telling<T> {
    tell: T,
    last: Progress,
}

impl<M: Model, T: FnMut(Progress)> Reporter<M> for Telling<T> {
    fn report_checking(&mut self, data: ReportData) {
        let ReportData { total_states, unique_states, max_depth, duration, .. } = data;
        self.last = Progress {
            states: total_states,
            unique: unique_states,
            depth: max_depth.saturating_sub(1),
            time: duration,
        };
        (self.tell)(self.last);
    }

    fn report_discoveries(&mut self, _: &M, _: std::collections::BTreeMap<&'static str, ReportDiscovery<M>>)
    where
        M::Action: std::fmt::Debug + PartialEq,
        M::State: std::fmt::Debug + std::hash::Hash + PartialEq,
    {
    }

    fn delay(&self) -> Duration {
        Duration::from_millis(100)
    }
}
