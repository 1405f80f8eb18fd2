//! Money that goes back: for which units, how much, and how far it is.
//!
//! An order numbers its refunds. What units are worth follows from what was agreed: see [`SkuTotal`]. Whatever is asked back together is
//! at most what the buyer pays, because every decision counts the refunds before it.

use std::collections::BTreeMap;

use kernel::{Money, Mutant, Sku};
use serde::{Deserialize, Serialize};

use super::error::OrderError;
use super::ids::{OrderId, ParcelId};
use super::order::Order;
use super::snapshot::SkuTotal;

/// Units by SKU, each above zero.
pub type Units = BTreeMap<Sku, i64>;

/// Which of an order's refunds: 1, 2, 3 and so on.
pub type RefundNumber = i32;

/// Money that goes back, or is asked back, for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Refund {
    /// Which of the order's refunds.
    pub number: RefundNumber,
    /// Why.
    pub kind: RefundKind,
    /// How far it is.
    pub status: RefundStatus,
    /// The amount, with tax; once it is granted, what is granted.
    pub amount: Money,
    /// The units that it is for; none for goodwill, and before dispatch if it is for all that has not left.
    pub lines: Vec<RefundLine>,
    /// The parcel that failed, if one did. A parcel fails once.
    pub parcel_id: Option<ParcelId>,
    /// Why it was not granted or not done: a stable reason.
    pub reason: Option<String>,
    /// Of an exchange, as long as it may be one: the order that is to send the goods anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange_order_id: Option<OrderId>,
}

/// Units of one SKU whose money goes back.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RefundLine {
    /// The variant.
    pub sku: Sku,
    /// Units.
    pub quantity: i64,
    /// Their share of what the buyer pays for the SKU, with tax.
    pub amount: Money,
}

/// Why money goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RefundKind {
    /// All of it before anything has left, or for units that have not left.
    BeforeDispatch,
    /// For units that the buyer sends back.
    AfterReturn,
    /// For the units of a parcel that was lost, refused or returned to its sender.
    ParcelFailed,
    /// An amount that is given back of someone's own accord.
    Goodwill,
    /// For units that the buyer sends back, and that are sent anew for it.
    Exchange,
}

/// How far a refund is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RefundStatus {
    /// The parcels are being stopped, or the goods are on their way back.
    Requested,
    /// Granted; the money is on its way.
    Approved,
    /// Not granted. Final.
    Rejected,
    /// The provider refused to give the money back, and is asked again.
    Failed,
    /// The money is back. Final.
    Refunded,
    /// There was nothing to give back: it is not paid, or worth nothing. Final.
    Waived,
}

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundRequest {
    /// All of the money, before anything has left.
    BeforeDispatch,
    /// The money for units that have not left; at least one.
    PartBeforeDispatch(Units),
    /// The money for units that are sent back; at least one.
    AfterReturn(Units),
    /// An amount; above zero.
    Goodwill(Money),
    /// Others for units that are sent back; at least one.
    Exchange {
        /// What is sent back, and anew.
        units: Units,
        /// The order that is to send it.
        order_id: OrderId,
    },
}

/// Why a refund is not granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// A parcel had left.
    AlreadyDispatched,
    /// Nothing of what came back was accepted.
    ReturnNotAccepted,
}

impl Rejection {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AlreadyDispatched => "ALREADY_DISPATCHED",
            Self::ReturnNotAccepted => "RETURN_NOT_ACCEPTED",
        }
    }
}

/// Which of an order's refunds have units and money that another may not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// Those that will go back, as far as is known. While parcels are being stopped nothing is taken: what has left may fail or come back before
    /// it is known whether the rest was stopped, and that counts first.
    Taken,
    /// These, and those of which it is not known yet: nobody may ask for the same twice.
    Asked,
}

impl RefundStatus {
    /// Whether it was granted at some time.
    pub const fn was_granted(self) -> bool {
        match self {
            Self::Approved | Self::Failed | Self::Refunded | Self::Waived => true,
            Self::Requested | Self::Rejected => false,
        }
    }
}

impl Refund {
    /// Whether something is still to happen.
    pub const fn is_open(&self) -> bool {
        matches!(self.status, RefundStatus::Requested | RefundStatus::Approved | RefundStatus::Failed)
    }

    /// Whether it was granted, and its money is not back yet.
    pub const fn is_granted(&self) -> bool {
        matches!(self.status, RefundStatus::Approved | RefundStatus::Failed)
    }

    /// Whether it is for all that has not left, and not for units.
    fn is_whole(&self) -> bool {
        self.kind == RefundKind::BeforeDispatch && self.lines.is_empty()
    }

    /// The units that it is for.
    pub fn units(&self) -> Units {
        self.lines.iter().map(|line| (line.sku.clone(), line.quantity)).collect()
    }

    /// Whether its amount and units are taken, so that no other refund may have them.
    fn is_counted(&self, counting: Counting) -> bool {
        !Mutant::RefundWithoutCounting.is_active()
            && match self.status {
                RefundStatus::Rejected => false,
                RefundStatus::Requested => counting == Counting::Asked || self.kind != RefundKind::BeforeDispatch,
                RefundStatus::Approved | RefundStatus::Failed | RefundStatus::Refunded | RefundStatus::Waived => true,
            }
    }
}

