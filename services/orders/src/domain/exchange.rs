//! What is agreed about an order that sends anew what came back of another.
//!
//! It is an order like any other but for what pays for it: what the other's refund is worth, to the minor unit. So whatever goes back of it, because
//! it cannot be had, is lost or is not wanted either, is money that is there.

use kernel::{Money, Quantity};

use super::ids::OrderId;
use super::modification::sums;
use super::refund::{Refund, RefundLine};
use super::snapshot::{Exchange, Line, PaymentMethod, Snapshot, Terms};

impl Terms {
    /// What is agreed about the order that sends the units of a refund anew, at the price that they had; what the refund is worth beyond that is
    /// the shipping that went back with the last unit. None if the refund is no exchange, or is worth less, as after goodwill.
    pub fn exchanged(&self, refund: &Refund) -> Option<Snapshot> {
        let order_id = refund.exchange_order_id?;
        let lines = refund.lines.iter().map(|units| self.line_of(units)).collect::<Option<Vec<Line>>>()?;
        let shares = Money::sum(refund.lines.iter().map(|units| units.amount), refund.amount.currency()).ok()?;
        let shipping = refund.amount.checked_sub(shares).ok()?;
        let [subtotal, tax, total] = sums(&lines, shipping).ok()?;
        let payment_method = PaymentMethod::Exchange(Exchange {
            order_id: self.order_id,
            refund_number: refund.number,
            charged_order_id: self.charged_order_id(),
        });
        let terms = Self { order_id, lines, subtotal, shipping, tax, total, payment_method, ..self.clone() };
        Snapshot::freeze(terms).ok()
    }

    /// The order whose card was charged for this one.
    fn charged_order_id(&self) -> Option<OrderId> {
        match &self.payment_method {
            PaymentMethod::Card(_) => Some(self.order_id),
            PaymentMethod::CashOnDelivery => None,
            PaymentMethod::Exchange(exchange) => exchange.charged_order_id,
        }
    }

    /// A line of so many units that costs what they are worth. A SKU has one price in an order, however many lines name it.
    fn line_of(&self, units: &RefundLine) -> Option<Line> {
        let line = self.lines.iter().find(|line| line.sku == units.sku)?;
        let quantity = Quantity::new(units.quantity).ok()?;
        let line_subtotal = line.unit_price.checked_mul(quantity).ok()?;
        let tax = units.amount.checked_sub(line_subtotal).ok()?;
        Some(Line { quantity, line_subtotal, tax, ..line.clone() })
    }
}

#[cfg(test)]
mod tests;
