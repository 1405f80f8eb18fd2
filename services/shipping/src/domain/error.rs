//! Why a fact may not happen to a consignment.

use kernel::{Classified, ErrorKind, Money, Sku};

use super::ids::{OrderId, ParcelId, RefundNumber, ReturnId, ShipmentId, WarehouseId};

/// Why a fact may not happen to a consignment.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShippingError {
    /// Nothing is to be sent for the order, or it is none of the caller's business.
    #[error("nothing is to be sent for an order {0}")]
    OrderNotFound(OrderId),
    /// There is no such shipment, or it is none of the caller's business.
    #[error("there is no shipment {0}")]
    ShipmentNotFound(ShipmentId),
    /// The shipment has no such parcel.
    #[error("the shipment has no parcel {0}")]
    ParcelNotFound(ParcelId),
    /// Orders say of one order two things that exclude each other.
    #[error("order {0} is sent already, by another instruction")]
    OtherInstruction(OrderId),
    /// The order, or all that the shipment holds, was stopped, and nothing of it may leave.
    #[error("shipment {0} is cancelled")]
    Cancelled(ShipmentId),
    /// More would leave than the shipment holds and was not stopped.
    #[error("shipment {shipment_id} has {left} units of {sku} left, and {asked} are to leave")]
    MoreThanOrdered {
        /// The shipment.
        shipment_id: ShipmentId,
        /// The variant.
        sku: Sku,
        /// Units that are to leave.
        asked: i64,
        /// Units that have not left.
        left: i64,
    },
    /// The shipment holds nothing of that.
    #[error("shipment {shipment_id} holds no {sku}")]
    NotInShipment {
        /// The shipment.
        shipment_id: ShipmentId,
        /// The variant.
        sku: Sku,
    },
    /// Everything has left that was not stopped.
    #[error("everything of shipment {0} has left that is to")]
    NothingLeft(ShipmentId),
    /// The parcel was delivered, for good.
    #[error("parcel {0} was delivered")]
    ParcelDelivered(ParcelId),
    /// The parcel was lost, refused or returned to its sender, for good.
    #[error("parcel {0} failed")]
    ParcelFailed(ParcelId),
    /// Nothing comes back under that id, or it is none of the caller's business.
    #[error("there is no return {0}")]
    ReturnNotFound(ReturnId),
    /// Orders say of one refund two things that exclude each other.
    #[error("other goods are sent back for refund {refund_number} of order {order_id} already")]
    OtherReturn {
        /// The order.
        order_id: OrderId,
        /// Which of its refunds.
        refund_number: RefundNumber,
    },
    /// Orders say of one refund that it stops two things that exclude each other.
    #[error("refund {refund_number} of order {order_id} was to stop something else before")]
    OtherPart {
        /// The order.
        order_id: OrderId,
        /// Which of its refunds.
        refund_number: RefundNumber,
    },
    /// More is to be stopped than the order has, whether it has left or not.
    #[error("order {order_id} has {left} units of {sku} that were not stopped before, and {asked} are to be")]
    StopsMoreThanOrdered {
        /// The order.
        order_id: OrderId,
        /// The variant.
        sku: Sku,
        /// Units that are to be stopped.
        asked: i64,
        /// Units that have left or may.
        left: i64,
    },
    /// More would be sent back than the buyer has.
    #[error("{left} units of {sku} of order {order_id} are with the buyer, and {asked} are to be sent back")]
    MoreThanDelivered {
        /// The order.
        order_id: OrderId,
        /// The variant.
        sku: Sku,
        /// Units that are to be sent back.
        asked: i64,
        /// Units that were delivered, and are neither back nor on their way.
        left: i64,
    },
    /// Nothing of that comes back.
    #[error("no {sku} comes back by return {return_id}")]
    NotInReturn {
        /// The return.
        return_id: ReturnId,
        /// The variant.
        sku: Sku,
    },
    /// More came back than was sent back.
    #[error("{left} units of {sku} are awaited by return {return_id}, and {came} came")]
    MoreThanReturned {
        /// The return.
        return_id: ReturnId,
        /// The variant.
        sku: Sku,
        /// Units that came, in one condition.
        came: i64,
        /// Units that are awaited.
        left: i64,
    },
    /// Nothing more is awaited.
    #[error("return {0} is complete")]
    ReturnComplete(ReturnId),
    /// Nothing of the return goes to that warehouse, or all that does has come.
    #[error("nothing of return {return_id} is awaited in warehouse {warehouse_id}")]
    NotAwaitedThere {
        /// The return.
        return_id: ReturnId,
        /// The warehouse.
        warehouse_id: WarehouseId,
    },
    /// It is of a parcel that failed, which its carrier brings back without a label of ours.
    #[error("return {0} is of a parcel that failed: its carrier brings it back by itself")]
    ComesBackByItself(ReturnId),
    /// Whoever brought the goods does not take them back.
    #[error(
        "no carrier that brought the goods of return {return_id} from warehouse {warehouse_id} sells labels for the way back"
    )]
    NoReturnCarrier {
        /// The return.
        return_id: ReturnId,
        /// The warehouse.
        warehouse_id: WarehouseId,
    },
    /// The carrier saw a parcel under a label that was not bought.
    #[error("return {return_id} has no label to warehouse {warehouse_id}")]
    LabelNotFound {
        /// The return.
        return_id: ReturnId,
        /// The warehouse.
        warehouse_id: WarehouseId,
    },
    /// One label is enough.
    #[error("return {return_id} has another label to warehouse {warehouse_id}")]
    OtherLabel {
        /// The return.
        return_id: ReturnId,
        /// The warehouse.
        warehouse_id: WarehouseId,
    },
    /// The order was paid for before it was sent: no carrier collects anything.
    #[error("order {0} is not paid in cash on delivery")]
    NotCashOnDelivery(OrderId),
    /// Cash is collected at the door, so there can be none before everything was delivered that did not fail, nor without anything.
    #[error("order {0} is not delivered as a whole")]
    NotDelivered(OrderId),
    /// It is not the amount that was to be collected, less the share of what failed.
    #[error("{due} were to be collected for order {order_id}, and {amount} are passed on")]
    RemittanceMismatch {
        /// The order.
        order_id: OrderId,
        /// What was to be collected for what arrived.
        due: Money,
        /// What is passed on.
        amount: Money,
    },
    /// The cash was passed on before, under another reference.
    #[error("what was collected for order {0} was passed on before")]
    AlreadyRemitted(OrderId),
}

