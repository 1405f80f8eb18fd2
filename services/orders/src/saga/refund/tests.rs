use std::time::Duration;

use kernel::Decision;
use proptest::prelude::*;

use crate::domain::error::OrderError;
use crate::domain::event::Event;
use crate::domain::fact::{Canceller, OrderFact};
use crate::domain::fixtures::{NOON, cash_on_delivery, euro, order_id, snapshot};
use crate::domain::order::Answer;
use crate::domain::refund::RefundStatus;
use crate::domain::status::{FulfilmentStatus, Milestone, Status};
use crate::domain::world::World;
use crate::saga::fixtures::{
    ALL, ORDER, POLICY, accepted, assert_goes_one_way, assert_readme_has, cancelled_by, captured, committed, delivered,
    dispatched, goodwill, hear, hear_at, heard, lost, refunded, sent_back, standing, table, units, wanted_back,
    world_after, world_of,
};

fn every_fact() -> Vec<(&'static str, OrderFact)> {
    vec![
        ("RequestRefund, before dispatch", wanted_back()),
        ("RequestRefund, after a return", sent_back(&[("SPOON", 1)])),
        ("RequestRefund, goodwill", goodwill(100)),
        ("ShipmentCancelled", OrderFact::ShipmentCancelled),
        ("ShipmentCancelRefused", OrderFact::ShipmentCancelRefused { number: Some(1) }),
        ("ReturnReceived, accepted", accepted(ALL)),
        ("ReturnReceived, not accepted", accepted(&[])),
        ("RefundFailed", refund_failed()),
        ("PaymentRefunded", refunded()),
        ("InventoryReleased", OrderFact::InventoryReleased { partial: false }),
        ("the last parcel left", dispatched(true)),
        ("the last parcel arrived", delivered(true)),
        ("the last parcel is lost", lost(ALL, false)),
        ("cancellation", cancelled_by(Canceller::Buyer)),
        ("the return window ends", OrderFact::CloseDeadlinePassed),
    ]
}

fn refund_failed() -> OrderFact {
    OrderFact::RefundFailed { number: Some(1), reason: "REFUND_REFUSED".to_owned() }
}

/// The money of one refund is back, and so much in all.
fn back(number: i32, in_all: i64) -> OrderFact {
    OrderFact::PaymentRefunded { number: Some(number), refunded: euro(in_all) }
}

fn paid(facts: &[OrderFact]) -> World {
    world_after(&[&[committed(), captured()], facts].concat())
}

fn granted(facts: &[OrderFact]) -> World {
    paid(&[&[wanted_back(), OrderFact::ShipmentCancelled], facts].concat())
}

fn arrived(facts: &[OrderFact]) -> World {
    paid(&[&[dispatched(true), delivered(true)], facts].concat())
}

fn events(answer: Answer) -> Vec<Event> {
    match answer {
        Decision::Applied(events) => events,
        other => panic!("{other:?}"),
    }
}

/// How far each refund is, and how much it is, in cents.
fn refunds(world: &World) -> Vec<(RefundStatus, i64)> {
    let order = world.order(order_id(ORDER)).unwrap();
    order.refunds.iter().map(|refund| (refund.status, refund.amount.minor())).collect()
}

#[test]
fn the_readme_shows_what_becomes_of_each_fact_in_each_state() {
    let states = vec![
        ("CONFIRMED", world_after(&[committed()])),
        ("PAID", paid(&[])),
        ("PAID, refund requested", paid(&[wanted_back()])),
        ("PAID, refund granted", granted(&[])),
        ("PAID, granted and released", granted(&[OrderFact::InventoryReleased { partial: false }])),
        ("SHIPPED, refund requested", paid(&[wanted_back(), dispatched(true)])),
        ("SHIPPED", paid(&[dispatched(true)])),
        ("DELIVERED", arrived(&[])),
        ("DELIVERED, on its way back", arrived(&[sent_back(ALL)])),
        ("DELIVERED, return accepted", arrived(&[sent_back(ALL), accepted(ALL)])),
        ("REFUNDED", granted(&[refunded()])),
        ("REFUNDED after a return", arrived(&[sent_back(ALL), accepted(ALL), refunded()])),
    ];
    assert_readme_has(&table(states, &every_fact()));
}

