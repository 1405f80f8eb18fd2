//! Tests: what becomes of a part of an order that is to be stopped.

use super::*;
use crate::domain::fact::Fact;
use crate::domain::fixtures::{contents, instruction, order_id, shipment_of, sku, warehouse};
use crate::domain::ids::WarehouseId;
use crate::domain::parcel::ParcelFailure;
use crate::domain::shipment::ShipmentStatus;
use crate::saga::fixtures::{
    Named, asked, assert_each_takes_effect_once, assert_readme_has, delivered, dispatch, events, failed, hear, part,
    rendered_table, stop, world_after,
};

/// The refund of the table.
const REFUND: RefundNumber = 2;

/// Two cups here and one elsewhere.
fn three_cups() -> Fact {
    asked(instruction(&[(1, &[("CUP", 2)]), (2, &[("CUP", 1)])]))
}

/// The warehouse of the first shipment, and the other one.
fn in_order() -> [u128; 2] {
    if shipment_of(1) < shipment_of(2) { [1, 2] } else { [2, 1] }
}

/// Every fact, by the name that the table gives it.
fn every_fact() -> Named<Fact> {
    vec![
        ("RefundRequested, two cups before dispatch", part(REFUND, &[("CUP", 2)])),
        ("the same refund, one cup", part(REFUND, &[("CUP", 1)])),
        ("another refund, one cup before dispatch", part(REFUND + 1, &[("CUP", 1)])),
        ("another refund, four cups before dispatch", part(REFUND + 1, &[("CUP", 4)])),
        ("another refund, a pot before dispatch", part(REFUND + 1, &[("POT", 1)])),
        ("RefundRequested, all of it before dispatch", stop()),
        ("DispatchParcel, all that is left of two cups", dispatch(1, 7, &[])),
        ("DispatchParcel, the cup elsewhere", dispatch(2, 8, &[("CUP", 1)])),
    ]
}

/// Every state that decides differently, by the name that the table gives it, and the facts that lead there.
fn every_state() -> Named<Vec<Fact>> {
    let after = |facts: &[Fact]| [&[three_cups()], facts].concat();
    let two = part(REFUND, &[("CUP", 2)]);
    vec![
        ("nothing yet", vec![]),
        ("PENDING", after(&[])),
        ("one cup has left", after(&[dispatch(1, 1, &[("CUP", 1)])])),
        ("two have left, two were to be stopped", after(&[dispatch(1, 1, &[]), two.clone()])),
        ("two are stopped", after(std::slice::from_ref(&two))),
        (
            "one is stopped, two have left",
            after(&[part(1, &[("CUP", 1)]), dispatch(1, 1, &[("CUP", 1)]), dispatch(2, 2, &[])]),
        ),
        ("all are stopped, part by part", after(&[two, part(1, &[("CUP", 1)])])),
        ("CANCELLED", after(&[stop()])),
    ]
}

#[test]
fn the_readme_shows_what_becomes_of_each_fact_in_each_state() {
    assert_readme_has(&rendered_table(&every_state(), &every_fact()));
}

#[test]
fn only_what_takes_effect_changes_anything_and_then_it_is_known() {
    assert_each_takes_effect_once(&every_state(), &every_fact());
}

/// What a part tells: what it stops, and what was stopped in all.
fn told(world: &mut World, fact: &Fact) -> StoppedPart {
    let events = events(world, fact);
    let [Event::PartCancelled(part)] = &events[..] else { panic!("{events:?}") };
    part.clone()
}

fn of(numbers: &[(u128, &[(&str, i64)])]) -> std::collections::BTreeMap<WarehouseId, Contents> {
    numbers.iter().map(|(number, lines)| (warehouse(*number), contents(lines))).collect()
}