impl Classified for ShippingError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::OrderNotFound(_)
            | Self::ShipmentNotFound(_)
            | Self::ParcelNotFound(_)
            | Self::ReturnNotFound(_)
            | Self::LabelNotFound { .. } => ErrorKind::NotFound,
            Self::OtherInstruction(_)
            | Self::Cancelled(_)
            | Self::MoreThanOrdered { .. }
            | Self::NotInShipment { .. }
            | Self::NothingLeft(_)
            | Self::ParcelDelivered(_)
            | Self::ParcelFailed(_)
            | Self::OtherReturn { .. }
            | Self::OtherPart { .. }
            | Self::StopsMoreThanOrdered { .. }
            | Self::MoreThanDelivered { .. }
            | Self::NotInReturn { .. }
            | Self::MoreThanReturned { .. }
            | Self::ReturnComplete(_)
            | Self::NotAwaitedThere { .. }
            | Self::ComesBackByItself(_)
            | Self::NoReturnCarrier { .. }
            | Self::OtherLabel { .. }
            | Self::NotCashOnDelivery(_)
            | Self::NotDelivered(_)
            | Self::RemittanceMismatch { .. }
            | Self::AlreadyRemitted(_) => ErrorKind::FailedPrecondition,
        }
    }

    fn reason(&self) -> &'static str {
        match self {
            Self::OrderNotFound(_) => "ORDER_NOT_FOUND",
            Self::ShipmentNotFound(_) => "SHIPMENT_NOT_FOUND",
            Self::ParcelNotFound(_) => "PARCEL_NOT_FOUND",
            Self::OtherInstruction(_) => "OTHER_INSTRUCTION",
            Self::Cancelled(_) => "SHIPMENT_CANCELLED",
            Self::MoreThanOrdered { .. } => "MORE_THAN_ORDERED",
            Self::NotInShipment { .. } => "NOT_IN_SHIPMENT",
            Self::NothingLeft(_) => "NOTHING_LEFT",
            Self::ParcelDelivered(_) => "PARCEL_DELIVERED",
            Self::ParcelFailed(_) => "PARCEL_FAILED",
            Self::ReturnNotFound(_) => "RETURN_NOT_FOUND",
            Self::OtherReturn { .. } => "OTHER_RETURN",
            Self::OtherPart { .. } => "OTHER_PART",
            Self::StopsMoreThanOrdered { .. } => "STOPS_MORE_THAN_ORDERED",
            Self::MoreThanDelivered { .. } => "MORE_THAN_DELIVERED",
            Self::NotInReturn { .. } => "NOT_IN_RETURN",
            Self::MoreThanReturned { .. } => "MORE_THAN_RETURNED",
            Self::ReturnComplete(_) => "RETURN_COMPLETE",
            Self::NotAwaitedThere { .. } => "NOT_AWAITED_THERE",
            Self::ComesBackByItself(_) => "COMES_BACK_BY_ITSELF",
            Self::NoReturnCarrier { .. } => "NO_RETURN_CARRIER",
            Self::LabelNotFound { .. } => "LABEL_NOT_FOUND",
            Self::OtherLabel { .. } => "OTHER_LABEL",
            Self::NotCashOnDelivery(_) => "NOT_CASH_ON_DELIVERY",
            Self::NotDelivered(_) => "NOT_DELIVERED",
            Self::RemittanceMismatch { .. } => "REMITTANCE_MISMATCH",
            Self::AlreadyRemitted(_) => "ALREADY_REMITTED",
        }
    }
}
