//! Labels for the way back, and what carriers say of the parcels under them.

use std::time::Duration;

use kernel::Text;
use proptest::prelude::*;

use super::*;
use crate::domain::fact::{Dispatch, Fact};
use crate::domain::fixtures::{NOON, instruction, order_id, parcel_id, warehouse};
use crate::domain::goods_return::ReturnCondition::Resalable;
use crate::domain::ids::{ReturnId, return_of_parcel};
use crate::domain::parcel::ParcelFailure;
use crate::domain::scan::Scan;
use crate::saga::decide;
use crate::saga::fixtures::{
    Named, asked, assert_each_takes_effect_once, assert_readme_has, came_back, delivered, dispatch, events, failed,
    hear, label, rendered_table, seen, sent_back, world_after,
};

/// The refund of the table.
const REFUND: RefundNumber = 1;

fn by_refund() -> ReturnId {
    return_of_refund(order_id(), REFUND)
}

fn by_parcel() -> ReturnId {
    return_of_parcel(order_id(), parcel_id(2))
}

/// Every fact, by the name that the table gives it.
fn every_fact() -> Named<Fact> {
    let saw = |status| seen(by_refund(), 1, status);
    vec![
        ("BuyReturnLabel", label(by_refund(), 1, "DHL", "BACK1")),
        ("BuyReturnLabel, another number", label(by_refund(), 1, "DHL", "BACK2")),
        ("BuyReturnLabel, another carrier", label(by_refund(), 1, "UPS", "BACK1")),
        ("BuyReturnLabel, to the pot's warehouse", label(by_refund(), 2, "DHL", "BACK3")),
        ("BuyReturnLabel, for the pot", label(by_parcel(), 2, "DHL", "BACK4")),
        ("the carrier has it", saw(ReturnParcelStatus::OnItsWay)),
        ("the carrier cannot find it", saw(ReturnParcelStatus::Lost)),
        ("the carrier handed it over", saw(ReturnParcelStatus::Arrived)),
        ("ReceiveReturn, two cups", came_back(by_refund(), 8, &[(Resalable, &[("CUP", 2)])])),
    ]
}

/// Two cups here, which were delivered, and a pot elsewhere, which was refused at the door.
fn delivered_but_for_the_pot() -> Vec<Fact> {
    vec![
        asked(instruction(&[(1, &[("CUP", 2)]), (2, &[("POT", 1)])])),
        dispatch(1, 1, &[]),
        dispatch(2, 2, &[]),
        delivered(1, 1),
        failed(2, 2, ParcelFailure::Refused),
    ]
}

fn after(facts: &[Fact]) -> Vec<Fact> {
    [&delivered_but_for_the_pot()[..], &[sent_back(REFUND, &[("CUP", 2)])], facts].concat()
}

