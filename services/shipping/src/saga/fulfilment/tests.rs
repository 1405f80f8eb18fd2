use std::slice;

use uuid::Uuid;

use super::*;
use crate::domain::consignment::Terms;
use crate::domain::fact::Fact;
use crate::domain::fixtures::{contents, euro, in_cash, instruction, order_id, parcel_id, shipment_of, sku, warehouse};
use crate::domain::goods_return::ReturnStatus;
use crate::domain::ids::SellerId;
use crate::domain::shipment::ShipmentStatus;
use crate::saga::fixtures::{
    DUE_CENTS, Named, asked, assert_each_takes_effect_once, assert_readme_has, delivered, dispatch, events, failed,
    hear, remitted, rendered_table, stop, three_cups, world_after,
};

/// What is due if the first parcel, which holds one of three cups, does not arrive: a third of ten euros less, rounded down.
const DUE_WITHOUT_THE_FIRST_CENTS: i64 = DUE_CENTS - 333;

/// Every fact, by the name that the table gives it.
fn every_fact() -> Named<Fact> {
    let other_seller = Terms { seller_id: SellerId::from_uuid(Uuid::from_u128(4)), ..three_cups().terms };
    vec![
        ("the instruction", asked(three_cups())),
        ("another instruction", asked(Instruction { terms: other_seller, ..three_cups() })),
        ("OrderCancellationRequested, RefundRequested before dispatch", stop()),
        ("DispatchParcel, one cup", dispatch(1, 7, &[("CUP", 1)])),
        ("DispatchParcel, all that is left", dispatch(1, 8, &[])),
        ("DispatchParcel, four cups", dispatch(1, 9, &[("CUP", 4)])),
        ("DispatchParcel, a pot", dispatch(1, 10, &[("POT", 1)])),
        ("RecordDelivery, the first parcel", delivered(1, 1)),
        ("RecordDelivery, the second parcel", delivered(1, 2)),
        ("RecordFailure, the first parcel refused", failed(1, 1, ParcelFailure::Refused)),
        ("RecordFailure, the first parcel lost", failed(1, 1, ParcelFailure::Lost)),
        ("RecordFailure, the second parcel lost", failed(1, 2, ParcelFailure::Lost)),
        ("RecordRemittance", remitted(DUE_CENTS, "R-1")),
        ("RecordRemittance, less the first parcel's share", remitted(DUE_WITHOUT_THE_FIRST_CENTS, "R-1")),
        ("RecordRemittance, too little", remitted(DUE_CENTS - 1, "R-1")),
        ("RecordRemittance, another reference", remitted(DUE_CENTS, "R-2")),
    ]
}

