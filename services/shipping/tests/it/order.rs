//! An order, as the orders service tells of it.

use std::collections::BTreeMap;

use contracts::convert::money_to_wire;
use contracts::google::r#type::PostalAddress;
use contracts::inventory::v1::Allocation;
use contracts::orders::v1::{
    OrderCancellationRequested, OrderConfirmed, OrderPaid, RefundKind, RefundLine, RefundRequested,
    ShippingInstruction, SkuTotal,
};
use kernel::{Id, Money, Sku};
use prost::{Message, Name};
use shipping::domain::address::Address;
use shipping::domain::consignment::{Instruction, Terms};
use shipping::domain::contents::Contents;
use shipping::domain::fact::Fact;
use shipping::domain::ids::{BuyerId, OrderId, RefundNumber, SellerId, ShipmentId, WarehouseId, shipment_id};
use testkit::Event;

use crate::depot::{contents, euro};

/// What a unit costs, of whatever it is, in an order that is paid for at the door. The rest of what is collected is for sending it.
pub(crate) const UNIT_CENTS: i64 = 10;

/// An order.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) id: OrderId,
    pub(crate) buyer_id: BuyerId,
    pub(crate) seller_id: SellerId,
    /// What leaves from where.
    pub(crate) allocations: Vec<(WarehouseId, &'static str, i64)>,
    /// What is collected at the door, for an order that is paid there.
    pub(crate) cash: Option<Money>,
}

