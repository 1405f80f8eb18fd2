//! Takes every line out of a cart.

use messaging::{Cause, UnitOfWork};

use super::{Error, conclude, load};
use crate::adapters::postgres::cart::Stored;
use crate::domain::{CartId, Visitor};

/// Takes every line out of a cart.
#[derive(Debug)]
pub struct ClearCart {
    /// The cart.
    pub cart_id: CartId,
    /// Who wants to open it.
    pub visitor: Visitor,
    /// Who asks.
    pub cause: Cause,
}

/// Takes them out.
pub async fn clear_cart(unit: &mut UnitOfWork, command: ClearCart) -> Result<Stored, Error> {
    let mut stored = load(unit, command.cart_id, &command.visitor).await?;
    let decision = stored.cart.clear(unit.now());
    conclude(unit, stored, decision, &command.cause).await
}
