//! The events that a story tells of, read from the journals. An event that is not listed here is told by its name alone.

use contracts::cart::v1::{CartCleared, CartCreated, CartLineAdded, CartLineQuantitySet, CartLineRemoved};
use contracts::checkout::v1::CheckoutSubmitted;
use contracts::inventory::v1::{
    BackInStock, InventoryBackordered, InventoryCommitRefused, InventoryCommitted, InventoryRejected,
    InventoryReleased, InventoryReserved, LowStock, OutOfStock, ReservationExpired, ReservationModified, StockAdded,
    StockAdjusted, StockRemoved, StockWrittenOff,
};
use contracts::orders::v1::{
    OrderBackordered, OrderCancellationRequested, OrderCancelled, OrderClosed, OrderConfirmed, OrderCreated,
    OrderDelivered, OrderFailed, OrderModified, OrderPaid, OrderRefunded, OrderShipped, RefundApproved,
    RefundCompleted, RefundRejected, RefundRequested,
};
use contracts::payments::v1::{
    CaptureFailed, PaymentAuthorized, PaymentCaptured, PaymentDeclined, PaymentRefunded, PaymentVoided, RefundFailed,
};
use contracts::shipping::v1::{
    CashCollected, ReturnLabelBought, ReturnParcelMoved, ReturnReceived, ShipmentCancelRefused, ShipmentCancelled,
    ShipmentCreated, ShipmentDelivered, ShipmentDispatched, ShipmentFailed,
};
use prost::{DecodeError, Message, Name};

macro_rules! events {
    ($($event:ident)*) => {
        /// An event that a story tells of, as its service meant it.
        #[derive(Debug, Clone, PartialEq)]
        pub(super) enum Event {
            $($event(Box<$event>),)*
            /// A newer release wrote it, or it belongs to no order.
            Unknown,
        }

        impl Event {
            pub(super) fn read(event_type: &str, payload: &[u8]) -> Result<Self, DecodeError> {
                $(
                    if event_type == $event::full_name() {
                        return Ok(Self::$event(Box::new($event::decode(payload)?)));
                    }
                )*
                Ok(Self::Unknown)
            }
        }
    };
}

events! {
    CartCreated CartLineAdded CartLineQuantitySet CartLineRemoved CartCleared
    CheckoutSubmitted
    OrderCreated OrderModified OrderBackordered OrderConfirmed OrderPaid OrderShipped OrderDelivered OrderFailed OrderCancelled OrderCancellationRequested
    RefundRequested RefundApproved RefundRejected RefundCompleted OrderRefunded OrderClosed
    InventoryReserved ReservationModified InventoryBackordered InventoryRejected InventoryCommitted InventoryCommitRefused ReservationExpired InventoryReleased
    StockAdded StockRemoved StockWrittenOff StockAdjusted OutOfStock BackInStock LowStock
    PaymentAuthorized PaymentDeclined PaymentCaptured CaptureFailed PaymentVoided PaymentRefunded RefundFailed
    ShipmentCreated ShipmentDispatched ShipmentDelivered ShipmentFailed ReturnLabelBought ReturnParcelMoved ReturnReceived
    CashCollected ShipmentCancelled ShipmentCancelRefused
}
