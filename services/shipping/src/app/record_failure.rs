//! An operator records that a carrier lost a parcel, or brings it back.

use messaging::{Cause, Caused, UnitOfWork, react};

use super::Error;
use crate::Shipping;
use crate::adapters::postgres::{self, Found};
use crate::domain::error::ShippingError;
use crate::domain::fact::Fact;
use crate::domain::ids::{OrderId, ParcelId, ShipmentId};
use crate::domain::parcel::ParcelFailure;

/// A parcel that does not arrive.
#[derive(Clone, Debug)]
pub struct RecordFailure {
    /// The order.
    pub order_id: OrderId,
    /// The shipment.
    pub shipment_id: ShipmentId,
    /// The parcel.
    pub parcel_id: ParcelId,
    /// Why.
    pub failure: ParcelFailure,
    /// The caller, for the history.
    pub actor: String,
}

/// Notes the failure, and answers the shipment as it is then. A parcel that failed before in the same way stays as it is.
pub async fn record_failure(unit: &mut UnitOfWork, shipping: Shipping, command: RecordFailure) -> Result<Found, Error> {
    let RecordFailure { order_id, shipment_id, parcel_id, failure, actor } = command;
    let fact = Fact::FailureReported { order_id, shipment_id, parcel_id, failure };
    for outcome in react(&shipping, unit, &[Caused { fact, cause: Cause::command(actor) }]).await? {
        outcome.accepted()?;
    }
    let found = postgres::find(unit.tx(), shipment_id).await?;
    Ok(found.ok_or(ShippingError::ShipmentNotFound(shipment_id))?)
}
