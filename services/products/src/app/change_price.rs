//! Changes a price.

use kernel::Sku;
use messaging::{Cause, UnitOfWork};

use super::{Error, conclude, owned};
use crate::adapters::postgres::{price, product};
use crate::domain::{Authority, Price, Refusal, UnitPrice};

/// Sets the price of a variant in the currency of `amount`.
#[derive(Debug)]
pub struct ChangePrice {
    /// For whom the caller may act.
    pub authority: Authority,
    /// The variant.
    pub sku: Sku,
    /// The new price of one unit.
    pub amount: UnitPrice,
    /// The version of the price that the caller saw; 0 for a currency that had none.
    pub expected_version: i64,
    /// Who asks.
    pub cause: Cause,
}

/// Changes it, and answers the price in force.
pub async fn change_price(unit: &mut UnitOfWork, command: ChangePrice) -> Result<Price, Error> {
    let ChangePrice { authority, sku, amount, expected_version, cause } = command;
    let stored = product::load_with_variant(unit.tx(), &sku).await?;
    let mut stored = owned(stored, authority, Refusal::VariantNotFound(sku.clone()))?;
    let decision = stored.product.change_price(&sku, amount, expected_version, unit.now());
    let is_changed = conclude(unit, &mut stored, decision, &cause).await?;
    let variant = stored.product.variant(&sku).expect("it was loaded with the variant");
    let price = variant.prices[&amount.currency()];
    if is_changed {
        price::insert(unit.tx(), &[(&sku, price)]).await?;
    }
    Ok(price)
}
