//! Takes a SKU out of a cart.

use kernel::Sku;
use messaging::{Cause, UnitOfWork};

use super::{Error, conclude, load};
use crate::adapters::postgres::cart::Stored;
use crate::domain::{CartId, Visitor};

/// Takes a SKU out of a cart.
#[derive(Debug)]
pub struct RemoveLine {
    /// The cart.
    pub cart_id: CartId,
    /// Who wants to open it.
    pub visitor: Visitor,
    /// The variant.
    pub sku: Sku,
    /// Who asks.
    pub cause: Cause,
}

/// Takes it out.
pub async fn remove_line(unit: &mut UnitOfWork, command: RemoveLine) -> Result<Stored, Error> {
    let mut stored = load(unit, command.cart_id, &command.visitor).await?;
    let decision = stored.cart.remove(&command.sku, unit.now());
    conclude(unit, stored, decision, &command.cause).await
}
