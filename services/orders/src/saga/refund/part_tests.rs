//! Tests: units that are asked back before they leave.

use kernel::Decision;
use proptest::prelude::*;

use crate::domain::error::OrderError;
use crate::domain::event::Event;
use crate::domain::fact::{OrderFact, StoppedPart};
use crate::domain::fixtures::{cash_on_delivery, euro, order_id};
use crate::domain::order::Answer;
use crate::domain::refund::RefundStatus::{self, Approved, Refunded, Rejected, Requested};
use crate::domain::status::{FulfilmentStatus, Status};
use crate::domain::world::World;
use crate::saga::fixtures::{
    ALL, ORDER, assert_goes_one_way, assert_readme_has, captured, committed, delivered, dispatched, hear, heard, lost,
    part_back, part_stopped, standing, table, wanted_back, world_after, world_of,
};

/// Of two mugs and a spoon.
const MUG: &[(&str, i64)] = &[("MUG-BLUE", 1)];
const REST: &[(&str, i64)] = &[("MUG-BLUE", 1), ("SPOON", 1)];

fn stopped(part: StoppedPart) -> OrderFact {
    OrderFact::PartStopped(part)
}

fn not_stopped(number: i32) -> OrderFact {
    OrderFact::ShipmentCancelRefused { number: Some(number) }
}

/// The money of one refund is back, and so much in all.
fn back(number: i32, in_all: i64) -> OrderFact {
    OrderFact::PaymentRefunded { number: Some(number), refunded: euro(in_all) }
}

fn every_fact() -> Vec<(&'static str, OrderFact)> {
    let mug = || part_stopped(1, MUG);
    vec![
        ("RequestRefund, a mug before dispatch", part_back(MUG)),
        ("RequestRefund, the rest before dispatch", part_back(REST)),
        ("RequestRefund, all of it before dispatch", wanted_back()),
        ("ShipmentCancelled, the mug", stopped(mug())),
        ("ShipmentCancelled, the mug; the rest has left", stopped(StoppedPart { order_dispatched: true, ..mug() })),
        (
            "ShipmentCancelled, the mug; the rest has arrived",
            stopped(StoppedPart { order_dispatched: true, order_delivered: true, ..mug() }),
        ),
        (
            "ShipmentCancelled, the mug; the rest has failed",
            stopped(StoppedPart { order_dispatched: true, order_failed: true, ..mug() }),
        ),
        ("ShipmentCancelled, two mugs", stopped(part_stopped(1, &[("MUG-BLUE", 2)]))),
        ("ShipmentCancelled, the rest", stopped(part_stopped(2, REST))),
        ("ShipmentCancelled, all of it", OrderFact::ShipmentCancelled),
        ("ShipmentCancelRefused, the mug", not_stopped(1)),
        ("PaymentRefunded, the mug", back(1, 1_190)),
        ("InventoryReleased, in part", OrderFact::InventoryReleased { partial: true }),
        ("InventoryReleased", OrderFact::InventoryReleased { partial: false }),
        ("a parcel left", dispatched(false)),
        ("the last parcel left", dispatched(true)),
        ("the last parcel arrived", delivered(true)),
        ("a spoon is lost", lost(&[("SPOON", 1)], false)),
    ]
}

fn paid(facts: &[OrderFact]) -> World {
    world_after(&[&[committed(), captured()], facts].concat())
}

fn granted(facts: &[OrderFact]) -> World {
    paid(&[&[part_back(MUG), stopped(part_stopped(1, MUG))], facts].concat())
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
    let rest = || stopped(part_stopped(2, REST));
    let states = vec![
        ("PAID", paid(&[])),
        ("PAID, a mug asked back", paid(&[part_back(MUG)])),
        ("PAID, partly shipped, a mug asked back", paid(&[part_back(MUG), dispatched(false)])),
        ("PAID, the mug granted", granted(&[])),
        ("PAID, the mug rejected", paid(&[part_back(MUG), dispatched(false), not_stopped(1)])),
        ("PAID, all asked back in parts", paid(&[part_back(MUG), part_back(REST)])),
        ("PAID, all granted in parts", granted(&[part_back(REST), rest()])),
        ("SHIPPED, the mug granted", granted(&[dispatched(true)])),
        ("DELIVERED, the mug granted", granted(&[dispatched(true), delivered(true)])),
        ("REFUNDED, in parts", granted(&[part_back(REST), rest(), back(1, 1_190), back(2, 3_465)])),
    ];
    assert_readme_has(&table(states, &every_fact()));
}

#[test]
fn a_part_is_granted_and_the_order_goes_on_with_the_rest() {
    let mut world = granted(&[]);
    assert_eq!(refunds(&world), [(Approved, 1_190)]);
    assert_eq!((standing(&world).status, standing(&world).fulfilment), (Status::Paid, FulfilmentStatus::Allocated));
    let told = events(hear(&mut world, back(1, 1_190)));
    assert!(matches!(told[..], [Event::RefundCompleted { number: 1, .. }]), "{told:?}");
    let world = heard(world, &[dispatched(true), delivered(true)]);
    assert_eq!(standing(&world).status, Status::Delivered);
}

