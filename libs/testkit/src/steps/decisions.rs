//! The journeys of a table, played on the world alone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use anyhow::{bail, ensure};
use kernel::Timestamp;
use messaging::Participant as _;

use super::journey::{Answer, Journey, Place, Row, Step, short_name};
use super::{Broken, FactOf, Table, WorldOf, mutants};

/// When the journeys start.
pub(super) const START: Timestamp = Timestamp::from_unix_micros(1_772_355_600_000_000);
/// How late a fact is repeated: past every deadline.
pub(super) const LATE: Duration = Duration::from_hours(24);

/// What was shown on the world.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Decided {
    /// Journeys.
    pub journeys: usize,
    /// Prefixes of journeys, in whatever order their facts may come.
    pub prefixes: usize,
    /// Prefixes that were undone, each in every way of the table.
    pub undone: usize,
    /// Facts that were repeated on a world that had taken them.
    pub repeated: usize,
    /// Pairs of a world and any fact of the table, possible or not, that were decided twice.
    pub pairs: usize,
}

impl fmt::Display for Decided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { journeys, prefixes, undone, repeated, pairs } = self;
        write!(
            f,
            "{journeys} journeys, {prefixes} prefixes, {undone} times undone, {repeated} facts repeated, \
             {pairs} pairs of a world and a fact"
        )
    }
}

/// Plays every journey of a table on the world alone.
///
/// # Errors
/// What is not as the table says, or as it must be of any saga; in words, with the steps that led there.
pub fn decisions<T: Table>() -> Result<Decided, Broken> {
    Ok(explore(&T::about_a_new_order(START))?.0)
}

/// A way through a journey, with the answers that the world gave.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) journey: usize,
    pub(super) moves: Vec<Move>,
    /// After how many moves the journey is undone; none if it is not.
    pub(super) undone_after: Option<usize>,
}

/// A step, and how it was answered.
#[derive(Debug, Clone)]
pub(super) struct Move {
    pub(super) place: Place,
    pub(super) answer: Answer,
    /// Tells the pair of the world and the fact from other pairs.
    pub(super) pair: u64,
}

/// Plays every journey, and answers the runs for whoever plays them on something else.
pub(super) fn explore<T: Table>(table: &T) -> anyhow::Result<(Decided, Vec<Run>)> {
    mutants::activate();
    let journeys = table.journeys();
    check_subscriptions::<T>(&journeys)?;
    let slate = table.slate(&table.world());
    let checked = Decided { journeys: journeys.len(), ..Decided::default() };
    let mut explorer =
        Explorer { table, participant: T::participant(), journeys: &journeys, slate, checked, runs: Vec::new() };
    for number in 0..journeys.len() {
        explorer.explore(number)?;
    }
    Ok((explorer.checked, explorer.runs))
}

fn check_subscriptions<T: Table>(journeys: &[Journey<FactOf<T>>]) -> anyhow::Result<()> {
    let names = |journey| Journey::places(journey).into_iter().map(|place| journey.step(place).name);
    let heard: BTreeSet<&str> = journeys.iter().flat_map(names).collect();
    for subscription in T::SUBSCRIPTIONS {
        let name = short_name(subscription.event);
        ensure!(heard.contains(name.as_str()), "{name} is subscribed to, and no journey has it as a step");
    }
    Ok(())
}

/// A world on its journey.
#[derive(Debug, Clone)]
struct State<World> {
    world: World,
    moves: Vec<Move>,
    /// Names of the facts that took effect, and of the events that were told.
    happened: BTreeSet<String>,
    told: Vec<String>,
}

impl<World> State<World> {
    fn can_come<Fact>(&self, step: &Step<Fact>) -> bool {
        step.needs.iter().all(|name| self.happened.contains(*name))
    }
}

/// How a step is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum How {
    /// Where the table has it: it must be answered as is written.
    AsWritten,
    /// Elsewhere, where it can really come: it must not be refused.
    InAnotherOrder,
    /// Where it cannot come, as far as the table tells.
    MayBeImpossible,
}

struct Explorer<'a, T: Table> {
    table: &'a T,
    participant: T::Participant,
    journeys: &'a [Journey<FactOf<T>>],
    slate: String,
    checked: Decided,
    runs: Vec<Run>,
}

