//! What holds of a consignment whatever is heard, in whatever order.

use std::collections::{BTreeMap, BTreeSet};
use std::iter;

use kernel::{Decision, Sku};
use proptest::prelude::*;

use super::fixtures::{
    DUE_CENTS, asked, came_back, delivered, dispatch, dispatched, events, failed, hear, label, part, remitted, seen,
    sent_back, stop, three_cups, world_after,
};
use crate::domain::consignment::{Cancellation, Instruction};
use crate::domain::contents::Contents;
use crate::domain::error::ShippingError;
use crate::domain::event::Event;
use crate::domain::fact::Fact;
use crate::domain::fixtures::{instruction, order_id, parcel_id, shipment_of, sku, warehouse};
use crate::domain::goods_return::ReturnCondition::{Damaged, NotAccepted, Resalable};
use crate::domain::goods_return::ReturnStatus;
use crate::domain::ids::{ParcelId, ReturnId, return_of_parcel, return_of_refund};
use crate::domain::parcel::{ParcelFailure, ParcelState};
use crate::domain::return_label::{ReturnLabel, ReturnParcelStatus};
use crate::domain::shipment::ShipmentStatus;
use crate::domain::world::World;

/// The life of three cups, with everything that may go wrong.
fn facts_about_three_cups() -> Vec<Fact> {
    let (by_refund, by_parcel) = (return_of_refund(order_id(), 1), return_of_parcel(order_id(), parcel_id(1)));
    let cups = |units| [("CUP", units)];
    vec![
        asked(three_cups()),
        stop(),
        dispatch(1, 1, &cups(1)),
        dispatch(1, 2, &cups(2)),
        dispatch(1, 3, &[]),
        dispatch(1, 4, &cups(4)),
        delivered(1, 1),
        delivered(1, 2),
        delivered(1, 3),
        failed(1, 1, ParcelFailure::Refused),
        failed(1, 2, ParcelFailure::Lost),
        failed(1, 3, ParcelFailure::ReturnedToSender),
        remitted(DUE_CENTS, "R-1"),
        remitted(DUE_CENTS - 333, "R-2"),
        part(3, &cups(1)),
        part(4, &cups(2)),
        sent_back(1, &cups(2)),
        sent_back(2, &cups(1)),
        came_back(by_refund, 1, &[(Resalable, &cups(1))]),
        came_back(by_refund, 2, &[(Damaged, &cups(1))]),
        came_back(by_refund, 3, &[(NotAccepted, &cups(1))]),
        came_back(by_refund, 4, &[]),
        came_back(return_of_refund(order_id(), 2), 5, &[(Resalable, &cups(1))]),
        came_back(by_parcel, 6, &[(Resalable, &cups(1))]),
        came_back(by_parcel, 7, &[]),
        label(by_refund, 1, "DHL", "BACK1"),
        label(by_refund, 1, "DHL", "BACK2"),
        label(by_parcel, 1, "DHL", "BACK3"),
        seen(by_refund, 1, ReturnParcelStatus::OnItsWay),
        seen(by_refund, 1, ReturnParcelStatus::Lost),
        seen(by_refund, 1, ReturnParcelStatus::Arrived),
    ]
}

/// How far a status is; each may only be followed by a later one.
fn stage(status: ShipmentStatus) -> u8 {
    match status {
        ShipmentStatus::Pending => 0,
        ShipmentStatus::PartlyDispatched => 1,
        ShipmentStatus::Dispatched => 2,
        ShipmentStatus::Delivered | ShipmentStatus::Cancelled | ShipmentStatus::Failed => 3,
    }
}

const SKUS: [&str; 4] = ["CUP", "LID", "PAN", "POT"];

/// What up to three warehouses hold: by warehouse and SKU, some units.
fn any_holds() -> impl Strategy<Value = BTreeMap<(u128, usize), i64>> {
    prop::collection::btree_map((0..3_u128, 0..SKUS.len()), 1..6_i64, 1..8)
}

