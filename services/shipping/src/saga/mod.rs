//! What shipping does in each saga. Pure: the same functions run in the service, in the tests and in the model checker.

#[cfg(test)]
mod fixtures;
pub mod fulfilment;
#[cfg(test)]
mod properties;
pub mod refund;

use kernel::{Decision, Timestamp};

use crate::domain::error::ShippingError;
use crate::domain::event::Event;
use crate::domain::fact::Fact;
use crate::domain::world::World;

/// What becomes of a fact that concerns a consignment.
pub type Answer = Decision<Event, ShippingError>;

/// Decides what a fact does to the consignments.
pub fn decide(world: &mut World, fact: &Fact, now: Timestamp) -> Answer {
    match fact {
        Fact::ShipRequested { order_id, instruction } => fulfilment::on_ship_requested(world, *order_id, instruction),
        Fact::StopRequested { order_id, refund_number } => {
            fulfilment::on_stop_requested(world, *order_id, *refund_number)
        }
        Fact::PartStopRequested { order_id, refund_number, asked } => {
            refund::on_part_stop_requested(world, *order_id, *refund_number, asked)
        }
        Fact::DispatchRequested(dispatch) => fulfilment::on_dispatch_requested(world, dispatch, now),
        Fact::DeliveryReported { order_id, shipment_id, parcel_id } => {
            fulfilment::on_delivery_reported(world, (*order_id, *shipment_id, *parcel_id), now)
        }
        Fact::FailureReported { order_id, shipment_id, parcel_id, failure } => {
            fulfilment::on_failure_reported(world, (*order_id, *shipment_id, *parcel_id), *failure, now)
        }
        Fact::CashRemitted { order_id, amount, reference } => {
            fulfilment::on_cash_remitted(world, *order_id, *amount, reference)
        }
        Fact::ReturnRequested { order_id, refund_number, asked } => {
            refund::on_return_requested(world, *order_id, *refund_number, asked)
        }
        Fact::RefundWithoutGoods { kind, .. } => refund::on_refund_without_goods(*kind),
        Fact::ReturnLabelBought(bought) => refund::on_return_label_bought(world, bought, now),
        Fact::ReturnParcelSeen { order_id, return_id, warehouse_id, status } => {
            refund::on_return_parcel_seen(world, (*order_id, *return_id, *warehouse_id), *status, now)
        }
        Fact::GoodsReceived(receipt) => refund::on_goods_received(world, receipt),
    }
}
