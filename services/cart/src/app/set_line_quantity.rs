//! Sets how many units of a SKU a cart holds.

use kernel::Sku;
use messaging::{Cause, UnitOfWork};

use super::{Error, conclude, load};
use crate::adapters::postgres::cart::Stored;
use crate::domain::{CartId, LineQuantity, Visitor};

/// Sets how many units of a SKU a cart holds.
#[derive(Debug)]
pub struct SetLineQuantity {
    /// The cart.
    pub cart_id: CartId,
    /// Who wants to open it.
    pub visitor: Visitor,
    /// The variant.
    pub sku: Sku,
    /// How many units from now on.
    pub quantity: LineQuantity,
    /// Who asks.
    pub cause: Cause,
}

/// Sets it.
pub async fn set_line_quantity(unit: &mut UnitOfWork, command: SetLineQuantity) -> Result<Stored, Error> {
    let mut stored = load(unit, command.cart_id, &command.visitor).await?;
    let decision = stored.cart.set_quantity(&command.sku, command.quantity, unit.now());
    conclude(unit, stored, decision, &command.cause).await
}