#[test]
fn money_and_stock_come_back_in_any_order() {
    for facts in [
        [refunded(), OrderFact::InventoryReleased { partial: false }],
        [OrderFact::InventoryReleased { partial: false }, refunded()],
    ] {
        let world = granted(&facts);
        assert_eq!(standing(&world).status, Status::Refunded);
        assert_eq!(standing(&world).fulfilment, FulfilmentStatus::Released);
    }
    // Inventory has heard from shipping before us.
    let mut world = paid(&[wanted_back(), OrderFact::InventoryReleased { partial: false }]);
    let answer = hear(&mut world, dispatched(false));
    assert!(matches!(answer, Decision::Refused(OrderError::Contradicted { .. })), "{answer:?}");
    let world = heard(world, &[OrderFact::ShipmentCancelled, refunded()]);
    assert_eq!(standing(&world).status, Status::Refunded);
}

#[test]
fn before_dispatch_the_whole_amount_is_asked_for_and_a_part_of_it_is_no_refund() {
    let mut world = paid(&[]);
    let told = events(hear(&mut world, wanted_back()));
    let total = world.order(order_id(ORDER)).unwrap().total;
    assert!(matches!(&told[..], [Event::RefundRequested { refund, .. }] if refund.amount == total), "{told:?}");
    let mut world = granted(&[]);
    assert!(matches!(hear(&mut world, back(1, 1)), Decision::Refused(OrderError::Contradicted { .. })));
}

