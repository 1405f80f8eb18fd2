//! Whether orders, payments and inventory agree about an order.
//!
//! What is compared has rested for a while: facts that are on their way are no difference.

use std::fmt;

use kernel::{Money, Timestamp};

use super::order::{Order, Standing};
use super::refund::RefundStatus;
use super::status::{FulfilmentStatus, Status};

/// What payments says about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaymentSeen {
    /// What it holds.
    pub holds: MoneyHeld,
    /// What was taken.
    pub captured: Money,
    /// What was given back.
    pub refunded: Money,
    /// When it last changed.
    pub changed_at: Timestamp,
}

/// What payments holds of a buyer's money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoneyHeld {
    /// None.
    Nothing,
    /// An authorization.
    Authorization,
    /// What was taken.
    Captured,
    /// What goes back of another order, and is to pay for this one.
    SetAside,
    /// The provider is being asked, and its answer decides.
    Asked,
}

/// What inventory says about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StockSeen {
    /// Stock is promised to it for a while.
    Reserved,
    /// Stock belongs to it.
    Committed {
        /// Whether some of it is still in a warehouse.
        is_here: bool,
    },
    /// It holds none, or no longer.
    NotHeld,
}

/// A way in which the services do not agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DifferenceKind {
    /// The order failed or was cancelled, and its money is held or taken.
    PaymentHeldForEndedOrder,
    /// The order is over, and stock is held for it.
    StockHeldForEndedOrder,
    /// Stock is held for an order that does not exist.
    ReservationWithoutOrder,
    /// The order is on its way, nothing has left, and no stock belongs to it.
    ConfirmedWithoutStock,
    /// Orders counts on more money than payments took.
    PaidWithoutMoney,
    /// Orders and payments count what was given back differently.
    RefundTotalsDiffer,
}

impl DifferenceKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::PaymentHeldForEndedOrder,
        Self::StockHeldForEndedOrder,
        Self::ReservationWithoutOrder,
        Self::ConfirmedWithoutStock,
        Self::PaidWithoutMoney,
        Self::RefundTotalsDiffer,
    ];

    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PaymentHeldForEndedOrder => "PAYMENT_HELD_FOR_ENDED_ORDER",
            Self::StockHeldForEndedOrder => "STOCK_HELD_FOR_ENDED_ORDER",
            Self::ReservationWithoutOrder => "RESERVATION_WITHOUT_ORDER",
            Self::ConfirmedWithoutStock => "CONFIRMED_WITHOUT_STOCK",
            Self::PaidWithoutMoney => "PAID_WITHOUT_MONEY",
            Self::RefundTotalsDiffer => "REFUND_TOTALS_DIFFER",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

impl fmt::Display for DifferenceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The command that heals a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Payments gives back what it holds.
    UndoPayment,
    /// Inventory gives back what it holds.
    ReleaseReservation,
    /// The order is cancelled, as an operator would.
    CancelOrder,
    /// All of the money goes back before anything leaves, as an operator would have it.
    RequestRefund,
}

impl Remedy {
    /// The command's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::UndoPayment => "UndoPayment",
            Self::ReleaseReservation => "ReleaseReservation",
            Self::CancelOrder => "CancelOrder",
            Self::RequestRefund => "RequestRefund",
        }
    }
}

/// A difference about an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// In which way.
    pub kind: DifferenceKind,
    /// What heals it; none if a person has to find out.
    pub remedy: Option<Remedy>,
    /// What the services say.
    pub details: String,
}

/// Every difference about an order. Payments is ahead of orders until orders hears of it, so what changed there after `settled_by` is not
/// counted yet.
pub fn compare(
    order: Option<&Order>,
    payment: Option<&PaymentSeen>,
    stock: Option<StockSeen>,
    settled_by: Timestamp,
) -> Vec<Difference> {
    let stock = stock.unwrap_or(StockSeen::NotHeld);
    let Some(order) = order else { return without_order(stock).into_iter().collect() };
    let found = [
        payment_held(order, payment),
        stock_held(order, stock),
        without_stock(order, stock),
        without_money(order, payment),
        refund_totals(order, payment, settled_by),
    ];
    found.into_iter().flatten().collect()
}

fn without_order(stock: StockSeen) -> Option<Difference> {
    holds_stock(stock).map(|what| Difference {
        kind: DifferenceKind::ReservationWithoutOrder,
        remedy: Some(Remedy::ReleaseReservation),
        details: format!("inventory holds {what} stock, and there is no such order"),
    })
}