/// Each unit by itself, in any order.
fn any_order_of_units() -> impl Strategy<Value = Vec<(u128, usize)>> {
    any_holds().prop_flat_map(|holds| {
        let units: Vec<_> =
            holds.into_iter().flat_map(|(place, units)| iter::repeat_n(place, units as usize)).collect();
        Just(units).prop_shuffle()
    })
}

fn allocated(units: &[(u128, usize)]) -> Instruction {
    let mut lines: BTreeMap<u128, Vec<(Sku, i64)>> = BTreeMap::new();
    for (number, code) in units {
        lines.entry(*number).or_default().push((sku(SKUS[*code]), 1));
    }
    let allocation = |(number, lines)| (warehouse(number), Contents::from_units(lines));
    Instruction { allocations: lines.into_iter().map(allocation).collect(), ..instruction(&[]) }
}

/// What each parcel holds if so many units at a time are packed, each warehouse for itself.
fn parcels(units: &[(u128, usize)], at_a_time: &[usize]) -> Vec<(u128, Contents)> {
    let mut parcels = Vec::new();
    let mut rest = units;
    for size in at_a_time.iter().cycle() {
        if rest.is_empty() {
            return parcels;
        }
        let (handful, others) = rest.split_at(rest.len().min(*size));
        rest = others;
        let by_warehouse = allocated(handful).allocations;
        let number = |id: &_| (0..3).find(|number| warehouse(*number) == *id).unwrap();
        parcels.extend(by_warehouse.iter().map(|(id, contents)| (number(id), contents.clone())));
    }
    parcels
}

