//! The step harness catches what it is for: a participant that is broken in one way is caught by one check.

mod domain;
mod participant;

use std::sync::Mutex;

use chassis::Service;
use kernel::{Id, Timestamp};
use messaging::{Subscription, UnitOfWork};
use testkit::steps::{Decided, Journey, Step, Table, decisions, transactions};
use uuid::Uuid;

use domain::{Fact, Flaw, What, World};
use participant::{SERVICE, Trains};

const SHOP: &str = "shop";
const DESK: &str = "desk";
const BANK: &str = "bank";

/// A seat on a train, broken by the flaw of that number.
struct Ticket<const FLAW: u8> {
    train_id: Uuid,
    order_id: Uuid,
}

impl<const FLAW: u8> Ticket<FLAW> {
    fn has(flaw: Flaw) -> bool {
        flaw as u8 == FLAW
    }

    fn says(&self, from: &'static str, name: &'static str, what: What) -> Step<Fact> {
        Step::new(from, name, Fact { train_id: self.train_id, order_id: self.order_id, what })
    }

    fn cancelled(&self) -> Step<Fact> {
        self.says(SHOP, "Cancelled", What::Cancelled)
    }

    fn paid(&self) -> Step<Fact> {
        let needs: &[&str] = if Self::has(Flaw::NeverComes) { &["SeatPainted"] } else { &["SeatTaken"] };
        self.says(BANK, "Paid", What::Paid).needs(needs)
    }
}

impl<const FLAW: u8> Table for Ticket<FLAW> {
    type Participant = Trains;

    const SUBSCRIPTIONS: &'static [Subscription] = if FLAW == Flaw::Unheard as u8 {
        &[Subscription { event: "tradewind.shop.v1.Rebooked", reaction: "", follows: &[], tests: &[] }]
    } else {
        &[Subscription { event: "tradewind.shop.v1.Booked", reaction: "", follows: &[], tests: &[] }]
    };
    const SLATE: &'static [&'static str] = &["SELECT * FROM train"];

    fn service() -> &'static Service {
        &SERVICE
    }

    fn participant() -> Trains {
        Trains { flaw: Flaw::ALL[usize::from(FLAW)], saved: Mutex::default() }
    }

    fn about_a_new_order(_: Timestamp) -> Self {
        Self { train_id: Id::<Trains>::generate().uuid(), order_id: Id::<Fact>::generate().uuid() }
    }

    fn world(&self) -> World {
        World { free: [(self.train_id, 2)].into(), ..World::default() }
    }

    async fn begin(&mut self, unit: &mut UnitOfWork) -> anyhow::Result<()> {
        sqlx::query("INSERT INTO train VALUES ($1, 2)").bind(self.train_id).execute(unit.tx()).await?;
        Ok(())
    }

    #[rustfmt::skip]
    fn journeys(&self) -> Vec<Journey<Fact>> {
        let freed = || [self.cancelled().tells(&["SeatFreed"])];
        let mut journey = Journey::new("a seat that is paid for");
        if !Self::has(Flaw::SaysNothingOfTheBeginning) {
            journey = journey.undone_by([self.cancelled()]);
        }
        let mut taken = self.says(SHOP, "Booked", What::Booked).tells(&["SeatTaken"]).undone_by(freed());
        if Self::has(Flaw::IsUndoneAfterAll) {
            taken = taken.but_not_by(freed());
        }
        if Self::has(Flaw::UndoneByTheImpossible) {
            taken = taken.or_by([self.cancelled().needs(&["SeatSold"])]);
        }
        vec![
            journey
                .then(taken)
                .then(self.says(DESK, "LuggageAnnounced", What::LuggageAnnounced)
                    .undone_by(freed()))
                .then(self.paid().tells(&["SeatSold"])
                    .undone_by(freed())),
        ]
    }

    fn slate(&self, world: &World) -> String {
        format!("{} seats free", world.free[&self.train_id])
    }
}

/// Fails unless the harness complains of the flaw with these words, on the world alone.
macro_rules! assert_caught {
    ($flaw:expr, $words:expr) => {
        let broken = decisions::<Ticket<{ $flaw as u8 }>>().expect_err("the flaw is not caught").to_string();
        assert!(broken.contains($words), "{broken}");
    };
}

/// Fails unless the harness complains of the flaw with these words, on rows; on the world alone it does not show.
macro_rules! assert_caught_on_rows {
    ($flaw:expr, $words:expr) => {
        decisions::<Ticket<{ $flaw as u8 }>>().expect("a flaw of the rows alone");
        let broken = transactions::<Ticket<{ $flaw as u8 }>>().await.expect_err("the flaw is not caught").to_string();
        assert!(broken.contains($words), "{broken}");
    };
}

#[tokio::test]
async fn a_participant_without_a_flaw_is_played_to_the_end() {
    let decided = decisions::<Ticket<0>>().unwrap();
    // Nothing, any of the three facts that may come first or alone, and so on: paid needs booked, luggage comes when it likes.
    let Decided { journeys, prefixes, undone, .. } = decided;
    assert_eq!((journeys, prefixes, undone), (1, 6, 6), "{decided}");
    let committed = transactions::<Ticket<0>>().await.unwrap();
    assert_eq!((committed.runs, committed.batches), (6, 6), "{committed}");
    assert!(committed.failures > 4 * 6, "{committed}");
}

