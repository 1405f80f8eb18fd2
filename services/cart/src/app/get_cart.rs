//! Reads a cart.

use messaging::EventStore;

use super::{Error, opened};
use crate::adapters::postgres::cart::{self, Stored};
use crate::adapters::postgres::snapshot;
use crate::domain::{CartId, Visitor};

/// The cart, if there is one that the visitor may open.
pub async fn get_cart(store: &EventStore, cart_id: CartId, visitor: &Visitor) -> Result<Stored, Error> {
    let stored = cart::find(&mut *snapshot(store.pool()).await?, cart_id).await?;
    Ok(opened(stored, visitor)?)
}
