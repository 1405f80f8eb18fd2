//! Somebody found stock held for an order that has ended, or never was.

use messaging::{Cause, Caused, UnitOfWork, react};

use super::Error;
use crate::Inventory;
use crate::adapters::postgres;
use crate::domain::fact::Fact;
use crate::domain::ids::OrderId;
use crate::domain::reservation::Reservation;

/// Decides as if the end of the order were heard of now, and answers the reservation as it is then, with its version. One that
/// holds nothing stays as it is.
pub async fn release_reservation(
    unit: &mut UnitOfWork,
    inventory: &Inventory,
    order_id: OrderId,
    actor: String,
) -> Result<(Reservation, i64), Error> {
    // A command would leave a tombstone where nothing is known; only a fact of orders says that nothing is to come.
    if postgres::find_reservation(unit.tx(), order_id).await?.is_none() {
        return Err(Error::ReservationNotFound);
    }
    for outcome in
        react(inventory, unit, &[Caused { fact: Fact::OrderEnded(order_id), cause: Cause::command(actor) }]).await?
    {
        outcome.accepted()?;
    }
    postgres::find_reservation(unit.tx(), order_id).await?.ok_or(Error::ReservationNotFound)
}
