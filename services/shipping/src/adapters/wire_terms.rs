//! What instructions, events, shipments and returns have in common on the wire: addresses, lines, and why and how goods come back.

use contracts::convert::InvalidField;
use contracts::google::r#type::PostalAddress;
use contracts::shipping::v1 as wire;
use contracts::shipping::v1::ShipmentLine;
use kernel::{Quantity, Sku};

use crate::domain::address::Address;
use crate::domain::contents::Contents;
use crate::domain::goods_return::{Received, ReturnCondition};
use crate::domain::ids::WarehouseId;
use crate::domain::parcel::ParcelFailure;

/// An address that a carrier can work with.
pub(super) fn address_from_wire(field: &str, address: Option<&PostalAddress>) -> Result<Address, InvalidField> {
    let address = address.cloned().ok_or_else(|| InvalidField::new(field, "is required"))?;
    let address = Address {
        region_code: address.region_code,
        language_code: address.language_code,
        postal_code: address.postal_code,
        sorting_code: address.sorting_code,
        administrative_area: address.administrative_area,
        locality: address.locality,
        sublocality: address.sublocality,
        address_lines: address.address_lines,
        recipients: address.recipients,
        organization: address.organization,
    };
    match address.missing() {
        Some(part) => Err(InvalidField::new(format!("{field}.{part}"), "is required")),
        None => Ok(address),
    }
}

pub(super) fn address_to_wire(address: &Address) -> PostalAddress {
    let address = address.clone();
    PostalAddress {
        revision: 0,
        region_code: address.region_code,
        language_code: address.language_code,
        postal_code: address.postal_code,
        sorting_code: address.sorting_code,
        administrative_area: address.administrative_area,
        locality: address.locality,
        sublocality: address.sublocality,
        address_lines: address.address_lines,
        recipients: address.recipients,
        organization: address.organization,
    }
}

/// A line that names a SKU and how many of it.
pub(super) fn line_from_wire(sku: &str, quantity: i64) -> Result<(Sku, Quantity), InvalidField> {
    Ok((
        sku.parse().map_err(|error| InvalidField::new("sku", error))?,
        Quantity::new(quantity).map_err(|error| InvalidField::new("quantity", error))?,
    ))
}

pub(super) fn lines_to_wire(contents: &Contents) -> Vec<ShipmentLine> {
    let line = |(sku, quantity): (&Sku, i64)| ShipmentLine { sku: sku.to_string(), quantity };
    contents.lines().map(line).collect()
}

pub(super) fn failure_from_wire(field: &str, failure: i32) -> Result<ParcelFailure, InvalidField> {
    match wire::ParcelFailure::try_from(failure) {
        Ok(wire::ParcelFailure::Lost) => Ok(ParcelFailure::Lost),
        Ok(wire::ParcelFailure::Refused) => Ok(ParcelFailure::Refused),
        Ok(wire::ParcelFailure::ReturnedToSender) => Ok(ParcelFailure::ReturnedToSender),
        Ok(wire::ParcelFailure::Unspecified) => Err(InvalidField::new(field, "is required")),
        Err(_) => Err(InvalidField::new(field, format!("{failure} is no failure"))),
    }
}

pub(super) const fn failure_to_wire(failure: ParcelFailure) -> wire::ParcelFailure {
    match failure {
        ParcelFailure::Lost => wire::ParcelFailure::Lost,
        ParcelFailure::Refused => wire::ParcelFailure::Refused,
        ParcelFailure::ReturnedToSender => wire::ParcelFailure::ReturnedToSender,
    }
}

pub(super) fn condition_from_wire(field: &str, condition: i32) -> Result<ReturnCondition, InvalidField> {
    match wire::ReturnCondition::try_from(condition) {
        Ok(wire::ReturnCondition::Resalable) => Ok(ReturnCondition::Resalable),
        Ok(wire::ReturnCondition::Damaged) => Ok(ReturnCondition::Damaged),
        Ok(wire::ReturnCondition::NotAccepted) => Ok(ReturnCondition::NotAccepted),
        Ok(wire::ReturnCondition::Unspecified) => Err(InvalidField::new(field, "is required")),
        Err(_) => Err(InvalidField::new(field, format!("{condition} is no condition"))),
    }
}

const fn condition_to_wire(condition: ReturnCondition) -> wire::ReturnCondition {
    match condition {
        ReturnCondition::Resalable => wire::ReturnCondition::Resalable,
        ReturnCondition::Damaged => wire::ReturnCondition::Damaged,
        ReturnCondition::NotAccepted => wire::ReturnCondition::NotAccepted,
    }
}

pub(super) fn received_to_wire(received: &Received) -> Vec<wire::ReceivedLine> {
    let line =
        |(warehouse_id, condition, sku, quantity): (WarehouseId, ReturnCondition, &Sku, i64)| wire::ReceivedLine {
            sku: sku.to_string(),
            warehouse_id: warehouse_id.to_string(),
            quantity,
            condition: condition_to_wire(condition).into(),
        };
    received.lines().map(line).collect()
}
