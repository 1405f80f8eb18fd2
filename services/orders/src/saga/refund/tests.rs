use kernel::Decision;
use proptest::prelude::*;

use crate::domain::error::OrderError;
use crate::domain::event::Event;
use crate::domain::fact::{Canceller, OrderFact};
use crate::domain::fixtures::{cash_on_delivery, euro, order_id, snapshot};
use crate::domain::status::{FulfilmentStatus, Milestone, Status};
use crate::domain::world::World;
use crate::saga::fixtures::{
    ORDER, assert_goes_one_way, assert_readme_has, cancelled_by, committed, delivered, dispatched, hear, heard,
    refunded, standing, table, world_after, world_of,
};

fn every_fact() -> Vec<(&'static str, OrderFact)> {
    vec![
        ("RequestRefund", OrderFact::RefundRequested),
        ("ShipmentCancelled", OrderFact::ShipmentCancelled),
        ("ShipmentCancelRefused", OrderFact::ShipmentCancelRefused),
        ("PaymentRefunded", refunded()),
        ("InventoryReleased", OrderFact::InventoryReleased),
        ("the last parcel left", dispatched(true)),
        ("the last parcel arrived", delivered(true)),
        ("cancellation", cancelled_by(Canceller::Buyer)),
    ]
}

fn paid(facts: &[OrderFact]) -> World {
    world_after(&[&[committed(), OrderFact::PaymentCaptured], facts].concat())
}

fn granted(facts: &[OrderFact]) -> World {
    paid(&[&[OrderFact::RefundRequested, OrderFact::ShipmentCancelled], facts].concat())
}

#[test]
fn the_readme_shows_what_becomes_of_each_fact_in_each_state() {
    let states = vec![
        ("CONFIRMED", world_after(&[committed()])),
        ("PAID", paid(&[])),
        ("PAID, refund requested", paid(&[OrderFact::RefundRequested])),
        ("PAID, refund granted", granted(&[])),
        ("PAID, granted and released", granted(&[OrderFact::InventoryReleased])),
        ("REFUNDED", granted(&[refunded()])),
        ("SHIPPED, refund requested", paid(&[OrderFact::RefundRequested, dispatched(true)])),
        ("DELIVERED", paid(&[dispatched(true), delivered(true)])),
    ];
    assert_readme_has(&table(states, &every_fact()));
}

#[test]
fn money_and_stock_come_back_in_any_order() {
    for facts in [[refunded(), OrderFact::InventoryReleased], [OrderFact::InventoryReleased, refunded()]] {
        let world = granted(&facts);
        assert_eq!(standing(&world).status, Status::Refunded);
        assert_eq!(standing(&world).fulfilment, FulfilmentStatus::Released);
    }
}

#[test]
fn the_whole_amount_is_asked_for_and_a_part_of_it_is_no_refund() {
    let mut world = paid(&[]);
    let Decision::Applied(events) = hear(&mut world, OrderFact::RefundRequested) else { panic!("not applied") };
    let total = world.order(order_id(ORDER)).unwrap().total;
    assert!(matches!(&events[..], [Event::RefundRequested { amount, .. }] if *amount == total), "{events:?}");
    let mut world = granted(&[]);
    let part = OrderFact::PaymentRefunded { refunded: euro(1) };
    assert!(matches!(hear(&mut world, part), Decision::Refused(OrderError::Contradicted { .. })));
}

#[test]
fn a_refund_that_is_rejected_may_not_be_asked_for_again_while_goods_are_on_their_way() {
    let mut world = paid(&[OrderFact::RefundRequested, dispatched(true), OrderFact::ShipmentCancelRefused]);
    let answer = hear(&mut world, OrderFact::RefundRequested);
    let Decision::Refused(OrderError::NotRefundable { milestone, .. }) = answer else { panic!("{answer:?}") };
    assert_eq!(milestone, Milestone::Shipped);
}

#[test]
fn cash_that_was_paid_at_the_door_does_not_go_back_this_way() {
    let facts = [committed(), dispatched(true), delivered(true), OrderFact::PaymentCaptured];
    let mut world = heard(world_of(cash_on_delivery(order_id(ORDER))), &facts);
    let answer = hear(&mut world, OrderFact::RefundRequested);
    assert!(matches!(answer, Decision::Refused(OrderError::NotRefundable { .. })), "{answer:?}");
}

proptest! {
    #[test]
    fn any_sequence_of_facts_moves_an_order_one_way(choices in prop::collection::vec(0..8_usize, 0..30)) {
        assert_goes_one_way(heard(world_of(snapshot(order_id(ORDER))), &[committed(), OrderFact::PaymentCaptured]), &every_fact(), &choices)?;
    }
}
