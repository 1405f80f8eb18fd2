//! Consignments for unit tests.

use std::collections::BTreeMap;

use kernel::{Currency, Money, Quantity, Sku, Timestamp};
use uuid::Uuid;

use super::address::Address;
use super::consignment::{Instruction, Terms};
use super::contents::Contents;
use super::ids::{BuyerId, OrderId, ParcelId, ReceiptId, SellerId, ShipmentId, WarehouseId, shipment_id};

pub(crate) const NOON: Timestamp = Timestamp::from_unix_micros(1_800_000_000_000_000);

pub(crate) fn order_id() -> OrderId {
    OrderId::from_uuid(Uuid::from_u128(5))
}

pub(crate) fn warehouse(number: u128) -> WarehouseId {
    WarehouseId::from_uuid(Uuid::from_u128(0xB000 + number))
}

/// The shipment of that warehouse.
pub(crate) fn shipment_of(number: u128) -> ShipmentId {
    shipment_id(order_id(), warehouse(number))
}

pub(crate) fn parcel_id(number: u128) -> ParcelId {
    ParcelId::from_uuid(Uuid::from_u128(0xC000 + number))
}

pub(crate) fn receipt_id(number: u128) -> ReceiptId {
    ReceiptId::from_uuid(Uuid::from_u128(0xD000 + number))
}

pub(crate) fn sku(code: &str) -> Sku {
    Sku::new(code).unwrap()
}

pub(crate) fn euro(cents: i64) -> Money {
    Money::from_minor(cents, Currency::EUR)
}

pub(crate) fn contents(lines: &[(&str, i64)]) -> Contents {
    Contents::of(lines.iter().map(|(code, units)| (sku(code), Quantity::new(*units).unwrap())))
}

/// Of a prepaid order, from these warehouses.
pub(crate) fn instruction(allocations: &[(u128, &[(&str, i64)])]) -> Instruction {
    Instruction {
        terms: Terms {
            buyer_id: BuyerId::from_uuid(Uuid::from_u128(2)),
            seller_id: SellerId::from_uuid(Uuid::from_u128(3)),
            ship_to: Address {
                region_code: "DE".to_owned(),
                address_lines: vec!["Am Sandtorkai 1".to_owned()],
                recipients: vec!["Ada Lovelace".to_owned()],
                ..Address::default()
            },
            service: "express".parse().unwrap(),
            cash_to_collect: None,
            sku_totals: BTreeMap::new(),
        },
        allocations: allocations.iter().map(|(number, lines)| (warehouse(*number), contents(lines))).collect(),
    }
}

/// The same to be paid in cash on delivery. All units of each SKU cost ten euros, which cannot be divided by three.
pub(crate) fn in_cash(instruction: Instruction, amount: Money) -> Instruction {
    let skus = instruction.allocations.values().flat_map(Contents::lines).map(|(sku, _)| sku.clone());
    let sku_totals = skus.map(|sku| (sku, euro(1_000))).collect();
    let terms = Terms { cash_to_collect: Some(amount), sku_totals, ..instruction.terms };
    Instruction { terms, ..instruction }
}
