//! Goods that come back, and for which an order sends the same again.

use kernel::Id;
use orders::domain::ids::OrderId;
use orders::domain::order::Order;
use orders::domain::refund::{RefundRequest, RefundStatus};
use orders::domain::status::{CancelReason, FailureReason, Status};
use payments::domain::ledger::{Account, Transaction};

use super::{Property, any_ended, is_at_rest, payment};
use crate::action::Action;
use crate::fleet::Fleet;
use crate::scenario::End;
use crate::state::State;

/// What must hold in every state.
pub const PROPERTIES: &[Property] = &[
    ("I1: an order is paid by an exchange only with what was set aside for it", what_pays_is_set_aside),
    ("I1: in the end what was set aside is spent, or went back", nothing_stays_aside),
];

/// What buyers want. Whether it is too late, or too early, is for the service to decide.
pub fn triggers(state: &State, actions: &mut Vec<Action>) {
    if state.left.exchanges > 0 {
        actions.extend(state.orders.orders().flat_map(|order| {
            let units = order.sku_totals.iter().map(|total| total.quantity).sum();
            (1..=units).map(|units| Action::RequestExchange(order.id, units))
        }));
    }
}

/// So many units of what an order brought, to be sent anew by the order of that id.
pub fn exchange_of(order: &Order, units: i64, order_id: OrderId) -> Option<RefundRequest> {
    let sku = order.sku_totals.first()?.sku.clone();
    Some(RefundRequest::Exchange { units: [(sku, units)].into(), order_id })
}

/// What was set aside of an order, in minor units, at payments.
pub fn set_aside_of(state: &State, order: &Order) -> i64 {
    let refunds = payment(state, order).into_iter().flat_map(|payment| &payment.refunds);
    refunds.filter(|refund| refund.is_set_aside).map(|refund| refund.amount.minor()).sum()
}

fn what_pays_is_set_aside(_: &Fleet, state: &State) -> bool {
    state.orders.orders().all(|new| {
        let Some(of) = new.exchange_for.and_then(|id| state.orders.order(id)) else {
            return new.exchange_for.is_none();
        };
        let mut refunds = of.refunds.iter().filter(|refund| refund.exchange_order_id == Some(new.id));
        let is_granted = refunds.any(|refund| refund.status == RefundStatus::Refunded && refund.amount == new.total);
        is_granted && payment(state, of).is_some_and(|payment| payment.refunded.minor() >= new.total.minor())
    })
}

fn nothing_stays_aside(fleet: &Fleet, state: &State) -> bool {
    let legs = state.payments.posted().flat_map(Transaction::postings);
    let aside: i64 = legs.filter(|leg| leg.account == Account::BuyerCredit).map(|leg| leg.amount.minor()).sum();
    let credited = state.orders.orders().filter_map(|order| payment(state, order));
    // What was paid in cash and goes back stays the buyer's credit.
    let credited = credited.filter(|payment| payment.is_cash_on_delivery()).map(|payment| payment.refunded.minor());
    aside == -credited.sum::<i64>() || !is_at_rest(fleet, state)
}

/// Everybody has what they wanted.
pub const SENT_ANEW: End = End {
    name: "DELIVERED, what was sent anew",
    is_met: |fleet, state| any_new(fleet, state, |new| new.standing.status == Status::Delivered),
};

/// What was sent anew came back, too.
pub const SENT_ANEW_TWICE: End = End {
    name: "DELIVERED, what was sent anew for what was sent anew",
    is_met: |fleet, state| {
        let is_new = |id| state.orders.order(id).is_some_and(|order| order.exchange_for.is_some());
        any_ended(fleet, state, |order| {
            order.standing.status == Status::Delivered && order.exchange_for.is_some_and(is_new)
        })
    },
};

/// There is none left.
pub const OUT_OF_STOCK: End = End {
    name: "FAILED (OUT_OF_STOCK), what was to be sent anew, and its money is back",
    is_met: |fleet, state| {
        any_new(fleet, state, |new| {
            new.standing.status == Status::Failed(FailureReason::OutOfStock) && is_back(state, new)
        })
    },
};

/// The buyer would rather have the money, before the stock was committed.
pub const CANCELLED: End = End {
    name: "CANCELLED (CANCELLED_BY_BUYER), what was to be sent anew, and its money is back",
    is_met: |fleet, state| {
        any_new(fleet, state, |new| is_cancelled(new) && new.allocations.is_empty() && is_back(state, new))
    },
};

/// The buyer would rather have the money, after the stock was committed.
pub const CANCELLED_LATE: End = End {
    name: "CANCELLED (CANCELLED_BY_BUYER), after what was to be sent anew was CONFIRMED, and its money is back",
    is_met: |fleet, state| {
        any_new(fleet, state, |new| is_cancelled(new) && !new.allocations.is_empty() && is_back(state, new))
    },
};

/// The reservation was about to end when payments heard of it.
pub const TOO_LATE: End = End {
    name: "FAILED (PAYMENT_DECLINED), what was to be sent anew, and its money is back",
    is_met: |fleet, state| {
        any_new(fleet, state, |new| {
            new.standing.status == Status::Failed(FailureReason::PaymentDeclined) && is_back(state, new)
        })
    },
};

fn any_new(fleet: &Fleet, state: &State, is_wanted: impl Fn(&Order) -> bool) -> bool {
    any_ended(fleet, state, |order| order.exchange_for.is_some() && is_wanted(order))
}

fn is_cancelled(order: &Order) -> bool {
    order.standing.status == Status::Cancelled(CancelReason::ByBuyer)
}

/// Whether the provider gave back what was set aside for it.
fn is_back(state: &State, new: &Order) -> bool {
    let back: i64 = state.provider.refunds(Id::from_uuid(new.id.uuid())).iter().map(|(_, amount)| amount).sum();
    back == new.total.minor()
}
