//! Orders of which units are taken away, or become orders of their own, before they are confirmed.

use inventory::domain::reservation::Status as ReservationStatus;
use kernel::Id;
use orders::domain::order::Order;
use orders::domain::refund::Units;
use orders::domain::status::{Milestone, Status};

use super::{Property, any_ended, is_at_rest, payment};
use crate::action::Action;
use crate::fleet::Fleet;
use crate::scenario::End;
use crate::state::{State, order_id};

/// What must hold in every state.
pub const PROPERTIES: &[Property] = &[
    ("I2: what is committed to an order that is confirmed is what is agreed", what_is_committed_is_agreed),
    ("I2: what is held for an order is what is agreed, once inventory has heard of it", what_is_held_is_agreed),
    ("I1: orders that are split cost together what they did, as long as nothing is taken away", splits_conserve_money),
];

/// What buyers want of their orders. Whether it is too late is for the service to decide.
pub fn triggers(state: &State, actions: &mut Vec<Action>) {
    if state.left.modifications > 0 {
        actions.extend(state.orders.orders().map(|order| Action::Modify(order.id)));
    }
    if state.left.splits > 0 {
        actions.extend(state.orders.orders().map(|order| Action::Split(order.id)));
    }
}

/// One unit, which stays in an order or becomes one of its own; none if there are no two.
pub fn one_of(order: &Order) -> Option<Units> {
    let several = order.sku_totals.iter().find(|total| total.quantity > 1)?;
    Some(Units::from([(several.sku.clone(), 1)]))
}

/// The id of the next order, beyond those that are there or promised: letters follow from them.
pub fn next_order_id(state: &State) -> orders::domain::ids::OrderId {
    let promised =
        |order: &Order| order.refunds.iter().filter_map(|refund| refund.exchange_order_id).collect::<Vec<_>>();
    let ids = state.orders.orders().flat_map(|order| promised(order).into_iter().chain([order.id]));
    let last = ids.map(|id| id.uuid().as_u128() >> 8).max();
    order_id(last.unwrap_or_default() + 1)
}

fn units(order: &Order) -> i64 {
    order.sku_totals.iter().map(|total| total.quantity).sum()
}

fn what_is_committed_is_agreed(_: &Fleet, state: &State) -> bool {
    let is_confirmed = |order: &&Order| !order.allocations.is_empty();
    let committed =
        |order: &Order| -> i64 { order.allocations.iter().map(|allocation| i64::from(allocation.quantity)).sum() };
    state.orders.orders().filter(is_confirmed).all(|order| committed(order) == units(order))
}

fn what_is_held_is_agreed(_: &Fleet, state: &State) -> bool {
    state.orders.orders().all(|order| {
        let reservation = state.inventory.reservation(Id::from_uuid(order.id.uuid()));
        let heard = reservation.filter(|reservation| {
            let is_held = matches!(reservation.status, ReservationStatus::Active | ReservationStatus::Committed);
            is_held && reservation.terms_version == order.terms_version
        });
        heard.is_none_or(|reservation| {
            reservation.allocations.iter().map(|allocation| allocation.quantity).sum::<i64>() == units(order)
        })
    })
}

fn splits_conserve_money(fleet: &Fleet, state: &State) -> bool {
    let bounds = &fleet.scenario().bounds;
    let nothing_is_taken_away = bounds.modifications == state.left.modifications;
    let was_split = |order: &&Order| order.split_from.is_some();
    state.orders.orders().filter(was_split).all(|part| {
        let family = state.orders.orders().filter(|order| order.checkout_id == part.checkout_id);
        let sum: i64 = family.map(|order| order.total.minor()).sum();
        !nothing_is_taken_away || sum == state.checkout.submitted_total(Id::from_uuid(part.checkout_id.uuid()))
    })
}

/// Units were taken away from it, and it was paid for.
pub const PAID_FOR_LESS: End = End {
    name: "PAID, for less than was agreed at first",
    is_met: |fleet, state| any_ended(fleet, state, |order| is_paid(order) && order.terms_version > 1),
};

/// More was held of the buyer's money than was taken.
pub const CAPTURED_IN_PART: End = End {
    name: "PAID, by a capture of a part of what was held",
    is_met: |fleet, state| {
        any_ended(fleet, state, |order| {
            let payment = payment(state, order);
            let authorized = payment.and_then(|payment| payment.authorized);
            is_paid(order) && authorized.is_some_and(|authorized| authorized.minor() > order.total.minor())
        })
    },
};

/// It was split, and both orders were paid for.
pub const BOTH_PARTS_PAID: End = End {
    name: "an order was split, and both are PAID",
    is_met: |fleet, state| {
        let mut family = state.orders.orders();
        family.clone().count() == 2 && family.all(is_paid) && is_at_rest(fleet, state)
    },
};

/// It was split, and one order goes its own way.
pub const ONE_PART_PAID: End = End {
    name: "an order was split, and one is PAID and the other is not to be had",
    is_met: |fleet, state| {
        let ended = |order: &Order| matches!(order.standing.status, Status::Failed(_) | Status::Cancelled(_));
        let mut orders = state.orders.orders();
        orders.clone().any(is_paid) && orders.any(ended) && is_at_rest(fleet, state)
    },
};

fn is_paid(order: &Order) -> bool {
    order.standing.status.milestone() == Milestone::Paid
}