fn payment_held(order: &Order, payment: Option<&PaymentSeen>) -> Option<Difference> {
    let payment = payment?;
    let what = match payment.holds {
        MoneyHeld::Authorization => "an authorization".to_owned(),
        MoneyHeld::SetAside => "what was set aside for it".to_owned(),
        MoneyHeld::Captured => format!("{} that was captured", payment.captured),
        // What is being asked ends as the end of the order has it, or as one of these.
        MoneyHeld::Nothing | MoneyHeld::Asked => return None,
    };
    match order.standing.status {
        Status::Failed(_) | Status::Cancelled(_) => Some(Difference {
            kind: DifferenceKind::PaymentHeldForEndedOrder,
            remedy: Some(Remedy::UndoPayment),
            details: format!("payments holds {what}, and the order is {}", order.standing.status),
        }),
        Status::Created
        | Status::Confirmed
        | Status::Paid
        | Status::Shipped
        | Status::Delivered
        | Status::Refunded
        | Status::Closed => None,
    }
}

fn stock_held(order: &Order, stock: StockSeen) -> Option<Difference> {
    let what = holds_stock(stock)?;
    match order.standing.status {
        Status::Failed(_) | Status::Cancelled(_) | Status::Refunded | Status::Closed => {}
        Status::Created | Status::Confirmed | Status::Paid | Status::Shipped | Status::Delivered => return None,
    }
    let remedy = match order.standing.fulfilment {
        FulfilmentStatus::Unallocated | FulfilmentStatus::Allocated | FulfilmentStatus::Released => {
            Some(Remedy::ReleaseReservation)
        }
        // Inventory has not heard of the parcels: what it put on sale would be on a lorry.
        FulfilmentStatus::PartlyShipped
        | FulfilmentStatus::Shipped
        | FulfilmentStatus::Delivered
        | FulfilmentStatus::Failed => None,
    };
    let Standing { status, fulfilment, .. } = order.standing;
    let details = format!("inventory holds {what} stock, and the order is {status}, {}", fulfilment.as_str());
    Some(Difference { kind: DifferenceKind::StockHeldForEndedOrder, remedy, details })
}

fn holds_stock(stock: StockSeen) -> Option<&'static str> {
    match stock {
        StockSeen::Reserved => Some("reserved"),
        StockSeen::Committed { is_here: true } => Some("committed"),
        StockSeen::Committed { is_here: false } | StockSeen::NotHeld => None,
    }
}

fn without_stock(order: &Order, stock: StockSeen) -> Option<Difference> {
    let has_none = match stock {
        StockSeen::Committed { .. } => false,
        StockSeen::Reserved | StockSeen::NotHeld => true,
    };
    // Once its parcels are stopped, inventory may have been quicker than the word of it that orders waits for.
    let is_being_stopped =
        order.cancellation.is_some() || order.is_stopped_by(|status| status != RefundStatus::Rejected);
    if !has_none || is_being_stopped || order.standing.fulfilment != FulfilmentStatus::Allocated {
        return None;
    }
    let remedy = match order.standing.status {
        Status::Confirmed => Remedy::CancelOrder,
        Status::Paid => Remedy::RequestRefund,
        Status::Created
        | Status::Shipped
        | Status::Delivered
        | Status::Refunded
        | Status::Closed
        | Status::Failed(_)
        | Status::Cancelled(_) => return None,
    };
    Some(Difference {
        kind: DifferenceKind::ConfirmedWithoutStock,
        remedy: Some(remedy),
        details: format!("the order is {}, nothing has left, and no stock is committed to it", order.standing.status),
    })
}

/// What orders knows of money it has from payments, so it cannot be ahead.
fn without_money(order: &Order, payment: Option<&PaymentSeen>) -> Option<Difference> {
    let counted_on = order.captured?;
    let captured = payment.map_or(Money::zero(counted_on.currency()), |payment| payment.captured);
    let is_there = captured.checked_cmp(counted_on).is_ok_and(std::cmp::Ordering::is_ge);
    (!is_there).then(|| Difference {
        kind: DifferenceKind::PaidWithoutMoney,
        remedy: None,
        details: format!("orders heard that {counted_on} was captured, and payments says {captured}"),
    })
}

fn refund_totals(order: &Order, payment: Option<&PaymentSeen>, settled_by: Timestamp) -> Option<Difference> {
    match order.standing.status {
        // What goes back because the order ended is no refund of its own.
        Status::Failed(_) | Status::Cancelled(_) => return None,
        Status::Created
        | Status::Confirmed
        | Status::Paid
        | Status::Shipped
        | Status::Delivered
        | Status::Refunded
        | Status::Closed => {}
    }
    let payment = payment.filter(|payment| payment.changed_at <= settled_by)?;
    let in_orders = order.refunded();
    (payment.refunded != in_orders).then(|| Difference {
        kind: DifferenceKind::RefundTotalsDiffer,
        remedy: None,
        details: format!("orders counts {in_orders} as refunded, and payments {}", payment.refunded),
    })
}

#[cfg(test)]
mod tests;