/// Every state that decides differently, by the name that the table gives it, and the facts that lead there.
fn every_state() -> Named<Vec<Fact>> {
    let bought = label(by_refund(), 1, "DHL", "BACK1");
    let saw = |status| seen(by_refund(), 1, status);
    let receive = came_back(by_refund(), 1, &[(Resalable, &[("CUP", 2)])]);
    vec![
        ("nothing yet", vec![]),
        ("nothing sent back", delivered_but_for_the_pot()),
        ("OPEN", after(&[])),
        ("LABEL_BOUGHT", after(std::slice::from_ref(&bought))),
        ("ON_ITS_WAY", after(&[bought.clone(), saw(ReturnParcelStatus::OnItsWay)])),
        ("LOST", after(&[bought.clone(), saw(ReturnParcelStatus::Lost)])),
        ("ARRIVED", after(&[bought.clone(), saw(ReturnParcelStatus::Arrived)])),
        ("RECEIVED, LABEL_BOUGHT", after(&[bought, receive.clone()])),
        ("RECEIVED without a label", after(&[receive])),
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

fn bought_of(world: &World) -> &ReturnLabel {
    &world.consignment(order_id()).unwrap().returns[&by_refund()].labels[&warehouse(1)]
}

#[test]
fn a_label_is_sold_by_whoever_brought_the_goods_the_first_first() {
    let by = |carrier: &str, fact: Fact| match fact {
        Fact::DispatchRequested(dispatch) => {
            Fact::DispatchRequested(Dispatch { carrier: carrier.parse().unwrap(), ..dispatch })
        }
        other => panic!("{other:?}"),
    };
    let mut world = world_after(&[
        asked(instruction(&[(1, &[("CUP", 5), ("POT", 1)]), (2, &[("PAN", 1)])])),
        by("late", dispatch(1, 1, &[("CUP", 1)])),
        by("early", dispatch(1, 2, &[("CUP", 1)])),
        by("of the pot", dispatch(1, 3, &[("POT", 1)])),
        by("losing", dispatch(1, 4, &[("CUP", 1)])),
        by("on its way", dispatch(1, 5, &[("CUP", 1)])),
        by("of the pan", dispatch(2, 6, &[])),
        delivered(1, 2),
        delivered(1, 3),
        delivered(2, 6),
        failed(1, 4, ParcelFailure::Lost),
        sent_back(REFUND, &[("CUP", 1)]),
    ]);
    // It arrives after the return was opened, and changes nothing about who is asked first.
    let later = NOON + Duration::from_secs(1);
    assert!(matches!(decide(&mut world, &delivered(1, 1), later), Decision::Applied(_)));
    let consignment = world.consignment(order_id()).unwrap();
    let brought = |number| -> Vec<&str> {
        let carriers = consignment.brought_by(&consignment.returns[&by_refund()], warehouse(number));
        carriers.into_iter().map(Text::as_str).collect()
    };
    assert_eq!(brought(1), ["early", "late"]);
    assert!(brought(2).is_empty() && brought(9).is_empty());
}

#[test]
fn what_came_to_one_warehouse_needs_no_label_to_it_while_another_waits() {
    let mut world = world_after(&[
        asked(instruction(&[(1, &[("CUP", 1)]), (2, &[("POT", 1)])])),
        dispatch(1, 1, &[]),
        dispatch(2, 2, &[]),
        delivered(1, 1),
        delivered(2, 2),
        sent_back(REFUND, &[("CUP", 1), ("POT", 1)]),
        came_back(by_refund(), 1, &[(Resalable, &[("CUP", 1)])]),
    ]);
    let (return_id, warehouse_id) = (by_refund(), warehouse(1));
    let refused = Decision::Refused(ShippingError::NotAwaitedThere { return_id, warehouse_id });
    assert_eq!(hear(&mut world, &label(return_id, 1, "DHL", "BACK1")), refused);
    let bought = events(&mut world, &label(return_id, 2, "DHL", "BACK2"));
    let [Event::ReturnLabelBought(label)] = &bought[..] else { panic!("{bought:?}") };
    assert_eq!((label.refund_number, label.warehouse_id), (REFUND, warehouse(2)));
}

#[test]
fn a_return_that_is_complete_follows_no_label_and_hears_of_its_parcel_all_the_same() {
    let mut world = world_after(&after(&[label(by_refund(), 1, "DHL", "BACK1")]));
    let followed = |world: &World| {
        let goods_return = &world.consignment(order_id()).unwrap().returns[&by_refund()];
        goods_return.follows(&goods_return.labels[&warehouse(1)])
    };
    assert!(followed(&world));
    events(&mut world, &came_back(by_refund(), 1, &[(Resalable, &[("CUP", 2)])]));
    assert!(!followed(&world));
    assert!(world.changes().labels.contains(&(order_id(), by_refund(), warehouse(1))));
    events(&mut world, &seen(by_refund(), 1, ReturnParcelStatus::Arrived));
    assert_eq!((bought_of(&world).status, bought_of(&world).moved_at), (ReturnParcelStatus::Arrived, Some(NOON)));
}

#[test]
fn what_changes_in_the_batch_that_buys_a_label_is_inserted_and_not_updated() {
    let mut world = world_after(&after(&[]));
    events(&mut world, &label(by_refund(), 1, "DHL", "BACK1"));
    events(&mut world, &seen(by_refund(), 1, ReturnParcelStatus::OnItsWay));
    let changes = world.changes();
    assert_eq!((changes.labelled.len(), changes.labels.len(), changes.returns.len()), (1, 0, 1));
    assert_eq!(changes.changed.len(), 1);
}

const SCANS: [Scan; 6] = [Scan::Accepted, Scan::InTransit, Scan::Lost, Scan::Delivered, Scan::Refused, Scan::Returned];

proptest! {
    #[test]
    fn any_scans_in_any_order_and_number_move_a_parcel_one_way_to_the_same_end(
        scans in prop::collection::vec(prop::sample::select(&SCANS[..]), 0..12),
        choices in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let bought = world_after(&after(&[label(by_refund(), 1, "DHL", "BACK1")]));
        let end = |scans: &[Scan]| {
            let mut world = bought.clone();
            let mut reached = ReturnParcelStatus::LabelBought;
            let mut told = 0;
            for scan in scans {
                let answer = hear(&mut world, &seen(by_refund(), 1, scan.on_the_way_back()));
                told += usize::from(matches!(answer, Decision::Applied(_)));
                let now = bought_of(&world).status;
                assert_eq!(now > reached, matches!(answer, Decision::Applied(_)), "{answer:?}");
                reached = now;
            }
            assert!(told <= 3);
            let goods_return = &world.consignment(order_id()).unwrap().returns[&by_refund()];
            assert!(goods_return.receipts.is_empty() && goods_return.status == ReturnStatus::Open);
            reached
        };
        let expected = scans.iter().map(|scan| scan.on_the_way_back()).max().unwrap_or(ReturnParcelStatus::LabelBought);
        prop_assert_eq!(end(&scans), expected);
        let mut otherwise = scans.clone();
        otherwise.reverse();
        if !scans.is_empty() {
            // Some come again.
            otherwise.extend(choices.iter().map(|choice| *choice.get(&scans)));
        }
        prop_assert_eq!(end(&otherwise), expected);
    }
}
