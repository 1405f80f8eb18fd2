use std::time::Duration;

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::event::Event;
use crate::domain::fact::{Fact, OrderFact};
use crate::domain::fixtures::{NOON, cash_on_delivery, euro, order_id, snapshot, terms};
use crate::domain::order::Standing;
use crate::domain::snapshot::Terms;
use crate::saga::decide;
use crate::saga::fixtures::{
    ORDER, POLICY, assert_goes_one_way, assert_readme_has, backordered, cancelled_by, captured, committed, delivered,
    dispatched, hear, standing, submitted, table, undone, world_after, world_of,
};

fn declined() -> OrderFact {
    OrderFact::PaymentDeclined { issuer_reason: "INSUFFICIENT_FUNDS".to_owned() }
}

/// Every fact about an order, by the name that the table gives it.
fn every_fact() -> Vec<(&'static str, OrderFact)> {
    vec![
        ("PaymentAuthorized", OrderFact::PaymentAuthorized),
        ("InventoryCommitted", committed()),
        ("PaymentCaptured", captured()),
        ("InventoryRejected", OrderFact::InventoryRejected),
        ("InventoryBackordered", backordered()),
        ("PaymentDeclined", declined()),
        ("InventoryCommitRefused", OrderFact::InventoryCommitRefused),
        ("ReservationExpired", OrderFact::ReservationExpired),
        ("CaptureFailed", OrderFact::CaptureFailed),
        ("PaymentVoided", OrderFact::PaymentVoided),
        ("PaymentRefunded", undone()),
        ("InventoryReleased", OrderFact::InventoryReleased { partial: false }),
        ("cancellation", cancelled_by(Canceller::Buyer)),
        ("unpaid deadline", OrderFact::UnpaidDeadlinePassed),
    ]
}

/// Every state that decides differently, by the name that the table gives it, and the facts that lead there.
fn every_state() -> Vec<(&'static str, Vec<OrderFact>)> {
    let confirmed = vec![OrderFact::PaymentAuthorized, committed()];
    let after_confirmed = |fact| [confirmed.clone(), vec![fact]].concat();
    let paid = after_confirmed(captured());
    vec![
        ("CREATED", vec![]),
        ("CREATED, authorized", vec![OrderFact::PaymentAuthorized]),
        ("CONFIRMED", confirmed.clone()),
        ("PAID", paid.clone()),
        ("SHIPPED", [paid.clone(), vec![dispatched(true)]].concat()),
        ("DELIVERED", [paid, vec![dispatched(true), delivered(true)]].concat()),
        ("FAILED: stock", vec![OrderFact::InventoryRejected]),
        ("FAILED: declined", vec![declined()]),
        ("FAILED: expired", vec![OrderFact::PaymentAuthorized, OrderFact::InventoryCommitRefused]),
        ("CANCELLED early", vec![cancelled_by(Canceller::Buyer)]),
        ("CANCELLED late", after_confirmed(cancelled_by(Canceller::Buyer))),
    ]
}

#[test]
fn the_readme_shows_what_becomes_of_each_fact_in_each_state() {
    let worlds = every_state().into_iter().map(|(name, history)| (name, world_after(&history))).collect();
    assert_readme_has(&table(worlds, &every_fact()));
}

#[test]
fn a_fact_about_an_order_that_does_not_exist_is_refused() {
    for (name, fact) in every_fact() {
        let mut world = World::default();
        let refused = Decision::Refused(OrderError::NotFound(order_id(ORDER)));
        assert_eq!(hear(&mut world, fact), refused, "{name}");
        assert_eq!(world, World::default());
    }
}

#[test]
fn a_checkout_creates_all_of_its_orders_once() {
    let submitted = submitted(vec![snapshot(order_id(5)), cash_on_delivery(order_id(6))]);
    let mut world = World::default();
    let Decision::Applied(events) = decide(&mut world, &submitted, &POLICY, NOON) else { panic!("not applied") };
    let unpaid_deadline = NOON + Duration::from_mins(16);
    assert_eq!(
        events,
        [
            Event::Created { snapshot: Box::new(snapshot(order_id(5))), unpaid_deadline, split_from: None },
            Event::Created { snapshot: Box::new(cash_on_delivery(order_id(6))), unpaid_deadline, split_from: None },
        ]
    );
    assert_eq!(standing(&world), Standing::CREATED);
    assert!(world.order(order_id(6)).unwrap().cash_on_delivery);
    assert_eq!(world.created().count(), 2);

    let after_first = world.clone();
    assert_eq!(decide(&mut world, &submitted, &POLICY, NOON), Decision::AlreadyApplied);
    assert_eq!(world, after_first);
}

#[test]
fn a_checkout_that_reuses_an_order_id_is_refused_as_a_whole() {
    let mut world = world_of(snapshot(order_id(ORDER)));
    let before = world.clone();
    let checkout_id = CheckoutId::from_uuid(Uuid::from_u128(77));
    let of_another_checkout =
        |id| Snapshot::freeze(Terms { checkout_id, ..terms(id) }).expect("the same terms as ever");
    let submitted = submitted([order_id(9), order_id(ORDER)].map(of_another_checkout).to_vec());
    let refused = Decision::Refused(OrderError::AlreadyExists(order_id(ORDER)));
    assert_eq!(decide(&mut world, &submitted, &POLICY, NOON), refused);
    assert_eq!(world, before);
}