/// Every state that decides differently, by the name that the table gives it, and the facts that lead there.
fn every_state() -> Named<Vec<Fact>> {
    let life = [
        asked(three_cups()),
        dispatch(1, 1, &[("CUP", 1)]),
        dispatch(1, 2, &[("CUP", 2)]),
        delivered(1, 1),
        delivered(1, 2),
        remitted(DUE_CENTS, "R-1"),
    ];
    let one_refused = [&life[..3], &[failed(1, 1, ParcelFailure::Refused)]].concat();
    let after_it = |fact: Fact| [&one_refused[..], &[fact]].concat();
    vec![
        ("nothing yet", vec![]),
        ("PENDING", life[..1].to_vec()),
        ("PARTLY_DISPATCHED", life[..2].to_vec()),
        ("DISPATCHED", life[..3].to_vec()),
        ("DISPATCHED, one arrived", life[..4].to_vec()),
        ("DELIVERED", life[..5].to_vec()),
        ("DELIVERED, cash passed on", life.to_vec()),
        ("CANCELLED", vec![life[0].clone(), stop()]),
        ("DISPATCHED, one refused", one_refused.clone()),
        ("DELIVERED but for one", after_it(delivered(1, 2))),
        ("FAILED", after_it(failed(1, 2, ParcelFailure::Lost))),
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

#[test]
fn each_warehouse_gets_a_shipment_of_what_it_has() {
    let mut world = World::default();
    let two = instruction(&[(1, &[("CUP", 2), ("POT", 1)]), (2, &[("CUP", 1)])]);
    let created = events(&mut world, &asked(two.clone()));
    let expected = |number, lines: &[(&str, i64)]| Event::ShipmentCreated {
        order_id: order_id(),
        shipment_id: shipment_of(number),
        warehouse_id: warehouse(number),
        holds: contents(lines),
    };
    let expected = [expected(1, &[("CUP", 2), ("POT", 1)]), expected(2, &[("CUP", 1)])];
    assert!(created.len() == 2 && expected.iter().all(|event| created.contains(event)), "{created:?}");
    assert!(world.consignment(order_id()).unwrap().is_asked_for_by(&two));
}

#[test]
fn an_instruction_that_differs_in_anything_is_another_one() {
    let told = instruction(&[(1, &[("CUP", 2)]), (2, &[("POT", 1)])]);
    let mut elsewhere = told.clone();
    elsewhere.terms.ship_to.locality = "Bremen".to_owned();
    for other in [
        elsewhere,
        in_cash(told.clone(), euro(1)),
        instruction(&[(1, &[("CUP", 2)])]),
        instruction(&[(1, &[("CUP", 2)]), (2, &[("POT", 2)])]),
        instruction(&[(1, &[("CUP", 2)]), (3, &[("POT", 1)])]),
        instruction(&[(1, &[("CUP", 2)]), (2, &[("POT", 1)]), (3, &[("CUP", 1)])]),
    ] {
        let mut world = world_after(&[asked(told.clone())]);
        let refused = Decision::Refused(ShippingError::OtherInstruction(order_id()));
        assert_eq!(hear(&mut world, &asked(other)), refused);
    }
}

#[test]
fn a_parcel_says_what_is_in_it_and_what_of_its_shipment_has_left_by_then() {
    let mut world = world_after(&[asked(instruction(&[(1, &[("CUP", 3)]), (2, &[("POT", 1)])]))]);
    let mut leaves = |fact: &Fact| {
        let events = events(&mut world, fact);
        let [Event::ShipmentDispatched { parcel, dispatched, order_dispatched, .. }] = &events[..] else {
            panic!("{events:?}")
        };
        (parcel.contents.clone(), dispatched.clone(), *order_dispatched)
    };
    let (one, two, all) = (contents(&[("CUP", 1)]), contents(&[("CUP", 2)]), contents(&[("CUP", 3)]));
    assert_eq!(leaves(&dispatch(1, 1, &[("CUP", 1)])), (one.clone(), one, false));
    assert_eq!(leaves(&dispatch(1, 2, &[])), (two, all, false));
    let pot = contents(&[("POT", 1)]);
    assert_eq!(leaves(&dispatch(2, 3, &[])), (pot.clone(), pot, true));
}

#[test]
fn two_lines_of_one_sku_ask_for_their_sum() {
    let mut world = world_after(&[asked(instruction(&[(1, &[("CUP", 3)])]))]);
    let too_many = dispatch(1, 1, &[("CUP", 2), ("CUP", 2)]);
    let refused = ShippingError::MoreThanOrdered { shipment_id: shipment_of(1), sku: sku("CUP"), asked: 4, left: 3 };
    assert_eq!(hear(&mut world, &too_many), Decision::Refused(refused));
    events(&mut world, &dispatch(1, 1, &[("CUP", 2), ("CUP", 1)]));
}

#[test]
fn what_is_left_is_told_when_too_much_is_asked_for() {
    let mut world = world_after(&[asked(three_cups()), dispatch(1, 1, &[("CUP", 2)])]);
    let refused = ShippingError::MoreThanOrdered { shipment_id: shipment_of(1), sku: sku("CUP"), asked: 2, left: 1 };
    assert_eq!(hear(&mut world, &dispatch(1, 2, &[("CUP", 2)])), Decision::Refused(refused));
}

#[test]
fn a_parcel_of_another_shipment_is_not_delivered_with_this_one() {
    let told = instruction(&[(1, &[("CUP", 1)]), (2, &[("CUP", 1)])]);
    let mut world = world_after(&[asked(told), dispatch(1, 1, &[])]);
    let not_here = Decision::Refused(ShippingError::ParcelNotFound(parcel_id(1)));
    assert_eq!(hear(&mut world, &delivered(2, 1)), not_here);
    let nowhere = Decision::Refused(ShippingError::ShipmentNotFound(shipment_of(3)));
    assert_eq!(hear(&mut world, &delivered(3, 1)), nowhere);
}

#[test]
fn nothing_is_collected_for_an_order_that_was_paid_before() {
    let prepaid = instruction(&[(1, &[("CUP", 1)])]);
    let mut world = world_after(&[asked(prepaid), dispatch(1, 1, &[]), delivered(1, 1)]);
    let refused = Decision::Refused(ShippingError::NotCashOnDelivery(order_id()));
    assert_eq!(hear(&mut world, &remitted(DUE_CENTS, "R-1")), refused);
}

#[test]
fn an_order_that_could_not_be_stopped_goes_on() {
    let history = [asked(three_cups()), dispatch(1, 1, &[("CUP", 1)]), stop()];
    let mut world = world_after(&history);
    assert_eq!(hear(&mut world, &stop()), Decision::AlreadyApplied);
    for fact in [dispatch(1, 2, &[]), delivered(1, 1), delivered(1, 2), remitted(DUE_CENTS, "R-1")] {
        events(&mut world, &fact);
    }
}

#[test]
fn an_order_that_was_paid_before_is_stopped_like_one_in_cash() {
    let prepaid = asked(instruction(&[(1, &[("CUP", 1)]), (2, &[("POT", 1)])]));
    let mut world = world_after(slice::from_ref(&prepaid));
    assert_eq!(events(&mut world, &stop()), [Event::ShipmentCancelled { order_id: order_id(), refund_number: None }]);
    for warehouse in [1, 2] {
        let refused = Decision::Refused(ShippingError::Cancelled(shipment_of(warehouse)));
        assert_eq!(hear(&mut world, &dispatch(warehouse, 1, &[])), refused);
    }
    let mut world = world_after(&[prepaid, dispatch(1, 1, &[])]);
    assert_eq!(
        events(&mut world, &stop()),
        [Event::ShipmentCancelRefused { order_id: order_id(), refund_number: None }]
    );
}

#[test]
fn what_changes_in_the_batch_that_creates_it_is_inserted_and_not_updated() {
    let mut world = World::default();
    for fact in [asked(three_cups()), dispatch(1, 1, &[("CUP", 1)]), delivered(1, 1)] {
        events(&mut world, &fact);
    }
    let changes = world.changes();
    assert_eq!((changes.created.len(), changes.dispatched.len()), (1, 1));
    assert!(changes.changed.is_empty() && changes.shipments.is_empty() && changes.ended.is_empty());

    let mut world = world_after(&[asked(three_cups()), dispatch(1, 1, &[("CUP", 1)])]);
    for fact in [delivered(1, 1), dispatch(1, 2, &[]), delivered(1, 2)] {
        events(&mut world, &fact);
    }
    let changes = world.changes();
    assert_eq!((changes.changed.len(), changes.shipments.len()), (1, 1));
    assert_eq!((changes.dispatched.len(), changes.ended.len()), (1, 1));
    assert!(changes.created.is_empty());
}

/// What a failure tells: whether the rest of the order was delivered, and whether all of it failed.
fn told_of_failure(world: &mut World, fact: &Fact) -> (bool, bool) {
    let events = events(world, fact);
    let [Event::ShipmentFailed { order_delivered, order_failed, .. }] = events[..] else { panic!("{events:?}") };
    (order_delivered, order_failed)
}

#[test]
fn a_parcel_that_fails_says_what_was_in_it_and_comes_back_unless_it_is_lost() {
    for failure in ParcelFailure::ALL {
        let mut world = world_after(&[asked(three_cups()), dispatch(1, 1, &[("CUP", 2)])]);
        let events = events(&mut world, &failed(1, 1, failure));
        let expected = Event::ShipmentFailed {
            order_id: order_id(),
            shipment_id: shipment_of(1),
            parcel_id: parcel_id(1),
            failure,
            contents: contents(&[("CUP", 2)]),
            order_delivered: false,
            order_failed: false,
        };
        assert_eq!(events, [expected]);
        let returns: Vec<_> = world.consignment(order_id()).unwrap().returns.values().cloned().collect();
        if failure == ParcelFailure::Lost {
            assert!(returns.is_empty());
        } else {
            let [goods_return] = &returns[..] else { panic!("{returns:?}") };
            assert_eq!(goods_return.id, return_of_parcel(order_id(), parcel_id(1)));
            assert_eq!(goods_return.awaited, [(warehouse(1), contents(&[("CUP", 2)]))].into());
            assert_eq!(goods_return.status, ReturnStatus::Open);
        }
    }
}

#[test]
fn whichever_parcel_is_the_last_says_how_the_order_ended() {
    let told = asked(instruction(&[(1, &[("CUP", 2)]), (2, &[("POT", 1)])]));
    let history = [told, dispatch(1, 1, &[("CUP", 1)]), dispatch(1, 2, &[]), dispatch(2, 3, &[])];
    let lost = |warehouse, parcel| failed(warehouse, parcel, ParcelFailure::Lost);

    let mut world = world_after(&[&history[..], &[delivered(1, 1)]].concat());
    assert_eq!(told_of_failure(&mut world, &lost(1, 2)), (false, false));
    assert_eq!(told_of_failure(&mut world, &lost(2, 3)), (true, false));

    let mut world = world_after(&history);
    assert_eq!(told_of_failure(&mut world, &lost(1, 1)), (false, false));
    assert_eq!(told_of_failure(&mut world, &lost(1, 2)), (false, false));
    let consignment = world.consignment(order_id()).unwrap();
    assert_eq!(consignment.status_of(&consignment.shipments[&shipment_of(1)]), ShipmentStatus::Failed);
    assert_eq!(told_of_failure(&mut world, &lost(2, 3)), (false, true));

    // What has not left yet may still arrive.
    let mut world = world_after(&history[..3]);
    assert_eq!(told_of_failure(&mut world, &lost(1, 1)), (false, false));
    assert_eq!(told_of_failure(&mut world, &lost(1, 2)), (false, false));
}

#[test]
fn the_share_of_each_unit_that_fails_is_not_due_and_shipping_is() {
    let due = |failed_parcels: &[u128]| {
        let told = in_cash(instruction(&[(1, &[("CUP", 2)]), (2, &[("CUP", 1), ("POT", 1)])]), euro(DUE_CENTS));
        let mut facts = vec![asked(told)];
        facts.extend([dispatch(1, 1, &[("CUP", 1)]), dispatch(1, 2, &[]), dispatch(2, 3, &[])]);
        facts.extend([(1, 1), (1, 2), (2, 3)].map(|(warehouse, parcel)| {
            let has_failed = failed_parcels.contains(&parcel);
            if has_failed { failed(warehouse, parcel, ParcelFailure::Refused) } else { delivered(warehouse, parcel) }
        }));
        world_after(&facts).consignment(order_id()).unwrap().cash_due()
    };
    for (failed_parcels, waived) in [
        (&[][..], 0),
        (&[1], 333),
        (&[1, 2], 666),
        // One cup and the only pot.
        (&[3], 333 + 1_000),
        (&[2, 3], 666 + 1_000),
    ] {
        assert_eq!(due(failed_parcels), Some(euro(DUE_CENTS - waived)), "without {failed_parcels:?}");
    }
}
