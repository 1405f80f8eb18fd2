//! What the tests of the sagas share: one order, the facts that it hears, and the README's tables.

use std::iter;
use std::time::Duration;

use kernel::Decision;
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use uuid::Uuid;

use super::decide;
use crate::domain::event::Event;
use crate::domain::fact::{Canceller, Fact, OrderFact};
use crate::domain::fixtures::{NOON, order_id, snapshot, terms};
use crate::domain::ids::WarehouseId;
use crate::domain::order::{Answer, Standing};
use crate::domain::policy::CheckoutPolicy;
use crate::domain::shipping_instruction::Allocation;
use crate::domain::snapshot::Snapshot;
use crate::domain::status::{FulfilmentStatus, OneWay, PaymentStatus, Status};
use crate::domain::world::World;

pub(super) const POLICY: CheckoutPolicy = CheckoutPolicy { unpaid_after: Duration::from_mins(16) };
pub(super) const ORDER: u128 = 5;

pub(super) fn submitted(snapshots: Vec<Snapshot>) -> Fact {
    Fact::CheckoutSubmitted { checkout_id: snapshots[0].terms().checkout_id, snapshots }
}

/// A world with one order that has just been created.
pub(super) fn world_of(agreed: Snapshot) -> World {
    let mut world = World::default();
    let answer = decide(&mut world, &submitted(vec![agreed]), &POLICY, NOON);
    assert!(matches!(answer, Decision::Applied(_)));
    World::new(world.order(order_id(ORDER)).cloned())
}

pub(super) fn hear(world: &mut World, fact: OrderFact) -> Answer {
    decide(world, &Fact::Order(order_id(ORDER), fact), &POLICY, NOON + POLICY.unpaid_after)
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

pub(super) fn refunded() -> OrderFact {
    OrderFact::PaymentRefunded { refunded: terms(order_id(ORDER)).total }
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
    OrderFact::InventoryCommitted { allocations: allocations() }
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
            [Event::RefundApproved { .. }] => "granted".to_owned(),
            [Event::RefundRejected { .. }] => "rejected".to_owned(),
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
            (Some(from), Some(to)) => to - from,
            _ => usize::from(from != to),
        };
        let events = if let Decision::Applied(events) = &answer { events.as_slice() } else { &[] };
        let steps = events.iter().filter(|event| !leaves_status(event)).count();
        prop_assert_eq!(steps, passed, "every milestone is an event, and no other event is one");
    }
    Ok(())
}

/// Whether an event asks for something, or answers that.
fn leaves_status(event: &Event) -> bool {
    matches!(
        event,
        Event::CancellationRequested { .. }
            | Event::RefundRequested { .. }
            | Event::RefundApproved { .. }
            | Event::RefundRejected { .. }
    )
}

/// What the text of [`Standing`] promises of each milestone.
fn is_consistent(standing: Standing, in_cash: bool) -> bool {
    use FulfilmentStatus::{Allocated, Delivered, PartlyShipped, Released, Shipped, Unallocated};
    use PaymentStatus::{Authorized, Captured, Refunded, Unpaid};
    let Standing { status, payment, fulfilment } = standing;
    let is_held = payment == Authorized || (in_cash && payment == Captured);
    match status {
        Status::Created => matches!(payment, Unpaid | Authorized) && fulfilment == Unallocated,
        Status::Confirmed if in_cash => is_held && matches!(fulfilment, Allocated | PartlyShipped),
        Status::Confirmed => is_held && fulfilment == Allocated,
        Status::Paid if in_cash => payment == Captured && fulfilment == Delivered,
        Status::Paid => payment == Captured && matches!(fulfilment, Allocated | PartlyShipped | Released),
        Status::Refunded => payment == Refunded && matches!(fulfilment, Allocated | Released),
        Status::Shipped => (if in_cash { is_held } else { payment == Captured }) && fulfilment == Shipped,
        Status::Delivered => payment == (if in_cash { Authorized } else { Captured }) && fulfilment == Delivered,
        Status::Failed(_) | Status::Cancelled(_) => true,
    }
}

fn stayed_or_went_on<S: OneWay>(before: S, after: S) -> bool {
    before == after || before.leads_to(after)
}
