//! An operator records that a carrier delivered a parcel.

use messaging::{Cause, Caused, UnitOfWork, react};

use super::Error;
use crate::Shipping;
use crate::adapters::postgres::{self, Found};
use crate::domain::error::ShippingError;
use crate::domain::fact::Fact;
use crate::domain::ids::{OrderId, ParcelId, ShipmentId};

/// A parcel that was delivered.
#[derive(Clone, Debug)]
pub struct RecordDelivery {
    /// The order.
    pub order_id: OrderId,
    /// The shipment.
    pub shipment_id: ShipmentId,
    /// The parcel.
    pub parcel_id: ParcelId,
    /// The caller, for the history.
    pub actor: String,
}

/// Notes the delivery, and answers the shipment as it is then. A parcel that was delivered before stays as it is.
pub async fn record_delivery(
    unit: &mut UnitOfWork,
    shipping: Shipping,
    command: RecordDelivery,
) -> Result<Found, Error> {
    let RecordDelivery { order_id, shipment_id, parcel_id, actor } = command;
    let fact = Fact::DeliveryReported { order_id, shipment_id, parcel_id };
    for outcome in react(&shipping, unit, &[Caused { fact, cause: Cause::command(actor) }]).await? {
        outcome.accepted()?;
    }
    let found = postgres::find(unit.tx(), shipment_id).await?;
    Ok(found.ok_or(ShippingError::ShipmentNotFound(shipment_id))?)
}
