//! The checkout saga: who may end it early, and invariants I1 to I3 of it.

pub mod ends;

use inventory::domain::allocation::Allocation;
use inventory::domain::reservation::{Reservation, Status as ReservationStatus};
use inventory::domain::stock::StockItem;
use kernel::Id;
use orders::domain::order::Order;
use orders::domain::refund::{Counting, Refund, RefundStatus};
use orders::domain::status::{FulfilmentStatus, Milestone, PaymentStatus as PaymentAxis, Status};
use payments::domain::{OperationKind, RefundStanding, Status as PaymentStatus};

use super::backorder::is_waiting;
use super::{Property, exchange, is_at_rest, is_stopped, payment};
use crate::action::Action;
use crate::fleet::Fleet;
use crate::services::inventory::returned;
use crate::state::State;

/// What must hold in every state.
pub const PROPERTIES: &[Property] = &[
    ("I1: an order is charged at most once, and no more than it costs", money_is_taken_once),
    ("I2: no stock figure is below zero, and each is the sum of what orders hold and of what moved", stock_adds_up),
    ("I3: no order is confirmed or paid without its stock", nothing_is_sold_without_stock),
    ("I3: no order is charged before it is confirmed", nothing_is_charged_early),
    ("I3: every saga ends confirmed and paid for, or fully undone", every_saga_ends),
    ("I5: no event is parked", nothing_is_parked),
];

/// Commands of buyers, and deadlines.
pub fn triggers(state: &State, actions: &mut Vec<Action>) {
    if state.left.cancels > 0 {
        actions.extend(state.orders.orders().map(|order| Action::Cancel(order.id)));
    }
    deadlines(state, actions);
}

/// Deadlines that may pass. Whether one matters is for the service to decide.
pub fn deadlines(state: &State, actions: &mut Vec<Action>) {
    if state.left.deadlines > 0 {
        actions.extend(state.orders.orders().map(|order| Action::UnpaidDeadline(order.id)));
        let reservations = state.inventory.reservations();
        actions.extend(reservations.map(|reservation| Action::ReservationDeadline(reservation.order_id)));
    }
}

fn money_is_taken_once(_: &Fleet, state: &State) -> bool {
    state.orders.orders().all(|order| {
        let times = state.provider.times(Id::from_uuid(order.id.uuid()), OperationKind::Capture);
        let is_covered = payment(state, order).is_none_or(|payment| payment.captured.minor() <= order.total.minor());
        let taken = state.provider.captured(Id::from_uuid(order.id.uuid()));
        times <= 1 && is_covered && taken <= order.total.minor()
    })
}

fn stock_adds_up(fleet: &Fleet, state: &State) -> bool {
    // Only the first seller restocks.
    let restocks = i64::from(fleet.scenario().bounds.restocks - state.left.restocks);
    let first = state.inventory.stock().next().map(StockItem::id);
    let came_in = |id| if Some(id) == first { restocks } else { 0 };
    state.inventory.stock().zip(fleet.scenario().stock).all(|(item, stocked)| {
        let sum = |of: fn(&Reservation) -> Vec<Allocation>, is_meant: fn(ReservationStatus) -> bool| {
            let reservations = state.inventory.reservations().filter(|reservation| is_meant(reservation.status));
            let allocations = reservations.flat_map(of).filter(|allocation| allocation.stock_item_id == item.id());
            allocations.map(|allocation| allocation.quantity).sum::<i64>()
        };
        let levels = item.levels();
        let restocked = state.inventory.reservations().map(|reservation| returned(reservation).resalable).sum::<i64>();
        let is_sum = levels.reserved == sum(Reservation::remaining, |status| status == ReservationStatus::Active)
            && levels.committed == sum(Reservation::remaining, |status| status == ReservationStatus::Committed)
            && levels.total == stocked + came_in(item.id()) - sum(Reservation::dispatched, |_| true) + restocked
            && levels.total == stocked + state.inventory.moved(item.id());
        is_sum && levels.reserved >= 0 && levels.committed >= 0 && item.available() >= 0
    })
}

/// With I2, it follows that units of confirmed and paid orders never exceed the stock.
fn nothing_is_sold_without_stock(_: &Fleet, state: &State) -> bool {
    use Status::{Confirmed, Delivered, Paid, Shipped};
    // What is stopped, or all of whose money is to go back, may have its stock on sale again before it has ended.
    let is_sold = |order: &&Order| {
        matches!(order.standing.status, Confirmed | Paid | Shipped | Delivered)
            && !is_stopped(state, order)
            && order.refundable(Counting::Taken).is_positive()
    };
    state.orders.orders().filter(is_sold).all(|order| reservation(state, order) == Some(ReservationStatus::Committed))
}

fn nothing_is_charged_early(_: &Fleet, state: &State) -> bool {
    let is_early = |order: &&Order| matches!(order.standing.status, Status::Created | Status::Failed(_));
    state.orders.orders().filter(is_early).all(|order| state.provider.captured(Id::from_uuid(order.id.uuid())) == 0)
}

fn every_saga_ends(fleet: &Fleet, state: &State) -> bool {
    !is_at_rest(fleet, state) || {
        let begun = state.checkout.orders().count() == state.orders.orders().count();
        begun
            && state.orders.orders().all(|order| {
                is_sold(state, order)
                    || is_undone(state, order)
                    || is_left_to_operator(state, order)
                    || is_waiting(state, order)
            })
    }
}

