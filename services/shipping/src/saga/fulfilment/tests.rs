use std::collections::BTreeMap;
use std::{iter, slice};

use kernel::{Classified, Sku};
use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::domain::consignment::Terms;
use crate::domain::contents::Contents;
use crate::domain::fixtures::{
    NOON, contents, euro, in_cash, instruction, order_id, parcel_id, shipment_of, sku, warehouse,
};
use crate::domain::ids::SellerId;
use crate::domain::shipment::ShipmentStatus;

/// What is to be collected for the order of the table.
const DUE_CENTS: i64 = 4_060;

/// The order of the table: three cups in one warehouse, to be paid in cash.
fn three_cups() -> Instruction {
    in_cash(instruction(&[(1, &[("CUP", 3)])]), euro(DUE_CENTS))
}

fn asked(instruction: Instruction) -> Fact {
    Fact::ShipRequested { order_id: order_id(), instruction: Box::new(instruction) }
}

fn dispatch(warehouse: u128, parcel: u128, lines: &[(&str, i64)]) -> Fact {
    dispatched(shipment_of(warehouse), parcel, contents(lines))
}

fn dispatched(shipment_id: ShipmentId, parcel: u128, asked: Contents) -> Fact {
    Fact::DispatchRequested(Dispatch {
        order_id: order_id(),
        shipment_id,
        parcel_id: parcel_id(parcel),
        asked,
        carrier: "DHL".parse().unwrap(),
        tracking_number: format!("JD{parcel}").parse().unwrap(),
    })
}

fn delivered(warehouse: u128, parcel: u128) -> Fact {
    let (shipment_id, parcel_id) = (shipment_of(warehouse), parcel_id(parcel));
    Fact::DeliveryReported { order_id: order_id(), shipment_id, parcel_id }
}

fn remitted(cents: i64, reference: &str) -> Fact {
    Fact::CashRemitted { order_id: order_id(), amount: euro(cents), reference: reference.parse().unwrap() }
}

fn stop() -> Fact {
    Fact::StopRequested { order_id: order_id() }
}

fn hear(world: &mut World, fact: &Fact) -> Answer {
    decide(world, fact, NOON)
}

/// The events of a fact that takes effect.
fn events(world: &mut World, fact: &Fact) -> Vec<Event> {
    let answer = hear(world, fact);
    let Decision::Applied(events) = answer else { panic!("{fact:?} is not applied: {answer:?}") };
    events
}

/// A world in which these took effect, as it is loaded later.
fn world_after(facts: &[Fact]) -> World {
    let mut world = World::default();
    for fact in facts {
        events(&mut world, fact);
    }
    World::new(world.consignment(order_id()).cloned())
}

/// Every fact, by the name that the table gives it.
fn every_fact() -> Vec<(&'static str, Fact)> {
    let other_seller = Terms { seller_id: SellerId::from_uuid(Uuid::from_u128(4)), ..three_cups().terms };
    vec![
        ("the instruction", asked(three_cups())),
        ("another instruction", asked(Instruction { terms: other_seller, ..three_cups() })),
        ("OrderCancellationRequested, RefundRequested", stop()),
        ("DispatchParcel, one cup", dispatch(1, 7, &[("CUP", 1)])),
        ("DispatchParcel, all that is left", dispatch(1, 8, &[])),
        ("DispatchParcel, four cups", dispatch(1, 9, &[("CUP", 4)])),
        ("DispatchParcel, a pot", dispatch(1, 10, &[("POT", 1)])),
        ("RecordDelivery, the first parcel", delivered(1, 1)),
        ("RecordDelivery, the second parcel", delivered(1, 2)),
        ("RecordRemittance", remitted(DUE_CENTS, "R-1")),
        ("RecordRemittance, too little", remitted(DUE_CENTS - 1, "R-1")),
        ("RecordRemittance, another reference", remitted(DUE_CENTS, "R-2")),
    ]
}

/// Every state that decides differently, by the name that the table gives it, and the facts that lead there.
fn every_state() -> Vec<(&'static str, Vec<Fact>)> {
    let life = [
        asked(three_cups()),
        dispatch(1, 1, &[("CUP", 1)]),
        dispatch(1, 2, &[("CUP", 2)]),
        delivered(1, 1),
        delivered(1, 2),
        remitted(DUE_CENTS, "R-1"),
    ];
    vec![
        ("nothing yet", vec![]),
        ("PENDING", life[..1].to_vec()),
        ("PARTLY_DISPATCHED", life[..2].to_vec()),
        ("DISPATCHED", life[..3].to_vec()),
        ("DISPATCHED, one arrived", life[..4].to_vec()),
        ("DELIVERED", life[..5].to_vec()),
        ("DELIVERED, cash passed on", life.to_vec()),
        ("CANCELLED", vec![life[0].clone(), stop()]),
    ]
}

/// The table of the README: what becomes of each fact in each state.
fn rendered_table() -> String {
    let row = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let states = every_state();
    let names = states.iter().map(|(name, _)| (*name).to_owned());
    let mut rows = vec![row(iter::once("fact".to_owned()).chain(names).collect())];
    rows.push(row(vec!["---".to_owned(); states.len() + 1]));
    for (name, fact) in every_fact() {
        let answers = states.iter().map(|(_, history)| told(&hear(&mut world_after(history), &fact)));
        rows.push(row(iter::once(name.to_owned()).chain(answers).collect()));
    }
    rows.join("\n")
}