#[test]
fn a_refund_that_is_rejected_may_not_be_asked_for_again_while_goods_are_on_their_way() {
    let mut world = paid(&[wanted_back(), dispatched(true), OrderFact::ShipmentCancelRefused { number: Some(1) }]);
    assert_eq!(refunds(&world), [(RefundStatus::Rejected, 3_465)]);
    let answer = hear(&mut world, wanted_back());
    let Decision::Refused(OrderError::NotRefundable { milestone, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!(milestone, Milestone::Shipped);
}

#[test]
fn several_refunds_come_to_all_that_was_paid_and_then_the_order_is_refunded() {
    let mut world = arrived(&[sent_back(&[("MUG-BLUE", 1)]), accepted(&[("MUG-BLUE", 1)]), goodwill(500)]);
    // The provider does the second before the first.
    let told = events(hear(&mut world, back(2, 500)));
    assert!(matches!(told[..], [Event::RefundCompleted { number: 2, .. }]), "{told:?}");
    assert_eq!(standing(&world).status, Status::Delivered);
    events(hear(&mut world, back(1, 1_690)));
    events(hear(&mut world, sent_back(&[("MUG-BLUE", 1), ("SPOON", 1)])));
    let rest = OrderFact::ReturnReceived {
        number: Some(3),
        accepted: units(&[("MUG-BLUE", 1), ("SPOON", 1)]),
        complete: true,
    };
    events(hear(&mut world, rest));
    // What is left of the goods after the goodwill, and the shipping.
    assert_eq!(refunds(&world)[2], (RefundStatus::Approved, 3_465 - 1_690));
    let told = events(hear(&mut world, back(3, 3_465)));
    assert!(matches!(told[..], [Event::RefundCompleted { number: 3, .. }, Event::Refunded { .. }]), "{told:?}");
    assert_eq!(standing(&world).status, Status::Refunded);
}

#[test]
fn of_a_return_only_what_is_accepted_is_paid_back() {
    let mut world = arrived(&[sent_back(ALL)]);
    let some = OrderFact::ReturnReceived { number: Some(1), accepted: units(&[("SPOON", 1)]), complete: false };
    assert!(matches!(hear(&mut world, some), Decision::Ignored(_)));
    let told = events(hear(&mut world, accepted(&[("MUG-BLUE", 1), ("SPOON", 1)])));
    let [Event::RefundApproved { amount, .. }] = &told[..] else { panic!("{told:?}") };
    assert_eq!(*amount, euro(1_190 + 595));
    // The mug that was not accepted may be sent back once more.
    events(hear(&mut world, sent_back(&[("MUG-BLUE", 1)])));
}

#[test]
fn nothing_goes_back_for_what_is_sent_back_too_late_or_twice() {
    let mut world = arrived(&[sent_back(&[("SPOON", 1)])]);
    let answer = hear(&mut world, sent_back(&[("SPOON", 1)]));
    assert!(matches!(answer, Decision::Refused(OrderError::MoreThanDelivered { .. })), "{answer:?}");
    let too_late = NOON + POLICY.unpaid_after + POLICY.return_window;
    let answer = hear_at(&mut world, sent_back(&[("MUG-BLUE", 1)]), too_late);
    assert!(matches!(answer, Decision::Refused(OrderError::ReturnWindowClosed(_))), "{answer:?}");
    let just_in_time = NOON + POLICY.unpaid_after + POLICY.return_window - Duration::from_micros(1);
    events(hear_at(&mut world, sent_back(&[("MUG-BLUE", 1)]), just_in_time));
}

#[test]
fn goodwill_is_at_most_what_was_paid_and_not_one_cent_more() {
    let mut world = arrived(&[goodwill(3_400)]);
    let answer = hear(&mut world, goodwill(66));
    let Decision::Refused(OrderError::MoreThanPaid { left, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!(left, euro(65));
    events(hear(&mut world, goodwill(65)));
}

#[test]
fn a_lost_parcel_is_paid_back_at_once_and_the_rest_is_delivered() {
    let mut world = paid(&[dispatched(true)]);
    let told = events(hear(&mut world, lost(&[("SPOON", 1)], true)));
    let [Event::RefundRequested { .. }, Event::RefundApproved { amount, .. }, Event::Delivered { .. }] = &told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!(*amount, euro(595));
    assert_eq!(hear(&mut world, lost(&[("SPOON", 1)], true)), Decision::AlreadyApplied);
}

#[test]
fn if_everything_is_lost_all_of_the_money_goes_back_also_if_it_was_wanted_back_before() {
    for wanted in [vec![], vec![wanted_back()]] {
        let number = i32::try_from(wanted.len()).unwrap() + 1;
        let mut world = paid(&[wanted, vec![dispatched(true)]].concat());
        let told = events(hear(&mut world, lost(ALL, false)));
        let [Event::RefundRequested { .. }, Event::RefundApproved { amount, .. }] = &told[..] else {
            panic!("{told:?}")
        };
        assert_eq!(*amount, euro(3_465));
        events(hear(&mut world, back(number, 3_465)));
        assert_eq!(standing(&world).status, Status::Refunded);
    }
}

#[test]
fn a_refund_that_the_provider_refused_is_shown_until_it_is_done() {
    let mut world = granted(&[refund_failed()]);
    assert_eq!(refunds(&world), [(RefundStatus::Failed, 3_465)]);
    events(hear(&mut world, refunded()));
    assert_eq!(refunds(&world), [(RefundStatus::Refunded, 3_465)]);
}

#[test]
fn what_was_paid_in_cash_goes_back_after_a_return_and_not_before_dispatch() {
    let facts = [committed(), dispatched(true), delivered(true), captured()];
    let mut world = heard(world_of(cash_on_delivery(order_id(ORDER))), &facts);
    let answer = hear(&mut world, wanted_back());
    assert!(matches!(answer, Decision::Refused(OrderError::NotRefundable { .. })), "{answer:?}");
    world = heard(world, &[sent_back(ALL), accepted(ALL), refunded()]);
    assert_eq!(standing(&world).status, Status::Refunded);
}

proptest! {
    #[test]
    fn any_sequence_of_facts_moves_an_order_one_way(choices in prop::collection::vec(0..15_usize, 0..30)) {
        assert_goes_one_way(paid(&[]), &every_fact(), &choices)?;
        assert_goes_one_way(arrived(&[]), &every_fact(), &choices)?;
    }
}

#[test]
fn an_order_is_closed_when_its_time_has_come_and_nothing_is_under_way() {
    let in_time = NOON + POLICY.unpaid_after + POLICY.return_window;
    let close = |mut world: World, at| hear_at(&mut world, OrderFact::CloseDeadlinePassed, at);
    let is_closed =
        |answer: &Answer| matches!(answer, Decision::Applied(events) if matches!(events[..], [Event::Closed { .. }]));
    assert!(is_closed(&close(arrived(&[]), in_time)));
    assert!(matches!(close(arrived(&[]), in_time - Duration::from_micros(1)), Decision::Ignored(_)));
    assert!(matches!(close(arrived(&[sent_back(ALL)]), in_time), Decision::Ignored("a refund is under way")));
    assert!(matches!(close(paid(&[dispatched(true)]), in_time), Decision::Ignored(_)));
    // All of the money is back: it waits for the stock alone.
    assert!(matches!(close(granted(&[refunded()]), NOON + POLICY.unpaid_after), Decision::Ignored(_)));
    let settled = granted(&[refunded(), OrderFact::InventoryReleased { partial: false }]);
    assert!(is_closed(&close(settled, NOON + POLICY.unpaid_after)));
}

#[test]
fn an_order_of_several_lines_of_one_sku_is_priced_as_a_whole() {
    let mut terms = snapshot(order_id(ORDER)).terms().clone();
    terms.lines[1].sku = terms.lines[0].sku.clone();
    let totals = terms.sku_totals();
    assert_eq!((totals.len(), totals[0].quantity, totals[0].amount), (1, 3, euro(2_975)));
}
