use kernel::Decision;
use proptest::prelude::*;

use crate::domain::error::OrderError;
use crate::domain::event::Event;
use crate::domain::fact::{Canceller, OrderFact};
use crate::domain::fixtures::{cash_on_delivery, euro, order_id, snapshot};
use crate::domain::shipping_instruction::ShippingInstruction;
use crate::domain::status::{CancelReason, Milestone, Status};
use crate::domain::world::World;
use crate::saga::fixtures::{
    ALL, ORDER, allocations, assert_goes_one_way, assert_readme_has, cancelled_by, captured, committed, delivered,
    dispatched, hear, heard, lost, standing, table, world_of,
};

fn every_fact() -> Vec<(&'static str, OrderFact)> {
    vec![
        ("a parcel left", dispatched(false)),
        ("the last parcel left", dispatched(true)),
        ("a parcel arrived", delivered(false)),
        ("the last parcel arrived", delivered(true)),
        ("a parcel is lost", lost(&[("SPOON", 1)], false)),
        ("the last parcel is lost, others arrived", lost(&[("SPOON", 1)], true)),
        ("everything is lost", lost(ALL, false)),
        ("PaymentCaptured", captured()),
        ("cancellation", cancelled_by(Canceller::Operator)),
        ("ShipmentCancelled", OrderFact::ShipmentCancelled),
        ("ShipmentCancelRefused", OrderFact::ShipmentCancelRefused { number: None }),
    ]
}

fn prepaid(facts: &[OrderFact]) -> World {
    heard(world_of(snapshot(order_id(ORDER))), &[&[committed(), captured()], facts].concat())
}

fn in_cash(facts: &[OrderFact]) -> World {
    heard(world_of(cash_on_delivery(order_id(ORDER))), &[&[committed()], facts].concat())
}