fn told(answer: &Answer) -> String {
    match answer {
        Decision::Applied(events) => events.iter().map(told_event).collect::<Vec<_>>().join(", "),
        Decision::AlreadyApplied => "again".to_owned(),
        Decision::Ignored(_) => "ignored".to_owned(),
        Decision::Refused(refusal) => format!("`{}`", refusal.reason()),
    }
}

fn told_event(event: &Event) -> String {
    let (name, is_last) = match event {
        Event::ShipmentCreated { .. } => ("ShipmentCreated", false),
        Event::ShipmentDispatched { order_dispatched, .. } => ("ShipmentDispatched", *order_dispatched),
        Event::ShipmentDelivered { order_delivered, .. } => ("ShipmentDelivered", *order_delivered),
        Event::ShipmentCancelled { .. } => ("ShipmentCancelled", false),
        Event::ShipmentCancelRefused { .. } => ("ShipmentCancelRefused", false),
        Event::CashCollected { .. } => ("CashCollected", false),
    };
    if is_last { format!("**{name}**, the last") } else { format!("**{name}**") }
}

#[test]
fn the_readme_shows_what_becomes_of_each_fact_in_each_state() {
    let table = rendered_table();
    assert!(include_str!("../../../README.md").contains(&table), "the README needs this table:\n{table}");
}

#[test]
fn only_what_takes_effect_changes_anything_and_then_it_is_known() {
    for (state, history) in every_state() {
        for (name, fact) in every_fact() {
            let mut world = world_after(&history);
            let before = world.clone();
            if matches!(hear(&mut world, &fact), Decision::Applied(_)) {
                let once = world.clone();
                assert_eq!(hear(&mut world, &fact), Decision::AlreadyApplied, "{name} again in {state}");
                assert_eq!(world, once, "{name} again in {state}");
            } else {
                assert_eq!(world, before, "{name} in {state}");
            }
        }
    }
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
    assert_eq!(events(&mut world, &stop()), [Event::ShipmentCancelled { order_id: order_id() }]);
    for warehouse in [1, 2] {
        let refused = Decision::Refused(ShippingError::Cancelled(shipment_of(warehouse)));
        assert_eq!(hear(&mut world, &dispatch(warehouse, 1, &[])), refused);
    }
    let mut world = world_after(&[prepaid, dispatch(1, 1, &[])]);
    assert_eq!(events(&mut world, &stop()), [Event::ShipmentCancelRefused { order_id: order_id() }]);
}

#[test]
fn what_changes_in_the_batch_that_creates_it_is_inserted_and_not_updated() {
    let mut world = World::default();
    for fact in [asked(three_cups()), dispatch(1, 1, &[("CUP", 1)]), delivered(1, 1)] {
        events(&mut world, &fact);
    }
    let changes = world.changes();
    assert_eq!((changes.created.len(), changes.dispatched.len()), (1, 1));
    assert!(changes.changed.is_empty() && changes.shipments.is_empty() && changes.delivered.is_empty());

    let mut world = world_after(&[asked(three_cups()), dispatch(1, 1, &[("CUP", 1)])]);
    for fact in [delivered(1, 1), dispatch(1, 2, &[]), delivered(1, 2)] {
        events(&mut world, &fact);
    }
    let changes = world.changes();
    assert_eq!((changes.changed.len(), changes.shipments.len()), (1, 1));
    assert_eq!((changes.dispatched.len(), changes.delivered.len()), (1, 1));
    assert!(changes.created.is_empty());
}

/// How far a status is; each may only be followed by a later one.
fn stage(status: ShipmentStatus) -> u8 {
    match status {
        ShipmentStatus::Pending => 0,
        ShipmentStatus::PartlyDispatched => 1,
        ShipmentStatus::Dispatched => 2,
        ShipmentStatus::Delivered | ShipmentStatus::Cancelled => 3,
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
    fn any_sequence_of_facts_moves_a_shipment_one_way_and_never_ships_more_than_it_holds(
        choices in prop::collection::vec(0..14_usize, 0..40),
    ) {
        let mut facts: Vec<Fact> = every_fact().into_iter().map(|(_, fact)| fact).collect();
        facts.extend([dispatch(1, 1, &[("CUP", 1)]), dispatch(1, 2, &[("CUP", 2)])]);
        let mut world = World::default();
        let (mut reached, mut collected) = (0, 0);
        for choice in choices {
            let before = world.clone();
            let answer = hear(&mut world, &facts[choice]);
            prop_assert_eq!(matches!(answer, Decision::Applied(_)), before != world);
            let Some(consignment) = world.consignment(order_id()) else { continue };
            let shipment = &consignment.shipments[&shipment_of(1)];
            let now = stage(consignment.status_of(shipment));
            prop_assert!(now >= reached, "{consignment:?}");
            reached = now;
            prop_assert!(shipment.dispatched().units(&sku("CUP")) <= 3);
            prop_assert!(consignment.cancellation != Some(Cancellation::Stopped) || !consignment.has_begun());
            if let Decision::Applied(events) = answer {
                collected += events.iter().filter(|event| matches!(event, Event::CashCollected { .. })).count();
            }
        }
        prop_assert!(collected <= 1);
    }
}
