use kernel::Decision;

use super::super::decide;
use super::super::fixtures::{
    EVERY_STATUS, NOON, POLICY, assert_books_balance, cups, item, order, world_with_dispatched,
};
use crate::domain::error::Error;
use crate::domain::event::Event;
use crate::domain::fact::Fact;
use crate::domain::reservation::Status;
use crate::domain::stock::Levels;

/// What is to come of a refund.
#[derive(Debug, Clone, Copy)]
enum Answer {
    /// So many cups go back on sale.
    GiveBack(i64),
    /// It is over, and nothing was held.
    Noted,
    AlreadyApplied,
    Ignored,
    NothingCommitted,
}
use Answer::{AlreadyApplied, GiveBack, Ignored, Noted, NothingCommitted};

/// Where an order of three cups stands, how many of them have left, and what comes of money that goes back because it ended, and by a refund
/// that was approved.
const STATE_MACHINE: [(Option<Status>, i64, [Answer; 2]); 12] = [
    (None, 0, [Noted, NothingCommitted]),
    (Some(Status::Active), 0, [GiveBack(3), NothingCommitted]),
    (Some(Status::Committed), 0, [GiveBack(3), Ignored]),
    (Some(Status::Committed), 2, [GiveBack(1), Ignored]),
    (Some(Status::Committed), 3, [Ignored, Ignored]),
    (Some(Status::Released), 0, [AlreadyApplied, AlreadyApplied]),
    (Some(Status::Released), 2, [AlreadyApplied, AlreadyApplied]),
    (Some(Status::Expired), 0, [Ignored, Ignored]),
    (Some(Status::CommitRefused), 0, [Ignored, Ignored]),
    (Some(Status::Backordered), 0, [Noted, Ignored]),
    (Some(Status::Rejected), 0, [Ignored, Ignored]),
    (Some(Status::Tombstone), 0, [AlreadyApplied, Ignored]),
];

#[test]
fn a_refund_in_every_state_has_its_answer_and_only_applied_changes_anything() {
    assert!(EVERY_STATUS.iter().all(|status| STATE_MACHINE.iter().any(|(state, ..)| *state == Some(*status))));
    let pairs = STATE_MACHINE.into_iter().flat_map(|(state, left, answers)| {
        [true, false].into_iter().zip(answers).map(move |(order_ended, answer)| (state, left, order_ended, answer))
    });
    for (state, left, order_ended, answer) in pairs {
        let before = world_with_dispatched(state, left);
        let mut world = before.clone();
        let decision = decide(&mut world, &Fact::PaymentRefunded { order_id: order(1), order_ended }, &POLICY, NOON);
        let place = format!("in {state:?} with {left} gone, ended {order_ended}: {decision:?}, not {answer:?}");
        match (&decision, answer) {
            (Decision::Applied(told), GiveBack(units)) => {
                let released =
                    Event::InventoryReleased { order_id: order(1), allocations: vec![cups(units, 0)], partial: false };
                assert_eq!(*told, [released], "{place}");
                let levels = Levels { total: 10 - left, ..Levels::default() };
                assert_eq!(world.stock_item(item(1)).unwrap().levels(), levels, "{place}");
                let reservation = world.reservation(order(1)).unwrap();
                assert_eq!((reservation.status, &reservation.allocations), (Status::Released, &vec![cups(3, left)]));
                assert_books_balance(&world, &[order(1)], &[item(1)]);
            }
            (Decision::Applied(told), Noted) => {
                let expected = if state.is_none() { Status::Tombstone } else { Status::Released };
                assert_eq!((told.len(), world.reservation(order(1)).unwrap().status), (0, expected), "{place}");
            }
            (Decision::AlreadyApplied, AlreadyApplied)
            | (Decision::Ignored(_), Ignored)
            | (Decision::Refused(Error::NothingCommitted(_)), NothingCommitted) => {
                assert_eq!(world, before, "{place}");
            }
            _ => panic!("{place}"),
        }
    }
}

/// They are told on two topics.
#[test]
fn of_the_end_of_an_order_and_the_refund_of_its_money_the_first_gives_back_and_the_second_is_known() {
    for left in 0..3 {
        let refunded = Fact::PaymentRefunded { order_id: order(1), order_ended: true };
        let ended = Fact::OrderEnded(order(1));
        let [one, other] = [[&ended, &refunded], [&refunded, &ended]].map(|[first, second]| {
            let mut world = world_with_dispatched(Some(Status::Committed), left);
            let told = decide(&mut world, first, &POLICY, NOON);
            assert!(matches!(told, Decision::Applied(_)), "{first:?} with {left} gone: {told:?}");
            assert_eq!(decide(&mut world, second, &POLICY, NOON), Decision::AlreadyApplied, "{left} gone");
            (world, told)
        });
        assert_eq!(one, other, "{left} gone");
    }
}
