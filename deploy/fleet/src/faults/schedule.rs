//! Which faults, and when. One seed makes one schedule.

use std::time::Duration;

use kernel::CrashPoint;
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use sandbox_provider::Mode;

use super::fault::{Fault, Planned, Poison};
use crate::topology::{PROVIDER, replica};
use crate::witness;

/// The fleet has this long to itself before the first fault.
const QUIET: Duration = Duration::from_secs(3);
/// Between the end of what went wrong and what goes wrong next.
const BREATH: Duration = Duration::from_secs(2);
/// The same after a fault whose recovery is measured.
const LONG_BREATH: Duration = Duration::from_secs(5);
/// How long a replica that is lost stays away: longer than its consumer group waits for it (6 s).
const LOST: Duration = Duration::from_secs(12);
/// How long a process may take to pass the place where it is to die.
const UNTIL_CRASHED: Duration = Duration::from_secs(6);
/// A consumer group takes foreign offsets only once its members are gone, which takes their session's 6 s.
const UNTIL_GROUP_IS_EMPTY: Duration = Duration::from_secs(8);
/// Ten minutes.
const CLOCK_OFFSET_SECS: i64 = 600;
/// Of the faults that need not be alone, so many in a hundred come together with others.
const COMPANY_PERCENT: u32 = 40;

/// The services in the order in which a client meets them, and those of them that consume events.
const SERVICES: [&str; 7] = ["products", "cart", "checkout", "orders", "inventory", "payments", "shipping"];
const CONSUMERS: [&str; 5] = ["checkout", "orders", "inventory", "payments", "shipping"];

/// A fault without its time.
#[derive(Debug, Clone)]
struct Card {
    fault: Fault,
    lasts: Duration,
    alone: bool,
}

/// Deals faults until `duration` is full; the last is over by then. Every kind comes once before any comes again, and every card
/// of the deck before any is dealt again.
pub fn deal(seed: u64, replicas: u16, duration: Duration) -> Vec<Planned> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut schedule = Vec::new();
    let mut deck: Vec<Card> = Vec::new();
    let mut at = QUIET;
    loop {
        if deck.is_empty() {
            deck = shuffled(&mut random, replicas);
        }
        let episode = next_episode(&mut deck, &mut random);
        let lasts = episode.iter().map(|(delay, card)| *delay + card.lasts).max().unwrap_or_default();
        if at + lasts > duration {
            return schedule;
        }
        let breath = if episode[0].1.alone { LONG_BREATH } else { BREATH };
        let planned = |(delay, card): (Duration, Card)| Planned {
            at: at + delay,
            lasts: card.lasts,
            alone: card.alone,
            fault: card.fault,
        };
        schedule.extend(episode.into_iter().map(planned));
        at += lasts + breath;
    }
}

/// The next card, and sometimes one or two more that disturb something else.
fn next_episode(deck: &mut Vec<Card>, random: &mut StdRng) -> Vec<(Duration, Card)> {
    let mut episode = vec![(Duration::ZERO, deck.remove(0))];
    if episode[0].1.alone || random.random_range(0..100) >= COMPANY_PERCENT {
        return episode;
    }
    for _ in 0..random.random_range(1..=2) {
        let fits = |card: &Card| {
            let is_free = |(_, other): &(Duration, Card)| other.fault.target() != card.fault.target();
            !card.alone && episode.iter().all(is_free)
        };
        if let Some(index) = deck.iter().position(fits) {
            episode.push((Duration::from_millis(random.random_range(0..1_500)), deck.remove(index)));
        }
    }
    episode
}

/// The whole deck: the first of each kind, then the second of each, and so on; within a round in any order.
fn shuffled(random: &mut StdRng, replicas: u16) -> Vec<Card> {
    let mut rounds: Vec<Vec<Card>> = Vec::new();
    for mut kind in (Printer { random: &mut *random, replicas }).kinds() {
        kind.shuffle(random);
        for (round, card) in kind.into_iter().enumerate() {
            if rounds.len() == round {
                rounds.push(Vec::new());
            }
            rounds[round].push(card);
        }
    }
    for round in &mut rounds {
        round.shuffle(random);
    }
    rounds.into_iter().flatten().collect()
}

/// Makes the cards. Which replica is hit, and which cards of many are in the deck, is the seed's to say.
struct Printer<'a> {
    random: &'a mut StdRng,
    replicas: u16,
}