#[test]
fn a_step_that_does_not_do_what_its_row_says_is_caught() {
    assert_caught!(
        Flaw::TellsNothing,
        "Booked takes effect and tells nothing; the table says that it takes effect and tells SeatTaken"
    );
}

#[test]
fn a_step_that_takes_effect_twice_is_caught() {
    assert_caught!(Flaw::TakesAnotherSeat, "after nothing: Booked takes effect and tells SeatTaken and becomes");
}

#[test]
fn an_answer_that_claims_to_change_nothing_and_does_is_caught() {
    assert_caught!(Flaw::ChangesWhatItIgnores, "after nothing: Paid is ignored and becomes");
}

#[test]
fn a_repeated_step_that_revives_what_was_undone_is_caught() {
    assert_caught!(Flaw::RevivedByARepeat, "after Booked, Cancelled: Booked again takes effect");
}

#[test]
fn a_compensation_that_leaves_something_behind_is_caught() {
    assert_caught!(Flaw::KeepsTheSeat, "after Booked, Cancelled: the slate is not clean: 1 seats free");
}

#[test]
fn a_missing_tombstone_is_caught() {
    assert_caught!(Flaw::NoTombstone, "after Cancelled, Booked: Cancelled again takes effect");
}

#[test]
fn a_late_fact_that_takes_something_again_is_caught() {
    assert_caught!(
        Flaw::LateLuggageTakesASeat,
        "after Booked, Cancelled, LuggageAnnounced: the slate is not clean: 1 seats free"
    );
}

#[test]
fn a_late_fact_that_would_be_parked_is_caught() {
    assert_caught!(Flaw::RefusesLateLuggage, "LuggageAnnounced is refused, although it can come then");
}

#[test]
fn facts_whose_order_matters_are_caught() {
    assert_caught!(Flaw::TakesNoSeatAfterLuggage, "after LuggageAnnounced, Booked: the world is");
}

#[test]
fn a_table_that_is_not_whole_is_caught() {
    assert_caught!(Flaw::Unheard, "Rebooked is subscribed to, and no journey has it as a step");
    assert_caught!(Flaw::NeverComes, "Paid never comes: it needs [\"SeatPainted\"]");
    assert_caught!(Flaw::SaysNothingOfTheBeginning, "after nothing: the table says neither what undoes that");
    assert_caught!(Flaw::IsUndoneAfterAll, "after Booked, Cancelled: this was to have no effect, and has one");
    assert_caught!(Flaw::UndoneByTheImpossible, "after Booked: Cancelled cannot come: it needs [\"SeatSold\"]");
}

#[tokio::test]
async fn a_step_that_leaves_a_trace_when_it_is_interrupted_is_caught() {
    assert_caught_on_rows!(Flaw::CommitsInLoad, "given up after the load, it leaves a trace:\n  train had");
    assert_caught_on_rows!(Flaw::CommitsInSave, "given up after the save, it leaves a trace:\n  train had");
}

#[tokio::test]
async fn a_step_that_goes_on_after_a_failure_is_caught() {
    assert_caught_on_rows!(Flaw::SwallowsAFailure, "it changes [\"booking\"], and no write of those was made to fail");
}

#[tokio::test]
async fn a_step_that_cannot_be_tried_again_is_caught() {
    assert_caught_on_rows!(
        Flaw::RemembersWhatWasRolledBack,
        "cut off before the commit: on rows it is known already; in memory it takes effect"
    );
}

#[tokio::test]
async fn a_step_that_is_not_saved_is_caught() {
    assert_caught_on_rows!(Flaw::SavesNothing, "and is committed: it swallows the failure, or writes nothing");
    assert_caught_on_rows!(Flaw::ForgetsTheLuggage, "LuggageAnnounced: a second time it takes effect");
}

#[tokio::test]
async fn rows_that_are_not_read_as_they_were_written_are_caught() {
    assert_caught_on_rows!(Flaw::ReadsTakenAsSold, "on rows it is known already; in memory it takes effect");
}

#[tokio::test]
async fn a_repeated_step_that_saves_what_did_not_change_is_caught() {
    assert_caught_on_rows!(Flaw::SavesWhatDidNotChange, "a second time it changes rows:\n  booking had");
}

#[tokio::test]
async fn a_compensation_that_leaves_something_behind_in_rows_is_caught() {
    assert_caught_on_rows!(Flaw::FreesNoSeatOnRows, "the slate is not clean: SELECT * FROM train");
}

#[tokio::test]
async fn a_repeated_step_that_revives_in_rows_what_was_undone_is_caught() {
    assert_caught_on_rows!(Flaw::ForgetsThatItWasFreed, "Booked again takes effect and tells SeatTaken");
}

#[tokio::test]
async fn a_batch_that_fails_where_its_facts_alone_do_not_is_caught() {
    assert_caught_on_rows!(Flaw::ChangesOneRowTwice, "in one batch with each fact twice");
}
