//! Opens a cart.

use kernel::Currency;
use messaging::{Cause, Head, UnitOfWork};

use super::Error;
use crate::adapters::events::encode;
use crate::adapters::postgres::cart::{self, Stored};
use crate::domain::{BuyerId, Cart, CartId, GuestTokenSecret, Owner};

/// Opens an empty cart.
#[derive(Debug)]
pub struct CreateCart {
    /// The buyer; none for a guest.
    pub buyer_id: Option<BuyerId>,
    /// The currency of its prices.
    pub currency: Currency,
    /// Who asks.
    pub cause: Cause,
}

/// Opens it. A guest's cart is opened from then on by the token that `secret` gives it.
pub async fn create_cart(
    unit: &mut UnitOfWork,
    secret: &GuestTokenSecret,
    command: CreateCart,
) -> Result<Stored, Error> {
    let id = CartId::generate();
    let owner = match command.buyer_id {
        Some(buyer_id) => Owner::Buyer(buyer_id),
        None => Owner::Guest(secret.token_of(id).hash()),
    };
    let (cart, event) = Cart::open(id, owner, command.currency, unit.now());
    let mut head = Head::begin(id.uuid());
    unit.record(&mut head, &command.cause, encode(&event))?;
    let stored = Stored { cart, head };
    cart::insert(unit.tx(), &stored).await?;
    Ok(stored)
}