impl<T: Table> Explorer<'_, T> {
    /// Reaches every set of steps that can be heard by some moment, in every order; undoes the journey from each.
    fn explore(&mut self, number: usize) -> anyhow::Result<()> {
        let journey = &self.journeys[number];
        let world = self.table.world();
        let beginning = State { world, moves: Vec::new(), happened: BTreeSet::new(), told: Vec::new() };
        self.offer_everything(number, &beginning)?;
        let mut reached = BTreeMap::from([(BTreeSet::new(), beginning)]);
        let mut waiting = VecDeque::from([BTreeSet::new()]);
        while let Some(heard) = waiting.pop_front() {
            let state = reached[&heard].clone();
            self.checked.prefixes += 1;
            self.undo(number, &heard, &state)?;
            for row in next_rows(journey, &heard, &state) {
                let after: BTreeSet<usize> = heard.iter().copied().chain([row]).collect();
                let how = if is_written(&heard) && is_written(&after) { How::AsWritten } else { How::InAnotherOrder };
                let mut state = state.clone();
                self.hear(number, &mut state, Place::Row(row), how)?;
                if let Some(other) = reached.get(&after) {
                    self.check_same(number, other, &state)?;
                } else {
                    reached.insert(after.clone(), state);
                    waiting.push_back(after);
                }
            }
        }
        let is_never_heard = |row: &usize| !reached.keys().any(|heard| heard.contains(row));
        if let Some(row) = (0..journey.rows.len()).find(is_never_heard) {
            let Step { name, needs, .. } = &journey.rows[row].step;
            bail!("journey {:?}: {name} never comes: it needs {needs:?}, which never happens", journey.name);
        }
        Ok(())
    }

    /// Undoes the journey in every way of the table, and attempts what does not undo it. What came last in the table decides
    /// which ways there are. If the facts came in another order, some steps of a way may be impossible; they are left out.
    fn undo(&mut self, number: usize, heard: &BTreeSet<usize>, state: &State<WorldOf<T>>) -> anyhow::Result<()> {
        let journey = &self.journeys[number];
        let after = heard.last().copied();
        let undo = journey.undo_after(after);
        if undo.ways.is_empty() && undo.attempts.is_empty() {
            bail!("{}: the table says neither what undoes that nor what does not", self.trail(number, state));
        }
        let how = if is_written(heard) { How::AsWritten } else { How::InAnotherOrder };
        for (way, steps) in undo.ways.iter().enumerate() {
            let mut undone = state.clone();
            for (number_of_step, step) in steps.iter().enumerate() {
                if undone.can_come(step) || how == How::AsWritten {
                    self.hear(number, &mut undone, Place::Way { after, way, step: number_of_step }, how)?;
                }
            }
            self.check_slate(number, &undone)?;
            let undone_after = Some(undone.moves.len());
            self.hear_what_is_late(number, heard, steps, &mut undone)?;
            self.checked.undone += 1;
            self.runs.push(Run { journey: number, moves: undone.moves, undone_after });
        }
        for attempt in 0..undo.attempts.len() {
            let mut attempted = state.clone();
            let how = if how == How::AsWritten { how } else { How::MayBeImpossible };
            self.hear(number, &mut attempted, Place::Attempt { after, attempt }, how)?;
            ensure!(
                attempted.world == state.world,
                "{}: this was to have no effect, and has one",
                self.trail(number, &attempted)
            );
            self.runs.push(Run { journey: number, moves: attempted.moves, undone_after: None });
        }
        Ok(())
    }

    /// Whatever else of the journey is heard after it was undone leaves the slate clean; and what can really come is not
    /// refused, or it would be parked for an operator.
    fn hear_what_is_late(
        &mut self,
        number: usize,
        heard: &BTreeSet<usize>,
        way: &[Step<FactOf<T>>],
        undone: &mut State<WorldOf<T>>,
    ) -> anyhow::Result<()> {
        let journey = &self.journeys[number];
        for (row, Row { step, .. }) in journey.rows.iter().enumerate() {
            if heard.contains(&row) || way.iter().any(|other| other.name == step.name) {
                continue;
            }
            let can_come = undone.can_come(step) && way.iter().all(|other| other.from != step.from);
            let how = if can_come { How::InAnotherOrder } else { How::MayBeImpossible };
            self.hear(number, undone, Place::Row(row), how)?;
            self.check_slate(number, undone)?;
        }
        Ok(())
    }

    /// Hears one step, then repeats all that took effect so far, and offers everything else.
    fn hear(&mut self, number: usize, state: &mut State<WorldOf<T>>, place: Place, how: How) -> anyhow::Result<()> {
        let step = self.journeys[number].step(place);
        let is_attempt = matches!(place, Place::Attempt { .. });
        ensure!(
            how != How::AsWritten || is_attempt || state.can_come(step),
            "{}: {} cannot come: it needs {:?}",
            self.trail(number, state),
            step.name,
            step.needs
        );
        let before = state.world.clone();
        let answer = self.decide(&mut state.world, step, step.at);
        let trail = self.trail(number, state);
        ensure!(
            how != How::AsWritten || answer == step.answer,
            "{trail}: {} {answer}; the table says that it {}",
            step.name,
            step.answer
        );
        ensure!(
            how != How::InAnotherOrder || answer != Answer::Refused || step.is_command,
            "{trail}: {} is refused, although it can come then: it would be parked",
            step.name
        );
        if let Answer::Tells(events) = &answer {
            state.happened.insert(step.name.to_owned());
            state.happened.extend(events.iter().cloned());
            state.told.extend(events.iter().cloned());
        }
        let mut pair = DefaultHasher::new();
        format!("{:?} {before:?}", step.fact).hash(&mut pair);
        state.moves.push(Move { place, answer, pair: pair.finish() });
        self.repeat(number, state)?;
        self.offer_everything(number, state)
    }

    /// What took effect takes none again, however late it is repeated.
    fn repeat(&mut self, number: usize, state: &State<WorldOf<T>>) -> anyhow::Result<()> {
        for Move { place, answer, .. } in &state.moves {
            if !answer.took_effect() {
                continue;
            }
            let step = self.journeys[number].step(*place);
            for late in [Duration::ZERO, LATE] {
                self.checked.repeated += 1;
                let mut world = state.world.clone();
                let again = self.decide(&mut world, step, step.at + late);
                ensure!(
                    !again.took_effect() && world == state.world,
                    "{}: {} again {again}, and the world becomes {world:?}",
                    self.trail(number, state),
                    step.name
                );
            }
        }
        Ok(())
    }

    /// Any fact of any journey, whether it can come or not: only what takes effect changes anything, and what took effect is
    /// known at once. Tried at the fact's own time, and at the start, when its time has not come.
    fn offer_everything(&mut self, number: usize, state: &State<WorldOf<T>>) -> anyhow::Result<()> {
        for journey in self.journeys {
            for step in journey.places().into_iter().map(|place| journey.step(place)) {
                for at in [step.at, Duration::ZERO] {
                    self.checked.pairs += 1;
                    let mut once = state.world.clone();
                    let first = self.decide(&mut once, step, at);
                    let mut twice = once.clone();
                    let second = self.decide(&mut twice, step, at);
                    let is_once = if first.took_effect() {
                        second == Answer::Known && twice == once
                    } else {
                        once == state.world
                    };
                    ensure!(
                        is_once,
                        "{}: {} {first} and becomes {once:?}; then it {second} and becomes {twice:?}",
                        self.trail(number, state),
                        step.name
                    );
                }
            }
        }
        Ok(())
    }

    fn decide(&self, world: &mut WorldOf<T>, step: &Step<FactOf<T>>, at: Duration) -> Answer {
        let decision = self.participant.decide(world, &step.fact, START + at);
        Answer::of(&decision, |event| short_name(&self.participant.encode(event).event_type))
    }

    /// The same facts in another order must have led to the same.
    fn check_same(&self, number: usize, one: &State<WorldOf<T>>, other: &State<WorldOf<T>>) -> anyhow::Result<()> {
        let sorted = |state: &State<WorldOf<T>>| {
            let mut told = state.told.clone();
            told.sort_unstable();
            told
        };
        ensure!(
            one.world == other.world && sorted(one) == sorted(other),
            "{}: the world is {:?} and {:?} was told. {}: the world is {:?} and {:?} was told",
            self.trail(number, one),
            one.world,
            one.told,
            self.trail(number, other),
            other.world,
            other.told
        );
        Ok(())
    }

    fn check_slate(&self, number: usize, state: &State<WorldOf<T>>) -> anyhow::Result<()> {
        let slate = self.table.slate(&state.world);
        ensure!(
            slate == self.slate,
            "{}: the slate is not clean: {slate}, and it began as {}",
            self.trail(number, state),
            self.slate
        );
        Ok(())
    }

    fn trail(&self, number: usize, state: &State<WorldOf<T>>) -> String {
        trail(&self.journeys[number], &state.moves)
    }
}