fn nothing_is_parked(_: &Fleet, state: &State) -> bool {
    state.parked.is_none()
}

/// Paid by card and charged, or to be paid at the door, or paid there; with its stock, and so shown to the buyer. Some of the money may have
/// gone back, and nothing of it is on its way.
fn is_sold(state: &State, order: &Order) -> bool {
    let payment = payment_status(state, order);
    let is_paid = match order.standing.status {
        Status::Confirmed | Status::Shipped | Status::Delivered if order.cash_on_delivery => {
            payment == Some(PaymentStatus::Authorized)
        }
        Status::Paid | Status::Shipped | Status::Delivered | Status::Closed => {
            payment == Some(PaymentStatus::Captured) && (is_charged(state, order) || order.cash_on_delivery)
        }
        Status::Created | Status::Confirmed | Status::Refunded | Status::Failed(_) | Status::Cancelled(_) => false,
    };
    is_paid && reservation(state, order) == Some(ReservationStatus::Committed) && is_shown(state, order)
}

/// Failed, cancelled or refunded: no stock is held, nothing is held or taken, both axes say so, and so does what the buyer is shown. What
/// the provider refuses to give back is with an operator.
fn is_undone(state: &State, order: &Order) -> bool {
    let standing = order.standing;
    let is_over = match standing.status {
        Status::Failed(_) | Status::Cancelled(_) | Status::Refunded => true,
        Status::Closed => standing.payment == PaymentAxis::Refunded,
        Status::Created | Status::Confirmed | Status::Paid | Status::Shipped | Status::Delivered => false,
    };
    let is_stock_back = !holds_stock(state, order) && standing.fulfilment != FulfilmentStatus::Allocated;
    let holds_money = is_charged(state, order) || state.provider.is_held(Id::from_uuid(order.id.uuid()));
    let claims_money = matches!(standing.payment, PaymentAxis::Authorized | PaymentAxis::Captured);
    let is_money_back = !holds_money && !claims_money && payment_status(state, order).is_none_or(is_final);
    is_over && is_stock_back && (is_money_back || is_with_operator(state, order)) && is_shown(state, order)
}

/// A refund was granted, and the provider refuses to give the money back: everything stays as it is until somebody settles it.
fn is_left_to_operator(state: &State, order: &Order) -> bool {
    let is_refused = |refund: &Refund| refund.status == RefundStatus::Failed;
    order.refunds.iter().any(is_refused) && is_with_operator(state, order) && is_shown(state, order)
}

/// The provider refuses to give up or to give back what it holds or took.
fn is_with_operator(state: &State, order: &Order) -> bool {
    payment(state, order).is_some_and(|payment| {
        let is_refused = |refund: &payments::domain::Refund| refund.standing == RefundStanding::Failed;
        payment.needs_operator || payment.refunds.iter().any(is_refused)
    })
}

/// Whether stock is held for it that is still in the warehouse.
fn holds_stock(state: &State, order: &Order) -> bool {
    let reservation = state.inventory.reservation(Id::from_uuid(order.id.uuid()));
    reservation.is_some_and(|reservation| match reservation.status {
        ReservationStatus::Active | ReservationStatus::Committed => !reservation.remaining().is_empty(),
        ReservationStatus::Released
        | ReservationStatus::Expired
        | ReservationStatus::CommitRefused
        | ReservationStatus::Backordered
        | ReservationStatus::Rejected
        | ReservationStatus::Tombstone => false,
    })
}

fn is_final(status: PaymentStatus) -> bool {
    use PaymentStatus::{Closed, Declined, Refunded, Voided};
    matches!(status, Closed | Declined | Refunded | Voided)
}

/// The buyer is shown how the checkout ended for the order: what comes after that is not told there.
fn is_shown(state: &State, order: &Order) -> bool {
    let expected = match order.standing.status {
        Status::Shipped | Status::Delivered if order.cash_on_delivery => Milestone::Confirmed,
        Status::Shipped | Status::Delivered | Status::Refunded | Status::Closed => Milestone::Paid,
        Status::Created | Status::Confirmed | Status::Paid | Status::Failed(_) | Status::Cancelled(_) => {
            order.standing.status.milestone()
        }
    };
    let mut shown = state.checkout.orders().filter(|shown| shown.id.uuid() == order.id.uuid());
    shown.any(|shown| shown.outcome.name() == expected.as_str())
}

/// Whether its buyer has paid for it, by card or by what was set aside for it, and that did not all go back or pay for another order.
fn is_charged(state: &State, order: &Order) -> bool {
    let id = Id::from_uuid(order.id.uuid());
    let set_aside = if order.exchange_for.is_some() { order.total.minor() } else { 0 };
    let back: i64 = state.provider.refunds(id).iter().map(|(_, amount)| amount).sum();
    state.provider.captured(id) + set_aside > back + exchange::set_aside_of(state, order)
}

pub(super) fn reservation(state: &State, order: &Order) -> Option<ReservationStatus> {
    state.inventory.reservation(Id::from_uuid(order.id.uuid())).map(|reservation| reservation.status)
}

fn payment_status(state: &State, order: &Order) -> Option<PaymentStatus> {
    payment(state, order).map(|payment| payment.status)
}