impl Order {
    /// A prepaid order of these SKUs, all from one warehouse.
    pub(crate) fn of(lines: &[(&'static str, i64)]) -> Self {
        let order = Self {
            id: Id::generate(),
            buyer_id: Id::generate(),
            seller_id: Id::generate(),
            allocations: Vec::new(),
            cash: None,
        };
        order.and_elsewhere(lines)
    }

    /// And these from another warehouse.
    pub(crate) fn and_elsewhere(mut self, lines: &[(&'static str, i64)]) -> Self {
        let warehouse_id = Id::generate();
        self.allocations.extend(lines.iter().map(|(sku, units)| (warehouse_id, *sku, *units)));
        self
    }

    /// The same to be paid in cash.
    pub(crate) fn in_cash(self, cents: i64) -> Self {
        Self { cash: Some(euro(cents)), ..self }
    }

    /// Its shipments, in the order in which their warehouses were named.
    pub(crate) fn shipments(&self) -> Vec<ShipmentId> {
        let mut ids: Vec<_> = self.allocations.iter().map(|(place, ..)| shipment_id(self.id, *place)).collect();
        ids.dedup();
        ids
    }

    /// What is ordered, wherever it leaves from.
    fn ordered(&self) -> Contents {
        contents(&self.allocations.iter().map(|(_, sku, units)| (*sku, *units)).collect::<Vec<_>>())
    }

    /// What all units of each SKU cost; nothing is told of it if the order is paid for.
    fn sku_totals(&self) -> BTreeMap<Sku, Money> {
        let ordered = self.cash.map(|_| self.ordered()).unwrap_or_default();
        ordered.lines().map(|(sku, units)| (sku.clone(), euro(UNIT_CENTS * units))).collect()
    }

    /// That its goods may leave, as a fact.
    pub(crate) fn asked(&self) -> Fact {
        let mut allocations: BTreeMap<WarehouseId, Vec<(&str, i64)>> = BTreeMap::new();
        for (warehouse_id, sku, units) in &self.allocations {
            allocations.entry(*warehouse_id).or_default().push((sku, *units));
        }
        let terms = Terms {
            buyer_id: self.buyer_id,
            seller_id: self.seller_id,
            ship_to: Address {
                region_code: "DE".to_owned(),
                postal_code: "20457".to_owned(),
                locality: "Hamburg".to_owned(),
                address_lines: vec!["Am Sandtorkai 1".to_owned()],
                recipients: vec!["Ada Lovelace".to_owned()],
                ..Address::default()
            },
            service: "express".parse().unwrap(),
            cash_to_collect: self.cash,
            sku_totals: self.sku_totals(),
        };
        let allocations = allocations.into_iter().map(|(place, lines)| (place, contents(&lines))).collect();
        Fact::ShipRequested { order_id: self.id, instruction: Box::new(Instruction { terms, allocations }) }
    }

    /// That it is to be stopped, as a fact.
    pub(crate) fn stopped(&self) -> Fact {
        Fact::StopRequested { order_id: self.id, refund_number: None }
    }

    /// That units of it are to be stopped, as a fact.
    pub(crate) fn part_stopped(&self, refund_number: RefundNumber, lines: &[(&str, i64)]) -> Fact {
        Fact::PartStopRequested { order_id: self.id, refund_number, asked: contents(lines) }
    }

    /// That its buyer sends goods back, as a fact.
    pub(crate) fn sent_back(&self, refund_number: RefundNumber, lines: &[(&str, i64)]) -> Fact {
        Fact::ReturnRequested { order_id: self.id, refund_number, asked: contents(lines) }
    }

    /// What is to be sent, on the wire.
    pub(crate) fn instruction(&self) -> ShippingInstruction {
        let allocation = |(warehouse_id, sku, quantity): &(WarehouseId, &str, i64)| Allocation {
            sku: (*sku).to_owned(),
            warehouse_id: warehouse_id.to_string(),
            quantity: *quantity,
        };
        let ordered = self.ordered();
        let sku_total = |(sku, amount): (Sku, Money)| SkuTotal {
            quantity: ordered.units(&sku),
            sku: sku.to_string(),
            amount: Some(money_to_wire(amount)),
        };
        ShippingInstruction {
            buyer_id: self.buyer_id.to_string(),
            seller_id: self.seller_id.to_string(),
            ship_to: Some(PostalAddress {
                region_code: "DE".to_owned(),
                postal_code: "20457".to_owned(),
                locality: "Hamburg".to_owned(),
                address_lines: vec!["Am Sandtorkai 1".to_owned()],
                recipients: vec!["Ada Lovelace".to_owned()],
                ..PostalAddress::default()
            }),
            shipping_service: "express".to_owned(),
            allocations: self.allocations.iter().map(allocation).collect(),
            cash_to_collect: self.cash.map(money_to_wire),
            sku_totals: self.sku_totals().into_iter().map(sku_total).collect(),
        }
    }

    /// What lets it leave: `OrderPaid`, or `OrderConfirmed` of one that is paid in cash.
    pub(crate) fn may_leave(&self) -> Event {
        self.told(Some(self.instruction()))
    }

    /// The same event with another instruction, or without one.
    pub(crate) fn told(&self, instruction: Option<ShippingInstruction>) -> Event {
        if self.cash.is_some() { self.confirmed(instruction) } else { self.paid(instruction) }
    }

    pub(crate) fn paid(&self, shipping_instruction: Option<ShippingInstruction>) -> Event {
        self.event(&OrderPaid { order_id: self.id.to_string(), shipping_instruction, ..OrderPaid::default() })
    }

    pub(crate) fn confirmed(&self, shipping_instruction: Option<ShippingInstruction>) -> Event {
        let cash_on_delivery = self.cash.is_some();
        let order_id = self.id.to_string();
        self.event(&OrderConfirmed { order_id, cash_on_delivery, shipping_instruction, ..OrderConfirmed::default() })
    }

    pub(crate) fn cancellation(&self) -> Event {
        let order_id = self.id.to_string();
        self.event(&OrderCancellationRequested { order_id, ..OrderCancellationRequested::default() })
    }

    /// That all of its money is wanted back, as it was told before there were several kinds of that.
    pub(crate) fn refund(&self) -> Event {
        self.refund_of(RefundKind::Unspecified, 0, &[])
    }

    /// That money is wanted back, for these units.
    pub(crate) fn refund_of(&self, kind: RefundKind, refund_number: RefundNumber, lines: &[(&str, i64)]) -> Event {
        let line = |(sku, quantity): &(&str, i64)| RefundLine {
            sku: (*sku).to_owned(),
            quantity: *quantity,
            amount: Some(money_to_wire(euro(UNIT_CENTS * quantity))),
        };
        self.wants_back(RefundRequested {
            amount: Some(money_to_wire(euro(4_060))),
            refund_number,
            kind: kind.into(),
            lines: lines.iter().map(line).collect(),
            ..RefundRequested::default()
        })
    }

    /// The same in other words.
    pub(crate) fn wants_back(&self, requested: RefundRequested) -> Event {
        self.event(&RefundRequested { order_id: self.id.to_string(), ..requested })
    }

    fn event<E: Message + Name>(&self, message: &E) -> Event {
        Event::new("orders", "order", self.id.uuid(), 2, message)
    }
}
