//! Puts a product on sale.

use messaging::{Cause, UnitOfWork};

use super::{Error, conclude, owned};
use crate::adapters::postgres::product::{self, Stored};
use crate::domain::{Authority, ProductId, Refusal};

/// Puts a product on sale.
#[derive(Debug)]
pub struct PublishProduct {
    /// For whom the caller may act.
    pub authority: Authority,
    /// The product.
    pub product_id: ProductId,
    /// Who asks.
    pub cause: Cause,
}

/// Publishes it; one that is on sale already is answered as it is.
pub async fn publish_product(unit: &mut UnitOfWork, command: PublishProduct) -> Result<Stored, Error> {
    let stored = product::load(unit.tx(), command.product_id).await?;
    let mut stored = owned(stored, command.authority, Refusal::ProductNotFound)?;
    let decision = stored.product.publish(unit.now());
    conclude(unit, &mut stored, decision, &command.cause).await?;
    Ok(stored)
}