#[test]
fn parts_that_are_all_of_it_end_the_order_like_a_whole_one() {
    let mut world = granted(&[part_back(REST), stopped(part_stopped(2, REST))]);
    assert_eq!(refunds(&world), [(Approved, 1_190), (Approved, 3_465 - 1_190)]);
    for impossible in [dispatched(false), delivered(true), lost(ALL, false)] {
        let answer = hear(&mut world, impossible);
        assert!(matches!(answer, Decision::Refused(OrderError::Contradicted { .. })), "{answer:?}");
    }
    let released = OrderFact::InventoryReleased { partial: false };
    let world = heard(world, &[released, back(2, 3_465 - 1_190), back(1, 3_465)]);
    assert_eq!((standing(&world).status, standing(&world).fulfilment), (Status::Refunded, FulfilmentStatus::Released));
}

#[test]
fn what_is_granted_is_priced_by_what_else_went_back_meanwhile() {
    // The other mug is lost before it is known whether this one was stopped, and takes the share of the first of both.
    let mut world = paid(&[part_back(&[("MUG-BLUE", 1)]), part_back(&[("SPOON", 1)]), dispatched(false)]);
    events(hear(&mut world, lost(MUG, false)));
    assert_eq!(refunds(&world), [(Requested, 1_190), (Requested, 595), (Approved, 1_190)]);
    events(hear(&mut world, stopped(part_stopped(1, MUG))));
    let last = StoppedPart { order_dispatched: true, order_failed: true, ..part_stopped(2, &[("SPOON", 1)]) };
    let told = events(hear(&mut world, stopped(last)));
    assert!(matches!(told[..], [Event::RefundApproved { number: 2, .. }, Event::Shipped { .. }]), "{told:?}");
    // Nothing is left, and so the shipping goes back with the last.
    assert_eq!(refunds(&world), [(Approved, 1_190), (Approved, 595 + 490), (Approved, 1_190)]);
    assert_eq!(standing(&world).fulfilment, FulfilmentStatus::Failed);
    let world = heard(world, &[back(1, 1_190), back(3, 2_380), back(2, 3_465)]);
    assert_eq!(standing(&world).status, Status::Refunded);
}

#[test]
fn after_a_part_that_is_granted_or_not_the_whole_is_what_is_left() {
    let mut world = paid(&[part_back(MUG), wanted_back()]);
    assert_eq!(refunds(&world), [(Requested, 1_190), (Requested, 3_465 - 1_190)]);
    let answer = hear(&mut world, part_back(&[("SPOON", 1)]));
    assert!(matches!(answer, Decision::Refused(OrderError::MoreThanOrdered { left: 0, .. })), "{answer:?}");
    let stopped_both = [stopped(part_stopped(1, MUG)), OrderFact::ShipmentCancelled];
    assert_eq!(refunds(&heard(world.clone(), &stopped_both)), [(Approved, 1_190), (Approved, 3_465 - 1_190)]);
    let world = heard(world, &[dispatched(false), not_stopped(1), not_stopped(2)]);
    assert_eq!(refunds(&world), [(Rejected, 1_190), (Rejected, 3_465 - 1_190)]);
}

#[test]
fn all_of_the_money_goes_back_only_when_nothing_is_left_to_be_sent() {
    // A spoon that costs nothing, in an order that is sent for nothing.
    let mut world = paid(&[]);
    let order = world.order_mut(order_id(ORDER)).unwrap();
    order.total = order.sku_totals[0].amount;
    order.sku_totals[1].amount = euro(0);
    for (lines, is_granted) in [(&[("MUG-BLUE", 2)][..], false), (&[("SPOON", 1)], false), (ALL, true), (MUG, true)] {
        let answer = hear(&mut world.clone(), part_back(lines));
        assert_eq!(matches!(answer, Decision::Applied(_)), is_granted, "{lines:?}: {answer:?}");
    }
}

#[test]
fn in_cash_no_part_is_paid_back_before_dispatch() {
    let mut world = heard(world_of(cash_on_delivery(order_id(ORDER))), &[committed()]);
    let answer = hear(&mut world, part_back(MUG));
    assert!(matches!(answer, Decision::Refused(OrderError::NotRefundable { .. })), "{answer:?}");
}

#[test]
fn a_part_that_is_refunded_already_is_known_and_one_that_was_rejected_is_not_granted() {
    let mut world = granted(&[back(1, 1_190), dispatched(true), delivered(true)]);
    assert_eq!(refunds(&world), [(Refunded, 1_190)]);
    assert_eq!(hear(&mut world, stopped(part_stopped(1, MUG))), Decision::AlreadyApplied);
    let mut world = paid(&[part_back(MUG), dispatched(false), not_stopped(1)]);
    assert_eq!(hear(&mut world, not_stopped(1)), Decision::AlreadyApplied);
    let answer = hear(&mut world, stopped(part_stopped(1, MUG)));
    assert!(matches!(answer, Decision::Refused(OrderError::Contradicted { .. })), "{answer:?}");
}

#[test]
fn what_is_released_as_a_whole_has_not_left() {
    let mug_and_the_rest_left = StoppedPart { order_dispatched: true, ..part_stopped(1, MUG) };
    let released = OrderFact::InventoryReleased { partial: false };
    let mut world = paid(&[part_back(MUG), part_back(REST), released]);
    let before = standing(&world);
    let answer = hear(&mut world, stopped(mug_and_the_rest_left));
    assert!(matches!(answer, Decision::Refused(OrderError::Contradicted { .. })), "{answer:?}");
    assert_eq!(standing(&world), before);
}

proptest! {
    #[test]
    fn any_sequence_of_facts_moves_an_order_one_way(choices in prop::collection::vec(0..18_usize, 0..30)) {
        assert_goes_one_way(paid(&[]), &every_fact(), &choices)?;
    }
}