#[test]
fn an_order_that_changes_in_the_batch_that_creates_it_is_inserted_and_not_updated() {
    let mut world = World::default();
    let submitted = submitted(vec![snapshot(order_id(ORDER))]);
    assert!(matches!(decide(&mut world, &submitted, &POLICY, NOON), Decision::Applied(_)));
    assert!(matches!(hear(&mut world, cancelled_by(Canceller::Buyer)), Decision::Applied(_)));
    assert_eq!(world.changed().count(), 0);
    let order = world.created().next().unwrap();
    assert_eq!(order.standing.status, Status::Cancelled(CancelReason::ByBuyer));
}

#[test]
fn a_failed_order_tells_why_in_the_issuers_words() {
    let mut world = world_after(&[]);
    let Decision::Applied(events) = hear(&mut world, declined()) else { panic!("not applied") };
    let Event::Failed { reason, detail, .. } = &events[0] else { panic!("{events:?}") };
    assert_eq!((*reason, detail.as_str()), (FailureReason::PaymentDeclined, "INSUFFICIENT_FUNDS"));
}

#[test]
fn a_cancelled_order_tells_who_and_why_in_their_words() {
    for (by, expected) in [(Canceller::Buyer, CancelReason::ByBuyer), (Canceller::Operator, CancelReason::ByOperator)] {
        let mut world = world_after(&[]);
        let Decision::Applied(events) = hear(&mut world, cancelled_by(by)) else { panic!("not applied") };
        let Event::Cancelled { reason, note, .. } = &events[0] else { panic!("{events:?}") };
        assert_eq!((*reason, note.as_str()), (expected, "changed my mind"));
    }
}

#[test]
fn inventorys_commit_may_overtake_the_authorization_that_it_answers() {
    let mut world = world_after(&[committed()]);
    assert_eq!(standing(&world).payment, PaymentStatus::Authorized);
    assert_eq!(hear(&mut world, OrderFact::PaymentAuthorized), Decision::AlreadyApplied);
    assert_eq!(standing(&world).status, Status::Confirmed);
}

#[test]
fn a_late_authorization_does_not_undo_that_it_was_given_up() {
    let mut world = world_after(&[cancelled_by(Canceller::Buyer), OrderFact::PaymentVoided]);
    assert!(matches!(hear(&mut world, OrderFact::PaymentAuthorized), Decision::Ignored(_)));
    assert_eq!(standing(&world).payment, PaymentStatus::Voided);
}

#[test]
fn a_commit_that_meets_a_cancellation_is_noted_and_then_released() {
    let mut world =
        world_after(&[cancelled_by(Canceller::Buyer), committed(), OrderFact::InventoryReleased { partial: false }]);
    assert_eq!(standing(&world).fulfilment, FulfilmentStatus::Released);
    assert!(matches!(hear(&mut world, committed()), Decision::Ignored(_)));
}

#[test]
fn a_capture_that_meets_a_cancellation_is_noted_and_then_refunded() {
    let world = world_after(&[committed(), cancelled_by(Canceller::Buyer), captured(), undone()]);
    assert_eq!(standing(&world).status, Status::Cancelled(CancelReason::ByBuyer));
    assert_eq!(standing(&world).payment, PaymentStatus::Refunded);
}

#[test]
fn a_part_of_the_money_given_back_is_no_refund_of_the_order() {
    let history = [committed(), cancelled_by(Canceller::Buyer), captured()];
    let mut world = world_after(&history);
    let part = OrderFact::PaymentRefunded { number: None, refunded: euro(1) };
    assert!(matches!(hear(&mut world, part), Decision::Refused(OrderError::Contradicted { .. })));
    assert_eq!(standing(&world).payment, PaymentStatus::Captured);
}

#[test]
fn an_order_is_not_cancelled_before_its_deadline() {
    let mut world = world_after(&[]);
    let deadline_passed = Fact::Order(order_id(ORDER), OrderFact::UnpaidDeadlinePassed);
    let a_moment_before = NOON + POLICY.unpaid_after - Duration::from_micros(1);
    assert!(matches!(decide(&mut world, &deadline_passed, &POLICY, a_moment_before), Decision::Ignored(_)));
    let in_time = NOON + POLICY.unpaid_after;
    assert!(matches!(decide(&mut world, &deadline_passed, &POLICY, in_time), Decision::Applied(_)));
    assert_eq!(standing(&world).status, Status::Cancelled(CancelReason::Unpaid));
}

#[test]
fn a_confirmed_order_to_be_paid_at_the_door_outlives_the_deadline() {
    let mut world = world_of(cash_on_delivery(order_id(ORDER)));
    let Decision::Applied(events) = hear(&mut world, committed()) else { panic!("not applied") };
    assert!(matches!(events[..], [Event::Confirmed { cash_on_delivery: true, .. }]));
    assert!(matches!(hear(&mut world, OrderFact::UnpaidDeadlinePassed), Decision::Ignored(_)));
}

proptest! {
    #[test]
    fn any_sequence_of_facts_moves_an_order_one_way(choices in prop::collection::vec(0..14_usize, 0..40)) {
        assert_goes_one_way(world_of(snapshot(order_id(ORDER))), &every_fact(), &choices)?;
    }
}
