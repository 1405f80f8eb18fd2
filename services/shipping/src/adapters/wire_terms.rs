//! What instructions, events, shipments and returns have in common on the wire: addresses, lines, and why and how goods come back.

use std::collections::BTreeMap;

use contracts::convert::InvalidField;
use contracts::google::r#type::PostalAddress;
use contracts::shipping::v1 as wire;
use contracts::shipping::v1::ShipmentLine;
use kernel::{Quantity, Sku};

use crate::domain::address::Address;
use crate::domain::contents::Contents;
use crate::domain::event::{LabelBought, ParcelMoved, StoppedPart};
use crate::domain::goods_return::{Received, ReturnCondition};
use crate::domain::ids::WarehouseId;
use crate::domain::parcel::ParcelFailure;
use crate::domain::return_label::ReturnParcelStatus;

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

/// The same fact as of a whole order, with the part that is stopped.
pub(super) fn stopped_part_to_wire(part: &StoppedPart) -> wire::ShipmentCancelled {
    wire::ShipmentCancelled {
        order_id: part.order_id.to_string(),
        refund_number: part.refund_number,
        part: Some(wire::StoppedPart {
            lines: stopped_to_wire(&part.stopped),
            order_stopped_lines: stopped_to_wire(&part.order_stopped),
            order_dispatched: part.order_dispatched,
            order_delivered: part.order_delivered,
            order_failed: part.order_failed,
        }),
    }
}

fn stopped_to_wire(stopped: &BTreeMap<WarehouseId, Contents>) -> Vec<wire::StoppedLine> {
    let line = |warehouse_id: WarehouseId, sku: &Sku, quantity| wire::StoppedLine {
        sku: sku.to_string(),
        warehouse_id: warehouse_id.to_string(),
        quantity,
    };
    let lines = stopped.iter().flat_map(|(id, contents)| contents.lines().map(move |(sku, units)| (*id, sku, units)));
    lines.map(|(warehouse_id, sku, units)| line(warehouse_id, sku, units)).collect()
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

pub(super) fn label_bought_to_wire(bought: &LabelBought) -> wire::ReturnLabelBought {
    wire::ReturnLabelBought {
        order_id: bought.order_id.to_string(),
        return_id: bought.return_id.to_string(),
        refund_number: bought.refund_number,
        warehouse_id: bought.warehouse_id.to_string(),
        carrier: bought.carrier.to_string(),
        tracking_number: bought.tracking_number.to_string(),
    }
}

pub(super) fn parcel_moved_to_wire(moved: &ParcelMoved) -> wire::ReturnParcelMoved {
    wire::ReturnParcelMoved {
        order_id: moved.order_id.to_string(),
        return_id: moved.return_id.to_string(),
        refund_number: moved.refund_number,
        warehouse_id: moved.warehouse_id.to_string(),
        status: return_parcel_status_to_wire(moved.status).into(),
    }
}

pub(super) const fn return_parcel_status_to_wire(status: ReturnParcelStatus) -> wire::ReturnParcelStatus {
    match status {
        ReturnParcelStatus::LabelBought => wire::ReturnParcelStatus::LabelBought,
        ReturnParcelStatus::OnItsWay => wire::ReturnParcelStatus::OnItsWay,
        ReturnParcelStatus::Lost => wire::ReturnParcelStatus::Lost,
        ReturnParcelStatus::Arrived => wire::ReturnParcelStatus::Arrived,
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
