//! What becomes true of a consignment. Each is one entry of its history.

use std::collections::BTreeMap;

use kernel::Money;

use super::consignment::RemittanceReference;
use super::contents::Contents;
use super::goods_return::{Received, ReturnOrigin};
use super::ids::{OrderId, ParcelId, RefundNumber, ReturnId, ShipmentId, WarehouseId};
use super::parcel::{Carrier, Parcel, ParcelFailure, TrackingNumber};
use super::return_label::ReturnParcelStatus;

/// What becomes true of a consignment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A warehouse is to send what it holds for the order.
    ShipmentCreated {
        /// The order.
        order_id: OrderId,
        /// The shipment.
        shipment_id: ShipmentId,
        /// The warehouse.
        warehouse_id: WarehouseId,
        /// What it holds in all.
        holds: Contents,
    },
    /// A parcel left the warehouse.
    ShipmentDispatched {
        /// The order.
        order_id: OrderId,
        /// The shipment.
        shipment_id: ShipmentId,
        /// The warehouse that it left.
        warehouse_id: WarehouseId,
        /// The parcel.
        parcel: Parcel,
        /// What of the shipment has left so far, this parcel included.
        dispatched: Contents,
        /// Whether every unit of the order has left.
        order_dispatched: bool,
    },
    /// A parcel was handed to its recipient.
    ShipmentDelivered {
        /// The order.
        order_id: OrderId,
        /// The shipment.
        shipment_id: ShipmentId,
        /// The parcel.
        parcel_id: ParcelId,
        /// Whether every unit of the order was delivered that did not fail.
        order_delivered: bool,
    },
    /// A parcel was lost, refused or returned to its sender.
    ShipmentFailed {
        /// The order.
        order_id: OrderId,
        /// The shipment.
        shipment_id: ShipmentId,
        /// The parcel.
        parcel_id: ParcelId,
        /// Why.
        failure: ParcelFailure,
        /// What is in it.
        contents: Contents,
        /// Whether every other unit of the order was delivered or failed, and one was delivered.
        order_delivered: bool,
        /// Whether every unit of the order failed.
        order_failed: bool,
    },
    /// A label was bought by which the buyer sends goods back.
    ReturnLabelBought(LabelBought),
    /// A parcel that the buyer sends back is somewhere else than before.
    ReturnParcelMoved(ParcelMoved),
    /// Goods came back.
    ReturnReceived {
        /// The order.
        order_id: OrderId,
        /// The return.
        return_id: ReturnId,
        /// Why they came back.
        origin: ReturnOrigin,
        /// What came now.
        received: Received,
        /// What came back of the order so far.
        order_received: Received,
        /// What of this return is accepted so far.
        accepted: Contents,
        /// Whether nothing more is awaited of this return.
        complete: bool,
    },
    /// Nothing of the order has left, and nothing will.
    ShipmentCancelled {
        /// The order.
        order_id: OrderId,
        /// The refund that wanted it; none for a cancellation.
        refund_number: Option<RefundNumber>,
    },
    /// Units of the order will not leave.
    PartCancelled(StoppedPart),
    /// The order's parcels, or a part of them, cannot be stopped any more: too much has left.
    ShipmentCancelRefused {
        /// The order.
        order_id: OrderId,
        /// The refund that wanted it; none for a cancellation.
        refund_number: Option<RefundNumber>,
    },
    /// The carrier passed on what it collected.
    CashCollected {
        /// The order.
        order_id: OrderId,
        /// How much.
        amount: Money,
        /// The carrier's reference.
        reference: RemittanceReference,
    },
}

/// Units of an order that will not leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoppedPart {
    /// The order.
    pub order_id: OrderId,
    /// The refund that wanted it.
    pub refund_number: RefundNumber,
    /// What it stops, and where.
    pub stopped: BTreeMap<WarehouseId, Contents>,
    /// What was stopped part by part so far, this part included.
    pub order_stopped: BTreeMap<WarehouseId, Contents>,
    /// Whether every other unit of the order has left, and there is one.
    pub order_dispatched: bool,
    /// Whether every other unit of the order was delivered that did not fail, and there is one.
    pub order_delivered: bool,
    /// Whether every other unit of the order failed, and there is one.
    pub order_failed: bool,
}

/// A label that was bought for what a buyer sends back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelBought {
    /// The order.
    pub order_id: OrderId,
    /// The return.
    pub return_id: ReturnId,
    /// The refund that waits for the goods.
    pub refund_number: RefundNumber,
    /// The warehouse that the parcel goes to.
    pub warehouse_id: WarehouseId,
    /// Who carries it.
    pub carrier: Carrier,
    /// The carrier's number for it.
    pub tracking_number: TrackingNumber,
}

/// Where a parcel is now that a buyer sends back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParcelMoved {
    /// The order.
    pub order_id: OrderId,
    /// The return.
    pub return_id: ReturnId,
    /// The refund that waits for the goods.
    pub refund_number: RefundNumber,
    /// The warehouse that it goes to.
    pub warehouse_id: WarehouseId,
    /// Where it is.
    pub status: ReturnParcelStatus,
}