impl Order {
    /// What the buyer pays and is not asked back yet.
    pub fn refundable(&self, counting: Counting) -> Money {
        self.less_refunds(|refund| refund.is_counted(counting))
    }

    /// What is to be paid at the door: the total without what did not arrive.
    pub fn due(&self) -> Money {
        self.less_refunds(|refund| refund.status == RefundStatus::Waived)
    }

    /// What is given back already.
    pub fn refunded(&self) -> Money {
        self.sum_of_refunds(|refund| refund.status == RefundStatus::Refunded)
    }

    /// The refund of that number.
    pub fn refund(&self, number: RefundNumber) -> Option<&Refund> {
        self.refunds.iter().find(|refund| refund.number == number)
    }

    /// The refund of that number, to change.
    pub(crate) fn refund_mut(&mut self, number: RefundNumber) -> Option<&mut Refund> {
        self.refunds.iter_mut().find(|refund| refund.number == number)
    }

    /// The one that stops all parcels, unless it was not granted.
    pub fn refund_before_dispatch(&self) -> Option<&Refund> {
        self.refunds.iter().find(|refund| refund.is_whole() && refund.status != RefundStatus::Rejected)
    }

    /// Whether those refunds before dispatch that are meant leave nothing to be sent: one for all of it, or parts that are all of it together.
    pub fn is_stopped_by(&self, is_meant: impl Fn(RefundStatus) -> bool) -> bool {
        let is_meant = |refund: &&Refund| refund.kind == RefundKind::BeforeDispatch && is_meant(refund.status);
        let stops = || self.refunds.iter().filter(is_meant);
        let stopped = |sku: &Sku| -> i64 {
            stops().flat_map(|refund| &refund.lines).filter(|line| line.sku == *sku).map(|line| line.quantity).sum()
        };
        stops().any(Refund::is_whole) || self.sku_totals.iter().all(|total| stopped(&total.sku) == total.quantity)
    }

    /// What these units are worth, SKU by SKU.
    ///
    /// # Errors
    /// A SKU is not in the order, or fewer of its units are left.
    pub fn price(&self, units: &Units, counting: Counting) -> Result<Vec<RefundLine>, OrderError> {
        let price = |(sku, &quantity): (&Sku, &i64)| {
            let total = self.sku_totals.iter().find(|total| total.sku == *sku);
            let total = total.ok_or_else(|| OrderError::NotInOrder { order_id: self.id, sku: sku.clone() })?;
            let (taken, paid) = self.taken(total, counting);
            let left = total.quantity - taken;
            if quantity > left {
                let (order_id, sku, asked) = (self.id, sku.clone(), quantity);
                return Err(match counting {
                    Counting::Taken => OrderError::MoreThanDelivered { order_id, sku, asked, left },
                    Counting::Asked => OrderError::MoreThanOrdered { order_id, sku, asked, left },
                });
            }
            Ok(RefundLine { sku: sku.clone(), quantity, amount: share(total, taken + quantity, paid) })
        };
        units.iter().map(price).collect()
    }

    /// What goes back for these lines: their shares; with the last unit whatever is left, shipping included.
    pub fn worth(&self, lines: &[RefundLine], counting: Counting) -> Money {
        let left = self.refundable(counting);
        if self.is_rest(lines, counting) {
            return left;
        }
        let shares = sum(lines.iter().map(|line| line.amount), self.total);
        if shares.minor() < left.minor() { shares } else { left }
    }

    /// Whether these lines leave no unit that is not asked back.
    pub fn is_rest(&self, lines: &[RefundLine], counting: Counting) -> bool {
        let asked = |sku: &Sku| lines.iter().filter(|line| line.sku == *sku).map(|line| line.quantity).sum::<i64>();
        self.sku_totals.iter().all(|total| self.taken(total, counting).0 + asked(&total.sku) == total.quantity)
    }

    /// Units of a SKU that are asked back already, and their worth.
    fn taken(&self, total: &SkuTotal, counting: Counting) -> (i64, Money) {
        let counted = || self.refunds.iter().filter(move |refund| refund.is_counted(counting));
        if counted().any(Refund::is_whole) {
            return (total.quantity, total.amount);
        }
        let lines = || counted().flat_map(|refund| &refund.lines).filter(|line| line.sku == total.sku);
        (lines().map(|line| line.quantity).sum(), sum(lines().map(|line| line.amount), self.total))
    }

    fn less_refunds(&self, is_meant: impl Fn(&Refund) -> bool) -> Money {
        self.total.checked_sub(self.sum_of_refunds(is_meant)).expect("one currency, and both fit")
    }

    fn sum_of_refunds(&self, is_meant: impl Fn(&Refund) -> bool) -> Money {
        sum(self.refunds.iter().filter(|refund| is_meant(refund)).map(|refund| refund.amount), self.total)
    }
}

/// What is to go back for the first `units` of a SKU, less what went back for some of them before.
fn share(total: &SkuTotal, units: i64, paid: Money) -> Money {
    let minor = total.amount.of_first_units(units, total.quantity).minor() - paid.minor();
    Money::from_minor(minor.max(0), paid.currency())
}

/// Every amount of an order is in its currency, and together they are at most its total.
fn sum(amounts: impl Iterator<Item = Money>, like: Money) -> Money {
    Money::sum(amounts, like.currency()).expect("the amounts of an order are in one currency and fit")
}

#[cfg(test)]
mod tests;
