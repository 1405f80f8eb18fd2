//! A seller or an operator hands a parcel to a carrier.

use messaging::{Cause, Caused, UnitOfWork, react};

use super::Error;
use crate::Shipping;
use crate::adapters::postgres::{self, Found, TRACKING_NUMBER_TAKEN};
use crate::domain::contents::Contents;
use crate::domain::error::ShippingError;
use crate::domain::fact::{Dispatch, Fact};
use crate::domain::ids::{OrderId, ParcelId, ShipmentId};
use crate::domain::parcel::{Carrier, TrackingNumber};

/// A parcel to hand to a carrier.
#[derive(Clone, Debug)]
pub struct DispatchParcel {
    /// The order.
    pub order_id: OrderId,
    /// The shipment that it is taken from.
    pub shipment_id: ShipmentId,
    /// What is to be in it; nothing in particular means everything that has not left.
    pub asked: Contents,
    /// The carrier.
    pub carrier: Carrier,
    /// The carrier's number for it.
    pub tracking_number: TrackingNumber,
    /// The caller, for the history.
    pub actor: String,
}

/// Lets the parcel leave, and answers its id and the shipment as it is then.
pub async fn dispatch_parcel(
    unit: &mut UnitOfWork,
    shipping: Shipping,
    command: DispatchParcel,
) -> Result<(ParcelId, Found), Error> {
    let DispatchParcel { order_id, shipment_id, asked, carrier, tracking_number, actor } = command;
    let parcel_id = ParcelId::generate();
    let dispatch = Dispatch { order_id, shipment_id, parcel_id, asked, carrier, tracking_number };
    let caused = Caused { fact: Fact::DispatchRequested(dispatch), cause: Cause::command(actor) };
    for outcome in react(&shipping, unit, &[caused]).await.map_err(told_by_the_constraint)? {
        outcome.accepted()?;
    }
    let found = postgres::find(unit.tx(), shipment_id).await?;
    Ok((parcel_id, found.ok_or(ShippingError::ShipmentNotFound(shipment_id))?))
}

/// Whether a number is taken is nothing that an order's own shipments tell: only the database sees the parcels of all.
fn told_by_the_constraint(error: messaging::Error) -> Error {
    match error {
        messaging::Error::Database(sqlx::Error::Database(error))
            if error.constraint() == Some(TRACKING_NUMBER_TAKEN) =>
        {
            Error::TrackingNumberTaken
        }
        error => Error::Storage(error),
    }
}
