use super::*;
use crate::domain::fact::Fact;
use crate::domain::fixtures::{contents, instruction, order_id, parcel_id, shipment_of, warehouse};
use crate::domain::goods_return::ReturnCondition::{Damaged, NotAccepted, Resalable};
use crate::domain::goods_return::{Received, ReturnCondition};
use crate::domain::ids::{ReturnId, WarehouseId, return_of_parcel};
use crate::domain::parcel::ParcelFailure;
use crate::saga::fixtures::{
    Named, asked, assert_each_takes_effect_once, assert_readme_has, came_back, delivered, dispatch, events, failed,
    hear, rendered_table, sent_back, world_after,
};

/// The refund of the table.
const REFUND: RefundNumber = 2;

fn by_refund() -> ReturnId {
    return_of_refund(order_id(), REFUND)
}

fn by_parcel() -> ReturnId {
    return_of_parcel(order_id(), parcel_id(2))
}

fn without_goods(kind: WithoutGoods) -> Fact {
    Fact::RefundWithoutGoods { order_id: order_id(), kind }
}

/// Every fact, by the name that the table gives it.
fn every_fact() -> Named<Fact> {
    vec![
        ("RefundRequested, two cups after a return", sent_back(REFUND, &[("CUP", 2)])),
        ("the same refund, one cup", sent_back(REFUND, &[("CUP", 1)])),
        ("another refund, two cups after a return", sent_back(REFUND + 1, &[("CUP", 2)])),
        ("RefundRequested, for a parcel that failed", without_goods(WithoutGoods::ParcelFailed)),
        ("RefundRequested, of goodwill", without_goods(WithoutGoods::Goodwill)),
        ("ReceiveReturn, one cup", came_back(by_refund(), 7, &[(Resalable, &[("CUP", 1)])])),
        ("ReceiveReturn, two cups", came_back(by_refund(), 8, &[(Damaged, &[("CUP", 2)])])),
        ("ReceiveReturn, a pot", came_back(by_refund(), 9, &[(Resalable, &[("POT", 1)])])),
        ("ReceiveReturn, nothing more comes", came_back(by_refund(), 10, &[])),
        ("ReceiveReturn, the cup of the parcel", came_back(by_parcel(), 11, &[(Resalable, &[("CUP", 1)])])),
    ]
}

