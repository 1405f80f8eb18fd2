//! Adds units of a SKU.

use messaging::{Cause, UnitOfWork};

use super::{Error, conclude, load};
use crate::adapters::postgres::cart::Stored;
use crate::domain::cart::Addition;
use crate::domain::{CartId, Offer, Visitor};

/// Adds units of what is offered.
#[derive(Debug)]
pub struct AddLine {
    /// The cart.
    pub cart_id: CartId,
    /// Who wants to open it.
    pub visitor: Visitor,
    /// What products says of the SKU. It was asked before the unit of work began.
    pub offer: Offer,
    /// The units.
    pub addition: Addition,
    /// Who asks.
    pub cause: Cause,
}

/// Adds them.
pub async fn add_line(unit: &mut UnitOfWork, command: AddLine) -> Result<Stored, Error> {
    let mut stored = load(unit, command.cart_id, &command.visitor).await?;
    let decision = stored.cart.add(&command.offer, command.addition, unit.now());
    conclude(unit, stored, decision, &command.cause).await
}
