//! The checkout saga: who may end it early, and invariants I1 to I3 of it.

pub mod ends;

use inventory::domain::allocation::Allocation;
use inventory::domain::reservation::{Reservation, Status as ReservationStatus};
use kernel::Id;
use orders::domain::order::{Order, Refund};
use orders::domain::status::{FulfilmentStatus, Milestone, PaymentStatus as PaymentAxis, Status};
use payments::domain::ledger::{Account, Transaction};
use payments::domain::{OperationKind, Payment, Status as PaymentStatus};

use super::{Property, is_at_rest};
use crate::action::Action;
use crate::fleet::Fleet;
use crate::state::State;

/// What must hold in every state.
pub const PROPERTIES: &[Property] = &[
    ("I1: an order is charged at most once, given back at most once, and only what was taken", money_moves_once),
    ("I1: every transaction of the ledger sums to zero, and the ledger says what payments says", ledger_balances),
    ("I2: no stock figure is below zero, and each is the sum of what orders hold", stock_adds_up),
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

fn money_moves_once(_: &Fleet, state: &State) -> bool {
    state.orders.orders().all(|order| {
        let times = |kind| state.provider.times(Id::from_uuid(order.id.uuid()), kind);
        let (captures, refunds) = (times(OperationKind::Capture), times(OperationKind::Refund));
        let books_agree = payment(state, order).is_none_or(|payment| {
            payment.refunded.minor() <= payment.captured.minor() && payment.captured.minor() <= payment.amount().minor()
        });
        captures <= 1 && refunds <= captures && books_agree
    })
}

fn ledger_balances(_: &Fleet, state: &State) -> bool {
    let sum = |transaction: &Transaction| transaction.postings().iter().map(|leg| leg.amount.minor()).sum::<i64>();
    let escrow_of = |payment: &Payment| {
        let of_order = state.payments.posted().filter(|posted| posted.operation().order_id == payment.order_id);
        let legs = of_order.flat_map(Transaction::postings).filter(|leg| leg.account == Account::Escrow);
        legs.map(|leg| leg.amount.minor()).sum::<i64>()
    };
    let owed = |payment: &Payment| payment.captured.minor() - payment.refunded.minor();
    state.payments.posted().all(|transaction| sum(transaction) == 0)
        && state
            .orders
            .orders()
            .filter_map(|order| payment(state, order))
            .all(|payment| escrow_of(payment) == -owed(payment))
}

fn stock_adds_up(fleet: &Fleet, state: &State) -> bool {
    state.inventory.stock().zip(fleet.scenario().stock).all(|(item, stocked)| {
        let sum = |of: fn(&Reservation) -> Vec<Allocation>, is_meant: fn(ReservationStatus) -> bool| {
            let reservations = state.inventory.reservations().filter(|reservation| is_meant(reservation.status));
            let allocations = reservations.flat_map(of).filter(|allocation| allocation.stock_item_id == item.id());
            allocations.map(|allocation| allocation.quantity).sum::<i64>()
        };
        let levels = item.levels();
        let is_sum = levels.reserved == sum(Reservation::remaining, |status| status == ReservationStatus::Active)
            && levels.committed == sum(Reservation::remaining, |status| status == ReservationStatus::Committed)
            && levels.total == stocked - sum(Reservation::dispatched, |_| true);
        is_sum && levels.reserved >= 0 && levels.committed >= 0 && item.available() >= 0
    })
}

/// With I2, it follows that units of confirmed and paid orders never exceed the stock.
fn nothing_is_sold_without_stock(_: &Fleet, state: &State) -> bool {
    use Status::{Confirmed, Delivered, Paid, Shipped};
    // Whose refund is granted may have its stock on sale again before its money is back.
    let is_sold = |order: &&Order| {
        order.refund != Some(Refund::Approved)
            && matches!(order.standing.status, Confirmed | Paid | Shipped | Delivered)
    };
    state.orders.orders().filter(is_sold).all(|order| reservation(state, order) == Some(ReservationStatus::Committed))
}

fn nothing_is_charged_early(_: &Fleet, state: &State) -> bool {
    let is_early = |order: &&Order| matches!(order.standing.status, Status::Created | Status::Failed(_));
    state.orders.orders().filter(is_early).all(|order| !is_charged(state, order))
}

fn every_saga_ends(fleet: &Fleet, state: &State) -> bool {
    !is_at_rest(fleet, state) || {
        let begun = state.checkout.orders().count() == state.orders.orders().count();
        begun
            && state
                .orders
                .orders()
                .all(|order| is_sold(state, order) || is_undone(state, order) || is_left_to_operator(state, order))
    }
}

fn nothing_is_parked(_: &Fleet, state: &State) -> bool {
    state.parked.is_none()
}

/// Paid by card and charged, or to be paid at the door, or paid there; with its stock, and so shown to the buyer.
fn is_sold(state: &State, order: &Order) -> bool {
    let payment = payment_status(state, order);
    let is_paid = match order.standing.status {
        Status::Paid if order.cash_on_delivery => payment == Some(PaymentStatus::Captured),
        Status::Confirmed | Status::Shipped | Status::Delivered if order.cash_on_delivery => {
            payment == Some(PaymentStatus::Authorized)
        }
        Status::Paid | Status::Shipped | Status::Delivered => {
            is_charged(state, order) && payment == Some(PaymentStatus::Captured)
        }
        Status::Created | Status::Confirmed | Status::Refunded | Status::Failed(_) | Status::Cancelled(_) => false,
    };
    is_paid && reservation(state, order) == Some(ReservationStatus::Committed) && is_shown(state, order)
}

/// Failed, cancelled or refunded: no stock is held, nothing is held or taken, both axes say so, and so does what the buyer is shown. What
/// the provider refuses to give back is with an operator.
fn is_undone(state: &State, order: &Order) -> bool {
    let standing = order.standing;
    let is_over = matches!(standing.status, Status::Failed(_) | Status::Cancelled(_) | Status::Refunded);
    let holds_stock =
        matches!(reservation(state, order), Some(ReservationStatus::Active | ReservationStatus::Committed));
    let is_stock_back = !holds_stock && standing.fulfilment != FulfilmentStatus::Allocated;
    let holds_money = is_charged(state, order) || state.provider.is_held(Id::from_uuid(order.id.uuid()));
    let claims_money = matches!(standing.payment, PaymentAxis::Authorized | PaymentAxis::Captured);
    let is_money_back = !holds_money && !claims_money && payment_status(state, order).is_none_or(is_final);
    let is_with_operator = payment(state, order).is_some_and(|payment| payment.needs_operator);
    is_over && is_stock_back && (is_money_back || is_with_operator) && is_shown(state, order)
}

/// Its refund was granted, and the provider refuses to give the money back: everything stays as it is until somebody settles it.
fn is_left_to_operator(state: &State, order: &Order) -> bool {
    let needs_operator = payment(state, order).is_some_and(|payment| payment.needs_operator);
    order.refund == Some(Refund::Approved)
        && needs_operator
        && reservation(state, order) == Some(ReservationStatus::Committed)
}

fn is_final(status: PaymentStatus) -> bool {
    use PaymentStatus::{Closed, Declined, Refunded, Voided};
    matches!(status, Closed | Declined | Refunded | Voided)
}

/// The buyer is shown how the checkout ended for the order: what comes after that is not told there.
fn is_shown(state: &State, order: &Order) -> bool {
    let expected = match order.standing.status {
        Status::Shipped | Status::Delivered if order.cash_on_delivery => Milestone::Confirmed,
        Status::Shipped | Status::Delivered | Status::Refunded => Milestone::Paid,
        Status::Created | Status::Confirmed | Status::Paid | Status::Failed(_) | Status::Cancelled(_) => {
            order.standing.status.milestone()
        }
    };
    let mut shown = state.checkout.orders().filter(|shown| shown.id.uuid() == order.id.uuid());
    shown.any(|shown| shown.outcome.name() == expected.as_str())
}

fn is_charged(state: &State, order: &Order) -> bool {
    state.provider.is_charged(Id::from_uuid(order.id.uuid()))
}

fn reservation(state: &State, order: &Order) -> Option<ReservationStatus> {
    state.inventory.reservation(Id::from_uuid(order.id.uuid())).map(|reservation| reservation.status)
}

fn payment<'a>(state: &'a State, order: &Order) -> Option<&'a Payment> {
    state.payments.payment(Id::from_uuid(order.id.uuid()))
}

fn payment_status(state: &State, order: &Order) -> Option<PaymentStatus> {
    payment(state, order).map(|payment| payment.status)
}
