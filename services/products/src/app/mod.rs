//! The use cases: a command or a question, and one function each.

pub mod batch_get_variants;
pub mod change_price;
pub mod create_product;
mod error;
pub mod get_product;
pub mod list_price_history;
pub mod list_products;
pub mod publish_product;
pub mod unpublish_product;

use kernel::Decision;
use messaging::{Cause, UnitOfWork};

use crate::adapters::events::encode;
use crate::adapters::postgres::product::{self, Stored};
use crate::domain::{Authority, Event, Refusal};

pub use error::Error;

/// The product if the caller may act for its seller; otherwise `refusal`, as if it did not exist.
fn owned(stored: Option<Stored>, authority: Authority, refusal: Refusal) -> Result<Stored, Refusal> {
    stored.filter(|stored| authority.covers(stored.product.seller_id)).ok_or(refusal)
}

/// Records what became true and saves the product's row; answers whether anything changed.
async fn conclude(
    unit: &mut UnitOfWork,
    stored: &mut Stored,
    decision: Decision<Event, Refusal>,
    cause: &Cause,
) -> Result<bool, Error> {
    match decision {
        Decision::Applied(events) => {
            for event in &events {
                unit.record(&mut stored.head, cause, encode(event))?;
            }
            product::update(unit.tx(), stored).await?;
            Ok(true)
        }
        Decision::AlreadyApplied | Decision::Ignored(_) => Ok(false),
        Decision::Refused(refusal) => Err(refusal.into()),
    }
}
