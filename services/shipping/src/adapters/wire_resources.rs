//! Shipments and returns as the RPCs show them.

use contracts::convert::{InvalidField, timestamp_to_wire};
use contracts::shipping::v1 as wire;
use kernel::Sku;

use super::postgres::{Found, FoundReturn};
use super::wire_terms::{
    address_to_wire, failure_to_wire, lines_to_wire, received_to_wire, return_parcel_status_to_wire,
};
use crate::domain::contents::Contents;
use crate::domain::goods_return::{ReturnOrigin, ReturnStatus};
use crate::domain::ids::WarehouseId;
use crate::domain::parcel::{Parcel, ParcelState};
use crate::domain::return_label::ReturnLabel;
use crate::domain::shipment::ShipmentStatus;

pub(super) fn status_from_wire(status: i32) -> Result<Option<ShipmentStatus>, InvalidField> {
    match wire::ShipmentStatus::try_from(status) {
        Ok(wire::ShipmentStatus::Unspecified) => Ok(None),
        Ok(wire::ShipmentStatus::Pending) => Ok(Some(ShipmentStatus::Pending)),
        Ok(wire::ShipmentStatus::PartlyDispatched) => Ok(Some(ShipmentStatus::PartlyDispatched)),
        Ok(wire::ShipmentStatus::Dispatched) => Ok(Some(ShipmentStatus::Dispatched)),
        Ok(wire::ShipmentStatus::Delivered) => Ok(Some(ShipmentStatus::Delivered)),
        Ok(wire::ShipmentStatus::Cancelled) => Ok(Some(ShipmentStatus::Cancelled)),
        Ok(wire::ShipmentStatus::Failed) => Ok(Some(ShipmentStatus::Failed)),
        Err(_) => Err(InvalidField::new("status", format!("{status} is no status"))),
    }
}

const fn status_to_wire(status: ShipmentStatus) -> wire::ShipmentStatus {
    match status {
        ShipmentStatus::Pending => wire::ShipmentStatus::Pending,
        ShipmentStatus::PartlyDispatched => wire::ShipmentStatus::PartlyDispatched,
        ShipmentStatus::Dispatched => wire::ShipmentStatus::Dispatched,
        ShipmentStatus::Delivered => wire::ShipmentStatus::Delivered,
        ShipmentStatus::Cancelled => wire::ShipmentStatus::Cancelled,
        ShipmentStatus::Failed => wire::ShipmentStatus::Failed,
    }
}

pub(super) fn shipment_to_wire(found: &Found) -> wire::Shipment {
    let shipment = &found.shipment;
    wire::Shipment {
        shipment_id: shipment.id.to_string(),
        order_id: found.order_id.to_string(),
        warehouse_id: shipment.warehouse_id.to_string(),
        seller_id: found.parties.seller_id.to_string(),
        ship_to: Some(address_to_wire(&found.ship_to)),
        status: status_to_wire(found.status).into(),
        lines: lines_to_wire(&shipment.holds),
        parcels: shipment.parcels.values().map(parcel_to_wire).collect(),
        create_time: Some(timestamp_to_wire(found.created_at)),
        update_time: Some(timestamp_to_wire(found.updated_at)),
        shipping_service: found.service.to_string(),
        stopped_lines: lines_to_wire(&shipment.stopped),
    }
}

fn parcel_to_wire(parcel: &Parcel) -> wire::Parcel {
    let (status, delivered_at, failed) = match parcel.state {
        ParcelState::Dispatched => (wire::ParcelStatus::Dispatched, None, None),
        ParcelState::Delivered { at } => (wire::ParcelStatus::Delivered, Some(at), None),
        ParcelState::Failed { failure, at } => (wire::ParcelStatus::Failed, None, Some((failure, at))),
    };
    wire::Parcel {
        parcel_id: parcel.id.to_string(),
        carrier: parcel.carrier.to_string(),
        tracking_number: parcel.tracking_number.to_string(),
        lines: lines_to_wire(&parcel.contents),
        status: status.into(),
        dispatch_time: Some(timestamp_to_wire(parcel.dispatched_at)),
        deliver_time: delivered_at.map(timestamp_to_wire),
        failure: failed.map_or(wire::ParcelFailure::Unspecified, |(failure, _)| failure_to_wire(failure)).into(),
        fail_time: failed.map(|(_, at)| timestamp_to_wire(at)),
    }
}

pub(super) fn return_to_wire(found: &FoundReturn) -> wire::Return {
    let goods_return = &found.goods_return;
    let (refund_number, parcel_id) = match goods_return.origin {
        ReturnOrigin::Refund(refund_number) => (refund_number, String::new()),
        ReturnOrigin::Parcel(parcel_id) => (0, parcel_id.to_string()),
    };
    let status = match goods_return.status {
        ReturnStatus::Open => wire::ReturnStatus::Open,
        ReturnStatus::Received => wire::ReturnStatus::Received,
    };
    wire::Return {
        return_id: goods_return.id.to_string(),
        order_id: found.order_id.to_string(),
        refund_number,
        parcel_id,
        status: status.into(),
        lines: goods_return.awaited.iter().flat_map(|(id, contents)| returned_to_wire(*id, contents)).collect(),
        received: received_to_wire(&goods_return.received()),
        create_time: Some(timestamp_to_wire(found.created_at)),
        update_time: Some(timestamp_to_wire(found.updated_at)),
        labels: goods_return.labels.iter().map(|(id, label)| label_to_wire(*id, label)).collect(),
    }
}

fn label_to_wire(warehouse_id: WarehouseId, label: &ReturnLabel) -> wire::ReturnLabel {
    wire::ReturnLabel {
        warehouse_id: warehouse_id.to_string(),
        carrier: label.carrier.to_string(),
        tracking_number: label.tracking_number.to_string(),
        status: return_parcel_status_to_wire(label.status).into(),
        buy_time: Some(timestamp_to_wire(label.bought_at)),
        move_time: label.moved_at.map(timestamp_to_wire),
    }
}

fn returned_to_wire(warehouse_id: WarehouseId, contents: &Contents) -> impl Iterator<Item = wire::ReturnedLine> {
    let line = move |(sku, quantity): (&Sku, i64)| wire::ReturnedLine {
        sku: sku.to_string(),
        warehouse_id: warehouse_id.to_string(),
        quantity,
    };
    contents.lines().map(line)
}
