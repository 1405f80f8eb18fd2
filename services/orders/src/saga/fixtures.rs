//! What the tests of the sagas share: one order, the facts that it hears, and the README's tables.

use std::iter;
use std::time::Duration;

use kernel::{Decision, Money, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use uuid::Uuid;

use super::decide;
use crate::domain::event::Event;
use crate::domain::fact::{Canceller, Commitment, Fact, FailedParcel, OrderFact, StoppedPart};
use crate::domain::fixtures::{NOON, euro, order_id, snapshot, terms};
use crate::domain::ids::{ParcelId, WarehouseId};
use crate::domain::order::{Answer, Standing};
use crate::domain::policy::Policy;
use crate::domain::refund::{RefundNumber, RefundRequest, Units};
use crate::domain::shipping_instruction::Allocation;
use crate::domain::snapshot::Snapshot;
use crate::domain::status::{CancelReason, FulfilmentStatus, Milestone, OneWay, PaymentStatus, Status};
use crate::domain::world::World;

pub(super) const POLICY: Policy =
    Policy { unpaid_after: Duration::from_mins(16), return_window: Duration::from_hours(24 * 30) };
pub(super) const ORDER: u128 = 5;

pub(super) fn submitted(snapshots: Vec<Snapshot>) -> Fact {
    Fact::CheckoutSubmitted { checkout_id: snapshots[0].terms().checkout_id, snapshots }
}

/// A world with one order that has just been created.
pub(super) fn world_of(agreed: Snapshot) -> World {
    let mut world = World::default();
    let answer = decide(&mut world, &submitted(vec![agreed.clone()]), &POLICY, NOON);
    assert!(matches!(answer, Decision::Applied(_)));
    World::new(world.order(order_id(ORDER)).cloned()).with_agreed([agreed])
}

pub(super) fn hear(world: &mut World, fact: OrderFact) -> Answer {
    hear_at(world, fact, NOON + POLICY.unpaid_after)
}

pub(super) fn hear_at(world: &mut World, fact: OrderFact, now: Timestamp) -> Answer {
    decide(world, &Fact::Order(order_id(ORDER), fact), &POLICY, now)
}

pub(super) fn standing(world: &World) -> Standing {
    world.order(order_id(ORDER)).unwrap().standing
}

/// A prepaid order that has heard these facts, each of which mattered.
pub(super) fn world_after(facts: &[OrderFact]) -> World {
    heard(world_of(snapshot(order_id(ORDER))), facts)
}

pub(super) fn heard(mut world: World, facts: &[OrderFact]) -> World {
    for fact in facts {
        assert!(matches!(hear(&mut world, fact.clone()), Decision::Applied(_)), "{fact:?}");
    }
    world
}

/// All of the money is back, for the first refund.
pub(super) fn refunded() -> OrderFact {
    OrderFact::PaymentRefunded { number: Some(1), refunded: total() }
}

/// All of the money is back, because the order ended.
pub(super) fn undone() -> OrderFact {
    OrderFact::PaymentRefunded { number: None, refunded: total() }
}

pub(super) fn captured() -> OrderFact {
    OrderFact::PaymentCaptured { amount: total() }
}

fn total() -> Money {
    terms(order_id(ORDER)).total
}

/// All of the money is wanted back before dispatch.
pub(super) fn wanted_back() -> OrderFact {
    OrderFact::RefundRequested { request: RefundRequest::BeforeDispatch, note: None }
}

pub(super) fn units(lines: &[(&str, i64)]) -> Units {
    lines.iter().map(|(sku, quantity)| (sku.parse().unwrap(), *quantity)).collect()
}

/// The money for these units is wanted back before they leave.
pub(super) fn part_back(lines: &[(&str, i64)]) -> OrderFact {
    OrderFact::RefundRequested { request: RefundRequest::PartBeforeDispatch(units(lines)), note: None }
}

/// These units are stopped for a refund, and more of the order is awaited, or nothing is to leave.
pub(super) fn part_stopped(number: RefundNumber, lines: &[(&str, i64)]) -> StoppedPart {
    StoppedPart { number, units: units(lines), order_dispatched: false, order_delivered: false, order_failed: false }
}

/// Everything that was ordered.
pub(super) const ALL: &[(&str, i64)] = &[("MUG-BLUE", 2), ("SPOON", 1)];

/// These units are sent back.
pub(super) fn sent_back(lines: &[(&str, i64)]) -> OrderFact {
    OrderFact::RefundRequested { request: RefundRequest::AfterReturn(units(lines)), note: None }
}

/// So much of what the first refund waits for is accepted, and no more is awaited.
pub(super) fn accepted(lines: &[(&str, i64)]) -> OrderFact {
    OrderFact::ReturnReceived { number: Some(1), accepted: units(lines), complete: true }
}

pub(super) fn goodwill(cents: i64) -> OrderFact {
    OrderFact::RefundRequested { request: RefundRequest::Goodwill(euro(cents)), note: None }
}

/// The spoon is lost, or everything; that was the last that was awaited.
pub(super) fn lost(lines: &[(&str, i64)], order_delivered: bool) -> OrderFact {
    let order_failed = lines == ALL;
    let parcel_id = ParcelId::from_uuid(Uuid::from_u128(9));
    OrderFact::ShipmentFailed(FailedParcel { parcel_id, units: units(lines), order_delivered, order_failed })
}

pub(super) fn cancelled_by(by: Canceller) -> OrderFact {
    OrderFact::CancelRequested { by, note: Some("changed my mind".parse().unwrap()) }
}

pub(super) fn allocations() -> Vec<Allocation> {
    let warehouse_id = WarehouseId::from_uuid(Uuid::from_u128(8));
    let of = |sku: &str, units| Allocation {
        sku: sku.parse().unwrap(),
        warehouse_id,
        quantity: kernel::Quantity::new(units).unwrap(),
    };
    vec![of("MUG-BLUE", 2), of("SPOON", 1)]
}

pub(super) fn committed() -> OrderFact {
    OrderFact::InventoryCommitted(Commitment { terms_version: 1, allocations: allocations() })
}

/// It waits for stock for two weeks.
pub(super) fn backordered() -> OrderFact {
    OrderFact::InventoryBackordered { until: NOON + std::time::Duration::from_hours(14 * 24) }
}

pub(super) fn dispatched(order_dispatched: bool) -> OrderFact {
    OrderFact::ShipmentDispatched { order_dispatched }
}

pub(super) fn delivered(order_delivered: bool) -> OrderFact {
    OrderFact::ShipmentDelivered { order_delivered }
}

/// A table of the README: what becomes of each fact in each state.
pub(super) fn table(states: Vec<(&'static str, World)>, facts: &[(&'static str, OrderFact)]) -> String {
    let row = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    let names = states.iter().map(|(name, _)| (*name).to_owned());
    let mut rows = vec![row(iter::once("fact".to_owned()).chain(names).collect())];
    rows.push(row(vec!["---".to_owned(); states.len() + 1]));
    for (name, fact) in facts {
        let answers = states.iter().map(|(_, world)| {
            let mut world = world.clone();
            let answer = hear(&mut world, fact.clone());
            told(&answer, &world)
        });
        rows.push(row(iter::once((*name).to_owned()).chain(answers).collect()));
    }
    rows.join("\n")
}

