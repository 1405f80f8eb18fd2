//! Creates a product.

use messaging::{Cause, Head, UnitOfWork};

use super::Error;
use crate::adapters::events::encode;
use crate::adapters::postgres::product::{self, Stored};
use crate::domain::{Authority, Event, NewProduct, ProductId, Refusal};

/// Creates a product as a draft.
#[derive(Debug)]
pub struct CreateProduct {
    /// For whom the caller may act.
    pub authority: Authority,
    /// What it is made of.
    pub product: NewProduct,
    /// Who asks.
    pub cause: Cause,
}

/// Creates it. On an error the unit of work must not be committed.
pub async fn create_product(unit: &mut UnitOfWork, command: CreateProduct) -> Result<Stored, Error> {
    if !command.authority.covers(command.product.seller_id) {
        return Err(Refusal::NotYourSeller.into());
    }
    let product = command.product.create(ProductId::generate(), unit.now())?;
    let mut head = Head::begin(product.id.uuid());
    unit.record(&mut head, &command.cause, encode(&Event::Created(product.clone())))?;
    let stored = Stored { product, head };
    match product::insert(unit.tx(), &stored).await? {
        taken if taken.is_empty() => Ok(stored),
        taken => Err(Refusal::SkusTaken(taken).into()),
    }
}