/// Every state that decides differently, by the name that the table gives it, and the facts that lead there.
fn every_state() -> Named<Vec<Fact>> {
    let three_cups = asked(instruction(&[(1, &[("CUP", 2)]), (2, &[("CUP", 1)])]));
    let sent = [three_cups, dispatch(1, 1, &[]), dispatch(2, 2, &[])];
    let life = [
        delivered(1, 1),
        delivered(2, 2),
        sent_back(REFUND, &[("CUP", 2)]),
        came_back(by_refund(), 1, &[(Resalable, &[("CUP", 1)])]),
        came_back(by_refund(), 2, &[(NotAccepted, &[("CUP", 1)])]),
    ];
    let after = |facts: &[Fact]| [&sent[..], facts].concat();
    vec![
        ("nothing yet", vec![]),
        ("DISPATCHED", after(&[])),
        ("DELIVERED", after(&life[..2])),
        ("two on their way back", after(&life[..3])),
        ("one of them received", after(&life[..4])),
        ("the other as well, not accepted", after(&life)),
        ("DELIVERED but for one, refused", after(&[delivered(1, 1), failed(2, 2, ParcelFailure::Refused)])),
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

/// Two cups and a pot here and two cups elsewhere, all delivered but a cup elsewhere, which was refused at the door.
fn delivered_but_for_a_cup() -> World {
    world_after(&[
        asked(instruction(&[(1, &[("CUP", 2), ("POT", 1)]), (2, &[("CUP", 2)])])),
        dispatch(1, 1, &[]),
        dispatch(2, 2, &[("CUP", 1)]),
        dispatch(2, 3, &[]),
        delivered(1, 1),
        failed(2, 2, ParcelFailure::Refused),
        delivered(2, 3),
    ])
}

#[test]
fn what_is_sent_back_goes_where_it_left_shipment_by_shipment() {
    let mut world = delivered_but_for_a_cup();
    assert!(events(&mut world, &sent_back(1, &[("CUP", 3), ("POT", 1)])).is_empty());
    let awaited = &world.consignment(order_id()).unwrap().returns[&return_of_refund(order_id(), 1)].awaited;
    assert_eq!(awaited[&warehouse(1)], contents(&[("CUP", 2), ("POT", 1)]));
    // What was refused at the door comes back by itself.
    assert_eq!(awaited[&warehouse(2)], contents(&[("CUP", 1)]));

    let mut world = delivered_but_for_a_cup();
    events(&mut world, &sent_back(1, &[("CUP", 1)]));
    let awaited = &world.consignment(order_id()).unwrap().returns[&return_of_refund(order_id(), 1)].awaited;
    let first = if shipment_of(1) < shipment_of(2) { warehouse(1) } else { warehouse(2) };
    assert_eq!(*awaited, [(first, contents(&[("CUP", 1)]))].into());
}

#[test]
fn what_is_not_accepted_may_be_sent_back_again() {
    let mut world = delivered_but_for_a_cup();
    events(&mut world, &sent_back(1, &[("CUP", 3)]));
    let more = sent_back(2, &[("CUP", 1)]);
    let sku = "CUP".parse().unwrap();
    let refused = ShippingError::MoreThanDelivered { order_id: order_id(), sku, asked: 1, left: 0 };
    assert_eq!(hear(&mut world, &more), Decision::Refused(refused.clone()));
    let return_id = return_of_refund(order_id(), 1);
    events(&mut world, &came_back(return_id, 1, &[(Resalable, &[("CUP", 1)]), (NotAccepted, &[("CUP", 1)])]));
    assert_eq!(hear(&mut world, &more), Decision::Refused(refused));
    // One was not accepted, and one never came.
    events(&mut world, &came_back(return_id, 2, &[]));
    events(&mut world, &more);
    events(&mut world, &sent_back(3, &[("CUP", 1)]));
    assert!(matches!(hear(&mut world, &sent_back(4, &[("CUP", 1)])), Decision::Refused(_)));
}

/// Lines of what came back.
fn lines(received: &Received) -> Vec<(WarehouseId, ReturnCondition, &str, i64)> {
    received.lines().map(|(id, condition, sku, units)| (id, condition, sku.as_str(), units)).collect()
}

#[test]
fn a_receipt_tells_what_came_now_what_of_the_order_and_what_is_accepted() {
    let mut world = delivered_but_for_a_cup();
    events(&mut world, &sent_back(REFUND, &[("CUP", 2), ("POT", 1)]));
    let of_parcel = came_back(by_parcel(), 1, &[(Damaged, &[("CUP", 1)])]);
    let answer = events(&mut world, &of_parcel);
    let [Event::ReturnReceived { origin, received, accepted, complete: true, .. }] = &answer[..] else {
        panic!("{answer:?}")
    };
    assert_eq!((*origin, accepted), (ReturnOrigin::Parcel(parcel_id(2)), &contents(&[("CUP", 1)])));
    assert_eq!(lines(received), [(warehouse(2), Damaged, "CUP", 1)]);

    let answer = events(&mut world, &came_back(by_refund(), 2, &[(NotAccepted, &[("POT", 1)])]));
    let [Event::ReturnReceived { origin, received, order_received, accepted, complete: false, .. }] = &answer[..]
    else {
        panic!("{answer:?}")
    };
    assert_eq!((*origin, accepted), (ReturnOrigin::Refund(REFUND), &contents(&[])));
    assert_eq!(lines(received), [(warehouse(1), NotAccepted, "POT", 1)]);
    assert_eq!(lines(order_received), [(warehouse(1), NotAccepted, "POT", 1), (warehouse(2), Damaged, "CUP", 1)]);
    // Nothing more comes, although two cups are missing.
    let answer = events(&mut world, &came_back(by_refund(), 3, &[]));
    let [Event::ReturnReceived { received, accepted, complete: true, .. }] = &answer[..] else { panic!("{answer:?}") };
    assert!(accepted.is_empty() && lines(received).is_empty());
}

#[test]
fn what_changes_in_the_batch_that_opens_a_return_is_inserted_and_not_updated() {
    let mut world = delivered_but_for_a_cup();
    events(&mut world, &sent_back(REFUND, &[("CUP", 1)]));
    events(&mut world, &came_back(by_refund(), 1, &[(Resalable, &[("CUP", 1)])]));
    let changes = world.changes();
    assert_eq!((changes.opened.len(), changes.receipts.len(), changes.returns.len()), (1, 1, 0));

    let mut world = World::new(world.consignment(order_id()).cloned());
    events(&mut world, &came_back(by_parcel(), 2, &[(Resalable, &[("CUP", 1)])]));
    let changes = world.changes();
    assert_eq!((changes.opened.len(), changes.receipts.len(), changes.returns.len()), (0, 1, 1));
    assert_eq!(changes.changed.len(), 1);
}
