//! The step harness: shows of every step of a saga that it can be repeated, undone, and interrupted at any point.
//!
//! A service writes down once what it hears on each journey of a saga, what follows, and what undoes it: a [`Table`]. The
//! harness plays every journey from it, in two ways.
//!
//! | | [`decisions`] | [`transactions`] |
//! | --- | --- | --- |
//! | plays on | the service's `World`, through [`Participant::decide`] alone | rows, through [`messaging::react`] in units of work on PostgreSQL |
//! | order of facts | every order that the sources allow | the same |
//! | each fact twice | changes nothing: at once, a day later, after anything that came since, after the journey was undone | leaves every row as once, also in one batch |
//! | after any prefix | undone in every way of the table, each step of it twice | the same |
//! | then | the slate is clean, and stays so whatever comes late | the same, as the table's queries see it |
//! | a failure at each step | | leaves every row as if the step had never begun, and the step succeeds when it is tried again |
//!
//! What a step is answered on rows must be what it was answered in memory.

mod decisions;
mod faults;
mod journey;
mod mutants;
mod rows;
mod transactions;

use std::fmt::{self, Debug, Display};
use std::future::Future;

use chassis::Service;
use kernel::Timestamp;
use messaging::{Participant, Subscription, UnitOfWork};

pub use decisions::{Decided, decisions};
pub use journey::{Journey, Row, Step};
pub use mutants::output_of_broken;
pub use transactions::{Committed, transactions};

type FactOf<T> = <<T as Table>::Participant as Participant>::Fact;
type WorldOf<T> = <<T as Table>::Participant as Participant>::World;

/// A service's part in a saga. One value is about one order: all of its journeys are lives that this order could have.
pub trait Table: Sized {
    /// Who reacts.
    type Participant: Participant<Fact: Clone + Debug, World: Clone + PartialEq + Debug, Event: Debug, Refusal: Debug>;

    /// What the service hears by event. Each must be a step of some journey, under the bare name of its message.
    const SUBSCRIPTIONS: &'static [Subscription];

    /// Queries of the service's schema that answer the same after an undone journey as before it: what is held for orders, in
    /// whatever words the service has for that. [`Self::slate`] says the same of a world.
    const SLATE: &'static [&'static str];

    /// The service.
    fn service() -> &'static Service;

    /// Who reacts.
    fn participant() -> Self::Participant;

    /// The table, for an order that nobody has heard of, whose journeys start at that instant.
    fn about_a_new_order(start: Timestamp) -> Self;

    /// The world in which the journeys begin.
    fn world(&self) -> WorldOf<Self>;

    /// Makes the rows that the journeys begin with, by the service's own commands, and remembers the ids that those chose.
    /// It is interrupted like any other step, and so called again until it commits.
    fn begin(&mut self, _unit: &mut UnitOfWork) -> impl Future<Output = anyhow::Result<()>> {
        async { Ok(()) }
    }

    /// Every journey.
    fn journeys(&self) -> Vec<Journey<FactOf<Self>>>;

    /// What is held for the order, in words: after an undone journey the same as before it.
    fn slate(&self, world: &WorldOf<Self>) -> String;
}

/// What is not as a table says, or as it must be of any saga, with the steps that led there.
pub struct Broken(String);

impl From<anyhow::Error> for Broken {
    fn from(error: anyhow::Error) -> Self {
        Self(format!("{error:#}"))
    }
}

impl Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// In words as well: this is what a failed test shows.
impl Debug for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)
    }
}

impl std::error::Error for Broken {}