fn events(answer: super::Answer) -> Vec<Event> {
    match answer {
        Decision::Applied(events) => events,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_readme_shows_what_becomes_of_each_fact_in_each_state() {
    let states = vec![
        ("CREATED", world_of(snapshot(order_id(ORDER)))),
        ("CONFIRMED", heard(world_of(snapshot(order_id(ORDER))), &[committed()])),
        ("PAID", prepaid(&[])),
        ("PAID, partly shipped", prepaid(&[dispatched(false)])),
        ("SHIPPED", prepaid(&[dispatched(true)])),
        ("DELIVERED", prepaid(&[dispatched(true), delivered(true)])),
    ];
    assert_readme_has(&table(states, &every_fact()));
    let states = vec![
        ("CONFIRMED", in_cash(&[])),
        ("CONFIRMED, to be cancelled", in_cash(&[cancelled_by(Canceller::Buyer)])),
        ("CONFIRMED, partly shipped", in_cash(&[dispatched(false)])),
        ("CONFIRMED, captured", in_cash(&[captured()])),
        ("SHIPPED", in_cash(&[dispatched(true)])),
        ("SHIPPED, captured", in_cash(&[dispatched(true), captured()])),
        ("DELIVERED", in_cash(&[dispatched(true), delivered(true)])),
        ("PAID", in_cash(&[dispatched(true), delivered(true), captured()])),
    ];
    assert_readme_has(&table(states, &every_fact()));
}

#[test]
fn shipping_is_told_what_to_send_once_when_the_goods_may_leave() {
    let terms = snapshot(order_id(ORDER)).terms().clone();
    let instruction = |cash_to_collect| ShippingInstruction {
        buyer_id: terms.buyer_id,
        seller_id: terms.seller_id,
        ship_to: terms.ship_to.clone(),
        shipping_service: "express".parse().unwrap(),
        allocations: allocations(),
        cash_to_collect,
        sku_totals: if cash_to_collect.is_some() { terms.sku_totals() } else { Vec::new() },
    };
    let mut world = world_of(snapshot(order_id(ORDER)));
    let [Event::Confirmed { shipping_instruction: None, .. }] = &events(hear(&mut world, committed()))[..] else {
        panic!("the goods of a prepaid order wait for the money")
    };
    let paid = events(hear(&mut world, captured()));
    let [Event::Paid { shipping_instruction: Some(told), .. }] = &paid[..] else { panic!("{paid:?}") };
    assert_eq!(**told, instruction(None));

    let mut world = world_of(cash_on_delivery(order_id(ORDER)));
    let confirmed = events(hear(&mut world, committed()));
    let [Event::Confirmed { shipping_instruction: Some(told), .. }] = &confirmed[..] else { panic!("{confirmed:?}") };
    assert_eq!(**told, instruction(Some(terms.total)));
    let mut world = in_cash(&[dispatched(true), delivered(true)]);
    let paid = events(hear(&mut world, captured()));
    assert!(matches!(paid[..], [Event::Paid { shipping_instruction: None, .. }]), "{paid:?}");
}

#[test]
fn cash_that_is_heard_of_before_the_parcel_waits_for_it() {
    let mut world = in_cash(&[dispatched(true), captured()]);
    assert_eq!(standing(&world).status, Status::Shipped);
    let told = events(hear(&mut world, delivered(true)));
    assert!(matches!(told[..], [Event::Delivered { .. }, Event::Paid { .. }]), "{told:?}");
    assert_eq!(standing(&world).status, Status::Paid);
}

#[test]
fn a_delivery_says_that_the_goods_have_left() {
    let mut world = prepaid(&[]);
    let told = events(hear(&mut world, delivered(true)));
    assert!(matches!(told[..], [Event::Shipped { .. }, Event::Delivered { .. }]), "{told:?}");
    assert_eq!(hear(&mut world, dispatched(true)), Decision::AlreadyApplied);
}

#[test]
fn an_order_to_be_paid_in_cash_is_cancelled_once_its_parcels_are_stopped() {
    let mut world = in_cash(&[]);
    let told = events(hear(&mut world, cancelled_by(Canceller::Buyer)));
    assert!(matches!(told[..], [Event::CancellationRequested { .. }]), "{told:?}");
    assert_eq!(standing(&world).status, Status::Confirmed);
    let told = events(hear(&mut world, OrderFact::ShipmentCancelled));
    let [Event::Cancelled { reason: CancelReason::ByBuyer, note, .. }] = &told[..] else { panic!("{told:?}") };
    assert_eq!(note, "changed my mind");
}

#[test]
fn inventory_may_be_heard_of_before_shipping_when_parcels_are_stopped() {
    let mut world = in_cash(&[cancelled_by(Canceller::Buyer), OrderFact::InventoryReleased { partial: false }]);
    assert_eq!(standing(&world).status, Status::Confirmed);
    for impossible in
        [dispatched(true), delivered(true), lost(ALL, false), OrderFact::ShipmentCancelRefused { number: None }]
    {
        let answer = hear(&mut world, impossible);
        assert!(matches!(answer, Decision::Refused(OrderError::Contradicted { .. })), "{answer:?}");
    }
    let told = events(hear(&mut world, OrderFact::ShipmentCancelled));
    assert!(matches!(told[..], [Event::Cancelled { reason: CancelReason::ByBuyer, .. }]), "{told:?}");
}

#[test]
fn a_wish_to_cancel_that_reaches_shipping_when_nothing_has_arrived_is_over() {
    let mut world = in_cash(&[cancelled_by(Canceller::Buyer), dispatched(true), lost(ALL, false)]);
    assert_eq!(standing(&world).status, Status::Cancelled(CancelReason::DeliveryFailed));
    assert_eq!(events(hear(&mut world, OrderFact::ShipmentCancelRefused { number: None })), []);
    assert_eq!(hear(&mut world, OrderFact::ShipmentCancelRefused { number: None }), Decision::AlreadyApplied);
}

#[test]
fn a_parcel_that_left_before_it_could_be_stopped_goes_on_and_the_order_with_it() {
    let mut world =
        in_cash(&[cancelled_by(Canceller::Buyer), dispatched(true), OrderFact::ShipmentCancelRefused { number: None }]);
    assert_eq!(standing(&world).status, Status::Shipped);
    let refused = hear(&mut world, cancelled_by(Canceller::Buyer));
    let is_refused = |milestone| matches!(refused, Decision::Refused(OrderError::NotCancellable { milestone: m, .. }) if m == milestone);
    assert!(is_refused(Milestone::Shipped), "{refused:?}");
}

#[test]
fn what_is_lost_is_not_to_be_paid_at_the_door() {
    let mut world = in_cash(&[dispatched(true), lost(&[("SPOON", 1)], true)]);
    assert_eq!(standing(&world).status, Status::Delivered);
    let too_much = hear(&mut world, captured());
    assert!(matches!(too_much, Decision::Refused(OrderError::Contradicted { .. })), "{too_much:?}");
    let told = events(hear(&mut world, OrderFact::PaymentCaptured { amount: euro(3_465 - 595) }));
    assert!(matches!(told[..], [Event::Paid { .. }]), "{told:?}");
    // Heard of before the parcels, it is looked at when they are settled.
    let mut world = in_cash(&[dispatched(true), captured()]);
    let answer = hear(&mut world, lost(&[("SPOON", 1)], true));
    assert!(matches!(answer, Decision::Refused(OrderError::Contradicted { .. })), "{answer:?}");
}

#[test]
fn if_nothing_arrives_an_order_to_be_paid_at_the_door_is_cancelled() {
    let mut world = in_cash(&[dispatched(true)]);
    let told = events(hear(&mut world, lost(ALL, false)));
    assert!(matches!(told[..], [Event::Cancelled { reason: CancelReason::DeliveryFailed, .. }]), "{told:?}");
    assert!(matches!(hear(&mut world, OrderFact::PaymentVoided), Decision::Applied(events) if events.is_empty()));
}

proptest! {
    #[test]
    fn any_sequence_of_facts_moves_an_order_one_way(
        is_in_cash: bool, choices in prop::collection::vec(0..11_usize, 0..30)
    ) {
        let world = if is_in_cash { in_cash(&[]) } else { prepaid(&[]) };
        assert_goes_one_way(world, &every_fact(), &choices)?;
    }
}
