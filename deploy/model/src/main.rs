//! `model`: checks every interleaving of the sagas.

use std::fmt::Display;
use std::process::ExitCode;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use clap::Parser;
use kernel::Mutant;
use model::check::{Counterexample, Progress, Report, explore, explore_mutant};
use model::mutants::scenario_for;
use model::scenario::Scenario;
use model::scenarios;

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// Checks every interleaving of the sagas, over the functions that ship.
///
/// Every scenario is explored to its end: every order in which events of different topics can be read, every delay past every
/// deadline, cancellations, refusals, lost answers of the provider, crashes between commit and acknowledgement, each as often
/// as the scenario's bounds allow. In every state the invariants I1 to I3 must hold and nothing may be parked; every run must
/// end with each order confirmed and paid for, fully undone, or waiting for stock. Then the code is broken on purpose in one
/// way after the other, and each must be found; the steps that show it are told.
///
/// Without arguments everything is checked, which takes some minutes. Exits with 1 if anything does not hold or is not found.
#[derive(Debug, Parser)]
#[command(version)]
struct Args {
    /// Only the scenarios of every test run, and no others
    #[arg(long)]
    short: bool,
    /// Only this scenario; may be given several times. No mutants unless they are named too
    #[arg(long = "scenario", value_name = "NAME", value_parser = scenario)]
    scenarios: Vec<&'static Scenario>,
    /// Only this mutant; may be given several times. No scenarios unless they are named too
    #[arg(long = "mutant", value_name = "NAME", value_parser = mutant)]
    mutants: Vec<Mutant>,
    /// Threads that explore the unbroken code [default: one for each core]. A mutant is always looked for on one, so that its
    /// counterexample is a shortest one
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..))]
    threads: Option<u8>,
    /// Lists scenarios and mutants, and checks nothing
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.list {
        list();
        return ExitCode::SUCCESS;
    }
    let threads = args.threads.map_or_else(|| available_parallelism().map_or(1, usize::from), usize::from);
    let is_all = args.scenarios.is_empty() && args.mutants.is_empty();
    let scenarios: Vec<_> = if is_all {
        scenarios::all().filter(|scenario| scenario.is_short || !args.short).collect()
    } else {
        args.scenarios
    };
    let mutants = if is_all { Mutant::ALL.to_vec() } else { args.mutants };

    let mut failures = 0;
    if !scenarios.is_empty() {
        failures += scenarios.into_iter().filter(|scenario| !check(scenario, threads)).count();
    }
    if !mutants.is_empty() {
        failures += look_for(&mutants);
    }
    if failures == 0 {
        return ExitCode::SUCCESS;
    }
    eprintln!("error: {failures} of the above did not come out as it must");
    ExitCode::FAILURE
}

/// Explores a scenario and tells what came of it. Whether it holds.
fn check(scenario: &'static Scenario, threads: usize) -> bool {
    println!("scenario {}: {}", scenario.name, scenario.what);
    println!("  at most: {}", scenario.bounds);
    let report = explore(scenario, threads, now_and_then(scenario.name));
    println!("  {}", words(report.progress));
    println!(
        "  orders ended in these ways: {}",
        list_of(scenario.ends.iter().map(|end| end.name).filter(|end| !report.unmet.contains(end)))
    );
    for Counterexample { property, story, .. } in &report.broken {
        println!("  BROKEN  {property}\n{story}");
    }
    for Counterexample { property, story, .. } in &report.unexpected {
        println!("  MET, though it should not be possible here: {property}\n{story}");
    }
    if !report.unmet.is_empty() {
        println!("  NOT MET, so this shows less than it should: {}", list_of(report.unmet.iter()));
    }
    if report.holds() {
        println!("  holds\n");
    }
    report.holds()
}

/// Looks for mutants and tells what shows each. How many are not found.
fn look_for(mutants: &[Mutant]) -> usize {
    if !Mutant::ARE_BUILT_IN {
        println!("This build cannot be broken on purpose; `make model` makes one that can.");
        return mutants.len();
    }
    let found = |mutant: &Mutant| {
        let scenario = scenario_for(*mutant);
        println!("mutant {}, in scenario {}", mutant.name(), scenario.name);
        let Report { progress, broken, .. } = explore_mutant(*mutant, scenario, now_and_then(mutant.name()));
        println!("  {}", words(progress));
        match broken.first() {
            Some(Counterexample { property, story, .. }) => println!("  found: it breaks \"{property}\"\n{story}"),
            None => println!("  NOT FOUND: the model cannot tell the broken code from the code that ships\n"),
        }
        !broken.is_empty()
    };
    mutants.iter().filter(|mutant| !found(mutant)).count()
}

fn list() {
    println!("scenarios");
    for scenario in scenarios::all() {
        let when = if scenario.is_short { "also in every test run" } else { "here only" };
        println!("  {:<22} {}; {when}\n  {:<22} at most: {}", scenario.name, scenario.what, "", scenario.bounds);
    }
    println!("mutants");
    for mutant in Mutant::ALL {
        println!("  {:<31} must be found in {}", mutant.name(), scenario_for(mutant).name);
    }
}

/// Tells on the error output how far it is, every few seconds.
fn now_and_then(name: &'static str) -> impl FnMut(Progress) + Send {
    let mut told = Instant::now();
    move |progress| {
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            eprintln!("  ... {name}: {}", words(progress));
        }
    }
}

fn words(progress: Progress) -> String {
    let Progress { states, unique, depth, time } = progress;
    format!(
        "{} states, {} of them different, at most {depth} steps deep, {:.1} s",
        grouped(states),
        grouped(unique),
        time.as_secs_f64()
    )
}

fn list_of(items: impl Iterator<Item = impl Display>) -> String {
    items.map(|item| item.to_string()).collect::<Vec<_>>().join("; ")
}

/// A number with its thousands apart.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let (head, tail) = digits.split_at(first);
    let groups = tail.as_bytes().chunks(3).map(|chunk| String::from_utf8_lossy(chunk).into_owned());
    let all: Vec<_> = Some(head.to_owned()).filter(|head| !head.is_empty()).into_iter().chain(groups).collect();
    all.join(",")
}

fn scenario(name: &str) -> Result<&'static Scenario, String> {
    let names = || scenarios::all().map(|scenario| scenario.name).collect::<Vec<_>>().join(", ");
    Scenario::named(name).ok_or_else(|| format!("one of {}", names()))
}

fn mutant(name: &str) -> Result<Mutant, String> {
    Mutant::from_name(name).ok_or_else(|| format!("one of {}", Mutant::ALL.map(Mutant::name).join(", ")))
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands_stand_apart() {
        assert_eq!([0, 999, 1_000, 12_345, 1_234_567].map(grouped), ["0", "999", "1,000", "12,345", "1,234,567"]);
    }
}