#[test]
fn what_is_stopped_comes_out_of_the_first_shipment_and_then_the_next_one() {
    let [first, second] = in_order();
    let mut world = world_after(&[asked(instruction(&[(first, &[("CUP", 2), ("POT", 1)]), (second, &[("CUP", 2)])]))]);
    let one = told(&mut world, &part(1, &[("CUP", 1)]));
    assert_eq!((one.stopped.clone(), one.order_stopped), (of(&[(first, &[("CUP", 1)])]), one.stopped));
    let other = told(&mut world, &part(2, &[("CUP", 2), ("POT", 1)]));
    assert_eq!(other.stopped, of(&[(first, &[("CUP", 1), ("POT", 1)]), (second, &[("CUP", 1)])]));
    assert_eq!(other.order_stopped, of(&[(first, &[("CUP", 2), ("POT", 1)]), (second, &[("CUP", 1)])]));
    let consignment = world.consignment(order_id()).unwrap();
    let status = |number| consignment.status_of(&consignment.shipments[&shipment_of(number)]);
    assert_eq!([first, second].map(status), [ShipmentStatus::Cancelled, ShipmentStatus::Pending]);
}

#[test]
fn what_has_left_of_the_first_shipment_is_taken_from_the_next_one() {
    let [first, second] = in_order();
    let told_of = asked(instruction(&[(first, &[("CUP", 2)]), (second, &[("CUP", 1)])]));
    let mut world = world_after(&[told_of, dispatch(first, 1, &[("CUP", 1)])]);
    let stopped = told(&mut world, &part(1, &[("CUP", 2)])).stopped;
    assert_eq!(stopped, of(&[(first, &[("CUP", 1)]), (second, &[("CUP", 1)])]));
}

#[test]
fn a_part_of_several_skus_is_stopped_as_a_whole_or_not_at_all() {
    let told_of = asked(instruction(&[(1, &[("CUP", 2), ("POT", 1)])]));
    let mut world = world_after(&[told_of, dispatch(1, 1, &[("POT", 1)])]);
    let refused = Event::ShipmentCancelRefused { order_id: order_id(), refund_number: Some(1) };
    assert_eq!(events(&mut world, &part(1, &[("CUP", 1), ("POT", 1)])), [refused]);
    assert!(world.consignment(order_id()).unwrap().shipments[&shipment_of(1)].stopped.is_empty());
    events(&mut world, &dispatch(1, 2, &[("CUP", 2)]));
}

#[test]
fn more_than_the_order_has_is_no_race_but_a_mistake() {
    let mut world = world_after(&[three_cups(), part(1, &[("CUP", 1)])]);
    let refused = ShippingError::StopsMoreThanOrdered { order_id: order_id(), sku: sku("CUP"), asked: 3, left: 2 };
    assert_eq!(hear(&mut world, &part(2, &[("CUP", 3)])), Decision::Refused(refused));
}

#[test]
fn whoever_comes_last_a_parcel_or_a_part_says_how_the_order_ended() {
    let history = [three_cups(), dispatch(1, 1, &[]), part(1, &[("CUP", 1)])];
    // The part comes while the parcel is on its way, when it has arrived, and when it has failed.
    let says = |part: &StoppedPart| (part.order_dispatched, part.order_delivered, part.order_failed);
    for (fate, expected) in [
        (None, (true, false, false)),
        (Some(delivered(1, 1)), (true, true, false)),
        (Some(failed(1, 1, ParcelFailure::Lost)), (true, false, true)),
    ] {
        let before: Vec<Fact> = history[..2].iter().cloned().chain(fate).collect();
        assert_eq!(says(&told(&mut world_after(&before), &history[2])), expected);
    }
    // The parcel ends after the part.
    let mut world = world_after(&history);
    let events = events(&mut world, &delivered(1, 1));
    assert!(matches!(events[..], [Event::ShipmentDelivered { order_delivered: true, .. }]), "{events:?}");
}

#[test]
fn an_order_that_is_stopped_part_by_part_neither_left_nor_arrived_nor_failed() {
    let mut world = world_after(&[three_cups(), part(1, &[("CUP", 1)])]);
    let last = told(&mut world, &part(2, &[("CUP", 2)]));
    assert!(!last.order_dispatched && !last.order_delivered && !last.order_failed);
    let refused = Decision::Refused(ShippingError::Cancelled(shipment_of(1)));
    assert_eq!(hear(&mut world, &dispatch(1, 1, &[])), refused);
}
