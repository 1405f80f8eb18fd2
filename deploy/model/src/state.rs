//! What the fleet is in at one moment.

use std::sync::Arc;

use inventory::domain::allocation::Returned;
use kernel::Id;
use payments::domain::{OperationKind, Status as PaymentStatus};
use shipping::domain::goods_return::ReturnOrigin;
use shipping::domain::parcel::{Parcel, ParcelState};
use uuid::Uuid;

use crate::network::Network;
use crate::provider::Book;
use crate::scenario::Bounds;
use crate::services::Service;
use crate::services::checkout::CheckoutStore;
use crate::services::inventory::{InventoryStore, dispatched, returned};
use crate::services::kept::Kept;
use crate::services::orders::OrdersStore;
use crate::services::payments::PaymentsStore;
use crate::services::shipping::{ShippingStore, received, units};

/// The databases of the services, the network between them, the provider outside, and what may still go wrong.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct State {
    /// What checkout keeps.
    pub checkout: Kept<CheckoutStore>,
    /// What orders keeps.
    pub orders: Kept<OrdersStore>,
    /// What inventory keeps.
    pub inventory: Kept<InventoryStore>,
    /// What payments keeps.
    pub payments: Kept<PaymentsStore>,
    /// What shipping keeps.
    pub shipping: Kept<ShippingStore>,
    /// The provider's books.
    pub provider: Arc<Book>,
    /// Events.
    pub network: Network,
    /// What may still happen that need not.
    pub left: Bounds,
    /// An event that may not take effect: an operator has to look, and nothing is looked at further.
    pub parked: Option<Arc<Parked>>,
}

/// An event that may not take effect.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Parked {
    /// Where.
    pub by: Service,
    /// Why.
    pub why: String,
}

impl State {
    /// Whether nothing is under way: every event is read, every answer of the provider is committed. Deadlines may be left.
    pub fn is_quiet(&self) -> bool {
        let is_read = self.network.logs().all(|(_, log)| Service::ALL.iter().all(|by| log.next_of(*by).is_none()));
        is_read && self.payments.operations().all(|asked| !asked.is_open)
    }

    /// Grows with every step: what was allowed to go wrong and did counts most, then how far everything has got. As it cannot
    /// grow for ever, every run ends.
    pub fn progress(&self, bounds: &Bounds) -> (usize, usize) {
        let moves = self.network.progress() + self.payments.progress() + self.shipping.progress();
        (bounds.total() - self.left.total(), moves)
    }

    /// For people: one line for each thing that is known, the orders by their letters.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for order in self.orders.orders() {
            lines.push(format!("order {}: {}", letter(order.id), order.standing));
            for refund in &order.refunds {
                let (number, of, kind, status) = (refund.number, letter(order.id), refund.kind, refund.status);
                lines.push(format!("refund {number} of {of}: {kind:?} of {}, {status:?}", refund.amount));
            }
        }
        for reservation in self.inventory.reservations() {
            let (left, returned) = (dispatched(reservation), returned(reservation));
            let moved =
                if left > 0 { format!(", {left} left, came back: {}", condition(returned)) } else { String::new() };
            lines.push(format!("reservation of {}: {:?}{moved}", letter(reservation.order_id), reservation.status));
        }
        for item in self.inventory.stock() {
            let levels = item.levels();
            let (total, reserved, committed) = (levels.total, levels.reserved, levels.committed);
            let available = item.available();
            let sku = item.sku();
            lines.push(format!(
                "stock of {sku}: {total} = {available} available + {reserved} reserved + {committed} committed"
            ));
        }
        for consignment in self.shipping.consignments() {
            for shipment in consignment.shipments.values() {
                let status = consignment.status_of(shipment).as_str();
                let parcels: Vec<_> =
                    shipment.parcels.values().map(|parcel| format!("{}{}", units(parcel), fate(parcel))).collect();
                let of = letter(consignment.order_id);
                lines.push(format!("shipment of {of}: {status}, parcels of [{}]", parcels.join("; ")));
            }
            for goods_return in consignment.returns.values() {
                let (of, status) = (letter(consignment.order_id), goods_return.status.as_str());
                let why = match goods_return.origin {
                    ReturnOrigin::Refund(number) => format!("for refund {number}"),
                    ReturnOrigin::Parcel(_) => "of a parcel".to_owned(),
                };
                let came = condition(received(&goods_return.received()));
                lines.push(format!("return {why} of {of}: {status}, came back: {came}"));
            }
        }
        for order in self.checkout.orders() {
            lines.extend(self.payment_line(order.id));
            lines.push(format!("the buyer sees {}: {}", letter(order.id), order.outcome.name()));
        }
        lines
    }

    fn payment_line<T>(&self, order_id: Id<T>) -> Vec<String> {
        let (order_id, of) = (Id::from_uuid(order_id.uuid()), letter(order_id));
        let mut lines = Vec::new();
        match self.payments.entry(order_id) {
            None => {}
            Some(payments::domain::Entry::Hold { .. }) => lines.push(format!("payment of {of}: stock is held for it")),
            Some(payments::domain::Entry::Tombstone) => lines.push(format!("payment of {of}: tombstone")),
            Some(payments::domain::Entry::Payment(payment)) => {
                let ended = if payment.order_ended && payment.status != PaymentStatus::Closed {
                    ", its order has ended"
                } else {
                    ""
                };
                let operator = if payment.needs_operator { ", left to an operator" } else { "" };
                let status = payment.status.as_str();
                let back = if payment.refunded.is_zero() {
                    String::new()
                } else {
                    format!(", {} of {} given back", payment.refunded, payment.captured)
                };
                lines.push(format!("payment of {of}: {status}{back}{ended}{operator}"));
                for refund in &payment.refunds {
                    let (number, standing) = (refund.told_number(), refund.standing.as_str());
                    lines.push(format!("payments, of refund {number} of {of}: {standing}"));
                }
            }
        }
        for kind in OperationKind::ALL {
            match self.provider.times(order_id, kind) {
                0 => {}
                times => lines.push(format!("the provider, of {of}: {} x {times}", kind.as_str())),
            }
        }
        lines
    }
}

/// What became of a parcel, after its contents.
fn fate(parcel: &Parcel) -> String {
    match parcel.state {
        ParcelState::Dispatched => String::new(),
        ParcelState::Delivered { .. } => ", arrived".to_owned(),
        ParcelState::Failed { failure, .. } => format!(", {}", failure.as_str()),
    }
}

/// For people: how much came back in which condition.
fn condition(returned: Returned) -> String {
    let Returned { resalable, damaged, not_accepted } = returned;
    format!("{resalable} resalable, {damaged} damaged, {not_accepted} not accepted")
}

/// The id of an order, from 1. Those of two orders differ in more than small numbers, with which ids of movements are made from them.
pub fn order_id<T>(number: u128) -> Id<T> {
    Id::from_uuid(Uuid::from_u128(number << 8))
}

/// The letter of an order: A for the first of a scenario.
pub fn letter<T>(order_id: Id<T>) -> char {
    char::from(b'A' + ((order_id.uuid().as_u128() >> 8) as u8).saturating_sub(1))
}
