//! Takes a product off sale.

use messaging::{Cause, UnitOfWork};

use super::{Error, conclude, owned};
use crate::adapters::postgres::product::{self, Stored};
use crate::domain::{Authority, ProductId, Refusal};

/// Takes a product off sale.
#[derive(Debug)]
pub struct UnpublishProduct {
    /// For whom the caller may act.
    pub authority: Authority,
    /// The product.
    pub product_id: ProductId,
    /// Who asks.
    pub cause: Cause,
}

/// Unpublishes it.
pub async fn unpublish_product(unit: &mut UnitOfWork, command: UnpublishProduct) -> Result<Stored, Error> {
    let stored = product::load(unit.tx(), command.product_id).await?;
    let mut stored = owned(stored, command.authority, Refusal::ProductNotFound)?;
    let decision = stored.product.unpublish(unit.now());
    conclude(unit, &mut stored, decision, &command.cause).await?;
    Ok(stored)
}
