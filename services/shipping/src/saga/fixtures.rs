//! Facts about one order, and tables of what becomes of them, for unit tests.

use std::iter;

use kernel::{Classified, Decision};

use super::{Answer, decide};
use crate::domain::consignment::Instruction;
use crate::domain::contents::Contents;
use crate::domain::event::Event;
use crate::domain::fact::{BoughtLabel, Dispatch, Fact, Receipt};
use crate::domain::fixtures::{
    NOON, contents, euro, in_cash, instruction, order_id, parcel_id, receipt_id, shipment_of, warehouse,
};
use crate::domain::goods_return::ReturnCondition;
use crate::domain::ids::{RefundNumber, ReturnId, ShipmentId};
use crate::domain::parcel::ParcelFailure;
use crate::domain::return_label::ReturnParcelStatus;
use crate::domain::world::World;

/// A name in a table, and what it stands for.
pub(super) type Named<T> = Vec<(&'static str, T)>;

/// What is to be collected for the order of the table.
pub(super) const DUE_CENTS: i64 = 4_060;

/// The order of the table: three cups in one warehouse, to be paid in cash.
pub(super) fn three_cups() -> Instruction {
    in_cash(instruction(&[(1, &[("CUP", 3)])]), euro(DUE_CENTS))
}

pub(super) fn asked(instruction: Instruction) -> Fact {
    Fact::ShipRequested { order_id: order_id(), instruction: Box::new(instruction) }
}

pub(super) fn dispatch(warehouse: u128, parcel: u128, lines: &[(&str, i64)]) -> Fact {
    dispatched(shipment_of(warehouse), parcel, contents(lines))
}

pub(super) fn dispatched(shipment_id: ShipmentId, parcel: u128, asked: Contents) -> Fact {
    Fact::DispatchRequested(Dispatch {
        order_id: order_id(),
        shipment_id,
        parcel_id: parcel_id(parcel),
        asked,
        carrier: "DHL".parse().unwrap(),
        tracking_number: format!("JD{parcel}").parse().unwrap(),
    })
}

pub(super) fn delivered(warehouse: u128, parcel: u128) -> Fact {
    let (shipment_id, parcel_id) = (shipment_of(warehouse), parcel_id(parcel));
    Fact::DeliveryReported { order_id: order_id(), shipment_id, parcel_id }
}

pub(super) fn failed(warehouse: u128, parcel: u128, failure: ParcelFailure) -> Fact {
    let (shipment_id, parcel_id) = (shipment_of(warehouse), parcel_id(parcel));
    Fact::FailureReported { order_id: order_id(), shipment_id, parcel_id, failure }
}

pub(super) fn sent_back(refund_number: RefundNumber, lines: &[(&str, i64)]) -> Fact {
    Fact::ReturnRequested { order_id: order_id(), refund_number, asked: contents(lines) }
}

/// Goods that came back; without any, nothing more comes.
pub(super) fn came_back(return_id: ReturnId, receipt: u128, goods: &[(ReturnCondition, &[(&str, i64)])]) -> Fact {
    Fact::GoodsReceived(Receipt {
        order_id: order_id(),
        return_id,
        receipt_id: receipt_id(receipt),
        goods: goods.iter().map(|(condition, lines)| (*condition, contents(lines))).collect(),
        complete: goods.is_empty(),
    })
}

/// A carrier sold a label for the way back to that warehouse.
pub(super) fn label(return_id: ReturnId, to: u128, carrier: &str, number: &str) -> Fact {
    Fact::ReturnLabelBought(BoughtLabel {
        order_id: order_id(),
        return_id,
        warehouse_id: warehouse(to),
        carrier: carrier.parse().unwrap(),
        tracking_number: number.parse().unwrap(),
    })
}

/// The carrier saw the parcel that is sent back to that warehouse.
pub(super) fn seen(return_id: ReturnId, to: u128, status: ReturnParcelStatus) -> Fact {
    Fact::ReturnParcelSeen { order_id: order_id(), return_id, warehouse_id: warehouse(to), status }
}

pub(super) fn remitted(cents: i64, reference: &str) -> Fact {
    Fact::CashRemitted { order_id: order_id(), amount: euro(cents), reference: reference.parse().unwrap() }
}

pub(super) fn stop() -> Fact {
    Fact::StopRequested { order_id: order_id(), refund_number: None }
}

pub(super) fn part(refund_number: RefundNumber, lines: &[(&str, i64)]) -> Fact {
    Fact::PartStopRequested { order_id: order_id(), refund_number, asked: contents(lines) }
}

pub(super) fn hear(world: &mut World, fact: &Fact) -> Answer {
    decide(world, fact, NOON)
}

/// The events of a fact that takes effect.
pub(super) fn events(world: &mut World, fact: &Fact) -> Vec<Event> {
    let answer = hear(world, fact);
    let Decision::Applied(events) = answer else { panic!("{fact:?} is not applied: {answer:?}") };
    events
}

/// A world in which these took effect, as it is loaded later.
pub(super) fn world_after(facts: &[Fact]) -> World {
    let mut world = World::default();
    for fact in facts {
        events(&mut world, fact);
    }
    World::new(world.consignment(order_id()).cloned())
}

pub(super) fn assert_readme_has(table: &str) {
    assert!(include_str!("../../README.md").contains(table), "the README needs this table:\n{table}");
}

/// What becomes of each fact in each state, as the README shows it. A state is told by the facts that lead there.
pub(super) fn rendered_table(states: &Named<Vec<Fact>>, facts: &Named<Fact>) -> String {
    let row = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let names = states.iter().map(|(name, _)| (*name).to_owned());
    let mut rows = vec![row(iter::once("fact".to_owned()).chain(names).collect())];
    rows.push(row(vec!["---".to_owned(); states.len() + 1]));
    for (name, fact) in facts {
        let answers = states.iter().map(|(_, history)| told(&hear(&mut world_after(history), fact)));
        rows.push(row(iter::once((*name).to_owned()).chain(answers).collect()));
    }
    rows.join("\n")
}

/// Only what takes effect changes anything, and then it is known.
pub(super) fn assert_each_takes_effect_once(states: &Named<Vec<Fact>>, facts: &Named<Fact>) {
    for (state, history) in states {
        for (name, fact) in facts {
            let mut world = world_after(history);
            let before = world.clone();
            if matches!(hear(&mut world, fact), Decision::Applied(_)) {
                let once = world.clone();
                assert_eq!(hear(&mut world, fact), Decision::AlreadyApplied, "{name} again in {state}");
                assert_eq!(world, once, "{name} again in {state}");
            } else {
                assert_eq!(world, before, "{name} in {state}");
            }
        }
    }
}

fn told(answer: &Answer) -> String {
    match answer {
        Decision::Applied(events) if events.is_empty() => "noted".to_owned(),
        Decision::Applied(events) => events.iter().map(told_event).collect::<Vec<_>>().join(", "),
        Decision::AlreadyApplied => "again".to_owned(),
        Decision::Ignored(_) => "ignored".to_owned(),
        Decision::Refused(refusal) => format!("`{}`", refusal.reason()),
    }
}

fn told_event(event: &Event) -> String {
    let (name, what_ends) = match event {
        Event::ShipmentCreated { .. } => ("ShipmentCreated", None),
        Event::ShipmentDispatched { order_dispatched, .. } => {
            ("ShipmentDispatched", order_dispatched.then_some("the last"))
        }
        Event::ShipmentDelivered { order_delivered, .. } => {
            ("ShipmentDelivered", order_delivered.then_some("the last"))
        }
        Event::ShipmentFailed { order_delivered: true, .. } => ("ShipmentFailed", Some("the last")),
        Event::ShipmentFailed { order_failed, .. } => ("ShipmentFailed", order_failed.then_some("all of them")),
        Event::ReturnLabelBought(_) => ("ReturnLabelBought", None),
        Event::ReturnParcelMoved(moved) => ("ReturnParcelMoved", Some(moved.status.as_str())),
        Event::ReturnReceived { complete, .. } => ("ReturnReceived", complete.then_some("complete")),
        Event::ShipmentCancelled { .. } => ("ShipmentCancelled", None),
        Event::PartCancelled(part) if part.order_delivered => {
            ("ShipmentCancelled", Some("a part; the rest has arrived"))
        }
        Event::PartCancelled(part) if part.order_failed => ("ShipmentCancelled", Some("a part; the rest has failed")),
        Event::PartCancelled(part) if part.order_dispatched => ("ShipmentCancelled", Some("a part; the rest has left")),
        Event::PartCancelled(_) => ("ShipmentCancelled", Some("a part")),
        Event::ShipmentCancelRefused { .. } => ("ShipmentCancelRefused", None),
        Event::CashCollected { .. } => ("CashCollected", None),
    };
    what_ends.map_or_else(|| format!("**{name}**"), |what| format!("**{name}**, {what}"))
}
