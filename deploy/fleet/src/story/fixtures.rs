//! Journeys for tests, fact by fact.

use contracts::checkout::v1::{CheckoutSubmitted, SubmittedOrder};
use contracts::convert::{money_to_wire, timestamp_to_wire};
use contracts::google::r#type::Money as WireMoney;
use contracts::inventory::v1::{Allocation, InventoryReserved};
use contracts::orders::v1::{OrderCreated, OrderLine, ShippingInstruction};
use contracts::payments::v1::payment_method::Method;
use contracts::payments::v1::{CashOnDelivery, PaymentMethod};
use contracts::shipping::v1::{ShipmentCreated, ShipmentDelivered, ShipmentDispatched, ShipmentLine};
use kernel::{Currency, Money, Timestamp};
use prost::{Message, Name};
use uuid::Uuid;

use super::journey::{Fact, Journey};

pub(super) const CHECKOUT: Uuid = uuid(1);
pub(super) const ORDER: Uuid = uuid(2);
pub(super) const SIBLING: Uuid = uuid(3);
pub(super) const BUYER: Uuid = uuid(4);
pub(super) const STOCK: Uuid = uuid(5);

/// When the checkout was submitted.
const BEGAN_MICROS: i64 = 1_772_355_600_000_000;

pub(super) const fn uuid(n: u16) -> Uuid {
    Uuid::from_u128(0x0189_0a5d_ac96_774b_bcce_b302_099a_0000 + n as u128)
}

/// The id of a fact: the order in which it was noted here.
pub(super) const fn event_id(n: u16) -> Uuid {
    uuid(0x100 + n)
}

pub(super) fn at(millis: i64) -> Timestamp {
    Timestamp::from_unix_micros(BEGAN_MICROS + millis * 1_000)
}

/// A journey without facts.
pub(super) fn journey() -> Journey {
    Journey {
        checkout_id: CHECKOUT,
        orders: vec![ORDER, SIBLING],
        facts: Vec::new(),
        parked: Vec::new(),
        unpublished: Vec::new(),
        operations: Vec::new(),
    }
}

impl Journey {
    /// Notes what a service said about an aggregate so long after the submission. `cause` is the number of the fact that caused it, in
    /// the order of these calls and from 1; without one it is a command of the buyer.
    pub(super) fn note<E: Message + Name>(mut self, millis: i64, about: Uuid, cause: Option<u16>, event: E) -> Self {
        let service = E::PACKAGE.split('.').nth(1).unwrap().to_owned();
        let of_aggregate = |fact: &&Fact| fact.service == service && fact.aggregate_id == about;
        self.facts.push(Fact {
            version: self.facts.iter().filter(of_aggregate).count() as i64 + 1,
            service,
            event_id: event_id(self.facts.len() as u16 + 1),
            aggregate_id: about,
            event_type: E::full_name(),
            payload: event.encode_to_vec(),
            causation_id: cause.map(event_id),
            actor: format!("buyer:{BUYER}"),
            occurred_at: at(millis),
        });
        self
    }
}

pub(super) const CARD: fn() -> Method = || Method::CardToken("tok_approved".to_owned());
pub(super) const CASH: fn() -> Method = || Method::CashOnDelivery(CashOnDelivery {});

#[expect(clippy::unnecessary_wraps, reason = "so a message holds it")]
pub(super) fn usd(minor: i64) -> Option<WireMoney> {
    Some(money_to_wire(Money::from_minor(minor, Currency::USD)))
}

pub(super) fn line(quantity: i64) -> ShipmentLine {
    ShipmentLine { sku: "CUP".to_owned(), quantity }
}

pub(super) fn submitted(method: Method) -> CheckoutSubmitted {
    let order = |id: Uuid, minor| SubmittedOrder { order_id: id.to_string(), total: usd(minor), ..Default::default() };
    CheckoutSubmitted {
        buyer_id: BUYER.to_string(),
        payment_method: Some(PaymentMethod { method: Some(method) }),
        orders: vec![order(ORDER, 2_379), order(SIBLING, 500)],
        ..Default::default()
    }
}

pub(super) fn created(method: Method) -> OrderCreated {
    OrderCreated {
        lines: vec![OrderLine { sku: "CUP".to_owned(), quantity: 2, ..Default::default() }],
        total: usd(2_379),
        payment_method: Some(PaymentMethod { method: Some(method) }),
        unpaid_deadline: Some(timestamp_to_wire(at(960_000))),
        ..Default::default()
    }
}

pub(super) fn held() -> Vec<Allocation> {
    vec![Allocation { sku: "CUP".to_owned(), quantity: 2, ..Default::default() }]
}

pub(super) fn reserved() -> InventoryReserved {
    let expire_time = Some(timestamp_to_wire(at(900_000)));
    InventoryReserved { allocations: held(), expire_time, ..Default::default() }
}

pub(super) fn dispatched(parcel: &str, quantity: i64, order_dispatched: bool) -> ShipmentDispatched {
    ShipmentDispatched {
        shipment_id: "S".to_owned(),
        parcel_id: parcel.to_owned(),
        carrier: "DHL".to_owned(),
        tracking_number: "JD1".to_owned(),
        lines: vec![line(quantity)],
        order_dispatched,
        ..Default::default()
    }
}

pub(super) fn delivered(parcel: &str, order_delivered: bool) -> ShipmentDelivered {
    ShipmentDelivered { parcel_id: parcel.to_owned(), order_delivered, ..Default::default() }
}

pub(super) fn shipment() -> ShipmentCreated {
    ShipmentCreated { shipment_id: "S".to_owned(), lines: vec![line(2)], ..Default::default() }
}

#[expect(clippy::unnecessary_wraps, reason = "so a message holds it")]
pub(super) fn instruction() -> Option<ShippingInstruction> {
    Some(ShippingInstruction::default())
}
