//! What shipping reacts to: what orders say, and what warehouses, sellers and carriers do.

use kernel::Money;

use super::consignment::{Instruction, RemittanceReference};
use super::contents::Contents;
use super::goods_return::Goods;
use super::ids::{OrderId, ParcelId, ReceiptId, RefundNumber, ReturnId, ShipmentId, WarehouseId};
use super::parcel::{Carrier, ParcelFailure, TrackingNumber};
use super::return_label::ReturnParcelStatus;

/// What shipping reacts to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// orders: the goods of an order may leave.
    ShipRequested {
        /// The order.
        order_id: OrderId,
        /// What is to be sent. Boxed: it is many times larger than the other facts.
        instruction: Box<Instruction>,
    },
    /// orders: what may leave is to be stopped, because somebody wants to cancel the order or wants the money back.
    StopRequested {
        /// The order.
        order_id: OrderId,
        /// The refund that wants it; none for a cancellation.
        refund_number: Option<RefundNumber>,
    },
    /// orders: units of what may leave are to be stopped, because somebody wants the money for them back.
    PartStopRequested {
        /// The order.
        order_id: OrderId,
        /// Which of its refunds.
        refund_number: RefundNumber,
        /// What is to be stopped.
        asked: Contents,
    },
    /// orders: the buyer sends goods back, and a refund waits for them.
    ReturnRequested {
        /// The order.
        order_id: OrderId,
        /// Which of its refunds.
        refund_number: RefundNumber,
        /// What is sent back.
        asked: Contents,
    },
    /// orders: money is wanted back, and no goods move for it.
    RefundWithoutGoods {
        /// The order.
        order_id: OrderId,
        /// Why none do.
        kind: WithoutGoods,
    },
    /// A command: a parcel is handed to a carrier.
    DispatchRequested(Dispatch),
    /// A command: a carrier handed a parcel to its recipient.
    DeliveryReported {
        /// The order.
        order_id: OrderId,
        /// The shipment.
        shipment_id: ShipmentId,
        /// The parcel.
        parcel_id: ParcelId,
    },
    /// A command: a carrier could not hand a parcel to its recipient.
    FailureReported {
        /// The order.
        order_id: OrderId,
        /// The shipment.
        shipment_id: ShipmentId,
        /// The parcel.
        parcel_id: ParcelId,
        /// Why.
        failure: ParcelFailure,
    },
    /// A command: a label for the way back was bought.
    ReturnLabelBought(BoughtLabel),
    /// A command: a carrier saw a parcel that is on its way back.
    ReturnParcelSeen {
        /// The order.
        order_id: OrderId,
        /// The return.
        return_id: ReturnId,
        /// The warehouse that the parcel goes to.
        warehouse_id: WarehouseId,
        /// How far it is, at least.
        status: ReturnParcelStatus,
    },
    /// A command: goods came back.
    GoodsReceived(Receipt),
    /// A command: a carrier passed on what it collected.
    CashRemitted {
        /// The order.
        order_id: OrderId,
        /// How much.
        amount: Money,
        /// The carrier's reference.
        reference: RemittanceReference,
    },
}

impl Fact {
    /// The order that it concerns.
    pub const fn order_id(&self) -> OrderId {
        match self {
            Self::ShipRequested { order_id, .. }
            | Self::StopRequested { order_id, .. }
            | Self::PartStopRequested { order_id, .. }
            | Self::ReturnRequested { order_id, .. }
            | Self::RefundWithoutGoods { order_id, .. }
            | Self::DispatchRequested(Dispatch { order_id, .. })
            | Self::DeliveryReported { order_id, .. }
            | Self::FailureReported { order_id, .. }
            | Self::ReturnLabelBought(BoughtLabel { order_id, .. })
            | Self::ReturnParcelSeen { order_id, .. }
            | Self::GoodsReceived(Receipt { order_id, .. })
            | Self::CashRemitted { order_id, .. } => *order_id,
        }
    }
}

/// A parcel that is handed to a carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispatch {
    /// The order.
    pub order_id: OrderId,
    /// The shipment that it is taken from.
    pub shipment_id: ShipmentId,
    /// The parcel.
    pub parcel_id: ParcelId,
    /// What is to be in it; nothing in particular means everything that has not left.
    pub asked: Contents,
    /// The carrier.
    pub carrier: Carrier,
    /// The carrier's number for it.
    pub tracking_number: TrackingNumber,
}

/// A label that was bought for the way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoughtLabel {
    /// The order.
    pub order_id: OrderId,
    /// The return.
    pub return_id: ReturnId,
    /// The warehouse that the parcel goes to.
    pub warehouse_id: WarehouseId,
    /// Who carries it.
    pub carrier: Carrier,
    /// The carrier's number for it.
    pub tracking_number: TrackingNumber,
}

/// Why no goods move for money that goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithoutGoods {
    /// A parcel failed, which shipping said itself.
    ParcelFailed,
    /// The buyer keeps them.
    Goodwill,
}

/// Goods that came back at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The order.
    pub order_id: OrderId,
    /// The return.
    pub return_id: ReturnId,
    /// The receipt.
    pub receipt_id: ReceiptId,
    /// What came; there may be nothing, if nothing more is awaited.
    pub goods: Goods,
    /// Nothing more is awaited, whatever is missing.
    pub complete: bool,
}
