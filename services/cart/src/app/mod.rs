//! What buyers and guests ask of their carts: one file per use case.

pub mod add_line;
pub mod clear_cart;
pub mod create_cart;
mod error;
pub mod get_cart;
pub mod remove_line;
pub mod set_line_quantity;

use kernel::Decision;
use messaging::{Cause, UnitOfWork};

use crate::adapters::events::encode;
use crate::adapters::postgres::cart::{self, Stored};
use crate::domain::{CartId, Event, Refusal, Visitor};

pub use error::Error;

/// The cart if the visitor may open it; otherwise a refusal, as if it did not exist.
fn opened(stored: Option<Stored>, visitor: &Visitor) -> Result<Stored, Refusal> {
    stored.filter(|stored| stored.cart.owner().admits(visitor)).ok_or(Refusal::CartNotFound)
}

/// Loads and locks a cart that the visitor may open.
async fn load(unit: &mut UnitOfWork, cart_id: CartId, visitor: &Visitor) -> Result<Stored, Error> {
    Ok(opened(cart::load(unit.tx(), cart_id).await?, visitor)?)
}

/// Records what became true and saves it, and answers the cart.
async fn conclude(
    unit: &mut UnitOfWork,
    mut stored: Stored,
    decision: Decision<Event, Refusal>,
    cause: &Cause,
) -> Result<Stored, Error> {
    match decision {
        Decision::Applied(events) => {
            for event in &events {
                unit.record(&mut stored.head, cause, encode(event))?;
            }
            cart::save(unit.tx(), &stored, &events).await?;
            Ok(stored)
        }
        Decision::AlreadyApplied | Decision::Ignored(_) => Ok(stored),
        Decision::Refused(refusal) => Err(refusal.into()),
    }
}