impl Printer<'_> {
    /// Kind by kind.
    fn kinds(mut self) -> Vec<Vec<Card>> {
        let secs = Duration::from_secs;
        let kills = SERVICES.map(|service| Card::alone(Fault::Kill { process: self.replica(service) }, Duration::ZERO));
        let lost = CONSUMERS.map(|service| Card::alone(Fault::Kill { process: self.replica(service) }, LOST));
        let all = CONSUMERS.map(|service| Card::new(Fault::KillAll { service }, secs(1)));
        let slow = CONSUMERS.map(|service| Card::new(Fault::Slow { process: self.replica(service) }, secs(6)));
        let cuts = SERVICES.map(|service| Card::new(Fault::Cut { service }, Duration::ZERO));
        let rewinds = CONSUMERS.map(|service| Card::new(Fault::Rewind { service }, UNTIL_GROUP_IS_EMPTY));
        let witness = Card::new(Fault::Rewind { service: witness::NAME }, UNTIL_GROUP_IS_EMPTY);
        vec![
            kills.to_vec(),
            self.some(2, &lost),
            self.some(2, &all),
            self.crashes(),
            self.pauses(),
            self.some(1, &slow),
            self.clocks(),
            vec![Card::new(Fault::Broker, secs(1)), Card::new(Fault::Broker, secs(4))],
            vec![Card::new(Fault::Postgres, Duration::from_millis(500)), Card::new(Fault::Postgres, secs(3))],
            self.some(3, &cuts),
            POISONS.map(|poison| Card::new(Fault::Poison(poison), Duration::ZERO)).to_vec(),
            self.some(2, &rewinds).into_iter().chain([witness]).collect(),
            vec![
                Card::new(Fault::Provider(Mode::Down), secs(3)),
                Card::new(Fault::Provider(Mode::Slow { delay_ms: 1_500 }), secs(4)),
                Card::new(Fault::Provider(Mode::Losing), secs(4)),
                Card::new(Fault::Kill { process: PROVIDER.to_owned() }, secs(2)),
            ],
        ]
    }

    /// Every named place, in as many of the services that pass there as a campaign has time for.
    fn crashes(&mut self) -> Vec<Card> {
        let places = [
            (CrashPoint::AfterCommitBeforeOffset, self.some(4, &CONSUMERS)),
            (CrashPoint::AfterProduceBeforeDelete, self.some(4, &CONSUMERS)),
            (CrashPoint::AfterAnswerBeforeCommit, vec!["payments"]),
        ];
        let places =
            places.into_iter().flat_map(|(point, services)| services.into_iter().map(move |service| (point, service)));
        places
            .map(|(point, service)| {
                let (process, pass) = (self.replica(service), self.random.random_range(1..=8));
                Card::alone(Fault::Crash { process, point, pass }, UNTIL_CRASHED)
            })
            .collect()
    }

    /// Three short ones, and two that are longer than a consumer group waits: others have taken over when the process wakes up in
    /// the middle of its batch.
    fn pauses(&mut self) -> Vec<Card> {
        let pause = |process, secs| Card::new(Fault::Pause { process }, Duration::from_secs(secs));
        let short = SERVICES.map(|service| pause(self.replica(service), 2));
        let long = CONSUMERS.map(|service| pause(self.replica(service), 9));
        self.some(3, &short).into_iter().chain(self.some(2, &long)).collect()
    }

    /// One ahead and one behind.
    fn clocks(&mut self) -> Vec<Card> {
        let victims = self.some(2, &CONSUMERS);
        let offsets = [CLOCK_OFFSET_SECS, -CLOCK_OFFSET_SECS];
        let clock = |(service, offset_secs): (&str, i64)| {
            Card::new(Fault::Clock { process: self.replica(service), offset_secs }, Duration::from_secs(6))
        };
        victims.into_iter().zip(offsets).map(clock).collect()
    }

    fn replica(&mut self, service: &str) -> String {
        replica(service, self.random.random_range(0..self.replicas))
    }

    fn some<T: Clone>(&mut self, count: usize, of: &[T]) -> Vec<T> {
        of.sample(self.random, count).cloned().collect()
    }
}

/// What is thrown on the topics.
const POISONS: [Poison; 6] = [
    Poison::Headless("tradewind.orders.v1"),
    Poison::Headless("tradewind.payments.v1"),
    Poison::Garbled("tradewind.orders.v1.OrderCreated"),
    Poison::Garbled("tradewind.inventory.v1.InventoryReserved"),
    Poison::InTheWay("tradewind.orders.v1.OrderConfirmed"),
    Poison::InTheWay("tradewind.payments.v1.PaymentAuthorized"),
];

impl Card {
    fn new(fault: Fault, lasts: Duration) -> Self {
        Self { fault, lasts, alone: false }
    }

    fn alone(fault: Fault, lasts: Duration) -> Self {
        Self { fault, lasts, alone: true }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const LONG: Duration = Duration::from_mins(5);

    #[test]
    fn one_seed_makes_one_schedule() {
        assert_eq!(deal(7, 2, LONG), deal(7, 2, LONG));
        assert_ne!(deal(7, 2, LONG), deal(8, 2, LONG));
    }

    #[test]
    fn a_long_schedule_holds_every_kind_of_fault_every_crash_point_and_a_kill_of_every_service() {
        for seed in 0..20 {
            let schedule = deal(seed, 2, LONG);
            let kinds: BTreeSet<_> = schedule.iter().map(|planned| planned.fault.kind()).collect();
            assert_eq!(kinds.len(), 12, "seed {seed}: {kinds:?}");
            let mut points = BTreeSet::new();
            let mut killed = BTreeSet::new();
            for planned in &schedule {
                match &planned.fault {
                    Fault::Crash { point, .. } => drop(points.insert(point.name())),
                    Fault::Kill { .. } if planned.lasts.is_zero() => drop(killed.insert(planned.fault.target())),
                    _ => {}
                }
            }
            assert_eq!((points.len(), killed.len()), (3, 7), "seed {seed}");
        }
    }

    #[test]
    fn everything_is_over_in_time_and_nothing_is_disturbed_twice_at_once() {
        for seed in 0..50 {
            let schedule = deal(seed, 2, LONG);
            for (index, fault) in schedule.iter().enumerate() {
                assert!(fault.at >= QUIET && fault.at + fault.lasts <= LONG);
                for other in &schedule[index + 1..] {
                    let at_once = other.at < fault.at + fault.lasts && fault.at < other.at + other.lasts;
                    let same = fault.fault.target().is_some() && fault.fault.target() == other.fault.target();
                    assert!(!(at_once && (same || fault.alone || other.alone)), "seed {seed}: {fault:?} {other:?}");
                }
            }
        }
    }
}