fn told(answer: &Answer, world: &World) -> String {
    match answer {
        Decision::Applied(events) if events.is_empty() => "noted".to_owned(),
        Decision::Applied(events) => match events[..] {
            [Event::CancellationRequested { .. } | Event::RefundRequested { .. }] => "asked".to_owned(),
            [Event::Backordered { .. }] => "waits".to_owned(),
            [Event::Modified { .. }] => "modified".to_owned(),
            [Event::Modified { .. }, Event::Created { .. }] => "split".to_owned(),
            [Event::RefundApproved { .. }] => "granted".to_owned(),
            [Event::RefundRequested { .. }, Event::RefundApproved { .. }] => "asked and granted".to_owned(),
            [Event::RefundRejected { .. }] => "rejected".to_owned(),
            [Event::RefundCompleted { .. }] => "given back".to_owned(),
            [Event::RefundCompleted { .. }, Event::Created { .. }] => "sent anew".to_owned(),
            _ => format!("**{}**", standing(world).status.milestone().as_str()),
        },
        Decision::AlreadyApplied => "again".to_owned(),
        Decision::Ignored(_) => "ignored".to_owned(),
        Decision::Refused(_) => "refused".to_owned(),
    }
}

pub(super) fn assert_readme_has(table: &str) {
    assert!(include_str!("../../README.md").contains(table), "the README needs this table:\n{table}");
}