proptest! {
    #[test]
    fn any_split_into_parcels_sums_back_to_what_is_held_and_only_the_last_ends_the_order(
        units in any_order_of_units(),
        at_a_time in prop::collection::vec(1..6_usize, 1..5),
    ) {
        let told = allocated(&units);
        let mut world = world_after(&[asked(told.clone())]);
        let parcels = parcels(&units, &at_a_time);
        for (index, (number, packed)) in parcels.iter().enumerate() {
            let leaves = dispatched(shipment_of(*number), index as u128, packed.clone());
            let events = events(&mut world, &leaves);
            let [Event::ShipmentDispatched { parcel, dispatched, order_dispatched, .. }] = &events[..] else {
                panic!("{events:?}")
            };
            prop_assert_eq!(&parcel.contents, packed);
            let of_shipment = parcels[..=index].iter().filter(|(other, _)| other == number);
            prop_assert_eq!(dispatched, &Contents::sum(of_shipment.map(|(_, packed)| packed)));
            prop_assert_eq!(*order_dispatched, index + 1 == parcels.len());
        }
        for shipment in world.consignment(order_id()).unwrap().shipments.values() {
            prop_assert_eq!(&shipment.dispatched(), &told.allocations[&shipment.warehouse_id]);
            prop_assert_eq!(shipment.progress(), ShipmentStatus::Dispatched);
        }
        for (number, packed) in &parcels {
            let again = dispatched(shipment_of(*number), 999, packed.clone());
            let is_refused = matches!(hear(&mut world, &again), Decision::Refused(ShippingError::MoreThanOrdered { .. }));
            prop_assert!(is_refused);
        }
        // They arrive in another order than they left in.
        for (count, index) in (0..parcels.len()).rev().enumerate() {
            let events = events(&mut world, &delivered(parcels[index].0, index as u128));
            let [Event::ShipmentDelivered { order_delivered, .. }] = &events[..] else { panic!("{events:?}") };
            prop_assert_eq!(*order_delivered, count + 1 == parcels.len());
        }
    }

    #[test]
    fn any_sequence_of_facts_moves_everything_one_way_and_nothing_moves_that_is_not_there(
        choices in prop::collection::vec(any::<prop::sample::Index>(), 0..60),
    ) {
        let facts = facts_about_three_cups();
        let mut world = World::default();
        let (mut reached, mut collected) = (0, 0);
        let mut ended: BTreeMap<ParcelId, ParcelState> = BTreeMap::new();
        let mut labelled: BTreeMap<ReturnId, ReturnLabel> = BTreeMap::new();
        for choice in choices {
            let before = world.clone();
            let answer = hear(&mut world, choice.get(&facts));
            prop_assert_eq!(matches!(answer, Decision::Applied(_)), before != world);
            let Some(consignment) = world.consignment(order_id()) else { continue };
            let shipment = &consignment.shipments[&shipment_of(1)];
            let now = stage(consignment.status_of(shipment));
            prop_assert!(now >= reached, "{consignment:?}");
            reached = now;
            for parcel in shipment.parcels.values().filter(|parcel| parcel.has_ended()) {
                prop_assert_eq!(*ended.entry(parcel.id).or_insert(parcel.state), parcel.state);
            }
            let units = |contents: Contents| contents.units(&sku("CUP"));
            prop_assert!(units(shipment.dispatched()) + units(shipment.stopped.clone()) <= 3);
            prop_assert!(!consignment.is_stopped_in_parts() || consignment.cancellation == Some(Cancellation::Stopped));
            prop_assert!(units(shipment.delivered()) + units(shipment.failed()) <= units(shipment.dispatched()));
            prop_assert!(units(consignment.received().accepted()) <= units(shipment.dispatched()));
            for goods_return in consignment.returns.values() {
                let is_received = goods_return.status == ReturnStatus::Received;
                prop_assert!(is_received || !goods_return.is_whole(), "{goods_return:?}");
                prop_assert!(goods_return.labels.len() <= 1);
                for label in goods_return.labels.values() {
                    let before = labelled.insert(goods_return.id, label.clone()).unwrap_or_else(|| label.clone());
                    prop_assert_eq!(&before.tracking_number, &label.tracking_number);
                    prop_assert!(before.status <= label.status, "{:?}", label);
                }
            }
            prop_assert!(consignment.cancellation != Some(Cancellation::Stopped) || !consignment.has_begun());
            prop_assert!(!(consignment.is_delivered() && consignment.has_failed()));
            if let Decision::Applied(events) = answer {
                collected += events.iter().filter(|event| matches!(event, Event::CashCollected { .. })).count();
            }
        }
        prop_assert!(collected <= 1);
    }

    #[test]
    fn whatever_was_delivered_can_be_sent_back_once_to_where_it_left(units in any_order_of_units()) {
        let told = allocated(&units);
        let mut facts = vec![asked(told.clone())];
        let numbers: BTreeSet<u128> = units.iter().map(|(number, _)| *number).collect();
        for number in numbers {
            facts.extend([dispatch(number, number, &[]), delivered(number, number)]);
        }
        let mut world = world_after(&facts);
        // Each unit by a refund of its own.
        for (refund_number, (_, code)) in (1..).zip(&units) {
            prop_assert!(events(&mut world, &sent_back(refund_number, &[(SKUS[*code], 1)])).is_empty());
        }
        let again = hear(&mut world, &sent_back(999, &[(SKUS[units[0].1], 1)]));
        let is_refused = matches!(again, Decision::Refused(ShippingError::MoreThanDelivered { .. }));
        prop_assert!(is_refused);
        for ((refund_number, receipt), (_, code)) in (1..).zip(1..).zip(&units) {
            let return_id = return_of_refund(order_id(), refund_number);
            let came = came_back(return_id, receipt, &[(Damaged, &[(SKUS[*code], 1)])]);
            let events = events(&mut world, &came);
            let is_complete = matches!(events[..], [Event::ReturnReceived { complete: true, .. }]);
            prop_assert!(is_complete);
        }
        let received = world.consignment(order_id()).unwrap().received();
        for (warehouse_id, sent) in &told.allocations {
            prop_assert_eq!(&received.accepted_at(*warehouse_id), sent);
        }
    }
}