/// Which journey it is, and how far it has come.
pub(super) fn trail<Fact>(journey: &Journey<Fact>, moves: &[Move]) -> String {
    let steps: Vec<_> = moves.iter().map(|each| journey.step(each.place).name).collect();
    let heard = if steps.is_empty() { "nothing".to_owned() } else { steps.join(", ") };
    format!("journey {:?}, after {heard}", journey.name)
}

/// Whether these rows are the first of the table.
fn is_written(rows: &BTreeSet<usize>) -> bool {
    rows.last().is_none_or(|last| last + 1 == rows.len())
}

/// The rows that can be heard next: what a source says comes in order, what comes at an earlier time comes before, and what a
/// step needs has happened.
fn next_rows<Fact, World>(journey: &Journey<Fact>, heard: &BTreeSet<usize>, state: &State<World>) -> Vec<usize> {
    let is_next = |row: &usize| {
        let step = &journey.rows[*row].step;
        let comes_after = |earlier: &Step<Fact>| earlier.from == step.from || earlier.at < step.at;
        let is_in_order = (0..*row).all(|other| heard.contains(&other) || !comes_after(&journey.rows[other].step));
        !heard.contains(row) && is_in_order && state.can_come(step)
    };
    (0..journey.rows.len()).filter(is_next).collect()
}