/// Whatever is heard in whatever order, an order goes its walk and its axes go one way, and history tells every milestone.
pub(super) fn assert_goes_one_way(
    mut world: World,
    facts: &[(&'static str, OrderFact)],
    choices: &[usize],
) -> Result<(), TestCaseError> {
    let order = world.order(order_id(ORDER)).unwrap().clone();
    for &choice in choices {
        let before = standing(&world);
        let answer = hear(&mut world, facts[choice].1.clone());
        let after = standing(&world);
        let (from, to) = (before.status.milestone(), after.status.milestone());
        prop_assert!(before.status == after.status || order.walk().leads(from, to), "{before} to {after}");
        prop_assert!(stayed_or_went_on(before.payment, after.payment));
        prop_assert!(stayed_or_went_on(before.fulfilment, after.fulfilment));
        prop_assert!(is_consistent(after, order.cash_on_delivery), "{after}");
        let walk = order.walk().milestones();
        let place = |sought| walk.iter().position(|milestone| *milestone == sought);
        let passed = match (place(from), place(to)) {
            // REFUNDED, which is beside the walk, and then CLOSED.
            _ if before.status == Status::Refunded => usize::from(from != to),
            (Some(from), Some(to)) => to - from,
            // If nothing arrives it is CANCELLED from SHIPPED on.
            (Some(from), None) if after.status == Status::Cancelled(CancelReason::DeliveryFailed) => {
                place(Milestone::Shipped).map_or(0, |shipped| shipped + 1 - from)
            }
            _ => usize::from(from != to),
        };
        let events = if let Decision::Applied(events) = &answer { events.as_slice() } else { &[] };
        let steps = events.iter().filter(|event| !leaves_status(event)).count();
        prop_assert_eq!(steps, passed, "every milestone is an event, and no other event is one");
    }
    Ok(())
}

/// Whether an event asks for something or answers that, says that the order waits, or is about another.
fn leaves_status(event: &Event) -> bool {
    matches!(
        event,
        Event::Backordered { .. }
            | Event::Modified { .. }
            | Event::Created { .. }
            | Event::CancellationRequested { .. }
            | Event::RefundRequested { .. }
            | Event::RefundApproved { .. }
            | Event::RefundRejected { .. }
            | Event::RefundCompleted { .. }
    )
}

/// What the text of [`Standing`] promises of each milestone.
fn is_consistent(standing: Standing, in_cash: bool) -> bool {
    use FulfilmentStatus::{Allocated, Delivered, Failed, PartlyShipped, Released, Shipped, Unallocated};
    use PaymentStatus::{Authorized, Captured, Refunded, Unpaid};
    let Standing { status, payment, fulfilment } = standing;
    let is_held = payment == Authorized || (in_cash && payment == Captured);
    match status {
        Status::Created => matches!(payment, Unpaid | Authorized) && fulfilment == Unallocated,
        Status::Confirmed if in_cash => is_held && matches!(fulfilment, Allocated | PartlyShipped),
        Status::Confirmed => is_held && fulfilment == Allocated,
        Status::Paid if in_cash => payment == Captured && fulfilment == Delivered,
        Status::Paid => payment == Captured && matches!(fulfilment, Allocated | PartlyShipped | Released),
        Status::Refunded => payment == Refunded && !matches!(fulfilment, Unallocated),
        Status::Closed => matches!(payment, Captured | Refunded) && matches!(fulfilment, Released | Delivered | Failed),
        Status::Shipped if in_cash => is_held && fulfilment == Shipped,
        Status::Shipped => payment == Captured && matches!(fulfilment, Shipped | Failed),
        Status::Delivered => payment == (if in_cash { Authorized } else { Captured }) && fulfilment == Delivered,
        Status::Failed(_) | Status::Cancelled(_) => true,
    }
}

fn stayed_or_went_on<S: OneWay>(before: S, after: S) -> bool {
    before == after || before.leads_to(after)
}
